"""Choose a person's language: the address's, else the cookie's, else the browser's."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from amont_gateway.page.texts import LANGUAGES

LANG_COOKIE, YEAR_S = "amont_lang", 31_536_000


def language(request: Request) -> str:
    """Return the language asked for: in the address, else the cookie, else the browser's."""
    for asked in (request.query_params.get("lang"), request.cookies.get(LANG_COOKIE)):
        if asked in LANGUAGES:
            return str(asked)
    return preferred(request.headers.get("accept-language", ""))


def remember_language(request: Request, response: Response) -> None:
    """Keep a language that the address asked for."""
    lang = request.query_params.get("lang")
    if lang in LANGUAGES:
        response.set_cookie(LANG_COOKIE, str(lang), max_age=YEAR_S, samesite="lax", httponly=True)


def preferred(header: str) -> str:
    """Return the best of our languages for an Accept-Language ``header``; French if none is."""
    best, best_quality = LANGUAGES[0], 0.0
    for item in header.split(",")[:20]:
        tag, _, quality = item.strip().partition(";q=")
        lang = tag.strip().lower().partition("-")[0]
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        if lang in LANGUAGES and weight > best_quality:
            best, best_quality = lang, weight
    return best

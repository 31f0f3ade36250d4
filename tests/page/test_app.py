"""The page over HTTP: what it shows, what it refuses, and that a form acts once."""

import re

import httpx
import msgspec
import pytest
from tests.page.conftest import client_of
from tests.page.sample_views import HOSTILE, VIEWS

from amont_gateway.page.language import preferred
from amont_gateway.page.security import BODY_BYTES
from amont_gateway.page.stream import STILL_S, Pulse
from amont_gateway.view import LorawanState, Result, View

PIN = "7391-pin"
SUBMIT = {"kind": "acknowledge", "siren": "mairie", "person": "Anne Maire", "pin": PIN}


def token_in(html):
    return re.search(r'name="csrf" value="([^"]+)"', html).group(1)


def id_in(html):
    return re.search(r'name="id" value="([^"]+)"', html).group(1)


@pytest.fixture
def form(http):
    """Return the fields of a form that the page has just given out."""
    html = http.get("/").text
    return {**SUBMIT, "csrf": token_in(html), "id": id_in(html), "lang": "fr"}


def own(http):
    return {"Origin": str(http.base_url).rstrip("/")}


def send(http, form, path="/act", **headers):
    return http.post(path, data=form, headers={**own(http), **headers})


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_view_renders(http, script, name, lang):
    script.name = name
    answer = http.get(f"/?lang={lang}")
    assert answer.status_code == 200
    assert f'<html lang="{lang}">' in answer.text
    assert "undefined" not in answer.text


def test_an_empty_view_renders(http, script):
    empty = View(site="s", name={}, now_ms=0, guard_alive=False)

    def emptied(view):
        for field in View.__struct_fields__:
            setattr(view, field, getattr(empty, field))

    script.change = emptied
    answer = http.get("/")
    assert answer.status_code == 200
    assert "Aucune sirène" in answer.text


@pytest.mark.parametrize(("lang", "said"), [("fr", "nœud de ce site"), ("en", "no node of this")])
def test_what_lorawan_refused_stands_beside_the_nodes(http, script, lang, said):
    def carried(view):
        view.lorawan = LorawanState(
            server="ttn", state="ok", refused={"device": 7}, strangers=[HOSTILE[:12]],
            downlinks_day=8, downlinks_sent=1, downlinks_held_back=2,
        )  # fmt: skip

    script.change = carried
    html = http.get(f"/?lang={lang}").text
    assert "LoRaWAN" in html
    assert said in html
    assert "<script>ale" not in html


def test_headers_keep_strangers_out(http):
    answer = http.get("/")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    cookie = answer.headers["set-cookie"].lower()
    assert "samesite=strict" in cookie
    assert "httponly" in cookie
    assert not re.search(r"<[^>]+\s(?:style|on\w+)=", answer.text)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)


def test_without_script_the_page_reloads_itself(http):
    refresh = '<noscript><meta http-equiv="refresh" content="10"></noscript>'
    assert refresh in http.get("/").text
    assert 'http-equiv="refresh"' not in http.get("/siren/mairie/acknowledge").text


def test_languages(http):
    assert '<html lang="fr">' in http.get("/").text
    assert '<html lang="en">' in http.get("/", headers={"Accept-Language": "en-GB"}).text
    assert '<html lang="en">' in http.get("/?lang=en").text
    assert '<html lang="en">' in http.get("/").text  # the cookie remembers
    assert '<html lang="en">' in http.get("/?lang=tlh").text


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("", "fr"),
        ("de", "fr"),
        ("en-GB,en;q=0.9,fr;q=0.8", "en"),
        ("en;q=0.3, fr;q=0.7", "fr"),
        ("en;q=x,,;q=,fr;q=0", "fr"),
        ("de;q=0.9,en;q=0.1" + ",x" * 9000, "en"),
    ],
)
def test_accept_language(header, lang):
    assert preferred(header) == lang


def test_the_view_as_json(http, script):
    script.name = "faulted"
    view = msgspec.json.decode(http.get("/view.json").content, type=View)
    assert view.nodes[1].name["fr"] == HOSTILE
    assert view.sensors == VIEWS["faulted"](view.now_ms).sensors


def test_names_from_outside_are_text(http, script):
    script.name = "faulted"
    html = http.get("/").text
    assert "&lt;script&gt;alert(" in html
    assert "<script>alert" not in html
    assert "<img" not in html


def test_an_action_reaches_the_guard_once(http, script, form):
    first = send(http, form)
    again = send(http, form)
    assert (first.status_code, again.status_code) == (303, 303)
    assert first.headers["location"] == again.headers["location"]
    assert "Alarme vue." in http.get(first.headers["location"]).text
    (action,) = script.acts
    assert (action.kind, action.siren, action.person, action.pin, action.minutes) == (
        "acknowledge", "mairie", "Anne Maire", PIN, 0,
    )  # fmt: skip


def test_another_pin_is_another_request(http, script, form):
    script.answer = Result(ok=False, code="pin", text={"fr": "Code refusé.", "en": "PIN refused."})
    refused = send(http, {**form, "pin": "0000"}, Accept="application/json").json()
    assert (refused["ok"], refused["text"]) == (False, "Code refusé.")
    assert refused["next"] != form["id"]
    send(http, form)
    assert [action.pin for action in script.acts] == ["0000", PIN]


def test_an_action_that_the_guard_left_unanswered_is_asked_again(http, script, form):
    script.answer = Result(ok=False, code="timeout", text={"fr": "Trop tard."})
    answer = send(http, form)
    assert answer.status_code == 503
    assert "rien n’est sûr" in answer.text
    send(http, form)
    assert len(script.acts) == 2


def test_mute_carries_its_minutes(http, script, form):
    answer = send(http, {**form, "kind": "mute", "minutes": "10"}, Accept="application/json")
    assert answer.json()["ok"] is True
    assert script.acts[0].minutes == 10


@pytest.mark.parametrize("error", [TimeoutError("slow"), ConnectionError("gone")])
def test_a_silent_guard_is_said_and_may_be_asked_again(http, script, form, error):
    script.answer = error
    assert send(http, form).status_code == 503
    answer = send(http, form, Accept="application/json").json()
    assert (answer["ok"], answer["code"]) == (False, "unanswered")
    assert "n’a pas répondu" in answer["text"]
    assert len(script.acts) == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://[broken"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_another_site_is_refused(http, script, form, headers):
    answer = send(http, form, **headers)
    assert answer.status_code == 403
    assert "autre site" in answer.text
    assert script.acts == []


def test_the_referer_stands_in_for_a_missing_origin(http, script, form):
    good = http.post("/act", data=form, headers={"Referer": f"{http.base_url}?lang=fr"})
    bad = http.post("/act", data=form, headers={"Referer": "https://evil.example/"})
    assert (good.status_code, bad.status_code, len(script.acts)) == (303, 403, 1)


def test_a_wrong_or_missing_token_is_refused(http, script, form):
    assert send(http, {**form, "csrf": "x" * 43}).status_code == 403
    assert send(http, {k: v for k, v in form.items() if k != "csrf"}).status_code == 403
    assert send(http, {**form, "csrf": "é" * 43}).status_code == 403
    http.cookies.clear()
    assert send(http, form).status_code == 403
    assert send(http, {**form, "csrf": ""}).status_code == 403
    assert script.acts == []


def changed(**fields):
    return lambda form: {**form, **fields}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (changed(kind="silence"), 400),
        (changed(kind=""), 400),
        (changed(siren="x" * 65), 400),
        (changed(person=""), 400),
        (changed(pin="9" * 65), 400),
        (changed(id=""), 400),
        (changed(kind="mute"), 400),
        (changed(kind="mute", minutes="0"), 400),
        (changed(kind="mute", minutes="-5"), 400),
        (changed(kind="mute", minutes="61"), 400),
        (changed(kind="mute", minutes="٣"), 400),
        (changed(kind="mute", minutes="1e1"), 400),
        (changed(kind="drill"), 400),
        (changed(kind="drill", site="Autre-Ville"), 400),
        (changed(kind="limits"), 400),
        (changed(kind="keep"), 400),
        (changed(kind="limits", station="pont-neuf", watch_mm="1e3"), 400),
        (changed(kind="limits", station="pont-neuf", watch_mm="1200", warning_mm="1800"), 400),
        (changed(**{f"extra{n}": "x" for n in range(20)}), 400),
        (changed(pin="x" * BODY_BYTES), 413),
        (changed(pin="x" * 10_000_000), 413),
    ],
)
def test_malformed_forms_are_refused(http, script, form, change, status):
    try:
        answer = send(http, change(form))
    except (httpx.WriteError, httpx.RemoteProtocolError):
        answer = None  # refused before the whole body was read
    assert answer is None or answer.status_code == status
    assert answer is not None or status == 413
    assert script.acts == []
    assert http.get("/healthz").status_code == 200


@pytest.mark.parametrize("body", [b"\xff\xfe=1", b"pin=%ff", b"{}"])
def test_bodies_that_are_no_form_are_refused(http, script, form, body):
    kind = "application/json" if body == b"{}" else "application/x-www-form-urlencoded"
    answer = http.post("/act", content=body, headers={**own(http), "Content-Type": kind})
    assert answer.status_code == (415 if body == b"{}" else 400)
    assert script.acts == []


@pytest.mark.parametrize("path", ["/", "/view.json", "/events", "/healthz", "/static/page.css"])
def test_reading_routes_take_no_post(http, path):
    assert http.post(path).status_code == 405


def test_acting_routes_take_no_get(http, script):
    assert http.get("/act").status_code == 405
    assert http.get("/speed").status_code == 405
    assert script.acts == script.speeds == []


def test_the_pin_is_never_logged(http, script, form, caplog):
    caplog.set_level("DEBUG")
    send(http, form)
    script.answer = TimeoutError("slow")
    send(http, {**form, "id": "other"})
    send(http, {**form, "kind": "silence"})
    script.answer = RuntimeError("a bug")
    assert send(http, {**form, "id": "third"}).status_code == 500
    assert "refused.field" in caplog.text
    assert "a bug" in caplog.text
    assert PIN not in caplog.text


def test_speed_is_for_the_demonstration(http, script, form):
    good = send(http, {**form, "speed": "600"}, "/speed", Accept="application/json")
    assert good.json()["ok"] is True
    assert send(http, {**form, "speed": "60"}, "/speed").status_code == 303
    assert send(http, {**form, "speed": "7"}, "/speed").status_code == 400
    assert send(http, {**form, "speed": "60", "csrf": "no"}, "/speed").status_code == 403
    assert script.speeds == [600, 60]


def test_a_real_site_has_no_speed_and_perhaps_no_metrics(script):
    running = script.serve(demo=False)
    try:
        with client_of(running) as http:
            assert http.post("/speed").status_code == 404
            assert http.get("/metrics").status_code == 404
            assert 'action="/speed"' not in http.get("/").text
    finally:
        running.stop()


def test_metrics(http):
    answer = http.get("/metrics")
    assert answer.text == "amont_up 1\n"
    assert answer.headers["content-type"].startswith("text/plain")


def test_assets_are_cached_by_their_content(http):
    html = http.get("/").text
    for address in re.findall(r'"(/static/[^"]+)"', html):
        assert "immutable" in http.get(address).headers["cache-control"]
    assert http.get("/static/page.css?v=old").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "name", ["none.css", "..%2fapp.py", "%2e%2e/app.py", "%00", "page.css%00"]
)
def test_only_assets_are_served(http, name):
    assert http.get(f"/static/{name}").status_code == 404


def test_health_follows_guard_and_clock(http, script):
    assert http.get("/healthz").json()["moving"] is True
    script.name = "frozen"
    assert http.get("/healthz").status_code == 503


def test_a_view_that_stands_still_is_frozen():
    now = [0.0]
    pulse, view = Pulse(lambda: now[0]), VIEWS["calm"](1_000_000)
    assert pulse.frozen_s(view) is None
    now[0] = STILL_S + 1
    assert pulse.frozen_s(view) == STILL_S + 1
    view.demo.speed = 0
    assert pulse.frozen_s(view) is None  # the demonstration is paused on purpose
    view.demo.speed = 1
    view.now_ms += 1
    assert pulse.frozen_s(view) is None


def test_frozen_values_are_announced(script):
    now = [0.0]
    script.stopped = True
    running = script.serve(pulse=Pulse(lambda: now[0]))
    try:
        with client_of(running) as http:
            assert "ne met plus rien à jour" not in http.get("/?lang=fr").text
            now[0] = 125.0
            html = http.get("/?lang=fr").text
            assert (
                "VALEURS FIGÉES — la passerelle ne met plus rien à jour depuis 2\u00a0min" in html
            )
            assert re.search(r'<body class="[^"]*\bfrozen\b', html)
            assert 'class="headline idle"' not in html
            assert http.get("/healthz").status_code == 503
    finally:
        running.stop()


def test_a_port_in_use_is_named(server, script):
    with pytest.raises(OSError, match=f"page cannot listen on 127.0.0.1:{server.port}"):
        script.serve(port=server.port)

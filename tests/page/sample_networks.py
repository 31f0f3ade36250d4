"""Views of a site with a network of pressures: calm, learning, with a leak, with two."""

from __future__ import annotations

from tests.page.sample_views import HOUR_MS, NOW_MS, VIEWS, inflow_series

from amont_gateway.view import Network, Sensor, View
from amont_gateway.view_network import NetworkLeak

POSTS = {
    "pression-haut": ("Borne du haut", "Upper post"),
    "pression-place": ("Borne de la place", "Post on the square"),
    "pression-moulin": ("Borne du moulin", "Post at the mill"),
}


def leak(now_ms: int = NOW_MS, probability: float | None = 0.88) -> NetworkLeak:
    """Return a leak found yesterday, nearest to the post on the square."""
    return NetworkLeak(
        found_ms=now_ms - 20 * HOUR_MS,
        since_ms=now_ms - 31 * HOUR_MS,
        size_l_h=3200,
        probability=probability,
        is_sure=probability is None or probability >= 0.5,
        score=11.4,
        alarm=7.0,
        sensors=["pression-place", "pression-haut", "not-of-this-site"],
        before_kpa=[412, 388, None],
        after_kpa=[391, 383, None],
        inflow_before_l_h=14_200,
        inflow_after_l_h=17_500,
    )


def older_leak(now_ms: int = NOW_MS) -> NetworkLeak:
    """Return a leak without a size, known for a fortnight."""
    return NetworkLeak(
        found_ms=now_ms - 330 * HOUR_MS,
        since_ms=now_ms - 350 * HOUR_MS,
        sensors=["pression-moulin"],
        before_kpa=[402],
        after_kpa=[395],
    )


def network(now_ms: int = NOW_MS, *leaks: NetworkLeak, verdict: str = "") -> Network:
    """Return a network of six pressures, five of them heard."""
    series = inflow_series(now_ms, 3200 if leaks else 0, 31.0)[0]
    return Network(
        id="vallee",
        name={"fr": "La vallée", "en": "The valley"},
        verdict=verdict or ("leak" if leaks else "normal"),
        inflow_l_h=series[-1][1],
        at_ms=now_ms - 340_000,
        age_s=340,
        leaks=list(leaks),
        pressures=6,
        heard=5,
        model="network-test",
        model_status="no data" if verdict == "unknown" else "ok",
        series=series,
    )


def view(*networks: Network, now_ms: int = NOW_MS) -> View:
    """Return a quiet day of a site with networks."""
    made = VIEWS["calm"](now_ms)
    put(made, *networks)
    return made


def put(made: View, *networks: Network) -> None:
    """Put networks and their posts into a view."""
    now_ms = made.now_ms
    made.networks = list(networks)
    for index, (post, (french, english)) in enumerate(POSTS.items()):
        made.sensors.append(
            Sensor(
                id=post,
                name={"fr": french, "en": english},
                node=41 + index,
                place="vallee",
                quantity="pressure_pa10",
                value=39_100 + 500 * index,
                age_s=340,
                at_ms=now_ms - 340_000,
                freshness="assumed",
            )
        )

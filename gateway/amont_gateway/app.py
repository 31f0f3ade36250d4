"""Compose the running service: the gateway, its models and its local page.

The only module that knows every part. ``build`` touches no file and no socket; ``start`` does.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from amont_gateway import mayor
from amont_gateway.advise import Scorer
from amont_gateway.clock import Clock
from amont_gateway.database import Influx
from amont_gateway.gateway import Gateway, Options
from amont_gateway.lorawan_ingest import LorawanPlan
from amont_gateway.machine import own_names
from amont_gateway.metrics import make_metrics, render
from amont_gateway.mqtt_connection import Broker
from amont_gateway.networks import Verdicts
from amont_gateway.page import Encrypted, PageServer, Secure, build_app
from amont_gateway.places import Places, from_site
from amont_gateway.rain_forecast import RainForecast
from amont_gateway.storer import COMMIT_MS
from amont_gateway.view import Demo, Training
from amont_site.model import Site

# Receiving takes several short system calls a frame, each of which gives up the interpreter's
# lock; with the usual 5 ms the busy storer would make every one of them wait that long.
SWITCH_S = 0.0005
# A frame makes a hundred short-lived tuples and no cycle: looking for cycles each 700 costs 15 %.
COLLECT = (20_000, 20, 50)
_M_ARENA_MAX = -8  # of malloc.h

PAGE_RETRY_S = 2.0
_MAY_PASS = (errno.EADDRINUSE, errno.EADDRNOTAVAIL)  # another program's port; a network not yet up


class Service:
    """A gateway with its page."""

    def __init__(self, gateway: Gateway, page: PageServer | None) -> None:
        self.gateway = gateway
        self.page = page
        self._opener: threading.Thread | None = None

    @property
    def failed(self) -> BaseException | None:
        """Return the bug that ended a thread, None if all is well."""
        return self.gateway.failed

    def start(self) -> None:
        """Start everything; a page whose address can never be had raises OSError before it.

        An address in use costs the page alone, until it is free: readings go on.
        """
        sys.setswitchinterval(SWITCH_S)
        _share_one_arena()
        gc.freeze()  # what is there now stays: no collection needs to look at it again
        gc.set_threshold(*COLLECT)
        if self.page is not None and not self._open(self.page):
            self._opener = threading.Thread(target=self._open_later, args=[self.page], daemon=True)
            self._opener.start()
        self.gateway.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the gateway stops or fails; False after the time."""
        return self.gateway.stopping.wait(timeout_s)

    def stop(self) -> list[str]:
        """Stop everything; return the names of threads that did not."""
        self.gateway.stopping.set()
        if self._opener is not None:
            self._opener.join()
        if self.page is not None and self.page.alive:
            self.page.stop()
        return self.gateway.stop()

    def _open(self, page: PageServer) -> bool:
        try:
            page.start()
        except OSError as error:
            if error.errno not in _MAY_PASS:
                raise
            self.gateway.events.note("page_port", error.strerror or str(error))
            return False
        return True

    def _open_later(self, page: PageServer) -> None:
        while not self.gateway.stopping.wait(PAGE_RETRY_S):
            if self._open(page):
                return


def build(
    site: Site,
    data_dir: Path,
    guard_socket: Path,
    clock: Clock | None = None,
    *,
    broker: Broker | None = None,
    lorawan: LorawanPlan | None = None,
    foreign: Mapping[str, Broker] | None = None,
    influx: Influx | None = None,
    artifacts: Path | None = None,
    page: tuple[str, int] | None = None,
    commit_ms: int = COMMIT_MS,
    options: Options | None = None,
    demo: Callable[[], Demo | None] = lambda: None,
    training: Callable[[], Training | None] = lambda: None,
    set_speed: Callable[[float], None] | None = None,
    page_https: tuple[str, int] | None = None,
    page_names: Sequence[str] = (),
) -> Service:
    """Compose a gateway for a checked site.

    ``artifacts`` is the folder of the models, None for none; ``page`` the address to listen on.
    ``page_https`` is the page's address over HTTPS, ``page_names`` names of this machine that it
    cannot know. ``options`` outrank ``broker``, ``influx`` and ``commit_ms``. ``demo`` and
    ``set_speed`` are the demonstration's alone.
    """
    places = from_site(site)
    gateway = Gateway(
        places,
        data_dir,
        guard_socket,
        options or Options(broker, lorawan, influx, commit_ms, foreign=foreign or {}),
        clock=clock,
        load_models=None if artifacts is None else lambda: _models(artifacts, site, gateway),
        make_networks=lambda: _networks(site, places, data_dir),
        demo=demo,
        training=training,
    )
    if page is None:
        return Service(gateway, None)
    registry = make_metrics(gateway)
    secure, encrypted = _https(data_dir, page_https, page_names)
    app = build_app(
        gateway.view,
        gateway.act,
        version_counter=gateway.version,
        metrics=lambda: render(registry),
        set_speed=set_speed,
        dry_run=gateway.dry_run,
        incidents=gateway.incidents,
        incident=gateway.incident,
        mayor=lambda lang: mayor.html(gateway.view(), lang, site.time_zone),
        secure=secure,
        host_names=lambda: frozenset(own_names(page_names)),
        timezone=site.time_zone,
    )
    return Service(gateway, PageServer(app, *page, encrypted=encrypted))


def _https(
    data_dir: Path, address: tuple[str, int] | None, names: Sequence[str]
) -> tuple[Secure | None, Encrypted | None]:
    """Return what the page says of HTTPS and what its server needs; nothing without an address."""
    if address is None:
        return None, None
    from amont_gateway.authority import Authority  # cryptography is large

    authority = Authority(data_dir / "authority", names)
    secure = Secure(address[1], authority.pem, authority.fingerprint)
    return secure, Encrypted(*address, chain=authority.page_path, renew=authority.renew)


def _models(artifacts: Path, site: Site, gateway: Gateway) -> Scorer:
    from amont_gateway.scoring.live import Scoring

    data = gateway.journal.path.parent
    if site.rain_forecast is None:
        return Scoring(artifacts, site, data)
    rain = RainForecast(data, site.rain_forecast.max_age_h, gateway.counters, gateway.events)
    return Scoring(artifacts, site, data, rain.series)


def _networks(site: Site, places: Places, data: Path) -> Verdicts:
    from amont_gateway.scoring.network_hours import JournalPast
    from amont_gateway.scoring.network_live import NetworkVerdicts

    return NetworkVerdicts(site, JournalPast(data / "journal.db", places.window_keys()))


def _share_one_arena() -> None:
    """Let all threads share one malloc arena: with one each the process is 4 MiB larger."""
    with contextlib.suppress(AttributeError, OSError):  # another C library than glibc
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)

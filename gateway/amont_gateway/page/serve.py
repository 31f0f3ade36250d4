"""Run the page in its own thread with its own event loop: plain HTTP, and HTTPS beside it.

Trouble with HTTPS (a disk that refuses its certificate, a port in use) never costs the plain
page, which people read; it is tried again until it works.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

log = logging.getLogger(__name__)

CONNECTIONS_MAX = 256
STOP_S = 5.0
RETRY_S = 2.0
RENEW_S = 600.0  # how often certificate, names and addresses are looked at
_LOOK_S = 0.2


@dataclass(frozen=True)
class Encrypted:
    """Where to serve HTTPS, and its certificate."""

    host: str
    port: int
    chain: Path  # key and certificate, PEM
    renew: Callable[[], bool]  # makes the file if it is missing or due; tells whether it is new


class PageServer:
    """Serve the page from a thread; ``start`` and ``stop`` may each be called once."""

    def __init__(
        self,
        app: Starlette,
        host: str = "127.0.0.1",
        port: int = 8080,
        *,
        encrypted: Encrypted | None = None,
    ) -> None:
        self._app = app
        self._address = (host, port)
        self._encrypted = encrypted
        self._socket: socket.socket | None = None
        self._secure_socket: socket.socket | None = None
        self._context: ssl.SSLContext | None = None
        self._server = uvicorn.Server(_config(app))
        self._secure_server: uvicorn.Server | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)

    @property
    def port(self) -> int:
        """Return the port that is listened on."""
        assert self._socket is not None
        return int(self._socket.getsockname()[1])

    @property
    def secure_port(self) -> int | None:
        """Return the port of HTTPS; None until it is listened on."""
        return None if self._secure_socket is None else int(self._secure_socket.getsockname()[1])

    @property
    def alive(self) -> bool:
        """Tell whether the page's thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Listen and serve; an address in use raises ``OSError`` here, with the address in it."""
        self._socket = _listen(*self._address)
        self._thread.start()

    def stop(self) -> None:
        """End the event streams, then the servers; returns when the ports are free."""
        self._app.state.close()
        self._stopping = self._server.should_exit = True
        self._thread.join(STOP_S)
        for opened in (self._socket, self._secure_socket):
            if opened is not None:
                opened.close()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        assert self._socket is not None
        secure = None
        if self._encrypted is not None:
            secure = asyncio.create_task(self._serve_encrypted(self._encrypted))
        await self._server.serve(sockets=[self._socket])
        if secure is not None:
            await secure

    async def _serve_encrypted(self, wanted: Encrypted) -> None:
        """Serve HTTPS as soon as there is a certificate and a port; look after both."""
        serving: asyncio.Task[None] | None = None
        while not self._stopping:
            try:
                changed = await asyncio.to_thread(wanted.renew)
                if serving is None:
                    serving = self._open_encrypted(wanted)
                elif changed and self._context is not None:
                    self._context.load_cert_chain(wanted.chain)  # new connections take it
            except Exception as error:  # whatever it is, the plain page goes on
                log.warning("HTTPS on %s:%d: %s", wanted.host, wanted.port, error)
            await self._pause(RENEW_S if serving is not None else RETRY_S)
        if serving is not None and self._secure_server is not None:
            self._secure_server.should_exit = True
            await serving

    def _open_encrypted(self, wanted: Encrypted) -> asyncio.Task[None]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(wanted.chain)
        self._context = context
        self._secure_socket = _listen(wanted.host, wanted.port)
        self._secure_server = uvicorn.Server(_config(self._app, context))
        serve = self._secure_server.serve(sockets=[self._secure_socket])
        return asyncio.create_task(serve, name="page-https")

    async def _pause(self, seconds: float) -> None:
        until_s = asyncio.get_running_loop().time() + seconds
        while not self._stopping and asyncio.get_running_loop().time() < until_s:
            await asyncio.sleep(_LOOK_S)


def _config(app: Starlette, context: ssl.SSLContext | None = None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        ws="none",
        server_header=False,
        proxy_headers=False,  # a header must not tell us that a link was encrypted
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=2,
        ssl_context_factory=None if context is None else lambda _config, _default: context,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends at once (TCP_NODELAY) only on sockets that say that they are TCP
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
        opened.listen(128)
    except OSError as error:
        opened.close()
        raise OSError(
            error.errno, f"page cannot listen on {host}:{port}: {error.strerror}"
        ) from error
    return opened

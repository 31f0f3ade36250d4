"""Run the page in its own thread with its own event loop."""

from __future__ import annotations

import asyncio
import socket
import threading

import uvicorn
from starlette.applications import Starlette

CONNECTIONS_MAX = 256
STOP_S = 5.0


class PageServer:
    """Serve the page from a thread; ``start`` and ``stop`` may each be called once."""

    def __init__(self, app: Starlette, host: str = "127.0.0.1", port: int = 8080) -> None:
        self._app = app
        self._address = (host, port)
        self._socket: socket.socket | None = None
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            ws="none",
            server_header=False,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_keep_alive=10,
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)

    @property
    def port(self) -> int:
        """Return the port that is listened on."""
        assert self._socket is not None
        return int(self._socket.getsockname()[1])

    @property
    def alive(self) -> bool:
        """Tell whether the page's thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Listen and serve; an address in use raises ``OSError`` here, with the address in it."""
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        opened = socket.socket(family, socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind(self._address)
            opened.listen(128)
        except OSError as error:
            opened.close()
            host, port = self._address
            raise OSError(
                error.errno, f"page cannot listen on {host}:{port}: {error.strerror}"
            ) from error
        self._socket = opened
        self._thread.start()

    def stop(self) -> None:
        """End the event streams, then the server; returns when the port is free."""
        self._app.state.close()
        self._server.should_exit = True
        self._thread.join(STOP_S)
        if self._socket is not None:
            self._socket.close()

    def _run(self) -> None:
        assert self._socket is not None
        asyncio.run(self._server.serve(sockets=[self._socket]))

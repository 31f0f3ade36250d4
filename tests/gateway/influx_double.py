"""A server that answers as some InfluxDB's documents say, and notes what it was asked.

It stores nothing. 2.x and 3 Core cannot be run here; what is copied of them is their refusals'
status and form, as their documents print them.
"""

from __future__ import annotations

import gzip
import http.server
import ssl
import threading
from collections.abc import Callable
from contextlib import contextmanager
from typing import NamedTuple


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: dict
    body: str


class Answer(NamedTuple):
    """One answer; a header of the version is added."""

    status: int = 204
    body: bytes = b""
    headers: dict = {}  # noqa: RUF012  a default that nobody changes


class Double:
    """What the server does: ``answer(asked)`` decides, after ``/ping``."""

    def __init__(self, version: str, answer: Callable[[Asked], Answer]) -> None:
        self.version, self.answer = version, answer
        self.ping = Answer(204)
        self.asked: list[Asked] = []
        self.url = ""

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


@contextmanager
def running(version, answer=lambda _asked: Answer(), certificate=None):
    """Serve on a free port of the loopback interface; with a certificate's (file, key) by TLS."""
    double = Double(version, answer)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            asked = Asked(self.command, self.path, dict(self.headers), body.decode())
            double.asked.append(asked)
            answered = double.ping if self.path == "/ping" else double.answer(asked)
            self.send_response(answered.status)
            if double.version:
                self.send_header("X-Influxdb-Version", double.version)
            for name, value in answered.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answered.body)))
            self.end_headers()
            self.wfile.write(answered.body)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    double.url = f"http://127.0.0.1:{server.server_port}"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        double.url = double.url.replace("http:", "https:")
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)

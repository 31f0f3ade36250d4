"""A real influxd in a temporary folder, filled with the scripted month."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from tests.dashboards.month import fill

_CONFIG = """\
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{http}"
  log-enabled = false
"""


class Server:
    """Where the database is, and one way to ask it."""

    def __init__(self, url):
        self.url = url

    def query(self, influxql, database="amont"):
        form = urllib.parse.urlencode({"q": influxql, "db": database, "epoch": "ms"}).encode()
        try:
            with urllib.request.urlopen(f"{self.url}/query", form, timeout=20) as answer:
                found = json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{error.read().decode()} for {influxql}") from None
        result = found["results"][0]
        assert "error" not in result, f"{result['error']} for {influxql}"
        return result.get("series", [])


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def wait_for(server, process):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, "influxd ended; its log is in the test's folder"
        try:
            urllib.request.urlopen(f"{server.url}/ping", timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("influxd did not answer within 30 s")


@pytest.fixture(scope="session")
def influxd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("influxd")
    http, rpc = free_ports(2)
    config = folder / "influxdb.conf"
    config.write_text(_CONFIG.format(folder=folder, http=http, rpc=rpc))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["influxd", "-config", str(config)], stdout=log, stderr=log)
    server = Server(f"http://127.0.0.1:{http}")
    try:
        wait_for(server, process)
        yield server
    finally:
        process.kill()
        process.wait(timeout=10)


@pytest.fixture(scope="session")
def month(influxd, tmp_path_factory):
    """The scripted month, in the same server; its end is ``month_script.END_MS``."""
    fill(influxd.url, tmp_path_factory.mktemp("month"), database="month")
    return Month(influxd)


class Month:
    """The databases of the month: ``store`` is "" | "_h" | "_d"."""

    def __init__(self, server):
        self.server = server
        self.url = server.url

    def query(self, influxql, store=""):
        return self.server.query(influxql, f"month{store}")

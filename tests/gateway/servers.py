"""Real servers on free loopback ports, in temporary folders."""

from __future__ import annotations

import contextlib
import random
import socket
import subprocess
import time
from pathlib import Path


def free_port() -> int:
    """Return a port below those that the system itself gives to outgoing connections."""
    while True:
        port = random.SystemRandom().randrange(12_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def await_port(port: int, process: subprocess.Popen, limit_s: float = 20.0) -> None:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"{process.args} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(f"nothing listens on {port} after {limit_s} s")


class Server:
    """A process that can be killed and started again on the same port and data."""

    def __init__(self, command: list[str], port: int, log: Path) -> None:
        self.command, self.port, self.log = command, port, log
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        await_port(self.port, self.process)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()


def mosquitto(folder: Path, extra: str = "allow_anonymous true\n") -> Server:
    """mosquitto with persistence and its default autosave: what it promises is not durable."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\npersistence true\npersistence_location {folder}/\n"
        f"user root\n{extra}"
    )
    return Server(["mosquitto", "-c", str(config)], port, folder / "mosquitto.log")


def influxd(folder: Path, http: str = "") -> Server:
    """InfluxDB 1.6.7, with more lines for its section ``[http]``."""
    folder.mkdir(parents=True, exist_ok=True)
    port, rpc = free_port(), free_port()
    config = folder / "influxdb.conf"
    config.write_text(
        f'reporting-disabled = true\nbind-address = "127.0.0.1:{rpc}"\n'
        f'[meta]\ndir = "{folder}/meta"\n[data]\ndir = "{folder}/data"\n'
        f'wal-dir = "{folder}/wal"\nquery-log-enabled = false\n'
        f'[http]\nbind-address = "127.0.0.1:{port}"\nlog-enabled = false\n{http}'
    )
    return Server(["influxd", "-config", str(config)], port, folder / "influxd.log")


def victoria(folder: Path) -> Server:
    """VictoriaMetrics: another's reading of ``/api/v2/write``; it knows no InfluxQL."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = ["victoria-metrics", f"-storageDataPath={folder}/data", "-retentionPeriod=10y"]
    command += [f"-httpListenAddr=127.0.0.1:{port}", "-search.latencyOffset=0s"]
    return Server([*command, "-memory.allowedBytes=128MB"], port, folder / "victoria.log")


def nginx_v2(folder: Path, influx_port: int, extra: str = "") -> Server:
    """nginx that turns 1.8's /api/v2/write into /write, as InfluxDB 1.8 does itself."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; user root; pid {folder}/pid; error_log {folder}/error.log;\n"
        "events { worker_connections 64; }\n"
        f"http {{ access_log {folder}/access.log; client_body_temp_path {folder}/body;\n"
        f"proxy_temp_path {folder}/proxy; {extra} server {{ listen 127.0.0.1:{port};\n"
        f"location /ping {{ proxy_pass http://127.0.0.1:{influx_port};\n"
        "  proxy_hide_header X-Influxdb-Version; add_header X-Influxdb-Version 1.8.10 always; }\n"
        "location = /api/v2/write {\n"
        "  rewrite ^ /write?db=$arg_bucket&precision=$arg_precision? break;\n"
        f"  proxy_pass http://127.0.0.1:{influx_port}; }}\n"
        f"location / {{ proxy_pass http://127.0.0.1:{influx_port}; }} }} }}\n"
    )
    return Server(["nginx", "-c", str(config), "-p", str(folder)], port, folder / "nginx.log")

"""The guard as systemd runs it: start, readiness, watchdog, kill, stop, and what it may import."""

import itertools
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time

import pytest
from tests.guard.rig import Gateway, Line, SimNode, write_site

from amont_guard import messages
from amont_guard.audit import verify
from amont_guard.cli import main
from amont_guard.clock import RealClock

WAIT_S = 20


def wait_for(ready):
    deadline = time.monotonic() + WAIT_S
    while not (found := ready()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)
    return found


class Process:
    def __init__(self, folder, limit=None):
        self.folder, self.line = folder, Line()
        write_site(folder, self.line.name)
        self.heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.heard.bind(str(folder / "notify"))
        self.heard.settimeout(WAIT_S)
        self.limit = limit
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "amont_guard.cli", "run", "--state", str(self.folder)],
            stderr=subprocess.PIPE,
            env={**os.environ, "NOTIFY_SOCKET": str(self.folder / "notify")},
            preexec_fn=self.limit,
        )
        while self.heard.recv(100) != b"READY=1":
            pass

    def relay(self):
        return (self.folder / "relay-mairie").read_bytes()[:1] == b"1"

    def flood(self):
        """Prove two sensors by their echo, then let them cross the limit."""
        clock, gateway = RealClock(), Gateway(self.folder)
        wait_for(gateway.receive)  # the guard has let it in
        pair = [SimNode(17, clock), SimNode(18, clock)]
        for sim in pair:
            self.line.put(sim.frame(1300))
            wait_for(lambda: any(m[0] == messages.OPENED for m in gateway.receive()))
        for sim in pair:

            def downlinks(sim=sim):
                gateway.commit(sim, 0)
                time.sleep(0.05)
                return self.line.sent()

            for downlink in wait_for(downlinks):
                sim.hear(downlink)
        deadline = time.monotonic() + WAIT_S
        rising_mm = itertools.chain((1300, 1700, 2100), itertools.count(2550, 5))
        while not self.relay():
            assert time.monotonic() < deadline
            time.sleep(1.0)  # readings of one second are one reading
            value = next(rising_mm)
            self.line.put(*[sim.frame(value) for sim in pair])
        gateway.close()

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(WAIT_S)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(WAIT_S)
        self.process.stderr.close()
        self.line.close()
        self.heard.close()


@pytest.fixture
def process(tmp_path):
    made = Process(tmp_path)
    yield made
    made.close()


def test_start_watchdog_stop(process, capsys):
    wait_for(lambda: process.heard.recv(100) == b"WATCHDOG=1")
    assert process.stop() == 0
    left = [process.heard.recv(100)]
    while left[-1] != b"STOPPING=1":
        left.append(process.heard.recv(100))
    assert not (process.folder / "guard.sock").exists()
    kinds = [json.loads(line)["kind"] for line in process.process.stderr.read().splitlines()]
    assert kinds[0] == "start"
    assert main(["verify", "--state", str(process.folder)]) == 0
    assert "sound" in capsys.readouterr().out


def test_kill_while_sounding_goes_on_sounding_after_the_restart(process):
    process.flood()
    wait_for(lambda: b'"state":"sound"' in (process.folder / "audit.jsonl").read_bytes())
    process.stop(signal.SIGKILL)
    process.process.stderr.close()
    assert process.relay()
    process.start()
    wait_for(lambda: b'"relays_found":{"mairie":true}' in audit_bytes(process))
    assert process.relay()
    assert process.stop() == 0
    assert not process.relay()
    assert verify(process.folder).ok


def audit_bytes(process):
    return (process.folder / "audit.jsonl").read_bytes()


def no_larger_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))


def test_siren_sounds_when_the_kernel_refuses_to_write(tmp_path):
    made = Process(tmp_path, no_larger_files)
    try:
        made.flood()
        made.stop(signal.SIGKILL)
        assert (tmp_path / "audit.jsonl").stat().st_size <= 600
    finally:
        made.close()


def test_siren_sounds_when_a_write_never_returns(process):
    os.mkfifo(process.folder / "state.json.part")  # its opening waits for a reader
    process.flood()
    assert process.relay()


def test_status_shows_the_state_with_and_without_a_gateway(process, capsys):
    assert main(["status", "--json", "--state", str(process.folder)]) == 0
    assert json.loads(capsys.readouterr().out)["counters"].get("gateway connected") is None
    gateway = Gateway(process.folder)
    wait_for(gateway.receive)
    try:
        assert main(["status", "--json", "--state", str(process.folder)]) == 0
        assert json.loads(capsys.readouterr().out)["counters"]["gateway connected"] == 1
    finally:
        gateway.close()


def test_mistakes_are_one_line_and_exit_code_two(process, tmp_path, capsys):
    assert main(["run", "--state", str(process.folder)]) == 2
    assert "another guard works here" in capsys.readouterr().err
    assert main(["run", "--state", str(tmp_path / "nowhere")]) == 2
    assert "No such file" in capsys.readouterr().err
    empty = tmp_path / "empty"
    empty.mkdir()
    assert main(["run", "--state", str(empty)]) == 2
    assert "guard.json.good: No such file" in capsys.readouterr().err


def test_altered_audit_is_told(tmp_path, capsys):
    (tmp_path / "audit.jsonl").write_text('{"kind":"x","h":"0"}\n')
    assert main(["verify", "--state", str(tmp_path)]) == 1
    assert "altered at line 1" in capsys.readouterr().out


@pytest.mark.parametrize("command", [[], ["run"], ["verify"], ["status"]])
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    assert "usage" in capsys.readouterr().out


def test_guard_pulls_in_no_database_broker_web_or_model_library():
    program = """
import sys, amont_guard.app, amont_guard.cli
banned = {"sqlite3", "paho", "starlette", "numpy", "onnxruntime", "asyncio", "http", "yaml",
          "influxdb_client", "uvicorn", "msgspec", "gpiozero", "jinja2", "amont_site",
          "amont_gateway"}
print(sorted(banned & {name.partition(".")[0] for name in sys.modules}))
"""
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, timeout=WAIT_S
    )
    assert out.stdout.strip() == b"[]"

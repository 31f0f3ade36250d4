"""The command line as people use it: real processes, one line for a mistake."""

import json
import socket
import subprocess
import sys
import threading

import pytest
from tests.gateway.servers import free_port
from tests.gateway.site_files import make_site
from tests.gateway.test_journal import sample

from amont_gateway.cli import main
from amont_gateway.journal import Journal


@pytest.fixture
def data(tmp_path):
    journal = Journal(tmp_path / "journal.db", mark_bytes=0, ballast_bytes=0)
    journal.append([sample(s, 100 + s) for s in range(30)])
    journal.close()
    return tmp_path


def test_tail_and_export_show_samples(data, capsys):
    assert main(["journal", "tail", "-n", "3", "--data", str(data)]) == 0
    assert "stage_mm=129" in capsys.readouterr().out.splitlines()[-1]
    assert main(["journal", "export", "--data", str(data)]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["seq"] for line in lines] == list(range(30))
    assert lines[0]["channels"][0]["value"] == 100


def test_check_finds_what_was_changed(data, capsys):
    assert main(["journal", "check", "--data", str(data), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 30
    import sqlite3

    other = sqlite3.connect(data / "journal.db")
    other.execute("UPDATE sample SET seq = 99 WHERE seq = 3")
    other.commit()
    other.close()
    assert main(["journal", "check", "--data", str(data)]) == 1


def test_a_missing_journal_is_one_line(tmp_path, capsys):
    assert main(["journal", "tail", "--data", str(tmp_path)]) == 3
    assert capsys.readouterr().err.count("\n") == 1


def test_status_without_a_gateway_reads_the_data(data, capsys):
    page = f"127.0.0.1:{free_port()}"
    assert main(["status", "--page", page, "--data", str(data), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["rows"] == 30


def test_doctor_names_every_part(tmp_path, capsys):
    make_site(tmp_path, "/dev/no-bridge", free_port(), {1: "bridge", 11: "mqtt"})
    options = ["--site", str(tmp_path / "site.yaml"), "--data", str(tmp_path), "--json"]
    assert main(["doctor", *options, "--guard-socket", str(tmp_path / "no.sock")]) == 1
    found = {f["part"]: f["verdict"] for f in json.loads(capsys.readouterr().out)}
    assert (found["guard"], found["broker"]) == ("bad", "bad")
    assert (found["disk"], found["clock"]) == ("good", "good")
    assert (found["sensor debit-1"], found["sensor debit-11"]) == ("good", "weak")


@pytest.mark.parametrize(("said", "verdict"), [(b"a STATE", "good"), (b"", "bad")])
def test_doctor_looks_at_the_guard_beside_the_running_gateway(tmp_path, capsys, said, verdict):
    """The guard serves one gateway: whoever else knocks at its own door is sent away."""
    make_site(tmp_path, "/dev/no-bridge", free_port(), {1: "bridge"})
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind(str(tmp_path / "status.sock"))
        door.listen()
        door.settimeout(10)

        def tell():
            with door.accept()[0] as looker:
                looker.send(said) if said else looker.shutdown(socket.SHUT_RDWR)

        guard = threading.Thread(target=tell)
        guard.start()
        options = ["--site", str(tmp_path / "site.yaml"), "--data", str(tmp_path), "--json"]
        main(["doctor", *options, "--guard-socket", str(tmp_path / "guard.sock")])
        guard.join(10)
    found = {f["part"]: f["verdict"] for f in json.loads(capsys.readouterr().out)}
    assert found["guard"] == verdict


def test_an_unreadable_site_says_where(tmp_path, capsys):
    (tmp_path / "site.yaml").write_text("format: 1\nid: [")
    assert main(["run", "--site", str(tmp_path / "site.yaml")]) == 2
    assert "site.yaml" in capsys.readouterr().err


@pytest.mark.servers
def test_run_serves_notifies_and_stops_cleanly(tmp_path):
    make_site(tmp_path, "/dev/no-bridge", free_port(), {11: "mqtt"})
    page = f"127.0.0.1:{free_port()}"
    notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notified.settimeout(30)
    notified.bind(str(tmp_path / "notify"))
    command = [sys.executable, "-m", "amont_gateway.cli", "run", "--page", page]
    command += ["--site", str(tmp_path / "site.yaml"), "--data", str(tmp_path / "data")]
    command += ["--guard-socket", str(tmp_path / "guard.sock")]
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "PATH": "/usr/bin"}
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(command, stderr=log, env=environment)
    try:
        assert notified.recv(100) == b"READY=1"
        status = [sys.executable, "-m", "amont_gateway.cli", "status", "--page", page]
        said = subprocess.run(status, capture_output=True, text=True, timeout=60, check=False)
        assert said.returncode == 1  # no guard is there
        assert "guard SILENT" in said.stdout
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 3
        assert "another gateway works here" in second.stderr.splitlines()[-1]
        running.terminate()
        assert running.wait(30) == 0
    finally:
        running.kill()
        running.wait(10)
        notified.close()
    events = [json.loads(line)["event"] for line in (tmp_path / "log").read_text().splitlines()]
    assert events[-1] == "stopped"

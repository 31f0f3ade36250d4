"""A release from a built wheel, on a clean folder, for a user without rights: in, up, back."""

import json
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest
from tests.provisioning.machine import Machine, roomy

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def machine():
    with tempfile.TemporaryDirectory(prefix="amont-install-", dir=roomy()) as name:
        folder = Path(name)
        folder.chmod(0o755)
        made = Machine(folder)
        done = made.script(made.bundle, "install", "--site", made.site)
        assert done.returncode == 0, done.stderr
        yield made


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_clean_folder_gets_all_that_a_machine_needs(machine):
    prefix = machine.prefix
    assert machine.release().startswith("0.1.0-")
    assert mode(prefix / "var/lib/amont/guard") == 0o700
    assert mode(prefix / "etc/amont") == 0o751  # mosquitto passes through
    assert mode(prefix / "etc/amont/gateway.env") == 0o640
    assert {path.lstat().st_uid for path in prefix.rglob("*")} == {machine.uid}
    assert json.loads((prefix / "var/lib/amont/guard/guard.json").read_bytes())["site"]
    assert mode(prefix / "var/lib/amont/guard/keys.json") == 0o600
    assert (prefix / "etc/amont/models/manifest.json").exists()
    for unit in (prefix / "etc/systemd/system").glob("amont-*.service"):
        assert str(prefix) in unit.read_text(), "it runs what was installed here"
    for name in ("amont-guard", "amont-gateway", "amont-provision", "amont-install"):
        assert machine.program(name, "--help").returncode == 0
    (prefix / "etc/systemd/system/amont-guard.service").unlink()
    again = machine.script(machine.bundle, "install")
    assert again.returncode == 0, "the same again puts right what is not"
    assert (prefix / "etc/systemd/system/amont-guard.service").exists()
    other = machine.script(machine.another("0.1.1"), "install", "--lang", "fr")
    assert (other.returncode, "prenez upgrade" in other.stderr) == (1, True)


def test_it_runs_goes_up_and_comes_back(machine):
    first = machine.release()
    with machine.running() as view:
        assert view["journal"] == "ok"
        bundle = machine.another("0.2.0")
        done = machine.script(bundle, "upgrade")
        assert done.returncode == 0, done.stderr + machine.logs()
    for part in ("site", "copy", "guard", "gateway", "journal"):
        assert f"tried on a copy: {part}\n" in done.stderr
    second = machine.release()
    assert (second[:6], machine.release("previous")) == ("0.2.0-", first)
    backups = [p for p in (machine.prefix / "var/backups/amont").iterdir() if p.is_dir()]
    assert [(p / "SHA256SUMS").exists() for p in backups] == [True], "and no copy of the trial"
    assert len(list((machine.prefix / "opt/amont/libraries").iterdir())) == 1, "shared"
    with machine.running() as view:
        assert view["guard_alive"]
    told = machine.program("amont-install", "status", "--prefix", machine.prefix)
    assert told.stdout.splitlines() == [f"{first} previous", f"{second} current"]
    back = machine.program("amont-install", "rollback", "--prefix", machine.prefix)
    assert back.returncode == 0, back.stderr
    assert (machine.release(), machine.release("previous")) == (first, second)
    with machine.running() as view:
        assert view["journal"] == "ok"


GUARD, GATEWAY, STRANGER = 60_001, 60_002, 60_003
LOOK = """
import socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as guard:
    guard.settimeout(10)
    try:
        guard.connect(sys.argv[1])
        print("state" if guard.recv(100_000) else "hung up")
    except OSError as error:
        print(type(error).__name__)
"""


def give(folder, owner):
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, owner, owner, follow_symlinks=False)


def test_the_gateway_reaches_the_socket_and_nothing_else_of_the_guards(machine):
    """With the units' users and groups; without root's rights only the way itself is tried."""
    prefix, apart = machine.prefix, os.geteuid() == 0
    state, data = prefix / "var/lib/amont/guard", prefix / "var/lib/amont/gateway"
    who = {
        GUARD: {"user": GUARD, "group": GUARD, "extra_groups": []},
        GATEWAY: {"user": GATEWAY, "group": GATEWAY, "extra_groups": [GUARD]},
    }
    if apart:
        (prefix / "etc/amont").chmod(0o755)
        (prefix / "etc/amont/site.yaml").chmod(0o644)
        give(state, GUARD)
        give(data, GATEWAY)

    def look(path, **as_user):
        asked = [prefix / "opt/amont/current/bin/python", "-c", LOOK, path]
        return subprocess.run(
            asked, capture_output=True, text=True, timeout=30, cwd="/", **as_user
        ).stdout.strip()

    try:
        with machine.running(who[GUARD] if apart else None, who[GATEWAY] if apart else None) as v:
            assert (v["guard_alive"], v["journal"]) == (True, "ok")
            sockets = prefix / "run/amont-guard"
            if apart:
                assert look(sockets / "status.sock", **who[GATEWAY]) == "state"
                other = {"user": STRANGER, "group": STRANGER, "extra_groups": []}
                assert look(sockets / "guard.sock", **other) == "PermissionError"
                other["extra_groups"] = [GUARD]  # in the group, but not the gateway's user
                assert look(sockets / "guard.sock", **other) == "hung up"
                listed = subprocess.run(
                    ["/bin/ls", state], capture_output=True, timeout=30, **who[GATEWAY]
                )
                assert listed.returncode != 0
            else:
                assert look(sockets / "status.sock") == "state"
    finally:
        if apart:
            give(state, machine.uid)
            give(data, machine.uid)
            (prefix / "etc/amont").chmod(0o751)
            (prefix / "etc/amont/site.yaml").chmod(0o640)


BROKEN = {
    "guard": {"amont_guard/app.py": lambda text: text.replace(
        '_notify("READY=1")', 'raise SystemExit("planted")')},
    "gateway": {"amont_gateway/view.py": lambda text: text + "\nraise RuntimeError('planted')\n"},
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_release_that_does_not_start_changes_nothing(machine, what):
    before = machine.release(), machine.release("previous")
    done = machine.script(machine.another(f"0.3-{what}", BROKEN[what]), "upgrade")
    assert done.returncode == 1
    assert f"fails on a copy of your data ({what})" in done.stderr
    assert "planted" in done.stderr
    assert (machine.release(), machine.release("previous")) == before


def test_a_site_that_the_new_release_refuses_changes_nothing(machine):
    site = machine.prefix / "etc/amont/site.yaml"
    good, before = site.read_text(), machine.release()
    site.write_text(good.replace("carrier: bridge", "carrier: pigeon"))
    done = machine.script(machine.folder / "0.2.0", "upgrade")  # lies here already
    site.write_text(good)
    assert (done.returncode, machine.release()) == (1, before)
    assert "(site)" in done.stderr
    assert "pigeon" in done.stderr


def test_a_bundle_that_was_damaged_on_the_way_is_refused(machine):
    bad = machine.another("0.5.0")
    path = bad / "breaker.sh"
    text = path.read_text()
    path.unlink()
    path.write_text(text + "\n")
    done = machine.script(bad, "upgrade")
    assert (done.returncode, "breaker.sh" in done.stderr) == (1, True)


def test_a_backup_goes_back_into_a_second_directory_and_lives(machine):
    """With the installed programs; what becomes of counters is in test_restore."""
    prefix, second = machine.prefix, machine.prefix / "second"
    places = lambda root: [  # noqa: E731 - a table of three options
        "--etc", root / "etc/amont", "--guard", root / "var/lib/amont/guard",
        "--gateway", root / "var/lib/amont/gateway",
    ]  # fmt: skip
    with machine.running():
        made = machine.program("amont-provision", "backup", "--to", prefix / "stick",
                               "--json", *places(prefix))  # fmt: skip
    assert made.returncode == 0, made.stderr
    path = json.loads(made.stdout)["path"]
    watch = machine.run(
        "/usr/bin/env", "TZ=Europe/Paris", "date", "+%Y-%m-%d %H:%M"
    ).stdout.strip()
    done = machine.program("amont-provision", "restore", path, "--now", watch, *places(second))
    assert done.returncode == 0, done.stderr
    shutil.copytree(prefix / "etc/systemd", second / "etc/systemd")
    for unit in (second / "etc/systemd/system").glob("amont-*.service"):
        text = unit.read_text().replace(str(prefix), str(second))
        unit.write_text(text.replace(f"{second}/opt", f"{prefix}/opt"))
    (second / "opt").symlink_to(prefix / "opt")
    machine.prefix = second
    try:
        with machine.running() as view:
            assert (view["guard_alive"], view["journal"]) == (True, "ok")
    finally:
        machine.prefix = prefix

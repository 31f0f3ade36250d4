"""The parts of an installation that need no second machine: links, services, apt, models."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.provisioning.test_units import INSTALL

from amont_provision.install import bundle, change, cli, machine, pack, releases, services
from amont_provision.install.layout import Layout
from amont_provision.install.releases import BUNDLE, COMPLETE
from amont_provision.install.services import UNITS, Nobody, Systemd
from amont_provision.texts import Refused


class Told:
    """Services that note what is asked of them, and stay up or do not."""

    def __init__(self, *up):
        self.asked, self.up = [], list(up)

    def reload(self):
        self.asked.append("reload")

    def restart(self):
        self.asked.append("restart")

    def stay_up(self):
        return self.up.pop(0) if self.up else True

    def describe(self):
        return dict.fromkeys(UNITS, "active")


@pytest.fixture
def layout(tmp_path):
    made = Layout(tmp_path / "machine")
    machine.folders(made)
    return made


def release(layout, name, model="the same\n", complete=True):
    """A release as it lies there, without what would make it run."""
    folder = layout.releases / name
    for part in ("systemd", "journald", "udev", "models"):
        (folder / BUNDLE / part).mkdir(parents=True)
    (folder / BUNDLE / "release.json").write_text(json.dumps({"version": name}))
    (folder / BUNDLE / "systemd" / "amont-guard.service").write_text(f"/opt/amont of {name}\n")
    (folder / BUNDLE / "journald" / "amont.conf").write_text("[Journal]\n")
    (folder / BUNDLE / "models" / "river").write_text(model)
    (folder / BUNDLE / "breaker.sh").write_text("#!/bin/sh\n")
    (folder / BUNDLE / "breaker.sh").chmod(0o755)
    (folder / BUNDLE / "gateway.env").write_text("# options\n")
    if complete:
        (folder / COMPLETE).write_text(f"libraries-of-{name}\n")
        (layout.libraries / f"libraries-of-{name}").mkdir(exist_ok=True)
        age = len(list(layout.releases.iterdir()))
        os.utime(folder / COMPLETE, (1_700_000_000 + age,) * 2)
    return folder


def first(layout, name="1"):
    made = release(layout, name)
    change.install(layout, made, None, Told())
    return made


def unit(layout):
    return (layout.units / "amont-guard.service").read_text()


def test_a_first_release_without_a_site_waits_for_one(layout):
    told = Told()
    made = release(layout, "1")
    change.install(layout, made, None, told)
    assert told.asked == []
    assert releases.current(layout) == made.resolve()
    assert releases.previous(layout) is None
    assert unit(layout) == f"{layout.prefix}/opt/amont of 1\n"
    assert os.access(layout.home / "breaker.sh", os.X_OK)
    assert (layout.etc / "models" / "river").read_text() == "the same\n"


def test_an_upgrade_that_does_not_stay_up_goes_back_by_itself(layout, monkeypatch):
    old = first(layout)
    layout.site.write_text("a site\n")
    for step in ("attempt", "_doctor", "_back_up"):
        monkeypatch.setattr(change, step, lambda *_: None)
    told, new = Told(False), release(layout, "2")
    with pytest.raises(Refused, match="did not stay up"):
        change.upgrade(layout, new, told, lambda *_, **__: None)
    assert told.asked == ["reload", "restart"] * 2
    assert releases.current(layout) == old.resolve()
    assert unit(layout) == f"{layout.prefix}/opt/amont of 1\n"
    assert not layout.on_trial.exists()


def test_an_upgrade_is_on_trial_until_it_is_taken_back(layout):
    old, new = first(layout), release(layout, "2")
    assert change.upgrade(layout, new, Told(), print) == ("1", "2")
    assert layout.on_trial.exists()
    assert unit(layout) == f"{layout.prefix}/opt/amont of 2\n"
    assert change.roll_back(layout, Told()) == ("2", "1")
    assert not layout.on_trial.exists()
    assert (releases.current(layout), releases.previous(layout)) == (old.resolve(), new.resolve())


@pytest.mark.parametrize("bad", [{"disk"}, {"disk", "journal"}])
def test_a_doctor_that_finds_more_keeps_the_old_release(layout, monkeypatch, bad):
    found = {"1": {"disk"}, "2": bad}
    monkeypatch.setattr(change, "_bad", lambda _layout, release: found[release.name])
    one, two = first(layout), release(layout, "2")
    if bad == {"disk"}:
        change._doctor(layout, one, two)
    else:
        with pytest.raises(Refused, match="journal"):
            change._doctor(layout, one, two)


def test_what_cannot_be_changed_says_why(layout):
    with pytest.raises(Refused, match="nothing is installed"):
        change.upgrade(layout, release(layout, "1"), Told(), print)
    only = first(layout, "2")
    with pytest.raises(Refused, match="chosen already"):
        change.upgrade(layout, only.resolve(), Told(), print)
    with pytest.raises(Refused, match="no release before"):
        change.roll_back(layout, Told())
    layout.site.write_text("a site\n")
    (only / "bin").mkdir()
    program = only / "bin" / "amont-provision"
    program.write_text("#!/bin/sh\necho line 3: unknown >&2; exit 1\n")
    program.chmod(0o755)
    with pytest.raises(Refused, match="line 3: unknown"):
        change.install(layout, only, None, Told())
    program.write_text("#!/bin/sh\n")
    with pytest.raises(Refused, match="not everything stays up"):
        change.install(layout, only, None, Told(False))
    assert (layout.guard / "keys.json").read_text() == '{"format":1,"nodes":{}}\n'


def test_old_releases_go_but_never_those_that_are_chosen(layout):
    made = [release(layout, str(number)) for number in range(1, 6)]
    release(layout, "half", complete=False)
    releases.choose(layout, made[0])
    releases.choose(layout, made[1])
    gone = {path.name for path in releases.prune(layout)}
    left = {path.name for path in releases.all_of(layout)}
    assert left == {"1", "2", "3", "4", "5"}
    assert gone == set()
    releases.choose(layout, made[4])  # the one before is 2 now
    gone = {path.name for path in releases.prune(layout)}
    assert gone == {"1", "libraries-of-1"}
    assert {p.name for p in layout.libraries.iterdir()} == {
        f"libraries-of-{n}" for n in (2, 3, 4, 5)
    }


def test_models_that_were_adapted_stay(layout):
    one, two = first(layout), release(layout, "2", "better\n")
    three = release(layout, "3", "best\n")
    held = layout.etc / "models" / "river"
    machine.models(layout, two, one)
    assert held.read_text() == "better\n"
    held.write_text("adapted\n")
    machine.models(layout, three, two)
    assert held.read_text() == "adapted\n"
    held.unlink()  # cut off before it was there
    machine.models(layout, three, three)
    assert held.read_text() == "best\n"


class Fake:
    """Commands of the machine, in a folder that comes first."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.told = folder, folder / "told"
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def command(self, name, does):
        path = self.folder / name
        path.write_text(f'#!/bin/sh\necho {name} "$@" >> {self.told}\n{does}\n')
        path.chmod(0o755)

    def lines(self):
        return self.told.read_text().splitlines() if self.told.exists() else []


@pytest.fixture
def fake(tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    return Fake(folder, monkeypatch)


def test_debian_is_asked_for_what_is_missing_and_offered(fake):
    fake.command("dpkg-query", '[ "$3" = mosquitto ] && printf installed')
    fake.command("apt-cache", '[ "$2" != python3-lgpio ]')
    fake.command("apt-get", "")
    machine.packages(("mosquitto", "python3-venv", "python3-lgpio"))
    asked = [line for line in fake.lines() if line.startswith("apt-get install")]
    assert asked == ["apt-get install --yes --quiet --no-install-recommends python3-venv"]
    fake.told.unlink()
    machine.packages(("mosquitto",))
    assert not [line for line in fake.lines() if line.startswith("apt-get")]
    fake.command("apt-get", "echo no network >&2; exit 100")
    with pytest.raises(Refused, match="no network"):
        machine.packages(("python3-venv",))


def test_two_users_are_made_once_and_the_guard_gets_its_devices(fake, monkeypatch):
    fake.command("useradd", "")
    fake.command("usermod", "")
    there = {"amont"}
    monkeypatch.setattr(machine.pwd, "getpwnam", lambda name: {n: n for n in there}[name])
    monkeypatch.setattr(machine.grp, "getgrnam", lambda name: {"dialout": 20}[name])
    machine.users()
    made, given, reaches = fake.lines()
    assert made.endswith("--shell /usr/sbin/nologin amont-guard")
    assert given == "usermod --append --groups dialout amont-guard"
    assert reaches == "usermod --append --groups amont-guard amont"


def test_systemd_is_asked_until_both_stand(fake):
    fake.command("udevadm", "")
    fake.command(
        "systemctl",
        f"""
        [ "$1" = is-active ] || exit 0
        n=$(grep -c is-active {fake.told})
        [ $n -gt 3 ] && printf 'active\\nactive\\n' || printf 'active\\nactivating\\n'
    """,
    )
    waits = []
    asked = Systemd(up_s=20, sleep=waits.append)
    asked.reload()
    asked.restart()
    assert asked.stay_up()
    assert len(waits) == 5, "three looks in vain, then three in a row"
    names = " ".join(UNITS)
    assert fake.lines()[:7] == [
        "systemctl daemon-reload", f"systemctl enable {names}",
        "systemctl try-restart systemd-journald.service",
        "udevadm control --reload", "udevadm trigger --subsystem-match=tty",
        f"systemctl reset-failed {names}", f"systemctl restart {names}",
    ]  # fmt: skip
    fake.command("systemctl", "echo failed; echo active")
    assert not Systemd(up_s=4, sleep=waits.append).stay_up()
    assert Systemd().describe() == {UNITS[0]: "failed", UNITS[1]: "active"}
    fake.command("systemctl", "")
    assert set(Systemd().describe().values()) == {"unknown"}


def test_below_a_prefix_nobody_runs_anything():
    asked = Nobody()
    asked.reload()
    asked.restart()
    assert (asked.stay_up(), asked.describe()) == (True, {})
    assert services.UP_S > 60


def made_bundle(folder, **head):
    folder.mkdir()
    (folder / "release.json").write_text(
        json.dumps({"format": bundle.FORMAT, "version": "1", **head})
    )
    (folder / "requirements.txt").write_text("")
    (folder / "amont-1-py3-none-any.whl").write_bytes(b"")
    bundle.write_sums(folder)
    return folder


def test_a_bundle_is_known_by_its_list(tmp_path):
    found = bundle.read(made_bundle(tmp_path / "a"))
    assert found.name[:2] == "1-"
    assert found.wheels is None
    assert found.wheel.name == "amont-1-py3-none-any.whl"
    other = made_bundle(tmp_path / "b", version="2")
    assert bundle.read(other).name != found.name
    assert bundle.read(other).pins_digest == found.pins_digest


@pytest.mark.parametrize("wrong", ["nothing", "format", "outside", "no wheel", "no pins"])
def test_what_is_no_bundle_is_refused(tmp_path, wrong):
    folder = tmp_path / "a"
    if wrong == "nothing":
        folder.mkdir()
    else:
        made_bundle(folder, **({"format": "another"} if wrong == "format" else {}))
    if wrong == "outside":
        (tmp_path / "x").write_text("")
        with (folder / bundle.SUMS).open("a") as file:
            file.write(f"{bundle.digest(tmp_path / 'x')}  ../x\n")
    elif wrong == "no wheel":
        (folder / "amont-1-py3-none-any.whl").unlink()
        bundle.write_sums(folder)
    elif wrong == "no pins":
        (folder / "requirements.txt").unlink()
        bundle.write_sums(folder)
    with pytest.raises(Refused):
        bundle.read(folder)


def test_wheels_for_a_pi_are_asked_for_by_its_platform(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(pack, "_pip", lambda *words: asked.append(words) or _wheel(words))

    def _wheel(words):
        if words[0] == "wheel":
            (tmp_path / "packing" / "amont-0.1.0-py3-none-any.whl").write_bytes(b"")

    made = pack.pack(Path(__file__).parents[2], tmp_path, "pi-3.13")
    words = asked[1]
    assert "manylinux_2_28_aarch64" in words
    assert words[words.index("--python-version") + 1] == "3.13"
    assert "--require-hashes" in words
    assert bundle.read(made).name.startswith("0.1.0-")
    assert not (made / "pins").exists()
    pack.pack(Path(__file__).parents[2], tmp_path, "here")
    assert "--platform" not in asked[3]
    names = {str(path.relative_to(made)) for path in made.rglob("*")}
    assert {"install.sh", "breaker.sh", "gateway.env", "systemd/amont-guard.service"} <= names


def test_pins_are_those_of_the_machine_that_gets_them():
    """Not of the one that packs: another Python there takes another numpy."""
    pins = (Path(__file__).parents[2] / "requirements" / "pi.txt").read_text()
    numpys = {
        python: [line.split()[0] for line in pack.pins_for(pins, python).splitlines()
                 if line.startswith("numpy==")]
        for python in ("3.11", "3.13")
    }  # fmt: skip
    assert len(numpys["3.11"]) == len(numpys["3.13"]) == 1
    assert numpys["3.11"] != numpys["3.13"]
    for line in pack.pins_for(pins, "3.13").splitlines():
        assert re.fullmatch(r"\S+==\S+ (--hash=sha256:[0-9a-f]{64} *)+", line), line


def test_pips_own_words_are_told(monkeypatch):
    with pytest.raises(Refused, match="pip could not"):
        pack._pip("no-such-command")


def run(*words):
    return cli.main([*map(str, words), "--lang", "en"])


def test_commands_without_a_release_say_what_is_missing(tmp_path, capsys, monkeypatch):
    prefix = ["--prefix", tmp_path]
    assert run("status", *prefix) == 0
    assert "use install" in capsys.readouterr().out
    assert run("rollback", *prefix) == 1
    assert run("upgrade", "--bundle", tmp_path, *prefix) == 1
    assert "amont-install upgrade: nothing is installed" in capsys.readouterr().err
    assert run("install", "--bundle", tmp_path, *prefix, "--json") == 1
    assert json.loads(capsys.readouterr().out)["error"] == "install-bundle"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert run("status") == 1
    assert "sudo" in capsys.readouterr().err
    monkeypatch.setattr(cli, "LEAST", (9, 0))
    assert run("status", *prefix) == 1
    assert "too old" in capsys.readouterr().err
    monkeypatch.setattr(cli, "LEAST", (3, 11))
    monkeypatch.setattr(cli, "ROOM_BYTES", 1 << 60)
    bundle_folder = made_bundle(tmp_path / "bundle")
    assert run("install", "--bundle", bundle_folder, *prefix) == 1
    assert "MB free" in capsys.readouterr().err


def test_the_installer_needs_nothing_but_the_standard_library():
    """It runs from the wheel, before anything is installed."""
    code = (
        "import sys; before=set(sys.modules); import amont_provision.install.cli;"
        "print(*sorted({m.partition('.')[0] for m in set(sys.modules)-before}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(done.stdout.split())
    assert loaded - set(sys.stdlib_module_names) == {"amont_provision"}


def test_the_scripts_are_sound_for_sh():
    for name in ("install.sh", "breaker.sh"):
        subprocess.run(["/bin/sh", "-n", INSTALL / name], check=True, timeout=30)
        assert os.access(INSTALL / name, os.X_OK)

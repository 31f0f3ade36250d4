"""The units: sound to systemd itself, hardened, and what the rest of the project counts on."""

import configparser
import re
import shlex
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from amont_gateway.cli import _parser as gateway_parser
from amont_guard import cli as guard_cli
from amont_guard.config import ConfigError
from amont_guard.keys import BLOCK, PACE_S, START
from amont_provision import cli as provision_cli

INSTALL = Path(__file__).parents[2] / "provisioning" / "install"
UNITS = sorted(p for p in (INSTALL / "systemd").iterdir() if p.suffix in (".service", ".timer"))
# What `systemd-analyze security` says, in tenths: 100 is a unit without any hardening.
EXPOSURE = {"amont-guard": 11, "amont-gateway": 20, "amont-backup": 24, "amont-broker": 20}


class Unit(configparser.RawConfigParser):
    """A unit's settings; a key that comes twice adds to the first, as in systemd."""

    def __init__(self, name):
        super().__init__(strict=False, interpolation=None)
        self.optionxform = str
        self.read(INSTALL / "systemd" / name)


GUARD, GATEWAY = Unit("amont-guard.service"), Unit("amont-gateway.service")


@pytest.fixture
def rendered(tmp_path):
    """The units as they are, with programs where they say that they are."""
    programs = tmp_path / "current" / "bin"
    programs.mkdir(parents=True)
    for name in ("amont-guard", "amont-gateway", "amont-provision"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    units = tmp_path / "units"
    units.mkdir()
    for path in UNITS:
        (units / path.name).write_text(path.read_text().replace("/opt/amont", str(tmp_path)))
    return units


def analyze(*words):
    return subprocess.run(
        ["systemd-analyze", *map(str, words)], capture_output=True, text=True, timeout=60
    )


def test_systemd_finds_nothing_wrong(rendered):
    done = analyze("verify", "--man=no", *sorted(rendered.iterdir()))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_would_find_what_is_wrong(rendered):
    path = rendered / "amont-guard.service"
    path.write_text(path.read_text().replace("WatchdogSec=5", "WatchdogSec=often"))
    assert "Failed to parse sec value" in analyze("verify", "--man=no", path).stderr


@pytest.mark.parametrize(("name", "most"), EXPOSURE.items())
def test_units_are_closed_as_far_as_they_can_be(rendered, name, most):
    path = rendered / f"{name}.service"
    done = analyze("security", "--offline=true", "--no-pager", f"--threshold={most}", path)
    assert done.returncode == 0, done.stdout


def test_guard_and_gateway_are_different_people_who_meet_at_the_socket():
    guard, gateway = GUARD["Service"], GATEWAY["Service"]
    assert (guard["User"], gateway["User"]) == ("amont-guard", "amont")
    assert guard["StateDirectoryMode"] == "0700"
    assert guard["RuntimeDirectoryMode"] == "0750"
    assert guard["Group"] in gateway["SupplementaryGroups"].split()
    words = shlex.split(guard["ExecStart"])
    assert words[words.index("--sockets") + 1] == f"/run/{guard['RuntimeDirectory']}"
    assert words[words.index("--gateway-uid") + 1] == gateway["User"]
    assert f"/run/{guard['RuntimeDirectory']}/guard.sock" in gateway["ExecStart"]


def test_starts_are_as_slow_as_a_restore_counts_on():
    assert float(GUARD["Service"]["RestartSec"]) >= START * PACE_S / BLOCK


def test_the_guard_is_watched_and_never_given_up():
    for unit in (GUARD, GATEWAY):
        service = unit["Service"]
        assert (service["Type"], service["Restart"]) == ("notify", "always")
        assert unit["Unit"]["OnFailure"] == "amont-breaker@%p.service"
        # also one that starts and then hangs runs into the breaker
        cycle_s = float(service["RestartSec"]) + float(service["WatchdogSec"])
        assert int(unit["Unit"]["StartLimitBurst"]) * cycle_s < float(
            unit["Unit"]["StartLimitIntervalSec"]
        )
    assert float(GUARD["Service"]["WatchdogSec"]) <= 10
    assert "After" not in GUARD["Unit"], "nothing may keep the guard from starting"
    assert "Requires" not in GATEWAY["Unit"]
    assert "amont-guard.service" in GATEWAY["Unit"]["After"].split()


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("ProcSubset", "the boot id would be hidden: ages would never survive a restart"),
        (
            "ProtectClock",
            "it brings a device list, and a bridge plugged in later would be shut out",
        ),
        ("PrivateDevices", "the bridge and the relay are devices"),
        ("DevicePolicy", "as ProtectClock"),
    ],
)
def test_what_would_harm_the_guard_is_left_out(setting, why):
    assert setting not in GUARD["Service"], why


def test_the_gateway_may_ask_how_good_the_clock_is():
    """It tells people; what asks, may also set, so it is shut out by most ways of hardening."""
    text = (INSTALL / "systemd" / "amont-gateway.service").read_text()
    filters = re.findall(r"^SystemCallFilter=(.*)$", text, re.M)
    assert filters[-1].startswith("adjtimex clock_adjtime"), "after all that takes away"
    assert "ProtectClock" not in GATEWAY["Service"]
    assert GATEWAY["Service"]["CapabilityBoundingSet"] == "", "so it can only ask"


def test_the_guard_has_no_network():
    service = GUARD["Service"]
    assert service["PrivateNetwork"] == "yes"
    assert service["RestrictAddressFamilies"] == "AF_UNIX"


def words_of(unit, program):
    words = shlex.split(unit["Service"]["ExecStart"])
    assert words[0] == f"/opt/amont/current/bin/{program}"
    return [word for word in words[1:] if not word.startswith("$A")]


def test_the_command_lines_are_ours(monkeypatch):
    asked = {}

    def build(state, **more):
        asked.update(more, state=state)
        raise ConfigError("stop here")

    monkeypatch.setattr(guard_cli, "build", build)
    monkeypatch.setattr(guard_cli.pwd, "getpwnam", lambda name: SimpleNamespace(pw_uid=len(name)))
    assert guard_cli.main(words_of(GUARD, "amont-guard")) == 2
    assert (asked["state"], asked["sockets"], asked["gateway_uids"]) == (
        Path("/var/lib/amont/guard"), Path("/run/amont-guard"), [5],
    )  # fmt: skip
    found = gateway_parser().parse_args(words_of(GATEWAY, "amont-gateway"))
    assert found.site == Path("/etc/amont/site.yaml")
    backup = words_of(Unit("amont-backup.service"), "amont-provision")
    kept = provision_cli.parser().parse_args(
        [w.replace("${AMONT_BACKUP_TO}", "/x") for w in backup]
    )
    assert (kept.to, kept.keep, kept.guard) == (Path("/x"), 14, Path("/var/lib/amont/guard"))


def test_logs_have_bounds():
    text = (INSTALL / "journald" / "amont.conf").read_text()
    limits = dict(re.findall(r"^(\w+)=(\w+)$", text, re.M))
    assert limits["SystemMaxUse"] == "100M"
    assert {"MaxRetentionSec", "SystemKeepFree", "RateLimitBurst"} <= limits.keys()


class Home:
    """Releases side by side, and a systemctl that notes what it was told."""

    def __init__(self, folder):
        self.folder, self.told = folder / "amont", folder / "told"
        for name in ("1", "2"):
            (self.folder / "releases" / name / "bin").mkdir(parents=True)
        (self.folder / "current").symlink_to("releases/2")
        (self.folder / "previous").symlink_to("releases/1")
        fake = folder / "bin"
        fake.mkdir()
        (fake / "systemctl").write_text(f'#!/bin/sh\necho "$@" >> {self.told}\n')
        (fake / "systemctl").chmod(0o755)
        self.path = f"{fake}:/usr/bin:/bin"

    def breaker(self):
        return subprocess.run(
            ["/bin/sh", INSTALL / "breaker.sh", self.folder, "amont-guard"],
            env={"PATH": self.path, "AMONT_BREAKER_WAIT_S": "0"}, timeout=30,
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    def link(self, name):
        return (self.folder / name).readlink().name


def test_a_new_release_that_does_not_stay_up_is_taken_back_once(tmp_path):
    home = Home(tmp_path)
    (home.folder / "on-trial").touch()
    assert "back from releases/2" in home.breaker()
    assert (home.link("current"), home.link("previous")) == ("1", "2")
    assert "restart --no-block amont-guard.service amont-gateway.service" in home.told.read_text()
    home.told.unlink()
    assert "again in 60 s" in home.breaker()
    assert (home.link("current"), home.link("previous")) == ("1", "2")
    assert home.told.read_text().splitlines() == [
        "reset-failed amont-guard.service", "start --no-block amont-guard.service",
    ]  # fmt: skip


def test_an_old_release_is_tried_again_for_ever(tmp_path):
    home = Home(tmp_path)
    for _ in range(3):
        assert "again" in home.breaker()
        assert home.link("current") == "2"

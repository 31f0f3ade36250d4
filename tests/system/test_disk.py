"""Disks that are really full and really read-only: two small tmpfs in a mount namespace.

``unshare`` maps this user to root in a namespace of its own, so nothing stays mounted outside.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.system.town import ALARM_MM, Town, town, until

from amont_gateway.journal import free_bytes

pytestmark = pytest.mark.servers

DATA_MIB, STATE_MIB = 44, 4  # the journal stops accepting below 32 MiB
SETUP = """
cp -a "$1" "$1.copy" && mount -t tmpfs -o size=4m,mode=0700 none "$1" && cp -a "$1.copy/." "$1" &&
mount -t tmpfs -o size=44m none "$2" && echo ready && exec sleep 600
"""


class Namespace:
    """A process that holds the two mounts; ``enter`` runs commands beside it."""

    def __init__(self, state, data):
        command = ["unshare", "--map-root-user", "--mount", "sh", "-c", SETUP, "sh", state, data]
        self._holder = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE)
        assert self._holder.stdout.readline() == b"ready\n"
        self.enter = ["nsenter", "--preserve-credentials", "--user", "--mount"]
        self.enter += ["--target", str(self._holder.pid)]
        self.root = Path(f"/proc/{self._holder.pid}/root")

    def inside(self, path):
        """Return where the test finds a path of the namespace."""
        return self.root / path.relative_to("/")

    def remount(self, path, mode):
        command = [*self.enter, "mount", "-o", f"remount,{mode}", str(path)]
        subprocess.run(command, check=True, timeout=20)

    def close(self):
        self._holder.kill()
        self._holder.wait(20)
        self._holder.stdout.close()


class MountedTown(Town):
    """A town whose processes see their folders on disks of their own."""

    def mount(self):
        self.mounts = {"state": self.state, "data": self.data}
        self.space = Namespace(self.state, self.data)
        self.guard_command = [*self.space.enter, *self.guard_command]
        self.gateway_command = [*self.space.enter, *self.gateway_command]
        self.state, self.data = self.space.inside(self.state), self.space.inside(self.data)
        self.socket = self.state / "guard.sock"

    def export(self):
        # SQLite follows the links of /proc out of the namespace: read the journal inside it.
        command = [*self.space.enter, sys.executable, "-m", "amont_gateway.cli", "journal"]
        command += ["export", "--data", str(self.mounts["data"])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout

    def close(self):
        super().close()
        self.space.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with town(tmp_path_factory.mktemp("disk"), 5, kind=MountedTown) as made:
        made.mount()
        made.gateway_options += ["--artifacts", "/nowhere/models"]
        made.start()
        made.prove()
        yield made


def fill(folder, leave_bytes=0):
    """Write until no space is left, or until so much is."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as out:
        try:
            for _ in range(DATA_MIB * 16):
                if leave_bytes and free_bytes(folder) <= leave_bytes:
                    break
                out.write(bytes(1 << 16))
        except OSError:
            pass
    return filler


def refused_then_kept(place, put_right):
    """What is measured while nothing can be kept is not acknowledged, and arrives afterwards."""
    place.measure()
    for _ in range(5):
        assert not place.pump()
    assert place.meter.unacknowledged == 30
    put_right()
    place.shows("journal_ok", "enregistre à nouveau", "records again")
    until(place.pump, "what was measured meanwhile")
    place.deliver()
    place.kept()


def test_without_the_models_folder(place):
    place.deliver()
    place.shows("model_fault", "manifest.json: No such file", "thresholds decide alone")
    place.flood(0)


def test_a_full_disk_of_the_journal(place):
    filler = fill(place.data, leave_bytes=20 << 20)
    place.shows("journal_full", "Disque plein : rien n'est acquitté", "Disk full: nothing is ack")
    assert place.status()["journal"] == "full"
    place.flood(1)
    refused_then_kept(place, filler.unlink)


def test_a_full_disk_of_the_guard(place):
    relay = place.relay(2)
    relay.write_bytes(b"0" + bytes(30))  # a real contact needs no disk; this one has its block
    filler = fill(place.state)
    place.flood(2)
    place.shows("guard_fault", "Disque : No space left", "Disk: No space left")
    filler.unlink()
    until(lambda: "p2" in (place.state / "audit.jsonl").read_text(), "the audit of the alarm")
    place.deliver()


def test_a_read_only_disk_of_the_journal(place):
    place.gateway.end()
    place.space.remount(place.mounts["data"], "ro")
    place.start_gateway()
    until(lambda: (view := place.view()) and view["guard_alive"], "the page")
    place.shows("journal_read_only", "lecture seule : rien n'est", "read-only: nothing is")
    assert place.status()["journal"] == "read-only"
    place.flood(3)
    until(lambda: place.status()["broker"] == "ok", "the broker")
    refused_then_kept(place, lambda: place.space.remount(place.mounts["data"], "rw"))


def test_a_read_only_disk_of_the_guard(place):
    """Started again on a disk that is read-only now: the siren sounds, the rest waits."""
    place.guard.end()
    place.space.remount(place.mounts["state"], "ro")
    place.guard.start(place.guard_command)
    until(lambda: place.guard.log.read_text().count('"kind": "start"') == 2, "its start")
    for node in place.pairs[4]:
        place.put(node.frame(ALARM_MM))
    sounds = '"siren": "s4", "state": "sound"'
    until(lambda: sounds in place.guard.log.read_text(), "the siren")
    assert "disk Read-only file system" in place.guard.log.read_text()
    place.shows("guard_away", "Le gardien ne répond pas", "The guard does not answer")
    place.space.remount(place.mounts["state"], "rw")
    until(lambda: (view := place.view()) and view["guard_alive"], "the gateway's link")
    until(lambda: "p4" in (place.state / "audit.jsonl").read_text(), "the audit of the alarm")
    until(lambda: place.status()["sirens"][4]["commanded"], "the siren in status")
    place.deliver()
    place.kept()

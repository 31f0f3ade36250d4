"""Disks that are really full and really read-only."""

import pytest
from tests.system.mounts import MountedTown, fill
from tests.system.town import town, until

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with town(tmp_path_factory.mktemp("disk"), 5, kind=MountedTown) as made:
        made.mount()
        made.gateway_options += ["--artifacts", "/nowhere/models"]
        made.start()
        made.prove()
        yield made


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
    place.shows("model_fault", "release.pub: No such file", "thresholds decide alone")
    place.flood(0)


def test_a_full_disk_of_the_journal(place):
    filler = fill(place.data, leave_bytes=20 << 20)
    place.shows("journal_full", "Disque plein : rien n’est acquitté", "Disk full: nothing is ack")
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
    place.shows("journal_read_only", "lecture seule : rien n’est", "read-only: nothing is")
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
    until(place.opened, "the bridge's port")
    place.leap(4)
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

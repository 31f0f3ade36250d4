# A release by the air: whatever comes, the node runs a whole one and keeps nothing half done.

import os

from board import NODE, SECRET, board, body_of, files_of, image, manifest, members_of, seal

from amont_node import slots, update
from amont_node.slots import Boot
from amont_node.update import Updater

PART = 22
WANTS, CHECKED, REFUSED, RUNNING = 0, 1, 2, 3


def updater(root: str) -> Updater:
    made = Updater(Boot(root), SECRET, (NODE, 1), lambda: None)
    made.resume(0)
    return made


def feed(made: Updater, whole: bytes, number: int = 8, until: int = 1 << 24) -> None:
    while made.next < min(len(whole), until):
        at = made.next
        made.take(number, at, whole[at : at + PART], 0)
        if made.state != WANTS:
            return


def bare(root: str) -> None:
    names = os.listdir(root)
    assert "update.img" not in names, names
    assert slots.status(root)["a"] == 7
    slots.check(root, "a")
    assert list(slots.files_below(root + "/b")) == []
    record = slots.status(root)["record"]
    assert (record["slot"], record["trying"], record["bad_boots"]) == ("a", None, 0)


def refused(name: str, whole: bytes, why: str, number: int = 8) -> None:
    root = board(name)
    made = updater(root)
    feed(made, whole, number)
    assert made.state == REFUSED and made.next == 0, (name, made.state)
    assert why in made.why, made.why
    bare(root)
    feed(made, image(8))  # and the next attempt begins at 0
    assert made.state == CHECKED, made.why


def check_a_refusal_outlives_the_rest_of_its_burst() -> None:
    root = board("burst")
    made = updater(root)
    made.take(8, 0, b"\x00" * PART, 0)
    assert made.state == REFUSED
    made.take(8, PART, b"\x00" * PART, 0)
    assert (made.state, made.why[:8]) == (REFUSED, "no image")
    assert made.asks(1 << 20)
    feed(made, image(8))  # from its beginning it may come again
    assert made.state == CHECKED, made.why


def check_a_whole_release() -> None:
    root = board("whole")
    made = updater(root)
    assert (made.release, made.next, made.state) == (7, 0, RUNNING)
    whole = image(8)
    feed(made, whole, 8, len(whole) - 40)
    assert made.state == WANTS and not made.restarts(1 << 30)
    feed(made, whole)
    assert (made.release, made.next, made.state) == (8, len(whole), CHECKED)
    assert made.asks(0) and not made.asks(1 << 20)
    assert not made.restarts(100) and made.restarts(5000) and made.busy()
    record = slots.status(root)["record"]
    assert (record["slot"], record["trying"]) == ("a", "b")
    assert slots.check(root, "b").number == 8
    assert "update.img" not in os.listdir(root)
    made.take(8, 0, whole[:PART], 0)  # what comes late changes nothing
    assert made.state == CHECKED
    again = updater(root)
    assert (again.release, again.state) == (8, RUNNING) and again.asks(0)
    again.take(9, 0, whole[:PART], 0)  # not while it is on trial
    assert (again.release, again.state) == (8, RUNNING)


def check_a_burst_is_answered_once() -> None:
    made = updater(board("burst"))
    assert made.asks(0) and not made.asks(1)  # of the boot
    whole = image(8)
    for number in range(8):
        assert not made.asks(10)
        made.take(8, number * PART, whole[number * PART : number * PART + PART], 10)
    assert made.asks(10) and not made.asks(11) and made.next == 8 * PART
    made.take(8, made.next, whole[made.next : made.next + PART], 20)
    assert made.busy() and not made.asks(3019) and made.asks(3020) and not made.busy()
    assert not made.asks(3020 + 899999) and made.asks(3020 + 900000)


def check_lost_parts_come_again() -> None:
    made = updater(board("lost-parts"))
    whole = image(8)
    for at in range(0, 5 * PART, PART):
        if at != 2 * PART:
            made.take(8, at, whole[at : at + PART], 0)
    assert made.next == 2 * PART
    made.take(8, 0, whole[:PART], 0)  # twice
    assert made.next == 2 * PART
    feed(made, whole)
    assert made.state == CHECKED


def check_it_goes_on_after_a_reboot() -> None:
    root = board("reboots")
    update._BUFFER_BYTES, usual = 100, update._BUFFER_BYTES
    whole = image(8)
    starts = []
    made = updater(root)
    while made.state != CHECKED:
        feed(made, whole, 8, made.next + 300)
        if made.state != CHECKED:
            made = updater(root)
            starts.append(made.next)
    update._BUFFER_BYTES = usual
    assert len(starts) > 2 and starts == sorted(starts) and starts[0] >= 200, starts


def check_a_cut_before_the_slot_is_written() -> None:
    root = board("unswitched")
    slots.write_whole(root + "/update.img", (image(8),))
    made = updater(root)
    assert (made.release, made.state) == (8, CHECKED)


def check_what_a_trial_left_over_goes() -> None:
    root = board("left-over")
    slots.write_whole(root + "/update.img", (image(7),))
    made = updater(root)
    assert (made.release, made.state) == (7, RUNNING)
    assert "update.img" not in os.listdir(root)


def check_rotten_left_overs_go() -> None:
    for name, content in (("empty", b""), ("short", b"AMU1"), ("noise", b"\x00" * 99)):
        root = board(name)
        slots.write_whole(root + "/update.img", (content,))
        made = updater(root)
        assert made.state != WANTS
        assert "update.img" not in os.listdir(root), name
        feed(made, image(8))
        assert made.state == CHECKED


def check_a_newer_one_comes_between() -> None:
    root = board("newer")
    made = updater(root)
    feed(made, image(8), 8, 400)
    whole = image(9)
    made.take(9, 440, whole[440:462], 0)
    assert (made.release, made.next, made.state) == (9, 0, WANTS)
    feed(made, whole, 9)
    assert (made.release, made.state) == (9, CHECKED)


def check_wrong_images() -> None:
    whole = image(8)
    refused("mac", whole[:-1] + bytes([whole[-1] ^ 1]), "its MAC is wrong")
    refused("key", seal(body_of(8, members_of(8)), b"another secret!!"), "its MAC is wrong")
    flipped = bytearray(whole)
    flipped[300] ^= 4
    refused("flip", bytes(flipped), "its MAC is wrong")
    refused("noise", b"\x00" * 200, "no image")
    refused("number", image(9), "the image is of release 9")
    refused("after", body_of(8, members_of(8)) + bytes(40), "the image ends at")
    refused("no-path", seal(body_of(8, [("", b"x")])), "a path of 0 bytes")
    refused("path", seal(body_of(8, [("p" * 65, b"x")])), "a path of 65 bytes")
    big = b"AMU1\x08\x00\x01\x00\x01p\xff\xff\xff\x7f" + bytes(60)
    refused("size", big, "a file of 2147483647 bytes")


def check_wrong_contents() -> None:
    files = files_of(8)
    listed = [(path, files[path]) for path in sorted(files)]
    for name, members, why in (
        ("last", [("release.json", manifest(8, files))] + listed, "must be the last"),
        ("none", listed, "must be the last"),
        ("climb", [("../main.mpy", b"x")] + members_of(8), "path ../main.mpy"),
        ("source", [("amont_node/app.py", b"x")] + members_of(8), "path amont_node/app.py"),
        ("extra", [("more.mpy", b"x")] + members_of(8), "extra: b/more.mpy"),
        ("fewer", members_of(8)[1:], "missing: b/amont_node/app.mpy"),
        ("other", listed + [("release.json", manifest(8, files_of(9)))], "damaged: b/"),
        ("claims", listed + [("release.json", manifest(9, files))], "is not of release 8"),
        ("broken", listed + [("release.json", b"{")], "is not of release 8"),
    ):
        refused("contents-" + name, seal(body_of(8, members)), why)


def check_releases_that_are_not_wanted() -> None:
    refused("older", image(6), "it is older than 7", 6)
    root = board("same")
    made = updater(root)
    made.take(7, 0, image(7)[:PART], 0)
    assert (made.release, made.state) == (7, RUNNING)
    bare(root)
    root = board("failed")
    slots.begin(root)
    boot = Boot(root)
    boot._record["failed"] = 8
    boot._pair.save(boot._record)
    made = updater(root)
    assert (made.release, made.state, made.asks(0)) == (8, REFUSED, True)
    made.take(8, 0, image(8)[:PART], 0)
    assert made.state == REFUSED and made.why == "it did not report good"
    feed(made, image(9), 9)
    assert made.state == CHECKED


def check_a_node_without_slots() -> None:
    made = Updater(Boot("work-nowhere"), SECRET, (NODE, 1), lambda: None)
    made.resume(0)
    made.take(8, 0, b"x", 0)
    assert made.state == REFUSED and made.why == "this node runs from no slot"


def check_a_full_flash() -> None:
    root = board("full")
    usual = update.KEEP_BYTES, update._BUFFER_BYTES
    update.KEEP_BYTES, update._BUFFER_BYTES = 1 << 60, 100
    made = updater(root)
    feed(made, image(8))
    assert made.state == REFUSED and made.why == "the flash is full"
    bare(root)
    update.KEEP_BYTES, update._BUFFER_BYTES = usual
    feed(made, image(8))
    assert made.state == CHECKED


# Full, or broken, in the middle of what it does last.
def check_a_flash_that_fails_at_any_write() -> None:
    for fails_at in range(1, 9):
        root = board("fails")
        made = updater(root)
        left = [fails_at]

        def failing(file, left=left) -> None:
            file.flush()
            left[0] -= 1
            if left[0] == 0:
                raise OSError(28, "full")

        usual = slots.make_durable
        slots.make_durable = update.make_durable = failing
        feed(made, image(8))
        slots.make_durable = update.make_durable = usual
        if left[0] > 0:
            assert made.state == CHECKED and fails_at > 4
            return
        assert made.state == REFUSED, fails_at
        bare(root)
        feed(made, image(8))
        assert made.state == CHECKED
    raise AssertionError("it never came to its end")


def check_an_image_that_never_ends_is_dropped() -> None:
    root = board("endless")
    update._BUFFER_BYTES, usual = 100, update._BUFFER_BYTES
    made = updater(root)
    feed(made, image(8), 8, 500)
    asked_ms = 10000
    asked = 0
    while made.state == WANTS:
        asked += made.asks(asked_ms)
        asked_ms += 900000
    update._BUFFER_BYTES = usual
    assert asked == 97 and made.why == "nothing more came"
    bare(root)

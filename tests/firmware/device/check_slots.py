# Slots, the boot record, and what main.py makes of them.

import os

from board import board, raises, remove, write_slot

import main as loader
from amont_node import slots
from amont_node.pair import PairFile
from amont_node.slots import Boot, SlotError


# What main.py chooses in a root: (slot, bad boots) or None.
def chosen(root: str):
    before = os.getcwd()
    os.chdir(root)
    try:
        return loader.choose()
    finally:
        os.chdir(before)


def record(root: str):
    return slots.status(root)["record"]


def write(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)


def check_the_first_release_is_no_trial() -> None:
    root = board("first")
    assert record(root)["slot"] == "a" and record(root)["trying"] is None
    assert chosen(root) == ("a", 1)
    boot = Boot(root)
    assert (boot.slot, boot.release, boot.on_trial, boot.is_safe) == ("a", 7, False, False)
    boot.good()
    assert record(root)["bad_boots"] == 0 and boot.bad_boots == 0
    revision = PairFile(root, "boot")
    revision.load()
    boot.good()  # nothing changes: nothing is written
    again = PairFile(root, "boot")
    again.load()
    assert again.revision == revision.revision


def check_a_trial_that_reports_good() -> None:
    root = board("good")
    assert slots.begin(root) == "b"
    write_slot(root, "b", 8)
    assert slots.switch(root, "b")["trying"] == "b"
    assert slots.status(root)["b"] == 8
    assert chosen(root) == ("b", 1)
    assert raises(SlotError, slots.begin, root).startswith("trial: ")
    assert raises(SlotError, slots.switch, root, "b").startswith("trial: ")
    boot = Boot(root)
    assert (boot.slot, boot.release, boot.on_trial) == ("b", 8, True)
    boot.good()
    assert record(root)["slot"] == "b" and record(root)["release"] == 8
    assert chosen(root) == ("b", 1) and slots.begin(root) == "a"
    assert slots.status(root)["a"] is None  # begun: it cannot boot any more


def check_three_boots_on_trial_then_back() -> None:
    root = board("back")
    slots.begin(root)
    write_slot(root, "b", 8)
    slots.switch(root, "b")
    assert [chosen(root)[0] for _ in range(4)] == ["b", "b", "b", "a"]
    boot = Boot(root)
    assert (boot.slot, boot.release, boot.failed, boot.bad_boots) == ("a", 7, 8, 1)
    boot.good()
    assert record(root)["failed"] == 8
    slots.begin(root)  # a person may try it again
    write_slot(root, "b", 8)
    assert slots.switch(root, "b").get("failed") is None


def check_what_cannot_be_switched_to() -> None:
    root = board("refused")
    assert raises(SlotError, slots.switch, root, "a").startswith("slot: ")
    assert raises(SlotError, slots.switch, root, "c").startswith("slot: ")
    assert raises(SlotError, slots.switch, root, "b").startswith("missing: ")
    write_slot(root, "b", 6)
    assert raises(SlotError, slots.switch, root, "b") == "older: 6 is below 7"
    write_slot(root, "b", 8)
    write(root + "/b/amont_node/left.mpy", b"x")
    assert raises(SlotError, slots.switch, root, "b") == "extra: b/amont_node/left.mpy"
    os.remove(root + "/b/amont_node/left.mpy")
    write(root + "/b/amont_node/app.mpy", b"M9")
    assert raises(SlotError, slots.switch, root, "b") == "damaged: b/amont_node/app.mpy"
    os.remove(root + "/b/amont_node/app.mpy")
    assert raises(SlotError, slots.switch, root, "b") == "missing: b/amont_node/app.mpy"
    whole = b'{"files":{"x.mpy":"00"},"release":9,"schema":1}'
    for cut in range(len(whole)):  # half a file is none, wherever it ends
        write(root + "/b/release.json", whole[:cut])
        assert raises(SlotError, slots.switch, root, "b").startswith("missing: b/release.json")
    write(root + "/b/release.json", whole)
    assert raises(SlotError, slots.switch, root, "b") == "missing: b/x.mpy"
    for text in (whole + b"x", whole.replace(b"00", b"\\u0030"), whole.replace(b"9", b"-9"),
                 whole.replace(b"x.mpy", b"x" * 200), whole.replace(b'"00"', b"null"),
                 b"", b"{", b"[]", b'{"schema": 1, "release": 9, "files": {"../x.mpy": ""}}',
                 b'{"schema": 1, "release": 0, "files": {"x.mpy": ""}}',
                 b'{"schema": 2, "release": 9, "files": {"x.mpy": ""}}',
                 b'{"schema": 1, "release": 9, "files": {"x.py": ""}}'):  # fmt: skip
        write(root + "/b/release.json", text)
        assert raises(SlotError, slots.switch, root, "b").startswith("missing: b/release.json")
    assert chosen(root) == ("a", 1)


def check_five_bad_boots_are_safe_mode() -> None:
    root = board("safe")
    for boots in range(1, 6):
        assert chosen(root) == ("a", boots)
        assert not Boot(root).is_safe
    assert chosen(root) == ("a", 6) and Boot(root).is_safe
    assert chosen(root) == ("a", 7) and Boot(root).is_safe
    Boot(root).attempt()
    assert chosen(root) == ("a", 5) and not Boot(root).is_safe
    assert chosen(root) == ("a", 6) and Boot(root).is_safe


def check_a_damaged_release_gives_way_to_a_whole_one() -> None:
    root = board("damaged", 8)
    write_slot(root, "b", 7)
    write(root + "/a/amont_node/app.mpy", b"rot")
    assert [chosen(root)[0] for _ in range(6)] == ["a", "a", "a", "a", "a", "b"]
    assert Boot(root).release == 7 and record(root)["slot"] == "b"


def check_a_lost_record_is_found_again() -> None:
    root = board("lost")
    write_slot(root, "b", 8)
    for name in ("boot.a", "boot.b"):
        write(root + "/" + name, b"amont 1 9 00000000\n{}\n")
    assert chosen(root) == ("b", 1) and record(root)["release"] == 8
    write(root + "/b/amont_node/app.mpy", b"rot")
    for name in ("boot.a", "boot.b"):
        write(root + "/" + name, b"\xff\xfe")
    assert chosen(root) == ("a", 1)
    assert slots.begin(root) == "b"


def check_a_running_slot_without_release_gives_way() -> None:
    root = board("gone")
    write_slot(root, "b", 6)
    os.remove(root + "/a/release.json")
    assert chosen(root) == ("b", 1)
    os.remove(root + "/b/release.json")
    assert chosen(root) is None


def check_records_that_no_slot_made() -> None:
    for text in ("7", '{"schema": 2}', '{"schema": 1, "slot": "c", "trying": null}'):
        root = board("odd")
        pair = PairFile(root, "boot")
        pair.load()
        pair.save(loader.json.loads(text))
        assert chosen(root) == ("a", 1)


def check_an_interrupted_boot_is_no_bad_one() -> None:
    root = board("interrupted")
    for _ in range(9):
        assert chosen(root) == ("a", 1)
        before = os.getcwd()
        os.chdir(root)
        loader.take_back()
        os.chdir(before)
    assert record(root)["bad_boots"] == 0


def check_a_first_deploy_that_was_cut() -> None:
    root = "work-cut"
    remove(root)
    os.mkdir(root)
    assert slots.status(root) == {"record": None, "a": None, "b": None}
    assert slots.begin(root) == "a" and slots.begin(root) == "a"
    write_slot(root, "a", 1)
    assert slots.begin(root) == "b"  # a/ is whole: main.py would take it
    assert chosen(root) == ("a", 1)

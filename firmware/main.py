# The loader of every board: chooses the slot whose release runs, and outlives what that release
# does. It belongs to no release and is never updated, so it imports nothing of ours and is small.
# amont_node/slots.py has the boot record's fields, amont_node/pair.py the form of its two files.
#
# - A boot counts as bad before the release runs; the release takes that back when it is good.
# - A slot on trial gets three boots, then the one before it runs again.
# - A release of which a file is damaged gives way to a whole one, if the other slot has one.
# - Without a boot record and slots: the files on the path, as in development.
# - The local button, held at boot, means service: a REPL, debug output, no watchdog. Otherwise
#   there is none of the first two, and the watchdog runs before anything else does.
# - A board with a file `role` that says "bridge" is one: it has no configuration and no key. Its
#   cable carries frames, so service is a REPL alone, for one boot; `amont-provision` asks for it.
# Besides amont_node/hal_board.py this is the only file that touches `machine`: a release that
# hangs while it is imported must not hold the board for ever.

import binascii
import hashlib
import json
import os
import sys
import time

TRIES = 3
BAD_BOOTS = 5
WATCHDOG_MS = 8000  # an RP2040 counts to 8.3 s
CRASH_BYTES = 2048
EXIT_RESET = 70  # how a simulated board says that it resets
PAUSE_S_MAX = 900


def exists(path: str) -> bool:
    try:
        os.stat(path)
    except OSError:
        return False
    return True


# The newest good value of a pair of files: (revision, which copy, value).
def load_pair(name: str):  # type: ignore[no-untyped-def]
    best = (0, 1, None)
    for copy in (0, 1):
        try:
            with open("%s.%s" % (name, "ab"[copy])) as file:
                head, _, body = file.read().partition("\n")
            words = head.split(" ")
            body = body.rstrip("\n")
            if words[:2] != ["amont", "1"] or int(words[3], 16) != binascii.crc32(body.encode()):
                continue
            if int(words[2]) > best[0]:
                best = (int(words[2]), copy, json.loads(body))
        except (OSError, ValueError, IndexError):
            pass
    return best


def save_record(loaded, record) -> None:  # type: ignore[no-untyped-def]
    revision, newest, _ = loaded
    path = "boot." + "ab"[1 - newest]
    body = json.dumps(record)
    with open(path + ".tmp", "w") as file:
        crc = binascii.crc32(body.encode())
        file.write("amont 1 %d %08x\n%s\n" % (revision + 1, crc, body))
        file.flush()
        if hasattr(os, "fsync"):
            os.fsync(file.fileno())
    os.rename(path + ".tmp", path)


# The number of a slot's release; 0: none that could be booted. deep: look at each file as well.
def release_of(slot: str, deep: bool = False) -> int:
    try:
        with open(slot + "/release.json") as file:
            release = json.load(file)
        for path in release["files"] if deep else ():
            digest = hashlib.sha256()
            with open(slot + "/" + path, "rb") as file:
                while True:
                    part = file.read(512)
                    if not part:
                        break
                    digest.update(part)
            if binascii.hexlify(digest.digest()).decode() != release["files"][path]:
                return 0
        return int(release["release"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def usable(record) -> bool:  # type: ignore[no-untyped-def]
    return (
        isinstance(record, dict)
        and record.get("schema") == 1
        and record.get("slot") in ("a", "b")
        and record.get("trying") in (None, "a", "b")
    )


# The record of a board that lost it: the newest slot that is whole. None: there is none.
def found_record() -> dict[str, object] | None:
    numbers = [release_of(slot, True) for slot in "ab"]
    if not any(numbers):
        return None
    slot = "ab"[numbers[1] > numbers[0]]
    return {"schema": 1, "slot": slot, "trying": None, "tries": 0, "bad_boots": 0,
            "release": max(numbers)}  # fmt: skip


# What this boot makes of the record; None: nothing can be booted.
def counted(record):  # type: ignore[no-untyped-def]
    if record["trying"] is not None:
        record["tries"] += 1
        if record["tries"] > TRIES or not release_of(record["trying"]):
            record["failed"] = release_of(record["trying"])
            record["trying"] = None
            record["tries"] = record["bad_boots"] = 0
    record["bad_boots"] += 1
    deep = record["bad_boots"] > BAD_BOOTS
    if record["trying"] is None and not release_of(record["slot"], deep):
        found = found_record()
        if found is not None:
            found["bad_boots"] = 1
        return found
    return record


# The slot to run, by the record on the flash, which then says that this boot is a bad one.
def choose() -> tuple[str, int] | None:
    loaded = load_pair("boot")
    record = loaded[2] if usable(loaded[2]) else found_record()
    record = record and counted(record)
    if not record:
        return None
    slot = record["trying"] or record["slot"]
    try:
        save_record(loaded, record)
    except OSError as error:  # a full or broken flash must not stop the measuring
        print("main.py: the boot record cannot be stored: %s" % error)
    return slot, record["bad_boots"]


# The release of a bridge works. (A node's says so itself, see amont_node/boot.py.)
def good() -> None:
    loaded = load_pair("boot")
    record = loaded[2]
    if not usable(record) or not (record["trying"] or record["bad_boots"]):
        return
    if record["trying"]:
        record["slot"] = record["trying"]
        record["release"] = release_of(record["slot"])
        record["trying"] = None
        record.pop("failed", None)
    record["tries"] = record["bad_boots"] = 0
    save_record(loaded, record)


# A person interrupted this boot: that is no fault of the release.
def take_back() -> None:
    loaded = load_pair("boot")
    record = loaded[2]
    if usable(record) and record["bad_boots"]:
        record["bad_boots"] -= 1
        record["tries"] = max(0, record["tries"] - 1)
        save_record(loaded, record)


def button_held() -> bool:
    if exists("button"):
        return True
    config = load_pair("config")[2]
    pin = (config.get("board") or {}).get("button") if isinstance(config, dict) else None
    if pin is None:
        return False
    try:
        from machine import Pin
    except ImportError:
        return False
    return Pin(pin, Pin.IN, Pin.PULL_UP).value() == 0


# No way in by the cable and nothing said, and a watchdog: None where the port has none.
def lock():  # type: ignore[no-untyped-def]
    import builtins

    import micropython

    micropython.kbd_intr(-1)
    if hasattr(os, "dupterm"):
        os.dupterm(None)
    builtins.print = lambda *_, **__: None
    try:
        from machine import WDT
    except ImportError:
        return None
    return WDT(timeout=WATCHDOG_MS)


def note_crash(error) -> None:  # type: ignore[no-untyped-def]
    import io

    text = io.StringIO()
    sys.print_exception(error, text)
    try:
        with open("crash.txt") as file:
            before = file.read()
    except (OSError, ValueError):
        before = ""
    try:
        with open("crash.tmp", "w") as file:
            file.write((before + text.getvalue())[-CRASH_BYTES:])
        os.rename("crash.tmp", "crash.txt")
    except OSError:
        pass


# The board must not burn its battery on a release that fails at once: longer from boot to boot.
def pause(bad_boots: int, dog) -> None:  # type: ignore[no-untyped-def]
    if dog is None:
        return
    import machine

    rest = getattr(machine, "lightsleep", time.sleep_ms)
    for _ in range(min(1 << min(bad_boots, 10), PAUSE_S_MAX)):
        rest(1000)
        dog.feed()


# A whole reset where the port has one: a soft one leaves the watchdog running, and the radio as it
# was. The file says that nobody bit: an RP2040 calls any such reset the watchdog's.
def restart() -> None:
    import machine

    if hasattr(machine, "reset"):
        try:
            open("restart", "w").close()
        except OSError:
            pass
        machine.reset()
    raise SystemExit(EXIT_RESET)


# The heap is the release's: what was needed to choose it goes.
def forget() -> None:
    import gc

    for name in ("exists", "release_of", "found_record", "counted", "choose", "button_held",
                 "lock", "is_bridge", "good", "forget"):  # fmt: skip
        globals().pop(name, None)
    gc.collect()


# Whoever interrupted the release needs room at the REPL.
def unload() -> None:
    import gc

    for name in list(sys.modules):
        if name.startswith("amont_"):
            del sys.modules[name]
    gc.collect()


def is_bridge() -> bool:
    return exists("role") and open("role").read().strip() == "bridge"


# Runs what the board is for; returns, or raises, when that has ended.
def perform(bridge: bool, slot: str, service: bool, dog) -> None:  # type: ignore[no-untyped-def]
    if not bridge:
        forget()
        from amont_node import app

        app.start(".", service)
        return
    from amont_bridge import board

    board.start(".", dog, good, release_of(slot))
    open("button", "w").close()  # somebody asked for a REPL
    restart()


def run() -> None:
    bridge = is_bridge()
    if not (bridge or exists("boot.a") or exists("boot.b") or exists("a/release.json")):
        from amont_node import app

        app.main(["."])
        return
    if not (bridge or exists("config.a") or exists("config.b")):
        print('amont {"event": "boot", "state": "not enrolled"}')
        return
    if bridge and exists("button"):
        os.remove("button")
        print('amont {"event": "boot", "state": "service"}')
        return
    chosen = choose()
    if chosen is None:
        print('amont {"event": "boot", "state": "no release"}')
        return
    slot, bad_boots = chosen
    service = not bridge and button_held()
    dog = None if service else lock()
    sys.path[:] = [slot, ".frozen"]
    try:
        perform(bridge, slot, service, dog)
    except SystemExit:
        raise
    except KeyboardInterrupt:
        take_back()
        unload()
        raise
    except Exception as error:
        note_crash(error)
        if service:
            sys.print_exception(error)
    # A bridge has no battery, and all nodes wait for it.
    pause(min(bad_boots, 2) if bridge else bad_boots, dog)
    restart()


if __name__ == "__main__":
    run()

# The two application slots a/ and b/, and the boot record that says which of them runs.
#
# A deploy over the serial port. `root` is the board's root folder ("." there). Where no release
# runs yet, write the files into a/ first and put that folder in front: sys.path.insert(0, "a").
#
#   import amont_node.slots as s
#   s.begin(root) -> "a" | "b"    the slot to write into. It cannot boot from now on: its
#                                 release.json is gone. Other files stay, to be compared by hash.
#   ... write what differs, remove what the release does not list; release.json last,
#       each by a temporary name and a rename ...
#   s.switch(root, slot) -> dict  checks every file, then makes the next boot a trial of the slot
#                                 (a board's first release is no trial: there is no other).
#                                 Returns the new boot record. Then reset the board.
#   s.status(root) -> dict        the boot record, and each slot's release (None: not bootable)
#
# All raise SlotError("<code>: <what>") and leave what was bootable as it was. Codes: slot (no such
# slot, or the running one), trial (one is under way), missing, damaged, extra, older, release
# (release.json is no release). On a board without boot record begin() answers "a".

import binascii
import hashlib
import os

from amont_node.boot import BAD_BOOTS, IMAGE_FILE, SCHEMA, SLOTS, Boot, load_record
from amont_node.manifest import Release, SlotError
from amont_node.pair import make_durable, make_folder, make_name_durable

RELEASE_FILE = "release.json"
__all__ = ["BAD_BOOTS", "IMAGE_FILE", "Boot", "Release", "SlotError"]
_CHUNK_BYTES = 512
_FOLDER = 0x4000  # st_mode


# --- what is in a slot


# The release of a slot, or None if its release.json is not there or is none. Its files are not
# looked at: see check().
def read_release(root: str, slot: str) -> Release | None:
    try:
        return Release("%s/%s/%s" % (root, slot, RELEASE_FILE))
    except (OSError, ValueError):
        return None


# The release of a slot whose every file is as its release.json says, and that holds nothing else.
def check(root: str, slot: str) -> Release:
    release = read_release(root, slot)
    if release is None:
        raise SlotError("missing", "%s/%s" % (slot, RELEASE_FILE))
    folder = "%s/%s" % (root, slot)
    for path, wanted in release.files():
        found = file_hash(folder + "/" + path)
        if found is None:
            raise SlotError("missing", "%s/%s" % (slot, path))
        if found != wanted:
            raise SlotError("damaged", "%s/%s" % (slot, path))
    # A module that is left over would be imported in place of the right one. All that are listed
    # are there: only where there are more, it is worth looking for which.
    if sum([1 for _ in files_below(folder)]) != release.count + 1:
        for path in files_below(folder):
            if path != RELEASE_FILE and not release.lists(path):
                raise SlotError("extra", "%s/%s" % (slot, path))
    return release


# SHA-256 in hex, or None if there is no such file.
def file_hash(path: str) -> str | None:
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while True:
                part = file.read(_CHUNK_BYTES)
                if not part:
                    return binascii.hexlify(digest.digest()).decode()
                digest.update(part)
    except OSError:
        return None


# Paths of all files below a folder, relative to it, one after the other.
def files_below(folder: str, prefix: str = ""):  # type: ignore[no-untyped-def]
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        path = folder + "/" + name
        if os.stat(path)[0] & _FOLDER:
            yield from files_below(path, prefix + name + "/")
        else:
            yield prefix + name


# --- the boot record


def _other(slot) -> str:  # type: ignore[no-untyped-def]
    return "b" if slot == "a" else "a"


def begin(root: str) -> str:
    _, record = load_record(root)
    if record is None:
        # Whatever lies in a/ was never switched to, or its record is lost: then b/ may be the
        # one that main.py finds.
        slot = "b" if read_release(root, "a") is not None else "a"
    elif record.get("trying") is not None:
        raise SlotError("trial", "slot %s has not reported good yet" % record["trying"])
    else:
        slot = _other(record["slot"])
    folder = root + "/" + slot
    make_folder(folder)
    remove(folder + "/" + RELEASE_FILE)
    make_name_durable(folder)
    return slot


def switch(root: str, slot: str) -> dict[str, object]:
    pair, record = load_record(root)
    if slot not in SLOTS or (record is not None and record["slot"] == slot):
        raise SlotError("slot", "%s is not the idle one" % slot)
    if record is not None and record.get("trying") is not None:
        raise SlotError("trial", "slot %s has not reported good yet" % record["trying"])
    release = check(root, slot)
    following: dict[str, object] = {
        "schema": SCHEMA, "slot": slot, "trying": None, "tries": 0, "bad_boots": 0,
        "release": release.number,
    }  # fmt: skip
    if record is not None:
        if release.number < int(record["release"]):  # type: ignore[call-overload]
            raise SlotError("older", "%d is below %s" % (release.number, record["release"]))
        following["slot"] = record["slot"]
        following["trying"] = slot
        following["release"] = record["release"]
    pair.save(following)
    return following


def status(root: str) -> dict[str, object]:
    _, record = load_record(root)
    found: dict[str, object] = {"record": record}
    for slot in SLOTS:
        release = read_release(root, slot)
        found[slot] = None if release is None else release.number
    return found


# Write a file so that a power cut leaves the old one or the new one. parts: an iterable of bytes.
def write_whole(path: str, parts) -> None:  # type: ignore[no-untyped-def]
    with open(path + ".tmp", "wb") as file:
        for part in parts:
            file.write(part)
        make_durable(file)
    os.rename(path + ".tmp", path)


def remove(path: str) -> None:
    try:
        os.remove(path)
    except OSError:
        pass

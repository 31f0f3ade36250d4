# This boot: what the boot record says of it, and what it reports of itself. All of a slot that a
# node has to know while it measures; slots.py has the rest.
#
# boot.a / boot.b (see pair.py):
#   {"schema": 1, "slot": "a", "trying": null | "b", "tries": 0, "bad_boots": 0, "release": 7,
#    "failed": 8}
# release: of `slot`. failed: a release that was tried and did not report good; not there, or 0:
# none. main.py counts tries and bad boots before it runs anything; good() takes them back.

import os

from amont_node.pair import PairFile

SCHEMA = 1
SLOTS = ("a", "b")
BAD_BOOTS = 5  # after so many: safe mode
IMAGE_FILE = "update.img"  # what came of a release by the air, see update.py
_PART_CHARACTERS = 256
_KEY = '"release":'


# The record's files, and the record, None if there is no good one.
def load_record(root: str) -> tuple[PairFile, dict[str, object] | None]:
    pair = PairFile(root, "boot")
    record = pair.load()
    good = (
        isinstance(record, dict)
        and record.get("schema") == SCHEMA
        and record.get("slot") in SLOTS
        and record.get("trying") in (None, "a", "b")
    )
    return pair, record if good else None  # type: ignore[return-value]


# The number of the release in a slot, 0: none. It runs already: what else release.json says was
# looked at when it was switched to.
def _number(root: str, slot: str) -> int:
    text = ""
    try:
        with open("%s/%s/release.json" % (root, slot)) as file:
            while True:
                part = file.read(_PART_CHARACTERS)
                text = text[-2 * len(_KEY) :] + part
                at = text.find(_KEY)
                if at >= 0:
                    text = (text[at + len(_KEY) :] + file.read(9)).lstrip()
                    digits = text.replace("}", ",").replace("\n", ",").split(",")[0]
                    return int(digits)
                if not part:
                    return 0
    except (OSError, ValueError):
        return 0


# This boot, as the application sees it.
class Boot:
    def __init__(self, root: str) -> None:
        self._pair, self._record = load_record(root)
        record = self._record or {}
        self.root = root
        self.on_trial = record.get("trying") is not None
        self.slot = record.get("trying") or record.get("slot")  # None: not run from a slot
        self.failed = int(record.get("failed") or 0)  # type: ignore[call-overload]
        self.bad_boots = int(record.get("bad_boots") or 0)  # type: ignore[call-overload]
        self.is_safe = self.bad_boots > BAD_BOOTS
        self.release = 0 if self.slot is None else _number(root, str(self.slot))

    # Whether the board has a file of that name.
    def has(self, name: str) -> bool:
        try:
            os.stat(self.root + "/" + name)
        except OSError:
            return False
        return True

    # The release reported good: it stays. Stores only what changes.
    def good(self) -> None:
        record = self._record
        if record is None or not (self.on_trial or record.get("bad_boots")):
            return
        if self.on_trial:
            record["slot"] = self.slot
            record["trying"] = None
            record["release"] = self.release
            self.failed = 0
            record.pop("failed", None)
        record["tries"] = 0
        record["bad_boots"] = 0
        self._pair.save(record)
        self.on_trial = False
        self.bad_boots = 0

    # Let the next boot be one more attempt outside safe mode.
    def attempt(self) -> None:
        if self._record is not None:
            self._record["bad_boots"] = BAD_BOOTS - 1
            self._pair.save(self._record)

# A small value that must survive a power cut at any moment: two files, each whole or worthless.
#
# Text, two lines:  "amont 1 <revision> <crc32 hex of line 2>"  and one line of JSON.
# A save goes to the copy that is not the newest, by way of a temporary file and a rename, so that
# the newest good copy is never touched. A load takes the good copy with the highest revision.

import binascii
import json
import os

_MAGIC = "amont"
_FORMAT = "1"
_ENOENT = 2


# Make what was written to `file` survive a power cut. On littlefs flush is enough (it syncs);
# on a host's file system the kernel has to be told as well.
def make_durable(file):  # type: ignore[no-untyped-def]
    file.flush()
    if hasattr(os, "fsync"):
        os.fsync(file.fileno())


# A host also has to be told about the name; littlefs commits a rename at once.
def make_name_durable(folder: str) -> None:
    if hasattr(os, "fsync"):
        flags = os.O_RDONLY  # pyright: ignore[reportAttributeAccessIssue]  # a host has it
        handle = os.open(folder, flags)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def make_folder(path: str) -> None:
    try:
        os.mkdir(path)
    except OSError:
        os.stat(path)  # exists already, or says why not


def _parse(text: str) -> tuple[int, object] | None:
    head, _, body = text.partition("\n")
    words = head.split(" ")
    body = body.rstrip("\n")
    if len(words) != 4 or words[0] != _MAGIC or words[1] != _FORMAT:
        return None
    try:
        if int(words[3], 16) != binascii.crc32(body.encode()):
            return None
        return int(words[2]), json.loads(body)
    except ValueError:
        return None


class PairFile:
    def __init__(self, folder: str, name: str) -> None:
        self._folder = folder
        self._paths = [folder + "/" + name + ".a", folder + "/" + name + ".b"]
        self._newest = 1  # index of the newest good copy
        self.revision = 0  # of the newest good copy; 0: none was found
        self.damaged = 0  # copies that were there but not good, at the last load

    # The newest good value, or None.
    def load(self) -> object:
        best = None
        self.revision = 0
        self.damaged = 0
        for index in (0, 1):
            try:
                with open(self._paths[index]) as file:
                    found = _parse(file.read())
            except OSError:
                continue
            except ValueError:  # not UTF-8
                found = None
            if found is None:
                self.damaged += 1
            elif found[0] > self.revision:
                self.revision, best = found
                self._newest = index
        return best

    # Raises OSError when it cannot be stored; the older value then still stands.
    def save(self, value: object) -> None:
        target = 1 - self._newest
        body = json.dumps(value)
        crc = binascii.crc32(body.encode())
        path = self._paths[target]
        with open(path + ".tmp", "w") as file:
            file.write("%s %s %d %08x\n%s\n" % (_MAGIC, _FORMAT, self.revision + 1, crc, body))
            make_durable(file)
        os.rename(path + ".tmp", path)
        make_name_durable(self._folder)
        self.revision += 1
        self._newest = target

    # The value is no longer true: the newest copy goes first. Raises OSError.
    def remove(self) -> None:
        for index in (self._newest, 1 - self._newest):
            try:
                os.remove(self._paths[index])
            except OSError as error:
                if error.args[0] != _ENOENT:
                    raise
        make_name_durable(self._folder)
        self.revision = 0

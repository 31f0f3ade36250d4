# A board's root in a folder, its slots and images, for the checks of what may boot.

import binascii
import hashlib
import json
import os

from amont_node import slots, update
from amont_wire.keys import UPDATE_LABEL, derive, hmac_sha256

NODE = 17
SECRET = bytes(range(16))


def remove(path: str) -> None:
    try:
        names = os.listdir(path)
    except OSError:
        return
    for name in names:
        try:
            os.remove(path + "/" + name)
        except OSError:
            remove(path + "/" + name)
    os.rmdir(path)


def files_of(number: int):
    return {
        "amont_node/app.mpy": b"M%d" % number,
        "amont_node/deep/er.mpy": bytes(range(256)) * 3,
        "amont_wire/same.mpy": b"same",
    }


def manifest(number, files, **changes) -> bytes:
    hashes = {}
    for path in files:
        hashes[path] = binascii.hexlify(hashlib.sha256(files[path]).digest()).decode()
    value = {"schema": 1, "release": number, "name": "x", "files": hashes}
    for name in changes:
        value[name] = changes[name]
    return json.dumps(value).encode()


def write_slot(root: str, slot: str, number: int) -> None:
    files = files_of(number)
    files[slots.RELEASE_FILE] = manifest(number, files_of(number))
    for path in files:
        slots.make_folder(root + "/" + slot)
        update._make_folders(root + "/" + slot, path)
        slots.write_whole("%s/%s/%s" % (root, slot, path), (files[path],))


# A board that runs release 7 from slot a.
def board(name: str, number: int = 7) -> str:
    root = "work-" + name
    remove(root)
    os.mkdir(root)
    write_slot(root, "a", number)
    slots.switch(root, "a")
    return root


def seal(body: bytes, secret: bytes = SECRET) -> bytes:
    return body + hmac_sha256(derive(secret, NODE, 1, UPDATE_LABEL), body)[:16]


def body_of(number: int, members) -> bytes:
    body = b"AMU1" + number.to_bytes(2, "little") + len(members).to_bytes(2, "little")
    for path, content in members:
        body += bytes([len(path)]) + path.encode() + len(content).to_bytes(4, "little") + content
    return body


def members_of(number: int):
    files = files_of(number)
    listed = [(path, files[path]) for path in sorted(files)]
    return listed + [(slots.RELEASE_FILE, manifest(number, files))]


def image(number: int) -> bytes:
    return seal(body_of(number, members_of(number)))


def raises(kind, call, *arguments) -> str:
    try:
        call(*arguments)
    except kind as error:
        return str(error)
    raise AssertionError("nothing was refused")

"""Build a node's update image: a release's files, with a MAC that only that node can check."""

from __future__ import annotations

from amont_provision.release import MANIFEST, Release
from amont_wire.keys import UPDATE_LABEL, derive, hmac_sha256

MAGIC = b"AMU1"
MAC_BYTES = 16


def air_image(release: Release, secret: bytes, node: int, generation: int) -> bytes:
    """Return the image as docs/wire-format.md lays it out; release.json comes last."""
    files = [*sorted(release.files.items()), (MANIFEST, release.manifest)]
    body = MAGIC + release.number.to_bytes(2, "little") + len(files).to_bytes(2, "little")
    for path, content in files:
        name = path.encode()
        body += bytes([len(name)]) + name + len(content).to_bytes(4, "little") + content
    key = derive(secret, node, generation, UPDATE_LABEL)
    return body + hmac_sha256(key, body)[:MAC_BYTES]

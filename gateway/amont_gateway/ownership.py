"""Leave files as the gateway needs them, whoever ran the command that made them."""

from __future__ import annotations

import os
from pathlib import Path


def like_folder(path: Path) -> None:
    """Give a file that root has made to the owner of its folder.

    Elsewise the gateway, which is not root, could not write what ``sudo amont-gateway`` began.
    """
    if os.geteuid() == 0:
        folder = path.parent.stat()
        os.chown(path, folder.st_uid, folder.st_gid)

"""A town whose two folders are small disks of their own: tmpfs in a mount namespace.

``unshare`` maps this user to root in a namespace of its own, so nothing stays mounted outside.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.system.town import Town

from amont_gateway.journal import free_bytes

DATA_MIB, STATE_MIB = 44, 4  # the journal stops accepting below 32 MiB
SETUP = """
cp -a "$1" "$1.copy" && mount -t tmpfs -o size=4m,mode=0700 none "$1" && cp -a "$1.copy/." "$1" &&
mount -t tmpfs -o size=44m none "$2" && echo ready && exec sleep 3600
"""


class Namespace:
    """A process that holds the two mounts; ``enter`` runs commands beside it."""

    def __init__(self, state, data):
        command = ["unshare", "--map-root-user", "--mount", "sh", "-c", SETUP, "sh", state, data]
        self._holder = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE)
        assert self._holder.stdout.readline() == b"ready\n"
        self.enter = ["nsenter", "--preserve-credentials", "--user", "--mount"]
        self.enter += ["--target", str(self._holder.pid)]
        self.root = Path(f"/proc/{self._holder.pid}/root")

    def inside(self, path):
        """Return where the test finds a path of the namespace."""
        return self.root / path.relative_to("/")

    def remount(self, path, mode):
        command = [*self.enter, "mount", "-o", f"remount,{mode}", str(path)]
        subprocess.run(command, check=True, timeout=20)

    def close(self):
        self._holder.kill()
        self._holder.wait(20)
        self._holder.stdout.close()


class MountedTown(Town):
    """A town whose processes see their folders on disks of their own."""

    def mount(self):
        self.mounts = {"state": self.state, "data": self.data}
        self.space = Namespace(self.state, self.data)
        self.guard_command = [*self.space.enter, *self.guard_command]
        self.gateway_command = [*self.space.enter, *self.gateway_command]
        self.state, self.data = self.space.inside(self.state), self.space.inside(self.data)
        self.socket = self.state / "guard.sock"

    def export(self):
        # SQLite follows the links of /proc out of the namespace: read the journal inside it.
        command = [*self.space.enter, sys.executable, "-m", "amont_gateway.cli", "journal"]
        command += ["export", "--data", str(self.mounts["data"])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout

    def close(self):
        super().close()
        self.space.close()


def fill(folder, leave_bytes=0):
    """Write until no space is left, or until so much is."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as out:
        try:
            for _ in range(DATA_MIB * 16):
                if leave_bytes and free_bytes(folder) <= leave_bytes:
                    break
                out.write(bytes(1 << 16))
        except OSError:
            pass
    return filler

"""A guard's folder, a drawer of boards, and cables that can be pulled."""

import functools
import json
from pathlib import Path

from amont_guard.keys import Keyring
from amont_node.config import ConfigStore, load_secret
from amont_provision import cli
from amont_provision.port import VirtualPort
from amont_site import load
from amont_wire.const import SAMPLES, UPLINK
from amont_wire.counters import ReservedCounter
from amont_wire.frame import Sealer

SITE = Path(__file__).parents[2] / "docs" / "examples" / "site.yaml"
NODE, METER = 11, 31
read_once = functools.cache(load)  # YAML is slow, and no test here changes the example


class Desk:
    """A guard's folder and a drawer of boards."""

    def __init__(self, folder):
        self.folder = folder
        self.keys = folder / "guard" / "keys.json"
        self.keys.parent.mkdir(mode=0o700)

    def board(self, name="board"):
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path

    def run(self, *more, node=NODE, board="board"):
        port = f"virtual:{self.board(board)}"
        return cli.main(
            ["--lang", "en", "enrol", "--port", port, "--site", str(SITE), "--node", str(node),
             "--keys", str(self.keys), *map(str, more)]
        )  # fmt: skip

    def stored(self):
        return json.loads(self.keys.read_text())["nodes"]

    def keyring(self):
        return Keyring(self.keys.parent, lambda path, content, done: done and done(), lambda: 0.0)

    def sealed(self, board="board", counter=0):
        """A frame as the node on that board seals it, from the files that it reads."""
        config = ConfigStore(str(self.board(board))).load()
        secret = load_secret(str(self.board(board)))
        used = ReservedCounter(counter, lambda limit: None, 1)
        return Sealer(secret, config.id, config.generation, UPLINK, used).seal(SAMPLES, b"body")[1]

    def heard(self, board="board", counter=0):
        """Let the guard take a frame of that board; return its verdict, windows on the disk."""
        ring = self.keyring()
        path = self.keys.parent / "windows.json"
        if path.exists():
            ring.restore_windows(json.loads(path.read_text())["windows"])
        header, _, generation = ring.open(self.sealed(board, counter))
        verdict = ring.take(header.node, generation, header.counter)
        path.write_text(json.dumps({"format": 1, "windows": ring.windows()}))
        return verdict


class Cut(OSError):
    """The cable was pulled."""


class Cable:
    """A board whose cable is pulled at the n-th call, before or after it did its work."""

    def __init__(self, folder, calls, after=False):
        self.port, self.left, self.after, self.made = VirtualPort(folder), calls, after, 0

    def __getattr__(self, name):
        call = getattr(self.port, name)

        def cut(*values):
            self.made += 1
            if name == "close":
                return call(*values)
            if self.left == 0 and not self.after:
                raise Cut("unplugged")
            found = call(*values)
            if self.left == 0:
                raise Cut("unplugged")
            self.left -= 1
            return found

        return cut

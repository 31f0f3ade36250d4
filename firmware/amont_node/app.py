# The entry: makes the node and wakes it for ever. From main.py, or without a loader:
#   python -m amont_node.app FOLDER [FLASH IMAGE]

import os
import sys

from amont_node import console
from amont_node.node import FIRMWARE, Node
from amont_wire.errors import CounterExhausted

__all__ = ["FIRMWARE", "Node"]

_FAULT_PAUSE_MS = 1000
_FAILED_WAKES_MAX = 10


# Run until killed. A programming error costs one wake, told and survived; where a loader counts
# boots, ten in a row cost the boot. The watchdog takes over when even that fails.
def run(folder: str, image: str | None = None, clock_file: str | None = None) -> None:
    # In service mode somebody may stop the node to talk to the board: no watchdog then.
    node = Node(folder, image, clock_file, not console.listens())
    console.say("node %d: %d samples wait" % (node._config.id, node.outbox.waiting()))
    _tell_boot(node)
    if console.listens():
        node.duty.attend(node.tick_s())
    failed = 0
    while failed < _FAILED_WAKES_MAX or node.boot.slot is None:
        try:
            node.wake()
            node.note_good(False)
            failed = 0
        except (KeyboardInterrupt, SystemExit, CounterExhausted):
            node.close()
            raise
        except Exception as error:
            failed += 1
            report(error)
            node.carrier.wait(_FAULT_PAUSE_MS)
    node.close()
    raise RuntimeError("%d wakes failed, one after the other" % failed)


def _tell_boot(node: Node) -> None:
    boot = node.boot
    console.tell("boot", {
        "node": node._config.id, "release": node.release, "slot": boot.slot,
        "trial": boot.on_trial, "safe": boot.is_safe, "config": node._config.version,
        "life": node._life.number, "reset_cause": node.reset_cause,
        "waiting": node.outbox.waiting(),
    })  # fmt: skip


def report(error) -> None:  # type: ignore[no-untyped-def]
    if hasattr(sys, "print_exception"):
        sys.print_exception(error)
    else:
        console.say("%s: %s" % (type(error).__name__, error))


# Where a file is, or None when there is none of that name.
def existing(path: str) -> str | None:
    try:
        os.stat(path)
    except OSError:
        return None
    return path


# From the loader. service: the local button was held. A flash image, as a simulated board has
# one, is `flash.img` in the folder.
def start(folder: str, service: bool) -> None:
    console.begin(service)
    run(folder, existing(folder + "/flash.img"), existing(folder + "/clock"))


# Without loader: folder [flash image]; a clock file is `clock` in the folder, if it is there.
def main(arguments: list[str]) -> None:
    folder = arguments[0]
    console.begin(existing(folder + "/button") is not None)
    run(folder, arguments[1] if len(arguments) > 1 else None, existing(folder + "/clock"))


if __name__ == "__main__":
    main(sys.argv[1:])

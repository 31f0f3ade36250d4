"""Put a backup into place on this machine; the machine that it came from must not run again."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from amont_provision import backup
from amont_provision.asking import secret_text
from amont_provision.cmd_backup import place_options, places_of
from amont_provision.output import Output
from amont_provision.restore import check_clock, restore, time_of
from amont_provision.texts import Refused

HELP = "put a backup into place, here, where no guard and no gateway runs"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    parser.add_argument("backup", type=Path, help="the backup's folder")
    parser.add_argument(
        "--now", required=True, metavar="'YYYY-MM-DD HH:MM'", help="date and time on your watch"
    )
    place_options(parser)
    parser.add_argument("--passphrase-file", type=Path, help="file whose first line opens it")
    parser.add_argument("--replace", action="store_true", help="move what is there aside")
    parser.add_argument("--dry-run", action="store_true", help="check backup and date alone")


def run(asked: argparse.Namespace, out: Output) -> int:
    """Restore; return 0 or raise Refused."""
    try:
        told = time_of(asked.now)
    except ValueError:
        raise Refused("restore-day", text=asked.now) from None
    opened, now_s = backup.read(asked.backup), int(time.time())
    check_clock(opened, told, now_s)
    made = time.strftime("%Y-%m-%d %H:%M", time.gmtime(opened.made_s))
    answer = {"site": opened.site, "made": made, "files": len(opened.names)}
    if asked.dry_run:
        out.result(answer, "restore-dry")
        return 0
    question = out.text("ask-backup-passphrase")
    done = restore(
        opened, places_of(asked), now_s,
        lambda: secret_text(asked.passphrase_file, question), asked.replace,
    )  # fmt: skip
    used_up, aside = list(done.leapt.used_up), [str(path) for path in done.aside]
    result = {**answer, "counters": done.leapt.counters, "used_up": used_up, "aside": aside}
    lines = [out.text("restore-aside", path=path) for path in aside]
    lines += [out.text("restore-used-up", node=node) for node in used_up]
    out.result(result, "restored", lines)
    out.say("restore-next", made=made)
    return 0

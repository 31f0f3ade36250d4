"""Enrol boards: the node reads what was written, the guard opens what the node seals."""

import json
import shutil
import stat
import string
import subprocess
import sys

import msgspec
import pytest
from tests.provisioning.desk import METER, NODE, SITE, Cable, Desk, read_once

import amont_provision.cmd_enrol
from amont_node.config import ConfigStore, load_secret
from amont_node.pair import PairFile
from amont_provision import board, cli, enrol, keyfile
from amont_provision.keyfile import KeyFile
from amont_provision.port import VirtualPort, open_port
from amont_provision.texts import TEXTS, Refused
from amont_site import load
from amont_wire.counters import NEW, OLD
from amont_wire.errors import Forged, WireError


@pytest.fixture(autouse=True)
def _one_look_at_the_example(monkeypatch):
    monkeypatch.setattr(amont_provision.cmd_enrol, "load", read_once)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


@pytest.fixture
def tls(tmp_path):
    folder = tmp_path / "tls"
    folder.mkdir()
    for name in ("ca.crt", f"{METER}.crt", f"{METER}.key"):
        (folder / name).write_text(name)
    return folder


def test_the_guard_opens_what_an_enrolled_node_seals(desk):
    assert desk.run() == 0
    ring = desk.keyring()
    assert ring.faults == []
    header, body, generation = ring.open(desk.sealed())
    assert (header.node, body, generation) == (NODE, b"body", 1)


def test_a_bridge_gets_no_key(desk, capsys):
    (desk.board() / "role").write_bytes(b"bridge\n")
    assert desk.run("--replace", "--lang", "en") == 1
    assert "this board is a bridge, which holds no key" in capsys.readouterr().err
    assert not (desk.board() / "secret.json").exists()
    assert desk.keyring().nodes() == []


def test_the_node_reads_its_part_of_the_site(desk):
    desk.run("--radio", "127.0.0.1:7801")
    config = ConfigStore(str(desk.board())).load()
    assert (config.id, config.generation, config.version, config.interval_s) == (NODE, 1, 1, 900)
    assert [(c.index, c.quantity) for c in config.channels] == [(0, 1)]
    assert (config.high_mark, config.rise_mark, config.alarm_mark) == (1200, 6, 2500)
    assert config.carrier == {
        "kind": "radio", "host": "127.0.0.1", "port": 7801, "lora": {"sf": 9},
    }  # fmt: skip
    assert config.lora.sf == 9  # no radio without a limit
    assert config.airtime_permille == 10
    assert config.frame_samples == 1


def test_a_node_on_mqtt_gets_its_certificates(desk, tls):
    assert desk.run("--tls", tls, node=METER) == 0
    config = ConfigStore(str(desk.board())).load()
    assert config.carrier["site"] == "sainte-amonette"
    assert (config.high_mark, config.alarm_mark) == (None, None)
    for key in ("ca", "cert", "key"):
        assert (desk.board() / config.carrier["tls"][key]).is_file()


def test_a_node_of_the_bridge_needs_no_certificate_of_that_folder(desk, tls):
    assert desk.run("--tls", tls, node=NODE) == 0
    assert not (desk.board() / "ca.crt").exists()


def test_secrets_are_private_and_differ(desk):
    desk.run()
    desk.run(node=12, board="other")
    secrets = {load_secret(str(desk.board(name))) for name in ("board", "other")}
    assert len(secrets) == 2
    for path in (desk.keys, desk.board() / "secret.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    shown = (desk.board() / "config.a").read_text()
    assert all(secret.hex() not in shown for secret in secrets)


@pytest.mark.parametrize("more", [[], ["--json"], ["--dry-run", "--json"]])
def test_secrets_are_never_printed(desk, capsys, more):
    desk.run(*more)
    desk.run(*more)  # refused, unless dry
    printed = "".join(capsys.readouterr())
    for secret in (e["secret"] for e in (desk.stored().values() if desk.keys.exists() else ())):
        assert secret not in printed
    planned = enrol.plan(
        load(SITE), 12, VirtualPort(desk.board("x")), KeyFile(desk.keys), enrol.Options()
    )
    assert planned.secret.hex() not in repr(planned)
    assert str(planned.secret) not in repr(planned)


def test_a_dry_run_writes_nothing(desk, capsys):
    assert desk.run("--dry-run", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["node"], answer["generation"], answer["files"]) == (NODE, 1, 3)
    assert not desk.keys.exists()
    assert list(desk.board().iterdir()) == []


def test_two_stations_cannot_have_one_identity(desk, capsys):
    desk.run()
    before = desk.keys.read_bytes()
    assert desk.run(board="second") == cli.REFUSED
    assert "two stations cannot have one identity" in capsys.readouterr().err
    assert desk.keys.read_bytes() == before
    assert list(desk.board("second").iterdir()) == []


def test_the_same_enrolment_again_keeps_the_key_and_takes_the_site_as_it_is_now(desk):
    desk.run()
    first = json.loads(desk.keys.read_bytes())["nodes"][str(NODE)]
    assert desk.run() == 0
    assert json.loads(desk.keys.read_bytes())["nodes"][str(NODE)] == first
    assert ConfigStore(str(desk.board())).load().version == 2


def test_a_board_that_runs_is_started_again_with_its_new_key(desk, monkeypatch):
    resets = []
    monkeypatch.setattr(VirtualPort, "reset", lambda port: resets.append(port))
    desk.run()
    assert resets == []  # nothing runs on a bare board
    (desk.board() / "main.py").write_text("")
    desk.run("--renew", "--dry-run")
    assert resets == []
    desk.run("--renew")
    assert len(resets) == 1


def test_a_board_cannot_become_another_node_unasked(desk, capsys):
    desk.run()
    assert desk.run(node=12) == cli.REFUSED
    assert "enrolled as node 11" in capsys.readouterr().err
    assert desk.run("--replace", node=12) == 0
    assert ConfigStore(str(desk.board())).load().id == 12


def test_renewal_raises_generation_and_version_and_ends_the_old_key(desk):
    desk.run()
    old = desk.sealed()
    assert desk.run("--renew") == 0
    config = ConfigStore(str(desk.board())).load()
    assert (config.generation, config.version) == (2, 2)
    ring = desk.keyring()
    assert ring.open(desk.sealed())[2] == 2
    with pytest.raises(Forged):
        ring.open(old)


def test_a_configuration_that_came_by_air_is_superseded(desk):
    desk.run()
    store = ConfigStore(str(desk.board()))
    store.save(store.load().changed(7, [(1, 600)]))  # lands in the second copy, revision 2
    desk.run("--renew")
    pair = PairFile(str(desk.board()), "config")
    assert pair.load()["version"] == 8
    assert pair.damaged == 0


def _cut(monkeypatch, desk, calls, after, *more, name="board"):
    """Run with a cable that is pulled at a call; return the exit code."""
    cable = Cable(desk.board(name), calls, after)
    with monkeypatch.context() as patch:
        patch.setattr(amont_provision.cmd_enrol, "open_port", lambda _text: cable)
        return desk.run(*more, board=name)


def _cut_at_every_call(tmp_path, monkeypatch, renew, after):
    """Return how many calls were cut, and what went wrong at which."""
    more, calls, wrong = ["--renew"] if renew else [], 0, []
    while True:
        own, old = Desk(_folder(tmp_path, f"{calls}")), None
        if renew:
            own.run()
            old = own.sealed()
        if _cut(monkeypatch, own, calls, after, *more) == cli.DONE:
            return calls, wrong
        if old and not _opens(own, old, 1):
            wrong.append((calls, "the guard does not know the old key any more"))
        own.run(*more)
        entry = own.stored()[str(NODE)]
        generation = 2 if renew else 1
        if entry.keys() != {"generation", "secret", "board"} or entry["generation"] != generation:
            wrong.append((calls, f"keys.json: {sorted(entry)}"))
        if not _opens(own, own.sealed(), entry["generation"]):
            wrong.append((calls, "the guard does not open what the board seals"))
        pair = PairFile(str(own.board()), "config")
        if pair.load()["generation"] != entry["generation"] or pair.damaged:
            wrong.append((calls, "the board holds another configuration"))
        calls += 1


def _opens(desk, frame, generation):
    try:
        return desk.keyring().open(frame)[2] == generation
    except WireError:
        return False


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("renew", [False, True], ids=["new", "renewed"])
def test_cut_at_every_call_the_same_command_carries_on(monkeypatch, tmp_path, renew, after):
    calls, wrong = _cut_at_every_call(tmp_path, monkeypatch, renew, after)
    assert calls >= 8
    assert wrong == []


def test_the_harness_notices_keys_that_are_settled_too_early(monkeypatch, tmp_path):
    keep = KeyFile.keep

    def hasty(keys, node, identity, name):
        keep(keys, node, identity, name)
        keys.settle(node)

    monkeypatch.setattr(KeyFile, "keep", hasty)
    wrong = {what for _, what in _cut_at_every_call(tmp_path, monkeypatch, True, False)[1]}
    assert "the guard does not know the old key any more" in wrong


def test_cut_twice_at_different_calls_it_still_ends_right(desk, monkeypatch):
    for calls in (9, 7, 6, 5, 3):
        assert _cut(monkeypatch, desk, calls, calls % 2 == 0) == cli.REFUSED
    assert desk.run() == cli.DONE
    assert desk.keyring().open(desk.sealed())[2] == 1


def test_a_key_that_waits_for_one_board_goes_to_no_other(desk, monkeypatch, capsys):
    _cut(monkeypatch, desk, 8, False)
    waiting = desk.stored()[str(NODE)]
    assert waiting["pending"]["board"] == (desk.board() / board.NAME).read_text()
    assert desk.run(board="second") == cli.REFUSED
    assert "two stations cannot have one identity" in capsys.readouterr().err
    assert desk.run("--renew", board="second") == cli.DONE
    assert desk.keyring().open(desk.sealed("second"))[2] == 2
    assert load_secret(str(desk.board("second"))).hex() != waiting["secret"]
    assert desk.run() == cli.REFUSED, "the first board is not the station any more"


def test_a_power_cut_of_the_keys_file_leaves_the_old_one(desk, monkeypatch):
    desk.run()
    before = desk.keys.read_bytes()

    def fail(*_):
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr("amont_provision.keyfile.replace", fail)
        assert desk.run("--renew") == cli.REFUSED
    assert desk.keys.read_bytes() == before
    assert desk.keyring().open(desk.sealed())[2] == 1
    assert desk.run("--renew") == cli.DONE


def test_two_commands_at_once_cannot_give_one_identity_twice(desk):
    site, options = load(SITE), enrol.Options()
    first, second = KeyFile(desk.keys), KeyFile(desk.keys)
    ports = [VirtualPort(desk.board(name)) for name in ("one", "two")]
    plans = [
        enrol.plan(site, NODE, port, keys, options)
        for port, keys in zip(ports, (first, second), strict=True)
    ]
    enrol.carry_out(plans[0], ports[0], first)
    with pytest.raises(Refused, match="was given another key"):
        enrol.carry_out(plans[1], ports[1], second)
    assert desk.keyring().open(desk.sealed("one"))[2] == 1
    assert not (desk.board("two") / board.SECRET).exists()


def test_a_busy_keys_file_is_not_waited_for(desk, capsys):
    with keyfile._locked(desk.keys):
        assert desk.run() == cli.REFUSED
    assert "another command is at work" in capsys.readouterr().err


def test_a_newer_key_that_was_heard_ends_the_elder_at_the_guard(desk):
    desk.run()
    stolen = desk.folder / "stolen"
    shutil.copytree(desk.board(), stolen)
    assert desk.heard() == NEW
    waits = _cut_after_writing(desk)
    assert desk.heard("stolen", counter=10) == NEW, "the new key was not proved yet"
    assert desk.heard(counter=20) == NEW
    assert desk.heard("stolen", counter=30) == OLD
    assert waits.pending(NODE) is not None
    assert KeyFile(desk.keys).pending(NODE) is None, "its first frame closed it"


def _cut_after_writing(desk):
    """Renew, but lose the cable before the keys are settled."""
    keys, port = KeyFile(desk.keys), VirtualPort(desk.board())
    keys.settle = lambda _node: None
    planned = enrol.plan(load(SITE), NODE, port, keys, enrol.Options(renew=True))
    enrol.carry_out(planned, port, keys)
    return keys


def test_the_node_takes_what_the_site_s_file_says_of_its_hardware(desk, tmp_path, monkeypatch):
    site = tmp_path / "wired.yaml"
    text = SITE.read_text().replace(
        "    carrier: bridge\n    interval_s: 900\n    fast_interval_s: 60\n",
        "    carrier: bridge\n    profile: flash-flood\n"
        "    board: {name: pico, rtc: ds3231, i2c: {id: 0, scl: 5, sda: 4}, button: 22}\n",
        1,
    )
    text = text.replace(
        "flat_samples: 60}", "probe: {kind: a02yyuw, uart: {id: 0, tx: 0, rx: 1}}}", 1
    )
    text = text.replace(
        "carrier: mqtt\n", "carrier: mqtt\n    marks: {low: 30, fall_per_min: 5}\n"
    )
    site.write_text(text)
    monkeypatch.setattr("tests.provisioning.desk.SITE", site)
    assert desk.run() == cli.DONE
    config = ConfigStore(str(desk.board())).load()
    assert (config.profile, config.look_s, config.interval_s) == ("flash-flood", 60, 900)
    assert (config.board.name, config.board.rtc, config.board.button) == ("pico", "ds3231", 22)
    probe = {"kind": "a02yyuw", "uart": {"id": 0, "tx": 0, "rx": 1}}
    assert config.channels[0].probe == probe
    node = enrol.node_of(load(site), METER)
    pipe = board.configuration(load(site), node, 1, 1, {"kind": "radio"})
    assert (pipe["low_mark"], pipe["fall_mark"], pipe["high_mark"]) == (30, 5, None)


def test_a_calibration_stays_with_its_board(desk):
    desk.run()
    store = ConfigStore(str(desk.board()))
    config = store.load()
    config.data["channels"][0]["calibration"] = {"multiply": -1, "divide": 1, "add": 4200}
    store.save(config)
    desk.run("--renew")
    found = ConfigStore(str(desk.board())).load().data["channels"][0]
    assert found["calibration"] == {"multiply": -1, "divide": 1, "add": 4200}


def _folder(tmp_path, name):
    path = tmp_path / name
    path.mkdir()
    return path


def test_a_board_that_gives_back_something_else_is_refused(desk):
    class Worn(VirtualPort):
        def read(self, name):
            content = super().read(name)
            return content and content[:-1]

    keys, port = KeyFile(desk.keys), Worn(desk.board())
    planned = enrol.plan(load(SITE), NODE, port, keys, enrol.Options())
    with pytest.raises(Refused, match=r"board\.id"):
        enrol.carry_out(planned, port, keys)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "Expecting value"),
        ('{"format": 2, "nodes": {}}', "format 2"),
        (
            '{"format": 1, "nodes": {"11": {"generation": 1, "secret": "00"}}}',
            "node 11 is damaged",
        ),
        ('{"format": 1, "nodes": []}', "keys.json"),
    ],
)
def test_unreadable_keys_are_left_alone(desk, capsys, content, says):
    desk.keys.write_text(content)
    assert desk.run() == cli.REFUSED
    assert says in capsys.readouterr().err
    assert desk.keys.read_text() == content


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"node": 99}, "node 99 is not in sainte-amonette"),
        ({"node": METER}, "requires TLS"),
    ],
)
def test_what_the_site_does_not_allow_is_refused(desk, capsys, change, says):
    assert desk.run(**change) == cli.REFUSED
    assert says in capsys.readouterr().err
    assert not desk.keys.exists()


def test_generations_do_not_wrap(desk, capsys):
    entry = {"generation": 65_535, "secret": "00" * 16}
    desk.keys.write_text(json.dumps({"format": 1, "nodes": {str(NODE): entry}}))
    assert desk.run("--renew") == cli.REFUSED
    assert "used up its generations" in capsys.readouterr().err


def test_a_site_without_a_broker_cannot_have_nodes_on_mqtt():
    site = msgspec.structs.replace(load(SITE), broker=None)
    meter = next(node for node in site.nodes if node.id == METER)
    with pytest.raises(Refused, match="has no broker"):
        board.carrier(site, meter, enrol.RADIO, tls=False)


def test_a_missing_certificate_is_named(desk, capsys, tls):
    (tls / "ca.crt").unlink()
    assert desk.run("--tls", tls, node=METER) == cli.REFUSED
    assert f"ca.crt, {METER}.crt and {METER}.key" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["nowhere", "host:", ":1", "host:70000", "host:x"])
def test_an_address_of_another_form_is_refused(desk, capsys, text):
    with pytest.raises(SystemExit):
        desk.run("--radio", text)
    assert "is not HOST:PORT" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("port", "says"), [("serial:/dev/x", "unknown form"), ("virtual:", "unknown form")]
)
def test_a_port_of_another_form_says_what_to_write(port, says):
    with pytest.raises(Refused, match=says):
        open_port(port)


def test_the_command_is_installed_and_answers_in_french(desk):
    run = subprocess.run(
        [sys.executable, "-m", "amont_provision.cli", "--lang", "fr", "enrol", "--node", "11",
         "--port", "virtual:/nowhere/at/all", "--site", str(SITE), "--keys", str(desk.keys)],
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert run.returncode == cli.REFUSED
    assert run.stderr.count("\n") == 1
    assert "le dossier n'existe pas" in run.stderr


def test_a_site_with_errors_names_file_and_line(desk, capsys, tmp_path):
    broken = tmp_path / "site.yaml"
    broken.write_text(SITE.read_text().replace("carrier: bridge", "carrier: pigeon", 1))
    port = f"virtual:{desk.board()}"
    line = ["enrol", "--port", port, "--site", broken, "--node", NODE, "--keys", desk.keys]
    assert cli.main(list(map(str, line))) == cli.REFUSED
    line = next(n for n, t in enumerate(SITE.read_text().splitlines(), 1) if "carrier: br" in t)
    assert f"{broken}:{line}: " in capsys.readouterr().err


def test_every_sentence_exists_in_both_languages():
    for code, (french, english) in TEXTS.items():
        assert min(len(french), len(english)) > 0, code
        assert sorted(_names(french)) == sorted(_names(english)), code


def _names(text):
    return [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]

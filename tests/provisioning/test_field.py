"""Replace, rotate, revoke, set, update, fleet: what a technician does after the first day."""

import datetime as dt
import http.server
import json
import re
import sqlite3
import subprocess
import sys
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.provisioning.desk import METER, NODE, SITE, Cable, Desk, read_once

import amont_provision.cmd_enrol
import amont_provision.cmd_set
from amont_guard.config import parse
from amont_guard.pending import Pending
from amont_node.config import ConfigStore, load_secret
from amont_node.pair import PairFile
from amont_provision import board, cli, release, signing
from amont_provision.keyfile import KeyFile
from amont_provision.logbook import Logbook, now
from amont_provision.port import VirtualPort
from amont_site import canonical, compile_guard
from amont_wire.errors import WireError

PASSWORD = "riviere-en-crue"


class Commune(Desk):
    """The guard's folder, the gateway's, and boards."""

    def __init__(self, folder):
        super().__init__(folder)
        self.gateway = folder / "gateway"
        self.gateway.mkdir()
        self.trust = ""

    def call(self, *words):
        return cli.main(["--lang", "en", *map(str, words)])

    def port(self, name="board"):
        return f"virtual:{self.board(name)}"

    def set(self, *words, node=NODE):
        return self.call(
            "set", *words, "--pending", "--node", node, "--site", SITE,
            "--guard", self.keys.parent,
        )  # fmt: skip

    def asked(self):
        return json.loads((self.keys.parent / "pending.json").read_text())["nodes"]

    def guard_says(self, told, wanted, firmware):
        node = {"told": told, "version": wanted, "items": {}, "firmware": firmware}
        value = {"format": 1, "nodes": {str(METER): node, str(NODE): node}}
        (self.keys.parent / "configs.json").write_text(json.dumps(value))


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    for name in ("cmd_enrol", "cmd_set", "cmd_replace", "cmd_update", "cmd_fleet"):
        monkeypatch.setattr(f"amont_provision.{name}.load", read_once)


@pytest.fixture
def commune(tmp_path):
    made = Commune(tmp_path)
    made.run()
    return made


def _replace(commune, *more, port="new"):
    return commune.call(
        "replace", NODE, "--port", commune.port(port), "--site", SITE, "--keys", commune.keys,
        *more,
    )  # fmt: skip


def test_a_new_board_takes_the_place_of_a_lost_one(commune):
    old = commune.sealed()
    assert _replace(commune) == cli.DONE
    ring = commune.keyring()
    assert ring.open(commune.sealed("new"))[2] == 2
    with pytest.raises(WireError):
        ring.open(old)


def test_a_replacement_brings_the_calibrations_of_the_logbook(commune, tmp_path, monkeypatch):
    site = tmp_path / "village.yaml"
    site.write_text(SITE.read_text())
    for add in (4100, 4200):
        record = {
            "node": NODE, "sensor": "pont-neuf-a", "by": "Luc", "method": "offset",
            "raw_unit": "range_mm", "points": [], "residuals": [], "previous": None,
            "transform": {"multiply": -1, "divide": 1, "add": add}, "moved": None,
            "forced": None, "config_version": 1,
        }  # fmt: skip
        Logbook(site).append("calibration", now(), record)
    monkeypatch.setattr("tests.provisioning.test_field.SITE", site)
    assert _replace(commune) == cli.DONE
    channel = ConfigStore(str(commune.board("new"))).load().data["channels"][0]
    assert channel["calibration"] == {"multiply": -1, "divide": 1, "add": 4200}
    assert _replace(commune, "--new-sensor", port="newer") == cli.DONE
    channel = ConfigStore(str(commune.board("newer"))).load().data["channels"][0]
    assert "calibration" not in channel


def test_a_replacement_is_no_way_round_two_boards(commune, capsys):
    commune.run(node=12, board="twelve")
    assert _replace(commune, port="twelve") == cli.REFUSED
    assert "enrolled as node 12" in capsys.readouterr().err


def test_rotation_gives_the_same_board_its_next_key(commune):
    old = load_secret(str(commune.board()))
    words = ["--port", commune.port(), "--site", SITE, "--keys", commune.keys]
    assert commune.call("rotate", *words) == cli.DONE
    assert commune.keyring().open(commune.sealed())[2] == 2
    assert load_secret(str(commune.board())) != old


def test_rotation_needs_an_enrolled_board(commune, capsys):
    words = ["--port", commune.port("bare"), "--site", SITE, "--keys", commune.keys]
    assert commune.call("rotate", *words) == cli.REFUSED
    assert capsys.readouterr().err.count("\n") == 1


def test_a_revoked_node_is_heard_no_more_and_comes_back_with_another_key(commune, capsys):
    assert commune.call("revoke", NODE, "--keys", commune.keys, "--dry-run") == cli.DONE
    assert commune.keyring().open(commune.sealed())[2] == 1
    assert commune.call("revoke", NODE, "--keys", commune.keys) == cli.DONE
    with pytest.raises(WireError):
        commune.keyring().open(commune.sealed())
    assert commune.call("revoke", NODE, "--keys", commune.keys) == cli.DONE, "cut off, run again"
    assert "revoked already" in capsys.readouterr().out
    assert commune.call("revoke", 12, "--keys", commune.keys) == cli.REFUSED
    assert "has no key here" in capsys.readouterr().err
    assert commune.run() == cli.DONE
    assert commune.keyring().open(commune.sealed())[2] == 2


# --- set


def test_a_wish_reaches_the_guard_as_it_was_said(commune, capsys):
    assert commune.set("interval_s=300", "--dry-run") == cli.DONE
    assert "- interval_s: 900\n+ interval_s: 300\n" in capsys.readouterr().out
    assert not (commune.keys.parent / "pending.json").exists()
    assert commune.set("interval_s=300", "high_mark=1000") == cli.DONE
    assert commune.set("fast_interval_s=30", node=METER) == cli.DONE
    assert commune.asked() == {
        "11": {"interval_s": 300, "high_mark": 1000}, "31": {"fast_interval_s": 30},
    }  # fmt: skip
    config = parse(canonical(compile_guard(read_once(SITE))))
    limits = config.stations["pont-neuf"].limits_mm
    pending = Pending(commune.keys.parent, lambda *_: None, config, lambda _: limits)
    pending._take(NODE, 3, 1)
    version, items = pending.due(NODE, 0.0)
    assert pending.faults == []
    assert (version, dict(items)) == (4, {1: 300, 2: 60, 3: 1000, 4: 6, 6: 2500})
    node = ConfigStore(str(commune.board())).load().changed(version, items)
    assert (node.version, node.interval_s, node.high_mark) == (4, 300, 1000)
    assert commune.set("interval_s=", "high_mark=") == cli.DONE
    assert commune.asked() == {"31": {"fast_interval_s": 30}}


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ("interval_s=901", "write 60 to 900"), ("interval_s=59", "write 60 to 900"),
        ("high_mark=1201", "to 1200"), ("alarm_mark=2501", "to 2500"), ("rise_mark=0", "1 to 6"),
        ("siren=0", "possible: interval_s"), ("look_s=60", "cannot be set this way"),
    ],
)  # fmt: skip
def test_no_wish_makes_a_node_less_watchful(commune, capsys, wish, says):
    assert commune.set(wish) == cli.REFUSED
    assert says in capsys.readouterr().err
    assert not (commune.keys.parent / "pending.json").exists()


@pytest.mark.parametrize("wish", ["interval_s", "=5", "interval_s=x", "interval_s=1.5", "a=é"])
def test_a_wish_of_another_form_is_refused(commune, wish):
    with pytest.raises(SystemExit):
        commune.set(wish)


@pytest.mark.parametrize("content", ["", "[]", '{"format":2}', '{"format":1,"nodes":[]}'])
def test_damaged_wishes_are_left_alone(commune, capsys, content):
    path = commune.keys.parent / "pending.json"
    path.write_text(content)
    assert commune.set("interval_s=300") == cli.REFUSED
    assert "mend or remove this file" in capsys.readouterr().err
    assert path.read_text() == content


def test_wifi_and_certificates_go_by_cable_only(commune, capsys):
    assert commune.set("--wifi", "mairie") == cli.REFUSED
    assert "go by cable only" in capsys.readouterr().err
    assert commune.call("set", "--port", commune.port()) == cli.REFUSED
    assert "nothing to set" in capsys.readouterr().err


def test_a_folder_that_is_not_the_guard_s_is_told(commune, capsys):
    words = ["--pending", "--node", NODE, "--site", SITE, "--guard", commune.folder / "none"]
    assert commune.call("set", "interval_s=300", *words) == cli.REFUSED
    assert "run this at the Pi, with sudo" in capsys.readouterr().err


def test_a_setting_by_cable_raises_the_version(commune, capsys):
    words = ["set", "interval_s=600", "low_mark=", "--port", commune.port()]
    assert commune.call(*words, "--dry-run") == cli.DONE
    assert "- interval_s: 900\n+ interval_s: 600\n" in capsys.readouterr().out
    assert ConfigStore(str(commune.board())).load().version == 1
    assert commune.call(*words) == cli.DONE
    config = ConfigStore(str(commune.board())).load()
    assert (config.version, config.interval_s, config.low_mark) == (2, 600, None)


def test_a_board_that_runs_starts_again_with_its_settings(commune, monkeypatch):
    resets = []
    monkeypatch.setattr(VirtualPort, "reset", lambda port: resets.append(port))
    words = ["set", "interval_s=600", "--port", commune.port()]
    assert commune.call(*words) == cli.DONE
    (commune.board() / "main.py").write_text("")
    assert commune.call(*words, "--dry-run") == cli.DONE
    assert resets == []
    assert commune.call(*words) == cli.DONE
    assert len(resets) == 1


def test_no_option_of_any_command_takes_a_secret():
    sub = next(a for a in cli.parser()._actions if a.choices and "enrol" in a.choices)
    options = {
        option
        for command in sub.choices.values()
        for action in command._actions
        if action.nargs != 0  # a switch takes nothing
        for option in action.option_strings
    }
    assert {"--passphrase-file", "--wifi-file"} <= options
    suspects = {o for o in options if re.search("pass|secret|word|psk|pin|private|token", o)}
    assert suspects <= {"--passphrase-file"}
    assert {o for o in options if "key" in o} <= {"--keys", "--laptop-key", "--key"}, "files"


@pytest.mark.parametrize(
    "wish", ["interval_s=0", "interval_s=", "fast_interval_s=901", "look_s=901", "id=12"]
)
def test_a_setting_that_the_node_would_refuse_is_refused_here(commune, wish):
    assert commune.call("set", wish, "--port", commune.port()) == cli.REFUSED
    assert ConfigStore(str(commune.board())).load().version == 1


def _password(commune, text=PASSWORD):
    path = commune.folder / "wifi"
    path.write_text(text + "\n")
    path.chmod(0o600)
    return path


def test_wifi_comes_from_a_file_and_is_never_shown(commune, capsys):
    words = ["set", "--wifi", "mairie", "--wifi-file", _password(commune)]
    assert commune.call(*words, "--port", commune.port(), "--dry-run") == cli.DONE
    assert not (commune.board() / "wifi.json").exists()
    for more in ([], ["--json"]):
        assert commune.call(*words, "--port", commune.port(), *more) == cli.DONE
    assert PASSWORD not in "".join(capsys.readouterr())
    held = json.loads((commune.board() / "wifi.json").read_text())
    assert held == {"schema": 1, "networks": [{"ssid": "mairie", "password": PASSWORD}]}
    assert (commune.board() / "wifi.json").stat().st_mode & 0o077 == 0


def test_wifi_comes_from_a_pipe_and_stays_out_of_the_list_of_processes(commune):
    words = ["set", "--wifi", "mairie", "--port", commune.port()]
    run = subprocess.Popen(
        [sys.executable, "-m", "amont_provision.cli", *words], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with open(f"/proc/{run.pid}/cmdline") as shown:
        assert PASSWORD not in shown.read()
    printed = "".join(run.communicate(PASSWORD + "\n", timeout=30))
    assert run.returncode == cli.DONE
    assert PASSWORD not in printed
    assert PASSWORD in (commune.board() / "wifi.json").read_text()


@pytest.mark.parametrize(
    ("name", "password", "says"),
    [
        ("n" * 33, PASSWORD, "1 to 32 bytes"), ("", PASSWORD, "nothing to set"),
        ("mairie", "short", "8 to 63"), ("mairie", "x" * 64, "8 to 63"),
        ("mairie", "tab\there..", "8 to 63"),
    ],
)  # fmt: skip
def test_a_network_that_cannot_be_is_refused(commune, capsys, name, password, says):
    words = ["--wifi", name, "--wifi-file", _password(commune, password)]
    assert commune.call("set", *words, "--port", commune.port()) == cli.REFUSED
    assert says in capsys.readouterr().err
    assert not (commune.board() / "wifi.json").exists()


def test_cut_at_every_call_a_setting_is_the_old_one_or_the_new_one(commune, monkeypatch):
    calls, secret = 0, _password(commune)
    while True:
        cable = Cable(commune.board(), calls)
        with monkeypatch.context() as patch:
            patch.setattr(amont_provision.cmd_set, "open_port", lambda _text, c=cable: c)
            words = ["set", f"interval_s={500 + calls}", "--wifi", "m", "--wifi-file", secret]
            done = commune.call(*words, "--port", "x")
        pair = PairFile(str(commune.board()), "config")
        assert pair.load()["interval_s"] in range(500, 901)
        assert pair.damaged == 0
        if done == cli.DONE:
            assert pair.load()["interval_s"] == 500 + calls
            break
        calls += 1
    assert calls >= 8


# --- certificates


def _certificates(folder, node=METER, days=30, forge=False):
    """Write ca.crt, NODE.crt, NODE.key as a small authority makes them."""
    folder.mkdir()
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, n)]) for n in ("ca", str(node))]
    end = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)

    def made(subject, key, signer):
        return (
            x509.CertificateBuilder().subject_name(subject).issuer_name(names[0])
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(end - dt.timedelta(days=90)).not_valid_after(end)
            .sign(signer, hashes.SHA256())
        )  # fmt: skip

    pem = serialization.Encoding.PEM
    signer = keys[2] if forge else keys[0]
    (folder / "ca.crt").write_bytes(made(names[0], keys[0], keys[0]).public_bytes(pem))
    (folder / f"{node}.crt").write_bytes(made(names[1], keys[1], signer).public_bytes(pem))
    private = keys[1].private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / f"{node}.key").write_bytes(private)
    return folder


@pytest.fixture
def meter(commune):
    """A node on MQTT with its first certificates."""
    assert commune.run("--tls", _certificates(commune.folder / "tls"), node=METER, board="m") == 0
    return commune


def test_certificates_are_renewed_by_cable(meter, capsys):
    renewed = _certificates(meter.folder / "renewed")
    assert meter.call("set", "--tls", renewed, "--port", meter.port("m")) == cli.DONE
    for name in ("ca.crt", f"{METER}.crt", f"{METER}.key"):
        assert (meter.board("m") / name).read_bytes() == (renewed / name).read_bytes()
    printed = "".join(capsys.readouterr())
    body = (renewed / f"{METER}.key").read_text().splitlines()[1]
    assert body not in printed


def test_a_node_or_a_laptop_in_1970_gets_its_certificates_all_the_same(meter, monkeypatch):
    expired = _certificates(meter.folder / "renewed", days=-1)
    words = ["set", "--tls", expired, "--port", meter.port("m")]
    assert meter.call(*words) == cli.REFUSED
    monkeypatch.setattr(amont_provision.settings.pems, "__defaults__", (lambda: 1000.0,))
    assert meter.call(*words) == cli.DONE


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda f: (f / "ca.crt").unlink(), "ca.crt, 31.crt and 31.key"),
        (lambda f: (f / "31.crt").write_text("no PEM"), "do not belong together"),
        (lambda f: (f / "31.key").write_bytes(_other_key()), "do not belong together"),
    ],
)
def test_certificates_that_do_not_fit_are_refused(meter, capsys, spoil, says):
    folder = _certificates(meter.folder / "renewed")
    spoil(folder)
    before = (meter.board("m") / "ca.crt").read_bytes()
    assert meter.call("set", "--tls", folder, "--port", meter.port("m")) == cli.REFUSED
    assert says in capsys.readouterr().err
    assert (meter.board("m") / "ca.crt").read_bytes() == before


def test_a_certificate_of_another_authority_is_refused(meter, capsys):
    folder = _certificates(meter.folder / "renewed", forge=True)
    assert meter.call("set", "--tls", folder, "--port", meter.port("m")) == cli.REFUSED
    assert "do not belong together" in capsys.readouterr().err


def _other_key():
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )  # fmt: skip


# --- update


@pytest.fixture
def released(meter):
    """A signed release 5, and the public key that is trusted."""
    key = signing.private_key(meter.folder / "release.key")
    files = {"amont_node/app.mpy": b"M" * 100}
    path = meter.folder / "0.5.amont"
    path.write_bytes(release.pack(5, "0.5", files, b"loader", key))
    meter.trust = signing.public_bytes(key).hex()
    return path


def _update(commune, path, *more, node=METER):
    return commune.call(
        "update", path, "--node", node, "--site", SITE, "--guard", commune.keys.parent,
        "--gateway", commune.gateway, "--trust", commune.trust, *more,
    )  # fmt: skip


def test_a_signed_release_waits_where_the_gateway_finds_it(meter, released, capsys):
    meter.guard_says(1, 1, 4)
    image = meter.gateway / "updates" / f"{METER}.amu"
    assert _update(meter, released, "--pending", "--dry-run") == cli.DONE
    assert not image.exists()
    assert _update(meter, released, "--pending") == cli.DONE
    assert image.read_bytes()[:6] == b"AMU1\x05\x00"
    secret = KeyFile(meter.keys).secret(METER)
    assert secret not in image.read_bytes()
    assert secret.hex() not in "".join(capsys.readouterr())
    assert _update(meter, released, "--withdraw") == cli.DONE
    assert not image.exists()


def test_updates_that_may_not_be_are_refused(meter, released, capsys):
    cases = [
        (["--pending", "--trust", "00" * 32], METER, "", 4),
        ([], METER, "by cable: amont-provision deploy", 4),
        (["--pending"], NODE, "comes by radio", 4),
        (["--pending"], METER, "has release 5, 5 is no newer", 5),
        (["--pending"], METER, "has release 9", 9),
        (["--pending"], 21, "node 21 has no key here", 4),
    ]
    for more, node, says, firmware in cases:
        meter.guard_says(1, 1, firmware)
        if "00" * 32 in more:
            meter.trust, kept = "00" * 32, meter.trust
            assert _update(meter, released, "--pending") == cli.REFUSED
            meter.trust = kept
            continue
        assert _update(meter, released, *more, node=node) == cli.REFUSED, says
        assert says in capsys.readouterr().err
    assert not (meter.gateway / "updates").exists()


# --- fleet


def _fleet(commune, capsys, *more):
    capsys.readouterr()
    assert commune.call("fleet", "--site", SITE, *more, "--json") == cli.DONE
    told = json.loads(capsys.readouterr().out)
    return {row["node"]: row for row in told["nodes"]}, told["missing"]


def test_the_fleet_is_shown_without_anything_within_reach(commune, capsys):
    rows, missing = _fleet(commune, capsys)
    assert sorted(rows) == [11, 12, 21, 31]
    assert missing == []
    assert {rows[11][name] for name in ("generation", "firmware", "battery_mv")} == {None}


def test_the_fleet_says_keys_and_configurations_as_the_guard_knows_them(commune, capsys):
    commune.guard_says(3, 4, 7)
    commune.set("interval_s=300")
    words = tmp = commune.folder / "words"
    tmp.write_text("cheval correct pile\n")
    tmp.chmod(0o600)
    commune.call(
        "enrol", "--batch", 1, "--nodes", 12, "--site", SITE, "--keys", commune.keys,
        "--out", commune.folder / "lot", "--passphrase-file", words,
    )  # fmt: skip
    rows, _ = _fleet(commune, capsys, "--guard", commune.keys.parent)
    assert (rows[11]["generation"], rows[11]["key"], rows[11]["heard"]) == (1, "proved", False)
    assert (rows[11]["config_told"], rows[11]["config_wanted"], rows[11]["firmware"]) == (3, 4, 7)
    assert rows[11]["asked"] == {"interval_s": 300}
    assert rows[12]["key"] == "in-bundle"
    assert rows[21]["key"] == "no-key"
    commune.heard()
    assert _fleet(commune, capsys, "--guard", commune.keys.parent)[0][11]["heard"] is True
    assert commune.call("fleet", "--site", SITE, "--guard", commune.keys.parent) == cli.DONE
    shown = capsys.readouterr().out
    assert "3 → 4" in shown
    assert "in a bundle" in shown
    secrets = [entry["secret"] for entry in commune.stored().values()]
    assert not any(secret in shown for secret in secrets)


def test_the_fleet_reads_the_journal_and_writes_nothing(commune, capsys):
    path = commune.gateway / "journal.db"
    with sqlite3.connect(path) as journal:
        journal.execute("CREATE TABLE sample (id INTEGER PRIMARY KEY, node, received_ms)")
        journal.executemany(
            "INSERT INTO sample (node, received_ms) VALUES (?, ?)", [(11, 1000), (11, 2000)]
        )
    journal.close()
    before = path.read_bytes()
    rows, _ = _fleet(commune, capsys, "--journal", path)
    assert (rows[11]["last_heard_ms"], rows[12]["last_heard_ms"]) == (2000, None)
    assert path.read_bytes() == before
    rows, missing = _fleet(commune, capsys, "--journal", commune.folder / "none.db")
    assert missing == ["fleet-journal"]
    assert not (commune.folder / "none.db").exists()


class _View(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        node = {"id": 11, "battery_mv": 2950, "last_seen_ms": 5, "firmware": 6, "faults": 65}
        body = json.dumps({"nodes": [node]}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


def test_the_fleet_asks_the_gateway_s_page(commune, capsys):
    server = http.server.HTTPServer(("127.0.0.1", 0), _View)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}/view.json"
        rows, missing = _fleet(commune, capsys, "--view", url)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert missing == []
    assert (rows[11]["battery_mv"], rows[11]["firmware"]) == (2950, 6)
    assert rows[11]["faults"] == ["probe", "update"]
    for away in (url, "file:///etc/passwd"):
        rows, missing = _fleet(commune, capsys, "--view", away, "--guard", commune.keys.parent)
        assert missing == ["fleet-view"]
        assert rows[11]["key"] == "proved"


def test_the_words_of_faults_are_those_of_the_wire():
    from amont_provision.fleet import FAULTS
    from amont_wire import const

    bits = {n: v for n, v in vars(const).items() if n.startswith("FAULT_")}
    for at, name in enumerate(FAULTS):
        known = [n for n, v in bits.items() if v == 1 << at]
        assert known, name
        assert name.upper() in known[0]


def test_boards_have_names_that_differ(commune):
    commune.run(node=12, board="other")
    names = {(commune.board(name) / board.NAME).read_text() for name in ("board", "other")}
    assert len(names) == 2

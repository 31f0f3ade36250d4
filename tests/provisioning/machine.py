"""A folder that is a machine, for installing a release from a built wheel."""

import configparser
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from tests.gateway.servers import free_port
from tests.provisioning.wheelhouse import HEAVY, another, fill

from amont_provision.install.pack import pack

ROOT = Path(__file__).parents[2]
NOBODY = 65534
LIMIT_S = 60
# As MemoryDenyWriteExecute does to the guard: 65 is PR_SET_MDWE.
DENY = (
    "import ctypes,os,sys; ctypes.CDLL(None).prctl(65,1,0,0,0); os.execv(sys.argv[1],sys.argv[1:])"
)


def roomy():
    """Memory, where programs may run from a gigabyte of it: a disk takes minutes."""
    shm = Path("/dev/shm")
    if not shm.is_dir() or shutil.disk_usage(shm).free < 1 << 30:
        return None
    return None if os.statvfs(shm).f_flag & os.ST_NOEXEC else shm


class Machine:
    """A folder that is a machine, and somebody without rights who owns it."""

    def __init__(self, folder, left_out=HEAVY):
        self.folder, self.prefix = folder, folder / "machine"
        self.prefix.mkdir()
        self.bundle = pack(ROOT, folder / "dist")
        fill(self.bundle, left_out)
        self.site = folder / "site.yaml"
        shutil.copy(ROOT / "docs" / "examples" / "site.yaml", self.site)
        self.environment = {"HOME": "/nonexistent", "LANG": "C"}
        self.as_user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        base = Path(sys._base_executable).parent
        if os.geteuid() != 0 or not any(map(self.serves, (base, Path("/usr/bin")))):
            self.as_user = {}
            assert self.serves(base)
        os.chown(self.prefix, self.uid, -1)
        subprocess.run(["chmod", "-R", "a+rX", folder], check=True, timeout=30)

    def serves(self, python):
        """Take a Python if it is like ours, for whose packages the wheels are."""
        self.environment["PATH"] = f"{python}:/usr/bin:/bin"
        ask = "import sys, venv, ensurepip; print(sys.version_info[:2])"
        try:
            done = self.run("python3", "-c", ask)
        except PermissionError:
            return False
        return done.stdout.strip() == str(sys.version_info[:2])

    def run(self, *words, **more):
        return subprocess.run(
            [*map(str, words)], capture_output=True, text=True, timeout=200, cwd="/",
            env=self.environment, **self.as_user, **more,
        )  # fmt: skip

    def script(self, bundle, *words):
        return self.run("/bin/sh", bundle / "install.sh", *words, "--prefix", self.prefix)

    def program(self, name, *words):
        return self.run(self.prefix / "usr/local/bin" / name, *words)

    def release(self, link="current"):
        path = self.prefix / "opt/amont" / link
        return path.resolve().name if path.is_symlink() else None

    def another(self, version, edit=None):
        made = another(self.bundle, self.folder / version, version, edit)
        subprocess.run(["chmod", "-R", "a+rX", made], check=True, timeout=30)
        return made

    @contextmanager
    def running(self, guard=None, gateway=None):
        """Guard and gateway as their installed units say, until the block ends.

        guard, gateway: as whom (user, group, extra_groups); else as the folder's owner.
        """
        port, children, sockets = free_port(), [], self.prefix / "run/amont-guard"
        sockets.mkdir(parents=True, exist_ok=True)
        os.chown(sockets, *((guard["user"], guard["group"]) if guard else (self.uid, -1)))
        sockets.chmod(0o750)
        try:
            children.append(self.start("guard", port, guard, gateway))
            children.append(self.start("gateway", port, gateway, None))
            yield self.wait_for_page(port, children)
        finally:
            for child in reversed(children):
                child.terminate()
                child.wait(30)

    @property
    def uid(self):
        return self.as_user.get("user", os.getuid())

    def start(self, name, port, who, peer):
        unit = configparser.RawConfigParser(strict=False)
        unit.optionxform = str
        unit.read(self.prefix / f"etc/systemd/system/amont-{name}.service")
        peer_id = peer["user"] if peer else self.uid
        command = unit["Service"]["ExecStart"].replace("-uid amont", f"-uid {peer_id}")
        words = shlex.split(command)
        if name == "guard":
            words = [str(self.prefix / "opt/amont/current/bin/python"), "-c", DENY, *words]
        else:
            words = [*words[:-1], "--page", f"127.0.0.1:{port}", "--page-https", "none"]
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                words, cwd="/", env=self.environment, stdout=log, stderr=log,
                **(who or self.as_user),
            )  # fmt: skip

    def wait_for_page(self, port, children):
        end_s = time.monotonic() + LIMIT_S
        while time.monotonic() < end_s:
            for child in children:
                assert child.poll() is None, self.logs()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/view.json", timeout=5) as a:
                    view = json.load(a)
                if view["guard_alive"]:
                    return view
            except OSError:
                time.sleep(0.1)
        raise AssertionError(self.logs())

    def logs(self):
        return "\n".join(path.read_text()[-2000:] for path in self.folder.glob("*.log"))

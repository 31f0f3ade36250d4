"""A start with everything wrong that can be wrong at once, then put right part by part."""

import base64
import hashlib
import http.server
import json
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from tests.system.town import town, until

pytestmark = pytest.mark.servers

ARTIFACTS = Path(__file__).parents[2] / "models" / "artifacts"
NODES = ("nodes", "nodes' own password")
GATEWAY = ("gateway", "right")
LIBRARY = next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"))
PLUGIN = f"plugin {LIBRARY}\nplugin_opt_config_file {{}}\n"


def damaged_models(folder):
    """One network is missing, the other has one flipped bit."""
    shutil.copytree(ARTIFACTS, folder)
    (folder / "river.int8.onnx").unlink()
    leak = folder / "leak.int8.onnx"
    content = bytearray(leak.read_bytes())
    content[len(content) // 2] ^= 1
    leak.write_bytes(content)
    return folder


def let_in(folder, *users):
    """Write mosquitto's password file."""
    path = folder / "passwords"
    path.touch(mode=0o600)
    for name, password in users:
        command = ["mosquitto_passwd", "-b", path, name, password]
        subprocess.run(command, check=True, timeout=20, capture_output=True)
    return path


def no_subscriptions(*users):
    """Return a policy for mosquitto's own plugin: known users may do all but subscribe."""
    salt, rounds = bytes(12), 101
    clients = []
    for name, password in users:
        found = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
        clients.append({
            "username": name, "password": base64.b64encode(found).decode(),
            "salt": base64.b64encode(salt).decode(), "iterations": rounds,
        })  # fmt: skip
    allowed = {"publishClientSend": True, "publishClientReceive": True, "unsubscribe": True}
    return {"clients": clients, "defaultACLAccess": {**allowed, "subscribe": False}}


class Squatter:
    """Another program on the page's port, which even answers JSON."""

    def __init__(self, port):
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Answer)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def leave(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("start")
    (folder / "mosquitto").mkdir()
    passwords = let_in(folder, NODES, ("gateway", "another"))
    rules = f"allow_anonymous false\npassword_file {passwords}\n"
    with town(folder, 6, broker=rules, user=NODES) as made:
        made.environment = {"AMONT_MQTT_PASSWORD": GATEWAY[1]}
        made.gateway_options += ["--mqtt-user", GATEWAY[0]]
        made.gateway_options += ["--artifacts", str(damaged_models(folder / "models"))]
        shutil.copy(made.state / "guard.json", made.state / "guard.json.good")
        (made.state / "guard.json").write_text('{"format": 1, "site": "ess')
        made.squatter = Squatter(int(made.page.rpartition(":")[2]))
        made.start_guard()
        made.start_gateway()
        made.prove()
        yield made


def test_a_page_port_in_use_costs_the_page_alone(place):
    place.flood(0)
    log = until(lambda: "page_port" in place.gateway.log.read_text(), "the log")
    assert log
    assert place.status()["running"] is False
    place.squatter.leave()
    until(lambda: (view := place.view()) and view["guard_alive"], "the page")
    place.shows("page_port", "Page locale impossible", "No local page: ")


def test_a_damaged_guard_file_leaves_the_last_good_copy(place):
    place.shows("guard_fault", "la dernière bonne copie sert", "last good copy is in force")
    place.flood(1)


def test_models_missing_and_damaged(place):
    view = place.status()
    assert {s["forecast"]["status"] for s in view["stations"]} == {"fault"}
    assert {z["model_status"] for z in view["zones"]} == {"fault"}
    place.shows("model_fault", "river.int8.onnx", "thresholds decide alone")
    place.shows("model_fault", "leak.int8.onnx", "SHA-256")
    place.flood(2)


def test_a_broker_that_refuses_the_password(place):
    place.shows("broker_refused", "refuse la passerelle", "refuses the gateway")
    assert place.status()["broker"] == "refused"
    place.measure()
    place.pump()
    place.flood(3)


def test_a_broker_that_refuses_the_topics(place):
    config = place.folder / "mosquitto" / "mosquitto.conf"
    text = config.read_text()
    policy = place.folder / "policy.json"
    policy.write_text(json.dumps(no_subscriptions(NODES, GATEWAY)))
    head = text[: text.index("allow_anonymous")]
    config.write_text(head + PLUGIN.format(policy))
    restart(place)
    place.shows("broker_refused", "subscription", "subscription: ")
    assert place.status()["broker"] == "refused"
    place.flood(4)
    config.write_text(text)
    let_in(place.folder, GATEWAY)
    restart(place)
    until(lambda: place.status()["broker"] == "ok", "the broker")
    until(place.pump, "what was measured while the broker refused")
    place.deliver()
    place.kept()


def restart(place):
    """Start the broker anew, and the gateway, whose back-off may be at half a minute by now."""
    place.broker.stop()
    place.broker.start()
    place.gateway.end()
    place.start_gateway()
    until(lambda: (view := place.view()) and view["guard_alive"], "the page")


def test_an_unreadable_site_names_the_line_and_costs_no_siren(place):
    place.gateway.end()
    text = place.site.read_text()
    place.site.write_text(text.replace("watch_mm: 1200", "watch_mm: 12OO", 1))
    line = 1 + text[: text.index("watch_mm")].count("\n")
    place.start_gateway()
    assert place.gateway.process.wait(60) == 2
    said = place.gateway.log.read_text().splitlines()[-1]
    assert said.startswith(f"{place.site}:{line}: "), said
    place.flood(5)
    place.site.write_text(text)
    place.start_gateway()
    until(lambda: (view := place.view()) and view["guard_alive"], "the page")
    until(lambda: place.status()["broker"] == "ok", "the broker")
    place.deliver()
    place.kept()

"""A server that keeps folders, dashboards and data sources as Grafana's API documents say.

It is no Grafana: it checks what those pages ask of a request, answers with their statuses and
forms, and records every request. Grafana itself is not run here.
"""

import http.server
import json
import re
import threading
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

TOKEN = "glsa_of_a_test"
UID = re.compile(r"[A-Za-z0-9_-]{1,40}")
MISSING = {
    "folders": "folder not found",
    "dashboards": "Dashboard not found",
    "datasources": "Data source not found",
}


class Refused(Exception):
    """An answer that is an error: status and message."""


class Double:
    """What one organisation of a Grafana holds."""

    def __init__(self):
        self.folders, self.dashboards, self.sources, self.groups = {}, {}, {}, {}
        self.provisioned = set()  # dashboards that come from files
        self.forbidden = set()  # (method, path's beginning) that the token may not do
        self.requests = []  # (method, path, body)
        self.failing = {}  # alert rules that cannot be evaluated, and why
        self.ask = None  # (InfluxQL, database) -> its answer's series; for data sources
        self.page = None  # a login page, as a proxy in front would answer
        self.url = ""

    def asked(self, method="POST"):
        return [(path, body) for verb, path, body in self.requests if verb == method]

    def answer(self, method, path, body):
        if any(method == verb and path.startswith(start) for verb, start in self.forbidden):
            raise Refused(403, "You'll need additional permissions to perform this action.")
        for verb, pattern, act in _ROUTES:
            found = re.fullmatch(pattern, path)
            if verb == method and found:
                return act(self, *found.groups(), **({"body": body} if body is not None else {}))
        raise Refused(404, "Not found")

    def all_folders(self):
        return [{"uid": uid, "title": title} for uid, title in self.folders.items()]

    def folder(self, uid):
        return {"uid": uid, "title": _got(self.folders, uid, "folders")}

    def new_folder(self, body):
        uid, title = body["uid"], body["title"]
        if uid in self.folders or title in self.folders.values():
            raise Refused(409, "a folder with the same name already exists")
        self.folders[_valid(uid)] = title
        return self.folder(uid)

    def search(self):
        return [{"uid": uid, "type": "dash-db"} for uid in self.dashboards]

    def dashboard(self, uid):
        made, folder = _got(self.dashboards, uid, "dashboards")
        meta = {"folderUid": folder, "provisioned": uid in self.provisioned}
        return {"dashboard": made, "meta": meta}

    def save_dashboard(self, body):
        made, folder = body["dashboard"], body["folderUid"]
        uid = _valid(made["uid"])
        if not made.get("title"):
            raise Refused(400, "Dashboard title cannot be empty")
        if folder not in self.folders:
            raise Refused(400, "folder not found")
        if uid in self.provisioned:
            raise Refused(400, "Cannot save provisioned dashboard")
        before, _ = self.dashboards.get(uid, ({"id": 1, "version": 0}, ""))
        if uid in self.dashboards and not body.get("overwrite"):
            raise Refused(412, "The dashboard has been changed by someone else")
        counted = {"id": before["id"], "version": before["version"] + 1}
        self.dashboards[uid] = ({**made, **counted}, folder)
        return {"status": "success", "uid": uid, "slug": uid, "url": f"/d/{uid}", **counted}

    def all_sources(self):
        return [self.source(uid) for uid in self.sources]

    def source(self, uid):
        kept = _got(self.sources, uid, "datasources")
        return {key: value for key, value in kept.items() if key != "secureJsonData"}

    def new_source(self, body):
        if body["name"] in {source["name"] for source in self.sources.values()}:
            raise Refused(409, "data source with the same name already exists")
        self.sources[_valid(body["uid"])] = body
        return {"message": "Datasource added", "datasource": self.source(body["uid"])}

    def group(self, folder, name):
        return _got(self.groups, (folder, name), "folders")

    def save_group(self, folder, name, body):
        if folder not in self.folders:
            raise Refused(400, "folder not found")
        if not isinstance(body["interval"], int) or body["interval"] % 10:
            raise Refused(400, "interval must be seconds, a multiple of the scheduler's 10")
        for rule in body["rules"]:
            if rule.get("ruleGroup") != name or rule.get("folderUID") != folder:
                raise Refused(400, f"rule {rule.get('uid')} names another group")
        self.groups[folder, name] = body
        return body

    def rules(self):
        return [rule for group in self.groups.values() for rule in group["rules"]]

    def health(self, uid):
        _got(self.sources, uid, "datasources")
        return {"status": "OK" if self.ask else "ERROR", "message": "error reading InfluxDB"}

    def query(self, body):
        """Answer as the backend of Grafana's InfluxDB data source: macros, then frames."""
        return {"results": {one["refId"]: self._answer(one, body) for one in body["queries"]}}

    def _answer(self, one, body):
        text = one["query"].replace(
            "$timeFilter", f"time >= {body['from']}ms and time <= {body['to']}ms"
        )
        text = text.replace("$__interval", f"{one.get('intervalMs', 60_000)}ms")
        if "$" in text.replace("$/", ""):
            return {"error": f"Grafana has no such macro: {text}", "status": 400}
        source = _got(self.sources, one["datasource"]["uid"], "datasources")
        found = self.ask(text, source["jsonData"]["dbName"])
        frames = [frame for series in found for frame in _frames(series)]
        return {"status": 200, "frames": frames}

    def evaluated(self):
        rules = [
            {"name": rule["title"], "health": "error" if rule["uid"] in self.failing else "ok",
             "lastError": self.failing.get(rule["uid"], "")}
            for rule in self.rules()
        ]  # fmt: skip
        return {"status": "success", "data": {"groups": [{"rules": rules}]}}


def _frames(series):
    """Yield a frame for each column; what lists tags has no time."""
    times = series["columns"][0] == "time"
    for number, name in enumerate(series["columns"]):
        if name in ("time", "key"):
            continue
        fields, values = (
            [{"name": name, "type": "number"}],
            [[r[number] for r in series["values"]]],
        )
        if times:
            fields.insert(0, {"name": "Time", "type": "time"})
            values.insert(0, [row[0] for row in series["values"]])
        yield {"schema": {"fields": fields}, "data": {"values": values}}


def _got(kept, key, what):
    if key not in kept:
        raise Refused(404, MISSING[what])
    return kept[key]


def _valid(uid):
    if not UID.fullmatch(uid):
        raise Refused(400, "uid contains illegal characters or is longer than 40")
    return uid


_ROUTES = (
    ("GET", "/api/folders", Double.all_folders),
    ("POST", "/api/folders", Double.new_folder),
    ("GET", "/api/folders/([^/]+)", Double.folder),
    ("GET", "/api/search", Double.search),
    ("GET", "/api/dashboards/uid/([^/]+)", Double.dashboard),
    ("POST", "/api/dashboards/db", Double.save_dashboard),
    ("GET", "/api/datasources", Double.all_sources),
    ("POST", "/api/datasources", Double.new_source),
    ("GET", "/api/datasources/uid/([^/]+)", Double.source),
    ("GET", "/api/datasources/uid/([^/]+)/health", Double.health),
    ("POST", "/api/ds/query", Double.query),
    ("GET", "/api/prometheus/grafana/api/v1/rules", Double.evaluated),
    ("GET", "/api/v1/provisioning/alert-rules", Double.rules),
    ("GET", "/api/v1/provisioning/contact-points", lambda _double: []),
    (
        "GET",
        "/api/v1/provisioning/policies",
        lambda _double: {"receiver": "grafana-default-email"},
    ),
    ("GET", "/api/v1/provisioning/mute-timings", lambda _double: []),
    ("GET", "/api/v1/provisioning/templates", lambda _double: []),
    ("GET", "/api/v1/provisioning/folder/([^/]+)/rule-groups/([^/]+)", Double.group),
    ("PUT", "/api/v1/provisioning/folder/([^/]+)/rule-groups/([^/]+)", Double.save_group),
)


@contextmanager
def running(double):
    """Serve on a free port of the loopback interface."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self):
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = unquote(urlsplit(self.path).path)
            body = json.loads(sent) if sent else None
            double.requests.append((self.command, self.path, body))
            if double.page is not None:
                self.reply(200, double.page, "application/octet-stream")
                return
            try:
                if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                    raise Refused(401, "Invalid API key")
                found = double.answer(self.command, path, body)
                self.reply(200, json.dumps(found).encode())
            except Refused as error:
                status, message = error.args
                self.reply(status, json.dumps({"message": message}).encode())

        do_POST = do_PUT = do_DELETE = do_GET

        def reply(self, status, body, kind="application/json"):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    double.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield double
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

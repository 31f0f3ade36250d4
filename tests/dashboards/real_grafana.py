"""Look at everything in a real Grafana: ``make grafana-check``, on a machine with docker.

Grafana reads the files as a site's would; a database holds the scripted month; every query of
every panel is asked through Grafana, which fills in its own macros. Only the questions are tried
by ``make test``, on a double: Grafana itself cannot be run there.
"""

import itertools
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from tests.dashboards.asking import span_ms
from tests.dashboards.month import fill
from tests.dashboards.month_script import END_MS, HOUR_MS

from amont_dashboards import sources
from amont_dashboards.alerts.render import groups
from amont_dashboards.boards import ALL
from amont_dashboards.model import LANGUAGES
from amont_dashboards.remote import RemoteError
from amont_dashboards.render import dashboard

HERE = Path(__file__).parent / "grafana"
INFLUXDB = "1.11"
_PIXELS = 1_000
_START_S, _SETTLE_S = 180, 90  # Grafana's first start; one evaluation of every rule and more


def versions():
    """Return the image of Grafana whose types the tests hold dashboards against."""
    wanted = json.loads((HERE / "package.json").read_text())
    return os.environ.get("GRAFANA", wanted["dependencies"]["@grafana/schema"])


def asked_of_environment(text):
    """Return the variables that a provisioning file wants filled in."""
    return set(re.findall(r"\$\{?(AMONT_\w+)", text))


def faults(api):
    """Return what is not as it must be in a Grafana that has the files and the month."""
    found = list(_of_sources(api))
    for source, language in itertools.product(ALL, LANGUAGES):
        found += _of_dashboard(api, dashboard(source, language), source)
    return found + list(_of_rules(api))


def _of_sources(api):
    for source in sources.ALL:
        state = api.client.GET(f"/datasources/uid/{source.uid}/health")
        if state.get("status") != "OK":
            yield f"data source {source.name}: {state.get('message')}"


def _of_dashboard(api, made, source):
    there = api.dashboard.get_dashboard(made["uid"])
    kept = {panel["id"]: panel for panel in there["dashboard"]["panels"]}
    if not there["meta"].get("provisioned"):
        yield f"{made['title']}: does not come from the file"
    asker = Asker(api, made, source)
    for panel in made["panels"]:
        if panel["id"] not in kept:
            yield f"{made['title']}: {panel['title']} is not there"
        for target in panel.get("targets", ()):
            if not asker.answers(panel, target):
                yield f"{made['title']}: {panel['title']} {target['refId']}: empty"


def _of_rules(api):
    """Every rule was read, and none fails when Grafana evaluates it."""
    there = {rule["uid"] for rule in api.alertingprovisioning.get_alertrules_all()}
    wanted = {rule["uid"] for group in groups(language()) for rule in group["rules"]}
    yield from (f"alert rule {uid} is not there" for uid in sorted(wanted - there))
    states = api.client.GET("/prometheus/grafana/api/v1/rules")["data"]["groups"]
    for rule in itertools.chain.from_iterable(group["rules"] for group in states):
        if rule.get("health") == "error":
            yield f"alert rule {rule['name']}: {rule.get('lastError')}"


def language():
    """Return whose alert rules are read: both languages have the same."""
    return os.environ.get("AMONT_CHECK_LANGUAGE", "en")


class Asker:
    """Ask what one dashboard asks, at the month's end, with each value of its variables."""

    def __init__(self, api, made, source):
        self._api, self._source = api, source
        self._first = next(s for s in sources.ALL if s.store == source.detail)
        self._choices = list(self._chosen(made["templating"]["list"]))

    def answers(self, panel, target):
        """Return whether a value comes for any choice: a sensor measures one quantity."""
        return any(self._values(panel, target, choice) for choice in self._choices)

    def _values(self, panel, target, choice):
        span = panel.get("timeFrom")
        range_ms = span_ms(span) if span else self._source.hours * HOUR_MS
        uid = target["datasource"]["uid"]
        source = self._first if uid == sources.CHOSEN else _by_uid(uid)
        least_ms = max(span_ms(source.step), span_ms(panel.get("interval") or source.step))
        query = {
            **target,
            "datasource": sources.reference(source.uid),
            "query": _filled(target["query"], choice),
            "intervalMs": max(range_ms // _PIXELS, least_ms),
            "maxDataPoints": _PIXELS,
        }
        return self._ask(query, END_MS - range_ms, END_MS + 6 * HOUR_MS)

    def _ask(self, query, from_ms, until_ms):
        body = {"from": str(from_ms), "to": str(until_ms), "queries": [query]}
        answer = self._api.client.POST("/ds/query", json=body)["results"][query["refId"]]
        assert not answer.get("error"), f"{answer['error']}: {query['query']}"
        columns = [
            column
            for frame in answer.get("frames", ())
            for column, field in zip(
                frame["data"]["values"], frame["schema"]["fields"], strict=True
            )
            if field["type"] != "time"
        ]
        return [value for column in columns for value in column if value is not None]

    def _chosen(self, variables):
        """Yield every choice: what takes several takes all, what takes one each in turn."""
        named = {}
        for variable in variables:
            if variable["type"] == "datasource":
                continue
            found = self._options(variable, {name: each[0] for name, each in named.items()})
            several = variable["multi"]
            named[variable["name"]] = [f"({'|'.join(found)})"] if several else found
        for choice in itertools.product(*named.values()):
            yield dict(zip(named, choice, strict=True))

    def _options(self, variable, before):
        if variable["type"] == "custom":
            return [option["value"] for option in variable["options"]]
        query = {
            "refId": "V",
            "datasource": variable["datasource"],
            "rawQuery": True,
            "query": _filled(variable["query"], before),
            "resultFormat": "time_series",
        }
        found = self._ask(query, END_MS - HOUR_MS, END_MS)
        assert found, f"nothing to choose from: {query['query']}"
        return found


def _filled(query, choice):
    for name, value in choice.items():
        query = query.replace(f"${{{name}:regex}}", value)
    return query


def _by_uid(uid):
    return next(source for source in sources.ALL if source.uid == uid)


@contextmanager
def _composed(environment):
    command = ["docker", "compose", "--file", str(HERE / "compose.yaml")]
    environment = {**os.environ, **environment}
    try:
        subprocess.run([*command, "up", "--detach"], env=environment, check=True, timeout=900)
        yield
    finally:
        subprocess.run([*command, "down", "--volumes"], env=environment, check=False, timeout=120)


def _free_ports(count):
    found = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in found]
    for one in found:
        one.close()
    return ports


def _wait(api):
    deadline = time.monotonic() + _START_S
    while True:
        try:
            if api.health.check().get("database") == "ok":
                return
        except (OSError, ValueError):
            pass
        assert time.monotonic() < deadline, f"Grafana did not start within {_START_S} s"
        time.sleep(1)


def main():
    """Start both, look, stop both; return 1 if anything was not as it must be."""
    from grafana_client import GrafanaApi

    password, (influx, grafana) = secrets.token_hex(16), _free_ports(2)
    environment = {
        "GRAFANA": versions(),
        "INFLUXDB": os.environ.get("INFLUXDB", INFLUXDB),
        "AMONT_CHECK_INFLUX": str(influx),
        "AMONT_CHECK_GRAFANA": str(grafana),
        "AMONT_CHECK_PASSWORD": password,
        "AMONT_CHECK_LANGUAGE": language(),
    }
    try:
        with _composed(environment), tempfile.TemporaryDirectory() as folder:
            api = GrafanaApi.from_url(f"http://127.0.0.1:{grafana}", ("admin", password), 30)
            _wait(api)
            fill(f"http://127.0.0.1:{influx}", Path(folder))
            time.sleep(_SETTLE_S)
            found = faults(api)
    except (OSError, subprocess.SubprocessError, RemoteError) as error:
        print(f"grafana-check: {error}; it needs docker with compose", file=sys.stderr)  # noqa: T201
        return 1
    print("\n".join(found) or f"✓ Grafana {versions()}")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

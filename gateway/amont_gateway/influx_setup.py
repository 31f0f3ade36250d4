"""Make the databases that history needs, as each generation of InfluxDB has it made.

What exists is never altered: a shorter retention would delete, and that is for people to decide.
2.x and 3 Core are spoken to by their documentation and were not run here.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

from amont_gateway.database import BadLines, Denied, Influx, Missing, TooLarge
from amont_gateway.influx_link import InfluxLink

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_JSON = {"Content-Type": "application/json"}
_DAY_S = 86_400
_SECONDS = {"h": 3_600, "m": 60, "s": 1}
# Of 1.x and 2.x: how long one of its files reaches. A week is their own choice for a year of
# minutes; an hour's or a day's point is so rare that a year fits into one, and a chart of ten
# years opens ten.
_SHARD_DAYS = {"": 7}
_RARE_SHARD_DAYS = 364


def query(link: InfluxLink, influxql: str, database: str = "") -> list[dict[str, Any]]:
    """Return the series that a statement finds.

    Raise Away or Denied, Missing without such a database, BadLines with the server's reason.
    """
    named = {"db": database, "epoch": "ms"} if database else {"epoch": "ms"}
    body = urlencode({"q": influxql}).encode()
    try:
        answer = link.ask("POST", f"/query?{urlencode(named)}", body, _FORM)
    except TooLarge as error:
        raise BadLines(f"the statement is too long: {error}") from error
    try:
        result = json.loads(answer.data)["results"][0]
    except (ValueError, LookupError, TypeError) as error:
        raise Denied("the answer to a query is not InfluxDB's") from error
    if "error" in result:  # with status 200
        reason = str(result["error"])
        raise Missing(reason) if "not found" in reason else BadLines(reason)
    return list(result.get("series", ()))


def before_the_first_write(link: InfluxLink, target: Influx, store: str) -> None:
    """Make a database where a write would make one that keeps everything for ever: in 3 Core."""
    if link.generation[0] >= 3:
        try:
            make(link, target, store)
        except (Denied, BadLines):  # it exists, or we may not: then the write tells
            link.connect()


def make(link: InfluxLink, target: Influx, store: str) -> None:
    """Make one store's database; raise Away, Denied or BadLines."""
    days = 0 if store else target.keep_days
    shard_days = _SHARD_DAYS.get(store, _RARE_SHARD_DAYS)
    how = (_make_1, _make_2, _make_3)[_generation(link) - 1]
    how(link, target, target.database + store, days, shard_days)


def kept_days(link: InfluxLink, target: Influx, store: str) -> float | None:
    """Return how long a store's readings are kept: 0 for ever, None if the server does not tell.

    Raise Away or Denied, Missing without such a database.
    """
    ask = (_kept_1, _kept_2, _kept_3)[_generation(link) - 1]
    try:
        return ask(link, target.database + store)
    except (ValueError, LookupError, TypeError):
        return None


def only_org(link: InfluxLink) -> str:
    """Return the id of the one organization that a token of 2.x can see, "" if not known."""
    if link.generation[0] != 2 or not link.version:
        return ""
    try:
        found = _orgs(link)
    except (Denied, BadLines):
        link.connect()
        return ""
    return str(found[0]["id"]) if len(found) == 1 else ""


def _generation(link: InfluxLink) -> int:
    return min(max(link.generation[0], 1), 3)


def _make_1(link: InfluxLink, _target: Influx, name: str, days: int, shard_days: int) -> None:
    kept = f"{days}d" if days else "INF"
    query(
        link,
        f"CREATE DATABASE {_quoted(name)} WITH DURATION {kept} REPLICATION 1 "
        f'SHARD DURATION {shard_days}d NAME "autogen"',
    )


def _make_2(link: InfluxLink, target: Influx, name: str, days: int, shard_days: int) -> None:
    found = _orgs(link, target.org)
    if len(found) != 1:
        raise Missing(f"bucket {name}: which organization? Name it in the site's file")
    rule = {
        "type": "expire",
        "everySeconds": days * _DAY_S,
        "shardGroupDurationSeconds": shard_days * _DAY_S,
    }
    asked = {"orgID": found[0]["id"], "name": name, "retentionRules": [rule]}
    link.ask("POST", "/api/v2/buckets", json.dumps(asked).encode(), _JSON)


def _make_3(link: InfluxLink, _target: Influx, name: str, days: int, _shard_days: int) -> None:
    asked = {"db": name, **({"retention_period": f"{days}d"} if days else {})}
    link.ask("POST", "/api/v3/configure/database", json.dumps(asked).encode(), _JSON)


def _kept_1(link: InfluxLink, name: str) -> float:
    (found,) = query(link, f"SHOW RETENTION POLICIES ON {_quoted(name)}")
    policies = [dict(zip(found["columns"], row, strict=True)) for row in found["values"]]
    kept = next(str(policy["duration"]) for policy in policies if policy["default"])
    parts = re.findall(r"(\d+)([hms])", kept)  # as "9600h0m0s"
    return sum(int(count) * _SECONDS[unit] for count, unit in parts) / _DAY_S


def _kept_2(link: InfluxLink, name: str) -> float:
    answer = link.ask("GET", f"/api/v2/buckets?{urlencode({'name': name})}")
    found = json.loads(answer.data)["buckets"]
    if not found:
        raise Missing(f"bucket {name} not found")
    rules = found[0]["retentionRules"]
    return float(rules[0]["everySeconds"]) / _DAY_S if rules else 0.0


def _kept_3(link: InfluxLink, name: str) -> float:
    """Ask in SQL: to InfluxQL, 3 answers with figures that mean nothing."""
    sql = "SELECT database_name, retention_period_ns FROM system.databases"
    named = urlencode({"db": "_internal", "q": sql, "format": "json"})
    found = json.loads(link.ask("GET", f"/api/v3/query_sql?{named}").data)
    row = next(row for row in found if row["database_name"] == name)
    return float(row.get("retention_period_ns") or 0) / 1e9 / _DAY_S


def _orgs(link: InfluxLink, name: str = "") -> list[dict[str, Any]]:
    answer = link.ask("GET", "/api/v2/orgs" + (f"?{urlencode({'org': name})}" if name else ""))
    try:
        return list(json.loads(answer.data)["orgs"])
    except (ValueError, LookupError, TypeError) as error:
        raise Denied("the list of organizations is not InfluxDB's") from error


def _quoted(name: str) -> str:
    """Return a name as InfluxQL writes it."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

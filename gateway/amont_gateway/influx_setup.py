"""Make the databases that history needs, as each generation of InfluxDB has it made.

What exists is never altered: a shorter retention would delete, and that is for people to decide.
2.x and 3 Core are spoken to by their documentation and were not run here.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from amont_gateway.database import BadLines, Denied, Influx, Missing
from amont_gateway.influx_link import InfluxLink

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_JSON = {"Content-Type": "application/json"}
_DAY_S = 86_400
# Of 1.x and 2.x: how long one of its files reaches. A week is their own choice for a year of
# minutes; an hour's or a day's point is so rare that a year fits into one, and a chart of ten
# years opens ten.
_SHARD_DAYS = {"": 7}
_RARE_SHARD_DAYS = 364


def query(link: InfluxLink, influxql: str, database: str = "") -> list[dict[str, Any]]:
    """Return the series that a statement finds; raise BadLines with the server's reason."""
    named = {"db": database, "epoch": "ms"} if database else {"epoch": "ms"}
    body = urlencode({"q": influxql}).encode()
    answer = link.ask("POST", f"/query?{urlencode(named)}", body, _FORM)
    try:
        result = json.loads(answer.data)["results"][0]
    except (ValueError, LookupError, TypeError) as error:
        raise Denied("the answer to a query is not InfluxDB's") from error
    if "error" in result:  # with status 200
        raise BadLines(str(result["error"]))
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
    first = (_make_1, _make_2, _make_3)[min(max(link.generation[0], 1), 3) - 1]
    first(link, target, target.database + store, days, shard_days)


def only_org(link: InfluxLink) -> str:
    """Return the id of the one organization that a token of 2.x can see, "-" if not known."""
    if link.generation[0] != 2 or not link.version:
        return "-"
    try:
        found = _orgs(link)
    except (Denied, BadLines):
        link.connect()
        return "-"
    return str(found[0]["id"]) if len(found) == 1 else "-"


def _make_1(link: InfluxLink, _target: Influx, name: str, days: int, shard_days: int) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    kept = f"{days}d" if days else "INF"
    query(
        link,
        f'CREATE DATABASE "{quoted}" WITH DURATION {kept} REPLICATION 1 '
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


def _orgs(link: InfluxLink, name: str = "") -> list[dict[str, Any]]:
    answer = link.ask("GET", "/api/v2/orgs" + (f"?{urlencode({'org': name})}" if name else ""))
    try:
        return list(json.loads(answer.data)["orgs"])
    except (ValueError, LookupError, TypeError) as error:
        raise Denied("the list of organizations is not InfluxDB's") from error

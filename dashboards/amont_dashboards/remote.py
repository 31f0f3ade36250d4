"""Send dashboards to a Grafana elsewhere, and keep a copy of what is there.

Needs the extra ``amont[grafana]``, never installed beside the gateway (docs/adr/0006).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from amont_dashboards import sources
from amont_dashboards.alerts import render as alerts
from amont_dashboards.provisioning import FOLDERS

Json = dict[str, Any]
Api = Any  # grafana_client.GrafanaApi; its package carries no types
SEARCH_MAX = 5000  # what Grafana lists at most
_TIMEOUT_S = 20.0
_ADVICE = {
    401: "the token is refused: make a new one under Administration, Service accounts",
    403: "the token may not do this: its service account needs the role Editor, or Admin for"
    " data sources and a backup",
    404: "no Grafana answers there: name its own address, with the path it is served under",
    412: "somebody else changed it meanwhile: look, then push again",
}


class RemoteError(Exception):
    """Say in one line what Grafana refused and what to do."""


def connect(url: str, token: str) -> Api:
    """Return a client for the Grafana at ``url``; raise RemoteError where none can be made."""
    try:
        from grafana_client import GrafanaApi
    except ImportError:
        raise RemoteError("needs grafana-client: pip install 'amont[grafana]'") from None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RemoteError(f"{url}: no address of a Grafana, such as https://grafana.example:3000")
    if parts.username or parts.query:
        raise RemoteError(f"{parts.hostname}: only the address goes there; the token comes apart")
    if not token:
        raise RemoteError("no token: set AMONT_GRAFANA_TOKEN, or name a --token-file")
    return GrafanaApi.from_url(url, credential=token, timeout=_TIMEOUT_S)


def push(api: Api, made: Mapping[str, str], languages: tuple[str, ...], dry: bool) -> list[str]:
    """Send what differs: folders, then dashboards; return a line each. With ``dry`` only say.

    ``made`` is ``render.files()``. What is pushed twice is pushed once; an error names what was
    reached, and pushing again goes on from there.
    """
    done = []
    for language in languages:
        done += _push_folder(api, f"amont-{language}", FOLDERS[language], dry)
        for name, text in made.items():
            if name.startswith(f"dashboards/{language}/"):
                done += _push_dashboard(api, json.loads(text), f"amont-{language}", dry)
    return done


def push_sources(api: Api, environment: Mapping[str, str], dry: bool) -> list[str]:
    """Make the data sources that are missing; those that are there keep their settings.

    ``environment`` holds the variables that the provisioning file names.
    """
    done = []
    for source in sources.ALL:
        with _asking(f"data source {source.name}"):
            there = _or_none(partial(api.datasource.get_datasource_by_uid, source.uid))
            if there is None:
                body = _source_json(source, environment)
                if not dry:
                    api.datasource.create_datasource(body)
                done.append(f"new data source {source.name}")
    return done


def push_alerts(api: Api, language: str, dry: bool) -> list[str]:
    """Send the rule groups that differ, in one language: both have the same rules.

    Contact points and policies stay as they are there: whom to tell is that Grafana's own.
    """
    folder = f"amont-alerts-{language}"
    done = _push_folder(api, folder, alerts.FOLDERS[language], dry)
    for group in alerts.groups(language):
        name = group["name"]
        made = {
            "title": name,
            "folderUid": folder,
            "interval": alerts.EVALUATED_S,
            "rules": [_rule_json(rule, name, folder) for rule in group["rules"]],
        }
        with _asking(f"alerts {name}"):
            there = _or_none(partial(api.alertingprovisioning.get_rule_group, folder, name))
            if there is not None and _within(made, there):
                continue
            if not dry:
                api.alertingprovisioning.update_rule_group(folder, name, made)
        done.append(f"{'changed' if there else 'new'} alerts {name}")
    return done


def backup(api: Api, folder: Path) -> tuple[list[Path], list[str]]:
    """Write all dashboards, folders, data sources and alerting; return files and what failed.

    Raise RemoteError if the folder holds anything: a backup is never written over another.
    Grafana gives out no passwords, so none is in the files.
    """
    if folder.exists() and any(folder.iterdir()):
        raise RemoteError(f"{folder}: is not empty; name a new folder")
    written, failed = [], []
    for name, read in _parts(api):
        try:
            with _asking(name):
                content = read()
        except RemoteError as error:
            failed.append(str(error))
            continue
        written.append(_write(folder / f"{name}.json", content))
    return written, failed


def _parts(api: Api) -> Iterator[tuple[str, Callable[[], object]]]:
    alerting = api.alertingprovisioning
    yield "folders", api.folder.get_all_folders
    yield "data-sources", api.datasource.list_datasources
    yield "alert-rules", alerting.get_alertrules_all
    yield "contact-points", alerting.get_contactpoints
    yield "policies", alerting.get_notification_policy_tree
    yield "mute-timings", alerting.get_mute_timings
    yield "templates", alerting.get_templates
    with _asking("list of dashboards"):
        found = api.search.search_dashboards(type_="dash-db", limit=SEARCH_MAX)
    if len(found) >= SEARCH_MAX:
        raise RemoteError(f"more than {SEARCH_MAX} dashboards: Grafana lists no more at once")
    for entry in found:
        uid = entry["uid"]
        yield f"dashboards/{uid}", partial(api.dashboard.get_dashboard, uid)


def _write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(made, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
        file.write("\n")
    return path


def _push_folder(api: Api, uid: str, title: str, dry: bool) -> list[str]:
    with _asking(f"folder {title}"):
        if _or_none(partial(api.folder.get_folder, uid)) is not None:
            return []
        if not dry:
            api.folder.create_folder(title, uid)
    return [f"new folder {title}"]


def _push_dashboard(api: Api, made: Json, folder: str, dry: bool) -> list[str]:
    with _asking(f"dashboard {made['title']}"):
        there = _or_none(partial(api.dashboard.get_dashboard, made["uid"]))
        meta = (there or {}).get("meta", {})
        if meta.get("provisioned"):
            raise RemoteError(
                f"dashboard {made['title']}: this Grafana reads it from a file; change that file"
            )
        if there and meta.get("folderUid") == folder and _same(there["dashboard"], made):
            return []
        if not dry:
            body = {"dashboard": made, "folderUid": folder, "overwrite": True}
            api.dashboard.update_dashboard(body | {"message": "amont-dashboards push"})
    return [f"{'changed' if there else 'new'} dashboard {made['title']}"]


def _same(there: Json, made: Json) -> bool:
    """Compare but for what Grafana counts itself."""
    counted = ("id", "version")
    first, second = ({k: v for k, v in d.items() if k not in counted} for d in (there, made))
    return first == second


def _rule_json(rule: Json, group: str, folder: str) -> Json:
    """Return a rule as the API takes it: dashboard and panel stand among the annotations."""
    made = {key: value for key, value in rule.items() if key not in ("dashboardUid", "panelId")}
    opens = {}
    if "dashboardUid" in rule:
        opens = {"__dashboardUid__": rule["dashboardUid"], "__panelId__": str(rule["panelId"])}
    place = {"orgID": 1, "folderUID": folder, "ruleGroup": group}
    return made | place | {"annotations": rule["annotations"] | opens}


def _within(made: object, there: object) -> bool:
    """Return whether all we would send is there; Grafana adds what it fills in itself."""
    if isinstance(made, dict) and isinstance(there, dict):
        return all(key in there and _within(made[key], there[key]) for key in made)
    if isinstance(made, list) and isinstance(there, list):
        return len(made) == len(there) and all(map(_within, made, there))
    return made == there


def _source_json(source: sources.Source, environment: Mapping[str, str]) -> Json:
    names = ("AMONT_INFLUX_URL", "AMONT_INFLUX_DATABASE", "AMONT_INFLUX_USER")
    missing = [name for name in names if not environment.get(name)]
    if missing:
        raise RemoteError(f"data source {source.name}: set {', '.join(missing)}")
    url, database, user = (environment[name] for name in names)
    return {
        "name": source.name,
        "uid": source.uid,
        "type": "influxdb",
        "access": "proxy",
        "url": url,
        "user": user,
        "jsonData": {
            "dbName": f"{database}{source.store}",
            "httpMode": "POST",
            "timeInterval": source.step,
        },
        "secureJsonData": {"password": environment.get("AMONT_INFLUX_PASSWORD", "")},
    }


def _or_none(ask: Callable[[], Any]) -> Any:
    """Return what is there, None where Grafana knows no such thing."""
    from grafana_client.client import GrafanaClientError

    try:
        return ask()
    except GrafanaClientError as error:
        if error.status_code == 404 and isinstance(error.response, dict):
            return None
        raise


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """Turn what the client raises into one line that says what to do."""
    from grafana_client.client import GrafanaException

    try:
        yield
    except GrafanaException as error:
        advice = _ADVICE.get(error.status_code, "")
        said = error.response
        said = said.get("message", "") if isinstance(said, dict) else ""
        told = ": ".join(part for part in (said, advice) if part)
        raise RemoteError(f"{what}: {told or f'Grafana answers {error.status_code}'}") from None
    except ValueError:  # an answer that is no JSON: a login page, a proxy's words
        raise RemoteError(f"{what}: {_ADVICE[404]}") from None
    except OSError as error:  # requests' errors are OSErrors
        raise RemoteError(f"{what}: Grafana does not answer ({type(error).__name__})") from None

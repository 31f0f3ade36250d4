"""Say who is told of what, and when: contact points, policies, mute timings, message texts.

Addresses come from Grafana's environment. Grafana does not start with a contact point whose
address is empty, so each file needs the variables that ``VARIABLES`` names.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
SERVICE, DUTY, OUTSIDE = "amont-service", "amont-duty", "amont-heartbeat"
CLOSED = "amont-closed"
TIME_ZONE = "Europe/Paris"
# variable -> whose address it is; the last is only for the file in "outside"
VARIABLES = {
    "AMONT_ALERT_SERVICE_EMAIL": SERVICE,
    "AMONT_ALERT_DUTY_EMAIL": DUTY,
    "AMONT_ALERT_HEARTBEAT_URL": OUTSIDE,
}
_PLACES = ("station", "zone", "network", "siren", "sensor", "node")
# Added to a subject: the place, if all alerts of a message have the same, and the site.
_WHERE = "".join(
    f"{{{{ with .CommonLabels.{tag} }}}} · {{{{ . }}}}{{{{ end }}}}" for tag in (*_PLACES, "site")
)
# Added to a link that already has a "?": the dashboard opens at the place of the alert.
_CHOSEN = (
    '{{ if match "[?]" .DashboardURL }}'
    + "".join(
        f"{{{{ with .Labels.{tag} }}}}&var-{tag}={{{{ . }}}}{{{{ end }}}}" for tag in _PLACES
    )
    + "{{ end }}"
)
_OPEN = {"start_time": "08:00", "end_time": "18:00"}


def contacts() -> Json:
    """Return the two addresses of people: the water service, and who is on duty."""
    mail = {
        "singleEmail": True,
        "subject": '{{ template "amont.title" . }}',
        "message": '{{ template "amont.message" . }}',
    }
    return {
        "contactPoints": [
            _contact(SERVICE, "email", {"addresses": "$AMONT_ALERT_SERVICE_EMAIL", **mail}),
            _contact(DUTY, "email", {"addresses": "$AMONT_ALERT_DUTY_EMAIL", **mail}),
        ]
    }


def heartbeat() -> Json:
    """Return the address of the outside watcher; its rule names it, so no policy has to."""
    settings = {"url": "$AMONT_ALERT_HEARTBEAT_URL", "httpMethod": "POST"}
    return {"contactPoints": [_contact(OUTSIDE, "webhook", settings, quiet=True)]}


def policies() -> Json:
    """Return who is told: what is critical at once and day and night, the rest with patience."""
    by_place = ["alertname", "site", *_PLACES]
    return {
        "policies": [
            {
                "orgId": 1,
                "receiver": SERVICE,
                "group_by": ["alertname", "site"],
                "group_wait": "1m",
                "group_interval": "5m",
                "repeat_interval": "12h",
                "routes": [
                    {
                        "receiver": DUTY,
                        "object_matchers": [["amont", "=", "yes"], ["severity", "=", "critical"]],
                        "group_by": by_place,
                        "group_wait": "0s",
                        "group_interval": "1m",
                        "repeat_interval": "1h",
                    },
                    {
                        "receiver": SERVICE,
                        "object_matchers": [["amont", "=", "yes"], ["severity", "=", "info"]],
                        "group_by": ["alertname", "site"],
                        "group_wait": "10m",
                        "group_interval": "1h",
                        "repeat_interval": "7d",
                        "mute_time_intervals": [CLOSED],
                    },
                ],
            }
        ]
    }


def mute_timings() -> Json:
    """Return when nobody is told of what can wait: nights, weekends."""
    weekdays = {"weekdays": ["monday:friday"], "location": TIME_ZONE}
    before = {"start_time": "00:00", "end_time": _OPEN["start_time"]}
    after = {"start_time": _OPEN["end_time"], "end_time": "24:00"}
    return {
        "muteTimes": [
            {
                "orgId": 1,
                "name": CLOSED,
                "time_intervals": [
                    {"times": [before, after], **weekdays},
                    {"weekdays": ["saturday", "sunday"], "location": TIME_ZONE},
                ],
            }
        ]
    }


def templates(at: int) -> Json:
    """Return subject and text of the messages; they say what to do before anything else."""
    words = (
        ("Fin", "À faire d'abord", "Ce que cela veut dire", "Tableau", "Depuis"),
        ("Over", "First", "What it means", "Dashboard", "Since"),
    )[at]
    over, first, means, board, since = words
    title = (
        '{{ define "amont.title" }}'
        "{{ if .Alerts.Firing }}▲ {{ .CommonLabels.alertname }}"
        f"{{{{ else }}}}✓ {over} : {{{{ .CommonLabels.alertname }}}}{{{{ end }}}}"
        f"{_WHERE}"
        "{{ end }}"
    )
    firing = (
        "{{ range .Alerts.Firing }}▲ {{ .Annotations.summary }}\n"
        f"{since} : {{{{ .StartsAt }}}}\n"
        f"{first} : {{{{ .Annotations.first }}}}\n"
        f"{means} : {{{{ .Annotations.description }}}}\n"
        f"{{{{ if .DashboardURL }}}}{board} : {{{{ .DashboardURL }}}}{_CHOSEN}\n{{{{ end }}}}\n"
        "{{ end }}"
    )
    resolved = (
        f"{{{{ range .Alerts.Resolved }}}}✓ {over} : {{{{ .Annotations.summary }}}}\n{{{{ end }}}}"
    )
    if at:  # English sets no space before a colon
        title, firing, resolved = (x.replace(" : {{", ": {{") for x in (title, firing, resolved))
    message = f'{{{{ define "amont.message" }}}}{firing}{resolved}{{{{ end }}}}'
    return {"templates": [{"orgId": 1, "name": "amont", "template": f"{title}\n{message}"}]}


def _contact(name: str, kind: str, settings: Json, quiet: bool = False) -> Json:
    receiver = {
        "uid": name,
        "type": kind,
        "settings": settings,
        "disableResolveMessage": quiet,
    }
    return {"orgId": 1, "name": name, "receivers": [receiver]}

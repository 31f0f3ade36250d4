"""Run the models on the live windows: forecasts for stations, verdicts for zones, advice.

Models advise, thresholds sound. Everything is computed from the windows, so nothing but the models
themselves has to be kept over a restart.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from amont_gateway.scoring.adapted_file import FILE as ADAPTED_FILE
from amont_gateway.scoring.live_windows import Windows
from amont_gateway.scoring.model_folder import ModelFolder, ModelSet
from amont_gateway.scoring.river_forecast import Advice, Basis, RiverForecasts
from amont_gateway.scoring.timeline import NO_SERIES, Series
from amont_gateway.scoring.zone_adapted import ZoneAdapted
from amont_gateway.scoring.zone_test import LeakRule, Night
from amont_gateway.scoring.zone_verdict import ZoneVerdicts
from amont_gateway.view import Forecast


class Scoring:
    """The models of one site; ``status`` says per model "ok" or why it is a fault."""

    def __init__(
        self,
        artifacts_dir: Path,
        site: Any,
        data: Path | None = None,
        rain_forecast: Callable[[int], Series] = lambda _now_ms: NO_SERIES,
        *,
        keep: bool = True,
    ) -> None:
        """Load and check the models in ``artifacts_dir`` for a checked ``amont_site`` Site.

        ``data`` is where the gateway keeps what it serves (``model_folder``); ``rain_forecast``
        tells which rain is forecast at a moment (Unix ms), in µm at the end of each step.
        Without ``keep`` nothing is written there, to look beside a running gateway.
        """
        self._site = site
        self._rain_forecast = rain_forecast
        self._folder = ModelFolder(artifacts_dir, data if keep else None)
        self._adapted_file = None if data is None else data / ADAPTED_FILE
        self._rivers = RiverForecasts(site, self._adapted_file)
        self._zones = ZoneVerdicts(site, self._adapted_file)
        self._serve(self._folder.first())

    @property
    def serves(self) -> dict[str, str]:
        """Return the SHA-256 of each model's file that is served, by the model's name."""
        return {model.name: model.sha256 for model in self._models.values()}

    @property
    def notes(self) -> dict[str, str]:
        """Return why new models are "refused", or "unkept", or a site's own past "unlearnt".

        "workdays": of which country the holidays are not known, so that they count as such.
        """
        said = {
            "refused": self._folder.refused,
            "unkept": self._folder.unkept,
            "unlearnt": self._unlearnt,
            "workdays": self._zones.no_holidays,
        }
        return {kind: why for kind, why in said.items() if why}

    def stirs(self) -> bool:
        """Tell whether the models' folder holds something that was not looked at yet."""
        return self._folder.stirs()

    def renew(self) -> bool:
        """Look for new models in the folder; return whether there are other ones, or news."""
        notes, new = self.notes, self._folder.renewed()
        if new is not None:
            self._zones = ZoneVerdicts(
                self._site, self._adapted_file
            )  # what was judged rests on the old ones
            self._serve(new)
        return new is not None or self.notes != notes

    def update(self, windows: Windows, now_ms: int) -> list[Advice]:
        """Compute every station and zone from the windows; return what to advise."""
        rain = self._rain_forecast(now_ms)
        advice, river = self._rivers.update(self._models.get("river"), windows, now_ms, rain)
        leak = self._zones.update(self._models.get("leak"), self._rule, windows, now_ms)
        for name, fault in (("river", river), ("leak", leak)):
            if name in self._models:
                self.status[name] = fault or "ok"
        unlearnt = self._unlearnt
        if unlearnt is not None or "adapted" in self.status:
            self.status["adapted"] = unlearnt or "ok"
        return advice

    def forecast(self, station_id: str) -> Forecast:
        """Return the last forecast of a station."""
        return self._rivers.forecast(station_id) or Forecast(status=self._idle("river"))

    def basis(self, station_id: str) -> Basis | None:
        """Return what a station's last level rests on, to explain it."""
        return self._rivers.basis(station_id)

    def nights(self, zone_id: str) -> list[Night]:
        """Return the nights that a zone's last verdict rests on, to explain it."""
        return self._zones.nights(zone_id)

    def leak_rule(self, zone_id: str) -> LeakRule:
        """Return the settings that a zone is judged by, with what its own past has taught."""
        return self._zones.adapted(zone_id).rule(self._rule)

    def adapted_zone(self, zone_id: str) -> ZoneAdapted | None:
        """Return what a zone's own past has taught; None where it has not, or is not used."""
        return self._zones.adapted(zone_id) if self._zones.is_adapted(zone_id) else None

    def holidays(self, zone_id: str) -> frozenset[int]:
        """Return the public holidays of a zone as it is judged (``date.toordinal``)."""
        return self._zones.holidays(zone_id)

    def zone(self, zone_id: str) -> dict[str, Any]:
        """Return the model's fields of ``view.Zone`` for a zone."""
        idle = {"verdict": "unknown", "model_status": self._idle("leak")}
        return self._zones.verdict(zone_id) or idle

    @property
    def _unlearnt(self) -> str | None:
        """Say why a part of what the site's past has taught is not used; one reason is enough."""
        return self._rivers.adapted_fault or self._zones.adapted_fault

    def _serve(self, found: ModelSet) -> None:
        self._models, self._rule = dict(found.models), found.rule
        self.status: dict[str, str] = {**dict.fromkeys(found.models, "ok"), **found.faults}

    def _idle(self, name: str) -> str:
        return "no data" if self.status.get(name) == "ok" else "fault"

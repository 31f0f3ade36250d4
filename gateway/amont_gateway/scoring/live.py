"""Run the models on the live windows: forecasts for stations, verdicts for zones, advice.

Models advise, thresholds sound. Everything is computed from the windows, so nothing has to be
kept over a restart.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from amont_gateway.scoring.live_windows import Windows
from amont_gateway.scoring.model_files import Model, ModelError, read_manifest
from amont_gateway.scoring.river_forecast import Advice, RiverForecasts
from amont_gateway.scoring.zone_test import LeakRule
from amont_gateway.scoring.zone_verdict import ZoneVerdicts
from amont_gateway.view import Forecast


class Scoring:
    """The models of one site; ``status`` says per model "ok" or why it is a fault."""

    def __init__(self, artifacts_dir: Path, site: Any) -> None:
        """Load and check the models in ``artifacts_dir`` for a checked ``amont_site`` Site."""
        self.status: dict[str, str] = {}
        self._models: dict[str, Model] = {}
        self._rule = LeakRule()
        self._rivers = RiverForecasts(site)
        self._zones = ZoneVerdicts(site)
        self._load(artifacts_dir)

    def update(self, windows: Windows, now_ms: int) -> list[Advice]:
        """Compute every station and zone from the windows; return what to advise."""
        advice, river = self._rivers.update(self._models.get("river"), windows, now_ms)
        leak = self._zones.update(self._models.get("leak"), self._rule, windows, now_ms)
        for name, fault in (("river", river), ("leak", leak)):
            if name in self._models:
                self.status[name] = fault or "ok"
        return advice

    def forecast(self, station_id: str) -> Forecast:
        """Return the last forecast of a station."""
        return self._rivers.forecast(station_id) or Forecast(status=self._idle("river"))

    def zone(self, zone_id: str) -> dict[str, Any]:
        """Return the model's fields of ``view.Zone`` for a zone."""
        idle = {"verdict": "unknown", "model_status": self._idle("leak")}
        return self._zones.verdict(zone_id) or idle

    def _load(self, folder: Path) -> None:
        try:
            manifest = read_manifest(folder)
        except (ModelError, ValueError) as error:
            self.status = {"river": str(error), "leak": str(error)}
            return
        for name in ("river", "leak"):
            try:
                self._models[name] = Model(folder, manifest["models"][name])
                if name == "leak":
                    self._rule = LeakRule.from_manifest(self._models[name].rule)
                self.status[name] = "ok"
            except (ModelError, KeyError, TypeError, ValueError) as error:
                self._models.pop(name, None)
                self.status[name] = f"{name}: {error}"

    def _idle(self, name: str) -> str:
        return "no data" if self.status.get(name) == "ok" else "fault"

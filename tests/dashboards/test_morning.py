"""Eight in the morning: what the duty overview says of the month's last moment."""

from pathlib import Path

import pytest
from tests.dashboards import asking
from tests.dashboards.month_script import END_MS

from amont_dashboards.boards import ALL
from amont_dashboards.render import dashboard

DUTY = next(source for source in ALL if source.level == 0)
SCREEN_ROWS = 24  # of Grafana's grid on a television, below the bar at the top

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def shown(month):
    """The newest row of each series of a panel's first query, by the values of its tags."""

    def values(store, query):
        return [row[1] for found in month.query(query, store) for row in found["values"]]

    asked = {
        forms[0].title.partition(": ")[2]: forms[0]
        for forms in asking.panels(DUTY, "fr", END_MS, values)
    }

    def of(title):
        one = asked[f"{title} A"]
        return {
            "/".join(found.get("tags", {}).values()): dict(
                zip(found["columns"], found["values"][-1], strict=True)
            )
            for found in month.query(one.query, one.store)
        }

    return of


def words(title, code):
    panel = next(p for p in dashboard(DUTY, "fr")["panels"] if p["title"] == title)
    return panel["fieldConfig"]["defaults"]["mappings"][0]["options"][str(code)]["text"]


def test_everything_stands_on_one_screen():
    panels = dashboard(DUTY, "fr")["panels"]
    assert max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in panels) <= SCREEN_ROWS


def test_what_rises(shown):
    levels = shown("Niveau par station")
    said = {station: words("Niveau par station", row["level"]) for station, row in levels.items()}
    assert said == {"source": "△ Vigilance", "pont-neuf": "✓ Normal", "moulin": "? Inconnu"}
    standing = shown("Où en est chaque station")["pont-neuf"]
    assert standing["trend_mm_h"] > 50
    assert 0 < standing["next_limit_s"] < 24 * 3_600


def test_what_leaks(shown):
    flowing = {place: row["size_l_h"] for place, row in shown("Débit des fuites ouvertes").items()}
    assert flowing == {"hameau": pytest.approx(0.9), "vallee": pytest.approx(0.9)}
    night = shown("Débit de la nuit : écart à la référence")
    assert night["hameau"]["more"] > 50
    assert abs(night["bourg"]["more"]) < 10


def test_what_is_silent(shown):
    assert set(shown("Capteurs muets")) == {"moulin-a"}


def test_what_it_costs(shown):
    lost = {place: row["lost_m3"] for place, row in shown("Perdu par les fuites ouvertes").items()}
    assert lost["hameau"] == pytest.approx(0.9 * 52, rel=0.1)  # two days and four hours
    (yearly,) = shown("Rendement sur 12 mois (P104.3)").values()
    assert yearly["yield_pct"] == pytest.approx(73.8, abs=0.1)


def test_what_happened_and_who_did_it(shown):
    told = shown("Derniers événements")
    words_fr = " ".join(told["source"]["fr"].split())  # some of the spaces do not break
    assert words_fr == "Source : vigilance (≥ 0,90 m), deux capteurs d’accord"
    assert told["21"]["who"] == "Luc"


@pytest.mark.parametrize(("language", "at"), [("fr", 0), ("en", 1)])
def test_the_page_on_paper_names_what_is_on_the_screen(language, at):
    page = (Path(__file__).parents[2] / f"docs/morning.{language}.md").read_text()
    table = page.partition("|---|---|---|\n")[2].partition("\n\n")[0]
    named = {name for row in table.splitlines() for name in row.split("|")[1].strip().split(", ")}
    assert len(named) > 5
    assert named <= {panel.title[at] for panel in DUTY.panels}

"""The page in real Chromium: readable, reachable, live, loud when frozen. Keeps its pictures."""

import importlib.resources
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.page.conftest import PICTURES, SIZES
from tests.page.sample_views import VIEWS

pytestmark = pytest.mark.browser

MEASURE = (Path(__file__).parent / "in_browser.js").read_text("utf-8")
AXE = (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE_VIEWS = ("sounding", "faulted")  # together they hold every element of the page
GREYEST_GROUND = [228, 228, 228]  # the mark of older readings, the darkest behind a label
LOST = "#lost:not([hidden])"


def measured(page, call):
    page.evaluate(MEASURE)
    return page.evaluate(f"measure.{call}")


def open_all(page):
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")


def violations(page):
    page.evaluate(AXE)
    found = page.evaluate(
        "axe.run(document, {runOnly: {type: 'tag', values: %s}})" % AXE_TAGS  # noqa: UP031
    )
    assert len(found["passes"]) > 20
    return [
        f"{rule['id']}: {node['html'][:160]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize("name", VIEWS)
def test_everybody_can_read_it(open_page, script, size, lang, name):
    script.name = name
    page = open_page(size, lang)
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{size}-{name}-{lang}.png")
    open_all(page)
    assert measured(page, "count()") > 100
    assert measured(page, "svgTexts()") > 10
    assert measured(page, "small(16)") == []
    assert measured(page, "wide()") <= 0
    assert measured(page, "targets()") == []
    assert measured(page, "overlaps()") == []
    contrast = measured(page, f"svgContrast({GREYEST_GROUND})")
    assert [text for text in contrast if text["ratio"] < 4.5] == []
    if name in AXE_VIEWS:
        assert violations(page) == []


@pytest.mark.parametrize("width", [320, 360, 700, 1060, 1920])
def test_other_widths_read_as_well(open_page, script, width):
    script.name = "sounding"
    page = open_page()
    page.set_viewport_size({"width": width, "height": 800})
    open_all(page)
    assert measured(page, "small(16)") == []
    assert measured(page, "wide()") <= 0


def test_river_and_siren_are_on_the_first_screen(open_page, script):
    for name in ("calm", "rising", "sounding"):
        script.name = name
        page = open_page("phone")
        for query in (".headline h2", ".sentence"):
            bottom = page.evaluate(
                f"document.querySelector('{query}').getBoundingClientRect().bottom"
            )
            assert bottom < 844, (name, query, bottom)


def test_a_change_arrives_by_itself(open_page, script):
    page = open_page()
    expect(page.locator(".value")).to_contain_text("0,54")
    script.show("sounding")
    expect(page.locator(".value")).to_contain_text("2,68")
    expect(page.locator(".headline.sound")).to_be_visible()
    assert "LA SIRÈNE SONNE" in page.title()
    assert page.locator("details.act").get_attribute("open") is not None
    assert page.locator("[role=alert]").count() == 1  # the siren alone alerts


def test_typing_survives_updates(open_page, script):
    script.name = "rising"
    page = open_page()
    page.locator("details.act > summary").click()
    page.locator("input[name=pin]").fill("73")
    script.show("sounding")
    expect(page.locator(".headline.sound")).to_be_visible()
    assert page.locator("input[name=pin]").input_value() == "73"
    assert page.evaluate("document.activeElement.name") == "pin"


def test_a_new_layout_waits_for_the_typist_then_reloads(open_page, script):
    page = open_page()
    page.locator("details.act > summary").click()
    page.locator("input[name=pin]").fill("73")
    script.change = lambda view: view.people.append("Denis Nouveau")
    script.version += 1
    expect(page.locator("body")).to_have_attribute("data-stale", "yes")
    assert page.locator("select[name=person] option").count() == 4
    page.locator("input[name=pin]").fill("")
    expect(page.locator("select[name=person] option")).to_have_count(5)


def test_a_person_acknowledges(open_page, script):
    script.name = "sounding"
    page = open_page()
    page.locator("select[name=person]").select_option("Anne Maire")
    page.locator("input[name=pin]").fill("7391")
    page.locator("button[value=acknowledge]").click()
    expect(page.locator(".answer").first).to_have_text("Alarme vue.")
    assert [(a.kind, a.person, a.pin) for a in script.acts] == [
        ("acknowledge", "Anne Maire", "7391")
    ]
    assert page.locator("input[name=pin]").input_value() == ""
    page.locator("button[value='600.0'], button[value='600']").click()
    expect(page.locator(".answer").nth(1)).to_have_text("✔")
    assert script.speeds == [600]


def test_without_script_a_person_acknowledges_too(open_page, script):
    script.name = "sounding"
    page = open_page(java_script_enabled=False)
    page.locator("select[name=person]").select_option("Bruno Adjoint")
    page.locator("input[name=pin]").fill("7391")
    page.locator("button[value=acknowledge]").click()
    page.locator(".said").wait_for()
    assert "Alarme vue." in page.locator(".said").inner_text()
    assert script.acts[0].person == "Bruno Adjoint"


def test_a_lost_link_is_loud_and_heals(open_page, script, server):
    page = open_page()
    expect(page.locator(".value")).to_contain_text("0,54")
    port = server.port
    server.stop()
    page.wait_for_selector(LOST)
    assert "VALEURS FIGÉES" in page.locator("#lost").inner_text()
    assert "frozen" in page.locator("body").get_attribute("class")
    assert page.title() == "VALEURS FIGÉES"
    assert page.locator(".headline h2").inner_text() == "ÉTAT DE LA SIRÈNE INCONNU"
    page.screenshot(path=PICTURES / "phone-lost-fr.png")
    assert violations(page) == []
    script.name = "rising"
    again = script.serve(port=port)
    try:
        page.wait_for_selector("#lost", state="hidden")
        expect(page.locator(".value")).to_contain_text("1,64")
        assert page.locator(".headline h2").inner_text() == "Sirène au repos"
        assert "frozen" not in (page.locator("body").get_attribute("class") or "")
    finally:
        again.stop()


def test_a_hung_server_is_noticed_too(open_page, script, monkeypatch):
    monkeypatch.setattr("amont_gateway.page.stream.BEAT_S", 3600.0)
    script.stopped = True
    page = open_page()
    page.wait_for_selector(LOST)  # no heartbeat: frozen although the connection stands
    assert page.locator(".headline.unknown").count() == 1
    script.stopped = False
    script.show("calm")
    page.wait_for_selector("#lost", state="hidden")
    assert page.locator(".headline.idle").count() == 1  # it had not changed: brought back


def test_a_dead_guard_is_loud(open_page, script):
    page = open_page()
    script.show("frozen")
    page.wait_for_selector(".notice.frozen >> text=LE GARDIEN NE RÉPOND PLUS")
    assert "ÉTAT DE LA SIRÈNE INCONNU" in page.locator(".headline h2").inner_text()
    script.show("calm")
    page.wait_for_selector(".headline.idle")
    assert page.locator("[data-live=status] .notice").count() == 0


def test_names_from_outside_run_nothing(open_page, script):
    script.name = "faulted"
    page = open_page()
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    assert page.locator("main img").count() == 0
    script.show("rising")
    page.wait_for_selector("text=Pont-Neuf B")
    script.show("faulted")
    page.wait_for_selector("text=onerror=alert")
    assert page.locator("main img").count() == 0


def test_the_siren_is_heard_only_when_asked(open_page, script):
    script.name = "sounding"
    page = open_page()
    button = page.locator("button.hear")
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert button.get_attribute("aria-pressed") == "false"


def test_the_keyboard_is_enough(open_page, script):
    script.name = "sounding"
    page = open_page("desktop")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.name || document.activeElement.tagName"))
        width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert float(width.removesuffix("px")) >= 3
    assert {"person", "pin", "kind", "SUMMARY", "A"} <= reached


def test_only_own_assets_are_fetched(open_page, script, server):
    page = open_page()
    fetched = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    own = f"http://127.0.0.1:{server.port}/"
    assert fetched
    assert [address for address in fetched if not address.startswith(own)] == []

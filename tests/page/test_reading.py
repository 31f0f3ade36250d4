"""Everybody can read every page in every state: axe, sizes, contrast, zoom. Keeps the pictures."""

import importlib.resources
from pathlib import Path

import pytest
from playwright.sync_api import Error
from tests.page.conftest import PICTURES, SIZES
from tests.page.sample_views import VIEWS
from tests.page.site_script import Script

pytestmark = pytest.mark.browser

MEASURE = (Path(__file__).parent / "in_browser.js").read_text("utf-8")
AXE = (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN_AXE = """(tags) => axe.run(document, {
    runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]})
  .then((found) => [found.passes.length, found.violations
    .flatMap((rule) => rule.nodes.map((node) => rule.id + ": " + node.html.slice(0, 160)))])"""
GREYEST_GROUND = [228, 228, 228]  # the mark of older readings, the darkest behind a label
LIMITS = "/station/pont-neuf/limits"
PAGES = {  # (state, address)
    "acknowledge": ("sounding", "/siren/mairie/acknowledge"),
    "mute": ("asked", "/siren/mairie/mute"),
    "drill": ("calm", "/siren/mairie/drill"),
    "training-drill": ("training", "/siren/mairie/drill"),
    "limits": ("asked", LIMITS),
    "limits-wrong": ("calm", f"{LIMITS}?watch=x&warning=1&alarm=1&alarm_plus=99"),
    "limits-trial": ("calm", f"{LIMITS}?watch=1,1&warning=1,7&alarm=2,2&alarm_plus=3"),
    "journal": ("faulted", "/journal"),
    "incidents": ("calm", "/incidents"),
    "authority": ("calm", "/authority"),
    "no-such-page": ("calm", "/siren/mairie/nonsense"),
}


def measured(page, call):
    page.evaluate(MEASURE)
    return page.evaluate(f"measure.{call}")


def open_all(page):
    opening = "document.querySelectorAll('details').forEach((d) => { d.open = true; })"
    try:
        page.evaluate(opening)
    except Error:  # the page went from the state before to this one by loading itself again
        page.wait_for_load_state()
        page.evaluate(opening)


def violations(page):
    page.evaluate(AXE)
    passes, found = page.evaluate(RUN_AXE, AXE_TAGS)
    assert passes > 10
    return found


def assert_readable(page):
    """Assert what holds for each page: text, targets, width, contrast, axe."""
    open_all(page)
    found = measured(page, f"all(16, {GREYEST_GROUND})")
    assert found == {"small": [], "wide": 0, "targets": [], "overlaps": [], "pale": []}
    assert violations(page) == []


def picture(page, name):
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")


@pytest.fixture(scope="module")
def reader(chromium):
    """Return a function that opens an address in a state; browser, pages, server are reused."""
    script = Script()
    server = script.serve(metrics=lambda: b"")
    pages = {
        size: chromium.new_page(viewport={"width": width, "height": height})
        for size, (width, height) in SIZES.items()
    }

    def read(size, lang, state, address="/"):
        pages[size].goto("about:blank")  # else a changed state lets the page before reload itself
        script.rewind()
        script.show(state)
        joint = "&" if "?" in address else "?"
        pages[size].goto(f"http://127.0.0.1:{server.port}{address}{joint}lang={lang}")
        return pages[size]

    yield read
    for page in pages.values():
        page.close()
    server.stop()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize("name", VIEWS)
def test_everybody_can_read_each_state(reader, size, lang, name):
    page = reader(size, lang, name)
    picture(page, f"{size}-{name}-{lang}")
    assert measured(page, "count()") > 100
    assert measured(page, "svgTexts()") > 10
    assert_readable(page)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_read_the_other_pages(reader, size, lang, name):
    page = reader(size, lang, *PAGES[name])
    assert measured(page, "count()") > (1 if name == "no-such-page" else 15)
    assert_readable(page)


# A desktop of 1280 px at 200 % has 640 CSS px, at 400 % it has 320.
@pytest.mark.parametrize("width", [320, 390, 640, 1060, 1920])
def test_other_widths_and_zooms_read_as_well(open_page, script, server, width):
    page = open_page()
    page.set_viewport_size({"width": width, "height": 800})
    for state, path in (
        ("asked", "/"),
        ("asked", LIMITS),
        ("calm", "/authority"),
    ):
        script.name = state
        page.goto(f"http://127.0.0.1:{server.port}{path}")
        open_all(page)
        assert measured(page, "small(16)") == []
        assert measured(page, "wide()") <= 0, (state, path)


def test_text_alone_may_be_twice_as_large(open_page, script):
    """WCAG 1.4.4: a browser whose text is set to 200 %."""
    script.name = "asked"
    page = open_page("phone")
    page.evaluate("document.documentElement.style.fontSize = '36px'")
    assert measured(page, "wide()") <= 0


def test_river_and_siren_are_on_the_first_screen(open_page, script):
    words = {"calm": ".sentence", "rising": ".sentence", "sounding": ".river", "drill": ".steps"}
    for name, query in words.items():
        script.name = name
        page = open_page("phone")
        for wanted in (".headline h2", query):
            bottom = page.evaluate(
                f"document.querySelector('{wanted}').getBoundingClientRect().bottom"
            )
            assert bottom < SIZES["phone"][1], (name, wanted, bottom)


def ground_of(page, query):
    return page.evaluate(f"getComputedStyle(document.querySelector('{query}')).backgroundColor")


def test_a_drill_looks_like_no_alarm(open_page, script):
    seen = {}
    for name in VIEWS:
        script.name = name
        page = open_page()  # one that is open takes the change by itself, at any moment
        seen[name] = ground_of(page, ".headline")
        page.close()
    assert list(seen.values()).count(seen["drill"]) == 1
    script.name = "calm"
    forms = {kind: open_page(path=f"/siren/mairie/{kind}") for kind in ("mute", "drill")}
    assert ground_of(forms["mute"], ".step") != ground_of(forms["drill"], ".step")
    assert ground_of(forms["mute"], ".step .main") != ground_of(forms["drill"], ".step .main")
    assert forms["drill"].locator("input[name=site]").count() == 1
    assert forms["mute"].locator("input[name=site]").count() == 0

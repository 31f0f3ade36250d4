"""Every action in real Chromium with JavaScript switched off: forms and links are enough."""

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def plain(open_page, script):
    """Return a function that opens the overview in a state, without JavaScript."""

    def opened(name, lang="fr", path="/"):
        script.name = name
        return open_page("phone", lang, path, java_script_enabled=False)

    return opened


def sign(page):
    page.locator("select[name=person]").last.select_option("Bruno Adjoint")
    page.locator("input[name=pin]").last.fill("7391")


def said(page):
    page.locator(".said").wait_for()
    return page.locator(".said").inner_text()


ACTIONS = {  # kind -> the state in which it is offered
    "acknowledge": "sounding",
    "mute": "sounding",
    "test": "calm",
    "drill": "calm",
    "stop": "drill",
}


@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize("kind", ACTIONS)
def test_each_action_from_the_overview(plain, script, kind, lang):
    page = plain(ACTIONS[kind], lang)
    if not page.locator("details.act").get_attribute("open") is not None:
        page.locator("details.act > summary").click()
    page.locator(f"a[href='/siren/mairie/{kind}']").click()
    sign(page)
    if kind == "drill":
        page.locator("input[name=site]").fill("Sainte-Amonette")
    page.locator("form[action='/act'] button").click()
    assert ("Alarme vue." if lang == "fr" else "Alarm seen.") in said(page)
    (action,) = script.acts
    assert (action.kind, action.siren, action.person) == (kind, "mairie", "Bruno Adjoint")


def test_the_alarm_is_cleared(plain, script):
    script.change = lambda view: setattr(view.sirens[0], "state", "latch")
    page = plain("sounding")
    page.locator("a[href='/siren/mairie/reset']").click()
    sign(page)
    page.locator("form[action='/act'] button").click()
    assert "Alarme vue." in said(page)
    assert script.acts[0].kind == "reset"


def test_the_second_person_confirms(plain, script):
    page = plain("asked")
    assert page.locator("form.confirm").is_hidden()  # the page reloads itself: no place to type
    page.locator(".notice.asked a[href='/siren/mairie/mute']").click()
    assert "Anne Maire demande" in page.locator(".notice.asked").inner_text()
    sign(page)
    page.locator("select[name=minutes]").select_option("10")
    page.locator("form[action='/act'] button").click()
    assert "Alarme vue." in said(page)
    assert (script.acts[0].kind, script.acts[0].minutes) == ("mute", 10)


def test_limits_are_tried_then_proposed(plain, script):
    page = plain("calm")
    page.locator("a[href='/station/pont-neuf/limits']").click()
    page.locator("input[name=alarm]").fill("2,2")
    page.locator("form[method=get] button").click()
    assert "relevés essayés" in page.locator("#trial").inner_text()
    assert script.acts == []
    sign(page)
    page.locator("form[action='/act'] button").click()
    assert "Alarme vue." in said(page)
    assert script.acts[0].limits_mm == [1200, 1800, 2200, 3200]


def test_the_second_person_agrees_or_somebody_withdraws(plain, script):
    for index, kind in enumerate(("limits", "keep")):
        page = plain("asked", path="/station/pont-neuf/limits")
        form = page.locator(f"form:has(input[name=kind][value={kind}])")
        form.locator("select[name=person]").select_option("Bruno Adjoint")
        form.locator("input[name=pin]").fill("7391")
        form.locator("button").click()
        assert "Alarme vue." in said(page)
        assert script.acts[index].kind == kind
    assert script.acts[0].limits_mm == [1100, 1700, 2400, 3100]


def test_the_journal_is_filtered(plain):
    page = plain("sounding", path="/journal")
    page.locator("select[name=show]").select_option("alarm")
    page.locator("form button").click()
    assert page.locator(".events li").count() == 1

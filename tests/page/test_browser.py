"""The overview in real Chromium: live, loud when frozen, kind to who types or has no mouse."""

import pytest
from playwright.sync_api import expect
from tests.page.test_authority import await_port
from tests.page.test_formatting import RUNG_COST
from tests.page.test_reading import violations

from amont_gateway.authority import Authority
from amont_gateway.page import Encrypted

pytestmark = pytest.mark.browser

LOST = "#lost:not([hidden])"


def test_a_change_arrives_by_itself(open_page, script):
    page = open_page()
    expect(page.locator(".value")).to_contain_text("0,54")
    script.show("sounding")
    expect(page.locator(".value")).to_contain_text("2,68")
    expect(page.locator(".headline.sound")).to_be_visible()
    assert "LA SIRÈNE SONNE" in page.title()
    assert page.locator("details.act").get_attribute("open") is not None
    assert page.locator("[role=alert]").count() == 1  # the siren alone alerts


def test_what_a_lower_rung_costs_can_be_read(open_page, script):
    def lower(view):
        view.stations[0].forecast.inputs = "no upstream"
        view.stations[0].forecast.cost = RUNG_COST

    script.change = lower
    page = open_page(lang="en")
    told = page.locator("p", has_text="Forecast without the station upstream.")
    expect(told).to_contain_text("median notice")
    expect(told).to_contain_text("floods announced 97% (unchanged)")
    assert violations(page) == []


def test_typing_survives_updates(open_page, script):
    script.name = "sounding"
    page = open_page()
    page.locator("input[name=pin]").fill("73")
    script.change = lambda view: setattr(view.sirens[0], "state", "latch")
    script.version += 1
    expect(page.locator(".headline.latch")).to_be_visible()
    assert page.locator("input[name=pin]").input_value() == "73"
    assert page.evaluate("document.activeElement.name") == "pin"


def test_there_is_nothing_to_have_seen_without_an_alarm(open_page, script):
    page = open_page()
    form = page.locator("form.seen")
    page.locator("details.act > summary").click()
    expect(page.locator(".ways.practice")).to_be_visible()
    expect(form).to_be_hidden()
    script.show("sounding")
    expect(form).to_be_visible()


def test_a_new_layout_waits_for_the_typist_then_reloads(open_page, script):
    script.name = "sounding"
    page = open_page()
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
    page.locator("form[data-inline] button.main").click()
    expect(page.locator(".answer").first).to_have_text("Alarme vue.")
    assert [(a.kind, a.person, a.pin) for a in script.acts] == [
        ("acknowledge", "Anne Maire", "7391")
    ]
    assert page.locator("input[name=pin]").input_value() == ""
    page.locator("button[value='600.0'], button[value='600']").click()
    expect(page.locator(".answer").nth(1)).to_have_text("✔")
    assert script.speeds == [600]


def test_a_wish_of_one_person_brings_the_form_for_the_second(open_page, script):
    script.name = "sounding"
    page = open_page()
    expect(page.locator(".confirm")).to_have_count(0)
    script.show("asked")
    expect(page.locator(".notice.asked").first).to_contain_text("Anne Maire demande")
    form = page.locator("form.confirm")  # the page reloaded itself: nobody was typing
    form.locator("select[name=person]").select_option("Bruno Adjoint")
    form.locator("input[name=pin]").fill("7391")
    form.locator("button").click()
    expect(page.locator(".said")).to_contain_text("La ligne «\u00a0Relais\u00a0»")
    assert [(a.kind, a.person, a.minutes) for a in script.acts] == [("mute", "Bruno Adjoint", 2)]


def test_the_relay_confirms_after_the_order(open_page, script):
    page = open_page()
    ordered, relay = (page.locator(".steps li").nth(index) for index in (0, 1))

    def sound(confirmed):
        def change(view):
            siren = view.sirens[0]
            siren.state, siren.commanded, siren.confirmed = "sound", True, confirmed
            siren.since_ms = view.now_ms - 1000

        script.change = change
        script.version += 1

    sound(False)
    expect(ordered).to_contain_text("SONNER")
    expect(relay).to_have_class("wait")
    sound(True)
    expect(relay).to_have_class("done")
    expect(relay).to_contain_text("sous tension, relu à l’instant")


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
    assert {"person", "pin", "BUTTON", "SUMMARY", "A"} <= reached


def test_an_alarm_is_acknowledged_by_keyboard_alone(open_page, script):
    script.name = "sounding"
    page = open_page("desktop")
    page.locator("select[name=person]").focus()
    page.keyboard.type("Bruno")
    page.keyboard.press("Tab")
    page.keyboard.type("7391")
    page.keyboard.press("Enter")
    expect(page.locator(".answer").first).to_have_text("Alarme vue.")
    assert script.acts[0].person == "Bruno Adjoint"


def test_nothing_moves_for_who_asked_for_calm(open_page, script):
    script.name = "sounding"
    moving = "document.getAnimations().length"
    assert open_page(reduced_motion="no-preference").evaluate(moving) == 1
    assert open_page(reduced_motion="reduce").evaluate(moving) == 0


def test_only_own_assets_are_fetched(open_page, script, server):
    page = open_page()
    fetched = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    own = f"http://127.0.0.1:{server.port}/"
    assert fetched
    assert [address for address in fetched if not address.startswith(own)] == []


def test_people_act_over_https(chromium, script, tmp_path):
    authority = Authority(tmp_path / "authority")
    encrypted = Encrypted("127.0.0.1", 0, authority.page_path, authority.renew)
    script.name = "sounding"
    running = script.serve(encrypted=encrypted)
    # That browsers trust the authority once installed: test_authority.py.
    context = chromium.new_context(ignore_https_errors=True, locale="fr-FR")
    try:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{running.port}/")
        page.goto(f"https://localhost:{await_port(running)}/")
        page.locator("select[name=person]").select_option("Anne Maire")
        page.locator("input[name=pin]").fill("7391")
        page.locator("form[data-inline] button.main").first.click()
        expect(page.locator(".answer").first).to_have_text("Alarme vue.")
        script.show("calm")
        expect(page.locator(".headline.idle")).to_be_visible()  # events come over HTTPS too
        (cookie,) = [c for c in context.cookies() if c["name"].startswith("__Host-")]
        assert cookie["secure"] is True
    finally:
        context.close()
        running.stop()
    assert [action.kind for action in script.acts] == ["acknowledge"]

"""The pages around the overview: what each action asks for, limits, journal, incidents, trust."""

import asyncio
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import httpx
import pytest
from tests.page.conftest import client_of
from tests.page.sample_views import NOW_MS, VIEWS, dry_run
from tests.page.site_script import CERTIFICATE

from amont_gateway.page import Secure
from amont_gateway.page.forms import SIREN_KINDS, metres_as_mm
from amont_gateway.page.pages import READERS, Trials
from amont_gateway.page.security import Refused
from amont_gateway.view import Asked, LimitsChange, Result

PERSON = {"person": "Bruno Adjoint", "pin": "7391"}
PHONE, HERE = ("192.168.1.20", 50_000), ("127.0.0.1", 50_000)
TRY = "/station/pont-neuf/limits?watch=1,1&warning=1.7&alarm=2,4&alarm_plus=3,1"


def fields_in(html):
    """Return the hidden fields of the last form that posts."""
    form = html[html.rindex('method="post"') :]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))


def fill(http, path, **more):
    """Open a form's page and send what a browser without script would send."""
    html = http.get(path).text
    origin = str(http.base_url).rstrip("/")
    return http.post(
        "/act", data={**fields_in(html), **PERSON, **more}, headers={"Origin": origin}
    )


def on_a_loop(work):
    """Run it on a thread of its own: a browser of another test holds this thread's loop."""
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(lambda: asyncio.run(work())).result()


def seen_from(script, client, host="pi.local:8080", scheme="http", path="/", **options):
    """Ask for a page as if from ``client``, under another name."""

    async def ask():
        transport = httpx.ASGITransport(script.app(), client=client)
        async with httpx.AsyncClient(
            transport=transport, base_url=f"{scheme}://{host}", trust_env=False, verify=False
        ) as http:
            return await http.request(options.pop("method", "GET"), path, **options)

    return on_a_loop(ask)


def test_many_reports_at_once_do_not_take_the_pages_threads(script):
    held, begun = threading.Event(), threading.Semaphore(0)

    def slow(_number, _lang):
        begun.release()
        assert held.wait(30)
        return "<p>told</p>"

    server = script.serve(incident=slow)
    try:
        with client_of(server) as http, ThreadPoolExecutor(45) as pool:
            asked = [pool.submit(http.get, "/incident/1") for _ in range(45)]
            assert begun.acquire(timeout=10)
            assert httpx.get(f"{http.base_url}", trust_env=False).status_code == 200
            assert not all(begun.acquire(timeout=0.1) for _ in range(READERS))  # no third one
            held.set()
            assert {one.result().status_code for one in asked} == {200}
    finally:
        held.set()
        server.stop()


# --- actions on a siren


@pytest.mark.parametrize("kind", SIREN_KINDS)
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_each_action_has_a_page_of_its_own(http, script, kind, lang):
    answer = http.get(f"/siren/mairie/{kind}?lang={lang}")
    assert answer.status_code == 200
    assert fields_in(answer.text)["kind"] == kind
    assert "http-equiv" not in answer.text
    family = "practice" if kind in ("test", "drill", "stop") else "alarm"
    assert f'class="card step {family}"' in answer.text
    assert script.acts == []


@pytest.mark.parametrize("kind", SIREN_KINDS)
def test_each_action_reaches_the_guard_without_script(http, script, kind):
    more = {"minutes": "5"} if kind == "mute" else {}
    more |= {"site": " sainte amonette "} if kind == "drill" else {}
    answer = fill(http, f"/siren/mairie/{kind}?lang=en", **more)
    assert answer.status_code == 303
    (action,) = script.acts
    assert (action.kind, action.siren, action.person) == (kind, "mairie", PERSON["person"])
    assert action.minutes == (5 if kind == "mute" else 0)
    html = http.get(answer.headers["location"]).text
    assert "Alarm seen." in html
    assert ("“Relay” line" in html) == (kind in ("mute", "test", "drill", "stop"))


def test_the_first_of_two_people_has_ordered_nothing_yet(http, script):
    script.answer = Result(ok=True, code="second", text={"en": "One more."})
    answer = fill(http, "/siren/mairie/drill?lang=en", site="Sainte-Amonette")
    html = http.get(answer.headers["location"]).text
    assert "One more." in html
    assert "“Relay” line" not in html


def test_who_acted_sees_what_came_of_it(http, script):
    """The guard tells its state each second, and the page that follows may reload much later."""
    looks = iter(["armed"] * 3)

    def change(view):
        if script.acts:
            view.sirens[0].mode = next(looks, "drill")

    script.change = change
    answer = fill(http, "/siren/mairie/drill?lang=en", site="Sainte-Amonette")
    assert "DRILL under way" in http.get(answer.headers["location"]).text


def test_a_drill_needs_the_sites_name(http, script):
    assert fill(http, "/siren/mairie/drill", site="Sainte-Autre").status_code == 400
    assert fill(http, "/siren/mairie/drill").status_code == 400
    assert script.acts == []


def test_a_refusal_leads_back_to_the_form(http, script):
    script.answer = Result(ok=False, code="pin", text={"fr": "Code refusé.", "en": "PIN refused."})
    answer = fill(http, "/siren/mairie/mute", minutes="2")
    assert answer.headers["location"].startswith("/siren/mairie/mute?")
    assert "Code refusé." in http.get(answer.headers["location"]).text


@pytest.mark.parametrize("path", ["/siren/mairie/silence", "/siren/x/mute", "/station/x/limits"])
def test_what_there_is_not_is_said(http, path):
    answer = http.get(path)
    assert answer.status_code == 404
    assert "n’existe pas" in answer.text


def test_the_second_person_confirms_where_the_first_ones_wish_is_shown(http, script):
    script.name = "asked"
    html = http.get("/?lang=en").text
    assert "Anne Maire asks for the siren to be muted." in html
    assert "before 20:05:42" in html
    form = html[html.index('class="confirm') :]
    form = form[: form.index("</form>")]
    assert 'value="mute"' in form
    assert "<option>Bruno Adjoint</option>" in form
    assert "<option>Anne Maire</option>" not in form


def test_a_wish_that_ran_out_is_gone(http, script):
    script.change = lambda view: setattr(
        view.sirens[0], "asked", [Asked(kind="drill", person="Anne Maire", until_ms=view.now_ms)]
    )
    assert 'class="confirm' not in http.get("/").text


def ways(http):
    return set(re.findall(r'href="/siren/mairie/(\w+)">', http.get("/").text)) - {"acknowledge"}


@pytest.mark.parametrize(
    ("name", "change", "offered"),
    [
        ("calm", {}, {"test", "drill"}),
        ("sounding", {}, {"mute"}),
        ("sounding", {"mode": "bypass", "commanded": False}, set()),
        ("sounding", {"state": "latch"}, {"reset"}),
        ("drill", {}, {"stop"}),
        ("frozen", {}, set()),
    ],
)
def test_only_what_is_possible_is_offered(http, script, name, change, offered):
    script.name = name

    def changed(view):
        for field, value in change.items():
            setattr(view.sirens[0], field, value)

    script.change = changed
    assert ways(http) == offered


# --- limits


def test_limits_are_tried_on_the_past_before_anybody_may_confirm(http, script):
    html = http.get(f"{TRY}&lang=en").text
    assert "12,816 readings tried" in html
    assert "2 times, 14" in html
    sent = fields_in(html)
    assert [sent[f"{level}_mm"] for level in ("watch", "warning", "alarm", "alarm_plus")] == [
        "1100", "1700", "2400", "3100",
    ]  # fmt: skip
    answer = fill(http, TRY)
    assert answer.headers["location"].startswith("/station/pont-neuf/limits?")
    (action,) = script.acts
    assert (action.kind, action.station) == ("limits", "pont-neuf")
    assert action.limits_mm == [1100, 1700, 2400, 3100]


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("watch=x&warning=1.7&alarm=2.4&alarm_plus=3", "limit-watch"),
        ("watch=1&warning=1&alarm=2.4&alarm_plus=3", "limit-warning"),
        ("watch=1&warning=2&alarm=3&alarm_plus=9", "limit-alarm_plus"),
        ("watch=1", "limit-warning"),
    ],
)
def test_limits_that_do_not_work_are_named_and_not_tried(http, query, wrong):
    html = http.get(f"/station/pont-neuf/limits?{query}").text
    assert f'href="#{wrong}"' in html
    assert 'name="watch_mm"' not in html


def test_the_second_person_agrees_to_exactly_these_numbers(http, script):
    script.name = "asked"
    html = http.get("/station/pont-neuf/limits?lang=en").text
    agree = html[: html.index('value="keep"')]
    sent = re.findall(r'name="\w+_mm" value="(\d+)"', agree)
    assert sent == ["1100", "1700", "2400", "3100"]
    assert "readings tried" in agree
    assert "<option>Anne Maire</option>" not in agree
    assert fill(http, "/station/pont-neuf/limits").status_code == 303  # the last form: keep
    assert (script.acts[0].kind, script.acts[0].station) == ("keep", "pont-neuf")


def test_agreed_and_previous_limits_are_told(http, script):
    def changed(view):
        change = LimitsChange(
            limits_mm=[1, 2, 3, 4], people=["Anne Maire", "Bruno Adjoint"], at_ms=NOW_MS + 600_000
        )
        view.stations[0].agreed = view.stations[0].previous = change

    script.change = changed
    html = http.get("/station/pont-neuf/limits?lang=en").text
    assert "wanted by Anne Maire and Bruno Adjoint" in html
    assert "They count from 20:15:00" in html
    assert "(changed 20:15:00," in html
    assert "They count from 20:15:00" in http.get("/?lang=en").text


def test_a_trial_that_fails_is_said(script):
    def broken(_station, _limits_mm):
        raise ValueError("no journal")

    running = script.serve(dry_run=broken)
    try:
        with client_of(running) as http:
            assert "The trial on the past failed" in http.get(f"{TRY}&lang=en").text
    finally:
        running.stop()


def test_a_trial_is_made_once_for_the_same_numbers(script):
    tried = []

    def counted(station, limits_mm):
        tried.append(limits_mm)
        return dry_run(station, limits_mm)

    running = script.serve(dry_run=counted)
    try:
        with client_of(running) as http:
            for _ in range(3):
                assert "12\u00a0816" in http.get(TRY).text
            http.get(TRY.replace("3,1", "3,2"))
    finally:
        running.stop()
    assert tried == [[1100, 1700, 2400, 3100], [1100, 1700, 2400, 3200]]


@pytest.mark.parametrize(
    ("text", "value_mm"),
    [
        ("1,2", 1200), ("1.234", 1234), (" 12 m ", 12_000), ("-0,5", -500), ("−1", -1000),
        ("", None), ("1,2345", None), ("1e3", None), ("٣", None), ("nan", None), ("1,", None),
    ],
)  # fmt: skip
def test_metres_as_people_write_them(text, value_mm):
    assert metres_as_mm(text) == value_mm


# --- journal, incidents, the mayor's sheet


def test_the_journal_is_filtered(http, script):
    script.name = "sounding"
    assert "3 sur 3" in http.get("/journal").text
    only = http.get("/journal?show=alarm").text
    assert "1 sur 3" in only
    assert "La sirène sonne" in only
    assert "2 sur 3" in http.get("/journal?word=PASSE").text
    assert "Rien de tel" in http.get("/journal?word=xyzzy&show=nonsense").text
    assert "1\u00a0284 lignes" in only


@pytest.mark.parametrize("path", ["/journal?word=", "/station/pont-neuf/limits?watch="])
def test_what_is_typed_comes_back_as_text(http, path):
    html = http.get(path + quote('"><script>alert(1)</script>')).text
    assert "<script>alert" not in html
    assert "&lt;script&gt;" in html


def test_incidents_lead_to_their_reports(http):
    html = http.get("/incidents?lang=en").text
    assert "Pont-Neuf up to 2.68 m." in html
    assert 'href="/incident/2?lang=en"' in html
    report = http.get("/incident/2?lang=en")
    assert report.text == "<h1>2 en</h1>"
    assert report.headers["content-security-policy"].startswith("default-src 'none'; style-src")
    assert http.get("/incident/7").status_code == 404
    assert http.get("/mayor?lang=en").text == "<h1>en</h1>"


def test_records_that_cannot_be_read_cost_their_page_alone(script):
    def broken(*_arguments):
        raise OSError("disk")

    not_made_yet = Secure(8443, broken, broken)
    running = script.serve(incidents=broken, incident=broken, secure=not_made_yet)
    try:
        with client_of(running) as http:
            assert http.get("/authority").status_code == 503
            assert http.get("/authority/amont.crt").status_code == 503
            assert http.get("/incidents").status_code == 503
            assert http.get("/incident/2").status_code == 503
            assert http.get("/").status_code == 200
    finally:
        running.stop()


def test_what_is_not_given_is_not_there(script):
    nothing = dict.fromkeys(("dry_run", "incidents", "incident", "mayor", "secure"))
    running = script.serve(**nothing)
    try:
        with client_of(running) as http:
            for path in ("/incidents", "/incident/2", "/mayor", "/authority"):
                assert http.get(path).status_code == 404
                assert f'href="{path}"' not in http.get("/").text
            assert 'name="watch_mm"' in http.get(TRY).text
    finally:
        running.stop()


def test_the_authority_is_handed_out_with_its_fingerprint(http):
    html = http.get("/authority?lang=en").text
    assert "9F 9F" in html
    assert 'href="https://127.0.0.1:8443/?lang=en"' in html
    answer = http.get("/authority/amont.crt")
    assert answer.content == CERTIFICATE
    assert answer.headers["content-type"] == "application/x-x509-ca-cert"


# --- who may act, and under which name


@pytest.mark.parametrize("path", ["/", "/siren/mairie/drill", "/station/pont-neuf/limits"])
def test_plain_http_from_the_network_is_read_only(script, path):
    answer = seen_from(script, PHONE, path=path)
    assert answer.status_code == 200
    assert 'method="post"' not in answer.text
    assert "set-cookie" not in answer.headers
    assert f'href="https://pi.local:8443{path}?lang=fr"' in answer.text


@pytest.mark.parametrize(
    ("client", "host", "scheme", "acts"),
    [
        (PHONE, "pi.local", "https", True),
        (HERE, "127.0.0.1:8080", "http", True),
        (HERE, "localhost:8080", "http", True),
        (HERE, "pi.local", "http", False),  # a proxy on this machine is not a person at it
        (PHONE, "localhost", "http", False),
    ],
)
def test_who_may_act(script, client, host, scheme, acts):
    answer = seen_from(script, client, host, scheme)
    assert ('action="/act"' in answer.text) == acts
    form = {"csrf": "x", "kind": "mute", "siren": "mairie", "id": "1", **PERSON}
    sent = seen_from(
        script, client, host, scheme, "/act", method="POST", data=form,
        headers={"Origin": f"{scheme}://{host}", "Accept": "application/json"},
    )  # fmt: skip
    assert sent.json()["code"] == ("refused.token" if acts else "refused.plain")


def test_the_token_is_bound_to_https_there(script):
    cookie = seen_from(script, PHONE, scheme="https").headers["set-cookie"]
    assert cookie.startswith("__Host-amont_csrf=")
    assert "Secure" in cookie
    assert "strict-transport-security" not in seen_from(script, PHONE, scheme="https").headers


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("pi.local", True), ("PI.local:8080", True), ("pi.local.", True), ("localhost", True),
        ("127.0.0.1", True), ("[::1]:80", True), ("evil.example", False), ("pi.local.evil", False),
        ("192.168.1.9", False), ("pi.local@evil.example", False), ("[broken", False),
    ],
)  # fmt: skip
def test_only_this_machines_names_are_answered(script, host, known):
    answer = seen_from(script, PHONE, "pi.local", headers={"Host": host})
    assert (answer.status_code == 200) == known
    assert answer.status_code in (200, 421)


def test_the_address_that_was_connected_to_is_known(http):
    port = http.base_url.port
    assert http.get("/healthz", headers={"Host": f"127.0.0.1:{port}"}).status_code == 200
    assert http.get("/healthz", headers={"Host": "10.0.0.1"}).status_code == 421


def test_a_forwarded_header_makes_no_link_safe(script):
    answer = seen_from(script, PHONE, headers={"X-Forwarded-Proto": "https"})
    assert 'action="/act"' not in answer.text


# --- training


@pytest.mark.parametrize(
    "path", ["/", "/siren/mairie/mute", "/station/pont-neuf/limits", "/journal"]
)
def test_training_is_said_on_every_page(http, script, path):
    script.name = "training"
    html = http.get(f"{path}?lang=en").text
    assert "TRAINING – no siren is connected" in html
    assert re.search(r"<title>TRAINING", html)
    assert re.search(r'<body class="training', html)
    script.name = "sounding"
    assert "TRAINING" not in http.get(f"{path}?lang=en").text


def test_every_view_has_all_its_pages(http, script):
    for name in VIEWS:
        script.name = name
        for path in ("/siren/mairie/stop", "/station/pont-neuf/limits", "/journal", "/incidents"):
            assert http.get(path).status_code == 200, (name, path)


def test_two_trials_at_once_are_one_too_many():
    """A trial reads months of readings: a second one does not wait, it is asked to come back."""

    async def both_at_once():
        trials = Trials(dry_run)
        trials._one.acquire_nowait()  # the first is under way
        with pytest.raises(Refused) as refused:
            await trials.run("pont-neuf", [1, 2, 3, 4])
        return refused.value

    refused = on_a_loop(both_at_once)
    assert (refused.status, refused.key) == (503, "act.busy")

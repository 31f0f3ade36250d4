"""The machine's own authority: made once, for local names alone; its certificate renews itself."""

import datetime as dt
import socket
import ssl
import stat
import time

import httpx
import pytest
from cryptography import x509
from tests.page.site_script import Script

from amont_gateway import doctor, machine
from amont_gateway.authority import EARLIEST, PAGE_DAYS, Authority, AuthorityError
from amont_gateway.page import Encrypted, Secure, serve
from amont_gateway.running import Plan

TODAY = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
ADDRESSES = ["127.0.0.1", "192.168.1.2", "::1"]


class Machine:
    """One machine whose clock and addresses a test moves."""

    def __init__(self, folder, names=()):
        self.now, self.addresses = TODAY, list(ADDRESSES)
        self.authority = Authority(
            folder, names, now=lambda: self.now, addresses=lambda: self.addresses
        )


@pytest.fixture
def town(tmp_path):
    return Machine(tmp_path / "authority", ["mairie.example"])


def page_names(authority):
    page = x509.load_pem_x509_certificate(authority.page_path.read_bytes())
    return {
        str(name.value)
        for name in page.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    }


def test_made_once_then_left_alone(town):
    authority = town.authority
    assert authority.renew() is True
    before = (authority.pem(), authority.page_path.read_bytes(), authority.fingerprint())
    assert authority.renew() is False
    assert before == (authority.pem(), authority.page_path.read_bytes(), authority.fingerprint())
    assert authority.problems() == authority.due() == []
    assert len(authority.fingerprint().split()) == 32


def test_names_and_addresses_of_this_machine_are_in_it(town):
    town.authority.renew()
    short = socket.gethostname().lower().partition(".")[0]
    assert page_names(town.authority) >= {f"{short}.local", "mairie.example", *ADDRESSES}


def test_nobody_else_may_read_the_keys(town):
    authority = town.authority
    authority.renew()
    assert stat.S_IMODE(authority.certificate_path.parent.stat().st_mode) == 0o700
    for path in (authority.key_path, authority.page_path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    authority.key_path.chmod(0o640)
    (problem,) = authority.problems()
    assert "authority.key" in problem
    assert "chmod 600" in problem


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda m: setattr(m, "now", TODAY + dt.timedelta(days=PAGE_DAYS - 29)), "ends on"),
        (lambda m: setattr(m, "now", TODAY - dt.timedelta(days=40)), "ends on"),
        (lambda m: m.addresses.append("10.0.0.7"), "are others now"),
        (lambda m: m.authority.page_path.write_text("torn"), "damaged"),
        (lambda m: m.authority.page_path.unlink(), "there is none"),
    ],
)
def test_the_pages_certificate_renews_itself_under_the_same_authority(town, change, why):
    town.authority.renew()
    authority_was = town.authority.pem()
    change(town)
    (reason,) = town.authority.due()
    assert why in reason
    assert town.authority.renew() is True
    assert town.authority.due() == []
    assert town.authority.pem() == authority_was


def test_a_certificate_of_another_authority_is_replaced(town, tmp_path):
    other = Machine(tmp_path / "other").authority
    other.renew()
    town.authority.renew()
    town.authority.page_path.write_bytes(other.page_path.read_bytes())
    assert "not of this authority" in town.authority.due()[0]
    assert town.authority.renew() is True


def test_a_name_that_the_authority_does_not_vouch_for_is_left_out(town):
    town.authority.renew()
    later = Authority(
        town.authority.certificate_path.parent,
        ["bank.example", "garage.lan"],
        now=lambda: TODAY,
        addresses=lambda: ADDRESSES,
    )
    assert later.renew() is True
    assert "garage.lan" in page_names(later)
    assert "bank.example" not in page_names(later)
    assert later.due() == []


def test_a_stolen_key_certifies_no_foreign_name(town, tmp_path):
    """What the authority's own key signs for another name is refused by a browser's rules."""
    town.authority.renew()
    thief = Authority(
        town.authority.certificate_path.parent, now=lambda: TODAY, addresses=lambda: ADDRESSES
    )
    thief._wanted = lambda: [x509.DNSName("bank.example"), x509.DNSName("localhost")]
    thief._make_page()
    context = ssl.create_default_context(cafile=town.authority.certificate_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(town.authority.page_path)
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
        handshake(context, server, "bank.example")


def handshake(context, server, name):
    """Let a client and a server talk in memory until the client is content."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(to_client, to_server, server_hostname=name)
    host = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(6):
        for side in (client, host):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client


def test_a_clock_that_was_never_set_makes_no_dead_certificate(town):
    town.now = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    town.authority.renew()
    assert town.authority.ends() > EARLIEST + dt.timedelta(days=300)
    assert town.authority.due() == []
    town.now = TODAY + dt.timedelta(days=200)
    town.authority.renew()
    assert town.authority.due() == []


@pytest.mark.parametrize("file", ["authority.crt", "authority.key"])
def test_a_damaged_authority_is_said_and_never_replaced(town, file):
    authority = town.authority
    authority.renew()
    path = authority.certificate_path.with_name(file)
    path.write_text("torn")
    authority.page_path.unlink()
    with pytest.raises(AuthorityError, match=file):
        authority.renew()
    assert path.read_text() == "torn"


def test_a_key_of_another_authority_is_said(town, tmp_path):
    other = Machine(tmp_path / "other").authority
    other.renew()
    town.authority.renew()
    town.authority.key_path.write_bytes(other.key_path.read_bytes())
    town.addresses.append("10.0.0.9")
    with pytest.raises(AuthorityError, match="does not belong"):
        town.authority.renew()


def test_an_authority_near_its_end_is_said(town):
    town.authority.renew()
    town.now = TODAY + dt.timedelta(days=3640)
    assert "ends on" in town.authority.problems()[0]


def test_names_and_addresses_of_the_real_machine():
    assert {"localhost"} <= set(machine.own_names(["Pi.Local", "bad name", ""]))
    assert "pi.local" in machine.own_names(["Pi.Local"])
    assert not [n for n in machine.own_names(["bad name", ""]) if " " in n or not n]
    assert {"127.0.0.1", "::1"} <= set(machine.own_addresses())


# --- served


def await_port(server):
    for _ in range(400):
        if server.secure_port is not None:
            return server.secure_port
        time.sleep(0.025)
    raise AssertionError("HTTPS did not come up")


@pytest.fixture
def secure_server(town):
    authority = town.authority
    encrypted = Encrypted("127.0.0.1", 0, authority.page_path, authority.renew)
    secure = Secure(8443, authority.pem, authority.fingerprint)
    running = Script().serve(encrypted=encrypted, secure=secure)
    await_port(running)
    yield running
    running.stop()
    assert not running.alive


def trusting(town):
    return ssl.create_default_context(cafile=town.authority.certificate_path)


def served_names(town, server):
    with (
        socket.create_connection(("127.0.0.1", server.secure_port), 5) as link,
        trusting(town).wrap_socket(link, server_hostname="localhost") as safe,
    ):
        return {value for _, value in safe.getpeercert()["subjectAltName"]}


def test_people_act_over_https_with_the_authority_installed(town, secure_server):
    address = f"https://localhost:{secure_server.secure_port}"
    with httpx.Client(base_url=address, verify=trusting(town), trust_env=False) as http:
        answer = http.get("/siren/mairie/acknowledge")
        assert "__Host-amont_csrf=" in answer.headers["set-cookie"]
        assert 'action="/act"' in answer.text
    with (
        httpx.Client(base_url=address, trust_env=False) as http,
        pytest.raises(httpx.ConnectError, match="certificate verify failed"),
    ):
        http.get("/")


def test_old_tls_is_refused(town, secure_server):
    context = trusting(town)
    context.set_ciphers("ALL:@SECLEVEL=0")  # the client would; only the server's rule is tested
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", secure_server.secure_port), 5) as link,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(link, server_hostname="localhost")


def test_a_new_certificate_is_served_without_a_restart(town, monkeypatch):
    monkeypatch.setattr(serve, "RENEW_S", 0.0)
    encrypted = Encrypted("127.0.0.1", 0, town.authority.page_path, town.authority.renew)
    running = Script().serve(encrypted=encrypted)
    try:
        await_port(running)
        assert "10.9.8.7" not in served_names(town, running)
        town.addresses.append("10.9.8.7")
        for _ in range(100):
            if "10.9.8.7" in served_names(town, running):
                break
            time.sleep(0.05)
        assert "10.9.8.7" in served_names(town, running)
    finally:
        running.stop()


def test_trouble_with_https_costs_nobody_the_plain_page(town, monkeypatch, caplog):
    monkeypatch.setattr(serve, "RETRY_S", 0.0)
    failures = [OSError("disk full"), AuthorityError("torn"), ValueError("?")]

    def renew():
        if failures:
            raise failures.pop(0)
        return town.authority.renew()

    encrypted = Encrypted("127.0.0.1", 0, town.authority.page_path, renew)
    running = Script().serve(encrypted=encrypted)
    try:
        address = f"http://127.0.0.1:{running.port}/healthz"
        assert httpx.get(address, trust_env=False).status_code == 200
        await_port(running)
    finally:
        running.stop()
    assert "disk full" in caplog.text


# --- doctor


@pytest.fixture
def plan(town):
    return Plan(
        None, town.authority.certificate_path.parents[1], None, None, None, None,
        page=("0.0.0.0", 8080), page_https=("0.0.0.0", 8443),
    )  # fmt: skip


def test_doctor_says_what_to_install(town, plan):
    (none_yet,) = doctor._page(plan)
    assert none_yet.verdict == doctor.WEAK
    authority = Authority(town.authority.certificate_path.parent)
    authority.renew()
    findings = list(doctor._page(plan))
    assert [f.verdict for f in findings] == [doctor.GOOD, doctor.GOOD]
    assert authority.fingerprint() in findings[1].text
    assert ":8080/authority" in findings[1].text


def test_doctor_says_what_is_wrong_with_https(town, plan):
    authority = Authority(town.authority.certificate_path.parent)
    authority.renew()
    authority.page_path.unlink()
    assert [f.verdict for f in doctor._page(plan)] == [doctor.WEAK, doctor.GOOD]
    authority.key_path.chmod(0o644)
    assert [f.verdict for f in doctor._page(plan)] == [doctor.BAD]
    (off,) = doctor._page(Plan(None, plan.data, None, None, None, None))
    assert off.verdict == doctor.GOOD

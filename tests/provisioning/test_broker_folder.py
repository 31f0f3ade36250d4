"""The broker's folder: made once, renewed in time, revoked for good, told in both languages."""

import datetime as dt
import grp
import json
import os
import stat

import pytest
from cryptography import x509
from tests.provisioning.desk import SITE

from amont_provision import cli
from amont_provision.brokerca import Authority
from amont_provision.texts import Refused

YEAR = dt.timedelta(days=366)
NODES = [21, 31]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "broker"


def at(folder, when=dt.datetime(2026, 11, 23, tzinfo=dt.UTC), names=("pi.local",)):
    return Authority(folder, names, lambda: when)


def make(authority, nodes=NODES):
    due = authority.due(nodes)
    for name in due:
        authority.make(name)
    return due


def serials(folder):
    listed = x509.load_pem_x509_crl((folder / "revoked.crl").read_bytes())
    return {one.serial_number for one in listed}


def certificate(path):
    return x509.load_pem_x509_certificate(path.read_bytes())


def run(folder, *more, site=SITE, lang="en"):
    return cli.main(
        ["--lang", lang, "broker", "--site", str(site), "--folder", str(folder), *more]
    )


def test_made_once_and_then_nothing_is_due(folder):
    assert make(at(folder)) == ["ca", "broker", "gateway", "21", "31"]
    assert at(folder).due(NODES) == []
    assert at(folder).due([*NODES, 32]) == ["32"]


def test_keys_are_for_their_owner_alone(folder):
    make(at(folder))
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in folder.rglob("*") if p.is_file()}
    assert modes["ca.key"] == modes["31.key"] == modes["issued.json"] == 0o600
    assert modes["broker.key"] == modes["gateway.key"] == 0o640
    assert not [p for p in folder.rglob("*.new")]


def test_each_service_reads_its_part_and_strangers_see_nothing(folder):
    make(at(folder))
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (folder, *folder.iterdir())}
    assert (modes["broker"], modes["gateway"], modes["nodes"]) == (0o751, 0o750, 0o700)
    readable = {p.name for p in folder.rglob("*") if p.is_file() and p.stat().st_mode & 0o004}
    assert not {name for name in readable if name.endswith((".key", ".json"))}
    if os.geteuid() == 0:
        mosquitto = grp.getgrnam("mosquitto").gr_gid
        assert (folder / "broker.key").stat().st_gid == mosquitto


def test_a_renewal_that_names_nothing_keeps_the_names(folder):
    make(at(folder, names=("pi.local", "192.0.2.7")))
    assert at(folder, names=("pi.local",)).due(NODES) == []


def test_own_certificates_are_renewed_in_time_and_a_nodes_is_not(folder):
    make(at(folder))
    later = dt.datetime(2026, 11, 23, tzinfo=dt.UTC) + 2 * YEAR + 30 * dt.timedelta(days=1)
    assert at(folder, later).due(NODES) == ["broker", "gateway"]
    before = certificate(folder / "broker.crt")
    make(at(folder, later))
    after = certificate(folder / "broker.crt")
    assert after.not_valid_after_utc > before.not_valid_after_utc
    assert at(folder, later).due(NODES) == []


def test_nothing_begins_later_than_a_clock_that_was_never_set(folder):
    make(at(folder, dt.datetime(2031, 5, 1, tzinfo=dt.UTC)))
    for path in folder.rglob("*.crt"):
        assert certificate(path).not_valid_before_utc == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    listed = x509.load_pem_x509_crl((folder / "revoked.crl").read_bytes())
    authority = certificate(folder / "ca.crt")
    assert listed.next_update_utc == authority.not_valid_after_utc


def test_another_name_of_the_broker_makes_its_certificate_anew(folder):
    make(at(folder))
    assert at(folder, names=("pi.local", "192.0.2.7")).due(NODES) == ["broker"]


def test_revoked_means_every_certificate_that_the_node_ever_had(folder):
    make(at(folder))
    first = certificate(folder / "nodes" / "31.crt").serial_number
    at(folder).make("31")
    second = certificate(folder / "nodes" / "31.crt").serial_number
    assert at(folder).revoke("31")
    assert serials(folder) == {first, second}
    assert not (folder / "nodes" / "31.key").exists()
    assert not at(folder).revoke("31")


def test_a_kill_between_ledger_and_list_is_mended(folder):
    make(at(folder))
    old = (folder / "revoked.crl").read_bytes()
    at(folder).revoke("31")
    (folder / "revoked.crl").write_bytes(old)
    assert "revoked.crl" in at(folder).due(NODES)
    make(at(folder))
    assert len(serials(folder)) == 1


@pytest.mark.parametrize("name", ["ca.key", "ca.crt", "issued.json"])
def test_a_damaged_file_is_named_and_nothing_is_made_over_it(folder, name):
    make(at(folder))
    (folder / name).write_bytes(b"{torn")
    with pytest.raises(Refused, match=name):
        make(at(folder), [*NODES, 32])
    assert (folder / name).read_bytes() == b"{torn"


def test_a_key_of_another_authority_signs_nothing(folder, tmp_path):
    make(at(folder))
    make(at(tmp_path / "other"))
    (folder / "ca.key").write_bytes((tmp_path / "other" / "ca.key").read_bytes())
    with pytest.raises(Refused, match=r"ca\.key"):
        at(folder).make("31")


def test_command_makes_then_has_nothing_to_do_then_revokes(folder, capsys):
    assert run(folder) == 0
    assert "make mosquitto read it" in capsys.readouterr().out
    assert run(folder) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert run(folder, "--revoke", "31") == 0
    assert "user 31" not in (folder / "access").read_text()
    assert run(folder, "--revoke", "31") == 1
    assert "nothing to revoke" in capsys.readouterr().err


def test_dry_run_writes_nothing_and_says_what_it_would(folder, capsys):
    assert run(folder, "--dry-run", lang="fr") == 0
    said = capsys.readouterr().out
    assert "à faire : ca" in said
    assert not folder.exists()


def test_json_tells_when_each_certificate_ends(folder, capsys):
    assert run(folder, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["ends"]) == {"broker", "gateway", "21", "31"}
    assert told["changed"] is True


def test_a_site_without_tls_broker_is_refused(folder, tmp_path, capsys):
    plain = tmp_path / "site.yaml"
    plain.write_text(SITE.read_text().replace("tls: true", "tls: false"))
    assert run(folder, site=plain) == 1
    assert "no broker with TLS" in capsys.readouterr().err

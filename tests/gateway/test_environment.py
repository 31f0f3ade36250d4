"""Secrets for commands by hand: from the environment first, else from the service's file."""

import os

import pytest

from amont_gateway import environment
from amont_gateway.environment import secrets


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "gateway.env"
    path.write_text(
        "# AMONT_MQTT_PASSWORD=old\n"
        "AMONT_GATEWAY_OPTIONS=--page 0.0.0.0:8080\n"
        "AMONT_INFLUX_TOKEN='gateway:a=b c'\n"
        ' AMONT_MQTT_PASSWORD = "x y" \n'
        "PATH=/nowhere\nno assignment\n"
    )
    return path


def test_the_file_fills_in_what_the_environment_lacks(file):
    found = secrets({"AMONT_MQTT_PASSWORD": "mine", "PATH": "/bin"}, file)
    assert found == {
        "PATH": "/bin",
        "AMONT_MQTT_PASSWORD": "mine",
        "AMONT_INFLUX_TOKEN": "gateway:a=b c",
        "AMONT_GATEWAY_OPTIONS": "--page 0.0.0.0:8080",
    }


def test_quotes_and_comments_are_systemds(file):
    assert secrets({}, file)["AMONT_MQTT_PASSWORD"] == "x y"


def test_without_the_file_the_environment_is_all(tmp_path):
    assert secrets({"A": "b"}, tmp_path / "none") == {"A": "b"}


def test_a_file_that_may_not_be_read_is_named_with_what_to_do(file, monkeypatch):
    def refused(*_args, **_named):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(file), "read_text", refused)
    with pytest.raises(PermissionError, match=r"gateway\.env: Permission denied: try sudo -u"):
        secrets({}, file)
    assert secrets({"AMONT_INFLUX_TOKEN": "t"}, file) == {"AMONT_INFLUX_TOKEN": "t"}


def test_tests_never_read_this_machines_own_file():
    assert "AMONT_INFLUX_TOKEN" not in os.environ
    assert str(environment.FILE) == "/etc/amont/gateway.env"

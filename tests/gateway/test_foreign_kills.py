"""A gateway that is killed again and again: what the broker keeps is in the journal in the end."""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from tests.gateway.conftest import eventually
from tests.gateway.foreign_sites import make_site
from tests.gateway.processes import Child, run_gateway

from amont_gateway.journal_reader import JournalReader

pytestmark = pytest.mark.servers
READINGS, KILLS = 300, 6


def seconds(path):
    """Return the seconds of all rows that the journal holds, [] if there is none yet."""
    try:
        reader = JournalReader(path)
        found = [sample.seq for _, sample in reader.samples()]
        reader.close()
    except Exception:  # it is just being made
        return []
    return found


@pytest.mark.timeout(120)
def test_no_reading_of_a_dated_source_is_lost_or_doubled(tmp_path, broker):
    site = make_site(tmp_path, broker.port)
    journal = tmp_path / "data" / "journal.db"
    child = Child(run_gateway, site, tmp_path / "data", tmp_path / "no-guard.sock", broker.port)
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    first_s = int(time.time()) - 10 * READINGS
    rng, wanted = random.Random(7), []

    def say(second):
        at = datetime.fromtimestamp(second, UTC).isoformat()
        message = json.dumps({"time": at, "object": {"level": 1.0}})
        client.publish("lora/radar/up", message, 1).wait_for_publish(10)

    def subscribed():
        say(first_s)
        return seconds(journal)

    child.start()
    try:
        eventually(subscribed, 30)
        for kill in range(KILLS):
            for i in range(READINGS // KILLS):
                wanted.append(first_s + 5 * (len(wanted) + 1))
                say(wanted[-1])
                if i == READINGS // KILLS // 2:
                    time.sleep(rng.uniform(0.0, 0.1))
                    child.kill()
            child.start()
            assert kill < KILLS
        eventually(lambda: len(seconds(journal)) == READINGS + 1, 30)
    finally:
        child.stop()
        client.disconnect()
        client.loop_stop()
    assert sorted(seconds(journal)) == [first_s, *wanted]
    reader = JournalReader(journal)
    assert reader.check().ok
    reader.close()

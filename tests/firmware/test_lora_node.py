"""A whole node with a LoRa radio on a board that sleeps lightly: windows, naps, urgency."""

import itertools
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from hil_tests.rig_parts import node_config
from tests.firmware.device.lora_radio import Radio

from amont_hil.simulated import write_config
from amont_hil.tiny_guard import SECRET, TinyGuard
from amont_node import hal_unix, lora_carrier
from amont_node import node as shell
from amont_node.config import save_secret
from amont_node.node import Node
from amont_node.radio import Modulation
from amont_wire import const

LISTEN_MS = 2600
LORA = {"sf": 9, "preamble": 8, "channels_khz": [868100, 868300], "listen_ms": LISTEN_MS}


class World:
    """One clock for the node, its board and the air; a board that notes how it slept."""

    def __init__(self) -> None:
        self.ms = 0
        self.rests: list[tuple[int, int]] = []  # (from, for): in light sleep
        self.radio: AirRadio | None = None

    def link_ms(self) -> int:
        return self.ms

    def now_s(self) -> int:
        return self.ms // 1000

    def real_ms_until(self, clock_s: int) -> int:
        return max(0, clock_s * 1000 - self.ms)

    def is_virtual(self) -> bool:
        return True

    def rest(self, ms: int, dog: object, moved: object = None) -> None:
        assert self.radio is not None
        assert self.radio.is_asleep, "the board sleeps with its radio on"
        self.rests.append((self.ms, ms))
        self.ms += ms


class AirRadio(Radio):
    """The radio, in the world's time, with a guard behind a bridge that answers after a while."""

    def __init__(self, world: World) -> None:
        self._world = world
        super().__init__()
        world.ms = 0
        world.radio = self
        self.guard = TinyGuard()
        self.answer_ms: int | None = 300
        self.sent: list[tuple[int, bytes]] = []  # (when it was over, frame)

    @property
    def now_ms(self) -> int:
        return self._world.ms

    @now_ms.setter
    def now_ms(self, ms: int) -> None:
        self._world.ms = ms

    def send(self, frame: bytes, modulation: Modulation) -> bool:
        done = super().send(frame, modulation)
        self.sent.append((self.now_ms, frame))
        if self.answer_ms is not None:
            answer = self.guard.take(frame)
            if answer is not None:
                where = Modulation(modulation.freq_khz, modulation.sf, inverted=True)
                self.air.append((self.now_ms + self.answer_ms, answer, where))
        return done


Make = Callable[..., tuple[Node, World, AirRadio]]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    world = World()
    names = ("flash_folder", "reset_cause", "watchdog", "free_heap_bytes", "supply", "button")
    hal = SimpleNamespace(
        SLEEPS=True, Clock=lambda _: world, rest=world.rest,
        **{name: getattr(hal_unix, name) for name in names},
    )  # fmt: skip
    monkeypatch.setattr(shell, "hal", hal)
    monkeypatch.setattr(lora_carrier, "open_radio", lambda *_: AirRadio(world))
    monkeypatch.setattr(lora_carrier.time, "sleep", lambda s: world.rest(int(s * 1000), None))

    def made(**changes: object) -> tuple[Node, World, AirRadio]:
        probe = {"kind": "constant", "value": 1234}
        channels = [{"index": 0, "quantity": 1, "step": 1, "probe": probe}]
        carrier = {"kind": "lora", "chip": "sim", "lora": LORA}
        settings = {"channels": channels, "interval_s": 300, "fast_interval_s": 60, **changes}
        write_config(tmp_path, node_config(carrier, **settings))
        save_secret(str(tmp_path), SECRET)
        node = Node(str(tmp_path), None, None)
        assert world.radio is not None
        return node, world, world.radio

    return made


def live(node: Node, world: World, until_ms: int) -> None:
    """Let the node live; a wake that takes no time at all would be one without an end."""
    for _ in range(20_000):
        if world.ms >= until_ms:
            return
        before_ms = world.ms
        node.wake()
        world.ms = max(world.ms, before_ms + 1)
    raise AssertionError("it turns in circles")


def test_it_sleeps_with_its_radio_between_the_windows(make: Make) -> None:
    node, world, radio = make()
    live(node, world, 3_600_000)
    asleep_ms = sum(ms for _, ms in world.rests)
    awake_ms = 3_600_000 - asleep_ms
    assert len(radio.guard.readings) >= 11
    assert awake_ms <= len(radio.sent) * (LISTEN_MS + 600)
    assert node._fault_bits == 0
    channels = [how.freq_khz for _, how in radio.done]
    assert abs(channels.count(868100) - channels.count(868300)) <= 1
    node.close()


def test_what_is_not_urgent_waits_for_the_window(make: Make) -> None:
    node, world, radio = make()
    radio.answer_ms = None
    live(node, world, 3_600_000)
    ends = [at for at, _ in radio.sent]
    assert len(ends) > 12
    air_ms = radio.time_on_air_us(51, Modulation(868100, 9)) // 1000
    for one, next_one in itertools.pairwise(ends):
        assert next_one - one >= LISTEN_MS
        assert air_ms < LISTEN_MS
    node.close()


def test_an_urgent_frame_is_repeated_until_it_is_answered(make: Make) -> None:
    node, world, radio = make(high_mark=1000, interval_s=600, fast_interval_s=600)
    radio.answer_ms = None
    live(node, world, 1_190_000)
    urgent = [(at, frame) for at, frame in radio.sent if frame[0] & 15 == const.URGENT]
    assert {frame for _, frame in urgent} == {urgent[0][1]}
    assert len(urgent) > 5  # beyond the three of any other frame
    gaps = [b - a for (a, _), (b, _) in itertools.pairwise(urgent)]
    assert max(gaps[:3]) <= 9_000
    assert len(set(gaps)) > len(gaps) // 2  # jitter
    radio.answer_ms = 400
    live(node, world, 1_300_000)
    assert radio.guard.readings
    count = len(radio.sent)
    live(node, world, 1_700_000)
    assert not [f for _, f in radio.sent[count:] if f == urgent[0][1]]
    node.close()


def test_a_repetition_ends_the_light_sleep(make: Make) -> None:
    node, world, radio = make()
    radio.answer_ms = None
    live(node, world, 60_000)
    first = radio.sent[0][1]
    again = [at for at, frame in radio.sent if frame == first]
    assert len(again) == 3
    assert again[1] - again[0] <= 9_000
    assert all(ms < 300_000 for at, ms in world.rests if at < again[2])
    node.close()


def test_a_dead_radio_costs_no_reading(make: Make) -> None:
    node, world, radio = make()
    live(node, world, 400_000)
    radio.works = False
    live(node, world, 2_000_000)
    assert node.carrier.fault
    radio.works = True
    live(node, world, 6_000_000)
    assert not node.carrier.fault
    seqs = sorted(seq for _, seq in radio.guard.readings)
    assert seqs == list(range(seqs[-1] + 1))
    assert seqs[-1] >= 18
    node.close()

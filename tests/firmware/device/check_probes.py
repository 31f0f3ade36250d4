# Simulated probes and the making of frames.

from world import config

from amont_node.frames import build, clamped, steady_run
from amont_node.lives import history
from amont_node.outbox import Record
from amont_node.probes import ProbeError, make_probe
from amont_wire.const import MAX_BODY, VALUE_MAX
from amont_wire.messages import decode


def write(name: str, text: str) -> None:
    with open(name, "w") as file:
        file.write(text)


def replay(text: str, **more):
    write("table.txt", text)
    settings = {"kind": "replay", "file": "table.txt"}
    for name in more:
        settings[name] = more[name]
    return make_probe(settings, ".")


# The value of a probe that reads well.
def read(probe, clock_s: int) -> int:
    value, quality = probe.read(clock_s)
    assert quality == 0
    return value


def fails(probe, clock_s: int) -> bool:
    try:
        probe.read(clock_s)
    except ProbeError:
        return True
    return False


def check_replay_is_linear() -> None:
    probe = replay("100 10\n200 20\n\n", noise=0)
    assert [read(probe, s) for s in (100, 104, 105, 150, 200)] == [10, 10, 11, 15, 20]
    assert read(probe, 120) == 12  # back again
    probe = replay("0 0\n10 -10\n20 -10\n")
    assert [read(probe, s) for s in (5, 15, 20)] == [-5, -10, -10]


def check_replay_has_ends() -> None:
    probe = replay("100 10\n200 20\n")
    assert fails(probe, 99) and fails(probe, 201)
    assert read(probe, 100) == 10
    assert fails(replay("0 0\n5 x\n"), 3)


def check_noise_is_bounded_and_repeats() -> None:
    probe = replay("0 1000\n10000 1000\n", noise=5, seed=3)
    values = [read(probe, s) for s in range(500)]
    assert min(values) == 995 and max(values) == 1005
    again = replay("0 1000\n10000 1000\n", noise=5, seed=3)
    assert [read(again, s) for s in range(500)] == values
    other = replay("0 1000\n10000 1000\n", noise=5, seed=4)
    assert [read(other, s) for s in range(500)] != values


def check_constant_and_unknown() -> None:
    assert read(make_probe({"kind": "constant", "value": -7}, "."), 5) == -7
    try:
        make_probe({"kind": "oracle"}, ".")
    except ValueError as error:
        assert "oracle" in str(error)
    else:
        raise AssertionError("taken")


def check_history() -> None:
    write("history", "0 5\n\n900 6 7\n")
    assert list(history("./history")) == [(0, [5]), (900, [6, 7])]
    assert list(history("./no-such-file")) == []


def records(count: int, spacing_s: int = 60) -> list:
    return [Record(0, n, n * spacing_s, 1, [1000 + n * n % 37, 0, 0, 0]) for n in range(count)]


def check_frames_keep_the_end_that_matters() -> None:
    many = records(64)
    newest = build(config(), many, False, 64 * 60, 63, False, None)
    oldest = build(config(), many, True, 64 * 60, 63, False, None)
    assert newest.last == 63 and newest.first > 20
    assert oldest.first == 0 and oldest.last < 45
    for frame in (newest, oldest):
        assert len(frame.body) <= MAX_BODY
        rows = decode(1, frame.body).rows()
        assert [row[0] for row in rows] == list(range(frame.first, frame.last + 1))
        for seq, tick_s, values in rows:
            assert tick_s == many[seq].tick_s and values[0][2] == many[seq].values[0]


def check_frames_stop_at_a_gap() -> None:
    some = records(10)
    assert steady_run(some[:4] + some[5:], False) == (4, 9)
    assert steady_run(some[:4] + some[5:], True) == (0, 4)
    some[6].tick_s += 1
    assert steady_run(some, False) == (7, 10)
    some[9].mask = 3
    assert steady_run(some, False) == (9, 10)


def check_echo_and_quality() -> None:
    some = records(3)
    some[1].quality = 4
    frame = build(config(), some, False, 500, 2, True, (77, 9))
    message = decode(1, frame.body)
    assert frame.echoes and message.echo == (77, 9) and message.fast and message.backlog == 2
    assert [row[2][0][3] for row in message.rows()] == [0, 4, 0]


def check_clamped() -> None:
    assert clamped(5, 10) == (5, False)
    assert clamped(VALUE_MAX * 10 + 1, 10) == (VALUE_MAX * 10, True)
    assert clamped(-VALUE_MAX - 1, 1) == (-VALUE_MAX, True)

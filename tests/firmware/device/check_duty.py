# The duty cycle, rule by rule.

from world import LIFE, Flash, Guard, Node, config

from amont_node import duty as act
from amont_node.delivery import BACKLOG, HEALTH, HELLO, REGULAR, URGENT
from amont_node.sampling import Sampler
from amont_wire.messages import Ack, Config, Resend, Time


def kinds(sent) -> list:
    return [frame[1][0] for frame in sent]


# A node that has said hello and got its answer.
def settled(guard=None, value=None, **changes):
    guard = guard or Guard()
    node = Node(Flash(), config(**changes), 0, value)
    for counter, frame in node.wake(0, 0):
        node.downlink(0, 0, *guard.take(counter, frame))
    return node, guard


def check_hello_first() -> None:
    node = Node(Flash(), config(), 0)
    assert kinds(node.wake(0, 0)) == [HELLO]
    assert node.wake(1, 10) == []


def check_samples_on_the_grid() -> None:
    sampler = Sampler(config(), 61)
    assert sampler.take_due(119) is None
    assert sampler.take_due(120) == 120
    assert sampler.take_due(121) is None
    # Slept through 180 and 240: those instants are gone, the grid stays.
    assert sampler.take_due(305) == 300


def check_fast_above_the_mark() -> None:
    sampler = Sampler(config(), 0)
    assert not sampler.reading(60, 999)
    assert sampler.reading(120, 1000)  # crossing: urgent
    assert sampler.due_s == 130
    assert not sampler.reading(130, 1200)  # still above: said already
    assert sampler.fast(229) and not sampler.fast(230)
    assert not sampler.reading(240, 900)
    assert sampler.reading(250, 1001)  # and again


def check_fast_while_rising() -> None:
    sampler = Sampler(config(), 0)
    sampler.reading(0, 100)
    sampler.reading(60, 199)
    assert not sampler.fast(60)
    assert sampler.reading(120, 300)  # 100 a minute: fast, and told at once
    assert sampler.fast(120)
    assert not sampler.reading(130, 400)  # still: said already


def check_hint() -> None:
    sampler = Sampler(config(), 0)
    sampler.hint(1, 5)
    assert sampler.due_s == 10 and sampler.fast(6)
    sampler.hint(0, 6)
    assert not sampler.fast(6)
    sampler.hint(2, 6)
    assert not sampler.fast(6 + 3600)  # a hint that nobody repeats ends


def watchful(**changes) -> Sampler:
    return Sampler(config(fast_interval_s=60, alarm_mark=2000, **changes), 0)


# All due until tick_s, second by second: ticks of samples, and those of them that are urgent.
def run(sampler, until_s: int, value, from_s: int = 0):
    samples = []
    urgent = []
    for tick_s in range(from_s, until_s + 1):
        for _ in range(3):
            look_s = sampler.take_look(tick_s)
            if look_s is not None:
                sampler.looked(look_s, value(look_s))
            instant_s = sampler.take_due(tick_s)
            if instant_s is None:
                continue
            samples.append(instant_s)
            if sampler.reading(instant_s, value(instant_s)):
                urgent.append(instant_s)
    return samples, urgent


def check_looks_between_samples_only_in_fast_mode() -> None:
    sampler = watchful()
    run(sampler, 60, lambda tick_s: 900)
    assert sampler.look_s is None and sampler.wake_s() == 120
    run(sampler, 120, lambda tick_s: 1500, 61)
    assert sampler.look_s == 130 and sampler.wake_s() == 130
    assert sampler.take_look(129) is None and sampler.take_look(131) == 130
    sampler.looked(130, 1999)
    assert sampler.take_due(131) is None


# Crossing the alarm mark just after a look: three samples, each urgent, within half a minute.
def check_alert_at_once() -> None:
    samples, urgent = run(watchful(), 400, lambda tick_s: 1500 if tick_s < 131 else 2100)
    assert samples[:2] == [60, 120] and samples[2:14] == list(range(140, 260, 10))
    assert urgent[:1] == [60] and urgent[1:] == list(range(140, 260, 10))
    assert samples[14:] == [260, 300, 360]  # then as before


def check_alert_from_calm() -> None:
    samples, urgent = run(watchful(), 150, lambda tick_s: 100 if tick_s < 90 else 2100)
    assert samples == [60, 120, 130, 140, 150] and urgent == samples[1:]


def check_a_level_around_the_mark_spares_the_airtime() -> None:
    samples, _ = run(watchful(), 7200, lambda tick_s: 1990 if tick_s // 10 % 2 else 2010)
    assert len(samples) < 2 * 7200 // 60 + 24


def check_the_guard_may_ask_for_an_alert() -> None:
    sampler = watchful()
    sampler.hint(2, 5)
    samples, urgent = run(sampler, 200, lambda tick_s: 100, 5)
    assert samples == list(range(10, 140, 10)) + [180] and urgent == samples[:12]
    sampler.hint(2, 200)  # repeated with each acknowledgement: fast, but no other alert
    assert run(sampler, 360, lambda tick_s: 100, 201)[0] == [240, 300, 360]
    sampler.hint(0, 361)
    sampler.hint(2, 362)
    assert sampler.alert(363)


def check_without_an_alarm_mark_nobody_looks() -> None:
    sampler = Sampler(config(fast_interval_s=60), 0)
    assert run(sampler, 240, lambda tick_s: 9000)[0] == [60, 120, 180, 240]


def check_a_look_reads_and_keeps_nothing() -> None:
    node, _ = settled(fast_interval_s=60, alarm_mark=2000, value=lambda tick_s: 1500)
    node.wake(60, 100)
    (action,) = node.duty.step(70, 200)
    assert action == (act.LOOK, 70)
    assert node.duty.step(70, 201, (act.LOOKED, 70, None)) == []  # the probe failed
    node.duty.step(70, 202, (act.LOOKED, 70, 2000))
    assert node.duty.step(70, 203) == [(act.SAMPLE, 1, 70)]


def check_regular_frame_each_n() -> None:
    node, _ = settled(frame_samples=3)
    assert node.wake(60, 100) == [] and node.wake(120, 200) == []
    (frame,) = node.wake(180, 300)
    assert frame[1][:3] == (REGULAR, 0, 2)


def check_a_low_battery_makes_no_frame_rarer() -> None:
    for level, instants in ((0, (60, 120, 180, 240)), (1, (120, 240)), (2, (240,))):
        node, _ = settled(frame_samples=4, high_mark=None, rise_mark=None)
        node.duty._battery = level
        node.duty._sampler.battery(level, 1)
        sent = [node.wake(tick_s, tick_s * 1000) for tick_s in instants]
        assert [len(frames) for frames in sent] == [0] * (len(instants) - 1) + [1]


def check_urgent_at_once() -> None:
    node, _ = settled(frame_samples=30, value=lambda tick_s: 1000 if tick_s >= 120 else 10)
    assert node.wake(60, 100) == []
    (frame,) = node.wake(120, 200)
    assert frame[1][:3] == (URGENT, 0, 1)


def check_urgent_makes_room() -> None:
    node, _ = settled(value=lambda tick_s: 1000 if tick_s >= 600 else 10)
    frames = 0
    for minute in range(1, 10):
        frames += len(node.wake(minute * 60, minute))
    assert frames == 6  # so many may be in flight; then new samples wait
    assert kinds(node.wake(600, 50)) == [URGENT]


def check_overlap_leaves_out_what_is_acknowledged() -> None:
    node, guard = settled()
    for minute in range(1, 5):
        node.wake(minute * 60, minute)
    (frame,) = node.wake(300, 10)
    assert frame[1][:3] == (REGULAR, 0, 4)
    node.downlink(300, 11, *guard.take(*frame))
    (frame,) = node.wake(360, 12)
    assert frame[1][:3] == (REGULAR, 5, 5)


# The same bytes three times in all; then the samples come in a new frame, a new counter.
def check_repeats_then_a_fresh_frame() -> None:
    node, _ = settled()
    (first,) = node.wake(60, 1000)
    seen = []
    link_ms = 1000
    while len(seen) < 6 and link_ms < 2000000:
        link_ms += 500
        seen += node.wake(61, link_ms)
    assert seen[0] == first and seen[1] == first
    assert first not in seen[2:]
    assert seen[2][0] != first[0] and seen[2][1][:3] == (BACKLOG, 0, 0)


def check_silence_grows() -> None:
    node, _ = settled()
    node.wake(60, 0)
    times = []
    for link_ms in range(0, 4000000, 1000):
        if node.wake(61, link_ms):
            times.append(link_ms)
    gaps = [b - a for a, b in zip(times, times[1:])]  # noqa: B905, RUF007
    assert len(times) < 20 and max(gaps) > 600000
    assert max(gaps) <= 1350000 + 1000


def check_new_samples_go_out_in_silence() -> None:
    node, _ = settled()
    for minute in range(1, 200):
        sent = node.wake(minute * 60, minute * 60000)
        assert REGULAR in kinds(sent), minute


def check_nothing_without_a_carrier() -> None:
    node, _ = settled()
    for minute in range(1, 50):
        assert node.wake(minute * 60, minute * 60000, False) == []
    sent = node.wake(50 * 60, 50 * 60000)
    assert kinds(sent)[0] == REGULAR and sent[0][1][2] == 49


def check_health_each_hour() -> None:
    node, _ = settled(interval_s=3000)
    sent = []
    for tick_s in range(0, 7300, 100):
        sent += node.wake(tick_s, tick_s * 1000)
    assert kinds(sent).count(HEALTH) == 2


def check_downlinks_that_are_not_believed() -> None:
    node, guard = settled()
    (frame,) = node.wake(60, 1000)
    last = guard.counter
    ack = Ack(frame[0], 7, LIFE, 0, 0, 0, 0)
    span = node.flash.spans.get(LIFE)
    node.downlink(60, 1001, last, ack)  # its counter was taken before
    node.downlink(60, 1001, last + 1, Ack(999, 7, LIFE, 0, 0, 0, 0))  # answers nothing of ours
    assert span.first == 0 and node.duty.delivery.rejected == 2
    node.downlink(60, 1002, last + 1, ack)
    assert span.first == 1 and node.duty.delivery.rejected == 2
    for step in range(12):  # more than eight further frames: this answer comes too late
        node.wake(120 + step * 60, (step + 1) * 400000)
    node.downlink(900, 6000000, last + 2, Ack(frame[0], 7, LIFE, 5, 0, 0, 0))
    assert node.duty.delivery.rejected == 3


def check_echo_until_answered() -> None:
    node, guard = settled()
    assert node.duty.echo(65) == (7, 65)
    delivery = node.duty.delivery
    (frame,) = node.wake(120, 1000)
    delivery._recent = [(frame[0], 7)]  # this frame carried the echo
    node.downlink(121, 1001, *guard.take(*frame))
    assert node.duty.echo(122) is None
    (frame,) = node.wake(180, 2000)
    guard.nonce = 8  # the guard started again
    node.downlink(181, 2001, *guard.take(*frame))
    assert node.duty.echo(191) == (8, 10)
    assert node.duty.echo(181 + 65536) is None


def check_configuration_acts_when_durable() -> None:
    node, guard = settled()
    (frame,) = node.wake(60, 1000)
    message = Config(frame[0], 7, 2, [(1, 120)])
    actions = node.duty.step(60, 1001, (act.DOWNLINK, guard.counter + 1, message))
    assert actions == [(act.CONFIGURE, 2, [(1, 120)])]
    assert node.duty.due(1001)[0] == 120  # nothing has changed yet
    node.duty.step(60, 1002, (act.CONFIGURED, config(interval_s=3600, version=2)))
    assert node.duty.due(1002)[0] == 3600
    again = Config(frame[0], 7, 2, [(1, 60)])
    assert node.duty.step(60, 1003, (act.DOWNLINK, guard.counter + 2, again)) == []


def check_time_and_resend() -> None:
    node, guard = settled()
    (frame,) = node.wake(60, 1000)
    node.downlink(60, 1001, *guard.take(*frame))
    following = guard.counter + 1
    message = Time(frame[0], 7, 1800000000, 2)
    actions = node.duty.step(60, 1002, (act.DOWNLINK, following, message))
    assert actions == [(act.SET_TIME, 1800000000, 2)]
    message = Resend(frame[0], 7, LIFE, [(0, 1)])
    assert node.duty.step(60, 1003, (act.DOWNLINK, following + 1, message)) == []
    (frame,) = node.wake(61, 1004)
    assert frame[1][:3] == (BACKLOG, 0, 0)

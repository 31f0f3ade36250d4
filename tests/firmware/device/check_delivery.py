# Whole histories of a node, in numbers only.

from world import LIFE, Flash, Guard, Node, Random, config

from amont_node import duty as act
from amont_node.delivery import BACKLOG, READINGS_MAX, REGULAR, URGENT


# Runs a node against a guard over an air that loses loss_percent each way; reboots it now and
# then. Ends with a clean air, and then nothing may be missing.
def history(seed: int, loss_percent: int, steps: int, reboots: int, interval_s: int = 60) -> None:
    random = Random(seed)
    flash = Flash()
    guard = Guard()
    settings = config(interval_s=interval_s)
    tick_s = 0
    link_ms = 0
    node = Node(flash, settings, tick_s)
    counters = 0
    for step in range(steps * 2):
        healed = step >= steps
        tick_s += 1 + random.below(interval_s)
        link_ms += 50 + random.below(8000)
        if not healed and random.below(steps) < reboots:
            node = Node(flash, settings, tick_s)
        for counter, frame in node.wake(tick_s, link_ms, random.below(100) >= loss_percent // 2):
            counters += 1
            if not healed and random.below(100) < loss_percent:
                continue
            answer, ack = guard.take(counter, frame)
            if healed or random.below(100) >= loss_percent:
                node.downlink(tick_s, link_ms, answer, ack)
        # What waits no longer is committed: nothing is dropped without an acknowledgement.
        span = flash.spans.get(LIFE)
        for seq in flash.stored:
            assert seq in guard.committed or span.waits(seq), "sample %d is lost" % seq
    missing = [s for s in flash.stored if s not in guard.committed]
    # The newest may be under way still.
    assert len(missing) <= 1, "%d of %d never came" % (len(missing), len(flash.stored))
    assert flash.spans.waiting() <= 1, "%d wait for ever" % flash.spans.waiting()


def check_clean_air() -> None:
    history(1, 0, 150, 0)


def check_lossy_air() -> None:
    for seed in range(4):
        history(seed, 40, 150, 0)


def check_reboots() -> None:
    for seed in range(4):
        history(seed + 10, 20, 150, 12)


def check_mostly_dead_air() -> None:
    for seed in range(2):
        history(seed + 20, 90, 200, 3)


# Nobody answers: an urgent frame goes out six times within the minute, then ever more seldom; the
# samples after it and the backlog have their turns. One answer, and it is quiet.
def check_an_urgent_frame_goes_out_until_it_is_answered() -> None:
    node, guard, sent = unanswered(3500)
    times = [step for step, _, frame in sent if frame[0] == URGENT]
    assert len({counter for _, counter, frame in sent if frame[0] == URGENT}) == 1
    assert times[5] - times[0] <= 60 and len(times) > 10
    gaps = [b - a for a, b in zip(times, times[1:])]  # noqa: B905, RUF007
    assert min(gaps) >= 5 and max(gaps[:4]) < 9 and 300 < max(gaps[-2:]) <= 1400, gaps
    since = [frame for step, _, frame in sent if step > times[0] and frame[0] != URGENT]
    assert {frame[0] for frame in since} == {REGULAR, BACKLOG}
    _, counter, frame = [told for told in sent if told[2][0] == URGENT][0]
    node.downlink(3500, 3500000, *guard.take(counter, frame))
    later = [frame for s in range(3500, 9000) for _, frame in node.wake(s, s * 1000)]
    assert later and URGENT not in [frame[0] for frame in later]


# Eight frames later no answer to it would be believed: it ends, and its samples go on.
def check_an_urgent_frame_ends_when_others_have_told_more() -> None:
    _, _, sent = unanswered(20000)
    first = [counter for _, counter, frame in sent if frame[0] == URGENT][0]
    last_s = max([step for step, _, frame in sent if frame[0] == URGENT])
    before = [counter for step, counter, _ in sent if step <= last_s]
    assert max(before) - first < 8 and sent[-1][0] > last_s + 10000


def unanswered(until_s: int):
    node = Node(Flash(), config(interval_s=600, fast_interval_s=600), 0, crossed)
    sent = []
    for step in range(until_s):
        for counter, frame in node.wake(step, step * 1000):
            sent.append((step, counter, frame))
    return node, Guard(), sent


def crossed(tick_s: int) -> int:
    return 500 if tick_s < 1200 else 1500


# What is urgent is the newest: an older urgent frame goes out no more, its samples do.
def check_a_newer_urgent_frame_ends_an_older_one() -> None:
    flash = Flash()
    node = Node(flash, config(alarm_mark=2000, overlap=0), 0, lambda tick_s: 30 * tick_s)
    sent = []  # (kind, counter, first, last)
    for step in range(400):
        for counter, frame in node.wake(step, step * 1000):
            sent.append((frame[0], counter, frame[1], frame[2]))
    highest = 0
    told = set()
    for kind, counter, first, last in sent:
        told.update(range(first, last + 1))
        if kind == URGENT:
            assert counter >= highest, sent
            highest = counter
    assert len([kind for kind, _, _, _ in sent if kind == URGENT]) > 12
    assert told >= set(range(len(flash.stored) - 1))


# No airtime for it: it stays in flight, and goes out as soon as there is some.
def check_an_urgent_frame_waits_for_airtime() -> None:
    node = Node(Flash(), config(interval_s=600, airtime_permille=10), 0, crossed)
    sent = []
    airtime = node.duty.airtime
    usual = airtime.allows
    airtime.allows = lambda tick_s, who: not 1202 <= tick_s < 1400 and usual(tick_s, who)
    for step in range(1500):
        for counter, frame in node.wake(step, step * 1000):
            if frame[0] == URGENT:
                sent.append((step, counter))
    assert sent[0][0] <= 1201 and 1400 <= sent[1][0] <= 1430 and sent[0][1] == sent[1][1], sent


# A month of backlog: drained oldest first, a few frames at a time, in about as few frames as fit.
def check_backlog() -> None:
    flash = Flash()
    for seq in range(2880):
        flash.stored[seq] = 1
        flash.spans.add(LIFE, seq)
    guard = Guard()
    node = Node(flash, config(interval_s=900), 2880 * 900)
    link_ms = 0
    rounds = 0
    frames = 0
    while flash.spans.waiting() and rounds < 400:
        rounds += 1
        link_ms += 100
        sent = node.wake(2880 * 900, link_ms)
        assert len(sent) <= 5
        for counter, frame in sent:
            frames += 1
            answer, ack = guard.take(counter, frame)
            node.downlink(2880 * 900, link_ms, answer, ack)
    assert flash.spans.waiting() == 0
    assert frames <= 2880 // 20 + 3, frames


# An acknowledgement of what this flash never held: nothing is dropped.
# After a silent day a usual frame is on its way whenever a rewind might be due. The first answer
# says what is missing: all of it comes within the hour.
def check_a_silent_day_is_told_once_somebody_answers() -> None:
    flash = Flash()
    guard = Guard()
    node = Node(flash, config(interval_s=600), 0)
    for step in range(0, 100 * 600, 20):
        for counter, frame in node.wake(step, step * 1000):
            if step >= 90 * 600:
                node.downlink(step, step * 1000, *guard.take(counter, frame))
    assert flash.spans.waiting() <= 1, "%d still wait" % flash.spans.waiting()


def check_foreign_acknowledgement() -> None:
    flash = Flash()
    for seq in range(10):
        flash.spans.add(LIFE, seq)
    assert not flash.spans.ack(LIFE, 10, 0)
    assert not flash.spans.ack(LIFE, 8, 0b10)
    assert not flash.spans.ack(LIFE + 1, 0, 0)
    assert flash.spans.waiting() == 10
    assert flash.spans.ack(LIFE, 7, 0b10)
    assert flash.spans.waiting() == 1


# The guard answers, but what it acknowledges never comes: all is sent again, ever more seldom,
# and once the acknowledgements come through nothing is left.
def check_answers_without_acknowledgement() -> None:
    flash = Flash()
    guard = Guard()
    node = Node(flash, config(), 0)
    times = []
    for step in range(2000):
        link_ms = step * 1000
        for counter, frame in node.wake(min(step, 130), link_ms):
            answer, ack = guard.take(counter, frame)
            if frame[0] == BACKLOG:
                times.append(link_ms)
            ack.through = -1
            ack.bits = 0
            node.downlink(130, link_ms, answer, ack)
    assert flash.spans.waiting() == 2
    gaps = [b - a for a, b in zip(times, times[1:])]  # noqa: B905, RUF007
    assert 5 < len(times) < 20 and max(gaps) > 300000
    for step in range(2000, 4000):
        for counter, frame in node.wake(130, step * 1000):
            node.downlink(130, step * 1000, *guard.take(counter, frame))
    assert flash.spans.waiting() == 0


# Samples that cannot be read any more do not hold up the others.
def check_unreadable_samples_are_passed_over() -> None:
    flash = Flash()
    for seq in range(READINGS_MAX + 9):
        flash.stored[seq] = 1
        flash.spans.add(LIFE, seq)
    node = Node(flash, config(), 3000)
    plans = []
    for _ in range(3):
        for action in node.duty.step(3000, 0):
            plans.append(action[1])
            if action[1].kind == BACKLOG:
                for seq in range(action[1].first, action[1].last + 1):
                    flash.spans.get(LIFE).mark(seq)
            node.duty.step(3000, 0, (act.FAILED, action[1]))
    assert [(p.kind, p.first) for p in plans[1:]] == [(BACKLOG, 0), (BACKLOG, READINGS_MAX)]
    assert flash.spans.waiting() == 0

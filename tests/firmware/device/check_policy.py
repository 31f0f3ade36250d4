# Profiles, marks in both directions, the float switch, slots, the battery, and gated boards.

from check_duty import settled
from world import LIFE, Flash, Guard, Node, config

from amont_node import duty as act
from amont_node.config import ConfigError, NodeConfig
from amont_node.delivery import BACKLOG, HEALTH, HELLO, PROGRESS, REGULAR, URGENT
from amont_node.sampling import Sampler
from amont_wire.const import FAULT_BATTERY
from amont_wire.messages import UpdateChunk


def refused(**changes) -> str:
    try:
        config(**changes)
    except ConfigError as error:
        return str(error)
    raise AssertionError("taken: %s" % changes)


# A sampler second by second: ticks of looks, of samples, and of those that are urgent.
def run(sampler, until_s: int, value, from_s: int = 0):
    looks = []
    samples = []
    urgent = []
    for tick_s in range(from_s, until_s + 1):
        look_s = sampler.take_look(tick_s)
        if look_s is not None:
            looks.append(look_s)
            sampler.looked(look_s, value(look_s))
        instant_s = sampler.take_due(tick_s)
        if instant_s is not None:
            samples.append(instant_s)
            if sampler.reading(instant_s, value(instant_s)):
                urgent.append(instant_s)
    return looks, samples, urgent


def flash_flood(**changes) -> Sampler:
    settings = {"profile": "flash-flood", "interval_s": 900, "fast_interval_s": 60, "slot_s": 0}
    settings.update(changes)
    return Sampler(config(**settings), 0)


# --- configuration


def check_profiles() -> None:
    plain = config(airtime_permille=10)
    assert plain.profile is None and plain.look_s is None and plain.slot_s == 0
    assert plain.airtime_permille == 10 and plain.max_awake_s == 60
    assert (plain.low_mv, plain.empty_mv) == (2400, 2150)
    assert (plain.lora.sf, plain.lora.bw_khz, plain.lora.cr) == (9, 125, 5)
    assert config(carrier={"kind": "mqtt"}).lora is None
    data = dict(plain.data)
    del data["airtime_permille"]
    assert NodeConfig(data).lora is None  # a simulated radio, and nothing said of it
    data["carrier"] = {"kind": "radio", "lora": {}}
    assert NodeConfig(data).lora.sf == 9
    assert config(profile="flash-flood", interval_s=900).look_s == 60
    assert config(profile="flash-flood", interval_s=900, look_s=None).look_s is None
    assert config(profile="pipe", interval_s=900, look_s=30).look_s == 30
    board = config(board={"name": "pico", "rtc": "ds3231", "button": 14}).board
    assert (board.name, board.rtc, board.button, board.led) == ("pico", "ds3231", 14, None)
    assert board.watchdog_s == 8
    channel = {"index": 0, "quantity": 1, "probe": {}, "calibration": {"multiply": -2, "add": 9}}
    calibration = config(channels=[channel]).channels[0].calibration
    assert calibration == {"multiply": -2, "divide": 1, "add": 9}


def check_slots_follow_the_number() -> None:
    slots = [config(id=i, profile="pipe", interval_s=900).slot_s for i in range(1, 33)]
    assert len(set(slots)) == 32 and max(slots) == 62
    assert config(id=40, profile="pipe", interval_s=900, slot_s=7).slot_s == 7


WRONG = (
    ("profile", {"profile": "sea"}),
    ("look_s", {"profile": "flash-flood", "interval_s": 900, "look_s": 30}),
    ("look_s", {"profile": "flash-flood", "interval_s": 900, "look_s": 121}),
    ("look_s", {"look_s": 9}),
    ("look_s", {"look_s": 61}),
    ("slot_s", {"slot_s": 31}),
    ("slot_s", {"slot_s": -1}),
    ("airtime_permille", {"airtime_permille": 0}),
    ("airtime_permille", {"airtime_permille": 1001}),
    (
        "airtime_permille",
        {"airtime_permille": 1, "carrier": {"kind": "radio", "lora": {"sf": 12}}},
    ),
    ("max_awake_s", {"max_awake_s": 9}),
    ("empty_mv", {"battery": {"low_mv": 2000, "empty_mv": 2100}}),
    ("battery", {"battery": 3}),
    ("board.name", {"board": {"name": "abacus"}}),
    ("board.rtc", {"board": {"rtc": "sundial"}}),
    ("watchdog_s", {"board": {"watchdog_s": 0}}),
    ("button", {"board": {"button": "14"}}),
    ("i2c", {"board": {"i2c": 4}}),
    ("sf", {"carrier": {"kind": "radio", "lora": {"sf": 6}}}),
    ("lora.bw_khz", {"carrier": {"kind": "radio", "lora": {"bw_khz": 126}}}),
    ("low_mark", {"low_mark": "low"}),
)
WRONG_CALIBRATIONS = (
    ("divide", {"divide": 0}),
    ("multiply", {"multiply": 0}),
    ("multiply", {"multiply": 1 << 25}),
    ("add", {"add": True}),
    ("calibration", [1, 2]),
)


def check_what_is_wrong_is_named() -> None:
    for word, changes in WRONG:
        assert word in refused(**changes), changes
    for word, calibration in WRONG_CALIBRATIONS:
        channel = {"index": 0, "quantity": 1, "probe": {}, "calibration": calibration}
        assert word in refused(channels=[channel]), calibration


def check_changes_by_downlink() -> None:
    good = config(interval_s=900)
    changed = good.changed(2, [(7, 120), (8, -5), (9, 40), (10, 12), (11, 4)])
    assert (changed.look_s, changed.low_mark, changed.fall_mark) == (120, -5, 40)
    assert (changed.slot_s, changed.frame_samples) == (12, 4)
    assert changed.changed(3, [(7, 0)]).look_s is None
    for item in ((7, 5), (7, 901), (10, 451), (11, 0), (12, 1)):
        try:
            good.changed(2, [(1, 900), item])
        except ConfigError:
            continue
        raise AssertionError("taken: %s" % (item,))


# --- looks


def check_a_flash_flood_node_looks_and_keeps_quiet() -> None:
    looks, samples, urgent = run(flash_flood(), 1800, lambda tick_s: 400)
    assert samples == [900, 1800] and urgent == []
    assert looks == [t for t in range(60, 1800, 60) if t != 900]


def check_a_look_over_a_mark_samples_at_once() -> None:
    looks, samples, urgent = run(flash_flood(), 400, lambda tick_s: 400 if tick_s < 200 else 1200)
    assert looks[-1] == 240 and samples[0] == 240 and urgent[0] == 240
    assert samples[1:] == [300, 360]  # fast from then on, and said once
    assert urgent == [240]


def check_a_look_that_rises_steeply_samples_at_once() -> None:
    def value(tick_s: int) -> int:
        return 300 + max(0, tick_s - 600) * 2  # 120 a minute from 600 s on

    _, samples, urgent = run(flash_flood(), 900, value)
    assert samples[0] == urgent[0] and 660 <= urgent[0] <= 900 and len(urgent) == 1


def check_without_looks_only_the_float_switch_wakes_it() -> None:
    sampler = flash_flood(look_s=None)
    looks, samples, _ = run(sampler, 899, lambda tick_s: 2000)
    assert looks == [] and samples == []


# --- the float switch


def check_the_float_switch_is_urgent_at_once() -> None:
    sampler = flash_flood(look_s=None)
    run(sampler, 430, lambda tick_s: 400)
    sampler.tripped(431)
    sampler.tripped(431)  # it chatters
    _, samples, urgent = run(sampler, 700, lambda tick_s: 400, 431)
    assert samples == [431, 480, 540, 600, 660] and urgent == [431]
    sampler.tripped(701)
    assert run(sampler, 719, lambda tick_s: 400, 701)[1] == []  # fast already
    # Then it rests: fast for ten samples after the last closing.
    assert run(sampler, 1300, lambda tick_s: 400, 720)[1][-1] == 1260


def check_a_person_beside_the_node_waits_for_no_interval() -> None:
    sampler = flash_flood(look_s=None)
    run(sampler, 430, lambda tick_s: 400)
    sampler.attend(431)
    _, samples, urgent = run(sampler, 560, lambda tick_s: 400, 431)
    assert samples == [431, 480, 540] and urgent == [431]


def check_a_float_switch_in_the_second_of_a_sample() -> None:
    sampler = flash_flood(look_s=None)
    run(sampler, 900, lambda tick_s: 400)
    sampler.tripped(900)
    assert run(sampler, 905, lambda tick_s: 400, 900)[1:] == ([901], [901])


def check_a_float_switch_over_a_dead_probe() -> None:
    sampler = flash_flood(look_s=None)
    sampler.tripped(100)
    assert sampler.take_due(100) == 100
    assert sampler.reading(100, None)
    assert not sampler.reading(160, None)


# No neighbour's switch closes in the same second: nobody waits for a turn.
def check_the_float_switch_through_the_duty() -> None:
    node, _ = settled(profile="flash-flood", interval_s=900, look_s=None, slot_s=3)
    assert node.duty.step(77, 77000, (act.FLOAT, 77)) == []
    (frame,) = node.wake(77, 77000)
    assert frame[1][0] == URGENT


# Closings each eleven minutes, for days: two hours of fast samples, then only the usual ones,
# until it has been left alone for two hours.
def check_a_float_switch_that_is_caught_is_bounded() -> None:
    sampler = flash_flood(look_s=None)
    urgent = []
    taken = 0
    for tick_s in range(0, 200000):
        if tick_s % 660 == 0 and tick_s < 180000:
            sampler.tripped(tick_s)
        if sampler.take_due(tick_s) is not None:
            taken += 1
            if sampler.reading(tick_s, 400):
                urgent.append(tick_s)
        if tick_s in (7000, 187000):
            assert not sampler.float_worn(tick_s)
        if tick_s in (7300, 100000, 186000):
            assert sampler.float_worn(tick_s)
    assert urgent[-1] < 7200 and 9 < len(urgent) < 13
    assert taken < 120 + 200000 // 900 + 20
    sampler.tripped(200001)
    assert run(sampler, 200002, lambda tick_s: 400, 200001)[2] == [200001]


# A wish of the guard's that comes between its closing and the sample does not put the sample off.
def check_a_float_switch_and_a_hint_at_once() -> None:
    sampler = flash_flood(look_s=None, fast_interval_s=600)
    sampler.tripped(431)
    sampler.hint(2, 431)
    sampler.battery(1, 431)
    assert sampler.due_s == 431 and sampler.take_due(431) == 431


# --- reports


def check_a_report_that_cannot_be_made_is_not_tried_again() -> None:
    for kind in (HEALTH, PROGRESS):
        node, _ = settled(interval_s=900)
        node.duty.delivery.want_health() if kind == HEALTH else node.duty.delivery.want_progress()
        ((name, plan),) = node.duty.step(10, 10000)
        assert (name, plan.kind) == (act.SEND, kind)
        node.duty.step(10, 10001, (act.FAILED, plan))
        assert node.duty.step(10, 10002) == []


def check_an_urgent_sample_that_was_never_stored() -> None:
    node, _ = settled(interval_s=900)
    node.duty.step(20, 20000, (act.READING, 20, 5000))
    assert node.wake(20, 20000) == []  # the outbox does not know it: nothing to be sent
    assert node.duty.delivery._fresh == 0


def check_parts_of_a_release_are_handed_on() -> None:
    node, guard = settled(interval_s=900)
    chunk = UpdateChunk(guard.counter, 7, 3, 0, bytes(4))
    actions = node.duty.step(5, 5000, (act.DOWNLINK, guard.counter + 1, chunk))
    assert [(name, message.version) for name, message in actions] == [(act.UPDATE, 3)]


def check_somebody_beside_the_node_is_told_at_once() -> None:
    node, _ = settled(interval_s=900, fast_interval_s=60)
    node.duty.attend(100)
    (frame,) = node.wake(100, 100000)
    assert frame[1][0] == URGENT and node.duty.fast(101)


def check_requests_have_a_bound() -> None:
    delivery = Node(Flash(), config(), 0).duty.delivery
    for first in range(9):
        delivery.want_range(LIFE, first, first)
    assert [asked[1] for asked in delivery._ranges] == [0, 1, 2, 3]


# --- pipes


def pipe(**marks) -> Sampler:
    settings = {"profile": "pipe", "interval_s": 900, "fast_interval_s": 60, "slot_s": 0}
    settings.update({"high_mark": None, "rise_mark": None})
    settings.update(marks)
    return Sampler(config(**settings), 0)


def check_pressure_that_drops_is_urgent() -> None:
    sampler = pipe(low_mark=30000)
    _, samples, urgent = run(sampler, 2000, lambda t: 42000 if t < 1000 else 29000)
    assert urgent == [1800] and samples[:4] == [900, 1800, 1860, 1920]
    assert run(sampler, 2100, lambda t: 42000, 2001)[2] == []  # back: no news for an alarm
    assert run(sampler, 2400, lambda t: 30000, 2101)[2] == [2160]  # and down again


def check_a_fall_is_urgent_before_the_mark() -> None:
    sampler = pipe(low_mark=1000, fall_mark=100, look_s=60)
    _, samples, urgent = run(sampler, 900, lambda t: 42000 - max(0, t - 240) * 10)
    assert urgent == samples[:1] and 300 <= urgent[0] <= 480


def check_flow_in_both_directions() -> None:
    marks = {"high_mark": 900, "low_mark": -50}
    assert run(pipe(**marks), 900, lambda t: 1000)[2] == [900]
    assert run(pipe(**marks), 900, lambda t: -60)[2] == [900]  # backwards
    assert run(pipe(**marks), 900, lambda t: 0)[2] == []
    sampler = pipe(**marks)
    assert run(sampler, 1000, lambda t: 950)[2] == [900]
    assert run(sampler, 1100, lambda t: -60, 1001)[2] == [1020]


def check_a_rise_mark_does_not_speak_of_falls() -> None:
    falling = run(pipe(rise_mark=10), 1800, lambda t: 5000 - t)
    rising = run(pipe(fall_mark=10), 1800, lambda t: 5000 + t)
    assert falling[2] == [] and rising[2] == []


# --- slots


def sends(slot_s: int, value, interval_s: int = 900, until_s: int = 2000):
    node = Node(
        Flash(), config(interval_s=interval_s, fast_interval_s=60, slot_s=slot_s), 0, value
    )
    guard = Guard()
    sent = []
    for tick_s in range(until_s):
        for counter, frame in node.wake(tick_s, tick_s * 1000):
            sent.append((tick_s, frame[0]))
            node.downlink(tick_s, tick_s * 1000, *guard.take(counter, frame))
    return [entry for entry in sent if entry[1] not in (HELLO, HEALTH)]


def check_nodes_that_sample_together_send_apart() -> None:
    times = []
    for i in range(6):  # how slots follow from the numbers: above
        slot_s = config(id=i + 1, profile="slow-river", interval_s=900).slot_s
        times.append([tick_s for tick_s, _ in sends(slot_s, lambda t: 10) if tick_s >= 900])
        assert times[i] == [900 + slot_s, 1800 + slot_s]
    assert len(set([tuple(t) for t in times])) == 6


# Out of the usual rhythm: in fast mode all nodes sample at the same instants.
def check_frames_out_of_the_rhythm_wait_a_little() -> None:
    for slot_s in (0, 2, 31, 62, 449):
        urgent, regular = waits_of(slot_s)
        assert urgent == set([slot_s % 5]), (slot_s, urgent)
        assert regular == set([max(slot_s % 15, slot_s % 5)]), (slot_s, regular)


# Seconds from the sample to the frame, out of the usual rhythm: of urgent and of other frames.
def waits_of(slot_s: int):
    def value(tick_s: int) -> int:
        return 1500 if tick_s < 1800 else 2100

    settings = config(interval_s=900, fast_interval_s=60, alarm_mark=2000, slot_s=slot_s)
    node = Node(Flash(), settings, 0, value)
    guard = Guard()
    waits = (set(), set())
    sampled_s = 0
    for tick_s in range(2400):
        before = len(node.flash.stored)
        sent = node.wake(tick_s, tick_s * 1000)
        sampled_s = tick_s if len(node.flash.stored) > before else sampled_s
        for counter, frame in sent:
            if frame[0] in (URGENT, REGULAR) and (sampled_s - slot_s) % 900:
                waits[frame[0] == REGULAR].add(tick_s - sampled_s)
            node.downlink(tick_s, tick_s * 1000, *guard.take(counter, frame))
    return waits


def check_the_wait_wakes_the_node() -> None:
    node, _ = settled(slot_s=3, interval_s=900, fast_interval_s=60)
    node.duty._sampler.hint(1, 100)
    assert node.wake(120, 120000) == []
    assert node.duty.due(120000)[0] == 123
    assert len(node.wake(123, 123000)) == 1


def check_health_is_no_reason_to_wake() -> None:
    node, _ = settled(profile="slow-river", interval_s=900, slot_s=0)
    for tick_s in range(900, 21600, 900):
        assert node.duty.due(tick_s * 1000 - 1)[0] == tick_s
        assert HEALTH not in [frame[1][0] for frame in node.wake(tick_s, tick_s * 1000)]
    assert HEALTH in [frame[1][0] for frame in node.wake(21600, 21600000)]


# --- airtime


def at_sf12(**changes):
    carrier = {"kind": "radio", "lora": {"sf": 12}}
    settings = {"interval_s": 60, "carrier": carrier, "airtime_permille": 10}
    settings.update(changes)
    return config(**settings)


# Nobody answers, so that all comes three times: the budget holds, urgent frames have their share,
# and what could not be sent is there still.
def check_short_of_airtime_nothing_is_lost() -> None:
    value = {"now": 10}
    node = Node(Flash(), at_sf12(high_mark=1000), 0, lambda t: value["now"])
    sizes = {}
    for tick_s in range(0, 3600, 5):
        value["now"] = 2000 if tick_s > 3000 else 10
        for frame in node.wake(tick_s, tick_s * 1000):
            sizes[frame[1][0]] = sizes.get(frame[1][0], 0) + 1
    used_ms = node.duty.airtime.used_ms(3600)
    assert used_ms <= 36000 and sizes[URGENT] >= 1, sizes
    assert node.duty.airtime.refused > 0
    assert node.flash.spans.waiting() == len(node.flash.stored) > 60
    guard = Guard()
    for tick_s in range(3600, 12 * 3600, 20):
        value["now"] = 10
        for counter, frame in node.wake(tick_s, tick_s * 1000):
            node.downlink(tick_s, tick_s * 1000, *guard.take(counter, frame))
    assert node.flash.spans.waiting() <= FRAME_WAITS, node.flash.spans.waiting()


FRAME_WAITS = 20  # a sample a minute, and a frame of new ones every eight


def check_a_hello_that_may_not_be_repeated_is_not_forgotten() -> None:
    node = Node(Flash(), at_sf12(interval_s=7200), 0)
    (hello,) = node.wake(0, 0)
    for _ in range(13):
        node.duty.airtime.sent(1, 51, 2)
    sent = []
    for tick_s in range(5, 5000, 5):
        sent += [(tick_s, frame) for frame in node.wake(tick_s, tick_s * 1000)]
    repeated = [tick_s for tick_s, frame in sent if frame == hello]
    assert repeated and repeated[0] >= 3600, sent


# --- the battery


def check_a_low_battery_stretches_the_interval_and_keeps_the_marks() -> None:
    node, _ = settled(interval_s=900, fast_interval_s=60, alarm_mark=2000)
    duty = node.duty
    for _ in range(2):
        duty.step(1, 1000, (act.BATTERY, 2300))
    assert duty.faults() == 0 and duty.due(1000)[0] == 900  # a dip is no level
    duty.step(1, 1000, (act.BATTERY, 2300))
    assert duty.faults() == FAULT_BATTERY
    assert HEALTH in [frame[1][0] for frame in node.wake(1, 1000)]
    assert duty.step(900, 900000) == [(act.LOOK, 900)]
    duty.step(900, 900001, (act.LOOKED, 900, 500))
    assert duty.step(900, 900002) == []
    assert duty.step(1800, 1800000)[0][0] == act.SAMPLE
    node.flash.spans.add(LIFE, 0)
    duty.step(1800, 1800001, (act.READING, 1800, 500))
    for _ in range(3):
        duty.step(1801, 1801000, (act.BATTERY, 2100))
    assert duty.step(2700, 2700000) == [(act.LOOK, 2700)]
    duty.step(2700, 2700001, (act.LOOKED, 2700, 2000))  # over the mark: as with a full battery
    assert duty.step(2700, 2700002)[0] == (act.SAMPLE, 1, 2700)
    node.flash.spans.add(LIFE, 1)
    duty.step(2700, 2700003, (act.READING, 2700, 2000))
    assert duty.step(2700, 2700004)[0][1].kind == URGENT and duty.due(2700005)[0] == 2710


def check_an_empty_battery_does_as_the_marks_ask_not_as_the_guard_wishes() -> None:
    sampler = Sampler(config(interval_s=900, fast_interval_s=60), 0)
    sampler.battery(2, 0)
    assert sampler.due_s == 3600 and sampler.look_s == 900
    sampler.hint(1, 10)
    assert not sampler.fast(11)
    sampler.hint(2, 12)  # a siren may sound: that is what the node is for
    assert sampler.alert(13)
    bare = Sampler(config(interval_s=900, fast_interval_s=60, high_mark=None, rise_mark=None), 0)
    bare.battery(1, 0)
    assert bare.due_s == 1800 and bare.look_s is None


def check_a_battery_recovers_with_hysteresis() -> None:
    duty = Node(Flash(), config(), 0).duty
    levels = []
    for millivolts in (2399, 2450, 2500, 2149, 2240, 2250, 2600):
        for _ in range(3):
            duty.step(1, 1, (act.BATTERY, millivolts))
        levels.append(duty._battery)
    assert levels == [1, 1, 0, 2, 2, 1, 0]


def check_no_interval_shrinks() -> None:
    sampler = Sampler(config(interval_s=7200), 0)
    sampler.battery(2, 0)
    assert sampler.due_s == 7200


def check_backlog_waits_for_airtime_alone() -> None:
    flash = Flash()
    for seq in range(600):
        flash.stored[seq] = 1
        flash.spans.add(LIFE, seq)
    guard = Guard()
    node = Node(flash, at_sf12(), 600 * 60)
    kinds = []
    for step in range(200):
        tick_s = 36000 + step * 2
        for counter, frame in node.wake(tick_s, step * 2000):
            kinds.append(frame[0])
            node.downlink(tick_s, step * 2000, *guard.take(counter, frame))
    assert kinds[:4] == [HELLO] + [BACKLOG] * 3, kinds  # a quarter
    assert BACKLOG not in kinds[4:] and REGULAR in kinds[4:], kinds

# A float switch: contacts that bounce, waves, a switch that is caught, what a node makes of it.

from world import config

from amont_node import hal_unix
from amont_node.config import BoardConfig, ConfigError
from amont_node.float_switch import FloatSwitch


# A contact as a list of levels, one for each look.
class Contact:
    def __init__(self, levels) -> None:
        self.levels = levels
        self.looks = 0
        self.waited_ms = 0

    def __call__(self) -> bool:
        level = self.levels[min(self.looks, len(self.levels) - 1)]
        self.looks += 1
        return bool(level)

    def pause(self, ms: int) -> None:
        self.waited_ms += ms


def switch(levels, *before) -> FloatSwitch:
    contact = Contact(levels)
    return FloatSwitch(contact, contact.pause, *before)


def check_a_closing_is_told_once() -> None:
    one = switch([0, 0] + [1] * 20)
    assert not one.closes(5) and not one.closes(6)
    assert one.closes(7) and one.is_closed and one.since_s == 7
    assert not one.closes(8) and not one.moved()


def check_a_bouncing_contact_is_no_closing() -> None:
    for bounce in range(1, 6):
        one = switch([1] * bounce + [0] * 20)
        assert not one.closes(5) and not one.is_closed, bounce
    contact = Contact([1] * 9)
    assert FloatSwitch(contact, contact.pause).closes(5)
    assert 50 <= contact.waited_ms <= 100


def check_it_opens_without_a_word_and_closes_again() -> None:
    one = switch([0] * 9 + [1] * 20, True, 3)
    assert one.moved() and not one.closes(10) and not one.is_closed
    while not one.moved():
        assert not one.closes(11)
    assert one.closes(12)


def check_stuck_for_a_day() -> None:
    one = switch([1], True, 100)
    assert not one.stuck(100 + 86399) and one.stuck(100 + 86400)
    assert not switch([0]).stuck(10**6)


def refused(data) -> str:
    try:
        BoardConfig(data)
    except ConfigError as error:
        return str(error)
    raise AssertionError("taken: %s" % data)


def check_what_a_configuration_may_say() -> None:
    board = config(board={"name": "pico", "float": {"pin": 13}}).board
    assert (board.float.pin, board.float.active, board.float.wakes) == (13, 0, True)
    assert config().board.float is None and config().board.sleep == "light"
    i2c = {"id": 0, "scl": 1, "sda": 0}
    gate = {"name": "pico", "sleep": "gate", "rtc": "ds3231", "i2c": i2c}
    assert BoardConfig(gate).gate is None
    with_float = dict(gate)
    with_float["float"] = {"pin": 13, "wakes": False}
    assert not BoardConfig(with_float).float.wakes
    assert BoardConfig({"name": "esp32", "sleep": "deep"}).sleep == "deep"
    for data, text in (
        ({"float": {}}, "pin: None is not an integer"),
        ({"float": 13}, "float: must be an object"),
        ({"float": {"pin": 13, "active": 2}}, "active: 2 is not within 0 and 1"),
        ({"float": {"pin": 13, "wakes": 1}}, "float.wakes: 1 is not true or false"),
        ({"sleep": "off"}, "board.sleep: off is not one of"),
        ({"name": "pico", "sleep": "deep"}, "deep is not for pico"),
        ({"sleep": "gate"}, "gate needs board.rtc"),
        ({"name": "pico", "sleep": "gate", "rtc": "ds3231"}, "board.i2c: missing"),
        ({"gate": 64}, "gate: 64 is not within 0 and 63"),
    ):
        assert text in refused(data), (data, refused(data))
    with_float["float"] = {"pin": 13}
    assert "board.gate: missing" in refused(with_float)
    with_float["gate"] = 12
    assert BoardConfig(with_float).gate == 12


def check_a_rest_ends_when_the_switch_moves() -> None:
    looked = []

    def moved() -> bool:
        looked.append(1)
        return len(looked) > 2

    hal_unix.rest(60000, None, moved)
    assert len(looked) == 3

# A radio chip's settings, whether they can be, and what is wrong with one, in words. Needed now
# and then, so it stays in no heap.

from amont_node.drivers.fields import whole
from amont_node.settings import ConfigError

_PINS = ("cs", "busy", "reset")
_PINS_OR_NONE = ("dio1", "rxen", "txen")


# ConfigError where a pin is missing or can be none.
def checked(settings):  # type: ignore[no-untyped-def]
    if not isinstance(settings, dict) or not isinstance(settings.get("spi"), dict):
        raise ConfigError("carrier.pins: needs spi, cs, busy and reset")
    bus = settings["spi"]
    whole(bus, "id", None, 0, 9, "carrier.pins.spi.")
    whole(bus, "hz", 2000000, 100000, 16000000, "carrier.pins.spi.")
    for name in ("sck", "mosi", "miso"):
        whole(bus, name, None, 0, 63, "carrier.pins.spi.")
    for name in _PINS:
        whole(settings, name, None, 0, 63, "carrier.pins.")
    for name in _PINS_OR_NONE:
        if settings.get(name) is not None:
            whole(settings, name, None, 0, 63, "carrier.pins.")
    if settings.get("tcxo_mv") is not None:
        whole(settings, "tcxo_mv", None, 1600, 3300, "carrier.pins.")
    whole(settings, "tcxo_us", 2000, 100, 100000, "carrier.pins.")
    return settings


# What went wrong in the library, or in ours.
def why(error) -> str:  # type: ignore[no-untyped-def]
    said = error.args[0] if error.args and isinstance(error.args[0], str) else ""
    if said.startswith("BUSY"):
        return "busy for ever: no chip, no supply, or BUSY on another pin"
    if said.startswith("Invalid initial") or said.endswith("0xffff"):
        return "no answer, or nonsense (%s)" % said
    return said or "%s %s" % (type(error).__name__, error)

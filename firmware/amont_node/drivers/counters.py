# What counts pulses. Only the chip counts while the board has no power; docs/drivers.md says what
# each board can do.

from amont_node.drivers import buses

_KINDS = {"pcf8583": None, "port": "PortCounter", "pin": "PinCounter", "latch": "Latch"}


# The counter of a probe's configuration.
def make_counter(config):  # type: ignore[no-untyped-def]
    settings = config.get("counter")
    if not isinstance(settings, dict):
        raise ValueError("probe.counter: must be an object")
    kind = settings.get("kind")
    if kind not in _KINDS:
        raise ValueError("probe.counter.kind: %s is not known here" % kind)
    name = _KINDS[kind]
    if name is None:
        from amont_node.drivers.pcf8583 import Pcf8583

        return Pcf8583(settings, buses.i2c(settings))
    from amont_node.drivers import tally

    return getattr(tally, name)(settings)

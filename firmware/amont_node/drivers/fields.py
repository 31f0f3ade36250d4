# The fields of a configuration, a probe's above all: there, of the right kind, within bounds.

from amont_node.settings import ConfigError

ANY = 1 << 31  # no limit


# An integer. None as default: it must be there. ConfigError names it. of: what it belongs to.
def whole(config, name: str, default, least: int, most: int, of: str = "probe.") -> int:  # type: ignore[no-untyped-def]
    value = config.get(name, default)
    # True is an int to Python, not to a person.
    if not isinstance(value, int) or value is True or value is False:
        raise ConfigError("%s%s: %s is not an integer" % (of, name, value))
    if not least <= value <= most:
        raise ConfigError("%s%s: %d is not within %d and %d" % (of, name, value, least, most))
    return value


# One of these words.
def choice(config, name: str, words) -> str:  # type: ignore[no-untyped-def]
    value = config.get(name, words[0])
    if value not in words:
        raise ValueError("probe.%s: %s is none of %s" % (name, value, ", ".join(words)))
    return str(value)


# The raw values by which a sensor says that it has none.
def nothing(config) -> list[int]:  # type: ignore[no-untyped-def]
    values = config.get("no_echo", [])
    if not isinstance(values, list):
        raise ValueError("probe.no_echo: must be a list")
    return values

# The fields of a probe's configuration: there, of the right kind, within bounds.

ANY = 1 << 31  # no limit


# An integer of a probe's configuration. None as default: it must be there. ValueError names it.
def whole(config, name: str, default, least: int, most: int) -> int:  # type: ignore[no-untyped-def]
    value = config.get(name, default)
    if not isinstance(value, int) or value is True or value is False:
        raise ValueError("probe.%s: %s is not an integer" % (name, value))
    if not least <= value <= most:
        raise ValueError("probe.%s: %d is not within %d and %d" % (name, value, least, most))
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

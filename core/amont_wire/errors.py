# Why bytes were refused. Each error carries one short reason: guards count them by class and show
# the text.


class WireError(ValueError):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# A length, range, padding or structure that no correct sender makes.
class Malformed(WireError):
    pass


class OtherVersion(WireError):
    pass


class UnknownType(WireError):
    pass


# The tag does not fit key, header and body.
class Forged(WireError):
    pass


# The 32-bit counter of this key generation is used up: only a new generation helps.
class CounterExhausted(WireError):
    pass

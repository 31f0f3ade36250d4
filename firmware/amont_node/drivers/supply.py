# A sensor whose supply is switched: on for the reading, off after it, whatever happens.


class Supplied:
    def __init__(self, probe, switch) -> None:  # type: ignore[no-untyped-def]
        self._probe = probe
        self._switch = switch

    @property
    def why(self) -> str:
        return str(getattr(self._probe, "why", ""))

    def read(self, clock_s: int) -> tuple[int, int]:
        return self._with(self._probe.read, clock_s)

    def sense(self, clock_s: int) -> tuple[int, int]:
        return self._with(getattr(self._probe, "sense", self._probe.read), clock_s)

    def kept(self) -> None:
        if hasattr(self._probe, "kept"):
            self._probe.kept()

    def _with(self, read, clock_s: int) -> tuple[int, int]:  # type: ignore[no-untyped-def]
        try:
            self._switch.on()
            return read(clock_s)  # type: ignore[no-any-return]
        finally:
            self._switch.off()

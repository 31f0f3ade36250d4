# Simulated probes: they need a file at most, so they serve wherever there is no river.
#
# {"kind": "constant", "value": 4000}
# {"kind": "replay", "file": "stage.txt", "noise": 2, "seed": 1}
#   The file: lines "<clock_s> <value>", integers, clocks rising; linear between two lines. Before
#   the first and after the last line there is nothing to read: ProbeError.
#   noise: at most that much is added or taken, the same for the same second, channel and seed.

import io


class ProbeError(Exception):
    pass


class Constant:
    def __init__(self, value: int) -> None:
        self._value = value

    def read(self, clock_s: int) -> int:  # noqa: ARG002
        return self._value


class Replay:
    def __init__(self, path: str, noise: int, seed: int) -> None:
        self._path = path
        self._noise = noise
        self._seed = seed
        self._file: io.TextIOWrapper | None = None
        self._before: tuple[int, int] | None = None  # the lines around the last read
        self._after: tuple[int, int] | None = None

    def read(self, clock_s: int) -> int:
        if self._file is None or (self._before is not None and clock_s < self._before[0]):
            self._rewind()
        while self._after is not None and self._after[0] < clock_s:
            self._before, self._after = self._after, self._line()
        if self._after is None or (self._before is None and clock_s < self._after[0]):
            raise ProbeError("%s: nothing at %d" % (self._path, clock_s))
        return _between(self._before or self._after, self._after, clock_s) + self._jitter(clock_s)

    def _rewind(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = open(self._path)
        self._before = None
        self._after = self._line()

    def _line(self) -> tuple[int, int] | None:
        assert self._file is not None
        line = self._file.readline().split()
        if len(line) < 2:
            return None
        try:
            return int(line[0]), int(line[1])
        except ValueError:
            raise ProbeError("%s: not two integers: %s" % (self._path, line))  # noqa: B904

    # Scrambled from second and seed alone: a second reading of the same instant is the same.
    def _jitter(self, clock_s: int) -> int:
        if not self._noise:
            return 0
        state = (clock_s * 2654435761 + self._seed * 40503) & 0x7FFFFFFF
        for _ in range(3):
            state = (state ^ state >> 15) * 1103515245 + 12345 & 0x7FFFFFFF
        return (state >> 8) % (2 * self._noise + 1) - self._noise


def _between(before: tuple[int, int], after: tuple[int, int], clock_s: int) -> int:
    span_s = after[0] - before[0]
    if span_s == 0:
        return after[1]
    scaled = before[1] * (after[0] - clock_s) + after[1] * (clock_s - before[0])
    return (2 * scaled + span_s) // (2 * span_s)


def make_probe(config, folder: str):  # type: ignore[no-untyped-def]
    kind = config.get("kind")
    if kind == "constant":
        return Constant(config.get("value", 0))
    if kind == "replay":
        path = folder + "/" + config.get("file", "")
        return Replay(path, config.get("noise", 0), config.get("seed", 1))
    raise ValueError("probe.kind: %s is not known here" % kind)


# Records of an earlier time, as if this node had measured them: lines "<tick_s> <v0> [<v1> …]",
# one value a channel of the configuration, ticks rising. Yields (tick_s, values).
def history(path: str):  # type: ignore[no-untyped-def]
    try:
        file = open(path)
    except OSError:
        return
    with file:
        for line in file:
            words = line.split()
            if words:
                yield int(words[0]), [int(word) for word in words[1:]]

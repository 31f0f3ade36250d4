"""Prove that a server can hold history: write, read, types, replay, limits, statements.

Everything is written as the measurement ``selftest``, at the same times of yesterday: a second run
overwrites the first, and nothing else in the databases is touched. At the end it is deleted where
the server can.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from amont_gateway.database import Away, BadLines, Denied, Influx
from amont_gateway.doctor import BAD, GOOD, WEAK, Finding, retention
from amont_gateway.influx import InfluxWriter
from amont_gateway.lines import line
from amont_gateway.series import STORES, Field, Measurement

SELFTEST = Measurement(
    "selftest",
    ("case",),
    (Field("value", "float", ""), Field("whole", "int", ""), Field("words", "text", "")),
    ("Essai de la base", "Test of the database"),
)
AT_ONCE = 5_000  # lines; more than history ever sends
REPLAYED = 1_000
MOST_REFUSALS = 3  # of our name or token; what comes after says the same
# What floats, integers and texts must come back as, to the last bit.
VALUE, WHOLE, WORDS = 0.1 + 0.2, 2**53 + 1, 'vanne "A" fermée, 3 = trop \\ fin'
# What dashboards and alert rules ask for; 3 Core lacks others (docs/history.en.md).
STATEMENTS = (
    "SELECT mean(value), min(value), max(value), sum(value), count(value) {} GROUP BY time(10m)",
    "SELECT first(value), last(value) {} GROUP BY \"case\"",
    "SELECT last(value) {} GROUP BY time(10m) fill(previous)",
    "SELECT median(value), percentile(value, 95), spread(value) {}",
    "SELECT non_negative_difference(last(value)) {} GROUP BY time(10m)",
    "SELECT non_negative_derivative(last(value), 1h) {} GROUP BY time(10m) fill(null)",
    "SELECT derivative(mean(value), 1h) {} GROUP BY time(10m) fill(none)",
    "SELECT moving_average(mean(value), 3) {} GROUP BY time(10m)",
    "SELECT cumulative_sum(sum(value)) {} GROUP BY time(10m)",
    "SELECT sum(m) FROM (SELECT mean(value) AS m {} GROUP BY time(10m))",
    "SELECT mean(value) {} AND \"case\" =~ /^(replay|other)$/ GROUP BY time(1d) "
    "fill(none) tz('Europe/Paris')",
    "SELECT value / 60 * 2 AS twice {} ORDER BY time DESC LIMIT 5",
    "SELECT distinct(value) {}",
    'SELECT moving_average(count(value), 2) {} GROUP BY time(10m), "case" fill(0)',
    'SELECT (last(value) - last(whole)) * 0.001 {} GROUP BY "case"',
    'SELECT (value - whole) / value {} AND whole >= 0 GROUP BY "case" ORDER BY time DESC LIMIT 2',
    'SHOW TAG VALUES FROM selftest WITH KEY = "case" WHERE "case" =~ /./',
)  # fmt: skip
_DAY_MS = 86_400_000
_Said = Iterator[tuple[str, str]]  # verdict, text
_FROM = "FROM selftest WHERE time >= {}ms AND time < {}ms"


class _Refused(Exception):
    """Something came back that should not have."""


def run(target: Influx, now_ms: int | None = None) -> list[Finding]:
    """Return what was proved and what was not; nothing is raised."""
    now_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    test = _Test(target, now_ms)
    try:
        found, _ = _looked("server", test.server)
        if found[-1].verdict == BAD:
            return [Finding("server", BAD, f"{target.url}: {found[-1].text}")]
        refusals = 0
        for name, look in test.looks():
            findings, is_refused = _looked(name, look)
            found += findings
            refusals += is_refused
            if refusals == MOST_REFUSALS:
                found.append(Finding("rest", BAD, f"not tried: {target.url} refuses us"))
                break
        return found
    finally:
        test.close()


def _looked(name: str, look: Callable[[], _Said]) -> tuple[list[Finding], bool]:
    """Return what was found, and whether the server refused our name or token."""
    found = []
    try:
        for verdict, text in look():
            found.append(Finding(name, verdict, text))
    except (Away, Denied, BadLines, _Refused) as error:
        found.append(Finding(name, BAD, str(error)))
        return found, isinstance(error, Denied)
    return found, False


class _Test:
    """One writer, as history has one, and what is looked at with it."""

    def __init__(self, target: Influx, now_ms: int) -> None:
        self._target = target
        self._writer = InfluxWriter(target)
        self._begin_ms = now_ms // _DAY_MS * _DAY_MS - _DAY_MS

    def close(self) -> None:
        self._writer.close()

    def looks(self) -> Iterator[tuple[str, Callable[[], _Said]]]:
        """Yield the name of each look and what to call, in an order that needs no other."""
        for store in STORES:
            name = self._target.database + store
            yield f"database {name}", partial(self._database, store)
        yield "types", self._types
        yield "wrong type", self._wrong_type
        yield "replay", self._replay
        yield "expired", self._expired
        yield "limits", self._limits
        yield "statements", self._statements
        yield "span", self._span
        yield "tidy", self._tidy

    def server(self) -> _Said:
        self._writer.probe()
        version = self._writer.version
        text = f"InfluxDB {version} answers" if version else "answers and tells no version"
        if not self._writer.is_run_here:
            text += "; supported by its documentation: this is the proof"
        yield GOOD, text

    def _database(self, store: str) -> _Said:
        self._writer.write([self._line("store", 0, whole=7)], store)
        self._require([7], "SELECT whole {} AND \"case\" = 'store'", store)
        verdict, text = retention(self._target, store, self._writer.kept_days(store))
        yield verdict, f"written and read; {text}"

    def _types(self) -> _Said:
        self._writer.write([self._line("types é,=", 0, value=VALUE, whole=WHOLE, words=WORDS)])
        statement = "SELECT value, whole, words {} AND \"case\" = 'types é,='"
        self._require([VALUE, WHOLE, WORDS], statement)
        yield GOOD, "floats, integers, texts and names come back as they were written"

    def _wrong_type(self) -> _Said:
        good = [self._line("wrong", n, value=n) for n in range(2)]
        self._writer.write(good)
        wrong = self._line("wrong", 2, words="x").replace("words=", "value=")
        try:
            self._writer.write([good[0], wrong, good[1]])
        except BadLines as error:
            self._writer.write(good)
            yield GOOD, f"a wrong type is refused with its reason: {error}"
            return
        raise _Refused("a text in a field of numbers was not refused")

    def _replay(self) -> _Said:
        lines = [self._line("replay", n, value=n % 60) for n in range(REPLAYED)]
        for _ in range(2):
            self._writer.write(lines)
        self._require([REPLAYED], "SELECT count(value) {} AND \"case\" = 'replay'")
        yield GOOD, f"{REPLAYED} points written twice are {REPLAYED} points"

    def _expired(self) -> _Said:
        kept = self._writer.kept_days()
        if not kept:
            yield GOOD, "nothing expires here, or the server does not tell"
            return
        before = self._writer.expired
        old_ms = self._begin_ms - int(kept + 30) * _DAY_MS
        self._writer.write([f"selftest,case=expired value=1 {old_ms}"])
        how = "refused by its age, no error" if self._writer.expired > before else "taken silently"
        yield GOOD, f"a point older than {kept:g} days is {how}"

    def _limits(self) -> _Said:
        lines = [self._line("limits", n, value=n) for n in range(AT_ONCE)]
        began = time.monotonic()
        self._writer.write(lines)
        took_s = time.monotonic() - began
        self._require([AT_ONCE], "SELECT count(value) {} AND \"case\" = 'limits'")
        most = self._writer.most_at_once
        if most is not None:
            yield WEAK, f"takes {most} lines at once: raise the size that a proxy lets through"
        yield GOOD, f"{AT_ONCE} lines in {took_s:.2f} s"
        names = "|".join(f"sensor-{n}" for n in range(1_000))
        self._values(f'SELECT mean(value) {{}} AND "case" =~ /^({names})$/')
        yield GOOD, f"a statement of {len(names)} bytes is taken"

    def _statements(self) -> _Said:
        refused = 0
        for statement in STATEMENTS:
            try:
                why = "" if self._values(statement) else "nothing found"
            except (BadLines, Away, Denied) as error:
                why = str(error)
            if why:
                refused += 1
                yield BAD, f"{statement.format('…')}: {why}"
        if not refused:
            yield GOOD, f"{len(STATEMENTS)} kinds of statements that the dashboards use"

    def _span(self) -> _Said:
        """Ask for 400 days: 3 Core refuses what touches too many of its files."""
        long = "SELECT mean(stage_mm) FROM stage WHERE time > now() - 400d GROUP BY time(1d)"
        for store in STORES:
            began = time.monotonic()
            try:
                self._writer.query(f"{long} fill(none)", store)
            except (BadLines, Away) as error:
                yield WEAK, f"400 days of {self._target.database}{store}: {error}"
                continue
            took_s = time.monotonic() - began
            yield GOOD, f"400 days of {self._target.database}{store} in {took_s:.2f} s"

    def _tidy(self) -> _Said:
        try:
            for store in STORES:
                self._writer.query("DELETE FROM selftest", store)
        except (BadLines, Away, Denied) as error:
            yield GOOD, f"the points of this test stay, and the next overwrites them: {error}"
            return
        yield GOOD, "the points of this test are deleted"

    def _line(self, case: str, n: int, **fields: float | int | str) -> str:
        at_ms = self._begin_ms + n * 10_000
        written = line(SELFTEST, "selftest", {"case": case}, fields, at_ms)
        assert written is not None
        return written

    def _require(self, wanted: list[object], statement: str, store: str = "") -> None:
        found = [row[1:] for row in self._values(statement, store)]
        if found != [wanted]:
            raise _Refused(f"{statement.format('…')}: found {found}, not {wanted}")

    def _values(self, statement: str, store: str = "") -> list[list[object]]:
        where = _FROM.format(self._begin_ms, self._begin_ms + _DAY_MS)
        found = self._writer.query(statement.format(where), store)
        return [row for one in found for row in one["values"]]

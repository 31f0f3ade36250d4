"""Calibrate a sensor from the command line."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack, closing
from dataclasses import dataclass
from fractions import Fraction

from amont_provision import calibrating, held, options
from amont_provision.calibrating import Planned, Target
from amont_provision.calibration import (
    FACTOR,
    METHODS,
    POINTS_MAX,
    Point,
    check_range,
    counted,
    measured,
)
from amont_provision.compile import LOADER
from amont_provision.logbook import Logbook, line_of, now
from amont_provision.output import Output
from amont_provision.port import Port, open_port
from amont_provision.probing import COUNT, BoardProbe
from amont_provision.service import service
from amont_provision.texts import Refused
from amont_site import load

HELP = "find how a sensor's raw value becomes millimetres, litres or degrees, and keep the record"
COUNT_MAX = 99
_DIGITS_MAX = 12


@dataclass(frozen=True)
class Told:
    """A point as a person gave it: its truth, and its raw value if it was read before."""

    true: int
    raw: int | None


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    options.port(parser)
    options.site(parser)
    parser.add_argument("--sensor", help="which of the board's sensors, if it has several")
    parser.add_argument("--by", required=True, help="who calibrates, as the report will name them")
    parser.add_argument("--staff", type=int, help="what the staff gauge shows now, mm")
    parser.add_argument(
        "--point", action="append", metavar="VALUE[=RAW]", default=[],
        help="a true value, read now, or with the raw value read before; repeatable, and written"
        " --point=-40=3600 if negative",
    )  # fmt: skip
    parser.add_argument("--factor", help="what one pulse counts for, by the meter's plate")
    parser.add_argument("--method", choices=METHODS, help="another way than the probe's usual one")
    parser.add_argument(
        "--facing", choices=list(calibrating.FACINGS), help="down: it measures down to the water"
    )
    parser.add_argument("--count", type=int, default=COUNT, help="readings a point")
    parser.add_argument("--force", metavar="REASON", help="accept a jump or waves, and say why")
    parser.add_argument("--date", help="if this computer's clock is wrong: YYYY-MM-DDTHH:MM")
    options.dry_run(parser)


def run(asked: argparse.Namespace, out: Output) -> int:
    """Calibrate; return 0 or raise Refused, in which case the board is as it was."""
    site, logbook, at = load(asked.site), Logbook(asked.site), now(asked.date)
    by = line_of(asked.by, "--by")
    force = _reason(asked.force)
    told = _told(asked)
    pages = logbook.read()
    if pages.damaged:
        out.say("logbook-damaged", path=logbook.path, lines=", ".join(map(str, pages.damaged)))
    with closing(open_port(asked.port)) as port, ExitStack() as stack:
        wanted = calibrating.target(site, held.enrolled(port), asked.sensor)
        _check_told(asked, wanted, told)
        live = any(one.raw is None for one in told)
        if live:
            stack.enter_context(service(port))  # and restarts the node, calibrated
        points = _points(asked, wanted, told, port, out)
        method = FACTOR if asked.factor else asked.method
        try:
            fit = calibrating.fitted(wanted, method, points, asked.facing)
            planned = calibrating.plan(wanted, fit, by, at, force, pages)
        except Refused:
            _keep(points if len(points) > 1 else [], out)
            raise
        if not asked.dry_run:
            calibrating.carry_out(planned, port, logbook)
            if not live:
                _restart(port, out)
    _answer(asked, planned, logbook, out)
    return 0


def _answer(asked: argparse.Namespace, planned: Planned, logbook: Logbook, out: Output) -> None:
    record = planned.record
    lines = [_point_line(out, number, planned) for number in range(len(planned.fit.points))]
    if len(planned.fit.points) < 3:
        lines.append(out.text("calibrate-exact"))
    changes = calibrating.diff(planned)
    formula = planned.fit.transform.formula(out.text("calibrate-raw"))
    values = record | {"formula": formula, "logbook": str(logbook.path), "diff": changes}
    shown = [*lines, *(changes if asked.dry_run else [])]
    out.result(values, "calibrate-dry" if asked.dry_run else "calibrate-done", shown)


def _point_line(out: Output, index: int, planned: Planned) -> str:
    point, off = planned.fit.points[index], planned.fit.residuals[index]
    how = out.text("calibrate-read", count=len(point.readings), spread=point.spread)
    how = out.text("calibrate-typed") if point.typed else how
    return out.text(
        "calibrate-point",
        point=index + 1,
        true=point.true,
        raw=point.raw,
        how=how,
        off=f"{off:+d}",
    )


def _told(asked: argparse.Namespace) -> list[Told]:
    if not 1 <= asked.count <= COUNT_MAX:
        raise Refused("count-form", most=COUNT_MAX)
    if asked.factor is not None:
        if asked.staff is not None or asked.point or asked.method not in (None, FACTOR):
            raise Refused("factor-alone", unit="--staff, --point, --method")
        return [_factor(asked.factor)]
    staff = [] if asked.staff is None else [Told(asked.staff, None)]
    return staff + [_point(text) for text in asked.point]


def _factor(text: str) -> Told:
    """Return K as the truth of so many pulses: 0.2 is 1 for 5."""
    try:
        if len(text) > _DIGITS_MAX:
            raise ValueError
        factor = Fraction(text.replace(",", "."))
    except (ValueError, ZeroDivisionError):
        raise Refused("factor-form", given=text[:40]) from None
    if factor <= 0:
        raise Refused("factor-form", given=text[:40])
    return Told(factor.numerator, factor.denominator)


def _point(text: str) -> Told:
    true, equals, raw = text.partition("=")
    try:
        if len(text) > 2 * _DIGITS_MAX:
            raise ValueError
        return Told(int(true), int(raw) if equals else None)
    except ValueError:
        raise Refused("point-form", given=text[:40]) from None


def _reason(text: str | None) -> str | None:
    most = calibrating.REASON_CHARACTERS_MAX
    return None if text is None else line_of(text, "--force", most)


def _check_told(asked: argparse.Namespace, wanted: Target, told: list[Told]) -> None:
    pulses = wanted.unit == "pulses"
    if asked.factor is not None and not pulses:
        raise Refused("factor-alone", unit=wanted.unit)
    live = sum(one.raw is None for one in told)
    if (live > 1 or (live and pulses)) and not sys.stdin.isatty():
        raise Refused("points-live")
    if not told:
        raise Refused("points-count", least=1, most=POINTS_MAX, given=0)
    if not pulses and asked.method != FACTOR:  # before anybody waits for readings
        check_range([one.true for one in told], *wanted.bounds)


def _points(
    asked: argparse.Namespace, wanted: Target, told: list[Told], port: Port, out: Output
) -> list[Point]:
    live = [one for one in told if one.raw is None]
    if not live:
        return [Point(one.true, one.raw or 0) for one in told]
    with closing(BoardProbe(port, wanted.board_channel)) as probe:
        reader = _Reader(probe, wanted, asked.count, out, len(live) > 1, bool(asked.force))
        points: list[Point] = []
        try:
            for one in told:
                typed = one.raw is not None
                points.append(Point(one.true, one.raw or 0) if typed else reader.point(one.true))
        except (Refused, KeyboardInterrupt):
            _keep(points, out)
            raise
        return points


def _restart(port: Port, out: Output) -> None:
    """Let a node that was not stopped take its new configuration."""
    if port.read(LOADER) is not None:
        port.reset()
    else:
        out.say("calibrate-restart")


def _keep(points: list[Point], out: Output) -> None:
    """Say how to give the points again that were read before something went wrong."""
    # With "=" in front, or a negative value would look like an option.
    read = [f"--point={point.true}={point.raw}" for point in points if not point.typed]
    if read:
        out.say("calibrate-keep", options=" ".join(read))


@dataclass(frozen=True)
class _Reader:
    """Reads a probe at one point after the other, asking the person to make them so."""

    probe: BoardProbe
    wanted: Target
    count: int
    out: Output
    several: bool
    forced: bool

    def point(self, true: int) -> Point:
        """Return what the probe gives while ``true`` is the case."""
        if self.wanted.unit == "pulses":
            before = self.probe.read(1)[0]
            self._ask("calibrate-draw", true)
            return counted(true, before, self.probe.read(1)[0])
        if self.several:
            self._ask("calibrate-at", true)
        readings = self.probe.read(self.count, told=self._bar)
        return measured(true, readings, self.wanted.unit, self.forced)

    def _bar(self, done: int, total: int) -> None:
        self.out.progress(self.wanted.channel.sensor, done, total)

    def _ask(self, code: str, true: int) -> None:
        sys.stderr.write(self.out.text(code, sensor=self.wanted.channel.sensor, true=true))
        sys.stderr.flush()
        sys.stdin.readline()

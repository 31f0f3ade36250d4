"""Offer releases to nodes and answer how far they are with up to 8 parts at a time.

A person put the image there (``updates/<node>.amu`` in the gateway's folder), whole and with the
MAC that only the node can check; here it is bytes. The guard seals the parts, as many as answer a
report. A node that refused an image is not offered the same one for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_guard.messages import BRIDGE, SEEN, Chunk, Opened
from amont_wire import const
from amont_wire.errors import WireError
from amont_wire.messages import Health, Hello, Progress, decode

FOLDER = "updates"
SUFFIX = ".amu"
IMAGE_BYTES_MAX = 2_000_000
PART_BYTES = 22  # what a body of 36 bytes has left
PARTS = 8
TRIES = 3  # after so many refusals of the same image it is not offered any more
BACKS = 20  # nor if a node begins again so often: a power cut costs one, a bad image many
_HEAD_BYTES = 8
_TYPES = (const.HELLO, const.HEALTH, const.PROGRESS)


class Image(NamedTuple):
    """An update image on its way to one node."""

    mark: tuple[int, int, int]  # of the file: another mark is another image
    release: int
    content: bytes


@dataclass
class Course:
    """How one image fares with its node."""

    mark: tuple[int, int, int]
    refusals: int = 0
    backs: int = 0  # how often the node wanted what it had wanted before
    reached: int = 0  # offset


class Link(Protocol):
    """Who passes parts to the guard."""

    def send_update(self, chunks: list[Chunk]) -> None:
        """Queue parts that answer a report; must not wait."""


class Updates:
    """The images that wait; called on the guard link's reader thread."""

    def __init__(self, folder: Path, link: Link, counters: Counters, events: Events) -> None:
        self._folder = folder / FOLDER
        self._link = link
        self._counters = counters
        self._events = events
        self._images: dict[int, Image] = {}
        self._courses: dict[int, Course] = {}

    def opened(self, frames: Iterable[Opened]) -> None:
        """Answer the reports among the frames for which there is an image."""
        for frame in frames:
            # a node behind the bridge has no airtime for it
            if frame.type in _TYPES and not frame.flags & (SEEN | BRIDGE):
                image = self._image(frame.node)
                if image is not None:
                    self._answer(frame, image)

    def _answer(self, frame: Opened, image: Image) -> None:
        try:
            report = decode(frame.type, frame.body)
        except WireError:
            return  # the storer counts it
        course = self._courses.get(frame.node)
        if course is None or course.mark != image.mark:
            course = self._courses[frame.node] = Course(image.mark)
        if course.refusals >= TRIES or course.backs >= BACKS:
            return
        if isinstance(report, Hello | Health) and report.firmware < image.release:
            self._send(frame, image, 0, 1)  # it answers with how far it is
        elif isinstance(report, Progress) and report.release == image.release:
            self._take(frame, image, report, course)

    def _take(self, frame: Opened, image: Image, report: Progress, course: Course) -> None:
        node, release = frame.node, str(image.release)
        if report.state == const.PROGRESS_RUNNING:
            self._events.note("node_updated", release, node=node, key=release)
        elif report.state == const.PROGRESS_WANTS:
            course.backs += report.next < course.reached
            course.reached = report.next
            if course.backs < BACKS:
                self._send(frame, image, report.next, PARTS)
                return
        course.refusals += report.state == const.PROGRESS_REFUSED
        if report.state in (const.PROGRESS_WANTS, const.PROGRESS_REFUSED):
            self._events.note("node_update_refused", release, node=node, key=release)

    def _send(self, frame: Opened, image: Image, start: int, parts: int) -> None:
        end = min(len(image.content), start + parts * PART_BYTES)
        chunks = [
            Chunk(
                frame.node, frame.epoch, frame.counter, image.release, at,
                image.content[at : min(at + PART_BYTES, end)],
            )
            for at in range(start, end, PART_BYTES)
        ]  # fmt: skip
        if chunks:
            self._counters.add("update_parts", len(chunks))
            self._link.send_update(chunks)

    def _image(self, node: int) -> Image | None:
        path = self._folder / f"{node}{SUFFIX}"
        try:
            found = path.stat()
            mark = (found.st_mtime_ns, found.st_size, found.st_ino)
            known = self._images.get(node)
            if known is None or known.mark != mark:
                known = self._images[node] = _read(path, mark)
        except FileNotFoundError:
            self._images.pop(node, None)
            return None
        except (OSError, ValueError) as error:
            self._events.note("update_unreadable", str(error), node=node)
            return None
        return known


def _read(path: Path, mark: tuple[int, int, int]) -> Image:
    with path.open("rb") as file:
        content = file.read(IMAGE_BYTES_MAX + 1)
    if len(content) > IMAGE_BYTES_MAX or len(content) <= _HEAD_BYTES or content[:4] != b"AMU1":
        raise ValueError(f"{path.name}: no update image of at most {IMAGE_BYTES_MAX} bytes")
    return Image(mark, int.from_bytes(content[4:6], "little"), content)

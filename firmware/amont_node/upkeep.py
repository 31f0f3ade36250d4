# What becomes of the release that runs: whether it is good, what comes after it, when the board
# has to start again. Loads update.py only where there is an update.

from amont_node import console
from amont_node.boot import IMAGE_FILE, Boot
from amont_wire.const import PROGRESS_REFUSED, PROGRESS_RUNNING, PROGRESS_WANTS

_TRIAL_MS = 900000  # a release on trial that is not acknowledged by then counts as a bad boot
_SAFE_MS = 86400000  # in safe mode; then one more attempt to run everything


class Upkeep:
    # fed(): called while it works, for the watchdog.
    def __init__(  # type: ignore[no-untyped-def]
        self, boot: Boot, secret: bytes, node: int, generation: int, link_ms: int, fed
    ) -> None:
        self.boot = boot
        self._secret = secret
        self._identity = (node, generation)
        self._fed = fed
        self._boot_ms = link_ms
        self._updates = None  # made by what first needs it
        self._reports = False  # a frame of progress is due, and no update to be loaded for it
        if not boot.is_safe:
            self._reports = boot.on_trial or boot.failed != 0
            if boot.has(IMAGE_FILE):
                self._updater().resume(link_ms)

    def _updater(self):  # type: ignore[no-untyped-def]
        if self._updates is None:
            from amont_node.update import Updater

            self._updates = Updater(  # type: ignore[assignment]
                self.boot, self._secret, self._identity, self._fed
            )
        return self._updates

    # (release, next, state) for a frame of progress.
    def told(self) -> tuple[int, int, int]:
        updates = self._updates
        if updates is not None:
            return updates.release, updates.next, updates.state
        if self.boot.failed and not self.boot.on_trial:
            return self.boot.failed, 0, PROGRESS_REFUSED
        return self.boot.release, 0, PROGRESS_RUNNING

    # A part of a release. Returns why it was refused, "" if it was not.
    def take(self, message, link_ms: int) -> str:  # type: ignore[no-untyped-def]
        if self.boot.is_safe:
            return ""  # it measures and reports, no more
        updates = self._updater()
        updates.take(message.version, message.offset, message.data, link_ms)
        if updates.state != PROGRESS_REFUSED:
            return ""
        return "release %d: %s" % (updates.release, updates.why)

    # Whether a frame of progress is due now.
    def asks(self, link_ms: int) -> bool:
        if self._updates is not None:
            return self._updates.asks(link_ms)
        reports, self._reports = self._reports, False
        return reports

    # This boot only ends a sleep: there is nothing new to report.
    def woke(self) -> None:
        self._reports = False

    # An update is coming in, of which a part is in memory alone.
    def takes(self) -> bool:
        return self._updates is not None and self._updates.state == PROGRESS_WANTS

    def busy(self) -> bool:
        return self._updates is not None and self._updates.busy()

    # Whether the board has to start again now.
    def restarts(self, link_ms: int) -> bool:
        boot = self.boot
        if self._updates is not None and self._updates.restarts(link_ms):
            return True
        if boot.on_trial and link_ms - self._boot_ms > _TRIAL_MS:
            return True
        if boot.is_safe and link_ms - self._boot_ms > _SAFE_MS:
            boot.attempt()
            return True
        return False

    # The release is good by its first sealed acknowledgement, or, if it was before, by a whole
    # wake. Raises OSError when that cannot be stored.
    def good(self, acknowledged: bool, link_ms: int) -> None:
        boot = self.boot
        if boot.is_safe or (boot.on_trial and not acknowledged):
            return
        was_trial = boot.on_trial
        boot.good()
        if was_trial:
            self._reports = True
            if self._updates is not None:
                self._updates.resume(link_ms)
            console.tell("update", {"state": "good", "release": boot.release})

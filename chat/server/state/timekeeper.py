"""The server's time, which trusts the clock only within reason.

A clock can be wrong at the start, and can be set while the server runs. Nothing irreversible and
nothing with a duration must depend on a single reading of it. So the server has its own time: it
starts with the clock's, if that fits what the server has seen, and advances with the monotonic
clock. If the clock differs by more than `TOLERANCE`, it is *in doubt*: the server keeps its own
time until the clock agrees again or the operator says that the clock is right.

At a start the clock is compared with the last saved time. If the machine has not rebooted in
between, its uptime says how long ago that was; otherwise a pause of up to `PAUSE` is accepted.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from chat.rooms.changes import Change, Event, Put, changed, put
from chat.rooms.hub import Hub
from chat.rooms.values import Moment, MomentKey
from chat.server.state.commits import Commits
from chat.store.interface import LogStore, StoreError

__all__ = ["PAUSE", "SECONDS", "TOLERANCE", "Timekeeper", "Uptime", "read_uptime", "steady_seconds"]

_log = Logger()

TOLERANCE: Final = 300_000
"""Milliseconds by which the clock and the server's time may differ: five minutes."""
PAUSE: Final = 86_400_000
"""Milliseconds for which a server may have been stopped before an operator must confirm: a day."""
SECONDS: Final = 600.0
"""Seconds between two looks at the clock; each saves the time."""
_STEP: Final = 1_000
"""Milliseconds by which the server's time moves towards the clock at each look."""

_SLEEPLESS: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)

Uptime = tuple[str, float]
"""Which boot of the machine this is, and for how many seconds it has been running. The boot is
empty if unknown."""


def read_uptime() -> Uptime:
    """Return the uptime from a source that setting the clock does not affect."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return boot, float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return "", 0.0


def steady_seconds() -> float:
    """Return monotonic seconds; they include sleep if the platform can count it."""
    return time.monotonic() if _SLEEPLESS is None else time.clock_gettime(_SLEEPLESS)


class Timekeeper:
    """The server's time. Call `load` first."""

    def __init__(
        self,
        hub: Hub,
        commits: Commits,
        clock: IReactorTime,
        wall: Callable[[], int],
    ) -> None:
        self._hub = hub
        self._commits = commits
        self._clock = clock
        self._wall = wall
        self._was_in_doubt = False
        self._set(wall())
        self._looping = LoopingCall(lambda: Deferred.fromCoroutine(self._look()))
        self._looping.clock = clock

    def milliseconds(self) -> int:
        """Return the server's time, in milliseconds since 1970 UTC."""
        return self._base + round(1_000 * (self._clock.seconds() - self._since))

    @property
    def is_in_doubt(self) -> bool:
        """Whether the clock disagrees."""
        return abs(self._wall() - self.milliseconds()) > TOLERANCE

    async def load(self, store: LogStore) -> None:
        """Begin with the clock's time or the saved one. Raises StoreError."""
        wall, saved = self._wall(), self._hub.moment
        if saved is None:
            # An earlier version saved nothing, but its records have times.
            heads = [await store.head(log) for log in self._hub.logs()]
            newest = max([head.time for head in heads], default=0)
            believed = wall if wall - newest <= PAUSE or not newest else newest
        else:
            believed = self._since_saved(saved, wall)
        self._set(believed)
        self._tell()

    def _since_saved(self, saved: Moment, wall: int) -> int:
        boot, seconds = read_uptime()
        if boot and boot == saved.boot and seconds >= saved.uptime:
            expected = saved.time + round(1_000 * (seconds - saved.uptime))
            return wall if abs(wall - expected) <= TOLERANCE else expected
        return wall if -TOLERANCE <= wall - saved.time <= PAUSE else saved.time

    def compare(self) -> dict[str, str]:
        """Return the clock's time and the server's, for the operator."""
        return {
            "clock": _utc(self._wall()),
            "server": _utc(self.milliseconds()),
            "in doubt": "yes" if self.is_in_doubt else "no",
        }

    def start(self) -> None:
        """Check the clock and save the time, now and regularly."""
        self._looping.start(SECONDS)

    def stop(self) -> None:
        """Stop doing so."""
        if self._looping.running:
            self._looping.stop()

    async def save(self) -> None:
        """Save the time. Raises StoreError."""
        await self._commits.change(lambda: changed([self._moment()]))

    async def accept(self, by: str) -> None:
        """Trust the clock, on the operator's word. Raises StoreError."""
        wall = self._wall()
        detail = f"{_utc(wall)} instead of {_utc(self.milliseconds())}"

        def decide() -> Change:
            boot, seconds = read_uptime()
            moment = put(MomentKey(), Moment(wall, boot, seconds))
            return changed([moment], Event(wall, by, "clock", "", "", detail))

        await self._commits.change(decide)
        self._set(wall)
        self._tell()

    async def _look(self) -> None:
        self._tell()
        if not self.is_in_doubt:
            ahead = self._wall() - self.milliseconds()
            self._base += max(-_STEP, min(ahead, _STEP))
        with suppress(StoreError):  # Whatever fails to be committed is in the log already.
            await self.save()

    def _moment(self) -> Put:
        boot, seconds = read_uptime()
        return put(MomentKey(), Moment(self.milliseconds(), boot, seconds))

    def _set(self, milliseconds: int) -> None:
        self._base, self._since = milliseconds, self._clock.seconds()

    def _tell(self) -> None:
        """Log that the clock is now in doubt, or no longer."""
        if self.is_in_doubt and not self._was_in_doubt:
            _log.warn(
                "The clock says {clock}, but it should be {actual}. Bans, mutes and invitations use"
                " the latter, and nothing is removed for its age. If the clock is right, run"
                " chat.admin clock --accept",
                clock=_utc(self._wall()),
                actual=_utc(self.milliseconds()),
            )
        elif self._was_in_doubt and not self.is_in_doubt:
            _log.info("The clock is right: {clock}", clock=_utc(self._wall()))
        self._was_in_doubt = self.is_in_doubt


def _utc(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1_000, UTC):%Y-%m-%d %H:%M:%S} UTC"

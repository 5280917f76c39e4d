"""Watches how much space is left for the state, so that the operator hears of it in time."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from chat.files import free_bytes
from chat.limits import Limits
from chat.server.state.trouble import Trouble
from chat.store.interface import StoreError

__all__ = ["SECONDS", "SpaceWatch"]

_log = Logger()

SECONDS: Final = 60.0
"""Seconds between two looks."""
_MARGIN: Final = 1.1
"""There is enough again with this many times as much as makes the watch warn."""
_MIB: Final = 2**20


class SpaceWatch:
    """Warns when there is little space, and again whenever half of that is gone."""

    def __init__(
        self,
        path: Path,
        limits: Limits,
        trouble: Trouble,
        write: Callable[[], Awaitable[None]],
        clock: IReactorTime,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        """Watch the disk of `path`. While the store fails, see with `write` whether it works again:
        perhaps nobody else writes anything."""
        self._path = path
        self._limits = limits
        self._trouble = trouble
        self._write = write
        self._free = free
        self._warned: int | None = None
        """How much was free at the last warning."""
        self._looping = LoopingCall(lambda: Deferred.fromCoroutine(self._look()))
        self._looping.clock = clock

    def start(self) -> None:
        """Look now, and regularly."""
        self._looping.start(SECONDS)

    def stop(self) -> None:
        """Stop looking."""
        if self._looping.running:
            self._looping.stop()

    async def _look(self) -> None:
        with suppress(OSError):  # Unknown; the next look may tell.
            self._compare(self._free(self._path))
        if self._trouble.is_on and self._trouble.full is None:
            with suppress(StoreError):  # The log has it.
                await self._write()

    def _compare(self, free: int) -> None:
        little = self._limits.disk_warning_bytes
        if free >= _MARGIN * little and self._warned is not None:
            self._warned = None
            _log.info("{free} of the disk are free again", free=_in_words(free))
        elif free < little and (self._warned is None or free < self._warned / 2):
            self._warned = free
            _log.warn(
                "The disk is getting full: {free} are free in {path}, less than"
                " disk_warning_bytes={little}",
                free=_in_words(free),
                path=self._path,
                little=little,
            )


def _in_words(size: int) -> str:
    return f"{size / _MIB:,.1f} MiB"

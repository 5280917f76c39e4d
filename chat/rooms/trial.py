"""What decisions come to: they are tried one after the other, each on what those before it leave.

For that their puts are put tentatively, and taken back before anybody else can look.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from chat.ids import LogId
from chat.rooms.changes import NOTHING, Change, Put
from chat.rooms.hub import Hub
from chat.rooms.values import SERVER, AnyValue, BanKey, DeviceOf, MembershipKey, MuteKey, RoomKey

__all__ = ["Decide", "Losses", "Trial", "losses", "new_logs", "try_all"]

Decide = Callable[[], Change]
"""Checks, and returns what is to be put, or raises a refusal. Changes nothing."""


class Trial(NamedTuple):
    """What a decision came to."""

    change: Change
    before: Sequence[AnyValue | None] = ()
    """What each of its puts would replace."""
    error: Exception | None = None
    """What it raised instead: a refusal, or a bug."""


def try_all(hub: Hub, decides: Iterable[Decide]) -> list[Trial]:
    """Return what each decision came to, in their order. Changes nothing."""
    trials: list[Trial] = []
    back: list[list[Put]] = []
    for decide in decides:
        try:
            change = decide()
            taken_back = hub.put_all(change.puts)
        except Exception as error:
            trials.append(Trial(NOTHING, error=error))
        else:
            back.append(taken_back)
            trials.append(Trial(change, [it.value for it in reversed(taken_back)]))
    for puts in reversed(back):
        hub.put_all(puts)
    return trials


class Losses(NamedTuple):
    """What changes take away, as the store has to know it (`chat.store.interface.Change`)."""

    lost: frozenset[LogId] = frozenset()
    silenced: frozenset[LogId] = frozenset()
    silences_all: bool = False


def losses(trials: Iterable[Trial]) -> Losses:
    """Return in which logs somebody may read, or say, nothing more."""
    lost, silenced = set[LogId](), set[LogId]()
    silences_all = False
    for change, before, _ in trials:
        for (key, value), was in zip(change.puts, before, strict=True):
            match key:
                case MembershipKey(log) if value is None and was is not None:
                    lost.add(log)
                case MuteKey(scope) | BanKey(scope) if value is not None and scope == SERVER:
                    silences_all = True
                case DeviceOf() if value is None:
                    silences_all = True  # Whoever has that key says nothing more, wherever it was.
                case MuteKey(scope) if value is not None:
                    silenced.add(scope)
    return Losses(frozenset(lost), frozenset(silenced), silences_all)


def new_logs(trials: Iterable[Trial]) -> list[LogId]:
    """Return which logs are to be."""
    return [
        key.log
        for change, before, _ in trials
        for (key, value), was in zip(change.puts, before, strict=True)
        if isinstance(key, RoomKey) and value is not None and was is None
    ]

"""Trying decisions: each one runs on the state that the previous ones leave.

To do so, their puts are applied tentatively, and rolled back before anybody else can look.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from chat.ids import LogId
from chat.rooms.changes import NOTHING, Change, Put
from chat.rooms.hub import Hub
from chat.rooms.values import (
    SERVER,
    AnyValue,
    BanKey,
    BlockKey,
    DeviceOf,
    MembershipKey,
    MuteKey,
    RoomKey,
)

__all__ = ["Decide", "Losses", "Trial", "losses", "new_logs", "try_all"]

Decide = Callable[[], Change]
"""A decision: checks and returns a change, or raises a refusal. Changes nothing itself."""


class Trial(NamedTuple):
    """The result of a decision."""

    change: Change
    before: Sequence[AnyValue | None] = ()
    """The value that each of its puts would replace."""
    error: Exception | None = None
    """The exception it raised, if any: a refusal, or a bug."""


def try_all(hub: Hub, decides: Iterable[Decide]) -> list[Trial]:
    """Return the result of each decision, in order. Changes nothing."""
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
    """The rights that changes take away, in the form of `chat.store.interface.Change`."""

    lost: frozenset[LogId] = frozenset()
    silenced: frozenset[LogId] = frozenset()
    silences_all: bool = False


def losses(hub: Hub, trials: Iterable[Trial]) -> Losses:
    """Return the logs in which somebody loses the right to read or to post.

    `hub` is in the state before the trials: posts in a new log are checked after them.
    """
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
                    silences_all = True  # That key can no longer post in any log.
                case MuteKey(scope) if value is not None:
                    silenced.add(scope)
                case BlockKey(account, other) if value is not None:
                    conversation = hub.conversation(account, other)
                    if conversation is not None:
                        silenced.add(conversation.log)
    return Losses(frozenset(lost), frozenset(silenced), silences_all)


def new_logs(trials: Iterable[Trial]) -> list[LogId]:
    """Return the logs that are created."""
    return [
        key.log
        for change, before, _ in trials
        for (key, value), was in zip(change.puts, before, strict=True)
        if isinstance(key, RoomKey) and value is not None and was is None
    ]

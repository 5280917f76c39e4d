"""The result of a decision: values only."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from chat.ids import AccountId, LogId
from chat.rooms.happenings import Kept
from chat.rooms.values import AnyKey, AnyValue, Key, MembershipKey, RoomKey

__all__ = ["NOTHING", "Change", "Event", "Put", "Told", "changed", "put"]

V = TypeVar("V", bound=AnyValue)


class Put(NamedTuple):
    """A value to store under a key; None removes it."""

    key: AnyKey
    value: AnyValue | None


def put(key: Key[V], value: V | None) -> Put:
    """Return a `Put` whose value has the key's type."""
    assert isinstance(key, AnyKey)
    return Put(key, value)


class Event(NamedTuple):
    """An action on somebody, for the audit log. Names are as they were at the time."""

    time: int
    """Milliseconds since 1970 UTC."""
    actor: str
    action: str
    target: str
    room: str
    """Empty for the whole server."""
    detail: str


class Told(NamedTuple):
    """A sentence for the account concerned."""

    account: AccountId
    sentence: str
    about: LogId | None = None
    """The room in which others acted on it. They must not be able to send it notices without
    limit."""


@dataclass(frozen=True, slots=True)
class Change:
    """The outcome of a decision, which takes effect completely or not at all."""

    puts: tuple[Put, ...] = ()
    event: Event | None = None
    told: Told | None = None
    happening: Kept | None = None
    """What the room's log records about it."""

    @property
    def is_nothing(self) -> bool:
        """Whether it changes nothing."""
        return not (self.puts or self.event or self.happening)

    def concerned(self) -> set[LogId]:
        """Return the logs that somebody leaves and that continue to exist, and the log of the
        happening."""
        gone = {key for key, value in self.puts if value is None}
        left = {it.log for it in gone if isinstance(it, MembershipKey)}
        left -= {it.log for it in gone if isinstance(it, RoomKey)}
        return left if self.happening is None else left | {self.happening.log}


NOTHING = Change()


def changed(
    puts: Iterable[Put],
    event: Event | None = None,
    told: Told | None = None,
    happening: Kept | None = None,
) -> Change:
    """Return a change with these puts."""
    return Change(tuple(puts), event, told, happening)

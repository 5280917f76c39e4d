"""What a decision comes to: values only."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from chat.ids import AccountId, LogId
from chat.rooms.errors import RequestError
from chat.rooms.happenings import Kept
from chat.rooms.values import AnyKey, AnyValue, Key, MembershipKey

__all__ = ["NOTHING", "Change", "Event", "Put", "Told", "changed", "put"]

V = TypeVar("V", bound=AnyValue)


class Put(NamedTuple):
    """A value that is to be known under a key; None for none any more."""

    key: AnyKey
    value: AnyValue | None


def put(key: Key[V], value: V | None) -> Put:
    """Return a `Put` whose value is of the key's type."""
    assert isinstance(key, AnyKey)
    return Put(key, value)


class Event(NamedTuple):
    """Something that was done to somebody, for the audit log. Names are as they were then."""

    time: int
    """Milliseconds of UTC."""
    actor: str
    action: str
    target: str
    room: str
    """Empty for the whole server."""
    detail: str


class Told(NamedTuple):
    """A sentence for the one concerned."""

    account: AccountId
    sentence: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a decision wants to be true from now on: all of it, or nothing."""

    puts: tuple[Put, ...] = ()
    event: Event | None = None
    told: Told | None = None
    happening: Kept | None = None
    """What the log of a room keeps of it."""
    refusal: RequestError | None = None
    """What the one who asked is answered all the same: a wrong code is counted, and refused."""

    @property
    def is_nothing(self) -> bool:
        """Whether it leaves everything as it is."""
        return not (self.puts or self.event or self.happening)

    def leaves(self) -> set[LogId]:
        """Return the logs of which somebody is to be no member."""
        return {key.log for key, value in self.puts if isinstance(key, MembershipKey) and not value}


NOTHING = Change()


def changed(
    puts: Iterable[Put],
    event: Event | None = None,
    told: Told | None = None,
    happening: Kept | None = None,
) -> Change:
    """Return a change of some puts."""
    return Change(tuple(puts), event, told, happening)

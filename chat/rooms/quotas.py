"""How much an account, a network, and everybody together may make in a day.

How many of something an account or a room *has* is checked against the hub by the decision that
adds one. This module counts what is *made*, even if nothing in the hub says who made it: a burst,
and then one whenever its share of the day has passed. Nothing survives a restart.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from enum import Enum
from math import ceil
from typing import Final, NamedTuple

from chat.ids import NOBODY, AccountId
from chat.limits import Limits
from chat.rooms.addresses import AddressGroup, is_this_machine
from chat.rooms.changes import Change
from chat.rooms.errors import OverRateError
from chat.rooms.hub import Hub
from chat.rooms.values import (
    AccountKey,
    BanKey,
    DeviceOf,
    InvitationKey,
    InvitedBy,
    InvitedKey,
    Kind,
    MuteKey,
    NetworkKey,
    RoomKey,
    RoomProfile,
)

__all__ = ["Allowances", "Made", "Maker", "made"]

_DAY: Final = 86_400
_HOUR: Final = 3_600
_PERIODS: Final = {_DAY: "a day", _HOUR: "an hour"}


class Made(Enum):
    """What is counted."""

    ACCOUNT = "new accounts"
    CONVERSATION = "new private conversations"
    ROOM = "new rooms"
    INVITATION = "invitations"
    TOKEN = "invitation links"
    ACTION = "moderation actions"
    BAN = "new bans and mutes"
    DEVICE = "new devices"
    REACTION = "reactions"


class Maker(NamedTuple):
    """Who makes something."""

    group: AddressGroup
    """The group of the maker's address."""
    account: AccountId = NOBODY
    """`NOBODY` before the login."""


class _Rate(NamedTuple):
    """How many may be made in a period."""

    limit: str
    """The name of the limit in `chat.limits.Limits`."""
    by: str
    """The end of "too many ..."."""
    seconds: int = _DAY


_PER_NETWORK: Final = {
    Made.ACCOUNT: "accounts_per_network",
    Made.CONVERSATION: "conversations_per_network",
    Made.ROOM: "rooms_per_network",
    Made.INVITATION: "invitations_per_network",
    Made.TOKEN: "tokens_per_network",
    Made.ACTION: "actions_per_network",
    Made.BAN: "bans_per_network",
    Made.DEVICE: "devices_per_network",
    Made.REACTION: "reactions_per_network",
}
_PER_ACCOUNT: Final = {
    Made.ACTION: "actions_per_account",
    Made.BAN: "bans_per_account",
    Made.REACTION: "reactions_per_account",
}
_IN_TOTAL: Final = {Made.ACCOUNT: "accounts_per_hour"}


def made(hub: Hub, by: AccountId, change: Change) -> list[Made]:
    """Return the new things that a change makes when `by` asks for it."""
    found: list[Made] = []
    for key, value in change.puts:
        if value is None:
            continue
        match key:
            case AccountKey() if hub.get(key) is None:
                found.append(Made.ACCOUNT)
            case DeviceOf():
                found.append(Made.DEVICE)
            case RoomKey() if hub.get(key) is None and isinstance(value, RoomProfile):
                is_private = value.kind is Kind.PRIVATE
                found.append(Made.CONVERSATION if is_private else Made.ROOM)
            # Not the room of an invitation link, which somebody else made.
            case InvitedKey() if isinstance(value, InvitedBy) and value.by == by != NOBODY:
                found.append(Made.INVITATION)
            # Not the operator's, nor one that is changed.
            case BanKey() | MuteKey() | NetworkKey() if by != NOBODY and hub.get(key) is None:
                found.append(Made.BAN)
            case InvitationKey() if hub.get(key) is None:
                found.append(Made.TOKEN)
    if change.event is not None and by != NOBODY:
        found.append(Made.ACTION)
    return found


class _Taken:
    """How much was taken of one allowance and has not been restored by time yet."""

    __slots__ = ("count", "since")

    def __init__(self, count: float, since: float) -> None:
        self.count = count
        self.since = since


class Allowances:
    """Counts what is made. Call `take` before making it, and `give_back` if nothing came of it."""

    def __init__(self, limits: Limits, seconds: Callable[[], float]) -> None:
        self._limits = limits
        self._seconds = seconds
        self._tables: dict[str, OrderedDict[Hashable, _Taken]] = {}
        """Per limit, in the order of last use. Each is bounded on its own, so nobody can push out
        the counts of another limit."""

    def take(self, what: list[Made], maker: Maker) -> None:
        """Count what somebody makes, or nothing if that is too much. Raises OverRateError."""
        now, counted = self._seconds(), 0
        rates = [(it, *rate) for it in what for rate in _rates(it, maker)]
        try:
            for it, rate, key in rates:
                self._take(it, rate, key, now)
                counted += 1
        except OverRateError:
            for _, rate, key in rates[:counted]:
                self._give_back(rate, key)
            raise

    def take_reaction(self, maker: Maker, message: Hashable) -> None:
        """Count a reaction to a message. Raises OverRateError."""
        rate = _Rate("reactions_per_message", "from you to this message")
        self._take(Made.REACTION, rate, (maker.account, message), self._seconds())
        self.take([Made.REACTION], maker)

    def give_back(self, what: list[Made], maker: Maker) -> None:
        """Undo a `take`, because nothing was made."""
        for it in what:
            for rate, key in _rates(it, maker):
                self._give_back(rate, key)

    def sizes(self) -> dict[str, int]:
        """Return the number of entries for each limit."""
        return {limit: len(table) for limit, table in self._tables.items()}

    def _take(self, it: Made, rate: _Rate, key: Hashable, now: float) -> None:
        most: int = getattr(self._limits, rate.limit)
        table = self._tables.setdefault(rate.limit, OrderedDict())
        taken = table.get(key) or _Taken(0.0, now)
        left = max(0.0, taken.count - (now - taken.since) * most / rate.seconds)
        if left + 1 > most:
            wait = ceil((left + 1 - most) * rate.seconds / most)
            period = f"{most} {_PERIODS[rate.seconds]}"
            raise OverRateError(f"{it.value} {rate.by}", period, rate.limit, wait)
        table[key] = _Taken(left + 1, now)
        table.move_to_end(key)
        if len(table) > self._limits.quota_keys_kept:
            table.popitem(last=False)

    def _give_back(self, rate: _Rate, key: Hashable) -> None:
        taken = self._tables[rate.limit].get(key)
        if taken is not None:  # The entry may have been pushed out.
            taken.count -= 1


def _rates(it: Made, maker: Maker) -> list[tuple[_Rate, Hashable]]:
    """Return the rates that count something, with the keys to count it under."""
    rates: list[tuple[_Rate, Hashable]] = []
    if not is_this_machine(maker.group):  # It may be a reverse proxy, and so everybody.
        rates.append((_Rate(_PER_NETWORK[it], "from your network"), maker.group))
    if it in _PER_ACCOUNT and maker.account != NOBODY:
        rates.append((_Rate(_PER_ACCOUNT[it], "from your account"), maker.account))
    if it in _IN_TOTAL:
        rates.append((_Rate(_IN_TOTAL[it], "on this server", _HOUR), None))
    return rates

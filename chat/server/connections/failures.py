"""Failed logins: who fails again and again has to wait, and nobody can do that to somebody else.

Failures are counted for each group of addresses (`chat.server.connections.addresses`) and for each
account. After some that are free, each makes the next attempt wait twice as long. But where an
account has got in before, neither count holds for it: there its own failures are counted, and
nothing else. So whoever hammers an account from elsewhere, or other accounts from the same address,
does not keep its owner waiting; only who hammers that account from the owner's own address does.

Everything is in tables of a bounded size, of which the oldest entries are dropped, and is forgotten
when the server stops.
"""

from collections import OrderedDict
from functools import lru_cache
from math import ceil, log2
from typing import Final

from twisted.internet.interfaces import IReactorTime

from chat.limits import Limits
from chat.rooms.errors import RequestError
from chat.rooms.names import name_key, prepare_nick
from chat.server.connections.addresses import address_group, is_loopback

__all__ = ["LoginFailures"]

_Key = str | tuple[str, str]

_KEYS: Final = 1_024
"""Nicknames of which the key is remembered, because every login needs it twice; each is as long as
a login can hold, so 1 MiB at most."""


class _Entry:
    """Failures of one."""

    __slots__ = ("count", "since", "until")

    def __init__(self, now: float) -> None:
        self.count = 0
        self.since = now
        """When the last of them was, or was forgotten."""
        self.until = now
        """When the next attempt is looked at."""


class _BackOff:
    """Counts the failures of many, and tells how long each of them has to wait."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        """What failed last is last."""
        doublings = ceil(log2(limits.login_wait_last / limits.login_wait_first))
        self._most = limits.login_failures_free + max(doublings, 0)
        """More would make nobody wait longer, and take longer to be forgotten."""

    def __len__(self) -> int:
        return len(self._entries)

    def wait(self, key: _Key, now: float) -> float:
        """Return for how many seconds no attempt is looked at."""
        entry = self._entries.get(key)
        return 0.0 if entry is None else max(0.0, entry.until - now)

    def arm(self, key: _Key, now: float) -> None:
        """An attempt is looked at: where failures have a price, the next one waits already."""
        entry = self._recent(key, now)
        if entry is not None:
            entry.until = now + self._price(entry.count)

    def add(self, key: _Key, now: float) -> None:
        """Count a failure."""
        entry = self._recent(key, now)
        if entry is None:
            entry = self._entries[key] = _Entry(now)
            if len(self._entries) > self._limits.login_failures_kept:
                self._entries.popitem(last=False)
        entry.count = min(entry.count + 1, self._most)
        entry.since = now
        entry.until = now + self._price(entry.count)
        self._entries.move_to_end(key)

    def remove(self, key: _Key) -> None:
        """Forget all failures of one."""
        self._entries.pop(key, None)

    def _recent(self, key: _Key, now: float) -> _Entry | None:
        """Return failures without those that are forgotten by now."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        forgotten = int((now - entry.since) / self._limits.login_forget_seconds)
        entry.count -= forgotten
        entry.since += forgotten * self._limits.login_forget_seconds
        if entry.count > 0:
            return entry
        del self._entries[key]
        return None

    def _price(self, count: int) -> float:
        """Return for how many seconds so many failures make the next attempt wait."""
        limits, paid = self._limits, count - self._limits.login_failures_free
        return min(limits.login_wait_first * 2**paid, limits.login_wait_last) if paid >= 0 else 0.0


class LoginFailures:
    """Ask `wait` before an attempt is looked at; then tell what came of it."""

    def __init__(self, limits: Limits, clock: IReactorTime) -> None:
        self._limits = limits
        self._clock = clock
        self._addresses = _BackOff(limits)
        self._accounts = _BackOff(limits)
        self._returning = _BackOff(limits)
        """Of accounts at addresses from which they got in."""
        self._known: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        """From where each account got in, the latest last; and so the accounts."""

    def sizes(self) -> tuple[int, int, int, int]:
        """Return how many addresses, accounts, and accounts at addresses have failed, and of how
        many accounts is known from where they got in."""
        return len(self._addresses), len(self._accounts), len(self._returning), len(self._known)

    def wait(self, address: str, nick: str) -> float:
        """Return in how many seconds an attempt from `address` to be `nick` would be looked at.

        At 0 it is to be looked at now. That takes the place, where one has to wait for a place:
        others that come before it is known what came of this one have to wait for the next.
        """
        now = self._clock.seconds()
        counts = self._counts(address, nick)
        seconds = max((table.wait(key, now) for table, key in counts), default=0.0)
        if not seconds:
            for table, key in counts:
                table.arm(key, now)
        return seconds

    def failed(self, address: str, nick: str) -> None:
        """An attempt was looked at, and was a wrong one."""
        now = self._clock.seconds()
        for table, key in self._counts(address, nick):
            table.add(key, now)

    def succeeded(self, address: str, nick: str) -> None:
        """Somebody is in.

        Failures elsewhere, or to be somebody else, stay counted: otherwise one login of one's own
        would buy five guesses at another's account.
        """
        key, group = _account_key(nick), address_group(address)
        self._returning.remove((key, group))
        groups = [known for known in self._known.pop(key, ()) if known != group]
        self._known[key] = (*groups, group)[-self._limits.login_known_addresses :]
        if len(self._known) > self._limits.login_known_kept:
            self._known.popitem(last=False)

    def renamed(self, was: str, nick: str) -> None:
        """The account `was` is now known as `nick`, and has got in from the same addresses."""
        known = self._known.pop(_account_key(was), None)
        if known is not None:
            self._known[_account_key(nick)] = known

    def _counts(self, address: str, nick: str) -> list[tuple[_BackOff, _Key]]:
        """Return what an attempt counts for, and where."""
        key, group = _account_key(nick), address_group(address)
        if group in self._known.get(key, ()):
            return [(self._returning, (key, group))]
        counts: list[tuple[_BackOff, _Key]] = [(self._accounts, key)] if key else []
        if not is_loopback(address):  # That may be a reverse proxy, and so everybody.
            counts.append((self._addresses, group))
        return counts


@lru_cache(_KEYS)
def _account_key(nick: str) -> str:
    """Return the key of an account, which is never long; empty for what is no nickname."""
    try:
        return name_key(prepare_nick(nick))
    except RequestError:
        return ""

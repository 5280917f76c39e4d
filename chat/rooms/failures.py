"""Failed logins: repeated failures make the next attempt wait, but do not lock out others.

Failures are counted per group of addresses (`addresses.py`) and per account. The first few are
free; after that each failure doubles the wait before the next attempt. Neither count applies at an
address where the account has logged in before: there, only its own failures from that address do.
So an attacker who hammers an account from elsewhere, or other accounts from the same address, does
not keep the owner waiting; only hammering that account from the owner's own address does.

Wrong codes for another device never count per account and do not use up the code: a code has 50
bits and is valid for a day at most, so the guesser's own bound is enough.

All tables are bounded and drop their oldest entries. Nothing survives a restart.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from math import ceil, log2
from typing import Final

from chat.limits import Limits
from chat.rooms.addresses import address_group, is_loopback
from chat.rooms.errors import RequestError
from chat.rooms.names import name_key, prepare_nick

__all__ = ["LoginFailures"]

_Key = str | tuple[str, str]

_KEYS: Final = 1_024
"""Nicknames whose key is cached, because every login needs it twice. A login bounds the length of
each, so the cache takes at most 1 MiB."""


class _Entry:
    """The failures of one key."""

    __slots__ = ("count", "since", "until")

    def __init__(self, now: float) -> None:
        self.count = 0
        self.since = now
        """Time of the last failure, or of the last time one was forgotten; in seconds."""
        self.until = now
        """Time from which the next attempt is allowed; in seconds."""


class _BackOff:
    """Counts failures per key, and computes how long each key has to wait."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        """Ordered by latest failure."""
        doublings = ceil(log2(limits.login_wait_last / limits.login_wait_first))
        self._most = limits.login_failures_free + max(doublings, 0)
        """The count at which the wait is longest; a higher count would only take longer to
        forget."""

    def __len__(self) -> int:
        return len(self._entries)

    def wait(self, key: _Key, now: float) -> float:
        """Return how many seconds are left until the next attempt is allowed."""
        entry = self._entries.get(key)
        return 0.0 if entry is None else max(0.0, entry.until - now)

    def arm(self, key: _Key, now: float) -> None:
        """Start the wait that the failures so far impose on the attempt after this one."""
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
        """Forget all failures of a key."""
        self._entries.pop(key, None)

    def _recent(self, key: _Key, now: float) -> _Entry | None:
        """Return the failures that are not forgotten yet, if any."""
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
        """Return how many seconds the next attempt has to wait after `count` failures."""
        limits, paid = self._limits, count - self._limits.login_failures_free
        return min(limits.login_wait_first * 2**paid, limits.login_wait_last) if paid >= 0 else 0.0


class LoginFailures:
    """Call `wait` before each attempt, then `failed` or `succeeded`."""

    def __init__(self, limits: Limits, seconds: Callable[[], float]) -> None:
        self._limits = limits
        self._seconds = seconds
        self._addresses = _BackOff(limits)
        self._accounts = _BackOff(limits)
        self._returning = _BackOff(limits)
        """By account and group of addresses, for groups where that account has logged in."""
        self._known: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        """The groups where each account has logged in, latest last; the accounts likewise."""

    def sizes(self) -> tuple[int, int, int, int]:
        """Return the number of entries in each table: failures by address, by account, by account
        at a known address; accounts with known addresses."""
        return len(self._addresses), len(self._accounts), len(self._returning), len(self._known)

    def wait(self, address: str, nick: str, has_code: bool = False) -> float:
        """Return how many seconds a login as `nick` from `address` has to wait; 0 if none.

        If there is no wait left, but earlier failures impose one, the wait for the next attempt
        starts now: otherwise many concurrent attempts would get through before the first has
        failed.
        """
        now = self._seconds()
        counts = self._counts(address, nick, has_code)
        seconds = max((table.wait(key, now) for table, key in counts), default=0.0)
        if not seconds:
            for table, key in counts:
                table.arm(key, now)
        return seconds

    def failed(self, address: str, nick: str, has_code: bool = False) -> None:
        """Count a failed attempt."""
        now = self._seconds()
        for table, key in self._counts(address, nick, has_code):
            table.add(key, now)

    def succeeded(self, address: str, nick: str) -> None:
        """Remember where an account logged in, and forget its failures there.

        Failures elsewhere, or with other accounts, still count: otherwise an attacker's login to
        their own account would buy five guesses at somebody else's.
        """
        key, group = _account_key(nick), address_group(address)
        self._returning.remove((key, group))
        groups = [known for known in self._known.pop(key, ()) if known != group]
        self._known[key] = (*groups, group)[-self._limits.login_known_addresses :]
        if len(self._known) > self._limits.login_known_kept:
            self._known.popitem(last=False)

    def network(self, nick: str) -> str | None:
        """Return the group of addresses where an account logged in last, if that is known."""
        known = self._known.get(_account_key(nick))
        return None if known is None else known[-1]

    def renamed(self, was: str, nick: str) -> None:
        """Keep the known addresses of an account whose nickname changes from `was` to `nick`."""
        known = self._known.pop(_account_key(was), None)
        if known is not None:
            self._known[_account_key(nick)] = known

    def _counts(self, address: str, nick: str, has_code: bool) -> list[tuple[_BackOff, _Key]]:
        """Return the tables in which an attempt counts, each with its key."""
        key, group = _account_key(nick), address_group(address)
        is_proxy = is_loopback(address)  # It may be a reverse proxy, and so everybody.
        if group in self._known.get(key, ()) or (has_code and is_proxy):
            return [(self._returning, (key, group))]
        counts: list[tuple[_BackOff, _Key]] = []
        if key and not has_code:
            counts.append((self._accounts, key))
        if not is_proxy:
            counts.append((self._addresses, group))
        return counts


@lru_cache(_KEYS)
def _account_key(nick: str) -> str:
    """Return the key of an account, which is always short; empty if `nick` is not a nickname."""
    try:
        return name_key(prepare_nick(nick))
    except RequestError:
        return ""

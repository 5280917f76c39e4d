"""Failed logins: who fails again and again has to wait, and cannot make anybody else wait.

Failures are counted per group of addresses (`addresses.py`) and per account. The first few are
free; after that each failure doubles the wait before the next attempt. Where an account has got in
before, neither count applies: only its own failures from there do. So whoever hammers an account
from elsewhere, or other accounts from the same address, does not keep its owner waiting; only who
hammers that account from the owner's own address does.

All tables are bounded: the oldest entries are dropped. Nothing survives a restart.
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
"""Nicknames whose key is remembered, because every login needs it twice. Each is as long as a login
can hold, so 1 MiB at most."""


class _Entry:
    """The failures of one key."""

    __slots__ = ("count", "since", "until")

    def __init__(self, now: float) -> None:
        self.count = 0
        self.since = now
        """When the last failure was, or was forgotten."""
        self.until = now
        """When the next attempt will be considered."""


class _BackOff:
    """Counts failures per key, and says how long each key has to wait."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        """The latest failure is last."""
        doublings = ceil(log2(limits.login_wait_last / limits.login_wait_first))
        self._most = limits.login_failures_free + max(doublings, 0)
        """The count at which the wait is longest: more would only take longer to forget."""

    def __len__(self) -> int:
        return len(self._entries)

    def wait(self, key: _Key, now: float) -> float:
        """Return for how many seconds no attempt is considered."""
        entry = self._entries.get(key)
        return 0.0 if entry is None else max(0.0, entry.until - now)

    def arm(self, key: _Key, now: float) -> None:
        """Let the attempt after this one wait for as long as the failures so far demand."""
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
        """Return the failures that are not forgotten by now, if any."""
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
        """Return for how many seconds the next attempt waits after `count` failures."""
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
        """By account and group of addresses, where that account has got in before."""
        self._known: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        """From where each account got in, the latest last; the accounts in the same order."""

    def sizes(self) -> tuple[int, int, int, int]:
        """Return the sizes of the tables: failures of addresses, of accounts, of accounts at their
        usual addresses; accounts with known addresses."""
        return len(self._addresses), len(self._accounts), len(self._returning), len(self._known)

    def wait(self, address: str, nick: str) -> float:
        """Return in how many seconds an attempt from `address` to be `nick` may be made.

        At 0 it may be made now. If failures already cost a wait, the next attempt's begins now:
        otherwise many at once would get through before the first of them has failed.
        """
        now = self._seconds()
        counts = self._counts(address, nick)
        seconds = max((table.wait(key, now) for table, key in counts), default=0.0)
        if not seconds:
            for table, key in counts:
                table.arm(key, now)
        return seconds

    def failed(self, address: str, nick: str) -> None:
        """Count a failed attempt."""
        now = self._seconds()
        for table, key in self._counts(address, nick):
            table.add(key, now)

    def succeeded(self, address: str, nick: str) -> None:
        """Remember from where an account got in, and forget its failures there.

        Failures elsewhere, or at other accounts, stay counted: otherwise one login of one's own
        would buy five guesses at another's account.
        """
        key, group = _account_key(nick), address_group(address)
        self._returning.remove((key, group))
        groups = [known for known in self._known.pop(key, ()) if known != group]
        self._known[key] = (*groups, group)[-self._limits.login_known_addresses :]
        if len(self._known) > self._limits.login_known_kept:
            self._known.popitem(last=False)

    def renamed(self, was: str, nick: str) -> None:
        """Keep the addresses of an account that was called `was` and is now called `nick`."""
        known = self._known.pop(_account_key(was), None)
        if known is not None:
            self._known[_account_key(nick)] = known

    def _counts(self, address: str, nick: str) -> list[tuple[_BackOff, _Key]]:
        """Return the tables that an attempt counts in, each with its key."""
        key, group = _account_key(nick), address_group(address)
        if group in self._known.get(key, ()):
            return [(self._returning, (key, group))]
        counts: list[tuple[_BackOff, _Key]] = [(self._accounts, key)] if key else []
        if not is_loopback(address):  # That may be a reverse proxy, and so everybody.
            counts.append((self._addresses, group))
        return counts


@lru_cache(_KEYS)
def _account_key(nick: str) -> str:
    """Return the key of an account, which is never long; empty if `nick` is no nickname."""
    try:
        return name_key(prepare_nick(nick))
    except RequestError:
        return ""

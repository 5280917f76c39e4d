"""The operator's log: one line for each thing that happened, with who, from where, and why.

A line is a word that says what happened, and fields, as ``login session=7 nick=ana``. No text of a
user's can look like another field or another line: what is not plain is quoted and escaped.
Messages, topics, reasons, and who talks to whom, are never logged. Addresses are logged as the
operator chose.

Strangers and users can cause lines without limit, so each kind has a budget for each minute; what
exceeds it is counted, and the count is a line. So nobody can fill the disk with lines. One account,
or network of a stranger, has a small part of it, so that it cannot hide what others do.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from enum import Enum
from ipaddress import ip_address, ip_network
from time import monotonic
from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from chat.ids import NOBODY, AccountId
from chat.rooms.addresses import Address, address_group, is_loopback

__all__ = ["LINES", "MINUTE", "SAME", "LogAddresses", "OperatorLog", "budget_of", "field"]

_log = Logger()

MINUTE: Final = 60.0
"""Seconds for which a budget holds."""
LINES: Final = 600
"""Most lines of one kind in a minute: with some 150 bytes each and four kinds that strangers can
cause, half a gigabyte a day under permanent attack."""
SAME: Final = 30
"""Most of them from one network, or about one account."""

_PLAIN: Final = re.compile(r"[\w.:/+][\w.:/+@,-]*")
"""Text that needs no quotes."""
_FIELD_CHARACTERS: Final = 80
"""The longest text that is shown whole: a nickname has 32 characters."""
_SERVER_CHARACTERS: Final = 4_096
"""The same for what the operator has set: paths, limits."""
_IPV4_BITS, _IPV6_BITS = 24, 48


class LogAddresses(Enum):
    """How much of clients' addresses the log shows."""

    FULL = "full"
    NETWORK = "network"
    """The first 24 bits of an IPv4 address, 48 of an IPv6 address."""
    NONE = "none"

    def shown(self, address: str) -> str:
        """Return an address, or a network, as far as the log may show it."""
        if self is LogAddresses.NONE:
            return "hidden"
        if self is LogAddresses.FULL:
            return field(address)
        try:
            parsed = ip_address(address.partition("/")[0])
        except ValueError:
            return field(address)  # A local socket.
        mapped = parsed.ipv4_mapped if parsed.version == 6 else None
        parsed = mapped or parsed
        bits = _IPV4_BITS if parsed.version == 4 else _IPV6_BITS
        # As an integer, without the scope of a link-local address.
        whole = type(parsed)(int(parsed))
        return str(ip_network(f"{whole}/{bits}", strict=False))


def field(text: str, most: int = _FIELD_CHARACTERS) -> str:
    """Return a text, or its first `most` characters, as one field of a line: plain, or quoted and
    escaped."""
    if len(text) > most:
        text = text[:most] + "…"
    if _PLAIN.fullmatch(text):
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


def budget_of(address: Address, account: AccountId = NOBODY) -> str:
    """Return what has a budget of its own: an account, or the network of somebody who has not
    logged in. A loopback address has none, because a reverse proxy there is everybody."""
    if account:
        return account.hex()
    return "" if is_loopback(address) else address_group(address)


class OperatorLog:
    """Writes the lines."""

    def __init__(
        self,
        addresses: LogAddresses = LogAddresses.FULL,
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        """`seconds` is a monotonic clock."""
        self._addresses = addresses
        self._seconds = seconds
        self._since = seconds()
        self._lines: Counter[str] = Counter()
        """How many lines of each kind this minute has."""
        self._same: Counter[tuple[str, str]] = Counter()
        """The same by the network or account that caused them. At most `LINES` of each kind."""
        self._more: Counter[tuple[str, str]] = Counter()
        """How many were left out, by kind and cause."""
        self._looping = LoopingCall(self._turn)

    def start(self, clock: IReactorTime) -> None:
        """Report every minute what was left out, even if nothing else happens."""
        self._looping.clock = clock
        self._looping.start(MINUTE, now=False)

    def stop(self) -> None:
        """Report it for the last time."""
        if self._looping.running:
            self._looping.stop()
        self._turn()

    def shown(self, address: str) -> str:
        """Return an address, or a network, as far as the log may show it."""
        return self._addresses.shown(address)

    # --- Caused by clients: bounded ---

    def client(
        self, what: str, by: str, session: int, address: str, /, **fields: str | AccountId
    ) -> None:
        """Log what a connection did, or what was done to it.

        `by` is what has a budget of its own: a network or an account; empty for no such budget.
        `fields` are further fields of the line, unless empty; of these, `cause` is counted for
        lines that are left out.
        """
        if self._take(what, by, str(fields.get("cause", ""))):
            about = {"session": str(session), "address": self.shown(address)}
            self._write(what, about | {name: _value(it) for name, it in fields.items() if it})

    def stranger(self, address: str) -> None:
        """Log a connection from somebody who is not a proxy, where only proxies may connect."""
        if self._take("not-a-proxy", "", ""):
            self._write("not-a-proxy", {"address": self.shown(address)})

    def _take(self, what: str, by: str, cause: str) -> bool:
        if self._seconds() - self._since >= MINUTE:
            self._turn()
        if self._lines[what] < LINES and (not by or self._same[what, by] < SAME):
            self._lines[what] += 1
            self._same[what, by] += 1
            return True
        self._more[what, cause] += 1
        return False

    def _turn(self) -> None:
        """Begin a new minute, and report what the last one left out."""
        self._since = self._seconds()
        self._lines.clear()
        self._same.clear()
        more, self._more = self._more, Counter()
        for (what, cause), count in more.items():
            fields = {"cause": field(cause)} if cause else {}
            self._write(what, {"more": str(count)} | fields)

    # --- Bounded by the limits of what accounts may do, and by the operator ---

    def acted(self, session: int, address: str, /, **fields: str | AccountId) -> None:
        """Log an action of moderation."""
        about = {"session": str(session), "address": self.shown(address)}
        self._write("moderation", about | {name: _value(it) for name, it in fields.items() if it})

    def administered(self, command: str, about: Mapping[str, object], is_done: bool) -> None:
        """Log a command of chat.admin, which came through the admin socket, and its arguments."""
        arguments = {
            name: self.shown(str(value)) if name == "network" else field(str(value))
            for name, value in about.items()
        }
        outcome = {"by": "admin.sock", "done": "yes" if is_done else "no"}
        self._write("administration", {"command": command} | arguments | outcome)

    def server(self, what: str, **fields: str | int) -> None:
        """Log what happens to the server itself."""
        self._write(what, {name: field(str(it), _SERVER_CHARACTERS) for name, it in fields.items()})

    def _write(self, what: str, fields: Mapping[str, str]) -> None:
        # Each is a field of the event too, for logs in JSON.
        _log.info(" ".join([what, *(f"{name}={{{name}}}" for name in fields)]), **fields)


def _value(value: str | AccountId) -> str:
    return value.hex() if isinstance(value, bytes) else field(value)

"""Where one was: the servers, with the nickname and the room on each, the latest one first.

So that a later start goes straight there. One line for each: address, nickname and room,
percent-encoded.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from chat.client.core.address import Address, AddressError, parse_address
from chat.client.core.interfaces import StorageError
from chat.client.storage.append import read_lines
from chat.files import write_whole

__all__ = ["Servers", "Visit"]

_MOST: Final = 32
"""Servers that are remembered."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A server, and what one is called and was reading there."""

    address: Address
    """Host and port alone."""
    nick: str
    room: str = ""
    """Empty where it is not known; ``@`` and a nickname for a conversation."""


class Servers:
    """The servers, kept in the client's directory."""

    def __init__(self, home: Path) -> None:
        self.path = home / "servers"

    def read(self) -> tuple[Visit, ...]:
        """Return all of them, the latest one first. Raises StorageError."""
        try:
            lines = read_lines(self.path)
        except OSError as error:
            raise StorageError(f"{self.path} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise StorageError(f"{self.path} is not UTF-8; put it right or remove it") from None
        visits = []
        for number, line in lines:
            try:
                address, nick, room = line.split(" ")
                where = parse_address(unquote(address, errors="strict"))
                names = [unquote(it.removeprefix("-"), errors="strict") for it in (nick, room)]
            except (ValueError, AddressError):
                raise StorageError(
                    f"{self.path} is damaged in line {number}; put it right or remove that line"
                ) from None
            visits.append(Visit(where, *names))
        return tuple(visits[:_MOST])

    def note(self, visit: Visit) -> None:
        """Let a server, as it is now, be the latest one. Raises StorageError."""
        visit = replace(visit, address=Address(visit.address.host, visit.address.port))
        before = self.read()
        others = [it for it in before if it.address != visit.address]
        after = (visit, *others)[:_MOST]
        if after == before:
            return
        try:
            text = "".join(f"{_line(it)}\n" for it in after)
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self.path, text.encode())
        except OSError as error:
            raise StorageError(f"{self.path} cannot be written: {error.strerror}") from None
        except UnicodeEncodeError:
            raise StorageError("That server has a name that no file can have") from None


def _line(visit: Visit) -> str:
    # A dash, so that none is empty.
    nick, room = (f"-{quote(it, safe='')}" for it in (visit.nick, visit.room))
    return f"{quote(str(visit.address), safe='[]:')} {nick} {room}"

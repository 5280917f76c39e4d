"""The file of one's accounts: which bearer secret belongs to a nickname at a server.

One line each: ``HOST:PORT NICK SECRET``, the secret in base64, or ``-`` where the nickname is one's
own no longer. Lines are only ever appended, in one write each, so clients that run together lose
nothing of each other's; the last line for an address and nickname counts. Two nicknames are the
same when their `chat.rooms.names.name_key` is.

Who reads this file can be all these accounts: it is made for the user alone.
"""

import base64
import binascii
import os
from pathlib import Path
from typing import Final

from chat.client.address import Address
from chat.client.append import append_line, read_lines
from chat.rooms.names import name_key
from chat.wire.sealing import RandomBytes

__all__ = ["SECRET_BYTES", "Accounts", "AccountsError"]

SECRET_BYTES: Final = 32

_RETIRED: Final = "-"


class AccountsError(Exception):
    """The file cannot be used; the text says why."""


class Accounts:
    """The secrets of the accounts at one server, kept in `path`.

    Nicknames are given as `chat.rooms.names.prepare_nick` returns them: without white space.
    """

    def __init__(
        self, path: Path, address: Address, random_bytes: RandomBytes = os.urandom
    ) -> None:
        self.path = path
        self._address = str(address)
        self._random_bytes = random_bytes

    def secret(self, nick: str) -> bytes | None:
        """Return the secret of the account known as `nick`, None if there is none.

        Raises AccountsError.
        """
        secrets = self._secrets(nick)
        return secrets[-1] if secrets else None

    def create(self, nick: str) -> bytes:
        """Return a new secret for `nick`, which is on the disk by then. Raises AccountsError."""
        secret = self._random_bytes(SECRET_BYTES)
        self._append(nick, secret)
        return secret

    def withdraw(self, nick: str, secret: bytes) -> bytes | None:
        """Take back a secret that `create` made and the server did not accept for `nick`.

        Return the one that counts now: another client may have written its own just before, and
        that must not be lost. Raises AccountsError.
        """
        others = [other for other in self._secrets(nick) if other not in (secret, None)]
        counts = others[-1] if others else None
        self._append(nick, counts)
        return counts

    def rename(self, old: str, new: str, secret: bytes) -> None:
        """Note that the account known as `old` is known as `new` now. Raises AccountsError."""
        self._append(new, secret)
        if name_key(old) != name_key(new):
            self._append(old, None)

    def _append(self, nick: str, secret: bytes | None) -> None:
        value = _RETIRED if secret is None else base64.b64encode(secret).decode()
        try:
            append_line(self.path, f"{self._address} {nick} {value}")
        except OSError as error:
            raise AccountsError(f"{self.path} cannot be written: {error.strerror}") from None

    def _secrets(self, nick: str) -> list[bytes | None]:
        """Return what every line for `nick` says, the first first. Raises AccountsError."""
        key = name_key(nick)
        found = []
        try:
            lines = read_lines(self.path)
        except OSError as error:
            raise AccountsError(f"{self.path} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise AccountsError(f"{self.path} is damaged: it is not UTF-8") from None
        for number, line in lines:
            # A damaged file is refused as a whole: to skip a line could mean to become a stranger.
            words = line.split(" ")
            secret = _decode(words[2]) if len(words) == 3 else b""
            if secret == b"":
                raise AccountsError(f"{self.path} is damaged in line {number}")
            if words[0] == self._address and name_key(words[1]) == key:
                found.append(secret)
        return found


def _decode(text: str) -> bytes | None:
    """Return the secret that a line has, None for a retired one, nothing for a damaged one."""
    if text == _RETIRED:
        return None
    try:
        secret = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return secret if len(secret) == SECRET_BYTES else b""

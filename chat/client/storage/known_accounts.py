"""The file of those whom this user has talked to alone: who somebody is, whatever the name.

A line has the address of the server, the user's account, a nickname and the conversation with
whoever had it; the last one of a nickname counts. A dash in place of the conversation forgets it.
Lines are only ever appended, in one write each.
"""

from pathlib import Path

from chat.client.core.address import Address
from chat.client.core.interfaces import StorageError
from chat.client.storage.append import append_line, read_lines
from chat.ids import AccountId, LogId
from chat.rooms.names import name_key

__all__ = ["KnownAccounts"]


class KnownAccounts:
    """Those of one server, kept in `path`, which is read once."""

    def __init__(self, path: Path, address: Address) -> None:
        self._path = path
        self._address = address
        self._known: dict[tuple[AccountId, str], LogId] | None = None

    def find(self, account: AccountId, nick: str) -> LogId | None:
        """Return the conversation that `account` last had with whoever had this nickname.

        Raises StorageError.
        """
        return self._load().get((account, name_key(nick)))

    def keep(self, account: AccountId, nick: str, log: LogId | None) -> None:
        """Remember it, or (None) forget it. Raises StorageError."""
        known, key = self._load(), (account, name_key(nick))
        if known.get(key) == log:
            return
        line = f"{self._address} {account.hex()} {nick} {'-' if log is None else log.hex()}"
        try:
            append_line(self._path, line)
        except OSError as error:
            raise StorageError(f"{self._path} cannot be written: {error.strerror}") from None
        _set(known, key, log)

    def _load(self) -> dict[tuple[AccountId, str], LogId]:
        if self._known is not None:
            return self._known
        try:
            lines = read_lines(self._path)
        except OSError as error:
            raise StorageError(f"{self._path} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise StorageError(f"{self._path} is not UTF-8; put it right or remove it") from None
        known: dict[tuple[AccountId, str], LogId] = {}
        for number, line in lines:
            try:
                address, account, nick, log = line.split(" ")
                key = AccountId(bytes.fromhex(account)), name_key(nick)
                known_log = None if log == "-" else LogId(bytes.fromhex(log))
            except ValueError:
                # Skipped, its account would look new.
                raise StorageError(
                    f"{self._path} is damaged in line {number}; put it right or remove that line"
                ) from None
            if address == str(self._address):
                _set(known, key, known_log)
        self._known = known
        return known


def _set(
    known: dict[tuple[AccountId, str], LogId], key: tuple[AccountId, str], log: LogId | None
) -> None:
    if log is None:
        known.pop(key, None)
    else:
        known[key] = log

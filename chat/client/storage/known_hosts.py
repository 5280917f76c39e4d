"""The file of host keys this user has accepted: trust on first use, as SSH does it.

A line has address, fingerprint, and the day it was accepted; the last one of an address counts, the
others are the keys that came before. Lines are only ever appended, in one write each, so two
clients that start together cannot lose each other's.
"""

from datetime import UTC, datetime
from pathlib import Path

from platformdirs import user_config_path

from chat.client.core.address import Address
from chat.client.core.interfaces import StorageError
from chat.client.storage.append import append_line, read_lines
from chat.files import home_path
from chat.wire.hostkey import is_fingerprint

__all__ = ["KnownHosts", "default_home"]


def default_home() -> Path:
    """Return the directory of the client's settings: ``$ENCCHAT_HOME``, or the platform's.

    Raises StorageError if there is no home directory.
    """
    try:
        return home_path("ENCCHAT_HOME", lambda: user_config_path("encchat", appauthor=False))
    except FileNotFoundError as error:
        raise StorageError(error.strerror) from None


class KnownHosts:
    """The pinned fingerprints, kept in `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        """What a user calls it: its path."""
        return str(self.path)

    def fingerprint(self, address: Address) -> str | None:
        """Return what `address` was last pinned with, None if it never was.

        Raises StorageError.
        """
        try:
            lines = read_lines(self.path)
        except OSError as error:
            raise StorageError(f"{self.path} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise StorageError(
                f"{self.path} is not UTF-8; put it right or remove it, and every server is new "
                "again"
            ) from None
        pinned = None
        for number, line in lines:
            # A damaged file is refused as a whole: skipping a line would make its host look new.
            words = line.split(" ")
            if len(words) != 3 or not is_fingerprint(words[1]):
                raise StorageError(
                    f"{self.path} is damaged in line {number}; put it right or remove that line, "
                    "and its server is new again"
                )
            if words[0] == str(address):
                pinned = words[1]
        return pinned

    def pin(self, address: Address, fingerprint: str) -> None:
        """Remember that `address` has this fingerprint. Raises StorageError."""
        try:
            append_line(self.path, f"{address} {fingerprint} {datetime.now(UTC):%Y-%m-%d}")
        except OSError as error:
            raise StorageError(f"{self.path} cannot be written: {error.strerror}") from None

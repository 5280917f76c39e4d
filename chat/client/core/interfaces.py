"""What the core needs of the world around it."""

from typing import Protocol

from msgspec import Struct

from chat.client.core.address import Address
from chat.ids import AccountId, LogId
from chat.wire.errors import CloseCode
from chat.wire.identity import Identity
from chat.wire.messages import Login

__all__ = ["KeyRing", "Link", "Network", "Partners", "Pins", "StorageError"]


class StorageError(Exception):
    """Something that is kept cannot be used; the text says why, without a full stop."""


class Link(Protocol):
    """A connection that has a handshake behind it or is in the middle of one."""

    @property
    def binding(self) -> bytes:
        """What names the connection, for the login to sign."""
        ...

    def login(self, login: Login) -> None:
        """Accept the host key, and log in."""
        ...

    def send(self, message: Struct) -> None:
        """Send a message. Raises LocalProtocolError for one that does not fit."""
        ...

    def close(self, code: CloseCode) -> None:
        """Say why, and end the connection."""
        ...


class Network(Protocol):
    """Makes connections, and tells the core of each."""

    def connect(self) -> None:
        """Connect, and connect again whenever the connection is lost, until `stop`.

        If the first attempt fails, `Core.disconnected` is called without a link. Before each later
        one `Core.retry_delay` says how long to wait.
        """
        ...

    def stop(self) -> None:
        """Make no more connections, and end the one there is."""
        ...


class KeyRing(Protocol):
    """The user's identity keys, by nickname."""

    def identity(self, nick: str) -> Identity:
        """Return the key for a nickname, made if need be. Raises StorageError."""
        ...

    def keep(self, nick: str) -> None:
        """Note that a nickname's key belongs to an account now."""
        ...

    def discard(self, nick: str) -> None:
        """Remove a nickname's key if this client made it and no account has it."""
        ...

    def rename(self, old: str, new: str) -> str | None:
        """Let the key of `old` be that of `new`, too.

        Return where the key still is if `new` has another key, which stays. Raises StorageError.
        """
        ...


class Partners(Protocol):
    """Whom the user has talked to alone: a conversation's log stands for its two accounts."""

    def find(self, account: AccountId, nick: str) -> LogId | None:
        """Return the conversation that `account` last had with whoever had this nickname.

        Raises StorageError.
        """
        ...

    def keep(self, account: AccountId, nick: str, log: LogId | None) -> None:
        """Remember it, or (None) forget it. Raises StorageError."""
        ...


class Pins(Protocol):
    """The host keys that the user has accepted."""

    @property
    def name(self) -> str:
        """What a user calls the place where they are kept."""
        ...

    def fingerprint(self, address: Address) -> str | None:
        """Return what `address` was last pinned with, if ever. Raises StorageError."""
        ...

    def pin(self, address: Address, fingerprint: str) -> None:
        """Remember that `address` has this fingerprint. Raises StorageError."""
        ...

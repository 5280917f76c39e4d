"""What a core needs of the user's directory: identities, pinned host keys, known accounts."""

from pathlib import Path
from typing import TypedDict

from chat.client.core.address import Address
from chat.client.core.interfaces import KeyRing, Partners, Pins
from chat.client.storage.identities import Identities
from chat.client.storage.known_accounts import KnownAccounts
from chat.client.storage.known_hosts import KnownHosts

__all__ = ["Kept", "kept_in"]


class Kept(TypedDict):
    """Arguments of `chat.client.network.assemble.assemble`."""

    keys: KeyRing
    pins: Pins
    partners: Partners


def kept_in(
    home: Path, address: Address, identity: Path | None = None, passphrase: str | None = None
) -> Kept:
    """Return what a directory keeps for the client of one server.

    `identity` is a key file to use instead of the nickname's, `passphrase` what key files are
    encrypted with.
    """
    return Kept(
        keys=Identities(home, identity, passphrase),
        pins=KnownHosts(home / "known_hosts"),
        partners=KnownAccounts(home / "known_accounts", address),
    )

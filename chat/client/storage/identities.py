"""The files of one's identities: an Ed25519 key for each nickname, made on first use.

``identity-NICK.pem`` in the client's directory, for the user alone; or a file that the user named,
which may be OpenSSH's. Whoever has such a key, and its passphrase if it has one, is that account on
every server.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from Crypto import PassphraseRequiredError

from chat.files import create_whole
from chat.wire.identity import Identity

__all__ = ["Identities", "IdentityError"]


class IdentityError(Exception):
    """A key cannot be used; the text says why, without a full stop."""


class Identities:
    """Finds keys, and makes them.

    With `named`, that file is the key of every nickname. `passphrase` opens keys that have one, and
    protects those that are made.
    """

    def __init__(
        self, home: Path, named: Path | None = None, passphrase: str | None = None
    ) -> None:
        self._home = home
        self._named = named
        self._passphrase = passphrase
        self._made: set[Path] = set()
        """Those that are of no account yet, as far as is known."""

    def path(self, nick: str) -> Path:
        """Return where the key of a nickname is."""
        if self._named is not None:
            return self._named
        # Percent-encoded: what a nickname may contain, not every file system takes.
        return self._home / f"identity-{quote(nick.casefold(), safe='')}.pem"

    def identity(self, nick: str) -> Identity:
        """Return the key of a nickname, made if need be. Raises IdentityError."""
        path = self.path(nick)
        try:
            if self._named is None and not path.exists():
                self._create(path, Identity.generate())
                self._made.add(path)
            return self._read(path)
        except OSError as error:
            raise IdentityError(f"{path} cannot be used: {error.strerror}") from None

    def keep(self, nick: str) -> None:
        """Note that the key of a nickname is that of an account."""
        self._made.discard(self.path(nick))

    def discard(self, nick: str) -> None:
        """Remove the key of a nickname that somebody else has, if it was made here, and for
        nothing. One that was there already stays: it may be an account's on another server."""
        path = self.path(nick)
        if path in self._made:
            self._made.remove(path)
            with suppress(OSError):
                path.unlink()

    def rename(self, old: str, new: str) -> Path | None:
        """Let the key of `old` be that of `new`, too.

        Return where it still is if `new` has another key already, which then stays. Raises
        IdentityError.
        """
        source, target = self.path(old), self.path(new)
        try:
            if target.exists():
                return None if self._read(target).public == self._read(source).public else source
            self._create(target, self._read(source))
        except OSError as error:
            raise IdentityError(f"{target} cannot be written: {error.strerror}") from None
        return None

    def _read(self, path: Path) -> Identity:
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise IdentityError(f"{path} can be read by others; chmod 600 it first")
        try:
            return Identity.from_text(path.read_text("ascii"), self._passphrase)
        except PassphraseRequiredError:
            raise IdentityError(f"{path} is protected; use --passphrase") from None
        except ValueError as error:
            if self._passphrase is not None and "assphrase" in str(error):
                raise IdentityError(f"{path} has another passphrase") from None
            raise IdentityError(f"{path} is not a private Ed25519 key") from None

    def _create(self, path: Path, identity: Identity) -> None:
        """Write a key, unless another client of the same user was faster."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        create_whole(path, identity.to_pem(self._passphrase).encode("ascii"))

"""The files of one's identities: an Ed25519 key for each nickname, made on first use.

``identity-NICK.pem`` in the client's directory, for the user alone; or a file that the user named,
which may be OpenSSH's. Whoever has such a key, and its passphrase if it has one, is that account on
every server.
"""

import hashlib
import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

from Crypto import PassphraseRequiredError

from chat.client.core.interfaces import StorageError
from chat.files import create_whole
from chat.ids import DeviceKey
from chat.wire.identity import Identity

__all__ = ["Identities"]

_NAME_BYTES: Final = 96
"""The longest nickname, percent-encoded, that is a file's name as it is: 32 characters that are all
escaped. Some file systems take no more than 143 bytes, what is around it included."""
_BEGIN_BYTES: Final = 60
"""What a longer one begins with, for people; its hash follows."""
_OLD_NAME_BYTES: Final = 255
_CUT_ESCAPE: Final = re.compile("%.?$")


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
        self._made: dict[Path, DeviceKey] = {}
        """Those that this client made and that no account has, as far as is known."""

    def path(self, nick: str) -> Path:
        """Return where the key of a nickname is."""
        if self._named is not None:
            return self._named
        # Percent-encoded: what a nickname may contain, not every file system takes.
        folded = nick.casefold()
        name = quote(folded, safe="")
        if len(name) > _NAME_BYTES:
            whole = self._home / f"identity-{name}.pem"
            # As earlier versions called it, where it was not too long for them.
            if len(whole.name) <= _OLD_NAME_BYTES and whole.exists():
                return whole
            begin = _CUT_ESCAPE.sub("", name[:_BEGIN_BYTES])
            # quote() leaves no "+", so nobody's whole name looks like this.
            name = f"{begin}+{hashlib.sha256(folded.encode()).hexdigest()[:32]}"
        return self._home / f"identity-{name}.pem"

    def identity(self, nick: str) -> Identity:
        """Return the key of a nickname, made if need be. Raises StorageError."""
        path = self.path(nick)
        try:
            if self._named is None and not path.exists():
                made = Identity.generate()
                if self._create(path, made):
                    self._made[path] = made.public
            return self._read(path)
        except OSError as error:
            raise StorageError(f"{path} cannot be used: {error.strerror}") from None

    def keep(self, nick: str) -> None:
        """Note that the key of a nickname is that of an account."""
        self._made.pop(self.path(nick), None)

    def discard(self, nick: str) -> None:
        """Remove the key of a nickname that somebody else has, if it was made here, and for
        nothing. Any other stays, also one that another client of the same user has put there since:
        it may be an account's, on this server or on another."""
        path = self.path(nick)
        made = self._made.pop(path, None)
        with suppress(OSError, StorageError):
            if made is not None and self._read(path).public == made:
                path.unlink()

    def rename(self, old: str, new: str) -> str | None:
        """Let the key of `old` be that of `new`, too.

        Return where it still is if `new` has another key already, which then stays. Raises
        StorageError.
        """
        source, target = self.path(old), self.path(new)
        try:
            if target.exists():
                is_same = self._read(target).public == self._read(source).public
                return None if is_same else str(source)
            self._create(target, self._read(source))
        except OSError as error:
            raise StorageError(f"{target} cannot be written: {error.strerror}") from None
        return None

    def _read(self, path: Path) -> Identity:
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise StorageError(f"{path} can be read by others; chmod 600 it first")
        try:
            return Identity.from_text(path.read_text("ascii"), self._passphrase)
        except PassphraseRequiredError:
            raise StorageError(f"{path} is protected; use --passphrase") from None
        except ValueError as error:
            if self._passphrase is not None and "assphrase" in str(error):
                raise StorageError(f"{path} has another passphrase") from None
            raise StorageError(f"{path} is not a private Ed25519 key") from None

    def _create(self, path: Path, identity: Identity) -> bool:
        """Write a key; return False if another client of the same user was faster."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return create_whole(path, identity.to_pem(self._passphrase).encode("ascii"))

"""Passwords of users, in a file of memory-hard hashes.

A line for each user, ``NICK:$scrypt$ln=15,r=8,p=1$SALT$HASH``: the nickname, and what scrypt
(RFC 7914) makes of the password, in the PHC string format: base64 without padding, log2 N, salt of
16 bytes, hash of 32. Whoever reads the file checks all of it; with one bad line none is used.
"""

import fcntl
import hashlib
import hmac
import os
import re
import stat
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from precis_i18n import get_profile

from chat.files import write_whole
from chat.rooms.names import name_key, prepare_nick
from chat.server.settings import ConfigurationError

__all__ = [
    "PARAMETERS",
    "PASSWORD_BYTES",
    "BadPasswordError",
    "Parameters",
    "PasswordFile",
    "PasswordFileError",
    "Scrypt",
    "prepare_password",
    "scrypt",
]

PASSWORD_BYTES: Final = 256
"""A password in UTF-8, prepared."""

_TYPED_BYTES: Final = 4 * PASSWORD_BYTES
"""The same as typed, looked at first, because preparing takes time for each character. What is
prepared has no less than a third of the bytes, where characters are composed or are wide spaces."""

_FILE_BYTES: Final = 2**20
"""A file of passwords: some 10,000 users of 100 bytes. It is read for each login, which takes as
long as a hash when it is as large as that; more users are for a directory (LDAP)."""

_SALT_BYTES: Final = 16
_HASH_BYTES: Final = 32

_LOG2_N_MOST: Final = 20
_COST_MOST: Final = 2**30
"""What a line may cost: 128 N r p, which N = 2**20, r = 8, p = 1 reaches with 1 GiB and 4 s."""

_OPAQUE_STRING: Final = get_profile("OpaqueString")

_LINE: Final = re.compile(
    r"(?P<nick>[^:\s]+):\$scrypt\$ln=(?P<ln>[1-9][0-9]?),r=(?P<r>[1-9][0-9]?),p=(?P<p>[1-9][0-9]?)"
    r"\$(?P<salt>[A-Za-z0-9+/]{22})\$(?P<hash>[A-Za-z0-9+/]{43})",
)


class PasswordFileError(ConfigurationError):
    """A password file that cannot be used; the text says why, without nicknames."""


class BadPasswordError(Exception):
    """A password that nobody can have; the text is a sentence for who chose it."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What one hash costs: 128 N r bytes of memory, and time in proportion to N r p."""

    log2_n: int
    r: int
    p: int

    @property
    def memory(self) -> int:
        """Bytes that one hash takes, but for some KiB."""
        return 128 * self.r << self.log2_n


PARAMETERS: Final = Parameters(log2_n=15, r=8, p=1)
"""For new passwords: 32 MiB, and about 0.1 s of one core, so that the two hashes at a time of a
server take 64 MiB. OWASP recommends at least N = 2**17, r = 8, p = 1 (128 MiB, 0.5 s) or, with
similar strength, N = 2**15, r = 8, p = 3: what a stolen file costs to guess is a third of that
here. Each line has its own parameters, so others can be chosen later."""

Scrypt = Callable[[bytes, bytes, Parameters], bytes]
"""Password, salt and cost to hash."""


def scrypt(password: bytes, salt: bytes, parameters: Parameters) -> bytes:
    """Return the hash of 32 bytes. Lets go of the interpreter while it computes."""
    return hashlib.scrypt(
        password,
        salt=salt,
        n=1 << parameters.log2_n,
        r=parameters.r,
        p=parameters.p,
        # What RFC 7914 needs: V, B and two blocks; OpenSSL counts a little more.
        maxmem=parameters.memory + 128 * parameters.r * (parameters.p + 2) + 2**16,
        dklen=_HASH_BYTES,
    )


def prepare_password(password: str) -> bytes:
    """Return what is hashed: an RFC 8265 OpaqueString of 1 to 256 bytes, in UTF-8.

    Raises BadPasswordError.
    """
    if not password:
        raise BadPasswordError("A password cannot be empty.")
    too_long = BadPasswordError(f"A password has at most {PASSWORD_BYTES} bytes.")
    if len(password.encode("utf-8", "surrogatepass")) > _TYPED_BYTES:
        raise too_long
    try:
        prepared = _OPAQUE_STRING.enforce(password).encode()
    except UnicodeEncodeError:
        raise BadPasswordError(
            "A password cannot have control characters or others that are no text."
        ) from None
    if len(prepared) > PASSWORD_BYTES:
        raise too_long
    return prepared


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line."""

    nick: str
    parameters: Parameters
    salt: bytes
    hash: bytes

    def __str__(self) -> str:
        """Return the line, without its end."""
        cost = self.parameters
        return (
            f"{self.nick}:$scrypt$ln={cost.log2_n},r={cost.r},p={cost.p}"
            f"${_encode(self.salt)}${_encode(self.hash)}"
        )


_Entries = dict[str, _Entry]
"""The lines of a file, by name_key."""


class PasswordFile:
    """Passwords of users in a file (mode 0600). All methods block; any thread may call them.

    What cannot be used raises PasswordFileError: a missing file (but for `set`), a damaged one, and
    one of one's own that others may read, which OpenSSH refuses of a private key as well.
    """

    def __init__(
        self, path: Path, parameters: Parameters = PARAMETERS, scrypt: Scrypt = scrypt
    ) -> None:
        self.path = path
        self._parameters = parameters
        self._scrypt = scrypt
        self._secret = os.urandom(32)

    def nicks(self) -> list[str]:
        """Return who has a password, in the order of the file."""
        with self._failing():
            return [entry.nick for entry in self._read().values()]

    def verify(self, nick: str, password: str) -> bool:
        """Return whether that is the password of the user. Costs one hash, whoever the user is.

        A password that nobody can have costs none, for all users alike.
        """
        try:
            prepared = prepare_password(password)
        except BadPasswordError:
            return False
        with self._failing():
            entries = self._read()
        key = name_key(nick)
        compared = entries.get(key, self._stand_in(key, entries))
        computed = self._scrypt(prepared, compared.salt, compared.parameters)
        return hmac.compare_digest(computed, compared.hash) and key in entries

    def set(self, nick: str, password: str) -> None:
        """Give a user a password, in the place of any other. Makes the file if need be.

        Raises BadPasswordError, and NickEmptyError and its like as `prepare_nick`.
        """
        nick, prepared = prepare_nick(nick), prepare_password(password)
        salt = os.urandom(_SALT_BYTES)
        computed = self._scrypt(prepared, salt, self._parameters)
        with self._failing(), self._locked():
            try:
                entries = self._read()
            except FileNotFoundError:
                entries = {}
            entries[name_key(nick)] = _Entry(nick, self._parameters, salt, computed)
            self._write(entries.values())

    def remove(self, nick: str) -> bool:
        """Take a user's password away. Returns whether there was one."""
        with self._failing(), self._locked():
            entries = self._read()
            if entries.pop(name_key(nick), None) is None:
                return False
            self._write(entries.values())
            return True

    def _stand_in(self, key: str, entries: _Entries) -> _Entry:
        """Return an entry that costs what a user's does, always the same for one nickname.

        Where parameters differ between users, those of strangers differ in the same proportion.
        """
        costs = [entry.parameters for entry in entries.values()] or [self._parameters]
        number = int.from_bytes(hmac.digest(self._secret, key.encode(), "sha256"), "big")
        return _Entry("", costs[number % len(costs)], bytes(_SALT_BYTES), bytes(_HASH_BYTES))

    def _read(self) -> _Entries:
        """Return what is in the file. Raises OSError, PasswordFileError."""
        with open(self.path, "rb") as file:
            found = os.fstat(file.fileno())
            if found.st_uid == os.geteuid() and found.st_mode & 0o077:
                raise PasswordFileError(
                    f"others may read or change the password file {self.path};"
                    f" its mode has to be 0600, not {stat.S_IMODE(found.st_mode):04o}"
                )
            content = file.read(_FILE_BYTES + 1)
        if len(content) > _FILE_BYTES:
            raise self._too_large()
        entries: _Entries = {}
        for number, line in enumerate(content.removesuffix(b"\n").split(b"\n"), 1):
            if not content:
                break
            entry = _parse(line)
            if entry is None:
                raise PasswordFileError(
                    f"line {number} of {self.path} is no nickname with an scrypt hash"
                )
            if entries.setdefault(name_key(entry.nick), entry) is not entry:
                raise PasswordFileError(f"line {number} of {self.path} has the nickname of another")
        return entries

    def _write(self, entries: Iterable[_Entry]) -> None:
        """Replace the file by one that is there whole or not at all.

        Raises OSError, and PasswordFileError where it would be too large to be read again.
        """
        content = "".join(f"{entry}\n" for entry in entries).encode()
        if len(content) > _FILE_BYTES:
            raise self._too_large()
        write_whole(self.path, content)  # A password that was taken away does not come back.

    def _too_large(self) -> PasswordFileError:
        return PasswordFileError(
            f"the password file {self.path} cannot have more than {_FILE_BYTES} bytes"
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Change the file alone: of two who write what they have read, one would be lost."""
        lock = self.path.with_name(self.path.name + ".lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise PasswordFileError(
                f"the password file {self.path} cannot be used: {error.strerror}"
            ) from None


def _parse(line: bytes) -> _Entry | None:
    """Return what a line says, if it is one that may be computed."""
    try:
        found = _LINE.fullmatch(line.decode())
    except UnicodeDecodeError:
        return None
    if found is None:
        return None
    cost = Parameters(int(found["ln"]), int(found["r"]), int(found["p"]))
    if cost.log2_n > _LOG2_N_MOST or cost.memory * cost.p > _COST_MOST:
        return None
    if cost.log2_n >= 16 * cost.r:  # N has to be less than 2**(128 r / 8) (RFC 7914 section 2).
        return None
    entry = _Entry(found["nick"], cost, _decode(found["salt"]), _decode(found["hash"]))
    return entry if str(entry).encode() == line else None  # Not with bits beyond the last byte.


def _encode(data: bytes) -> str:
    return b64encode(data).decode("ascii").rstrip("=")


def _decode(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4))

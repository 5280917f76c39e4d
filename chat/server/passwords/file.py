"""Passwords of users, in a file of argon2id hashes.

A line for each user, ``NICK:$argon2id$v=19$m=65536,t=3,p=4$SALT$HASH``: the nickname, and what
argon2id (RFC 9106) makes of the password, with a salt of 16 bytes and a hash of 32. Whoever reads
the file checks all of it; with one bad line none is used.
"""

import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from argon2 import Parameters, PasswordHasher, extract_parameters
from argon2.exceptions import HashingError, VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY
from precis_i18n import get_profile
from twisted.logger import Logger

from chat.files import give_to_owner_of, write_whole
from chat.rooms.names import name_key, prepare_nick
from chat.server.settings import ConfigurationError

__all__ = ["BadPasswordError", "PasswordFile", "PasswordFileError", "prepare_password"]

_log = Logger()

_DEFAULTS: Final = RFC_9106_LOW_MEMORY
"""For new passwords: 64 MiB, and about 0.2 s of processor time, in four threads."""

_DEARER: Final = 4
"""How many times as much a line may cost."""

_PASSWORD_BYTES: Final = 256
"""A password in UTF-8, prepared."""

_FILE_BYTES: Final = 2**20
"""A file of passwords: some 9,000 users of 110 bytes. It is read for each login, which takes as
long as a hash when it is as large as that; more users are for a directory (LDAP)."""

_OPAQUE_STRING: Final = get_profile("OpaqueString")

# U+FFFD is what is no UTF-8. The last characters of salt and hash, 16 and 32 bytes, have no bits
# beyond them, or argon2 would refuse the line at a login.
_LINE: Final = re.compile(
    r"(?P<nick>[^:\s\ufffd]+):(?P<hash>\$argon2id\$v=19"
    r"\$m=[1-9][0-9]{0,8},t=[1-9][0-9]{0,8},p=[1-9][0-9]{0,8}"
    r"\$[A-Za-z0-9+/]{21}[AQgw]\$[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048])"
)


class PasswordFileError(ConfigurationError):
    """A password file that cannot be used; the text says why, without nicknames."""


class BadPasswordError(Exception):
    """A password that nobody can have; the text is a sentence for who chose it."""


def prepare_password(password: str) -> bytes:
    """Return what is hashed: an RFC 8265 OpaqueString of 1 to 256 bytes, in UTF-8.

    Raises BadPasswordError.
    """
    # Preparing takes time for each character. What is cut off here would be too long in any case:
    # prepared, it has no less than a third of its bytes.
    try:
        prepared = _OPAQUE_STRING.enforce(password[: 4 * _PASSWORD_BYTES]).encode()
    except UnicodeEncodeError:
        raise BadPasswordError("A password is text, and has no control characters.") from None
    if len(prepared) > _PASSWORD_BYTES:
        raise BadPasswordError(f"A password has at most {_PASSWORD_BYTES} bytes.")
    return prepared


class _User(NamedTuple):
    nick: str
    hash: str


_Users = dict[str, _User]
"""The lines of a file, by name_key."""


class PasswordFile:
    """Passwords of users in a file (mode 0600). All methods block; any thread may call them.

    What cannot be used raises PasswordFileError: a missing file (but for `set`), a damaged one, and
    one of one's own that others may read, which OpenSSH refuses of a private key as well.
    """

    def __init__(self, path: Path, parameters: Parameters = _DEFAULTS) -> None:
        self.path = path
        self._hasher = PasswordHasher.from_parameters(parameters)
        self._secret = os.urandom(32)

    def nicks(self) -> list[str]:
        """Return who has a password, in the order of the file."""
        return [user.nick for user in self._read().values()]

    def verify(self, nick: str, password: str) -> bool:
        """Return whether that is the password of the user. Costs one hash, whoever the user is.

        Nobody costs any where the file is empty, or the password one that nobody can have. Once it
        is right, a hash that is weaker than new ones is replaced, if the file can be written.
        """
        key = name_key(nick)
        users = self._read()
        if not users:
            return False
        # Strangers cost what some user does, always the same one; so they differ as users do.
        stand_in = Random(self._secret + key.encode()).choice(list(users.values()))
        user = users.get(key, stand_in)
        try:
            prepared = prepare_password(password)
            self._hasher.verify(user.hash, prepared)
        except (BadPasswordError, VerifyMismatchError):
            return False
        # Not check_needs_rehash: that is true of stronger ones as well.
        if key in users and _work(extract_parameters(user.hash)) < _work(self._hasher):
            self._strengthen(key, user, prepared)
        return key in users

    def set(self, nick: str, password: str) -> None:
        """Give a user a password, in the place of any other. Makes the file if need be.

        Raises BadPasswordError, and NickEmptyError and its like as `prepare_nick`.
        """
        user = _User(prepare_nick(nick), self._hasher.hash(prepare_password(password)))
        with self._failing():
            if not self.path.exists():
                self.path.touch(0o600)
                give_to_owner_of(self.path.parent, self.path)
        with self._changing() as users:
            users[name_key(user.nick)] = user

    def remove(self, nick: str) -> bool:
        """Take a user's password away. Returns whether there was one."""
        with self._changing() as users:
            return users.pop(name_key(nick), None) is not None

    def _strengthen(self, key: str, user: _User, password: bytes) -> None:
        """Replace a weak hash, unless it was changed meanwhile. A failure is only logged."""
        try:
            stronger = user._replace(hash=self._hasher.hash(password))
            with self._changing() as users:
                if self.path.stat().st_uid != os.geteuid():  # It would become the server's.
                    raise PasswordFileError("the file is somebody else's")
                if users.get(key) == user:
                    users[key] = stronger
        except (PasswordFileError, HashingError) as error:
            _log.error("A password keeps a weaker hash than new ones: {reason}", reason=str(error))

    def _read(self) -> _Users:
        with self._failing(), self.path.open("rb") as file:
            found = os.fstat(file.fileno())
            mode = stat.S_IMODE(found.st_mode)
            if found.st_uid == os.geteuid() and mode & 0o077 and mode != 0o440:
                raise PasswordFileError(
                    f"others may read or change the password file {self.path}; its mode has to be"
                    f" 0600, or 0440 if it is meant for its group, not {mode:04o}"
                )
            return self._parse(file.read(_FILE_BYTES + 1))

    def _parse(self, content: bytes) -> _Users:
        if len(content) > _FILE_BYTES:
            raise PasswordFileError(
                f"the password file {self.path} cannot have more than {_FILE_BYTES} bytes"
            )
        users: _Users = {}
        for number, line in enumerate(content.splitlines(), 1):
            found = _LINE.fullmatch(line.decode(errors="replace"))
            if found is None or not _is_affordable(extract_parameters(found["hash"])):
                raise PasswordFileError(
                    f"line {number} of {self.path} is no nickname with an argon2id hash"
                )
            user = _User(found["nick"], found["hash"])
            if users.setdefault(name_key(user.nick), user) is not user:
                raise PasswordFileError(f"line {number} of {self.path} has the nickname of another")
        return users

    @contextmanager
    def _changing(self) -> Iterator[_Users]:
        """Give out what is in the file, and write what has become of it; one at a time may."""
        with self._failing():
            while True:
                with self.path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX)
                    # Whoever had the lock before may have put another file in the place of this.
                    if not os.path.samestat(os.fstat(file.fileno()), self.path.stat()):
                        continue
                    yield (users := self._read())
                    content = "".join(f"{nick}:{hash}\n" for nick, hash in users.values()).encode()
                    self._parse(content)
                    return write_whole(self.path, content)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise PasswordFileError(
                f"the password file {self.path} cannot be used: {error.strerror}"
            ) from None


def _is_affordable(cost: Parameters) -> bool:
    return (
        8 * cost.parallelism <= cost.memory_cost <= _DEARER * _DEFAULTS.memory_cost
        and cost.parallelism <= _DEARER * _DEFAULTS.parallelism
        # However little memory: each pass starts threads anew.
        and cost.time_cost <= _DEARER * _DEFAULTS.time_cost
        and _work(cost) <= _DEARER * _work(_DEFAULTS)
    )


def _work(cost: Parameters | PasswordHasher) -> int:
    return cost.memory_cost * cost.time_cost

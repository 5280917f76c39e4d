"""A password file with argon2id hashes.

One line per user, ``NICK:$argon2id$v=19$m=65536,t=3,p=4$SALT$HASH``: the nickname, and the argon2id
hash (RFC 9106) of the password, with a salt of 16 bytes and a hash of 32. Every reader checks the
whole file; a single invalid line makes it unusable.
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
"""For new passwords: 64 MiB, and about 0.2 s of CPU time, in four threads."""

_DEARER: Final = 4
"""How many times more than the default a line may cost."""

_PASSWORD_BYTES: Final = 256
"""Maximum length of a prepared password in UTF-8."""

_FILE_BYTES: Final = 2**20
"""Maximum size of a password file: about 9,000 users of 110 bytes. Every login reads it, which at
this size takes as long as a hash; for more users use a directory (LDAP)."""

_OPAQUE_STRING: Final = get_profile("OpaqueString")

# U+FFFD stands for invalid UTF-8. The last characters of salt (16 bytes) and hash (32 bytes) must
# have no unused bits set, or argon2 would refuse the line at a login.
_LINE: Final = re.compile(
    r"(?P<nick>[^:\s\ufffd]+):(?P<hash>\$argon2id\$v=19"
    r"\$m=[1-9][0-9]{0,8},t=[1-9][0-9]{0,8},p=[1-9][0-9]{0,8}"
    r"\$[A-Za-z0-9+/]{21}[AQgw]\$[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048])"
)


class PasswordFileError(ConfigurationError):
    """A password file that cannot be used; the text says why, without nicknames."""


class BadPasswordError(Exception):
    """An invalid password; the text is a sentence for the user who chose it."""


def prepare_password(password: str) -> bytes:
    """Return the bytes to hash: an RFC 8265 OpaqueString of 1 to 256 bytes in UTF-8.

    Raises BadPasswordError.
    """
    # Preparation takes time per character. A text that is cut off here would be too long anyway:
    # preparation leaves at least a third of its bytes.
    try:
        prepared = _OPAQUE_STRING.enforce(password[: 4 * _PASSWORD_BYTES]).encode()
    except UnicodeEncodeError:
        raise BadPasswordError(
            "A password cannot be empty or contain control or invisible characters."
        ) from None
    if len(prepared) > _PASSWORD_BYTES:
        raise BadPasswordError(f"A password has at most {_PASSWORD_BYTES} bytes.")
    return prepared


class _User(NamedTuple):
    nick: str
    hash: str


_Users = dict[str, _User]
"""The lines of a file, by name_key."""


class PasswordFile:
    """A password file (mode 0600). All methods block; any thread may call them.

    They raise PasswordFileError for a missing file (except `set`), a damaged one, and one of our
    own that others can read, just as OpenSSH refuses such a private key.
    """

    def __init__(self, path: Path, parameters: Parameters = _DEFAULTS) -> None:
        self.path = path
        self._hasher = PasswordHasher.from_parameters(parameters)
        self._secret = os.urandom(32)

    def nicks(self) -> list[str]:
        """Return the nicknames with a password, in the order of the file."""
        return [user.nick for user in self._read().values()]

    def verify(self, nick: str, password: str) -> bool:
        """Return whether the password is the user's. Costs one hash, also for unknown users.

        It costs none if the file is empty or the password is invalid. If the password is right and
        its hash is weaker than new ones, the hash is replaced, if the file can be written.
        """
        key = name_key(nick)
        users = self._read()
        if not users:
            return False
        # An unknown user costs the same as one particular user, so their costs vary as users' do.
        stand_in = Random(self._secret + key.encode()).choice(list(users.values()))
        user = users.get(key, stand_in)
        try:
            prepared = prepare_password(password)
            self._hasher.verify(user.hash, prepared)
        except (BadPasswordError, VerifyMismatchError):
            return False
        # Not check_needs_rehash: that is also true for stronger hashes.
        if key in users and _work(extract_parameters(user.hash)) < _work(self._hasher):
            self._strengthen(key, user, prepared)
        return key in users

    def set(self, nick: str, password: str) -> None:
        """Set a user's password. Creates the file if needed.

        Raises BadPasswordError, and as `prepare_nick`.
        """
        user = _User(prepare_nick(nick), self._hasher.hash(prepare_password(password)))
        with self._failing():
            if not self.path.exists():
                self.path.touch(0o600)
                give_to_owner_of(self.path.parent, self.path)
        with self._changing() as users:
            users[name_key(user.nick)] = user

    def remove(self, nick: str) -> bool:
        """Remove a user's password. Returns whether there was one."""
        with self._changing() as users:
            return users.pop(name_key(nick), None) is not None

    def _strengthen(self, key: str, user: _User, password: bytes) -> None:
        """Replace a weak hash, unless it was changed meanwhile. A failure is only logged."""
        try:
            stronger = user._replace(hash=self._hasher.hash(password))
            with self._changing() as users:
                if self.path.stat().st_uid != os.geteuid():  # It would change owners.
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
                    f"others may read or change the password file {self.path}; its mode must be"
                    f" 0600, or 0440 if its group is to read it, not {mode:04o}"
                )
            return self._parse(file.read(_FILE_BYTES + 1))

    def _parse(self, content: bytes) -> _Users:
        if len(content) > _FILE_BYTES:
            raise PasswordFileError(
                f"the password file {self.path} has more than {_FILE_BYTES} bytes"
            )
        users: _Users = {}
        for number, line in enumerate(content.splitlines(), 1):
            found = _LINE.fullmatch(line.decode(errors="replace"))
            if found is None or not _is_affordable(extract_parameters(found["hash"])):
                raise PasswordFileError(
                    f"line {number} of {self.path} is not a nickname with an argon2id hash"
                )
            user = _User(found["nick"], found["hash"])
            if users.setdefault(name_key(user.nick), user) is not user:
                raise PasswordFileError(f"line {number} of {self.path} repeats a nickname")
        return users

    @contextmanager
    def _changing(self) -> Iterator[_Users]:
        """Yield the users in the file, and write them back at the end, under a lock."""
        with self._failing():
            while True:
                with self.path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX)
                    # The previous holder of the lock may have replaced this file.
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
        # Even with little memory: each pass starts its threads again.
        and cost.time_cost <= _DEARER * _DEFAULTS.time_cost
        and _work(cost) <= _DEARER * _work(_DEFAULTS)
    )


def _work(cost: Parameters | PasswordHasher) -> int:
    return cost.memory_cost * cost.time_cost

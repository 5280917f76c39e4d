"""A cred checker for a password file. It hashes in threads, never in the reactor's."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword, UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.strcred import ICheckerFactory, InvalidAuthArgumentString
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.plugin import IPlugin
from twisted.python.failure import Failure
from zope.interface import implementer

from chat.rooms.addresses import LOCAL, AddressGroup
from chat.server.passwords.file import PasswordFile
from chat.server.turns import CrowdedError, Turns

__all__ = ["Attempt", "BusyError", "PasswordFileChecker", "PasswordFileCheckerFactory"]

_HASHING: Final = 2
"""Concurrent hashes: 128 MiB with the default parameters."""

_WAITING: Final = 4_096
"""Passwords waiting to be hashed: four times as many as there may be connections that have not
logged in (`Limits.waiting_total`), so that people wait instead of being refused."""


class Attempt(UsernamePassword):
    """A nickname and password, and who waits for the answer."""

    def __init__(
        self, username: bytes, password: bytes, network: AddressGroup, is_gone: Callable[[], bool]
    ) -> None:
        super().__init__(username, password)
        self.network = network
        self.is_gone = is_gone
        """Returns whether the client no longer waits."""


class BusyError(Exception):
    """More passwords to check than may wait; the text says so."""


@implementer(ICredentialsChecker)
class PasswordFileChecker:
    """Checks passwords against a file. Unknown users and wrong passwords take the same path.

    Networks take turns, and so do the names within one, so a guesser does not keep others waiting.
    Fails with UnauthorizedLogin for both, BusyError, PasswordFileError, GoneError if the client of
    an `Attempt` has left, or an error of argon2 if memory runs out.
    """

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, file: PasswordFile) -> None:
        self._file = file
        self._turns = Turns(_HASHING, _WAITING)

    def requestAvatarId(self, credentials: IUsernamePassword) -> Deferred[bytes | tuple[()]]:
        """Return the user's name if the password is right."""
        network, is_gone = LOCAL, _is_never_gone
        if isinstance(credentials, Attempt):
            network, is_gone = credentials.network, credentials.is_gone

        def check() -> Deferred[bytes | tuple[()]]:
            return deferToThread(self._check, credentials)

        return self._turns.run(network, credentials.username, is_gone, check).addErrback(_busy)

    def _check(self, credentials: IUsernamePassword) -> bytes:
        with suppress(UnicodeDecodeError):
            if self._file.verify(credentials.username.decode(), credentials.password.decode()):
                return credentials.username
        raise UnauthorizedLogin


def _is_never_gone() -> bool:
    return False


def _busy(failure: Failure) -> Failure:
    """Turn CrowdedError into BusyError."""
    if failure.check(CrowdedError):
        raise BusyError("too many passwords are being checked")
    return failure


@implementer(ICheckerFactory, IPlugin)
class PasswordFileCheckerFactory:
    """Registers ``--auth encchat:PATH``."""

    authType = "encchat"
    argStringFormat = "Path of a password file."
    authHelp = """
Checks passwords against a file of argon2id hashes, made and changed with

    python -m chat.admin passwd NICK --file PATH

It must belong to the user that the server runs as, and have mode 0600.
"""
    credentialInterfaces = PasswordFileChecker.credentialInterfaces

    def generateChecker(self, argstring: str) -> PasswordFileChecker:
        """Return the checker for a path. Raises InvalidAuthArgumentString, PasswordFileError."""
        if not argstring:
            raise InvalidAuthArgumentString("encchat needs the path of a password file")
        # The process may change its directory before it reads the file again.
        file = PasswordFile(Path(argstring).absolute())
        file.nicks()  # Better to find an unusable file now than at a login.
        return PasswordFileChecker(file)

"""A cred checker for a password file. Hashes are computed in threads, never in the reactor's."""

from contextlib import suppress
from pathlib import Path
from typing import Final

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.strcred import ICheckerFactory, InvalidAuthArgumentString
from twisted.internet.defer import Deferred, DeferredSemaphore, fail
from twisted.internet.threads import deferToThread
from twisted.plugin import IPlugin
from zope.interface import implementer

from chat.server.passwords.file import PasswordFile

__all__ = ["BusyError", "PasswordFileChecker", "PasswordFileCheckerFactory"]

_HASHING: Final = 2
"""Hashes computed at a time: 128 MiB with the usual parameters."""

_WAITING: Final = 32
"""Hashes that wait for a thread: on two cores the last of them is done after some 4 s, which a
person still takes for an answer."""


class BusyError(Exception):
    """More passwords to check than can wait; the text says so."""


@implementer(ICredentialsChecker)
class PasswordFileChecker:
    """Checks passwords against a file. Unknown users and wrong passwords take the same path.

    Fails with UnauthorizedLogin for both, BusyError, PasswordFileError, or an error of argon2's
    where there is no memory.
    """

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, file: PasswordFile) -> None:
        self._file = file
        self._threads = DeferredSemaphore(_HASHING)

    def requestAvatarId(self, credentials: IUsernamePassword) -> Deferred[bytes | tuple[()]]:
        """Return the name of the user, once the password is known to be right."""
        if len(self._threads.waiting) == _WAITING:
            return fail(BusyError("too many passwords are being checked"))
        # Not the Deferred of the thread: who no longer waits does not make room by that.
        answer: Deferred[bytes | tuple[()]] = Deferred()
        checking = self._threads.run(deferToThread, self._check, credentials)
        checking.addCallbacks(answer.callback, answer.errback)
        return answer

    def _check(self, credentials: IUsernamePassword) -> bytes:
        with suppress(UnicodeDecodeError):
            if self._file.verify(credentials.username.decode(), credentials.password.decode()):
                return credentials.username
        raise UnauthorizedLogin


@implementer(ICheckerFactory, IPlugin)
class PasswordFileCheckerFactory:
    """Makes ``--auth encchat:PATH`` known."""

    authType = "encchat"
    argStringFormat = "Path of a password file."
    authHelp = """
Checks passwords against a file of argon2id hashes, made and changed with

    python -m chat.admin passwd NICK --file PATH

It belongs to the user that the server runs as, with mode 0600.
"""
    credentialInterfaces = PasswordFileChecker.credentialInterfaces

    def generateChecker(self, argstring: str) -> PasswordFileChecker:
        """Return the checker for a path. Raises InvalidAuthArgumentString, PasswordFileError."""
        if not argstring:
            raise InvalidAuthArgumentString("encchat needs the path of a password file")
        # The process may change its directory before it looks at the file again.
        file = PasswordFile(Path(argstring).absolute())
        file.nicks()  # A file that cannot be used is better found now than at a login.
        return PasswordFileChecker(file)

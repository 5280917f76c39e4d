"""A cred checker for a password file. Hashes are computed in threads, never in the reactor's."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Protocol, cast

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.strcred import ICheckerFactory, InvalidAuthArgumentString
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorCore, IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.plugin import IPlugin
from twisted.python.threadpool import ThreadPool
from zope.interface import implementer

from chat.server.passwords.file import PasswordFile

__all__ = [
    "HASHES_WAITING",
    "HASHING_THREADS",
    "AvatarId",
    "BusyError",
    "PoolThreads",
    "ScryptFileChecker",
    "ScryptFileCheckerFactory",
    "Threads",
]

HASHING_THREADS: Final = 2
"""Hashes computed at a time: 64 MiB with the usual parameters, and two cores at most."""

HASHES_WAITING: Final = 32
"""Hashes that wait for a thread: the last of them is done after 16 times 0.1 s, which a person
still takes for an answer."""


AvatarId = bytes | tuple[()]
"""What cred takes for one; here always a user's name."""


class BusyError(Exception):
    """More passwords to check than can wait; the text says so."""

    def __str__(self) -> str:
        """Return the sentence for the log."""
        return "too many passwords are being checked"


class Threads(Protocol):
    """Threads for what takes time."""

    def call(self, function: Callable[[], bool]) -> Deferred[bool]:
        """Call `function` in one of them, in order. Whether it is done is told in the reactor's."""
        ...


class Reactor(IReactorCore, IReactorFromThreads):
    """What is needed of the reactor."""


class PoolThreads:
    """`Threads` that are threads, stopped with the reactor.

    They begin with the first call: options are read before the process becomes a daemon, and no
    thread survives that; nor is the reactor chosen by then.
    """

    def __init__(self, reactor: Reactor | None = None) -> None:
        self._reactor = reactor
        self._pool: ThreadPool | None = None
        self._is_stopping = False

    def call(self, function: Callable[[], bool]) -> Deferred[bool]:
        """As `Threads.call`."""
        reactor, pool = self._started()
        return deferToThreadPool(reactor, pool, self._run, function)

    def _started(self) -> tuple[Reactor, ThreadPool]:
        if self._reactor is None:
            from twisted.internet import reactor

            self._reactor = cast(Reactor, reactor)
        if self._pool is None:
            self._pool = ThreadPool(0, HASHING_THREADS, "passwords")
            self._pool.start()
            self._reactor.addSystemEventTrigger("during", "shutdown", self._stop, self._pool)
        return self._reactor, self._pool

    def _run(self, function: Callable[[], bool]) -> bool:
        if self._is_stopping:  # Nobody waits for what has not begun.
            raise BusyError
        return function()

    def _stop(self, pool: ThreadPool) -> None:
        self._is_stopping = True
        pool.stop()


@implementer(ICredentialsChecker)
class ScryptFileChecker:
    """Checks passwords against a file. Unknown users and wrong passwords take the same path.

    Fails with UnauthorizedLogin for both, BusyError, or PasswordFileError.
    """

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, file: PasswordFile, threads: Threads) -> None:
        self._file = file
        self._threads = threads
        self._unfinished = 0

    def requestAvatarId(self, credentials: IUsernamePassword) -> Deferred[AvatarId]:
        """Return the name of the user, once the password is known to be right."""
        username = credentials.username
        try:
            nick, password = username.decode(), credentials.password.decode()
        except UnicodeDecodeError:
            return fail(UnauthorizedLogin())
        if self._unfinished == HASHING_THREADS + HASHES_WAITING:
            return fail(BusyError())
        self._unfinished += 1
        # Not the Deferred of the thread: who no longer waits does not make room by that.
        answer: Deferred[AvatarId] = Deferred()
        checking = self._threads.call(partial(self._file.verify, nick, password))
        checking.addBoth(self._finished)
        checking.addCallback(_avatar_id, username)
        checking.addCallbacks(answer.callback, answer.errback)
        return answer

    def _finished(self, result: object) -> object:
        self._unfinished -= 1
        return result


def _avatar_id(is_right: bool, username: bytes) -> bytes:
    if not is_right:
        raise UnauthorizedLogin
    return username


@implementer(ICheckerFactory, IPlugin)
class ScryptFileCheckerFactory:
    """Makes ``--auth encchat:PATH`` known."""

    authType = "encchat"
    argStringFormat = "Path of a password file."
    authHelp = """
Checks passwords against a file that is made and changed with

    python -m chat.admin passwd NICK --file PATH

It has a line for each user, with the nickname and a hash of the password
(scrypt). It belongs to the user that the server runs as, with mode 0600, and
is read anew for each login.
"""
    credentialInterfaces = ScryptFileChecker.credentialInterfaces

    def generateChecker(self, argstring: str) -> ScryptFileChecker:
        """Return the checker for a path. Raises InvalidAuthArgumentString, PasswordFileError."""
        if not argstring:
            raise InvalidAuthArgumentString("encchat needs the path of a password file")
        # The process may change its directory before it looks at the file again.
        file = PasswordFile(Path(argstring).absolute())
        file.nicks()  # A file that cannot be used is better found now than at a login.
        return ScryptFileChecker(file, PoolThreads())

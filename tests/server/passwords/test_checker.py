"""The cred checker: never hashes in the reactor's thread, and bounds the queue."""

import queue
import tempfile
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

import pytest
from twisted.cred import strcred
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword, UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool
from zope.interface.verify import verifyObject

from chat.rooms.addresses import AddressGroup
from chat.server.passwords import checker as module
from chat.server.passwords.checker import (
    Attempt,
    BusyError,
    PasswordFileChecker,
    PasswordFileCheckerFactory,
)
from chat.server.passwords.file import PasswordFile, PasswordFileError
from chat.server.turns import GoneError
from tests.server.passwords.parameters import CHEAP
from tests.server.support import ServerCase

T = TypeVar("T")

AvatarId = bytes | tuple[()]
WAIT_SECONDS = 60
"""Time limit in case a thread hangs; normally none of these waits is noticeable."""


class FakeThreads:
    """Threads that run calls on demand."""

    def __init__(self) -> None:
        self.begun: list[tuple[Callable[[], AvatarId], Deferred[AvatarId]]] = []

    def call(self, function: Callable[..., AvatarId], *arguments: object) -> Deferred[AvatarId]:
        """Queue the call."""
        result: Deferred[AvatarId] = Deferred()
        self.begun.append((lambda: function(*arguments), result))
        return result

    def go_on(self) -> None:
        """Run the oldest call."""
        function, result = self.begun.pop(0)
        try:
            value = function()
        except Exception as error:
            result.errback(error)
        else:
            result.callback(value)


class CheckerCase(ServerCase):
    """A test with a file that has one user."""

    def setUp(self) -> None:
        """Make the file."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name) / "passwords"
        self.hashes: list[str] = []
        self.at_a_time: list[int] = []
        running: list[None] = []
        self.users = PasswordFile(self.path, CHEAP)
        self.users.set("bob", "hunter2")
        verify = self.users.verify

        def note(nick: str, password: str) -> bool:
            self.hashes.append(threading.current_thread().name)
            running.append(None)
            self.at_a_time.append(len(running))
            is_right = verify(nick, password)
            running.pop()
            return is_right

        self.replace(self.users, "verify", note)
        self.checker = PasswordFileChecker(self.users)

    def failure(self, result: Deferred[T], kind: type[Exception]) -> str:
        """Return the text of a result's failure."""
        failure_of: Callable[[Deferred[T], type[Exception]], Failure] = self.failureResultOf
        return failure_of(result, kind).getErrorMessage()


class CheckerTests(CheckerCase):
    """The checker, with threads on demand."""

    def setUp(self) -> None:
        """Replace real threads."""
        super().setUp()
        self.threads = FakeThreads()
        self.replace(module, "deferToThread", self.threads.call)

    def ask(self, nick: bytes = b"bob", password: bytes = b"hunter2") -> Deferred[AvatarId]:
        """Check a password, and return the result."""
        return self.checker.requestAvatarId(UsernamePassword(nick, password))

    def test_it_is_a_checker_of_passwords(self) -> None:
        assert verifyObject(ICredentialsChecker, self.checker)
        assert self.checker.credentialInterfaces == (IUsernamePassword,)

    def test_the_right_password_gives_the_name(self) -> None:
        answer = self.ask()
        self.threads.go_on()
        assert self.successResultOf(answer) == b"bob"

    def test_wrong_and_unknown_are_one_answer_after_one_hash_each(self) -> None:
        failures = []
        for nick, password in ((b"bob", b"x"), (b"eve", b"x"), (b"eve", b"hunter2")):
            answer = self.ask(nick, password)
            self.threads.go_on()
            failures.append(self.failure(answer, UnauthorizedLogin))
        assert failures == ["", "", ""]
        assert len(self.hashes) == 3

    def test_what_is_no_text_is_refused(self) -> None:
        for nick, password in ((b"\xff", b"hunter2"), (b"bob", b"\xff")):
            answer = self.ask(nick, password)
            self.threads.go_on()
            self.failure(answer, UnauthorizedLogin)
        assert self.hashes == []

    def test_nothing_is_hashed_where_it_is_asked(self) -> None:
        answer = self.ask()
        assert not answer.called
        assert self.hashes == [] and len(self.threads.begun) == 1
        self.threads.go_on()
        assert len(self.hashes) == 1

    def attempt(
        self, nick: str, network: str, password: str = "hunter2", gone: Collection[str] = ()
    ) -> Deferred[AvatarId]:
        """Check a password for somebody on a network."""
        attempt = Attempt(
            nick.encode(), password.encode(), AddressGroup(network), lambda: nick in gone
        )
        return self.checker.requestAvatarId(attempt)

    def test_two_are_hashed_and_the_rest_wait(self) -> None:
        answers = [self.ask() for _ in range(200)]
        assert len(self.threads.begun) == 2
        while self.threads.begun:
            assert len(self.threads.begun) <= 2
            self.threads.go_on()
        assert [self.successResultOf(answer) for answer in answers] == [b"bob"] * 200

    def test_who_guesses_from_one_network_keeps_no_other_waiting(self) -> None:
        for names, networks in ((60, 1), (1, 1), (1, 3), (7, 2)):
            guesses = [
                self.attempt(f"eve{number % names}", f"192.0.2.{number % networks}", "x")
                for number in range(60)
            ]
            answer = self.attempt("bob", "198.51.100.1")
            for _ in range(6):
                self.threads.go_on()
            assert self.successResultOf(answer) == b"bob"
            while self.threads.begun:
                self.threads.go_on()
            for each in guesses:
                self.failure(each, UnauthorizedLogin)

    def test_who_guesses_one_name_keeps_no_other_of_the_network_waiting(self) -> None:
        guesses = [self.attempt("eve", "192.0.2.1", "x") for _ in range(60)]
        answer = self.attempt("bob", "192.0.2.1")
        for _ in range(4):
            self.threads.go_on()
        assert self.successResultOf(answer) == b"bob"
        while self.threads.begun:
            self.threads.go_on()
        for each in guesses:
            self.failure(each, UnauthorizedLogin)

    def test_nothing_is_hashed_for_who_is_gone(self) -> None:
        gone: list[str] = []
        waiting = [self.attempt(nick, "192.0.2.1", gone=gone) for nick in ("a", "b", "c", "bob")]
        gone += ["c"]
        for _ in range(3):
            self.threads.go_on()
        assert not self.threads.begun and len(self.hashes) == 3
        self.failure(waiting[2], GoneError)
        assert self.successResultOf(waiting[3]) == b"bob"
        for each in waiting[:2]:
            self.failure(each, UnauthorizedLogin)

    def test_beyond_what_can_wait_whoever_asks_for_the_most_is_refused(self) -> None:
        self.replace(module, "_WAITING", 4)
        self.checker = PasswordFileChecker(self.users)
        guesses = [self.attempt("eve", "192.0.2.1", "x") for _ in range(6)]
        answer = self.attempt("bob", "198.51.100.1")
        assert self.failure(guesses[-1], BusyError) == "too many passwords are being checked"
        while self.threads.begun:
            self.threads.go_on()
        assert self.successResultOf(answer) == b"bob"
        for each in guesses[:-1]:
            self.failure(each, UnauthorizedLogin)

    def test_who_no_longer_waits_makes_no_room(self) -> None:
        answers = [self.ask() for _ in range(34)]
        for answer in answers:
            answer.cancel()
            self.failure(answer, CancelledError)
        assert len(self.threads.begun) == 2
        while self.threads.begun:
            self.threads.go_on()
        answer = self.ask()
        self.threads.go_on()
        assert self.successResultOf(answer) == b"bob"

    def test_a_file_that_cannot_be_used_is_another_failure(self) -> None:
        self.path.write_text("rubbish")
        for _ in range(35):
            answer = self.ask()
            self.threads.go_on()
            assert "line 1 of" in self.failure(answer, PasswordFileError)

    def test_a_changed_file_counts_at_once(self) -> None:
        PasswordFile(self.path, CHEAP).set("bob", "other")
        for password, is_right in ((b"hunter2", False), (b"other", True)):
            answer = self.ask(password=password)
            self.threads.go_on()
            if is_right:
                self.successResultOf(answer)
            else:
                self.failure(answer, UnauthorizedLogin)


class FakeReactor:
    """A reactor that runs calls from threads on demand."""

    def __init__(self) -> None:
        self.calls: queue.Queue[Callable[[], object]] = queue.Queue()
        self.pool = ThreadPool(0, 10)

    def callFromThread(self, function: Callable[..., object], *arguments: object) -> None:
        """Queue the call."""
        self.calls.put(lambda: function(*arguments))

    def getThreadPool(self) -> ThreadPool:
        """Return a pool with more threads than needed."""
        return self.pool

    def turn(self) -> None:
        """Wait for a call from a thread, and run it."""
        self.calls.get(timeout=WAIT_SECONDS)()


class ThreadTests(CheckerCase):
    """Real threads."""

    def test_hashes_are_computed_in_threads_two_at_a_time(self) -> None:
        from twisted import internet

        fake = FakeReactor()
        self.replace(internet, "reactor", fake)
        fake.pool.start()
        self.addCleanup(fake.pool.stop)
        answers = [
            self.checker.requestAvatarId(UsernamePassword(b"bob", b"hunter2")) for _ in range(9)
        ]
        for answer in answers:
            assert not answer.called
        for _ in answers:
            fake.turn()
        assert [self.successResultOf(answer) for answer in answers] == [b"bob"] * 9
        assert threading.current_thread().name not in self.hashes
        assert max(self.at_a_time) <= 2


class FactoryTests(CheckerCase):
    """The plugin that strcred finds."""

    def test_it_is_found_by_its_name(self) -> None:
        checker = strcred.makeChecker(f"encchat:{self.path}")
        assert isinstance(checker, PasswordFileChecker)
        assert checker._file.path == self.path

    def test_it_is_in_the_list_and_says_what_it_is(self) -> None:
        [factory] = [
            factory
            for factory in strcred.findCheckerFactories()
            if isinstance(factory, PasswordFileCheckerFactory)
        ]
        assert verifyObject(strcred.ICheckerFactory, factory)
        assert factory.authType == "encchat"
        assert factory.credentialInterfaces == (IUsernamePassword,)
        assert "python -m chat.admin passwd" in factory.authHelp

    def test_a_path_is_found_from_any_directory_later(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.path.parent)
            checker = strcred.makeChecker("encchat:passwords")
        assert checker._file.path == self.path

    def test_a_path_may_have_colons_in_it(self) -> None:
        path = self.path.with_name("a:b")
        path.touch(0o600)
        assert strcred.makeChecker(f"encchat:{path}")._file.path == path

    def test_it_needs_a_path(self) -> None:
        for description in ("encchat", "encchat:"):
            with pytest.raises(strcred.InvalidAuthArgumentString, match="needs the path"):
                strcred.makeChecker(description)

    def test_a_file_that_cannot_be_used_is_refused_at_once(self) -> None:
        with pytest.raises(PasswordFileError, match="No such file or directory"):
            strcred.makeChecker(f"encchat:{self.path}.nope")
        self.path.write_text("rubbish")
        with pytest.raises(PasswordFileError, match="line 1 of"):
            strcred.makeChecker(f"encchat:{self.path}")

"""Which checkers are asked about a password, in which order, and what each answer leads to."""

import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from twisted.cred.checkers import (
    AllowAnonymousAccess,
    FilePasswordDB,
    ICredentialsChecker,
    InMemoryUsernamePasswordDatabaseDontUse,
)
from twisted.cred.credentials import IUsernamePassword, UsernamePassword
from twisted.cred.error import LoginDenied, UnauthorizedLogin
from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import capturedLogs
from zope.interface import implementer

from chat.rooms.addresses import LOCAL, AddressGroup
from chat.rooms.errors import (
    AuthUnavailableError,
    NickEmptyError,
    NickInvalidError,
    RequestError,
    WrongPasswordError,
)
from chat.server.passwords.authenticator import Authenticator
from chat.server.passwords.checker import Attempt, BusyError
from chat.server.passwords.file import PasswordFileError
from chat.server.turns import GoneError
from tests.server.support import ServerCase, chat_lines
from tests.store.commits import fired

SECRETS = ("bob", "hunter2")


@implementer(ICredentialsChecker)
class FakeChecker:
    """A checker with scripted answers that records its calls."""

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[tuple[bytes, bytes]] = []
        self.networks: list[AddressGroup] = []

    def requestAvatarId(self, credentials: UsernamePassword) -> Deferred[bytes | tuple[()]]:
        """Answer, or raise."""
        self.asked.append((credentials.username, credentials.password))
        assert isinstance(credentials, Attempt)
        self.networks.append(credentials.network)
        if isinstance(self.answer, Exception):
            raise self.answer
        answer: Deferred[bytes | tuple[()]] = self.answer
        return answer


def refusing() -> FakeChecker:
    """Return a checker that accepts nobody."""
    return FakeChecker(UnauthorizedLogin())


def start(check: Coroutine[Deferred[object], object, None]) -> Deferred[None]:
    """Run a check as far as it gets."""
    return Deferred.fromCoroutine(check)


def outcome(
    *checkers: ICredentialsChecker, nick: str = "bob", password: str = "hunter2"
) -> type[RequestError] | None:
    """Return the refusal of a check; None if it is not refused."""
    try:
        fired(start(Authenticator(checkers).check(nick, password, LOCAL, bool)))
    except RequestError as error:
        return type(error)
    return None


class AuthenticatorTests(ServerCase):
    """The results of checks."""

    def logged(self, *checkers: ICredentialsChecker) -> list[str]:
        """Return what a failed check has logged: never the user or the password."""
        with capturedLogs() as events:
            assert outcome(*checkers) is AuthUnavailableError
        for event in events:
            assert not any(secret in repr(event) for secret in SECRETS)
        return chat_lines(events)

    def test_a_checker_accepts_or_refuses(self) -> None:
        assert outcome(FakeChecker(succeed(b"bob"))) is None
        assert outcome(refusing()) is WrongPasswordError
        assert str(WrongPasswordError()) == "Wrong nickname or password."

    def test_any_way_to_answer_will_do(self) -> None:
        assert outcome(FakeChecker(b"bob")) is None
        assert outcome(FakeChecker("bob")) is None
        assert outcome(FakeChecker(fail(UnauthorizedLogin()))) is WrongPasswordError

    def test_nobody_by_name_is_not_let_in(self) -> None:
        for answer in ((), None, b"", succeed(()), succeed(None), False):
            assert outcome(FakeChecker(answer)) is WrongPasswordError

    def test_nothing_more_is_asked_for_who_is_gone(self) -> None:
        last = FakeChecker(b"bob")
        with capturedLogs() as events:
            assert outcome(FakeChecker(GoneError()), last) is AuthUnavailableError
        assert not last.asked and chat_lines(events) == []

    def test_checkers_know_where_an_attempt_comes_from(self) -> None:
        checker = FakeChecker(b"bob")
        network = AddressGroup("2001:db8::/64")
        fired(start(Authenticator([checker]).check("bob", "hunter2", network, lambda: True)))
        assert checker.networks == [network]

    def test_twisted_s_checkers_work(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "passwords"
            path.write_text("bob:hunter2\n")
            for checker in (
                InMemoryUsernamePasswordDatabaseDontUse(bob=b"hunter2"),
                FilePasswordDB(str(path)),
            ):
                assert outcome(checker) is None
                assert outcome(checker, password="x") is WrongPasswordError
                assert outcome(checker, nick="eve") is WrongPasswordError

    def test_an_answer_may_come_later(self) -> None:
        for result, expected in ((b"bob", None), (UnauthorizedLogin(), WrongPasswordError)):
            answer: Deferred[bytes | tuple[()]] = Deferred()
            checker = FakeChecker(answer)
            checking = start(Authenticator([checker]).check("bob", "hunter2", LOCAL, bool))
            assert checker.asked and not checking.called
            if isinstance(result, Exception):
                answer.errback(result)
            else:
                answer.callback(result)
            if expected is None:
                fired(checking)
            else:
                with pytest.raises(expected):
                    fired(checking)

    def test_all_are_asked_in_order_until_one_accepts(self) -> None:
        first, second, third = refusing(), FakeChecker(b"bob"), refusing()
        assert outcome(first, second, third) is None
        assert first.asked == second.asked == [(b"bob", b"hunter2")] and third.asked == []

    def test_each_is_asked_only_when_the_one_before_has_answered(self) -> None:
        answer: Deferred[bytes | tuple[()]] = Deferred()
        second = FakeChecker(b"bob")
        checking = start(
            Authenticator([FakeChecker(answer), second]).check("bob", "hunter2", LOCAL, bool)
        )
        assert second.asked == []
        answer.errback(UnauthorizedLogin())
        fired(checking)
        assert len(second.asked) == 1

    def test_a_refusal_has_asked_all_of_them_whoever_knows_the_user(self) -> None:
        for checkers in ([refusing(), refusing()], [FakeChecker(OSError()), refusing()]):
            assert outcome(*checkers) in (WrongPasswordError, AuthUnavailableError)
            assert [len(checker.asked) for checker in checkers] == [1, 1]

    def test_who_lets_in_anybody_lets_in_nobody_by_name(self) -> None:
        assert outcome(AllowAnonymousAccess()) is WrongPasswordError
        assert outcome(AllowAnonymousAccess(), FakeChecker(b"bob")) is None

    def test_a_failure_is_not_a_wrong_password_and_is_logged(self) -> None:
        name = f"{__name__}.FakeChecker"
        for error, reason in (
            (TimeoutError("bob, hunter2"), "builtins.TimeoutError"),
            (LoginDenied("bob"), "twisted.cred.error.LoginDenied"),
            (PasswordFileError("line 3 of passwords is damaged"), "line 3 of passwords is damaged"),
            (BusyError("too many"), "too many"),
        ):
            for answer in (error, fail(error)):
                [line] = self.logged(FakeChecker(answer), refusing())
                assert line == f"A password could not be checked by {name}: {reason}"

    def test_after_a_failure_the_others_are_asked(self) -> None:
        with capturedLogs() as events:
            assert outcome(FakeChecker(OSError()), FakeChecker(b"bob")) is None
        assert len(chat_lines(events)) == 1

    def test_no_checker_is_asked_about_what_some_take_for_no_password(self) -> None:
        checker = FakeChecker(b"bob")
        for password in ("", "\0", "hunter2\0"):
            assert outcome(checker, password=password) is WrongPasswordError
        assert checker.asked == []

    def test_no_checker_is_asked_about_what_is_no_nickname(self) -> None:
        checker = FakeChecker(b"bob")
        for nick, kind in (("", NickEmptyError), ("b*)(uid=*", NickInvalidError)):
            assert outcome(checker, nick=nick) is kind
        assert checker.asked == []

    def test_nickname_and_password_are_utf_8(self) -> None:
        checker = FakeChecker(b"x")
        assert outcome(checker, nick=" a\u0308nne ", password=" p\u00e4ss ") is None
        assert checker.asked == [("\u00e4nne".encode(), " p\u00e4ss ".encode())]

"""Checks passwords with the cred checkers that the operator chose."""

from collections.abc import Callable, Sequence
from typing import Final

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.error import Unauthorized
from twisted.internet.defer import maybeDeferred
from twisted.logger import Logger
from twisted.python.reflect import qual

from chat.rooms.addresses import AddressGroup
from chat.rooms.errors import AuthUnavailableError, WrongPasswordError
from chat.rooms.names import prepare_nick
from chat.server.passwords.checker import Attempt, BusyError
from chat.server.passwords.file import PasswordFileError
from chat.server.turns import GoneError

__all__ = ["Authenticator"]

_log = Logger()

_SPEAKABLE: Final = (BusyError, PasswordFileError)
"""Errors whose text is known to contain neither nickname nor password."""


class Authenticator:
    """Asks every checker in turn, until one accepts.

    Before a refusal it has asked all of them, whichever knows the user, so the time is the sum of
    theirs. It is the same for all users if that is true of each checker. It is true of encchat's
    own. Twisted's `unix` hashes only for existing users; `file` and `memory` take microseconds, and
    do not compare in constant time. Only somebody with the right password can learn more.
    """

    def __init__(self, checkers: Sequence[ICredentialsChecker]) -> None:
        self._checkers = checkers

    async def check(
        self, nick: str, password: str, network: AddressGroup, is_gone: Callable[[], bool]
    ) -> None:
        """Return if a checker accepts the password of the user.

        `network` is where the request comes from. `is_gone` returns whether the client has left;
        then no further checker is asked. Raises WrongPasswordError, also for unknown users;
        AuthUnavailableError if no checker accepts and one of them failed; NickEmptyError and the
        like for an invalid nickname.
        """
        nick = prepare_nick(nick)
        # Do not ask about these: LDAP treats an empty password as an anonymous bind, which succeeds
        # (RFC 4513 section 5.1.2); and NUL ends a password for some checkers, and is an error for
        # others.
        if not password or "\0" in password:
            raise WrongPasswordError
        credentials = Attempt(nick.encode(), password.encode(), network, is_gone)
        has_failed = False
        for checker in self._checkers:
            try:
                avatar_id = await maybeDeferred(checker.requestAvatarId, credentials)
                if not avatar_id:  # Anonymous (an empty tuple), or a bug (None).
                    raise WrongPasswordError
            except (Unauthorized, WrongPasswordError):
                continue
            except GoneError:
                raise AuthUnavailableError from None
            except Exception as error:  # Checkers are plugins, and may raise anything.
                has_failed = True
                _log_failure(checker, error)
            else:
                return
        raise AuthUnavailableError if has_failed else WrongPasswordError


def _log_failure(checker: ICredentialsChecker, error: Exception) -> None:
    """Log a failure, without the text of errors that may quote nickname or password."""
    _log.error(
        "A password could not be checked by {checker}: {reason}",
        checker=qual(type(checker)),
        reason=str(error) if isinstance(error, _SPEAKABLE) else qual(type(error)),
    )

"""Refusals: what is asked for is legal, and not granted. The connection lives on.

Each class has the code of docs/protocol.md section 6.5, and as its text the sentence that the user
reads.
"""

from typing import ClassVar

__all__ = [
    "AlreadyAMemberError",
    "AlreadyLoggedInError",
    "NickEmptyError",
    "NickInvalidError",
    "NickTakenError",
    "NickTooLongError",
    "NoSuchRoomError",
    "NotAMemberError",
    "NotLoggedInError",
    "NotStoredError",
    "RequestError",
    "TextEmptyError",
    "TextTooLongError",
    "UnknownRequestError",
]


class RequestError(Exception):
    """Base of all refusals."""

    code: ClassVar[str]
    sentence: ClassVar[str]

    def __str__(self) -> str:
        """Return the sentence for the user."""
        return self.sentence.format(*self.args)


class NotLoggedInError(RequestError):
    """Anything before a login."""

    code = "not_logged_in"
    sentence = "Log in first."


class AlreadyLoggedInError(RequestError):
    """A second login."""

    code = "already_logged_in"
    sentence = "You are logged in already."


class NickEmptyError(RequestError):
    """A nickname of nothing."""

    code = "nick_empty"
    sentence = "A nickname cannot be empty."


class NickTooLongError(RequestError):
    """A nickname beyond the limit, which is the argument."""

    code = "nick_too_long"
    sentence = "A nickname has at most {} characters."


class NickInvalidError(RequestError):
    """A nickname with something in it that nicknames do not have."""

    code = "nick_invalid"
    sentence = "A nickname is made of letters, digits and _ - . and starts with a letter or digit."


class NickTakenError(RequestError):
    """Somebody else's nickname, which is the argument."""

    code = "nick_taken"
    sentence = "The nickname {} is taken."


class NoSuchRoomError(RequestError):
    """A room that is not there."""

    code = "no_such_room"
    sentence = "There is no such room."


class NotAMemberError(RequestError):
    """Something that only members of a room may do."""

    code = "not_a_member"
    sentence = "You are not in that room."


class AlreadyAMemberError(RequestError):
    """A second join."""

    code = "already_a_member"
    sentence = "You are in that room already."


class TextEmptyError(RequestError):
    """A post of nothing."""

    code = "text_empty"
    sentence = "An empty message is not sent."


class TextTooLongError(RequestError):
    """A post beyond the limit, which is the argument."""

    code = "text_too_long"
    sentence = "A message has at most {} bytes."


class NotStoredError(RequestError):
    """The log could not take the record."""

    code = "not_stored"
    sentence = "The server could not store this, and nobody has seen it."


class UnknownRequestError(RequestError):
    """A request of a later version."""

    code = "unknown_request"
    sentence = "This server does not know that request."

"""Refusals: what is asked for is legal, and not granted. The connection lives on.

Each class has the code of docs/protocol.md section 6.5, and as its text the sentence that the user
reads.
"""

from typing import ClassVar

__all__ = [
    "AlreadyLoggedInError",
    "AlreadyReadingError",
    "NickEmptyError",
    "NickInvalidError",
    "NickTakenError",
    "NickTooLongError",
    "NoSearchError",
    "NoSuchNickError",
    "NoSuchRoomError",
    "NotAMemberError",
    "NotAllowedError",
    "NotInvitedError",
    "NotLoggedInError",
    "NotReadError",
    "NotStoredError",
    "NotYoursError",
    "RequestError",
    "RoomEmptyError",
    "RoomInvalidError",
    "RoomTooLongError",
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


class RoomEmptyError(RequestError):
    """A name of nothing for a room."""

    code = "room_empty"
    sentence = "A room's name cannot be empty."


class RoomTooLongError(RequestError):
    """A name beyond the limit, which is the argument."""

    code = "room_too_long"
    sentence = "A room's name has at most {} characters."


class RoomInvalidError(RequestError):
    """A name with something in it that names of rooms do not have."""

    code = "room_invalid"
    sentence = (
        "A room's name is made of letters, digits and _ - . and starts with a letter or digit."
    )


class NoSuchRoomError(RequestError):
    """A room that is not there."""

    code = "no_such_room"
    sentence = "There is no such room."


class NoSuchNickError(RequestError):
    """A nickname that nobody has, which is the argument."""

    code = "no_such_nick"
    sentence = "Nobody here is called {}."


class NotInvitedError(RequestError):
    """A room that is not for everybody."""

    code = "not_invited"
    sentence = "That room is only for those who are invited."


class NotAMemberError(RequestError):
    """Something that only members of a room may do."""

    code = "not_a_member"
    sentence = "You are not in that room."


class NotAllowedError(RequestError):
    """Something that only a room's owner may do, or nobody."""

    code = "not_allowed"
    sentence = "You may not do that here."


class NotYoursError(RequestError):
    """A change to what somebody else said."""

    code = "not_yours"
    sentence = "That is not a message of yours that is still there."


class AlreadyReadingError(RequestError):
    """A second join."""

    code = "already_reading"
    sentence = "You are in that room already."


class TextEmptyError(RequestError):
    """A post of nothing."""

    code = "text_empty"
    sentence = "An empty message is not sent."


class TextTooLongError(RequestError):
    """A text beyond the limit; the arguments are the limit and its unit."""

    code = "text_too_long"
    sentence = "That is too long: it may have at most {} {}."


class NotReadError(RequestError):
    """The store could not be read."""

    code = "not_read"
    sentence = "The server could not read that; please try again."


class NoSearchError(RequestError):
    """A server without an index."""

    code = "no_search"
    sentence = "This server does not search."


class NotStoredError(RequestError):
    """The log could not take the record."""

    code = "not_stored"
    sentence = "The server could not store this, and nobody has seen it; please try again."


class UnknownRequestError(RequestError):
    """A request of a later version."""

    code = "unknown_request"
    sentence = "This server does not know that request."

"""Refusals: what is asked for is legal, and not granted. The connection lives on.

Each class has the code of docs/protocol.md section 6.5, and as its text the sentence that the user
reads, whatever the client: what to type there, the client adds.
"""

from typing import ClassVar

__all__ = [
    "AlreadyLoggedInError",
    "AlreadyReadingError",
    "AuthUnavailableError",
    "BadCodeError",
    "BadSignatureError",
    "BadTokenError",
    "BannedError",
    "ClosedError",
    "InvalidError",
    "LastDeviceError",
    "MutedError",
    "NickEmptyError",
    "NickInvalidError",
    "NickTakenError",
    "NickTooLongError",
    "NoSearchError",
    "NoSuchDeviceError",
    "NoSuchMemberError",
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
    "SlowModeError",
    "TextEmptyError",
    "TextTooLongError",
    "TokenNeededError",
    "TooManyAttemptsError",
    "TooManyInvitationsError",
    "TooManyRoomsError",
    "UnknownRequestError",
    "WrongPasswordError",
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


class TooManyAttemptsError(RequestError):
    """A login after too many that failed; the argument is how many seconds to wait."""

    code = "too_many_attempts"
    sentence = "Too many failed attempts; try again in {} seconds."


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


class TooManyRoomsError(RequestError):
    """A room beyond those that an account may own, whose number is the argument."""

    code = "too_many_rooms"
    sentence = "You have made {} rooms, and nobody may have more."


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


class BannedError(RequestError):
    """Somebody who is kept out; the arguments are of what, how long, and the end of the sentence,
    which has the reason."""

    code = "banned"
    sentence = "You are banned from {} {}{}"


class MutedError(RequestError):
    """Somebody who may not say anything; as `BannedError`."""

    code = "muted"
    sentence = "You may not say anything in {} {}{}"


class SlowModeError(RequestError):
    """A post too soon after the last; the argument is how many seconds are left."""

    code = "slow_mode"
    sentence = "This room is in slow mode: your next message can be sent in {} seconds."


class BadSignatureError(RequestError):
    """A login whose signature is not by its key, or not for this connection."""

    code = "bad_signature"
    sentence = "The signature of the login is not valid for this connection."


class BadCodeError(RequestError):
    """A code for another device that is wrong, used, or too old."""

    code = "bad_code"
    sentence = "That code is wrong, used, or no longer valid."


class WrongPasswordError(RequestError):
    """A password that is not the user's, or a user that there is not: never said which."""

    code = "wrong_password"
    sentence = "Wrong nickname or password."


class AuthUnavailableError(RequestError):
    """A password that nobody could check."""

    code = "auth_unavailable"
    sentence = "The password could not be checked; please try again."


class BadTokenError(RequestError):
    """An invitation that is wrong, used up, or too old."""

    code = "bad_token"
    sentence = "That invitation is wrong, used up, or no longer valid."


class ClosedError(RequestError):
    """A new account where there are none to be had."""

    code = "registration_closed"
    sentence = "This server takes no new accounts."


class TokenNeededError(RequestError):
    """A new account without an invitation where one is needed."""

    code = "token_needed"
    sentence = "This server takes new accounts by invitation only: use the link of one."


class LastDeviceError(RequestError):
    """Taking away the only key of one's account."""

    code = "last_device"
    sentence = "That is the only key of your account; link another device first."


class NoSuchDeviceError(RequestError):
    """A key that the account does not have."""

    code = "no_such_device"
    sentence = "Your account has no such device."


class TooManyInvitationsError(RequestError):
    """An invitation beyond those that an account, or a room, may have open."""

    code = "too_many_invitations"
    sentence = "Too many invitations have not been taken up yet; try again later."


class NotAMemberError(RequestError):
    """Something that only members of a room may do, by somebody who is none."""

    code = "not_a_member"
    sentence = "You are not in that room."


class NoSuchMemberError(RequestError):
    """Somebody who is no member of a room, and whose nickname is the argument."""

    code = "no_such_member"
    sentence = "{} is not in that room."


class NotAllowedError(RequestError):
    """Something that only a room's owner may do, or nobody."""

    code = "not_allowed"
    sentence = "You may not do that here."


class NotYoursError(RequestError):
    """A change to what somebody else said."""

    code = "not_yours"
    sentence = "That is not a message of yours that is still there."


class AlreadyReadingError(RequestError):
    """A second join; the argument is the log that is read."""

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


class InvalidError(RequestError):
    """Something that cannot be asked for; the argument is the sentence that says what."""

    code = "invalid"
    sentence = "{}"


class UnknownRequestError(RequestError):
    """A request of a later version."""

    code = "unknown_request"
    sentence = "This server does not know that request."

"""Refusals: a legal request that is not granted. The connection stays open.

Each class has a code from docs/protocol.md section 6.5, and the sentence that the user reads in any
client. The client adds what to type.
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
    "BlockedError",
    "ClosedError",
    "InvalidError",
    "LastDeviceError",
    "MutedError",
    "NickEmptyError",
    "NickInvalidError",
    "NickTakenError",
    "NickTooLongError",
    "NoSearchError",
    "NoSpaceError",
    "NoSuchDeviceError",
    "NoSuchMemberError",
    "NoSuchNickError",
    "NoSuchRequestError",
    "NoSuchRoomError",
    "NotAMemberError",
    "NotAllowedError",
    "NotLoggedInError",
    "NotReadError",
    "NotStoredError",
    "NotWelcomeError",
    "NotYoursError",
    "OtherAccountError",
    "OverQuotaError",
    "OverRateError",
    "RequestError",
    "RoomEmptyError",
    "RoomInvalidError",
    "RoomTakenError",
    "RoomTooLongError",
    "SearchBusyError",
    "SearchTooSlowError",
    "SharedNetworkError",
    "SlowModeError",
    "TextEmptyError",
    "TextTooLongError",
    "TokenNeededError",
    "TooManyAttemptsError",
    "TooManyBlocksError",
    "TooManyEditsError",
    "TooManyInvitationsError",
    "TooManyNamesError",
    "TooManyPhrasesError",
    "TooManyRequestsError",
    "TooManyRoomsError",
    "TooManyWordsError",
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
    """Any other request before a login."""

    code = "not_logged_in"
    sentence = "Log in first."


class AlreadyLoggedInError(RequestError):
    """A second login."""

    code = "already_logged_in"
    sentence = "You are already logged in."


class NickEmptyError(RequestError):
    """An empty nickname."""

    code = "nick_empty"
    sentence = "A nickname cannot be empty."


class NickTooLongError(RequestError):
    """A nickname that is too long. Argument: the limit in characters."""

    code = "nick_too_long"
    sentence = "A nickname has at most {} characters."


class NickInvalidError(RequestError):
    """A nickname with a character that is not allowed."""

    code = "nick_invalid"
    sentence = "A nickname is made of letters, digits and _ - . and starts with a letter or digit."


class NickTakenError(RequestError):
    """Somebody else's nickname. Argument: the nickname."""

    code = "nick_taken"
    sentence = "The nickname {} is taken."


class TooManyNamesError(RequestError):
    """Giving up more nicknames than are held for an account. Argument: the limit."""

    code = "too_many_names"
    sentence = "You have given up {} nicknames recently; take one of them back, or wait."


class TooManyAttemptsError(RequestError):
    """A login after too many failed ones. Argument: seconds to wait."""

    code = "too_many_attempts"
    sentence = "Too many failed attempts; try again in {} seconds."


class RoomEmptyError(RequestError):
    """An empty room name."""

    code = "room_empty"
    sentence = "A room name cannot be empty."


class RoomTooLongError(RequestError):
    """A room name that is too long. Argument: the limit in characters."""

    code = "room_too_long"
    sentence = "A room name has at most {} characters."


class RoomInvalidError(RequestError):
    """A room name with a character that is not allowed."""

    code = "room_invalid"
    sentence = "A room name is made of letters, digits and _ - . and starts with a letter or digit."


class TooManyRoomsError(RequestError):
    """One room more than an account may own. Argument: the limit."""

    code = "too_many_rooms"
    sentence = "You own {} rooms, which is the limit (rooms_per_account)."


class NoSuchRoomError(RequestError):
    """A room that does not exist."""

    code = "no_such_room"
    sentence = "There is no such room."


class NoSuchNickError(RequestError):
    """A nickname that nobody has. Argument: the nickname."""

    code = "no_such_nick"
    sentence = "Nobody here is called {}."


class RoomTakenError(RequestError):
    """Creating a room with a name that is not free; the answer does not say why. Argument: the
    name."""

    code = "room_taken"
    sentence = "A room cannot be called {}: that name is taken."


class BannedError(RequestError):
    """A banned account or address. Arguments: from where, how long (see `roles.until`), and the
    end of the sentence with the reason (see `roles.reason`)."""

    code = "banned"
    sentence = "You are banned from {} {}{}"


class MutedError(RequestError):
    """A request that a muted account may not make. Arguments: as `BannedError`."""

    code = "muted"
    sentence = "You are muted in {} {}{}"


class SlowModeError(RequestError):
    """Words sent too soon after the last ones. Arguments: the room, and the seconds left to
    wait."""

    code = "slow_mode"
    sentence = "{} is in slow mode: you can write there again in {} seconds."


class BadSignatureError(RequestError):
    """A login whose signature is not by its key, or not for this connection."""

    code = "bad_signature"
    sentence = "The login's signature is not valid for this connection."


class BadCodeError(RequestError):
    """A code for another device that is wrong, used, or expired."""

    code = "bad_code"
    sentence = "That code is wrong, already used, or expired."


class WrongPasswordError(RequestError):
    """A wrong password or an unknown user; the answer does not say which."""

    code = "wrong_password"
    sentence = "Wrong nickname or password."


class AuthUnavailableError(RequestError):
    """A password that could not be checked."""

    code = "auth_unavailable"
    sentence = "The password could not be checked; please try again."


class BadTokenError(RequestError):
    """An invitation that is wrong, used up, or expired."""

    code = "bad_token"
    sentence = "That invitation is wrong, used up, or expired."


class ClosedError(RequestError):
    """A new account on a server whose registration is closed."""

    code = "registration_closed"
    sentence = "This server takes no new accounts."


class TokenNeededError(RequestError):
    """A new account without an invitation on a server that requires one."""

    code = "token_needed"
    sentence = "This server takes new accounts by invitation only: connect with an invitation link."


class LastDeviceError(RequestError):
    """Removing the only key of an account."""

    code = "last_device"
    sentence = "That is the only key of your account; link another device first."


class NoSuchDeviceError(RequestError):
    """A key that the account does not have."""

    code = "no_such_device"
    sentence = "Your account has no such device."


class TooManyEditsError(RequestError):
    """More edits than a text may have. Argument: the limit."""

    code = "too_many_edits"
    sentence = "This message has been edited {} times, which is the limit; post a new one."


class TooManyInvitationsError(RequestError):
    """More open invitations than an account or a room may have. Arguments: as `OverQuotaError`."""

    code = "too_many_invitations"
    sentence = "There are too many open {}: the limit is {} ({})."


class OverQuotaError(RequestError):
    """More of something than a quota allows. Arguments: what, the quota, and its name in
    `chat.limits`."""

    code = "over_quota"
    sentence = "There are too many {}: the limit is {} ({})."


class OverRateError(RequestError):
    """More of something than a rate allows. Arguments: as `OverQuotaError`, and the seconds to
    wait."""

    code = "over_rate"
    sentence = "There are too many {}: the limit is {} ({}); try again in {} seconds."


class NotWelcomeError(RequestError):
    """A request or invitation that the recipient does not accept, or a message to somebody who has
    blocked its author; the answer does not say which. Argument: the nickname."""

    code = "not_welcome"
    sentence = "{} does not accept messages from you."


class BlockedError(RequestError):
    """A message to an account that its author has blocked. Argument: the nickname."""

    code = "blocked"
    sentence = "You have blocked {}; unblock them first."


class OtherAccountError(RequestError):
    """A conversation with somebody whose nickname now belongs to another account. Argument: the
    nickname."""

    code = "other_account"
    sentence = "{} is another account now than the one you talked to by that name."


class NoSuchRequestError(RequestError):
    """An answer to a request that does not exist, or was answered already."""

    code = "no_such_request"
    sentence = "There is no such request."


class TooManyRequestsError(RequestError):
    """More unanswered requests than an account may have sent or received."""

    code = "too_many_requests"
    sentence = "There are too many unanswered requests; try again when some are answered."


class TooManyBlocksError(RequestError):
    """Blocking more accounts than the limit. Argument: the limit."""

    code = "too_many_blocks"
    sentence = "You have blocked {} accounts, which is the limit."


class NotAMemberError(RequestError):
    """A request for members of a room, from somebody who is not a member."""

    code = "not_a_member"
    sentence = "You are not in that room."


class NoSuchMemberError(RequestError):
    """An action on somebody who is not a member of the room. Argument: the nickname."""

    code = "no_such_member"
    sentence = "{} is not in that room."


class NotAllowedError(RequestError):
    """An action that needs a higher role, or that nobody may do here."""

    code = "not_allowed"
    sentence = "You may not do that here."


class SharedNetworkError(RequestError):
    """A ban of a network that would shut out others too. Arguments: the group of addresses, and
    whose it is."""

    code = "shared_network"
    sentence = "{} is {}; a ban would shut out everybody there, so it must be forced."


class NotYoursError(RequestError):
    """A change to a record that is not the account's own, or is gone."""

    code = "not_yours"
    sentence = "That message is not yours, or it has been deleted."


class AlreadyReadingError(RequestError):
    """A second join. Argument: the log that is already being read."""

    code = "already_reading"
    sentence = "You are already in that room."


class TextEmptyError(RequestError):
    """An empty post."""

    code = "text_empty"
    sentence = "A message cannot be empty."


class TextTooLongError(RequestError):
    """A text that is too long. Arguments: the limit and its unit."""

    code = "text_too_long"
    sentence = "That is too long: the limit is {} {}."


class NotReadError(RequestError):
    """The store could not be read."""

    code = "not_read"
    sentence = "The server could not read that; please try again."


class NoSearchError(RequestError):
    """A search on a server without a search index."""

    code = "no_search"
    sentence = "Search is turned off on this server."


class TooManyWordsError(RequestError):
    """A search for too many words. Argument: the limit."""

    code = "too_many_words"
    sentence = "A search has at most {} words."


class TooManyPhrasesError(RequestError):
    """A search for too many phrases. Argument: the limit."""

    code = "too_many_phrases"
    sentence = "A search has at most {} phrases."


class SearchTooSlowError(RequestError):
    """A search that was interrupted. Argument: the limit, in seconds."""

    code = "search_too_slow"
    sentence = "That search takes more than {} seconds; please search for rarer words."


class SearchBusyError(RequestError):
    """A search that was refused because too many are waiting."""

    code = "search_busy"
    sentence = "The server is busy with other searches; please try again in a minute."


class NotStoredError(RequestError):
    """The store could not commit the change."""

    code = "not_stored"
    sentence = "The server could not store this, and nobody has seen it; please try again."


class NoSpaceError(RequestError):
    """The store has no space for the change."""

    code = "disk_full"
    sentence = "The server's disk is full, so this cannot be stored; please try again later."


class InvalidError(RequestError):
    """A request that makes no sense. Argument: the sentence that says why."""

    code = "invalid"
    sentence = "{}"


class UnknownRequestError(RequestError):
    """A request of a later version."""

    code = "unknown_request"
    sentence = "This server does not know that request."

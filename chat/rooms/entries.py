"""What lets somebody in beside a key: codes for another device, and invitations.

Only hashes of them are known here; what they are hashes of is the caller's.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from chat.rooms.errors import BadCodeError, BadTokenError

__all__ = ["CODE_TRIES", "Codes", "Invitation", "Invitations", "Registration"]

CODE_TRIES: Final = 5
"""Wrong codes after which a right one is worth nothing any more: a code is short, to be typed."""


class Registration(Enum):
    """Who may have a new account."""

    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


@dataclass(slots=True)
class _Code:
    hash: bytes
    until: int
    tries: int = 0


class Codes:
    """One code at a time for each account that is about to have another device."""

    def __init__(self) -> None:
        self._codes: dict[bytes, _Code] = {}

    def issue(self, account: bytes, hash: bytes, now: int, until: int) -> None:
        """Let an account be entered with a code, instead of one that it had."""
        self._codes = {key: code for key, code in self._codes.items() if now < code.until}
        self._codes[account] = _Code(hash, until)

    def redeem(self, account: bytes, hash: bytes, now: int) -> None:
        """Use the code of an account up. Raises BadCodeError."""
        code = self._codes.get(account)
        if code is None:
            raise BadCodeError
        code.tries += 1
        is_right = code.hash == hash and now < code.until
        if is_right or now >= code.until or code.tries >= CODE_TRIES:
            del self._codes[account]
        if not is_right:
            raise BadCodeError


@dataclass(slots=True)
class Invitation:
    """Lets whoever has its token in."""

    log: bytes
    """Of the room that one may join with it; empty for none."""
    by: bytes
    """The account that made it."""
    uses: int
    until: int
    """Milliseconds of UTC."""


@dataclass(slots=True)
class Invitations:
    """All that are still worth something, by the hash of their token."""

    known: dict[bytes, Invitation] = field(default_factory=dict)

    def find(self, hash: bytes, now: int) -> Invitation:
        """Return the invitation with this token. Raises BadTokenError."""
        invitation = self.known.get(hash)
        if invitation is None or invitation.uses < 1 or now >= invitation.until:
            raise BadTokenError
        return invitation

    def expired(self, now: int) -> list[bytes]:
        """Return the hashes of those that are worth nothing any more."""
        return [
            hash
            for hash, invitation in self.known.items()
            if invitation.uses < 1 or now >= invitation.until
        ]

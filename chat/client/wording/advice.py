"""What the user can do about a refusal."""

from typing import Final

from chat.client.core.model import Refusal

__all__ = ["NICK_CODES", "PASSWORD_CODES", "advise", "advise_login"]

PASSWORD_CODES: Final = frozenset({"wrong_password", "auth_unavailable"})
NICK_CODES: Final = frozenset({"nick_taken", "nick_empty", "nick_too_long", "nick_invalid"})
"""Refusals of a login after which a person may try another password, or another nickname. After any
other one the same would only happen again."""

_LOGIN_ADVICE: Final = {
    "nick_taken": (
        "If it is yours, type /link on a device that has it, and start here with --link CODE."
    ),
    "bad_code": "A device that is linked already shows a new one when you type /link there.",
}
"""What can be done here about the refusal of a login, by its code."""

_ADVICE: Final = {
    "no_such_device": "/devices lists them",
    "no_such_room": "/rooms lists those there are, and /create ROOM makes one",
    "room_taken": "/join ROOM joins it, if you may",
    "shared_network": "/ban --network --force NICK does that",
    "other_account": "nothing was sent. If you mean who has the name now, type /known NICK",
}
"""The same for other refusals."""


def advise_login(refusal: Refusal) -> list[str]:
    """Return the sentences about a login that was refused."""
    advice = _LOGIN_ADVICE.get(refusal.code)
    return [refusal.text] if advice is None else [refusal.text, advice]


def advise(refusal: Refusal) -> str:
    """Return the sentence about a command that was refused."""
    advice = _ADVICE.get(refusal.code)
    return refusal.text if advice is None else f"{refusal.text.rstrip('.')}; {advice}."

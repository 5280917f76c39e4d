"""Whether to trust a host key: the decision, without asking or writing anything."""

from enum import Enum, auto

__all__ = ["Verdict", "judge"]


class Verdict(Enum):
    """What to do about a host key."""

    KNOWN = auto()
    """It is the pinned one, or the one in the address."""
    PIN = auto()
    """It is new, and may be pinned without asking."""
    ASK = auto()
    """It is new; a person has to decide."""
    REFUSE_NEW = auto()
    """It is new, and there is nobody to ask."""
    REFUSE_MISMATCH = auto()
    """It is not the one in the address."""
    REFUSE_CHANGED = auto()
    """It is not the one that was pinned."""


def judge(
    offered: str,
    *,
    given: str | None,
    pinned: str | None,
    is_loopback: bool,
    is_terminal: bool,
    trust_new: bool,
) -> Verdict:
    """Judge the fingerprint that a server `offered`.

    `given` came with the address, `pinned` is remembered from earlier. A changed key is refused
    whatever else is said: a link with the new fingerprint may come from whoever changed it.
    """
    if given is not None and offered != given:
        return Verdict.REFUSE_MISMATCH
    if pinned is not None:
        return Verdict.KNOWN if offered == pinned else Verdict.REFUSE_CHANGED
    if given is not None or is_loopback or trust_new:
        return Verdict.PIN
    return Verdict.ASK if is_terminal else Verdict.REFUSE_NEW

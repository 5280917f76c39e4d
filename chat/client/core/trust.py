"""Whether to trust a host key: the rules, and the sentences about them."""

from collections.abc import Collection, Sequence
from enum import Enum, auto
from typing import Final

from chat.client.core.address import Address, make_link
from chat.client.core.interfaces import Pins, StorageError
from chat.wire.hostkey import fingerprint, fingerprint_words, predecessors

__all__ = ["HostKeyCheck", "TrustError", "Verdict", "judge", "word_lines"]

_WORDS: Final = 6
"""In a line, for reading aloud."""


class Verdict(Enum):
    """What to do about a host key."""

    KNOWN = auto()
    """It is the pinned one."""
    SUCCEEDED = auto()
    """It follows the one that is known, which has signed it; it is to be pinned in its place."""
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


class TrustError(Exception):
    """A host key is not trusted, or that cannot be decided.

    The text is a sentence for the user; `lines` begin with it, and may go on with what to do.
    """

    def __init__(self, sentence: str, *more: str) -> None:
        super().__init__(sentence)
        self.lines = [sentence, *more]


def judge(
    offered: str,
    *,
    predecessors: Collection[str] = (),
    given: str | None,
    pinned: str | None,
    is_loopback: bool,
    can_ask: bool,
    trust_new: bool,
) -> Verdict:
    """Judge the fingerprint that a server `offered`.

    `predecessors` are the fingerprints of earlier keys that have signed the way to it, `given` came
    with the address, `pinned` is remembered from earlier. A key that changed without a signature is
    refused whatever else is said: a link with the new fingerprint may come from whoever changed it.
    """
    if given is not None and given != offered and given not in predecessors:
        return Verdict.REFUSE_MISMATCH
    if pinned is not None:
        if pinned == offered:
            return Verdict.KNOWN
        return Verdict.SUCCEEDED if pinned in predecessors else Verdict.REFUSE_CHANGED
    if given is not None and given != offered:
        return Verdict.SUCCEEDED
    if given is not None or is_loopback or trust_new:
        return Verdict.PIN
    return Verdict.ASK if can_ask else Verdict.REFUSE_NEW


def word_lines(words: Sequence[str]) -> list[str]:
    """Return a fingerprint's words a few in a line, indented."""
    return ["    " + " ".join(words[at : at + _WORDS]) for at in range(0, len(words), _WORDS)]


class HostKeyCheck:
    """The check of one server's host key. `examine`, and `pin` for SUCCEEDED, PIN and a yes."""

    def __init__(
        self, address: Address, pins: Pins, *, can_ask: bool, trust_new: bool = False
    ) -> None:
        self.address = address
        self.offered = ""
        """The fingerprint of the key that was last examined."""
        self._pins = pins
        self._can_ask = can_ask
        self._trust_new = trust_new
        self._host_key = b""
        self._is_successor = False

    def examine(self, host_key: bytes, successions: bytes = b"", *, is_loopback: bool) -> Verdict:
        """Return KNOWN, SUCCEEDED, PIN or ASK for the key that a server has proved to hold.

        `successions` is what the server says led to it, not yet checked. Raises TrustError where
        the key is refused, and where the pins cannot be read.
        """
        self._host_key = host_key
        self.offered = offered = fingerprint(host_key)
        try:
            pinned = self._pins.fingerprint(self.address)
        except StorageError as error:
            raise TrustError(f"{error}.") from None
        given = self.address.fingerprint
        is_as_expected = {given, pinned} <= {offered, None}
        verdict = judge(
            offered,
            # Verifying them costs more than all the rest, and is seldom needed.
            predecessors=() if is_as_expected else _fingerprints(host_key, successions),
            given=given,
            pinned=pinned,
            is_loopback=is_loopback,
            can_ask=self._can_ask,
            trust_new=self._trust_new,
        )
        self._is_successor = verdict is Verdict.SUCCEEDED
        match verdict:
            case Verdict.REFUSE_NEW:
                raise TrustError(
                    f"The host key of {self.address} is not known here: {offered}",
                    "Nobody can be asked; use --trust-new, or a link with the fingerprint.",
                )
            case Verdict.REFUSE_MISMATCH:
                raise TrustError(
                    f"The host key of {self.address} is not the one in the link, so nothing was "
                    "sent.",
                    f"It is  {offered}",
                    "or, in words,",
                    *word_lines(self.words()),
                    "and is not signed with that one. Either the link is wrong, or somebody is "
                    "posing as this server.",
                    "Ask its operator for the link, but not through this server.",
                )
            case Verdict.REFUSE_CHANGED:
                raise TrustError(
                    f"The host key of {self.address} has CHANGED, so nothing was sent: somebody "
                    "may be posing as this server.",
                    f"It was  {pinned}",
                    f"and is  {offered}",
                    "or, in words,",
                    *word_lines(self.words()),
                    "which the old key has not signed, as it does when an operator changes it.",
                    "Ask the operator for either, but not through this server. If it is the same,",
                    f"remove the lines that begin with {self.address} from {self._pins.name}.",
                )
        return verdict

    def link(self, room: str | None = None, token: bytes | None = None) -> str:
        """Return the link to the server that was examined, perhaps with an invitation."""
        return make_link(self.address, self.offered, room, token)

    def words(self) -> list[str]:
        """Return the fingerprint of the key that was examined in words, to be read aloud."""
        return fingerprint_words(self._host_key).split(" ")

    def pin(self) -> bool:
        """Remember the key from now on. Return whether the one before has signed it.

        Raises TrustError.
        """
        try:
            self._pins.pin(self.address, self.offered)
        except StorageError as error:
            raise TrustError(f"{error}.") from None
        return self._is_successor


def _fingerprints(host_key: bytes, successions: bytes) -> list[str]:
    """Return the fingerprints of the keys that lead to this one."""
    return [fingerprint(key) for key in predecessors(host_key, successions)]

"""Whether to trust a host key: the rules, and the sentences about them."""

from collections.abc import Collection
from enum import Enum, auto
from typing import Final

from chat.client.core.address import Address, make_link
from chat.client.storage.known_hosts import KnownHosts, KnownHostsError
from chat.wire.hostkey import fingerprint, fingerprint_words, predecessors

__all__ = ["HostKeyCheck", "TrustError", "Verdict", "judge"]

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
    is_terminal: bool,
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
    return Verdict.ASK if is_terminal else Verdict.REFUSE_NEW


class HostKeyCheck:
    """The check of one server's host key. `examine`, and `pin` for SUCCEEDED, PIN and a yes."""

    def __init__(
        self, address: Address, known_hosts: KnownHosts, *, is_terminal: bool, trust_new: bool
    ) -> None:
        self._address = address
        self._known_hosts = known_hosts
        self._is_terminal = is_terminal
        self._trust_new = trust_new
        self._host_key = b""
        self._offered = ""
        self._is_successor = False

    def examine(self, host_key: bytes, successions: bytes = b"", *, is_loopback: bool) -> Verdict:
        """Return KNOWN, SUCCEEDED, PIN or ASK for the key that a server has proved to hold.

        `successions` is what the server says led to it, not yet checked. Raises TrustError where
        the key is refused, and where `known_hosts` cannot be read.
        """
        self._host_key = host_key
        self._offered = offered = fingerprint(host_key)
        try:
            pinned = self._known_hosts.fingerprint(self._address)
        except KnownHostsError as error:
            raise TrustError(f"{error}.") from None
        given = self._address.fingerprint
        is_as_expected = {given, pinned} <= {offered, None}
        verdict = judge(
            offered,
            # Verifying them costs more than all the rest, and is seldom needed.
            predecessors=() if is_as_expected else _fingerprints(host_key, successions),
            given=given,
            pinned=pinned,
            is_loopback=is_loopback,
            is_terminal=self._is_terminal,
            trust_new=self._trust_new,
        )
        self._is_successor = verdict is Verdict.SUCCEEDED
        match verdict:
            case Verdict.REFUSE_NEW:
                raise TrustError(
                    f"The host key of {self._address} is not known here: {offered}",
                    "Nobody can be asked; use --trust-new, or a link with the fingerprint.",
                )
            case Verdict.REFUSE_MISMATCH:
                raise TrustError(
                    f"The host key of {self._address} is not the one in the link, so nothing was "
                    "sent.",
                    f"It is  {offered}",
                    "or, in words,",
                    *self._words(),
                    "and is not signed with that one. Either the link is wrong, or somebody is "
                    "posing as this server.",
                    "Ask its operator for the link, but not through this server.",
                )
            case Verdict.REFUSE_CHANGED:
                raise TrustError(
                    f"The host key of {self._address} has CHANGED, so nothing was sent: somebody "
                    "may be posing as this server.",
                    f"It was  {pinned}",
                    f"and is  {offered}",
                    "or, in words,",
                    *self._words(),
                    "which the old key has not signed, as it does when an operator changes it.",
                    "Ask the operator for either, but not through this server. If it is the same,",
                    f"remove the lines that begin with {self._address} "
                    f"from {self._known_hosts.path}.",
                )
        return verdict

    def link(self, room: str | None, token: bytes) -> str:
        """Return the link of an invitation to the server that was examined."""
        return make_link(self._address, self._offered, room, token)

    def question(self) -> list[str]:
        """Return the lines that a person has to read before deciding about the key."""
        return [
            f"The host key of {self._address} is new. Its fingerprint is",
            f"    {self._offered}",
            "or, in words,",
            *self._words(),
            "Compare either with what the server's operator says.",
        ]

    def _words(self) -> list[str]:
        """Return the fingerprint of the key that was offered in words, a few in a line."""
        words = fingerprint_words(self._host_key).split(" ")
        return ["    " + " ".join(words[at : at + _WORDS]) for at in range(0, len(words), _WORDS)]

    def pin(self) -> str:
        """Remember the key from now on; return a line that says so. Raises TrustError."""
        try:
            self._known_hosts.pin(self._address, self._offered)
        except KnownHostsError as error:
            raise TrustError(f"{error}.") from None
        if self._is_successor:
            return (
                f"* The host key of {self._address} was changed by its operator, and the new one "
                f"is signed with the old one: {self._offered}"
            )
        return f"* The host key of {self._address} is new, and pinned from now on: {self._offered}"


def _fingerprints(host_key: bytes, successions: bytes) -> list[str]:
    """Return the fingerprints of the keys that lead to this one."""
    return [fingerprint(key) for key in predecessors(host_key, successions)]

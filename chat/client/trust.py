"""Whether to trust a host key: the rules, and the sentences about them."""

from enum import Enum, auto

from chat.client.address import Address, make_link
from chat.client.display import make_visible
from chat.client.known_hosts import KnownHosts, KnownHostsError
from chat.wire.hostkey import fingerprint

__all__ = ["HostKeyCheck", "TrustError", "Verdict", "judge"]


class Verdict(Enum):
    """What to do about a host key."""

    KNOWN = auto()
    """It is the pinned one."""
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
    """A host key is not trusted, or that cannot be decided; the text is a sentence for the user."""


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


class HostKeyCheck:
    """The check of one server's host key. `examine`, and `pin` when that is the verdict."""

    def __init__(
        self, address: Address, known_hosts: KnownHosts, *, is_terminal: bool, trust_new: bool
    ) -> None:
        self._address = address
        self._known_hosts = known_hosts
        self._is_terminal = is_terminal
        self._trust_new = trust_new
        self._offered = ""

    def examine(self, host_key: bytes, *, is_loopback: bool) -> Verdict:
        """Return KNOWN, PIN or ASK for the key that a server has proved to hold.

        Raises TrustError where it is refused, and where `known_hosts` cannot be read.
        """
        self._offered = offered = fingerprint(host_key)
        try:
            pinned = self._known_hosts.fingerprint(self._address)
        except KnownHostsError as error:
            raise TrustError(f"{error}.") from None
        verdict = judge(
            offered,
            given=self._address.fingerprint,
            pinned=pinned,
            is_loopback=is_loopback,
            is_terminal=self._is_terminal,
            trust_new=self._trust_new,
        )
        match verdict:
            case Verdict.REFUSE_NEW:
                raise TrustError(
                    f"The host key of {self._address} is not known here: {offered}. "
                    "Nobody can be asked; use --trust-new, or a link with the fingerprint."
                )
            case Verdict.REFUSE_MISMATCH:
                raise TrustError(
                    f"The host key of {self._address} is not the one in the link: "
                    f"it is {offered}. Nothing was sent."
                )
            case Verdict.REFUSE_CHANGED:
                raise TrustError(
                    f"The host key of {self._address} has CHANGED: it was {pinned}, "
                    f"and is now {offered}. Somebody may be posing as this server; nothing "
                    "was sent. If its operator confirms the new fingerprint, remove the line from "
                    f"{make_visible(str(self._known_hosts.path))}."
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
            "Compare it with what the server's operator says.",
        ]

    def pin(self) -> str:
        """Remember the key from now on; return a line that says so. Raises TrustError."""
        try:
            self._known_hosts.pin(self._address, self._offered)
        except KnownHostsError as error:
            raise TrustError(f"{error}.") from None
        return f"* The host key of {self._address} is new, and pinned from now on: {self._offered}"

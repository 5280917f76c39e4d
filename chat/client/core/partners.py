"""Whether a nickname is still the account that the user talked to, before anything is said.

A private conversation belongs to two accounts for ever, so its log tells who the other one is.
"""

from chat.client.core.interfaces import Partners, StorageError
from chat.client.core.model import Refusal
from chat.client.core.rooms import Room
from chat.client.core.session import Session
from chat.ids import LogId

__all__ = ["PartnerCheck"]


class PartnerCheck:
    """Knows whom the user has talked to alone, by `partners`."""

    def __init__(self, session: Session, partners: Partners) -> None:
        self._session = session
        self._partners = partners

    def known(self, nick: str) -> LogId | Refusal | None:
        """Return the conversation with whoever had a nickname when the user last talked to them."""
        try:
            return self._partners.find(self._session.account.account, nick)
        except StorageError as error:
            return Refusal("not_kept", f"{error}. Nothing was sent.")

    def is_other(self, nick: str, log: LogId) -> bool:
        """Tell whether the user talked to another account by this nickname."""
        known = self.known(nick)
        return isinstance(known, bytes) and known != log

    def check(self, room: Room) -> Refusal | None:
        """Remember that the user talks to the other of a conversation; refuse if that is another
        account than it was by the same nickname."""
        if self.is_other(room.name, room.log):
            return refusal(room.name)
        return self.keep(room.name, room.log)

    def keep(self, nick: str, log: LogId | None) -> Refusal | None:
        """Remember, or (None) forget, whom a nickname stands for."""
        try:
            self._partners.keep(self._session.account.account, nick, log)
        except StorageError as error:
            return Refusal("not_kept", f"{error}. Nothing was sent.")
        return None


def refusal(nick: str) -> Refusal:
    """Return the refusal to talk to another account than before."""
    text = f"{nick} is another account now than the one you talked to by that name."
    return Refusal("other_account", text)

"""What was said lately in a log, so that an edit, a reply or a reaction can quote it."""

from dataclasses import dataclass, replace

from chat.ids import AccountId
from chat.wire.messages import Body, DeleteBody, EditBody, TextBody, Unknown

__all__ = ["Said", "Texts"]


@dataclass(frozen=True, slots=True)
class Said:
    """A message: who said it, and what it says now."""

    account: AccountId
    nick: str
    text: str
    edited: int = 0
    """The sequence number of the edit that made the text, 0 where there was none."""


class Texts:
    """The last messages of a log by sequence number, at most `limit`; the oldest go first.

    Records may come in any order: a page of older ones does not undo a newer edit.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._said: dict[int, Said] = {}

    def copy(self, more: int) -> "Texts":
        """Return the same, with room for `more`."""
        texts = Texts(self._limit + more)
        texts._said = dict(self._said)
        return texts

    def get(self, seq: int) -> Said | None:
        """Return the message `seq`, if it is known and not deleted."""
        return self._said.get(seq)

    def last(self, account: AccountId, *, is_own: bool) -> int | None:
        """Return the number of the last message of `account`, or of anybody else."""
        return max(
            (seq for seq, said in self._said.items() if (said.account == account) == is_own),
            default=None,
        )

    def take(self, seq: int, body: Body | Unknown) -> None:
        """Note what the record `seq` says or changes."""
        match body:
            case TextBody(account=account, nick=nick, text=text):
                # Known already where an edit of it came first.
                self._said.setdefault(seq, Said(account, nick, text))
            case EditBody(account=account, nick=nick, seq=target, text=text):
                said = self._said.get(target, Said(account, nick, text))
                if said.edited < seq:
                    self._said[target] = replace(said, text=text, edited=seq)
            case DeleteBody(seq=target):
                self._said.pop(target, None)
        if len(self._said) > self._limit:
            del self._said[min(self._said)]

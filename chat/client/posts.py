"""What is said: posts, edits, deletions, reactions, each exactly once over all connections.

Each waits in the outbox until one of three things: it is acknowledged, it is refused, or its own
record comes back, which means that it was stored while the acknowledgement was lost. Until then it
is sent again, with the same ids, whenever its log is read on a new connection.
"""

from typing import assert_never

from chat.client.core.interfaces import TypedLine
from chat.client.logs import LogView
from chat.client.outbox import Posting
from chat.client.visit import Visit
from chat.ids import LogId, MessageId
from chat.wire import messages
from chat.wire.messages import Body, DeleteBody, EditBody, ReactionBody, TextBody, Unknown
from chat.wire.records import Delivered

__all__ = ["Posts"]


class Posts:
    """Sends what is said, and learns what became of it."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    def add(self, posting: Posting, line: TypedLine) -> None:
        """Send something because `line` was typed, and keep it until it is settled."""
        self._visit.outbox.add(posting, line)
        self._visit.asking.send(posting)

    def next_ids(self) -> tuple[int, MessageId]:
        """Return a request id and a message id for something new."""
        return self._visit.asking.next_id(), MessageId(self._visit.random_bytes(16))

    def send_again(self, log: LogId) -> None:
        """Send everything that is not settled in a log that is read again, in order."""
        for posting in self._visit.outbox.of(log):
            self._visit.asking.send(posting)

    def posted(self, posted: messages.Posted) -> None:
        """Take acknowledgements."""
        view = self._visit.book.get(posted.log)
        for number, seq, time in posted.acks:
            posting = self._visit.outbox.take(number)
            if posting is None:
                continue
            if view is not None:
                view.acknowledged(seq)
                view.texts.take(seq, self._body(posting, time))
            self._visit.line_done()
        if view is not None:
            view.reached(posted.seq)

    def refused(self, refused: messages.Refused) -> bool:
        """Take a refusal. Return whether it is one of something said."""
        line = self._visit.outbox.line(refused.id)
        if line is None:
            return False
        self._visit.outbox.take(refused.id)
        self._visit.reject(refused.text, line)
        return True

    def recognise(self, view: LogView, delivered: Delivered) -> bool:
        """Return whether a new record is something said here that was not acknowledged yet.

        It is settled by that, and need not be shown: whoever typed it has it on the screen.
        """
        body = delivered.body
        if isinstance(body, Unknown) or body.account != self._visit.account:
            return False
        if self._visit.outbox.take_record(body.account, delivered.record_id) is None:
            return False
        view.texts.take(delivered.seq, body)
        self._visit.line_done()
        return True

    def give_up(self, log: LogId, name: str) -> None:
        """Settle what was to be said in a log that one is no member of any more."""
        for posting in self._visit.outbox.of(log):
            sentence = f"A line for {name} could not be sent: you are no member any more."
            line = self._visit.outbox.line(posting.id)
            self._visit.outbox.take(posting.id)
            self._visit.reject(sentence, line)

    def _body(self, posting: Posting, time: int) -> Body:
        """Return what a record says that came from here, and does not come back."""
        account, nick = self._visit.account, self._visit.nick
        match posting:
            case messages.Post(text=text, reply=reply):
                return TextBody(time, account, nick, text, reply)
            case messages.Edit(seq=seq, text=text):
                return EditBody(time, account, nick, seq, text)
            case messages.Delete(seq=seq):
                return DeleteBody(time, account, nick, seq)
            case messages.React(seq=seq, reaction=reaction):
                return ReactionBody(time, account, nick, seq, reaction)
            case _:
                assert_never(posting)

"""What is said: posts, edits, deletions, reactions, each exactly once over all connections.

Each waits until one of three things: it is acknowledged, it is refused, or its own record comes
back, which means that it was stored while the acknowledgement was lost. Until then it is sent
again, with the same ids, whenever its log is read on a new connection. To send it again is safe:
the server stores a message once (docs/protocol.md 6.1).
"""

from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import assert_never

from msgspec import UNSET

from chat.client.core.commands import Delete, Edit, Posting, React, Send
from chat.client.core.events import MessageChanged, UnsentChanged
from chat.client.core.model import Author, Handle, Message, MessageState, Refusal, Reply
from chat.client.core.pending import UNFIT
from chat.client.core.rooms import Room
from chat.client.core.session import Session
from chat.ids import LogId, MessageId, RecordId
from chat.rooms.errors import RequestError
from chat.rooms.texts import check_reaction, check_text
from chat.wire import messages
from chat.wire.errors import LocalProtocolError
from chat.wire.messages import Body, DeleteBody, EditBody, ReactionBody, TextBody, Unknown
from chat.wire.records import Delivered, record_id

__all__ = ["Outbox"]

_NOT_SENT = Refusal("not_sent", "The message that this is about was not sent.")
_ELSEWHERE = Refusal("invalid", "That message is in another room.")
_NO_SUCH_ROOM = Refusal("not_a_member", "You are not in that room.")


@dataclass(eq=False, slots=True)
class _Outgoing:
    command: Posting
    log: LogId
    number: int
    message: MessageId
    record: RecordId
    done: Callable[[object], None]
    request: messages.Posting | None = None
    """As it was sent; None while it waits for the number of the message that it is about."""


class Outbox:
    """Everything on its way, in the order it was said."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._waiting: dict[int, _Outgoing] = {}
        self._readable: set[LogId] = set()
        """Logs that this connection reads."""

    def __len__(self) -> int:
        """Return how much waits."""
        return len(self._waiting)

    # --- Sending ---

    def add(self, command: Posting, done: Callable[[object], None]) -> None:
        """Send something, now or as soon as its log is read, and keep it until it is settled."""
        target = _target(command)
        log = command.log if isinstance(command, Send) else command.target.log
        room = self._session.rooms.get(log)
        if target is not None and target.log != log:
            done(_ELSEWHERE)
            return
        try:
            _check(command)
        except RequestError as error:
            done(Refusal(error.code, str(error)))
            return
        except UnicodeEncodeError:
            done(UNFIT)
            return
        if room is None:
            done(_NO_SUCH_ROOM)
            return
        message = MessageId(self._session.random_bytes(16))
        record = record_id(self._session.account.account, message)
        number = self._session.pending.next_id()
        self._waiting[number] = _Outgoing(command, log, number, message, record, done)
        self._session.emit(UnsentChanged(len(self)))
        if isinstance(command, Send):
            self._show(room, command, Handle(log, record, 0))
        self._send(log)

    def _show(self, room: Room, command: Send, handle: Handle) -> None:
        """Let a message stand in the timeline while it waits."""
        account = self._session.account
        reply = None
        if command.reply_to is not None:
            answered = room.timeline.find(command.reply_to)
            reply = Reply(room.timeline.number(command.reply_to))
            if answered is not None:
                reply = Reply(reply.seq, answered.author, answered.content)
        message = Message(
            *(handle, Author(account.account, account.nick), 0, command.content, True, reply),
            state=MessageState.WAITING,
        )
        room.timeline.wait(message)
        self._session.emit(MessageChanged(room, message))

    def send_again(self, room: Room) -> None:
        """Send everything that is not settled, in order: a connection has begun to read the log."""
        self._readable.add(room.log)
        for outgoing in self._of(room.log):
            outgoing.request = None
        self._send(room.log)

    def detach(self) -> None:
        """The connection is gone."""
        self._readable.clear()

    def _send(self, log: LogId) -> None:
        """Send what can be sent: nothing overtakes what waits for the number of a message."""
        room = self._session.rooms.get(log)
        if room is None:
            self.closed(log)
            return
        if log not in self._readable:
            return
        for outgoing in self._of(log):
            if outgoing.request is not None:
                continue
            target = _target(outgoing.command)
            seq = 0 if target is None else room.timeline.number(target)
            if target is not None and not seq:
                if self._is_waiting(target):
                    return
                self._refuse(outgoing, _NOT_SENT)
                continue
            outgoing.request = _request(outgoing, seq)
            try:
                self._session.pending.send(outgoing.request)
            except LocalProtocolError:
                self._refuse(outgoing, UNFIT)

    def _remove(self, number: int) -> _Outgoing | None:
        outgoing = self._waiting.pop(number, None)
        if outgoing is not None:
            self._session.emit(UnsentChanged(len(self)))
        return outgoing

    def _is_waiting(self, target: Handle) -> bool:
        return any(it.record == target.record for it in self._waiting.values())

    def _of(self, log: LogId) -> list[_Outgoing]:
        return [it for it in self._waiting.values() if it.log == log]

    # --- What becomes of it ---

    def acknowledged(self, posted: messages.Posted) -> None:
        """Take acknowledgements."""
        room = self._session.rooms.get(posted.log)
        for number, seq, time in posted.acks:
            outgoing = self._remove(number)
            if outgoing is None:
                continue
            if room is not None:
                room.acknowledged(seq)
            if outgoing.request is not None:
                self._settle(room, outgoing, seq, self._body(outgoing.request, time))
        if room is not None:
            room.reached(posted.seq)
        self._send(posted.log)

    def recognise(self, room: Room, delivered: Delivered) -> bool:
        """Return whether a new record is something said here that was not acknowledged yet.

        It is settled by that: whoever said it has it on the screen.
        """
        body = delivered.body
        if isinstance(body, Unknown) or body.account != self._session.account.account:
            return False
        for outgoing in self._of(room.log):
            if outgoing.record == delivered.record_id:
                self._remove(outgoing.number)
                self._settle(room, outgoing, delivered.seq, body)
                self._send(room.log)
                return True
        return False

    def _settle(self, room: Room | None, outgoing: _Outgoing, seq: int, body: Body) -> None:
        """Something is stored."""
        if not isinstance(outgoing.command, Send):
            if room is not None:
                room.timeline.take(seq, outgoing.record, body)
            outgoing.done(seq)
            return
        handle = Handle(outgoing.log, outgoing.record, seq)
        author = Author(body.account, body.nick)
        message = Message(handle, author, body.time, outgoing.command.content, True)
        if room is not None:
            room.timeline.take(seq, outgoing.record, body)
            message = room.timeline.message(seq) or message
            self._session.emit(MessageChanged(room, message))
        outgoing.done(message)

    def refused(self, refused: messages.Refused) -> bool:
        """Take a refusal. Return whether it is one of something said."""
        outgoing = self._waiting.get(refused.id)
        if outgoing is None:
            return False
        self._refuse(outgoing, Refusal(refused.code, refused.text))
        self._send(outgoing.log)
        return True

    def closed(self, log: LogId) -> None:
        """A log is read no more. What was sent is answered still; the rest never will be sent."""
        self._readable.discard(log)
        for outgoing in self._of(log):
            if outgoing.request is None:
                self._refuse(outgoing, _NO_SUCH_ROOM)

    def give_up(self, logs: Set[LogId]) -> None:
        """Settle what is for other logs than these, after a login: nobody will answer it."""
        for outgoing in list(self._waiting.values()):
            if outgoing.log not in logs:
                room = self._session.rooms.get(outgoing.log)
                where = "a room" if room is None else room.name
                sentence = f"A line for {where} could not be sent: you are no member any more."
                self._refuse(outgoing, Refusal("not_a_member", sentence))

    def refuse_all(self, refusal: Refusal) -> None:
        """Settle everything: there will be no connection any more."""
        for outgoing in list(self._waiting.values()):
            self._refuse(outgoing, refusal)

    def _refuse(self, outgoing: _Outgoing, refusal: Refusal) -> None:
        self._remove(outgoing.number)
        room = self._session.rooms.get(outgoing.log)
        if room is not None:
            message = room.timeline.refuse(outgoing.record, refusal)
            if message is not None:
                self._session.emit(MessageChanged(room, message))
        outgoing.done(refusal)

    def _body(self, request: messages.Posting, time: int) -> Body:
        """Return what a record says that came from here, and does not come back."""
        account, nick = self._session.account.account, self._session.account.nick
        match request:
            case messages.Post():
                return TextBody.of(time, account, nick, request.content, request.reply)
            case messages.Edit(seq=seq, text=text):
                return EditBody(time, account, nick, seq, text)
            case messages.Delete(seq=seq):
                return DeleteBody(time, account, nick, seq)
            case messages.React(seq=seq, reaction=reaction):
                return ReactionBody(time, account, nick, seq, reaction)
            case _:
                raise TypeError(f"no body for {request!r}")


def _target(command: Posting) -> Handle | None:
    """Return the message that something is about."""
    return command.reply_to if isinstance(command, Send) else command.target


def _check(command: Posting) -> None:
    """Raise RequestError for what a server would refuse, whatever it says."""
    match command:
        case Send(content=content):
            check_text(content.text)
        case Edit(text=text):
            check_text(text)
        case React(sign=sign):
            check_reaction(sign)


def _request(outgoing: _Outgoing, seq: int) -> messages.Posting:
    """Return the request; `seq` is the number of the message that it is about, 0 for none."""
    number, log, message = outgoing.number, outgoing.log, outgoing.message
    match outgoing.command:
        case Send(content=content):
            return messages.Post.of(number, log, message, content, seq or UNSET)
        case Edit(text=text):
            return messages.Edit(number, log, message, seq, text)
        case Delete():
            return messages.Delete(number, log, message, seq)
        case React(sign=sign):
            return messages.React(number, log, message, seq, sign)
        case _:
            assert_never(outgoing.command)

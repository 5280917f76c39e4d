"""The client's core: commands and what a connection brings go in, events come out, and in between
is a model that can be asked at any time.

It knows no reactor, terminal, socket, clock or file: those are `Link`, `Network`, `KeyRing`, `Pins`
and arguments. Faces (the line client, the headless client, the API for bots) stand on it; each
makes one `Core` for each server, listens, and calls `log_in_as`.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from msgspec import Struct

from chat.client.core.commands import (
    Command,
    Jump,
    OpenPrivate,
    PageBack,
    PageForward,
    Posting,
    Send,
    SendPrivate,
)
from chat.client.core.events import (
    Arrival,
    Closing,
    Ended,
    Ending,
    Event,
    Invited,
    LatencyMeasured,
    MessageChanged,
    Noticed,
    ReadMarkerMoved,
    RequestArrived,
    TypingChanged,
    WindowMoved,
)
from chat.client.core.interfaces import KeyRing, Link, Network, Partners
from chat.client.core.login import NO_CREDENTIALS, Credentials, LoginFlow
from chat.client.core.model import (
    Account,
    Connection,
    ContactRequest,
    Device,
    End,
    Handle,
    Phase,
    Refusal,
)
from chat.client.core.outbox import Outbox
from chat.client.core.partners import PartnerCheck
from chat.client.core.pending import Task
from chat.client.core.reconnect import Backoff, explain_close, is_final
from chat.client.core.records import Records
from chat.client.core.requests import Requested, Requests
from chat.client.core.resync import LOBBY, Resync, close_room, open_room
from chat.client.core.rooms import Room
from chat.client.core.session import Session
from chat.client.core.trust import HostKeyCheck
from chat.ids import LogId
from chat.limits import ClientLimits
from chat.rooms.names import name_key
from chat.wire import messages
from chat.wire.errors import CloseCode
from chat.wire.records import Delivered
from chat.wire.sealing import RandomBytes

__all__ = ["Core"]

_OVER: Final = Refusal("over", "There is no connection to the server any more.")

T = TypeVar("T")


def _ignore(outcome: object) -> None:
    """Take an outcome nobody asked for."""


class Core:
    """A client of one server, for one user.

    `listener` is called with every event. Whoever is in no room joins `home`, unless it is None.
    `tick` is to be called about once a second, whatever happens. With `catch_up`, only the last so
    many records of what was missed in a room are fetched on coming back: for faces that show what
    is in view, and page to the rest. They are read anew on `WindowMoved`.
    """

    def __init__(
        self,
        listener: Callable[[Event], None],
        *,
        check: HostKeyCheck,
        keys: KeyRing,
        network: Network,
        partners: Partners,
        credentials: Credentials = NO_CREDENTIALS,
        home: str | None = LOBBY,
        catch_up: int | None = None,
        limits: ClientLimits,
        backoff: Backoff | None = None,
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        self._session = session = Session(listener, limits, random_bytes)
        self._network = network
        self._backoff = backoff or Backoff(limits)
        self._outbox = Outbox(session)
        self._partners = PartnerCheck(session, partners)
        self._login = LoginFlow(
            *(session, keys, check, network, credentials),
            enter=self._enter,
            fail=self._end,
            hang_up=self._hang_up,
        )
        self._resync = Resync(*(session, self._outbox, home, self._ready, self._refuse), catch_up)
        self._records = Records(session, self._outbox)
        self._requests = Requests(session, self._outbox, self._login, check, self._partners)
        self._invitations: dict[tuple[str, str], None] = {}
        self._queue: deque[Task] = deque()
        """Tasks that cannot be run yet, in order."""
        self._link: Link | None = None
        self._may_come_back = False
        self._reason = ""
        self._seconds = 0
        """How often `tick` was called."""
        self._typed: tuple[LogId, int] | None = None
        """In which log it was last told that the user is writing, and when."""
        self.latency: float | None = None
        """Seconds that the server takes to answer, as measured last on this connection."""
        self.has_been_online = False
        """Whether there ever was a connection one could talk over."""

    # --- The model ---

    @property
    def connection(self) -> Connection:
        """How it stands with the connection."""
        return self._session.connection

    @property
    def account(self) -> Account:
        """Who the user is; nobody before the first login."""
        return self._session.account

    @property
    def devices(self) -> tuple[Device, ...] | None:
        """The account's devices, once they were listed."""
        return self._session.devices

    @property
    def invitations(self) -> Sequence[tuple[str, str]]:
        """Rooms that the user may join, and who invited them."""
        return tuple(self._invitations)

    @property
    def requests(self) -> Sequence[ContactRequest]:
        """Who asks for a private conversation, as far as that was told or listed."""
        return tuple(self._session.requests.values())

    @property
    def rooms(self) -> Iterator[Room]:
        """All rooms and private conversations, in the order they were opened."""
        return iter(self._session.rooms)

    def room(self, name: str) -> Room | None:
        """Return the room with this name, if the user is in it."""
        return self._session.rooms.room(name)

    def private(self, nick: str) -> Room | None:
        """Return the private conversation with this nickname, if there is one."""
        return self._session.rooms.private(nick)

    def has(self, room: Room) -> bool:
        """Return whether the user is in a room still."""
        return self._session.rooms.get(room.log) is room

    @property
    def unsent(self) -> int:
        """How much of what was said here the server has not stored yet."""
        return len(self._outbox)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way, and no answer waited for."""
        return not self._queue and not self._outbox and self._session.pending.is_idle

    # --- What the user does ---

    def log_in_as(self, nick: str, password: str | None = None) -> None:
        """Connect as `nick`, or try again after `LoginRefused`."""
        if self.connection.phase is not Phase.OVER:
            self._login.start(nick, password)
        self._session.flush()

    def answer_trust(self, is_trusted: bool) -> None:
        """Answer `TrustAsked`."""
        if self.connection.phase is Phase.ASKING_TRUST:
            self._login.answer_trust(is_trusted)
            self._session.flush()

    def do(self, command: Command, done: Callable[[object], None] = _ignore) -> None:
        """Carry out a command, as soon as that is possible.

        `done` gets its outcome once (see the command), or a `Refusal`; never before this returns
        if it is called from a listener. What is said is sent once, and a request that a lost
        connection left without an answer is made again.
        """

        def hand_on(outcome: object) -> None:
            self._session.call(lambda: done(outcome))

        if self.connection.phase is Phase.OVER:
            hand_on(_OVER)
        elif isinstance(command, Posting):
            self._outbox.add(command, hand_on)
        elif isinstance(command, SendPrivate):
            self._send_private(command, hand_on)
        else:
            self._request(command, hand_on)
        self._session.flush()

    def _request(self, command: Requested, done: Callable[[object], None]) -> None:
        key = ("page", command.log) if isinstance(command, PageBack | PageForward | Jump) else None
        self._queue.append(Task(lambda task: self._requests.run(command, task), done, key))
        self._proceed()

    def _send_private(self, command: SendPrivate, done: Callable[[object], None]) -> None:
        def opened(outcome: object) -> None:
            if isinstance(outcome, Room):
                self._outbox.add(Send(outcome.log, command.content), done)
            else:
                done(outcome)

        self._request(OpenPrivate(command.nick), opened)

    def mark_read(self, room: Room, seq: int | None = None) -> None:
        """Note that the user has read a room, up to a number or everything that came."""
        if room.mark_read(room.cursor if seq is None else seq):
            self._session.emit(ReadMarkerMoved(room))
        self._session.flush()

    def show_end(self, room: Room) -> None:
        """Let a room's timeline show the end of its log, after a jump or enough paging back."""
        is_elsewhere = not room.timeline.is_at_end
        room.timeline.show_end()
        if is_elsewhere:
            self._session.emit(WindowMoved(room))
        self._session.flush()

    def typing(self, room: Room) -> None:
        """Note that the user is writing something for a room; to be called as often as they type.

        The server is told every few seconds.
        """
        is_due = self._typed is None or (
            self._typed[0] != room.log
            or self._seconds - self._typed[1] >= self._session.limits.typing_every
        )
        is_read = not room.is_private or room.member_count > 1
        if is_due and is_read and self.connection.phase is Phase.ONLINE and self.has(room):
            self._typed = room.log, self._seconds
            self._session.pending.send(messages.Typing(room.log))

    def set_draft(self, room: Room, text: str) -> None:
        """Keep what the user has typed for a room and not sent."""
        room.draft = text

    def discard(self, handle: Handle) -> None:
        """Remove a message that was refused from its timeline."""
        room = self._session.rooms.get(handle.log)
        message = None if room is None else room.timeline.find(handle)
        if room is not None and message is not None and message.refusal is not None:
            room.timeline.discard(handle)
            self._session.emit(MessageChanged(room, message))
        self._session.flush()

    def close(self) -> None:
        """End the session. What is on its way may be stored or not."""
        self._end(End.CLOSED, ())
        self._session.flush()

    def tick(self) -> None:
        """See to what is done from time to time."""
        self._seconds += 1
        for room in self._session.rooms:
            room.timeline.sweep()
            if room.writers.tick():
                self._session.emit(TypingChanged(room))
        if self.connection.phase is Phase.ONLINE:
            self._tell_read()
        self._session.flush()

    def _tell_read(self) -> None:
        for room in self._session.rooms:
            seq = room.untold()
            if seq is not None:
                self._session.pending.send(messages.Seen(room.log, seq))

    # --- What the connection brings ---

    def retry_delay(self, now: float) -> float:
        """Return how many seconds to wait before the next attempt to connect."""
        delay = self._backoff.delay()
        if self.connection.phase is Phase.WAITING:
            self._session.move(Phase.WAITING, self.connection.reason, now + delay)
            self._session.flush()
        return delay

    def connected(self, link: Link) -> None:
        """Take a connection."""
        if self.connection.phase is Phase.OVER:
            return  # It was on its way when the session ended; the network ends it.
        self._link = link
        self._session.pending.attach(link)
        self._login.connected(link)
        if self.connection.phase is Phase.WAITING:
            self._session.move(Phase.CONNECTING, self.connection.reason)
        self._session.flush()

    def measured(self, seconds: float) -> None:
        """Note how long the server took to answer a ping."""
        self.latency = seconds
        self._session.emit(LatencyMeasured(seconds))
        self._session.flush()

    def offered(self, host_key: bytes, successions: bytes, *, is_loopback: bool) -> None:
        """Decide about the host key that the server has proved to hold."""
        if self._link is None or self.connection.phase is Phase.OVER:
            return
        self._login.offered(host_key, successions, is_loopback=is_loopback)
        self._session.flush()

    def received(self, message: Struct) -> None:
        """Take an answer or an event; whatever is neither is skipped."""
        if self.connection.phase is Phase.OVER:
            return
        if isinstance(message, messages.Opened):
            self._forget_invitations(message.room)
        self._take(message)
        self._proceed()
        self._session.flush()

    def delivered(self, delivered: Delivered) -> None:
        """Take a record: of an answer, or a new one."""
        if self.connection.phase is Phase.OVER:
            return
        if delivered.page:
            self._session.pending.record(delivered)
        else:
            self._records.take(delivered)
        self._proceed()
        self._session.flush()

    def peer_closed(self, code: int, retry_after: int | None) -> None:
        """The server ends the connection, and says why."""
        self._may_come_back = self._may_come_back or code == CloseCode.BUSY
        if not self._may_come_back or is_final(code):
            self._end(End.CONNECTION, [explain_close(code, retry_after)])
        else:
            self._backoff.obey(retry_after)
            self._reason = explain_close(code, None)
        self._session.flush()

    def disconnected(self, link: Link | None, reason: str, *, is_final: bool = False) -> None:
        """`link` ended, or the first never came to be (None); `reason` is a sentence.

        With `is_final`, it is no use to come back.
        """
        if link is not self._link:
            return  # One that was given up before a question.
        self._link = None
        if self.connection.phase is Phase.OVER:
            if link is not None:
                self._session.emit(Ended())
        elif is_final or not self._may_come_back:
            self._end(End.CONNECTION, [reason])
        else:
            self._detach()
            self._session.move(Phase.WAITING, self._reason or reason)
            self._reason = ""
        self._session.flush()

    def _take(self, message: Struct) -> None:
        pending = self._session.pending
        match message:
            case messages.Posted():
                self._outbox.acknowledged(message)
            case messages.Refused(id=number):
                if not self._outbox.refused(message):
                    pending.answered(number, message)
            case (
                messages.Ok(id=number)
                | messages.Welcome(id=number)
                | messages.LogList(id=number)
                | messages.RoomList(id=number)
                | messages.Joined(id=number)
                | messages.Members(id=number)
                | messages.Page(id=number)
                | messages.CodeIssued(id=number)
                | messages.DeviceList(id=number)
                | messages.TokenIssued(id=number)
                | messages.RequestList(id=number)
                | messages.BlockList(id=number)
                | messages.ContactChosen(id=number)
            ):
                pending.answered(number, message)
            case messages.Opened(log=log) if self._has_too_many_rooms(log):
                self._end(End.CONNECTION, ["The server opens rooms without end."])
            case messages.Opened(log=log):  # After `Joined`, which is one, too.
                self._resync.opened_meanwhile(log)
                open_room(self._session, self._outbox, message, Arrival.ELSEWHERE)
            case messages.Removed(log=log, text=text):
                room = self._session.rooms.get(log)
                if room is not None:  # Else it was left here.
                    close_room(self._session, self._outbox, room, Closing.REMOVED, text)
            case messages.SeenElsewhere(log=log, seq=seq):
                room = self._session.rooms.get(log)
                if room is not None and room.seen_elsewhere(seq):
                    self._session.emit(ReadMarkerMoved(room))
            case messages.Notice(text=text):
                self._session.emit(Noticed(text))
            case messages.Invited(room=name, by=by):
                self._invite(name, by)
            case messages.Requested(log=log, account=account, nick=nick):
                request = ContactRequest(log, account, nick)
                if self._session.note_request(request):
                    is_other = self._partners.is_other(nick, log)
                    self._session.emit(RequestArrived(request, is_other))

    def _has_too_many_rooms(self, log: LogId) -> bool:
        rooms = self._session.rooms
        return rooms.get(log) is None and len(rooms) >= self._session.limits.logs

    def _forget_invitations(self, room: str) -> None:
        """Forget the invitations to a room that is joined: another one is told again."""
        key = name_key(room)
        for invitation in [it for it in self._invitations if name_key(it[0]) == key]:
            del self._invitations[invitation]

    def _invite(self, room: str, by: str) -> None:
        """Tell of an invitation, once: the server repeats it after each login."""
        if (room, by) in self._invitations:
            return
        self._invitations[room, by] = None
        if len(self._invitations) > self._session.limits.invitations:
            del self._invitations[next(iter(self._invitations))]
        self._session.emit(Invited(room, by))

    # --- From phase to phase ---

    def _detach(self) -> None:
        """The connection is gone; see to it that nothing is missing on the next one."""
        self.latency = self._typed = None
        self._login.lost()
        self._outbox.detach()
        for room in self._session.rooms:
            if room.writers.clear():
                self._session.emit(TypingChanged(room))
        self._queue.extendleft(reversed(self._session.pending.detach()))

    def _hang_up(self) -> None:
        if self._link is not None:
            link, self._link = self._link, None
            self._detach()
            link.close(CloseCode.NORMAL)
            self._network.stop()

    def _enter(self) -> None:
        self._session.move(Phase.SYNCING)
        self._resync.begin()

    def _ready(self) -> None:
        self.has_been_online = self._may_come_back = True
        self._backoff.reset()
        self._session.move(Phase.ONLINE)

    def _proceed(self) -> None:
        """Run the tasks that can be run."""
        if self.connection.phase is not Phase.ONLINE or not self._queue:
            return
        tasks, self._queue = self._queue, deque()
        waiting: set[object] = set()
        for task in tasks:
            if task.key is not None and (
                task.key in waiting or self._session.pending.has(task.key)
            ):
                waiting.add(task.key)
                self._queue.append(task)
            else:
                task.run(task)

    # --- Ends ---

    def _refuse(self, sentence: str) -> None:
        self._end(End.REFUSED, [sentence])

    def _end(self, end: End, sentences: Sequence[str]) -> None:
        if self.connection.phase is Phase.OVER:
            return
        link = self._link
        if self.connection.phase is Phase.ONLINE and link is not None:
            self._tell_read()
        self._session.move(Phase.OVER, " ".join(sentences))
        self._session.emit(Ending(end, tuple(sentences)))
        tasks = [*self._session.pending.detach(), *self._queue]
        self._queue.clear()
        for task in tasks:
            task.done(_OVER)
        self._outbox.refuse_all(_OVER)
        if link is not None:
            link.close(CloseCode.NORMAL)
        self._network.stop()
        if link is None:
            self._session.emit(Ended())

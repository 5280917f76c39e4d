"""The client's core without a face, over a real connection: what it brings is kept, not shown."""

from pathlib import Path
from typing import Final

from msgspec import Struct
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.interfaces import IReactorTCP, IReactorTime
from twisted.internet.task import LoopingCall

from chat.client.core.address import Address
from chat.client.core.commands import Command, Create, Join, PageBack, Send
from chat.client.core.core import Core
from chat.client.core.events import (
    Arrival,
    ConnectionChanged,
    Ended,
    Ending,
    Event,
    MessageArrived,
    Page,
    Ready,
    RoomOpened,
)
from chat.client.core.model import End, Message, Phase, Refusal
from chat.client.core.rooms import Room
from chat.client.network.assemble import assemble
from chat.client.network.protocol import ChatClientProtocol
from chat.client.storage.home import kept_in
from chat.content import Content
from chat.limits import HISTORY_PAGE, ClientLimits, Limits
from chat.wire.messages import Post

__all__ = ["HeadlessClient", "RealReactor"]

_TICK_SECONDS: Final = 0.25


class RealReactor(IReactorTime, IReactorTCP):
    """What is needed of the reactor."""


class HeadlessClient:
    """A user's client of a server on a port of the loopback address.

    It pins the server's key on first use, and keeps that and its account in `home`. It talks in the
    room that it joined last. `history` is how many older messages it fetches of a room it joins.
    """

    def __init__(
        self,
        reactor: RealReactor,
        nick: str,
        port: int,
        home: Path,
        limits: Limits | None = None,
        client_limits: ClientLimits | None = None,
        history: int = 0,
    ) -> None:
        limits = limits or Limits()
        self.nick = nick
        self.is_ready = False
        """Whether it is connected, and every room is open."""
        self.asked = 0
        """Commands that were given."""
        self.answered = 0
        """Of those, the ones that have an outcome."""
        self.refusals: list[Refusal] = []
        """The outcomes that were refusals."""
        self.acknowledged: list[tuple[int, str]] = []
        """Number and text of each message of its own, once it was stored."""
        self.reasons: list[str] = []
        """Why connections were lost that one could talk over."""
        self.returns = 0
        """How often it was connected again."""
        self.end: End | None = None
        """Why it has ended, if it has."""
        self.sent: list[str] = []
        """Texts that were written to a connection; one that is sent again is there again."""
        self._history = history
        self._older: list[tuple[str, str]] = []
        self._newer: list[tuple[str, str]] = []
        self._room: Room | None = None
        self._is_finishing = False
        self._ending: End | None = None
        self._waiting_to_say: list[str] = []
        address = Address("localhost", port)
        self.core: Core = assemble(
            reactor,
            self._event,
            address,
            **kept_in(home, address),
            endpoint=TCP4ClientEndpoint(reactor, "127.0.0.1", port, timeout=limits.connect_seconds),
            make=lambda core: _Protocol(self.sent, core, reactor, limits),
            limits=limits,
            client_limits=client_limits,
        )
        self._ticker = LoopingCall(self._tick)
        self._ticker.clock = reactor

    @property
    def said(self) -> list[tuple[str, str]]:
        """What others said: nickname and text, in the order of the room."""
        return self._older + self._newer

    @property
    def cuts(self) -> int:
        """How often its connection was lost."""
        return len(self.reasons)

    @property
    def sent_again(self) -> int:
        """How often it sent a text that it had sent before."""
        return len(self.sent) - len(set(self.sent))

    def start(self) -> None:
        """Connect."""
        self._ticker.start(_TICK_SECONDS)
        self.core.log_in_as(self.nick)

    def join(self, room: str) -> None:
        """Join a room, made if there is none, and talk there from now on."""
        self._room = None
        self._do(Join(room), otherwise=Create(room))

    def say(self, text: str) -> None:
        """Say something, as soon as there is a room to say it in."""
        if self._room is None:
            self._waiting_to_say.append(text)
        else:
            self._do(Send(self._room.log, Content(text)))

    def finish(self) -> None:
        """Let it leave when everything is answered."""
        self._is_finishing = True
        self._leave_if_done()

    def close(self) -> None:
        """Let it leave at once, if it has not left."""
        self.core.close()

    def _do(self, command: Command, otherwise: Command | None = None) -> None:
        self.asked += 1

        def done(outcome: object) -> None:
            if isinstance(outcome, Refusal) and otherwise is not None:
                self.asked -= 1
                # Somebody else may have made the room meanwhile.
                self._do(otherwise, command if isinstance(command, Join) else None)
                return
            self.answered += 1
            if isinstance(outcome, Refusal):
                self.refusals.append(outcome)
            elif isinstance(outcome, Message):
                self.acknowledged.append((outcome.handle.seq, outcome.text))
            elif isinstance(outcome, Room):
                self._enter(outcome)
            self._leave_if_done()

        self.core.do(command, done)

    def _enter(self, room: Room) -> None:
        self._room = room
        waiting, self._waiting_to_say = self._waiting_to_say, []
        for text in waiting:
            self.say(text)

    def _event(self, event: Event) -> None:
        match event:
            case ConnectionChanged(connection):
                if connection.phase is Phase.WAITING and self.is_ready:
                    self.is_ready = False
                    self.reasons.append(connection.reason)
            case RoomOpened(room, arrival):
                if self._room is None and not self.asked:
                    self._enter(room)
                if arrival is Arrival.JOINED:
                    self._page_back(room)
            case Ready(is_first):
                self.is_ready = True
                self.returns += not is_first
            case MessageArrived(message=message):
                self._newer.append((message.author.nick, message.text))
            case Ending(end):
                self._ending = end
            case Ended():
                self.end = self._ending
                self._ticker.stop()

    def _page_back(self, room: Room) -> None:
        if self._history <= 0 or room.is_whole:
            return

        def take(outcome: object) -> None:
            if isinstance(outcome, Page):
                self._history -= outcome.count
                messages = [item for item in outcome.items if isinstance(item, Message)]
                self._older[:0] = [(it.author.nick, it.text) for it in messages]
                self._page_back(room)

        self.core.do(PageBack(room.log, min(self._history, HISTORY_PAGE)), take)

    def _tick(self) -> None:
        self.core.tick()
        self._leave_if_done()

    def _leave_if_done(self) -> None:
        is_behind = any(room.is_behind for room in self.core.rooms)
        if self._is_finishing and self.core.is_idle and not is_behind:
            self.core.close()


class _Protocol(ChatClientProtocol):
    """Notes the texts that are sent."""

    def __init__(self, sent: list[str], core: Core, clock: IReactorTime, limits: Limits) -> None:
        super().__init__(core, clock, limits)
        self._sent = sent

    def send(self, message: Struct) -> None:
        """Send a message, and note its text."""
        super().send(message)
        if isinstance(message, Post):
            self._sent.append(message.text)

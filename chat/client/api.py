"""Write a bot, or any other program that chats, in a few lines.

    async def main() -> None:
        async with connect("localhost:5555", nick="echo") as client:
            room = await client.join("lobby")
            async for message in room:
                await message.reply(message.text)

    run(main)

Coroutines run on Twisted's reactor: they may await each other, Deferreds, and everything here. A
lost connection comes back by itself. What is sent meanwhile waits and is sent once; what is said
meanwhile is caught up on. What was said while the program did not run comes first when it starts
again: a message counts as read when the next one is asked for.
"""

import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from msgspec import UNSET
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorCore, IReactorTime, IStreamClientEndpoint
from twisted.internet.task import LoopingCall, react

from chat.client.core import commands, events, model
from chat.client.core.address import AddressError, parse_address
from chat.client.core.core import Core
from chat.client.core.interfaces import StorageError
from chat.client.core.login import Credentials
from chat.client.core.model import End, Refusal
from chat.client.core.rooms import Room as RoomState
from chat.client.network.assemble import assemble
from chat.client.storage.home import kept_in
from chat.client.storage.known_hosts import default_home
from chat.content import Content
from chat.ids import LogId
from chat.limits import HISTORY_PAGE, ClientLimits, Limits

__all__ = [
    "ChatError",
    "Client",
    "ConnectionFailedError",
    "Message",
    "OverrunError",
    "RefusedError",
    "Request",
    "Room",
]
__all__ += ["connect", "run"]

_FEED: Final = 1_000
"""Messages that wait for a program which iterates more slowly than people talk."""

T = TypeVar("T")


class ChatError(Exception):
    """Something did not work; the text is a sentence for the user."""


class ConnectionFailedError(ChatError):
    """There is no connection, and there will be none: the server is not there, its host key is not
    trusted, or it does not let one in any more."""


class RefusedError(ChatError):
    """The server, or the client itself, refused something."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.code = refusal.code
        """Of docs/protocol.md 6.5, or one of the client's own."""


class OverrunError(ChatError):
    """Messages were lost, because the program did not take them for too long."""


class Message:
    """A message, as it read when it came."""

    def __init__(self, room: "Room", message: model.Message) -> None:
        self.room = room
        self._message = message

    def __repr__(self) -> str:
        """Return who said what, for a log."""
        return f"<Message #{self.seq} {self.nick!r}: {self.text!r}>"

    @property
    def text(self) -> str:
        """What was said."""
        return self._message.text

    @property
    def nick(self) -> str:
        """Who said it, by the nickname they had then."""
        return self._message.author.nick

    @property
    def time(self) -> float:
        """When, in seconds of UTC since 1970."""
        return self._message.time / 1_000

    @property
    def seq(self) -> int:
        """Its number in the room."""
        return self._message.handle.seq

    @property
    def is_own(self) -> bool:
        """Whether this account said it."""
        return self._message.is_own

    @property
    def details(self) -> model.Message:
        """Everything else: reply, reactions, whether it was edited."""
        return self._message

    async def reply(self, text: str) -> "Message":
        """Answer it, and return the answer as it was stored."""
        return await self.room.send(text, reply_to=self)

    async def edit(self, text: str) -> None:
        """Change its text. Only one's own can be changed."""
        await self.room._client._do(commands.Edit(self._message.handle, text))

    async def delete(self) -> None:
        """Delete it. Only one's own can be deleted."""
        await self.room._client._do(commands.Delete(self._message.handle))

    async def react(self, sign: str) -> None:
        """React to it with a sign, of at most 64 bytes; an empty one takes the reaction back."""
        await self.room._client._do(commands.React(self._message.handle, sign))


class _Feed:
    """Messages on their way to whoever iterates over them."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._waiting: Deferred[None] | None = None
        self._is_overrun = False
        self._end: ChatError | None = None
        self._has_ended = False
        self._error: ChatError | None = None
        """Why it ended, if the program did not want that."""
        self.is_used = False

    def put(self, message: Message) -> None:
        """Add a message; the oldest goes where nobody takes any."""
        self._messages.append(message)
        if len(self._messages) > _FEED:
            self._messages.popleft()
            self._is_overrun = True
        self._wake()

    def end(self, error: ChatError | None) -> None:
        """No more messages come."""
        self._has_ended, self._end = True, error
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    async def iterate(self) -> AsyncIterator[Message]:
        """Return the messages, one after the other."""
        self.is_used = True
        while True:
            if self._is_overrun:
                self._is_overrun = False
                raise OverrunError("Messages were lost: they were not taken quickly enough.")
            if self._messages:
                message = self._messages.popleft()
                yield message
                message.room._read(message)
            elif self._end is not None:
                raise self._end
            elif self._has_ended:
                return
            else:
                self._waiting = Deferred()
                await self._waiting


class Room:
    """A room, or a private conversation. Iterate over it for what others say there."""

    def __init__(self, client: "Client", state: RoomState) -> None:
        self._client = client
        self._state = state
        self._feed = _Feed()

    def __repr__(self) -> str:
        """Return its name, for a log."""
        return f"<Room {self.name!r}>"

    @property
    def name(self) -> str:
        """Its name; of a private conversation, the other's nickname."""
        return self._state.name

    @property
    def topic(self) -> str:
        """What it is about."""
        return self._state.topic

    @property
    def is_private(self) -> bool:
        """Whether it is a conversation of two."""
        return self._state.is_private

    def __aiter__(self) -> AsyncIterator[Message]:
        """Iterate over what others say, until the room is left.

        Raises OverrunError, ConnectionFailedError.
        """
        return self._feed.iterate()

    async def send(self, text: str, reply_to: Message | None = None) -> Message:
        """Say something, and return it as it was stored.

        `text` has 1 to `chat.limits.TEXT_BYTES` bytes of UTF-8. Raises RefusedError.
        """
        handle = None if reply_to is None else reply_to.details.handle
        command = commands.Send(self._state.log, Content(text), handle)
        return Message(self, cast(model.Message, await self._client._do(command)))

    async def history(self, limit: int = HISTORY_PAGE) -> list[Message]:
        """Return at most `limit` messages before those that were fetched so far, ascending.

        Fewer, or none, where there are no more. Raises RefusedError.
        """
        found: list[Message] = []
        while len(found) < limit and not self._state.is_whole:
            wanted = min(limit - len(found), HISTORY_PAGE)
            page = await self._client._do(commands.PageBack(self._state.log, wanted))
            assert isinstance(page, events.Page)
            found[:0] = [Message(self, it) for it in page.items if isinstance(it, model.Message)]
        return found

    async def members(self) -> list[model.Member]:
        """Return who is a member, and who of them is connected. Raises RefusedError."""
        listed = await self._client._do(commands.ListMembers(self._state.log))
        return list(cast(tuple[model.Member, ...], listed))

    async def leave(self) -> None:
        """Leave it. Raises RefusedError."""
        await self._client._do(commands.Leave(self._state.log))

    def _read(self, message: Message) -> None:
        self._client._core.mark_read(self._state, message.seq)


class Request:
    """Somebody asks for a private conversation. It waits until it is answered."""

    def __init__(self, client: "Client", request: model.ContactRequest) -> None:
        self._client = client
        self.nick = request.nick
        """Who asks."""
        self.account = request.account

    def __repr__(self) -> str:
        """Return who asks, for a log."""
        return f"<Request of {self.nick!r}>"

    async def accept(self) -> Room:
        """Take part, and return the conversation; `Room.history` has what was said so far.

        Raises RefusedError.
        """
        return self._client._room(await self._answer(is_accepted=True))

    async def decline(self) -> None:
        """Take no part. It cannot be asked again. Raises RefusedError."""
        await self._answer(is_accepted=False)

    def _answer(self, *, is_accepted: bool) -> "Deferred[object]":
        return self._client._do(commands.AnswerRequest(self.nick, is_accepted))


class Client:
    """A connection to a server that comes back by itself. `connect` makes it.

    Iterate over it for what others say anywhere, private conversations included.
    """

    def __init__(self) -> None:
        self._core: Core
        self._rooms: dict[LogId, Room] = {}
        self._feed = _Feed()
        self._ready: Deferred[None] = Deferred()
        self._ended: Deferred[None] = Deferred()
        self._asked: Deferred[None] | None = None
        """Fires when somebody asks for a private conversation."""
        self._has_ended = False

    @property
    def nick(self) -> str:
        """What this account is called."""
        return self._core.account.nick

    @property
    def rooms(self) -> Iterator[Room]:
        """The rooms and private conversations that this account is in."""
        return iter(list(self._rooms.values()))

    @property
    def core(self) -> Core:
        """The core, for everything that is not here: `core.do` takes any command."""
        return self._core

    def __aiter__(self) -> AsyncIterator[Message]:
        """Iterate over what others say anywhere. Raises OverrunError, ConnectionFailedError."""
        return self._feed.iterate()

    async def join(self, name: str) -> Room:
        """Join a room, and return it. Raises RefusedError."""
        return self._room(await self._do(commands.Join(name)))

    async def create(self, name: str, *, is_invite_only: bool = False) -> Room:
        """Make a room that does not exist yet, and return it. Raises RefusedError."""
        return self._room(await self._do(commands.Create(name, is_invite_only)))

    async def private(self, nick: str) -> Room:
        """Open the private conversation with somebody, and return it. Raises RefusedError."""
        return self._room(await self._do(commands.OpenPrivate(nick)))

    async def requests(self) -> AsyncIterator[Request]:
        """Iterate over who asks for a private conversation: those who wait, then those who come.

        Raises RefusedError, ConnectionFailedError.
        """
        await self._do(commands.ListRequests())
        told: set[LogId] = set()
        while not self._has_ended:
            waiting = {request.log: request for request in self._core.requests}
            new = [request for log, request in waiting.items() if log not in told]
            told = set(waiting)
            for request in new:
                yield Request(self, request)
            if not new:
                self._asked = self._asked or Deferred()
                await self._asked
        if self._error is not None:
            raise self._error

    async def block(self, nick: str) -> None:
        """Take no requests, private messages and invitations from somebody. Raises RefusedError."""
        await self._do(commands.Block(nick))

    async def unblock(self, nick: str) -> None:
        """Take them again. Raises RefusedError."""
        await self._do(commands.Unblock(nick))

    async def search(self, words: str) -> list[Message]:
        """Return the latest messages that have all of `words`, the latest first.

        Raises RefusedError.
        """
        found = await self._do(commands.Search(words))
        assert isinstance(found, events.Found)
        return [
            Message(self._rooms[state.log], item)
            for state, item in found.items
            if isinstance(item, model.Message) and state.log in self._rooms
        ]

    async def do(self, command: commands.Command) -> object:
        """Carry out any command of the core, and return its outcome. Raises RefusedError."""
        return await self._do(command)

    def _room(self, state: object) -> Room:
        assert isinstance(state, RoomState)
        room = self._rooms.get(state.log)
        return room if room is not None else self._rooms.setdefault(state.log, Room(self, state))

    def _do(self, command: commands.Command) -> "Deferred[object]":
        result: Deferred[object] = Deferred()

        def done(outcome: object) -> None:
            if isinstance(outcome, Refusal):
                result.errback(RefusedError(outcome))
            else:
                result.callback(outcome)

        self._core.do(command, done)
        return result

    def _event(self, event: events.Event) -> None:
        match event:
            case events.RoomOpened(room=state):
                self._room(state)
            case events.RoomClosed(room=state):
                room = self._rooms.pop(state.log, None)
                if room is not None:
                    room._feed.end(None)
            case events.MessageArrived(room=state, message=message) if not message.is_own:
                said = Message(self._room(state), message)
                said.room._feed.put(said)
                self._feed.put(said)
            case events.RequestArrived():
                self._wake()
            case events.LoginRefused(refusal):
                self._fail(RefusedError(refusal))
                self._core.close()
            case events.Ready(is_first=True):
                self._ready.callback(None)
            case events.Ending(end, sentences):
                self._end(end, " ".join(sentences))
            case events.Ended():
                self._ended.callback(None)

    def _end(self, end: End, sentence: str) -> None:
        error = None if end is End.CLOSED else ConnectionFailedError(sentence)
        self._fail(error or ConnectionFailedError("The client was closed."))
        self._has_ended, self._error = True, error
        self._wake()
        for feed in (self._feed, *(room._feed for room in self._rooms.values())):
            feed.end(error)

    def _wake(self) -> None:
        asked, self._asked = self._asked, None
        if asked is not None:
            asked.callback(None)

    def _fail(self, error: ChatError) -> None:
        if not self._ready.called:
            self._ready.errback(error)

    def _close(self) -> "Deferred[None]":
        """Close the connection. What nobody iterated over counts as read."""
        if not self._feed.is_used:
            for room in self._rooms.values():
                if not room._feed.is_used:
                    self._core.mark_read(room._state)
        self._core.close()
        return self._ended


@asynccontextmanager
async def connect(
    address: str,
    *,
    nick: str,
    identity: Path | None = None,
    passphrase: str | None = None,
    password: str | None = None,
    link_code: str | None = None,
    trust_new: bool = False,
    home: Path | None = None,
    reactor: IReactorTime | None = None,
    endpoint: IStreamClientEndpoint | None = None,
    limits: Limits | None = None,
    client_limits: ClientLimits | None = None,
) -> AsyncIterator[Client]:
    """Connect and log in, for the time of an ``async with``.

    `address` is HOST, HOST:PORT or a link, whose room is joined and whose invitation is used.
    `identity` is a private Ed25519 key, OpenSSH's or in PEM; without it, one is made for `nick` and
    kept in `home`, as host keys are (``$ENCCHAT_HOME``, or the platform's directory for settings).
    A host key that is new is pinned on loopback, with a link that has its fingerprint, or with
    `trust_new`; otherwise, and where it has changed, it is refused. `password` and `link_code` are
    what the server or another device gave, for the first login.

    Raises RefusedError where the login is, ConnectionFailedError for everything else in the way.
    """
    if reactor is None:
        from twisted.internet import reactor as installed

        reactor = cast(IReactorTime, installed)
    try:
        parsed = parse_address(address)
        home = home or default_home()
    except (AddressError, StorageError) as error:
        raise ConnectionFailedError(f"{error}.") from None
    client = Client()
    client._core = core = assemble(
        reactor,
        client._event,
        parsed,
        **kept_in(home, parsed, identity, passphrase),
        trust_new=trust_new,
        credentials=Credentials(link_code or UNSET, parsed.token or UNSET, password or UNSET),
        home=None,
        endpoint=endpoint,
        limits=limits,
        client_limits=client_limits,
    )
    ticker = LoopingCall(core.tick)
    ticker.clock = reactor
    ticker.start((limits or Limits()).sweep_seconds, now=False)
    stop = None
    if isinstance(reactor, IReactorCore) or hasattr(reactor, "addSystemEventTrigger"):
        stopping = cast(IReactorCore, reactor)
        stop = stopping.addSystemEventTrigger("before", "shutdown", client._close)
    try:
        core.log_in_as(nick)
        await client._ready
        if parsed.room is not None:
            await client.join(parsed.room)
        yield client
    finally:
        await client._close()
        ticker.stop()
        if stop is not None:
            cast(IReactorCore, reactor).removeSystemEventTrigger(stop)


def run(main: Callable[[], Coroutine[Deferred[Any], Any, T]]) -> None:
    """Run a program until its coroutine returns, and end the process.

    With status 0, or with 1 and a sentence on standard error after a `ChatError`.
    """

    async def guarded() -> None:
        try:
            await main()
        except ChatError as error:
            print(error, file=sys.stderr)
            raise SystemExit(1) from None

    react(lambda _: Deferred.fromCoroutine(guarded()))

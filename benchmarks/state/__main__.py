"""``python -m benchmarks.state``: the cost of each kind of request as state piles up.

Measures three servers, with 10, 1,000 and 100,000 of everything that can pile up: accounts, rooms,
rooms and conversations of the asking account, members, devices, bans, mutes, banned networks,
invitations, links, records, audit entries, read markers, posts in slow mode, open logs. Prints for
each request the CPU time until it is answered (median, in microseconds; for a list, per row), and
the largest growth from any server to a larger one. Exits with 1 if a growth is more than twofold.

Everything runs in one process without a socket, so the costs are those of the server alone, in all
threads.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from twisted.internet import task
from twisted.internet.defer import Deferred

from chat.ids import NOBODY, AccountId, DeviceKey, LogId, MessageId, RecordId
from chat.limits import Limits
from chat.rooms import values as v
from chat.rooms.addresses import Address, AddressGroup
from chat.rooms.roles import Role, Sanction
from chat.server.requests.dispatcher import Dispatcher
from chat.server.state.commits import COMMIT_SECONDS
from chat.store.interface import AUDIT, Commit, Record, RecordKind, StateChange
from chat.store.registry import open_store
from chat.wire import messages as m
from chat.wire.errors import CloseCode
from chat.wire.identity import Identity
from chat.wire.runs import Run

_COUNTS: Final = (10, 1_000, 100_000)
_ROUNDS: Final = 15
_MOST: Final = 2.0
"""Growth beyond this is marked."""
_STEP: Final = 10_000
_QUIET: Final = 0.05
"""Most CPU seconds per second of an idle server."""
_PATIENCE: Final = 300.0

_NO_LIMIT: Final = 10**9
_LIMITS: Final = Limits(
    rooms_per_account=_NO_LIMIT,
    conversations_per_account=_NO_LIMIT,
    invitations_per_account=_NO_LIMIT,
    invitations_by_account=_NO_LIMIT,
    invitations_per_room=_NO_LIMIT,
    tokens_per_account=_NO_LIMIT,
    devices_per_account=_NO_LIMIT,
    bans_per_room=_NO_LIMIT,
    bans_per_server=_NO_LIMIT,
    actions_per_account=_NO_LIMIT,
    reactions_per_message=_NO_LIMIT,
    requests_by_account=_NO_LIMIT,
    requests_to_account=_NO_LIMIT,
    invitations_per_pair=_NO_LIMIT,
    names_per_account=_NO_LIMIT,
)


class _Session:
    """A connection without a wire, which records when a request is answered."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.address, self.group = Address("127.0.0.1"), AddressGroup("127.0.0.1")
        self.binding, self.account, self.device = bytes(32), NOBODY, DeviceKey(b"")
        self.reading: set[LogId] = set()
        self.is_gone = self.is_goodbye = self.is_full = False
        self.answers: dict[int, Struct] = {}
        self.on_answer: Callable[[int], None] = lambda _: None

    def send(self, message: Struct) -> None:
        """Record an answer."""
        numbers = [getattr(message, "id", None)]
        if isinstance(message, m.Posted):
            numbers = [ack[0] for ack in message.acks]
        for number in numbers:
            if number is not None:
                self.answers[number] = message
                self.on_answer(number)

    def tell(self, message: Struct) -> None:
        """Drop an event."""

    def deliver(self, run: Run) -> None:
        """Drop records."""

    def admit(self) -> None:
        """Do nothing."""

    def charge(self, cost: int) -> None:
        """Do nothing."""

    def hold(self) -> None:
        """Do nothing."""

    def release(self) -> None:
        """Do nothing."""

    def close(self, code: CloseCode, reason: str, retry_after: int | None = None) -> None:
        """Do nothing more."""
        self.is_gone = True


def _id(kind: str, number: int) -> bytes:
    return (kind.encode() + number.to_bytes(8, "big")).ljust(16, b".")


def _account(number: int) -> AccountId:
    return AccountId(_id("account", number))


class _World:
    """A server with `count` of everything, and ana, who makes the requests."""

    def __init__(self, reactor: Any, path: Path, count: int) -> None:
        self.reactor = reactor
        self.count = count
        self.store = open_store(f"sqlite:{path}", reactor, True)
        self.key = os.urandom(64)
        self.ana = Identity.generate()
        self.session = _Session(1)
        self._numbers = iter(range(1, 10**9))

    def next(self) -> int:
        """Return an unused number."""
        return next(self._numbers)

    async def fill(self) -> None:
        """Create everything."""
        dispatcher = self._new()
        await dispatcher.load()
        self.dispatcher = dispatcher
        await self.login(self.session, "ana")
        opened = await self.ask(lambda id: m.Join(id, "big", "public"))
        assert isinstance(opened, m.Joined)
        self.big = opened.log
        for text in range(100):
            await self.ask(partial(self._text, text))
        await dispatcher.close()
        await self._fill_logs()
        # A new dispatcher, which knows where the logs end.
        self.dispatcher = self._new()
        await self.dispatcher.load()
        self._fill_hub()
        self.session = _Session(2)
        await self.login(self.session, "ana")
        for number in range(self.count):
            await self._open(LogId(_id("talk", number)))
        await self._open(self.big)
        await self._quiet()
        self.last = self.context.feeds.loaded(self.big).readers.tail

    async def _quiet(self) -> None:
        """Wait until the store has filed everything."""
        busy = 1.0
        while busy > _QUIET:
            begin = time.process_time()
            await task.deferLater(self.reactor, 1, lambda: None)
            busy = time.process_time() - begin

    def _text(self, number: int, id: int) -> Struct:
        return m.Post(id, self.big, self.message(), f"text {number}")

    async def _open(self, log: LogId) -> None:
        feed = await self.context.feeds.get(log)
        feed.readers.start(self.session, None)

    def _new(self) -> Dispatcher:
        return Dispatcher(self.store, self.key, self.reactor, _LIMITS)

    @property
    def context(self) -> Any:
        """The server's context."""
        return self.dispatcher.context

    async def _fill_logs(self) -> None:
        base, head = await self.store.base(), await self.store.head(self.big)
        for first in range(0, self.count, _STEP):
            numbers = range(first, min(first + _STEP, self.count))
            records = [
                Record(
                    *(self.big, RecordId(os.urandom(16)), NOBODY, RecordKind.OTHER, head.epoch),
                    *(head.time, head.epoch.to_bytes(4, "big") + os.urandom(250)),
                )
                for _ in numbers
            ]
            audit = [
                Record(AUDIT, RecordId(os.urandom(16)), NOBODY, RecordKind.OTHER, 0, 0, b"{}")
                for _ in numbers
            ]
            outcome = await self.store.commit(
                Commit(base, records, change=StateChange(records=audit))
            )
            base = outcome.base

    def _fill_hub(self) -> None:
        hub = self.context.hub
        ana = hub.people.named("ana").id
        now = self.context.milliseconds()
        good, over = now + 10**9, now + 1
        sanction = Sanction(good, "spam")
        hub.put(v.RoleKey(v.SERVER, ana), Role.OWNER)
        invite = LogId(_id("invite", 0))
        hub.put(v.RoomKey(invite), v.RoomProfile(v.Kind.INVITE, "guests", ana))
        hub.put(v.MembershipKey(invite, ana), v.Membership())
        self.invite = invite
        for number in range(self.count):
            other, nick = _account(number), f"n{number}x"
            room, talk = LogId(_id("room", number)), LogId(_id("talk", number))
            hub.put(v.AccountKey(other), v.Profile(nick))
            hub.put(v.DeviceOf(DeviceKey(_id("key", number) * 2)), v.Device(other, number))
            hub.put(v.DeviceOf(DeviceKey(_id("own", number) * 2)), v.Device(ana, number))
            hub.put(v.RoomKey(room), v.RoomProfile(v.Kind.PUBLIC, f"r{number}x", ana))
            hub.put(v.MembershipKey(room, ana), v.Membership())
            hub.put(v.RoomKey(talk), v.RoomProfile(v.Kind.PRIVATE, "", ana, other))
            for account in (ana, other):
                hub.put(v.MembershipKey(talk, account), v.Membership())
            hub.put(v.MembershipKey(self.big, other), v.Membership())
            hub.put(v.MuteKey(self.big, other), sanction)
            hub.put(v.MuteKey(v.SERVER, other), sanction)
            hub.put(v.MembershipKey(invite, other), v.Membership())
            hub.put(v.BanKey(invite, other), sanction)
            group = AddressGroup(f"2001:db8:{number >> 16:x}:{number & 65535:x}::/64")
            hub.put(v.NetworkKey(group), sanction)
            hub.put(v.InvitedKey(room, other), v.InvitedBy(ana))
            hub.put(v.InvitedKey(self.big, other), v.InvitedBy(ana))
            hash = v.TokenHash(_id("token", number) * 2)
            until = good if number % 2 else over
            hub.put(v.InvitationKey(hash), v.Invitation(self.big, ana, 1, until))
            hub.put(v.LinkCodeKey(other), v.LinkCode(hash, good))
            self.context.markers._seen[talk, ana] = 1
        for number in range(self.count):
            self.context.feeds.pace.note(self.big, _account(number), RecordId(bytes(16)))

    def message(self) -> MessageId:
        """Return a new message id."""
        return MessageId(os.urandom(16))

    async def settle(self) -> None:
        """Wait until all work of earlier requests is done, such as telling many logs."""
        account = self.session.account
        # An answer precedes the effects of the change on others.
        await task.deferLater(self.reactor, 2 * COMMIT_SECONDS, lambda: None)
        while self.context.rounds.is_on(account):
            await self.context.rounds.over(account)
        await self.context.commits.idle()

    async def login(self, session: _Session, nick: str) -> Struct:
        """Log in."""
        signature = self.ana.sign_login(session.binding)
        return await self.ask(lambda id: m.Login(id, nick, self.ana.public, signature), session)

    async def ask(
        self, request: Callable[[int], Struct], session: _Session | None = None
    ) -> Struct:
        """Make a request, and return its answer."""
        session, number = session or self.session, self.next()
        answered: Deferred[None] = Deferred()

        def note(answer: int) -> None:
            if answer == number and not answered.called:
                answered.callback(None)

        session.on_answer = note
        self.dispatcher.handle(session, request(number))
        await answered.addTimeout(_PATIENCE, self.reactor)
        return session.answers.pop(number)


def _requests(world: _World) -> dict[str, Callable[[], Callable[[int], Struct]]]:
    """Return the kinds of requests by name: each call returns a new request."""
    big, message = world.big, world.message
    middle = f"n{world.count // 2}x"
    state = {"flip": False, "made": 0}

    def flip(on: str, off: str) -> str:
        state["flip"] = not state["flip"]
        return on if state["flip"] else off

    def new(prefix: str) -> str:
        state["made"] += 1
        return f"{prefix}{state['made']}z"

    def act(action: str, nick: str, log: LogId | None) -> Callable[[int], Struct]:
        if log is None:
            return lambda id: m.Moderate(id, action, nick)
        return lambda id: m.Moderate(id, action, nick, log)

    def fresh(log: LogId | None, on: str, off: str) -> Callable[[int], Struct]:
        return act(flip(on, off), middle, log)

    def ban() -> Callable[[int], Struct]:
        world.context.hub.put(
            v.MembershipKey(world.invite, _account(world.count // 2)), v.Membership()
        )
        return fresh(world.invite, "unban", "ban")

    key = DeviceKey(_id("own", 0) * 2)

    def revoke() -> Callable[[int], Struct]:
        world.context.hub.put(v.DeviceOf(key), v.Device(world.session.account, 1))
        return lambda id: m.Revoke(id, key)

    def read() -> Callable[[int], Struct]:
        log = LogId(_id("talk", 0))
        world.context.feeds.loaded(log).readers.drop(world.session.number)
        return lambda id: m.Read(id, log, 0)

    def join() -> Callable[[int], Struct]:
        room = world.context.hub.named_room("r1x")
        world.context.hub.put(v.MembershipKey(room.log, world.session.account), None)
        feed = world.context.feeds.loaded(room.log)
        if feed is not None:
            feed.readers.drop(world.session.number)
        return lambda id: m.Join(id, "r1x")

    def leave() -> Callable[[int], Struct]:
        log = LogId(_id("room", 2))
        world.context.hub.put(v.MembershipKey(log, world.session.account), v.Membership())
        return lambda id: m.Leave(id, log)

    def invite() -> Callable[[int], Struct]:
        log, target = LogId(_id("room", 3)), _account(world.count // 2)
        world.context.hub.put(v.InvitedKey(log, target), None)
        return lambda id: m.Invite(id, log, middle)

    def private() -> Callable[[int], Struct]:
        account = AccountId(os.urandom(16))
        nick = new("p")
        world.context.hub.put(v.AccountKey(account), v.Profile(nick))
        return lambda id: m.Private(id, nick)

    def nick() -> Callable[[int], Struct]:
        name = new("a")
        return lambda id: m.Nick(id, name)

    def create() -> Callable[[int], Struct]:
        name = new("q")
        return lambda id: m.Join(id, name, "public")

    def topic() -> Callable[[int], Struct]:
        text = new("t")
        return lambda id: m.Topic(id, big, text)

    def slow() -> Callable[[int], Struct]:
        seconds = int(flip("7", "8"))
        return lambda id: m.Slow(id, big, seconds)

    return {
        "nick": nick,
        "code": lambda: lambda id: m.Code(id),
        "revoke": revoke,
        "logs": lambda: lambda id: m.Logs(id),
        "rooms": lambda: lambda id: m.Rooms(id),
        "rooms, after one": lambda: lambda id: m.Rooms(id, "r5x"),
        "who": lambda: lambda id: m.Who(id, big),
        "who, after one": lambda: lambda id: m.Who(id, big, "n5x"),
        "history": lambda: lambda id: m.History(id, big, 10),
        "history, before one": lambda: lambda id: m.History(id, big, 10, 30),
        "search": lambda: lambda id: m.Search(id, "text"),
        "join": join,
        "join, a new room": create,
        "private, a new one": private,
        "read": read,
        "leave": leave,
        "topic": topic,
        "invite": invite,
        "ban in a room": ban,
        "mute in a room": lambda: fresh(big, "unmute", "mute"),
        "mute on the server": lambda: fresh(None, "unmute", "mute"),
        "op": lambda: fresh(big, "op", "deop"),
        "slow": slow,
        "token": lambda: lambda id: m.Token(id, 1, 3600, big),
        "post": lambda: lambda id: m.Post(id, big, message(), "hello there"),
        "react": lambda: lambda id: m.React(id, big, message(), 5, "+"),
        "edit": lambda: lambda id: m.Edit(id, big, message(), 6, "hello again"),
    }


async def _measure(reactor: Any, count: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as directory:
        world = _World(reactor, Path(directory) / "encchat.db", count)
        await world.fill()
        costs = {"login": await _login_cost(world)}
        for name, make in _requests(world).items():
            seen = []
            for _ in range(_ROUNDS):
                request = make()
                await world.settle()
                begin = time.process_time_ns()
                answer = await world.ask(request)
                seen.append((time.process_time_ns() - begin) / 1_000 / _rows(answer))
                if isinstance(answer, m.Refused):
                    raise SystemExit(f"{name} was refused: {answer.text}")
            costs[name] = statistics.median(seen)
        await world.dispatcher.close()
        await world.store.close()
        return costs


def _rows(answer: Struct) -> int:
    """Return the number of rows of an answer, or 1 if it is not a list."""
    match answer:
        case m.LogList(logs=rows) | m.RoomList(rooms=rows) | m.Members(members=rows):
            return max(len(rows), 1)
        case _:
            return 1


async def _login_cost(world: _World) -> float:
    seen = []
    for number in range(_ROUNDS):
        session = _Session(1_000 + number)
        await world.settle()
        begin = time.process_time_ns()
        await world.login(session, "ana")
        seen.append((time.process_time_ns() - begin) / 1_000)
        world.dispatcher.forget(session)
    return statistics.median(seen)


async def _main(reactor: Any) -> None:
    counts = [int(it) for it in sys.argv[1:]] or list(_COUNTS)
    columns = [await _measure(reactor, count) for count in counts]
    print("request".ljust(24) + "".join(f"{count:>10,}" for count in counts) + "    growth")
    steep = 0
    for name in columns[0]:
        costs = [column[name] for column in columns]
        pairs = combinations(costs, 2)
        ratio = max((later / earlier for earlier, later in pairs), default=1.0)
        steep += ratio > _MOST
        mark = "  NOT FLAT" if ratio > _MOST else ""
        print(name.ljust(24) + "".join(f"{it:10.0f}" for it in costs) + f"{ratio:10.2f}{mark}")
    if steep:
        raise SystemExit(f"{steep} are not flat")


if __name__ == "__main__":
    task.react(lambda reactor: Deferred.fromCoroutine(_main(reactor)))

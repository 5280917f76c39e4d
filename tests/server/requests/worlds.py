"""A dispatcher with sessions without a wire, and a store on demand.

Everything shown to a session is checked when it is written: its account still has the session's
key, is not banned, and is a member of every log that the message is about.
"""

import copy
from collections.abc import Collection
from dataclasses import is_dataclass
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from chat.ids import NOBODY, DeviceKey, LogId, MessageId
from chat.limits import Limits
from chat.rooms.addresses import Address, AddressGroup
from chat.rooms.hub import Hub
from chat.rooms.roles import Role
from chat.rooms.room import Room
from chat.server.administration import requests as c
from chat.server.administration.control import Control
from chat.server.requests.context import PasswordChecker
from chat.server.requests.dispatcher import Dispatcher
from chat.server.requests.table import ROUTES, Route
from chat.server.state.audit import read_events
from chat.server.state.catalog import load_hub
from chat.server.state.directory import StateDirectory
from chat.store.interface import AUDIT, Commit, Outcome, Place, audit_of
from chat.testing import HOST_KEY, seeded_bytes, split_lines
from chat.testing.server import STORAGE_KEY
from chat.wire import messages as m
from chat.wire.errors import CloseCode
from chat.wire.identity import Identity
from chat.wire.lines import RecordLine, decode_line
from chat.wire.runs import Run
from tests.server.cases import HeldStore
from tests.store.commits import fired

__all__ = ["ASKED", "Line", "World", "identity", "settled_world", "snapshot"]

ASKED: Final = 99
"""The id of the request under test."""

_NAMES: Final = ("alice", "olga", "bob", "carol", "dave")
_DEVICES: Final = ("alice", "phone", "tablet")
"""Alice's devices."""


def identity(name: str) -> Identity:
    """Return the identity of a device, by its name."""
    return Identity.from_seed(name.encode().ljust(32, b"."))


class Line:
    """A session that records what it is sent, and checks whether that is allowed."""

    def __init__(self, world: "World", number: int, name: str) -> None:
        self.number = number
        self.name = name
        self.identity = identity(name)
        self.address, self.group = Address(f"192.0.2.{number}"), AddressGroup(f"192.0.2.{number}")
        self.binding, self.account, self.device = bytes([number]) * 32, NOBODY, DeviceKey(b"")
        self.reading: set[LogId] = set()
        self.is_gone = self.is_goodbye = self.is_full = False
        self.sent: list[Struct] = []
        self.closed: CloseCode | None = None
        self.holds = 0
        self.charged = 0
        self._world = world

    def send(self, message: Struct) -> None:
        """Record a message, while the connection is open."""
        if self.is_gone:
            return
        self.sent.append(message)
        match message:
            case m.Keys() | m.Joined() | m.Opened() | m.Members():
                self._check({message.log})
            case m.LogList():
                self._check({row[0] for row in message.logs})
            case m.CodeIssued() | m.TokenIssued() | m.DeviceList() | m.Page():
                self._check(set())
            case _:
                pass

    def tell(self, message: Struct) -> None:
        """Keep an event."""
        self.send(message)

    def deliver(self, run: Run) -> None:
        """Check the log of these records."""
        if self.is_gone:
            return
        for lines, _ in run.parts:
            records = [decode_line(line) for line in split_lines(bytes(lines))]
            self._check({it.log for it in records if isinstance(it, RecordLine)})

    def _check(self, logs: set[LogId]) -> None:
        hub = self._world.hub
        account = hub.people.of_key(self.device)
        assert account is not None and account.id == self.account, "a key that is nobody's"
        assert hub.standing.ban(account.id, self._world.milliseconds()) is None, "banned"
        assert logs <= account.logs, "a log of others"

    def answers(self, request: int = ASKED) -> list[Struct]:
        """Return all answers to a request."""
        return [
            it
            for it in self.sent
            if getattr(it, "id", None) == request
            or (isinstance(it, m.Posted) and request in [ack[0] for ack in it.acks])
        ]

    def admit(self) -> None:
        """Do nothing."""

    def charge(self, cost: int) -> None:
        """Count the call."""
        self.charged += cost

    def hold(self) -> None:
        """Count the call."""
        self.holds += 1

    def release(self) -> None:
        """Count the call."""
        self.holds -= 1

    def close(self, code: CloseCode, reason: str, retry_after: int | None = None) -> None:
        """Record the reason; the world forgets the session at the next turn."""
        if not self.is_gone:
            self.closed = code
            self.is_gone = True


class WatchedStore(HeldStore):
    """A held store that logs what it has done, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[bytes] = []
        """Keys of values that were set or, with a leading minus, removed; for each record a plus,
        its log and its author."""

    def commit(self, commit: Commit) -> Deferred[Outcome]:
        """Log the commit when it is done."""
        return super().commit(commit).addCallback(self._note, commit)

    def _note(self, outcome: Outcome, commit: Commit) -> Outcome:
        for record, place in zip(commit.records, outcome.places, strict=True):
            if isinstance(place, Place) and place.is_new:
                self.done.append(b"+" + record.log + record.author)
        if commit.change is not None and outcome.change is not None:
            for key, value in commit.change.values:
                self.done.append(key if value is not None else b"-" + key)
        return outcome

    def copy(self) -> "WatchedStore":
        """Return another store with the same contents."""
        other = WatchedStore()
        other._state = copy.deepcopy(self._state)
        return other


class _NoDirectory(StateDirectory):
    """The parts of a state directory used here."""

    def __init__(self) -> None:
        """Touch no disk."""

    def address(self) -> str:
        """Return where clients reach the server."""
        return "chat.example:5555"


class World:
    """A dispatcher, the relevant sessions, and the operator."""

    def __init__(
        self,
        store: WatchedStore,
        authenticator: PasswordChecker | None = None,
        routes: Collection[Route] = ROUTES,
        seed: int = 1,
    ) -> None:
        self.store = store
        self.clock = Clock()
        self.lines: list[Line] = []
        self.dispatcher = Dispatcher(
            *(store, STORAGE_KEY, self.clock, Limits(), self.milliseconds, seeded_bytes(seed)),
            authenticator=authenticator,
            routes=routes,
        )
        self.context = self.dispatcher.context
        loading = Deferred.fromCoroutine(self.dispatcher.load())
        self.turn()
        fired(loading)
        self.control = Control(self.context, _NoDirectory(), HOST_KEY, lambda _: None)
        self.accounts = {it.nick: it.id for it in self.hub.people.all()}
        """By initial nickname."""

    @property
    def hub(self) -> Hub:
        """The hub."""
        return self.context.hub

    def milliseconds(self) -> int:
        """Return the time."""
        return round(self.clock.seconds() * 1_000)

    def log(self, room: str = "den") -> LogId:
        """Return the id of a room's log."""
        return self.hub.named_room(room).log

    def conversation(self, one: str, other: str) -> Room:
        """Return the conversation of two accounts, given their original names."""
        room = self.hub.conversation(self.accounts[one], self.accounts[other])
        assert room is not None
        return room

    def turn(self) -> None:
        """Run everything that waits for nothing."""
        for _ in range(8):
            self.clock.advance(0.002)
            for line in self.lines:
                if line.is_gone and not line.is_goodbye:
                    line.is_goodbye = True
                    self.dispatcher.forget(line)

    def settle(self) -> None:
        """Make the store carry out all calls, in order."""
        self.turn()
        while self.store.waiting:
            self.store.release()
            self.turn()

    def connect(self, name: str) -> Line:
        """Return a session that has not logged in."""
        line = Line(self, len(self.lines) + 1, name)
        self.lines.append(line)
        return line

    def login(self, line: Line, nick: str, request: int = 1, **more: Any) -> m.Login:
        """Return a login request."""
        key = line.identity
        login = m.Login(request, nick, key.public, key.sign_login(line.binding))
        return msgspec.structs.replace(login, **more)

    def enter(self, name: str) -> Line:
        """Return the session of a known device, or of a new account."""
        line = self.connect(name)
        self.ask(line, self.login(line, name))
        assert isinstance(line.sent[0], m.Welcome), line.sent
        return line

    def ask(self, line: Line, message: Struct) -> None:
        """Send a request, and run what can run."""
        self.dispatcher.handle(line, message)
        self.turn()

    def operate(self, request: c.Request) -> Deferred[object]:
        """Send a request as the operator."""
        return Deferred.fromCoroutine(self.control.run(request))

    def audit(self) -> int:
        """Return the number of entries in the audit log."""
        store, rooms = self.store.copy(), self.context.hub.shared_rooms()
        logs = (AUDIT, *(audit_of(room.log) for room in rooms))
        read = [fired(Deferred.fromCoroutine(read_events(store, 100, log))) for log in logs]
        return sum(map(len, read))

    def check_kept(self) -> None:
        """Check that a server that starts now has exactly the same state."""
        self.context.markers.save()
        self.settle()
        hub = Hub()
        fired(Deferred.fromCoroutine(load_hub(self.store, hub)))
        assert snapshot(hub) == snapshot(self.hub)
        kept = {(it.log, it.account): it.seq for it in fired(self.store.seen())}
        assert kept == self.context.markers._seen


@lru_cache(1)
def _first_store() -> WatchedStore:
    """Alice, with three devices, is an operator of the den. Olga owns the den and the server."""
    store = WatchedStore()
    world = World(store, seed=0)
    lines = {name: world.enter(name) for name in _NAMES}
    for name in _DEVICES[1:]:
        alice = lines["alice"]
        world.ask(alice, m.Code(50))
        issued = alice.sent[-1]
        assert isinstance(issued, m.CodeIssued)
        world.ask(line := world.connect(name), world.login(line, "alice", code=issued.code))
    world.operate(c.Own("olga"))
    world.turn()
    for name, room in (("olga", "den"), ("olga", "hall"), ("alice", "den"), ("bob", "den")):
        world.ask(lines[name], m.Join(51, room, "public"))
    log = world.log()
    for name in ("alice", "bob"):
        world.ask(lines[name], m.Post(52, log, MessageId(name.encode().ljust(16)), "a needle"))
    world.ask(lines["carol"], m.Private(54, "alice"))
    world.ask(lines["alice"], m.Block(55, "dave"))
    world.ask(lines["olga"], m.Moderate(53, "op", "alice", log))
    assert world.hub.named_room("den").role(lines["alice"].account) is Role.OPERATOR
    assert world.hub.role(lines["olga"].account, None) is Role.OWNER
    return store


def settled_world(
    authenticator: PasswordChecker | None = None, routes: Collection[Route] = ROUTES
) -> World:
    """Return a world after a restart, with everything set up and settled."""
    return World(_first_store().copy(), authenticator, routes)


def snapshot(it: Any) -> Any:
    """Return the contents of a domain object, for comparison."""
    if type(it) in _PLAIN:
        return it
    if isinstance(it, dict):
        return {key: snapshot(value) for key, value in it.items()}
    if isinstance(it, set):
        return frozenset(it)
    if isinstance(it, list | tuple):
        return [snapshot(value) for value in it]
    if is_dataclass(it):
        return [type(it), *(snapshot(getattr(it, name)) for name in it.__dataclass_fields__)]
    if type(it).__module__.startswith("chat.rooms") and hasattr(it, "__dict__"):
        return it if isinstance(it, Role) else snapshot(vars(it))
    return it


_PLAIN: Final = frozenset({bool, bytes, int, str, type(None)})
"""Types of most of what there is, so that thousands of snapshots take seconds, not a minute."""

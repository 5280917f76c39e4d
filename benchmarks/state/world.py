"""A server with much of everything, without a socket."""

import os
import time
from collections.abc import Callable
from functools import partial
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
from chat.server.fanout.epochs import new_epoch
from chat.server.requests.dispatcher import Dispatcher
from chat.server.state.commits import COMMIT_SECONDS
from chat.store.interface import AUDIT, Commit, Record, RecordKind, StateChange
from chat.store.registry import open_store
from chat.wire import messages as m
from chat.wire.errors import CloseCode
from chat.wire.identity import Identity
from chat.wire.runs import Run

__all__ = ["HALVES", "QUOTAS", "Session", "World", "account_id", "numbered"]

HALVES: Final = ("left", "right")
"""Each of these words is in half of the posts, and they are never in the same one."""

QUOTAS: Final = (
    "devices_per_account",
    "blocks_per_account",
    "requests_to_account",
    "invitations_per_account",
    "invitations_per_room",
    "tokens_per_account",
)
"""The quotas that bound what is asked for in one request: raising them would measure what no server
does."""

_STEP: Final = 10_000
_QUIET: Final = 0.05
"""Most CPU seconds per second of an idle server."""
_LOOK_SECONDS: Final = 0.1
"""How long the server is watched to see whether it is idle."""
_PATIENCE: Final = 300.0

_NO_LIMIT: Final = 10**9
_LIMITS: Final = Limits(
    rooms_per_account=_NO_LIMIT,
    conversations_per_account=_NO_LIMIT,
    invitations_by_account=_NO_LIMIT,
    invitations_per_room=_NO_LIMIT,
    tokens_per_account=_NO_LIMIT,
    bans_per_room=_NO_LIMIT,
    bans_per_server=_NO_LIMIT,
    actions_per_account=_NO_LIMIT,
    reactions_per_message=_NO_LIMIT,
    requests_by_account=_NO_LIMIT,
    invitations_per_pair=_NO_LIMIT,
    names_per_account=_NO_LIMIT,
    search_seconds=60,
)


class Session:
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


def numbered(kind: str, number: int) -> bytes:
    """Return an id of 16 bytes; twice is one of 32."""
    return (kind.encode() + number.to_bytes(8, "big")).ljust(16, b".")


def account_id(number: int) -> AccountId:
    """Return the id of an account that the world is full of."""
    return AccountId(numbered("account", number))


class World:
    """A server with `count` of everything, and ana, who makes the requests."""

    def __init__(self, reactor: Any, path: Path, count: int) -> None:
        self.reactor = reactor
        self.count = count
        self.store = open_store(f"sqlite:{path}", reactor, True)
        self.key = os.urandom(64)
        self.ana = Identity.generate()
        self.session = Session(1)
        self._numbers = iter(range(1, 10**9))

    def next(self) -> int:
        """Return an unused number."""
        return next(self._numbers)

    async def fill(self) -> None:
        """Create everything."""
        self.dispatcher = dispatcher = self._new()
        await dispatcher.load()
        await self.login(self.session, "ana")
        opened = await self.ask(lambda id: m.Join(id, "big", "public"))
        assert isinstance(opened, m.Joined)
        self.big = opened.log
        for text in range(100):
            await self.ask(partial(self._text, text))
        await dispatcher.close()
        await self._fill_logs()
        await self._fill_talks()
        # A new dispatcher, which knows where the logs end.
        self.dispatcher = self._new()
        await self.dispatcher.load()
        self._fill_hub()
        self.session = Session(2)
        await self.login(self.session, "ana")
        for number in range(self.count):
            await self._open(LogId(numbered("talk", number)))
        await self._open(self.big)
        await self._quiet()
        self.last = self.context.feeds.loaded(self.big).readers.tail

    async def _quiet(self) -> None:
        """Wait until the store has filed everything, and tidied up after what was removed."""
        busy = 1.0
        while busy > _QUIET:
            begin = time.process_time()
            await task.deferLater(self.reactor, _LOOK_SECONDS, lambda: None)
            busy = (time.process_time() - begin) / _LOOK_SECONDS

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

    async def close(self) -> None:
        """Stop the server."""
        await self.dispatcher.close()
        await self.store.close()

    async def _fill_logs(self) -> None:
        """Fill the large room with posts, and the audit log."""
        base, head = await self.store.base(), await self.store.head(self.big)
        epoch = head.epoch.to_bytes(4, "big")
        for numbers in self._steps():
            records = [
                Record(
                    *(self.big, RecordId(os.urandom(16)), NOBODY, RecordKind.TEXT, head.epoch),
                    *(head.time, epoch + os.urandom(250)),
                    "text for the middle"
                    if number == self.count // 2
                    else f"text {HALVES[number % 2]}",
                )
                for number in numbers
            ]
            audit = [
                Record(AUDIT, RecordId(os.urandom(16)), NOBODY, RecordKind.OTHER, 0, 0, b"{}")
                for _ in numbers
            ]
            outcome = await self.store.commit(
                Commit(base, records, change=StateChange(records=audit))
            )
            base = outcome.base

    async def _fill_talks(self) -> None:
        """Say the same in each conversation."""
        base, head = await self.store.base(), await self.store.head(self.big)
        for numbers in self._steps():
            logs = [LogId(numbered("talk", number)) for number in numbers]
            epochs = [new_epoch(it, 1, self.key, os.urandom) for it in logs]
            base = (await self.store.commit(Commit(base, change=StateChange(epochs=epochs)))).base
            data = (1).to_bytes(4, "big")
            records = [
                Record(
                    *(log, RecordId(os.urandom(16)), NOBODY, RecordKind.TEXT, 1),
                    *(head.time + number, data + os.urandom(250), "everywhere"),
                )
                for number, log in zip(numbers, logs, strict=True)
            ]
            await self.store.commit(Commit(base, records))

    def _steps(self) -> list[range]:
        return [
            range(first, min(first + _STEP, self.count)) for first in range(0, self.count, _STEP)
        ]

    def _fill_hub(self) -> None:
        hub = self.context.hub
        ana = hub.people.named("ana").id
        now = self.context.milliseconds()
        good, over = now + 10**9, now + 1
        sanction = Sanction(good, "spam")
        hub.put(v.RoleKey(v.SERVER, ana), Role.OWNER)
        invite = LogId(numbered("invite", 0))
        hub.put(v.RoomKey(invite), v.RoomProfile(v.Kind.INVITE, "guests", ana))
        hub.put(v.MembershipKey(invite, ana), v.Membership())
        self.invite = invite
        for number in range(self.count):
            other, nick = account_id(number), f"n{number}x"
            room, talk = LogId(numbered("room", number)), LogId(numbered("talk", number))
            hub.put(v.AccountKey(other), v.Profile(nick))
            hub.put(v.DeviceOf(DeviceKey(numbered("key", number) * 2)), v.Device(other, number))
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
            hash = v.TokenHash(numbered("token", number) * 2)
            until = good if number % 2 else over
            to = self.big if number < self.most("invitations_per_room") else room
            by = ana if number < self.most("tokens_per_account") else other
            hub.put(v.InvitationKey(hash), v.Invitation(to, by, 1, until))
            hub.put(v.LinkCodeKey(other), v.LinkCode(hash, good))
            hub.put(v.HeldKey(f"h{number}x"), v.Held(other, f"h{number}x", good))
            hub.put(v.ContactKey(other), v.Contact.MEMBERS)
            hub.put(v.BlockKey(other, account_id(number + 1)), v.Blocked(number))
            self.context.markers._seen[talk, ana] = 1
        self._fill_account(ana)
        for number in range(self.count):
            self.context.feeds.pace.note(self.big, account_id(number), RecordId(bytes(16)))

    def _fill_account(self, ana: AccountId) -> None:
        """Give an account as much as it can have, of what has a quota for each."""
        hub = self.context.hub
        for number in range(self.most("devices_per_account") - 1):
            hub.put(v.DeviceOf(DeviceKey(numbered("own", number) * 2)), v.Device(ana, number))
        # One less, because one more is made when that is measured.
        for number in range(self.most("blocks_per_account") - 1):
            blocked = AccountId(numbered("blocked", number))
            hub.put(v.AccountKey(blocked), v.Profile(f"b{number}x"))
            hub.put(v.BlockKey(ana, blocked), v.Blocked(number))
        for number in range(self.most("requests_to_account") - 1):
            by, log = AccountId(numbered("stranger", number)), LogId(numbered("request", number))
            hub.put(v.AccountKey(by), v.Profile(f"s{number}x"))
            hub.put(v.RoomKey(log), v.RoomProfile(v.Kind.PRIVATE, "", by, ana))
            hub.put(v.MembershipKey(log, by), v.Membership())
            hub.put(v.RequestKey(log, ana), v.Requested(by, number))
        for number in range(self.most("invitations_per_account") - 1):
            hub.put(v.InvitedKey(LogId(numbered("room", number)), ana), v.InvitedBy(account_id(1)))

    def most(self, quota: str) -> int:
        """Return how many of something there are, given its quota."""
        return min(self.count, int(getattr(Limits(), quota)))

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
        await self._quiet()

    async def login(self, session: Session, nick: str) -> Struct:
        """Log in."""
        signature = self.ana.sign_login(session.binding)
        return await self.ask(lambda id: m.Login(id, nick, self.ana.public, signature), session)

    async def ask(self, request: Callable[[int], Struct], session: Session | None = None) -> Struct:
        """Make a request, and return its answer."""
        session, number = session or self.session, self.next()
        answered: Deferred[None] = Deferred()

        def note(answer: int) -> None:
            if answer == number and not answered.called:
                answered.callback(None)

        session.on_answer = note
        made = request(number)
        self.dispatcher.handle(session, made)
        if isinstance(made, m.Seen | m.Typing):
            return made  # They get no answer.
        await answered.addTimeout(_PATIENCE, self.reactor)
        return session.answers.pop(number)

"""Decisions in any order: pure, rolled back without a trace, and the invariants of a hub."""

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chat.limits import Limits
from chat.rooms import accounts, contacts, invitations, membership, moderation
from chat.rooms.accounts import Credentials, LoginPolicy
from chat.rooms.changes import NOTHING, Change, Event, Put
from chat.rooms.errors import RequestError
from chat.rooms.hub import Hub
from chat.rooms.invitations import Registration
from chat.rooms.moderation import Order
from chat.rooms.names import case_key, name_key
from chat.rooms.roles import Action, Role
from chat.rooms.values import SERVER, Invitation, Kind, TokenHash
from tests import machine
from tests.rooms.support import (
    NETWORK,
    account_id,
    decide,
    device,
    hub_with,
    log_id,
    room_of,
    set_role,
    snapshot,
    token,
)

LIMITS: Final = Limits(
    rooms_per_account=2,
    invitations_per_account=1,
    invitations_per_room=2,
    requests_to_account=1,
    names_per_account=1,
    name_days=0.001,
    requests_by_account=1,
    conversations_per_account=2,
    bans_per_room=2,
    bans_per_server=2,
)
POLICIES: Final = [
    LoginPolicy(),
    LoginPolicy(Registration.INVITE),
    LoginPolicy(wants_passwords=True),
]

nicks = st.sampled_from(["boss", "ana", "B0b", "eva"])
names = st.sampled_from(["python", "perl", "peri"])
hashes = st.sampled_from([token("one"), token("two")])
credentials = st.builds(
    Credentials,
    st.sampled_from([device(name) for name in ("boss", "ana", "bob", "eva", "max")]),
    nicks,
    st.just(NETWORK),
    hashes | st.none(),
    hashes | st.none(),
    st.booleans(),
)
orders = st.builds(Order, st.sampled_from(Action), st.sampled_from([0, 1, 60]), st.just("spam"))


class DecisionMachine(RuleBasedStateMachine):
    """People do what they may; several decisions are tried in sequence, as for a commit."""

    def __init__(self) -> None:
        super().__init__()
        self.hub = Hub()
        self.now = 0
        self.numbers = count(1)
        self.tried: list[list[Put]] = []
        self.was: object = None

    @initialize()
    def begin(self) -> None:
        self.hub, [boss, ana, bob] = hub_with("boss", "ana", "bob")
        set_role(self.hub, boss, Role.OWNER)
        room_of(self.hub, ana, bob)
        self.was = snapshot(self.hub)

    def run(self, decision: Callable[[], Change]) -> None:
        """Try a decision on the state that the previous ones leave."""
        try:
            change = decide(self.hub, decision)
        except RequestError:
            return
        self.tried.append(self.hub.put_all(change.puts))

    def new(self) -> str:
        """Return an unused name."""
        return str(next(self.numbers))

    @rule(is_kept=st.booleans())
    def commit(self, is_kept: bool) -> None:
        if not is_kept:
            for back in reversed(self.tried):
                self.hub.put_all(back)
            assert snapshot(self.hub) == self.was
        self.tried.clear()
        self.was = snapshot(self.hub)

    @rule(seconds=st.sampled_from([1, 60]))
    def wait(self, seconds: int) -> None:
        self.now += seconds * 1_000

    # --- People ---

    @rule(it=credentials, policy=st.sampled_from(POLICIES))
    def enter(self, it: Credentials, policy: LoginPolicy) -> None:
        new_id = account_id(self.new())
        self.run(partial(accounts.enter, self.hub, it, policy, new_id, self.now))

    @rule(actor=nicks, nick=nicks)
    def rename(self, actor: str, nick: str) -> None:
        self.run(
            lambda: accounts.rename(self.hub, self.hub.people.named(actor), nick, LIMITS, self.now)
        )

    @rule(nick=nicks, hash=hashes)
    def recover(self, nick: str, hash: TokenHash) -> None:
        until = self.now + 60_000
        self.run(partial(accounts.recover, self.hub, nick, hash, until, "admin", self.now))

    # --- Logs ---

    @rule(actor=nicks, name=names, create=st.sampled_from(["public", "invite", None]))
    def join(self, actor: str, name: str, create: str | None) -> None:
        hub, new_log = self.hub, log_id(self.new())

        def decision() -> Change:
            account = hub.people.named(actor)
            return membership.join(hub, account, name, create, new_log, LIMITS, self.now)

        self.run(decision)

    @rule(actor=nicks, nick=nicks)
    def converse(self, actor: str, nick: str) -> None:
        hub, new_log = self.hub, log_id(self.new())

        def decision() -> Change:
            account, other = hub.people.named(actor), hub.people.named(nick)
            return contacts.converse(hub, account, other, new_log, LIMITS, self.now)

        self.run(decision)

    @rule(actor=nicks, nick=nicks, answer=st.sampled_from([contacts.accept, contacts.decline]))
    def answer(self, actor: str, nick: str, answer: Callable[..., Change]) -> None:
        hub = self.hub

        def decision() -> Change:
            account, other = hub.people.named(actor), hub.people.named(nick)
            return answer(account, hub.conversation(account.id, other.id))

        self.run(decision)

    @rule(actor=nicks, nick=nicks)
    def leave_conversation(self, actor: str, nick: str) -> None:
        hub = self.hub

        def decision() -> Change:
            account, other = hub.people.named(actor), hub.people.named(nick)
            room = hub.conversation(account.id, other.id)
            if room is None or account.id not in room.members:
                return NOTHING
            return membership.leave(account, room)

        self.run(decision)

    @rule(actor=nicks, nick=nicks, is_lifted=st.booleans())
    def block(self, actor: str, nick: str, is_lifted: bool) -> None:
        hub = self.hub

        def decision() -> Change:
            account = hub.people.named(actor)
            if is_lifted:
                return contacts.unblock(hub, account, nick)
            return contacts.block(hub, account, nick, LIMITS, self.now)

        self.run(decision)

    @rule(actor=nicks, name=names, topic=st.sampled_from(["", "snakes"]))
    def set_topic(self, actor: str, name: str, topic: str) -> None:
        hub = self.hub
        self.run(lambda: membership.set_topic(hub.people.named(actor), hub.named_room(name), topic))

    @rule(actor=nicks, name=names, nick=nicks)
    def invite(self, actor: str, name: str, nick: str) -> None:
        hub = self.hub

        def decision() -> Change:
            account, room = hub.people.named(actor), hub.named_room(name)
            return invitations.invite(hub, account, room, nick, LIMITS, self.now)

        self.run(decision)

    @rule(name=names, hash=hashes, uses=st.integers(1, 2))
    def issue_token(self, name: str, hash: TokenHash, uses: int) -> None:
        hub, now = self.hub, self.now

        def decision() -> Change:
            room = hub.named_room(name)
            invitation = Invitation(room.log, room.owner, uses, now + 60_000)
            event = Event(now, "ana", "token", "", room.name, "")
            return invitations.issue_token(hub, hash, invitation, event, Limits(), now)

        self.run(decision)

    @rule(actor=nicks, nick=nicks, name=names | st.none(), order=orders)
    def moderate(self, actor: str, nick: str, name: str | None, order: Order) -> None:
        hub = self.hub

        def decision() -> Change:
            account, target = hub.people.named(actor), hub.people.named(nick)
            room = None if name is None else hub.named_room(name)
            moderation.check_may_moderate(hub, order.action, account, target, room)
            return moderation.moderate(hub, order, account.nick, target, room, LIMITS, self.now)

        self.run(decision)

    # --- Invariants ---

    @invariant()
    def names_are_one_account_s(self) -> None:
        people = self.hub.people.all()
        for key in (name_key, case_key):
            assert len({key(account.nick) for account in people}) == len(people)

    @invariant()
    def names_are_one_room_s(self) -> None:
        rooms = self.hub.shared_rooms()
        assert len({name_key(room.name) for room in rooms}) == len(rooms)

    @invariant()
    def two_have_one_conversation(self) -> None:
        rooms = [self.hub.known_room(log) for log in self.hub.logs()]
        pairs = [
            frozenset((it.profile.owner, it.profile.other))
            for it in rooms
            if it and it.kind is Kind.PRIVATE
        ]
        assert len(set(pairs)) == len(pairs)

    @invariant()
    def who_is_in_a_conversation_is_not_asked_and_nobody_else_is(self) -> None:
        for log in self.hub.logs():
            room = self.hub.known_room(log)
            assert room is not None
            pair = {room.profile.owner, room.profile.other}
            assert not room.members.keys() & room.requested.keys()
            assert room.requested.keys() <= pair
            assert room.kind is not Kind.PRIVATE or room.members.keys() <= pair

    @invariant()
    def who_is_in_is_not_invited(self) -> None:
        for room in self.hub.shared_rooms():
            assert not room.members.keys() & room.invited.keys()

    @invariant()
    def nobody_has_more_than_they_may(self) -> None:
        for account in self.hub.people.all():
            assert self.hub.owned_by(account.id) <= LIMITS.rooms_per_account
            assert len(account.held) <= LIMITS.names_per_account
            assert len(account.requests) <= LIMITS.requests_to_account
            assert self.hub.asked_by(account.id) <= LIMITS.requests_by_account
            assert self.hub.begun_by(account.id) <= LIMITS.conversations_per_account
        assert self.hub.sanctions.count(SERVER, self.now) <= LIMITS.bans_per_server
        for room in self.hub.shared_rooms():
            assert self.hub.sanctions.count(room.log, self.now) <= LIMITS.bans_per_room


TestDecisionMachine = DecisionMachine.TestCase
TestDecisionMachine.settings = machine(60, 40)

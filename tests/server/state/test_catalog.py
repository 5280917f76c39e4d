"""Accounts and rooms as they are stored, and loaded by the next server."""

from collections.abc import Sequence
from typing import Final

import pytest
from twisted.internet.defer import Deferred

from chat.ids import AccountId, DeviceKey, LogId
from chat.rooms.addresses import AddressGroup
from chat.rooms.changes import Put, put
from chat.rooms.hub import Hub
from chat.rooms.roles import Role, Sanction
from chat.rooms.values import (
    SERVER,
    AccountKey,
    AnyKey,
    BanKey,
    Blocked,
    BlockKey,
    Claim,
    ClaimKey,
    Contact,
    ContactKey,
    Device,
    DeviceOf,
    Granted,
    GrantedKey,
    Held,
    HeldKey,
    Invitation,
    InvitationKey,
    InvitedBy,
    InvitedKey,
    Kind,
    LinkCode,
    LinkCodeKey,
    Membership,
    MembershipKey,
    Moment,
    MomentKey,
    MuteKey,
    NetworkKey,
    Profile,
    Requested,
    RequestKey,
    RoleKey,
    RoomKey,
    RoomProfile,
    TokenHash,
)
from chat.server.state.catalog import encode_put, load_hub
from chat.store.interface import Commit, StateChange, StoreError, Value
from chat.store.memory import MemoryStore
from chat.testing import Server
from chat.wire import messages
from chat.wire.messages import Invite, Joined, LogList, Logs, Moderate, Nick, Private, Read, Topic
from tests.server.support import HeldStore, ServerCase
from tests.store.commits import fired


class RestartTests(ServerCase):
    """Another server on the same store."""

    def setUp(self) -> None:
        """Store one of everything."""
        self.store = HeldStore()
        self.store.is_holding = False
        server = Server(self.store)
        self.alice, self.bob, self.carol = server.enter("alice", "bob", "carol")
        self.alice.join("den", "invite")
        self.log = self.alice.log("den")
        self.alice.ask(Invite(90, self.log, "bob"))
        self.bob.join("den")
        self.alice.ask(Topic(91, self.log, "chess"))
        self.alice.ask(Moderate(92, "ban", "carol", self.log))
        self.bob.ask(Private(93, "alice"))
        self.alice.ask(Private(93, "bob"))
        self.bob.say("psst", "alice")
        self.bob.ask(Nick(94, "robert"))

    def test_everything_is_there_again(self) -> None:
        server = Server(self.store, seed=1)
        back = server.connect(identity=self.bob.identity)
        back.log_in("bob")
        logs = back.ask(Logs(99))
        assert isinstance(logs, LogList)
        assert sorted((kind, name) for _, kind, name, _, _ in logs.logs) == [
            ("invite", "den"),
            ("private", "alice"),
            ("public", "lobby"),
        ]
        joined = back.ask(Read(98, self.log, 0))
        assert isinstance(joined, Joined)
        assert (joined.topic, joined.members, joined.kind) == ("chess", 2, "invite")
        again = back.ask(Private(97, "alice"))
        assert isinstance(again, Joined) and again.log == self.bob.log("alice")

    def test_invitations_and_codes_are_good_after_it(self) -> None:
        issued = self.alice.ask(messages.Token(95, 1, 3_600, self.log))
        code = self.bob.ask(messages.Code(96))
        assert isinstance(issued, messages.TokenIssued) and isinstance(code, messages.CodeIssued)
        server = Server(self.store, seed=1)
        hub = server.dispatcher.context.hub
        [invitation] = hub.invitations.values()
        assert invitation.log == self.log
        assert hub.codes.keys() == {self.bob.account}

    def test_there_is_one_lobby_whatever_happens(self) -> None:
        first = {client.log() for client in (self.alice, self.bob, self.carol)}
        server = Server(self.store, seed=1)
        [dave] = server.enter("dave")
        assert {dave.log()} == first

    def test_texts_of_earlier_can_be_read_and_new_ones_follow(self) -> None:
        server = Server(self.store, seed=1)
        log = self.bob.log("alice")
        back = server.connect(identity=self.bob.identity)
        back.log_in("")
        back.ask(Read(98, log, 0))
        assert back.texts == [("bob", "psst")]
        other = server.connect(identity=self.alice.identity)
        other.log_in("")
        other.ask(Read(98, log, 0))
        other.say("what?", "robert")
        assert back.texts[-1] == ("alice", "what?")


ANA: Final = AccountId(b"a" * 16)
EVA: Final = AccountId(b"e" * 16)
DEN: Final = LogId(b"d" * 16)
PAIR: Final = LogId(b"p" * 16)
KEY: Final = DeviceKey(b"k" * 32)
HASH: Final = TokenHash(b"h" * 32)

EVERYTHING: Final = (
    put(AccountKey(ANA), Profile("ana")),
    put(AccountKey(EVA), Profile("\u00e9va")),
    put(DeviceOf(KEY), Device(ANA, 7)),
    put(HeldKey("anna"), Held(ANA, "Anna", 9)),
    put(RoomKey(DEN), RoomProfile(Kind.INVITE, "den", ANA, topic="chess", slow=5)),
    put(RoomKey(PAIR), RoomProfile(Kind.PRIVATE, "", ANA, EVA)),
    put(MembershipKey(DEN, ANA), Membership()),
    put(InvitedKey(DEN, EVA), InvitedBy(ANA)),
    put(RoleKey(SERVER, ANA), Role.OWNER),
    put(RoleKey(DEN, EVA), Role.OPERATOR),
    put(BanKey(DEN, EVA), Sanction(9, "why not")),
    put(MuteKey(SERVER, EVA), Sanction()),
    put(NetworkKey(AddressGroup("192.0.2.0/24")), Sanction(0, "spam")),
    put(InvitationKey(HASH), Invitation(DEN, ANA, 3, 10)),
    put(LinkCodeKey(ANA), LinkCode(HASH, 10)),
    put(ClaimKey(), Claim(HASH, 10)),
    put(GrantedKey(KEY), Granted(ANA)),
    put(MomentKey(), Moment(7, "boot", 1.5)),
    put(RequestKey(PAIR, EVA), Requested(ANA, 9, True)),
    put(ContactKey(ANA), Contact.MEMBERS),
    put(BlockKey(ANA, EVA), Blocked(9)),
)
"""At least one value of each kind."""


def keep(store: MemoryStore, values: Sequence[Value]) -> None:
    """Store some values."""
    base = fired(store.base())
    assert fired(store.commit(Commit(base, change=StateChange(values)))).change is not None


def load(store: MemoryStore) -> Hub:
    """Return the state that a new server would load."""
    hub = Hub()
    fired(Deferred.fromCoroutine(load_hub(store, hub)))
    return hub


def stored(puts: Sequence[Put]) -> MemoryStore:
    """Return a store with some puts."""
    store = MemoryStore()
    keep(store, [encode_put(it) for it in puts])
    return store


def test_every_kind_of_value_is_found_again() -> None:
    assert {type(key) for key, _ in EVERYTHING} == set(AnyKey.__args__)
    hub = load(stored(EVERYTHING))
    assert [(key, hub.get(key)) for key, _ in EVERYTHING] == list(EVERYTHING)


def test_the_order_in_which_values_were_put_does_not_matter() -> None:
    hub = load(stored(EVERYTHING[::-1]))
    assert [(key, hub.get(key)) for key, _ in EVERYTHING] == list(EVERYTHING)


def test_what_is_put_no_longer_is_gone() -> None:
    store = stored(EVERYTHING)
    keep(store, [encode_put(Put(key, None)) for key, _ in EVERYTHING])
    assert fired(store.scan(b"")) == []


def test_no_two_keys_are_the_same_bytes() -> None:
    keys = [encode_put(it).key for it in EVERYTHING]
    assert len(set(keys)) == len(keys)
    # No table's prefix is the beginning of another's.
    prefixes = {key[: key.index(b"/") + 1] for key in keys}
    assert len(prefixes) == len(AnyKey.__args__)


@pytest.mark.parametrize(
    "value",
    [
        Value(b"account/" + ANA, b"?"),
        Value(b"account/short", encode_put(EVERYTHING[0]).value),
        Value(b"room/" + DEN, encode_put(EVERYTHING[0]).value),
        Value(b"member/" + DEN + ANA, encode_put(EVERYTHING[6]).value),
        Value(b"invited/" + DEN + ANA, encode_put(EVERYTHING[7]).value),
        Value(b"device/" + KEY, encode_put(EVERYTHING[2]).value),
        Value(b"network/\xff", encode_put(EVERYTHING[12]).value),
    ],
    ids=lambda it: str(it.key[:12]),
)
def test_damage_is_told_and_not_worked_around(value: Value) -> None:
    store = MemoryStore()
    keep(store, [value])
    with pytest.raises(StoreError, match="damaged"):
        load(store)
    keep(store, [Value(value.key, None)])
    load(store)

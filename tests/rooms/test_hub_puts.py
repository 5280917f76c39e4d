"""Puts: they change what is known, and nothing else; and roll back without a trace."""

from typing import Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chat.ids import NOBODY, LogId
from chat.rooms.addresses import AddressGroup
from chat.rooms.changes import Put, put
from chat.rooms.hub import Hub
from chat.rooms.names import name_key
from chat.rooms.roles import Role, Sanction
from chat.rooms.values import (
    SERVER,
    AccountKey,
    AnyKey,
    AnyValue,
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
)
from tests import machine
from tests.rooms.support import account_id, device, hub_with, log_id, snapshot, token

ORDER: Final = (
    *(AccountKey, HeldKey, DeviceOf, RoomKey, MembershipKey, InvitedKey, RoleKey, BanKey, MuteKey),
    *(NetworkKey, InvitationKey, LinkCodeKey, ClaimKey, GrantedKey),
    *(RequestKey, ContactKey, BlockKey),
    MomentKey,
)
"""Order of keys: a value's references come before it."""

ACCOUNTS: Final = [account_id(name) for name in ("a", "b", "c")]
LOGS: Final = [log_id(name) for name in ("x", "y", "z")]
TEXTS: Final = ["alice", "aIice", "ALICE", "\u039d", "\u03bd", "N", "bob"]
"""Names that look alike, or differ only in case, or differ only in case but look different."""

KEYS: Final[list[AnyKey]] = [
    *map(AccountKey, ACCOUNTS),
    *(DeviceOf(device(name)) for name in ("k", "l")),
    *(HeldKey(name_key(it)) for it in ("alice", "bob")),
    *map(RoomKey, LOGS),
    *(kind(log, it) for kind in (MembershipKey, InvitedKey) for log in LOGS for it in ACCOUNTS),
    *(
        kind(scope, it)
        for kind in (RoleKey, BanKey, MuteKey)
        for scope in (SERVER, LOGS[0], LOGS[1])
        for it in ACCOUNTS[:2]
    ),
    NetworkKey(AddressGroup("192.0.2.1")),
    InvitationKey(token("t")),
    *map(LinkCodeKey, ACCOUNTS[:2]),
    ClaimKey(),
    GrantedKey(device("k")),
    MomentKey(),
    *(RequestKey(log, it) for log in LOGS[:2] for it in ACCOUNTS[:2]),
    *map(ContactKey, ACCOUNTS[:2]),
    *(BlockKey(ACCOUNTS[0], it) for it in ACCOUNTS[1:]),
]

times = st.integers(0, 2)
people = st.sampled_from(ACCOUNTS)
sanctions = st.builds(Sanction, times, st.sampled_from(["", "spam"]))
rooms = st.builds(
    RoomProfile,
    st.sampled_from([Kind.PUBLIC, Kind.INVITE]),
    st.sampled_from(TEXTS),
    people,
    topic=st.sampled_from(["", "snakes"]),
    slow=times,
)
conversations = st.builds(
    RoomProfile,
    st.just(Kind.PRIVATE),
    st.just(""),
    people,
    st.sampled_from([*ACCOUNTS, NOBODY]),
)


def values_of(key: AnyKey) -> st.SearchStrategy[AnyValue]:
    """Return valid values for a key."""
    match key:
        case AccountKey():
            return st.builds(Profile, st.sampled_from(TEXTS))
        case HeldKey():
            return st.builds(Held, people, st.sampled_from(TEXTS), times)
        case DeviceOf():
            return st.builds(Device, people, times)
        case RoomKey():
            return rooms | conversations
        case MembershipKey():
            return st.just(Membership())
        case InvitedKey():
            return st.builds(InvitedBy, people)
        case RoleKey():
            return st.sampled_from([Role.OPERATOR, Role.OWNER])
        case BanKey() | MuteKey() | NetworkKey():
            return sanctions
        case InvitationKey():
            return st.builds(Invitation, st.sampled_from([LogId(b""), *LOGS]), people, times, times)
        case LinkCodeKey():
            return st.builds(LinkCode, st.just(token("c")), times)
        case ClaimKey():
            return st.builds(Claim, st.just(token("c")), times)
        case GrantedKey():
            return st.builds(Granted, people)
        case MomentKey():
            return st.builds(Moment, times, st.just("boot"), st.just(1.0))
        case RequestKey():
            return st.builds(Requested, people, times, st.booleans())
        case ContactKey():
            return st.sampled_from([Contact.MEMBERS, Contact.NOBODY])
        case BlockKey():
            return st.builds(Blocked, times)


def puts_of(key: AnyKey) -> st.SearchStrategy[Put]:
    """Return valid puts for a key."""
    return st.builds(Put, st.just(key), values_of(key) | st.none())


puts = st.lists(st.one_of([puts_of(key) for key in KEYS]), min_size=1, max_size=6)

Model = dict[AnyKey, AnyValue]


_IN_LOG: Final = MembershipKey | InvitedKey | RequestKey
_OF_ACCOUNT: Final = _IN_LOG | ContactKey | BlockKey


def is_sound(model: Model, it: Put) -> bool:
    """Return whether everything a value refers to exists, and nothing refers to what is removed."""
    key, value = it
    if value is None:
        if key not in model:
            return True
        match key:
            case AccountKey(account):
                return not any(
                    (isinstance(other, _OF_ACCOUNT) and other.account == account)
                    or (isinstance(value, Device | Held) and value.account == account)
                    for other, value in model.items()
                )
            case RoomKey(log):
                return not any(
                    (isinstance(other, _IN_LOG) and other.log == log)
                    or (isinstance(other, RoleKey | BanKey | MuteKey) and other.scope == log)
                    for other in model
                )
        return True
    match key:
        case DeviceOf():
            return isinstance(value, Device) and AccountKey(value.account) in model
        case HeldKey():
            return isinstance(value, Held) and AccountKey(value.account) in model
        case MembershipKey(log, account) | InvitedKey(log, account) | RequestKey(log, account):
            return AccountKey(account) in model and RoomKey(log) in model
        case ContactKey(account) | BlockKey(account):
            return AccountKey(account) in model
        case RoleKey(scope) | BanKey(scope) | MuteKey(scope):
            return scope == SERVER or RoomKey(scope) in model
    return True


def model_with(model: Model, it: Put) -> Model:
    """Return the model after a put."""
    others = {key: value for key, value in model.items() if key != it.key}
    return others if it.value is None else {**others, it.key: it.value}


def hub_of(model: Model) -> Hub:
    """Return a new hub with everything in the model, latest first."""
    hub = Hub()
    latest = reversed(model.items())
    for key, value in sorted(latest, key=lambda it: ORDER.index(type(it[0]))):
        hub.put(key, value)
    return hub


class PutMachine(RuleBasedStateMachine):
    """Applies any puts, and rolls them back in reverse order, or keeps them."""

    def __init__(self) -> None:
        super().__init__()
        self.hub = Hub()
        self.model: Model = {}
        self.stack: list[tuple[Model, object, list[Put]]] = []

    @rule(puts=puts)
    def put(self, puts: list[Put]) -> None:
        was, model, back = snapshot(self.hub), self.model, []
        for it in puts:
            if not is_sound(model, it):
                with pytest.raises((KeyError, AssertionError)):
                    self.hub.put_all(puts)
                assert snapshot(self.hub) == was
                return
            back.append(Put(it.key, model.get(it.key)))
            model = model_with(model, it)
        taken_back = self.hub.put_all(iter(puts))
        assert taken_back == back[::-1]
        self.stack.append((self.model, was, taken_back))
        self.model = model

    @precondition(lambda self: self.stack)
    @rule()
    def take_back(self) -> None:
        self.model, was, back = self.stack.pop()
        self.hub.put_all(back)
        assert snapshot(self.hub) == was

    @precondition(lambda self: len(self.stack) > 3)
    @rule()
    def keep(self) -> None:
        self.stack.clear()

    @invariant()
    def what_was_put_is_known_under_its_key(self) -> None:
        for key in KEYS:
            assert self.hub.get(key) == self.model.get(key)

    @invariant()
    def nothing_is_known_but_that(self) -> None:
        assert snapshot(self.hub) == snapshot(hub_of(self.model))


TestPutMachine = PutMachine.TestCase
TestPutMachine.settings = machine(60, 25)


EVERYTHING: Final[list[Put]] = [
    put(AccountKey(account_id("eva")), Profile("eva")),
    put(AccountKey(account_id("ana")), Profile("anna")),
    put(HeldKey(name_key("zoe")), Held(account_id("ana"), "zoe", 7)),
    put(DeviceOf(device("bob")), Device(account_id("ana"), 7)),
    put(RoomKey(log_id("perl")), RoomProfile(Kind.PUBLIC, "perl", account_id("ana"))),
    put(MembershipKey(log_id("perl"), account_id("eva")), Membership()),
    put(InvitedKey(log_id("perl"), account_id("bob")), InvitedBy(account_id("ana"))),
    put(RoleKey(SERVER, account_id("ana")), Role.OWNER),
    put(BanKey(log_id("perl"), account_id("bob")), Sanction()),
    put(MuteKey(SERVER, account_id("bob")), Sanction()),
    put(NetworkKey(AddressGroup("192.0.2.1")), Sanction()),
    put(InvitationKey(token("t")), Invitation(log_id("perl"), account_id("ana"), 1, 1)),
    put(LinkCodeKey(account_id("ana")), LinkCode(token("c"), 1)),
    put(ClaimKey(), Claim(token("c"), 1)),
    put(GrantedKey(device("ana")), Granted(account_id("ana"))),
    put(MomentKey(), Moment(1, "boot", 1.0)),
    put(RequestKey(log_id("perl"), account_id("bob")), Requested(account_id("ana"), 1)),
    put(ContactKey(account_id("bob")), Contact.NOBODY),
    put(BlockKey(account_id("bob"), account_id("eva")), Blocked(1)),
]


@pytest.mark.parametrize("count", range(len(EVERYTHING) + 1))
def test_puts_of_which_one_fails_leave_no_trace(count: int) -> None:
    hub, _ = hub_with("ana", "bob")
    was = snapshot(hub)
    bad = put(DeviceOf(device("bob")), Device(account_id("nobody"), 0))
    with pytest.raises(KeyError):
        hub.put_all([*EVERYTHING[:count], bad, *EVERYTHING[count:]])
    assert snapshot(hub) == was


def test_a_put_that_fails_changes_nothing() -> None:
    hub, [ana, _] = hub_with("ana", "bob")
    hub.put_all(EVERYTHING[:1] + EVERYTHING[4:])
    was = snapshot(hub)
    for it in (
        put(DeviceOf(device("ana")), Device(account_id("nobody"), 0)),
        put(AccountKey(ana.id), None),
        put(RoomKey(log_id("perl")), None),
        put(MembershipKey(log_id("nowhere"), ana.id), Membership()),
        put(InvitedKey(log_id("perl"), account_id("nobody")), InvitedBy(ana.id)),
        put(RoleKey(log_id("nowhere"), ana.id), Role.OPERATOR),
    ):
        with pytest.raises((KeyError, AssertionError)):
            hub.put(it.key, it.value)
        assert snapshot(hub) == was


@pytest.mark.parametrize("key", KEYS)
def test_nothing_is_known_of_what_there_never_was(key: AnyKey) -> None:
    hub = Hub()
    assert hub.get(key) is None
    assert hub.put(key, None) is None
    assert snapshot(hub) == snapshot(Hub())

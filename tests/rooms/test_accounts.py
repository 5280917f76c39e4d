"""Decisions about accounts: what a login needs, and changing devices and nicknames."""

from typing import Final

import pytest

from chat.ids import LogId
from chat.limits import Limits
from chat.rooms import accounts, moderation
from chat.rooms.accounts import Credentials, LoginPolicy
from chat.rooms.changes import NOTHING, Change, Event, Told, put
from chat.rooms.errors import (
    BadCodeError,
    BadTokenError,
    BannedError,
    ClosedError,
    InvalidError,
    LastDeviceError,
    NickEmptyError,
    NickInvalidError,
    NickTakenError,
    NickTooLongError,
    NoSuchDeviceError,
    NoSuchNickError,
    RequestError,
    TokenNeededError,
    TooManyNamesError,
    WrongPasswordError,
)
from chat.rooms.hub import Hub
from chat.rooms.invitations import Registration
from chat.rooms.names import name_key
from chat.rooms.people import Account
from chat.rooms.roles import Action, Role, Sanction
from chat.rooms.values import (
    SERVER,
    AccountKey,
    BanKey,
    Claim,
    ClaimKey,
    Device,
    DeviceOf,
    Invitation,
    InvitationKey,
    InvitedBy,
    InvitedKey,
    Kind,
    LinkCode,
    LinkCodeKey,
    MembershipKey,
    NetworkKey,
    Profile,
    RoleKey,
    TokenHash,
)
from tests.rooms.support import (
    NETWORK,
    NOW,
    account_id,
    ban,
    decide,
    device,
    do,
    hub_with,
    log_id,
    room_of,
    set_role,
    snapshot,
    token,
)

LIMITS: Final = Limits()

NEW: Final = account_id("new")
KEY: Final = device("new")
NO_ROOM: Final = LogId(b"")
UNTIL: Final = NOW + 1
"""The first millisecond at which something that ends then has expired."""
OPEN: Final = LoginPolicy()
PASSWORDS: Final = LoginPolicy(wants_passwords=True)
NEW_EVA: Final = (put(AccountKey(NEW), Profile("eva")), put(DeviceOf(KEY), Device(NEW, NOW)))
TOKEN: Final = token("token")
CODE: Final = token("code")
WRONG: Final = token("wrong")


def shown(
    nick: str = "eva",
    *,
    key: str = "new",
    code: TokenHash | None = None,
    token: TokenHash | None = None,
    has_password: bool = False,
    is_operator: bool = False,
) -> Credentials:
    """Return the credentials of a login with a new key."""
    return Credentials(device(key), nick, NETWORK, code, token, has_password, is_operator)


def enter(hub: Hub, it: Credentials, policy: LoginPolicy = OPEN, now: int = NOW) -> Change:
    """Return the result of a login."""
    return decide(hub, accounts.enter, hub, it, policy, NEW, now)


def let_in(hub: Hub, it: Credentials, policy: LoginPolicy = OPEN, now: int = NOW) -> Change:
    """Log in, and apply the result."""
    return do(hub, accounts.enter, hub, it, policy, NEW, now)


def hub_with_token(uses: int = 1, log: LogId = NO_ROOM) -> tuple[Hub, Account]:
    """Return a hub with an invitation."""
    hub, [ana] = hub_with("ana")
    set_role(hub, ana, Role.OPERATOR)
    hub.put(InvitationKey(TOKEN), Invitation(log, ana.id, uses, UNTIL))
    return hub, ana


def hub_with_code() -> tuple[Hub, Account]:
    """Return a hub with a code for another device."""
    hub, [ana] = hub_with("ana")
    hub.put(LinkCodeKey(ana.id), LinkCode(CODE, UNTIL))
    return hub, ana


# --- Known keys ---


def test_who_has_a_key_is_its_account_whatever_else_is_shown() -> None:
    hub, _ = hub_with_code()
    for it in (
        shown("ana", key="ana"),
        shown("", key="ana"),
        shown("ana", key="ana", code=WRONG, has_password=True),
    ):
        for policy in (OPEN, PASSWORDS, LoginPolicy(Registration.CLOSED)):
            assert enter(hub, it, policy) == NOTHING


# --- New keys ---


def test_a_new_key_makes_an_account_with_the_nickname_prepared() -> None:
    hub, _ = hub_with("ana")
    change = let_in(hub, shown(" e\u0301va "))
    assert change.puts == (
        put(AccountKey(NEW), Profile("\u00e9va")),
        put(DeviceOf(KEY), Device(NEW, NOW)),
    )
    assert hub.people.of_key(KEY) is hub.people.named("\u00c9VA")
    # And only once: another connection with the key finds the account.
    assert enter(hub, shown("max")) == NOTHING


@pytest.mark.parametrize(
    ("nick", "refusal"),
    [
        (" ", NickEmptyError),
        ("a" * 33, NickTooLongError),
        ("a\x1bb", NickInvalidError),
        ("ANA", NickTakenError),
        ("\u0430na", NickTakenError),
    ],
)
def test_a_new_account_needs_a_nickname_of_its_own(nick: str, refusal: type[RequestError]) -> None:
    hub, _ = hub_with("ana")
    with pytest.raises(refusal):
        enter(hub, shown(nick))


@pytest.mark.parametrize("registration", Registration)
def test_who_may_have_a_new_account_is_the_operators_to_say(registration: Registration) -> None:
    hub, _ = hub_with_token()
    policy = LoginPolicy(registration)
    without, with_token = {
        Registration.OPEN: (None, None),
        Registration.INVITE: (TokenNeededError, None),
        Registration.CLOSED: (ClosedError, ClosedError),
    }[registration]
    for it, refusal in ((shown(), without), (shown(token=TOKEN), with_token)):
        if refusal is None:
            assert enter(hub, it, policy).puts[:2] == NEW_EVA
        else:
            with pytest.raises(refusal):
                enter(hub, it, policy)


# --- Invitations ---


def test_an_invitation_is_used_up_by_a_new_account() -> None:
    hub, ana = hub_with_token(uses=2)
    policy = LoginPolicy(Registration.INVITE)
    let_in(hub, shown(token=TOKEN), policy)
    assert hub.invitations == {TOKEN: Invitation(NO_ROOM, ana.id, 1, UNTIL)}
    do(hub, accounts.enter, hub, shown("bob", key="b", token=TOKEN), policy, account_id("b"), NOW)
    assert hub.invitations == {}
    with pytest.raises(BadTokenError):
        enter(hub, shown("max", key="m", token=TOKEN), policy)


@pytest.mark.parametrize("it", [TOKEN, WRONG])
@pytest.mark.parametrize("registration", [Registration.OPEN, Registration.INVITE])
def test_a_new_account_comes_with_no_bad_token(it: TokenHash, registration: Registration) -> None:
    hub, _ = hub_with_token()
    with pytest.raises(BadTokenError):
        enter(hub, shown(token=it), LoginPolicy(registration), now=UNTIL)
    if it is WRONG:
        with pytest.raises(BadTokenError):
            enter(hub, shown(token=it), LoginPolicy(registration), now=NOW)


def test_a_name_that_is_taken_uses_no_invitation_up() -> None:
    hub, _ = hub_with_token()
    with pytest.raises(NickTakenError):
        enter(hub, shown("ana", token=TOKEN))


def test_an_invitation_of_a_room_lets_a_new_account_join_it() -> None:
    hub, ana = hub_with_token(log=log_id("python"))
    room = room_of(hub, ana, kind=Kind.INVITE)
    assert let_in(hub, shown(token=TOKEN)).puts == (
        *NEW_EVA,
        put(InvitationKey(TOKEN), None),
        put(InvitedKey(room.log, NEW), InvitedBy(ana.id)),
    )


def test_an_invitation_of_a_room_that_is_gone_lets_nobody_in() -> None:
    hub, _ = hub_with_token(log=log_id("python"))
    with pytest.raises(BadTokenError):
        enter(hub, shown(token=TOKEN), LoginPolicy(Registration.INVITE))


def test_who_is_there_already_is_invited_once() -> None:
    hub, ana = hub_with_token(uses=2, log=log_id("python"))
    room = room_of(hub, ana)
    let_in(hub, shown("bob", key="bob"))
    it = shown(key="bob", token=TOKEN)
    assert let_in(hub, it).puts == (
        put(InvitationKey(TOKEN), Invitation(room.log, ana.id, 1, UNTIL)),
        put(InvitedKey(room.log, NEW), InvitedBy(ana.id)),
    )
    assert enter(hub, it) == NOTHING
    # Nor does it become a member.
    assert enter(hub, shown(key="ana", token=TOKEN)) == NOTHING


@pytest.mark.parametrize("case", ["wrong", "over", "of no room", "of a room that is gone"])
def test_no_token_keeps_out_who_is_there_already(case: str) -> None:
    hub, ana = hub_with_token()
    room_of(hub, ana)
    if case == "over":
        hub.put(InvitationKey(TOKEN), Invitation(log_id("python"), ana.id, 1, NOW))
        hub.put(MembershipKey(log_id("python"), ana.id), None)
    elif case == "of a room that is gone":
        hub.put(InvitationKey(TOKEN), Invitation(log_id("perl"), ana.id, 1, UNTIL))
    it = WRONG if case == "wrong" else TOKEN
    assert enter(hub, shown(key="ana", token=it)) == NOTHING


def test_who_is_banned_from_a_room_uses_no_invitation_up() -> None:
    hub, ana = hub_with_token(uses=2, log=log_id("python"))
    room = room_of(hub, ana)
    let_in(hub, shown("bob", key="bob"))
    hub.put(BanKey(room.log, NEW), Sanction(NOW))
    it = shown(key="bob", token=TOKEN)
    assert enter(hub, it, now=NOW - 1) == NOTHING
    assert put(InvitedKey(room.log, NEW), InvitedBy(ana.id)) in enter(hub, it, now=NOW).puts


# --- Codes ---


def test_a_code_adds_a_key_and_is_used_up() -> None:
    hub, ana = hub_with_code()
    # Regardless of registration, and without a password; a token is ignored.
    policy = LoginPolicy(Registration.CLOSED, wants_passwords=True)
    change = let_in(hub, shown(" ANA ", code=CODE, token=WRONG), policy)
    assert change.puts == (
        put(LinkCodeKey(ana.id), None),
        put(DeviceOf(KEY), Device(ana.id, NOW)),
    )
    assert ana.devices == {device("ana"): 0, KEY: NOW}
    with pytest.raises(BadCodeError):
        enter(hub, shown("ana", key="other", code=CODE))


def test_a_wrong_code_is_refused_and_costs_nobody_anything() -> None:
    hub, _ = hub_with_code()
    for _ in range(100):
        with pytest.raises(BadCodeError):
            enter(hub, shown("ana", code=WRONG))
    let_in(hub, shown("ana", code=CODE))


def test_a_code_is_over_at_its_millisecond() -> None:
    hub, _ = hub_with_code()
    with pytest.raises(BadCodeError):
        enter(hub, shown("ana", code=CODE), now=UNTIL)


def test_a_code_of_somebody_else_or_of_nobody_is_wrong() -> None:
    hub, _ = hub_with_code()
    do(hub, accounts.enter, hub, shown("bob", key="bob"), OPEN, account_id("bob"), NOW)
    for nick in ("bob", "nobody", ""):
        with pytest.raises(BadCodeError):
            enter(hub, shown(nick, code=CODE, has_password=True), PASSWORDS)


# --- Passwords ---


def test_a_password_adds_a_key() -> None:
    hub, [ana] = hub_with("ana")
    change = enter(hub, shown(" ANA ", has_password=True), PASSWORDS)
    assert change.puts == (put(DeviceOf(KEY), Device(ana.id, NOW)),)


def test_a_password_of_who_is_not_there_yet_makes_an_account() -> None:
    hub, _ = hub_with("ana")
    assert enter(hub, shown(has_password=True), PASSWORDS).puts == NEW_EVA
    with pytest.raises(ClosedError):
        enter(hub, shown(has_password=True), LoginPolicy(Registration.CLOSED, True))


def test_the_password_of_one_who_looks_like_another_is_not_the_other_s() -> None:
    hub, _ = hub_with("ian")
    assert name_key("lan") == name_key("ian")
    with pytest.raises(NickTakenError):
        enter(hub, shown("lan", has_password=True), PASSWORDS)


@pytest.mark.parametrize("nick", ["ana", "eva"])
def test_a_key_that_was_revoked_meanwhile_needs_a_password(nick: str) -> None:
    # It was known when the server decided not to ask for a password.
    hub, [ana] = hub_with("ana")
    hub.put(DeviceOf(KEY), Device(ana.id, 0))
    do(hub, accounts.revoke, hub, ana, KEY)
    with pytest.raises(WrongPasswordError):
        enter(hub, shown(nick), PASSWORDS)


def test_a_key_that_came_to_be_known_meanwhile_is_its_account_s() -> None:
    hub, [_, bob] = hub_with("ana", "bob")
    hub.put(DeviceOf(KEY), Device(bob.id, 0))
    assert enter(hub, shown("ana", has_password=True), PASSWORDS) == NOTHING


# --- Bans ---


def test_who_is_banned_is_not_let_in_by_anything() -> None:
    hub, ana = hub_with_code()
    room = room_of(hub, ana)
    hub.put(MembershipKey(room.log, ana.id), None)
    hub.put(InvitationKey(TOKEN), Invitation(room.log, ana.id, 1, UNTIL))
    ban(hub, ana, until=NOW + 1)
    claimed(hub, WRONG)
    for it in (
        shown(key="ana"),
        shown(key="ana", is_operator=True),
        shown(key="ana", token=WRONG),
        shown(key="ana", token=TOKEN),
        shown("ana", code=CODE),
        shown("ana", has_password=True),
    ):
        with pytest.raises(BannedError, match=r"^You are banned from this server"):
            enter(hub, it)
        if it.code is None:
            enter(hub, it, now=NOW + 1)


def test_nobody_comes_from_a_network_that_is_kept_out() -> None:
    hub, _ = hub_with("ana")
    hub.put(NetworkKey(NETWORK), Sanction(UNTIL))
    was = snapshot(hub)
    for it in (shown(), shown(key="ana")):
        with pytest.raises(BannedError):
            enter(hub, it)
        enter(hub, it, now=UNTIL)
    assert snapshot(hub) == was


# --- Owners of the server ---


def claimed(hub: Hub, hash: TokenHash = TOKEN, until: int = UNTIL) -> Hub:
    """Return a hub that the holder of a token can claim."""
    hub.put(ClaimKey(), Claim(hash, until))
    return hub


@pytest.mark.parametrize("nick", ["boss", "B0ss", "b\u043ess", "owner"])
def test_no_name_makes_an_owner(nick: str) -> None:
    hub = claimed(hub_with("ana")[0])
    assert let_in(hub, shown(nick)).event is None
    assert hub.standing.roles == {} and hub.claim is not None


@pytest.mark.parametrize("who", ["new", "known"])
def test_the_claim_makes_one_owner_once(who: str) -> None:
    hub, _ = hub_with("ana")
    claimed(hub)
    it = shown("boss", token=TOKEN) if who == "new" else shown(key="ana", token=TOKEN)
    change = let_in(hub, it)
    account = hub.people.named("boss" if who == "new" else "ana")
    assert change.event == Event(NOW, account.nick, "own", account.nick, "", "claim")
    assert change.told == Told(account.id, "You are now an owner of this server.")
    assert hub.standing.roles == {account.id: Role.OWNER} and hub.claim is None
    with pytest.raises(BadTokenError):
        enter(hub, shown("eve", key="eve", token=TOKEN))
    assert let_in(hub, shown(key="ana", token=TOKEN)).event is None
    assert hub.standing.roles == {account.id: Role.OWNER}


@pytest.mark.parametrize("registration", list(Registration))
def test_the_claim_and_a_named_key_open_every_registration(registration: Registration) -> None:
    policy = LoginPolicy(registration)
    hub, _ = hub_with("ana")
    let_in(hub, shown("boss", is_operator=True), policy)
    assert hub.standing.role(hub.people.named("boss").id) is Role.OWNER
    hub, _ = hub_with("ana")
    let_in(claimed(hub), shown("boss", token=TOKEN), policy)
    assert hub.standing.role(hub.people.named("boss").id) is Role.OWNER


def test_a_claim_that_is_over_or_another_is_a_bad_token() -> None:
    for hub in (claimed(hub_with("ana")[0], until=NOW), claimed(hub_with("ana")[0], WRONG)):
        with pytest.raises(BadTokenError):
            enter(hub, shown("boss", token=TOKEN))
        assert let_in(hub, shown(key="ana", token=TOKEN)) == NOTHING


def test_a_key_that_the_operator_names_makes_an_owner_once() -> None:
    hub, [ana] = hub_with("ana")
    set_role(hub, ana, Role.OPERATOR)
    claimed(hub)
    change = let_in(hub, shown(key="ana", is_operator=True))
    assert change.event == Event(NOW, "ana", "own", "ana", "", "--operator")
    assert hub.standing.role(ana.id) is Role.OWNER and hub.claim is None
    assert let_in(hub, shown(key="ana", is_operator=True)) == NOTHING
    # Renamed, and then no longer an owner: the key undoes neither.
    do(hub, accounts.rename, hub, ana, "anna", Limits(), NOW)
    do(hub, accounts.disown, hub, "anna", "admin", NOW)
    assert let_in(hub, shown(key="ana", is_operator=True)) == NOTHING
    assert hub.standing.roles == {}


def test_a_revoked_key_that_the_operator_named_owns_nothing_in_a_new_account() -> None:
    hub, [ana] = hub_with("ana")
    hub.put(DeviceOf(device("phone")), Device(ana.id, 7))
    let_in(hub, shown(key="ana", is_operator=True))
    do(hub, accounts.revoke, hub, ana, device("ana"))
    change = let_in(hub, shown("thief", key="ana", is_operator=True))
    assert change.event is None and hub.people.named("thief").id not in hub.standing.roles


def test_a_key_that_is_let_in_by_a_wrong_code_owns_nothing() -> None:
    hub, _ = hub_with_code()
    with pytest.raises(BadCodeError):
        enter(hub, shown("ana", code=WRONG, is_operator=True))


# --- Devices ---


def test_a_key_is_taken_away_but_not_the_last() -> None:
    hub, [ana, _] = hub_with("ana", "bob")
    hub.put(DeviceOf(device("phone")), Device(ana.id, 7))
    for name in ("bob", "nobody"):
        with pytest.raises(NoSuchDeviceError):
            decide(hub, accounts.revoke, hub, ana, device(name))
    assert do(hub, accounts.revoke, hub, ana, device("ana")).puts == (
        put(DeviceOf(device("ana")), None),
    )
    with pytest.raises(LastDeviceError):
        decide(hub, accounts.revoke, hub, ana, device("phone"))
    with pytest.raises(NoSuchDeviceError):
        decide(hub, accounts.revoke, hub, ana, device("ana"))


def test_a_code_dies_with_a_key_that_may_have_asked_for_it() -> None:
    hub, [ana] = hub_with("ana")
    hub.put(DeviceOf(KEY), Device(ana.id, 0))
    hub.put(LinkCodeKey(ana.id), LinkCode(CODE, UNTIL))
    do(hub, accounts.revoke, hub, ana, KEY)
    assert not hub.codes


# --- Nicknames ---


def test_a_nickname_is_changed() -> None:
    hub, [ana] = hub_with("ana")
    for nick in (" e\u0301va ", "\u00c9va", "\u00e9v\u0430"):
        change = do(hub, accounts.rename, hub, ana, nick, LIMITS, NOW)
        assert change.puts[0] == put(AccountKey(ana.id), Profile(ana.nick))
        assert hub.people.all() == [ana]
    assert decide(hub, accounts.rename, hub, ana, ana.nick, LIMITS, NOW) == NOTHING


@pytest.mark.parametrize(
    ("nick", "refusal"),
    [
        ("BOB", NickTakenError),
        ("b0b", NickTakenError),
        ("", NickEmptyError),
        ("-a", NickInvalidError),
    ],
)
def test_a_nickname_is_changed_to_one_that_can_be_had(
    nick: str, refusal: type[RequestError]
) -> None:
    hub, [ana, _] = hub_with("ana", "bob")
    with pytest.raises(refusal):
        decide(hub, accounts.rename, hub, ana, nick, LIMITS, NOW)


# --- Decisions of the operator ---


def test_the_operator_makes_owners() -> None:
    hub, [ana] = hub_with("ana")
    change = do(hub, accounts.own, hub, "ANA", "admin", NOW)
    assert change.puts == (put(RoleKey(SERVER, ana.id), Role.OWNER),)
    assert change.event == Event(NOW, "admin", "own", "ana", "", "")
    assert decide(hub, accounts.own, hub, "ana", "admin", NOW).puts == ()
    with pytest.raises(NoSuchNickError):
        decide(hub, accounts.own, hub, "bob", "admin", NOW)


@pytest.mark.parametrize("nick", ["b0ss", "bos\u0455", "b\u043ess"])
def test_a_right_is_given_by_the_name_itself(nick: str) -> None:
    hub, [account] = hub_with(nick)
    for decision in (
        lambda: accounts.own(hub, "boss", "admin", NOW),
        lambda: accounts.disown(hub, "boss", "admin", NOW),
        lambda: accounts.recover(hub, "boss", CODE, UNTIL, "admin", NOW),
        lambda: moderation.target(hub, Action.OP, "boss"),
    ):
        with pytest.raises(NoSuchNickError):
            decision()
    assert moderation.target(hub, Action.OP, f" {nick} ") is account
    assert moderation.target(hub, Action.BAN, "boss") is account


def test_the_operator_takes_ownership_away() -> None:
    hub, [ana, _] = hub_with("ana", "bob")
    do(hub, accounts.own, hub, "ana", "admin", NOW)
    change = do(hub, accounts.disown, hub, "ana", "admin", NOW)
    assert change.event == Event(NOW, "admin", "disown", "ana", "", "")
    assert change.told == Told(ana.id, "You are no longer an owner of this server.")
    assert hub.standing.roles == {}
    with pytest.raises(InvalidError, match="bob is not an owner"):
        decide(hub, accounts.disown, hub, "bob", "admin", NOW)


def test_a_claim_is_offered_while_there_is_no_owner() -> None:
    hub, _ = hub_with("ana")
    do(hub, accounts.claim, hub, WRONG, UNTIL)
    do(hub, accounts.claim, hub, TOKEN, UNTIL)
    assert hub.claim == Claim(TOKEN, UNTIL)
    do(hub, accounts.own, hub, "ana", "admin", NOW)
    assert hub.claim is None
    assert decide(hub, accounts.claim, hub, TOKEN, UNTIL) == NOTHING


def test_a_lost_account_is_given_to_a_new_key() -> None:
    hub, [ana, _] = hub_with("ana", "bob")
    hub.put(DeviceOf(device("phone")), Device(ana.id, 7))
    hub.put(LinkCodeKey(ana.id), LinkCode(WRONG, UNTIL))
    change = do(hub, accounts.recover, hub, "ana", CODE, UNTIL, "admin", NOW)
    assert change.event == Event(NOW, "admin", "recover", "ana", "", "")
    assert ana.devices == {} and hub.codes == {ana.id: LinkCode(CODE, UNTIL)}
    # The old key is a stranger, and the code leads to the account.
    with pytest.raises(NickTakenError):
        enter(hub, shown("ana", key="ana"))
    let_in(hub, shown("ana", code=CODE))
    assert hub.people.of_key(KEY) is ana
    with pytest.raises(NoSuchNickError):
        decide(hub, accounts.recover, hub, "eva", CODE, UNTIL, "admin", NOW)


# --- Names that were given up ---


DAY: Final = 86_400_000


def rename(hub: Hub, account: Account, nick: str, now: int = NOW) -> Change:
    """Rename an account."""
    return do(hub, accounts.rename, hub, account, nick, LIMITS, now)


@pytest.mark.parametrize("nick", ["paypal", "PayPal", "pay\u0440al", "paypa1"])
def test_a_name_that_is_given_up_is_held(nick: str) -> None:
    hub, [ana, eva] = hub_with("paypal", "eva")
    rename(hub, ana, "ana")
    shown = Credentials(device("new"), nick, NETWORK)
    for now in (NOW, NOW + 30 * DAY - 1):
        with pytest.raises(NickTakenError):
            rename(hub, eva, nick, now)
        with pytest.raises(NickTakenError):
            decide(hub, accounts.enter, hub, shown, LoginPolicy(), account_id("new"), now)
    decide(hub, accounts.enter, hub, shown, LoginPolicy(), account_id("new"), NOW + 30 * DAY)
    rename(hub, eva, nick, NOW + 30 * DAY)
    assert hub.people.held(name_key(nick)) is None and ana.held == set()
    with pytest.raises(NickTakenError):
        rename(hub, ana, "paypal", NOW + 30 * DAY)


def test_a_name_is_held_that_differs_in_case_only_and_looks_different() -> None:
    hub, [nikos, eva] = hub_with("\u039d\u03b9\u03ba", "eva")
    rename(hub, nikos, "nikos")
    for nick in ("\u039d\u03b9\u03ba", "\u03bd\u03b9\u03ba"):
        with pytest.raises(NickTakenError):
            rename(hub, eva, nick)


def test_its_owner_takes_it_back_and_another_spelling_gives_up_nothing() -> None:
    hub, [ana] = hub_with("ana")
    rename(hub, ana, "ANA")
    assert ana.held == set()
    rename(hub, ana, "eva")
    rename(hub, ana, "ana")
    assert ana.held == {name_key("eva")}


def test_so_many_names_are_held_for_an_account() -> None:
    hub, [ana] = hub_with("ana")
    for number in range(LIMITS.names_per_account):
        rename(hub, ana, f"n{number}", NOW + number)
    with pytest.raises(TooManyNamesError, match=r"^You have given up 5 nicknames recently"):
        rename(hub, ana, "more", NOW + 9)
    rename(hub, ana, "ana", NOW + 9)  # Taking one back gives up the last one.
    rename(hub, ana, "n1", NOW + 9)
    change = rename(hub, ana, "more", NOW + 31 * DAY)
    assert ana.held == {name_key("n1")}
    assert sum(value is None for _, value in change.puts) == 5


def test_an_operator_can_hold_none() -> None:
    hub, [ana, eva] = hub_with("ana", "eva")
    none = Limits(name_days=0)
    do(hub, accounts.rename, hub, ana, "anna", none, NOW)
    do(hub, accounts.rename, hub, eva, "ana", none, NOW)

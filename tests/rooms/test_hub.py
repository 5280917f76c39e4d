"""The hub: who is who, who is where, who gets to know what."""

from typing import Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
)

from chat.limits import MEMBERS_PAGE, TEXT_BYTES
from chat.rooms.errors import (
    AlreadyAMemberError,
    AlreadyLoggedInError,
    NickEmptyError,
    NickInvalidError,
    NickTakenError,
    NickTooLongError,
    NoSuchRoomError,
    NotAMemberError,
    NotLoggedInError,
    RequestError,
    TextEmptyError,
    TextTooLongError,
)
from chat.rooms.hub import Hub, Joined, Left, Renamed, Said
from chat.rooms.names import nick_key

ALICE: Final = 1
BOB: Final = 2
ACCOUNT: Final = bytes(16)


def hub(*nicks: str, rooms: tuple[str, ...] = ("lobby",)) -> Hub:
    """Return a hub where sessions 1, 2, … have logged in and joined all rooms."""
    hub = Hub(rooms)
    for session, nick in enumerate(nicks, 1):
        hub.login(session, ACCOUNT, nick)
        for room in rooms:
            hub.join(session, room)
    return hub


def everybody(hub: Hub, session: int, room: str = "lobby") -> list[str]:
    """Return all pages of `who`."""
    nicks: list[str] = []
    more = True
    while more:
        page, more = hub.who(session, room, nicks[-1] if nicks else None)
        assert page and len(page) <= MEMBERS_PAGE
        nicks += page
    return nicks


# --- Login ---


def test_login_prepares_the_nickname() -> None:
    user = Hub([]).login(ALICE, ACCOUNT, " e\u0301va ")
    assert (user.session, user.account, user.nick) == (ALICE, ACCOUNT, "\u00e9va")


@pytest.mark.parametrize(
    ("nick", "refusal"),
    [("", NickEmptyError), ("a" * 33, NickTooLongError), ("a\x1bb", NickInvalidError)],
)
def test_a_refused_login_can_be_tried_again(nick: str, refusal: type[RequestError]) -> None:
    hub = Hub([])
    with pytest.raises(refusal):
        hub.login(ALICE, ACCOUNT, nick)
    with pytest.raises(NotLoggedInError):
        hub.user(ALICE)
    assert hub.login(ALICE, ACCOUNT, "alice") is hub.user(ALICE)


def test_a_nickname_is_one_user_s() -> None:
    with pytest.raises(NickTakenError, match=r"^The nickname ALICE is taken\.$"):
        hub("alice").login(BOB, ACCOUNT, "ALICE")


def test_nobody_logs_in_twice() -> None:
    with pytest.raises(AlreadyLoggedInError):
        hub("alice").login(ALICE, ACCOUNT, "bob")


def test_before_login_everything_is_refused() -> None:
    empty = Hub(["lobby"])
    for request in (
        lambda: empty.rename(ALICE, "alice"),
        lambda: empty.join(ALICE, "lobby"),
        lambda: empty.say(ALICE, "lobby", "hello"),
        lambda: empty.who(ALICE, "lobby", None),
        lambda: empty.leave(ALICE, "lobby"),
    ):
        with pytest.raises(NotLoggedInError):
            request()
    assert empty.logout(ALICE) == []


# --- Rename ---


def test_every_room_is_told_of_a_new_name() -> None:
    rooms = hub("alice", rooms=("one", "two"))
    assert rooms.rename(ALICE, "ada") == [
        Renamed("one", ALICE, ACCOUNT, "ada", "alice"),
        Renamed("two", ALICE, ACCOUNT, "ada", "alice"),
    ]
    assert rooms.user(ALICE).nick == "ada"
    assert everybody(rooms, ALICE, "two") == ["ada"]


def test_the_old_name_is_free_again() -> None:
    two = hub("alice", "bob")
    two.rename(ALICE, "ada")
    two.rename(BOB, "alice")
    assert everybody(two, ALICE) == ["ada", "alice"]


def test_a_name_can_change_its_case() -> None:
    assert hub("alice").rename(ALICE, "Alice") == [
        Renamed("lobby", ALICE, ACCOUNT, "Alice", "alice")
    ]


def test_the_same_name_is_nothing_new() -> None:
    assert hub("alice").rename(ALICE, "alice") == []


@pytest.mark.parametrize(("nick", "refusal"), [("Bob", NickTakenError), ("!", NickInvalidError)])
def test_a_refused_name_changes_nothing(nick: str, refusal: type[RequestError]) -> None:
    two = hub("alice", "bob")
    with pytest.raises(refusal):
        two.rename(ALICE, nick)
    assert everybody(two, ALICE) == ["alice", "bob"]


# --- Rooms ---


def test_join_counts_the_members() -> None:
    one = hub("alice")
    one.login(BOB, ACCOUNT, "bob")
    assert one.join(BOB, "lobby") == Joined("lobby", BOB, ACCOUNT, "bob", 2)


def test_join_is_refused_where_there_is_no_room_and_to_members() -> None:
    one = hub("alice")
    with pytest.raises(NoSuchRoomError):
        one.join(ALICE, "attic")
    with pytest.raises(AlreadyAMemberError):
        one.join(ALICE, "lobby")


def test_leave_is_told_once_and_allows_another_join() -> None:
    one = hub("alice")
    assert one.leave(ALICE, "lobby") == Left("lobby", ALICE, ACCOUNT, "alice")
    with pytest.raises(NotAMemberError):
        one.leave(ALICE, "lobby")
    assert one.join(ALICE, "lobby").members == 1


def test_logout_leaves_every_room_and_frees_the_name() -> None:
    rooms = hub("alice", "bob", rooms=("one", "two"))
    assert rooms.logout(ALICE) == [
        Left("one", ALICE, ACCOUNT, "alice"),
        Left("two", ALICE, ACCOUNT, "alice"),
    ]
    assert rooms.logout(ALICE) == []
    assert everybody(rooms, BOB, "one") == ["bob"]
    rooms.login(ALICE, ACCOUNT, "alice")


# --- Posts ---


def test_what_a_member_says() -> None:
    assert hub("alice").say(ALICE, "lobby", "hi") == Said("lobby", ALICE, ACCOUNT, "alice", "hi")


def test_only_members_post_and_see_who_is_there() -> None:
    one = hub("alice")
    one.login(BOB, ACCOUNT, "bob")
    for room in ("lobby", "attic"):
        with pytest.raises(NotAMemberError):
            one.say(BOB, room, "hi")
        with pytest.raises(NotAMemberError):
            one.who(BOB, room, None)


def test_an_empty_post_is_refused() -> None:
    with pytest.raises(TextEmptyError):
        hub("alice").say(ALICE, "lobby", "")


def test_a_post_has_at_most_8192_bytes() -> None:
    one = hub("alice")
    longest = "\u00e9" * (TEXT_BYTES // 2)
    assert one.say(ALICE, "lobby", longest).text == longest
    with pytest.raises(TextTooLongError, match="at most 8192 bytes"):
        one.say(ALICE, "lobby", longest + "e")


# --- Who ---


@pytest.mark.parametrize("count", [1, MEMBERS_PAGE, MEMBERS_PAGE + 1, 3 * MEMBERS_PAGE])
def test_pages_show_everybody_once(count: int) -> None:
    nicks = [f"User{number}" for number in range(count)]
    assert everybody(hub(*nicks), ALICE) == sorted(nicks, key=nick_key)


def test_a_page_begins_behind_a_name_that_has_gone() -> None:
    three = hub("alice", "bob", "carol")
    three.logout(BOB)
    assert three.who(ALICE, "lobby", "BOB") == (["carol"], False)
    assert three.who(ALICE, "lobby", "") == (["alice", "carol"], False)
    assert three.who(ALICE, "lobby", "zoe") == ([], False)


# --- Everything, against a model ---

ROOMS: Final = ("lobby", "attic")
NICKS: Final = st.sampled_from(
    ["alice", "Alice", "ALI\u0421E", "bob", "Bob", "\u00e9va", "E\u0301va", "x y", ""]
)


class HubMachine(RuleBasedStateMachine):
    """A hub beside three dictionaries that say the same."""

    sessions: Bundle[int] = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        self.hub = Hub(ROOMS)
        self.last = 0
        self.nicks: dict[int, str] = {}
        self.rooms: dict[str, set[int]] = {room: set() for room in ROOMS}

    def is_taken(self, nick: str, session: int) -> bool:
        """Whether somebody else has it."""
        others = [other for number, other in self.nicks.items() if number != session]
        return nick_key(nick) in map(nick_key, others)

    @rule(target=sessions)
    def connect(self) -> int:
        self.last += 1
        return self.last

    @rule(session=sessions, nick=NICKS)
    def login(self, session: int, nick: str) -> None:
        was = self.nicks.get(session)
        try:
            user = self.hub.login(session, ACCOUNT, nick)
        except AlreadyLoggedInError:
            assert was is not None
        except NickTakenError:
            assert was is None and self.is_taken(nick, session)
        except (NickEmptyError, NickInvalidError):
            assert was is None and nick in ("", "x y")
        else:
            assert was is None and not self.is_taken(nick, session)
            self.nicks[session] = user.nick

    @rule(session=sessions, nick=NICKS)
    def rename(self, session: int, nick: str) -> None:
        was = self.nicks.get(session)
        try:
            told = self.hub.rename(session, nick)
        except NotLoggedInError:
            assert was is None
        except NickTakenError:
            assert was is not None and self.is_taken(nick, session)
        except (NickEmptyError, NickInvalidError):
            assert was is not None and nick in ("", "x y")
        else:
            assert was is not None and not self.is_taken(nick, session)
            nick = self.nicks[session] = self.hub.user(session).nick
            rooms = sorted(room for room, members in self.rooms.items() if session in members)
            assert told == [
                Renamed(room, session, ACCOUNT, nick, was) for room in rooms if nick != was
            ]

    @rule(session=sessions, room=st.sampled_from([*ROOMS, "cellar"]))
    def join(self, session: int, room: str) -> None:
        try:
            joined = self.hub.join(session, room)
        except NotLoggedInError:
            assert session not in self.nicks
        except NoSuchRoomError:
            assert room == "cellar"
        except AlreadyAMemberError:
            assert session in self.rooms[room]
        else:
            assert session not in self.rooms[room]
            self.rooms[room].add(session)
            nick = self.nicks[session]
            assert joined == Joined(room, session, ACCOUNT, nick, len(self.rooms[room]))

    @rule(session=sessions, room=st.sampled_from(ROOMS))
    def say(self, session: int, room: str) -> None:
        try:
            said = self.hub.say(session, room, "hi")
        except NotLoggedInError:
            assert session not in self.nicks
        except NotAMemberError:
            assert session not in self.rooms[room]
        else:
            assert session in self.rooms[room]
            assert said == Said(room, session, ACCOUNT, self.nicks[session], "hi")

    @rule(session=sessions, room=st.sampled_from(ROOMS))
    def leave(self, session: int, room: str) -> None:
        try:
            left = self.hub.leave(session, room)
        except NotLoggedInError:
            assert session not in self.nicks
        except NotAMemberError:
            assert session not in self.rooms[room]
        else:
            self.rooms[room].remove(session)
            assert left == Left(room, session, ACCOUNT, self.nicks[session])

    @rule(target=sessions, session=consumes(sessions))
    def logout(self, session: int) -> MultipleResults[int]:
        left = self.hub.logout(session)
        rooms = [room for room in sorted(ROOMS) if session in self.rooms[room]]
        assert left == [Left(room, session, ACCOUNT, self.nicks[session]) for room in rooms]
        for room in rooms:
            self.rooms[room].remove(session)
        self.nicks.pop(session, None)
        return multiple()

    @invariant()
    def nicknames_are_unique(self) -> None:
        keys = [nick_key(self.hub.user(session).nick) for session in self.nicks]
        assert len(keys) == len(set(keys))

    @invariant()
    def who_shows_every_member_once(self) -> None:
        for room, members in self.rooms.items():
            nicks = sorted((self.nicks[session] for session in members), key=nick_key)
            for session in members:
                assert everybody(self.hub, session, room) == nicks


TestHubMachine = HubMachine.TestCase
TestHubMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)

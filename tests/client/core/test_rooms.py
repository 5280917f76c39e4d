"""Rooms and private conversations: who is there, how far one has read, what is about oneself."""

import pytest

from chat.client.core.commands import (
    Create,
    Edit,
    Join,
    Leave,
    ListMembers,
    PageBack,
    Rename,
    Send,
    SetTopic,
)
from chat.client.core.events import (
    Arrival,
    Closing,
    MemberArrived,
    MemberLeft,
    MemberRanked,
    MemberRenamed,
    Page,
    ReadMarkerMoved,
    RoomClosed,
    RoomOpened,
    TopicChanged,
)
from chat.client.core.model import Author, Handle, Member, Message
from chat.client.core.rooms import Room
from chat.ids import AccountId
from chat.limits import ClientLimits
from chat.rooms.roles import Role
from chat.testing.ids import ANY_ACCOUNT, ANY_LOG, ANY_RECORD
from chat.wire import messages as m
from chat.wire.records import Delivered
from tests.client.core.support import CoreCase, text
from tests.client.model import Log, ModelServer


@pytest.fixture
def server() -> ModelServer:
    return ModelServer()


@pytest.fixture
def lobby(server: ModelServer) -> Log:
    return server.room("lobby", "bob")


@pytest.fixture
def case(server: ModelServer, lobby: Log) -> CoreCase:
    return CoreCase(server).enter()


def passing(case: CoreCase, log: Log, body: m.Body) -> None:
    """Let something happen in a log that it does not keep."""
    case.server.passing(log, body)
    case.carry()


def says(case: CoreCase, words: str, reply: int | None = None, *, nick: str = "bob") -> int:
    """Let somebody say something in the lobby; its number."""
    seq = case.server.says(nick, case.server.room("lobby"), words, reply)
    case.carry()
    return seq


def deletes(case: CoreCase, server: ModelServer, seq: int, nick: str = "bob") -> None:
    """Let somebody delete what they said in the lobby."""
    server.add(server.room("lobby"), m.DeleteBody(0, server.account(nick), nick, seq))
    case.carry()


# --- What a room is ---


def test_a_room_is_what_the_server_says(server: ModelServer, lobby: Log) -> None:
    lobby.topic = "all things"
    server.room("den", "ana", "bob", "cat", kind="invite")
    case = CoreCase(server).register().enter()
    case.done(Join("lobby"), Room)
    server.private("ana", "bob")
    case.carry()
    assert [(it.name, it.kind, it.is_private, it.member_count) for it in case.core.rooms] == [
        ("den", "invite", False, 3),
        ("lobby", "public", False, 2),
        ("bob", "private", True, 2),
    ]
    assert case.room().topic == "all things" and case.room("den").topic == ""


def test_rooms_are_found_by_any_form_of_their_name(case: CoreCase, server: ModelServer) -> None:
    server.private("ana", "bob")
    case.carry()
    assert case.core.room("LOBBY") is case.room() and case.core.private("b0b") is not None
    for name in ("bob", "python", "", "\ud800"):
        assert case.core.room(name) is None
    assert case.core.private("lobby") is None


def test_how_one_came_to_a_room_is_told(case: CoreCase, server: ModelServer) -> None:
    case.done(Create("python"), Room)
    server.private("ana", "bob")
    case.carry()
    known = CoreCase(server).enter()
    assert [(it.room.name, it.arrival) for it in case.told(RoomOpened)] == [
        ("lobby", Arrival.JOINED),
        ("python", Arrival.JOINED),
        ("bob", Arrival.ELSEWHERE),
    ]
    assert {it.arrival for it in known.told(RoomOpened)} == {Arrival.BACK}


def test_how_one_lost_a_room_is_told(case: CoreCase, server: ModelServer) -> None:
    rooms = [case.done(Create(name), Room) for name in ("a1", "a2", "a3", "a4")]
    assert case.done(Leave(rooms[0].log), Room) is rooms[0]
    server.remove(server.room("a2"), "ana", "You were put out.")
    case.carry()
    case.cut()
    server.room("a3").members.clear()
    case.come_back()
    case.carry_until(m.Read)
    refused = next(it for it in case.link.all(m.Read) if it.log == rooms[3].log)
    case.refuse(refused, "The store could not be read.", "not_read")
    case.link.sent.remove(refused)
    case.carry()
    assert [(it.room, it.closing, it.text) for it in case.told(RoomClosed)] == [
        (rooms[0], Closing.LEFT, ""),
        (rooms[1], Closing.REMOVED, "You were put out."),
        (rooms[2], Closing.LOST, ""),
        (rooms[3], Closing.UNREADABLE, "The store could not be read."),
    ]
    assert not any(case.core.has(room) for room in rooms) and case.core.has(case.room())


def test_a_room_that_one_comes_back_to_is_another(case: CoreCase) -> None:
    first = case.done(Create("python"), Room)
    case.done(Leave(first.log), Room)
    second = case.done(Join("python"), Room)
    assert second is not first
    assert case.core.has(second) and not case.core.has(first)


def test_the_topic_follows_whoever_sets_it(case: CoreCase, lobby: Log) -> None:
    bob = case.server.account("bob")
    seq = case.server.add(lobby, m.TopicBody(0, bob, "bob", "less"))
    case.carry()
    assert case.room().topic == "less"
    assert case.told(TopicChanged) == [
        TopicChanged(case.room(), seq, Author(bob, "bob"), "less"),
    ]
    case.done(SetTopic(lobby.log, "more"), type(None))
    assert case.room().topic == "more"
    case.done(SetTopic(lobby.log, ""), type(None))
    assert case.room().topic == ""


def test_the_topic_is_as_it_is_after_coming_back(case: CoreCase, lobby: Log) -> None:
    case.cut()
    lobby.topic = "meanwhile"
    case.be_back()
    assert case.room().topic == "meanwhile"


def test_a_conversation_follows_the_others_new_name(case: CoreCase, server: ModelServer) -> None:
    private = server.private("ana", "bob")
    case.carry()
    room = case.private("bob")
    passing(case, private, m.RenamedBody(0, server.account("bob"), "rob", "bob"))
    assert case.core.private("rob") is room and case.core.private("bob") is None
    assert room.name == "rob"


# --- Members ---


def members(case: CoreCase) -> dict[str, bool]:
    """Return who is a member of the lobby, and who of them is here."""
    listed = case.room().members
    assert listed is not None
    assert all(account == member.account for account, member in listed.items())
    return {member.nick: member.is_here for member in listed.values()}


def roles(case: CoreCase) -> dict[str, Role]:
    """Return who is a member of the lobby, and their roles."""
    return {member.nick: member.role for member in (case.room().members or {}).values()}


def test_members_are_known_once_they_were_asked_for(case: CoreCase, server: ModelServer) -> None:
    lobby = server.room("lobby", "cat", "dan")
    lobby.roles = {server.account("cat"): "owner", server.account("dan"): "made up later"}
    passing(case, lobby, m.JoinedBody(0, server.account("cat"), "cat"))
    assert case.room().members is None
    outcome = case.done(ListMembers(case.room().log), tuple)
    assert outcome == tuple(
        Member(server.account(nick), nick, nick == "ana", role)
        for nick, role in (
            ("ana", Role.MEMBER),
            ("bob", Role.MEMBER),
            ("cat", Role.OWNER),
            ("dan", Role.MEMBER),
        )
    )
    assert members(case) == {"ana": True, "bob": False, "cat": False, "dan": False}
    assert roles(case)["cat"] is Role.OWNER


def test_members_come_and_go_and_are_renamed(case: CoreCase, server: ModelServer) -> None:
    lobby, room = server.room("lobby"), case.room()
    bob, cat = (Author(server.account(nick), nick) for nick in ("bob", "cat"))
    case.done(ListMembers(room.log), tuple)
    passing(case, lobby, m.JoinedBody(0, *(bob.account, "bob")))
    assert members(case) == {"ana": True, "bob": True}
    passing(case, lobby, m.RenamedBody(0, bob.account, "rob", "bob"))
    assert members(case) == {"ana": True, "rob": True}
    passing(case, lobby, m.LeftBody(0, bob.account, "rob"))
    assert members(case) == {"ana": True, "rob": False}
    passing(case, lobby, m.RenamedBody(0, bob.account, "bob", "rob"))
    assert members(case) == {"ana": True, "bob": False}
    passing(case, lobby, m.JoinedBody(0, cat.account, "cat", new=True))
    assert members(case) == {"ana": True, "bob": False, "cat": True}
    passing(case, lobby, m.RenamedBody(0, ANY_ACCOUNT, "eve", "nobody"))
    assert "eve" not in members(case)
    passing(case, lobby, m.LeftBody(0, cat.account, "cat", gone=True))
    assert members(case) == {"ana": True, "bob": False}
    rob = Author(bob.account, "rob")
    assert case.told(MemberArrived) == [MemberArrived(room, 0, bob), MemberArrived(room, 0, cat)]
    assert case.told(MemberLeft) == [MemberLeft(room, 0, rob), MemberLeft(room, 0, cat)]
    assert case.told(MemberRenamed)[:2] == [
        MemberRenamed(room, 0, rob, "bob"),
        MemberRenamed(room, 0, bob, "rob"),
    ]


@pytest.mark.parametrize(
    ("word", "role"), [*((role.word, role) for role in Role), ("emperor", Role.MEMBER)]
)
def test_roles_are_kept_up_to_date(
    case: CoreCase, server: ModelServer, word: str, role: Role
) -> None:
    lobby, room, bob = server.room("lobby"), case.room(), server.account("bob")
    case.done(ListMembers(room.log), tuple)
    passing(case, lobby, m.RoleBody(0, bob, "bob", word))
    passing(case, lobby, m.RoleBody(0, ANY_ACCOUNT, "eve", "owner"))
    passing(case, lobby, m.JoinedBody(0, bob, "bob"))
    passing(case, lobby, m.RenamedBody(0, bob, "rob", "bob"))
    assert roles(case) == {"ana": Role.MEMBER, "rob": role}
    assert case.told(MemberRanked)[0] == MemberRanked(room, 0, Author(bob, "bob"), role)


def test_who_becomes_a_member_and_who_leaves_is_counted(
    case: CoreCase, server: ModelServer
) -> None:
    lobby, cat = server.room("lobby"), server.account("cat")
    before = case.room().member_count
    passing(case, lobby, m.JoinedBody(0, cat, "cat", new=True))
    assert case.room().member_count == before + 1
    passing(case, lobby, m.LeftBody(0, cat, "cat"))
    passing(case, lobby, m.JoinedBody(0, cat, "cat"))
    passing(case, lobby, m.JoinedBody(0, server.account("ana"), "ana", new=True))
    assert case.room().member_count == before + 1
    passing(case, lobby, m.LeftBody(0, cat, "cat", gone=True))
    assert case.room().member_count == before


def test_members_have_to_be_asked_for_on_each_connection(case: CoreCase) -> None:
    case.done(ListMembers(case.room().log), tuple)
    case.cut()
    case.be_back()
    assert case.room().members is None


def test_another_device_can_rename_one(case: CoreCase, server: ModelServer) -> None:
    account = server.account("ana")
    passing(case, server.room("lobby"), m.RenamedBody(0, account, "anna", "ana"))
    assert (case.core.account.account, case.core.account.nick) == (account, "anna")
    says(case, "anna?")
    assert case.room().mentions == 1


# --- What is unread ---


def test_what_others_say_is_unread(case: CoreCase) -> None:
    for words in ("one", "two"):
        says(case, words)
    case.done(Send(case.room().log, text("mine")), Message)
    says(case, "from another device", nick="ana")
    assert (case.room().unread, case.room().mentions) == (2, 0)


@pytest.mark.parametrize(
    ("said", "deleted", "left"),
    [
        (["one"], [0], (0, 0)),
        (["one", "two", "ana?"], [1], (2, 1)),
        (["one", "ana?", "ana!"], [1], (2, 1)),
        (["ana?", "ana!"], [0, 1], (0, 0)),
        (["one", "two"], [0, 0], (1, 0)),
    ],
)
def test_what_is_deleted_is_not_unread(
    case: CoreCase, server: ModelServer, said: list[str], deleted: list[int], left: tuple[int, int]
) -> None:
    seqs = [says(case, words) for words in said]
    for number in deleted:
        deletes(case, server, seqs[number])
    assert (case.room().unread, case.room().mentions) == left


def test_deleting_what_was_read_changes_nothing(case: CoreCase, server: ModelServer) -> None:
    read = says(case, "ana, read this")
    case.core.mark_read(case.room())
    says(case, "not read")
    deletes(case, server, read)
    assert (case.room().unread, case.room().mentions) == (1, 0)
    deletes(case, server, case.done(Send(case.room().log, text("mine")), Message).handle.seq, "ana")
    assert (case.room().unread, case.room().mentions) == (1, 0)


def test_moving_the_marker_back_counts_no_deleted_ones(case: CoreCase, server: ModelServer) -> None:
    seqs = [says(case, words) for words in ("one", "two", "three")]
    deletes(case, server, seqs[1])
    case.core.mark_read(case.room(), seqs[0])
    assert case.room().unread == 1


def test_what_was_said_before_one_came_is_not_unread(server: ModelServer, lobby: Log) -> None:
    server.says("bob", lobby, "ana was not here")
    case = CoreCase(server).enter()
    page = case.done(PageBack(lobby.log), Page)
    assert page.count == 1 and (case.room().unread, case.room().mentions) == (0, 0)
    case.core.mark_read(case.room())
    says(case, "now")
    case.core.mark_read(case.room(), 1)
    assert case.room().unread == 1


def test_what_one_missed_is_unread(case: CoreCase, server: ModelServer, lobby: Log) -> None:
    says(case, "read")
    case.core.mark_read(case.room())
    case.core.tick()
    case.carry()
    case.cut()
    server.says("bob", lobby, "ana, where are you?")
    case.be_back()
    assert (case.room().unread, case.room().mentions) == (1, 1)
    elsewhere = CoreCase(server).enter()
    assert (elsewhere.room().unread, elsewhere.room().mentions) == (1, 1)


def test_what_was_said_without_oneself_but_not_read_is_unread_at_first(
    server: ModelServer,
) -> None:
    lobby = server.room("lobby", "ana", "bob")
    case = CoreCase(server).register()
    for words in ("seen", "not seen"):
        server.says("bob", lobby, words)
    lobby.seen[server.account("ana")] = 3
    case.enter()
    assert (case.room().read_marker, case.room().unread) == (3, 1)
    assert case.texts() == ["not seen"]


@pytest.mark.parametrize(
    ("words", "is_mention"),
    [
        ("ana", True),
        ("ANA!", True),
        ("hello, Ana", True),
        ("@ana: look", True),
        ("(ana)", True),
        ("banana", False),
        ("anatomy", False),
        ("banana, ana", True),
        ("ana_2 and ana-lyse", False),
        ("ana2", False),
        ("pro-ana", False),
        ("ana.", True),
        ("ana's", True),
        ("nobody", False),
    ],
)
def test_ones_own_nickname_as_a_word_is_a_mention(
    case: CoreCase, words: str, is_mention: bool
) -> None:
    says(case, words)
    assert (case.room().unread, case.room().mentions) == (1, is_mention)


def test_an_answer_to_a_message_of_ones_own_is_a_mention(case: CoreCase) -> None:
    mine = case.done(Send(case.room().log, text("mine")), Message)
    his = says(case, "his")
    says(case, "an answer to him", reply=his)
    says(case, "an answer to what nobody knows", reply=999)
    assert case.room().mentions == 0
    says(case, "an answer to her", reply=mine.handle.seq)
    assert (case.room().unread, case.room().mentions) == (4, 1)


def test_naming_oneself_is_no_mention(case: CoreCase) -> None:
    case.done(Send(case.room().log, text("ana speaking")), Message)
    says(case, "ana speaking from elsewhere", nick="ana")
    assert (case.room().unread, case.room().mentions) == (0, 0)


def test_a_new_nickname_is_what_counts(case: CoreCase) -> None:
    case.done(Rename("anna"), object)
    says(case, "ana?")
    assert case.room().mentions == 0
    says(case, "anna?")
    assert case.room().mentions == 1


# --- What has been read ---


def test_reading_everything_leaves_nothing_unread(case: CoreCase) -> None:
    last = [says(case, words) for words in ("ana?", "two", "three")][-1]
    case.core.mark_read(case.room())
    assert (case.room().unread, case.room().mentions, case.room().read_marker) == (0, 0, last)
    assert case.told(ReadMarkerMoved) == [ReadMarkerMoved(case.room())]


def test_reading_a_part_leaves_the_rest(case: CoreCase) -> None:
    one, two, _ = (says(case, words) for words in ("ana, one", "ana, two", "ana, three"))
    case.core.mark_read(case.room(), one)
    assert (case.room().unread, case.room().mentions) == (2, 2)
    case.core.mark_read(case.room(), two + 1)
    assert (case.room().unread, case.room().mentions) == (1, 1)
    assert len(case.told(ReadMarkerMoved)) == 2


def test_the_read_marker_moves_forward_only_and_not_beyond_the_end(case: CoreCase) -> None:
    one, two = says(case, "one"), says(case, "two")
    case.core.mark_read(case.room(), 10_000)
    assert case.room().read_marker == two
    case.core.mark_read(case.room(), one)
    assert (case.room().read_marker, case.room().unread) == (two, 0)
    says(case, "three")
    assert case.room().unread == 1


def test_what_changes_no_count_is_not_told(case: CoreCase) -> None:
    case.done(Send(case.room().log, text("mine")), Message)
    case.core.mark_read(case.room())
    case.core.mark_read(case.room())
    assert case.told(ReadMarkerMoved) == []


def test_the_server_is_told_up_to_where_one_has_read(case: CoreCase, server: ModelServer) -> None:
    one = says(case, "one")
    says(case, "two")
    case.core.tick()
    assert case.link.all(m.Seen) == []
    case.core.mark_read(case.room(), one)
    assert case.link.all(m.Seen) == []
    case.core.tick()
    case.core.tick()
    assert case.link.all(m.Seen) == [m.Seen(case.room().log, one)]
    case.done(Create("python"), Room)
    python = server.says("bob", server.room("python", "bob"), "three")
    case.carry()
    for room in case.core.rooms:
        case.core.mark_read(room)
    case.core.tick()
    assert case.link.all(m.Seen)[1:] == [
        m.Seen(case.room().log, one + 3),
        m.Seen(case.room("python").log, python),
    ]


def test_what_was_read_is_told_before_one_leaves(case: CoreCase) -> None:
    seq = says(case, "one")
    case.core.mark_read(case.room())
    case.core.close()
    assert case.link.all(m.Seen) == [m.Seen(case.room().log, seq)]


def test_what_was_read_without_a_connection_is_told_on_the_next(case: CoreCase) -> None:
    seq = says(case, "one")
    case.cut()
    case.core.mark_read(case.room())
    case.core.tick()
    case.be_back()
    case.core.tick()
    assert case.link.all(m.Seen) == [m.Seen(case.room().log, seq)]


def test_what_the_server_knows_to_be_read_is_not_told_it(case: CoreCase, lobby: Log) -> None:
    says(case, "one")
    case.core.mark_read(case.room())
    case.core.tick()
    case.carry()
    case.cut()
    case.be_back()
    case.core.tick()
    assert case.link.all(m.Seen) == []


# --- Drafts ---


def test_each_room_keeps_its_draft(case: CoreCase) -> None:
    python = case.done(Create("python"), Room)
    case.core.set_draft(python, "half a sen")
    case.core.set_draft(case.room(), "\ud800")
    case.cut()
    case.be_back()
    assert (case.room("python").draft, case.room().draft) == ("half a sen", "\ud800")
    case.core.set_draft(python, "")
    assert python.draft == ""


# --- How far a room has come ---


ANA = AccountId(bytes(15) + b"\x01")


def opened(seq: int, tail: int) -> m.Opened:
    return m.Opened(ANY_LOG, "public", "lobby", seq, tail, 1, "")


def record(seq: int, page: int = 0) -> Delivered:
    return Delivered(ANY_LOG, seq, ANY_RECORD, m.TextBody(0, ANA, "ana", "text"), page)


def test_the_cursor_passes_over_what_came_from_here() -> None:
    room = Room(opened(10, 10), ANY_ACCOUNT, ClientLimits())
    room.acknowledged(16)
    room.acknowledged(9)
    assert [room.advance(record(seq)) for seq in (10, 13, 13, 16, 0, 19)] == [
        *(False, True, False, False, True, True)
    ]
    room.acknowledged(25)
    room.reached(22)
    room.refresh(opened(22, 28))
    assert [room.advance(record(seq)) for seq in (25, 28)] == [False, True]


def test_a_room_is_behind_until_what_was_there_has_come() -> None:
    room = Room(opened(10, 16), ANY_ACCOUNT, ClientLimits())
    assert room.is_behind
    room.advance(record(13))
    assert room.is_behind
    room.advance(record(16))
    assert not room.is_behind


def test_paging_back_goes_on_before_the_oldest() -> None:
    room = Room(opened(10, 10), ANY_ACCOUNT, ClientLimits())
    assert (room.oldest, room.is_whole) == (11, False)
    room.timeline.extend_back([record(4, 1), record(7, 1)], more=True)
    assert (room.oldest, room.is_whole) == (4, False)
    room.timeline.extend_back([record(1, 1)], more=False)
    assert (room.oldest, room.is_whole) == (1, True)


def test_a_page_without_records_is_the_beginning() -> None:
    room = Room(opened(10, 10), ANY_ACCOUNT, ClientLimits())
    room.timeline.extend_back([], more=True)
    assert (room.oldest, room.is_whole) == (11, True)


def test_a_new_log_is_whole_from_the_beginning() -> None:
    assert Room(opened(0, 0), ANY_ACCOUNT, ClientLimits()).is_whole


def test_a_message_that_was_edited_meanwhile_is_still_one_unread(case: CoreCase) -> None:
    seq = says(case, "one")
    bob = case.server.account("bob")
    case.server.add(case.server.room("lobby"), m.EditBody(0, bob, "bob", seq, "two"))
    case.carry()
    assert case.room().unread == 1


def test_ones_own_changes_leave_the_counts_alone(case: CoreCase) -> None:
    mine = case.done(Send(case.room().log, text("mine")), Message)
    case.done(Edit(mine.handle, "ana"), int)
    case.done(Edit(Handle(mine.handle.log, mine.handle.record, 0), "ana!"), int)
    assert (case.room().unread, case.room().mentions) == (0, 0)

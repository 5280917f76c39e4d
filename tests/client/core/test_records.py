"""From records to events, and from pages and hits to messages."""

import pytest
from msgspec import UNSET

from chat.client.core.commands import PageBack, Search
from chat.client.core.events import (
    Found,
    MessageArrived,
    MessageDeleted,
    MessageEdited,
    MessageReacted,
    Page,
    PageItem,
    TopicChanged,
)
from chat.client.core.model import Author, Handle, Message
from chat.client.core.records import read_page
from chat.client.core.rooms import Room
from chat.content import Content
from chat.ids import AccountId, RecordId
from chat.limits import ClientLimits
from chat.testing.ids import ANY_LOG, ANY_RECORD
from chat.wire import messages as m
from chat.wire.messages import (
    Body,
    DeleteBody,
    EditBody,
    ReactionBody,
    TextBody,
    TopicBody,
    Unknown,
)
from chat.wire.records import Delivered
from tests.client.core.support import CoreCase
from tests.client.model import Log, ModelServer

ANA, BOB = AccountId(bytes(16)), AccountId(bytes(15) + b"\x01")


@pytest.fixture
def server() -> ModelServer:
    return ModelServer()


@pytest.fixture
def lobby(server: ModelServer) -> Log:
    return server.room("lobby", "bob")


@pytest.fixture
def case(server: ModelServer, lobby: Log) -> CoreCase:
    return CoreCase(server).enter()


# --- Events ---


def test_everything_that_is_done_to_a_message_is_told_as_it_was_then(
    case: CoreCase, server: ModelServer, lobby: Log
) -> None:
    account, room = server.account("bob"), case.room()
    bob = Author(account, "bob")
    said = server.says("bob", lobby, "one")
    for body in (
        EditBody(0, account, "bob", said, "two"),
        ReactionBody(0, account, "bob", said, "👍"),
        ReactionBody(0, account, "bob", said, ""),
        DeleteBody(0, account, "bob", said),
    ):
        server.add(lobby, body)
    case.carry()
    [arrived] = case.told(MessageArrived)
    assert arrived == MessageArrived(room, said, bob, arrived.message)
    assert (arrived.message.text, arrived.message.author) == ("one", bob)
    [edited] = case.told(MessageEdited)
    assert edited == MessageEdited(room, 6, bob, said, Content("two"), arrived.message)
    reacted, taken_back = case.told(MessageReacted)
    assert (reacted.target, reacted.sign, taken_back.sign) == (said, "👍", "")
    assert reacted.message is not None and taken_back.message is not None
    assert reacted.message.reaction_counts == {"👍": 1}
    assert taken_back.message.reaction_counts == {}
    [deleted] = case.told(MessageDeleted)
    assert (deleted.target, deleted.before) == (said, taken_back.message)
    assert case.texts() == [""]


def test_what_is_done_to_messages_that_are_not_known_is_told_all_the_same(
    case: CoreCase, server: ModelServer, lobby: Log
) -> None:
    account = server.account("bob")
    server.add(lobby, EditBody(0, account, "bob", 999, "two"))
    server.add(lobby, DeleteBody(0, account, "bob", 998))
    case.carry()
    assert case.last(MessageEdited).before is None
    assert case.last(MessageEdited).content == Content("two")
    assert case.last(MessageDeleted).before is None


def test_what_a_later_version_has_is_skipped(case: CoreCase, lobby: Log) -> None:
    case.forget()
    case.receive(Delivered(lobby.log, 99, ANY_RECORD, Unknown("sung")))
    assert case.events == [] and case.room().cursor == 99


def test_a_record_that_comes_twice_is_told_once(case: CoreCase, lobby: Log) -> None:
    record = Delivered(lobby.log, 5, ANY_RECORD, TextBody(0, BOB, "bob", "hi"))
    case.receive(record, record)
    assert len(case.told(MessageArrived)) == 1 and case.room().unread == 1


def test_a_record_of_a_log_that_is_not_read_is_nothing(case: CoreCase) -> None:
    case.forget()
    case.receive(Delivered(ANY_LOG, 5, ANY_RECORD, TextBody(0, BOB, "bob", "hi")))
    assert case.events == []


# --- Pages ---


def said(words: str, reply: int = 0) -> TextBody:
    return TextBody(0, ANA, "ana", words, reply or UNSET)


def edit(target: int, words: str) -> EditBody:
    return EditBody(0, ANA, "ana", target, words)


def sign(account: AccountId, target: int, reaction: str) -> ReactionBody:
    return ReactionBody(0, account, "ana" if account == ANA else "bob", target, reaction)


def room_of_ana() -> Room:
    return Room(m.Opened(ANY_LOG, "public", "lobby", 99, 99, 1, ""), ANA, ClientLimits(timeline=1))


def page(*bodies: Body | Unknown, room: Room | None = None) -> list[str]:
    """Return what a page with these bodies shows, in short."""
    records = [
        Delivered(ANY_LOG, seq, RecordId(bytes([seq]) * 16), body, 1)
        for seq, body in enumerate(bodies, 1)
    ]
    room = room or room_of_ana()
    room.timeline.extend_back(records, more=False)
    return [in_short(item) for item in read_page(room, records)]


def in_short(item: PageItem) -> str:
    match item:
        case Message(reply=reply):
            quoted = reply.content.text if reply is not None and reply.content else ""
            to = f" to {reply.seq} {quoted}".rstrip() if reply is not None else ""
            signs = "".join(f" {it.sign} {it.author.nick}" for it in item.reactions)
            return f"{item.handle.seq}{to}: {item.text}{'*' * item.is_edited}{signs}"
        case MessageEdited():
            return f"{item.seq} edits {item.target}: {item.content.text}"
        case TopicChanged():
            return f"{item.seq} topic: {item.topic}"


@pytest.mark.parametrize(
    ("bodies", "items"),
    [
        ([said("one"), said("two")], ["1: one", "2: two"]),
        ([said("one"), edit(1, "two")], ["1: two*"]),
        ([said("one"), edit(1, "2"), edit(1, "3")], ["1: 3*"]),
        ([said("one"), said("two", 1)], ["1: one", "2 to 1 one: two"]),
        ([said("one"), said("two", 1), edit(2, "2")], ["1: one", "2 to 1 one: 2*"]),
        ([said("one"), said("two", 1), edit(1, "1")], ["1: 1*", "2 to 1 1: two"]),
        ([said("two", 9)], ["1 to 9: two"]),
        ([edit(9, "two")], ["1 edits 9: two"]),
        ([said("one"), DeleteBody(0, ANA, "ana", 1), said("two")], ["3: two"]),
        ([said("one"), edit(1, "1"), DeleteBody(0, ANA, "ana", 2)], ["1: one"]),
        ([DeleteBody(0, ANA, "ana", 9)], []),
        (
            [said("one"), sign(ANA, 1, "👍"), sign(BOB, 1, "♥"), sign(ANA, 1, "👎")],
            ["1: one ♥ bob 👎 ana"],
        ),
        ([said("one"), sign(ANA, 1, "👍"), sign(ANA, 1, "")], ["1: one"]),
        ([sign(ANA, 9, "👍")], []),
        ([TopicBody(0, ANA, "ana", "all"), Unknown("sung")], ["1 topic: all"]),
        ([], []),
    ],
)
def test_a_page_has_each_message_once_as_it_reads_now(
    bodies: list[Body | Unknown], items: list[str]
) -> None:
    assert page(*bodies) == items


def test_what_is_newer_than_a_page_counts() -> None:
    room = room_of_ana()
    for seq, body in ((50, edit(1, "last")), (51, DeleteBody(0, ANA, "ana", 3))):
        room.timeline.take(seq, ANY_RECORD, body)
    assert page(said("one"), edit(1, "two"), said("gone"), room=room) == ["1: last*"]


def test_a_page_becomes_part_of_the_timeline_however_large_it_is() -> None:
    room = room_of_ana()
    room.timeline.take(100, ANY_RECORD, said("new"))
    page(*(said(str(number)) for number in range(50)), room=room)
    assert [it.text for it in room.timeline] == [*map(str, range(50)), "new"]


def test_paging_back_returns_what_was_said_and_how_much_came(
    case: CoreCase, server: ModelServer
) -> None:
    server.room("lobby")
    den = server.room("den", "bob", "ana")
    one = server.says("bob", den, "one")
    server.add(den, EditBody(0, server.account("bob"), "bob", one, "1"))
    server.says("bob", den, "two")
    case.cut()
    den.seen[server.account("ana")] = den.seq
    case.be_back()
    room = case.room("den")
    outcome = case.done(PageBack(den.log), Page)
    assert (outcome.room, outcome.count, room.is_whole) == (room, 3, True)
    assert [in_short(it) for it in outcome.items] == ["3: 1*", "9: two"]
    assert case.texts("den") == ["1", "two"] and room.unread == 0
    assert case.done(PageBack(den.log), Page) == Page(room, (), 0)


# --- Hits ---


def test_what_is_found_stands_with_its_room_the_latest_first(
    case: CoreCase, server: ModelServer, lobby: Log
) -> None:
    bob = server.account("bob")
    one = server.says("bob", lobby, "red apple")
    private = server.private("ana", "bob")
    server.says("bob", private, "green apple")
    changed = server.add(private, EditBody(0, bob, "bob", 3, "golden apple"))
    case.carry()
    found = case.done(Search("apple"), Found)
    assert not found.more
    assert [(room.name, in_short(item)) for room, item in found.items] == [
        ("bob", f"{changed} edits 3: golden apple"),
        ("bob", "3: green apple"),
        ("lobby", f"{one}: red apple"),
    ]
    [_, _, (_, hit)] = found.items
    assert isinstance(hit, Message)
    assert hit.handle == case.message("red apple").handle


def test_what_is_found_is_in_no_timeline_for_that(
    case: CoreCase, server: ModelServer, lobby: Log
) -> None:
    server.says("bob", lobby, "old apple")
    other = CoreCase(server).enter("cat")
    found = other.done(Search("apple"), Found)
    [(_, hit)] = found.items
    assert isinstance(hit, Message) and not hit.is_own
    assert other.texts() == [] and other.room().unread == 0
    assert hit.handle == Handle(lobby.log, lobby.records[0].record_id, 3)


def test_what_is_found_in_a_room_that_was_left_meanwhile_is_left_out(
    case: CoreCase, server: ModelServer, lobby: Log
) -> None:
    server.says("bob", lobby, "apple")
    case.carry()
    outcomes = case.do(Search("apple"))
    case.receive(m.Removed(lobby.log, "Out."))
    case.carry()
    assert outcomes == [Found((), False)]


def test_that_more_was_found_is_said(case: CoreCase, server: ModelServer, lobby: Log) -> None:
    for _ in range(51):
        server.says("bob", lobby, "plum")
    found = case.done(Search("plum"), Found)
    assert len(found.items) == 50 and found.more

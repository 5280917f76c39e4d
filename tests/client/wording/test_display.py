"""The lines in which messages and events are shown."""

import pytest

from chat.client.core.events import (
    HostKeyPinned,
    MemberArrived,
    MemberLeft,
    MemberRanked,
    MemberRenamed,
    MessageArrived,
    MessageDeleted,
    MessageEdited,
    MessageReacted,
    PageItem,
    TopicChanged,
    TrustAsked,
)
from chat.client.core.model import Author, Handle, Message, Reaction, Reply
from chat.client.core.rooms import Room
from chat.client.visible import make_visible
from chat.client.wording.display import (
    Shown,
    format_event,
    format_item,
    format_page,
    format_pinned,
    format_prefix,
    format_question,
    name_of,
    number_of,
)
from chat.content import Content
from chat.ids import AccountId
from chat.limits import ClientLimits
from chat.rooms.roles import Role
from chat.testing.ids import ANY_ACCOUNT, ANY_LOG, ANY_RECORD
from chat.wire.hostkey import fingerprint, fingerprint_words
from chat.wire.messages import Opened
from tests.client.support import ADDRESS, KEY

ANA = Author(AccountId(bytes(16)), "ana")
BOB = Author(AccountId(bytes(15) + b"\x01"), "bob")
LONG = "x" * 41


def room_of(kind: str = "public", name: str = "python") -> Room:
    return Room(Opened(ANY_LOG, kind, name, 0, 0, 1, ""), ANY_ACCOUNT, ClientLimits())


ROOM = room_of()


def said(
    words: str,
    author: Author = ANA,
    seq: int = 3,
    *,
    reply: Reply | None = None,
    reactions: tuple[Reaction, ...] = (),
    is_edited: bool = False,
    is_deleted: bool = False,
) -> Message:
    """Return a message that reads like this."""
    return Message(
        *(Handle(ANY_LOG, ANY_RECORD, seq), author, 0, Content(words), author is ANA, reply),
        is_edited=is_edited,
        is_deleted=is_deleted,
        reactions=reactions,
    )


HELLO = said("hello\x07")
GONE = said("", is_deleted=True)
TO_HELLO = Reply(3, ANA, Content("hello\x07"))


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (MessageArrived(ROOM, 3, ANA, said("hello")), "ana: hello"),
        (
            MessageArrived(ROOM, 3, ANA, said("x\nbob: y", Author(ANA.account, "a\nb"))),
            r"a\nb: x\nbob: y",
        ),
        (
            MessageArrived(ROOM, 7, BOB, said("hi", BOB, reply=TO_HELLO)),
            r'bob (to ana: "hello\x07"): hi',
        ),
        (MessageArrived(ROOM, 7, BOB, said("hi", BOB, reply=Reply(4))), "bob (to #4): hi"),
        (
            MessageEdited(ROOM, 7, ANA, 3, Content("bye\x1b"), HELLO),
            r'* ana edited "hello\x07": bye\x1b',
        ),
        (MessageEdited(ROOM, 7, ANA, 4, Content("bye"), None), "* ana edited #4: bye"),
        (MessageDeleted(ROOM, 7, ANA, 5, said(LONG)), f'* ana deleted "{LONG[:39]}…"'),
        (MessageDeleted(ROOM, 7, ANA, 6, said(LONG[1:])), f'* ana deleted "{LONG[1:]}"'),
        (MessageDeleted(ROOM, 7, ANA, 6, None), "* ana deleted #6"),
        (MessageReacted(ROOM, 7, BOB, 3, "👍", HELLO), r'* bob reacted 👍 to "hello\x07"'),
        (MessageReacted(ROOM, 7, BOB, 3, "👍", GONE), "* bob reacted 👍 to #3"),
        (
            MessageReacted(ROOM, 7, BOB, 3, "", HELLO),
            r'* bob took back the reaction to "hello\x07"',
        ),
        (TopicChanged(ROOM, 7, BOB, "all\n"), r"* bob set the topic: all\n"),
        (MemberArrived(ROOM, 0, ANA), "* ana joined"),
        (MemberLeft(ROOM, 0, Author(ANA.account, "ana\x1b")), r"* ana\x1b left"),
        (MemberRanked(ROOM, 0, BOB, Role.MEMBER), "* bob has no special role any more"),
        (MemberRanked(ROOM, 0, BOB, Role.OPERATOR), "* bob is now operator"),
        (MemberRanked(ROOM, 0, BOB, Role.HOST), "* bob is now owner of the server"),
        (MemberRenamed(ROOM, 0, Author(ANA.account, "anna"), "ana"), "* ana is now known as anna"),
    ],
)
def test_an_event_is_one_line(event: Shown, line: str) -> None:
    assert make_visible(format_event(event)) == line


# --- Pages ---


def page(*items: PageItem, is_numbered: bool = False) -> list[str]:
    return format_page(items, lambda _: "[x] " * is_numbered, is_numbered=is_numbered)


@pytest.mark.parametrize(
    ("items", "lines"),
    [
        ([said("one"), said("two")], ["ana: one", "ana: two"]),
        ([said("two", is_edited=True)], ["ana: two (edited)"]),
        (
            [said("one"), said("2", reply=Reply(3, ANA, Content("one")), is_edited=True)],
            ["ana: one", 'ana (to ana: "one"): 2 (edited)'],
        ),
        ([MessageEdited(ROOM, 7, ANA, 9, Content("two"), None)], ["* ana edited #9: two"]),
        (
            [said("one", reactions=(Reaction(BOB, "♥"), Reaction(ANA, "👎")))],
            ["ana: one", "    ♥ bob, 👎 ana"],
        ),
        ([TopicChanged(ROOM, 7, ANA, "all")], ["* ana set the topic: all"]),
        ([], []),
    ],
)
def test_a_page_is_shown_as_it_reads_now(items: list[PageItem], lines: list[str]) -> None:
    assert page(*items) == lines


def test_the_lines_of_a_page_can_have_numbers_and_places() -> None:
    items = said("one", seq=1, reactions=(Reaction(BOB, "♥"),)), TopicChanged(ROOM, 7, ANA, "all")
    assert page(*items, is_numbered=True) == [
        "#1 [x] ana: one",
        "    ♥ bob",
        "#7 [x] * ana set the topic: all",
    ]


def test_an_item_is_known_by_the_number_of_its_record() -> None:
    edit = MessageEdited(ROOM, 7, ANA, 3, Content("two"), None)
    assert (number_of(said("one")), number_of(edit)) == (3, 7)
    assert (format_item(said("one")), format_item(edit)) == ("ana: one", "* ana edited #3: two")


# --- Where ---


@pytest.mark.parametrize(
    ("kind", "is_current", "is_own", "prefix"),
    [
        ("public", True, False, ""),
        ("public", False, False, "[python] "),
        ("invite", False, True, "[python] "),
        ("private", False, False, "[private] "),
        ("private", False, True, "[private to python] "),
    ],
)
def test_where_it_was_said_stands_before_it(
    kind: str, is_current: bool, is_own: bool, prefix: str
) -> None:
    assert format_prefix(room_of(kind), is_current=is_current, is_own=is_own) == prefix


def test_a_place_in_the_middle_of_a_sentence() -> None:
    assert name_of(room_of()) == "in python"
    assert name_of(room_of("private", "bob")) == "between you and bob"


# --- Host keys ---

PIN = fingerprint(KEY)


def test_a_person_is_shown_the_fingerprint_and_its_words() -> None:
    words = fingerprint_words(KEY).split()
    question = format_question(TrustAsked(ADDRESS, PIN, words))
    assert question[0] == "The host key of chat.example.org:5555 is new. Its fingerprint is"
    assert question[1] == f"    {PIN}"
    assert " ".join(question[3:-1]).split() == words
    assert max(map(len, question)) < 80


@pytest.mark.parametrize(
    ("is_successor", "line"),
    [
        (
            False,
            f"* The host key of chat.example.org:5555 is new, and pinned from now on: {PIN}",
        ),
        (
            True,
            "* The host key of chat.example.org:5555 was changed by its operator, and the new one "
            f"is signed with the old one: {PIN}",
        ),
    ],
)
def test_a_pinned_key_is_a_line(is_successor: bool, line: str) -> None:
    assert format_pinned(HostKeyPinned(ADDRESS, PIN, is_successor)) == line

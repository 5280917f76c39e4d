"""Pages of older records, and the memory of what was said."""

import pytest
from chat.client.pages import format_found, format_page
from chat.client.texts import Texts

from chat.ids import AccountId
from chat.testing.ids import ANY_LOG, ANY_RECORD
from chat.wire.messages import (
    Body,
    DeleteBody,
    EditBody,
    JoinedBody,
    ReactionBody,
    TextBody,
    TopicBody,
    Unknown,
)
from chat.wire.records import Delivered

ANA, BOB = AccountId(bytes(16)), AccountId(bytes(15) + b"\x01")


def text(words: str, reply: int | None = None) -> TextBody:
    return (
        TextBody(0, ANA, "ana", words) if reply is None else TextBody(0, ANA, "ana", words, reply)
    )


def sign(account: AccountId, target: int, reaction: str) -> ReactionBody:
    return ReactionBody(0, account, "ana" if account == ANA else "bob", target, reaction)


def page(
    *bodies: Body | Unknown, texts: Texts | None = None, is_numbered: bool = False
) -> list[str]:
    records = [Delivered(ANY_LOG, seq, ANY_RECORD, it, 1) for seq, it in enumerate(bodies, 1)]
    texts = Texts(100) if texts is None else texts
    return format_page(records, texts, lambda _: "[x] " * is_numbered, is_numbered=is_numbered)


@pytest.mark.parametrize(
    ("bodies", "lines"),
    [
        ([text("one"), text("two\x07")], ["ana: one", r"ana: two\x07"]),
        ([text("one"), EditBody(0, ANA, "ana", 1, "two")], ["ana: two (edited)"]),
        (
            [text("one"), EditBody(0, ANA, "ana", 1, "2"), EditBody(0, ANA, "ana", 1, "3")],
            ["ana: 3 (edited)"],
        ),
        ([text("one"), text("two", 1)], ["ana: one", 'ana (to ana: "one"): two']),
        (
            [text("one"), text("two", 1), EditBody(0, ANA, "ana", 2, "2")],
            ["ana: one", 'ana (to ana: "one"): 2 (edited)'],
        ),
        ([EditBody(0, ANA, "ana", 9, "two")], ["* ana edited #9: two"]),
        ([text("one"), DeleteBody(0, ANA, "ana", 1), text("two")], ["ana: two"]),
        ([DeleteBody(0, ANA, "ana", 9)], []),
        (
            [text("one"), sign(ANA, 1, "👍"), sign(BOB, 1, "♥"), sign(ANA, 1, "👎")],
            ["ana: one", "    ♥ bob, 👎 ana"],
        ),
        ([text("one"), sign(ANA, 1, "👍"), sign(ANA, 1, "")], ["ana: one"]),
        ([TopicBody(0, ANA, "ana", "all"), Unknown("sung")], ["* ana set the topic: all"]),
    ],
)
def test_a_page_is_shown_as_it_reads_now(bodies: list[Body | Unknown], lines: list[str]) -> None:
    assert page(*bodies) == lines


def test_newer_edits_that_are_known_count() -> None:
    texts = Texts(100)
    texts.take(50, EditBody(0, ANA, "ana", 1, "last"))
    assert page(text("one"), EditBody(0, ANA, "ana", 1, "two"), texts=texts) == [
        "ana: last (edited)"
    ]


def test_lines_can_have_numbers() -> None:
    assert page(text("one"), text("two"), is_numbered=True) == [
        "#1 [x] ana: one",
        "#2 [x] ana: two",
    ]


def test_what_was_found_has_a_number_and_a_place() -> None:
    assert format_found(Delivered(ANY_LOG, 7, ANY_RECORD, text("a\n"), 1), "[x] ") == (
        r"#7 [x] ana: a\n"
    )
    assert format_found(Delivered(ANY_LOG, 7, ANY_RECORD, Unknown("sung"), 1), "") is None


def test_the_oldest_texts_are_forgotten() -> None:
    texts = Texts(2)
    for seq in (5, 7, 6):
        texts.take(seq, text(str(seq)))
    assert [texts.get(seq) is not None for seq in (5, 6, 7)] == [False, True, True]


def test_the_last_of_mine_and_of_others() -> None:
    texts = Texts(9)
    assert texts.last(ANA, is_own=True) is None
    texts.take(1, text("a"))
    texts.take(2, TextBody(0, BOB, "bob", "b"))
    texts.take(3, JoinedBody(0, BOB, "bob"))
    assert (texts.last(ANA, is_own=True), texts.last(ANA, is_own=False)) == (1, 2)
    texts.take(4, DeleteBody(0, ANA, "ana", 1))
    assert texts.last(ANA, is_own=True) is None

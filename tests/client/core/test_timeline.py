"""What was said in a log, as it reads now, in whatever order its records come."""

from itertools import permutations

import pytest
from msgspec import UNSET

from chat.client.core.model import (
    Author,
    Handle,
    Message,
    MessageState,
    Reaction,
    Refusal,
    Reply,
)
from chat.client.core.timeline import Timeline
from chat.content import Content
from chat.ids import AccountId, RecordId
from chat.limits import ClientLimits
from chat.testing.ids import ANY_LOG
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
NICKS = {ANA: "ana", BOB: "bob"}


def record_of(seq: int) -> RecordId:
    return RecordId(seq.to_bytes(16, "big"))


def said(words: str, account: AccountId = ANA, reply: int = 0, time: int = 0) -> TextBody:
    return TextBody(time, account, NICKS[account], words, reply or UNSET)


def edit(target: int, words: str) -> EditBody:
    return EditBody(0, ANA, "ana", target, words)


def delete(target: int) -> DeleteBody:
    return DeleteBody(0, ANA, "ana", target)


def sign(target: int, reaction: str, account: AccountId = BOB) -> ReactionBody:
    return ReactionBody(0, account, NICKS[account], target, reaction)


def timeline(*records: tuple[int, Body | Unknown], limit: int = 100) -> Timeline:
    """Return a timeline of ana's that took these records, in this order."""
    made = Timeline(ANY_LOG, ANA, ClientLimits(timeline=limit))
    for seq, body in records:
        made.take(seq, record_of(seq), body)
    return made


def in_any_order(*records: tuple[int, Body]) -> pytest.MarkDecorator:
    """Run a test with these records in each order that they can come in."""
    return pytest.mark.parametrize("order", list(permutations(records)))


def texts(shown: Timeline) -> list[str]:
    return [message.text for message in shown]


def the(shown: Timeline, seq: int = 3) -> Message:
    """Return the message with a number, which there is."""
    message = shown.message(seq)
    assert message is not None
    return message


# --- Messages ---


def test_a_message_has_everything_that_its_record_says() -> None:
    message = the(timeline((3, said("hello", BOB, time=1_000))))
    assert message == Message(
        *(Handle(ANY_LOG, record_of(3), 3), Author(BOB, "bob"), 1_000, Content("hello")),
        is_own=False,
    )
    assert message.state is MessageState.STORED
    assert the(timeline((3, said("hello")))).is_own


def test_what_says_nothing_is_no_message() -> None:
    shown = timeline((3, TopicBody(0, ANA, "ana", "all")), (6, Unknown("sung")))
    shown.take(0, record_of(0), JoinedBody(0, BOB, "bob"))
    assert list(shown) == [] and shown.message(3) is None


def test_messages_stand_in_the_order_of_their_numbers() -> None:
    shown = timeline((9, said("c")), (3, said("a")), (6, said("b")))
    assert texts(shown) == ["a", "b", "c"]
    assert [it.text for it in reversed(list(shown))] == ["c", "b", "a"]


def test_the_last_of_mine_and_of_others() -> None:
    shown = timeline()
    assert shown.last(is_own=True) is None
    for seq, body in ((1, said("a")), (2, said("b", BOB)), (3, TopicBody(0, BOB, "bob", "x"))):
        shown.take(seq, record_of(seq), body)
    assert (shown.last(is_own=True), shown.last(is_own=False)) == (the(shown, 1), the(shown, 2))
    shown.take(4, record_of(4), delete(1))
    assert shown.last(is_own=True) is None


# --- What was done to them ---


@in_any_order((3, said("1")), (6, edit(3, "2")), (9, edit(3, "3")))
def test_the_latest_edit_holds_in_any_order(order: list[tuple[int, Body]]) -> None:
    message = the(timeline(*order))
    assert (message.text, message.is_edited, message.author.nick) == ("3", True, "ana")


def test_an_edit_alone_is_no_message() -> None:
    assert list(timeline((6, edit(3, "2")))) == []


@in_any_order((3, said("1")), (6, edit(3, "2")), (9, sign(3, "👍")), (12, delete(3)))
def test_what_was_deleted_says_nothing_in_any_order(order: list[tuple[int, Body]]) -> None:
    message = the(timeline(*order))
    assert message.is_deleted and not message.is_edited
    assert (message.text, message.reactions, message.author.nick) == ("", (), "ana")


@in_any_order((3, said("secret")), (6, delete(3)))
def test_what_was_deleted_is_not_kept_either(order: list[tuple[int, Body]]) -> None:
    shown = timeline(*order)
    assert "secret" not in repr(shown._entries)
    shown = timeline((3, said("1")), (6, edit(3, "secret")), (9, delete(3)))
    assert "secret" not in repr(shown._entries)


def test_a_deleted_edit_leaves_the_text_before_it() -> None:
    records = (3, said("1")), (6, edit(3, "2")), (9, edit(3, "3"))
    assert the(timeline(*records, (12, delete(9)))).text == "2"
    assert the(timeline(*records, (12, delete(6)))).text == "3"
    message = the(timeline(*records, (12, delete(9)), (15, delete(6))))
    assert (message.text, message.is_edited) == ("1", False)


def test_the_same_edit_twice_is_one() -> None:
    shown = timeline((3, said("1")), (6, edit(3, "2")), (6, edit(3, "2")), (9, delete(6)))
    assert the(shown).text == "1"


def test_reactions_are_counted_by_their_sign() -> None:
    cat = AccountId(bytes(15) + b"\x02")
    shown = timeline((3, said("1")), (6, sign(3, "👍")), (9, sign(3, "👍", ANA)))
    shown.take(12, record_of(12), ReactionBody(0, cat, "cat", 3, "♥"))
    assert the(shown).reaction_counts == {"👍": 2, "♥": 1}
    assert the(shown).reactions == (
        Reaction(Author(BOB, "bob"), "👍"),
        Reaction(Author(ANA, "ana"), "👍"),
        Reaction(Author(cat, "cat"), "♥"),
    )


@in_any_order((3, said("1")), (6, sign(3, "👍")), (9, sign(3, "♥", ANA)), (12, sign(3, "👎")))
def test_the_latest_reaction_of_each_account_holds(order: list[tuple[int, Body]]) -> None:
    reactions = the(timeline(*order)).reactions
    assert [(it.sign, it.author.nick) for it in reactions] == [("♥", "ana"), ("👎", "bob")]


@in_any_order((3, said("1")), (6, sign(3, "👍")), (9, sign(3, "")))
def test_a_reaction_that_was_taken_back_is_none(order: list[tuple[int, Body]]) -> None:
    assert the(timeline(*order)).reactions == ()
    assert the(timeline(*order)).reaction_counts == {}


# --- Replies ---


@in_any_order((3, said("1")), (6, said("2", BOB, reply=3)))
def test_a_reply_shows_what_it_answers(order: list[tuple[int, Body]]) -> None:
    assert the(timeline(*order), 6).reply == Reply(3, Author(ANA, "ana"), Content("1"))


def test_a_reply_shows_what_the_answered_message_says_now() -> None:
    shown = timeline((3, said("1")), (6, said("2", BOB, reply=3)), (9, edit(3, "one")))
    assert the(shown, 6).reply == Reply(3, Author(ANA, "ana"), Content("one"))
    shown.take(12, record_of(12), delete(3))
    assert the(shown, 6).reply == Reply(3)


def test_a_reply_to_what_is_not_known_has_its_number() -> None:
    assert the(timeline((6, said("2", BOB, reply=3))), 6).reply == Reply(3)
    assert the(timeline((3, said("1")))).reply is None


# --- Handles ---


def test_a_handle_finds_its_message_by_number_or_by_record() -> None:
    shown = timeline((3, said("1")))
    message = the(shown)
    assert shown.handle(3) == message.handle == Handle(ANY_LOG, record_of(3), 3)
    early = Handle(ANY_LOG, record_of(3), 0)
    for handle in (message.handle, early, Handle(ANY_LOG, RecordId(b""), 3)):
        assert shown.number(handle) == 3
        assert shown.find(handle) == message


def test_a_number_that_is_not_known_makes_a_handle_all_the_same() -> None:
    shown = timeline((6, edit(3, "2")))
    for seq in (3, 12):
        handle = shown.handle(seq)
        assert handle == Handle(ANY_LOG, RecordId(b""), seq)
        assert shown.number(handle) == seq and shown.find(handle) is None
    unknown = Handle(ANY_LOG, record_of(3), 0)
    assert shown.number(unknown) == 0 and shown.find(unknown) is None


# --- How much is kept ---


def test_the_oldest_messages_are_forgotten() -> None:
    shown = timeline((5, said("5")), (7, said("7")), (6, said("6")), limit=2)
    assert texts(shown) == ["6", "7"]
    assert shown.number(Handle(ANY_LOG, record_of(5), 0)) == 0
    assert shown.find(Handle(ANY_LOG, record_of(5), 0)) is None and shown.message(5) is None


def page(*records: tuple[int, Body]) -> list[Delivered]:
    """Return a page with these records."""
    return [Delivered(ANY_LOG, seq, record_of(seq), body, 1) for seq, body in records]


def test_what_was_paged_back_to_stays_while_new_messages_come() -> None:
    shown = Timeline(ANY_LOG, ANA, ClientLimits(timeline=2), 6)
    for seq in (7, 8):
        shown.take(seq, record_of(seq), said(str(seq)))
    shown.extend_back(page((5, said("5")), (6, said("6"))), more=True)
    for seq in (9, 10):
        shown.take(seq, record_of(seq), said(str(seq)))
    assert texts(shown) == ["5", "6", "7", "8", "9", "10"]
    shown.show_end()
    assert texts(shown) == ["9", "10"] and shown.window.begin == 9 and not shown.window.is_whole


def test_what_was_deleted_does_not_come_back_with_an_older_page() -> None:
    shown = Timeline(ANY_LOG, ANA, seq=8)
    shown.take(9, record_of(9), said("9"))
    shown.take(12, record_of(12), delete(3))
    shown.extend_back(page((3, said("3")), (6, said("6"))), more=False)
    assert [it.text for it in shown if not it.is_deleted] == ["6", "9"]


def test_a_newer_edit_and_reaction_are_not_undone_by_an_older_page() -> None:
    shown = Timeline(ANY_LOG, ANA, seq=11)
    for seq, body in ((12, edit(3, "new")), (15, sign(3, "new"))):
        shown.take(seq, record_of(seq), body)
    older = (3, said("1")), (6, edit(3, "old")), (9, sign(3, "old"))
    shown.extend_back(page(*older), more=False)
    assert the(shown).text == "new" and the(shown).reaction_counts == {"new": 1}


def test_of_many_edits_the_last_are_remembered() -> None:
    shown = timeline((3, said("0")), *((seq, edit(3, str(seq))) for seq in range(4, 54)))
    assert the(shown).text == "53"
    for seq in range(53, 40, -1):
        shown.take(100 + seq, record_of(100 + seq), delete(seq))
    assert the(shown).text == "40"


# --- What is not stored ---


def waiting(number: int, words: str) -> Message:
    return Message(
        *(Handle(ANY_LOG, record_of(number), 0), Author(ANA, "ana"), 0, Content(words), True),
        state=MessageState.WAITING,
    )


NO = Refusal("muted", "You may not say anything.")


def test_what_waits_comes_last_and_in_order() -> None:
    shown = timeline((3, said("stored")))
    for number, words in ((101, "one"), (102, "two")):
        shown.wait(waiting(number, words))
    assert texts(shown) == ["stored", "one", "two"]
    assert [it.text for it in reversed(list(shown))] == ["two", "one", "stored"]
    assert shown.last(is_own=True) == waiting(102, "two")
    assert shown.find(waiting(101, "one").handle) == waiting(101, "one")


def test_what_is_stored_takes_its_place() -> None:
    shown = timeline((3, said("before")))
    shown.wait(waiting(6, "mine"))
    shown.wait(waiting(9, "more"))
    shown.take(6, record_of(6), said("mine"))
    assert [(it.text, it.handle.seq) for it in shown] == [("before", 3), ("mine", 6), ("more", 0)]
    assert shown.find(waiting(6, "mine").handle) == the(shown, 6)


def test_what_is_refused_stays_until_it_is_discarded() -> None:
    shown = timeline((3, said("stored")))
    shown.wait(waiting(101, "mine"))
    refused = shown.refuse(record_of(101), NO)
    assert refused is not None
    assert (refused.state, refused.refusal, refused.text) == (MessageState.REFUSED, NO, "mine")
    assert texts(shown) == ["stored", "mine"]
    last = shown.last(is_own=True)
    assert last is not None and last.text == "stored"
    shown.discard(refused.handle)
    assert texts(shown) == ["stored"]
    assert shown.refuse(record_of(101), NO) is None


def test_only_so_many_that_were_refused_are_kept() -> None:
    shown = timeline(limit=2)
    for number in (101, 102, 103, 104):
        shown.wait(waiting(number, str(number)))
    for number in (102, 103, 104):
        shown.refuse(record_of(number), NO)
    assert texts(shown) == ["101", "103", "104"]

"""What is said: what is told of it meanwhile, what it may refer to, and that it ends once."""

from collections.abc import Callable

import pytest

from chat.client.core.commands import (
    Create,
    Delete,
    Edit,
    Join,
    Leave,
    PageBack,
    Posting,
    React,
    Send,
    SendPrivate,
)
from chat.client.core.events import Ending, MessageArrived, MessageChanged, Page, UnsentChanged
from chat.client.core.model import Author, Handle, Message, MessageState, Refusal, Reply
from chat.client.core.rooms import Room
from chat.content import Content
from chat.ids import RecordId
from chat.limits import REACTION_BYTES, TEXT_BYTES
from chat.testing.ids import ANY_LOG
from chat.wire import messages as m
from chat.wire.records import record_id
from tests.client.core.support import CoreCase, only, text
from tests.client.model import Log, ModelServer

WAITING, STORED, REFUSED = MessageState.WAITING, MessageState.STORED, MessageState.REFUSED


@pytest.fixture
def server() -> ModelServer:
    return ModelServer()


@pytest.fixture
def lobby(server: ModelServer) -> Log:
    return server.room("lobby", "bob")


@pytest.fixture
def case(server: ModelServer, lobby: Log) -> CoreCase:
    return CoreCase(server).enter()


def say(case: CoreCase, words: str, reply_to: Handle | None = None) -> list[object]:
    """Say something in the lobby, and carry nothing."""
    return case.do(Send(case.room().log, text(words), reply_to))


def states(case: CoreCase) -> list[tuple[str, MessageState]]:
    """Return what was told of messages from here since the last question."""
    told = [(it.message.text, it.message.state) for it in case.told(MessageChanged)]
    case.forget()
    return told


# --- From typing to storing ---


def test_a_message_stands_in_the_timeline_while_it_waits(case: CoreCase) -> None:
    outcomes = say(case, "hello")
    [message] = case.room().timeline
    account = case.core.account
    assert message.state is WAITING and message.is_own and outcomes == []
    assert (message.text, message.author) == ("hello", Author(account.account, "ana"))
    [post] = case.link.all(m.Post)
    assert message.handle == Handle(case.room().log, record_id(account.account, post.message), 0)
    assert case.told(MessageChanged) == [MessageChanged(case.room(), message)]


def test_a_message_that_is_stored_has_number_and_time_and_the_same_record(case: CoreCase) -> None:
    outcomes = say(case, "hello")
    [waiting] = case.room().timeline
    [post] = case.link.all(m.Post)
    case.forget()
    case.receive(m.Posted(post.log, 12, [(post.id, 12, 1_000)]))
    [stored] = case.room().timeline
    assert stored.handle == Handle(post.log, waiting.handle.record, 12)
    assert (stored.state, stored.time, stored.text) == (STORED, 1_000, "hello")
    assert outcomes == [stored]
    assert case.events == [UnsentChanged(0), MessageChanged(case.room(), stored)]
    assert case.room().cursor == 12


def test_a_message_that_was_refused_says_why_and_stays(case: CoreCase) -> None:
    case.server.refusals[m.Post] = "muted", "You may not say anything."
    refusal = case.done(Send(case.room().log, text("hello")), Refusal)
    assert refusal == Refusal("muted", "You may not say anything.")
    [message] = case.room().timeline
    assert (message.state, message.refusal, message.text) == (REFUSED, refusal, "hello")
    assert states(case) == [("hello", WAITING), ("hello", REFUSED)]


def test_a_refused_message_goes_away_when_it_is_discarded(case: CoreCase) -> None:
    case.server.refusals[m.Post] = "muted", "No."
    case.done(Send(case.room().log, text("hello")), Refusal)
    refused = case.message("hello")
    case.forget()
    case.core.discard(refused.handle)
    assert case.texts() == []
    assert case.events == [MessageChanged(case.room(), refused)]
    case.core.discard(refused.handle)
    assert len(case.events) == 1


def test_nothing_else_can_be_discarded(case: CoreCase) -> None:
    case.done(Send(case.room().log, text("stored")), Message)
    stored = case.message("stored")
    say(case, "waiting")
    waiting = case.message("waiting")
    case.forget()
    for handle in (stored.handle, waiting.handle, Handle(ANY_LOG, RecordId(b""), 1)):
        case.core.discard(handle)
    assert case.texts() == ["stored", "waiting"] and case.events == []
    case.carry()
    assert case.message("waiting").state is STORED


def test_a_message_can_be_said_again_after_a_refusal(case: CoreCase, lobby: Log) -> None:
    case.server.refusals[m.Post] = "slow_mode", "Wait."
    case.done(Send(lobby.log, text("hello")), Refusal)
    refused = case.message("hello")
    case.server.refusals.clear()
    case.core.discard(refused.handle)
    stored = case.done(Send(lobby.log, refused.content), Message)
    assert stored.handle.record != refused.handle.record
    assert lobby.texts() == case.texts() == ["hello"]


# --- The acknowledgement is lost ---


def test_a_lost_acknowledgement_is_made_good_by_the_record(case: CoreCase, lobby: Log) -> None:
    outcomes = say(case, "hello")
    case.carry_up()
    case.cut()
    assert case.message("hello").state is WAITING
    case.be_back()
    stored = only(outcomes, Message)
    assert stored == case.message("hello") and stored.state is STORED
    assert stored.handle.seq == lobby.records[-1].seq
    assert states(case) == [("hello", WAITING), ("hello", STORED)]
    assert case.told(MessageArrived) == [] and case.room().unread == 0
    assert lobby.texts() == ["hello"]


def test_a_post_that_never_arrived_is_sent_again_as_it_was(case: CoreCase, lobby: Log) -> None:
    outcomes = say(case, "hello")
    before = case.link.all(m.Post)
    case.cut()
    case.be_back()
    assert case.link.all(m.Post) == before
    assert only(outcomes, Message).text == "hello" and lobby.texts() == ["hello"]


def test_a_repetition_that_is_acknowledged_after_its_record_changes_nothing(
    case: CoreCase, lobby: Log
) -> None:
    outcomes = say(case, "hello")
    case.carry_up()
    case.cut()
    case.come_back()
    case.carry_until(m.Post)
    while case.carry_down():
        pass
    only(outcomes, Message)
    case.carry()
    assert only(outcomes, Message) == case.message("hello")
    assert case.texts() == lobby.texts() == ["hello"]


@pytest.mark.parametrize("is_lost", [True, False])
def test_changes_are_recognised_as_well(case: CoreCase, lobby: Log, is_lost: bool) -> None:
    target = case.done(Send(lobby.log, text("1")), Message).handle
    commands: list[Posting] = [React(target, "👍"), Edit(target, "2"), Delete(target)]
    numbers = []
    for command in commands:
        outcomes = case.do(command)
        case.carry_up()
        if is_lost:
            case.cut()
            case.be_back()
        case.carry()
        numbers.append(only(outcomes, int))
        message = case.room().timeline.message(target.seq)
        assert message is not None
        match command:
            case React():
                assert message.reaction_counts == {"👍": 1}
            case Edit():
                assert (message.text, message.is_edited) == ("2", True)
            case Delete():
                assert message.is_deleted
    assert numbers == [6, 9, 12]
    assert case.told(MessageArrived) == []


def test_what_is_said_without_a_connection_is_sent_on_the_next_in_order(
    case: CoreCase, lobby: Log
) -> None:
    case.cut()
    asked = [say(case, words) for words in ("one", "two", "three")]
    assert [it.state for it in case.room().timeline] == [WAITING] * 3
    case.be_back()
    assert [only(outcomes, Message).text for outcomes in asked] == lobby.texts()
    assert lobby.texts() == ["one", "two", "three"] == case.texts()


def test_what_is_said_while_the_rooms_are_opened_waits_for_its_room(
    case: CoreCase, lobby: Log
) -> None:
    case.cut()
    case.come_back()
    case.carry_until(m.Read)
    outcomes = say(case, "hello")
    assert case.link.all(m.Post) == []
    case.carry()
    assert only(outcomes, Message).text == "hello" and lobby.texts() == ["hello"]


# --- What it is about ---


def live(case: CoreCase, lobby: Log) -> Handle:
    case.carry()
    return case.message("hers").handle


def own_on_the_way(case: CoreCase, lobby: Log) -> Handle:
    return case.message("mine").handle


def own_and_stored(case: CoreCase, lobby: Log) -> Handle:
    early = case.message("mine").handle
    case.carry()
    return early


def missed(case: CoreCase, lobby: Log) -> Handle:
    case.carry_up()
    case.cut()
    case.server.says("ana", lobby, "meanwhile")
    case.be_back()
    return case.message("meanwhile").handle


def own_and_recognised(case: CoreCase, lobby: Log) -> Handle:
    case.carry_up()
    case.cut()
    case.be_back()
    return case.message("mine").handle


def paged(case: CoreCase, lobby: Log) -> Handle:
    case.done(PageBack(lobby.log), Page)
    return case.message("old").handle


def by_number(case: CoreCase, lobby: Log) -> Handle:
    return case.room().timeline.handle(3)


@pytest.fixture
def storied(server: ModelServer, lobby: Log) -> CoreCase:
    """Return a case with a message of each kind: before it, from another device, on its way."""
    case = CoreCase(server).register()
    server.says("ana", lobby, "old")
    case.enter()
    server.says("ana", lobby, "hers")
    say(case, "mine")
    return case


@pytest.mark.parametrize(
    ("find", "words"),
    [
        (live, "hers"),
        (own_on_the_way, "mine"),
        (own_and_stored, "mine"),
        (own_and_recognised, "mine"),
        (missed, "meanwhile"),
        (paged, "old"),
        (by_number, "old"),
    ],
)
def test_whatever_way_a_message_came_it_can_be_answered_changed_and_reacted_to(
    storied: CoreCase, lobby: Log, find: Callable[[CoreCase, Log], Handle], words: str
) -> None:
    handle = find(storied, lobby)
    asked = [
        storied.do(command)
        for command in (
            Send(lobby.log, text("an answer"), handle),
            React(handle, "👍"),
            Edit(handle, "changed"),
        )
    ]
    storied.carry()
    answer = only(asked[0], Message)
    seq = next(it.seq for it in lobby.records if getattr(it.body, "text", "") == words)
    assert storied.link.last(m.React).seq == storied.link.last(m.Edit).seq == seq
    assert storied.link.last(m.Post).reply == seq
    assert answer.reply is not None and answer.reply.seq == seq
    if find is not by_number:  # Which is not known here.
        changed = storied.message("changed")
        assert changed.reaction_counts == {"👍": 1} and changed.is_edited
        assert storied.message("an answer").reply == Reply(seq, changed.author, Content("changed"))
    storied.done(Delete(handle), int)
    assert storied.link.last(m.Delete).seq == seq
    assert words not in lobby.texts()


def test_an_answer_on_its_way_shows_what_it_answers(case: CoreCase) -> None:
    say(case, "one")
    one = case.message("one")
    say(case, "two", one.handle)
    assert case.message("two").reply == Reply(0, one.author, one.content)
    case.carry()
    assert case.message("two").reply == Reply(3, one.author, one.content)
    say(case, "three", Handle(case.room().log, RecordId(b""), 99))
    assert case.message("three").reply == Reply(99)


def test_nothing_overtakes_what_waits_for_a_number(case: CoreCase, lobby: Log) -> None:
    asked = [say(case, "one")]
    one = case.message("one").handle
    asked += [case.do(Edit(one, "two")), say(case, "three"), case.do(React(one, "👍"))]
    [post] = case.link.all(m.Posting)
    assert isinstance(post, m.Post)
    case.carry_up()
    case.carry_down()
    assert [type(it) for it in case.link.all(m.Posting)] == [m.Post, m.Edit, m.Post, m.React]
    assert [it.seq for it in case.link.all(m.Edit)] == [3]
    case.carry()
    assert [len(outcomes) for outcomes in asked] == [1, 1, 1, 1]
    assert case.texts() == ["two", "three"]
    assert [type(it.body) for it in lobby.records] == [
        *(m.TextBody, m.EditBody, m.TextBody, m.ReactionBody)
    ]


def test_other_rooms_do_not_wait_for_that(case: CoreCase) -> None:
    python = case.done(Create("python"), Room)
    say(case, "one")
    case.do(Edit(case.message("one").handle, "two"))
    case.do(Send(python.log, text("at once")))
    assert [it.text for it in case.link.all(m.Post)] == ["one", "at once"]
    assert case.link.all(m.Edit) == []


def test_a_chain_of_answers_is_sent_link_by_link(case: CoreCase, lobby: Log) -> None:
    handle = None
    for words in ("one", "two", "three"):
        say(case, words, handle)
        handle = case.message(words).handle
    assert len(case.link.all(m.Post)) == 1
    case.carry()
    assert [it.reply.seq if it.reply else 0 for it in case.room().timeline] == [0, 3, 6]
    assert lobby.texts() == ["one", "two", "three"]


def test_a_number_that_comes_with_the_record_is_as_good(case: CoreCase, lobby: Log) -> None:
    say(case, "one")
    outcomes = case.do(Edit(case.message("one").handle, "two"))
    case.carry_up()
    case.cut()
    case.be_back()
    assert only(outcomes, int) == 6
    assert case.texts() == ["two"]


def test_what_is_about_a_message_that_was_refused_is_refused_with_it(
    case: CoreCase, lobby: Log
) -> None:
    case.server.refusals[m.Post] = "muted", "No."
    say(case, "one")
    one = case.message("one").handle
    asked = [case.do(command) for command in (Edit(one, "two"), React(one, "👍"), Delete(one))]
    asked.append(say(case, "an answer", one))
    later = say(case, "free of that")
    case.carry()
    assert {only(outcomes, Refusal).code for outcomes in asked} == {"not_sent"}
    assert only(later, Refusal).code == "muted"
    assert {type(it) for it in case.link.all(m.Posting)} == {m.Post}
    assert case.message("an answer").state is REFUSED
    assert case.done(Edit(one, "two"), Refusal).code == "not_sent"


def test_what_is_about_a_message_that_nobody_knows_is_refused(case: CoreCase) -> None:
    unknown = Handle(case.room().log, RecordId(bytes(16)), 0)
    assert case.done(React(unknown, "👍"), Refusal).code == "not_sent"
    assert case.link.all(m.React) == []


# --- What cannot be said ---


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("", "text_empty"),
        ("x" * (TEXT_BYTES + 1), "text_too_long"),
        ("é" * (TEXT_BYTES // 2 + 1), "text_too_long"),
        ("a\ud800", "invalid"),
        ("a\ud800" * TEXT_BYTES, "invalid"),
    ],
)
@pytest.mark.parametrize("is_online", [True, False])
def test_what_no_server_takes_is_refused_here(
    case: CoreCase, lobby: Log, words: str, code: str, is_online: bool
) -> None:
    own = case.done(Send(lobby.log, text("mine")), Message).handle
    if not is_online:
        case.cut()
    asked = [case.do(Send(lobby.log, text(words))), case.do(Edit(own, words))]
    later = say(case, "later")
    if not is_online:
        case.be_back()
    case.carry()
    assert {only(outcomes, Refusal).code for outcomes in asked} == {code}
    assert only(later, Message).text == "later"
    assert lobby.texts() == ["mine", "later"]


@pytest.mark.parametrize(
    ("sign", "code"),
    [("x" * (REACTION_BYTES + 1), "text_too_long"), ("\ud800", "invalid")],
)
def test_what_is_no_sign_is_refused_here(case: CoreCase, sign: str, code: str) -> None:
    own = case.done(Send(case.room().log, text("mine")), Message).handle
    assert case.done(React(own, sign), Refusal).code == code


def test_the_longest_text_can_be_said(case: CoreCase, lobby: Log) -> None:
    case.done(Send(lobby.log, text("é" * (TEXT_BYTES // 2))), Message)
    case.done(SendPrivate("bob", text("x" * TEXT_BYTES)), Message)


# --- Rooms that are lost ---


def test_what_is_for_a_room_that_one_is_not_in_is_refused(case: CoreCase) -> None:
    stranger = Handle(ANY_LOG, RecordId(bytes(16)), 3)
    for command in (
        Send(ANY_LOG, text("hello")),
        Edit(stranger, "x"),
        Delete(stranger),
        React(stranger, "x"),
    ):
        assert only(case.do(command), Refusal).code == "not_a_member"
    assert case.link.all(m.Posting) == []


def put_out(case: CoreCase, lobby: Log) -> None:
    """Let ana be put out of the lobby, and hear of that before anything else."""
    lobby.members.discard(case.server.account("ana"))
    case.session.reads.pop(lobby.log)
    case.receive(m.Removed(lobby.log, "You were put out."))


def test_what_was_sent_before_one_was_put_out_is_answered_still(case: CoreCase, lobby: Log) -> None:
    stored, refused = say(case, "one"), say(case, "two")
    unsent = case.do(Edit(case.message("one").handle, "never sent"))
    one, two = case.link.all(m.Post)
    put_out(case, lobby)
    assert only(unsent, Refusal).code == "not_a_member"
    case.receive(m.Posted(lobby.log, 0, [(one.id, 3, 0)]))
    case.refuse(two, "You are not in that room.", "not_a_member")
    assert only(stored, Message).handle.seq == 3
    assert only(refused, Refusal).code == "not_a_member"
    assert case.core.is_idle


def test_what_is_never_answered_after_one_was_put_out_is_refused_on_the_next_connection(
    case: CoreCase, lobby: Log
) -> None:
    case.done(Create("python"), Room)
    asked = [say(case, "one"), say(case, "two")]
    put_out(case, lobby)
    assert asked == [[], []]
    case.cut()
    assert asked == [[], []]
    case.be_back()
    assert [only(outcomes, Refusal).code for outcomes in asked] == ["not_a_member"] * 2
    assert case.core.is_idle


def test_what_is_never_answered_after_one_was_put_out_ends_with_the_session(
    case: CoreCase, lobby: Log
) -> None:
    outcomes = say(case, "one")
    put_out(case, lobby)
    case.core.close()
    assert only(outcomes, Refusal).code == "over"


def test_what_waits_for_a_room_that_is_lost_meanwhile_is_refused(
    case: CoreCase, lobby: Log
) -> None:
    case.done(Create("python"), Room)
    sent = say(case, "sent")
    case.cut()
    unsent = say(case, "not sent")
    lobby.members.discard(case.server.account("ana"))
    case.be_back()
    for outcomes in (sent, unsent):
        assert only(outcomes, Refusal).code == "not_a_member"
    assert case.texts("python") == []
    assert case.core.room("lobby") is None and lobby.texts() == []


def test_what_waits_for_a_room_that_cannot_be_read_is_refused(case: CoreCase, lobby: Log) -> None:
    python = case.done(Create("python"), Room)
    outcomes = say(case, "one")
    other = case.do(Send(python.log, text("two")))
    case.cut()
    case.come_back()
    case.carry_until(m.Read)
    refused = next(it for it in case.link.all(m.Read) if it.log == lobby.log)
    case.link.sent.remove(refused)
    case.refuse(refused, "The store could not be read.", "not_read")
    case.carry()
    assert only(outcomes, Refusal).code == "not_a_member"
    assert only(other, Message).text == "two"


def test_what_was_sent_before_one_left_is_stored(case: CoreCase, lobby: Log) -> None:
    outcomes = say(case, "last words")
    left = case.do(Leave(lobby.log))
    case.carry()
    assert only(outcomes, Message).text == "last words" and lobby.texts() == ["last words"]
    assert only(left, Room).log == lobby.log


def test_what_was_sent_before_one_was_put_out_is_sent_again_if_one_comes_back(
    case: CoreCase, lobby: Log
) -> None:
    outcomes = say(case, "one")
    case.link.carried = len(case.link.sent)  # The network loses it.
    put_out(case, lobby)
    case.done(Join("lobby"), Room)
    assert only(outcomes, Message).text == "one" and lobby.texts() == ["one"]
    assert case.texts() == ["one"]


# --- Answers that make no sense ---


def test_answers_nobody_waits_for_change_nothing(case: CoreCase, lobby: Log) -> None:
    case.forget()
    case.receive(m.Posted(lobby.log, 0, [(77, 1, 1)]), m.Posted(ANY_LOG, 9, [(77, 1, 1)]))
    case.receive(m.Refused(77, "code", "text"))
    assert case.events == [] and case.texts() == []


def test_a_second_acknowledgement_changes_nothing(case: CoreCase, lobby: Log) -> None:
    outcomes = say(case, "one")
    [post] = case.link.all(m.Post)
    case.carry()
    case.receive(m.Posted(lobby.log, 0, [(post.id, 99, 0)]), m.Refused(post.id, "code", "text"))
    assert only(outcomes, Message).handle.seq == 3 and case.told(Ending) == []

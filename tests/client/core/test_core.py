"""When commands are carried out, that each has one outcome, and in which order all is told."""

from collections.abc import Callable

import pytest

from chat.client.core import commands as c
from chat.client.core.commands import Command
from chat.client.core.events import (
    Ended,
    Ending,
    Event,
    Invited,
    MessageArrived,
    MessageChanged,
    Noticed,
    Ready,
)
from chat.client.core.model import Handle, Message, MessageState, Refusal
from chat.client.core.rooms import Room
from chat.ids import LogId
from chat.limits import ClientLimits
from chat.rooms.roles import Action
from chat.testing.ids import ANY_LOG, ANY_RECORD
from chat.wire import messages as m
from tests.client.core.support import CoreCase, only, text
from tests.client.model import Log, ModelServer


@pytest.fixture
def server() -> ModelServer:
    return ModelServer()


@pytest.fixture
def lobby(server: ModelServer) -> Log:
    lobby = server.room("lobby", "bob")
    server.says("bob", lobby, "old")
    return lobby


@pytest.fixture
def case(server: ModelServer, lobby: Log) -> CoreCase:
    return CoreCase(server)


def all_commands(log: LogId = ANY_LOG) -> list[Command]:
    """Return a command of each kind."""
    message = Handle(log, ANY_RECORD, 3)
    return [
        *(c.Send(log, text("hello")), c.SendPrivate("bob", text("hello"))),
        *(c.Edit(message, "bye"), c.React(message, "👍"), c.Delete(message)),
        *(c.Create("python"), c.OpenPrivate("bob"), c.SetTopic(log, "all")),
        *(c.Invite(log, "cat"), c.Moderate(log, Action.MUTE, "bob"), c.SetSlowMode(log, 5)),
        *(c.MakeInvitation(log, 1, 60), c.MakeDeviceCode(), c.ListDevices()),
        *(c.RevokeDevice("x"), c.Rename("anna"), c.ListRooms(), c.ListMembers(log)),
        *(c.PageBack(log), c.Search("x"), c.Leave(log)),
    ]


# --- When ---


def test_before_the_first_login_what_is_asked_waits_for_it(case: CoreCase, lobby: Log) -> None:
    asked = {
        name: case.do(command)
        for name, command in (
            *(("rooms", c.ListRooms()), ("join", c.Create("python"))),
            *(("said", c.SendPrivate("bob", text("hello"))), ("code", c.MakeDeviceCode())),
        )
    }
    assert list(asked.values()) == [[], [], [], []]
    case.start().offer()
    assert case.link.sent == case.link.logins
    case.carry()
    assert {name: len(outcomes) for name, outcomes in asked.items()} == dict.fromkeys(asked, 1)
    assert only(asked["join"], Room) is case.room("python")
    assert only(asked["said"], Message).text == "hello"


def test_before_the_first_login_there_is_no_room_to_say_anything_in(
    case: CoreCase, lobby: Log
) -> None:
    outcomes = case.do(c.Send(lobby.log, text("hello")))
    assert only(outcomes, Refusal).code == "not_a_member"


def test_a_refused_login_does_not_answer_what_waits(case: CoreCase, server: ModelServer) -> None:
    server.account("ana")
    outcomes = case.do(c.ListRooms())
    case.enter()
    assert outcomes == []
    case.core.log_in_as("anna")
    case.carry()
    assert len(only(outcomes, tuple)) == 1


def test_without_a_connection_everything_waits_for_the_next(case: CoreCase, lobby: Log) -> None:
    case.enter()
    case.done(c.Send(lobby.log, text("hello")), Message)
    case.cut()
    asked = [case.do(command) for command in all_commands(lobby.log)]
    assert not any(asked) and not case.core.is_idle
    case.be_back()
    assert [len(outcomes) for outcomes in asked] == [1] * len(asked)
    assert case.core.is_idle


def test_what_was_asked_on_a_connection_that_is_lost_is_asked_again(
    case: CoreCase, lobby: Log
) -> None:
    case.enter()
    case.done(c.Send(lobby.log, text("hello")), Message)
    asked = [case.do(command) for command in all_commands(lobby.log)]
    for _ in range(3):
        case.cut()
        case.come_back()
        case.carry_until(m.Read)
    assert not any(asked)
    case.carry()
    assert [len(outcomes) for outcomes in asked] == [1] * len(asked)


def test_what_was_asked_is_asked_again_in_its_order(case: CoreCase) -> None:
    case.enter()
    case.do(c.ListRooms())
    case.do(c.ListDevices())
    case.cut()
    case.do(c.MakeDeviceCode())
    case.be_back()
    asked = [type(it) for it in case.link.sent if isinstance(it, m.Rooms | m.Devices | m.Code)]
    assert asked == [m.Rooms, m.Devices, m.Code]


def test_while_the_rooms_are_opened_requests_wait(case: CoreCase) -> None:
    case.start().offer()
    case.carry_until(m.Logs)
    outcomes = case.do(c.ListRooms())
    assert case.link.all(m.Rooms) == []
    case.carry()
    assert len(only(outcomes, tuple)) == 1


# --- After the end ---


def test_after_the_end_everything_is_refused_once(case: CoreCase, lobby: Log) -> None:
    case.enter()
    case.core.close()
    sent = len(case.link.sent)
    for is_gone in (False, True):
        if is_gone:
            case.cut()
        for command in all_commands(lobby.log):
            assert only(case.do(command), Refusal).code == "over"
    assert len(case.link.sent) == sent and case.core.is_idle


@pytest.mark.parametrize(
    "end",
    [
        lambda case: case.core.close(),
        lambda case: case.cut("It broke.", is_final=True),
        lambda case: case.core.peer_closed(12, None),
    ],
)
@pytest.mark.parametrize("is_online", [True, False])
def test_the_end_refuses_everything_that_waits_once(
    case: CoreCase, lobby: Log, is_online: bool, end: Callable[[CoreCase], None]
) -> None:
    case.enter()
    case.done(c.Send(lobby.log, text("hello")), Message)
    if not is_online:
        case.cut()
        case.come_back()
    asked = [case.do(command) for command in all_commands(lobby.log)]
    case.forget()
    end(case)
    case.carry()
    assert {only(outcomes, Refusal).code for outcomes in asked} == {"over"}
    assert [it.state for it in case.room().timeline] == [MessageState.STORED, MessageState.REFUSED]
    told = [type(it) for it in case.events if isinstance(it, Ending | Ended | MessageChanged)]
    assert told == [Ending, MessageChanged, Ended]


def test_what_waited_for_a_first_login_is_refused_with_it(case: CoreCase) -> None:
    outcomes = case.do(c.ListRooms())
    case.start()
    case.cut()
    assert only(outcomes, Refusal).code == "over"


# --- Listeners ---


def text_of(outcome: object) -> str:
    """Return the text of a message that was stored."""
    assert isinstance(outcome, Message)
    return outcome.text


def test_a_listener_may_ask_for_something(case: CoreCase, server: ModelServer, lobby: Log) -> None:
    order: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, MessageArrived):
            order.append(f"heard {event.message.text}")
            answer = c.Send(event.room.log, text(f"re: {event.message.text}"), event.message.handle)
            case.core.do(answer, lambda outcome: order.append(f"said {text_of(outcome)}"))
            order.append("asked")
        elif isinstance(event, MessageChanged):
            order.append(f"{event.message.state.name} {event.message.text}")

    case.enter()
    case.hear = hear
    server.says("bob", lobby, "one")
    case.carry()
    assert order == [
        *("heard one", "asked", "WAITING re: one", "STORED re: one", "said re: one"),
    ]
    assert lobby.texts() == ["old", "one", "re: one"]


def test_a_listener_never_gets_an_outcome_before_it_has_returned(case: CoreCase) -> None:
    order: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, Ready):
            # Refused without a question to anybody.
            case.core.do(c.Send(ANY_LOG, text("x")), lambda outcome: order.append("refused"))
            case.core.do(c.Rename(""), lambda outcome: order.append("refused as well"))
            case.core.do(c.Join("lobby"), lambda outcome: order.append("there already"))
            order.append("returned")

    case.hear = hear
    case.enter()
    assert order == ["returned", "refused", "refused as well", "there already"]


def test_what_takes_an_outcome_may_ask_for_more(case: CoreCase) -> None:
    case.enter()
    joined: list[object] = []

    def go_on(outcome: object) -> None:
        joined.append(outcome)
        if len(joined) < 4:
            case.core.do(c.Create(f"room-{len(joined)}"), go_on)

    case.core.do(c.Create("room-0"), go_on)
    case.carry()
    assert joined == [case.room(f"room-{number}") for number in range(4)]


def test_events_and_outcomes_come_in_the_order_in_which_they_happened(
    case: CoreCase, lobby: Log
) -> None:
    case.enter()
    order: list[str] = []

    def hear(event: Event) -> None:
        match event:
            case MessageChanged(message=message):
                order.append(f"{message.text} {message.state.name}")

    case.hear = hear
    for words in ("one", "two"):
        case.core.do(
            c.Send(lobby.log, text(words)),
            lambda outcome: order.append(f"outcome of {text_of(outcome)}"),
        )
    one, two = case.link.all(m.Post)
    case.receive(m.Posted(lobby.log, 9, [(two.id, 9, 0), (one.id, 6, 0)]))
    assert order == [
        *("one WAITING", "two WAITING"),
        *("two STORED", "outcome of two", "one STORED", "outcome of one"),
    ]


def test_a_listener_may_close(case: CoreCase, server: ModelServer, lobby: Log) -> None:
    case.enter()
    outcomes = case.do(c.ListRooms())

    def hear(event: Event) -> None:
        if isinstance(event, MessageArrived):
            case.core.close()

    case.hear = hear
    for words in ("one", "two"):
        server.says("bob", lobby, words)
    case.carry()
    assert [it.message.text for it in case.told(MessageArrived)] == ["one"]
    assert only(outcomes, Refusal).code == "over"
    assert isinstance(case.events[-1], Ended)


def test_a_listener_that_fails_is_told_the_rest_with_the_next_event(
    case: CoreCase, server: ModelServer, lobby: Log
) -> None:
    case.enter()
    outcomes = case.do(c.Send(lobby.log, text("mine")))

    def fail(event: Event) -> None:
        case.hear = lambda event: None
        raise RuntimeError("a bug in a face")

    case.hear = fail
    with pytest.raises(RuntimeError):
        case.carry()
    assert outcomes == []
    case.core.tick()
    assert only(outcomes, Message) == case.message("mine")


# --- What the server tells without being asked ---


def test_a_notice_is_handed_on(case: CoreCase) -> None:
    case.enter()
    case.receive(m.Notice("bob has muted you."))
    assert case.told(Noticed) == [Noticed("bob has muted you.")]


def test_an_invitation_is_told_once_and_kept_until_it_is_taken_up(
    case: CoreCase, server: ModelServer
) -> None:
    club = server.room("club", "bob", kind="invite")
    case.register()
    club.invited.add(server.account("ana"))
    case.enter()
    assert case.told(Invited) == [Invited("club", "bob")]
    assert list(case.core.invitations) == [("club", "bob")]
    case.cut()
    case.be_back()
    assert len(case.told(Invited)) == 1
    case.done(c.Join("CLUB"), Room)
    assert list(case.core.invitations) == []
    case.receive(m.Invited("club", "bob"))
    assert len(case.told(Invited)) == 2


def test_an_invitation_that_cannot_be_taken_up_stays(case: CoreCase, server: ModelServer) -> None:
    case.enter()
    server.room("club", "bob", kind="invite")
    case.receive(m.Invited("club", "bob"))
    case.done(c.Join("club"), Refusal)
    assert list(case.core.invitations) == [("club", "bob")]


def test_only_so_many_invitations_are_remembered(server: ModelServer) -> None:
    case = CoreCase(server, limits=ClientLimits(invitations=2)).enter()
    for name in ("one", "two", "three", "two"):
        case.receive(m.Invited(name, "bob"))
    assert list(case.core.invitations) == [("two", "bob"), ("three", "bob")]
    assert len(case.told(Invited)) == 3

"""The state of the connection, from the first attempt to the end, and what is told of it."""

import pytest

from chat.client.core.events import (
    ConnectionChanged,
    Ended,
    Ending,
    Event,
    HostKeyPinned,
    LoggedIn,
    LoginRefused,
    Ready,
    RoomsListed,
    TrustAsked,
)
from chat.client.core.model import Account, Connection, End, Phase, Refusal
from chat.client.core.reconnect import LOST
from chat.wire import messages as m
from chat.wire.errors import CloseCode
from chat.wire.hostkey import HostKey, fingerprint, fingerprint_words
from tests.client.core.support import CoreCase
from tests.client.support import ADDRESS, KEY, OTHER_KEY


@pytest.fixture
def case() -> CoreCase:
    return CoreCase()


def phases(case: CoreCase) -> list[Phase]:
    """Return the phases that were told since the last question, each once it was so."""
    told = [it.connection.phase for it in case.told(ConnectionChanged)]
    case.forget()
    return told


# --- The way there ---


def test_before_anything_it_is_idle(case: CoreCase) -> None:
    assert case.core.connection == Connection(Phase.IDLE, "", None)
    assert case.connects == 0 and not case.core.has_been_online and case.core.is_idle


def test_the_first_login_comes_in_three_steps(case: CoreCase) -> None:
    case.start()
    assert case.core.connection.phase is Phase.CONNECTING
    case.offer()
    assert case.core.connection.phase is Phase.CONNECTING
    case.carry()
    assert case.core.connection == Connection(Phase.ONLINE)
    assert case.core.has_been_online
    assert phases(case) == [Phase.CONNECTING, Phase.SYNCING, Phase.ONLINE]


def test_what_is_told_is_in_the_model_already(case: CoreCase) -> None:
    met: list[tuple[Connection, Connection]] = []

    def hear(event: Event) -> None:
        if isinstance(event, ConnectionChanged):
            met.append((event.connection, case.core.connection))

    case.hear = hear
    case.enter()
    case.cut()
    assert len(met) == 4 and all(told == now for told, now in met)


def test_on_the_first_login_it_is_told_who_one_is_and_which_rooms_follow(case: CoreCase) -> None:
    for name, kind in (("zoo", "public"), ("art", "invite")):
        case.server.room(name, "ana", "bob", kind=kind)
    case.server.private("ana", "bob")
    case.register().enter()
    account = Account(case.server.account("ana"), "ana")
    assert case.core.account == account
    assert case.told(LoggedIn) == [LoggedIn(account, "ana")]
    assert case.told(RoomsListed) == [RoomsListed(["art", "zoo"])]
    assert case.told(Ready) == [Ready(True)]
    case.forget()
    case.cut()
    case.be_back()
    assert case.told(RoomsListed) == [] and case.told(Ready) == [Ready(False)]


def test_whoever_is_in_no_room_joins_the_home_if_there_is_one() -> None:
    for home, rooms in (("den", ["den"]), (None, [])):
        case = CoreCase(home=home).enter()
        assert [room.name for room in case.core.rooms] == rooms
        assert case.told(RoomsListed) == [RoomsListed(rooms)]
        assert case.core.connection.phase is Phase.ONLINE


def test_a_nickname_that_is_none_is_refused_without_a_connection(case: CoreCase) -> None:
    for nick, code in (
        *(("", "nick_empty"), ("two words", "nick_invalid"), ("x" * 33, "nick_too_long")),
        *(("\ud800", "nick_invalid"), ("x" * 100_000, "nick_too_long")),
    ):
        case.core.log_in_as(nick)
        assert case.last(LoginRefused).refusal.code == code
    assert case.connects == 0 and case.core.connection.phase is Phase.IDLE


def test_after_a_refusal_another_nickname_is_tried_on_the_same_connection(case: CoreCase) -> None:
    case.server.account("ana")
    case.enter()
    taken = Refusal("nick_taken", "The nickname ana is taken.")
    assert case.core.connection == Connection(Phase.LOGIN_REFUSED, taken.text)
    assert case.told(LoginRefused) == [LoginRefused(taken)]
    assert case.keys.discarded == ["ana"]
    case.core.log_in_as("anna")
    case.carry()
    assert case.core.connection == Connection(Phase.ONLINE)
    assert case.core.account.nick == "anna" and case.connects == 1
    assert phases(case)[1:] == [
        *(Phase.LOGIN_REFUSED, Phase.CONNECTING, Phase.SYNCING, Phase.ONLINE)
    ]


def test_logs_that_cannot_be_listed_end_it(case: CoreCase) -> None:
    case.server.refusals[m.Logs] = "not_read", "The store could not be read."
    case.enter()
    assert case.told(Ending) == [Ending(End.REFUSED, ("The store could not be read.",))]


# --- The host key ---


def test_a_new_host_key_is_asked_about_without_a_connection() -> None:
    case = CoreCase(can_ask=True).start()
    case.offer(is_loopback=False)
    assert case.link.closed is CloseCode.NORMAL and case.link.sent == []
    assert not case.is_dialing
    assert case.core.connection == Connection(Phase.ASKING_TRUST)
    words = fingerprint_words(KEY).split()
    assert case.told(TrustAsked) == [TrustAsked(ADDRESS, fingerprint(KEY), words)]
    case.cut()
    assert case.core.connection.phase is Phase.ASKING_TRUST
    case.core.answer_trust(True)
    assert case.told(HostKeyPinned) == [HostKeyPinned(ADDRESS, fingerprint(KEY), False)]
    case.be_back()
    assert phases(case) == [
        *(Phase.CONNECTING, Phase.ASKING_TRUST, Phase.CONNECTING),
        *(Phase.SYNCING, Phase.ONLINE),
    ]
    assert case.connects == 2


def test_a_host_key_that_is_declined_ends_it() -> None:
    case = CoreCase(can_ask=True).start()
    case.offer(is_loopback=False)
    case.cut()
    case.core.answer_trust(False)
    sentence = "The host key was not accepted."
    assert case.core.connection == Connection(Phase.OVER, sentence)
    assert case.told(Ending) == [Ending(End.HOST_KEY, (sentence,))]
    assert len(case.told(Ended)) == 1


def test_an_answer_that_nobody_asked_for_changes_nothing(case: CoreCase) -> None:
    case.core.answer_trust(True)
    case.enter()
    case.forget()
    case.core.answer_trust(False)
    assert case.events == [] and case.core.connection.phase is Phase.ONLINE


def test_a_successor_is_told_of_as_one() -> None:
    old = HostKey.generate()
    new = old.succeed()
    case = CoreCase().start()
    case.offer(old.public)
    case.carry()
    case.cut()
    case.connected()
    case.offer(new.public, new.successions, is_loopback=False)
    assert case.last(HostKeyPinned) == HostKeyPinned(ADDRESS, new.fingerprint, True)


def test_a_changed_host_key_ends_it_with_what_to_do(case: CoreCase) -> None:
    case.enter()
    case.cut()
    case.connected()
    case.offer(OTHER_KEY)
    [ending] = case.told(Ending)
    assert ending.end is End.HOST_KEY and "CHANGED" in ending.sentences[0]
    assert "the test's pins" in ending.sentences[-1]
    assert case.core.connection.phase is Phase.OVER and case.link.sent == []


# --- Losses ---


def test_a_lost_connection_is_waited_for_with_a_reason_and_a_time(case: CoreCase) -> None:
    case.enter()
    case.forget()
    case.cut("The server has fallen silent.")
    waiting = Connection(Phase.WAITING, "The server has fallen silent.", None)
    assert case.core.connection == waiting
    assert case.core.retry_delay(100) == 1.5
    timed = Connection(Phase.WAITING, "The server has fallen silent.", 101.5)
    assert case.core.connection == timed
    assert case.events == [ConnectionChanged(waiting), ConnectionChanged(timed)]
    case.be_back()
    assert case.core.connection == Connection(Phase.ONLINE)
    assert case.core.has_been_online


def test_each_attempt_that_fails_has_its_reason_and_its_time(case: CoreCase) -> None:
    case.enter()
    case.cut()
    case.core.retry_delay(100)
    case.connected()
    case.cut("The server did not answer in time.")
    assert case.core.connection == Connection(
        Phase.WAITING, "The server did not answer in time.", None
    )
    case.core.retry_delay(200)
    assert case.core.connection.retry_at == 202
    case.core.retry_delay(300)
    assert case.core.connection.retry_at == 302.75


def test_what_the_server_says_counts_more_than_that_it_hung_up(case: CoreCase) -> None:
    case.enter()
    case.closed(CloseCode.SHUTDOWN, 20)
    assert case.core.connection == Connection(Phase.WAITING, "The server is stopping.", None)
    assert case.core.retry_delay(0) == 25
    case.connected()
    case.cut()
    assert case.core.connection.reason == LOST


def test_a_connection_that_came_back_is_lost_with_a_short_delay_again(case: CoreCase) -> None:
    case.enter()
    for _ in range(5):
        case.cut()
        case.core.retry_delay(0)
        case.connected()
    case.cut()
    assert case.core.retry_delay(0) > 5
    case.be_back()
    case.cut()
    assert case.core.retry_delay(0) == 1.5


def test_a_busy_server_is_waited_for_from_the_start(case: CoreCase) -> None:
    case.start()
    case.closed(CloseCode.BUSY)
    assert case.core.connection.phase is Phase.WAITING
    assert "too many connections" in case.core.connection.reason
    assert not case.core.has_been_online
    case.be_back()
    assert case.core.connection == Connection(Phase.ONLINE)


def test_a_delay_without_a_loss_is_no_time_to_wait_for(case: CoreCase) -> None:
    case.start()
    case.forget()
    case.core.retry_delay(100)
    assert case.events == [] and case.core.connection.phase is Phase.CONNECTING


def test_the_end_of_a_connection_that_was_given_up_means_nothing() -> None:
    case = CoreCase(can_ask=True).start()
    case.offer(is_loopback=False)
    given_up = case.link
    case.core.answer_trust(True)
    case.be_back()
    case.forget()
    case.core.disconnected(given_up, LOST)
    assert case.events == []


# --- Ends ---


def check_end(case: CoreCase, end: End, *sentences: str) -> None:
    """Check that it is over, once and in order."""
    endings = [it for it in case.events if isinstance(it, Ending | Ended)]
    assert endings == [Ending(end, sentences), Ended()]
    assert isinstance(case.events[-1], Ended)
    assert case.core.connection == Connection(Phase.OVER, " ".join(sentences))
    assert not case.is_dialing


def test_a_first_connection_that_cannot_be_made_is_the_last(case: CoreCase) -> None:
    case.core.log_in_as("ana")
    case.core.disconnected(None, "Nothing listens there.")
    check_end(case, End.CONNECTION, "Nothing listens there.")


def test_a_first_connection_that_is_lost_before_the_login_is_the_last(case: CoreCase) -> None:
    case.start().offer()
    case.cut()
    check_end(case, End.CONNECTION, LOST)


def test_a_first_connection_that_is_closed_is_the_last(case: CoreCase) -> None:
    case.start()
    case.closed(CloseCode.SHUTDOWN, 5)
    sentence = "The server is stopping. It says to come back in 5 seconds."
    check_end(case, End.CONNECTION, sentence)


def test_a_final_loss_is_the_end(case: CoreCase) -> None:
    case.enter()
    case.cut("The server broke the protocol.", is_final=True)
    check_end(case, End.CONNECTION, "The server broke the protocol.")


def test_a_final_close_is_the_end_when_the_connection_has_ended(case: CoreCase) -> None:
    case.enter()
    case.core.peer_closed(CloseCode.REMOVED, None)
    assert len(case.told(Ending)) == 1 and case.told(Ended) == []
    case.cut()
    check_end(case, End.CONNECTION, "You may not be on this server any more.")


def test_a_login_that_is_refused_later_is_the_end(case: CoreCase) -> None:
    case.enter()
    case.cut()
    case.come_back()
    case.refuse(case.link.logins[0], "You are banned.", "banned")
    case.carry()
    check_end(case, End.REFUSED, "You are banned.")


def test_closing_says_nothing_and_waits_for_the_connection_to_end(case: CoreCase) -> None:
    case.enter()
    case.core.close()
    assert case.link.closed is CloseCode.NORMAL and case.told(Ended) == []
    case.core.close()
    case.carry()
    check_end(case, End.CLOSED)


@pytest.mark.parametrize("stage", ["idle", "dialing", "asking", "waiting"])
def test_without_a_connection_closing_is_the_end_at_once(stage: str) -> None:
    case = CoreCase(can_ask=True)
    if stage == "dialing":
        case.core.log_in_as("ana")
    elif stage == "asking":
        case.start().offer(is_loopback=False)
    elif stage == "waiting":
        case.enter()
        case.cut()
    case.core.close()
    check_end(case, End.CLOSED)


def test_nothing_is_told_after_the_end(case: CoreCase) -> None:
    case.enter()
    lobby = case.server.room("lobby")
    case.server.says("bob", lobby, "late")
    case.core.close()
    case.forget()
    case.carry_down()
    case.receive(m.Removed(lobby.log, "Out."), m.Notice("late"))
    case.core.peer_closed(CloseCode.SHUTDOWN, None)
    case.core.tick()
    assert case.events == [] and case.texts() == []

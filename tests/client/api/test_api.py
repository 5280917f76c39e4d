"""The API for bots, on a whole server in this process."""

from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from chat.client.api import (
    ChatError,
    Client,
    ConnectionFailedError,
    Message,
    OverrunError,
    RefusedError,
    Room,
)
from chat.client.core import commands
from chat.ids import MessageId
from chat.limits import Limits
from chat.server.connections.protocol import ChatProtocol
from chat.testing import Server
from chat.testing.bots import connect
from chat.wire.errors import CloseCode
from chat.wire.messages import Post, Private, Refused, TextBody

CASES: list["Case"] = []


class Case:
    """A server, and a bot that is connected to it."""

    def __init__(self, home: Path, nick: str = "bot", server: Server | None = None) -> None:
        self.server = Server() if server is None else server
        self.home = home
        self.stop: Deferred[None] = Deferred()
        self.client: Client | None = None
        self.bot: Deferred[None] = Deferred.fromCoroutine(self._live(nick))
        CASES.append(self)
        self.server.pump()

    async def _live(self, nick: str) -> None:
        async with connect(self.server, nick=nick, home=self.home) as self.client:
            await self.stop

    def run(self, coroutine: Coroutine[Deferred[Any], Any, Any]) -> Any:
        """Run a coroutine to its end, and return what it returns."""
        results: list[Any] = []
        running = Deferred.fromCoroutine(coroutine).addBoth(results.append)
        self.server.pump()
        assert results, "it does not end"
        if isinstance(results[0], Failure):
            results[0].raiseException()
        running.addErrback(lambda _: None)
        return results[0]

    def start(self, coroutine: Coroutine[Deferred[Any], Any, Any]) -> list[Any]:
        """Start a coroutine; the list gets what comes of it."""
        results: list[Any] = []
        Deferred.fromCoroutine(coroutine).addBoth(results.append)
        self.server.pump()
        return results

    def join(self, name: str = "lobby") -> Room:
        """Let the bot join a room."""
        assert self.client is not None
        room = self.run(self.client.join(name))
        assert isinstance(room, Room)
        return room

    def close(self) -> None:
        """Let the bot leave, if it has not."""
        if not self.stop.called:
            self.stop.callback(None)
        self.server.pump()
        assert self.bot.called


@pytest.fixture(autouse=True)
def nobody_is_left() -> Iterator[None]:
    yield
    while CASES:
        CASES.pop().close()


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


async def take(room: Room | Client, count: int) -> list[tuple[str, str]]:
    """Return the next messages: nickname and text."""
    taken = []
    async for message in room:
        taken.append((message.nick, message.text))
        if len(taken) == count:
            break
    return taken


def test_it_logs_in_joins_nothing_by_itself_and_leaves(case: Case) -> None:
    assert case.client is not None and case.client.nick == "bot"
    assert list(case.client.rooms) == []
    assert case.client is not None
    room = case.run(case.client.create("den"))
    assert (room.name, room.topic, room.is_private, repr(room)) == (
        "den",
        "",
        False,
        "<Room 'den'>",
    )
    assert list(case.client.rooms) == [room] and case.join("den") is room
    case.close()
    assert case.server.peers[0].transport.is_lost


def test_what_is_said_is_iterated_over_in_order(case: Case) -> None:
    alice, bob = case.server.enter("alice", "bob")
    room = case.join()
    alice.say("one")
    taken = case.start(take(room, 3))
    bob.say("two")
    assert taken == []
    case.run(room.send("my own is not said by others"))
    alice.say("three")
    assert taken == [[("alice", "one"), ("bob", "two"), ("alice", "three")]]


def test_everything_said_anywhere_is_in_the_clients_own_iteration(case: Case) -> None:
    [alice] = case.server.enter("alice")
    case.join()
    assert case.client is not None
    private = case.run(case.client.private("alice"))
    assert private.is_private and private.name == "alice"
    alice.ask(Private(90, "bot"))
    alice.post("to all")
    alice.post("to you", room="bot")
    taken = case.run(take(case.client, 2))
    assert taken == [("alice", "to all"), ("alice", "to you")]


def test_a_bot_answers_requests_those_that_wait_first(case: Case) -> None:
    alice, bob, eve = case.server.enter("alice", "bob", "eve")
    client = case.client
    assert client is not None
    alice.ask(Private(90, "bot"))
    alice.say("are you there?", "bot")

    async def serve() -> None:
        async for request in client.requests():
            if request.nick == "eve":
                await request.decline()
                continue
            room = await request.accept()
            said = [message.text for message in await room.history()]
            await room.send(f"hello {request.nick}, {said}, {request!r}")

    results = case.start(serve())
    assert alice.texts == [("bot", "hello alice, ['are you there?'], <Request of 'alice'>")]
    for other in (eve, bob):
        other.ask(Private(90, "bot"))
        other.say("and me?", "bot")
    case.server.pump()
    assert bob.texts == [("bot", "hello bob, [], <Request of 'bob'>")] and eve.texts == []
    case.run(client.block("bob"))
    refused = bob.ask(Post(91, bob.log("bot"), MessageId(bytes(16)), "still?"))
    assert isinstance(refused, Refused) and refused.code == "not_welcome"
    case.run(client.unblock("bob"))
    case.close()
    assert results == [None]


def test_who_waits_for_requests_hears_of_the_end(case: Case) -> None:
    assert case.client is not None

    async def first() -> None:
        assert case.client is not None
        async for _ in case.client.requests():
            pass

    results = case.start(first())
    end = case.server.peers[0].transport.protocol
    assert isinstance(end, ChatProtocol)
    end.close(CloseCode.REMOVED, "a test")
    case.server.advance(5)
    assert isinstance(results[0].value, ConnectionFailedError)


def test_a_message_is_answered_edited_deleted_and_reacted_to(case: Case) -> None:
    [alice] = case.server.enter("alice")
    room = case.join()
    question = alice.say("what time is it?")

    async def answer() -> Message:
        async for message in room:
            reply = await message.reply("late")
            await message.react("⏰")
            await reply.edit("very late")
            return reply
        raise AssertionError

    reply = case.run(answer())
    bodies = [it.body for it in alice.delivered if getattr(it.body, "nick", "") == "bot"][-3:]
    assert isinstance(bodies[0], TextBody)
    assert (bodies[0].text, bodies[0].reply) == ("late", question)
    assert [type(body).__name__ for body in bodies] == ["TextBody", "ReactionBody", "EditBody"]
    assert (reply.nick, reply.is_own, reply.room, reply.text) == ("bot", True, room, "late")
    assert reply.details.reply is not None and reply.details.reply.seq == question
    assert reply.time >= 0 and "late" in repr(reply)
    case.run(reply.delete())
    assert type(alice.delivered[-1].body).__name__ == "DeleteBody"


def test_history_goes_back_as_far_as_there_is_anything(case: Case) -> None:
    [alice] = case.server.enter("alice")
    for number in range(70):
        alice.post(str(number))
    case.server.pump()
    room = case.join()
    latest = case.run(room.history(60))
    assert [message.text for message in latest] == [str(number) for number in range(10, 70)]
    assert [message.text for message in case.run(room.history())] == [str(n) for n in range(10)]
    assert case.run(room.history()) == []
    case.run(latest[-1].react("👍"))


def test_search_and_members(case: Case) -> None:
    [alice] = case.server.enter("alice")
    room = case.join()
    alice.say("red apple")
    alice.say("green apple")
    assert case.client is not None
    found = case.run(case.client.search("apple"))
    assert [message.text for message in found] == ["green apple", "red apple"]
    assert found[0].room is room
    members = case.run(room.members())
    assert {(member.nick, member.is_here) for member in members} == {("alice", True), ("bot", True)}
    case.run(case.client.do(commands.SetTopic(room._state.log, "fruit")))
    assert room.topic == "fruit"


def test_a_refusal_is_an_exception_with_its_code(case: Case) -> None:
    room = case.join()
    assert case.client is not None
    for refused, code in (
        (room.send(""), "text_empty"),
        (room.send("x" * 20_000), "text_too_long"),
        (room.send("a\ud800"), "invalid"),
        (case.client.join("den"), "no_such_room"),
        (case.client.create("two words"), "room_invalid"),
        (case.client.private("nobody"), "no_such_nick"),
        (case.client.search("\ud800"), "invalid"),
    ):
        with pytest.raises(RefusedError) as caught:
            case.run(refused)
        assert caught.value.code == code and str(caught.value)


def test_leaving_ends_the_iteration_over_the_room(case: Case) -> None:
    room = case.join()
    taken = case.start(take(room, 1))
    case.run(room.leave())
    assert taken == [[]]
    assert case.client is not None and list(case.client.rooms) == []


def test_a_lost_connection_comes_back_and_nothing_is_missing(case: Case) -> None:
    [alice] = case.server.enter("alice")
    room = case.join()
    taken = case.start(take(room, 2))
    alice.say("before")
    assert case.client is not None
    cut = case.server.peers[0].transport
    cut.abortConnection()
    case.server.pump()
    alice.say("meanwhile")
    sent = case.start(room.send("when I am back"))
    case.server.advance(5)
    assert taken == [[("alice", "before"), ("alice", "meanwhile")]]
    assert [message.text for message in sent] == ["when I am back"]
    assert alice.texts[-1] == ("bot", "when I am back")


def test_a_bot_that_starts_again_gets_what_it_has_not_read(tmp_path: Path) -> None:
    first = Case(tmp_path)
    [alice] = first.server.enter("alice")
    room = first.join()
    for text in ("one", "two", "three"):
        alice.say(text)

    async def read_two() -> None:
        texts = []
        async for message in room:
            texts.append(message.text)
            if message.text == "three":
                return

    first.run(read_two())
    first.close()
    alice.say("four")
    second = Case(tmp_path, server=first.server)
    assert second.run(take(second.join(), 2)) == [("alice", "three"), ("alice", "four")]


def test_a_bot_that_only_speaks_has_read_everything(tmp_path: Path) -> None:
    first = Case(tmp_path)
    [alice] = first.server.enter("alice")
    first.join()
    alice.say("for nobody")
    first.close()
    second = Case(tmp_path, server=first.server)
    alice.say("new")
    assert second.run(take(second.join(), 1)) == [("alice", "new")]


def test_a_program_that_reads_too_slowly_is_told(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.client.api._FEED", 2)
    [alice] = case.server.enter("alice")
    room = case.join()
    for number in range(3):
        alice.say(str(number))
    with pytest.raises(OverrunError):
        case.run(take(room, 1))
    assert case.run(take(room, 1)) == [("alice", "1")]


def test_a_taken_nickname_is_refused(tmp_path: Path) -> None:
    server = Server()
    server.enter("bot")
    case = Case(tmp_path, server=server)
    with pytest.raises(RefusedError) as caught:
        failed: list[Failure] = []
        case.bot.addErrback(failed.append)
        failed[0].raiseException()
    assert caught.value.code == "nick_taken"
    assert list(tmp_path.glob("identity*")) == []


def test_a_server_that_goes_for_good_ends_everything(case: Case) -> None:
    room = case.join()
    assert case.client is not None
    iterations = [case.start(take(room, 1)), case.start(take(case.client, 1))]
    end = case.server.peers[0].transport.protocol
    assert isinstance(end, ChatProtocol)
    end.close(CloseCode.REMOVED, "for good")
    case.server.advance(5)
    for [failure] in iterations:
        assert isinstance(failure.value, ConnectionFailedError)
    with pytest.raises(RefusedError) as caught:
        case.run(room.send("too late"))
    assert caught.value.code == "over"
    case.close()


@pytest.mark.parametrize("address", ["", "a b", "encchat://x/#SHA256:short", "host:0"])
def test_what_is_no_address_is_an_error(tmp_path: Path, address: str) -> None:
    from chat.client.api import connect as connect_over

    async def main() -> None:
        async with connect_over(address, nick="bot", home=tmp_path):
            raise AssertionError

    failed: list[Failure] = []
    Deferred.fromCoroutine(main()).addErrback(failed.append)
    assert isinstance(failed[0].value, ChatError)


def test_a_link_leads_to_its_room(tmp_path: Path) -> None:
    from chat.client.api import connect as connect_over
    from chat.testing.bots import ServerEndpoint

    server = Server(limits=Limits())

    async def main() -> list[str]:
        async with connect_over(
            "encchat://localhost/lobby",
            nick="bot",
            home=tmp_path,
            reactor=server.clock,
            endpoint=ServerEndpoint(server),
        ) as client:
            return [room.name for room in client.rooms]

    names: list[object] = []
    Deferred.fromCoroutine(main()).addBoth(names.append)
    server.pump()
    assert names == [["lobby"]]

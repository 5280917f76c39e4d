"""Whatever is cut when: the model is that of the log, and every command has one outcome."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from chat.client.core.commands import (
    Command,
    Delete,
    Edit,
    ListMembers,
    PageBack,
    React,
    Send,
    SendPrivate,
    SetTopic,
)
from chat.client.core.events import MessageArrived, MessageChanged, MessageDeleted, Page
from chat.client.core.model import Handle, Message, MessageState, Refusal
from chat.client.core.rooms import Room
from chat.wire.messages import DeleteBody, EditBody, ReactionBody, TextBody
from tests import machine
from tests.client.core.naive import read, shown
from tests.client.core.support import CoreCase, text
from tests.client.model import ModelServer

SOME = st.integers(0, 6)
ANY = st.integers(0, 99)
SIGNS = st.sampled_from(["👍", "♥", ""])


class Sessions(RuleBasedStateMachine):
    """Ana at her core, bob in the same room, and a network that does its worst."""

    @initialize(before=st.integers(0, 5))
    def begin(self, before: int) -> None:
        self.server = ModelServer()
        self.lobby = self.server.room("lobby", "bob")
        self.bob = self.server.account("bob")
        self.number = 0
        for _ in range(before):
            self.bob_says(0, False)
        self.case = CoreCase(self.server).enter()
        self.asked: list[tuple[Command, list[object]]] = []
        self.handles: list[Handle] = []
        """Of messages of ana's, as she had them first."""

    def teardown(self) -> None:
        if hasattr(self, "case"):
            self.check()

    @property
    def is_connected(self) -> bool:
        return self.case.link.session is not None

    @property
    def room(self) -> Room:
        return self.case.room()

    def next_text(self) -> str:
        self.number += 1
        return f"text-{self.number}"

    def said_by_bob(self) -> list[int]:
        return [
            it.seq
            for it in self.lobby.records
            if isinstance(it.body, TextBody) and it.body.account == self.bob
        ]

    # --- What bob does ---

    @rule(which=ANY, is_reply=st.booleans())
    def bob_says(self, which: int, is_reply: bool) -> None:
        reply = 3 * (which % 20) + 3 if is_reply else None
        self.server.says("bob", self.lobby, self.next_text(), reply)

    @precondition(lambda self: self.said_by_bob())
    @rule(which=ANY)
    def bob_edits(self, which: int) -> None:
        said = self.said_by_bob()
        body = EditBody(0, self.bob, "bob", said[which % len(said)], self.next_text())
        self.server.add(self.lobby, body)

    @precondition(lambda self: self.said_by_bob())
    @rule(which=ANY)
    def bob_deletes(self, which: int) -> None:
        said = self.said_by_bob()
        said += [
            it.seq
            for it in self.lobby.records
            if isinstance(it.body, EditBody) and it.body.account == self.bob
        ]
        self.server.add(self.lobby, DeleteBody(0, self.bob, "bob", said[which % len(said)]))

    @precondition(lambda self: any(isinstance(it.body, TextBody) for it in self.lobby.records))
    @rule(which=ANY, sign=SIGNS)
    def bob_reacts(self, which: int, sign: str) -> None:
        said = [it.seq for it in self.lobby.records if isinstance(it.body, TextBody)]
        body = ReactionBody(0, self.bob, "bob", said[which % len(said)], sign)
        self.server.add(self.lobby, body)

    # --- What ana does ---

    def do(self, command: Command) -> None:
        self.asked.append((command, self.case.do(command)))

    def any_handle(self, which: int) -> Handle | None:
        """Return a handle that ana has, old or new."""
        handles = self.handles + [message.handle for message in self.room.timeline]
        return handles[which % len(handles)] if handles else None

    @rule(which=ANY, is_reply=st.booleans())
    def ana_says(self, which: int, is_reply: bool) -> None:
        target = self.any_handle(which) if is_reply else None
        self.do(Send(self.lobby.log, text(self.next_text()), target))
        *_, message = self.room.timeline
        assert message.state is MessageState.WAITING
        self.handles.append(message.handle)

    @precondition(lambda self: self.handles)
    @rule(which=ANY, is_deletion=st.booleans())
    def ana_changes(self, which: int, is_deletion: bool) -> None:
        handle = self.handles[which % len(self.handles)]
        self.do(Delete(handle) if is_deletion else Edit(handle, self.next_text()))

    @rule(which=ANY, sign=SIGNS)
    def ana_reacts(self, which: int, sign: str) -> None:
        handle = self.any_handle(which)
        if handle is not None:
            self.do(React(handle, sign))

    @rule(limit=st.integers(1, 4))
    def ana_pages_back(self, limit: int) -> None:
        self.do(PageBack(self.lobby.log, limit))

    @rule()
    def ana_asks_for_more(self) -> None:
        self.do(ListMembers(self.lobby.log))
        self.do(SetTopic(self.lobby.log, self.next_text()))
        self.do(SendPrivate("bob", text(self.next_text())))

    @rule(back=SOME)
    def ana_reads(self, back: int) -> None:
        self.case.core.mark_read(self.room, self.room.cursor - 3 * back)
        self.case.core.tick()

    # --- What the network does ---

    @precondition(lambda self: self.is_connected)
    @rule(ups=SOME, downs=SOME)
    def carry_some(self, ups: int, downs: int) -> None:
        for _ in range(ups):
            self.case.carry_up()
        for _ in range(downs):
            self.case.carry_down()

    @precondition(lambda self: self.is_connected)
    @rule()
    def carry_all(self) -> None:
        self.case.carry()

    @precondition(lambda self: self.is_connected)
    @rule()
    def be_slow(self) -> None:
        session = self.case.session
        session.is_slow = not session.is_slow
        if not session.is_slow:
            session.catch_up()

    @precondition(lambda self: self.is_connected)
    @rule(ups=SOME)
    def cut(self, ups: int) -> None:
        # What reached the server, but whose answers are lost, is what matters most.
        for _ in range(ups):
            self.case.carry_up()
        self.case.cut()

    @precondition(lambda self: not self.is_connected)
    @rule(is_quick=st.booleans())
    def come_back(self, is_quick: bool) -> None:
        self.case.come_back()
        if is_quick:
            self.case.carry()

    # --- At rest ---

    def check(self) -> None:
        """Let everything come to rest, and compare."""
        if not self.is_connected:
            self.case.come_back()
        self.case.carry()
        self.case.session.is_slow = False
        self.case.session.catch_up()
        self.case.carry()
        assert self.case.core.is_idle
        self.check_outcomes()
        self.check_timeline()
        self.check_events()

    def check_outcomes(self) -> None:
        for command, outcomes in self.asked:
            [outcome] = outcomes
            assert not isinstance(outcome, Refusal), command
            if isinstance(command, Send):
                assert isinstance(outcome, Message) and outcome.content == command.content
        numbers = [
            item.handle.seq
            for _, [outcome] in self.asked
            if isinstance(outcome, Page)
            for item in outcome.items
            if isinstance(item, Message)
        ]
        assert len(numbers) == len(set(numbers))

    def check_timeline(self) -> None:
        room, records = self.room, self.lobby.records
        there = {it.seq: it.body for it in records if it.seq >= room.oldest}
        assert shown(room.timeline) == read(there)
        for message in room.timeline:
            assert message.state is MessageState.STORED
            assert message.is_own == (message.author.account != self.bob)
        assert room.is_whole or room.oldest > 3

    def check_events(self) -> None:
        arrived = [it for it in self.case.told(MessageArrived) if it.room is self.room]
        assert not any(it.message.is_own for it in arrived)
        numbers = [it.seq for it in arrived]
        assert numbers == sorted(set(numbers))
        deleted = {it.target for it in self.case.told(MessageDeleted) if it.room is self.room}
        unread = [it for it in numbers if it > self.room.read_marker and it not in deleted]
        assert self.room.unread == len(unread)
        own: dict[bytes, list[MessageState]] = {}
        for event in self.case.told(MessageChanged):
            if event.room is self.room:
                own.setdefault(event.message.handle.record, []).append(event.message.state)
        assert list(own) == [handle.record for handle in self.handles]
        for states in own.values():
            assert states == [MessageState.WAITING, MessageState.STORED]


Sessions.TestCase.settings = machine(40, 40)
TestSessions = Sessions.TestCase

"""Whatever is cut when: each line arrives once and in order, each line of others is shown so."""

from collections import defaultdict
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from chat.wire import messages as m
from tests import machine
from tests.client.model import ModelServer
from tests.client.support import Person

ROOMS = ("lobby", "python")
SOME = st.integers(0, 6)


class Network(RuleBasedStateMachine):
    """Ana at her client, bob in the same logs, and a network that does its worst."""

    @initialize(before=st.integers(0, 3), is_quick=st.booleans())
    def begin(self, before: int, is_quick: bool) -> None:
        self.home = Path(mkdtemp())
        self.server = ModelServer()
        self.rooms = {name: self.server.room(name, "bob") for name in ROOMS}
        self.said: dict[str, list[str]] = defaultdict(list)
        self.typed: dict[str, list[str]] = defaultdict(list)
        self.room = "lobby"
        self.number = 0
        for name in ROOMS:
            for _ in range(before):
                self.bob_says(name)
        self.ana = Person(self.home, self.server, history=100).enter()
        self.ana.enter_line("/join python")
        self.ana.enter_line("/join lobby")
        if is_quick or not before:
            self.ana.carry()
            return
        # Until the past of python is on its way: what is new has to wait for it now.
        asked = len(self.ana.link.all(m.History))
        while len(self.ana.link.all(m.History)) == asked:
            assert self.ana.carry_up() or self.ana.carry_down()

    def teardown(self) -> None:
        if hasattr(self, "home"):
            self.check()
            rmtree(self.home)

    def next_text(self) -> str:
        self.number += 1
        return f"text-{self.number}"

    @property
    def is_connected(self) -> bool:
        return self.ana.link.session is not None

    @rule(name=st.sampled_from(ROOMS))
    def bob_says(self, name: str) -> None:
        text = self.next_text()
        self.said[name].append(text)
        self.server.says("bob", self.rooms[name], text)

    @rule()
    def bob_says_to_ana(self) -> None:
        if "ana" in self.server.nicks.values():
            text = self.next_text()
            self.said["private"].append(text)
            self.server.says("bob", self.server.private("ana", "bob"), text)

    @rule(count=st.integers(1, 3))
    def ana_types(self, count: int) -> None:
        for _ in range(count):
            text = self.next_text()
            self.typed[self.room].append(text)
            self.ana.enter_line(text)

    @rule(name=st.sampled_from(ROOMS))
    def ana_goes(self, name: str) -> None:
        self.room = name
        self.ana.enter_line(f"/join {name}")

    @rule()
    def ana_tells_bob(self) -> None:
        text = self.next_text()
        self.typed["private"].append(text)
        self.ana.enter_line(f"/msg bob {text}")

    @precondition(lambda self: self.is_connected)
    @rule(ups=SOME, downs=SOME)
    def carry_some(self, ups: int, downs: int) -> None:
        for _ in range(ups):
            self.ana.carry_up()
        for _ in range(downs):
            self.ana.carry_down()

    @precondition(lambda self: self.is_connected)
    @rule()
    def carry_all(self) -> None:
        self.ana.carry()

    @precondition(lambda self: self.is_connected)
    @rule()
    def be_slow(self) -> None:
        session = self.ana.link.session
        assert session is not None
        session.is_slow = not session.is_slow
        if not session.is_slow:
            session.catch_up()

    @precondition(lambda self: self.is_connected)
    @rule(ups=SOME)
    def cut(self, ups: int) -> None:
        # What reached the server, but whose answers are lost, is what matters most.
        for _ in range(ups):
            self.ana.carry_up()
        self.ana.cut()

    @precondition(lambda self: not self.is_connected)
    @rule(is_quick=st.booleans())
    def come_back(self, is_quick: bool) -> None:
        self.ana.come_back()
        if is_quick:
            self.ana.carry()

    @rule()
    def tick(self) -> None:
        self.ana.client.tick()

    def check(self) -> None:
        """Let everything come to rest, and look at what there is."""
        ana = self.ana
        if not self.is_connected:
            ana.come_back()
        ana.carry()
        session = ana.link.session
        assert session is not None
        session.is_slow = False
        session.catch_up()
        ana.carry()
        assert ana.lines_done == ana.typed
        logs = {**self.rooms, "private": self.server.private("ana", "bob")}
        for name, log in logs.items():
            typed = [text for text in log.texts() if text not in self.said[name]]
            assert typed == self.typed[name], name
        shown: dict[str, list[str]] = defaultdict(list)
        everything = {text: name for name, texts in self.said.items() for text in texts}
        for line in ana.screen.shown:
            text = line.rpartition(" ")[2]
            shown[everything[text]].append(text)  # KeyError for what she typed herself.
        assert shown == {name: texts for name, texts in self.said.items() if texts}
        ana.client.tick()
        ana.carry()
        account = self.server.account("ana")
        for name, log in logs.items():
            others = [it.seq for it in log.records if getattr(it.body, "account", b"") != account]
            assert log.seen.get(account, 0) >= max(others, default=0), name


Network.TestCase.settings = machine(100, 40)
TestExactlyOnce = Network.TestCase

"""The operator's log: one line for each thing that happened, which nobody can forge or flood."""

import json
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, eventAsJSON, textFileLogObserver

from chat.ids import AccountId
from chat.rooms.addresses import Address
from chat.server.oplog import LINES, MINUTE, SAME, LogAddresses, OperatorLog, budget_of, field
from tests.server.cases import ServerCase, chat_lines

ACCOUNT = AccountId(bytes(range(16)))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("127.0.0.1", "127.0.0.0/24"),
        ("a local socket", '"a local socket"'),
    ],
)
def test_addresses_are_shown_as_the_operator_chose(address: str, network: str) -> None:
    whole = address if " " not in address and "%" not in address else f'"{address}"'
    assert LogAddresses.FULL.shown(address) == whole
    assert LogAddresses.NETWORK.shown(address) == network
    assert LogAddresses.NONE.shown(address) == "hidden"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ana", "ana"),
        ("søren-3.b", "søren-3.b"),
        ("2026-11-28T04:00:00Z", "2026-11-28T04:00:00Z"),
        ("", '""'),
        ("/srv/chat", "/srv/chat"),
        ("-x", '"-x"'),
        ("two words", '"two words"'),
        ("ana account=00", '"ana account=00"'),
        ('say "hi"', r'"say \"hi\""'),
        ("back\\slash", r'"back\\slash"'),
        ("a\nlogin nick=root", r'"a\nlogin nick=root"'),
        ("a\r\x1b[2Jb\x00", r'"a\r\x1b[2Jb\x00"'),
        ("\u2028\u202e\u200b", r'"\u2028\u202e\u200b"'),
        ("{number} %s", '"{number} %s"'),
        ("x" * 81, '"' + "x" * 80 + '…"'),
    ],
)
def test_a_field_is_plain_or_quoted(text: str, shown: str) -> None:
    assert field(text) == shown


@given(st.text(), st.text(), st.text())
def test_no_text_can_look_like_a_line_or_a_field(nick: str, was: str, cause: str) -> None:
    log, file = OperatorLog(), StringIO()
    with capturedLogs() as events:
        log.client("renamed", "", 7, "192.0.2.1", nick=nick, was=was, cause=cause)
    observe = textFileLogObserver(file)
    [event] = events
    observe(event)
    assert file.getvalue().count("\n") == 1 and file.getvalue()[:-1].isprintable()
    [line] = chat_lines(events)
    assert line.startswith("renamed session=7 address=192.0.2.1")
    outside = "".join(line.replace("\\\\", "").replace('\\"', "").split('"')[::2])
    given_fields = [name for name, text in (("nick", nick), ("was", was), ("cause", cause)) if text]
    assert outside.count("=") == 2 + len(given_fields)
    assert {"session", "address", *given_fields} <= set(json.loads(eventAsJSON(event)))


class BudgetTests(ServerCase):
    """Lines that strangers cause are bounded, and what is left out is counted."""

    def setUp(self) -> None:
        """Make a log with a clock of its own."""
        self.clock = Clock()
        self.log = OperatorLog(LogAddresses.FULL, self.clock.seconds)

    def refuse(self, count: int, by: str = "", cause: str = "banned") -> list[str]:
        """Return the lines of so many refusals."""
        with capturedLogs() as events:
            for number in range(count):
                self.log.client("refused", by, number, "192.0.2.1", cause=cause)
        return chat_lines(events)

    def turn(self) -> list[str]:
        """Return the lines of the end of a minute."""
        with capturedLogs() as events:
            self.clock.advance(MINUTE)
        return chat_lines(events)

    def test_one_source_has_a_budget_and_hides_nobody(self) -> None:
        self.log.start(self.clock)
        assert len(self.refuse(10_000, "evil")) == SAME
        assert len(self.refuse(1, "ana")) == 1
        assert self.turn() == [f"refused more={10_000 - SAME} cause=banned"]
        assert len(self.refuse(1, "evil")) == 1
        self.log.stop()

    def test_all_sources_together_have_one_too(self) -> None:
        self.log.start(self.clock)
        lines = [line for number in range(2 * LINES) for line in self.refuse(2, f"n{number}")]
        assert len(lines) == LINES
        assert self.refuse(9, "", "slow_mode") == []
        assert set(self.turn()) == {
            f"refused more={3 * LINES} cause=banned",
            "refused more=9 cause=slow_mode",
        }
        assert self.turn() == []
        self.log.stop()

    def test_each_kind_has_its_own(self) -> None:
        assert len(self.refuse(2 * LINES)) == LINES
        with capturedLogs() as events:
            self.log.client("login", ACCOUNT.hex(), 1, "192.0.2.1", nick="ana", account=ACCOUNT)
            for _ in range(2 * LINES):
                self.log.stranger("192.0.2.9")
        assert len(chat_lines(events)) == 1 + LINES
        assert chat_lines(events)[0] == (
            f"login session=1 address=192.0.2.1 nick=ana account={ACCOUNT.hex()}"
        )

    def test_a_minute_ends_without_the_timer_too(self) -> None:
        assert len(self.refuse(2 * LINES)) == LINES
        self.clock.advance(MINUTE)
        assert self.refuse(1)[0].startswith("refused more=")

    def test_who_has_a_budget(self) -> None:
        assert budget_of(Address("192.0.2.1")) == "192.0.2.1"
        assert budget_of(Address("2001:db8::1")) == "2001:db8::/64"
        assert budget_of(Address("127.0.0.1")) == budget_of(Address("a local socket")) == ""
        assert budget_of(Address("127.0.0.1"), ACCOUNT) == ACCOUNT.hex()

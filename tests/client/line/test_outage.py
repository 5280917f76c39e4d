"""What is said about a connection that is away."""

import pytest

from chat.client.core.reconnect import LOST
from chat.client.line.outage import Outage
from chat.client.line.output import Output
from chat.limits import ClientLimits
from chat.testing import FakeClock
from tests.client.support import FakeScreen

LIMITS = ClientLimits()
BUSY = "The server has too many connections; try again in a moment."


class Case:
    """An outage, and what was said about it."""

    def __init__(self, *, is_terminal: bool = False) -> None:
        self.screen = FakeScreen()
        self.clock = FakeClock()
        output = Output(self.screen, is_terminal=is_terminal)
        self.outage = Outage(output, LIMITS, self.clock)

    def last(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)
        self.outage.tick()


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (LOST, "* The connection was lost; trying again."),
        ("It broke.", "* The connection was lost: it broke; trying again."),
    ],
)
def test_a_loss_is_told_once_with_its_reason(reason: str, said: str) -> None:
    case = Case()
    case.outage.end()
    assert not case.outage
    case.outage.begin(reason)
    case.outage.begin("Another.")
    assert case.outage
    case.outage.end()
    assert not case.outage
    assert case.screen.notes == [said, "* Connected again."] and case.screen.errors == []


def test_one_that_lasts_is_an_error_of_a_script_and_so_is_its_end() -> None:
    case = Case()
    case.outage.end()
    case.outage.begin(LOST)
    case.last(LIMITS.unanswered - 1)
    assert case.screen.errors == []
    case.last(1)
    case.last(1_000)
    case.outage.end()
    assert case.screen.errors == [
        "The connection to the server was lost, and has not come back yet.",
        "* Connected again.",
    ]


def test_a_busy_server_is_told_of_in_other_words() -> None:
    case = Case()
    case.outage.begin(BUSY)
    assert case.outage.explain() == BUSY
    case.last(LIMITS.unanswered)
    case.outage.end()
    assert case.screen.errors == [
        "The server still has too many connections; the client goes on trying.",
        "* Connected.",
    ]
    case.outage.begin(LOST)
    assert case.outage.explain() == "The connection to the server did not come back."


def test_a_person_has_been_told_already() -> None:
    case = Case(is_terminal=True)
    case.outage.begin(BUSY)
    case.last(1_000)
    assert case.screen.notes == ["* The server has too many connections; trying again."]

"""What is said about a connection that is away."""

import pytest

from chat.client.core.reconnect import LOST
from chat.client.line.absence import Absence
from chat.client.line.output import Output
from chat.limits import ClientLimits
from chat.testing import FakeClock
from tests.client.support import FakeScreen

LIMITS = ClientLimits()
BUSY = "The server has too many connections; try again in a moment."


class Case:
    """An absence, and what was said about it."""

    def __init__(self, *, is_terminal: bool = False) -> None:
        self.screen = FakeScreen()
        self.clock = FakeClock()
        output = Output(self.screen, is_terminal=is_terminal)
        self.absence = Absence(output, LIMITS, self.clock)

    def last(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)
        self.absence.tick()


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (LOST, "* The connection was lost; trying again."),
        ("It broke.", "* The connection was lost: it broke; trying again."),
    ],
)
def test_a_loss_is_told_once_with_its_reason(reason: str, said: str) -> None:
    case = Case()
    case.absence.end()
    assert not case.absence
    case.absence.begin(reason)
    case.absence.begin("Another.")
    assert case.absence
    case.absence.end()
    assert not case.absence
    assert case.screen.notes == [said, "* Connected again."] and case.screen.errors == []


def test_one_that_lasts_is_an_error_of_a_script_and_so_is_its_end() -> None:
    case = Case()
    case.absence.end()
    case.absence.begin(LOST)
    case.last(LIMITS.unanswered - 1)
    assert case.screen.errors == []
    case.last(1)
    case.last(1_000)
    case.absence.end()
    assert case.screen.errors == [
        "The connection to the server was lost, and has not come back yet.",
        "* Connected again.",
    ]


def test_a_busy_server_is_told_of_in_other_words() -> None:
    case = Case()
    case.absence.begin(BUSY)
    assert case.absence.explain() == BUSY
    case.last(LIMITS.unanswered)
    case.absence.end()
    assert case.screen.errors == [
        "The server still has too many connections; the client goes on trying.",
        "* Connected.",
    ]
    case.absence.begin(LOST)
    assert case.absence.explain() == "The connection to the server did not come back."


def test_a_person_has_been_told_already() -> None:
    case = Case(is_terminal=True)
    case.absence.begin(BUSY)
    case.last(1_000)
    assert case.screen.notes == ["* The server has too many connections; trying again."]

"""What is said about a connection that is lost, or that a busy server does not give yet.

A person is told at once, and a script's owner where it lasts: most come back within seconds, and
then nothing went wrong. When to try again, and how often, the core decides.
"""

from collections.abc import Callable

from chat.client.core.reconnect import LOST
from chat.client.line.output import Output
from chat.limits import ClientLimits

__all__ = ["Outage"]


class Outage:
    """The time without a connection, if there is one. `seconds` is a monotonic clock."""

    def __init__(self, output: Output, limits: ClientLimits, seconds: Callable[[], float]) -> None:
        self._output = output
        self._limits = limits
        self._seconds = seconds
        self._since: float | None = None
        self._reason = LOST
        self._is_noted = False
        self._has_been_there = False

    def __bool__(self) -> bool:
        """Return whether a connection is being waited for."""
        return self._since is not None

    def begin(self, reason: str) -> None:
        """The connection ended, or another one did while it is waited for; `reason` is a
        sentence."""
        self._reason = reason
        if self._since is not None:
            return
        self._since = self._seconds()
        if self._has_been_there:
            because = "" if reason == LOST else f": {reason[0].lower()}{reason[1:].rstrip('.')}"
            self._output.tell(f"* The connection was lost{because}; trying again.")
        else:
            self._output.tell("* The server has too many connections; trying again.")

    def tick(self) -> None:
        """Say it even in a script when it has lasted for `ClientLimits.unanswered`."""
        if self._since is None or self._output.is_terminal or self._is_noted:
            return
        if self._seconds() - self._since >= self._limits.unanswered:
            self._is_noted = True
            self._output.note(
                "The connection to the server was lost, and has not come back yet."
                if self._has_been_there
                else "The server still has too many connections; the client goes on trying."
            )

    def end(self) -> None:
        """There is a connection that one can talk over."""
        if self._since is not None and (self._has_been_there or self._is_noted):
            say = self._output.note if self._is_noted else self._output.tell
            say("* Connected again." if self._has_been_there else "* Connected.")
        self._since = None
        self._is_noted = False
        self._has_been_there = True

    def explain(self) -> str:
        """Return the sentence for one that has lasted too long."""
        if self._has_been_there:
            return "The connection to the server did not come back."
        return self._reason

"""What operators ask for: kick, ban, mute, op; slow mode; invitations."""

from collections.abc import Callable
from io import StringIO
from typing import Final

import segno
from msgspec import UNSET, Struct

from chat.client.commands import MakeInvitation, Moderate
from chat.client.core.interfaces import TypedLine
from chat.client.logs import LogView
from chat.client.visit import Visit
from chat.rooms.roles import Action
from chat.wire import messages
from chat.wire.messages import Request

__all__ = ["Moderating"]

_DONE: Final = {
    Action.KICK: "{nick} was put out of {where}.",
    Action.BAN: "{nick} was banned from {where}.",
    Action.UNBAN: "{nick} may come to {where} again.",
    Action.MUTE: "{nick} may say nothing in {where} now.",
    Action.UNMUTE: "{nick} may speak in {where} again.",
    Action.OP: "{nick} is an operator of {where} now.",
    Action.DEOP: "{nick} is no operator of {where} any more.",
}


class Moderating:
    """Asks, and says what was done. `link` makes the link of an invitation."""

    def __init__(self, visit: Visit, link: Callable[[str | None, bytes], str]) -> None:
        self._visit = visit
        self._link = link

    def moderate(self, command: Moderate, view: LogView | None, line: TypedLine) -> None:
        """Do something to somebody, in a room or (None) on the whole server."""
        request = messages.Moderate(
            self._visit.asking.next_id(),
            command.action.value,
            command.nick,
            UNSET if view is None else view.log,
            command.seconds or UNSET,
            command.reason or UNSET,
            command.network,
        )
        where = "the server" if view is None else view.name
        self._ask(
            request, line, "* " + _DONE[command.action].format(nick=command.nick, where=where)
        )

    def slow(self, view: LogView, seconds: int, line: TypedLine) -> None:
        """Let everybody else wait between two messages."""
        request = messages.Slow(self._visit.asking.next_id(), view.log, seconds)
        pace = f"one message in {seconds} s" if seconds else "not in slow mode"
        self._ask(request, line, f"* {view.name} is now: {pace}.")

    def invitation(self, command: MakeInvitation, view: LogView | None, line: TypedLine) -> None:
        """Show the link of a new invitation and, to a person, the same to be photographed."""
        visit = self._visit

        def take(issued: messages.TokenIssued) -> None:
            link = self._link(None if view is None else view.name, issued.token)
            if visit.is_terminal:
                drawn = StringIO()
                segno.make(link, error="l").terminal(out=drawn, compact=True, border=2)
                for row in drawn.getvalue().splitlines():
                    visit.screen.show(row)
            visit.screen.show(link)
            visit.line_done()

        request = messages.Token(
            *(visit.asking.next_id(), command.uses, command.seconds),
            UNSET if view is None else view.log,
        )
        visit.asking.ask(request, messages.TokenIssued, take, visit.refusing(line), line=line)

    def _ask(self, request: Request, line: TypedLine, sentence: str) -> None:
        def take(_: Struct) -> None:
            self._visit.tell(sentence)
            self._visit.line_done()

        self._visit.asking.ask(request, messages.Ok, take, self._visit.refusing(line), line=line)

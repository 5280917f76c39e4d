"""What the line client prints when a command is done."""

from io import StringIO

import segno

from chat.client.core import commands
from chat.client.core.commands import Command
from chat.client.core.core import Core
from chat.client.core.events import Found, Page
from chat.client.core.model import DeviceCode, Invitation, Message
from chat.client.core.requests import Renaming
from chat.client.core.rooms import Room
from chat.client.line.interfaces import TypedLine
from chat.client.line.output import Output
from chat.client.line.view import View
from chat.client.wording.display import format_item, number_of
from chat.client.wording.outcomes import listing, sentence
from chat.durations import format_duration
from chat.ids import LogId

__all__ = ["Outcomes"]


class Outcomes:
    """Prints outcomes."""

    def __init__(self, core: Core, view: View, output: Output) -> None:
        self._core = core
        self._view = view
        self._output = output
        self._hinted: set[LogId] = set()
        """Conversations of which it was said that the other does not read them."""

    def show(self, command: Command, where: str, outcome: object, line: TypedLine) -> None:
        """Print what came of a command; `where` is the `place_of` it when it was given."""
        tell = self._output.tell
        match command, outcome:
            case commands.Join() | commands.Create(), Room():
                self._view.enter(outcome)
            case commands.SendPrivate(nick=nick), Message():
                self._hint(nick)
            case _, Renaming():
                self._renamed(outcome, line)
            case _, Invitation(link):
                self._invitation(link)
            case _, DeviceCode(code, seconds, link):
                tell(f"* On the other device, within {format_duration(seconds)}, start")
                nick = self._core.account.nick
                start = f'python -m chat.client "{link}" --nick {nick} --link {code}'
                self._output.show_to_copy(start)
            case _, Page():
                self._view.say_if_whole(outcome.room)
                self._view.show_page(outcome.room, outcome.items, is_numbered=True)
            case _, Found():
                self._found(outcome)
            case _, tuple():
                for listed in listing(command, outcome):
                    self._output.show(f"* {listed}")
            case _:
                said = sentence(command, where, outcome)
                if said:
                    tell(f"* {said}")

    def _hint(self, nick: str) -> None:
        """Say, once, that the other of a conversation does not read it (yet)."""
        room = self._core.private(nick)
        if room is None or room.log in self._hinted:
            return
        if room.is_unread_by_other(self._core.account.nick):
            self._hinted.add(room.log)
            self._output.tell(f"* That shows to {room.name} once they accept.")

    def _renamed(self, renaming: Renaming, line: TypedLine) -> None:
        self._output.tell(f"* You are now known as {renaming.nick}.")
        if renaming.problem is not None:
            self._output.complain(f"{renaming.problem}.", line)
        elif renaming.key is not None:
            how = f"--identity {renaming.key}"
            self._output.note(f"* Log in as {renaming.nick} with {how} from now on.")

    def _invitation(self, link: str) -> None:
        """Show a link and, to a person, the same to be photographed."""
        if self._output.is_terminal:
            drawn = StringIO()
            segno.make(link, error="l").terminal(out=drawn, compact=True, border=2)
            for row in drawn.getvalue().splitlines():
                self._output.screen.show(row)
        self._output.show_to_copy(link)

    def _found(self, found: Found) -> None:
        """Show the latest last: that is where a person looks."""
        for room, item in reversed(found.items):
            prefix = self._view.prefix(room, item)
            self._output.show(f"#{number_of(item)} {prefix}{format_item(item)}")
        if found.more:
            self._output.show("* There is more; other words find less.")
        elif not found.items:
            self._output.show("* Nothing was found.")

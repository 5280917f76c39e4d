"""What the line client prints when a command is done."""

from datetime import UTC, datetime
from io import StringIO
from typing import Final

import segno

from chat.client.core import commands
from chat.client.core.commands import Command
from chat.client.core.core import Core
from chat.client.core.events import Found, Page
from chat.client.core.model import (
    ContactRequest,
    Device,
    DeviceCode,
    Invitation,
    Member,
    Message,
    PublicRoom,
)
from chat.client.core.requests import Renaming
from chat.client.core.rooms import Room
from chat.client.line.display import format_item, number_of
from chat.client.line.interfaces import TypedLine
from chat.client.line.output import Output
from chat.client.line.view import View
from chat.durations import format_duration
from chat.ids import LogId
from chat.rooms.roles import Action
from chat.rooms.texts import quote

__all__ = ["Outcomes"]

_DONE: Final = {
    Action.KICK: "{nick} was put out of {where}",
    Action.BAN: "{nick} was banned from {where}",
    Action.UNBAN: "{nick} may come to {where} again",
    Action.MUTE: "{nick} may say nothing in {where}",
    Action.UNMUTE: "{nick} may speak in {where} again",
    Action.OP: "{nick} is an operator of {where} now",
    Action.DEOP: "{nick} is no operator of {where} any more",
}


class Outcomes:
    """Prints outcomes."""

    def __init__(self, core: Core, view: View, output: Output) -> None:
        self._core = core
        self._view = view
        self._output = output
        self._hinted: set[LogId] = set()
        """Conversations of which it was said that the other does not read them."""

    def name(self, command: Command) -> str:
        """Return the name of the room that a command is about, or what stands for it."""
        log: LogId | None = getattr(command, "log", None)
        room = next((room for room in self._core.rooms if room.log == log), None)
        return "the server" if room is None else room.name

    def show(self, command: Command, where: str, outcome: object, line: TypedLine) -> None:
        """Print what came of a command; `where` is the `name` of its room when it was given."""
        tell = self._output.tell
        match command, outcome:
            case commands.Join() | commands.Create(), Room():
                self._view.enter(outcome)
            case commands.SendPrivate(nick=nick), Message():
                self._hint(nick)
            case commands.KnowAgain(nick=nick), _:
                tell(f"* You take {nick} for whoever has that name now.")
            case commands.AnswerRequest(nick=nick), Room():
                tell(f"* You talk to {nick} now; /msg {nick} TEXT")
            case commands.AnswerRequest(nick=nick), _:
                tell(f"* You do not talk to {nick}.")
            case commands.Block(nick=nick), _:
                tell(f"* You take nothing from {nick} any more.")
            case commands.Unblock(nick=nick), _:
                tell(f"* You take what {nick} writes to you again.")
            case commands.SetContact(), str():
                tell(f"* You can be asked to talk, and be invited, by {outcome}.")
            case commands.SetTopic(topic=topic), _:
                tell(f"* You set the topic of {where}: {topic}")
            case commands.Invite(nick=nick), _:
                tell(f"* {nick} may join {where}.")
            case commands.Moderate(action=action, nick=nick, seconds=seconds), _:
                done = _DONE[action].format(nick=nick, where=where)
                tell(f"* {done}{_how_long(action, seconds)}.")
            case commands.SetSlowMode(seconds=seconds), _:
                pace = (
                    f"one message in {format_duration(seconds)}" if seconds else "not in slow mode"
                )
                tell(f"* {where} is now: {pace}.")
            case commands.RevokeDevice(), _:
                tell("* That device is none of yours any more.")
            case _, Renaming():
                self._renamed(outcome, line)
            case _, Invitation(link):
                self._invitation(link)
            case _, DeviceCode(code, seconds, link):
                tell(f"* On the other device, within {format_duration(seconds)}, start")
                nick = self._core.account.nick
                self._output.show(f'python -m chat.client "{link}" --nick {nick} --link {code}')
            case _, Page():
                self._view.say_if_whole(outcome.room)
                self._view.show_page(outcome.room, outcome.items, is_numbered=True)
            case _, Found():
                self._found(outcome)
            case _, tuple():
                self._list(command, outcome)

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
        self._output.show(link)

    def _found(self, found: Found) -> None:
        """Show the latest last: that is where a person looks."""
        for room, item in reversed(found.items):
            prefix = self._view.prefix(room, item)
            self._output.show(f"#{number_of(item)} {prefix}{format_item(item)}")
        if found.more:
            self._output.show("* There is more; other words find less.")
        elif not found.items:
            self._output.show("* Nothing was found.")

    def _list(self, command: Command, listed: tuple[object, ...]) -> None:
        if isinstance(command, commands.ListMembers):
            self._members([it for it in listed if isinstance(it, Member)])
        elif isinstance(command, commands.ListRooms) and not listed:
            self._output.show("* There are no public rooms.")
        elif isinstance(command, commands.ListRequests) and not listed:
            self._output.show("* There is nobody who asks to talk to you alone.")
        elif isinstance(command, commands.ListBlocked):
            names = ", ".join(str(it) for it in listed)
            self._output.show(f"* You have blocked {names or 'nobody'}.")
        for item in listed:
            match item:
                case PublicRoom(name, count, topic):
                    about = f": {quote(topic)}" if topic else ""
                    self._output.show(f"* {name} ({count}){about}")
                case ContactRequest(nick=nick):
                    self._output.show(f"* You are asked by {nick}; /accept {nick}, /decline {nick}")
                case Device():
                    day = datetime.fromtimestamp(item.added / 1_000, UTC).strftime("%Y-%m-%d")
                    state = "this one" if item.is_this else "here" if item.is_here else "away"
                    self._output.show(f"* {item.fingerprint} since {day} ({state})")

    def _members(self, members: list[Member]) -> None:
        here = sum(member.is_here for member in members)
        count = f"{here} here" if here == len(members) else f"{here} of {len(members)} here"
        names = (it.nick if it.is_here else f"{it.nick} (away)" for it in members)
        self._output.show(f"* {count}: {', '.join(names)}")


def _how_long(action: Action, seconds: int) -> str:
    """Return for how long something was done to somebody, as it was understood."""
    if action not in (Action.BAN, Action.MUTE):
        return ""
    return f" for {format_duration(seconds)}" if seconds else " for good"

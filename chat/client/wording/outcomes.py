"""What is said when a command is done. None of it is made visible yet."""

from datetime import UTC, datetime
from typing import Final

from chat.client.core import commands
from chat.client.core.commands import Command
from chat.client.core.core import Core
from chat.client.core.model import ContactRequest, Device, Member, PublicRoom
from chat.client.core.rooms import Room
from chat.client.wording.display import ROLES
from chat.durations import format_duration
from chat.ids import LogId
from chat.rooms.roles import Action, Role
from chat.rooms.texts import quote

__all__ = ["listing", "place_of", "sentence"]

_DONE: Final = {
    Action.KICK: "{nick} was put out of {where}",
    Action.BAN: "{nick} was banned from {where}",
    Action.UNBAN: "{nick} may come to {where} again",
    Action.MUTE: "{nick} may say nothing in {where}",
    Action.UNMUTE: "{nick} may speak in {where} again",
    Action.OP: "{nick} is an operator of {where} now",
    Action.DEOP: "{nick} is no operator of {where} any more",
}


def place_of(core: Core, command: Command) -> str:
    """Return the name of the room that a command is about, or what stands for it."""
    log: LogId | None = getattr(command, "log", None)
    room = next((room for room in core.rooms if room.log == log), None)
    return "the server" if room is None else room.name


def sentence(command: Command, where: str, outcome: object) -> str:
    """Return the sentence about what a command did; empty where there is none.

    `where` is the place it was about when it was given.
    """
    match command, outcome:
        case commands.KnowAgain(nick=nick), _:
            return f"You take {nick} for whoever has that name now."
        case commands.AnswerRequest(nick=nick), Room():
            return f"You talk to {nick} now; /msg {nick} TEXT"
        case commands.AnswerRequest(nick=nick), _:
            return f"You do not talk to {nick}."
        case commands.Block(nick=nick), _:
            return f"You take nothing from {nick} any more."
        case commands.Unblock(nick=nick), _:
            return f"You take what {nick} writes to you again."
        case commands.SetContact(), str():
            return f"You can be asked to talk, and be invited, by {outcome}."
        case commands.SetTopic(topic=topic), _:
            return f"You set the topic of {where}: {topic}"
        case commands.Invite(nick=nick), _:
            return f"{nick} may join {where}."
        case commands.Moderate(action=action, nick=nick, seconds=seconds), _:
            return f"{_DONE[action].format(nick=nick, where=where)}{_how_long(action, seconds)}."
        case commands.SetSlowMode(seconds=seconds), _:
            pace = f"one message in {format_duration(seconds)}" if seconds else "not in slow mode"
            return f"{where} is now: {pace}."
        case commands.RevokeDevice(), _:
            return "That device is none of yours any more."
    return ""


def listing(command: Command, listed: tuple[object, ...]) -> list[str]:
    """Return the lines of what a command listed."""
    if isinstance(command, commands.ListMembers):
        return [_members([it for it in listed if isinstance(it, Member)])]
    if isinstance(command, commands.ListBlocked):
        return [f"You have blocked {', '.join(str(it) for it in listed) or 'nobody'}."]
    if isinstance(command, commands.ListRooms) and not listed:
        return ["There are no public rooms."]
    if isinstance(command, commands.ListRequests) and not listed:
        return ["There is nobody who asks to talk to you alone."]
    lines = []
    for item in listed:
        match item:
            case PublicRoom(name, count, topic):
                about = f": {quote(topic)}" if topic else ""
                lines.append(f"{name} ({count}){about}")
            case ContactRequest(nick=nick):
                lines.append(f"You are asked by {nick}; /accept {nick}, /decline {nick}")
            case Device():
                day = datetime.fromtimestamp(item.added / 1_000, UTC).strftime("%Y-%m-%d")
                state = "this one" if item.is_this else "here" if item.is_here else "away"
                lines.append(f"{item.fingerprint} since {day} ({state})")
    return lines


def _members(members: list[Member]) -> str:
    here = sum(member.is_here for member in members)
    count = f"{here} here" if here == len(members) else f"{here} of {len(members)} here"
    return f"{count}: {', '.join(map(_described, members))}"


def _described(member: Member) -> str:
    """Return a member's nickname, with role and absence."""
    words = [] if member.role is Role.MEMBER else [ROLES[member.role]]
    words += [] if member.is_here else ["away"]
    return f"{member.nick} ({', '.join(words)})" if words else member.nick


def _how_long(action: Action, seconds: int) -> str:
    """Return for how long something was done to somebody, as it was understood."""
    if action not in (Action.BAN, Action.MUTE):
        return ""
    return f" for {format_duration(seconds)}" if seconds else " for good"

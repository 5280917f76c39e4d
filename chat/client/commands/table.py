"""The table of commands. To add one, add an entry."""

from collections.abc import Iterable
from typing import Final

from chat.client.commands import arguments
from chat.client.commands.entry import CommandError, Entry, Face, Where, need_room
from chat.client.core import commands
from chat.client.core.commands import Command
from chat.client.core.model import Handle
from chat.client.core.rooms import Room
from chat.content import Content
from chat.ids import LogId
from chat.limits import TEXT_BYTES
from chat.rooms.roles import Action
from chat.rooms.texts import quote

__all__ = ["ENTRIES", "help_on", "help_text", "parse_line", "parse_text"]


def _say(face: Face, content: Content) -> Command:
    return commands.Send(need_room(face).log, content)


def _join(face: Face, name: str) -> Command | None:
    room = face.core.room(name)
    if room is None:
        return commands.Join(name)
    face.enter(room)
    return None


def _named_room(face: Face, name: str) -> Room:
    """Return the room with this name; the one that the user is in, without a name."""
    if not name:
        return need_room(face)
    room = face.core.room(name)
    if room is None:
        raise CommandError(f"You are not in {name}.")
    return room


def _topic(face: Face, topic: str) -> Command | None:
    room = need_room(face)
    if topic:
        return commands.SetTopic(room.log, topic)
    about = f"is about: {quote(room.topic)}" if room.topic else "has no topic."
    face.show(f"* {room.name} {about}")
    return None


def _moderation(action: Action, help_: str) -> Entry:
    """Return the entry of something that operators do to somebody."""
    lasts = action in (Action.BAN, Action.MUTE)
    usage = f"NICK {'[TIME] ' if lasts else ''}[REASON]"

    def run(face: Face, argument: tuple[set[str], str, int, str]) -> Command:
        options, nick, seconds, reason = argument
        is_network = "--network" in options
        if is_network and action is not Action.BAN:
            raise CommandError("Only a ban can be of a network.")
        is_on_server = is_network or "--server" in options
        log = None if is_on_server else need_room(face).log
        is_forced = "--force" in options
        if is_forced and not is_network:
            raise CommandError("Only a ban of a network can be forced.")
        return commands.Moderate(log, action, nick, seconds, reason, is_network, is_forced)

    more = "With --server before NICK, on the whole server."
    if action is Action.BAN:
        more += " With --network, the addresses that NICK is connected from as well,"
        more += " which --force bans even if they are your own or a proxy's."
    if lasts:
        more += " TIME is like 30m, 2h30m or 7 days; without it, or with forever, it is for good."
    parse = arguments.moderation(f"/{action.value} {usage}", lasts=lasts)
    return Entry(action.value, usage, help_, parse, run, more=more)


def _invitation(face: Face, argument: tuple[bool, int, int]) -> Command:
    is_on_server, uses, seconds = argument
    log = None if is_on_server else need_room(face).log
    return commands.MakeInvitation(log, uses, seconds)


def _named_log(face: Face, name: str) -> LogId:
    """Return the log of ROOM or @NICK; of where the user is, without a name."""
    if not name.startswith("@"):
        return _named_room(face, name.removeprefix("#")).log
    room = face.core.private(name[1:])
    if room is None:
        raise CommandError(f"There is no conversation with {name[1:]}.")
    return room.log


def _target(face: Face, seq: int | None, *, is_own: bool) -> Handle:
    """Return the message with this number; the last one of the user or of others, without."""
    timeline = need_room(face).timeline
    if seq is not None:
        return timeline.handle(seq)
    message = timeline.last(is_own=is_own)
    if message is None:
        whose = "message of yours" if is_own else "message of somebody else"
        raise CommandError(f"There is no {whose} here; /history shows the numbers of older ones.")
    return message.handle


def _reply(face: Face, argument: tuple[int | None, str]) -> Command:
    seq, text = argument
    target = _target(face, seq, is_own=False)
    return commands.Send(target.log, Content(text), target)


def _delete(face: Face, argument: tuple[int | None, str]) -> Command:
    seq, rest = argument
    if rest:
        raise CommandError("It is used like this: /delete [#N]")
    return commands.Delete(_target(face, seq, is_own=True))


def _help(face: Face, name: str) -> None:
    face.show(help_on(name) if name else help_text())


_ENTRIES: Final = (
    Entry(
        "join",
        "ROOM",
        "join ROOM, or go there",
        arguments.name("/join ROOM", "#"),
        _join,
    ),
    Entry(
        "create",
        "ROOM [invite-only]",
        "make a new room, and go there",
        arguments.room_and_kind,
        lambda _, argument: commands.Create(*argument),
        more="With invite-only, it can be joined by invitation only.",
    ),
    Entry(
        "leave",
        "[ROOM|@NICK]",
        "leave this room, ROOM or a conversation",
        arguments.name("/leave [ROOM|@NICK]", is_optional=True),
        lambda face, name: commands.Leave(_named_log(face, name)),
    ),
    Entry("rooms", "", "list the public rooms", arguments.nothing, lambda *_: commands.ListRooms()),
    Entry(
        "who",
        "",
        "list the members of this room",
        arguments.nothing,
        lambda face, _: commands.ListMembers(need_room(face).log),
        Where.IN_CONVERSATION,
    ),
    Entry("topic", "[TEXT]", "show the topic, or set it to TEXT", str, _topic, Where.IN_ROOM),
    Entry(
        "msg",
        "NICK TEXT",
        "say TEXT to NICK alone",
        arguments.recipient_and_text,
        lambda _, argument: commands.SendPrivate(argument[0], Content(argument[1])),
    ),
    Entry(
        "known",
        "NICK",
        "take NICK for who has that name now",
        arguments.name("/known NICK", "@"),
        lambda _, nick: commands.KnowAgain(nick),
        more="For when it is another account than the one you talked to by that name.",
    ),
    Entry(
        "requests",
        "",
        "list who wants to talk to you alone",
        arguments.nothing,
        lambda *_: commands.ListRequests(),
    ),
    Entry(
        "accept",
        "NICK",
        "talk to NICK, who asked for it",
        arguments.name("/accept NICK", "@"),
        lambda _, nick: commands.AnswerRequest(nick, True),
    ),
    Entry(
        "decline",
        "NICK",
        "do not talk to NICK; NICK cannot ask again",
        arguments.name("/decline NICK", "@"),
        lambda _, nick: commands.AnswerRequest(nick, False),
    ),
    Entry(
        "block",
        "NICK",
        "let nothing of NICK reach you",
        arguments.name("/block NICK", "@"),
        lambda _, nick: commands.Block(nick),
        more="NICK can still talk in rooms that you are in.",
    ),
    Entry(
        "unblock",
        "NICK",
        "let NICK write to you again",
        arguments.name("/unblock NICK", "@"),
        lambda _, nick: commands.Unblock(nick),
    ),
    Entry(
        "blocked",
        "",
        "list whom you have blocked",
        arguments.nothing,
        lambda *_: commands.ListBlocked(),
    ),
    Entry(
        "contact",
        "[WHO]",
        "show, or choose, who may write to you",
        arguments.contact,
        lambda _, who: commands.SetContact(who),
        more="WHO is everybody, members (of rooms that you are in), or nobody.",
    ),
    Entry(
        "me",
        "TEXT",
        "say what you do: * ana TEXT",
        arguments.text("/me TEXT"),
        lambda face, text: _say(face, Content(text, is_action=True)),
        Where.IN_CONVERSATION,
    ),
    Entry(
        "reply",
        "[#N] TEXT",
        "answer message N, or the last one of others",
        arguments.numbered_text("/reply [#N] TEXT"),
        _reply,
        Where.IN_CONVERSATION,
    ),
    Entry(
        "react",
        "[#N] [SIGN]",
        "react to message N, or to the last one of others",
        arguments.numbered,
        lambda face, argument: commands.React(
            _target(face, argument[0], is_own=False), argument[1]
        ),
        Where.IN_CONVERSATION,
        "Without SIGN, it takes your reaction back.",
    ),
    Entry(
        "edit",
        "[#N] TEXT",
        "change your message N, or your last one",
        arguments.numbered_text("/edit [#N] TEXT"),
        lambda face, argument: commands.Edit(_target(face, argument[0], is_own=True), argument[1]),
        Where.IN_CONVERSATION,
    ),
    Entry(
        "delete",
        "[#N]",
        "delete your message N, or your last one",
        arguments.numbered,
        _delete,
        Where.IN_CONVERSATION,
    ),
    Entry(
        "history",
        "[ROOM|@NICK]",
        "page back, with the numbers of messages",
        arguments.name("/history [ROOM|@NICK]", is_optional=True),
        lambda face, name: commands.PageBack(_named_log(face, name)),
    ),
    Entry(
        "search",
        "WORDS",
        "find messages that have all of WORDS",
        arguments.text("/search WORDS"),
        lambda _, words: commands.Search(words),
    ),
    Entry(
        "invite",
        "NICK",
        "let NICK join this room",
        arguments.name("/invite NICK", "@"),
        lambda face, nick: commands.Invite(need_room(face).log, nick),
        Where.IN_ROOM,
    ),
    Entry(
        "invitation",
        "[USES] [TIME]",
        "make a link to this room, for whoever has it",
        arguments.uses_and_time,
        _invitation,
        more="With --server before all else, to the server. It is good for one use and a week, or"
        " for USES and TIME (30m, 12h, 7d).",
    ),
    _moderation(Action.KICK, "remove NICK from this room"),
    _moderation(Action.BAN, "remove NICK, and keep NICK out"),
    _moderation(Action.UNBAN, "let NICK come back"),
    _moderation(Action.MUTE, "let NICK read only"),
    _moderation(Action.UNMUTE, "let NICK speak again"),
    _moderation(Action.OP, "make NICK an operator"),
    _moderation(Action.DEOP, "make NICK an operator no longer"),
    Entry(
        "slow",
        "SECONDS",
        "let members wait between two messages; 0 ends that",
        arguments.slow_seconds,
        lambda face, seconds: commands.SetSlowMode(need_room(face).log, seconds),
        Where.IN_ROOM,
    ),
    Entry(
        "nick",
        "NAME",
        "be known as NAME",
        arguments.name("/nick NAME"),
        lambda _, nick: commands.Rename(nick),
    ),
    Entry(
        "link",
        "",
        "get a code for another device of yours",
        arguments.nothing,
        lambda *_: commands.MakeDeviceCode(),
    ),
    Entry("devices", "", "list your devices", arguments.nothing, lambda *_: commands.ListDevices()),
    Entry(
        "revoke",
        "KEY",
        "take the device with this key away",
        arguments.name("/revoke KEY"),
        lambda _, key: commands.RevokeDevice(key),
        more="KEY is the beginning of a fingerprint that /devices lists.",
    ),
    Entry(
        "help",
        "[COMMAND]",
        "list the commands, or explain one",
        arguments.name("/help [COMMAND]", "/", is_optional=True),
        _help,
    ),
    Entry("quit", "", "leave", arguments.nothing, lambda face, _: face.quit()),
)

ENTRIES: Final[dict[str, Entry]] = {entry.name: entry for entry in _ENTRIES}
"""All commands by name, in the order in which they are listed."""

_SAY: Final = Entry("", "", "say something", arguments.text(""), _say, Where.IN_CONVERSATION)
"""What a line is that is no command."""


def parse_text(line: str) -> tuple[Entry, object] | None:
    """Return what a line is where no line is a command; None for an empty one.

    Raises CommandError.
    """
    return (_SAY, Content(_SAY.parse(line))) if line.strip() else None


def parse_line(line: str) -> tuple[Entry, object] | None:
    """Return the command that a line (without its end) is, and its argument for `Entry.run`.

    None for an empty line. Raises CommandError.
    """
    if line.startswith("//"):
        return parse_text(line[1:])
    if not line.startswith("/"):
        return parse_text(line)
    name, _, argument = line[1:].partition(" ")
    entry = ENTRIES.get(name)
    if entry is None:
        raise CommandError("There is no such command; /help lists them.")
    if len(argument.encode(errors="surrogatepass")) > TEXT_BYTES + 64:
        raise CommandError("That is too long.")  # More than any text with a name before it.
    return entry, entry.parse(argument.strip())


def help_text(entries: Iterable[Entry] = _ENTRIES) -> str:
    """Return a line for each command, and what else there is to know."""
    entries = list(entries)
    width = max(len(entry.line) for entry in entries) + 1
    return "\n".join(
        [
            *(f"{entry.line:{width}} {entry.help}" for entry in entries),
            "A line that does not begin with / is sent; // at its beginning sends a line that "
            "begins with /.",
        ]
    )


def help_on(name: str) -> str:
    """Return what there is to know about a command. Raises CommandError if there is none."""
    entry = ENTRIES.get(name)
    if entry is None:
        raise CommandError("There is no such command; /help lists them.")
    sentence = f"{entry.help[0].upper()}{entry.help[1:]}."
    return "\n".join(filter(None, [entry.line, f"{sentence} {entry.more}".rstrip()]))

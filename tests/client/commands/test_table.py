"""What lines mean, where they mean it, and what is said about them."""

from collections.abc import Callable

import pytest

from chat.client.commands import ENTRIES, CommandError, help_on, help_text, parse_line
from chat.client.core import commands as c
from chat.client.core.commands import Command
from chat.client.core.model import Handle
from chat.content import Content
from chat.ids import LogId, RecordId
from chat.limits import SEQ_MAX, TEXT_BYTES
from chat.rooms.roles import Action
from tests.client.commands.support import FakeFace, refused, run


@pytest.fixture
def face() -> FakeFace:
    return FakeFace()


# --- What a line makes the core do ---


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/nick ana", c.Rename("ana")),
        ("/nick   ana  ", c.Rename("ana")),
        ("/nick two words", c.Rename("two words")),
        ("/rooms", c.ListRooms()),
        ("/rooms ", c.ListRooms()),
        ("/join den", c.Join("den")),
        ("/join #den", c.Join("den")),
        ("/create den invite-only", c.Create("den", True)),
        ("/create #den", c.Create("den")),
        ("/ban --server bob", c.Moderate(None, Action.BAN, "bob")),
        ("/ban --network bob", c.Moderate(None, Action.BAN, "bob", network=True)),
        ("/deop --server bob", c.Moderate(None, Action.DEOP, "bob")),
        ("/invitation --server 1d", c.MakeInvitation(None, 1, 86_400)),
        ("/link", c.MakeDeviceCode()),
        ("/devices", c.ListDevices()),
        ("/revoke SHA256:abc", c.RevokeDevice("SHA256:abc")),
        ("/msg zoe hello there", c.SendPrivate("zoe", Content("hello there"))),
        ("/msg @zoe /me", c.SendPrivate("zoe", Content("/me"))),
        ("/search one two", c.Search("one two")),
    ],
)
def test_a_line_for_the_server_is_understood_anywhere(
    face: FakeFace, line: str, command: Command
) -> None:
    for room in (face.room, None):
        face.go(room)
        assert run(face, line) == command


def say(words: str) -> Callable[[LogId], Command]:
    return lambda log: c.Send(log, Content(words))


def moderate(
    action: Action, seconds: int = 0, reason: str = "", nick: str = "bob"
) -> Callable[[LogId], Command]:
    return lambda log: c.Moderate(log, action, nick, seconds, reason)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("hello", say("hello")),
        ("  indented", say("  indented")),
        ("//me", say("/me")),
        ("///", say("//")),
        ("x" * TEXT_BYTES, say("x" * TEXT_BYTES)),
        ("/who", c.ListMembers),
        ("/who ", c.ListMembers),
        ("/leave", c.Leave),
        ("/topic all things", lambda log: c.SetTopic(log, "all things")),
        ("/invite bob", lambda log: c.Invite(log, "bob")),
        ("/invite @bob", lambda log: c.Invite(log, "bob")),
        ("/kick bob", moderate(Action.KICK)),
        ("/kick @bob no more of this", moderate(Action.KICK, reason="no more of this")),
        ("/kick bob 7d", moderate(Action.KICK, reason="7d")),
        ("/ban bob", moderate(Action.BAN)),
        ("/ban bob 7d", moderate(Action.BAN, 604_800)),
        ("/ban bob 30m spam, spam", moderate(Action.BAN, 1_800, "spam, spam")),
        ("/unban bob", moderate(Action.UNBAN)),
        ("/mute bob 10s", moderate(Action.MUTE, 10)),
        ("/unmute bob", moderate(Action.UNMUTE)),
        ("/op bob", moderate(Action.OP)),
        ("/slow 10", lambda log: c.SetSlowMode(log, 10)),
        ("/slow 5m", lambda log: c.SetSlowMode(log, 300)),
        ("/slow 0", lambda log: c.SetSlowMode(log, 0)),
        ("/invitation", lambda log: c.MakeInvitation(log, 1, 604_800)),
        ("/invitation 10", lambda log: c.MakeInvitation(log, 10, 604_800)),
        ("/invitation 2h 3", lambda log: c.MakeInvitation(log, 3, 7_200)),
        ("/history", c.PageBack),
    ],
)
def test_a_line_for_the_room_goes_where_one_is(
    face: FakeFace, line: str, command: Callable[[LogId], Command]
) -> None:
    for name in ("lobby", "python"):
        room = face.case.room(name)
        face.go(room)
        assert run(face, line) == command(room.log)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/leave #python", c.Leave),
        ("/leave PYTHON", c.Leave),
        ("/history python", c.PageBack),
        ("/history #python", c.PageBack),
    ],
)
def test_another_room_can_be_named(
    face: FakeFace, line: str, command: Callable[[LogId], Command]
) -> None:
    assert run(face, line) == command(face.case.room("python").log)


def test_a_conversation_is_named_by_its_nickname(face: FakeFace) -> None:
    assert run(face, "/history @bob") == c.PageBack(face.case.private("bob").log)
    assert refused(face, "/history @zoe") == "There is no conversation with zoe."


@pytest.mark.parametrize("line", ["/leave nowhere", "/history nowhere"])
def test_a_room_that_one_is_not_in_has_nothing_to_do(face: FakeFace, line: str) -> None:
    assert refused(face, line) == "You are not in nowhere."


def test_empty_lines_mean_nothing(face: FakeFace) -> None:
    for line in ("", "   ", "\t"):
        assert run(face, line) is None


# --- Messages ---


def test_without_a_number_it_is_the_last_message(face: FakeFace) -> None:
    timeline = face.case.room().timeline
    own, other = timeline.handle(face.own), timeline.handle(face.other)
    assert own.record and other.record
    assert run(face, "/edit bye") == c.Edit(own, "bye")
    assert run(face, "/edit #tag") == c.Edit(own, "#tag")
    assert run(face, "/edit #12th") == c.Edit(own, "#12th")
    assert run(face, "/delete") == c.Delete(own)
    assert run(face, "/reply me too") == c.Send(own.log, Content("me too"), other)
    assert run(face, "/react 👍") == c.React(other, "👍")
    assert run(face, "/react") == c.React(other, "")


def test_a_number_names_a_message_known_or_not(face: FakeFace) -> None:
    room = face.case.room()

    def number(seq: int) -> Handle:
        return Handle(room.log, RecordId(b""), seq)

    assert run(face, f"/edit #{face.own} bye now") == c.Edit(
        room.timeline.handle(face.own), "bye now"
    )
    assert run(face, "/edit #12 bye now") == c.Edit(number(12), "bye now")
    assert run(face, "/delete #12") == c.Delete(number(12))
    assert run(face, f"/reply #{SEQ_MAX} me") == c.Send(room.log, Content("me"), number(SEQ_MAX))
    assert run(face, "/react #12 👍") == c.React(number(12), "👍")
    assert run(face, "/react #12") == c.React(number(12), "")


@pytest.mark.parametrize(
    ("line", "whose"),
    [
        ("/edit x", "message of yours"),
        ("/delete", "message of yours"),
        ("/reply x", "message of somebody else"),
        ("/react x", "message of somebody else"),
    ],
)
def test_without_such_a_message_there_is_nothing_to_do(
    face: FakeFace, line: str, whose: str
) -> None:
    face.go(face.case.room("python"))
    assert refused(face, line) == (
        f"There is no {whose} here; /history shows the numbers of older ones."
    )


# --- What concerns the face alone ---


def test_a_room_that_one_is_in_is_entered(face: FakeFace) -> None:
    assert run(face, "/join PYTHON") is None
    assert face.entered == [face.case.room("python")]


def test_the_topic_is_shown(face: FakeFace) -> None:
    assert run(face, "/topic") is None
    face.case.room().topic = "all things"
    assert run(face, "/topic") is None
    assert face.shown == ["* lobby has no topic.", '* lobby is about: "all things"']


def test_quitting_is_up_to_the_face(face: FakeFace) -> None:
    assert run(face, "/quit") is None
    assert face.has_quit


# --- Where ---


@pytest.mark.parametrize(
    "line",
    [
        *("hello", "/who", "/topic", "/topic x", "/invite bob", "/slow 1", "/leave", "/history"),
        *("/reply x", "/reply #3 x", "/react", "/edit #3 x", "/delete #3", "/kick bob"),
        *("/invitation", "/mute bob 1d"),
    ],
)
def test_in_no_room_that_is_said(face: FakeFace, line: str) -> None:
    face.go(None)
    assert refused(face, line) == "You are in no room; /join ROOM enters one."


@pytest.mark.parametrize("line", ["/topic", "/topic x", "/invite bob", "/slow 1"])
def test_what_is_for_rooms_is_not_for_conversations(face: FakeFace, line: str) -> None:
    face.go(face.case.private("bob"))
    name = line.partition(" ")[0]
    assert refused(face, line) == f"{name} is for rooms, not for private conversations."


@pytest.mark.parametrize("line", ["hello", "/who", "/history", "/reply x", "/react 👍"])
def test_what_is_for_either_is_for_conversations_as_well(face: FakeFace, line: str) -> None:
    private = face.case.private("bob")
    face.go(private)
    command = run(face, line)
    target = getattr(command, "target", None)
    assert getattr(target or command, "log", None) == private.log


# --- Help ---


def test_every_command_has_a_name_and_says_how_it_is_used() -> None:
    assert list(ENTRIES) == [entry.name for entry in ENTRIES.values()]
    for entry in ENTRIES.values():
        assert entry.name.isalpha() and entry.name.islower()
        assert entry.line == f"/{entry.name} {entry.usage}".strip()
        assert entry.help and entry.help[0].islower() and not entry.help.endswith(".")
        assert entry.more == "" or (entry.more[0].isupper() and entry.more.endswith("."))


def test_nothing_is_missing_from_the_table() -> None:
    names = "join create leave rooms topic invite invitation kick ban unban mute unmute op deop"
    more = (
        "slow msg me history search edit delete reply react who nick link devices revoke quit help"
    )
    people = "requests accept decline block unblock blocked contact known"
    assert set(ENTRIES) == {*names.split(), *more.split(), *people.split()}


def test_help_lists_every_command_in_order(face: FakeFace) -> None:
    assert run(face, "/help") is None
    [shown] = face.shown
    assert shown == help_text()
    *lines, last = shown.split("\n")
    for entry, line in zip(ENTRIES.values(), lines, strict=True):
        assert line.startswith(f"{entry.line} ") and line.endswith(f" {entry.help}")
        assert len(line) < 80
    assert "//" in last


@pytest.mark.parametrize("name", ENTRIES)
def test_each_command_is_explained(face: FakeFace, name: str) -> None:
    for line in (f"/help {name}", f"/help /{name}"):
        face.shown.clear()
        assert run(face, line) is None
        assert face.shown == [help_on(name)]
    first, *rest = help_on(name).split("\n")
    entry = ENTRIES[name]
    assert first == entry.line
    assert " ".join(rest).lower().startswith(entry.help.lower())
    assert rest[-1].endswith(".") and entry.more in rest[-1]


@pytest.mark.parametrize("line", ["/dance", "/", "/NICK x", "/help dance", "/help NICK", "/ say"])
def test_a_command_that_there_is_not_is_said_to_be_none(face: FakeFace, line: str) -> None:
    assert refused(face, line) == "There is no such command; /help lists them."


def test_what_is_no_command_is_refused_before_anybody_looks_at_a_room() -> None:
    with pytest.raises(CommandError, match="no such command"):
        parse_line("/dance")

"""What these tests share: a face that is nobody's."""

from chat.client.commands import CommandError, Face, parse_line
from chat.client.core.commands import Command
from chat.client.core.core import Core
from chat.client.core.rooms import Room
from tests.client.core.support import CoreCase
from tests.client.model import ModelServer

__all__ = ["FakeFace", "refused", "run"]


class FakeFace(Face):
    """Somebody called ana, in the lobby and in python; her core is online, and bob is there, too.

    She has said something in the lobby, and he answered.
    """

    def __init__(self) -> None:
        server = ModelServer()
        server.room("lobby", "bob")
        server.room("python", "bob")
        self.case = CoreCase(server).enter()
        server.room("python", "ana")
        self.case.cut()
        self.case.be_back()
        server.says("bob", server.private("ana", "bob"), "in private")
        lobby = server.room("lobby")
        self.own = server.says("ana", lobby, "mine")
        self.other = server.says("bob", lobby, "his")
        self.case.carry()
        self._room: Room | None = self.case.room()
        self.entered: list[Room] = []
        self.shown: list[str] = []
        self.has_quit = False

    def go(self, room: Room | None) -> None:
        """Let what is typed go to a room, or nowhere."""
        self._room = room

    @property
    def core(self) -> Core:
        """The core."""
        return self.case.core

    @property
    def room(self) -> Room | None:
        """The room."""
        return self._room

    def enter(self, room: Room) -> None:
        """Note it."""
        self.entered.append(room)

    def show(self, text: str) -> None:
        """Note it."""
        self.shown.append(text)

    def quit(self) -> None:
        """Note it."""
        self.has_quit = True


def run(face: Face, line: str) -> Command | None:
    """Return what a line wants the core to do. Raises CommandError."""
    parsed = parse_line(line)
    if parsed is None:
        return None
    entry, argument = parsed
    entry.check(face)
    return entry.run(face, argument)


def refused(face: Face, line: str) -> str:
    """Return the sentence about a line that means nothing."""
    try:
        command = run(face, line)
    except CommandError as error:
        return str(error)
    raise AssertionError(f"{line!r} means {command}")

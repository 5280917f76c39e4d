"""The application without a terminal and without a network: a test presses keys and carries
messages."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from chat.client.core.core import Core
from chat.client.core.events import Event
from chat.client.core.interfaces import StorageError
from chat.client.core.reconnect import Backoff
from chat.client.core.resync import LOBBY
from chat.client.core.trust import HostKeyCheck
from chat.client.look import Theme
from chat.client.storage.identities import Identities
from chat.client.storage.known_accounts import KnownAccounts
from chat.client.storage.known_hosts import KnownHosts
from chat.client.tui.app import ChatApp, StartError
from chat.client.tui.client import RoomsClient
from chat.client.tui.composer import Composer
from chat.client.tui.conductor import Conductor
from chat.client.tui.entrance import Start
from chat.client.tui.files import Files
from chat.client.tui.log import LogView
from chat.client.tui.screen import RoomScreen
from chat.limits import ClientLimits
from chat.testing import FakeClock
from tests.client.model import ModelServer
from tests.client.support import ADDRESS, NetworkByHand

__all__ = ["NOON", "Desk", "run"]

NOON = 1_795_867_200_000
"""Saturday, 28 November 2026, 12:00 UTC."""


class Desk(NetworkByHand):
    """Somebody at the full-screen client, at a `ModelServer`."""

    def __init__(
        self,
        home: Path,
        server: ModelServer | None = None,
        *,
        nick: str | None = "ana",
        theme: Theme = Theme.DARK,
        start: Start | None = None,
        is_asked: bool = True,
        limits: ClientLimits | None = None,
    ) -> None:
        super().__init__(server)
        self._home = home
        self._limits = limits or ClientLimits()
        self._start = (start or Start(ADDRESS, nick)) if is_asked else None
        self.now = NOON
        self.clock = FakeClock()
        self.failures: list[BaseException] = []
        self.conductor: Conductor
        self.pilot: Pilot[None]
        self.app = ChatApp(lambda: None, self._make, theme, self.failures.append)

    def _make(self, app: ChatApp) -> Conductor:
        try:
            return self._make_conductor(app)
        except StorageError as error:
            raise StartError(f"{error}.") from None

    def _make_conductor(self, app: ChatApp) -> Conductor:
        self.conductor = Conductor(
            app,
            self._start,
            self._assemble,
            Files.at(self._home),
            seconds=self.clock,
            milliseconds=lambda: self.now,
            zone=UTC,
            environment={},
        )
        return self.conductor

    def _assemble(self, listener: Callable[[Event], None], start: Start) -> Core:
        self.core = Core(
            listener,
            check=HostKeyCheck(start.address, KnownHosts(self._home / "known_hosts"), can_ask=True),
            keys=Identities(self._home),
            network=self,
            partners=KnownAccounts(self._home / "known_accounts", start.address),
            credentials=start.credentials,
            home=None if start.room else LOBBY,
            catch_up=self._limits.catch_up,
            limits=self._limits,
            backoff=Backoff(self._limits, lambda: 0.5),
        )
        return self.core

    # --- Looking ---

    @property
    def screen(self) -> RoomScreen:
        return self.conductor.screen

    @property
    def is_in_rooms(self) -> bool:
        """Whether nothing is above the screen of rooms."""
        return self.app.screen is self.screen

    @property
    def client(self) -> RoomsClient:
        client = self.screen.client
        assert client is not None
        return client

    @property
    def composer(self) -> Composer:
        return self.screen.composer

    @property
    def log(self) -> LogView:
        return self.screen.log_view

    def lines(self) -> list[str]:
        """Return what is on the screen, without the spaces at the ends of lines."""
        size = self.app.size
        strips = self.app.screen._compositor.render_strips(size)
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    def text(self) -> str:
        """Return the same as one text."""
        return "\n".join(self.lines())

    def log_lines(self) -> list[str]:
        """Return what the log shows, without empty lines above."""
        lines = [self.log.render_line(y).text.rstrip() for y in range(self.log.size.height)]
        while lines and not lines[0]:
            del lines[0]
        return lines

    # --- Doing ---

    async def enter(self) -> None:
        """Come into the rooms."""
        await self.settle()
        self.connected()
        self.offer()
        self.carry()
        await self.settle()

    async def settle(self) -> None:
        """Let everything be drawn that is to be drawn."""
        for _ in range(3):
            await self.pilot.pause()
        while self.is_shown and self.screen.drawing.is_due:
            await self.pilot.pause(0.005)
        await self.pilot.pause()

    @property
    def is_shown(self) -> bool:
        """Whether the rooms' screen is there."""
        return hasattr(self, "conductor") and self.conductor.screen.is_attached

    async def press(self, *keys: str) -> None:
        """Press keys, and carry what follows."""
        await self.pilot.press(*keys)
        await self.settle()
        if self.links:
            self.carry()
            await self.settle()

    async def type(self, text: str) -> None:
        """Type a text and Enter."""
        self.composer.insert(text)
        await self.press("enter")

    async def go_to(self, name: str) -> None:
        """Go to a room, as the switcher does."""
        await self.press("ctrl+k")
        self.app.screen.query_one(Input).value = name
        await self.press("enter")
        assert self.screen.room is not None and self.screen.room.name == name

    async def click(self, text: str, inside: int = 0, *, last: bool = False) -> None:
        """Click on the first, or last, place where a text is on the screen."""
        places = [(line.find(text), y) for y, line in enumerate(self.lines()) if text in line]
        x, y = places[-1 if last else 0]
        await self.pilot.click(offset=(x + inside, y))
        await self.settle()
        self.carry()
        await self.settle()

    async def say(self, nick: str, text: str, room: str = "lobby", reply: int | None = None) -> int:
        """Let somebody say something; its number."""
        assert self.server is not None
        seq = self.server.says(nick, self.server.room(room), text, reply)
        self.carry()
        await self.settle()
        return seq


def run(
    desk: Desk, test: Callable[[Desk], Awaitable[None]], size: tuple[int, int] = (80, 24)
) -> None:
    """Run a test in the application; an exception in it, or in the application, ends the test."""

    async def play() -> None:
        async with desk.app.run_test(size=size, notifications=True, tooltips=True) as pilot:
            desk.pilot = pilot
            await test(desk)
        assert not desk.failures

    asyncio.run(asyncio.wait_for(play(), 60))

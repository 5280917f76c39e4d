"""Opens the screens for what commands can do, and carries out what is chosen there."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from chat.client.core import commands
from chat.client.core.commands import Command
from chat.client.core.model import ContactRequest, Device, DeviceCode, Invitation, Refusal
from chat.client.core.rooms import Room
from chat.client.look import Theme, format_moment
from chat.client.storage.settings import Level, Quiet
from chat.client.tui.client import RoomsClient
from chat.client.tui.keys import KEYS, usual_keys
from chat.client.tui.screens.devices import DeviceLine, DevicesScreen, LinkScreen
from chat.client.tui.screens.invitation import InvitationScreen, Made
from chat.client.tui.screens.keys import KeysScreen
from chat.client.tui.screens.moderation import Moderation, ModerationScreen
from chat.client.tui.screens.people import BlocksScreen, RequestsScreen
from chat.client.tui.screens.room import RoomSettingsScreen, RoomState
from chat.client.tui.screens.settings import Setters, SettingsScreen
from chat.client.tui.screens.sheet import Done, Sheet
from chat.client.tui.status import who_reads
from chat.client.wording.advice import advise
from chat.rooms.roles import Action, Role

if TYPE_CHECKING:
    from chat.client.tui.screen import RoomScreen

__all__ = ["Sheets"]


class Sheets:
    """Opens sheets over a screen of rooms."""

    def __init__(self, screen: "RoomScreen") -> None:
        self._screen = screen

    def _open(self, sheet: Sheet) -> None:
        self._screen.app.push_screen(sheet)

    def _copy(self, text: str) -> None:
        self._screen.app.copy_to_clipboard(text)

    def _do(self, client: RoomsClient, command: Command, done: Done) -> None:
        """Do what was chosen; it is told in the room as well, as if it had been typed."""

        def finished(outcome: object) -> None:
            done(advise(outcome) if isinstance(outcome, Refusal) else None)

        client.do(command, finished=finished)

    # --- What a command brought ---

    def outcome(self, client: RoomsClient, command: Command, outcome: object) -> bool:
        """Show an outcome that has a sheet. Return whether it has."""
        match command, outcome:
            case commands.ListDevices(), tuple():
                self.devices(client, [it for it in outcome if isinstance(it, Device)])
            case _, DeviceCode(code, seconds, link):
                nick = client.core.account.nick
                self._open(LinkScreen(code, link, nick, seconds // 60, self._copy))
            case commands.ListBlocked(), tuple():
                self.blocked(client, [str(it) for it in outcome])
            case commands.ListRequests(), tuple():
                self.requests(client, [it for it in outcome if isinstance(it, ContactRequest)])
            case _:
                return False
        return True

    def devices(self, client: RoomsClient, devices: list[Device]) -> None:
        """Show one's devices."""

        def revoke(fingerprint: str, done: Done) -> None:
            self._do(client, commands.RevokeDevice(fingerprint), done)

        zone = self._screen.zone
        lines = [
            DeviceLine(
                it.fingerprint,
                format_moment(it.added, zone).rpartition(", ")[0],
                it.is_here,
                it.is_this,
            )
            for it in devices
        ]
        self._open(DevicesScreen(lines, revoke, lambda: client.do(commands.MakeDeviceCode())))

    def blocked(self, client: RoomsClient, nicks: list[str]) -> None:
        """Show whom one has blocked."""
        self._open(
            BlocksScreen(
                nicks,
                lambda nick, done: self._do(client, commands.Block(nick), done),
                lambda nick, done: self._do(client, commands.Unblock(nick), done),
            )
        )

    def requests(self, client: RoomsClient, requests: list[ContactRequest]) -> None:
        """Show who asks to talk alone."""
        others = client.strangers
        self._open(
            RequestsScreen(
                [it.nick for it in requests],
                lambda nick, done: self._do(client, commands.AnswerRequest(nick, True), done),
                lambda nick, done: self._do(client, commands.AnswerRequest(nick, False), done),
                lambda nick, done: self._do(client, commands.Block(nick), done),
                {
                    it.nick: f"This {it.nick} is another account than the one you talked to."
                    for it in requests
                    if it.log in others
                },
            )
        )

    # --- What the palette offers ---

    def invite(self, client: RoomsClient, room: Room | None) -> None:
        """Make a link for others."""

        def make(is_on_server: bool, uses: int, seconds: int, made: Made) -> None:
            log = None if is_on_server or room is None else room.log

            def done(outcome: object) -> None:
                if isinstance(outcome, Invitation):
                    made(outcome.link, None)
                elif isinstance(outcome, Refusal):
                    made("", advise(outcome))

            client.ask(commands.MakeInvitation(log, uses, seconds), done)

        name = "" if room is None or room.is_private else room.name
        self._open(InvitationScreen(name, make, self._copy))

    def moderate(self, client: RoomsClient, room: Room, nick: str) -> None:
        """Do to somebody what operators can."""

        def moderate(it: Moderation, done: Done) -> None:
            log = None if it.is_on_server else room.log
            self._do(
                client, commands.Moderate(log, it.action, it.nick, it.seconds, it.reason), done
            )

        self._open(ModerationScreen(nick, room.name, list(Action), moderate))

    def room(self, client: RoomsClient, room: Room) -> None:
        """Change a room, or what of it one is notified of."""
        name = f"@{room.name}" if room.is_private else room.name
        settings = self._screen.host.settings
        own = (room.members or {}).get(client.core.account.account)
        state = RoomState(
            name,
            room.topic,
            None,
            who_reads(room),
            settings.levels.get((client.name, name)),
            own is not None and own.role > Role.MEMBER and not room.is_private,
        )

        def set_level(level: Level | None, done: Done) -> None:
            done(self._screen.host.change_level(client.name, name, level))

        self._open(
            RoomSettingsScreen(
                state,
                lambda topic, done: self._do(client, commands.SetTopic(room.log, topic), done),
                lambda slow, done: self._do(client, commands.SetSlowMode(room.log, slow), done),
                set_level,
            )
        )

    def settings(self) -> None:
        """Change the settings."""
        host = self._screen.host
        file = host.files.settings

        def setter(keep: Callable[..., None]) -> Callable[..., None]:
            def set_(value: object) -> None:
                keep(value)
                host.settings_changed()

            return set_

        theme: Callable[[Theme], None] = setter(file.set_theme)
        mouse: Callable[[bool], None] = setter(file.set_mouse)
        quiet: Callable[[Quiet | None], None] = setter(file.set_quiet)
        setters = Setters(
            *(theme, mouse, setter(file.set_typing), setter(file.set_rooms)),
            *(setter(file.set_bell), setter(file.set_desktop), quiet),
        )
        self._open(SettingsScreen(host.settings, setters, self.keys, path=str(file.path)))

    def keys(self) -> None:
        """Change the keys."""
        host = self._screen.host
        words = {name: key.help for name, key in KEYS.items()}
        path = str(host.files.bindings.path)
        self._open(KeysScreen(host.keys, usual_keys(), words, host.bind, path=path))

"""Ways to get somewhere: rooms and people, commands, hits of a search, messages by place or day."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from chat.client.commands import ENTRIES
from chat.client.core import commands
from chat.client.core.events import Found, Jumped
from chat.client.core.model import Message, Refusal
from chat.client.core.rooms import Room
from chat.client.look import count_words, format_time
from chat.client.tui.client import RoomsClient
from chat.client.tui.days import parse_day
from chat.client.tui.dialogs import Ask
from chat.client.tui.listing import invitation_key, request_key, room_key, sorted_rooms
from chat.client.tui.paint import label, shown
from chat.client.tui.picker import Choice, Picker
from chat.client.wording.display import format_item, number_of
from chat.ids import LogId

if TYPE_CHECKING:
    from chat.client.tui.screen import RoomScreen

__all__ = ["Going"]


class Going:
    """Takes a screen to other places."""

    def __init__(self, screen: "RoomScreen") -> None:
        self._screen = screen

    # --- Rooms and people ---

    def switch(self) -> None:
        """Let the user choose a room or person; an unknown one is joined or written to."""
        choices = []
        for at, client in enumerate(self._screen.clients):
            where = f"  {client.name}" if len(self._screen.clients) > 1 else ""
            known = set()
            for room in sorted_rooms(client.core.rooms) if client.is_started else ():
                count = count_words(room.unread)
                note = f"{f'{count} new' if count else ''}{where}"
                name = label(room)
                choices.append(Choice(room_key(at, room.log), name, note))
                known.add(name)
            if client.is_started:
                for request in client.core.requests:
                    name, note = f"@{shown(request.nick)}", f"asks to talk to you{where}"
                    choices.append(Choice(request_key(at, request.log), name, note))
                    known.add(name)
                for room_name, by in client.core.invitations:
                    note = f"{shown(by) or 'the operator'} invites you{where}"
                    key = invitation_key(at, room_name)
                    choices.append(Choice(key, f"#{shown(room_name)}", note))
            current = client.room if client is self._screen.client else None
            for member in (current.members or {}).values() if current is not None else ():
                name = f"@{shown(member.nick)}"
                if name not in known and member.account != client.core.account.account:
                    choices.append(Choice(f"person {at} {member.nick}", name, "member here"))

        def free(query: str) -> Choice | None:
            name = query.strip().lstrip("#")
            if not name:
                return None
            if name.startswith("@"):
                nick = name[1:]
                key = f"person {self._number()} {nick}"
                return Choice(key, f"@{shown(nick)}", "write to") if nick else None
            return Choice(f"join {self._number()} {name}", f"#{shown(name)}", "join")

        self._pick("Go to a room or person", choices, self.choose, free=free)

    def _number(self) -> int:
        client = self._screen.client
        return 0 if client is None else self._screen.clients.index(client)

    def _pick(
        self,
        title: str,
        choices: list[Choice],
        chosen: Callable[[str], None],
        *,
        free: Callable[[str], Choice | None] = lambda _: None,
    ) -> None:
        def done(key: str | None) -> None:
            if key is not None:
                chosen(key)

        self._screen.app.push_screen(Picker(title, choices, self._screen.look, free=free), done)

    def choose(self, key: str) -> None:
        """Go where the key of an entry leads."""
        kind, _, rest = key.partition(" ")
        number, _, what = rest.partition(" ")
        client = self._screen.clients[int(number)]
        match kind:
            case "room":
                room = next((it for it in client.core.rooms if it.log.hex() == what), None)
                if room is not None:
                    self._leave_for(client)
                    client.enter(room)
            case "person":
                client.do(commands.OpenPrivate(what), f"/msg {what} ")
            case "join":
                client.submit(f"/join {what}")
            case "invitation":
                self._answer_invitation(client, what)
            case "request":
                self._answer_request(client, LogId(bytes.fromhex(what)))

    def _leave_for(self, client: RoomsClient) -> None:
        """Leave the room of the server one looked at, for a room of another one."""
        before = self._screen.client
        if before is not None and before is not client and before.room is not None:
            self._screen.stage.leaving(before, before.room)
        self._screen.client = client

    def _answer_invitation(self, client: RoomsClient, room: str) -> None:
        by = next((it for name, it in client.core.invitations if name == room), "")
        self._pick(
            f"{shown(by) or 'The operator'} invites you to {shown(room)}",
            [Choice("join", "join", "its members see that you are there")],
            lambda _: self._say(client.submit(f"/join {room}")),
        )

    def _answer_request(self, client: RoomsClient, log: LogId) -> None:
        request = next((it for it in client.core.requests if it.log == log), None)
        if request is None:
            return
        nick = request.nick
        choices = [
            Choice("accept", f"talk to {shown(nick)}"),
            Choice("decline", "decline", "they cannot ask again"),
            Choice("block", "block", "nothing of theirs reaches you"),
        ]
        self._pick(
            f"{shown(nick)} asks to talk to you alone",
            choices,
            lambda key: self._say(client.submit(f"/{key} {nick}")),
        )

    def _say(self, sentence: str | None) -> None:
        if sentence:
            self._screen.complain(sentence)

    def unread(self, direction: int) -> None:
        """Go to the next room with something unread, above or below."""
        places = [
            (client, room)
            for client in self._screen.clients
            if client.is_started
            for room in sorted_rooms(client.core.rooms)
        ]
        here = self._screen.room
        at = next((at for at, (_, room) in enumerate(places) if room is here), -1)
        for step in range(1, len(places)):
            client, room = places[(at + direction * step) % len(places)]
            if room.unread:
                self.choose(room_key(self._screen.clients.index(client), room.log))
                return

    def member(self, nick: str) -> None:
        """Offer what can be done about a member."""
        client, room = self._screen.client, self._screen.room
        if client is None or room is None:
            return
        choices = [Choice("msg", "write to them alone"), Choice("mention", "name them here")]
        if not room.is_private:
            choices.append(Choice("moderate", "mute, remove, ban, make an operator"))
        choices += [Choice("block", "block", "nothing of theirs reaches you")]

        def chosen(key: str) -> None:
            if key == "msg":
                client.do(commands.OpenPrivate(nick))
            elif key == "mention":
                self._screen.composer.insert(f"{nick} ")
                self._screen.set_focus(self._screen.composer)
            elif key == "moderate":
                self._screen.sheets.moderate(client, room, nick)
            else:
                self._say(client.submit(f"/{key} {nick}"))

        self._pick(shown(nick), choices, chosen)

    # --- Commands ---

    def palette(self) -> None:
        """Let the user choose something to do; a command that needs more is put into the input."""
        sheets, client, room = self._screen.sheets, self._screen.client, self._screen.room
        acts: dict[str, tuple[str, Callable[[], None]]] = {
            "settings": ("colours, mouse, notifications", sheets.settings),
            "keys": ("which key does what", sheets.keys),
            "another server": ("connect to one more", lambda: self._screen.host.entrance.ask(None)),
            "help": ("all keys and commands", self._screen.action_help),
            "leave encchat": ("", self._screen.host.leave),
        }
        if client is not None and client.is_started:
            acts["invite by a link"] = ("", lambda: sheets.invite(client, room))
            if room is not None:
                acts["this room"] = (
                    "topic, slow mode, notifications",
                    lambda: sheets.room(client, room),
                )
        choices = [Choice(f"act {name}", name, note) for name, (note, _) in acts.items()]
        choices += [Choice(entry.name, entry.line, entry.help) for entry in ENTRIES.values()]

        def chosen(key: str) -> None:
            if key.startswith("act "):
                acts[key.removeprefix("act ")][1]()
            elif client is not None:
                entry = ENTRIES[key]
                if entry.usage and not entry.usage.startswith("["):
                    self._screen.composer.put(f"/{key} ")
                    self._screen.set_focus(self._screen.composer)
                else:
                    self._say(client.submit(f"/{key}"))

        self._pick("What to do", choices, chosen)

    # --- Search ---

    def search(self) -> None:
        """Ask for words, and search."""

        def done(words: str | None) -> None:
            client = self._screen.client
            if words and words.strip() and client is not None:
                self._say(client.submit(f"/search {words}"))

        self._screen.app.push_screen(
            Ask("Search all your rooms for messages with these words"), done
        )

    def show_found(self, client: RoomsClient, found: Found) -> None:
        """Show what was found; the one that is chosen is gone to."""
        now = self._screen.host.milliseconds()
        choices = []
        for at, (room, item) in enumerate(found.items):
            when = (
                format_time(item.time, now, self._screen.zone) if isinstance(item, Message) else ""
            )
            text = shown(" ".join(format_item(item).split()))
            choices.append(Choice(str(at), text, f"{shown(room.name)}  {when}"))
        title = "Found, the latest first" if choices else "Nothing was found"
        if found.more:
            title += " (there is more; other words find less)"

        def chosen(key: str) -> None:
            room, item = found.items[int(key)]
            seq = number_of(item)
            self.to_message(client, room, seq)

        self._pick(title, choices, chosen)

    # --- Messages ---

    def to_message(self, client: RoomsClient, room: Room, seq: int) -> None:
        """Go to a message, however old, and select it."""
        if room is not self._screen.room:
            self.choose(room_key(self._screen.clients.index(client), room.log))
        self._jump(client, room, commands.Jump(room.log, seq=seq), exactly=seq)

    def _jump(
        self, client: RoomsClient, room: Room, jump: commands.Jump, exactly: int | None = None
    ) -> None:
        def done(outcome: object) -> None:
            if room is not self._screen.room:
                return
            if isinstance(outcome, Refusal):
                self._screen.complain(outcome.text)
            elif isinstance(outcome, Jumped):
                log = self._screen.log_view
                log.settle()
                if exactly is not None and outcome.seq != exactly:
                    self._screen.complain("That message is not there any more.")
                elif outcome.seq is None:
                    log.action_end()
                elif log.scroll_to_key(outcome.seq):
                    self._screen.set_focus(log)

        client.ask(jump, done)

    def jump(self) -> None:
        """Let the user choose a message to go to."""
        choices = [
            Choice("new", "first new message"),
            Choice("date", "a date"),
            Choice("end", "the end"),
            Choice("oldest", "the oldest that is here"),
        ]
        acts = {
            "new": self.to_new,
            "date": self._ask_date,
            "end": self._screen.log_view.action_end,
            "oldest": self._screen.log_view.action_top,
        }

        def free(query: str) -> Choice | None:
            day = parse_day(query, datetime.now(self._screen.zone))
            if day is None:
                return None
            return Choice(f"{round(day.timestamp() * 1_000)}", shown(query.strip()), "that day")

        def chosen(key: str) -> None:
            if key in acts:
                acts[key]()
            else:
                self._to_day(int(key))

        self._pick("Go to", choices, chosen, free=free)

    def to_new(self) -> None:
        """Go to the first new message."""
        client, room = self._screen.client, self._screen.room
        if client is None or room is None:
            return
        marker = client.document(room).marker
        if marker is None:
            self._screen.complain("Nothing was new when you came here.")
        else:
            self._jump(client, room, commands.Jump(room.log, seq=marker + 1))

    def _ask_date(self) -> None:
        def done(text: str | None) -> None:
            if text is None:
                return
            day = parse_day(text, datetime.now(self._screen.zone))
            if day is None:
                self._screen.complain("A day is like 2026-11-24, 24.11., yesterday or monday.")
            else:
                self._to_day(round(day.timestamp() * 1_000))

        self._screen.app.push_screen(Ask("Go to which day? (2026-11-24, yesterday, monday)"), done)

    def _to_day(self, time: int) -> None:
        client, room = self._screen.client, self._screen.room
        if client is None or room is None:
            return
        self._jump(client, room, commands.Jump(room.log, time=time))

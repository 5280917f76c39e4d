"""The screen one sits at: rooms at the left, the log, members at the right, the input below.

It shows the clients of all servers, one room at a time. What they tell is drawn once a frame,
however much comes; what is typed stays as it is, whatever comes.
"""

from collections.abc import Callable
from datetime import tzinfo
from itertools import islice
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Key, Resize
from textual.screen import Screen
from textual.widgets import Static

from chat.client.complete import Context, Names, usage_of
from chat.client.core.commands import Command
from chat.client.core.events import Ending, Found, TrustAsked
from chat.client.core.model import ContactRequest, Message, Refusal
from chat.client.core.rooms import Room
from chat.client.look import Role, hue_of
from chat.client.tui.actions import MessageActions
from chat.client.tui.bars import Bar, Piece
from chat.client.tui.client import RoomsClient
from chat.client.tui.completions import CompletionList
from chat.client.tui.composer import Composer
from chat.client.tui.dialogs import Confirm, Reader
from chat.client.tui.going import Going
from chat.client.tui.help import help_content
from chat.client.tui.host import Host
from chat.client.tui.listing import member_entries, room_entries, room_key
from chat.client.tui.log import LogView
from chat.client.tui.paint import Painter, shown
from chat.client.tui.side import SideList
from chat.client.tui.stage import Part
from chat.client.tui.status import connection_pieces, room_pieces, writing_words
from chat.client.tui.styles import Styles

__all__ = ["RoomScreen"]

_FRAME: Final = 1 / 60
_MEMBERS_FROM: Final = 100
"""Columns; members are behind a key on a screen that has fewer."""
_ROOMS_FROM: Final = 60

_RECENT: Final = 50
"""Messages whose authors are offered first when a name is completed."""


class RoomScreen(Screen[None]):
    """A `chat.client.tui.stage.Stage`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Help", show=False),
        Binding("ctrl+k", "go", "Go to a room or person", show=False, priority=True),
        Binding("ctrl+p", "palette", "All commands", show=False, priority=True),
        Binding("ctrl+f", "search", "Search", show=False, priority=True),
        Binding("ctrl+g", "jump", "Go to a message", show=False, priority=True),
        Binding("alt+up", "unread(-1)", "Unread before", show=False, priority=True),
        Binding("alt+down", "unread(1)", "Unread after", show=False, priority=True),
        Binding(
            "ctrl+up,shift+tab", "select_message", "Select a message", show=False, priority=True
        ),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("f2", "toggle_side('rooms')", "Rooms", show=False),
        Binding("f3", "toggle_side('members')", "Members", show=False),
        Binding("f6", "next_part", "Next part", show=False, priority=True),
        Binding("escape", "back", "Back", show=False),
    ]

    DEFAULT_CSS = """
    RoomScreen { background: $background; layout: vertical; }
    RoomScreen #columns { height: 1fr; }
    RoomScreen #middle { width: 1fr; }
    RoomScreen #rooms { width: 22; }
    RoomScreen #members { width: 18; }
    RoomScreen #log { height: 1fr; }
    RoomScreen #trouble {
        height: auto; max-height: 4; padding: 0 1; background: $panel; color: $error;
        display: none;
    }
    RoomScreen .closed { display: none; }
    RoomScreen.-over #middle { display: none; }
    RoomScreen.-over #rooms, RoomScreen.-over #members { width: 1fr; }
    """

    def __init__(self, host: Host, painter: Painter, styles: Styles, zone: tzinfo) -> None:
        super().__init__()
        self.zone = zone
        """The user's time zone."""
        self.host = host
        self.look = styles
        self.clients: list[RoomsClient] = []
        self.client: RoomsClient | None = None
        """The one whose room is shown."""
        self._painter = painter
        self._parts: set[Part] = set()
        self._is_frame_due = False
        self._asked_for: dict[str, bool] = {}
        """Whether rooms and members were shown or hidden by hand, at this width."""
        self._trouble = ""
        self._written_for: Room | None = None
        """The room that what is in the input is for."""
        self.message_actions = MessageActions(self)
        self.going = Going(self)

    def compose(self) -> ComposeResult:
        """Return the widgets."""
        yield Bar(self.look, id="head", is_kept=True)
        with Horizontal(id="columns"):
            yield SideList(self.look, id="rooms")
            with Vertical(id="middle"):
                yield LogView(self._painter, self.look, id="log")
                yield Static(id="trouble")
                yield Bar(self.look, id="hint", is_kept=True)
                yield Bar(self.look, id="about")
                yield CompletionList(self.look, self._completion_context)
                yield Composer(id="composer")
            yield SideList(self.look, id="members")
        yield Bar(self.look, id="status", is_kept=True)

    def on_mount(self) -> None:
        """Begin at the input."""
        self.log_view.is_mention = self._is_mention
        self.composer.submit = self._submit
        self.completions.composer = self.composer
        self.composer.intercept = self.completions.key
        self.composer.focus()

    # --- Parts ---

    @property
    def log_view(self) -> LogView:
        """The log."""
        return self.query_one("#log", LogView)

    @property
    def composer(self) -> Composer:
        """The input."""
        return self.query_one("#composer", Composer)

    @property
    def completions(self) -> CompletionList:
        """The list of how what is typed can go on."""
        return self.query_one(CompletionList)

    @property
    def room(self) -> Room | None:
        """The room that is shown."""
        return None if self.client is None else self.client.room

    def _is_mention(self, message: Message) -> bool:
        return self.client is not None and self.client.is_mention(message)

    def set_look(self, styles: Styles) -> None:
        """Draw with other colours."""
        self.look = styles
        self.log_view.set_look(styles)
        self.completions.set_look(styles)
        for bar in self.query(Bar):
            bar.set_look(styles)
        for side in self.query(SideList):
            side.set_look(styles)

    # --- Drawing, once a frame ---

    def redraw(self, client: RoomsClient, *parts: Part) -> None:
        """Draw parts anew with the next frame, if they show this client."""
        if client is self.client:
            self._parts.update(parts)
        elif Part.ROOMS in parts:
            self._parts.add(Part.ROOMS)
        if self._parts and not self._is_frame_due:
            self._is_frame_due = True
            self.set_timer(_FRAME, self._frame)

    def draw_now(self) -> None:
        """Draw everything anew."""
        self._parts = set(Part)
        self._frame()

    def _frame(self) -> None:
        self._is_frame_due = False
        parts, self._parts = self._parts, set()
        if not self.is_attached:
            return
        draw: dict[Part, Callable[[], None]] = {
            Part.HEAD: self._draw_head,
            Part.ROOMS: self._draw_rooms,
            Part.LOG: self._draw_log,
            Part.MEMBERS: self._draw_members,
            Part.STATUS: self.draw_status,
            Part.HINT: self.draw_hint,
        }
        for part in Part:
            if part in parts:
                draw[part]()

    def _draw_head(self) -> None:
        is_narrow = self.size.width < _MEMBERS_FROM
        self.query_one("#head", Bar).show(*room_pieces(self.room, is_narrow=is_narrow))

    def _draw_rooms(self) -> None:
        current = None
        if self.client is not None and (room := self.room) is not None:
            current = room_key(self.clients.index(self.client), room.log)
        ready = [client for client in self.clients if client.is_started]
        self.query_one("#rooms", SideList).show_all(room_entries(ready), current)
        self.host.show_title(self.room, self.clients)

    def _draw_log(self) -> None:
        self.log_view.settle()
        self.read()

    def _draw_members(self) -> None:
        client, room = self.client, self.room
        hue = hue_of if client is None or room is None else client.document(room).hues.of
        entries = member_entries(room, lambda account: self.look.name(hue(account)))
        self.query_one("#members", SideList).show_all(entries)

    def draw_status(self) -> None:
        """Say how it stands with the servers."""
        pieces: list[Piece] = []
        for client in self.clients:
            if client.is_started and (client is self.client or client.is_in_trouble):
                pieces += [Piece("   ")] if pieces else []
                pieces += connection_pieces(
                    client.name,
                    client.core.connection,
                    self.host.seconds(),
                    nick=client.nick,
                    is_verified=client.is_verified,
                    unsent=client.core.unsent,
                    latency=client.core.latency,
                )
        self.query_one("#status", Bar).show(*pieces)

    def on_resize(self, event: Resize) -> None:
        """Show as many columns as there is room for."""
        self._asked_for.clear()
        self._lay_out()
        if self.is_mounted:
            self._draw_head()

    def _lay_out(self) -> None:
        width = self.size.width
        rooms = self._asked_for.get("rooms", width >= _ROOMS_FROM)
        members = self._asked_for.get("members", width >= _MEMBERS_FROM)
        self.query_one("#rooms").set_class(not rooms, "closed")
        self.query_one("#members").set_class(not members, "closed")
        # On a narrow screen, one takes the place of the log.
        self.set_class(width < _ROOMS_FROM and (rooms or members), "-over")

    # --- The stage ---

    def is_free(self, client: RoomsClient) -> bool:
        """Whether no room of another server is shown."""
        return self.client in (None, client) or self.room is None

    def is_watched(self, client: RoomsClient, room: Room) -> bool:
        """Whether the user sees what is said in a room as it comes."""
        return (
            client is self.client
            and room is self.room
            and self.is_current
            and self.host.has_focus
            and self.log_view.is_at_end
        )

    def read(self) -> None:
        """Note that what is in view has been read."""
        client, room = self.client, self.room
        if client is None or room is None or not room.unread or not self.is_current:
            return
        if not self.host.has_focus:
            return
        if self.log_view.is_at_end:
            client.mark_read(room)
        elif (key := self.log_view.last_visible()) is not None and key > 0:
            client.mark_read(room, key)

    def leaving(self, client: RoomsClient, room: Room) -> None:
        """Keep what is written for a room."""
        if room is self._written_for:
            self._written_for = None
            client.core.set_draft(room, self.message_actions.draft())
            self.host.keep_draft(client, room)

    def entered(self, client: RoomsClient, room: Room | None) -> None:
        """Show another room."""
        self.client = client
        is_homeless = self._written_for is None and bool(self.composer.text)
        self._written_for = room
        self.message_actions.reset()
        self.complain("")
        self.log_view.show(None if room is None else client.document(room))
        # What was written for no room, or for one that is gone, stays.
        if room is not None and (room.draft or not is_homeless):
            self.composer.put(room.draft)
        name = "" if room is None else f"{'@' if room.is_private else '#'}{shown(room.name)}"
        self.composer.placeholder = f"Write to {name}" if name else "You are in no room; Ctrl-K"
        if self.size.width < _ROOMS_FROM:
            self._asked_for.clear()
            self._lay_out()
        self.composer.focus()
        self.draw_now()

    def arrived(
        self, client: RoomsClient, room: Room, message: Message, *, is_mention: bool
    ) -> None:
        """Let the user notice what somebody said."""
        self.host.notice(client, room, message, is_mention=is_mention)

    def asked(self, client: RoomsClient, request: ContactRequest) -> None:
        """Let the user notice who asks to talk."""
        self.tell(client, f"{request.nick} asks to talk to you alone; /accept {request.nick}")

    def tell(self, client: RoomsClient, text: str, *, is_trouble: bool = False) -> None:
        """Say something that belongs to no room."""
        words = "\n".join(shown(line) for line in text.split("\n"))
        self.notify(words, severity="error" if is_trouble else "information", markup=False)

    def refused(self, client: RoomsClient, text: str, sentence: str) -> None:
        """Give back what was typed, and say why it came to nothing."""
        if client is not self.client:
            self.tell(client, sentence, is_trouble=True)
            return
        if text and not self.composer.text:
            self.composer.put(text)
        self.complain(sentence)

    def complain(self, sentence: str) -> None:
        """Say above the input why something was not done; nothing takes it away."""
        self._trouble = sentence
        trouble = self.query_one("#trouble", Static)
        trouble.display = bool(sentence)
        trouble.update(Content(f"! {shown(sentence)}" if sentence else ""))

    def redraw_hint(self) -> None:
        """Draw the line above the input anew with the next frame."""
        if self.client is not None:
            self.redraw(self.client, Part.HINT)

    def draw_hint(self) -> None:
        """Show above the input what is to be known there."""
        bar = self.query_one("#hint", Bar)
        if (message := self.log_view.selected_message) is not None:
            bar.show(*self.message_actions.pieces(message))
        elif not self.log_view.is_at_end:
            room = self.room
            count = 0 if room is None else room.unread
            words = f"{count} new below" if count else "older messages"
            bar.show(Piece(f"↓ {words}", Role.ACCENT, "end"), Piece("  Esc goes to the end"))
        elif (entry := usage_of(self.composer.text)) is not None and not self.composer.is_literal:
            bar.show(Piece(f"{entry.line}  ", Role.ACCENT), Piece(entry.help, can_shrink=True))
        else:
            writing = writing_words(self.room)
            bar.show(*([Piece(writing, Role.DIM, can_shrink=True)] if writing else []))

    def ask_trust(self, client: RoomsClient, asked: TrustAsked) -> None:
        """Let the user decide about a host key."""
        self.host.ask_trust(client, asked)

    def login_refused(self, client: RoomsClient, refusal: Refusal) -> None:
        """Let the user try another nickname or password."""
        self.host.login_refused(client, refusal)

    def show_help(self, text: str) -> None:
        """Show the help, or what there is to know about one command."""
        if text and self.client is not None:
            self.client.show(text)
        else:
            self.action_help()

    def outcome(self, client: RoomsClient, command: Command, outcome: object) -> bool:
        """Show what has a screen of its own."""
        if isinstance(outcome, Found):
            self.going.show_found(client, outcome)
            return True
        return False

    def quit(self) -> None:
        """Leave."""
        self.host.leave()

    def ending(self, client: RoomsClient, ending: Ending) -> None:
        """Say why a server is given up."""
        self.host.ending(client, ending)

    def ended(self, client: RoomsClient) -> None:
        """Nothing is left to wait for."""
        self.host.ended(client)

    # --- What the user does ---

    def _submit(self, text: str, *, is_literal: bool) -> None:
        """Do what was typed."""
        self.complain("")
        self.completions.close()
        self.message_actions.submit(text, is_literal=is_literal)

    def on_composer_edit_last_wanted(self, event: Composer.EditLastWanted) -> None:
        """Edit the last message."""
        self.message_actions.edit_last()

    def on_composer_completion_wanted(self, event: Composer.CompletionWanted) -> None:
        """Complete what is typed."""
        self.completions.tab()

    def _completion_context(self) -> Context:
        client, room = self.client, self.room
        if client is None:
            return Context()
        rooms = list(client.core.rooms)
        nicks = [it.name for it in rooms if it.is_private]
        recent: dict[str, None] = {}
        if room is not None:
            nicks += [it.nick for it in (room.members or {}).values()]
            for message in islice(reversed(room.timeline), _RECENT):
                if not message.is_own:
                    recent.setdefault(message.author.nick)
        names = Names(it.name for it in rooms if not it.is_private)
        return Context(Names(nicks), tuple(recent), names)

    def on_composer_long_pasted(self, event: Composer.LongPasted) -> None:
        """Ask before many lines are pasted."""
        lines = event.text.count("\n") + 1

        def answer(is_wanted: bool | None) -> None:
            if is_wanted:
                self.composer.paste(event.text)

        question = f"Paste {lines} lines as one message? Nothing is sent before you press Enter."
        self.app.push_screen(Confirm(question, "Paste"), answer)

    def on_text_area_changed(self, event: Composer.Changed) -> None:
        """Let others know that one writes; forget a complaint once it was answered."""
        client, room, text = self.client, self.room, event.text_area.text
        self.completions.typed()
        if client is not None and room is not None and text and not text.startswith("/"):
            self.host.typing(client, room)
        self.redraw_hint()
        if self._trouble and event.text_area.has_focus and not event.text_area.text:
            self.complain("")

    def on_log_view_older_wanted(self, event: LogView.OlderWanted) -> None:
        """Fetch what was said before."""
        if self.client is not None and self.room is not None:
            self.client.documents.load_older(self.room)

    def on_log_view_selected(self, event: LogView.Selected) -> None:
        """Say what can be done with a message."""
        self.draw_hint()

    def on_log_view_moved(self, event: LogView.Moved) -> None:
        """Note what has been read."""
        self.read()
        self.draw_hint()

    def on_side_list_chosen(self, event: SideList.Chosen) -> None:
        """Go to a room, or do something about a member."""
        if event.source.id == "rooms":
            self.going.choose(event.key)
        else:
            self.going.member(event.key)

    def on_bar_clicked(self, event: Bar.Clicked) -> None:
        """Do what a bar offers."""
        simple: dict[str, Callable[[], object]] = {
            "switch": self.action_go,
            "search": self.action_search,
            "members": lambda: self.action_toggle_side("members"),
            "end": self.action_back,
            "server": self.action_palette,
            "room": self.action_go,
        }
        if event.action in simple:
            simple[event.action]()
        else:
            self.message_actions.do(event.action)

    def on_key(self, event: Key) -> None:
        """Do what one key does in a selected message; before there is an input, wait for it."""
        if self.focused is self.log_view and self.message_actions.key(event.key):
            event.stop()
        elif self.focused is None and event.is_printable and event.character is not None:
            self.composer.insert(event.character)
            self.composer.focus()

    def read_text(self, title: str, text: str) -> None:
        """Show a text to read, made visible already."""
        self.app.push_screen(Reader(title, Content(text)))

    def action_help(self) -> None:
        """Show every key and command."""
        self.app.push_screen(Reader("encchat", help_content(self.look)))

    def action_go(self) -> None:
        """Go to a room or person."""
        self.going.switch()

    def action_palette(self) -> None:
        """Choose a command."""
        self.going.palette()

    def action_search(self) -> None:
        """Search."""
        self.going.search()

    def action_jump(self) -> None:
        """Go to a message."""
        self.going.jump()

    def action_unread(self, direction: int) -> None:
        """Go to the next room with something unread."""
        self.going.unread(direction)

    def action_select_message(self) -> None:
        """Select the last message in view."""
        if self.focused is self.log_view:
            self.log_view.action_select(-1)
            return
        self.log_view.focus()
        if self.log_view.selected is None:
            self.log_view.action_select(-1)

    def action_page(self, direction: int) -> None:
        """Scroll the log, wherever one is."""
        self.log_view.action_page(direction)

    def action_toggle_side(self, side: str) -> None:
        """Show or hide rooms or members."""
        widget = self.query_one(f"#{side}", SideList)
        is_shown = widget.has_class("closed")
        if self.size.width < _ROOMS_FROM:
            self._asked_for.clear()
        self._asked_for[side] = is_shown
        self._lay_out()
        if is_shown:
            widget.focus()
        else:
            self.composer.focus()

    def action_next_part(self) -> None:
        """Go to the next part of the screen."""
        parts = [self.composer, self.log_view, *self.query(SideList)]
        parts = [part for part in parts if part.display]
        at = parts.index(self.focused) if self.focused in parts else -1
        parts[(at + 1) % len(parts)].focus()

    def action_back(self) -> None:
        """Go back a step: to the end, then out of reply, edit and selection."""
        if self._trouble:
            self.complain("")
        elif self.has_class("-over"):
            self._asked_for.clear()
            self._lay_out()
            self.composer.focus()
        elif not self.log_view.is_at_end:
            self.log_view.action_end()
            self.composer.focus()
        elif not self.message_actions.is_idle:
            self.message_actions.cancel()
        else:
            self.log_view.deselect()
            self.composer.focus()

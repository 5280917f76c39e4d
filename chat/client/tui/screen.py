"""The screen one sits at: rooms at the left, the log, members at the right, the input below.

It shows the clients of all servers, one room at a time. What they tell is drawn once a frame,
however much comes; what is typed stays as it is, whatever comes.
"""

from collections.abc import Callable
from datetime import tzinfo
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import Key, Resize
from textual.screen import Screen
from textual.widgets import Static

from chat.client.core.model import Message
from chat.client.core.rooms import Room
from chat.client.tui.actions import MessageActions
from chat.client.tui.bars import Bar
from chat.client.tui.client import RoomsClient
from chat.client.tui.completions import CompletionList, completion_context
from chat.client.tui.composer import Composer
from chat.client.tui.dialogs import Confirm, Reader
from chat.client.tui.drawing import ROOMS_FROM, Drawing
from chat.client.tui.going import Going
from chat.client.tui.help import help_content
from chat.client.tui.host import Host
from chat.client.tui.keys import SCREEN, bindings
from chat.client.tui.log import LogView
from chat.client.tui.onstage import ScreenStage
from chat.client.tui.paint import Painter, shown
from chat.client.tui.sheets import Sheets
from chat.client.tui.side import SideList
from chat.client.tui.styles import Styles

__all__ = ["RoomScreen"]


class RoomScreen(Screen[None]):
    """The widgets and the keys. `stage` is what clients see of it, `drawing` draws it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(SCREEN)]

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
        self._trouble = ""
        self.drawing = Drawing(self)
        # Kept, because they are asked for before they are mounted, and after.
        self.log_view = LogView(painter, styles, id="log")
        """The log."""
        self.composer = Composer(id="composer")
        """The input."""
        self.completions = CompletionList(styles, lambda: completion_context(self.client))
        """The list of how what is typed can go on."""
        self.stage = ScreenStage(self)
        self.message_actions = MessageActions(self)
        self.going = Going(self)
        self.sheets = Sheets(self)

    def compose(self) -> ComposeResult:
        """Return the widgets."""
        yield Bar(self.look, id="head", is_kept=True)
        with Horizontal(id="columns"):
            yield SideList(self.look, id="rooms")
            with Vertical(id="middle"):
                yield self.log_view
                yield Static(id="trouble")
                yield Bar(self.look, id="hint", is_kept=True)
                yield Bar(self.look, id="about")
                yield self.completions
                yield self.composer
            yield SideList(self.look, id="members")
        yield Bar(self.look, id="status", is_kept=True)

    def on_mount(self) -> None:
        """Begin at the input."""
        self.log_view.note_mentions(self._is_mention)
        self.composer.user = self
        self.completions.composer = self.composer
        self.set_focus(self.composer)

    # --- Parts ---

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

    def on_resize(self, event: Resize) -> None:
        """Show as many columns as there is room for."""
        self.drawing.resized()

    def read_text(self, title: str, text: str) -> None:
        """Show a text to read, made visible already."""
        self.app.push_screen(Reader(title, Content(text)))

    def read(self) -> None:
        """Note that what is in view has been read."""
        client, room = self.client, self.room
        if client is None or room is None or not room.unread or not self.is_current:
            return
        if not self.host.attention.has_focus:
            return
        if self.log_view.is_at_end:
            client.mark_read(room)
        elif (key := self.log_view.last_visible()) is not None and key > 0:
            client.mark_read(room, key)

    def complain(self, sentence: str) -> None:
        """Say above the input why something was not done; nothing takes it away."""
        self._trouble = sentence
        trouble = self.query_one("#trouble", Static)
        trouble.display = bool(sentence)
        trouble.update(Content(f"! {shown(sentence)}" if sentence else ""))

    # --- What the user does ---

    def submit(self, text: str, *, is_literal: bool) -> None:
        """Do what was typed."""
        self.complain("")
        self.completions.close()
        self.message_actions.submit(text, is_literal=is_literal)

    def edit_last(self) -> None:
        """Edit what the user said last."""
        self.message_actions.edit_last()

    def complete(self) -> None:
        """Complete what is typed."""
        self.completions.tab()

    def takes_key(self, key: str) -> bool:
        """Let the list of completions take a key of the input. Return whether it did."""
        return self.completions.key(key)

    def on_composer_long_pasted(self, event: Composer.LongPasted) -> None:
        """Ask before many lines are pasted."""
        lines = event.text.rstrip("\n").count("\n") + 1

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
        self.drawing.hint()
        if self._trouble and event.text_area.has_focus and not event.text_area.text:
            self.complain("")

    def on_log_view_older_wanted(self, event: LogView.OlderWanted) -> None:
        """Fetch what was said before."""
        if self.client is not None and self.room is not None:
            self.client.documents.load_older(self.room)

    def on_log_view_newer_wanted(self, event: LogView.NewerWanted) -> None:
        """Fetch what was said after."""
        if self.client is not None and self.room is not None:
            self.client.documents.load_newer(self.room)

    def on_log_view_end_wanted(self, event: LogView.EndWanted) -> None:
        """Show the end of the log again."""
        if self.client is not None and self.room is not None:
            self.client.core.show_end(self.room)
            self.log_view.action_end()

    def on_log_view_selected(self, event: LogView.Selected) -> None:
        """Say what can be done with a message."""
        self.drawing.hint()

    def on_log_view_moved(self, event: LogView.Moved) -> None:
        """Note what has been read."""
        self.read()
        self.drawing.hint()

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
            "room": self._room_settings,
            "topic": self._room_settings,
        }
        if event.action in simple:
            simple[event.action]()
        else:
            self.message_actions.do(event.action)

    def on_key(self, event: Key) -> None:
        """Let what is typed go into the input, unless a selected message takes it."""
        is_taken = self.focused is self.log_view and self.log_view.selected is not None
        if not is_taken and event.is_printable and event.character is not None:
            event.stop()
            self.composer.insert(event.character)
            self.set_focus(self.composer)

    def action_act(self, action: str) -> None:
        """Do something with the message that is selected."""
        self.message_actions.do(action)

    def _room_settings(self) -> None:
        if self.client is not None and self.room is not None:
            self.sheets.room(self.client, self.room)

    def action_help(self) -> None:
        """Show every key and command."""
        self.app.push_screen(Reader("encchat", help_content(self.look, self.host.keys)))

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
        self.set_focus(self.log_view)
        if self.log_view.selected is None:
            self.log_view.action_select(-1)

    def action_page(self, direction: int) -> None:
        """Scroll the log, wherever one is."""
        self.page(direction)

    def page(self, direction: int) -> None:
        """Scroll what was said."""
        self.log_view.action_page(direction)

    def action_toggle_side(self, side: str) -> None:
        """Show or hide rooms or members."""
        widget = self.query_one(f"#{side}", SideList)
        is_shown = widget.has_class("closed")
        if self.size.width < ROOMS_FROM:
            self.drawing.asked_for.clear()
        self.drawing.asked_for[side] = is_shown
        self.drawing.lay_out()
        if is_shown:
            self.set_focus(widget)
        else:
            self.set_focus(self.composer)

    def action_next_part(self) -> None:
        """Go to the next part of the screen."""
        parts = [self.composer, self.log_view, *self.query(SideList)]
        parts = [part for part in parts if part.display]
        at = parts.index(self.focused) if self.focused in parts else -1
        self.set_focus(parts[(at + 1) % len(parts)])

    def action_back(self) -> None:
        """Go back a step: to the end, then out of reply, edit and selection."""
        if self._trouble:
            self.complain("")
        elif self.has_class("-over"):
            self.drawing.asked_for.clear()
            self.drawing.lay_out()
            self.set_focus(self.composer)
        elif not self.log_view.is_at_end:
            self.log_view.action_end()
            self.set_focus(self.composer)
        elif not self.message_actions.is_idle:
            self.message_actions.cancel()
        else:
            self.log_view.deselect()
            self.set_focus(self.composer)

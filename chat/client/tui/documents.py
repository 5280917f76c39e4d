"""The rows of the rooms of one server: made when a room is looked at, and kept up to date."""

from collections.abc import Callable

from chat.client.core.commands import Command, PageBack, PageForward
from chat.client.core.core import Core
from chat.client.core.events import Page
from chat.client.core.model import Message, MessageState
from chat.client.core.rooms import Room
from chat.client.tui.document import Document
from chat.client.tui.rows import Note, NoteKind
from chat.ids import LogId

__all__ = ["Ask", "Documents"]

Ask = Callable[[Command, Callable[[object], None]], None]
"""Lets the core do something, and hands on the outcome."""


class Documents:
    """The documents of the rooms of a core. `clock`: milliseconds of UTC since 1970.

    `changed` is told which room's rows have changed.
    """

    def __init__(
        self, core: Core, ask: Ask, clock: Callable[[], int], changed: Callable[[Room], None]
    ) -> None:
        self._core = core
        self._ask = ask
        self._clock = clock
        self._changed = changed
        self._documents: dict[LogId, Document] = {}
        self._loading: set[LogId] = set()

    def of(self, room: Room) -> Document:
        """Return the rows of a room."""
        document = self._documents.get(room.log)
        if document is None or document.room is not room:
            document = self._documents[room.log] = Document(room)
        return document

    def forget(self, room: Room) -> None:
        """A room is gone."""
        self._documents.pop(room.log, None)

    def load_older(self, room: Room, done: Callable[[Page], None] = lambda _: None) -> None:
        """Fetch what was said before the oldest row, if there is anything."""
        if room.is_whole or room.log in self._loading or not self._core.has(room):
            return
        self._loading.add(room.log)
        self._changed(room)

        def take(outcome: object) -> None:
            self._loading.discard(room.log)
            self._changed(room)
            if isinstance(outcome, Page):
                self.take_page(outcome)
                done(outcome)

        self._ask(PageBack(room.log), take)

    def is_loading(self, room: Room) -> bool:
        """Whether messages of a room are on their way."""
        return room.log in self._loading

    def load_newer(self, room: Room) -> None:
        """Fetch what was said after the newest row, where that is not the end."""
        if room.timeline.is_at_end or room.log in self._loading or not self._core.has(room):
            return
        self._loading.add(room.log)

        def take(outcome: object) -> None:
            self._loading.discard(room.log)
            if isinstance(outcome, Page):
                self.take_page(outcome)

        self._ask(PageForward(room.log), take)

    def moved(self, room: Room) -> None:
        """The timeline of a room shows something else."""
        self.change(room, lambda it: it.rebuild())

    def take_page(self, page: Page) -> None:
        """Show older messages."""
        if self._core.has(page.room):
            self.of(page.room).add(it for it in page.items if isinstance(it, Message))
            self._changed(page.room)

    def note(self, room: Room, text: str, kind: NoteKind) -> None:
        """Show lines in a room that nobody said."""
        self.of(room).note(Note(kind, text, self._clock()))
        self._changed(room)

    # --- What happens: it matters only to rooms that were looked at ---

    def change(self, room: Room, change: Callable[[Document], None]) -> None:
        """Change the rows of a room, if it has any."""
        document = self._documents.get(room.log)
        if document is not None and document.room is room:
            change(document)
            self._changed(room)

    def happens(self, room: Room, text: str) -> None:
        """Show that something happened."""
        note = Note(NoteKind.EVENT, text, self._clock())
        self.change(room, lambda it: it.note(note))

    def presence(self, room: Room, nick: str, *, is_here: bool) -> None:
        """Show that somebody came or went."""
        self.change(room, lambda it: it.presence(nick, self._clock(), is_here=is_here))

    def message_changed(self, room: Room, message: Message) -> None:
        """Show what became of a message of one's own."""

        def change(document: Document) -> None:
            record = message.handle.record
            if message.state is MessageState.STORED:
                document.settle(record, message.handle.seq)
                document.add([message])
            elif room.timeline.find(message.handle) is None:
                document.settle(record)  # It was given up.
            else:
                document.send(message)

        self.change(room, change)

"""The screen of rooms as the clients of servers see it."""

from collections import deque
from typing import TYPE_CHECKING, Final

from textual.notifications import SeverityLevel

from chat.client.core.commands import Command
from chat.client.core.events import Ending, Found, Page, TrustAsked
from chat.client.core.model import ContactRequest, Message, Refusal
from chat.client.core.rooms import Room
from chat.client.tui.client import RoomsClient
from chat.client.tui.drawing import ROOMS_FROM
from chat.client.tui.paint import label, shown
from chat.client.tui.rows import NoteKind
from chat.client.tui.stage import Part, Stage
from chat.client.tui.status import empty_words

if TYPE_CHECKING:
    from chat.client.tui.screen import RoomScreen

__all__ = ["ScreenStage"]

_TOASTS: Final = 4
"""Notices that may cover a part of the screen at once; each more slows every key down."""

_TOAST_SECONDS: Final = 5.0


class ScreenStage(Stage):
    """Shows clients on a screen."""

    def __init__(self, screen: "RoomScreen") -> None:
        self._screen = screen
        self._written_for: Room | None = None
        """The room that what is in the input is for."""
        self._toasts: deque[float] = deque(maxlen=_TOASTS)
        """When the last ones came."""

    def redraw(self, client: RoomsClient, *parts: Part) -> None:
        """Draw parts anew with the next frame, if they show this client."""
        self._screen.drawing.redraw(client, *parts)

    def is_free(self, client: RoomsClient) -> bool:
        """Whether no room of another server is shown."""
        return self._screen.client in (None, client) or self._screen.room is None

    def is_watched(self, client: RoomsClient, room: Room) -> bool:
        """Whether the user sees what is said in a room as it comes."""
        return (
            client is self._screen.client
            and room is self._screen.room
            and self._screen.is_current
            and self._screen.host.attention.has_focus
            and self._screen.log_view.is_at_end
            and room.timeline.is_at_end
        )

    def note_draft(self) -> None:
        """Keep what is written so far, in case there is no time to do it at the end."""
        client, room = self._screen.client, self._written_for
        if client is not None and room is not None and room is self._screen.room:
            text = self._screen.message_actions.draft()
            self._screen.host.memory.keep_draft(client, room, text)

    def leaving(self, client: RoomsClient, room: Room) -> None:
        """Keep what is written for a room."""
        if room is self._written_for:
            self._written_for = None
            text = self._screen.message_actions.draft()
            self._screen.host.memory.keep_draft(client, room, text)
            self._screen.message_actions.reset()
            self._screen.composer.put("")

    def entered(self, client: RoomsClient, room: Room | None) -> None:
        """Show another room."""
        self._screen.client = client
        is_homeless = self._written_for is None and bool(self._screen.composer.text)
        self._written_for = room
        self._screen.message_actions.reset()
        self._screen.complain("")
        self._screen.log_view.empty_text = empty_words(room)
        self._screen.log_view.show(None if room is None else client.document(room))
        # What was written for no room, or for one that is gone, stays.
        draft = "" if room is None else self._screen.host.memory.draft(client, room)
        if room is not None and (draft or not is_homeless):
            self._screen.composer.put(draft)
        name = "" if room is None else label(room)
        self._screen.composer.placeholder = (
            f"Write to {name}" if name else "You are in no room; Ctrl-K"
        )
        if self._screen.size.width < ROOMS_FROM:
            self._screen.drawing.asked_for.clear()
            self._screen.drawing.lay_out()
        self._screen.set_focus(self._screen.composer)
        self._screen.drawing.now()
        if room is not None:
            self._screen.host.memory.went_to(client, room)

    def arrived(
        self, client: RoomsClient, room: Room, message: Message, *, is_mention: bool
    ) -> None:
        """Let the user notice what somebody said."""
        is_watched = self.is_watched(client, room)
        self._screen.host.attention.notice(
            client, room, message, is_mention=is_mention, is_watched=is_watched
        )

    def asked(self, client: RoomsClient, request: ContactRequest) -> None:
        """Let the user notice who asks to talk."""
        self.tell(client, f"{request.nick} asks to talk to you alone; /accept {request.nick}")

    def tell(self, client: RoomsClient, text: str, *, is_trouble: bool = False) -> None:
        """Say something that belongs to no room: above everything, or in the room one looks at
        when too much comes."""
        now, room = self._screen.host.seconds(), client.room
        if len(self._toasts) == _TOASTS and now - self._toasts[0] < _TOAST_SECONDS:
            if room is not None:
                kind = NoteKind.TROUBLE if is_trouble else NoteKind.ANSWER
                client.documents.note(room, text, kind)
            return
        self._toasts.append(now)
        words = "\n".join(shown(line) for line in text.split("\n"))
        severity: SeverityLevel = "error" if is_trouble else "information"
        self._screen.notify(words, severity=severity, timeout=_TOAST_SECONDS, markup=False)

    def refused(self, client: RoomsClient, text: str, sentence: str) -> None:
        """Give back what was typed, and say why it came to nothing."""
        if client is not self._screen.client:
            self.tell(client, sentence, is_trouble=True)
            return
        if text and not self._screen.composer.text:
            self._screen.composer.put(text)
        self._screen.complain(sentence)

    def ask_trust(self, client: RoomsClient, asked: TrustAsked) -> None:
        """Let the user decide about a host key."""
        self._screen.host.entrance.ask_trust(client, asked)

    def logged_in(self, client: RoomsClient) -> None:
        """The server knows the user."""
        self._screen.host.entrance.logged_in(client)

    def login_refused(self, client: RoomsClient, refusal: Refusal) -> None:
        """Let the user try another nickname or password."""
        self._screen.host.entrance.login_refused(client, refusal)

    def show_help(self, text: str) -> None:
        """Show the help, or what there is to know about one command."""
        if text and self._screen.client is not None:
            self._screen.client.show(text)
        else:
            self._screen.action_help()

    def outcome(self, client: RoomsClient, command: Command, outcome: object) -> bool:
        """Show what has a screen of its own."""
        if isinstance(outcome, Found):
            self._screen.going.show_found(client, outcome)
            return True
        if isinstance(outcome, Page) and outcome.count and outcome.room is self._screen.room:
            client.documents.take_page(outcome)
            self._screen.log_view.action_top()
            return True
        return self._screen.sheets.outcome(client, command, outcome)

    def quit(self) -> None:
        """Leave."""
        self._screen.host.leave()

    def ending(self, client: RoomsClient, ending: Ending) -> None:
        """Say why a server is given up."""
        self._screen.host.ending(client, ending)

    def ended(self, client: RoomsClient) -> None:
        """Nothing is left to wait for."""
        self._screen.host.ended(client)

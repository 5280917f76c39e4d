"""Draws the screen of rooms: once a frame, however much comes, and in as many columns as fit."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from chat.client.complete import usage_of
from chat.client.look import Role, count_words, hue_of
from chat.client.tui.bars import Bar, Piece
from chat.client.tui.client import RoomsClient
from chat.client.tui.listing import member_lines, room_entries, room_key
from chat.client.tui.side import SideList
from chat.client.tui.stage import Part
from chat.client.tui.status import connection_pieces, room_pieces, writing_words

if TYPE_CHECKING:
    from chat.client.tui.screen import RoomScreen

__all__ = ["ROOMS_FROM", "Drawing"]

_FRAME: Final = 1 / 60
_MEMBERS_FROM: Final = 100
"""Columns; members are behind a key on a screen that has fewer."""
ROOMS_FROM: Final = 60
"""Columns; on a screen that has fewer, the log is all there is."""


class Drawing:
    """Draws a screen."""

    def __init__(self, screen: "RoomScreen") -> None:
        self._screen = screen
        self._parts: set[Part] = set()
        self.is_due = False
        """Whether something is to be drawn with the next frame."""
        self.asked_for: dict[str, bool] = {}
        """Whether rooms and members were shown or hidden by hand, at this width."""

    def redraw(self, client: RoomsClient, *parts: Part) -> None:
        """Draw parts anew with the next frame, if they show this client."""
        if client is self._screen.client:
            self._parts.update(parts)
        elif Part.ROOMS in parts:
            self._parts.add(Part.ROOMS)
        if self._parts and not self.is_due:
            self.is_due = True
            self._screen.set_timer(_FRAME, self._frame)

    def now(self) -> None:
        """Draw everything anew."""
        self._parts = set(Part)
        self._frame()

    def _frame(self) -> None:
        self.is_due = False
        parts, self._parts = self._parts, set()
        if not self._screen.is_attached:
            return
        draw: dict[Part, Callable[[], None]] = {
            Part.HEAD: self._draw_head,
            Part.ROOMS: self._draw_rooms,
            Part.LOG: self._draw_log,
            Part.MEMBERS: self._draw_members,
            Part.STATUS: self.status,
            Part.HINT: self._hint,
        }
        if Part.ROOMS in parts and self._is_closed("rooms"):
            parts.add(Part.HEAD)  # It says what the list cannot.
        for part in Part:
            if part in parts:
                draw[part]()

    def _draw_head(self) -> None:
        client, room = self._screen.client, self._screen.room
        is_narrow = self._screen.size.width < _MEMBERS_FROM
        pieces = room_pieces(room, "" if client is None else client.nick, is_narrow=is_narrow)
        if self._is_closed("rooms") and (count := self._new_elsewhere()):
            pieces.append(Piece(f"  {count_words(count)} new elsewhere", Role.ACCENT, "switch"))
        self._screen.query_one("#head", Bar).show(*pieces)

    def _is_closed(self, side: str) -> bool:
        return self._screen.query_one(f"#{side}").has_class("closed")

    def _new_elsewhere(self) -> int:
        """Return how much is unread in other rooms that are not muted."""
        is_muted = self._screen.host.attention.is_muted
        return sum(
            room.unread
            for client in self._screen.clients
            if client.is_started
            for room in client.core.rooms
            if room is not self._screen.room and not is_muted(client, room)
        )

    def _draw_rooms(self) -> None:
        current = None
        if self._screen.client is not None and (room := self._screen.room) is not None:
            current = room_key(self._screen.clients.index(self._screen.client), room.log)
        ready = [client for client in self._screen.clients if client.is_started]
        self._screen.query_one("#rooms", SideList).show_all(
            room_entries(ready, self._screen.host.attention.is_muted), current
        )
        self._screen.host.attention.show_title(self._screen.room, ready)

    def _draw_log(self) -> None:
        self._screen.log_view.settle()
        self._screen.read()

    def _draw_members(self) -> None:
        client, room = self._screen.client, self._screen.room
        hue = hue_of if client is None or room is None else client.document(room).hues.of
        count, line = member_lines(room, lambda account: self._screen.look.name(hue(account)))
        self._screen.query_one("#members", SideList).show(count, line)

    def status(self) -> None:
        """Say how it stands with the servers."""
        pieces: list[Piece] = []
        for client in self._screen.clients:
            if client.is_started and (client is self._screen.client or client.is_in_trouble):
                pieces += [Piece("   ")] if pieces else []
                pieces += connection_pieces(
                    client.name,
                    client.core.connection,
                    self._screen.host.seconds(),
                    nick=client.nick,
                    is_verified=client.is_verified,
                    unsent=client.core.unsent,
                    latency=client.core.latency,
                )
        self._screen.query_one("#status", Bar).show(*pieces)

    def resized(self) -> None:
        """Show as many columns as there is room for."""
        self.asked_for.clear()
        self.lay_out()
        if self._screen.is_mounted:
            self._draw_head()

    def lay_out(self) -> None:
        """Show the columns that there is room for, or that were asked for."""
        width = self._screen.size.width
        rooms = self.asked_for.get("rooms", width >= ROOMS_FROM)
        members = self.asked_for.get("members", width >= _MEMBERS_FROM)
        self._screen.query_one("#rooms").set_class(not rooms, "closed")
        self._screen.query_one("#members").set_class(not members, "closed")
        # On a narrow screen, one takes the place of the log.
        self._screen.set_class(width < ROOMS_FROM and (rooms or members), "-over")

    def hint(self) -> None:
        """Draw the line above the input anew with the next frame."""
        if self._screen.client is not None:
            self.redraw(self._screen.client, Part.HINT)

    def _hint(self) -> None:
        """Show above the input what is to be known there."""
        bar = self._screen.query_one("#hint", Bar)
        if (message := self._screen.log_view.selected_message) is not None:
            bar.show(*self._screen.message_actions.pieces(message))
        elif not self._screen.log_view.is_at_end:
            room = self._screen.room
            count = 0 if room is None else room.unread
            words = f"{count} new below" if count else "older messages"
            pieces = [Piece(f"↓ {words}", Role.ACCENT, "end"), Piece("  Esc goes to the end")]
            client = self._screen.client
            if client is not None and room is not None and client.documents.is_loading(room):
                pieces.append(Piece("  fetching more …"))
            bar.show(*pieces)
        elif (
            entry := usage_of(self._screen.composer.text)
        ) is not None and not self._screen.composer.is_literal:
            bar.show(Piece(f"{entry.line}  ", Role.ACCENT), Piece(entry.help, can_shrink=True))
        else:
            writing = writing_words(self._screen.room)
            bar.show(*([Piece(writing, Role.DIM, can_shrink=True)] if writing else []))

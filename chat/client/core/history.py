"""What was said earlier, or elsewhere: pages of a log, places that are jumped to, searches."""

from collections.abc import Callable, Sequence
from typing import assert_never

from chat.client.core import commands
from chat.client.core.events import Found, Jumped, Page, WindowMoved
from chat.client.core.model import Refusal
from chat.client.core.pending import Task
from chat.client.core.records import read_found, read_page
from chat.client.core.rooms import Room
from chat.client.core.session import Session
from chat.limits import SEQ_MAX
from chat.wire import messages
from chat.wire.records import Delivered

__all__ = ["Asked", "History"]

Asked = commands.PageBack | commands.PageForward | commands.Jump | commands.Search
"""The commands that are answered with records."""

_NOT_THERE = Refusal("not_a_member", "You are not in that room.")

Take = Callable[[Sequence[Delivered], bool], None]
"""Takes records in order, each once, and whether there are more in that direction."""


class History:
    """Asks for pages, and lets timelines learn them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def run(self, command: Asked, task: Task) -> None:
        """Carry out a command; `task` gets its outcome."""
        if isinstance(command, commands.Search):
            self._search(command.words, task)
            return
        room = self._session.rooms.get(command.log)
        if room is None:
            task.done(_NOT_THERE)
            return
        match command:
            case commands.PageBack(limit=limit):
                self._page_back(room, limit, task)
            case commands.PageForward(limit=limit):
                self._page_forward(room, limit, task)
            case commands.Jump(seq=None, time=time):
                self._jump_to_time(room, time or 0, task)
            case commands.Jump(seq=seq):
                self._jump_to(room, seq or 0, task)
            case _:
                assert_never(command)

    # --- Pages ---

    def _page_back(self, room: Room, limit: int, task: Task) -> None:
        window = room.timeline.window
        before = window.begin
        if window.is_whole:
            task.done(Page(room, (), 0))
            return
        room.timeline.grow()

        def take(records: Sequence[Delivered], more: bool) -> None:
            if room.timeline.window is not window or window.begin != before:
                task.done(Page(room, (), 0))  # It was about what is not shown any more.
                return
            room.timeline.extend_back(records, more=more)
            task.done(Page(room, read_page(room, records), len(records)))

        # Below what is shown, not the last ones: what is new comes by itself.
        self._ask(room, limit, task, take, before=before)

    def _page_forward(self, room: Room, limit: int, task: Task) -> None:
        timeline, window = room.timeline, room.timeline.window
        after = window.end
        if timeline.is_at_end:
            task.done(Page(room, (), 0))
            return

        def take(records: Sequence[Delivered], more: bool) -> None:
            if timeline.window is not window or timeline.is_at_end or window.end != after:
                task.done(Page(room, (), 0))
                return
            timeline.extend_forward(records, more=more)
            if timeline.is_at_end:  # With all that the tail had already.
                self._session.emit(WindowMoved(room))
            task.done(Page(room, read_page(room, records), len(records)))

        self._ask(room, limit, task, take, after=after)

    # --- Jumps ---

    def _jump_to(self, room: Room, seq: int, task: Task) -> None:
        timeline, limit = room.timeline, self._session.limits.jump
        window = timeline.window
        end = SEQ_MAX if timeline.is_at_end else window.end
        if window.begin <= seq <= end:
            self._jumped(room, seq, task)
            return
        if seq >= timeline.tail.begin:
            self._show(room, (), is_whole=False, more=False)
            self._jumped(room, seq, task)
            return
        seq = max(seq, 1)

        def take_before(before: Sequence[Delivered], more_before: bool) -> None:
            def take_after(after: Sequence[Delivered], more: bool) -> None:
                self._show(room, [*before, *after], is_whole=not more_before, more=more)
                self._jumped(room, seq, task)

            self._ask(room, limit, task, take_after, after=seq)

        self._ask(room, limit, task, take_before, before=seq + 1)

    def _jump_to_time(self, room: Room, time: int, task: Task) -> None:
        def take(records: Sequence[Delivered], more: bool) -> None:
            if records:
                self._jump_to(room, records[0].seq, task)
            else:  # Nothing was said since.
                self._show(room, (), is_whole=False, more=False)
                task.done(Jumped(room, None))

        self._ask(room, 1, task, take, time=time)

    def _show(
        self, room: Room, records: Sequence[Delivered], *, is_whole: bool, more: bool
    ) -> None:
        if records:
            room.timeline.show(records, is_whole=is_whole, more=more)
        else:
            room.timeline.show_end()
        self._session.emit(WindowMoved(room))

    def _jumped(self, room: Room, seq: int, task: Task) -> None:
        following = room.timeline.window.since(seq)
        task.done(Jumped(room, following[0] if following else None))

    # --- Asking ---

    def _ask(self, room: Room, limit: int, task: Task, take: Take, **place: int) -> None:
        """Ask for a page of a log; what does not belong to it is left out."""
        first = place.get("after", -1) + 1
        last = place.get("before", SEQ_MAX) - 1

        def take_whole(records: list[Delivered], more: bool) -> None:
            if self._session.rooms.get(room.log) is not room:
                task.done(_NOT_THERE)
                return
            own = {it.seq: it for it in records if it.log == room.log and first <= it.seq <= last}
            take([own[seq] for seq in sorted(own)], more)

        request = messages.History(self._session.pending.next_id(), room.log, limit, **place)
        self._session.pending.ask_page(request, take_whole, task)

    def _search(self, words: str, task: Task) -> None:
        def take(records: list[Delivered], more: bool) -> None:
            task.done(Found(read_found(self._session, records), more))

        request = messages.Search(self._session.pending.next_id(), words)
        self._session.pending.ask_page(request, take, task)

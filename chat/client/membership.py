"""Joining and leaving, and what else changes who is where or what a room is about."""

from collections.abc import Callable

from msgspec import Struct

from chat.client.core.interfaces import TypedLine
from chat.client.line.display import make_visible
from chat.client.logs import LogView
from chat.client.reading import Arrival, Reading
from chat.client.visit import Visit
from chat.wire import messages
from chat.wire.messages import Refused, Request

__all__ = ["Membership"]


class Membership:
    """The requests about rooms, their answers, and the events that tell of others' doings."""

    def __init__(self, visit: Visit, reading: Reading) -> None:
        self._visit = visit
        self._reading = reading
        self._invitations: dict[tuple[str, str], None] = {}

    def join(self, room: str, line: TypedLine, *, is_invite_only: bool) -> None:
        """Make `room` the current one; join, or make it, where one is not in it."""
        view = self._visit.book.room(room)
        if view is not None:
            self._enter(view)
            self._visit.line_done()
            return
        number = self._visit.asking.next_id()
        request = messages.Join(number, room, "invite" if is_invite_only else "public")
        self._open(request, line, self._enter, lambda: self._visit.book.room(room))

    def open_private(self, nick: str, line: TypedLine, then: Callable[[LogView], None]) -> None:
        """Open the private conversation with `nick`; `then` has to see to the line's end."""
        request = messages.Private(self._visit.asking.next_id(), nick)
        self._open(request, line, then, lambda: self._visit.book.private(nick), is_done=False)

    def _open(
        self,
        request: Request,
        line: TypedLine,
        then: Callable[[LogView], None],
        find: Callable[[], LogView | None],
        *,
        is_done: bool = True,
    ) -> None:
        def opened(view: LogView) -> None:
            then(view)
            if is_done:
                self._visit.line_done()

        def take(joined: messages.Joined) -> None:
            opened(self._reading.start(joined, Arrival.JOINED))

        def refused(refused: Refused) -> None:
            # Another device, or the other person, opened it while the request was on its way.
            view = find() if refused.code == "already_reading" else None
            if view is None:
                self._visit.reject(refused.text, line)
            else:
                opened(view)

        self._visit.asking.ask(request, messages.Joined, take, refused, line=line, is_barrier=True)

    def _enter(self, view: LogView) -> None:
        self._visit.book.make_current(view.log)
        # Accepted. Another invitation, after leaving it, is shown again.
        for invitation in [it for it in self._invitations if it[0] == view.name]:
            del self._invitations[invitation]
        about = f": {view.topic}" if view.topic else "."
        self._visit.tell(f"* You are in {view.name} now{about}")

    def leave(self, view: LogView, line: TypedLine) -> None:
        """Be a member no longer; if it was the current room, be in the first of the others."""

        def done() -> None:
            was_current = self._visit.book.is_current(view)
            self._reading.forget(view)
            self._visit.tell(f"* You left {view.name}.")
            rooms = [other for other in self._visit.book.views() if not other.is_private]
            if was_current and rooms:
                self._enter(rooms[0])

        number = self._visit.asking.next_id()
        self._ask(messages.Leave(number, view.log), line, done, is_barrier=True)

    def set_topic(self, view: LogView, topic: str, line: TypedLine) -> None:
        """Say what a room is about."""

        def done() -> None:
            view.topic = topic
            self._visit.tell(f"* You set the topic of {view.name}: {topic}")

        request = messages.Topic(self._visit.asking.next_id(), view.log, topic)
        self._ask(request, line, done, is_barrier=True)

    def invite(self, view: LogView, nick: str, line: TypedLine) -> None:
        """Let `nick` join a room."""
        request = messages.Invite(self._visit.asking.next_id(), view.log, nick)
        self._ask(request, line, lambda: self._visit.tell(f"* {nick} may join {view.name}."))

    def _ask(
        self,
        request: Request,
        line: TypedLine,
        done: Callable[[], None],
        *,
        is_barrier: bool = False,
    ) -> None:
        def take(_: Struct) -> None:
            done()
            self._visit.line_done()

        self._visit.asking.ask(
            request, messages.Ok, take, self._visit.refusing(line), line=line, is_barrier=is_barrier
        )

    # --- Events ---

    def opened(self, opened: messages.Opened) -> None:
        """Read a log that was opened elsewhere."""
        view = self._reading.start(opened, Arrival.ELSEWHERE)
        if not view.is_private:
            self._visit.tell(f"* Another device of yours joined {view.name}.")

    def removed(self, removed: messages.Removed) -> None:
        """Forget a log that one was put out of."""
        view = self._visit.book.get(removed.log)
        if view is None:
            return  # It was left here.
        self._visit.note(f"* {removed.text}")
        was_current = self._visit.book.is_current(view)
        self._reading.forget(view)
        if was_current:
            self._visit.note("* You are in no room now; /join ROOM enters one.")

    def invited(self, invited: messages.Invited) -> None:
        """Show an invitation, once: the server repeats it after each login."""
        invitation = (invited.room, invited.by)
        if invitation in self._invitations:
            return
        self._invitations[invitation] = None
        if len(self._invitations) > self._visit.limits.invitations:
            del self._invitations[next(iter(self._invitations))]
        line = f"* {invited.by} invites you to {invited.room}; /join {invited.room}"
        self._visit.screen.show(make_visible(line))

"""The logs being read: what of their records is shown, in which order, and what counts as seen.

New records are shown as they come, except where older ones are wanted first: then they are held
until the page has come, also over a reconnection.
"""

from enum import Enum, auto

from chat.client.core.interfaces import TypedLine
from chat.client.line.display import format_body, format_prefix, make_visible
from chat.client.logs import LogView
from chat.client.pages import format_page
from chat.client.posts import Posts
from chat.client.visit import Visit
from chat.limits import HISTORY_PAGE
from chat.wire import messages
from chat.wire.messages import Body, RenamedBody, TopicBody, Unknown
from chat.wire.records import Delivered

__all__ = ["Arrival", "Reading"]


class Arrival(Enum):
    """How one comes to a log, which decides what is shown first."""

    JOINED = auto()
    """New to it, or to what was said in it."""
    BACK = auto()
    """A member who was away: what was missed follows by itself."""
    ELSEWHERE = auto()
    """Another device joined, or somebody opened a conversation: what is new follows."""


class Reading:
    """Shows what is said. `history` is how many older records a newcomer is shown."""

    def __init__(self, visit: Visit, posts: Posts, history: int) -> None:
        self._visit = visit
        self._posts = posts
        self._history = history

    def start(self, opened: messages.Opened, arrival: Arrival) -> LogView:
        """Begin to read a log that this connection has not read yet; return it."""
        visit = self._visit
        view = visit.book.get(opened.log)
        if view is None:
            view = LogView(opened, visit.limits)
            visit.book.add(view)
            if arrival is Arrival.JOINED:
                view.want(self._history)
            elif arrival is Arrival.BACK and opened.tail > opened.seq:
                view.is_marked = True
            elif arrival is Arrival.BACK and visit.is_terminal and visit.book.is_current(view):
                view.want(min(self._history, visit.limits.context))
        else:
            view.refresh(opened)
        self._fetch(view)
        self._posts.send_again(view.log)
        return view

    def forget(self, view: LogView) -> None:
        """Read a log no more; what was held of it is shown."""
        self._release(view)
        self._visit.book.remove(view.log)

    def delivered(self, delivered: Delivered) -> None:
        """Show a new record, in its turn; nothing where it was shown already, or is one's own."""
        view = self._visit.book.get(delivered.log)
        if view is None or not view.advance(delivered):
            return
        if self._posts.recognise(view, delivered):
            return
        if not view.hold(delivered):
            self._show(view, delivered)
        elif view.is_overfull:
            self._release(view)

    def show_page(
        self, view: LogView, records: list[Delivered], *, is_numbered: bool = False
    ) -> None:
        """Show older records of one log."""
        for line in format_page(
            records, view.texts, lambda body: self.prefix(view, body), is_numbered=is_numbered
        ):
            self._visit.screen.show(line)

    def prefix(self, view: LogView, body: Body | Unknown) -> str:
        """Return what tells where a record belongs."""
        return format_prefix(
            view,
            is_current=self._visit.book.is_current(view),
            is_own=not isinstance(body, Unknown) and body.account == self._visit.account,
        )

    def tell_seen(self) -> None:
        """Tell the server what has been seen since the last time."""
        for view in self._visit.book.views():
            seq = view.newly_seen()
            if seq is not None:
                self._visit.asking.send(messages.Seen(view.log, seq))

    def _show(self, view: LogView, delivered: Delivered) -> None:
        body = delivered.body
        line = format_body(body, view.texts)
        view.texts.take(delivered.seq, body)
        if line is None:
            return
        if view.is_marked and delivered.seq:
            view.is_marked = False
            self._visit.tell(f"* --- new {_where(view)} since you left ---")
        self._visit.screen.show(make_visible(self.prefix(view, body) + line))
        self._learn(view, body)

    def _learn(self, view: LogView, body: Body | Unknown) -> None:
        """Note what a record changes for this client itself."""
        match body:
            case TopicBody(topic=topic):
                view.topic = topic
            case RenamedBody(account=account, nick=nick) if account == self._visit.account:
                self._visit.nick = nick
            case RenamedBody(nick=nick) if view.is_private:
                view.name = nick

    # --- Older records, before what is new ---

    def _fetch(self, view: LogView) -> None:
        """Ask for the next page of what is wanted, if anything still is."""
        if not view.wanted:
            return
        asking = self._visit.asking

        def take(records: list[Delivered], more: bool) -> None:
            if not view.wanted:
                return  # Too much had come meanwhile to wait any longer.
            view.add_page(records, more=more)
            if view.wanted:
                self._fetch(view)
            else:
                self._release(view)

        def refused(refused: messages.Refused) -> None:
            self._visit.note(refused.text)
            self._release(view)

        limit = min(view.wanted, HISTORY_PAGE)
        # Below the oldest, not the last ones: what is new comes by itself.
        request = messages.History(asking.next_id(), view.log, limit, view.oldest)
        asking.ask_page(request, take, refused)

    def _release(self, view: LogView) -> None:
        page, held = view.release()
        self.show_page(view, page)
        for delivered in held:
            self._show(view, delivered)

    # --- On demand ---

    def older(self, view: LogView, line: TypedLine) -> None:
        """Show the page before what is on the screen, because `line` was typed."""
        visit = self._visit
        if view.is_whole:
            self._say_whole(view)
            visit.line_done()
            return

        def take(records: list[Delivered], more: bool) -> None:
            view.went_back(records, more=more)
            if view.is_whole:
                self._say_whole(view)
            self.show_page(view, records, is_numbered=True)
            visit.line_done()

        number = visit.asking.next_id()
        request = messages.History(number, view.log, HISTORY_PAGE, view.oldest)
        visit.asking.ask_page(request, take, visit.refusing(line), line=line, is_barrier=True)

    def _say_whole(self, view: LogView) -> None:
        self._visit.tell(f"* --- nothing was said {_where(view)} before this ---")


def _where(view: LogView) -> str:
    return f"between you and {view.name}" if view.is_private else f"in {view.name}"

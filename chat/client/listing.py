"""Lists: members, rooms, what was found."""

from msgspec import UNSET, UnsetType

from chat.client.core.interfaces import TypedLine
from chat.client.line.display import make_visible
from chat.client.logs import LogView
from chat.client.pages import format_found
from chat.client.reading import Reading
from chat.client.visit import Visit
from chat.wire import messages
from chat.wire.records import Delivered

__all__ = ["Listing"]


class Listing:
    """Asks for lists, a page at a time, and shows them."""

    def __init__(self, visit: Visit, reading: Reading) -> None:
        self._visit = visit
        self._reading = reading

    def who(self, view: LogView, line: TypedLine) -> None:
        """Show who is a member, and who of them is connected."""
        members: list[tuple[str, bool]] = []

        def ask(after: str | UnsetType) -> None:
            request = messages.Who(self._visit.asking.next_id(), view.log, after)
            self._visit.asking.ask(
                request, messages.Members, take, self._visit.refusing(line), line=line
            )

        def take(page: messages.Members) -> None:
            members.extend(page.members)
            if page.more and page.members:
                ask(members[-1][0])
                return
            here = sum(is_here for _, is_here in members)
            count = f"{here} here" if here == len(members) else f"{here} of {len(members)} here"
            names = ", ".join(nick if is_here else f"{nick} (away)" for nick, is_here in members)
            self._visit.screen.show(make_visible(f"* {count}: {names}"))
            self._visit.line_done()

        ask(UNSET)

    def rooms(self, line: TypedLine) -> None:
        """Show the public rooms."""
        shown = 0

        def ask(after: str | UnsetType) -> None:
            request = messages.Rooms(self._visit.asking.next_id(), after)
            self._visit.asking.ask(
                request, messages.RoomList, take, self._visit.refusing(line), line=line
            )

        def take(page: messages.RoomList) -> None:
            nonlocal shown
            for name, members, topic in page.rooms:
                about = f": {topic}" if topic else ""
                self._visit.screen.show(make_visible(f"* {name} ({members}){about}"))
            shown += len(page.rooms)
            if page.more and page.rooms:
                ask(page.rooms[-1][0])
                return
            if not shown:
                self._visit.screen.show("* There are no public rooms.")
            self._visit.line_done()

        ask(UNSET)

    def search(self, words: str, line: TypedLine) -> None:
        """Show what has all of `words`, the latest last: that is where a person looks."""

        def take(records: list[Delivered], more: bool) -> None:
            for record in reversed(records):
                self._show_found(record)
            if not records:
                self._visit.screen.show("* Nothing was found.")
            elif more:
                self._visit.screen.show("* There is more; other words find less.")
            self._visit.line_done()

        request = messages.Search(self._visit.asking.next_id(), words)
        self._visit.asking.ask_page(request, take, self._visit.refusing(line), line=line)

    def _show_found(self, record: Delivered) -> None:
        view = self._visit.book.get(record.log)
        if view is None:
            return  # Left while it was searched.
        found = format_found(record, self._reading.prefix(view, record.body))
        if found is not None:
            self._visit.screen.show(found)

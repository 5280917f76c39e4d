"""A link that lets others in."""

from collections.abc import Callable, Iterable
from typing import Final

from textual.widget import Widget
from textual.widgets import Button, Static

from chat.client.tui.screens.picture import PictureScreen
from chat.client.tui.screens.sheet import Field, Pick, Sheet, button, hint, text
from chat.durations import DurationError, parse_duration

__all__ = ["InvitationScreen", "Made"]

Made = Callable[[str, str | None], None]
"""To be called with the link; or with nothing and the sentence why there is none."""

_USES_MOST: Final = 999_999


class InvitationScreen(Sheet):
    """Makes an invitation. `make` is given whether it is to the server, for how many uses, and for
    how many seconds. With `room` empty, only the server can be invited to."""

    heading = "Invite by a link"
    main = "make"

    def __init__(
        self,
        room: str,
        make: Callable[[bool, int, int, Made], None],
        copy: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._room = room
        self._make = make
        self._copy = copy
        self._link = ""

    def fields(self) -> Iterable[Widget]:
        """Return the fields."""
        places = [(False, f"room {self._room}")] if self._room else []
        yield Pick("To the", [*places, (True, "server")], not self._room, id="place")
        yield Static()
        yield Field("How many people may use it", "1", id="uses")
        yield Field("For how long (30m, 12h, 7d)", "7d", id="time")
        yield hint("Whoever has the link can come in, until it is used up.")

    def buttons(self) -> Iterable[Button]:
        """Return the buttons."""
        yield button("Make the link", "make", is_main=True)
        yield button("Copy it", "copy")
        yield button("Picture to scan", "picture")

    def press(self, id_: str) -> None:
        """Make the link, copy it, or show its picture."""
        if id_ == "make":
            self._ask()
        elif not self._link:
            self.refuse("Make the link first.")
        elif id_ == "picture":
            self.app.push_screen(PictureScreen(self._link))
        else:
            self._copy(self._link)
            self.tell("Copied, if your terminal allows that.")

    def _ask(self) -> None:
        uses, duration = self.query_one("#uses", Field), self.query_one("#time", Field)
        count = uses.value
        is_count = count.isascii() and count.isdigit() and len(count) <= len(str(_USES_MOST))
        if not is_count or not int(count):
            self.refuse("Say how many people may use it: 1 or more.")
            uses.enter()
            return
        try:
            seconds = parse_duration(duration.value)
        except DurationError as error:
            self.refuse(str(error))
            duration.enter()
            return
        place = self.query_one("#place", Pick)
        done = self.begin(lambda: None)

        def made(link: str, refusal: str | None) -> None:
            done(refusal)
            if refusal is None and self.is_attached:
                self._show(link)

        self._make(bool(place.value), int(count), seconds, made)

    def _show(self, link: str) -> None:
        self._link = link
        box = self.query_one("#fields")
        box.remove_children()
        box.mount(text("Send this to whom you invite:"), text(link, "strong"))
        self.query_one("#copy").focus()
        self.query_one("#make").remove()

"""One's devices, and what links another one."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from shlex import quote

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, OptionList
from textual.widgets.option_list import Option

from chat.client.tui.screens.picture import PictureScreen
from chat.client.tui.screens.sheet import Done, Sheet, button, hint, shown, text

__all__ = ["DeviceLine", "DevicesScreen", "LinkScreen"]


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """A device, in words."""

    fingerprint: str
    since: str
    """The day it was added: "24 November 2026"."""
    is_here: bool
    is_this: bool


class DevicesScreen(Sheet):
    """Lists the devices. `revoke` is given a fingerprint; `link` asks for a code."""

    heading = "Your devices"

    def __init__(
        self,
        devices: Sequence[DeviceLine],
        revoke: Callable[[str, Done], None],
        link: Callable[[], None],
    ) -> None:
        super().__init__()
        self._devices = list(devices)
        self._revoke = revoke
        self._link = link
        self._asked = ""
        """The fingerprint of the device that was asked about."""

    def fields(self) -> Iterable[Widget]:
        """Return the fields."""
        yield OptionList(*self._options())
        yield hint("Whoever has one of these keys is you. Take one away if you have lost it.")

    def buttons(self) -> Iterable[Button]:
        """Return the buttons."""
        yield button("Link another", "link", is_main=True)
        yield button("Take away", "revoke", is_bad=True)

    def press(self, id_: str) -> None:
        """Link a device, or take the one in the list away."""
        if id_ == "link":
            self._link()
            return
        at = self.query_one(OptionList).highlighted
        if at is None:
            return
        device = self._devices[at]
        if device.is_this:
            self.refuse("This is the device you sit at; take it away from another one.")
        elif self._asked != device.fingerprint:
            self._asked = device.fingerprint
            self.refuse(f"Press again to take {device.fingerprint} away. It cannot come back.")
        else:
            self._asked = ""
            self._revoke(device.fingerprint, self.begin(lambda: self._gone(device)))

    def _gone(self, device: DeviceLine) -> None:
        self._devices.remove(device)
        listed = self.query_one(OptionList)
        listed.clear_options()
        listed.add_options(self._options())
        listed.highlighted = 0
        self.tell("It is not yours any more.")

    def _options(self) -> Iterable[Option]:
        for device in self._devices:
            place = "this one" if device.is_this else "connected" if device.is_here else "away"
            yield Option(Content(shown(f"{device.fingerprint}\n  {place}, since {device.since}")))


class LinkScreen(Sheet):
    """Shows what another device needs: a picture to scan, and the whole line to type."""

    heading = "Link another device"

    def __init__(
        self, code: str, link: str, nick: str, minutes: int, copy: Callable[[str], None]
    ) -> None:
        super().__init__()
        self._line = f"encchat {quote(link)} --nick {quote(nick)} --link {quote(code)}"
        self._link = link
        self._minutes = minutes
        self._copy = copy

    def fields(self) -> Iterable[Widget]:
        """Return the fields."""
        yield text("Type this on the other device:")
        yield text(self._line, "strong")
        yield hint(f"It works once, for {self._minutes} minutes. Whoever types it is you.")

    def buttons(self) -> Iterable[Button]:
        """Return the buttons."""
        yield button("Copy the line", "copy", is_main=True)
        yield button("Picture to scan", "picture")

    def press(self, id_: str) -> None:
        """Copy, or show the picture."""
        if id_ == "picture":
            self.app.push_screen(PictureScreen(self._line))
        else:
            self._copy(self._line)
            self.tell("Copied, if your terminal allows that.")

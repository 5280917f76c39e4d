"""What deserves a notification, and how a terminal is asked to show it.

No clock and no terminal: `now` is an argument, and what is to be written is returned. Text of other
people comes out made visible, in one line, bounded, and without what separates or ends a sequence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from chat.client.markup import flatten
from chat.client.storage.settings import Level, Settings
from chat.client.visible import make_visible, without_isolates

__all__ = ["Arrival", "Desktop", "Notice", "desktop_of", "notice_of", "window_title"]

_TITLE_MOST: Final = 64
_BODY_MOST: Final = 200
"""Characters. A notification has no room for more, and some terminals cut sequences."""
_READ_MOST: Final = 2_000
"""Characters of a message that are looked at for it."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that has arrived."""

    server: str
    room: str
    """Of a conversation, the other's nickname."""
    author: str
    text: str
    is_private: bool
    is_mention: bool
    """Whether it names the user or answers a message of theirs."""
    is_own: bool = False
    is_watched: bool = False
    """Whether the user has it before their eyes: the room is shown, and the terminal has the
    focus."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person is told, and in which ways. Fit for a terminal."""

    title: str
    body: str
    has_bell: bool
    is_on_desktop: bool


def notice_of(arrival: Arrival, settings: Settings, now: datetime) -> Notice | None:
    """Return the notification that a message deserves; None for none.

    `now` is the time on the wall, where the user is: the quiet hours follow it when clocks change.
    """
    if arrival.is_own or arrival.is_watched or not (settings.bell or settings.desktop):
        return None
    if settings.quiet is not None and settings.quiet.contains(now.time()):
        return None
    name = f"@{arrival.room}" if arrival.is_private else arrival.room
    level = settings.level(arrival.server, name)
    is_wanted = level is Level.ALL or (level is Level.MENTIONS and arrival.is_mention)
    if not is_wanted:
        return None
    author = _plain(arrival.author, _TITLE_MOST)
    title = author if arrival.is_private else f"{author} in {_plain(arrival.room, _TITLE_MOST)}"
    body = _plain(flatten(arrival.text[:_READ_MOST]), _BODY_MOST)
    return Notice(title, body, settings.bell, settings.desktop)


def window_title(room: str, mentions: int) -> str:
    """Return the title of the window: the room, and how many messages name the user."""
    counted = f"({mentions}) " if mentions else ""
    return f"{counted}{_plain(room, _TITLE_MOST)} - encchat" if room else f"{counted}encchat"


class Desktop(Enum):
    """The sequences by which terminals show a notification on the desktop."""

    OSC_9 = 9
    """iTerm2's: one text."""
    OSC_777 = 777
    """urxvt's: title and text."""
    OSC_99 = 99
    """kitty's: title and text, in parts."""

    def sequence(self, notice: Notice) -> str:
        """Return what shows a notification when it is written to the terminal."""
        title, body = notice.title, notice.body
        match self:
            case Desktop.OSC_9:
                return f"\x1b]9;{title}: {body}\x1b\\"
            case Desktop.OSC_777:
                return f"\x1b]777;notify;{title};{body}\x1b\\"
            case Desktop.OSC_99:
                return f"\x1b]99;i=1:d=0;{title}\x1b\\\x1b]99;i=1:p=body;{body}\x1b\\"


def desktop_of(environment: Mapping[str, str]) -> Desktop | None:
    """Return what the terminal understands, by its environment; None where that is not known.

    A multiplexer would not pass it on.
    """
    if "TMUX" in environment or "STY" in environment:
        return None
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if term == "xterm-kitty" or "KITTY_WINDOW_ID" in environment:
        return Desktop.OSC_99
    if term.startswith(("rxvt-unicode", "foot")) or program == "ghostty" or term == "xterm-ghostty":
        return Desktop.OSC_777
    if program in ("iTerm.app", "WezTerm"):
        return Desktop.OSC_9
    return None


def _plain(text: str, most: int) -> str:
    """Return a text in one line, visible, at most so long, with nothing that acts in a sequence."""
    shown = " ".join(without_isolates(make_visible(text[: 4 * most])).split())
    shown = shown.replace(";", ",").replace("\\", "/")
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"

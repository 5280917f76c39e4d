"""What is said to the terminal itself, beside what is drawn: its title, and notifications.

The toolkit has no way to say it, so this goes to its driver, here and nowhere else.
"""

from typing import Final

from textual.app import App

from chat.client.visible import make_visible, without_isolates

__all__ = ["keep_title", "notify_desktop", "restore_title", "set_title"]

_TITLE_MOST: Final = 120
"""Characters."""


def _write(app: App[None], sequence: str) -> None:
    driver = app._driver
    if driver is not None and not driver.is_headless:
        driver.write(sequence)


def keep_title(app: App[None]) -> None:
    """Let the terminal remember its title (xterm's window operation 22)."""
    _write(app, "\x1b[22;2t")


def restore_title(app: App[None]) -> None:
    """Give it back."""
    _write(app, "\x1b[23;2t")


def set_title(app: App[None], title: str) -> None:
    """Set the terminal's title."""
    text = make_visible(without_isolates(title))[:_TITLE_MOST]
    _write(app, f"\x1b]2;{text}\x1b\\")


def notify_desktop(app: App[None], sequence: str) -> None:
    """Let the terminal show a notification; `sequence` is of `chat.client.notify`."""
    _write(app, sequence)

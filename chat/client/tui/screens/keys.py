"""Which keys do what, and another key for any of it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from textual import events
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, OptionList
from textual.widgets.option_list import Option

from chat.client.core.interfaces import StorageError
from chat.client.storage.bindings import Keys, check_key, find_conflict
from chat.client.tui.screens.sheet import Sheet, button, hint, shown

__all__ = ["KeysScreen"]

_FIXED: Final = frozenset({"escape", "enter", "tab", "shift+tab", "up", "down"})
"""Keys that every screen needs."""


class KeysScreen(Sheet):
    """Lists actions with their keys. Enter on one, and then a key, gives it that key.

    `words` says what each action is. `bind` keeps the keys of an action, and raises StorageError.
    """

    heading = "Keys"

    def __init__(
        self,
        keys: Keys,
        usual: Keys,
        words: Mapping[str, str],
        bind: Callable[[str, tuple[str, ...]], None],
        *,
        path: str,
    ) -> None:
        super().__init__()
        self._keys = dict(keys)
        self._usual = usual
        self._words = words
        self._bind = bind
        self._path = path
        self._actions = list(keys)
        self._asking = ""
        """The action that waits for its key."""

    def fields(self) -> Iterable[Widget]:
        """Return the fields."""
        yield OptionList(*self._options())
        yield hint(f"They are kept in {self._path}, where one action can have several keys.")

    def buttons(self) -> Iterable[Button]:
        """Return the buttons."""
        yield button("Another key", "change", is_main=True)
        yield button("The usual key", "usual")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Ask for a key."""
        self._ask(self._actions[event.option_index])

    def press(self, id_: str) -> None:
        """Ask for a key, or take the usual one."""
        at = self.query_one(OptionList).highlighted
        if at is None:
            return
        action = self._actions[at]
        if id_ == "change":
            self._ask(action)
        else:
            self._take(action, self._usual[action])

    def _ask(self, action: str) -> None:
        self._asking = action
        self.tell(f"Press the key for: {self._words[action]}. Esc changes nothing.")

    async def on_event(self, event: events.Event) -> None:
        """Take the key that was asked for, whatever it does otherwise."""
        if isinstance(event, events.Key) and self._asking:
            event.stop()
            event.prevent_default()
            action, self._asking = self._asking, ""
            if event.key == "escape":
                self.tell("")
            else:
                self._pressed(action, event.key)
            return
        await super().on_event(event)

    def _pressed(self, action: str, pressed: str) -> None:
        try:
            key = check_key(pressed)
        except ValueError:
            self.refuse("That key has no name here; take another one.")
            return
        if key in _FIXED:
            self.refuse(f"{key} is needed everywhere; take another one.")
        else:
            self._take(action, (key,))

    def _take(self, action: str, keys: tuple[str, ...]) -> None:
        conflict = find_conflict({**self._keys, action: keys})
        if conflict is not None:
            key, *actions = conflict
            other = next(it for it in actions if it != action)
            self.refuse(f"{key} is the key for: {self._words[other]}. Give that another one first.")
            return
        try:
            self._bind(action, keys)
        except StorageError as error:
            self.refuse(f"{error}.")
            return
        self._keys[action] = keys
        listed = self.query_one(OptionList)
        at = listed.highlighted
        listed.clear_options()
        listed.add_options(self._options())
        listed.highlighted = at
        self.tell(f"{', '.join(keys) or 'No key'}: {self._words[action]}.")

    def _options(self) -> Iterable[Option]:
        for action in self._actions:
            keys = ", ".join(self._keys[action]) or "no key"
            yield Option(Content(shown(f"{self._words[action]}  ({keys})")))

"""A room's settings, and what of it one is notified of."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from textual.widget import Widget
from textual.widgets import Button, Static

from chat.client.commands import CommandError
from chat.client.commands.arguments import slow_seconds
from chat.client.storage.settings import Level
from chat.client.tui.screens.sheet import Done, Field, Pick, Sheet, button, hint, text

__all__ = ["RoomSettingsScreen", "RoomState"]


@dataclass(frozen=True, slots=True)
class RoomState:
    """How a room is set."""

    name: str
    """With ``@`` before it if it is a conversation."""
    topic: str
    slow: int | None
    """Seconds between two messages of one member; None where that is not known."""
    who: str
    """Who can read it: "open to all", "by invitation", "you and bob"."""
    level: Level | None
    """What is notified; None for what is set for all rooms."""
    is_operator: bool
    """Whether the user may change the room, and not only what is notified."""


class RoomSettingsScreen(Sheet):
    """Changes a room. Each callback is given the new value, and only if it is another one."""

    main = "save"

    def __init__(
        self,
        room: RoomState,
        set_topic: Callable[[str, Done], None],
        set_slow: Callable[[int, Done], None],
        set_level: Callable[[Level | None, Done], None],
    ) -> None:
        super().__init__()
        self._room = room
        self._set_topic = set_topic
        self._set_slow = set_slow
        self._set_level = set_level

    def title_text(self) -> str:
        """Return the title."""
        return f"Settings of {self._room.name}"

    def fields(self) -> Iterable[Widget]:
        """Return the fields."""
        yield text(f"Who can read it: {self._room.who}.")
        levels = [(None, "as in all rooms"), *((level, level.value) for level in Level)]
        yield Pick("Notify me of", levels, self._room.level, id="level")
        yield Static()
        if not self._room.is_operator:
            yield text(f"Topic: {self._room.topic or 'none'}")
            yield hint("Only operators can change the rest.")
            return
        yield Field("Topic", self._room.topic, id="topic")
        slow = "" if self._room.slow is None else str(self._room.slow)
        yield Field("Seconds between two messages of one person (0: none)", slow, id="slow")

    def buttons(self) -> Iterable[Button]:
        """Return the buttons."""
        yield button("Save", "save", is_main=True)

    def close_label(self) -> str:
        """Return what the last button says."""
        return "Cancel (Esc)"

    def press(self, id_: str) -> None:
        """Save what has changed, one after the other; the first refusal ends it."""
        try:
            steps = list(self._steps())
        except CommandError as error:
            self.refuse(str(error))
            self.query_one("#slow", Field).enter()
            return
        self._do(steps)

    def _do(self, steps: list[Callable[[Done], None]]) -> None:
        if steps:
            step, *others = steps
            step(self.begin(lambda: self._do(others)))
        else:
            self.end()

    def _steps(self) -> Iterable[Callable[[Done], None]]:
        level = self.query_one("#level", Pick).value
        assert level is None or isinstance(level, Level)
        if level is not self._room.level:
            yield lambda done: self._set_level(level, done)
        if not self._room.is_operator:
            return
        topic = self.query_one("#topic", Field)
        if topic.is_changed:
            yield lambda done: self._set_topic(topic.value, done)
        slow = self.query_one("#slow", Field)
        if slow.is_changed and slow.value:
            seconds = slow_seconds(slow.value)
            yield lambda done: self._set_slow(seconds, done)

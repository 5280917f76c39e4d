"""What operators can do to somebody."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Button, Static

from chat.client.tui.screens.sheet import Done, Field, Pick, Sheet, button, hint
from chat.durations import DurationError, parse_duration
from chat.limits import REASON_CHARACTERS
from chat.rooms.roles import Action

__all__ = ["Moderation", "ModerationScreen"]

_WORDS: Final = {
    Action.KICK: "remove from the room",
    Action.BAN: "remove, and keep out",
    Action.UNBAN: "let come back",
    Action.MUTE: "let read only",
    Action.UNMUTE: "let speak again",
    Action.OP: "make an operator",
    Action.DEOP: "make an operator no longer",
}
_LASTING: Final = frozenset({Action.BAN, Action.MUTE})


@dataclass(frozen=True, slots=True)
class Moderation:
    """What is to be done to somebody."""

    action: Action
    nick: str
    is_on_server: bool
    seconds: int
    """0 for good."""
    reason: str


class ModerationScreen(Sheet):
    """Asks what to do to somebody. `actions` are those that the user may do; not empty."""

    main = "do"

    def __init__(
        self,
        nick: str,
        room: str,
        actions: Sequence[Action],
        moderate: Callable[[Moderation, Done], None],
    ) -> None:
        super().__init__()
        self._nick = nick
        self._room = room
        self._actions = actions
        self._moderate = moderate

    def title_text(self) -> str:
        """Return the title."""
        return f"Moderate {self._nick}"

    def fields(self) -> Iterable[Widget]:
        """Return the fields."""
        actions = [(action, _WORDS[action]) for action in self._actions]
        yield Pick("What", actions, self._actions[0], id="action")
        where = [(False, f"room {self._room}"), (True, "whole server")]
        yield Pick("Where", where, False, id="where")
        yield Static()
        with_time = Field("For how long (30m, 2h30m, 7d; empty for good)", id="time")
        yield Vertical(with_time, id="lasting")
        yield Field("Reason, which others see", id="reason")
        yield hint("")

    def buttons(self) -> Iterable[Button]:
        """Return the buttons."""
        yield button("Do it", "do", is_bad=True)

    def close_label(self) -> str:
        """Return what the last button says."""
        return "Cancel (Esc)"

    def start(self) -> None:
        """Begin at what to do."""
        self.query_one("#lasting").styles.height = "auto"
        self._show_time()
        super().start()

    def on_pick_changed(self) -> None:
        """Ask for a time only where there is one."""
        self._show_time()

    def _show_time(self) -> None:
        self.query_one("#lasting").display = self._action in _LASTING

    @property
    def _action(self) -> Action:
        action = self.query_one("#action", Pick).value
        assert isinstance(action, Action)
        return action

    def press(self, id_: str) -> None:
        """Do it."""
        duration, reason = self.query_one("#time", Field), self.query_one("#reason", Field)
        seconds = 0
        if self._action in _LASTING and duration.value:
            try:
                seconds = parse_duration(duration.value)
            except DurationError as error:
                self.refuse(str(error))
                duration.enter()
                return
        if len(reason.value) > REASON_CHARACTERS:
            self.refuse(f"A reason has at most {REASON_CHARACTERS} characters.")
            reason.enter()
            return
        is_on_server = bool(self.query_one("#where", Pick).value)
        it = Moderation(self._action, self._nick, is_on_server, seconds, reason.value)
        self._moderate(it, self.closing())

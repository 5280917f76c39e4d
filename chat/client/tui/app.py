"""The application: Textual's side of the bridge to the cores, and what a person is asked.

Twisted calls the cores, and cores call `ChatApp.call`, which is the only way from there to a
widget: Textual's widgets need its context. Nothing that goes wrong reaches the terminal as a
traceback.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Sequence
from typing import ClassVar, Final, Protocol

from rich.console import RenderableType
from textual.app import App
from textual.binding import Binding, BindingType
from textual.events import Event, Key, Paste
from textual.filter import Monochrome, NoColor
from textual.message_pump import MessagePump
from textual.screen import Screen

from chat.client.look import Theme
from chat.client.tui.styles import Styles, theme_name, toolkit_theme
from chat.client.tui.terminal import keep_title, restore_title
from chat.client.tui.waiting import WaitingScreen

__all__ = ["ChatApp", "Conductor", "StartError"]

BROKEN: Final = "Something inside encchat went wrong."

_KEY_SECONDS: Final = 1.0
"""After that a key no longer holds up those behind it, whatever became of it."""


class Conductor(Protocol):
    """What the application does once it has painted itself; imported only then."""

    def begin(self, typed: str) -> None:
        """Take over, with what was typed meanwhile."""
        ...

    def leave(self) -> None:
        """End everything; `ChatApp.exit` is called when that is done."""
        ...

    def leave_now(self) -> None:
        """Leave without a question."""
        ...

    def focus_changed(self) -> None:
        """The user looks at the terminal, or away."""
        ...


class StartError(Exception):
    """It cannot begin; the text is a sentence that says why."""


class ChatApp(App[None]):
    """Shows what a conductor has.

    `load` imports the client's core, which takes longer than the first paint may: in a thread, so
    that what is typed meanwhile is seen. `make` then returns the conductor. `failed` is told of an
    exception that ends the application.
    """

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Toast { background: $panel; color: $foreground; border-left: outer $line; }
    Toast.-error { border-left: outer $error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", "Leave", show=False, priority=True),
        Binding("ctrl+c", "help_leave", "Leave", show=False),
    ]

    def __init__(
        self,
        load: Callable[[], None],
        make: Callable[["ChatApp"], Conductor],
        theme: Theme,
        failed: Callable[[BaseException], None],
    ) -> None:
        super().__init__()
        self._load = load
        self._make = make
        self._failed = failed
        self._bridge: contextvars.Context | None = None
        self._conductor: Conductor | None = None
        self._is_over = False
        """Whether widgets are going, or gone."""
        self._typed: deque[Key | Paste] = deque()
        """What was typed behind a key that still does what it does."""
        self._key_number = 0
        self._key_timer: asyncio.TimerHandle | None = None
        self.why_ended = ""
        """A sentence for the terminal, after the end."""
        for each in Theme:
            self.register_theme(toolkit_theme(each))
        self.look = Styles(theme)
        self.use_theme(theme)

    def use_theme(self, theme: Theme) -> None:
        """Draw with other colours, or none at all."""
        self.look = Styles(theme)
        self.theme = theme_name(theme)
        # NO_COLOR means none to us, and greys to the toolkit.
        self._filters = [it for it in self._filters if not isinstance(it, Monochrome | NoColor)]
        if theme is Theme.NONE:
            self._filters.append(NoColor())

    # --- The bridge ---

    def call(self, function: Callable[..., None], *arguments: object) -> None:
        """Call a function that touches widgets, from wherever it may be."""
        if self._bridge is None or not self.is_running or self._is_over:
            return
        try:
            # A copy: one context cannot be entered twice, and what is called may come back here.
            self._bridge.copy().run(function, *arguments)
        except Exception as error:  # Any bug: the application ends with a sentence.
            self._handle_exception(error)

    def on_mount(self) -> None:
        """Paint first, and import the rest then."""
        self._bridge = contextvars.copy_context()
        keep_title(self)
        self.call_after_refresh(self._begin)

    def get_default_screen(self) -> Screen[None]:
        """Return what is painted first."""
        return WaitingScreen()

    async def _begin(self) -> None:
        await asyncio.to_thread(self._load)
        waiting = self.screen
        try:
            self._conductor = self._make(self)
        except StartError as error:
            self.why_ended = str(error)
            self.exit(return_code=1)
            return
        typed = waiting.typed if isinstance(waiting, WaitingScreen) else ""
        self._conductor.begin(typed)

    def on_app_focus(self) -> None:
        """The user looks at the terminal again."""
        if self._conductor is not None:
            self._conductor.focus_changed()

    # --- Keys ---

    async def on_event(self, event: Event) -> None:
        """Take one key after the other.

        The toolkit gives all that was typed at once to the widget that has the focus now, though
        the first key may take the focus elsewhere: on a slow link, "r" and the reply to a message
        come in one piece.
        """
        if not isinstance(event, Key | Paste) or event.is_forwarded:
            await super().on_event(event)
        elif self._key_timer is not None:
            self._typed.append(event)
        else:
            await self._take_key(event)

    async def _take_key(self, event: Key | Paste) -> None:
        focused: MessagePump = self.focused or self.screen
        self._key_number += 1
        loop = asyncio.get_running_loop()
        self._key_timer = loop.call_later(
            _KEY_SECONDS, self.call_later, self._key_done, self._key_number
        )
        await super().on_event(event)
        self._follow_key(focused, self._key_number)

    def _follow_key(self, at: MessagePump, number: int) -> None:
        """Go the way of a key, behind it, from the widget that was given it up to here."""
        while at is not self:
            above = at._parent
            if above is None:
                break
            if at.call_later(self._follow_key, above, number):
                return
            at = above
        self.call_later(self._key_done, number)

    async def _key_done(self, number: int) -> None:
        if number != self._key_number or self._key_timer is None:
            return
        self._key_timer.cancel()
        self._key_timer = None
        if self._typed:
            await self._take_key(self._typed.popleft())

    # --- Ends ---

    def action_leave(self) -> None:
        """End the application."""
        if self._conductor is None:
            self.exit()
        else:
            self._conductor.leave()

    def action_help_leave(self) -> None:
        """Say how to leave: Ctrl-C copies where something is selected."""
        self.notify("Ctrl-Q leaves.", markup=False, timeout=3)

    def exit(
        self, result: None = None, return_code: int = 0, message: RenderableType | None = None
    ) -> None:
        """Leave. Nothing touches a widget from now on."""
        self._is_over = True
        super().exit(result, return_code, message)

    def interrupt(self) -> None:
        """Leave at once: a signal came, or the reactor stops."""
        if self._conductor is None:
            self.exit()
        else:
            self._conductor.leave_now()

    def on_unmount(self) -> None:
        """Leave the terminal as it was."""
        restore_title(self)

    def _fatal_error(self) -> None:
        """End with a sentence. A traceback, with the values of variables in it, stays inside."""
        if self._exception is not None:
            self._failed(self._exception)
        self.why_ended = BROKEN
        self._close_messages_no_wait()

    def panic(self, *renderables: object) -> None:
        """End with a sentence, likewise."""
        self._fatal_error()

    def sentences(self) -> Sequence[str]:
        """Return what to print when the terminal is itself again."""
        return [self.why_ended] if self.why_ended else []

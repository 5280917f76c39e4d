"""Those one has blocked, and those who ask to talk."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, OptionList
from textual.widgets.option_list import Option

from chat.client.tui.screens.sheet import Done, Field, Sheet, button, hint, shown

__all__ = ["BlocksScreen", "RequestsScreen"]


class _PeopleScreen(Sheet):
    """A list of nicknames, with buttons for the one that is chosen."""

    none: str = ""
    """What it says if nobody is there."""

    def __init__(self, nicks: Sequence[str]) -> None:
        super().__init__()
        self._nicks = list(nicks)

    def fields(self) -> Iterable[Widget]:
        """Return the fields."""
        yield OptionList(*self._options())
        yield hint("" if self._nicks else self.none)

    def chosen(self) -> str | None:
        """Return the nickname that is chosen; say so if there is none."""
        at = self.query_one(OptionList).highlighted
        if at is None:
            self.refuse(self.none if not self._nicks else "Choose somebody first.")
            return None
        return self._nicks[at]

    def gone(self, nick: str, sentence: str) -> None:
        """Take somebody off the list."""
        self._nicks.remove(nick)
        self._list()
        self.tell(sentence)

    def come(self, nick: str, sentence: str) -> None:
        """Put somebody on the list."""
        if nick not in self._nicks:
            self._nicks.append(nick)
        self._list()
        self.tell(sentence)

    def _list(self) -> None:
        listed = self.query_one(OptionList)
        listed.clear_options()
        listed.add_options(self._options())
        if self._nicks:
            listed.highlighted = 0

    def _options(self) -> Iterable[Option]:
        return [Option(Content(shown(nick))) for nick in self._nicks]


class BlocksScreen(_PeopleScreen):
    """Lists whom one has blocked. `block` and `unblock` are given a nickname."""

    heading = "Blocked"
    none = "You have blocked nobody."
    main = "block"

    def __init__(
        self,
        nicks: Sequence[str],
        block: Callable[[str, Done], None],
        unblock: Callable[[str, Done], None],
    ) -> None:
        super().__init__(nicks)
        self._block = block
        self._unblock = unblock

    def fields(self) -> Iterable[Widget]:
        """Return the fields."""
        yield from super().fields()
        yield Field("Block somebody", id="nick", example="nickname")
        yield hint("Nothing of them reaches you. They can still talk in rooms that you are in.")

    def buttons(self) -> Iterable[Button]:
        """Return the buttons."""
        yield button("Block", "block", is_main=True)
        yield button("Unblock", "unblock")

    def press(self, id_: str) -> None:
        """Block who is typed, or unblock who is chosen."""
        if id_ == "unblock":
            chosen = self.chosen()
            if chosen is not None:
                sentence = f"{chosen} can write to you again."
                self._unblock(chosen, self.begin(lambda: self.gone(chosen, sentence)))
            return
        nick = self.query_one("#nick", Field).value.removeprefix("@")
        if nick:
            self._block(nick, self.begin(lambda: self.come(nick, f"{nick} is blocked.")))
        else:
            self.refuse("Type whom to block.")


class RequestsScreen(_PeopleScreen):
    """Lists who asks for a conversation. `warnings` say of some what to be careful about."""

    heading = "They ask to talk to you alone"
    none = "Nobody asks to talk to you."

    def __init__(
        self,
        nicks: Sequence[str],
        accept: Callable[[str, Done], None],
        decline: Callable[[str, Done], None],
        block: Callable[[str, Done], None],
        warnings: Mapping[str, str],
    ) -> None:
        super().__init__(nicks)
        self._acts = {
            "accept": (accept, "You can talk to {} now."),
            "decline": (decline, "{} cannot ask again."),
            "block": (block, "Nothing of {} reaches you any more."),
        }
        self._warnings = warnings

    def buttons(self) -> Iterable[Button]:
        """Return the buttons."""
        yield button("Accept", "accept", is_main=True)
        yield button("Decline", "decline")
        yield button("Block", "block", is_bad=True)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Warn of who is chosen, if there is something."""
        self.refuse(self._warnings.get(self._nicks[event.option_index], ""))

    def press(self, id_: str) -> None:
        """Answer who is chosen."""
        nick = self.chosen()
        if nick is not None:
            act, sentence = self._acts[id_]
            act(nick, self.begin(lambda: self.gone(nick, sentence.replace("{}", nick))))

"""The first minute: where to, as whom, whether to trust the server, and a password if it wants one.

None of these knows a core: what is typed goes to callbacks, and what came of it comes back.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from textual.widget import Widget
from textual.widgets import Button

from chat.client.core.address import Address, AddressError, parse_address
from chat.client.tui.screens.sheet import Done, Field, Sheet, button, hint, text

__all__ = ["ChangedKeyScreen", "NewKey", "PasswordScreen", "TrustScreen", "WelcomeScreen"]

_WORDS_IN_LINE = 6


class WelcomeScreen(Sheet):
    """Asks for a server and a nickname; with a link, for the nickname alone.

    `enter` is given what is typed, and what to call with the refusal if there is one. `leave` is
    called if the user gives up.
    """

    heading = "Welcome to encchat"
    main = "enter"

    def __init__(
        self,
        enter: Callable[[Address, str, Done], None],
        leave: Callable[[], None],
        *,
        home: str,
        address: Address | None = None,
        where: str = "",
        nick: str = "",
    ) -> None:
        super().__init__()
        self._enter = enter
        self._leave = leave
        self._home = home
        self._address = address
        self._where = where
        self._nick = nick

    def fields(self) -> Iterable[Widget]:
        """Return the fields."""
        if self._address is None:
            yield Field(
                "Invitation link, or the server's address",
                self._where,
                id="where",
                example="encchat://… or chat.example.com",
            )
        else:
            room = f", room {self._address.room}" if self._address.room else ""
            yield text(f"You are going to {self._address}{room}.", "strong")
        yield Field("Your nickname there", self._nick, id="nick", example="ana")
        yield hint(
            "A server proves who it is by its fingerprint: an invitation contains it, and a new one"
            " is shown to you first."
        )
        yield hint(f"You need no password: your key is made now, and kept in {self._home}.")

    def buttons(self) -> Iterable[Button]:
        """Return the buttons."""
        yield button("Enter", "enter", is_main=True)

    def close_label(self) -> str:
        """Return what the last button says."""
        return "Leave (Esc)"

    def press(self, id_: str) -> None:
        """Go there."""
        address = self._address
        if address is None:
            field = self.query_one("#where", Field)
            try:
                address = parse_address(field.value)
            except AddressError as error:
                nothing = "Paste an invitation, or type where the server is."
                self.refuse(f"That is no address: {error}." if field.value else nothing)
                field.enter()
                return
        nick = self.query_one("#nick", Field)
        if not nick.value:
            self.refuse("Choose a nickname: it is what others call you.")
            nick.enter()
            return
        done = self.closing()
        self.tell("Connecting…")
        self._enter(address, nick.value, done)

    def action_close(self) -> None:
        """Give up."""
        self._leave()
        self.end()


@dataclass(frozen=True, slots=True)
class NewKey:
    """The host key of a server that was never seen before."""

    address: str
    fingerprint: str
    words: tuple[str, ...]


class TrustScreen(Sheet):
    """Shows a new host key, and asks whether it is the server's. `answer` is called once."""

    def __init__(self, key: NewKey, answer: Callable[[bool], None]) -> None:
        super().__init__()
        self._key = key
        self._answer = answer

    def title_text(self) -> str:
        """Return the title."""
        return f"You have never been to {self._key.address}"

    def fields(self) -> Iterable[Widget]:
        """Return the fields."""
        words = self._key.words
        lines = [words[at : at + _WORDS_IN_LINE] for at in range(0, len(words), _WORDS_IN_LINE)]
        yield text("This is the fingerprint of its key:")
        yield text(self._key.fingerprint, "strong")
        yield text("or, in words to read aloud:")
        yield text("\n".join(" ".join(line) for line in lines), "strong")
        yield hint(
            "Compare either with what the server's operator says. If they are the same, nobody is"
            " between you and the server; from now on that is checked for you."
        )

    def buttons(self) -> Iterable[Button]:
        """Return the buttons."""
        yield button("It is the same", "yes")

    def close_label(self) -> str:
        """Return what the last button says."""
        return "Leave (Esc)"

    def start(self) -> None:
        """Begin at the answer that trusts nobody."""
        self.query_one("#close").focus()

    def press(self, id_: str) -> None:
        """Trust it."""
        self._answer(True)
        self.end()

    def action_close(self) -> None:
        """Do not."""
        self._answer(False)
        self.end()


class ChangedKeyScreen(Sheet):
    """Says that a host key is not the one that is known, and stops there."""

    heading = "The server's key has changed"

    def __init__(self, sentences: Sequence[str], leave: Callable[[], None]) -> None:
        super().__init__()
        self._sentences = sentences
        self._leave = leave

    def fields(self) -> Iterable[Widget]:
        """Return the fields."""
        yield text("\n".join(self._sentences), "bad")
        yield hint("")
        yield hint(
            "Either the operator has set the server up anew, or somebody is between you and the"
            " server and could read all you say. Nothing was sent. Ask the operator, not by this"
            " chat; a new key has to come from there."
        )

    def press(self, id_: str) -> None:
        """There is nothing to be done here."""

    def close_label(self) -> str:
        """Return what the last button says."""
        return "Leave (Esc)"

    def action_close(self) -> None:
        """Leave."""
        self._leave()
        self.end()


class PasswordScreen(Sheet):
    """Asks for a password, which is not shown. `enter` is given it; `leave` is for giving up."""

    main = "enter"

    def __init__(
        self,
        server: str,
        enter: Callable[[str, Done], None],
        leave: Callable[[], None],
        *,
        refusal: str = "",
    ) -> None:
        super().__init__()
        self._server = server
        self._enter = enter
        self._leave = leave
        self._refusal = refusal

    def title_text(self) -> str:
        """Return the title."""
        return f"{self._server} asks for your password"

    def fields(self) -> Iterable[Widget]:
        """Return the fields."""
        yield Field("Password", id="password", is_secret=True)

    def buttons(self) -> Iterable[Button]:
        """Return the buttons."""
        yield button("Log in", "enter", is_main=True)

    def close_label(self) -> str:
        """Return what the last button says."""
        return "Leave (Esc)"

    def start(self) -> None:
        """Show why it is asked for again."""
        super().start()
        self.refuse(self._refusal)

    def press(self, id_: str) -> None:
        """Log in."""
        self._enter(self.query_one("#password", Field).value, self.closing())

    def action_close(self) -> None:
        """Give up."""
        self._leave()
        self.end()

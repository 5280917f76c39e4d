"""What all parts of the client share: who one is, which logs there are, what is on its way.

The parts (`posts`, `reading`, `arrival`, `actions`) do not know each other's insides; this is where
they meet, and the only thing that survives a connection.
"""

import os
from collections.abc import Callable

from chat.client.asking import Asking
from chat.client.core.interfaces import ExitStatus, Screen, TypedLine
from chat.client.line.display import make_visible, shorten
from chat.client.logs import LogBook
from chat.client.outbox import Outbox
from chat.ids import NOBODY
from chat.limits import ClientLimits
from chat.wire.messages import Refused
from chat.wire.sealing import RandomBytes

__all__ = ["Visit"]


class Visit:
    """A user's visit to a server, over any number of connections."""

    def __init__(
        self,
        screen: Screen,
        line_done: Callable[[], None],
        limits: ClientLimits,
        *,
        is_terminal: bool,
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        self.screen = screen
        self.line_done = line_done
        """To be called once for every line that was typed, when nothing is to be done for it."""
        self.limits = limits
        self.is_terminal = is_terminal
        self.random_bytes = random_bytes
        self.asking = Asking()
        self.outbox = Outbox()
        self.book = LogBook()
        self.account = NOBODY
        self.nick = ""
        self.status = ExitStatus.OK

    def note(self, line: str) -> None:
        """Tell the user something that matters in a script, too."""
        self.screen.note(make_visible(line))

    def tell(self, line: str) -> None:
        """Tell a person something about the client itself."""
        self.screen.remark(make_visible(line))

    def complain(self, sentence: str, line: TypedLine | None) -> None:
        """Say that a line came to nothing. A person knows which; a script's owner is told, and the
        status says it as well."""
        if not self.is_terminal:
            self.status = ExitStatus.REFUSED
            if line is not None and line.number:
                beginning = f" ({shorten(line.text)})" if line.text else ""
                sentence = f"Line {line.number}{beginning}: {sentence}"
        self.note(sentence)

    def reject(self, sentence: str, line: TypedLine | None) -> None:
        """Say that a line came to nothing, and be done with it."""
        self.complain(sentence, line)
        self.line_done()

    def refusing(self, line: TypedLine) -> Callable[[Refused], None]:
        """Return what is done with a line when the server refuses it."""
        return lambda refused: self.reject(refused.text, line)

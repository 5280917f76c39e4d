"""What the line client says about itself, and about lines that came to nothing."""

from chat.client.line.interfaces import ExitStatus, Screen, TypedLine
from chat.client.visible import make_visible, shorten, without_isolates, wrap

__all__ = ["Output"]


class Output:
    """Prints on a screen, made visible, and keeps the exit status."""

    def __init__(self, screen: Screen, *, is_terminal: bool) -> None:
        self.screen = screen
        self.is_terminal = is_terminal
        self.status = ExitStatus.OK

    def show(self, line: str) -> None:
        """Print a line of the conversation, or what a command asked for."""
        for row in self._rows(line):
            self.screen.show(row)

    def show_to_copy(self, line: str) -> None:
        """Print a line to be copied. The terminal wraps it, so that what is copied is one line.

        Only for lines in which nobody else can write something that looks like another line.
        """
        self.screen.show(make_visible(line))

    def note(self, line: str) -> None:
        """Tell the user something that matters in a script, too."""
        for row in self._rows(line):
            self.screen.note(row)

    def tell(self, line: str) -> None:
        """Tell a person something about the client itself."""
        for row in self._rows(line):
            self.screen.remark(row)

    def _rows(self, line: str) -> list[str]:
        columns = self.screen.columns
        if columns is None:
            return [make_visible(without_isolates(line))]
        return wrap(make_visible(line), columns)

    def complain(self, sentence: str, line: TypedLine) -> None:
        """Say that a line came to nothing. A person knows which; a script's owner is told, and the
        status says it as well."""
        if not self.is_terminal:
            self.status = ExitStatus.REFUSED
            if line.number:
                beginning = f" ({shorten(line.text)})" if line.text else ""
                sentence = f"Line {line.number}{beginning}: {sentence}"
        self.note(sentence)

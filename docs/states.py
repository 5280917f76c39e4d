"""Writes the state tables of protocol.md from the code: ``python docs/states.py [--check]``."""

import sys
from pathlib import Path
from typing import Final

from chat.wire.connection import CLIENT_TABLE, SERVER_TABLE, Table

_PAGE: Final = Path(__file__).with_name("protocol.md")
_BEGIN: Final = "<!-- states:begin -->\n"
_END: Final = "<!-- states:end -->\n"


def _draw(role: str, table: Table) -> str:
    rows = [f"| {role} in | line | does | then in |", "|---|---|---|---|"]
    for (state, line), (action, following) in table.items():
        kind = line.__name__.removesuffix("Line").lower()
        does = action.replace("_", " ")
        rows.append(f"| `{state.name}` | {kind} | {does} | `{following.name}` |")
    return "\n".join(rows) + "\n"


def render(page: str) -> str:
    """Return the text of protocol.md with tables that match the code."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    tables = _draw("server", SERVER_TABLE) + "\n" + _draw("client", CLIENT_TABLE)
    login = (
        "\nIn addition, a client in `AWAIT_TRUST` that accepts the host key sends CF and enters "
        "`AWAIT_ANSWER`.\nFrom any state a violation leads to `FAILED`, and sending or receiving "
        "`close` to `CLOSED`.\n"
    )
    return before + _BEGIN + tables + login + _END + after


def main() -> None:
    """Write the page, or with ``--check`` fail if that would change it."""
    page = _PAGE.read_text("utf-8")
    new = render(page)
    if sys.argv[1:] == ["--check"]:
        if new != page:
            raise SystemExit(
                "docs/protocol.md does not match the states in the code: run docs/states.py"
            )
    else:
        _PAGE.write_text(new, "utf-8")


if __name__ == "__main__":
    main()

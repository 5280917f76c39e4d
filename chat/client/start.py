"""Which face a person or a script gets: ``encchat`` and ``python -m chat.client``.

The full screen only where it can be one: the toolkit draws on standard error, reads standard input,
and looks at neither TERM nor the encoding. Everybody else gets the line client.
"""

import argparse
import os
import sys
from collections.abc import Mapping

from chat.client.arguments import parse_arguments
from chat.client.line.screen import can_edit

__all__ = ["can_fill_screen", "main"]


def can_fill_screen(
    environment: Mapping[str, str], *, are_terminals: bool, encoding: str, platform: str
) -> bool:
    """Return whether a terminal can be filled, going by what it says of itself."""
    if not are_terminals or encoding.lower().replace("-", "").replace("_", "") != "utf8":
        return False
    return platform == "win32" or can_edit(environment, platform)


def _wants_lines(arguments: argparse.Namespace) -> bool:
    return bool(arguments.plain or arguments.literal or arguments.quiet)


def main() -> None:
    """Run the client, and end the process with its status."""
    arguments = parse_arguments()
    if not _wants_lines(arguments) and can_fill_screen(
        os.environ,
        are_terminals=all(map(os.isatty, (0, 1, 2))),
        encoding=getattr(sys.stdout, "encoding", None) or "",
        platform=sys.platform,
    ):
        from chat.client.tui.launch import run

        sys.exit(run(arguments))
    from chat.client.line.app import main as run_lines

    run_lines(arguments)

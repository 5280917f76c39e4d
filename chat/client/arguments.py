"""The command line."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from chat import __version__
from chat.client.core.address import Address, AddressError, parse_address
from chat.limits import ClientLimits
from chat.rooms.errors import RequestError
from chat.rooms.names import prepare_room

__all__ = ["THIS_MACHINE", "parse_arguments"]

THIS_MACHINE: Final = Address("localhost")
"""The address where none is given: compare it by identity to know whether one was."""

_EPILOG = """\
Without a terminal the client is for scripts: it reads lines from standard input, prints what others
say, asks nothing, and leaves at the end of the input when everything is acknowledged. It ends with
the first command that fails; nothing after that is sent. Standard error has what went wrong, and
that a host key was pinned. If no --nick is given, the first line is the nickname. A server takes
1,000 lines at once and then 100 a second, unless its operator chose otherwise; a script that is
faster is made to wait. Status: 0 all went well; 1 the nickname or a line was refused; 2 wrong
arguments; 3 no connection at the start, or it was lost and did not come back, or a signal came
before every line was acknowledged: the client connects again by itself, for a minute once the input
has ended; 4 the host key is not trusted. Accepted host keys are kept in known_hosts, and your own
keys in identity-NICK.pem, in $ENCCHAT_HOME or the user's configuration directory."""


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except AddressError as error:
        raise argparse.ArgumentTypeError(f"{text!a}: {error}") from None


def _room(text: str) -> str:
    try:
        return prepare_room(text.removeprefix("#"))
    except RequestError as error:
        raise argparse.ArgumentTypeError(f"{text!a}: {error}") from None


def _history(text: str) -> int:
    most = ClientLimits().history_most
    # Not int(text) alone: that takes "+1_0", and numbers of other scripts.
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text) <= most):
        raise argparse.ArgumentTypeError(f"{text!a} is not a number from 0 to {most}")
    return int(text)


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the command line's arguments; ends the process with status 2 if they are wrong."""
    parser = argparse.ArgumentParser(
        prog="encchat",
        description="Chat, encrypted: on a full screen, or line by line in a script.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "address",
        nargs="?",
        type=_address,
        default=THIS_MACHINE,
        metavar="ADDRESS",
        help="HOST, HOST:PORT, or encchat://HOST:PORT/#SHA256:… (default: on the full screen,"
        " where you were last; else localhost:5555)",
    )
    parser.add_argument("--nick", help="nickname; asked for when not given")
    parser.add_argument(
        "--identity",
        type=Path,
        metavar="FILE",
        help="your key: a private Ed25519 key, OpenSSH's or in PEM (default: one is made for each"
        " nickname, and kept)",
    )
    parser.add_argument(
        "--passphrase",
        action="store_true",
        help="ask for the passphrase of your key, or take it from $ENCCHAT_PASSPHRASE; a key that"
        " is made is protected with it",
    )
    parser.add_argument(
        "--link", metavar="CODE", help="be another device of your account, with a code from /link"
    )
    parser.add_argument(
        "--password",
        action="store_true",
        help="ask for your password, where a server wants one, or take it from $ENCCHAT_PASSWORD",
    )
    parser.add_argument(
        "--room",
        type=_room,
        help="talk in ROOM; if it cannot be joined, nothing is sent (default: the lobby)",
    )
    parser.add_argument(
        "--literal", action="store_true", help="send every line as it is: no line is a command"
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing that others say")
    parser.add_argument(
        "--plain", action="store_true", help="print lines instead of filling the screen"
    )
    parser.add_argument(
        "--trust-new", action="store_true", help="pin a host key that is new without asking"
    )
    parser.add_argument(
        "--history",
        type=_history,
        default=ClientLimits().history,
        metavar="N",
        help="show the last N lines of a room that is entered anew (default: %(default)s)",
    )
    parser.add_argument("--version", action="version", version=f"encchat {__version__}")
    return parser.parse_args(arguments)

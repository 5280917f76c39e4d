"""The options of ``twistd encchat``."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import fill
from typing import Final

from twisted.cred import strcred
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.python import usage

from chat import __version__
from chat.rooms.errors import RequestError
from chat.rooms.invitations import Registration
from chat.rooms.names import prepare_nick
from chat.server.settings import describe_limits, parse_limit
from chat.server.state.directory import default_state_path
from twisted import copyright as twisted_copyright

__all__ = ["DEFAULT_LISTEN", "Options"]

DEFAULT_LISTEN: Final = "tcp:5555:interface=127.0.0.1"

_ABOUT: Final = f"""\
An encrypted chat server. Without options it listens on localhost:5555, and makes itself an
identity on the first start: it logs the fingerprint, and the line to paste into a client.

Strings for --listen are Twisted's server endpoint strings, for example tcp:5555 (all IPv4
addresses), tcp6:5555 (all IPv6 addresses), tcp:5555:interface=192.0.2.7, unix:/run/encchat.sock.
The default is {DEFAULT_LISTEN}.

The state directory holds all there is: the server's identity, host_key.pem (who has that file can
pose as this server; without it every client will refuse the server), everything that was said,
encchat.db, and the key to it, storage_key. Keep a copy of them. The default is $ENCCHAT_STATE, or
the user's data directory.

Everything is kept unless --keep-days or --keep-records say otherwise; what is kept no longer is
removed from the file. The index for searching holds words in clear; --no-search leaves it out.

Passwords are asked for with --auth, for example --auth encchat:/etc/encchat/passwords; --help-auth
lists what else can check them. The checkers are asked in the order they are given in.

Limits for --limit, as they are unless set, in numbers, bytes and seconds:"""

_COLUMN: Final = 33
"""Where a limit's description begins: behind the longest name and its default."""

_MOST: Final = 10**9
"""More than a billion days or records is a slip of the finger."""


class Options(usage.Options, strcred.AuthOptionMixin):
    """Options of ``twistd encchat``."""

    synopsis = "[options]"
    longdesc = ""  # Twisted would make one paragraph of it; `getUsage` appends several.

    supportedInterfaces = (IUsernamePassword,)

    optFlags = (("no-search", None, "Keep no index of what is said; an existing one is removed."),)

    def __init__(self) -> None:
        usage.Options.__init__(self)
        self["listen"] = []
        self["state"] = None
        self["keep-days"] = self["keep-records"] = None
        self["limits"] = {}
        self["registration"] = Registration.OPEN
        self["operators"] = []
        # Names and types are the mixin's.
        self["credCheckers"] = []
        self["credInterfaces"] = {}

    def getUsage(self, width: int | None = None) -> str:
        """Return the help, with every limit, its default, and what it bounds."""
        width = width or int(os.environ.get("COLUMNS", "80"))
        usage_text: str = usage.Options.getUsage(self, width)
        about = [fill(paragraph, width) + "\n" for paragraph in _ABOUT.split("\n\n")]
        limits = [
            fill(
                f"  {setting:<{_COLUMN - 3}} {bounds}",
                max(width, 2 * _COLUMN),
                subsequent_indent=" " * _COLUMN,
            )
            for setting, bounds in describe_limits()
        ]
        return "\n".join([usage_text, *about]) + "\n".join(limits) + "\n"

    def opt_version(self) -> None:
        """Display the version of encchat and exit."""
        print(f"encchat {__version__}, Twisted {twisted_copyright.version}")
        sys.exit(0)

    def opt_listen(self, endpoint: str) -> None:
        """Where to listen, as an endpoint string; can be given several times."""
        self["listen"].append(endpoint)

    def opt_state(self, directory: str) -> None:
        """Directory for the server's identity; made if it does not exist."""
        if not directory:
            raise usage.UsageError("--state needs the name of a directory")
        self["state"] = Path(directory)

    def opt_keep_days(self, days: str) -> None:
        """Remove what is older than so many days."""
        self["keep-days"] = _positive("--keep-days", days)

    def opt_keep_records(self, records: str) -> None:
        """Remove all but the last so many records of each room and conversation."""
        self["keep-records"] = _positive("--keep-records", records)

    def opt_registration(self, who: str) -> None:
        """Who may have a new account: open (everybody, the default), invite, or closed."""
        try:
            self["registration"] = Registration(who)
        except ValueError:
            raise usage.UsageError("--registration is open, invite, or closed") from None

    def opt_operator(self, nick: str) -> None:
        """Nickname of an owner of the server, who may do everything; can be given several times."""
        try:
            self["operators"].append(prepare_nick(nick))
        except RequestError as error:
            raise usage.UsageError(f"--operator: {error}") from None

    def opt_limit(self, limit: str) -> None:
        """Set a limit, as NAME=VALUE (see below); can be given several times."""
        try:
            name, value = parse_limit(limit)
        except ValueError as error:
            raise usage.UsageError(f"--limit: {error}") from None
        self["limits"][name] = value

    def opt_auth(self, description: str) -> None:
        """Who checks passwords, as TYPE or TYPE:ARGUMENT; can be given several times."""
        add: Callable[[ICredentialsChecker], None] = self.addChecker
        try:
            add(strcred.makeChecker(description))
        except strcred.InvalidAuthType as error:
            kind = str(error)
            raise usage.UsageError(
                f"--auth: there is no type {kind!r}; --help-auth lists those there are"
            ) from None
        except strcred.UnsupportedInterfaces:
            raise usage.UsageError("--auth: that type does not check passwords") from None
        except Exception as error:  # Checkers are plugins, and raise what they like.
            raise usage.UsageError(f"--auth: {error}") from None

    def postOptions(self) -> None:
        """Fill in the defaults."""
        self["listen"] = self["listen"] or [DEFAULT_LISTEN]
        self["state"] = self["state"] or default_state_path()


def _positive(option: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= _MOST:
        raise usage.UsageError(f"{option} needs a whole number from 1 to {_MOST}")
    return int(text)

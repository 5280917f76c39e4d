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
from chat.rooms.invitations import Registration
from chat.server.connections.proxies import parse_proxy
from chat.server.oplog import LogAddresses
from chat.server.process import check_files
from chat.server.settings import ConfigurationError, describe_limits, parse_limit
from chat.server.state.directory import default_state_path
from chat.wire.hostkey import is_fingerprint
from twisted import copyright as twisted_copyright

__all__ = ["DEFAULT_LISTEN", "PROXIED", "Options"]

PROXIED: Final = "haproxy:"
"""Prefix of endpoints where a proxy says where clients are."""

DEFAULT_LISTEN: Final = "tcp:5555:interface=127.0.0.1"

_ABOUT: Final = f"""\
An encrypted chat server. Without options it listens on localhost:5555. On the first start it
generates a host key; it logs the key's fingerprint and a command line that connects a client. As
long as it has no owner, it also logs a one-time link that makes you its owner.

--listen takes Twisted's server endpoint strings, for example tcp:5555 (all IPv4 addresses),
tcp6:5555 (all IPv6 addresses), tcp:5555:interface=192.0.2.7, unix:/run/encchat.sock. The default is
{DEFAULT_LISTEN}. Behind a proxy that speaks the PROXY protocol, listen on haproxy:tcp:5555 and
name the proxy with --proxy.

The state directory holds everything the server has: its identity in host_key.pem (whoever has that
file can impersonate this server; without it every client refuses the server), all messages in
encchat.db, and the key to them in storage_key. Do not back up by copying these files while the
server runs: use python -m chat.admin backup FILE. The default is $ENCCHAT_STATE, or the user's data
directory.

The server keeps every message unless you set --keep-days or --keep-records, which delete older ones
from the file. The search index holds words in the clear; --no-search turns it off.

The server asks for passwords if you set --auth, for example --auth encchat:/etc/encchat/passwords;
--help-auth lists other checkers. Checkers are asked in the order given, and the first that accepts
decides.

Set limits with --limit, or in the file "limits" of the state directory, which has one
NAME=VALUE a line and is read again on SIGHUP. The limits and their defaults (sizes in bytes, times
in seconds):"""

_COLUMN: Final = 33
"""Column of a limit's description: after the longest name and its default."""

_MOST: Final = 10**9
"""More than a billion days or records is a typo."""


class Options(usage.Options, strcred.AuthOptionMixin):
    """Options of ``twistd encchat``."""

    synopsis = "[options]"
    longdesc = ""  # Twisted would fill it as one paragraph; `getUsage` appends several.

    supportedInterfaces = (IUsernamePassword,)

    optFlags = (("no-search", None, "Keep no search index; remove an existing one."),)

    def __init__(self) -> None:
        usage.Options.__init__(self)
        self["listen"] = []
        self["proxies"] = []
        self["state"] = None
        self["keep-days"] = self["keep-records"] = None
        self["limits"] = {}
        self["registration"] = Registration.OPEN
        self["operators"] = []
        self["log-addresses"] = LogAddresses.FULL
        # The mixin prescribes these names and types.
        self["credCheckers"] = []
        self["credInterfaces"] = {}

    def getUsage(self, width: int | None = None) -> str:
        """Return the help text, with every limit, its default, and what it bounds."""
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
        """Where to listen, as an endpoint string; may be repeated."""
        self["listen"].append(endpoint)

    def opt_proxy(self, address: str) -> None:
        """Address or network of a trusted proxy, or unix, for --listen haproxy:; repeatable."""
        try:
            self["proxies"].append(parse_proxy(address))
        except ValueError:
            raise usage.UsageError(
                f"--proxy: {address!r} is not an address, a network such as 10.0.0.0/8, or unix"
            ) from None

    def opt_state(self, directory: str) -> None:
        """The state directory; created if it does not exist."""
        if not directory:
            raise usage.UsageError("--state needs the name of a directory")
        self["state"] = Path(directory)

    def opt_keep_days(self, days: str) -> None:
        """Delete records that are older than this many days."""
        self["keep-days"] = _positive("--keep-days", days)

    def opt_keep_records(self, records: str) -> None:
        """Keep only this many records of each room and conversation."""
        self["keep-records"] = _positive("--keep-records", records)

    def opt_registration(self, who: str) -> None:
        """Who may create an account: open (everybody, the default), invite, or closed."""
        try:
            self["registration"] = Registration(who)
        except ValueError:
            raise usage.UsageError("--registration must be open, invite, or closed") from None

    def opt_operator(self, fingerprint: str) -> None:
        """Fingerprint (SHA256:...) of the key of a server owner; may be repeated."""
        if not is_fingerprint(fingerprint):
            raise usage.UsageError(
                f"--operator needs the fingerprint of a key, SHA256:..., and {fingerprint!r} is"
                " none. /devices shows that of yours. Or start the server without --operator: it"
                " prints a link that makes you its owner"
            )
        self["operators"].append(fingerprint)

    def opt_log_addresses(self, which: str) -> None:
        """How much of clients' addresses the log shows: full (the default), network, or none."""
        try:
            self["log-addresses"] = LogAddresses(which)
        except ValueError:
            raise usage.UsageError("--log-addresses must be full, network, or none") from None

    def opt_limit(self, limit: str) -> None:
        """Set a limit, as NAME=VALUE (see below); may be repeated."""
        try:
            name, value = parse_limit(limit)
        except ValueError as error:
            raise usage.UsageError(f"--limit: {error}") from None
        self["limits"][name] = value

    def opt_auth(self, description: str) -> None:
        """A password checker, as TYPE or TYPE:ARGUMENT; may be repeated."""
        add: Callable[[ICredentialsChecker], None] = self.addChecker
        try:
            add(strcred.makeChecker(description))
        except strcred.InvalidAuthType as error:
            kind = str(error)
            raise usage.UsageError(
                f"--auth: there is no type {kind!r}; --help-auth lists the available ones"
            ) from None
        except strcred.UnsupportedInterfaces:
            raise usage.UsageError("--auth: that type does not check passwords") from None
        except Exception as error:  # Checkers are plugins, and may raise anything.
            raise usage.UsageError(f"--auth: {error}") from None

    def postOptions(self) -> None:
        """Fill in the defaults, and check the files that twistd will write."""
        self["listen"] = self["listen"] or [DEFAULT_LISTEN]
        has_proxied = any(it.startswith(PROXIED) for it in self["listen"])
        if has_proxied != bool(self["proxies"]):
            raise usage.UsageError(
                "--listen haproxy:... and --proxy go together: --proxy names those who may say "
                "where clients are, for example --proxy 127.0.0.1"
            )
        try:
            self["state"] = self["state"] or default_state_path()
        except ConfigurationError as error:
            raise usage.UsageError(str(error)) from None
        if self.parent is not None:
            self.parent.update(check_files(self.parent))


def _positive(option: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= _MOST:
        raise usage.UsageError(f"{option} needs a whole number from 1 to {_MOST}")
    return int(text)

"""ejabberd, an XMPP server in Erlang, with its archives in SQLite."""

import re
import time
from functools import cache
from pathlib import Path
from typing import Final, Self

from benchmarks.peer import cpu_seconds
from benchmarks.tls import find_program, version_of
from benchmarks.xmpp import HOST, ROOMS, XmppServer

__all__ = ["Ejabberd"]

_SECONDS: Final = 10.0
"""Seconds to wait until it is idle."""
_QUIET: Final = 0.5
_CONFIGURATION = """\
loglevel: warning
hosts: ["{host}"]
certfiles: ["{path}/cert.pem", "{path}/key.pem"]
auth_method: [anonymous]
anonymous_protocol: sasl_anon
sql_type: sqlite
sql_database: "{path}/archive.sqlite"
listen:
  - port: {port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    tls: true
modules:
  mod_mam:
    db_type: sql
    default: always
  mod_muc:
    host: "{rooms}"
    max_users: 5000
    default_room_options:
      mam: true
      max_users: 5000
"""
_NO_SPINNING = ("+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none")
"""Waiting threads must not spin: that would count as the server's CPU time."""

_VERSION = """\
case {application:load(ejabberd), application:load(sqlite3)} of
    {ok, ok} -> {ok, Version} = application:get_key(ejabberd, vsn), io:format("~s", [Version]);
    _ -> none
end, halt().
"""


def _erlang() -> list[str]:
    """Return the command that runs Erlang with the libraries of ejabberd's own start script."""
    control, program = find_program("ejabberdctl"), find_program("erl")
    if control is None or program is None:
        return []
    script = Path(control).read_text(errors="replace")
    libraries = re.search(r"^(?:export )?ERL_LIBS=['\"]?([^'\"\n]*)", script, re.MULTILINE)
    return ["env", f"ERL_LIBS={libraries[1] if libraries else ''}", program, "-noinput"]


class Ejabberd(XmppServer):
    """The server, as a single node that no other can join; it starts nothing else.

    Its other archives are in Mnesia, which does not wait for the disk. A SQLite transaction is on
    disk when it ends (``synchronous=FULL``, SQLite's default), and then the post goes out.
    """

    configuration = "ejabberd.yml"

    def __init__(self) -> None:
        super().__init__()
        self.name = f"ejabberd {self.found()}"

    @staticmethod
    @cache
    def found() -> str | None:
        """Return its version, or None if it or its SQLite library is not installed."""
        erlang = _erlang()
        return version_of([*erlang, "-eval", _VERSION]) or None if erlang else None

    def __enter__(self) -> Self:
        """Start it, and wait until it is idle: it keeps loading after it listens."""
        super().__enter__()
        deadline = time.monotonic() + _SECONDS
        busy = True
        while busy and time.monotonic() < deadline:
            before = cpu_seconds(self)
            time.sleep(_QUIET)
            busy = cpu_seconds(self) - before > _QUIET / 50
        return self

    @property
    def command(self) -> list[str]:
        """Run it in the foreground, with its configuration, without the daemon that finds nodes."""
        return [
            "env",
            f"EJABBERD_CONFIG_PATH={self.path / self.configuration}",
            f"EJABBERD_LOG_PATH={self.path / 'ejabberd.log'}",
            f"ERL_CRASH_DUMP={self.path / 'crash'}",
            *_erlang(),
            *("+K", "true", "+P", "250000", *_NO_SPINNING),
            *("-mnesia", "dir", f'"{self.path}/mnesia"'),
            *("-s", "ejabberd"),
        ]

    def configure(self) -> str:
        """Return a configuration with TLS and without limits."""
        return _CONFIGURATION.format(path=self.path, port=self.port, host=HOST, rooms=ROOMS)

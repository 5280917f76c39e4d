"""Prosody, an XMPP server in Lua, with its archives in SQLite."""

from functools import cache

from benchmarks.tls import find_program, version_of
from benchmarks.xmpp import HOST, ROOMS, XmppServer

__all__ = ["Prosody"]

_CONFIGURATION = """\
run_as_root = true
pidfile = "{path}/pid"
data_path = "{path}"
log = {{ warn = "*console" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{}}
c2s_direct_tls_ports = {{ {port} }}
s2s_ports = {{}}
ssl = {{ certificate = "{path}/cert.pem"; key = "{path}/key.pem" }}
c2s_direct_tls_ssl = {{ certificate = "{path}/cert.pem"; key = "{path}/key.pem" }}
modules_enabled = {{ "saslauth"; "posix" }}
modules_disabled = {{ "s2s"; "offline" }}
authentication = "anonymous"
storage = "sql"
sql = {{ driver = "SQLite3"; database = "{path}/archive.sqlite" }}
VirtualHost "{host}"
Component "{rooms}" "muc"
modules_enabled = {{ "muc_mam" }}
muc_log_all_rooms = true
muc_room_locking = false
"""


class Prosody(XmppServer):
    """The server.

    Its other archives are files that it appends to without an fsync. A SQLite transaction is on
    disk when it ends (``synchronous=FULL``, SQLite's default), and then the post goes out.
    """

    configuration = "prosody.cfg.lua"

    def __init__(self) -> None:
        super().__init__()
        self.name = f"prosody {self.found()}"

    @staticmethod
    @cache
    def found() -> str | None:
        """Return its version, or None if it is not installed."""
        control = find_program("prosodyctl")
        return version_of([control, "about"]) if control and find_program("prosody") else None

    @property
    def command(self) -> list[str]:
        """Run it in the foreground, with its configuration."""
        return [
            find_program("prosody") or "",
            "-F",
            "--config",
            str(self.path / self.configuration),
        ]

    def configure(self) -> str:
        """Return a configuration with TLS and without limits."""
        return _CONFIGURATION.format(path=self.path, port=self.port, host=HOST, rooms=ROOMS)

"""The servers: this one, others that store nothing, and others that store messages."""

from collections.abc import Callable
from typing import Final

from benchmarks.ejabberd import Ejabberd
from benchmarks.encchat import Encchat
from benchmarks.irc import Ngircd
from benchmarks.jetstream import JetStream
from benchmarks.mqtt import Mosquitto
from benchmarks.nats import Nats
from benchmarks.peer import Server
from benchmarks.prosody import Prosody
from benchmarks.textbook import Textbook

__all__ = ["BASELINE", "KEEPERS", "KINDS", "OWN"]

OWN: Final = "encchat"
BASELINE: Final = "textbook"
"""Not a peer: it has no TLS, no logins, and a key that everybody knows."""
KEEPERS: Final = ("ejabberd", "prosody", "jetstream")
"""A separate group of peers, which pay for the disk as this server does."""
KINDS: Final[dict[str, tuple[Callable[[], Server], Callable[[], str | None]]]] = {
    OWN: (Encchat, Encchat.found),
    "ngircd": (Ngircd, Ngircd.found),
    "nats": (Nats, Nats.found),
    "mosquitto": (Mosquitto, Mosquitto.found),
    "ejabberd": (Ejabberd, Ejabberd.found),
    "prosody": (Prosody, Prosody.found),
    "jetstream": (JetStream, JetStream.found),
    BASELINE: (Textbook, Textbook.found),
}
"""By name: a constructor, and a function that returns its version, or None if not installed."""

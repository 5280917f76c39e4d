"""Which servers there are: this one, others that keep nothing, others that keep what is said."""

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
"""What is no peer: it has no TLS, no logins, and a key that everybody knows."""
KEEPERS: Final = ("ejabberd", "prosody", "jetstream")
"""Peers of their own, which pay for the disk as this one does."""
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
"""By name: what makes one, and what tells whether it is installed."""

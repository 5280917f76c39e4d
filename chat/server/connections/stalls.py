"""Who does not take what is written, and for how long.

That a transport's buffer is not empty says little: the kernel takes more only when much of its own
buffer has become free, and a peer on a slow line may need minutes for that. So the kernel is asked
whether it still holds as much as when it was asked last.
"""

import fcntl
import struct
import termios
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from chat.limits import Limits
from chat.server.connections.protocol import ChatProtocol

__all__ = ["Stalls", "unacknowledged"]


def unacknowledged(transport: Any) -> int:
    """Return how many bytes the kernel holds for a peer that has not taken them yet.

    0 where there is no kernel to ask, or it does not say.
    """
    try:
        # Linux's SIOCOUTQ (tcp(7), unix(7)) has this number. A transport of TLS hands the question
        # down to the one below.
        answer: bytes = fcntl.ioctl(transport.fileno(), termios.TIOCOUTQ, bytes(4))
    except (AttributeError, OSError, ValueError):
        return 0
    return int(struct.unpack("i", answer)[0])


@dataclass(slots=True)
class _Stall:
    protocol: ChatProtocol
    since: float
    """When its transport became full; monotonic seconds."""
    taken: float
    """When it was last seen to have taken something."""
    held: int
    """What the kernel held then."""


class Stalls:
    """Connections whose transport is full."""

    def __init__(
        self, limits: Limits, seconds: Callable[[], float], held: Callable[[Any], int]
    ) -> None:
        self._limits = limits
        self._seconds = seconds
        self._held = held
        """What the kernel holds for a transport's peer: `unacknowledged`."""
        self._stalls: dict[int, _Stall] = {}

    def begin(self, protocol: ChatProtocol) -> None:
        """A transport has more than the kernel takes now."""
        now = self._seconds()
        held = self._held(protocol.transport)
        self._stalls[protocol.number] = _Stall(protocol, now, now, held)

    def end(self, number: int) -> None:
        """The transport is empty again, or gone."""
        self._stalls.pop(number, None)

    def overdue(self) -> Iterator[tuple[ChatProtocol, str]]:
        """Yield whom to drop now, and why. The caller may do so at once."""
        now, limits = self._seconds(), self._limits
        for stall in list(self._stalls.values()):
            held = self._held(stall.protocol.transport)
            # Less, or more: it cannot be given more without having passed something on.
            if held != stall.held:
                stall.held, stall.taken = held, now
            if now - stall.taken > limits.stall_seconds:
                yield stall.protocol, "it does not read"
            elif now - stall.since > limits.drain_seconds:
                yield stall.protocol, "it reads too slowly"

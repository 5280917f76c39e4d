"""What all parts of the core share: who the user is, which rooms there are, what is on its way.

The parts do not know each other's insides; this is where they meet, and what survives a connection.
"""

import os
from collections import deque
from collections.abc import Callable

from chat.client.core.events import ConnectionChanged, Event
from chat.client.core.model import Account, Connection, ContactRequest, Device, Phase
from chat.client.core.pending import PendingRequests
from chat.client.core.rooms import Rooms
from chat.ids import NOBODY, LogId
from chat.limits import ClientLimits
from chat.wire.sealing import RandomBytes

__all__ = ["Session"]


class Session:
    """A user's session with a server, over any number of connections."""

    def __init__(
        self,
        listener: Callable[[Event], None],
        limits: ClientLimits,
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        self.limits = limits
        self.random_bytes = random_bytes
        self.pending = PendingRequests()
        self.rooms = Rooms()
        self.account = Account(NOBODY, "")
        self.devices: tuple[Device, ...] | None = None
        """Those of the account, once they were asked for."""
        self.requests: dict[LogId, ContactRequest] = {}
        """Requests for private conversations that were told, as far as they are not answered."""
        self.connection = Connection()
        self._listener = listener
        self._calls: deque[Callable[[], None]] = deque()
        self._is_flushing = False

    def emit(self, event: Event) -> None:
        """Tell the listener, when everything has been done that the event is a part of."""
        self.call(lambda: self._listener(event))

    def call(self, function: Callable[[], None]) -> None:
        """Call a function in its turn among the events."""
        self._calls.append(function)

    def note_request(self, request: ContactRequest) -> bool:
        """Note who asks for a private conversation; return whether that is new."""
        is_new = request.log not in self.requests
        self.requests[request.log] = request
        if len(self.requests) > self.limits.requests:
            del self.requests[next(iter(self.requests))]
        return is_new

    def flush(self) -> None:
        """Hand on events. What the listener asks for meanwhile, it is told after those."""
        if self._is_flushing:
            return
        self._is_flushing = True
        try:
            while self._calls:
                self._calls.popleft()()
        finally:
            self._is_flushing = False

    def move(self, phase: Phase, reason: str = "", retry_at: float | None = None) -> None:
        """Be in another phase of the connection."""
        connection = Connection(phase, reason, retry_at)
        if connection != self.connection:
            self.connection = connection
            self.emit(ConnectionChanged(connection))

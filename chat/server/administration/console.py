"""The admin socket of a running server: one line of JSON per request and per answer."""

from typing import Final

import msgspec
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress, ITransport
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from chat.server.administration.control import Control
from chat.server.administration.requests import ControlError, decode_request

__all__ = ["SOCKET", "ConsoleFactory", "encode_answer"]

SOCKET: Final = "admin.sock"
"""In the state directory, which only the operator can access."""

_log = Logger()


class _Console(LineOnlyReceiver):
    """One request at a time, in order."""

    delimiter = b"\n"
    MAX_LENGTH = 65_536

    transport: ITransport

    def __init__(self, control: Control) -> None:
        self._control = control
        self._before: Deferred[None] = succeed(None)
        """Fires when all lines so far have been answered."""

    def lineReceived(self, line: bytes) -> None:
        """Run a request after the previous ones, and answer it."""
        answering = self._before.addCallback(lambda _: Deferred.fromCoroutine(self._answer(line)))
        self._before = answering.addErrback(_bug).addCallback(self._write)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Close the connection."""
        self.transport.loseConnection()

    async def _answer(self, line: bytes) -> bytes:
        try:
            return encode_answer(await self._control.run(decode_request(line)))
        except ControlError as error:
            return encode_answer(error)

    def _write(self, answer: bytes) -> None:
        self.transport.write(answer + self.delimiter)


class ConsoleFactory(Factory[_Console]):
    """Makes a protocol for each connection of the admin tool."""

    noisy = False

    def __init__(self, control: Control) -> None:
        self._control = control

    def buildProtocol(self, addr: IAddress | None) -> _Console:
        """Return a protocol."""
        return _Console(self._control)


def encode_answer(answer: object) -> bytes:
    """Return the answer line, without its delimiter, for a result or a ControlError."""
    if isinstance(answer, ControlError):
        return msgspec.json.encode({"error": str(answer)})
    return msgspec.json.encode({"done": answer})


def _bug(failure: Failure) -> bytes:
    _log.failure("A bug in the admin console", failure)
    return encode_answer(ControlError("The server has a bug; see its log."))

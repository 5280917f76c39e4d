"""Stream transports over a scripted kernel, and querying the bytes that the kernel holds."""

import socket
import tempfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from twisted.internet.address import HostnameAddress, IPv4Address, IPv6Address, UNIXAddress

from chat.receiver import IStreamTransport
from chat.rooms.addresses import Address
from chat.server.connections.transport import StreamTransport, unacknowledged
from tests.server.cases import ServerCase

TCP = IPv4Address("TCP", "192.0.2.1", 40_000)


class Kernel(socket.socket):
    """A socket that takes a scripted number of bytes of each write, or fails."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[int | OSError] = []
        self.sent = b""

    def sendmsg(self, buffers: Iterable[Any], *_: Any) -> int:
        """Take the next number of bytes in the script; everything if there is none."""
        data = b"".join(buffers)
        answer = self.answers.pop(0) if self.answers else len(data)
        if isinstance(answer, OSError):
            raise answer
        self.sent += data[:answer]
        return answer


class Stream:
    """A reactor's transport, as far as `StreamTransport` uses it."""

    def __init__(self, handle: object, peer: object) -> None:
        self.handle = handle
        self.peer = peer
        self.written = b""
        self.calls: list[str] = []
        """Calls, except writes and queries."""
        self.producer: StreamTransport | None = None

    def getHandle(self) -> object:
        """Return the socket, or what wraps it."""
        return self.handle

    def getPeer(self) -> object:
        """Return the peer's address."""
        return self.peer

    def fileno(self) -> int:
        """Return the socket's descriptor, as TLS does too."""
        assert isinstance(self.handle, socket.socket)
        return self.handle.fileno()

    def write(self, data: bytes) -> None:
        """Buffer what the kernel did not take."""
        self.written += data

    def registerProducer(self, producer: StreamTransport, streaming: bool) -> None:
        """Record the call, and resume a pull producer at once, as the reactor's transports do."""
        self.producer = producer
        self.calls.append("push" if streaming else "pull")
        if not streaming:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """Record the call."""
        self.producer = None

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.calls.append(name)


class Writer:
    """Records its calls."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.on_resume: Callable[[], None] = lambda: None

    def pause_writing(self) -> None:
        """Record the call."""
        self.told.append("pause")

    def resume_writing(self) -> None:
        """Record the call."""
        self.told.append("resume")
        self.on_resume()


def _sized(*pieces: bytes | memoryview) -> tuple[Sequence[bytes | memoryview], int]:
    """Return arguments for `write`."""
    return pieces, sum(map(len, pieces))


class StreamCase(ServerCase):
    """One transport over a stream over a kernel."""

    def setUp(self) -> None:
        """Make them."""
        self.kernel = Kernel()
        self.addCleanup(self.kernel.close)
        self.writer = Writer()
        self.stream, self.transport = self.over(self.kernel, TCP)

    def over(self, handle: object, peer: object) -> tuple[Stream, StreamTransport]:
        """Return a stream with this handle and peer, and a transport over it."""
        stream = Stream(handle, peer)
        return stream, StreamTransport(cast(IStreamTransport, stream), self.writer)


class WriteTests(StreamCase):
    """Everything is written once and in order: to the kernel, or after what it did not take."""

    def check(self, sent: bytes, written: bytes, told: list[str]) -> None:
        """Check where bytes went, and the calls of the writer."""
        assert (self.kernel.sent, self.stream.written) == (sent, written)
        assert self.writer.told == told
        assert self.transport.is_full is (told[-1:] == ["pause"])

    def test_what_the_kernel_takes_does_not_pass_the_stream(self) -> None:
        self.transport.write(*_sized(b"one", memoryview(b"two")))
        self.check(b"onetwo", b"", [])

    def test_what_it_leaves_does_from_any_byte_on(self) -> None:
        pieces = (b"one", memoryview(b"two"), b"three")
        data = b"".join(pieces)
        for count in range(len(data)):
            self.setUp()
            self.kernel.answers = [count]
            self.transport.write(*_sized(*pieces))
            self.check(data[:count], data[count:], ["pause"])

    def test_an_error_leaves_all_to_the_stream(self) -> None:
        for error in (BlockingIOError(), BrokenPipeError(), OSError("a full table")):
            self.setUp()
            self.kernel.answers = [error]
            self.transport.write(*_sized(b"one", b"two"))
            self.check(b"", b"onetwo", ["pause"])

    def test_while_it_is_full_nothing_passes_what_waits(self) -> None:
        self.kernel.answers = [2]
        self.transport.write(*_sized(b"one"))
        self.transport.write(*_sized(b"two", b"three"))
        self.check(b"on", b"etwothree", ["pause"])

    def test_when_it_has_drained_the_kernel_is_asked_again(self) -> None:
        self.kernel.answers = [0]
        self.transport.write(*_sized(b"one"))
        self.transport.resumeProducing()
        self.check(b"", b"one", ["pause", "resume"])
        self.transport.write(*_sized(b"two"))
        self.check(b"two", b"one", ["pause", "resume"])

    def test_the_writer_is_told_once_each_time(self) -> None:
        self.transport.resumeProducing()
        for _ in range(2):
            for _ in range(3):
                self.transport.pauseProducing()
            for _ in range(3):
                self.transport.resumeProducing()
        assert self.writer.told == ["pause", "resume"] * 2

    def test_the_writer_may_write_at_once_when_it_resumes(self) -> None:
        self.kernel.answers = [0, 1]
        self.writer.on_resume = lambda: self.transport.write(*_sized(b"two"))
        self.transport.write(*_sized(b"one"))
        self.transport.resumeProducing()
        assert self.transport.is_full
        assert (self.kernel.sent, self.stream.written) == (b"t", b"onewo")

    def test_tls_gets_everything_in_one_piece(self) -> None:
        stream, transport = self.over(object(), TCP)
        transport.write(*_sized(b"one", memoryview(b"two")))
        assert stream.written == b"onetwo" and stream.calls[-1] == "push"
        assert not transport.is_full


class EndTests(StreamCase):
    """Pausing reads, and closing from both ends."""

    def test_a_plain_socket_asks_for_more_itself(self) -> None:
        assert self.stream.calls == ["setTcpNoDelay", "setTcpKeepAlive", "pull"]
        assert self.stream.producer is self.transport and self.writer.told == []

    def test_reading_pauses_and_goes_on(self) -> None:
        self.stream.calls.clear()
        self.transport.pause_reading()
        self.transport.resume_reading()
        assert self.stream.calls == ["pauseProducing", "resumeProducing"]

    def test_a_finished_one_is_read_on_and_tells_nothing(self) -> None:
        self.stream.calls.clear()
        self.transport.finish()
        assert self.stream.calls == ["resumeProducing", "loseWriteConnection"]
        assert self.stream.producer is None

    def test_an_aborted_one_tells_nothing(self) -> None:
        self.stream.calls.clear()
        self.transport.abort()
        self.transport.abort()
        assert self.stream.calls == ["abortConnection"] * 2
        assert self.stream.producer is None

    def test_a_stream_that_goes_says_so_elsewhere(self) -> None:
        self.transport.stopProducing()
        assert self.writer.told == []


class PeerTests(StreamCase):
    """The peer's address, from any kind of endpoint."""

    def test_it_is_the_host_if_there_is_one(self) -> None:
        class Onion:
            """A plugin's own address class."""

            host = "abc.onion"
            onion_port = 80

        for peer, address in (
            (IPv4Address("TCP", "192.0.2.1", 1), "192.0.2.1"),
            (IPv6Address("TCP", "2001:db8::1", 1), "2001:db8::1"),
            (IPv6Address("TCP", "fe80::1%eth0", 1, 0, 2), "fe80::1%eth0"),
            (UNIXAddress("/run/encchat.sock"), "a local socket"),
            (UNIXAddress(None), "a local socket"),
            (HostnameAddress(b"chat.example", 1), "a local socket"),
            (Onion(), "abc.onion"),
            (None, "a local socket"),
        ):
            assert self.over(object(), peer)[1].peer == address

    def test_a_wrapper_may_learn_it_later(self) -> None:
        stream, transport = self.over(object(), IPv4Address("TCP", "127.0.0.1", 1))
        assert transport.peer == "127.0.0.1"
        stream.peer = IPv6Address("TCP", "2001:db8::1", 1)
        assert transport.peer == Address("2001:db8::1")

    def test_only_tcp_is_tuned(self) -> None:
        assert self.over(object(), UNIXAddress(None))[0].calls == ["push"]


class Tls:
    """Hides the socket of a stream, and forwards everything else."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def getHandle(self) -> object:
        """Return the TLS object."""
        return object()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class UntakenTests(StreamCase):
    """The bytes that the kernel holds for a peer."""

    def check(self, server: socket.socket, peer: socket.socket) -> None:
        """Check that the peer's progress is visible, under TLS as well."""
        server.setblocking(False)
        stream, transport = self.over(server, UNIXAddress(None))
        tls = StreamTransport(cast(IStreamTransport, Tls(stream)), self.writer)
        assert transport.untaken() == tls.untaken() == 0
        while True:
            try:
                server.send(bytes(65_536))
            except BlockingIOError:
                break
        held = transport.untaken()
        assert held > 0
        assert transport.untaken() == tls.untaken() == held
        size = 0
        while transport.untaken() == held:
            size += len(peer.recv(4_096))
        assert 0 < tls.untaken() < held
        server.close()
        peer.close()
        assert transport.untaken() == tls.untaken() == 0

    def test_it_is_what_a_peer_has_not_taken(self) -> None:
        self.check(*socket.socketpair())

    def test_it_is_over_tcp(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        peer.connect(listener.getsockname())
        server, _ = listener.accept()
        listener.close()
        self.check(server, peer)

    def test_where_there_is_no_kernel_it_is_nothing(self) -> None:
        with socket.socket() as closed:
            pass
        with tempfile.TemporaryFile() as file:
            for stream in (file, closed, object()):
                assert unacknowledged(stream) == 0

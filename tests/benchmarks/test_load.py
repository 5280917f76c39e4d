"""The load generator: nothing is counted twice, and nothing is missed."""

import hashlib
import socket
from collections.abc import Iterator

import pytest

from benchmarks.encchat import Encchat
from benchmarks.encchat_client import EncchatClient
from benchmarks.load import check, connect_room, paced, run
from benchmarks.peer import PeerError
from benchmarks.texts import TEXT_BYTES, number_of, text
from chat.ids import LogId
from chat.limits import Limits
from chat.testing.ids import ANY_ACCOUNT, ANY_RECORD
from chat.wire import messages
from chat.wire.bodies import JoinedBody, TextBody
from chat.wire.connection import ServerConnection
from chat.wire.events import Transmit
from chat.wire.hostkey import HostKey
from chat.wire.lines import encode_record
from chat.wire.records import seal_record
from chat.wire.sealing import BoxKey

LOG, KEY = LogId(b"a log for tests!"), bytes(64)


class Far:
    """A manually driven server end, and a client that is logged in and in a room."""

    def __init__(self) -> None:
        self.near, end = socket.socketpair()
        end.setblocking(False)
        self.client = EncchatClient("somebody", "room")
        # A socket pair has no Nagle delay to turn off.
        self.client._socket = end
        self.client._write(self.client.connection.start())
        self.connection = ServerConnection(HostKey.generate(), Limits())
        for _ in range(2):
            for line in self.near.recv(65_536).split(b"\r\n")[:-1]:
                for event in self.connection.receive_line(line):
                    if isinstance(event, Transmit):
                        self.client.take(event.data)
        self.seq = 0
        self.client.take(
            self.connection.send(messages.Welcome(1, ANY_ACCOUNT, "me", "here", 1, "", {}, []))
            + self.connection.send(messages.Joined(LOG, "public", "room", 0, 0, 1, "", 2))
            + self.connection.send(messages.Keys(LOG, 1, KEY))
        )

    def run_of(self, count: int, passing: int = 0) -> bytes:
        """Return a run of texts, and of joins that do not count, with its voucher."""
        lines = b"".join(self._record(0) for _ in range(passing))
        for _ in range(count):
            self.seq += 1
            lines += self._record(self.seq)
        return b"".join(self.connection.deliver([(lines, hashlib.sha512(lines).digest())]))

    def _record(self, seq: int) -> bytes:
        body: TextBody | JoinedBody = JoinedBody(1, ANY_ACCOUNT, "it")
        if seq:
            body = TextBody(1, ANY_ACCOUNT, "it", text(seq))
        sealed = seal_record(BoxKey(KEY), LOG, 1, ANY_RECORD, messages.encode(body))
        return encode_record(LOG, seq, sealed)

    def talk(self) -> bytes:
        """Return 16 messages, in runs, among passing records and frames."""
        return (
            self.run_of(3, passing=1)
            + self.run_of(1)
            + self.connection.send(messages.Posted(LOG, 0, [(3, 1, 1)]))
            + self.run_of(0, passing=2)
            + self.run_of(4)
            + self.connection.send(messages.Notice("a sentence"))
            + self.run_of(8)
            + self.connection.send(messages.Notice("another"))
        )


@pytest.fixture(scope="module")
def server() -> Iterator[Encchat]:
    with Encchat() as server:
        yield server


def test_texts_are_a_hundred_bytes_and_tell_their_number() -> None:
    texts = {text(number) for number in range(3_000)}
    assert len(texts) == 3_000
    assert {len(one.encode()) for one in texts} == {TEXT_BYTES}
    assert number_of(text(1_234)) == 1_234
    with pytest.raises(ValueError):
        number_of(text(1_234)[:-2] + "x.")


def test_messages_are_counted_wherever_their_stream_is_cut() -> None:
    far = Far()
    cut, size = 0, 1
    while cut < size:
        data = far.run_of(1, passing=1) + far.connection.send(messages.Ping(1)) + far.run_of(2)
        size, before = len(data), far.client.delivered
        far.client.take(data[:cut])
        far.client.take(data[cut:])
        assert far.client.delivered - before == 3
        cut += 1
    assert far.client.opened == 0


def test_messages_are_counted_byte_by_byte() -> None:
    far = Far()
    for byte in far.talk():
        far.client.take(bytes((byte,)))
    assert (far.client.delivered, far.client.opened) == (16, 0)
    assert far.client.acknowledged == 1


@pytest.mark.parametrize("at", [0, 30, 700, 1_400, 2_500])
def test_a_sample_begins_anywhere_and_is_opened_in_whole_runs(at: int) -> None:
    far = Far()
    data = far.talk()
    far.client.take(data[:at])
    far.client.sample(2)
    far.client.take(data[at:])
    assert far.client.delivered == 16
    assert far.client.opened >= 2
    opened = far.client.opened
    far.client.take(far.talk())
    assert (far.client.delivered, far.client.opened) == (32, opened)


def test_a_message_that_was_changed_is_an_error() -> None:
    far = Far()
    data = far.talk()
    far.client.sample(1)
    place = data.index(b"R ") + 60
    with pytest.raises(PeerError):
        far.client.take(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])


def test_what_many_readers_got_is_exact(server: Encchat) -> None:
    sender, *readers = connect_room(server, [f"a{index}" for index in range(11)], "fan")
    check([sender], readers)
    assert [reader.opened for reader in readers] == [8] * 10
    run([sender], readers, 50, 8)
    assert [reader.delivered for reader in readers] == [58] * 10
    assert sender.delivered == 0
    for client in (sender, *readers):
        client.close()


def test_what_members_who_all_talk_got_is_exact(server: Encchat) -> None:
    members = connect_room(server, [f"b{index}" for index in range(5)], "busy")
    check(members, members)
    before = [member.delivered for member in members]
    run(members, members, 50, 20)
    assert [a.delivered - b for a, b in zip(members, before, strict=True)] == [40] * 5
    for member in members:
        member.close()


def test_latencies_are_those_of_every_message_and_opener(server: Encchat) -> None:
    room = connect_room(server, [f"c{index}" for index in range(4)], "talk")
    times = paced([room], [(0, 0)] * 20, room[1:3], 200.0, 20)
    assert len(times) == 40
    assert min(times) > 0
    for client in room:
        client.close()

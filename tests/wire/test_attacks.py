"""Attacks by somebody on the path, or by a member: each is refused, and nothing is delivered.

The test is the network: it reads, holds back, changes, drops and invents lines.
"""

import hashlib
from typing import Final

import pytest
from Crypto.PublicKey import ECC
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec import Struct

from chat.ids import LogId, RecordId
from chat.limits import RUN_BYTES, Limits
from chat.testing import HOST_KEY, FakeLog, Pair, seeded_bytes, split_lines
from chat.testing.ids import ANY_DEVICE, ANY_LOG, ANY_RECORD
from chat.wire.connection import Connection, Delivered, Received, State, Transmit
from chat.wire.errors import (
    AuthenticationError,
    CloseCode,
    HandshakeError,
    MalformedLineError,
    UnexpectedInputError,
)
from chat.wire.handshake import ClientHandshake
from chat.wire.hostkey import HostKey
from chat.wire.lines import (
    FrameLine,
    HelloLine,
    RecordLine,
    VoucherLine,
    decode_line,
    encode_frame,
    encode_hello,
    encode_record,
    encode_voucher,
)
from chat.wire.messages import Join, Login, Ok, Page, Ping, Pong, encode
from chat.wire.records import seal_record
from chat.wire.sealing import BoxKey
from tests import machine
from tests.wire.support import (
    LOGIN,
    answer,
    client_at,
    established,
    flip,
    member,
    server_at,
    text,
)

# --- The handshake ---

CLIENT_HELLO: Final = {"random": (0, 32), "X25519 key": (32, 64), "ML-KEM key": (64, 1_248)}
SERVER_HELLO: Final = {"random": (0, 32), "X25519 key": (32, 64), "ciphertext": (64, 1_152)}
SERVER_AUTH: Final = {
    "IV": (0, 16),
    "host key": (16, 48),
    "signature": (48, 112),
    "finished": (112, 176),
    "padding": (176, 192),
    "tag": (192, 224),
}
CLIENT_FINISH: Final = {"IV": (0, 16), "finished": (16, 80), "login": (80, 224), "tag": (224, 256)}


def bits(fields: dict[str, tuple[int, int]]) -> pytest.MarkDecorator:
    """Return a parametrisation with bits at the start, middle and end of every field."""
    places = {}
    for name, (start, end) in fields.items():
        first, last = 8 * start, 8 * end - 1
        for bit in (first, first + 7, (first + last) // 2, last - 7, last):
            places[f"{name}, bit {bit - first}"] = bit
    return pytest.mark.parametrize("bit", places.values(), ids=places)


@bits(CLIENT_HELLO)
def test_no_bit_of_a_client_hello_can_be_flipped(bit: int) -> None:
    pair = Pair()
    [line] = split_lines(pair.client.start())
    hello = decode_line(line)
    assert isinstance(hello, HelloLine)
    try:
        [transmit] = pair.to_server(encode_hello(flip(hello.payload, bit)))
    except HandshakeError:
        assert pair.server.state is State.FAILED
        return
    assert isinstance(transmit, Transmit)
    with pytest.raises(AuthenticationError):
        pair.to_client(transmit.data)
    assert pair.client.state is State.FAILED


@bits(SERVER_HELLO)
def test_no_bit_of_a_server_hello_can_be_flipped(bit: int) -> None:
    pair = Pair()
    line, auth = answer(pair)
    hello = decode_line(line)
    assert isinstance(hello, HelloLine)
    pair.to_client(encode_hello(flip(hello.payload, bit)))
    with pytest.raises(AuthenticationError):
        pair.client.receive_line(auth)


@bits(SERVER_AUTH)
def test_no_bit_of_a_server_authentication_can_be_flipped(bit: int) -> None:
    pair = client_at(State.AWAIT_AUTH)
    box = auth_box(pair)
    assert len(box) == 224
    with pytest.raises(AuthenticationError):
        pair.to_client(encode_frame(flip(box, bit)))


@bits(CLIENT_FINISH)
def test_no_bit_of_a_client_finish_can_be_flipped(bit: int) -> None:
    pair = Pair()
    box = finish_box(pair)
    assert len(box) == 256
    with pytest.raises(AuthenticationError):
        pair.to_server(encode_frame(flip(box, bit)))
    assert pair.server_events[1:] == []


def auth_box(pair: Pair) -> bytes:
    """Return the server authentication that a pair's server has sent."""
    transmit = pair.server_events[0]
    assert isinstance(transmit, Transmit)
    _, line = split_lines(transmit.data)
    return frame_box(line)


def finish_box(pair: Pair) -> bytes:
    """Return the client finish, not yet delivered."""
    pair.offer_host_key()
    [line] = split_lines(pair.client.login(LOGIN))
    return frame_box(line)


def frame_box(line: bytes) -> bytes:
    """Return the box in a frame line."""
    frame = decode_line(line)
    assert isinstance(frame, FrameLine)
    return frame.box


def changed_lengths(message: bytes) -> list[bytes]:
    """Return `message` truncated and extended, by parts of a block, by blocks, and by more."""
    cut = [message[:-size] for size in (1, 15, 16, 32, len(message) - 1, len(message))]
    return cut + [message + bytes(size) for size in (1, 16, 32, 48)]


@pytest.mark.parametrize("case", range(10))
def test_hellos_have_one_length(case: int) -> None:
    pair = Pair()
    [line] = split_lines(pair.client.start())
    hello = decode_line(line)
    assert isinstance(hello, HelloLine)
    with pytest.raises(MalformedLineError):
        pair.to_server(encode_hello(changed_lengths(hello.payload)[case]))
    pair = Pair()
    line, _ = answer(pair)
    hello = decode_line(line)
    assert isinstance(hello, HelloLine)
    with pytest.raises(MalformedLineError):
        pair.to_client(encode_hello(changed_lengths(hello.payload)[case]))


@pytest.mark.parametrize("case", range(10))
def test_sealed_messages_of_the_handshake_cannot_be_cut_or_continued(case: int) -> None:
    pair = client_at(State.AWAIT_AUTH)
    with pytest.raises((MalformedLineError, AuthenticationError)):
        pair.to_client(encode_frame(changed_lengths(auth_box(pair))[case]))
    pair = Pair()
    box = finish_box(pair)
    with pytest.raises((MalformedLineError, AuthenticationError)):
        pair.to_server(encode_frame(changed_lengths(box)[case]))
    assert pair.server.state is State.FAILED


P: Final = 2**255 - 19
LOW_ORDER: Final = {
    "zero": 0,
    "one": 1,
    "order 8": 325606250916557431795983626356110631294008115727848805560023387167927233504,
    "order 8, the other": (
        39382357235489614581723060781553021112529911719440698176882885853963445705823
    ),
    "p - 1": P - 1,
    "p": P,
    "p + 1": P + 1,
}
"""Every point of low order on Curve25519 and its twist, and their other encodings (RFC 7748
section 6.1)."""


@pytest.mark.parametrize("high_bit", [0, 1 << 255], ids=["", "high bit set"])
@pytest.mark.parametrize("point", LOW_ORDER.values(), ids=LOW_ORDER)
def test_a_point_of_low_order_is_refused(point: int, high_bit: int) -> None:
    key = (point | high_bit).to_bytes(32, "little")
    pair = Pair()
    hello = ClientHandshake(seeded_bytes(1)).hello
    with pytest.raises(HandshakeError):
        pair.to_server(encode_hello(hello[:32] + key + hello[64:]))
    assert pair.server_events == []
    pair = Pair()
    line, _ = answer(pair)
    answered = decode_line(line)
    assert isinstance(answered, HelloLine)
    payload = answered.payload
    with pytest.raises(HandshakeError):
        pair.to_client(encode_hello(payload[:32] + key + payload[64:]))


@pytest.mark.parametrize("place", [0, 383, 767])
def test_an_ml_kem_key_with_a_coefficient_out_of_range_is_refused(place: int) -> None:
    hello = bytearray(ClientHandshake(seeded_bytes(1)).hello)
    at = 64 + 3 * (place // 2)
    pack = int.from_bytes(hello[at : at + 3], "little")
    shift = 12 * (place % 2)
    for coefficient in (3_329, 4_095):
        changed = pack & ~(0xFFF << shift) | coefficient << shift
        hello[at : at + 3] = changed.to_bytes(3, "little")
        with pytest.raises(HandshakeError):
            Pair().to_server(encode_hello(bytes(hello)))


def test_a_man_in_the_middle_cannot_use_a_host_key_whose_private_half_he_lacks() -> None:
    impostor = HostKey.generate()
    impostor.public = HOST_KEY.public
    pair = Pair(host_key=impostor)
    with pytest.raises(AuthenticationError):
        pair.offer_host_key()
    assert pair.client.state is State.FAILED
    assert pair.client_events == []


class Relay(HostKey):
    """The server that a man in the middle impersonates; the real one has signed for it."""

    signature = b""

    def sign(self, message: bytes) -> bytes:
        """Return the real server's signature."""
        return self.signature


class Victim(HostKey):
    """A real server whose signature a man in the middle obtains as a client."""

    signature = b""

    def sign(self, message: bytes) -> bytes:
        """Sign, and show it to the man in the middle, who has the keys of his connection."""
        self.signature = super().sign(message)
        return self.signature


def test_a_man_in_the_middle_cannot_pass_on_a_signature() -> None:
    victim = Victim(ECC.generate(curve="Ed25519"))
    Pair(host_key=victim, seed=1).offer_host_key()
    relay = Relay(ECC.generate(curve="Ed25519"))
    relay.public, relay.signature = victim.public, victim.signature
    with pytest.raises(AuthenticationError):
        Pair(host_key=relay, seed=2).offer_host_key()


def test_a_man_in_the_middle_with_a_key_of_his_own_shows_that_key() -> None:
    other = HostKey.generate()
    assert Pair(host_key=other).offer_host_key().host_key == other.public != HOST_KEY.public


def test_a_server_authentication_does_not_fit_another_handshake() -> None:
    box = auth_box(client_at(State.AWAIT_AUTH))
    with pytest.raises(AuthenticationError):
        client_at(State.AWAIT_AUTH).to_client(encode_frame(box))


def test_a_finish_does_not_fit_another_handshake() -> None:
    box = finish_box(Pair())
    with pytest.raises(AuthenticationError):
        server_at(State.AWAIT_FINISH).to_server(encode_frame(box))


def test_a_whole_session_of_a_client_cannot_be_replayed() -> None:
    first = Pair(seed=1)
    hello = first.client.start()
    first.offer_host_key()
    heard = first.client.login(LOGIN) + first.client.send(Join(2, "lobby"))
    again = Pair(seed=2)
    [answered] = again.to_server(hello)
    with pytest.raises(AuthenticationError):
        again.to_server(heard)
    assert again.server_events == [answered]


def test_a_finish_without_the_keys_is_refused() -> None:
    for guess in (bytes(192), seeded_bytes(0)(192)):
        with pytest.raises(AuthenticationError):
            server_at(State.AWAIT_FINISH).to_server(encode_frame(guess))


def test_a_login_before_the_handshake_is_refused() -> None:
    with pytest.raises(UnexpectedInputError):
        Pair().to_server(encode_frame(finish_box(Pair())))


def test_a_login_in_a_frame_does_not_replace_the_finish() -> None:
    pair = Pair()
    pair.offer_host_key()
    pair.client.login(LOGIN)
    with pytest.raises(AuthenticationError):
        pair.to_server(pair.client.send(Login(2, "alice", ANY_DEVICE, bytes(64))))
    assert len(pair.server_events) == 1


def test_a_second_finish_is_refused() -> None:
    pair = Pair()
    box = finish_box(pair)
    pair.to_server(encode_frame(box))
    with pytest.raises(AuthenticationError):
        pair.to_server(encode_frame(box))


def test_a_close_in_clear_does_not_end_an_established_connection() -> None:
    with pytest.raises(UnexpectedInputError):
        established().to_client(b"encchat/1 close 0\r\n")


# --- Frames ---


class Later(Struct, tag_field="type", tag="x"):
    """A message of any length that both sides may send."""

    x: str


def frames(pair: Pair, role: str, number: int = 3) -> list[bytes]:
    """Return lines with messages from one end, not yet delivered."""
    sender: Connection = pair.client if role == "client" else pair.server
    return [sender.send(Pong(count)) for count in range(number)]


def carry(pair: Pair, role: str, data: bytes) -> list[object]:
    """Deliver lines from one end to the other."""
    return [*(pair.to_server(data) if role == "client" else pair.to_client(data))]


def peer(pair: Pair, role: str) -> Connection:
    """Return the end that `role` talks to."""
    return pair.server if role == "client" else pair.client


either: Final = pytest.mark.parametrize("role", ["client", "server"])


@either
def test_a_replayed_frame_is_refused(role: str) -> None:
    pair = established()
    [line] = frames(pair, role, 1)
    assert carry(pair, role, line) == [Received(Pong(0))]
    with pytest.raises(AuthenticationError):
        carry(pair, role, line)
    assert peer(pair, role).state is State.FAILED


@either
def test_reordered_frames_are_refused(role: str) -> None:
    pair = established()
    _, second, _ = frames(pair, role)
    with pytest.raises(AuthenticationError):
        carry(pair, role, second)


@either
def test_what_follows_a_dropped_frame_is_refused(role: str) -> None:
    pair = established()
    first, _, third = frames(pair, role)
    assert carry(pair, role, first) == [Received(Pong(0))]
    with pytest.raises(AuthenticationError):
        carry(pair, role, third)


@either
@pytest.mark.parametrize("case", range(10))
def test_a_frame_cannot_be_cut_or_continued(role: str, case: int) -> None:
    pair = established()
    [data] = frames(pair, role, 1)
    [line] = split_lines(data)
    with pytest.raises((MalformedLineError, AuthenticationError)):
        carry(pair, role, encode_frame(changed_lengths(frame_box(line))[case]))


@either
def test_a_frame_is_not_taken_back_by_its_sender(role: str) -> None:
    pair = established()
    [data] = frames(pair, role, 1)
    with pytest.raises(AuthenticationError):
        carry(pair, "server" if role == "client" else "client", data)


@either
def test_a_frame_of_another_session_is_refused(role: str) -> None:
    [data] = frames(established(seed=1), role, 1)
    with pytest.raises(AuthenticationError):
        carry(established(seed=2), role, data)


@either
def test_a_frame_of_another_session_of_the_same_seed_is_refused(role: str) -> None:
    # The same hello and X25519 keys; only the ML-KEM secret differs.
    [data] = frames(established(seed=1), role, 1)
    with pytest.raises(AuthenticationError):
        carry(established(seed=1), role, data)


@either
def test_a_frame_of_the_last_generation_is_refused(role: str) -> None:
    pair = established()
    [late] = frames(pair, role, 1)
    carry(pair, role, late)
    pair.clock.advance(4_000)
    [both] = frames(pair, role, 1)
    assert carry(pair, role, both) == [Received(Pong(0))]
    with pytest.raises(AuthenticationError):
        carry(pair, role, late)


@either
def test_an_update_cannot_be_dropped(role: str) -> None:
    pair = established()
    pair.clock.advance(4_000)
    [both] = frames(pair, role, 1)
    _, line = split_lines(both)
    with pytest.raises(AuthenticationError):
        carry(pair, role, line + b"\r\n")


@either
def test_a_frame_cannot_be_invented(role: str) -> None:
    pair = established()
    with pytest.raises(AuthenticationError):
        carry(pair, role, encode_frame(seeded_bytes(0)(64)))


@either
def test_112_flipped_bits_of_a_frame_give_one_identical_error(role: str) -> None:
    seen = set()
    for place in range(112):
        pair = established()
        sender: Connection = pair.client if role == "client" else pair.server
        [line] = split_lines(sender.send(Later("a" * 40)))
        box = frame_box(line)
        assert len(box) == 112
        with pytest.raises(AuthenticationError) as caught:
            carry(pair, role, encode_frame(flip(box, 8 * place + place % 8)))
        alert = peer(pair, role).alert(caught.value.code)
        seen.add((str(caught.value), caught.value.args, len(alert)))
    assert len(seen) == 1


# --- Records ---


def voucher_for(pair: Pair, *lines: bytes) -> bytes:
    """Return the line of the server's voucher for record lines, without them."""
    digest = hashlib.sha512(b"".join(lines)).digest()
    return b"".join(pair.server.deliver([(b"", digest)]))


def delivered(pair: Pair) -> list[Delivered]:
    """Return every record the client has received."""
    return [event for event in pair.client_events if isinstance(event, Delivered)]


def test_a_member_cannot_forge_a_record() -> None:
    # The forger has the epoch's key, and can make everything but the voucher.
    pair, log = member()
    forged = log.line(text("the server never said this"))
    for voucher in (bytes(16), hashlib.sha256(forged).digest()[:16], voucher_of_another(forged)):
        pair, _ = member()
        with pytest.raises(AuthenticationError):
            pair.to_client(forged + encode_voucher(voucher))
        assert delivered(pair) == []


def voucher_of_another(line: bytes) -> bytes:
    """Return the voucher that the forger's own connection would have for a record."""
    pair, _ = member(seed=9)
    [encoded] = split_lines(voucher_for(pair, line))
    voucher = decode_line(encoded)
    assert isinstance(voucher, VoucherLine)
    return voucher.voucher


def test_a_member_cannot_forge_a_record_into_a_run() -> None:
    pair, log = member()
    honest = log.line(text("honest"))
    forged = log.line(text("forged"))
    voucher = voucher_for(pair, honest)
    with pytest.raises(AuthenticationError):
        pair.to_client(honest + forged + voucher)
    assert delivered(pair) == []


def test_a_record_is_not_shown_without_a_voucher() -> None:
    pair, log = member()
    assert pair.to_client(log.line(text("forged"))) == []
    with pytest.raises(UnexpectedInputError):
        pair.server_sends(Ping(1))
    assert delivered(pair) == []


def test_records_vouched_for_on_another_session_are_refused() -> None:
    one, log = member(seed=1)
    two, _ = member(seed=2)
    data = one.vouched(log.line(text()))
    with pytest.raises(AuthenticationError):
        two.to_client(data)
    assert delivered(two) == []


def moved(line: bytes, log: LogId) -> bytes:
    """Return a record's line with another log in it."""
    record = decode_line(line.removesuffix(b"\r\n"))
    assert isinstance(record, RecordLine)
    return encode_record(log, record.seq, record.record)


def test_a_record_cannot_be_moved_to_another_log() -> None:
    pair, log = member()
    other = FakeLog(log=ANY_LOG)
    pair.server_sends(other.keys())
    pair.server_sends(other.joined(3))
    line = log.line(text())
    with pytest.raises(AuthenticationError):
        pair.to_client(moved(line, other.log) + voucher_for(pair, line))


def test_a_record_of_another_log_does_not_open_even_if_the_server_vouches_for_it() -> None:
    pair, log = member()
    other = FakeLog(log=ANY_LOG)
    pair.server_sends(other.keys())
    pair.server_sends(other.joined(3))
    with pytest.raises(AuthenticationError):
        pair.publish(moved(log.line(text()), other.log))
    assert delivered(pair) == []


@pytest.mark.parametrize("bit", [25, 32, 159], ids=["epoch", "start of id", "end of id"])
def test_a_record_cannot_be_given_another_epoch_or_id(bit: int) -> None:
    pair, log = member()
    record = seal_record(BoxKey(log.key), log.log, 1, ANY_RECORD, encode(text()))
    log.epoch = 3  # The result of flipping a bit in epoch 1; even with the same key.
    pair.server_sends(log.keys())
    with pytest.raises(AuthenticationError):
        pair.publish(encode_record(log.log, 1, flip(record, bit)))
    assert delivered(pair) == []


def test_records_cannot_be_dropped_or_moved_behind_a_frame() -> None:
    pair, log = member()
    pair.vouched(log.line(text()))
    frame = pair.server.send(Ok(3))
    with pytest.raises(AuthenticationError):
        pair.to_client(frame)
    assert delivered(pair) == []


def test_records_cannot_be_moved_before_a_frame() -> None:
    pair, log = member()
    pair.server.send(Ok(3))
    with pytest.raises(AuthenticationError):
        pair.publish(log.line(text()))
    assert delivered(pair) == []


def test_records_cannot_be_dropped_or_moved_across_an_update() -> None:
    pair, log = member()
    pair.vouched(log.line(text()))
    pair.clock.advance(4_000)
    update, _ = split_lines(pair.server.send(Ok(3)))
    with pytest.raises(AuthenticationError):
        pair.to_client(update + b"\r\n")
    assert delivered(pair) == []


def test_a_frame_cannot_come_between_records_and_their_voucher() -> None:
    pair, log = member()
    line = log.line(text())
    voucher = voucher_for(pair, line)
    frame = pair.server.send(Ok(3))
    with pytest.raises(UnexpectedInputError):
        pair.to_client(line + frame + voucher)
    assert delivered(pair) == []


@pytest.mark.parametrize("change", ["reordered", "one dropped", "one doubled", "split"])
def test_a_run_cannot_be_changed(change: str) -> None:
    pair, log = member()
    one, two, three = (log.line(text(str(number))) for number in range(3))
    voucher = voucher_for(pair, one, two, three)
    runs = {
        "reordered": two + one + three,
        "one dropped": one + three,
        "one doubled": one + two + two + three,
        "split": one + voucher + two + three,
    }
    with pytest.raises(AuthenticationError):
        pair.to_client(runs[change] + voucher)
    assert delivered(pair) == []


def test_a_run_cannot_be_replayed() -> None:
    pair, log = member()
    run = pair.vouched(log.line(text()))
    assert len(pair.to_client(run)) == 1
    with pytest.raises(AuthenticationError):
        pair.to_client(run)
    assert len(delivered(pair)) == 1


def test_runs_cannot_be_reordered_or_dropped() -> None:
    pair, log = member()
    pair.vouched(log.line(text("first")))
    second = pair.vouched(log.line(text("second")))
    with pytest.raises(AuthenticationError):
        pair.to_client(second)
    assert delivered(pair) == []


def test_a_voucher_without_records_is_refused() -> None:
    pair, _ = member()
    with pytest.raises(UnexpectedInputError):
        pair.to_client(voucher_for(pair))


def test_a_server_cannot_make_a_client_hold_more_than_a_run() -> None:
    pair, log = member()
    line = log.line(text("x" * 8_000))
    fitting = RUN_BYTES // len(line)
    assert pair.to_client(line * fitting) == []
    with pytest.raises(UnexpectedInputError, match="too many"):
        pair.to_client(line)
    assert pair.client.state is State.FAILED


def test_a_sequence_going_backwards_is_refused_even_if_vouched_for() -> None:
    pair, log = member()
    pair.publish(log.line(text()), log.line(text()))
    log.seq = 1
    with pytest.raises(UnexpectedInputError, match="order"):
        pair.publish(log.line(text()))
    assert len(delivered(pair)) == 2


@pytest.mark.parametrize("state", [State.AWAIT_HELLO, State.AWAIT_AUTH, State.AWAIT_ANSWER])
def test_records_before_the_session_are_refused(state: State) -> None:
    pair = client_at(state)
    with pytest.raises(UnexpectedInputError):
        pair.to_client(FakeLog().line(text()))


def test_a_client_cannot_send_records_or_vouchers_to_the_server() -> None:
    pair, log = member()
    with pytest.raises(UnexpectedInputError):
        pair.to_server(log.line(text()))
    pair, log = member()
    with pytest.raises(UnexpectedInputError):
        pair.to_server(voucher_for(pair))


# --- All attacks, in any order ---

LIMITS: Final = Limits(frames_per_generation=6, generation_seconds=1_000)
roles: Final = st.sampled_from(["client", "server"])
REFUSALS: Final = (UnexpectedInputError, AuthenticationError)


def identifier(line: bytes) -> RecordId:
    """Return the id of the record in a line."""
    record = decode_line(line.removesuffix(b"\r\n"))
    assert isinstance(record, RecordLine)
    return RecordId(record.record[4:20])


class Network(RuleBasedStateMachine):
    """Two ends that talk, and a network that delivers their lines until it attacks.

    After an attack has been refused, a new session begins; the network keeps the old lines.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seed = 0
        self.heard: list[bytes] = []
        self.begin()

    def begin(self) -> None:
        """Start a session."""
        self.seed += 1
        self.pair, self.log = member(LIMITS, seed=self.seed)
        self.said: dict[str, list[object]] = {"client": [], "server": []}
        self.counts = {"client": len(self.at("client")), "server": len(self.at("server"))}

    def at(self, role: str) -> list[object]:
        """Return the events at one end, except what it transmits."""
        events = self.pair.client_events if role == "client" else self.pair.server_events
        return [event for event in events if not isinstance(event, Transmit)]

    def other(self, role: str) -> str:
        """Return the other role."""
        return "server" if role == "client" else "client"

    def speak(self, role: str, number: int) -> bytes:
        """Make one end seal a message."""
        sender: Connection = self.pair.client if role == "client" else self.pair.server
        return sender.send(Pong(number))

    def carry(self, role: str, data: bytes) -> None:
        """Deliver lines from one end to the other."""
        self.heard = (self.heard + split_lines(data))[-40:]
        carry(self.pair, role, data)

    def attack(self, role: str, data: bytes) -> None:
        """Give lines to the peer of `role`, which must refuse them, then start a new session."""
        victim = peer(self.pair, role)
        with pytest.raises(REFUSALS):
            for line in split_lines(data):
                events = victim.receive_line(line)
                assert events == []  # A record may be held, but not shown.
            # Held records must not survive the next honest line.
            for line in split_lines(self.speak(role, 0)):
                assert victim.receive_line(line) == []
        assert victim.state is State.FAILED
        assert victim.receive_line(split_lines(self.speak(role, 0))[-1]) == []
        self.check()
        self.begin()

    def check(self) -> None:
        """Check that each end received exactly what the other sent."""
        for role in ("client", "server"):
            assert self.at(role)[self.counts[role] :] == self.said[self.other(role)]

    @rule(role=roles, number=st.integers(0, 9))
    def talk(self, role: str, number: int) -> None:
        """Either end sends a message."""
        self.carry(role, self.speak(role, number))
        self.said[role].append(Received(Pong(number)))
        self.check()

    @rule(role=roles)
    def ping(self, role: str) -> None:
        """Either end sends a ping, and gets a pong."""
        sender: Connection = self.pair.client if role == "client" else self.pair.server
        data = sender.send(Ping(7))
        self.heard += split_lines(data)
        [pong] = carry(self.pair, role, data)
        assert isinstance(pong, Transmit)
        self.carry(self.other(role), pong.data)
        self.said[self.other(role)].append(Received(Pong(7)))
        self.check()

    @rule(size=st.integers(1, 4))
    def publish(self, size: int) -> None:
        """The server publishes records."""
        self.carry("server", self.pair.vouched(*self.records(size)))
        self.check()

    @rule()
    def pass_by(self) -> None:
        """The server sends a passing record among others."""
        passing = text("passing")
        line = self.log.passing(passing)
        before = self.records(1)
        self.said["server"].append(Delivered(self.log.log, 0, identifier(line), passing))
        self.carry("server", self.pair.vouched(*before, line, *self.records(1)))
        self.check()

    @rule(size=st.integers(0, 3))
    def answer_page(self, size: int) -> None:
        """The server answers with a page."""
        self.carry("server", self.page(size))
        if size:
            self.carry("server", self.pair.vouched(*self.records(size, page=7)))
        self.check()

    def page(self, size: int) -> bytes:
        """Make the server announce a page of records, and expect that at the client."""
        page = Page(7, size, more=False)
        self.said["server"].append(Received(page))
        return self.pair.server.send(page)

    def records(self, size: int, page: int = 0) -> list[bytes]:
        """Make records, and expect them at the client."""
        lines = []
        for number in range(size):
            line = self.log.line(text(str(number)))
            body = text(str(number))
            self.said["server"].append(
                Delivered(self.log.log, self.log.seq, identifier(line), body, page)
            )
            lines.append(line)
        return lines

    @rule(seconds=st.sampled_from([1, 999, 1_001]))
    def wait(self, seconds: float) -> None:
        """Time passes, perhaps so much that the next frame starts a generation."""
        self.pair.clock.advance(seconds)

    @precondition(lambda self: self.heard)
    @rule(role=roles, data=st.data())
    def replay(self, role: str, data: st.DataObject) -> None:
        """A line from this session or an earlier one is replayed to either end."""
        self.attack(role, data.draw(st.sampled_from(self.heard)) + b"\r\n")

    @rule(role=roles)
    def drop(self, role: str) -> None:
        """A message does not arrive; the next does."""
        self.speak(role, 1)
        self.attack(role, self.speak(role, 2))

    @rule(role=roles)
    def reflect(self, role: str) -> None:
        """A message comes back to its sender."""
        self.attack(self.other(role), self.speak(role, 1))

    @rule(role=roles, bit=st.integers(0, 511))
    def change(self, role: str, bit: int) -> None:
        """A bit of a message is flipped."""
        first, *rest = split_lines(self.speak(role, 1))
        changed = encode_frame(flip(frame_box(first), bit))
        self.attack(role, changed + b"".join(line + b"\r\n" for line in rest))

    def unsaid_run(self, size: int) -> tuple[list[bytes], bytes]:
        """Make the server publish records that the network holds: their lines, and the voucher.

        If they start a generation, the `update` before them is delivered.
        """
        lines = self.unsaid(size)
        *update, voucher = split_lines(voucher_for(self.pair, *lines))
        for line in update:
            self.carry("server", line + b"\r\n")
        return lines, voucher + b"\r\n"

    def unsaid(self, size: int) -> list[bytes]:
        """Make records that will not arrive."""
        said = [*self.said["server"]]
        lines = self.records(size)
        self.said["server"] = said
        return lines

    @rule(size=st.integers(2, 4), data=st.data())
    def reorder_records(self, size: int, data: st.DataObject) -> None:
        """Records arrive in another order, or not all of them, or some twice."""
        lines, voucher = self.unsaid_run(size)
        carried = data.draw(
            st.lists(st.sampled_from(lines), max_size=size + 1).filter(lambda some: some != lines)
        )
        self.attack("server", b"".join(carried) + voucher)

    @rule(size=st.integers(1, 3))
    def drop_records(self, size: int) -> None:
        """A run and its voucher do not arrive; the next ones do."""
        self.unsaid_run(size)
        lines, voucher = self.unsaid_run(size)
        self.attack("server", b"".join(lines) + voucher)

    @rule(size=st.integers(1, 3))
    def delay_records(self, size: int) -> None:
        """A run and its voucher do not arrive before the frame that was sent after them."""
        self.unsaid_run(size)
        self.attack("server", self.speak("server", 1))

    @rule(size=st.integers(1, 3))
    def drop_records_of_a_page(self, size: int) -> None:
        """The run after a page does not arrive; the next frame does."""
        self.carry("server", self.page(size))
        self.pair.vouched(*self.unsaid(size))
        self.attack("server", self.speak("server", 1))

    @rule(size=st.integers(1, 3))
    def exchange_the_records_of_a_page(self, size: int) -> None:
        """Instead of the run after a page, as many new records arrive that were sent next."""
        self.carry("server", self.page(size))
        self.pair.vouched(*self.unsaid(size))
        self.attack("server", self.pair.vouched(*self.unsaid(size)))

    @rule(size=st.integers(1, 3))
    def drop_a_page(self, size: int) -> None:
        """A page does not arrive, but its run does, as if its records were new."""
        said = [*self.said["server"]]
        *update, _ = split_lines(self.page(size))
        self.said["server"] = said
        for line in update:
            self.carry("server", line + b"\r\n")
        self.attack("server", self.pair.vouched(*self.unsaid(size)))

    @rule()
    def close(self) -> None:
        """The client leaves, and comes back."""
        self.carry("client", self.pair.client.alert(CloseCode.NORMAL))
        assert self.pair.server.state is State.CLOSED
        self.begin()


def test_whatever_the_network_does_only_what_was_said_arrives_and_in_order() -> None:
    run_state_machine_as_test(Network, settings=machine(30, 30))

"""The golden vectors of tests/vectors, made by another implementation (docs/protocol.md 12).

Every vector of every file drives production code; those with `expect` drive a whole connection if
they contain lines.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from msgspec import Struct

from chat.ids import AccountId, LogId, MessageId, RecordId
from chat.limits import Limits
from chat.store.words import is_found, phrases, words
from chat.testing import FakeLog, Pair, split_lines
from chat.wire.connection import (
    ClientConnection,
    Connection,
    Established,
    Event,
    HostKeyOffered,
    Received,
    ServerConnection,
    State,
    Transmit,
)
from chat.wire.ed25519 import verify
from chat.wire.errors import CloseCode, RemoteProtocolError
from chat.wire.frames import FrameOpener, FrameSealer
from chat.wire.handshake import ClientHandshake, HandshakeKeys, ServerHandshake
from chat.wire.hostkey import HostKey, ServerIdentity, fingerprint, fingerprint_words, predecessors
from chat.wire.kem import encapsulate
from chat.wire.lines import (
    RecordLine,
    VoucherLine,
    decode_line,
    encode_frame,
    encode_hello,
    encode_record,
    encode_voucher,
)
from chat.wire.messages import (
    Keys,
    Login,
    Request,
    Unknown,
    Update,
    decode_body,
    decode_client_message,
    decode_server_message,
    encode,
)
from chat.wire.records import Delivered, open_record, record_epoch, record_id, seal_record
from chat.wire.schedule import derive, transcript_hash
from chat.wire.sealing import BoxKey, RandomBytes, open_box, seal
from tests.wire.support import established

Vector = dict[str, Any]

VECTORS: Final = Path(__file__).parent.parent / "vectors"

used: Final[set[tuple[str, bool]]] = set()
"""The files that the tests below use, and whether their vectors must fail."""


@cache
def load(name: str, *, fails: bool) -> list[Vector]:
    """Return a file's vectors that must succeed, or those that must fail; at least one."""
    content = json.loads((VECTORS / f"{name}.json").read_text("ascii"))
    found = [vector for vector in content["vectors"] if ("expect" in vector) is fails]
    if not found:
        raise ValueError(f"{name}.json has no such vectors")
    return found


def good(name: str) -> pytest.MarkDecorator:
    """Return the parametrisation over a file's vectors that must succeed."""
    return _parametrised(name, fails=False)


def bad(name: str) -> pytest.MarkDecorator:
    """Return the parametrisation over a file's vectors that must fail."""
    return _parametrised(name, fails=True)


def _parametrised(name: str, *, fails: bool) -> pytest.MarkDecorator:
    used.add((name, fails))
    found = load(name, fails=fails)
    return pytest.mark.parametrize("vector", found, ids=[vector["name"] for vector in found])


@contextmanager
def refused(vector: Vector) -> Iterator[None]:
    """Check that the block raises an error with the close code that the vector expects."""
    with pytest.raises(RemoteProtocolError) as caught:
        yield
    assert caught.value.code is CloseCode[vector["expect"]]


def raw(vector: Vector, *names: str) -> tuple[bytes, ...]:
    """Return values that the file has in hexadecimal."""
    return tuple(bytes.fromhex(vector[name]) for name in names)


def place(vector: Vector) -> tuple[LogId, RecordId]:
    """Return the log of a record, and its id."""
    log, identifier = raw(vector, "log", "record_id")
    return LogId(log), RecordId(identifier)


def stream(*values: bytes) -> RandomBytes:
    """Return a source of randomness that returns these values one by one."""
    left = iter(values)

    def take(size: int) -> bytes:
        value = next(left)
        assert len(value) == size
        return value

    return take


def test_every_file_is_used_and_none_is_missing() -> None:
    found = set()
    for path in VECTORS.glob("*.json"):
        vectors = json.loads(path.read_text("ascii"))["vectors"]
        assert vectors
        found |= {(path.stem, "expect" in vector) for vector in vectors}
    assert found
    assert found == used


def test_every_vector_has_a_name_of_its_own() -> None:
    for path in VECTORS.glob("*.json"):
        names = [vector["name"] for vector in json.loads(path.read_text("ascii"))["vectors"]]
        assert len(set(names)) == len(names)


# --- Sealing and derivation ---


@good("sealing")
def test_sealing(vector: Vector) -> None:
    key, iv, plaintext, aad, box = raw(vector, "key", "iv", "plaintext", "aad", "box")
    assert seal(key, plaintext, aad, stream(iv)) == box
    assert open_box(key, box, aad) == plaintext


@bad("sealing")
def test_a_box_that_does_not_open(vector: Vector) -> None:
    key, aad, box = raw(vector, "key", "aad", "box")
    with refused(vector):
        open_box(key, box, aad)


@good("derive")
def test_derivation(vector: Vector) -> None:
    inputs = vector["inputs"]
    [output] = raw(vector, "output")
    if vector["function"] == "TH":
        assert transcript_hash(*map(bytes.fromhex, inputs["messages"])) == output
        return
    assert vector["function"] == "Derive"
    secret, context = raw(inputs, "secret", "context")
    label, length = inputs["label"], inputs["length"]
    if length <= 64:
        assert derive(secret, label, context, length) == output
    else:
        # The protocol never needs more than a block, and neither does this implementation.
        with pytest.raises(ValueError):
            derive(secret, label, context, length)


# --- The handshake ---


def client_stream(client: Vector) -> RandomBytes:
    """Return the client's randomness."""
    return stream(*raw(client, "random", "x25519_private", "mlkem_seed", "cf_iv"))


def server_handshake(server: Vector, whole: Vector) -> ServerHandshake:
    """Return a server's handshake with fixed choices; it still checks keys."""
    ciphertext = bytes.fromhex(whole["SH"])[64:]
    [secret] = raw(whole, "ss_pq")

    def fixed(encapsulation_key: bytes) -> tuple[bytes, bytes]:
        encapsulate(encapsulation_key)
        return ciphertext, secret

    host_key = HostKey.from_seed(bytes.fromhex(server["host_seed"]))
    [host_key.successions] = raw(whole, "successions")
    randomness = stream(*raw(server, "random", "x25519_private", "sa_iv"))
    return ServerHandshake(host_key, randomness, fixed)


def known_keys(vector: Vector) -> HandshakeKeys:
    """Return the key schedule from a vector."""
    return HandshakeKeys(*raw(vector, "PRK", "s_hs", "c_hs", "fk_s", "fk_c"))


def server_connection(server: Vector, whole: Vector) -> ServerConnection:
    """Return a server's connection with fixed choices."""
    connection = Pair().server
    connection._handshake = server_handshake(server, whole)
    return connection


def client_connection(client: Vector) -> ClientConnection:
    """Return a client's connection with fixed choices."""
    return ClientConnection(Limits(), random_bytes=client_stream(client))


@good("handshake")
def test_the_key_schedule(vector: Vector) -> None:
    ch, sh, host, fin_s = raw(vector, "CH", "SH", "host", "fin_s")
    signature, successions = raw(vector, "signature", "successions")
    keys = HandshakeKeys.from_secrets(ch, sh, *raw(vector, "ss_pq", "ss_ec"))
    assert keys == known_keys(vector)
    t1, t2, fin_c = raw(vector, "t1", "t2", "fin_c")
    assert transcript_hash(ch, sh) == t1
    assert transcript_hash(ch, sh, host, signature + successions, fin_s) == t2
    assert hmac.digest(keys.client_finished, t2, "sha512") == fin_c
    secrets = keys.session_secrets(t2)
    assert (secrets.client_to_server, secrets.server_to_client, secrets.binding) == raw(
        vector, "c_ap", "s_ap", "binding"
    )
    assert fingerprint(host) == vector["fingerprint"]
    assert fingerprint_words(host) == vector["words"]


@good("handshake")
def test_the_host_keys_before_the_one_of_the_handshake(vector: Vector) -> None:
    found = [*predecessors(*raw(vector, "host", "successions"))]
    assert [key.hex() for key in found] == vector["predecessors"]


@good("handshake")
def test_decapsulation_through_hpke_gives_the_known_secret(vector: Vector) -> None:
    # PRK depends only on ss_pq and ss_ec, so the client has computed both.
    client = ClientHandshake(client_stream(vector["client"]))
    [server_hello] = raw(vector, "SH")
    client.take_server_hello(server_hello)
    assert client._keys == known_keys(vector)


@good("handshake")
def test_both_sides_say_what_the_handshake_says(vector: Vector) -> None:
    ch, sh, sa, cf, host, successions = raw(vector, "CH", "SH", "SA", "CF", "host", "successions")
    [login] = raw(vector["client"], "login")
    client = ClientHandshake(client_stream(vector["client"]))
    server = server_handshake(vector["server"], vector)
    assert client.hello == ch
    assert server.answer(ch) == (sh, sa)
    client.take_server_hello(sh)
    assert client.check_server_auth(sa) == ServerIdentity(host, successions)
    box, secrets = client.finish(login)
    assert box == cf
    assert server.finish(cf) == (login, secrets)
    assert (secrets.client_to_server, secrets.server_to_client, secrets.binding) == raw(
        vector, "c_ap", "s_ap", "binding"
    )
    lines = encode_hello(ch), encode_hello(sh), encode_frame(sa), encode_frame(cf)
    assert [line.decode() for line in lines] == [line + "\r\n" for line in vector["lines"]]


@good("handshake")
def test_connections_carry_the_lines_of_the_handshake(vector: Vector) -> None:
    ch, sh, sa, cf = (line.encode() for line in vector["lines"])
    client = client_connection(vector["client"])
    server = server_connection(vector["server"], vector)
    assert split_lines(client.start()) == [ch]
    assert server.receive_line(ch) == [Transmit(sh + b"\r\n" + sa + b"\r\n")]
    assert client.receive_line(sh) == []
    assert client.receive_line(sa) == [HostKeyOffered(*raw(vector, "host", "successions"))]
    login = decode_client_message(bytes.fromhex(vector["client"]["login"]))
    assert isinstance(login, Login)
    assert split_lines(client.login(login)) == [cf]
    binding = bytes.fromhex(vector["binding"])
    assert server.receive_line(cf) == [Established(binding), Received(login)]


@bad("handshake")
def test_a_side_that_refuses_the_handshake(vector: Vector) -> None:
    [whole] = [
        other for other in load("handshake", fails=False) if other["name"] == vector["handshake"]
    ]
    connection: Connection
    sent = b""
    if vector["role"] == "client":
        connection = client = client_connection(vector["private"])
        sent = client.start()
    else:
        connection = server_connection(vector["private"], whole)
    *before, last = (line.encode() for line in vector["receives"])
    for line in before:
        for event in connection.receive_line(line):
            assert isinstance(event, Transmit)
            sent += event.data
    assert [line.decode() for line in split_lines(sent)] == vector["sends"]
    with refused(vector):
        connection.receive_line(last)
    assert connection.state is State.FAILED


@good("signatures")
def test_signatures(vector: Vector) -> None:
    key, message, signature = raw(vector, "key", "message", "signature")
    assert verify(key, signature, message)


@bad("signatures")
def test_a_signature_that_does_not_verify(vector: Vector) -> None:
    key, message, signature = raw(vector, "key", "message", "signature")
    assert vector["expect"] == "AUTHENTICATION"
    assert not verify(key, signature, message)


# --- Frames ---


def receiver(vector: Vector) -> Connection:
    """Return the receiving end of a direction, in the vector's state."""
    pair = established()
    connection: Connection = {"c": pair.server, "s": pair.client}[vector["direction"]]
    connection._opener = opener = FrameOpener(
        bytes.fromhex(vector["secret"]), vector["direction"].encode()
    )
    opener.generation, opener.sequence = vector["generation"], vector["sequence"]
    opener.vouchers = vector["vouchers"]
    return connection


@good("frames")
def test_frames(vector: Vector) -> None:
    [secret] = raw(vector, "secret")
    generation, sequence = vector["generation"], vector["sequence"]
    vouchers = vector["vouchers"]
    connection = receiver(vector)
    for frame in vector["messages"]:
        key, payload, iv = raw(frame, "key", "message", "iv")
        assert (generation, sequence) == (frame["generation"], frame["sequence"])
        assert derive(secret, "key") == key
        # One for each: only the first sealed frame takes its IV from the stream.
        sealer = FrameSealer(secret, vector["direction"].encode(), 0, Limits(), stream(iv))
        sealer.generation, sealer.sequence = generation, sequence
        sealer.vouchers = vouchers
        line = encode_frame(sealer.seal(payload))
        assert line.decode() == frame["line"] + "\r\n"
        decode = decode_client_message if vector["direction"] == "c" else decode_server_message
        message = decode(payload)
        events = connection.receive_line(frame["line"].encode())
        if isinstance(message, Update):
            assert events == []
            sealer.ratchet_at(0)
            secret = derive(secret, "upd")
        else:
            [event] = events
            assert isinstance(event, Transmit) or event == Received(message)
        generation, sequence, vouchers = sealer.generation, sealer.sequence, sealer.vouchers
    after = vector["after"]
    [secret_after] = raw(after, "secret")
    assert (generation, sequence) == (after["generation"], after["sequence"])
    assert sealer._secret == connection._opener._secret == secret == secret_after
    assert connection._opener.generation == after["generation"]
    assert connection._opener.sequence == after["sequence"]


@bad("frames")
def test_a_frame_that_is_refused(vector: Vector) -> None:
    connection = receiver(vector)
    for line in vector["opened"]:
        connection.receive_line(line.encode())
    assert not connection.is_over
    with refused(vector):
        connection.receive_line(vector["line"].encode())
    assert connection.is_over


# --- Messages ---

DECODERS: Final[dict[str, list[Callable[[bytes], Struct]]]] = {
    "request": [decode_client_message],
    "answer": [decode_server_message],
    "event": [decode_server_message],
    "both": [decode_client_message, decode_server_message],
    "body": [decode_body],
}


def from_json(value: Any) -> Any:
    """Return a value of a message, as MessagePack decodes it."""
    match value:
        case {"hex": digits}:
            return bytes.fromhex(digits)
        case dict():
            return {key: from_json(item) for key, item in value.items()}
        case list():
            return [from_json(item) for item in value]
    return value


@good("messages")
def test_messages(vector: Vector) -> None:
    [encoded] = raw(vector, "encoded")
    for decode in DECODERS[vector["kind"]]:
        message = decode(encoded)
        assert not isinstance(message, Unknown)
        again = encode(message)
        assert msgspec.msgpack.decode(again) == from_json(vector["message"])
        assert decode(again) == message
        if vector["canonical"]:
            assert again == encoded


@bad("messages")
def test_a_message_that_is_refused(vector: Vector) -> None:
    [encoded] = raw(vector, "encoded")
    for decode in DECODERS[vector["kind"]]:
        with refused(vector):
            decode(encoded)


# --- Records and vouchers ---


@good("records")
def test_records(vector: Vector) -> None:
    if "account" in vector:
        account, message, known = raw(vector, "account", "message", "record_id")
        assert record_id(AccountId(account), MessageId(message)) == known
        return
    log, identifier = place(vector)
    key, iv, body, record = raw(vector, "epoch_key", "iv", "body", "record")
    assert seal_record(BoxKey(key), log, vector["epoch"], identifier, body, stream(iv)) == record
    assert open_record(BoxKey(key), log, record) == (identifier, body)
    assert record_epoch(record) == vector["epoch"]
    line = encode_record(log, vector["seq"], record)
    assert line.decode() == vector["line"] + "\r\n"
    [delivered] = reader(line, key).publish(line)
    assert delivered == Delivered(log, vector["seq"], identifier, decode_body(body))


@bad("records")
def test_a_record_that_is_refused(vector: Vector) -> None:
    line = vector["line"].encode() + b"\r\n"
    pair = reader(line, *raw(vector, "epoch_key"))
    with refused(vector):
        pair.publish(line)
    assert pair.client.state is State.FAILED


def reader(line: bytes, key: bytes) -> Pair:
    """Return a pair whose client has joined a record's log, and has the key of its epoch."""
    pair = established()
    try:
        record = decode_line(line.removesuffix(b"\r\n"))
    except RemoteProtocolError:
        return pair  # No log to join.
    assert isinstance(record, RecordLine)
    pair.server_sends(Keys(record.log, record_epoch(record.record), key))
    pair.server_sends(FakeLog(record.log).joined(2))
    return pair


def in_step(end: FrameOpener | FrameSealer, vector: Vector) -> None:
    """Advance one end of a direction to the state of a voucher's vector."""
    for _ in range(vector["generation"]):
        end.ratchet()
    end.vouchers, end.sequence = vector["counter"], vector["sequence"]


@good("vouchers")
def test_vouchers(vector: Vector) -> None:
    s_ap, secret, voucher_key, run, voucher = raw(
        vector, "s_ap", "secret", "voucher_key", "run", "voucher"
    )
    digest = hashlib.sha512(run).digest()
    opener, sealer = FrameOpener(s_ap, b"s"), FrameSealer(s_ap, b"s", 0, Limits())
    in_step(opener, vector)
    in_step(sealer, vector)
    assert opener._secret == sealer._secret == secret
    assert derive(secret, "voucher") == voucher_key
    assert opener.voucher(digest) == voucher
    line = encode_voucher(voucher)
    assert line.decode() == vector["line"] + "\r\n"
    assert decode_line(line.removesuffix(b"\r\n")) == VoucherLine(voucher)
    # With our own limits, a server would send `update` before the last of these.
    server = established(Limits(frames_per_generation=2**21)).server
    server._sealer = sealer
    assert server.deliver([(run, digest)]) == [run, line]


@bad("vouchers")
def test_a_voucher_that_is_refused(vector: Vector) -> None:
    s_ap, run = raw(vector, "s_ap", "run")
    pair = established()
    pair.client._opener = FrameOpener(s_ap, b"s")
    in_step(pair.client._opener, vector)
    assert pair.to_client(run) == []
    with refused(vector):
        pair.client.receive_line(vector["line"].encode())
    assert pair.client.state is State.FAILED


# --- Search ---


@good("search")
def test_what_a_search_finds(vector: Vector) -> None:
    wanted = phrases(vector["words"])
    assert (wanted != [] and is_found(words(vector["text"]), wanted)) is vector["found"]


# --- Reading ---


@good("reading")
def test_reading(vector: Vector) -> None:
    connection = receiver(vector)
    for step in vector["steps"]:
        take_step(connection, step)


@bad("reading")
def test_reading_that_is_refused(vector: Vector) -> None:
    connection = receiver(vector)
    for step in vector["steps"]:
        take_step(connection, step)
    assert not connection.is_over
    with refused(vector):
        connection.receive_line(vector["line"].encode())
    assert connection.state is State.FAILED


def take_step(connection: Connection, step: Vector) -> None:
    """Give a client a line, and check the result; or make it send something."""
    if "sends" in step:
        request = decode_client_message(msgspec.msgpack.encode(from_json(step["sends"])))
        assert isinstance(request, Request)
        connection.send(request)
        return
    events = connection.receive_line(step["line"].encode())
    expected: list[Event] = []
    if "message" in step:
        message = decode_server_message(msgspec.msgpack.encode(from_json(step["message"])))
        if not isinstance(message, Update):
            expected.append(Received(message))
    for record in step.get("delivers", []):
        log, identifier = place(record)
        [body] = raw(record, "body")
        delivered = Delivered(log, record["seq"], identifier, decode_body(body), record["page"])
        expected.append(delivered)
    assert events == expected

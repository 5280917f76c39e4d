"""Messages and bodies: the round trip, what is refused, and what only a later version knows."""

from typing import Any, Final, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Struct

from chat.limits import ACKS_PAGE, MEMBERS_PAGE, NICK_CHARACTERS, PAYLOAD_BYTES, SEQ_MAX, TEXT_BYTES
from chat.wire import messages
from chat.wire.errors import LocalProtocolError, MessageError
from chat.wire.messages import (
    Body,
    ClientMessage,
    Close,
    Join,
    Joined,
    JoinedBody,
    Keys,
    LeftBody,
    Login,
    Members,
    Nick,
    Ok,
    Ping,
    Pong,
    Post,
    Posted,
    Refused,
    RenamedBody,
    ServerMessage,
    TextBody,
    Unknown,
    Update,
    Welcome,
    Who,
    decode_body,
    decode_client_message,
    decode_server_message,
    encode,
)

pack: Final = msgspec.msgpack.encode

texts: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
requests: Final = st.integers(1, 2**32 - 1)
naturals: Final = st.integers(0, SEQ_MAX)
id16: Final = st.binary(min_size=16, max_size=16)
client_messages: Final[st.SearchStrategy[ClientMessage]] = st.one_of(
    st.builds(Login, requests, texts),
    st.builds(Nick, requests, texts),
    st.builds(Join, requests, texts),
    st.builds(Who, requests, texts, texts | st.just(UNSET)),
    st.builds(Post, requests, texts, id16, texts),
    st.builds(Ping, naturals),
    st.builds(Pong, naturals),
    st.just(Update()),
    st.builds(Close, naturals, naturals | st.just(UNSET)),
)
server_messages: Final[st.SearchStrategy[ServerMessage]] = st.one_of(
    st.builds(Ok, requests),
    st.builds(Refused, requests, texts, texts),
    st.builds(
        Welcome,
        requests,
        id16,
        texts,
        texts,
        naturals,
        texts,
        st.dictionaries(texts, naturals, max_size=3),
        st.lists(texts, max_size=3),
    ),
    st.builds(Joined, requests, texts, id16, naturals, naturals),
    st.builds(Members, requests, texts, st.lists(texts, max_size=5), st.booleans()),
    st.builds(Posted, st.lists(st.tuples(requests, naturals, naturals), max_size=5)),
    st.builds(Keys, id16, requests, st.binary(min_size=64, max_size=64)),
    st.builds(Ping, naturals),
    st.builds(Pong, naturals),
    st.just(Update()),
    st.builds(Close, naturals, naturals | st.just(UNSET)),
)
bodies: Final[st.SearchStrategy[Body]] = st.one_of(
    st.builds(TextBody, naturals, id16, texts, texts),
    st.builds(JoinedBody, naturals, id16, texts),
    st.builds(LeftBody, naturals, id16, texts),
    st.builds(RenamedBody, naturals, id16, texts, texts),
)
DECODERS: Final = {
    "client": decode_client_message,
    "server": decode_server_message,
    "body": decode_body,
}
VALID: Final[dict[str, list[dict[str, Any]]]] = {
    "client": [
        {"type": "login", "id": 1, "nick": "alice"},
        {"type": "nick", "id": 1, "nick": "alice"},
        {"type": "join", "id": 1, "room": "lobby"},
        {"type": "who", "id": 1, "room": "lobby"},
        {"type": "post", "id": 1, "room": "lobby", "message": bytes(16), "text": "hello"},
        {"type": "ping", "id": 1},
        {"type": "pong", "id": 1},
        {"type": "update"},
        {"type": "close", "code": 0},
    ],
    "server": [
        {"type": "ok", "id": 1},
        {"type": "refused", "id": 1, "code": "nick_taken", "text": "Somebody has it."},
        {
            "type": "welcome",
            "id": 1,
            "account": bytes(16),
            "nick": "alice",
            "server": "encchat",
            "time": 0,
            "keeps": "memory",
            "limits": {"text": 8_192},
            "features": [],
        },
        {"type": "joined", "id": 1, "room": "lobby", "log": bytes(16), "seq": 0, "members": 1},
        {"type": "members", "id": 1, "room": "lobby", "nicks": ["alice"], "more": False},
        {"type": "posted", "acks": [[1, 2, 3]]},
        {"type": "keys", "log": bytes(16), "epoch": 1, "key": bytes(64)},
        {"type": "ping", "id": 1},
        {"type": "pong", "id": 1},
        {"type": "update"},
        {"type": "close", "code": 0},
    ],
    "body": [
        {"type": "text", "time": 0, "account": bytes(16), "nick": "bob", "text": "hello"},
        {"type": "joined", "time": 0, "account": bytes(16), "nick": "bob"},
        {"type": "left", "time": 0, "account": bytes(16), "nick": "bob"},
        {"type": "renamed", "time": 0, "account": bytes(16), "nick": "bob", "was": "rob"},
    ],
}
EACH: Final = [(side, valid) for side, some in VALID.items() for valid in some]
IDS: Final = [f"{side} {valid['type']}" for side, valid in EACH]
each_message: Final = pytest.mark.parametrize(("side", "valid"), EACH, ids=IDS)


@given(client_messages)
def test_a_clients_message_comes_back(message: ClientMessage) -> None:
    assert decode_client_message(encode(message)) == message


@given(server_messages)
def test_a_servers_message_comes_back(message: ServerMessage) -> None:
    assert decode_server_message(encode(message)) == message


@given(bodies)
def test_a_body_comes_back(body: Body) -> None:
    assert decode_body(encode(body)) == body


@each_message
def test_a_map_with_the_keys_of_the_tables_is_taken(side: str, valid: dict[str, Any]) -> None:
    message = DECODERS[side](pack(valid))
    assert not isinstance(message, Unknown)
    assert msgspec.msgpack.decode(encode(message)) == valid


@pytest.mark.parametrize(
    ("side", "union"), [("client", ClientMessage), ("server", ServerMessage), ("body", Body)]
)
def test_the_tables_name_every_message_there_is(side: str, union: Any) -> None:
    assert len(VALID[side]) == len(get_args(union))


@each_message
def test_keys_of_a_later_version_are_ignored(side: str, valid: dict[str, Any]) -> None:
    decode = DECODERS[side]
    assert decode(pack(valid | {"later": [{"x": b"y"}, 1.5, None]})) == decode(pack(valid))


@each_message
def test_the_order_of_keys_does_not_matter(side: str, valid: dict[str, Any]) -> None:
    decode = DECODERS[side]
    assert decode(pack(dict(reversed(valid.items())))) == decode(pack(valid))


@each_message
def test_every_key_is_needed(side: str, valid: dict[str, Any]) -> None:
    for key in valid:
        with pytest.raises(MessageError):
            DECODERS[side](pack({k: v for k, v in valid.items() if k != key}))


def wrong_values(right: object) -> list[object]:
    """Return values that cannot stand where `right` does, by the tables of section 6."""
    match right:
        case bool():
            return [None, 0, 1, "true", b""]
        case int():
            return [None, True, -1, 2**63, 2**64 - 1, 1.0, "1", b"1", [1]]
        case str():
            return [None, 1, False, right.encode(), [right], {}]
        case bytes():
            return [None, 1, "a" * len(right), b"", right[1:], right + b"a", [right]]
        case list():
            return [None, 1, "list", b"", {}, [None], [[1, 2]], [[0, 2, 3]], [["1", 2, 3]]]
        case _:
            return [None, 1, "map", b"", [], {"text": -1}, {"text": "1"}, {1: 1}]


@each_message
def test_a_value_of_another_type_or_size_is_refused(side: str, valid: dict[str, Any]) -> None:
    for key, right in valid.items():
        for wrong in wrong_values(right):
            with pytest.raises(MessageError):
                DECODERS[side](pack(valid | {key: wrong}))


@pytest.mark.parametrize("side", ["client", "server"])
@pytest.mark.parametrize("number", [0, 2**32])
def test_a_request_number_out_of_range_is_refused(side: str, number: int) -> None:
    for valid in VALID[side]:
        if "id" in valid and valid["type"] not in ("ping", "pong"):
            with pytest.raises(MessageError):
                DECODERS[side](pack(valid | {"id": number}))


@pytest.mark.parametrize("nothing", [None, 1.5, [], b""])
def test_an_optional_key_is_left_out_or_right(nothing: object) -> None:
    with pytest.raises(MessageError):
        decode_client_message(pack({"type": "who", "id": 1, "room": "lobby", "after": nothing}))
    for decode in (decode_client_message, decode_server_message):
        with pytest.raises(MessageError):
            decode(pack({"type": "close", "code": 1, "retry_after": nothing}))


@pytest.mark.parametrize("epoch", [0, 2**32])
def test_an_epoch_out_of_range_is_refused(epoch: int) -> None:
    keys = {"type": "keys", "log": bytes(16), "epoch": epoch, "key": bytes(64)}
    with pytest.raises(MessageError):
        decode_server_message(pack(keys))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        b"\xc0",
        b"\x80",
        pack("ping"),
        pack(["ping", 1]),
        pack({"id": 1}),
        pack({"type": "ping", "id": 1}) + b"\0",
        pack({"type": "ping", "id": 1})[:-1],
        pack({"type": "ping", "id": 1, 2: 3}),
        pack({"type": "ping", "id": 1, b"key": 3}),
        b"\x81" + pack("type") + b"\xa1\xff",
        b"\xdf\xff\xff\xff\xff" + pack("type") + pack("later"),
        b"\x82" + pack("type") + pack("posted") + pack("acks") + b"\xdd\xff\xff\xff\xff",
    ],
    ids=[
        "nothing",
        "a byte that MessagePack does not have",
        "nil",
        "an empty map",
        "a string",
        "an array",
        "no type",
        "something after it",
        "cut off",
        "an integer as a key",
        "bytes as a key",
        "invalid UTF-8 as type",
        "a map that claims four billion keys",
        "an array that claims four billion elements",
    ],
)
@pytest.mark.parametrize("side", DECODERS)
def test_what_is_no_message_is_refused(side: str, payload: bytes) -> None:
    with pytest.raises(MessageError):
        DECODERS[side](payload)


@pytest.mark.parametrize(
    "room",
    [b"\xa1\xff", b"\xa2\xc0\x80", b"\xa3\xed\xa0\x80"],
    ids=["a stray byte", "overlong", "a surrogate"],
)
def test_a_string_that_is_not_utf_8_is_refused(room: bytes) -> None:
    join = b"\x83" + pack("type") + pack("join") + pack("id") + pack(1) + pack("room")
    with pytest.raises(MessageError):
        decode_client_message(join + room)


NESTED: Final = {
    "arrays": b"\x91",
    "maps": b"\x81" + pack("a"),
    "maps of types": b"\x81" + pack("type"),
}


@pytest.mark.parametrize("nested", NESTED.values(), ids=NESTED)
@pytest.mark.parametrize("name", ["ping", "posted", "text", "later"])
@pytest.mark.parametrize("side", DECODERS)
def test_deep_nesting_is_refused_or_ignored(side: str, name: str, nested: bytes) -> None:
    head = b"\x83" + pack("type") + pack(name) + pack("id") + pack(1) + pack("acks")
    for depth in (1, 100, 900, 1_100, (PAYLOAD_BYTES - len(head) - 1) // len(nested)):
        for payload in (head + nested * depth + b"\x01", nested * depth + b"\x01"):
            try:
                message = DECODERS[side](payload)
            except MessageError:
                continue
            assert isinstance(message, Ping | Unknown)


values: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | texts | st.binary(max_size=70),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)
keys: Final = st.sampled_from(sorted({key for _, valid in EACH for key in valid})) | texts
types: Final = st.sampled_from(sorted({valid["type"] for _, valid in EACH})) | texts
nearly_messages: Final = st.builds(
    lambda fields, name: pack(fields | {"type": name}),
    st.dictionaries(keys, values, max_size=6),
    types,
)


@given(nearly_messages | values.map(pack) | st.binary(max_size=100), st.sampled_from([*DECODERS]))
def test_garbage_is_a_value_or_unknown_or_refused(payload: bytes, side: str) -> None:
    try:
        message = DECODERS[side](payload)
    except MessageError:
        return
    assert isinstance(message, Struct)
    if not isinstance(message, Unknown):
        assert DECODERS[side](encode(message)) == message


@given(client_messages | server_messages | bodies, st.data())
def test_a_changed_message_is_a_value_or_unknown_or_refused(
    message: Struct, data: st.DataObject
) -> None:
    payload = bytearray(encode(message))
    place = data.draw(st.integers(0, len(payload) - 1))
    payload[place] = data.draw(st.integers(0, 255))
    for decode in DECODERS.values():
        try:
            assert isinstance(decode(bytes(payload)), Struct)
        except MessageError:
            continue


def test_a_request_of_a_later_version_comes_out_with_its_id() -> None:
    assert decode_client_message(pack({"type": "later", "id": 7})) == Unknown("later", 7)
    assert decode_client_message(pack({"type": "later", "x": 7})) == Unknown("later", None)


@pytest.mark.parametrize("number", [0, -1, 2**32, "1", b"1", True, 1.5, [1]])
def test_a_request_of_a_later_version_has_an_id_as_every_request_has(number: object) -> None:
    with pytest.raises(MessageError):
        decode_client_message(pack({"type": "later", "id": number}))


@pytest.mark.parametrize("number", [None, 0, 1, 2**64 - 1, "1", bytes(16), True, 1.5, [1]])
@pytest.mark.parametrize("side", ["server", "body"])
def test_an_event_of_a_later_version_may_use_id_for_anything(side: str, number: object) -> None:
    assert DECODERS[side](pack({"type": "later", "id": number})) == Unknown("later")


def test_what_only_the_other_side_sends_is_unknown() -> None:
    assert decode_client_message(encode(Ok(1))) == Unknown("ok", 1)
    assert decode_server_message(encode(Join(1, "lobby"))) == Unknown("join")
    assert decode_body(encode(Update())) == Unknown("update")


def test_optional_keys_are_left_out() -> None:
    assert msgspec.msgpack.decode(encode(Who(1, "lobby"))) == {
        "type": "who",
        "id": 1,
        "room": "lobby",
    }
    assert msgspec.msgpack.decode(encode(Close(0))) == {"type": "close", "code": 0}
    with_time = {"type": "close", "code": 1, "retry_after": 5}
    assert msgspec.msgpack.decode(encode(Close(1, 5))) == with_time


def nick_of_size(size: int) -> Nick:
    """Return a message that takes exactly `size` bytes."""
    message = Nick(1, "a" * (size - len(encode(Nick(1, "a" * 300))) + 300))
    return message


def test_a_message_may_fill_the_payload() -> None:
    message = nick_of_size(PAYLOAD_BYTES)
    payload = encode(message)
    assert len(payload) == PAYLOAD_BYTES
    assert decode_client_message(payload) == message


def test_a_longer_message_is_neither_sent_nor_taken() -> None:
    message = nick_of_size(PAYLOAD_BYTES + 1)
    with pytest.raises(LocalProtocolError):
        encode(message)
    with pytest.raises(MessageError):
        decode_client_message(pack(message))


def test_a_text_that_is_not_unicode_is_not_sent() -> None:
    with pytest.raises(LocalProtocolError):
        encode(Nick(1, "\ud800"))


WIDE: Final = "\N{GRINNING FACE}"


@pytest.mark.parametrize(
    "message",
    [
        Post(2**32 - 1, "lobby", bytes(16), WIDE * (TEXT_BYTES // 4)),
        Members(2**32 - 1, "lobby", [WIDE * NICK_CHARACTERS] * MEMBERS_PAGE, True),
        Posted([(2**32 - 1, SEQ_MAX, SEQ_MAX)] * ACKS_PAGE),
        TextBody(SEQ_MAX, bytes(16), WIDE * NICK_CHARACTERS, WIDE * (TEXT_BYTES // 4)),
    ],
    ids=lambda message: type(message).__name__,
)
def test_the_largest_values_the_limits_allow_fit_a_payload(message: Struct) -> None:
    assert len(encode(message)) <= PAYLOAD_BYTES


def test_everything_public_is_exported() -> None:
    unions = (*get_args(ClientMessage), *get_args(ServerMessage), *get_args(Body), Unknown)
    assert {member.__name__ for member in unions} <= set(messages.__all__)

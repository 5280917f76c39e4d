"""Messages and bodies: the round trip, refusals, and values that only a later version knows."""

from types import UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Struct, UnsetType

from chat.content import Content
from chat.ids import LogId
from chat.limits import (
    ACKS_PAGE,
    HISTORY_PAGE,
    LOGIN_BYTES,
    LOGS_PAGE,
    MEMBERS_PAGE,
    NICK_CHARACTERS,
    PAYLOAD_BYTES,
    REACTION_BYTES,
    ROOM_CHARACTERS,
    ROOMS_PAGE,
    SEQ_MAX,
    TEXT_BYTES,
    TOPIC_CHARACTERS,
    WORDS_BYTES,
)
from chat.testing.ids import ANY_ACCOUNT, ANY_DEVICE, ANY_LOG, ANY_MESSAGE
from chat.wire import messages
from chat.wire.errors import LocalProtocolError, MessageError
from chat.wire.fields import (
    Account,
    Device,
    Key,
    Log,
    MessageName,
    Natural,
    RequestId,
    Seconds,
    Seq,
    Signature,
    TokenValue,
)
from chat.wire.messages import (
    Body,
    ClientMessage,
    Close,
    Edit,
    EditBody,
    History,
    Joined,
    Login,
    LogList,
    Members,
    Moderate,
    Nick,
    Ping,
    Post,
    Posted,
    React,
    ReactionBody,
    RenamedBody,
    RoomList,
    Search,
    ServerMessage,
    TextBody,
    Topic,
    TopicBody,
    Unknown,
    Update,
    Who,
    decode_body,
    decode_client_message,
    decode_server_message,
    encode,
)

pack: Final = msgspec.msgpack.encode

texts: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)

FIELDS: Final[dict[Any, st.SearchStrategy[Any]]] = {
    RequestId: st.integers(1, 2**32 - 1),
    Natural: st.integers(0, SEQ_MAX),
    Seq: st.integers(1, SEQ_MAX),
    get_type_hints(History, include_extras=True)["limit"]: st.integers(1, 50),
    **dict.fromkeys((Log, Account, MessageName, TokenValue), st.binary(min_size=16, max_size=16)),
    Seconds: st.integers(0, 10**9),
    Device: st.binary(min_size=32, max_size=32),
    Signature: st.binary(min_size=64, max_size=64),
    Key: st.binary(min_size=64, max_size=64),
    str: texts,
    bool: st.booleans(),
    UnsetType: st.just(UNSET),
}
"""Every type of a message field, except composite ones."""


def of_type(kind: Any) -> st.SearchStrategy[Any]:
    """Return the possible values of a field of this type."""
    if kind in FIELDS:
        return FIELDS[kind]
    of = [of_type(argument) for argument in get_args(kind)]
    origin = get_origin(kind)
    if origin is list:
        return st.lists(*of, max_size=5)
    if origin is dict:
        return st.dictionaries(*of, max_size=3)
    if origin is tuple:
        return st.tuples(*of)
    assert origin in (Union, UnionType)
    return st.one_of(*of)


def of_union(union: Any) -> st.SearchStrategy[Any]:
    """Return all messages of a union, with any valid values."""
    members: list[st.SearchStrategy[Any]] = []
    for member in get_args(union):
        kinds = get_type_hints(member, include_extras=True)
        fields = {name: of_type(kinds[name]) for name in member.__struct_fields__}
        members.append(st.builds(member, **fields))
    return st.one_of(members)


client_messages: Final[st.SearchStrategy[ClientMessage]] = of_union(ClientMessage)
server_messages: Final[st.SearchStrategy[ServerMessage]] = of_union(ServerMessage)
bodies: Final[st.SearchStrategy[Body]] = of_union(Body)

DECODERS: Final = {
    "client": decode_client_message,
    "server": decode_server_message,
    "body": decode_body,
}
UNIONS: Final[dict[str, Any]] = {"client": ClientMessage, "server": ServerMessage, "body": Body}

_LOG: Final = LogId(b"the log's own id")
_POSTING: Final = {"log": _LOG, "message": bytes(16)}
_BOTH: Final[list[dict[str, Any]]] = [
    {"type": "ping", "id": 1},
    {"type": "pong", "id": 1},
    {"type": "update"},
    {"type": "close", "code": 0},
]
_OPENED: Final = {
    "log": _LOG,
    "kind": "public",
    "room": "lobby",
    "seq": 0,
    "tail": 0,
    "members": 1,
    "topic": "",
}
_WHO: Final = {"time": 0, "account": bytes(16), "nick": "bob"}
VALID: Final[dict[str, list[dict[str, Any]]]] = {
    "client": [
        {"type": "login", "id": 1, "nick": "alice", "key": bytes(32), "signature": bytes(64)},
        {"type": "nick", "id": 1, "nick": "alice"},
        {"type": "logs", "id": 1},
        {"type": "rooms", "id": 1},
        {"type": "join", "id": 1, "room": "lobby"},
        {"type": "private", "id": 1, "nick": "bob"},
        {"type": "requests", "id": 1},
        {"type": "accept", "id": 1, "log": _LOG},
        {"type": "decline", "id": 1, "log": _LOG},
        {"type": "block", "id": 1, "nick": "eve"},
        {"type": "unblock", "id": 1, "nick": "eve"},
        {"type": "blocks", "id": 1},
        {"type": "contact", "id": 1},
        {"type": "read", "id": 1, "log": _LOG, "after": 0},
        {"type": "leave", "id": 1, "log": _LOG},
        {"type": "who", "id": 1, "log": _LOG},
        {"type": "topic", "id": 1, "log": _LOG, "topic": "Anything"},
        {"type": "invite", "id": 1, "log": _LOG, "nick": "bob"},
        {"type": "moderate", "id": 1, "action": "kick", "nick": "bob"},
        {"type": "slow", "id": 1, "log": _LOG, "seconds": 0},
        {"type": "token", "id": 1, "uses": 1, "seconds": 1},
        {"type": "code", "id": 1},
        {"type": "devices", "id": 1},
        {"type": "revoke", "id": 1, "key": bytes(32)},
        {"type": "post", "id": 1, **_POSTING, "text": "hello"},
        {"type": "edit", "id": 1, **_POSTING, "seq": 1, "text": "hello"},
        {"type": "delete", "id": 1, **_POSTING, "seq": 1},
        {"type": "react", "id": 1, **_POSTING, "seq": 1, "reaction": "+"},
        {"type": "history", "id": 1, "log": _LOG, "limit": 50},
        {"type": "search", "id": 1, "words": "hello"},
        {"type": "seen", "log": _LOG, "seq": 0},
        {"type": "typing", "log": _LOG},
        *_BOTH,
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
            "keeps": "disk",
            "limits": {"text": 8_192},
            "features": ["search"],
        },
        {"type": "logs", "id": 1, "logs": [[_LOG, "public", "lobby", 9, 8]], "more": False},
        {"type": "rooms", "id": 1, "rooms": [["lobby", 1, "Anything"]], "more": False},
        {"type": "joined", "id": 1, **_OPENED},
        {"type": "requests", "id": 1, "requests": [[_LOG, bytes(16), "eve", 1]], "more": False},
        {"type": "blocks", "id": 1, "nicks": ["eve"], "more": False},
        {"type": "contact", "id": 1, "who": "nobody"},
        {"type": "requested", "log": _LOG, "account": bytes(16), "nick": "eve"},
        {
            "type": "members",
            "id": 1,
            "log": _LOG,
            "members": [[bytes(16), "alice", True, "owner"]],
            "more": False,
        },
        {"type": "posted", "log": _LOG, "seq": 2, "acks": [[1, 2, 3]]},
        {"type": "page", "id": 1, "count": 0, "more": False},
        {"type": "code", "id": 1, "code": "ABCDE-FGHJK", "seconds": 600},
        {"type": "devices", "id": 1, "devices": [[bytes(32), 1, True]]},
        {"type": "token", "id": 1, "token": bytes(16)},
        {"type": "notice", "text": "Something happened."},
        {"type": "seen", "log": _LOG, "seq": 0},
        {"type": "keys", "log": _LOG, "epoch": 1, "key": bytes(64)},
        {"type": "opened", **_OPENED},
        {"type": "removed", "log": _LOG, "text": "alice removed you."},
        {"type": "invited", "room": "lobby", "by": "alice"},
        *_BOTH,
    ],
    "body": [
        {"type": "text", **_WHO, "text": "hello"},
        {"type": "edit", **_WHO, "seq": 1, "text": "hello"},
        {"type": "delete", **_WHO, "seq": 1},
        {"type": "reaction", **_WHO, "seq": 1, "reaction": "+"},
        {"type": "topic", **_WHO, "topic": "Anything"},
        {"type": "joined", **_WHO},
        {"type": "left", **_WHO},
        {"type": "renamed", **_WHO, "was": "rob"},
        {"type": "role", **_WHO, "role": "operator"},
        {"type": "typing", **_WHO},
    ],
}
"""One map per type, with its required keys."""

OPTIONAL: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("client", "logs"): {"after": _LOG},
    ("client", "rooms"): {"after": "lobby"},
    ("client", "join"): {"create": "invite", "new": True},
    ("client", "who"): {"after": "alice"},
    ("client", "private"): {"log": _LOG},
    ("client", "requests"): {"after": _LOG},
    ("client", "blocks"): {"after": "eve"},
    ("client", "contact"): {"who": "members"},
    ("server", "welcome"): {"requests": 1},
    ("client", "login"): {"code": "ABCDE-FGHJK", "token": bytes(16), "password": "x"},
    ("client", "moderate"): {
        "log": _LOG,
        "seconds": 1,
        "reason": "spam",
        "network": True,
        "force": True,
    },
    ("client", "token"): {"log": _LOG},
    ("client", "post"): {"reply": 1, "me": True},
    ("client", "history"): {"before": 1, "after": 1, "time": 1},
    ("client", "close"): {"retry_after": 0},
    ("server", "close"): {"retry_after": 0},
    ("server", "refused"): {"log": _LOG},
    ("body", "text"): {"reply": 1, "me": True},
    ("body", "joined"): {"new": True},
    ("body", "left"): {"gone": True},
}
"""Its optional keys."""

RANGES: Final[dict[str, tuple[int, int]]] = {
    "id": (1, 2**32 - 1),
    "epoch": (1, 2**32 - 1),
    "seq": (1, SEQ_MAX),
    "reply": (1, SEQ_MAX),
    "before": (1, SEQ_MAX),
    "limit": (1, 50),
    "uses": (1, SEQ_MAX),
    "seconds": (0, 10**9),
}
"""Ranges of ints other than 0 to 2^63 - 1; for `seq`, only where it names a record."""

CURSORS: Final = {"seen", "joined", "opened", "posted"}
"""Messages in which `seq` is a cursor, and so may be 0."""

EACH: Final = [(side, valid) for side, some in VALID.items() for valid in some]
IDS: Final = [f"{side} {valid['type']}" for side, valid in EACH]
each_message: Final = pytest.mark.parametrize(("side", "valid"), EACH, ids=IDS)


def full(side: str, valid: dict[str, Any]) -> dict[str, Any]:
    """Return a map with the optional keys."""
    return valid | OPTIONAL.get((side, valid["type"]), {})


def range_of(name: str, key: str) -> tuple[int, int]:
    """Return the smallest and largest int for a key."""
    if (key == "id" and name in ("ping", "pong")) or (key == "seq" and name in CURSORS):
        return 0, SEQ_MAX
    return RANGES.get(key, (0, SEQ_MAX))


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
    for some in (valid, full(side, valid)):
        message = DECODERS[side](pack(some))
        assert not isinstance(message, Unknown)
        assert msgspec.msgpack.decode(encode(message)) == some


@pytest.mark.parametrize("side", UNIONS)
def test_the_tables_name_every_message_there_is_and_every_key(side: str) -> None:
    members = {member.__struct_config__.tag: member for member in get_args(UNIONS[side])}
    assert len(members) == len(get_args(UNIONS[side])) == len(VALID[side])
    for valid in VALID[side]:
        keys = {"type", *members[valid["type"]].__struct_fields__}
        assert keys == set(full(side, valid))


@each_message
def test_keys_of_a_later_version_are_ignored(side: str, valid: dict[str, Any]) -> None:
    decode = DECODERS[side]
    expected = decode(pack(valid))
    deep: Any = None
    for depth in range(16):
        deep = [deep] if depth % 2 else {"a": deep}
    for later in ([{"x": b"y"}, 1.5, None, -1, 2**64 - 1, {1: 2}], deep, "later", None):
        assert decode(pack(valid | {"later": later})) == expected
        assert decode(pack({"later": later} | valid)) == expected


@each_message
def test_the_order_of_keys_does_not_matter(side: str, valid: dict[str, Any]) -> None:
    decode = DECODERS[side]
    assert decode(pack(dict(reversed(valid.items())))) == decode(pack(valid))


@each_message
def test_every_key_is_needed_that_is_not_optional(side: str, valid: dict[str, Any]) -> None:
    for key in valid:
        with pytest.raises(MessageError):
            DECODERS[side](pack({k: v for k, v in full(side, valid).items() if k != key}))


def wrong_values(right: object) -> list[object]:
    """Return values that are invalid in place of `right`, by the tables of section 6."""
    match right:
        case bool():
            return [None, 0, 1, "true", b"", []]
        case int():
            return [None, True, -1, 2**63, 2**64 - 1, 1.0, "1", b"1", [1]]
        case str():
            return [None, 1, False, right.encode(), [right], {}]
        case bytes():
            return [None, 1, "a" * len(right), b"", right[1:], right + b"a", [right]]
        case [list() as element]:
            return [None, 1, "list", b"", {}, *([wrong] for wrong in wrong_elements(element))]
        case list():
            return [None, 1, "list", b"", {}, *([wrong] for wrong in wrong_values(right[0]))]
        case _:
            return [None, 1, "map", b"", [], {"text": -1}, {"text": "1"}, {1: 1}]


def wrong_elements(right: list[object]) -> list[object]:
    """Return values that are invalid in place of a fixed-length array in a list."""
    wrong: list[object] = [None, 1, "", {}, [], right[:-1], [*right, 1], [*right, None]]
    for place, value in enumerate(right):
        wrong += [[*right[:place], other, *right[place + 1 :]] for other in wrong_values(value)]
    return wrong


@each_message
def test_a_value_of_another_type_or_size_is_refused(side: str, valid: dict[str, Any]) -> None:
    for key, right in full(side, valid).items():
        for wrong in wrong_values(right):
            with pytest.raises(MessageError):
                DECODERS[side](pack(valid | {key: wrong}))


@each_message
def test_an_int_has_its_range(side: str, valid: dict[str, Any]) -> None:
    for key, right in full(side, valid).items():
        if type(right) is int:
            least, most = range_of(valid["type"], key)
            for number in (least, most):
                message = DECODERS[side](pack(valid | {key: number}))
                assert getattr(message, key) == number
            for number in (least - 1, most + 1):
                with pytest.raises(MessageError):
                    DECODERS[side](pack(valid | {key: number}))


@pytest.mark.parametrize("number", [0, 2**32])
def test_an_acknowledgement_names_a_request(number: int) -> None:
    posted = {"type": "posted", "log": _LOG, "seq": 1}
    with pytest.raises(MessageError):
        decode_server_message(pack(posted | {"acks": [[1, 2, 3], [number, 2, 3]]}))


def test_false_is_what_an_optional_bool_means_when_left_out() -> None:
    op = {"type": "moderate", "id": 1, "action": "op", "nick": "bob", "log": _LOG}
    message = decode_client_message(pack(op | {"network": False}))
    assert message == decode_client_message(pack(op)) == Moderate(1, "op", "bob", _LOG)
    assert msgspec.msgpack.decode(encode(message)) == op


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
keys: Final = (
    st.sampled_from(sorted({key for side, valid in EACH for key in full(side, valid)})) | texts
)
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


@pytest.mark.parametrize(("side", "other"), [("client", "server"), ("server", "client")])
def test_what_only_the_other_side_sends_is_unknown(side: str, other: str) -> None:
    known = {valid["type"] for valid in VALID[side]}
    there = [valid for valid in VALID[other] if valid["type"] not in known]
    assert there
    for valid in there:
        number = valid.get("id") if side == "client" else None
        assert DECODERS[side](pack(valid)) == Unknown(valid["type"], number)
    assert decode_body(encode(Update())) == Unknown("update")


def test_optional_keys_are_left_out() -> None:
    assert msgspec.msgpack.decode(encode(Who(1, _LOG))) == {"type": "who", "id": 1, "log": _LOG}
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


@pytest.mark.parametrize("number", [2**64, 10**30, -(2**63) - 1])
def test_a_number_beyond_64_bits_is_not_sent(number: int) -> None:
    with pytest.raises(LocalProtocolError):
        encode(Ping(number))


def test_a_text_that_is_not_unicode_is_not_sent() -> None:
    with pytest.raises(LocalProtocolError):
        encode(Nick(1, "\ud800"))


WIDE: Final = "\N{GRINNING FACE}"
NAME: Final = WIDE * NICK_CHARACTERS
ROOM: Final = WIDE * ROOM_CHARACTERS
TOPIC: Final = WIDE * TOPIC_CHARACTERS
TEXT: Final = WIDE * (TEXT_BYTES // 4)
ID: Final = 2**32 - 1
A_LOG: Final = (ANY_LOG, "private", NAME, SEQ_MAX, SEQ_MAX)
A_ROOM: Final = (ROOM, SEQ_MAX, TOPIC)
A_MEMBER: Final = (ANY_ACCOUNT, NAME, True, "operator")
AN_ACK: Final = (ID, SEQ_MAX, SEQ_MAX)


@pytest.mark.parametrize(
    "message",
    [
        Topic(ID, ANY_LOG, TOPIC),
        Post(ID, ANY_LOG, ANY_MESSAGE, TEXT, SEQ_MAX),
        Edit(ID, ANY_LOG, ANY_MESSAGE, SEQ_MAX, TEXT),
        React(ID, ANY_LOG, ANY_MESSAGE, SEQ_MAX, "a" * REACTION_BYTES),
        Search(ID, WIDE * (WORDS_BYTES // 4)),
        LogList(ID, [A_LOG] * LOGS_PAGE, True),
        RoomList(ID, [A_ROOM] * ROOMS_PAGE, True),
        Members(ID, ANY_LOG, [A_MEMBER] * MEMBERS_PAGE, True),
        Posted(ANY_LOG, SEQ_MAX, [AN_ACK] * ACKS_PAGE),
        Joined(ANY_LOG, "private", ROOM, SEQ_MAX, SEQ_MAX, SEQ_MAX, TOPIC, ID),
        TextBody(SEQ_MAX, ANY_ACCOUNT, NAME, TEXT, SEQ_MAX),
        EditBody(SEQ_MAX, ANY_ACCOUNT, NAME, SEQ_MAX, TEXT),
        ReactionBody(SEQ_MAX, ANY_ACCOUNT, NAME, SEQ_MAX, "a" * REACTION_BYTES),
        TopicBody(SEQ_MAX, ANY_ACCOUNT, NAME, TOPIC),
        RenamedBody(SEQ_MAX, ANY_ACCOUNT, NAME, NAME),
    ],
    ids=lambda message: type(message).__name__,
)
def test_the_largest_values_the_limits_allow_fit_a_payload(message: Struct) -> None:
    assert len(encode(message)) <= PAYLOAD_BYTES


@pytest.mark.parametrize(
    ("element", "size", "page"),
    [
        (A_LOG, 18 + 8 + 130 + 9 + 9 + 1, LOGS_PAGE),
        (A_ROOM, 130 + 9 + 803 + 1, ROOMS_PAGE),
        (A_MEMBER, 18 + 130 + 1 + 9 + 1, MEMBERS_PAGE),
        (AN_ACK, 5 + 9 + 9 + 1, ACKS_PAGE),
    ],
    ids=["logs", "rooms", "members", "acks"],
)
def test_the_bounds_of_lists_are_derived_from_elements_of_this_size(
    element: object, size: int, page: int
) -> None:
    assert len(pack(element)) == size
    # The rest must be enough for the rest of the message: its keys, ids and flags.
    assert page * size <= PAYLOAD_BYTES - 128


def test_the_bounds_of_the_tables_are_those_of_the_code() -> None:
    assert (LOGS_PAGE, ROOMS_PAGE, MEMBERS_PAGE, HISTORY_PAGE) == (80, 16, 100, 50)
    assert (TOPIC_CHARACTERS, REACTION_BYTES, WORDS_BYTES) == (200, 64, 1_024)


def test_the_longest_honest_login_fits_a_client_finish() -> None:
    assert len(encode(Login(ID, NAME, ANY_DEVICE, bytes(64)))) <= LOGIN_BYTES


def test_everything_public_is_exported() -> None:
    unions = (*get_args(ClientMessage), *get_args(ServerMessage), *get_args(Body), Unknown)
    assert {member.__name__ for member in unions} <= set(messages.__all__)


@given(texts, st.booleans(), st.one_of(st.integers(1, SEQ_MAX), st.just(UNSET)))
def test_content_is_the_same_when_it_is_posted_and_when_it_is_read(
    text: str, is_action: bool, reply: int | UnsetType
) -> None:
    content = Content(text, is_action)
    post = Post.of(7, ANY_LOG, ANY_MESSAGE, content, reply)
    assert (post.id, post.log, post.message, post.reply) == (7, ANY_LOG, ANY_MESSAGE, reply)
    assert decode_client_message(encode(post)) == post and post.content == content
    body = TextBody.of(1, ANY_ACCOUNT, "ana", content, reply)
    assert (body.time, body.account, body.nick, body.reply) == (1, ANY_ACCOUNT, "ana", reply)
    assert decode_body(encode(body)) == body and body.content == content

"""Messages and record bodies: typed values and MessagePack (docs/protocol.md sections 6 and 7).

Bytes become typed here and nowhere else. Decoding validates; what does not fit raises
`MessageError`; what only a newer peer knows comes out as `Unknown`.
"""

from typing import Annotated, Any, Final, TypeVar, get_args

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from chat.limits import PAYLOAD_BYTES, SEQ_MAX
from chat.wire.errors import LocalProtocolError, MessageError

__all__ = [
    "Body",
    "ClientMessage",
    "Close",
    "Join",
    "Joined",
    "JoinedBody",
    "Keys",
    "LeftBody",
    "Login",
    "Members",
    "Nick",
    "Ok",
    "Ping",
    "Pong",
    "Post",
    "Posted",
    "Refused",
    "RenamedBody",
    "Request",
    "ServerMessage",
    "TextBody",
    "Unknown",
    "Update",
    "Welcome",
    "Who",
    "decode_body",
    "decode_client_message",
    "decode_server_message",
    "encode",
]

RequestId = Annotated[int, Meta(ge=1, le=2**32 - 1)]
Natural = Annotated[int, Meta(ge=0, le=SEQ_MAX)]
Id16 = Annotated[bytes, Meta(min_length=16, max_length=16)]
Key = Annotated[bytes, Meta(min_length=64, max_length=64)]


class _Message(Struct, frozen=True, tag_field="type", tag=str.lower, omit_defaults=True):
    """Base: a map whose key ``type`` is the lower-case class name. Unknown keys are ignored."""


class Request(_Message, frozen=True):
    """From client to server; gets exactly one answer with the same `id`."""

    id: RequestId


class Login(Request, frozen=True):
    """Be known as `nick`."""

    nick: str


class Nick(Request, frozen=True):
    """Be known as `nick` from now on."""

    nick: str


class Join(Request, frozen=True):
    """Become a member of `room`."""

    room: str


class Who(Request, frozen=True):
    """List members, from behind the nickname `after`."""

    room: str
    after: str | UnsetType = UNSET


class Post(Request, frozen=True):
    """Say `text` in `room`. `message` makes a repetition recognisable."""

    room: str
    message: Id16
    text: str


class Ok(_Message, frozen=True):
    """Done."""

    id: RequestId


class Refused(_Message, frozen=True):
    """Not done. `text` is a sentence for the user."""

    id: RequestId
    code: str
    text: str


class Welcome(_Message, frozen=True):
    """Logged in. `time` in milliseconds of UTC; the rest as docs/protocol.md 6.2 says."""

    id: RequestId
    account: Id16
    nick: str
    server: str
    time: Natural
    keeps: str
    limits: dict[str, Natural]
    features: list[str]


class Joined(_Message, frozen=True):
    """Now a member. Records after `seq` of `log` follow."""

    id: RequestId
    room: str
    log: Id16
    seq: Natural
    members: Natural


class Members(_Message, frozen=True):
    """A page of nicknames."""

    id: RequestId
    room: str
    nicks: list[str]
    more: bool


class Posted(_Message, frozen=True):
    """Answers to several posts: (id, sequence number, time)."""

    acks: list[tuple[RequestId, Natural, Natural]]


class Keys(_Message, frozen=True):
    """An epoch's key, before the first record that needs it."""

    log: Id16
    epoch: Annotated[int, Meta(ge=1, le=2**32 - 1)]
    key: Key


class Ping(_Message, frozen=True):
    """Are you there?"""

    id: Natural


class Pong(_Message, frozen=True):
    """Yes."""

    id: Natural


class Update(_Message, frozen=True):
    """The last frame of its generation."""


class Close(_Message, frozen=True):
    """The sender ends the connection; `retry_after` in seconds."""

    code: Natural
    retry_after: Natural | UnsetType = UNSET


class _Body(_Message, frozen=True, tag=lambda name: name.removesuffix("Body").lower()):
    """Base of record bodies: when, and who. `time` in milliseconds of UTC."""

    time: Natural
    account: Id16
    nick: str


class TextBody(_Body, frozen=True):
    """`nick` said `text`."""

    text: str


class JoinedBody(_Body, frozen=True):
    """`nick` became a member."""


class LeftBody(_Body, frozen=True):
    """`nick` is a member no longer."""


class RenamedBody(_Body, frozen=True):
    """`nick` was known as `was`."""

    was: str


class _Typed(Struct, frozen=True):
    """What every message has. Of an unknown one that is no request, nothing else is looked at."""

    type: str


class Unknown(_Typed, frozen=True):
    """A message of a type this version does not have; with an `id` where it is a request."""

    id: RequestId | None = None


ClientMessage = Login | Nick | Join | Who | Post | Ping | Pong | Update | Close
ServerMessage = (
    Ok | Refused | Welcome | Joined | Members | Posted | Keys | Ping | Pong | Update | Close
)
Body = TextBody | JoinedBody | LeftBody | RenamedBody

_client_messages: Final = msgspec.msgpack.Decoder(ClientMessage)
_server_messages: Final = msgspec.msgpack.Decoder(ServerMessage)
_bodies: Final = msgspec.msgpack.Decoder(Body)
_unknown_requests: Final = msgspec.msgpack.Decoder(Unknown)
_unknown_others: Final = msgspec.msgpack.Decoder(_Typed)
_encoder: Final = msgspec.msgpack.Encoder()

_UNDECODABLE: Final = (msgspec.DecodeError, ValueError, RecursionError)
"""What a decoder raises: ValueError for a string that is not UTF-8, RecursionError for nesting.
DecodeError is itself a ValueError only in later releases of msgspec."""

_T = TypeVar("_T")


def _types(union: Any) -> frozenset[str]:
    """Return the values of the key ``type`` that a union's members have."""
    return frozenset(member.__struct_config__.tag for member in get_args(union))


_CLIENT_TYPES: Final = _types(ClientMessage)
_SERVER_TYPES: Final = _types(ServerMessage)
_BODY_TYPES: Final = _types(Body)


def encode(message: Struct) -> bytes:
    """Return the bytes of a message or body, at most 16,384. Raises LocalProtocolError."""
    try:
        payload = _encoder.encode(message)
    except UnicodeEncodeError:
        raise LocalProtocolError("a text that cannot be written as UTF-8") from None
    if len(payload) > PAYLOAD_BYTES:
        raise LocalProtocolError(f"a message has at most {PAYLOAD_BYTES} bytes")
    return payload


def decode_client_message(payload: bytes) -> ClientMessage | Unknown:
    """Return what a client sent. Raises MessageError."""
    return _decode(_client_messages, _unknown_requests, _CLIENT_TYPES, payload)


def decode_server_message(payload: bytes) -> ServerMessage | Unknown:
    """Return what a server sent. Raises MessageError."""
    return _decode(_server_messages, _unknown_others, _SERVER_TYPES, payload)


def decode_body(payload: bytes) -> Body | Unknown:
    """Return the body of a record. Raises MessageError."""
    return _decode(_bodies, _unknown_others, _BODY_TYPES, payload)


def _decode(
    decoder: msgspec.msgpack.Decoder[_T],
    unknown_decoder: msgspec.msgpack.Decoder[Unknown] | msgspec.msgpack.Decoder[_Typed],
    types: frozenset[str],
    payload: bytes,
) -> _T | Unknown:
    if len(payload) > PAYLOAD_BYTES:
        raise MessageError("a message that is too long")
    try:
        return decoder.decode(payload)
    except _UNDECODABLE:
        pass  # Perhaps only its type is unknown.
    try:
        unknown = unknown_decoder.decode(payload)
    except _UNDECODABLE:
        raise MessageError("a message that is none") from None
    if unknown.type in types:
        raise MessageError("a message with wrong or missing values")
    return unknown if isinstance(unknown, Unknown) else Unknown(unknown.type)

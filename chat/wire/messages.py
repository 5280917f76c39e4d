"""Messages and record bodies as MessagePack (docs/protocol.md sections 6 and 7).

Bytes become typed here and nowhere else. Decoding validates: invalid input raises `MessageError`,
and a type that only a newer peer knows comes out as `Unknown`.
"""

from typing import Any, Final, TypeVar, get_args

import msgspec
from msgspec import UNSET, Struct, UnsetType

from chat.limits import PAYLOAD_BYTES
from chat.wire.answers import (
    BlockList,
    CodeIssued,
    ContactChosen,
    DeviceList,
    Invited,
    Joined,
    Keys,
    LogList,
    Members,
    Notice,
    Ok,
    Opened,
    Page,
    Posted,
    Refused,
    Removed,
    Requested,
    RequestList,
    RoomList,
    SeenElsewhere,
    TokenIssued,
    Welcome,
)
from chat.wire.bodies import (
    DeleteBody,
    EditBody,
    JoinedBody,
    LeftBody,
    ReactionBody,
    RenamedBody,
    RoleBody,
    TextBody,
    TopicBody,
    TypingBody,
)
from chat.wire.errors import LocalProtocolError, MessageError
from chat.wire.fields import Message, Natural, RequestId
from chat.wire.requests import (
    Accept,
    Block,
    Blocks,
    Code,
    Contact,
    Decline,
    Delete,
    Devices,
    Edit,
    History,
    Invite,
    Join,
    Leave,
    Login,
    Logs,
    Moderate,
    Nick,
    Post,
    Posting,
    Private,
    React,
    Read,
    Request,
    Requests,
    Revoke,
    Rooms,
    Search,
    Seen,
    Slow,
    Token,
    Topic,
    Typing,
    Unblock,
    Who,
)

__all__ = [
    "Accept",
    "Block",
    "BlockList",
    "Blocks",
    "Body",
    "ClientMessage",
    "Close",
    "Code",
    "CodeIssued",
    "Contact",
    "ContactChosen",
    "Decline",
    "Delete",
    "DeleteBody",
    "DeviceList",
    "Devices",
    "Edit",
    "EditBody",
    "History",
    "Invite",
    "Invited",
    "Join",
    "Joined",
    "JoinedBody",
    "Keys",
    "Leave",
    "LeftBody",
    "LogList",
    "Login",
    "Logs",
    "Members",
    "Moderate",
    "Nick",
    "Notice",
    "Ok",
    "Opened",
    "Page",
    "Ping",
    "Pong",
    "Post",
    "Posted",
    "Posting",
    "Private",
    "React",
    "ReactionBody",
    "Read",
    "Refused",
    "Removed",
    "RenamedBody",
    "Request",
    "RequestList",
    "Requested",
    "Requests",
    "Revoke",
    "RoleBody",
    "RoomList",
    "Rooms",
    "Search",
    "Seen",
    "SeenElsewhere",
    "ServerMessage",
    "Slow",
    "TextBody",
    "Token",
    "TokenIssued",
    "Topic",
    "TopicBody",
    "Typing",
    "TypingBody",
    "Unblock",
    "Unknown",
    "Update",
    "Welcome",
    "Who",
    "decode_body",
    "decode_client_message",
    "decode_server_message",
    "encode",
]


class Ping(Message, frozen=True):
    """Are you there?"""

    id: Natural


class Pong(Message, frozen=True):
    """Yes."""

    id: Natural


class Update(Message, frozen=True):
    """The last frame of its generation."""


class Close(Message, frozen=True):
    """The sender ends the connection; `retry_after` in seconds."""

    code: Natural
    retry_after: Natural | UnsetType = UNSET


class _Typed(Struct, frozen=True):
    """The key every message has. If it is unknown and not a request, the rest is ignored."""

    type: str


class Unknown(_Typed, frozen=True):
    """A message of a type this version does not know; with an `id` if it is a request."""

    id: RequestId | None = None


ClientMessage = (
    Login
    | Nick
    | Logs
    | Rooms
    | Join
    | Private
    | Requests
    | Accept
    | Decline
    | Block
    | Unblock
    | Blocks
    | Contact
    | Read
    | Leave
    | Who
    | Topic
    | Invite
    | Moderate
    | Slow
    | Token
    | Code
    | Devices
    | Revoke
    | Post
    | Edit
    | Delete
    | React
    | History
    | Search
    | Seen
    | Typing
    | Ping
    | Pong
    | Update
    | Close
)
ServerMessage = (
    Ok
    | Refused
    | Welcome
    | LogList
    | RoomList
    | Joined
    | Opened
    | Removed
    | Invited
    | Requested
    | RequestList
    | BlockList
    | ContactChosen
    | Members
    | Posted
    | Page
    | CodeIssued
    | DeviceList
    | TokenIssued
    | Notice
    | SeenElsewhere
    | Keys
    | Ping
    | Pong
    | Update
    | Close
)
Body = (
    TextBody
    | EditBody
    | DeleteBody
    | ReactionBody
    | TopicBody
    | JoinedBody
    | LeftBody
    | RenamedBody
    | RoleBody
    | TypingBody
)

_client_messages: Final = msgspec.msgpack.Decoder(ClientMessage)
_server_messages: Final = msgspec.msgpack.Decoder(ServerMessage)
_bodies: Final = msgspec.msgpack.Decoder(Body)
_unknown_requests: Final = msgspec.msgpack.Decoder(Unknown)
_unknown_others: Final = msgspec.msgpack.Decoder(_Typed)
_encoder: Final = msgspec.msgpack.Encoder()

_UNDECODABLE: Final = (msgspec.DecodeError, ValueError, RecursionError)
"""What a decoder raises: ValueError for a string that is not UTF-8, RecursionError for nesting.
DecodeError is a ValueError itself only in later releases of msgspec."""

_T = TypeVar("_T")


def _types(union: Any) -> frozenset[str]:
    """Return the values of the key ``type`` for the members of a union."""
    return frozenset(member.__struct_config__.tag for member in get_args(union))


_CLIENT_TYPES: Final = _types(ClientMessage)
_SERVER_TYPES: Final = _types(ServerMessage)
_BODY_TYPES: Final = _types(Body)


def encode(message: Struct) -> bytes:
    """Return the bytes of a message or body, at most 16,384. Raises LocalProtocolError."""
    try:
        payload = _encoder.encode(message)
    except OverflowError:
        raise LocalProtocolError("a number that is out of range") from None
    except UnicodeEncodeError:
        raise LocalProtocolError("a text that cannot be encoded as UTF-8") from None
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
        raise MessageError("not a valid message") from None
    if unknown.type in types:
        raise MessageError("a message with wrong or missing values")
    return unknown if isinstance(unknown, Unknown) else Unknown(unknown.type)

"""The base class of all messages, and the types of their fields."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from chat.ids import AccountId, DeviceKey, LogId, MessageId
from chat.limits import SEQ_MAX

__all__ = [
    "Account",
    "Device",
    "Epoch",
    "Key",
    "Log",
    "Message",
    "MessageName",
    "Natural",
    "RequestId",
    "Seconds",
    "Seq",
    "Signature",
    "TokenValue",
]

_16: Final = Meta(min_length=16, max_length=16)
_32: Final = Meta(min_length=32, max_length=32)
_64: Final = Meta(min_length=64, max_length=64)

RequestId = Annotated[int, Meta(ge=1, le=2**32 - 1)]
Natural = Annotated[int, Meta(ge=0, le=SEQ_MAX)]
Epoch = Annotated[int, Meta(ge=1, le=2**32 - 1)]
Log = Annotated[LogId, _16]
Account = Annotated[AccountId, _16]
MessageName = Annotated[MessageId, _16]
Device = Annotated[DeviceKey, _32]
TokenValue = Annotated[bytes, _16]
Key = Annotated[bytes, _64]
Signature = Annotated[bytes, _64]
Seconds = Annotated[int, Meta(ge=0, le=10**9)]
Seq = Annotated[int, Meta(ge=1, le=SEQ_MAX)]


class Message(Struct, frozen=True, tag_field="type", tag=str.lower, omit_defaults=True):
    """Base: a map whose key ``type`` is the lower-case class name. Unknown keys are ignored."""

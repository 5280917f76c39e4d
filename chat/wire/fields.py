"""What all messages are made of: the base class, and the types of their fields."""

from typing import Annotated

from msgspec import Meta, Struct

from chat.limits import SEQ_MAX

__all__ = [
    "Epoch",
    "Id16",
    "Key",
    "Message",
    "Natural",
    "PublicKey",
    "RequestId",
    "Seconds",
    "Seq",
    "Signature",
]

RequestId = Annotated[int, Meta(ge=1, le=2**32 - 1)]
Natural = Annotated[int, Meta(ge=0, le=SEQ_MAX)]
Epoch = Annotated[int, Meta(ge=1, le=2**32 - 1)]
Id16 = Annotated[bytes, Meta(min_length=16, max_length=16)]
Key = Annotated[bytes, Meta(min_length=64, max_length=64)]
PublicKey = Annotated[bytes, Meta(min_length=32, max_length=32)]
Signature = Annotated[bytes, Meta(min_length=64, max_length=64)]
Seconds = Annotated[int, Meta(ge=0, le=10**9)]
Seq = Annotated[int, Meta(ge=1, le=SEQ_MAX)]


class Message(Struct, frozen=True, tag_field="type", tag=str.lower, omit_defaults=True):
    """Base: a map whose key ``type`` is the lower-case class name. Unknown keys are ignored."""

"""The types of ids. Each is bytes, and a type checker tells them apart."""

from typing import Final, NewType

__all__ = ["NOBODY", "AccountId", "DeviceKey", "LogId", "MessageId", "RecordId"]

AccountId = NewType("AccountId", bytes)
"""An account: 16 random bytes."""

DeviceKey = NewType("DeviceKey", bytes)
"""A device of an account: its Ed25519 public key, 32 bytes."""

LogId = NewType("LogId", bytes)
"""A log (a room or a private conversation): 16 random bytes."""

MessageId = NewType("MessageId", bytes)
"""A client's name for something it posts: 16 random bytes."""

RecordId = NewType("RecordId", bytes)
"""A record: 16 bytes derived from its author and its message id (docs/protocol.md 6.1)."""

NOBODY: Final = AccountId(b"")
"""The author of records by the server itself, and the owner of a room without an owner."""

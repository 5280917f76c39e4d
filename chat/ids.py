"""What things are known by. Each is bytes, and none can be taken for another."""

from typing import Final, NewType

__all__ = ["NOBODY", "AccountId", "DeviceKey", "LogId", "MessageId", "RecordId"]

AccountId = NewType("AccountId", bytes)
"""Of an account: 16 random bytes."""

DeviceKey = NewType("DeviceKey", bytes)
"""Of a device of an account: its Ed25519 public key, 32 bytes."""

LogId = NewType("LogId", bytes)
"""Of a log (a room or a private conversation): 16 random bytes."""

MessageId = NewType("MessageId", bytes)
"""What a client calls something it posts: 16 random bytes."""

RecordId = NewType("RecordId", bytes)
"""Of a record: 16 bytes made of its author and its message id (docs/protocol.md 6.1)."""

NOBODY: Final = AccountId(b"")
"""The author of what the server itself writes, and the owner of a room that nobody owns."""

"""Ids for tests in which it does not matter what something is known by."""

from typing import Final

from chat.ids import AccountId, DeviceKey, LogId, MessageId, RecordId

__all__ = ["ANY_ACCOUNT", "ANY_DEVICE", "ANY_LOG", "ANY_MESSAGE", "ANY_RECORD"]

ANY_ACCOUNT: Final = AccountId(bytes(16))
ANY_DEVICE: Final = DeviceKey(bytes(32))
ANY_LOG: Final = LogId(bytes(16))
ANY_MESSAGE: Final = MessageId(bytes(16))
ANY_RECORD: Final = RecordId(bytes(16))

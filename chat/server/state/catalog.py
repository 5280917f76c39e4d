"""How the domain's state is stored in the store's small values, one each.

It is read once, at the start; each change writes its own values (`chat.server.state.commits`).
"""

from dataclasses import fields
from typing import Any, Final

import msgspec

from chat.rooms import values
from chat.rooms.changes import Put
from chat.rooms.hub import Hub
from chat.rooms.roles import Role, Sanction
from chat.store.interface import LogStore, StoreError, Value

__all__ = ["encode_put", "load_hub"]

_SIZES: Final = {"account": 16, "log": 16, "scope": 16, "other": 16, "key": 32, "hash": 32}
"""Sizes in bytes of the parts of a key. A part without a size is text, and comes last."""

_TABLES: Final[dict[type[Any], tuple[bytes, Any]]] = {
    # In reading order: a value's references must be loaded before it.
    values.AccountKey: (b"account/", values.Profile),
    values.HeldKey: (b"held/", values.Held),
    values.DeviceOf: (b"device/", values.Device),
    values.RoomKey: (b"room/", values.RoomProfile),
    values.MembershipKey: (b"member/", values.Membership),
    values.InvitedKey: (b"invited/", values.InvitedBy),
    values.RoleKey: (b"role/", Role),
    values.BanKey: (b"ban/", Sanction),
    values.MuteKey: (b"mute/", Sanction),
    values.NetworkKey: (b"network/", Sanction),
    values.InvitationKey: (b"invitation/", values.Invitation),
    values.LinkCodeKey: (b"code/", values.LinkCode),
    values.ClaimKey: (b"claim/", values.Claim),
    values.GrantedKey: (b"granted/", values.Granted),
    values.MomentKey: (b"moment/", values.Moment),
    values.RequestKey: (b"request/", values.Requested),
    values.ContactKey: (b"contact/", values.Contact),
    values.BlockKey: (b"block/", values.Blocked),
}
"""The prefix and the type of the values, by the domain's type of key."""


def encode_put(it: Put) -> Value:
    """Return a put as the store keeps it."""
    prefix, _ = _TABLES[type(it.key)]
    parts = [getattr(it.key, field.name) for field in fields(it.key)]
    key = b"".join([part.encode() if isinstance(part, str) else part for part in parts])
    value = None if it.value is None else msgspec.msgpack.encode(it.value)
    return Value(prefix + key, value)


async def load_hub(store: LogStore, hub: Hub) -> None:
    """Load everything stored into a new hub. Raises StoreError."""
    for kind, (prefix, type_of_value) in _TABLES.items():
        decoder = msgspec.msgpack.Decoder(type_of_value)
        for key, value in await store.scan(prefix):
            try:
                hub.put(_decode_key(kind, key[len(prefix) :]), decoder.decode(value))
            except (ValueError, LookupError, AssertionError, msgspec.DecodeError) as error:
                raise StoreError(f"the stored accounts and rooms are damaged: {error!r}") from None


def _decode_key(kind: type[Any], key: bytes) -> Any:
    sizes = [_SIZES.get(field.name, 0) for field in fields(kind)]
    if 0 not in sizes and len(key) != sum(sizes):
        raise ValueError("a key of the wrong length")
    parts: list[bytes | str] = []
    for size in sizes:
        parts.append(key[:size] if size else key.decode())
        key = key[size:]
    return kind(*parts)

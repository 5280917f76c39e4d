"""Invitations for whoever has them: made by operators, good for so many people, for so long."""

import hashlib

from chat.limits import TOKEN_BYTES
from chat.rooms.entries import Invitation
from chat.rooms.errors import NotAllowedError
from chat.rooms.hub import Hub
from chat.rooms.people import Account
from chat.rooms.roles import Role
from chat.server.state.catalog import Catalog
from chat.store.interface import StoreError
from chat.wire.sealing import RandomBytes

__all__ = ["InvitationDesk", "token_hash"]


class InvitationDesk:
    """Makes invitations and uses them up; the store has the hashes of their tokens."""

    def __init__(self, hub: Hub, catalog: Catalog, random_bytes: RandomBytes) -> None:
        self._hub = hub
        self._catalog = catalog
        self._random_bytes = random_bytes

    async def make(self, by: bytes, log: bytes, uses: int, now: int, seconds: int) -> bytes:
        """Return the token (16 bytes) of a new invitation. Raises StoreError."""
        known = self._hub.invitations.known
        for hash in self._hub.invitations.expired(now):
            del known[hash]
            await self._catalog.save_invitation(hash, None)
        token = self._random_bytes(TOKEN_BYTES)
        invitation = Invitation(log, by, uses, now + seconds * 1_000)
        known[token_hash(token)] = invitation
        try:
            await self._catalog.save_invitation(token_hash(token), invitation)
        except StoreError:
            del known[token_hash(token)]
            raise
        return token

    async def use(self, account: Account, token: bytes, invitation: Invitation) -> None:
        """Use an invitation up by one, and let the account join its room. Raises StoreError."""
        hash = token_hash(token)
        invitation.uses -= 1
        try:
            await self._catalog.save_invitation(hash, invitation if invitation.uses else None)
        except StoreError:
            invitation.uses += 1
            raise
        if not invitation.uses:
            self._hub.invitations.known.pop(hash, None)
        room = self._hub.known_room(invitation.log)
        if room is not None:
            room.invite(account)
            await self._catalog.save_room(room)

    def check_may_make(self, account: Account, log: bytes) -> None:
        """Raise NotAllowedError for anybody but operators, NotAMemberError outside of a room."""
        room = self._hub.room(account, log) if log else None
        if room is not None:
            room.check_shared()
        if self._hub.role(account, room) < Role.OPERATOR:
            raise NotAllowedError


def token_hash(token: bytes) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token).digest()

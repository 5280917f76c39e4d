"""What the admin tool shows. Nothing here changes anything."""

from chat import __version__
from chat.files import free_bytes
from chat.ids import AccountId, LogId
from chat.rooms.hub import Hub
from chat.rooms.roles import Sanction
from chat.server.administration.requests import (
    Audit,
    Bans,
    Fingerprint,
    Invites,
    Rooms,
    Status,
    Users,
)
from chat.server.requests.context import Context
from chat.server.state.audit import read_events
from chat.server.state.directory import StateDirectory
from chat.store.interface import AUDIT, audit_of
from chat.wire.hostkey import HostKey, fingerprint_words
from chat.wire.identity import identity_fingerprint

__all__ = ["Reports", "identity"]


class Reports:
    """Answers queries: each has a method with its name."""

    def __init__(
        self, context: Context, state: StateDirectory, host_key: HostKey, is_running: bool
    ) -> None:
        self.host_key = host_key
        self._context = context
        self._state = state
        self._is_running = is_running

    async def status(self, request: Status) -> object:
        """Return what the server has and is."""
        hub, sessions = self._context.hub, self._context.sessions.all()
        return {
            "version": __version__,
            "running": self._is_running,
            "state": str(self._state.path.absolute()),
            "address": self._state.address() or None,
            "fingerprint": self.host_key.fingerprint,
            "accounts": len(hub.people.all()),
            "rooms": len(hub.shared_rooms()),
            "conversations": len(hub.logs()) - len(hub.shared_rooms()),
            "connections": len(list(sessions)),
            "free_bytes": free_bytes(self._state.path),
        }

    async def users(self, request: Users) -> object:
        """List accounts."""
        standing, now = self._context.hub.standing, self._context.milliseconds()
        return [
            {
                "nick": account.nick,
                "account": account.id.hex(),
                "role": standing.role(account.id).name.lower(),
                "connected": self._context.sessions.count(account.id),
                "rooms": len(account.logs),
                "banned": standing.ban(account.id, now) is not None,
                "muted": standing.mute(account.id, now) is not None,
                "keys": [identity_fingerprint(key) for key in account.devices],
            }
            for account in self._context.hub.people.all()
        ]

    async def rooms(self, request: Rooms) -> object:
        """List rooms."""
        hub = self._context.hub
        return [
            {
                "room": room.name,
                "kind": room.kind.value,
                "members": len(room.members),
                "owner": hub.people.nick_of(room.owner),
                "topic": room.topic,
            }
            for room in sorted(hub.shared_rooms(), key=lambda it: it.name)
        ]

    async def bans(self, request: Bans) -> object:
        """List bans and mutes."""
        hub, now = self._context.hub, self._context.milliseconds()
        rooms = sorted(hub.shared_rooms(), key=lambda it: it.name)
        places = [("server", hub.standing), *((room.name, room.standing) for room in rooms)]
        return [
            {"what": what, "whom": whom, "where": where, "until": it.until, "reason": it.reason}
            for where, standing in places
            for what, sanctions in (("ban", standing.banned), ("mute", standing.muted))
            for whom, it in _by_nick(hub, sanctions)
            if it.holds(now)
        ] + [
            {
                "what": "network",
                "whom": network,
                "where": "server",
                "until": it.until,
                "reason": it.reason,
            }
            for network, it in hub.networks.items()
            if it.holds(now)
        ]

    async def invites(self, request: Invites) -> object:
        """List invitations."""
        hub, now = self._context.hub, self._context.milliseconds()
        return [
            {
                "invitation": hash.hex(),
                "room": self._room_of(it.log),
                "by": hub.people.nick_of(it.by),
                "uses": it.uses,
                "until": it.until,
            }
            for hash, it in hub.invitations.items()
            if hub.is_open(it, now)
        ]

    async def audit(self, request: Audit) -> object:
        """Return the last entries of an audit log."""
        room = self._context.hub.named_room(request.room) if request.room else None
        log = AUDIT if room is None else audit_of(room.log)
        events = await read_events(self._context.store, request.count, log)
        return [event._asdict() for event in events]

    async def fingerprint(self, request: Fingerprint) -> object:
        """Return the host key's fingerprint."""
        return identity(self.host_key)

    def _room_of(self, log: LogId) -> str:
        room = self._context.hub.known_room(log)
        return "" if room is None else room.name


def identity(host_key: HostKey) -> dict[str, str]:
    """Return the fingerprint of a host key, in base64 and in words."""
    return {"fingerprint": host_key.fingerprint, "words": fingerprint_words(host_key.public)}


def _by_nick(hub: Hub, sanctions: dict[AccountId, Sanction]) -> list[tuple[str, Sanction]]:
    named = [(hub.people.nick_of(account), it) for account, it in sanctions.items()]
    return sorted(named, key=lambda it: it[0])

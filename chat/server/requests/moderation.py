"""Requests with which operators keep order: kick, ban, mute, op; slow mode; invitations.

Whatever is done is noted in the audit log, and the one concerned is told, with the reason.
"""

from typing import Final

from msgspec import UNSET

from chat.limits import REASON_CHARACTERS, SLOW_MOST
from chat.rooms.errors import NotAllowedError, TextTooLongError
from chat.rooms.people import Account
from chat.rooms.roles import Action, Role, Sanction, until
from chat.rooms.roles import reason as why
from chat.rooms.room import Room
from chat.server.requests.context import Context
from chat.server.requests.membership import Membership
from chat.server.session import Session
from chat.server.state.audit import Event
from chat.store.interface import StoreError
from chat.wire import messages
from chat.wire.errors import CloseCode

__all__ = ["Moderation"]

_TOLD: Final = {
    Action.KICK: "{by} has removed you from {where}{why}",
    Action.BAN: "{by} has banned you from {where} {until}{why}",
    Action.UNBAN: "{by} has lifted your ban from {where}{why}",
    Action.MUTE: "{by} has muted you in {where} {until}{why}",
    Action.UNMUTE: "{by} has given you back your voice in {where}{why}",
    Action.OP: "{by} has made you an operator of {where}{why}",
    Action.DEOP: "{by} has taken from you what an operator may do in {where}{why}",
}


class Moderation:
    """Handlers, and what the operator's own tool does with them."""

    def __init__(self, context: Context, membership: Membership) -> None:
        self._context = context
        self._membership = membership

    async def moderate(self, session: Session, request: messages.Moderate) -> None:
        """Do something to somebody."""
        context, hub = self._context, self._context.hub
        account = context.account(session)
        room = None if request.log is UNSET else hub.room(account, request.log)
        try:
            action = Action(request.action)
        except ValueError:
            raise NotAllowedError from None
        target = hub.people.named(request.nick)
        hub.check_moderation(action, account, target, room)
        seconds = 0 if request.seconds is UNSET else request.seconds
        reason = "" if request.reason is UNSET else request.reason
        await self.apply(
            action, account.nick, target, room, seconds, reason, network=request.network
        )
        session.send(messages.Ok(request.id))

    async def apply(
        self,
        action: Action,
        by: str,
        target: Account,
        room: Room | None,
        seconds: int,
        reason: str,
        *,
        network: bool = False,
    ) -> None:
        """Do it: keep it, let it take effect, tell `target`, and note it. Raises StoreError."""
        context = self._context
        if len(reason) > REASON_CHARACTERS:
            raise TextTooLongError(REASON_CHARACTERS, "characters")
        now = context.milliseconds()
        sanction = Sanction(now + seconds * 1_000 if seconds else 0, reason)
        groups: set[str] = set()
        if network and room is None and action is Action.BAN:
            groups = {session.group for session in context.sessions_of(target)}
        await self._keep(action, target, room, sanction, groups)
        where = "this server" if room is None else room.name
        sentence = _TOLD[action].format(
            by=by, where=where, until=until(sanction), why=why(sanction)
        )
        await self._take_effect(action, target, room, sentence)
        lasts = f"{seconds} s" if seconds else ""
        detail = " ".join(filter(None, (lasts, *sorted(groups), reason)))
        event = Event(now, by, action.value, target.nick, "" if room is None else room.name, detail)
        await context.audit.note(event)

    async def _keep(
        self,
        action: Action,
        target: Account,
        room: Room | None,
        sanction: Sanction,
        groups: set[str],
    ) -> None:
        context, hub = self._context, self._context.hub
        holder = hub if room is None else room
        was, networks = holder.standing, dict(hub.networks)
        holder.standing = was.copy()
        holder.standing.apply(action, target.id, sanction)
        hub.networks |= dict.fromkeys(groups, sanction)
        if room is not None and action is Action.BAN:
            room.uninvite(target)
        try:
            if room is None:
                await context.catalog.save_server(hub)
            else:
                await context.catalog.save_room(room)
        except StoreError:
            holder.standing, hub.networks = was, networks
            raise

    async def _take_effect(
        self, action: Action, target: Account, room: Room | None, sentence: str
    ) -> None:
        context = self._context
        is_out = action in (Action.KICK, Action.BAN)
        if room is not None and is_out:
            if target.id in room.members:
                await self._membership.remove(target, room, sentence, None)
            return
        for session in context.sessions_of(target):
            session.send(messages.Notice(sentence))
            if is_out:
                session.close(CloseCode.REMOVED, "its account was removed")

    async def slow(self, session: Session, request: messages.Slow) -> None:
        """Let everybody else wait between two posts."""
        context, hub = self._context, self._context.hub
        account = context.account(session)
        room = hub.room(account, request.log)
        room.check_shared()
        if hub.role(account, room) < Role.OPERATOR or request.seconds > SLOW_MOST:
            raise NotAllowedError
        was = room.slow
        hub.set_pace(room, request.seconds)
        try:
            await context.catalog.save_room(room)
        except StoreError:
            hub.set_pace(room, was)
            raise
        await context.audit.note(
            Event(
                *(context.milliseconds(), account.nick, "slow", "", room.name),
                f"{request.seconds} s",
            )
        )
        session.send(messages.Ok(request.id))

    async def token(self, session: Session, request: messages.Token) -> None:
        """Make an invitation for whoever has it."""
        context = self._context
        account = context.account(session)
        log = b"" if request.log is UNSET else request.log
        context.invitations.check_may_make(account, log)
        now = context.milliseconds()
        token = await context.invitations.make(account.id, log, request.uses, now, request.seconds)
        room = context.hub.known_room(log)
        await context.audit.note(
            Event(
                *(now, account.nick, "token", "", "" if room is None else room.name),
                f"{request.uses} uses, {request.seconds} s",
            )
        )
        session.send(messages.TokenIssued(request.id, token))

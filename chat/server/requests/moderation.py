"""Requests for moderation: kick, ban, mute, op; slow mode; invitation links."""

from msgspec import UNSET

from chat.ids import NOBODY, AccountId, LogId
from chat.limits import TOKEN_BYTES
from chat.rooms import invitations, membership, moderation
from chat.rooms.addresses import AddressGroup
from chat.rooms.changes import Change, Event
from chat.rooms.moderation import Order, Use
from chat.rooms.roles import Action, Role
from chat.rooms.values import Invitation
from chat.server.requests.accounts import token_hash
from chat.server.requests.asking import Asking
from chat.server.requests.context import Context
from chat.wire import messages

__all__ = ["moderate", "slow", "token", "use_of"]


async def moderate(asking: Asking[messages.Moderate]) -> None:
    """Act on an account, and tell it."""
    context, request = asking.context, asking.request
    action = moderation.parse_action(request.action)
    seconds = 0 if request.seconds is UNSET else request.seconds
    reason = "" if request.reason is UNSET else request.reason

    def decide() -> Change:
        hub, account, room = context.hub, asking.account, asking.where
        target = moderation.target(hub, action, request.nick)
        moderation.check_may_moderate(hub, action, account, target, room)
        if reason:  # A reason is words as well.
            hub.check_may_speak(account.id, room, context.milliseconds())
        groups: set[AddressGroup] = set()
        if request.network and room is None and action is Action.BAN:
            groups = {session.group for session in context.sessions.of(target.id)}
        if not request.force:
            for group in sorted(groups):
                moderation.check_network(group, use_of(context, group, account.id, target.id))
        order = Order(action, seconds, reason, groups)
        return moderation.moderate(
            hub, order, account.nick, target, room, context.limits, context.milliseconds()
        )

    await asking.change(decide)
    asking.session.send(messages.Ok(request.id))


def use_of(
    context: Context, group: AddressGroup, actor: AccountId = NOBODY, target: AccountId = NOBODY
) -> Use:
    """Return who is connected from a group of addresses, apart from the target of a ban."""
    sessions = context.sessions.all()
    here = {session.account for session in sessions if session.group == group} - {target}
    keepers = [it for it in here if context.hub.standing.role(it) >= Role.OPERATOR]
    total = {session.account for session in sessions} - {target}
    is_proxy = context.policy.is_proxy(group)
    return Use(actor in here, len(keepers), len(here), len(total), is_proxy)


async def slow(asking: Asking[messages.Slow]) -> None:
    """Make everybody but operators wait between two posts."""
    request, now = asking.request, asking.context.milliseconds
    await asking.change(
        lambda: membership.set_slow(asking.account, asking.room, request.seconds, now())
    )
    asking.session.send(messages.Ok(request.id))


async def token(asking: Asking[messages.Token]) -> None:
    """Issue an invitation for anybody who has its token."""
    context, request = asking.context, asking.request
    secret = context.random_bytes(TOKEN_BYTES)
    hash = token_hash(secret)

    def decide() -> Change:
        now, room = context.milliseconds(), asking.where
        log = LogId(b"") if room is None else room.log
        until = now + request.seconds * 1_000
        invitation = Invitation(log, asking.account.id, request.uses, until)
        detail = f"{request.uses} uses, {request.seconds} s"
        place = "" if room is None else room.name
        event = Event(now, asking.account.nick, "token", "", place, detail)
        return invitations.issue_token(context.hub, hash, invitation, event, context.limits, now)

    await asking.change(decide)
    asking.session.send(messages.TokenIssued(request.id, secret))

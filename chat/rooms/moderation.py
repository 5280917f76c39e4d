"""Moderation decisions: kick, ban, mute, op; bans of networks."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, assert_never

from chat.limits import Limits
from chat.rooms.addresses import AddressGroup, is_this_machine
from chat.rooms.changes import NOTHING, Change, Event, Put, Told, changed, put
from chat.rooms.errors import (
    InvalidError,
    NoSuchMemberError,
    OverQuotaError,
    SharedNetworkError,
)
from chat.rooms.hub import Hub
from chat.rooms.invitations import withdrawn
from chat.rooms.membership import leaving
from chat.rooms.people import Account
from chat.rooms.roles import Action, Role, Sanction, Standing, check_above, until
from chat.rooms.roles import reason as why
from chat.rooms.room import Room
from chat.rooms.texts import check_reason
from chat.rooms.values import SERVER, BanKey, MuteKey, NetworkKey, RoleKey, Scope

__all__ = [
    "Order",
    "Use",
    "block",
    "check_may_moderate",
    "check_network",
    "moderate",
    "parse_action",
    "target",
    "unblock",
]

_TOLD: Final = {
    Action.KICK: "{by} has removed you from {where}{why}",
    Action.BAN: "{by} has banned you from {where} {until}{why}",
    Action.UNBAN: "{by} has lifted your ban from {where}{why}",
    Action.MUTE: "{by} has muted you in {where} {until}{why}",
    Action.UNMUTE: "{by} has unmuted you in {where}{why}",
    Action.OP: "{by} has made you an operator of {where}{why}",
    Action.DEOP: "{by} has removed you as an operator of {where}{why}",
}


_CROWD: Final = 3
"""This many accounts at one address, if they are half of all, may be everybody behind a proxy."""
_LIFTING: Final = (Action.UNBAN, Action.UNMUTE, Action.DEOP)
"""Actions that undo another one. The member may have left since."""


@dataclass(frozen=True, slots=True)
class Order:
    """An action on somebody, and its details."""

    action: Action
    seconds: int = 0
    """How long it lasts; 0 means forever."""
    reason: str = ""
    groups: Collection[AddressGroup] = ()
    """Groups of addresses that a ban from the server also keeps out."""


def parse_action(text: str) -> Action:
    """Return the action with that name. Raises InvalidError."""
    try:
        return Action(text)
    except ValueError:
        raise InvalidError("This server does not know that action.") from None


def target(hub: Hub, action: Action, nick: str) -> Account:
    """Return the account to act on. Raises NoSuchNickError.

    To make somebody an operator, the nickname must be exactly theirs, not one that looks alike.
    """
    return hub.people.exactly(nick) if action is Action.OP else hub.people.named(nick)


def check_may_moderate(
    hub: Hub, action: Action, actor: Account, target: Account, room: Room | None
) -> None:
    """Raise NotAllowedError if `actor` may not do that to `target`, in a room or (None) on the
    server."""
    if room is not None:
        room.check_shared()
    check_above(action, hub.role(actor.id, room), hub.role(target.id, room))


def moderate(
    hub: Hub,
    order: Order,
    by: str,
    target: Account,
    room: Room | None,
    limits: Limits,
    now: int,
) -> Change:
    """Act on an account, in a room or (None) on the server, and tell the account.

    Returns NOTHING if it would change nothing. Raises InvalidError, NoSuchMemberError,
    OverQuotaError, TextTooLongError.
    """
    check_reason(order.reason)
    if room is None and order.action is Action.KICK:
        raise InvalidError("Kick works in rooms only; to keep somebody off the server, ban them.")
    is_elsewhere = room is not None and target.id not in room.members
    is_lifting = order.action in _LIFTING
    standing = hub.standing if room is None else room.standing
    if is_elsewhere and not is_lifting and not _is_on_record(order.action, target, standing):
        raise NoSuchMemberError(target.nick)
    until_when = now + order.seconds * 1_000 if order.seconds else 0
    sanction = Sanction(until_when, order.reason, by if order.reason else "")
    where = "this server" if room is None else room.described
    sentence = _TOLD[order.action].format(
        by=by, where=where, until=until(sanction), why=why(sanction)
    )
    about = None if room is None else room.log
    puts = _puts(hub, order.action, target, room, sanction)
    if not puts:
        return NOTHING
    groups = sorted(order.groups) if room is None and order.action is Action.BAN else []
    lasts = f"{order.seconds} s" if order.seconds else ""
    detail = " ".join(filter(None, (lasts, *groups, order.reason)))
    place = "" if room is None else room.name
    puts += [put(NetworkKey(group), sanction) for group in groups]
    return changed(
        [*_make_place(hub, SERVER if room is None else room.log, puts, limits, now), *puts],
        Event(now, by, order.action.value, target.nick, place, detail),
        # Those who are absent hear only of what ends.
        None if is_elsewhere and not is_lifting else Told(target.id, sentence, about),
    )


def _is_on_record(action: Action, target: Account, standing: Standing) -> bool:
    """Return whether somebody who has left was banned or muted as a member: that can be changed."""
    records = {Action.BAN: standing.banned, Action.MUTE: standing.muted}
    return target.id in records.get(action, ())


def _puts(
    hub: Hub, action: Action, target: Account, room: Room | None, sanction: Sanction
) -> list[Put]:
    scope = SERVER if room is None else room.log
    # These actions neither make an owner an operator nor take ownership away.
    role = (hub.standing if room is None else room).role(target.id)
    standing = hub.standing if room is None else room.standing
    demotion = [put(RoleKey(scope, target.id), None)] if role is Role.OPERATOR else []
    match action:
        case Action.BAN:
            puts = [put(BanKey(scope, target.id), sanction), *demotion]
            puts += withdrawn(hub, target.id, room)
            return puts + _out(target, room)
        case Action.UNBAN:
            return [put(BanKey(scope, target.id), None)] if target.id in standing.banned else []
        case Action.MUTE:
            return [put(MuteKey(scope, target.id), sanction)]
        case Action.UNMUTE:
            return [put(MuteKey(scope, target.id), None)] if target.id in standing.muted else []
        case Action.OP:
            is_member = role is Role.MEMBER
            return [put(RoleKey(scope, target.id), Role.OPERATOR)] if is_member else []
        case Action.DEOP:
            return [*demotion, *withdrawn(hub, target.id, room)] if demotion else []
        case Action.KICK:
            return _out(target, room)
        case _:
            assert_never(action)


def _out(target: Account, room: Room | None) -> list[Put]:
    is_in = room is not None and target.id in room.members
    return leaving(room, target) if room is not None and is_in else []


@dataclass(frozen=True, slots=True)
class Use:
    """Who is connected from a group of addresses, apart from the target of a ban."""

    is_own: bool
    """Whether the account that bans it is connected from there."""
    keepers: int
    """Operators and owners of the server."""
    accounts: int
    total: int
    """Accounts connected from anywhere."""
    is_proxy: bool = False
    """Whether the operator has listed a proxy there."""


def check_network(group: AddressGroup, use: Use) -> None:
    """Raise SharedNetworkError if banning a group of addresses would hit more than its target."""
    if is_this_machine(group):
        raise SharedNetworkError(group, "the server's own machine, or a proxy there")
    if use.is_proxy:
        raise SharedNetworkError(
            group, "where a proxy of this server is, and so everybody behind it"
        )
    if use.is_own:
        raise SharedNetworkError(group, "your own network")
    if use.keepers:
        raise SharedNetworkError(group, "the network of operators of this server")
    if use.accounts >= _CROWD and 2 * use.accounts >= use.total:
        raise SharedNetworkError(
            group,
            f"where {use.accounts} of {use.total} users are connected, perhaps through a proxy",
        )


def block(
    hub: Hub, group: AddressGroup, seconds: int, reason: str, by: str, limits: Limits, now: int
) -> Change:
    """Ban a group of addresses; 0 seconds means forever. Raises OverQuotaError,
    TextTooLongError."""
    check_reason(reason)
    until_when = now + seconds * 1_000 if seconds else 0
    sanction = Sanction(until_when, reason, by if reason else "")
    puts = [put(NetworkKey(group), sanction)]
    places = _make_place(hub, SERVER, puts, limits, now)
    return changed([*places, *puts], Event(now, by, "block", group, "", reason))


def _make_place(hub: Hub, scope: Scope, puts: Iterable[Put], limits: Limits, now: int) -> list[Put]:
    """If there are new bans and mutes, return the puts that remove some that have ended.

    Raises OverQuotaError if there are too many that have not ended.
    """
    set_now = {it.key for it in puts if isinstance(it.value, Sanction)}
    count = hub.sanctions.count(scope, now)
    new = [key for key in set_now if hub.get(key) is None]
    where, limit = "in this room", "bans_per_room"
    if scope == SERVER:
        where, limit = "on this server", "bans_per_server"
    most: int = getattr(limits, limit)
    if new and count + len(new) > most:
        raise OverQuotaError(f"bans and mutes {where}", most, limit)
    ended = hub.sanctions.ended(scope, now) if set_now else []
    return [put(key, None) for key in ended if key not in set_now]


def unblock(hub: Hub, group: AddressGroup, by: str, now: int) -> Change:
    """Lift the ban of a group of addresses. Raises InvalidError if it is not banned."""
    if group not in hub.networks:
        raise InvalidError(f"{group} is not banned.")
    return changed([put(NetworkKey(group), None)], Event(now, by, "unblock", group, "", ""))

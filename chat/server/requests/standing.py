"""Who may make which request: each function finds the asker and the room, or refuses."""

from typing import Any

from msgspec import UNSET

from chat.ids import NOBODY
from chat.rooms.errors import AlreadyLoggedInError, NotAllowedError, NotLoggedInError
from chat.rooms.roles import Role
from chat.rooms.values import Kind
from chat.server.requests.asking import Asking

__all__ = ["heard_everywhere", "logged_in", "member", "operator", "speaker", "stranger"]


def stranger(asking: Asking[Any]) -> None:
    """Require a connection that has not logged in. Raises AlreadyLoggedInError."""
    if asking.session.account != NOBODY:
        raise AlreadyLoggedInError


def logged_in(asking: Asking[Any]) -> None:
    """Require a login with a key that still belongs to its account, which is not banned.

    Raises NotLoggedInError, BannedError.
    """
    session, context = asking.session, asking.context
    account = context.hub.people.of_key(session.device)
    if account is None or account.id != session.account:
        raise NotLoggedInError
    if context.hub.standing.banned:
        context.hub.check_may_enter(account.id, context.milliseconds())
    asking.account = account


def member(asking: Asking[Any]) -> None:
    """Also require membership of the log `request.log`. Raises NotAMemberError."""
    logged_in(asking)
    asking.where = asking.context.hub.room(asking.account, asking.request.log)


def speaker(asking: Asking[Any]) -> None:
    """And may write there. Raises MutedError, BlockedError, NotWelcomeError."""
    member(asking)
    context, room = asking.context, asking.room
    if context.hub.standing.muted or room.standing.muted:
        context.hub.check_may_speak(asking.account.id, room, context.milliseconds())
    if room.kind is Kind.PRIVATE:
        context.hub.check_may_talk(asking.account, room)


def heard_everywhere(asking: Asking[Any]) -> None:
    """And may write wherever they are a member. Raises MutedError."""
    logged_in(asking)
    hub, now = asking.context.hub, asking.context.milliseconds()
    account = asking.account
    hub.check_may_speak(account.id, None, now)
    for room in hub.muted_rooms_of(account):
        hub.check_may_speak(account.id, room, now)


def operator(asking: Asking[Any]) -> None:
    """Require an operator of the shared room `request.log` or, without it, of the server.

    Raises NotAllowedError.
    """
    logged_in(asking)
    hub = asking.context.hub
    log = asking.request.log
    asking.where = None if log is UNSET else hub.room(asking.account, log)
    if asking.where is not None:
        asking.where.check_shared()
    if hub.role(asking.account.id, asking.where) < Role.OPERATOR:
        raise NotAllowedError

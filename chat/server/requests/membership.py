"""Requests about membership of logs: join, read, leave, topic, invite."""

from typing import Any

from msgspec import UNSET

from chat.rooms import invitations, membership
from chat.rooms.errors import AlreadyReadingError
from chat.rooms.room import Room
from chat.server.requests.asking import Asking
from chat.wire import messages

__all__ = ["invite", "join", "leave", "load", "open_log", "read", "topic"]


async def join(asking: Asking[messages.Join]) -> None:
    """Make an account a member of a room, and start the connection reading it."""
    context, hub, request = asking.context, asking.context.hub, asking.request
    # Do not even look up a room that the account may not know of.
    known = hub.find_room_for(asking.account, request.room, context.milliseconds())
    await load(asking, known)
    create = None if request.create is UNSET else request.create
    new_log = context.new_log()
    await asking.change(
        lambda: membership.join(
            *(hub, asking.account, request.room, create, new_log),
            *(context.limits, context.milliseconds()),
            must_be_new=request.new,
        )
    )
    await open_log(asking, hub.named_room(request.room))


async def read(asking: Asking[messages.Read]) -> None:
    """Let the connection continue reading a log."""
    await load(asking, asking.room)
    asking.check()
    await open_log(asking, asking.room, asking.request.after)


async def load(asking: Asking[Any], room: Room | None) -> None:
    """Load the feed of an existing room. A new room gets its feed at once."""
    if room is not None:
        await asking.context.feeds.get(room.log)


async def open_log(asking: Asking[Any], room: Room, after: int | None = None) -> None:
    """Start the connection reading a log that its account is now a member of."""
    context, session = asking.context, asking.session
    feed = context.feeds.loaded(room.log)
    if feed is None:  # Somebody else took the nickname, or created the room, in the meantime.
        feed = await context.feeds.get(room.log)
        asking.check()
        room.check_member(asking.account)
    if session.is_gone:
        return
    if feed.readers.reads(session.number):
        raise AlreadyReadingError(room.log)
    context.open(session, feed, room, asking.request.id, after)


async def leave(asking: Asking[messages.Leave]) -> None:
    """End an account's membership."""
    await asking.change(lambda: membership.leave(asking.account, asking.room))
    asking.session.send(messages.Ok(asking.request.id))


async def topic(asking: Asking[messages.Topic]) -> None:
    """Set a room's topic."""
    request = asking.request
    await asking.context.feeds.get(request.log)
    await asking.say(
        lambda: [asking.room],
        lambda: membership.set_topic(asking.account, asking.room, request.topic),
    )
    asking.session.send(messages.Ok(request.id))


async def invite(asking: Asking[messages.Invite]) -> None:
    """Invite an account to a room."""
    request, context = asking.request, asking.context
    await asking.change(
        lambda: invitations.invite(
            *(context.hub, asking.account, asking.room, request.nick),
            *(context.limits, context.milliseconds()),
        )
    )
    asking.session.send(messages.Ok(request.id))

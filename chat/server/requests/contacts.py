"""Requests about private conversations: private, requests, accept, decline, block, contact."""

from msgspec import UNSET

from chat.ids import NOBODY
from chat.rooms import contacts
from chat.rooms.changes import Change
from chat.rooms.errors import OtherAccountError
from chat.rooms.values import Contact
from chat.server.requests.asking import Asking
from chat.server.requests.membership import load, open_log
from chat.wire import messages

__all__ = ["accept", "block", "blocks", "contact", "decline", "private", "requests", "unblock"]


async def private(asking: Asking[messages.Private]) -> None:
    """Open a private conversation for reading, creating it if needed."""
    context, hub, request = asking.context, asking.context.hub, asking.request
    other = hub.people.named(request.nick)
    await load(asking, hub.conversation(asking.account.id, other.id))
    new_log = context.new_log()
    found = NOBODY

    def decide() -> Change:
        nonlocal found
        # Look up the account now: somebody else may have the nickname by the time of the decision.
        other = hub.people.named(request.nick)
        found = other.id
        room = hub.conversation(asking.account.id, found)
        if request.log is not UNSET and (room is None or room.log != request.log):
            raise OtherAccountError(other.nick)
        return contacts.converse(
            *(hub, asking.account, other, new_log, context.limits, context.milliseconds()),
            context.network_of,
        )

    await asking.change(decide)
    room = hub.conversation(asking.account.id, found)
    assert room is not None
    await open_log(asking, room)


def requests(asking: Asking[messages.Requests]) -> None:
    """List the conversations that others have requested."""
    hub, request, account = asking.context.hub, asking.request, asking.account
    listed, more = hub.requests_after(account, None if request.after is UNSET else request.after)
    rows = []
    for room in listed:
        requested = room.requested[account.id]
        rows.append((room.log, requested.by, hub.people.nick_of(requested.by), requested.at))
    asking.session.send(messages.RequestList(request.id, rows, more))


async def accept(asking: Asking[messages.Accept]) -> None:
    """Make an account a member of a conversation, and open it for reading."""
    hub, log = asking.context.hub, asking.request.log
    if log in asking.account.requests:
        await load(asking, hub.known_room(log))
    await asking.change(lambda: contacts.accept(asking.account, hub.known_room(log)))
    room = hub.known_room(log)
    assert room is not None
    await open_log(asking, room)


async def decline(asking: Asking[messages.Decline]) -> None:
    """Decline a conversation."""
    hub, request = asking.context.hub, asking.request
    await asking.change(lambda: contacts.decline(asking.account, hub.known_room(request.log)))
    asking.session.send(messages.Ok(request.id))


async def block(asking: Asking[messages.Block]) -> None:
    """Block everything from one account to another."""
    context, request = asking.context, asking.request
    await asking.change(
        lambda: contacts.block(
            *(context.hub, asking.account, request.nick),
            *(context.limits, context.milliseconds()),
        )
    )
    asking.session.send(messages.Ok(request.id))


async def unblock(asking: Asking[messages.Unblock]) -> None:
    """Lift a block."""
    hub, request = asking.context.hub, asking.request
    await asking.change(lambda: contacts.unblock(hub, asking.account, request.nick))
    asking.session.send(messages.Ok(request.id))


def blocks(asking: Asking[messages.Blocks]) -> None:
    """List blocked accounts."""
    request = asking.request
    after = None if request.after is UNSET else request.after
    nicks, more = asking.context.hub.blocked_after(asking.account, after)
    asking.session.send(messages.BlockList(request.id, nicks, more))


async def contact(asking: Asking[messages.Contact]) -> None:
    """Return or choose who may send an account requests and invitations."""
    request = asking.request
    who = request.who
    if who is not UNSET:
        await asking.change(lambda: contacts.set_contact(asking.account, who))
    asking.check()
    chosen = asking.account.contact or Contact.EVERYBODY
    asking.session.send(messages.ContactChosen(request.id, chosen.value))

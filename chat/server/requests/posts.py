"""Requests that add a record to a log: post, edit, delete, react; and typing, which passes.

None of them waits if the log is in use, except a post to somebody who has left the conversation:
they get a request first. The commit decides whether an edited or deleted record exists and whose it
is.
"""

from msgspec import UNSET
from twisted.internet.defer import Deferred

from chat.rooms import contacts
from chat.rooms.changes import Change
from chat.rooms.happenings import Deleted, Edited, Reacted, Said, Writing
from chat.rooms.texts import check_reaction, check_text
from chat.server.requests.asking import Asking, add
from chat.wire import messages

__all__ = ["delete", "edit", "post", "react", "typing"]


def post(asking: Asking[messages.Post]) -> Deferred[None] | None:
    """Post a message."""
    request = asking.request
    check_text(request.text)
    reply = 0 if request.reply is UNSET else request.reply
    said = Said(request.log, asking.account.id, request.content, reply)
    if asking.room.is_deserted:
        return Deferred.fromCoroutine(_ask_and_add(asking, said))
    return add(asking, said)


async def _ask_and_add(asking: Asking[messages.Post], said: Said) -> None:
    context = asking.context

    def decide() -> Change:
        return contacts.ask_again(
            *(context.hub, asking.account, asking.room, context.limits, context.milliseconds()),
            context.network_of,
        )

    await asking.change(decide)
    asking.check()
    later = add(asking, said)
    if later is not None:
        await later


def edit(asking: Asking[messages.Edit]) -> Deferred[None] | None:
    """Edit a message of the account's own."""
    request = asking.request
    check_text(request.text)
    return add(asking, Edited(request.log, asking.account.id, request.seq, request.text))


def delete(asking: Asking[messages.Delete]) -> Deferred[None] | None:
    """Delete a message or an edit of the account's own."""
    request = asking.request
    return add(asking, Deleted(request.log, asking.account.id, request.seq))


def react(asking: Asking[messages.React]) -> Deferred[None] | None:
    """React to a message."""
    request = asking.request
    check_reaction(request.reaction)
    asking.context.allowances.take_reaction(asking.maker, (request.log, request.seq))
    return add(asking, Reacted(request.log, asking.account.id, request.seq, request.reaction))


def typing(asking: Asking[messages.Typing]) -> None:
    """Tell others that the account is writing, if it has not been told too often. Never answered.

    Dropped where nobody else reads, and again when it is sealed if the account may not write then.
    """
    context, session, log = asking.context, asking.session, asking.request.log
    feed = context.feeds.loaded(log)
    if feed is None or not feed.readers.has_readers(session):
        return
    if context.writing.take(session.account, log):
        feed.announce(Writing(log, session.account), session, asking.check)

"""The table of requests: who may make each one, what it costs, and which handler answers it.

To add one: its message (`chat.wire.requests`), a decision of the domain (`chat.rooms`) if it
changes anything, a handler next to similar ones, and an entry here.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from msgspec import Struct
from twisted.internet.defer import Deferred

from chat.server.requests import (
    accounts,
    contacts,
    history,
    membership,
    moderation,
    posts,
)
from chat.server.requests.asking import Asking, Requirement
from chat.server.requests.standing import (
    heard_everywhere,
    logged_in,
    member,
    operator,
    speaker,
    stranger,
)
from chat.wire import messages

__all__ = ["ROUTES", "Handler", "Later", "Route"]

Later = Coroutine[Any, Any, None] | Deferred[None]

Handler = Callable[[Asking[Any]], Later | None]
"""Answers a request. Until its result fires, the server does not read from the session."""


@dataclass(frozen=True, slots=True)
class Route:
    """How a request is answered."""

    message: type[Struct]
    standing: Requirement
    """Who may make it."""
    handler: Handler
    cost: int = 1
    """How many lines it counts for the connection's `messages_per_second`."""
    only_reads: bool = False
    """Whether it changes nothing; if the store fails, the refusal says so."""


_SEARCH_COST: Final = 10
"""A search scans an index, and reads up to 51 pages of the file."""

_LIST_COST: Final = 5
"""It sorts the names of up to a thousand accounts."""

ROUTES: Final = (
    Route(messages.Login, stranger, accounts.login),
    Route(messages.Nick, heard_everywhere, accounts.nick),
    Route(messages.Code, logged_in, accounts.code),
    Route(messages.Devices, logged_in, accounts.devices),
    Route(messages.Revoke, logged_in, accounts.revoke),
    Route(messages.Logs, logged_in, history.logs, only_reads=True),
    Route(messages.Rooms, logged_in, history.rooms),
    Route(messages.Who, member, history.who),
    Route(messages.Seen, member, history.seen),
    Route(messages.History, member, history.history, only_reads=True),
    Route(messages.Search, logged_in, history.search, cost=_SEARCH_COST, only_reads=True),
    Route(messages.Join, logged_in, membership.join),
    Route(messages.Private, logged_in, contacts.private),
    Route(messages.Requests, logged_in, contacts.requests),
    Route(messages.Accept, logged_in, contacts.accept),
    Route(messages.Decline, logged_in, contacts.decline),
    Route(messages.Block, logged_in, contacts.block),
    Route(messages.Unblock, logged_in, contacts.unblock),
    Route(messages.Blocks, logged_in, contacts.blocks, cost=_LIST_COST),
    Route(messages.Contact, logged_in, contacts.contact),
    Route(messages.Read, member, membership.read, only_reads=True),
    Route(messages.Leave, member, membership.leave),
    Route(messages.Topic, speaker, membership.topic),
    Route(messages.Invite, speaker, membership.invite),
    Route(messages.Moderate, operator, moderation.moderate),
    Route(messages.Slow, operator, moderation.slow),
    Route(messages.Token, operator, moderation.token),
    Route(messages.Post, speaker, posts.post),
    Route(messages.Edit, speaker, posts.edit),
    Route(messages.Delete, member, posts.delete),
    Route(messages.React, speaker, posts.react),
    Route(messages.Typing, speaker, posts.typing),
)

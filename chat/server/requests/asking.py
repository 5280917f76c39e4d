"""A request and its asker, and the check whether they may make it.

The check runs before the handler. A handler that waits for something checks again, with `check`,
before it relies on what it knew, because anything can happen meanwhile. It makes changes with
`change`, which checks again by itself.
"""

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from msgspec import Struct
from twisted.internet.defer import Deferred

from chat.ids import RecordId
from chat.rooms.changes import Change
from chat.rooms.errors import RequestError
from chat.rooms.happenings import Kept
from chat.rooms.people import Account
from chat.rooms.quotas import Maker, made
from chat.rooms.room import Room
from chat.server.fanout.drafts import Acknowledge, Draft
from chat.server.fanout.feed import Feed
from chat.server.requests.context import Context
from chat.server.session import Session
from chat.wire.messages import Posting
from chat.wire.records import record_id

__all__ = ["Asking", "Requirement", "add"]

R = TypeVar("R", bound=Struct)


class Asking(Generic[R]):
    """One request of one session."""

    __slots__ = ("_standing", "account", "context", "request", "session", "where")

    account: Account
    """The asker, as `check` found it."""

    def __init__(
        self, context: Context, session: Session, request: R, standing: "Requirement"
    ) -> None:
        self.context = context
        self.session = session
        self.request = request
        self._standing = standing
        self.where: Room | None = None
        """The room that the request is about; None for the whole server."""

    def check(self) -> None:
        """Check whether the asker may make this request now. Raises RequestError."""
        self._standing(self)

    def refused(self, error: RequestError) -> None:
        """Log that the request was refused."""
        self.context.refused(self.session, self.request, error)

    @property
    def room(self) -> Room:
        """The room that the request is about, as `check` found it."""
        assert self.where is not None
        return self.where

    @property
    def maker(self) -> Maker:
        """Whose allowances the results of the request count against."""
        return Maker(self.session.group, self.session.account)

    async def change(self, decide: Callable[[], Change]) -> None:
        """Apply a decision if they may still ask for it then. See `Commits.change`.

        Raises OverRateError if it makes more than they are allowed.
        """

        def decide_if_allowed() -> Change:
            self.check()
            return decide()

        hub, maker, allowances = self.context.hub, self.maker, self.context.allowances
        # Counted before waiting for the disk, so that concurrent decisions count already.
        what = made(hub, maker.account, decide_if_allowed())
        allowances.take(what, maker)
        try:
            await self.context.commits.change(decide_if_allowed, self.session)
        except Exception:
            allowances.give_back(what, maker)
            raise

    async def say(self, rooms: Callable[[], Iterable[Room]], decide: Callable[[], Change]) -> None:
        """Apply a decision whose words `rooms` see, as if they were posted there.

        Raises SlowModeError, and as `change`.
        """
        pace, account = self.context.feeds.pace, self.account.id
        record = RecordId(self.context.random_bytes(16))

        def check() -> list[Room]:
            return [room for room in rooms() if pace.check(room, account, record)]

        # Noted at once, so that later requests of the account count as after it.
        noted = [(room.log, pace.note(room.log, account, record)) for room in check()]

        def decide_in_time() -> Change:
            check()
            return decide()

        try:
            await self.change(decide_in_time)
        except Exception:
            for log, before in noted:
                pace.forget(log, account, record, before)
            raise


Requirement = Callable[[Asking[Any]], None]
"""Finds the asker and the room; raises RequestError if the request is not allowed."""


def add(asking: Asking[Any], happening: Kept) -> "Deferred[None] | None":
    """Add a happening to its log; return a Deferred to wait for, if any."""
    feed = asking.context.feeds.loaded(happening.log)
    if feed is None:
        return Deferred.fromCoroutine(_add_later(asking, happening))
    _add(asking, feed, happening)
    return None


async def _add_later(asking: Asking[Any], happening: Kept) -> None:
    feed = await asking.context.feeds.get(happening.log)
    asking.check()
    _add(asking, feed, happening)


def _add(asking: Asking[Any], feed: Feed, happening: Kept) -> None:
    request: Posting = asking.request
    feed.add(
        Draft(
            happening,
            record_id(happening.account, request.message),
            Acknowledge(asking.session, request.id, asking.refused),
            asking.check,
            asking.context.commits.base,
        )
    )

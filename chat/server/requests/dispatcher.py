"""The dispatcher: passes every request to its handler. Each gets exactly one answer."""

import os
from collections.abc import Callable, Collection, Iterable
from time import time_ns
from typing import Final

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from chat.ids import NOBODY
from chat.limits import NICK_CHARACTERS, PAYLOAD_BYTES, TEXT_BYTES, Limits
from chat.rooms.accounts import LoginPolicy
from chat.rooms.addresses import AddressGroup
from chat.rooms.changes import NOTHING, Change, changed, put
from chat.rooms.errors import (
    NoSpaceError,
    NotReadError,
    NotStoredError,
    RequestError,
    UnknownRequestError,
)
from chat.rooms.failures import LoginFailures
from chat.rooms.hub import Hub
from chat.rooms.invitations import Registration
from chat.rooms.quotas import Allowances
from chat.rooms.values import Kind, RoomKey, RoomProfile
from chat.server.fanout.feeds import Feeds
from chat.server.oplog import OperatorLog
from chat.server.requests.asking import Asking
from chat.server.requests.context import Context, PasswordChecker, Policy
from chat.server.requests.effects import Effects
from chat.server.requests.notices import Notices
from chat.server.requests.presence import Presence
from chat.server.requests.rounds import Rounds
from chat.server.requests.sessions import Sessions
from chat.server.requests.table import ROUTES, Later, Route
from chat.server.requests.writing import WritingPace
from chat.server.session import Session, refuse
from chat.server.state.catalog import load_hub
from chat.server.state.commits import Commits
from chat.server.state.markers import ReadMarkers
from chat.server.state.retention import EVERYTHING, RetentionPolicy
from chat.server.state.timekeeper import Timekeeper
from chat.server.turns import Turns
from chat.store.interface import DiskFullError, LogStore, StoreError
from chat.wire import messages
from chat.wire.errors import CloseCode
from chat.wire.messages import Unknown
from chat.wire.sealing import RandomBytes

__all__ = ["LOBBY", "Dispatcher", "utc_milliseconds"]

LOBBY: Final = "lobby"
"""The room that always exists. Nobody owns it."""

_LIMITS: Final = {"text": TEXT_BYTES, "nick": NICK_CHARACTERS, "payload": PAYLOAD_BYTES}

_log = Logger()


def utc_milliseconds() -> int:
    """Return the time in milliseconds since 1970 UTC."""
    return time_ns() // 1_000_000


class Dispatcher:
    """Answers requests. Call `load` first."""

    def __init__(
        self,
        store: LogStore,
        storage_key: bytes,
        clock: IReactorTime,
        limits: Limits,
        milliseconds: Callable[[], int] = utc_milliseconds,
        random_bytes: RandomBytes = os.urandom,
        retention: RetentionPolicy = EVERYTHING,
        registration: Registration = Registration.OPEN,
        authenticator: PasswordChecker | None = None,
        operators: Collection[str] = (),
        is_proxy: Callable[[AddressGroup], bool] = lambda _: False,
        log: OperatorLog | None = None,
        routes: Iterable[Route] = ROUTES,
    ) -> None:
        hub, sessions = Hub(), Sessions()
        commits = Commits(store, hub, clock, limits, random_bytes)
        feeds = Feeds(store, storage_key, commits, hub, clock, limits, milliseconds, random_bytes)
        failures, rounds = LoginFailures(limits, clock.seconds), Rounds(hub, clock)
        time = Timekeeper(hub, commits, clock, milliseconds)
        login = LoginPolicy(registration, authenticator is not None, limits)
        self.context = Context(
            hub,
            commits,
            feeds,
            ReadMarkers(commits, clock, limits),
            store,
            sessions,
            Presence(hub, feeds, rounds, sessions, clock, limits),
            Turns(1, limits.searches_waiting),
            rounds,
            failures,
            Allowances(limits, clock.seconds),
            WritingPace(limits, clock.seconds),
            limits,
            Policy(
                *(login, authenticator, _LIMITS | retention.as_limits(), frozenset(operators)),
                is_proxy,
            ),
            time,
            time.milliseconds,
            random_bytes,
            OperatorLog() if log is None else log,
        )
        notices = Notices(limits, clock.seconds)
        self._effects = Effects(
            *(hub, feeds, rounds, sessions, failures, notices, self.context.log)
        )
        self._routes = {route.message: route for route in routes}

    async def load(self) -> None:
        """Load the state from the store. Raises StoreError."""
        context = self.context
        await context.commits.start(context.feeds, self._effects.apply)
        await load_hub(context.store, context.hub)
        await context.time.load(context.store)
        await context.markers.load(context.store)
        await context.commits.change(self._make_lobby)

    def _make_lobby(self) -> Change:
        if self.context.hub.find_room(LOBBY) is not None:
            return NOTHING
        profile = RoomProfile(Kind.PUBLIC, LOBBY, NOBODY)
        return changed([put(RoomKey(self.context.new_log()), profile)])

    def handle(self, session: Session, message: Struct) -> None:
        """Handle a client's request and answer it, now or when it is durable.

        While that takes time, the server stops reading from the session, so its requests run in
        order.
        """
        route = self._routes.get(type(message))
        if route is None:
            if isinstance(message, Unknown):
                self._refuse(session, message, UnknownRequestError())
            return  # A pong, or a message from a later version that wants no answer.
        if route.cost > 1:
            session.charge(route.cost - 1)
        asking = Asking(self.context, session, message, route.standing)
        try:
            asking.check()
            later = route.handler(asking)
        except RequestError as error:
            self._refuse(session, message, error)
            return
        if later is not None:
            self._wait(session, message, route, later)

    def _wait(self, session: Session, message: Struct, route: Route, later: Later) -> None:
        handling = later if isinstance(later, Deferred) else Deferred.fromCoroutine(later)
        handling.addErrback(self._failed, session, message, route)
        if not handling.called:
            session.hold()
            handling.addCallback(lambda _: session.release())

    def catch_up(self, session: Session) -> None:
        """Let a session that can take more continue in all its logs."""
        for feed in self.context.feeds.read_by(session):
            feed.readers.catch_up(session.number)

    def forget(self, session: Session) -> None:
        """Forget a session that has ended. Its account stays a member of its logs."""
        for feed in self.context.feeds.read_by(session):
            feed.readers.drop(session.number)
        if self.context.sessions.remove(session):
            self.context.presence.went(session.account, session.is_goodbye)

    async def close(self) -> None:
        """Write pending state, and stop waiting for lost connections to come back."""
        self.context.presence.close()
        self.context.rounds.close()
        self.context.markers.save()
        await self.context.commits.idle()
        self.context.commits.trouble.stop()

    def _failed(self, failure: Failure, session: Session, message: Struct, route: Route) -> None:
        """Answer a request whose handler failed. A bug ends only this connection."""
        error = failure.value
        if isinstance(error, DiskFullError):
            self._refuse(session, message, NoSpaceError())
        elif isinstance(error, StoreError):
            self.context.commits.trouble.failed(error)
            self._refuse(session, message, NotReadError() if route.only_reads else NotStoredError())
        elif isinstance(error, RequestError):
            self._refuse(session, message, error)
        else:
            _log.failure("session {number}: a bug", failure, number=session.number)
            session.close(CloseCode.INTERNAL, "a bug in the server")

    def _refuse(self, session: Session, message: Struct, error: RequestError) -> None:
        if isinstance(message, messages.Request | Unknown) and message.id is not None:
            self.context.refused(session, message, error)
            refuse(session, message.id, error)

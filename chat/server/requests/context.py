"""Shared by all request handlers."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from chat.ids import AccountId, LogId
from chat.limits import Limits
from chat.rooms.accounts import LoginPolicy
from chat.rooms.addresses import AddressGroup, is_this_machine
from chat.rooms.errors import RequestError
from chat.rooms.failures import LoginFailures
from chat.rooms.hub import Hub
from chat.rooms.quotas import Allowances
from chat.rooms.room import Room
from chat.server.fanout.feed import Feed
from chat.server.fanout.feeds import Feeds
from chat.server.oplog import OperatorLog, budget_of
from chat.server.requests.presence import Presence
from chat.server.requests.rounds import Rounds
from chat.server.requests.sessions import Sessions
from chat.server.requests.writing import WritingPace
from chat.server.session import Session
from chat.server.state.commits import Commits
from chat.server.state.markers import ReadMarkers
from chat.server.state.timekeeper import Timekeeper
from chat.server.turns import Turns
from chat.store.interface import LogStore
from chat.wire import messages
from chat.wire.sealing import RandomBytes

__all__ = ["Context", "PasswordChecker", "Policy", "describe"]


class PasswordChecker(Protocol):
    """Checks passwords."""

    async def check(
        self, nick: str, password: str, network: AddressGroup, is_gone: Callable[[], bool]
    ) -> None:
        """Raise RequestError unless that is the password of the account with this nickname.

        `network` is where the request comes from; `is_gone` returns whether the client has left.
        """
        ...


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's settings."""

    login: LoginPolicy
    authenticator: PasswordChecker | None
    told: dict[str, int]
    """The limits for clients in `welcome.limits`."""
    operators: frozenset[str] = frozenset()
    """Fingerprints of keys that the operator has listed as owners'."""
    is_proxy: Callable[[AddressGroup], bool] = lambda _: False
    """Whether the operator has listed a proxy in a group of addresses."""


@dataclass(slots=True)
class Context:
    """The domain, its storage, and the connections."""

    hub: Hub
    commits: Commits
    feeds: Feeds
    markers: ReadMarkers
    store: LogStore
    sessions: Sessions
    presence: Presence
    searches: Turns
    """One search at a time, so that they do not take a processor each."""
    rounds: Rounds
    failures: LoginFailures
    allowances: Allowances
    writing: WritingPace
    limits: Limits
    policy: Policy
    time: Timekeeper
    milliseconds: Callable[[], int]
    """The server's time, in milliseconds since 1970 UTC. For how long something lasts, not for when
    something was said."""
    random_bytes: RandomBytes
    log: OperatorLog

    def network_of(self, account: AccountId) -> Hashable:
        """Return the network where an account logged in last; or the account, if that is not known,
        or this machine, where a proxy may be."""
        network = self.failures.network(self.hub.people.nick_of(account))
        is_known = network is not None and not is_this_machine(AddressGroup(network))
        return network if is_known else account

    def new_account(self) -> AccountId:
        """Return an id for a new account."""
        return AccountId(self.random_bytes(16))

    def new_log(self) -> LogId:
        """Return an id for a new log."""
        return LogId(self.random_bytes(16))

    def refused(self, session: Session, request: Struct, error: RequestError) -> None:
        """Log a refusal."""
        what, fields = "refused", {"request": type(request).__name__.lower()}
        if isinstance(request, messages.Login):
            what, fields = "login-refused", {}
        nick = self.hub.people.nick_of(session.account)
        self.log.client(
            *(what, budget_of(session.address, session.account)),
            *(session.number, session.address),
            nick=request.nick if isinstance(request, messages.Login) else nick,
            account=session.account,
            **fields,
            cause=error.code,
        )

    def open(self, session: Session, feed: Feed, room: Room, id: int, after: int | None) -> None:
        """Start a session reading a log, and answer with `joined`."""
        readers = feed.readers
        cursor = readers.start(session, after)
        opening = describe(self.hub, room, session.account, cursor, readers.tail)
        session.send(messages.Joined(*opening, id))
        readers.catch_up(session.number)


def describe(
    hub: Hub, room: Room, account: AccountId, cursor: int, tail: int
) -> tuple[LogId, str, str, int, int, int, str]:
    """Return the fields of `joined` and `opened` for a member that starts reading a room."""
    name = hub.name_of(room, account)
    return room.log, room.kind.value, name, cursor, tail, len(room.members), room.topic

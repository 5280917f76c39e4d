"""What the handling of every request needs, and what all of them do in the same way."""

from collections.abc import Callable
from dataclasses import dataclass, field

from chat.limits import Limits
from chat.rooms.errors import NotStoredError
from chat.rooms.hub import Hub
from chat.rooms.people import Account
from chat.rooms.room import Room
from chat.server.connections.failures import LoginFailures
from chat.server.fanout.feed import Feed
from chat.server.fanout.feeds import Feeds
from chat.server.requests.invitations import InvitationDesk
from chat.server.session import Session, refuse
from chat.server.state.audit import Audit
from chat.server.state.catalog import Catalog
from chat.store.interface import Appended, LogStore, StoreError
from chat.wire import messages
from chat.wire.sealing import RandomBytes

__all__ = ["Context", "answer_with"]


@dataclass(slots=True)
class Context:
    """The domain, what it is kept in, and the connections."""

    hub: Hub
    catalog: Catalog
    feeds: Feeds
    store: LogStore
    limits: Limits
    milliseconds: Callable[[], int]
    """The time of day, of UTC."""
    random_bytes: RandomBytes
    audit: Audit
    invitations: InvitationDesk
    failures: LoginFailures
    sessions: dict[int, Session] = field(default_factory=dict)
    """Those on which somebody is logged in, by number."""

    def account(self, session: Session) -> Account:
        """Return who is logged in. Raises NotLoggedInError."""
        return self.hub.people.of_session(session.number)

    async def make_owner(self, account: Account) -> None:
        """Let an account own the server. Raises StoreError."""
        owners = self.hub.standing.owners
        if account.id in owners:
            return
        owners.add(account.id)
        try:
            await self.catalog.save_server(self.hub)
        except StoreError:
            owners.discard(account.id)
            raise

    def sessions_of(self, account: Account, but: Session | None = None) -> list[Session]:
        """Return an account's connections, without one of them."""
        sessions = [self.sessions[number] for number in sorted(account.sessions)]
        return [session for session in sessions if session is not but]

    def open(self, session: Session, feed: Feed, room: Room, id: int, after: int | None) -> None:
        """Let a session read a log, and answer that with `joined`."""
        account = self.account(session)
        cursor = feed.start(session, after)
        session.send(
            messages.Joined(
                *(room.log, room.kind.value, room.name_for(account), cursor, feed.tail),
                *(len(room.members), room.topic, id),
            )
        )
        feed.catch_up(session.number)

    def open_elsewhere(self, account: Account, feed: Feed, room: Room, but: Session) -> None:
        """Let an account's other connections read a log from its end on, and tell them."""
        for session in self.sessions_of(account, but):
            if not feed.reads(session.number):
                cursor = feed.start(session, None)
                session.send(
                    messages.Opened(
                        *(room.log, room.kind.value, room.name_for(account), cursor, feed.tail),
                        *(len(room.members), room.topic),
                    )
                )


def answer_with(session: Session, answer: messages.Ok) -> Callable[[Appended | None], None]:
    """Return what gives `answer` when a draft is durable, and refuses when it is not to be."""

    def committed(place: Appended | None) -> None:
        if place is None:
            refuse(session, answer.id, NotStoredError())
        else:
            session.send(answer)

    return committed

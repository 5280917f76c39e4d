"""The effects of an applied change on connected sessions.

The asker already has its answer.
"""

from datetime import UTC, datetime
from typing import Final

from chat.ids import AccountId, DeviceKey, LogId
from chat.rooms.changes import Change
from chat.rooms.failures import LoginFailures
from chat.rooms.happenings import Arrived, Departed, Ranked, Renamed
from chat.rooms.hub import Hub
from chat.rooms.roles import Sanction
from chat.rooms.values import (
    SERVER,
    AccountKey,
    AnyKey,
    AnyValue,
    BanKey,
    Device,
    DeviceOf,
    InvitedBy,
    InvitedKey,
    Kind,
    MembershipKey,
    NetworkKey,
    Profile,
    Requested,
    RequestKey,
    RoleKey,
    Scope,
)
from chat.server.fanout.feeds import Feeds
from chat.server.oplog import OperatorLog
from chat.server.requests.context import describe
from chat.server.requests.notices import Notices
from chat.server.requests.rounds import Rounds
from chat.server.requests.sessions import Sessions
from chat.server.session import Session
from chat.server.state.sources import Applied
from chat.wire import messages
from chat.wire.errors import CloseCode
from chat.wire.identity import identity_fingerprint

__all__ = ["Effects"]

_PLAIN_DETAILS: Final = frozenset({"slow", "token", "own"})
"""Actions whose details are no words of a user's."""


class Effects:
    """Notifies sessions, starts and stops their reading, and closes them."""

    def __init__(
        self,
        hub: Hub,
        feeds: Feeds,
        rounds: Rounds,
        sessions: Sessions,
        failures: LoginFailures,
        notices: Notices,
        log: OperatorLog,
    ) -> None:
        self._hub = hub
        self._feeds = feeds
        self._rounds = rounds
        self._sessions = sessions
        self._failures = failures
        self._notices = notices
        self._log = log

    def apply(self, applied: Applied) -> None:
        """Carry out the effects of a change."""
        change, asked_by = applied.change, applied.asked_by
        self._note(change, asked_by)
        told = change.told
        for (key, value), before in zip(change.puts, applied.before, strict=True):
            sentence = told.sentence if told is not None else ""
            if isinstance(key, MembershipKey) and value is None and before is not None:
                self._left(key.log, key.account, sentence, asked_by)
                told = None  # `removed` carries the sentence.
        if told is not None and (
            told.about is None or self._notices.take(told.account, told.about)
        ):
            for session in self._sessions.of(told.account):
                session.tell(messages.Notice(told.sentence))
        for (key, value), before in zip(change.puts, applied.before, strict=True):
            self._put(key, value, before, asked_by)

    def _note(self, change: Change, asked_by: Session | None) -> None:
        """Log an action of a user's. The operator's commands are logged as such."""
        event = change.event
        if event is None or asked_by is None:
            return
        sanctions = [it.value for it in change.puts if isinstance(it.value, Sanction)]
        self._log.acted(
            *(asked_by.number, asked_by.address),
            by=event.actor,
            account=asked_by.account,
            action=event.action,
            target=event.target,
            room=event.room,
            until=_until(sanctions[0]) if sanctions else "",
            detail=event.detail if event.action in _PLAIN_DETAILS else "",
        )

    def _put(
        self, key: AnyKey, value: AnyValue | None, before: AnyValue | None, asked_by: Session | None
    ) -> None:
        match key, value:
            case MembershipKey(log, account_id), _ if value is not None and before is None:
                self._joined(log, account_id, asked_by)
            case AccountKey(account_id), Profile(nick) if isinstance(before, Profile):
                self._renamed(account_id, before.nick, nick, asked_by)
            case DeviceOf(device), Device(account_id):
                self._linked(device, account_id)
            case DeviceOf(device), None if isinstance(before, Device):
                self._revoked(device, before.account, asked_by)
            case BanKey(scope, account_id), _ if value is not None and scope == SERVER:
                for session in self._sessions.of(account_id):
                    session.close(CloseCode.REMOVED, "its account was banned")
            case NetworkKey(group), _ if value is not None:
                for session in self._sessions.all():
                    if session.group == group:
                        session.close(CloseCode.REMOVED, "its network was banned")
            case RoleKey(scope, account_id), _ if before != value:
                self._ranked(scope, account_id)
            case InvitedKey(log, account_id), InvitedBy(by) if before != value:
                self._invited(log, account_id, by)
            case RequestKey(log, account_id), Requested(by) if before is None:
                self._requested(log, account_id, by)

    def _joined(self, log: LogId, account_id: AccountId, asked_by: Session | None) -> None:
        room, feed = self._hub.known_room(log), self._feeds.loaded(log)
        if room is None or feed is None:
            return  # Nobody reads it yet.
        feed.announce(Arrived(log, account_id, is_new=True), asked_by)
        readers = feed.readers
        for session in self._sessions.of(account_id, asked_by):
            if not readers.reads(session.number):
                cursor = readers.start(session, None)
                opening = describe(self._hub, room, account_id, cursor, readers.tail)
                session.tell(messages.Opened(*opening))

    def _left(
        self, log: LogId, account_id: AccountId, sentence: str, asked_by: Session | None
    ) -> None:
        feed = self._feeds.loaded(log)
        for session in self._sessions.of(account_id):
            if feed is not None:
                feed.readers.drop(session.number)
            if session is not asked_by:
                session.tell(messages.Removed(log, sentence))
        if feed is not None and self._hub.known_room(log) is not None:
            feed.announce(Departed(log, account_id, is_gone=True), None)

    def _renamed(
        self, account_id: AccountId, was: str, nick: str, asked_by: Session | None
    ) -> None:
        self._failures.renamed(was, nick)
        if asked_by is not None:
            self._log.client(
                *("renamed", account_id.hex(), asked_by.number, asked_by.address),
                nick=nick,
                account=account_id,
                was=was,
            )

        def tell(log: LogId) -> None:
            account, room = self._hub.people.get(account_id), self._hub.known_room(log)
            if account is None or room is None or self._hub.is_blocked_in(account, room):
                return
            self._feeds.announce(Renamed(log, account_id, was, nick), asked_by)

        self._rounds.begin(account_id, tell)

    def _ranked(self, scope: Scope, account_id: AccountId) -> None:
        def tell(log: LogId) -> None:
            room = self._hub.known_room(log)
            if room is not None and room.kind is not Kind.PRIVATE and account_id in room.members:
                self._feeds.announce(Ranked(log, account_id, self._hub.role(account_id, room)))

        if scope == SERVER:
            self._rounds.begin(account_id, tell)
        else:
            tell(scope)

    def _linked(self, device: DeviceKey, account_id: AccountId) -> None:
        for session in self._sessions.of(account_id):
            if session.device != device:
                text = "Another device has been linked to your account."
                session.tell(messages.Notice(text))

    def _revoked(self, device: DeviceKey, account_id: AccountId, asked_by: Session | None) -> None:
        if asked_by is not None:
            self._log.client(
                *("device-removed", account_id.hex(), asked_by.number, asked_by.address),
                nick=self._hub.people.nick_of(account_id),
                account=account_id,
                key=identity_fingerprint(device),
            )
        for session in self._sessions.of(account_id):
            if session.device == device:
                session.tell(messages.Notice("This device was removed from your account."))
                session.close(CloseCode.REMOVED, "its key was revoked")

    def _invited(self, log: LogId, account_id: AccountId, by: AccountId) -> None:
        room = self._hub.known_room(log)
        if room is not None:
            for session in self._sessions.of(account_id):
                session.tell(messages.Invited(room.name, self._hub.people.nick_of(by)))

    def _requested(self, log: LogId, account_id: AccountId, by: AccountId) -> None:
        for session in self._sessions.of(account_id):
            session.tell(messages.Requested(log, by, self._hub.people.nick_of(by)))


def _until(sanction: Sanction) -> str:
    if not sanction.until:
        return "revoked"
    return f"{datetime.fromtimestamp(sanction.until // 1_000, UTC):%Y-%m-%dT%H:%M:%SZ}"

"""A server as docs/protocol.md sections 6 to 8 describe it, without wire, store or sockets.

It keeps what a real one keeps, and says what a real one says; a test carries each message, or loses
it. What a page brings comes in one piece with it, as it does on the wire.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count

from msgspec import UNSET, Struct

from chat.ids import AccountId, DeviceKey, LogId, RecordId
from chat.limits import HISTORY_PAGE
from chat.rooms.names import name_key
from chat.wire import messages as m
from chat.wire.connection import Delivered
from chat.wire.messages import Body
from chat.wire.records import record_id

__all__ = ["Log", "ModelServer", "Session"]

Item = list[Struct | Delivered]
"""What arrives together."""


@dataclass
class Log:
    """A room or a private conversation."""

    log: LogId
    kind: str
    name: str
    topic: str = ""
    members: set[AccountId] = field(default_factory=set)
    invited: set[AccountId] = field(default_factory=set)
    records: list[Delivered] = field(default_factory=list)
    seq: int = 0
    seen: dict[AccountId, int] = field(default_factory=dict)
    roles: dict[AccountId, str] = field(default_factory=dict)

    def texts(self) -> list[str]:
        """Return what was said, in order."""
        return [it.body.text for it in self.records if isinstance(it.body, m.TextBody)]


@dataclass(eq=False)
class Session:
    """A connection, and what is on its way to the client."""

    server: "ModelServer"
    account: AccountId | None = None
    reads: dict[LogId, int] = field(default_factory=dict)
    """Up to where each log was given, or came from here."""
    caused: set[tuple[LogId, int]] = field(default_factory=set)
    is_slow: bool = False
    """Records wait in their log; answers do not."""
    out: list[Item] = field(default_factory=list)

    def say(self, *item: Struct | Delivered) -> None:
        """Send something that arrives in one piece."""
        self.out.append(list(item))

    def catch_up(self) -> None:
        """Give what is new in the logs."""
        for log_id, given in list(self.reads.items()):
            log = self.server.logs[log_id]
            for record in log.records:
                if record.seq > given:
                    if (log_id, record.seq) not in self.caused:
                        self.say(record)
                    self.reads[log_id] = record.seq


class ModelServer:
    """The state that all connections share."""

    def __init__(self) -> None:
        self.accounts: dict[DeviceKey, AccountId] = {}
        self.nicks: dict[AccountId, str] = {}
        self.logs: dict[LogId, Log] = {}
        self.sessions: list[Session] = []
        self.refusals: dict[type[Struct], tuple[str, str]] = {}
        """Requests to refuse, with code and text."""
        self.requests: dict[tuple[LogId, AccountId], AccountId] = {}
        """Who asks for a private conversation, by its log and who is asked."""
        self.blocked: list[str] = []
        self.contact = "everybody"
        self._ids = (number.to_bytes(16, "big") for number in count(1))

    def connect(self) -> Session:
        """Return a new connection."""
        session = Session(self)
        self.sessions.append(session)
        return session

    def account(self, nick: str) -> AccountId:
        """Return the account of somebody, made where there is none."""
        for account, known in self.nicks.items():
            if name_key(known) == name_key(nick):
                return account
        account = AccountId(next(self._ids))
        self.nicks[account] = nick
        return account

    def room(self, name: str, *nicks: str, kind: str = "public") -> Log:
        """Return a room, made where there is none, with these members in it."""
        log = self.find(name) or Log(LogId(next(self._ids)), kind, name)
        self.logs[log.log] = log
        log.members |= {self.account(nick) for nick in nicks}
        return log

    def private(self, *nicks: str) -> Log:
        """Return a conversation of two, made where there is none."""
        members = {self.account(nick) for nick in nicks}
        for log in self.logs.values():
            if log.kind == "private" and log.members == members:
                return log
        log = Log(LogId(next(self._ids)), "private", "", members=members)
        self.logs[log.log] = log
        for session in self.sessions:
            if session.account in members:
                self._open(session, log, None, 0)
        return log

    def find(self, name: str) -> Log | None:
        """Return the room with this name."""
        for log in self.logs.values():
            if log.kind != "private" and name_key(log.name) == name_key(name):
                return log
        return None

    def says(self, nick: str, log: Log, text: str, reply: int | None = None) -> int:
        """Let somebody say something; its sequence number."""
        account = self.account(nick)
        return self.add(log, m.TextBody(0, account, nick, text, UNSET if reply is None else reply))

    def add(
        self,
        log: Log,
        body: Body,
        identifier: RecordId | None = None,
        cause: Session | None = None,
    ) -> int:
        """Append a record to a log, and give it to who reads it."""
        log.seq += 3  # Not dense, on purpose.
        log.records.append(
            Delivered(log.log, log.seq, identifier or RecordId(next(self._ids)), body)
        )
        if isinstance(body, m.DeleteBody):
            gone = body.seq  # With everything that changed it.
            log.records = [
                it
                for it in log.records
                if it.seq != gone and not (isinstance(it.body, m.EditBody) and it.body.seq == gone)
            ]
        if cause is not None:
            cause.caused.add((log.log, log.seq))
        for session in self.sessions:
            if not session.is_slow:
                session.catch_up()
        return log.seq

    def passing(self, log: Log, body: Body, cause: Session | None = None) -> None:
        """Tell who reads a log something it does not keep."""
        for session in self.sessions:
            if log.log in session.reads and session is not cause:
                session.say(Delivered(log.log, 0, RecordId(next(self._ids)), body))

    # --- Requests ---

    def handle(self, session: Session, request: Struct) -> None:
        """Answer a request."""
        if isinstance(request, m.Seen):
            assert session.account is not None
            seen = self.logs[request.log].seen
            if request.seq > seen.get(session.account, 0):
                seen[session.account] = request.seq
                for other in self.sessions:
                    if other.account == session.account and other is not session:
                        other.say(m.SeenElsewhere(request.log, request.seq))
            return
        if isinstance(request, m.Typing):
            assert session.account is not None
            body = m.TypingBody(0, session.account, self.nicks[session.account])
            self.passing(self.logs[request.log], body, session)
            return
        if not isinstance(request, m.Request):
            return
        if type(request) in self.refusals:
            session.say(m.Refused(request.id, *self.refusals[type(request)]))
            return
        log_id = getattr(request, "log", UNSET)
        is_answer = isinstance(request, m.Accept | m.Decline)
        if is_answer and (log_id, session.account) not in self.requests:
            session.say(m.Refused(request.id, "no_such_request", "There is no such request."))
            return
        if (
            log_id is not UNSET
            and not is_answer
            and (log_id not in self.logs or session.account not in self.logs[log_id].members)
        ):
            session.say(m.Refused(request.id, "not_a_member", "You are not a member."))
            return
        handler: Callable[[Session, Struct], None] = getattr(
            self, "_" + type(request).__name__.lower()
        )
        handler(session, request)

    def _login(self, session: Session, login: m.Login) -> None:
        account = self.accounts.get(login.key)
        if account is None:
            if any(name_key(nick) == name_key(login.nick) for nick in self.nicks.values()):
                text = f"The nickname {login.nick} is taken."
                session.say(m.Refused(login.id, "nick_taken", text))
                return
            account = self.accounts[login.key] = self.account(login.nick)
        session.account = account
        nick = self.nicks[account]
        count = sum(asked == account for _, asked in self.requests)
        session.say(m.Welcome(login.id, account, nick, "model", 0, "disk", {}, [], count))
        for log in self.logs.values():
            if account in log.invited - log.members:
                session.say(m.Invited(log.name, "bob"))

    def _logs(self, session: Session, request: m.Logs) -> None:
        assert session.account is not None
        after = b"" if request.after is UNSET else request.after
        mine = sorted(
            (it for it in self.logs.values() if session.account in it.members and it.log > after),
            key=lambda it: it.log,
        )
        page = [
            (it.log, it.kind, self._name(session, it), it.seq, it.seen.get(session.account, 0))
            for it in mine[:2]
        ]
        session.say(m.LogList(request.id, page, len(mine) > 2))

    def _name(self, session: Session, log: Log) -> str:
        if log.kind != "private":
            return log.name
        return next(self.nicks[it] for it in log.members if it != session.account)

    def _open(self, session: Session, log: Log, request: int | None, after: int) -> None:
        values = (
            log.log,
            log.kind,
            self._name(session, log),
            after,
            log.seq,
            len(log.members),
            log.topic,
        )
        if request is None:
            session.say(m.Opened(*values))
        elif log.log in session.reads:
            session.say(m.Refused(request, "already_reading", "It is being read."))
            return
        else:
            session.say(m.Joined(*values, request))
        session.reads[log.log] = after
        if not session.is_slow:
            session.catch_up()

    def _join(self, session: Session, request: m.Join) -> None:
        assert session.account is not None
        log = self.find(request.room)
        if log is None:
            if request.create is UNSET:
                session.say(m.Refused(request.id, "no_such_room", "There is no such room."))
                return
            log = self.room(request.room, kind=request.create)
        elif request.new:
            session.say(
                m.Refused(
                    request.id,
                    "room_taken",
                    f"A room cannot be called {log.name}: that name is taken.",
                )
            )
            return
        elif log.kind == "invite" and session.account not in log.invited | log.members:
            session.say(m.Refused(request.id, "not_invited", "You are not invited."))
            return
        log.members.add(session.account)
        self._open(session, log, request.id, log.seq)

    def _private(self, session: Session, request: m.Private) -> None:
        assert session.account is not None
        if request.log is not UNSET:
            expected = {self.nicks[it] for it in self.logs[request.log].members}
            if request.nick not in expected:
                text = f"{request.nick} is another account now than the one you talked to"
                session.say(m.Refused(request.id, "other_account", f"{text} by that name."))
                return
        for account, nick in self.nicks.items():
            if name_key(nick) == name_key(request.nick) and account != session.account:
                members = {session.account, account}
                break
        else:
            session.say(m.Refused(request.id, "no_such_nick", "There is nobody with that name."))
            return
        for log in self.logs.values():
            if log.kind == "private" and log.members == members:
                break
        else:
            log = Log(LogId(next(self._ids)), "private", "", members=members)
            self.logs[log.log] = log
            for other in self.sessions:
                if other.account in members and other is not session:
                    self._open(other, log, None, 0)
        self._open(session, log, request.id, log.seq)

    def asks(self, nick: str, other: str) -> Log:
        """Let somebody ask another for a private conversation, and return it."""
        by, account = self.account(nick), self.account(other)
        log = Log(LogId(next(self._ids)), "private", "", members={by})
        self.logs[log.log] = log
        self.requests[log.log, account] = by
        for session in self.sessions:
            if session.account == account:
                session.say(m.Requested(log.log, by, nick))
        return log

    def _requests(self, session: Session, request: m.Requests) -> None:
        after = b"" if request.after is UNSET else request.after
        rows = sorted(
            (log, by, self.nicks[by], 0)
            for (log, account), by in self.requests.items()
            if account == session.account and log > after
        )
        session.say(m.RequestList(request.id, rows[:2], len(rows) > 2))

    def _accept(self, session: Session, request: m.Accept) -> None:
        assert session.account is not None
        del self.requests[request.log, session.account]
        log = self.logs[request.log]
        log.members.add(session.account)
        self._open(session, log, request.id, log.seq)

    def _decline(self, session: Session, request: m.Decline) -> None:
        assert session.account is not None
        del self.requests[request.log, session.account]
        session.say(m.Ok(request.id))

    def _block(self, session: Session, request: m.Block) -> None:
        self.blocked.append(request.nick)
        session.say(m.Ok(request.id))

    def _unblock(self, session: Session, request: m.Unblock) -> None:
        self.blocked.remove(request.nick)
        session.say(m.Ok(request.id))

    def _blocks(self, session: Session, request: m.Blocks) -> None:
        after = "" if request.after is UNSET else request.after
        rest = [nick for nick in sorted(self.blocked) if nick > after]
        session.say(m.BlockList(request.id, rest[:2], len(rest) > 2))

    def _contact(self, session: Session, request: m.Contact) -> None:
        self.contact = self.contact if request.who is UNSET else request.who
        session.say(m.ContactChosen(request.id, self.contact))

    def _read(self, session: Session, request: m.Read) -> None:
        self._open(session, self.logs[request.log], request.id, request.after)

    def _nick(self, session: Session, request: m.Nick) -> None:
        assert session.account is not None
        self.nicks[session.account] = request.nick
        session.say(m.Ok(request.id))

    def _leave(self, session: Session, request: m.Leave) -> None:
        assert session.account is not None
        self.logs[request.log].members.discard(session.account)
        session.reads.pop(request.log, None)
        session.say(m.Ok(request.id))

    def _topic(self, session: Session, request: m.Topic) -> None:
        self.logs[request.log].topic = request.topic
        session.say(m.Ok(request.id))

    def _invite(self, session: Session, request: m.Invite) -> None:
        self.logs[request.log].invited.add(self.account(request.nick))
        session.say(m.Ok(request.id))

    def _moderate(self, session: Session, request: m.Moderate) -> None:
        if request.log is not UNSET and request.action in ("kick", "ban"):
            self.remove(self.logs[request.log], request.nick, "You were removed.")
        session.say(m.Ok(request.id))

    def _slow(self, session: Session, request: m.Slow) -> None:
        session.say(m.Ok(request.id))

    def _token(self, session: Session, request: m.Token) -> None:
        session.say(m.TokenIssued(request.id, bytes(16)))

    def _code(self, session: Session, request: m.Code) -> None:
        session.say(m.CodeIssued(request.id, "ABCDE-FGHJK", 600))

    def _devices(self, session: Session, request: m.Devices) -> None:
        keys = [key for key, account in self.accounts.items() if account == session.account]
        here = {key for key, account in self.accounts.items() if account == session.account}
        session.say(m.DeviceList(request.id, [(key, 86_400_000, key in here) for key in keys]))

    def _revoke(self, session: Session, request: m.Revoke) -> None:
        del self.accounts[request.key]
        session.say(m.Ok(request.id))

    def remove(self, log: Log, nick: str, text: str) -> None:
        """Put somebody out of a room."""
        account = self.account(nick)
        log.members.discard(account)
        for session in self.sessions:
            if session.account == account and session.reads.pop(log.log, None) is not None:
                session.say(m.Removed(log.log, text))

    def _who(self, session: Session, request: m.Who) -> None:
        log = self.logs[request.log]
        here = {it.account for it in self.sessions}
        after = "" if request.after is UNSET else request.after
        members = sorted(log.members, key=self.nicks.__getitem__)
        rest = [
            (it, self.nicks[it], it in here, log.roles.get(it, "member"))
            for it in members
            if self.nicks[it] > after
        ]
        session.say(m.Members(request.id, log.log, rest[:2], len(rest) > 2))

    def _rooms(self, session: Session, request: m.Rooms) -> None:
        after = "" if request.after is UNSET else request.after
        rooms = sorted(
            (it.name, len(it.members), it.topic)
            for it in self.logs.values()
            if it.kind == "public" and it.name > after
        )
        session.say(m.RoomList(request.id, rooms[:2], len(rooms) > 2))

    def _history(self, session: Session, request: m.History) -> None:
        log = self.logs[request.log]
        if request.after is not UNSET or request.time is not UNSET:
            after = -1 if request.after is UNSET else request.after
            time = 0 if request.time is UNSET else request.time
            newer = [
                it
                for it in log.records
                if it.seq > after and not isinstance(it.body, m.Unknown) and it.body.time >= time
            ]
            page = newer[: request.limit]
            self._page(session, request.id, page, more=len(newer) > len(page))
            return
        before = log.seq + 1 if request.before is UNSET else request.before
        older = [it for it in log.records if it.seq < before]
        page = older[-request.limit :]
        self._page(session, request.id, page, more=len(older) > len(page))

    def _search(self, session: Session, request: m.Search) -> None:
        found = [
            record
            for log in self.logs.values()
            if session.account in log.members
            for record in log.records
            if isinstance(record.body, m.TextBody | m.EditBody)
            and all(word in record.body.text for word in request.words.split())
        ]
        latest = list(reversed(found))[:HISTORY_PAGE]
        self._page(session, request.id, latest, more=len(found) > len(latest))

    def _page(
        self, session: Session, number: int, page: Iterable[Delivered], *, more: bool
    ) -> None:
        records = [Delivered(it.log, it.seq, it.record_id, it.body, number) for it in page]
        session.say(m.Page(number, len(records), more), *records)

    def _post(self, session: Session, request: m.Post) -> None:
        body = m.TextBody.of(*self._head(session), request.content, request.reply)
        self._store(session, request, body)

    def _edit(self, session: Session, request: m.Edit) -> None:
        self._store(session, request, m.EditBody(*self._head(session), request.seq, request.text))

    def _delete(self, session: Session, request: m.Delete) -> None:
        self._store(session, request, m.DeleteBody(*self._head(session), request.seq))

    def _react(self, session: Session, request: m.React) -> None:
        body = m.ReactionBody(*self._head(session), request.seq, request.reaction)
        self._store(session, request, body)

    def _head(self, session: Session) -> tuple[int, AccountId, str]:
        assert session.account is not None
        return 0, session.account, self.nicks[session.account]

    def _store(self, session: Session, request: m.Posting, body: Body) -> None:
        assert session.account is not None
        log = self.logs[request.log]
        identifier = record_id(session.account, request.message)
        stored = [it.seq for it in log.records if it.record_id == identifier]
        seq = stored[0] if stored else self.add(log, body, identifier, session)
        given = session.reads.get(log.log, 0)
        session.say(m.Posted(log.log, given, [(request.id, seq, 0)]))

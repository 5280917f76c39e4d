"""What the core asks a server for because a user wants it: one method for each command.

(Except for what is said, which is in `chat.client.core.outbox`.)
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import assert_never

from msgspec import UNSET, Struct, UnsetType

from chat.client.core import commands
from chat.client.core.events import Arrival, Closing
from chat.client.core.history import Asked, History
from chat.client.core.interfaces import StorageError
from chat.client.core.login import LoginFlow
from chat.client.core.model import (
    ContactRequest,
    Device,
    DeviceCode,
    Invitation,
    Member,
    PublicRoom,
    Refusal,
)
from chat.client.core.outbox import Outbox
from chat.client.core.partners import PartnerCheck
from chat.client.core.pending import Task
from chat.client.core.resync import LOBBY, close_room, open_room
from chat.client.core.rooms import Room
from chat.client.core.session import Session
from chat.client.core.trust import HostKeyCheck
from chat.ids import LogId
from chat.rooms.errors import RequestError
from chat.rooms.names import name_key, prepare_nick
from chat.rooms.roles import Action, role_called
from chat.wire import messages
from chat.wire.identity import identity_fingerprint
from chat.wire.messages import Request

__all__ = ["Renaming", "Requested", "Requests"]

Requested = (
    commands.Join
    | commands.Create
    | commands.OpenPrivate
    | commands.KnowAgain
    | commands.ListRequests
    | commands.AnswerRequest
    | commands.Block
    | commands.Unblock
    | commands.ListBlocked
    | commands.SetContact
    | commands.Leave
    | commands.SetTopic
    | commands.Invite
    | commands.Moderate
    | commands.SetSlowMode
    | commands.MakeInvitation
    | commands.MakeDeviceCode
    | commands.ListDevices
    | commands.RevokeDevice
    | commands.Rename
    | commands.ListRooms
    | commands.ListMembers
    | Asked
)
"""The commands that are requests."""


@dataclass(frozen=True, slots=True)
class Renaming:
    """The outcome of a `Rename`."""

    nick: str
    key: str | None
    """Where the account's key is, if the new nickname has another key on this device already."""
    problem: str | None = None
    """Why the key could not be kept under the new nickname: without a full stop."""


class Requests:
    """Asks, and turns answers into outcomes."""

    def __init__(
        self,
        session: Session,
        outbox: Outbox,
        login: LoginFlow,
        check: HostKeyCheck,
        partners: PartnerCheck,
    ) -> None:
        self._session = session
        self._outbox = outbox
        self._login = login
        self._check = check
        self._partners = partners
        self._history = History(session)

    def run(self, command: Requested, task: Task) -> None:
        """Ask for what a command says; `task.done` gets the outcome.

        A task that is run again may have been done before: only its answer was lost.
        """
        task.runs += 1
        match command:
            case commands.Join(name):
                # The lobby is there on every server, even if nobody has been in it yet.
                create = "public" if name_key(name) == name_key(LOBBY) else UNSET
                self._open(
                    messages.Join(self._id(), name, create),
                    task,
                    lambda: self._session.rooms.room(name),
                )
            case commands.Create(name, is_invite_only):
                self._create(name, task, is_invite_only=is_invite_only)
            case commands.OpenPrivate(nick):
                self._open_private(nick, task)
            case commands.KnowAgain(nick):
                self._know_again(nick, task)
            case commands.ListRequests():
                self._list_requests(task.done, task)
            case commands.AnswerRequest(nick, is_accepted):
                self._answer_request(nick, is_accepted, task)
            case commands.Block(nick):
                self._block(messages.Block(self._id(), nick), task)
            case commands.Unblock(nick):
                self._ask(messages.Unblock(self._id(), nick), task)
            case commands.ListBlocked():
                self._list_blocked(task)
            case commands.SetContact(who):
                self._session.pending.ask(
                    messages.Contact(self._id(), UNSET if who is None else who),
                    messages.ContactChosen,
                    lambda chosen: task.done(chosen.who),
                    task,
                )
            case commands.Leave(log):
                self._leave(messages.Leave(self._id(), log), task)
            case commands.SetTopic(log, topic):
                self._set_topic(messages.Topic(self._id(), log, topic), task)
            case commands.Invite(log, nick):
                self._ask(messages.Invite(self._id(), log, nick), task)
            case commands.Moderate():
                self._moderate(command, task)
            case commands.SetSlowMode(log, seconds):
                self._ask(messages.Slow(self._id(), log, seconds), task)
            case commands.MakeInvitation():
                self._make_invitation(command, task)
            case commands.MakeDeviceCode():
                self._session.pending.ask(
                    messages.Code(self._id()),
                    messages.CodeIssued,
                    lambda issued: task.done(
                        DeviceCode(issued.code, issued.seconds, self._check.link())
                    ),
                    task,
                )
            case commands.ListDevices():
                self._list_devices(task.done, task)
            case commands.RevokeDevice(fingerprint):
                self._revoke_device(fingerprint, task)
            case commands.Rename(nick):
                self._rename(nick, task)
            case commands.ListRooms():
                self._list_rooms(task)
            case commands.ListMembers():
                self._list_members(command, task)
            case commands.PageBack() | commands.PageForward() | commands.Jump() | commands.Search():
                self._history.run(command, task)
            case _:
                assert_never(command)

    def _id(self) -> int:
        return self._session.pending.next_id()

    def _ask(
        self, request: Request, task: Task, outcome: Callable[[], object] = lambda: None
    ) -> None:
        """Ask for something that is done or refused."""

        def take(_: Struct) -> None:
            task.done(outcome())

        self._session.pending.ask(request, messages.Ok, take, task)

    # --- Private conversations ---

    def _open_private(self, nick: str, task: Task) -> None:
        """Open the conversation with somebody, if it is who it was: else nothing is even asked."""
        known = self._partners.known(nick)
        if isinstance(known, Refusal):
            task.done(known)
            return

        def done(outcome: object) -> None:
            refused = self._partners.check(outcome) if isinstance(outcome, Room) else None
            task.done(outcome if refused is None else refused)

        expected = UNSET if known is None else known
        self._open(
            messages.Private(self._id(), nick, expected),
            Task(task.run, done, task.key),
            lambda: self._session.rooms.private(nick),
        )

    def _list_requests(
        self, done: Callable[[tuple[ContactRequest, ...]], None], task: Task
    ) -> None:
        listed: list[ContactRequest] = []

        def ask(after: LogId | UnsetType) -> None:
            request = messages.Requests(self._id(), after)
            self._session.pending.ask(request, messages.RequestList, take, task)

        def take(page: messages.RequestList) -> None:
            listed.extend(ContactRequest(*it[:3]) for it in page.requests)
            if page.more and page.requests and len(listed) < self._session.limits.requests:
                ask(listed[-1].log)
                return
            self._session.requests.clear()
            for request in listed:
                self._session.note_request(request)
            done(tuple(listed))

        ask(UNSET)

    def _answer_request(self, nick: str, is_accepted: bool, task: Task) -> None:
        """Answer the request that was told with this nickname: it may be another's by now."""

        def find(requests: Iterable[ContactRequest]) -> LogId | None:
            key = name_key(nick)
            return next((it.log for it in requests if name_key(it.nick) == key), None)

        def answer(log: LogId | None) -> None:
            if log is None:
                text = f"{nick} does not ask for a conversation."
                task.done(Refusal("no_such_request", text))
            elif is_accepted:
                accept = messages.Accept(self._id(), log)
                self._open(accept, task, lambda: self._session.rooms.get(log))
            else:
                self._ask(messages.Decline(self._id(), log), task, lambda: self._forget(log))

        told = find(self._session.requests.values())
        if told is not None:
            answer(told)
        else:
            self._list_requests(lambda listed: answer(find(listed)), task)

    def _forget(self, log: LogId) -> None:
        self._session.requests.pop(log, None)

    def _block(self, request: messages.Block, task: Task) -> None:
        def done() -> None:
            for it in list(self._session.requests.values()):
                if name_key(it.nick) == name_key(request.nick):
                    self._forget(it.log)

        self._ask(request, task, done)

    def _list_blocked(self, task: Task) -> None:
        listed: list[str] = []

        def ask(after: str | UnsetType) -> None:
            request = messages.Blocks(self._id(), after)
            self._session.pending.ask(request, messages.BlockList, take, task)

        def take(page: messages.BlockList) -> None:
            listed.extend(page.nicks)
            if page.more and page.nicks and len(listed) < self._session.limits.blocked:
                ask(listed[-1])
            else:
                task.done(tuple(listed))

        ask(UNSET)

    # --- Rooms ---

    def _open(self, request: Request, task: Task, find: Callable[[], Room | None]) -> None:
        room = find()
        if room is not None:  # Opened by an event since this was asked for.
            task.done(room)
            return

        def take(joined: messages.Joined) -> None:
            task.done(open_room(self._session, self._outbox, joined, Arrival.JOINED))

        def refused(refusal: Refusal) -> None:
            # Another device, or the other person, opened it while the request was on its way.
            room = find() if refusal.code == "already_reading" else None
            task.done(refusal if room is None else room)

        self._session.pending.ask(request, messages.Joined, take, task, refused)

    def _create(self, name: str, task: Task, *, is_invite_only: bool) -> None:
        def take(joined: messages.Joined) -> None:
            task.done(open_room(self._session, self._outbox, joined, Arrival.JOINED))

        room = self._session.rooms.room(name)
        if task.runs > 1 and room is not None:
            task.done(room)
            return
        create = "invite" if is_invite_only else "public"
        request = messages.Join(self._id(), name, create, new=True)
        self._session.pending.ask(request, messages.Joined, take, task)

    def _leave(self, request: messages.Leave, task: Task) -> None:
        room = task.memo = task.memo or self._session.rooms.get(request.log)
        if task.runs > 1 and self._session.rooms.get(request.log) is None:
            task.done(room)
            return

        def left() -> object:
            if isinstance(room, Room) and self._session.rooms.get(request.log) is room:
                close_room(self._session, self._outbox, room, Closing.LEFT)
            return room

        self._ask(request, task, left)

    def _set_topic(self, request: messages.Topic, task: Task) -> None:
        def done() -> None:
            room = self._session.rooms.get(request.log)
            if room is not None:
                room.topic = request.topic

        self._ask(request, task, done)

    def _moderate(self, command: commands.Moderate, task: Task) -> None:
        request = messages.Moderate(
            *(self._id(), command.action.value, command.nick),
            UNSET if command.log is None else command.log,
            command.seconds or UNSET,
            command.reason or UNSET,
            command.network,
            command.force,
        )

        def refused(refusal: Refusal) -> None:
            is_done = command.action is Action.KICK and refusal.code == "no_such_member"
            task.done(None if is_done and task.runs > 1 else refusal)

        self._session.pending.ask(request, messages.Ok, lambda _: task.done(None), task, refused)

    def _make_invitation(self, command: commands.MakeInvitation, task: Task) -> None:
        room = None if command.log is None else self._session.rooms.get(command.log)

        def take(issued: messages.TokenIssued) -> None:
            name = None if room is None else room.name
            task.done(Invitation(self._check.link(name, issued.token)))

        log = UNSET if command.log is None else command.log
        request = messages.Token(self._id(), command.uses, command.seconds, log)
        self._session.pending.ask(request, messages.TokenIssued, take, task)

    def _list_rooms(self, task: Task) -> None:
        listed: list[PublicRoom] = []

        def ask(after: str | UnsetType) -> None:
            request = messages.Rooms(self._id(), after)
            self._session.pending.ask(request, messages.RoomList, take, task)

        def take(page: messages.RoomList) -> None:
            listed.extend(PublicRoom(*it) for it in page.rooms)
            if page.more and page.rooms and len(listed) < self._session.limits.listed_rooms:
                ask(listed[-1].name)
            else:
                task.done(tuple(listed))

        ask(UNSET)

    def _list_members(self, command: commands.ListMembers, task: Task) -> None:
        listed: list[Member] = []
        room = self._session.rooms.get(command.log)
        if room is not None:
            room.list_members()

        def ask(after: str | UnsetType) -> None:
            request = messages.Who(self._id(), command.log, after)
            self._session.pending.ask(request, messages.Members, take, task)

        def take(page: messages.Members) -> None:
            listed.extend(
                Member(account, nick, is_here, role_called(role))
                for account, nick, is_here, role in page.members
            )
            if page.more and page.members and len(listed) < self._session.limits.listed:
                ask(listed[-1].nick)
                return
            listed.sort(key=lambda member: member.nick.casefold())
            if room is not None:
                room.listed_members(listed)
            task.done(tuple(listed))

        ask(UNSET)

    def _know_again(self, nick: str, task: Task) -> None:
        try:
            task.done(self._partners.keep(prepare_nick(nick), None))
        except RequestError as error:
            task.done(Refusal(error.code, str(error)))

    # --- The account ---

    def _list_devices(self, done: Callable[[tuple[Device, ...]], None], task: Task) -> None:
        def take(listed: messages.DeviceList) -> None:
            devices = tuple(
                Device(key, identity_fingerprint(key), added, is_here, self._login.is_own(key))
                for key, added, is_here in listed.devices
            )
            self._session.devices = devices
            done(devices)

        request = messages.Devices(self._id())
        self._session.pending.ask(request, messages.DeviceList, take, task)

    def _revoke_device(self, beginning: str, task: Task) -> None:
        begins = "SHA256:" + beginning.removeprefix("SHA256:")

        def revoke(devices: tuple[Device, ...]) -> None:
            found = [device for device in devices if device.fingerprint.startswith(begins)]
            if task.memo is not None and task.memo not in [device.key for device in devices]:
                task.done(None)
                return
            if len(found) == 1:
                task.memo = found[0].key
                self._ask(messages.Revoke(self._id(), found[0].key), task)
                return
            which = "more than one of your devices" if found else "none of your devices"
            task.done(Refusal("no_such_device", f"{beginning} is {which}."))

        self._list_devices(revoke, task)

    def _rename(self, nick: str, task: Task) -> None:
        try:
            new = prepare_nick(nick)
        except RequestError as error:
            task.done(Refusal(error.code, str(error)))
            return

        def renamed() -> Renaming:
            account = self._session.account
            for room in self._session.rooms:
                room.note_member(messages.RenamedBody(0, account.account, new, account.nick))
            self._session.account = replace(account, nick=new)
            try:
                return Renaming(new, self._login.renamed(new))
            except StorageError as error:
                return Renaming(new, None, str(error))

        self._ask(messages.Nick(self._id(), new), task, renamed)

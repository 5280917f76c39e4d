"""The state of the domain: accounts, rooms, membership and rights.

`Hub.put` is the only way to change any of it, and is its own inverse: it returns the previous
value, and putting that back restores the state. Decisions (`chat.rooms.accounts`, `membership`,
`moderation`, `invitations`) check, and return the puts; they change nothing.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable
from operator import itemgetter
from typing import Any, Final, TypeVar, assert_never

from chat.ids import NOBODY, AccountId, DeviceKey, LogId
from chat.limits import BLOCKS_PAGE, LOGS_PAGE, REQUESTS_PAGE, ROOMS_PAGE
from chat.rooms.addresses import AddressGroup
from chat.rooms.changes import Put
from chat.rooms.ending import Ending
from chat.rooms.errors import (
    BannedError,
    BlockedError,
    MutedError,
    NoSuchRoomError,
    NotAMemberError,
    NotWelcomeError,
)
from chat.rooms.index import Index
from chat.rooms.names import name_key
from chat.rooms.people import Account, People
from chat.rooms.roles import Role, Sanction, Standing, reason, until
from chat.rooms.room import Room
from chat.rooms.values import (
    SERVER,
    AccountKey,
    AnyKey,
    AnyValue,
    BanKey,
    BlockKey,
    Claim,
    ClaimKey,
    Contact,
    ContactKey,
    Device,
    DeviceOf,
    Granted,
    GrantedKey,
    Held,
    HeldKey,
    Invitation,
    InvitationKey,
    InvitedBy,
    InvitedKey,
    Kind,
    LinkCode,
    LinkCodeKey,
    Membership,
    MembershipKey,
    Moment,
    MomentKey,
    MuteKey,
    NetworkKey,
    Profile,
    Requested,
    RequestKey,
    RoleKey,
    RoomKey,
    RoomProfile,
    Scope,
    TokenHash,
)

__all__ = ["Hub"]

K = TypeVar("K")
V = TypeVar("V")

_KEY: Final = itemgetter(0)


class Hub:
    """All accounts and all logs."""

    def __init__(self) -> None:
        self.people = People()
        self.standing = Standing()
        """Roles and sanctions on the whole server."""
        self.networks: dict[AddressGroup, Sanction] = {}
        """Bans by group of addresses."""
        self.invitations: dict[TokenHash, Invitation] = {}
        """By the hash of the token."""
        self.sanctions = Ending[Scope, BanKey | MuteKey | NetworkKey]()
        """Bans and mutes, by where they apply."""
        self.tokens = Ending[LogId, InvitationKey]()
        """Invitation tokens, by room; those to the server have an empty one."""
        self.tokens_by = Ending[AccountId, InvitationKey]()
        """Invitation tokens, by maker."""
        self._invitees: dict[AccountId, set[InvitedKey]] = {}
        """Invitations of accounts, by maker."""
        self.codes: dict[AccountId, LinkCode] = {}
        """Open codes that add a device, by account."""
        self.claim: Claim | None = None
        """The right to become an owner of the server; None once it is used."""
        self.granted: dict[DeviceKey, Granted] = {}
        """The account that each key listed by the operator made an owner."""
        self.moment: Moment | None = None
        """The last saved time."""
        self._rooms: dict[LogId, Room] = {}
        self._by_name = Index[str, Room](_log)
        self._public: list[tuple[str, LogId]] = []
        """`name_key` and log of each public room, sorted."""
        self._pairs = Index[frozenset[AccountId], Room](_log)
        self._owned: dict[AccountId, set[LogId]] = {}
        """Rooms by owner."""
        self._asked: dict[AccountId, set[LogId]] = {}
        """Private conversations that await an answer, by the account that asked."""
        self._begun: dict[AccountId, set[LogId]] = {}
        """Private conversations, by who began them."""
        self._slow: set[LogId] = set()
        """Rooms in slow mode."""
        self._muted: dict[AccountId, set[LogId]] = {}
        """Rooms in which somebody was muted; the mutes may have ended."""

    # --- Looking ---

    def known_room(self, log: LogId) -> Room | None:
        """Return a log if it exists, without checking membership."""
        return self._rooms.get(log)

    def find_room(self, name: str) -> Room | None:
        """Return the room with this name, if there is one."""
        return self._by_name.get(name_key(name.strip(" ")))

    def find_room_for(self, account: Account, name: str, now: int) -> Room | None:
        """Return the room with this name, or None if this account may not know of one."""
        room = self.find_room(name)
        if room is None or self.standing.role(account.id) >= Role.OPERATOR:
            return room
        is_invited = self.is_invited(InvitedKey(room.log, account.id), now)
        return room if room.is_known_to(account.id, is_invited, now) else None

    def named_room(self, name: str) -> Room:
        """Return a room by its name, without checking membership. Raises NoSuchRoomError."""
        room = self.find_room(name)
        if room is None:
            raise NoSuchRoomError
        return room

    def conversation(self, one: AccountId, other: AccountId) -> Room | None:
        """Return the private conversation of two accounts, if there is one."""
        return self._pairs.get(frozenset((one, other)))

    def name_of(self, room: Room, account: AccountId) -> str:
        """Return the log's name as this member sees it."""
        is_private = room.kind is Kind.PRIVATE
        return self.people.nick_of(room.other(account)) if is_private else room.name

    def room(self, account: Account, log: LogId) -> Room:
        """Return a log that an account is a member of. Raises NotAMemberError."""
        room = self._rooms.get(log)
        if room is None:
            raise NotAMemberError  # Do not reveal whether the log exists.
        room.check_member(account)
        return room

    def shared_rooms(self) -> list[Room]:
        """Return all logs except private conversations."""
        return [room for room in self._rooms.values() if room.kind is not Kind.PRIVATE]

    def slow_rooms_of(self, account: Account) -> list[Room]:
        """Return the rooms in slow mode that an account is a member of, ordered by id."""
        fewer, more = sorted((account.logs, self._slow), key=len)
        return [self._rooms[log] for log in sorted(log for log in fewer if log in more)]

    def muted_rooms_of(self, account: Account) -> list[Room]:
        """Return the rooms that an account is a member of and was muted in, ordered by id."""
        logs = self._muted.get(account.id, ())
        return [self._rooms[log] for log in sorted(log for log in logs if log in account.logs)]

    def owned_by(self, account: AccountId) -> int:
        """Return how many rooms an account owns."""
        return len(self._owned.get(account, ()))

    def begun_by(self, account: AccountId) -> int:
        """Return how many private conversations an account has begun."""
        return len(self._begun.get(account, ()))

    def invitees_of(self, account: AccountId) -> Collection[InvitedKey]:
        """Return the invitations of other accounts that an account has made, including those that
        are worth nothing now."""
        return self._invitees.get(account, ())

    def invited_to(self, account: Account, now: int) -> list[tuple[Room, InvitedBy]]:
        """Return the account's open invitations: the rooms, and who invited it."""
        logs = sorted(account.invitations)
        rooms = [self._rooms[it] for it in logs if self.is_invited(InvitedKey(it, account.id), now)]
        return [(room, room.invited[account.id]) for room in rooms]

    def asked_by(self, account: AccountId) -> int:
        """Return how many requests from an account are unanswered."""
        return len(self._asked.get(account, ()))

    def requests_after(self, account: Account, log: LogId | None) -> tuple[list[Room], bool]:
        """Return the requested conversations of an account that come after `log`, and whether more
        follow."""
        logs = sorted(account.requests)
        start = 0 if log is None else bisect_right(logs, log)
        end = start + REQUESTS_PAGE
        return [self._rooms[it] for it in logs[start:end]], len(logs) > end

    def blocked_after(self, account: Account, nick: str | None) -> tuple[list[str], bool]:
        """Return the nicknames after `nick` that an account has blocked, and whether more
        follow."""
        nicks = sorted(map(self.people.nick_of, account.blocked), key=name_key)
        start = 0 if nick is None else bisect_right(nicks, name_key(nick), key=name_key)
        end = start + BLOCKS_PAGE
        return nicks[start:end], len(nicks) > end

    def share_a_room(self, one: Account, other: Account) -> bool:
        """Return whether two accounts share a room."""
        fewer, more = sorted((one.logs, other.logs), key=len)
        return any(log in more and self._rooms[log].kind is not Kind.PRIVATE for log in fewer)

    def tokens_of(self, log: LogId) -> Collection[TokenHash]:
        """Return the token hashes of a room's invitation links, or of those to the server alone."""
        return [key.hash for key in self.tokens.of(log)]

    def logs(self) -> list[LogId]:
        """Return the ids of all logs."""
        return list(self._rooms)

    def logs_after(self, account: Account, log: LogId | None) -> tuple[list[Room], bool]:
        """Return the account's logs after `log`, ordered by id, and whether more follow."""
        logs = account.logs_after(log, LOGS_PAGE + 1)
        return [self._rooms[it] for it in logs[:LOGS_PAGE]], len(logs) > LOGS_PAGE

    def public_after(self, name: str | None) -> tuple[list[Room], bool]:
        """Return the public rooms after `name`, ordered by name, and whether more follow."""
        start = 0 if name is None else bisect_right(self._public, name_key(name), key=_KEY)
        end = start + ROOMS_PAGE
        return [self._rooms[log] for _, log in self._public[start:end]], len(self._public) > end

    # --- Rights ---

    def role(self, account: AccountId, room: Room | None) -> Role:
        """Return an account's role in a room, or on the server."""
        on_server = self.standing.role(account)
        if room is None:
            return on_server
        return max(Role.HOST if on_server is Role.OWNER else on_server, room.role(account))

    def check_may_enter(self, account: AccountId, now: int) -> None:
        """Raise BannedError for an account that is banned from the server."""
        _check_ban(self.standing.ban(account, now))

    def check_network(self, group: AddressGroup, now: int) -> None:
        """Raise BannedError for a group of addresses that is banned from the server."""
        sanction = self.networks.get(group)
        _check_ban(sanction if sanction is not None and sanction.holds(now) else None)

    def check_may_speak(self, account: AccountId, room: Room | None, now: int) -> None:
        """Raise MutedError for an account that is muted in the room or on the server."""
        _check_mute(self.standing.mute(account, now), "this server")
        if room is not None:
            _check_mute(room.standing.mute(account, now), room.described)

    # --- Invitations: each is worth what its maker may do now ---

    def is_open(self, invitation: Invitation, now: int) -> bool:
        """Return whether an invitation can be used: it is neither used up nor expired, and its
        maker could make it now."""
        room = self._rooms.get(invitation.log)
        is_lost = room is None and bool(invitation.log)
        may_invite = self._may(invitation.by, Role.OPERATOR, room, now)
        return invitation.is_good(now) and not is_lost and may_invite

    def is_invited(self, key: InvitedKey, now: int) -> bool:
        """Return whether an account is invited to a room by somebody who could invite it now."""
        room = self._rooms[key.log]
        invited = room.invited.get(key.account)
        return invited is not None and self._may(invited.by, Role.MEMBER, room, now)

    def is_invitable(self, account: AccountId, room: Room, now: int) -> bool:
        """Return whether an account may be invited: it is not a member, invited, or banned."""
        is_there = account in room.members or self.is_invited(InvitedKey(room.log, account), now)
        return not is_there and room.standing.ban(account, now) is None

    def _may(self, account: AccountId, role: Role, room: Room | None, now: int) -> bool:
        """Return whether an account has at least this role, is in the room, and is not banned.

        NOBODY is the operator, using ``chat.admin``.
        """
        if account == NOBODY:
            return True
        is_there = room is None or account in room.members
        is_banned = self.standing.ban(account, now) is not None
        return is_there and not is_banned and self.role(account, room) >= role

    def check_not_blocked(self, account: Account, other: Account) -> None:
        """Raise BlockedError or NotWelcomeError if either has blocked the other."""
        if other.id in account.blocked:
            raise BlockedError(other.nick)
        if account.id in other.blocked:
            raise NotWelcomeError(other.nick)

    def check_may_approach(self, account: Account, other: Account) -> None:
        """Raise BlockedError or NotWelcomeError if `account` may not send `other` requests and
        invitations."""
        self.check_not_blocked(account, other)
        if other.contact is None or account is other:
            return
        if other.contact is Contact.NOBODY or not self.share_a_room(account, other):
            raise NotWelcomeError(other.nick)

    def is_blocked_in(self, account: Account, room: Room) -> bool:
        """Return whether this is a private conversation whose other account has blocked this
        one."""
        other = self.people.get(room.other(account.id)) if room.kind is Kind.PRIVATE else None
        return other is not None and account.id in other.blocked

    def check_may_talk(self, account: Account, room: Room) -> None:
        """Raise BlockedError or NotWelcomeError if a member of a private conversation may not write
        in it."""
        other = self.people.get(room.other(account.id))
        if other is not None:
            self.check_not_blocked(account, other)

    # --- Changing ---

    def get(self, key: AnyKey) -> AnyValue | None:
        """Return the value under a key, if there is one."""
        match key:
            case AccountKey(account_id):
                account = self.people.get(account_id)
                return None if account is None else Profile(account.nick)
            case HeldKey(name):
                return self.people.held(name)
            case DeviceOf(device):
                account = self.people.of_key(device)
                return None if account is None else Device(account.id, account.devices[device])
            case RoomKey(log):
                room = self._rooms.get(log)
                return None if room is None else room.profile
            case MembershipKey(log, account_id):
                room = self._rooms.get(log)
                return Membership() if room is not None and account_id in room.members else None
            case InvitedKey(log, account_id):
                room = self._rooms.get(log)
                return None if room is None else room.invited.get(account_id)
            case RoleKey() | BanKey() | MuteKey():
                is_known = key.scope == SERVER or key.scope in self._rooms
                return self._in_standing(key).get(key.account) if is_known else None
            case NetworkKey(group):
                return self.networks.get(group)
            case InvitationKey(hash):
                return self.invitations.get(hash)
            case LinkCodeKey(account_id):
                return self.codes.get(account_id)
            case ClaimKey():
                return self.claim
            case GrantedKey(device):
                return self.granted.get(device)
            case MomentKey():
                return self.moment
            case RequestKey(log, account_id):
                room = self._rooms.get(log)
                return None if room is None else room.requested.get(account_id)
            case ContactKey(account_id):
                account = self.people.get(account_id)
                return None if account is None else account.contact
            case BlockKey(account_id, other):
                account = self.people.get(account_id)
                return None if account is None else account.blocked.get(other)
            case _:
                assert_never(key)

    def put(self, key: AnyKey, value: AnyValue | None) -> AnyValue | None:
        """Store `value` under `key`, or remove it if None; return the previous value.

        Whatever `value` refers to must exist, and nothing may refer to a removed value: otherwise
        this raises KeyError or AssertionError, and changes nothing.
        """
        before = self.get(key)
        if value is None and before is None:
            return None
        match key:
            case AccountKey():
                self._put_account(key, value)
            case HeldKey(name):
                self.people.hold(name, value if isinstance(value, Held) else None)
            case DeviceOf(device):
                if isinstance(value, Device):
                    self.people.add_device(device, value.account, value.added)
                else:
                    self.people.remove_device(device)
            case RoomKey():
                self._put_room(key, value)
            case MembershipKey(log, account_id):
                room, account = self._rooms[log], self._account(account_id)
                if value is None:
                    room.remove(account)
                elif before is None:
                    room.add(account)
            case InvitedKey(log, account_id):
                invited = value if isinstance(value, InvitedBy) else None
                self._rooms[log].invite(self._account(account_id), invited)
                if isinstance(before, InvitedBy):
                    _discard(self._invitees, before.by, key)
                if invited is not None:
                    self._invitees.setdefault(invited.by, set()).add(key)
            case RoleKey():
                _set(self._in_standing(key), key.account, value)
            case BanKey() | MuteKey():
                _set(self._in_standing(key), key.account, value)
                self._note_end(key.scope, key, before, value)
                if isinstance(key, MuteKey) and key.scope != SERVER:
                    self._note_mute(key, value)
            case NetworkKey(group):
                _set(self.networks, group, value)
                self._note_end(SERVER, key, before, value)
            case InvitationKey():
                self._put_invitation(key, value)
            case LinkCodeKey(account_id):
                _set(self.codes, account_id, value)
            case ClaimKey():
                self.claim = value if isinstance(value, Claim) else None
            case GrantedKey(device):
                _set(self.granted, device, value)
            case MomentKey():
                self.moment = value if isinstance(value, Moment) else None
            case RequestKey():
                self._put_request(key, value)
            case ContactKey(account_id):
                self._account(account_id).contact = value if isinstance(value, Contact) else None
            case BlockKey(account_id, other):
                _set(self._account(account_id).blocked, other, value)
            case _:
                assert_never(key)
        return before

    def put_all(self, puts: Iterable[Put]) -> list[Put]:
        """Apply all puts, or none if one raises. Return the puts that undo them, in order."""
        back: list[Put] = []
        try:
            for key, value in puts:
                back.append(Put(key, self.put(key, value)))
        except Exception:
            for key, value in reversed(back):
                self.put(key, value)
            raise
        back.reverse()
        return back

    def _account(self, account_id: AccountId) -> Account:
        account = self.people.get(account_id)
        assert account is not None, "an account exists before its memberships"
        return account

    def _put_account(self, key: AccountKey, value: AnyValue | None) -> None:
        account = self.people.get(key.account)
        if not isinstance(value, Profile):
            self.people.remove(key.account)
        elif account is None:
            self.people.add(key.account, value.nick)
        else:
            self.people.rename(account, value.nick)

    def _put_invitation(self, key: InvitationKey, value: AnyValue | None) -> None:
        before = self.invitations.pop(key.hash, None)
        if before is not None:
            self.tokens.remove(before.log, key, before.until)
            self.tokens_by.remove(before.by, key, before.until)
        if isinstance(value, Invitation):
            self.invitations[key.hash] = value
            self.tokens.add(value.log, key, value.until)
            self.tokens_by.add(value.by, key, value.until)

    def _note_end(
        self,
        scope: Scope,
        key: BanKey | MuteKey | NetworkKey,
        before: AnyValue | None,
        value: AnyValue | None,
    ) -> None:
        if isinstance(before, Sanction):
            self.sanctions.remove(scope, key, before.until)
        if isinstance(value, Sanction):
            self.sanctions.add(scope, key, value.until)

    def _note_mute(self, key: MuteKey, value: AnyValue | None) -> None:
        if value is None:
            _discard(self._muted, key.account, key.scope)
        else:
            self._muted.setdefault(key.account, set()).add(key.scope)

    def _put_request(self, key: RequestKey, value: AnyValue | None) -> None:
        room, account = self._rooms[key.log], self._account(key.account)
        before = room.requested.get(key.account)
        requested = value if isinstance(value, Requested) else None
        room.request(account, requested)
        if before is not None and not before.is_declined:
            _discard(self._asked, before.by, key.log)
        if requested is not None and not requested.is_declined:
            self._asked.setdefault(requested.by, set()).add(key.log)

    def _put_room(self, key: RoomKey, value: AnyValue | None) -> None:
        room = self._rooms.get(key.log)
        if room is not None:
            assert value is not None or room.is_unused, "a room is empty before it is removed"
            self._unlist(room)
        if not isinstance(value, RoomProfile):
            del self._rooms[key.log]
            return
        if room is None:
            room = self._rooms[key.log] = Room(key.log, value)
        room.profile = value
        self._list(room)

    def _list(self, room: Room) -> None:
        profile = room.profile
        if profile.kind is Kind.PRIVATE:
            self._pairs.add(frozenset((profile.owner, profile.other)), room)
            self._begun.setdefault(profile.owner, set()).add(room.log)
            return
        key = name_key(room.name)
        self._by_name.add(key, room)
        self._owned.setdefault(room.owner, set()).add(room.log)
        if room.slow:
            self._slow.add(room.log)
        if room.kind is Kind.PUBLIC:
            insort(self._public, (key, room.log))

    def _unlist(self, room: Room) -> None:
        profile = room.profile
        if profile.kind is Kind.PRIVATE:
            self._pairs.remove(frozenset((profile.owner, profile.other)), room)
            _discard(self._begun, profile.owner, room.log)
            return
        key = name_key(room.name)
        self._by_name.remove(key, room)
        _discard(self._owned, room.owner, room.log)
        self._slow.discard(room.log)
        if room.kind is Kind.PUBLIC:
            del self._public[bisect_left(self._public, (key, room.log))]

    def _standing(self, scope: Scope) -> Standing:
        return self.standing if scope == SERVER else self._rooms[scope].standing

    def _in_standing(
        self, key: RoleKey | BanKey | MuteKey
    ) -> dict[AccountId, Role] | dict[AccountId, Sanction]:
        standing = self._standing(key.scope)
        match key:
            case RoleKey():
                return standing.roles
            case BanKey():
                return standing.banned
            case MuteKey():
                return standing.muted
            case _:
                assert_never(key)


def _discard(sets: dict[K, set[V]], key: K, value: V) -> None:
    """Remove a value from a key's set, and the set once it is empty."""
    sets[key].discard(value)
    if not sets[key]:
        del sets[key]


def _log(room: Room) -> LogId:
    return room.log


def _set(table: dict[Any, Any], key: object, value: object) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value


def _check_mute(sanction: Sanction | None, where: str) -> None:
    if sanction is not None:
        raise MutedError(where, until(sanction), reason(sanction))


def _check_ban(sanction: Sanction | None) -> None:
    if sanction is not None:
        raise BannedError("this server", until(sanction), reason(sanction))

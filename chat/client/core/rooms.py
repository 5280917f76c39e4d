"""The rooms and private conversations of the account: both are logs, and `Room` stands for either.

They outlive a connection, and say where the next one goes on reading.
"""

from collections.abc import Iterator, Mapping

from chat.client.core.members import Change, Members
from chat.client.core.model import Author, Member, Message
from chat.client.core.timeline import Timeline
from chat.client.core.typing import Writers
from chat.client.core.unread import Unread
from chat.ids import AccountId, LogId
from chat.limits import ClientLimits
from chat.rooms.names import name_key
from chat.wire.messages import JoinedBody, LeftBody, Opened, RenamedBody
from chat.wire.records import Delivered

__all__ = ["Room", "Rooms", "mentions"]


class Room:
    """A room or a private conversation. Faces read it; only the core changes it."""

    def __init__(self, opened: Opened, account: AccountId, limits: ClientLimits) -> None:
        self.log = opened.log
        self.timeline = Timeline(opened.log, account, limits, opened.seq)
        self.cursor = opened.seq
        """Everything up to this number came here, or from here."""
        self.read_marker = 0
        """Up to where the user has read."""
        self._unread = Unread()
        self.draft = ""
        """What the user has typed and not sent. Faces set it with `Core.set_draft`."""
        self._account = account
        self._limits = limits
        self._members = Members(limits.listed)
        self.writers = Writers(limits.typing_shown, limits.typing_names)
        """Who is writing: `typing` for a face."""
        self._since = opened.seq
        """What was said before one came, up to this number, is not unread."""
        self._own: set[int] = set()
        self._told = 0
        self.refresh(opened)

    def refresh(self, opened: Opened) -> int:
        """Take what the server says on opening it again: records after `opened.seq` follow.

        Return how many numbers are left out in between.
        """
        missed = opened.seq - self.cursor
        if missed > 0:
            self.timeline.restart(opened.seq)
        self.kind = opened.kind
        self.name = opened.room
        """Of a private conversation, the other's nickname."""
        self.topic = opened.topic
        self.member_count = opened.members
        self._members.forget()
        self.tail = opened.tail
        """The last number of the log when it was opened."""
        self.cursor = opened.seq
        self._own = {seq for seq in self._own if seq > opened.seq}
        return max(missed, 0)

    def skip(self, count: int) -> None:
        """Note that so many records up to the cursor were missed, and are not fetched."""
        self._unread.skip(count, self.cursor)

    @property
    def oldest(self) -> int:
        """Everything from this number on is shown, up to the end of the window; paging back goes on
        before it."""
        return self.timeline.window.begin

    @property
    def is_whole(self) -> bool:
        """Whether there is nothing before `oldest`."""
        return self.timeline.window.is_whole

    @property
    def unread(self) -> int:
        """Messages of others behind the read marker, without deleted ones."""
        return self._unread.count

    @property
    def mentions(self) -> int:
        """Those of them that name the user or answer a message of theirs."""
        return self._unread.mentions

    @property
    def is_private(self) -> bool:
        """Whether it is a conversation of two."""
        return self.kind == "private"

    def is_unread_by_other(self, nick: str) -> bool:
        """Whether it is a private conversation of `nick` that the other does not read: it was not
        accepted yet, or the other has left."""
        is_alone = self.is_private and self.member_count < 2
        return is_alone and name_key(self.name) != name_key(nick)

    @property
    def is_behind(self) -> bool:
        """Whether records that were there on opening it have yet to come."""
        return self.cursor < self.tail

    # --- Who is there ---

    @property
    def members(self) -> Mapping[AccountId, Member] | None:
        """The members by account, once they were asked for; None before."""
        return self._members.listed

    @property
    def typing(self) -> tuple[Author, ...]:
        """Who else is writing something now, in the order in which they began."""
        return self.writers.authors

    def list_members(self) -> None:
        """Members are being listed, in several answers."""
        self._members.begin()

    def listed_members(self, members: list[Member]) -> None:
        """Keep the members that were listed, as far as nothing newer is known."""
        self._members.list(members)

    def note_member(self, change: Change) -> None:
        """Note that somebody came, went, or has another nickname or role."""
        self._members.note(change)
        match change:
            case JoinedBody() | LeftBody() if self.is_private:
                self.member_count = 2 if isinstance(change, JoinedBody) else 1
            case JoinedBody(new=True) if change.account != self._account:
                self.member_count += 1
            case LeftBody(gone=True):
                self.member_count -= 1
            case RenamedBody(was=was, nick=nick):
                if self.is_private and name_key(self.name) == name_key(was):
                    self.name = nick

    # --- How far it has come ---

    def advance(self, delivered: Delivered) -> bool:
        """Move on to a record; return whether it is new here: neither had nor said here."""
        seq = delivered.seq
        if seq == 0:
            return True
        is_new = seq > self.cursor and seq not in self._own
        self.reached(seq)
        return is_new

    def reached(self, seq: int) -> None:
        """Note that everything up to `seq` came here, or came from here."""
        self.cursor = max(self.cursor, seq)
        if self._own:
            self._own = {own for own in self._own if own > self.cursor}

    def acknowledged(self, seq: int) -> None:
        """Note that the record `seq` came from here, and is not new if it comes."""
        if seq > self.cursor:
            self._own.add(seq)
            if len(self._own) > self._limits.own:
                self._own.remove(min(self._own))

    # --- What has been read ---

    def count(self, message: Message, nick: str) -> None:
        """Count a new message as unread, if it is."""
        if message.is_own or message.handle.seq <= max(self.read_marker, self._since):
            return
        answered = None if message.reply is None else self.timeline.message(message.reply.seq)
        is_answer = answered is not None and answered.is_own
        is_mention = is_answer or mentions(message.text, nick)
        self._unread.add(message.handle.seq, is_mention=is_mention)

    def uncount(self, seq: int) -> None:
        """Note that a message is deleted."""
        self._unread.remove(seq)

    def mark_read(self, seq: int) -> bool:
        """Move the read marker on to `seq`. Return whether that changed anything to be shown."""
        return self._move_marker(min(seq, self.cursor))

    def _move_marker(self, seq: int) -> bool:
        if seq <= self.read_marker:
            return False
        before = self.unread, self.mentions
        self.read_marker = seq
        self._unread.read(seq)
        return before != (self.unread, self.mentions)

    def told_read(self, seq: int) -> bool:
        """Note what the server says is read, here or on another device.

        What it does not know of is told again. Return whether anything changed to be shown.
        """
        self._told = seq
        return self._move_marker(seq)

    def seen_elsewhere(self, seq: int) -> bool:
        """Note that another device has told what is read. Return whether anything changed to be
        shown."""
        self._told = max(self._told, seq)
        return self._move_marker(seq)

    def untold(self) -> int | None:
        """Return the read marker, if the server was not told of it since the last call."""
        if self.read_marker <= self._told:
            return None
        self._told = self.read_marker
        return self.read_marker


class Rooms:
    """All logs that are read, in the order they were opened."""

    def __init__(self) -> None:
        self._rooms: dict[LogId, Room] = {}

    def __iter__(self) -> Iterator[Room]:
        """Return all of them."""
        return iter(list(self._rooms.values()))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._rooms)

    def get(self, log: LogId) -> Room | None:
        """Return the room with this log."""
        return self._rooms.get(log)

    def add(self, room: Room) -> None:
        """Keep a room."""
        self._rooms[room.log] = room

    def remove(self, log: LogId) -> None:
        """Forget a room."""
        self._rooms.pop(log, None)

    def room(self, name: str) -> Room | None:
        """Return the room with this name."""
        return self._find(name, is_private=False)

    def private(self, nick: str) -> Room | None:
        """Return the private conversation with this nickname."""
        return self._find(nick, is_private=True)

    def _find(self, name: str, *, is_private: bool) -> Room | None:
        key = name_key(name)
        for room in self._rooms.values():
            if room.is_private == is_private and name_key(room.name) == key:
                return room
        return None


def mentions(text: str, nick: str) -> bool:
    """Tell whether a nickname stands in a text as a word of its own, in any case."""
    text, nick = text.casefold(), nick.casefold()
    at = text.find(nick) if nick else -1
    while at >= 0:
        end = at + len(nick)
        if not _continues(text[at - 1 : at]) and not _continues(text[end : end + 1]):
            return True
        at = text.find(nick, at + 1)
    return False


def _continues(character: str) -> bool:
    """Tell whether a character next to a nickname makes it part of a longer one."""
    return character.isalnum() or character in ("_", "-")

"""Requests about who is in which log: join, private, read, leave, topic, invite."""

from msgspec import UNSET

from chat.rooms.errors import AlreadyReadingError, NotStoredError
from chat.rooms.happenings import Joined, TopicSet
from chat.rooms.people import Account
from chat.rooms.room import Room
from chat.server.fanout.feed import Draft, Feed
from chat.server.requests.context import Context, answer_with
from chat.server.session import Session
from chat.store.interface import StoreError
from chat.wire import messages

__all__ = ["Membership"]


class Membership:
    """Handlers. What a handler awaits is done before the session is read on."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def join(self, session: Session, request: messages.Join) -> None:
        """Make an account a member of a room, and let the connection read it."""
        context, hub = self._context, self._context.hub
        account = context.account(session)
        create = None if request.create is UNSET else request.create
        room, is_made = hub.find_or_make(account, request.room, create)
        if is_made:
            room.add(account)
        is_new = is_made or hub.join(account, room, context.milliseconds())
        try:
            feed = await self._feed(session, room)
            if is_new:
                await self._save(room, [account])
        except BaseException:
            if is_new:
                room.remove(account)
            if is_made and not room.members:
                hub.remove_room(room)
            raise
        if session.is_gone:
            return
        room.check_member(account)
        context.open(session, feed, room, request.id, None)
        if is_new:
            context.feeds.announce(Joined(room.log, account.id, account.nick), session)
            context.open_elsewhere(account, feed, room, session)

    async def private(self, session: Session, request: messages.Private) -> None:
        """Let the connection read a private conversation, which is made if there is none."""
        context = self._context
        account = context.account(session)
        other = context.hub.people.named(request.nick)
        room, is_made = context.hub.conversation(account, other)
        try:
            feed = await self._feed(session, room)
            if is_made:
                await self._save(room, list(room.members.values()))
        except BaseException:
            if is_made:
                context.hub.remove_room(room)
                for member in list(room.members.values()):
                    room.remove(member)
            raise
        if session.is_gone:
            return
        context.open(session, feed, room, request.id, None)
        if is_made:
            for member in room.members.values():
                context.open_elsewhere(member, feed, room, session)

    async def read(self, session: Session, request: messages.Read) -> None:
        """Let the connection go on reading a log."""
        context = self._context
        account = context.account(session)
        room = context.hub.room(account, request.log)
        feed = await self._feed(session, room)
        if session.is_gone:
            return
        room.check_member(account)
        context.open(session, feed, room, request.id, request.after)

    async def _feed(self, session: Session, room: Room) -> Feed:
        """Return the feed of a room that the session is to read."""
        feed = await self._context.feeds.get(room.log)
        if feed.reads(session.number):
            raise AlreadyReadingError
        return feed

    async def _save(self, room: Room, members: list[Account]) -> None:
        catalog = self._context.catalog
        saving = [catalog.save_room(room)]
        saving += [catalog.save_member(room.log, member.id) for member in members]
        failed: StoreError | None = None
        for saved in saving:
            try:
                await saved
            except StoreError as error:
                failed = error
        if failed is not None:
            raise failed

    async def leave(self, session: Session, request: messages.Leave) -> None:
        """Make an account a member no longer."""
        account = self._context.account(session)
        room = self._context.hub.room(account, request.log)
        await self.remove(account, room, "You have left the room.", session)
        session.send(messages.Ok(request.id))

    async def remove(
        self, account: Account, room: Room, sentence: str, author: Session | None
    ) -> None:
        """Make an account a member no longer, and tell its connections but `author` why.

        Take the right to read at once; what is said from now on has a new key."""
        context = self._context
        left = context.hub.leave(account, room)
        feed = context.feeds.loaded(room.log)
        if feed is not None:
            feed.renew()
            for session in context.sessions_of(account):
                feed.drop(session.number)
        for session in context.sessions_of(account, author):
            session.send(messages.Removed(room.log, sentence))
        context.feeds.announce(left)
        try:
            await context.catalog.remove_member(room.log, account.id)
        except StoreError:
            if account.id not in room.members:  # It has not come back meanwhile.
                room.add(account)
            raise

    async def topic(self, session: Session, request: messages.Topic) -> None:
        """Say what a room is about."""
        context = self._context
        account = context.account(session)
        room = context.hub.room(account, request.log)
        room.check_shared()
        room.check_topic(request.topic)
        context.hub.check_may_speak(account, room, context.milliseconds())
        feed = await context.feeds.get(room.log)
        was, room.topic = room.topic, request.topic
        try:
            await context.catalog.save_room(room)
        except StoreError:
            room.topic = was
            raise NotStoredError from None
        happening = TopicSet(room.log, account.id, account.nick, request.topic)
        record_id = context.feeds.new_record_id(account.id)
        answer = answer_with(session, messages.Ok(request.id))
        feed.add(Draft(happening, record_id, session, answer))

    async def invite(self, session: Session, request: messages.Invite) -> None:
        """Let somebody join a room."""
        context = self._context
        account = context.account(session)
        room = context.hub.room(account, request.log)
        room.check_shared()
        context.hub.check_may_speak(account, room, context.milliseconds())
        target = context.hub.people.named(request.nick)
        context.hub.invite(target, room)
        await context.catalog.save_room(room)
        for other in context.sessions_of(target):
            other.send(messages.Invited(room.name, account.nick))
        session.send(messages.Ok(request.id))

"""Feeds: loaded once, with the state at that time; and what they hold."""

import gc
from types import FunctionType, ModuleType

import pytest
from twisted.internet.defer import Deferred

from chat.ids import LogId
from chat.rooms.changes import changed, put
from chat.rooms.roles import Sanction
from chat.rooms.values import SERVER, MuteKey
from chat.server.fanout.feed import Feed
from chat.store.interface import Head, StoreError
from chat.wire.errors import CloseCode
from tests.server.support import LOG, HeldStore, Room, ServerCase, account, texts
from tests.store.commits import fired


class SlowStore(HeldStore):
    """A store that returns a log's head on demand, as it was at the time of the call."""

    def __init__(self) -> None:
        super().__init__()
        self.heads: list[tuple[Deferred[Head], Deferred[Head]]] = []
        self.asked = 0
        self.is_slow = False

    def head(self, log: LogId) -> Deferred[Head]:
        """Record the call, and answer later."""
        self.asked += 1
        if not self.is_slow:
            return super().head(log)
        late: Deferred[Head] = Deferred()
        self.heads.append((late, super().head(log)))
        return late

    def answer_head(self) -> None:
        """Answer the oldest call."""
        late, head = self.heads.pop(0)
        head.chainDeferred(late)


class LoadingTests(ServerCase):
    """A room from before the server's start that nobody has used yet."""

    def setUp(self) -> None:
        """Unload everything, as another server would find it."""
        self.store = SlowStore()
        self.room = Room(self.store)
        author, self.reader = self.room.enter(1, 2)
        self.room.say(author, "before")
        self.room.settle()
        self.room.unload()
        self.store.asked = 0
        self.store.is_slow = True

    def load(self) -> Deferred[Feed]:
        """Request the feed."""
        return Deferred.fromCoroutine(self.room.feeds.get(LOG))

    def test_all_who_ask_at_once_share_one_feed(self) -> None:
        loading = [self.load() for _ in range(3)]
        assert self.room.feeds.loaded(LOG) is None
        assert self.store.asked == 1
        self.store.answer_head()
        one, *others = map(fired, loading)
        assert all(it is one for it in others)
        assert self.room.feeds.loaded(LOG) is one is fired(self.load())
        assert one.readers.tail == 1

    def test_where_it_fails_the_next_one_tries(self) -> None:
        loading = [self.load() for _ in range(3)]
        late, _ = self.store.heads.pop()
        late.errback(StoreError("a broken disk"))
        with pytest.raises(StoreError):
            fired(loading[0])
        self.store.answer_head()
        assert fired(loading[1]) is fired(loading[2])

    def test_what_somebody_loses_while_it_is_loaded_is_known_when_it_is(self) -> None:
        loading = self.load()
        muted = self.room.mute(self.reader)
        self.room.turn()
        self.store.release()
        fired(muted)
        self.store.answer_head()  # As it was before the change.
        assert not loading.called
        self.store.answer_head()
        assert fired(loading)._fence == self.room.commits.base

    def test_what_is_lost_elsewhere_meanwhile_is_of_no_concern(self) -> None:
        loading = self.load()
        muted = self.room.change(changed([put(MuteKey(SERVER, account(1)), Sanction())]))
        self.room.turn()
        self.store.release()
        fired(muted)
        self.store.answer_head()
        assert fired(loading).epochs.current == 1
        assert self.room.commits.fence == self.room.commits.base


class KeyTests(ServerCase):
    """The keys of a log's records after a start."""

    def test_where_the_key_is_lost_a_new_epoch_begins(self) -> None:
        store = HeldStore()
        first = Room(store)
        author, _ = first.enter(1, 2)
        first.say(author, "lost")
        first.settle()
        room = Room(store, storage_key=bytes(64))
        author, reader = room.enter(1, 2)
        room.say(author, "kept")
        room.settle()
        assert texts(reader) == ["kept"]
        assert reader.keys.keys() == {2}
        # A reader that continues from before that cannot be served, and is told so.
        back = room.new(3)
        room.readers.start(back, 0)
        room.readers.catch_up(3)
        assert back.closed is CloseCode.INTERNAL

    def test_where_no_epoch_can_begin_the_next_one_tries(self) -> None:
        room = Room()
        room._storage_key = bytes(64)
        room.unload()
        loading = [Deferred.fromCoroutine(room.feeds.get(LOG)) for _ in range(2)]
        room.turn()
        room.store.refuse()
        with pytest.raises(StoreError):
            fired(loading[0])
        room.turn()
        room.store.release()
        assert fired(loading[1]).epochs.current == 2


class SecretTests(ServerCase):
    """No text stays in the server's memory once it has been delivered."""

    def test_no_text_and_no_record_stays_in_a_feed(self) -> None:
        room = Room()
        author, slow = room.enter(1, 2)
        room.say(author, "a secret that was delivered")
        room.settle()
        slow.is_full = True
        room.say(author, "a secret that was stored")
        room.settle()
        room.say(author, "a secret that was refused")
        room.turn()
        room.store.refuse()
        room.settle()
        for session in (author, slow):
            session.sent.clear()
            session.heard.clear()
        found = [it for it in reachable(room.feed, room.store) if isinstance(it, str)]
        assert len(found) > 10
        assert not [it for it in found if "secret" in it]

    def test_what_waits_is_gone_when_it_is_refused(self) -> None:
        room = Room()
        [author] = room.enter(1)
        room.readers.drop(1)
        room.say(author, "a secret")
        assert [it for it in reachable(room.feed, room.store) if it == "a secret"]
        room.turn()
        room.store.refuse()
        assert not [it for it in reachable(room.feed, room.store) if it == "a secret"]


def reachable(it: object, *but: object) -> list[object]:
    """Return all objects reachable from an object, except code."""
    found: dict[int, object] = {id(other): other for other in but}
    waiting = [it]
    while waiting:
        each = waiting.pop()
        if id(each) not in found and not isinstance(each, type | ModuleType | FunctionType):
            found[id(each)] = each
            waiting += gc.get_referents(each)
    return list(found.values())

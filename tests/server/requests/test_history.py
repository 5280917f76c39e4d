"""Requests that only read."""

import pytest
from twisted.internet.defer import Deferred

from chat.ids import MessageId
from chat.limits import WORDS_BYTES, Limits
from chat.rooms.errors import (
    InvalidError,
    NoSearchError,
    NotAMemberError,
    NotReadError,
    RequestError,
    SearchBusyError,
    SearchTooSlowError,
    TextTooLongError,
    TooManyPhrasesError,
    TooManyWordsError,
)
from chat.testing import Client, Server
from chat.wire.lines import encode_record
from chat.wire.messages import (
    ClientMessage,
    Delete,
    History,
    Keys,
    Leave,
    LogList,
    Logs,
    Members,
    Moderate,
    Page,
    Private,
    Read,
    Refused,
    RoomList,
    Rooms,
    Search,
    Seen,
    SeenElsewhere,
    Topic,
    Welcome,
    Who,
)
from tests.server.cases import READS, HeldStore, ServerCase, refused
from tests.store.commits import fired


class ArchiveCase(ServerCase):
    """Two in the lobby."""

    limits = Limits()

    def setUp(self) -> None:
        """Log in alice and bob."""
        self.store = HeldStore()
        self.server = Server(self.store, self.limits)
        self.alice, self.bob = self.server.enter("alice", "bob")
        self.log = self.alice.log()

    def check(self, client: Client, request: ClientMessage, error: RequestError) -> None:
        """Check that a request, whose id is 99, is refused."""
        assert client.ask(request) == Refused(99, error.code, str(error))

    def history(
        self, client: Client, limit: int, before: int | None = None
    ) -> tuple[list[int], bool]:
        """Return the sequence numbers of a page, and whether there are more."""
        request = client.next_id()
        if before is None:
            page = client.ask(History(request, self.log, limit))
        else:
            page = client.ask(History(request, self.log, limit, before))
        assert isinstance(page, Page)
        records = client.page(request)
        assert len(records) == page.count
        return [it.seq for it in records], page.more


class HistoryTests(ArchiveCase):
    """Pages of a log."""

    def test_pages_go_back_to_the_beginning(self) -> None:
        for number in range(7):
            self.alice.say(str(number))
        assert self.history(self.bob, 3) == ([5, 6, 7], True)
        assert self.history(self.bob, 3, 5) == ([2, 3, 4], True)
        assert self.history(self.bob, 3, 2) == ([1], False)
        assert self.history(self.bob, 3, 1) == ([], False)
        assert self.history(self.bob, 7) == ([1, 2, 3, 4, 5, 6, 7], False)

    def page(self, client: Client, **wanted: int) -> tuple[list[int], bool]:
        """Return the sequence numbers of a page of 3, and whether there are more."""
        request = client.next_id()
        page = client.ask(History(request, self.log, 3, **wanted))
        assert isinstance(page, Page)
        return [it.seq for it in client.page(request)], page.more

    def test_pages_go_forward_to_the_end(self) -> None:
        for number in range(7):
            self.alice.say(str(number))
        assert self.page(self.bob, after=0) == ([1, 2, 3], True)
        assert self.page(self.bob, after=3) == ([4, 5, 6], True)
        assert self.page(self.bob, after=4) == ([5, 6, 7], False)
        assert self.page(self.bob, after=6) == ([7], False)
        assert self.page(self.bob, after=7) == self.page(self.bob, after=99) == ([], False)

    def test_large_records_make_pages_shorter_in_either_direction(self) -> None:
        for _ in range(3):
            self.alice.say("x" * 8_000)
        self.server.dispatcher.context.limits.become(Limits(catch_up_bytes=17_000))
        assert self.page(self.bob, after=0) == ([1, 2], True)
        assert self.page(self.bob, after=2) == ([3], False)
        assert self.page(self.bob) == ([2, 3], True)
        self.server.dispatcher.context.limits.become(Limits())

    def test_a_page_can_begin_at_a_time(self) -> None:
        times = []
        for number in range(6):
            self.server.advance(10)
            self.alice.say(str(number))
            times.append(self.server.milliseconds())
        self.alice.ask(Delete(self.alice.next_id(), self.log, MessageId(bytes(16)), 3))
        assert self.page(self.bob, time=0) == ([1, 2, 4], True)
        assert self.page(self.bob, time=times[1]) == ([2, 4, 5], True)
        assert self.page(self.bob, time=times[1] - 1) == ([2, 4, 5], True)
        assert self.page(self.bob, time=times[1] + 1) == ([4, 5, 6], True)
        assert self.page(self.bob, time=times[2]) == ([4, 5, 6], True)
        assert self.page(self.bob, time=times[5]) == ([6, 7], False)
        assert self.page(self.bob, time=2**60) == ([], False)

    def test_only_one_place_can_be_asked_for(self) -> None:
        sentence = "Only one of `before`, `after` and `time` can be asked for."
        for places in (
            {"before": 1, "after": 1},
            {"after": 1, "time": 1},
            {"before": 1, "time": 0},
        ):
            answer = self.bob.ask(History(99, self.log, 3, **places))
            assert answer == refused(99, InvalidError(sentence))

    def test_who_is_removed_while_a_time_is_looked_for_gets_nothing(self) -> None:
        self.alice.join("den")
        self.bob.join("den")
        log = self.alice.log("den")
        self.alice.say("secret", "den")
        self.store.holds = {"seek"}
        self.bob.send(History(99, log, 50, time=0))
        self.server.pump()
        self.alice.ask(Moderate(98, "kick", "bob", log))
        self.store.holds = ()
        self.store.release()
        self.server.pump()
        assert self.bob.page(99) == []
        assert self.bob.answer(99) == refused(99, NotAMemberError())

    def test_a_page_is_the_stored_bytes_and_disturbs_nothing(self) -> None:
        for number in range(3):
            self.alice.say(str(number))
        [carol] = self.server.enter("carol")
        count = len(carol.lines)
        assert self.history(carol, 50) == ([1, 2, 3], False)
        stored = fired(self.store.read(self.log, 0, 10_000))
        lines = [line + b"\r\n" for line in carol.lines[count:] if line.startswith(b"R ")]
        assert lines == [encode_record(self.log, it.seq, it.data) for it in stored]
        self.alice.say("live")
        assert carol.texts[-1] == ("alice", "live")

    def test_i1_serving_history_opens_and_seals_nothing(self) -> None:
        for number in range(50):
            self.alice.say(str(number))
        feed = self.server.dispatcher.context.feeds.loaded(self.log)
        assert feed is not None
        with pytest.MonkeyPatch.context() as patch:
            # Bob already has the key, so only the page is sent.
            patch.setattr(feed.epochs, "_opened", None)
            patch.setattr("chat.server.fanout.feed.seal_records", None)
            patch.setattr("chat.server.fanout.feed.Feed.take", None)
            assert self.history(self.bob, 50)[0] == list(range(1, 51))

    def test_keys_that_a_page_needs_come_with_it_each_time(self) -> None:
        [carol] = self.server.enter("carol")
        for number in range(3):
            self.alice.say(str(number))
            carol.ask(Leave(carol.next_id(), self.log))
            carol.join()
        self.alice.say("last")
        for _ in range(2):
            before = len(carol.received)
            assert self.history(carol, 50)[0] == [1, 2, 3, 4]
            keys = [it.epoch for it in carol.received[before:] if isinstance(it, Keys)]
            assert keys == [1, 2, 3]

    def test_only_members_look_back(self) -> None:
        carol = self.server.connect()
        carol.log_in("carol")
        for request in (History(99, self.log, 50), Who(99, self.log)):
            self.check(carol, request, NotAMemberError())

    def test_who_is_removed_while_the_store_is_read_gets_nothing(self) -> None:
        self.alice.join("den")
        self.bob.join("den")
        log = self.alice.log("den")
        self.alice.say("secret", "den")
        self.store.holds = READS
        self.bob.send(History(99, log, 50))
        self.server.pump()
        self.alice.ask(Moderate(98, "kick", "bob", log))
        self.store.holds = ()
        self.store.release()
        self.server.pump()
        assert self.bob.page(99) == []
        assert self.bob.answer(99) == refused(99, NotAMemberError())

    def test_who_is_gone_meanwhile_gets_nothing(self) -> None:
        self.alice.say("hi")
        self.store.holds = READS
        self.bob.send(History(99, self.log, 50))
        self.server.pump()
        self.bob.vanish()
        self.store.release()
        self.server.pump()

    def test_a_store_that_cannot_be_read_is_no_end(self) -> None:
        self.alice.say("hi")
        self.bob.join("den")
        self.store.is_broken = True
        self.check(self.bob, History(99, self.log, 50), NotReadError())
        self.check(self.bob, Search(99, "hi"), NotReadError())
        self.check(self.bob, Logs(99), NotReadError())
        self.store.is_broken = False
        assert self.history(self.bob, 50) == ([1], False)


class LargeTests(ArchiveCase):
    """Records that do not all fit a page."""

    limits = Limits(catch_up_bytes=1_000)

    def test_a_page_is_bounded_in_bytes(self) -> None:
        for number in range(9):
            self.alice.say(str(number) * 300)
        assert self.history(self.bob, 50) == ([8, 9], True)
        assert self.history(self.bob, 2, 3) == ([1, 2], False)

    def test_so_is_what_a_search_finds(self) -> None:
        for _ in range(9):
            self.alice.say("needle " + "x" * 300)
        page = self.bob.ask(Search(99, "needle"))
        assert page == Page(99, 2, True)
        assert [it.seq for it in self.bob.page(99)] == [9, 8]


class SearchTests(ArchiveCase):
    """Searching."""

    def test_it_finds_in_all_logs_that_one_may_read_and_in_no_other(self) -> None:
        self.alice.say("the needle in the lobby")
        self.alice.join("den", "invite")
        self.alice.say("the needle in the den", "den")
        self.bob.ask(Private(98, "alice"))
        self.alice.ask(Private(98, "bob"))
        self.bob.say("the needle between us", "alice")
        for client, count in ((self.alice, 3), (self.bob, 2)):
            assert client.ask(Search(99, "NEEDLE the")) == Page(99, count, False)
            assert len(client.page(99)) == count
        assert self.bob.ask(Search(97, "den")) == Page(97, 0, False)

    def test_the_latest_are_first_and_the_rest_is_left_out(self) -> None:
        for number in range(60):
            self.server.clock.advance(1)
            self.alice.say(f"needle {number}")
        assert self.bob.ask(Search(99, "needle")) == Page(99, 50, True)
        assert [it.seq for it in self.bob.page(99)] == list(range(60, 10, -1))

    def test_words_have_a_bound(self) -> None:
        long = Search(99, "x" * (WORDS_BYTES + 1))
        self.check(self.bob, long, TextTooLongError(WORDS_BYTES, "bytes"))

    def test_words_and_phrases_have_bounds(self) -> None:
        self.alice.say(" ".join(map(str, range(99))))
        for typed, error in (
            (" ".join(["a"] * 16), None),
            ("-".join(map(str, range(64))), None),
            (" ".join(["a"] * 17), TooManyPhrasesError(16)),
            ("-".join(["a"] * 65), TooManyWordsError(64)),
            (" ".join(["a"] * 512), TooManyWordsError(64)),
            (" ".join(["a.b.c.d.e"] * 13), TooManyWordsError(64)),
            ("\N{CJK UNIFIED IDEOGRAPH-4E0A} " * 17, TooManyPhrasesError(16)),
        ):
            if error is None:
                assert isinstance(self.bob.ask(Search(99, typed)), Page), typed
            else:
                self.check(self.bob, Search(99, typed), error)

    def test_a_search_that_takes_too_long_says_so_and_is_no_end(self) -> None:
        self.alice.say("needle")
        self.store.is_slow = True
        self.check(self.bob, Search(99, "needle"), SearchTooSlowError(1))
        self.store.is_slow = False
        assert self.bob.ask(Search(98, "needle")) == Page(98, 1, False)

    def test_nothing_but_searches_waits_for_a_search(self) -> None:
        self.alice.say("needle")
        self.store.holds = {"search"}
        for client in (self.alice, self.bob):
            client.send(Search(99, "needle"))
        [carol] = self.server.enter("carol")
        assert self.history(carol, 5) == ([1], False)
        carol.say("on we go")
        assert self.history(carol, 5) == ([1, 2], False)
        assert [it.name for it in self.store.waiting] == ["search"]
        for client in (self.alice, self.bob):
            self.store.release()
            self.server.pump()
            assert client.answer(99) == Page(99, 1, False)

    def test_accounts_take_turns(self) -> None:
        self.alice.say("needle")
        self.store.holds = {"search"}
        again = [self.server.connect(identity=self.alice.identity) for _ in range(9)]
        for client in again:
            client.log_in("alice")
            client.send(Search(99, "needle"))
        self.server.pump()
        self.bob.send(Search(99, "needle"))
        self.server.pump()
        for _ in range(3):
            assert not self.bob.page(99)
            self.store.release()
            self.server.pump()
        assert len(self.bob.page(99)) == 1

    def test_it_looks_where_one_may_read_when_it_is_its_turn(self) -> None:
        for client in (self.alice, self.bob):
            client.join("den")
        self.alice.say("needle", "den")
        self.store.holds = {"search"}
        [carol] = self.server.enter("carol")
        carol.send(Search(99, "needle"))
        self.server.pump()
        self.bob.send(Search(99, "needle"))
        self.server.pump()
        self.alice.ask(Moderate(98, "kick", "bob", self.alice.log("den")))
        self.store.holds = ()
        self.store.release()
        self.server.pump()
        assert self.bob.answer(99) == Page(99, 0, False)

    def test_who_is_gone_is_not_searched_for(self) -> None:
        self.alice.say("needle")
        self.store.holds = {"search"}
        self.alice.send(Search(99, "needle"))
        self.bob.send(Search(99, "needle"))
        self.server.pump()
        self.bob.vanish()
        self.store.release()
        self.server.pump()
        assert self.store.waiting == []

    def test_a_server_without_an_index_says_so(self) -> None:
        self.store.has_search = False
        self.check(self.bob, Search(99, "hi"), NoSearchError())
        welcome = self.server.connect().log_in("carol")
        assert isinstance(welcome, Welcome) and welcome.features == []


class CrowdTests(ArchiveCase):
    """More searches than can wait."""

    limits = Limits(searches_waiting=3)

    def test_whoever_has_asked_for_the_most_is_refused(self) -> None:
        self.store.holds = {"search"}
        again = [self.server.connect(identity=self.alice.identity) for _ in range(4)]
        for client in again:
            client.log_in("alice")
            client.send(Search(99, "needle"))
        self.server.pump()
        self.bob.send(Search(99, "needle"))
        self.server.pump()
        assert again[3].answer(99) == refused(99, SearchBusyError())
        for client in (again[0], again[1], self.bob, again[2]):
            self.store.release()
            self.server.pump()
            assert client.answer(99) == Page(99, 0, False)


class ListTests(ArchiveCase):
    """Lists, and read markers."""

    def test_the_logs_of_an_account(self) -> None:
        self.alice.say("hi")
        self.bob.ask(Private(98, "alice"))
        logs = self.bob.ask(Logs(99))
        assert isinstance(logs, LogList) and not logs.more
        private = (self.bob.log("alice"), "private", "alice", 0, 0)
        assert logs.logs == sorted([(self.log, "public", "lobby", 1, 0), private])
        rest = self.bob.ask(Logs(97, logs.logs[0][0]))
        assert isinstance(rest, LogList) and rest.logs == logs.logs[1:]

    def test_public_rooms(self) -> None:
        self.alice.join("den", "invite")
        self.alice.join("chess")
        self.alice.ask(Topic(98, self.alice.log("chess"), "openings"))
        rooms = self.bob.ask(Rooms(99))
        assert rooms == RoomList(99, [("chess", 1, "openings"), ("lobby", 2, "")], False)
        assert self.bob.ask(Rooms(97, "chess")) == RoomList(97, [("lobby", 2, "")], False)

    def test_members_and_whether_they_are_there(self) -> None:
        self.alice.bye()
        listed = self.bob.ask(Who(99, self.log))
        assert isinstance(listed, Members) and not listed.more
        assert sorted(it[1:] for it in listed.members) == [
            ("alice", False, "member"),
            ("bob", True, "member"),
        ]
        assert self.bob.ask(Who(98, self.log, listed.members[0][1])) == Members(
            98, self.log, listed.members[1:], False
        )
        nobody = self.bob.ask(Who(97, self.log, "nobody"))
        assert isinstance(nobody, Refused) and nobody.code == "no_such_nick"

    def seen(self, server: Server, client: Client) -> int:
        """Return the lobby's read marker that another device is told."""
        other = server.connect(identity=client.identity)
        other.log_in("")
        logs = other.ask(Logs(99))
        other.bye()
        assert isinstance(logs, LogList)
        return {log: seen for log, _, _, _, seen in logs.logs}[self.log]

    def test_what_was_seen_is_known_on_every_device_and_after_a_restart(self) -> None:
        for number in range(5):
            self.alice.say(str(number))
        for seq, known in ((3, 3), (2, 3), (99, 5)):
            self.bob.send(Seen(self.log, seq))
            self.server.pump()
            assert self.seen(self.server, self.bob) == known
        assert self.seen(Server(self.store), self.bob) == 0
        self.server.advance(self.limits.seen_seconds + 1)
        assert self.seen(Server(self.store), self.bob) == 5

    def test_other_devices_are_told_what_was_seen(self) -> None:
        phone = self.server.connect(identity=self.bob.identity)
        phone.log_in("bob")
        for number in range(3):
            self.alice.say(str(number))

        def told(client: Client) -> list[int]:
            self.server.pump()
            seen = [it for it in client.received if isinstance(it, SeenElsewhere)]
            assert {it.log for it in seen} <= {self.log}
            return [it.seq for it in seen]

        for seq in (1, 1, 2, 1, 99):
            self.bob.send(Seen(self.log, seq))
        assert told(phone) == [1, 2, 3]
        assert told(self.bob) == told(self.alice) == []
        phone.send(Seen(self.log, 3))
        assert told(self.bob) == []

    def test_a_server_that_stops_writes_what_was_seen(self) -> None:
        self.alice.say("hi")
        self.bob.send(Seen(self.log, 1))
        self.server.pump()
        closing = Deferred.fromCoroutine(self.server.dispatcher.close())
        self.server.pump()
        fired(closing)
        assert self.seen(Server(self.store), self.bob) == 1

    def test_what_cannot_be_written_is_a_line_in_the_log_and_no_more(self) -> None:
        self.alice.say("hi")
        self.bob.send(Seen(self.log, 1))
        self.server.pump()
        self.store.is_broken = True
        self.server.advance(self.limits.seen_seconds + 1)
        assert not self.bob.protocol.is_gone
        self.store.is_broken = False
        self.alice.say("ho")
        assert self.seen(Server(self.store), self.bob) == 1, "it went with the next commit"

    def test_what_was_seen_of_other_s_logs_is_nobody_s_business(self) -> None:
        self.alice.join("den", "invite")
        self.bob.send(Seen(self.alice.log("den"), 1))
        self.bob.ask(Leave(98, self.log))
        self.bob.send(Seen(self.log, 1))
        self.server.pump()
        assert not self.bob.protocol.is_gone
        self.server.advance(60)

    def test_what_was_seen_before_one_left_is_remembered(self) -> None:
        self.alice.say("hi")
        self.bob.send(Seen(self.log, 1))
        self.bob.send(Leave(98, self.log))
        self.server.pump()
        self.server.advance(60)
        self.bob.join()
        assert self.seen(self.server, self.bob) == 1

    def test_what_was_seen_of_a_log_nobody_uses_is_not_remembered(self) -> None:
        server = Server(self.store)
        back = server.connect(identity=self.bob.identity)
        back.log_in("")
        back.send(Seen(self.log, 1))
        server.pump()
        assert self.seen(server, self.bob) == 0
        back.ask(Read(98, self.log, 0))

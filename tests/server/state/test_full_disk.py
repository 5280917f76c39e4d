"""A full disk: what is said waits, in order and without holes; the log and the users are told."""

from random import Random

import pytest
from twisted.internet.defer import Deferred, fail
from twisted.logger import capturedLogs

from chat.limits import Limits
from chat.rooms.happenings import Deleted, Edited
from chat.server.state.trouble import RETRY_SECONDS
from chat.store.interface import Commit, DiskFullError, Epoch, Outcome, StoreError, Trim
from chat.wire.messages import Notice, Refused
from tests.server.cases import ServerCase, chat_lines
from tests.server.support import LOG, FakeSession, HeldStore, Room, acks, texts
from tests.store.commits import fired

FULL = DiskFullError("the disk is full: 0 bytes are free in /srv")


class SmallStore(HeldStore):
    """A store whose disk is full whenever the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.error: StoreError | None = None
        self.tried = 0
        """Commits that failed."""

    def commit(self, commit: Commit) -> Deferred[Outcome]:
        """Fail while there is an error."""
        if self.error is not None:
            self.tried += 1
            return fail(self.error)
        return super().commit(commit)


def notices(session: FakeSession) -> list[str]:
    """Return what a session was told."""
    return [it.text for it in session.sent if isinstance(it, Notice)]


def answered(session: FakeSession) -> list[int]:
    """Return the requests of a session that are stored, in order of their places."""
    return [request for request, seq, _ in sorted(acks(session), key=lambda it: it[1])]


class FullCase(ServerCase):
    """A room with an author and a reader, and a disk that is full."""

    limits = Limits()

    def setUp(self) -> None:
        """Enter, and fill the disk."""
        self.store = SmallStore()
        self.store.is_holding = False
        self.room = Room(self.store, self.limits)
        self.author, self.reader = self.room.enter(1, 2)
        self.store.error = FULL

    def say(self, *texts: str, by: FakeSession | None = None) -> None:
        """Post, each as a request with the number in its text."""
        for text in texts:
            self.room.say(by or self.author, text, request=int(text))

    def wait(self, seconds: float = RETRY_SECONDS) -> None:
        """Let time pass, until the next attempt and through it."""
        for _ in range(round(seconds)):
            self.room.clock.advance(1)
            self.room.turn()
            self.room.turn()


class WaitingTests(FullCase):
    """Drafts wait, and nothing overtakes them."""

    def test_what_is_said_meanwhile_is_stored_once_and_in_order(self) -> None:
        self.say("1", "2")
        self.room.turn()
        self.say("3")
        self.wait()
        self.say("4", "5")
        self.room.turn()
        assert acks(self.author) == [] and texts(self.reader) == []
        assert not [it for it in self.author.sent if isinstance(it, Refused)]
        self.store.error = None
        self.say("6")
        self.wait()
        assert texts(self.reader) == ["1", "2", "3", "4", "5", "6"]
        assert answered(self.author) == [1, 2, 3, 4, 5, 6]
        self.say("7")
        self.room.turn()
        assert texts(self.reader)[-1] == "7"

    def test_any_order_of_full_and_free(self) -> None:
        for seed in range(20):
            self.setUp()
            random, said = Random(seed), 0
            for _ in range(40):
                self.store.error = random.choice([FULL, FULL, None])
                for _ in range(random.choice([0, 1, 3])):
                    said += 1
                    self.say(str(said))
                self.wait(random.choice([0, 1, 4, 6]))
            self.store.error = None
            self.wait(2 * RETRY_SECONDS)
            everything = list(range(1, said + 1))
            assert texts(self.reader) == [str(it) for it in everything], seed
            assert answered(self.author) == everything, seed

    def test_edits_and_deletions_wait_in_their_place(self) -> None:
        self.store.error = None
        self.say("1", "2")
        self.room.turn()
        self.store.error = FULL
        self.room.add(Edited(LOG, self.author.account, 1, "one"), self.author, request=3)
        self.say("4")
        self.room.add(Deleted(LOG, self.author.account, 2), self.author, request=5)
        self.say("6")
        self.room.turn()
        self.store.error = None
        self.wait()
        assert answered(self.author) == [1, 2, 3, 4, 5, 6]

    def test_whoever_is_gone_sends_again(self) -> None:
        self.say("1", "2", by=self.author)
        self.say("3", by=self.reader)
        self.room.turn()
        self.say("4", by=self.author)  # Not tried yet.
        self.author.is_gone = True
        self.wait()
        [again] = self.room.join(4)
        self.store.error = None
        self.wait()
        assert acks(self.author) == [] and answered(self.reader) == [3]
        assert texts(again) == ["3"]

    def test_what_waits_is_counted_and_bounded(self) -> None:
        self.limits = Limits(batch_bytes=1_000)
        self.setUp()
        for number in range(1, 40):
            self.say(str(number))
            self.wait(1)
        assert self.author.holds > 0
        before = self.author.holds
        self.wait(20 * RETRY_SECONDS)
        assert self.author.holds <= before
        self.store.error = None
        self.wait()
        assert answered(self.author) == list(range(1, 40)) and self.author.holds == 0

    def test_a_mute_meanwhile_is_refused_and_one_afterwards_counts(self) -> None:
        self.say("1")
        self.room.turn()
        with pytest.raises(DiskFullError):
            fired(self.room.mute(self.author))
        self.store.error = None
        self.room.clock.advance(RETRY_SECONDS)  # The retry and the mute go into one commit.
        muting = self.room.mute(self.author)
        self.wait()
        fired(muting)
        self.say_refused("2")

    def say_refused(self, text: str) -> None:
        """Post, and expect that the author may not."""
        with pytest.raises(Exception, match="muted"):
            self.say(text)

    def test_who_comes_and_goes_is_told_all_the_same(self) -> None:
        self.say("1")
        before = len(self.reader.heard)
        self.room.join(3)
        self.wait()
        assert len(self.reader.heard) == before + 1


class RefusingTests(FullCase):
    """Whatever cannot wait is refused, at once while nothing is tried."""

    def test_changes_epochs_and_trims(self) -> None:
        changing = self.room.kick(self.reader)
        trimming = self.room.commits.trim(Trim(LOG, keep=0))
        self.room.turn()
        with pytest.raises(DiskFullError):
            fired(changing)
        assert self.store.tried == 1
        for failed in (
            self.room.kick(self.reader),
            self.room.commits.begin(Epoch(LOG, 2, b"key")),
        ):
            with pytest.raises(DiskFullError):
                fired(failed)
        assert self.store.tried == 1 and not trimming.called
        self.store.error = None
        self.wait()
        assert fired(trimming) == 0
        changing = self.room.kick(self.reader)
        self.room.turn()
        fired(changing)

    def test_another_failure_is_refused_and_not_tried_again(self) -> None:
        for error in (StoreError("disk I/O error"), StoreError("malformed"), StoreError("")):
            self.store.error, self.store.tried = error, 0
            self.author.sent.clear()
            self.say("1")
            self.wait(20)
            [refusal] = self.author.sent
            assert isinstance(refusal, Refused) and refusal.code == "not_stored"
            assert self.store.tried == 1

    def test_a_server_that_stops_does_not_wait_for_space(self) -> None:
        self.say("1")
        self.room.turn()
        fired(self.room.commits.idle())
        self.room.commits.trouble.stop()
        assert not self.room.clock.getDelayedCalls()
        # It has no answer, and will send it again.
        assert len(notices(self.author)) == 1 and not acks(self.author)
        assert not [it for it in self.author.sent if isinstance(it, Refused)]


class TellingTests(FullCase):
    """One line a minute, and one sentence for each person."""

    def test_the_log_has_one_line_a_minute_and_one_at_the_end(self) -> None:
        with capturedLogs() as events:
            for number in range(1, 301):
                self.say(str(number))
                self.wait(1)
            self.store.error = None
            self.wait()
        lines = chat_lines(events)
        assert set(lines[:-1]) == {f"Nothing can be stored: {FULL}"} and 5 <= len(lines) - 1 <= 6
        assert lines[-1] == "The store works again; whatever waited is being stored"
        assert not [event for event in events if "log_failure" in event]

    def test_other_failures_have_one_line_a_minute_too(self) -> None:
        self.store.error = StoreError("disk I/O error")
        with capturedLogs() as events:
            for number in range(1, 121):
                self.say(str(number))
                self.wait(1)
            self.store.error = None
            self.say("121")
            self.room.turn()
            self.say("122")
            self.room.turn()
        lines = chat_lines(events)
        assert lines.count("The store fails: disk I/O error") in (2, 3)
        assert lines.count("The store works again; whatever waited is being stored") == 1
        assert len(lines) <= 4 and not [event for event in events if "log_failure" in event]

    def test_authors_are_told_once_and_when_it_is_over(self) -> None:
        for number in range(1, 5):
            self.say(str(number))
            self.wait()
        [told] = notices(self.author)
        assert "disk is full" in told and f"{RETRY_SECONDS} seconds" in told
        assert notices(self.reader) == []
        self.store.error = None
        self.wait()
        assert notices(self.author) == [told, "The server's disk has space again."]
        self.store.error = FULL
        self.say("9")
        self.room.turn()
        assert notices(self.author)[2:] == [told]

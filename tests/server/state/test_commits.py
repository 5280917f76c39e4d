"""Decide, commit, apply: what becomes visible when, and what a failing commit does."""

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from itertools import pairwise
from typing import Any, Final

import pytest
from msgspec import UNSET
from twisted.internet.defer import Deferred, fail

from chat.content import Content
from chat.ids import LogId
from chat.limits import Limits
from chat.rooms.changes import NOTHING, Change, changed, put
from chat.rooms.errors import NickTakenError, NoSuchNickError, NotStoredError
from chat.rooms.happenings import Deleted, Edited, Said, TopicSet
from chat.rooms.hub import Hub
from chat.rooms.trial import Decide
from chat.rooms.values import (
    AccountKey,
    Kind,
    Membership,
    MembershipKey,
    Profile,
    RoomKey,
    RoomProfile,
)
from chat.server.fanout.drafts import Acknowledge, Draft
from chat.server.state.audit import read_events
from chat.server.state.catalog import load_hub
from chat.server.state.commits import COMMIT_SECONDS
from chat.store.interface import (
    AUDIT,
    Commit,
    Outcome,
    ReadMarker,
    StateChange,
    StoreError,
    Trim,
    Value,
    audit_of,
)
from chat.store.memory import MemoryStore
from chat.testing import Client, Server
from chat.wire import messages
from chat.wire.identity import Identity, identity_fingerprint
from chat.wire.messages import Posted, Refused
from chat.wire.records import record_id
from tests.server.support import (
    LOG,
    FakeSession,
    HeldStore,
    Room,
    ServerCase,
    account,
    acks,
    message_id,
    refused,
    texts,
)
from tests.store.commits import fired

OTHER: Final = LogId(b"another log here")

UNLIMITED: Final = Limits(messages_per_second=0, bytes_per_second=0)


def picture(it: Any) -> Any:
    """Return an object's contents, for comparison with what they were."""
    if isinstance(it, dict):
        return {key: picture(value) for key, value in it.items()}
    if isinstance(it, list | tuple):
        return [picture(each) for each in it]
    if isinstance(it, set | frozenset):
        return frozenset(it)
    if is_dataclass(it):
        return [picture(getattr(it, field.name)) for field in fields(it)]
    if it is None or isinstance(it, Enum | int | str | bytes):
        return it
    if callable(it):
        return it.__qualname__
    return {name: picture(value) for name, value in vars(it).items()}


def kept(store: MemoryStore) -> Hub:
    """Return the state that a new server would load."""
    hub = Hub()
    fired(Deferred.fromCoroutine(load_hub(store, hub)))
    return hub


class Outcomes:
    """Records the results of decisions, in order."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.errors: dict[str, Exception] = {}

    def watch(self, name: str, done: Deferred[None]) -> None:
        """Record the result when it is there."""
        done.addCallbacks(
            lambda _: self.events.append(name), lambda failure: self._failed(name, failure.value)
        )

    def _failed(self, name: str, error: Exception) -> None:
        self.events.append(f"{name} failed")
        self.errors[name] = error


def claim(hub: Hub, number: int, nick: str) -> Decide:
    """Return a decision that creates an account, unless the nickname is taken."""

    def decide() -> Change:
        hub.people.check_free(nick, None)
        return changed([put(AccountKey(account(number)), Profile(nick))])

    return decide


class TentativeTests(ServerCase):
    """K7: a decision is pure."""

    def setUp(self) -> None:
        """Log in several people, who send many requests at once."""
        self.store = HeldStore()
        self.store.is_holding = False
        self.server = Server(self.store, UNLIMITED)
        self.hub = self.server.dispatcher.context.hub
        self.clients = self.server.enter("ana", "bob", "eva", "ian", "joe", "kim", "leo", "max")
        ana, *others = self.clients
        ana.join("den")
        for client in others:
            client.join("den")
        self.den = ana.log("den")
        [zoe] = self.server.enter("zoe")
        assert zoe.account not in self.hub.named_room("den").members

    def ask(self) -> list[tuple[Client, int]]:
        """Request a change of each kind, all in one commit; return the askers and request ids."""
        ana, bob, eva, ian, joe, kim, leo, max_ = self.clients
        requests: list[tuple[Client, Any]] = [
            (ana, messages.Moderate(900, "mute", "ian", self.den)),
            (bob, messages.Nick(900, "robert")),
            (eva, messages.Join(900, "new", "invite")),
            (ian, messages.Private(900, "joe")),
            (joe, messages.Leave(900, self.den)),
            (kim, messages.Topic(900, self.den, "chess")),
            (leo, messages.Code(900)),
            (max_, messages.Invite(900, self.den, "zoe")),
        ]
        for client, request in requests:
            client.send(request)
        self.server.pump()
        return [(client, request.id) for client, request in requests]

    def answers(self, client: Client, request: int) -> list[object]:
        """Return all answers to a request."""
        return [it for it in client.received if getattr(it, "id", None) == request]

    def test_nothing_is_seen_of_a_tentative_change(self) -> None:
        before, in_store = picture(self.hub), picture(kept(self.store))
        counts = {client: len(client.events) for client in self.clients}
        self.store.is_holding = True
        asked = self.ask()
        [(_, commit)] = self.store.held
        assert commit.change is not None and len(commit.change.values) >= len(asked)
        # In flight: as if nothing had been requested.
        assert picture(self.hub) == before
        assert {client: len(client.events) for client in self.clients} == counts
        # Failed: as if nothing had ever been requested, except for the answers.
        self.store.refuse()
        self.server.pump()
        assert self.store.held == []
        assert picture(self.hub) == before
        assert picture(kept(self.store)) == in_store
        for client, request in asked:
            [answer] = self.answers(client, request)
            assert isinstance(answer, Refused) and answer.code == NotStoredError.code
        # And nothing blocks the next change.
        self.store.is_holding = False
        for client, request in self.ask():
            assert len(self.answers(client, request)) == 2
            assert not isinstance(self.answers(client, request)[-1], Refused)
        assert picture(self.hub) != before

    def test_what_has_taken_effect_is_what_is_found_after_a_restart(self) -> None:
        self.ask()
        for client in self.clients:
            client.bye()
        hub = kept(self.store)
        for room in (*hub.shared_rooms(), *self.hub.shared_rooms()):
            room.members = dict(sorted(room.members.items()))  # In another order.
        assert picture(hub.people)["_by_id"] == picture(self.hub.people)["_by_id"]
        rooms = [{room.log: picture(room) for room in it.shared_rooms()} for it in (hub, self.hub)]
        assert rooms[0] == rooms[1]

    def test_a_change_that_failed_has_left_no_entry_in_the_audit_log(self) -> None:
        self.store.is_holding = True
        self.ask()
        self.store.refuse()
        self.server.pump()
        self.store.is_holding = False
        logs = (AUDIT, *(audit_of(room.log) for room in self.hub.shared_rooms()))

        def actions() -> list[str]:
            read = [read_events(self.store, 10, log) for log in logs]
            return [it.action for one in read for it in fired(Deferred.fromCoroutine(one))]

        assert actions() == []
        self.ask()
        assert actions() == ["mute"]


class DecidingTests(ServerCase):
    """Decisions in the same commit."""

    def setUp(self) -> None:
        """Create a room."""
        self.room = Room()
        self.outcomes = Outcomes()

    def change(self, name: str, decide: Decide) -> None:
        """Submit a decision."""
        self.outcomes.watch(name, self.room.commits.change(decide))

    def test_a_decision_sees_what_those_before_it_leave(self) -> None:
        hub = self.room.hub
        self.change("one", claim(hub, 1, "ana"))
        self.change("two", claim(hub, 2, "ana"))
        self.change("three", claim(hub, 3, "eva"))
        self.room.settle()
        assert self.outcomes.events == ["one", "three", "two failed"]
        assert isinstance(self.outcomes.errors["two"], NickTakenError)
        assert [it.id for it in hub.people.all()] == [account(1), account(3)]

    def test_it_may_depend_on_one_that_is_not_durable_yet(self) -> None:
        hub = self.room.hub

        def follow() -> Change:
            if hub.people.get(account(1)) is None:
                return changed([put(AccountKey(account(9)), Profile("too early"))])
            return changed([put(MembershipKey(LOG, account(1)), Membership())])

        self.change("one", claim(hub, 1, "ana"))
        self.change("two", follow)
        self.room.settle()
        assert self.outcomes.events == ["one", "two"]
        known = hub.people.get(account(1))
        assert known is not None and known.logs == {LOG}
        assert hub.people.get(account(9)) is None

    def test_a_refusal_at_once_needs_no_commit(self) -> None:
        def refuse() -> Change:
            raise NoSuchNickError("ana")

        self.change("one", refuse)
        assert self.outcomes.events == ["one failed"]
        assert self.room.clock.getDelayedCalls() == []

    def test_nothing_to_do_is_done_at_once(self) -> None:
        self.change("one", lambda: NOTHING)
        assert self.outcomes.events == ["one"]
        assert self.room.clock.getDelayedCalls() == []

    def test_a_decision_with_a_bug_fails_alone(self) -> None:
        hub = self.room.hub
        calls: list[None] = []

        def bug() -> Change:
            calls.append(None)
            if len(calls) > 1:
                raise ZeroDivisionError
            return changed([put(AccountKey(account(2)), Profile("bug"))])

        self.change("one", claim(hub, 1, "ana"))
        self.change("two", bug)
        self.change("three", claim(hub, 3, "eva"))
        self.room.settle()
        assert isinstance(self.outcomes.errors["two"], ZeroDivisionError)
        assert [it.id for it in hub.people.all()] == [account(1), account(3)]

    def test_each_takes_effect_and_is_answered_before_the_next(self) -> None:
        room, events = self.room, self.outcomes.events
        author, reader = room.enter(1, 2)
        reader.on_deliver = lambda: events.append("delivered")
        room.on_effects = lambda it: events.append(f"effects of {it.change.puts[0].key}")
        for number in (8, 9):
            done = room.commits.change(claim(room.hub, number, f"n{number}"))

            def note(_: None, number: int = number) -> None:
                known = [it for it in (8, 9) if room.hub.people.get(account(it)) is not None]
                events.append(f"answer to {number}, with {known}")

            done.addCallback(note)
        room.say(author, "before")
        room.settle()
        assert events == [
            "delivered",
            "answer to 8, with [8]",
            f"effects of {AccountKey(account(8))}",
            "answer to 9, with [8, 9]",
            f"effects of {AccountKey(account(9))}",
        ]

    def test_a_bug_in_the_effects_of_one_is_nobody_else_s(self) -> None:
        def bug(_: object) -> None:
            self.room.on_effects = lambda _: None
            raise ZeroDivisionError

        self.room.on_effects = bug
        for number in (1, 2):
            self.change(str(number), claim(self.room.hub, number, f"n{number}"))
        self.room.settle()
        self.expect_error(ZeroDivisionError)
        assert self.outcomes.events == ["1", "2"]
        assert len(self.room.hub.people.all()) == 2
        self.change("3", claim(self.room.hub, 3, "n3"))
        self.room.settle()
        assert self.outcomes.events[-1] == "3"

    def test_what_was_put_and_what_it_replaced_are_told(self) -> None:
        room = self.room
        asked_by = room.new(1)
        room.commits.change(
            lambda: changed([put(AccountKey(account(1)), Profile("ana"))]), asked_by
        )
        room.settle()
        applied = room.applied[-1]
        assert applied.before == [Profile("1")]
        assert applied.asked_by is asked_by


class FailingTests(ServerCase):
    """Commits that fail, in any way."""

    def setUp(self) -> None:
        """Create a room with two members."""
        self.room = Room()
        self.author, self.reader = self.room.enter(1, 2)
        self.author.sent.clear()
        self.outcomes = Outcomes()

    def change(self, name: str, number: int) -> None:
        """Create an account."""
        self.outcomes.watch(name, self.room.commits.change(claim(self.room.hub, number, name)))

    def test_a_store_that_raises_or_fails_with_whatever_it_may(self) -> None:
        class Raises(HeldStore):
            error: Exception | None = None

            def commit(self, commit: Commit) -> Deferred[Outcome]:
                if self.error is not None:
                    raise self.error
                return super().commit(commit)

        store = Raises()
        self.room = Room(store)
        self.author, self.reader = self.room.enter(1, 2)
        self.author.sent.clear()
        bug = ZeroDivisionError("a bug")
        for error in (StoreError("closed"), bug):
            before = picture(self.room.hub)
            store.error = error
            self.change("ana", 3)
            self.room.say(self.author, "lost")
            trimming = self.room.commits.trim(Trim(LOG))
            self.room.settle()
            self.expect_error(ZeroDivisionError, int(error is bug))
            assert self.outcomes.errors.pop("ana") is error
            assert self.author.sent.pop() == refused(1, NotStoredError())
            with pytest.raises(type(error)):
                fired(trimming)
            assert picture(self.room.hub) == before
        store.error = None
        self.change("ana", 3)
        self.room.say(self.author, "kept")
        self.room.settle()
        assert self.outcomes.events[-1] == "ana"
        assert texts(self.reader) == ["kept"]

    def test_a_change_that_is_void_fails_and_records_beside_it_count(self) -> None:
        before = picture(self.room.hub)
        base = fired(self.room.store.base())
        behind = Commit(base, change=StateChange([Value(b"x", b"behind the server's back")]))
        fired(MemoryStore.commit(self.room.store, behind))
        self.change("ana", 3)
        topic = changed([], happening=TopicSet(LOG, self.author.account, "chess"))
        self.outcomes.watch("topic", self.room.change(topic, self.author))
        self.room.say(self.author, "beside it")
        self.room.settle()
        assert "behind the server's back" in str(self.outcomes.errors["ana"])
        assert self.outcomes.errors.keys() == {"ana", "topic"}
        assert picture(self.room.hub) == before
        assert [type(body).__name__ for _, body in self.reader.heard] == ["TextBody"]
        assert [ack[1] for ack in acks(self.author)] == [1]

    def leave_elsewhere(self) -> None:
        """Let somebody leave a room that nobody has used since the start."""
        puts = (
            put(RoomKey(OTHER), RoomProfile(Kind.PUBLIC, "other", account(1))),
            put(MembershipKey(OTHER, account(1)), Membership()),
        )
        self.room.change(changed(puts))
        self.room.settle()
        self.room.unload()
        self.outcomes.watch(
            "leave", self.room.change(changed([put(MembershipKey(OTHER, account(1)), None)]))
        )
        self.change("ana", 3)

    def test_a_decision_waits_for_the_logs_that_it_concerns(self) -> None:
        self.leave_elsewhere()
        idle = self.room.commits.idle()
        self.room.settle()
        assert self.outcomes.events == ["ana", "leave"]
        assert self.room.feeds.source(OTHER).epochs.current == 2
        fired(idle)

    def test_a_decision_fails_if_a_log_that_it_concerns_cannot_be_read(self) -> None:
        self.leave_elsewhere()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.room.store, "head", lambda _: fail(StoreError("a broken disk")))
            idle = self.room.commits.idle()
            self.room.settle()
        assert self.outcomes.events == ["ana", "leave failed"]
        assert isinstance(self.outcomes.errors["leave"], StoreError)
        fired(idle)

    def test_what_is_decided_about_no_log_is_a_bug_of_whoever_proposed_it(self) -> None:
        elsewhere = [put(MembershipKey(OTHER, account(1)), None)]
        self.outcomes.watch("bug", self.room.change(changed(elsewhere)))
        self.change("ana", 3)
        self.room.settle()
        assert self.outcomes.events == ["ana", "bug failed"]
        assert isinstance(self.outcomes.errors["bug"], LookupError)

    def test_who_is_kicked_in_every_commit_keeps_nothing_from_being_sealed(self) -> None:
        guests = self.room.enter(*range(3, 33))
        self.reader.heard.clear()
        topic = changed([], happening=TopicSet(LOG, self.author.account, "chess"))
        heard: list[int] = []
        for number, guest in enumerate(guests):
            self.outcomes.watch(f"kick {number}", self.room.kick(guest))
            if number == 1:
                self.room.say(self.author, "waits")
                self.outcomes.watch("topic", self.room.change(topic, self.author))
            self.room.turn()
            if self.room.store.held:
                self.room.store.release()
            heard.append(sum(seq > 0 for seq, _ in self.reader.heard))
        assert heard[2] == 2, heard  # The text and the topic are in the very next commit.
        assert "topic" in self.outcomes.events
        # Nor do posts delay a kick.
        assert f"kick {len(guests) - 2}" in self.outcomes.events
        self.room.settle()
        assert not self.outcomes.errors
        room = self.room.hub.known_room(LOG)
        assert room is not None
        assert room.members.keys().isdisjoint(guest.account for guest in guests)

    def test_what_is_said_in_every_commit_keeps_nobody_in(self) -> None:
        for number, guest in enumerate(self.room.enter(*range(3, 13))):
            self.outcomes.watch(f"kick {number}", self.room.kick(guest))
            for turn in range(4):
                self.room.say(self.author, f"{number} {turn}")
                self.room.turn()
                if self.room.store.held:
                    self.room.store.release()
            assert f"kick {number}" in self.outcomes.events

    def test_markers_of_a_commit_that_failed_go_with_the_next_one_and_cause_none(self) -> None:
        self.room.commits.see(LOG, account(1), 5)
        self.room.commits.see(LOG, account(2), 6)
        self.room.turn()
        self.room.store.refuse()
        self.room.turn()
        assert self.room.store.held == []
        fired(self.room.commits.idle())
        self.room.commits.see(LOG, account(2), 7)
        self.room.settle()
        seen = fired(self.room.store.seen())
        assert sorted(seen) == [
            ReadMarker(LOG, account(1), 5),
            ReadMarker(LOG, account(2), 7),
        ]

    def test_what_was_refused_in_a_commit_that_then_failed_was_refused_once(self) -> None:
        self.change("ana", 3)
        self.outcomes.watch("other", self.room.commits.change(claim(self.room.hub, 4, "ana")))
        self.room.turn()
        self.room.store.refuse()
        self.room.settle()
        assert self.outcomes.events == ["ana failed", "other failed"]
        assert isinstance(self.outcomes.errors["other"], StoreError)

    def test_who_was_refused_is_told_whatever_becomes_of_the_commit(self) -> None:
        def fail(*_: object) -> None:
            raise ZeroDivisionError

        self.change("ana", 3)
        self.outcomes.watch("other", self.room.commits.change(claim(self.room.hub, 4, "ana")))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("chat.server.state.batch.encode_put", fail)
            self.room.settle()
        self.expect_error(ZeroDivisionError)
        assert self.outcomes.events == ["ana failed", "other failed"]


class PaceTests(ServerCase):
    """When commits start, and how much goes into one."""

    def setUp(self) -> None:
        """Create a room with two members, and a store that commits at once."""
        self.room = Room()
        self.author, self.reader = self.room.enter(1, 2)
        self.room.store.is_holding = False
        self.commits: list[tuple[float, Commit]] = []
        commit = self.room.store.commit

        def note(it: Commit) -> Deferred[Outcome]:
            self.commits.append((self.room.clock.seconds(), it))
            return commit(it)

        self.replace(self.room.store, "commit", note)

    def test_what_comes_alone_is_committed_in_the_same_turn(self) -> None:
        for _ in range(3):
            self.room.say(self.author, "hi")
            self.room.clock.advance(0)
        assert len(self.commits) == 3
        assert len(acks(self.author)) == 3

    def test_where_things_come_fast_commits_have_a_pace(self) -> None:
        def go_on() -> None:
            if len(texts(self.reader)) < 1_000:
                self.room.say(self.author, "and on")
                self.room.say(self.author, "and on")

        self.room.store.is_holding = True
        for _ in range(20):
            go_on()
            self.room.clock.advance(0)
            if not self.room.store.held:
                self.room.clock.advance(COMMIT_SECONDS / 4)
                continue
            go_on()  # It waits when the commit is done.
            self.room.store.release()
        times = [time for time, _ in self.commits]
        assert len(times) > 3
        gaps = [later - earlier for earlier, later in pairwise(times)]
        assert min(gaps) > 0.99 * COMMIT_SECONDS

    def test_behind_a_commit_that_several_shared_the_next_one_waits_for_others(self) -> None:
        self.room.commits.change(claim(self.room.hub, 3, "ana"))
        self.room.say(self.author, "beside it")
        self.room.clock.advance(0)
        self.room.say(self.author, "waits")
        self.room.clock.advance(0.9 * COMMIT_SECONDS)
        assert len(self.commits) == 1
        self.room.clock.advance(0.2 * COMMIT_SECONDS)
        self.room.clock.advance(0)
        assert len(self.commits) == 2
        # That commit held one log only.
        self.room.say(self.author, "at once")
        self.room.clock.advance(0)
        assert len(self.commits) == 3

    def test_a_slow_commit_is_followed_by_the_next_at_once(self) -> None:
        self.room.store.is_holding = True
        self.room.say(self.author, "one")
        self.room.clock.advance(0)
        self.room.say(self.author, "two")
        self.room.clock.advance(10 * COMMIT_SECONDS)
        assert len(self.commits) == 1
        self.room.store.release()
        self.room.clock.advance(0)
        assert len(self.commits) == 2

    def test_a_commit_has_a_bounded_number_of_records(self) -> None:
        for number in range(3_000):
            self.room.say(self.author, str(number))
        self.room.settle()
        assert [len(commit.records) for _, commit in self.commits] == [1_024, 1_024, 952]
        assert texts(self.reader) == [str(number) for number in range(3_000)]

    def test_logs_take_turns(self) -> None:
        profile = RoomProfile(Kind.PUBLIC, "other", account(1))
        self.room.change(
            changed(
                [put(RoomKey(OTHER), profile), put(MembershipKey(OTHER, account(1)), Membership())]
            )
        )
        self.room.settle()
        self.commits.clear()
        other = self.room.feeds.source(OTHER)
        for number in range(3_000):
            self.room.say(self.author, str(number))
        said = Said(OTHER, self.author.account, Content("quiet"), 0)
        identity = record_id(self.author.account, message_id(1))
        other.add(Draft(said, identity, Acknowledge(self.author, 2, lambda _: None)))
        self.room.settle()
        assert [it.records[0].log for _, it in self.commits] == [LOG, OTHER, LOG]

    def test_a_commit_has_a_bounded_number_of_trims(self) -> None:
        trimming = [self.room.commits.trim(Trim(LOG, None, 1_000)) for _ in range(10)]
        self.room.settle()
        assert [len(commit.trims) for _, commit in self.commits] == [4, 4, 2]
        assert [fired(it) for it in trimming] == [0] * 10

    def test_a_commit_has_a_bounded_number_of_markers(self) -> None:
        for number in range(2_500):
            self.room.commits.see(LOG, account(number), number + 1)
        self.room.settle()
        assert [len(commit.seen) for _, commit in self.commits] == [1_024, 1_024, 452]
        assert len(fired(self.room.store.seen())) == 2_500

    def test_a_commit_has_a_bounded_number_of_decisions(self) -> None:
        for number in range(2_500):
            self.room.commits.change(claim(self.room.hub, number + 10, f"n{number}"))
        self.room.settle()
        changes = [commit.change for _, commit in self.commits]
        assert [len(it.values) for it in changes if it is not None] == [1_024, 1_024, 452]

    def test_a_commit_has_a_bounded_number_of_deletions_and_keeps_their_order(self) -> None:
        for number in range(20):
            self.room.say(self.author, str(number))
        self.room.settle()
        self.commits.clear()
        for number in range(20):
            self.room.add(Deleted(LOG, self.author.account, number + 1), self.author)
            self.room.say(self.author, f"behind {number}")
        self.room.settle()
        sizes = [sum(it.erases > 0 for it in commit.records) for _, commit in self.commits]
        assert sizes == [8, 8, 4]
        assert texts(self.reader)[20:] == [f"behind {number}" for number in range(20)]
        kept = [record.erases for record in self.room.store.ever[LOG].values() if record.erases]
        assert kept == list(range(1, 21))

    def test_a_commit_has_a_bounded_number_of_passing_drafts(self) -> None:
        for number in range(2_500):
            self.room.rename(self.author, str(number))
        self.room.clock.advance(0)
        assert len(self.reader.heard) == 1_024
        self.room.settle()
        assert len(self.reader.heard) == 2_500 and self.commits == []

    def test_idle_is_when_nothing_waits_and_nothing_is_on_its_way(self) -> None:
        fired(self.room.commits.idle())
        self.room.store.is_holding = True
        self.room.say(self.author, "one")
        idle = [self.room.commits.idle()]
        self.room.turn()
        self.room.say(self.author, "two")
        idle.append(self.room.commits.idle())
        self.room.store.release()
        assert not any(it.called for it in idle)
        self.room.turn()
        assert not any(it.called for it in idle)
        self.room.store.release()
        self.room.turn()
        for it in idle:
            fired(it)

    def test_a_session_that_cannot_go_on_stops_nobody_else(self) -> None:
        self.room = Room(limits=Limits(batch_bytes=1_000))
        bad, good = self.room.enter(1, 2)

        def fail() -> None:
            raise ZeroDivisionError

        self.replace(bad, "release", fail)
        for session in (bad, good):
            self.room.say(session, "x" * 1_000)
        assert bad.is_held and good.is_held
        self.room.settle()
        self.expect_error(ZeroDivisionError)
        assert not good.is_held
        self.room.say(good, "on")
        self.room.settle()
        assert len(acks(good)) == 2

    def test_what_waits_stays_bounded_whoever_is_let_go_on(self) -> None:
        self.room = Room(limits=Limits(batch_bytes=100_000))
        sessions = [self.room.new(number) for number in range(1, 41)]
        waiting: list[int] = []
        while len(waiting) < 50:
            # Everybody posts whenever the server reads from them.
            for session in sessions:
                if not session.is_held:
                    self.room.say(session, "x" * 5_000)
            waiting.append(sum(draft.size for draft in self.room.feed._waiting))
            self.room.turn()
            if self.room.store.held and len(waiting) % 3 == 0:
                self.room.store.release()
        assert max(waiting) < 100_000 + 40 * 5_200
        self.room.settle()
        assert not any(session.is_held for session in sessions)


# --- Posts in flight ---


class OnItsWayTests(ServerCase):
    """K11: after somebody loses the right to post, the log has nothing more from them."""

    def setUp(self) -> None:
        """Log in bob, and alice, who owns everything."""
        self.store = HeldStore()
        self.store.is_holding = False
        identity = Identity.from_seed(bytes(32))
        fingerprint = identity_fingerprint(identity.public)
        self.server = Server(self.store, UNLIMITED, operators=(fingerprint,))
        alice = self.server.connect(identity=identity)
        alice.log_in("alice")
        alice.join()
        self.alice = alice
        self.bob, self.carol = self.server.enter("bob", "carol")
        for client in (self.alice, self.bob, self.carol):
            client.join("den")
        self.den = self.alice.log("den")
        self.store.is_holding = True

    def post(self, count: int) -> list[int]:
        """Make bob post a number of texts; return the requests."""
        requests = [self.bob.post("hi", room="den") for _ in range(count)]
        self.server.pump()
        return requests

    def answers(self, request: int) -> list[str]:
        """Return the answers to a post by bob."""
        answers = []
        for message in self.bob.received:
            if isinstance(message, Posted):
                answers += ["posted" for ack in message.acks if ack[0] == request]
            elif isinstance(message, Refused) and message.id == request:
                answers.append(message.code)
        return answers

    def settle(self) -> None:
        """Complete everything."""
        while self.store.held:
            self.store.release()
            self.server.pump()

    def check(self, action: str, log: LogId | None, code: str) -> None:
        """Silence bob while 600 of his posts wait or are in flight."""
        in_flight, waiting = self.post(200), self.post(200)
        self.alice.send(messages.Moderate(900, action, "bob", UNSET if log is None else log))
        self.server.pump()
        self.store.release()  # The first one; the others are in flight with the change.
        self.server.pump()
        [(_, commit)] = self.store.held
        assert commit.change is not None and len(commit.records) == 200
        behind = self.post(200)
        self.settle()
        self.store.is_holding = False
        last = self.alice.say("behind", "den")
        records = self.store.ever[self.den]
        by_bob = [seq for seq, it in records.items() if it.author == self.bob.account]
        assert len(by_bob) == 400 and max(by_bob) < last
        assert len(self.carol.texts) == 401
        if code:
            assert {tuple(self.answers(it)) for it in in_flight + waiting} == {("posted",)}
            assert {tuple(self.answers(it)) for it in behind} == {(code,)}

    def test_what_was_on_its_way_is_asked_again(self) -> None:
        self.check("mute", self.den, "muted")

    def test_of_who_is_muted_everywhere(self) -> None:
        self.check("mute", None, "muted")

    def test_of_who_is_kicked(self) -> None:
        self.check("kick", self.den, "not_a_member")

    def test_of_who_is_banned_from_the_room(self) -> None:
        self.check("ban", self.den, "not_a_member")

    def test_of_who_is_banned_from_the_server(self) -> None:
        self.check("ban", None, "")
        assert self.bob.closed is not None

    def test_what_is_read_between_two_decisions_is_asked_again(self) -> None:
        # The server answers bob, and reads on, after the first takes effect and before the second.
        self.post(1)
        join = messages.Join(900, "elsewhere", "public")
        request = self.bob.next_id()
        post = messages.Post(request, self.den, message_id(1), "too late")
        self.bob.write(b"".join(map(self.bob.connection.send, (join, post))))
        self.server.pump()
        self.alice.send(messages.Moderate(900, "mute", "bob", self.den))
        self.server.pump()
        self.settle()
        assert self.answers(request) == ["muted"]
        assert len(self.store.ever[self.den]) == 1


class BetweenTests(ServerCase):
    """Requests that arrive while the decisions of one commit take effect in turn."""

    def test_what_comes_between_two_decisions_is_asked_again(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)
        first = room.change(changed([put(AccountKey(account(9)), Profile("ana"))]))
        # The server answers, and reads on, after the first has taken effect and before the second.
        first.addCallback(lambda _: room.say(author, "too late", request=7))
        room.mute(author)
        room.settle()
        assert texts(reader) == []
        [answer] = [it for it in author.sent if isinstance(it, Refused)]
        assert (answer.id, answer.code) == (7, "muted")


# --- Repetition ---

Step = Callable[[Room, FakeSession], Room]


def nothing(room: Room, author: FakeSession) -> Room:
    """Have the repetition in the same commit."""
    return room


def begin(room: Room, author: FakeSession) -> Room:
    """Have the first in flight."""
    room.turn()
    return room


def settle(room: Room, author: FakeSession) -> Room:
    """Have the first stored."""
    room.settle()
    return room


def edit(room: Room, author: FakeSession) -> Room:
    """Have it edited."""
    room.settle()
    room.add(Edited(LOG, author.account, 1, "changed"), author)
    room.settle()
    return room


def erase(room: Room, author: FakeSession) -> Room:
    """Have it erased."""
    edit(room, author)
    room.add(Deleted(LOG, author.account, 1), author)
    room.settle()
    return room


def restart(room: Room, author: FakeSession) -> Room:
    """Continue with another server."""
    room.settle()
    other = Room(room.store)
    other.now = room.now
    return other


def wait(room: Room, author: FakeSession) -> Room:
    """Let a week pass."""
    room.settle()
    room.now += 7 * 86_400_000
    return room


@pytest.mark.parametrize(
    "steps",
    [
        [nothing],
        [begin],
        [settle],
        [edit],
        [erase],
        [restart],
        [wait],
        [wait, erase, restart],
        [restart, wait, edit],
    ],
    ids=lambda steps: " ".join(step.__name__ for step in steps),
)
def test_a_repetition_on_another_node(steps: Sequence[Step]) -> None:
    # K5: one record, and the same answer, whenever the repetition arrives.
    room = Room()
    room.now = 1_000
    [author] = room.enter(1)
    room.say(author, "hi", message_id(1))
    for step in steps:
        after = step(room, author)
        if after is not room:
            room, [author] = after, after.enter(1)
    [reader] = room.enter(2)
    heard = room.readers.tail
    room.say(author, "hi", message_id(1), request=9)
    room.settle()
    said = [seq for seq, it in room.store.ever[LOG].items() if it.words == "hi"]
    assert said == [1]
    assert acks(author)[-1] == (9, 1, 1_000)
    assert room.readers.tail == max(heard, 1)
    assert texts(reader) in ([], ["hi"])

"""Private conversations: requests, blocks, and who may write."""

from chat.ids import LogId, MessageId
from chat.limits import Limits
from chat.rooms.errors import (
    AlreadyReadingError,
    BlockedError,
    InvalidError,
    NickTakenError,
    NoSuchNickError,
    NoSuchRequestError,
    NotAllowedError,
    NotAMemberError,
    NotStoredError,
    NotWelcomeError,
    OtherAccountError,
    RequestError,
    TooManyRequestsError,
)
from chat.testing import Client, Server
from chat.wire.messages import (
    Accept,
    Block,
    BlockList,
    Blocks,
    ClientMessage,
    Contact,
    ContactChosen,
    Decline,
    Edit,
    History,
    Invite,
    Invited,
    Joined,
    JoinedBody,
    Keys,
    Leave,
    LeftBody,
    LogList,
    Logs,
    Members,
    Moderate,
    Nick,
    Ok,
    Post,
    Private,
    React,
    Read,
    Requested,
    RequestList,
    Requests,
    Search,
    Topic,
    Unblock,
    Welcome,
    Who,
)
from tests.server.cases import HeldStore, ServerCase, refused

NOT_WELCOME = NotWelcomeError("alice")


class ContactCase(ServerCase):
    """Two accounts in the lobby; bob writes to alice."""

    limits = Limits()

    def setUp(self) -> None:
        """Log alice and bob in."""
        self.store = HeldStore()
        self.server = Server(self.store, self.limits)
        self.alice, self.bob = self.server.enter("alice", "bob")

    def device(self, client: Client, server: Server | None = None) -> Client:
        """Return another connection of the same account, logged in."""
        other = (server or self.server).connect(identity=client.identity)
        other.log_in("")
        return other

    def check(self, client: Client, request: ClientMessage, error: RequestError) -> None:
        """Check that a request, whose id is 99, is refused."""
        assert client.ask(request) == refused(99, error)

    def write(self) -> LogId:
        """Let bob write to alice, for the first time; return the conversation."""
        assert isinstance(self.bob.ask(Private(90, "alice")), Joined)
        self.bob.say("psst", "alice")
        return self.bob.log("alice")

    def talk(self) -> LogId:
        """Let them talk to each other."""
        log = self.write()
        assert isinstance(self.alice.ask(Accept(91, log)), Joined)
        return log


class RequestTests(ContactCase):
    """First messages."""

    def test_a_first_message_shows_who_and_nothing_else(self) -> None:
        other = self.device(self.alice)
        count, records = len(self.alice.received), len(self.alice.delivered)
        joined = self.bob.ask(Private(99, "ALICE"))
        log = self.bob.log("alice")
        assert joined == Joined(log, "private", "alice", 0, 0, 1, "", 99)
        self.bob.say("psst", "alice")
        for client in (self.alice, other):
            assert client.received[-1] == Requested(log, self.bob.account, "bob")
        assert len(self.alice.received) == count + 1
        assert len(self.alice.delivered) == records
        for request in (Read(99, log, 0), History(99, log, 50), Who(99, log), Leave(99, log)):
            self.check(self.alice, request, NotAMemberError())
        found = self.alice.ask(Search(98, "psst"))
        assert getattr(found, "count", None) == 0
        assert log not in [it.log for it in self.alice.received if isinstance(it, Keys)]

    def test_once_accepted_both_read_it_on_all_devices(self) -> None:
        other = self.device(self.alice)
        log = self.write()
        joined = self.alice.ask(Accept(99, log))
        assert joined == Joined(log, "private", "bob", 1, 1, 2, "", 99)
        body = self.bob.delivered[-1].body
        assert isinstance(body, JoinedBody) and body.nick == "alice"
        self.alice.ask(History(98, log, 50))
        assert self.alice.texts == [("bob", "psst")]
        self.bob.say("so?", "alice")
        assert self.alice.texts[-1] == other.texts[-1] == ("bob", "so?")
        self.alice.say("what?", "bob")
        assert self.bob.texts == [("alice", "what?")]
        # Once more, from the other device: it reads it already.
        self.check(other, Accept(99, log), AlreadyReadingError(log))

    def test_writing_back_accepts(self) -> None:
        log = self.write()
        joined = self.alice.ask(Private(99, "bob"))
        assert isinstance(joined, Joined) and (joined.log, joined.members) == (log, 2)
        assert self.alice.ask(Requests(98)) == RequestList(98, [], False)

    def test_requests_are_listed_and_cost_the_login_one_number(self) -> None:
        log = self.write()
        listed = RequestList(99, [(log, self.bob.account, "bob", 0)], False)
        assert self.alice.ask(Requests(99)) == listed
        assert self.alice.ask(Requests(99, log)) == RequestList(99, [], False)
        for server in (self.server, Server(self.store, seed=1)):
            back = server.connect(identity=self.alice.identity)
            welcome = back.log_in("")
            assert isinstance(welcome, Welcome) and welcome.requests == 1
            assert back.received == [welcome]
            logs = back.ask(Logs(98))
            assert isinstance(logs, LogList) and len(logs.logs) == 1
            assert back.ask(Requests(99)) == listed

    def test_what_is_declined_stays_so_and_is_not_told(self) -> None:
        log = self.write()
        count = len(self.bob.received)
        assert self.alice.ask(Decline(99, log)) == Ok(99)
        assert len(self.bob.received) == count
        told = len(self.alice.received)
        self.bob.say("hello?", "alice")
        assert self.bob.ask(Leave(98, log)) == Ok(98)
        assert isinstance(self.bob.ask(Private(97, "alice")), Joined)
        self.bob.say("hello??", "alice")
        assert len(self.alice.received) == told
        for answer in (Accept(99, log), Decline(99, log)):
            self.check(self.alice, answer, NoSuchRequestError())
        server = Server(self.store, seed=1)
        back = self.device(self.alice, server)
        assert back.ask(Requests(99)) == RequestList(99, [], False)

    def test_only_who_is_asked_answers(self) -> None:
        log = self.write()
        [carol] = self.server.enter("carol")
        for client in (carol, self.bob):
            self.check(client, Decline(99, log), NoSuchRequestError())
        for place in (log, self.alice.log(), LogId(bytes(16))):
            self.check(carol, Accept(99, place), NoSuchRequestError())
        self.check(carol, Read(99, log, 0), NotAMemberError())

    def test_a_request_is_answered_by_its_log_whatever_the_name_is_now(self) -> None:
        log = self.write()
        self.bob.ask(Nick(90, "robert"))
        [carol] = self.server.enter("carol")
        carol.ask(Nick(90, "bobby"))
        joined = self.alice.ask(Accept(99, log))
        assert isinstance(joined, Joined) and joined.room == "robert"

    def test_one_can_keep_notes(self) -> None:
        joined = self.bob.ask(Private(99, "bob"))
        assert isinstance(joined, Joined) and (joined.room, joined.members) == ("bob", 1)
        assert Requested not in map(type, self.bob.received)
        self.bob.say("a note", "bob")

    def test_nobody_is_nobody(self) -> None:
        self.check(self.bob, Private(99, "carol"), NoSuchNickError("carol"))
        self.check(self.bob, Block(99, "carol"), NoSuchNickError("carol"))

    def test_what_rooms_have_it_has_not(self) -> None:
        log = self.talk()
        for request in (
            Topic(99, log, "us"),
            Invite(99, log, "alice"),
            Moderate(99, "kick", "alice", log),
        ):
            self.check(self.bob, request, NotAllowedError())

    def test_i4_what_cannot_be_stored_is_undone(self) -> None:
        self.store.is_broken = True
        self.check(self.bob, Private(99, "alice"), NotStoredError())
        self.store.is_broken = False
        assert Requested not in map(type, self.alice.received)
        log = self.write()
        self.store.is_broken = True
        self.check(self.alice, Accept(99, log), NotStoredError())
        self.store.is_broken = False
        self.check(self.alice, Read(99, log, 0), NotAMemberError())
        assert isinstance(self.alice.ask(Accept(99, log)), Joined)


class BoundTests(ContactCase):
    """Strangers, many of them."""

    limits = Limits(requests_to_account=3, requests_by_account=2)

    def test_strangers_are_as_many_as_wait_for_an_answer(self) -> None:
        strangers = self.server.enter(*(f"s{number}" for number in range(5)))
        answers = [it.ask(Private(99, "alice")) for it in strangers]
        assert answers[3:] == [refused(99, TooManyRequestsError())] * 2
        asked = [it for it in self.alice.received if isinstance(it, Requested)]
        assert [it.nick for it in asked] == ["s0", "s1", "s2"]
        assert self.alice.ask(Decline(99, asked[0].log)) == Ok(99)
        assert isinstance(strangers[3].ask(Private(98, "alice")), Joined)

    def test_strangers_of_one_network_leave_room_for_others(self) -> None:
        def ask(nick: str, address: str) -> object:
            client = self.server.connect(address)
            client.log_in(nick)
            return client.ask(Private(99, "alice"))

        for number in range(3):
            assert isinstance(ask(f"s{number}", "198.51.100.7"), Joined)
        assert ask("s3", "198.51.100.7") == refused(99, TooManyRequestsError())
        assert isinstance(ask("honest", "203.0.113.9"), Joined)
        for nick, address in (("s4", "198.51.100.7"), ("h2", "203.0.113.9")):
            assert ask(nick, address) == refused(99, TooManyRequestsError())
        assert isinstance(ask("h3", "2001:db8::7"), Joined)
        listed = self.alice.ask(Requests(98))
        assert isinstance(listed, RequestList)
        assert sorted(it[2] for it in listed.requests) == ["h3", "honest", "s2"]

    def test_one_account_asks_few_at_a_time(self) -> None:
        self.server.enter("s0", "s1", "s2")
        answers = [self.bob.ask(Private(99, f"s{number}")) for number in range(3)]
        assert answers[2] == refused(99, TooManyRequestsError())
        assert isinstance(self.bob.ask(Private(99, "bob")), Joined)

    def test_one_pair_makes_one_request_however_often_it_is_opened_and_left(self) -> None:
        log = self.write()
        for _ in range(5):
            self.bob.ask(Leave(98, log))
            self.bob.ask(Private(97, "alice"))
        assert [type(it) for it in self.alice.received].count(Requested) == 1


class LeaveTests(ContactCase):
    """Leaving a conversation."""

    def test_who_left_reads_no_more_and_is_asked_again_by_the_next_message(self) -> None:
        log = self.talk()
        assert self.alice.ask(Leave(99, log)) == Ok(99)
        body = self.bob.delivered[-1].body
        assert isinstance(body, LeftBody) and body.nick == "alice"
        for request in (Read(99, log, 0), History(99, log, 5)):
            self.check(self.alice, request, NotAMemberError())
        texts = len(self.alice.texts)
        self.bob.say("come back", "alice")
        self.bob.say("please", "alice")
        assert len(self.alice.texts) == texts
        asked = [it for it in self.alice.received if isinstance(it, Requested)]
        # One for the very first message, and one for the first after alice has left.
        assert asked == [Requested(log, self.bob.account, "bob")] * 2
        assert isinstance(self.alice.ask(Accept(99, log)), Joined)
        self.alice.ask(History(98, log, 50))
        assert self.alice.texts[-1] == ("bob", "please")

    def test_what_cannot_become_a_request_is_refused(self) -> None:
        log = self.talk()
        self.alice.ask(Contact(98, "nobody"))
        self.alice.ask(Leave(98, log))
        post = Post(99, log, MessageId(bytes(16)), "come back")
        self.check(self.bob, post, NOT_WELCOME)
        self.alice.ask(Contact(98, "everybody"))
        assert self.bob.say("come back", "alice")

    def test_a_post_that_waits_for_its_request_is_looked_at_again(self) -> None:
        log = self.talk()
        self.alice.ask(Leave(98, log))
        self.store.is_broken = True
        post = Post(99, log, MessageId(bytes(16)), "come back")
        self.check(self.bob, post, NotStoredError())
        self.store.is_broken = False
        assert Requested not in map(type, self.alice.received[-2:])

    def test_both_can_leave_and_begin_again(self) -> None:
        log = self.talk()
        for client in (self.alice, self.bob):
            assert client.ask(Leave(99, log)) == Ok(99)
        server = Server(self.store, seed=1)
        back = self.device(self.alice, server)
        joined = back.ask(Private(99, "bob"))
        assert isinstance(joined, Joined) and (joined.log, joined.members) == (log, 1)


class BlockTests(ContactCase):
    """A blocked account cannot reach the other, whatever it tries, on any connection."""

    def test_a_block_lasts_over_restarts_and_reconnections(self) -> None:
        assert self.alice.ask(Block(99, "bob")) == Ok(99)
        assert self.alice.ask(Block(99, "bob")) == Ok(99)
        for server in (self.server, Server(self.store, seed=1)):
            bob = self.device(self.bob, server)
            self.check(bob, Private(99, "alice"), NOT_WELCOME)
            alice = self.device(self.alice, server)
            assert alice.ask(Blocks(99)) == BlockList(99, ["bob"], False)
            self.check(alice, Private(99, "bob"), BlockedError("bob"))
            alice.bye()

    def test_a_block_stops_a_conversation_that_goes_on(self) -> None:
        log = self.talk()
        self.alice.ask(Block(98, "bob"))
        message = MessageId(bytes(16))
        said = Post(99, log, message, "x"), Edit(99, log, message, 1, "x")
        for request in (*said, React(99, log, message, 1, "+")):
            self.check(self.bob, request, NOT_WELCOME)
            self.check(self.alice, request, BlockedError("bob"))
        assert self.alice.ask(Unblock(98, "bob")) == Ok(98)
        self.check(self.alice, Unblock(99, "bob"), InvalidError("bob is not blocked."))

    def test_nothing_shows_of_who_is_blocked(self) -> None:
        log = self.talk()
        self.alice.ask(Block(98, "bob"))
        self.alice.ask(Leave(98, self.alice.log()))
        records, messages = len(self.alice.delivered), len(self.alice.received)
        for name in ("rob", "robert", "bob"):
            self.bob.ask(Nick(90, name))
        self.bob.bye()
        back = self.device(self.bob)
        back.ask(Read(90, log, 0))
        assert back.ask(Leave(91, log)) == Ok(91)
        self.check(back, Private(99, "alice"), NOT_WELCOME)
        # One may leave, once.
        bodies = [type(it.body) for it in self.alice.delivered[records:]]
        told = [it for it in self.alice.received[messages:] if not isinstance(it, Keys)]
        assert (bodies, told) == ([LeftBody], [])

    def test_another_name_does_not_help(self) -> None:
        self.alice.ask(Block(98, "bob"))
        self.bob.ask(Nick(98, "robert"))
        self.check(self.bob, Private(99, "alice"), NOT_WELCOME)
        assert self.alice.ask(Blocks(99)) == BlockList(99, ["robert"], False)

    def test_what_is_on_its_way_is_not_stored(self) -> None:
        self.talk()
        self.store.holds = ("commit",)
        self.alice.send(Block(98, "bob"))
        self.server.pump()
        request = self.bob.post("one more", room="alice")
        self.server.pump()
        self.store.holds = ()
        self.store.release()
        self.server.pump()
        assert self.bob.answer(request) == refused(request, NOT_WELCOME)

    def test_a_block_declines_what_was_asked_and_takes_invitations_back(self) -> None:
        self.bob.join("den", "invite")
        self.bob.ask(Invite(97, self.bob.log("den"), "alice"))
        log = self.write()
        self.alice.ask(Block(98, "bob"))
        self.check(self.alice, Accept(99, log), NoSuchRequestError())
        self.check(self.bob, Invite(99, self.bob.log("den"), "alice"), NOT_WELCOME)
        back = self.device(self.alice)
        assert not any(isinstance(it, Invited) for it in back.received)
        self.alice.ask(Unblock(98, "bob"))
        self.bob.say("sorry", "alice")
        assert self.alice.received[-1] == Requested(log, self.bob.account, "bob")


class NameTests(ContactCase):
    """Names that pass to another account."""

    def test_a_name_that_is_given_up_is_nobody_s_for_a_time_and_a_restart(self) -> None:
        log = self.talk()
        self.alice.ask(Nick(98, "anna"))
        self.check(self.bob, Private(99, "alice", log), NoSuchNickError("alice"))
        for number in range(2):
            server = Server(self.store, seed=number) if number else self.server
            eve = server.connect()
            assert eve.log_in("alice") == refused(1, NickTakenError("alice"))
            assert isinstance(eve.log_in(f"eve{number}"), Welcome)
            self.check(eve, Nick(99, "ALlCE"), NickTakenError("ALlCE"))

    def test_a_conversation_that_is_expected_is_the_only_one_opened(self) -> None:
        log = self.talk()
        self.check(self.bob, Private(99, "alice", log), AlreadyReadingError(log))
        self.alice.ask(Nick(98, "anna"))
        self.server.advance(1)
        self.server.clock.advance(31 * 86_400)
        eve = self.server.connect()
        assert isinstance(eve.log_in("alice"), Welcome)
        bob = self.device(self.bob)
        for expected in (log, LogId(bytes(16)), self.alice.log()):
            self.check(bob, Private(99, "alice", expected), OtherAccountError("alice"))
        assert Requested not in map(type, eve.received)
        assert eve.ask(Requests(98)) == RequestList(98, [], False)
        assert isinstance(bob.ask(Private(98, "anna", log)), Joined)
        assert isinstance(bob.ask(Private(97, "alice")), Joined)


class PolicyTests(ContactCase):
    """Who may write to an account."""

    def test_it_is_chosen_told_and_kept(self) -> None:
        assert self.alice.ask(Contact(99)) == ContactChosen(99, "everybody")
        assert self.alice.ask(Contact(99, "members")) == ContactChosen(99, "members")
        back = self.device(self.alice, Server(self.store, seed=1))
        assert back.ask(Contact(99)) == ContactChosen(99, "members")
        wrong = "Choose who may write to you: everybody, members, nobody."
        self.check(self.alice, Contact(99, "friends"), InvalidError(wrong))

    def test_those_who_share_a_room_are_near(self) -> None:
        self.alice.ask(Contact(98, "members"))
        carol = self.server.connect()
        carol.log_in("carol")
        self.check(carol, Private(99, "alice"), NOT_WELCOME)
        assert isinstance(self.bob.ask(Private(99, "alice")), Joined)
        carol.join()
        assert isinstance(carol.ask(Private(98, "alice")), Joined)

    def test_nobody_is_nobody_but_those_one_writes_to(self) -> None:
        self.alice.ask(Contact(98, "nobody"))
        self.check(self.bob, Private(99, "alice"), NOT_WELCOME)
        self.bob.join("den", "invite")
        self.check(self.bob, Invite(99, self.bob.log("den"), "alice"), NOT_WELCOME)
        joined = self.alice.ask(Private(98, "bob"))
        assert isinstance(joined, Joined)
        assert isinstance(self.bob.ask(Accept(98, joined.log)), Joined)
        self.bob.say("thanks", "alice")
        assert self.alice.texts[-1] == ("bob", "thanks")

    def test_presence_shows_once_it_is_accepted(self) -> None:
        log = self.write()

        def listed(client: Client) -> list[tuple[str, bool]]:
            answer = client.ask(Who(99, log))
            assert isinstance(answer, Members) and not answer.more
            assert {role for *_, role in answer.members} == {"member"}
            return sorted((nick, is_here) for _, nick, is_here, _ in answer.members)

        assert listed(self.bob) == [("bob", True)]
        self.alice.ask(Accept(98, log))
        assert listed(self.bob) == [("alice", True), ("bob", True)]
        self.alice.ask(Block(97, "bob"))
        assert listed(self.bob) == [("alice", False), ("bob", True)]
        assert listed(self.alice) == [("alice", True), ("bob", True)]
        self.alice.ask(Leave(97, log))
        assert listed(self.bob) == [("bob", True)]

    def test_coming_and_going_shows_to_no_stranger(self) -> None:
        carol = self.server.connect()
        carol.log_in("carol")
        carol.ask(Private(98, "alice"))
        log = carol.log("alice")
        before = len(carol.received), len(carol.delivered)
        self.alice.bye()
        back = self.device(self.alice)
        back.vanish()
        self.server.advance(60)
        self.device(self.alice)
        assert (len(carol.received), len(carol.delivered)) == before
        listed = carol.ask(Who(99, log))
        assert listed == Members(99, log, [(carol.account, "carol", True, "member")], False)

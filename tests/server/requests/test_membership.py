"""Requests about membership."""

from chat.ids import MessageId
from chat.rooms.errors import (
    AlreadyReadingError,
    BannedError,
    NoSuchMemberError,
    NoSuchNickError,
    NoSuchRoomError,
    NotAllowedError,
    NotAMemberError,
    NotStoredError,
    RequestError,
    RoomInvalidError,
    RoomTakenError,
    TextTooLongError,
)
from chat.testing import Client, Server
from chat.wire.messages import (
    ClientMessage,
    History,
    Invite,
    Invited,
    Join,
    Joined,
    JoinedBody,
    Leave,
    LeftBody,
    Moderate,
    Nick,
    Notice,
    Ok,
    Opened,
    Post,
    Private,
    Read,
    Refused,
    Removed,
    Topic,
    TopicBody,
)
from tests.server.cases import HeldStore, ServerCase, refused

BANNED = BannedError('the room "den"', "permanently", ".")


class MembershipCase(ServerCase):
    """Two in the lobby."""

    def setUp(self) -> None:
        """Log in alice and bob."""
        self.store = HeldStore()
        self.server = Server(self.store)
        self.alice, self.bob = self.server.enter("alice", "bob")

    def device(self, client: Client) -> Client:
        """Return another connection of the same account, logged in."""
        other = self.server.connect(identity=client.identity)
        other.log_in("")
        return other

    def check(self, client: Client, request: ClientMessage, error: RequestError) -> None:
        """Check that a request, whose id is 99, is refused."""
        assert client.ask(request) == refused(99, error)


class JoinTests(MembershipCase):
    """Rooms."""

    def test_a_room_is_made_by_who_joins_it_and_says_how(self) -> None:
        self.check(self.alice, Join(99, "den"), NoSuchRoomError())
        self.check(self.alice, Join(99, "den", "private"), NoSuchRoomError())
        self.check(self.alice, Join(99, "my den", "public"), RoomInvalidError())
        joined = self.alice.join(" Den ")
        assert joined == Joined(self.alice.log("Den"), "public", "Den", 0, 0, 1, "", 3)
        joined = self.bob.ask(Join(99, "dEN"))
        assert joined == Joined(self.alice.log("Den"), "public", "Den", 0, 0, 2, "", 99)

    def test_the_others_hear_of_a_new_member_and_of_no_second_join(self) -> None:
        self.alice.join("den")
        before = len(self.alice.delivered)
        self.bob.join("den")
        [record] = self.alice.delivered[before:]
        assert isinstance(record.body, JoinedBody) and record.log == self.alice.log("den")
        other = self.device(self.bob)
        other.join("den")
        assert len(self.alice.delivered) == before + 1

    def test_a_connection_joins_once(self) -> None:
        error = AlreadyReadingError(self.alice.log())
        self.check(self.alice, Join(99, "lobby"), error)
        self.check(self.alice, Read(99, self.alice.log(), 0), error)

    def test_other_devices_follow(self) -> None:
        other = self.device(self.bob)
        other.join()
        self.bob.join("den")
        assert other.received[-2] == Opened(self.bob.log("den"), "public", "den", 0, 0, 1, "")
        self.alice.join("den")
        self.alice.say("hi", "den")
        assert other.texts[-1] == self.bob.texts[-1] == ("alice", "hi")
        self.bob.say("ho", "den")
        assert other.texts[-1] == ("bob", "ho")
        assert self.bob.texts[-1] == ("alice", "hi")

    def test_membership_lasts_until_one_leaves(self) -> None:
        self.bob.vanish()
        self.alice.say("missed")
        back = self.device(self.bob)
        assert isinstance(back.ask(Read(99, self.bob.log(), 0)), Joined)
        assert back.texts == [("alice", "missed")]

    def test_i4_a_join_that_cannot_be_stored_is_undone(self) -> None:
        self.store.is_broken = True
        self.check(self.bob, Join(99, "den", "public"), NotStoredError())
        self.store.is_broken = False
        self.check(self.bob, Join(99, "den"), NoSuchRoomError())
        self.alice.join("den")
        log = self.alice.log("den")
        self.store.is_broken = True
        self.check(self.bob, Join(99, "den"), NotStoredError())
        self.store.is_broken = False
        self.check(self.bob, History(99, log, 1), NotAMemberError())
        assert isinstance(self.bob.join("den"), Joined)

    def test_who_is_gone_before_the_answer_reads_nothing(self) -> None:
        self.alice.join("den")
        log = self.alice.log("den")
        feed = self.server.dispatcher.context.feeds.loaded(log)
        assert feed is not None
        for request in (Join(99, "den"), Private(99, "alice"), Read(99, self.bob.log(), 0)):
            other = self.device(self.bob)
            other.protocol.is_gone = True
            self.server.dispatcher.handle(other.protocol, request)
            self.server.pump()
            assert not feed.readers.reads(other.protocol.number)
            other.protocol.is_gone = False
            other.bye()


class LeaveTests(MembershipCase):
    """Leaving."""

    def test_all_devices_leave_and_the_others_hear_it(self) -> None:
        other = self.device(self.bob)
        other.join()
        assert self.bob.ask(Leave(99, self.bob.log())) == Ok(99)
        removed = other.received[-1]
        assert removed == Removed(self.bob.log(), "You have left the room.")
        body = self.alice.delivered[-1].body
        assert isinstance(body, LeftBody) and body.nick == "bob"
        self.alice.say("behind")
        assert self.bob.texts == other.texts == []
        self.check(self.bob, Leave(99, self.bob.log()), NotAMemberError())

    def test_who_left_can_come_back(self) -> None:
        self.bob.ask(Leave(99, self.bob.log()))
        self.alice.say("meanwhile")
        assert isinstance(self.bob.join(), Joined)
        self.bob.ask(History(98, self.bob.log(), 50))
        assert [it.seq for it in self.bob.page(98)] == [1]

    def test_i4_a_leave_that_cannot_be_stored_is_refused(self) -> None:
        self.store.is_broken = True
        self.check(self.bob, Leave(99, self.bob.log()), NotStoredError())
        self.store.is_broken = False
        self.alice.say("still here?")
        assert self.bob.texts == [("alice", "still here?")]
        assert self.bob.ask(Leave(98, self.bob.log())) == Ok(98)

    def test_a_room_is_left_although_nobody_reads_it(self) -> None:
        self.bob.bye()
        server = Server(self.store)
        back = server.connect(identity=self.bob.identity)
        back.log_in("")
        assert back.ask(Leave(99, self.bob.log())) == Ok(99)


class OwnerTests(MembershipCase):
    """Requests of owners."""

    def setUp(self) -> None:
        """Give alice a room that bob is in."""
        super().setUp()
        self.alice.join("den")
        self.bob.join("den")
        self.log = self.alice.log("den")

    def test_a_kick_removes_all_devices_and_can_be_undone(self) -> None:
        other = self.device(self.bob)
        other.ask(Read(99, self.log, 0))
        assert self.alice.ask(Moderate(99, "kick", "bob", self.log)) == Ok(99)
        for client in (self.bob, other):
            assert client.received[-1] == Removed(
                self.log, 'alice has removed you from the room "den".'
            )
        error = NoSuchMemberError("bob")
        self.check(self.alice, Moderate(99, "kick", "bob", self.log), error)
        assert isinstance(self.bob.join("den"), Joined)

    def test_a_ban_keeps_out(self) -> None:
        assert self.alice.ask(Moderate(99, "ban", "bob", self.log)) == Ok(99)
        self.check(self.bob, Join(99, "den"), BANNED)
        self.alice.ask(Invite(98, self.log, "bob"))
        self.check(self.bob, Join(99, "den"), BANNED)
        server = Server(self.store)
        back = server.connect(identity=self.bob.identity)
        back.log_in("")
        assert back.ask(Join(99, "den")) == refused(99, BANNED)

    def test_who_is_no_member_hears_nothing_from_a_room(self) -> None:
        [carol] = self.server.enter("carol")
        count = len(carol.received)
        for action in ("kick", "ban", "mute", "op"):
            request = Moderate(99, action, "carol", self.log, 0, "your key leaked")
            self.check(self.alice, request, NoSuchMemberError("carol"))
        for action in ("unban", "unmute", "deop"):  # Nothing was done to undo.
            request = Moderate(99, action, "carol", self.log, 0, "your key leaked")
            assert self.alice.ask(request) == Ok(99)
        assert len(carol.received) == count

    def test_a_member_hears_of_a_few_actions_and_no_more_for_a_while(self) -> None:
        def told() -> int:
            return sum(isinstance(it, Notice) for it in self.bob.received)

        for number in range(100):
            action = "unmute" if number % 2 else "mute"
            self.alice.ask(Moderate(99, action, "bob", self.log, 0, "your key leaked"))
        assert told() == 5
        self.server.advance(601)
        for action in ("mute", "unmute"):
            self.alice.ask(Moderate(99, action, "bob", self.log))
        assert told() == 6
        # Another room counts separately, and untold actions take effect all the same.
        self.bob.join("other")
        self.alice.join("other")
        self.bob.ask(Moderate(98, "mute", "alice", self.bob.log("other"), 0, "hush"))
        assert isinstance(self.alice.received[-1], Notice)
        self.alice.ask(Moderate(99, "mute", "bob", self.log, 0, 'x". The server: y'))
        assert told() == 6
        answer = self.bob.ask(Post(97, self.log, MessageId(bytes(16)), "hi"))
        muted = 'You are muted in the room "den" permanently. alice wrote: "x\'. The server: y"'
        assert isinstance(answer, Refused) and answer.text == muted

    def test_one_account_invites_another_to_few_rooms(self) -> None:
        carol = self.server.connect()
        carol.log_in("carol")
        answers = []
        for number in range(8):
            self.alice.join(f"room{number}", "invite")
            request = Invite(99, self.alice.log(f"room{number}"), "carol")
            answers.append(type(self.alice.ask(request)))
        assert answers == [Ok] * 5 + [Refused] * 3
        self.bob.join("bobs", "invite")
        assert self.bob.ask(Invite(99, self.bob.log("bobs"), "carol")) == Ok(99)

    def test_only_the_owner_does_so(self) -> None:
        self.check(self.bob, Moderate(99, "kick", "alice", self.log), NotAllowedError())
        self.check(self.alice, Moderate(99, "kick", "bob", self.alice.log()), NotAllowedError())
        self.check(self.alice, Moderate(99, "kick", "carol", self.log), NoSuchNickError("carol"))


class TopicTests(MembershipCase):
    """Topics."""

    def test_everybody_hears_of_it_and_newcomers_see_it(self) -> None:
        assert self.alice.ask(Topic(99, self.alice.log(), "chess")) == Ok(99)
        body = self.bob.delivered[-1].body
        assert isinstance(body, TopicBody) and body.topic == "chess"
        [carol] = self.server.enter("carol")
        joined = carol.received[-1]
        assert isinstance(joined, Joined) and joined.topic == "chess"

    def test_it_has_a_bound(self) -> None:
        long = Topic(99, self.alice.log(), "x" * 201)
        self.check(self.alice, long, TextTooLongError(200, "characters"))

    def test_i4_what_cannot_be_stored_is_undone(self) -> None:
        topic = Topic(99, self.alice.log(), "chess")
        self.store.is_broken = True
        self.check(self.alice, topic, NotStoredError())
        self.store.is_broken = False
        other = self.device(self.bob)
        joined = other.ask(Read(98, self.bob.log(), 0))
        assert isinstance(joined, Joined) and joined.topic == ""
        assert TopicBody not in [type(it.body) for it in self.bob.delivered + other.delivered]
        assert self.alice.ask(topic) == Ok(99)


class InviteTests(MembershipCase):
    """Rooms that are not public."""

    def setUp(self) -> None:
        """Give alice an invitation-only room."""
        super().setUp()
        self.alice.join("den", "invite")
        self.log = self.alice.log("den")

    def test_only_who_is_invited_comes_in(self) -> None:
        self.check(self.bob, Join(99, "den", "public"), RoomTakenError("den"))
        for name in ("den", "DEN", "nowhere"):
            self.check(self.bob, Join(99, name), NoSuchRoomError())
        assert self.alice.ask(Invite(99, self.log, "bob")) == Ok(99)
        assert self.bob.received[-1] == Invited("den", "alice")
        joined = self.bob.join("den")
        assert isinstance(joined, Joined) and joined.kind == "invite"

    def test_a_stranger_makes_the_server_read_nothing_of_a_room(self) -> None:
        server = Server(self.store, seed=1)
        bob = server.connect(identity=self.bob.identity)
        bob.log_in("")
        self.store.holds = ("head", "epochs", "read")
        for name in ("den", "nowhere"):
            assert bob.ask(Join(99, name)) == refused(99, NoSuchRoomError())
        assert self.store.waiting == []
        self.store.holds = ()

    def test_an_invitation_waits_for_who_is_away_and_for_a_restart(self) -> None:
        self.bob.bye()
        self.alice.ask(Invite(99, self.log, "bob"))
        for server in (self.server, Server(self.store)):
            back = server.connect(identity=self.bob.identity)
            back.log_in("")
            assert back.received[-1] == Invited("den", "alice")
        assert isinstance(back.join("den"), Joined)
        again = server.connect(identity=self.bob.identity)
        again.log_in("")
        assert Invited("den", "alice") not in again.received

    def test_who_was_never_in_anything_can_be_invited(self) -> None:
        carol = self.server.connect()
        carol.log_in("carol")
        self.alice.ask(Invite(99, self.log, "carol"))
        carol.bye()
        back = self.device(carol)
        assert back.received[-1] == Invited("den", "alice")

    def test_any_member_invites_and_nobody_else(self) -> None:
        self.check(self.bob, Invite(99, self.log, "bob"), NotAMemberError())
        self.check(self.alice, Invite(99, self.log, "carol"), NoSuchNickError("carol"))

    def test_who_invited_is_told_and_not_who_owns_the_room(self) -> None:
        carol = self.server.connect()
        carol.log_in("carol")
        self.bob.ask(Invite(98, self.alice.log(), "carol"))
        assert carol.received[-1] == Invited("lobby", "bob")
        back = self.device(carol)
        assert back.received[-1] == Invited("lobby", "bob")

    def test_once_more_is_ok_and_told_to_nobody(self) -> None:
        self.alice.ask(Invite(98, self.log, "bob"))
        count = len(self.bob.received)
        assert self.alice.ask(Invite(99, self.log, "bob")) == Ok(99)
        assert self.alice.ask(Invite(97, self.alice.log(), "bob")) == Ok(97), "he is in"
        assert len(self.bob.received) == count

    def test_a_renamed_account_is_found_by_its_new_name(self) -> None:
        self.bob.ask(Nick(99, "robert"))
        assert self.alice.ask(Invite(98, self.log, "robert")) == Ok(98)

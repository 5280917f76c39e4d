"""Requests that add a record to a log."""

from chat.ids import MessageId
from chat.limits import REACTION_BYTES, TEXT_BYTES
from chat.rooms.errors import (
    NotAMemberError,
    NotStoredError,
    NotYoursError,
    RequestError,
    TextEmptyError,
    TextTooLongError,
)
from chat.testing import Client, Server
from chat.wire.messages import (
    ClientMessage,
    Delete,
    DeleteBody,
    Edit,
    EditBody,
    History,
    Leave,
    Post,
    Posted,
    React,
    ReactionBody,
    Read,
    Refused,
    TextBody,
)
from tests.server.cases import HeldStore, ServerCase
from tests.store.commits import fired

M = MessageId(b"m" * 16)
N = MessageId(b"n" * 16)


class PostingCase(ServerCase):
    """Two in the lobby."""

    def setUp(self) -> None:
        """Log in alice and bob."""
        self.store = HeldStore()
        self.server = Server(self.store)
        self.alice, self.bob = self.server.enter("alice", "bob")
        self.log = self.alice.log()

    def check(self, request: ClientMessage, error: RequestError) -> None:
        """Check that a request from alice, whose id is 99, is refused."""
        assert self.alice.ask(request) == Refused(99, error.code, str(error))

    def seq(self, client: Client, request: ClientMessage) -> int:
        """Return the sequence number with which a request, whose id is 99, was acknowledged."""
        posted = client.ask(request)
        assert isinstance(posted, Posted)
        return {number: seq for number, seq, _ in posted.acks}[99]

    def said(self) -> list[tuple[int, str]]:
        """Return what a newcomer finds: sequence numbers, and texts or kinds."""
        self.bob.ask(History(98, self.log, 50))
        page = self.bob.page(98)
        self.bob.events.clear()
        return [(it.seq, getattr(it.body, "text", type(it.body).__name__)) for it in page]


class PostTests(PostingCase):
    """Posting and reacting."""

    def test_only_members_post(self) -> None:
        self.alice.ask(Leave(98, self.log))
        for request in (
            Post(99, self.log, M, "hi"),
            React(99, self.log, M, 1, "+"),
            Edit(99, self.log, M, 1, "ho"),
            Delete(99, self.log, M, 1),
        ):
            self.check(request, NotAMemberError())

    def test_texts_have_their_bounds(self) -> None:
        self.check(Post(99, self.log, M, ""), TextEmptyError())
        long = "x" * (TEXT_BYTES + 1)
        self.check(Post(99, self.log, M, long), TextTooLongError(TEXT_BYTES, "bytes"))
        self.check(Edit(99, self.log, M, 1, ""), TextEmptyError())
        sign = "x" * (REACTION_BYTES + 1)
        self.check(React(99, self.log, M, 1, sign), TextTooLongError(REACTION_BYTES, "bytes"))
        assert self.bob.delivered == []
        self.alice.say("x" * TEXT_BYTES)
        assert [len(text) for _, text in self.bob.texts] == [TEXT_BYTES]

    def test_a_reply_names_what_it_answers(self) -> None:
        self.bob.say("shall we?")
        self.alice.ask(Post(99, self.log, M, "yes", 1))
        body = self.bob.delivered[-1].body
        assert isinstance(body, TextBody) and body.reply == 1

    def test_a_reaction_is_a_record(self) -> None:
        self.bob.say("shall we?")
        assert self.seq(self.alice, React(99, self.log, M, 1, "\U0001f44d")) == 2
        body = self.bob.delivered[-1].body
        assert isinstance(body, ReactionBody) and (body.seq, body.reaction) == (1, "\U0001f44d")

    def test_a_log_that_nobody_uses_yet_can_be_posted_to(self) -> None:
        server = Server(self.store)
        back = server.connect(identity=self.alice.identity)
        back.log_in("")
        assert back.ask(Post(99, self.log, M, "hi")) == Posted(self.log, 0, [(99, 1, 0)])
        again = server.connect(identity=self.bob.identity)
        again.log_in("")
        again.ask(Read(99, self.log, 0))
        assert again.texts == [("alice", "hi")]

    def test_i4_what_cannot_be_stored_is_refused_and_can_be_tried_again(self) -> None:
        self.store.is_broken = True
        request = self.alice.post("hi", M)
        self.server.pump()
        refused = self.alice.answer(request)
        assert isinstance(refused, Refused) and refused.code == NotStoredError.code
        self.store.is_broken = False
        self.alice.post("hi", M)
        self.server.pump()
        assert self.bob.texts == [("alice", "hi")]


class ChangeTests(PostingCase):
    """Editing and deleting."""

    def setUp(self) -> None:
        """Make both post."""
        super().setUp()
        self.alice.say("helo")
        self.bob.say("what?")

    def test_an_edit_is_a_record_and_the_first_text_stays(self) -> None:
        assert self.seq(self.alice, Edit(99, self.log, M, 1, "hello")) == 3
        body = self.bob.delivered[-1].body
        assert isinstance(body, EditBody) and (body.seq, body.text) == (1, "hello")
        assert self.said() == [(1, "helo"), (2, "what?"), (3, "hello")]

    def test_only_the_new_text_is_found(self) -> None:
        self.alice.ask(Edit(99, self.log, M, 1, "hello"))
        assert fired(self.store.search("helo", [self.log], 9)) == []
        assert len(fired(self.store.search("hello", [self.log], 9))) == 1

    def test_a_deleted_text_is_gone_with_all_its_edits(self) -> None:
        self.alice.ask(Edit(98, self.log, M, 1, "hello"))
        assert self.seq(self.alice, Delete(99, self.log, N, 1)) == 4
        body = self.bob.delivered[-1].body
        assert isinstance(body, DeleteBody) and body.seq == 1
        assert self.said() == [(2, "what?"), (4, "DeleteBody")]
        assert fired(self.store.search("hello", [self.log], 9)) == []

    def test_an_edit_can_be_deleted(self) -> None:
        self.alice.ask(Edit(98, self.log, M, 1, "hello"))
        assert self.seq(self.alice, Delete(99, self.log, N, 3)) == 4
        assert self.said() == [(1, "helo"), (2, "what?"), (4, "DeleteBody")]

    def test_what_is_not_one_s_own_text_stays_as_it_is(self) -> None:
        self.alice.ask(React(97, self.log, M, 2, "+"))
        self.alice.ask(Edit(98, self.log, MessageId(b"e" * 16), 1, "hello"))
        for seq in (2, 3, 9):
            self.check(Edit(99, self.log, N, seq, "mine now"), NotYoursError())
            self.check(Delete(99, self.log, N, seq), NotYoursError())
        self.check(Edit(99, self.log, N, 4, "an edit of an edit"), NotYoursError())

    def test_a_repetition_is_answered_like_the_first(self) -> None:
        for _ in range(2):
            assert self.seq(self.alice, Delete(99, self.log, M, 1)) == 3
        self.check(Delete(99, self.log, N, 1), NotYoursError())

    def test_i4_nothing_is_changed_where_the_store_cannot_be_read(self) -> None:
        self.store.is_broken = True
        self.check(Edit(99, self.log, M, 1, "hello"), NotStoredError())

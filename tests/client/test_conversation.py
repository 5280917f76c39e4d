"""Every decision of the client, with a link, a screen and a key file that are made of lists."""

from pathlib import Path
from typing import TypeVar

import pytest
from msgspec import UNSET, Struct

from chat.client.address import Address
from chat.client.conversation import ROOM, Conversation
from chat.client.interfaces import ExitStatus
from chat.client.known_hosts import KnownHosts
from chat.client.trust import HostKeyCheck
from chat.limits import TEXT_BYTES
from chat.wire import messages
from chat.wire.connection import Delivered
from chat.wire.errors import CloseCode
from chat.wire.messages import Unknown

T = TypeVar("T", bound=Struct)

KEY, OTHER_KEY = bytes(32), bytes(31) + b"\x01"
LOST = "The connection to the server was lost."


class FakeLink:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.logins: list[messages.Login] = []
        self.sent: list[Struct] = []
        self.closed: CloseCode | None = None

    def login(self, login: messages.Login) -> None:
        self.logins.append(login)

    def send(self, message: Struct) -> None:
        self.sent.append(message)

    def close(self, code: CloseCode) -> None:
        assert self.closed is None
        self.closed = code


class FakeScreen:
    """Keeps what is printed."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.notes: list[str] = []
        self.prompts: list[str] = []

    def show(self, line: str) -> None:
        self.shown.append(line)

    def note(self, line: str) -> None:
        self.notes.append(line)

    def prompt(self, text: str) -> None:
        self.prompts.append(text)


class Visit:
    """A conversation, and what is around it."""

    def __init__(
        self,
        path: Path,
        nick: str | None = "ana",
        *,
        is_terminal: bool = False,
        trust_new: bool = False,
    ) -> None:
        self.screen = FakeScreen()
        self.links: list[FakeLink] = []
        self.statuses: list[ExitStatus] = []
        self.connects = 0
        self.lines_done = 0
        self.conversation = Conversation(
            nick,
            is_terminal=is_terminal,
            check=HostKeyCheck(
                Address("chat.example.org"),
                KnownHosts(path / "known_hosts"),
                is_terminal=is_terminal,
                trust_new=trust_new,
            ),
            screen=self.screen,
            connect=self._connect,
            finish=self.statuses.append,
            line_done=self._line_done,
        )

    def _connect(self) -> None:
        self.connects += 1

    def _line_done(self) -> None:
        self.lines_done += 1

    @property
    def link(self) -> FakeLink:
        return self.links[-1]

    def connected(self) -> None:
        assert self.connects == len(self.links) + 1
        self.links.append(FakeLink())
        self.conversation.connected(self.link)

    def offered(self, key: bytes = KEY, *, is_loopback: bool = True) -> None:
        self.conversation.offered(key, is_loopback=is_loopback)

    def disconnected(self, link: FakeLink | None = None, reason: str = LOST) -> None:
        self.conversation.disconnected(link or self.link, reason)

    def logged_in(self) -> None:
        """Come as far as a login that waits for its answer."""
        self.conversation.start()
        self.connected()
        self.offered()

    def welcome(self, nick: str = "ana") -> None:
        login = (
            self.link.logins + [it for it in self.link.sent if isinstance(it, messages.Login)]
        )[-1]
        self.conversation.received(
            messages.Welcome(login.id, bytes(16), nick, "encchat", 0, "memory", {}, [])
        )

    def joined(self, members: int = 1) -> None:
        join = self.last(messages.Join)
        self.conversation.received(messages.Joined(join.id, ROOM, bytes(16), 1, members))

    def talking(self, members: int = 1) -> None:
        """Come as far as the room."""
        self.logged_in()
        self.welcome()
        self.joined(members)

    def last(self, kind: type[T]) -> T:
        found = self.link.sent[-1]
        assert isinstance(found, kind)
        return found

    def posts(self) -> list[messages.Post]:
        return [it for it in self.link.sent if isinstance(it, messages.Post)]

    def ack(self, *posts: messages.Post) -> None:
        self.conversation.received(messages.Posted([(post.id, 9, 0) for post in posts]))

    def refuse(self, request: messages.Request, text: str = "No.") -> None:
        self.conversation.received(messages.Refused(request.id, "code", text))

    def ended(self, status: ExitStatus) -> None:
        """Check that it is over: the link closed, then the status told, once."""
        if self.links and self.link.closed is not None and not self.statuses:
            self.disconnected()
        assert self.statuses == [status]


@pytest.fixture
def visit(tmp_path: Path) -> Visit:
    return Visit(tmp_path)


@pytest.fixture
def terminal(tmp_path: Path) -> Visit:
    return Visit(tmp_path, is_terminal=True)


# --- The nickname ---


def test_with_a_nickname_nothing_is_asked(visit: Visit) -> None:
    visit.logged_in()
    assert visit.screen.prompts == []
    assert visit.link.logins == [messages.Login(1, "ana")]


def test_without_one_a_terminal_is_asked(tmp_path: Path) -> None:
    visit = Visit(tmp_path, None, is_terminal=True)
    visit.conversation.start()
    assert visit.screen.prompts == ["Nickname: "]
    visit.conversation.line("   ")
    visit.conversation.line(None)
    assert visit.screen.prompts == ["Nickname: "] * 3
    assert visit.connects == 0
    visit.conversation.line(" bob ")
    assert visit.connects == 1
    visit.connected()
    visit.offered()
    assert visit.link.logins[0].nick == "bob"
    assert visit.lines_done == 3


def test_the_first_line_of_a_script_is_its_nickname(tmp_path: Path) -> None:
    visit = Visit(tmp_path, None)
    visit.conversation.start()
    visit.conversation.line("bob")
    visit.conversation.line("hello")
    visit.connected()
    visit.offered()
    visit.welcome("bob")
    visit.joined()
    assert visit.screen.prompts == []
    assert [post.text for post in visit.posts()] == ["hello"]


@pytest.mark.parametrize("line", ["", "  ", None])
def test_a_script_whose_first_line_is_no_nickname_ends(tmp_path: Path, line: str | None) -> None:
    visit = Visit(tmp_path, None)
    visit.conversation.start()
    visit.conversation.line(line)
    visit.ended(ExitStatus.REFUSED)
    assert len(visit.screen.notes) == 1


def test_an_input_that_ends_before_the_nickname_ends_it(tmp_path: Path) -> None:
    visit = Visit(tmp_path, None)
    visit.conversation.start()
    visit.conversation.end_of_input()
    visit.ended(ExitStatus.REFUSED)


def test_a_taken_nickname_is_asked_for_again_at_a_terminal(terminal: Visit) -> None:
    terminal.logged_in()
    terminal.refuse(terminal.link.logins[0], "The nickname ana is taken.")
    assert terminal.screen.notes[-1] == "The nickname ana is taken."
    assert terminal.screen.prompts == ["Nickname: "]
    terminal.conversation.line("anna")
    again = terminal.last(messages.Login)
    assert again.nick == "anna"
    assert terminal.link.closed is None
    terminal.welcome("anna")
    terminal.joined()
    assert "anna" in terminal.screen.notes[-1]


def test_a_taken_nickname_ends_a_script(visit: Visit) -> None:
    visit.logged_in()
    visit.refuse(visit.link.logins[0], "The nickname ana is taken.")
    assert visit.screen.notes[-1] == "The nickname ana is taken."
    visit.ended(ExitStatus.REFUSED)


def test_a_taken_nickname_ends_it_when_nobody_can_answer_any_more(terminal: Visit) -> None:
    terminal.logged_in()
    terminal.conversation.end_of_input()
    terminal.refuse(terminal.link.logins[0])
    terminal.ended(ExitStatus.REFUSED)


def test_a_refused_room_ends_it(terminal: Visit) -> None:
    terminal.logged_in()
    terminal.welcome()
    terminal.refuse(terminal.last(messages.Join), "There is no such room.")
    terminal.ended(ExitStatus.REFUSED)


# --- The host key ---


def test_on_a_loopback_address_a_new_key_is_pinned_with_a_line(visit: Visit) -> None:
    visit.logged_in()
    [note] = visit.screen.notes
    assert "pinned" in note and "SHA256:" in note
    assert visit.link.logins


def test_a_script_elsewhere_is_refused_and_says_nothing_to_the_server(visit: Visit) -> None:
    visit.conversation.start()
    visit.connected()
    visit.offered(is_loopback=False)
    assert visit.link.logins == [] and visit.link.sent == []
    visit.ended(ExitStatus.HOST_KEY)


def test_a_script_may_trust_a_new_key(tmp_path: Path) -> None:
    visit = Visit(tmp_path, trust_new=True)
    visit.conversation.start()
    visit.connected()
    visit.offered(is_loopback=False)
    assert visit.link.logins


def test_a_person_is_asked_and_the_connection_made_anew(terminal: Visit) -> None:
    terminal.conversation.start()
    terminal.connected()
    terminal.offered(is_loopback=False)
    first = terminal.link
    assert first.closed is CloseCode.NORMAL and first.logins == []
    assert any("SHA256:" in note for note in terminal.screen.notes)
    terminal.conversation.line("what?")
    terminal.conversation.line(None)
    assert terminal.screen.prompts[1:] == ["Please type yes or no: "] * 2
    terminal.conversation.line(" Yes ")
    assert terminal.connects == 2
    # The old connection's end may come late, and means nothing.
    terminal.disconnected(first)
    assert terminal.statuses == []
    terminal.connected()
    terminal.offered(is_loopback=False)
    assert terminal.link.logins
    assert terminal.lines_done == 3


def test_another_key_after_the_question_is_refused(terminal: Visit) -> None:
    terminal.conversation.start()
    terminal.connected()
    terminal.offered(is_loopback=False)
    terminal.conversation.line("yes")
    terminal.connected()
    terminal.offered(OTHER_KEY, is_loopback=False)
    assert "CHANGED" in terminal.screen.notes[-1]
    terminal.ended(ExitStatus.HOST_KEY)


@pytest.mark.parametrize("answer", ["no", "N"])
def test_a_person_can_decline(terminal: Visit, answer: str) -> None:
    terminal.conversation.start()
    terminal.connected()
    terminal.offered(is_loopback=False)
    terminal.disconnected()
    terminal.conversation.line(answer)
    terminal.ended(ExitStatus.HOST_KEY)


@pytest.mark.parametrize("is_early", [True, False])
def test_the_end_of_input_is_no_consent(terminal: Visit, is_early: bool) -> None:
    terminal.conversation.start()
    terminal.connected()
    if is_early:
        terminal.conversation.end_of_input()
    terminal.offered(is_loopback=False)
    if not is_early:
        terminal.conversation.end_of_input()
    terminal.ended(ExitStatus.HOST_KEY)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_changed_key_is_refused_before_anything_is_said(
    tmp_path: Path, is_terminal: bool
) -> None:
    Visit(tmp_path).logged_in()
    visit = Visit(tmp_path, is_terminal=is_terminal, trust_new=True)
    visit.conversation.start()
    visit.connected()
    visit.offered(OTHER_KEY)
    assert "CHANGED" in visit.screen.notes[-1]
    assert visit.link.logins == [] and visit.link.sent == []
    visit.ended(ExitStatus.HOST_KEY)


def test_a_key_that_cannot_be_pinned_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "a file"
    path.write_text("")
    visit = Visit(path)
    visit.conversation.start()
    visit.connected()
    visit.offered()
    assert visit.link.logins == []
    visit.ended(ExitStatus.HOST_KEY)


def test_a_person_whose_yes_cannot_be_kept_is_told(tmp_path: Path) -> None:
    visit = Visit(tmp_path / "x", is_terminal=True)
    visit.conversation.start()
    visit.connected()
    visit.offered(is_loopback=False)
    (tmp_path / "x").write_text("")
    visit.conversation.line("yes")
    assert visit.connects == 1
    visit.disconnected()
    visit.ended(ExitStatus.HOST_KEY)


# --- Talking ---


def test_lines_become_posts_with_different_ids(visit: Visit) -> None:
    visit.talking()
    visit.conversation.line("one")
    visit.conversation.line("//two")
    one, two = visit.posts()
    assert (one.room, one.text, two.text) == (ROOM, "one", "/two")
    assert one.id != two.id and one.message != two.message


def test_lines_typed_early_wait_for_the_room(visit: Visit) -> None:
    visit.conversation.start()
    visit.conversation.line("one")
    visit.connected()
    visit.offered()
    visit.conversation.line("two")
    visit.welcome()
    visit.conversation.line("three")
    assert visit.posts() == []
    visit.joined()
    assert [post.text for post in visit.posts()] == ["one", "two", "three"]


def test_at_the_end_it_waits_for_every_acknowledgement(visit: Visit) -> None:
    visit.talking()
    for text in ("one", "two", "three"):
        visit.conversation.line(text)
    visit.conversation.end_of_input()
    one, two, three = visit.posts()
    visit.ack(three, one)
    assert visit.link.closed is None
    visit.ack(two)
    assert visit.link.closed is CloseCode.NORMAL
    assert visit.lines_done == 3
    visit.ended(ExitStatus.OK)


def test_an_input_that_ended_before_the_room_is_sent_all_the_same(visit: Visit) -> None:
    visit.conversation.start()
    visit.conversation.line("one")
    visit.conversation.end_of_input()
    visit.connected()
    visit.offered()
    visit.welcome()
    visit.joined()
    visit.ack(*visit.posts())
    visit.ended(ExitStatus.OK)


def test_an_empty_input_leaves_at_once(visit: Visit) -> None:
    visit.talking()
    visit.conversation.end_of_input()
    visit.ended(ExitStatus.OK)


def test_quit_waits_for_acknowledgements_too(terminal: Visit) -> None:
    terminal.talking()
    terminal.conversation.line("bye")
    terminal.conversation.line("/quit")
    assert terminal.link.closed is None
    terminal.ack(*terminal.posts())
    terminal.ended(ExitStatus.OK)


def test_records_are_shown(visit: Visit) -> None:
    visit.talking()
    body = messages.TextBody(0, bytes(16), "bob", "hi\x07")
    visit.conversation.delivered(Delivered(bytes(16), 2, bytes(16), body))
    visit.conversation.delivered(Delivered(bytes(16), 3, bytes(16), Unknown("sung")))
    assert visit.screen.shown == [r"bob: hi\x07"]


def test_nothing_is_shown_when_it_is_over(visit: Visit) -> None:
    visit.talking()
    visit.conversation.end_of_input()
    body = messages.TextBody(0, bytes(16), "bob", "late")
    visit.conversation.delivered(Delivered(bytes(16), 2, bytes(16), body))
    visit.conversation.line("late as well")
    assert visit.screen.shown == [] and visit.posts() == []
    assert visit.lines_done == 1


@pytest.mark.parametrize(
    ("members", "said"), [(1, "nobody else"), (2, "one other is"), (3, "2 others are")]
)
def test_on_arrival_it_says_where_one_is(visit: Visit, members: int, said: str) -> None:
    visit.talking(members)
    assert said in visit.screen.notes[-1] and ROOM in visit.screen.notes[-1]


def test_nick(visit: Visit) -> None:
    visit.talking()
    visit.conversation.line("/nick anna")
    request = visit.last(messages.Nick)
    assert request.nick == "anna"
    visit.conversation.received(messages.Ok(request.id))
    assert visit.screen.notes[-1] == "* You are now known as anna."
    assert visit.lines_done == 1


def test_who_asks_for_every_page(visit: Visit) -> None:
    visit.talking()
    visit.conversation.line("/who")
    first = visit.last(messages.Who)
    assert first.after is UNSET
    visit.conversation.received(messages.Members(first.id, ROOM, ["ana", "bob"], True))
    second = visit.last(messages.Who)
    assert second.after == "bob" and visit.lines_done == 0
    visit.conversation.received(messages.Members(second.id, ROOM, ["c\x1b"], False))
    assert visit.screen.shown == [r"* 3 here: ana, bob, c\x1b"]
    assert visit.lines_done == 1


def test_who_ends_even_with_a_server_that_promises_more_and_gives_nothing(visit: Visit) -> None:
    visit.talking()
    visit.conversation.line("/who")
    first = visit.last(messages.Who)
    visit.conversation.received(messages.Members(first.id, ROOM, [], True))
    assert visit.lines_done == 1


def test_help_and_empty_lines_send_nothing(visit: Visit) -> None:
    visit.talking()
    sent = len(visit.link.sent)
    visit.conversation.line("/help")
    visit.conversation.line("")
    assert len(visit.link.sent) == sent
    assert "/nick" in visit.screen.shown[0]
    assert visit.lines_done == 2


@pytest.mark.parametrize(
    "line", ["/dance", None, "x" * (TEXT_BYTES + 1), "é" * (TEXT_BYTES // 2 + 1)]
)
def test_a_line_that_cannot_be_sent_is_a_scripts_failure(visit: Visit, line: str | None) -> None:
    visit.talking()
    visit.conversation.line(line)
    assert visit.posts() == [] and visit.lines_done == 1
    assert visit.screen.notes[-1].endswith(".")
    visit.conversation.end_of_input()
    visit.ended(ExitStatus.REFUSED)


def test_the_longest_text_is_sent(visit: Visit) -> None:
    visit.talking()
    visit.conversation.line("x" * TEXT_BYTES)
    assert len(visit.posts()) == 1


def test_a_refused_line_is_a_scripts_failure_and_does_not_end_it(visit: Visit) -> None:
    visit.talking()
    visit.conversation.line("one")
    visit.conversation.line("two")
    one, two = visit.posts()
    visit.refuse(one, "Not \x1b[1mnow.")
    assert visit.screen.notes[-1] == r"Not \x1b[1mnow."
    visit.conversation.end_of_input()
    visit.ack(two)
    assert visit.lines_done == 2
    visit.ended(ExitStatus.REFUSED)


def test_a_refused_line_is_no_failure_of_a_person(terminal: Visit) -> None:
    terminal.talking()
    terminal.conversation.line("/nick bob")
    terminal.refuse(terminal.last(messages.Nick), "The nickname bob is taken.")
    terminal.conversation.line("/quit")
    terminal.ended(ExitStatus.OK)


def test_answers_nobody_asked_for_change_nothing(visit: Visit) -> None:
    visit.talking()
    for message in (
        messages.Ok(77),
        messages.Refused(77, "code", "text"),
        messages.Posted([(77, 1, 1)]),
        messages.Joined(77, ROOM, bytes(16), 1, 1),
        messages.Pong(0),
        Unknown("sung"),
    ):
        visit.conversation.received(message)
    assert visit.lines_done == 0 and visit.link.closed is None
    assert len(visit.screen.notes) == 2


# --- Ends ---


def test_no_connection_is_a_sentence_and_a_status(visit: Visit) -> None:
    visit.conversation.start()
    visit.conversation.disconnected(None, "Could not connect.")
    assert visit.screen.notes == ["Could not connect."]
    visit.ended(ExitStatus.CONNECTION)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (0, LOST),
        (1, LOST + " 1 line was not acknowledged."),
        (2, LOST + " 2 lines were not acknowledged."),
    ],
)
def test_a_lost_connection_says_what_may_be_lost_with_it(
    visit: Visit, lines: int, said: str
) -> None:
    visit.talking()
    for number in range(lines):
        visit.conversation.line(f"line {number}")
    visit.disconnected()
    assert visit.screen.notes[-1] == said
    visit.ended(ExitStatus.CONNECTION)


def test_lines_that_wait_for_the_room_count_as_well(visit: Visit) -> None:
    visit.logged_in()
    visit.conversation.line("early")
    visit.disconnected()
    assert visit.screen.notes[-1].endswith("1 line was not acknowledged.")


def test_a_server_that_stops_is_quoted(visit: Visit) -> None:
    visit.talking()
    visit.conversation.peer_closed(CloseCode.SHUTDOWN, 5)
    assert "stopping" in visit.screen.notes[-1] and "5 seconds" in visit.screen.notes[-1]
    visit.ended(ExitStatus.CONNECTION)


@pytest.mark.parametrize("stage", ["start", "connected", "logged_in", "talking"])
def test_an_interrupt_ends_it_at_once_from_anywhere(visit: Visit, stage: str) -> None:
    if stage == "connected":
        visit.conversation.start()
        visit.connected()
    elif stage == "start":
        visit.conversation.start()
    else:
        getattr(visit, stage)()
        visit.conversation.line("not waited for")
    visit.conversation.interrupt()
    visit.conversation.interrupt()
    visit.ended(ExitStatus.OK)

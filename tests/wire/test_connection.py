"""Connections: both tables cell by cell, line lengths, the ratchet, and closing."""

import gc
from collections.abc import Sequence
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from chat.limits import (
    HANDSHAKE_LINE_BYTES,
    LINE_BYTES,
    LOGIN_BYTES,
    PAYLOAD_BYTES,
    SEQ_MAX,
    Limits,
)
from chat.testing import HOST_KEY, FakeLog, Pair, split_lines
from chat.testing.ids import ANY_DEVICE, ANY_LOG, ANY_MESSAGE, ANY_RECORD
from chat.wire.connection import (
    CLIENT_TABLE,
    SERVER_TABLE,
    ClientConnection,
    Connection,
    Delivered,
    Established,
    HostKeyOffered,
    PeerClosed,
    Received,
    ServerConnection,
    State,
    Transmit,
)
from chat.wire.errors import (
    AuthenticationError,
    CloseCode,
    HandshakeError,
    LocalProtocolError,
    MalformedLineError,
    MessageError,
    RemoteProtocolError,
    UnexpectedInputError,
    VersionError,
)
from chat.wire.handshake import ClientHandshake, ServerHandshake
from chat.wire.lines import (
    CloseLine,
    FrameLine,
    HelloLine,
    Line,
    RecordLine,
    VoucherLine,
    decode_line,
    encode_frame,
    encode_hello,
    encode_record,
    encode_voucher,
)
from chat.wire.messages import (
    Close,
    Join,
    Login,
    Nick,
    Ok,
    Ping,
    Pong,
    Post,
    Unknown,
    Update,
    Welcome,
    encode,
)
from chat.wire.records import seal_record
from chat.wire.sealing import BoxKey
from tests.wire.support import (
    CLIENT_STATES,
    LOGIN,
    SERVER_STATES,
    answer,
    client_at,
    end,
    established,
    member,
    server_at,
    text,
)

SOME_LINE: Final[dict[type[Line], bytes]] = {
    HelloLine: b"encchat/1 AAAA",
    CloseLine: b"encchat/1 close 9",
    FrameLine: encode_frame(bytes(64))[:-2],
    RecordLine: encode_record(ANY_LOG, 1, bytes(84))[:-2],
    VoucherLine: encode_voucher(bytes(16))[:-2],
}
"""One well-formed line of each kind."""

OVER: Final = (State.FAILED, State.CLOSED)


# --- Every cell of the tables ---


def test_the_tables_know_only_states_that_a_role_can_be_in() -> None:
    for table, states in ((CLIENT_TABLE, CLIENT_STATES), (SERVER_TABLE, SERVER_STATES)):
        assert {state for state, _ in table} < set(states)
        assert {state for _, state in table.values()} < set(states)
        assert not {state for state, _ in table} & set(OVER)


def test_there_is_one_line_of_each_kind() -> None:
    for kind, line in SOME_LINE.items():
        assert type(decode_line(line)) is kind


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (state, kind)
        for state in CLIENT_STATES
        for kind in SOME_LINE
        if (state, kind) not in CLIENT_TABLE and state not in OVER
    ],
)
def test_a_client_fails_on_what_its_table_leaves_out(state: State, kind: type[Line]) -> None:
    refuse(client_at(state).client, SOME_LINE[kind])


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (state, kind)
        for state in SERVER_STATES
        for kind in SOME_LINE
        if (state, kind) not in SERVER_TABLE and state not in OVER
    ],
)
def test_a_server_fails_on_what_its_table_leaves_out(state: State, kind: type[Line]) -> None:
    refuse(server_at(state).server, SOME_LINE[kind])


def refuse(connection: Connection, line: bytes) -> None:
    """Check that a line is not legal now, and that all input after it is ignored."""
    with pytest.raises(UnexpectedInputError):
        connection.receive_line(line)
    assert connection.state is State.FAILED
    absorbs(connection)


def absorbs(connection: Connection) -> None:
    """Check that a closed connection ignores everything and sends nothing."""
    assert connection.is_over
    state = connection.state
    for line in (*SOME_LINE.values(), b"", b"garbage", b"\xff" * 100_000):
        assert connection.receive_line(line) == []
    assert connection.state is state


@pytest.mark.parametrize("state", OVER)
def test_a_connection_that_is_over_absorbs_input(state: State) -> None:
    absorbs(client_at(state).client)
    absorbs(server_at(state).server)
    for connection in (established().client, established().server):
        end(connection, state)
        absorbs(connection)


def test_legal_client_input_leads_where_the_table_says() -> None:
    # One line per cell: the table must not have a cell that this test does not know.
    reached = set()

    def take(pair: Pair, *lines: bytes) -> list[object]:
        client = pair.client
        for line in lines:
            cell = client.state, type(decode_line(line))
            events: list[object] = [*client.receive_line(line)]
            assert client.state is CLIENT_TABLE[cell][1]
            reached.add(cell)
        return events

    hello, auth = answer(pair := Pair())
    assert take(pair, hello) == []
    assert take(pair, auth) == [HostKeyOffered(HOST_KEY.public)]
    pair.to_server(pair.client.login(LOGIN))
    assert take(pair, *split_lines(pair.server.send(Ok(1)))) == [Received(Ok(1))]
    assert take(pair, *split_lines(pair.server.send(Ok(2)))) == [Received(Ok(2))]
    log = FakeLog()
    pair.server_sends(log.keys())
    pair.server_sends(log.joined(3))
    [record, voucher] = split_lines(pair.vouched(log.line(text())))
    assert take(pair, record) == []
    [delivered] = take(pair, voucher)
    assert isinstance(delivered, Delivered)
    assert delivered.body == text()
    for state in (State.AWAIT_HELLO, State.AWAIT_AUTH, State.AWAIT_TRUST, State.AWAIT_ANSWER):
        pair = client_at(state)
        assert take(pair, SOME_LINE[CloseLine]) == [PeerClosed(9)]
        assert pair.client.state is State.CLOSED
    assert reached == set(CLIENT_TABLE)


def test_legal_server_input_leads_where_the_table_says() -> None:
    pair = Pair()
    reached = set()

    def take(data: bytes) -> list[object]:
        [line] = split_lines(data)
        cell = pair.server.state, type(decode_line(line))
        events: list[object] = [*pair.server.receive_line(line)]
        assert pair.server.state is SERVER_TABLE[cell][1]
        reached.add(cell)
        return events

    [transmit] = take(pair.client.start())
    assert isinstance(transmit, Transmit)
    pair.to_client(transmit.data)
    [confirmed, received] = take(pair.client.login(LOGIN))
    assert isinstance(confirmed, Established)
    assert received == Received(LOGIN)
    assert take(pair.client.send(Join(2, "lobby"))) == [Received(Join(2, "lobby"))]
    assert reached == set(SERVER_TABLE)


# --- The handshake at both ends ---


def test_a_pair_says_what_happened_at_both_ends() -> None:
    pair = Pair()
    offered = pair.offer_host_key()
    assert offered == HostKeyOffered(HOST_KEY.public)
    events = pair.to_server(pair.client.login(LOGIN))
    assert pair.client.state is State.AWAIT_ANSWER
    assert pair.server_sends(Ok(1)) == [Received(Ok(1))]
    assert pair.client_events == [offered, Received(Ok(1))]
    assert pair.server_events[1:] == events
    assert pair.client.state is pair.server.state is State.ESTABLISHED


def test_a_binding_names_one_connection() -> None:
    bindings = set()
    for seed in range(5):
        established_event, _ = Pair(seed=seed).shake_hands()
        assert isinstance(established_event, Established)
        bindings.add(established_event.binding)
    assert {len(binding) for binding in bindings} == {32}
    assert len(bindings) == 5


def test_logging_in_a_pair_welcomes_the_client() -> None:
    pair = Pair()
    welcome = pair.log_in(Login(5, "bob", ANY_DEVICE, bytes(64)))
    assert isinstance(welcome, Welcome)
    assert (welcome.id, welcome.nick) == (5, "bob")
    assert pair.client_events[-1] == Received(welcome)


def test_messages_may_follow_the_login_at_once() -> None:
    pair = Pair()
    pair.offer_host_key()
    data = pair.client.login(LOGIN) + pair.client.send(Join(2, "lobby"))
    assert pair.to_server(data)[1:] == [Received(LOGIN), Received(Join(2, "lobby"))]


@pytest.mark.parametrize("state", [state for state in CLIENT_STATES if state != State.AWAIT_TRUST])
def test_there_is_a_login_only_when_a_host_key_was_offered(state: State) -> None:
    with pytest.raises(LocalProtocolError):
        client_at(state).client.login(LOGIN)


def test_a_login_that_is_too_long_can_be_made_again() -> None:
    pair = Pair()
    pair.offer_host_key()
    with pytest.raises(LocalProtocolError):
        pair.client.login(Login(1, "a" * LOGIN_BYTES, ANY_DEVICE, bytes(64)))
    assert pair.client.state is State.AWAIT_TRUST
    assert pair.to_server(pair.client.login(LOGIN))[1] == Received(LOGIN)


def test_the_longest_login_fits_a_line_of_the_handshake() -> None:
    pair = Pair()
    pair.offer_host_key()
    rest = len(encode(Login(1, "a" * 300, ANY_DEVICE, bytes(64)))) - 300
    login = Login(1, "a" * (LOGIN_BYTES - rest), ANY_DEVICE, bytes(64))
    assert len(encode(login)) == LOGIN_BYTES
    assert pair.to_server(pair.client.login(login))[1] == Received(login)


@pytest.mark.parametrize("message", [Join(2, "lobby"), Ping(1), Update(), Close(0), Ok(1)])
def test_a_client_finish_with_another_message_than_a_login_is_refused(message: Struct) -> None:
    pair, handshake = server_with_bare_client()
    box, _ = handshake.finish(encode(message))
    with pytest.raises(UnexpectedInputError):
        pair.to_server(encode_frame(box))
    assert pair.server.state is State.FAILED


def test_a_client_finish_with_garbage_is_refused() -> None:
    pair, handshake = server_with_bare_client()
    box, _ = handshake.finish(b"garbage")
    with pytest.raises(MessageError):
        pair.to_server(encode_frame(box))
    assert pair.server.alert(CloseCode.MESSAGE) == b"encchat/1 close 7\r\n"


def server_with_bare_client() -> tuple[Pair, ClientHandshake]:
    """Return a server that awaits the client finish, and a client that can put anything in it."""
    pair, handshake = Pair(), ClientHandshake()
    [transmit] = pair.to_server(encode_hello(handshake.hello))
    assert isinstance(transmit, Transmit)
    hello, auth = map(decode_line, split_lines(transmit.data))
    assert isinstance(hello, HelloLine) and isinstance(auth, FrameLine)
    handshake.take_server_hello(hello.payload)
    handshake.check_server_auth(auth.box)
    return pair, handshake


@pytest.mark.parametrize("size", [0, 1_151, 1_153, 1_247, 1_249])
def test_a_hello_of_another_length_is_malformed(size: int) -> None:
    for connection in (Pair().server, Pair().client):
        with pytest.raises(MalformedLineError):
            connection.receive_line(encode_hello(bytes(size))[:-2])
        assert connection.state is State.FAILED


def test_clocks_and_randomness_have_defaults() -> None:
    client, server = ClientConnection(Limits()), ServerConnection(HOST_KEY, Limits())
    [line] = split_lines(client.start())
    [transmit] = server.receive_line(line)
    assert isinstance(transmit, Transmit)
    for line in split_lines(transmit.data):
        events = client.receive_line(line)
    assert events == [HostKeyOffered(HOST_KEY.public)]
    [line] = split_lines(client.login(LOGIN))
    assert server.receive_line(line)[1] == Received(LOGIN)


# --- Lines ---


@pytest.mark.parametrize("line", [b"", b"GET / HTTP/1.1", b"encchat/2 AAAA", b"\x16\x03\x01"])
def test_another_version_is_named_in_the_first_line(line: bytes) -> None:
    for connection in (Pair().client, Pair().server):
        with pytest.raises(VersionError):
            connection.receive_line(line)
        assert connection.state is State.FAILED


def live(*, skip: Sequence[State] = ()) -> list[tuple[str, State]]:
    """Return role and state of every connection that reads input."""
    over = {*OVER, *skip}
    return [("client", state) for state in CLIENT_STATES if state not in over] + [
        ("server", state) for state in SERVER_STATES if state not in over
    ]


def connection_at(role: str, state: State) -> Connection:
    """Return one end of a pair in this state."""
    return client_at(state).client if role == "client" else server_at(state).server


@pytest.mark.parametrize(("role", "state"), live(skip=[State.AWAIT_HELLO]))
@pytest.mark.parametrize("line", [b"", b"GET / HTTP/1.1", b"encchat/2 AAAA", b"\xff"])
def test_a_line_of_unknown_kind_is_malformed_later(role: str, state: State, line: bytes) -> None:
    connection = connection_at(role, state)
    with pytest.raises(MalformedLineError):
        connection.receive_line(line)
    assert connection.state is State.FAILED


@pytest.mark.parametrize(("role", "state"), live())
def test_every_state_has_its_bound_of_a_line(role: str, state: State) -> None:
    keyed = state in (State.AWAIT_ANSWER, State.ESTABLISHED)
    bound = LINE_BYTES if keyed else HANDSHAKE_LINE_BYTES
    connection = connection_at(role, state)
    assert connection.line_bytes == bound
    with pytest.raises(MalformedLineError, match="too long"):
        connection.receive_line(b"F ".ljust(bound + 1, b"A"))
    assert connection.state is State.FAILED
    with pytest.raises(RemoteProtocolError) as caught:
        connection_at(role, state).receive_line(b"F ".ljust(bound, b"A"))
    assert "too long" not in str(caught.value)


@given(st.sampled_from(live()), st.binary(max_size=100))
def test_garbage_is_refused_and_ends_the_connection(where: tuple[str, State], line: bytes) -> None:
    connection = connection_at(*where)
    with pytest.raises(RemoteProtocolError):
        connection.receive_line(line)
    assert connection.state is State.FAILED


def test_the_largest_message_and_record_fit_a_line() -> None:
    pair, log = member()
    nick = Nick(1, "a" * (PAYLOAD_BYTES - len(encode(Nick(1, "a" * 300))) + 300))
    assert pair.client_sends(nick) == [Received(nick)]
    said = "a" * (PAYLOAD_BYTES - len(encode(text("a" * 300))) + 300)
    log.seq = SEQ_MAX - 1
    line = log.line(text(said))
    assert LINE_BYTES - 2 < len(line) <= LINE_BYTES + 2
    [delivered] = pair.publish(line)
    assert isinstance(delivered, Delivered)
    assert delivered.body == text(said)


def test_a_payload_beyond_the_bound_is_refused_though_its_line_fits() -> None:
    pair = established()
    sealer = pair.client._sealer
    assert sealer is not None
    payload = encode(Ping(1)).ljust(PAYLOAD_BYTES + 1, b"\0")
    with pytest.raises(MessageError, match="too long"):
        pair.to_server(encode_frame(sealer.seal(payload)))


# --- Messages ---


def test_a_ping_is_answered_with_a_pong_either_way() -> None:
    pair = established()
    [pong] = pair.client_sends(Ping(SEQ_MAX))
    assert isinstance(pong, Transmit)
    assert pair.to_client(pong.data) == [Received(Pong(SEQ_MAX))]
    [pong] = pair.server_sends(Ping(0))
    assert isinstance(pong, Transmit)
    assert pair.to_server(pong.data) == [Received(Pong(0))]


class Later(Struct, frozen=True, tag_field="type", tag="later"):
    """A message from a later version."""

    id: int
    what: str


def test_what_only_a_later_version_knows_is_handed_on() -> None:
    pair = established()
    later = Later(7, "something new")
    assert pair.to_server(pair.client.send(later)) == [Received(Unknown("later", 7))]
    assert pair.to_client(pair.server.send(later)) == [Received(Unknown("later"))]
    assert pair.client_sends(Ping(1)) != []


def test_a_message_that_is_none_ends_the_connection() -> None:
    class Broken(Struct, tag_field="type", tag="ping"):
        id: str

    for sends, receives in (("client", "server"), ("server", "client")):
        pair = established()
        ends: dict[str, Connection] = {"client": pair.client, "server": pair.server}
        [line] = split_lines(ends[sends].send(Broken("one")))
        with pytest.raises(MessageError):
            ends[receives].receive_line(line)
        assert ends[receives].state is State.FAILED


@pytest.mark.parametrize(("role", "state"), live(skip=[State.AWAIT_ANSWER, State.ESTABLISHED]))
def test_nothing_can_be_sent_before_there_are_keys(role: str, state: State) -> None:
    with pytest.raises(LocalProtocolError):
        connection_at(role, state).send(Ping(1))


@pytest.mark.parametrize("state", [State.AWAIT_HELLO, State.AWAIT_FINISH])
def test_no_records_can_be_delivered_before_there_are_keys(state: State) -> None:
    with pytest.raises(LocalProtocolError):
        server_at(state).server.deliver([(b"", bytes(64))])


def test_a_message_that_is_too_long_is_not_sent_and_costs_nothing() -> None:
    pair = established()
    with pytest.raises(LocalProtocolError):
        pair.client.send(Post(1, ANY_LOG, ANY_MESSAGE, "a" * PAYLOAD_BYTES))
    assert pair.client_sends(Join(1, "lobby")) == [Received(Join(1, "lobby"))]


@pytest.mark.parametrize("seq", [1, 40, 41])
def test_a_record_from_before_the_join_is_refused(seq: int) -> None:
    pair = established()
    log = FakeLog(seq=41)
    pair.server_sends(log.keys())
    pair.server_sends(log.joined(2))
    log.seq = seq - 1
    with pytest.raises(UnexpectedInputError, match="order"):
        pair.publish(log.line(text()))


# --- The ratchet ---


def frames(pair: Pair, number: int) -> list[int]:
    """Make the client send a number of messages; return how many lines each took."""
    counts = []
    for _ in range(number):
        data = pair.client.send(Pong(1))
        counts.append(len(split_lines(data)))
        assert pair.to_server(data) == [Received(Pong(1))]
    return counts


def test_a_generation_ends_with_its_last_frame() -> None:
    pair = established(Limits(frames_per_generation=4))
    assert frames(pair, 10) == [1, 1, 1, 2, 1, 1, 2, 1, 1, 2]


def test_a_generation_ends_before_it_has_too_many_bytes() -> None:
    size = len(encode(Pong(1)))
    pair = established(Limits(bytes_per_generation=1_000))
    per_generation = 1_000 // size
    counts = frames(pair, 3 * per_generation)
    assert [place for place, count in enumerate(counts) if count == 2] == [
        per_generation,
        2 * per_generation,
    ]


def test_a_generation_ends_after_an_hour() -> None:
    pair = established()
    pair.clock.advance(3_600)
    assert frames(pair, 2) == [1, 1]
    pair.clock.advance(1)
    assert frames(pair, 2) == [2, 1]
    pair.clock.advance(3_600)
    assert frames(pair, 1) == [1]
    pair.clock.advance(1)
    assert frames(pair, 1) == [2]


def test_both_directions_step_for_themselves() -> None:
    pair = established()
    pair.clock.advance(4_000)
    assert pair.client_sends(Pong(1)) == [Received(Pong(1))]
    assert pair.server_sends(Ok(1)) == [Received(Ok(1))]
    assert frames(pair, 1) == [1]
    assert len(split_lines(pair.server.send(Ok(2)))) == 1


def test_records_go_on_in_the_next_generation() -> None:
    pair, log = member(Limits(frames_per_generation=5))
    for count in range(20):
        [delivered] = pair.publish(log.line(text(str(count))))
        assert isinstance(delivered, Delivered)
        assert delivered.body == text(str(count))
        assert pair.server_sends(Ok(count + 1)) == [Received(Ok(count + 1))]


def test_a_server_that_only_publishes_ends_its_generations_too() -> None:
    pair, log = member()
    pair.clock.advance(3_600)
    assert len(split_lines(pair.vouched(log.line(text("dropped"))))) == 2
    pair, log = member()
    pair.clock.advance(3_601)
    data = pair.vouched(log.line(text()))
    update, _, _ = map(decode_line, split_lines(data))
    assert isinstance(update, FrameLine)
    [delivered] = pair.to_client(data)
    assert isinstance(delivered, Delivered)
    assert pair.server_sends(Ok(3)) == [Received(Ok(3))]


def test_a_receiver_refuses_a_generation_with_too_many_frames() -> None:
    pair = Pair(limits=Limits(frames_per_generation=3), client_limits=Limits())
    pair.shake_hands()
    pair.client_sends(Pong(0))
    pair.client_sends(Pong(1))
    with pytest.raises(UnexpectedInputError, match="too many frames"):
        pair.client_sends(Pong(2))
    assert pair.server.state is State.FAILED


def test_a_client_refuses_a_generation_with_too_many_frames_as_well() -> None:
    pair = Pair(limits=Limits(), client_limits=Limits(frames_per_generation=3))
    pair.shake_hands()
    pair.server_sends(Ok(1))
    pair.server_sends(Ok(2))
    with pytest.raises(UnexpectedInputError, match="too many frames"):
        pair.server_sends(Ok(3))


def test_an_update_may_take_the_last_place() -> None:
    pair = Pair(limits=Limits(frames_per_generation=3))
    pair.shake_hands()
    assert frames(pair, 2) == [1, 1]
    assert pair.client_sends(Pong(2)) == [Received(Pong(2))]


def test_the_last_generation_is_not_left_by_either_side() -> None:
    pair = established()
    sealer, opener = pair.client._sealer, pair.server._opener
    assert sealer is not None
    sealer.generation = opener.generation = 2**32 - 1
    assert pair.client_sends(Pong(1)) == [Received(Pong(1))]
    with pytest.raises(UnexpectedInputError, match="used up"):
        pair.to_server(encode_frame(sealer.seal(encode(Update()))))
    pair.clock.advance(4_000)
    with pytest.raises(LocalProtocolError):
        pair.client.send(Pong(2))
    assert pair.client.alert(CloseCode.INTERNAL) == b""
    assert pair.client.state is State.CLOSED


# --- Closing ---


@pytest.mark.parametrize("state", [State.AWAIT_HELLO, State.AWAIT_FINISH, State.FAILED])
@pytest.mark.parametrize("code", CloseCode)
def test_a_server_closes_in_clear_before_there_are_keys(state: State, code: CloseCode) -> None:
    pair = server_at(state)
    data = pair.server.alert(code)
    assert data == b"encchat/1 close %d\r\n" % code
    assert pair.server.state is State.CLOSED
    assert Pair().to_client(data) == [PeerClosed(code)]


@pytest.mark.parametrize(
    "state", [State.AWAIT_HELLO, State.AWAIT_AUTH, State.AWAIT_TRUST, State.FAILED]
)
def test_a_client_closes_without_a_word_before_there_are_keys(state: State) -> None:
    client = client_at(state).client
    assert client.alert(CloseCode.AUTHENTICATION) == b""
    assert client.state is State.CLOSED


@pytest.mark.parametrize("state", [State.AWAIT_ANSWER, State.ESTABLISHED])
@pytest.mark.parametrize("retry_after", [None, 0, 5])
def test_a_client_closes_with_a_frame(state: State, retry_after: int | None) -> None:
    pair = client_at(state)
    data = pair.client.alert(CloseCode.NORMAL, retry_after)
    assert pair.client.state is State.CLOSED
    assert pair.to_server(data) == [PeerClosed(0, retry_after)]
    assert pair.server.state is State.CLOSED


@pytest.mark.parametrize("state", [State.AWAIT_ANSWER, State.ESTABLISHED])
@pytest.mark.parametrize("retry_after", [None, 0, 5])
def test_a_server_closes_with_a_frame(state: State, retry_after: int | None) -> None:
    pair = client_at(state)
    data = pair.server.alert(CloseCode.SHUTDOWN, retry_after)
    assert pair.server.state is State.CLOSED
    assert pair.to_client(data) == [PeerClosed(1, retry_after)]
    assert pair.client.state is State.CLOSED


def test_after_a_failure_a_close_is_still_sealed() -> None:
    pair = established()
    end(pair.server, State.FAILED)
    assert pair.to_client(pair.server.alert(CloseCode.MALFORMED)) == [PeerClosed(3)]
    pair = established()
    end(pair.client, State.FAILED)
    assert pair.to_server(pair.client.alert(CloseCode.MALFORMED)) == [PeerClosed(3)]


def test_a_failed_handshake_is_told_in_clear() -> None:
    pair = Pair()
    with pytest.raises(HandshakeError) as caught:
        pair.to_server(encode_hello(bytes(1_248)))
    assert pair.to_client(pair.server.alert(caught.value.code)) == [PeerClosed(5)]


def test_a_wrong_finish_is_told_in_clear() -> None:
    pair = server_at(State.AWAIT_FINISH)
    with pytest.raises(AuthenticationError) as caught:
        pair.to_server(encode_frame(bytes(160)))
    assert pair.server.alert(caught.value.code) == b"encchat/1 close 6\r\n"


def test_nobody_closes_twice() -> None:
    for connection in (client_at(State.CLOSED).client, server_at(State.CLOSED).server):
        assert connection.alert(CloseCode.NORMAL) == b""
    pair = established()
    pair.to_server(pair.client.alert(CloseCode.NORMAL))
    assert pair.server.alert(CloseCode.NORMAL) == b""
    pair = Pair()
    pair.to_client(b"encchat/1 close 9\r\n")
    assert pair.client.alert(CloseCode.NORMAL) == b""


def test_a_close_in_clear_may_have_a_code_of_a_later_version() -> None:
    assert Pair().to_client(b"encchat/1 close 99\r\n") == [PeerClosed(99)]


def test_a_close_may_have_a_code_of_a_later_version() -> None:
    pair = established()
    assert pair.server_sends(Close(99)) == [PeerClosed(99)]


def test_what_follows_a_close_is_not_read() -> None:
    pair = established()
    data = pair.server.send(Close(0)) + pair.server.send(Ok(1))
    assert pair.to_client(data) == [PeerClosed(0)]


def test_a_close_in_clear_is_refused_after_the_first_frame() -> None:
    refuse(established().client, SOME_LINE[CloseLine])


@pytest.mark.parametrize("message", [Close(0), Update(), Ping(1), Ok(1)])
def test_nothing_comes_between_records_and_their_voucher(message: Struct) -> None:
    pair, log = member()
    assert pair.to_client(log.line(text())) == []
    with pytest.raises(UnexpectedInputError):
        pair.to_client(pair.server.send(message))
    assert not any(isinstance(event, Delivered) for event in pair.client_events)


def test_a_record_that_was_sealed_with_an_unknown_key_ends_the_connection() -> None:
    pair, log = member()
    record = seal_record(BoxKey(log.key), log.log, 2, ANY_RECORD, encode(text()))
    with pytest.raises(UnexpectedInputError):
        pair.publish(encode_record(log.log, 1, record))
    assert pair.client.state is State.FAILED


def test_the_secrets_of_the_handshake_are_gone_when_it_is_complete() -> None:
    """docs/protocol.md 4.4: all other secrets of the handshake are erased."""
    pair = Pair()
    pair.log_in()
    for side in (pair.client, pair.server):
        assert side.state is State.ESTABLISHED
        assert not [
            it for it in reachable(side) if isinstance(it, ClientHandshake | ServerHandshake)
        ]


def reachable(start: object) -> list[object]:
    """Return all objects of this project that are reachable from an object."""
    found: dict[int, object] = {}
    waiting = [start]
    while waiting:
        it = waiting.pop()
        if id(it) not in found and type(it).__module__.startswith("chat."):
            found[id(it)] = it
            waiting += gc.get_referents(it)
        elif isinstance(it, dict | list | tuple):
            waiting += gc.get_referents(it) if id(it) not in found else []
            found[id(it)] = it
    return list(found.values())

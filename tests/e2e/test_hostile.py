"""Hostile input over real sockets: one close, one line in the log, nobody else is affected."""

import unicodedata
from typing import Final

import msgspec
import pytest
import pytest_twisted
from twisted.logger import eventAsJSON, eventAsText, formatEvent

from chat.ids import DeviceKey
from chat.limits import LOGIN_BYTES, PAYLOAD_BYTES
from chat.wire.connection import PeerClosed, Received
from chat.wire.errors import CloseCode
from chat.wire.lines import encode_frame
from chat.wire.messages import Join, Login, Nick, Refused, Welcome, encode
from tests.e2e.attacks import ATTACKS, Attack, Scene, frame_with, frames_of, nested
from tests.e2e.checks import (
    check_bystander,
    check_close,
    check_fields,
    check_log,
    run_attack,
    stage_scene,
)
from tests.e2e.support import Log, Server, Stage, eventually, login_of

every_stage = pytest.mark.parametrize("stage", Stage, ids=lambda stage: stage.name.lower())

EVIL: Final = "\x1b[2J\x1b]0;owned\x07\r\n\x00\u202e\u2066\x9b31m\x7f"
"""Characters that act on a terminal, or end a line of a log."""


@every_stage
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
@pytest_twisted.ensureDeferred
async def test_an_attack_costs_its_own_connection_and_nothing_else(
    server: Server, log: Log, attack: Attack, stage: Stage
) -> None:
    server.alice.forget()
    server.bob.forget()
    await run_attack(server, log, attack, stage)
    await server.chat()
    events = [event for event in log.events if not event["log_format"].startswith("login ")]
    assert len(events) == 2, "more than a line for the attacker and one for the accomplice"
    check_bystander(server.alice, stage)
    check_bystander(server.bob, stage)


@every_stage
@pytest_twisted.ensureDeferred
async def test_what_follows_an_attack_is_not_looked_at(
    server: Server, log: Log, stage: Stage
) -> None:
    server.alice.forget()
    size = server.size()
    scene = await stage_scene(server, stage)
    peer, read = scene.peer, len(scene.peer.lines)
    frames = [] if stage is Stage.FRESH else frames_of(peer, stage)
    peer.write(b"".join([b"F\r\n", peer.hello, *frames, b"F\r\n" * 1_000]))
    await peer.end()
    check_close(peer, stage, CloseCode.MALFORMED, read)
    check_log(log, server.number(peer), CloseCode.MALFORMED)
    await server.done_with(peer)
    await scene.accomplice.leave()
    await server.settle(size)
    await server.chat()
    check_bystander(server.alice, stage)


@every_stage
@pytest.mark.parametrize("is_half", [False, True], ids=["close", "half-close"])
@pytest_twisted.ensureDeferred
async def test_a_line_that_breaks_off_leaves_one_line_in_the_log(
    server: Server, log: Log, stage: Stage, is_half: bool
) -> None:
    size = server.size()
    scene = await stage_scene(server, stage)
    peer, number, read = scene.peer, server.number(scene.peer), len(scene.peer.raw)
    line = peer.hello if stage is Stage.FRESH else frames_of(peer, stage)[0]
    peer.write(line[: len(line) // 2])
    if is_half:
        peer.transport.loseWriteConnection()
        await peer.end()
    else:
        await peer.leave()
    await server.done_with(peer)
    await scene.accomplice.leave()
    await server.settle(size)
    assert len(peer.raw) == read
    [event] = log.of_session(number)
    assert formatEvent(event).startswith(f"gone session={number} address=127.0.0.1")
    check_fields(event, {"session", "address"} | ({"account"} & set(event)))
    await server.chat()


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (encode(Join(1, "lobby")), CloseCode.UNEXPECTED),
        (msgspec.msgpack.encode({"type": "future", "id": 1}), CloseCode.UNEXPECTED),
        (
            encode(Login(1, "x", DeviceKey(bytes(32)), bytes(64))).ljust(LOGIN_BYTES + 1, b"\xc0"),
            CloseCode.MALFORMED,
        ),
    ],
    ids=["a join", "something unknown", "too long by one"],
)
@pytest_twisted.ensureDeferred
async def test_a_finish_without_a_login_ends_the_connection(
    server: Server, log: Log, payload: bytes, code: CloseCode
) -> None:
    size = server.size()
    peer = await server.peer("mallory", Stage.GREETED)
    read = len(peer.lines)
    peer.write(frame_with(Scene(Stage.GREETED, peer, peer), payload))
    await peer.end()
    check_close(peer, Stage.GREETED, code, read)
    check_log(log, server.number(peer), code)
    await server.settle(size)


@pytest_twisted.ensureDeferred
async def test_a_finish_that_comes_twice_ends_the_session_it_began(
    server: Server, log: Log
) -> None:
    size = server.size()
    peer = await server.peer("mallory", Stage.GREETED)
    read = len(peer.lines)
    peer.write(peer.connection.login(login_of(peer.connection, "mallory")) * 2)
    await peer.end()
    assert peer.count(Welcome) == 1
    check_close(peer, Stage.LOGGED_IN, CloseCode.AUTHENTICATION, read + 1)
    check_log(log, server.number(peer), CloseCode.AUTHENTICATION)
    await server.settle(size)


@pytest_twisted.ensureDeferred
async def test_a_recorded_connection_cannot_be_played_again(server: Server, log: Log) -> None:
    size = server.size()
    victim = await server.peer("victim", Stage.GREETED)
    recorded = victim.hello + victim.connection.login(login_of(victim.connection, "victim"))
    recorded += victim.connection.send(Join(2, "lobby"))
    victim.write(recorded[len(victim.hello) :])
    await victim.leave()
    peer = await server.peer("mallory", Stage.FRESH)
    peer.write(recorded)
    await peer.end()
    check_close(peer, Stage.FRESH, CloseCode.AUTHENTICATION, 2)
    check_log(log, server.number(peer), CloseCode.AUTHENTICATION)
    await server.settle(size)


@pytest_twisted.ensureDeferred
async def test_containers_inside_an_unknown_message_are_skipped_or_refused(
    server: Server, log: Log
) -> None:
    # How deep MessagePack may go before it is refused depends on the version of Python.
    size = server.size()
    peer = await server.peer("mallory", Stage.JOINED)
    bomb = b"\x82\xa4type\xa6future\xa4bomb" + nested(b"\x91", PAYLOAD_BYTES - 32)
    peer.write(frame_with(Scene(Stage.JOINED, peer, peer), bomb))
    peer.write(encode_frame(bytes(64)))
    await peer.end()
    assert peer.events[-1] in (
        PeerClosed(CloseCode.MESSAGE),
        PeerClosed(CloseCode.AUTHENTICATION),
    )
    await server.settle(size)
    await server.chat()


@pytest.mark.parametrize("character", "\x1b\x07\r\n\0\u202e\u2066\x9b\x7f\u200b ", ids=ascii)
@pytest_twisted.ensureDeferred
async def test_a_nickname_with_a_character_that_acts_is_refused(
    server: Server, log: Log, character: str
) -> None:
    nick = f"mal{character}lory"
    peer = await server.peer("mallory", Stage.GREETED)
    login = login_of(peer.connection, nick)
    peer.write(peer.connection.login(login))
    peer.write(peer.connection.send(login_of(peer.connection, "mallory", 2)))
    peer.write(peer.connection.send(Nick(3, nick)))
    await eventually(lambda: peer.count(Refused) == 2)
    refusals = [
        event.message
        for event in peer.events
        if isinstance(event, Received) and isinstance(event.message, Refused)
    ]
    assert [(it.id, it.code) for it in refusals] == [(1, "nick_invalid"), (3, "nick_invalid")]
    assert all(it.text.isprintable() for it in refusals)
    await peer.leave()
    assert all(eventAsJSON(event).isprintable() for event in log.events)


@pytest_twisted.ensureDeferred
async def test_no_text_reaches_the_log_and_a_name_only_its_logins(server: Server, log: Log) -> None:
    nick = unicodedata.normalize("NFC", "Ζωή\u0301-мир")
    peer = await server.peer(nick, Stage.JOINED)
    await peer.say(EVIL)
    await server.alice.hear(nick, EVIL)
    await peer.leave()
    await eventually(lambda: log.of_session(server.number(peer)) != [])
    for event in log.events:
        line, everything = eventAsText(event), eventAsJSON(event)
        assert line.isprintable() and everything.isprintable() and "owned" not in everything
        assert line.count(f'nick="{nick}" ') == ("login session=" in line)
        assert line.replace(nick, "").isascii()

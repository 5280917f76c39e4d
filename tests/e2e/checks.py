"""What must be true of a connection that turned hostile: what its peer reads, what is logged."""

import re
from typing import Final

from twisted.internet.error import ConnectionDone
from twisted.logger import LogEvent, eventAsJSON, formatEvent

from chat.wire.connection import Delivered, PeerClosed
from chat.wire.errors import CloseCode
from chat.wire.messages import Body, JoinedBody, LeftBody, TextBody
from tests.e2e.attacks import Attack, Scene
from tests.e2e.support import PLAINTEXT, Log, Peer, Server, Stage

REASON: Final = re.compile(r"[A-Za-z0-9_ -]{1,60}")
"""What a reason in the log may look like: none has a part of the input in it."""


async def stage_scene(server: Server, stage: Stage) -> Scene:
    """Return a peer and an accomplice, who have come as far as `stage`."""
    ahead = Stage.GREETED if stage is Stage.FRESH else stage
    # Who is a member is so from the first moment on, so those who join are always the same two.
    place = "" if stage is Stage.JOINED else "-outside"
    accomplice = await server.peer("eve" + place, ahead)
    peer = await server.peer("mallory" + place, stage)
    if stage is Stage.JOINED:
        await peer.say(PLAINTEXT)
    return Scene(stage, peer, accomplice)


async def run_attack(server: Server, log: Log, attack: Attack, stage: Stage) -> None:
    """Attack, and check what the attacker reads, what is logged, and what stays behind."""
    size = server.size()
    scene = await stage_scene(server, stage)
    peer = scene.peer
    number, read = server.number(peer), len(peer.lines)
    peer.write(attack.write(scene))
    await peer.end()
    check_close(peer, stage, attack.code(stage), read + attack.answers(stage))
    await server.done_with(peer)
    await scene.accomplice.leave()
    await server.settle(size)
    check_log(log, number, attack.code(stage))


def check_close(peer: Peer, stage: Stage, code: CloseCode, read: int | None = None) -> None:
    """Check that the last that a peer read is why it was closed; after `read` lines, if given."""
    assert peer.reason is not None
    assert peer.reason.check(ConnectionDone), "cut off, not closed"
    *lines, rest = bytes(peer.raw).split(b"\r\n")
    assert rest == b""
    assert read is None or len(lines) == read + 1
    if stage.is_sealed:
        assert peer.lines == lines
        assert peer.events[-1] == PeerClosed(code)
        assert peer.error is None
    else:
        assert lines[-1] == b"encchat/1 close %d" % code


def check_log(log: Log, number: int, code: CloseCode) -> None:
    """Check that one line tells of a session, why it was closed, and nothing secret."""
    [event] = log.of_session(number)
    line = formatEvent(event)
    assert line.startswith(f"closed session={number} address=127.0.0.1 ")
    assert event["cause"] == code.name and REASON.fullmatch(event["reason"].strip('"'))
    check_fields(event, {"session", "address", "cause", "reason"} | ({"account"} & set(event)))


def check_fields(event: LogEvent, fields: set[str]) -> None:
    """Check that nothing is in an event but a few printable fields, whoever stores it as a
    whole."""
    assert {key for key in event if not key.startswith("log_")} == fields
    everything = eventAsJSON(event)
    assert everything.isprintable() and everything.isascii() and len(everything) < 1_000


def check_bystander(peer: Peer, stage: Stage) -> None:
    """Check that all that somebody else has heard of an attack is who came, spoke and left."""
    bodies = [event.body for event in peer.events if isinstance(event, Delivered)]
    heard: list[tuple[type[Body], str]] = [
        (type(body), body.nick)
        for body in bodies
        if isinstance(body, TextBody | JoinedBody | LeftBody)
        and body.nick.startswith(("eve", "mallory"))
    ]
    if stage is not Stage.JOINED:
        assert heard == []
        return
    assert heard == [
        (JoinedBody, "eve"),
        (JoinedBody, "mallory"),
        (TextBody, "mallory"),
        (LeftBody, "mallory"),
        (LeftBody, "eve"),
    ]

"""The catalogue of hostile input: what a peer writes at each stage, and what it is told for it."""

import hmac
from binascii import a2b_base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

import msgspec

from chat.ids import LogId
from chat.limits import BOX_BYTES, LINE_BYTES, PAYLOAD_BYTES
from chat.wire.errors import CloseCode
from chat.wire.handshake import CLIENT_HELLO_BYTES, SERVER_HELLO_BYTES
from chat.wire.lines import encode_frame, encode_hello, encode_record, encode_voucher
from chat.wire.messages import Join, Pong
from chat.wire.sealing import seal
from tests.e2e.support import Peer, Stage, login_of

VERSION: Final = CloseCode.VERSION
MALFORMED: Final = CloseCode.MALFORMED
UNEXPECTED: Final = CloseCode.UNEXPECTED
HANDSHAKE: Final = CloseCode.HANDSHAKE
AUTHENTICATION: Final = CloseCode.AUTHENTICATION
MESSAGE: Final = CloseCode.MESSAGE

CRLF: Final = b"\r\n"
LOG: Final = b"A" * 22 + b"=="


@dataclass(frozen=True)
class Scene:
    """Who is there when an attack begins."""

    stage: Stage
    peer: Peer
    accomplice: Peer
    """Another session, at the same stage. Where the peer is only just connected, the accomplice
    has been greeted, so that there is something to take over."""


@dataclass(frozen=True)
class Attack:
    """Something to write, and the code it is answered with at each stage."""

    name: str
    write: Callable[[Scene], bytes]
    fresh: CloseCode
    greeted: CloseCode
    later: CloseCode
    fresh_answers: int = 0
    """Lines that the server writes before the close, at the first stage."""

    def code(self, stage: Stage) -> CloseCode:
        """Return the code to expect."""
        return {Stage.FRESH: self.fresh, Stage.GREETED: self.greeted}.get(stage, self.later)

    def answers(self, stage: Stage) -> int:
        """Return how many lines to expect before the close."""
        return self.fresh_answers if stage is Stage.FRESH else 0


def noise(size: int, seed: int = 0) -> bytes:
    """Return random bytes, the same in every run, without any CR or LF."""
    return Random(seed).randbytes(size).translate(bytes.maketrans(CRLF, b"zz"))


TLS_HELLO: Final = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + noise(506)
"""What a TLS client says first. It ends no line."""


def bound(scene: Scene) -> int:
    """Return the longest line that the server takes at this stage."""
    return LINE_BYTES if scene.stage.is_sealed else scene.peer.connection.line_bytes


def honest_frames(scene: Scene) -> list[bytes]:
    """Return the next three frame lines that the peer would send if it were honest.

    Before the server's hello there are none; those of the accomplice have to do.
    """
    return frames_of(scene.accomplice if scene.stage is Stage.FRESH else scene.peer, scene.stage)


def frames_of(peer: Peer, stage: Stage) -> list[bytes]:
    """Return the next three frame lines of a peer: the first may be the client finish."""
    connection = peer.connection
    if stage.is_sealed:
        return [connection.send(Pong(number)) for number in range(3)]
    return [
        connection.login(login_of(connection, peer.nick)),
        connection.send(Join(2, "lobby")),
        connection.send(Pong(0)),
    ]


def frame_with(scene: Scene, payload: bytes) -> bytes:
    """Return a good frame around any payload."""
    connection = (scene.accomplice if scene.stage is Stage.FRESH else scene.peer).connection
    if scene.stage.is_sealed:
        assert connection._sealer is not None
        return encode_frame(connection._sealer.seal(payload))
    # As `ClientHandshake.finish` does it, but for the bound.
    assert connection._handshake is not None
    keys, t2 = connection._handshake._keys, connection._handshake._t2
    finished = hmac.digest(keys.client_finished, t2, "sha512")
    return encode_frame(seal(keys.client, finished + payload, b"encchat/1 CF"))


def flipped(line: bytes, index: int, bit: int) -> bytes:
    """Return a line with one bit of one character changed."""
    return line[:index] + bytes([line[index] ^ 1 << bit]) + line[index + 1 :]


def flip_token(scene: Scene) -> bytes:
    """Change one bit of the first character of what should come next."""
    is_fresh = scene.stage is Stage.FRESH
    return flipped(scene.peer.hello if is_fresh else honest_frames(scene)[0], 0, 3)


def flip_box(index: int) -> Callable[[Scene], bytes]:
    """Return a function that changes one bit of a good box; the line stays well formed."""

    def write(scene: Scene) -> bytes:
        box = bytearray(a2b_base64(honest_frames(scene)[0][2:-2]))
        box[index] ^= 0x10
        return encode_frame(bytes(box))

    return write


def always(data: bytes) -> Callable[[Scene], bytes]:
    """Return a function that writes the same everywhere."""
    return lambda scene: data


def any_line(name: str, data: bytes) -> Attack:
    """Return an attack with lines that have nothing to do with the protocol."""
    return Attack(name, always(data), VERSION, MALFORMED, MALFORMED)


def malformed(name: str, write: Callable[[Scene], bytes]) -> Attack:
    """Return an attack that is malformed wherever it comes."""
    return Attack(name, write, MALFORMED, MALFORMED, MALFORMED)


def misplaced(name: str, data: bytes) -> Attack:
    """Return an attack with a good line that no client may send at any stage."""
    return Attack(name, always(data), UNEXPECTED, UNEXPECTED, UNEXPECTED)


def bad_message(name: str, payload: bytes) -> Attack:
    """Return an attack with a good frame around what is no message."""
    return Attack(name, lambda scene: frame_with(scene, payload), UNEXPECTED, MESSAGE, MESSAGE)


def long_message(name: str, payload: bytes) -> Attack:
    """Return a bad message that fits no line before the handshake is complete."""
    return Attack(name, lambda scene: frame_with(scene, payload), MALFORMED, MALFORMED, MESSAGE)


def replay(scene: Scene) -> bytes:
    """Send once more what was sent before: a whole handshake, the hello, a frame."""
    if scene.stage is Stage.FRESH:
        return scene.accomplice.hello + honest_frames(scene)[0]
    if scene.stage is Stage.GREETED:
        return scene.peer.hello
    first, *_ = honest_frames(scene)
    return first + first


def reorder(scene: Scene) -> bytes:
    """Send what should come second first."""
    first, second, _ = honest_frames(scene)
    if scene.stage is Stage.FRESH:
        return first + scene.accomplice.hello
    return second + first


def drop(scene: Scene) -> bytes:
    """Leave out what should come first."""
    first, second, _ = honest_frames(scene)
    return first if scene.stage is Stage.FRESH else second


def reflect(scene: Scene) -> bytes:
    """Send back to the server what it sent: its hello, or its last frame."""
    if scene.stage is Stage.FRESH:
        return scene.accomplice.lines[0] + CRLF
    frames = [line for line in scene.peer.lines if line.startswith(b"F ")]
    return frames[-1] + CRLF


def splice(scene: Scene) -> bytes:
    """Send what is right for this place, but belongs to another session."""
    frame, *_ = frames_of(scene.accomplice, scene.stage)
    return scene.peer.hello + frame if scene.stage is Stage.FRESH else frame


def hello_again(scene: Scene) -> bytes:
    """Say hello more often than once."""
    return scene.peer.hello * (2 if scene.stage is Stage.FRESH else 1)


def hello_with(payload: bytes) -> Callable[[Scene], bytes]:
    """Return a function that writes a hello line around any payload."""
    return always(encode_hello(payload))


def nested(opening: bytes, depth: int) -> bytes:
    """Return MessagePack that opens one container after another."""
    return opening * depth + b"\xc0"


def _lines() -> Iterator[Attack]:
    """Yield lines of other protocols, and of none."""
    yield any_line("noise", noise(300) + CRLF)
    yield any_line("not ASCII", "grüße, мир".encode() + CRLF)
    yield any_line("NULs", bytes(100) + CRLF)
    yield any_line("escape sequences", b"\x1b]0;title\x07\x1b[2J\x1b[31m" + CRLF)
    yield any_line("TLS and an end of line", TLS_HELLO + CRLF)
    yield any_line("HTTP", b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n")
    yield any_line("SSH", b"SSH-2.0-OpenSSH_9.9\r\n")
    yield any_line("empty lines", CRLF * 5)
    yield any_line("blanks", b" " * 20 + CRLF)
    yield any_line("bare CRs and LFs", b"\r\r\n\n\r\r\n")
    yield any_line("another version", b"encchat/2 " + encode_hello(bytes(1_248))[10:])
    yield any_line("another version's close", b"encchat/2 close 0\r\n")
    yield any_line("another spelling", b"Encchat/1 QUJD\r\n")
    yield Attack(
        "the longest line", lambda it: b"A" * bound(it) + CRLF, VERSION, MALFORMED, MALFORMED
    )
    yield malformed("a line too long by one", lambda it: b"A" * (bound(it) + 1) + CRLF)
    yield malformed("an unended line too long by one", lambda it: b"A" * (bound(it) + 2))
    yield malformed("an unended frame too long by one", lambda it: b"F " + b"A" * bound(it))
    yield malformed("a line of 1 MiB", always(b"A" * 2**20 + CRLF))
    yield malformed("an unended line of 1 MiB", always(b"A" * 2**20))
    yield malformed("hello with NULs", always(b"encchat/1 " + bytes(100) + CRLF))
    yield malformed("a hello without payload", always(b"encchat/1\r\n"))
    yield malformed("a frame without a box", always(b"F\r\n"))
    yield malformed("a record without a record", always(b"R QUJD 1\r\n"))
    yield malformed("two blanks", always(b"F  QUJD\r\n"))
    yield malformed("a blank at the end", always(b"F QUJD \r\n"))
    yield any_line("a tab", b"F\tQUJD\r\n")
    yield malformed("not base64", always(b"F QU*D\r\n"))
    yield malformed("base64 without padding", always(b"F QUI\r\n"))
    yield malformed("base64 with stray bits", always(b"F QUJ=\r\n"))
    yield malformed("base64 that goes on", always(b"F QUI=QUI=\r\n"))
    yield malformed("a close with words", always(b"encchat/1 close please\r\n"))
    yield malformed("a record's number too large", always(b"R %s %d QUJD\r\n" % (LOG, 2**63)))
    yield misplaced("a record", encode_record(LogId(bytes(16)), 1, noise(84)))
    yield misplaced("a voucher", encode_voucher(noise(16)))
    yield misplaced("a close in clear", b"encchat/1 close 0\r\n")


def _hellos() -> Iterator[Attack]:
    """Yield hellos that are wrong, or in the wrong place."""
    for size in (0, CLIENT_HELLO_BYTES - 1, CLIENT_HELLO_BYTES + 1, SERVER_HELLO_BYTES):
        yield Attack(
            f"a hello of {size} bytes", hello_with(noise(size)), MALFORMED, UNEXPECTED, UNEXPECTED
        )
    yield Attack(
        "an ML-KEM key out of range",
        hello_with(noise(64) + b"\xff" * 1_184),
        HANDSHAKE,
        UNEXPECTED,
        UNEXPECTED,
    )
    yield Attack(
        "an X25519 point of low order",
        lambda it: encode_hello(bytes(64) + a2b_base64(it.accomplice.hello[10:-2])[64:]),
        HANDSHAKE,
        UNEXPECTED,
        UNEXPECTED,
    )
    yield Attack("hello again", hello_again, UNEXPECTED, UNEXPECTED, UNEXPECTED, fresh_answers=2)


def _frames() -> Iterator[Attack]:
    """Yield frames that do not open."""
    for size, code in ((48, MALFORMED), (63, MALFORMED), (65, MALFORMED), (64, AUTHENTICATION)):
        box = encode_frame(noise(size))
        yield Attack(f"a box of {size} bytes", always(box), UNEXPECTED, code, code)
    largest = encode_frame(noise(BOX_BYTES))
    yield Attack("the largest box", always(largest), MALFORMED, MALFORMED, AUTHENTICATION)
    yield Attack("a replay", replay, AUTHENTICATION, UNEXPECTED, AUTHENTICATION, fresh_answers=2)
    yield Attack("another order", reorder, UNEXPECTED, AUTHENTICATION, AUTHENTICATION)
    yield Attack("a gap", drop, UNEXPECTED, AUTHENTICATION, AUTHENTICATION)
    yield Attack("a reflection", reflect, MALFORMED, AUTHENTICATION, AUTHENTICATION)
    yield Attack(
        "a splice", splice, AUTHENTICATION, AUTHENTICATION, AUTHENTICATION, fresh_answers=2
    )
    yield Attack("a bit flipped in the first token", flip_token, VERSION, MALFORMED, MALFORMED)
    yield malformed("a bit flipped in the base64", lambda it: flipped(honest_frames(it)[0], 40, 7))
    for index, where in ((0, "IV"), (20, "ciphertext"), (-32, "tag"), (-1, "last byte")):
        name = f"a bit flipped in the {where}"
        yield Attack(name, flip_box(index), UNEXPECTED, AUTHENTICATION, AUTHENTICATION)


def _messages() -> Iterator[Attack]:
    """Yield good frames around bad messages."""
    pack = msgspec.msgpack.encode
    post = {"type": "post", "id": 9, "room": "lobby", "message": bytes(16), "text": "hello"}
    yield bad_message("nothing", b"")
    yield bad_message("no MessagePack", b"\xc1")
    yield bad_message("noise in a frame", noise(400))
    yield bad_message("an array", pack(["type", "ping"]))
    yield bad_message("a text", pack("login"))
    yield bad_message("no type", pack({"id": 1}))
    yield bad_message("a type that is no text", pack({"type": 7, "id": 1}))
    yield bad_message("a login without a nickname", pack({"type": "login", "id": 1}))
    yield bad_message("a number for a nickname", pack({"type": "login", "id": 1, "nick": 7}))
    yield bad_message(
        "a nickname that is not UTF-8", b"\x83\xa4type\xa5login\xa2id\x01\xa4nick\xa2\xff\xfe"
    )
    yield bad_message("an id of zero", pack(post | {"id": 0}))
    yield bad_message("an id that is too large", pack(post | {"id": 2**32}))
    yield bad_message("a negative id", pack(post | {"id": -1}))
    yield bad_message("a short message id", pack(post | {"message": bytes(15)}))
    yield bad_message("a message cut short", pack(post)[:-1])
    yield bad_message("something behind a message", pack(post) + b"\xc0")
    yield bad_message("arrays in arrays", nested(b"\x91", 900))
    yield bad_message("maps in maps", nested(b"\x81\xa4type", 150))
    for name, opening in (("array", 0xDD), ("map", 0xDF), ("text", 0xDB), ("blob", 0xC6)):
        yield bad_message(f"a promise of a 4 GiB {name}", bytes([opening]) + b"\xff" * 4)
    too_long = pack(post | {"text": "x" * PAYLOAD_BYTES})[: PAYLOAD_BYTES + 1]
    login = b"\x83\xa4type\xa5login\xa2id\x01\xa4nick"
    yield long_message("a payload too long by one", too_long)
    yield long_message("16,000 arrays in arrays", nested(b"\x91", 16_000))
    yield long_message("arrays in a nickname", login + nested(b"\x91", 16_000))


ATTACKS: Final = (*_lines(), *_hellos(), *_frames(), *_messages())
"""All of them."""

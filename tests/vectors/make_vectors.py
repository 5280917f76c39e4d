"""Make the test vectors of this directory from `docs/protocol.md` alone.

This is a second implementation of the protocol's computations. It shares no code with `chat` and
uses other libraries, so that a mistake must be made twice to go unnoticed; it uses only the word
list of `mnemonic`. It needs the extra `vectors`: `cryptography` and `kyber-py`.

    pip install -e '.[vectors]'
    python tests/vectors/make_vectors.py            write the JSON files next to this script
    python tests/vectors/make_vectors.py --check    compare them instead; exit 1 if one differs

Every file has a `description` and a list `vectors`. Binary values are hexadecimal; lines are text
(UTF-8, where not ASCII) without their CR LF; integers go up to 2^63 - 1. A vector with a key
`expect` must fail with the close code of that name; every other must succeed. The protocol's random
values are fixed here, and have no meaning beyond their name: `fixed` hashes them from a few words.
"""

import argparse
import base64
import hashlib
import hmac
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from kyber_py.ml_kem import ML_KEM_768
from mnemonic import Mnemonic

HERE: Final = Path(__file__).resolve().parent
VERSION: Final = b"encchat/1"
WORDS: Final = Mnemonic("english").wordlist

Vector: TypeAlias = dict[str, object]
Value: TypeAlias = "bool | int | str | bytes | Sequence[Value] | Mapping[str, Value]"
Message: TypeAlias = Mapping[str, Value]


def fixed(name: str, length: int) -> bytes:
    """Return bytes that look random and are the same in every run."""
    return hashlib.shake_256(b"encchat test vectors: " + name.encode()).digest(length)


def flip(data: bytes, position: int) -> bytes:
    """Change one bit of the byte at a position, which may count from the end."""
    changed = bytearray(data)
    changed[position] ^= 0x01
    return bytes(changed)


def hexed(values: Mapping[str, bytes]) -> dict[str, str]:
    """Return binary values in hexadecimal, as in the files."""
    return {name: value.hex() for name, value in values.items()}


# Section 1: conventions


def uint(number: int, size: int) -> bytes:
    """Encode an unsigned big-endian integer."""
    return number.to_bytes(size, "big")


def lp(data: bytes) -> bytes:
    """Prefix bytes with their length."""
    return uint(len(data), 4) + data


def b64(data: bytes) -> str:
    """Encode in base64, as in lines."""
    return base64.b64encode(data).decode()


def transcript_hash(*messages: bytes) -> bytes:
    """Compute TH."""
    return hashlib.sha512(b"".join(map(lp, (VERSION, *messages)))).digest()


def hmac512(key: bytes, data: bytes) -> bytes:
    """Compute HMAC-SHA-512."""
    return hmac.digest(key, data, "sha512")


def derive(secret: bytes, label: str, context: bytes, length: int = 64) -> bytes:
    """Compute Derive."""
    info = uint(length, 2) + lp(b"encchat/1 " + label.encode()) + lp(context)
    return HKDFExpand(SHA512(), length, info).derive(secret)


# Section 3: sealing


def pad(plaintext: bytes) -> bytes:
    """Apply PKCS#7 padding for blocks of 16 bytes."""
    count = 16 - len(plaintext) % 16
    return plaintext + bytes([count]) * count


def seal_padded(key: bytes, padded: bytes, aad: bytes, iv: bytes) -> bytes:
    """Seal whole blocks, whose padding may be invalid."""
    cipher = Cipher(algorithms.AES(key[32:]), modes.CBC(iv)).encryptor()
    ciphertext = cipher.update(padded) + cipher.finalize()
    tag = hmac512(key[:32], aad + iv + ciphertext + uint(8 * len(aad), 8))[:32]
    return iv + ciphertext + tag


def seal(key: bytes, plaintext: bytes, aad: bytes, iv: bytes) -> bytes:
    """Compute Seal."""
    return seal_padded(key, pad(plaintext), aad, iv)


# Section 6: MessagePack, in its shortest form


def pack_head(count: int, short: int, short_limit: int, *wide: int) -> bytes:
    """Encode the head of a str, bin, array or map: the short form (0: none) or a wider one."""
    if short and count < short_limit:
        return bytes([short | count])
    size = 4 // 2 ** (len(wide) - 1)
    for code in wide[:-1]:
        if count < 256**size:
            return bytes([code]) + uint(count, size)
        size *= 2
    return bytes([wide[-1]]) + uint(count, 4)


def pack_int(number: int) -> bytes:
    """Encode a non-negative integer."""
    if number < 0x80:
        return bytes([number])
    size = next(size for size in (1, 2, 4, 8) if number < 256**size)
    return bytes([{1: 0xCC, 2: 0xCD, 4: 0xCE, 8: 0xCF}[size]]) + uint(number, size)


def pack_map(*items: tuple[bytes, bytes]) -> bytes:
    """Encode a map whose keys and values are already encoded."""
    return pack_head(len(items), 0x80, 16, 0xDE, 0xDF) + b"".join(map(b"".join, items))


def pack(value: Value) -> bytes:
    """Encode any value of the protocol; maps keep their order."""
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return pack_int(value)
    if isinstance(value, str):
        text = value.encode()
        return pack_head(len(text), 0xA0, 32, 0xD9, 0xDA, 0xDB) + text
    if isinstance(value, bytes):
        return pack_head(len(value), 0, 0, 0xC4, 0xC5, 0xC6) + value
    if isinstance(value, Mapping):
        return pack_map(*((pack(key), pack(item)) for key, item in value.items()))
    return pack_head(len(value), 0x90, 16, 0xDC, 0xDD) + b"".join(map(pack, value))


def message(kind: str, /, **others: Value) -> Message:
    """Build a message, `type` first."""
    return {"type": kind, **others}


def plain(value: Value) -> object:
    """Convert a message to JSON values."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    return value


IDENTITY_SEED: Final = fixed("identity", 32)


def login(number: int, nick: str, binding: bytes = bytes(32)) -> Message:
    """Build a login, signed for the connection with this binding."""
    private = Ed25519PrivateKey.from_private_bytes(IDENTITY_SEED)
    content = b"\x20" * 64 + b"encchat/1 client signature" + b"\x00" + binding
    key, signature = private.public_key().public_bytes_raw(), private.sign(content)
    return message("login", id=number, nick=nick, key=key, signature=signature)


# Section 4: Ed25519, for invalid signatures (RFC 8032, sections 5.1.1 to 5.1.5)

P: Final = 2**255 - 19
L: Final = 2**252 + 27742317777372353535851937790883648493
D: Final = -121665 * pow(121666, -1, P) % P

Point: TypeAlias = tuple[int, int]
IDENTITY: Final[Point] = (0, 1)


def add(one: Point, two: Point) -> Point:
    """Add two points of the curve."""
    (x1, y1), (x2, y2) = one, two
    product = D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, P)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, P)
    return x % P, y % P


def multiply(number: int, point: Point) -> Point:
    """Multiply a point by a scalar."""
    total = IDENTITY
    while number:
        if number & 1:
            total = add(total, point)
        point, number = add(point, point), number >> 1
    return total


def encode_point(point: Point) -> bytes:
    """Encode a point: y, and the lowest bit of x on top."""
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def point_of(y: int, x_is_odd: bool) -> Point:
    """Find a point by its y."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert x * x % P == square, "no point has this y"
    return (P - x if x and (x & 1) != x_is_odd else x), y


BASE: Final = point_of(4 * pow(5, -1, P) % P, False)
ORDER_8: Final = point_of(
    int.from_bytes(
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
    ),
    False,
)
SMALL_ORDER: Final = {
    "order 1": IDENTITY,
    "order 2": multiply(4, ORDER_8),
    "order 4": multiply(2, ORDER_8),
    "order 4, negative": multiply(6, ORDER_8),
    **{f"order 8, {number}": multiply(number, ORDER_8) for number in (1, 3, 5, 7)},
}
"""The points whose multiple by 8 is the neutral element."""


def small_order_encodings() -> dict[str, bytes]:
    """Return every encoding of a point of small order: canonical, with the sign bit, or plus p."""
    found = {name: encode_point(point) for name, point in SMALL_ORDER.items()}
    for name in ("order 1", "order 2"):  # x is 0, which has no sign.
        found[f"{name}, with the top bit set"] = found[name][:31] + bytes([found[name][31] | 0x80])
    for name, y in {"order 4, y = p": P, "order 1, y = p + 1": P + 1}.items():
        found[name] = y.to_bytes(32, "little")
        found[f"{name}, with the top bit set"] = found[name][:31] + bytes([found[name][31] | 0x80])
    assert len(set(found.values())) == 14
    return found


def scalar(seed: bytes) -> int:
    """Compute the secret scalar of a private key."""
    half = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    return half & ~7 & (1 << 254) - 1 | 1 << 254


def signature_with(seed: bytes, content: bytes, first: bytes, nonce: int = 0) -> bytes:
    """Sign with this R, which must be `nonce` times the base point plus a point of small order."""
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    k = int.from_bytes(hashlib.sha512(first + public + content).digest(), "little")
    return first + ((nonce + k * scalar(seed)) % L).to_bytes(32, "little")


# Section 4: handshake


def hpke_export(shared_secret: bytes) -> bytes:
    """Export `ss_pq` from HPKE in base mode (RFC 9180), given the KEM's shared secret."""
    prefix = b"HPKE-v1" + b"HPKE" + uint(0x0041, 2) + uint(0x0001, 2) + uint(0xFFFF, 2)

    def extract(salt: bytes, label: bytes, material: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), prefix + label + material, "sha256")

    def expand(key: bytes, label: bytes, info: bytes) -> bytes:
        return HKDFExpand(SHA256(), 32, uint(32, 2) + prefix + label + info).derive(key)

    context = b"\x00" + extract(b"", b"psk_id_hash", b"")
    context += extract(b"", b"info_hash", b"encchat/1 mlkem768")
    exporter = expand(extract(shared_secret, b"secret", b""), b"exp", context)
    return expand(exporter, b"sec", b"ss")


def x25519_public(private: bytes) -> bytes:
    """Compute the X25519 public key."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def x25519(private: bytes, public: bytes) -> bytes:
    """Compute the X25519 shared secret; one of zeros raises ValueError."""
    own = X25519PrivateKey.from_private_bytes(private)
    return own.exchange(X25519PublicKey.from_public_bytes(public))


def host_public(seed: bytes) -> bytes:
    """Compute the host key."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def succession(seed: bytes, following: bytes) -> bytes:
    """Return the succession from the host key with this seed to the following one."""
    previous = host_public(seed)
    content = succession_content(previous, following)
    return previous + Ed25519PrivateKey.from_private_bytes(seed).sign(content)


def succession_content(previous: bytes, following: bytes) -> bytes:
    """Return what a host key signs when it hands over."""
    return b"\x20" * 64 + b"encchat/1 host key succession" + b"\x00" + previous + following


def host_digest(host: bytes) -> bytes:
    """Compute the digest that both forms of a fingerprint encode."""
    return hashlib.sha256(b"encchat host key v1\x00" + host).digest()


def in_words(digest: bytes) -> str:
    """Encode 32 bytes in words (BIP 39): append 8 bits of checksum, then 11 bits per word."""
    bits = int.from_bytes(digest + hashlib.sha256(digest).digest()[:1])
    return " ".join(WORDS[bits >> 11 * place & 2047] for place in reversed(range(24)))


@dataclass(frozen=True)
class Client:
    """The client's choices in one handshake; `mlkem_seed` is `d || z` of FIPS 203."""

    random: bytes
    x25519_private: bytes
    mlkem_seed: bytes
    cf_iv: bytes
    identity_seed: bytes
    login: bytes = b""


@dataclass(frozen=True)
class Server:
    """The server's choices in one handshake; `mlkem_m` is `m` of FIPS 203."""

    random: bytes
    x25519_private: bytes
    mlkem_m: bytes
    host_seed: bytes
    sa_iv: bytes


class Handshake:
    """One handshake with all its intermediate values."""

    def __init__(
        self,
        name: str,
        number: int,
        nick: str,
        rotations: int = 0,
        proven: int | None = None,
        first: bytes = b"",
    ) -> None:
        """Derive the inputs from the name, and compute.

        The host key followed a number of others; the latest `proven` (default: all) provably lead
        to it. The signature before those has `first` as its R, or else a wrong bit.
        """
        self.name = name
        self.client = client = Client(
            random=fixed(f"{name}, client random", 32),
            x25519_private=fixed(f"{name}, client X25519", 32),
            mlkem_seed=fixed(f"{name}, client ML-KEM", 64),
            cf_iv=fixed(f"{name}, CF", 16),
            identity_seed=IDENTITY_SEED,
        )
        self.server = server = Server(
            random=fixed(f"{name}, server random", 32),
            x25519_private=fixed(f"{name}, server X25519", 32),
            mlkem_m=fixed(f"{name}, server ML-KEM", 32),
            host_seed=fixed(f"{name}, host key", 32),
            sa_iv=fixed(f"{name}, SA", 16),
        )
        encapsulation_key, decapsulation_key = ML_KEM_768.key_derive(client.mlkem_seed)
        self.ch = client.random + x25519_public(client.x25519_private) + encapsulation_key
        self.k, ciphertext = ML_KEM_768._encaps_internal(self.ch[64:], server.mlkem_m)
        self.sh = server.random + x25519_public(server.x25519_private) + ciphertext
        self.ss_ec = x25519(server.x25519_private, self.ch[32:64])
        assert self.ss_ec == x25519(client.x25519_private, self.sh[32:64])
        assert self.k == ML_KEM_768.decaps(decapsulation_key, ciphertext)

        self.ss_pq = hpke_export(self.k)
        self.prk = hmac512(b"encchat/1 extract", self.ss_pq + self.ss_ec)
        self.t1 = transcript_hash(self.ch, self.sh)
        self.s_hs = derive(self.prk, "s hs", self.t1)
        self.c_hs = derive(self.prk, "c hs", self.t1)
        self.fk_s = derive(self.prk, "s finished", self.t1)
        self.fk_c = derive(self.prk, "c finished", self.t1)

        self.host = host_public(server.host_seed)
        seeds = [fixed(f"{name}, host key before, {number}", 32) for number in range(rotations)]
        before = [host_public(seed) for seed in seeds]
        successions = [*map(succession, seeds, [*before[1:], self.host])]
        if proven is not None:
            place = rotations - proven - 1
            following = [*before[1:], self.host][place]
            made = flip(successions[place], -1)
            if first:
                content = succession_content(before[place], following)
                made = before[place] + signature_with(seeds[place], content, first)
            successions[place] = made
        self.predecessors = before[::-1][:proven]
        self.successions = b"".join(successions)
        self.signature = self.sign(server.host_seed)
        self.fin_s = self.finish_server(self.signature + self.successions)
        proof = self.signature + self.successions
        self.t2 = transcript_hash(self.ch, self.sh, self.host, proof, self.fin_s)
        self.fin_c = hmac512(self.fk_c, self.t2)
        self.binding = derive(self.prk, "channel binding", self.t2, 32)
        self.c_ap = derive(self.prk, "c ap", self.t2)
        self.s_ap = derive(self.prk, "s ap", self.t2)

        self.sa = self.seal_sa(proof, self.fin_s)
        self.client = client = replace(client, login=pack(login(number, nick, self.binding)))
        self.cf = self.seal_cf(self.fin_c, client.login)
        self.ch_line, self.sh_line = hello_line(self.ch), hello_line(self.sh)
        self.sa_line, self.cf_line = frame_line(self.sa), frame_line(self.cf)

    def signed(self) -> bytes:
        """Return what the host key of this handshake signs."""
        content = b"\x20" * 64 + b"encchat/1 server signature" + b"\x00"
        return content + transcript_hash(self.ch, self.sh, self.host)

    def sign(self, host_seed: bytes) -> bytes:
        """Sign for the host key of this handshake, perhaps with a different key."""
        return Ed25519PrivateKey.from_private_bytes(host_seed).sign(self.signed())

    def finish_server(self, proof: bytes) -> bytes:
        """Compute `fin_s`; `proof` is the signature followed by the successions."""
        return hmac512(self.fk_s, transcript_hash(self.ch, self.sh, self.host, proof))

    def seal_sa(self, proof: bytes, fin_s: bytes, aad: bytes = b"encchat/1 SA") -> bytes:
        """Seal the server authentication."""
        return seal(self.s_hs, self.host + proof + fin_s, aad, self.server.sa_iv)

    def seal_cf(self, fin_c: bytes, login: bytes, aad: bytes = b"encchat/1 CF") -> bytes:
        """Seal the client finish."""
        return seal(self.c_hs, fin_c + login, aad, self.client.cf_iv)

    def vector(self) -> Vector:
        """Return the vector with all values."""
        digest = host_digest(self.host)
        values = "CH SH ss_ec K ss_pq PRK t1 s_hs c_hs fk_s fk_c host signature successions fin_s"
        values += " SA t2 fin_c CF binding c_ap s_ap"
        return {
            "name": self.name,
            "client": hexed(asdict(self.client)),
            "server": hexed(asdict(self.server)),
            **{value: getattr(self, value.lower()).hex() for value in values.split()},
            "predecessors": [key.hex() for key in self.predecessors],
            "fingerprint": "SHA256:" + b64(digest).rstrip("="),
            "words": in_words(digest),
            "lines": [self.ch_line, self.sh_line, self.sa_line, self.cf_line],
        }

    def bad(self, name: str, expect: str, role: str, *receives: str) -> Vector:
        """Return the vector of a failure of one side at the last line it receives."""
        sent = {"client": [self.ch_line], "server": [self.sh_line, self.sa_line]}[role]
        if role == "server" and len(receives) == 1:
            sent = []
        return {
            "name": name,
            "expect": expect,
            "handshake": self.name,
            "role": role,
            "private": hexed(asdict(self.client if role == "client" else self.server)),
            "sends": sent,
            "receives": list(receives),
        }


def hello_line(hello: bytes) -> str:
    """Return the line of a hello."""
    return "encchat/1 " + b64(hello)


def frame_line(box: bytes) -> str:
    """Return the line of a frame."""
    return "F " + b64(box)


def unused_bits(line: str) -> str:
    """Set an unused bit of the base64 at the end of a line, which must end in padding."""
    data = line.rstrip("=")
    assert data != line
    return data[:-1] + chr(ord(data[-1]) + 1) + line[len(data) :]


# Sections 5, 7 and 8: frames, records, vouchers


class Sender:
    """One direction of a connection."""

    def __init__(
        self,
        secret: bytes,
        direction: str,
        generation: int = 0,
        sequence: int = 0,
        vouchers: int = 0,
    ):
        """Start with a secret."""
        self.secret = secret
        self.direction = direction
        self.generation = generation
        self.sequence = sequence
        self.vouchers = vouchers

    def state(self) -> Vector:
        """Return the state, from which a receiver can start too."""
        return {
            "direction": self.direction,
            "secret": self.secret.hex(),
            "generation": self.generation,
            "sequence": self.sequence,
            "vouchers": self.vouchers,
        }

    def frame(self, message: Message, iv: bytes) -> str:
        """Seal a message, and ratchet after an update."""
        aad = VERSION + self.direction.encode()
        aad += uint(self.generation, 4) + uint(self.sequence, 8) + uint(self.vouchers, 8)
        line = frame_line(seal(derive(self.secret, "key", b""), pack(message), aad, iv))
        self.sequence += 1
        if message["type"] == "update":
            self.secret = derive(self.secret, "upd", b"")
            self.generation += 1
            self.sequence = self.vouchers = 0
        return line


def record_id(account: bytes, message: bytes) -> bytes:
    """Compute the identifier of a posted record."""
    return hashlib.sha256(account + message).digest()[:16]


def seal_record(key: bytes, log: bytes, epoch: int, ident: bytes, body: bytes, iv: bytes) -> bytes:
    """Make a record."""
    head = uint(epoch, 4) + ident
    return head + seal(key, body, b"encchat/1 record" + log + head, iv)


def record_line(log: bytes, seq: int | str, record: bytes) -> str:
    """Return the line of a record; the sequence number may be any text."""
    return f"R {b64(log)} {seq} {b64(record)}"


def voucher(key: bytes, counter: int, sequence: int, run: bytes) -> bytes:
    """Compute a voucher before truncation to 16 bytes."""
    data = uint(counter, 8) + uint(sequence, 8) + hashlib.sha512(run).digest()
    return hmac.digest(key, data, "sha256")


# The files


def make_sealing() -> list[Vector]:
    """Make sealing.json."""

    def good(name: str, key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> Vector:
        vector = {"key": key, "iv": iv, "plaintext": plaintext, "aad": aad}
        box = seal(key, plaintext, aad, iv)
        return {"name": name, **hexed(vector), "box": box.hex()}

    def bad(name: str, box: bytes, expect: str = "AUTHENTICATION", **other: bytes) -> Vector:
        values = {"key": other.get("key", key), "aad": other.get("aad", aad), "box": box}
        return {"name": name, "expect": expect, **hexed(values)}

    official = good(
        "RFC 7518, appendix B.3",
        bytes(range(64)),
        bytes.fromhex("1af38c2dc2b96ffdd86694092341bc04"),
        b"A cipher system must not be required to be secret, and it must be able to fall into the "
        b"hands of the enemy without inconvenience",
        b"The second principle of Auguste Kerckhoffs",
    )
    tag = "4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5"
    assert str(official["box"]).endswith(tag), "not the tag of the RFC"

    key, iv, aad = fixed("sealing key", 64), fixed("sealing IV", 16), b"associated data"
    vectors = [official]
    for length in (0, 1, 15, 16, 17, 31, 32, 255, 300, 16384):
        plaintext = fixed(f"{length} bytes", length)
        vectors.append(good(f"{length} bytes", key, fixed(f"IV {length}", 16), plaintext, aad))
    vectors.append(good("empty associated data", key, iv, b"text", b""))
    vectors.append(good("empty plaintext and associated data", key, iv, b"", b""))
    vectors.append(good("300 bytes of associated data", key, iv, b"text", fixed("AAD", 300)))

    box = seal(key, fixed("plaintext", 40), aad, iv)
    vectors += [
        bad("bit flipped in the IV", flip(box, 0)),
        bad("bit flipped in the first block", flip(box, 16)),
        bad("bit flipped in the last block", flip(box, -33)),
        bad("bit flipped in the first byte of the tag", flip(box, -32)),
        bad("bit flipped in the last byte of the tag", flip(box, -1)),
        bad("bit flipped in the associated data", box, aad=flip(aad, 0)),
        bad("associated data shortened", box, aad=aad[:-1]),
        bad("associated data left out", box, aad=b""),
        bad("IV moved into the associated data", box[16:], aad=aad + box[:16]),
        bad("a block cut from the end", box[:-16]),
        bad("a block cut from the ciphertext", box[:-48] + box[-32:]),
        bad("a block added", box + bytes(16)),
        bad("wrong key", box, key=fixed("another key", 64)),
        bad("wrong MAC key", box, key=flip(key, 0)),
        bad("key halves exchanged", box, key=key[32:] + key[:32]),
        bad("all zero", bytes(64)),
    ]
    paddings = {
        "padding of 0": bytes(16),
        "padding of 17": b"\x11" * 16,
        "padding of 255": b"\xff" * 16,
        "padding of 3 with a wrong first byte": b"x" * 13 + b"\x02\x03\x03",
        "padding of 16 with a wrong first byte": b"\x00" + b"\x10" * 15,
        "padding of 16 with a wrong byte in the middle": b"\x10" * 7 + b"\x0f" + b"\x10" * 8,
    }
    for name, padded in paddings.items():
        vectors.append(bad(f"good tag, {name}", seal_padded(key, padded, aad, iv)))
    for length in (0, 16, 47, 48, 63, 65, 79, 81):
        wrong = fixed("box of a wrong length", length)
        vectors.append(bad(f"box of {length} bytes", wrong, "MALFORMED"))
    return vectors


def make_derive() -> list[Vector]:
    """Make derive.json."""
    secret = fixed("derive secret", 64)
    long = fixed("derive context", 300)
    cases: list[tuple[str, bytes, str, bytes, int]] = [
        ("a key", secret, "key", b"", 64),
        ("the next secret", secret, "upd", b"", 64),
        ("a voucher key", secret, "voucher", b"", 64),
        ("with a context", secret, "s hs", long[:64], 64),
        ("binding", secret, "channel binding", long[:64], 32),
        ("one byte", secret, "key", b"", 1),
        ("more than one block", secret, "key", b"", 65),
        ("the longest", secret, "key", b"", 16320),
        ("empty label", secret, "", b"", 64),
        ("long context", secret, "key", long, 64),
        ("zero secret", bytes(64), "key", b"", 64),
        ("short secret", secret[:32], "key", b"", 64),
    ]
    vectors: list[Vector] = []
    for name, key, label, context, length in cases:
        inputs: Vector = {"secret": key.hex(), "label": label, "context": context.hex()}
        inputs["length"] = length
        output = derive(key, label, context, length).hex()
        vectors.append({"name": name, "function": "Derive", "inputs": inputs, "output": output})
    lists: dict[str, list[bytes]] = {
        "one empty message": [b""],
        "one message": [b"abc"],
        "two messages": [b"a", b"bc"],
        "two messages, divided elsewhere": [b"ab", b"c"],
        "an empty message first": [b"", b"abc"],
        "five messages": [long[:n] for n in (1248, 1152, 32, 64, 64)],
    }
    for name, messages in lists.items():
        inputs = {"messages": [message.hex() for message in messages]}
        output = transcript_hash(*messages).hex()
        vectors.append({"name": name, "function": "TH", "inputs": inputs, "output": output})
    return vectors


RFC_8032: Final = {
    "test 1": (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    "test 2": (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
}


def make_signatures() -> list[Vector]:
    """Make signatures.json."""
    seed, content = fixed("signing key", 32), b"message"
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, right = private.public_key().public_bytes_raw(), private.sign(content)

    def vector(name: str, key: bytes, message: bytes, signature: bytes) -> Vector:
        values = {"key": key, "message": message, "signature": signature}
        return {"name": name, **hexed(values)}

    def bad(name: str, signature: bytes, key: bytes = public, message: bytes = content) -> Vector:
        return {"expect": "AUTHENTICATION", **vector(name, key, message, signature)}

    vectors = [vector("a message", public, content, right)]
    for name, (secret, said, made) in RFC_8032.items():
        key, data = host_public(bytes.fromhex(secret)), bytes.fromhex(said)
        vectors.append(vector(f"RFC 8032, {name}", key, data, bytes.fromhex(made)))
    # R made from a nonce, to show that the arithmetic of this script is right.
    nonce = int.from_bytes(fixed("nonce", 32), "little") % L
    honest = encode_point(multiply(nonce, BASE))
    usual = signature_with(seed, content, honest, nonce)
    assert encode_point(multiply(scalar(seed), BASE)) == public
    assert encode_point(multiply(8, ORDER_8)) == encode_point(IDENTITY)
    vectors.append(vector("another R", public, content, usual))
    top = public[:31] + bytes([public[31] ^ 0x80])
    vectors += [
        bad("another message", right, message=b"Message"),
        bad("bit flipped in R", flip(right, 0)),
        bad("bit flipped in S", flip(right, 32)),
        bad("sign of R changed", right[:31] + bytes([right[31] ^ 0x80]) + right[32:]),
        bad("sign of the key changed", right, key=top),
        bad("S + L", scalar_plus_order(right)),
        bad("R and S exchanged", right[32:] + right[:32]),
        bad("zeros", bytes(64)),
    ]
    for name, first in small_order_encodings().items():
        vectors.append(bad(f"R of {name}", signature_with(seed, content, first)))
    for name, point in SMALL_ORDER.items():
        if name != "order 1":
            first = encode_point(add(multiply(nonce, BASE), point))
            part = signature_with(seed, content, first, nonce)
            vectors.append(bad(f"R with a part of {name}", part))
    for name, key in small_order_encodings().items():
        # [S]B = R for any message if the key's part is neutral.
        for number in range(64):
            message = b"%d" % number
            k = int.from_bytes(hashlib.sha512(honest + key + message).digest(), "little")
            if k % 8 == 0:
                break
        else:
            raise AssertionError("no such message")
        forged = honest + nonce.to_bytes(32, "little")
        vectors.append(bad(f"key of {name}", forged, key, message))
    for name, y in {"p": P, "p + 1": P + 1, "p + 3": P + 3, "2^255 - 1": 2**255 - 1}.items():
        key = y.to_bytes(32, "little")
        vectors.append(bad(f"key with y = {name}", bytes(64), key))
    return vectors


# The points u for which X25519 gives zero, whatever the private key (RFC 7748, section 6.1).
LOW_ORDER: Final = {
    "0": bytes(32),
    "1": b"\x01" + bytes(31),
    "order 8, first": bytes.fromhex(
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"
    ),
    "order 8, second": bytes.fromhex(
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"
    ),
    "p - 1": (2**255 - 20).to_bytes(32, "little"),
    "p": (2**255 - 19).to_bytes(32, "little"),
    "p + 1": (2**255 - 18).to_bytes(32, "little"),
}


def low_order_points() -> dict[str, bytes]:
    """Return the points of low order, also with the top bit, which X25519 ignores."""
    points = dict(LOW_ORDER)
    for name, point in LOW_ORDER.items():
        points[name + " with the top bit set"] = point[:31] + bytes([point[31] | 0x80])
    for name, point in points.items():
        try:
            x25519(fixed("any X25519 key", 32), point)
        except ValueError:
            continue
        raise AssertionError(f"{name} is not of low order")
    return points


def scalar_plus_order(signature: bytes) -> bytes:
    """Add the group's order to S of an Ed25519 signature, which RFC 8032 forbids."""
    return signature[:32] + (int.from_bytes(signature[32:], "little") + L).to_bytes(32, "little")


def make_handshake() -> list[Vector]:
    """Make handshake.json."""
    one = Handshake("handshake 1", 1, "alice")
    two = Handshake("handshake 2", 2**32 - 1, "J\u00fcrgen-\u5b57")
    three = Handshake("handshake 3", 300, "x" * 884)
    four = Handshake("handshake 4", 1, "")
    five = Handshake("a host key that was rotated twice", 1, "alice", rotations=2)
    six = Handshake("a host key that was rotated eight times", 1, "alice", rotations=8)
    seven = Handshake("a succession that proves nothing", 1, "alice", rotations=3, proven=1)
    assert len(one.sa) == 224 and len(three.client.login) == 1024 and len(six.sa) == 992
    small = [
        Handshake(f"a succession whose R is of {order}", 1, "alice", 2, 0, encode_point(point))
        for order, point in SMALL_ORDER.items()
        if order in ("order 1", "order 8, 1")
    ]
    return [
        *(handshake.vector() for handshake in (one, two, three, four, five, six, seven, *small)),
        *bad_client_hellos(one),
        *bad_server_hellos(one),
        *bad_server_auths(one, other=two),
        *bad_successions(five),
        *bad_client_finishes(one, other=two),
    ]


def bad_client_hellos(base: Handshake) -> list[Vector]:
    """Return hellos that a server must refuse."""

    def bad(name: str, expect: str, line: str) -> Vector:
        return base.bad("CH: " + name, expect, "server", line)

    ch, line = base.ch, base.ch_line
    # Coefficients are 12 bits, two of them in three bytes, the lower bits first; q is 3329.
    first_is_q = ch[:64] + b"\x01" + bytes([(ch[65] & 0xF0) | 0x0D]) + ch[66:]
    first_is_q_plus_1 = ch[:64] + b"\x02" + first_is_q[65:]
    last_is_4095 = ch[:1214] + bytes([ch[1214] | 0xF0, 0xFF]) + ch[1216:]
    vectors = [
        bad("first coefficient of the encapsulation key is q", "HANDSHAKE", hello_line(first_is_q)),
        bad("first coefficient is q + 1", "HANDSHAKE", hello_line(first_is_q_plus_1)),
        bad("last coefficient is 4095", "HANDSHAKE", hello_line(last_is_4095)),
        bad("all coefficients are 4095", "HANDSHAKE", hello_line(ch[:64] + b"\xff" * 1184)),
    ]
    for name, point in low_order_points().items():
        low = hello_line(ch[:32] + point + ch[64:])
        vectors.append(bad(f"X25519 point of low order: {name}", "HANDSHAKE", low))
    return [
        *vectors,
        bad("one byte short", "MALFORMED", hello_line(ch[:-1])),
        bad("one byte long", "MALFORMED", hello_line(ch + b"\x00")),
        bad("of the length of SH", "MALFORMED", hello_line(base.sh)),
        bad("base64 cut", "MALFORMED", line[:-1]),
        bad("padding too much", "MALFORMED", line + "===="),
        bad("two spaces", "MALFORMED", line.replace(" ", "  ")),
        bad("space at the end", "MALFORMED", line + " "),
        bad("URL alphabet", "MALFORMED", line[:-2] + "-_"),
        bad("another version", "VERSION", line.replace("/1", "/2")),
        bad("another protocol", "VERSION", "GET / HTTP/1.1"),
        *(bad(name, expect, first) for name, (expect, first) in first_lines(line).items()),
    ]


def first_lines(hello: str) -> dict[str, tuple[str, str]]:
    """Return first lines that neither side accepts."""
    kinds = {
        "a frame": frame_line(bytes(64)),
        "a record": record_line(bytes(16), 1, bytes(84)),
        "a voucher": "V " + b64(bytes(16)),
    }
    return {
        "an empty line": ("VERSION", ""),
        "a space": ("VERSION", " "),
        "a space before it": ("VERSION", " " + hello),
        "another token that begins as this one": ("VERSION", hello.replace("/1", "/10")),
        "no space": ("VERSION", hello.replace(" ", "")),
        "a tab for the space": ("VERSION", hello.replace(" ", "\t")),
        "a LF for the space": ("VERSION", hello.replace(" ", "\n")),
        "the version in capitals": ("VERSION", hello.replace("encchat", "ENCCHAT")),
        "the kind in lower case": ("VERSION", "f AAAA"),
        "another version, not ASCII": ("VERSION", "encchat/2 \u00e9"),
        "another token, not ASCII": ("VERSION", "\u00e9ncchat/1" + hello[9:]),
        "a token that is not ASCII alone": ("VERSION", "\u00e9"),
        "NUL": ("VERSION", "\x00"),
        "the version alone": ("MALFORMED", "encchat/1"),
        "the version and a space": ("MALFORMED", "encchat/1 \x00"),
        "three tokens": ("MALFORMED", hello + " AAAA"),
        "not ASCII": ("MALFORMED", hello + " \u00e9"),
        "not ASCII in the base64": ("MALFORMED", hello[:-1] + "\u00e9"),
        "a CR behind it": ("MALFORMED", hello + "\r"),
        "a frame without a box": ("MALFORMED", "F"),
        "a frame, not ASCII": ("MALFORMED", "F \u00e9"),
        "a record without its parts": ("MALFORMED", "R AAAA"),
        "a voucher of another length": ("MALFORMED", "V AAAA"),
        "a close without a code": ("MALFORMED", "encchat/1 close"),
        **{name: ("UNEXPECTED", line) for name, line in kinds.items()},
    }


def bad_server_hellos(base: Handshake) -> list[Vector]:
    """Return server hellos that a client must refuse, some of them only when SA arrives."""

    def bad(name: str, expect: str, sh: bytes, *more: str) -> Vector:
        return base.bad("SH: " + name, expect, "client", hello_line(sh), *more)

    sh, auth = base.sh, base.sa_line
    vectors = [
        bad("bit flipped in the random", "AUTHENTICATION", flip(sh, 0), auth),
        bad("another X25519 key", "AUTHENTICATION", sh[:32] + base.ch[32:64] + sh[64:], auth),
        bad("bit flipped in the ML-KEM ciphertext", "AUTHENTICATION", flip(sh, 64), auth),
        bad("bit flipped at the end of it", "AUTHENTICATION", flip(sh, -1), auth),
        bad("one byte short", "MALFORMED", sh[:-1]),
        bad("one byte long", "MALFORMED", sh + b"\x00"),
    ]
    for name, point in LOW_ORDER.items():
        low = sh[:32] + point + sh[64:]
        vectors.append(bad(f"X25519 point of low order: {name}", "HANDSHAKE", low))
    for name, (expect, first) in first_lines(base.sh_line).items():
        vectors.append(base.bad("SH: " + name, expect, "client", first))
    return vectors


def bad_server_auths(base: Handshake, other: Handshake) -> list[Vector]:
    """Return server authentications that a client must refuse."""

    def bad(name: str, line: str, expect: str = "AUTHENTICATION") -> Vector:
        return base.bad("SA: " + name, expect, "client", base.sh_line, line)

    def signed(name: str, signature: bytes) -> Vector:
        sa = base.seal_sa(signature, base.finish_server(signature))
        return bad(name, frame_line(sa))

    sa, signature, seed = base.sa, base.signature, base.server.host_seed
    mixed = signature_with(seed, base.signed(), encode_point(add(BASE, ORDER_8)), 1)
    wrong_aad = base.seal_sa(signature, base.fin_s, b"encchat/1 CF")
    wrong_key = seal(base.c_hs, base.host + signature + base.fin_s, b"encchat/1 SA", sa[:16])
    return [
        bad("bit flipped in the IV", frame_line(flip(sa, 0))),
        bad("bit flipped in the ciphertext", frame_line(flip(sa, 100))),
        bad("bit flipped in the tag", frame_line(flip(sa, -1))),
        bad("of another handshake", other.sa_line),
        bad("sealed as CF", frame_line(wrong_aad)),
        bad("sealed with the client's key", frame_line(wrong_key)),
        signed("signature of another host key", base.sign(other.server.host_seed)),
        signed("signature of another handshake", other.signature),
        signed("bit flipped in the signature", flip(signature, 0)),
        signed("signature with S + L", scalar_plus_order(signature)),
        signed("signature of zeros", bytes(64)),
        *(
            signed(f"signature whose R is of {name}", signature_with(seed, base.signed(), first))
            for name, first in small_order_encodings().items()
        ),
        signed("signature whose R has a part of order 8", mixed),
        bad("bit flipped in fin_s", frame_line(base.seal_sa(signature, flip(base.fin_s, -1)))),
        bad("fin_s of zeros", frame_line(base.seal_sa(signature, bytes(64)))),
        bad("fin_s is fin_c", frame_line(base.seal_sa(signature, base.fin_c))),
        bad("unused bit of base64", unused_bits(base.sa_line), "MALFORMED"),
        bad("base64 without padding", base.sa_line.rstrip("="), "MALFORMED"),
        bad("length no multiple of 16", frame_line(sa[:-1]), "MALFORMED"),
    ]


def bad_successions(base: Handshake) -> list[Vector]:
    """Return server authentications with successions that a client must refuse."""

    def bad(name: str, proof: bytes, fin_s: bytes, expect: str = "AUTHENTICATION") -> Vector:
        line = frame_line(base.seal_sa(proof, fin_s))
        return base.bad("SA: " + name, expect, "client", base.sh_line, line)

    def sized(name: str, successions: bytes) -> Vector:
        proof = base.signature + successions
        return bad(name, proof, base.finish_server(proof), "MALFORMED")

    signature, successions, fin_s = base.signature, base.successions, base.fin_s
    one, two = successions[:96], successions[96:]
    return [
        bad("successions left out", signature, fin_s),
        bad("the oldest succession left out", signature + two, fin_s),
        bad("the latest succession left out", signature + one, fin_s),
        bad("a succession added", signature + one + successions, fin_s),
        bad("successions exchanged", signature + two + one, fin_s),
        bad("bit flipped in a succession", signature + flip(successions, 0), fin_s),
        bad("fin_s of the signature alone", signature + successions, base.finish_server(signature)),
        sized("a succession one byte short", successions[:-1]),
        sized("a succession one byte long", successions + b"\x00"),
        sized("half a succession", successions[:144]),
        sized("nine successions", successions * 4 + one),
    ]


def bad_client_finishes(base: Handshake, other: Handshake) -> list[Vector]:
    """Return client finishes that a server must refuse."""

    def bad(name: str, line: str, expect: str = "AUTHENTICATION") -> Vector:
        return base.bad("CF: " + name, expect, "server", base.ch_line, line)

    def says(name: str, expect: str, message: bytes) -> Vector:
        return bad(name, frame_line(base.seal_cf(base.fin_c, message)), expect)

    cf, fin_c, first = base.cf, base.fin_c, base.client.login
    wrong_key = seal(base.s_hs, fin_c + first, b"encchat/1 CF", cf[:16])
    who = login(1, "alice")
    return [
        bad("bit flipped in the IV", frame_line(flip(cf, 0))),
        bad("bit flipped in the ciphertext", frame_line(flip(cf, 40))),
        bad("bit flipped in the tag", frame_line(flip(cf, -1))),
        bad("of another handshake", other.cf_line),
        bad("SA reflected", base.sa_line),
        bad("sealed as SA", frame_line(base.seal_cf(fin_c, first, b"encchat/1 SA"))),
        bad("sealed with the server's key", frame_line(wrong_key)),
        bad("bit flipped in fin_c", frame_line(base.seal_cf(flip(fin_c, -1), first))),
        bad("fin_c is fin_s", frame_line(base.seal_cf(base.fin_s, first))),
        bad("wrong fin_c and no login", frame_line(base.seal_cf(bytes(64), b"\xc1"))),
        says("a join", "UNEXPECTED", pack(message("join", id=1, room="lobby"))),
        says("a ping", "UNEXPECTED", pack(message("ping", id=1))),
        says("an update", "UNEXPECTED", pack(message("update"))),
        *(
            says(f"a login without {key}", "MESSAGE", pack({k: who[k] for k in who if k != key}))
            for key in ("nick", "key", "signature")
        ),
        says("a key of 31 bytes", "MESSAGE", pack({**who, "key": bytes(31)})),
        says("not MessagePack", "MESSAGE", b"\xc1"),
        says("empty message", "MESSAGE", b""),
        bad("length no multiple of 16", frame_line(cf[:-1]), "MALFORMED"),
    ]


def make_frames() -> list[Vector]:
    """Make frames.json."""
    secrets = {d: fixed(f"application secret {d}", 64) for d in "cs"}
    ping, update = message("ping", id=1), message("update")
    longest = message("refused", id=1, code="not_stored", text="x" * 16342)
    assert len(pack(longest)) == 16384

    def good(name: str, sender: Sender, messages: Sequence[Message]) -> Vector:
        vector: Vector = {"name": name, **sender.state()}
        frames: list[Vector] = []
        for number, message in enumerate(messages):
            iv = fixed(f"{name}, IV {number}", 16)
            key = derive(sender.secret, "key", b"")
            now: Vector = {"generation": sender.generation, "sequence": sender.sequence}
            line = sender.frame(message, iv)
            coded = {"key": key.hex(), "message": pack(message).hex(), "iv": iv.hex()}
            frames.append({**now, **coded, "line": line})
        after = {key: value for key, value in sender.state().items() if key != "direction"}
        return {**vector, "messages": frames, "after": after}

    talk = [ping, message("join", id=2, room="lobby"), update, ping, ping, update, ping]
    vectors = [
        good("client to server", Sender(secrets["c"], "c"), talk),
        good("server to client", Sender(secrets["s"], "s"), [ping, update, update, ping]),
        good("after vouchers", Sender(secrets["s"], "s", 0, 2, 3), [ping, update, ping]),
        good("the longest message", Sender(secrets["s"], "s"), [longest]),
        good("the end of a generation", Sender(secrets["c"], "c", 0, 2**20 - 2), [ping, update]),
        good("large numbers", Sender(secrets["c"], "c", 2**32 - 1, 2**20 - 2), [ping]),
    ]

    def bad(name: str, expect: str, line: str, *opened: str, **state: int | str) -> Vector:
        start = Sender(secrets["c"], "c").state() | state
        return {"name": name, "expect": expect, **start, "opened": list(opened), "line": line}

    def send(*messages: Message, sender: Sender | None = None) -> list[str]:
        sender = sender or Sender(secrets["c"], "c")
        ivs = (fixed(f"bad frame, IV {number}", 16) for number in range(len(messages)))
        return [sender.frame(message, iv) for message, iv in zip(messages, ivs, strict=True)]

    first, second, third = send(ping, ping, ping)
    updated = send(ping, update, ping, ping)
    stale = send(ping, ping, ping, sender=Sender(secrets["c"], "c"))[2]
    last = send(ping, sender=Sender(secrets["c"], "c", 0, 2**20 - 1))[0]
    vouched = send(ping, sender=Sender(secrets["s"], "s", vouchers=1))[0]
    box = base64.b64decode(first[2:])
    auth = "AUTHENTICATION"

    def other(secret: str, direction: str, generation: int = 0) -> str:
        return send(ping, sender=Sender(secrets[secret], direction, generation))[0]

    return [
        *vectors,
        bad("replayed", auth, first, first),
        bad("replayed later", auth, first, first, second),
        bad("skipped", auth, second),
        bad("one dropped", auth, third, first),
        bad("reflected", auth, other("s", "s")),
        bad("direction s under the secret of c", auth, other("c", "s")),
        bad("direction c under the secret of s", auth, other("s", "c")),
        bad("generation 1 under the secret of generation 0", auth, other("c", "c", 1)),
        bad("of the next generation, update dropped", auth, updated[2], updated[0]),
        bad("of the old generation after the update", auth, stale, *updated[:2]),
        bad("replayed from before the update", auth, updated[0], *updated[:2]),
        bad("update replayed", auth, updated[1], *updated[:2]),
        bad("skipped after the update", auth, updated[3], *updated[:2]),
        bad("records and voucher dropped", auth, vouched, direction="s", secret=secrets["s"].hex()),
        bad("bit flipped in the IV", auth, frame_line(flip(box, 0))),
        bad("bit flipped in the ciphertext", auth, frame_line(flip(box, 16))),
        bad("bit flipped in the tag", auth, frame_line(flip(box, -1))),
        bad("last frame of a generation is no update", "UNEXPECTED", last, sequence=2**20 - 1),
        bad("box too short", "MALFORMED", frame_line(box[:48])),
        bad("box of a wrong length", "MALFORMED", frame_line(box[:-1])),
        bad("empty box", "MALFORMED", "F "),
        bad("no box", "MALFORMED", "F"),
        bad("two spaces", "MALFORMED", first.replace(" ", "  ")),
        bad("space before", "MALFORMED", " " + first),
        bad("space behind", "MALFORMED", first + " "),
        bad("tab", "MALFORMED", first.replace(" ", "\t")),
        bad("a third token", "MALFORMED", first + " AAAA"),
        bad("unused bits of base64", "MALFORMED", unused_bits(first)),
        bad("base64 without padding", "MALFORMED", first.rstrip("=")),
        bad("base64 with too much padding", "MALFORMED", first + "===="),
        bad("a character that is not base64", "MALFORMED", first[:9] + "*" + first[10:]),
        bad("unknown kind", "MALFORMED", "X" + first[1:]),
        bad("kind in lower case", "MALFORMED", "f" + first[1:]),
        bad("not ASCII", "MALFORMED", first + " \u00e9"),
        bad("kind that is not ASCII", "MALFORMED", "\u00e9" + first[1:]),
        bad("of another version", "MALFORMED", "encchat/2 AAAA"),
        bad("empty line", "MALFORMED", ""),
    ]


ACCOUNT: Final = fixed("account", 16)
LOG: Final = fixed("log", 16)
EPOCH_KEY: Final = fixed("epoch key", 64)
POST_ID: Final = fixed("message", 16)
TIME: Final = 1_767_225_600_000
PASSING: Final = ("joined", "left", "renamed", "role", "typing")
TEXT: Final = "Gr\u00fc\u00dfe, \u4f60\u597d \U0001f512"


def body(kind: str, **others: Value) -> Message:
    """Build the body of a record."""
    return message(kind, time=TIME, account=ACCOUNT, nick="alice", **others)


def welcome(**others: Value) -> Message:
    """Build a welcome, with some values changed."""
    limits: Message = {"text": 8192, "nick": 32, "payload": 16384}
    start = message("welcome", id=1, account=ACCOUNT, nick="alice", server="encchat/0.1")
    return {**start, "time": TIME, "keeps": "disk", "limits": limits, "features": [], **others}


def example_messages() -> list[tuple[str, Message]]:
    """Return one or a few examples of everything in sections 6 and 7."""
    tail = 2**63 - 1
    acks = [[number, 2**16 + number, TIME + number] for number in range(1, 21)]
    ranks = ("member", "operator", "owner", "host")
    members: list[Value] = [
        [fixed(f"account {number}", 16), f"{number:032}", number % 2 == 0, ranks[number % 4]]
        for number in range(100)
    ]
    rooms = [[f"room {number}", 10**number, "What it is about"] for number in range(16)]
    logs = [[fixed(f"log {number}", 16), "public", "room", 2**number, 0] for number in range(17)]
    requests: list[Value] = [
        [fixed(f"log {number}", 16), ACCOUNT, f"{number:032}", TIME + number]
        for number in range(80)
    ]
    lobby: Message = {"log": LOG, "kind": "public", "room": "lobby"}
    bob: Message = {"log": LOG, "kind": "private", "room": "bob", "seq": 0, "tail": 0, "members": 2}
    posting: Message = {"log": LOG, "message": POST_ID}
    examples: dict[str, list[Message]] = {
        "request": [
            login(1, "alice"),
            message("nick", id=2, nick="J\u00fcrgen"),
            message("logs", id=3),
            message("logs", id=4, after=LOG),
            message("rooms", id=5),
            message("rooms", id=6, after="lobby"),
            message("join", id=7, room="lobby"),
            message("join", id=8, room="lobby", create="public"),
            message("join", id=39, room="club", create="public", new=True),
            message("join", id=9, room="caf\u00e9", create="invite"),
            message("private", id=10, nick="bob"),
            message("private", id=49, nick="bob", log=LOG),
            message("requests", id=39),
            message("requests", id=40, after=LOG),
            message("accept", id=41, log=LOG),
            message("decline", id=42, log=LOG),
            message("block", id=43, nick="eve"),
            message("unblock", id=44, nick="eve"),
            message("blocks", id=45),
            message("blocks", id=46, after="eve"),
            message("contact", id=47),
            message("contact", id=48, who="members"),
            message("read", id=11, log=LOG, after=0),
            message("read", id=12, log=LOG, after=tail),
            message("leave", id=13, log=LOG),
            message("who", id=14, log=LOG),
            message("who", id=2**32 - 1, log=LOG, after="alice"),
            message("topic", id=15, log=LOG, topic=""),
            message("topic", id=16, log=LOG, topic="\U0001f512" * 200),
            message("invite", id=17, log=LOG, nick="bob"),
            message("moderate", id=18, action="kick", nick="bob", log=LOG),
            message(
                "moderate", id=19, action="ban", nick="bob", seconds=60, reason="spam", network=True
            ),
            message("moderate", id=20, action="ban", nick="bob", network=True, force=True),
            message("slow", id=30, log=LOG, seconds=0),
            message("token", id=31, uses=1, seconds=86400),
            message("token", id=32, uses=10, seconds=1, log=LOG),
            message("code", id=33),
            message("devices", id=34),
            message("revoke", id=35, key=fixed("identity", 32)),
            {**login(36, "alice"), "code": "ABCDE-FGHJK"},
            {**login(37, "alice"), "token": POST_ID, "password": "x"},
            message("post", id=20, **posting, text="x" * 8192),
            message("post", id=21, **posting, text=TEXT),
            message("post", id=38, **posting, text="waves", me=True),
            message("post", id=22, **posting, text=TEXT, reply=17, me=True),
            message("edit", id=23, **posting, seq=18, text=TEXT),
            message("delete", id=24, **posting, seq=tail),
            message("react", id=25, **posting, seq=18, reaction="\U0001f44d\U0001f3fd"),
            message("react", id=26, **posting, seq=1, reaction=""),
            message("history", id=27, log=LOG, limit=50),
            message("history", id=50, log=LOG, limit=50, after=0),
            message("history", id=51, log=LOG, limit=50, time=TIME),
            message("history", id=28, log=LOG, limit=1, before=2),
            message("search", id=29, words="two words"),
            message("seen", log=LOG, seq=0),
            message("seen", log=LOG, seq=18),
            message("typing", log=LOG),
        ],
        "answer": [
            message("ok", id=2),
            message("refused", id=1, code="nick_taken", text="Somebody else has this name."),
            message("refused", id=7, code="already_reading", text="You are there.", log=LOG),
            welcome(server="", time=tail, features=["one", "two"]),
            welcome(),
            welcome(requests=100),
            message("logs", id=3, logs=logs, more=True),
            message("logs", id=4, logs=[[LOG, "private", "bob", tail, tail]], more=False),
            message("rooms", id=5, rooms=rooms, more=True),
            message("rooms", id=6, rooms=[["lobby", 2, ""]], more=False),
            message("joined", **lobby, seq=0, tail=0, members=1, topic="", id=7),
            message("joined", **bob, topic="", id=10),
            message("joined", **lobby, seq=17, tail=tail, members=500, topic=TEXT, id=12),
            message("members", id=14, log=LOG, members=members, more=True),
            message(
                "members", id=15, log=LOG, members=[[ACCOUNT, "alice", True, "member"]], more=False
            ),
            message("posted", log=LOG, seq=2**16 + 20, acks=acks),
            message("posted", log=LOG, seq=17, acks=[[20, 17, TIME]]),
            message("requests", id=39, requests=requests, more=True),
            message("requests", id=40, requests=requests[:1], more=False),
            message("blocks", id=45, nicks=["eve", "mallory"], more=True),
            message("blocks", id=46, nicks=[], more=False),
            message("contact", id=47, who="everybody"),
            message("page", id=27, count=0, more=False),
            message("page", id=28, count=50, more=True),
            message("code", id=33, code="ABCDE-FGHJK", seconds=600),
            message("devices", id=34, devices=[[fixed("identity", 32), TIME, True]]),
            message("token", id=31, token=POST_ID),
        ],
        "event": [
            message("keys", log=LOG, epoch=2**32 - 1, key=EPOCH_KEY),
            message("keys", log=LOG, epoch=1, key=EPOCH_KEY),
            message("opened", **lobby, seq=17, tail=17, members=3, topic="What it is about"),
            message("opened", **bob, topic=""),
            message("requested", log=LOG, account=ACCOUNT, nick="eve"),
            message("removed", log=LOG, text="alice removed you from lobby."),
            message("invited", room="lobby", by="alice"),
            message("seen", log=LOG, seq=18),
            message("notice", text="alice has muted you in lobby for good."),
        ],
        "both": [
            *(message("ping", id=2**bits - 1) for bits in (1, 7, 8, 16, 32)),
            *(message("ping", id=2**bits) for bits in (7, 8, 16)),
            message("pong", id=1),
            message("update"),
            message("close", code=0),
            message("close", code=1, retry_after=30),
        ],
        "body": [
            body("text", text="waves", me=True),
            body("text", text=TEXT, reply=tail, me=True),
            body("text", text=TEXT, reply=tail),
            body("text", text=TEXT),
            body("edit", seq=18, text=TEXT),
            body("delete", seq=18),
            body("reaction", seq=18, reaction="\U0001f44d\U0001f3fd"),
            body("reaction", seq=18, reaction=""),
            body("topic", topic="What it is about"),
            body("joined", new=True),
            body("left", gone=True),
            *(body(kind) for kind in ("joined", "left")),
            body("renamed", was="bob"),
            body("role", role="operator"),
            body("typing"),
        ],
    }
    return [(kind, example) for kind, group in examples.items() for example in group]


def variants() -> list[tuple[str, str, Message, bytes]]:
    """Return other encodings with the same meaning."""
    ping = message("ping", id=5)
    keys = message("keys", log=LOG, epoch=1, key=EPOCH_KEY)
    posted = message("posted", log=LOG, seq=2, acks=[[1, 2, 3]])
    moderate = message("moderate", id=5, action="op", nick="bob", log=LOG)
    post = message("post", id=20, log=LOG, message=POST_ID, text=TEXT)
    kick = message("moderate", id=18, action="kick", nick="bob", log=LOG)
    head, ident = (pack("type"), pack("ping")), (pack("id"), pack(5))
    cases: list[tuple[str, str, Message, bytes]] = [
        ("id first", "both", ping, pack_map(ident, head)),
        ("str8", "both", ping, pack_map((b"\xd9\x04type", b"\xd9\x04ping"), ident)),
        ("str16", "both", ping, pack_map((b"\xda\x00\x04type", b"\xda\x00\x04ping"), ident)),
        ("str32", "both", ping, pack_map((head[0], b"\xdb\x00\x00\x00\x04ping"), ident)),
        ("map16", "both", ping, b"\xde\x00\x02" + pack(ping)[1:]),
        ("map32", "both", ping, b"\xdf\x00\x00\x00\x02" + pack(ping)[1:]),
        ("bin16", "event", keys, pack(keys).replace(b"\xc4\x10", b"\xc5\x00\x10")),
        ("bin32", "event", keys, pack(keys).replace(b"\xc4\x10", b"\xc6\x00\x00\x00\x10")),
        ("array16", "answer", posted, pack(posted).replace(b"\x91", b"\xdc\x00\x01")),
        ("array32", "answer", posted, pack(posted).replace(b"\x93", b"\xdd\x00\x00\x00\x03")),
        ("optional false", "request", moderate, pack({**moderate, "network": False})),
        ("no action in a post", "request", post, pack({**post, "me": False})),
        (
            "no action in a text",
            "body",
            body("text", text=TEXT),
            pack(body("text", text=TEXT, me=False)),
        ),
        ("optional false first", "request", kick, pack({"network": False, **kick})),
        ("all keys backwards", "answer", welcome(), pack(dict(reversed([*welcome().items()])))),
    ]
    widths = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
    for number, name in enumerate(widths):
        wide = bytes([0xCC + number]) + uint(5, 2 ** (number % 4))
        cases.append((name, "both", ping, pack_map(head, (pack("id"), wide))))
    unknown = {
        "str": pack("text"),
        "bin": pack(b"\x00\xff"),
        "array": pack([1, [2, [3]]]),
        "map": pack({"a": {"b": [True]}}),
        "map with an integer as key": pack_map((pack(1), pack(2))),
        "bool": pack(False),
        "uint64": pack(2**64 - 1),
        "nil": b"\xc0",
        "negative integer": b"\xff",
        "float64": b"\xcb" + bytes(8),
        "extension type": b"\xd4\x01\x00",
        "extension type of no byte": b"\xc7\x00\x05",
        "extension type of 300 bytes": b"\xc8\x01\x2c\x05" + bytes(300),
        "extension type, fixext16": b"\xd8\x7f" + bytes(16),
        "timestamp": b"\xd6\xff\x00\x00\x00\x01",
        "timestamp of a wrong length": b"\xd4\xff\x00",
        "NaN": bytes.fromhex("cb7ff8000000000000"),
        "float32": bytes.fromhex("ca3f800000"),
        "int64": b"\xd3" + b"\xff" * 8,
        "str that is not UTF-8": b"\xa1\xff",
        "str of a surrogate": b"\xa3\xed\xa0\x80",
        "str that is not UTF-8, in an array": b"\x91\xa2\xc0\x80",
        "str that is not UTF-8, as a key in a map": pack_map((b"\xa1\xff", pack(1))),
        "map with the same key twice": pack_map((pack("a"), pack(1)), (pack("a"), pack(2))),
        "map with nil as key": pack_map((b"\xc0", pack(1))),
        "map with an array as key": pack_map((pack([1]), pack(1))),
        "map with a map as key": pack_map((pack({}), pack(1))),
        "16 arrays": b"\x91" * 15 + b"\x90",
        "16 maps": b"\x81\xa1a" * 15 + b"\x80",
    }
    for name, value in unknown.items():
        coded = pack_map(head, (pack("unknown"), value), ident)
        cases.append((f"unknown key: {name}", "both", ping, coded))
    for name, key in {"": b"\xa0", "not UTF-8": b"\xa1\xff", "of 40 bytes": pack("k" * 40)}.items():
        coded = pack_map(head, (key, pack(1)), ident)
        cases.append((f"unknown key that is {name or 'empty'}", "both", ping, coded))
    join, left = message("join", id=3, room="lobby"), body("left")
    for kind, example in {"request": join, "answer": posted, "event": keys, "body": left}.items():
        coded = pack({**example, "unknown": 1})
        cases.append((f"unknown key in the {kind}", kind, example, coded))
    return cases


def broken_maps() -> dict[str, bytes]:
    """Return bytes that are not messages at all."""
    ping, kind, update = pack(message("ping", id=1)), pack("type"), pack("update")
    deep = b"\x91" * 7999 + b"\x90"
    return {
        "empty": b"",
        "nothing but a map's head": b"\x82",
        "truncated by one byte": ping[:-1],
        "truncated in a key": ping[:4],
        "truncated in a str": pack(message("update"))[:-2],
        "one byte behind": ping + b"\x00",
        "the message twice": ping + ping,
        "a byte that MessagePack never uses": b"\xc1",
        "an array": pack([1, 2]),
        "a str": pack("ping"),
        "an integer": pack(1),
        "nil": b"\xc0",
        "an empty map": pack({}),
        "no type": pack({"id": 1}),
        "type is an integer": pack({"type": 1, "id": 1}),
        "type is a bin": pack({"type": b"ping", "id": 1}),
        "type is nil": pack_map((kind, b"\xc0"), (pack("id"), pack(1))),
        "an integer as key": pack_map((kind, update), (pack(1), pack(1))),
        "a bin as key": pack_map((kind, update), (pack(b"key"), pack(1))),
        "a map of 2^32 - 1 keys": b"\xdf\xff\xff\xff\xff" + ping[1:],
        "unknown key, never used byte": pack_map((kind, update), (pack("unknown"), b"\xc1")),
        "unknown key, never used byte in an array": pack_map(
            (kind, update), (pack("unknown"), b"\x91\xc1")
        ),
        "unknown key, truncated str": pack_map((kind, update), (pack("unknown"), b"\xa2x")),
        "unknown key, truncated extension type": pack_map(
            (kind, update), (pack("unknown"), b"\xd5\x01\x00")
        ),
        "unknown key, array of one element too few": pack_map(
            (kind, update), (pack("unknown"), b"\x92\x01")
        ),
        "nil as key": pack_map((kind, update), (b"\xc0", pack(1))),
        "an array as key": pack_map((kind, update), (pack([1]), pack(1))),
        "8000 arrays in type": pack_map((kind, deep)),
        "8000 arrays in an unknown key": pack_map((kind, update), (pack("unknown"), deep)),
        "8000 arrays in an unknown key before type": pack_map((pack("a"), deep), (kind, update)),
    }


# Encoded values to put under a key of an example.
WRONG_VALUES: Final[dict[tuple[str, str, str], dict[str, bytes]]] = {
    ("request", "join", "id"): {
        "negative": b"\xff",
        "0": pack(0),
        "2^32": pack(2**32),
        "a str": pack("1"),
        "true": pack(True),
        "a float": bytes.fromhex("cb3ff0000000000000"),
        "nil": b"\xc0",
    },
    ("request", "login", "nick"): {
        "of 2^32 - 1 bytes, truncated": b"\xdb\xff\xff\xff\xffx",
        "a bin": pack(b"alice"),
        "not UTF-8, a lone continuation byte": b"\xa1\x80",
        "not UTF-8, a cut sequence": b"\xa2\xe2\x82",
        "not UTF-8, Latin-1": b"\xa1\xfc",
        "not UTF-8, an overlong form": b"\xa2\xc0\x80",
        "not UTF-8, a surrogate": b"\xa3\xed\xa0\x80",
        "not UTF-8, beyond U+10FFFF": b"\xa4\xf4\x90\x80\x80",
    },
    ("request", "login", "key"): {
        "31 bytes": pack(bytes(31)),
        "33 bytes": pack(bytes(33)),
        "a str": pack("x" * 32),
    },
    ("request", "login", "signature"): {"63 bytes": pack(bytes(63)), "nil": b"\xc0"},
    ("request", "login", "code"): {"nil": b"\xc0", "a bin": pack(b"ABCDE-FGHJK")},
    ("request", "login", "token"): {"15 bytes": pack(bytes(15)), "nil": b"\xc0"},
    ("request", "login", "password"): {"nil": b"\xc0", "a bin": pack(b"x")},
    ("request", "revoke", "key"): {"31 bytes": pack(bytes(31)), "a str": pack("x" * 32)},
    ("request", "slow", "seconds"): {"negative": b"\xff", "nil": b"\xc0"},
    ("request", "token", "uses"): {"0": pack(0), "nil": b"\xc0"},
    ("request", "token", "seconds"): {"negative": b"\xff", "above 10^9": pack(10**9 + 1)},
    ("request", "moderate", "action"): {"a bin": pack(b"kick"), "nil": b"\xc0"},
    ("request", "moderate", "seconds"): {"negative": b"\xff", "nil": b"\xc0"},
    ("request", "moderate", "reason"): {"a bin": pack(b"spam"), "nil": b"\xc0"},
    ("request", "logs", "after"): {"nil": b"\xc0", "15 bytes": pack(bytes(15)), "a str": pack("x")},
    ("request", "rooms", "after"): {"nil": b"\xc0", "a bin": pack(b"lobby")},
    ("request", "join", "create"): {"nil": b"\xc0", "true": pack(True)},
    ("request", "join", "new"): {"nil": b"\xc0", "an integer": pack(1)},
    ("request", "private", "log"): {"nil": b"\xc0", "15 bytes": pack(bytes(15))},
    ("request", "private", "nick"): {"a bin": pack(b"bob")},
    ("request", "requests", "after"): {"nil": b"\xc0", "15 bytes": pack(bytes(15))},
    ("request", "accept", "log"): {"17 bytes": pack(bytes(17)), "a name": pack("eve")},
    ("request", "decline", "log"): {"15 bytes": pack(bytes(15)), "nil": b"\xc0"},
    ("request", "block", "nick"): {"a bin": pack(b"eve"), "nil": b"\xc0"},
    ("request", "unblock", "nick"): {"a bin": pack(b"eve")},
    ("request", "blocks", "after"): {"nil": b"\xc0", "a bin": pack(b"eve")},
    ("request", "contact", "who"): {"nil": b"\xc0", "true": pack(True)},
    ("request", "read", "log"): {"17 bytes": pack(bytes(17)), "a name": pack("lobby")},
    ("request", "read", "after"): {"negative": b"\xff", "2^63": pack(2**63), "nil": b"\xc0"},
    ("request", "leave", "log"): {"a name": pack("lobby")},
    ("request", "who", "log"): {"a name": pack("lobby")},
    ("request", "who", "after"): {"nil": b"\xc0", "a bin": pack(b"alice")},
    ("request", "topic", "topic"): {"nil": b"\xc0"},
    ("request", "invite", "nick"): {"a bin": pack(b"bob")},
    ("request", "moderate", "network"): {
        "nil": b"\xc0",
        "an integer": pack(1),
        "a str": pack("true"),
    },
    ("request", "moderate", "force"): {
        "nil": b"\xc0",
        "an integer": pack(1),
        "a str": pack("true"),
    },
    ("request", "post", "message"): {
        "a str": pack("x" * 16),
        "15 bytes": pack(bytes(15)),
        "17 bytes": pack(bytes(17)),
    },
    ("request", "post", "text"): {"a bin": pack(b"text"), "an array": pack(["text"])},
    ("request", "post", "reply"): {"0": pack(0), "2^63": pack(2**63), "nil": b"\xc0"},
    ("request", "post", "me"): {"nil": b"\xc0", "an integer": pack(1), "a str": pack("true")},
    ("request", "edit", "seq"): {"0": pack(0), "2^63": pack(2**63)},
    ("request", "delete", "seq"): {"0": pack(0), "a bin": pack(bytes(16))},
    ("request", "react", "seq"): {"0": pack(0), "negative": b"\xff"},
    ("request", "react", "reaction"): {"nil": b"\xc0"},
    ("request", "history", "limit"): {"0": pack(0), "51": pack(51), "a str": pack("50")},
    ("request", "history", "before"): {"0": pack(0), "2^63": pack(2**63), "nil": b"\xc0"},
    ("request", "history", "after"): {"negative": b"\xff", "2^63": pack(2**63), "nil": b"\xc0"},
    ("request", "history", "time"): {"negative": b"\xff", "2^63": pack(2**63), "nil": b"\xc0"},
    ("request", "search", "words"): {"an array": pack(["two", "words"])},
    ("request", "seen", "seq"): {"negative": b"\xff", "2^63": pack(2**63)},
    ("answer", "refused", "log"): {"15 bytes": pack(bytes(15)), "nil": b"\xc0", "a str": pack("x")},
    ("answer", "welcome", "account"): {"15 bytes": pack(bytes(15))},
    ("answer", "welcome", "time"): {
        "2^63": pack(2**63),
        "negative": b"\xd3" + b"\xff" * 8,
        "a float": bytes.fromhex("cb4270000000000000"),
        "an extension": b"\xd6\xff\x00\x00\x00\x01",
    },
    ("answer", "welcome", "limits"): {
        "an array": pack([]),
        "has an integer as key": b"\x81\x01\x01",
    },
    ("answer", "welcome", "features"): {"nil": b"\xc0", "has an integer": pack([1])},
    ("answer", "logs", "logs"): {
        "not arrays": pack([LOG]),
        "has one of four": pack([[LOG, "public", "room", 1]]),
        "has one of six": pack([[LOG, "public", "room", 1, 1, 1]]),
        "has a log of 15 bytes": pack([[LOG[:15], "public", "room", 1, 1]]),
        "has one with a str": pack([[LOG, "public", "room", 1, "1"]]),
    },
    ("answer", "rooms", "rooms"): {
        "not arrays": pack(["lobby"]),
        "has one of two": pack([["lobby", 1]]),
        "has one of four": pack([["lobby", 1, "", 1]]),
        "has one with a bin": pack([[b"lobby", 1, ""]]),
    },
    ("answer", "welcome", "requests"): {"negative": b"\xff", "nil": b"\xc0"},
    ("answer", "requests", "requests"): {
        "not arrays": pack(["eve"]),
        "has one of three": pack([[LOG, ACCOUNT, "eve"]]),
        "has one of five": pack([[LOG, ACCOUNT, "eve", 1, 1]]),
        "has an account of 15 bytes": pack([[LOG, ACCOUNT[:15], "eve", 1]]),
    },
    ("answer", "blocks", "nicks"): {"a str": pack("eve"), "has a bin": pack([b"eve"])},
    ("answer", "contact", "who"): {"nil": b"\xc0", "a bin": pack(b"nobody")},
    ("event", "requested", "account"): {"15 bytes": pack(bytes(15)), "a str": pack("eve")},
    ("answer", "joined", "id"): {"0": pack(0), "2^32": pack(2**32)},
    ("answer", "joined", "seq"): {"negative": b"\xff"},
    ("answer", "members", "members"): {
        "a str": pack("a"),
        "not arrays": pack(["alice"]),
        "has one of two": pack([["alice", True]]),
        "has one of three": pack([[ACCOUNT, "alice", True]]),
        "has one of five": pack([[ACCOUNT, "alice", True, "member", True]]),
        "has one with an integer": pack([[ACCOUNT, "alice", 1, "member"]]),
        "has one with an integer as role": pack([[ACCOUNT, "alice", True, 1]]),
        "has an account of 15 bytes": pack([[ACCOUNT[:15], "alice", True, "member"]]),
    },
    ("answer", "members", "more"): {"an integer": pack(1)},
    ("answer", "posted", "seq"): {"negative": b"\xff"},
    ("answer", "posted", "acks"): {
        "not arrays": pack([1, 2, 3]),
        "has one of two": pack([[1, 2]]),
        "has one of four": pack([[1, 2, 3, 4]]),
        "has one with a str": pack([[1, "2", 3]]),
        "has one with id 0": pack([[0, 2, 3]]),
        "has one with id 2^32": pack([[2**32, 2, 3]]),
    },
    ("answer", "page", "count"): {"negative": b"\xff", "a float": bytes.fromhex("ca3f800000")},
    ("answer", "page", "more"): {"nil": b"\xc0"},
    ("event", "keys", "log"): {"15 bytes": pack(bytes(15))},
    ("event", "keys", "epoch"): {"0": pack(0), "2^32": pack(2**32), "2^63": pack(2**63)},
    ("event", "keys", "key"): {"63 bytes": pack(bytes(63)), "65 bytes": pack(bytes(65))},
    ("event", "opened", "log"): {"17 bytes": pack(bytes(17))},
    ("event", "opened", "tail"): {"2^63": pack(2**63)},
    ("event", "removed", "text"): {"nil": b"\xc0"},
    ("event", "seen", "seq"): {"negative": b"\xff", "2^63": pack(2**63), "nil": b"\xc0"},
    ("request", "typing", "log"): {"15 bytes": pack(bytes(15)), "a name": pack("lobby")},
    ("event", "notice", "text"): {"nil": b"\xc0"},
    ("answer", "code", "seconds"): {"negative": b"\xff", "a str": pack("600")},
    ("answer", "devices", "devices"): {
        "not arrays": pack([bytes(32)]),
        "has one of two": pack([[bytes(32), 1]]),
        "has a key of 31 bytes": pack([[bytes(31), 1, True]]),
    },
    ("answer", "token", "token"): {"15 bytes": pack(bytes(15))},
    ("event", "invited", "by"): {"a bin": pack(bytes(16))},
    ("both", "close", "code"): {"a str": pack("0")},
    ("both", "close", "retry_after"): {"a str": pack("9"), "nil": b"\xc0"},
    ("body", "text", "time"): {"a str": pack("1"), "negative": b"\xff"},
    ("body", "text", "account"): {"17 bytes": pack(bytes(17)), "a str": pack("x" * 16)},
    ("body", "text", "reply"): {"0": pack(0), "nil": b"\xc0"},
    ("body", "text", "me"): {"nil": b"\xc0", "an integer": pack(1)},
    ("body", "edit", "seq"): {"0": pack(0)},
    ("body", "delete", "seq"): {"0": pack(0), "2^63": pack(2**63)},
    ("body", "reaction", "seq"): {"0": pack(0)},
    ("body", "reaction", "reaction"): {"a bin": pack(b"+")},
    ("body", "topic", "topic"): {"a bin": pack(b"topic")},
    ("body", "joined", "new"): {"nil": b"\xc0", "an integer": pack(1)},
    ("body", "left", "gone"): {"nil": b"\xc0", "a str": pack("true")},
    ("body", "renamed", "was"): {"a bin": pack(b"bob")},
    ("body", "role", "role"): {"nil": b"\xc0", "an integer": pack(1)},
}

# Keys that may be left out of the last example of each type; none of the others.
OPTIONAL: Final = {
    ("request", "logs", "after"),
    ("request", "rooms", "after"),
    ("request", "join", "create"),
    ("request", "join", "new"),
    ("request", "who", "after"),
    ("request", "private", "log"),
    ("request", "requests", "after"),
    ("request", "blocks", "after"),
    ("request", "contact", "who"),
    ("answer", "welcome", "requests"),
    *(("request", "login", key) for key in ("code", "token", "password")),
    *(("request", "moderate", key) for key in ("log", "seconds", "reason", "network", "force")),
    ("request", "token", "log"),
    ("request", "post", "reply"),
    ("request", "post", "me"),
    ("request", "history", "before"),
    ("both", "close", "retry_after"),
    ("answer", "refused", "log"),
}


def bad_messages() -> list[tuple[str, str, bytes]]:
    """Return encodings that must end the connection."""
    cases = [(name, "both", coded) for name, coded in broken_maps().items()]
    cases.append(("body truncated by one byte", "body", pack(body("left"))[:-1]))
    cases.append(("one byte behind a body", "body", pack(body("left")) + b"\x00"))
    examples = {(kind, str(example["type"])): example for kind, example in example_messages()}
    for (kind, name, key), wrong in WRONG_VALUES.items():
        for what, value in wrong.items():
            items = {pack(other): pack(item) for other, item in examples[kind, name].items()}
            coded = pack_map(*(items | {pack(key): value}).items())
            cases.append((f"{kind} {name}, {key}: {what}", kind, coded))
    for (kind, name), example in examples.items():
        for key in example:
            if key != "type" and (kind, name, key) not in OPTIONAL:
                rest = {other: item for other, item in example.items() if other != key}
                cases.append((f"{kind} {name} without {key}", kind, pack(rest)))
    return cases


def make_messages() -> list[Vector]:
    """Make messages.json."""
    vectors: list[Vector] = []
    for number, (kind, example) in enumerate(example_messages(), 1):
        name = f"{number}, {kind} {example['type']!s}"
        vector = {"name": name, "kind": kind, "message": plain(example)}
        vectors.append({**vector, "canonical": True, "encoded": pack(example).hex()})
    for name, kind, example, coded in variants():
        assert coded != pack(example), name
        vector = {"name": f"variant: {name}", "kind": kind, "message": plain(example)}
        vectors.append({**vector, "canonical": False, "encoded": coded.hex()})
    for name, kind, coded in bad_messages():
        assert len(coded) <= 16384, name
        vector = {"name": f"bad: {name}", "expect": "MESSAGE", "kind": kind}
        vectors.append({**vector, "encoded": coded.hex()})
    return vectors


def make_records() -> list[Vector]:
    """Make records.json."""
    vectors: list[Vector] = []
    for number in range(3):
        inputs = {who: fixed(f"{who} {number}", 16) for who in ("account", "message")}
        inputs["record_id"] = record_id(inputs["account"], inputs["message"])
        vectors.append({"name": f"record id {number}", **hexed(inputs)})

    ident = record_id(ACCOUNT, POST_ID)
    bodies = [example for kind, example in example_messages() if kind == "body"]
    epochs, numbers = (1, 2, 300, 2**32 - 1), (1, 2, 10**9, 2**63 - 1)
    for place, example in enumerate(bodies):
        epoch, seq, coded = epochs[place % 4], numbers[place % 4], pack(example)
        if example["type"] in PASSING:
            seq = 0
        name = f"{place + 1}, {example['type']!s}, epoch {epoch}, number {seq}"
        iv = fixed(f"record {place}", 16)
        record = seal_record(EPOCH_KEY, LOG, epoch, ident, coded, iv)
        values = {"epoch_key": EPOCH_KEY, "log": LOG, "record_id": ident, "iv": iv, "body": coded}
        vector: Vector = {"name": name, "epoch": epoch, "seq": seq}
        vector |= hexed(values | {"record": record})
        vectors.append({**vector, "line": record_line(LOG, seq, record)})

    def bad(name: str, line: str, expect: str = "AUTHENTICATION") -> Vector:
        return {"name": name, "expect": expect, "epoch_key": EPOCH_KEY.hex(), "line": line}

    coded = pack(body("text", text=TEXT))
    record = seal_record(EPOCH_KEY, LOG, 1, ident, coded, fixed("bad record", 16))
    other_key = seal_record(flip(EPOCH_KEY, 0), LOG, 1, ident, coded, fixed("bad record", 16))
    good = record_line(LOG, 7, record)
    log, coded64 = b64(LOG), b64(record)
    vectors += [
        bad("moved to another log", record_line(fixed("another log", 16), 7, record)),
        bad("other epoch number", record_line(LOG, 7, uint(2, 4) + record[4:])),
        bad("other record id", record_line(LOG, 7, flip(record, 4))),
        bad("bit flipped in the IV", record_line(LOG, 7, flip(record, 20))),
        bad("bit flipped in the ciphertext", record_line(LOG, 7, flip(record, 36))),
        bad("bit flipped in the tag", record_line(LOG, 7, flip(record, -1))),
        bad("sealed with another key", record_line(LOG, 7, other_key)),
    ]
    numbers_wrong = ["", "00", "-0", "01", "+1", "-1", "1.0", "1_0", "0x1", "1e3", "x", "9" * 20]
    for wrong in [*numbers_wrong, str(2**63), str(2**64)]:
        line = record_line(LOG, wrong, record)
        vectors.append(bad(f"sequence number {wrong or 'empty'}", line, "MALFORMED"))
    lines = {
        "two spaces before the sequence number": f"R {log}  7 {coded64}",
        "two spaces before the record": f"R {log} 7  {coded64}",
        "space at the end": good + " ",
        "tab": f"R {log}\t7 {coded64}",
        "no sequence number": f"R {log} {coded64}",
        "a fifth token": good + " AAAA",
        "no record": f"R {log} 7",
        "unused bits in the log": f"R {unused_bits(log)} 7 {coded64}",
        "log without padding": f"R {log.rstrip('=')} 7 {coded64}",
        "log of 15 bytes": record_line(LOG[:15], 7, record),
        "log of 17 bytes": record_line(LOG + b"\x00", 7, record),
        "unused bits in the record": unused_bits(good),
        "record without padding": good.rstrip("="),
        "record of a wrong length": record_line(LOG, 7, record[:-1]),
        "record without a box": record_line(LOG, 7, record[:20]),
        "record with a box of 48 bytes": record_line(LOG, 7, record[:68]),
        "kind in lower case": "r" + good[1:],
    }
    return vectors + [bad(name, line, "MALFORMED") for name, line in lines.items()]


def make_vouchers() -> list[Vector]:
    """Make vouchers.json."""
    secret = fixed("application secret s", 64)
    lines: list[str] = []
    for seq in (18, 0, 25):
        example = body("left") if seq == 0 else body("text", text=TEXT)
        ident, iv = fixed(f"record id {seq}", 16), fixed(f"voucher, IV {seq}", 16)
        record = seal_record(EPOCH_KEY, LOG, 1, ident, pack(example), iv)
        lines.append(record_line(LOG, seq, record))
    run = "".join(line + "\r\n" for line in lines).encode()
    one = (lines[0] + "\r\n").encode()
    backwards = "".join(line + "\r\n" for line in reversed(lines)).encode()

    def at(generation: int) -> tuple[bytes, bytes]:
        current = secret
        for _ in range(generation):
            current = derive(current, "upd", b"")
        return current, derive(current, "voucher", b"")

    def state(name: str, generation: int, counter: int, sequence: int, run: bytes) -> Vector:
        current, voucher_key = at(generation)
        return {
            "name": name,
            "s_ap": secret.hex(),
            "generation": generation,
            "secret": current.hex(),
            "voucher_key": voucher_key.hex(),
            "counter": counter,
            "sequence": sequence,
            "run": run.hex(),
        }

    def good(name: str, generation: int, counter: int, sequence: int, run: bytes) -> Vector:
        made = voucher(at(generation)[1], counter, sequence, run)[:16]
        vector = state(name, generation, counter, sequence, run)
        return {**vector, "voucher": made.hex(), "line": "V " + b64(made)}

    def bad(name: str, made: bytes | str, expect: str = "AUTHENTICATION") -> Vector:
        line = made if isinstance(made, str) else "V " + b64(made)
        return {**state(name, 0, 1, 5, run), "expect": expect, "line": line}

    def wrong(counter: int = 1, sequence: int = 5, run: bytes = run, key: bytes = b"") -> bytes:
        return voucher(key or at(0)[1], counter, sequence, run)[:16]

    right = wrong()
    return [
        good("one record", 0, 0, 1, one),
        good("three records, one of them passing", 0, 1, 5, run),
        good("after an update", 1, 0, 0, run),
        good("two updates, large numbers", 2, 2**40, 2**20 - 1, one),
        bad("counter too high", wrong(counter=2)),
        bad("counter too low", wrong(counter=0)),
        bad("sequence too high", wrong(sequence=6)),
        bad("sequence too low", wrong(sequence=4)),
        bad("counter and sequence exchanged", wrong(counter=5, sequence=1)),
        bad("run reordered", wrong(run=backwards)),
        bad("a record missing", wrong(run=run[len(one) :])),
        bad("a record twice", wrong(run=run + one)),
        bad("empty run", wrong(run=b"")),
        bad("line ends are LF", wrong(run=run.replace(b"\r\n", b"\n"))),
        bad("last line end left out", wrong(run=run[:-2])),
        bad("of another generation", wrong(key=at(1)[1])),
        bad("made with the frame key", wrong(key=derive(secret, "key", b""))),
        bad("bit flipped in the first byte", flip(right, 0)),
        bad("bit flipped in the last byte", flip(right, -1)),
        bad("15 bytes", right[:15], "MALFORMED"),
        bad("32 bytes", voucher(at(0)[1], 1, 5, run), "MALFORMED"),
        bad("empty", "V ", "MALFORMED"),
        bad("unused bits of base64", unused_bits("V " + b64(right)), "MALFORMED"),
        bad("without padding", "V " + b64(right).rstrip("="), "MALFORMED"),
        bad("two spaces", "V  " + b64(right), "MALFORMED"),
        bad("another token", f"V {b64(right)} 1", "MALFORMED"),
    ]


class Reading:
    """A server's lines to a client that has logged in, step by step."""

    def __init__(self, name: str, *logs: bytes) -> None:
        """Start by joining logs, and sending their keys of epoch 1."""
        self.name = name
        self.sender = Sender(fixed("application secret s", 64), "s", 0, 1)
        self.start = self.sender.state()
        self.steps: list[Vector] = []
        self.run: list[tuple[str, Vector]] = []
        for log in logs:
            self.keys(log=log).joined(log=log)

    def random(self, length: int) -> bytes:
        """Choose unique bytes."""
        return fixed(f"{self.name}, {len(self.steps)}", length)

    def line(self, line: str) -> "Reading":
        """Send any line."""
        self.steps.append({"line": line})
        return self

    def frame(self, message: Message) -> "Reading":
        """Send a frame."""
        line = self.sender.frame(message, self.random(16))
        self.steps.append({"line": line, "message": plain(message)})
        return self

    def keys(self, epoch: int = 1, log: bytes = LOG) -> "Reading":
        """Send an epoch's key."""
        return self.frame(message("keys", log=log, epoch=epoch, key=epoch_key(log, epoch)))

    def joined(self, seq: int = 17, tail: int = 17, log: bytes = LOG) -> "Reading":
        """Answer a request to read."""
        where: Message = {"log": log, "kind": "public", "room": "lobby"}
        rest = message("joined", **where, seq=seq, tail=tail, members=2, topic="", id=2)
        return self.frame(rest)

    def opened(self, seq: int = 17) -> "Reading":
        """Announce that reading begins."""
        where: Message = {"log": LOG, "kind": "private", "room": "bob"}
        return self.frame(message("opened", **where, seq=seq, tail=seq, members=2, topic=""))

    def leaves(self, number: int = 3) -> "Reading":
        """Make the client ask to leave the log."""
        self.steps.append({"sends": plain(message("leave", id=number, log=LOG))})
        return self

    def removed(self) -> "Reading":
        """Announce that reading is over."""
        return self.frame(message("removed", log=LOG, text="bob removed you."))

    def ok(self, number: int = 3) -> "Reading":
        """Answer that a request is done."""
        return self.frame(message("ok", id=number))

    def refused(self, number: int = 3) -> "Reading":
        """Answer that a request is refused."""
        return self.frame(message("refused", id=number, code="not_stored", text="Try again."))

    def page(self, count: int) -> "Reading":
        """Announce a page of records."""
        return self.frame(message("page", id=7, count=count, more=True))

    def record(
        self, seq: int, epoch: int = 1, log: bytes = LOG, coded: bytes = b"", key: bytes = b""
    ) -> "Reading":
        """Send a record; the same one if it was sent before."""
        example = body("joined") if seq == 0 else body("text", text=f"This is number {seq}.")
        coded, key = coded or pack(example), key or epoch_key(log, epoch)
        name = f"{log.hex()}, {seq}, {epoch}"
        ident, iv = fixed(f"id, {name}", 16), fixed(f"IV, {name}", 16)
        line = record_line(log, seq, seal_record(key, log, epoch, ident, coded, iv))
        values = hexed({"log": log, "record_id": ident, "body": coded})
        self.run.append((line, {"seq": seq, **values}))
        return self.line(line)

    def voucher(self, page: int = 0, flipped: bool = False) -> "Reading":
        """Vouch for the records since the last voucher; they belong to the page if it is not 0."""
        run = "".join(line + "\r\n" for line, _ in self.run).encode()
        key = derive(self.sender.secret, "voucher", b"")
        made = voucher(key, self.sender.vouchers, self.sender.sequence, run)[:16]
        self.sender.vouchers += 1
        delivers = [{"page": page, **record} for _, record in self.run]
        line = "V " + b64(flip(made, -1) if flipped else made)
        self.steps.append({"line": line, "delivers": delivers})
        self.run = []
        return self

    def records(self, *numbers: int, page: int = 0) -> "Reading":
        """Send a run of records and its voucher."""
        for seq in numbers:
            self.record(seq)
        return self.voucher(page)

    def ends(self, expect: str = "UNEXPECTED") -> Vector:
        """Return the vector; the last line must be refused."""
        *before, last = self.steps
        assert "line" in last
        vector: Vector = {"name": self.name, "expect": expect, **self.start}
        return {**vector, "steps": before, "line": last["line"]}

    def goes_on(self) -> Vector:
        """Return the vector; everything must be accepted, and another frame after it."""
        self.frame(message("ok", id=9))
        return {"name": self.name, **self.start, "steps": self.steps}


def epoch_key(log: bytes, epoch: int) -> bytes:
    """Choose the key of an epoch."""
    return fixed(f"key of {log.hex()}, {epoch}", 64)


OTHER_LOG: Final = fixed("another log", 16)


def make_reading() -> list[Vector]:
    """Make reading.json."""
    return [*good_readings(), *bad_pages(), *bad_records()]


def good_readings() -> list[Vector]:
    """Return readings that a client accepts."""

    def at(name: str, *logs: bytes) -> Reading:
        return Reading(name, *(logs or (LOG,)))

    later = pack(message("later", time=b"of another type"))
    update = message("update")
    readings = [
        at("new records").records(18, 19).records(25),
        at("the largest number").records(2**63 - 1),
        at("passing records").records(0).records(0, 18, 0, 0, 19, 0),
        at("a run of two logs", LOG, OTHER_LOG).record(18).record(18, log=OTHER_LOG).voucher(),
        at("a body of an unknown type").record(18, coded=later).voucher(),
        at("a new epoch").records(18).keys(2).record(19, 2).record(0, 2).record(20, 2).voucher(),
        at("an update between runs").records(18).frame(update).records(19).records(20),
        Reading("keys after joined").joined().keys().records(18),
        Reading("read from the start").keys().joined(0, 17).records(1, 2, 17),
        Reading("read behind the tail").keys().joined(15, 17).records(16, 17).records(18),
        Reading("opened").keys().opened().records(18),
        at("removed, and opened again").removed().keys().opened(20).records(21),
        at("left, and joined again").leaves().ok().keys().joined(20, 20).records(21),
        at("left, and joined again in an earlier epoch")
        .keys(2)
        .record(18, 2)
        .voucher()
        .leaves()
        .ok()
        .keys()
        .joined(20, 20)
        .records(21),
        at("records before the answer to leave").leaves().records(18, 19).ok(),
        at("leave refused").leaves().refused().records(18),
        at("the ok to something else").leaves().ok(4).records(18),
        at("an ok with the id of a leave that was refused").leaves().refused().ok().records(18),
        at("one log of two left", LOG, OTHER_LOG).leaves().ok().record(18, log=OTHER_LOG).voucher(),
        at("several epochs")
        .keys(2)
        .keys(5)
        .record(18)
        .record(19, 2)
        .record(0, 2)
        .record(20, 5)
        .voucher()
        .record(21, 5)
        .voucher(),
        at("each log has its epochs", LOG, OTHER_LOG)
        .keys(2)
        .record(18, 2)
        .record(18, log=OTHER_LOG)
        .voucher(),
        at("an earlier epoch in a page alone")
        .keys(2)
        .record(18, 2)
        .voucher()
        .keys(1)
        .page(1)
        .record(17)
        .voucher(7)
        .record(19, 2)
        .voucher(),
        at("an empty page").page(0).records(18),
        at("a page").page(2).records(5, 9, page=7).records(18),
        at("a page, the latest first").records(18).page(3).records(18, 9, 5, page=7).records(19),
        at("a page from behind the cursor").page(1).records(18, page=7).records(18),
        at("two pages").page(1).records(5, page=7).page(1).records(5, page=7),
        at("an update before a page").frame(update).page(1).records(5, page=7).records(18),
        at("an update behind a page").page(1).records(5, page=7).frame(update).records(18),
        at("a page of a log that is read and of one that is not")
        .keys(log=OTHER_LOG)
        .page(2)
        .record(5, log=OTHER_LOG)
        .record(5)
        .voucher(7)
        .records(18),
        at("a page of an older epoch, whose key is sent again")
        .keys(2)
        .record(18, 2)
        .voucher()
        .keys(1)
        .page(2)
        .record(17)
        .record(18, 2)
        .voucher(7)
        .record(19, 2)
        .voucher(),
        Reading("a page of a log that is read only later")
        .keys()
        .page(1)
        .records(18, page=7)
        .joined()
        .records(18),
    ]
    return [reading.goes_on() for reading in readings]


def bad_pages() -> list[Vector]:
    """Return pages that a client must refuse."""

    def at(name: str) -> Reading:
        return Reading("page: " + name, LOG)

    return [
        at("a record more than it says").page(1).records(5, 6, page=7).ends(),
        at("a record less than it says").page(2).records(5, page=7).ends(),
        at("in two runs").page(2).records(5).ends(),
        at("a passing record in it").page(2).records(5, 0, page=7).ends(),
        at("passing records alone").page(1).records(0, page=7).ends(),
        at("a voucher in the place of the run").page(1).voucher().ends(),
        at("a frame in the place of the run").page(1).frame(message("ping", id=1)).ends(),
        at("an update in the place of the run").page(1).frame(message("update")).ends(),
        at("a close in the place of the run").page(1).frame(message("close", code=0)).ends(),
        at("another page in the place of the run").page(1).page(1).ends(),
        at("an empty page in the place of the run").page(1).page(0).ends(),
        at("a hello in the place of the run").page(1).line("encchat/1 AAAA").ends(),
        at("a close in clear there").page(1).line("encchat/1 close 0").ends(),
        at("a frame between the run and its voucher").page(1).record(5).page(1).ends(),
        at("a wrong voucher").page(1).record(5).voucher(7, flipped=True).ends("AUTHENTICATION"),
        at("a log without a key").page(1).record(5, log=OTHER_LOG).voucher(7).ends(),
        at("an epoch without a key").page(1).record(5, 2).voucher(7).ends(),
        at("of a log after removed").removed().page(1).records(5, page=7).ends(),
        at("sealed with another key")
        .page(1)
        .record(5, key=fixed("another key", 64))
        .voucher(7)
        .ends("AUTHENTICATION"),
        at("a body that is none").page(1).record(5, coded=b"\xc1").voucher(7).ends("MESSAGE"),
    ]


def bad_records() -> list[Vector]:
    """Return new records that a client must refuse."""

    def at(name: str) -> Reading:
        return Reading("record: " + name, LOG)

    no_text = pack(body("text"))
    return [
        at("the number that joined named").records(17).ends(),
        at("a number below the one that joined named").records(1).ends(),
        at("the same number again").records(18, 18).ends(),
        at("the same number in the next run").records(18).records(18).ends(),
        at("a lower number").records(19, 18).ends(),
        at("the same number behind a passing record").records(18, 0, 18).ends(),
        at("a number of a page, twice").page(1).records(18, page=7).records(18, 18).ends(),
        Reading("record: the number that opened named").keys().opened(17).records(17).ends(),
        Reading("record: of a log that is not read").keys().records(18).ends(),
        Reading("record: passing, of a log that is not read").keys().records(0).ends(),
        Reading("record: of a log with a page only")
        .keys()
        .page(1)
        .records(5, page=7)
        .records(18)
        .ends(),
        at("of an unknown log").record(18, log=OTHER_LOG).voucher().ends(),
        at("after removed").removed().records(18).ends(),
        at("passing, after removed").removed().records(0).ends(),
        at("after removed, with a key").removed().keys().records(18).ends(),
        at("after the ok to leave").leaves().ok().records(18).ends(),
        at("passing, after the ok to leave").leaves().ok().records(0).ends(),
        at("after the ok to leave, with a key").leaves().ok().keys().records(18).ends(),
        at("of a page, after the ok to leave").leaves().ok().page(1).records(5, page=7).ends(),
        at("an earlier epoch").keys(2).record(18, 2).voucher().record(19).voucher().ends(),
        at("an earlier epoch in the same run").keys(2).record(18, 2).record(19).voucher().ends(),
        at("passing, an earlier epoch").keys(2).record(18, 2).record(0).voucher().ends(),
        at("an earlier epoch than that of a passing one")
        .keys(2)
        .record(0, 2)
        .record(18)
        .voucher()
        .ends(),
        at("an earlier epoch, whose key is sent again")
        .keys(2)
        .record(18, 2)
        .voucher()
        .keys(1)
        .record(19)
        .voucher()
        .ends(),
        at("an earlier epoch, whose key was sent again for a page")
        .keys(2)
        .record(18, 2)
        .voucher()
        .keys(1)
        .page(1)
        .record(17)
        .voucher(7)
        .record(19)
        .voucher()
        .ends(),
        at("an epoch without a key").record(18, 2).voucher().ends(),
        at("passing, an epoch without a key").record(0, 2).voucher().ends(),
        at("epoch 0").record(18, 0).voucher().ends(),
        at("a frame before the voucher").record(18).frame(message("ok", id=3)).ends(),
        at("a frame before the voucher of a passing one").record(0).frame(message("update")).ends(),
        at("a voucher without one").voucher().ends(),
        at("a voucher too many").records(18).voucher().ends(),
        at("a wrong voucher").record(18).voucher(flipped=True).ends("AUTHENTICATION"),
        at("sealed with another key")
        .record(18, key=fixed("another key", 64))
        .voucher()
        .ends("AUTHENTICATION"),
        at("a body that is none").record(18, coded=b"\xc1").voucher().ends("MESSAGE"),
        at("a body without text").record(18, coded=no_text).voucher().ends("MESSAGE"),
    ]


# Text, words, and whether a search for the words finds the text.
SEARCHES: Final[dict[str, list[tuple[str, str, bool]]]] = {
    "words": [
        ("hello world", "hello", True),
        ("hello world", "world hello", True),
        ("hello world", "hello there", False),
        ("hello world", "hell", False),
        ("hello", "hello hello", True),
        ("a", "a", True),
        ("x_y", "x", True),
        ("v2 of 10", "v2", True),
        ("v2 of 10", "v", False),
        ("\u4f60\u597d \u4e16\u754c", "\u4f60\u597d", True),
        ("\u4f60\u597d \u4e16\u754c", "\u4f60", True),
        ("\u2168", "\u2168", True),
        ("\u00bd cup", "\u00bd", True),
        ("\u0664\u0662", "\u0664\u0662", True),
        ("\ue000", "\ue000", True),
        ("\U00100000", "\U00100000", True),
        ("a\u200db", "a", False),
        ("a\u200db", "ab", True),
        ("a\u200bb", "ab", False),
        ("a\u200bb", "b", True),
        ("so\u00adft", "soft", True),
        ("a\u0000b", "b", True),
        ("a\ufffeb", "b", True),
    ],
    "no words": [
        ("hello", "", False),
        ("hello", " \t\r\n ", False),
        ("hello -", "-", False),
        ("hello - ...", "- ...", False),
        ("-", "-", False),
        ("hello", "hello -", True),
        ("hello", "- hello", True),
        ("hello \u2019", "\u2019", False),
        ("", "hello", False),
    ],
    "phrases": [
        ("a b", "a-b", True),
        ("a-b", "a b", True),
        ("a.b", "a-b", True),
        ("a \u2014 b", "a-b", True),
        ("b a", "a-b", False),
        ("a x b", "a-b", False),
        ("a b c", "a-b-c", True),
        ("a b x c", "a-b-c", False),
        ("b c a b", "a-b c", True),
        ("don't", "don't", True),
        ("don't", "dont", False),
        ("don\u2019t", "don't", True),
        ("1.5", "1,5", True),
        ("15", "1.5", False),
        ("see https://example.org/a?b=c", "https://example.org/a?b=c", True),
        ("see https://example.org/a", "https://example.org/b", False),
        ("\u0939\u093f\u0928\u094d\u0926\u0940", "\u0939\u093f\u0928\u094d\u0926\u0940", True),
        ("\u0939\u093f\u0928\u094d\u0926\u0940", "\u0939", False),
        ("\u0939\u093f\u0928\u094d\u0926\u0940", "\u0939\u093f", False),
    ],
    "quotes": [
        ("say hello", '"say hello"', True),
        ("hello say", '"say hello"', False),
        ("say, hello", '"say hello"', True),
        ("say it hello", '"say hello"', False),
        ("a b c d", '"a b" "c d"', True),
        ("c d a b", '"a b" "c d"', True),
        ("a c b d", '"a b" "c d"', False),
        ("a b c", 'c "a b"', True),
        ("a b c", 'c"a b"', True),
        ("a b", '"a b', True),
        ("b a", '"a b', False),
        ("b a", 'b" a', True),
        ("b a", '""a b', True),
        ("a\u0000b", '"a b"', True),
        ("a b", "\u201ca b\u201d", True),
        ("b a", "\u201ca b\u201d", False),
        ("b a", "\u201ea b\u201c", False),
        ("b a", "\uff02a b\uff02", False),
        ("b a", "\u00aba b\u00bb", True),
        ("b a", "'a b'", True),
    ],
    "scripts without spaces": [
        ("\u6211\u5bb6\u5728\u4e0a\u6d77\u4e1c\u8fb9\u3002", "\u4e0a\u6d77", True),
        ("\u6211\u5bb6\u5728\u4e0a\u6d77\u4e1c\u8fb9\u3002", "\u6d77\u4e0a", False),
        ("\u6211\u5bb6\u5728\u4e0a\u6d77\u4e1c\u8fb9\u3002", "\u6211\u5bb6 \u4e1c\u8fb9", True),
        ("\u6211\u5bb6\u5728\u4e0a\u6d77\u4e1c\u8fb9\u3002", "\u6211\u5728", False),
        ("\u4e0a \u6d77", "\u4e0a\u6d77", True),
        ("\uac80\uc0c9\uc744", "\uac80\uc0c9", True),
        ("\u1100\u1165\u11b7\uc0c9\uc744", "\uac80\uc0c9", True),
        ("\u6771\u4eac\u30bf\u30ef\u30fc\u3078", "\u30bf\u30ef\u30fc", True),
        ("\u304c\u3063\u3053\u3046", "\u304b", False),
        ("\u304b\u3099\u3063\u3053\u3046", "\u304c\u3063", True),
        ("\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22", "\u0e44\u0e17\u0e22", True),
        ("\u0e17\u0e35\u0e48", "\u0e17\u0e35", False),
        (
            "\u1797\u17b6\u179f\u17b6\u1781\u17d2\u1798\u17c2\u179a",
            "\u1781\u17d2\u1798\u17c2\u179a",
            True,
        ),
        ("\u1019\u103c\u1014\u103a\u1019\u102c\u1005\u102c", "\u1005\u102c", True),
        ("\u7528Python\u5199", "python", True),
        ("\u7528Python\u5199", "pyth", False),
        ("\u7b2c3\u7ae0", "3\u7ae0", True),
        ("\U00020bb7\u91ce\u5bb6", "\u91ce\u5bb6", True),
    ],
    "symbols": [
        ("\U0001f600", "\U0001f600", True),
        ("hello\U0001f600", "hello", True),
        ("hello \U0001f600", "\U0001f601", False),
        ("\U0001f600\U0001f601", "\U0001f601", True),
        ("\U0001f44d\U0001f3fd", "\U0001f44d", True),
        ("\U0001f44d", "\U0001f44d\U0001f3fd", False),
        ("\u2764\ufe0f", "\u2764", True),
        ("\u2764", "\u2764\ufe0f", True),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f469", True),
        ("\U0001f1e9\U0001f1ea", "\U0001f1e9\U0001f1ea", True),
        ("1\ufe0f\u20e3", "1", True),
        ("5 \u20ac", "\u20ac", True),
        ("5 $", "$", False),
        ("a \u2194 b", "a b", True),
        ("a \u2194 b", '"a b"', False),
        ("a \u2194 b", '"a \u2194 b"', True),
    ],
    "compatibility": [
        ("\ufb01le", "file", True),
        ("file", "\ufb01le", True),
        ("\uff21\uff22\uff23", "abc", True),
        ("\uff83\uff7d\uff84", "\u30c6\u30b9\u30c8", True),
        ("\uff76\uff9e", "\u30ac", True),
        ("x\u00b2", "x2", True),
        ("\u00bd", "1/2", True),
        ("\u2460", "1", True),
        ("\U0001d400", "a", True),
        ("\u2122", "tm", True),
        ("\u2f00", "\u4e00", True),
        ("\uf900", "\u8c48", True),
        ("\u203c", "\u203c", False),
    ],
    "white space": [
        ("a x b", "a\tb", True),
        ("a x b", "a\r\nb", True),
        ("a x b", "a\u0000b", True),
        ("a x b", "a\u001cb", True),
        ("a x b", "a\u001fb", True),
        ("a x b", "a\u0085b", True),
        ("a x b", "a\u00a0b", True),
        ("a x b", "a\u1680b", True),
        ("a x b", "a\u2003b", True),
        ("a x b", "a\u2028b", True),
        ("a x b", "a\u202fb", True),
        ("a x b", "a\u3000b", True),
        ("a x b", "a\u0001b", False),
        ("a x b", "a\u200bb", False),
        ("a x b", "a\u180eb", False),
        ("a x b", "a\ufeffb", False),
    ],
    "no operators": [
        ("hello", "hel*", False),
        ("hello", "NOT there", False),
        ("hello OR there", "hello OR", True),
        ("hello", "hello OR there", False),
        ("hello", '"hello', True),
        ("hello", "text:hello", False),
        ("text hello", "text:hello", True),
        ("hello", "^hello", True),
        ("there hello", "^hello", True),
        ("a b", "NEAR(a b)", False),
        ("hello", "(hello)", True),
        ("hello", "'); DROP TABLE words; --", False),
    ],
    "case": [
        ("Hello", "hELLO", True),
        ("\u00c4RGER", "\u00e4rger", True),
        ("\u041f\u0440\u0438\u0432\u0435\u0442", "\u043f\u0420\u0418\u0412\u0415\u0422", True),
        ("\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c2", True),
        ("Stra\u00dfe", "strasse", True),
        ("Stra\u00dfe", "STRA\u1e9eE", True),
        ("\u0130", "i", True),
        ("\u0131", "i", False),
        ("\u212a", "k", True),
        ("\u017f", "S", True),
        ("\u01c5", "\u01c6", True),
        ("\U00010400", "\U00010428", True),
        ("\uff21", "\uff41", True),
    ],
    "marks": [
        ("\u00c9lan", "elan", True),
        ("elan", "\u00c9lan", True),
        ("E\u0301lan", "\u00e9lan", True),
        ("e\u0302\u0301", "e", True),
        ("\u1ebf", "e", True),
        ("\u1ebf", "\u00ea\u0301", True),
        ("\u01d5", "u", True),
        ("\u00ea\u0301", "e", True),
        ("\u1ebe", "\u1ebf", True),
        ("\u00f8", "o", False),
        ("\u0142", "l", False),
        ("\u00e7a", "ca", True),
        ("c\u0327a", "ca", True),
        ("\u00c5", "a", True),
        ("\u212b", "\u00e5", True),
        ("\u1e9b", "s", True),
        ("\u03ac", "\u03b1", False),
        ("\u03b1\u0301", "\u03b1", False),
        ("\u03b1\u0301", "\u03ac", True),
        ("\u0439", "\u0438", False),
        ("\u0438\u0306", "\u0439", True),
        ("\u0301a", "a", True),
        ("a\u0305b", "ab", True),
        ("a\u0305b", "b", False),
        ("a\u0331b", "ab", True),
        ("\u0905\u0902", "\u0905", False),
        ("\u0905\u0902", "\u0905\u0902", True),
        ("a\u20ddb", "ab", True),
    ],
    "long": [
        ("\ufdfa" * 454 + " end", "end", True),
        ("\ufdfa" * 455 + " end", "end", False),
    ],
}


def make_search() -> list[Vector]:
    """Make search.json."""
    vectors: list[Vector] = []
    for kind, cases in SEARCHES.items():
        for number, (text, words, found) in enumerate(cases, 1):
            vector: Vector = {"name": f"{kind}, {number}", "text": text, "words": words}
            vectors.append({**vector, "found": found})
    return vectors


FILES: Final[dict[str, tuple[str, Callable[[], list[Vector]]]]] = {
    "sealing": (
        "Section 3. `box` is Seal(key, plaintext; aad) with `iv`. A vector with `expect` is a box"
        " that does not open under `key` and `aad`.",
        make_sealing,
    ),
    "derive": (
        "Section 1. `function` is Derive (inputs secret, label, context, length) or TH (inputs"
        " messages).",
        make_derive,
    ),
    "handshake": (
        "Section 4. `client` and `server` are what each side chooses: `mlkem_seed` is d || z and"
        " `mlkem_m` is m of FIPS 203; `K` is `ss_kem`, ML-KEM's shared secret. `lines` are CH, SH,"
        " SA and CF. `predecessors` are the earlier host keys that `successions` prove, the latest"
        " first; `words` is the fingerprint in words. In a vector with `expect` the side `role` has"
        " chosen `private`, receives the lines `receives` and fails at the last of them; before"
        " that it has sent the lines `sends`.",
        make_handshake,
    ),
    "signatures": (
        "Section 4.3. Ed25519: `signature` of `key` over `message`. In a vector with `expect` it"
        " must not verify. Those with `R of` or `R with a part of` in their name satisfy the"
        " equation with the cofactor, and `R of order 1` the one without it; some libraries take"
        " them.",
        make_signatures,
    ),
    "frames": (
        "Section 5. A sender in `direction` (c: client to server) starts with `secret`,"
        " `generation`, `sequence` and `vouchers`, seals `messages` in order and is then in the"
        " state `after`;"
        " `key` is the key of the frame. A vector with `expect` is for a receiver that starts so:"
        " it opens the lines `opened` and must then refuse `line`.",
        make_frames,
    ),
    "messages": (
        "Sections 6 and 7. `kind`: request (to the server), answer and event (to the client), both"
        " (either way) or body (of a record). `encoded` decodes to `message`, where {hex: ...} is a"
        " bin. If `canonical`, it is the shortest form with the keys in the order of the tables,"
        " `type` first, then `id` (in `joined`: last); the order is not demanded of a sender.",
        make_messages,
    ),
    "records": (
        "Section 7. Either the record id of a post from `account` and `message`, or a record in all"
        " its parts. In a vector with `expect` a client whose key for every epoch is `epoch_key`"
        " takes `line`, which is either no record line (MALFORMED) or holds a record that does not"
        " open for the log named in it (AUTHENTICATION).",
        make_records,
    ),
    "vouchers": (
        "Section 8. `s_ap` is the server's application secret, `secret` and `voucher_key` belong to"
        " `generation`; `counter` vouchers were sent in it, the next frame has `sequence`; `run`"
        " is the bytes of the record lines. In a vector with `expect` a client in that state, which"
        " has received `run`, must refuse `line`.",
        make_vouchers,
    ),
    "reading": (
        "Sections 6 to 8. A client that has logged in, for whose direction (s) the keys of frames"
        " and vouchers are in the state given as in frames.json, takes the lines of `steps` in"
        " order. (Where a step has no line but `sends`, it sends that request then.) A frame gives"
        " it `message`; a voucher `delivers` records, where `page` is the id of the request that"
        " they answer, or 0 for new ones. In a vector with `expect` it must then refuse `line`.",
        make_reading,
    ),
    "search": (
        "Section 6.1. Whether a `search` for `words` finds a record with `text`.",
        make_search,
    ),
}


def main() -> int:
    """Write the files, or compare them."""
    parser = argparse.ArgumentParser(description="Make the test vectors from docs/protocol.md.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check: bool = parser.parse_args().check
    for name, (description, make) in FILES.items():
        path = HERE / f"{name}.json"
        text = json.dumps({"description": description, "vectors": make()}, indent=1) + "\n"
        if not check:
            path.write_text(text, encoding="ascii", newline="\n")
        elif not path.exists() or path.read_bytes() != text.encode("ascii"):
            print(f"{path.name} is not what {Path(__file__).name} makes.", file=sys.stderr)
            return 1
    unknown = {path.stem for path in HERE.glob("*.json")} - set(FILES)
    if check and unknown:
        print(f"No vectors are made for {', '.join(sorted(unknown))}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

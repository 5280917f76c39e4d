"""The key exchange: both sides agree, lengths are exact, and ML-KEM in HPKE matches the spec."""

import hashlib
import hmac
from typing import Final

import pytest
from Crypto.Protocol import HPKE
from Crypto.Protocol.DH import (
    import_x25519_private_key,
    import_x25519_public_key,
    key_agreement,
)
from Crypto.PublicKey import MLKEM

from chat.limits import HANDSHAKE_LINE_BYTES, LOGIN_BYTES
from chat.testing import HOST_KEY, seeded_bytes
from chat.wire.errors import (
    AuthenticationError,
    HandshakeError,
    LocalProtocolError,
    MalformedLineError,
)
from chat.wire.handshake import (
    CLIENT_HELLO_BYTES,
    SERVER_HELLO_BYTES,
    ClientHandshake,
    HandshakeKeys,
    ServerHandshake,
    SessionSecrets,
)
from chat.wire.hostkey import SUCCESSION_BYTES, HostKey, ServerIdentity
from chat.wire.kem import KemKey, encapsulate
from chat.wire.lines import encode_frame
from chat.wire.schedule import derive, extract, transcript_hash
from chat.wire.sealing import open_box, seal
from tests.wire.support import flip

LOGIN: Final = b"a login, which these classes do not look at"


def up_to_finish(seed: int = 0) -> tuple[ClientHandshake, ServerHandshake]:
    """Return both sides after the server has proved its identity."""
    random_bytes = seeded_bytes(seed)
    client = ClientHandshake(random_bytes)
    server = ServerHandshake(HOST_KEY, random_bytes)
    hello, auth = server.answer(client.hello)
    client.take_server_hello(hello)
    assert client.check_server_auth(auth) == ServerIdentity(HOST_KEY.public)
    return client, server


def test_both_sides_derive_the_same_secrets_and_the_login_arrives() -> None:
    client, server = up_to_finish()
    box, of_client = client.finish(LOGIN)
    assert server.finish(box) == (LOGIN, of_client)
    assert len(of_client.binding) == 32
    assert len({of_client.client_to_server, of_client.server_to_client}) == 2


def test_every_connection_has_its_own_secrets() -> None:
    found = set()
    for seed in range(5):
        client, _ = up_to_finish(seed)
        _, secrets = client.finish(LOGIN)
        found |= {secrets.client_to_server, secrets.server_to_client, secrets.binding}
    assert len(found) == 15


def test_hellos_have_the_sizes_of_the_specification() -> None:
    client = ClientHandshake()
    hello, auth = ServerHandshake(HOST_KEY).answer(client.hello)
    assert len(client.hello) == CLIENT_HELLO_BYTES == 1_248
    assert len(hello) == SERVER_HELLO_BYTES == 1_152
    assert len(auth) == 224


def test_secrets_are_not_shown() -> None:
    client, _ = up_to_finish()
    _, secrets = client.finish(LOGIN)
    keys = HandshakeKeys.from_secrets(b"ch", b"sh", bytes(32), bytes(32))
    assert repr(secrets).startswith("<") and repr(keys).startswith("<")


def hpke_export(ml_kem_secret: bytes) -> bytes:
    """Return ss_pq from ML-KEM's shared secret, as written out in docs/protocol.md section 4.2."""
    suite = b"HPKE\x00\x41\x00\x01\xff\xff"

    def extracted(salt: bytes, label: bytes, secret: bytes) -> bytes:
        return hmac.digest(salt, b"HPKE-v1" + suite + label + secret, "sha256")

    def expanded(key: bytes, label: bytes, info: bytes) -> bytes:
        message = b"\x00\x20HPKE-v1" + suite + label + info + b"\x01"
        return hmac.digest(key, message, "sha256")

    context = b"\x00" + extracted(b"", b"psk_id_hash", b"")
    context += extracted(b"", b"info_hash", b"encchat/1 mlkem768")
    secret = extracted(ml_kem_secret, b"secret", b"")
    exporter = expanded(secret, b"exp", context)
    return expanded(exporter, b"sec", b"ss")


def serve(client_hello: bytes, ciphertext: bytes, ml_kem_secret: bytes) -> tuple[bytes, bytes]:
    """Answer like a server that follows the text of the specification."""
    private = import_x25519_private_key(b"\x22" * 32)
    public = private.public_key().export_key(format="raw")
    x25519_secret = key_agreement(
        eph_priv=private, eph_pub=import_x25519_public_key(client_hello[32:64]), kdf=bytes
    )
    hello = b"\x33" * 32 + public + ciphertext
    prk = extract(hpke_export(ml_kem_secret), x25519_secret)
    t1 = transcript_hash(client_hello, hello)
    host = HOST_KEY.public
    transcript = transcript_hash(client_hello, hello, host)
    signature = HOST_KEY.sign(b"\x20" * 64 + b"encchat/1 server signature\x00" + transcript)
    transcript = transcript_hash(client_hello, hello, host, signature)
    finished = hmac.digest(derive(prk, "s finished", t1), transcript, "sha512")
    auth = seal(derive(prk, "s hs", t1), host + signature + finished, b"encchat/1 SA")
    return hello, auth


def test_decapsulation_through_hpke_gives_the_specified_secret() -> None:
    # FIPS 203 section 6.3: a ciphertext that nobody encapsulated decapsulates to
    # SHAKE-256(z, ciphertext), where z is the second half of the seed. That gives a known answer
    # without an implementation of ML-KEM; tests/vectors has the others.
    client = ClientHandshake(seeded_bytes(3))
    again = seeded_bytes(3)
    again(32), again(32)
    z = again(64)[32:]
    ciphertext = bytes(range(256)) * 4 + bytes(64)
    secret = hashlib.shake_256(z + ciphertext).digest(32)
    hello, auth = serve(client.hello, ciphertext, secret)
    client.take_server_hello(hello)
    assert client.check_server_auth(auth) == ServerIdentity(HOST_KEY.public)


def test_another_library_decapsulates_and_exports_the_same() -> None:
    seed = bytes(range(64))
    ciphertext, secret = encapsulate(KemKey(seed).public)
    context = HPKE.new(
        receiver_key=MLKEM.construct(param_set=MLKEM.ML_KEM_768, seed=seed),
        aead_id=HPKE.AEAD.EXPORT_ONLY,
        info=b"encchat/1 mlkem768",
        enc=ciphertext,
    )
    assert context.export(b"ss", 32) == secret == KemKey(seed).decapsulate(ciphertext)


def test_every_encapsulation_is_a_new_one() -> None:
    key = ClientHandshake().hello[64:]
    ciphertext, secret = encapsulate(key)
    assert (len(ciphertext), len(secret)) == (1_088, 32)
    assert encapsulate(key) != (ciphertext, secret)


@pytest.mark.parametrize("size", [0, 1, CLIENT_HELLO_BYTES - 1, CLIENT_HELLO_BYTES + 1])
def test_a_client_hello_of_another_length_is_malformed(size: int) -> None:
    hello = ClientHandshake().hello.ljust(size, b"\0")[:size]
    with pytest.raises(MalformedLineError):
        ServerHandshake(HOST_KEY).answer(hello)


@pytest.mark.parametrize("size", [0, 1, SERVER_HELLO_BYTES - 1, SERVER_HELLO_BYTES + 1])
def test_a_server_hello_of_another_length_is_malformed(size: int) -> None:
    client = ClientHandshake()
    hello, _ = ServerHandshake(HOST_KEY).answer(client.hello)
    with pytest.raises(MalformedLineError):
        client.take_server_hello(hello.ljust(size, b"\0")[:size])


class Open:
    """A handshake up to the server hello, whose keys this test knows."""

    def __init__(self, host_key: HostKey = HOST_KEY) -> None:
        self.client = ClientHandshake(seeded_bytes(1))
        hello = self.client.hello
        ciphertext, ml_kem_secret = encapsulate(hello[64:])
        self.server = ServerHandshake(
            host_key, seeded_bytes(2), lambda key: (ciphertext, ml_kem_secret)
        )
        self.server_hello, auth = self.server.answer(hello)
        self.client.take_server_hello(self.server_hello)
        again = seeded_bytes(2)
        again(32)
        x25519_secret = key_agreement(
            eph_priv=import_x25519_private_key(again(32)),
            eph_pub=import_x25519_public_key(hello[32:64]),
            kdf=bytes,
        )
        self.keys = HandshakeKeys.from_secrets(
            hello, self.server_hello, ml_kem_secret, x25519_secret
        )
        self.auth = open_box(self.keys.server, auth, b"encchat/1 SA")

    def check_server_auth(self, plaintext: bytes) -> ServerIdentity:
        """Give the client a server authentication, sealed with the right key."""
        return self.client.check_server_auth(seal(self.keys.server, plaintext, b"encchat/1 SA"))

    def finish(self, plaintext: bytes) -> tuple[bytes, SessionSecrets]:
        """Give the server a client finish, sealed with the right key."""
        return self.server.finish(seal(self.keys.client, plaintext, b"encchat/1 CF"))

    @property
    def finished(self) -> bytes:
        """The correct MAC of a client finish."""
        host, proof, finished = self.auth[:32], self.auth[32:-64], self.auth[-64:]
        t2 = transcript_hash(self.client.hello, self.server_hello, host, proof, finished)
        return hmac.digest(self.keys.client_finished, t2, "sha512")


def test_the_messages_are_made_of_what_the_specification_says() -> None:
    handshake = Open()
    assert len(handshake.auth) == 160
    assert handshake.check_server_auth(handshake.auth) == ServerIdentity(HOST_KEY.public)
    login, _ = handshake.finish(handshake.finished + LOGIN)
    assert login == LOGIN


@pytest.mark.parametrize("size", [0, 64, 159, 161, 224, 255, 257, 927, 929, 160 + 9 * 96])
def test_a_server_authentication_of_another_length_is_malformed(size: int) -> None:
    handshake = Open()
    with pytest.raises(MalformedLineError):
        handshake.check_server_auth(handshake.auth.ljust(size, b"\0")[:size])


def rotated(times: int) -> HostKey:
    """Return a host key that was rotated a number of times."""
    host_key = HOST_KEY
    for _ in range(times):
        host_key = host_key.succeed()
    return host_key


@pytest.mark.parametrize("times", [1, 2, 8])
def test_successions_travel_in_the_server_authentication(times: int) -> None:
    host_key = rotated(times)
    handshake = Open(host_key)
    assert len(handshake.auth) == 160 + times * SUCCESSION_BYTES
    assert handshake.auth[96:-64] == host_key.successions
    identity = handshake.check_server_auth(handshake.auth)
    assert identity == ServerIdentity(host_key.public, host_key.successions)
    box, of_client = handshake.client.finish(LOGIN)
    assert handshake.finish(handshake.finished + LOGIN) == (LOGIN, of_client)
    assert handshake.server.finish(box) == (LOGIN, of_client)


def test_the_longest_server_authentication_fits_its_line() -> None:
    _, auth = ServerHandshake(rotated(9)).answer(ClientHandshake().hello)
    assert len(encode_frame(auth)) == 1_326 + 2 <= HANDSHAKE_LINE_BYTES


@pytest.mark.parametrize("cut", [range(96, 192), range(192, 288), range(96, 288)], ids=str)
def test_successions_cannot_be_left_out(cut: range) -> None:
    handshake = Open(rotated(2))
    with pytest.raises(AuthenticationError):
        handshake.check_server_auth(handshake.auth[: cut.start] + handshake.auth[cut.stop :])


@pytest.mark.parametrize("bit", [768, 1023, 1024, 2303], ids=lambda bit: f"bit {bit}")
def test_successions_are_covered_by_the_finish(bit: int) -> None:
    handshake = Open(rotated(2))
    with pytest.raises(AuthenticationError):
        handshake.check_server_auth(flip(handshake.auth, bit))


def test_what_the_successions_say_is_not_the_handshake_s_business() -> None:
    host_key = HostKey.generate()
    host_key.successions = bytes(SUCCESSION_BYTES)
    handshake = Open(host_key)
    identity = handshake.check_server_auth(handshake.auth)
    assert identity == ServerIdentity(host_key.public, bytes(SUCCESSION_BYTES))


@pytest.mark.parametrize("bit", [0, 255, 256, 767, 768, 1279], ids=lambda bit: f"bit {bit}")
def test_host_key_signature_and_finish_are_checked_behind_a_right_tag(bit: int) -> None:
    handshake = Open()
    with pytest.raises(AuthenticationError):
        handshake.check_server_auth(flip(handshake.auth, bit))


def test_a_signature_by_another_key_is_refused_behind_a_right_finish() -> None:
    handshake = Open()
    hellos = handshake.client.hello, handshake.server_hello
    signed = b" " * 64 + b"encchat/1 server signature\0"
    signature = HostKey.generate().sign(signed + transcript_hash(*hellos, HOST_KEY.public))
    transcript = transcript_hash(*hellos, HOST_KEY.public, signature)
    finished = hmac.digest(handshake.keys.server_finished, transcript, "sha512")
    with pytest.raises(AuthenticationError):
        handshake.check_server_auth(HOST_KEY.public + signature + finished)


@pytest.mark.parametrize("bit", [0, 255, 511], ids=lambda bit: f"bit {bit}")
def test_the_client_finish_is_checked_behind_a_right_tag(bit: int) -> None:
    handshake = Open()
    with pytest.raises(AuthenticationError):
        handshake.finish(flip(handshake.finished + LOGIN, bit))


@pytest.mark.parametrize("size", [0, 1, 63])
def test_a_client_finish_that_is_cut_off_is_refused(size: int) -> None:
    handshake = Open()
    with pytest.raises(AuthenticationError):
        handshake.finish(handshake.finished[:size])


def test_a_login_may_fill_its_bound() -> None:
    client, server = up_to_finish()
    box, _ = client.finish(bytes(LOGIN_BYTES))
    login, _ = server.finish(box)
    assert login == bytes(LOGIN_BYTES)


def test_a_login_beyond_its_bound_is_neither_sent_nor_taken() -> None:
    client, _ = up_to_finish()
    with pytest.raises(LocalProtocolError):
        client.finish(bytes(LOGIN_BYTES + 1))
    handshake = Open()
    with pytest.raises(MalformedLineError):
        handshake.finish(handshake.finished + bytes(LOGIN_BYTES + 1))


@pytest.mark.parametrize(
    "key",
    [
        b"\xff" * 1_152 + bytes(32),
        b"\x01\x0d" + bytes(1_182),
        bytes(1_149) + b"\x00\x10\xd0" + bytes(32),
        bytes(1_183),
        bytes(1_185),
    ],
    ids=["all 4095", "first is q", "last is q", "short", "long"],
)
def test_an_ml_kem_key_that_fails_the_check_of_fips_203_is_refused(key: bytes) -> None:
    with pytest.raises(HandshakeError):
        encapsulate(key)

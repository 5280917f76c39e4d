"""The key exchange (docs/protocol.md section 4): what each side computes, step by step.

TLS 1.3 in shape, SIGMA-I in its use of the host key, with the hybrid ML-KEM-768 and X25519. These
classes only compute and check: the tables of `chat.wire.connection` decide the order of calls, and
nothing here sees a transport.
"""

import hmac
import os
from dataclasses import dataclass
from typing import Final

from nacl.bindings import crypto_scalarmult, crypto_scalarmult_base
from nacl.exceptions import CryptoError

from chat.limits import LOGIN_BYTES
from chat.wire.ed25519 import SIGNATURE_BYTES, verify
from chat.wire.errors import (
    AuthenticationError,
    HandshakeError,
    LocalProtocolError,
    MalformedLineError,
)
from chat.wire.hostkey import HOST_KEY_BYTES, HostKey, ServerIdentity, are_successions
from chat.wire.kem import (
    CIPHERTEXT_BYTES,
    KEY_BYTES,
    SEED_BYTES,
    Encapsulate,
    KemKey,
    encapsulate,
)
from chat.wire.schedule import VERSION, derive, extract, transcript_hash
from chat.wire.sealing import RandomBytes, open_box, seal

__all__ = [
    "CLIENT_HELLO_BYTES",
    "SERVER_HELLO_BYTES",
    "ClientHandshake",
    "HandshakeKeys",
    "ServerHandshake",
    "SessionSecrets",
]

_RANDOM: Final = 32
_X25519: Final = 32
_FINISHED: Final = 64
_SUCCESSIONS_AT: Final = HOST_KEY_BYTES + SIGNATURE_BYTES

CLIENT_HELLO_BYTES: Final = _RANDOM + _X25519 + KEY_BYTES
SERVER_HELLO_BYTES: Final = _RANDOM + _X25519 + CIPHERTEXT_BYTES

_AUTH_AAD: Final = VERSION + b" SA"
_FINISH_AAD: Final = VERSION + b" CF"
_SIGNATURE_CONTEXT: Final = b" " * 64 + b"encchat/1 server signature\0"


@dataclass(frozen=True, slots=True, repr=False)
class SessionSecrets:
    """The result of a handshake: the first secret of each direction, and the binding."""

    client_to_server: bytes
    server_to_client: bytes
    binding: bytes
    """32 bytes that name this connection (docs/protocol.md 4.4)."""


@dataclass(frozen=True, slots=True, repr=False)
class HandshakeKeys:
    """The key schedule after both hellos (docs/protocol.md 4.2)."""

    prk: bytes
    server: bytes
    client: bytes
    server_finished: bytes
    client_finished: bytes

    @classmethod
    def from_secrets(
        cls, client_hello: bytes, server_hello: bytes, ml_kem_secret: bytes, x25519_secret: bytes
    ) -> "HandshakeKeys":
        """Derive the keys from both shared secrets and the transcript so far."""
        prk = extract(ml_kem_secret, x25519_secret)
        t1 = transcript_hash(client_hello, server_hello)
        return cls(
            prk=prk,
            server=derive(prk, "s hs", t1),
            client=derive(prk, "c hs", t1),
            server_finished=derive(prk, "s finished", t1),
            client_finished=derive(prk, "c finished", t1),
        )

    def session_secrets(self, t2: bytes) -> SessionSecrets:
        """Derive the session's secrets from `t2`, the hash of the whole transcript."""
        return SessionSecrets(
            client_to_server=derive(self.prk, "c ap", t2),
            server_to_client=derive(self.prk, "s ap", t2),
            binding=derive(self.prk, "channel binding", t2, 32),
        )


class ClientHandshake:
    """The client's computations. Call `take_server_hello`, `check_server_auth`, `finish` in
    turn."""

    __slots__ = (
        "_keys",
        "_ml_kem",
        "_random_bytes",
        "_secrets",
        "_server_hello",
        "_t2",
        "_x25519",
        "hello",
    )

    hello: bytes
    """The client hello, 1,248 bytes."""

    def __init__(self, random_bytes: RandomBytes = os.urandom) -> None:
        self._random_bytes = random_bytes
        random = random_bytes(_RANDOM)
        self._x25519 = random_bytes(_X25519)
        self._ml_kem = KemKey(random_bytes(SEED_BYTES))
        self.hello = random + crypto_scalarmult_base(self._x25519) + self._ml_kem.public

    def take_server_hello(self, server_hello: bytes) -> None:
        """Agree on the handshake keys. Raises MalformedLineError, HandshakeError."""
        if len(server_hello) != SERVER_HELLO_BYTES:
            raise MalformedLineError("a server hello of the wrong length")
        x25519_secret = _x25519_secret(self._x25519, server_hello[32:64])
        ml_kem_secret = self._ml_kem.decapsulate(server_hello[64:])
        self._server_hello = server_hello
        self._keys = HandshakeKeys.from_secrets(
            self.hello, server_hello, ml_kem_secret, x25519_secret
        )

    def check_server_auth(self, box: bytes) -> ServerIdentity:
        """Return the host key that the server has proved to hold, and its successions, unchecked.

        Raises AuthenticationError, MalformedLineError.
        """
        plaintext = open_box(self._keys.server, box, _AUTH_AAD)
        successions = plaintext[_SUCCESSIONS_AT:-_FINISHED]
        if len(plaintext) < _SUCCESSIONS_AT + _FINISHED or not are_successions(successions):
            raise MalformedLineError("a server authentication of the wrong length")
        host_key = plaintext[:HOST_KEY_BYTES]
        signature = plaintext[HOST_KEY_BYTES:_SUCCESSIONS_AT]
        finished = plaintext[-_FINISHED:]
        hellos = (self.hello, self._server_hello)
        proof = signature + successions
        expected = _server_finished(self._keys, hellos, host_key, proof)
        if not hmac.compare_digest(finished, expected):
            raise AuthenticationError
        if not verify(host_key, signature, _signed(hellos, host_key)):
            raise AuthenticationError
        self._t2 = transcript_hash(*hellos, host_key, proof, finished)
        self._secrets = self._keys.session_secrets(self._t2)
        return ServerIdentity(host_key, successions)

    def binding(self) -> bytes:
        """Return the 32 bytes that name this connection, for the login to sign.

        See docs/protocol.md 4.4.
        """
        return self._secrets.binding

    def finish(self, login: bytes) -> tuple[bytes, SessionSecrets]:
        """Return the client finish around an encoded login message, and the session's secrets.

        Raises LocalProtocolError if `login` has more than 1,024 bytes.
        """
        if len(login) > LOGIN_BYTES:
            raise LocalProtocolError(f"a login message has at most {LOGIN_BYTES} bytes")
        finished = hmac.digest(self._keys.client_finished, self._t2, "sha512")
        box = seal(self._keys.client, finished + login, _FINISH_AAD, self._random_bytes)
        return box, self._secrets


class ServerHandshake:
    """The server's computations. Call `answer`, then `finish`."""

    __slots__ = ("_encapsulate", "_host_key", "_keys", "_random_bytes", "_t2")

    def __init__(
        self,
        host_key: HostKey,
        random_bytes: RandomBytes = os.urandom,
        encapsulate: Encapsulate = encapsulate,
    ) -> None:
        self._host_key = host_key
        self._random_bytes = random_bytes
        self._encapsulate = encapsulate

    def answer(self, client_hello: bytes) -> tuple[bytes, bytes]:
        """Return server hello and server authentication.

        Raises MalformedLineError, HandshakeError.
        """
        if len(client_hello) != CLIENT_HELLO_BYTES:
            raise MalformedLineError("a client hello of the wrong length")
        random = self._random_bytes(_RANDOM)
        x25519 = self._random_bytes(_X25519)
        x25519_secret = _x25519_secret(x25519, client_hello[32:64])
        ciphertext, ml_kem_secret = self._encapsulate(client_hello[64:])
        server_hello = random + crypto_scalarmult_base(x25519) + ciphertext
        keys = HandshakeKeys.from_secrets(client_hello, server_hello, ml_kem_secret, x25519_secret)
        host_key = self._host_key.public
        hellos = (client_hello, server_hello)
        proof = self._host_key.sign(_signed(hellos, host_key)) + self._host_key.successions
        finished = _server_finished(keys, hellos, host_key, proof)
        self._keys = keys
        self._t2 = transcript_hash(*hellos, host_key, proof, finished)
        plaintext = host_key + proof + finished
        return server_hello, seal(keys.server, plaintext, _AUTH_AAD, self._random_bytes)

    def finish(self, box: bytes) -> tuple[bytes, SessionSecrets]:
        """Return the login message and the session's secrets.

        Raises AuthenticationError, MalformedLineError.
        """
        plaintext = open_box(self._keys.client, box, _FINISH_AAD)
        expected = hmac.digest(self._keys.client_finished, self._t2, "sha512")
        if not hmac.compare_digest(plaintext[:_FINISHED], expected):
            raise AuthenticationError
        login = plaintext[_FINISHED:]
        if len(login) > LOGIN_BYTES:
            raise MalformedLineError("a login message is too long")
        return login, self._keys.session_secrets(self._t2)


def _signed(hellos: tuple[bytes, bytes], host_key: bytes) -> bytes:
    return _SIGNATURE_CONTEXT + transcript_hash(*hellos, host_key)


def _server_finished(
    keys: HandshakeKeys, hellos: tuple[bytes, bytes], host_key: bytes, proof: bytes
) -> bytes:
    """Return fin_s; `proof` is signature and successions, which are one transcript item."""
    transcript = transcript_hash(*hellos, host_key, proof)
    return hmac.digest(keys.server_finished, transcript, "sha512")


def _x25519_secret(private: bytes, public: bytes) -> bytes:
    try:
        return crypto_scalarmult(private, public)
    except CryptoError:
        # libsodium refuses points of low order, whose result is all zeros (RFC 7748 section 6.1).
        raise HandshakeError("an invalid X25519 key") from None

"""Errors: every violation of the protocol has a close code, and one of them never has details."""

import pytest

from chat.wire.errors import (
    AuthenticationError,
    CloseCode,
    HandshakeError,
    LocalProtocolError,
    MalformedLineError,
    MessageError,
    PeerTimeoutError,
    ProtocolError,
    RemoteProtocolError,
    UnexpectedInputError,
    VersionError,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (VersionError, CloseCode.VERSION),
        (MalformedLineError, CloseCode.MALFORMED),
        (UnexpectedInputError, CloseCode.UNEXPECTED),
        (HandshakeError, CloseCode.HANDSHAKE),
        (AuthenticationError, CloseCode.AUTHENTICATION),
        (MessageError, CloseCode.MESSAGE),
        (PeerTimeoutError, CloseCode.TIMEOUT),
    ],
)
def test_every_violation_by_the_peer_has_its_own_code(
    error: type[RemoteProtocolError], code: CloseCode
) -> None:
    assert error.code is code


def test_no_violation_lacks_a_code() -> None:
    codes = [error.code for error in RemoteProtocolError.__subclasses__()]
    assert CloseCode.INTERNAL not in codes
    assert len(set(codes)) == len(codes)


def test_our_own_faults_are_internal() -> None:
    assert ProtocolError.code is LocalProtocolError.code is CloseCode.INTERNAL


def test_codes_count_from_zero_without_gaps() -> None:
    assert sorted(CloseCode) == list(range(13))


def test_a_failed_authentication_has_one_text() -> None:
    assert str(AuthenticationError()) == "authentication failed"

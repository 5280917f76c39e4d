"""Why there is no connection, in a sentence."""

import errno
import os

import pytest
from twisted.internet.error import (
    ConnectError,
    ConnectionRefusedError,
    DNSLookupError,
    NoRouteError,
    TCPTimedOutError,
    TimeoutError,
    getConnectError,
)

from chat.client.core.address import Address
from chat.client.network.dialer import explain_failure

ADDRESS = Address("chat.example.org", 5999)


def error(number: int) -> ConnectError:
    """Return what the operating system's error is to Twisted."""
    failure = getConnectError((number, os.strerror(number)))
    assert isinstance(failure, ConnectError)
    return failure


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (
            ConnectionRefusedError("Connection refused"),
            "Nothing listens at chat.example.org:5999; is the server running?",
        ),
        (
            DNSLookupError("no results for hostname lookup: chat.example.org"),
            "There is no host chat.example.org, or its address cannot be found out just now.",
        ),
        (ValueError("invalid hostname: x"), "chat.example.org is not the name of a host."),
        (TimeoutError(), "There was no answer from chat.example.org:5999 in time."),
        (TCPTimedOutError(), "There was no answer from chat.example.org:5999 in time."),
        (NoRouteError(), "There is no way to chat.example.org:5999; is the network there?"),
        (
            error(errno.EHOSTUNREACH),
            "There is no way to chat.example.org:5999; is the network there?",
        ),
        (
            error(errno.EACCES),
            "No connection to chat.example.org:5999 could be made: permission denied.",
        ),
        (OSError(), "No connection to chat.example.org:5999 could be made."),
    ],
)
def test_why_there_is_no_connection_is_a_sentence(failure: Exception, sentence: str) -> None:
    assert explain_failure(ADDRESS, failure) == sentence


def test_an_address_in_brackets_is_named_as_it_was_typed() -> None:
    sentence = explain_failure(Address("::1"), ConnectionRefusedError())
    assert sentence.startswith("Nothing listens at [::1]:5555;")

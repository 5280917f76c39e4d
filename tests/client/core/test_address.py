"""Addresses: what is accepted, and what is refused with a reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.core.address import Address, AddressError, make_link, parse_address
from chat.wire.hostkey import fingerprint

PIN = fingerprint(bytes(32))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost", Address("localhost", 5555)),
        ("chat.example.org:7000", Address("chat.example.org", 7000)),
        ("Chat.Example.ORG", Address("chat.example.org", 5555)),
        ("192.0.2.1:1", Address("192.0.2.1", 1)),
        ("[::1]", Address("::1", 5555)),
        ("[FE80::1%eth0]:65535", Address("fe80::1%eth0", 65535)),
        ("encchat://localhost", Address("localhost", 5555)),
        ("encchat://localhost/", Address("localhost", 5555)),
        (f"encchat://example.org:99/#{PIN}", Address("example.org", 99, PIN)),
        (f"encchat://example.org#{PIN}", Address("example.org", 5555, PIN)),
        (f"encchat://[::1]:99/#{PIN}", Address("::1", 99, PIN)),
        ("encchat://localhost/den", Address("localhost", 5555, room="den")),
        ("encchat://localhost/caf%C3%A9", Address("localhost", 5555, room="caf\u00e9")),
        (
            f"encchat://localhost/den?token={'A' * 22}#{PIN}",
            Address("localhost", 5555, PIN, "den", bytes(16)),
        ),
    ],
)
def test_an_address_is_understood(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":5555",
        "host:",
        "host:0",
        "host:65536",
        "host:99999999999999999999",
        "host:port",
        "host:1:2",
        "::1",
        "[::1",
        "[host]:5555",
        "a b",
        "user@host",
        "http://host",
        "encchat://",
        "encchat://host/a/b",
        "encchat://host/a%20b",
        "encchat://host/%ff",
        "encchat://host/?token=" + "A" * 21,
        "encchat://host/?token=" + "A" * 23,
        "encchat://host/?token=" + "!" * 22,
        "encchat://host/?token=" + "\u00e9" * 22,
        "encchat://host/?tokens=" + "A" * 22,
        "encchat://host/?token=1",
        "encchat://host/#",
        f"encchat://host/#{PIN[:-1]}",
        f"encchat://host/#{PIN}A",
        f"encchat://host/#{PIN.replace('SHA256', 'MD5')}",
        "encchat://host/#SHA256:" + "\u0661" * 43,
        "host\x1b[2J",
    ],
)
def test_what_is_no_address_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(AddressError, match=r"\w"):
        parse_address(text)


@given(
    st.from_regex(r"[a-z0-9.-]{1,30}", fullmatch=True) | st.ip_addresses(v=6).map(str),
    st.integers(1, 65535),
)
def test_an_address_written_out_is_the_same_address(host: str, port: int) -> None:
    assert parse_address(str(Address(host, port))) == Address(host, port)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = parse_address(text)
    except AddressError:
        return
    assert address.host and 0 < address.port < 65536


@given(
    st.none()
    | st.from_regex(r"[a-z\u00e9\u5b57]([a-z0-9_.\u00e9-]{0,20}[a-z0-9_])?", fullmatch=True),
    st.binary(min_size=16, max_size=16),
)
def test_the_link_of_an_invitation_is_understood(room: str | None, token: bytes) -> None:
    link = make_link(Address("chat.example", 99, "ignored", "elsewhere"), PIN, room, token)
    assert parse_address(link) == Address("chat.example", 99, PIN, room, token)
    assert link.isascii()

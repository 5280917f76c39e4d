"""Groups of addresses: all addresses of one network count as one."""

from types import SimpleNamespace

import pytest

from chat.rooms.addresses import LOCAL, Address, address_group, is_loopback, peer_address


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        (SimpleNamespace(host="192.0.2.1", port=5555), "192.0.2.1"),
        (SimpleNamespace(host="2001:db8::1"), "2001:db8::1"),
        (SimpleNamespace(name="/run/encchat.sock"), "a local socket"),
        (SimpleNamespace(host=None), "a local socket"),
        (None, "a local socket"),
    ],
)
def test_the_address_of_a_peer(peer: object, address: str) -> None:
    assert peer_address(peer) == Address(address)


@pytest.mark.parametrize(
    ("host", "group"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:201", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:DB8:0:0:ffff:ffff:ffff:ffff", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("fe80::2%25", "fe80::/64"),
        ("::1", "::/64"),
        ("a local socket", LOCAL),
        ("", LOCAL),
        ("/run/encchat.sock", LOCAL),
        ("192.0.2.1:80", LOCAL),
    ],
)
def test_an_address_is_in_one_group(host: str, group: str) -> None:
    assert address_group(host) == group
    assert address_group(group) == group


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("a local socket", True),
        ("192.0.2.1", False),
        ("2001:db8::1", False),
        ("::ffff:192.0.2.1", False),
        ("fe80::1%lo", False),
    ],
)
def test_what_is_on_this_machine(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected

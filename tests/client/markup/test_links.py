"""Which URLs become links."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.markup import safe_target, target_agrees


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.com", "https://example.com/"),
        ("HTTP://Example.COM:80/A?b=c#d", "http://example.com:80/A?b=c#d"),
        ("https://example.com/ü/\x1b]8;;", "https://example.com/%C3%BC/%1B]8;;"),
        ("https://example.com/a b", "https://example.com/a%20b"),
        ("https://example.com/%41%", "https://example.com/%41%"),
        ("https://example.com?x", "https://example.com?x"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://127.0.0.1:8080/", "https://127.0.0.1:8080/"),
        ("https://[2001:db8::1]/x", "https://[2001:db8::1]/x"),
        ("encchat://chat.example:5555/room#SHA256:x", "encchat://chat.example:5555/room#SHA256:x"),
        ("https://example.com/\ud800", "https://example.com/?"),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("ssh://example.com", None),
        ("https:example.com", None),
        ("https://", None),
        ("https:///x", None),
        ("https://google.com@evil.example/", None),
        ("https://a:b@evil.example/", None),
        ("https://exa mple.com", None),
        ("https://exam\x1bple.com", None),
        ("https://-a.com", None),
        ("https://a%2fb", None),
        ("https://[evil]/", None),
        ("https://" + "a" * 254, None),
        ("https://a.b/" + "x" * 2_100, None),
        ("https://" + "ü" * 200, None),
    ],
)
def test_targets(url: str, target: str | None) -> None:
    assert safe_target(url) == target


@pytest.mark.parametrize(
    ("text", "target", "does_agree"),
    [
        ("https://a.b", "https://a.b/", True),
        ("https://a.b/", "https://a.b/", True),
        ("a.b", "https://a.b/", True),
        ("A.B/c", "https://a.b/c", True),
        ("a.b/ü", "https://a.b/%C3%BC", True),
        ("http://a.b", "https://a.b/", False),
        ("a.b", "https://a.b.c/", False),
        ("a.b", "https://a.b/c", False),
        ("a.b ", "https://a.b/", False),
        ("here", "https://a.b/", False),
        ("", "https://a.b/", False),
        ("bücher.example", "https://xn--bcher-kva.example/", False),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example/", True),
    ],
)
def test_agreement(text: str, target: str, does_agree: bool) -> None:
    assert target_agrees(text, target) is does_agree


@given(st.text().map("https://a.b/".__add__) | st.text().map("https://".__add__))
def test_a_target_can_be_written_to_a_terminal(url: str) -> None:
    target = safe_target(url)
    if target is not None:
        assert target.isascii() and target.isprintable() and " " not in target
        assert safe_target(target) == target

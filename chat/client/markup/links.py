"""Which URLs become links, and where those lead."""

import re
from typing import Final
from urllib.parse import quote

__all__ = ["DESTINATION", "URL", "safe_target", "target_agrees", "trim_url"]

_LENGTH_MOST: Final = 2_048
"""Characters of a URL; no longer one becomes a link."""
_HOST_MOST: Final = 253
"""Characters of a host's name (RFC 1035)."""

_ENDS_URL: Final = r"\s<>\"`\\\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""What is no part of a URL: what text around it has, and what changes the direction of text."""

URL: Final = rf"(?<![0-9A-Za-z])(?i:https?|encchat)://(?:\[[0-9A-Fa-f:.]++\])?[^\[\]{_ENDS_URL}]*+"
"""A pattern for what may be a URL in a text. `trim_url` says where it ends."""

DESTINATION: Final = rf"\(((?:[^(){_ENDS_URL}]++|\([^(){_ENDS_URL}]*+\))++)\)"
"""A pattern for what follows the text of a link; one pair of parentheses may be in it."""

_PARTS: Final = re.compile(
    r"(?P<scheme>https?|encchat)://(?P<host>\[[0-9a-f:.]+\]|[^\s\[\]/?#@:]+)(?P<port>:[0-9]{1,5})?"
    r"(?P<rest>[/?#].*)?",
    re.IGNORECASE | re.DOTALL,
)
_HOST: Final = re.compile(r"\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_.])?")
_KEPT: Final = "!#$%&'()*+,/:;=?@[]~"
"""What is not percent-encoded besides letters, digits and ``_.-``."""

_TRAILING: Final = frozenset(".,:;!?'*_~")
_CLOSING: Final = {")": "(", "]": "[", "}": "{"}


def trim_url(url: str) -> str:
    """Return a URL without the punctuation that belongs to the sentence around it."""
    surplus = {close: url.count(close) - url.count(opening) for close, opening in _CLOSING.items()}
    end = len(url)
    while end and (url[end - 1] in _TRAILING or surplus.get(url[end - 1], 0) > 0):
        end -= 1
        if url[end] in surplus:
            surplus[url[end]] -= 1
    return url[:end]


def safe_target(url: str) -> str | None:
    """Return the target of a URL in printable ASCII, or None if it is to be no link.

    Only ``http``, ``https`` and ``encchat``, with a host and without a user's name, which looks
    like a host.
    """
    parts = _PARTS.fullmatch(url) if len(url) <= _LENGTH_MOST else None
    if parts is None:
        return None
    host = _ascii_host(parts["host"])
    if host is None:
        return None
    rest = quote(parts["rest"] or "/", safe=_KEPT, errors="replace")
    return f"{parts['scheme'].lower()}://{host}{parts['port'] or ''}{rest}"


def target_agrees(text: str, target: str) -> bool:
    """Tell whether a text shows where a link with this target leads.

    The scheme may be left out. A host that is not ASCII does not show that: its letters may look
    like others.
    """
    whole = text if "://" in text else f"{target.partition('://')[0]}://{text}"
    parts = _PARTS.fullmatch(whole)
    return parts is not None and parts["host"].isascii() and safe_target(whole) == target


def _ascii_host(host: str) -> str | None:
    host = host.lower()
    if len(host) > _HOST_MOST:
        return None
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    return host if _HOST.fullmatch(host) else None

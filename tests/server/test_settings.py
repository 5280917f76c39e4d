"""Limits as an operator sets them: all settable ones, and nothing else."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from chat.limits import Limits
from chat.server.settings import ConfigurationError, describe_limits, parse_limit, read_limits

FIXED = {
    "frames_per_generation",
    "bytes_per_generation",
    "generation_seconds",
    "catch_up_bytes",
    "answer_seconds",
    "connect_seconds",
    "unacknowledged_posts",
    "slice_seconds",
    "latency_seconds",
}
"""Fixed by the protocol, or used by the client."""
UNLIMITED_AT_0 = {"messages_per_second", "bytes_per_second"}

SETTABLE = [field for field in fields(Limits) if field.name not in FIXED]


def test_every_limit_is_a_number() -> None:
    assert {field.type for field in fields(Limits)} == {int, float}


@pytest.mark.parametrize("name", [field.name for field in SETTABLE])
def test_every_limit_of_a_server_can_be_set(name: str) -> None:
    found, value = parse_limit(f"{name}=7")
    assert (found, value) == (name, 7)
    changes: dict[str, Any] = {name: value}
    limits = replace(Limits(), **changes)
    assert getattr(limits, name) == 7


@pytest.mark.parametrize("name", sorted(FIXED))
def test_what_follows_from_the_protocol_cannot_be_set(name: str) -> None:
    assert hasattr(Limits(), name)
    with pytest.raises(ValueError, match=f"^there is no limit '{name}' to set"):
        parse_limit(f"{name}=7")
    assert name not in dict(describe_limits())


def test_every_limit_is_described_with_its_default() -> None:
    described = dict(describe_limits())
    assert [setting.split("=")[0] for setting in described] == [field.name for field in SETTABLE]
    assert described["handshake_seconds=10"].startswith("time limit ")
    assert "bytes_burst=1048576" in described
    assert all(len(bounds) > 10 for bounds in described.values())
    unlimited = {it.split("=")[0] for it, bounds in described.items() if "0: no limit" in bounds}
    assert unlimited == UNLIMITED_AT_0


def test_a_number_has_the_kind_of_its_limit() -> None:
    assert parse_limit("ping_seconds=0.25") == ("ping_seconds", 0.25)
    assert isinstance(parse_limit("ping_seconds=2")[1], float)
    assert isinstance(parse_limit("waiting_total=2")[1], int)


@pytest.mark.parametrize(
    "text",
    [
        *("", "=", "=1", "bogus=1", "waiting_total ", "__class__=1", "WAITING_TOTAL=1"),
        *("waiting_total", "waiting_total=", "waiting_total=x", "waiting_total= 1"),
        *("waiting_total=-1", "waiting_total=+1", "waiting_total=1.5", "waiting_total=1e3"),
        *("waiting_total=1_000", "waiting_total=\u0663", "waiting_total=1=1", "waiting_total=1\n"),
        *("ping_seconds=nan", "ping_seconds=inf", "ping_seconds=1e9", "ping_seconds=-0.5"),
        *("ping_seconds=.5", "ping_seconds=5.", "ping_seconds=0", "ping_seconds=0.000"),
        *("waiting_total=0", "waiting_total=1000000000001", "ping_seconds=" + "9" * 400),
        *("messages_burst=0", "messages_per_second=-1", "messages_per_second="),
    ],
)
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(there is no limit |the limit [a-z_]+ (needs|cannot))"):
        parse_limit(text)


@pytest.mark.parametrize("name", sorted(UNLIMITED_AT_0))
def test_some_limits_can_be_lifted(name: str) -> None:
    assert parse_limit(f"{name}=0") == (name, 0)
    assert parse_limit(f"{name}=0.0") == (name, 0)


def test_limits_in_a_file_are_read_and_lines_that_set_none_are_not(tmp_path: Path) -> None:
    path = tmp_path / "limits"
    assert read_limits(path) == {}
    path.write_text("# what we want\n\n  waiting_total=7  \r\nping_seconds=0.5\n#login_seconds=x")
    assert read_limits(path) == {"waiting_total": 7, "ping_seconds": 0.5}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"waiting_total=7\nbogus=1\n", "line 2: there is no limit 'bogus' to set"),
        (b"\n\nwaiting_total=-1\n", "line 3: the limit waiting_total needs a whole number"),
        (b"waiting_total=1\nwaiting_total=2", "line 2: waiting_total is set twice"),
        (b"waiting_total", "line 1: the limit waiting_total needs a whole number, not ''"),
        (b"\xff\xfe", "cannot be read: it is not UTF-8"),
    ],
)
def test_a_bad_file_of_limits_is_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "limits").write_bytes(content)
    with pytest.raises(ConfigurationError, match=sentence):
        read_limits(tmp_path / "limits")
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        read_limits(tmp_path)


def test_all_who_have_limits_see_what_they_become() -> None:
    limits = Limits(waiting_total=7)
    others = Limits(ping_seconds=1)
    limits.become(others)
    assert limits == others and limits is not others

"""Refusals: each has its own code, those of docs/protocol.md section 6.5, and a sentence."""

import re
from pathlib import Path
from typing import Final

import pytest

from chat.rooms import errors
from chat.rooms.errors import InvalidError, NickTakenError, NickTooLongError, RequestError

PROTOCOL: Final = Path(__file__).parents[2] / "docs" / "protocol.md"

REFUSALS: Final = [
    kind
    for name in errors.__all__
    if (kind := getattr(errors, name)) is not RequestError and issubclass(kind, RequestError)
]


def test_every_refusal_is_listed() -> None:
    assert set(REFUSALS) == set(RequestError.__subclasses__())


def test_codes_are_those_of_the_protocol() -> None:
    section = PROTOCOL.read_text("utf-8").split("### 6.5 ")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    documented = re.findall(r"`(\w+)`", " ".join(rows))
    codes = [kind.code for kind in REFUSALS]
    assert sorted(codes) == sorted(set(codes))
    # `code` is the head of the table.
    assert sorted(codes) == sorted(set(documented) - {"code"})


@pytest.mark.parametrize("refusal", REFUSALS)
def test_the_text_is_a_sentence(refusal: type[RequestError]) -> None:
    # The text of `InvalidError` is its argument.
    first = "This." if refusal is InvalidError else "X"
    sentence = str(refusal(first, "y", ".", 1))
    assert sentence[0].isupper() and sentence.endswith(".")
    assert "{" not in sentence


def test_the_argument_is_in_the_sentence() -> None:
    assert str(NickTakenError("bob")) == "The nickname bob is taken."
    assert str(NickTooLongError(32)) == "A nickname has at most 32 characters."


@pytest.mark.parametrize("refusal", REFUSALS)
def test_no_sentence_is_for_the_users_of_one_client(refusal: type[RequestError]) -> None:
    assert "/" not in str(refusal("x", "y", ".", 1)) and "--" not in refusal.sentence


def test_an_argument_is_no_template() -> None:
    assert "{0.__class__} is taken" in str(NickTakenError("{0.__class__}"))

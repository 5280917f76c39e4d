"""Length bounds: each bound, and one more."""

import pytest

from chat.limits import REACTION_BYTES, REASON_CHARACTERS, TEXT_BYTES, TOPIC_CHARACTERS
from chat.rooms.errors import TextEmptyError, TextTooLongError
from chat.rooms.texts import check_reaction, check_reason, check_text, check_topic, quote


def test_a_text_has_bytes() -> None:
    for text in (
        "x",
        "x" * TEXT_BYTES,
        "\u00e9" * (TEXT_BYTES // 2),
        "\U0001f600" * (TEXT_BYTES // 4),
    ):
        check_text(text)
    for text in ("x" * (TEXT_BYTES + 1), "\u00e9" * (TEXT_BYTES // 2) + "x"):
        with pytest.raises(TextTooLongError, match=r"limit is 8192 bytes\.$"):
            check_text(text)
    with pytest.raises(TextTooLongError):
        check_text("\U0001f600" * (TEXT_BYTES // 4) + "x")
    with pytest.raises(TextEmptyError):
        check_text("")


@pytest.mark.parametrize(
    "text",
    [
        *(" ", "\u3164", "\u2800 \u2800", "\u200b\u200d", "\u0301", "\ufe0f", "\u00a0\u3000"),
        *("\x07", "\u115f\u1160", "\U0001d159", "\U000e0041", "\u2066\u2069"),
    ],
)
def test_a_text_that_shows_nothing_is_empty(text: str) -> None:
    with pytest.raises(TextEmptyError):
        check_text(text)
    check_text(f"{text}4{text}")


@pytest.mark.parametrize("text", ["4", ".", "\U0001f44d", "\u00a9", "\u0e33", "\u4f60"])
def test_a_sign_is_a_text(text: str) -> None:
    check_text(text)


def test_a_reaction_has_bytes_or_none() -> None:
    for reaction in ("", "x" * REACTION_BYTES, "\u00e9" * (REACTION_BYTES // 2)):
        check_reaction(reaction)
    with pytest.raises(TextTooLongError, match=r"limit is 64 bytes\.$"):
        check_reaction("\u00e9" * (REACTION_BYTES // 2) + "x")


def test_a_topic_has_characters() -> None:
    check_topic("\u00e9" * TOPIC_CHARACTERS)
    with pytest.raises(TextTooLongError, match=r"limit is 200 characters\.$"):
        check_topic("x" * (TOPIC_CHARACTERS + 1))


def test_a_reason_has_characters() -> None:
    check_reason("\u00e9" * REASON_CHARACTERS)
    with pytest.raises(TextTooLongError, match=r"limit is 200 characters\.$"):
        check_reason("x" * (REASON_CHARACTERS + 1))


@pytest.mark.parametrize(
    "text",
    [
        'x". The server wrote: "y',
        "x\u201d. The server: y",
        "x\u2033 y\uff02 \u201ez\u201f",
        'x\u02ba"\u3003',
    ],
)
def test_nothing_in_a_quotation_ends_it(text: str) -> None:
    quoted = quote(text)
    assert quoted[0] == quoted[-1] == '"' and len(quoted) == len(text) + 2
    assert not set(quoted[1:-1]) & set('"\u201c\u201d\u201e\u201f\u2033\u02ba\u3003\uff02')
    assert quote("it's ana") == '"it\'s ana"'

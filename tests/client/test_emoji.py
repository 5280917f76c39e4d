"""Emoji by name."""

import pytest
from wcwidth import width

from chat.client.emoji import emoji_named, find_emoji
from chat.client.visible import make_visible


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        *(("tada", "🎉"), ("+1", "👍"), ("thumbs_up", "👍"), ("TADA", "🎉"), ("heart", "❤️")),
        *(("family_man_woman_girl", "👨‍👩‍👧"), ("nothing", None), ("", None), ("👍", None)),
    ],
)
def test_names(name: str, sign: str | None) -> None:
    assert emoji_named(name) == sign


def test_what_begins_so_comes_first_and_short_names_before_long_ones() -> None:
    assert find_emoji("tad", 5) == [("tada", "🎉")]
    names = [name for name, _ in find_emoji("heart", 40)]
    assert names[0] == "heart" and "two_hearts" in names
    begin = [name.startswith("heart") for name in names]
    assert begin == sorted(begin, reverse=True)
    assert [name for name, _ in find_emoji("HEART", 40)] == names


def test_no_more_are_found_than_asked_for() -> None:
    assert len(find_emoji("", 7)) == 7
    assert find_emoji("zzzz", 7) == find_emoji("x" * 10_000, 7) == find_emoji("a", 0) == []


def test_every_emoji_is_shown_as_it_is_and_as_one() -> None:
    found = find_emoji("", 10_000)
    assert len(found) > 1_500
    for name, sign in found:
        assert make_visible(sign) == sign and width(sign) in (1, 2), name
        assert "skin_tone" not in name and emoji_named(name) == sign

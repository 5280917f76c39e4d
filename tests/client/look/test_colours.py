"""Colours that everybody can read."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.look import (
    HUES,
    NameHues,
    Palette,
    Role,
    Style,
    Theme,
    choose_theme,
    hue_of,
    name_style,
    palette,
    style,
)
from chat.ids import AccountId

COLOURED = [Theme.LIGHT, Theme.DARK, Theme.HIGH_CONTRAST]
ENOUGH = 4.5

accounts = st.binary(min_size=16, max_size=16).map(AccountId)


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.2)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        it / 12.92 if it <= 0.04045 else ((it + 0.055) / 1.055) ** 2.4 for it in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2.2)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def colours_of(theme: Theme) -> Palette:
    """Return the colours of a theme that has some."""
    colours = palette(theme)
    assert colours is not None
    return colours


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", COLOURED)
def test_every_text_is_readable_on_every_background(theme: Theme) -> None:
    colours = colours_of(theme)
    texts = {
        name: getattr(colours, name) for name in ("text", "dim", "accent", "good", "warn", "bad")
    } | {f"name {hue}": colour for hue, colour in enumerate(colours.names)}
    assert len(colours.names) == HUES
    poor = [
        (text, ground)
        for text, colour in texts.items()
        for ground in ("bg", "panel", "mention")
        if contrast(colour, getattr(colours, ground)) < ENOUGH
    ]
    assert poor == []


@pytest.mark.parametrize("theme", COLOURED)
@pytest.mark.parametrize("role", Role)
def test_every_role_is_readable(theme: Theme, role: Role) -> None:
    colours, drawn = colours_of(theme), style(theme, role)
    assert drawn.colour is not None
    grounds = [drawn.background] if drawn.background else [colours.bg, colours.panel]
    assert min(contrast(drawn.colour, ground) for ground in grounds) >= ENOUGH


@pytest.mark.parametrize("theme", COLOURED)
def test_names_are_of_about_equal_lightness(theme: Theme) -> None:
    light = [luminance(colour) for colour in colours_of(theme).names]
    assert max(light) / min(light) < 1.6


def test_high_contrast_has_no_greys_for_text_and_bold_names() -> None:
    colours = colours_of(Theme.HIGH_CONTRAST)
    assert colours.text == colours.dim == "#ffffff"
    assert all(name_style(Theme.HIGH_CONTRAST, hue).is_bold for hue in range(HUES))


def test_without_colours_nothing_has_one_and_what_matters_is_told_apart() -> None:
    drawn = {role: style(Theme.NONE, role) for role in Role}
    assert palette(Theme.NONE) is None
    for it in [*drawn.values(), *(name_style(Theme.NONE, hue) for hue in range(HUES))]:
        assert it.colour is None and it.background is None
    for role in (Role.DIM, Role.ACCENT, Role.BAD, Role.MENTION, Role.SELECTED):
        assert drawn[role] != drawn[Role.TEXT] == Style()


@pytest.mark.parametrize(
    ("environment", "chosen"),
    [
        ({}, Theme.LIGHT),
        ({"NO_COLOR": ""}, Theme.LIGHT),
        ({"NO_COLOR": "1"}, Theme.NONE),
        ({"NO_COLOR": "0"}, Theme.NONE),
    ],
)
def test_no_colour_is_honoured(environment: dict[str, str], chosen: Theme) -> None:
    assert choose_theme(Theme.LIGHT, environment) is chosen


@given(accounts)
def test_an_account_has_the_same_hue_everywhere(account: AccountId) -> None:
    assert hue_of(account) == NameHues().of(account) in range(HUES)


@given(st.lists(accounts, unique=True, max_size=40))
def test_nobody_shares_a_hue_while_some_are_free(members: list[AccountId]) -> None:
    hues = NameHues()
    given_hues = [hues.of(account) for account in members]
    for count in range(1, len(members)):
        uses = Counter(given_hues[:count])
        assert max(uses.values()) <= (count - 1) // HUES + 1
    assert [hues.of(account) for account in members] == given_hues


def test_a_hue_that_is_taken_moves_to_the_nearest() -> None:
    hues = NameHues()
    members = [AccountId(bytes([0, 0, 0, 5, number])) for number in range(5)]
    assert [hues.of(account) for account in members] == [5, 4, 6, 3, 7]


def test_a_room_of_very_many_costs_no_more() -> None:
    hues = NameHues()
    members = [AccountId(number.to_bytes(4, "big")) for number in range(5_000)]
    for account in members:
        hues.of(account)
    assert len(hues._hues) < len(members)
    assert hues.of(members[-1]) == hue_of(members[-1])
    assert all(one != other for one, other in pairwise(map(hues.of, members[:HUES])))

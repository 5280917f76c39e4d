"""How every face that a person watches looks: colours by what they mean, and times, days and counts
in words. No toolkit, no terminal and no clock."""

from chat.client.look.colours import (
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
from chat.client.look.words import (
    GROUP_MILLISECONDS,
    continues_group,
    count_words,
    day_words,
    format_moment,
    format_number,
    format_size,
    format_time,
    is_same_day,
)

__all__ = [
    "GROUP_MILLISECONDS",
    "HUES",
    "NameHues",
    "Palette",
    "Role",
    "Style",
    "Theme",
    "choose_theme",
    "continues_group",
    "count_words",
    "day_words",
    "format_moment",
    "format_number",
    "format_size",
    "format_time",
    "hue_of",
    "is_same_day",
    "name_style",
    "palette",
    "style",
]

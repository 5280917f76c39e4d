"""The Markdown of chat, as values that every face can draw. No toolkit.

A message is blocks: paragraphs, where a new line is a new line; quotes (``> ``); lists (``- ``,
``1. ``); code between fences, with its language. In blocks there are ``**bold**``, ``*italic*`` or
``_italic_``, ``~~struck~~``, ```code```, ``[text](https://…)`` and plain URLs; a backslash takes
the meaning from the punctuation after it. Marks are not recognised inside words (``snake_case``,
``2*3*4``). There are no headings, images, tables, HTML or references: those are text.

The text is made visible first, so what comes out has no character that acts on a terminal. The time
is linear in the length of the text, whatever it is.
"""

from chat.client.markup.blocks import Block, Code, Item, Paragraph, flatten, parse
from chat.client.markup.inline import Mark, Span, parse_inline
from chat.client.markup.links import safe_target, target_agrees

__all__ = [
    "Block",
    "Code",
    "Item",
    "Mark",
    "Paragraph",
    "Span",
    "flatten",
    "parse",
    "parse_inline",
    "safe_target",
    "target_agrees",
]

"""What follows the name of a command: what is refused, and that nothing else can happen."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chat.client.commands import ENTRIES, CommandError, parse_line
from chat.content import Content
from chat.limits import REASON_CHARACTERS, SEQ_MAX, SLOW_MOST, TEXT_BYTES
from tests.client.commands.support import FakeFace, refused, run

FACE = FakeFace()
"""For what changes nothing: to make one for each example takes too long."""


@pytest.mark.parametrize(
    "line",
    [
        *("/nick", "/nick  ", "/who me", "/quit now", "/rooms x", "/link x", "/devices x"),
        *("/join", "/join #", "/create a b", "/invite", "/kick", "/ban @", "/search", "/revoke"),
        *("/msg", "/msg bob", "/msg  bob", "/msg @ x"),
        *("/edit", "/edit #3", "/reply #3 ", "/delete this", "/delete #3 x"),
        *("/edit #0 x", f"/edit #{SEQ_MAX + 1} x", f"/react #{'9' * 20}"),
        *("/slow", "/slow x", "/slow -1", f"/slow {SLOW_MOST + 1}", "/slow 5 5", "/slow ٣"),
        *("/invitation 0", "/invitation x", "/invitation 1000000", "/invitation --network"),
        *("/kick --network bob", "/mute --network bob", "/kick --sever bob"),
        f"/kick bob {'x' * (REASON_CHARACTERS + 1)}",
        f"/nick {'x' * 257}",
        "x" * (TEXT_BYTES + 1),
        "é" * (TEXT_BYTES // 2 + 1),
        f"/topic {'x' * 65_000}",
        f"/msg bob {'x' * (TEXT_BYTES + 1)}",
    ],
)
def test_what_does_not_fit_is_a_sentence(line: str) -> None:
    sentence = refused(FACE, line)
    assert sentence.endswith(".") or sentence.startswith("It is used like this: /")


@pytest.mark.parametrize(
    "line",
    [
        *("/join", "/msg", "/reply", "/edit", "/delete x", "/search", "/invite", "/kick", "/ban"),
        *("/mute", "/op", "/slow", "/nick", "/revoke"),
    ],
)
def test_how_it_is_used_is_said_as_the_help_says_it(line: str) -> None:
    name = line[1:].partition(" ")[0]
    sentence = refused(FACE, line)
    assert sentence.startswith(f"It is used like this: {ENTRIES[name].line}")


@given(st.text(min_size=1))
def test_every_text_can_be_said(text: str) -> None:
    line = "/" + text if text.startswith("/") else text
    command = run(FACE, line)
    if text.strip():
        assert getattr(command, "content", None) == Content(text)
    else:
        assert command is None


WORDS = st.sampled_from(
    [
        *("#", "@", "#3", "#0", "@bob", "bob", "--server", "--network", "--", "7d", "10", "0"),
        *("lobby", "python", "invite-only", "x" * 300, "²", "٣", "\ud800", "\u0000", "\u2028"),
    ]
)
ARGUMENTS = st.one_of(
    st.text(st.characters(), max_size=20),
    st.lists(WORDS, max_size=4).map(" ".join),
)


@given(st.sampled_from([*ENTRIES, "", "dance"]), ARGUMENTS)
def test_a_line_means_something_or_is_refused_with_a_sentence(name: str, argument: str) -> None:
    check(f"/{name} {argument}")


@given(st.text(st.characters()))
@example("\ud800" * (TEXT_BYTES // 3 + 1))
@example("/" + "\ud800" * TEXT_BYTES)
def test_no_line_does_anything_else(line: str) -> None:
    check(line)


def check(line: str) -> None:
    """Check that a line is understood, or raises CommandError and nothing else."""
    if line.startswith("/slow") and not line.isascii():
        return  # Which does raise something else: see tests.client.test_bugs.
    try:
        parsed = parse_line(line)
    except CommandError as error:
        assert str(error)
        return
    if parsed is None:
        assert not line.strip()
        return
    entry, argument = parsed
    for room in (FACE.case.room(), FACE.case.private("bob"), None):
        FACE.go(room)
        try:
            entry.check(FACE)
            entry.run(FACE, argument)
        except CommandError as error:
            assert str(error)
        finally:
            FACE.go(FACE.case.room())

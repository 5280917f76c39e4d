"""Completion of what is typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.commands import ENTRIES
from chat.client.complete import Completion, Context, Kind, Names, complete, usage_of

CONTEXT = Context(
    nicks=Names(["ana", "Anton", "bob", "Ünal", "andrea", "עברית", "bo b", "an\x1b]0;x\x07", ""]),
    recent=("bob", "andrea", "an\x1bx", "andrea"),
    rooms=Names(["lobby", "python", "Pyramid", "p\u202eq"]),
)


def results(text: str, behind: str = "") -> list[str]:
    """Return what becomes of a text with the cursor at its end."""
    return [it.apply(text + behind)[0] for it in complete(text + behind, len(text), CONTEXT)]


@pytest.mark.parametrize(
    ("text", "completed"),
    [
        ("/jo", ["/join "]),
        ("/wh", ["/who"]),
        ("/LEA", ["/leave "]),
        ("/b", ["/block ", "/blocked", "/ban "]),
        ("/nothing", []),
        ("//jo", []),
        ("/join ", ["/join lobby ", "/join Pyramid ", "/join python "]),
        ("/join py", ["/join Pyramid ", "/join python "]),
        ("/join #PY", ["/join Pyramid ", "/join python "]),
        ("/join lobby ", []),
        ("/create x inv", ["/create x invite-only "]),
        ("/leave @a", ["/leave @andrea ", "/leave @ana ", "/leave @Anton "]),
        ("/leave py", ["/leave Pyramid ", "/leave python "]),
        ("/leave bo", ["/leave @bob "]),
        ("/msg an", ["/msg andrea ", "/msg ana ", "/msg Anton "]),
        ("/msg @bo", ["/msg @bob "]),
        ("/msg ana bo", ["/msg ana bob "]),
        ("/msg ana hi there bo", ["/msg ana hi there bob "]),
        ("/kick --server bo", ["/kick --server bob "]),
        ("/ban bob 7d bo", ["/ban bob 7d bob "]),
        ("/reply #12 bo", ["/reply #12 bob "]),
        ("/react #12 :tad", ["/react #12 🎉 "]),
        ("/help /jo", ["/help join"]),
        ("/help de", ["/help delete", "/help deop", "/help devices", "/help decline"]),
        ("/contact m", ["/contact members "]),
        ("/who x", []),
    ],
)
def test_commands_and_what_they_take(text: str, completed: list[str]) -> None:
    assert sorted(results(text)) == sorted(completed)


@pytest.mark.parametrize(
    ("text", "completed"),
    [
        ("bo", ["bob: "]),
        ("hi bo", ["hi bob "]),
        ("hi\nbo", ["hi\nbob "]),
        ("@bo", ["@bob "]),
        ("an", ["andrea: ", "ana: ", "Anton: "]),
        ("AN", ["andrea: ", "ana: ", "Anton: "]),
        ("ün", ["Ünal: "]),
        ("עב", ["עברית: "]),
        ("see #py", ["see #Pyramid ", "see #python "]),
        ("#", ["#lobby ", "#Pyramid ", "#python "]),
        ("#p", ["#Pyramid ", "#python "]),
        ("", []),
        ("hi ", []),
        ("zed", []),
        (":tad", ["🎉 "]),
        ("so :tad", ["so 🎉 "]),
        (":t", []),
        (":)", []),
        ("x:tad", []),
        ("http://tad", []),
    ],
)
def test_names_and_emoji(text: str, completed: list[str]) -> None:
    assert results(text) == completed


def test_those_who_spoke_last_come_first_and_nobody_twice() -> None:
    assert [it.label for it in complete("a", 1, CONTEXT)] == ["andrea", "ana", "Anton"]


def test_what_is_behind_the_cursor_stays() -> None:
    assert results("/msg bo", " hi") == ["/msg bob hi"]
    assert results("bo", " there") == ["bob: there"]
    [found] = complete("so bo, yes", 5, CONTEXT)
    assert found.apply("so bo, yes") == ("so bob , yes", 7)


def test_a_command_is_offered_with_its_usage_and_help() -> None:
    [found] = complete("/msg", 4, CONTEXT)
    entry = ENTRIES["msg"]
    assert found == Completion(Kind.COMMAND, 0, 4, "/msg ", "/msg", f"{entry.usage}  {entry.help}")
    assert len(complete("/", 1, CONTEXT)) == len(ENTRIES)


def test_the_usage_is_that_of_the_command_being_typed() -> None:
    assert usage_of("/msg bob hi") is usage_of("/msg") is ENTRIES["msg"]
    assert usage_of("/ms") is usage_of("//msg") is usage_of("msg") is usage_of("") is None


def test_a_name_that_acts_on_a_terminal_is_not_offered() -> None:
    for text in ("an", "/msg an", "#p", "@an"):
        for found in complete(text, len(text), CONTEXT):
            assert "\x1b" not in found.text + found.label
            assert "\u202e" not in found.text + found.label


@given(st.text(max_size=50) | st.sampled_from([f"/{name} " for name in ENTRIES]), st.integers())
def test_whatever_is_typed(text: str, cursor: int) -> None:
    for found in complete(text, cursor, CONTEXT):
        assert 0 <= found.start <= found.end <= len(text)
        completed, at = found.apply(text)
        assert completed[:at].startswith(text[: found.start])
        assert completed[:at].endswith(found.text)


def test_the_work_is_bounded_however_many_names_there_are() -> None:
    names = Names(f"n{number:06}" for number in range(100_000))
    looked = iter(names.beginning("n"))
    assert next(looked) == "n000000"
    context = Context(nicks=names)
    assert len(complete("n", 1, context)) == 50
    assert [it.label for it in complete("n09999", 6, context)] == [f"n09999{n}" for n in range(10)]
    assert complete("n1000000", 8, context) == complete("m", 1, context) == []


def test_a_million_characters_have_no_completion() -> None:
    for text in ("x" * 10**6, "/join " + "x" * 10**6, ":" + "x" * 10**6, "@" * 10**6):
        assert complete(text, len(text), CONTEXT) == []

"""The bot of the README, as it stands there, and the examples of the manual."""

import re
import textwrap
from pathlib import Path

import pytest

from chat.client.commands import ENTRIES
from tests.e2e.programs import CHECKOUT, Programs, has_entered, link_of

README = (CHECKOUT / "README.md").read_text("utf-8")
MANUAL = (CHECKOUT / "docs" / "manual.md").read_text("utf-8")


def example(text: str, heading: str, containing: str) -> str:
    """Return the indented block with something in it, of a section of a page."""
    section = re.split(r"^## ", text.split(f"\n## {heading}\n")[1], flags=re.MULTILINE)[0]
    blocks = re.findall(r"(?:^    .*\n|^\n)+", section, re.MULTILINE)
    [block] = [block for block in blocks if containing in block]
    return textwrap.dedent(block).strip("\n") + "\n"


def test_the_bot_of_the_readme_answers_and_catches_up(programs: Programs) -> None:
    source = example(README, "Write a bot", "!echo")
    assert len(source.splitlines()) <= 20
    path = programs.directory / "bot.py"
    path.write_text(source, "utf-8")
    link = link_of(programs.server())
    bot = programs.bot(path, link)
    ana = programs.client(link, "--nick", "ana")
    has_entered(ana)
    ana.says(r"^\* echo joined$|^\* 2 here: ana, echo$")
    ana.type("!echo hello\nnot for it\n!echo you\n")
    ana.says(r'^echo \(to ana: "!echo hello"\): hello\n.*: you$')
    bot.signal(2)
    assert bot.ends() == 0 and "Traceback" not in bot.err
    ana.says(r"^\* echo left$")
    ana.type("!echo again\n")
    programs.bot(path, link)
    ana.says(r"^echo .*: again$")
    assert ana.out.count("hello\n") == ana.out.count("again\n") == 1


@pytest.mark.parametrize("address", ["localhost:1", "not an address"])
def test_it_says_in_a_sentence_what_is_wrong(programs: Programs, address: str) -> None:
    path = programs.directory / "bot.py"
    path.write_text(example(README, "Write a bot", "!echo"), "utf-8")
    bot = programs.bot(path, address)
    assert bot.ends() == 1
    assert re.fullmatch(r"[A-Za-z].*[.?]\n", bot.err)


def test_the_manuals_test_of_a_bot_passes(tmp_path: Path) -> None:
    found: dict[str, object] = {}
    exec(compile(example(MANUAL, "Bots", "def test_"), "manual.md", "exec"), found)
    test = found["test_it_greets"]
    assert callable(test)
    test(tmp_path)


def test_the_manual_names_every_command() -> None:
    for name in ENTRIES:
        assert re.search(rf"`/{name}[ `]", MANUAL), name

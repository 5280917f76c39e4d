"""What people write is never markup of the toolkit: the calls that would parse it are not used."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import chat.client.tui

SOURCES = sorted(Path(chat.client.tui.__file__).parent.rglob("*.py"))

TEXT_FIRST = {"Static", "Label", "Option", "Button", "Digits", "Collapsible"}
"""Widgets whose first argument is markup if it is a string."""
NEVER = {"from_markup", "DataTable", "Tree", "Markdown", "RichLog", "border_title", "tooltip"}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            yield name, node


def is_content(node: ast.expr) -> bool:
    """Whether an expression is `Content`, or made by something here that returns it."""
    if not isinstance(node, ast.Call):
        return False
    names = ast.unparse(node.func)
    return names.split(".")[0] in ("Content", "self") or names.startswith("Content")


def test_there_is_something_to_look_at() -> None:
    assert len(SOURCES) > 30


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_text_is_parsed_as_markup(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for name, call in calls(tree):
        assert name not in NEVER, f"{path.name}:{call.lineno}"
        if name in TEXT_FIRST and call.args:
            first = call.args[0]
            is_own = isinstance(first, ast.Attribute) and first.attr == "_text"
            assert is_content(first) or is_own, f"{path.name}:{call.lineno}: {ast.unparse(call)}"
        if name == "notify":
            keywords = {it.arg: ast.unparse(it.value) for it in call.keywords}
            assert keywords.get("markup") == "False", f"{path.name}:{call.lineno}"
        if name == "update" and ast.unparse(call.func).startswith(("trouble.", "self.update")):
            assert is_content(call.args[0]), f"{path.name}:{call.lineno}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            assert node.attr not in NEVER, f"{path.name}:{node.lineno}"

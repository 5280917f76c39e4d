"""The server opens no record: its author, and what it replaces or erases, are stored beside it."""

import ast
from pathlib import Path
from typing import Final

import pytest

OPENERS: Final = {"open_record", "decode_body"}

CHAT: Final = Path(__file__).parents[2] / "chat"

FOLDERS: Final = [
    path
    for root in (CHAT / "server", CHAT / "store")
    for path in [root, *root.iterdir()]
    if path.is_dir() and list(path.glob("*.py"))
]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda it: it.name)
def test_no_module_could_open_one(folder: Path) -> None:
    for path in folder.glob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
        names = {getattr(node, key, "") for node in nodes for key in ("id", "attr", "name")}
        assert not names & OPENERS, path


def test_there_are_modules_to_look_at() -> None:
    assert {folder.name for folder in FOLDERS} >= {"server", "fanout", "requests", "sqlite"}

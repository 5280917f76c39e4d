"""Choosing tests for a fault, by their names, their imports, and the time they need."""

from pathlib import PurePosixPath

import pytest

from tests.mutants.selection import Candidates, Choice, Selection, choose

FILES = {
    "chat/__init__.py": "",
    "chat/box/__init__.py": "",
    "chat/box/lid.py": "",
    "chat/box/hinge.py": "from . import lid",
    "chat/box/lock.py": "",
    "chat/box/label.py": "'''Not chat.box.lid.'''",
    "chat/box/__main__.py": "import chat.box.label",
    "chat/bag/__init__.py": "",
    "chat/bag/lid.py": "",
    "chat/lost.py": "",
    "chat/testing/__init__.py": "",
    "chat/testing/support.py": "from ..box.hinge import x",
    "tests/__init__.py": "",
    "tests/box/__init__.py": "",
    "tests/box/test_lid.py": "",
    "tests/box/test_lock_twice.py": "def f():\n    from chat.box import lock",
    "tests/box/test_shop.py": "from tests.box.support import x",
    "tests/box/support.py": "from chat.testing import support",
    "tests/bag/__init__.py": "",
    "tests/bag/test_lid.py": "",
    "tests/bag/test_seam.py": "from chat.box.lid import x",
    "tests/e2e/__init__.py": "",
    "tests/e2e/test_all.py": "import chat.box.lid\nrun('-m', 'chat.box', 'x')",
    "benchmarks/__init__.py": "",
}


@pytest.fixture(scope="module")
def selection(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    root = tmp_path_factory.mktemp("checkout")
    for name, source in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return Selection(root)


def candidates(selection: Selection, path: str) -> Candidates:
    return selection.candidates(PurePosixPath(path))


def test_named_like_it_then_importing_it_then_importing_that(selection: Selection) -> None:
    assert candidates(selection, "chat/box/lid.py") == (
        ["tests/box/test_lid.py"],
        {"tests/bag/test_seam.py": 1},
        {"tests/box/test_shop.py": 4},
    )


def test_a_test_of_the_same_name_elsewhere_is_of_another_module(selection: Selection) -> None:
    assert candidates(selection, "chat/bag/lid.py") == (["tests/bag/test_lid.py"], {}, {})


def test_an_import_in_a_function_is_one(selection: Selection) -> None:
    found = candidates(selection, "chat/box/lock.py")
    assert found == ([], {"tests/box/test_lock_twice.py": 1}, {})


def test_those_beside_it_if_none_imports_it(selection: Selection) -> None:
    found = candidates(selection, "chat/box/hinge.py")
    assert found == ([], {"tests/box/test_shop.py": 3}, {})


def test_slow_ones_if_there_are_no_others(selection: Selection) -> None:
    found = candidates(selection, "chat/box/label.py")
    assert found == ([], {"tests/e2e/test_all.py": 2}, {})


def test_slow_ones_even_if_nothing_tells_that_they_see_it(selection: Selection) -> None:
    assert candidates(selection, "chat/lost.py") == ([], {"tests/e2e/test_all.py": 1}, {})


def test_the_nearest_and_quickest_come_first() -> None:
    found = Candidates(["n"], {"b": 1, "a": 1}, {"z": 3, "y": 2, "x": 2})
    seconds = {"n": 1.0, "a": 2.0, "b": 1.0, "x": 2.0, "y": 1.0, "z": 0.0}
    assert choose(found, seconds) == Choice(["n", "b", "a"], ["y", "x", "z"], 0)


def test_there_is_only_so_much_time() -> None:
    found = Candidates(["n"], {"a": 1, "b": 1, "c": 1}, {"x": 2, "y": 2})
    seconds = {"n": 5.0, "a": 10.0, "b": 15.0, "c": 4.0, "x": 1.0, "y": 1.5}
    assert choose(found, seconds) == Choice(["n", "c", "a"], ["b", "x"], 1)


def test_one_is_run_however_slow_it_is() -> None:
    assert choose(Candidates([], {"a": 1}, {}), {"a": 99.0}) == Choice(["a"], [], 0)
    assert choose(Candidates([], {}, {"a": 2}), {"a": 99.0}) == Choice(["a"], [], 0)

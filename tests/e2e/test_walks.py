"""The walks through the full screen look as they did when they were captured last.

``make walks`` takes them anew where that is meant to change; the difference is for a review.
"""

import pytest

from tests.e2e.walks import SIZES, WALKS, has_tmux, take_walk, walk_path


def test_every_walk_has_its_captures() -> None:
    paths = {walk_path(name, *size) for name in WALKS for size in SIZES}
    assert {path for path in next(iter(paths)).parent.glob("*.txt")} == paths
    for path in paths:
        assert path.read_text().startswith("=== ")


@pytest.mark.skipif(not has_tmux(), reason="there is no tmux")
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", WALKS)
def test_a_walk_looks_as_before(name: str, size: tuple[int, int]) -> None:
    assert take_walk(name, *size).text == walk_path(name, *size).read_text()

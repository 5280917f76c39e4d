"""Which tests are measured when coverage is."""

from pathlib import Path
from typing import Final

import pytest

CORE: Final = frozenset(Path(__file__).with_name(name) for name in ("rooms", "wire"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the core's coverage to the core's own tests, as a plain ``--cov`` demands it.

    The others run through the core as well, and being traced takes as long again as they do.
    """
    if config.getoption("cov_source") != [True]:
        return  # Nothing is asked for, or something by its name.
    for item in items:
        if CORE.isdisjoint(item.path.parents):
            item.add_marker(pytest.mark.no_cover)

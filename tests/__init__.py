"""Tests, one file per module of `chat`.

`make test` tries the same examples in every run. `make test-long` tries many more, other ones each
time, and prints how to repeat the one that failed.
"""

import os
from typing import Final

from hypothesis import settings

__all__ = ["LONG", "examples", "machine"]

LONG: Final = os.environ.get("ENCCHAT_TESTS") == "long"
"""Whether there is time to look further, in hours rather than minutes."""

_TIMES: Final = 30
"""How many times as many examples a long run tries."""

settings.register_profile("short", derandomize=True, deadline=None, max_examples=60)
settings.register_profile("long", deadline=None, max_examples=60 * _TIMES, print_blob=True)
settings.load_profile("long" if LONG else "short")


def examples(count: int) -> settings:
    """Return settings for a test with so many examples, or many times as many in a long run."""
    return settings(max_examples=count * _TIMES if LONG else count)


def machine(count: int, steps: int) -> settings:
    """Return settings for a state machine, with at most so many steps in each example."""
    return settings(examples(count), stateful_step_count=steps)

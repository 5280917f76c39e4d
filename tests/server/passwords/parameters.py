"""Cheap hash parameters for tests."""

from dataclasses import replace
from typing import Final

from argon2.profiles import RFC_9106_LOW_MEMORY

__all__ = ["CHEAP", "DEARER"]

CHEAP: Final = replace(RFC_9106_LOW_MEMORY, time_cost=1, memory_cost=8, parallelism=1)
DEARER: Final = replace(CHEAP, time_cost=2)

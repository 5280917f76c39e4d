"""How tall the rows of a log are, and where each is: fast with hundreds of thousands of them.

A height is two bytes. Sums are kept for blocks of rows, so that finding the row at a line, or the
line of a row, looks at one block and not at everything.
"""

from array import array
from collections.abc import Iterable
from typing import Final

__all__ = ["Heights"]

_BLOCK: Final = 512
_MOST: Final = 65_535


class Heights:
    """The heights of rows, in lines."""

    def __init__(self, heights: Iterable[int] = ()) -> None:
        self._heights = array("H", (min(it, _MOST) for it in heights))
        self._sums: list[int] = []
        self._sum_from(0)

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._heights)

    def __getitem__(self, index: int) -> int:
        """Return the height of a row."""
        return self._heights[index]

    @property
    def total(self) -> int:
        """The height of all rows together."""
        return self._total

    def set(self, index: int, height: int) -> int:
        """Let a row have another height; return by how much that is more."""
        height = min(height, _MOST)
        more = height - self._heights[index]
        if more:
            self._heights[index] = height
            self._sums[index // _BLOCK] += more
            self._total += more
        return more

    def insert(self, index: int, heights: Iterable[int]) -> None:
        """Insert rows before the one at `index`."""
        self._heights[index:index] = array("H", (min(it, _MOST) for it in heights))
        self._sum_from(index)

    def delete(self, index: int, count: int = 1) -> None:
        """Remove rows."""
        del self._heights[index : index + count]
        self._sum_from(index)

    def top(self, index: int) -> int:
        """Return the line at which a row begins."""
        block = index // _BLOCK
        return sum(self._sums[:block]) + sum(self._heights[block * _BLOCK : index])

    def find(self, line: int) -> tuple[int, int]:
        """Return the row that has a line, and which of its lines that is.

        The first row for a line before all, one behind the last for a line behind all.
        """
        line = max(0, line)
        for block, size in enumerate(self._sums):
            if line < size:
                start = block * _BLOCK
                for index in range(start, min(start + _BLOCK, len(self._heights))):
                    height = self._heights[index]
                    if line < height:
                        return index, line
                    line -= height
            line -= size
        return len(self._heights), 0

    def _sum_from(self, index: int) -> None:
        block = index // _BLOCK
        del self._sums[block:]
        for start in range(block * _BLOCK, len(self._heights), _BLOCK):
            self._sums.append(sum(self._heights[start : start + _BLOCK]))
        self._total = sum(self._sums)

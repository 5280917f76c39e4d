"""How often something may happen: a bucket for each key, of which the latest are remembered."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Buckets"]

K = TypeVar("K", bound=Hashable)


class Buckets(Generic[K]):
    """Lets `burst` things happen at once, and one more after every `step` seconds, for each key.

    `seconds` is a monotonic clock; at most `kept` keys are remembered.
    """

    def __init__(
        self,
        step: Callable[[], float],
        burst: Callable[[], int],
        kept: Callable[[], int],
        seconds: Callable[[], float],
    ) -> None:
        # Asked each time, because limits can change while the server runs.
        self._step = step
        self._burst = burst
        self._kept = kept
        self._seconds = seconds
        self._empty_at: OrderedDict[K, float] = OrderedDict()
        """When the bucket of each key is full again."""

    def take(self, key: K) -> bool:
        """Return whether it may happen once more, and count it if so."""
        now, step = self._seconds(), self._step()
        after = max(self._empty_at.pop(key, now), now) + step
        may = after - now <= step * self._burst()
        self._empty_at[key] = after if may else after - step
        if len(self._empty_at) > self._kept():
            self._empty_at.popitem(last=False)
        return may

"""Rates: how much somebody may send a second, and what they owe who sent more."""

__all__ = ["TokenBucket"]


class TokenBucket:
    """So many units a second, and so many at once. Never refuses: who takes too much is in debt.

    All state is the moment at which everything taken is paid for. It may lie behind the present by
    as much as the burst is worth; as far as it lies ahead, the taker is in debt. Times are seconds
    of one clock, the caller's.
    """

    __slots__ = ("_burst_seconds", "_paid", "_unit_seconds")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        """Be full. A `rate` of 0 units a second is no limit."""
        self._unit_seconds = 1 / rate if rate else 0.0
        self._burst_seconds = burst * self._unit_seconds
        self._paid = now - self._burst_seconds

    def take(self, amount: float, now: float) -> float:
        """Take so many units; return for how many seconds nothing more should be taken."""
        full = now - self._burst_seconds
        paid = self._paid if self._paid > full else full
        self._paid = paid = paid + amount * self._unit_seconds
        return paid - now if paid > now else 0.0

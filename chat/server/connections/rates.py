"""Rates: how much a client may send per second, and how long it is throttled after sending more."""

__all__ = ["TokenBucket"]


class TokenBucket:
    """Fills at a rate, up to a burst. Never refuses: taking more than it holds goes into debt.

    The only state is the time at which everything taken is paid for. It is in the past while there
    are tokens, by at most the burst, and in the future while there is debt. Times are in seconds,
    by the caller's clock.
    """

    __slots__ = ("_burst_seconds", "_paid", "_unit_seconds")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        """Start full. A `rate` of 0 units per second means no limit."""
        self._unit_seconds = 1 / rate if rate else 0.0
        self._burst_seconds = burst * self._unit_seconds
        self._paid = now - self._burst_seconds

    def take(self, amount: float, now: float) -> float:
        """Take a number of units; return in how many seconds they are paid for."""
        full = now - self._burst_seconds
        paid = self._paid if self._paid > full else full
        self._paid = paid = paid + amount * self._unit_seconds
        return paid - now if paid > now else 0.0

"""Rates: how much a client may send a second, and what it owes once it has sent more."""

__all__ = ["TokenBucket"]


class TokenBucket:
    """Fills at a rate, up to a burst. Never refuses: who takes more than there is goes into debt.

    The only state is the moment at which everything taken is paid for. It lies in the past while
    there are tokens, by at most what the burst is worth; in the future while there is debt. Times
    are seconds of one clock, the caller's.
    """

    __slots__ = ("_burst_seconds", "_paid", "_unit_seconds")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        """Start full. A `rate` of 0 units a second is no limit."""
        self._unit_seconds = 1 / rate if rate else 0.0
        self._burst_seconds = burst * self._unit_seconds
        self._paid = now - self._burst_seconds

    def take(self, amount: float, now: float) -> float:
        """Take so many units; return in how many seconds they are paid for."""
        full = now - self._burst_seconds
        paid = self._paid if self._paid > full else full
        self._paid = paid = paid + amount * self._unit_seconds
        return paid - now if paid > now else 0.0

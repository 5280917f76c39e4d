"""Token buckets, with numbers as the clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.server.connections.rates import TokenBucket


def test_a_burst_is_free_and_what_follows_is_owed() -> None:
    bucket = TokenBucket(10, 5, 100.0)
    assert [bucket.take(1, 100.0) for _ in range(5)] == [0] * 5
    assert bucket.take(1, 100.0) == pytest.approx(0.1)
    assert bucket.take(4, 100.0) == pytest.approx(0.5)
    assert bucket.take(1, 100.6) == pytest.approx(0)
    assert bucket.take(1, 100.6) == pytest.approx(0.1)


def test_it_fills_up_again_and_not_above_the_burst() -> None:
    bucket = TokenBucket(10, 5, 0.0)
    bucket.take(5, 0.0)
    assert bucket.take(0, 0.2) == 0
    assert bucket.take(3, 0.2) == pytest.approx(0.1)
    assert bucket.take(5, 1_000.0) == 0
    assert bucket.take(1, 1_000.0) == pytest.approx(0.1)


def test_no_rate_is_no_limit() -> None:
    bucket = TokenBucket(0, 0, 7.0)
    assert {bucket.take(10**9, now) for now in (7.0, 7.0, 8.0)} == {0}


@given(
    st.floats(0.5, 1_000),
    st.floats(0, 1_000),
    st.lists(st.tuples(st.floats(0, 10), st.floats(0, 100)), max_size=50),
)
def test_who_waits_as_told_never_gets_more_than_rate_and_burst(
    rate: float, burst: float, steps: list[tuple[float, float]]
) -> None:
    bucket = TokenBucket(rate, burst, 0.0)
    now = taken = 0.0
    for pause, amount in steps:
        now += pause
        taken += amount
        now += bucket.take(amount, now)
        assert taken <= burst + rate * now + 1e-6 * (1 + taken)

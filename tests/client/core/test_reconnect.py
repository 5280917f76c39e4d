"""When to connect again after a connection was lost, when not to, and why it ended."""

from random import Random

import pytest

from chat.client.core.reconnect import Backoff, explain_close, is_final
from chat.limits import ClientLimits
from chat.wire.errors import CloseCode

LIMITS = ClientLimits()


def test_attempts_come_ever_more_slowly_up_to_a_bound() -> None:
    backoff = Backoff(LIMITS, lambda: 0)
    delays = [backoff.delay() for _ in range(20)]
    assert delays[:3] == [1, 1.5, 2.25]
    assert delays == sorted(delays) and delays[-1] == LIMITS.last_retry
    backoff.reset()
    assert backoff.delay() == 1


def test_no_two_clients_come_at_the_same_time() -> None:
    one, two = (Backoff(LIMITS, Random(seed).random) for seed in (1, 2))
    assert one.delay() != two.delay()
    assert max(one.delay() for _ in range(50)) <= LIMITS.last_retry


@pytest.mark.parametrize(
    ("retry_after", "random", "delay"), [(20, 0, 20), (20, 1, 30), (0, 0, 1), (10**9, 0, 600)]
)
def test_the_servers_wish_is_granted_once(retry_after: int, random: float, delay: float) -> None:
    backoff = Backoff(LIMITS, lambda: random)
    backoff.obey(retry_after)
    assert backoff.delay() == delay
    assert backoff.delay() == 1.5 + random


def test_no_wish_is_none() -> None:
    backoff = Backoff(LIMITS, lambda: 0)
    backoff.obey(None)
    assert backoff.delay() == 1


def test_a_number_that_is_no_code_is_final() -> None:
    assert is_final(99) and is_final(CloseCode.VERSION) and not is_final(CloseCode.SHUTDOWN)


@pytest.mark.parametrize("code", [*CloseCode, 99, 2**40])
def test_every_close_code_is_a_sentence(code: int) -> None:
    assert explain_close(code, None).endswith(".")


def test_when_to_come_back_is_said() -> None:
    assert explain_close(CloseCode.SHUTDOWN, 5).endswith("come back in 5 seconds.")

"""I4, I6 and K2: a server that is killed under traffic loses nothing that it has acknowledged."""

import pytest_twisted

from benchmarks.kills import run
from tests.e2e.support import the_reactor


@pytest_twisted.ensureDeferred
async def test_chaos() -> None:
    """K2: kill -9 under traffic; nothing lost, doubled, or out of its author's order.

    The same as ``make bench-kills``, but smaller.
    """
    await run(the_reactor(), clients=4, lines=300, kills=2)

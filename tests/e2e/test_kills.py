"""I4 and I6: a server that is killed under traffic loses nothing that it has acknowledged."""

import pytest_twisted

from benchmarks.kills import run
from tests.e2e.support import the_reactor


@pytest_twisted.ensureDeferred
async def test_i4_i6_what_was_acknowledged_survives_kills() -> None:
    """The same as ``make bench-kills``, but smaller."""
    await run(the_reactor(), clients=4, lines=300, kills=2)

"""The benchmark of what requests cost measures every kind of them."""

import pytest_twisted

from benchmarks.state.__main__ import measure
from chat.server.requests.table import ROUTES


@pytest_twisted.ensureDeferred
async def test_every_kind_of_request_is_measured() -> None:
    from twisted.internet import reactor

    costs = await measure(reactor, 10, rounds=1)
    assert all(cost > 0 for cost in costs.values())
    measured = {name.partition(",")[0].partition(" ")[0] for name in costs}
    measured |= {"moderate"} if {"ban", "mute", "op"} <= measured else set()
    assert {route.message.__name__.lower() for route in ROUTES} <= measured

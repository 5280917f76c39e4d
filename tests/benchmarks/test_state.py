"""The benchmark of what requests cost measures every kind of them."""

from pathlib import Path

import pytest
import pytest_twisted

from benchmarks.state.__main__ import growth
from benchmarks.state.column import measures
from benchmarks.state.world import World
from chat.server.requests.table import ROUTES


@pytest_twisted.ensureDeferred
async def test_every_kind_of_request_is_measured(tmp_path: Path) -> None:
    from twisted.internet import reactor

    world = World(reactor, tmp_path / "encchat.db", 10)
    try:
        await world.fill()
        costs = {name: await measure() for name, measure in measures(world).items()}
    finally:
        await world.close()
    assert all(cost > 0 for cost in costs.values())
    measured = {name.partition(",")[0].partition(" ")[0] for name in costs}
    measured |= {"moderate"} if {"ban", "mute", "op"} <= measured else set()
    assert {route.message.__name__.lower() for route in ROUTES} <= measured


@pytest.mark.parametrize(
    ("costs", "most"),
    [([1, 2, 3], 3), ([4, 1, 2], 2), ([4, 2, 1], 0.5), ([1, 5, 2], 5), ([7], 1)],
)
def test_growth_is_from_any_server_to_a_larger_one(costs: list[float], most: float) -> None:
    assert growth(costs) == most

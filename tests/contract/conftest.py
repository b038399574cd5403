"""The worlds that every test of this suite is run in."""

import functools

import pytest

from tests.contract import asterisk_world, sim_world
from tests.contract.world import OpenWorld

SEEDS = (0, 1, 2)
"""Orders of what Asterisk leaves without one; the simulator's own tests try many more."""


@pytest.fixture(
    params=[
        *(
            pytest.param(functools.partial(sim_world.open_world, seed), id=f"simulator-{seed}")
            for seed in SEEDS
        ),
        pytest.param(asterisk_world.open_world, id="asterisk", marks=pytest.mark.asterisk),
    ]
)
def open_world(request: pytest.FixtureRequest) -> OpenWorld:
    opened: OpenWorld = request.param
    return opened

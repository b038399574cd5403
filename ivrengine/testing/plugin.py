"""The pytest plugin: fixtures ``world``, ``caller`` and ``phone`` for tests of flows in Python.

Tests with them are plain functions: the world has a loop and a clock of its own.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ivrengine.testing.world import CallerOnTheLine, PhoneAtHand, World

INI = "ivrengine_flows"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the configuration name the folder of flows."""
    parser.addini(
        INI, "The folder of flows that `world`, `caller` and `phone` use.", default="flows"
    )


@pytest.fixture
def world(request: pytest.FixtureRequest) -> "Iterator[World]":
    """Return the flows of the folder that the configuration names, ready to be called."""
    # Only a test of flows pays for the engine's import: every run of pytest loads its plugins.
    from ivrengine.testing.world import World  # noqa: PLC0415

    folder = request.config.rootpath / str(request.config.getini(INI))
    with World(folder) as opened:
        yield opened


@pytest.fixture
def caller(world: "World") -> "Callable[..., CallerOnTheLine]":
    """Return what lets somebody call a flow: ``caller("main", clock=…, caller=…)``."""
    return world.call


@pytest.fixture
def phone(world: "World") -> "Callable[[str], PhoneAtHand]":
    """Return what gives a phone of the brand that is called by its name."""
    return world.phone

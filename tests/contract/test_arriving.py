"""Who calls, and which number they called, in all the forms in which a trunk may say it."""

import pytest

from ivrengine.core.switching import Arrival
from tests.contract.world import DID, OpenWorld


@pytest.mark.parametrize(
    "number", ["+905321234567", "05321234567", "00905321234567", "905321234567"]
)
async def test_a_number_is_e164_in_whatever_form_it_came(
    open_world: OpenWorld, number: str
) -> None:
    async with open_world() as world:
        await world.call(number=number)
        arrival = await world.event(Arrival)
        assert arrival.number == "+905321234567"
        assert arrival.did == DID


async def test_a_foreign_number_keeps_its_country(open_world: OpenWorld) -> None:
    async with open_world() as world:
        await world.call(number="004930901820")
        arrival = await world.event(Arrival)
        assert arrival.number == "+4930901820"


async def test_a_withheld_number_does_not_reach_us(open_world: OpenWorld) -> None:
    async with open_world() as world:
        await world.call(number="+905321234567", withheld=True)
        arrival = await world.event(Arrival)
        assert arrival.number is None


async def test_a_caller_without_a_number_has_none(open_world: OpenWorld) -> None:
    async with open_world() as world:
        await world.call(number=None)
        arrival = await world.event(Arrival)
        assert arrival.number is None


async def test_what_is_no_number_is_none(open_world: OpenWorld) -> None:
    async with open_world() as world:
        await world.call(number="4711")
        arrival = await world.event(Arrival)
        assert arrival.number is None


@pytest.mark.parametrize(
    ("dialled", "did"),
    [
        ("+902124440101", DID),
        ("02124440101", DID),
        ("902124440101", DID),
        ("100", "100"),
    ],
)
async def test_a_dialled_number_is_e164_if_it_can_be_and_else_its_digits(
    open_world: OpenWorld, dialled: str, did: str
) -> None:
    async with open_world() as world:
        await world.call(dialled)
        arrival = await world.event(Arrival)
        assert arrival.did == did


async def test_two_callers_have_two_channels(open_world: OpenWorld) -> None:
    async with open_world() as world:
        await world.call()
        first = await world.event(Arrival)
        await world.call()
        second = await world.event(Arrival, lambda event: event is not first)
        assert first.channel_id != second.channel_id
        assert first.channel_id.startswith(f"{world.switch.node}:")

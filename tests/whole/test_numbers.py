"""Who calls and what was dialled, in the forms that trunks write them: one caller is one key, and no form is lost."""

import asyncio
from typing import Any, Final

import pytest

from tests.whole import people, records
from tests.whole.engine import Engine
from tests.whole.people import ESTATE, dial

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres]

MOBILE: Final = "+90 532 *** ** 67"


async def _caller_of(estate: Engine, did: str = ESTATE, **said: Any) -> dict[str, Any]:
    """Call, hang up once answered, and return what the engine knows of the caller."""
    async with dial(did, **said) as call:
        await call.answered()
        caller: dict[str, Any] = records.arrivals(estate.data)[-1]["caller"]
    assert await records.ended(estate.data) == "hung_up"
    return caller


@pytest.mark.parametrize(
    ("number", "mask"),
    [
        ("+905321234567", MOBILE),
        ("05321234567", MOBILE),
        ("00905321234567", MOBILE),
        ("905321234567", MOBILE),
        ("5321234567", MOBILE),
        ("+4915112345678", "+49 1511 *** ** 78"),
        ("004915112345678", "+49 1511 *** ** 78"),
        ("02123334455", "+90 212 *** ** 55"),
        ("%2B905321234567%0d%0aX", MOBILE),
    ],
)
async def test_a_caller_s_number_is_understood_in_every_form(
    estate: Engine, number: str, mask: str
) -> None:
    caller = await _caller_of(estate, number=number)
    assert caller["mask"] == mask
    assert not caller["withheld"]
    assert caller["number_id"]


async def test_one_number_in_all_its_forms_is_one_caller(estate: Engine) -> None:
    forms = ("+905321234567", "05321234567", "00905321234567", "905321234567")
    keys = {(await _caller_of(estate, number=form))["key"] for form in forms}
    other = (await _caller_of(estate, number="+905321234568"))["key"]
    assert len(keys) == 1
    assert other not in keys
    assert None not in keys


@pytest.mark.parametrize(
    "said",
    [
        {"withheld": True},
        {"number": None},
        {"number": "abc"},
        {"number": "anonymous"},
        {"number": "1234"},
        {"number": "+90532;x=1,evil"},
        {"number": "9" * 40},
        {"number": "0" * 12},
    ],
    ids=repr,
)
async def test_what_is_no_number_is_a_caller_without_one(
    estate: Engine, said: dict[str, Any]
) -> None:
    caller = await _caller_of(estate, **said)
    nobody = {"withheld": True, "mask": "withheld", "key": None, "number_id": None}
    assert caller == nobody


@pytest.mark.parametrize(
    "dialled",
    ["902124440101", "02124440101", "00902124440101", "+908504440155", "08504440155"],
)
async def test_a_line_is_found_in_every_form_of_its_number(estate: Engine, dialled: str) -> None:
    await _caller_of(estate, dialled)
    arrival = records.arrivals(estate.data)[-1]
    assert arrival["flow"]["name"] == "guneskent-main"
    assert arrival["did"] in {ESTATE, "+908504440155"}


async def test_a_brand_that_forbids_keys_gets_none_but_a_sealed_number(estate: Engine) -> None:
    caller = await _caller_of(estate, "+902124440102")
    assert caller["key"] is None
    assert caller["mask"] == MOBILE
    assert caller["number_id"]


async def _reaches_a_person(dialled: str) -> None:
    async with dial(dialled) as call:
        await call.answered()
        await call.hears(people.apology())


async def test_who_dials_a_line_that_nobody_knows_hears_the_apology(estate: Engine) -> None:
    known = len(records.arrivals(estate.data))
    dialled = ("+902124440199", "+442071234567", "112")
    await asyncio.gather(*map(_reaches_a_person, dialled))
    assert len(records.arrivals(estate.data)) == known
    refused = estate.lines("call refused", reason="no route")
    assert {line["did"] for line in refused} == set(dialled)

"""What the dialplan hands to the engine about a caller, whatever form the trunk's numbers have."""

from typing import Any

import pytest

from tests.live.access import access
from tests.live.ari import Ari
from tests.live.people import DID, NUMBER, caller

pytestmark = pytest.mark.asterisk

OTHER = "+905427654321"


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ({"number": NUMBER}, NUMBER),
        ({"number": "05321234567"}, "05321234567"),
        ({"number": "00905321234567"}, "00905321234567"),
        ({"number": NUMBER, "asserted": OTHER}, OTHER),
        ({"number": NUMBER, "headers": [("P-Asserted-Identity", f"<tel:{OTHER}>")]}, OTHER),
        ({"number": NUMBER, "headers": [("Privacy", "none")]}, NUMBER),
        ({"number": NUMBER, "headers": [("Privacy", "None")]}, NUMBER),
        ({"number": NUMBER, "name": NUMBER}, NUMBER),
        ({"number": NUMBER, "name": 'Şükrü, \\"Ltd\\" & ${HOSTNAME}'}, NUMBER),
        ({"number": "+90532;x=1,evil"}, "+90532"),
    ],
)
async def test_a_number_that_may_be_shown_is_handed_over(said: dict[str, Any], number: str) -> None:
    async with Ari.connect(access()) as ari, caller(**said):
        arrival = await ari.arrival()
        assert arrival["args"] == ["inbound", DID, number, "allowed"]
        assert arrival["channel"]["language"] == "tr"
        assert arrival["channel"]["caller"] == {"name": "", "number": arrival["args"][2]}


@pytest.mark.parametrize(
    "said",
    [
        {"number": NUMBER, "withheld": True},
        {"number": None},
        {"number": "anonymous"},
        {"number": NUMBER, "headers": [("Privacy", "id")]},
        {"number": NUMBER, "headers": [("Privacy", "user;id")]},
        {"number": NUMBER, "headers": [("Privacy", 'x" = "x" | "1')]},
        {"number": NUMBER, "asserted": OTHER, "headers": [("Privacy", "id")]},
        {
            "number": NUMBER,
            "headers": [("Remote-Party-ID", f"<sip:{OTHER}@carrier>;privacy=full")],
        },
    ],
)
async def test_a_withheld_number_goes_no_further_than_the_dialplan(said: dict[str, Any]) -> None:
    async with Ari.connect(access()) as ari, caller(**said):
        arrival = await ari.arrival()
        assert arrival["args"] == ["inbound", DID, "", "withheld"]
        for digits in (NUMBER[-7:], OTHER[-7:]):
            assert digits not in str(ari.events)


@pytest.mark.parametrize(
    ("dialled", "did"),
    [
        ("902124440101", "902124440101"),
        ("02124440101", "02124440101"),
        ("112", "112"),
        ("+90212444,evil", "+90212444"),
    ],
)
async def test_the_did_arrives_as_the_trunk_dials_it_but_for_what_is_no_digit(
    dialled: str, did: str
) -> None:
    async with Ari.connect(access()) as ari, caller(dialled):
        assert (await ari.arrival())["args"] == ["inbound", did, NUMBER, "allowed"]


@pytest.mark.parametrize("dialled", ["s", "h", "i", "t", "abc", "asterisk", "PJSIP"])
async def test_what_no_telephone_dials_is_not_found(dialled: str) -> None:
    async with Ari.connect(access()) as ari, caller(dialled) as call:
        assert await call.refused() == 404
        assert ari.events == []


async def test_the_second_trunk_brings_calls_too() -> None:
    async with (
        Ari.connect(access()) as ari,
        caller(source="127.0.0.2", keys="info"),
    ):
        arrival = await ari.arrival()
        assert arrival["args"] == ["inbound", DID, NUMBER, "allowed"]
        assert arrival["channel"]["name"].startswith("PJSIP/trunk-in-info-")


async def test_a_stranger_is_refused_before_a_channel_exists() -> None:
    async with (
        Ari.connect(access()) as ari,
        caller(source="127.0.0.9") as call,
    ):
        assert await call.refused() == 401
        assert ari.events == []


@pytest.mark.parametrize("name", ["trunk-in", "trunk-in-info", "trunk-out"])
async def test_nobody_becomes_a_trunk_by_its_name(name: str) -> None:
    async with caller(source="127.0.0.9", number=name) as call:
        assert await call.refused() == 401

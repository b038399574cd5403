"""Numbers of routes: whichever way a person writes one, a call that arrives for it finds its flow."""

from pathlib import Path

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ivrengine.flow.book import Book
from ivrengine.flow.source import dids
from ivrengine.numbers import normal
from tests.flow.folder import ROUTING, SOUND, load

COUNTRIES = ("TR", "DE", "GB", "US", "IT")
ROUTED = '[{did: "+902124440101", flow: main}]'


def routed(folder: Path, routes: str) -> Book:
    book, told = load(folder, SOUND | {"routing.yaml": ROUTING.replace(ROUTED, routes)})
    assert told == []
    return book


@pytest.mark.parametrize(
    "written",
    [
        "+902125551234",
        "0212 555 12 34",
        '"02125551234"',
        "2125551234",
        "(0212) 555-12-34",
        "0090 212 555 12 34",
        "902125551234",
    ],
)
def test_a_number_may_be_written_without_its_country(written: str, tmp_path: Path) -> None:
    book = routed(tmp_path, f"[{{did: {written}, flow: main, emergency: yes}}]")
    assert list(book.routes.exact) == ["+902125551234"]
    assert book.routes.emergency == ("+902125551234",)
    assert book.route(normal.did("02125551234", "TR")) is not None


@pytest.mark.parametrize("short", ["100", "7", "112", "1234567", "0"])
def test_an_extension_stays_as_it_is(short: str, tmp_path: Path) -> None:
    book = routed(tmp_path, f'[{{did: "{short}", flow: main}}]')
    assert book.route(normal.did(short, "TR")) is not None


def test_a_national_service_number_is_no_extension(tmp_path: Path) -> None:
    book = routed(tmp_path, "[{did: 444 0 101, flow: main}]")
    assert book.route(normal.did("4440101", "TR")) is not None
    assert book.route("+904440101") is not None


@pytest.mark.parametrize("written", ["+9085044401", "0850 444 01", "0090 850 444 01"])
def test_a_prefix_may_be_written_without_its_country(written: str, tmp_path: Path) -> None:
    book = routed(tmp_path, f'[{{prefix: "{written}", flow: main}}]')
    assert book.route(normal.did("08504440123", "TR")) is not None
    assert book.route(normal.did("08504450123", "TR")) is None


def test_a_prefix_of_extensions_stays_as_it_is(tmp_path: Path) -> None:
    book = routed(tmp_path, '[{prefix: "85", flow: main}]')
    assert book.route("8512") is not None


def test_a_country_that_is_none_leaves_numbers_as_they_are() -> None:
    assert dids.did("02125551234", "XX") == "02125551234"
    assert dids.prefix("0212", "XX") == "0212"


@given(st.sampled_from(COUNTRIES), st.text("0123456789", min_size=1, max_size=13))
@example("TR", "008683449786907")  # abroad, in a range that no plan knows
@example("IT", "005667150504329")
def test_a_route_is_read_as_the_number_of_a_call_is(country: str, digits: str) -> None:
    assert dids.did(digits, country) == normal.did(digits, country)


@given(st.sampled_from(COUNTRIES), st.sampled_from(("", "0", "00", "+")), st.integers(0, 9999))
def test_every_way_to_write_a_number_of_the_plan_leads_to_it(
    country: str, before: str, last: int
) -> None:
    of_plan = phonenumbers.example_number(country)
    assert of_plan is not None
    national = phonenumbers.national_significant_number(of_plan)[:-4] + f"{last:04}"
    code = str(of_plan.country_code) if before in {"00", "+"} else ""
    written = f"{before}{code}{national}"
    called = normal.did(written, country)
    assert dids.did(written, country) == called or written.startswith("+")

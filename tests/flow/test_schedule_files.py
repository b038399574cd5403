"""Files of schedules: what their words mean, how flows use them, and what is told of them."""

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ivrengine.core.ids import BrandId
from ivrengine.flow.book import Book
from ivrengine.flow.load import load_folder
from ivrengine.flow.schedules import Schedule
from tests.flow.folder import PROMPTS, ROUTING, SOUND, load, write

ACME = BrandId("acme")
HOURS = """
flow: main
brand: acme
languages: [tr, en]
start: hello
nodes:
  hello: {type: hours, schedule: office, open: bye, closed: shut}
  shut: {type: play, prompt: welcome, next: bye}
  bye: {type: hangup}
"""
OFFICE = """
brand: acme
schedules:
  office:
    timezone: Europe/Istanbul
    open: {mon-fri: "09:00-18:00", sat: ["10:00-13:00", "14:00-16:00"]}
"""
HOLIDAYS = OFFICE + "    holidays: {country: TR}\n"


def asked(tmp_path: Path, schedules: str) -> tuple[Book, list[str]]:
    files = {"routing.yaml": ROUTING, "prompts.yaml": PROMPTS, "main.yaml": HOURS}
    return load(tmp_path, files | {"schedules.yaml": schedules})


def office(tmp_path: Path, schedules: str) -> Schedule:
    book, told = asked(tmp_path, schedules)
    assert told == []
    return book.schedules[ACME]["office"]


def stands(schedule: Schedule, local: str) -> str:
    moment = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Europe/Istanbul"))
    standing = schedule.standing(moment.astimezone(UTC))
    return "open" if standing.is_open else standing.reason or "closed"


def test_a_week_is_read_as_it_looks(tmp_path: Path) -> None:
    made = office(tmp_path, OFFICE)
    moments = {
        "2026-11-23T08:59": "closed",
        "2026-11-23T09:00": "open",
        "2026-11-27T17:59": "open",
        "2026-11-27T18:00": "closed",
        "2026-11-28T13:30": "closed",
        "2026-11-28T15:59": "open",
        "2026-11-29T12:00": "closed",
    }
    assert {moment: stands(made, moment) for moment in moments} == moments


@pytest.mark.parametrize(
    ("days", "hours", "local", "expected"),
    [
        ("daily", '"22:00-06:00"', "2026-11-23T05:59", "open"),
        ("daily", '"22:00-06:00"', "2026-11-23T06:00", "closed"),
        ("sat-mon", '"9:00 - 24:00"', "2026-11-22T23:59", "open"),
        ("sat-mon", '"9:00 - 24:00"', "2026-11-24T00:00", "closed"),
        ("mon", "closed", "2026-11-23T12:00", "closed"),
    ],
)
def test_days_and_hours_have_their_short_forms(
    days: str, hours: str, local: str, expected: str, tmp_path: Path
) -> None:
    text = OFFICE.partition("    open:")[0] + f"    open: {{{days}: {hours}}}\n"
    book, _ = asked(tmp_path, text)
    assert stands(book.schedules[ACME]["office"], local) == expected


def test_turkish_holidays_are_kept_and_their_eves_from_one_o_clock(tmp_path: Path) -> None:
    made = office(tmp_path, HOLIDAYS)
    moments = {
        "2026-10-28T12:59": "open",
        "2026-10-28T13:00": "half-day",
        "2026-10-29T12:00": "holiday",
        "2026-03-19T12:59": "open",  # the eve of Ramazan Bayramı
        "2026-03-19T13:00": "half-day",
        "2026-03-20T12:00": "holiday",
        "2026-05-26T14:00": "half-day",  # the eve of Kurban Bayramı
        "2026-05-29T12:00": "holiday",
        "2026-07-15T12:00": "holiday",
    }
    assert {moment: stands(made, moment) for moment in moments} == moments


@pytest.mark.parametrize(
    ("rule", "at_ten", "at_noon"),
    [("closed", "half-day", "half-day"), ("open", "open", "open"), ('"11:30"', "open", "half-day")],
)
def test_what_becomes_of_half_holidays_can_be_said(
    rule: str, at_ten: str, at_noon: str, tmp_path: Path
) -> None:
    made = office(tmp_path, OFFICE + f"    holidays: {{country: TR, half_days: {rule}}}\n")
    assert stands(made, "2026-10-28T10:00") == at_ten
    assert stands(made, "2026-10-28T12:00") == at_noon
    assert ("half-day" in made.reasons) is (rule != "open")


def test_a_half_holiday_changes_nothing_on_a_day_that_is_closed_by_then(tmp_path: Path) -> None:
    made = office(tmp_path, HOLIDAYS)
    assert stands(made, "2028-10-28T20:00") == "half-day", "a Saturday that is open to 16:00"
    assert stands(made, "2029-10-28T14:00") == "closed", "a Sunday"


def test_holidays_can_be_added_and_taken_away(tmp_path: Path) -> None:
    more = "    holidays: {country: TR, closed: [12-24, 2026-12-30], open: 04-23}\n"
    made = office(tmp_path, OFFICE + more)
    assert stands(made, "2026-12-24T12:00") == stands(made, "2030-12-24T12:00") == "holiday"
    assert stands(made, "2026-12-30T12:00") == "holiday"
    assert stands(made, "2027-12-30T12:00") == "open"
    assert stands(made, "2026-04-23T12:00") == "open"


def test_a_part_of_a_country_has_holidays_of_its_own(tmp_path: Path) -> None:
    germany = OFFICE.replace("Istanbul", "Berlin")
    bavaria = office(tmp_path, germany + "    holidays: {country: DE, subdivision: BY}\n")
    everywhere = office(tmp_path, germany + "    holidays: {country: DE}\n")
    assert stands(bavaria, "2026-01-06T12:00") == "holiday"
    assert stands(everywhere, "2026-01-06T12:00") == "open"


def test_exceptions_win_over_holidays_and_the_narrower_over_the_wider(tmp_path: Path) -> None:
    made = office(
        tmp_path,
        HOLIDAYS
        + """
    exceptions:
      - {on: 2026-10-29, open: "10:00-12:00", reason: feast}
      - {from: 12-24, to: 01-02, reason: winter}
      - {on: 12-27, open: "09:00-10:00", reason: stocktaking}
      - {from: 2027-12-24, to: 2027-12-31, open: "09:00-18:00"}
""",
    )
    moments = {
        "2026-10-29T11:00": "open",
        "2026-10-29T12:00": "feast",
        "2026-12-24T12:00": "winter",
        "2027-01-01T12:00": "winter",
        "2027-01-03T12:00": "closed",
        "2029-12-27T09:30": "open",
        "2029-12-27T12:00": "stocktaking",
        "2027-12-24T12:00": "open",
        "2028-02-29T12:00": "open",
    }
    assert {moment: stands(made, moment) for moment in moments} == moments
    assert made.reasons == {"holiday", "half-day", "feast", "winter", "stocktaking"}


def test_a_flow_is_another_version_when_a_schedule_that_it_asks_is_changed(tmp_path: Path) -> None:
    def version(schedules: str) -> str:
        book, _ = asked(tmp_path, schedules)
        return book.flows[ACME, "main"].ref.hash

    other = "  other: {timezone: Europe/Istanbul, open: {mon: '09:00-18:00'}}\n"
    assert (
        version(OFFICE) == version(OFFICE + other) == version(OFFICE.replace("mon-fri", "mon-fri"))
    )
    assert version(OFFICE) != version(OFFICE.replace("18:00", "17:00"))
    assert version(OFFICE) != version(HOLIDAYS)


def test_flows_that_ask_a_broken_schedule_are_held_back_and_no_others(tmp_path: Path) -> None:
    book, told = asked(tmp_path, OFFICE.replace("mon-fri", "mon-fry"))
    assert [line.split(": ")[0] for line in told] == ["schedules.yaml:6:12"]
    assert book.flows == {}
    book, told = asked(tmp_path, OFFICE.replace("14:00-16:00", "12:00-16:00"))
    assert [line.split(": ")[1] for line in told] == ["error hours-overlap"]
    assert book.flows == {}


def test_schedules_may_stand_in_a_folder(tmp_path: Path) -> None:
    files = {"routing.yaml": ROUTING, "prompts.yaml": PROMPTS, "main.yaml": HOURS}
    book, told = load(tmp_path, files | {"schedules/office.yaml": OFFICE})
    assert told == []
    assert list(book.flows) == [(ACME, "main")]


def test_what_is_past_is_told_to_those_who_know_the_day(tmp_path: Path) -> None:
    text = (
        OFFICE
        + "    exceptions: [{on: 2026-01-07}, {from: 2025-12-24, to: 2026-01-08}, {on: 01-06}]\n"
    )
    files = {"routing.yaml": ROUTING, "prompts.yaml": PROMPTS, "main.yaml": HOURS}
    folder = write(tmp_path, files | {"schedules.yaml": text})
    told = {day: load_folder(folder, today=date(2026, 1, day))[1] for day in (7, 8, 9)}
    assert {day: len(found) for day, found in told.items()} == {7: 0, 8: 1, 9: 2}
    assert load_folder(folder)[1] == ()


def test_a_schedule_with_every_minute_of_the_week_never_closes(tmp_path: Path) -> None:
    always = (
        OFFICE.partition("    open:")[0]
        + '    open: {mon-sat: "08:00-08:00", sun: "00:00-24:00"}\n'
    )
    _, told = asked(tmp_path, always)
    assert "expected hours such as" in told[0]
    halves = always.replace('"08:00-08:00"', '["00:00-12:00", "12:00-24:00"]')
    _, told = asked(tmp_path, halves)
    assert [line.split(": ")[1] for line in told] == ["warning never-closed"]
    _, told = asked(tmp_path, halves + "    exceptions: [{on: 05-01}]\n")
    assert told == []


def test_a_folder_needs_no_schedules(tmp_path: Path) -> None:
    book, told = load(tmp_path, SOUND)
    assert told == []
    assert book.schedules == {}

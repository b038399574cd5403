"""Schedules against a model that goes through the minutes one by one, in zones whose clocks are changed."""

from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ivrengine.flow.schedules import DAY_MIN, Day, Schedule, Standing

BERLIN: Final = ZoneInfo("Europe/Berlin")
ISTANBUL: Final = ZoneInfo("Europe/Istanbul")
ZONES: Final = (
    BERLIN,
    ISTANBUL,
    ZoneInfo(
        "America/Havana"
    ),  # changes at midnight: a day that begins at one, an hour after midnight that comes twice
    ZoneInfo("Australia/Lord_Howe"),  # by half an hour
    ZoneInfo("Asia/Kathmandu"),
)
MINUTE: Final = timedelta(minutes=1)
CLOSED: Final = Day()
WORKDAY: Final = Day(periods=((9 * 60, 18 * 60),))
OFFICE: Final = (*([WORKDAY] * 5), CLOSED, CLOSED)


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(UTC)


def opens(schedule: Schedule, moment: datetime) -> str | None:
    found = schedule.next_open(moment)
    return None if found is None else found.isoformat()


def schedule(week: tuple[Day, ...], zone: ZoneInfo = BERLIN, **more: object) -> Schedule:
    return Schedule(name="office", zone=zone, week=week, **more)  # type: ignore[arg-type]


class Wall:
    """The model: every date has a sheet of its minutes, crossed off where it is open; a clock on the wall says which."""

    def __init__(self, of: Schedule) -> None:
        self.of = of
        self.sheets: dict[date, set[int]] = {}

    def sheet(self, on: date) -> set[int]:
        if on not in self.sheets:
            own = {minute for begin, end in self.of.day(on).periods for minute in range(begin, end)}
            before = self.of.day(on - timedelta(days=1)).periods
            late = {minute - DAY_MIN for begin, end in before for minute in range(begin, end)}
            self.sheets[on] = {minute for minute in own | late if 0 <= minute < DAY_MIN}
        return self.sheets[on]

    def is_open(self, moment: datetime) -> bool:
        wall = moment.astimezone(self.of.zone)
        return wall.hour * 60 + wall.minute in self.sheet(wall.date())

    def next_open(self, moment: datetime, days: int) -> datetime | None:
        begun = moment.replace(second=0, microsecond=0)
        for minutes in range(1, days * DAY_MIN):
            if self.is_open(begun + minutes * MINUTE):
                return begun + minutes * MINUTE
        return None


def _day(numbers: list[int], reason: str) -> Day:
    numbers = sorted(numbers)
    pairs = zip(numbers[::2], numbers[1::2], strict=False)
    return Day(
        periods=tuple((begin, end) for begin, end in pairs if begin < DAY_MIN), reason=reason
    )


@st.composite
def days(draw: st.DrawFn) -> Day:
    late = st.integers(0, 2 * DAY_MIN)
    early = st.sampled_from([0, 30, 60, 90, 119, 120, 121, 135, 150, 179, 180, 181, 240])
    numbers = draw(st.lists(st.one_of(early, late, st.integers(0, 300)), max_size=5, unique=True))
    return _day(numbers, draw(st.sampled_from(["", "holiday", "half-day"])))


@st.composite
def schedules_and_moments(draw: st.DrawFn) -> tuple[Schedule, datetime]:
    zone = draw(st.sampled_from(ZONES))
    week = tuple(draw(st.lists(days(), min_size=7, max_size=7)))
    changes = [date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5), date(2026, 10, 4)]
    changes += [date(2026, 10, 25), date(2026, 11, 1), date(2026, 12, 31), date(2028, 2, 29)]
    around = draw(st.sampled_from(changes))
    special = st.dictionaries(
        st.integers(-2, 2).map(lambda n: around + timedelta(days=n)), days(), max_size=3
    )
    yearly = {(on.month, on.day): day for on, day in draw(special).items()}
    made = schedule(week, zone, dated=draw(special), yearly=yearly, holidays=draw(special))
    midnight = datetime(around.year, around.month, around.day, tzinfo=UTC)
    return made, midnight + timedelta(seconds=draw(st.integers(-DAY_MIN * 60, 2 * DAY_MIN * 60)))


@pytest.mark.timeout(60)
@given(drawn=schedules_and_moments())
@settings(max_examples=50, deadline=None)
def test_it_is_open_exactly_while_the_clock_on_the_wall_says_so(
    drawn: tuple[Schedule, datetime],
) -> None:
    made, moment = drawn
    wall = Wall(made)
    for minutes in range(0, 26 * 60, 9):
        then = moment + minutes * MINUTE
        assert made.standing(then).is_open is wall.is_open(then), then


@pytest.mark.timeout(60)
@given(drawn=schedules_and_moments())
@settings(max_examples=50, deadline=None)
def test_it_opens_next_at_the_first_minute_at_which_it_is_open(
    drawn: tuple[Schedule, datetime],
) -> None:
    made, moment = drawn
    wall = Wall(made)
    if wall.is_open(moment):
        return
    found, wanted = made.next_open(moment), wall.next_open(moment, days=3)
    if found is not None:
        found = found.astimezone(UTC)  # in an hour that comes twice, no two zones' times are equal
    assert found == wanted if wanted else found is None or found - moment > timedelta(days=2)


def test_in_spring_what_begins_in_the_hour_left_out_begins_when_that_hour_would_have_been() -> None:
    made = schedule((*([CLOSED] * 6), Day(periods=((150, 300),))))
    assert opens(made, at("2026-03-28T20:00")) == "2026-03-29T03:00:00+02:00"
    assert made.standing(at("2026-03-29T03:00")).is_open


def test_in_autumn_the_hour_that_comes_twice_is_open_twice() -> None:
    made = schedule((*([CLOSED] * 6), Day(periods=((120, 150),))))
    assert opens(made, at("2026-10-25T00:00")) == "2026-10-25T02:00:00+02:00"
    assert opens(made, at("2026-10-25T02:40")) == "2026-10-25T02:00:00+01:00"
    assert opens(made, at("2026-10-25T02:40", fold=1)) == "2026-11-01T02:00:00+01:00"


def test_what_lasts_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    night = Day(periods=((22 * 60, 30 * 60),))
    made = schedule(tuple([night] * 7), dated={date(2026, 11, 23): Day(reason="inventory")})
    assert made.standing(at("2026-11-23T05:59")).is_open
    assert made.standing(at("2026-11-23T06:00")) == Standing(is_open=False, reason="inventory")
    assert not made.standing(at("2026-11-23T23:00")).is_open
    assert opens(made, at("2026-11-23T06:00")) == "2026-11-24T22:00:00+01:00"


@pytest.mark.parametrize(
    ("sources", "reason"),
    [
        ("holidays", "of holidays"),
        ("yearly holidays", "of yearly"),
        ("dated yearly holidays", "of dated"),
    ],
)
def test_an_exception_wins_over_a_holiday_and_its_year_over_every_year(
    sources: str, reason: str
) -> None:
    on = date(2026, 11, 23)
    keys = {"yearly": (on.month, on.day)}
    given_days = {
        source: {keys.get(source, on): Day(reason=f"of {source}")} for source in sources.split()
    }
    made = schedule(OFFICE, BERLIN, **given_days)
    assert made.standing(at("2026-11-23T12:00")).reason == reason
    assert made.standing(at("2026-11-24T12:00")).is_open


def test_a_schedule_that_never_opens_has_no_next_time() -> None:
    assert schedule(tuple([CLOSED] * 7)).next_open(at("2026-11-23T12:00")) is None


@settings(max_examples=25, deadline=None)
@given(periods=st.lists(st.integers(0, 2 * DAY_MIN), max_size=4, unique=True))
@example(periods=[0, DAY_MIN])
def test_a_zone_that_never_changes_its_clock_has_days_of_24_hours(periods: list[int]) -> None:
    day = _day(periods, "")
    made = schedule(tuple([day] * 7), ISTANBUL)
    begun = at("2026-03-29T00:00", ISTANBUL)
    minutes = sum(made.standing(begun + n * MINUTE).is_open for n in range(DAY_MIN))
    assert minutes == len({n % DAY_MIN for begin, end in day.periods for n in range(begin, end)})

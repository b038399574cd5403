"""The public holidays of a country, from the library ``holidays``: computed once for all the years that schedules know."""

import dataclasses
import functools
from collections.abc import Collection
from datetime import date
from typing import Final

from ivrengine.flow.problems import did_you_mean

YEARS: Final = range(2024, 2046)
"""The years whose holidays are known: enough for any flow that is loaded today, and a quarter of a second's work at most."""


class UnknownPlaceError(Exception):
    """There is no such country or subdivision, in words."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PublicHolidays:
    """The days on which a country rests, whole or from noon on."""

    whole: Collection[date]
    half: Collection[date]


@functools.lru_cache(maxsize=64)
def of(country: str, subdivision: str | None) -> PublicHolidays:
    """Return the holidays of a place; raises ``UnknownPlaceError`` if the library does not know it."""
    import holidays  # noqa: PLC0415 - a third of a second, for those whose schedules have holidays

    known = holidays.list_supported_countries(include_aliases=False)
    if country not in known:
        perhaps = did_you_mean(country, known)
        raise UnknownPlaceError(f"the holidays of the country `{country}` are not known{perhaps}")
    if subdivision is not None and subdivision not in known[country]:
        perhaps = did_you_mean(subdivision, known[country])
        raise UnknownPlaceError(f"`{country}` has no subdivision `{subdivision}`{perhaps}")
    found = holidays.country_holidays(country, subdiv=subdivision, years=YEARS)
    half: Collection[date] = ()
    if holidays.HALF_DAY in found.supported_categories:
        half = holidays.country_holidays(
            country, subdiv=subdivision, years=YEARS, categories=holidays.HALF_DAY
        )
    whole = frozenset(found)
    return PublicHolidays(whole=whole, half=frozenset(half) - whole)

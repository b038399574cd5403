"""The routing file: the brands, the numbers that lead to their flows, and the phones that can be rung."""

import dataclasses
import re
from collections.abc import Collection, Iterator
from typing import Annotated, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from ivrengine.core.ids import BrandId
from ivrengine.flow.book import Brand, Phone, Routes
from ivrengine.flow.fields import Name, contradiction, matching
from ivrengine.flow.problems import Code, Loc, Problem, did_you_mean, problem
from ivrengine.flow.source import dids, sentences
from ivrengine.flow.source.text import Document, value_at

_DID: Final = re.compile(r"\+?[0-9]{1,20}")
_BLANKS: Final = re.compile(r"[\s().-]")
_ENDPOINT: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*/[A-Za-z0-9_.:@+*#/-]{1,128}")
"""No ``&`` and no comma: an endpoint rings one phone, and carries no options of the dialplan's ``Dial``."""
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
EMERGENCIES_MAX: Final = 100
"""The dialplan is told of all of them in one request, and looks through them while it is short of time."""


def _without_blanks(value: object) -> object:
    """Read ``+90 212 444 01 01`` as the number it is."""
    return _BLANKS.sub("", value) if isinstance(value, str) else value


Did = Annotated[
    str,
    BeforeValidator(_without_blanks),
    AfterValidator(matching(_DID, "a number such as +902124440101")),
]
"""A number as people write it; without its country code it is one of the brand's country."""
Endpoint = Annotated[
    str, AfterValidator(matching(_ENDPOINT, "an endpoint such as PJSIP/agent-101"))
]
"""A phone as Asterisk dials it."""
Country = Annotated[
    str, AfterValidator(matching(_COUNTRY, "a country as its two capital letters such as TR"))
]
"""A country as its ISO 3166 code."""


class RouteSource(BaseModel):
    """A number or a prefix of numbers, and the flow that answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    did: Did | None = Field(
        default=None,
        description="The number that is called; without its country code it is one of the brand's country.",
    )
    prefix: Did | None = Field(
        default=None,
        description="What numbers begin with; an exact number wins, then the longest prefix.",
    )
    flow: Name = Field(description="The brand's flow that answers.")
    emergency: bool = Field(
        default=False,
        description="Whether its callers come before others when there are too many; for a `did` only.",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.did is None) == (self.prefix is None):
            raise contradiction("did", "expected either `did` or `prefix`")
        if self.emergency and self.did is None:
            raise contradiction("emergency", "expected `did`: a `prefix` cannot be an emergency")
        return self


class PhoneSource(BaseModel):
    """A phone of the brand's directory."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: Endpoint = Field(description="What is rung: `PJSIP/agent-101`.")


class BrandSource(BaseModel):
    """A brand (tenant)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=100)] = Field(
        description="The brand's name as people write it."
    )
    country: Country = Field(description="The country whose national numbers its callers have.")
    routes: Annotated[tuple[RouteSource, ...], Field(max_length=10_000)] = Field(
        default=(), description="Which of its numbers lead to which of its flows."
    )
    phones: dict[Name, PhoneSource] = Field(
        default_factory=dict, description="The phones that its flows can ring, by name."
    )
    caller_keys: bool = Field(
        default=True,
        description="Whether callers may be recognised by a keyed hash of their number; the number itself is never kept.",
    )


class RoutingSource(BaseModel):
    """The routing file, as written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    brands: Annotated[dict[Name, BrandSource], Field(min_length=1, max_length=1000)] = Field(
        description="The brands by name."
    )

    @model_validator(mode="after")
    def _few_emergencies(self) -> Self:
        routes = [route for brand in self.brands.values() for route in brand.routes]
        if sum(route.emergency for route in routes) > EMERGENCIES_MAX:
            sentence = f"expected at most {EMERGENCIES_MAX} routes with `emergency`"
            raise contradiction("brands", sentence)
        return self


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """A routing file that was read; a brand in which something is broken is named in ``broken`` only."""

    document: Document
    brands: dict[BrandId, BrandSource]
    broken: Collection[BrandId] = ()

    def names(self) -> list[str]:
        """Return the names of all brands."""
        return [*self.brands, *self.broken]

    def brand(self, brand: BrandId) -> Brand:
        """Return what a call needs to know about a brand."""
        source = self.brands[brand]
        return Brand(
            brand=brand,
            name=source.name,
            country=source.country,
            phones={
                name: Phone(name=name, endpoint=phone.endpoint)
                for name, phone in source.phones.items()
            },
            caller_keys=source.caller_keys,
        )


def read(document: Document) -> tuple[Routing, list[Problem]]:
    """Return the sound brands of a routing file, and what is not in its language."""
    try:
        source = RoutingSource.model_validate(document.data)
    except ValidationError as error:
        found = sentences.problems_of(error, document, RoutingSource)
        return _salvaged(document, error), found
    brands = {BrandId(name): brand for name, brand in source.brands.items()}
    return Routing(document=document, brands=brands), []


def _salvaged(document: Document, error: ValidationError) -> Routing:
    broken = {detail["loc"][1] for detail in error.errors() if len(detail["loc"]) > 1}
    members = value_at(document.data, ("brands",))
    data = members if isinstance(members, dict) else {}
    brands = {
        BrandId(name): BrandSource.model_validate(brand)
        for name, brand in data.items()
        if name not in broken and brand is not None
    }
    return Routing(
        document=document,
        brands=brands,
        broken=[BrandId(name) for name in data if name not in brands],
    )


def routes(routing: Routing) -> tuple[Routes, list[Problem]]:
    """Return where every number leads, and the numbers that are routed twice."""
    exact: dict[str, tuple[BrandId, str]] = {}
    prefixes: dict[str, tuple[BrandId, str]] = {}
    first: dict[tuple[str, str], int] = {}
    found: list[Problem] = []
    emergency: list[str] = []
    for brand, index, route in _all_routes(routing):
        key, written, number = _number(route, routing.brands[brand].country)
        place = routing.document.place(("brands", brand, "routes", index, key))
        emergency += [number] if route.emergency else []
        if (key, number) in first:
            also = "" if number == written else f" (as `{number}`)"
            sentence = f"`{written}` is routed already{also}, in line {first[key, number]}"
            found.append(problem(routing.document.file, place, Code.ROUTE_TWICE, sentence))
            continue
        first[key, number] = place.line
        (exact if key == "did" else prefixes)[number] = (brand, route.flow)
    return Routes(exact=exact, prefixes=prefixes, emergency=tuple(emergency)), found


def _number(route: RouteSource, country: str) -> tuple[str, str, str]:
    """Return the key of a route's number, how it is written, and how a call's number that it means is."""
    if route.did is not None:
        return "did", route.did, dids.did(route.did, country)
    prefix = route.prefix or ""
    return "prefix", prefix, dids.prefix(prefix, country)


def unknown_flows(routing: Routing, known: Collection[tuple[BrandId, str]]) -> Iterator[Problem]:
    """Yield the routes that lead to no flow of their brand."""
    for brand, index, route in _all_routes(routing):
        if (brand, route.flow) not in known:
            loc: Loc = ("brands", brand, "routes", index, "flow")
            names = [flow for owner, flow in known if owner == brand]
            sentence = (
                f"brand `{brand}` has no flow `{route.flow}`{did_you_mean(route.flow, names)}"
            )
            place = routing.document.place(loc)
            yield problem(routing.document.file, place, Code.UNKNOWN_FLOW, sentence)


def _all_routes(routing: Routing) -> Iterator[tuple[BrandId, int, RouteSource]]:
    for brand, source in routing.brands.items():
        for index, route in enumerate(source.routes):
            yield brand, index, route

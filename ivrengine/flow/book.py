"""The book: every flow, brand and prompt text that passed the compiler, and the routing of DIDs to flows.

The engine holds one book and takes new calls by it; a newly loaded book replaces it as a whole.
"""

import dataclasses
from collections.abc import Mapping

from ivrengine.core.ids import BrandId
from ivrengine.flow.model import Flow
from ivrengine.flow.schedules import Schedule
from ivrengine.flow.templates import Template

PromptTexts = Mapping[str, str]
"""A prompt's text in each language it has one in: ``{"tr": "Hoş geldiniz.", "en": "Welcome."}``."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A phone of a brand's directory."""

    name: str
    endpoint: str
    """What a switch rings: ``PJSIP/agent-101``."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """A tenant: everything a call needs to know about the company that is called."""

    brand: BrandId
    name: str
    country: str
    """ISO 3166 code of the country whose numbers are written nationally at this brand's trunks."""
    phones: Mapping[str, Phone]
    caller_keys: bool = True
    """False: the brand forbids even the keyed hash of its callers' numbers."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """Which flow answers which DID, over all brands."""

    exact: Mapping[str, tuple[BrandId, str]] = dataclasses.field(default_factory=dict)
    prefixes: Mapping[str, tuple[BrandId, str]] = dataclasses.field(default_factory=dict)
    emergency: tuple[str, ...] = ()
    """DIDs whose callers come before others when there are too many."""

    def find(self, did: str) -> tuple[BrandId, str] | None:
        """Return brand and flow name for a DID: the exact one, else the one with the longest prefix of it."""
        found = self.exact.get(did)
        for length in range(len(did), 0, -1):
            if found is not None:
                break
            found = self.prefixes.get(did[:length])
        return found


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Everything the engine runs calls by, as one consistent whole."""

    flows: Mapping[tuple[BrandId, str], Flow] = dataclasses.field(default_factory=dict)
    brands: Mapping[BrandId, Brand] = dataclasses.field(default_factory=dict)
    prompts: Mapping[BrandId, Mapping[str, PromptTexts]] = dataclasses.field(default_factory=dict)
    """Those without parameters: what can be spoken before any call."""
    templates: Mapping[BrandId, Mapping[str, Template]] = dataclasses.field(default_factory=dict)
    """Those with parameters."""
    routes: Routes = Routes()
    schedules: Mapping[BrandId, Mapping[str, Schedule]] = dataclasses.field(default_factory=dict)

    def route(self, did: str) -> Flow | None:
        """Return the flow that answers this DID; None if none does, or the one that should did not pass the compiler."""
        found = self.routes.find(did)
        return None if found is None else self.flows.get(found)

    def phone(self, brand: BrandId, name: str) -> Phone | None:
        """Return a phone of a brand's directory by its name."""
        known = self.brands.get(brand)
        return None if known is None else known.phones.get(name)

    def endpoint(self, brand: BrandId, phone: str) -> str | None:
        """Return what a switch must ring for a phone of a brand's directory."""
        found = self.phone(brand, phone)
        return None if found is None else found.endpoint

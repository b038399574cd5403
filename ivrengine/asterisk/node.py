"""What the door must know of an Asterisk before it can knock: one of these per node of the settings."""

import dataclasses
from pathlib import Path
from urllib.parse import urlsplit


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AmiAccess:
    """How to reach an Asterisk's manager interface."""

    host: str
    port: int
    username: str
    secret: str = dataclasses.field(repr=False)
    tls: bool = False
    ca_file: Path | None = None
    """Who signs its certificate, where that is not one of the machine's own authorities."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One Asterisk, and how to reach its ARI."""

    name: str
    """How we call it; every id of a thing on it begins with this."""
    url: str
    """Where its HTTP server listens (``http://127.0.0.1:8088``); a path such as ``/ari`` says nothing more."""
    username: str
    password: str = dataclasses.field(repr=False)
    application: str = "ivrengine"
    """The Stasis application; only one connection can have it at a time."""
    country: str = "TR"
    """ISO country of its trunks: numbers without a country code belong there."""
    accept_unsafe_version: bool = False
    """Connect to an Asterisk with known holes all the same, with a warning."""
    fallback_context: str = "ivrengine-fallback"
    """Context of the dialplan whose extension ``s`` takes callers whom we cannot serve."""

    fallback_queue: str = "ivrengine-fallback"
    """The native queue in which that context lets callers wait."""
    missed_dir: Path | None = None
    """Where its dialplan writes down the calls that we did not see, if that is on our machine."""
    seal_key: str = dataclasses.field(default="", repr=False)
    """What it seals the numbers of those callers with; without it they cannot be read."""
    ami: AmiAccess | None = None
    """None: nobody tells us of phones, trunks and the fallback queue."""
    trunks: frozenset[str] = frozenset()
    """Endpoints that are trunks; all others are phones."""

    @property
    def origin(self) -> str:
        """Return the address without any path."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

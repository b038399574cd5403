"""Other systems that flows may ask: only hosts that the settings allow, and with secrets that the settings hold."""

import dataclasses
import re
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

PORTS: Final = {"https": 443, "http": 80}
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
"""What is asked there does not leave the machine: it needs no TLS."""
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|[0-9a-f:]+", re.ASCII)


class AddressError(ValueError):
    """The address is none that flows can ask; the message says what was expected."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Whom a request goes to: a scheme, a host and a port, as they stand in an address (RFC 6454)."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def origin_of(url: str) -> Origin:
    """Return whom an address leads to; raises ``AddressError``."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # a port that is no number, an open bracket
        raise AddressError("an address such as https://erp.example.com/flats") from None
    if parts.scheme not in PORTS or not _HOST.fullmatch(host) or port == 0:
        raise AddressError("an address such as https://erp.example.com/flats")
    if "@" in parts.netloc:
        raise AddressError("an address without user and password; those are secrets")
    return Origin(scheme=parts.scheme, host=host, port=port or PORTS[parts.scheme])


def allowed_by(entry: str) -> Collection[Origin]:
    """Return what an entry of the allow-list allows; raises ``AddressError``.

    A host, with its port if need be, is asked by https; by http, too, if it is this machine or the entry says ``http://``.
    """
    _, has_scheme, rest = entry.rpartition("://")
    if not rest or "/" in rest or "?" in rest or "#" in rest:
        raise AddressError("a host such as erp.example.com, 127.0.0.1:8080 or http://erp.lan")
    if has_scheme:
        return (origin_of(entry),)
    safe = origin_of(f"https://{rest}")
    if safe.host not in _LOOPBACK:
        return (safe,)
    return safe, origin_of(f"http://{rest}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the settings say of other systems."""

    allowed: Collection[Origin] = ()
    secrets: Collection[str] = ()
    """The names of those that there are."""

    def allows(self, url: str) -> bool:
        """Tell whether an address may be asked."""
        try:
            return origin_of(url) in self.allowed
        except AddressError:
            return False

"""The table ``prompts`` of the settings: where an Asterisk fetches prompts that it has no folder of."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

from pydantic import AfterValidator, Field

from ivrengine.settings.table import Table, expected

Network = IPv4Network | IPv6Network


def _network(value: str) -> str:
    try:
        ip_network(value)
    except ValueError:
        raise expected("an address or a network, such as 10.0.0.7 or 10.0.0.0/24") from None
    return value


def _address(value: str) -> str:
    """Check an address to listen on."""
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise expected("an address and a port to listen on, such as 10.0.0.5:9465")
    return value


class Prompts(Table):
    """Where an Asterisk that shares no disk with the engine fetches prompts; see ``sounds_url`` of an ``[[asterisk]]``."""

    listen: Annotated[str, AfterValidator(_address)] | None = None
    allow: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        default=("127.0.0.0/8", "::1"), min_length=1, max_length=64
    )
    """Who may fetch: addresses and networks; this machine, unless others are named."""

    def networks(self) -> Iterator[Network]:
        """Yield who may fetch."""
        for each in self.allow:
            yield ip_network(each)

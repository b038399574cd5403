"""The HTTP client that flows ask other systems with: only whom the settings allow, bounded, and silent about secrets.

A flow chooses none of what could make a request dangerous: whom it goes to is fixed text and on the list, redirects are
not followed, no proxy or cookie of the surroundings is used, and what comes back is read up to a limit.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp
import msgspec
import structlog
import yarl
from pydantic import SecretStr

from ivrengine.core import effects
from ivrengine.core.asking import Inquiry, Reply, UnansweredError
from ivrengine.core.events import Unanswered
from ivrengine.flow.outside import Outside, origin_of
from ivrengine.telemetry.build import Build

BODY_BYTES_MAX: Final = 256 * 1024
"""An answer about one caller has some kilobytes; a flow has room for 32 texts of 1,000 characters."""
CONNECTIONS_MAX: Final = 100
PER_HOST_MAX: Final = 32
"""More at a time make no request to one server faster; the rest wait, within their deadlines."""
CONNECT_LIMIT_S: Final = 2.0
"""A host that is up takes a connection in milliseconds; one that is not is given up early enough to be tried again."""
RETRY_FIRST_S: Final = 0.1
RETRY_MOST_S: Final = 1.0
_PASSING: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""What may be otherwise in a moment; every other status of failure is an answer."""
_log = structlog.get_logger(__name__)


class Web:
    """Asks other systems; an asynchronous context, at whose end all connections are closed."""

    def __init__(
        self,
        outside: Outside,
        secrets: Mapping[str, SecretStr],
        *,
        chance: Callable[[], float],
        ca_file: Path | None = None,
    ) -> None:
        """Ask whom ``outside`` allows, with ``secrets`` by name; ``chance`` returns numbers in [0, 1).

        ``ca_file`` has the authorities that certificates are held against; those that the machine trusts if None.
        """
        self._outside = outside
        self._secrets = secrets
        self._chance = chance
        self._away: set[str] = set()
        trusted = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
        self._asking = _session(trusted, keep_alive=True)
        # A POST that met the other side's closing of an idle connection could not be sent again.
        self._telling = _session(trusted, keep_alive=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._asking.close()
        await self._telling.close()

    async def fetch(self, inquiry: Inquiry) -> Reply:
        """Ask, and ask again what may be asked again; the caller sets the deadline. Raises ``UnansweredError``."""
        origin = str(origin_of(inquiry.url))
        headers = self._headers(inquiry)
        for wait_s in self._waits(inquiry):
            try:
                reply = await self._once(inquiry, headers, origin)
            except UnansweredError as error:
                if wait_s is None or not _may_pass(error):
                    raise
                await asyncio.sleep(wait_s)
            else:
                return reply
        raise AssertionError("unreachable")

    def _waits(self, inquiry: Inquiry) -> list[float | None]:
        """Return for each try how long to wait after it; None after the last. The jitter spreads what failed at once."""
        retries = inquiry.retries if isinstance(inquiry, effects.Fetch) else 0
        longest = [min(RETRY_FIRST_S * 2**n, RETRY_MOST_S) for n in range(retries)]
        return [*(most_s * (1 - self._chance() / 2) for most_s in longest), None]

    def _headers(self, inquiry: Inquiry) -> Mapping[str, str]:
        if not self._outside.allows(inquiry.url):
            raise UnansweredError(Unanswered.REFUSED)
        headers = {header.name: self._said(header) for header in inquiry.headers}
        if isinstance(inquiry, effects.Submit):
            headers["Content-Type"] = "application/json"
            headers["Idempotency-Key"] = inquiry.request_id
        return headers

    def _said(self, header: effects.Header) -> str:
        if not header.secret:
            return header.text
        secret = self._secrets.get(header.secret)
        if secret is None:
            raise UnansweredError(Unanswered.REFUSED)
        return header.text + secret.get_secret_value()

    async def _once(self, inquiry: Inquiry, headers: Mapping[str, str], origin: str) -> Reply:
        url = yarl.URL(inquiry.url, encoded=True)
        if isinstance(inquiry, effects.Submit):
            body = msgspec.json.encode(inquiry.body)
            request = self._telling.post(url, headers=headers, data=body, allow_redirects=False)
        else:
            request = self._asking.get(url, headers=headers, allow_redirects=False)
        try:
            async with request as response:
                self._heard(origin)
                return await _read(response, wants=bool(inquiry.wants))
        except (aiohttp.ClientError, OSError) as error:  # time-outs of connecting among them
            self._missed(origin, error)
            raise UnansweredError(Unanswered.UNREACHABLE) from None

    def _heard(self, origin: str) -> None:
        if origin in self._away:
            self._away.discard(origin)
            _log.info("other system back", origin=origin)

    def _missed(self, origin: str, error: Exception) -> None:
        """Say once that a system cannot be reached; of the error its class only, for its text may quote the request."""
        if origin not in self._away:
            self._away.add(origin)
            _log.warning("other system not reached", origin=origin, error=type(error).__name__)


def _session(trusted: ssl.SSLContext, *, keep_alive: bool) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        limit=CONNECTIONS_MAX,
        limit_per_host=PER_HOST_MAX,
        force_close=not keep_alive,
        ssl=trusted,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_LIMIT_S),
        headers={
            "User-Agent": f"ivrengine/{Build.found().version}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # what is read is what was sent: nothing swells
        },
        auto_decompress=False,
        trust_env=False,
    )


async def _read(response: aiohttp.ClientResponse, *, wants: bool) -> Reply:
    status = response.status
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise UnansweredError(Unanswered.STATUS, status)
    if not wants:
        return Reply(status=status, content=None)
    if (response.content_length or 0) > BODY_BYTES_MAX:
        raise UnansweredError(Unanswered.TOO_BIG, status)
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise UnansweredError(Unanswered.TOO_BIG, status)
    try:
        return Reply(status=status, content=msgspec.json.decode(body))
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        raise UnansweredError(Unanswered.NOT_JSON, status) from None


def _may_pass(error: UnansweredError) -> bool:
    """Tell whether another try may bring more than this one."""
    return error.reason is Unanswered.UNREACHABLE or error.status in _PASSING

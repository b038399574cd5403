"""The link to one Asterisk's manager interface: kept up, watched, and found again when it breaks.

Calls do without it. What it adds is sight: of phones and trunks, of the fallback queue, of calls that the dialplan kept.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import structlog

from ivrengine.asterisk import ami, backoff, wire
from ivrengine.asterisk.ami_eye import Eye
from ivrengine.asterisk.meter import Meter
from ivrengine.asterisk.node import AmiAccess
from ivrengine.core.switching import RequestRefusedError

PING_EVERY_S: Final = 10.0
"""With an answer's limit, a connection that died without a word is known within 15 s."""
BOOT_LIMIT_S: Final = 120.0
"""An Asterisk with thousands of endpoints takes a minute to load; one that never does is asked anew."""
STEADY_S: Final = 30.0
"""A link that held so long was a good one: after it the waits begin anew."""
REASONS_MAX: Final = 16
"""Reasons remembered as told: there are fewer sentences, but some quote what the other side said."""

SHUTTING_DOWN: Final = "Asterisk is shutting down"
"""What Asterisk answers to every action from the order to end until it ends (main/manager.c)."""

_log = structlog.get_logger(__name__)


class AmiLink:
    """Keeps one connection to one manager interface, and gives what comes through it to its eye."""

    def __init__(
        self, access: AmiAccess, eye: Eye, *, meter: Meter, chance: Callable[[], float]
    ) -> None:
        self.name = eye.name
        self.up = False
        self.trouble: str | None = None
        """Why there is no link, in a sentence; None while there is one, or before the first attempt."""
        self._access = access
        self._where = f"AMI at {access.host}:{access.port}"
        self._eye = eye
        self._meter = meter
        self._chance = chance
        self._said: set[str] = set()
        self._line: ami.Ami | None = None

    async def run(self) -> None:
        """Keep the link up until cancelled."""
        clock = asyncio.get_running_loop().time
        waits: Iterator[float] = backoff.delays_s(self._chance)
        try:
            while True:
                began = clock()
                self._went_down(await self._once())
                if clock() - began > STEADY_S:
                    waits = backoff.delays_s(self._chance)
                await asyncio.sleep(next(waits))
        finally:
            self._lost_sight()

    async def ask(self, action: str, /, **fields: str) -> Sequence[ami.Said]:
        """Send an action over the link; whatever goes wrong is a ``RequestRefusedError``."""
        if self._line is None:
            raise wire.NoAnswerError("no link to AMI")
        clock = asyncio.get_running_loop().time
        began, outcome = clock(), "failed"
        try:
            answer = await self._line.ask(action, **fields)
            outcome = "done"
        except RequestRefusedError as refused:
            outcome = refused.failure.value
            raise
        finally:
            self._meter.requested(self.name, f"ami.{action}", outcome, clock() - began)
        return answer

    async def _once(self) -> str:
        """Connect and listen until it is over; return why it is, as a sentence."""
        eye = self._eye
        booted = eye.open()
        try:
            async with ami.connected(self._access, hear=eye.hear, dropped=eye.dropped) as line:
                self._line = line
                await self._log_in()
                await asyncio.wait(
                    (booted, line.lost),
                    timeout=BOOT_LIMIT_S,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if not line.lost.done():
                    self._came_up(booted)
                    await self._watch(line)
        except (ami.NotAmiError, OSError, RequestRefusedError) as error:
            return self._sentence(error)
        finally:
            self._line = None
        return f"{self._where} closed the connection"

    async def _log_in(self) -> None:
        user = self._access.username
        try:
            await self.ask("Login", Username=user, Secret=self._access.secret)
        except ami.RefusedError:
            # Asterisk says the same of a wrong secret and of an address that the user's permit does not have.
            raise ami.NotAmiError(
                f"refuses the user {user!r}, the password, or where we come from; compare manager.conf"
            ) from None

    def _came_up(self, booted: "asyncio.Future[None]") -> None:
        """Note that the link is up; raises ``NotAmiError`` if Asterisk still loads."""
        if not booted.done():
            raise ami.NotAmiError(f"has not loaded everything after {BOOT_LIMIT_S:g} s")
        self.up, self.trouble = True, None
        self._said.clear()
        _log.info("ami linked", node=self.name)
        self._meter.ami_linked(self.name, up=True)

    async def _watch(self, line: ami.Ami) -> None:
        """Learn how things stand, and look after the connection until it is lost."""
        while not line.lost.done():
            with _patience_with_the_dying():
                if not self._eye.looked:
                    await self._eye.look(self.ask)
            await asyncio.wait((line.lost,), timeout=PING_EVERY_S)
            with _patience_with_the_dying():
                if not line.lost.done():
                    await self.ask("Ping")

    def _went_down(self, reason: str) -> None:
        """Say each new reason once."""
        if reason not in self._said:
            _log.warning("ami not linked", node=self.name, reason=reason)
            self._said = {reason, *self._said} if len(self._said) < REASONS_MAX else {reason}
        self.trouble = reason
        self._lost_sight()

    def _lost_sight(self) -> None:
        if self.up:
            self.up = False
            self._meter.ami_linked(self.name, up=False)
            self._eye.lose_sight()

    def _sentence(self, error: ami.NotAmiError | OSError | RequestRefusedError) -> str:
        """Return what is wrong, and where to look."""
        match error:
            case ssl.SSLCertVerificationError():
                about = f"has a certificate that is refused: {error.verify_message}"
            case ssl.SSLError():
                about = "does not speak TLS as we do; compare ami_tls"
            case TimeoutError():
                about = "cannot be reached: no answer in time"
            case OSError():
                about = f"cannot be reached: {error.strerror or type(error).__name__}"
            case RequestRefusedError():
                about = f"failed: {error.detail}"
            case _:
                about = str(error)
        return f"{self._where} {about}"


@contextlib.contextmanager
def _patience_with_the_dying() -> Iterator[None]:
    """Let an Asterisk that refuses everything as it shuts down go on talking: it has yet to say whether it comes back."""
    try:
        yield
    except ami.RefusedError as refused:
        if refused.detail != SHUTTING_DOWN:
            raise

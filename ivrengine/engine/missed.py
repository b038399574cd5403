"""What becomes of a call that only the dialplan saw: an event in a stream of its own, and a call in the list if it is not there.

Told twice it makes the same rows, which the store takes once; so whoever tells it may forget what he has told.
"""

import dataclasses
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

import structlog

from ivrengine.core import ids, missed
from ivrengine.core.call import Call, Caller, FlowRef, Outcome, Phase
from ivrengine.core.ids import BrandId, CallId, ChannelId, FlowHash, NumberId
from ivrengine.core.missed import CallMissed, MissedCall, MissedKind
from ivrengine.core.rows import NumberRow
from ivrengine.core.switching import NotTakenError
from ivrengine.engine.call_task import CallTask
from ivrengine.engine.fault import fault
from ivrengine.engine.identity import uuid7_of
from ivrengine.engine.journal import GIVEN_UP
from ivrengine.engine.ledger import Ledger
from ivrengine.engine.tenure import JournalError
from ivrengine.flow.book import Book
from ivrengine.telemetry.metrics import Metrics

ENDED_MAX: Final = 10_000
"""Calls remembered after their end, on any channel: 50 s of the greatest load, and what is told of them comes within one."""
GIVEN_UP_MAX: Final = 10_000
"""Calls that ended in the dialplan's hands are remembered apart: they may wait there for ten minutes, and talk for an hour."""
_log = structlog.get_logger("engine")


class Recognise(Protocol):
    """Turns a caller's number into what the core may know of it, and a sealed copy for the vault."""

    def __call__(
        self,
        brand: BrandId,
        number: str | None,
        at: datetime,
        number_id: NumberId | None = None,
    ) -> tuple[Caller, NumberRow | None]:
        """Return the caller, and the vault's row, in the entry ``number_id``."""
        ...


class Missed:
    """Records missed calls, and knows which of them were the engine's own."""

    def __init__(
        self,
        *,
        journal: Ledger,
        book: Callable[[], Book],
        recognise: Recognise,
        in_progress: Callable[[ChannelId], CallTask | None],
        metrics: Metrics,
    ) -> None:
        self._journal = journal
        self._book = book
        self._recognise = recognise
        self._in_progress = in_progress
        self._metrics = metrics
        self._ended: OrderedDict[ChannelId, None] = OrderedDict()
        self._given_up: OrderedDict[ChannelId, None] = OrderedDict()

    def remember(self, channel_id: ChannelId, outcome: Outcome | None) -> None:
        """Note that the engine had a call on this channel, and that it ended so for the engine."""
        given_up = outcome in GIVEN_UP
        held, most = (self._given_up, GIVEN_UP_MAX) if given_up else (self._ended, ENDED_MAX)
        held[channel_id] = None
        while len(held) > most:
            held.popitem(last=False)

    def take(self, told: MissedCall) -> None:
        """Record a missed call; raises ``NotTakenError`` if the journal cannot be written.

        One at which we break is logged and counted, and not told again: those behind it must not wait for it for ever.
        """
        try:
            self._record(told)
        except JournalError as error:
            raise NotTakenError from error
        except Exception as error:  # noqa: BLE001 - counted; a fault of ours must not end the engine each time it starts
            self._metrics.calls_failed.inc()
            _log.error(
                "missed call not recorded", node=ids.node_of(told.channel_id), error=fault(error)
            )

    def _record(self, told: MissedCall) -> None:
        stream_id = CallId(
            uuid7_of(told.at, "missed", told.channel_id, told.kind, str(int(told.at.timestamp())))
        )
        flow = self._book().route(told.did)
        brand = missed.NO_BRAND if flow is None else flow.brand
        number_id = NumberId(uuid7_of(told.at, "number", stream_id))
        caller, sealed = self._recognise(brand, told.number, told.at, number_id)
        event = CallMissed(
            at=told.at,
            kind=told.kind,
            channel_id=told.channel_id,
            did=told.did,
            caller=caller,
            arrived_at=told.arrived_at,
            waited_s=told.waited_s,
            queue_status=told.queue_status,
            member=told.member,
            cause=told.cause,
        )
        call = None
        if not self._had(told.channel_id):
            call = _call(stream_id, brand, event)
            if flow is not None:
                call = dataclasses.replace(call, flow=flow.ref, language=flow.languages[0])
        if sealed is not None:
            self._journal.append_number(sealed)
        self._journal.append_missed(stream_id, brand, event, call)
        held = self._in_progress(told.channel_id)
        if held is not None and told.kind is MissedKind.LOST:
            held.note_end(told.at, told.cause)
        self._metrics.calls_missed.labels(told.kind).inc()
        _log.info(
            "call missed",
            kind=told.kind,
            node=ids.node_of(told.channel_id),
            brand=brand,
            did=told.did,
            caller=caller.mask,
            member=told.member,
            waited_s=told.waited_s,
        )

    def _had(self, channel_id: ChannelId) -> bool:
        return (
            channel_id in self._given_up
            or channel_id in self._ended
            or self._in_progress(channel_id) is not None
        )


def _call(stream_id: CallId, brand: BrandId, event: CallMissed) -> Call:
    """Return the call as it stands in the list: one that only ended."""
    return Call(
        call_id=stream_id,
        brand=brand,
        did=event.did,
        channel_id=event.channel_id,
        caller=event.caller,
        flow=FlowRef(name="", hash=FlowHash("")),
        language="",
        arrived_at=event.arrived_at,
        ended_at=event.at,
        phase=Phase.ENDED,
        outcome=missed.outcome(event.kind, event.member),
    )

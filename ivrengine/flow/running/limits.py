"""How long a call may be in a flow: one timer, set to the earliest end among the flow that runs and those that wait for it."""

from datetime import datetime, timedelta
from typing import Final

from ivrengine.core import effects, events, ids
from ivrengine.core.call import Call
from ivrengine.flow.running.tidying import changed

OVERTIME_S: Final = 60.0
"""So long a flow has for its ``on_max_duration`` and what follows it."""


def end_of(began_at: datetime, *limits_s: float | None) -> datetime | None:
    """Return when the shortest of the limits is over; None if there is none."""
    shortest_s = min((limit for limit in limits_s if limit is not None), default=None)
    return None if shortest_s is None else began_at + timedelta(seconds=shortest_s)


def next_end(call: Call) -> datetime | None:
    """Return the earliest end."""
    ends = [frame.until_at for frame in call.frames if frame.until_at is not None]
    if call.until_at is not None:
        ends.append(call.until_at)
    return min(ends, default=None)


def timed(
    call: Call, at: datetime, timed_before: datetime | None, *, afresh: bool = False
) -> tuple[Call, tuple[effects.Effect, ...]]:
    """Return the call with its timer set to the earliest end, unless that is what it was set to before (``afresh``: even so)."""
    end = next_end(call)
    if end == timed_before and not afresh:
        return call, ()
    done: list[effects.Effect] = []
    if call.limit_timer_id is not None:
        done.append(effects.CancelTimer(timer_id=call.limit_timer_id))
    timer_id = None
    if end is not None:
        timer_id = ids.TimerId(f"limit{call.serial + 1}")
        delay_s = max(0.0, (end - at).total_seconds())
        done.append(effects.StartTimer(timer_id=timer_id, delay_s=delay_s))
    return changed(call, limit_timer_id=timer_id), tuple(done)


def cancelled(call: Call, event: events.CallEvent) -> tuple[effects.Effect, ...]:
    """Return what forgets the timer of a call that ends."""
    fired = isinstance(event, events.TimerFired) and event.timer_id == call.limit_timer_id
    if call.limit_timer_id is None or fired:
        return ()
    return (effects.CancelTimer(timer_id=call.limit_timer_id),)


def overdue(call: Call, at: datetime) -> int | None:
    """Return how many flows wait for the outermost one whose time is over; None if none's is."""
    for depth, frame in enumerate(call.frames):
        if frame.until_at is not None and frame.until_at <= at:
            return depth
    return len(call.frames) if call.until_at is not None and call.until_at <= at else None

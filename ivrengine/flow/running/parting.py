"""The end of a call: taking leave of the caller, waiting until the switch confirms it, and closing the books."""

from datetime import datetime
from typing import Final, assert_never

from ivrengine.core import effects, events
from ivrengine.core.call import Call, Cursor, DigitMode, Outcome, Phase
from ivrengine.flow.node import timer_id
from ivrengine.flow.running import limits, recording
from ivrengine.flow.running.tidying import NOWHERE, Result, changed, tidied, without_caller

LEAVING_LIMIT_S: Final = 15.0
"""A hang-up or hand-over not confirmed by then is written off as lost; longer than all retries of a request."""
BY_ERROR: Final = "error"
BY_CALLER: Final = "caller gone"


def parted(call: Call, event: events.CallEvent) -> Outcome | None:
    """Return how the call ended if the event says that its caller's channel is not ours any more."""
    match event:
        case events.ChannelEnded(channel_id=gone) if gone == call.channel_id:
            return call.outcome or outcome_of(call, Outcome.HUNG_UP)
        case events.ChannelLeft(channel_id=gone) if gone == call.channel_id:
            return call.outcome or Outcome.TAKEN
        case events.EndedUnheard():
            return call.outcome or outcome_of(call, Outcome.LOST)
        case _:
            return None


def outcome_of(call: Call, outcome: Outcome) -> Outcome:
    """Return how the call ended, given that whoever has talked to someone was transferred, whatever came after."""
    return Outcome.TRANSFERRED if call.talked else outcome


def _leaving(
    call: Call,
    event: events.CallEvent,
    done: list[effects.Effect],
    outcome: Outcome | None,
    left_by: str,
    *last: effects.Effect,
) -> Result:
    """Let go of everything, ask for the end with ``last``, and wait for it a bounded time."""
    limit = effects.StartTimer(timer_id=timer_id(call), delay_s=LEAVING_LIMIT_S)
    waiting = Cursor(timer_id=limit.timer_id)
    leaving = changed(
        call,
        phase=Phase.LEAVING,
        outcome=outcome,
        digit_mode=DigitMode.DROP,
        cursor=waiting,
        limit_timer_id=None,
        serial=call.serial + 1,
    )
    done += (*tidied(call.cursor, waiting, event), *limits.cancelled(call, event))
    done += recording.stopped(call, event.at)
    if call.phase is not Phase.LEAVING:
        done.append(left(call, left_by))
    return leaving, (*done, *last, limit)


def hang_up(
    call: Call,
    event: events.CallEvent,
    done: list[effects.Effect],
    outcome: Outcome,
    left_by: str,
) -> Result:
    """Take leave of the caller at the flow's end."""
    goodbye = effects.HangUp(channel_id=call.channel_id)
    return _leaving(call, event, done, outcome_of(call, outcome), left_by, goodbye)


def to_fallback(
    call: Call, event: events.CallEvent, done: list[effects.Effect], left_by: str
) -> Result:
    """Give the caller to the dialplan's fallback, which apologises and finds a person."""
    hand_over = effects.SendToFallback(channel_id=call.channel_id)
    return _leaving(call, event, done, Outcome.FALLBACK, left_by, hand_over)


def await_end(call: Call, event: events.CallEvent) -> Result:
    """Do nothing more for a caller who is gone: the switch says so itself in a moment."""
    return _leaving(call, event, [], None, BY_CALLER)


def while_leaving(call: Call, event: events.CallEvent) -> Result:
    """Wait for the end that was asked for, ask again if it was not done, and give up waiting after a while."""
    match event:
        case events.TimerFired(timer_id=fired) if fired == call.cursor.timer_id:
            return _write_off(call, event)
        case events.FlowInterrupted() | events.Resumed():
            return _ask_again(call, event)
        case events.RequestFailed(subject=subject) if subject != call.channel_id:
            return call, ()
        case events.RequestFailed(effect="HangUp", failure=events.Failure.GONE):
            return end(call, event, call.outcome or outcome_of(call, Outcome.LOST))
        case events.RequestFailed(effect="SendToFallback", failure=failure):
            return _not_handed_over(call, event, failure)
        case _:
            return call, ()


def _ask_again(call: Call, event: events.CallEvent) -> Result:
    """Ask for the end once more: the engine that asked first may have died before it was done."""
    match call.outcome:
        case None:
            return await_end(call, event)
        case Outcome.FALLBACK:
            return to_fallback(call, event, [], BY_ERROR)
        case outcome:
            return hang_up(call, event, [], outcome, BY_ERROR)


def _write_off(call: Call, event: events.CallEvent) -> Result:
    """Close a call whose end nobody confirmed, and ask once more for it, lest the line stay open in silence.

    A hand-over that was done after all is not done twice: the switch then refuses, for the channel is no more ours. And a
    caller who is taken for gone loses nothing by it.
    """
    ended, told = end(call, event, outcome_of(call, Outcome.LOST))
    if call.outcome in {None, Outcome.FALLBACK}:
        return ended, (effects.SendToFallback(channel_id=call.channel_id), *told)
    return ended, (effects.HangUp(channel_id=call.channel_id), *told)


def _not_handed_over(call: Call, event: events.CallEvent, failure: events.Failure) -> Result:
    match failure:
        case events.Failure.GONE:
            return end(call, event, outcome_of(call, Outcome.LOST))
        case events.Failure.NOT_READY:  # no more in our application: an earlier attempt was done
            return end(call, event, Outcome.FALLBACK)
        case events.Failure.REFUSED:
            return call, (effects.HangUp(channel_id=call.channel_id),)
        case events.Failure.UNAVAILABLE:  # perhaps done: the timer decides
            return call, ()
        case _:
            assert_never(failure)


def end(call: Call, event: events.CallEvent, outcome: Outcome) -> Result:
    """Close the call: its channel is gone or no longer ours, and its playback with it."""
    told = [*without_caller(call, event), *limits.cancelled(call, event)]
    told += recording.without_caller(call, event)
    if call.phase is not Phase.LEAVING:
        told.append(left(call, BY_CALLER))
    return closed(call, outcome, event.at, told)


def closed(call: Call, outcome: Outcome, at: datetime, told: list[effects.Effect]) -> Result:
    """Close the books of a call that holds nothing any more; ``at`` is when its caller was gone."""
    ended = changed(
        call,
        phase=Phase.ENDED,
        outcome=outcome,
        ended_at=at,
        digit_mode=DigitMode.DROP,
        cursor=NOWHERE,
        limit_timer_id=None,
    )
    return ended, (*told, effects.EndCall(outcome=outcome))


def left(call: Call, exit_name: str) -> effects.LeaveNode:
    """Return the note that the call left the node where it stands."""
    return effects.LeaveNode(node=call.node, exit=exit_name, subflow=call.subflow)

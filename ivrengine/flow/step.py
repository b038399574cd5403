"""The fold: one event into one call gives the call as it stands then, and what is to be done.

Hop 4 of a call's way. Pure: same flow, call and event give the same result, in production, in a test, and in a replay.
"""

import dataclasses
from collections.abc import Mapping
from typing import Final, assert_never

from ivrengine.core import effects, events
from ivrengine.core.call import Call, Cursor, DigitMode, Outcome, Phase, Value
from ivrengine.core.ids import TimerId
from ivrengine.flow.expressions import ExpressionError
from ivrengine.flow.model import Flow
from ivrengine.flow.node import Finish, Leave, Move, Stay, Turn

NODES_PER_STEP_MAX: Final = 200
"""More nodes in one go without waiting for anything is a loop that ``check`` did not see; the call goes to a person."""
LEAVING_LIMIT_S: Final = 15.0
"""A hang-up or hand-over that the switch has not confirmed by then is written off as lost; longer than all retries of a request."""
LEAVING_TIMER: Final = TimerId("leaving")

Result = tuple[Call, tuple[effects.Effect, ...]]


def begin(flow: Flow, event: events.CallArrived) -> Result:
    """Return a new call at its flow's first waiting point."""
    call = Call(
        call_id=event.call_id,
        brand=event.brand,
        did=event.did,
        channel_id=event.channel_id,
        caller=event.caller,
        flow=event.flow,
        language=event.language,
        arrived_at=event.at,
        answered_at=event.at,
        variables=flow.initial,
    )
    answer = effects.Answer(channel_id=call.channel_id)
    return _run(flow, call, event, (answer,), flow.start)


def step(flow: Flow | None, call: Call, event: events.CallEvent) -> Result:
    """Return the call after the event, and the effects that the event leads to.

    ``flow`` is the version that the call began on; if that is not at hand (None, after a restart) the call goes to a person.
    """
    match event:
        case _ if call.phase is Phase.ENDED:
            return call, ()
        case events.ChannelEnded(channel_id=gone) if gone == call.channel_id:
            return _end(call, event, call.outcome or _outcome(call, Outcome.HUNG_UP))
        case events.ChannelLeft(channel_id=gone) if gone == call.channel_id:
            return _end(call, event, call.outcome or Outcome.TAKEN)
        case _ if call.phase is Phase.LEAVING:
            return _while_leaving(call, event)
        case _ if flow is None:
            return _to_fallback(call, event, ())
        case (
            events.CallFailed() | events.FlowInterrupted() | events.RequestFailed(effect="Answer")
        ):
            return _to_fallback(call, event, ())
        case _:
            return _ask_node(flow, call, event)


def _outcome(call: Call, outcome: Outcome) -> Outcome:
    """Return how the call ended, given that whoever has talked to someone was transferred, whatever came after."""
    return Outcome.TRANSFERRED if call.talked else outcome


def _while_leaving(call: Call, event: events.CallEvent) -> Result:
    match event:
        case events.TimerFired(timer_id=fired) if fired == LEAVING_TIMER:
            return _end(call, event, Outcome.LOST)
        case events.RequestFailed(subject=subject) if subject != call.channel_id:
            return call, ()
        case events.RequestFailed(effect="HangUp" | "SendToFallback", failure=events.Failure.GONE):
            return _end(call, event, call.outcome or Outcome.LOST)
        case events.RequestFailed(effect="SendToFallback"):
            return call, (effects.HangUp(channel_id=call.channel_id),)
        case _:
            return call, ()


def _ask_node(flow: Flow, call: Call, event: events.CallEvent) -> Result:
    call = dataclasses.replace(call, serial=call.serial + 1)
    turn = Turn(call=call, at=event.at, programs=flow.programs)
    move = flow.nodes[call.node].on(turn, event)
    if move is None:
        return call, ()
    return _follow(flow, call, event, (), move)


def _run(
    flow: Flow,
    call: Call,
    event: events.CallEvent,
    before: tuple[effects.Effect, ...],
    node: str,
    budget: int = NODES_PER_STEP_MAX,
) -> Result:
    """Enter a node and follow its moves until one waits; a loop that never waits ends with a person."""
    if budget == 0:
        return _to_fallback(call, event, before)
    call = dataclasses.replace(call, node=node, cursor=Cursor(), serial=call.serial + 1)
    before = (*before, effects.EnterNode(node=node, node_type=flow.nodes[node].type))
    turn = Turn(call=call, at=event.at, programs=flow.programs)
    try:
        move = flow.nodes[node].enter(turn)
    except ExpressionError:
        return _to_fallback(call, event, before)
    return _follow(flow, call, event, before, move, budget - 1)


def _follow(
    flow: Flow,
    call: Call,
    event: events.CallEvent,
    before: tuple[effects.Effect, ...],
    move: Move,
    budget: int = NODES_PER_STEP_MAX,
) -> Result:
    match move:
        case Stay():
            tidied = _tidy(call.cursor, move.cursor, event)
            return _stay(call, move), (*before, *tidied, *move.effects)
        case Finish():
            return _hang_up(call, event, (*before, *move.effects), move.outcome)
        case Leave():
            left = effects.LeaveNode(node=call.node, exit=move.exit)
            done = (*before, *_tidy(call.cursor, Cursor(), event), *move.effects)
            call = dataclasses.replace(
                call, variables=_assigned(flow, call, move), phase=Phase.IN_FLOW, cursor=Cursor()
            )
            target = flow.exits[call.node][move.exit]
            if target is None:
                return _hang_up(call, event, done, Outcome.COMPLETED, left_by=move.exit)
            return _run(flow, call, event, (*done, left), target, budget)
        case _:
            assert_never(move)


def _stay(call: Call, move: Stay) -> Call:
    return dataclasses.replace(
        call,
        cursor=move.cursor,
        digit_mode=move.digits,
        phase=move.phase,
        talked=call.talked or move.phase is Phase.TALKING,
    )


def _assigned(flow: Flow, call: Call, move: Leave) -> Mapping[str, Value]:
    """Return the variables with those that the node assigned, each of its declared type (``007`` is 7 to an int)."""
    if not move.assign:
        return call.variables
    typed = {name: type(flow.initial[name])(value) for name, value in move.assign.items()}
    return {**call.variables, **typed}


def _tidy(
    old: Cursor, new: Cursor, event: events.CallEvent | None
) -> tuple[effects.Effect, ...]:
    """Return what ends the playback and the timer that the next cursor does not know, unless they just ended themselves."""
    tidied: list[effects.Effect] = []
    match event:
        case (
            events.PlaybackFinished(playback_id=over)
            | events.RequestFailed(subject=over)
            | events.TimerFired(timer_id=over)
        ):
            ended: str | None = over
        case _:
            ended = None
    if old.playback_id not in {None, new.playback_id, ended}:
        assert old.playback_id is not None
        tidied.append(effects.StopPlayback(playback_id=old.playback_id))
    if old.timer_id not in {None, new.timer_id, ended}:
        assert old.timer_id is not None
        tidied.append(effects.CancelTimer(timer_id=old.timer_id))
    return tuple(tidied)


def _let_go(cursor: Cursor) -> tuple[effects.Effect, ...]:
    """Return what ends the other leg and the bridge of a caller who leaves."""
    released: list[effects.Effect] = []
    if cursor.leg_id is not None:
        released.append(effects.HangUp(channel_id=cursor.leg_id))
    if cursor.bridge_id is not None:
        released.append(effects.DestroyBridge(bridge_id=cursor.bridge_id))
    return tuple(released)


def _hang_up(
    call: Call,
    event: events.CallEvent,
    before: tuple[effects.Effect, ...],
    outcome: Outcome,
    *,
    left_by: str = "end",
) -> Result:
    """Take leave of the caller at the flow's end."""
    leaving = dataclasses.replace(
        call,
        phase=Phase.LEAVING,
        outcome=_outcome(call, outcome),
        digit_mode=DigitMode.DROP,
        cursor=Cursor(),
    )
    return leaving, (
        *before,
        *_tidy(call.cursor, Cursor(), event),
        effects.LeaveNode(node=call.node, exit=left_by),
        effects.HangUp(channel_id=call.channel_id),
        effects.StartTimer(timer_id=LEAVING_TIMER, delay_s=LEAVING_LIMIT_S),
    )


def _to_fallback(
    call: Call, event: events.CallEvent, before: tuple[effects.Effect, ...]
) -> Result:
    """Give the caller to the dialplan's fallback, which apologises and finds a person."""
    leaving = dataclasses.replace(
        call,
        phase=Phase.LEAVING,
        outcome=Outcome.FALLBACK,
        digit_mode=DigitMode.DROP,
        cursor=Cursor(),
    )
    return leaving, (
        *before,
        *_tidy(call.cursor, Cursor(), event),
        *_let_go(call.cursor),
        effects.LeaveNode(node=call.node, exit="error"),
        effects.SendToFallback(channel_id=call.channel_id),
        effects.StartTimer(timer_id=LEAVING_TIMER, delay_s=LEAVING_LIMIT_S),
    )


def _end(call: Call, event: events.CallEvent, outcome: Outcome) -> Result:
    """Close the call: its channel is gone or no longer ours."""
    ended = dataclasses.replace(
        call,
        phase=Phase.ENDED,
        outcome=outcome,
        ended_at=event.at,
        digit_mode=DigitMode.DROP,
        cursor=Cursor(),
    )
    if call.phase is Phase.LEAVING:
        told: tuple[effects.Effect, ...] = (effects.CancelTimer(timer_id=LEAVING_TIMER),)
    else:
        told = (effects.LeaveNode(node=call.node, exit="caller gone"),)
    timer = call.cursor.timer_id
    forget = () if timer is None else (effects.CancelTimer(timer_id=timer),)
    return ended, (*forget, *_let_go(call.cursor), *told, effects.EndCall(outcome=outcome))

"""The fold: one event into one call gives the call as it stands then, and what is to be done.

Hop 4 of a call's way. Pure: same flow, call and event give the same result, in production, in a test, and in a replay.
"""

import dataclasses
from datetime import datetime
from typing import Final

from ivrengine.core import effects, events
from ivrengine.core.call import Call, DigitMode, Phase
from ivrengine.flow.expressions import ExpressionError
from ivrengine.flow.model import Flow
from ivrengine.flow.node import Fail, Finish, Leave, Move, Node, Stay, Turn
from ivrengine.flow.running import frames, limits, parting, recording
from ivrengine.flow.running.frames import NO_VALUE, Way
from ivrengine.flow.running.tidying import NOWHERE, Result, changed, tidied, without_caller

NODES_PER_STEP_MAX: Final = 200
"""More nodes in one go without waiting for anything is a loop that ``check`` did not see; the call goes to a person."""
CUT_OFF_GRACE_S: Final = 0.5
"""A playback that broke off mostly means that the caller hung up, which is told within milliseconds: nobody is rung for them."""
AFTERWARDS_LIMIT_S: Final = 60.0
"""Longer than a request to another system with all its retries; what is not done then by ``on_hangup`` is not done."""
_BY_LOOP: Final = "endless loop"


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
        waiting_since_at=event.waiting_since_at,
        answered_at=event.at,
        variables=flow.initial,
        node=flow.start,
        until_at=limits.end_of(event.at, flow.max_duration_s),
    )
    way = Way(flow=flow, event=event, done=[effects.Answer(channel_id=call.channel_id)])
    begun, done = _follow(way, call, _entered(way, call), None)
    return recording.noted(begun, done, event.at), done


def step(flow: Flow | None, call: Call, event: events.CallEvent) -> Result:
    """Return the call after the event, and the effects that the event leads to.

    Without ``flow`` (its version is not at hand after a restart) the call can only end or be handed to a person.
    """
    after, done = _step(flow, call, event)
    return recording.noted(after, done, event.at), done


def _step(flow: Flow | None, call: Call, event: events.CallEvent) -> Result:
    if call.phase is Phase.ENDED:
        return call, ()
    if call.phase is Phase.AFTERWARDS:
        return _afterwards(flow, call, event)
    outcome = parting.parted(call, event)
    if outcome is None:
        return _go_along(flow, call, event)
    kept = _abandoned(flow, call, event)
    if flow is not None and _may_go_on_alone(flow, call, event):
        return _go_on_alone(flow, changed(call, outcome=outcome), event, kept)
    ended, told = parting.end(call, event, outcome)
    return ended, (*kept, *told)


def _abandoned(flow: Flow | None, call: Call, event: events.CallEvent) -> list[effects.Effect]:
    """Return what the node keeps from which the call is taken by the event."""
    if flow is None or call.phase is Phase.LEAVING:
        return []
    return list(_node(flow, call).abandoned(_turn(flow, call, event.at)))


def _go_along(flow: Flow | None, call: Call, event: events.CallEvent) -> Result:
    match event:
        case events.LegAnswered(channel_id=leg) if leg != call.cursor.leg_id:
            return call, (effects.HangUp(channel_id=leg),)  # picked up after we had given it up
        case _ if call.phase is Phase.LEAVING:
            return parting.while_leaving(call, event)
        case events.CallFailed() | events.FlowInterrupted() | events.RequestFailed(effect="Answer"):
            return _give_up(flow, call, event)
        case _ if flow is None:
            return _give_up(flow, call, event)
        case _:
            return _in_flow(flow, call, event)


def _give_up(flow: Flow | None, call: Call, event: events.CallEvent) -> Result:
    match event:
        case events.RequestFailed(failure=events.Failure.GONE):
            return _await_end(flow, call, event)
        case events.DigitPressed(channel_id=by) | events.BargedIn(channel_id=by) if (
            by != call.channel_id
        ):
            return call, ()
        case _:
            kept = _abandoned(flow, call, event)
            return parting.to_fallback(call, event, kept, parting.BY_ERROR)


def _await_end(flow: Flow | None, call: Call, event: events.CallEvent) -> Result:
    kept = _abandoned(flow, call, event)
    leaving, done = parting.await_end(call, event)
    return leaving, (*kept, *done)


def _in_flow(flow: Flow, call: Call, event: events.CallEvent) -> Result:
    match event:
        case events.RequestFailed(
            effect="Play" | "StartMusic" | "StopMusic" | "StartRecording" | "StartMonitoring",
            failure=events.Failure.GONE,
        ):
            return _await_end(flow, call, event)
        case events.DigitPressed(channel_id=by) | events.BargedIn(channel_id=by) if (
            by != call.channel_id
        ):
            return call, ()
        case events.Resumed():
            return _resume(flow, call, event)
        case events.TimerFired(timer_id=fired) if fired == call.limit_timer_id:
            return _limit_reached(flow, call, event)
        case _ if call.recording is not None:
            return _with_recording(flow, call, event)
        case _:
            return _ask_node(flow, call, event)


def _with_recording(flow: Flow, call: Call, event: events.CallEvent) -> Result:
    """Let the node hear of an event, after what it does to the call's recording."""
    about = recording.followed(_turn(flow, call, event.at), event)
    if about is None:
        return _ask_node(flow, call, event)
    now, done = about
    call = changed(call, recording=now, serial=call.serial + 1)
    call, more = _ask_node(flow, recording.noted(call, done, event.at), event)
    return call, (*done, *more)


def _resume(flow: Flow, call: Call, event: events.Resumed) -> Result:
    """Let the call go on at its node, after what may have been lost of what was asked for: a second time changes nothing."""
    lost: list[effects.Effect] = []
    if event.astray is not None:
        freed = effects.DestroyBridge(bridge_id=event.astray, frees=call.channel_id)
        lost.append(freed)
    if not event.answered:
        lost.append(effects.Answer(channel_id=call.channel_id))
    if call.cursor.leg_id is None:  # music plays only while a phone is rung
        lost.append(effects.StopMusic(channel_id=call.channel_id))
    lost.append(effects.DropDigits())
    lost.extend(effects.DiscardRecording(recording_id=it) for it in call.discarding)
    now, done = recording.after_gap(_turn(flow, call, event.at))
    lost.extend(done)
    if now is not call.recording:
        call = changed(call, recording=now)
    call = recording.noted(call, done, event.at)
    way = Way(flow=flow, event=event, done=lost)
    afresh = call.limit_timer_id is not None
    timed, set_again = limits.timed(_numbered(call), event.at, None, afresh=afresh)
    way.done.extend(set_again)
    return _follow(way, timed, _resumed(way, timed, event), limits.next_end(timed))


def _numbered(call: Call) -> Call:
    """Return the call one number on: the timer that a gap sets anew must not have the id of the one before it."""
    return changed(call, serial=call.serial + 1)


def _resumed(way: Way, call: Call, event: events.Resumed) -> Move:
    try:
        return _node(way.flow, call).resume(_turn(way.flow, call, event.at), event)
    except ExpressionError:
        return NO_VALUE


def _turn(flow: Flow, call: Call, at: datetime) -> Turn:
    return Turn(call=call, at=at, kit=flow.running(call).kit)


def _node(flow: Flow, call: Call) -> Node:
    return flow.running(call).nodes[call.node]


def _limit_reached(flow: Flow, call: Call, event: events.CallEvent) -> Result:
    """End what has taken its time; a talk, or the ringing of a phone, is let come to its own end before."""
    if call.phase is not Phase.IN_FLOW:
        return call, ()
    way = Way(flow=flow, event=event, done=_abandoned(flow, call, event))
    return _go_on(way, call, frames.expired(way, call, limits.overdue(call, event.at) or 0))


def _go_on(way: Way, call: Call, onward: frames.Onward) -> Result:
    if isinstance(onward, tuple):
        return onward
    return _follow(way, onward, _entered(way, onward), limits.next_end(call))


def _ask_node(flow: Flow, call: Call, event: events.CallEvent) -> Result:
    turn = _turn(flow, call, event.at)
    match event:
        case events.PlaybackFinished(playback_id=cut, completed=False) if (
            cut == call.cursor.playback_id and call.phase is not Phase.AFTERWARDS
        ):
            return _wait_for_hang_up(turn, event)
        case _:
            pass
    try:
        move = _node(flow, call).on(turn, event)
    except ExpressionError:
        move = NO_VALUE
    if move is None:
        return call, ()
    return _follow(Way(flow=flow, event=event, done=[]), call, move, limits.next_end(call))


def _wait_for_hang_up(turn: Turn, event: events.PlaybackFinished) -> Result:
    """Let the node wait for the end of the call, or else for its own timer, by which it takes the prompt as over."""
    cursor = dataclasses.replace(turn.call.cursor, playback_id=None, timer_id=turn.timer_id())
    grace = effects.StartTimer(timer_id=turn.timer_id(), delay_s=CUT_OFF_GRACE_S)
    waiting = changed(turn.call, cursor=cursor, serial=turn.call.serial + 1)
    return waiting, (*tidied(turn.call.cursor, cursor, event), grace)


def _entered(way: Way, call: Call) -> Move:
    """Enter the node where the call stands."""
    node = _node(way.flow, call)
    way.done.append(effects.EnterNode(node=call.node, node_type=node.type, subflow=call.subflow))
    if call.phase is Phase.AFTERWARDS and node.needs_caller:  # ``check`` refuses it
        return Fail(reason="nobody there")
    try:
        return node.enter(_turn(way.flow, call, way.event.at))
    except ExpressionError:
        return NO_VALUE


def _follow(way: Way, call: Call, move: Move, timed_before: datetime | None) -> Result:
    """Follow a node's move, and those of the nodes that it leads to, until one of them waits."""
    for _ in range(NODES_PER_STEP_MAX):
        if isinstance(move, Stay):
            return _stay(way, call, move, timed_before)
        if isinstance(move, Finish):
            return frames.over(way, call, move, "end")
        if isinstance(move, Leave) and move.effects:  # the nodes behind it may change it again
            call = recording.noted(call, move.effects, way.event.at)
        onward = frames.onward(way, call, move)
        if isinstance(onward, Call):
            late = limits.overdue(onward, way.event.at)
            onward = onward if late is None else frames.expired(way, onward, late)
        if not isinstance(onward, Call):
            return onward
        call, move = onward, _entered(way, onward)
    onward = frames.failed(way, changed(call, errors=frames.ERRORS_MAX), _BY_LOOP)
    assert not isinstance(onward, Call)
    return onward


def _stay(way: Way, call: Call, move: Stay, timed_before: datetime | None) -> Result:
    afterwards = call.phase is Phase.AFTERWARDS
    stays = None if afterwards else call.channel_id
    way.done.extend((*tidied(call.cursor, move.cursor, way.event, stays), *move.effects))
    staying = changed(
        call,
        cursor=move.cursor,
        digit_mode=DigitMode.DROP if afterwards else move.digits,
        phase=call.phase if afterwards else move.phase,
        talked=call.talked or move.phase is Phase.TALKING,
        serial=call.serial + 1,
    )
    if staying.until_at is None and timed_before is None and not staying.frames:
        return staying, tuple(way.done)  # by far the most common
    timed, set_timer = limits.timed(staying, way.event.at, timed_before)
    return timed, (*way.done, *set_timer)


def _may_go_on_alone(flow: Flow, call: Call, event: events.CallEvent) -> bool:
    """Tell whether the flow does something after the caller hung up; who is merely elsewhere is not done with."""
    if flow.on_hangup is None or call.phase is Phase.LEAVING:
        return False
    match event:
        case events.ChannelEnded():
            return True
        case events.EndedUnheard(reason=reason):
            return reason is not events.UnheardEnd.NODE_LOST
        case _:
            return False


def _go_on_alone(
    flow: Flow, call: Call, event: events.CallEvent, kept: list[effects.Effect]
) -> Result:
    """Begin with ``on_hangup`` of the flow that the call began with; its ``outcome`` is settled."""
    assert flow.on_hangup is not None
    outermost = call.frames[0].variables if call.frames else call.variables
    kept += (*without_caller(call, event), *recording.without_caller(call, event))
    way = Way(flow=flow, event=event, done=kept)
    way.done.extend((*limits.cancelled(call, event), parting.left(call, parting.BY_CALLER)))
    alone = changed(
        call,
        phase=Phase.AFTERWARDS,
        ended_at=event.at,
        digit_mode=DigitMode.DROP,
        cursor=NOWHERE,
        subflow="",
        frames=(),
        variables=outermost,
        node=flow.on_hangup,
        until_at=limits.end_of(event.at, AFTERWARDS_LIMIT_S),
        limit_timer_id=None,
        serial=call.serial + 1,
    )
    alone = recording.noted(alone, tuple(kept), event.at)
    return _follow(way, alone, _entered(way, alone), None)


def _afterwards(flow: Flow | None, call: Call, event: events.CallEvent) -> Result:
    """Go on without the caller."""
    match event:
        case events.LegAnswered(channel_id=leg):
            return call, (effects.HangUp(channel_id=leg),)
        case events.CallFailed() | events.FlowInterrupted():
            flow = None
        case events.TimerFired(timer_id=fired) if fired == call.limit_timer_id:
            flow = None
        case _:
            pass
    if flow is None:
        assert call.outcome is not None
        assert call.ended_at is not None
        told = [*limits.cancelled(call, event), parting.left(call, parting.BY_ERROR)]
        told = [*tidied(call.cursor, NOWHERE, event), *told]
        return parting.closed(call, call.outcome, call.ended_at, told)
    if not isinstance(event, events.EndedUnheard | events.Resumed):
        return _ask_node(flow, call, event)
    again = events.Resumed(
        at=event.at,
        since_at=event.since_at,
        answered=False,
        leg=events.LegSeen.NONE,
        joined=False,
        inquiring=event.inquiring,
    )
    way = Way(flow=flow, event=again, done=[])
    timed, set_again = limits.timed(_numbered(call), again.at, None, afresh=True)
    way.done.extend(set_again)
    return _follow(way, timed, _resumed(way, timed, again), limits.next_end(timed))

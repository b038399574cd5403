"""The fold: one event into one call gives the call as it stands then, and what is to be done.

Hop 4 of a call's way. Pure: same flow, call and event give the same result, in production, in a test, and in a replay.
"""

import dataclasses
import operator
from typing import Final, assert_never

from ivrengine.core import effects, events
from ivrengine.core.call import Call, Cursor, DigitMode, Outcome, Phase
from ivrengine.flow.expressions import ExpressionError
from ivrengine.flow.model import Flow
from ivrengine.flow.node import Finish, Leave, Move, Stay, Turn, timer_id

NODES_PER_STEP_MAX: Final = 200
"""More nodes in one go without waiting for anything is a loop that ``check`` did not see; the call goes to a person."""
CUT_OFF_GRACE_S: Final = 0.5
"""A playback that broke off mostly means that the caller hung up, which is told within milliseconds: nobody is rung for them."""
LEAVING_LIMIT_S: Final = 15.0
"""A hang-up or hand-over not confirmed by then is written off as lost; longer than all retries of a request."""

Result = tuple[Call, tuple[effects.Effect, ...]]

_NOWHERE: Final = Cursor()
_BY_ERROR: Final = "error"
_BY_EXPRESSION: Final = "expression without value"
_BY_LOOP: Final = "endless loop"
_BY_CALLER: Final = "caller gone"
_FIELDS: Final = tuple(field.name for field in dataclasses.fields(Call))
_read_all: Final = operator.attrgetter(*_FIELDS)
_WRITERS: Final = {name: getattr(Call, name).__set__ for name in _FIELDS}


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
    )
    done: list[effects.Effect] = [effects.Answer(channel_id=call.channel_id)]
    return _follow(flow, call, event, done, _entered(flow, call, event, done))


def step(flow: Flow | None, call: Call, event: events.CallEvent) -> Result:
    """Return the call after the event, and the effects that the event leads to.

    Without ``flow`` (its version is not at hand after a restart) the call can only end or be handed to a person.
    """
    if call.phase is Phase.ENDED:
        return call, ()
    outcome = _parting(call, event)
    if outcome is not None:
        return _end(call, event, outcome)
    match event:
        case events.LegAnswered(channel_id=leg) if leg != call.cursor.leg_id:
            return call, (effects.HangUp(channel_id=leg),)  # picked up after we had given it up
        case _ if call.phase is Phase.LEAVING:
            return _while_leaving(call, event)
        case _:
            return _in_flow(flow, call, event)


def _parting(call: Call, event: events.CallEvent) -> Outcome | None:
    """Return how the call ended if the event says that its caller's channel is not ours any more."""
    match event:
        case events.ChannelEnded(channel_id=gone) if gone == call.channel_id:
            return call.outcome or _outcome(call, Outcome.HUNG_UP)
        case events.ChannelLeft(channel_id=gone) if gone == call.channel_id:
            return call.outcome or Outcome.TAKEN
        case events.EndedUnheard():
            return call.outcome or _outcome(call, Outcome.LOST)
        case _:
            return None


def _in_flow(flow: Flow | None, call: Call, event: events.CallEvent) -> Result:
    match event:
        case events.RequestFailed(
            effect="Answer" | "Play" | "StartMusic" | "StopMusic", failure=events.Failure.GONE
        ):
            return _await_end(call, event)
        case events.CallFailed() | events.FlowInterrupted() | events.RequestFailed(effect="Answer"):
            return _to_fallback(call, event, [], _BY_ERROR)
        case events.DigitPressed(channel_id=by) | events.BargedIn(channel_id=by) if (
            by != call.channel_id
        ):
            return call, ()
        case _ if flow is None:
            return _to_fallback(call, event, [], _BY_ERROR)
        case events.Resumed():
            return _resume(flow, call, event)
        case _:
            return _ask_node(flow, call, event)


def _resume(flow: Flow, call: Call, event: events.Resumed) -> Result:
    """Let the call go on at its node, after what may have been lost of what was asked for: a second time changes nothing."""
    lost: list[effects.Effect] = []
    if not event.answered:
        lost.append(effects.Answer(channel_id=call.channel_id))
    if call.cursor.leg_id is None:  # music plays only while a phone is rung
        lost.append(effects.StopMusic(channel_id=call.channel_id))
    lost.append(effects.DropDigits())
    try:
        turn = Turn(call=call, at=event.at, programs=flow.programs)
        move = flow.nodes[call.node].resume(turn, event)
    except ExpressionError:
        move = None
    return _follow(flow, call, event, lost, move)


def _changed(call: Call, **changes: object) -> Call:
    """Return the call with some fields changed: what ``dataclasses.replace`` does, which was half of a step's cost."""
    after = object.__new__(Call)
    for write, value in zip(_WRITERS.values(), _read_all(call), strict=True):
        write(after, value)
    for name, value in changes.items():
        _WRITERS[name](after, value)
    return after


def _outcome(call: Call, outcome: Outcome) -> Outcome:
    """Return how the call ended, given that whoever has talked to someone was transferred, whatever came after."""
    return Outcome.TRANSFERRED if call.talked else outcome


def _ask_node(flow: Flow, call: Call, event: events.CallEvent) -> Result:
    turn = Turn(call=call, at=event.at, programs=flow.programs)
    match event:
        case events.PlaybackFinished(playback_id=cut, completed=False) if (
            cut == call.cursor.playback_id
        ):
            return _wait_for_hang_up(turn, event)
        case _:
            move = flow.nodes[call.node].on(turn, event)
            return (call, ()) if move is None else _follow(flow, call, event, [], move)


def _wait_for_hang_up(turn: Turn, event: events.PlaybackFinished) -> Result:
    """Let the node wait for the end of the call, or else for its own timer, by which it takes the prompt as over."""
    cursor = dataclasses.replace(turn.call.cursor, playback_id=None, timer_id=turn.timer_id())
    grace = effects.StartTimer(timer_id=turn.timer_id(), delay_s=CUT_OFF_GRACE_S)
    waiting = _changed(turn.call, cursor=cursor, serial=turn.call.serial + 1)
    return waiting, (*_tidied(turn.call.cursor, cursor, event), grace)


def _entered(
    flow: Flow, call: Call, event: events.CallEvent, done: list[effects.Effect]
) -> Move | None:
    """Enter the node where the call stands; None if an expression of the node has no value."""
    node = flow.nodes[call.node]
    done.append(effects.EnterNode(node=call.node, node_type=node.type))
    try:
        return node.enter(Turn(call=call, at=event.at, programs=flow.programs))
    except ExpressionError:
        return None


def _follow(
    flow: Flow,
    call: Call,
    event: events.CallEvent,
    done: list[effects.Effect],
    move: Move | None,
) -> Result:
    """Follow a node's move, and those of the nodes that it leads to, until one of them waits."""
    for _ in range(NODES_PER_STEP_MAX):
        match move:
            case None:
                return _to_fallback(call, event, done, _BY_EXPRESSION)
            case Stay():
                done += _tidied(call.cursor, move.cursor, event)
                done += move.effects
                return _stay(call, move), tuple(done)
            case Finish():
                return _hang_up(call, event, [*done, *move.effects], move.outcome, "end")
            case Leave():
                if not _fits(flow, move):
                    return _to_fallback(call, event, done, _BY_EXPRESSION)
                target = flow.exits[call.node][move.exit]
                if target is None:
                    done += move.effects
                    return _hang_up(call, event, done, Outcome.COMPLETED, move.exit)
                done += _tidied(call.cursor, _NOWHERE, event)
                done += (*move.effects, effects.LeaveNode(node=call.node, exit=move.exit))
                call = _moved(call, move, target)
                move = _entered(flow, call, event, done)
            case _:
                assert_never(move)
    return _to_fallback(call, event, done, _BY_LOOP)


def _fits(flow: Flow, move: Leave) -> bool:
    """Tell whether each assigned value is of its variable's declared type: only running an expression may tell."""
    return all(type(value) is type(flow.initial[name]) for name, value in move.assign.items())


def _stay(call: Call, move: Stay) -> Call:
    return _changed(
        call,
        cursor=move.cursor,
        digit_mode=move.digits,
        phase=move.phase,
        talked=call.talked or move.phase is Phase.TALKING,
        serial=call.serial + 1,
    )


def _moved(call: Call, move: Leave, target: str) -> Call:
    return _changed(
        call,
        node=target,
        cursor=_NOWHERE,
        phase=Phase.IN_FLOW,
        variables={**call.variables, **move.assign} if move.assign else call.variables,
        language=move.language or call.language,
        serial=call.serial + 1,
    )


def _tidied(old: Cursor, new: Cursor, event: events.CallEvent) -> tuple[effects.Effect, ...]:
    """Return what ends everything that the next cursor does not know, unless the event says that it has just ended."""
    ended = _ended_by(event)
    tidied = _let_go(old, new, ended)
    if old.playback_id is not None and old.playback_id not in {new.playback_id, ended}:
        tidied.append(effects.StopPlayback(playback_id=old.playback_id))
    if old.timer_id is not None and old.timer_id not in {new.timer_id, ended}:
        tidied.append(effects.CancelTimer(timer_id=old.timer_id))
    return tuple(tidied)


def _let_go(old: Cursor, new: Cursor, ended: str | None) -> list[effects.Effect]:
    """Return what ends the other leg and the bridge."""
    released: list[effects.Effect] = []
    if old.leg_id is not None and old.leg_id not in {new.leg_id, ended}:
        released.append(effects.HangUp(channel_id=old.leg_id))
    if old.bridge_id is not None and old.bridge_id != new.bridge_id:
        released.append(effects.DestroyBridge(bridge_id=old.bridge_id))
    return released


def _ended_by(event: events.CallEvent) -> str | None:
    """Return the id of the playback, timer or channel that is over by this event.

    A request whose fate is not known (the node did not answer) may have been done: what it began has still to be ended.
    """
    match event:
        case events.PlaybackFinished(playback_id=over):
            return over
        case events.TimerFired(timer_id=over):
            return over
        case events.ChannelEnded(channel_id=over) | events.ChannelLeft(channel_id=over):
            return over
        case events.RequestFailed(effect="Play" | "Dial", subject=over, failure=failure):
            return None if failure is events.Failure.UNAVAILABLE else over
        case _:
            return None


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
    leaving = _changed(
        call,
        phase=Phase.LEAVING,
        outcome=outcome,
        digit_mode=DigitMode.DROP,
        cursor=waiting,
        serial=call.serial + 1,
    )
    done += _tidied(call.cursor, waiting, event)
    if call.phase is not Phase.LEAVING:
        done.append(effects.LeaveNode(node=call.node, exit=left_by))
    return leaving, (*done, *last, limit)


def _hang_up(
    call: Call,
    event: events.CallEvent,
    done: list[effects.Effect],
    outcome: Outcome,
    left_by: str,
) -> Result:
    """Take leave of the caller at the flow's end."""
    goodbye = effects.HangUp(channel_id=call.channel_id)
    return _leaving(call, event, done, _outcome(call, outcome), left_by, goodbye)


def _to_fallback(
    call: Call, event: events.CallEvent, done: list[effects.Effect], left_by: str
) -> Result:
    """Give the caller to the dialplan's fallback, which apologises and finds a person."""
    hand_over = effects.SendToFallback(channel_id=call.channel_id)
    return _leaving(call, event, done, Outcome.FALLBACK, left_by, hand_over)


def _await_end(call: Call, event: events.CallEvent) -> Result:
    """Do nothing more for a caller who is gone: the switch says so itself in a moment."""
    return _leaving(call, event, [], None, _BY_CALLER)


def _while_leaving(call: Call, event: events.CallEvent) -> Result:
    match event:
        case events.TimerFired(timer_id=fired) if fired == call.cursor.timer_id:
            return _write_off(call, event)
        case events.FlowInterrupted() | events.Resumed():
            return _ask_again(call, event)
        case events.RequestFailed(subject=subject) if subject != call.channel_id:
            return call, ()
        case events.RequestFailed(effect="HangUp", failure=events.Failure.GONE):
            return _end(call, event, call.outcome or _outcome(call, Outcome.LOST))
        case events.RequestFailed(effect="SendToFallback", failure=failure):
            return _not_handed_over(call, event, failure)
        case _:
            return call, ()


def _ask_again(call: Call, event: events.CallEvent) -> Result:
    """Ask for the end once more: the engine that asked first may have died before it was done."""
    match call.outcome:
        case None:
            return _await_end(call, event)
        case Outcome.FALLBACK:
            return _to_fallback(call, event, [], _BY_ERROR)
        case outcome:
            return _hang_up(call, event, [], outcome, _BY_ERROR)


def _write_off(call: Call, event: events.CallEvent) -> Result:
    """Close a call whose end nobody confirmed, and ask once more for it, lest the line stay open in silence.

    A hand-over that was done after all is not done twice: the switch then refuses, for the channel is no more ours. And a
    caller who is taken for gone loses nothing by it.
    """
    ended, told = _end(call, event, _outcome(call, Outcome.LOST))
    if call.outcome in {None, Outcome.FALLBACK}:
        return ended, (effects.SendToFallback(channel_id=call.channel_id), *told)
    return ended, (effects.HangUp(channel_id=call.channel_id), *told)


def _not_handed_over(call: Call, event: events.CallEvent, failure: events.Failure) -> Result:
    match failure:
        case events.Failure.GONE:
            return _end(call, event, _outcome(call, Outcome.LOST))
        case events.Failure.NOT_READY:  # no more in our application: an earlier attempt was done
            return _end(call, event, Outcome.FALLBACK)
        case events.Failure.REFUSED:
            return call, (effects.HangUp(channel_id=call.channel_id),)
        case events.Failure.UNAVAILABLE:  # perhaps done: the timer decides
            return call, ()
        case _:
            assert_never(failure)


def _end(call: Call, event: events.CallEvent, outcome: Outcome) -> Result:
    """Close the call: its channel is gone or no longer ours, and its playback with it."""
    ended = _changed(
        call,
        phase=Phase.ENDED,
        outcome=outcome,
        ended_at=event.at,
        digit_mode=DigitMode.DROP,
        cursor=_NOWHERE,
    )
    told: list[effects.Effect] = _let_go(call.cursor, _NOWHERE, None)
    if call.cursor.timer_id is not None and call.cursor.timer_id != _ended_by(event):
        told.append(effects.CancelTimer(timer_id=call.cursor.timer_id))
    if call.phase is not Phase.LEAVING:
        told.append(effects.LeaveNode(node=call.node, exit=_BY_CALLER))
    return ended, (*told, effects.EndCall(outcome=outcome))

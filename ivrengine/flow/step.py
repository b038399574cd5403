"""The fold: one event into one call gives the call as it stands then, and what is to be done.

Hop 4 of a call's way. Pure: same flow, call and event give the same result, in production, in a test, and in a replay.
"""

import dataclasses
from typing import Final, assert_never

from ivrengine.core import effects, events
from ivrengine.core.call import Call, Cursor, DigitMode, Outcome, Phase
from ivrengine.core.ids import TimerId
from ivrengine.flow.expressions import ExpressionError
from ivrengine.flow.model import Flow
from ivrengine.flow.node import Finish, Leave, Move, Stay, Turn

NODES_PER_STEP_MAX: Final = 200
"""More nodes in one go without waiting for anything is a loop that ``check`` did not see; the call goes to a person."""
LEAVING_LIMIT_S: Final = 15.0
"""A hang-up or hand-over that the switch has not confirmed by then is written off as lost; longer than all retries of a request."""
LEAVING_TIMER: Final = TimerId("leaving")
"""The one timer of a call that takes leave; a call takes leave once, so its id needs no number."""

Result = tuple[Call, tuple[effects.Effect, ...]]

_NOWHERE: Final = Cursor()
_BY_ERROR: Final = "error"
_BY_EXPRESSION: Final = "expression without value"
_BY_LOOP: Final = "endless loop"
_BY_CALLER: Final = "caller gone"


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
        node=flow.start,
        serial=1,
    )
    done: list[effects.Effect] = [effects.Answer(channel_id=call.channel_id)]
    return _enter(flow, call, event, done)


def step(flow: Flow | None, call: Call, event: events.CallEvent) -> Result:
    """Return the call after the event, and the effects that the event leads to.

    Without ``flow`` (its version is not at hand after a restart) the call can only end or be handed to a person.
    """
    match event:
        case _ if call.phase is Phase.ENDED:
            return call, ()
        case events.ChannelEnded(channel_id=gone) if gone == call.channel_id:
            return _end(call, event, call.outcome or _outcome(call, Outcome.HUNG_UP))
        case events.ChannelLeft(channel_id=gone) if gone == call.channel_id:
            return _end(call, event, call.outcome or Outcome.TAKEN)
        case events.LegAnswered(channel_id=leg) if leg != call.cursor.leg_id:
            return call, (effects.HangUp(channel_id=leg),)  # picked up after we had given it up
        case _ if call.phase is Phase.LEAVING:
            return _while_leaving(call, event)
        case events.CallFailed() | events.FlowInterrupted():
            return _to_fallback(call, event, [], _BY_ERROR)
        case events.RequestFailed(
            effect="Answer" | "Play" | "StartMusic" | "StopMusic", failure=events.Failure.GONE
        ):
            return _await_end(call, event)
        case events.RequestFailed(effect="Answer"):
            return _to_fallback(call, event, [], _BY_ERROR)
        case events.DigitPressed(channel_id=by) | events.BargedIn(channel_id=by) if (
            by != call.channel_id
        ):
            return call, ()
        case _ if flow is None:
            return _to_fallback(call, event, [], _BY_ERROR)
        case _:
            return _ask_node(flow, call, event)


def _outcome(call: Call, outcome: Outcome) -> Outcome:
    """Return how the call ended, given that whoever has talked to someone was transferred, whatever came after."""
    return Outcome.TRANSFERRED if call.talked else outcome


def _ask_node(flow: Flow, call: Call, event: events.CallEvent) -> Result:
    asked = dataclasses.replace(call, serial=call.serial + 1)
    turn = Turn(call=asked, at=event.at, programs=flow.programs)
    move = flow.nodes[call.node].on(turn, event)
    if move is None:
        return call, ()
    return _follow(flow, asked, event, [], move)


def _enter(
    flow: Flow, call: Call, event: events.CallEvent, done: list[effects.Effect]
) -> Result:
    """Enter the node where the call stands, and follow its move."""
    node = flow.nodes[call.node]
    done.append(effects.EnterNode(node=call.node, node_type=node.type))
    try:
        move = node.enter(Turn(call=call, at=event.at, programs=flow.programs))
    except ExpressionError:
        return _to_fallback(call, event, done, _BY_EXPRESSION)
    return _follow(flow, call, event, done, move)


def _follow(
    flow: Flow, call: Call, event: events.CallEvent, done: list[effects.Effect], move: Move
) -> Result:
    """Follow a node's move, and those of the nodes it leads to, until one of them waits."""
    for _ in range(NODES_PER_STEP_MAX):
        match move:
            case Stay():
                done += (*_tidy(call.cursor, move.cursor, event), *move.effects)
                return _stay(call, move), tuple(done)
            case Finish():
                done += move.effects
                return _hang_up(call, event, done, move.outcome, "end")
            case Leave():
                done += (*_tidy(call.cursor, _NOWHERE, event), *move.effects)
        ...
    return _to_fallback(call, event, done, _BY_LOOP)

"""From node to node: by exits, into sub-flows and back, after failures and ends of time."""

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from ivrengine.core import effects, events
from ivrengine.core.call import Call, Frame, Outcome, Phase, Value
from ivrengine.flow.model import Flow
from ivrengine.flow.node import Descend, Fail, Finish, Leave, Return
from ivrengine.flow.nodes.call import CallFlow
from ivrengine.flow.running import limits, parting
from ivrengine.flow.running.tidying import NOWHERE, Result, changed, tidied

ERRORS_MAX: Final = 3
"""So often a flow may help itself in one call; who fails in a fourth place needs a person."""
BY_LIMIT: Final = "max_duration"
NO_VALUE: Final = Fail(reason="expression without value")

Onward = Call | Result
"""The call before the node that it enters next, or what a step comes to if there is no such node."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What every step from node to node has to know; ``done`` grows on the way."""

    flow: Flow
    """The flow that the call began with."""
    event: events.CallEvent
    done: list[effects.Effect]


def onward(way: Way, call: Call, move: Leave | Descend | Return | Fail) -> Onward:
    """Follow a move out of the node where the call stands."""
    match move:
        case Leave():
            return left(way, call, move)
        case Descend():
            return _descended(way, call, move)
        case Return():
            return _returned(way, call, move)
        case Fail():
            way.done.extend(move.effects)
            return failed(way, call, move.reason)


def left(way: Way, call: Call, move: Leave) -> Onward:
    """Leave the node by an exit."""
    running = way.flow.running(call)
    if not _fits(running, move.assign):
        return failed(way, call, NO_VALUE.reason)
    target = running.exits[call.node][move.exit]
    if target is None:
        return over(way, call, Finish(outcome=Outcome.COMPLETED, effects=move.effects), move.exit)
    _leave(way, call, move.exit, *move.effects)
    return changed(
        _at(call, target),
        variables={**call.variables, **move.assign} if move.assign else call.variables,
        language=move.language or call.language,
    )


def _leave(way: Way, call: Call, exit_name: str, *further: effects.Effect) -> None:
    stays = None if call.phase is Phase.AFTERWARDS else call.channel_id
    way.done.extend((*tidied(call.cursor, NOWHERE, way.event, stays), *further))
    way.done.append(parting.left(call, exit_name))


def _at(call: Call, node: str) -> Call:
    """Return the call before a node of the flow that runs."""
    phase = call.phase if call.phase is Phase.AFTERWARDS else Phase.IN_FLOW
    return changed(call, node=node, cursor=NOWHERE, phase=phase, serial=call.serial + 1)


def _fits(running: Flow, assign: Mapping[str, Value]) -> bool:
    """Tell whether each value is of its variable's declared type: only running an expression may tell."""
    return all(type(value) is type(running.initial[name]) for name, value in assign.items())


def _descended(way: Way, call: Call, move: Descend) -> Onward:
    """Begin a sub-flow; the flow that calls it waits, as it stands."""
    subflow = way.flow.subflows[move.subflow]
    if not _fits(subflow, move.assign):
        return failed(way, call, NO_VALUE.reason)
    waiting = Frame(
        subflow=call.subflow, node=call.node, variables=call.variables, until_at=call.until_at
    )
    return changed(
        _at(call, subflow.start),
        frames=(*call.frames, waiting),
        subflow=move.subflow,
        variables={**subflow.initial, **move.assign},
        until_at=limits.end_of(way.event.at, subflow.max_duration_s, move.limit_s),
    )


def _popped(call: Call) -> Call:
    """Return the call at the ``call`` node of the flow that waits for the one that runs."""
    frame = call.frames[-1]
    return changed(
        call,
        frames=call.frames[:-1],
        subflow=frame.subflow,
        node=frame.node,
        variables=frame.variables,
        until_at=frame.until_at,
        cursor=NOWHERE,
    )


def _returned(way: Way, call: Call, move: Return) -> Onward:
    """Go on where the waiting flow says for this return, with the values that it takes."""
    if not call.frames:  # a sub-flow that a number leads to: ``check`` refuses it
        return failed(way, call, "return without a call")
    handed = way.flow.running(call).returns[move.by]
    _leave(way, call, move.by)
    waiting = _popped(call)
    node = way.flow.running(waiting).nodes[waiting.node]
    assert isinstance(node, CallFlow)
    results = {own: call.variables[its] for own, its in node.results.items() if its in handed}
    return left(way, waiting, Leave(exit=move.by, assign=results))


def failed(way: Way, call: Call, reason: str) -> Onward:
    """Take the node's ``error``, else the flow's ``on_error``, else those of the flow that waits for it, else a person's help."""
    if call.phase is Phase.AFTERWARDS:
        return over(way, call, Finish(outcome=Outcome.HUNG_UP), reason)
    while call.errors < ERRORS_MAX:
        running = way.flow.running(call)
        target = running.exits[call.node].get("error") or running.on_error
        if target is not None:
            _leave(way, call, "error")
            return changed(_at(call, target), errors=call.errors + 1)
        if not call.frames:
            break
        _leave(way, call, reason)
        call = _popped(call)
    return parting.to_fallback(call, way.event, way.done, reason)


def expired(way: Way, call: Call, depth: int) -> Onward:
    """End the flow for which ``depth`` others wait, as its time is over; it may still do what its ``on_max_duration`` says."""
    if call.phase is Phase.AFTERWARDS or call.errors >= ERRORS_MAX:
        return failed(way, changed(call, errors=ERRORS_MAX), BY_LIMIT)
    while len(call.frames) > depth:
        _leave(way, call, BY_LIMIT)
        call = _popped(call)
    more_at = way.event.at + timedelta(seconds=limits.OVERTIME_S)
    call = changed(call, until_at=more_at, errors=call.errors + 1)
    target = way.flow.running(call).on_max_duration
    if target is not None:
        _leave(way, call, BY_LIMIT)
        return _at(call, target)
    if not call.frames:
        return failed(way, call, BY_LIMIT)
    _leave(way, call, BY_LIMIT)
    waiting = _popped(call)
    if "on_max_duration" in way.flow.running(waiting).exits[waiting.node]:
        return left(way, waiting, Leave(exit="on_max_duration"))
    return failed(way, waiting, BY_LIMIT)


def over(way: Way, call: Call, finish: Finish, exit_name: str) -> Result:
    """End the flow: the caller is taken leave of, or if they have left already the books are closed."""
    way.done.extend(finish.effects)
    if call.phase is not Phase.AFTERWARDS:
        return parting.hang_up(call, way.event, way.done, finish.outcome, exit_name)
    _leave(way, call, exit_name, *limits.cancelled(call, way.event))
    assert call.outcome is not None
    assert call.ended_at is not None
    return parting.closed(call, call.outcome, call.ended_at, way.done)

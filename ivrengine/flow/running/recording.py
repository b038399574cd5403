"""The recording of a whole call, as the fold knows it: begun, paused, lost, taken up after a gap, and kept part by part.

Nodes ask for it by effects alone; ``noted`` reads from them what the call's recording is then.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from ivrengine.core import effects, events, ids
from ivrengine.core.call import Call, Recording
from ivrengine.flow.node import Turn
from ivrengine.flow.running.tidying import changed

LIMIT_S: Final = 14_400.0
"""No call is recorded for longer than four hours: 230 MB."""
_CHANGING: Final = frozenset(
    {
        effects.StartMonitoring,
        effects.StopMonitoring,
        effects.PauseRecording,
        effects.ResumeRecording,
        effects.KeepRecording,
        effects.DiscardRecording,
    }
)
Followed = tuple[Recording | None, tuple[effects.Effect, ...]]
"""What the call's recording is after an event about it, and what is to be done."""


def begun(turn: Turn, retention: str) -> effects.StartMonitoring:
    """Return what begins a recording of the call, or its next part."""
    return effects.StartMonitoring(
        recording_id=turn.recording_id(),
        monitor_id=turn.monitor_id(),
        channel_id=turn.call.channel_id,
        limit_s=LIMIT_S,
        retention=retention,
    )


def paused(call: Call) -> tuple[effects.Effect, ...]:
    """Return what lets the call's recording miss what follows; nothing if there is none, or it does already."""
    recording = call.recording
    if recording is None or recording.paused or recording.recording_id is None:
        return ()
    return (effects.PauseRecording(recording_id=recording.recording_id),)


def resumed(turn: Turn) -> tuple[effects.Effect, ...]:
    """Return what lets a paused recording go on; nothing if there is none that is paused."""
    recording = turn.call.recording
    if recording is None or not recording.paused:
        return ()
    if recording.recording_id is None:
        return (begun(turn, recording.retention),)
    return (effects.ResumeRecording(recording_id=recording.recording_id),)


def stopped(call: Call, at: datetime) -> tuple[effects.Effect, ...]:
    """Return what ends the part that is made now, and keeps it."""
    if call.recording is None or call.recording.monitor_id is None:
        return ()
    stop = effects.StopMonitoring(monitor_id=call.recording.monitor_id)
    return (stop, *_kept(call.recording, _recorded_s(call.recording, at)))


def without_caller(call: Call, event: events.CallEvent) -> tuple[effects.Effect, ...]:
    """Return what keeps the part that ended with the caller's channel; one who is merely elsewhere is listened to no longer."""
    if call.recording is None:
        return ()
    if isinstance(event, events.ChannelLeft):
        return stopped(call, event.at)
    return tuple(_kept(call.recording, _recorded_s(call.recording, event.at)))


def _kept(recording: Recording, duration_s: float) -> Iterator[effects.Effect]:
    if recording.recording_id is not None:
        yield kept(
            recording.recording_id, effects.RecordingKind.CALL, recording.retention, duration_s
        )


def kept(
    recording_id: ids.RecordingId, kind: effects.RecordingKind, retention: str, duration_s: float
) -> effects.KeepRecording:
    """Return the note that a recording is kept, under its name in the switch."""
    return effects.KeepRecording(
        recording_id=recording_id,
        kind=kind,
        retention=retention,
        duration_s=round(duration_s, 1),
        media=ids.local_part(recording_id),
    )


def after_gap(turn: Turn) -> Followed:
    """End the part that was made and begin another: nobody knows what became of it. A paused one begins when it goes on."""
    recording = turn.call.recording
    if recording is None:
        return None, ()
    done = stopped(turn.call, turn.at)
    if recording.paused:
        return Recording(retention=recording.retention), done
    return recording, (*done, begun(turn, recording.retention))


def followed(turn: Turn, event: events.CallEvent) -> Followed | None:
    """Return what an event does to the call's recording; None if it is about something else."""
    recording = turn.call.recording
    if recording is None or recording.recording_id is None or recording.monitor_id is None:
        return None
    own, stop = recording.recording_id, effects.StopMonitoring(monitor_id=recording.monitor_id)
    match event:
        case events.RecordingFinished(recording_id=ended, duration_s=duration_s) if ended == own:
            return None, (stop, *_kept(recording, duration_s))
        case events.RecordingFailed(recording_id=lost) if lost == own:
            return None, (stop,)
        case events.RequestFailed(subject=subject) if subject == own:
            return _not_done(turn, recording, event)
        case _:
            return None


def _not_done(turn: Turn, recording: Recording, event: events.RequestFailed) -> Followed | None:
    match event.effect:
        case "StartMonitoring":
            unknown = event.failure is events.Failure.UNAVAILABLE
            return None, stopped(turn.call, turn.at)[:1] if unknown else ()
        case "PauseRecording":  # better a part too short than one with what it must not have
            return Recording(retention=recording.retention), stopped(turn.call, turn.at)
        case "ResumeRecording":
            again = begun(turn, recording.retention)
            return recording, (*stopped(turn.call, turn.at), again)
        case _:
            return None


def noted(call: Call, done: tuple[effects.Effect, ...], at: datetime) -> Call:
    """Return the call with its recording as effects leave it, and what they delete; a second time changes nothing."""
    discarded: list[ids.RecordingId] = []
    recording = call.recording
    for effect in done:
        if type(effect) in _CHANGING:
            if isinstance(effect, effects.DiscardRecording):
                discarded.append(effect.recording_id)
            else:
                recording = _changed(recording, effect, at)
    if recording is call.recording and not discarded and not call.discarding:
        return call
    return changed(call, recording=recording, discarding=tuple(discarded))


def _changed(recording: Recording | None, effect: effects.Effect, at: datetime) -> Recording | None:
    match effect:
        case effects.StartMonitoring():
            return Recording(
                retention=effect.retention,
                recording_id=effect.recording_id,
                monitor_id=effect.monitor_id,
                since_at=at,
            )
        case effects.PauseRecording(recording_id=own) if recording and _is(recording, own):
            return _from(recording, None, _recorded_s(recording, at))
        case effects.ResumeRecording(recording_id=own) if recording and _is(recording, own):
            return _from(recording, at, recording.recorded_s)
        case effects.KeepRecording(recording_id=own) if recording and _is(recording, own):
            return None
        case _:
            return recording


def _from(recording: Recording, since_at: datetime | None, recorded_s: float) -> Recording:
    return Recording(
        retention=recording.retention,
        recording_id=recording.recording_id,
        monitor_id=recording.monitor_id,
        since_at=since_at,
        recorded_s=recorded_s,
    )


def _is(recording: Recording, recording_id: ids.RecordingId) -> bool:
    return recording.recording_id == recording_id


def _recorded_s(recording: Recording, at: datetime) -> float:
    since_s = 0.0 if recording.since_at is None else (at - recording.since_at).total_seconds()
    return min(LIMIT_S, recording.recorded_s + max(0.0, since_s))

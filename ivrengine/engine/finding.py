"""Whose an event is: the id that it is about, and the call that the id names."""

import re
from typing import Final, assert_never

from ivrengine.core import events, ids, switching
from ivrengine.core.ids import CallId

_OUR_CALL: Final = re.compile(rf"{re.escape(ids.OURS)}([0-9a-f-]{{36}})-")


def call_of(subject: str) -> CallId | None:
    """Return the call that chose this id; None if Asterisk did."""
    ours = _OUR_CALL.match(ids.local_part(subject))
    return None if ours is None else CallId(ours[1])


def subject_of(event: switching.OfACall) -> str:
    """Return the id by which an event's call is found."""
    match event:
        case events.PlaybackFinished():
            return event.playback_id
        case events.RecordingStarted() | events.RecordingFinished() | events.RecordingFailed():
            return event.recording_id
        case events.BridgeJoined() | events.BridgeLeft():
            return event.bridge_id
        case (
            switching.Arrival()
            | switching.DigitHeard()
            | events.CallArrived()
            | events.LegRinging()
            | events.LegAnswered()
            | events.DigitPressed()
            | events.BargedIn()
            | events.ChannelEnded()
            | events.ChannelLeft()
            | events.EndedUnheard()
        ):
            return event.channel_id
        case (
            events.TimerFired()
            | events.RequestFailed()
            | events.Fetched()
            | events.FetchFailed()
            | events.AnswersFound()
            | events.LookupFailed()
            | events.CallFailed()
            | events.FlowInterrupted()
            | events.Resumed()
        ):
            return ""  # made by the engine for one call, never told by a switch
        case _:
            assert_never(event)

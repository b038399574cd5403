"""One row for every kind of effect: how its result is known after the engine died between deciding and knowing.

A cut link is the same to a call as a dead engine, and the same rows hold. The crash-point sweep
(``tests/engine/test_crash_points.py``) drives each row; a kind without a row does not pass the tests.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from ivrengine.core import effects


class AfterCrash(StrEnum):
    """What a restarted engine does about an effect that it finds last in a call's journal."""

    BEGIN_AGAIN = "begin_again"
    """Do it again under a new id: the old one is never waited for (posting one playback id twice plays it twice).

    What was recorded before stays as a part of its own: a recording of the call is ended and another begun, which is paused
    by not being begun.
    """
    REPEAT = "repeat"
    """Do it again as it stands, or find that it was done: a second time changes nothing."""
    LOOK_UP = "look_up"
    """Ask the switch what is there, and decide from that."""
    NEVER_REPEAT = "never_repeat"
    """Look it up; if it is not there it counts as one failed attempt: the call takes its node's exit for that."""
    SET_AGAIN = "set_again"
    """It lived in the dead process: set it again for what is left of it."""
    WRITTEN = "written"
    """The journal entry is the whole effect."""


AFTER_CRASH: Final[Mapping[type[effects.Effect], AfterCrash]] = {
    effects.Answer: AfterCrash.REPEAT,
    effects.Play: AfterCrash.BEGIN_AGAIN,
    effects.StopPlayback: AfterCrash.REPEAT,
    effects.StartMusic: AfterCrash.REPEAT,
    effects.StopMusic: AfterCrash.REPEAT,
    effects.Dial: AfterCrash.NEVER_REPEAT,
    effects.CreateBridge: AfterCrash.REPEAT,
    effects.AddToBridge: AfterCrash.LOOK_UP,
    effects.RemoveFromBridge: AfterCrash.LOOK_UP,
    effects.DestroyBridge: AfterCrash.REPEAT,
    effects.StartRecording: AfterCrash.BEGIN_AGAIN,
    effects.StopRecording: AfterCrash.REPEAT,
    effects.DiscardRecording: AfterCrash.REPEAT,
    effects.StartMonitoring: AfterCrash.BEGIN_AGAIN,
    effects.StopMonitoring: AfterCrash.REPEAT,
    effects.PauseRecording: AfterCrash.BEGIN_AGAIN,
    effects.ResumeRecording: AfterCrash.BEGIN_AGAIN,
    effects.HangUp: AfterCrash.REPEAT,
    effects.SendToFallback: AfterCrash.LOOK_UP,
    effects.StartTimer: AfterCrash.SET_AGAIN,
    effects.CancelTimer: AfterCrash.WRITTEN,
    effects.Fetch: AfterCrash.BEGIN_AGAIN,
    effects.Submit: AfterCrash.NEVER_REPEAT,
    effects.FindAnswers: AfterCrash.BEGIN_AGAIN,
    effects.CancelInquiry: AfterCrash.WRITTEN,
    effects.DropDigits: AfterCrash.WRITTEN,
    effects.EnterNode: AfterCrash.WRITTEN,
    effects.LeaveNode: AfterCrash.WRITTEN,
    effects.SendMessage: AfterCrash.WRITTEN,
    effects.SetAttribute: AfterCrash.WRITTEN,
    effects.KeepAnswer: AfterCrash.WRITTEN,
    effects.KeepRecording: AfterCrash.WRITTEN,
    effects.EndCall: AfterCrash.WRITTEN,
}

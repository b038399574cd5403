"""What every node that speaks shares: start the prompts as one playback, and know when it is over."""

from collections.abc import Iterator, Mapping
from typing import Final

from ivrengine.core import effects, events, ids
from ivrengine.core.call import Cursor
from ivrengine.flow.expressions import ExpressionError
from ivrengine.flow.fields import Prompts, PromptUse
from ivrengine.flow.node import Fail, Turn
from ivrengine.flow.problems import Loc
from ivrengine.flow.spoken.grammar import UnspeakableError

PROMPT_LIMIT_S: Final = 300.0
"""No announcement lasts five minutes; a playback whose end was never told (its event was lost) is given up then."""
UNCOUNTED: Final = Cursor()
"""The counts of a node that has not asked yet."""


def start_prompt(
    turn: Turn,
    prompts: Prompts,
    *,
    counted: Cursor = UNCOUNTED,
    recordings: tuple[ids.RecordingId, ...] = (),
    beep: bool = False,
) -> tuple[Cursor, tuple[effects.Effect, ...]]:
    """Return the cursor of a node that speaks, with the counts of ``counted``, and the effects that begin it.

    Raises ``ExpressionError`` if a prompt's parameter has no value, or one that cannot be spoken.
    """
    named = tuple(
        use if isinstance(use, str) else filled(turn, use.prompt, use.with_) for use in prompts
    )
    return start_speech(turn, named, counted=counted, recordings=recordings, beep=beep)


def filled(turn: Turn, prompt: str, given: Mapping[str, str]) -> effects.Spoken:
    """Return what a prompt says with the values that its parameters are given; raises ``ExpressionError``."""
    template = turn.kit.templates.get(prompt)
    if template is None:  # a version of yesterday, and the prompt has gone since
        raise ExpressionError(prompt)
    values = {name: turn.speakable(text) for name, text in given.items()}
    try:
        text = template.sentence(turn.call.language, values, turn.kit.zone)
    except UnspeakableError:
        raise ExpressionError(prompt) from None
    return effects.Spoken(text=text, prompt=prompt)


def start_speech(
    turn: Turn,
    prompts: tuple[str | effects.Spoken, ...],
    *,
    counted: Cursor = UNCOUNTED,
    recordings: tuple[ids.RecordingId, ...] = (),
    beep: bool = False,
) -> tuple[Cursor, tuple[effects.Effect, ...]]:
    """Return the cursor of a node that says prompts and composed words, and the effects that begin it."""
    cursor = Cursor(
        stage="prompt",
        attempt=counted.attempt,
        no_inputs=counted.no_inputs,
        no_matches=counted.no_matches,
        playback_id=turn.playback_id(),
        timer_id=turn.timer_id(),
    )
    assert cursor.playback_id is not None
    assert cursor.timer_id is not None
    play = effects.Play(
        channel_id=turn.call.channel_id,
        playback_id=cursor.playback_id,
        prompts=prompts,
        language=turn.call.language,
        recordings=recordings,
        beep=beep,
    )
    limit = effects.StartTimer(timer_id=cursor.timer_id, delay_s=PROMPT_LIMIT_S)
    return cursor, (play, limit)


def prompt_over(turn: Turn, event: events.CallEvent, *, stage: str = "prompt") -> bool:
    """Tell whether the event means that the node's prompt is over: played, stopped, not playable, or given up."""
    cursor = turn.call.cursor
    if cursor.stage != stage:
        return False
    match event:
        case (
            events.PlaybackFinished(playback_id=ended)
            | events.RequestFailed(effect="Play", subject=ended)
        ):
            return ended == cursor.playback_id
        case events.TimerFired(timer_id=fired):
            return fired == cursor.timer_id
        case _:
            return False


def unplayable(turn: Turn, event: events.CallEvent) -> Fail | None:
    """Return the failure of a node whose prompt the switch refused to play.

    A prompt whose fate is not known (the switch did not answer) may be heard: the node goes on as after any other.
    """
    match event:
        case events.RequestFailed(
            effect="Play",
            subject=refused,
            failure=events.Failure.REFUSED | events.Failure.NOT_READY,
        ) if refused == turn.call.cursor.playback_id:
            return Fail(reason="prompt not playable")
        case _:
            return None


def prompt_places(key: str, uses: Prompts) -> Iterator[tuple[Loc, str | PromptUse]]:
    """Yield each prompt written under ``key`` with its place: the key itself, or its item of the list."""
    for index, use in enumerate(uses):
        yield ((key,) if len(uses) == 1 else (key, index)), use

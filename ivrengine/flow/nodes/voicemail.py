"""The ``voicemail`` node."""

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ivrengine.core import effects, events
from ivrengine.core.call import Cursor, DigitMode, Part
from ivrengine.flow.fields import Key, Name, Prompts, PromptUse, Seconds, Terminator, contradiction
from ivrengine.flow.node import Fail, Leave, MayFail, Move, Stay, Turn
from ivrengine.flow.nodes.prompting import prompt_over, prompt_places, start_prompt, unplayable
from ivrengine.flow.problems import Loc
from ivrengine.flow.running import recording

_LATE_S: Final = 10.0
"""The switch ends a recording at its limit; only if nothing says so, the node takes it as over, so much later."""
_STOP_LIMIT_S: Final = 3.0
_GRACE_S: Final = 0.5
"""A recording that ends mostly means that the caller hung up, which is told within milliseconds."""
_REVIEWS_MAX: Final = 3
"""How often the review is asked of somebody who does not answer it; then the message is kept."""


class Review(BaseModel):
    """What a caller may do with the message that they left."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: Prompts = Field(description="The question.")
    keep: Key = Field(default="1", description="The key that keeps the message.")
    listen: Key = Field(default="2", description="The key that plays it.")
    again: Key = Field(default="3", description="The key that deletes it and records another.")
    discard: Key | None = Field(
        default=None, description="The key that deletes it and leaves by `no_message`."
    )
    timeout_s: Seconds = Field(
        default=5.0, alias="timeout", ge=0.5, le=60, description="How long to wait for a key."
    )

    @model_validator(mode="after")
    def _keys_mean_one_thing(self) -> Self:
        seen: set[str] = set()
        for name in ("keep", "listen", "again", "discard"):
            key = getattr(self, name)
            if key is not None and key in seen:
                raise contradiction(name, f"the key `{key}` has another meaning here already")
            seen.add(key)
        return self


class Voicemail(MayFail):
    """Lets the caller leave a message: a greeting, a tone, and what is said then until silence, a key or the limit.

    A message of somebody who hangs up while they speak, or at the review, is kept. A message that is shorter than
    `min_length` is none, and is deleted.
    """

    type: Literal["voicemail"]
    prompt: Prompts = Field(
        description="The greeting. The `end_key` cuts it short; the tone comes then."
    )
    limit_s: Seconds = Field(
        default=120.0, alias="limit", ge=5, le=900, description="How long a message may be."
    )
    silence_s: Seconds = Field(
        default=4.0,
        alias="silence",
        ge=1,
        le=30,
        description="A silence of so long ends the message.",
    )
    min_length_s: Seconds = Field(
        default=2.0,
        alias="min_length",
        ge=0,
        le=30,
        description="How long something must be said for it to be a message; switches count whole seconds, and half a silence "
        "may be among them.",
    )
    end_key: Terminator = Field(
        default="#", description="The key that ends the message; none for no such key."
    )
    review: Review | None = Field(
        default=None,
        description="What the caller may do with their message; without it the message is kept. So it is when nobody answers.",
    )
    box: Name | None = Field(
        default=None,
        description="Whom the message is for, as a word of yours: noted on the call as `voicemail`.",
    )
    retention: Name = Field(
        default="standard", description="The class of retention under which the message is kept."
    )
    next: Name = Field(description="Where to go when the message is kept.")
    no_message: Name = Field(description="Where to go when nothing was said, or it was deleted.")

    def enter(self, turn: Turn) -> Move:
        """Greet."""
        return self._invite(turn, self.prompt)

    def _invite(self, turn: Turn, prompts: Prompts = (), parts: tuple[Part, ...] = ()) -> Stay:
        """Play the tone, after the greeting or without."""
        cursor, play = start_prompt(turn, prompts, counted=turn.call.cursor, beep=True)
        return Stay(
            cursor=dataclasses.replace(cursor, parts=parts), effects=play, digits=DigitMode.TAKE
        )

    def resume(self, turn: Turn, event: events.Resumed) -> Move:
        """Let the caller go on speaking after another tone: what they said before is kept as a part of its own."""
        cursor = turn.call.cursor
        match cursor.stage:
            case "record":
                return self._invite(turn, parts=self._with_live(turn))
            case "stop" | "over":
                return self._wait(turn, "over", self._with_live(turn))
            case "review" | "choose":
                return self._ask(turn, cursor.parts)
            case _:
                return self._invite(turn, () if cursor.parts else self.prompt, cursor.parts)

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Follow the message: greeting, tone, what is said, and what the caller wants done with it."""
        match turn.call.cursor.stage:
            case "prompt":
                return self._while_inviting(turn, event)
            case "record" | "stop":
                return self._while_recording(turn, event)
            case "review" | "choose":
                return self._while_reviewing(turn, event)
            case stage if _fired(turn, event):
                failed = Fail(reason="not recorded")
                return failed if stage == "failed" else self._decide(turn, turn.call.cursor.parts)
            case _:
                return None

    def _while_inviting(self, turn: Turn, event: events.CallEvent) -> Move | None:
        if prompt_over(turn, event):
            return unplayable(turn, event) or self._record(turn)
        match event:
            case events.DigitPressed(digit=digit) if digit == self.end_key:
                return self._invite(turn, parts=turn.call.cursor.parts)
            case _:
                return None

    def _record(self, turn: Turn) -> Stay:
        recording_id, timer_id = turn.voicemail_id(), turn.timer_id()
        start = effects.StartRecording(
            recording_id=recording_id,
            target=turn.call.channel_id,
            limit_s=self.limit_s,
            max_silence_s=self.silence_s,
        )
        limit = effects.StartTimer(timer_id=timer_id, delay_s=self.limit_s + _LATE_S)
        cursor = Cursor(
            stage="record",
            attempt=turn.call.cursor.attempt,
            timer_id=timer_id,
            until_at=turn.at + timedelta(seconds=self.limit_s),
            recording_id=recording_id,
            parts=turn.call.cursor.parts,
        )
        return Stay(cursor=cursor, effects=(start, limit), digits=DigitMode.TAKE)

    def _while_recording(self, turn: Turn, event: events.CallEvent) -> Move | None:
        cursor = turn.call.cursor
        own, stopping = cursor.recording_id, cursor.stage == "stop"
        match event:
            case events.DigitPressed(digit=digit) if digit == self.end_key and not stopping:
                return self._stop(turn)
            case events.RecordingFinished(recording_id=ended) if ended == own:
                parts, done = self._judged(cursor.parts, event)
                if stopping:
                    return self._decide(turn, parts, done)
                return self._wait(turn, "over", parts, done)
            case events.RecordingFailed(recording_id=ended) if ended == own:
                return self._wait(turn, "over" if cursor.parts else "failed", cursor.parts)
            case events.RequestFailed(effect="StartRecording", subject=refused) if refused == own:
                return Fail(reason="not recorded")
            case _:
                over = _fired(turn, event) or _not_stopped(turn, event)
                return self._decide(turn, self._with_live(turn)) if over else None

    def _stop(self, turn: Turn) -> Stay:
        cursor, timer_id = turn.call.cursor, turn.timer_id()
        assert cursor.recording_id is not None
        return Stay(
            cursor=dataclasses.replace(cursor, stage="stop", timer_id=timer_id),
            effects=(
                effects.StopRecording(recording_id=cursor.recording_id),
                effects.StartTimer(timer_id=timer_id, delay_s=_STOP_LIMIT_S),
            ),
            digits=DigitMode.TAKE,
        )

    def _judged(
        self, parts: tuple[Part, ...], event: events.RecordingFinished
    ) -> tuple[tuple[Part, ...], tuple[effects.Effect, ...]]:
        """Return the message with what was recorded, or without it and what deletes it if nothing much was said."""
        talked_s = event.duration_s if event.talked_s is None else event.talked_s
        if min(talked_s, event.duration_s) < self.min_length_s:
            return parts, (effects.DiscardRecording(recording_id=event.recording_id),)
        return (*parts, Part(recording_id=event.recording_id, duration_s=event.duration_s)), ()

    def _with_live(self, turn: Turn) -> tuple[Part, ...]:
        """Return the message with what is being recorded, of which nobody has told how long it is."""
        cursor = turn.call.cursor
        if cursor.recording_id is None or cursor.until_at is None:
            return cursor.parts
        left_s = max(0.0, (cursor.until_at - turn.at).total_seconds())
        live = Part(recording_id=cursor.recording_id, duration_s=max(0.0, self.limit_s - left_s))
        return (*cursor.parts, live)

    def _wait(
        self,
        turn: Turn,
        stage: str,
        parts: tuple[Part, ...],
        done: tuple[effects.Effect, ...] = (),
    ) -> Stay:
        """Wait for the word that the caller hung up: nothing more is played to them then."""
        timer = effects.StartTimer(timer_id=turn.timer_id(), delay_s=_GRACE_S)
        attempt = turn.call.cursor.attempt
        cursor = Cursor(stage=stage, attempt=attempt, timer_id=timer.timer_id, parts=parts)
        return Stay(cursor=cursor, effects=(*done, timer))

    def _decide(
        self, turn: Turn, parts: tuple[Part, ...], done: tuple[effects.Effect, ...] = ()
    ) -> Move:
        if not parts:
            return Leave(exit="no_message", effects=done)
        if self.review is None:
            return Leave(exit="next", effects=(*done, *self._kept(parts)))
        return self._ask(turn, parts, done)

    def _ask(
        self,
        turn: Turn,
        parts: tuple[Part, ...],
        done: tuple[effects.Effect, ...] = (),
        *,
        more: int = 0,
        listen: bool = False,
    ) -> Stay:
        assert self.review is not None
        before = turn.call.cursor
        names = tuple(part.recording_id for part in parts) if listen else ()
        cursor, play = start_prompt(turn, self.review.prompt, counted=before, recordings=names)
        asked = dataclasses.replace(
            cursor, stage="review", parts=parts, attempt=before.attempt + more
        )
        return Stay(cursor=asked, effects=(*done, *play), digits=DigitMode.TAKE)

    def _while_reviewing(self, turn: Turn, event: events.CallEvent) -> Move | None:
        cursor = turn.call.cursor
        assert self.review is not None
        match event:
            case events.DigitPressed(digit=digit):
                return self._chosen(turn, digit)
            case _ if prompt_over(turn, event, stage="review"):
                timer_id = turn.timer_id()
                return Stay(
                    cursor=dataclasses.replace(
                        cursor, stage="choose", playback_id=None, timer_id=timer_id
                    ),
                    effects=(effects.StartTimer(timer_id=timer_id, delay_s=self.review.timeout_s),),
                    digits=DigitMode.TAKE,
                )
            case _ if _fired(turn, event):
                return self._unanswered(turn)
            case _:
                return None

    def _chosen(self, turn: Turn, digit: str) -> Move:
        parts, review = turn.call.cursor.parts, self.review
        assert review is not None
        deleted = tuple(effects.DiscardRecording(recording_id=part.recording_id) for part in parts)
        if digit == review.keep:
            return Leave(exit="next", effects=self._kept(parts))
        if digit == review.listen:
            return self._ask(turn, parts, listen=True)
        if digit == review.again:
            tone = self._invite(turn)
            return dataclasses.replace(tone, effects=(*deleted, *tone.effects))
        if digit == review.discard:
            return Leave(exit="no_message", effects=deleted)
        return self._unanswered(turn)

    def _unanswered(self, turn: Turn) -> Move:
        cursor = turn.call.cursor
        if cursor.attempt >= _REVIEWS_MAX:
            return Leave(exit="next", effects=self._kept(cursor.parts))
        return self._ask(turn, cursor.parts, more=1)

    def _kept(self, parts: tuple[Part, ...]) -> tuple[effects.Effect, ...]:
        kind = effects.RecordingKind.VOICEMAIL
        noted = (
            () if self.box is None else (effects.SetAttribute(name="voicemail", value=self.box),)
        )
        return (
            *(recording.kept(it.recording_id, kind, self.retention, it.duration_s) for it in parts),
            *(noted if parts else ()),
        )

    def abandoned(self, turn: Turn) -> tuple[effects.Effect, ...]:
        """Keep the message of a caller who left, or for whom the flow cannot go on."""
        return self._kept(self._with_live(turn))

    def exits(self) -> Mapping[str, str | None]:
        """Return the exits with a message and without."""
        return self.failing({"next": self.next, "no_message": self.no_message})

    def prompts(self) -> Iterator[tuple[Loc, str | PromptUse]]:
        """Yield the greeting and the question."""
        yield from prompt_places("prompt", self.prompt)
        if self.review is not None:
            for loc, name in prompt_places("prompt", self.review.prompt):
                yield ("review", *loc), name


def _not_stopped(turn: Turn, event: events.CallEvent) -> bool:
    """Tell whether a recording had ended before it was to be stopped, or does not obey: what there is of it is the message."""
    match event:
        case events.RequestFailed(effect="StopRecording", subject=refused):
            return refused == turn.call.cursor.recording_id
        case _:
            return False


def _fired(turn: Turn, event: events.CallEvent) -> bool:
    return isinstance(event, events.TimerFired) and event.timer_id == turn.call.cursor.timer_id

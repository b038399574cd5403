"""The keys that a caller has pressed and no node has taken yet: in one call's memory only, in no journal."""

import collections
from collections.abc import Iterable
from datetime import datetime
from typing import Final, assert_never

from ivrengine.core import effects, events
from ivrengine.core.call import Call, DigitMode
from ivrengine.core.switching import DigitHeard


class TypedAhead:
    """The waiting keys of one call, the oldest first."""

    def __init__(self, most: int) -> None:
        """Hold at most so many: more is a stuck key, not somebody who knows the menu by heart."""
        self._most: Final = most
        self._digits: collections.deque[str] = collections.deque()

    def is_full(self) -> bool:
        """Tell whether no further key can wait."""
        return len(self._digits) >= self._most

    def heard(self, digit: str) -> None:
        """Let a key wait."""
        self._digits.append(digit)

    def next(self, call: Call, at: datetime) -> events.CallEvent | None:
        """Return the event that the oldest waiting key is to the node where the call stands, if it is one."""
        if not self._digits:
            return None
        match call.digit_mode:
            case DigitMode.TAKE:
                digit = self._digits.popleft()
                return events.DigitPressed(at=at, channel_id=call.channel_id, digit=digit)
            case DigitMode.HIDE:
                digit = self._digits.popleft()
                shown = events.HIDDEN if digit.isdecimal() else digit
                return events.DigitPressed(at=at, channel_id=call.channel_id, digit=shown)
            case DigitMode.INTERRUPT:
                return events.BargedIn(at=at, channel_id=call.channel_id)
            case DigitMode.BUFFER | DigitMode.DROP:
                return None
            case _:
                assert_never(call.digit_mode)

    def decided(self, before: Call | None, call: Call, done: Iterable[effects.Effect]) -> None:
        """Forget what a step says is to be forgotten, and what was left over of a secret.

        Nor is a key for a node after the talk in which it was pressed.
        """
        dropped = any(isinstance(effect, effects.DropDigits) for effect in done)
        hid = before is not None and before.digit_mode is DigitMode.HIDE
        shows = hid and call.digit_mode is not DigitMode.HIDE
        if dropped or shows or call.digit_mode is DigitMode.DROP:
            self._digits.clear()


def means_something(call: Call, heard: DigitHeard) -> bool:
    """Tell whether a key that is heard now is one for the flow at all."""
    return call.digit_mode is not DigitMode.DROP and heard.channel_id == call.channel_id

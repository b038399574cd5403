"""All trials, by their numbers."""

from collections.abc import Mapping
from typing import Final

from trials.calls import CALLS
from trials.model import Trial
from trials.process import PROCESS
from trials.transport import TRANSPORT

TRIALS: Final[Mapping[int, Trial]] = {
    trial.number: trial for trial in (*TRANSPORT, *CALLS, *PROCESS)
}

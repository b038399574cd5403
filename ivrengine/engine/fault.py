"""What is kept of an exception: never its message."""

import traceback
from pathlib import Path


def fault(error: BaseException) -> str:
    """Return an exception's class and place (``KeyError at step.py:88``) without its message, which may quote a caller."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + place

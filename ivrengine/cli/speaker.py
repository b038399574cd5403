"""The speaker of the machine that a command runs on: a file is played with whatever program there is for it."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

PLAYERS: Final = (
    ("aplay", "-q"),
    ("paplay",),
    ("pw-play",),
    ("play", "-q"),
    ("afplay",),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"),
)
"""ALSA, PulseAudio, PipeWire, SoX, macOS, FFmpeg; the first one that is installed plays."""
PLAYING_LIMIT_S: Final = 330.0
"""No prompt is longer than five minutes."""


class SpeakerError(Exception):
    """Nothing can be heard here; says why, and what to do instead."""


def play(file: Path) -> None:
    """Play a WAV file to its end; raises ``SpeakerError``."""
    player = next((words for words in PLAYERS if shutil.which(words[0])), None)
    if player is None:
        names = ", ".join(words[0] for words in PLAYERS)
        raise SpeakerError(
            f"no program that plays sound is installed ({names}); write the prompt to a file with --to FILE.wav"
        )
    try:
        ended = subprocess.run(  # noqa: S603 - one of the programs above
            [*player, os.fspath(file)],
            check=False,
            timeout=PLAYING_LIMIT_S,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
    except subprocess.TimeoutExpired:
        raise SpeakerError(f"{player[0]} did not come to an end") from None
    if ended.returncode != 0:
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        why = said[-1] if said else f"it ended with {ended.returncode}"
        raise SpeakerError(
            f"{player[0]} could not play it: {why}; --to FILE.wav writes it to a file"
        )

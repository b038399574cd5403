"""The child process that makes one prompt's files from a WAV file: ``-m ivrengine.prompts.convert SOURCE TARGET``.

A process of its own, because a second of sound costs some 50 ms of computing that would hold up the engine's calls.
"""

import sys
from pathlib import Path
from typing import Final

from ivrengine.flow.source import wav
from ivrengine.prompts import audio, g711

WIDE: Final = ".sln16"
"""Samples at 16 kHz with nothing before them: for channels of G.722 or Opus Asterisk takes it, and of the others for G.711."""
SUFFIXES: Final = (".alaw", ".ulaw", WIDE, ".wav")
"""What is made of each prompt; the last one, put in its place last, says that all are there."""
VERSION: Final = "2"
"""Part of every prompt's name in the cache: counted up when the same source would give other files."""


def convert(source: Path, target: Path) -> None:
    """Write ``target``, which has no suffix yet, with each of them; raises ``WavError`` or ``OSError``."""
    narrow, wide = audio.for_telephones(wav.read(source))
    wav.write(target.with_suffix(".wav"), narrow)
    target.with_suffix(".ulaw").write_bytes(g711.ulaw(narrow.samples))
    target.with_suffix(".alaw").write_bytes(g711.alaw(narrow.samples))
    target.with_suffix(WIDE).write_bytes(wav.little_endian(wide.samples))


def main(arguments: list[str]) -> int:
    """Convert, and say what was wrong in one sentence on the standard output; 1 if anything was."""
    source, target = arguments
    try:
        convert(Path(source), Path(target))
    except wav.WavError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stdout.write(f"it cannot be written: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

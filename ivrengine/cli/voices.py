"""Which synthesiser the settings choose for the commands that make prompts."""

from ivrengine.prompts import speech
from ivrengine.settings.speech import Speech


async def chosen(settings: Speech) -> speech.Synthesiser | None:
    """Return the command of the settings, else espeak-ng; None, and it is said in the log, if that is not there."""
    return _command(settings) or await speech.choose(stand_in=False, voices=settings.voices)


async def found(settings: Speech) -> speech.Synthesiser | None:
    """Return the same, and log nothing."""
    return _command(settings) or await speech.find_espeak(voices=settings.voices)


def _command(settings: Speech) -> speech.Command | None:
    if settings.command is None:
        return None
    return speech.Command(words=settings.command, voices=settings.voices, limit_s=settings.limit_s)

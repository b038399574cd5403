"""The audio of an edition's prompts for each Asterisk node, made before any call is taken by it."""

from collections.abc import Mapping

import structlog

from ivrengine.core.ids import NodeName
from ivrengine.flow.load import RECORDINGS_FOLDER
from ivrengine.following.edition import Edition
from ivrengine.prompts.library import Library
from ivrengine.prompts.speech import Synthesiser
from ivrengine.settings.model import AsteriskNode, Settings

Sounds = Mapping[NodeName, Library]

_log = structlog.get_logger(__name__)


class MuteError(Exception):
    """Not one prompt can be played: every caller would meet silence."""


async def sounds_of(
    edition: Edition, settings: Settings, synthesiser: Synthesiser | None
) -> Sounds:
    """Return the prompts for each node; raises ``MuteError`` if there is nothing that one could play."""
    return {
        NodeName(node.name): await _library(edition, settings, node, synthesiser)
        for node in settings.asterisk
    }


async def _library(
    edition: Edition, settings: Settings, node: AsteriskNode, synthesiser: Synthesiser | None
) -> Library:
    library = Library(
        edition.book.prompts,
        edition.folder / RECORDINGS_FOLDER,
        settings.sounds_dir(node),
        synthesiser,
        sounds_path=settings.sounds_path(node),
        suffix=settings.sounds_suffix(node),
    )
    await library.look()
    if library.missing:
        _log.info("making prompts", node=node.name, prompts=library.missing)
    entries = await library.build()
    if entries and library.missing == len(entries):
        raise MuteError(
            f"not one prompt can be played on {node.name}, and every caller would meet silence: "
            f"{entries[0].problem}"
        )
    for entry in entries:
        if entry.problem:
            _log.warning(
                "prompt",
                node=node.name,
                brand=entry.brand,
                prompt=entry.name,
                language=entry.language,
                problem=entry.problem,
            )
    return library

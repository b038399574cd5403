"""The flows of ``serve``: what it starts with, and how another edition of them comes into service while calls go on."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import structlog
import typer

from ivrengine import app
from ivrengine.cli import voices
from ivrengine.cli.status import Status
from ivrengine.engine.engine import Engine
from ivrengine.flow.problems import Problem
from ivrengine.flow.release import SHORT
from ivrengine.following import edition as editions
from ivrengine.following import watching
from ivrengine.following.edition import BrokenError, Edition
from ivrengine.following.follower import Follower
from ivrengine.following.local import Local
from ivrengine.following.sounds import MuteError, Sounds, sounds_of
from ivrengine.following.starting import NoFlowsError, first_edition
from ivrengine.prompts import child, speech
from ivrengine.settings.model import Settings
from ivrengine.telemetry.metrics import Metrics
from ivrengine.telemetry.readiness import Check, State
from ivrengine.testing.reading import script_files

_log = structlog.get_logger("flows")

SCRIPTS_LIMIT_S: Final = 300.0
"""Three hundred scripted calls a second: whoever has more of them than fit in here tests them elsewhere."""


class Flows:
    """What one engine takes calls by."""

    def __init__(
        self, settings: Settings, status: Status, counted: Metrics, *, watching: bool
    ) -> None:
        self._settings = settings
        self._counted = counted
        self._watching = watching
        self._database = app.database(settings)
        self._local = Local(settings.data_dir / "releases")
        self._synthesiser: speech.Synthesiser | None = None
        self._problems: tuple[Problem, ...] = ()
        self._follower: Follower | None = None
        self.count = 0
        """How many flows there are."""
        status.problems = lambda: self._problems
        status.look_at(self._checks)

    async def first(self) -> tuple[Edition, Sounds]:
        """Return what to start with; raises ``NoFlowsError`` or ``MuteError``."""
        settings, outside = self._settings, self._settings.outside()
        if self._watching:
            edition = await editions.load(settings.flows_dir, outside)
        else:
            edition = await first_edition(settings.flows_dir, outside, self._local, self._database)
        for problem in edition.problems:
            typer.echo(str(problem), err=True)
        if not edition.book.flows:
            raise NoFlowsError(
                f"there is no flow in {edition.name} that calls could be answered by"
            )
        self._synthesiser = await voices.chosen(settings.speech)
        sounds = await sounds_of(edition, settings, self._synthesiser)
        self._note(edition)
        return edition, sounds

    def are_newer_than(self, edition: Edition) -> bool:
        """Tell whether another release than this one was in service last on this disk."""
        noted = self._local.active()
        return not self._watching and noted is not None and noted != edition.mark

    async def follow(self, engine: Engine, edition: Edition) -> None:
        """Have the engine take calls by what becomes active, or by what a person edits, until cancelled."""

        async def change(found: Edition) -> None:
            try:
                sounds = await sounds_of(found, self._settings, self._synthesiser)
            except MuteError as error:
                raise BrokenError(str(error)) from error
            await engine.change_to(found.book, sounds)
            self._note(found)

        settings, mark = self._settings, edition.mark
        name, why = edition.name, edition.why
        del edition  # whoever holds it holds all its flows
        if self._watching:
            await watching.watch(
                settings.flows_dir,
                settings.outside(),
                change,
                tell=lambda sentence: typer.echo(sentence, err=True),
                objections=_objections,
            )
        else:
            event = "flows of the folder" if mark is None else "flows of a release"
            _log.info(event, flows=name, reason=why)
            self._follower = Follower(
                self._database,
                self._local,
                change,
                outside=settings.outside(),
                present=mark,
                metrics=self._counted,
            )
            await self._follower.run()

    async def close(self) -> None:
        """Leave the store."""
        await self._database.close()

    def _note(self, edition: Edition) -> None:
        self._problems = tuple(edition.problems)
        self.count = len(edition.book.flows)
        mark = edition.mark
        self._counted.flows_release.info(
            {"source": "folder", "release": "", "number": ""}
            if mark is None
            else {
                "source": "release",
                "release": mark.release_hash[:SHORT],
                "number": str(mark.number),
            }
        )

    def _checks(self) -> Iterator[Check]:
        trouble = None if self._follower is None else self._follower.trouble
        yield Check.of("release", trouble, otherwise=State.DEGRADED)


async def _objections(folder: Path) -> str | None:
    """Play the scripted calls in a process of their own: they are all computing, and calls go on in this one."""
    if not script_files(folder):
        return None
    words = (sys.executable, "-P", "-m", "ivrengine", "test", str(folder))
    try:
        code, said = await child.run(*words, limit_s=SCRIPTS_LIMIT_S)
    except TimeoutError:
        return f"its scripted calls took longer than {SCRIPTS_LIMIT_S:g} s"
    return said if code else None

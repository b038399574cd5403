"""From a TOML file, and over it the environment, to settings, or to all that is wrong with them."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from ivrengine.flow.problems import did_you_mean
from ivrengine.settings.model import DATABASE_VARIABLE, PREFIX, Settings
from ivrengine.settings.sentences import sentences
from ivrengine.settings.source import Source, UnreadableError, read

FILE_VARIABLE: Final = "IVRENGINE_CONFIG"
DEFAULT_FILE: Final = Path("ivrengine.toml")


class SettingsError(Exception):
    """Settings that an engine cannot start with; ``problems`` has a sentence for each thing that is wrong."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def is_given() -> bool:
    """Tell whether there is a file of settings that ``load`` would find by itself."""
    return bool(os.environ.get(FILE_VARIABLE)) or DEFAULT_FILE.exists()


def load(path: Path | None = None) -> Settings:
    """Return the settings from the file and the environment; raises ``SettingsError`` with every problem.

    The file is ``path``, else what ``IVRENGINE_CONFIG`` names, else ``ivrengine.toml`` in the working directory, if there.
    """
    source = _source(path)
    problems = list(_unknown_variables())
    try:
        settings = Settings(**_overlaid(source.content, _environment()))
    except ValidationError as error:
        raise SettingsError((*problems, *sentences(error, source))) from None
    if problems:
        raise SettingsError(tuple(problems))
    return settings


def _source(path: Path | None) -> Source:
    named = path or os.environ.get(FILE_VARIABLE)
    if not named and not DEFAULT_FILE.exists():
        return Source(name=str(DEFAULT_FILE))
    try:
        return read(Path(named or DEFAULT_FILE))
    except UnreadableError as error:
        raise SettingsError((str(error),)) from None


class _Environment(EnvSettingsSource):
    def decode_complex_value(self, field_name: str, field: Any, value: Any) -> Any:  # noqa: ANN401 (as its base)
        """Leave what is no JSON to the models, which say what they expected."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


def _environment() -> dict[str, Any]:
    found = _Environment(Settings)()
    plain = os.environ.get(DATABASE_VARIABLE)
    return {"database_url": plain} | found if plain else found


def _unknown_variables() -> Iterator[str]:
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    for variable in os.environ:
        name = variable.upper().partition("__")[0]
        if name.startswith(PREFIX) and name not in {*known, FILE_VARIABLE}:
            yield f"{variable}: there is no such setting{did_you_mean(name, known)}"


def _overlaid(below: Any, above: Any) -> Any:  # noqa: ANN401 (parsed TOML and JSON, before it is checked)
    """Return the upper value; tables are merged, and items of a list are reached by their number."""
    match below, above:
        case dict(), dict():
            return {**below, **{k: _overlaid(below.get(k), value) for k, value in above.items()}}
        case None | list(), dict() if above and all(key.isdecimal() for key in above):
            items = list(below or ())
            for key in sorted(above, key=int):
                here = items[int(key) : int(key) + 1]
                # One past the end is the next item, however far its number is: no holes.
                items[int(key) : int(key) + 1] = [_overlaid(here[0] if here else {}, above[key])]
            return items
        case _:
            return above

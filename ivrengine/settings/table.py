"""What every table of the settings file is made of: a model that takes no unknown key, and sentences for wrong values."""

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError


class Table(BaseModel):
    """A table of the settings file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def expected(sentence: str, *at: str | int) -> PydanticCustomError:
    """Return the error whose sentence says what was expected, ``at`` a place within what was checked."""
    return PydanticCustomError("expected", "{sentence}", {"sentence": sentence, "at": at})

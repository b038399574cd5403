"""docs/operations.md tells of every metric, in the words of the code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from prometheus_client import Counter, Info

from ivrengine.telemetry import metrics

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "operations.md"
ENDINGS: Final = {Counter: "_total", Info: "_info"}


def rows() -> Iterator[str]:
    for name, (kind, about) in metrics.described().items():
        labels = ", ".join(f"`{label}`" for label in about.labels)
        yield f"| `{metrics.PREFIX}{name}{ENDINGS.get(kind, '')}` | {labels} | {about.text} |"


def test_every_metric_has_its_row_in_the_table_and_no_other_is_there() -> None:
    told = [
        line
        for line in DOCUMENT.read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| `{metrics.PREFIX}")
    ]
    assert told == list(rows()), "the table, as it should be:\n" + "\n".join(rows())

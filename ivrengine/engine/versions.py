"""The flow versions of calls that another engine began: those of the book, else compiled from the text in the journal."""

from collections.abc import Iterable

import structlog

from ivrengine.core.call import Call, FlowRef
from ivrengine.core.ids import BrandId, FlowHash
from ivrengine.core.rows import FlowRow
from ivrengine.flow.book import Book
from ivrengine.flow.load import compile_version
from ivrengine.flow.model import Flow

_log = structlog.get_logger("engine")


class Versions:
    """Flow versions by their hash; each is compiled at most once."""

    def __init__(self, texts: Iterable[FlowRow]) -> None:
        self._texts = {(row.brand, row.flow_hash): row for row in texts}
        self._compiled: dict[tuple[BrandId, FlowHash], Flow | None] = {}

    def of(self, call: Call, book: Book) -> Flow | None:
        """Return the version that a call began on; None if there is no way to it any more."""
        present = book.flows.get((call.brand, call.flow.name))
        if present is not None and present.ref == call.flow:
            return present
        key = call.brand, call.flow.hash
        if key not in self._compiled:
            self._compiled[key] = self._compile(call, book)
        return self._compiled[key]

    def _compile(self, call: Call, book: Book) -> Flow | None:
        row = self._texts.get((call.brand, call.flow.hash))
        flow = None if row is None else self._from_text(row, book)
        if flow is None:
            reason = "no text" if row is None else "does not compile any more"
            _log.error(
                "flow version not at hand",
                flow=call.flow.name,
                flow_hash=call.flow.hash[:12],
                reason=reason,
            )
        return flow

    def _from_text(self, row: FlowRow, book: Book) -> Flow | None:
        """Compile a version together with those of its sub-flows that it was loaded with; they are at most eight deep."""

        def called(name: str) -> Flow | None:
            version = dict(row.uses).get(name)
            found = None if version is None else self._texts.get((row.brand, version))
            return None if found is None else self._from_text(found, book)

        ref = FlowRef(name=row.name, hash=row.flow_hash)
        templates = book.templates.get(row.brand, {})
        schedules = book.schedules.get(row.brand, {})
        return compile_version(row.text, ref, called, templates, schedules)

"""Finds the files of a book's flows again, and the lines in them, for reports to people."""

from collections.abc import Iterator
from pathlib import Path

from ivrengine.flow.model import Flow
from ivrengine.flow.problems import Loc
from ivrengine.flow.source import folder_files, text
from ivrengine.flow.source.text import Document


class FlowFiles:
    """The flows of a folder by their text; a file is read again only if somebody asks for a line of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._documents: dict[str, Document | None] = {}

    def node(self, flow: Flow, name: str) -> str:
        """Return ``file:line`` of a node."""
        return self._at(flow, ("nodes", name))

    def exit(self, flow: Flow, node: str, exit_name: str) -> str:
        """Return ``file:line`` of what an exit leads to, or of its node where nothing is written of it."""
        loc = flow.nodes[node].exit_locs().get(exit_name, (exit_name,))
        return self._at(flow, ("nodes", node, *loc))

    def _at(self, flow: Flow, loc: Loc) -> str:
        document = self._document(flow)
        if document is None:  # the file was changed meanwhile
            return flow.ref.name
        return f"{document.file}:{document.key_place(loc).line}"

    def _document(self, flow: Flow) -> Document | None:
        if not self._documents:
            self._documents.update(self._read())
        return self._documents.get(flow.text)

    def _read(self) -> Iterator[tuple[str, Document]]:
        for path in sorted(self._folder.rglob("*")):
            if path.suffix in folder_files.SUFFIXES and path.is_file():
                document, _ = text.read_file(path, str(path))
                if document is not None:
                    yield document.text, document

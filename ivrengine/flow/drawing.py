"""A flow as a picture: the text of a Mermaid flowchart, in the order of the file."""

from collections.abc import Iterator, Mapping
from typing import Final

from ivrengine.flow.node import Node
from ivrengine.flow.nodes.asking import Asking
from ivrengine.flow.source.draft import Draft

_SPECIAL: Final = {'"': "#quot;", "#": "#35;", "<": "#lt;", ">": "#gt;", "&": "#amp;"}
"""Characters that mean something inside a quoted text of Mermaid, and how they are written there."""


def mermaid(draft: Draft) -> str:
    """Return the flowchart: what asks is a hexagon, what decides a diamond, a sub-flow a box with double sides.

    Ways of failure are dashed. Ids are numbers in the order of the file, for names may be words of Mermaid.
    """
    ids = {name: f"n{number}" for number, name in enumerate(draft.nodes)}
    lines = ["flowchart TD"]
    if draft.start in ids:
        lines += [f'  begin(("{_text(draft.flow or "")}")) --> {ids[draft.start]}']
    for number, (key, to) in enumerate(draft.handlers.items()):
        if to in ids:
            lines.append(f'  e{number}(("{key}")) -.-> {ids[to]}')
    lines += [f"  {ids[name]}{_shape(name, node)}" for name, node in draft.nodes.items()]
    for name, node in draft.nodes.items():
        lines += [f"  {ids[name]} {edge}" for edge in _edges(node, ids)]
    return "\n".join(lines) + "\n"


def _shape(name: str, node: Node) -> str:
    label = f'"{_text(name)}<br/>{_what(node)}"'
    if node.subflow() is not None:
        return f"[[{label}]]"
    if isinstance(node, Asking):
        return f"{{{{{label}}}}}"
    if not any(node.exits().values()):
        return f"([{label}])"
    if any(node.phones()):
        return f"[/{label}\\]"
    return f"{{{label}}}" if node.decides else f"[{label}]"


def _what(node: Node) -> str:
    subflow = node.subflow()
    return node.type if subflow is None else f"{node.type} {_text(subflow)}"


def _edges(node: Node, ids: Mapping[str, str]) -> Iterator[str]:
    """Yield one edge to each node that the exits lead to, with their names."""
    labels: dict[tuple[str, bool], list[str]] = {}
    for exit_name, to in node.exits().items():
        if to is not None and to in ids:
            labels.setdefault((ids[to], exit_name == "error"), []).append(exit_name)
    for (to, is_error), names in labels.items():
        label = _text(", ".join(names))
        arrow = "-.->" if is_error else "-->"
        yield f"{arrow} {to}" if names == ["next"] else f'{arrow}|"{label}"| {to}'


def _text(words: str) -> str:
    return "".join(_SPECIAL.get(character, character) for character in words)

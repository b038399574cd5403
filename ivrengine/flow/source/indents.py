"""Keys that stand in another column than they were meant to: what is said of them, and what is not said because of them."""

from collections.abc import Collection, Iterator
from typing import Final

from ivrengine.flow.problems import Data, Loc
from ivrengine.flow.source.text import value_at

_NOT_A_MAPPING: Final = frozenset({"dict_type", "model_type", "model_attributes_type"})
"""What pydantic calls a text where a mapping belongs."""
_NODE_DEPTH: Final = 2


def is_node_inside_a_node(data: Data, loc: Loc) -> bool:
    """Tell whether what stands there looks like a node, but stands among the keys of another."""
    if len(loc) != _NODE_DEPTH + 1 or loc[0] != "nodes":
        return False
    value = value_at(data, loc)
    return isinstance(value, dict) and "type" in value


def nodes_inside_nodes(data: Data) -> Iterator[str]:
    """Yield the names of the nodes that stand among the keys of others."""
    nodes = value_at(data, ("nodes",))
    for name, node in nodes.items() if isinstance(nodes, dict) else ():
        for key in node if isinstance(node, dict) else ():
            if is_node_inside_a_node(data, ("nodes", name, key)):
                yield key


def is_told_otherwise(
    data: Data, loc: Loc, kind: str, missing: Collection[Loc], wrong: Collection[Loc]
) -> bool:
    """Tell whether this problem of a kind of pydantic's follows from a key in a wrong column, of which is told elsewhere.

    ``wrong`` is where there are problems of other kinds than missing keys: what stands right is no reason for silence.
    """
    if kind == "missing":
        deeper = any(
            each[:-2] == loc[:-1] and each[-1] == loc[-1] for each in wrong if len(each) > 1
        )
        return deeper or _stands_higher(data, loc)
    return (
        kind in _NOT_A_MAPPING
        and _node_above(data, loc, missing) is None
        and _empty_above(data, loc)
    )


def advice(data: Data, loc: Loc, kind: str, missing: Collection[Loc]) -> str:
    """Return where the key would stand right, if it seems that it stands wrong."""
    if kind == "extra_forbidden" and is_node_inside_a_node(data, loc):
        return "; it looks like a node that is indented too far"
    if loc and (*loc[:-2], loc[-1]) in missing and len(loc) > _NODE_DEPTH:
        return "; it stands too far right"
    if kind in _NOT_A_MAPPING and (above := _node_above(data, loc, missing)) is not None:
        return f"; a key of the node `{above}` is indented further than that name"
    return ""


def _stands_higher(data: Data, loc: Loc) -> bool:
    """Tell whether a key that a node lacks stands behind it in the column of the nodes' names."""
    if len(loc) != _NODE_DEPTH + 1:
        return False
    where = (*loc[:-2], loc[-1])
    return isinstance(value_at(data, where), str) and _node_above(data, where, {loc}) is not None


def _node_above(data: Data, loc: Loc, missing: Collection[Loc]) -> str | None:
    """Return the node above that lacks a key which stands in the column of the nodes' names."""
    if len(loc) != _NODE_DEPTH or loc[0] != "nodes":
        return None
    above = _above(data, loc)
    return next((name for name in reversed(above) if (*loc[:-1], name, loc[-1]) in missing), None)


def _empty_above(data: Data, loc: Loc) -> bool:
    """Tell whether this is a text behind a key that has no value: it is one of its keys, and not indented."""
    around = value_at(data, loc[:-1])
    return (
        isinstance(value_at(data, loc), str)
        and isinstance(around, dict)
        and any(around[key] is None for key in _above(data, loc))
    )


def _above(data: Data, loc: Loc) -> list[str]:
    around = value_at(data, loc[:-1])
    keys = list(around) if isinstance(around, dict) else []
    return keys[: keys.index(str(loc[-1]))] if loc[-1] in keys else []

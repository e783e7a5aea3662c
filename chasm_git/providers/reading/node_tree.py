"""Conversations that come as a tree of nodes, whatever is wrong with it: orphans, circles, links that lead nowhere."""

from __future__ import annotations

from typing import Any

from chasm_git.providers.reading.values import as_dict, as_list


def parents(mapping: dict[str, Any]) -> dict[str, str | None]:
    """The node above each one; None for those at the top. A link is believed from either side."""
    above: dict[str, str | None] = dict.fromkeys(mapping)
    for key, node in mapping.items():
        for child in as_list(as_dict(node).get("children")):
            if type(child) is str and child in above and above[child] is None and child != key:
                above[child] = key
    for key, node in mapping.items():
        parent = as_dict(node).get("parent")
        if type(parent) is str and parent in mapping and parent != key:
            above[key] = parent
    return above


def depth_first(mapping: dict[str, Any], above: dict[str, str | None]) -> list[str]:
    """All nodes, each below the one it follows, siblings in the order their parent names them."""
    below: dict[str | None, list[str]] = {}
    for key, parent in above.items():
        below.setdefault(parent, []).append(key)
    order: list[str] = []
    seen: set[str] = set()
    for start in [*below.get(None, ()), *mapping]:  # what hangs on a circle is reached from its first node
        stack = [start]
        while stack:
            key = stack.pop()
            if key in seen:
                continue
            seen.add(key)
            order.append(key)
            children = below.get(key)
            if children:
                if len(children) > 1:
                    named = [child for child in as_list(as_dict(mapping[key]).get("children")) if type(child) is str]
                    rank = {child: number for number, child in enumerate(named)}
                    children = sorted(children, key=lambda child: rank.get(child, len(rank)))
                stack.extend(reversed(children))
    return order


def last_leaf(mapping: dict[str, Any], above: dict[str, str | None], order: list[str]) -> str | None:
    """Where a conversation stands that does not say so: the last child, again and again, from the last first node."""
    last: dict[str | None, str] = {}
    for key in order:
        last[above[key]] = key
    leaf = last.get(None, order[0] if order else None)
    seen: set[str] = set()
    while leaf is not None and leaf in last and leaf not in seen:
        seen.add(leaf)
        leaf = last[leaf]
    return leaf


def given_back(records: list[Any]) -> dict[str, Any]:
    """The mapping that nodes came from: see `record_of`."""
    mapping: dict[str, Any] = {}
    for record in records:
        if type(record) is list and len(record) == 2 and type(record[0]) is str:
            mapping[record[0]] = record[1]
        elif type(record) is dict:
            mapping[record["id"]] = record
    return mapping


def record_of(key: str, node: Any) -> Any:
    """A node as a record: itself where it says its key, else with its key."""
    return node if type(node) is dict and node.get("id") == key else [key, node]

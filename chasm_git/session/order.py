"""Message order, a function of the set of messages: nobody ever merges list positions.

Each message has an anchor: the id above it when it was first harvested. The order is depth-first over the anchors,
siblings by (timestamp, id). Two machines that continue one session so give two runs, one after the other, never
interleaved. A message whose anchor is missing is a root; of a cycle the smallest member is one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from chasm_git.session.model import Message

Node = TypeVar("Node")


def ordered(messages: Sequence[Message]) -> Sequence[Message]:
    """The messages in their derived order (the very list where it is in order already). Ids must be unique."""
    above: str | None = None
    for message in messages:
        if message.after != above:
            break
        above = message.id
    else:
        return messages
    by_id = {message.id: message for message in messages}
    ids = arrange(
        {message.id: message.after for message in messages},
        lambda identity: (by_id[identity].timestamp or "", identity),
    )
    return [by_id[identity] for identity in ids]


def arrange(anchors: dict[Node, Node | None], sort_key: Callable[[Node], Any]) -> list[Node]:
    """Depth-first order of a forest given by each node's anchor.

    Args:
        anchors: the anchor of every node; one that is not a node itself makes its owner a root.
        sort_key: orders siblings; asked only for nodes that have any.
    """
    below: dict[Node | None, list[Node]] = {}
    for node, anchor in anchors.items():
        below.setdefault(anchor if anchor in anchors else None, []).append(node)
    order: list[Node] = []
    _descend(below.pop(None, []), below, sort_key, order)
    while below:  # whatever is left hangs on a cycle
        start = min((node for siblings in below.values() for node in siblings), key=sort_key)
        siblings = below[anchors[start]]
        siblings.remove(start)
        if not siblings:
            del below[anchors[start]]
        _descend([start], below, sort_key, order)
    return order


def _descend(
    roots: list[Node], below: dict[Node | None, list[Node]], sort_key: Callable[[Node], Any], order: list[Node]
) -> None:
    stack = sorted(roots, key=sort_key, reverse=True) if len(roots) > 1 else roots
    while stack:
        node = stack.pop()
        order.append(node)
        children = below.pop(node, None)
        if children is not None:
            if len(children) > 1:
                children.sort(key=sort_key, reverse=True)
            stack.extend(children)

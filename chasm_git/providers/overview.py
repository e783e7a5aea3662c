"""All there is to say of the providers: which are read, which are written to, what of each is on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from chasm_git.providers import registry
from chasm_git.providers.base import Env, Problem
from chasm_git.providers.writing.contract import WRITERS

Kind = Literal["store", "export", "none"]


@dataclass(frozen=True, slots=True)
class ProviderState:
    """A provider, and what there is of it on this machine; none of its files was opened."""

    name: str
    title: str
    kind: Kind
    """``store``: a harvest reads its files; ``export``: people hand in what the service mails them; ``none``: it keeps
    nothing that could be read."""
    sources: int
    problems: tuple[str, ...] = ()
    writable: bool = False
    """Whether sessions can be put into it."""
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        return {
            "name": self.name,
            "title": self.title,
            "kind": self.kind,
            "found": self.sources,
            "readable": self.kind != "none",
            "writable": self.writable,
            "note": self.note,
            "problems": list(self.problems),
        }


def overview(env: Env | None) -> Iterator[ProviderState]:
    """Every provider in the order of the registry: those with a store, those with exports, those that keep nothing.

    Args:
        env: where to look for their sources; None = nowhere.
    """
    for name in registry.names():
        try:
            provider = registry.load(name)
        except (ImportError, AttributeError) as error:  # one from elsewhere that does not fit
            yield ProviderState(name, name, "store", 0, (f"cannot be loaded: {error}",))
            continue
        found = list(provider.discover(env)) if env is not None else []
        problems = tuple(str(one) for one in found if isinstance(one, Problem))
        count = len(found) - len(problems)
        yield ProviderState(name, provider.title, "store", count, problems, name in WRITERS, provider.note)
    for name in registry.EXPORTS:
        reader = registry.load(name)
        yield ProviderState(name, reader.title, "export", 0, (), name in WRITERS, reader.note)
    for name, (title, note) in registry.NOT_STORED.items():
        yield ProviderState(name, title, "none", 0, (), False, note)

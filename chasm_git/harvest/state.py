"""What this machine read last time, so that nothing is read twice. A cache: without it everything is read again.

One file a provider in ``$GIT_DIR/chasm/harvest``, deflated JSON. It counts only while the provider's ref still is what
it was when the file was written, and while the same version of the readers wrote it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path

from chasm_git import __version__
from chasm_git.session import jsonio

_FORMAT = f"1 {__version__}"


@dataclass(slots=True)
class Known:
    """A source as it was when it was read."""

    stamp: str
    sessions: list[list[str]] = field(default_factory=list)
    """[path in the archive, blob id there after the harvest, first conversation id, last one] each."""
    problem: str | None = None
    """Why it could not be read, if so: it is reported again and not read again until it changes."""


@dataclass(slots=True)
class State:
    """All sources of one provider on this machine."""

    ref: str | None = None
    """Commit of the provider's ref when this was written."""
    head: str | None = None
    """The archive's head when this was written."""
    sources: dict[str, Known] = field(default_factory=dict)


def load_state(folder: Path, provider: str, ref: str | None) -> State:
    """The state of a provider whose ref is at `ref`; an empty one where there is none that counts."""
    try:
        raw = jsonio.loads(zlib.decompress((folder / provider).read_bytes()))
        if raw["format"] != _FORMAT or raw["ref"] != ref:
            return State()
        sources = {key: Known(*known) for key, known in raw["sources"].items()}
        return State(raw["ref"], raw["head"], sources)
    except (OSError, zlib.error, ValueError, KeyError, TypeError, AttributeError):
        return State()  # missing or damaged: what it would save us is read again


def save_state(folder: Path, provider: str, state: State) -> None:
    """Replace the state of a provider."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = {key: [known.stamp, known.sessions, known.problem] for key, known in state.sources.items()}
    data = jsonio.dumps({"format": _FORMAT, "ref": state.ref, "head": state.head, "sources": sources})
    unfinished = folder / f"{provider}.new"
    unfinished.write_bytes(zlib.compress(data))
    unfinished.replace(folder / provider)

"""A session file in the other form that its own client reads."""

from __future__ import annotations

from pathlib import Path

from chasm_git.harvest import natives
from chasm_git.providers import registry
from chasm_git.providers.base import Source
from chasm_git.providers.formats import vscode_places as places
from chasm_git.session import jsonio

_VSCODE = "vscode"


def other_form(path: Path, form: str) -> bytes | None:
    """VS Code's object (``json``) as a log (``jsonl``), or the log as an object; None for any other file or form.

    Raises OSError.
    """
    if form not in ("json", "jsonl") or path.name == places.DATABASE or natives.provider_of(path) != _VSCODE:
        return None
    provider = registry.load(_VSCODE)
    reading = provider.read(Source(_VSCODE, str(path), path, ""))
    if len(reading.sessions) != 1:
        return None
    ((data),) = provider.export(reading.sessions[0], reading.attachments.__getitem__).values()
    return data if form == "json" else jsonio.dumps({"kind": 0, "v": jsonio.loads(data)}) + b"\n"

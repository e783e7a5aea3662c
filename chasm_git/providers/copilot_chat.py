"""GitHub Copilot Chat's own record of a chat in VS Code, where the editor's is not there.

::

    <user>/workspaceStorage/<id>/chatSessions/<session>.jsonl                   the editor's own, see `vscode`
    <user>/workspaceStorage/<id>/GitHub.copilot-chat/
        transcripts/<session>.jsonl                                             the chat as events
        chat-session-resources/<session>/<call>__vscode-<n>/content.txt         results too long for the model

The extension writes a transcript for its hooks, or when it sums a chat up, and keeps the latest twenty. It tells the
session of the editor's file again, under the same id: prompts, thoughts, calls and answers that file has as well. So it
is read where there is no such file beside it: the chat was deleted, or the editor runs on another machine and only its
extensions run here. (Long results of a chat that has the editor's file are read with that, see `vscode_results`.) A
session that the archive has from `vscode` is not taken from here (`Provider.tells_again`), which goes for one that was
forgotten, too. The two are one chat: ``vscode/<id>`` and ``copilot-chat/<id>``.

Not read: ``debug-logs`` (the same, cut short), ``agent-traces.db`` (how long single requests took; gone after a week)
and the agent host's ``session.db`` (its bookkeeping: the sessions themselves are those of `copilot_cli`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats import vscode_results
from chasm_git.providers.formats.copilot_events import Events
from chasm_git.providers.formats.vscode_places import user_folders
from chasm_git.providers.formats.vscode_results import STORAGE
from chasm_git.providers.reading import folders, jsonl
from chasm_git.providers.reading.values import as_list
from chasm_git.providers.vscode import workspace_of
from chasm_git.session.attachments import Load
from chasm_git.session.model import Session

TRANSCRIPTS = "transcripts"


class CopilotChat(Provider):
    """Chats of which the extension kept more than the editor did."""

    name = "copilot-chat"
    title = "GitHub Copilot Chat"
    note = (
        "the VS Code extension's transcripts of chats that are no longer in the editor's files, or on another machine"
    )
    tells_again = ("vscode",)

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """The transcripts that stand alone, by editor, workspace and id. See `Provider.discover`."""
        faults: list[Problem] = []
        for user in user_folders(env):
            if isinstance(user, Problem):
                yield user
                continue
            for workspace in folders.folders(user / "workspaceStorage", faults):
                yield from self._transcripts(Path(workspace.path), env.home, faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """One chat, or none where nobody said anything in it. See `Provider.read`."""
        path = source.path
        events = _Chat(path, Session(path.stem, self.name), as_list(source.extra))
        reading = events.reading()
        if not events.is_of_editor and path.parent.name != TRANSCRIPTS:
            return Reading()  # handed in: a session of `copilot_cli`
        faults = Reading()
        workspace = workspace_of(path.parent.parent.parent, faults) if path.parent.name == TRANSCRIPTS else None
        reading.problems += faults.problems
        for session in reading.sessions:
            session.workspace = workspace or session.workspace
        return reading

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The transcript, and the results beside it, as they lie in the extension's folder. See `Provider.export`."""
        name = session.id if vscode_results.is_plain(session.id) else "session"
        return {f"{TRANSCRIPTS}/{name}.jsonl": jsonl.export(session, load)} | vscode_results.files_of(
            session.messages, load
        )

    def _transcripts(self, workspace: Path, home: Path, faults: list[Problem]) -> Iterator[Source]:
        storage = workspace / STORAGE
        found = [entry for entry in folders.listed(storage / TRANSCRIPTS, faults) if entry.name.endswith(".jsonl")]
        if not found:
            return
        told = editor_sessions(workspace / "chatSessions", faults)
        about = [entry for entry in folders.listed(workspace, faults) if entry.name == "workspace.json"]
        for entry in found:
            stem = entry.name.removesuffix(".jsonl")
            if stem in told or not folders.is_file(entry):
                continue
            beside = dict(vscode_results.files_below(storage, f"{vscode_results.RESULTS}/{stem}", faults))
            place = Path(entry.path).with_suffix("")
            key = (place.relative_to(home) if place.is_relative_to(home) else place).as_posix()
            yield from folders.source(self.name, key, entry, faults, [*about, *beside.values()], [*beside])


def editor_sessions(folder: Path, faults: list[Problem]) -> frozenset[str]:
    """Ids of the sessions the editor has files of in a folder."""
    named = (entry.name.rpartition(".") for entry in folders.listed(folder, faults))
    return frozenset(stem for stem, _, suffix in named if suffix in ("json", "jsonl"))


class _Chat(Events):
    """The events of one transcript, then the results beside it."""

    def __init__(self, path: Path, session: Session, beside: list[Any]) -> None:
        super().__init__(path, session)
        self._beside = beside

    def finish(self) -> None:
        """Add the results that were written to files of their own; what cannot be read is a problem."""
        super().finish()
        for name, data in vscode_results.read(self.path.parent.parent, self._beside, self.problems):
            made = vscode_results.result_of(name, data, self._calls)
            self.keep(made.pop("record"), made.pop("line", None), **made)

"""Cline: the tasks of its VS Code extension and of its first terminal agent; and the sessions of what came after.

::

    <user>/globalStorage/saoudrizwan.claude-dev/tasks/<task>/     a task, see `cline_task`
    <user>/globalStorage/saoudrizwan.claude-dev/state/taskHistory.json
    ~/.cline/data/tasks/<task>/                                   the same of the terminal agent before 3.0
    ~/.cline/data/sessions/<session>/<session>.messages.json      a session, see `cline_cli`

Roo Code and Kilo Code began as copies of Cline; `Tasks` is what they share.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source, stamp
from chasm_git.providers.cline_cli import ClineCLI
from chasm_git.providers.formats.cline_task import SENT, SHOWN, Task, export, is_part
from chasm_git.providers.formats.vscode_places import user_folders
from chasm_git.providers.reading import folders
from chasm_git.providers.reading.values import as_dict, as_list
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.model import Session

_HISTORY = "state/taskHistory.json"


class Tasks(Provider):
    """What Cline and the extensions made from it have in common. Subclass it with the names below."""

    extensions: ClassVar[tuple[str, ...]]
    """The extension's folders in the editors' global storage."""
    homes: ClassVar[tuple[str, ...]] = ()
    """Folders below home in which the terminal agent keeps tasks in the same way."""

    def __init__(self) -> None:
        self._listed: tuple[str, dict[str, dict[str, Any]]] = ("", {})
        """What a list of tasks says of each one by id, and the stamp of the file that says so."""

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All tasks, by editor and id. See `Provider.discover`."""
        faults: list[Problem] = []
        for storage in self.storages(env):
            if isinstance(storage, Problem):
                yield storage
            else:
                yield from self._tasks(storage, env.home, faults)
        yield from faults

    def storages(self, env: Env) -> Iterator[Path | Problem]:
        """The folders that may hold ``tasks``: the extension's in every editor, then the terminal agent's."""
        for user in user_folders(env):
            if isinstance(user, Problem):
                yield user
            else:
                yield from (user / "globalStorage" / extension for extension in self.extensions)
        yield from (env.home / home for home in self.homes)

    def read(self, source: Source) -> Reading:
        """One task, or none where nobody said anything in it. See `Provider.read`."""
        path = source.path
        reading = Reading()
        listed = self._history(path.parents[2] / _HISTORY, reading.problems)
        names = [name for name in as_list(source.extra) if type(name) is str]
        found = Task(path, names, Session(path.parent.name, self.name), listed.get(path.parent.name, {})).reading()
        found.problems += reading.problems
        return found

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Provider.sniff`. The files of all extensions are the same: a folder above one says whose it is."""
        *above, last = name.split("/")
        if last not in (*SENT, SHOWN):
            return 0.0
        return 0.95 if any(extension in above for extension in self.extensions) else 0.9

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The task's files. See `Provider.export`."""
        return export(session, load)

    def _tasks(self, storage: Path, home: Path, faults: list[Problem]) -> Iterator[Source]:
        for folder in folders.folders(storage / "tasks", faults):
            found = {entry.name: entry for entry in folders.listed(folder.path, faults) if _counts(entry)}
            first = next((name for name in (*SENT, SHOWN) if name in found), None)
            if first is not None:
                entry = found.pop(first)
                place = Path(folder.path)
                key = (place.relative_to(home) if place.is_relative_to(home) else place).as_posix()
                yield from folders.source(self.name, key, entry, faults, [*found.values()], [*found])

    def _history(self, path: Path, problems: list[Problem]) -> dict[str, dict[str, Any]]:
        """What the list of tasks says; read when it has changed."""
        try:
            marks = f"{path} {stamp(path.stat())}"
            if marks != self._listed[0]:
                items = [as_dict(item) for item in as_list(jsonio.loads(path.read_bytes()))]
                self._listed = marks, {item["id"]: item for item in items if type(item.get("id")) is str}
        except (FileNotFoundError, NotADirectoryError):
            self._listed = "", {}
        except (OSError, ValueError) as error:
            problems.append(Problem(str(path), f"cannot be read: {error}", fatal=False))
            self._listed = "", {}
        return self._listed[1]


def _counts(entry: os.DirEntry[str]) -> bool:
    return is_part(entry.name) and folders.is_file(entry)


class Cline(Tasks):
    """Tasks of the VS Code extension in every editor, and sessions of the terminal agent."""

    name = "cline"
    title = "Cline"
    note = "tasks of the VS Code extension in every editor of the family; tasks and sessions in ~/.cline (CLINE_DIR)"
    extensions = ("saoudrizwan.claude-dev", "saoudrizwan.cline-nightly")

    def __init__(self) -> None:
        super().__init__()
        self._sessions = ClineCLI()

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All tasks, then all sessions, an agent's after its session's. See `Provider.discover`."""
        yield from super().discover(env)
        yield from self._sessions.discover(env)

    def storages(self, env: Env) -> Iterator[Path | Problem]:
        """As in `Tasks`."""
        yield from super().storages(env)
        named = env.variables.get("CLINE_DATA_DIR")
        yield Path(named) if named else env.folder("CLINE_DIR", ".cline") / "data"

    def read(self, source: Source) -> Reading:
        """One task or session, or none where nobody said anything in it. See `Provider.read`."""
        is_task = source.path.name in (*SENT, SHOWN)
        return super().read(source) if is_task else self._sessions.read(source)

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Provider.sniff`."""
        return max(super().sniff(sample, name), self._sessions.sniff(sample, name))

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The task's files, or the session's. See `Provider.export`."""
        is_task = "lists" in as_dict(session.native)
        return super().export(session, load) if is_task else self._sessions.export(session, load)

"""Into Cline, Roo Code and Kilo Code: a task's folder, and its place in the list of tasks; Cline's own sessions, too.

The extensions go on with what the model was sent (``api_conversation_history.json``) and show ``ui_messages.json``. A
converted task has both: in the second, prompts and answers as they would be shown. Which list a task comes into says
`_task_lists`. An extension holds the list in memory: while its editor runs, nothing is written.
"""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import ClassVar

from chasm_git.providers import registry
from chasm_git.providers.base import Env, Problem
from chasm_git.providers.cline import Tasks
from chasm_git.providers.formats.cline_task import SENT, SHOWN
from chasm_git.providers.reading.values import as_dict
from chasm_git.providers.writers._task_lists import ABOUT, Storage, add_to_lists
from chasm_git.providers.writers._task_new import NewTask, milliseconds
from chasm_git.providers.writers.vscode_running import running
from chasm_git.providers.writing.applying import StoreWriter, content
from chasm_git.providers.writing.contract import (
    ORIGIN,
    FileChange,
    Target,
    WritePlan,
    WriteRefused,
    Written,
    derived_id,
    origin,
)
from chasm_git.providers.writing.converting import CALL, IMAGE, TEXT, begin
from chasm_git.providers.writing.restoring import add_files, add_new_file, is_own, key_of, new_plan, safe_name
from chasm_git.session import jsonio
from chasm_git.session.model import Json, Session
from chasm_git.session.readable import display_title

_METADATA = "task_metadata.json"
_GLOBAL = "globalStorage"


class TaskWriter(StoreWriter):
    """Puts tasks into the storage of an extension, in the editor that has it. Subclass it with the names below."""

    is_in_task: ClassVar[bool]
    """Whether a task says of itself what the list says: see `_task_lists`."""
    agents: ClassVar[tuple[str, ...]] = ()
    """Names of the terminal agents that keep tasks in the same way."""

    def plan(self, session: Session, env: Env, target: Target) -> WritePlan:
        """See `Writer.plan`."""
        plan = new_plan(self.provider, session, env, target, env.home, key=self.key(session, target))
        ones = (session,) if plan.is_converted else (session, *target.agents)
        odd = next((one.id for one in ones[1:] if safe_name(one.id) is None), None)
        if odd is not None or safe_name(plan.session_id) is None:
            plan.refused = f"{odd or plan.session_id!r} cannot be the name of a folder"
            return plan
        storage = self._storage(env, plan)
        if storage is None:
            plan.refused = f"no editor here has {registry.load(self.provider).title}'s extension: start it once"
        elif (moved := _moved(storage)) is not None:
            plan.refused = (
                f"{storage.path.name} keeps its tasks in {moved} (customStoragePath): nothing is written there"
            )
        else:
            plan.root = storage.user / _GLOBAL if storage.user is not None else storage.path
            if plan.is_converted:
                self._convert(plan, session, target, storage)
            else:
                self._restore(plan, ones, target, storage)
            if plan.changes:
                plan.running = _programs(storage.user) if storage.user is not None else self.agents
        return plan

    def write(self, plan: WritePlan, *, backup: Path, force: bool = False) -> Written:
        """See `Writer.write`. Refused while the editor runs on the profile, by whatever name it goes."""
        user = plan.root.parent if plan.root.name == _GLOBAL else None
        said = running(user, plan.env) if user is not None and plan.changes and plan.refused is None else None
        if said is not None and not force:
            raise WriteRefused(f"the editor would write over its list of tasks: {said}; quit it and try again")
        return super().write(plan, backup=backup, force=force)

    def continue_command(self, session: Session, target: Target) -> str | None:
        """None: a task goes on in the editor, from the extension's history."""
        return None

    def key(self, session: Session, target: Target) -> str:
        """The id of a task."""
        return key_of(self.provider, session, target)

    def _storage(self, env: Env, plan: WritePlan) -> Storage | None:
        """The storage that has the task, else the first there is; a converted one goes into an editor."""
        reader = registry.load(self.provider)
        assert isinstance(reader, Tasks)
        found = []
        for path in reader.storages(env):
            if not isinstance(path, Problem) and path.is_dir():
                user = path.parent.parent if path.parent.name == _GLOBAL and path.name in reader.extensions else None
                if user is not None or not plan.is_converted:
                    found.append(Storage(path, user))
        have = (one for one in found if (one.path / "tasks" / plan.session_id).is_dir())
        return next(have, found[0] if found else None)

    def _restore(self, plan: WritePlan, ones: tuple[Session, ...], target: Target, storage: Storage) -> None:
        entries = []
        for one in ones:
            folder = storage.path / "tasks" / one.id
            files = registry.load(self.provider).export(one, target.load)
            add_files(plan, one, target.load, {folder / name: data for name, data in files.items()})
            said = as_dict(jsonio.loads(files[ABOUT])) if _is_json(files.get(ABOUT)) else {}
            is_its_own = said.get("id") == one.id
            entries.append(said if is_its_own else self._entry(one, one.id, target.folder or one.workspace))
        add_to_lists(plan, storage, entries, is_in_task=self.is_in_task)

    def _convert(self, plan: WritePlan, session: Session, target: Target, storage: Storage) -> None:
        taken = begin(plan, session, target, TEXT, CALL, IMAGE, without=("names of models",))
        if taken is None:
            return
        said, facts = taken
        sent, shown = NewTask(said, session).lists()
        mark = {ORIGIN: origin(session, target.revision), "files_in_context": [], "model_usage": []}
        entry = self._entry(session, plan.session_id, plan.folder)
        beside = {SHOWN: _list(shown), _METADATA: jsonio.dumps(mark)}
        if self.is_in_task:
            beside[ABOUT] = jsonio.dumps(entry)
        folder = storage.path / "tasks" / plan.session_id
        add_new_file(plan, folder / SENT[0], _list(sent), facts)
        if plan.changes:
            sides = [
                FileChange(folder / name, data, content(folder / name)[1], "side file") for name, data in beside.items()
            ]
            plan.changes[:0] = sides
        add_to_lists(plan, storage, [entry], is_in_task=self.is_in_task)

    def _entry(self, session: Session, key: str, folder: str | None) -> dict[str, Json]:
        """What a list says of a task."""
        last = max((m.timestamp for m in session.messages if m.timestamp is not None), default=session.created_at)
        made: dict[str, Json] = {"id": key, "ts": milliseconds(last), "task": display_title(session) or key}
        made |= {"tokensIn": _tokens(session, "input_tokens"), "tokensOut": _tokens(session, "output_tokens")}
        if self.is_in_task:
            made["number"] = 1
        where = "workspace" if self.is_in_task else "cwdOnTaskInitialization"
        return {**made, "totalCost": 0, **({where: folder} if folder else {})}


class RooCodeWriter(TaskWriter):
    """Puts tasks into Roo Code's storage."""

    provider = "roo-code"
    is_in_task = True


class KiloCodeWriter(TaskWriter):
    """Puts tasks into Kilo Code's storage; where there is none, tasks of its own into the terminal agent's."""

    provider = "kilo-code"
    is_in_task = True
    agents = ("kilocode", "kilo")


class ClineWriter(TaskWriter):
    """Puts tasks into Cline's storage, and sessions of its terminal agent into ``~/.cline``."""

    provider = "cline"
    is_in_task = False
    agents = ("cline",)

    def plan(self, session: Session, env: Env, target: Target) -> WritePlan:
        """See `Writer.plan`."""
        if not is_own(session, self.provider, target) or "lists" in as_dict(session.native):
            return super().plan(session, env, target)
        plan = new_plan(self.provider, session, env, target, env.home)
        if safe_name(plan.session_id) is None:
            plan.refused = f"{plan.session_id!r} cannot be the name of a folder"
        else:
            self._restore_session(plan, session, target)
        return plan

    def key(self, session: Session, target: Target) -> str:
        """A task's id is the millisecond it was begun in; of one that is made of another session, one near that."""
        if is_own(session, self.provider, target):
            return session.id
        derived = derived_id(self.provider, session, target.revision)
        return str(milliseconds(session.created_at) + int(uuid.UUID(derived)) % 1_000_000)

    def _restore_session(self, plan: WritePlan, session: Session, target: Target) -> None:
        """A session of the terminal agent: its folder is that of the session it belongs to."""
        data = plan.env.variables.get("CLINE_DATA_DIR")
        home = Path(data) if data else plan.env.folder("CLINE_DIR", ".cline") / "data"
        named = plan.env.variables.get("CLINE_SESSION_DATA_DIR")
        plan.root = Path(named) if named else home / "sessions"
        for one in (session, *target.agents):
            owner = one.parent or one.id
            files = registry.load(self.provider).export(one, target.load)
            if safe_name(owner) is None or any(safe_name(name) is None for name in files):
                plan.refused = f"{owner!r} cannot be the name of a folder"
                return
            add_files(plan, one, target.load, {plan.root / owner / name: data for name, data in files.items()})


def _moved(storage: Storage) -> str | None:
    """The folder a person chose for an extension's tasks, as the editor's settings say it (JSON with comments)."""
    if storage.user is None:
        return None
    data, _ = content(storage.user / "settings.json")
    name = re.escape(storage.path.name.partition(".")[2].encode())
    found = re.search(rb'"' + name + rb'\.customStoragePath"\s*:\s*"((?:[^"\\]|\\.)+)"', data or b"")
    return found[1].decode("utf-8", "replace") if found is not None else None


def _programs(user: Path) -> tuple[str, ...]:
    """How the processes of the editor with this ``User`` folder are called."""
    name = user.parent.name.lower()
    if name == "data":  # the part of it that runs on a remote machine
        return ("server-main",)
    names = [name, name.replace(" - ", "-"), *(["codium"] if name.startswith("vscodium") else [])]
    return tuple(dict.fromkeys(names))


def _tokens(session: Session, kind: str) -> int:
    counts = (as_dict(message.usage).get(kind) for message in session.messages)
    return sum(count for count in counts if type(count) is int)


def _is_json(data: bytes | None) -> bool:
    try:
        return data is not None and jsonio.loads(data) is not None
    except ValueError:
        return False


def _list(rows: list[dict[str, Json]]) -> bytes:
    return b"[" + b",".join(map(jsonio.dumps, rows)) + b"]"

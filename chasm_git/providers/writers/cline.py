"""Into Cline: a task's folder, and its entry in the list of tasks; sessions of its terminal agent as files.

Cline goes on with what the model was sent (``api_conversation_history.json``) and shows ``ui_messages.json``. A
converted task has both: in the second, prompts and answers as they would be shown.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from chasm_git.providers import registry
from chasm_git.providers.base import Env, Problem
from chasm_git.providers.cline import Cline
from chasm_git.providers.formats.cline_task import SENT, SHOWN
from chasm_git.providers.formats.vscode_places import user_folders
from chasm_git.providers.reading.values import as_dict
from chasm_git.providers.writing.applying import StoreWriter, content
from chasm_git.providers.writing.contract import INDEX, ORIGIN, FileChange, Target, WritePlan, derived_id, origin
from chasm_git.providers.writing.converting import CALL, IMAGE, TEXT, Call, Conversation, Turn, conversation
from chasm_git.providers.writing.restoring import add_files, add_new_file, is_own, safe_name
from chasm_git.session import jsonio
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.readable import display_title

_METADATA = "task_metadata.json"
_HISTORY = "state/taskHistory.json"
_EDITORS = ("code", "code-insiders", "codium", "cursor", "windsurf", "Code", "Cursor", "Windsurf")


class ClineWriter(StoreWriter):
    """Puts tasks into the VS Code extension's storage, and sessions into ``~/.cline``."""

    provider = "cline"
    extensions: ClassVar[tuple[str, ...]] = Cline.extensions

    def plan(self, session: Session, env: Env, target: Target) -> WritePlan:
        """See `Writer.plan`."""
        own = is_own(session, self.provider, target)
        plan = WritePlan(
            self.provider, _key(session, target, own), env, env.home, folder=target.folder or session.workspace
        )
        if safe_name(plan.session_id) is None:
            plan.refused = f"{plan.session_id!r} cannot be the name of a folder"
        elif own and "lists" not in as_dict(session.native):
            self._restore_session(plan, session, target)
        elif (storage := self._storage(env, plan.session_id)) is None:
            plan.refused = "no editor here has Cline's extension: start it once"
        else:
            plan.root = storage
            folder = storage / "tasks" / plan.session_id
            if own:
                files = registry.load(self.provider).export(session, target.load)
                add_files(plan, session, target.load, {folder / name: data for name, data in files.items()})
            else:
                self._convert(plan, session, target, folder)
            if plan.refused is None:
                plan.changes += _listed(plan, session, storage / _HISTORY)
                if plan.changes:
                    plan.running = _EDITORS  # the extension holds its list of tasks in memory
        return plan

    def continue_command(self, session: Session, target: Target) -> str | None:
        """None: a task goes on in the editor, from Cline's history."""
        return None

    def _storage(self, env: Env, task: str) -> Path | None:
        """The extension's storage that has a task, else the first there is."""
        found = [
            storage
            for user in user_folders(env)
            if not isinstance(user, Problem)
            for extension in self.extensions
            if (storage := user / "globalStorage" / extension).is_dir()
        ]
        return next((storage for storage in found if (storage / "tasks" / task).is_dir()), found[0] if found else None)

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

    def _convert(self, plan: WritePlan, session: Session, target: Target, folder: Path) -> None:
        plan.is_converted = True
        said = conversation(session, target.load, agents=len(target.agents))
        facts = said.carried(TEXT, CALL, IMAGE)
        plan.left_out = said.left_out
        if not said.turns:
            plan.refused = "nobody says anything in it"
            return
        sent, shown = _Task(said, session).lists()
        mark = {ORIGIN: origin(session, target.revision), "files_in_context": [], "model_usage": []}
        add_new_file(plan, folder / SENT[0], _list(sent), facts)
        if plan.changes:
            for name, data in ((SHOWN, _list(shown)), (_METADATA, jsonio.dumps(mark))):
                before = content(folder / name)[1]
                plan.changes.insert(0, FileChange(folder / name, data, before, "side file"))


def _key(session: Session, target: Target, own: bool) -> str:
    """A task's id is the millisecond it was begun in; of one that is made of another session, one near that."""
    if own:
        return session.id
    derived = derived_id(ClineWriter.provider, session, target.revision)
    return str(_milliseconds(session.created_at) + int(uuid.UUID(derived)) % 1_000_000)


def _milliseconds(time: str | None) -> int:
    return round(dt.datetime.fromisoformat(time).timestamp() * 1000) if time is not None else 1_500_000_000_000


def _list(rows: list[dict[str, Json]]) -> bytes:
    return b"[" + b",".join(map(jsonio.dumps, rows)) + b"]"


def _listed(plan: WritePlan, session: Session, path: Path) -> Iterator[FileChange]:
    """The list of tasks with this one in it; nothing where it is there."""
    data, before = content(path)
    try:
        entries = jsonio.loads(data) if data is not None else []
    except ValueError:
        entries = None
    if type(entries) is not list:
        plan.notes.append(f"{path.name} cannot be read, and was left alone: the task will not be listed")
        return
    if any(as_dict(entry).get("id") == plan.session_id for entry in entries):
        return
    last = max((m.timestamp for m in session.messages if m.timestamp is not None), default=session.created_at)
    entry = {
        "id": plan.session_id,
        "ts": _milliseconds(last),
        "task": display_title(session) or plan.session_id,
        "tokensIn": 0,
        "tokensOut": 0,
        "totalCost": 0,
        **({"cwdOnTaskInitialization": plan.folder} if plan.folder else {}),
    }
    yield FileChange(path, jsonio.dumps([*entries, entry]), before, INDEX)


class _Task:
    """Makes a task's two lists."""

    def __init__(self, said: Conversation, session: Session) -> None:
        self._turns = said.turns
        self._time = _milliseconds(session.created_at)
        self._sent: list[dict[str, Json]] = []
        self._shown: list[dict[str, Json]] = []

    def lists(self) -> tuple[list[dict[str, Json]], list[dict[str, Json]]]:
        """What the model was sent, and what is shown."""
        for turn in self._turns:
            self._time = max(self._time + 1, _milliseconds(turn.timestamp) if turn.timestamp else 0)
            if turn.role == "user":
                self._send("user", [_block(item) for item in turn.items])
                self._show("user_feedback" if self._shown else "text", turn.text(), turn)
            else:
                self._answer(turn)
        return self._sent, self._shown

    def _answer(self, turn: Turn) -> None:
        if not self._sent:  # a conversation begins with a prompt: services insist on it
            self._send("user", [{"type": "text", "text": ""}])
        for step in turn.steps():
            blocks = [{"type": "text", "text": step.text}] if step.text else []
            self._send("assistant", [*blocks, *map(_block, step.calls)])
            if step.text:
                self._show("text", step.text, turn)
            results = [_result(call) for call in step.calls if call.result is not None]
            if results:
                self._send("user", results)

    def _send(self, role: str, blocks: list[dict[str, Json]]) -> None:
        """Add to what was sent; roles alternate."""
        last = self._sent[-1] if self._sent else None
        if last is not None and last["role"] == role:
            last["content"] += blocks
        else:
            self._sent.append({"role": role, "content": blocks, "ts": self._time})

    def _show(self, say: str, text: str, turn: Turn) -> None:
        self._time += 1
        row: dict[str, Json] = {"ts": self._time, "type": "say", "say": say, "text": text}
        images = [f"data:{image['media_type']};base64,{image['data']}" for image in turn.images()]
        if images:
            row["images"] = images
        self._shown.append({**row, "conversationHistoryIndex": len(self._sent) - 1})


def _block(item: Part | Call) -> dict[str, Any]:
    if isinstance(item, Call):
        return {"type": "tool_use", "id": item.id, "name": item.name, "input": item.arguments}
    if item["type"] == IMAGE:
        source = {"type": "base64", "media_type": item["media_type"], "data": item["data"]}
        return {"type": "image", "source": source}
    return {"type": "text", "text": item["text"]}


def _result(call: Call) -> dict[str, Json]:
    made: dict[str, Json] = {"type": "tool_result", "tool_use_id": call.id, "content": call.result}
    return {**made, "is_error": True} if call.is_error else made

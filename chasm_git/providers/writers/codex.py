"""Into Codex: ``sessions/YYYY/MM/DD/rollout-….jsonl``, and the row that makes it listed.

The client finds a session by its id through the files; what ``codex resume`` lists comes, in newer versions, from its
database of threads. A row is added there only where the table is of a kind we know. A converted rollout holds prompts,
answers, calls and results, each text twice as the client has it: for the model and for the screen. Thoughts are left
out (the service takes only encrypted ones), and so are names of models: a session goes on with the model it names.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers import registry
from chasm_git.providers.base import Env, Problem
from chasm_git.providers.writers._codex_threads import thread_row
from chasm_git.providers.writing.applying import StoreWriter, rows_of
from chasm_git.providers.writing.contract import (
    INDEX,
    ORIGIN,
    RowsChange,
    Standing,
    Target,
    WritePlan,
    origin,
)
from chasm_git.providers.writing.converting import CALL, IMAGE, TEXT, Call, Conversation, begin
from chasm_git.providers.writing.restoring import (
    add_files,
    add_new_file,
    new_plan,
    resuming,
    safe_name,
    without_torn_row,
)
from chasm_git.session import jsonio
from chasm_git.session.model import Json, Session

_VERSION = "0.107.0"
_GIT = (("commit", "commit_hash"), ("branch", "branch"), ("remote", "repository_url"))
"""What a session knows of its repository, and the client's names for it."""
_NO_PLACE = ("title", "names of models", "marks of failed calls")
_DATED = re.compile(r"rollout-(\d{4})-(\d\d)-(\d\d)T.*")
_STATE = re.compile(r"state_(\d{1,6})\.sqlite")


class CodexWriter(StoreWriter):
    """Puts sessions into ``$CODEX_HOME``."""

    provider = "codex"

    def plan(self, session: Session, env: Env, target: Target) -> WritePlan:
        """See `Writer.plan`."""
        home = env.folder("CODEX_HOME", ".codex")
        plan = new_plan(self.provider, session, env, target, home)
        if not plan.is_converted:
            self._restore(plan, session, target, home)
            if plan.standing is Standing.OLDER:
                plan.running = ("codex",)  # it keeps the file of a session open
        elif plan.folder is None:
            plan.refused = "the session names no folder: give one"
        else:
            self._convert(plan, session, target, home, plan.folder)
        if plan.refused is None:
            _list(plan, session, env, home)
        return plan

    def continue_command(self, session: Session, target: Target) -> str | None:
        """See `Writer.continue_command`."""
        return resuming(self.provider, session, target, "codex", "resume")

    def _restore(self, plan: WritePlan, session: Session, target: Target, home: Path) -> None:
        for held in (session, *target.agents):
            one = without_torn_row(held, target.load)
            ((name, data),) = registry.load(self.provider).export(one, target.load).items()
            place = _place(home, name, self._rollouts(plan.env))
            if place is None or safe_name(name) is None:
                plan.refused = f"{name!r} is no name of a rollout"
                return
            if "archived_sessions" in place.parts:
                plan.notes.append(f"Codex has {one.id} among its archived sessions: `codex unarchive {one.id}`")
            add_files(plan, one, target.load, {place: data})

    def _rollouts(self, env: Env) -> Iterator[Path]:
        for source in registry.load(self.provider).discover(env):
            if not isinstance(source, Problem):
                yield source.path

    def _convert(self, plan: WritePlan, session: Session, target: Target, home: Path, folder: str) -> None:
        taken = begin(plan, session, target, TEXT, CALL, IMAGE, without=_NO_PLACE, git=[ours for ours, _ in _GIT])
        if taken is None:
            return
        said, facts = taken
        begun = session.created_at or said.turns[0].timestamp or "1970-01-01T00:00:00.000Z"
        header = {
            "id": plan.session_id,
            "timestamp": begun,
            "cwd": folder,
            "originator": "codex_cli_rs",
            "cli_version": _VERSION,
            "instructions": None,
            "source": "cli",
            **_git(session),
            ORIGIN: origin(session, target.revision),
        }
        rows = [_row(begun, "session_meta", header), *_rows(said, begun)]
        data = b"".join(jsonio.dumps(row) + b"\n" for row in rows)
        name = f"rollout-{begun[:19].replace(':', '-')}-{plan.session_id}.jsonl"
        place = _place(home, name, iter(()))
        if place is None:
            plan.refused = f"{begun!r} is no time a rollout could be named by"
            return
        add_new_file(plan, place, data, facts)


def _place(home: Path, name: str, rollouts: Iterator[Path]) -> Path | None:
    """Where a rollout belongs: where the client has it, else by the day in its name."""
    for path in rollouts:
        if path.name == name or path.name == f"{name}.zst":
            return path.with_name(name)
    dated = _DATED.fullmatch(name)
    return home / "sessions" / dated[1] / dated[2] / dated[3] / name if dated is not None else None


def _git(session: Session) -> dict[str, Json]:
    """What the session knew of its repository, by the client's names."""
    known = session.git if type(session.git) is dict else {}
    made = {theirs: known[ours] for ours, theirs in _GIT if type(known.get(ours)) is str}
    return {"git": made} if made else {}


def _row(time: str, kind: str, payload: dict[str, Json]) -> dict[str, Json]:
    return {"timestamp": time, "type": kind, "payload": payload}


def _rows(said: Conversation, begun: str) -> Iterator[dict[str, Json]]:
    """The rows of a conversation: what the model sees, and beside it what the screen shows."""
    time = begun
    for turn in said.turns:
        time = turn.timestamp or time
        if turn.role == "user":
            blocks = [_block(item) for item in turn.items if not isinstance(item, Call)]
            yield _row(time, "response_item", {"type": "message", "role": "user", "content": blocks})
            yield _row(time, "event_msg", {"type": "user_message", "message": turn.text(), "kind": "plain"})
            continue
        for item in turn.items:
            if isinstance(item, Call):
                yield _row(time, "response_item", _call(item))
                continue
            content = [{"type": "output_text", "text": item["text"]}]
            yield _row(time, "response_item", {"type": "message", "role": "assistant", "content": content})
            yield _row(time, "event_msg", {"type": "agent_message", "message": item["text"]})
        for call in turn.calls():
            if call.result is not None:
                time = call.answered_at or time
                output = {"type": "function_call_output", "call_id": call.id, "output": call.result}
                yield _row(time, "response_item", output)


def _block(part: dict[str, Any]) -> dict[str, Json]:
    if part["type"] == IMAGE:
        return {"type": "input_image", "image_url": f"data:{part['media_type']};base64,{part['data']}"}
    return {"type": "input_text", "text": part["text"]}


def _call(call: Call) -> dict[str, Json]:
    arguments = jsonio.dumps(call.arguments).decode()
    return {"type": "function_call", "name": call.name, "arguments": arguments, "call_id": call.id}


def _list(plan: WritePlan, session: Session, env: Env, home: Path) -> None:
    """Add the row that makes a session listed, where the client keeps a list and does not have it."""
    state = _newest(env.folder("CODEX_SQLITE_HOME", str(home)))
    if state is None or session.parent is not None:
        return
    place = plan.expected[0]
    try:
        columns, known, latest = rows_of(
            state,
            ("PRAGMA table_info(threads)", ()),
            ("SELECT id FROM threads WHERE id = ?", (plan.session_id,)),
            ("SELECT model_provider FROM threads ORDER BY updated_at DESC LIMIT 1", ()),
        )
    except sqlite3.Error as error:
        plan.notes.append(
            f"{state.name} cannot be read ({error}): `codex resume {plan.session_id}` finds it all the same"
        )
        return
    if known:
        return
    used = latest[0][0] if latest and type(latest[0][0]) is str else "openai"  # others' threads are not listed
    row = thread_row(plan, session, place.place, used)
    lacking = [name for _, name, _, required, default, _ in columns if required and default is None and name not in row]
    if lacking:
        plan.notes.append(f"{state.name} has columns we do not know ({', '.join(lacking)}): it will not be listed")
        return
    there = {column[1] for column in columns}
    kept = {name: value for name, value in row.items() if name in there}
    names = ", ".join(kept)
    insert = f"INSERT INTO threads ({names}) VALUES ({', '.join('?' * len(kept))})"
    plan.changes.append(
        RowsChange(
            state,
            ((insert, tuple(kept.values())),),
            ((("SELECT id FROM threads WHERE id = ?", (plan.session_id,)), []),),
            (("DELETE FROM threads WHERE id = ?", (plan.session_id,)),),
            what=INDEX,
        )
    )


def _newest(folder: Path) -> Path | None:
    """The client's database; its schema's number grows with its versions."""
    found = [(int(match[1]), path) for path in folder.glob("state_*.sqlite") if (match := _STATE.fullmatch(path.name))]
    return max(found)[1] if found else None

"""Into Continue: ``sessions/<session>.json``, and its entry in ``sessions/sessions.json``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from chasm_git.providers import registry
from chasm_git.providers.base import Env
from chasm_git.providers.writing.applying import StoreWriter
from chasm_git.providers.writing.contract import ORIGIN, FileChange, Target, WritePlan, origin
from chasm_git.providers.writing.converting import CALL, IMAGE, TEXT, THINKING, Call, Step, Turn, begin
from chasm_git.providers.writing.lists import add_to_list
from chasm_git.providers.writing.restoring import add_files, add_new_file, command, new_plan, safe_name
from chasm_git.session import jsonio
from chasm_git.session.model import Json, Part, Session

_INDEX = "sessions.json"
_UNTITLED = "Untitled Session"


class ContinueWriter(StoreWriter):
    """Puts sessions into ``~/.continue``."""

    provider = "continue"

    def plan(self, session: Session, env: Env, target: Target) -> WritePlan:
        """See `Writer.plan`."""
        root = env.folder("CONTINUE_GLOBAL_DIR", ".continue") / "sessions"
        plan = new_plan(self.provider, session, env, target, root)
        place = root / f"{plan.session_id}.json"
        if safe_name(plan.session_id) is None or place.name == _INDEX:
            plan.refused = f"{plan.session_id!r} cannot be the name of a file"
            return plan
        if not plan.is_converted:
            (data,) = registry.load(self.provider).export(session, target.load).values()
            add_files(plan, session, target.load, {place: data})
            if any(change.before is not None for change in plan.changes if isinstance(change, FileChange)):
                plan.running = ("cn",)  # it writes a session anew from what it has in memory
        else:
            self._convert(plan, session, target, place)
        if plan.refused is None:
            add_to_list(plan, root / _INDEX, "sessionId", _entry(plan, session))
        return plan

    def continue_command(self, session: Session, target: Target) -> str | None:
        """See `Writer.continue_command`. The client takes no id: its list is where one is chosen."""
        return command(target.folder or session.workspace, "cn", "ls")

    def _convert(self, plan: WritePlan, session: Session, target: Target, place: Path) -> None:
        lacks = ("times", "names of models")
        taken = begin(plan, session, target, TEXT, CALL, IMAGE, THINKING, without=lacks)
        if taken is None:
            return
        said, facts = taken
        value = {
            "sessionId": plan.session_id,
            "title": said.title or _UNTITLED,
            "workspaceDirectory": plan.folder or "",
            ORIGIN: origin(session, target.revision),
            "history": [item for turn in said.turns for item in _items(turn)],
        }
        add_new_file(plan, place, jsonio.dumps(value), facts)


def _entry(plan: WritePlan, session: Session) -> dict[str, Json]:
    """What the list says of a session."""
    return {
        "sessionId": plan.session_id,
        "title": session.title or _UNTITLED,
        "dateCreated": str(_milliseconds(session.created_at)),
        "workspaceDirectory": plan.folder or "",
        "messageCount": sum(message.role in ("user", "assistant") for message in session.messages),
    }


def _milliseconds(time: str | None) -> int:
    return round(dt.datetime.fromisoformat(time).timestamp() * 1000) if time is not None else 0


def _items(turn: Turn) -> Iterator[dict[str, Json]]:
    """The items of the history a turn becomes: a prompt is one; of an answer, each thought and each step."""
    if turn.role == "user":
        blocks = [_block(item) for item in turn.items if not isinstance(item, Call)]
        said: Json = blocks if turn.images() else turn.text()
        yield {"message": {"role": "user", "content": said}, "contextItems": [], "editorState": turn.text()}
        return
    for step in turn.steps():
        for thought in step.thoughts:
            yield {"message": {"role": "thinking", "content": thought}, "contextItems": []}
        if step.text or step.calls:
            yield _answer(step)


def _answer(step: Step) -> dict[str, Json]:
    message: dict[str, Json] = {"role": "assistant", "content": step.text}
    made: dict[str, Json] = {"message": message, "contextItems": []}
    if step.calls:
        message["toolCalls"] = [_call(call) for call in step.calls]
        made["toolCallStates"] = [_state(call) for call in step.calls]
    return made


def _call(call: Call) -> dict[str, Json]:
    function = {"name": call.name, "arguments": jsonio.dumps(call.arguments).decode()}
    return {"id": call.id, "type": "function", "function": function}


def _state(call: Call) -> dict[str, Json]:
    made = {
        "toolCallId": call.id,
        "toolCall": _call(call),
        "status": "canceled" if call.result is None else "errored" if call.is_error else "done",
        "parsedArgs": call.arguments,
    }
    if call.result is None:
        return made
    return {**made, "output": [{"name": call.name, "description": "", "content": call.result}]}


def _block(part: Part) -> dict[str, Json]:
    if part["type"] == IMAGE:
        return {"type": "imageUrl", "imageUrl": {"url": f"data:{part['media_type']};base64,{part['data']}"}}
    return {"type": "text", "text": part["text"]}

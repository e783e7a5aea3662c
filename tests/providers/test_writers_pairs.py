"""Every session of the fixtures into every tool: what the report says is lost is what is missing on reading back."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from pathlib import Path

import pytest

from chasm_git.providers import registry
from chasm_git.providers.aider import Aider
from chasm_git.providers.base import Env
from chasm_git.providers.writing import contract, readback
from chasm_git.providers.writing.contract import FileChange, Standing, WritePlan
from chasm_git.providers.writing.converting import CALL, IMAGE, TEXT, THINKING, conversation
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.model import Message, Session
from chasm_git.session.native import plain
from chasm_git.session.readable import display_title
from tests.providers import writing_case as case
from tests.providers.writing_case import Kept

SESSIONS = [one for name in registry.BUILT_IN for one in case.kept(name)]
KINDS = {
    "thinking": "thinking",
    "tool_call": "tool calls",
    "tool_result": "tool results",
    "image": "images",
    "reference": "references",
    "file": "attached files",
    "edit": "edits",
    "error": "errors",
}
TASKS = ("cline", "roo-code", "kilo-code")
CLOSES_CALLS = ("opencode", "kilo-cli", "vscode")
"""Tools that know no call without a result: an aborted one has an empty one, or one that says so (told in a note)."""


def shown(session: Session) -> list[Message]:
    """The messages of the conversation as it stands."""
    return [
        one
        for one in session.messages
        if one.role in ("user", "assistant", "tool")
        and not (one.deleted or one.inactive or one.injected or one.sidechain)
        and not (one.file or "").endswith(".jsonl")
    ]


def parts(session: Session, load: Load, shortest: int = 0) -> Counter[str]:
    """How many parts of each kind there are to see; of images those with that much data."""
    found: Counter[str] = Counter()
    for message in shown(session):
        for part in (plain(part, load) for part in message.parts()):
            kind = part["type"]
            is_blank = kind in ("text", "thinking") and not str(part.get("text") or "").strip()
            is_tiny = kind == "image" and len(part.get("data", part.get("uri", ""))) < shortest
            if not is_blank and not is_tiny:
                found[kind] += 1
                found["failed"] += kind == "tool_result" and part.get("is_error") is True
    found["error"] += sum(
        message.role == "event" and any(part.get("type") == "error" for part in message.parts())
        for message in session.messages
    )
    return found


def read_back(into: str, env: Env, plan: WritePlan) -> tuple[Session, Load]:
    if into == "aider":
        (session,) = Aider().read_text(plan.expected[0].place.read_bytes()).sessions
        return session, {}.__getitem__
    found = readback.held(registry.load(into), env, plan.expected[0].place, plan.session_id)
    assert found is not None
    return found


def check_parts(into: str, one: Kept, made: Session, load: Load, left: Counter[str]) -> None:
    tiny = 16 if into == "vscode" else 0  # an image so small is none to its reader
    ours, theirs = parts(one.session, one.attachments.__getitem__, tiny), parts(made, load, tiny)
    orphans = left["tool results without a call"]
    if into == "vscode":  # which shows a file as a reference, errors of one answer as one, an orphan with a call
        ours["reference"] += ours["file"] - theirs["file"] - left["attached files"]
        ours["file"] = theirs["file"] + left["attached files"]
        assert theirs["error"] <= ours["error"] - left["errors"]
        ours["error"] = theirs["error"] = left["errors"] = 0
        ours["tool_call"] = theirs["tool_call"] if theirs["tool_call"] > ours["tool_call"] else ours["tool_call"]
    said = {kind: left[name] for kind, name in KINDS.items()}
    said["tool_result"] += orphans if into != "vscode" else left["long tool results"]
    missing = {kind: ours[kind] - theirs[kind] for kind in KINDS}
    if into in CLOSES_CALLS and missing["tool_result"] < said["tool_result"]:
        missing["tool_result"] = said["tool_result"]
    elif missing["tool_result"] == said["tool_result"]:
        lost = ours["failed"] - theirs["failed"] - left["marks of failed calls"]
        assert 0 <= lost <= said["tool_result"], "marks of failed calls"
    assert missing == said


def check_beside(into: str, one: Kept, made: Session, load: Load, plan: WritePlan) -> None:
    """Times, models and the like, of the turns that are carried."""
    left = plan.left_out
    said = conversation(one.session, one.attachments.__getitem__)
    kinds = {THINKING: "thinking", CALL: "tool calls", IMAGE: "images"}
    said.carried(TEXT, *(kind for kind, name in kinds.items() if not left[name]))
    lines = b"\n".join(readback.records(made, load)).replace(jsonio.dumps(one.session.id), b"")
    times = [turn.timestamp for turn in said.turns if turn.timestamp is not None]
    lost = len(times)
    if into not in ("continue", "aider"):  # which keep none
        lost = sum(time.encode() not in lines and milliseconds(time) not in lines for time in times)
    models = [turn.model for turn in said.turns if turn.model is not None]
    unnamed = sum(model not in {message.model for message in made.messages} for model in models)
    marks = sum(m.status is not None for m in shown(one.session)) - sum(m.status is not None for m in shown(made))
    if into == "vscode":  # it counts records, of which an answer has many
        assert lost <= left["times"] and unnamed <= left["names of models"]
        assert marks <= left["marks of unfinished answers"]
    else:
        assert (lost, unnamed) == (left["times"], left["names of models"])
        assert marks == left["marks of unfinished answers"]
    assert {message.model for message in shown(made)} <= {*models, None}, "a model that nobody named"
    git = (one.session.git or {}).keys() - (made.git or {}).keys()
    assert (len(git), len(one.session.tags)) == (left["facts of the repository"], left["tags"])
    if into in TASKS:
        lists = [change for change in plan.changes if change.what != "session"]
        assert any(task_of(change, plan.session_id) == display_title(one.session) for change in lists)
    elif one.session.title is not None and made.title != one.session.title:
        assert left["title"] == 1


def task_of(change: object, key: str) -> str | None:
    """What the list of tasks calls one, in the change that puts it there."""
    data = change.data if isinstance(change, FileChange) else b""
    value = json.loads(data) if data.strip().startswith((b"{", b"[")) else None
    entries = value if isinstance(value, list) else [value]
    return next((one["task"] for one in entries if isinstance(one, dict) and one.get("id") == key), None)


def milliseconds(time: str) -> bytes:
    return b"%d" % round(dt.datetime.fromisoformat(time).timestamp() * 1000)


@pytest.mark.parametrize("into", [name for name in contract.WRITERS if name not in contract.ONLY_OWN])
def test_any_session_goes_into_any_tool(into: str, tmp_path: Path) -> None:
    written = 0
    for number, one in enumerate(SESSIONS):
        env = case.home_for(into, tmp_path / str(number))
        folder = str(env.home / "project")
        plan = case.plan(into, one, env, folder=folder, copy=True)
        if plan.refused is not None:
            reasons = ("nobody says anything", "nobody asks anything", "it has no request")
            assert plan.refused.startswith(reasons), (str(one), plan.refused)
            assert plan.changes == [] and not any(m.role == "user" and m.content for m in shown(one.session))
            continue
        assert plan.is_converted and plan.session_id != one.session.id
        contract.load(into).write(plan, backup=tmp_path / "kept")  # compares what is said
        made, load = read_back(into, env, plan)
        try:
            check_parts(into, one, made, load, Counter(plan.left_out))
            if not into == one.session.provider == "vscode":  # a copy of its own has all records: compared elsewhere
                check_beside(into, one, made, load, plan)
        except AssertionError as error:
            raise AssertionError(f"{one}: {dict(plan.left_out)}") from error
        again = case.plan(into, one, env, folder=folder, copy=True)
        assert (again.session_id, again.standing, again.changes) == (plan.session_id, Standing.SAME, [])
        if into != "aider":
            assert (made.forked_from, made.workspace) == (one.session.id, folder)
            assert case.plan(into, one, env, folder=folder, copy=True, revision="r2").session_id != plan.session_id
        written += 1
    assert written > 0.9 * len(SESSIONS)

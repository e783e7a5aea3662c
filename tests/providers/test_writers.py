"""Every writer: its provider's sessions come back as they were, everybody else's are converted, none gets out."""

from __future__ import annotations

import copy
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from chasm_git.errors import UsageError
from chasm_git.providers.base import Env
from chasm_git.providers.writing import contract
from chasm_git.providers.writing.contract import INDEX, NotReadBack, Standing, WriteRefused
from chasm_git.session import codec
from chasm_git.session.model import Message, Session
from tests.providers import writing_case as case
from tests.providers.writing_case import Kept

WRITERS = [name for name in contract.WRITERS if name != "vscode"]
"""VS Code's has tests of its own."""
IN_BYTES = ("claude-code", "codex", "gemini-cli", "pi", "qwen-code")
OWN = [
    one for name in WRITERS for one in case.kept(name) if name != "qwen-code" or one.place.suffix == ".jsonl"
]  # Qwen Code does not look at what its first versions wrote

ONLY_EXPORTED = "agent-a5170c0de0000002"
"""A sub-agent whose rows do not say where its file belongs."""


def own_target(one: Kept, env: Env) -> dict[str, str]:
    return {"folder": str(env.home / "project")} if one.session.provider == "aider" else {}


def env_for(one: Kept, into: str, tmp_path: Path) -> Env:
    env = case.home_for(into, tmp_path)
    if into == "opencode" and one.place.suffix == ".db":
        case.database(into, env.home)
    return env


@pytest.mark.parametrize("one", OWN, ids=str)
def test_a_session_comes_back_as_it_was(one: Kept, tmp_path: Path) -> None:
    name = one.session.provider
    env = env_for(one, name, tmp_path)
    plan = case.plan(name, one, env, **own_target(one, env))
    assert (plan.refused, plan.standing, plan.is_converted) == (None, Standing.ABSENT, False)
    assert plan.session_id == one.session.id
    before = case.files(env.home)
    written = contract.load(name).write(plan, backup=tmp_path / "kept")  # reads all records back and compares
    assert {str(path.relative_to(env.home)) for path in written.paths} >= case.files(env.home).keys() - before.keys()
    if name in IN_BYTES and one.place.suffix == ".jsonl" and one.session.id != ONLY_EXPORTED:
        place = next(path for path in written.paths if path.name == one.place.name)
        assert place.read_bytes() == one.place.read_bytes()
        if "archived_sessions" not in one.place.parts and name != "gemini-cli":
            assert place.relative_to(env.home) == one.place.relative_to(one.home)
    if name != "aider":  # which finds other files than its own only when told
        again = case.read(name, env)[one.session.id]
        if again.title is None:  # it stands in a file that says something about many sessions
            again.title = one.session.title
        if one.session.workspace is None:  # nobody knew it, and now it has one
            again.workspace = None
        if name == "cline" and one.session.parent is not None:  # its session's file says where it was held
            again.workspace = one.session.workspace
        assert codec.dumps(again) == codec.dumps(one.session)
    second = case.plan(name, one, env, **own_target(one, env))
    assert (second.standing, second.changes) == (Standing.SAME, [])


def talk() -> Kept:
    """A session with everything in it that a conversation can have."""
    picture = {"type": "image", "media_type": "image/png", "data": "iVBORw0KGgo="}
    call = {"type": "tool_call", "id": "weird id/1", "name": "run shell", "arguments": {"command": "ls"}}
    free = {"type": "tool_call", "id": "c2", "name": "patch", "arguments": "*** Begin Patch"}
    thought = {"type": "thinking", "text": "hm"}
    messages = [
        Message("i", "user", "2026-01-08T12:00:00.000Z", "<environment>secret</environment>", injected=True),
        Message("1", "user", "2026-01-08T12:00:01.000Z", [{"type": "text", "text": "Look — 世界 \ud83d"}, picture]),
        Message("2", "assistant", "2026-01-08T12:00:02.000Z", [thought], model="m-1", turn="t"),
        Message("3", "assistant", "2026-01-08T12:00:03.000Z", [{"type": "text", "text": "On it."}, call], turn="t"),
        Message("4", "assistant", "2026-01-08T12:00:03.000Z", [free], turn="t"),
        Message("5", "tool", None, [{"type": "tool_result", "id": "c2", "content": "bad patch", "is_error": True}]),
        Message("6", "tool", None, [{"type": "tool_result", "id": "weird id/1", "content": "README.md"}]),
        Message("7", "assistant", None, [{"type": "text", "text": "Done."}, {"type": "reference", "uri": "a.py"}]),
        Message("8", "user", None, "gone", inactive=True),
        Message("9", "event", None, "", usage={"input_tokens": 3}),
        Message("10", "user", None, "and?"),
        Message("11", "assistant", None, [{"type": "tool_call", "id": "c3", "name": "wait", "arguments": {}}]),
    ]
    for above, message in pairwise(messages):
        message.after = above.id
    session = Session("s/1", "somewhere", "A title", "/home/ana/shop", "2026-01-08T12:00:00.000Z", messages=messages)
    return Kept(codec.loads(codec.dumps(session)), {}, Path("/"), Path("/"))


@pytest.mark.parametrize("into", [name for name in WRITERS if name not in ("kilo-cli", "aider", *contract.ONLY_OWN)])
def test_what_is_said_is_carried_and_the_rest_is_counted(into: str, tmp_path: Path) -> None:
    env, one = case.home_for(into, tmp_path), talk()
    plan = case.plan(into, one, env)
    assert plan.refused is None
    contract.load(into).write(plan, backup=tmp_path / "kept")
    made = case.read(into, env)[plan.session_id]
    parts = [part for message in made.messages for part in message.parts()]
    texts = [part["text"] for part in parts if part["type"] == "text"]
    assert [text for text in texts if text] == ["Look — 世界 \ud83d", "On it.", "Done.", "and?"]
    assert "secret" not in codec.dumps(made).decode()
    calls = [part for part in parts if part["type"] == "tool_call"]
    assert [(call["name"], call["arguments"]) for call in calls] == [
        ("run_shell", {"command": "ls"}),
        ("patch", {"input": "*** Begin Patch"}),
        ("wait", {}),
    ]
    results = {part["id"]: part for part in parts if part["type"] == "tool_result"}
    assert [results[call["id"]]["content"] for call in calls[:2]] == ["README.md", "bad patch"]
    if into != "codex":  # its format does not say that a call failed, which is counted
        assert results[calls[1]["id"]].get("is_error") is True
    assert any(part.get("data") == "iVBORw0KGgo=" for part in parts)
    left = plan.left_out
    assert Counter({"injected context": 1, "messages off the conversation": 1, "references": 1}) <= left
    assert (left["bookkeeping records"], left["token counts"], left["exact tool names"]) == (1, 1, 1)
    has_thoughts = any(part["type"] == "thinking" and part["text"] == "hm" for part in parts)
    assert has_thoughts == (left["thinking"] == 0) == (into in ("gemini-cli", "continue", "opencode"))
    assert any(message.model == "m-1" for message in made.messages) == (
        into in ("claude-code", "gemini-cli", "opencode")
    )
    if into != "continue":  # which keeps no times
        assert "2026-01-08T12:00:01.000Z" in [message.timestamp for message in made.messages]


def test_aider_gets_a_file_of_its_own(tmp_path: Path) -> None:
    env, one = case.home_for("aider", tmp_path), talk()
    folder = env.home / "project"
    (folder / ".aider.chat.history.md").write_text("# aider chat started at 2026-01-01 00:00:00\n\n#### hi  \n")
    before = case.files(env.home)
    plan = case.plan("aider", one, env, folder=str(folder))
    written = contract.load("aider").write(plan, backup=tmp_path / "kept")
    (place,) = written.paths
    assert {name: data for name, data in case.files(env.home).items() if name in before} == before
    text = place.read_text("utf-8", "replace")
    assert "#### and?  \n" in text and "\nOn it.\n" in text and plan.left_out["tool calls"] == 3
    said = contract.load("aider").continue_command(one.session, case.target(one, folder=str(folder)))
    assert said == f"cd {folder} && aider --chat-history-file {place.name} --restore-chat-history"


@pytest.mark.parametrize(
    ("into", "words"),
    [
        ("claude-code", "claude --resume"),
        ("codex", "codex resume"),
        ("gemini-cli", "gemini --resume"),
        ("opencode", "opencode -s"),
    ],
)
def test_the_command_that_goes_on(into: str, words: str, tmp_path: Path) -> None:
    one = talk()
    plan = case.plan(into, one, Env(tmp_path), folder="/home/ana/my shop")
    command = contract.load(into).continue_command(one.session, case.target(one, folder="/home/ana/my shop"))
    assert command == f"cd '/home/ana/my shop' && {words} {plan.session_id}"


HOSTILE = ["../../escaped", "..", "/etc/escaped", "a/../../b", "a\0b", "C:\\x", "-rf", ".hidden", "x" * 300, "a\nb"]


@pytest.mark.parametrize("one", [next(case.kept(name)) for name in WRITERS], ids=str)
@pytest.mark.parametrize("key", HOSTILE, ids=lambda key: repr(key)[:20])
def test_no_id_leads_out_of_the_store(one: Kept, key: str, tmp_path: Path) -> None:
    """Neither as a session's id nor as its parent's, nor as the name of one of its files."""
    name = one.session.provider
    for field in ("id", "parent", "file", "name"):
        session = copy.deepcopy(one.session)
        if field == "file":
            session.messages[-1].file = key
        elif field == "name" and isinstance(session.native, dict):
            session.native["name"] = session.native["first"] = key
        elif field != "name":
            setattr(session, field, key)
        env = env_for(one, name, tmp_path / field)
        if name == "opencode" and field == "id":
            case.database(name, env.home)
        folder = env.home / "project"
        outside = case.files(tmp_path)
        try:
            hostile = Kept(session, one.attachments, one.home, one.place)
            plan = case.plan(name, hostile, env, folder=str(folder))
            contract.load(name).write(plan, backup=tmp_path / field / "kept")
        except (WriteRefused, NotReadBack):
            pass  # then nothing is left, which is looked at below
        else:
            assert all(path.is_relative_to(plan.root) for path in (change.path for change in plan.changes))
        new = case.files(tmp_path).keys() - outside.keys()
        store = plan.root.relative_to(tmp_path).as_posix()
        assert all(path.startswith((f"{store}/", f"{field}/kept/")) for path in new)
        assert not any(Path(path).name.startswith("escaped") for path in new if field != "parent")


def test_a_side_file_of_another_session_is_refused(tmp_path: Path) -> None:
    one = next(one for one in case.kept("claude-code") if one.session.parent is None)
    one.session.messages[-1].file = "ffffffff-0000-4000-8000-000000000000.jsonl"
    plan = case.plan("claude-code", one, Env(tmp_path))
    assert plan.refused is not None and "not its own" in plan.refused


def test_what_cannot_be_written_says_why() -> None:
    with pytest.raises(UsageError, match="nothing is written into Cursor"):
        contract.load("cursor")
    with pytest.raises(UsageError, match="there are writers for: claude-code"):
        contract.load("chatgpt")


LISTS = {
    "continue": ".continue/sessions/sessions.json",
    "gemini-cli": ".gemini/projects.json",
    "cline": f"{case.CLINE}/state/taskHistory.json",
}


def listed_one(name: str) -> Kept:
    """A session that its tool has in a list: of Cline's, a task."""
    return next(one for one in case.kept(name) if name != "cline" or "lists" in one.session.native)


@pytest.mark.parametrize(("name", "path"), LISTS.items())
def test_lists_keep_what_is_in_them(name: str, path: str, tmp_path: Path) -> None:
    one = next(
        one
        for one in case.kept(name)
        if (one.session.parent is None and "lists" in (one.session.native or {"lists": 1})) or name != "cline"
    )
    env = case.home_for(name, tmp_path)
    index = env.home / path
    index.parent.mkdir(parents=True, exist_ok=True)
    before = {"projects": {"/x": "x"}} if name == "gemini-cli" else [{"id": "1", "sessionId": "1", "odd": [1.5, None]}]
    stood = json.dumps(before, indent=2).encode().replace(b"1.5", b"1.50e0") + b"\n"
    index.write_bytes(stood)
    contract.load(name).write(case.plan(name, one, env), backup=tmp_path / "kept")
    after = json.loads(index.read_text())
    if name == "gemini-cli":
        assert after["projects"].pop(one.session.workspace or "/home/ana/shop")
        assert after == before
    else:
        assert after[:-1] == before and one.session.id in after[-1].values()
        assert index.read_bytes().startswith(stood.rstrip(b" \n]"))  # as the tool wrote it


@pytest.mark.parametrize(("name", "path"), LISTS.items())
def test_a_list_that_cannot_be_read_is_left_alone(name: str, path: str, tmp_path: Path) -> None:
    one = listed_one(name)
    env = case.home_for(name, tmp_path)
    index = env.home / path
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_bytes(b"{ not json")
    plan = case.plan(name, one, env)
    contract.load(name).write(plan, backup=tmp_path / "kept")
    assert index.read_bytes() == b"{ not json" and any("left alone" in note for note in plan.notes)


def test_codex_lists_it_where_it_keeps_a_list(tmp_path: Path) -> None:
    import sqlite3

    env = Env(tmp_path / "home")
    state = env.home / ".codex" / "state_5.sqlite"
    state.parent.mkdir(parents=True)
    with sqlite3.connect(state) as connection:
        connection.execute(
            "CREATE TABLE threads (id TEXT PRIMARY KEY, rollout_path TEXT NOT NULL, created_at INTEGER NOT NULL,"
            " updated_at INTEGER NOT NULL, source TEXT NOT NULL, model_provider TEXT NOT NULL, cwd TEXT NOT NULL,"
            " title TEXT NOT NULL, sandbox_policy TEXT NOT NULL, approval_mode TEXT NOT NULL, preview TEXT)"
        )
        connection.execute("INSERT INTO threads VALUES ('t', '/r', 1, 2, 'cli', 'azure', '/', 'x', '', '', 'x')")
    one = talk()
    plan = case.plan("codex", one, env)
    assert [change.what for change in plan.changes] == ["session", INDEX]
    contract.load("codex").write(plan, backup=tmp_path / "kept")
    with sqlite3.connect(state) as connection:
        rows = connection.execute("SELECT rollout_path, cwd, model_provider FROM threads WHERE id != 't'").fetchall()
        assert rows == [(str(plan.expected[0].place), "/home/ana/shop", "azure")]
        connection.execute("DELETE FROM threads WHERE id != 't'")
    again = case.plan("codex", one, env)
    assert (again.standing, [change.what for change in again.changes]) == (Standing.SAME, [INDEX])
    with sqlite3.connect(state) as connection:
        connection.execute("ALTER TABLE threads ADD COLUMN new_and_needed TEXT NOT NULL DEFAULT ''")
        connection.execute("CREATE TABLE other AS SELECT * FROM threads")
    assert case.plan("codex", one, env).changes


@pytest.mark.parametrize(("name", "words"), [("pi", "pi --session"), ("qwen-code", "qwen --resume")])
def test_clients_that_take_back_their_own_alone(name: str, words: str, tmp_path: Path) -> None:
    env, one = case.home_for(name, tmp_path), talk()
    plan = case.plan(name, one, env)
    assert plan.changes == [] and "own sessions are put back" in str(plan.refused)
    one = next(one for one in case.kept(name) if one.session.parent is None)
    session = one.session
    command = contract.load(name).continue_command(session, case.target(one))
    assert command == f"cd {session.workspace} && {words} {session.id}"
    place = case.plan(name, one, env).expected[0].place
    place.parent.mkdir(parents=True)
    place.write_bytes(one.place.read_bytes()[:-40])
    plan = case.plan(name, one, env)
    assert (plan.standing, plan.running) == (Standing.OLDER, (words.split()[0],))
    contract.load(name).write(plan, backup=tmp_path / "kept")
    assert place.read_bytes() == one.place.read_bytes()
    assert place.relative_to(env.home) == one.place.relative_to(one.home)

"""Cline, Roo Code, Kilo Code: a task comes back with its place in the list, wherever its version keeps that."""

from __future__ import annotations

import copy
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.base import Env
from chasm_git.providers.writing import contract
from chasm_git.providers.writing.contract import INDEX, NotReadBack, Standing, WriteRefused
from chasm_git.session.model import Message, Session
from tests.providers import writing_case as case
from tests.providers.writing_case import Kept

FAMILY = ("cline", "roo-code", "kilo-code")
KEYS = {"cline": "saoudrizwan.claude-dev", **case.EXTENSIONS}


def a_task(provider: str) -> Kept:
    """A task of the extension."""
    return next(one for one in case.kept(provider) if "globalStorage" in one.place.parts)


def storage(provider: str, env: Env) -> Path:
    return env.home / case.GLOBAL / KEYS[provider].lower()


def stored(env: Env) -> dict[str, Any]:
    """What the extensions have in the editor's database."""
    with closing(sqlite3.connect(env.home / case.GLOBAL / "state.vscdb")) as connection:
        return dict(connection.execute("SELECT key, value FROM ItemTable"))


def put(provider: str, one: Kept, env: Env, **more: Any) -> list[tuple[str, str]]:
    """Write a task; gives what was changed, by what it is and its name."""
    plan = case.plan(provider, one, env, **more)
    contract.load(provider).write(plan, backup=env.home.parent / "kept")
    return [(change.what, change.path.name) for change in plan.changes]


@pytest.mark.parametrize("provider", FAMILY)
def test_the_list_in_the_editors_database_gets_an_entry_and_nothing_else_changes(provider: str, tmp_path: Path) -> None:
    env, one = case.home_for(provider, tmp_path), a_task(provider)
    text = '{"a": 1.50e0, "taskHistory" : [ {"id":"x", "odd": [1e2]} ] ,"z":"\\u00e9"}'
    path = case.editor_state(env.home, KEYS[provider], text)
    case.editor_state(env.home, "somebody.else", '{"taskHistory":[]}')
    assert put(provider, one, env)[-1] == (INDEX, "state.vscdb")
    said = stored(env)
    assert said.pop("somebody.else") == '{"taskHistory":[]}'
    ((key, grown),) = said.items()
    head, tail = '{"a": 1.50e0, "taskHistory" : [ {"id":"x", "odd": [1e2]},', '] ,"z":"\\u00e9"}'
    assert key == KEYS[provider] and grown.startswith(head) and grown.endswith(tail)
    entry = json.loads(grown[len(head) : -len(tail)])
    assert entry["id"] == one.session.id and type(entry["ts"]) is type(entry["tokensIn"]) is int
    assert entry["totalCost"] == (0.003 if provider == "roo-code" else 0)  # Roo Code's task says it of itself
    assert entry.get("workspace", entry.get("cwdOnTaskInitialization")) == one.session.workspace
    assert not (storage(provider, env) / "state").exists()
    again = case.plan(provider, one, env)
    assert (again.standing, again.changes) == (Standing.SAME, [])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE ItemTable SET value = ? WHERE key = ?", (text.encode(), key))  # as other versions do
    assert put(provider, one, env) == [(INDEX, "state.vscdb")]
    assert stored(env)[key] == grown.encode()


@pytest.mark.parametrize("provider", ["roo-code", "kilo-code"])
def test_newer_versions_find_the_entry_in_the_task(provider: str, tmp_path: Path) -> None:
    env, one = case.home_for(provider, tmp_path), a_task(provider)
    tasks = storage(provider, env) / "tasks"
    tasks.mkdir()
    (tasks / "_index.json").write_text('{"version":1,"entries":[]}')
    before = stored(env)
    changed = put(provider, one, env)
    own = provider == "roo-code"  # the fixture's task has the file, and gets its own back
    assert (("side file" if own else INDEX), "history_item.json") in changed
    about = tasks / one.session.id / "history_item.json"
    if own:
        assert about.read_bytes() == one.place.with_name("history_item.json").read_bytes()
    else:
        assert json.loads(about.read_bytes())["number"] == 1
    assert stored(env) == before and (tasks / "_index.json").read_text() == '{"version":1,"entries":[]}'
    whole = about.read_bytes()
    about.unlink()
    assert put(provider, one, env) == [("side file" if own else INDEX, "history_item.json")]
    assert about.read_bytes() == whole


@pytest.mark.parametrize("provider", FAMILY)
def test_a_list_that_cannot_be_read_is_left_alone(provider: str, tmp_path: Path) -> None:
    env, one = case.home_for(provider, tmp_path), a_task(provider)
    for text in ("{ not json", "[1]", '{"taskHistory":{}}', '{"other":[]}', ""):
        path = case.editor_state(env.home, KEYS[provider], text)
        changes = case.plan(provider, one, env).changes
        assert all(change.path != path for change in changes), text
        assert changes[-1].what == INDEX or provider == "roo-code"
    path.write_bytes(b"no database")
    plan = case.plan(provider, one, env)
    assert any("state.vscdb cannot be read" in note for note in plan.notes)
    contract.load(provider).write(plan, backup=tmp_path / "kept")
    assert path.read_bytes() == b"no database"


@pytest.mark.parametrize("provider", FAMILY)
def test_nothing_is_written_while_the_editor_runs(provider: str, tmp_path: Path) -> None:
    """The extension holds its list in memory. Its process may go by any name: the editor's own lock says it runs."""
    env, one = case.home_for(provider, tmp_path), a_task(provider)
    lock = env.home / ".config" / "Code" / "code.lock"
    lock.write_text(str(os.getpid()))
    before = case.files(env.home)
    plan = case.plan(provider, one, env)
    with pytest.raises(WriteRefused, match=r"would write over its list of tasks: it runs as process \d+ .*quit it"):
        contract.load(provider).write(plan, backup=tmp_path / "kept")
    assert case.files(env.home) == before and not (tmp_path / "kept").exists()
    assert plan.running == ("code",)
    lock.unlink()
    contract.load(provider).write(plan, backup=tmp_path / "kept")
    if provider != "cline":
        (copied,) = (tmp_path / "kept").iterdir()  # the database, as it was
        assert copied.name.endswith("state.vscdb")


@pytest.mark.parametrize("provider", FAMILY)
def test_it_goes_into_the_editor_that_has_it(provider: str, tmp_path: Path) -> None:
    env, one = case.home_for(provider, tmp_path), a_task(provider)
    other = env.home / ".vscode-server/data/User/globalStorage" / KEYS[provider].lower()
    (other / "tasks" / one.session.id).mkdir(parents=True)
    plan = case.plan(provider, one, env)
    assert plan.expected[0].place.parent == other / "tasks" / one.session.id
    assert (plan.root, plan.running) == (other.parent, ("server-main",))


def test_tasks_that_a_person_keeps_elsewhere_are_not_written_where_nobody_looks(tmp_path: Path) -> None:
    env, one = case.home_for("roo-code", tmp_path), a_task("roo-code")
    settings = env.home / ".config/Code/User/settings.json"
    settings.write_text('{\n  // mine\n  "roo-cline.customStoragePath": "D:\\\\roo",\n}')
    assert "customStoragePath" in str(case.plan("roo-code", one, env).refused)
    settings.write_text('{"roo-cline.customStoragePath": "", "kilo-code.customStoragePath": "/k"}')
    assert case.plan("roo-code", one, env).refused is None


def test_tasks_of_a_terminal_agent_go_back_to_it_where_there_is_no_editor(tmp_path: Path) -> None:
    one = next(one for one in case.kept("kilo-code") if ".kilocode" in one.place.parts)
    env = Env(tmp_path / "home")
    assert "start it once" in str(case.plan("kilo-code", one, env).refused)
    (env.home / ".kilocode/cli/global").mkdir(parents=True)
    put("kilo-code", one, env)
    assert env.home / one.place.relative_to(one.home) in env.home.rglob(one.place.name)
    assert "start it once" in str(case.plan("kilo-code", one, env, copy=True).refused)  # no editor to show a copy
    old = next(one for one in case.kept("cline") if "data/tasks" in one.place.as_posix())
    (env.home / ".cline/data").mkdir(parents=True)
    put("cline", old, env)
    assert env.home / old.place.relative_to(old.home) in env.home.rglob(old.place.name)


def test_tasks_that_a_task_started_come_back_with_it(tmp_path: Path) -> None:
    env, one = case.home_for("roo-code", tmp_path), a_task("roo-code")
    child = copy.deepcopy(one.session)
    child.id, child.parent = "child", one.session.id
    put("roo-code", one, env, agents=(child,))
    tasks = storage("roo-code", env) / "tasks"
    assert {path.name for path in tasks.iterdir()} == {one.session.id, "child"}
    listed = json.loads(stored(env)[KEYS["roo-code"]])["taskHistory"]
    assert [entry["id"] for entry in listed] == [one.session.id, "child"]
    child.id = "../out"
    assert "cannot be the name" in str(case.plan("roo-code", one, env, agents=(child,)).refused)


def test_what_is_not_read_back_is_taken_out_of_the_database_again(tmp_path: Path) -> None:
    env, one = case.home_for("kilo-code", tmp_path), a_task("kilo-code")
    plan = case.plan("kilo-code", one, env)
    before, files = stored(env), case.files(env.home).keys()
    plan.expected[0].records.update([b"{}"])  # type: ignore[union-attr]
    with pytest.raises(NotReadBack):
        contract.load("kilo-code").write(plan, backup=tmp_path / "kept")
    assert stored(env) == before and case.files(env.home).keys() == files


def test_rows_of_a_converted_task_are_told_apart_by_their_time(tmp_path: Path) -> None:
    """The extensions know a row by its time; what the model was sent has the times as they were."""
    env, time = case.home_for("roo-code", tmp_path), "2026-01-08T12:00:00.000Z"
    messages = [Message(str(n), ("user", "assistant")[n % 2], time, f"text {n}", str(n - 1) or None) for n in range(4)]
    one = Kept(Session("s", "somewhere", None, "/w", time, messages=messages), {}, Path("/"), Path("/"))
    plan = case.plan("roo-code", one, env)
    contract.load("roo-code").write(plan, backup=tmp_path / "kept")
    folder = plan.expected[0].place.parent
    shown = [row["ts"] for row in json.loads((folder / "ui_messages.json").read_bytes())]
    assert shown == [1767873600000 + n for n in range(4)]
    sent = [row["ts"] for row in json.loads((folder / "api_conversation_history.json").read_bytes())]
    assert sent == [1767873600000] * 4
    assert json.loads((folder / "history_item.json").read_bytes())["workspace"] == "/w"

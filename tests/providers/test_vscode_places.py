"""Where VS Code sessions are found, which folder they are for, and the database they stood in once."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.base import Env, Problem
from chasm_git.providers.vscode import VSCode
from chasm_git.session import jsonio
from tests.providers.vscode_case import (
    ONE,
    UUID,
    WORKSPACE,
    asked,
    harvest,
    initial,
    lines,
    only,
    read,
    same,
    shown,
    sources,
    state,
)

# --- places -----------------------------------------------------------------------------------------------------------


def lay(
    folder: Path, *, workspace: str | None = "file:///home/ana/shop", key: str = WORKSPACE, stem: str = UUID
) -> Path:
    place = folder / "User" / "workspaceStorage" / key
    (place / "chatSessions").mkdir(parents=True, exist_ok=True)
    if workspace is not None:
        (place / "workspace.json").write_text(json.dumps({"folder": workspace}))
    path = place / "chatSessions" / f"{stem}.json"
    path.write_bytes(jsonio.dumps(state(ONE, sessionId=stem)))
    return path


@pytest.mark.parametrize(
    ("platform", "variables", "place"),
    [
        ("linux", {}, ".config/Code"),
        ("linux", {}, ".config/Code - Insiders"),
        ("linux", {}, ".config/VSCodium"),
        ("linux", {}, ".config/Cursor"),
        ("linux", {}, ".config/Windsurf"),
        ("linux", {}, ".config/Kiro"),
        ("linux", {}, ".config/Trae CN"),
        ("linux", {}, ".config/Antigravity"),
        ("linux", {}, ".config/Code - OSS"),
        ("linux", {}, ".var/app/com.visualstudio.code/config/Code"),
        ("linux", {}, ".var/app/com.vscodium.codium/config/VSCodium"),
        ("linux", {}, ".vscode-server/data"),
        ("linux", {}, ".vscode-server-insiders/data"),
        ("linux", {}, ".cursor-server/data"),
        ("linux", {}, ".windsurf-server/data"),
        ("linux", {}, ".local/share/code-server"),
        ("linux", {"XDG_DATA_HOME": "{home}/data"}, "data/code-server"),
        ("linux", {"XDG_CONFIG_HOME": "{home}/elsewhere"}, "elsewhere/Code"),
        ("linux", {"VSCODE_PORTABLE": "{home}/portable/data"}, "portable/data/user-data"),
        ("darwin", {}, "Library/Application Support/Code"),
        ("darwin", {}, "Library/Application Support/Trae"),
        ("win32", {}, "AppData/Roaming/Code"),
        ("win32", {"APPDATA": "{home}/Roaming"}, "Roaming/Windsurf"),
    ],
)
def test_where_sessions_are_found(platform: str, variables: dict[str, str], place: str, tmp_path: Path) -> None:
    path = lay(tmp_path / place)
    here = {name: value.format(home=tmp_path) for name, value in variables.items()}
    (source,) = sources(tmp_path, variables=here, platform=platform)
    assert source.path == path
    assert only(VSCode().read(source)).workspace == "/home/ana/shop"


@pytest.mark.parametrize(
    "place",
    [
        "globalStorage/emptyWindowChatSessions",
        "globalStorage/transferredChatSessions",
        "workspaceStorage/no-workspace/chatSessions",
        "workspaceStorage/1768046400000/chatSessions",
    ],
)
def test_sessions_without_a_folder(place: str, tmp_path: Path) -> None:
    folder = tmp_path / ".config/Code/User" / place
    folder.mkdir(parents=True)
    (folder / f"{UUID}.jsonl").write_bytes(lines(initial(state(ONE))))
    (source,) = sources(tmp_path)
    assert only(VSCode().read(source)).workspace is None


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("file:///home/ana/my%20shop", "/home/ana/my shop"),
        ("file:///home/ana/caf%C3%A9%23%3F", "/home/ana/café#?"),
        ("file:///c%3A/Users/ana/shop", "c:\\Users\\ana\\shop"),
        ("file:///C:/shop", "C:\\shop"),
        ("file://server/share/shop", "\\\\server\\share\\shop"),
        ("file:///", "/"),
        ("vscode-remote://wsl%2Bubuntu/home/ana/shop", "vscode-remote://wsl%2Bubuntu/home/ana/shop"),
        ("vscode-vfs://github/ana/shop", "vscode-vfs://github/ana/shop"),
        ("not a uri", None),
        (5, None),
        (None, None),
        ([], None),
    ],
)
def test_the_workspace_of_a_session(uri: Any, expected: str | None, tmp_path: Path) -> None:
    path = lay(tmp_path / ".config/Code", workspace=uri)
    (path.parent.parent / "workspace.json").write_text(json.dumps({"folder": uri}))
    assert harvest(tmp_path)[UUID].workspace == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"workspace": "file:///home/ana/x.code-workspace"}, "/home/ana/x.code-workspace"),
        ({"configuration": "file:///home/ana/x.code-workspace"}, "/home/ana/x.code-workspace"),
        (
            {"configuration": {"id": "1", "configPath": "file:///home/ana/x.code-workspace"}},
            "/home/ana/x.code-workspace",
        ),
        ({"folder": {"$mid": 1, "path": "/home/ana/shop", "scheme": "file"}}, "/home/ana/shop"),
        ({}, None),
        ([], None),
    ],
)
def test_other_kinds_of_workspaces(value: Any, expected: str | None, tmp_path: Path) -> None:
    path = lay(tmp_path / ".config/Code")
    (path.parent.parent / "workspace.json").write_text(json.dumps(value))
    assert harvest(tmp_path)[UUID].workspace == expected


def test_a_workspace_file_that_is_broken_costs_no_session(tmp_path: Path) -> None:
    path = lay(tmp_path / ".config/Code")
    (path.parent.parent / "workspace.json").write_text("{")
    (source,) = sources(tmp_path)
    reading = VSCode().read(source)
    assert only(reading).workspace is None
    assert [(Path(problem.path).name, problem.fatal) for problem in reading.problems] == [("workspace.json", False)]


def test_the_folder_of_an_agents_window(tmp_path: Path) -> None:
    kept = state(ONE, workingDirectory="file:///home/ana/other")
    assert only(read(tmp_path, flat=jsonio.dumps(kept))).workspace == "/home/ana/other"


def test_discover_is_stable_and_stamps_change(tmp_path: Path) -> None:
    path = lay(tmp_path / ".config/Code")
    for stem in ("b", "a", "c"):
        lay(tmp_path / ".config/Cursor", key="ff" * 16, stem=stem)
    (path.parent / "notes.txt").write_text("x")
    (path.parent / ".hidden.json").write_text("x")
    (path.parent / "folder.json").mkdir()
    first = sources(tmp_path)
    assert first == sources(tmp_path)
    assert [source.path.stem for source in first] == [UUID, "a", "b", "c"]
    assert len({source.key for source in first}) == 4
    stamps = {first[0].stamp}
    for change in (
        lambda: path.write_bytes(path.read_bytes() + b" "),
        lambda: path.with_suffix(".jsonl").write_bytes(lines(initial(state(ONE)))),
        lambda: os.utime(path, (1, 1)),
        lambda: (path.parent.parent / "workspace.json").write_text('{"folder":"file:///other"}'),
    ):
        change()
        (now,) = [source for source in sources(tmp_path) if source.path.stem == UUID]
        assert now.stamp not in stamps
        assert now.key == first[0].key
        stamps.add(now.stamp)


def test_discover_opens_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path / ".config/Code")

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a file was opened")

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("io.open", refuse)
    monkeypatch.setattr("os.open", refuse)
    assert len(sources(tmp_path)) == 1


def test_a_folder_that_cannot_be_listed_is_a_problem(tmp_path: Path) -> None:
    path = lay(tmp_path / ".config/Code")
    if os.geteuid() == 0:
        pytest.skip("the superuser may list everything")
    path.parent.chmod(0)
    try:
        found = list(VSCode().discover(Env(tmp_path)))
        assert [type(item) for item in found] == [Problem]
    finally:
        path.parent.chmod(0o700)


def test_links_to_nothing_and_odd_places(tmp_path: Path) -> None:
    path = lay(tmp_path / ".config/Code")
    (path.parent / "gone.json").symlink_to(tmp_path / "nowhere")
    (path.parent.parent.parent / "a file").write_text("x")
    (tmp_path / ".config/Cursor/User").mkdir(parents=True)
    (tmp_path / ".config/Cursor/User/workspaceStorage").write_text("no folder")
    assert [source.path for source in sources(tmp_path)] == [path]


# --- before there were files ------------------------------------------------------------------------------------------


def database(folder: Path, value: Any, *, key: str = "interactive.sessions", wal: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "workspace.json").write_text('{"folder":"file:///home/ana/shop"}')
    path = folder / "state.vscdb"
    connection = sqlite3.connect(path)
    if wal:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)")
    connection.execute("INSERT INTO ItemTable VALUES ('other', 'x')")
    connection.execute("INSERT INTO ItemTable VALUES (?, ?)", (key, value))
    connection.commit()
    if wal:  # what a running editor leaves: the value is in the log only
        copies = {p.name: p.read_bytes() for p in folder.iterdir()}
        connection.close()
        for name, data in copies.items():
            (folder / name).write_bytes(data)
        (folder / "state.vscdb-shm").unlink()
    else:
        connection.close()
    return path


@pytest.mark.parametrize("form", ["text", "blob", "wal"])
def test_sessions_in_a_database(form: str, tmp_path: Path) -> None:
    folder = tmp_path / ".config/Code/User/workspaceStorage" / WORKSPACE
    long = "a long answer " * 500
    old = {
        "s-1": {**state(ONE), "version": None},
        "s-2": state(asked(2, "q", long), sessionId="s-2"),
        "s-3": state(sessionId="s-3"),
    }
    written = json.dumps(old)
    database(folder, written.encode() if form == "blob" else written, wal=form == "wal")
    (source,) = sources(tmp_path)
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    reading = VSCode().read(source)
    assert {s.id: (shown(s), s.workspace, s.native["stored"]) for s in reading.sessions} == {
        "s-1": (["question 1", "answer 1"], "/home/ana/shop", "state.vscdb"),
        "s-2": (["q", long], "/home/ana/shop", "state.vscdb"),
    }
    assert not reading.problems
    for session in reading.sessions:
        (data,) = VSCode().export(session, reading.attachments.__getitem__).values()
        assert same(jsonio.loads(data), old[session.id])
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before


def test_a_database_counts_only_where_there_are_no_files(tmp_path: Path) -> None:
    path = lay(tmp_path / ".config/Code")
    database(path.parent.parent, json.dumps({"s-2": state(ONE, sessionId="s-2")}))
    assert [source.path for source in sources(tmp_path)] == [path]
    path.unlink()
    assert [source.path.name for source in sources(tmp_path)] == ["state.vscdb"]


@pytest.mark.parametrize("value", ["{", "[]", "5", '{"s":5}', None, b"\xff", 7])
def test_a_database_with_something_else_in_it(value: Any, tmp_path: Path) -> None:
    database(tmp_path / ".config/Code/User/workspaceStorage/x", value)
    (source,) = sources(tmp_path)
    reading = VSCode().read(source)
    assert reading.sessions == []
    assert bool(reading.problems) == (value is not None)


def test_a_database_without_sessions_and_a_broken_one(tmp_path: Path) -> None:
    path = database(tmp_path / ".config/Code/User/workspaceStorage/x", "v", key="other.key")
    (source,) = sources(tmp_path)
    assert (VSCode().read(source).sessions, VSCode().read(source).problems) == ([], [])
    path.write_bytes(b"no database, but interactive.sessions is in it")
    (problem,) = VSCode().read(source).problems
    assert problem.fatal
    assert "database" in problem.reason

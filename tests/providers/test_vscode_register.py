"""Session files VS Code does not show, put back into its list; and when nothing may be written."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.base import Env
from chasm_git.providers.writers import vscode_index as index
from chasm_git.providers.writers.vscode_register import Registered, register
from chasm_git.providers.writers.vscode_running import running
from chasm_git.providers.writers.vscode_workspaces import NoEditor, Store, store_for, stores_of, workspace_id
from tests.providers.vscode_case import FIXTURES, asked, initial, lines, push, state
from tests.providers.vscode_home import OTHER_KEYS, fill, home_of, listed, opened, rows


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return home_of(tmp_path)


def session(name: str, number: int = 1) -> dict[str, Any]:
    return state(asked(number, f"What is {name}?", "It is."), sessionId=name, customTitle=name.upper())


def run(env: Env, workspace: str | None = None, **more: Any) -> Registered:
    (report,) = register(env, workspace, backup=env.home / "backup", **more)
    return report


# --- register ---------------------------------------------------------------------------------------------------------


def test_files_without_an_entry_get_one(env: Env) -> None:
    store = opened(env, a=session("a"), b=session("b"), c=lines(initial(session("c"))))
    old = {"sessionId": "a", "title": "kept", "lastMessageDate": 7, "initialLocation": "panel", "odd": [1]}
    text = json.dumps({"version": 1, "entries": {"a": old}}, indent=1)
    fill(store, text)
    report = run(env, str(env.home / "shop"))
    assert (report.added, report.known, report.problems, report.refused) == ({"b": "B", "c": "C"}, 1, [], None)
    assert json.dumps(old, indent=1).replace("\n", "\n  ") in rows(store.database)[index.KEY]
    assert [*listed(store)] == ["a", "b", "c"]
    assert {key: rows(store.database)[key] for key in OTHER_KEYS} == OTHER_KEYS
    assert report.backup is not None and rows(report.backup)[index.KEY] == text
    again = run(env)
    assert (again.added, again.known, again.backup) == ({}, 3, None)


def test_a_workspace_without_a_database_gets_one(env: Env) -> None:
    store = opened(env, a=session("a"))
    assert run(env).added == {"a": "A"}
    assert [*listed(store)] == ["a"]


def test_windows_without_a_folder_have_their_own_list(env: Env) -> None:
    store = store_for(env, None)
    store.sessions.mkdir()
    (store.sessions / "e.json").write_text(json.dumps(session("e")))
    assert run(env).added == {"e": "E"}
    assert store.database == env.home / ".config/Code/User/globalStorage/state.vscdb"
    assert [*listed(store)] == ["e"]


def test_a_dry_run_writes_nothing(env: Env) -> None:
    store = opened(env, a=session("a"))
    assert run(env, dry_run=True).added == {"a": "A"}
    assert not store.database.exists() and not (env.home / "backup").exists()


def test_an_index_vscode_would_throw_away_is_mended(env: Env) -> None:
    """One entry is bad: VS Code 1.139 shows nothing at all. It gets a new one if its file is there, else it goes."""
    store = opened(env, a=session("a"), b=session("b"))
    good = {"sessionId": "b", "title": "b", "lastMessageDate": 1, "initialLocation": "panel"}
    fill(store, json.dumps({"version": 1, "entries": {"a": {"sessionId": "a"}, "b": good, "gone": {}}}))
    report = run(env)
    assert listed(store) == {"a": index.entry_of("a", session("a")), "b": good}
    assert report.mended == {"a": "A"} and "rejected" in report.warnings[0]


def test_a_damaged_index_is_made_of_all_files(env: Env) -> None:
    store = opened(env, a=session("a"), b=session("b"))
    fill(store, '{"version":1,"entries":{"a":')
    report = run(env)
    assert [*listed(store)] == ["a", "b"]
    assert report.backup is not None and rows(report.backup)[index.KEY] == '{"version":1,"entries":{"a":'
    assert "made anew" in report.warnings[0]


def test_an_entry_that_hides_a_session_is_mended(env: Env) -> None:
    """VS Code marks a session as empty when it could not load it; other keys of the entry stay."""
    store = opened(env, a=session("a"))
    hidden = {"sessionId": "a", "title": "mine", "lastMessageDate": 1, "isEmpty": True, "permissionLevel": "default"}
    fill(store, json.dumps({"version": 1, "entries": {"a": hidden}}))
    assert run(env).mended == {"a": "mine"}
    made = listed(store)["a"]
    assert (made["isEmpty"], made["initialLocation"], made["title"]) == (False, "panel", "mine")
    assert made["permissionLevel"] == "default"


def test_what_vscode_would_wipe_is_not_listed(env: Env) -> None:
    """A part of a kind it does not know makes VS Code write the session back without its requests."""
    unknown = state({"requestId": "r", "message": {"text": "t", "parts": [{"kind": "hologram"}]}, "response": []})
    store = opened(env, a=unknown, b=b'{"kind":1}\n', c=b"\xff", d=session("d"), e=lines(initial(state())))
    report = run(env)
    assert report.added == {"d": "D"} and [*listed(store)] == ["d"]
    assert {Path(problem.path).stem for problem in report.problems} == {"a", "b", "c"}
    assert "unknown kind" in report.problems[0].reason


def test_the_log_counts_where_there_are_two_files(env: Env) -> None:
    log = lines(initial(session("a")), push("requests", v=[asked(2, "And?", "So.")]))
    store = opened(env, a=session("a"))
    (store.sessions / "a.jsonl").write_bytes(log)
    run(env)
    assert listed(store)["a"]["lastMessageDate"] == asked(2)["timestamp"]


def test_names_that_lead_elsewhere_are_no_sessions(env: Env) -> None:
    store = opened(env, a=session("a"))
    for name in (".hidden.json", "a b.json", "ä.json", "x" * 205 + ".json", "notes.txt"):
        (store.sessions / name).write_text(json.dumps(session("z")))
    assert run(env).added == {"a": "A"}


def test_only_the_workspace_that_is_meant_is_written(env: Env) -> None:
    opened(env, a=session("a"))
    (env.home / "other").mkdir()
    assert register(env, str(env.home / "other"), backup=env.home / "b") == []
    assert [*run(env, str(env.home / "shop") + "/").added] == ["a"]


# --- editors that run -------------------------------------------------------------------------------------------------


def lock(env: Env, pid: int) -> Path:
    path = env.home / ".config/Code/code.lock"
    path.write_text(str(pid))
    return path


def test_nothing_is_written_while_the_editor_runs(env: Env) -> None:
    store = opened(env, a=session("a"))
    fill(store, None)
    before = store.database.read_bytes()
    lock(env, os.getpid())
    report = run(env)
    assert report.refused is not None and f"process {os.getpid()}" in report.refused and report.added == {"a": "A"}
    assert store.database.read_bytes() == before
    forced = run(env, force=True)
    assert forced.refused is None and "may write its own list" in forced.warnings[0]
    assert [*listed(store)] == ["a"]


def test_a_lock_of_a_dead_process_is_none(env: Env) -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    path = lock(env, done.pid)
    user = store_for(env, None).user
    assert running(user, env) is None
    path.write_text(str(os.getpid()))
    if sys.platform == "linux":  # the number is somebody else's by now: the process began after the lock was written
        os.utime(path, (1, 1))
        assert running(user, env) is None
    for text in ("", "-1", "0", "99999999999", "many", "\x00"):
        path.write_text(text)
        assert running(user, env) is None


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no such sockets here")
def test_an_editor_that_answers_runs(env: Env) -> None:
    user = store_for(env, None).user
    with tempfile.TemporaryDirectory() as runtime:  # a socket's path must be short
        there = replace(env, variables={"XDG_RUNTIME_DIR": runtime})
        scope = hashlib.sha256(str(user.parent).encode()).hexdigest()[:8]
        path = Path(runtime) / f"vscode-{scope}-1.13-main.sock"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            server.listen()
            said = running(user, there)
            assert said is not None and str(path) in said
        assert path.exists() and running(user, there) is None  # left behind by one that crashed


def test_an_open_window_is_an_editor_that_runs(env: Env) -> None:
    store = opened(env, a=session("a"))
    window = store.folder / "vscode.lock"
    for content, is_open in (
        ({"pid": os.getpid(), "willReleaseAt": 0}, True),
        ({"pid": os.getpid(), "willReleaseAt": 1}, False),
        ({"pid": "many"}, False),
        ([], False),
    ):
        window.write_text(json.dumps(content))
        assert (running(store.user, env, store.folder) is not None) is is_open
    window.write_text(json.dumps({"pid": os.getpid(), "willReleaseAt": 0}))
    os.utime(window, (time.time() - 3600,) * 2)
    assert running(store.user, env, store.folder) is None


# --- which folder -----------------------------------------------------------------------------------------------------


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def test_the_id_of_a_workspace_is_vscodes(env: Env) -> None:
    shop = env.home / "shop"
    there = shop.stat()
    assert workspace_id(str(shop), env) == md5(f"{shop}{there.st_ino}") == workspace_id(f"{shop}/", env)
    assert workspace_id(str(env.home / "gone"), env) is None
    assert workspace_id("vscode-remote://wsl%2Bubuntu/home/ana", env) == md5("vscode-remote://wsl%2Bubuntu/home/ana")
    assert workspace_id("/home/Ana/A.code-workspace", env) == md5("/home/Ana/A.code-workspace")
    mac = replace(env, platform="darwin")
    assert workspace_id("/Users/Ana/A.code-workspace", mac) == md5("/users/ana/a.code-workspace")
    born = getattr(there, "st_birthtime", there.st_ctime)
    assert workspace_id(str(shop), mac) == md5(f"{shop}{int(born * 1000 + 0.5)}")
    assert workspace_id(str(shop), replace(env, platform="win32")) == md5(f"{shop}{int(born * 1000)}")


def test_a_folder_that_was_made_anew_has_a_new_store(env: Env) -> None:
    """The old one stays where it is, and VS Code never looks there again."""
    old = opened(env, a=session("a"))
    (env.home / "between").mkdir()  # takes the next inode
    (env.home / "shop").rename(env.home / "was")
    (env.home / "shop").mkdir()
    new = store_for(env, str(env.home / "shop"))
    assert new.folder != old.folder and new.uri == old.uri and not new.folder.exists()
    assert stores_of(env, str(env.home / "shop")) == [old]
    (env.home / "shop").rmdir()
    assert store_for(env, str(env.home / "shop")) == old  # not there at all: the one that knew it


def test_the_editor_that_knows_the_workspace_is_taken(tmp_path: Path) -> None:
    env = home_of(tmp_path)
    assert store_for(env, str(tmp_path / "shop")).editor == "Code"
    home_of(tmp_path, "VSCodium")
    found = store_for(env, str(tmp_path / "shop"), "VSCodium")
    found.sessions.mkdir(parents=True)
    (found.folder / "workspace.json").write_text(json.dumps({"folder": found.uri}))
    assert store_for(env, str(tmp_path / "shop")) == found


@pytest.mark.parametrize("name", ["Cursor", "Windsurf", "Kiro"])
def test_editors_with_chats_of_their_own_are_not_written(tmp_path: Path, name: str) -> None:
    env = home_of(tmp_path, name)
    (tmp_path / ".vscode-server/data/User/globalStorage").mkdir(parents=True)
    with pytest.raises(NoEditor, match="VS Code has never run here"):
        store_for(env, str(tmp_path / "shop"))


def test_a_workspace_that_is_nowhere_has_no_store(env: Env) -> None:
    with pytest.raises(NoEditor, match="not on this machine"):
        store_for(env, "/home/somebody/else")


def test_remote_and_odd_folders_have_uris_as_vscode_writes_them(env: Env) -> None:
    odd = env.home / "a b%ü#?"
    odd.mkdir()
    uri = store_for(env, str(odd)).uri
    assert uri == f"file://{env.home}/a%20b%25%C3%BC%23%3F"
    remote = "vscode-remote://ssh-remote%2Bbox/srv/shop"
    store = store_for(env, remote)
    assert store == Store(store.user, store.user / "workspaceStorage" / md5(remote), remote)


def test_real_files_are_listed(env: Env) -> None:
    store = opened(env)
    for case in ("flat", "log", "agent", "twins"):
        for path in (FIXTURES / "vscode" / case).rglob("chatSessions/*"):
            (store.sessions / path.name).write_bytes(path.read_bytes())
    report = run(env)
    assert len(report.added) >= 8 and {*listed(store)} == {*report.added}
    assert all(index.acceptable(entry) for entry in listed(store).values())

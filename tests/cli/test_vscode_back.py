"""Chats of VS Code, lost and put back: `harvest`, `fetch path`, `register all`, `resume --in vscode`."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from chasm_git.outputs.cli.main import main
from chasm_git.providers.writers.vscode_workspaces import Store
from tests.cli.calling import Program
from tests.conftest import git
from tests.providers.vscode_case import FIXTURES, asked, state
from tests.providers.vscode_home import OTHER_KEYS, fill, home_of, listed, opened, put, rows

LOST = "5e550003-0000-4000-8000-000000000003"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The store of a folder ``shop`` in VS Code, with two chats that are listed."""
    home = tmp_path / "vscode"
    env = home_of(home)
    monkeypatch.setenv("HOME", str(home))
    store = opened(env)
    for path in (FIXTURES / "vscode" / "flat").rglob("*.json"):
        if path.parent.name == "chatSessions":
            shutil.copy(path, store.sessions)
    fill(store, None)
    return store


def test_a_lost_chat_comes_back(fresh: Program, store: Store) -> None:
    shop = str(store.user.parents[2] / "shop")
    fresh("harvest", "run")
    assert fresh("register", "all", "--path", shop).out.startswith("3 registered")
    assert len(listed(store)) == 3
    assert fresh("register", "all", "--path", shop).out.startswith("3 same")

    (store.sessions / f"{LOST}.json").unlink()
    store.database.unlink()
    assert fresh("fetch", "path", shop, "--dry-run").out.startswith("would be: 1 restored, 2 registered")
    assert not store.database.exists()
    called = fresh("fetch", "path", shop, "--json").json
    assert sorted(row["outcome"] for row in called["sessions"]) == ["registered", "registered", "restored"]
    assert (store.sessions / f"{LOST}.json").exists() and len(listed(store)) == 3
    assert fresh("harvest", "run").out.startswith("nothing new")


def test_files_that_no_archive_has_are_listed(fresh: Program, store: Store) -> None:
    fresh("harvest", "run")
    shop = str(store.user.parents[2] / "shop")
    put(store, "new", state(asked(1, "Is this listed?", "It is."), sessionId="new"))
    put(store, "torn", b'{"kind":')
    assert "would be: 4 registered, 1 failed" in fresh("register", "all", "--path", shop, "--dry-run", expect=1).out
    called = fresh("register", "all", "--path", shop, expect=1)
    assert "Is this listed?" in called.out and "VS Code would lose it" in called.out
    assert len(listed(store)) == 4


def test_without_an_archive_vscode_lists_its_files_again(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    home = store.user.parents[2]
    assert main(["register", "all", "--path", str(home / "shop")]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("3 registered") and "there is no archive yet" in err
    assert len(listed(store)) == 3
    (kept,) = (home / ".local" / "share" / "chasm" / "replaced").rglob("*.vscdb")
    assert rows(kept) == OTHER_KEYS  # as it was
    assert main(["register", "all", "--path", str(home / "shop")]) == 0  # all are listed
    assert main(["register", "all", "--path", str(home / "shpo")]) == 1
    assert "no session of '" in capsys.readouterr()[1]
    assert main(["-C", str(home / "none"), "register", "all", "--path", str(home / "shop")]) == 1  # one was named


def test_nothing_is_written_while_vscode_runs(fresh: Program, store: Store) -> None:
    fresh("harvest", "run")
    shop = str(store.user.parents[2] / "shop")
    put(store, "new", state(asked(1, "Is this listed?", "It is."), sessionId="new"))
    (store.user.parent / "code.lock").write_text(str(os.getpid()))
    assert "quit it and try again" in fresh("register", "all", "--path", shop, expect=1).out
    called = fresh("register", "all", "--path", shop, "--force").out
    assert "4 registered" in called and "may write its own list" in called
    assert len(listed(store)) == 4


def test_a_session_of_another_tool_goes_on_in_vscode(chasm: Program, store: Store) -> None:
    shop = store.user.parents[2] / "shop"
    (name,) = [one["id"] for one in chasm("list", "sessions", "--json").json]
    called = chasm("resume", name, "--in", "vscode", "--path", str(shop))
    assert called.out == f"code {shop}\n"
    assert "Chat view" in called.err and "'Fix the login redirect'" in called.err
    ((key, entry),) = listed(store).items()
    assert entry["title"] == "Fix the login redirect" and not entry["isEmpty"]
    made = json.loads((store.sessions / f"{key}.json").read_bytes())
    assert made["requests"][0]["message"]["text"] == "Why does the login page redirect twice?"
    assert "has it" in chasm("resume", name, "--in", "vscode", "--path", str(shop)).err
    chasm("harvest", "run")
    assert git(chasm.archive, "fsck", "--strict") == ""

"""What was put back is nothing new to a harvest; what was converted is known as a fork of what it was made of."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chasm_git.api import Archive, Env, make_archive
from chasm_git.providers.writing import contract
from chasm_git.session.model import Session
from tests.conftest import git
from tests.providers import writing_case as case
from tests.providers.vscode_case import asked, state
from tests.providers.vscode_home import fill, home_of, opened, put

WRITERS = [name for name in contract.WRITERS if name not in ("vscode", "aider")]
"""Those that put sessions where a harvest looks, without an editor."""


def home_like(source: Path, name: str, folder: Path) -> Env:
    """A home the way its tool leaves one that lost all its sessions."""
    env = case.home_for(name, folder)
    if name == "opencode" and any(source.rglob("*.db")):
        case.database(name, env.home)
    return env


@pytest.mark.parametrize(
    ("name", "home"),
    [(name, home) for name in WRITERS for home in case.homes(name)],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_a_harvest_finds_nothing_new(name: str, home: Path, tmp_path: Path) -> None:
    with make_archive(tmp_path / "archive") as archive:
        shutil.copytree(home, tmp_path / "home")
        full = Env(tmp_path / "home")
        first = archive.harvest(full, providers=[name])
        ids = [result.id for result in first.results]
        shutil.rmtree(full.home)
        env = home_like(home, name, tmp_path)
        if not ids:
            pytest.skip("this Python reads none of them")
        report = archive.fetch(env, names=ids)
        bad = [row for row in report.rows if row.outcome not in ("restored", "same", "completed")]
        known = ("names no folder", "does not look at any more")  # no place to go to
        assert [row.reason for row in bad if not any(reason in str(row.reason) for reason in known)] == []
        ids = [row.id for row in report.rows if row not in bad]
        head = git(archive.path, "rev-parse", "HEAD")
        second = archive.harvest(env, providers=[name])
        assert (second.commit, second.results) == (None, [])
        assert [str(problem) for problem in second.problems if problem.fatal] == []
        assert git(archive.path, "rev-parse", "HEAD") == head
        for key in ids:
            assert [row.outcome for row in archive.fetch(env, names=[key]).rows] == ["same"]


def sessions(archive: Archive) -> dict[str, Session]:
    found = {}
    for path in archive.session_files():
        session = archive.session(archive.find(path.rpartition("/")[2].removesuffix(".yaml")))
        found[session.id] = session
    return found


@pytest.mark.parametrize("into", [name for name in WRITERS if name not in ("kilo-cli", *contract.ONLY_OWN)])
def test_a_copy_is_a_fork_of_what_it_was_made_of(into: str, tmp_path: Path) -> None:
    source = "codex" if into == "claude-code" else "claude-code"
    with make_archive(tmp_path / "archive") as archive:
        env = case.home_for(into, tmp_path)
        shutil.copytree(case.FIXTURES / "demo" / source, env.home, dirs_exist_ok=True)
        archive.harvest(env)
        (one,) = [session for session in sessions(archive).values() if session.parent is None]
        folder = env.home / "project"
        row = archive.resume(one.id, env, into=into, path=folder)
        assert (row.outcome, row.folder) == ("copied", str(folder))
        assert archive.resume(one.id, env, into=into, path=folder).outcome == "same"
        report = archive.harvest(env)
        assert [(result.provider, result.id) for result in report.results] == [(into, row.session_id)]
        made = sessions(archive)[row.session_id]
        assert (made.forked_from, made.parent, made.workspace) == (one.id, None, str(folder))
        assert archive.harvest(env).commit is None
        back = archive.fetch(env, names=[row.session_id])
        assert [row.outcome for row in back.rows] == ["same"]


def test_a_torn_log_that_was_mended_is_nothing_new(tmp_path: Path) -> None:
    """VS Code's log is cut off, the object beside it is whole: what is put back is what the archive has."""
    env = home_of(tmp_path / "home")
    store = opened(env)
    fill(store, None)
    put(store, "s1", state(asked(1, "Is this?", "It is."), sessionId="s1"))
    log = put(store, "s1", b'{"kind":')
    with make_archive(tmp_path / "archive") as archive:
        assert archive.harvest(env).commit is not None
        assert [row.outcome for row in archive.fetch(env, names=["s1"]).rows] == ["completed"]
        assert b'{"kind":0' in log.read_bytes()
        second = archive.harvest(env)
        assert (second.commit, second.results, second.problems) == (None, [], [])
        assert b'"unread"' in archive.repository.read(archive.find("s1").blob)  # what was torn stays in the archive

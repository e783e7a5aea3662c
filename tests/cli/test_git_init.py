"""`chasm git init`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calling import Program
from tests.conftest import git


@pytest.fixture
def program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Program:
    return Program(tmp_path / "archive", capsys)


def test_it_makes_an_archive_that_git_knows(program: Program) -> None:
    called = program("git", "init")
    assert called.out == f"made an archive at {program.archive} (branch main)\n"
    assert git(program.archive, "status", "--porcelain") == ""
    assert git(program.archive, "config", "merge.chasm.name") == "chasm session merge\n"
    git(program.archive, "fsck", "--strict")


def test_again_changes_nothing(program: Program) -> None:
    program("git", "init")
    before = git(program.archive, "rev-parse", "HEAD")
    made = program("git", "init", "--json").json
    assert (made["new"], made["installed"], made["branch"]) == (False, [], "main")
    assert git(program.archive, "rev-parse", "HEAD") == before


def test_a_folder_and_a_bare_one(program: Program, tmp_path: Path) -> None:
    made = program("git", "init", str(tmp_path / "here"), "--branch", "sessions", "--json").json
    assert (made["path"], made["branch"], made["worktree"]) == (
        str(tmp_path / "here"),
        "sessions",
        str(tmp_path / "here"),
    )
    bare = program("git", "init", str(tmp_path / "bare.git"), "--bare", "--json").json
    assert (bare["git_dir"], bare["worktree"]) == (str(tmp_path / "bare.git"), None)
    assert not program.archive.exists()


def test_inside_a_project(program: Program, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    git(project, "init", "-q", "-b", "main")
    (project / "app.py").write_text("pass\n")
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "code")
    made = program("git", "init", "--project", str(project), "--json").json
    assert (made["branch"], made["worktree"]) == ("chasm", None)
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "branch", "--show-current") == "main\n"
    assert "chasm.yaml" in git(project, "ls-tree", "--name-only", "chasm")
    assert program("git", "init", "--project", str(project), "somewhere", expect=2).err.count("\n") == 1


def test_with_hooks(program: Program) -> None:
    program("git", "init", "--hooks")
    assert (program.archive / ".git" / "hooks" / "pre-commit").stat().st_mode & 0o111


def test_a_dry_run_makes_nothing(program: Program) -> None:
    assert program("git", "init", "--dry-run").out == f"would make an archive at {program.archive}\n"
    assert not program.archive.exists()
    program("git", "init")
    assert program("git", "init", "--dry-run").out == f"would complete the archive at {program.archive}\n"


def test_something_else_is_in_the_way(program: Program) -> None:
    program.archive.mkdir()
    (program.archive / "file").write_text("mine")
    called = program("git", "init", expect=1)
    assert "not an empty folder" in called.err and called.err.count("\n") == 1
    assert [path.name for path in program.archive.iterdir()] == ["file"]

"""The user's git: what it is told, what it is not told, and how its complaints read."""

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from chasm_git.archive.plumbing.git import REPOSITORY_VARIABLES, Git, GitError, GitMissing
from chasm_git.errors import ChasmError


def git(folder, *arguments):
    done = subprocess.run(
        ["git", "-c", "user.name=Ana", "-c", "user.email=ana@example.org", *arguments],
        cwd=folder,
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def place(tmp_path):
    top = tmp_path / "repository"
    top.mkdir()
    git(top, "init", "-q", "-b", "main")
    (top / "a b.txt").write_text("one\n")
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "first")
    return SimpleNamespace(git_dir=top / ".git", worktree=top)


def test_it_answers_in_bytes_and_in_text(place):
    head = git(place.worktree, "rev-parse", "HEAD")
    assert Git(place).run("rev-parse", "HEAD") == f"{head}\n".encode()
    assert Git(place).text("rev-parse", "HEAD") == head


def test_stdin_reaches_it(place):
    answer = Git(place).run("cat-file", "--batch-check=%(objecttype)", stdin=b"HEAD\nHEAD:a b.txt\n")
    assert answer == b"commit\nblob\n"


def test_a_failure_is_one_line_that_says_why(place):
    with pytest.raises(GitError) as caught:
        Git(place).run("rev-parse", "--verify", "--end-of-options", "--help")
    assert str(caught.value) == "git rev-parse: Needed a single revision"
    assert caught.value.status == 128
    assert isinstance(caught.value, ChasmError)


def test_an_expected_status_is_no_failure(place):
    assert Git(place).run("config", "--get", "no.such", ok=(0, 1)) == b""
    assert Git(place).config("no.such") is None
    assert Git(place).config("core.bare") == "false"


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"])
def test_inherited_variables_do_not_lead_it_elsewhere(place, monkeypatch, tmp_path, name):
    monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    assert Git(place).text("status", "--porcelain") == ""
    assert Git(place).text("ls-files") == "a b.txt"
    assert os.environ[name] == str(tmp_path / "elsewhere")


def test_the_list_of_variables_is_gits_own(place):
    # settings handed down with `git -c` belong to the person, not to a repository
    kept = {"GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT", "GIT_INTERNAL_SUPER_PREFIX"}
    assert set(Git(place).text("rev-parse", "--local-env-vars").split()) - kept <= set(REPOSITORY_VARIABLES)


def test_another_index_can_be_named(place, tmp_path):
    assert Git(place, index=tmp_path / "none").text("ls-files") == ""


def test_nobody_is_asked_for_a_password_when_nobody_is_there(place):
    place.worktree.joinpath("print-env").write_text('#!/bin/sh\nprintf "%s" "$GIT_TERMINAL_PROMPT"\n')
    place.worktree.joinpath("print-env").chmod(0o755)
    git(place.worktree, "config", "alias.env", "!./print-env")
    assert Git(place).text("env") == "0"
    assert Git(place, attended=True).text("env") == os.environ.get("GIT_TERMINAL_PROMPT", "")


def test_paths_are_taken_as_they_are(place):
    (place.worktree / "*.txt").write_text("a star\n")
    git(place.worktree, "add", ".")
    assert Git(place).text("ls-files", "--", "*.txt") == "*.txt"


def test_the_protocol_that_runs_commands_is_off(place):
    with pytest.raises(GitError, match="transport 'ext' not allowed"):
        Git(place).run("ls-remote", "--", "ext::sh -c true")


def test_a_stream_can_be_left_early_and_read_to_the_end(place):
    with Git(place).stream("log", "--format=%s") as out:
        assert out.read() == b"first\n"
    with Git(place).stream("cat-file", "--batch-all-objects", "--batch") as out:
        assert out.readline()
    with pytest.raises(GitError, match="unknown revision"), Git(place).stream("log", "nothing") as out:
        out.read()


def test_a_stream_ends_with_what_went_wrong_in_the_block(place):
    with pytest.raises(ZeroDivisionError), Git(place).stream("log") as out:
        out.read(1)
        raise ZeroDivisionError


def test_the_version_is_numbers(place):
    assert Git(place).version() >= (2, 30)


def test_a_machine_without_git_is_told_so(place, monkeypatch):
    import git as gitpython

    monkeypatch.setattr(gitpython.Git, "GIT_PYTHON_GIT_EXECUTABLE", "git-that-is-not-there")
    with pytest.raises(GitMissing, match="not installed"):
        Git(place).run("status")


def test_a_folder_that_is_no_repository(tmp_path):
    with pytest.raises(GitError, match="not a git repository"):
        Git(SimpleNamespace(git_dir=tmp_path / "none", worktree=None)).run("log")


def test_no_process_is_left(place):
    before = set(Path("/proc").glob("[0-9]*/stat")) if Path("/proc").exists() else set()
    for _ in range(3):
        Git(place).run("status")
    ours = str(os.getpid())
    after = set(Path("/proc").glob("[0-9]*/stat")) - before if Path("/proc").exists() else set()
    for path in after:
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        assert fields[1] != ours

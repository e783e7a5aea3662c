"""The hook of a backup remote: it only ever grows, and what is pushed to it can be read."""

import subprocess
from pathlib import Path

import pytest

from chasm_git.archive.install import install
from chasm_git.archive.repo import init_archive
from tests.archive.repository import PATH, run, save, session

FIRST, SECOND = PATH.format("1"), PATH.format("2")


def push(top, *arguments):
    """Exit code and what git said."""
    command = ["git", "push", "-q", "origin", *arguments]
    done = subprocess.run(command, cwd=top, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.fixture
def clone(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))  # where it is not installed
    with init_archive(tmp_path / "backup.git", bare=True) as remote:
        install(remote, hooks=True)
    # the hook alone is to be seen at work
    run(tmp_path / "backup.git", "config", "receive.denyNonFastForwards", "false")
    run(tmp_path / "backup.git", "config", "receive.denyDeletes", "false")
    with init_archive(tmp_path / "laptop") as archive:
        run(archive.path, "remote", "add", "origin", str(tmp_path / "backup.git"))
        save(archive, {FIRST: session(1, "hello")})
        assert push(archive.path, "main") == (0, "")
        yield archive


def commit(clone, path, data):
    (clone.path / path).parent.mkdir(parents=True, exist_ok=True)
    (clone.path / path).write_bytes(data)
    run(clone.path, "add", "-A")
    run(clone.path, "commit", "-qm", "by hand")


def test_growth_is_taken_and_a_rewind_is_not(clone):
    save(clone, {SECOND: session(2, "more")})
    assert push(clone.path, "main") == (0, "")
    run(clone.path, "reset", "-q", "--hard", "HEAD~1")
    status, said = push(clone.path, "--force", "main")
    assert status and "take commits away" in said


def test_nothing_is_deleted_and_no_snapshot_moves(clone):
    run(clone.path, "tag", "-a", "-m", "x", "lunch")
    assert push(clone.path, "lunch") == (0, "")
    save(clone, {SECOND: session(2, "more")})
    run(clone.path, "tag", "-f", "-a", "-m", "y", "lunch")
    status, said = push(clone.path, "--force", "lunch")
    assert status and "does not move" in said
    status, said = push(clone.path, "--delete", "main")
    assert status


def test_a_session_that_does_not_parse_is_refused(clone):
    commit(clone, SECOND, b"<<<<<<< ours\n")
    status, said = push(clone.path, "main")
    assert status and SECOND in said


def test_links_and_odd_places_are_refused(clone):
    (clone.path / "sessions" / "link.yaml").symlink_to("/etc/passwd")
    run(clone.path, "add", "-A")
    run(clone.path, "commit", "-qm", "link")
    status, said = push(clone.path, "main")
    assert status and "symbolic link" in said
    run(clone.path, "reset", "-q", "--hard", "HEAD~1")
    commit(clone, "sessions/codex/odd.yaml", session("odd", "x"))
    status, said = push(clone.path, "main")
    assert status and "odd.yaml" in said

"""Clones that do not hold everything: what is missing is said, the rest is found, and what comes later too."""

from __future__ import annotations

import subprocess

import pytest

from chasm_git.api import Unreadable, open_archive
from chasm_git.archive import repo
from tests.archive.making import git, new_session, put
from tests.cache.test_search import found, full

MISSING = "its content is missing from the repository"


@pytest.fixture
def clones(tmp_path):
    """An archive, and a partial clone of it that lacks its latest sessions."""
    with repo.init_archive(tmp_path / "whole") as whole:
        put(whole, new_session("a", "alpha one"), files={"chasm.yaml": b"chasm: 1\n"})
        git(whole, "config", "uploadpack.allowFilter", "true")
        place = tmp_path / "partial"
        subprocess.run(
            ["git", "clone", "-q", "--filter=blob:none", f"file://{whole.path}", str(place)], check=True, timeout=60
        )
        session, attached = full()
        put(whole, new_session("a", "alpha one", "alpha two"), new_session("b", "alpha three"))
        put(whole, session, attachments=attached)
        with repo.open_archive(place) as partial:
            git(partial, "fetch", "-q")
            git(partial, "update-ref", "HEAD", "FETCH_HEAD")
            yield whole, partial


def test_missing_sessions_are_said_and_found_once_they_are_there(clones):
    _, partial = clones
    with open_archive(partial.path) as archive:
        for _ in range(2):
            results = archive.search("alpha")
            assert results.matches == []
            assert {reason for _, reason in results.unread} == {MISSING} and len(results.unread) == 3
        assert [str(one).count(MISSING) for one in archive.sessions() if isinstance(one, Unreadable)] == [1, 1, 1]
        assert archive.titles(archive.session_files()) == {}
    git(partial, "cat-file", "-p", "HEAD:sessions/codex/2026/02/b.yaml")  # git fetches it
    assert found(partial, "alpha", notice=pytest.fail) == ["b"]
    git(partial, "reset", "-q", "--hard")
    assert found(partial, "alpha", notice=pytest.fail) == ["a", "b"]
    assert found(partial, "deepword") == ["full"]


def test_a_remote_that_is_gone_changes_nothing(clones):
    whole, partial = clones
    whole.path.rename(whole.path.with_name("gone"))
    assert found(partial, "alpha") == []
    with open_archive(partial.path) as archive:
        assert len(archive.search("alpha").unread) == 3

"""Folders of sessions on this machine: clones are told by their remotes, however these are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from chasm_git.session.model import Session
from chasm_git.writeback import folders
from tests.conftest import git


@pytest.mark.parametrize(
    "url",
    [
        "git@example.org:ana/shop.git",
        "ssh://git@example.org:2222/ana/shop",
        "https://ana:secret@Example.org/ana/shop.git",
        "https://example.org/ana/shop/",
    ],
)
def test_one_remote_however_it_is_written(url: str) -> None:
    assert folders.address(url) == "example.org/ana/shop"


@pytest.mark.parametrize("path", ["/srv/git/shop.git", "../shop", "", "file:///srv/shop", "C"])
def test_a_path_is_no_remote_of_two_machines(path: str) -> None:
    assert folders.address(path) is None


def test_the_clone_is_found_here_above_and_below(tmp_path: Path) -> None:
    clone = tmp_path / "work" / "shop"
    (clone / "deep" / "down").mkdir(parents=True)
    git(clone, "init", "-q")
    git(clone, "remote", "add", "up", "https://example.org/ana/shop")
    session = Session("x", "codex", git={"remote": "git@example.org:ana/shop.git"})
    for near in (clone, clone / "deep" / "down", tmp_path / "work"):
        assert folders.clone_of(session, near) == clone
    assert folders.clone_of(session, tmp_path) is None
    assert folders.clone_of(Session("x", "codex", git={"remote": 1}), clone) is None
    assert folders.clone_of(Session("x", "codex"), clone) is None


def test_the_clone_is_found_in_a_worktree_of_it(tmp_path: Path) -> None:
    clone, tree = tmp_path / "clone", tmp_path / "tree"
    clone.mkdir()
    git(clone, "init", "-q")
    git(clone, "remote", "add", "origin", "git@example.org:ana/shop")
    git(clone, "commit", "-q", "--allow-empty", "-m", "x")
    git(clone, "worktree", "add", "-q", str(tree))
    assert folders.remotes(tree) == {"example.org/ana/shop"}


def test_what_cannot_be_read_is_no_clone(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_bytes(b"\xff[[[ broken\n]")
    assert folders.remotes(tmp_path) == set()
    assert folders.remotes(tmp_path / "none") == set()


def test_a_folder_moves_with_what_is_below_it() -> None:
    assert folders.moved("/a/shop/web", "/a/shop", "/b") == "/b/web"
    assert folders.moved("/a/shop", "/a/shop/", "/b") == "/b"
    assert folders.moved("file:///a/my%20shop/web", "/a/my shop", "/b") == "/b/web"
    assert folders.moved("/elsewhere", "/a", "/b") == "/b"

"""What waits for a decision, as remembered, is what a look at every file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from chasm_git.archive.layout import session_path
from chasm_git.archive.repo import open_archive
from chasm_git.archive.syncing.conflicts import undecided
from chasm_git.archive.syncing.undecided import NAME, undecided_paths
from chasm_git.session.model import Message, Session
from tests.conftest import Keep, git


def made(key: str, *, waits: bool = False, text: str = "hello") -> Session:
    message = Message("m", "user", "2026-01-08T12:00:00.000Z", text)
    message.variants = [{"role": "user", "content": "another wording"}] if waits else []
    return Session(key, "codex", created_at="2026-01-08T12:00:00.000Z", messages=[message])


def path_of(key: str) -> str:
    return session_path("codex", key, "2026-01-08T12:00:00.000Z")


def looked(place: Path) -> set[str]:
    """What is remembered, which must be what there is."""
    with open_archive(place) as archive:
        commit = archive.head()
        found = undecided_paths(archive, commit)
        assert found == set(undecided(archive, archive.files(commit)))
        assert found == undecided_paths(archive, commit)
    return found


def test_after_anything_that_moves_the_branch(keep: Keep) -> None:
    said_in_a_text = made("d", text="code:\n  variants:\nalternatives: x\n  variants:\n")
    place = keep([made("a"), made("b", waits=True), made("c"), said_in_a_text])
    assert looked(place) == {path_of("b")}
    keep([made("c", waits=True)])
    assert looked(place) == {path_of("b"), path_of("c")}
    keep([made("b")])
    assert looked(place) == {path_of("c")}
    git(place, "reset", "-q", "--hard", "HEAD~2")
    assert looked(place) == {path_of("b")}
    git(place, "rm", "-q", path_of("b"))
    git(place, "commit", "-q", "-m", "gone")
    assert looked(place) == set()


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"0" * 40 + b"\0", b"0" * 40 + b"\0sessions/codex/2026/01/x.yaml", b"\xff" * 100]
)
def test_what_is_remembered_can_be_lost(keep: Keep, data: bytes) -> None:
    place = keep([made("a", waits=True), made("b")])
    assert looked(place) == {path_of("a")}
    (place / ".git" / "chasm" / NAME).write_bytes(data)
    assert looked(place) == {path_of("a")}
    (place / ".git" / "chasm" / NAME).unlink()
    assert looked(place) == {path_of("a")}


@pytest.mark.parametrize("settings", [(), ("color.ui=always", "grep.patternType=perl", "submodule.recurse=true")])
def test_of_many(keep: Keep, settings: tuple[str, ...]) -> None:
    """More than are read one by one: git itself looks through them."""
    place = keep([made(f"s{number}", waits=number in (7, 99), text="  variants: none") for number in range(120)])
    for setting in settings:
        git(place, "config", *setting.split("="))
    assert looked(place) == {path_of("s7"), path_of("s99")}


def test_a_file_that_cannot_be_read_is_looked_for_again(keep: Keep) -> None:
    place = keep([made("a", waits=True), made("b")])
    blob = git(place, "rev-parse", f"HEAD:{path_of('a')}").strip()
    stored = place / ".git" / "objects" / blob[:2] / blob[2:]
    data = stored.read_bytes()
    stored.unlink()
    with open_archive(place) as archive:
        assert undecided_paths(archive, archive.head()) == set()
    stored.write_bytes(data)
    assert looked(place) == {path_of("a")}

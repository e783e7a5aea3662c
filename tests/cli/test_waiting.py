"""What waits is said: decisions of earlier syncs, merges that git has not finished, how a dry run would end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chasm_git.archive import layout
from chasm_git.session import codec
from chasm_git.session.model import Session
from tests.cli.calling import Program
from tests.conftest import Keep, git
from tests.session.fake_secrets import Fakes

SECRET = Fakes(41).github()


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    place = tmp_path / "backup.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(place)], check=True)
    return place


@pytest.fixture
def path(example: Session) -> str:
    return layout.session_path(example.provider, example.id, example.created_at)


def test_sync_ends_with_3_as_long_as_decisions_wait(chasm: Program, keep: Keep, example: Session, remote: Path) -> None:
    chasm("git", "remote", "add", "origin", str(remote))
    assert chasm("sync").code == 0
    example.messages[0].variants = [{"role": "user", "content": "another wording"}]
    keep([example])
    for _ in range(2):
        ended = chasm("sync", "--json", expect=3)
        assert len(ended.json["waiting"]) == 1
        assert "decisions wait in 1 file" in ended.err
    assert chasm("sync", "--dry-run", expect=3).out.startswith("in sync")
    assert chasm("git", "push").code == 0
    chasm("resolve", example.id, "--pick", "1")
    assert chasm("sync").code == 0


@pytest.fixture
def merging(chasm: Program, keep: Keep, example: Session, path: str) -> Iterator[Path]:
    """An archive in which a person merges two branches that say different things in one message."""
    chasm("git", "install")
    archive = chasm.archive
    git(archive, "branch", "other")
    example.messages[0].content = "one wording"
    keep([example])
    example.messages[0].content = "quite another one"
    git(archive, "checkout", "-q", "other")
    (archive / path).write_bytes(codec.dumps(example))
    git(archive, "commit", "-qam", "theirs")
    git(archive, "checkout", "-q", "main")
    yield archive


def merge(archive: Path) -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    variables = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}  # the driver needs the package
    command = ["git", *who, "merge", "other"]
    done = subprocess.run(command, cwd=archive, env=variables, capture_output=True, check=False)
    assert done.returncode == 1, done


def test_an_unfinished_merge_is_listed_and_its_end_said(chasm: Program, merging: Path, example: Session) -> None:
    merge(merging)
    ended = chasm("conflicts", expect=3)
    assert f"{example.id}  claude-code  message edited on both sides" in ended.out
    assert "one wording" in ended.out and "quite another one" in ended.out
    assert "a merge is unfinished" in ended.err and "git merge --abort" in ended.err
    assert [one["kind"] for one in chasm("conflicts", "--json", expect=3).json] == ["edit"]
    git(merging, "add", "-A")
    settled = chasm("conflicts")
    assert "a merge is unfinished" in settled.err
    git(merging, "commit", "-qm", "both")
    ended = chasm("conflicts", expect=3)
    assert "unfinished" not in ended.err
    chasm("resolve", example.id, "--pick", "2")
    assert "nothing waits" in chasm("conflicts").err


def test_a_merge_as_text_says_what_takes_the_marks_out(chasm: Program, merging: Path) -> None:
    chasm("git", "install", "--uninstall")
    (merging / ".git" / "info" / "attributes").write_text("* text merge\n")
    merge(merging)
    ended = chasm("conflicts", expect=3)
    assert "merged as text by git" in ended.out and "resolve --marked" in ended.err
    chasm("resolve", "--marked", expect=None)
    assert "message edited on both sides" in chasm("conflicts", expect=3).out


def test_a_file_one_side_deleted(chasm: Program, merging: Path, path: str) -> None:
    (merging / "notes.md").write_text("a\n")
    git(merging, "rm", "-q", path)
    git(merging, "add", "notes.md")
    git(merging, "commit", "-qm", "gone")
    git(merging, "checkout", "-q", "other")
    (merging / "notes.md").write_text("b\n")
    git(merging, "add", "notes.md")
    git(merging, "commit", "-qm", "notes")
    git(merging, "checkout", "-q", "main")
    merge(merging)
    assert {(one["path"], one["kind"]) for one in chasm("conflicts", "--json", expect=3).json} == {
        (path, "unmerged"),
        ("notes.md", "unmerged"),
    }


def test_a_dry_run_says_that_credentials_would_not_be_sent(
    chasm: Program, keep: Keep, example: Session, remote: Path
) -> None:
    chasm("git", "remote", "add", "origin", str(remote))
    example.messages[0].content = f"my token is {SECRET}"
    archive = keep([example])
    for command in (["sync"], ["git", "push"]):
        refused = chasm(*command, "--dry-run", "--json", expect=1)
        assert "nothing was sent" in refused.json["refused"] and SECRET not in refused.err
        assert refused.json["sent"]
        assert chasm(*command, "--dry-run", "--allow-secrets").code == 0
    assert git(remote, "for-each-ref") == ""
    example.messages[0].content = "no more"
    keep([example])
    said = chasm("sync", "--dry-run", expect=1).err
    assert f"chasm forget {example.id} --from-history" in said
    assert chasm("sync", expect=1).err.count("--from-history") == 1
    assert git(archive, "for-each-ref", "refs/remotes") == ""


def test_remotes_are_named_and_forgotten_without_doing_it(chasm: Program, remote: Path) -> None:
    before = (chasm.archive / ".git" / "config").read_bytes()
    would = chasm("git", "remote", "add", "origin", str(remote), "--dry-run", "--json").json
    assert (chasm.archive / ".git" / "config").read_bytes() == before
    done = chasm("git", "remote", "add", "origin", str(remote), "--json").json
    assert would == {**done, "dry_run": True}
    assert "already" in chasm("git", "remote", "add", "origin", "x", "--dry-run", expect=1).err
    assert chasm("git", "remote", "remove", "origin", "--dry-run").out.startswith("would forget origin")
    assert len(chasm("git", "remote", "list", "--json").json) == 1
    chasm("git", "remote", "remove", "nobody", "--dry-run", expect=1)
    chasm("git", "remote", "add", "ext", "ext::sh -c id", "--dry-run", expect=2)


@pytest.mark.parametrize(
    "asked",
    [
        ["harvest", "run", "--provider", "claud-code"],
        ["harvest", "run", "--exclude", "codx"],
        ["harvest", "run", "--provider", "chatgpt"],
        ["harvest", "watch", "--provider", "claud-code"],
        ["sync", "--pull", "--provider", "claud-code"],
        ["harvest", "import", "nowhere.json"],
        ["harvest", "import", ".", "--provider", "claud-ai"],
        ["import", "path", "nowhere"],
        ["import", "path", ".", "--provider", "claud-ai"],
    ],
)
def test_what_makes_no_sense_makes_no_archive(fresh: Program, asked: list[str]) -> None:
    fresh(*asked, expect=2)
    assert not fresh.archive.exists()

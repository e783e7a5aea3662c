"""`chasm resolve --marked`: files that git merged as text become session files again."""

import json
import subprocess
from copy import deepcopy

import pytest

from chasm_git.session import codec
from chasm_git.session.merge import merge
from chasm_git.session.model import Message
from tests.conftest import git


@pytest.fixture
def clashing(chasm, keep, example):
    """An archive in the middle of a merge that git made without us; its three versions."""
    archive = keep([example])
    (path,) = archive.glob("sessions/*/*/*/*.yaml")
    name = path.relative_to(archive).as_posix()
    versions = [codec.dumps(example)]
    for second, text in enumerate(("mine", "yours")):
        grown = deepcopy(example)
        grown.messages.append(
            Message(text, "user", f"2026-01-09T12:00:0{second}.000Z", f"{text}\nin lines", after=grown.messages[-1].id)
        )
        versions.append(codec.dumps(grown))
    (archive / ".git" / "info" / "attributes").write_text("*.yaml !merge\n")
    git(archive, "checkout", "-q", "-b", "other")
    path.write_bytes(versions[2])
    git(archive, "commit", "-q", "-a", "-m", "theirs")
    git(archive, "checkout", "-q", "-")
    path.write_bytes(versions[1])
    git(archive, "commit", "-q", "-a", "-m", "ours")
    identity = ("-c", "user.name=Ana", "-c", "user.email=ana@example.org")
    subprocess.run(["git", *identity, "merge", "-q", "other"], cwd=archive, capture_output=True, check=False)
    assert b"\n<<<<<<< " in path.read_bytes()
    return archive, name, versions


def test_a_merge_without_us_is_mended_and_committed(chasm, clashing):
    archive, name, versions = clashing
    with pytest.raises(codec.CodecError, match="chasm resolve --marked"):
        codec.loads((archive / name).read_bytes())
    before = (archive / name).read_bytes()
    assert chasm("resolve", "--marked", "--dry-run").out == f"would mend {name}\n"
    assert (archive / name).read_bytes() == before
    assert chasm("resolve", "--marked").out == f"mended {name}\n"
    assert (archive / name).read_bytes() == merge(*versions).data
    git(archive, "add", name)
    git(archive, "commit", "-q", "-m", "merged")
    assert json.loads(chasm("--json", "resolve", "--marked").out)["paths"] == []


def test_marks_that_were_committed_are_mended_too(chasm, clashing):
    archive, name, versions = clashing
    git(archive, "commit", "-q", "-a", "-m", "marks and all")
    chasm("resolve", "--marked", name)
    assert (archive / name).read_bytes() == merge(None, *versions[1:]).data


def test_a_bare_archive_gets_a_commit(chasm, clashing, tmp_path):
    archive, name, versions = clashing
    git(archive, "commit", "-q", "-a", "-m", "marks and all")
    bare = tmp_path / "bare.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(archive), str(bare)], check=True)
    chasm("-C", str(bare), "resolve", "--marked")
    assert git(bare, "show", f"HEAD:{name}").encode() == merge(None, *versions[1:]).data
    git(bare, "fsck", "--strict")


def test_marks_nobody_can_read_are_left_and_named(chasm, clashing):
    archive, name, _ = clashing
    torn = (archive / name).read_bytes().replace(b"\n=======\n", b"\n")
    (archive / name).write_bytes(torn)
    assert name in chasm("resolve", "--marked", expect=1).err
    assert (archive / name).read_bytes() == torn


def test_a_file_without_marks_is_refused_by_name(chasm, clashing):
    assert "holds conflict marks" in chasm("resolve", "--marked", "nothing", expect=1).err
    assert "--marked" in chasm("resolve", "--marked", "--ours", expect=2).err


@pytest.mark.parametrize("command", [("git", "verify"), ("hook", "pre-commit")], ids=" ".join)
def test_whoever_meets_the_marks_says_how_they_go(chasm, clashing, command, monkeypatch):
    archive, _, _ = clashing
    git(archive, "commit", "-q", "-a", "-m", "marks and all")
    (path,) = archive.glob("sessions/*/*/*/*.yaml")
    path.write_bytes(path.read_bytes() + b"\n")
    if command[0] == "hook":
        git(archive, "add", "-A")
    monkeypatch.chdir(archive)
    called = chasm(*command, expect=None)
    assert called.code != 0
    assert "chasm resolve --marked" in called.out + called.err

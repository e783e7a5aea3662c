"""`chasm git snapshot`."""

from __future__ import annotations

import re

import pytest

from tests.cli.calling import Program
from tests.conftest import git


def test_a_tag_with_a_name_and_words(chasm: Program) -> None:
    head = git(chasm.archive, "rev-parse", "HEAD").strip()
    called = chasm("git", "snapshot", "v1", "-m", "Before the move")
    assert called.out == f"snapshot v1: 1 sessions at {head[:12]}\n"
    assert git(chasm.archive, "rev-parse", "v1^{commit}").strip() == head
    assert git(chasm.archive, "for-each-ref", "--format=%(contents)", "refs/tags/v1").strip() == "Before the move"


def test_a_name_of_its_own(chasm: Program) -> None:
    made = chasm("git", "snapshot", "--json").json
    assert re.fullmatch(r"snapshot-\d{8}-\d{6}", made["name"])
    assert list(made) == ["name", "commit", "at", "by", "message", "sessions", "dry_run"]


def test_it_never_moves(chasm: Program) -> None:
    chasm("git", "snapshot", "v1")
    assert "never move" in chasm("git", "snapshot", "v1", expect=1).err


@pytest.mark.parametrize("name", ["../x", "--help", "a b", "\x1b[31m", "x" * 1000, "HEAD", "main", ""])
def test_bad_names(chasm: Program, name: str) -> None:
    called = chasm("git", "snapshot", "--", name, expect=2)
    assert called.out == "" and "\x1b" not in called.err
    assert called.err.count("\n") <= 2
    assert git(chasm.archive, "tag") == ""


def test_a_dry_run(chasm: Program) -> None:
    assert chasm("git", "snapshot", "v1", "--dry-run").out.startswith("would take snapshot v1: ")
    assert git(chasm.archive, "tag") == ""

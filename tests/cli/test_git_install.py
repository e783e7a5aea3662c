"""`chasm git install`."""

from __future__ import annotations

from tests.cli.calling import Program
from tests.conftest import git


def test_once_and_again_and_away(chasm: Program) -> None:
    config = git(chasm.archive, "config", "--local", "--list")
    dry = chasm("git", "install", "--hooks", "--dry-run").out.splitlines()
    assert dry and all(line.startswith("would ") for line in dry)
    assert git(chasm.archive, "config", "--local", "--list") == config
    done = chasm("git", "install", "--hooks").out.splitlines()
    assert [f"would {line}" for line in done] == dry
    assert chasm("git", "install", "--hooks").err == "nothing to do: it is so already\n"
    assert chasm("git", "install", "--json").json == {"changes": [], "dry_run": False}
    assert chasm("git", "install", "--uninstall", "--json").json["changes"]
    assert git(chasm.archive, "config", "--local", "--list") == config
    assert not (chasm.archive / ".git" / "hooks" / "pre-commit").exists()
    assert chasm("git", "install", "--uninstall").err == "nothing to do: it is so already\n"


def test_one_thing_at_a_time(chasm: Program) -> None:
    assert chasm("git", "install", "--hooks", "--uninstall", expect=2).out == ""

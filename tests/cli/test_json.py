"""`--json` prints what JSON.md says: these keys, whatever the options."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chasm_git.outputs import cli
from tests.cli.calling import Program
from tests.conftest import git
from tests.test_docs import LEAVES, SHORT_WAYS

LOGIN = "5f0c1f5e"
PAGE = (Path(cli.__file__).parent / "JSON.md").read_text()
ROWS = {
    command: text
    for names, text in re.findall(r"(?m)^\| (`.*?) \| (.*) \|$", PAGE)
    for command in re.findall("`(.*?)`", names)
}
TOLD = {"harvest watch", "web"}
"""Commands that the text above the table tells of."""
ELSEWHERE = {"resume", "recover extract", "recover repair", "recover convert", "recover shrunk"}
"""Commands whose --help says what they print."""

CALLS = """
harvest run
harvest run --dry-run
harvest scan
provider list --found
service install --kind cron --dry-run
service remove --kind claude-code --dry-run
git init --dry-run
git init
git add --all --dry-run
git status
git log
git diff
git blame 5f0c
git snapshot one --dry-run
git snapshot one
git snapshots
git rewind one --dry-run
git verify
git remote add origin REMOTE
git remote list
git bundle BUNDLE
git gc --dry-run
git gc
git install --dry-run
sync
sync --pull
sync --push --dry-run
sync status
conflicts
resolve --all --most-recent
list sessions
list agents
show path /home/ana/shop
list workspaces
find workspace shop
find session redirect
show session 5f0c
git show 5f0c
export session 5f0c
show workspace shop
show timeline
stats
tag 5f0c +a
title 5f0c New
note 5f0c words
move workspace /home/ana/shop /x --dry-run
move sessions 5f0c /x --dry-run
merge all --dry-run
export workspace OUT shop --dry-run
forget 5f0c --dry-run
secrets scan
secrets mask --all
fetch workspace shop --dry-run
completions bash
cache status
hook pre-commit
doctor
git remote remove origin
"""


def test_every_command_is_told_of() -> None:
    assert set(LEAVES) - set(SHORT_WAYS) - set(ROWS) == TOLD | ELSEWHERE
    assert set(ROWS) - set(LEAVES) == {"sync --pull", "sync --push"}


def test_what_is_printed_has_the_keys_that_are_told(
    fresh: Program, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(home))
    git(tmp_path, "init", "-q", "--bare", "remote.git")
    places = {"REMOTE": str(tmp_path / "remote.git"), "BUNDLE": str(tmp_path / "b"), "OUT": str(tmp_path / "out")}
    for line in CALLS.split("\n")[1:-1]:
        words = [places.get(word, word) for word in line.split()]
        made = fresh(*words, "--json").json
        name = max((name for name in ROWS if f"{line} ".startswith(f"{name} ")), key=len)
        told = ROWS[name].partition(";")[0]
        assert isinstance(made, list) == told.startswith("list of"), line
        keys = set(re.findall("`(.*?)`", told))
        if line in ("git init --dry-run", "git gc --dry-run"):
            keys &= set(made)  # what is not made has no place, and what is not packed no size
        for one in made if isinstance(made, list) else [made]:
            assert set(one) - ({"id"} if name.startswith("export w") else set()) == keys, line

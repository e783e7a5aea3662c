"""`chasm git show`."""

from __future__ import annotations

from copy import deepcopy

from chasm_git.session.model import Session
from tests.cli.calling import Program
from tests.conftest import Keep


def test_it_is_show_session(chasm: Program) -> None:
    for options in ([], ["--json"], ["--raw"], ["--full"]):
        assert chasm("git", "show", "5f0c", *options).out == chasm("show", "session", "5f0c", *options).out


def test_at_a_revision(chasm: Program, keep: Keep, example: Session) -> None:
    later = deepcopy(example)
    later.title = "Another title"
    keep([later])
    chasm("git", "snapshot", "now")
    assert chasm("git", "show", "5f0c@now", "--json").json["title"] == "Another title"
    assert chasm("git", "show", "5f0c@now~1", "--json").json["title"] == "Fix the login redirect"
    assert chasm("git", "show", "5f0c@{1}", "--json").json["title"] == "Fix the login redirect"
    assert "is no revision" in chasm("git", "show", "5f0c@nothing", expect=1).err

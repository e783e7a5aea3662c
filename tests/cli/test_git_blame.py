"""`chasm git blame`."""

from __future__ import annotations

import re
from copy import deepcopy

from chasm_git.session.model import Message, Session
from tests.cli.calling import Program
from tests.conftest import Keep, git


def test_each_message_and_its_last_commit(chasm: Program, keep: Keep, example: Session) -> None:
    first = git(chasm.archive, "rev-parse", "HEAD").strip()
    later = deepcopy(example)
    later.messages[-1].content = "It redirects in three places."
    later.messages.append(Message("m9", "user", "2026-01-08T12:01:00.000Z", "Thanks\x1b[31m\nmore"))
    keep([later], message="corrected")
    second = git(chasm.archive, "rev-parse", "HEAD").strip()
    found = chasm("git", "blame", "5f0c", "--json").json
    assert [one["commit"] for one in found] == [first, first, first, first, second, second]
    assert {**found[-1], "date": None} == {
        "id": "m9",
        "role": "user",
        "timestamp": "2026-01-08T12:01:00.000Z",
        "text": "Thanks\x1b[31m",
        "commit": second,
        "author": "Ana",
        "date": None,
        "subject": "corrected",
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found[-1]["date"])
    rows = [re.split(" {2,}", line) for line in chasm("git", "blame", "5f0c").out.splitlines()]
    assert rows[0] == ["commit", "date", "subject", "role", "message"]
    assert [(row[0], row[2], row[3], row[4]) for row in rows[-2:]] == [
        (second[:12], "corrected", "assistant", "It redirects in three places."),
        (second[:12], "corrected", "user", "Thanks␛[31m"),
    ]
    assert [one["commit"] for one in chasm("git", "blame", "5f0c@HEAD~1", "--json").json] == [first] * 5


def test_a_session_without_messages(chasm: Program, keep: Keep) -> None:
    keep([Session("empty", "codex")])
    assert chasm("git", "blame", "empty").err == "the session has no messages\n"
    assert chasm("git", "blame", "empty", "--json").json == []


def test_what_cannot_be_blamed(chasm: Program, keep: Keep) -> None:
    keep(files={"sessions/codex/undated/hand.yaml": b'{"chasm": 1, "id": "hand", "provider": "codex"}\n'})
    assert "edited by hand" in chasm("git", "blame", "hand", expect=1).err
    assert chasm("git", "blame", "none", expect=1).err.count("\n") == 1

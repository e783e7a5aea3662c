"""The conversation to read: exact for the example, stable under change, safe for a terminal."""

from __future__ import annotations

import difflib
import re
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chasm_git.session.conversation import as_markdown, as_text, short_id
from chasm_git.session.model import Message, Session
from chasm_git.session.universal import universal
from tests.session.test_universal import call, made, result, strange_messages

TEXT = """\
# Fix the login redirect
session: 5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11
provider: claude-code
workspace: /home/ana/shop
branch: main
commit: 9f1c2d3
tags: auth

## user  2026-01-08 12:00:00  63ae57ca

Why does the login page redirect twice?

## assistant  2026-01-08 12:00:07  fa1ab4ae  claude-sonnet-4-5

.. thinking
    Look at the route first.

Let me look at the route.

It is in `app.py`.
>> Bash
    command:
        grep -n login app.py
        sed -n 1,40p app.py
    timeout: 5
<< result
    12: def login():
    13:     redirect()

## assistant  2026-01-08 12:00:12  7e9a4c52  claude-sonnet-4-5

It redirects in two places.
"""

MARKDOWN = """\
# Fix the login redirect

| | |
|---|---|
| session | 5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11 |
| provider | claude-code |
| workspace | /home/ana/shop |
| branch | main |
| commit | 9f1c2d3 |
| tags | auth |
| models | claude-sonnet-4-5 |

## User · 2026-01-08 12:00:00

Why does the login page redirect twice?

## Assistant · 2026-01-08 12:00:07

<details><summary>Thinking</summary>

Look at the route first.

</details>

Let me look at the route.

It is in `app.py`.

<details><summary>Tool: Bash</summary>

command:

```
grep -n login app.py
sed -n 1,40p app.py
```

timeout:

```
5
```

Result:

```
12: def login():
13:     redirect()
```

</details>

## Assistant · 2026-01-08 12:00:12

It redirects in two places.
"""


def test_the_example_as_text(example: Session) -> None:
    assert as_text(example) == TEXT


def test_the_example_as_markdown(example: Session) -> None:
    assert as_markdown(example) == MARKDOWN


def test_a_message_more_is_lines_more_and_nothing_else(example: Session) -> None:
    longer = deepcopy(example)
    longer.messages.append(Message("h-0011223344556677", "user", "2026-01-09T09:00:00.000Z", "Thanks"))
    added = [
        line for line in difflib.ndiff(as_text(example).split("\n"), as_text(longer).split("\n")) if line[0] != " "
    ]
    assert added == ["+ ## user  2026-01-09 09:00:00  44556677", "+ ", "+ Thanks", "+ "]


def test_git_names_the_message_in_the_hunk(example: Session, tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    example.messages[1].content = [{"type": "text", "text": "\n".join(f"line {n}" for n in range(30)) + "\n## not one"}]
    git("init", "-q")
    git("config", "diff.chasm.xfuncname", "^## (.*)$")
    (tmp_path / ".gitattributes").write_text("*.txt diff=chasm\n")
    (tmp_path / "s.txt").write_text(as_text(example))
    git("add", ".")
    example.messages[1].content[0]["text"] = example.messages[1].content[0]["text"].replace("not one", "still not one")
    (tmp_path / "s.txt").write_text(as_text(example))
    (hunk,) = [line for line in git("diff").splitlines() if line.startswith("@@")]
    assert hunk.endswith("@@ assistant  2026-01-08 12:00:07  fa1ab4ae  claude-sonnet-4-5")


def test_own_lines_that_look_like_marks_are_moved_in() -> None:
    text = as_text(made(Message("1", "user", content="## heading\n>> quoted\n!! variant 1 of 1\n### third\n>>> repl")))
    assert text.endswith("\n ## heading\n >> quoted\n !! variant 1 of 1\n### third\n>>> repl\n")


def test_errors_variants_flags_and_orphans() -> None:
    session = made(
        Message("1", "user", content="env", injected=True),
        Message(
            "12345678abc",
            "assistant",
            None,
            [{"type": "text", "text": "shown"}, {"type": "error", "text": "broke\noff"}],
            status="interrupted",
            sidechain=True,
            variants=[{"content": [{"type": "text", "text": "other"}, call("v", "Run", x=1)]}],
        ),
        Message("3", "tool", content=[result("zz", "alone", is_error=True)]),
        Message(
            "4", "user", content=[{"type": "image", "name": "a.png"}, {"type": "reference", "uri": "f", "range": 1}]
        ),
    )
    assert as_text(session).split("\n\n", 1)[1] == (
        "## user  1  [injected]\n\nenv\n\n"
        "## assistant  45678abc  [sidechain]  [interrupted]\n\nshown\n!! error\n    broke\n    off\n"
        "!! variant 1 of 1\n    other\n    >> Run\n        x: 1\n\n"
        "## tool  3\n\n<< error\n    alone\n\n"
        '## user  4\n\n-- reference f {"range":1}\n-- image a.png\n'
    )
    marked = as_markdown(session)
    assert "<details><summary>Injected context</summary>\n\nenv" in marked
    assert "## Assistant · sidechain, interrupted\n\nshown\n\n**Error**\n\n```\nbroke\noff\n```" in marked
    assert "<details><summary>Variant 1</summary>\n\nother\n\n<details><summary>Tool: Run" in marked


def test_what_lost_a_merge_of_the_header_is_shown(example: Session) -> None:
    example.extra["alternatives"] = {"title": ["Login\nloop"], "git": [{"branch": "dev"}], "odd": 7}
    text = as_text(example).split("\n\n", 1)[0]
    assert text.endswith('tags: auth\n!! title: Login loop\n!! git: {"branch":"dev"}')


def test_folding_says_what_it_leaves_out() -> None:
    session = made(
        Message("1", "assistant", content=[call("a", code="one\n\ntwo"), call("b"), call("c")]),
        Message("2", "tool", content=[result("a", "1\n2\n3\n4\n"), result("b", "1\n2"), result("c", "x" * 3000)]),
        Message("3", "assistant", content="1\n2\n3\n4"),
        Message("4", "user", content="1\n2\n3\n4\n5", injected=True),
    )
    text = as_text(session, fold=2)
    assert "    1\n    2\n    [2 more lines]\n" in text
    assert "<< result\n    1\n    2\n>>" in text
    assert "x" * 2000 + "…\n    [1,000 more characters]" in text
    assert "\n1\n2\n3\n4\n" in text
    assert text.endswith("\n1\n2\n[3 more lines]\n")
    assert as_text(session, fold=9).endswith("\n1\n2\n3\n[2 more lines]\n")
    assert "    1\n    2\n    3\n    4\n" in as_text(session, fold=3)  # one line more is shown, not counted
    assert "more" not in as_text(session)
    assert "    code:\n        one\n\n        two\n" in text


def test_fences_are_longer_than_what_they_hold() -> None:
    session = made(Message("1", "tool", content=[result("a", "```py\nx\n````")]))
    assert "`````\n```py\nx\n````\n`````" in as_markdown(session)


def test_short_ids() -> None:
    assert short_id("63ae57ca-65fd-41f5-8d8e-d16780ef71d5") == "63ae57ca"
    assert short_id("01a1fbb4-d752-7212-9c99-fe2bdf43c253") == "df43c253"
    assert short_id("m1\n") == "m1 "


@given(st.lists(strange_messages, max_size=5), st.sampled_from([None, 1]))
def test_nothing_drives_a_terminal_and_every_message_has_a_heading(messages: list[Message], fold: Any) -> None:
    session = made(*messages)
    for text in (as_text(session, fold=fold), as_markdown(session)):
        text.encode()
        assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text) is None
    assert as_text(session).count("\n## ") == len(universal(session)["messages"])

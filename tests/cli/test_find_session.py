"""`chasm find session` and its neighbours."""

from __future__ import annotations

from tests.cli.calling import Program, on_a_terminal
from tests.conftest import Keep

EXAMPLE = "5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11"


def test_json(chasm: Program) -> None:
    (one,) = chasm("find", "session", "redirect", "twice", "--json").json
    assert (one["id"], one["provider"], one["workspace"], one["messages"]) == (
        EXAMPLE,
        "claude-code",
        "/home/ana/shop",
        3,
    )
    assert {hit["kind"] for hit in one["hits"]} >= {"title", "user"}
    for hit in one["hits"]:
        assert all(hit["snippet"][a:b].lower() in ("redirect", "twice") for a, b in hit["marks"])
    assert list(one["hits"][0]) == ["message", "role", "timestamp", "kind", "tool", "snippet", "marks"]


def test_a_pipe_gets_marks_in_the_text(chasm: Program) -> None:
    called = chasm("find", "session", "tool:Bash", "sed -n")
    assert called.out.splitlines()[0] == f"{EXAMPLE}  Fix the login redirect"
    assert "    assistant (Bash)  " in called.out
    assert "«sed -n»" in called.out


def test_a_terminal_gets_colour(chasm: Program) -> None:
    assert "\x1b[33m\x1b[1mtwice\x1b[0m" in on_a_terminal("-C", str(chasm.archive), "find", "session", "twice")


def test_options_choose(chasm: Program) -> None:
    def found(*arguments: str) -> int:
        return len(chasm("find", "session", "--json", *arguments).json)

    assert found("login", "--provider", "claude-code", "--workspace", "shop", "--since", "2026-01-01") == 1
    assert found("login", "--provider", "codex") == 0
    assert found("login", "--workspace", "elsewhere") == 0
    assert found("login", "--since", "2026-01-09") == 0
    assert found("--", "-login") == 0
    chasm("find", "session", "login", "--since", "whenever", expect=2)
    chasm("find", "session", expect=2)


def test_nothing_found_is_said(chasm: Program) -> None:
    called = chasm("find", "session", "absent")
    assert (called.out, called.err) == ("", "no session matches\n")


def test_harvest_search_is_the_same(chasm: Program) -> None:
    assert chasm("harvest", "search", "twice", "--json").out == chasm("find", "session", "twice", "--json").out


def test_files_that_cannot_be_read_are_named(chasm: Program, keep: Keep) -> None:
    keep(files={"sessions/codex/2026/01/broken.yaml": b"no: [session\n"})
    called = chasm("find", "session", "twice", "--json", expect=4)
    assert len(called.json) == 1
    assert "sessions/codex/2026/01/broken.yaml" in called.err

"""`chasm find session` and its neighbours."""

from __future__ import annotations

from chasm_git.session.model import Message, Session
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
    assert "    assistant (Bash)  2026-01-08 12:00  " in called.out
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


def test_fields_and_options_alone_list_what_they_leave(chasm: Program) -> None:
    for alone in (("tool:Bash",), ("provider:claude-code",), ("--provider", "claude-code"), ("--since", "2026-01-01")):
        assert [one["id"] for one in chasm("find", "session", "--json", *alone).json] == [EXAMPLE]


def test_what_may_be_wrong_with_the_query_is_said(chasm: Program) -> None:
    for typed, said in (
        ("tol:Bash", "did you mean tool:Bash?"),
        ("tool:bsh", "no session has the tool 'bsh'; did you mean Bash?"),
        ("provider:codex", "no session has the provider 'codex'; there are: claude-code"),
        ("role:human", "no message has the role 'human'; there are: user, assistant, system, tool, event"),
        ("since:whenever", "'whenever' is no time"),
        ("has:warnings", "has: is followed by error"),
        ("tag:aut", "no session has the tag 'aut'; did you mean auth?"),
    ):
        called = chasm("find", "session", typed)
        assert called.out == "" and called.err.startswith(f"no session matches\n{said}"), called
        assert chasm("find", "session", typed, "--json").json == []
    assert chasm("find", "session", "http://absent.example/tol:x").err == "no session matches\n"


def test_nothing_in_a_session_drives_the_terminal(fresh: Program, keep: Keep) -> None:
    text = "needle \x1b[31mred\x1b]0;title\x07 <b>html</b> \u202egnorw\x9b2J \ud800 \r\nnext"
    keep([Session("odd", "codex", title="two\nlines \x1b[2J needle", messages=[Message("a", "user", None, text)])])
    out = chasm_out = fresh("find", "session", "needle").out
    assert len(out.splitlines()) == 4 and "<b>html</b>" in out
    assert not set(chasm_out) & set("\x1b\x07\x9b\u202e\r\ud800")
    assert set(on_a_terminal("-C", str(fresh.archive), "find", "session", "needle", NO_COLOR="1")) <= {*out, "\r"}


def test_harvest_search_is_the_same(chasm: Program) -> None:
    assert chasm("harvest", "search", "twice", "--json").out == chasm("find", "session", "twice", "--json").out


def test_files_that_cannot_be_read_are_named(chasm: Program, keep: Keep) -> None:
    keep(files={"sessions/codex/2026/01/broken.yaml": b"no: [session\n"})
    called = chasm("find", "session", "twice", "--json", expect=4)
    assert len(called.json) == 1
    assert "sessions/codex/2026/01/broken.yaml" in called.err


def test_search_by_meaning_says_what_it_needs(chasm: Program) -> None:
    assert "--like needs something" in chasm("find", "session", "--like", expect=2).err
    called = chasm("find", "session", "--like", "going twice", expect=1)
    assert called.out == "" and "git config --global chasm.meaningModel DIR" in called.err


def test_a_word_with_a_minus_is_left_out_wherever_it_stands(chasm: Program) -> None:
    def found(*arguments: str) -> list[str]:
        return [one["id"] for one in chasm("find", "session", *arguments, "--json").json]

    assert (
        found("redirect", "-zebra") == [EXAMPLE] == found("-zebra", "redirect", "-n", "5") == found("-n5", "redirect")
    )
    assert found("redirect", "-twice") == [] == found("-twice", "--provider", "claude-code", "redirect")
    assert found("redirect", "--provider=codex") == []
    assert "No such option" in chasm("find", "session", "redirect", "--zebra", expect=2).err
    assert "Usage:" in chasm("find", "session", "redirect", "-h").out
    assert "requires an argument" in chasm("find", "session", "redirect", "-n", expect=2).err

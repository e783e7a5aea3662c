"""`chasm list sessions`."""

from __future__ import annotations

import datetime as dt
import re
from copy import deepcopy
from pathlib import Path

import pytest

from chasm_git.errors import UsageError
from chasm_git.outputs.cli.filters import is_below, since_when
from chasm_git.outputs.cli.list_sessions import shortened
from chasm_git.session.model import Message, Session
from tests.cli.calling import Program, on_a_terminal
from tests.conftest import Keep, git

KEYS = ["id", "provider", "title", "workspace", "created_at", "updated_at", "messages", "parent", "tags", "sync_state"]


@pytest.fixture
def second() -> Session:
    return Session(
        "S2 ü",
        "codex",
        workspace="/home/ana/src/tool",
        created_at="2026-02-01T00:00:00.000Z",
        parent="p",
        messages=[Message("1", "user", "2026-02-01T00:00:00.000Z", "Second \x1b[31msession\nmore")],
    )


def test_json_has_stable_keys(chasm: Program, keep: Keep, second: Session) -> None:
    keep([second])
    listed = chasm("list", "sessions", "--json").json
    assert [list(one) for one in listed] == [KEYS, KEYS]
    assert listed[0] == {
        "id": "S2 ü",
        "provider": "codex",
        "title": "Second \x1b[31msession",
        "workspace": "/home/ana/src/tool",
        "created_at": "2026-02-01T00:00:00.000Z",
        "updated_at": "2026-02-01T00:00:00.000Z",
        "messages": 1,
        "parent": "p",
        "tags": [],
        "sync_state": "local-only",
    }
    assert (listed[1]["id"], listed[1]["messages"], listed[1]["tags"]) == (
        "5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11",
        3,
        ["auth"],
    )


def test_a_pipe_gets_plain_lines_with_whole_ids(chasm: Program, keep: Keep, second: Session) -> None:
    keep([second])
    called = chasm("list", "sessions")
    header, first, other = called.out.splitlines()
    assert re.split(" {2,}", header) == ["id", "provider", "last message", "messages", "title", "workspace"]
    assert re.split(" {2,}", first) == [
        *("S2 ü", "codex", "2026-02-01 00:00", "1", "Second ␛[31msession", "/home/ana/src/tool")
    ]
    assert other.startswith("5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11  claude-code  2026-01-08 12:00 ")
    assert called.err == ""


def test_a_terminal_gets_short_ids_that_fit(chasm: Program, keep: Keep, second: Session) -> None:
    keep([second])
    printed = on_a_terminal("-C", str(chasm.archive), "list", "sessions")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", printed)
    assert plain.splitlines()[2].startswith("5f0c1f5e ")
    assert "Second ␛[31msession" in plain
    assert max(map(len, plain.splitlines())) <= 100
    assert "\x1b" not in on_a_terminal("-C", str(chasm.archive), "list", "sessions", NO_COLOR="1")


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (["--provider", "codex"], ["S2 ü"]),
        (["--provider", "goose"], []),
        (["--tag", "auth"], ["5f0c"]),
        (["--tag", "auth", "--tag", "none"], []),
        (["--since", "2026-01-20"], ["S2 ü"]),
        (["--since", "2026-01-08T12:00:12"], ["S2 ü", "5f0c"]),
        (["--project-path", "/home/ana/src"], ["S2 ü"]),
        (["--project-path", "/home/ana/sr"], []),
        (["-n", "1"], ["S2 ü"]),
        (["-n", "0"], []),
    ],
)
def test_filters(chasm: Program, keep: Keep, second: Session, arguments: list[str], ids: list[str]) -> None:
    keep([second])
    assert [one["id"][: len("5f0c")] for one in chasm("list", "sessions", "--json", *arguments).json] == ids


def test_nothing_is_an_empty_list_and_a_notice(chasm: Program) -> None:
    called = chasm("list", "sessions", "--tag", "zzz")
    assert (called.out, called.err) == ("", "no session matches\n")
    assert chasm("list", "sessions", "--tag", "zzz", "--json").json == []
    assert chasm("list", "sessions", "--tag", "zzz", "-q").err == ""


def test_a_bad_time_is_a_usage_error(chasm: Program) -> None:
    assert chasm("list", "sessions", "--since", "someday", expect=2).err.startswith("chasm: 'someday' is no time")


def test_no_archive_says_how_to_make_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    called = Program(tmp_path / "none", capsys)("list", "sessions", expect=1)
    assert called.out == "" and "chasm git init" in called.err and called.err.count("\n") == 1


def test_an_unreadable_file_is_named_and_the_rest_is_listed(chasm: Program, keep: Keep) -> None:
    keep(files={"sessions/codex/2026/01/torn.yaml": b"chasm: 1\nid: [", "sessions/notes.txt": b"not a session"})
    called = chasm("list", "sessions", "--json", expect=4)
    assert len(called.json) == 1
    assert "sessions/codex/2026/01/torn.yaml: line 2" in called.err
    assert called.err.endswith("chasm: 1 session file could not be read\n")


def test_sync_states(chasm: Program, keep: Keep, example: Session, tmp_path: Path) -> None:
    def states() -> dict[str, str]:
        return {one["id"]: one["sync_state"] for one in chasm("list", "sessions", "--json").json}

    def named(name: str, text: str = "hello") -> Session:
        return Session(name, "codex", messages=[Message("m", "user", content=text)])

    keep([named("same"), named("ours"), named("theirs"), named("both")])
    archive, remote, other = chasm.archive, tmp_path / "remote.git", tmp_path / "other"
    git(tmp_path, "clone", "-q", "--bare", str(archive), str(remote))
    git(archive, "remote", "add", "origin", str(remote))
    git(archive, "fetch", "-q", "origin")
    assert set(states().values()) == {"synced"}

    git(tmp_path, "clone", "-q", str(remote), str(other))
    for name in ("theirs", "both"):
        path = next(other.rglob(f"{name}.yaml"))
        path.write_bytes(path.read_bytes().replace(b"hello", b"from there"))
    git(other, "commit", "-qam", "there")
    git(other, "push", "-q")
    conflict = deepcopy(example)
    conflict.messages[0].variants = [{"role": "user", "content": "other"}]
    keep([named("ours", "from here"), named("both", "from here"), named("new"), conflict])
    git(archive, "fetch", "-q", "origin")
    assert states() == {
        example.id: "conflict",
        "same": "synced",
        "ours": "local-ahead",
        "theirs": "remote-ahead",
        "both": "conflict",
        "new": "unsynced",
    }


def test_ids_are_cut_to_what_names_them_alone() -> None:
    ids = ["01a1fbb4-d752", "01a1fbb4-dfcb", "5f0c1f5e-2a51", "short", "01a1fbb4"]
    assert shortened(ids, ["5f0c1f5e-2b"]) == ["01a1fbb4-d7", "01a1fbb4-df", "5f0c1f5e-2a", "short", "01a1fbb4"]


NOW = dt.datetime(2026, 3, 10, 15, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", "2026-01-31T00:00:00.000Z"),
        ("2026-01-31 10:00", "2026-01-31T10:00:00.000Z"),
        ("2026-01-31T10:00:00+02:00", "2026-01-31T08:00:00.000Z"),
        ("12h", "2026-03-10T03:30:00.000Z"),
        ("7d", "2026-03-03T15:30:00.000Z"),
        ("2 w", "2026-02-24T15:30:00.000Z"),
        ("today", "2026-03-10T00:00:00.000Z"),
        ("Yesterday", "2026-03-09T00:00:00.000Z"),
        ("999999y", ""),
    ],
)
def test_moments(text: str, moment: str) -> None:
    assert since_when(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "soon", "7x", "2026-13-01"])
def test_no_moments(text: str) -> None:
    with pytest.raises(UsageError):
        since_when(text, NOW)


@pytest.mark.parametrize(
    ("workspace", "path", "inside"),
    [
        ("/a/b", "/a/b", True),
        ("/a/b/c", "/a/b/", True),
        ("/a/bc", "/a/b", False),
        ("/a", "/a/b", False),
        ("file:///a/b%20c", "/a/b c", True),
        ("C:\\src\\tool", "C:\\src", True),
        ("vscode-remote://ssh/a", "vscode-remote://ssh", True),
        ("/anything", "/", False),
        (None, "/a", False),
    ],
)
def test_below(workspace: str | None, path: str, inside: bool) -> None:
    assert is_below(workspace, path) is inside


def test_below_through_links_and_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path)
    assert is_below(str(tmp_path / "real" / "x"), str(tmp_path / "link"))
    assert is_below(str(tmp_path / "real" / "x"), "real")
    assert is_below(str(tmp_path / "real" / "x"), ".")

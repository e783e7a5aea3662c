"""The Continue reader: sessions of its terminal agent and of its extensions, and ids that outlive a rewrite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.base import Reading
from chasm_git.providers.continue_dev import ContinueDev
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
from tests.providers.reading import FIXTURES, harvest, only, parts, read_bytes, said, shown, sources

provider = ContinueDev()
HOME = FIXTURES / "continue" / "shared"
A, B = (f"c0000000-0000-4000-8000-00000000000{n}" for n in (1, 2))


@pytest.fixture(scope="module")
def home() -> dict[str, Session]:
    return harvest(provider, HOME)


def item(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"message": {"role": role, "content": content, **more}, "contextItems": []}


def read(tmp_path: Path, *history: Any, **more: Any) -> Reading:
    value = {"sessionId": "s", "history": list(history), **more}
    return read_bytes(provider, tmp_path / "sessions" / "s.json", json.dumps(value).encode())


def test_a_session_of_the_terminal_agent(home: dict[str, Session]) -> None:
    session = home[A]
    assert (session.title, session.workspace) == ("Untitled Session", "/home/ana/shop")
    assert session.created_at == "2026-01-10T12:00:00.000Z"
    assert said(session, "user") == ["Why is the total wrong?", "continue"]
    assert said(session, "assistant") == ["Let me look.", "`cart.py` rounds too early.", "It is line 12."]
    calls = [(c["name"], c["arguments"], c["result"], c["is_error"]) for m in shown(session) for c in m["tool_calls"]]
    assert calls == [
        ("Bash", {"command": "grep -n round cart.py\nsed -n 1,9p cart.py"}, "12:    return round(total)\n", False),
        ("Read", {"filepath": "nope.py"}, "File nope.py does not exist", True),
        ("Search", {"query": "total"}, "cart.py\n\nshop.py", False),
        ("Bash", '{"command":"ec', None, False),
    ]
    assert universal(session)["metadata"]["total_tokens"] == {"input": 6900, "output": 210}
    assert universal(session)["metadata"]["models"] == ["claude-sonnet-4-5"]


def test_a_session_of_an_extension(home: dict[str, Session]) -> None:
    session = home[B]
    assert (session.title, session.workspace) == ("Explain the cart", "/home/ana/my shop")
    assert session.created_at == "2026-01-10T13:00:00.000Z"
    first = next(m for m in shown(session) if m["role"] == "user")
    assert first["references"] == [{"uri": "file:///home/ana/my%20shop/cart.py", "name": "cart.py"}]
    assert parts(session, "image")[0][1]["media_type"] == "image/png"
    answers = [m for m in shown(session) if m["role"] == "assistant"]
    assert [(m["content"], m["thinking"], m["model"]) for m in answers] == [
        ("A receipt.", ["A receipt."], "GPT-5"),
        ("", [], None),
        ("", [], None),
        ("12.50.", ["Just read it out."], None),
    ]
    assert [c["result"] for m in answers for c in m["tool_calls"]] == ["12.50", "Sat Jan 10"]
    assert answers[-1]["timestamp"] == "2026-01-10T12:00:00.123Z"
    assert [m["role"] for m in shown(session) if m.get("injected")] == ["system"]


def test_a_session_nobody_typed_in_is_none(home: dict[str, Session]) -> None:
    assert set(home) == {A, B}
    assert len(sources(provider, HOME)) == 3


def test_an_answer_written_anew_is_the_same_message(tmp_path: Path) -> None:
    calls = [{"id": "c", "function": {"name": "ls", "arguments": ""}}]
    early = [item("user", "hi"), item("assistant", "Hel"), item("user", "more"), item("assistant", "", toolCalls=calls)]
    late = [
        item("user", "hi"),
        item("assistant", "Hello."),
        item("user", "more"),
        item("assistant", "x", toolCalls=calls),
    ]
    late[3]["toolCallStates"] = [{"toolCallId": "c", "status": "done", "output": [{"content": "a"}]}]
    ids = [[m.id for m in only(read(tmp_path, *history)).messages] for history in (early, late, late[2:])]
    assert ids[0] == ids[1]
    assert ids[2] == ids[1][2:]  # an older turn that was cut off renames nothing


def test_what_is_told_apart(tmp_path: Path) -> None:
    history = [item("user", "continue"), item("assistant", "a"), item("assistant", "b"), item("user", "continue")]
    session = only(read(tmp_path, *history, item("assistant", "a")))
    ids = [m.id for m in session.messages]
    assert len(set(ids)) == 5
    assert ids[3] == f"{ids[0]}~2"
    other = only(read_bytes(provider, tmp_path / "t.json", json.dumps({"history": history}).encode()))
    assert set(ids).isdisjoint(m.id for m in other.messages)  # unlike a fork, which says so nowhere


@pytest.mark.parametrize(
    ("state", "results"),
    [
        ({"status": "done", "output": [{"content": "a"}]}, [("a", False)]),
        ({"status": "canceled", "output": [{"content": "a"}, {"content": "b"}]}, [("a\n\nb", True)]),
        ({"status": "calling", "output": [{"content": "a"}]}, [(None, False)]),
        ({"status": [], "output": [{"content": "a"}]}, [(None, False)]),
        ({"status": "done", "output": []}, [(None, False)]),
        ({"status": "done", "output": [5, {"content": []}]}, [("", False)]),
    ],
)
def test_what_tools_gave_back(state: Any, results: Any, tmp_path: Path) -> None:
    answer = item("assistant", "", toolCalls=[{"id": "c", "function": {"name": "ls", "arguments": "{}"}}])
    session = only(read(tmp_path, answer | {"toolCallStates": [{"toolCallId": "c", **state}]}))
    assert [(c["result"], c["is_error"]) for m in shown(session) for c in m["tool_calls"]] == results


@pytest.mark.parametrize(
    ("directory", "workspace"),
    [
        ("file:///c%3A/Users/ana/shop", "c:\\Users\\ana\\shop"),
        ("vscode-remote://ssh-remote+box/srv", "vscode-remote://ssh-remote+box/srv"),
        ("", None),
        (5, None),
    ],
)
def test_folders(directory: Any, workspace: str | None, tmp_path: Path) -> None:
    reading = read(tmp_path, item("user", "hi"), workspaceDirectory=directory)
    assert only(reading).workspace == workspace


@pytest.mark.parametrize("index", [b"", b"{}", b'[{"sessionId":"s"}]', b'[{"sessionId":"s","dateCreated":[]}]', b"[1,"])
def test_an_index_that_says_nothing(index: bytes, tmp_path: Path) -> None:
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions" / "sessions.json").write_bytes(index)
    reading = read(tmp_path, item("user", "hi"))
    assert only(reading).created_at is None
    assert all(not problem.fatal for problem in reading.problems)


def test_the_index_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    own = ContinueDev()
    place = tmp_path / "sessions" / "s.json"
    data = json.dumps({"sessionId": "s", "history": [item("user", "hi")]}).encode()
    assert only(read_bytes(own, place, data)).created_at is None
    (place.parent / "sessions.json").write_text('[{"sessionId":"s","dateCreated":"1768046400000"}]')
    assert only(read_bytes(own, place, data)).created_at == "2026-01-10T12:00:00.000Z"
    (place.parent / "sessions.json").unlink()
    assert only(read_bytes(own, place, data)).created_at is None


def test_another_folder(tmp_path: Path) -> None:
    assert len(sources(provider, tmp_path, CONTINUE_GLOBAL_DIR=str(HOME / ".continue"))) == 3

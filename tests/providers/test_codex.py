"""The Codex reader against files of real clients, small ones of every era, and the places they are found in."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.base import Env, Problem
from chasm_git.providers.codex import Codex
from chasm_git.providers.reading import zstd as compression
from chasm_git.session import codec
from chasm_git.session.model import Message, Session
from tests.providers.codex_case import (
    FIXTURES,
    ROLLOUT,
    SHARED,
    calls,
    harvest,
    lay,
    models,
    only,
    read,
    sources,
    texts,
    turns,
)

ZSTD = ("compression.zstd", "backports.zstd", "zstandard")


def all_rollouts() -> list[Path]:
    """Every Codex file there is to try: our own, and those beside the checkout where it is there."""
    places = [FIXTURES, SHARED / "realdata", SHARED / "fixtures"]
    return sorted(p for place in places for p in place.rglob("*.jsonl") if "codex" in str(p.relative_to(place)))


# --- what real clients wrote ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["0.49.0", "0.169.0"])
def test_real_client(version: str) -> None:
    root = SHARED / "realdata" / f"codex-{version}"
    if not root.is_dir():
        pytest.skip("no data of real clients beside the checkout")
    expected = json.loads((root / "EXPECT.json").read_text())
    found = harvest(root / "home")
    assert sorted(found) == sorted(entry["id"] for entry in expected)
    for entry in expected:
        session = found[entry["id"]]
        assert len(session.messages) == entry["rows"]
        kind = "subagent" if session.parent else "fork" if session.forked_from else "main"
        assert (kind, session.parent or session.forked_from) == (entry["kind"], entry["parent"])
        assert (session.workspace, session.title, models(session)) == (entry["cwd"], entry["title"], entry["models"])
        assert texts(session, "user") == entry["user"]
        assert texts(session, "assistant") == entry["assistant_texts"]
        assert turns(session) == entry["assistant_turns"]
        assert len(texts(session, "assistant", "thinking")) == entry["thinking"]
        times = [m.timestamp for m in session.messages if m.timestamp]
        assert (session.created_at, times[0], times[-1]) == (entry["first"], entry["first"], entry["last"])
        git = entry["git"]
        assert session.git == {"branch": git["branch"], "commit": git["commit_hash"], "remote": git["repository_url"]}
        check_tools(session, entry["tools"])
        check_notes(session, entry["notes"])


def check_tools(session: Session, expected: list[dict[str, Any]]) -> None:
    made = calls(session)
    assert len(made) == len(expected)
    for call, entry in zip(made, expected, strict=True):
        arguments = call["arguments"]
        assert call["name"] == entry["name"]
        assert arguments == (entry["args"] if isinstance(arguments, str) else json.loads(entry["args"]))
        assert call["result"]["content"] == entry["result"]
        assert call["result"].get("is_error") == entry["error"]


def check_notes(session: Session, notes: list[str]) -> None:
    said = [f"injected user row: {flat(m)[:35]}" for m in session.messages if m.role == "user" and m.injected]
    for m in session.messages:
        if m.role == "event" and m.status == "interrupted":
            said.append(f"turn_aborted: {m.content[0]['text']}")  # type: ignore[index]
        elif m.role == "event" and m.status == "failed":
            said.append(f"turn error: {m.content[0]['text']}"[:120])  # type: ignore[index]
        elif m.role == "event" and m.content:
            said.append(f"compacted: {flat(m)}"[:71])
    noted = [note for note in notes if not note.startswith("fork:")]
    assert len(said) == len(noted)
    assert all(note.startswith(own) or own.startswith(note) for own, note in zip(said, noted, strict=True))


def flat(message: Message) -> str:
    assert isinstance(message.content, str)
    return message.content.replace("\n", " ")


@pytest.mark.parametrize("path", all_rollouts(), ids=lambda p: p.name)
def test_every_file_comes_back(path: Path) -> None:
    reading = read(path)
    for session in reading.sessions:
        assert codec.loads(codec.dumps(session)) == session
        ((name, data),) = Codex().export(session, reading.attachments.__getitem__).items()
        assert data == path.read_bytes()
        assert name == path.name or not path.name.startswith("rollout-")
    again = read(path)
    assert (again.sessions, again.attachments) == (reading.sessions, reading.attachments)


# --- every era, in small ----------------------------------------------------------------------------------------------


def test_bare_rows() -> None:
    found = harvest(FIXTURES / "codex" / "bare")
    first, second = found["0c8ec1a1-5a3b-4d5c-9f5e-3b1d8c2a7e10"], found["5973b6c0-94b8-487b-a530-2aeb6098ae0e"]
    assert {first.workspace, second.workspace} == {"/home/user/projects/linecount"}
    assert (first.created_at, second.created_at) == ("2025-06-30T08:00:00.000Z", "2025-08-18T10:15:00.412Z")
    assert (first.git, second.git and second.git["branch"]) == (None, "main")
    assert texts(first, "user") == ["Is there a licence file?"]
    assert texts(second, "user") == ["How many lines do the sources have, and how many are blank?"]
    assert texts(second, "assistant") == ["412 lines, 38 of them blank."]
    assert turns(second) == 2  # two calls in one answer, then the text
    assert [call["arguments"]["command"][2] for call in calls(second)] == [
        "cat src/*.py | wc -l",
        "grep -c '^$' src/*.py",
    ]


def test_equal_rows_of_two_bare_files_are_two_messages(tmp_path: Path) -> None:
    bare = b'{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}\n'
    name = ROLLOUT.replace("00ff", "00fe")
    first, second = (only(read(tmp_path / file, bare)) for file in (ROLLOUT, name))
    assert first.messages[0].id != second.messages[0].id
    head = b'{"id":"01a00000-0000-7000-8000-0000000000ff","timestamp":"2025-08-18T10:15:00.412Z"}\n'
    assert only(read(tmp_path / ROLLOUT, head + bare)).messages[1].id == first.messages[0].id  # nor does a lost head


def test_fork_that_repeats_its_parent() -> None:
    found = harvest(FIXTURES / "codex" / "v0.44")
    parent, fork = found["0199b001-0000-7000-8000-0000000000a1"], found["0199b0ff-0000-7000-8000-0000000000f1"]
    assert (parent.forked_from, fork.forked_from, fork.parent) == (None, parent.id, None)
    assert texts(fork, "user") == [*texts(parent, "user"), "Fix it."]
    assert (turns(parent), turns(fork)) == (2, 2)
    assert [m.usage["total_tokens"] for m in parent.messages if m.usage] == [3160, 3340]  # not the repeated counts
    assert [m.status for m in fork.messages if m.status] == ["interrupted"]


def test_v0_107() -> None:
    (session,) = harvest(FIXTURES / "codex" / "v0.107").values()
    assert session.title == "Where the chart comes from"
    assert texts(session, "user") == [
        "The chart in the help looks like this. Where is it made?",
        "Delete it.",
        "Thank you.",
    ]
    assert models(session) == ["gpt-5.3-codex", "gpt-5.3-codex-spark"]
    assert turns(session) == 4
    assert [call["name"] for call in calls(session)] == ["exec_command", "web_search", "apply_patch"]
    image = next(part for m in session.messages for part in m.parts() if part["type"] == "image")
    assert image["media_type"] == "image/png"
    assert image["data"]["$attachment"].endswith(".png")
    undone = [m for m in session.messages if m.inactive]
    assert [m.content for m in undone] == ["Delete it.", "Deleting a module that others import would break them."]
    failed = next(m for m in session.messages if m.status == "failed")
    assert failed.content == [{"type": "error", "text": "stream disconnected before completion", "code": "other"}]
    assert sum(m.usage["total_tokens"] for m in session.messages if m.usage) == 37670


def test_v0_169() -> None:
    found = harvest(FIXTURES / "codex" / "v0.169")
    main, fork, agent, archived = (found[f"01a1f000-0000-7000-8000-00000000000{n}"] for n in "1234")
    assert [s.title for s in (main, fork, agent, archived)] == ["Counting files", None, None, "Waiting"]
    assert (fork.forked_from, fork.parent) == (main.id, None)
    assert (agent.parent, agent.forked_from) == (main.id, None)
    assert texts(main, "user") == ["Let an agent count the files."]
    assert [turns(s) for s in (main, fork, agent, archived)] == [2, 0, 2, 0]
    assert [m.usage["total_tokens"] for m in main.messages if m.usage] == [1350, 1380]  # once, not per row
    assert texts(main, "assistant", "thinking") == [""]  # there was a thought, but encrypted
    assert calls(agent)[0]["result"]["content"] == [{"type": "text", "text": "12\n"}]
    assert [m.status for m in fork.messages if m.status] == ["failed"]
    assert [m.status for m in archived.messages if m.status] == ["interrupted"]


def test_demo() -> None:
    (session,) = harvest(FIXTURES / "demo" / "codex").values()
    assert texts(session, "user")[0].startswith("Add a --json flag")
    assert (turns(session), len(calls(session))) == (3, 2)
    assert all(m.timestamp and m.timestamp.startswith("2026-01-09") for m in session.messages)


# --- where the files are ----------------------------------------------------------------------------------------------


def test_archiving_moves_a_session(tmp_path: Path) -> None:
    path = lay(tmp_path, "sessions/2026/01/01")
    (before,) = sources(tmp_path)
    session = only(Codex().read(before))
    (tmp_path / ".codex/archived_sessions").mkdir()
    path.rename(tmp_path / ".codex/archived_sessions" / path.name)
    (after,) = sources(tmp_path)
    assert (after.key, after.stamp) == (before.key, before.stamp)
    assert only(Codex().read(after)) == session
    assert str(tmp_path).encode() not in codec.dumps(session)


def test_a_copy_has_a_key_of_its_own(tmp_path: Path) -> None:
    lay(tmp_path, "sessions/2026/01/01")
    lay(tmp_path, "archived_sessions")
    lay(tmp_path, "sessions/2026/01/01").with_name(ROLLOUT + ".zst").write_bytes(b"")  # not yet removed by the client
    assert [s.key for s in sources(tmp_path)] == [ROLLOUT, f"archived_sessions/{ROLLOUT}"]


def test_client_variable_and_what_is_not_there(tmp_path: Path) -> None:
    lay(tmp_path, "sessions")
    assert len(list(Codex().discover(Env(tmp_path / "other", {"CODEX_HOME": str(tmp_path / ".codex")})))) == 1
    assert list(Codex().discover(Env(tmp_path / "nobody"))) == []
    (tmp_path / "nobody/.codex").mkdir(parents=True)
    (tmp_path / "nobody/.codex/sessions").write_text("a file")
    (problem,) = Codex().discover(Env(tmp_path / "nobody"))
    assert isinstance(problem, Problem)
    assert problem.path.endswith("sessions")


def test_discover_opens_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(FIXTURES / "codex" / "v0.169", tmp_path, dirs_exist_ok=True)
    (tmp_path / ".codex/state_5.sqlite").write_bytes(b"")

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a file was opened")

    for name in ("builtins.open", "io.open", "os.open"):
        monkeypatch.setattr(name, refuse)
    assert len(list(Codex().discover(Env(tmp_path)))) == 4


@pytest.fixture(params=["no module", *ZSTD])
def zstd(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[bool]:
    """With one module that reads zstd at most: whether there is any."""
    for name in ZSTD:
        if name != request.param:
            monkeypatch.setitem(sys.modules, name, None)
    if request.param in ZSTD:
        pytest.importorskip(request.param)
    compression.reader.cache_clear()
    yield request.param in ZSTD
    compression.reader.cache_clear()


def test_compressed(tmp_path: Path, zstd: bool) -> None:
    (source,) = sources(FIXTURES / "codex" / "compressed")
    assert source.key.endswith("abc.jsonl")  # the same session as before it was compressed
    assert source.stamp.endswith("unreadable") is not zstd
    reading = Codex().read(source)
    if not zstd:
        (problem,) = reading.problems
        assert (reading.sessions, problem.path, problem.fatal) == ([], str(source.path), True)
        assert "pip install zstandard" in problem.reason
        return
    session = only(reading)
    assert texts(session, "assistant") == ["3.11 and later, says `pyproject.toml`."]
    ((name, data),) = Codex().export(session, {}.__getitem__).items()
    assert name == source.key
    assert only(read(tmp_path / name, data)) == session
    (problem,) = read(tmp_path / source.path.name, source.path.read_bytes()[:300]).problems
    assert "damaged" in problem.reason

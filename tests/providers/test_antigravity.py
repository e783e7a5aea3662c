"""The Antigravity reader: steps become a conversation; what is encrypted or in no known form is kept."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from chasm_git.providers.antigravity import Antigravity
from tests.providers.reading import FIXTURES, harvest, said, shown, sources

antigravity = Antigravity()
HOME = FIXTURES / "antigravity" / "transcripts"
A, B = (f"a9000000-0000-4000-8000-00000000000{n}" for n in (1, 2))


def test_a_transcript() -> None:
    session = harvest(antigravity, HOME)[A]
    assert session.created_at == "2026-01-10T12:00:00.000Z"
    assert said(session, "user") == ["Why is the total wrong?"]
    first, second = [m for m in shown(session) if m["role"] == "assistant"]
    assert (first["thinking"], first["model"]) == (["Two at once."], "Gemini 3.5 Flash (Medium)")
    assert [(call["arguments"], call["result"], call["is_error"]) for call in first["tool_calls"]] == [
        ({"AbsolutePath": "/home/ana/shop/cart.py", "Lines": [1, 12]}, "12:    return round(total)\n", False),
        ({"CommandLine": "pytest -q"}, "The command failed.", True),
    ]
    assert second["content"] == "`cart.py` rounds too early."
    assert [m["content"] for m in shown(session) if m["role"] == "system"] == ["# Resuming from a compaction"]
    assert [m["content"] for m in shown(session) if m["role"] == "tool"] == ["Found nothing."]


def test_the_full_transcript_counts() -> None:
    session = harvest(antigravity, HOME)[B]
    assert (said(session, "user"), said(session, "assistant")) == (["Say hi"], ["Hi."])
    (call,) = [call for m in shown(session) for call in m["tool_calls"]]
    assert call["arguments"] == {"CommandLine": '"quoted"'}  # in this file, values are what they are


def test_what_is_encrypted_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / ".gemini" / "antigravity" / "conversations"
    folder.mkdir(parents=True)
    data = bytes(range(256)) * 600
    (folder / f"{A}.pb").write_bytes(data)
    (source,) = sources(antigravity, tmp_path)
    reading = antigravity.read(source)
    assert [(session.id, session.messages) for session in reading.sessions] == [(A, [])]
    assert [problem.fatal for problem in reading.problems] == [False]
    assert "encrypted" in reading.problems[0].reason
    files = antigravity.export(reading.sessions[0], reading.attachments.__getitem__)
    assert files == {f"{A}.pb": data}


def test_steps_of_no_known_form_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / ".gemini" / "antigravity" / "conversations"
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / f"{A}.db")) as connection, connection:
        connection.execute("CREATE TABLE steps (idx INTEGER, step_payload BLOB)")
        connection.execute("INSERT INTO steps VALUES (0, x'0801')")
    (folder / f"{A}.pb").write_bytes(b"old")
    (source,) = sources(antigravity, tmp_path)
    reading = antigravity.read(source)
    (session,) = reading.sessions
    assert [problem.fatal for problem in reading.problems] == [False]
    (data,) = antigravity.export(session, reading.attachments.__getitem__).values()
    assert json.loads(data) == {"steps": [{"idx": 0, "step_payload": {"$base64": "CAE="}}]}


def test_a_conversation_with_a_transcript_is_read_once(tmp_path: Path) -> None:
    logs = tmp_path / ".gemini" / "antigravity" / "brain" / A / ".system_generated" / "logs"
    logs.mkdir(parents=True)
    (logs / "transcript.jsonl").write_text('{"step_index":0,"type":"USER_INPUT","content":"hi"}\n')
    folder = tmp_path / ".gemini" / "antigravity" / "conversations"
    folder.mkdir(parents=True)
    (folder / f"{A}.pb").write_bytes(b"x")
    assert said(harvest(antigravity, tmp_path)[A], "user") == ["hi"]
    assert len(sources(antigravity, tmp_path)) == 1

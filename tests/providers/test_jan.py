"""The Jan reader: threads of all times, branches, and where it looks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.base import Env
from chasm_git.providers.jan import Jan
from chasm_git.providers.reading.thoughts import split
from chasm_git.session.model import Session
from tests.providers.reading import FIXTURES, harvest, only, parts, read_bytes, rows_of, said, shown, sources

jan = Jan()


def test_a_thread() -> None:
    (session,) = harvest(jan, FIXTURES / "jan" / "v0.7").values()
    assert (session.id[-4:], session.title, session.created_at) == ("0001", "Twice two", "2026-01-01T10:00:00.500Z")
    user, left, answer = shown(session)
    assert (user["content"], left["inactive"], left["status"]) == ("What is two times two?", True, "interrupted")
    assert (answer["content"], answer["thinking"]) == ("It is four, as ever.", ["A small sum."])
    assert [(c["name"], c["arguments"], c["result"]) for c in answer["tool_calls"]] == [
        ("calculate", {"term": "2*2"}, "4")
    ]
    assert session.messages[2].usage == {"input_tokens": 30, "output_tokens": 7, "totalTokens": 37}
    assert parts(session, "file")[0][1]["name"] == "sums.txt" and len(parts(session, "image")) == 1


def test_an_old_thread() -> None:
    (session,) = harvest(jan, FIXTURES / "jan" / "v0.5").values()
    assert (said(session, "user"), session.created_at) == (["Who wrote Faust, please?"], "2024-10-27T03:33:20.000Z")
    answer = shown(session)[1]
    assert (answer["content"], answer["thinking"]) == ("Goethe did, over sixty years.", ["German literature."])
    assert (answer["status"], answer["error"]) == ("failed", "context_exceeded")
    assert [c["result"] for c in answer["tool_calls"]] == ["Johann Wolfgang von Goethe"]


def message(key: str, role: str, time: int = 0, **metadata: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": {"value": key}}]
    return {"id": key, "role": role, "content": content, "created_at": time, "metadata": metadata}


def read(path: Path, *rows: Any) -> Session:
    return only(read_bytes(jan, path / "t" / "messages.jsonl", rows_of(*rows)))


def test_the_newest_child_stands_where_none_is_named(tmp_path: Path) -> None:
    rows = [
        message("u1", "user", 1, parentId=None),
        message("a1", "assistant", 2),  # the client forgot its parent
        message("u2", "user", 3, parentId="a1", activeChildId="gone"),
        message("a2", "assistant", 9, parentId="u2"),
        message("a3", "assistant", 4, parentId="u2"),
    ]
    session = read(tmp_path, *rows)
    assert [m.id for m in session.messages if m.inactive] == ["a3"]


def test_circles_and_orphans(tmp_path: Path) -> None:
    rows = [
        message("a", "user", 1, parentId="b", activeChildId="b"),
        message("b", "assistant", 2, parentId="a", activeChildId="a"),
        message("c", "user", 3, parentId="gone"),
        message("c", "user", 3, parentId="c"),
    ]
    assert len(read(tmp_path, *rows).messages) == 4


@pytest.mark.parametrize(
    "whole", ["<think>a", "<think></think>b", " <think>a</think><think>b</think> c\n", "a <think>b"]
)
def test_thoughts_come_back(whole: str, tmp_path: Path) -> None:
    row = message("m", "assistant")
    row["content"][0]["text"]["value"] = whole
    reading = read_bytes(jan, tmp_path / "t" / "messages.jsonl", rows_of(message("u", "user"), row))
    (data,) = jan.export(only(reading), reading.attachments.__getitem__).values()
    assert json.loads(data.splitlines()[1]) == row
    assert "<think>" not in "".join(part["text"] for part in split(whole)[0]) or whole.startswith("a")


def test_places(tmp_path: Path) -> None:
    rows = rows_of(message("u", "user"), message("a", "assistant"))
    for folder in ("named", "chosen", "jan", ".config/Jan/data", "Library/Application Support/Jan/data"):
        path = tmp_path / folder / "threads" / "t" / "messages.jsonl"
        path.parent.mkdir(parents=True)
        path.write_bytes(rows)
    settings = tmp_path / ".local/share/Jan/settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"data_folder": str(tmp_path / "chosen")}))
    found = sources(jan, tmp_path, JAN_DATA_FOLDER=str(tmp_path / "named"))
    assert [source.key for source in found] == ["named/t", "chosen/t", ".config/Jan/data/t", "jan/t"]
    assert len(list(jan.discover(Env(tmp_path, platform="darwin")))) == 2

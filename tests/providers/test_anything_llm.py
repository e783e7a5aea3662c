"""The AnythingLLM reader: threads of workspaces, rows of a prompt and its answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chasm_git.providers.anything_llm import AnythingLLM
from chasm_git.providers.base import Env, Source
from chasm_git.session import codec
from chasm_git.session.model import Session
from tests.providers.databases import as_set, build, built, given_back, rows_of
from tests.providers.reading import FIXTURES, harvest, parts, said, shown, sources

anything = AnythingLLM()
HOME = built(FIXTURES / "anythingllm" / "v1.8")
DATABASE = HOME / ".config/anythingllm-desktop/storage/anythingllm.db"


@pytest.fixture(scope="module")
def home() -> dict[str, Session]:
    return {str(session.title): session for session in harvest(anything, HOME).values()}


def test_threads(home: dict[str, Session]) -> None:
    roses, garden = home["Roses"], home["Garden"]
    assert said(garden, "assistant") == ["No, never."]
    assert said(roses, "user") == ["When do I prune roses?", "Thank you for the roses"]
    answer = shown(roses)[1]
    assert (answer["content"], answer["thinking"], answer["model"]) == ("In early spring.", ["It depends."], "llama3.2")
    assert [one["name"] for one in answer["references"]] == ["roses.txt"]
    assert roses.messages[1].usage is not None and roses.messages[1].usage["output_tokens"] == 8
    assert parts(roses, "image")[0][1]["name"] == "rose.png"
    assert roses.created_at == "2026-01-01T10:00:00.000Z"


def test_rows_come_back() -> None:
    reading = anything.read(sources(anything, HOME)[0])
    assert as_set(given_back(anything, [reading], "workspace_chats")) == as_set(rows_of(DATABASE, "workspace_chats"))


def test_settings_are_not_read(home: dict[str, Session]) -> None:
    assert b"a-key-of-a-service" in DATABASE.read_bytes()
    assert not any(b"a-key-of-a-service" in codec.dumps(session) for session in home.values())


def test_conversations_of_two_installations_are_told_apart(tmp_path: Path) -> None:
    ids = set()
    for time in (1, 2):
        path = build(
            tmp_path / str(time) / "anythingllm.db",
            f"""CREATE TABLE workspaces (id, slug, createdAt); INSERT INTO workspaces VALUES (1, 'w', {time});
            CREATE TABLE workspace_chats (id, workspaceId, prompt, response);
            INSERT INTO workspace_chats VALUES (1, 1, 'a', '{{"text":"b"}}');""",
        )
        ids |= {session.id for session in anything.read(Source("anythingllm", "k", path, "")).sessions}
    assert len(ids) == 2


def test_strange_rows(tmp_path: Path) -> None:
    path = build(
        tmp_path / "anythingllm.db",
        """CREATE TABLE workspace_chats (response, prompt, createdAt, id);
        INSERT INTO workspace_chats VALUES (NULL, NULL, NULL, NULL), (x'00', 7, 'never', 1), ('[1]', 'p', 1e99, 1);""",
    )
    reading = anything.read(Source("anythingllm", "k", path, ""))
    assert reading.problems == []
    assert [len(session.messages) for session in reading.sessions] == [6]
    assert as_set(given_back(anything, [reading], "workspace_chats"))
    (data,) = anything.export(reading.sessions[0], reading.attachments.__getitem__).values()
    assert json.loads(data)


def test_places(tmp_path: Path) -> None:
    build(tmp_path / "server/anythingllm.db", "CREATE TABLE workspace_chats (id)")
    (found,) = sources(anything, tmp_path, STORAGE_DIR=str(tmp_path / "server"))
    assert found.path.parent.name == "server"
    build(tmp_path / "AppData/Roaming/anythingllm-desktop/storage/anythingllm.db", "CREATE TABLE workspace_chats (id)")
    assert len(list(anything.discover(Env(tmp_path, platform="win32")))) == 1

"""The readers of Amazon Q and Kiro CLI: conversations in tables, sessions in files, and no token of the login."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from chasm_git.providers.amazon_q import AmazonQ, KiroCLI
from chasm_git.providers.base import Env, Source
from chasm_git.session import codec
from chasm_git.session.model import Session
from tests.providers.databases import as_set, build, built, given_back, rows_of
from tests.providers.reading import FIXTURES, harvest, only, parts, read_bytes, said, shown, sources
from tests.providers.reading import rows_of as lines

amazon_q, kiro = AmazonQ(), KiroCLI()
HOME = built(FIXTURES / "amazon-q" / "v1")
KIRO = built(FIXTURES / "kiro-cli" / "v1")
FILES = FIXTURES / "kiro-cli" / "v2"
MAIN, OLD = (f"7c000000-0000-4000-8000-00000000000{number}" for number in (1, 2))
NEW = "7d000000-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def home() -> dict[str, Session]:
    return harvest(amazon_q, HOME)


def test_the_conversation(home: dict[str, Session]) -> None:
    assert set(home) == {MAIN, OLD}
    session = home[MAIN]
    assert (session.workspace, session.created_at) == ("/home/ana/shop", "2026-01-10T12:00:00.250Z")
    assert said(session, "user") == ["Why is the total wrong?", "Stop that."]
    answers = [m for m in shown(session) if m["role"] == "assistant"]
    assert [(m["content"], m["model"]) for m in answers] == [
        ("Let me look.", "m-1"),
        ("It rounds too early.", "m-1"),
        ("Stopped.", None),
    ]
    assert answers[0]["timestamp"] == "2026-01-10T12:00:02.000Z"
    assert [(c["name"], c["result"], c["is_error"]) for c in answers[0]["tool_calls"]] == [
        ("execute_bash", "12:    return round(total)", False),
        ("fs_read", "no such file", True),
    ]


def test_pairs_that_are_lists(home: dict[str, Session]) -> None:
    assert [(m.role, m.content) for m in home[OLD].messages] == [
        ("user", "Say hello."),
        ("assistant", "Hello."),
        ("event", ""),
    ]


def test_rows_come_back() -> None:
    reading = amazon_q.read(sources(amazon_q, HOME)[0])
    rows = rows_of(HOME / ".local/share/amazon-q/data.sqlite3", "conversations")
    made = as_set(given_back(amazon_q, [reading], "conversations"))
    assert made == as_set([row for row in rows if row["key"] in ("/home/ana/shop", "/home/ana/old")])
    reading = kiro.read(sources(kiro, KIRO)[0])
    rows = rows_of(KIRO / ".local/share/kiro-cli/data.sqlite3", "conversations_v2")
    assert as_set(given_back(kiro, [reading], "conversations_v2")) == as_set(rows)


def test_texts_are_stored_once(home: dict[str, Session]) -> None:
    stored = codec.dumps(home[MAIN])
    assert stored.count(b"It rounds too early.") == 1


def test_no_token_leaves_the_database(home: dict[str, Session]) -> None:
    sessions = [*home.values(), *harvest(kiro, KIRO).values()]
    assert not any(b"token-that-stays-there" in codec.dumps(session) for session in sessions)


def test_a_conversation_in_both_tables_is_one() -> None:
    assert set(harvest(kiro, KIRO)) == {NEW}


def test_answers_keep_their_ids_while_a_history_grows(tmp_path: Path) -> None:
    rows = rows_of(HOME / ".local/share/amazon-q/data.sqlite3", "conversations")
    value = next(json.loads(row["value"]) for row in rows if row["key"] == "/home/ana/shop")
    ids = []
    for count in (1, 2, 3):
        text = json.dumps(value | {"history": value["history"][:count]}).replace("'", "''")
        path = build(
            tmp_path / f"{count}.sqlite3",
            f"CREATE TABLE conversations (key, value); INSERT INTO conversations VALUES ('/p', '{text}');",
        )
        ids.append([m.id for m in only(amazon_q.read(Source("amazon-q", "k", path, ""))).messages])
    assert ids[1][:2] == ids[0] and ids[2][:4] == ids[1]


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_session_of_files() -> None:
    (session,) = harvest(kiro, FILES).values()
    assert (session.title, session.workspace) == ("The cart's total", "/home/ana/shop")
    assert said(session, "user") == ["Why is the total wrong?"]
    answers = [m for m in shown(session) if m["role"] == "assistant"]
    assert [(m["content"], m["thinking"]) for m in answers] == [
        ("Let me look.", ["Rounding, I guess."]),
        ("It rounds too early.", []),
    ]
    assert [(c["name"], c["result"]) for c in answers[0]["tool_calls"]] == [("shell", "12:    return round(total)")]
    assert [m["content"] for m in shown(session) if m.get("injected")] == ["The total is rounded too early."]


def test_what_started_a_session(tmp_path: Path) -> None:
    row = {"version": "v1", "kind": "Prompt", "data": {"content": [{"kind": "text", "data": "go"}]}}
    for reason, expected in (("subagent", ("s-0", None)), ("fork", (None, "s-0"))):
        about = {"session_id": "s-1", "parent_session_id": "s-0", "session_created_reason": reason}
        (tmp_path / "s-1.json").write_text(json.dumps(about))
        session = only(read_bytes(kiro, tmp_path / "s-1.jsonl", lines(row)))
        assert (session.parent, session.forked_from) == expected


def test_results_of_every_kind(tmp_path: Path) -> None:
    outputs = [{"kind": "text", "data": "a"}, {"kind": "json", "data": [1]}, {"kind": "json", "data": None}]
    data = {"toolUseId": "t", "content": outputs, "status": "error"}
    rows = [
        {"kind": "Prompt", "data": {"content": [{"kind": "text", "data": "go"}]}},
        {"kind": "ToolResults", "data": {"content": [{"kind": "toolResult", "data": data}]}},
    ]
    ((_, part),) = parts(only(read_bytes(kiro, tmp_path / "s.jsonl", lines(*rows))), "tool_result")
    assert (part["content"], part["is_error"]) == ("a\n[1]\n", True)


def test_places(tmp_path: Path) -> None:
    place = tmp_path / "Library/Application Support/amazon-q"
    place.mkdir(parents=True)
    shutil.copyfile(HOME / ".local/share/amazon-q/data.sqlite3", place / "data.sqlite3")
    assert len(list(amazon_q.discover(Env(tmp_path, platform="darwin")))) == 1
    shutil.copytree(FILES / ".kiro", tmp_path / "named")
    assert [s.key for s in sources(kiro, tmp_path, KIRO_HOME=str(tmp_path / "named"))] == [
        "cli/7e000000-0000-4000-8000-000000000001.jsonl"
    ]


@pytest.mark.parametrize("value", ['\'{"history":[{"us\'', "'[]'", "x'ff'"])
def test_a_conversation_that_cannot_be_read_is_named(value: str, tmp_path: Path) -> None:
    path = build(
        tmp_path / "data.sqlite3",
        f"CREATE TABLE conversations (key, value); INSERT INTO conversations VALUES ('/home/ana/shop', {value});",
    )
    reading = amazon_q.read(Source("amazon-q", "k", path, ""))
    (problem,) = reading.problems
    assert reading.sessions == [] and not problem.fatal
    assert problem.reason == "table conversations, /home/ana/shop: not a JSON object"

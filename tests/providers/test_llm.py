"""The llm reader: threads through a graph of messages, and the responses there were before."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chasm_git.providers.base import Env, Source
from chasm_git.providers.llm import LLM
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
from tests.conftest import SHARED
from tests.providers.databases import as_set, build, built, given_back, rows_of
from tests.providers.reading import FIXTURES, harvest, parts, said, shown, sources

llm = LLM()
NEW = built(FIXTURES / "llm" / "v0.36")
OLD = built(FIXTURES / "llm" / "v0.27")
LOG = ".config/io.datasette.llm/logs.db"


@pytest.fixture(scope="module")
def threads() -> dict[str, Session]:
    return harvest(llm, NEW)


@pytest.fixture(scope="module")
def responses() -> dict[str, Session]:
    return harvest(llm, OLD)


def test_a_thread(threads: dict[str, Session]) -> None:
    assert set(threads) == {"01t1", "01t2"}
    session = threads["01t1"]
    assert (session.title, session.workspace, session.created_at) == (
        "The cart's total",
        None,
        "2026-01-10T12:00:00.100Z",
    )
    (prompt,) = said(session, "user")
    assert prompt.startswith("def total(items):") and prompt.endswith("\nWhy is the total wrong?")
    active = [m for m in shown(session) if m["role"] == "assistant" and not m.get("inactive")]
    assert [(m["content"], m["thinking"], m["model"]) for m in active] == [
        ("Let me look.", ["Rounding, I guess."], "m-1"),
        ("It rounds too early.", [], "m-1"),
    ]
    assert [(c["arguments"], c["result"]) for m in active for c in m["tool_calls"]] == [
        ({"command": "grep -n round cart.py"}, "12:    return round(total)  # é\n")
    ]
    assert [(m.role, m.content) for m in session.messages if m.injected] == [("system", "You are terse.")]
    assert [m.content for m in session.messages if m.inactive] == ["An answer that was tried again."]
    assert universal(session)["metadata"]["total_tokens"] == {"input": 221, "output": 23}


def test_a_fragment_is_stored_once(threads: dict[str, Session]) -> None:
    prompt = next(m for m in threads["01t1"].messages if m.role == "user")
    assert prompt.native["fragments"][0]["content"] == {"$slice": "content.0.text", "at": [0, 106]}


def test_a_fork_repeats_what_it_forked(threads: dict[str, Session]) -> None:
    fork = threads["01t2"]
    assert fork.forked_from == "01t1"
    assert [m.id for m in fork.messages] == ["b2:a0", "b2:a1", "b2:a2", "b2:a3", "b2:a4", "b2:c1", "b2:c2"]


def test_responses(responses: dict[str, Session]) -> None:
    session = responses["01c1"]
    assert (session.title, session.created_at) == ("Run hello", "2025-10-01T08:00:00.123Z")
    assert said(session, "user") == ["a fragment\nRun hello"]
    assert [part["uri"] for _, part in parts(session, "file")] == ["/home/ana/bill.pdf"]
    answers = [m for m in shown(session) if m["role"] == "assistant"]
    assert [(m["content"], m["model"]) for m in answers] == [("Two at once.", "m-1"), ("Done.", "m-1-2025")]
    assert [(c["arguments"], c["result"], c["is_error"]) for m in answers for c in m["tool_calls"]] == [
        ({"command": "echo first"}, "first\n", False),
        ({"command": "exit 3"}, "Error: 3", True),
    ]
    assert said(responses["01r3"], "assistant") == ["So be it."]


NEW_TABLES = ("turns", "messages", "parts", "fragments", "part_fragments", "attachments", "turn_fragments")
OLD_TABLES = (
    "responses",
    "tool_calls",
    "tool_results",
    "fragments",
    "prompt_fragments",
    "conversations",
    "attachments",
)


@pytest.mark.parametrize(("home", "table"), [*((NEW, t) for t in NEW_TABLES), *((OLD, t) for t in OLD_TABLES)])
def test_rows_come_back(home: Path, table: str) -> None:
    reading = llm.read(sources(llm, home)[0])
    made = as_set(given_back(llm, [reading], table))
    assert (set(made) if home == NEW else made) == (set if home == NEW else list)(as_set(rows_of(home / LOG, table)))


def test_real_rows_come_back(tmp_path: Path) -> None:
    real = SHARED / "realdata" / "llm-0.36" / "home" / LOG
    if not real.exists():
        pytest.skip("no real data here")
    path = Path(shutil.copyfile(real, tmp_path / "logs.db"))
    reading = llm.read(Source("llm", "k", path, ""))
    for table in ("threads", "turns", "messages", "parts", "fragments"):
        assert as_set(given_back(llm, [reading], table)) == as_set(rows_of(path, table))


def test_messages_in_a_circle(tmp_path: Path) -> None:
    path = build(
        tmp_path / "logs.db",
        """CREATE TABLE threads (id, tip_message_hash); INSERT INTO threads VALUES ('t', 'a');
        CREATE TABLE messages (hash, parent_hash, role);
        INSERT INTO messages VALUES ('a', 'b', 'user'), ('b', 'a', 5);""",
    )
    (session,) = llm.read(Source("llm", "k", path, "")).sessions
    assert [(m.id, m.role) for m in session.messages] == [("b", "event"), ("a", "user")]


def test_places(tmp_path: Path) -> None:
    build(tmp_path / "Library/Application Support/io.datasette.llm/logs.db", "CREATE TABLE threads (id)")
    (found,) = llm.discover(Env(tmp_path, platform="darwin"))
    assert isinstance(found, Source) and found.key == "logs.db"
    build(tmp_path / "named/logs.db", "CREATE TABLE threads (id)")
    (named,) = sources(llm, tmp_path, LLM_USER_PATH=str(tmp_path / "named"))
    assert named.path == tmp_path / "named/logs.db"

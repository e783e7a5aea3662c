"""The Goose reader: its database, the files before it, and ids that hold on every machine."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chasm_git.providers.base import Env, Source
from chasm_git.providers.goose import Goose
from chasm_git.session.model import Session
from tests.providers.databases import as_set, build, built, given_back, rows_of
from tests.providers.reading import FIXTURES, harvest, only, parts, read_bytes, said, shown, sources
from tests.providers.reading import rows_of as lines

goose = Goose()
HOME = built(FIXTURES / "goose" / "v1.20")
FILES = FIXTURES / "goose" / "v1.9"
DATABASE = HOME / ".local/share/goose/sessions/sessions.db"


@pytest.fixture(scope="module")
def home() -> dict[str, Session]:
    return harvest(goose, HOME)


def session_of(home: dict[str, Session]) -> Session:
    return next(session for key, session in home.items() if key.startswith("20260110_1-"))


def test_the_conversation(home: dict[str, Session]) -> None:
    session = session_of(home)
    assert (session.title, session.workspace) == ("The cart's total", "/home/ana/shop")
    assert session.created_at == "2026-01-10T12:00:00.000Z"
    assert said(session, "user") == ["Why is the total wrong?"]
    answers = [m for m in shown(session) if m["role"] == "assistant"]
    assert [(m["content"], m["thinking"]) for m in answers] == [
        ("Let me look.", ["Rounding, I guess."]),
        ("It rounds too early.", []),
    ]
    assert [(c["name"], c["result"], c["is_error"]) for m in answers for c in m["tool_calls"]] == [
        ("developer__shell", "12:    return round(total)\n", False),
        ("developer__shell", "exit 3", True),
        (None, "unknown tool", True),
    ]
    assert answers[1]["timestamp"] == "2026-01-10T12:00:03.123Z"
    assert [m["content"] for m in shown(session) if m.get("injected")] == ["A summary of what was said."]
    assert len(parts(session, "image")) == 1


@pytest.mark.parametrize("table", ["messages"])
def test_rows_come_back(table: str) -> None:
    reading = goose.read(sources(goose, HOME)[0])
    assert as_set(given_back(goose, [reading], table)) == as_set(rows_of(DATABASE, table))


def test_ids_do_not_change_when_rows_are_inserted_again(home: dict[str, Session], tmp_path: Path) -> None:
    path = Path(shutil.copyfile(DATABASE, tmp_path / "sessions.db"))
    with closing(sqlite3.connect(path)) as writer, writer:
        writer.execute("CREATE TABLE kept AS SELECT * FROM messages WHERE id > 4 ORDER BY id")
        writer.execute("DELETE FROM messages")
        writer.execute(
            "INSERT INTO messages SELECT id + 100, message_id, session_id, role, content_json, created_timestamp,"
            " 'now', 9, metadata_json FROM kept"
        )
    again = session_of({s.id: s for s in goose.read(Source("goose", "k", path, "")).sessions})
    before = session_of(home)
    assert again.id == before.id
    assert [m.id for m in again.messages] == [m.id for m in before.messages][1:]


def test_sessions_of_two_machines_are_told_apart(tmp_path: Path) -> None:
    ids = set()
    for number, time in enumerate(("2026-01-10 12:00:00", "2026-01-10 15:00:00")):
        path = build(
            tmp_path / str(number) / "sessions.db",
            f"""CREATE TABLE sessions (id, created_at); INSERT INTO sessions VALUES ('20260110_1', '{time}');
            CREATE TABLE messages (id, session_id, role, content_json);
            INSERT INTO messages VALUES (1, '20260110_1', 'user', '[]');""",
        )
        ids |= {session.id for session in goose.read(Source("goose", "k", path, "")).sessions}
    assert len(ids) == 2


# --- files ------------------------------------------------------------------------------------------------------------


def test_files() -> None:
    found = harvest(goose, FILES)
    session = found["20250920_143022"]
    assert (session.title, session.workspace) == ("Rename the module", "/home/ana/old")
    assert said(session, "user") == ["Rename cart to basket."]
    assert [c["result"] for m in shown(session) for c in m["tool_calls"]] == ["ok"]
    (named,) = (key for key in found if key.startswith("fix-login-"))
    assert said(found[named], "user") == ["Fix the login."]


def test_what_is_in_the_database_is_read_there(tmp_path: Path) -> None:
    shutil.copytree(FILES, tmp_path, dirs_exist_ok=True)
    shutil.copyfile(DATABASE, tmp_path / ".local/share/goose/sessions/sessions.db")
    found = {source.key: len(goose.read(source).sessions) for source in sources(goose, tmp_path)}
    assert found == {"sessions.db": 2, "20250920_143022.jsonl": 0, "fix-login.jsonl": 1}


def test_a_name_stays_while_a_file_grows(tmp_path: Path) -> None:
    rows = [{"role": "user", "content": [{"type": "text", "text": str(n)}]} for n in range(2)]
    one = only(read_bytes(goose, tmp_path / "a.jsonl", lines(rows[0])))
    both = only(read_bytes(goose, tmp_path / "a.jsonl", lines(*rows)))
    assert one.id == both.id != "a"


def test_places(tmp_path: Path) -> None:
    build(tmp_path / "root/data/sessions/sessions.db", "CREATE TABLE sessions (id)")
    (found,) = sources(goose, tmp_path, GOOSE_PATH_ROOT=str(tmp_path / "root"))
    assert found.key == "sessions.db"
    build(tmp_path / "AppData/Roaming/Block/goose/data/sessions/sessions.db", "CREATE TABLE sessions (id)")
    assert len(list(goose.discover(Env(tmp_path, platform="win32")))) == 1

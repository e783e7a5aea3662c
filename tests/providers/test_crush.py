"""The Crush reader: what its rows say, and where its databases are found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chasm_git.providers.base import Env, Problem, Source
from chasm_git.providers.crush import Crush
from chasm_git.providers.reading import project_folders
from chasm_git.session.model import Session
from tests.providers.databases import as_set, build, built, given_back, rows_of
from tests.providers.reading import FIXTURES, harvest, parts, said, shown, sources

crush = Crush()
HOME = built(FIXTURES / "crush" / "v1")
DATABASE = HOME / "src/shop/.crush/crush.db"
MAIN = "c4000000-0000-4000-8000-000000000001"
ROW = """CREATE TABLE messages (id, session_id, role, parts);
INSERT INTO messages VALUES ('m', 's', 'user', '[{"type":"text","data":{"text":"hi"}}]');"""


@pytest.fixture(scope="module")
def home() -> dict[str, Session]:
    return harvest(crush, HOME)


def test_the_conversation(home: dict[str, Session]) -> None:
    session = home[MAIN]
    assert (session.title, session.created_at) == ("The cart's total", "2026-01-10T12:00:00.000Z")
    assert said(session, "user") == ["Why is the total <wrong>?"]
    answers = [m for m in shown(session) if m["role"] == "assistant"]
    assert [(m["content"], m["thinking"], m["model"]) for m in answers][:2] == [
        ("Let me look.", ["Rounding, I guess."], "m-1"),
        ("It rounds", [], "m-1"),
    ]
    calls = [(c["name"], c["arguments"], c["result"], c["is_error"]) for m in shown(session) for c in m["tool_calls"]]
    assert calls == [
        ("bash", {"command": "grep -n round cart.py"}, "12:    return round(total)\n", False),
        ("view", '{"file', "no such file", True),
        ("shell", {"command": "make test"}, "1 failed", True),
    ]
    assert [part.get("name") for _, part in parts(session, "image")] == ["shot.png"]


def test_states(home: dict[str, Session]) -> None:
    states = {m.id: m.status for m in home[MAIN].messages if m.status}
    assert states == {"m4": "interrupted", "m6": "failed", "m7": "partial"}
    assert [part["text"] for _, part in parts(home[MAIN], "error")] == ["Bad Request\ntoo many tokens"]
    times = [m.timestamp or "" for m in home[MAIN].messages]
    assert times[3] == "2026-01-10T12:00:06.000Z" and times == sorted(times)


def test_agents(home: dict[str, Session]) -> None:
    assert home["m2$$call_9"].parent == MAIN


@pytest.mark.parametrize("table", ["sessions", "messages"])
def test_rows_come_back(table: str) -> None:
    reading = crush.read(sources(crush, HOME)[0])
    assert as_set(given_back(crush, [reading], table)) == as_set(rows_of(DATABASE, table))


def test_the_list_of_projects_says_where_and_what(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere" / "a" / "b" / "c" / "d" / "shop"
    build(folder / "state" / "crush.db", ROW)
    listed = {"projects": [{"path": str(folder), "data_dir": "state"}, {"path": "/nowhere"}, 5, {"path": "a\0b"}]}
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "projects.json").write_text(json.dumps(listed))
    (found,) = sources(crush, tmp_path / "home", CRUSH_GLOBAL_DATA=str(tmp_path / "data"))
    assert crush.read(found).sessions[0].workspace == str(folder)
    (tmp_path / "data" / "projects.json").write_text("{")
    (problem,) = crush.discover(Env(tmp_path / "home", {"CRUSH_GLOBAL_DATA": str(tmp_path / "data")}))
    assert isinstance(problem, Problem) and not problem.fatal


def test_projects_that_are_not_listed(tmp_path: Path) -> None:
    for place in ("shop", "src/shop", "src/group/shop", "src/group/deep/shop", ".hidden/shop", "node_modules/x"):
        build(tmp_path / place / ".crush" / "crush.db", ROW)
    (tmp_path / "shop" / ".git").mkdir()
    build(tmp_path / "shop" / "inner" / ".crush" / "crush.db", ROW)
    found = [source.path.parent.parent.relative_to(tmp_path).as_posix() for source in sources(crush, tmp_path)]
    assert found == ["shop", "src/group/shop", "src/shop"]


def test_the_search_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(9):
        build(tmp_path / f"p{number}" / ".crush" / "crush.db", ROW)
    monkeypatch.setattr(project_folders, "MOST", 5)
    assert [isinstance(source, Source) for source in sources(crush, tmp_path)] == [True] * 4

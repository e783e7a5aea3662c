"""The opencode reader: its database, its files, and sessions that are in both; Kilo CLI, which has the same."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chasm_git.providers.base import Reading, Source
from chasm_git.providers.opencode import KiloCLI, OpenCode
from chasm_git.session import codec
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
from tests.conftest import SHARED
from tests.providers.databases import as_set, build, built, given_back, rows_of
from tests.providers.reading import FIXTURES, harvest, only, parts, said, shown, sources

opencode = OpenCode()
HOME = built(FIXTURES / "opencode" / "v1.18")
FILES = FIXTURES / "opencode" / "v1.1"
DATABASE = HOME / ".local/share/opencode/opencode.db"
STORAGE = Path(".local/share/opencode/storage")
SHARED_FILES = SHARED / "fixtures" / "agent-sessions-mac" / "opencode" / "opencode"


@pytest.fixture(scope="module")
def home() -> dict[str, Session]:
    return harvest(opencode, HOME)


def test_the_conversation(home: dict[str, Session]) -> None:
    assert set(home) == {"ses_a1", "ses_a2"}
    session = home["ses_a1"]
    assert (session.title, session.workspace) == ("The cart's total", "/home/ana/shop")
    assert session.created_at == "2026-01-10T12:00:00.100Z"
    assert said(session, "user") == ["Why is the total wrong?"]
    assert said(session, "assistant") == ["Let me look.", "The total is rounded too early."]
    answer = next(m for m in shown(session) if m["tool_calls"])
    assert answer["thinking"] == ["Rounding, I guess."] and answer["model"] == "m-1"
    assert answer["timestamp"] == "2026-01-10T12:00:04.000Z"
    assert [(c["name"], c["result"], c["is_error"]) for c in answer["tool_calls"]] == [
        ("bash", "12:    return round(total)\n", False),
        ("edit", "oldString not found in content", True),
    ]
    assert [part["uri"] for _, part in parts(session, "edit")] == ["/home/ana/shop/cart.py"]


def test_what_nobody_typed(home: dict[str, Session]) -> None:
    injected = [m["content"] for m in shown(home["ses_a1"]) if m.get("injected")]
    assert injected == ["Continue if you have next steps."]


def test_images_leave_the_session() -> None:
    reading = opencode.read(sources(opencode, HOME)[0])
    ((_, image),) = parts(reading.sessions[0], "image")
    assert reading.attachments[image["data"]["$attachment"]].startswith(b"\x89PNG")


def test_tokens(home: dict[str, Session]) -> None:
    usage = universal(home["ses_a1"])["metadata"]
    assert usage["total_tokens"] == {"input": 1183, "output": 149}
    assert usage["usage"]["cache_read_input_tokens"] == 22


def test_states(home: dict[str, Session]) -> None:
    session = home["ses_a2"]
    assert session.parent == "ses_a1"
    assert [(m.id, m.status, m.inactive) for m in session.messages] == [
        ("msg_b1", None, False),
        ("msg_b2", "interrupted", False),
        ("msg_b3", None, True),
        ("msg_b4", "failed", True),
        ("msg_b5", None, True),
    ]
    assert [part["text"] for _, part in parts(session, "error")] == ["The operation was aborted.", "400 bad request"]


@pytest.mark.parametrize("table", ["message", "part", "todo"])
def test_rows_come_back(table: str) -> None:
    reading = opencode.read(sources(opencode, HOME)[0])
    assert as_set(given_back(opencode, [reading], table)) == as_set(rows_of(DATABASE, table))


def test_secrets_are_not_read(home: dict[str, Session]) -> None:
    assert not any(b"token-that-stays-there" in codec.dumps(session) for session in home.values())


def test_real_rows_come_back(tmp_path: Path) -> None:
    real = SHARED / "realdata" / "opencode-1.18.33" / "home"
    if not real.exists():
        pytest.skip("no real data here")
    shutil.copytree(real, tmp_path / "home", copy_function=shutil.copyfile)
    path = tmp_path / "home/.local/share/opencode/opencode.db"
    reading = opencode.read(Source("opencode", "k", path, ""))
    for table in ("session", "message", "part"):
        assert as_set(given_back(opencode, [reading], table)) == as_set(rows_of(path, table))


def test_messages_without_their_session(tmp_path: Path) -> None:
    path = build(
        tmp_path / "opencode.db",
        """CREATE TABLE message (id, session_id, data); CREATE TABLE part (id, message_id, data);
        INSERT INTO message VALUES ('msg_1', 'ses_1', '{"role":"user"}');
        INSERT INTO part VALUES ('prt_1', 'msg_1', '{"type":"text","text":"hi"}');
        INSERT INTO part VALUES (NULL, 'msg_1', '[1]'); INSERT INTO part VALUES (x'00', 'msg_1', 5);""",
    )
    reading = opencode.read(Source("opencode", "k", path, ""))
    assert reading.problems == []
    assert said(only(reading), "user") == ["hi"]
    assert as_set(given_back(opencode, [reading], "part")) == as_set(rows_of(path, "part"))


def test_an_answer_that_is_being_written(tmp_path: Path) -> None:
    path = tmp_path / "opencode.db"
    shutil.copyfile(DATABASE, path)
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("""INSERT INTO message VALUES ('msg_a9', 'ses_a1', 1768046499000, 0, '{"role":"assistant"}')""")
        writer.commit()
        reading = opencode.read(Source("opencode", "k", path, ""))
    session = next(s for s in reading.sessions if s.id == "ses_a1")
    assert [(m.id, m.status) for m in session.messages][-1] == ("msg_a9", "partial")


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_session_of_files() -> None:
    session = harvest(opencode, FILES)["ses_f1"]
    assert (session.title, session.workspace) == ("Rename the module", "/home/ana/old")
    assert said(session, "user") == ['"Rename cart to basket"\n']
    (answer,) = (m for m in shown(session) if m["role"] == "assistant")
    assert answer["content"] == "Renamed."
    assert [c["arguments"] for c in answer["tool_calls"]] == [{"command": "git mv cart.py basket.py"}]


def all_files(home: Path) -> dict[str, object]:
    folder = home / STORAGE
    return {str(p.relative_to(folder)): json.loads(p.read_bytes()) for p in sorted(folder.rglob("*.json"))}


def test_files_come_back() -> None:
    made: dict[str, object] = {}
    for source in sources(opencode, FILES):
        reading = opencode.read(source)
        for session in reading.sessions:
            files = opencode.export(codec.loads(codec.dumps(session)), reading.attachments.__getitem__)
            made |= {name: json.loads(data) for name, data in files.items()}
    expected = all_files(FILES)
    del expected["session/global/ses_f2.json"]  # opened, and nothing was said
    assert made == expected


def test_files_of_other_versions(tmp_path: Path) -> None:
    if not SHARED_FILES.exists():
        pytest.skip("no shared fixtures here")
    for name, prompts in (("storage_v2", 3), ("storage_legacy", 1)):
        home = tmp_path / name
        shutil.copytree(SHARED_FILES / name, home / STORAGE)
        readings = [opencode.read(source) for source in sources(opencode, home)]
        sessions = [session for reading in readings for session in reading.sessions]
        assert [problem for reading in readings for problem in reading.problems] == []
        assert sum(len(said(session, "user")) for session in sessions) == prompts
        assert all(said(session, "assistant") for session in sessions)


def test_what_is_in_the_database_is_read_there(tmp_path: Path) -> None:
    shutil.copytree(FILES, tmp_path, dirs_exist_ok=True)
    shutil.copyfile(DATABASE, tmp_path / ".local/share/opencode/opencode.db")
    storage = tmp_path / STORAGE
    (storage / "session/global/ses_f1.json").replace(storage / "session/global/ses_a1.json")
    (storage / "message/ses_f1").rename(storage / "message/ses_a1")
    found: list[Reading] = [opencode.read(source) for source in sources(opencode, tmp_path)]
    assert [[session.id for session in reading.sessions] for reading in found] == [["ses_a1", "ses_a2"], [], []]


def test_a_broken_file_is_kept(tmp_path: Path) -> None:
    shutil.copytree(FILES, tmp_path, dirs_exist_ok=True)
    broken = tmp_path / STORAGE / "part/msg_f2/prt_f4.json"
    broken.write_bytes(b'{"type":"text","te\xff')
    reading = opencode.read(sources(opencode, tmp_path)[0])
    assert [(p.path, p.fatal) for p in reading.problems] == [(str(broken), False)]
    files = opencode.export(only(reading), reading.attachments.__getitem__)
    assert files["part/msg_f2/prt_f4.json"] == broken.read_bytes()


def test_a_new_part_is_noticed(tmp_path: Path) -> None:
    shutil.copytree(FILES, tmp_path, dirs_exist_ok=True)
    before = [source.stamp for source in sources(opencode, tmp_path)]
    assert [source.stamp for source in sources(opencode, tmp_path)] == before
    (tmp_path / STORAGE / "part/msg_f2/prt_f5.json").write_text('{"type":"text","text":"more"}')
    assert [one != two.stamp for one, two in zip(before, sources(opencode, tmp_path), strict=True)] == [True, False]


@pytest.mark.parametrize("name", ["message/ses_f1/msg_f2", "part/msg_f2/prt_f3", "todo/ses_f1"])
def test_a_file_that_cannot_be_opened_costs_itself(name: str, tmp_path: Path) -> None:
    unreadable = Path("/proc/self/mem")
    if not unreadable.exists():
        pytest.skip("no file that even root cannot read")
    shutil.copytree(FILES, tmp_path, dirs_exist_ok=True)
    path = tmp_path / STORAGE / f"{name}.json"
    path.unlink()
    path.symlink_to(unreadable)
    source = next(source for source in sources(opencode, tmp_path) if source.path.stem == "ses_f1")
    reading = opencode.read(source)
    assert said(only(reading), "user") == said(harvest(opencode, FILES)["ses_f1"], "user")
    (problem,) = reading.problems
    assert (problem.path, problem.fatal) == (str(path), False)


def test_paths_of_an_export_stay_inside() -> None:
    session = Session("../../x", "opencode", native={"session_file": {"../evil.json": {}, "session/../../x.json": {}}})
    assert list(opencode.export(session, {}.__getitem__)) == ["session/global/-x.json"]


# --- places -----------------------------------------------------------------------------------------------------------


def test_places(tmp_path: Path) -> None:
    data = tmp_path / "data" / "opencode"
    for path in (data / "opencode.db", data / "opencode-dev.db", data / "other.db", tmp_path / "named.db"):
        build(path, "CREATE TABLE session (id)")
    keys = [s.key for s in sources(opencode, tmp_path, XDG_DATA_HOME=str(tmp_path / "data"))]
    assert keys == ["opencode-dev.db", "opencode.db"]
    named = sources(opencode, tmp_path, XDG_DATA_HOME=str(tmp_path / "data"), OPENCODE_DB=str(tmp_path / "named.db"))
    assert named[0].path == tmp_path / "named.db"


def test_kilo() -> None:
    session = harvest(KiloCLI(), built(FIXTURES / "kilo-cli" / "v7"))["ses_k1"]
    assert session.provider == "kilo-cli"
    assert said(session, "user") == ["Say hello."] and said(session, "assistant") == ["Hello."]
    assert json.loads(KiloCLI().export(session, {}.__getitem__)["ses_k1.json"])["session"][0]["time_of_tomorrow"] == 7

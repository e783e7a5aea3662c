"""What every registered provider holds to, tried on its own fixtures: one suite for all of them."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chasm_git.archive.layout import parse_session_path, session_path
from chasm_git.providers import registry
from chasm_git.providers.base import Env, Problem, Reading, Source
from chasm_git.session import codec
from chasm_git.session.attachments import names_in
from chasm_git.session.merge import absorb
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
from tests.providers.databases import built

FIXTURES = Path(__file__).parents[2] / "fixtures"
CANONICAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ROLES = {"user", "assistant", "system", "tool", "event"}


@dataclass(frozen=True)
class Case:
    """A home with sessions of one provider."""

    name: str
    home: Path

    def discover(self, home: Path | None = None) -> list[Source]:
        found = list(registry.load(self.name).discover(Env(home or self.home)))
        assert [item for item in found if isinstance(item, Problem)] == []
        return [item for item in found if isinstance(item, Source)]

    def stamps(self, home: Path) -> dict[str, str]:
        return {source.key: source.stamp for source in self.discover(home)}

    def read(self, home: Path | None = None) -> list[tuple[Source, Reading]]:
        provider = registry.load(self.name)
        return [(source, provider.read(source)) for source in self.discover(home)]


def cases() -> Iterator[Case]:
    for name in registry.BUILT_IN:
        for folder in (FIXTURES / name, FIXTURES / "demo"):
            for home in sorted(folder.glob(name if folder.name == "demo" else "*")):
                if home.is_dir():
                    yield Case(name, built(home))


CASES = list(cases())

INDEXES = {
    "crush": "projects.json",
    "gpt4all": "GPT4All.ini",
    "jan": "settings.json",
    "lm-studio": ".lmstudio-home-pointer",
}
"""What says where a client's own sources are, which cannot be found without it."""


STORES = {"amazon-q-ide"}
"""Clients whose one JSON file is the store of many sessions: each session gives back its own part of it."""


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case.name}/{case.home.name}")
def case(request: pytest.FixtureRequest) -> Case:
    return request.param  # type: ignore[no-any-return]


def everything(readings: list[tuple[Source, Reading]]) -> Iterator[tuple[Source, Reading, Session]]:
    for source, reading in readings:
        for session in reading.sessions:
            yield source, reading, session


def files_below(home: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(home)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(home.rglob("*"))
        if path.is_file()
    }


def exported(name: str, session: Session, reading: Reading) -> dict[str, bytes]:
    return registry.load(name).export(session, reading.attachments.__getitem__)


def same(one: bytes, other: bytes) -> bool:
    """Equal as bytes, or as JSON values."""
    if one == other:
        return True
    try:
        return json.dumps(json.loads(one)) == json.dumps(json.loads(other))  # the order of keys counts
    except ValueError:
        return False


def is_broken_document(name: str, data: bytes) -> bool:
    """Whether a file that should be one JSON value is none: its value is not there to come back."""
    try:
        json.loads(data)
    except ValueError:
        return name.endswith(".json")
    return False


def gives_back(case: Case, source: Source, reading: Reading, data: bytes) -> bool:
    """Whether a source's only session exports the very file, byte for byte."""
    return len(reading.sessions) == 1 and next(iter(exported(case.name, reading.sessions[0], reading).values())) == data


# --- reading ----------------------------------------------------------------------------------------------------------


def test_the_fixtures_hold_sessions(case: Case) -> None:
    readings = [reading for _, reading in case.read()]
    if not any(reading.sessions for reading in readings):  # compressed, where Python cannot read that
        assert readings and all(reading.problems for reading in readings)


_opened: list[str] | None = None


def _note_open(event: str, arguments: tuple[Any, ...]) -> None:
    if _opened is not None and event in ("open", "sqlite3.connect") and type(arguments[0]) is str:
        _opened.append(arguments[0])


sys.addaudithook(_note_open)


def test_discover_is_stable_and_opens_nothing(case: Case) -> None:
    global _opened
    registry.load(case.name)
    _opened = []
    try:
        first = case.discover()
        opened = [path for path in _opened if path.startswith(str(case.home))]
    finally:
        _opened = None
    assert [path for path in opened if Path(path).name != INDEXES.get(case.name)] == []
    assert first == case.discover()
    assert len({source.key for source in first}) == len(first)
    assert all(source.provider == case.name and source.stamp for source in first)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_is_not_waited_for(case: Case, tmp_path: Path) -> None:
    """What is called as a source but is no file is passed over, or refused: nobody may ever write into it."""
    home = tmp_path / "home"
    shutil.copytree(case.home, home)
    provider = registry.load(case.name)
    for path in {source.path for source in case.discover(home)}:
        path.unlink()
        os.mkfifo(path)

    def read() -> None:
        for source in case.discover(home):
            with suppress(OSError):
                provider.read(source)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(20)
    assert not reader.is_alive()


def test_what_is_written_shows_in_the_stamp(case: Case, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(case.home, home)
    before = {source.key: source for source in case.discover(home)}
    for source in before.values():
        with source.path.open("ab") as file:
            file.write(b"\n")
    after = case.stamps(home)
    assert [key for key, source in before.items() if after[key] == source.stamp] == []


def test_an_empty_home_has_no_sources(case: Case, tmp_path: Path) -> None:
    assert case.discover(tmp_path) == []


def test_the_same_files_give_the_same_sessions_on_any_machine(case: Case, tmp_path: Path) -> None:
    homes = [tmp_path / "one", tmp_path / "an other" / "place"]
    made = []
    for home in homes:
        shutil.copytree(case.home, home)
        found = list(everything(case.read(home)))
        made.append([(codec.dumps(session), reading.attachments) for _, reading, session in found])
    assert made[0] == made[1]
    assert not any(str(tmp_path).encode() in data for data, _ in made[0])


SECRET = b"never-read-this"
"""Stands in every file of the fixtures that holds keys, where a real one would have them."""


def test_secrets_stay_where_they_are(case: Case) -> None:
    global _opened
    _opened = []
    try:
        readings = case.read()
        opened = {Path(path) for path in _opened if path.startswith(str(case.home))}
    finally:
        _opened = None
    assert [path for path in opened if path.is_file() and SECRET in path.read_bytes()] == []
    for _, reading, session in everything(readings):
        assert SECRET not in b"".join([codec.dumps(session), *reading.attachments.values()])


def test_nothing_is_written(case: Case, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(case.home, home)
    before = files_below(home)
    for _, reading, session in everything(case.read(home)):
        exported(case.name, session, reading)
    assert files_below(home) == before


def entries_below(home: Path) -> dict[str, tuple[int, int]]:
    """All files and folders, with what changes when something is written there."""
    return {
        str(path.relative_to(home)): (path.stat().st_mtime_ns, path.stat().st_size if path.is_file() else 0)
        for path in [home, *sorted(home.rglob("*"))]
    }


def is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(15) == b"SQLite format 3"


def test_nothing_is_written_beside_a_database_in_use(case: Case, tmp_path: Path) -> None:
    """The client has it open, and what it wrote last stands in the write-ahead log alone: it is read, and left."""
    home = tmp_path / "home"
    shutil.copytree(case.home, home)
    found = sorted({source.path for source in case.discover(home) if is_database(source.path)})
    with ExitStack() as held:
        for path in found:
            writer = held.enter_context(closing(sqlite3.connect(path)))
            writer.execute("PRAGMA journal_mode = WAL")
            writer.execute("CREATE TABLE written_last (value)")
            writer.commit()
        before, bytes_before = entries_below(home), files_below(home)
        known = {session.id for _, _, session in everything(case.read())}
        assert {session.id for _, _, session in everything(case.read(home))} == known
        assert entries_below(home) == before and files_below(home) == bytes_before


def test_databases_of_other_versions(case: Case, tmp_path: Path) -> None:
    """A column or a table that is missing costs what it held, one that is new costs nothing."""
    provider = registry.load(case.name)
    for source in (source for source in case.discover() if is_database(source.path)):
        with closing(sqlite3.connect(source.path)) as reader:
            named = reader.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%'")
            tables = {
                name: [row[1] for row in reader.execute(f'PRAGMA table_info("{name}")')]
                for (name,) in named
                if not name.startswith("sqlite_")
            }
        whole = {session.id: len(session.messages) for session in provider.read(source).sessions}
        for table, columns in tables.items():
            for missing in [None, *columns[:: len(columns) // 5 + 1], table]:
                path = tmp_path / source.path.name
                shutil.copyfile(source.path, path)
                with closing(sqlite3.connect(path)) as writer, writer:
                    kept = ", ".join(f'"{name}"' for name in columns if name != missing)
                    if kept and missing != table:
                        writer.execute(f'CREATE TABLE "~new" AS SELECT {kept}, 1 AS "~tomorrow" FROM "{table}"')
                    writer.execute(f'DROP TABLE "{table}"')
                    if kept and missing != table:
                        writer.execute(f'ALTER TABLE "~new" RENAME TO "{table}"')
                reading = provider.read(replace(source, path=path))
                for session in reading.sessions:
                    assert codec.loads(codec.dumps(session)) == session
                    exported(case.name, session, reading)
                if missing is None:
                    found = {session.id: len(session.messages) for session in reading.sessions}
                    assert found == whole, table


PARENTS = ("parentUuid", "parentId", "parent_id", "parentMessageId", "logicalParentUuid")


@pytest.mark.parametrize("above", ["itself", "the last one", "nobody"])
def test_trees_that_are_none(case: Case, above: str, tmp_path: Path) -> None:
    """Rows that go round in circles, or hang on nothing, are read: all of them, and given back."""
    home = tmp_path / "home"
    shutil.copytree(case.home, home)
    provider = registry.load(case.name)
    for source, before in case.read(home):
        data = source.path.read_bytes()
        rows = lines_of(data) if gives_back(case, source, before, data) else None
        keys = [key for key in PARENTS if any(type(row) is dict and key in row for row in rows or ())]
        if not rows or not keys:
            continue
        own = "uuid" if "parentUuid" in keys else "id"
        last = next((row[own] for row in reversed(rows) if type(row) is dict and type(row.get(own)) is str), "")
        for row in rows:
            if type(row) is dict and keys[0] in row:
                row[keys[0]] = {"itself": row.get(own), "the last one": last, "nobody": "n0b0dy-knows"}[above]
        strange = b"".join(compact(row) + b"\n" for row in rows)
        source.path.write_bytes(strange)
        reading = provider.read(source)
        assert [problem for problem in reading.problems if problem.fatal] == []
        (session,) = reading.sessions
        assert len(session.messages) == len(before.sessions[0].messages)
        universal(session, reading.attachments.__getitem__)
        assert next(iter(exported(case.name, session, reading).values())) == strange
        source.path.write_bytes(data)


def test_rows_that_are_there_twice(case: Case, tmp_path: Path) -> None:
    """Ids that repeat are told apart, and nothing is lost."""
    home = tmp_path / "home"
    shutil.copytree(case.home, home)
    provider = registry.load(case.name)
    for source, before in case.read(home):
        data = source.path.read_bytes()
        if data.count(b"\n") < 2 or not gives_back(case, source, before, data) or lines_of(data) is None:
            continue
        head, _, rest = data.partition(b"\n")
        twice = head + b"\n" + rest + rest
        source.path.write_bytes(twice)
        reading = provider.read(source)
        (session,) = reading.sessions
        ids = [message.id for message in session.messages]
        assert len(set(ids)) == len(ids)
        assert {message.id for message in before.sessions[0].messages} <= set(ids)
        assert next(iter(exported(case.name, session, reading).values())) == twice
        source.path.write_bytes(data)


def test_sessions_are_well_formed(case: Case) -> None:
    for source, reading, session in everything(case.read()):
        assert session.provider == case.name and session.id
        assert parse_session_path(session_path(case.name, session.id, session.created_at)) is not None
        assert len({message.id for message in session.messages}) == len(session.messages), source.key
        above = None
        for message in session.messages:
            assert message.role in ROLES
            assert message.after == above
            above = message.id
            assert message.status in (None, "partial", "interrupted", "failed")
            assert message.timestamp is None or CANONICAL.fullmatch(message.timestamp)
        assert session.created_at is None or CANONICAL.fullmatch(session.created_at)
        values = [session.native, *(value for m in session.messages for value in (m.content, m.native, m.usage))]
        assert set().union(*map(names_in, values)) <= set(reading.attachments)


def test_sessions_come_back_from_their_files(case: Case) -> None:
    for _, reading, session in everything(case.read()):
        stored = codec.dumps(session)
        again = codec.loads(stored)
        assert codec.dumps(again) == stored
        assert again == session
        load = reading.attachments.__getitem__
        assert universal(again, load) == universal(session, load)


def test_nothing_is_said_twice(case: Case) -> None:
    for source, reading, session in everything(case.read()):
        shown = universal(session, reading.attachments.__getitem__)["messages"]
        shown = [message for message in shown if not message.get("inactive")]
        texts = Counter(
            (m["role"], m["content"], m["timestamp"], bool(m.get("sidechain"))) for m in shown if m["content"]
        )
        assert [text for text, count in texts.items() if count > 1] == [], source.key
        calls = Counter((call["id"], call["name"]) for m in shown for call in m["tool_calls"] if call["id"])
        assert [call for call, count in calls.items() if count > 1] == [], source.key


# --- giving back ------------------------------------------------------------------------------------------------------


def test_the_source_comes_back(case: Case) -> None:
    for source, reading, session in everything(case.read()):
        again = codec.loads(codec.dumps(session))
        files = exported(case.name, session, reading)
        assert exported(case.name, again, reading) == files
        first = next(iter(files))
        base = next((base for base in source.path.parents if base / first == source.path), None)
        if base is None:  # made of something else: a database, or a log of changes
            continue
        for name, data in files.items():
            original = (base / name).read_bytes()
            assert same(data, original) or is_broken_document(name, original), name


def test_files_that_end_in_the_middle(case: Case, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(case.home, home)
    provider = registry.load(case.name)
    for source, reading in case.read(home):
        data = source.path.read_bytes()
        is_exact = gives_back(case, source, reading, data)
        for count in {len(data) * step // 7 for step in range(7)} | {len(data) - 1}:
            cut = data[:count]
            source.path.write_bytes(cut)
            torn = provider.read(source)
            for session in torn.sessions:
                files = exported(case.name, session, torn)
                assert not is_exact or next(iter(files.values())) == cut, (source.key, count)
            if is_exact and torn.sessions and reading.sessions:
                ids = [message.id for message in reading.sessions[0].messages]
                assert {message.id for message in torn.sessions[0].messages} <= set(ids), (source.key, count)
        source.path.write_bytes(data)


def test_a_session_that_grows_loses_and_repeats_nothing(case: Case, tmp_path: Path) -> None:
    """Harvested in the middle and again at the end, it is what it would be if it had been harvested at the end."""
    home = tmp_path / "home"
    shutil.copytree(case.home, home)
    provider = registry.load(case.name)
    for source, reading in case.read(home):
        data = source.path.read_bytes()
        if not gives_back(case, source, reading, data):
            continue
        lines = data.splitlines(keepends=True)
        whole = reading.sessions[0]
        for count in {len(lines) * step // 9 for step in range(1, 9)}:
            source.path.write_bytes(b"".join(lines[:count]))
            part = provider.read(source)
            if not part.sessions or count == len(lines):
                continue
            early = codec.dumps(part.sessions[0])
            merged = absorb(early, early, codec.dumps(whole))
            assert merged.kept == [] and merged.conflicts == [], (source.key, count)
            made = {message.id: message for message in codec.loads(merged.data).messages}
            for message in made.values():
                message.after = None  # what a folder holds besides has no place among the rows
            assert made == {m.id: replace(m, after=None) for m in whole.messages}, (source.key, count)
        source.path.write_bytes(data)


GARBAGE = [b"", b"\n", b"null", b"[]", b"{}", b'"text"', b"\x00" * 3000, b"\xff\xfe\n{}\n", b"{" * 3000, b"[1,2,\n3]\n"]


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda data: repr(data[:8]))
def test_files_that_are_something_else(case: Case, garbage: bytes, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(case.home, home)
    provider = registry.load(case.name)
    for source in case.discover(home):
        data = source.path.read_bytes()
        for made in (garbage, garbage + b"\n" + data, data + garbage, data.replace(b"\n", b"\r\n")):
            source.path.write_bytes(made)
            reading = provider.read(source)
            for session in reading.sessions:
                assert codec.loads(codec.dumps(session)) == session
                exported(case.name, session, reading)
            for problem in reading.problems:
                assert problem.path.startswith(str(home)) and problem.reason
        source.path.write_bytes(data)


# --- records nobody knows ---------------------------------------------------------------------------------------------

UNKNOWN = {"$attachment": "no mark of ours", "deep": [{"$": "x"}, None, 0.5], "half": "\ud83d"}


def lines_of(data: bytes) -> list[Any] | None:
    """The rows of a file of JSON lines; None for anything else."""
    try:
        return [json.loads(line) for line in data.splitlines()]
    except ValueError:
        return None


def compact(value: Any) -> bytes:
    """As JSON.stringify writes it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def with_unknown(value: Any, depth: int = 0) -> Any:
    """A record with a key more in every object that is not too deep inside of it."""
    if isinstance(value, dict):
        return {key: with_unknown(item, depth + 1) for key, item in value.items()} | {"~tomorrow": UNKNOWN}
    return [with_unknown(item, depth) for item in value] if isinstance(value, list) and depth < 3 else value


def is_document(path: Path, data: bytes) -> bool:
    """Whether a file is one JSON value, not a list of lines."""
    return path.suffix == ".json" and not is_broken_document(path.name, data)


def test_unknown_records_and_keys_are_kept(case: Case, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(case.home, home)
    provider = registry.load(case.name)
    for source, before in case.read(home):
        data = source.path.read_bytes()
        if is_document(source.path, data) and len(before.sessions) == 1 and case.name not in STORES:
            value = with_unknown(json.loads(data))
            for listed in value.values() if isinstance(value, dict) else [value]:
                if isinstance(listed, list) and listed:
                    listed += [None, 5, [1], "text", {"type": "a-type-of-tomorrow", "payload": UNKNOWN}]
            strange = compact(value)
        elif gives_back(case, source, before, data) and (rows := lines_of(data)) is not None:
            strange = b"".join(compact(with_unknown(row)) + b"\n" for row in rows)
            strange += compact({"type": "a-type-of-tomorrow", "payload": UNKNOWN}) + b"\n[1]\n5\n"
        else:
            continue
        source.path.write_bytes(strange)
        reading = provider.read(source)
        assert [problem for problem in reading.problems if problem.fatal] == []
        (session,) = reading.sessions
        again = codec.loads(codec.dumps(session))
        assert same(next(iter(exported(case.name, again, reading).values())), strange)
        source.path.write_bytes(data)


def test_a_list_that_is_something_else_is_named(case: Case, tmp_path: Path) -> None:
    """A conversation does not go unread without a word because its list has become an object, or a text."""
    home = tmp_path / "home"
    shutil.copytree(case.home, home)
    provider = registry.load(case.name)
    for source, before in case.read(home):
        data = source.path.read_bytes()
        value = json.loads(data) if is_document(source.path, data) else None
        for key in value if isinstance(value, dict) and len(before.sessions) == 1 else ():
            for other in ({"0": value[key]}, json.dumps(value[key])) if isinstance(value[key], list) else ():
                source.path.write_bytes(compact(value | {key: other}))
                reading = provider.read(source)
                assert reading.sessions or reading.problems, (source.key, key)
        source.path.write_bytes(data)


def test_messages_of_tomorrow_are_named(case: Case, tmp_path: Path) -> None:
    """A document whose messages nobody understands any more does not go unread without a word."""
    home = tmp_path / "home"
    shutil.copytree(case.home, home)
    provider = registry.load(case.name)
    for source, before in case.read(home):
        data = source.path.read_bytes()
        value = json.loads(data) if is_document(source.path, data) else None
        for key in value if isinstance(value, dict) and len(before.sessions) == 1 else ():
            if isinstance(value[key], list) and value[key]:
                source.path.write_bytes(
                    compact(value | {key: [{"of": "tomorrow", "was": item} for item in value[key]]})
                )
                reading = provider.read(source)
                assert reading.sessions or reading.problems, (source.key, key)
        source.path.write_bytes(data)


def test_rows_of_tomorrow_are_named(case: Case, tmp_path: Path) -> None:
    """A file of rows that still say who speaks, and nothing else that is known, does not go unread without a word."""
    home = tmp_path / "home"
    shutil.copytree(case.home, home)
    provider = registry.load(case.name)
    for source, before in case.read(home):
        data = source.path.read_bytes()
        if not gives_back(case, source, before, data) or not (rows := lines_of(data)):
            continue
        strange = [{"kind": "tomorrow", "said": row} if isinstance(row, dict) else row for row in rows]
        speaks = [row for row in rows if isinstance(row, dict) and row.get("role") in ("user", "assistant")]
        source.path.write_bytes(b"".join(compact(row) + b"\n" for row in strange))
        reading = provider.read(source)
        assert reading.sessions or reading.problems or not speaks, source.key
        source.path.write_bytes(data)


WORDS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, -1, 1768046400000, 2**63, 1e300, 0.5]),
    st.sampled_from(
        ["", "x", "\ud83d", "\x00", "2026-01-10T12:00:00.000Z", "a text long enough to be pointed to", "a\nb"]
    ),
)
VALUES = st.recursive(
    WORDS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["type", "id", "role", "content", "text", "message", "messages", "$", "$line", "data"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)


def places_in(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something in a record could be something else."""
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places_in(item, (*place, key))


def replaced(value: Any, place: tuple[Any, ...], by: Any) -> Any:
    if not place:
        return by
    made = value.copy()
    made[place[0]] = replaced(value[place[0]], place[1:], by)
    return made


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60, deadline=None
)
@given(data=st.data())
def test_values_nobody_expects(case: Case, data: st.DataObject, tmp_path: Path) -> None:
    """Whatever stands in the place of what is expected: it is read, shown, stored and given back."""
    home = tmp_path / "home"
    if not home.exists():
        shutil.copytree(case.home, home)
    provider = registry.load(case.name)
    source = data.draw(st.sampled_from(case.discover(home)), label="source")
    original = source.path.read_bytes()
    is_one = is_document(source.path, original)
    rows = [json.loads(original)] if is_one else lines_of(original) or lines_of(original.rpartition(b"\n")[0])
    if not rows:
        return
    number = data.draw(st.integers(0, len(rows) - 1), label="row")
    place = data.draw(st.sampled_from(list(places_in(rows[number]))), label="place")
    strings = sorted(set(re.findall(r'"([A-Za-z_.-]{2,24})"', original.decode("utf-8", "replace"))))
    value = data.draw(st.one_of(VALUES, st.sampled_from(strings or ["x"])), label="value")
    rows[number] = replaced(rows[number], place, value)
    made = b"".join(compact(row) + b"\n" for row in rows)
    try:
        is_exact = gives_back(case, source, provider.read(source), original)
        source.path.write_bytes(made)
        reading = provider.read(source)
        for session in reading.sessions:
            again = codec.loads(codec.dumps(session))
            assert again == session
            universal(session, reading.attachments.__getitem__)
            files = exported(case.name, again, reading)
            first = next(iter(files.values()))
            if is_one:
                assert len(reading.sessions) > 1 or case.name in STORES or same(first, made)
            elif is_exact:
                assert first == made
    finally:
        source.path.write_bytes(original)

"""The list of chats VS Code shows: what is changed in it, and that nothing else is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chasm_git.providers.writers import vscode_index as index
from chasm_git.providers.writers.vscode_index import Damaged, Entry, Index, IndexUnwritable, Present
from chasm_git.providers.writers.vscode_workspaces import Store
from tests.providers.vscode_case import NOON, asked, state
from tests.providers.vscode_home import OTHER_KEYS, fill, home_of, listed, opened, rows

OLD = '{"sessionId":"a", "title":"\\u00e4  b","lastMessageDate":1.5e12,"x":{"y":[1,2,{}]},"isExternal":true}'
B = '{"sessionId":"b","title":"","lastMessageDate":0}'
TEXT = f' {{ "version" : 1,"extra":[1],\n "entries":{{ "a" : {OLD} , "b":{B}}} ,"z":0}}'
NEW: Entry = index.entry_of("c", state(asked(1, "Why?", "Because.")))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return opened(home_of(tmp_path))


def update(store: Store, entries: Mapping[str, Entry], backup: Path | None = None) -> index.Updated:
    return index.update(store.database, lambda present: entries, backup or store.user.parent / "before.vscdb")


def test_other_entries_keep_their_bytes() -> None:
    made = Index.of(TEXT).with_entries({"c": NEW})
    assert OLD in made
    assert made.startswith(' { "version" : 1,"extra":[1],\n "entries":{') and made.endswith('} ,"z":0}')
    assert [*json.loads(made)["entries"]] == ["a", "b", "c"]
    assert json.loads(made)["entries"]["c"] == NEW


def test_an_entry_is_replaced_in_its_place() -> None:
    made = Index.of(TEXT).with_entries({"a": NEW})
    assert [*json.loads(made)["entries"]] == ["a", "b"]
    assert OLD not in made


def test_entries_vscode_rejects_go() -> None:
    """One of them makes VS Code forget the whole list."""
    text = '{"version":1,"entries":{"a":{"sessionId":"a","title":"t","lastMessageDate":1},"b":{"sessionId":"b"},"c":7}}'
    assert Index.of(text).rejected() == ["b", "c"]
    assert [*json.loads(Index.of(text).with_entries({}))["entries"]] == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "null",
            "[]",
            "{}",
            '{"version":1}',
            '{"version":1,"entries":[]}',
            '{"version":1,"entries":{}',
            "{" * 5000,
        ),
        *('{"version":1,"entries":{"a":}}', '{"version":1,"entries":{"a":NaN}}', '{"version":1,"entries":{},}'),
        *('{"version":1,"entries":{}} x', '{"version":1,"entries":{1:2}}', '{"version":1,"entries":{"a":1 "b":2}}'),
    ],
)
def test_what_is_no_index_is_damaged(text: str) -> None:
    with pytest.raises(Damaged):
        Index.of(text)


def test_another_version_is_left_alone(store: Store) -> None:
    fill(store, '{"version":2,"entries":{"a":1}}')
    before = store.database.read_bytes()
    with pytest.raises(IndexUnwritable, match="version 2"):
        update(store, {"c": NEW})
    assert store.database.read_bytes() == before


@given(
    st.dictionaries(st.text(), st.recursive(st.none() | st.text() | st.integers(), lambda x: st.lists(x))),
    st.text(st.sampled_from(" \n\t")),
    st.booleans(),
)
def test_any_entries_come_apart_and_together(entries: dict[str, Any], space: str, ascii_only: bool) -> None:
    values = {key: {"sessionId": key, "title": "t", "lastMessageDate": 1, "v": value} for key, value in entries.items()}
    text = json.dumps({"version": 1, "entries": values}, ensure_ascii=ascii_only, separators=("," + space, ":" + space))
    taken = Index.of(text)
    assert {key: value for key, (_, value) in taken.entries.items()} == values
    assert json.loads(taken.with_entries({"new": NEW}))["entries"] == {**values, "new": NEW}
    assert all(part in taken.with_entries({}) for part, _ in taken.entries.values())


@given(st.text('{}[]":,1 e.\\versionti', max_size=60) | st.text(), st.integers(0, 200), st.integers(0, 200))
def test_any_text_is_an_index_or_damaged(noise: str, start: int, end: int) -> None:
    for text in (noise, TEXT[:start] + noise + TEXT[end:]):
        try:
            taken = Index.of(text)
        except (Damaged, IndexUnwritable):
            continue
        assert json.loads(text)["entries"] == {key: value for key, (_, value) in taken.entries.items()}


def test_only_the_index_is_written(store: Store) -> None:
    fill(store, TEXT)
    backup = store.user.parent / "kept" / "before.vscdb"
    made = update(store, {"c": NEW}, backup)
    assert made.written and made.backup == backup and made.repaired is None
    assert made.count == 2  # the external one is not VS Code's own
    after = rows(store.database)
    assert {key: after[key] for key in OTHER_KEYS} == OTHER_KEYS
    assert after[index.KEY] == Index.of(TEXT).with_entries({"c": NEW})
    assert rows(backup) == {**OTHER_KEYS, index.KEY: TEXT}


def test_the_type_of_the_value_stays(store: Store) -> None:
    fill(store, TEXT.encode())
    update(store, {"c": NEW})
    assert type(rows(store.database)[index.KEY]) is bytes


def test_nothing_to_write_is_nothing_written(store: Store) -> None:
    text = Index.of('{"version":1,"entries":{}}').with_entries({"c": NEW})
    fill(store, text)
    before = store.database.read_bytes()
    made = update(store, {"c": NEW})
    assert not made.written and made.backup is None
    assert store.database.read_bytes() == before


def test_a_missing_database_is_made_as_vscode_makes_it(store: Store) -> None:
    assert update(store, {"c": NEW}).backup is None
    assert listed(store) == {"c": NEW}
    with closing(sqlite3.connect(store.database)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
        (sql,) = database.execute("SELECT sql FROM sqlite_master WHERE name = 'ItemTable'").fetchone()
        assert sql == "CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)"
        assert database.execute("SELECT typeof(value) FROM ItemTable").fetchone() == ("text",)


@pytest.mark.parametrize("damaged", ["{", b"\xff\xfe", '{"version":1,"entries":null}'])
def test_a_damaged_index_is_made_anew_and_the_old_one_kept(store: Store, damaged: str | bytes) -> None:
    fill(store, damaged)
    backup = store.user.parent / "before.vscdb"
    given: list[Present] = []

    def choose(present: Present) -> Mapping[str, Entry]:
        given.append(present)
        return {"c": NEW}

    made = index.update(store.database, choose, backup)
    assert given[0].damage is not None and made.repaired is not None and given[0].damage in made.repaired
    assert listed(store) == {"c": NEW}
    assert rows(backup)[index.KEY] == damaged


def test_a_database_somebody_holds_is_left_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, TEXT)
    monkeypatch.setattr(index, "BUSY", 0.05)
    with closing(sqlite3.connect(store.database, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(IndexUnwritable, match="locked; quit the editor"):
            update(store, {"c": NEW})
        holder.execute("ROLLBACK")
    assert rows(store.database)[index.KEY] == TEXT


def test_what_is_no_database_is_left_alone(store: Store) -> None:
    store.database.write_bytes(b"not a database at all" * 100)
    with pytest.raises(IndexUnwritable, match="left as it was"):
        update(store, {"c": NEW})
    with pytest.raises(IndexUnwritable):
        index.read(store.database)
    assert store.database.read_bytes() == b"not a database at all" * 100


def test_an_entry_says_what_every_version_asks_for() -> None:
    entry = index.entry_of("s-1", state(asked(1, "Why?", "So."), asked(2, "And?", "Thus."), customTitle="Reasons"))
    assert entry == {
        "sessionId": "s-1",
        "title": "Reasons",
        "lastMessageDate": NOON + 2000,
        "timing": {
            "created": NOON,
            "lastRequestStarted": NOON + 2000,
            "lastRequestEnded": NOON + 2500,
            "startTime": NOON,
            "endTime": NOON + 2500,
        },
        "initialLocation": "panel",
        "hasPendingEdits": False,
        "isEmpty": False,
        "isExternal": False,
        "lastResponseState": 1,
    }


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"modelState": {"value": 2}}, 2),
        ({"modelState": {"value": 0}}, 2),
        ({"modelState": {"value": 3}}, 3),
        ({"modelState": None, "isCanceled": True}, 2),
        ({"modelState": "?"}, 1),
    ],
)
def test_an_entry_says_how_the_last_answer_ended(more: dict[str, Any], expected: int) -> None:
    assert index.entry_of("s", state(asked(1, "Why?", **more)))["lastResponseState"] == expected


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"requests": None},
        {"requests": [None, 7, {}], "creationDate": "yesterday"},
        {"requests": [{"timestamp": float("1e300"), "message": 5}], "creationDate": -1, "customTitle": 7},
        {"requests": [{"timestamp": True, "modelState": []}], "initialLocation": "editing-session"},
    ],
)
def test_an_entry_of_anything_is_one_vscode_takes(odd: dict[str, Any]) -> None:
    entry = index.entry_of("s", odd)
    assert index.acceptable(json.loads(json.dumps(entry)))
    assert entry["initialLocation"] == "panel" and entry["title"]


def test_a_title_is_the_first_line_of_what_was_asked() -> None:
    assert index.title_of(state(asked(1, "\n  Why does\nit?"))) == "Why does"
    assert len(index.title_of(state(asked(1, "x" * 999)))) == 200
    assert index.title_of(state()) == "New Chat"

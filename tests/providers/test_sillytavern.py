"""The SillyTavern reader: chats of all its versions, answers with several texts, times in all their forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.base import Source
from chasm_git.providers.sillytavern import SillyTavern
from chasm_git.session import codec
from chasm_git.session.model import Session
from tests.providers.exporting import SHARED
from tests.providers.reading import FIXTURES, harvest, only, parts, read_bytes, rows_of, said, shown

tavern = SillyTavern()


@pytest.fixture(scope="module")
def home() -> dict[str, Session]:
    return {str(session.title): session for session in harvest(tavern, FIXTURES / "sillytavern" / "v1.19").values()}


def test_a_chat(home: dict[str, Session]) -> None:
    session = home["Ada - 2026-08-21@18h48m22s123ms"]
    assert session.id == session.title
    other, *_ = [m for m in shown(session) if m.get("inactive")]
    assert (other["content"], other["timestamp"]) == ("Nothing today.", "2026-08-21T18:49:02.000Z")
    answers = [m for m in shown(session) if m["role"] == "assistant" and not m.get("inactive")]
    assert [m["content"] for m in answers] == ["Welcome to the engine room.", "", "The numbers of Bernoulli."]
    assert (answers[2]["thinking"], answers[2]["model"]) == (["Note G."], "gpt-5")
    assert [(c["name"], c["arguments"], c["result"]) for c in answers[1]["tool_calls"]] == [
        ("look", {"at": "the wheels"}, "They compute.")
    ]
    assert said(session, "user") == ["What is the engine computing?"]
    assert [m["content"] for m in shown(session) if m.get("injected")] == ["A note beside it."]
    assert parts(session, "file")[0][1]["name"] == "table.csv"
    assert parts(session, "image")[0][1]["uri"] == "/user/images/Ada/engine.png"


def test_a_group_and_an_old_chat(home: dict[str, Session]) -> None:
    assert len(home) == 2
    assert home["1767261600000"].created_at == "2026-01-01T10:00:00.000Z"
    (old,) = harvest(tavern, FIXTURES / "sillytavern" / "v1.11").values()
    assert old.id.startswith("The engine-") and old.title == "The engine"
    assert [m.timestamp for m in old.messages] == [None, "2023-05-01T18:48:00.000Z", "2023-05-01T18:49:00.005Z"]


def test_a_message_keeps_its_id_when_another_text_is_made(tmp_path: Path) -> None:
    row: dict[str, Any] = {"name": "Ada", "is_user": False, "mes": "one", "send_date": "2026-01-01T10:00:00.000Z"}
    info = [{"send_date": row["send_date"]}, {"send_date": "2026-01-02T10:00:00.000Z"}]
    swiped = row | {"mes": "two", "send_date": info[1]["send_date"], "swipes": ["one", "two"], "swipe_info": info}
    first, second = (only(read_bytes(tavern, tmp_path / "a.jsonl", rows_of(one))) for one in (row, swiped))
    assert (first.id, first.messages[0].id) == (second.id, second.messages[0].id)
    assert [(m.content, m.inactive, m.timestamp, m.native is None) for m in second.messages] == [
        ("one", True, "2026-01-01T10:00:00.000Z", False),
        ("two", False, "2026-01-02T10:00:00.000Z", True),
    ]
    again = only(read_bytes(tavern, tmp_path / "a.jsonl", rows_of(swiped | {"mes": "one", "swipe_id": 0})))
    assert [(m.id, m.inactive) for m in again.messages] == [
        (second.messages[0].id, False),
        (second.messages[1].id, True),
    ]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"mes": "edited", "swipes": ["a", "b", "c"], "swipe_id": 1}, [("a", 1), ("edited", 0), ("c", 1)]),
        ({"mes": "b", "swipes": ["a", "b"], "swipe_id": 7}, [("a", 1), ("b", 0)]),
        ({"mes": "none of them", "swipes": ["a", "b"]}, [("a", 1), ("none of them", 0)]),
        ({"mes": "a", "swipes": ["a", "", None, 7], "swipe_id": 0, "swipe_info": {}}, [("a", 0)]),
        ({"mes": "b", "swipes": ["", "b"], "swipe_id": 1, "swipe_info": [None]}, [("", 1), ("b", 0)]),
        ({"mes": "a", "swipes": [None], "swipe_id": True}, [("a", 0)]),
        ({"mes": "a", "swipes": "a", "swipe_info": [{"send_date": ["x"]}]}, [("a", 0)]),
    ],
)
def test_which_text_is_shown(row: dict[str, Any], expected: list[Any], tmp_path: Path) -> None:
    data = rows_of({"mes": "hi", "is_user": True}, row, {"mes": "bye", "is_user": True})
    reading = read_bytes(tavern, tmp_path / "a.jsonl", data)
    session = codec.loads(codec.dumps(only(reading)))
    assert [(m.content, m.inactive) for m in session.messages[1:-1]] == expected
    assert tavern.export(session, reading.attachments.__getitem__) == {"a.jsonl": data}


@pytest.mark.parametrize(
    "time", ["2024-99-99@18h48m22s", "Foo 1, 2024 1:00pm", 7, None, ["x"], "August 1, 2024 99:00am"]
)
def test_times_that_are_none(time: Any, tmp_path: Path) -> None:
    session = only(read_bytes(tavern, tmp_path / "a.jsonl", rows_of({"is_user": True, "mes": "x", "send_date": time})))
    assert session.messages[0].timestamp is None or time in (7, "August 1, 2024 99:00am")


def test_a_chat_of_others() -> None:
    path = SHARED / "synthetic" / "sillytavern_chat.jsonl"
    if not path.exists():
        pytest.skip("no files of others here")
    session = only(tavern.read(Source("sillytavern", "k", path, "")))
    assert (said(session, "user"), said(session, "assistant")) == (["hi"], ["Hello1", "Hello2"])
    assert [m["content"] for m in shown(session) if m.get("inactive")] == ["Hello1"]

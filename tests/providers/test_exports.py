"""What every reader of mailed exports holds to, tried on its own fixtures."""

from __future__ import annotations

import copy
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chasm_git.archive.layout import parse_session_path, session_path
from chasm_git.providers import registry
from chasm_git.providers.base import Env
from chasm_git.session import codec
from chasm_git.session.attachments import names_in
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
from tests.providers.exporting import FIXTURES, fixture, fixture_files, given_back, pairs, readings_of, written
from tests.providers.test_contract import CANONICAL, ROLES

JSON_FILES = [(name, path) for name in registry.EXPORTS for path in fixture_files(name) if path.suffix == ".json"]


@pytest.fixture(params=registry.EXPORTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def everywhere(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of every value within a value."""
    found = []
    stack = [value]
    while stack:
        item = stack.pop()
        for key in list(item) if isinstance(item, dict) else range(len(item)):
            found.append((item, key))
            if isinstance(item[key], dict | list):
                stack.append(item[key])
    return found


def check(name: str, session: Session, attachments: dict[str, bytes]) -> None:
    """What holds for a session whatever it was read from."""
    assert parse_session_path(session_path(session.provider, session.id, session.created_at)) is not None
    assert len({message.id for message in session.messages}) == len(session.messages)
    above = None
    for message in session.messages:
        assert message.role in ROLES and message.after == above
        assert message.status in (None, "partial", "interrupted", "failed")
        assert message.timestamp is None or CANONICAL.fullmatch(message.timestamp)
        above = message.id
    values = [session.native, *(value for m in session.messages for value in (m.content, m.native, m.usage))]
    assert set().union(*map(names_in, values)) <= set(attachments)
    stored = codec.dumps(session)
    assert codec.loads(stored) == session
    assert universal(session, attachments.__getitem__)["messages"]
    registry.load_export(name).export(session, attachments.__getitem__)


def test_the_registry_knows_it(name: str) -> None:
    reader = registry.load_export(name)
    assert reader.name == name and reader.title and reader.note and type(reader).__doc__
    assert list(reader.discover(Env(Path("/")))) == []
    assert fixture_files(name)


def test_its_fixtures_hold_sessions_and_no_problems(name: str) -> None:
    found = readings_of(name, fixture(name))
    assert [problem for reading in found for problem in reading.problems] == []
    assert sum(len(reading.sessions) for reading in found) > 0
    for reading in found:
        for session in reading.sessions:
            check(name, session, reading.attachments)


def test_nobody_else_claims_them(name: str) -> None:
    for path in fixture_files(name):
        sample = path.read_bytes()
        scores = {other: registry.load_export(other).sniff(sample, path.name) for other in registry.EXPORTS}
        best = max(scores.values())
        assert not best or [other for other, score in scores.items() if score == best] == [name], path


def test_the_same_files_give_the_same_sessions_anywhere(name: str, tmp_path: Path) -> None:
    made = []
    for place in (tmp_path / "one", tmp_path / "an other" / "place"):
        shutil.copytree(fixture(name), place)
        made.append([(codec.dumps(session), reading.attachments) for session, reading in pairs(name, place)])
    assert made[0] == made[1]
    assert not any(str(tmp_path).encode() in data for data, _ in made[0])


def test_nothing_is_said_twice(name: str) -> None:
    for session, reading in pairs(name, fixture(name)):
        shown = universal(session, reading.attachments.__getitem__)["messages"]
        texts = Counter((m["role"], m["content"]) for m in shown if m["content"] and not m.get("inactive"))
        assert [text for text, count in texts.items() if count > 1] == []
        calls = Counter(call["id"] for m in shown for call in m["tool_calls"])
        assert [call for call, count in calls.items() if count > 1] == []
        assert not [m for m in shown if m.get("tool_call_id")], "a result that found no call"


@pytest.mark.parametrize(("name", "path"), JSON_FILES, ids=lambda value: str(getattr(value, "name", value)))
def test_files_that_end_in_the_middle(name: str, path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    whole = len(pairs(name, path))
    for count in {len(data) * step // 11 for step in range(11)} | {len(data) - 3}:
        torn = readings_of(name, written(tmp_path / path.name, data[:count]))
        assert sum(len(reading.sessions) for reading in torn) <= whole
        for reading in torn:
            for session in reading.sessions:
                check(name, session, reading.attachments)


ODD = [None, True, 0, -1, 1e300, 2**70, "", "\ud800", "\x00", [], {}, [None], [[]], {"$": "id"}, {"": 1}, "x" * 70_000]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_anything_may_stand_anywhere(name: str, tmp_path: Path, data: st.DataObject) -> None:
    files = [path for path in fixture_files(name) if path.suffix == ".json"]
    path = data.draw(st.sampled_from(files))
    value = json.loads(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        places = everywhere(value)
        container, key = data.draw(st.sampled_from(places))
        container[key] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
    target = written(tmp_path / path.name, json.dumps(value).encode())
    for reading in readings_of(name, target):
        for session in reading.sessions:
            check(name, session, reading.attachments)


def test_files_that_are_known_and_say_nothing_are_named(name: str, tmp_path: Path) -> None:
    """All lists of messages hold something else: whoever recognizes such a file says that nothing is in it."""
    for path in (path for path in fixture_files(name) if path.suffix == ".json"):
        value = json.loads(path.read_bytes())
        for container, key in everywhere(value):
            if isinstance(container, dict) and isinstance(container[key], list | dict) and key not in ("metadata",):
                was, container[key] = container[key], ["tomorrow"] if isinstance(container[key], list) else {"1": 2}
                target = written(tmp_path / path.name, value)
                found = readings_of(name, target)
                told = any(reading.sessions or reading.problems for reading in found)
                assert told or not registry.load_export(name).sniff(target.read_bytes(), path.name), (path.name, key)
                container[key] = was


def test_conversations_without_a_name_are_read(name: str, tmp_path: Path) -> None:
    """What should name a conversation is gone, or is a number: the conversation is there, or its lack is told."""
    names = ("id", "uuid", "conversation_id", "conversationId", "chatId", "sessionId")
    for path in (path for path in fixture_files(name) if path.suffix == ".json"):
        whole = len(pairs(name, path))
        value = json.loads(path.read_bytes())
        for container, key in everywhere(value):
            if not isinstance(container, dict) or key not in names:
                continue
            was = container[key]
            for odd in (7, None, "two\nlines"):
                container[key] = odd
                found = readings_of(name, written(tmp_path / path.name, value))
                told = [problem for reading in found for problem in reading.problems]
                assert sum(len(reading.sessions) for reading in found) >= whole or told, (path.name, key, odd)
            container[key] = was


def test_a_service_is_not_harvested(name: str) -> None:
    assert name not in registry.names()
    assert FIXTURES.joinpath(name).is_dir()


def pieces(value: Any) -> list[Any]:
    """All values a file may be given back as: itself, what is in its lists, and lists of one."""
    found = [value]
    for item in items(value):
        found += [item, [item]]
        for key, held in item.items() if isinstance(item, dict) else ():
            if key in ("conversations", "value", "data", "chats", "chat-sessions") or key.startswith("session:"):
                found += items(held)
    return found


def test_the_conversation_comes_back(name: str) -> None:
    reader = registry.load_export(name)
    originals = [
        one for path in fixture_files(name) if path.suffix == ".json" for one in pieces(json.loads(path.read_bytes()))
    ]
    for session, reading in pairs(name, fixture(name)):
        again = given_back(reader, codec.loads(codec.dumps(session)), reading)
        for one in [again] if again in originals else again:
            assert one in originals, session.id
            assert json.dumps(one) in [json.dumps(original) for original in originals], "the order of keys"

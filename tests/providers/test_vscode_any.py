"""Whatever may be in the files of VS Code: nothing raises, and what can be read comes back."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chasm_git.providers.formats.vscode_log import replay
from chasm_git.providers.vscode import VSCode
from chasm_git.session import codec, jsonio
from chasm_git.session.order import ordered
from chasm_git.session.universal import universal
from tests.providers.vscode_case import (
    ONE,
    TWO,
    WORKSPACE,
    Log,
    exported,
    files,
    histories,
    initial,
    lines,
    loaded,
    only,
    put,
    read,
    same,
    state,
    text,
)

texts = st.one_of(
    st.sampled_from(["", "x", "file:///a", "```", "\ud83d", "call_1", "a text that is longer than a pointer\n"]),
    st.text(max_size=8),
)
anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        texts,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)


def nodes(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Places of all values in a value."""
    found = [path] if path else []
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += nodes(item, (*path, key))
    return found


RICH = [
    {key: value for key, value in loaded(path.read_bytes()).items() if key != "unread"}
    for path in files()
    if path.suffix == ".json" and path.parent.parent.name == WORKSPACE and loaded(path.read_bytes()) is not None
]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_wrong_types_anywhere_raise_nothing_and_come_back(data: st.DataObject) -> None:
    kept = copy.deepcopy(data.draw(st.sampled_from(RICH)))
    for _ in range(data.draw(st.integers(1, 6))):
        *way, last = data.draw(st.sampled_from(nodes(kept)))
        holder = kept
        for step in way:
            holder = holder[step]
        holder[last] = data.draw(anything)
    written = jsonio.dumps(kept)
    with tempfile.TemporaryDirectory() as name:
        for form in (
            {"flat": written},
            {"log": b'{"kind":0,"v":' + written + b"}\n"},
            {"flat": written, "log": lines(initial({}))},
        ):
            reading = read(Path(name), **form)
            for session in reading.sessions:
                stored = codec.dumps(session)
                assert codec.dumps(codec.loads(stored)) == stored
                universal(session)
                assert list(ordered(session.messages)) == session.messages
            if reading.sessions and "log" not in form:
                assert same(exported(reading), kept)


@settings(max_examples=200, deadline=None)
@given(anything, st.booleans())
def test_any_value_is_read(value: Any, as_log: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        data = lines(initial(value)) if as_log else jsonio.dumps(value)
        reading = read(Path(name), **{"log" if as_log else "flat": data})
        assert isinstance(reading.sessions, list)


@settings(max_examples=60, deadline=None)
@given(histories(), st.booleans())
def test_the_last_state_is_what_is_exported(states: list[Any], anew: bool) -> None:
    log = Log()
    for number, now in enumerate(states):
        log.write(now, anew=anew and number == len(states) // 2)
    with tempfile.TemporaryDirectory() as name:
        reading = read(Path(name), log=log.data)
        if reading.sessions:
            assert exported(reading) == states[-1]
            assert same(exported(reading), replay(log.data).state)
        else:
            assert not states[-1]["requests"]


@pytest.mark.parametrize("depth", [100, 130, 300, 500, 600, 3000])
@pytest.mark.parametrize("key", ["unknown", "result", "response", "message", "variableData"])
def test_deep_values(depth: int, key: str, tmp_path: Path) -> None:
    kept = jsonio.dumps(state({**ONE, key: "deep"}, TWO))
    data = kept.replace(b'"deep"', b"[" * depth + b"]" * depth)
    reading = read(tmp_path, flat=data)
    session = only(reading)
    assert text(session.messages[-1]) == "answer 2"
    assert bool(reading.problems) == (depth > 500)
    stored = codec.loads(codec.dumps(session))
    (made,) = VSCode().export(stored, reading.attachments.__getitem__).values()
    assert made == data


def test_a_state_deepened_line_by_line(tmp_path: Path) -> None:
    entries = [initial(state(ONE))] + [put(*["a"] * n, v={}) for n in range(1, 60)]
    reading = read(tmp_path, log=lines(*entries))
    assert len(reading.problems) == 1
    codec.dumps(only(reading))

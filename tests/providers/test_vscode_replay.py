"""Logs of whole sessions: the last state comes back, and every request there ever was is found."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chasm_git.providers.formats.vscode_history import place
from chasm_git.providers.formats.vscode_log import Replay, replay
from chasm_git.providers.formats.vscode_said import covers
from chasm_git.session import jsonio
from tests.providers.vscode_case import (
    SHARED,
    Log,
    histories,
    initial,
    lines,
    same,
    words,
)

BASE = {"a": 1, "list": [1, 2, 3], "deep": {"list": [{"x": 1}]}, "none": None, "text": "t"}


def after(*entries: Any, base: Any = None) -> Any:
    """The state after some lines; each of them must apply."""
    done = replay(lines(initial(copy.deepcopy(BASE if base is None else base)), *entries))
    assert not done.faults
    return done.state


def ids(replayed: Replay) -> tuple[list[str], list[str]]:
    """Ids of the requests that stand, and of those that left."""
    return (
        [request["requestId"] for request in replayed.state["requests"]],
        [gone.request["requestId"] for gone in replayed.removed],
    )


@given(histories())
def test_the_last_state_comes_back(states: list[Any]) -> None:
    log = Log()
    for now in states:
        log.write(now)
    done = replay(log.data)
    assert not done.faults
    assert done.state == states[-1]


@given(histories())
def test_every_request_there_ever_was_is_found(states: list[Any]) -> None:
    log = Log()
    for now in states:
        log.write(now)
    done = replay(log.data)
    placed = place(done.state["requests"], done.removed)
    assert [p.request for p in placed if p.stands] == states[-1]["requests"]
    ever = {request["requestId"] for now in states for request in now["requests"]}
    assert {p.request["requestId"] for p in placed} == ever
    for now in states:
        for request in now["requests"]:
            forms = [p.request for p in placed if p.request["requestId"] == request["requestId"]]
            assert any(covers(form, request) for form in forms)


@given(histories(), st.data())
def test_a_log_cut_anywhere_gives_the_state_before_the_cut(states: list[Any], data: st.DataObject) -> None:
    log = Log()
    for now in states:
        log.write(now)
    cut = data.draw(st.integers(0, len(log.data)))
    done = replay(log.data[:cut])
    whole = log.data[:cut].rpartition(b"\n")[0] + b"\n"
    try:
        jsonio.loads(log.data[:cut].rpartition(b"\n")[2])
        whole = log.data[:cut]
    except ValueError:
        pass
    assert same(done.state, replay(whole).state)
    assert b"".join(fault.data for fault in done.faults) == log.data[len(whole) if len(whole) > 1 else 0 : cut]


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 10), st.floats(allow_nan=False, allow_infinity=False), words),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=8,
)
paths = st.lists(st.one_of(st.sampled_from(["requests", "response", "a", "list", "x"]), anything), max_size=4)
entries = st.one_of(
    anything,
    st.fixed_dictionaries(
        {"kind": st.one_of(st.integers(0, 4), anything)},
        optional={"k": st.one_of(paths, anything), "v": anything, "i": anything},
    ),
    st.fixed_dictionaries(
        {"kind": st.integers(1, 3), "k": paths}, optional={"v": st.lists(anything, max_size=3), "i": st.integers(0, 3)}
    ),
)


@given(
    st.lists(entries, max_size=8),
    st.one_of(st.none(), st.dictionaries(st.sampled_from(["requests", "a", "list"]), anything)),
)
def test_no_log_raises(written: list[Any], start: Any) -> None:
    done = replay(lines(initial(start), *written))
    place(
        done.state["requests"] if type(done.state) is dict and type(done.state.get("requests")) is list else [],
        done.removed,
    )


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    done = replay(data)
    assert done.state is None or jsonio.dumps(done.state)


# --- what VS Code itself wrote ----------------------------------------------------------------------------------------


def by_the_book(data: bytes) -> Any:
    """The rules in their shortest form, for logs without faults."""
    now: Any = None
    for line in data.splitlines():
        entry = json.loads(line)
        path = entry.get("k") or []
        if entry["kind"] == 0:
            now = entry["v"]
            continue
        holder = now
        for step in path[:-1]:
            holder = holder[step]
        if entry["kind"] == 2:
            items = (holder.get(path[-1]) if isinstance(holder, dict) else holder[path[-1]]) or []
            if entry.get("i") is not None:
                del items[entry["i"] :]
            holder[path[-1]] = items + (entry.get("v") or [])
        elif entry["kind"] == 1 and "v" in entry:
            holder[path[-1]] = entry["v"]
        else:
            holder.pop(path[-1], None)
    return now


def test_logs_of_a_real_client() -> None:
    found = sorted((SHARED / "fixtures" / "editors" / "vscode").rglob("*.jsonl"))
    if not found:
        pytest.skip("no data of real clients beside the checkout")
    for path in found:
        data = path.read_bytes()
        done = replay(data)
        assert same(done.state, by_the_book(data))
        assert not done.faults
        assert not done.removed


@given(histories())
def test_by_the_book(states: list[Any]) -> None:
    log = Log()
    for now in states:
        log.write(now)
    assert same(replay(log.data).state, by_the_book(log.data))

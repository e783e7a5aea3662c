"""The mutation log: replayed as VS Code replays it, salvaged where VS Code gives up, and nothing that left is lost."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from chasm_git.providers.formats.vscode_history import place
from chasm_git.providers.formats.vscode_log import Replay, replay
from chasm_git.providers.formats.vscode_said import covers
from tests.providers.vscode_case import (
    FOUR,
    ONE,
    THREE,
    TWO,
    asked,
    drop,
    initial,
    lines,
    push,
    put,
    same,
    state,
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


# --- single lines -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "changed"),
    [
        (put("a", v=2), {"a": 2}),
        (put("new", v={"x": []}), {"new": {"x": []}}),
        (put("a", v=None), {"a": None}),
        (put("list", 0, v=9), {"list": [9, 2, 3]}),
        (put("list", "1", v=9), {"list": [1, 9, 3]}),
        (put("list", 3, v=4), {"list": [1, 2, 3, 4]}),
        (put("list", 5, v=6), {"list": [1, 2, 3, None, None, 6]}),
        (put("deep", "list", 0, "x", v=2), {"deep": {"list": [{"x": 2}]}}),
        (put("deep", 7, v=2), {"deep": {"list": [{"x": 1}], "7": 2}}),
        ({"kind": 1, "k": ["list", 1]}, {"list": [1, None, 3]}),
        ({"kind": 1, "k": ["unknown"]}, {}),
        (put(v="no path, no effect"), {}),
        ({"kind": 1, "v": 1}, {}),
        (push("list", v=[4, 5]), {"list": [1, 2, 3, 4, 5]}),
        (push("list", v=[9], i=1), {"list": [1, 9]}),
        (push("list", i=0), {"list": []}),
        (push("list", i=2), {"list": [1, 2]}),
        (push("list", i=5, v=[6]), {"list": [1, 2, 3, None, None, 6]}),
        (push("list"), {}),
        (push("new", v=[1]), {"new": [1]}),
        (push("new"), {"new": []}),
        (push("none", v=[1]), {"none": [1]}),
        (push("deep", "list", v=[2]), {"deep": {"list": [{"x": 1}, 2]}}),
        (drop("list", 0), {"list": [None, 2, 3]}),
        (drop("unknown"), {}),
    ],
)
def test_one_line(entry: Any, changed: dict[str, Any]) -> None:
    assert same(after(entry), {**BASE, **changed})


@pytest.mark.parametrize("entry", [drop("a"), {"kind": 1, "k": ["a"]}])
def test_a_key_goes(entry: Any) -> None:
    assert "a" not in after(entry)


def test_a_later_state_replaces_the_first() -> None:
    assert after(put("a", v=2), initial({"b": 1}), put("b", v=2)) == {"b": 2}


@pytest.mark.parametrize(
    "entry",
    [
        put("unknown", "x", v=1),
        put("a", "x", v=1),
        put("text", 0, v=1),
        put("none", "x", v=1),
        put("list", "x", v=1),
        put("list", -1, v=1),
        put("list", 1.5, v=1),
        put("list", True, v=1),
        put("list", 10**7, v=1),
        put("list", "01", v=1),
        put("list", 9, "x", v=1),
        put(["a"], v=1),
        put(None, v=1),
        put(*["deep"] * 40, v=1),
        {"kind": 1, "k": "a", "v": 1},
        push("a", v=[1]),
        push("text", v=[1]),
        push("deep", v=[1]),
        push("list", v="text"),
        push("list", v={"0": 1}),
        push("list", v=[1], i=-1),
        push("list", v=[1], i="0"),
        push("list", v=[1], i=True),
        push("list", v=[1], i=10**9),
        drop("unknown", "x"),
        {"kind": 4, "k": ["a"]},
        {"kind": "1", "k": ["a"], "v": 1},
        {"kind": True, "k": ["a"], "v": 1},
        {"k": ["a"], "v": 1},
        [1, ["a"], 2],
        "text",
        None,
        7,
    ],
)
def test_a_line_that_cannot_be_applied(entry: Any) -> None:
    good = lines(initial(BASE), put("a", v=2))
    bad = lines(entry, put("a", v=3))
    done = replay(good + bad)
    assert same(done.state, {**BASE, "a": 2})
    (fault,) = done.faults
    assert (fault.line, fault.data) == (3, bad)
    assert fault.reason


@pytest.mark.parametrize(
    "line", [b'{"kind":1,"k":["a"],"v":', b"{", b"\0" * 40, b"not JSON", b"[" * 2000, b'{"kind":1}x', b'{"kind":NaN}']
)
def test_a_line_that_is_no_json(line: bytes) -> None:
    for tail in (line, line + b"\n", line + b"\n" + lines(put("a", v=3))):
        done = replay(lines(initial(BASE), put("a", v=2)) + tail)
        assert same(done.state, {**BASE, "a": 2})
        assert [(fault.line, fault.data) for fault in done.faults] == [(3, tail)]


def test_what_a_crash_leaves_is_said() -> None:
    done = replay(lines(initial(BASE)) + lines(put("a", v=2))[:-4])
    assert "cut off" in done.faults[0].reason
    assert done.state == BASE


def test_a_state_behind_a_fault_counts_again() -> None:
    done = replay(lines(initial(BASE), put("x", "y", v=1), put("a", v=2), initial({"b": 1}), put("b", v=2)))
    assert done.state == {"b": 2}
    assert [(f.line, f.data) for f in done.faults] == [(2, lines(put("x", "y", v=1), put("a", v=2)))]


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", lines(put("a", v=1)), lines(drop("a")), lines({"kind": 0}), b"\xff\xfe"]
)
def test_no_state_at_all(data: bytes) -> None:
    assert replay(data).state is None


@pytest.mark.parametrize("value", [None, 1, "text", [1]])
def test_a_state_that_is_no_object(value: Any) -> None:
    done = replay(lines(initial(value), put("a", v=1)))
    assert same(done.state, value)
    assert [fault.line for fault in done.faults] == [2]


def test_blank_lines_other_line_ends_and_a_byte_order_mark() -> None:
    data = b"\xef\xbb\xbf" + lines(initial(BASE)) + b"\n  \n\r\n" + lines(put("a", v=2)).replace(b"\n", b"\r\n")
    done = replay(data)
    assert (done.state["a"], done.faults) == (2, [])
    assert replay(data.rstrip()).state["a"] == 2
    assert replay(data + b"x\n").faults[0].line == 6


def test_bytes_that_are_no_utf8_are_read_and_kept() -> None:
    line = b'{"kind":1,"k":["a"],"v":"caf\xe9"}\n'
    done = replay(lines(initial(BASE)) + line + lines(put("b", v=1)))
    assert (done.state["a"], done.state["b"]) == ("caf\ufffd", 1)
    assert [(fault.line, fault.data) for fault in done.faults] == [(2, line)]


# --- requests that leave ----------------------------------------------------------------------------------------------


def log_of(*entries: Any) -> Replay:
    return replay(lines(*copy.deepcopy(entries)))


@pytest.mark.parametrize(
    ("entries", "stand", "left"),
    [
        ([push("requests", i=1), push("requests", v=[FOUR])], [1, 4], [2, 3]),
        ([push("requests", i=1, v=[FOUR])], [1, 4], [2, 3]),
        ([push("requests", i=0)], [], [1, 2, 3]),
        ([put("requests", v=[])], [], [1, 2, 3]),
        ([put("requests", v=[TWO, FOUR])], [2, 4], [1, 3]),
        ([put("requests", 1, v=FOUR)], [1, 4, 3], [2]),
        ([initial(state(ONE))], [1], [2, 3]),
        ([push("requests", i=1, v=[THREE, TWO])], [1, 3, 2], []),
        ([push("requests", i=2), push("requests", v=[THREE])], [1, 2, 3], []),
        ([push("requests", v=[FOUR])], [1, 2, 3, 4], []),
    ],
)
def test_who_stands_and_who_left(entries: list[Any], stand: list[int], left: list[int]) -> None:
    done = log_of(initial(state(ONE, TWO, THREE)), *entries)
    placed = place(done.state["requests"], done.removed)
    assert [p.request["requestId"] for p in placed if p.stands] == [f"request_{n}" for n in stand]
    assert sorted(p.request["requestId"] for p in placed if not p.stands) == [f"request_{n}" for n in left]


@pytest.mark.parametrize(
    "entry", [drop("requests"), put("requests", v=None), put("requests", v={"0": 1}), drop("requests", 1)]
)
def test_requests_that_are_dropped_are_kept(entry: Any) -> None:
    done = log_of(initial(state(ONE, TWO)), entry)
    assert TWO in [gone.request for gone in done.removed]


def test_they_stand_below_what_they_followed() -> None:
    done = log_of(
        initial(state(ONE, TWO, THREE)),
        push("requests", i=1),
        push("requests", v=[FOUR]),
        push("requests", i=1),
        push("requests", v=[asked(5)]),
        push("requests", v=[asked(6)]),
        push("requests", i=2, v=[asked(7)]),
    )
    placed = place(done.state["requests"], done.removed)
    assert [(p.request["requestId"][-1], p.stands) for p in placed] == [
        ("1", True),
        ("2", False),
        ("3", False),
        ("4", False),
        ("5", True),
        ("6", False),
        ("7", True),
    ]


def test_requests_behind_a_fault_are_kept() -> None:
    done = log_of(
        initial(state(ONE)),
        put("nowhere", "x", v=1),
        push("requests", v=[TWO]),
        put("requests", 2, v=THREE),
        push("requests", 0, "response", v=[{"value": " more"}]),
        push("requests", v=["no request", 4]),
    )
    assert ids(done) == (["request_1"], ["request_2", "request_3"])
    assert [gone.above["requestId"] for gone in done.removed] == ["request_1", "request_2"]


def test_an_answer_that_was_cut_down_is_kept_as_it_was() -> None:
    grown = asked(1, "q", "first part", {"kind": "thinking", "value": "hm"}, "second part")
    done = log_of(
        initial(state(grown)),
        push("requests", 0, "response", i=0),
        push("requests", 0, "response", v=[{"value": "other"}]),
    )
    assert [gone.request for gone in done.removed] == [grown]
    assert [(p.stands, p.superseded) for p in place(done.state["requests"], done.removed)] == [
        (False, True),
        (True, False),
    ]


def test_an_answer_that_grew_is_no_other_one() -> None:
    done = log_of(
        initial(state(asked(1, "q", "fir", {"kind": "progressMessage", "content": {"value": "…"}}))),
        push("requests", 0, "response", i=0, v=[{"value": "first"}]),
        push("requests", 0, "response", v=[{"value": "second"}]),
    )
    assert [p.stands for p in place(done.state["requests"], done.removed)] == [True]


@pytest.mark.parametrize(
    ("later", "earlier", "expected"),
    [
        (asked(1, "q", "abc"), asked(1, "q", "ab"), True),
        (asked(1, "q", "ab"), asked(1, "q", "abc"), False),
        (asked(1, "q", "x", "abc"), asked(1, "q", "abc"), True),
        (asked(1, "q", "abc"), asked(1, "other", "abc"), False),
        (asked(1, "q"), asked(1, "q"), True),
        ({**asked(1), "message": "q", "response": ["ab"]}, asked(1, "q", "ab"), True),
        (
            asked(1, "q", {"kind": "toolInvocationSerialized", "toolCallId": "c__vscode-1"}),
            asked(1, "q", {"kind": "toolInvocationSerialized", "toolCallId": "c"}),
            True,
        ),
        (asked(1, "q"), asked(1, "q", {"kind": "toolInvocationSerialized", "toolCallId": "c"}), False),
        (asked(1, "q"), asked(1, "q", {"kind": "undoStop", "id": "u"}), True),
    ],
)
def test_covers(later: Any, earlier: Any, expected: bool) -> None:
    assert covers(later, earlier) is expected

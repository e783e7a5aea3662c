"""One value of a JSON text changes: what it means is right, and every other byte is where it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chasm_git.outputs.json_text import put, take

NAMES = st.text(max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
LAYOUTS = st.sampled_from([None, 0, 2, 4, "\t"])


@given(st.dictionaries(NAMES, VALUES, max_size=4), NAMES, VALUES, LAYOUTS)
def test_a_name_gets_a_value_and_loses_it(held: dict[str, Any], name: str, value: Any, layout: Any) -> None:
    text = json.dumps(held, indent=layout, ensure_ascii=False)
    made = put(text, (name,), value)
    assert json.loads(made) == held | {name: value} and list(json.loads(made)) == list(held | {name: value})
    rest = {key: one for key, one in held.items() if key != name}
    assert json.loads(take(made, (name,))) == rest
    if held and name not in held:
        assert take(made, (name,)) == text


@given(st.lists(VALUES, min_size=1, max_size=4), st.data(), LAYOUTS)
def test_an_element_goes_from_anywhere_and_comes_at_the_end(held: list[Any], data: st.DataObject, layout: Any) -> None:
    text = json.dumps({"a": {"b": held}, "c": 1.50}, indent=layout)
    number = data.draw(st.integers(0, len(held) - 1))
    without = take(text, ("a", "b", number))
    assert json.loads(without)["a"]["b"] == held[:number] + held[number + 1 :]
    again = put(without, ("a", "b", len(held)), "new")
    assert json.loads(again)["a"]["b"] == [*held[:number], *held[number + 1 :], "new"]


@given(VALUES, st.lists(NAMES, min_size=1, max_size=3))
def test_what_is_missing_on_the_way_is_made(value: Any, way: list[str]) -> None:
    made: Any = json.loads(put("{}\n", way, value))
    for name in way:
        made = made[name]
    assert made == value


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a":1,  "b" : 1e5}\n', '{"a":1,  "b" : 1e5, "n": [7]}\n'),
        ('{\r\n\t"a": [1,2]\r\n}', '{\r\n\t"a": [1,2],\r\n\t"n": [\r\n\t\t7\r\n\t]\r\n}'),
        ('{\n    "a": {}\n}\n', '{\n    "a": {},\n    "n": [\n        7\n    ]\n}\n'),
        (" {}", ' {\n   "n": [\n     7\n   ]\n }'),
        ('{"n": 1, "n": 2}', '{"n": 1, "n": [\n  7\n]}'),
    ],
)
def test_a_layout_is_kept(before: str, after: str) -> None:
    assert put(before, ("n",), [7]) == after

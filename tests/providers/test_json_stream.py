"""Objects of a file one by one, whatever the chunks they come in and whatever is wrong with them."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chasm_git.providers.reading import json_stream
from chasm_git.providers.reading.json_stream import elements

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.lists(st.dictionaries(st.text(max_size=5), JSON, max_size=4), max_size=6)


class Slow(io.BytesIO):
    """Gives one byte after the other, however many are asked for."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(1, size if size is not None and size >= 0 else 1))


def values(data: bytes, key: str | None = None) -> list[Any]:
    found = list(elements(io.BytesIO(data), key))
    assert [element.error for element in found if element.error] == []
    return [element.value for element in found]


@given(OBJECTS, st.sampled_from([None, 1]), st.booleans())
def test_a_list(objects: list[Any], indent: int | None, ascii_only: bool) -> None:
    data = json.dumps(objects, indent=indent, ensure_ascii=ascii_only).encode()
    assert values(data) == objects
    assert values(b"\xef\xbb\xbf \n" + data + b"\n") == objects
    assert [element.value for element in elements(Slow(data))] == objects


@given(OBJECTS)
def test_lines(objects: list[Any]) -> None:
    assert values(b"".join(json.dumps(item).encode() + b"\n" for item in objects)) == objects


@given(OBJECTS, JSON)
def test_a_list_within_an_object(objects: list[Any], other: Any) -> None:
    value = {"before": [{"conversations": [1]}], "conversations": objects, "after": other}
    assert values(json.dumps(value).encode(), "conversations") == objects


def test_an_object_without_that_list_is_itself() -> None:
    assert values(b'{"a": {"conversations": [1]}}', "conversations") == [{"a": {"conversations": [1]}}]


def test_an_object_that_ends_too_early_does_not_say_how_the_others_look() -> None:
    whole = b'[{}"title": "t0", "mapping": {"a": [0]}}, {"title": "t1", "mapping": {"a": [1]}}, {"title": "t2"}]'
    found = [element.value for element in elements(io.BytesIO(whole)) if element.error is None]
    assert found[-2:] == [{"title": "t1", "mapping": {"a": [1]}}, {"title": "t2"}]


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=8), st.data())
def test_any_damage_costs_little(numbers: list[int], data: st.DataObject) -> None:
    objects = [{"title": f"t{n}", "mapping": {"a": [n, "}", "\\"]}} for n in numbers]
    pieces = [json.dumps(item).encode() for item in objects]
    hit = data.draw(st.integers(0, len(pieces) - 1))
    at = data.draw(st.integers(1, len(pieces[hit]) - 1))
    broken = pieces[hit][:at] + data.draw(st.binary(max_size=3)) + pieces[hit][at + data.draw(st.integers(0, 9)) :]
    whole = b"[" + b", ".join([*pieces[:hit], broken, *pieces[hit + 1 :]]) + b"]"
    found = [element.value for element in elements(io.BytesIO(whole)) if element.error is None]
    lost = [n for n, item in enumerate(objects) if item not in found]
    assert set(lost) <= {hit, hit + 1}, whole


def test_a_first_object_whose_first_key_is_damaged_costs_itself() -> None:
    good = b'{"title": "t", "mapping": {"a": [{"b": 1}, {"b": 2}]}}'
    for broken in (good.replace(b"title", b"\0title"), good.replace(b"title", b"ti\0tle")):
        found = list(elements(io.BytesIO(b"[" + b", ".join([broken, good, good]) + b"]")))
        assert [element.value is None for element in found] == [True, False, False]


@pytest.mark.parametrize(
    "data", [b"", b"[", b"]", b"[]]", b"[1, 2]", b'[{"a": 1}, oops, {"a": 2}]', b"nothing", b'{"a"']
)
def test_what_is_no_list_of_objects_says_so(data: bytes) -> None:
    found = list(elements(io.BytesIO(data)))
    good = [element.value for element in found if element.error is None]
    assert good == ([{"a": 1}, {"a": 2}] if b"oops" in data else [])
    assert any(element.error for element in found) == (data not in (b"", b"["))


def test_an_object_without_an_end_does_not_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "LARGEST", 100_000)
    monkeypatch.setattr(json_stream, "_CHUNK", 5_000)
    good = [{"title": n, "text": "x" * 5_000} for n in range(100)]
    pieces = [json.dumps(item) for item in good]
    pieces[3] = pieces[3].replace('"text": "', '"text": [{"')
    found = list(elements(io.BytesIO(("[" + ",".join(pieces) + "]").encode())))
    assert [element.value for element in found if element.error is None] == good[:3] + good[4:]
    assert [element.number for element in found if element.error] == [4]


@given(st.lists(st.tuples(JSON, st.integers(0, 3)), max_size=30), st.sampled_from([b",", b" ,\n ", b"\n"]))
def test_objects_within_that_begin_like_the_one_they_are_in(objects: list[tuple[Any, int]], between: bytes) -> None:
    made = [{"id": n, "in": [{"id": '}, {"id": 5'}] * deep, "v": item} for n, (item, deep) in enumerate(objects)]
    data = between.join(json.dumps(item).encode() for item in made)
    assert values(data if between == b"\n" else b"[" + data + b"]") == made

"""Damaged JSON and JSON lines: what is whole stays, what is left parses, what is lost is named."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chasm_git.errors import ChasmError, UsageError
from chasm_git.recovery.damage import Damage, Text, mapped
from chasm_git.recovery.json_document import Document
from chasm_git.recovery.json_lines import Lines
from chasm_git.recovery.repair import checked, ending_of, repair

FIXTURES = Path(__file__).parents[2] / "fixtures"
ROLLOUT = next((FIXTURES / "demo" / "codex").rglob("*.jsonl"))
CHAT = sorted((FIXTURES / "vscode").rglob("chatSessions/*.json"), key=lambda path: path.stat().st_size)[0]

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


def left_of(data: bytes) -> tuple[bytes, Damage, Document]:
    damage, out = Damage(), io.BytesIO()
    document = Document(data, 0, len(data), Text(out, damage), damage)
    document.run()
    return out.getvalue(), damage, document


def lines_of(data: bytes) -> tuple[list[Any], Damage]:
    damage, out = Damage(), io.BytesIO()
    Lines(data, Text(out, damage), damage).run()
    return [json.loads(line) for line in out.getvalue().splitlines() if line.strip()], damage


def is_part_of(part: Any, whole: Any) -> bool:
    """Whether a value is another one that was cut off."""
    if type(part) is dict:
        return type(whole) is dict and all(key in whole and is_part_of(part[key], whole[key]) for key in part)
    if type(part) is list:
        return type(whole) is list and len(part) <= len(whole) and all(map(is_part_of, part, whole))
    return bool(part == whole)


def records_before(data: bytes, cut: int) -> list[Any]:
    return [json.loads(line) for line in data[:cut].split(b"\n")[:-1]]


def test_lines_cut_at_every_byte() -> None:
    data = b"".join(ROLLOUT.read_bytes().splitlines(keepends=True)[:4])
    data = b"".join(line if len(line) < 600 else b'{"n":"%d"}\n' % len(line) for line in data.splitlines(keepends=True))
    data += '{"type":"user","text":"héllo \\" \\\\","n":[1,2,{"a":null}]}\n{"type":"end"}\n'.encode()
    for cut in range(len(data)):
        found, damage = lines_of(data[:cut])
        whole = records_before(data, cut)
        assert found[: len(whole)] == whole
        rest = data[:cut].rpartition(b"\n")[2]
        if len(found) == len(whole):
            assert damage.lost_bytes == len(rest)
        else:  # the last line lacked its line feed alone
            assert found[len(whole) :] == [json.loads(rest)] and not damage.places


def test_a_document_cut_at_every_byte() -> None:
    value = json.loads(CHAT.read_bytes())
    for data in (json.dumps(value, separators=(",", ":")).encode()[:6000], json.dumps(value, indent=2)[:3000].encode()):
        for cut in range(1, len(data)):
            left, damage, document = left_of(data[:cut])
            assert document.is_torn
            if left:
                assert is_part_of(json.loads(left), value)
                assert (damage.lost or damage.mended)[-1].end == cut


def test_no_whole_request_before_the_cut_is_lost() -> None:
    requests = [{"id": f"r{n}", "text": "x" * n, "parts": [{"value": n}, [n]]} for n in range(8)]
    data = json.dumps({"version": 3, "requests": requests, "title": "T"}).encode()
    ends = [data.index(json.dumps(one).encode()) + len(json.dumps(one)) for one in requests]
    for cut in range(ends[0], len(data)):
        left = json.loads(left_of(data[:cut])[0])
        whole = sum(end <= cut for end in ends)
        assert left["requests"][:whole] == requests[:whole]


@settings(max_examples=60)
@given(values, st.booleans(), st.data())
def test_a_cut_document_is_the_beginning_of_the_whole_one(value: Any, indented: bool, data: st.DataObject) -> None:
    text = json.dumps([value], indent=2 if indented else None, ensure_ascii=indented).encode("utf-8", "surrogatepass")
    left, damage, document = left_of(text)
    assert left == text and document.is_whole and not damage.places
    cut = data.draw(st.integers(1, len(text) - 1))
    left, _, document = left_of(text[:cut])
    assert document.is_torn
    assert not left or is_part_of(json.loads(left), json.loads(text)) or b"\xc3" in text or not text.isascii()


@settings(max_examples=80)
@given(st.lists(values, min_size=1, max_size=6), st.data())
def test_whatever_happened_to_it_what_is_left_parses(listed: list[Any], data: st.DataObject) -> None:
    text = json.dumps({"requests": [{"id": n, "v": v} for n, v in enumerate(listed)], "t": 1}).encode()
    start = data.draw(st.integers(1, len(text) - 1))
    end = data.draw(st.integers(start, len(text)))
    torn = text[:start] + data.draw(st.binary(max_size=6) | st.just(b"\0" * 9)) + text[end:]
    left, damage, document = left_of(torn)
    if left:
        json.loads(left)
    assert document.is_whole is not document.is_torn
    found, _ = lines_of(b'{"first":1}\n' + torn.replace(b"\n", b"") + b'\n{"last":2}\n')
    assert found[0] == {"first": 1} and found[-1] == {"last": 2}
    assert damage.lost_bytes <= 2 * len(torn)


def test_a_hole_costs_its_request_alone() -> None:
    requests = [{"id": f"r{n}", "text": "words " * 20, "parts": [{"value": n}]} for n in range(6)]
    text = json.dumps({"requests": requests, "title": "T"}).encode()
    at = text.index(b'"r2"') + 30
    left = json.loads(left_of(text[:at] + b"\0" * 64 + text[at + 64 :])[0])
    assert [one for one in left["requests"] if one in requests] == [*requests[:2], *requests[3:]]
    assert left["title"] == "T"
    swallowed = text[:at] + text[at + 150 :]  # a sector that is missing, with the end of one and the start of another
    left = json.loads(left_of(swallowed)[0])
    assert [*requests[:2], *requests[4:]] == [one for one in left["requests"] if one in requests]


@pytest.mark.parametrize(
    ("damaged", "expected", "noted"),
    [
        (b'{"a":1}{"b":2}\n{"c":3}\n', [{"a": 1}, {"b": 2}, {"c": 3}], "a line each"),
        (b'{"a":1,"b":"x{"a":1,"b":"xy"}\n', [{"a": 1, "b": "xy"}], "begun twice"),
        (b'\0\0\0\0{"a":1}\n', [{"a": 1}], "NUL"),
        (b'{"a":"x\0\0y"}\n{"b":2}', [{"a": "xy"}, {"b": 2}], "NUL"),
        (b'{"a":"\xff\xfe"}\n', [{"a": "\ufffd\ufffd"}], "not UTF-8"),
        (b'{"a":"x\ty"}\n', [{"a": "x\ty"}], "control"),
        (b'{\n  "a": [\n    1\n  ]\n}\n{"b":2}\n', [{"a": [1]}, {"b": 2}], "several lines"),
        (b'{"a":1}\n{"to\n{"b":2}\n', [{"a": 1}, {"b": 2}], "a damaged line"),
        (b'{"a":1}\n{"b":[1,2\n{"c":3}\n', [{"a": 1}, {"c": 3}], "a damaged line"),
        (b'{"a":1}\n12', [{"a": 1}], "cut off"),
        (b"\0" * 4096, [], "NUL"),
    ],
)
def test_kinds_of_damaged_lines(damaged: bytes, expected: list[Any], noted: str) -> None:
    found, damage = lines_of(damaged)
    assert found == expected
    assert any(noted in one.reason for one in (*damage.lost, *damage.mended))


@pytest.mark.parametrize(
    ("damaged", "expected"),
    [
        (b'{"a":1,"b":[1,2,],}', {"a": 1, "b": [1, 2]}),
        (b'[{"a":1}{"a":2}]', [{"a": 1}, {"a": 2}]),
        (b'{"a":"x\ty\nz","b":"\\q"}', {"a": "x\ty\nz", "b": "\\q"}),
        (b'{"a":1,"b":}', {"a": 1}),
        (b'{"a":1]]}', {"a": 1}),
        (b'{"a":{"b":[1,2}', {"a": {"b": [1, 2]}}),
        (b'{"a":12', {}),
        (b'{"a":[1,{"b":2},"tor', {"a": [1, {"b": 2}]}),
    ],
)
def test_kinds_of_damaged_documents(damaged: bytes, expected: Any) -> None:
    left = left_of(damaged)[0]
    assert (json.loads(left) if left else {}) == expected


HOSTILE = {
    "brackets": b"[" * 1_000_000,
    "nested keys": b'{"a":' * 100_000,
    "nested lines": b'{"a":[\n' * 2_000,  # enough to use up what may be tried
    "half values": b'{"r":[' + b'{"id":1,"x":,"y":2},' * 2_500,
    "no commas": b'{"a":1{"a":1' * 20_000,
    "control characters": b'{"k":"' + b"\x01" * 1_000_000,
    "quotes": b'"' + b'\\"' * 500_000,
    "bad text": b'{"a":"\xff\xff"}\n' * 6_000,
    "commas": b'{"a":1' + b"," * 1_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_time_is_linear_whatever_it_is(name: str, tmp_path: Path) -> None:
    data = HOSTILE[name]
    spent = []
    for share in (4, 1):
        for ending in (".json", ".jsonl"):
            path = tmp_path / f"a{ending}"
            path.write_bytes(data[: len(data) // share])
            start = time.process_time()
            checked(path)
            spent.append(time.process_time() - start)
    assert spent[2] < 12 * spent[0] + 0.2 and spent[3] < 12 * spent[1] + 0.2


def test_a_line_larger_than_what_is_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chasm_git.recovery.json_lines.LONGEST_PARSED", 1000)
    monkeypatch.setattr("chasm_git.recovery.repair.LONGEST_PARSED", 1000)
    path = tmp_path / "a.jsonl"
    long = json.dumps({"a": ["é" * 900, {"b": 1}]}, ensure_ascii=False).encode()
    path.write_bytes(b'{"x":1}\n' + long + b"\n" + long[:-1])
    made = repair(path)
    assert made.records == 2 and made.written[0].read_bytes() == b'{"x":1}\n' + long + b"\n"
    whole = tmp_path / "b.json"
    whole.write_bytes(long)
    assert not checked(whole).is_damaged


def test_a_formatted_document_is_not_damaged(tmp_path: Path) -> None:
    for name in ("a.json", "a.jsonl"):
        path = tmp_path / name
        path.write_text(json.dumps({"a": [1, {"b": None}]}, indent=4))
        made = repair(path)
        assert not made.is_damaged and made.written == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "a.jsonl"]


def test_a_new_file_never_another_one(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":1}\n{"b')
    made = repair(path)
    assert made.written == [tmp_path / "a.recovered.jsonl"]
    assert made.written[0].read_bytes() == b'{"a":1}\n' and path.read_bytes() == b'{"a":1}\n{"b'
    assert [one.as_json() for one in made.damage.lost] == [
        {"offset": 8, "bytes": 3, "reason": "a line that is cut off"}
    ]
    with pytest.raises(UsageError, match="exists"):
        repair(path)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.jsonl", "a.recovered.jsonl"]


def test_in_place_with_a_copy(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":1}\n{"b')
    path.chmod(0o600)
    made = repair(path, in_place=True)
    assert path.read_bytes() == b'{"a":1}\n' and path.stat().st_mode & 0o777 == 0o600
    assert made.kept is not None and made.kept.read_bytes() == b'{"a":1}\n{"b'
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.jsonl", "a.jsonl.damaged"]


def test_nothing_left_is_said_and_nothing_written(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for data in (b"", b"\0" * 100, b'{"a', b"words"):
        path.write_bytes(data)
        with pytest.raises(ChasmError, match="no whole value"):
            repair(path, in_place=True)
        assert path.read_bytes() == data
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]


def test_documents_one_behind_the_other(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'{\n "a": 1\n}{\n "a": 1, "b": 2\n}')
    made = repair(path)
    assert [json.loads(one.read_bytes()) for one in made.written] == [{"a": 1, "b": 2}, {"a": 1}]
    path.write_bytes(b'{\n "a": 1\n}{\n "a": 1\n}')
    made = repair(path, to=tmp_path / "b.json")
    assert len(made.written) == 1 and "the same document" in made.damage.mended[0].reason
    path.write_bytes(b'{\n "a": [1,2]\n}2]\n}')  # a shorter one over a longer one
    made = repair(path, to=tmp_path / "c.json")
    assert json.loads(made.written[0].read_bytes()) == {"a": [1, 2]} and made.damage.lost_bytes == 4


def test_lines_in_a_file_called_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'{"a":1}\n{"b":2}\n{"c')
    assert (checked(path).form, checked(path).records) == ("jsonl", 2)


def test_names_of_what_was_put_aside() -> None:
    names = {"a.json.bak": ".json", "state.vscdb.backup": ".vscdb", "a.jsonl~": ".jsonl", "a.json.old.2": ".2", "b": ""}
    assert {name: ending_of(Path(name)) for name in names} == names


def test_an_empty_file_is_mapped(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with mapped(tmp_path / "a") as data:
        assert len(data) == 0

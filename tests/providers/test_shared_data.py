"""All data beside the checkout is read without loss, or it is said why not: the files, and the formats' examples."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers import registry
from chasm_git.providers.base import Env, Reading, Source
from chasm_git.providers.reading.export_file import readings
from chasm_git.session import codec
from tests.conftest import SHARED
from tests.providers.databases import build
from tests.providers.shared_data import EXAMPLES, EXPORTS, LEFT_OUT, NO_EXAMPLES, QUIET, STORES, UNREAD

FILES = SHARED / "fixtures"
FACTS = SHARED / "facts"
Leaf = tuple[str, str]
PLACES = {provider: [one for one in STORES.items() if one[1][0] == provider] for provider, _ in STORES.values()}

pytestmark = pytest.mark.skipif(not FILES.is_dir(), reason="no data beside the checkout")


def matched(pattern: str) -> list[Path]:
    return sorted(path for path in FILES.glob(pattern) if path.is_file())


def test_every_file_is_in_one_table() -> None:
    found = Counter(path for table in (STORES, EXPORTS, UNREAD) for pattern in table for path in matched(pattern))
    assert [pattern for table in (STORES, EXPORTS, UNREAD, QUIET) for pattern in table if not matched(pattern)] == []
    assert {str(path) for path in FILES.rglob("*") if path.is_file()} == {str(path) for path in found}
    assert [str(path) for path, count in found.items() if count > 1] == []
    assert {reader for reader, _ in STORES.values()} <= set(registry.BUILT_IN)


# --- values -----------------------------------------------------------------------------------------------------------


def leaves(value: Any, key: str = "") -> Iterator[Leaf]:
    """All that stands in a value, each with the key it stands at."""
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from leaves(item, name)
    elif isinstance(value, list) and value:
        for item in value:
            yield from leaves(item, key)
    else:
        yield key, json.dumps(value)


def values_of(data: bytes) -> Iterator[Any]:
    """The values of a document, of JSON lines, or the lines of a text."""
    try:
        yield json.loads(data)
        return
    except ValueError:
        pass
    for line in data.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            yield line.decode("latin-1")


def replayed(data: bytes) -> Any:
    """The state a log of VS Code's chat ends in."""
    state: Any = None
    for entry in map(json.loads, data.splitlines()):
        if entry["kind"] == 0:
            state = entry["v"]
            continue
        *above, last = entry["k"]
        place = state
        for step in above:
            place = place[step]
        if entry["kind"] == 1 and "v" in entry:
            place[last] = entry["v"]
        elif entry["kind"] == 2:
            listed = place.setdefault(last, []) if isinstance(place, dict) else place[last]
            del listed[entry.get("i", len(listed)) :]
            listed += entry.get("v", [])
        else:
            del place[last]
    return state


def objects_in(path: Path) -> Iterator[Any]:
    """The JSON objects and lists in the cells of a database."""
    with closing(sqlite3.connect(path)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                yield from (value for cell in row for value in cell_values(cell))


def cell_values(cell: Any) -> Iterator[Any]:
    """The value in a cell that holds the JSON text of an object or a list."""
    text = cell.decode("utf-8", "replace") if isinstance(cell, bytes) else cell
    if isinstance(text, str) and text[:1] in ("{", "["):
        try:
            yield json.loads(text)
        except ValueError:
            return  # a text that begins like one


def cells_in(files: list[bytes]) -> Iterator[Any]:
    """The values in the texts of documents that hold rows."""
    for _, leaf in (leaf for data in files for value in values_of(data) for leaf in leaves(value)):
        yield from cell_values(json.loads(leaf))


def compact(value: Any) -> bytes:
    return json.dumps(value).encode()


def given_back(name: str, found: list[Reading]) -> list[bytes]:
    """Every file that the sessions give back, after they were stored."""
    files: list[bytes] = []
    for reading in found:
        for session in reading.sessions:
            again = codec.loads(codec.dumps(session))
            assert session.provider in (name, name.removesuffix("-export"))
            writer = registry.load(name)
            files += writer.export(again, reading.attachments.__getitem__).values()
    return files


def lost(sources: list[Any], files: list[bytes], left_out: tuple[str, ...] = ()) -> list[Leaf]:
    """What stands in the sources and in none of the files."""
    kept = Counter(leaf for data in files for value in values_of(data) for leaf in leaves(value))
    there = Counter(leaf for value in sources for leaf in leaves(value))
    return [leaf for leaf in there - kept if leaf[0] not in left_out]


# --- files ------------------------------------------------------------------------------------------------------------


def place_of(template: str, path: Path, number: int) -> str:
    relative = path.relative_to(FILES).as_posix()
    below = re.sub(r"\{below:(.*?)\}", lambda found: relative.split(f"/{found[1]}/", 1)[1], template)
    version = re.sub(r"^(gpt4all-.*)\.(v\d+)\.chat$", r"\1-\2.chat", path.name)
    inside = relative.partition("/opencode/opencode/")[2].partition("/")[2]
    names = {"name": path.name, "stem": path.name.partition(".")[0], "folder": path.parent.name}
    return below.format(**names, number=number, chat=version, inside=inside)


def is_quiet(path: Path) -> bool:
    return any(path in matched(pattern) for pattern in QUIET)


@pytest.mark.parametrize("provider", PLACES)
def test_files_of_clients(provider: str, tmp_path: Path) -> None:
    for number, (pattern, (_, template)) in enumerate(PLACES[provider]):
        home = tmp_path / (str(number) if provider != "kimi-code" else "all")
        for count, path in enumerate(matched(pattern)):
            place = home / place_of(template, path, count)
            assert not place.exists(), place
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
    originals = [path for pattern, _ in PLACES[provider] for path in matched(pattern) if not is_quiet(path)]
    files = [data for home in sorted(tmp_path.iterdir()) for data in given_back(provider, read_all(provider, home))]
    for path in originals:
        data = path.read_bytes()
        if path.suffix == ".chat":
            assert data in files
        elif path.suffix == ".vscdb":
            assert lost(list(objects_in(path)), [*files, *map(compact, cells_in(files))]) == []
        else:
            assert lost([replayed(data)] if provider == "vscode" else list(values_of(data)), files) == [], path.name


def read_all(name: str, home: Path) -> list[Reading]:
    found = list(registry.load(name).discover(Env(home)))
    assert all(isinstance(source, Source) for source in found)
    made = [registry.load(name).read(source) for source in found if isinstance(source, Source)]
    assert [problem for reading in made for problem in reading.problems if problem.fatal] == []
    return made


@pytest.mark.parametrize("pattern", EXPORTS)
def test_exports_of_services(pattern: str) -> None:
    name = EXPORTS[pattern]
    for path in matched(pattern):
        found = list(readings(registry.load_export(name), path))
        assert [problem for reading in found for problem in reading.problems] == []
        assert lost([json.loads(path.read_bytes())], given_back(name, found), LEFT_OUT.get(name, ())) == [], path.name


# --- examples ---------------------------------------------------------------------------------------------------------


def fenced() -> Iterator[tuple[tuple[str, str], str]]:
    """What stands between fences in the descriptions of formats, by file and section."""
    for name in ("editors.md", "cli_agents.md", "local_and_cloud.md"):
        section, block = "", None
        for line in (FACTS / name).read_text("utf-8").splitlines():
            if line.startswith("```"):
                if block is not None:
                    yield (name, section), "\n".join(block) + "\n"
                block = [] if block is None else None
            elif block is not None:
                block.append(line)
            elif line.startswith("#"):
                section = line.lstrip("#").split()[0]


def examples() -> Mapping[tuple[str, str], str]:
    made: dict[tuple[str, str], str] = {}
    for key, block in fenced():
        if key[1] != "Tiny":
            assert key not in made or key in NO_EXAMPLES, key
            made[key] = block
            continue
        for part, value in json.loads(block).items():
            rows = value if part == "sillytavern_lines" else [value]
            made[key[0], f"Tiny/{part}"] = "".join(json.dumps(row) + "\n" for row in rows)
    return made


def test_every_example_is_in_a_table() -> None:
    assert set(examples()) == {*EXAMPLES, *NO_EXAMPLES}


@pytest.mark.parametrize("key", EXAMPLES, ids=" ".join)
def test_examples_of_formats(key: tuple[str, str], tmp_path: Path) -> None:
    (provider, place), text = EXAMPLES[key], examples()[key]
    path, _, script = place.partition(": ")
    if place == "export":
        file = tmp_path / "export.json"
        file.write_text(text)
        found = list(readings(registry.load_export(provider), file))
    elif script:
        rows = [json.dumps(value, separators=(",", ":")) for value in values_of(text.encode())]
        build(tmp_path / path, script.format(*(sql(row) for row in rows)))
        found = read_all(provider, tmp_path)
    else:
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text)
        found = read_all(provider, tmp_path)
    assert any(reading.sessions for reading in found)
    wanted = [replayed(text.encode())] if provider == "vscode" else list(values_of(text.encode()))
    files = given_back(provider, found)
    if script:  # a cell of a row holds the value as its text
        files += map(compact, cells_in(files))
    assert lost(wanted, files, LEFT_OUT.get(provider, ())) == []


def sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

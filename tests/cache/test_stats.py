"""Counts against what the universal form of the same sessions says."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chasm_git.api import Archive, Env, make_archive
from chasm_git.cache import follow
from chasm_git.cache.stats import BY, stats, stats_by
from chasm_git.outputs.bars import bar, short, sparkline
from chasm_git.session.model import Message, Session

FIXTURES = Path(__file__).parents[2] / "fixtures"
HOMES = (
    "claude-code/1.0",
    "claude-code/2.0",
    "claude-code/2.1",
    "codex/v0.169",
    "copilot-cli/folders",
    "gemini-cli/v0.61",
    "pi/tree",
    "vscode/agent",
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    with make_archive(tmp_path_factory.mktemp("stats") / "a") as made:
        for home in HOMES:
            made.harvest(Env(FIXTURES / home))
        yield made


def universals(archive: Archive) -> list[dict[str, Any]]:
    names = [path.rpartition("/")[2].removesuffix(".yaml") for path in archive.session_files()]
    return [archive.universal(archive.find(name)) for name in names]


def test_totals_are_those_of_the_universal_form(archive: Archive) -> None:
    held = universals(archive)
    total = archive.stats().total
    assert total.sessions == len(held) > 15
    assert total.input_tokens == sum(one["metadata"]["total_tokens"]["input"] for one in held) > 0
    assert total.output_tokens == sum(one["metadata"]["total_tokens"]["output"] for one in held) > 0
    listed = [one for one in archive.sessions() if hasattr(one, "summary")]
    assert total.messages == sum(one.summary.messages for one in listed)
    calls = [call for one in held for message in one["messages"] for call in message.get("tool_calls", [])]
    assert total.calls >= len(calls) > 0  # calls of bookkeeping records count here, too


@pytest.mark.parametrize("by", [by for by in BY if by not in ("tool", "file")])
def test_groups_add_up(archive: Archive, by: Any) -> None:
    found = archive.stats(by)
    assert sum(line.messages for line in found.lines) == found.total.messages or by == "model"
    assert sum(line.input_tokens for line in found.lines) == found.total.input_tokens
    assert sum(line.output_tokens for line in found.lines) == found.total.output_tokens


def test_tools_and_files(archive: Archive) -> None:
    found = archive.stats("tool")
    assert sum(line.calls for line in found.lines) == found.total.calls
    assert sum(line.errors for line in found.lines) == found.total.errors > 0
    files = archive.stats("file")
    assert len(files.lines) == files.files > 0
    assert files.lines[0].sessions == max(line.sessions for line in files.lines)


def test_providers_and_workspaces_count_sessions(archive: Archive) -> None:
    held = Counter(path.split("/")[1] for path in archive.session_files())
    assert {line.name: line.sessions for line in archive.stats("provider").lines} == held
    assert sum(line.sessions for line in archive.stats("workspace").lines) == sum(held.values())


def test_only_what_was_chosen_and_since(archive: Archive) -> None:
    chosen = archive.stats("provider", chosen=lambda row: row.provider == "pi")
    assert [line.name for line in chosen.lines] == ["pi"]
    assert chosen.total.messages == chosen.lines[0].messages < archive.stats().total.messages
    last = archive.stats().total.last
    assert last is not None
    late = archive.stats("day", since=f"{last}:00:00.000Z")
    assert 0 < late.total.messages < archive.stats().total.messages
    assert late.total.first == last
    assert archive.stats("provider", since="2999-01-01T00:00:00.000Z").total.messages == 0


@pytest.mark.parametrize(("offset", "day"), [(0, "2026-01-08"), (12, "2026-01-09"), (-23, "2026-01-07")])
def test_days_are_those_of_the_clock(keep: Callable[..., Path], offset: int, day: str) -> None:
    from contextlib import closing

    from chasm_git.api import open_archive
    from chasm_git.cache import follow
    from chasm_git.cache.stats import stats

    said = Message("m", "user", "2026-01-08T12:30:00.000Z", content="hi")
    odd = Message("n", "user", "yesterday", content="hi", after="m")
    place = keep([Session("s", "codex", messages=[said, odd])])
    with open_archive(place) as archive, closing(follow.opened(archive.repository)) as connection:
        found = stats(connection, "day", zone=dt.timezone(dt.timedelta(hours=offset)))
    assert found.days == {day: 1}
    assert {line.name: line.messages for line in found.lines} == {day: 1, "": 1}


def test_names_that_clean_alike_are_one(keep: Callable[..., Path]) -> None:
    from chasm_git.api import open_archive

    messages = [
        Message(f"m{n}", "assistant", "2026-01-08T12:00:00.000Z", model=f"odd{half}", usage={"input_tokens": 5})
        for n, half in enumerate(("\ud800", "\ud801"))
    ]
    for message, half in zip(messages, ("\udc00", "\udc01"), strict=True):
        message.content = [{"type": "tool_call", "id": message.id, "name": f"tool{half}", "arguments": {}}]
    with open_archive(keep([Session("s", "codex", messages=messages)])) as archive:
        assert [(line.name, line.input_tokens) for line in archive.stats("model").lines] == [("odd?", 10)]
        assert [(line.name, line.calls) for line in archive.stats("tool").lines] == [("tool?", 2)]


def test_a_session_that_changed_is_counted_anew(keep: Callable[..., Path], tmp_path: Path) -> None:
    home = tmp_path / "home"
    from shutil import copytree

    copytree(FIXTURES / "demo" / "claude-code", home)
    with make_archive(tmp_path / "b") as archive:
        archive.harvest(Env(home))
        before = archive.stats("day")
        copytree(FIXTURES / "demo" / "later", home, dirs_exist_ok=True)
        archive.harvest(Env(home))
        after = archive.stats("day")
        assert after.total.messages > before.total.messages
        archive.rebuild_cache()
        assert archive.stats("day") == after


def test_drawing() -> None:
    assert sparkline([0, 1, 4, 8]) == " ▁▄█" and sparkline([]) == "" and sparkline([0, 0]) == "  "
    assert [bar(n, 16, 2) for n in (0, 1, 8, 16)] == ["", "▏", "█", "██"]
    assert [short(n) for n in (0, 999, 1000, 12_345, 4_560_000, 10**12)] == [
        "0",
        "999",
        "1.00k",
        "12.3k",
        "4.56M",
        "1.00T",
    ]


def test_several_ways_at_once_are_what_each_is_alone_and_everything_is_read_once(archive: Archive) -> None:
    with closing(follow.opened(archive.repository)) as connection:
        read: list[str] = []
        connection.set_trace_callback(read.append)
        stats(connection, None)
        once = Counter(read)
        read.clear()
        together = stats_by(connection, (None, *BY))
        assert Counter(read) == once and len(once) > 3
        assert together == [stats(connection, by) for by in (None, *BY)]

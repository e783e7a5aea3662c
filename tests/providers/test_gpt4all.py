"""The GPT4All reader: every version of its file, files that are torn, and lengths that lie."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import pytest

from chasm_git.providers.base import Env, Reading, Source
from chasm_git.providers.gpt4all import GPT4All
from chasm_git.session import codec
from tests.providers.exporting import SHARED
from tests.providers.gpt4all_case import chat, item, several, sub
from tests.providers.reading import FIXTURES, harvest, only, parts, read_bytes, said, shown, sources

gpt4all = GPT4All()
NAME = "gpt4all-11111111-2222-4333-8444-000000000000.chat"


def read(tmp_path: Path, data: bytes) -> Reading:
    return read_bytes(gpt4all, tmp_path / NAME, data)


def given_back(reading: Reading) -> bytes:
    again = codec.loads(codec.dumps(only(reading)))
    ((name, data),) = gpt4all.export(again, reading.attachments.__getitem__).items()
    assert name == NAME
    return data


@pytest.mark.parametrize("version", range(13))
def test_every_version(version: int, tmp_path: Path) -> None:
    data = chat(version)
    reading = read(tmp_path, data)
    assert reading.problems == []
    session = only(reading)
    assert (session.id, session.title) == ("11111111-2222-4333-8444-000000000000", "Tides")
    assert session.created_at == "2026-01-01T10:00:00.000Z"
    assert said(session, "user") == ["Why are there two tides a day?", "And the sun? 🌞"]
    final = "The moon pulls on both sides of the earth."
    answers = [m for m in shown(session) if m["role"] == "assistant"]
    assert answers[0]["content"].endswith(final) and answers[1]["status"] == "interrupted"
    assert len(parts(session, "reference")) == (version >= 8)
    assert given_back(reading) == data


def test_an_answer_that_used_tools(tmp_path: Path) -> None:
    session = only(read(tmp_path, chat(12)))
    answer = shown(session)[1]
    assert (answer["thinking"], answer["content"].split("\n")[0]) == (["Moon and sun."], "I will count.")
    assert [(c["name"], c["arguments"], c["result"], c["is_error"]) for c in answer["tool_calls"]] == [
        ("javascript_interpret", {"code": "1+1", "digits": 3, "exact": True, "limit": 0.5}, "2", False),
        ("javascript_interpret", {"code": "1+1", "digits": 3, "exact": True, "limit": 0.5}, "Too slow", True),
    ]
    ((_, file),) = parts(session, "file")
    assert (file["name"], file["media_type"]) == ("my notes.txt", "text/plain")


def test_a_name_the_person_gave_is_the_title(tmp_path: Path) -> None:
    assert only(read(tmp_path, chat(12, title="Mine"))).title == "Mine"


def test_an_answer_that_is_asked_for_again_is_the_same_message(tmp_path: Path) -> None:
    data = chat(12)
    again = data.replace("It adds".encode("utf-16-be"), "It pull".encode("utf-16-be"))
    assert again != data
    assert [m.id for m in only(read(tmp_path, data)).messages] == [m.id for m in only(read(tmp_path, again)).messages]


def test_a_large_state_of_the_model_is_left_out(tmp_path: Path) -> None:
    reading = read(tmp_path, chat(7, large=6 * 1024 * 1024))
    assert only(reading).native["chat"]["leftOut"] > 6 * 1024 * 1024
    assert sum(map(len, reading.attachments.values())) < 100_000
    back = read(tmp_path, given_back(reading))
    assert back.problems == [] and said(only(back), "user") == said(only(reading), "user")


@pytest.mark.parametrize("version", [0, 3, 9, 12])
def test_torn_at_any_byte(version: int, tmp_path: Path) -> None:
    data = chat(version)
    whole = [m.id for m in only(read(tmp_path, data)).messages]
    counts = []
    for end in range(0, len(data), 7):
        reading = read(tmp_path, data[:end])
        assert reading.problems
        for session in reading.sessions:
            assert [m.id for m in session.messages] == whole[: len(session.messages)]
            assert given_back(reading) == data[:end]
            counts.append(len(session.messages))
    assert set(counts) == {1, 2, 3}


def test_lengths_that_lie_take_no_memory(tmp_path: Path) -> None:
    data = chat(12)
    tracemalloc.start()
    try:
        for place in range(8, len(data) - 8, 17):
            for number in (b"\x7f\xff\xff\xff", b"\xff\xff\xff\xfe", b"\x00\x00\xff\xff"):
                lying = data[:place] + number + data[place + 4 :]
                for session in (reading := read(tmp_path, lying)).sessions:
                    assert session.messages and given_back(reading) == lying
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_answers_within_answers(tmp_path: Path) -> None:
    piece = sub("Text: ", "deep")
    for _ in range(2000):
        piece = sub("Response: ", "", inner=[piece])
    head = chat(12).partition(struct.pack(">i", 4) + item(12, "Prompt: ", "Why", sources=1)[:4])[0]
    deep = item(12, "Prompt: ", "Why?") + item(12, "Response: ", "So.", [piece])
    reading = read(tmp_path, head + struct.pack(">i", 2) + deep)
    assert len(only(reading).messages) == 1 and reading.problems


def test_a_newer_file_and_other_files_are_named(tmp_path: Path) -> None:
    newer = chat(12).replace(struct.pack(">i", 12), struct.pack(">i", 13), 1)
    for data in (newer, b"", b"PK\x03\x04" + bytes(200), several(">I", []) * 9):
        reading = read(tmp_path, data)
        assert reading.sessions == [] and reading.problems[0].fatal


def test_files_that_qt_wrote() -> None:
    files = sorted(SHARED.glob("gpt4all/*.chat"))
    if not files:
        pytest.skip("no files of others here")
    for path in files:
        reading = gpt4all.read(Source("gpt4all", path.name, path, ""))
        assert reading.problems == []
        assert list(gpt4all.export(only(reading), reading.attachments.__getitem__).values()) == [path.read_bytes()]


def test_places(tmp_path: Path) -> None:
    assert len(harvest(gpt4all, FIXTURES / "gpt4all" / "all")) == 4
    chosen = tmp_path / "mo ü dels"
    chosen.mkdir()
    (chosen / NAME).write_bytes(chat(11))
    (chosen / (NAME + ".tmp")).write_bytes(b"")
    settings = tmp_path / ".config/nomic.ai/GPT4All.ini"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"[General]\nmodelPath={tmp_path}/mo \\xfc dels\nthreadCount=4\n")
    assert [source.path.parent for source in sources(gpt4all, tmp_path)] == [chosen]
    for platform, place in (("darwin", "Library/Application Support"), ("win32", "AppData/Local")):
        folder = tmp_path / platform / place / "nomic.ai/GPT4All"
        folder.mkdir(parents=True)
        (folder / NAME).write_bytes(chat(12))
        assert len(list(gpt4all.discover(Env(tmp_path / platform, platform=platform)))) == 1

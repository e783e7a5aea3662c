"""The aider reader: one file of Markdown, cut into sessions, prompts and answers, and put together again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from chasm_git.providers.aider import Aider
from chasm_git.providers.base import Reading, Source
from chasm_git.session import codec
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
from tests.conftest import SHARED
from tests.providers.reading import FIXTURES, harvest, parts, read_bytes, said, shown, sources

aider = Aider()
HOME = FIXTURES / "aider" / "projects"
SHOP = HOME / "src/shop/.aider.chat.history.md"
HEADING = b"# aider chat started at 2026-01-10 13:00:00\n\n"


@pytest.fixture(scope="module")
def home() -> list[Session]:
    return list(harvest(aider, HOME).values())


def exported(reading: Reading) -> bytes:
    pieces: list[bytes] = []
    for session in reading.sessions:
        again = codec.loads(codec.dumps(session))
        pieces += aider.export(again, reading.attachments.__getitem__).values()
    return b"".join(pieces)


def read(tmp_path: Path, data: bytes) -> Reading:
    return read_bytes(aider, tmp_path / ".aider.chat.history.md", data)


def test_the_conversation(home: list[Session]) -> None:
    session = next(s for s in home if s.id.startswith("2026-01-10-13-00-00-"))
    assert (session.title, session.workspace, session.created_at) == (None, None, None)
    assert session.native["started"] == "2026-01-10 13:00:00"
    assert said(session, "user") == ["Why is the total wrong?", "first line\nsecond line"]
    answers = [m for m in shown(session) if m["role"] == "assistant"]
    assert [(m["thinking"], m["model"]) for m in answers] == [
        (["Rounding, I guess."], "m-1"),
        (["Two lines."], "m-1"),
    ]
    assert answers[0]["content"] == (
        "It rounds too early:\n\n> a line that is quoted\n\n#### A heading of the answer\n\n# Another one"
    )
    assert answers[1]["content"] == "Both."
    assert universal(session)["metadata"]["total_tokens"] == {"input": 1900, "output": 219}


def test_what_the_program_says_is_no_answer(home: list[Session]) -> None:
    session = next(s for s in home if s.id.startswith("2026-01-10-15-00-00-"))
    assert said(session, "user") == ["fix\nit all"]
    assert said(session, "assistant") == []
    assert [part["text"] for _, part in parts(session, "error")] == ["litellm.BadRequestError: too many tokens"]


def test_a_start_without_a_prompt_is_no_session(home: list[Session]) -> None:
    assert sorted(s.native["started"][:13] for s in home) == ["2026-01-10 13", "2026-01-10 15", "2026-01-11 09"]


def test_the_parts_make_the_file(tmp_path: Path) -> None:
    data = SHOP.read_bytes()
    first, rest = data.split(b"# aider chat started at 2026-01-10 14")
    third = rest[rest.index(b"# aider chat") :]
    assert exported(read(tmp_path, data)) == first + third


@pytest.mark.parametrize(
    "text",
    [
        b"#### hi  \n\nanswer",
        b"#### hi  \r\n\r\nanswer\r\n> Tokens: 1 sent, 2 received.  \r\n",
        b"#### hi \xff  \n\nanswer \xfe\n\n",
        b"#### hi  \n\n" + b"long " * 30000 + b"\n",
        b"####\n\n\n\n####  \n<thinking-content-a1>\n\n</thinking-content-a1>\n",
        b"#### \xe2\x80\xa8 x  \n\n\x00\n\n#### \x0c  \n",
        b"#### same  \n\nsame\n\n#### same  \n\nsame\n",
    ],
)
def test_bytes_come_back(text: bytes, tmp_path: Path) -> None:
    assert exported(read(tmp_path, b"before\n" + HEADING + text)) == b"before\n" + HEADING + text


def test_ids_hold_while_a_chat_grows(tmp_path: Path) -> None:
    data = (HOME / "notes/.aider.chat.history.md").read_bytes()
    whole = read(tmp_path, data).sessions[0]
    known = {message.id: message for message in whole.messages}
    for count in range(data.index(b"Say hello  \n") + 12, len(data)):
        (session,) = read(tmp_path, data[:count]).sessions
        assert session.id == whole.id
        assert {message.id for message in session.messages} <= set(known)
        assert said(session, "user")[0] == "Say hello"


def test_the_same_chat_has_the_same_ids_in_another_project(tmp_path: Path) -> None:
    one = read(tmp_path / "one", SHOP.read_bytes())
    other = read(tmp_path / "other", b"\n# aider chat started at 2025-01-01 00:00:00\n\n#### x  \n" + SHOP.read_bytes())
    assert [s.id for s in other.sessions][1:] == [s.id for s in one.sessions]
    assert [[m.id for m in s.messages] for s in other.sessions][1:] == [
        [m.id for m in s.messages] for s in one.sessions
    ]


def test_places(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / ".aider.chat.history.md").write_bytes(HEADING)
    named = tmp_path / "named.md"
    named.write_bytes(HEADING)
    found = sources(aider, tmp_path, AIDER_CHAT_HISTORY_FILE=str(named))
    assert [source.path for source in found] == [named, tmp_path / "a" / "b" / ".aider.chat.history.md"]
    assert len(sources(aider, tmp_path, AIDER_CHAT_HISTORY_FILE="relative.md")) == 1


def without_empty_lines(text: str) -> str:
    return re.sub(r"\n+", "\n", text)


def test_a_real_file() -> None:
    """The expectation leaves empty lines out, has thoughts in the text, and takes a line of the program's (the rest of
    its command line) for an answer."""
    folder = SHARED / "realdata" / "aider-0.86.2"
    if not folder.exists():
        pytest.skip("no real data here")
    path = folder / "proj" / ".aider.chat.history.md"
    reading = aider.read(Source("aider", "k", path, ""))
    assert exported(reading) == path.read_bytes()
    expected = json.loads((folder / "EXPECT.json").read_bytes())
    assert len(reading.sessions) == len(expected)
    for entry, session in zip(expected, reading.sessions, strict=True):
        assert entry["id"] == f"aider:{session.native['started']}"
        assert said(session, "user") == entry["user"]
        texts = [
            re.sub(r"(?s)<thinking-content-(\w+)>.*</thinking-content-\1>\n", "", t) for t in entry["assistant_texts"]
        ]
        made = [without_empty_lines(text) for text in said(session, "assistant")]
        assert made == [text for text in texts if text != "line two #### not a header"]
        assert universal(session)["metadata"]["models"] == entry["models"]

"""`chasm export session`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chasm_git.errors import UsageError
from chasm_git.outputs.cli.exporting import placed
from chasm_git.providers import registry
from chasm_git.providers.base import Env, Source
from chasm_git.session.model import Session
from chasm_git.session.universal import universal
from tests.cli.calling import Program
from tests.conftest import Keep
from tests.session.test_conversation import MARKDOWN

ID = "5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11"


def test_to_standard_output(chasm: Program, example: Session) -> None:
    assert chasm("export", "session", ID, "--plain").out == MARKDOWN
    assert chasm("export", "session", ID, "--format", "json", "--plain").json == universal(example)
    assert chasm("export", "session", ID, "--json").json == universal(example)
    whole = chasm("export", "session", ID, "--format", "json").json
    assert set(whole) == {*universal(example), "chasm"} and {**whole, "chasm": 0} == {**universal(example), "chasm": 0}


def test_to_a_file_whose_name_says_the_format(chasm: Program, example: Session, tmp_path: Path) -> None:
    called = chasm("export", "session", ID, "--plain", "-o", str(tmp_path / "new" / "s.json"))
    assert (called.out, called.err) == ("", f"wrote {tmp_path / 'new' / 's.json'}\n")
    assert json.loads((tmp_path / "new" / "s.json").read_bytes()) == universal(example)
    chasm("export", "session", ID, "--plain", "-o", str(tmp_path / "s.md"))
    assert (tmp_path / "s.md").read_text() == MARKDOWN


def test_to_a_folder(chasm: Program, tmp_path: Path) -> None:
    called = chasm("export", "session", ID, "-o", f"{tmp_path / 'out'}/", "--json", "--format", "md", "--plain")
    written = tmp_path / "out" / f"{ID}.md"
    assert called.json == {
        "id": ID,
        "format": "md",
        "written": True,
        "files": [{"path": str(written), "bytes": len(MARKDOWN.encode())}],
        "sessions": [{"id": ID, "provider": "claude-code"}],
        "problems": [],
    }
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [written.name]


def test_nothing_is_written_over_unasked(chasm: Program, tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text("mine")
    assert "--force" in chasm("export", "session", ID, "-o", str(tmp_path / "mine.md"), expect=1).err
    assert (tmp_path / "mine.md").read_text() == "mine"
    chasm("export", "session", ID, "-o", str(tmp_path / "mine.md"), "--force", "--plain")
    assert (tmp_path / "mine.md").read_text() == MARKDOWN


def test_a_dry_run_writes_nothing(chasm: Program, tmp_path: Path) -> None:
    called = chasm("export", "session", ID, "-o", str(tmp_path / "s.md"), "--dry-run")
    assert called.err == f"would write {tmp_path / 's.md'}\n" and not (tmp_path / "s.md").exists()
    assert chasm("export", "session", ID, "--dry-run", expect=2).err.startswith("chasm: --dry-run needs a file")


def test_native_files_are_the_providers_own(keep: Keep, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "home" / ".claude" / "projects" / "-p" / f"{ID}.jsonl"
    source.parent.mkdir(parents=True)
    rows = [
        {
            "type": "user",
            "uuid": "u1",
            "parentUuid": None,
            "sessionId": ID,
            "cwd": "/p",
            "message": {"content": "Hi ü"},
        },
        {"type": "unknown", "x": ["\u2028", 1.0, {}]},
    ]
    source.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n{torn")
    provider = registry.load("claude-code")
    (found,) = provider.discover(Env(tmp_path / "home"))
    assert isinstance(found, Source)
    reading = provider.read(found)
    chasm = Program(keep(reading.sessions, reading.attachments), capsys)
    chasm("export", "session", ID, "--format", "native", "-o", str(tmp_path / "back.jsonl"))
    assert (tmp_path / "back.jsonl").read_bytes() == source.read_bytes()
    assert chasm("export", "session", ID, "--format", "native").out.encode() == source.read_bytes()


def test_an_unknown_provider_has_no_native_form(keep: Keep, capsys: pytest.CaptureFixture[str]) -> None:
    chasm = Program(keep([Session("s", "elsewhere")]), capsys)
    assert "elsewhere" in chasm("export", "session", "s", "--format", "native", expect=2).err
    assert chasm("export", "session", "s", "--json").json["provider"] == "elsewhere"


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "..\\x", "C:\\x", "\\\\host\\x"])
def test_no_file_leaves_its_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        placed({"main.jsonl": b"", name: b""}, tmp_path)


def test_several_files_keep_their_folders(tmp_path: Path) -> None:
    places = placed({"s.jsonl": b"1", "s/sub\\agent.jsonl": b"2"}, tmp_path)
    assert places == {tmp_path / "s.jsonl": b"1", tmp_path / "s" / "sub" / "agent.jsonl": b"2"}

"""Files that people hand in become a commit like any harvest."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from chasm_git import api
from chasm_git.errors import UsageError
from chasm_git.providers.reading import export_file
from tests.conftest import git

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.fixture
def archive(tmp_path: Path) -> api.Archive:
    return api.make_archive(tmp_path / "archive")


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in files.items():
            target.writestr(name, data)
    return path


def export_of(name: str, file: str = "conversations.json") -> bytes:
    return (FIXTURES / name / "export" / file).read_bytes()


def reasons(report: api.Report) -> list[str]:
    return [problem.reason for problem in report.problems if problem.fatal]


def conversation(key: str, *texts: str) -> Any:
    rows = [{"uuid": f"{key}-{n}", "sender": "human", "text": text} for n, text in enumerate(texts)]
    return {"uuid": key, "name": key, "created_at": "2026-01-01T00:00:00Z", "chat_messages": rows}


def write(path: Path, *conversations: Any) -> Path:
    path.write_text(json.dumps(conversations))
    return path


def test_one_commit_and_then_none(archive: api.Archive, tmp_path: Path) -> None:
    path = zipped(tmp_path / "mail.zip", {"a/conversations.json": export_of("chatgpt"), "a/user.json": b'{"id": 1}'})
    report = archive.import_files([path], message="the mail of January")
    assert (len(report.results), report.problems, report.read) == (2, [], 1)
    assert git(archive.path, "log", "-1", "--format=%s") == "the mail of January\n"
    assert git(archive.path, "status", "--porcelain") == ""
    again = archive.import_files([path])
    assert again.commit is None and again.results == []
    assert git(archive.path, "rev-parse", "HEAD").strip() == report.commit


def test_a_dry_run_writes_nothing(archive: api.Archive) -> None:
    before = git(archive.path, "count-objects", "-v")
    report = archive.import_files([FIXTURES / "claude-ai"], dry_run=True)
    assert len(report.results) == 3 and report.commit is None
    assert git(archive.path, "count-objects", "-v") == before and archive.session_files() == {}


def test_a_later_export_adds_and_never_removes(archive: api.Archive, tmp_path: Path) -> None:
    archive.import_files([write(tmp_path / "one.json", conversation("a", "one", "two"), conversation("b", "gone"))])
    report = archive.import_files([write(tmp_path / "two.json", conversation("a", "one", "two", "three"))])
    assert [(result.id, result.added) for result in report.results] == [("a", 1)]
    old = archive.import_files([tmp_path / "one.json"])
    assert all(result.added == 0 for result in old.results)
    session = archive.session(archive.find("a"))
    assert [message.content for message in session.messages] == ["one", "two", "three"]
    assert archive.find("b")


def test_what_a_person_changed_in_the_archive_stays(archive: api.Archive, tmp_path: Path) -> None:
    path = write(tmp_path / "one.json", conversation("a", "one"))
    archive.import_files([path])
    file = archive.path / archive.find("a").path
    file.write_text(file.read_text().replace("title: a", "title: my title"))
    git(archive.path, "commit", "-qam", "a better title")
    archive.import_files([write(path, conversation("a", "one", "two"))])
    assert archive.session(archive.find("a")).title == "my title"


def test_conversations_that_come_twice_are_one(archive: api.Archive, tmp_path: Path) -> None:
    pieces = {
        "conversations.json": json.dumps([conversation("a", "one")]).encode(),
        "conversations-000.json": json.dumps([conversation("a", "one", "two"), conversation("b", "x")]).encode(),
    }
    report = archive.import_files([zipped(tmp_path / "mail.zip", pieces)])
    assert sorted((result.id, result.messages) for result in report.results) == [("a", 2), ("b", 1)]
    assert len(archive.session_files()) == 2


def test_folders_and_zips_in_them(archive: api.Archive, tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    shutil.copytree(FIXTURES / "claude-ai", folder / "claude")
    zipped(folder / "chatgpt.zip", {"conversations.json": export_of("chatgpt")})
    (folder / "__MACOSX").mkdir()
    (folder / "__MACOSX" / "._conversations.json").write_bytes(b"{")
    report = archive.import_files([folder])
    assert report.problems == [] and {result.provider for result in report.results} == {"chatgpt", "claude-ai"}


def test_a_damaged_export_gives_what_it_can(archive: api.Archive, tmp_path: Path) -> None:
    path = tmp_path / "torn.json"
    path.write_bytes(export_of("claude-ai")[:-200])
    report = archive.import_files([path])
    assert len(report.results) == 1 and reasons(report) == ["conversation 2: the file ends in the middle of it"]
    assert report.commit is not None


def test_zips_that_are_traps(archive: api.Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as nested:
        nested.writestr("conversations.json", export_of("chatgpt"))
    monkeypatch.setattr(export_file, "_LARGE", 100_000)
    files = {
        "../../../escape.json": json.dumps([conversation("dots", "hello")]).encode(),
        "/etc/absolute.json": json.dumps([conversation("root", "hello")]).encode(),
        "bomb.json": b"[" + b" " * 10_000_000 + b"]",
        "inner.zip": inner.getvalue(),
    }
    report = archive.import_files([zipped(tmp_path / "trap.zip", files)])
    assert sorted(result.id for result in report.results) == ["dots", "root"]
    named = [problem.path.rpartition("!")[2] for problem in report.problems]
    assert sorted(named) == ["bomb.json", "inner.zip"]
    assert not (tmp_path / "escape.json").exists() and not Path("/etc/absolute.json").exists()


def test_zips_that_are_too_much_or_broken(
    archive: api.Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path / "mail.zip", {"conversations.json": export_of("chatgpt") * 3})
    monkeypatch.setattr(export_file, "MOST_BYTES", 1000)
    assert "more than is read" in reasons(archive.import_files([path]))[0]
    monkeypatch.undo()
    data = bytearray(path.read_bytes())
    data[200:260] = b"\0" * 60
    path.write_bytes(data)
    assert "cannot be read" in reasons(archive.import_files([path]))[0]
    path.write_bytes(data[:-100])
    assert archive.import_files([path]).results == []
    assert reasons(archive.import_files([path]))


def test_what_nobody_knows_is_an_error_that_says_what_was_tried(archive: api.Archive, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('{"weather": "fine"}')
    (reason,) = reasons(archive.import_files([path]))
    assert "chatgpt, claude-ai" in reason
    path.write_text("just text")
    assert len(reasons(archive.import_files([path]))) == 1
    empty = tmp_path / "empty"
    empty.mkdir()
    assert len(reasons(archive.import_files([empty]))) == 1
    with pytest.raises(UsageError, match="no file or folder"):
        archive.import_files([tmp_path / "nowhere"])
    with pytest.raises(UsageError, match="chatgpt"):
        archive.import_files([path], provider="codex")


def test_the_archive_is_whole_afterwards(archive: api.Archive) -> None:
    archive.import_files([FIXTURES / "chatgpt", FIXTURES / "claude-ai"])
    assert git(archive.path, "fsck", "--strict", "--full") == ""
    found = archive.find("6a1f4c2e-0000-4000-8000-00000000aaaa")
    original = json.loads(export_of("chatgpt"))[0]
    assert json.loads(archive.native_files(found)["conversation.json"]) == original

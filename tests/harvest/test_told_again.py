"""A client's second store: what the archive has from the first is not taken again, nor what was forgotten there."""

import json

import pytest

from chasm_git.archive.erasing import forget
from chasm_git.archive.repo import init_archive, open_archive
from chasm_git.harvest.run import harvest
from chasm_git.providers.base import Env
from chasm_git.session import codec

ONE = "c0b00000-0000-4000-8000-000000000001"
TWO = "c0b00000-0000-4000-8000-000000000002"


@pytest.fixture
def storage(tmp_path):
    place = tmp_path / "home/.config/Code/User/workspaceStorage/00a1"
    for folder in ("chatSessions", "GitHub.copilot-chat/transcripts"):
        (place / folder).mkdir(parents=True)
    return place


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "archive"
    init_archive(path)
    return path


def in_editor(storage, session, text):
    request = {"requestId": "r", "timestamp": 1770717600000, "message": {"text": text, "parts": []}, "response": []}
    value = {"version": 3, "sessionId": session, "creationDate": 1770717600000, "requests": [request]}
    path = storage / "chatSessions" / f"{session}.json"
    path.write_text(json.dumps(value))
    return path


def in_transcript(storage, session, *texts):
    path = storage / "GitHub.copilot-chat/transcripts" / f"{session}.jsonl"
    rows = [{"type": "user.message", "data": {"content": text}, "id": f"{session}-{text}"} for text in texts]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def run(archive, storage):
    home = storage.parents[4]
    with open_archive(archive) as opened:
        report = harvest(opened, Env(home), "laptop")
        assert [problem for problem in report.problems if problem.fatal] == []
        files = opened.files(opened.head(), "sessions")
        sessions = [codec.loads(opened.read(blob)) for blob in files.values()]
    return {(one.provider, one.id): [m.content for m in one.messages if m.role == "user"] for one in sessions}


def test_what_the_editor_deleted_is_not_taken_from_the_transcript(archive, storage):
    path = in_editor(storage, ONE, "hello")
    in_transcript(storage, ONE, "hello")
    in_transcript(storage, TWO, "alone")
    expected = {("vscode", ONE): ["hello"], ("copilot-chat", TWO): ["alone"]}
    assert run(archive, storage) == expected
    path.unlink()
    assert run(archive, storage) == expected
    in_transcript(storage, ONE, "hello", "again")
    in_transcript(storage, TWO, "alone", "and on")
    assert run(archive, storage) == expected | {("copilot-chat", TWO): ["alone", "and on"]}


def test_what_was_forgotten_does_not_come_back_by_the_transcript(archive, storage):
    path = in_editor(storage, ONE, "a secret")
    in_transcript(storage, ONE, "a secret")
    run(archive, storage)
    with open_archive(archive) as opened:
        forget.forget(opened, ONE)
    path.unlink()
    assert run(archive, storage) == {("vscode", ONE): [""]}  # a tombstone

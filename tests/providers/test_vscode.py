"""The VS Code reader against files of every version, its own and a real client's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chasm_git.providers import registry
from chasm_git.providers.base import Source
from chasm_git.providers.formats.vscode_log import replay
from chasm_git.providers.vscode import VSCode
from chasm_git.session import attachments, codec
from chasm_git.session.model import Session
from chasm_git.session.order import ordered
from chasm_git.session.universal import universal
from tests.providers.vscode_case import (
    FIXTURES,
    SHARED,
    exported,
    files,
    harvest,
    kinds,
    loaded,
    off,
    only,
    read,
    same,
    shown,
)


@pytest.mark.parametrize(
    "path", files(), ids=lambda path: f"{path.parent.parent.parent.name[:6]}-{path.name[4:8]}{path.suffix}"
)
def test_the_object_comes_back(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    reading = read(tmp_path, **{"log" if path.suffix == ".jsonl" else "flat": data}, stem=path.stem)
    kept = replay(data).state if path.suffix == ".jsonl" else loaded(data)
    if kept is None or not (kept.get("requests") or reading.sessions):
        return
    assert same(exported(reading), kept)
    assert [*VSCode().export(only(reading), reading.attachments.__getitem__)] == [f"{kept['sessionId']}.json"]


@pytest.mark.parametrize(
    "path", files(), ids=lambda path: f"{path.parent.parent.parent.name[:6]}-{path.name[4:8]}{path.suffix}"
)
def test_a_file_gives_a_good_session(path: Path) -> None:
    source = Source("vscode", "key", path, "")
    one, other = VSCode().read(source), VSCode().read(source)
    assert one.sessions == other.sessions
    for session in one.sessions:
        data = codec.dumps(session)
        assert codec.dumps(codec.loads(data)) == data
        assert len({message.id for message in session.messages}) == len(session.messages)
        assert list(ordered(session.messages)) == session.messages
        names = attachments.names_in([m.native for m in session.messages]) | attachments.names_in(
            [m.content for m in session.messages]
        )
        assert names <= set(one.attachments)
        assert str(path) not in data.decode()
        universal(session, one.attachments.__getitem__)


def test_every_fixture_is_read() -> None:
    assert {case.name: len(harvest(case)) for case in sorted((FIXTURES / "vscode").iterdir())} == {
        "agent": 1,
        "flat": 3,
        "log": 8,
        "results": 1,
        "twins": 3,
    }


def test_sessions_of_a_real_client(tmp_path: Path) -> None:
    place = SHARED / "fixtures" / "editors" / "vscode" / "code-server-1.139.1-written"
    if not place.is_dir():
        pytest.skip("no data of real clients beside the checkout")
    folder = tmp_path / ".local/share/code-server/User/workspaceStorage/-4f00e" / "chatSessions"
    shutil.copytree(place, folder)
    (folder / "itemtable_keys_dump.json").unlink()
    found = harvest(tmp_path)
    assert {key[7]: (s.title, shown(s), len(off(s))) for key, s in found.items()} == {
        "1": ("T1 flat msgstring respobj", ["q one", "ans one"], 0),
        "2": ("T2 flat msgobj respstring", ["q two", "ans two plain"], 0),
        "3": ("T3 flat normal", ["q three", "ans three"], 0),
        "4": ("T4 bare request", ["q four", "ans four"], 0),
        "5": (None, ["q five", "ans five"], 0),
        "6": ("T6 cancelled empty", ["q six", ""], 0),
        "7": ("T7 flat both strings", ["q seven", "ans seven plain"], 0),
        "8": ("T8 no vars empty parts", ["q eight", "ans eight"], 0),
    }
    assert found["00000006-0000-4000-8000-000000000006"].messages[1].status == "interrupted"


def test_it_is_registered() -> None:
    assert isinstance(registry.load("vscode"), VSCode)


def test_the_demo() -> None:
    session: Session = harvest(FIXTURES / "demo" / "vscode")["2f6b1c3e-7a45-4d2b-9c1f-5e8d0a4b7c96"]
    assert (session.workspace, session.created_at) == ("/home/ana/shop", "2026-01-10T10:00:00.000Z")
    assert [message.role for message in session.messages] == ["user", "assistant"] * 2
    assert kinds(session.messages[1]) == ["tool_call", "tool_result", "text"]
    assert not any(message.status for message in session.messages)

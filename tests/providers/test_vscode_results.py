"""Results that were too long for the model, of chats that the editor has files of: the session has them whole."""

from __future__ import annotations

import shutil
from pathlib import Path

from chasm_git.providers.base import Env, Source
from chasm_git.providers.vscode import VSCode
from chasm_git.session import codec
from chasm_git.session.merge import absorb
from tests.providers.reading import FIXTURES, parts, shown

vscode = VSCode()
HOME = FIXTURES / "vscode" / "results"
STORAGE = ".config/Code/User/workspaceStorage/0b6f3a9c1d2e4f58a7c6b5d4e3f20119"
SESSION = "5e550021-0000-4000-8000-000000000021"
NAME = f"chat-session-resources/{SESSION}/call_1__vscode-1770714000123/content.txt"


def source_of(home: Path) -> Source:
    (found,) = vscode.discover(Env(home))
    assert isinstance(found, Source)
    return found


def test_the_whole_result_is_in_the_session_once() -> None:
    data = (HOME / STORAGE / "GitHub.copilot-chat" / NAME).read_bytes()
    reading = vscode.read(source_of(HOME))
    (session,) = reading.sessions
    results = [(message.file, part["id"], part["content"]) for message, part in parts(session, "tool_result")]
    assert [key for _, key, _ in results] == ["call_1", "call_1"]
    assert results[0][2].startswith("Large tool result") and results[1] == (NAME, "call_1", data.decode())
    assert codec.dumps(session).count(b"test_39 PASSED") == 1
    (call,) = (call for message in shown(session) for call in message["tool_calls"])
    assert call["result"].startswith("Large tool result")
    files = vscode.export(codec.loads(codec.dumps(session)), reading.attachments.__getitem__)
    assert list(files) == [f"{SESSION}.json", f"GitHub.copilot-chat/{NAME}"]
    assert files[f"GitHub.copilot-chat/{NAME}"] == data


def test_it_stays_when_the_extension_has_cleaned_up(tmp_path: Path) -> None:
    shutil.copytree(HOME, tmp_path, dirs_exist_ok=True)
    before = source_of(tmp_path)
    early = codec.dumps(vscode.read(before).sessions[0])
    shutil.rmtree(tmp_path / STORAGE / "GitHub.copilot-chat")
    after = source_of(tmp_path)
    assert (after.key, after.stamp != before.stamp, after.extra) == (before.key, True, None)
    late = codec.dumps(vscode.read(after).sessions[0])
    assert codec.loads(absorb(early, early, late).data).messages == codec.loads(early).messages


def test_what_is_no_text_is_kept(tmp_path: Path) -> None:
    shutil.copytree(HOME, tmp_path, dirs_exist_ok=True)
    place = tmp_path / STORAGE / "GitHub.copilot-chat" / NAME
    place.write_bytes(b"\xff\x00\n")
    reading = vscode.read(source_of(tmp_path))
    (session,) = reading.sessions
    assert [message.role for message in session.messages][-1] == "event"
    assert vscode.export(session, reading.attachments.__getitem__)[f"GitHub.copilot-chat/{NAME}"] == b"\xff\x00\n"

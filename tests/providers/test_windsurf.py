"""The Windsurf reader: what is encrypted is kept and said; chats of the first versions are read."""

from __future__ import annotations

import json
from pathlib import Path

from chasm_git.providers.windsurf import Windsurf
from chasm_git.session import codec
from tests.providers.reading import FIXTURES, harvest, said, sources
from tests.providers.test_cursor import database

windsurf = Windsurf()
CHATS = {"tabs": [{"tabId": "t1", "chatTitle": "Oldest", "bubbles": [{"type": "user", "id": "q1", "text": "hi"}]}]}


def test_what_is_encrypted_is_kept() -> None:
    (source,) = sources(windsurf, FIXTURES / "windsurf" / "cascade")
    reading = windsurf.read(source)
    (session,) = reading.sessions
    assert (session.id, session.messages) == (source.path.stem, [])
    assert [problem.fatal for problem in reading.problems] == [False]
    again = codec.loads(codec.dumps(session))
    assert windsurf.export(again, reading.attachments.__getitem__) == {source.path.name: source.path.read_bytes()}


def test_chats_of_the_first_versions(tmp_path: Path) -> None:
    for number, key in enumerate(("workbench.panel.aichat.view.aichat.chatdata", "aiChat.chatdata")):
        folder = tmp_path / ".config" / "Windsurf" / "User" / "workspaceStorage" / f"0{number}"
        chats = {"tabs": [CHATS["tabs"][0] | {"tabId": f"t{number}"}]}
        database(folder / "state.vscdb", {"ItemTable": {key: chats}})
        (folder / "workspace.json").write_text('{"folder":"file:///home/ana/shop"}')
    found = harvest(windsurf, tmp_path)
    assert sorted(found) == ["t0", "t1"]
    for key, session in found.items():
        assert (session.provider, session.title, session.workspace) == ("windsurf", "Oldest", "/home/ana/shop")
        assert said(session, "user") == ["hi"]
        (data,) = windsurf.export(session, dict[str, bytes]().__getitem__).values()
        assert json.loads(data) == CHATS["tabs"][0] | {"tabId": key}

"""`chasm merge sessions`, `workspace`, `path`, `all`."""

from __future__ import annotations

from pathlib import Path

import pytest

from chasm_git.session import codec
from chasm_git.session.model import Message, Session
from tests.cli.calling import Program
from tests.conftest import Keep, git


@pytest.fixture
def shop(keep: Keep, capsys: pytest.CaptureFixture[str]) -> Program:
    made = []
    for number, name in enumerate(("aaa", "bbb", "ccc")):
        time = f"2026-01-0{number + 1}T12:00:00.000Z"
        place = "/srv/other" if name == "ccc" else "/home/ana/shop"
        made.append(
            Session(name, "p", workspace=place, tags=[name], messages=[Message(f"m{name}", "user", time, name)])
        )
    return Program(keep(made), capsys)


def test_some_sessions(shop: Program) -> None:
    called = shop("merge", "sessions", "bbb", "aaa", "--json").json
    assert (called["new"], called["records"], len(called["sources"])) == (True, 2, 2)
    shown = shop("show", "session", called["id"], "--json").json
    assert [message["content"] for message in shown["messages"]] == ["aaa", "bbb"]
    assert (shown["workspace"], shown["tags"], shown["provider"]) == ("/home/ana/shop", ["aaa", "bbb"], "merged")
    assert "nothing new" in shop("merge", "sessions", "aaa", "bbb").out
    assert shop("git", "verify", "--full").code == 0
    assert len(shop("list", "sessions", "--json").json) == 4


def test_merging_again_after_one_grew(shop: Program) -> None:
    first = shop("merge", "sessions", "aaa", "bbb", "--title", "Both", "--json").json
    path = next(shop.archive.rglob("aaa.yaml"))
    session = codec.loads(path.read_bytes())
    session.messages.append(Message("more", "user", "2026-03-01T00:00:00.000Z", "more", after="maaa"))
    path.write_bytes(codec.dumps(session))
    git(shop.archive, "commit", "-qam", "grew")
    again = shop("merge", "sessions", "aaa", "bbb", "--json").json
    assert (again["id"], again["title"], again["new"], again["records"]) == (first["id"], "Both", False, 3)


def test_of_a_workspace_a_folder_and_everything(shop: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    by_workspace = shop("merge", "workspace", "SHOP", "--json").json
    by_path = shop("merge", "path", "/home/ana", "--json").json
    assert by_workspace["id"] == by_path["id"] and by_path["commit"] is None
    everything = shop("merge", "all", "--json").json
    assert sorted(one["id"] for one in everything["sources"]) == ["aaa", "bbb", "ccc"]
    monkeypatch.chdir(tmp_path)
    assert "no session was held in" in shop("merge", "path", expect=1).err
    assert "takes two sessions" in shop("merge", "sessions", "aaa", "aaa", expect=2).err


def test_a_dry_run_writes_nothing(shop: Program) -> None:
    before = git(shop.archive, "rev-parse", "HEAD")
    assert "would merge 3 sessions" in shop("merge", "all", "--dry-run").out
    assert git(shop.archive, "rev-parse", "HEAD") == before

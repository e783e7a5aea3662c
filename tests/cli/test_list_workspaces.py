"""`chasm list workspaces`."""

from __future__ import annotations

from chasm_git.session.model import Message, Session
from tests.cli.calling import Program
from tests.conftest import Keep


def test_workspaces(chasm: Program, keep: Keep) -> None:
    def held(name: str, provider: str, workspace: str | None, at: str) -> Session:
        return Session(name, provider, workspace=workspace, created_at=at, messages=[Message("m", "user", at, "x")])

    keep(
        [
            held("a", "codex", "/home/ana/shop", "2026-01-07T00:00:00.000Z"),
            held("b", "codex", None, "2026-01-01T00:00:00.000Z"),
            held("c", "codex", "/home/ana/late", "2026-02-01T00:00:00.000Z"),
        ]
    )
    listed = chasm("list", "workspaces", "--json").json
    assert [one["workspace"] for one in listed] == ["/home/ana/late", "/home/ana/shop", None]
    assert listed[1] == {
        "workspace": "/home/ana/shop",
        "sessions": 2,
        "messages": 4,
        "providers": ["claude-code", "codex"],
        "created_at": "2026-01-07T00:00:00.000Z",
        "updated_at": "2026-01-08T12:00:12.000Z",
    }
    assert [one["sessions"] for one in chasm("list", "workspaces", "--json", "--provider", "codex").json] == [1, 1, 1]
    plain = chasm("list", "workspaces", "-n", "2").out.splitlines()
    assert [line.split()[0] for line in plain] == ["workspace", "/home/ana/late", "/home/ana/shop"]
    assert chasm("list", "workspaces", "--tag", "none").err == "no workspace matches\n"

"""`chasm cache status` and `chasm cache rebuild`."""

from __future__ import annotations

from pathlib import Path

from tests.cli.calling import Program
from tests.conftest import Keep


def test_from_missing_to_current_to_behind(chasm: Program, keep: Keep) -> None:
    def state() -> str:
        return str(chasm("cache", "status", "--json").json["state"])

    assert state() == "missing"
    assert "not made yet" in chasm("cache", "status").out
    made = chasm("cache", "rebuild", "--json").json
    assert (made["state"], made["sessions"], made["unread"]) == ("current", 1, 0)
    assert "holds the latest commit" in chasm("cache", "status").out
    keep(files={"sessions/codex/2026/01/broken.yaml": b"no: [session\n"})
    assert state() == "behind"
    assert "1 session files could not be read" in chasm("cache", "rebuild").out
    Path(made["path"]).write_bytes(b"x" * 9000)
    assert state() == "unusable"

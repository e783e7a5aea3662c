"""`chasm cache rebuild`."""

from __future__ import annotations

from pathlib import Path

from tests.cli.calling import Program


def test_a_cache_nobody_can_write_is_a_plain_error(chasm: Program) -> None:
    place = Path(chasm("cache", "status", "--json").json["path"])
    place.mkdir(parents=True)
    called = chasm("cache", "rebuild", expect=1)
    assert "cache.sqlite3" in called.err or "cannot be made" in called.err
    place.rmdir()
    assert "holds the latest commit" in chasm("cache", "rebuild").out

"""The Kilo Code reader: the extension's tasks, and those of its first terminal agent."""

from __future__ import annotations

from chasm_git.providers.kilo_code import KiloCode
from tests.providers.reading import FIXTURES, harvest, said


def test_tasks_of_both_clients() -> None:
    found = harvest(KiloCode(), FIXTURES / "kilo-code" / "tasks")
    assert sorted(found) == [f"019ba7e5-1111-7000-8000-00000000000{n}" for n in (1, 2)]
    for session in found.values():
        assert (session.provider, session.workspace) == ("kilo-code", "/home/ana/paint")
        assert (said(session, "user"), said(session, "assistant")) == (["Name three colours"], ["Red, green, blue."])

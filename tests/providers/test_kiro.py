"""The Kiro reader: sessions, and what their folder's list and name say of them."""

from __future__ import annotations

from chasm_git.providers.kiro import Kiro
from tests.providers.reading import FIXTURES, harvest, said

A, B = (f"k1000000-0000-4000-8000-00000000000{n}" for n in (1, 2))


def test_sessions() -> None:
    found = harvest(Kiro(), FIXTURES / "kiro" / "sessions")
    assert sorted(found) == [A, B]
    first, second = found[A], found[B]
    assert (first.title, first.workspace, first.created_at) == (
        "The cart's total",
        "/home/ana/shop",
        "2026-01-10T12:00:00.000Z",
    )
    assert said(first, "user") + said(first, "assistant") == ["Why is the total wrong?", "`cart.py` rounds too early."]
    assert [(m.id, m.model) for m in first.messages] == [("m1", None), ("m2", "claude-sonnet-4.5")]
    assert (second.title, second.workspace) == (None, "/home/ana/shop")
    assert said(second, "assistant") == ["Red, green, blue."]

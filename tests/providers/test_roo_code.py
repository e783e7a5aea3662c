"""The Roo Code reader: times, summaries, thoughts and the task's own record."""

from __future__ import annotations

from chasm_git.providers.roo_code import RooCode
from chasm_git.session.universal import universal
from tests.providers.reading import FIXTURES, harvest, said, shown

TASK = "019ba7e5-0000-7000-8000-000000000001"


def test_a_task() -> None:
    session = harvest(RooCode(), FIXTURES / "roo-code" / "tasks")[TASK]
    assert (session.workspace, session.parent) == ("/home/ana/shop", "019ba7e5-0000-7000-8000-000000000000")
    assert session.created_at == "2026-01-10T12:00:00.000Z"
    assert said(session, "user") == ["Why is the total wrong?", "of no list"]
    assert said(session, "assistant") == ["Let me look.", "Rounding now comes last."]
    assert [thought for m in shown(session) for thought in m["thinking"]] == ["Rounding, I guess."]
    assert [m["content"][:23] for m in shown(session) if m.get("injected")] == ["## Conversation Summary"]
    (call,) = [call for m in shown(session) for call in m["tool_calls"]]
    assert call["result"] == "12:    return round(total)\n"
    assert universal(session)["metadata"]["total_tokens"] == {"input": 900, "output": 40}
    times = [m.timestamp for m in session.messages if m.timestamp is not None]
    assert times == sorted(times)

"""Whatever was said in a session, every writer writes it so that its provider's reader finds it all."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chasm_git.providers.writing import contract
from chasm_git.providers.writing.converting import CALL, IMAGE, TEXT, THINKING, conversation
from chasm_git.session.model import Message, Session
from tests.providers import writing_case as case
from tests.providers.writing_case import Kept

ODD = [
    "#### no prompt\n> and no program",
    "# aider chat started at 2026-01-01 00:00:00",
    "<system-reminder>typed</system-reminder>",
    "<environment_context>typed</environment_context>",
    "This session is being continued from a previous conversation that ran out of context",
    "<task>do it</task>",
    "<session_context>",
    "Warmup",
    " \ttrailing  \r\nlines  \n\n\n> quoted  ",
    "\x00\x1b[31m\ud800 half",
    "[read_file for 'a.py'] Result:\nnothing",
    "x" * 70_000,
]
texts = st.one_of(st.sampled_from(ODD), st.text(min_size=1, max_size=30))
keys = st.one_of(st.sampled_from(["c1", "c2", "", "a b", "toolu_01"]), st.none())
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**60) | texts, lambda v: st.lists(v, max_size=2), max_leaves=3
)
arguments = st.one_of(st.dictionaries(st.text(max_size=5), values, max_size=3), texts, st.none())
said = st.builds(lambda text: {"type": "text", "text": text}, texts)
thoughts = st.builds(lambda text: {"type": "thinking", "text": text}, texts)
calls = st.builds(
    lambda key, value: {"type": "tool_call", "id": key, "name": "run", "arguments": value}, keys, arguments
)
results = st.builds(
    lambda key, text, bad: {"type": "tool_result", "id": key, "content": text, **({"is_error": True} if bad else {})},
    keys,
    texts,
    st.booleans(),
)
pictures = st.just({"type": "image", "media_type": "image/png", "data": "iVBORw0KGgo="})
times = st.one_of(st.none(), st.sampled_from(["2026-01-08T12:00:00.000Z", "1969-12-31T23:59:59.999Z"]))


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    """A session that begins with a plain prompt (else it may be none to a reader); anything may follow."""
    messages = [Message("m0", "user", draw(times), "Hello")]
    for number in range(draw(st.integers(0, 6))):
        role = draw(st.sampled_from(["user", "assistant", "assistant", "tool"]))
        parts = {"user": said | pictures, "assistant": said | thoughts | calls, "tool": results}[role]
        turn = draw(st.sampled_from([None, "t1", "t2"])) if role == "assistant" else None
        content = draw(st.lists(parts, max_size=3))
        messages.append(Message(f"m{number + 1}", role, draw(times), content, messages[-1].id, turn=turn))
    return Session("s", "somewhere", draw(st.none() | texts), "/w", messages[0].timestamp, messages=messages)


@pytest.mark.parametrize("into", ["claude-code", "codex", "gemini-cli", "continue", "opencode", "cline", "aider"])
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(session=sessions())
def test_it_is_found_again(into: str, session: Session) -> None:
    with tempfile.TemporaryDirectory() as folder:
        env = case.home_for(into, Path(folder))
        plan = case.plan(into, Kept(session, {}, Path("/"), Path("/")), env, folder=str(env.home / "project"))
        if plan.refused is not None:
            told_apart = into == "aider" and "told apart" in plan.refused
            assert told_apart or "nobody" in plan.refused
            return
        contract.load(into).write(plan, backup=Path(folder) / "kept")  # compares


@settings(max_examples=60)
@given(session=sessions())
def test_what_is_not_carried_is_counted(session: Session) -> None:
    """Every part is either in the conversation or among what is left out."""
    made = conversation(session, {}.__getitem__)
    made.carried(TEXT, THINKING, CALL, IMAGE)
    parts = [part for message in session.messages for part in message.parts()]
    kinds = [part["type"] for part in parts]
    turns = made.turns
    assert sum(len(turn.calls()) for turn in turns) == kinds.count("tool_call")
    assert sum(len(turn.images()) for turn in turns) == kinds.count("image")
    answered = sum(call.result is not None for turn in turns for call in turn.calls())
    assert answered + made.left_out["tool results without a call"] == kinds.count("tool_result")
    names = [call.id for turn in turns for call in turn.calls()]
    assert len(set(names)) == len(names)

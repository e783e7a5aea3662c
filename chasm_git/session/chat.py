"""A session as records that chat models are tuned on: ``{"messages": [{"role", "content", "tool_calls"}, …]}``.

The shape OpenAI's interfaces take, and most tools with them. What nobody would train on is left out: injected context,
sub-agents, abandoned branches, reasoning, answers that failed.
"""

from __future__ import annotations

from typing import Any

from chasm_git.session import jsonio
from chasm_git.session.model import Json

_LEFT_OUT = ("injected", "sidechain", "inactive")


def as_chat(shown: dict[str, Json]) -> dict[str, Json] | None:
    """The record of a session in its universal form; None where no model answers in it."""
    messages: list[dict[str, Any]] = []
    for message in shown["messages"]:
        if any(message.get(flag) for flag in _LEFT_OUT) or message.get("status") == "failed":
            continue
        if message["role"] in ("user", "system"):
            if message["content"]:
                messages.append({"role": message["role"], "content": message["content"]})
        elif message["role"] == "assistant" and (message["content"] or message["tool_calls"]):
            messages += _answer(message)
    if not any(message["role"] == "assistant" for message in messages):
        return None
    return {"messages": messages}


def _answer(message: dict[str, Json]) -> list[dict[str, Any]]:
    answer: dict[str, Any] = {"role": "assistant", "content": message["content"]}
    results = []
    calls = []
    for number, call in enumerate(message["tool_calls"]):
        identity = call["id"] if isinstance(call["id"], str) else f"{message['id']}-{number}"
        arguments = call["arguments"]
        text = arguments if isinstance(arguments, str) else jsonio.dumps(arguments if arguments is not None else {})
        function = {"name": call["name"] or "tool", "arguments": text if isinstance(text, str) else text.decode()}
        calls.append({"id": identity, "type": "function", "function": function})
        if call["result"] is not None:
            results.append({"role": "tool", "tool_call_id": identity, "content": call["result"]})
    if calls:
        answer["tool_calls"] = calls
    return [answer, *results]

"""From the rows of a Kimi Code wire log to messages.

Most texts stand in it several times: as the input of a turn, as what the context was extended by, as what the screen
was told. The conversation is made of the second; the others are kept as events. What a row becomes depends on the rows
above it only; `Wire._undo` is the exception.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chasm_git.providers.reading.openai_chat import calls_of, image_of
from chasm_git.providers.reading.transcript import Transcript
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, text, tokens
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso

_STEP_STATES = {"interrupted": "interrupted", "error": "failed"}


class Wire(Transcript):
    """The rows of one agent's ``wire.jsonl``."""

    def __init__(self, path: Path, session: Session) -> None:
        super().__init__(path, session)
        self._model: str | None = None
        self._steps: set[str] = set()
        """Model answers that said something."""
        self._prompts: list[int] = []
        """Positions of the prompts that can be undone."""

    def take(self, record: dict[str, Any], line: bytes | None) -> None:
        """Add what a row says."""
        read = _READERS.get(kind) if type(kind := record.get("type")) is str else None
        fields = read(self, record) if read is not None else {}
        made = self.keep(
            record,
            line,
            fields.pop("role", "event"),
            fields.pop("content", ""),
            time=iso(record.get("time", record.get("created_at"))),
            **fields,
        )
        if made.role == "assistant" and made.turn is not None:
            self._steps.add(made.turn)

    # --- what each type of row says: the fields of its message ---

    def _message(self, record: dict[str, Any]) -> dict[str, Any]:
        """What the context was extended by, other than by the model."""
        message = as_dict(record.get("message"))
        role, origin = message.get("role"), as_dict(message.get("origin"))
        content = _content(message.get("content"))
        fields: dict[str, Any] = {"id": identity(message.get("id")), "content": content}
        if role == "user":
            fields["role"] = "user"
            kind = origin.get("kind", "user")
            if kind == "user" or (kind == "system_trigger" and origin.get("name") == "subagent"):
                self._prompts.append(len(self.builder.messages))
            else:
                fields["injected"] = True
        elif role == "assistant":
            parts = [{"type": "text", "text": content}] if type(content) is str and content else as_list(content)
            calls, texts = calls_of(message.get("toolCalls"), len(parts))
            fields |= {"role": "assistant", "content": plain([*parts, *calls]), "json_texts": texts}
        elif role == "tool":
            fields |= {"role": "tool", "content": [_result(message.get("toolCallId"), content)]}
        elif role == "system":
            fields |= {"role": "system", "injected": True}
        else:
            fields["content"] = ""
        return fields

    def _loop(self, record: dict[str, Any]) -> dict[str, Any]:
        """A piece of a model answer, or what a tool gave back."""
        event = as_dict(record.get("event"))
        kind = event.get("type")
        if kind == "content.part":
            part = _part(event.get("part"))
            return self._answer(event, plain([part] if part is not None else []))
        if kind == "tool.call":
            call: Part = {"type": "tool_call"}
            call.update(
                (ours, value)
                for ours, theirs in (("id", "toolCallId"), ("name", "name"))
                if type(value := event.get(theirs)) is str
            )
            return self._answer(event, [call | {"arguments": event.get("args")}])
        if kind == "tool.result":
            result = as_dict(event.get("result"))
            part = _result(event.get("toolCallId"), _content(result.get("output")))
            if result.get("isError") is True:
                part["is_error"] = True
            return {"role": "tool", "content": [part]}
        if kind == "step.end":
            return self._step_end(event)
        return {}

    def _answer(self, event: dict[str, Any], content: str | list[Part]) -> dict[str, Any]:
        return {
            "role": "assistant",
            "content": content,
            "id": identity(event.get("uuid")),
            "turn": identity(event.get("stepUuid")),
            "model": self._model,
        }

    def _step_end(self, event: dict[str, Any]) -> dict[str, Any]:
        step = identity(event.get("uuid"))
        state = _STEP_STATES.get(reason) if type(reason := event.get("finishReason")) is str else None
        fields = {"turn": step, "usage": tokens(event.get("usage"), "inputOther", "output")}
        if state is not None and step in self._steps:  # the answer is one of its turn, and says how it ended
            fields |= {"role": "assistant", "status": state}
        return fields

    def _usage(self, record: dict[str, Any]) -> dict[str, Any]:
        """The tokens of a turn's step stand at its end, too; those of a compaction only here."""
        if record.get("usageScope") != "session":
            return {}
        return {"usage": tokens(record.get("usage"), "inputOther", "output")}

    def _request(self, record: dict[str, Any]) -> dict[str, Any]:
        self._model = text(record.get("model")) or self._model
        return {"model": self._model} if record.get("kind") == "loop" else {}

    def _turn_end(self, record: dict[str, Any]) -> dict[str, Any]:
        error = as_dict(record.get("error"))
        if record.get("reason") != "failed" or not error:
            return {}
        part: Part = {"type": "error", "text": text(error.get("message")) or ""}
        if code := text(error.get("code")):
            part["code"] = code
        return {"content": [part], "status": "failed"}

    def _compaction(self, record: dict[str, Any]) -> dict[str, Any]:
        self._prompts.clear()
        summary = text(record.get("summary"))
        return {"role": "user", "content": summary, "injected": True} if summary else {}

    def _clear(self, record: dict[str, Any]) -> dict[str, Any]:
        self._prompts.clear()
        return {}

    def _undo(self, record: dict[str, Any]) -> dict[str, Any]:
        """The user went back some prompts: what came since is no longer part of the conversation."""
        count = record.get("count")
        if type(count) is not int or not 0 < count <= len(self._prompts):
            return {}
        for message in self.builder.messages[self._prompts[-count] :]:
            message.inactive = message.role != "event"
        del self._prompts[-count:]
        return {}


_READERS = {
    "context.append_message": Wire._message,
    "context.append_loop_event": Wire._loop,
    "context.apply_compaction": Wire._compaction,
    "context.clear": Wire._clear,
    "context.undo": Wire._undo,
    "llm.request": Wire._request,
    "turn.ended": Wire._turn_end,
    "usage.record": Wire._usage,
}


def _content(stored: Json) -> str | list[Part]:
    if type(stored) is str:
        return stored
    return plain([part for block in as_list(stored) if (part := _part(block)) is not None])


def _part(block: Json) -> Part | None:
    """The part a content block is; None for a block of a kind we do not know."""
    block = as_dict(block)
    kind = block.get("type")
    if kind == "text":
        return {"type": "text", "text": said} if type(said := block.get("text")) is str else None
    if kind == "think":
        return {"type": "thinking", "text": said if type(said := block.get("think")) is str else ""}
    if kind == "image_url":
        return image_of(block.get("imageUrl", block.get("image_url")))
    return None


def _result(key: Json, content: str | list[Part]) -> Part:
    part: Part = {"type": "tool_result"}
    if type(key) is str:
        part["id"] = key
    part["content"] = content
    return part

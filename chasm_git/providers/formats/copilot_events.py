"""From the events of a Copilot CLI session to messages.

What an event becomes depends on the events above it only, so that a file that has grown begins with the messages it
had; `Events.rewind` is the one exception.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chasm_git.providers.reading.openai_chat import arguments_of
from chasm_git.providers.reading.transcript import Transcript
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, text, tokens
from chasm_git.session import jsonio
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso

_SHUTDOWN = "shutdown"
"""The turn of the events that count the tokens of the whole session anew: only the last one counts."""
_LARGEST = 2**53
"""A larger number counts nothing, and the sum of several may be more than a session can hold."""


class Events(Transcript):
    """The rows of one ``events.jsonl``."""

    def __init__(self, path: Path, session: Session) -> None:
        super().__init__(path, session)
        self._models: dict[str | None, str] = {}
        """The model of each agent, by its id; None = the session's own."""
        self._answers: dict[str | None, str] = {}
        """Id of the first event of the model answer each agent is giving."""
        self._calls: set[str] = set()
        """Tool calls that were shown: they stand in the answer, and again where they begin to run."""
        self._thoughts: dict[str | None, str] = {}
        self._name: str | None = None
        self.is_of_editor = False
        """Copilot Chat wrote the events, in VS Code."""
        self._counts_answers = False
        """Tokens are written for each answer (1.0.90 and later); the totals at the end only repeat them."""

    def take(self, record: dict[str, Any], line: bytes | None) -> None:
        """Add what an event says."""
        data = as_dict(record.get("data"))
        agent = text(record.get("agentId")) or text(data.get("parentToolCallId"))
        read = _READERS.get(kind) if type(kind := record.get("type")) is str else None
        fields = read(self, data, agent) if read is not None else {}
        made = self.keep(
            record,
            line,
            fields.pop("role", "event"),
            fields.pop("content", ""),
            id=identity(record.get("id")),
            time=iso(record.get("timestamp")),
            sidechain=agent is not None,
            **fields,
        )
        if made.role == "assistant":
            made.turn = self._answers.setdefault(agent, made.id)

    # --- what each type of event says: the fields of its message ---

    def _start(self, data: dict[str, Any], agent: str | None) -> dict[str, Any]:
        session, context = self.session, as_dict(data.get("context"))
        self._note_model(data.get("selectedModel"), agent)
        self.is_of_editor = self.is_of_editor or "vscodeVersion" in data
        if session.workspace is None:
            session.workspace = text(context.get("cwd"))
        if session.git is None:
            names = (("branch", "branch"), ("commit", "headCommit"), ("remote", "repository"))
            session.git = {ours: said for ours, theirs in names if (said := text(context.get(theirs)))} or None
        return {}

    def _model_change(self, data: dict[str, Any], agent: str | None) -> dict[str, Any]:
        self._note_model(data.get("newModel"), agent)
        return {}

    def _note_model(self, model: Json, agent: str | None) -> None:
        if type(model) is str and model and model != "auto":
            self._models[agent] = model

    def _title(self, data: dict[str, Any], agent: str | None) -> dict[str, Any]:
        self.session.title = text(data.get("title")) or self.session.title
        return {}

    def _prompt(self, data: dict[str, Any], agent: str | None) -> dict[str, Any]:
        self._answers.pop(agent, None)
        said = data.get("content")
        parts = [{"type": "text", "text": said}] if type(said) is str and said else []
        parts += [part for item in as_list(data.get("attachments")) if (part := _attachment(item)) is not None]
        fields: dict[str, Any] = {"role": "user", "content": plain(parts)}
        if agent is None and text(data.get("source")) not in (None, "user"):
            fields["injected"] = True
        return fields

    def _system(self, data: dict[str, Any], agent: str | None) -> dict[str, Any]:
        return {"role": "system", "content": text(data.get("content")) or "", "injected": True}

    def _injected(self, data: dict[str, Any], agent: str | None) -> dict[str, Any]:
        said = text(data.get("content")) or text(data.get("summaryContent"))
        return {"role": "user", "content": said, "injected": True} if said else {}

    def _turn(self, data: dict[str, Any], agent: str | None) -> dict[str, Any]:
        self._answers.pop(agent, None)
        self._note_model(data.get("model"), agent)
        return {}

    def _answer(self, data: dict[str, Any], agent: str | None) -> dict[str, Any]:
        self._note_model(data.get("model"), agent)
        parts: list[Part] = []
        thought = text(data.get("reasoningText"))
        if thought is not None and self._thoughts.pop(agent, None) != thought:
            parts.append({"type": "thinking", "text": thought})
        if said := text(data.get("content")):
            parts.append({"type": "text", "text": said})
        texts: dict[str, str] = {}
        for request in as_list(data.get("toolRequests")):
            self._call(as_dict(request), "name", parts, texts)
        model = self._models.get(agent)
        return {"role": "assistant", "content": plain(parts), "model": model, "json_texts": texts}

    def _reasoning(self, data: dict[str, Any], agent: str | None) -> dict[str, Any]:
        thought = text(data.get("content"))
        if thought is None:
            return {}
        self._thoughts[agent] = thought
        return {
            "role": "assistant",
            "content": [{"type": "thinking", "text": thought}],
            "model": self._models.get(agent),
        }

    def _call(self, request: dict[str, Any], name: str, parts: list[Part], texts: dict[str, str]) -> None:
        """Add a tool call, unless it was shown already."""
        part: Part = {"type": "tool_call"}
        key = request.get("toolCallId")
        if type(key) is str:
            if key in self._calls:
                return
            self._calls.add(key)
            part["id"] = key
        if type(called := request.get(name)) is str:
            part["name"] = called
        stored = request.get("arguments")
        part["arguments"] = value = arguments_of(stored)
        if type(stored) is str and value is not stored:
            texts[f"content.{len(parts)}.arguments"] = stored
        parts.append(part)

    def _tool_start(self, data: dict[str, Any], agent: str | None) -> dict[str, Any]:
        """A call no answer has shown: the user's own, or one that runs while the answer is still being written."""
        parts: list[Part] = []
        texts: dict[str, str] = {}
        if type(data.get("toolCallId")) is str:
            self._call(data, "toolName", parts, texts)
        if not parts:
            return {}
        return {"role": "assistant", "content": parts, "model": self._models.get(agent), "json_texts": texts}

    def _tool_end(self, data: dict[str, Any], agent: str | None) -> dict[str, Any]:
        self._answers.pop(agent, None)
        part: Part = {"type": "tool_result"}
        if type(key := data.get("toolCallId")) is str:
            part["id"] = key
        result = as_dict(data.get("result"))
        part["content"] = text(result.get("content")) or text(as_dict(data.get("error")).get("message")) or ""
        images = [image for item in as_list(result.get("contents")) if (image := _image(item)) is not None]
        if images:
            part["content"] = [{"type": "text", "text": part["content"]}, *images]
        if data.get("success") is False:
            part["is_error"] = True
        return {"role": "tool", "content": [part]}

    def _usage(self, data: dict[str, Any], agent: str | None) -> dict[str, Any]:
        self._counts_answers = True
        return {"usage": _counts(data.get("usage"))}

    def _spent(self, data: dict[str, Any], agent: str | None) -> dict[str, Any]:
        """The tokens of one request, which belongs to the answer being given. Copilot Chat names its model here."""
        self._counts_answers = True
        self._note_model(data.get("model"), agent)
        usage = _counts(data)
        if agent not in self._answers:
            return {"usage": usage}
        return {"role": "assistant", "model": self._models.get(agent), "usage": usage}

    def _shutdown(self, data: dict[str, Any], agent: str | None) -> dict[str, Any]:
        """The tokens of the session so far, where no answer says its own."""
        total: dict[str, Any] = {}
        for metrics in as_dict(data.get("modelMetrics")).values() if not self._counts_answers else ():
            for name, count in (_counts(as_dict(metrics).get("usage")) or {}).items():
                if type(count) is int and abs(count) <= _LARGEST:
                    total[name] = total.get(name, 0) + count
        return {"usage": total, "turn": _SHUTDOWN} if total else {}

    def _error(self, data: dict[str, Any], agent: str | None) -> dict[str, Any]:
        part: Part = {"type": "error", "text": text(data.get("message")) or ""}
        code = data.get("statusCode", data.get("errorType"))
        if type(code) in (int, str):
            part["code"] = code
        return {"content": [part], "status": "failed"}

    def _abort(self, data: dict[str, Any], agent: str | None) -> dict[str, Any]:
        self._answers.pop(agent, None)
        reason = text(data.get("reason"))
        return {"content": [{"type": "error", "text": reason}] if reason else "", "status": "interrupted"}

    def _rewind(self, data: dict[str, Any], agent: str | None) -> dict[str, Any]:
        """The user went back: what came from that event on is no longer part of the conversation.

        The one place where an event changes messages above it.
        """
        messages, first = self.builder.messages, data.get("upToEventId")
        start = next((n for n in reversed(range(len(messages))) if messages[n].id == first), len(messages))
        for message in messages[start:]:
            message.inactive = message.role != "event"
        return {}

    # --- what stands beside the events ---

    def note_workspace(self, data: bytes) -> None:
        """Take what ``workspace.yaml`` says of the session: it knows best what it is called."""
        said = _simple_yaml(data)
        self._name = said.get("name") or None
        self.session.workspace = said.get("cwd") or None

    def keep_text(self, name: str, data: bytes) -> None:
        """Keep a text beside the events; its id is its name, so that what is written anew replaces the old."""
        self.keep(None, data, id=f"file:{name}", file=name)

    def finish(self) -> None:
        """The folder's name for the session is the one that counts."""
        self.session.title = self._name or self.session.title


_READERS = {
    "session.start": Events._start,
    "session.resume": Events._start,
    "session.model_change": Events._model_change,
    "session.title_changed": Events._title,
    "session.usage_record": Events._usage,
    "session.shutdown": Events._shutdown,
    "session.error": Events._error,
    "session.compaction_complete": Events._injected,
    "session.snapshot_rewind": Events._rewind,
    "abort": Events._abort,
    "user.message": Events._prompt,
    "system.message": Events._system,
    "system.notification": Events._injected,
    "skill.invoked": Events._injected,
    "assistant.turn_start": Events._turn,
    "assistant.turn_end": Events._turn,
    "assistant.message": Events._answer,
    "assistant.reasoning": Events._reasoning,
    "assistant.usage": Events._spent,
    "tool.execution_start": Events._tool_start,
    "tool.execution_complete": Events._tool_end,
}


def _counts(usage: Json) -> dict[str, Json] | None:
    """The tokens of an answer, without what else is measured along."""
    counted = {name: value for name, value in as_dict(usage).items() if name.endswith("Tokens") and type(value) is int}
    return tokens(counted, "inputTokens", "outputTokens")


def _attachment(item: Json) -> Part | None:
    """What a prompt carries: a file or folder by its path, or an image."""
    item = as_dict(item)
    if type(item.get("data")) is str:
        return _image(item) or {"type": "file", "data": item["data"]}
    path = text(item.get("path")) or text(item.get("filePath"))
    if path is None:
        return None
    part: Part = {"type": "reference", "uri": path}
    if name := text(item.get("displayName")):
        part["name"] = name
    return part


def _image(item: Json) -> Part | None:
    item = as_dict(item)
    kind, data = item.get("mimeType"), item.get("data")
    if type(kind) is not str or type(data) is not str or not kind.startswith("image/"):
        return None
    return {"type": "image", "media_type": kind, "data": data}


def _simple_yaml(data: bytes) -> dict[str, str]:
    """The texts of a YAML map as the client writes it: a line each, plain or in quotes."""
    made = {}
    for line in data.decode("utf-8", "replace").splitlines():
        name, colon, value = line.partition(": ")
        if colon and not name.startswith((" ", "#", "-")) and not value.startswith(("|", ">")):
            made[name] = _unquoted(value.strip())
    return made


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1].replace("''", "'")
    if len(value) > 1 and value[0] == value[-1] == '"':
        try:
            return str(jsonio.loads(value.encode()))
        except ValueError:  # an escape that only YAML knows
            return value[1:-1]
    return value

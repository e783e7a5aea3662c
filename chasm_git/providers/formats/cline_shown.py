"""What Cline and its forks show to the user: the rows of ``ui_messages.json``.

Where the messages of the model are there, these rows are bookkeeping: times, tokens, errors. Where they are not, the
rows are all that is left of the conversation.
"""

from __future__ import annotations

from typing import Any

from chasm_git.providers.reading.openai_chat import image_of
from chasm_git.providers.reading.values import as_dict, as_list, plain, text, tokens
from chasm_git.session import jsonio
from chasm_git.session.model import Json, Part

_SAID = frozenset({"text", "completion_result", "plan_mode_respond", "followup"})
_TOOLS = {"tool": "tool", "command": "command", "use_mcp_server": "use_mcp_server", "browser_action": "browser_action"}
_RESULTS = frozenset({"command_output", "mcp_server_response", "browser_action_result"})
_ERRORS = frozenset({"error", "api_req_failed", "diff_error", "clineignore_error", "rooignore_error"})


def value_of(row: dict[str, Any]) -> dict[str, Any]:
    """The object whose JSON text a row's ``text`` is; an empty one where it is none."""
    said = row.get("text")
    if type(said) is not str or not said.startswith("{"):
        return {}
    try:
        return as_dict(jsonio.loads(said.encode("utf-8", "surrogatepass")))
    except ValueError:
        return {}


def bookkeeping(row: dict[str, Any]) -> dict[str, Any]:
    """The fields of the event a row becomes: the tokens of a request, an error."""
    kind = text(row.get("say") if row.get("type") == "say" else row.get("ask"))
    fields: dict[str, Any] = {"role": "event", "content": ""}
    if kind == "api_req_started" or kind == "deleted_api_reqs":
        request = value_of(row)
        fields["usage"] = tokens(request, "tokensIn", "tokensOut")
        fields["model"] = text(as_dict(row.get("modelInfo")).get("modelId")) if fields["usage"] else None
        if reason := text(request.get("cancelReason")):
            fields["status"] = "interrupted" if reason == "user_cancelled" else "failed"
        if failure := text(request.get("streamingFailedMessage")):
            fields["content"] = [{"type": "error", "text": failure}]
    elif kind in _ERRORS and (said := text(row.get("text"))) is not None:
        fields["content"] = [{"type": "error", "text": said}]
    return fields


class Shown:
    """Turns rows into a conversation, in their order."""

    def __init__(self) -> None:
        self._is_first = True
        self._call: str | None = None
        """Id of the latest call, for what it gives back."""

    def fields_of(self, row: dict[str, Any], key: str) -> dict[str, Any]:
        """The fields of the message a row becomes; `key` is its id."""
        kind, said = text(row.get(str(row.get("type")))), row.get("text")
        said = said if type(said) is str else ""
        is_say = row.get("type") == "say"
        fields: dict[str, Any]
        if is_say and (kind == "user_feedback" or (kind in ("text", "task") and self._is_first)):
            self._is_first = False
            fields = {"role": "user", "content": _prompt(row, said)}
        elif kind == "reasoning":
            thought = said or text(row.get("reasoning")) or ""
            fields = {"role": "assistant", "content": [{"type": "thinking", "text": thought}] if thought else ""}
        elif kind in _SAID and said and (is_say or kind != "completion_result"):
            value = value_of(row)
            shown = text(value.get("question")) or text(value.get("response"))
            fields = {"role": "assistant", "content": shown if shown is not None else said}
        elif kind in _TOOLS and said:
            fields = self._called(row, _TOOLS[kind], said, key)
        elif kind in _RESULTS and said:
            part: Part = {"type": "tool_result"} | ({"id": self._call} if self._call is not None else {})
            fields = {"role": "tool", "content": [part | {"content": said}]}
            self._call = None
        else:
            return bookkeeping(row)
        if row.get("partial") is True:
            fields["status"] = "partial"
        return fields

    def _called(self, row: dict[str, Any], name: str, said: str, key: str) -> dict[str, Any]:
        value = value_of(row)
        self._call = key
        part: Part = {"type": "tool_call", "id": key, "name": text(value.get("tool")) or name}
        fields: dict[str, Any] = {"role": "assistant", "content": [part | {"arguments": value or said}]}
        return fields | {"json_texts": {"content.0.arguments": said}} if value else fields


def _prompt(row: dict[str, Any], said: str) -> Json:
    parts: list[Part] = [{"type": "text", "text": said}] if said else []
    parts += [image_of(image) for image in as_list(row.get("images")) if type(image) is str]
    parts += [{"type": "reference", "uri": path} for path in as_list(row.get("files")) if type(path) is str and path]
    return plain(parts)

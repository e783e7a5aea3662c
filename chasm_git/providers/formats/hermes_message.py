"""Messages of Hermes, which are the same in its database and in its files: OpenAI's, with thoughts beside the text."""

from __future__ import annotations

from typing import Any

from chasm_git.providers.reading import openai_chat
from chasm_git.providers.reading.values import as_dict, as_list, scoped_id, text
from chasm_git.session import jsonio
from chasm_git.session.model import Json, Session

SESSION_META = "session_meta"
"""Role of a record that says what the session ran with."""

_PARTS = "\0json:"
"""What a column begins with that holds more than a text."""
_ENDINGS = {"error": "failed", "interrupted": "interrupted", "incomplete": "partial"}


def fields_of(message: dict[str, Any], model: str | None) -> dict[str, Any]:
    """The fields of the message it becomes, see `Builder.message`.

    Args:
        model: what the session runs with.
    """
    content = message.get("content")
    if type(content) is str and content.startswith(_PARTS):
        message = message | {"content": _loaded(content.removeprefix(_PARTS))}
    fields = openai_chat.fields_of(message)
    ending = message.get("finish_reason")
    if fields["role"] == "assistant":
        fields["model"] = model
        fields["status"] = _ENDINGS.get(ending) if type(ending) is str else None
    elif fields["role"] == "tool" and ending == "error":
        fields["content"] = [part | {"is_error": True} for part in fields["content"]]
    if message.get("_compressed_summary") == 1:
        fields["injected"] = True
    return fields


def key_of(session_id: str, message: dict[str, Any]) -> str:
    """The id of a message: the same wherever Hermes keeps it."""
    calls = [as_dict(call).get("id") for call in as_list(message.get("tool_calls"))]
    content = message.get("content")
    return scoped_id(session_id, [message.get("role"), content or "", message.get("tool_call_id") or "", calls])


def about(session: Session, value: dict[str, Any], config: Json) -> None:
    """Where a session was held, as far as it is said."""
    session.workspace = text(value.get("cwd")) or text(as_dict(config).get("cwd")) or session.workspace


def _loaded(stored: str) -> Json:
    try:
        return jsonio.loads(stored.encode("utf-8", "surrogatepass"))
    except ValueError:
        return stored

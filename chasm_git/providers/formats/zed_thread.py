"""What a thread of Zed's agent says, in every version of its JSON.

A user's message has an id. An answer has none: its id is made from the prompt above it and its place behind that, so
that an answer which grows stays the same message.
"""

from __future__ import annotations

from typing import Any

from chasm_git.providers.reading import document
from chasm_git.providers.reading.openai_chat import image_of
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, scoped_id, text, tokens
from chasm_git.session import jsonio
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso

_CANCELED = "Tool canceled by user"
_PLACES = ("abs_path", "path", "url")


def add(value: dict[str, Any], session: Session, builder: Builder) -> None:
    """Add the messages of a thread, and what it says of itself."""
    session.title = text(value.get("title")) or text(value.get("summary")) or session.title
    if session.workspace is None:
        snapshot = as_dict(value.get("initial_project_snapshot"))
        trees = [as_dict(tree) for tree in as_list(snapshot.get("worktree_snapshots"))]
        session.workspace = next((path for tree in trees if (path := text(tree.get("worktree_path")))), None)
        states = [as_dict(tree.get("git_state")) for tree in trees]
        state = next((state for state in states if state), {})
        names = (("branch", "current_branch"), ("commit", "head_sha"), ("remote", "remote_url"))
        session.git = {ours: said for ours, theirs in names if (said := text(state.get(theirs)))} or None
    if session.created_at is None:
        session.created_at = iso(value.get("updated_at"))
    chosen = value.get("model")
    model = text(as_dict(chosen).get("model")) if type(chosen) is dict else text(chosen)
    usage = value.get("request_token_usage")
    prompt, since = "", 0
    for number, item in enumerate(as_list(value.get("messages"))):
        fields, key = _fields(item)
        if fields["role"] == "user":
            prompt, since = key or scoped_id(session.id, item), 0
        else:
            since += 1
        if fields["role"] == "assistant":
            fields |= {"model": model, "turn": f"{prompt}/answer"}
        counts = usage.get(key) if type(usage) is dict and key is not None else None
        if type(usage) is list and number < len(usage):
            counts = usage[number]
        if counts:
            fields["usage"] = tokens(counts, "input_tokens", "output_tokens")
        made = prompt if fields["role"] == "user" else scoped_id(session.id, [prompt, since])
        builder.message(item, id=made, line=document.line_of(item), **fields)


def _fields(item: Json) -> tuple[dict[str, Any], str | None]:
    """The fields of a message, and its id where it has one."""
    record = as_dict(item)
    if type(prompt := record.get("User")) is dict:
        return {"role": "user", "content": plain(_parts(prompt.get("content")))}, identity(prompt.get("id"))
    if type(answer := record.get("Agent")) is dict:
        parts = _parts(answer.get("content"))
        return {"role": "assistant", "content": plain([*parts, *_results(answer.get("tool_results"))])}, None
    if type(role := record.get("role")) is str and role in ("user", "assistant", "system"):
        return _old(record, role)
    return {"role": "event"}, None


def _parts(content: Json) -> list[Part]:
    return [part for block in as_list(content) if (part := _part(as_dict(block))) is not None]


def _part(block: dict[str, Any]) -> Part | None:
    """A part by the one key that names its kind."""
    kind, inner = next(iter(block.items()), ("", None))
    value = as_dict(inner)
    if kind == "Text":
        return {"type": "text", "text": inner} if type(inner) is str else None
    if kind == "Thinking":
        return {"type": "thinking", "text": text(value.get("text")) or ""}
    if kind == "ToolUse":
        part: Part = {"type": "tool_call"} | {k: value[k] for k in ("id", "name") if type(value.get(k)) is str}
        return part | {"arguments": value.get("input")}
    if kind == "Image":
        return _image(value)
    return _mention(value) if kind == "Mention" else None


def _mention(value: dict[str, Any]) -> Part | None:
    kind, place = next(iter(as_dict(value.get("uri")).items()), ("", None))
    found = as_dict(place)
    uri = next((said for name in _PLACES if (said := text(found.get(name)))), None)
    if uri is None and kind == "Thread" and type(found.get("id")) is str:
        uri = f"zed:///agent/thread/{found['id']}"
    if uri is None:
        said = text(value.get("content"))
        return {"type": "text", "text": said} if said is not None else None
    part: Part = {"type": "reference", "uri": uri}
    if (name := text(found.get("name"))) is not None:
        part["name"] = name
    lines = as_dict(found.get("line_range"))
    if type(first := lines.get("start")) is int and type(last := lines.get("end")) is int:
        part["range"] = [first + 1, last + 1]
    return part


def _image(value: dict[str, Any]) -> Part:
    source = value.get("source")
    if type(source) is not str:
        return {"type": "image"}
    return (
        image_of(source) if source.startswith("data:") else {"type": "image", "media_type": "image/png", "data": source}
    )


def _results(results: Json) -> list[Part]:
    """What tools gave back: by the call's id, or (before 0.3) in a list."""
    found = results.values() if type(results) is dict else as_list(results)
    parts: list[Part] = []
    for result in found:
        value = as_dict(result)
        part: Part = {"type": "tool_result"}
        if type(key := value.get("tool_use_id")) is str:
            part["id"] = key
        part["content"] = _content(value.get("content"))
        if value.get("is_error") is True or part["content"] == _CANCELED:
            part["is_error"] = True
        parts.append(part)
    return parts


def _content(content: Json) -> str | list[Part]:
    if type(content) is str:
        return content
    parts: list[Part] = []
    for item in content if type(content) is list else [content] if content is not None else []:
        block = as_dict(item)
        said = item if type(item) is str else block.get("Text", block.get("text"))
        if type(said) is str:
            parts.append({"type": "text", "text": said})
        elif "Image" in block:
            parts.append(_image(as_dict(block["Image"])))
        else:
            parts.append({"type": "text", "text": jsonio.dumps(item).decode()})
    return plain(parts)


def _old(record: dict[str, Any], role: str) -> tuple[dict[str, Any], str | None]:
    """A message of before 0.3: its text in segments, or as one."""
    parts: list[Part] = []
    for segment in as_list(record.get("segments")):
        value = as_dict(segment)
        if (said := text(value.get("text"))) is not None:
            parts.append({"type": "thinking" if value.get("type") == "thinking" else "text", "text": said})
    if (said := text(record.get("text"))) is not None:
        parts.append({"type": "text", "text": said})
    for use in as_list(record.get("tool_uses")):
        value = as_dict(use)
        call: Part = {"type": "tool_call"} | {k: value[k] for k in ("id", "name") if type(value.get(k)) is str}
        parts.append(call | {"arguments": value.get("input")})
    results = _results(record.get("tool_results"))
    number = record.get("id")
    key = f"m-{number}" if type(number) is int else None
    if role == "user" and results and not parts:
        return {"role": "tool", "content": results}, None
    fields: dict[str, Any] = {"role": role, "content": plain([*parts, *results])}
    if role == "system" or record.get("is_hidden") is True:
        fields["injected"] = True
    return fields, key

"""What a message of Cline and its forks says: blocks in the shape of Anthropic's API, with the client's own markup.

A user's message is more than what was typed: the client wraps the typed text (``<task>…</task>``), adds what the
editor shows (``<environment_details>``) and, before tools were native, wrote the results of tools as text. Calls stood
in the answer's text as XML then. Texts that are cut out of a stored one are given back by `Content.derived`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from chasm_git.providers.reading.values import as_dict, as_list, text
from chasm_git.session import jsonio
from chasm_git.session.model import Json, Part
from chasm_git.session.native import LONG

_WRAPPED = re.compile(
    r"(?:The user provided the following feedback:)?\s*<(task|user_message|feedback|answer)>\n?(.*?)\n?</\1>\s*",
    re.DOTALL,
)
_OPEN, _CLOSE = "<environment_details>", "</environment_details>"
_RESULT = re.compile(r"\[[a-z_]{3,60}(?: for [^\n]{0,2000})?\] Result:")
_INJECTED = (
    "[TASK RESUMPTION]",
    "[ERROR]",
    "<SYSTEM_NOTICE>",
    "<mode_notice",
    "<explicit_instructions",
    "<hook_context",
)
_TOOLS = (
    "access_mcp_resource|apply_diff|ask_followup_question|attempt_completion|browser_action|codebase_search|condense"
    "|execute_command|fetch_instructions|insert_content|list_code_definition_names|list_files|load_mcp_documentation"
    "|new_rule|new_task|plan_mode_respond|read_file|replace_in_file|report_bug|search_and_replace|search_files"
    "|switch_mode|update_todo_list|use_mcp_tool|web_fetch|web_search|write_to_file"
)
_CALL = re.compile(rf"^<({_TOOLS})>", re.MULTILINE)
_TAG = re.compile(r"\s*<([A-Za-z_]{1,40})>\n?")
_CWD = re.compile(r"Current W(?:orkspace|orking) Directory \(([^)\n]{1,1000})\)")


@dataclass(slots=True)
class Content:
    """What a message says."""

    parts: list[Part] = field(default_factory=list)
    derived: dict[str, Json] = field(default_factory=dict)
    """Texts of the record that stand in the parts in another way: see `Builder.message`."""
    is_typed: bool = False
    """A person typed some of it."""
    has_results: bool = False
    call: str | None = None
    """Id of the call that is written in the text, for the result in the next message."""
    cwd: str | None = None
    """The folder that the client says it works in."""

    def stored(self) -> str | list[Part]:
        """As `Builder.message` takes it: a text that stands alone is the content itself."""
        if len(self.parts) == 1 and self.parts[0]["type"] == "text" and len(said := self.parts[0]["text"]) <= LONG:
            for marker in self.derived.values():
                for piece in marker["$cat"]:
                    if type(piece) is dict:
                        piece["$"] = "content"
            return str(said)
        return self.parts or ""

    def cut(self, whole: str, start: int, end: int, part: Part) -> None:
        """Add a part whose text is `whole` from `start` to `end`."""
        if start or end < len(whole):
            pointer = {"$": f"content.{len(self.parts)}.text"}
            pieces = [piece for piece in (whole[:start], pointer, whole[end:]) if piece]
            if start + len(whole) - end < LONG:  # what is longer leaves the file, which only a whole text can
                self.derived.setdefault(whole, {"$cat": pieces})
        self.parts.append(part)


def answer(content: Json, key: str) -> Content:
    """What the model said; `key` is the message's id, for a call that is written in the text."""
    made = Content()
    for block in [content] if type(content) is str else as_list(content):
        said = block if type(block) is str else text(as_dict(block).get("text"))
        if said is None or (type(block) is dict and block.get("type") != "text"):
            if (part := _part(block)) is not None:
                made.parts.append(part)
            continue
        call = _written_call(said)
        if call is None:
            made.parts.append({"type": "text", "text": said})
            continue
        start, part = call
        before = said[:start].rstrip()
        if before:
            made.cut(said, 0, len(before), {"type": "text", "text": before})
        made.parts.append({"type": "tool_call", "id": key} | part)
        made.call = key
    return made


def prompt(content: Json, call: str | None) -> Content:
    """What was sent to the model: typed, or given back by tools; `call` is the call written in the text above."""
    made = Content()
    output: list[Part] | None = None
    for block in [content] if type(content) is str else as_list(content):
        said = block if type(block) is str else text(as_dict(block).get("text"))
        if said is None or (type(block) is dict and block.get("type") != "text"):
            part = _part(block)
            if part is not None:
                made.has_results = made.has_results or part["type"] == "tool_result"
                (output if output is not None and part["type"] == "image" else made.parts).append(part)
            continue
        start, end, is_wrapped = _typed(said)
        if (found := _CWD.search(said, end)) is not None:
            made.cwd = found[1].strip()
        if start == end:
            continue
        said_here: Part = {"type": "text", "text": said[start:end]}
        if is_wrapped:
            made.is_typed = True
        elif call is not None and output is None and _RESULT.match(said, start):
            output = []
            made.has_results = True
            made.parts.append({"type": "tool_result", "id": call, "content": output})
        elif output is None and not said.startswith(_INJECTED) and not _RESULT.match(said, start):
            made.is_typed = True
        if output is not None and not is_wrapped:
            output.append({"type": "text", "text": said[start:end]})
        else:
            made.cut(said, start, end, said_here)
    return made


def _typed(said: str) -> tuple[int, int, bool]:
    """Where the typed text stands in a stored one, and whether the client says that it was typed."""
    start, end = 0, len(said)
    at = said.rfind(_OPEN)
    if at >= 0 and said.rstrip().endswith(_CLOSE):
        end = len(said[:at].rstrip())
    if (found := _WRAPPED.fullmatch(said, 0, end)) is not None:
        return found.start(2), found.end(2), True
    return start, end, False


def _part(block: Json) -> Part | None:
    block = as_dict(block)
    kind = block.get("type")
    if kind == "thinking":
        return {"type": "thinking", "text": said} if type(said := block.get("thinking")) is str else None
    if kind == "reasoning":
        return {"type": "thinking", "text": said} if (said := text(block.get("text"))) is not None else None
    if kind == "tool_use":
        part: Part = {"type": "tool_call"} | {k: block[k] for k in ("id", "name") if type(block.get(k)) is str}
        return part | {"arguments": block.get("input")}
    if kind == "tool_result":
        part = {"type": "tool_result"}
        if type(key := block.get("tool_use_id")) is str:
            part["id"] = key
        part["content"] = _result(block.get("content"))
        return part | ({"is_error": True} if _failed(block) else {})
    if kind == "image":
        return _image(block)
    if kind == "file" and (path := text(block.get("path"))) is not None:
        return {"type": "reference", "uri": path}
    return None


def _image(block: dict[str, Json]) -> Part:
    source = as_dict(block.get("source"))
    media_type = text(source.get("media_type")) or text(block.get("mediaType"))
    part: Part = {"type": "image"} | ({"media_type": media_type} if media_type is not None else {})
    data = source.get("data") if source else block.get("data")
    if type(data) is str:
        return part | {"data": data}
    return part | ({"uri": uri} if (uri := text(source.get("url"))) is not None else {})


def _result(content: Json) -> str | list[Part]:
    """What a tool gave back: a text, blocks, or what came of each of several inputs."""
    if type(content) is str:
        return content
    parts: list[Part] = []
    for item in as_list(content) if type(content) is list else [content] if content is not None else []:
        block = as_dict(item)
        said = item if type(item) is str else block.get("text") if block.get("type") == "text" else block.get("result")
        if type(said) is not str:
            made = _image(block) if block.get("type") == "image" else None
            if made is not None:
                parts.append(made)
                continue
            said = text(block.get("error")) or jsonio.dumps(said if said is not None else item).decode()
        parts.append({"type": "text", "text": said})
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts or ""


def _failed(block: dict[str, Json]) -> bool:
    if block.get("is_error") is True:
        return True
    states = [as_dict(item).get("success") for item in as_list(block.get("content"))]
    return bool(states) and all(state is False for state in states)


def _written_call(said: str) -> tuple[int, Part] | None:
    """A call written as XML at the end of an answer, and where it starts; None where there is none, or half of one."""
    end = said.rstrip()
    found = _CALL.search(said) if end.endswith(">") else None
    if found is None:
        return None
    name = found[1]
    closing = f"</{name}>"
    if not end.endswith(closing):
        return None
    body = end[found.end() : len(end) - len(closing)]
    arguments: dict[str, Any] = {}
    at = 0
    while (tag := _TAG.match(body, at)) is not None:
        # what is written to a file may hold anything, its own closing tag included: the last one counts
        find = body.rfind if tag[1] in ("content", "diff", "arguments", "result") else body.find
        close = find(f"</{tag[1]}>", tag.end())
        if close < 0:
            return None
        arguments[tag[1]] = body[tag.end() : close].removesuffix("\n")
        at = close + len(tag[1]) + 3
    if body[at:].strip():
        return None
    return found.start(), {"name": name, "arguments": arguments}

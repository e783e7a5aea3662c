"""Tool calls of a VS Code answer: what the screen showed of them, joined with what the model said and got.

A call stands in a request twice: as a part of ``response`` (``toolInvocationSerialized``, for the screen) and, where
Copilot Chat ran it, in ``result.metadata`` (``toolCallRounds``, ``toolCallResults``: exact arguments and results,
written when the answer is complete). The two are joined by the id without its ``__vscode-…`` tail, else by order and
name, else by order where as many are left on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chasm_git.providers.formats.vscode_content import Text, as_dict, as_list, image_part, text_of
from chasm_git.providers.formats.vscode_said import INVOCATION, stripped
from chasm_git.providers.formats.vscode_uris import reference_to
from chasm_git.session import jsonio
from chasm_git.session.model import Json, Part

_MODEL_NAMES = {
    "copilot_createNewWorkspace": "create_new_workspace",
    "copilot_editFiles": "edit_files",
    "copilot_editNotebook": "edit_notebook_file",
    "copilot_findFiles": "file_search",
    "copilot_findTestFiles": "test_search",
    "copilot_findTextInFiles": "grep_search",
    "copilot_getChangedFiles": "get_changed_files",
    "copilot_getDocInfo": "get_doc_info",
    "copilot_getErrors": "get_errors",
    "copilot_getNotebookSummary": "copilot_getNotebookSummary",
    "copilot_getProjectSetupInfo": "get_project_setup_info",
    "copilot_getSearchResults": "get_search_view_results",
    "copilot_getVSCodeAPI": "get_vscode_api",
    "copilot_insertEdit": "insert_edit_into_file",
    "copilot_listDirectory": "list_dir",
    "copilot_multiReplaceString": "multi_replace_string_in_file",
    "copilot_openSimpleBrowser": "open_simple_browser",
    "copilot_replaceString": "replace_string_in_file",
    "copilot_runTests1": "run_tests",
    "copilot_searchCodebase": "semantic_search",
}
"""Names of Copilot's tools for the model where they are not their ids in snake case."""


@dataclass(slots=True, eq=False)
class Call:
    """A tool call of a round: what the model said, and what it got."""

    number: int
    """Its place among all calls of the answer."""
    round: int
    id: str
    name: str
    arguments: Json
    arguments_text: str | None
    """The JSON text of `arguments`, where they were stored as one."""
    result: Any = None
    """The record of the result; None = there is none."""


@dataclass(slots=True)
class Rounds:
    """The rounds of one answer: each is thinking, text and calls of the model, then the results."""

    calls: list[Call] = field(default_factory=list)
    texts: list[tuple[Any, Any]] = field(default_factory=list)
    """Thinking (text or list of texts) and text of each round."""
    _joined: dict[int, Call] = field(default_factory=dict)

    @classmethod
    def of(cls, result: Any, response: list[Any]) -> Rounds:
        """The rounds in a request's ``result``, joined with the tool parts of its ``response``."""
        metadata = as_dict(as_dict(result).get("metadata"))
        made = cls()
        by_id = {stripped(key): value for key, value in as_dict(metadata.get("toolCallResults")).items()}
        for number, entry in enumerate(map(as_dict, as_list(metadata.get("toolCallRounds")))):
            made.texts.append((as_dict(entry.get("thinking")).get("text"), entry.get("response")))
            for call in as_list(entry.get("toolCalls")):
                if type(call) is dict:
                    made.calls.append(_call(len(made.calls), number, call, by_id))
        made._join([part for part in response if type(part) is dict and part.get("kind") == INVOCATION])
        return made

    def joined(self, invocation: dict[str, Any]) -> Call | None:
        """The call that a part of the response shows."""
        return self._joined.get(id(invocation))

    def _join(self, invocations: list[dict[str, Any]]) -> None:
        open_calls: dict[str, list[Call]] = {}
        for call in reversed(self.calls):
            open_calls.setdefault(call.id, []).append(call)
        left = []
        for invocation in invocations:
            waiting = open_calls.get(stripped(invocation.get("toolCallId")))
            if waiting:
                self._joined[id(invocation)] = waiting.pop()
            elif not invocation.get("subAgentInvocationId"):
                left.append(invocation)
        by_name: dict[str, list[Call]] = {}
        for call in reversed(self.unshown()):
            by_name.setdefault(call.name, []).append(call)
        for invocation in left:
            if waiting := by_name.get(model_name(invocation.get("toolId"))):
                self._joined[id(invocation)] = waiting.pop()
        left = [invocation for invocation in left if id(invocation) not in self._joined]
        calls = self.unshown()
        if len(left) == len(calls):
            self._joined.update((id(invocation), call) for invocation, call in zip(left, calls, strict=True))

    def unshown(self) -> list[Call]:
        """Calls that no part of the response shows, in order."""
        taken = {id(call) for call in self._joined.values()}
        return [call for call in self.calls if id(call) not in taken]


def _call(number: int, turn: int, call: dict[str, Any], results: dict[str, Any]) -> Call:
    key, name, said = stripped(call.get("id")), call.get("name"), call.get("arguments")
    arguments, text = parsed(said)
    return Call(number, turn, key, name if type(name) is str else "", arguments, text, results.get(key))


def parsed(said: Any) -> tuple[Json, str | None]:
    """Arguments as a value, and the JSON text they come from; text that is no JSON object or list stays text."""
    if type(said) is not str:
        return ({} if said is None else said), None
    try:
        value = jsonio.loads(said.encode())
    except ValueError:
        return said, None
    if type(value) is not dict and type(value) is not list:
        return said, None
    return value, said


def model_name(tool_id: Any) -> str:
    """The name the model knows a tool by."""
    if type(tool_id) is not str:
        return ""
    if not tool_id.startswith("copilot_"):
        return tool_id
    return _MODEL_NAMES.get(tool_id) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", tool_id[8:]).lower()


def shown_arguments(invocation: dict[str, Any]) -> tuple[Json, str | None]:
    """What a part of the response says of the arguments: as a value, and its JSON text where it was one.

    Where it says nothing but what the screen showed ("Reading app.py, lines 1 to 50"), that text.
    """
    data, details = as_dict(invocation.get("toolSpecificData")), invocation.get("resultDetails")
    kind = data.get("kind")
    if kind == "terminal":
        line = as_dict(data.get("commandLine"))
        command = line.get("original") or line.get("toolEdited") or data.get("command")
        if type(command) is str:
            return {"command": command}, None
    elif kind == "input" and "rawInput" in data:
        return parsed(data["rawInput"])
    elif kind == "simpleToolInvocation" and type(data.get("input")) is str:
        return parsed(data["input"])
    elif kind == "subagent":
        return {key: data[key] for key in ("description", "prompt", "agentName") if type(data.get(key)) is str}, None
    elif kind == "todoList":
        return {"todoList": data.get("todoList")}, None
    if type(details) is dict and type(details.get("input")) is str:
        return parsed(details["input"])
    message = text_of(invocation.get("pastTenseMessage")) or text_of(invocation.get("invocationMessage"))
    return message or {}, None


def shown_result(invocation: dict[str, Any]) -> str | list[Part] | None:
    """What a part of the response says of the result; None where it says nothing."""
    data, details = as_dict(invocation.get("toolSpecificData")), invocation.get("resultDetails")
    for said in (
        as_dict(data.get("terminalCommandOutput")).get("text") if data.get("kind") == "terminal" else None,
        data.get("output") if data.get("kind") == "simpleToolInvocation" else None,
        data.get("result") if data.get("kind") == "subagent" else None,
    ):
        if type(said) is str:
            return said
    if type(details) is list:
        places = [part for part in map(reference_to, details) if part is not None]
        return places or None
    output = details.get("output") if type(details) is dict else None
    if type(output) is dict:
        image = image_part(output.get("base64Data"), output.get("mimeType"))
        return [image] if image is not None else None
    if type(output) is list:
        return simplest([part for item in output if (part := _output_part(item)) is not None])
    return None


def is_error(invocation: dict[str, Any]) -> bool:
    """Whether the tool said that it failed."""
    return as_dict(invocation.get("resultDetails")).get("isError") is True


def _output_part(item: Any) -> Part | None:
    """One output of an MCP tool."""
    if type(item) is not dict:
        return None
    value = item.get("value")
    if item.get("type") == "ref" or type(value) is not str:
        return reference_to(item.get("uri"))
    if item.get("isText") is False:
        return image_part(value, item.get("mimeType"))
    return {"type": "text", "text": value}


def exact_result(record: Any) -> Iterator[Part | Text]:
    """The content of a result the model got: parts, and texts that were put together from several."""
    content = record.get("content") if type(record) is dict else record
    for item in content if type(content) is list else [content]:
        if type(item) is str:
            yield {"type": "text", "text": item}
            continue
        if type(item) is not dict:
            continue
        value = item.get("value", item.get("text"))
        image = image_part(item["data"], item.get("mimeType")) if "data" in item else None
        if image is not None:
            yield image
        elif type(value) is str:
            yield {"type": "text", "text": value}
        elif type(value) is dict and "node" in value:
            yield _prompt_text(value["node"])
        elif value is not None:
            yield {"type": "text", "text": jsonio.dumps(value).decode()}


def _prompt_text(node: Any) -> Text:
    """The text of a tree of prompt elements, as the model read it."""
    made = Text()
    stack = [node]
    while stack:
        node = stack.pop()
        if type(node) is not dict:
            continue
        text, children = node.get("text"), node.get("children")
        if node.get("type") == 2:
            if node.get("lineBreakBefore"):
                made.add("\n")
            if type(text) is str:
                made.add(text, text)
        elif node.get("ctor") == 3:
            made.add("<image>")
        elif type(children) is list:
            stack.extend(reversed(children))
    return made


def simplest(parts: list[Part]) -> str | list[Part]:
    """Parts as the content of a result: a string where they are one text."""
    if len(parts) == 1 and parts[0].get("type") == "text" and type(parts[0].get("text")) is str:
        return str(parts[0]["text"])
    return parts

"""The answer of a VS Code request as content parts.

``response`` is a list of parts for the screen. Markdown (no ``kind``) and links within a sentence are one text,
thinking and tool calls stand between, edits come wrapped in code fences (which go). Most other kinds only drive the
screen; they stay in the record. References come last, once the answer is complete: until then it only grows.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from chasm_git.providers.formats.vscode_content import Text, as_dict, as_list, text_of
from chasm_git.providers.formats.vscode_said import INVOCATION, response_of, stripped
from chasm_git.providers.formats.vscode_tools import (
    Call,
    Rounds,
    exact_result,
    is_error,
    model_name,
    shown_arguments,
    shown_result,
    simplest,
)
from chasm_git.providers.formats.vscode_uris import label_of, reference_to, uri_of
from chasm_git.session.model import Json, Part

_FENCE_BEHIND = re.compile(r"(?:\A|(?<=\n))`{3,}[^`\n]*\n?\s*\Z")
_FENCE_BEGUN = re.compile(r"(?:\A|(?<=\n))`+[^`\n]*\n?\s*\Z")
_LONGEST_FENCE = 80
_FENCE_BEFORE = re.compile(r"\A\s*`{3,}[ \t]*(?:\n|\Z)")
_MARKDOWN = ("markdownContent", "markdownVuln")
_NOTICES: dict[str, tuple[str, ...]] = {
    "warning": ("content",),
    "info": ("content",),
    "systemNotification": ("content",),
    "confirmation": ("title", "message"),
    "elicitationSerialized": ("title", "message"),
    "planReview": ("title", "content"),
}
"""Kinds that say something to the user besides the answer's text, and where."""


@dataclass(slots=True)
class _Item:
    """A part that will be in the answer, and what is to be told of its texts once its place is known."""

    part: Part
    texts: list[tuple[str, Text]] = field(default_factory=list)
    """Texts that were joined, by their place in the part."""
    arguments_text: str | None = None


class Answer:
    """Content of an answer, as `Builder.message` takes it: `parts`, `derived` and `json_texts`."""

    def __init__(self, request: dict[str, Any], *, complete: bool) -> None:
        self._complete = complete
        self._items: list[_Item] = []
        self._text = Text()
        self._references: dict[tuple[Any, ...], Part] = {}
        self._in_edit = False
        """Whether a code fence may be the frame of the edit just above."""
        self._after_tools = 0
        response, result = response_of(request), request.get("result")
        self._rounds = Rounds.of(result, response)
        self._waiting = deque(self._rounds.unshown())
        """Calls of the model that the screen does not show: each goes before the next one that it does."""
        self._told = 0
        """Rounds whose thinking and text are told."""
        self._thinks = any(text for text, _ in self._rounds.texts) and not any(map(_is_thought, response))
        self._speaks = not any(_markdown(part) for part in response)
        self._read(response)
        for failure in (as_dict(result).get("errorDetails"), request.get("responseErrorDetails")):
            self._fail(as_dict(failure))
        if complete:
            self._refer(request.get("contentReferences"))
            self._items += [_Item(part) for part in self._references.values()]
        self._settle()

    def _settle(self) -> None:
        self.parts: list[Part] = []
        self.derived: dict[str, Json] = {}
        self.json_texts: dict[str, str] = {}
        for number, item in enumerate(self._items):
            for place, text in item.texts:
                text.derived(f"content.{number}.{place}", self.derived)
            if item.arguments_text is not None:
                self.json_texts[f"content.{number}.arguments"] = item.arguments_text
            self.parts.append(item.part)

    def _read(self, response: list[Any]) -> None:
        for number, part in enumerate(response):
            kind = part.get("kind") if type(part) is dict else None
            text = _markdown(part) if kind is None or kind in _MARKDOWN else ""
            if text and not self._in_edit and "`" not in text[-_LONGEST_FENCE:]:
                self._text.add(text, text)
            elif text:
                self._markdown(text, self._fence_behind(response, number))
            elif kind is not None:
                self._part(kind, part)
        self._close()
        behind = self._items[self._after_tools :]
        del self._items[self._after_tools :]
        while self._waiting:
            self._exact(self._waiting.popleft(), None)
        self._tell(len(self._rounds.texts))
        self._items += behind

    def _fence_behind(self, response: list[Any], number: int) -> re.Pattern[str] | None:
        """What ends a text without being part of it: the fence of an edit, or of one that may still come."""
        for part in response[number + 1 : number + 3]:
            kind = part.get("kind") if type(part) is dict else None
            if kind != "undoStop":
                edits = kind in ("textEditGroup", "notebookEditGroup") or (
                    kind == "codeblockUri" and part.get("isEdit")
                )
                return _FENCE_BEHIND if edits else None
        return _FENCE_BEGUN if not self._complete and number == len(response) - 1 else None

    def _part(self, kind: Any, part: dict[str, Any]) -> None:
        if kind == "inlineReference":
            self._inline(part)
        elif kind == "thinking":
            self._think(part.get("value"))
        elif kind == INVOCATION:
            self._invocation(part)
        elif kind in ("textEditGroup", "notebookEditGroup"):
            self._edit(part.get("uri"), edits=part.get("edits"))
        elif kind == "externalEdit":
            self._edit(part.get("uri"), part.get("originalUri"), kind=part.get("editKind"), diff=part.get("diff"))
        elif kind == "workspaceEdit":
            for edit in map(as_dict, as_list(part.get("edits"))):
                self._workspace_edit(edit.get("oldResource"), edit.get("newResource"))
        elif kind == "codeblockUri":
            self._in_edit = bool(part.get("isEdit"))
        elif kind == "references":
            self._refer(part.get("references"))
        elif type(kind) is str and kind in _NOTICES:
            text = "\n".join(said for key in _NOTICES[kind] if (said := text_of(part.get(key))))
            if text.strip():
                self._add({"type": "text", "text": text})

    def _markdown(self, text: str, fence: re.Pattern[str] | None) -> None:
        piece, before, behind = text, "", ""
        if self._in_edit and (found := _FENCE_BEFORE.match(piece)):
            before, piece = found[0], piece[found.end() :]
        if fence is not None and (found := fence.search(piece)):
            piece, behind = piece[: found.start()], found[0]
        self._in_edit = False
        self._text.add(piece, text, before, behind)

    def _inline(self, part: dict[str, Any]) -> None:
        name, target = part.get("name"), part.get("inlineReference")
        symbol = target.get("name") if type(target) is dict else None
        reference = reference_to(target, symbol)
        self._in_edit = False
        if type(name) is str and name:
            self._text.add(name)
        elif type(symbol) is str and symbol:
            self._text.add(symbol)
        elif reference is not None:
            self._text.add(label_of(reference))
        self._point(reference)

    def _close(self) -> None:
        """End the text that is open."""
        text = str(self._text)
        if text.strip():
            self._items.append(_Item({"type": "text", "text": text}, [("text", self._text)]))
        self._text = Text()

    def _add(self, part: Part, *texts: tuple[str, Text], arguments_text: str | None = None) -> None:
        self._close()
        self._in_edit = False
        self._items.append(_Item(part, list(texts), arguments_text))

    def _think(self, value: Any) -> None:
        text = Text()
        for piece in value if type(value) is list else [value]:
            if type(piece) is str:
                text.add(piece, piece)
        if str(text):
            self._add({"type": "thinking", "text": str(text)}, ("text", text))

    def _invocation(self, part: dict[str, Any]) -> None:
        self._close()
        call = self._rounds.joined(part)
        if call is not None:
            while self._waiting and self._waiting[0].number < call.number:
                self._exact(self._waiting.popleft(), None)
            self._exact(call, part)
        else:
            key = stripped(part.get("toolCallId"))
            arguments, text = shown_arguments(part)
            self._call(key, model_name(part.get("toolId")), arguments, text)
            self._result(key, shown_result(part), is_error(part))
        self._after_tools = len(self._items)

    def _exact(self, call: Call, shown: dict[str, Any] | None) -> None:
        """A call as the model made it, and what it got for it."""
        self._tell(call.round + 1)
        self._call(call.id, call.name, call.arguments, call.arguments_text)
        failed = shown is not None and is_error(shown)
        if call.result is None:
            self._result(call.id, shown_result(shown) if shown is not None else None, failed)
            return
        parts: list[Part] = []
        texts: list[tuple[str, Text]] = []
        for made in exact_result(call.result):
            if isinstance(made, Text):
                texts.append((f"content.{len(parts)}.text", made))
                made = {"type": "text", "text": str(made)}
            parts.append(made)
        content = simplest(parts)
        if isinstance(content, str):
            texts = [("content", text) for _, text in texts]
        self._result(call.id, content, failed, *texts)

    def _tell(self, rounds: int) -> None:
        """Thinking and text of the model up to a round, where the screen shows none at all."""
        for thinking, text in self._rounds.texts[self._told : rounds]:
            if self._thinks:
                self._think(thinking)
            if self._speaks and type(text) is str and text.strip():
                self._add({"type": "text", "text": text})
        self._told = max(self._told, rounds)

    def _call(self, key: str, name: str, arguments: Json, text: str | None) -> None:
        self._add({"type": "tool_call", "id": key, "name": name, "arguments": arguments}, arguments_text=text)

    def _result(self, key: str, content: str | list[Part] | None, failed: bool, *texts: tuple[str, Text]) -> None:
        if content is None and not failed:
            return
        part: Part = {"type": "tool_result", "id": key, "content": content or ""}
        if failed:
            part["is_error"] = True
        self._add(part, *texts)

    def _edit(self, target: Any, origin: Any = None, **known: Any) -> None:
        uri = uri_of(target) or uri_of(origin)
        if uri is None:
            return
        part: Part = {"type": "edit", "uri": uri}
        old = uri_of(origin)
        if old is not None and old != uri:
            part["old_uri"] = old
        for key, value in known.items():
            if (type(value) is str or type(value) is list) and value:
                part[key] = value
        self._add(part)
        self._in_edit = True

    def _workspace_edit(self, old: Any, new: Any) -> None:
        kind = "delete" if new is None else "create" if old is None else "rename"
        self._edit(new if new is not None else old, old, kind=kind)

    def _fail(self, details: dict[str, Any]) -> None:
        text, code = text_of(details.get("message")), details.get("code")
        if text or type(code) is str:
            part: Part = {"type": "error", "text": text}
            if type(code) is str:
                part["code"] = code
            self._add(part)

    def _refer(self, listed: Any) -> None:
        """Note what the answer points to, once each."""
        for item in as_list(listed):
            target = item.get("reference", item) if type(item) is dict else item
            if type(target) is dict and "variableName" in target:
                target = target.get("value")
            self._point(reference_to(target))

    def _point(self, part: Part | None) -> None:
        if part is not None:
            lines = part.get("range")
            self._references.setdefault((part["uri"], lines and lines[0], lines and lines[1]), part)


def _markdown(part: Any) -> str:
    """The text of a part that is Markdown; "" for any other."""
    if type(part) is str:
        return part
    if type(part) is not dict:
        return ""
    kind = part.get("kind")
    if kind is None:
        value = part.get("value")
        return value if type(value) is str else ""
    return text_of(part.get("content")) if kind in _MARKDOWN else ""


def _is_thought(part: Any) -> bool:
    value = part.get("value") if type(part) is dict and part.get("kind") == "thinking" else None
    return any(type(piece) is str and piece for piece in (value if type(value) is list else [value]))

"""The universal form: a session the way a person thinks of it, as one JSON document for programs of every kind.

A session file has one message per record of the provider. Here one model answer is one message however many records it
took, each tool call carries its result, bookkeeping is left out, and token counts are added up. It is a view: nothing
reads it back, so it may leave out what only the provider cares for.

::

    {id, title, provider, workspace, created_at, updated_at, parent, forked_from, tags, git, notes?: [text],
     messages: [{id, role, content, timestamp, model, thinking: [text], references: [{uri, ...}],
                 tool_calls: [{id, name, arguments, result, is_error, images?}],
                 images?, files?, edits?, injected?, sidechain?, inactive?, status?, error?, tool_call_id?, variants?}],
     metadata: {model, models, total_tokens: {input, output}, usage, files_referenced}}

Keys with ``?`` are there only when they say something. A result whose call is nowhere is a message of role ``tool``.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from chasm_git.session import attachments
from chasm_git.session.model import Json, Message, Part, Session
from chasm_git.session.readable import display_title, files_in, name_of, notes_of, parts, resolved, text_of

_FLAGS = ("injected", "sidechain", "inactive")


def universal(session: Session, load: attachments.Load | None = None) -> dict[str, Json]:
    """The universal form of `session`, a JSON value.

    Args:
        session: with its messages in file order.
        load: gives attachments by name. Without it, and for those that are missing, their preview stands instead,
            with a line that says how much is left out.
    """
    view = _View(load)
    for message in session.messages:
        view.add(message)
    messages = view.finish()
    return {
        "id": session.id,
        "title": display_title(session),
        "provider": session.provider,
        "workspace": session.workspace,
        "created_at": session.created_at,
        "updated_at": updated_at(session),
        "parent": session.parent,
        "forked_from": session.forked_from,
        "tags": list(session.tags),
        "git": session.git,
        **({"notes": notes} if (notes := notes_of(session)) else {}),
        "messages": messages,
        "metadata": _metadata(view, messages),
    }


def updated_at(session: Session) -> str | None:
    """Time of the latest message; None where no message has one."""
    return max((m.timestamp for m in session.messages if isinstance(m.timestamp, str)), default=None)


class _View:
    """Builds the messages in one pass; results wait for their calls, calls for their results."""

    def __init__(self, load: attachments.Load | None) -> None:
        self.load = load
        self.messages: list[dict[str, Json]] = []
        self.usage: dict[tuple[str, ...], dict[str, Json]] = {}
        self.files: dict[str, None] = {}
        self.models: dict[str, None] = {}
        self._answers: dict[tuple[Any, ...], dict[str, Json]] = {}
        """Model answers that further records may belong to."""
        self._waiting: dict[str, list[tuple[dict[str, Json], dict[str, Json]]]] = {}
        """Calls without a result yet, each with the message it stands in, by id, in order."""
        self._orphans: dict[str, list[dict[str, Json]]] = {}
        self._adopted: set[int] = set()
        """Identities of the orphans that found their call: they are kept in `messages` until the end."""

    def add(self, message: Message) -> None:
        """Take in one record."""
        if message.deleted:
            return
        if type(message.usage) is dict:
            key = ("turn", message.turn) if message.turn is not None else ("id", message.id)
            self.usage[key] = message.usage
        if message.model:
            self.models[message.model] = None
        if message.role == "event":
            self._errors_of(message)
            return
        if message.role == "user" and not message.injected:
            self._answers = {key: made for key, made in self._answers.items() if key[1] != message.sidechain}
        made = self._answer(message)
        new = made is None
        if made is None:
            made = _blank(message)
        self._fill(made, message)
        if message.variants:
            made.setdefault("variants", []).extend(self._variant(message, body) for body in message.variants)
        if new and (_says_something(made) or not (message.role == "tool" or _holds_results(message))):
            self.messages.append(made)
            if message.role == "assistant" and message.turn is not None:
                self._answers[_answer_key(message)] = made

    def finish(self) -> list[dict[str, Json]]:
        """The messages, without the results that found their call after all."""
        return [made for made in self.messages if id(made) not in self._adopted]

    def _answer(self, message: Message) -> dict[str, Json] | None:
        """The model answer this record continues."""
        if message.role != "assistant" or message.turn is None:
            return None
        made = self._answers.get(_answer_key(message))
        if made is not None:
            made["model"] = made["model"] or message.model
            if message.status is not None:
                made["status"] = message.status
        return made

    def _fill(self, made: dict[str, Json], message: Message) -> None:
        """Add the parts of a record to the message it belongs to."""
        for part in parts(message):
            kind = part.get("type")
            if kind == "tool_result":
                self._result(part, message)
            elif kind == "tool_call":
                self._call(made, part, message)
            else:
                self._part(made, kind, part)

    def _part(self, made: dict[str, Json], kind: Json, part: Part) -> None:
        if kind == "text":
            _join(made, "content", self._text(part.get("text")))
        elif kind == "thinking":
            if text := self._text(part.get("text")):
                made["thinking"].append(text)
        elif kind == "error":
            _join(made, "error", self._error(part))
        elif kind == "reference":
            made["references"].append(self._without_type(part))
            self._mention(part.get("uri"))
        elif kind == "edit":
            made.setdefault("edits", []).append(self._without_type(part))
            self._mention(part.get("uri"))
        elif kind in ("image", "file"):
            made.setdefault(f"{kind}s", []).append(name_of(part))
            self._mention(part.get("uri"))
        else:
            _join(made, "content", self._text(part.get("text", part)))

    def _call(self, made: dict[str, Json], part: Part, message: Message) -> None:
        arguments = resolved(part.get("arguments"), self.load)
        call = {
            "id": part.get("id"),
            "name": part.get("name"),
            "arguments": arguments,
            "result": None,
            "is_error": False,
        }
        made["tool_calls"].append(call)
        for path in files_in(arguments):
            self._mention(path)
        key = _call_key(message, call["id"])
        if key is None:
            return
        if self._orphans.get(key):
            early = self._orphans[key].pop(0)
            self._adopted.add(id(early))
            call.update(result=early["content"], is_error=early["is_error"])
            if "images" in early:
                call["images"] = early["images"]
        else:
            self._waiting.setdefault(key, []).append((made, call))

    def _result(self, part: Part, message: Message) -> None:
        """Give a result to its call; of several with one id, to the first that waits in the latest message."""
        text, images = self._result_text(part.get("content"))
        is_error = bool(part.get("is_error"))
        key = _call_key(message, part.get("id"))
        waiting = self._waiting.get(key) if key is not None else None
        if waiting:
            latest = waiting[-1][0]
            _, call = waiting.pop(next(n for n, (owner, _) in enumerate(waiting) if owner is latest))
            call.update(result=text, is_error=is_error)
            if images:
                call["images"] = images
            return
        orphan = _blank(message) | {"role": "tool", "content": text, "is_error": is_error}
        orphan["tool_call_id"] = part.get("id")
        if images:
            orphan["images"] = images
        self.messages.append(orphan)
        if key is not None:
            self._orphans.setdefault(key, []).append(orphan)

    def _result_text(self, content: Json) -> tuple[str, list[str]]:
        """A result as text, and the names of the images in it."""
        if type(content) is not list:
            return self._text(content), []
        texts: list[str] = []
        images: list[str] = []
        for part in content:
            if type(part) is dict and part.get("type") in ("image", "file"):
                images.append(name_of(part))
            else:
                texts.append(self._text(part.get("text", part) if type(part) is dict else part))
        return "\n\n".join(text for text in texts if text), images

    def _errors_of(self, message: Message) -> None:
        """Bookkeeping is left out, but not the errors it tells of."""
        for part in parts(message):
            if part.get("type") == "error":
                self.messages.append(_blank(message) | {"error": self._error(part)})

    def _error(self, part: Part) -> str:
        text = self._text(part.get("text"))
        code = part.get("code")
        return text or (str(code) if code is not None else "unknown error")

    def _variant(self, message: Message, body: Json) -> dict[str, Json]:
        """Another body of a message, which lost a merge: only what it says."""
        content = body.get("content", "") if type(body) is dict else body
        other = Message(message.id, message.role, content=content if isinstance(content, str | list) else [content])
        inner = _View(self.load)
        made = _blank(other)
        inner._fill(made, other)
        results = [orphan["content"] for orphan in inner.messages]
        said = "\n\n".join(text for text in [made["content"], *results, made.get("error")] if text)
        return {"content": said, "thinking": made["thinking"], "tool_calls": made["tool_calls"]}

    def _text(self, value: Json) -> str:
        return text_of(value, self.load)

    def _without_type(self, part: Part) -> dict[str, Json]:
        return {key: resolved(value, self.load) for key, value in part.items() if key != "type"}

    def _mention(self, uri: Json) -> None:
        if isinstance(uri, str) and uri and not uri.startswith("data:"):
            self.files[uri.removeprefix("file://")] = None


def _blank(message: Message) -> dict[str, Json]:
    made: dict[str, Json] = {
        "id": message.id,
        "role": message.role,
        "content": "",
        "timestamp": message.timestamp,
        "model": message.model,
        "thinking": [],
        "tool_calls": [],
        "references": [],
    }
    made.update((name, True) for name in _FLAGS if getattr(message, name))
    if message.status is not None:
        made["status"] = message.status
    return made


def _answer_key(message: Message) -> tuple[Any, ...]:
    return message.turn, message.sidechain, message.inactive, message.file, _origin(message)


def _call_key(message: Message, identity: Json) -> str | None:
    """What tells a tool call from others: in a merged session two that it was made of may use the same ids."""
    if not isinstance(identity, str):
        return None
    origin = _origin(message)
    return identity if origin is None else f"{origin}\n{identity}"


def _origin(message: Message) -> str | None:
    """The session a message of a merged session is from: see `combine`."""
    listed = message.extra.get("from")
    first = listed[0] if type(listed) is list and listed else None
    return f"{first.get('provider')}/{first.get('session')}" if type(first) is dict else None


def _says_something(made: dict[str, Json]) -> bool:
    return any(
        made.get(key) for key in ("content", "thinking", "tool_calls", "references", "error", "variants")
    ) or any(key in made for key in ("images", "files", "edits"))


def _holds_results(message: Message) -> bool:
    return any(part.get("type") == "tool_result" for part in parts(message))


def _join(made: dict[str, Json], key: str, text: str) -> None:
    """Texts of one message stand below each other with an empty line between."""
    if text:
        made[key] = f"{made[key]}\n\n{text}" if made.get(key) else text


def _metadata(view: _View, messages: list[dict[str, Json]]) -> dict[str, Json]:
    """Models in the order of their first mention (the one with most messages is the session's), and the totals."""
    said = Counter(message["model"] for message in messages)
    total: Counter[str] = Counter()
    for usage in view.usage.values():
        for key, value in usage.items():
            if type(value) in (int, float):
                total[key] += value
    return {
        "model": max(view.models, key=lambda name: said[name], default=None),
        "models": list(view.models),
        "total_tokens": {"input": total["input_tokens"], "output": total["output_tokens"]},
        "usage": dict(total),
        "files_referenced": list(view.files),
    }

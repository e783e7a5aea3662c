"""Gemini CLI's chat recordings: messages, and the log of their changes that newer versions write.

A message is one object, written anew whenever more of it is known: its tool calls, what they gave back. In a log each
of these is a row; so that nothing is said twice, the message a row becomes holds only what is new in it. ::

    {"sessionId":…,"projectHash":…,"startTime":…}     header; another one on each resume
    {"id":…,"type":…,"content":…}                     a message, or the same one again with more in it
    {"$set":{"lastUpdated":…}}                        a change of the header
    {"$set":{"messages":[…]}}                         what the model is to see from now on
    {"$rewindTo":ID}                                  that message and all that follow are taken back

What the model sees is not what was said: it is compacted, and folded on resume. So a list of messages takes nothing
back; it only adds what nobody said before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chasm_git.providers.formats.gemini_parts import parts_of, result_of, typed
from chasm_git.providers.reading.document import line_of
from chasm_git.providers.reading.transcript import Transcript
from chasm_git.providers.reading.values import as_dict, as_list, identity, origin_id, plain, scoped_id, text, tokens
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Message, Part, Session
from chasm_git.session.native import slice_of
from chasm_git.session.times import iso

_ANSWERS = frozenset({"gemini", "model", "assistant", "qwen"})
_NOTES = frozenset({"info", "warning"})


@dataclass(slots=True)
class _Said:
    """What a message has said so far."""

    keys: set[tuple[str, str]] = field(default_factory=set)
    messages: list[Message] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    """Ids it is known by; none any more: it was taken back."""


def fields_of(record: dict[str, Any]) -> dict[str, Any]:
    """The fields of the message a record becomes; ``content`` is a list of parts."""
    kind = record.get("type")
    if kind == "user":
        return _prompt(record)
    if type(kind) is str and kind in _ANSWERS:
        return _answer(record)
    if type(kind) is str and kind in _NOTES:
        return {"role": "system", "content": parts_of(record.get("content"))}
    if kind == "error":
        errors = [{"type": "error", "text": part["text"]} for part in parts_of(record.get("content")) if "text" in part]
        return {"role": "event", "content": errors, "status": "failed"}
    return {"role": "event", "content": []}


def _prompt(record: dict[str, Any]) -> dict[str, Any]:
    """What the user typed: without the files it names, which the client spells out for the model."""
    parts = parts_of(record.get("displayContent")) or parts_of(record.get("content"))
    if parts and all(part["type"] == "tool_result" for part in parts):
        return {"role": "tool", "content": parts}
    kept, is_injected = typed(parts)
    return {"role": "user", "content": kept} | ({"injected": True} if is_injected else {})


def _answer(record: dict[str, Any]) -> dict[str, Any]:
    parts: list[Part] = []
    derived: dict[str, Json] = {}
    for thought in as_list(record.get("thoughts")):
        parts.append(_thought(as_dict(thought), f"content.{len(parts)}.text", derived))
    parts += parts_of(record.get("content")) or parts_of(record.get("parts"))
    known = {part.get("id") for part in parts if part["type"] == "tool_call"}
    for call in as_list(record.get("toolCalls")):
        if type(call) is dict:
            parts += [part for part in _call(call) if part["type"] != "tool_call" or part.get("id") not in known]
    fields: dict[str, Any] = {"role": "assistant", "content": parts, "derived": derived}
    if model := text(record.get("model")):
        fields["model"] = model
    if usage := tokens(record.get("tokens"), "input", "output"):
        fields["usage"] = usage
    return fields


def _thought(thought: dict[str, Any], place: str, derived: dict[str, Json]) -> Part:
    """A thought as the client itself writes it for the model: its subject in bold, then what it is about."""
    subject, description = text(thought.get("subject")), text(thought.get("description"))
    if subject is None or description is None:
        return {"type": "thinking", "text": f"**{subject}**" if subject is not None else description or ""}
    said = f"**{subject}** {description}"
    derived[description] = slice_of(place, len(said) - len(description), len(said))
    return {"type": "thinking", "text": said}


def _call(call: dict[str, Any]) -> list[Part]:
    """A tool call and, where it has ended, what it gave back."""
    part: Part = {"type": "tool_call"}
    part.update((key, value) for key in ("id", "name") if type(value := call.get(key)) is str)
    made = [part | {"arguments": call.get("args")}]
    given = parts_of(call.get("result"))
    results = [item for item in given if item["type"] == "tool_result"]
    shown = text(call.get("resultDisplay"))
    if not results and (given or shown):
        results = [result_of({"id": call.get("id"), "response": shown})]
    if not results:
        return made
    first, *others = results
    first = first | {"id": part["id"]} if "id" in part else first
    if carried := [item for item in given if item["type"] in ("image", "file", "text")]:
        first = first | {"content": [{"type": "text", "text": first["content"]}, *carried]}
    if call.get("status") in ("error", "cancelled"):
        first = first | {"is_error": True}
    return [*made, first, *others]


def _key(part: Part) -> tuple[str, str]:
    """What makes a part the same when it is met again."""
    kind = part["type"]
    if kind in ("tool_call", "tool_result"):
        return kind, str(part.get("id", part.get("arguments", part.get("content"))))
    return kind, str(part.get("text", part.get("data", part.get("uri")))).strip()


class Log(Transcript):
    """The rows of a recording that is a log."""

    def __init__(self, path: Path, session: Session) -> None:
        super().__init__(path, session)
        self.project: str | None = None
        """Hash of the folder the session was held in."""
        self.directories: list[Any] = []
        self._known: dict[str, _Said] = {}
        """What the messages said that stand, by id; a message that repeats another one shares what it said."""
        self._saying: dict[tuple[str, str], list[_Said]] = {}
        """Which messages said a part."""
        self._order: list[str] = []
        """Ids of the messages as a replay of the log would have them."""
        self._listed: set[str] = set()
        self._results: set[str] = set()
        """Tool calls that have their result: it stands with the call, and again as the client's answer to the model."""

    def take(self, record: dict[str, Any], line: bytes | None) -> None:
        """Add what a row says."""
        change = record.get("$set")
        if type(target := record.get("$rewindTo")) is str:
            self._rewind(target)
            self.keep(record, line)
        elif type(record.get("id")) is str:
            self._message(record, line, record)
        elif type(change) is dict:
            self._facts(change)
            self._list(record, line, change)
        else:
            self._header(record)
            self._list(record, line, record)

    def _header(self, record: dict[str, Any]) -> None:
        if not self.builder.messages:
            self.session.id = identity(record.get("sessionId")) or self.session.id
        self.project = self.project or text(record.get("projectHash"))
        self.session.forked_from = self.session.forked_from or origin_id(record)
        self._facts(record)

    def _facts(self, record: dict[str, Any]) -> None:
        self.session.title = text(record.get("summary")) or self.session.title
        self.directories += as_list(record.get("directories"))

    def _message(self, record: dict[str, Any], line: bytes | None, item: dict[str, Any]) -> None:
        """Add what is new in a message.

        Args:
            record: the row it stands in.
            item: the message itself.
        """
        key: str = item["id"]
        fields = fields_of(item)
        new, supersedes = self._news(key, fields)
        if supersedes:
            for message in self._forget(key).messages:
                message.inactive = message.role != "event"
        parts = fields["content"]
        fields["content"] = plain(new)
        if len(new) < len(parts):
            fields.pop("derived", None)  # its places have moved
        if not new and parts:
            fields["role"] = "event"
            fields.pop("injected", None)
        if "derived" in fields and fields["role"] == "event":
            del fields["derived"]
        if fields.get("role") == "assistant" or "usage" in fields:
            fields["turn"] = identity(key)
        usable = None if fields.get("injected") else identity(key)
        made = self.keep(record, line, id=usable, time=iso(item.get("timestamp")), **fields)
        said = self._known.get(key) or self._learn(key, _Said())
        for name in {_key(part) for part in parts} - said.keys:
            said.keys.add(name)
            self._saying.setdefault(name, []).append(said)
        said.messages.append(made)
        if key not in self._listed:
            self._listed.add(key)
            self._order.append(key)
        self._results |= {name for kind, name in said.keys if kind == "tool_result"}

    def _news(self, key: str, fields: dict[str, Any]) -> tuple[list[Part], bool]:
        """The parts of a message that were not said yet, and whether what it said before is no longer in it."""
        known = self._known.get(key)
        parts = [part for part in fields["content"] if not self._is_answered(part)]
        if known is None:
            return parts, False
        said = {_key(part) for part in fields["content"]}
        lost = {name for name in known.keys - said if name[0] not in ("tool_result", "thinking")}
        if lost:
            return parts, True
        return [part for part in parts if _key(part) not in known.keys], False

    def _is_answered(self, part: Part) -> bool:
        return part["type"] == "tool_result" and part.get("id") in self._results

    def _list(self, record: dict[str, Any], line: bytes | None, holder: dict[str, Any]) -> None:
        """A row that may hold a list of messages: what they say that nobody said before."""
        listed = holder.get("messages")
        items = [self._identified(item) for item in as_list(listed) if type(item) is dict]
        new = [item for item in items if self._is_new(item)]
        if len(new) == 1:
            self._message(record, line, new[0])
        else:
            self.keep(record, line, time=iso(holder.get("startTime", holder.get("lastUpdated"))))
            is_stored, self._is_stored = self._is_stored, False
            for item in new:
                self._message(item, None, item)
            self._is_stored = is_stored
        if type(listed) is list:
            self._order = list(dict.fromkeys(item["id"] for item in items))
            self._listed = set(self._order)

    def _identified(self, item: dict[str, Any]) -> dict[str, Any]:
        return item if type(item.get("id")) is str else item | {"id": scoped_id(self.session.id, item)}

    def _is_new(self, item: dict[str, Any]) -> bool:
        """Whether a message of a list says something; one that repeats another is known by its id from now on."""
        key, fields = item["id"], fields_of(item)
        if key in self._known:
            return bool(self._news(key, fields)[0])
        parts = [part for part in fields["content"] if not self._is_answered(part)]
        if not parts:
            return False
        keys = {name for part in parts if (name := _key(part))[0] not in ("thinking", "tool_result")}
        for said in self._candidates(keys):
            if keys <= said.keys and said.messages and said.messages[0].role == fields["role"]:
                self._learn(key, said)
                return False
        return True

    def _candidates(self, keys: set[tuple[str, str]]) -> list[_Said]:
        """The messages that stand and said the rarest of some parts."""
        if not keys:
            return []
        rarest = min(keys, key=lambda name: (len(self._saying.get(name, ())), name))
        found = self._saying[rarest] = [said for said in self._saying.get(rarest, ()) if said.names]
        return found

    def _learn(self, key: str, said: _Said) -> _Said:
        self._known[key] = said
        said.names.add(key)
        return said

    def _forget(self, key: str) -> _Said:
        said = self._known.pop(key)
        said.names.discard(key)
        return said

    def _rewind(self, target: str) -> None:
        """What came from that message on is no longer part of the conversation; an unknown one takes back all.

        The one place, besides a message that says something else than before, where a row changes what is above it.
        """
        start = self._order.index(target) if target in self._listed else 0
        left, self._order = self._order[start:], self._order[:start]
        self._listed = set(self._order)
        standing = {id(self._known[key]) for key in self._order if key in self._known}
        for key in left:
            said = self._forget(key) if key in self._known else None
            for message in said.messages if said is not None and id(said) not in standing else ():
                message.inactive = message.role != "event"


def add_items(builder: Builder, session: Session, items: list[Any]) -> None:
    """Add the messages of a recording that is one object."""
    answered: set[str] = set()
    for item in items:
        record = as_dict(item)
        fields = fields_of(record)
        parts = [p for p in fields["content"] if p["type"] != "tool_result" or p.get("id") not in answered]
        answered |= {part["id"] for part in parts if part["type"] == "tool_result" and "id" in part}
        if len(parts) < len(fields["content"]):
            fields.pop("derived", None)
            if not parts:
                fields["role"] = "event"
        fields["content"] = plain(parts)
        time = iso(record.get("timestamp"))
        key = None if fields.get("injected") and time is not None else identity(record.get("id"))
        if key is None and time is None:
            key = scoped_id(session.id, item)
        if "usage" in fields:
            fields["turn"] = key
        builder.message(item, id=key, timestamp=time, line=line_of(item), **fields)

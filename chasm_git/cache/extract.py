"""A session file as the cache keeps it: its summary, a line per message, and its text in chunks by kind.

A chunk holds the texts of one kind (what the user typed, say) of consecutive messages, about `CHUNK` characters. Texts
are put in greedily, so that a session that grew has the same chunks as before but for the last of each kind.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from chasm_git.archive.plumbing.objects import compress
from chasm_git.cache.kept import KINDS, Chunk, Text
from chasm_git.cache.text import joined_terms
from chasm_git.session import attachments, blocks, codec, jsonio
from chasm_git.session.header import alternatives
from chasm_git.session.model import Json, Message, Session
from chasm_git.session.readable import files_in, name_of, notes_of, parts
from chasm_git.session.summary import Summary, counted, summarize, summarize_blocks

CHUNK = 32 * 1024
_LONGEST = 256 * 1024
"""Characters of one text that stand in one chunk; a longer one is cut, with `_OVERLAP` in both pieces."""
_OVERLAP = 4096
_HOUR = re.compile(r"\d{4}-\d\d-\d\dT\d\d:")
_NATIVE = b"\n  native:"
_LATER = (b"\n  variants:", b"\n  replaced:")

Held = Mapping[tuple[int, int], bytes]
"""Digests of chunks by kind and sequence."""
LoadText = Callable[[str], bytes | None]
"""Gives an attachment by name; None where it is missing."""


@dataclass(slots=True)
class Document:
    """A session as the cache keeps it."""

    path: str
    blob: str
    summary: Summary
    records: bytes = b""
    """Deflated JSON: ``[[id, role, time, model, kinds of its texts], ...]``."""
    models: list[str] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    has_error: bool = False
    missing: bool = False
    """Whether a text attachment was not there."""
    chunks: list[Chunk] = field(default_factory=list)
    activity: list[tuple[str, str, int, int, int]] = field(default_factory=list)
    """Hour (``2026-01-08T12``, UTC), model ("" where one of them is not known), messages, tokens in, tokens out."""
    calls: list[tuple[str, int, int]] = field(default_factory=list)
    """Tool, calls, results that were errors."""


class Unread(NamedTuple):
    """A session file that cannot be read."""

    path: str
    blob: str
    reason: str


def document(path: str, blob: str, data: bytes, load: LoadText, held: Held = MappingProxyType({})) -> Document | Unread:
    """A session file as the cache keeps it.

    Args:
        held: the chunks the cache has of it; of those that are the same the content is not made again.
    """
    try:
        summary, header, messages = _read(data)
    except (codec.CodecError, ValueError) as error:
        return Unread(path, blob, str(error))
    return _Extraction(Document(path, blob, summary), load, held).run(header, messages)


def _read(data: bytes) -> tuple[Summary, Session, list[Message]]:
    """Summary, header and messages of a file, these without what is left out unparsed (`_said`)."""
    try:
        head, listed = blocks.split(data)
        header = codec.loads_header(head)
        summary = summarize_blocks(header, listed)
        messages: list[Message] = []
        for block in listed:
            messages.append(codec.loads_message(_said(block), messages[-1].id if messages else None))
    except (codec.CodecError, ValueError):
        session = codec.loads(data)
        return summarize(data), session, session.messages
    if len({message.id for message in messages}) != len(messages):
        messages = codec.loads(data).messages
    return summary, header, messages


def _said(block: bytes) -> bytes:
    """A message's block without ``native``, which is most of it and stands elsewhere once more or is for machines."""
    at = block.rfind(_NATIVE)
    if at < 0 or any(block.find(name, at) >= 0 for name in _LATER):
        return block
    return block[:at]


class _Extraction:
    """Works through one session."""

    def __init__(self, made: Document, load: LoadText, held: Held) -> None:
        self._made = made
        self._held = held
        self._load = load
        self._tools: dict[str, str] = {}
        """Id of a call -> name of its tool."""
        self._names: dict[str, None] = {}
        self._calls: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._models: dict[str, None] = {}
        self._files: set[str] = set()
        self._number = 0

    def run(self, header: Session, messages: list[Message]) -> Document:
        made = self._made
        by_kind: list[list[Text]] = [[] for _ in KINDS]
        for kind, said in _about(header, made.summary):
            by_kind[kind].append(Text(kind, 0, None, said))
        records: list[list[Any]] = []
        for number, message in enumerate(messages):
            self._number = number
            kinds = 0
            if not message.deleted:
                if message.model is not None:
                    self._models[message.model] = None
                for text in self._texts(message):
                    if text.text:
                        by_kind[text.kind].append(text)
                        kinds |= 1 << text.kind
            records.append([message.id, message.role, message.timestamp, message.model, kinds])
        made.records = compress(jsonio.dumps(records))
        made.activity = activity(messages)
        made.calls = [(name, self._calls[name], self._errors[name]) for name in self._names]
        made.models, made.tools = list(self._models), list(self._names)
        for kind, texts in enumerate(by_kind):
            made.chunks += _chunks(kind, texts, self._held)
        return made

    def _texts(self, message: Message) -> Iterator[Text]:
        yield from self._of_parts(message, parts(message))
        for body in (*message.variants, *message.replaced):
            content = body.get("content", "") if type(body) is dict else body
            other = Message(message.id, message.role, content=content if type(content) in (str, list) else [content])
            yield from self._of_parts(other, parts(other))

    def _of_parts(self, message: Message, listed: Iterator[dict[str, Json]]) -> Iterator[Text]:
        said = 6
        if not message.injected:
            said = {"user": 1, "assistant": 2, "tool": 5}.get(message.role, 6)
        for part in listed:
            kind = part.get("type")
            if kind == "text" and type(part.get("text")) is str:
                yield self._text(said, part["text"])
            elif kind == "tool_call":
                yield from self._call(part)
            elif kind == "tool_result":
                identity = part.get("id")
                tool = self._tools.get(identity) if type(identity) is str else None
                if part.get("is_error"):
                    self._made.has_error = True
                    self._errors[tool or ""] += 1
                yield self._text(5, self._all_of(part.get("content")), tool)
            elif kind == "thinking":
                yield self._text(3, self._all_of(part.get("text")))
            elif kind == "error":
                self._made.has_error = True
                yield self._text(said, self._all_of([part.get("text"), part.get("code")]))
            elif kind in ("image", "file", "reference", "edit"):
                yield from self._carried(kind, part)
            else:
                yield self._text(said, self._all_of({name: it for name, it in part.items() if name != "type"}))

    def _call(self, part: dict[str, Json]) -> Iterator[Text]:
        name = part.get("name") if type(part.get("name")) is str else None
        if name:
            self._names[name] = None
            self._calls[name] += 1
            if type(part.get("id")) is str:
                self._tools[part["id"]] = name
        arguments = part.get("arguments")
        yield self._text(4, "\n".join(text for text in (name, self._all_of(arguments)) if text), name)
        for path in files_in(arguments):
            yield from self._file(path)

    def _carried(self, kind: str, part: dict[str, Json]) -> Iterator[Text]:
        for name in ("uri", "old_uri"):
            if type(part.get(name)) is str and not part[name].startswith("data:"):
                yield from self._file(part[name])
        if kind in ("image", "file"):
            yield from self._file(name_of(part))
            data = part.get("data")
            if attachments.is_reference(data):
                yield self._text(6, self._all_of(data))
        else:
            rest = {name: value for name, value in part.items() if name not in ("type", "uri", "old_uri")}
            yield self._text(4 if kind == "edit" else 7, self._all_of(rest))

    def _file(self, path: str) -> Iterator[Text]:
        if path not in self._files:  # one mention is enough to find the session
            self._files.add(path)
            yield self._text(7, path)

    def _text(self, kind: int, text: str, tool: str | None = None) -> Text:
        return Text(kind, self._number, tool, text)

    def _all_of(self, value: Json) -> str:
        """Every text in a value, a line each; attachments put back."""
        if type(value) is str:
            return value
        found: list[str] = []
        self._collect(value, found)
        return "\n".join(found)

    def _collect(self, value: Json, into: list[str]) -> None:
        if type(value) is str:
            into.append(value)
        elif type(value) is list:
            for item in value:
                self._collect(item, into)
        elif type(value) is dict:
            if attachments.is_reference(value):
                into.append(self._attached(value))
                return
            skipped = ("type", "data") if value.get("type") in ("image", "file") else ("type",)
            for name, item in value.items():
                if name not in skipped or type(item) is not str:
                    self._collect(item, into)
        elif type(value) in (int, float):
            into.append(str(value))

    def _attached(self, reference: dict[str, Json]) -> str:
        name, preview = reference.get("$attachment"), reference.get("preview")
        if type(name) is str and reference.get("encoding") != "base64":
            data = self._load(name)
            if data is not None:
                return data.decode("utf-8", "replace")
            self._made.missing = True
        return preview if type(preview) is str else ""


def _about(header: Session, summary: Summary) -> Iterator[tuple[int, str]]:
    """Kind and text of what is said of a session, not in it; of several titles nobody has decided between all."""
    titles = [summary.title, *(title for title in alternatives(header).get("title", ()) if type(title) is str)]
    yield from ((0, name) for name in dict.fromkeys((*titles, header.id)) if name)
    yield from ((8, note) for note in notes_of(header))
    yield from ((9, tag) for tag in summary.tags if type(tag) is str and tag)


def activity(messages: list[Message]) -> list[tuple[str, str, int, int, int]]:
    """What happened when: see `Document.activity`. Of an answer in several records the last count of tokens holds."""
    models: dict[tuple[str, str], str] = {}
    spent: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
    sums: dict[tuple[str, str], list[int]] = {}
    for message in messages:
        if message.deleted:
            continue
        answer = ("turn", message.turn) if message.turn is not None else ("id", message.id)
        if message.model is not None:
            models[answer] = message.model
        if type(message.usage) is dict:
            spent[answer] = _hour(message), message.usage
    for message in counted(messages):
        answer = ("turn", message.turn) if message.turn is not None else ("id", message.id)
        sums.setdefault((_hour(message), models.get(answer, "")), [0, 0, 0])[0] += 1
    for answer, (hour, usage) in spent.items():
        into = sums.setdefault((hour, models.get(answer, "")), [0, 0, 0])
        into[1] += _count(usage.get("input_tokens"))
        into[2] += _count(usage.get("output_tokens"))
    return [(hour, model, count, given, made) for (hour, model), (count, given, made) in sorted(sums.items())]


def _hour(message: Message) -> str:
    time = message.timestamp
    return time[:13] if type(time) is str and _HOUR.match(time) else ""


def _count(value: Json) -> int:
    """A number of tokens; a provider may write anything there."""
    return int(value) if type(value) in (int, float) and 0 <= value < 1 << 40 else 0


def _chunks(kind: int, texts: list[Text], known: Held) -> Iterator[Chunk]:
    held: list[Text] = []
    size = sequence = 0
    for text in texts:
        for piece in _pieces(text):
            held.append(piece)
            size += len(piece.text)
            if size >= CHUNK:
                yield _chunk(kind, sequence, held, known)
                held, size, sequence = [], 0, sequence + 1
    if held:
        yield _chunk(kind, sequence, held, known)


def _pieces(text: Text) -> Iterator[Text]:
    whole = text.text
    at = 0
    while len(whole) - at > _LONGEST:
        end = at + _LONGEST
        blank = whole.rfind(" ", end - _OVERLAP // 2, end)
        end = blank if blank > 0 else end
        yield text._replace(text=whole[at:end])
        at = end - _OVERLAP
        blank = whole.find(" ", at, at + _OVERLAP // 2)
        at = blank if blank > 0 else at
    yield text._replace(text=whole[at:]) if at else text


def _chunk(kind: int, sequence: int, held: list[Text], known: Held) -> Chunk:
    marks = jsonio.dumps([[text.message, len(text.text), text.tool] for text in held])
    joined = "\n".join(text.text for text in held)
    raw = marks + b"\n" + joined.encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(raw, digest_size=8).digest()
    if known.get((kind, sequence)) == digest:
        return Chunk(kind, sequence, digest, len(joined), b"", "")
    return Chunk(kind, sequence, digest, len(joined), compress(raw), joined_terms(joined))

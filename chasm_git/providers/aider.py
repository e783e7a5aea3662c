"""aider: one Markdown file a project, ``.aider.chat.history.md``, that all its chats are appended to.

::

    # aider chat started at 2026-01-10 13:00:00     a start of the program: a session

    > Model: m-1 with whole edit format             what the program says
    #### Why is the total wrong?                    a prompt, each of its lines like this

    It rounds too early.                            an answer

What was typed and what the program says ends in two spaces: lines of an answer that look the same do not. The time is
local and has no zone, so a session is not dated; as it was written, it stands in the session's `native`. No file lists
the projects: those are read that are a few levels below home (`project_folders`), or named by
``AIDER_CHAT_HISTORY_FILE``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source, stamp
from chasm_git.providers.formats.aider_text import ANSWER, PROMPT, START, Block, answer_parts, blocks, said_by_program
from chasm_git.providers.reading import folders, jsonl, project_folders
from chasm_git.providers.reading.values import as_dict, plain, scoped_id
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Session
from chasm_git.session.native import kept_line, raw_line, unfold

_FILE = ".aider.chat.history.md"
_UNSAFE = re.compile(r"[^0-9A-Za-z-]+")


class Aider(Provider):
    """Chats with aider, in the projects they were held in."""

    name = "aider"
    title = "aider"
    note = (
        f"{_FILE} of projects up to {project_folders.DEEPEST} levels below home (AIDER_CHAT_HISTORY_FILE); local times"
    )

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """The files of all projects that can be found. See `Provider.discover`."""
        faults: list[Problem] = []
        named = env.variables.get("AIDER_CHAT_HISTORY_FILE")
        seen: set[str] = set()
        if named and Path(named).is_absolute():
            try:
                yield Source(self.name, named, Path(named), stamp(Path(named).stat()))
                seen.add(named)
            except FileNotFoundError:
                pass  # aider makes it when it is started
            except OSError as error:
                faults.append(Problem(named, f"cannot be looked at: {error.strerror or error}"))
        for entry in project_folders.holding(env.home, _FILE):
            if entry.path not in seen and folders.is_file(entry):
                yield from folders.source(self.name, entry.path, entry, faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """A session for each start of the program in which something was asked. See `Provider.read`."""
        return self.read_text(source.path.read_bytes())

    def read_text(self, data: bytes) -> Reading:
        """As `read`, of what stands in a file."""
        starts = [found.start() for found in START.finditer(data)]
        reading = Reading()
        for number, start in enumerate(starts):
            end = starts[number + 1] if number + 1 < len(starts) else len(data)
            self._add(data[start:end], data[: starts[0]] if number == 0 else b"", reading)
        return reading

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The session's part of the file, byte for byte. See `Provider.export`."""
        native = as_dict(session.native)
        pieces = [kept_line(native.get("head"), load)]
        for message in session.messages:
            line = kept_line(message.native, load)
            if line is None and message.native is not None:
                said = as_dict(unfold(message, load)).get("text")
                line = said.encode("utf-8", "surrogatepass") if type(said) is str else None
            pieces.append(line)
        pieces.append(kept_line(native.get("tail"), load))
        return {f"{_UNSAFE.sub('-', session.id)}.md": b"".join(piece for piece in pieces if piece is not None)}

    def _add(self, part: bytes, head: bytes, reading: Reading) -> None:
        """Add the session of one start, if anything was asked in it.

        Args:
            head: what stands in the file before its first start.
        """
        found = list(blocks(part[: part.rfind(b"\n") + 1]))
        tail = part[sum(len(block.data) for block in found) :]
        first = next((number for number, block in enumerate(found) if block.kind == PROMPT), None)
        if first is None:
            return
        started = found[0].data.split(b"\n", 1)[0].partition(b" at ")[2].strip().decode("utf-8", "replace")
        mark = hashlib.sha256(b"".join(block.data.strip() for block in found[: first + 1])).hexdigest()[:10]
        session = Session(f"{_UNSAFE.sub('-', started).strip('-')[:40]}-{mark}", self.name)
        chat = _Chat(session.id)
        for block in found:
            chat.add(block)
        session.messages = chat.builder.messages
        into = chat.builder.attachments
        session.native = {"started": started}
        if head:
            session.native["head"] = raw_line(head, into)
        session.native |= jsonl.tail_value(tail or None, into)
        reading.sessions.append(session)
        reading.attachments.update(into)


class _Chat:
    """Makes the messages of one session."""

    def __init__(self, session_id: str) -> None:
        self.builder = Builder()
        self._session_id = session_id
        self._prompt = ""
        self._since = 0
        self._model: str | None = None

    def add(self, block: Block) -> None:
        """Add a block; what it says goes on growing, so its id is made of the prompt above it."""
        try:
            whole = block.data.decode()
            line = None
        except UnicodeDecodeError:
            whole = block.data.decode("utf-8", "replace")
            line = block.data
        made = _made(block.kind, whole)
        if block.kind == PROMPT:
            self._prompt, self._since = made.said, 0
        else:
            self._since += 1
            self._model = made.fields.get("model") or self._model
        if block.kind == ANSWER:
            made.fields["model"] = self._model
        key = scoped_id(self._session_id, [self._prompt, self._since])
        record = None if line is not None else {"text": whole}
        self.builder.message(record, id=key, line=line, derived=made.derived, **made.fields)


class _Made(NamedTuple):
    """What a block becomes."""

    fields: dict[str, Any]
    derived: dict[str, Any]
    said: str = ""


def _made(kind: str, whole: str) -> _Made:
    if kind == PROMPT:
        lines = [line.rstrip().removeprefix("####").removeprefix(" ") for line in whole.strip().split("\n")]
        said = "\n".join(lines)
        fields = {"role": "user", "content": plain([{"type": "text", "text": said}])}
        return _Made(fields, _around(whole, [said], fields["content"]), said)
    if kind == ANSWER:
        parts = answer_parts(whole)
        fields = {"role": "assistant", "content": plain(parts)}
        return _Made(fields, _around(whole, [part["text"] for part in parts], fields["content"]))
    return _Made({"role": "event", **said_by_program(whole)}, {})


def _around(whole: str, texts: list[str], content: Any) -> dict[str, Any]:
    """How the block is put together from the texts of the content and what stands around them."""
    pieces: list[Any] = []
    at = 0
    for number, said in enumerate(texts):
        start = whole.find(said, at) if said else -1
        if start < 0:
            return {}  # a prompt of several lines: the block itself is kept
        if start > at:
            pieces.append(whole[at:start])
        pieces.append({"$": "content" if type(content) is str else f"content.{number}.text"})
        at = start + len(said)
    if at < len(whole):
        pieces.append(whole[at:])
    return {whole: {"$cat": pieces}} if texts else {}

"""Jan: a folder per thread, with its messages as JSON lines and what is said about it in another file.

::

    <data>/threads/<thread>/messages.jsonl    the messages; appended to, written anew when one is edited
    <data>/threads/<thread>/thread.json       title, assistant, model

``<data>`` is ``$JAN_DATA_FOLDER``, else what ``settings.json`` says, else ``Jan/data`` in the platform's folder for
application data; before 0.6 it was ``~/jan``. Since 2026 threads are trees: each message names its parent, and the
child that is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.reading import document, folders, jsonl, thoughts
from chasm_git.providers.reading.branches import abandoned
from chasm_git.providers.reading.json_shape import shape_of
from chasm_git.providers.reading.openai_chat import arguments_of, calls_of, image_of
from chasm_git.providers.reading.transcript import Transcript
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, text, tokens
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso

_MESSAGES, _THREAD = "messages.jsonl", "thread.json"
_STATUS = {"error": "failed", "stopped": "interrupted", "pending": "partial"}
_ROLES = frozenset({"user", "assistant", "system", "tool"})


class Jan(Provider):
    """Threads of Jan."""

    name = "jan"
    title = "Jan"
    note = "threads in Jan's data folder (JAN_DATA_FOLDER), and in ~/jan of before; not those of its phone apps"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All threads by folder. See `Provider.discover`."""
        faults: list[Problem] = []
        for data in _data(env, faults):
            mark = (data.relative_to(env.home) if data.is_relative_to(env.home) else data).as_posix()
            for thread in folders.folders(data / "threads", faults):
                entries = {entry.name: entry for entry in folders.listed(thread.path, faults)}
                if _MESSAGES in entries and folders.is_file(entries[_MESSAGES]):
                    about = entries.get(_THREAD)
                    beside = [about] if about is not None and folders.is_file(about) else None
                    key = f"{mark}/{thread.name}"
                    yield from folders.source(self.name, key, entries[_MESSAGES], faults, beside)
        yield from faults

    def read(self, source: Source) -> Reading:
        """One thread, or none where nobody said anything in it. See `Provider.read`."""
        return _Thread(source.path, Session(source.path.parent.name, self.name)).reading()

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Provider.sniff`."""
        shape = shape_of(sample)
        is_message = not shape.is_list and {"thread_id", "role", "object"} <= shape.top and b"thread.message" in sample
        if not is_message or shape.all & {"assistant_id", "run_id"}:  # which OpenAI's threads have
            return 0.0
        return 0.95

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The thread's files. See `Provider.export`."""
        files = {_MESSAGES: jsonl.export(session, load)}
        if "thread" in as_dict(session.native):
            files[_THREAD] = document.file_of(session.native["thread"], load)
        return files


def _data(env: Env, faults: list[Problem]) -> list[Path]:
    """The folders Jan keeps its data in, or kept it in before."""
    base = env.config_home() if env.platform in ("darwin", "win32") else env.folder("XDG_DATA_HOME", ".local/share")
    config = env.config_home()
    named = env.variables.get("JAN_DATA_FOLDER")
    places = [Path(named)] if named else []
    for settings in (base / "Jan", base / "jan.ai.app", config / "Jan"):
        path = settings / "settings.json"
        try:
            chosen = text(document.value_of(path.read_bytes()).get("data_folder"))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            faults.append(Problem(str(path), error.strerror or str(error), fatal=False))
            continue
        if chosen is not None and "\0" not in chosen:
            places.append(Path(chosen))
    places += [base / "Jan" / "data", config / "Jan" / "data", env.home / "jan"]
    return list(dict.fromkeys(places))


class _Thread(Transcript):
    """The messages of one thread."""

    def __init__(self, path: Path, session: Session) -> None:
        super().__init__(path, session)
        self._times: dict[str, str] = {}
        self._shown: dict[str, str] = {}
        """The child of a message that is shown."""
        self._above: dict[str, str | None] = {}
        self._asked: str | None = None
        self._is_tree = False

    def take(self, record: dict[str, Any], line: bytes | None) -> None:
        """Add what a message says."""
        key, role = identity(record.get("id")), record.get("role")
        self.session.id = identity(record.get("thread_id")) or self.session.id
        metadata = as_dict(record.get("metadata"))
        time = iso(record.get("created_at"))
        if key is not None:
            self._place(key, role, metadata, time)
        pieces = _Pieces()
        for name in (text(as_dict(item).get("name")) for item in as_list(metadata.get("inline_file_contents"))):
            pieces.parts.append({"type": "file"} | ({"name": name} if name is not None else {}))
        for item in as_list(record.get("content")):
            pieces.add(as_dict(item), role)
        pieces.calls_of_before(as_list(metadata.get("tool_calls")))
        if role == "tool" and not any(part["type"] == "tool_result" for part in pieces.parts):
            called = record.get("tool_call_id")
            result: Part = {"type": "tool_result"} | ({"id": called} if type(called) is str else {})
            pieces = _Pieces([result | {"content": plain(pieces.parts)}])
        if role == "assistant" and (error := text(record.get("error_code"))) is not None:
            pieces.parts.append({"type": "error", "text": error})
        fields: dict[str, Any] = {"content": plain(pieces.parts)}
        if role == "assistant":
            usage = metadata.get("usage")
            status = record.get("status")
            fields["usage"] = tokens(usage, *_names(as_dict(usage)))
            fields["status"] = _STATUS.get(status) if type(status) is str else None
        self.keep(
            record,
            line,
            id=key,
            time=time,
            role=role if type(role) is str and role in _ROLES else "event",
            injected=role == "system",
            json_texts=pieces.texts,
            derived=pieces.derived,
            **fields,
        )

    def _place(self, key: str, role: Json, metadata: dict[str, Any], time: str | None) -> None:
        above = identity(metadata.get("parentId"))
        self._is_tree = self._is_tree or above is not None
        if above is None and role == "assistant":
            above = self._asked  # which the client forgot to say
        if role == "user":
            self._asked = key
        self._above[key] = above
        self._times[key] = time or ""
        if (child := identity(metadata.get("activeChildId"))) is not None:
            self._shown[key] = child

    def finish(self) -> None:
        """What the thread's file says, and which branch stands."""
        path = self.path.with_name(_THREAD)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            data = None
        except OSError as error:
            self.problems.append(Problem(str(path), error.strerror or str(error), fatal=False))
            data = None
        if data is not None:
            value = document.value_of(data)
            metadata = as_dict(value.get("metadata"))
            self.session.title = text(value.get("title")) or text(metadata.get("title"))
            self.session.created_at = iso(value.get("created")) or self.session.created_at
            self.native["thread"] = document.kept_file(data, self.builder.attachments)
        if self._is_tree:
            off = abandoned(self._above, self._leaf())
            for message in self.builder.messages:
                message.inactive = message.id in off

    def _leaf(self) -> str | None:
        below: dict[str | None, list[str]] = {}
        for key, above in self._above.items():
            below.setdefault(above if above in self._above else None, []).append(key)
        leaf: str | None = None
        seen: set[str | None] = set()
        while leaf not in seen and (children := below.get(leaf)):
            seen.add(leaf)
            shown = self._shown.get(leaf) if leaf is not None else None
            if len(children) == 1:
                leaf = children[0]
            else:
                leaf = shown if shown in children else max(children, key=lambda key: self._times[key])
        return leaf


def _names(usage: dict[str, Any]) -> tuple[str, str]:
    return ("prompt_tokens", "completion_tokens") if "prompt_tokens" in usage else ("inputTokens", "outputTokens")


class _Pieces:
    """Collects the parts of one message."""

    def __init__(self, parts: list[Part] | None = None) -> None:
        self.parts: list[Part] = parts if parts is not None else []
        self.texts: dict[str, str] = {}
        self.derived: dict[str, Json] = {}

    def add(self, item: dict[str, Any], role: Json) -> None:
        """Add an item of the content."""
        kind = item.get("type") or item.get("type_")
        said = as_dict(item.get("text")).get("value", item.get("text"))
        if kind == "text" and type(said) is str:
            if role == "assistant":
                parts, derived = thoughts.split(said, len(self.parts))
                self.parts += parts
                self.derived |= derived
            elif said:
                self.parts.append({"type": "text", "text": said})
        elif kind == "reasoning" and type(said) is str:
            self.parts.append({"type": "thinking", "text": said})
        elif kind == "image_url":
            self.parts.append(image_of(item.get("image_url")))
        elif kind == "tool_call":
            self._call(item)

    def _call(self, item: dict[str, Any]) -> None:
        key, name, stored = item.get("tool_call_id"), item.get("tool_name"), item.get("input")
        own: Part = {"id": key} if type(key) is str else {}
        value = arguments_of(stored)
        if type(stored) is str and value is not stored:
            self.texts[f"content.{len(self.parts)}.arguments"] = stored
        self.parts.append(
            {"type": "tool_call"} | own | ({"name": name} if type(name) is str else {}) | {"arguments": value}
        )
        if (output := item.get("output")) is not None:
            self.parts.append({"type": "tool_result"} | own | {"content": _output(output)})

    def calls_of_before(self, calls: list[Any]) -> None:
        """Add the calls that older versions keep beside the content."""
        for call in map(as_dict, calls):
            made, texts = calls_of([call.get("tool")], len(self.parts))
            self.parts += made
            self.texts |= texts
            response = call.get("response")
            if made and response is not None:
                own = {"id": made[0]["id"]} if "id" in made[0] else {}
                failed = {"is_error": True} if as_dict(response).get("error") else {}
                self.parts.append({"type": "tool_result"} | own | {"content": _output(response)} | failed)


def _output(output: Json) -> str:
    """What a tool gave back, as text."""
    if type(output) is str:
        return output
    blocks = as_list(output) or as_list(as_dict(output).get("content"))
    texts = [said for block in blocks if (said := text(as_dict(block).get("text"))) is not None]
    return "\n".join(texts) or text(as_dict(output).get("error")) or jsonio.dumps(output).decode()

"""Grok CLI (Grok Build): a folder per session below ``~/.grok``, with the conversation as JSON lines.

::

    sessions/<folder, percent-encoded>/<session>/chat_history.jsonl    what went to the model and what came back
    sessions/<folder, percent-encoded>/<session>/summary.json          title, folder, model, branch, times

Rows have no time of their own: only the session has. A row is told by its ``type``, in older versions by its ``role``.
A sub-agent has a folder of its own. Not read: ``updates.jsonl``, the same conversation in the pieces the screen got.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.reading import document, folders, jsonl
from chasm_git.providers.reading.openai_chat import arguments_of, calls_of, content_of, image_of
from chasm_git.providers.reading.transcript import Transcript
from chasm_git.providers.reading.values import as_dict, as_list, identity, plain, text, unwrapped
from chasm_git.session.attachments import Load
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso

_HISTORY, _SUMMARY = "chat_history.jsonl", "summary.json"
_QUERY = re.compile(r"\s*<user_query>\n?(.*?)\n?</user_query>\s*", re.DOTALL)
_CONTEXT = re.compile(
    r"\s*(?:<(user_info|git_status|system-reminder|agent_skills|mcp_servers)>.*?</\1>\s*)+", re.DOTALL
)
"""What the client puts in front of a prompt, or sends as one."""
_KINDS = {"tool": "tool_result"}
"""Types by the roles of older versions, where they are not called the same."""


class GrokCLI(Provider):
    """Sessions of xAI's terminal agent and of its sub-agents."""

    name = "grok-cli"
    title = "Grok CLI"
    note = "sessions and sub-agents in ~/.grok/sessions (GROK_HOME)"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All sessions by folder and id. See `Provider.discover`."""
        faults: list[Problem] = []
        root = env.folder("GROK_HOME", ".grok") / "sessions"
        for project in folders.folders(root, faults):
            for session in folders.folders(project.path, faults):
                yield from _source(f"{project.name}/{session.name}", session, faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """One session, or none where nobody said anything in it. See `Provider.read`."""
        log = _Log(source.path, Session(source.path.parent.name, self.name))
        log.read_summary(source.path.with_name(_SUMMARY))
        return log.reading()

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The session's JSON lines, then what is said about it. See `Provider.export`."""
        files = {_HISTORY: jsonl.export(session, load)}
        if "summary" in as_dict(session.native):
            files[_SUMMARY] = document.file_of(session.native["summary"], load)
        return files


def _source(key: str, session: os.DirEntry[str], faults: list[Problem]) -> Iterator[Source]:
    found = {entry.name: entry for entry in folders.listed(session.path, faults) if folders.is_file(entry)}
    if _HISTORY in found:
        beside = [found[_SUMMARY]] if _SUMMARY in found else []
        yield from folders.source(GrokCLI.name, key, found[_HISTORY], faults, beside)


class _Log(Transcript):
    """The rows of one session."""

    def __init__(self, path: Path, session: Session) -> None:
        super().__init__(path, session)
        self._turn: str | None = None
        """Id of the first record of the answer that is being read."""

    def read_summary(self, path: Path) -> None:
        """Keep what is said about the session, and take from it what a session has."""
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            self.problems.append(Problem(str(path), error.strerror or str(error), fatal=False))
            return
        self.native["summary"] = document.kept_file(data, self.builder.attachments)
        value = document.value_of(data)
        info, session = as_dict(value.get("info")), self.session
        session.id = identity(info.get("id")) or session.id
        session.title = text(value.get("generated_title")) or text(value.get("session_summary"))
        session.workspace = text(info.get("cwd")) or text(value.get("cwd"))
        session.created_at = iso(value.get("created_at"))
        above = text(value.get("parent_session_id"))
        if value.get("session_kind") == "subagent":
            session.parent = above
        else:
            session.forked_from = above
        git = {
            "branch": text(value.get("head_branch")),
            "commit": text(value.get("head_commit")),
            "remote": next((remote for item in as_list(value.get("git_remotes")) if (remote := text(item))), None),
        }
        session.git = {name: known for name, known in git.items() if known is not None} or None

    def take(self, record: dict[str, Any], line: bytes | None) -> None:
        """Add what a row says."""
        kind = text(record.get("type")) or text(record.get("role")) or ""
        kind = _KINDS.get(kind, kind)
        if kind == "user":
            self._end()
            self.keep(record, line, **_prompt(record))
        elif kind == "tool_result":
            self._end()
            part: Part = {"type": "tool_result"}
            if type(key := record.get("tool_call_id")) is str:
                part["id"] = key
            self.keep(record, line, "tool", [part | {"content": _content(record.get("content"))}])
        elif kind == "reasoning":
            self._say(record, line, {"content": _thoughts(record)})
        elif kind == "backend_tool_call":
            self._say(record, line, _server_call(as_dict(record.get("kind"))))
        elif kind == "assistant":
            self._say(record, line, _answer(record))
            self._end()
        elif kind == "system":
            self._end()
            self.keep(record, line, "system", _content(record.get("content")), injected=True)
        else:
            self.keep(record, line)

    def _say(self, record: dict[str, Any], line: bytes | None, fields: dict[str, Any]) -> None:
        """Add a record of an answer; all of them up to its text and its calls are one turn."""
        if not fields["content"] and record.get("type") == "reasoning":
            self.keep(record, line)  # only its encrypted form is there
            return
        message = self.keep(record, line, "assistant", **fields)
        message.turn = self._turn = self._turn or message.id

    def _end(self) -> None:
        self._turn = None

    def finish(self) -> None:
        """The folder a session lies in is called after the one it was held in."""
        if self.session.workspace is None and len(self.path.parts) > 2:
            folder = unquote(self.path.parts[-3])
            is_encoded = folder != self.path.parts[-3] and folder.isprintable()
            self.session.workspace = folder if is_encoded else None


def _prompt(record: dict[str, Any]) -> dict[str, Any]:
    """What the user typed: without the tags around it, and without the context in front of it."""
    reason = text(record.get("synthetic_reason"))
    content = _content(record.get("content"))
    parts: list[Part] = [{"type": "text", "text": content}] if type(content) is str and content else as_list(content)
    if reason is not None and reason != "interjection":
        return {"role": "user", "content": plain(parts), "injected": True}
    typed = [part for part in parts if not (part["type"] == "text" and _CONTEXT.fullmatch(part["text"]))]
    derived: dict[str, Json] = {}
    for number, part in enumerate(typed):
        if part["type"] != "text":
            continue
        if (found := _QUERY.search(part["text"])) is not None and found[1]:
            derived |= unwrapped(typed, number, found.start(1), found.end(1))
        elif (found := _CONTEXT.match(part["text"])) is not None:
            derived |= unwrapped(typed, number, found.end(), len(part["text"]))
    is_injected = bool(parts) and not typed
    return {"role": "user", "content": plain(typed or parts), "derived": derived, "injected": is_injected}


def _content(stored: Json) -> str | list[Part]:
    """Content as typed parts; an image stands there by its address."""
    if type(stored) is not list:
        return content_of(stored)
    parts: list[Part] = []
    for block in map(as_dict, stored):
        if block.get("type") == "image":
            parts.append(image_of(block.get("url")))
        else:
            made = content_of([block])
            parts += [{"type": "text", "text": made}] if type(made) is str and made else as_list(made)
    return plain(parts)


def _thoughts(record: dict[str, Any]) -> list[Part]:
    found = [*as_list(record.get("summary")), *as_list(record.get("content"))]
    said = [thought for item in found if (thought := text(as_dict(item).get("text"))) is not None]
    if not said and (alone := text(record.get("content"))) is not None:
        said = [alone]
    return [{"type": "thinking", "text": thought} for thought in said]


def _server_call(call: dict[str, Any]) -> dict[str, Any]:
    """A tool that ran at xAI; what it found is part of what it is said to have done."""
    part: Part = {"type": "tool_call"} | ({"id": key} if type(key := call.get("id")) is str else {})
    name = text(call.get("tool_type"))
    value = call["action"] if "action" in call else call.get("input")
    return {"content": [part | ({"name": name} if name is not None else {}) | {"arguments": value}]}


def _answer(record: dict[str, Any]) -> dict[str, Any]:
    """A text and the calls of tools, which stand here without the object that OpenAI puts around name and arguments."""
    content = _content(record.get("content"))
    parts: list[Part] = [{"type": "text", "text": content}] if type(content) is str and content else as_list(content)
    thought = text(record.get("reasoning_content"))
    parts = [{"type": "thinking", "text": thought}, *parts] if thought is not None else [*parts]
    texts: dict[str, str] = {}
    for call in map(as_dict, as_list(record.get("tool_calls"))):
        if "function" in call:
            made, more = calls_of([call], len(parts))
            parts += made
            texts |= more
            continue
        known = {name: value for name in ("id", "name") if type(value := call.get(name)) is str}
        stored = call.get("arguments")
        value = arguments_of(stored)
        if type(stored) is str and value is not stored:
            texts[f"content.{len(parts)}.arguments"] = stored
        parts.append({"type": "tool_call", **known, "arguments": value})
    return {"content": plain(parts), "json_texts": texts, "model": text(record.get("model_id"))}

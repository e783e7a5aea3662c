"""Claude Code: one JSON-lines file per session below ``~/.claude/projects``.

::

    projects/<slug>/<session>.jsonl                          a session; its id is the file's name, never a row's field
    projects/<slug>/<session>/custom-title.json              its side files: these, what tools spilled,
    projects/<slug>/<session>/tool-results/…                 and whatever else lies in its folder
    projects/<slug>/<session>/subagents/agent-<id>.jsonl     a sub-agent's session (2.1), with agent-<id>.meta.json
    projects/<slug>/agent-<id>.jsonl                         a sub-agent's session (2.0)

Before 2.0 the rows of sub-agents stand in their parent's file (`Message.sidechain`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source, stamp
from chasm_git.providers.formats.claude_rows import fields_of
from chasm_git.providers.reading import jsonl
from chasm_git.providers.reading.transcript import hopeless
from chasm_git.providers.reading.values import ORIGIN, origin_id
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Session
from chasm_git.session.native import record_line
from chasm_git.session.times import iso

_SUFFIX = ".jsonl"
_TITLE_FILE = "custom-title.json"
_LONGEST_ID = 200


class ClaudeCode(Provider):
    """Sessions of Anthropic's terminal agent, versions 1.0 to 2.1."""

    name = "claude-code"
    title = "Claude Code"
    note = "sessions, sub-agents and their side files in ~/.claude/projects (CLAUDE_CONFIG_DIR)"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All session files, by project and name; a sub-agent's follows its session's."""
        root = env.folder("CLAUDE_CONFIG_DIR", ".claude") / "projects"
        try:
            projects = _listed(root)
        except FileNotFoundError:
            return
        except OSError as error:
            yield _unlisted(root, error)
            return
        for project in projects:
            if _leads_to(project.is_dir):
                yield from _project(root / project.name, project.name)

    def read(self, source: Source) -> Reading:
        """One session, or none where nobody said anything in it. See `Provider.read`."""
        return _Reader(source).reading()

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The session's JSON lines, then its side files. See `Provider.export`."""
        files = {session.id + _SUFFIX: jsonl.export(session, load)}
        for message in session.messages:
            if message.file is not None and message.native is not None:
                files[message.file] = record_line(message, load)
        return files


def _project(folder: Path, slug: str) -> Iterator[Source | Problem]:
    try:
        entries = _listed(folder)
    except OSError as error:
        yield _unlisted(folder, error)
        return
    folders = {entry.name: entry for entry in entries if entry.is_dir(follow_symlinks=False)}
    for entry in entries:
        name = entry.name
        if name.endswith(_SUFFIX) and name[0] != "." and _leads_to(entry.is_file):
            beside = folders.pop(name[: -len(_SUFFIX)], None)
            if beside is not None:
                yield from _with_folder(folder, slug, beside, entry)
            elif (found := _source(folder, slug, name, entry)) is not None:
                yield found
    for beside in folders.values():  # its session is gone, its sub-agents may be there
        yield from _with_folder(folder, slug, beside, None)


def _with_folder(
    folder: Path, slug: str, beside: os.DirEntry[str], session: os.DirEntry[str] | None
) -> Iterator[Source | Problem]:
    """A session that has a folder beside it, and its sub-agents."""
    below: dict[str, os.DirEntry[str]] = {}
    yield from _walk(beside.path, beside.name, below)
    agents = [name for name in below if _is_agent(name)]
    metas = {name: meta for name in agents if (meta := name.removesuffix(_SUFFIX) + ".meta.json") in below}
    if session is not None:
        apart = {*agents, *metas.values()}
        side = {name: entry for name, entry in below.items() if name not in apart}
        if (found := _source(folder, slug, session.name, session, side)) is not None:
            yield found
    for name in agents:
        own = metas.get(name)
        side = {own.rpartition("/")[2]: below[own]} if own is not None else {}
        if (found := _source(folder, slug, name, below[name], side, beside.name)) is not None:
            yield found


def _source(
    folder: Path,
    slug: str,
    name: str,
    entry: os.DirEntry[str],
    side: dict[str, os.DirEntry[str]] | None = None,
    parent: str | None = None,
) -> Source | Problem | None:
    """A session's file with its side files (by their names relative to its folder); None where it has gone."""
    try:
        mark = stamp(entry.stat(), *(item.stat() for item in side.values())) if side else stamp(entry.stat())
    except FileNotFoundError:  # since the folder was listed, or it is a link to nothing
        return None
    except OSError as error:
        return Problem(str(folder / name), error.strerror or str(error))
    extra = {"parent": parent, "side": list(side or ())} if side or parent else None
    return Source(ClaudeCode.name, f"{slug}/{name}", folder / name, mark, extra)


def _walk(folder: str, name: str, into: dict[str, os.DirEntry[str]]) -> Iterator[Problem]:
    """Collect the files below a session's folder by their names relative to the session's file. Links are not read."""
    try:
        entries = _listed(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        yield _unlisted(folder, error)
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{name}/{entry.name}", into)
        elif entry.is_file(follow_symlinks=False):
            into[f"{name}/{entry.name}"] = entry


def _leads_to(kind: Callable[[], bool]) -> bool:
    try:
        return kind()
    except OSError:  # a link that leads in a circle, or where we may not look: no session of this person
        return False


def _listed(folder: Path | str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=attrgetter("name"))


def _unlisted(folder: Path | str, error: OSError) -> Problem:
    return Problem(str(folder), f"cannot be listed: {error.strerror or error}")


def _is_agent(name: str) -> bool:
    return name.endswith(_SUFFIX) and name.rpartition("/")[2].startswith("agent-") and "/subagents/" in name


class _Reader:
    """Reads one source."""

    def __init__(self, source: Source) -> None:
        extra = source.extra if type(source.extra) is dict else {}
        self.path = source.path
        self.side: list[str] = extra.get("side") or []
        self.is_agent = source.path.name.startswith("agent-")
        self.builder = Builder()
        self.session = Session(source.path.name.removesuffix(_SUFFIX), ClaudeCode.name, parent=extra.get("parent"))
        self.problems: list[Problem] = []
        self.is_conversation = False
        self.titles: dict[str, str] = {}
        """Titles by the row type that gives them; the last one of a type stands."""
        self.summaries: dict[str, str] = {}
        """Titles of the chain of rows that ends with a row, by its id."""

    def reading(self) -> Reading:
        """What the source holds."""
        rows, tail = jsonl.rows(self.path.read_bytes())
        for row in rows:
            self._row(row)
        if self.is_conversation:
            for name in self.side:
                self._side_file(name)
        own, others = self._split_summaries()
        if not self.is_conversation:
            return Reading(problems=hopeless(self.problems, self.builder.messages, self.path), titles=others)
        session = self.session
        session.title = self.titles.get("custom-title") or self.titles.get("ai-title") or own
        session.native = jsonl.tail_value(tail, self.builder.attachments) or None
        session.messages = self.builder.messages
        return Reading([session], self.builder.attachments, self.problems, others)

    def _row(self, row: jsonl.Row) -> None:
        record = row.record
        if type(record) is not dict:
            if row.error is not None and row.error != jsonl.EMPTY:
                self.problems.append(Problem(str(self.path), row.error, row.number, fatal=False))
            self.builder.message(record, id=None, role="event", line=row.line)
            return
        uuid = record.get("uuid")
        if type(uuid) is not str or not (uuid.isprintable() and 0 < len(uuid) <= _LONGEST_ID):
            uuid = None
            self._note_title(record)
        written = record.get("timestamp")
        time = iso(written) if type(written) is str else None
        fields = fields_of(record, self.is_agent)
        if not self.is_conversation and record.get("type") in ("user", "assistant"):
            self.is_conversation = fields["role"] != "event"
        self._note_facts(record, time)
        self.builder.message(record, id=uuid, timestamp=time, line=row.line, **fields)

    def _note_facts(self, record: dict[str, Any], time: str | None) -> None:
        """The session's own fields are those of the first row that has them: more rows do not change them."""
        session = self.session
        if session.created_at is None:
            session.created_at = time
        if session.workspace is None and type(cwd := record.get("cwd")) is str and cwd:
            session.workspace = cwd
        if session.git is None and type(branch := record.get("gitBranch")) is str and branch:
            session.git = {"branch": branch}
        if session.parent is None and self.is_agent and type(owner := record.get("sessionId")) is str and owner:
            session.parent = owner
        if session.forked_from is None and ORIGIN in record:
            session.forked_from = origin_id(record)

    def _note_title(self, record: dict[str, Any]) -> None:
        kind = record.get("type")
        if kind == "summary":
            text, leaf = record.get("summary"), record.get("leafUuid")
            # a compaction writes its summary, which is many lines of markup, in a row of the same type
            if type(text) is str and type(leaf) is str and text and text[0] != "<" and "\n" not in text:
                self.summaries[leaf] = text
        elif kind == "custom-title" or kind == "ai-title":
            text = record.get("customTitle" if kind == "custom-title" else "aiTitle")
            if type(text) is str and text:
                self.titles[kind] = text

    def _split_summaries(self) -> tuple[str | None, dict[str, str]]:
        """The title that a summary gives to this session, and the titles for others."""
        if not self.summaries:
            return None, {}
        here = {message.id: message for message in self.builder.messages}
        own = [text for leaf, text in self.summaries.items() if leaf in here and not here[leaf].sidechain]
        return own[-1] if own else None, {leaf: text for leaf, text in self.summaries.items() if leaf not in here}

    def _side_file(self, name: str) -> None:
        """Keep a side file as one message; its id is its name, so that what is written anew replaces the old."""
        path = self.path.parent / name
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            self.problems.append(Problem(str(path), error.strerror or str(error), fatal=False))
            return
        record: Any = None
        if name.endswith(".json"):
            try:
                record = jsonio.loads(data)
            except ValueError as error:
                self.problems.append(Problem(str(path), f"not JSON: {error}", fatal=False))
        exact = record is not None and jsonio.dumps(record) == data
        self.builder.message(record, id=f"file:{name}", role="event", line=None if exact else data, file=name)
        if name.endswith(f"/{_TITLE_FILE}") and type(record) is dict:
            self._note_title({"type": "custom-title", "customTitle": record.get("customTitle")})

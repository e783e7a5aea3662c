"""GitHub Copilot's index of all chats, for those that nothing else tells of.

::

    <user>/globalStorage/github.copilot-chat/session-store.db    of the VS Code extension
    ~/.copilot/session-store.db                                  of the agent in the terminal, with the same tables

Both write into it what was asked and answered in every workspace, so that it can be searched: the tables ``sessions``
and ``turns`` (a prompt and the text of its answer in one row, newer versions cut both), beside them ``checkpoints``,
``session_files`` and ``session_refs``. There are no thoughts, tool calls or models in it. So it is the last resort:
read are chats that have left no file with the editor, with the extension (`copilot_chat`) or with the agents that run
in a terminal as well, and that the archive has from none of them.

Not read: ``search_index`` (every text again) and ``assistant_usage_events``, how long each request took and what it
cost: the session's own events have its tokens. Of a session that has events nothing is missing that the index has, but
for when a row was written and when a file was first seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.copilot_chat import TRANSCRIPTS, editor_sessions
from chasm_git.providers.formats.vscode_places import user_folders
from chasm_git.providers.formats.vscode_results import STORAGE
from chasm_git.providers.reading import folders, sqlite_copy, table_rows
from chasm_git.providers.reading.sqlite_copy import Row, grouped, indexed, key_of, order_of, unplaced
from chasm_git.providers.reading.values import as_list, scoped_id, text
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Session
from chasm_git.session.times import iso

_INDEX = "session-store.db"
_DATABASE = f"github.copilot-chat/{_INDEX}"
_SESSIONS, _TURNS, _ANSWER = "sessions", "turns", "assistant_response"
_BESIDE = ("checkpoints", "session_files", "session_refs")
_WINDOWS = ("emptyWindowChatSessions", "transferredChatSessions")


class CopilotChatStore(Provider):
    """Chats that are in the extension's index alone."""

    name = "copilot-chat-store"
    title = "GitHub Copilot, index"
    note = (
        "session-store.db of the VS Code extension and the agent in the terminal: prompts and answers (often cut) of"
        " chats that left no file"
    )
    tells_again = ("vscode", "copilot-chat", "copilot-cli", "claude-code")

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """The index of the agent in the terminal, then that of each editor. See `Provider.discover`."""
        faults: list[Problem] = []
        agent = env.folder("COPILOT_HOME", ".copilot")
        databases = [agent / _INDEX] if any(one.name == _INDEX for one in folders.listed(agent, faults)) else []
        users: list[Path] = []
        for user in user_folders(env):
            if isinstance(user, Problem):
                yield user
                continue
            users.append(user)
            if folders.listed((user / "globalStorage" / _DATABASE).parent, faults):
                databases.append(user / "globalStorage" / _DATABASE)
        told = sorted(_told(env, users, faults)) if databases else []
        for path in databases:
            key = path.relative_to(env.home) if path.is_relative_to(env.home) else path
            yield from sqlite_copy.source(self.name, key.as_posix(), path, told)
        yield from faults

    def read(self, source: Source) -> Reading:
        """The chats that have no file. See `Provider.read`."""
        reading = Reading()
        try:
            with sqlite_copy.opened(source.path, reading.problems) as database:
                sessions = indexed(database.rows(_SESSIONS))
                turns = grouped(database.rows(_TURNS), "session_id")
                beside = {table: grouped(database.rows(table), "session_id") for table in _BESIDE}
        except sqlite_copy.Unreadable as error:
            reading.problems.append(Problem(str(source.path), str(error)))
            return reading
        reading.problems += unplaced(source.path, _TURNS, turns)
        told = set(map(key_of, as_list(source.extra)))
        for key, rows in turns.items():
            if type(key) is str and key and key not in told:
                tables: dict[str, Json] = {_SESSIONS: sessions[key]} if key in sessions else {}
                tables |= {table: found for table, groups in beside.items() if (found := groups.get(key))}
                reading.sessions.append(self._session(key, rows, sessions.get(key, {}), tables, reading.attachments))
        return reading

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The rows of a chat. See `Provider.export`."""
        return table_rows.export(session, load)

    def _session(
        self, key: str, turns: list[Row], row: Row, tables: dict[str, Json], into: dict[str, bytes]
    ) -> Session:
        session = Session(key, self.name, workspace=text(row.get("cwd")))
        names = (("branch", "branch"), ("remote", "repository"))
        session.git = {ours: said for ours, theirs in names if (said := text(row.get(theirs)))} or None
        builder = Builder()
        for turn in sorted(turns, key=lambda turn: order_of(turn.get("turn_index"), turn.get("id"))):
            _add(builder, turn, key)
        session.created_at = next((m.timestamp for m in builder.messages if m.timestamp is not None), None)
        session.created_at = session.created_at or iso(row.get("created_at"))
        session.native = table_rows.kept(tables, builder.attachments) if tables else None
        session.messages = builder.messages
        into.update(builder.attachments)
        return session


def _add(builder: Builder, turn: Row, session: str) -> None:
    """Add a prompt and its answer, by the name the client's own index has for the turn."""
    number, columns = key_of(turn.get("turn_index")), list(turn)
    own = f"turn:{number}" if number is not None else scoped_id(session, turn)
    at = columns.index(_ANSWER) if _ANSWER in turn else len(columns)
    time = iso(turn.get("timestamp"))
    asked: dict[str, Any] = {_TURNS: {name: turn[name] for name in columns[:at]}}
    said: dict[str, Any] = {f"+{_TURNS}": {name: turn[name] for name in columns[at:]}}
    prompt, answer = text(turn.get("user_message")), text(turn.get(_ANSWER))
    builder.message(asked, id=own, role="user" if prompt else "event", timestamp=time, content=prompt or "")
    builder.message(
        said, id=f"{own}:answer", role="assistant" if answer else "event", timestamp=time, content=answer or ""
    )


def _told(env: Env, users: Iterable[Path], faults: list[Problem]) -> set[str]:
    """Ids of the sessions that have a file, with whichever program."""
    agent = env.folder("COPILOT_HOME", ".copilot") / "session-state"
    found = {
        entry.name.removesuffix(".jsonl")
        for entry in folders.listed(agent, faults)
        if not folders.is_folder(entry) or Path(entry.path, "events.jsonl").exists()
    }
    for project in folders.folders(env.folder("CLAUDE_CONFIG_DIR", ".claude") / "projects", faults):
        found |= editor_sessions(Path(project.path), faults)
    for user in users:
        for name in _WINDOWS:
            found |= editor_sessions(user / "globalStorage" / name, faults)
        for workspace in folders.folders(user / "workspaceStorage", faults):
            for place in ("chatSessions", f"{STORAGE}/{TRANSCRIPTS}"):
                found |= editor_sessions(Path(workspace.path) / place, faults)
    return found

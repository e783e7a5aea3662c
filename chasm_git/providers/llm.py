"""llm: the log of the command line tool, one database with all conversations.

Since 0.32 a conversation is a thread through a graph of messages that threads share: a message is named by the hash of
what it says and of all above it. Before, it was a list of responses, each with its prompt (`llm_responses`); those
tables stay, with what they held. There is no folder in either.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.formats.llm_responses import Responses, attached
from chasm_git.providers.reading import sqlite_copy, table_rows
from chasm_git.providers.reading.cells import value_of
from chasm_git.providers.reading.sqlite_copy import Database, Row, grouped, indexed, key_of, order_of, unplaced
from chasm_git.providers.reading.values import as_dict, as_list, plain, text
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.native import slice_of
from chasm_git.session.times import iso

_ROLES = frozenset({"user", "assistant", "system", "tool"})
_TURN_TABLES = ("turn_fragments", "turn_tools", "tool_instantiations")


class LLM(Provider):
    """Conversations of the ``llm`` command line tool."""

    name = "llm"
    title = "llm"
    note = "logs.db in the folder of io.datasette.llm (LLM_USER_PATH); conversations have no folder"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """The log. See `Provider.discover`."""
        default = str(env.config_home() / "io.datasette.llm")
        yield from sqlite_copy.source(self.name, "logs.db", env.folder("LLM_USER_PATH", default) / "logs.db")

    def read(self, source: Source) -> Reading:
        """All conversations of the log. See `Provider.read`."""
        reading = Reading()
        try:
            with sqlite_copy.opened(source.path, reading.problems) as database:
                threads = _Threads(database)
                responses = Responses(database)
        except sqlite_copy.Unreadable as error:
            reading.problems.append(Problem(str(source.path), str(error)))
            return reading
        reading.problems += [*threads.unplaced(source.path), *responses.unplaced(source.path)]
        known = set()
        for session, builder in (*threads.sessions(self.name), *responses.sessions(self.name)):
            if session.id in known or not builder.messages:
                continue
            known.add(session.id)
            session.messages = builder.messages
            reading.sessions.append(session)
            reading.attachments.update(builder.attachments)
        return reading

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The rows of a conversation. See `Provider.export`."""
        return table_rows.export(session, load)


class _Threads:
    """The conversations that are threads."""

    def __init__(self, database: Database) -> None:
        self._threads = database.rows("threads")
        self._turns = grouped(database.rows("turns", ("options_json", "token_details", "response_json")), "thread_id")
        self._messages = indexed(database.rows("messages", ("provider_metadata",)), "hash")
        self._parts = grouped(database.rows("parts", ("payload",)), "message_hash")
        self._part_fragments = grouped(database.rows("part_fragments"), "part_id")
        self._part_attachments = grouped(database.rows("part_attachments"), "part_id")
        self._fragments = indexed(database.rows("fragments"))
        self._attachments = indexed(database.rows("attachments"))
        self._beside = {table: grouped(database.rows(table), "turn_id") for table in _TURN_TABLES}

    def unplaced(self, path: Path) -> Iterator[Problem]:
        """What to say of the turns of no thread, and of the parts of no message."""
        yield from unplaced(path, "turns", self._turns, {key_of(thread.get("id")) for thread in self._threads})
        yield from unplaced(path, "parts", self._parts, self._messages)

    def sessions(self, provider: str) -> Iterator[tuple[Session, Builder]]:
        """Each thread, its messages in a builder."""
        for thread in self._threads:
            if type(key := thread.get("id")) is str:
                yield self._session(provider, key, thread)

    def _session(self, provider: str, key: str, thread: Row) -> tuple[Session, Builder]:
        session = Session(key, provider, text(thread.get("name")), forked_from=text(thread.get("forked_from")))
        turns = sorted(self._turns.get(key, ()), key=lambda row: order_of(row.get("datetime_utc"), row.get("id")))
        tips = grouped(turns, "tip_message_hash")
        standing = self._way_to(key_of(thread.get("tip_message_hash")))
        builder = Builder()
        done: set[Json] = set()
        for tip in dict.fromkeys([*tips, key_of(thread.get("tip_message_hash"))]):
            time = iso(tips[tip][0].get("datetime_utc")) if tip in tips else None
            for name in self._way_to(tip):
                if name not in done:
                    done.add(name)
                    self._add(builder, name, tips.get(name, []), time, inactive=bool(standing) and name not in standing)
        session.created_at = next((m.timestamp for m in builder.messages if m.timestamp is not None), None)
        session.created_at = session.created_at or iso(thread.get("datetime_utc"))
        rows: dict[str, Json] = {"threads": thread}
        homeless = [turn for tip, group in tips.items() if tip not in done for turn in group]
        if homeless:
            rows["turns"] = homeless
        for table, groups in self._beside.items():
            if found := [row for turn in turns for row in groups.get(key_of(turn.get("id")), ())]:
                rows[table] = found
        session.native = table_rows.kept(rows, builder.attachments)
        return session, builder

    def _way_to(self, tip: Json) -> dict[Json, None]:
        """The messages from the first one to `tip`."""
        way: dict[Json, None] = {}
        while tip in self._messages and tip is not None and tip not in way:
            way[tip] = None
            tip = key_of(self._messages[tip].get("parent_hash"))
        return dict.fromkeys(reversed(way))

    def _add(self, builder: Builder, name: Json, turns: list[Row], time: str | None, *, inactive: bool) -> None:
        row = self._messages[name]
        parts = sorted(self._parts.get(name, ()), key=lambda part: order_of(part.get("position"), part.get("id")))
        record: dict[str, Json] = {"messages": row}
        content = _Content()
        for part in parts:
            self._add_part(part, content)
        record |= {table: rows for table, rows in {"turns": turns, "parts": parts, **content.rows}.items() if rows}
        role = row.get("role")
        fields: dict[str, Any] = {"role": role if text(role) in _ROLES else "event"}
        if role == "system":
            fields["injected"] = True
        if role == "assistant" and turns:
            fields["model"] = text(turns[0].get("resolved_model")) or text(turns[0].get("model"))
            fields["usage"] = usage_of(turns[0])
        if inactive:
            fields["inactive"] = True
        key = name if type(name) is str else None
        derived = content.derived()
        builder.message(record, id=key, timestamp=time, content=plain(content.parts), derived=derived, **fields)

    def _add_part(self, part: Row, content: _Content) -> None:
        kind, payload = part.get("type"), as_dict(value_of(part.get("payload")))
        key = {"id": key} if type(key := payload.get("tool_call_id")) is str else {}
        if kind == "text" or kind == "reasoning":
            said = part.get("text")
            pieces = [said] if type(said) is str else self._pieces(payload.get("text_ref"))
            if any(pieces):
                content.say("text" if kind == "text" else "thinking", pieces)
        elif kind == "tool_call":
            call = {"type": "tool_call", **key, "name": payload.get("name"), "arguments": payload.get("arguments")}
            content.parts.append(call)
        elif kind == "tool_result":
            failed = {"is_error": True} if payload.get("exception") else {}
            output = payload.get("output")
            content.parts.append(
                {"type": "tool_result", **key, "content": output if type(output) is str else "", **failed}
            )
        links = self._part_fragments.get(key_of(part.get("id")), [])
        content.add("part_fragments", links)
        content.add("fragments", [self._fragments.get(key_of(link.get("fragment_id"))) for link in links])
        links = self._part_attachments.get(key_of(part.get("id")), [])
        content.add("part_attachments", links)
        for link in links:
            if (row := self._attachments.get(key_of(link.get("attachment_id")))) is not None:
                content.add("attachments", [row])
                content.parts.append(attached(row))

    def _pieces(self, references: Json) -> list[str]:
        """The texts a text is joined from: fragments, and what stands between them."""
        pieces = []
        for reference in map(as_dict, as_list(references)):
            fragment = reference.get("fragment")
            row = self._fragments.get(key_of(fragment), {})
            pieces.append(said if type(said := reference.get("literal", row.get("content"))) is str else "")
        return pieces


class _Content:
    """What one message says, and the rows it says it with."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.rows: dict[str, list[Row]] = {}
        self._joined: list[tuple[int, list[str]]] = []

    def say(self, kind: str, pieces: list[str]) -> None:
        """Add a text that is joined from several."""
        if len(pieces) > 1:
            self._joined.append((len(self.parts), pieces))
        self.parts.append({"type": kind, "text": "".join(pieces)})

    def add(self, table: str, rows: list[Row] | list[Row | None]) -> None:
        """Add the rows there are."""
        if found := [row for row in rows if row is not None]:
            self.rows.setdefault(table, []).extend(found)

    def derived(self) -> dict[str, Json]:
        """Where the pieces of the texts stand in them."""
        made: dict[str, Json] = {}
        for number, pieces in self._joined:
            alone = type(plain(self.parts)) is str
            at = 0
            for piece in pieces:
                if len(piece) > 60:  # a pointer is no shorter
                    made[piece] = slice_of("content" if alone else f"content.{number}.text", at, at + len(piece))
                at += len(piece)
        return made


def usage_of(row: Row) -> dict[str, Json] | None:
    """The tokens of a turn or a response."""
    names = ("input_tokens", "output_tokens")
    return {name: row[name] for name in names if type(row.get(name)) is int} or None

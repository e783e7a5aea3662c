"""Conversations of llm before 0.32: a row for each response, with its prompt in it.

A row becomes two messages. The second has the columns from the answer on, so that nothing is stored twice. What tools
gave back to the model belongs to the response that follows, whose prompt is then empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Problem
from chasm_git.providers.reading import table_rows
from chasm_git.providers.reading.openai_chat import arguments_of
from chasm_git.providers.reading.sqlite_copy import Database, Row, grouped, indexed, key_of, order_of, unplaced
from chasm_git.providers.reading.values import plain, text
from chasm_git.session.build import Builder
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso

_JSON = ("prompt_json", "options_json", "response_json", "token_details")
_ANSWER = "response"
_LINKS = ("prompt_fragments", "system_fragments", "prompt_attachments")


class Responses:
    """The conversations of a log."""

    def __init__(self, database: Database) -> None:
        self._conversations = indexed(database.rows("conversations"))
        self._responses = grouped(database.rows("responses", _JSON), "conversation_id")
        self._calls = grouped(database.rows("tool_calls"), "response_id")
        self._results = grouped(database.rows("tool_results"), "response_id")
        self._links = {table: grouped(database.rows(table), "response_id") for table in _LINKS}
        self._fragments = indexed(database.rows("fragments"))
        self._attachments = indexed(database.rows("attachments"))

    def unplaced(self, path: Path) -> Iterator[Problem]:
        """What to say of the responses that have neither a conversation nor a name of their own."""
        rows = [row for key, found in self._responses.items() if type(key) is not str for row in found]
        yield from unplaced(path, "responses", grouped(rows, "id"))

    def sessions(self, provider: str) -> Iterator[tuple[Session, Builder]]:
        """Each conversation, its messages in a builder."""
        for key, rows in self._responses.items():
            if type(key) is str:
                yield self._session(provider, key, rows)
                continue
            for row in rows:  # logged without a conversation
                if type(own := row.get("id")) is str:
                    yield self._session(provider, own, [row])

    def _session(self, provider: str, key: str, rows: list[Row]) -> tuple[Session, Builder]:
        conversation = self._conversations.get(key)
        builder = Builder()
        for row in sorted(rows, key=lambda row: order_of(row.get("datetime_utc"), row.get("id"))):
            self._add(builder, row)
        session = Session(key, provider, text(conversation.get("name")) if conversation is not None else None)
        session.created_at = next((m.timestamp for m in builder.messages if m.timestamp is not None), None)
        if conversation is not None:
            session.native = table_rows.kept({"conversations": conversation}, builder.attachments)
        return session, builder

    def _add(self, builder: Builder, row: Row) -> None:
        key, time = row.get("id"), iso(row.get("datetime_utc"))
        columns = list(row)
        at = columns.index(_ANSWER) if _ANSWER in row else len(columns)
        record: dict[str, Json] = {"responses": {name: row[name] for name in columns[:at]}}
        content = self._prompt(row, record)
        role = "tool" if content and all(part["type"] == "tool_result" for part in content) else "user"
        name = f"{key}:prompt" if type(key) is str else None
        builder.message(record, id=name, role=role, timestamp=time, content=plain(content))
        rest: dict[str, Json] = {"+responses": {name: row[name] for name in columns[at:]}}
        fields, texts = self._answer(row, rest)
        answer = key if type(key) is str else None
        builder.message(rest, id=answer, role="assistant", timestamp=time, json_texts=texts, **fields)

    def _prompt(self, row: Row, record: dict[str, Json]) -> list[Part]:
        """What went to the model; the rows that say it are added to `record`."""
        key = key_of(row.get("id"))
        parts: list[Part] = []
        if results := self._results.get(key):
            record["tool_results"] = results
            parts += map(_result, results)
        texts = []
        for table, groups in self._links.items():
            if not (links := sorted(groups.get(key, ()), key=lambda link: order_of(link.get("order")))):
                continue
            record[table] = links
            kind = table.removeprefix("prompt_").removeprefix("system_")
            known = self._fragments if kind == "fragments" else self._attachments
            rows = [found for link in links if (found := known.get(key_of(link.get(f"{kind[:-1]}_id")))) is not None]
            record.setdefault(kind, []).extend(rows)
            if table == "prompt_fragments":
                texts += [said for found in rows if (said := text(found.get("content"))) is not None]
            elif kind == "attachments":
                parts += map(attached, rows)
        if (prompt := text(row.get("prompt"))) is not None:
            texts.append(prompt)
        return [*parts, {"type": "text", "text": "\n".join(texts)}] if texts else parts

    def _answer(self, row: Row, record: dict[str, Json]) -> tuple[dict[str, Any], dict[str, str]]:
        parts: list[Part] = []
        if (thought := text(row.get("reasoning"))) is not None:
            parts.append({"type": "thinking", "text": thought})
        if (said := text(row.get(_ANSWER))) is not None:
            parts.append({"type": "text", "text": said})
        texts: dict[str, str] = {}
        if calls := self._calls.get(key_of(row.get("id"))):
            record["tool_calls"] = calls
        for call in calls or ():
            stored = call.get("arguments")
            value = arguments_of(stored)
            if type(stored) is str and value is not stored:
                texts[f"content.{len(parts)}.arguments"] = stored
            parts.append({"type": "tool_call", **_key(call), "name": call.get("name"), "arguments": value})
        names = ("input_tokens", "output_tokens")
        fields = {
            "content": plain(parts),
            "model": text(row.get("resolved_model")) or text(row.get("model")),
            "usage": {name: row[name] for name in names if type(row.get(name)) is int} or None,
        }
        return fields, texts


def _key(row: Row) -> Part:
    return {"id": key} if type(key := row.get("tool_call_id")) is str else {}


def _result(row: Row) -> Part:
    output = row.get("output")
    failed = {"is_error": True} if row.get("exception") else {}
    return {"type": "tool_result", **_key(row), "content": output if type(output) is str else "", **failed}


def attached(row: Row) -> Part:
    """A row of ``attachments`` as a part."""
    kind, content = row.get("type"), row.get("content")
    made: Part = {"type": "image" if type(kind) is str and kind.startswith("image/") else "file"}
    if type(kind) is str:
        made["media_type"] = kind
    if type(content) is dict and type(content.get("$base64")) is str:
        return made | {"data": content["$base64"]}
    place = text(row.get("url")) or text(row.get("path"))
    return made | ({"uri": place} if place is not None else {})

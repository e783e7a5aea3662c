"""Terms nobody else says, planted into what clients wrote, and what holds them afterwards."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chasm_git.session.model import Message, Session

_KINDS = ("text", "thinking", "tool_call", "tool_result", "error")
_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True)
class Plant:
    """One planted text, and the terms in it."""

    word: str
    number: int

    @property
    def unspaced(self) -> str:
        """Two characters of a script without blanks that stand together nowhere else."""
        return chr(0x4E00 + self.number) + chr(0x9000 - self.number)

    @property
    def symbols(self) -> str:
        """Two emoji that stand together nowhere else."""
        return chr(0x1F300 + self.number % 200) + chr(0x1F400 + self.number // 200)

    @property
    def text(self) -> str:
        """What is planted."""
        word = self.word
        return f" {word} lies here, f_{word}->go({word}) /src/{word}/a.py {self.unspaced}の{self.symbols} end"

    def queries(self) -> Iterator[str]:
        """What has to find it, and it alone."""
        word = self.word
        yield from (word, word.upper(), word[:-1] + "*", f'"{word} lies here"', f'"{word} lie"*')
        yield from (f"f_{word}->go({word})", f"{word[2:]}->go(", f"c/{word}/a.p", f"{word} lies", f"lies {word}")
        yield from (self.unspaced, self.unspaced + "の", self.symbols, f"{word} -absentword")


def plants() -> Iterator[Plant]:
    """Plants without end, no two alike."""
    number = 0
    while True:
        letters, rest = "", number
        for _ in range(4):
            rest, letter = divmod(rest, 20)
            letters += "bcdfghjklmnpqrstvwxz"[letter]
        yield Plant(f"zq{letters}yu", number)
        number += 1


def leaves(value: Any) -> Iterator[str]:
    """Every text in a value."""
    if type(value) is str:
        yield value
    elif type(value) is list:
        for item in value:
            yield from leaves(item)
    elif type(value) is dict:
        for item in value.values():
            yield from leaves(item)


def places(session: Session) -> Iterator[tuple[str, str, str]]:
    """Role, kind of part and text, for the first text of each role and kind that a person would look for."""
    seen = set()
    for message in session.messages:
        for part in message.parts():
            kind = str(part.get("type"))
            body = {key: value for key, value in part.items() if key not in ("type", "id", "name", "data")}
            text = next((one for one in leaves(body) if len(one) > 7 and any(c.isalpha() for c in one)), None)
            if kind in _KINDS and text is not None and (message.role, kind) not in seen:
                seen.add((message.role, kind))
                yield message.role, kind, text


def said(session: Session, attachments: dict[str, bytes]) -> str:
    """All that is said in a session, as its file and its attachments have it."""
    values = [[m.content, m.variants, m.replaced] for m in session.messages if not m.deleted]
    return "\n".join([*leaves(values), *(data.decode("utf-8", "replace") for data in attachments.values())])


def plant_in_sources(home: Path, text: str, plant: str) -> None:
    """Put a text behind another one wherever the files below `home` hold that: JSON, plain text, SQLite."""
    forms = [(text, text + plant)]
    forms += [
        (json.dumps(text, ensure_ascii=ascii)[1:-1], json.dumps(text + plant, ensure_ascii=ascii)[1:-1])
        for ascii in (False, True)
    ]
    nested = [tuple(json.dumps(form, ensure_ascii=False)[1:-1] for form in pair) for pair in forms[1:]]
    every = list(dict.fromkeys([*forms, *nested]))
    for path in [path for path in home.rglob("*") if path.is_file() and not path.is_symlink()]:
        data = path.read_bytes()
        if data.startswith(_SQLITE):
            _plant_in_database(path, every)
        elif not path.name.endswith(("-wal", "-shm")):
            for old, new in sorted(every, key=lambda pair: -len(pair[0])):
                with suppress(UnicodeEncodeError):
                    if old.encode() in data:
                        path.write_bytes(data.replace(old.encode(), new.encode(), 1))
                        break


def _plant_in_database(path: Path, forms: list[Any]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'")
        for (table,) in tables.fetchall():
            for column in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
                for old, new in forms:
                    with suppress(sqlite3.Error, UnicodeEncodeError):  # a table of an index; halves of characters
                        if connection.execute(
                            f'UPDATE "{table}" SET "{column[1]}" = replace("{column[1]}", ?, ?)'
                            f' WHERE typeof("{column[1]}") = \'text\' AND instr("{column[1]}", ?)',
                            (old, new, old),
                        ).rowcount:
                            break


def with_plant(session: Session, text: str) -> Session:
    """A session that says one thing more."""
    above = session.messages[-1].id if session.messages else None
    session.messages.append(Message(f"planted-{len(session.messages)}", "user", None, text, above))
    return session

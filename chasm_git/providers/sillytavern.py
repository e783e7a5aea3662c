"""SillyTavern: JSON lines per chat, written anew on each change: a row about the chat, then a row for each message.

::

    <program>/data/<user>/chats/<character>/<chat>.jsonl    a chat with a character
    <program>/data/<user>/group chats/<chat>.jsonl          a chat with several
    <program>/public/…                                      both, before 1.12

An answer that was asked for again keeps all its texts (``swipes``), of which one is shown: each is a message, those not
shown are `Message.inactive`, the first one has the row. No row has an id: a message is known by its text and time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Env, Problem, Provider, Reading, Source
from chasm_git.providers.reading import folders, jsonl
from chasm_git.providers.reading.openai_chat import arguments_of, image_of
from chasm_git.providers.reading.transcript import Transcript
from chasm_git.providers.reading.values import as_dict, as_list, plain, scoped_id, text
from chasm_git.session.attachments import Load
from chasm_git.session.model import Json, Part, Session
from chasm_git.session.times import iso

_PROGRAMS = ("SillyTavern", "SillyTavern-Launcher/SillyTavern")
_SUFFIX = ".jsonl"
_SAFE_NAME = re.compile(r"[^/\\\0]{1,240}\.jsonl")
_BY_TIME = re.compile(r"\d{4}-\d{1,2}-\d{1,2} ?@ ?\d\dh")
"""In names that the program gave by the millisecond."""
_AT = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2}) ?@ ?(\d\d)h ?(\d\d)m ?(\d\d)s(?: ?(\d{1,3})ms)?", re.ASCII)
_WORDS = re.compile(r"([A-Z][a-z]{2})[a-z]* (\d{1,2}), (\d{4}) (\d{1,2}):(\d\d) ?([ap])m", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class SillyTavern(Provider):
    """Chats of SillyTavern."""

    name = "sillytavern"
    title = "SillyTavern"
    note = "chats of a SillyTavern folder in the home folder, of all its users; not its backups"

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All chats by user, character and name. See `Provider.discover`."""
        faults: list[Problem] = []
        for program in _PROGRAMS:
            users = [Path(entry.path) for entry in folders.folders(env.home / program / "data", faults)]
            for user in [*users, env.home / program / "public"]:
                places = [Path(entry.path) for entry in folders.folders(user / "chats", faults)]
                for place in [*places, user / "group chats"]:
                    for entry in folders.listed(place, faults):
                        if entry.name.endswith(_SUFFIX) and folders.is_file(entry):
                            key = Path(entry.path).relative_to(env.home).as_posix()
                            yield from folders.source(self.name, key, entry, faults)
        yield from faults

    def read(self, source: Source) -> Reading:
        """One chat, or none where nobody said anything in it. See `Provider.read`."""
        name = source.path.name
        chat = _Chat(source.path, Session(name.removesuffix(_SUFFIX), self.name))
        chat.native["name"] = name
        return chat.reading()

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The chat's JSON lines. See `Provider.export`."""
        name = session.native.get("name") if type(session.native) is dict else None
        if type(name) is not str or not _SAFE_NAME.fullmatch(name):
            name = f"{re.sub(r'[^0-9A-Za-z-]+', '-', session.id)[:200]}{_SUFFIX}"
        return {name: jsonl.export(session, load)}


class _Chat(Transcript):
    """The rows of one chat."""

    _is_named = False

    def take(self, record: dict[str, Any], line: bytes | None) -> None:
        """Add what a row says."""
        if "mes" not in record:
            self.keep(record, line, id=scoped_id(self.path.stem, [record.get("chat_metadata"), record.get("name")]))
            return
        swipes, infos = as_list(record.get("swipes")), as_list(record.get("swipe_info"))
        texts: list[tuple[int, Json]] = [(number, said) for number, said in enumerate(swipes) if type(said) is str]
        if not texts:
            texts = [(0, record.get("mes"))]
        shown = _shown(record, texts)
        for place, (number, said) in enumerate(texts):
            info = as_dict(infos[number]) if number < len(infos) else {}
            time = info.get("send_date") or record.get("send_date")
            mark = [record.get("name"), record.get("is_user"), said, time]
            if not self._is_named:
                self._name(mark)
            if number == shown:  # what stands in the row itself is the newest of it
                told = record
            elif place and not said:
                continue  # one that was asked for, and did not come
            else:
                told = record | info | {"mes": said, "extra": as_dict(info.get("extra"))}
            self.keep(
                None if place else record,
                None if place else line,
                id=scoped_id(self.path.stem, mark),
                time=_time(told.get("send_date")),
                inactive=number != shown,
                **_fields(told, as_dict(told.get("extra"))),
            )

    def _name(self, first: list[Json]) -> None:
        """A name that a person gave may be given to another chat too."""
        self._is_named = True
        if not _BY_TIME.search(self.path.stem):
            made = hashlib.sha256(repr(first).encode("utf-8", "surrogatepass")).hexdigest()[:8]
            self.session.id = f"{self.path.stem}-{made}"

    def finish(self) -> None:
        """The name is the title."""
        self.session.title = self.path.stem


def _shown(record: dict[str, Any], texts: list[tuple[int, Json]]) -> int:
    """Which of a row's texts is the one to be seen."""
    chosen = record.get("swipe_id")
    numbers = [number for number, said in texts if said == record.get("mes")]
    if type(chosen) is int and any(number == chosen for number, _ in texts):
        return chosen
    return numbers[-1] if numbers else texts[-1][0]


def _fields(record: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    parts = [_media(as_dict(item)) for item in as_list(extra.get("media"))]
    parts += [image_of(extra["image"])] if text(extra.get("image")) else []
    for item in [*as_list(extra.get("files")), *([extra["file"]] if type(extra.get("file")) is dict else [])]:
        name = text(as_dict(item).get("name"))
        parts.append({"type": "file"} | ({"name": name} if name is not None else {}))
    if (thought := text(extra.get("reasoning"))) is not None:
        parts.append({"type": "thinking", "text": thought})
    if (said := text(record.get("mes"))) is not None:
        parts.append({"type": "text", "text": said})
    texts: dict[str, str] = {}
    invocations = [item for item in as_list(extra.get("tool_invocations")) if type(item) is dict]
    for item in invocations:
        _call(parts, texts, item)
    fields: dict[str, Any] = {"content": plain(parts), "json_texts": texts}
    if record.get("is_system") is True and not invocations and (text(extra.get("type")) or extra.get("isSmallSys")):
        return fields | {"role": "system", "injected": True}  # a note of the program; what a person hid has no type
    if record.get("is_user") is True:
        return fields | {"role": "user"}
    return fields | {"role": "assistant", "model": text(extra.get("model"))}


def _call(parts: list[Part], texts: dict[str, str], item: dict[str, Any]) -> None:
    own: Part = {"id": key} if type(key := item.get("id")) is str else {}
    stored = item.get("parameters")
    value = arguments_of(stored)
    if type(stored) is str and value is not stored:
        texts[f"content.{len(parts)}.arguments"] = stored
    name = text(item.get("name")) or text(item.get("displayName")) or ""
    parts.append({"type": "tool_call"} | own | {"name": name, "arguments": value})
    if type(result := item.get("result")) is str:
        failed = {"is_error": True} if item.get("error") else {}
        parts.append({"type": "tool_result"} | own | {"content": result} | failed)


def _media(item: dict[str, Any]) -> Part:
    made = image_of(item.get("url"))
    return made if item.get("type") in (None, "image") else made | {"type": "file"}


def _time(stored: Json) -> str | None:
    """A time in one of the forms the program has written over the years; without a zone it is taken for UTC."""
    if type(stored) is str and (found := _AT.fullmatch(stored)) is not None:
        year, month, day, hour, minute, second, part = found.groups()
        return iso(f"{year}-{int(month):02d}-{int(day):02d}T{hour}:{minute}:{second}.{int(part or 0):03d}")
    if type(stored) is str and (found := _WORDS.fullmatch(stored)) is not None and found[1] in _MONTHS:
        hour = int(found[4]) % 12 + (12 if found[6] == "p" else 0)
        return iso(f"{found[3]}-{_MONTHS.index(found[1]) + 1:02d}-{int(found[2]):02d}T{hour:02d}:{found[5]}")
    return iso(stored)

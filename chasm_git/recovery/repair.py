"""Damaged session files: what is left of them, in a new file, and what was lost, by offset.

A file that parses is never touched, however it is formatted. The damaged one is only read; it is replaced where that
was asked for, at once and with a copy of it beside.
"""

from __future__ import annotations

import mmap
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from chasm_git.errors import ChasmError, UsageError
from chasm_git.recovery.damage import Damage, Text, mapped
from chasm_git.recovery.json_document import Document
from chasm_git.recovery.json_lines import LONGEST_PARSED, Lines
from chasm_git.session import jsonio

LINES = (".jsonl", ".ndjson")
LEFTOVER = (".bak", ".backup", ".tmp", ".old", ".orig", ".save", ".new", ".damaged", ".recovered")
"""Endings behind that of the file it was."""
_BOM = b"\xef\xbb\xbf"
_MOST_DOCUMENTS = 100


@dataclass(slots=True)
class Repaired:
    """What came of one file."""

    path: Path
    form: str
    """``json`` or ``jsonl``."""
    is_damaged: bool
    damage: Damage = field(default_factory=Damage)
    records: int = 0
    """Lines that are left, of JSON lines; documents otherwise."""
    written: list[Path] = field(default_factory=list)
    """The new file, and others for documents that stood in it besides; empty where nothing was written."""
    kept: Path | None = None
    """The copy of the damaged file, where it was replaced."""

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        return {
            "path": str(self.path),
            "form": self.form,
            "damaged": self.is_damaged,
            "records": self.records,
            "lost_bytes": self.damage.lost_bytes,
            "places": self.damage.places,
            "lost": [one.as_json() for one in self.damage.lost],
            "mended": [one.as_json() for one in self.damage.mended],
            "written": list(map(str, self.written)),
            "kept": str(self.kept) if self.kept is not None else None,
        }


def checked(path: Path) -> Repaired:
    """What a repair of a file would come to; writes nothing. Raises OSError."""
    with mapped(path) as data:
        return _read(path, data, None)[0]


def repair(path: Path, *, to: Path | None = None, in_place: bool = False) -> Repaired:
    """Write what is left of a damaged file into a new one; nothing where it is not damaged.

    Args:
        to: the new file; None = ``NAME.recovered.ENDING`` beside it.
        in_place: replace the damaged file, of which a copy stays beside it (``NAME.damaged``).

    Raises UsageError where there is something at `to`, ChasmError where nothing is left of it, OSError.
    """
    target = path if in_place else to or path.with_name(f"{path.stem}.recovered{path.suffix}")
    unfinished = target.with_name(f".{target.name[:100]}.{os.getpid()}.tmp")
    others: list[Path] = []
    try:
        with mapped(path) as data, unfinished.open("wb") as out:
            made, spans = _read(path, data, out)
            if not made.is_damaged:
                return made
            if not in_place and os.path.lexists(target):
                raise UsageError(f"{target} exists; --to NEW names another place")
            if not made.records:
                raise ChasmError(f"{path}: no whole value is left in it; it stays as it is")
            out.flush()
            os.fsync(out.fileno())
            for number, span in enumerate(spans, 2):
                others.append(_unused(target.with_name(f"{target.stem}.{number}{target.suffix}")))
                with others[-1].open("xb") as beside:
                    Document(data, *span, Text(beside, Damage()), Damage()).run()
        shutil.copymode(path, unfinished)
        if in_place:
            made.kept = _unused(path.with_name(f"{path.name}.damaged"))
            shutil.copy2(path, made.kept)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    made.written = [target, *others]
    return made


def form_of(path: Path, data: mmap.mmap | bytes) -> str:
    """Whether a file is JSON lines or one JSON document, by its name, and where that does not say by its beginning."""
    ending = ending_of(path)
    if ending in LINES:
        return "jsonl"
    first, _, rest = data[: 1 << 20].partition(b"\n")
    try:
        is_line = type(jsonio.loads(first.removeprefix(_BOM))) in (dict, list)
    except ValueError:
        return "json"
    return "jsonl" if is_line and rest.lstrip()[:1] in (b"{", b"[") and not rest[:1].isspace() else "json"


def ending_of(path: Path) -> str:
    """The ending of the file that a file is, or was before it was put aside: ``.json`` of ``a.json.bak``."""
    name = path.name.rstrip("~")
    while (dot := name.rfind(".")) > 0 and name[dot:].lower() in LEFTOVER:
        name = name[:dot]
    return Path(name).suffix.lower()


def _read(path: Path, data: mmap.mmap | bytes, out: BinaryIO | None) -> tuple[Repaired, list[tuple[int, int]]]:
    """Read a file; also where the other whole documents are that stand in it."""
    if _is_document(data):
        return Repaired(path, "json", False, records=1), []
    form = form_of(path, data)
    if form == "jsonl":
        damage = Damage()
        lines = Lines(data, Text(out, damage), damage)
        lines.run()
        return Repaired(path, form, bool(damage.places), damage, lines.records), []
    return _documents(path, data, out)


def _is_document(data: mmap.mmap | bytes) -> bool:
    """Whether the file is one JSON value, however it is formatted."""
    if len(data) > LONGEST_PARSED:
        return False  # it is looked through, which takes longer and no memory
    try:
        jsonio.loads(data[:].removeprefix(_BOM))
    except ValueError:
        return False
    return True


def _documents(path: Path, data: mmap.mmap | bytes, out: BinaryIO | None) -> tuple[Repaired, list[tuple[int, int]]]:
    """The documents of a file: the last whole one is the file, a torn one only where there is no whole one."""
    damage = Damage()
    at = len(_BOM) if data[: len(_BOM)] == _BOM else 0
    whole: list[tuple[int, int]] = []
    torn: tuple[int, int] | None = None
    behind = at
    while len(whole) < _MOST_DOCUMENTS and (start := _next(data, at)) is not None:
        seen = Damage()
        document = Document(data, start, len(data), Text(None, seen), seen)
        end = document.run()
        if document.is_whole:
            damage.lose(*_stripped(data, behind, start), "between two documents")
            whole.append((start, end))
            at = behind = end
            continue
        if torn is None and not whole:
            torn = start, len(data)
        break
    made = Repaired(path, "json", True, damage, len(whole) or 1)
    if not whole and torn is not None:
        text = Text(out, damage)
        Document(data, *torn, text, damage).run()
        made.records = int(text.written > 0)
        return made, []
    if not whole:
        damage.lose(0, len(data), "no JSON in it" if data[:1] else "empty")
        made.records = 0
        return made, []
    text = Text(out, damage)
    Document(data, *whole[-1], text, damage).run()
    text.put(b"\n" if out is not None and data[len(data) - 1] == 0x0A else b"")
    damage.lose(*_stripped(data, behind, len(data)), "behind the end of the document")
    different = [span for span in whole[:-1] if data[slice(*span)] != data[slice(*whole[-1])]]
    if len(whole) > 1:
        reason = "another document stood before it" if different else "the same document stood before it"
        damage.mend(whole[0][0], whole[-2][1], reason)
    made.is_damaged = bool(damage.places)
    made.records = 1 + len(different)
    return made, different


def _next(data: mmap.mmap | bytes, at: int) -> int | None:
    """Where the next document may begin."""
    found = [place for mark in (b"{", b"[") if (place := data.find(mark, at)) >= 0]
    return min(found, default=None)


def _stripped(data: mmap.mmap | bytes, start: int, end: int) -> tuple[int, int]:
    """A range without the blanks at its ends."""
    while start < end and data[start] in b" \t\r\n":
        start += 1
    while end > start and data[end - 1] in b" \t\r\n":
        end -= 1
    return start, end


def _unused(path: Path) -> Path:
    """A path like this one that nothing is at."""
    tried, number = path, 1
    while os.path.lexists(tried):
        number += 1
        tried = path.with_name(f"{path.name}.{number}")
    return tried

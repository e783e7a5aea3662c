"""Sessions as `chasm export` wrote them into Markdown, and session files themselves (of another archive, say).

They are told by their content: Markdown by the comment at its end (`session.carried`), a session file by its first
words. Attachments are carried along, or lie where the export (or the archive) has them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from chasm_git.providers.base import Export, Problem, Reading
from chasm_git.providers.reading.export_file import Bundle, ExportFile, Member, MemberError
from chasm_git.session import attachments, carried, codec

_NAME = re.compile(r"[0-9a-f]{64}(?:\.[a-z0-9]{1,8})?")
_MARKDOWN = (".md", ".markdown")
_FILES = (".yaml", ".yml")
_LARGEST = 1 << 30
"""Bytes of a file that is read: there is no way to read one of these by pieces."""


class Exported(Export):
    """What `chasm export` wrote as Markdown, and session files."""

    name = "universal"
    title = "Exported sessions"
    is_view = True

    def read_export(self, file: ExportFile) -> Iterator[Reading]:
        """See `Export.read_export`."""
        with file.bundle.open(file.name) as stream:
            data = stream.read(_LARGEST)
        try:
            if data.startswith(b"chasm: "):
                found = carried.Carried(codec.loads(data), {})
            else:
                held = carried.from_markdown(data)
                if held is None:
                    raise carried.CarriedError("no session is carried in it")
                found = held
        except ValueError as error:
            yield Reading(problems=[file.problem(str(error))])
            return
        reading = completed(found, file)
        if found.is_edited:
            problem = file.problem("its text was edited after the export; the session comes in as it was exported")
            reading.problems.append(_passing(problem))
        yield reading


def recognizes(bundle: Bundle, member: Member) -> bool:
    """Whether a file is one of ours. Raises MemberError."""
    name = (member.name or bundle.path.name).lower()
    if name.endswith(_FILES):
        with bundle.open(member.name) as stream:
            return stream.read(7) == b"chasm: "
    if not name.endswith(_MARKDOWN) or member.size > _LARGEST:
        return False
    with bundle.open(member.name) as stream:
        data = stream.read()
    return b"\n<!-- chasm-session " in data and data.rstrip().endswith(b"-->")


def completed(found: carried.Carried, file: ExportFile) -> Reading:
    """A carried session, with attachments that are not carried along from where an export, or an archive, has them."""
    reading = Reading([found.session], dict(found.attachments))
    here = PurePosixPath(file.name)
    for name in sorted(attachments.names_of(found.session) - found.attachments.keys()):
        places = [here.with_name(f"{here.stem}.files") / name] if file.name else []
        places += [above / attachments.path_of(name) for above in here.parents]
        data = None
        if _NAME.fullmatch(name):
            data = next((held for place in places if (held := _read(file.bundle, str(place))) is not None), None)
            if data is None and not file.name:
                data = _beside(file, name)
        if data is not None and hashlib.sha256(data).hexdigest() == name.partition(".")[0]:
            reading.attachments[name] = data
        else:
            problem = file.problem(f"the attachment {name} is missing, or is not what its name says")
            reading.problems.append(_passing(problem))
    return reading


def _read(bundle: Bundle, name: str) -> bytes | None:
    if not any(member.name == name for member in bundle.members):
        return None
    try:
        with bundle.open(name) as stream:
            return stream.read(_LARGEST)
    except MemberError:
        return None


def _beside(file: ExportFile, name: str) -> bytes | None:
    """An attachment of a file that was handed in alone."""
    path = file.bundle.path
    places = [
        path.with_name(f"{path.stem}.files") / name,
        *(above / attachments.path_of(name) for above in path.parents),
    ]
    for place in places:
        try:
            return place.read_bytes()
        except OSError:
            continue
    return None


def _passing(problem: Problem) -> Problem:
    return Problem(problem.path, problem.reason, problem.line, fatal=False)

"""Files as a client keeps them, handed in by a person: read by the client's own reader, wherever they lie.

Whose a file is says the person, or a folder above it that is called as the provider is, or what comes of trying every
reader: the one that finds most of a conversation in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from chasm_git.providers import registry
from chasm_git.providers.base import Export, Provider, Reading, Source, stamp
from chasm_git.providers.reading.export_file import Bundle, ExportFile, Member, ZipBundle

_ENDINGS = (".jsonl", ".json", ".ndjson", ".md", ".sqlite", ".db", ".vscdb")
_TRIED = (".jsonl", ".json", ".ndjson")
_LARGEST_TRIED = 64 << 20
_SPOKEN = ("user", "assistant")


class Native(Export):
    """A provider's reader as one of files that are handed in."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.name = provider.name  # type: ignore[misc]
        self.title = provider.title  # type: ignore[misc]

    def read_export(self, file: ExportFile) -> Iterator[Reading]:
        """See `Export.read_export`."""
        yield reading_of(self.provider, file)


def reading_of(provider: Provider, file: ExportFile) -> Reading:
    """What a provider's reader makes of a file. Raises OSError, and whatever a reader does for what is not its own."""
    path = file.bundle.path / file.name if file.name else file.bundle.path
    return provider.read(Source(provider.name, str(path), path, stamp(path.stat())))


def reader_of(bundle: Bundle, member: Member, provider: str | None) -> Native | None:
    """The reader of a file as a client keeps it; None where it is no such file.

    Args:
        provider: whose it is, if a person said so.
    """
    name = (member.name or bundle.path.name).lower()
    if isinstance(bundle, ZipBundle) or not name.endswith(_ENDINGS) or _is_side_file(bundle, member):
        return None
    if provider is not None:
        return native(provider)
    for folder in reversed([*bundle.path.parts, *member.name.split("/")][:-1]):
        if folder in registry.BUILT_IN:
            return native(folder)
    if not name.endswith(_TRIED) or member.size > _LARGEST_TRIED:
        return None
    file = ExportFile(bundle, member.name)
    scores = sorted(((_spoken(one, file), one) for one in registry.BUILT_IN), reverse=True)
    (best, found), (second, _) = scores[:2]
    return native(found) if best > second else None


def provider_of(path: Path) -> str | None:
    """The provider whose reader finds most of a conversation in a file of any kind; None where none does.

    Databases are tried, too, which takes a while: of each a copy is made for every reader.
    """
    try:
        file = ExportFile(Bundle(path, [Member("", path.stat().st_size)]), "")
    except OSError:
        return None
    scores = sorted(((_spoken(one, file), one) for one in registry.BUILT_IN), reverse=True)
    (best, found), (second, _) = scores[:2]
    return found if best > second else None


def read_any(path: Path) -> Reading | None:
    """What the reader of a file makes of it; None where nobody knows it. Raises OSError."""
    found = provider_of(path)
    return reading_of(native(found).provider, ExportFile(Bundle(path, []), "")) if found is not None else None


@cache
def native(provider: str) -> Native:
    """The reader of a provider's files. Raises UsageError for one that is not registered."""
    return Native(registry.load(provider))


def _spoken(provider: str, file: ExportFile) -> float:
    """How much of a conversation a provider's reader finds in a file."""
    try:
        reading = reading_of(native(provider).provider, file)
    except Exception:  # noqa: BLE001 - a reader may fail at what is not its own, in any way
        return 0.0
    if any(problem.fatal for problem in reading.problems):
        return 0.0
    messages = [message for session in reading.sessions for message in session.messages]
    roles = {message.role for message in messages if message.content}
    if not set(_SPOKEN) <= roles:
        return 0.0
    said = sum(message.role != "event" and bool(message.content) for message in messages)
    timed = sum(message.timestamp is not None for message in messages)
    return said + timed / (len(messages) + 1)


def _is_side_file(bundle: Bundle, member: Member) -> bool:
    """Whether a file lies in the folder of a session's own file, which reads it along."""
    folders = member.name.split("/")[:-1]
    names = {other.name for other in bundle.members}
    return any("/".join(folders[:count]) + ending in names for count in range(1, len(folders) + 1) for ending in _TRIED)

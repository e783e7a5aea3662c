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

    def sniff(self, sample: bytes, name: str) -> float:
        """See `Provider.sniff`."""
        return self.provider.sniff(sample, name)

    def read_export(self, file: ExportFile) -> Iterator[Reading]:
        """See `Export.read_export`."""
        reading = reading_of(self.provider, file)
        if not reading.sessions and not reading.problems:
            reading.problems.append(file.problem(f"a file of {self.title} in which nobody says anything"))
        yield reading


def reading_of(provider: Provider, file: ExportFile) -> Reading:
    """What a provider's reader makes of a file. Raises OSError, and whatever a reader does for what is not its own."""
    path = file.bundle.path / file.name if file.name else file.bundle.path
    return provider.read(Source(provider.name, str(path), path, stamp(path.stat())))


def own_files(bundle: Bundle, member: Member, sample: bytes) -> list[tuple[float, Export]]:
    """How sure the clients' readers are of a file that begins with `sample`: those that are at all."""
    place = (bundle.path / member.name if member.name else bundle.path).as_posix()
    scores = [(native(name).sniff(sample, place), native(name)) for name in registry.SNIFFING]
    return [(score, reader) for score, reader in scores if score > 0]


def unclear(equal: list[Export]) -> str | None:
    """What to say where several readers are as sure of a file."""
    if len(equal) < 2:
        return None
    way = "`chasm import path --provider`" if any(isinstance(one, Native) for one in equal) else "--provider"
    return f"could be of {' or '.join(reader.name for reader in equal)}: say which with {way}"


def hindered(reader: Export, bundle: Bundle) -> str | None:
    """Why a reader that knows a file cannot read it where it is; None where it can."""
    if isinstance(reader, Native) and isinstance(bundle, ZipBundle):
        return f"a file of {reader.title}'s own, which is not read within a zip: unpack it and import it by itself"
    return None


def readers_of(bundle: Bundle, member: Member, provider: str | None) -> list[Export]:
    """The readers that know a file as a client keeps it best: none where it is no such file, several where it is not
    clear whose it is.

    Args:
        provider: whose it is, if a person said so.
    """
    name = (member.name or bundle.path.name).lower()
    if isinstance(bundle, ZipBundle) or not name.endswith(_ENDINGS) or _is_side_file(bundle, member):
        return []
    if provider is not None:
        return [native(provider)]
    for folder in reversed([*bundle.path.parts, *member.name.split("/")][:-1]):
        if folder in registry.BUILT_IN:
            return [native(folder)]
    if not name.endswith(_TRIED) or member.size > _LARGEST_TRIED:
        return []
    return _best(ExportFile(bundle, member.name))


def _best(file: ExportFile) -> list[Export]:
    """The readers that find most of a conversation in a file."""
    scores = {name: _spoken(name, file) for name in registry.BUILT_IN}
    most = max(scores.values())
    return [native(name) for name, score in scores.items() if score == most] if most > 0 else []


def advice(path: Path) -> str | None:
    """What to do with a single file that clients' readers know; None where none does."""
    if not path.is_file():
        return None
    member = Member("", path.stat().st_size)
    readers = readers_of(Bundle(path, [member]), member, None)
    if len(readers) == 1:
        return f"a file of {readers[0].title}'s own: `chasm import path` reads it"
    return unclear(readers)


def provider_of(path: Path) -> str | None:
    """The provider whose reader finds most of a conversation in a file of any kind; None where none does.

    Databases are tried, too, which takes a while: of each a copy is made for every reader.
    """
    try:
        readers = _best(ExportFile(Bundle(path, [Member("", path.stat().st_size)]), ""))
    except OSError:
        return None
    return readers[0].name if len(readers) == 1 else None


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

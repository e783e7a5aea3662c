"""The contract between a provider's reader and everything behind it.

A *source* is the smallest thing that is read as a whole: usually one file with one session in it. `discover` finds
sources by looking at folders only (no source file is opened), so that a harvest with nothing new costs one stat a file.
`read` turns one source into sessions. Both take all they need as parameters: no environment, no clock, no network.

What a reader must hold to (the contract tests check it for every registered one):

- the same bytes give the same sessions, on any machine: no host name, no absolute path of the source, no "now";
- ids are the provider's where it has them, else made from the record (`Builder.message` with ``id=None``), never from a
  position in the file: a pruned head must not rename what is left;
- every record becomes a message, unknown ones as role ``event``; nothing is dropped because it is not understood;
- what cannot be read is a `Problem` with file and reason, and the rest is read; a file that holds messages, none of a
  kind that is known here, is one too: only where nobody said anything may a file go without a word;
- a torn last line (a file that is being written) is kept in the session's `native`, not as a message;
- `export` gives the provider's files back.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from chasm_git.session.attachments import Load
from chasm_git.session.model import Session

if TYPE_CHECKING:
    from chasm_git.providers.reading.export_file import ExportFile


@dataclass(frozen=True, slots=True)
class Env:
    """Where to look: the home folder and the variables of the person whose sessions are read."""

    home: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    platform: str = "linux"
    """As ``sys.platform``."""

    def folder(self, variable: str, default: str) -> Path:
        """The folder a client's own variable names, else `default` below home."""
        named = self.variables.get(variable)
        return Path(named) if named else self.home / default

    def config_home(self) -> Path:
        """Where desktop programs of this platform keep their data (``Code/User`` lies below)."""
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support"
        if self.platform == "win32":
            return self.folder("APPDATA", "AppData/Roaming")
        return self.folder("XDG_CONFIG_HOME", ".config")


@dataclass(frozen=True, slots=True)
class Source:
    """Something that can be read: one session's file, with what belongs to it."""

    provider: str
    key: str
    """Names the source within the provider on this machine: stable, unique; never written into a session."""
    path: Path
    stamp: str
    """Changes when the source changes; made from size, mtime and inode of all files that `read` opens."""
    extra: Any = None
    """Whatever `discover` found that `read` needs again (JSON value)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read."""

    path: str
    reason: str
    line: int | None = None
    """1-based, where the file has lines."""
    fatal: bool = True
    """False: only this record is affected and its bytes are kept; True: the source could not be read."""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line is not None else self.path
        return f"{place}: {self.reason}"


@dataclass(slots=True)
class Reading:
    """What reading one source gave."""

    sessions: list[Session] = field(default_factory=list)
    attachments: dict[str, bytes] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    titles: dict[str, str] = field(default_factory=dict)
    """Titles this source gives to other sessions, by the id of a message in them."""


class Provider:
    """One client's store. Subclass it in a module of its own and name it in `registry`."""

    name: ClassVar[str]
    """Lower case with hyphens; the folder below ``sessions/`` and the name on the command line."""
    title: ClassVar[str]
    """As people call the client."""
    note: ClassVar[str] = ""
    """One line for `chasm provider list`: what is and is not read."""
    tells_again: ClassVar[tuple[str, ...]] = ()
    """Providers whose sessions this store repeats, under the same ids: one that the archive has from them, or that was
    forgotten there, is not taken from here."""

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """All sources below `env`, in a stable order; a folder that cannot be listed is a Problem.

        Looks at folders only: no source file is opened.
        """
        raise NotImplementedError

    def read(self, source: Source) -> Reading:
        """Parse one source. Never raises for what the file holds; OSError where it cannot be opened is the caller's."""
        raise NotImplementedError

    def sniff(self, sample: bytes, name: str) -> float:
        """How sure this reader is, from 0 to 1, that a file somebody hands in is one of its own.

        Only needed where a file has a shape that other programs write, too; the reader is then named in
        `registry.SNIFFING`.

        Args:
            sample: the first bytes of the file (all of a short one).
            name: of the file, with all folders above it.
        """
        return 0.0

    def export(self, session: Session, load: Load) -> dict[str, bytes]:
        """The provider's own files for a session, by name relative to its session file's folder.

        The first is the session file itself. Raises KeyError where an attachment is missing.
        """
        raise NotImplementedError


class Export(Provider):
    """A service that keeps no files on this machine: people hand its exports in (``chasm harvest import``).

    What holds for a `Provider` holds here too, except that one file is read conversation by conversation: an export of
    many years is larger than memory.
    """

    is_view: ClassVar[bool] = False
    """What is read may be another program's view of a session: messages the archive has already stay as they are."""

    def discover(self, env: Env) -> Iterator[Source | Problem]:
        """Nothing: exports are handed in."""
        return iter(())

    def read(self, source: Source) -> Reading:
        """All conversations of the files at a source's path. See `Provider.read`."""
        from chasm_git.providers.reading.export_file import readings

        whole = Reading()
        for reading in readings(self, source.path):
            whole.sessions += reading.sessions
            whole.attachments |= reading.attachments
            whole.problems += reading.problems
        return whole

    def sniff(self, sample: bytes, name: str) -> float:
        """How sure this reader is, from 0 (not mine) to 1, that a file is its own.

        Args:
            sample: the first bytes of the file (all of a short one).
            name: of the file, with the folders above it in the export.
        """
        raise NotImplementedError

    def read_export(self, file: ExportFile) -> Iterator[Reading]:
        """The conversations of a file that `sniff` recognized, a reading each; what cannot be read is a Problem.

        Raises export_file.MemberError where the file cannot be read on.
        """
        raise NotImplementedError


def stamp(*stats: os.stat_result) -> str:
    """The fingerprint of files by their stat: any write changes it on every system we know."""
    return " ".join(f"{s.st_size}:{s.st_mtime_ns}:{s.st_ino}" for s in stats)

"""Which sessions are put back, and into which folder."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive import choose, naming
from chasm_git.errors import UsageError
from chasm_git.providers import registry
from chasm_git.providers.writing.contract import WRITERS
from chasm_git.writeback import folders
from chasm_git.writeback.run import Item

if TYPE_CHECKING:
    from chasm_git.archive.choose import Chosen
    from chasm_git.archive.naming import SessionFile
    from chasm_git.archive.repo import Archive


@dataclass(slots=True)
class Missing:
    """What a tool may lack, and what was passed over."""

    items: list[Item]
    elsewhere: int = 0
    unwritable: dict[str, int] = field(default_factory=dict)


def asked_for(
    archive: Archive,
    *,
    path: str | None = None,
    workspace: str | None = None,
    names: Sequence[str] = (),
    to: str | None = None,
    providers: Sequence[str] = (),
) -> Missing:
    """The sessions that one of `path`, `workspace` and `names` chooses. Raises as `access.Writable.fetch`.

    Of a place, those of tools that nothing can be written into are passed over and counted.
    """
    _check(providers)
    commit = archive.head()
    if names:
        return Missing(_named(archive, names, to))
    listed = _Sessions(archive, commit)
    if workspace is not None:
        wanted = {file.path for file in choose.some(choose.of_workspace(archive, workspace, commit), workspace)}
        return _writable([listed.item(one, to) for one in listed.leading(wanted, providers)])
    if path is None:
        raise UsageError("which sessions? Give a path, a workspace or ids")
    held = choose.held_in(archive, [path], commit)
    wanted = {file.path for file in held}
    at = Path(path).expanduser().absolute()
    addresses = folders.remotes(at)
    found = [one for one in listed.leading(None, ()) if one.file.path in wanted or _address(one) in addresses]
    if not found:
        choose.some(held, path)
    return _writable(
        listed.item(one, _goes_to(one, at, to) if one.file.path in wanted else to or str(at))
        for one in found
        if not providers or one.file.provider in providers
    )


def items(archive: Archive, *, names: Sequence[str], to: str | None = None) -> list[Item]:
    """The sessions of some names. Raises NoSuchSession, AmbiguousSession, NoSuchRevision."""
    return _named(archive, names, to)


def that_are_there(archive: Archive, moves: Iterable[tuple[str, Sequence[str]]]) -> tuple[list[Item], int]:
    """The sessions that are to go on in some folders, and how many of them the archive does not have.

    Args:
        moves: folders, with the names of sessions. Raises AmbiguousSession.
    """
    known: dict[str, _Sessions] = {}
    made: list[Item] = []
    absent = 0
    for to, names in moves:
        for name in names:
            try:
                made += _named(archive, [name], to, known)
            except (naming.NoSuchSession, naming.NoSuchRevision):  # an id may hold an @
                absent += 1
    return made, absent


def missing(archive: Archive, *, providers: Sequence[str] = (), workspace: str | None = None) -> Missing:
    """Every session that could be put back on this machine."""
    _check(providers)
    commit = archive.head()
    listed = _Sessions(archive, commit)
    wanted = {file.path for file in choose.of_workspace(archive, workspace, commit)} if workspace is not None else None
    found = Missing([])
    unwritable: Counter[str] = Counter()
    for one in listed.leading(wanted, providers):
        if one.file.provider not in WRITERS:
            unwritable[one.file.provider] += 1
        elif not folders.is_here(one.header.workspace):
            found.elsewhere += 1
        else:
            found.items.append(listed.item(one, None))
    found.unwritable = dict(sorted(unwritable.items()))
    return found


def _writable(items: Iterable[Item]) -> Missing:
    found = Missing([])
    unwritable: Counter[str] = Counter()
    for item in items:
        if item.provider in WRITERS:
            found.items.append(item)
        else:
            unwritable[item.provider] += 1
    found.unwritable = dict(sorted(unwritable.items()))
    return found


def _check(providers: Iterable[str]) -> None:
    for name in providers:
        registry.load(name)  # says what there is


def _goes_to(one: Chosen, at: Path, to: str | None) -> str | None:
    """Where a session goes on that was held in a folder or below it; None = where it was."""
    held = one.header.workspace
    return folders.moved(held, str(at), to) if to is not None and held is not None else None


def _address(one: Chosen) -> str | None:
    known = one.header.git.get("remote") if type(one.header.git) is dict else None
    return folders.address(known) if type(known) is str else None


def _named(
    archive: Archive, names: Sequence[str], to: str | None, known: dict[str, _Sessions] | None = None
) -> list[Item]:
    """As `items`; `known` holds the sessions of the commits that were looked at."""
    commits = known if known is not None else {}
    made = []
    for name in names:
        file, commit = naming.session_at(archive, name)
        if commit not in commits:
            commits[commit] = _Sessions(archive, commit)
        agents = commits[commit].agents(file.provider, file.id)
        made.append(Item(file.id, file.provider, file.blob, commit, to, agents=agents))
    return made


class _Sessions:
    """The sessions of a commit, with what hangs on what."""

    def __init__(self, archive: Archive, commit: str | None) -> None:
        self._commit = commit or ""
        self._all = list(choose.headers(archive, commit))
        self._ids = {(one.file.provider, one.file.id) for one in self._all}
        self._agents: dict[tuple[str, str], list[SessionFile]] = defaultdict(list)
        for one in self._all:
            if one.header.parent is not None:
                self._agents[one.file.provider, one.header.parent].append(one.file)

    def leading(self, paths: set[str] | None, providers: Sequence[str]) -> list[Chosen]:
        """The sessions at some paths (None: at all) that are not put back together with another one."""
        return [
            one
            for one in self._all
            if (paths is None or one.file.path in paths)
            and (not providers or one.file.provider in providers)
            and (one.header.parent is None or (one.file.provider, one.header.parent) not in self._ids)
        ]

    def agents(self, provider: str, key: str) -> tuple[str, ...]:
        """Blobs of the sessions of a session's sub-agents, theirs included."""
        blobs: dict[str, None] = {}
        waiting, seen = [key], {key}
        while waiting:
            for file in self._agents.get((provider, waiting.pop()), ()):
                if file.id not in seen:
                    seen.add(file.id)
                    blobs[file.blob] = None
                    waiting.append(file.id)
        return tuple(blobs)

    def item(self, one: Chosen, folder: str | None) -> Item:
        """A session and where it is to go on."""
        file = one.file
        agents = self.agents(file.provider, file.id)
        return Item(file.id, file.provider, file.blob, self._commit, folder, agents=agents)

"""What sessions say of the folder they were held in: of those in the archive, and of those no harvest has read yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chasm_git.harvest.plan import ProviderPlan, make_plan, plan_from_nothing
from chasm_git.providers import registry
from chasm_git.providers.base import Env, Problem, Source
from chasm_git.providers.traces import Traces
from chasm_git.session.model import Session
from chasm_git.session.readable import display_title
from chasm_git.session.summary import count_messages
from chasm_git.session.universal import universal, updated_at
from chasm_git.writeback import folders

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

Progress = Callable[[int, int], None]
_MOST_FILES = 400


@dataclass(slots=True)
class Facts:
    """One session."""

    provider: str
    id: str
    title: str
    workspace: str | None
    updated_at: str | None
    messages: int
    address: str | None = None
    """The remote of its repository, as `folders.address` writes it."""
    commit: str | None = None
    files: frozenset[str] = frozenset()
    """Paths it names, as it names them."""
    parent: str | None = None
    archived: bool = True
    source: str | None = None
    """The file it is in on this machine, where no harvest has read that yet."""

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        return {
            "id": self.id,
            "provider": self.provider,
            "title": self.title or None,
            "workspace": self.workspace,
            "updated_at": self.updated_at,
            "messages": self.messages,
            "archived": self.archived,
            "source": self.source,
        }


@dataclass(slots=True)
class Known:
    """Every session there is."""

    sessions: list[Facts] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def known(
    archive: Archive | None, env: Env, machine: str, *, only_archived: bool = False, progress: Progress | None = None
) -> Known:
    """All sessions: those of the archive, and those on this machine that a harvest would still read."""
    found = Known()
    archived = {(one.provider, one.id): one for one in _of_archive(archive)} if archive is not None else {}
    if only_archived:
        found.sessions += archived.values()
        return found
    waiting = [source for plan in plans(archive, env, machine) for source in plan.to_read()]
    for number, source in enumerate(waiting, 1):
        for session in read(source, found.problems):
            one = archived.get((session.provider, session.id))
            if one is not None:
                one.source = str(source.path)
            else:
                found.sessions.append(facts_of(session, source=str(source.path)))
        if progress is not None:
            progress(number, len(waiting))
    found.sessions += archived.values()
    return found


def plans(archive: Archive | None, env: Env, machine: str, names: Sequence[str] | None = None) -> list[ProviderPlan]:
    """What a harvest would do, whether there is an archive or not."""
    if archive is not None:
        return make_plan(archive, env, machine, names).providers
    traces = Traces(env)
    return [plan_from_nothing(registry.load(name), env) for name in names or registry.names() if traces.has(name)]


def read(source: Source, problems: list[Problem]) -> list[Session]:
    """The sessions of a source; what goes wrong goes to the problems, as in a harvest."""
    try:
        reading = registry.load(source.provider).read(source)
    except OSError as error:
        problems.append(Problem(str(error.filename or source.path), error.strerror or str(error)))
        return []
    except Exception as error:  # noqa: BLE001 - one reader's bug must not cost the other sources; it is reported
        problems.append(Problem(str(source.path), f"reader failed: {type(error).__name__}: {error}"))
        return []
    problems += [one for one in reading.problems if one.fatal]
    return reading.sessions


def facts_of(session: Session, *, source: str | None = None) -> Facts:
    """What a session says that is not in the archive."""
    git = session.git if type(session.git) is dict else {}
    remote, commit = git.get("remote"), git.get("commit")
    named = universal(session)["metadata"]["files_referenced"]
    return Facts(
        session.provider,
        session.id,
        display_title(session) or "",
        session.workspace,
        updated_at(session),
        count_messages(session.messages),
        folders.address(remote) if type(remote) is str else None,
        commit if type(commit) is str else None,
        frozenset(named[:_MOST_FILES]),
        session.parent,
        archived=False,
        source=source,
    )


def _of_archive(archive: Archive) -> Iterator[Facts]:
    """The sessions of the archive: headers from their files, the rest from the search cache."""
    from contextlib import closing

    from chasm_git.archive import choose
    from chasm_git.cache import follow
    from chasm_git.cache.named import rows

    with closing(follow.opened(archive)) as connection:
        said = {row.path: row for row in rows(connection, _MOST_FILES)}
    for file, header in choose.headers(archive, archive.head()):
        row = said.get(file.path)
        git = header.git if type(header.git) is dict else {}
        remote, commit = git.get("remote"), git.get("commit")
        yield Facts(
            file.provider,
            file.id,
            (row.title if row is not None else header.title) or "",
            header.workspace,
            row.updated_at if row is not None else header.created_at,
            row.messages if row is not None else 0,
            folders.address(remote) if type(remote) is str else None,
            commit if type(commit) is str else None,
            row.files if row is not None else frozenset(),
            header.parent,
        )


def local(workspace: str | None) -> Path | None:
    """A session's folder as a path of this machine; None where it is none (a URI, another system's path)."""
    if not workspace or "\0" in workspace:
        return None
    plain = folders.plain(workspace)
    return Path(plain) if plain.startswith("/") or Path(plain).is_absolute() else None

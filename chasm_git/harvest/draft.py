"""What a harvest is about to commit, while it takes shape: each session's file before and after.

Reading gives most of it (`read`). The rest needs more than one session to be seen, or the archive as it stands: two
sources that hold one session, an archive that moved since the last harvest, forks, titles that one file gives another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from chasm_git.archive import layout
from chasm_git.harvest import lineage
from chasm_git.harvest.plan import Plan, missing
from chasm_git.harvest.read import Outcome, Place, Reader, Result
from chasm_git.session import codec, merge
from chasm_git.session.summary import summarize

if TYPE_CHECKING:
    from chasm_git.archive.plumbing.objects import Sink
    from chasm_git.archive.repo import Archive


class Draft:
    """The sessions a harvest touches.

    Attributes:
        head: the archive's commit it builds on.
        files: path -> blob id of the session files there.
        bases: by provider, path -> blob id of what it held at the last harvest.
        moved: old path -> path of sessions that stand elsewhere now (two machines had filed one under two months).
        results: by path, what the harvest makes of a session.
        has_followed: whether others committed meanwhile, so that not all of what is there now was looked at.
    """

    def __init__(self, archive: Archive, plan: Plan) -> None:
        self._archive = archive
        self._plan = plan
        self.head = plan.head
        self.files = archive.files(plan.head)
        self.bases = {one.name: archive.files(one.ref_commit) for one in plan.providers}
        self.moved = self._moved()
        if self.moved:
            self._follow_moves()
        self.results: dict[str, Result] = {}
        self.has_followed = False

    def _moved(self) -> dict[str, str]:
        away = {path for held in self.bases.values() for path in held if path not in self.files}
        if not away:
            return {}
        places = {layout.parse_session_path(path): path for path in self.files}
        found = {path: places.get(where) for path in away if (where := layout.parse_session_path(path)) is not None}
        return {path: place for path, place in found.items() if place is not None}

    def _follow_moves(self) -> None:
        """Look for sessions where they are now, not where the last harvest left them."""
        for held in self.bases.values():
            for path in [path for path in held if path in self.moved]:
                held.setdefault(self.moved[path], held.pop(path))
        for one in self._plan.providers:
            for known in one.state.sources.values():
                for session in known.sessions:
                    session[0] = self.moved.get(session[0], session[0])

    def places(self) -> dict[tuple[str, str], Place]:
        """Where every session stands that the archive or a provider's ref holds, by provider and file name."""
        places: dict[tuple[str, str], Place] = {}
        for files in (*self.bases.values(), self.files):
            for path in files:
                parsed = layout.parse_session_path(path)
                if parsed is not None:
                    base = self.bases.get(parsed.provider, {}).get(path)
                    places[parsed] = Place(path, self.files.get(path), base)
        return places

    def changed(self) -> list[Result]:
        """Sessions whose file is to change: new ones first."""
        changed = [result for result in self.results.values() if self.files.get(result.path) != result.archived]
        return sorted(changed, key=lambda result: (result.before is not None, result.provider, result.path))

    def data(self, path: str) -> bytes:
        """The file of a session as it is to be."""
        result = self.results.get(path)
        return self._archive.read(result.archived if result is not None else self.files[path])

    def join_doubled(self, second: Result, sink: Sink) -> None:
        """Another source gave a session that is here already: both are kept, in one."""
        first = self.results[second.path]
        read = self._archive.read
        fresh = merge.absorb(None, read(first.fresh), read(second.fresh)).data
        joined = merge.absorb(None, read(first.archived), read(second.archived)).data
        count = summarize(joined).messages
        first.added += count - first.messages
        first.messages = count
        first.secrets += [one for one in second.secrets if one not in first.secrets]
        first.fresh, first.archived, first.staged = sink.add("blob", fresh), sink.add("blob", joined), None

    def rejoin(self, reader: Reader) -> Iterator[Outcome]:
        """Join again where the archive's file is not what the last harvest left: a reset, a merge, a removed file."""
        for one in self._plan.providers:
            if one.state.head == self.head:
                continue
            for source in one.unchanged:
                for path, *_ in missing(one.state.sources[source.key], self.files):
                    base = self.bases[one.name].get(path)
                    if base is None or path in self.results:
                        continue
                    yield reader.rejoin(one.name, path, self.files.get(path), base)

    def relate(self, outcomes: list[Outcome], sink: Sink) -> None:
        """Fill in what only shows across sessions: forks, and titles given from elsewhere."""
        starts: dict[tuple[str, str], set[str]] = {}
        ends: dict[str, str] = {}
        for provider, path, first, last in self._conversations():
            starts.setdefault((provider, first), set()).add(path)
            ends[last] = path
        groups = [group for group in starts.values() if len(group) > 1 and not group.isdisjoint(self.results)]
        origins = lineage.forks(groups, self.data)
        titles = {ends[leaf]: title for outcome in outcomes for leaf, title in outcome.titles.items() if leaf in ends}
        for path in {**origins, **titles}:
            data = lineage.with_header(self.data(path), forked_from=origins.get(path), title=titles.get(path))
            if data is not None:
                self._replace(path, data, sink)

    def _conversations(self) -> Iterable[tuple[str, str, str, str]]:
        """(provider, path, first id, last id) of every session that has a conversation in it."""
        for one in self._plan.providers:
            for source in one.unchanged:
                for path, _, first, last in one.state.sources[source.key].sessions:
                    if first and path in self.files:
                        yield one.name, path, first, last
        for path, result in self.results.items():
            if result.first:
                yield result.provider, path, result.first, result.last

    def _replace(self, path: str, data: bytes, sink: Sink) -> None:
        session = codec.loads_header(codec.split(data)[0])
        blob = sink.add("blob", data)
        result = self.results.get(path)
        if result is None:
            fresh = self.bases[session.provider].get(path, blob)
            result = Result(
                session.provider, session.id, path, "", fresh, blob, self.files[path], summarize(data).messages, 0
            )
            self.results[path] = result
        result.archived, result.staged = blob, None
        result.title = session.title or result.title

    def follow(self, sink: Sink) -> None:
        """Somebody committed meanwhile: join with what they made of the sessions we touch."""
        before = self.files
        self.has_followed = True
        self.head = self._archive.head()
        self.files = self._archive.files(self.head)
        for path, result in self.results.items():
            now = self.files.get(path)
            if now is not None and now != before.get(path):
                joined = merge.absorb(None, self._archive.read(now), self._archive.read(result.archived))
                result.archived, result.before, result.staged = sink.add("blob", joined.data), now, None

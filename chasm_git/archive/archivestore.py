"""The archive as a `SessionStore`: every change is a commit; for an event loop, too.

Saving what somebody else changes at the same moment merges, as everything here does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from chasm_git.archive import layout, naming
from chasm_git.archive.commit import Writer, commit
from chasm_git.archive.plumbing import refs, trees
from chasm_git.archive.plumbing.journal import publish, recover
from chasm_git.archive.store import SessionMeta, SessionStore
from chasm_git.archive.syncing import tracking
from chasm_git.archive.syncing.remote import NoRemote, choose, redacted
from chasm_git.archive.syncing.sessionmerge import merge_session
from chasm_git.archive.syncing.tracking import SyncState, SyncStatus
from chasm_git.errors import UsageError
from chasm_git.session import codec
from chasm_git.session.forgotten import DELETED, forgotten, is_forgotten
from chasm_git.session.model import Session
from chasm_git.session.summary import summarize

if TYPE_CHECKING:
    from chasm_git.archive.naming import SessionFile
    from chasm_git.archive.repo import Archive

_TRIES = 5
_Result = TypeVar("_Result")


class ArchiveStore:
    """An archive as a `SessionStore`: every change is a commit."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def save(self, session: Session) -> None:
        """Keep a session in place of what is kept under its id; what another process adds this moment stays."""
        self._commit(session.provider, session.id, session.created_at, codec.dumps(session), f"save: {session.id}")

    def load(self, session_id: str) -> Session:
        """A session. Raises NoSuchSession, CodecError where its file cannot be read."""
        session = codec.loads(self._archive.read(self._find(session_id).blob))
        if session.extra.get(DELETED) is True:
            raise naming.NoSuchSession(f"the session {session_id} was deleted")
        return session

    def list(self) -> list[SessionMeta]:
        """All sessions, the latest first; files that cannot be read are left out (`verify` names them)."""
        archive = self._archive
        files = archive.files(archive.head(), layout.SESSIONS)
        chosen = {path: blob for path, blob in files.items() if layout.parse_session_path(path) is not None}
        states = tracking.sync_states(archive, chosen)
        found = [meta for path, blob in chosen.items() if (meta := self._meta(blob, states[path])) is not None]
        return sorted(found, key=lambda meta: (meta.updated_at or "", meta.id), reverse=True)

    def delete(self, session_id: str) -> None:
        """Replace every message by a tombstone; earlier versions stay in the history. Raises NoSuchSession."""
        session = self.load(session_id)
        gone = codec.dumps(forgotten(session))
        self._commit(session.provider, session.id, session.created_at, gone, f"delete: {session.id}")

    def exists(self, session_id: str) -> bool:
        """Whether there is a session of that id, and it was not deleted."""
        try:
            found = self._find(session_id)
        except naming.NoSuchSession:
            return False
        return not is_forgotten(self._archive.read(found.blob))

    def sync_status(self) -> SyncStatus:
        """How the archive stands to its remote, as last fetched."""
        try:
            there = choose(self._archive)
        except (NoRemote, UsageError):
            return tracking.sync_status(self._archive)
        return tracking.sync_status(self._archive, there.name, redacted(there.url))

    def _meta(self, blob: str, state: SyncState) -> SessionMeta | None:
        data = self._archive.read(blob)
        try:
            made = summarize(data)
        except codec.CodecError:
            return None
        if is_forgotten(data):
            return None
        return SessionMeta(
            made.id,
            made.title,
            made.provider,
            made.created_at,
            made.updated_at,
            made.workspace,
            made.messages,
            "conflict" if made.conflicts else state,
        )

    def _find(self, session_id: str) -> SessionFile:
        try:
            found = naming.find_session(self._archive, session_id, self._archive.head())
        except naming.AmbiguousSession as error:
            if any(one.id == session_id for one in error.candidates):
                raise  # of several providers
        else:
            if found.id == session_id:
                return found
        raise naming.NoSuchSession(f"no session has the id {session_id!r}")

    def _commit(self, provider: str, identity: str, created_at: str | None, data: bytes, message: str) -> None:
        """Commit one session file; where the branch moved meanwhile, merged with what came."""
        archive = self._archive
        base: bytes | None = None
        with archive.lock():
            recover(archive)
            for tries_left in reversed(range(_TRIES)):
                head = archive.head()
                path, there = self._place(provider, identity, created_at)
                if base is not None and there is not None and there != base:
                    data = merge_session(base, data, there).data
                base = there
                if data == there:
                    return
                try:
                    self._publish(head, path, data, message)
                    return
                except refs.RefMoved:
                    if not tries_left:
                        raise

    def _place(self, provider: str, identity: str, created_at: str | None) -> tuple[str, bytes | None]:
        """Where a session's file is, and what it holds; where it goes, if there is none."""
        try:
            found = naming.find_session(self._archive, f"{provider}/{identity}", self._archive.head())
        except naming.NoSuchSession:
            found = None
        except naming.AmbiguousSession as error:
            found = next((one for one in error.candidates if one.id == identity), None)
        if found is None or found.id != identity:
            return layout.session_path(provider, identity, created_at), None
        return found.path, self._archive.read(found.blob)

    def _publish(self, head: str | None, path: str, data: bytes, message: str) -> None:
        archive = self._archive
        with Writer(archive) as writer:
            tree = trees.write_tree(archive, archive.tree_id(head), {path: writer.add("blob", data)}, writer)
            made = commit(archive, tree=tree, parents=[head] if head else [], message=message, sink=writer)
        publish(archive, {archive.branch: (head, made)}, message)


class AsyncStore:
    """A store whose calls run in a thread, one at a time, while the event loop goes on."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self._one_at_a_time = threading.Lock()

    async def save(self, session: Session) -> None:
        """As `SessionStore.save`."""
        await self._call(lambda: self._store.save(session))

    async def load(self, session_id: str) -> Session:
        """As `SessionStore.load`."""
        return await self._call(lambda: self._store.load(session_id))

    async def list(self) -> list[SessionMeta]:
        """As `SessionStore.list`."""
        return await self._call(self._store.list)

    async def delete(self, session_id: str) -> None:
        """As `SessionStore.delete`."""
        await self._call(lambda: self._store.delete(session_id))

    async def exists(self, session_id: str) -> bool:
        """As `SessionStore.exists`."""
        return await self._call(lambda: self._store.exists(session_id))

    async def sync_status(self) -> SyncStatus:
        """As `SessionStore.sync_status`."""
        return await self._call(self._store.sync_status)

    async def _call(self, work: Callable[[], _Result]) -> _Result:
        def alone() -> _Result:
            with self._one_at_a_time:
                return work()

        import asyncio

        return await asyncio.to_thread(alone)

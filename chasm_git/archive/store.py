"""A place where sessions are kept, as a program sees it: save, load, list, delete. `archivestore` makes one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from chasm_git.archive.syncing.tracking import SyncState, SyncStatus
    from chasm_git.session.model import Session


@dataclass(frozen=True, slots=True)
class SessionMeta:
    """What a list says of a session without giving its messages."""

    id: str
    name: str | None
    """Its title."""
    provider: str
    created_at: str | None
    updated_at: str | None
    project_path: str | None
    turn_count: int
    sync_state: SyncState

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        return asdict(self)


class SessionStore(Protocol):
    """A place where sessions are kept. Ids are whole ids, never beginnings of them."""

    def save(self, session: Session) -> None:
        """Keep a session, in place of what is kept under its id."""
        ...

    def load(self, session_id: str) -> Session:
        """A session. Raises NoSuchSession."""
        ...

    def list(self) -> list[SessionMeta]:
        """All sessions, the latest first."""
        ...

    def delete(self, session_id: str) -> None:
        """Delete a session, here and wherever it is synced to. Raises NoSuchSession."""
        ...

    def exists(self, session_id: str) -> bool:
        """Whether there is a session of that id."""
        ...

    def sync_status(self) -> SyncStatus:
        """How everything stands to the other copies."""
        ...


class AsyncSessionStore(Protocol):
    """A `SessionStore` for an event loop."""

    async def save(self, session: Session) -> None: ...
    async def load(self, session_id: str) -> Session: ...
    async def list(self) -> list[SessionMeta]: ...
    async def delete(self, session_id: str) -> None: ...
    async def exists(self, session_id: str) -> bool: ...
    async def sync_status(self) -> SyncStatus: ...

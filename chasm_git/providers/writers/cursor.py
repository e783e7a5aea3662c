"""Into Cursor: refused, and why."""

from __future__ import annotations

from chasm_git.providers.applying import StoreWriter
from chasm_git.providers.base import Env
from chasm_git.providers.writing import Target, WritePlan
from chasm_git.session.model import Session

_WHY = (
    "nothing is written into Cursor: a conversation there is spread over several databases whose keys change with "
    "every version, and Cursor drops what does not fit together. `chasm resume ID --in vscode` (or another tool), "
    "or `chasm export session ID --format md`, hands it on"
)


class CursorWriter(StoreWriter):
    """Says that there is no safe way in."""

    provider = "cursor"

    def plan(self, session: Session, env: Env, target: Target) -> WritePlan:
        """A plan that is refused."""
        return WritePlan(self.provider, session.id, env, env.home / ".cursor", refused=_WHY)

    def continue_command(self, session: Session, target: Target) -> str | None:
        """None."""
        return None

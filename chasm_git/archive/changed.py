"""What a person changes about the sessions of an archive, a method each; `api.Archive` has them all.

The work is done in the modules that are imported when a method is called: start-up is a feature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chasm_git.archive.edit import Edited
    from chasm_git.archive.repo import Archive
    from chasm_git.session.model import Session


class Changed:
    """A person's own words in one archive."""

    repository: Archive

    def words_about(self, name: str) -> Session:
        """A session's header: what is said about it. Raises NoSuchSession, AmbiguousSession."""
        from chasm_git.archive.annotate import words_about

        return words_about(self.repository, name)

    def tag(
        self, names: Sequence[str], add: Iterable[str] = (), remove: Iterable[str] = (), *, dry_run: bool = False
    ) -> Edited:
        """Give sessions tags, and take some away: see `archive.annotate.tag`."""
        from chasm_git.archive.annotate import tag

        return tag(self.repository, names, add, remove, dry_run=dry_run)

    def retitle(self, name: str, text: str | None, *, dry_run: bool = False) -> Edited:
        """Give a session a title, or back its provider's: see `archive.annotate.title`."""
        from chasm_git.archive.annotate import title

        return title(self.repository, name, text, dry_run=dry_run)

    def annotate(self, name: str, rewrite: Callable[[str], str], *, dry_run: bool = False) -> Edited:
        """Change the note on a session: see `archive.annotate.note`."""
        from chasm_git.archive.annotate import note

        return note(self.repository, name, rewrite, dry_run=dry_run)

    def move_workspace(self, old: str, new: str, *, dry_run: bool = False) -> Edited:
        """Have the sessions of a folder belong to another one: see `archive.annotate.move_workspace`."""
        from chasm_git.archive.annotate import move_workspace

        return move_workspace(self.repository, old, new, dry_run=dry_run)

    def move_sessions(self, names: Sequence[str], new: str, *, dry_run: bool = False) -> Edited:
        """Have sessions belong to a folder: see `archive.annotate.move_sessions`."""
        from chasm_git.archive.annotate import move_sessions

        return move_sessions(self.repository, names, new, dry_run=dry_run)

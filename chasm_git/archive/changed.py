"""What a person changes about the sessions of an archive, a method each; `api.Archive` has them all.

The work is done in the modules that are imported when a method is called: start-up is a feature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chasm_git.archive.combining import Combined
    from chasm_git.archive.edit import Edited
    from chasm_git.archive.erasing.erase import Erased
    from chasm_git.archive.erasing.forget import Forgetting
    from chasm_git.archive.naming import SessionFile
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

    def merge_sessions(self, names: Sequence[str], *, title: str | None = None, dry_run: bool = False) -> Combined:
        """One new session from several: see `archive.combining.combine_sessions`."""
        from chasm_git.archive.combining import combine_sessions
        from chasm_git.archive.naming import find_session

        archive = self.repository
        return combine_sessions(
            archive, lambda head: [find_session(archive, name, head) for name in names], title=title, dry_run=dry_run
        )

    def merge_workspace(self, workspace: str, *, title: str | None = None, dry_run: bool = False) -> Combined:
        """One new session from all of a workspace, by its path or any part of it."""
        from chasm_git.archive.choose import of_workspace, some

        return self._merge_of(
            lambda head: some(of_workspace(self.repository, workspace, head), workspace), title, dry_run
        )

    def merge_path(self, folder: str, *, title: str | None = None, dry_run: bool = False) -> Combined:
        """One new session from all that were held in a folder, or below it."""
        from chasm_git.archive.choose import held_in, some

        return self._merge_of(lambda head: some(held_in(self.repository, [folder], head), folder), title, dry_run)

    def merge_all(self, *, title: str | None = None, dry_run: bool = False) -> Combined:
        """One new session from all there are."""
        from chasm_git.archive.combining import unmerged

        return self._merge_of(lambda head: unmerged(self.repository, head), title, dry_run)

    def _merge_of(
        self, choose: Callable[[str | None], list[SessionFile]], title: str | None, dry_run: bool
    ) -> Combined:
        from chasm_git.archive.combining import combine_sessions
        from chasm_git.session.combine import PROVIDER

        def chosen(head: str | None) -> list[SessionFile]:
            return [one for one in choose(head) if one.provider != PROVIDER]

        return combine_sessions(self.repository, chosen, title=title, dry_run=dry_run)

    def look_forget(self, name: str) -> Forgetting:
        """What forgetting a session would do. Raises NoSuchSession, AmbiguousSession."""
        from chasm_git.archive.erasing.forget import look

        return look(self.repository, name)

    def forget(self, name: str, *, dry_run: bool = False) -> Forgetting:
        """Replace a session by tombstones: see `archive.forget.forget`."""
        from chasm_git.archive.erasing.forget import forget

        return forget(self.repository, name, dry_run=dry_run)

    def erase(self, provider: str, identity: str, *, dry_run: bool = False) -> Erased:
        """Take a session out of the whole history: see `archive.erase.erase`."""
        from chasm_git.archive.erasing.erase import erase

        return erase(self.repository, provider, identity, dry_run=dry_run)

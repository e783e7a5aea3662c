"""Into opencode and Kilo CLI: rows of the database of 1.2 and later, or the JSON files before it.

A restored session goes back into the form it had. Rows are written in one transaction, into tables whose columns we
know, under the project that has the folder. A converted one goes into the database where there is one, else into
files where a version that keeps files has been (1.18 does not take them over when it makes its database).
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from chasm_git.providers import registry
from chasm_git.providers.base import Env
from chasm_git.providers.formats.opencode_files import is_from_files
from chasm_git.providers.reading import sqlite_copy
from chasm_git.providers.writers import _opencode_new, _opencode_rows
from chasm_git.providers.writing.applying import StoreWriter, content
from chasm_git.providers.writing.contract import Expected, FileChange, Standing, Target, WritePlan, derived_id, origin
from chasm_git.providers.writing.converting import CALL, IMAGE, TEXT, THINKING, begin
from chasm_git.providers.writing.restoring import add_files, command, is_own, new_plan
from chasm_git.session.model import Session


class OpenCodeWriter(StoreWriter):
    """Puts sessions into ``$XDG_DATA_HOME/opencode``."""

    provider = "opencode"
    app: ClassVar[str] = "opencode"

    def plan(self, session: Session, env: Env, target: Target) -> WritePlan:
        """See `Writer.plan`."""
        home = sqlite_copy.data_home(env) / self.app
        plan = new_plan(self.provider, session, env, target, home, key=self._key(session, target))
        database = self._database(env, home)
        if plan.is_converted:
            self._convert(plan, session, target, home, database)
        elif is_from_files(session):
            self._restore_files(plan, session, target, home, database)
        elif database is None:
            plan.refused = f"{self.app} keeps this session in its database, and there is none: start it once"
        else:
            _opencode_rows.restore(plan, session, target, database)
        return plan

    def continue_command(self, session: Session, target: Target) -> str | None:
        """See `Writer.continue_command`."""
        return command(target.folder or session.workspace, self.app, "-s", self._key(session, target))

    def _key(self, session: Session, target: Target) -> str:
        if is_own(session, self.provider, target):
            return session.id
        return _opencode_new.session_key(derived_id(self.provider, session, target.revision))

    def _database(self, env: Env, home: Path) -> Path | None:
        named = env.variables.get(f"{self.app.upper()}_DB")
        path = home / named if named and named != ":memory:" else home / f"{self.app}.db"
        return path if path.is_file() else None

    def _restore_files(
        self, plan: WritePlan, session: Session, target: Target, home: Path, database: Path | None
    ) -> None:
        storage = home / "storage"
        exported = registry.load(self.provider).export(session, target.load)
        names = {name.split("/")[1] for name in exported if name.startswith(("message/", "todo/", "session_diff/"))}
        if any(name.removesuffix(".json") not in (session.id, session.id.removeprefix("ses_")) for name in names):
            plan.refused = f"{session.id} has files of another session"
            return
        add_files(plan, session, target.load, {storage / name: data for name, data in exported.items()})
        if database is not None:
            plan.notes.append(
                f"{self.app} has a database now and does not look at such files: `--in {self.app}` copies"
            )

    def _convert(self, plan: WritePlan, session: Session, target: Target, home: Path, database: Path | None) -> None:
        if plan.folder is None:
            plan.refused = "the session names no folder: give one"
            return
        taken = begin(plan, session, target, TEXT, CALL, IMAGE, THINKING)
        if taken is None:
            return
        said, facts = taken
        if open_calls := sum(call.result is None for turn in said.turns for call in turn.calls()):
            plan.notes.append(f"calls that nothing came of ({open_calls}) are closed as aborted, as the client does")
        made = _opencode_new.made(plan, said, session, origin(session, target.revision))
        if database is not None:
            _opencode_rows.insert(plan, made, database, facts)
            return
        storage = home / "storage"
        if not storage.is_dir():
            plan.refused = f"{self.app} keeps its sessions in a database, and there is none: start it once"
            return
        files = {storage / name: data for name, data in made.files(_opencode_new.project_of(storage, plan.folder))}
        place = next(iter(files))
        plan.expected.append(Expected(plan.session_id, place, None, facts))
        if place.exists():
            plan.standing = Standing.SAME
            return
        for path, data in reversed(files.items()):  # what a run that was killed has left of it is there already
            there, before = content(path)
            if there != data:
                plan.changes.append(FileChange(path, data, before))


class KiloCLIWriter(OpenCodeWriter):
    """Puts sessions into ``$XDG_DATA_HOME/kilo``."""

    provider = "kilo-cli"
    app = "kilo"

"""Sessions that a tool has in its store and does not show, whether they are in the archive or not."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from chasm_git.providers.base import Env
from chasm_git.providers.writers import vscode_register
from chasm_git.providers.writers.vscode_register import Registered
from chasm_git.writeback.report import WrittenRow

_VSCODE = "vscode"


def listed_anew(
    env: Env, path: str, known: Collection[str], *, backup: Path, force: bool, dry_run: bool
) -> list[WrittenRow] | None:
    """Have VS Code list the session files of a folder; a row for each that it did not show, None where it has none.

    Args:
        known: ids of the sessions of its own that have a row already.

    Raises OSError.
    """
    workspace = path if "://" in path else str(Path(path).expanduser().absolute())
    reports = vscode_register.register(env, workspace, backup=backup, force=force, dry_run=dry_run)
    if not reports:
        return None
    return [row for report in reports for row in _rows(report, workspace) if row.session_id not in known]


def _rows(report: Registered, workspace: str) -> Iterator[WrittenRow]:
    for key, title in (report.added | report.mended).items():
        row = WrittenRow(key, _VSCODE, _VSCODE, title, "registered", key, workspace, "same")
        if report.refused is not None:
            row.outcome, row.reason = "refused", report.refused
        else:
            row.notes = list(report.warnings)
            row.files = [str(report.store.database)]
            row.kept = [str(report.backup)] if report.backup is not None else []
        yield row
    for problem in report.problems:
        key = Path(problem.path).stem
        yield WrittenRow(
            key, _VSCODE, _VSCODE, "", "failed", key, workspace, reason=f"{problem.path}: {problem.reason}"
        )

"""What the export commands share: their options, and the writing of sessions to a file, a folder or standard output."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import click

from chasm_git.errors import ChasmError, SourcesUnreadable, UsageError
from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.export import forms
from chasm_git.outputs.export.forms import Wanted
from chasm_git.outputs.files import refuse_existing, write_file

if TYPE_CHECKING:
    from chasm_git.api import Archive, Found

_MOST = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of an export."""

    form: str | None
    plain: bool
    style: str
    beside: bool
    force: bool
    dry_run: bool

    def wanted(self, target: Path | None, default: str = "md") -> Wanted:
        """How to export to a target, whose name may say the form. Raises UsageError for what does not fit."""
        form = self.form or forms.BY_SUFFIX.get(target.suffix.lower() if target is not None else "", default)
        if self.style != "messages" and form != "jsonl":
            raise UsageError("--style is for --format jsonl")
        if self.beside and (target is None or form == "native"):
            raise UsageError("--attachments needs a file or a folder, and a form that is not the provider's own")
        return Wanted(form, self.plain, self.style, self.beside)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options every export takes, passed on to the command as ``asked``."""

    @wraps(command)
    def with_options(
        *args: Any,
        form: str | None,
        plain: bool,
        style: str,
        beside: bool,
        force: bool,
        dry_run: bool,
        **rest: Any,
    ) -> Any:
        return command(*args, asked=Asked(form, plain, style, beside, force, dry_run), **rest)

    for option in (
        click.option("--dry-run", is_flag=True, help="Only say which files would be written."),
        click.option("--force", is_flag=True, help="Write over files that exist."),
        click.option("--attachments", "beside", is_flag=True, help="Write attachments, too, into folders beside."),
        click.option(
            "--style",
            type=click.Choice(forms.STYLES),
            default="messages",
            help="Of jsonl: a message a line, or a session a line as chat models are tuned on.",
        ),
        click.option("--plain", is_flag=True, help="Only what is to be read: it cannot come in again."),
        click.option("--format", "form", type=click.Choice(forms.FORMS), help="Else by the name of the file; md."),
    ):
        with_options = option(with_options)
    return with_options


@dataclass(slots=True)
class Written:
    """What came of an export."""

    files: list[dict[str, Any]] = field(default_factory=list)
    sessions: list[Found] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    failed: list[Found] = field(default_factory=list)

    def left_out(self, one: Found, error: ChasmError) -> None:
        """Note a session that cannot be exported."""
        self.failed.append(one)
        said = str(error)
        self.problems.append(said if one.id in said else f"{one.id}: {said}")


def export(
    context: Context,
    archive: Archive,
    found: Sequence[Found],
    target: str | None,
    asked: Asked,
    name: str,
    *,
    to_folder: bool = True,
) -> None:
    """Write sessions and say so. Raises UsageError, ChasmError, SourcesUnreadable where some could not be exported.

    Args:
        target: a file, a folder, or None (and ``-``) for standard output.
        name: what they are, for a list of pages.
        to_folder: whether a target is a folder where its name does not say.
    """
    if not found:
        raise ChasmError(f"there is no session to export ({name})")
    place = None if target in (None, "-") else Path(str(target)).expanduser()
    if place is None and context.json and asked.form is None:
        asked = replace(asked, form="json", plain=True)
    wanted = asked.wanted(place)
    if place is None:
        _to_stdout(context, archive, found, wanted, asked)
        return
    is_file = place.suffix.lower() in forms.BY_SUFFIX or not (to_folder or len(found) > 1)
    written = Written()
    if not is_file or str(target).endswith(("/", "\\")) or place.is_dir():
        _to_folder(context, archive, found, place, wanted, asked, name, written)
    elif len(found) > 1 and wanted.form not in forms.TOGETHER:
        raise UsageError(f"{len(found)} sessions do not fit into one file of {wanted.form}; name a folder")
    else:
        _to_file(context, archive, found, place, wanted, asked, written)
    _report(context, wanted, asked, written)


def tell_unread(context: Context, unread: Sequence[str]) -> None:
    """Say that there are session files of which nobody knows whether they were held where the others were."""
    if unread:
        files = unread[0] if len(unread) == 1 else f"{len(unread)} session files"
        context.terminal.notice(f"chasm: left out, for it cannot be read: {files} (`chasm git verify` says why)")


def _to_file(
    context: Context,
    archive: Archive,
    found: Sequence[Found],
    place: Path,
    wanted: Wanted,
    asked: Asked,
    written: Written,
) -> None:
    beside = place.with_name(f"{place.stem}.files")
    own = forms.native(archive, found[0]) if wanted.form == "native" else {}
    places = placed(own, place) if len(own) > 1 else {place: next(iter(own.values()), b"")}
    if not asked.force:
        refuse_existing([*places, *([beside] if wanted.beside else [])])
    if wanted.form in forms.TOGETHER:
        with context.terminal.progress("exporting") as progress:
            _keep(place, _together(archive, found, wanted, written, progress), asked, written)
    elif wanted.form == "native":
        for path, data in places.items():
            _keep(path, data, asked, written)
    else:
        at = beside.name if wanted.beside else None
        _keep(place, forms.one(archive, found[0], wanted, files_at=at), asked, written)
    kept = set()
    for one in found if wanted.beside else ():
        for name, data in forms.attached(archive, one):
            if name not in kept:  # sessions may share one
                _keep(beside / name, data, asked, written)
            kept.add(name)
    failed = {one.path for one in written.failed}
    written.sessions = [one for one in found if one.path not in failed]


def _together(
    archive: Archive,
    found: Sequence[Found],
    wanted: Wanted,
    written: Written,
    progress: Callable[[int, int], None],
) -> Iterator[bytes]:
    """Sessions as one file, in pieces; of several, those that cannot be exported are left out and noted."""

    def counted() -> Iterator[Found]:
        for number, one in enumerate(found):
            progress(number, len(found))
            yield one

    several = len(found) > 1
    return forms.together(archive, counted(), wanted, as_list=several, failed=written.left_out if several else None)


def _to_stdout(context: Context, archive: Archive, found: Sequence[Found], wanted: Wanted, asked: Asked) -> None:
    if asked.dry_run:
        raise UsageError("--dry-run needs a file or a folder: without one nothing is written")
    if len(found) > 1 and wanted.form not in forms.TOGETHER:
        raise UsageError(f"{len(found)} sessions as {wanted.form} are several files; name a folder")
    if wanted.form in forms.TOGETHER:
        written = Written()
        for piece in _together(archive, found, wanted, written, lambda done, total: None):
            context.terminal.data(piece)
        _tell_problems(context, written)
        return
    if context.terminal.interactive and not asked.plain:
        wanted = Wanted(wanted.form, plain=True)  # nobody reads on a screen what only an import can
    made = forms.files(archive, found[0], wanted)
    if len(made) > 1:
        raise UsageError(f"{len(made)} files make up this session ({', '.join(made)}); name a folder with -o")
    context.terminal.data(next(iter(made.values())))


def _to_folder(
    context: Context,
    archive: Archive,
    found: Sequence[Found],
    folder: Path,
    wanted: Wanted,
    asked: Asked,
    name: str,
    written: Written,
) -> None:
    several = len(found) > 1
    extra = {"html": "index.html", "native": forms.MANIFEST}.get(wanted.form) if several else None
    if not asked.force:
        planned = [folder / inner for one in found for inner in forms.names(one, wanted, several=several)]
        if wanted.form != "native" or several:
            refuse_existing([*planned, *([folder / extra] if extra is not None else [])])
    made: list[tuple[Found, list[str]]] = []
    with context.terminal.progress("exporting") as progress:
        for number, one in enumerate(found, 1):
            try:
                files = forms.files(archive, one, wanted, several=several)
                places = placed(files, folder)
            except ChasmError as error:
                if not several:
                    raise
                written.left_out(one, error)
                continue
            if not asked.force:
                refuse_existing(places)
            for path, data in places.items():
                _keep(path, data, asked, written)
            made.append((one, list(files)))
            progress(number, len(found))
    written.sessions = [one for one, _ in made]
    if wanted.form == "html" and extra is not None:
        _keep(folder / extra, _index(archive, made, name), asked, written)
    elif extra is not None:
        _keep(folder / extra, forms.manifest(archive, made), asked, written)


def _index(archive: Archive, made: Sequence[tuple[Found, list[str]]], name: str) -> bytes:
    from chasm_git.outputs.export.page import Listed, index_page

    listed = []
    for one, files in made:
        about = archive.summary(one)
        listed.append(Listed(files[0], about.title, about.provider, about.workspace, about.updated_at, about.messages))
    return index_page(name, listed).encode("utf-8", "replace")


def placed(files: dict[str, bytes], folder: Path) -> dict[Path, bytes]:
    """Where each file goes in a folder. Raises UsageError for a name that leads out of it."""
    places = {}
    for name, data in files.items():
        inner = PurePosixPath(name.replace("\\", "/"))
        if inner.is_absolute() or ".." in inner.parts or ":" in name:
            raise UsageError(f"this session wants to be written to {name!r}, outside of {folder}")
        places[folder.joinpath(*inner.parts)] = data
    return places


def _keep(path: Path, data: bytes | Iterable[bytes], asked: Asked, written: Written) -> None:
    if asked.dry_run:
        size = len(data) if isinstance(data, bytes) else sum(map(len, data))
    else:
        size = write_file(path, data)
    written.files.append({"path": str(path), "bytes": size})


def _report(context: Context, wanted: Wanted, asked: Asked, written: Written) -> None:
    terminal = context.terminal
    if context.json:
        only = {"id": written.sessions[0].id} if len(written.sessions) == 1 else {}
        sessions = [{"id": one.id, "provider": one.provider} for one in written.sessions]
        facts = {"format": wanted.form, "written": not asked.dry_run, "files": written.files, "sessions": sessions}
        terminal.json({**only, **facts, "problems": written.problems})
    else:
        said = "would write" if asked.dry_run else "wrote"
        for file in written.files[:_MOST]:
            terminal.notice(f"{said} {file['path']}")
        if len(written.files) > _MOST:
            terminal.notice(f"{said} {len(written.files) - _MOST} more files")
    _tell_problems(context, written)


def _tell_problems(context: Context, written: Written) -> None:
    """Name the sessions that could not be exported. Raises SourcesUnreadable where there are some."""
    for problem in written.problems:
        context.terminal.notice(f"chasm: {problem}")
    if written.problems:
        count = len(written.problems)
        sessions = "1 session" if count == 1 else f"{count} sessions"
        raise SourcesUnreadable(f"{sessions} could not be exported (named above)")

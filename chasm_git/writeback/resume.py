"""Going on with a session: in the tool it came from or another one, in its folder or the same repository elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive import naming
from chasm_git.errors import ChasmError, UsageError
from chasm_git.providers import registry
from chasm_git.providers.base import Env
from chasm_git.session import codec
from chasm_git.writeback import folders
from chasm_git.writeback.chosen import items
from chasm_git.writeback.report import BAD, WrittenRow
from chasm_git.writeback.run import Item, Options, as_copy, put_back

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive


def resume(
    archive: Archive,
    name: str,
    env: Env,
    *,
    into: str | None,
    path: Path | None,
    here: Path,
    dry_run: bool,
    force: bool,
) -> WrittenRow:
    """See `access.Writable.resume`."""
    if into is not None:
        registry.load(into)  # says what there is
    (item,) = items(archive, names=[name])
    item = replace(item, into=into, folder=_folder(archive, item, path, here))
    if item.into in (None, item.provider) and _is_past(archive, item):
        item = as_copy(item)  # what came after it stays where it is
    (row,) = put_back(archive, env, [item], Options(dry_run, force)).rows
    if row.outcome == "newer":
        if not item.copy and item.into in (None, item.provider):
            row.notes.append("the tool holds more of it than the archive, and goes on with what it holds")
            row.reason = None
        else:
            raise ChasmError(f"{row.session_id} is in {row.into} already, and different: --force writes over it")
    if row.outcome in BAD:
        raise ChasmError(f"{item.id} cannot be gone on with in {row.into}: {row.reason}")
    return row


def _is_past(archive: Archive, item: Item) -> bool:
    """Whether this is a session as it was, and not as it is."""
    head = archive.head()
    if item.commit == head:
        return False
    try:
        return naming.find_session(archive, f"{item.provider}/{item.id}", head).blob != item.blob
    except naming.NoSuchSession:
        return False


def _folder(archive: Archive, item: Item, path: Path | None, here: Path) -> str | None:
    """The folder to go on in. Raises UsageError where there is none here."""
    if path is not None:
        chosen = path.expanduser().absolute()
        if not chosen.is_dir():
            raise UsageError(f"{chosen} is no folder here")
        return str(chosen)
    try:
        header = codec.loads_header(codec.split(archive.read(item.blob))[0])
    except codec.CodecError as error:
        raise ChasmError(f"the archive's file of {item.id} cannot be read: {error}") from error
    if header.workspace is None or folders.is_here(header.workspace):
        return None
    clone = folders.clone_of(header, here.absolute())
    if clone is None:
        raise UsageError(
            f"{header.workspace}, where {item.id} was held, is not on this machine: --path DIR says where to go on"
        )
    return str(clone)

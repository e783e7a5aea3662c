"""What travels beside the branch: snapshots, and the refs that say what each machine's providers held.

A snapshot never moves: one that is another commit there stays as it is on both sides, and is said. A machine's provider
refs are written by that machine alone; the others keep a copy, from which the machine can be set up again.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive.commit import commit
from chasm_git.archive.config import read_config, write_config
from chasm_git.archive.plumbing import durable, refs, trees
from chasm_git.archive.plumbing.git import Git
from chasm_git.archive.syncing import incoming
from chasm_git.archive.syncing.bases import merge_bases
from chasm_git.archive.syncing.exchange import Fetched, Line
from chasm_git.archive.syncing.remote import PROVIDERS, TAGS, Remote
from chasm_git.archive.syncing.transport import Stalled, talk
from chasm_git.errors import ChasmError

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive


def snapshots_to_send(archive: Archive, found: Fetched) -> tuple[dict[str, str], list[str]]:
    """Our snapshots that the remote has not: full name -> object id; and those it has otherwise, in words."""
    wanted, notes = {}, []
    for ref, value in refs.list_refs(archive, TAGS).items():
        there = found.tags.get(ref)
        if there is None:
            if archive_tree(archive, value) is not None:
                wanted[ref] = value
        elif there != value:
            notes.append(_differs(ref))
    return wanted, notes


def take_snapshots(archive: Archive, found: Fetched) -> tuple[list[str], list[str]]:
    """Make the remote's snapshots ours. Returns their names, and in words what was not taken."""
    taken, notes = [], []
    head = archive.tree_id(archive.head())
    for ref, value in found.tags.items():
        here = refs.read_ref(archive, ref)
        if here == value:
            continue
        if here is not None:
            notes.append(_differs(ref))
            continue
        tree = archive_tree(archive, value)
        if tree is None:
            continue  # a tag on something else
        _, refusals = incoming.new_files(archive, [head], tree)
        if refusals:
            notes.append(
                f"the snapshot {ref.removeprefix(TAGS)} was not taken: {refusals[0].path!r} {refusals[0].reason}"
            )
            continue
        try:
            refs.update_refs(archive, {ref: (None, value)}, "sync: snapshot")
        except ChasmError as error:
            notes.append(f"the snapshot {ref.removeprefix(TAGS)} was not taken: {error}")
            continue
        taken.append(ref.removeprefix(TAGS))
    return taken, notes


def providers_to_send(archive: Archive, found: Fetched, machine: str) -> tuple[dict[str, str], list[str]]:
    """This machine's provider refs that the remote has not as they are here: full name -> commit; and a note.

    Where the remote has a history of its own under this machine's name (another machine is called so, too, or this one
    was set up anew), ours goes on top of it, so that nothing has to be forced.
    """
    wanted, notes = {}, []
    for ref, ours in refs.list_refs(archive, f"{PROVIDERS}{machine}/").items():
        theirs = found.providers.get(ref)
        if theirs is None:
            wanted[ref] = ours
            continue
        if not _is_commit(archive, theirs):
            notes.append(f"{ref} is no commit there; it stays as it is")
            continue
        bases = merge_bases(archive, ours, theirs)
        if ours in bases:
            continue
        if theirs not in bases:
            notes.append(
                f"another machine is called {machine}, too; give this one a name of its own with "
                f"`git -C {shlex.quote(str(archive.path))} config chasm.machine NAME`"
            )
            tree = archive.tree_id(ours)
            assert tree is not None
            provider = ref.rpartition("/")[2]
            ours = commit(
                archive, tree=tree, parents=[theirs, ours], message=f"{provider} on {machine}: as it is there"
            )
        wanted[ref] = ours
    return wanted, notes


def take_providers(archive: Archive, found: Fetched, machine: str) -> None:
    """Follow the provider refs of other machines; of this one's only those that are missing, after a loss, say."""
    updates: dict[str, tuple[str | None, str | None]] = {}
    for ref, theirs in found.providers.items():
        here = refs.read_ref(archive, ref)
        if here == theirs or (here is not None and ref.startswith(f"{PROVIDERS}{machine}/")):
            continue
        if not _is_commit(archive, theirs):
            continue
        if here is None or theirs not in merge_bases(archive, here, theirs):
            updates[ref] = (here, theirs)
    for ref, values in updates.items():
        try:
            refs.update_refs(archive, {ref: values}, "sync: another machine's provider")
        except refs.RefMoved:
            continue  # a harvest was faster


def set_upstream(archive: Archive, there: Remote) -> None:
    """Tell git which remote branch ours belongs to, where nobody has said so: `git pull`, `git status` then know it."""
    short = archive.branch.removeprefix("refs/heads/")
    config = archive.git_dir / "config"
    if f"branch.{short}.remote" not in read_config(config):
        upstream: Mapping[str, str] = {f"branch.{short}.remote": there.name, f"branch.{short}.merge": there.branch}
        write_config(config, upstream, archive.scratch)


def name_damage(archive: Archive, there: Remote, line: Line) -> list[incoming.Refusal]:
    """The paths behind objects that git refused to fetch: looked at in a repository that is thrown away."""
    from chasm_git.archive.repo import Archive

    place = archive.scratch / durable.scratch_name()
    try:
        _throwaway(archive, place)
        with Archive(place, place, None, there.branch) as quarantine:
            unchecked = ("fetch.fsckObjects=false", "transfer.fsckObjects=false", "protocol.fd.allow=never")
            arguments = ("fetch", "--progress", "--no-tags", "--recurse-submodules=no", "--end-of-options", there.url)
            result = talk(
                Git(quarantine, attended=line.attended),
                (*arguments, f"+{there.branch}:{there.branch}"),
                settings=unchecked,
                attended=line.attended,
                patience=line.patience,
            )
            head = quarantine.head()
            if result.status != 0 or head is None:
                return []
            known = quarantine.tree_id(archive.head())
            return incoming.new_files(quarantine, [known], quarantine.tree_id(head))[1]
    except (ChasmError, Stalled, KeyError, ValueError):
        return []  # git's own words say what is wrong, if not where
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _throwaway(archive: Archive, place: Path) -> None:
    """An empty bare repository that can read our objects."""
    for folder in ("objects/info", "objects/pack", "refs/heads"):
        (place / folder).mkdir(parents=True)
    version, extensions = (1, "[extensions]\n\tobjectFormat = sha256\n") if archive.hash_name == "sha256" else (0, "")
    (place / "config").write_text(f"[core]\n\trepositoryformatversion = {version}\n\tbare = true\n{extensions}")
    (place / "HEAD").write_text("ref: refs/heads/main\n")
    objects = (archive.git_dir / "objects").absolute()
    (place / "objects" / "info" / "alternates").write_text(f"{objects}\n", "utf-8")


def archive_tree(archive: Archive, tag: str) -> str | None:
    """The tree of the commit a tag is on; None where that is no state of an archive."""
    try:
        kind, data = archive.object(tag)
        while kind == "tag":
            kind, data = archive.object(data[len(b"object ") : data.index(b"\n")].decode("ascii"))
        if kind != "commit":
            return None
        tree = data[len(b"tree ") : data.index(b"\n")].decode("ascii")
        return tree if trees.lookup(archive, tree, "chasm.yaml") is not None else None
    except (KeyError, ValueError):
        return None


def _is_commit(archive: Archive, name: str) -> bool:
    try:
        return archive.object(name)[0] == "commit"
    except KeyError:
        return False


def _differs(ref: str) -> str:
    return f"the snapshot {ref.removeprefix(TAGS)} is another one there; snapshots never move, so both stay as they are"

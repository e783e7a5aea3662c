"""Decisions about credentials that are in the archive: masked in its latest version, or allowed to stay.

Either is a commit like any other, and goes to every machine. Masks do not reach the history: what it holds stays there
until it is taken out, and a credential that was seen by others has to be made void where it is used, in any case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chasm_git import __version__
from chasm_git.archive import layout, naming, settings
from chasm_git.archive.commit import Writer, commit
from chasm_git.archive.plumbing import durable, refs, trees
from chasm_git.archive.plumbing.journal import publish, recover
from chasm_git.archive.secrets import secretscan, secretsettings
from chasm_git.archive.secrets.secretscan import Found, Progress
from chasm_git.errors import ChasmError, UsageError
from chasm_git.session import attachments, codec
from chasm_git.session.masking import Masker, names_in
from chasm_git.session.reference import ReferenceError
from chasm_git.session.secret_patterns import TooSlow
from chasm_git.session.secrets import FINGERPRINT

if TYPE_CHECKING:
    from chasm_git.archive.plumbing.worktree import Kept
    from chasm_git.archive.repo import Archive

PROVIDERS = "refs/chasm/providers/"


@dataclass(slots=True)
class Decided:
    """What a decision did, or would do."""

    commit: str | None = None
    """None = there was nothing to do, or it was only asked."""
    sessions: list[str] = field(default_factory=list)
    """Paths of the session files that changed."""
    attachments: list[str] = field(default_factory=list)
    """Names of attachments that were masked, as they were."""
    credentials: dict[str, str] = field(default_factory=dict)
    """Fingerprint -> rule of everything that was decided about."""
    problems: list[str] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    pending: str | None = None


def mask(
    archive: Archive, machine: str, names: Iterable[str] | None, *, dry_run: bool = False, progress: Progress
) -> Decided:
    """Mask every credential in the latest version of sessions that nobody has allowed.

    What this machine's providers held is masked, too, and each credential is remembered in ``chasm.yaml``, so that no
    harvest of an old source brings it back.

    Args:
        names: ids of sessions; None = all.

    Raises NoSuchSession, AmbiguousSession; ChasmError for settings that cannot be used.
    """
    with archive.lock():
        if not dry_run:
            recover(archive)
        head = archive.head()
        found = secretsettings.read(archive)
        if found.problems:
            raise ChasmError(f"{found.problems[0]}; mend that first: what is to be masked may stand there")
        paths = None if names is None else [naming.find_session(archive, name, head).path for name in names]
        work = _Masking(archive, head, found.masker(every=True), Decided())
        changes = work.of_tree(head, paths, progress)
        if not changes:
            return work.done
        lasting = {one.decision for one in work.masker.taken.values()}
        if dry_run:
            return work.done
        return work.publish(machine, changes, {one: _said(work.masker, one) for one in sorted(lasting)}, paths)


class _Masking:
    """Masks files of one state, and what providers held."""

    def __init__(self, archive: Archive, head: str | None, masker: Masker, done: Decided) -> None:
        self._archive = archive
        self._head = head
        self.masker = masker
        self.done = done

    def of_tree(
        self, commit: str | None, paths: Iterable[str] | None, progress: Progress
    ) -> dict[str, str | bytes | None]:
        """The files of a commit that masks change: path -> new content, None for one that is to go."""
        files = self._archive.files(commit)
        chosen = list(files) if paths is None else [path for path in paths if path in files]
        changes: dict[str, str | bytes | None] = {}
        left: set[str] = set()
        for number, path in enumerate(chosen, 1):
            progress(number, len(chosen))
            if layout.parse_session_path(path) is None:
                continue
            before = self._archive.read(files[path])
            try:
                after = self.masker.apply(before, self._load)
            except (TooSlow, codec.CodecError) as error:
                self.done.problems.append(f"{path}: not masked: {error}")
                continue
            if after != before:
                changes[path] = after
                left |= names_in(before) - names_in(after)
        self.done.sessions = sorted(changes)
        self.done.credentials = {name: one.rule for name, one in self.masker.taken.items()}
        for name, data in self.masker.made.items():
            changes[attachments.path_of(name)] = data
        for name in self._unnamed(left, files, changes):
            changes[attachments.path_of(name)] = None
            self.done.attachments.append(name)
        return changes

    def publish(
        self,
        machine: str,
        changes: Mapping[str, str | bytes | None],
        lasting: Mapping[str, str],
        paths: Iterable[str] | None,
    ) -> Decided:
        """Commit, and move the branch and the providers' refs."""
        archive, head, done = self._archive, self._head, self.done
        updates: dict[str, tuple[str | None, str | None]] = {}
        edited = _edited(archive, head, "mask", lasting) if lasting else None
        with Writer(archive) as writer:
            blobs = {
                path: writer.add("blob", data) if isinstance(data, bytes) else data for path, data in changes.items()
            }
            if edited is not None:
                blobs[settings.PATH] = writer.add("blob", edited)
            tree = trees.write_tree(archive, archive.tree_id(head), blobs, writer)
            text = _message(done, machine, "masked")
            done.commit = commit(archive, tree=tree, parents=[head] if head else [], message=text, sink=writer)
            updates[archive.branch] = (head, done.commit)
            for ref, held in refs.list_refs(archive, f"{PROVIDERS}{machine}/").items():
                new = self._provider(held, paths, machine, writer)
                if new is not None:
                    updates[ref] = (held, new)
        return _moved(archive, done, updates, text, "mask", lasting)

    def _provider(self, held: str, paths: Iterable[str] | None, machine: str, writer: Writer) -> str | None:
        work = _Masking(self._archive, self._head, self.masker, Decided())
        changes = work.of_tree(held, paths, lambda done, total: None)
        blobs = {path: writer.add("blob", data) for path, data in changes.items() if isinstance(data, bytes)}
        blobs = {path: blob for path, blob in blobs.items() if layout.parse_session_path(path) is not None}
        if not blobs:
            return None
        tree = trees.write_tree(self._archive, self._archive.tree_id(held), blobs, writer)
        return commit(self._archive, tree=tree, parents=[held], message=f"masked on {machine}", sink=writer)

    def _unnamed(self, names: set[str], files: Mapping[str, str], changes: Mapping[str, object]) -> set[str]:
        """Those attachments that no session names any more."""
        left = set(names)
        for path, blob in files.items():
            if not left:
                break
            changed = changes.get(path)
            left -= names_in(changed if isinstance(changed, bytes) else self._archive.read(blob))
        return left

    def _load(self, name: str) -> bytes:
        return self._archive.read_path(self._head, attachments.path_of(name))


def allow(archive: Archive, machine: str, names: Iterable[str], *, dry_run: bool, progress: Progress) -> Decided:
    """Let credentials stay, and leave: by fingerprint, or all that a session holds.

    Raises NoSuchSession, AmbiguousSession, UsageError for a fingerprint that is also the beginning of an id.
    """
    with archive.lock():
        if not dry_run:
            recover(archive)
        head = archive.head()
        done = Decided()
        everything: list[Found] | None = None
        for name in names:
            if FINGERPRINT.fullmatch(name):
                if everything is None:
                    everything = secretscan.scan_commit(archive, head, None, progress).found
                rules = {one.seen.rule for one in everything if one.seen.fingerprint == name}
                done.credentials[name] = next(iter(rules), "in the history")
                if not rules and _is_session(archive, name, head):
                    raise UsageError(
                        f"{name} is no fingerprint that was found, but begins a session's id: write more of it"
                    )
                continue
            path = naming.find_session(archive, name, head).path
            inside = secretscan.scan_commit(archive, head, [path], progress).open
            done.credentials |= {one.seen.fingerprint: one.seen.rule for one in inside}
        known = secretsettings.read(archive).allow
        done.credentials = {name: rule for name, rule in done.credentials.items() if name not in known}
        if dry_run or not done.credentials:
            return done
        edited = _edited(archive, head, "allow", done.credentials)
        with Writer(archive) as writer:
            blobs: dict[str, str | None] = {settings.PATH: writer.add("blob", edited)}
            tree = trees.write_tree(archive, archive.tree_id(head), blobs, writer)
            text = _message(done, machine, "allowed")
            done.commit = commit(archive, tree=tree, parents=[head] if head else [], message=text, sink=writer)
        return _moved(archive, done, {archive.branch: (head, done.commit)}, text, "allow", done.credentials)


def _is_session(archive: Archive, name: str, head: str | None) -> bool:
    try:
        naming.find_session(archive, name, head)
    except naming.NoSuchSession:
        return False
    except naming.AmbiguousSession:
        return True
    return True


def _said(masker: Masker, decision: str) -> str:
    rules = {one.rule for one in masker.taken.values() if one.decision == decision}
    return next(iter(rules - {decision}), "all of them")


def _edited(archive: Archive, head: str | None, name: str, items: Mapping[str, str]) -> bytes:
    """The committed settings with decisions added. Raises ChasmError where they cannot be read."""
    try:
        return settings.with_added(archive.file(head, settings.PATH) or b"", ("secrets", name), dict(items))
    except ReferenceError as error:
        where = f":{error.line}" if error.line is not None else ""
        raise ChasmError(f"{settings.PATH}{where}: {error}") from error


def _moved(
    archive: Archive,
    done: Decided,
    updates: dict[str, tuple[str | None, str | None]],
    text: str,
    name: str,
    items: Mapping[str, str],
) -> Decided:
    """Move the branch; settings a person is just editing get the same lines."""
    mine = _being_edited(archive)
    published = publish(archive, updates, text.partition("\n")[0])
    done.kept, done.pending = published.kept, published.pending
    if mine is not None and archive.worktree is not None and items:
        try:
            edited = settings.with_added(mine, ("secrets", name), dict(items))
        except ReferenceError as error:
            done.problems.append(f"{settings.PATH}: left as you have it: {error}")
            return done
        durable.write_whole(archive.worktree / settings.PATH, edited, archive.scratch)
        done.kept = [kept for kept in done.kept if kept.path != settings.PATH]
    return done


def _being_edited(archive: Archive) -> bytes | None:
    if archive.worktree is None:
        return None
    try:
        mine = (archive.worktree / settings.PATH).read_bytes()
    except OSError:
        return None
    return mine if mine != (archive.file(archive.head(), settings.PATH) or b"") else None


def _message(done: Decided, machine: str, what: str) -> str:
    count = len(done.credentials)
    where = f" in {len(done.sessions)} sessions" if done.sessions else ""
    lines = [f"secrets: {what} {count} credential{'s' if count != 1 else ''}{where}", ""]
    lines += [f"~ {path}" for path in done.sessions[:400]]
    lines += [f"  {rule} {name}" for name, rule in done.credentials.items()] if what == "allowed" else []
    return "\n".join([*lines, "", f"Chasm-Machine: {machine}", f"Chasm-Version: {__version__}"]) + "\n"

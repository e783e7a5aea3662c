"""What git's hooks ask: may this be committed, pushed, taken? The scripts in ``hooks/`` only start it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive import layout, verify
from chasm_git.archive.plumbing import refs
from chasm_git.archive.plumbing.git import Git
from chasm_git.archive.secrets import secretscan, secretsettings

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

_MARKS = (b"<<<<<<< ", b"||||||| ", b"=======", b">>>>>>> ")


@dataclass(slots=True)
class Checked:
    """What a hook has to say."""

    refused: list[str] = field(default_factory=list)
    """Why git must not go on."""
    notes: list[str] = field(default_factory=list)


def before_commit(archive: Archive, index: Path | None = None) -> Checked:
    """What is staged can be read, and holds no credential that ``redact: mask`` would have masked."""
    made = Checked()
    report = verify.verify_staged(archive, index)
    staged = _staged(archive, index)
    marked = {path for path, blob in staged.items() if _has_marks(archive.read(blob))}
    made.refused += [f"{one.path}: {one.reason}" for one in report.problems]
    if any(one.path in marked for one in report.problems):
        made.refused.append(
            "that file has conflict marks (<<<<<<<), which the driver of sessions never leaves: `chasm git install` "
            "puts it here; then `git checkout -m -- FILE` merges the file again"
        )
    made.notes += [f"{one.path}: {one.reason}" for one in report.notes]
    settings = secretsettings.read(archive)
    if settings.redact == "off":
        return made
    objects = [secretscan.Object(blob, path) for path, blob in staged.items()]
    found = secretscan.scan(archive, objects, set(staged.values()), settings, lambda done, total: None)
    made.notes += found.problems
    if found.open:
        lines = [f"{one.seen.rule} {one.seen.shown} [{one.seen.fingerprint}] in {one.where}" for one in found.open]
        if settings.redact == "mask":
            made.refused += [
                *lines,
                "redact: mask keeps credentials out; mask them by hand, or `chasm secrets allow` them",
            ]
        else:
            made.notes += [*lines, "these credentials are about to be committed (`chasm secrets mask` takes them out)"]
    return made


def before_push(archive: Archive, remote: str, lines: Iterable[str]) -> Checked:
    """What git is about to push holds no credential, as ``secrets: push:`` says.

    Args:
        remote: its name, or its URL where it has none.
        lines: ``<ref here> <id here> <ref there> <id there>`` each.
    """
    made = Checked()
    wanted, there = [], []
    for line in lines:
        words = line.split()
        if len(words) != 4:
            continue
        if words[1].strip("0"):
            wanted.append(words[1])
        if words[3].strip("0"):
            there.append(words[3])
    there += refs.list_refs(archive, f"refs/remotes/{remote}/").values()
    there += refs.list_refs(archive, f"refs/chasm/remotes/{remote}/").values()
    if not wanted:
        return made
    try:
        made.notes += secretscan.check_push(archive, remote, wanted, there)
    except secretscan.SecretsLeaving as error:
        what, way = f"nothing was sent to {remote}", "`git push --no-verify` sends all of it this once"
        made.refused.append(secretscan.refusal(what, error.found, way))
    return made


def before_update(archive: Archive, old: str, new: str) -> Checked:
    """What is pushed here can be read; of credentials in it the pusher is told, or it is refused.

    Git's setting ``chasm.secrets`` of this repository says which: refuse, warn (so by default) or off.
    """
    made = Checked()
    report = verify.verify_pushed(archive, old, new)
    made.refused += [f"{one.path}: {one.reason}" for one in report.problems]
    mode = archive.settings.get("chasm.secrets", "warn")
    mode = mode if mode in secretsettings.PUSH else "warn"
    try:
        there = [old if _is_commit(archive, old) else None, archive.head()]
        made.notes += secretscan.check_push(archive, "this archive", [new], there, commit=new, mode=mode)
    except secretscan.SecretsLeaving as error:
        way = "`git config chasm.secrets warn` in the repository that was pushed to takes it"
        made.refused.append(secretscan.refusal("not taken", error.found, way))
    return made


def _is_commit(archive: Archive, name: str) -> bool:
    try:
        return archive.object(name)[0] == "commit"
    except (KeyError, ValueError):
        return False  # zeros, for a branch that is new


def _has_marks(data: bytes) -> bool:
    return all(b"\n" + mark in data for mark in (_MARKS[0], _MARKS[2], _MARKS[3]))


def _staged(archive: Archive, index: Path | None) -> dict[str, str]:
    """Path -> blob of the files of ours that are staged and differ from the head."""
    listed = Git(archive, index=index).run(
        "diff", "--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff", "--diff-filter=ACMT",
        "--", layout.SESSIONS, layout.ATTACHMENTS,
    )  # fmt: skip
    fields = listed.decode("utf-8", "surrogateescape").split("\0")
    pairs = zip(fields[::2], fields[1::2], strict=False)
    return {path: head.split(" ")[3] for head, path in pairs if head.split(" ")[1].startswith("100")}

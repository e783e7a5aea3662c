"""Which sessions belong to a folder, also after it was moved, renamed or cloned anew.

Sessions are judged together by the folder they were held in: what one of them says of it holds for all. Every piece of
evidence has a weight w, what speaks independently of each other adds up to 1 - (1 - w1)(1 - w2)…:

========================================================================  =====
held in this folder, or below it                                          1
VS Code's id of the old folder is made of this folder's identity on disk  0.98
a commit it names is in this folder's repository                          0.95
its folder is another clone of this repository (the same first commit)    0.9
the remote it names is a remote of this folder's repository               0.9
files it names are here (0.9 √share (1 - 0.6^n), n files found)           < 0.9
its folder has the same name (and the same name above it)                 0.3 (0.45)
its folder is gone (only beside other evidence)                           0.15
========================================================================  =====

A repository with another remote counts against it (x 0.3), and so does a folder that is still there (x 0.5), unless the
repository is the same. `BELONGS` is the score from which on a session is taken to belong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from chasm_git.recovery.facts import Facts, local
from chasm_git.recovery.place import Place
from chasm_git.writeback import folders

BELONGS = 0.5
WORTH_A_LOOK = 0.2
"""The score from which on a candidate is worth showing to who asks for all."""
_COMMON = frozenset(
    [
        "README.md",
        "package.json",
        "package-lock.json",
        "pyproject.toml",
        "setup.py",
        "requirements.txt",
        "__init__.py",
        "main.py",
        "index.js",
        "index.html",
        "index.ts",
        "app.py",
        ".gitignore",
        "Makefile",
        "Dockerfile",
        "LICENSE",
        "Cargo.toml",
        "go.mod",
        "tsconfig.json",
        "CLAUDE.md",
        "AGENTS.md",
        "src",
        "tests",
        "docs",
        ".env",
    ]
)
_COMMON_COUNTS = 0.2


@dataclass(slots=True)
class Candidate:
    """Sessions that were held in one folder, and how sure it is that they belong to another one."""

    workspace: str | None
    target: str
    """The folder they would go on in: the one that was asked for, or one below it."""
    score: float
    reasons: list[str]
    sessions: list[Facts] = field(default_factory=list)

    @property
    def is_here(self) -> bool:
        """Whether they were held in the folder that was asked for, or below it."""
        return self.score >= 1

    def as_json(self) -> dict[str, Any]:
        """The stable form for programs."""
        return {
            "workspace": self.workspace,
            "target": self.target,
            "score": round(self.score, 3),
            "belongs": self.score >= BELONGS,
            "reasons": self.reasons,
            "sessions": [one.as_json() for one in self.sessions],
        }


def candidates(
    place: Place, sessions: Iterable[Facts], moved: Mapping[str, str] | None = None, *, least: float = BELONGS
) -> list[Candidate]:
    """The sessions that may belong to a folder, the surest first.

    Args:
        moved: folders that a client's id shows to have been this one, with how that is known.
        least: the lowest score that is wanted.
    """
    groups = _groups(sessions)
    place.ask(sorted({one.commit for group in groups for one in group if one.commit}))
    found = [_judged(place, group, moved or {}) for group in groups]
    _inherit(place, found)
    found = [one for one in found if one.score >= least]
    for one in found:
        one.sessions.sort(key=lambda session: (session.updated_at or "", session.id), reverse=True)
    return sorted(found, key=lambda one: (-one.score, -len(one.sessions), one.workspace or ""))


def _groups(sessions: Iterable[Facts]) -> list[list[Facts]]:
    """Sessions of one folder and one repository; those that name none go with the others of their folder."""
    by_folder: dict[str, dict[str | None, list[Facts]]] = defaultdict(lambda: defaultdict(list))
    for one in sessions:
        folder = folders.plain(one.workspace).rstrip("/\\") if one.workspace else f"\0{one.provider}\0{one.id}"
        by_folder[folder][one.address].append(one)
    groups: list[list[Facts]] = []
    for by_address in by_folder.values():
        if len(by_address) == 2 and None in by_address:
            groups.append([one for listed in by_address.values() for one in listed])
        else:
            groups += by_address.values()
    return groups


def _judged(place: Place, group: list[Facts], moved: Mapping[str, str]) -> Candidate:
    """Weigh what speaks for a group."""
    workspace = group[0].workspace
    old = local(workspace)
    inside = _inside(place.path, workspace)
    if inside is not None:
        return Candidate(workspace, str(place.path / inside), 1.0, ["held in this folder"], group)
    if old is not None and place.top is not None and old.is_dir() and (old == place.top or place.top in old.parents):
        return Candidate(workspace, str(place.path), 0.0, ["held elsewhere in the same working tree"], group)
    weights, reasons, target, is_same = _repository(place, group, old)
    if workspace is not None and folders.plain(workspace) in moved:
        weights.append(0.98)
        reasons.append(moved[folders.plain(workspace)])
    name, below = _named_alike(place, workspace)
    if below:
        target = str(place.path / below)
    root = old.parents[len(PurePosixPath(below).parts) - 1] if old is not None and below else old
    share, text = _files(Place(Path(target)), place, group, old, root)
    if share:
        weights.append(share)
        reasons.append(text)
    if name:
        weights.append(name)
        reasons.append("its folder has the same name" + (", and the one above it" if name > 0.3 else ""))
    is_there = old is not None and old.is_dir()
    if weights and old is not None and not is_there:
        weights.append(0.15)
        reasons.append(f"its folder is gone: {old}")
    score = _together(weights)
    if not is_same and place.addresses and any(one.address and one.address not in place.addresses for one in group):
        score *= 0.3
        reasons.append(f"it names another repository: {next(one.address for one in group if one.address)}")
    if is_there and not is_same:
        score *= 0.5
        reasons.append(f"its own folder is still there: {old}")
    return Candidate(workspace, target, min(score, 0.99), reasons, group)


def _repository(place: Place, group: list[Facts], old: Path | None) -> tuple[list[float], list[str], str, bool]:
    """What the repository says."""
    weights: list[float] = []
    reasons: list[str] = []
    within = place.path.relative_to(place.top).parts if place.top is not None else ()
    if within and (old is None or old.parts[-len(within) :] != within):
        return weights, reasons, str(place.path), False  # it may belong to the repository, and not to this part of it
    commit = next((one.commit for one in group if one.commit and place.has_commit(one.commit)), None)
    if commit is not None:
        weights.append(0.95)
        reasons.append(f"commit {commit[:9]}, which it names, is in this repository")
    address = next((one.address for one in group if one.address and one.address in place.addresses), None)
    if address is not None:
        weights.append(0.9)
        reasons.append(f"the same remote: {address}")
    there = Place(old) if old is not None and old.is_dir() else None
    is_other = there is not None and there.top is not None and place.top is not None and there.top != place.top
    if there is not None and is_other and not weights and there.roots & place.roots:
        weights.append(0.9)
        reasons.append(f"its folder is another clone of this repository: {old}")
    return weights, reasons, str(place.path), bool(weights)


def _named_alike(place: Place, workspace: str | None) -> tuple[float, str]:
    """How well the names fit, and where below the folder the sessions were held."""
    parts = [part for part in folders.plain(workspace or "").replace("\\", "/").split("/") if part]
    mine = place.path.parts
    for up in range(min(len(parts), 4)):
        at = len(parts) - 1 - up
        below = "/".join(parts[at + 1 :])
        if parts[at].casefold() == place.name.casefold() and (not up or place.has(below)):
            twice = at > 0 and len(mine) > 2 and parts[at - 1].casefold() == mine[-2].casefold()
            return (0.45 if twice and parts[at - 1] not in ("home", "Users") else 0.3), below
    return 0.0, ""


def _files(target: Place, place: Place, group: list[Facts], old: Path | None, root: Path | None) -> tuple[float, str]:
    """How many of the files that are named are here."""
    counted: dict[str, bool] = {}
    for path in {path for one in group for path in one.files}:
        for where, relative in _relative(path, target, place, old, root):
            counted[relative] = counted.get(relative, False) or where.has(relative)
    weight = {path: _COMMON_COUNTS if path in _COMMON else 1.0 for path in counted}
    total = sum(weight.values())
    here = sum(weight[path] for path, is_here in counted.items() if is_here)
    if not here:
        return 0.0, ""
    found = sorted(path for path, is_here in counted.items() if is_here)
    text = f"{len(found)} of {len(counted)} files it names are here: {', '.join(found[:3])}" + "…" * (len(found) > 3)
    return 0.9 * (here / total) ** 0.5 * (1 - 0.6**here), text


def _relative(
    path: str, target: Place, place: Place, old: Path | None, root: Path | None
) -> Iterable[tuple[Place, str]]:
    """Where a file that is named would be now: the places to look in, and its path there."""
    plain = folders.plain(path).replace("\\", "/")
    if "://" in plain or "\0" in plain:
        return
    is_absolute = plain.startswith("/") or plain[1:2] == ":"
    if not is_absolute:
        clean = str(PurePosixPath(plain))
        if clean != "." and ".." not in PurePosixPath(clean).parts:
            yield target, clean
        return
    for where, start in ((target, old), (place, root)):
        if start is not None and plain.startswith(f"{start.as_posix()}/"):
            yield where, plain[len(start.as_posix()) + 1 :]
            return
    parts = plain.split("/")
    if old is None and len(parts) > 3:
        yield place, "/".join(parts[-2:])


def _inside(folder: Path, workspace: str | None) -> str | None:
    """Where below a folder a session was held, "." for the folder itself; None where it was held elsewhere."""
    held = local(workspace)
    if held is None:
        return None
    for here in {folder, folder.resolve()}:
        if held == here or here in held.parents:
            return str(held.relative_to(here))
    return None


def _inherit(place: Place, found: list[Candidate]) -> None:
    """A folder below one that has become this one went with it."""
    roots = {
        Path(folders.plain(one.workspace)): one
        for one in found
        if one.workspace and BELONGS <= one.score < 1 and one.target == str(place.path)
    }
    for one in found:
        held = local(one.workspace)
        if held is None or one.is_here:
            continue
        above = next((roots[parent] for parent in held.parents if parent in roots), None)
        if above is None:
            continue
        one.target = str(place.path / held.relative_to(Path(folders.plain(above.workspace or ""))))
        if 0.95 * above.score > one.score:
            one.score = 0.95 * above.score
            one.reasons.append(f"it lay below {above.workspace}, which belongs here")


def _together(weights: Iterable[float]) -> float:
    left = 1.0
    for weight in weights:
        left *= 1 - weight
    return 1 - left

"""Finding the repository a path belongs to, as git does, without starting it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from chasm_git.archive.config import is_true, read_config
from chasm_git.errors import ChasmError

_EXTENSIONS = {
    "noop",
    "objectformat",
    "partialclone",
    "preciousobjects",
    "refstorage",
    "relativeworktrees",
    "worktreeconfig",
}


def find_repository(path: Path) -> tuple[Path, Path] | None:
    """The repository that `path` is, or is inside of: (top, git directory). A bare one is its own top.

    In a linked worktree it is the repository that all of its worktrees share.
    """
    path = Path(path).absolute()
    for folder in (path, *path.parents):
        dot_git = folder / ".git"
        if _is_git_dir(dot_git):
            return folder, dot_git
        if dot_git.is_file():
            return _through_file(folder, dot_git)
        if _is_git_dir(folder):
            if folder.name == ".git" and not is_true(read_config(folder / "config").get("core.bare")):
                return folder.parent, folder
            return folder, folder
    return None


def _is_git_dir(path: Path) -> bool:
    return (path / "HEAD").is_file() and (path / "objects").is_dir() and (path / "refs").is_dir()


def _through_file(folder: Path, dot_git: Path) -> tuple[Path, Path] | None:
    """Where a ``.git`` file leads: a linked worktree, or a repository that lies elsewhere."""
    target = _target(dot_git, "gitdir: ")
    if target is None:
        return None
    try:
        common = (target / (target / "commondir").read_text().strip()).resolve()
    except FileNotFoundError:
        return (folder, target) if _is_git_dir(target) else None
    if not _is_git_dir(common):
        return None
    if common.name == ".git" and not is_true(read_config(common / "config").get("core.bare")):
        return common.parent, common
    return common, common


def _target(file: Path, prefix: str) -> Path | None:
    text = file.read_text(encoding="utf-8", errors="surrogateescape").strip()
    return (file.parent / text.removeprefix(prefix)).resolve() if text.startswith(prefix) else None


def require_known(settings: Mapping[str, str], git_dir: Path) -> None:
    """Git's rule: who does not know an extension of a repository must not touch it. Raises ChasmError."""
    version = settings.get("core.repositoryformatversion", "0")
    extensions = {name.removeprefix("extensions.") for name in settings if name.startswith("extensions.")}
    unknown = extensions - _EXTENSIONS if version == "1" else set()
    if settings.get("extensions.refstorage", "files").lower() != "files":
        # dulwich writes them without locks
        raise ChasmError(
            f"{git_dir} keeps its refs in a form that cannot be written safely yet; "
            "`git refs migrate --ref-format=files` there changes that"
        )
    if version not in ("0", "1") or unknown:
        what = ", ".join(sorted(unknown)) or f"format {version}"
        raise ChasmError(f"{git_dir} is a kind of repository that is not known here ({what}); a newer chasm-git may do")

"""Remotes of an archive: any git repository that takes a push. It is the meeting place of machines, and the backup.

What a remote has is mirrored first, under ``refs/chasm/remotes/<name>/``, and looked at before any of it becomes ours:

::

    refs/heads/main                       refs/remotes/<name>/main
    refs/tags/<snapshot>                  refs/chasm/remotes/<name>/tags/<snapshot>
    refs/chasm/providers/<machine>/…      refs/chasm/remotes/<name>/providers/<machine>/…
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chasm_git.archive.config import is_true, read_config
from chasm_git.archive.plumbing import refs
from chasm_git.archive.plumbing.git import Git
from chasm_git.errors import ChasmError, UsageError

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

TAGS = "refs/tags/"
PROVIDERS = "refs/chasm/providers/"
_MIRRORS = "refs/chasm/remotes/"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*")
_SCHEME = re.compile(r"([A-Za-z0-9][A-Za-z0-9+.-]*)://([^/]*)")
_SCHEMES = {"file", "git", "git+ssh", "http", "https", "ssh", "ssh+git"}
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*::")
_SSH_PLACE = re.compile(r"(?:[^/:@]+@)?(?:\[[^\]/]+\]|[^/:\[\]]{2,}):")  # one letter is a drive of Windows
_SECRET = re.compile(r"(?<=://)[^/@\s]*@")


class NoRemote(ChasmError):
    """The archive has no remote to talk to."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository that this one exchanges commits with.

    Attributes:
        name: what git's configuration calls it.
        url: where it is fetched from; `push_url` where it is pushed to, mostly the same.
        branch: full name of its branch that holds the archive.
        tracking: full name of the ref here that remembers where that branch was.
    """

    name: str
    url: str
    push_url: str
    branch: str
    tracking: str

    @property
    def mirror(self) -> str:
        """Beginning of the refs that say what else it has."""
        return f"{_MIRRORS}{self.name}/"

    @property
    def shown(self) -> str:
        """Name and place for a message, without passwords."""
        return f"{self.name} ({redacted(self.url)})"

    @property
    def local_path(self) -> Path | None:
        """Its folder, where it is one on this machine; None for everything behind a network."""
        url = self.url.removeprefix("file://")
        return Path(url) if url != self.url or not _is_elsewhere(self.url) else None


def check_url(url: str) -> None:
    """Raises UsageError unless `url` is a path or one of https, http, ssh, git, file, ``user@host:path``.

    Everything else git knows starts a program that the URL names.
    """
    if not url or not url.isprintable() or url.startswith("-"):
        raise UsageError(f"{url!r} is no place for a remote")
    scheme = _SCHEME.match(url)
    if scheme is not None:
        if scheme[1].lower() not in _SCHEMES or scheme[2].rpartition("@")[2].startswith("-"):
            raise UsageError(f"{redacted(url)!r}: a remote is reached by https, http, ssh, git or file, or by its path")
    elif _HELPER.match(url):
        raise UsageError(f"{url!r} would start a program; a remote is reached by https, http, ssh, git, file or a path")
    elif (place := _SSH_PLACE.match(url)) and place[0].rpartition("@")[2].startswith("-"):
        raise UsageError(f"{url!r} is no place for a remote")


def redacted(url: str) -> str:
    """A URL as it may be shown: without user and password."""
    return _SECRET.sub("", url)


def listed(archive: Archive) -> list[Remote]:
    """Every remote of the archive, by name. Raises GitMissing."""
    git = Git(archive)
    return [_remote(archive, git, name) for name in git.text("remote").split("\n") if name]


def choose(archive: Archive, name: str | None = None) -> Remote:
    """The remote of a name (or URL); by default the one the branch belongs to, ``origin``, or the only one.

    Raises NoRemote, UsageError where there are several and none was chosen, or its URL is not to be used.
    """
    git = Git(archive)
    names = [one for one in git.text("remote").split("\n") if one]
    chosen = _default(archive, names) if name is None else name
    if chosen not in names:
        chosen = next((one for one in names if name in _urls(git, one)), None)
    if chosen is None:
        raise NoRemote(f"there is no remote {redacted(str(name))!r}; add it with `chasm git remote add NAME URL`")
    found = _remote(archive, git, chosen)
    check_url(found.url)
    check_url(found.push_url)
    return found


def add(archive: Archive, name: str, url: str, *, dry_run: bool = False) -> Remote:
    """Make a remote known; a path is kept as an absolute one. Raises UsageError, ChasmError where the name is taken.

    Args:
        dry_run: only check, and say what it would be.
    """
    if not _NAME.fullmatch(name) or name.endswith(".lock"):
        raise UsageError(f"{name!r} is no name for a remote: letters, digits, '.', '_' and '-' make one")
    check_url(url)
    git = Git(archive)
    if name in git.text("remote").split("\n"):
        raise ChasmError(
            f"there is a remote {name} already, at {redacted(git.text('remote', 'get-url', name))}; choose another "
            f"name, or take it away first with `chasm git remote remove {name}`"
        )
    place = url if _is_elsewhere(url) else str(Path(url).expanduser().absolute())
    if dry_run:
        return Remote(name, place, place, archive.branch, f"refs/remotes/{name}/{_short(archive.branch)}")
    git.run("remote", "add", "--end-of-options", name, place)
    return _remote(archive, git, name)


def remove(archive: Archive, name: str, *, dry_run: bool = False) -> Remote:
    """Forget a remote, and what was known of it; nothing there or in the archive changes. Raises NoRemote.

    Args:
        dry_run: only say which it would be.
    """
    git = Git(archive)
    if name not in git.text("remote").split("\n"):
        raise NoRemote(f"there is no remote {name!r}; `chasm git remote list` shows them")
    gone = _remote(archive, git, name)
    if dry_run:
        return gone
    git.run("remote", "remove", "--end-of-options", name)
    known = refs.list_refs(archive, gone.mirror)
    if known:
        refs.update_refs(archive, {ref: (value, None) for ref, value in known.items()}, "remote removed")
    return gone


def move_refs(archive: Archive, wanted: Mapping[str, str | None], message: str) -> None:
    """Bring refs that only say what a remote has to their values; None removes one. git may have been faster."""
    updates = {}
    for name, value in wanted.items():
        now = refs.read_ref(archive, name)
        if now != value:
            updates[name] = (now, value)
    if updates:
        try:
            refs.update_refs(archive, updates, message)
        except refs.RefMoved:
            return  # another process fetched meanwhile and knows better


def _default(archive: Archive, names: list[str]) -> str | None:
    settings = read_config(archive.git_dir / "config")
    belongs = settings.get(f"branch.{_short(archive.branch)}.remote")
    for candidate in (belongs, "origin", names[0] if len(names) == 1 else None):
        if candidate in names:
            return candidate
    if names:
        raise UsageError(f"there are several remotes, say which one: {', '.join(names)}")
    raise NoRemote("the archive has no remote yet; add one with `chasm git remote add origin URL`")


def _remote(archive: Archive, git: Git, name: str) -> Remote:
    url, push_url = _urls(git, name)
    settings = read_config(archive.git_dir / "config")
    short = _short(archive.branch)
    branch = archive.branch
    if settings.get(f"branch.{short}.remote") == name:
        branch = settings.get(f"branch.{short}.merge", branch)
    return Remote(name, url, push_url, branch, f"refs/remotes/{name}/{_short(branch)}")


def _urls(git: Git, name: str) -> tuple[str, str]:
    return (
        git.text("remote", "get-url", "--end-of-options", name),
        git.text("remote", "get-url", "--push", "--end-of-options", name),
    )


def _short(branch: str) -> str:
    return branch.removeprefix("refs/heads/")


def _is_elsewhere(url: str) -> bool:
    """Whether a URL is more than a path."""
    if _SCHEME.match(url):
        return True
    return _SSH_PLACE.match(url) is not None and not Path(url).exists()


def is_guest(archive: Archive) -> bool:
    """Whether the archive is a branch in a project's repository, whose other branches and tags are not its own."""
    return is_true(archive.settings.get("chasm.project"))

"""Fetching from a remote and pushing to it, by the user's git, with every reference named.

Fetching brings what the remote has beside ours, never over it. Pushing only adds: a branch moves forward, a snapshot
that is there stays. What git says when it fails becomes one of a few errors: one for each thing a person can do then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chasm_git.archive.plumbing import refs, trees
from chasm_git.archive.plumbing.git import Git, GitError, Result
from chasm_git.archive.syncing.remote import PROVIDERS, TAGS, Remote, is_guest, move_refs, redacted
from chasm_git.archive.syncing.transport import Progress, Stalled, talk
from chasm_git.errors import ChasmError

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

_UNREACHABLE = re.compile(
    r"could not resolve|connection (?:refused|timed out|reset|closed|was closed)|operation timed out|timed? ?out after"
    r"|network is unreachable|no route to host|host is down|unable to connect|failed to connect|couldn't connect"
    r"|early eof|unexpected disconnect|hung up|could not read from remote|broken pipe|operation too slow"
    r"|rpc failed|empty reply|returned error: 5\d\d|name or service not known|temporary failure|unable to look up"
    r"|ssl_|tls|read error|recv failure|send failure|unable to rewind|expected|protocol error|bad line length|premature"
    r"|cannot access url"
    r"|truncated|\beof\b|index-pack|unpack failed|unable to (?:read|write)|does not appear to be a git repository",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"authentication failed|could not read (?:username|password)|terminal prompts disabled|permission denied"
    r"|host key verification failed|returned error: 40[13]|access denied|invalid credentials|publickey",
    re.IGNORECASE,
)
_CUT = {-13, 141}
"""How git ends that writes to a line nobody listens to any more: by SIGPIPE, mostly without a word."""
_HELPER_GONE = 128
"""How git ends whose helper did (git-remote-https): without a word, too."""
_COMPLAINT = re.compile(r"^(?:fatal|error): ", re.MULTILINE)
_FSCK = re.compile(r"fsck error|error in object|unpacker error|in \w+ [0-9a-f]{40,64}: ")
_LOCKED = re.compile(r"cannot lock ref|failed to (?:update ref|lock)|incorrect old value|reference already exists")
_REJECTED = re.compile(
    r"fetch first|non-fast-forward|stale info|atomic (?:push|transaction) fail|already exists|needs force"
)
_RECORD = re.compile(r"(.)\t([^:\t]*):(\S+)\t(.*)")


class Unreachable(ChasmError):
    """The remote does not answer: no network, a server that is down, a drive that is not there."""


class Denied(ChasmError):
    """The remote does not know us, or we do not know it."""


class RemoteFailed(ChasmError):
    """The remote answered, and refused."""


class DamagedThere(RemoteFailed):
    """The remote holds objects that git itself refuses."""


@dataclass(frozen=True, slots=True)
class Line:
    """How to talk: `transport.talk` has the same."""

    attended: bool = False
    patience: float | None = None
    progress: Progress = lambda done, total: None


@dataclass(slots=True)
class Fetched:
    """What a remote has, as of now."""

    before: str | None
    """Where its branch was when it was last heard of."""
    head: str | None
    """Where it is; None where it has no such branch."""
    others: list[str] = field(default_factory=list)
    """Its branches, if it has ours not."""
    tags: dict[str, str] = field(default_factory=dict)
    """Full name -> object id."""
    providers: dict[str, str] = field(default_factory=dict)
    """Full name -> object id, of all machines."""


@dataclass(slots=True)
class Pushed:
    """What became of the refs that were pushed."""

    refused: dict[str, str] = field(default_factory=dict)
    """Full name -> why it did not move."""

    @property
    def is_race(self) -> bool:
        """Whether it only failed because somebody else was there first: then it is worth another try."""
        reasons = list(self.refused.values())
        return bool(reasons) and all(_REJECTED.search(reason) or _LOCKED.search(reason) for reason in reasons)


def fetch(archive: Archive, remote: Remote, line: Line) -> Fetched:
    """Bring everything the remote has that is an archive's; nothing of ours moves.

    Raises Unreachable, Denied, DamagedThere, RemoteFailed, GitMissing.
    """
    git = Git(archive, attended=line.attended)
    before = refs.read_ref(archive, remote.tracking)
    wanted = [f"+{remote.branch}:{remote.tracking}", f"+{PROVIDERS}*:{remote.mirror}providers/*"]
    if not is_guest(archive):
        wanted.append(f"+{TAGS}*:{remote.mirror}tags/*")
    result = _fetch(git, remote, wanted, line)
    if result.status != 0 and "couldn't find remote ref" in result.err:
        there = _advertised(git, remote, line)
        if remote.branch not in there:
            heads = [name.removeprefix("refs/heads/") for name in there if name.startswith("refs/heads/")]
            move_refs(archive, dict.fromkeys(refs.list_refs(archive, remote.mirror)), "gone from the remote")
            return Fetched(before, None, heads)
        result = _fetch(git, remote, wanted, line)  # another machine has just made it
    if result.status != 0:
        raise trouble(remote, result, "fetch")
    if is_guest(archive):
        _fetch_snapshots(archive, git, remote, line)
    return Fetched(
        before,
        refs.read_ref(archive, remote.tracking),
        tags=_mirrored(archive, remote, "tags/", TAGS),
        providers=_mirrored(archive, remote, "providers/", PROVIDERS),
    )


def push(archive: Archive, remote: Remote, wanted: Mapping[str, str], line: Line) -> Pushed:
    """Give the remote commits and tags, all or none of them where it can do that.

    Args:
        wanted: full name of a ref there -> object id.

    Returns:
        What was refused; empty: all is there. What is known of the remote follows.

    Raises Unreachable, Denied, RemoteFailed, GitMissing.
    """
    git = Git(archive, attended=line.attended)
    specs = [f"{value}:{name}" for name, value in wanted.items()]
    result = _push(git, remote, ["--atomic"], specs, line)
    if "does not support --atomic" in result.err:
        result = _push(git, remote, [], specs, line)
    refused = {}
    for record in result.out.decode("utf-8", "replace").split("\n"):
        found = _RECORD.fullmatch(record)
        if found is not None and found[1] == "!":
            refused[found[3]] = found[4]
    if result.status != 0 and not refused:
        raise trouble(remote, result, "push")
    if "refusing to update checked out branch" in result.err or "branch is currently checked out" in str(refused):
        raise RemoteFailed(
            f"{remote.shown} has a worktree that shows the branch, so it takes no push; sync from there as well, or "
            "use a bare repository as the remote (`chasm git init --bare`)"
        )
    known: dict[str, str | None] = {}
    for name, value in wanted.items():
        if name not in refused:
            known[_known_as(remote, name)] = value
    move_refs(archive, known, f"pushed to {remote.name}")
    return Pushed(refused)


def trouble(remote: Remote, result: Result, doing: str) -> ChasmError:
    """The error for what git said."""
    said = redacted(result.err)
    reason = str(GitError(doing, result.status, said))
    path = remote.local_path
    if path is not None and path.is_absolute() and not path.exists():
        return Unreachable(f"{remote.shown} is not there; is its drive connected? (`chasm git remote list`)")
    if doing == "fetch" and _FSCK.search(said):
        return DamagedThere(f"{remote.shown} holds objects that git refuses: {_complaint(said)}")
    if _DENIED.search(said):
        return Denied(
            f"{remote.shown} does not let us in ({reason.partition(': ')[2]}); run `git -C ARCHIVE fetch "
            f"{remote.name}` once in a terminal to see and answer what it asks"
        )
    is_silent = not _COMPLAINT.search(said)
    if path is None and (result.status in _CUT or (result.status == _HELPER_GONE and is_silent)):
        return Unreachable(f"{remote.shown} cannot be reached: it closed the connection")
    if path is None and _UNREACHABLE.search(said):
        return Unreachable(f"{remote.shown} cannot be reached: {reason.partition(': ')[2]}")
    return RemoteFailed(f"{remote.shown}: {reason}")


def _fetch(git: Git, remote: Remote, wanted: list[str], line: Line) -> Result:
    settings = (
        "fetch.fsckObjects=true",
        "transfer.fsckObjects=true",
        f"remote.{remote.name}.mirror=false",
    )
    arguments = ("fetch", "--progress", "--prune", "--no-tags", "--recurse-submodules=no")
    return _talk(git, remote, (*arguments, "--end-of-options", remote.name, *wanted), settings, line)


def _push(git: Git, remote: Remote, options: list[str], specs: list[str], line: Line) -> Result:
    # a pre-push hook of ours need not look again
    settings = (f"remote.{remote.name}.mirror=false", "push.followTags=false", "chasm.looked=true")
    arguments = ("push", "--progress", "--porcelain", "--recurse-submodules=no", *options)
    return _talk(git, remote, (*arguments, "--end-of-options", remote.name, *specs), settings, line)


def _talk(git: Git, remote: Remote, arguments: tuple[str, ...], settings: tuple[str, ...], line: Line) -> Result:
    try:
        return talk(
            git,
            arguments,
            settings=(*settings, "protocol.fd.allow=never"),
            attended=line.attended,
            patience=line.patience,
            progress=line.progress,
        )
    except Stalled as error:
        raise Unreachable(f"{remote.shown} does not answer: {error}") from None


def _advertised(git: Git, remote: Remote, line: Line) -> dict[str, str]:
    """Every ref the remote says it has: name -> object id. Tags also as ``name^{}`` -> what they are on."""
    result = _talk(git, remote, ("ls-remote", "--end-of-options", remote.name), (), line)
    if result.status != 0:
        raise trouble(remote, result, "ls-remote")
    pairs = (text.partition("\t") for text in result.out.decode("utf-8", "surrogateescape").split("\n") if text)
    return {name: value for value, _, name in pairs}


def _fetch_snapshots(archive: Archive, git: Git, remote: Remote, line: Line) -> None:
    """Of a project's tags only those on the archive's own commits."""
    there = _advertised(git, remote, line)
    ours = {}
    for name, value in there.items():
        if name.startswith(TAGS) and not name.endswith("^{}"):
            tree = _tree(archive, there.get(name + "^{}", value))
            if tree is not None and trees.lookup(archive, tree, "chasm.yaml") is not None:
                ours[name] = value
    known = _mirrored(archive, remote, "tags/", TAGS)
    new = [name for name, value in ours.items() if known.get(name) != value]
    if new:
        specs = [f"+{name}:{_known_as(remote, name)}" for name in new]
        result = _fetch(git, remote, specs, line)
        if result.status != 0:
            raise trouble(remote, result, "fetch")
    move_refs(archive, {_known_as(remote, name): None for name in known if name not in ours}, "gone from the remote")


def _tree(archive: Archive, commit: str) -> str | None:
    try:
        return archive.tree_id(commit)
    except KeyError:
        return None  # the project's, and not fetched


def _mirrored(archive: Archive, remote: Remote, part: str, prefix: str) -> dict[str, str]:
    """What the remote has below `prefix`, by the names it has there."""
    start = remote.mirror + part
    return {prefix + ref.removeprefix(start): value for ref, value in refs.list_refs(archive, start).items()}


def _known_as(remote: Remote, name: str) -> str:
    """The ref here that says where a ref of the remote is."""
    if name.startswith(TAGS):
        return f"{remote.mirror}tags/{name.removeprefix(TAGS)}"
    if name.startswith(PROVIDERS):
        return f"{remote.mirror}providers/{name.removeprefix(PROVIDERS)}"
    return remote.tracking


def _complaint(said: str) -> str:
    """What git found wrong with an object."""
    for line in said.splitlines():
        if re.search(r"[0-9a-f]{40,64}: ", line):
            return line.partition(": ")[2]
    return "see `git fsck` there"

"""What people call things: a session by its id or the beginning of it, a revision as git spells them, ``ID@REV``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from chasm_git.archive import layout
from chasm_git.archive.plumbing import refs
from chasm_git.archive.plumbing.git import Git, GitError
from chasm_git.errors import ChasmError
from chasm_git.session import codec

if TYPE_CHECKING:
    from chasm_git.archive.repo import Archive

_LONGEST = 1000
_CANDIDATES = 8
_OWN_HEAD = re.compile(r"(?:HEAD|@)(?=$|[~^:@])|(?=@\{(?!-))")
_DATED = re.compile(r"(.*)@\{([^{}]+)\}(.*)", re.DOTALL)


class NoSuchSession(ChasmError):
    """No session has that name."""


class AmbiguousSession(ChasmError):
    """Several sessions have a name that begins like that; the message lists them."""

    def __init__(self, name: str, candidates: list[SessionFile]) -> None:
        shown = ", ".join(f"{found.id} ({found.provider})" for found in candidates[:_CANDIDATES])
        more = f" and {len(candidates) - _CANDIDATES} more" if len(candidates) > _CANDIDATES else ""
        super().__init__(f"{_short(name)} is not one session but {len(candidates)}: {shown}{more}")
        self.candidates = candidates


class NoSuchRevision(ChasmError):
    """Nothing in the history has that name."""


class SessionFile(NamedTuple):
    """A session as a revision holds it."""

    path: str
    id: str
    provider: str
    blob: str
    """Id of its file's content."""


def resolve(archive: Archive, revision: str) -> str:
    """The commit a person means: a snapshot, a commit id, ``HEAD~2``, ``@{yesterday}``, whatever git understands.

    ``HEAD`` and ``@`` are the tip of the archive's branch, which in a project's repository is not what is checked out.
    Raises NoSuchRevision, GitMissing.
    """
    if not revision:
        raise NoSuchRevision(
            "after @ stands a revision: a snapshot, a commit, HEAD~3 (`chasm git snapshots`, `git log`)"
        )
    if len(revision) > _LONGEST or "\0" in revision or not revision.isprintable():
        raise NoSuchRevision(f"{_short(revision)} is not a revision")
    if revision in ("HEAD", "@"):
        head = archive.head()
        if head is None:
            raise NoSuchRevision("the archive has no commit yet")
        return head
    try:
        revision.encode()
    except UnicodeEncodeError:
        raise NoSuchRevision(f"{_short(revision)} is not a revision") from None
    snapshot = refs.read_ref(archive, f"refs/tags/{revision}") if re.fullmatch(r"\w[\w.-]*", revision) else None
    if snapshot is not None:
        commit = _peeled(archive, snapshot)
        if commit is not None:
            return commit
    return _by_git(archive, _own_head(archive, revision), revision)


def find_session(archive: Archive, name: str, commit: str | None) -> SessionFile:
    """The session at `commit` whose id is `name`, or begins with it; ``PROVIDER/ID`` narrows it to one provider.

    Raises NoSuchSession, AmbiguousSession.
    """
    if not name:
        raise NoSuchSession("a session needs an id")
    files = _session_files(archive, commit)
    found = _matches(archive, files, name)
    provider, slash, rest = name.partition("/")
    if not found and slash and rest:
        found = _matches(archive, [one for one in files if one[0].provider == provider], rest)
    if not found:
        raise NoSuchSession(f"no session begins with {_short(name)}; `chasm list sessions` shows them all")
    if len(found) > 1:
        raise AmbiguousSession(name, found)
    return found[0]


def session_at(archive: Archive, name: str) -> tuple[SessionFile, str]:
    """The session and the commit that ``ID``, or ``ID@REV``, names.

    An id may hold an ``@`` itself. Raises NoSuchSession, AmbiguousSession, NoSuchRevision.
    """
    head = archive.head()
    try:
        found = find_session(archive, name, head)
        assert head is not None
    except NoSuchSession as error:
        reason: ChasmError = error
    else:
        return found, head
    at = name.find("@")
    while at > 0:
        revision = name[at + 1 :]
        if revision.startswith("{"):
            revision = "@" + revision
        at, known = name.find("@", at + 1), name[:at]
        try:
            commit = resolve(archive, revision)
        except NoSuchRevision as error:
            reason = error
            continue
        try:
            return find_session(archive, known, commit), commit
        except NoSuchSession:
            reason = NoSuchSession(f"no session begins with {_short(known)} at {_short(revision)}")
    raise reason


def _session_files(archive: Archive, commit: str | None) -> list[tuple[layout.SessionPath, str, str]]:
    listed = []
    for path, blob in archive.files(commit).items():
        where = layout.parse_session_path(path)
        if where is not None:
            listed.append((where, path, blob))
    return listed


def _matches(archive: Archive, files: list[tuple[layout.SessionPath, str, str]], name: str) -> list[SessionFile]:
    """Sessions called exactly `name`; if there is none, those whose id begins with it."""
    whole = layout.file_name(name)
    exact = [SessionFile(path, name, where.provider, blob) for where, path, blob in files if where.name == whole]
    if exact:
        return exact
    found = []
    readable = layout.readable(name)
    for where, path, blob in files:
        if "~" not in where.name:
            if where.name.startswith(name):
                found.append(SessionFile(path, where.name, where.provider, blob))
        elif where.name.startswith(readable):
            # the name holds a part of the id only
            full = id_in(archive.read(blob))
            if full is not None and full.startswith(name):
                found.append(SessionFile(path, full, where.provider, blob))
    return found


def id_in(data: bytes) -> str | None:
    """The id a session file states in its header; None where that cannot be read."""
    try:
        return codec.loads_header(codec.split(data)[0]).id
    except ValueError:
        pass
    try:
        return codec.loads(data).id
    except codec.CodecError:
        return None


def _own_head(archive: Archive, revision: str) -> str:
    start = _OWN_HEAD.match(revision)
    if start is None:
        return revision
    rest = revision[start.end() :]
    # only a branch's short name has an upstream
    short = rest.lower().startswith(("@{u", "@{push"))
    return (archive.branch.removeprefix("refs/heads/") if short else archive.branch) + rest


def _by_git(archive: Archive, revision: str, said: str) -> str:
    git = Git(archive)
    result = git.result("rev-parse", "--verify", "--end-of-options", revision + "^{commit}")
    dated = _DATED.fullmatch(revision)
    if result.status == 0 and dated and "only goes back to" in result.err:
        # the reflog is younger than that (a clone's, say), and git took its oldest entry; the commits know better
        branch, moment, rest = dated.groups()
        base = git.text("rev-list", "-1", "--first-parent", f"--before={moment}", "--end-of-options", branch)
        if not base:
            raise NoSuchRevision(f"the archive holds nothing from before {_short(moment)}")
        return _by_git(archive, base + rest, said) if rest else base
    found = result.out.decode("ascii", "replace").strip()
    if result.status != 0 or not found.isalnum():  # ``^REV`` is a commit to git, with a caret in front
        if "not a git repository" in result.err:
            raise GitError("rev-parse", result.status, result.err)
        reason = "is ambiguous, give more of it" if "is ambiguous" in result.err else "is no revision of this archive"
        raise NoSuchRevision(f"{_short(said)} {reason}; `chasm git snapshots` and `chasm git log` list what there is")
    return found


def _peeled(archive: Archive, object_id: str) -> str | None:
    """The commit behind a tag; None where it is a tag on something else, or gone."""
    try:
        kind, data = archive.object(object_id)
        while kind == "tag":
            object_id = data[7 : data.index(b"\n")].decode("ascii")
            kind, data = archive.object(object_id)
    except (KeyError, ValueError):
        return None
    return object_id if kind == "commit" else None


def _short(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= 80 else shown[:76] + "…" + shown[0]

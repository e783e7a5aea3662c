"""Archives to look at: real repositories, filled the way a harvest fills them."""

import os
import subprocess
from copy import deepcopy

from chasm_git.archive.commit import Writer, commit
from chasm_git.archive.layout import session_path
from chasm_git.archive.plumbing.journal import publish
from chasm_git.archive.plumbing.trees import write_tree
from chasm_git.session.attachments import path_of
from chasm_git.session.codec import dumps
from chasm_git.session.model import Message, Session


def path(session):
    return session_path(session.provider, session.id, session.created_at)


def put(archive, *sessions, files=None, attachments=None, message="harvest"):
    """Commit sessions, attachments (name -> bytes), other files (path -> bytes, None removes). Returns the commit."""
    wanted = {path(session): dumps(session) for session in sessions}
    wanted |= {path_of(name): data for name, data in (attachments or {}).items()}
    wanted |= files or {}
    head = archive.head()
    with Writer(archive) as writer:
        changes = {name: None if data is None else writer.add("blob", data) for name, data in wanted.items()}
        tree = write_tree(archive, archive.tree_id(head), changes, writer)
        made = commit(archive, tree=tree, parents=[head] if head else [], message=message, sink=writer)
    publish(archive, {archive.branch: (head, made)}, message)
    return made


def say(session, *texts, role="user"):
    """A copy of a session that went on."""
    grown = deepcopy(session)
    for text in texts:
        number = len(grown.messages)
        above = grown.messages[-1].id if grown.messages else None
        at = f"2026-01-08T13:{number // 60:02}:{number % 60:02}.000Z"
        grown.messages.append(Message(f"m{number}", role, at, text, after=above))
    return grown


def new_session(identity, *texts, provider="codex", **fields):
    """A session of user messages."""
    fields.setdefault("created_at", "2026-02-03T04:05:06.000Z")
    return say(Session(identity, provider, **fields), *texts)


def git(archive, *arguments, ok=(0,), **variables):
    """What the user's git says about an archive."""
    done = subprocess.run(
        ["git", "-c", "user.name=Ana", "-c", "user.email=ana@example.org", *arguments],
        cwd=archive.path,
        env=os.environ | variables,
        capture_output=True,
    )
    text = done.stdout.decode("utf-8", "replace")
    assert done.returncode in ok, (arguments, text, done.stderr)
    return text.removesuffix("\n")


def assert_whole(archive):
    """git finds nothing wrong, and worktree and index follow the branch."""
    git(archive, "fsck", "--strict", "--full", "--no-dangling")
    if archive.worktree is not None:
        assert git(archive, "status", "--porcelain") == ""

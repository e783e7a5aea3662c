"""Real repositories for tests: making commits as the program does, asking git what it thinks of them."""

import subprocess
from pathlib import Path

from chasm_git.archive.commit import Writer, commit
from chasm_git.archive.plumbing.journal import publish
from chasm_git.archive.plumbing.objects import write_tree
from chasm_git.archive.plumbing.worktree import merge_sessions
from chasm_git.session import codec
from chasm_git.session.model import Message, Session

PATH = "sessions/codex/2026/01/s-{}.yaml"


def run(top, *arguments, ok=True, data=None):
    """Run git there; its output without the last line feed."""
    command = ["git", "-c", "user.name=Ana", "-c", "user.email=ana@example.org", *arguments]
    done = subprocess.run(command, cwd=top, input=data, capture_output=True, check=False)
    if ok and done.returncode:
        raise AssertionError(f"git {' '.join(arguments)}: {done.stderr.decode()}{done.stdout.decode()}")
    return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")


def fsck(top):
    """Git finds nothing to complain about."""
    done = subprocess.run(["git", "fsck", "--strict", "--full"], cwd=top, capture_output=True, check=False)
    said = done.stdout.decode() + done.stderr.decode()
    harmless = ("dangling ", "notice: HEAD points to an unborn", "notice: No default references")
    worries = [line for line in said.splitlines() if not line.startswith(harmless)]
    assert done.returncode == 0 and not worries, said


def session(name, *texts, **fields):
    """The bytes of a session with a message for each text."""
    messages = [
        Message(f"m{number}", "user", f"2026-01-08T12:00:{number:02d}.000Z", text) for number, text in enumerate(texts)
    ]
    return codec.dumps(Session(id=f"s-{name}", provider="codex", messages=messages, **fields))


def build(archive, files, message="harvest", parents=None, base=None):
    """A commit with `files` (path -> bytes, None = removed) on top of the branch; no ref moves."""
    head = archive.head() if base is None else base
    with Writer(archive) as writer:
        changes = {path: data if data is None else writer.add("blob", data) for path, data in files.items()}
        tree = write_tree(archive, archive.tree_id(head), changes, writer)
        above = parents if parents is not None else ([head] if head else [])
        return commit(archive, tree=tree, parents=above, message=message, sink=writer)


def save(archive, files, message="harvest", merge=merge_sessions, staged=None, more=None, timeout=0.2):
    """Commit `files` and publish. Returns what became of it."""
    head = archive.head()
    made = build(archive, files, message)
    updates = {archive.branch: (head, made), **(more or {})}
    return publish(archive, updates, message, merge=merge, staged=staged, timeout=timeout)


def status(top):
    """What `git status` says, a line each."""
    return run(top, "status", "--porcelain", "--untracked-files=all").splitlines()


def shown(top):
    """Every file of a worktree with its content."""
    return {
        path.relative_to(top).as_posix(): path.read_bytes()
        for path in sorted(Path(top).rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(top).parts
    }


def committed(top, revision="HEAD"):
    """Every file of a commit with its content."""
    lines = run(top, "ls-tree", "-r", "-z", revision).split("\0")
    names = [line.partition("\t")[2] for line in lines if line]
    asked = "".join(f"{revision}:{name}\n" for name in names).encode("utf-8", "surrogateescape")
    command = ["git", "cat-file", "--batch"]
    out = subprocess.run(command, cwd=top, input=asked, capture_output=True, check=True).stdout
    found = {}
    for name in names:
        header, _, out = out.partition(b"\n")
        size = int(header.split()[2])
        found[name], out = out[:size], out[size + 1 :]
    return found

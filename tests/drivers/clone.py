"""Repositories that git alone works in, with our drivers installed, or without."""

import os
import subprocess
from pathlib import Path

from chasm_git.archive.install import install
from chasm_git.session.codec import dumps
from chasm_git.session.model import Message, Session

CHECKOUT = Path(__file__).parents[2]
PATH = "sessions/claude-code/2026/01/5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11.yaml"


def session(*texts, **fields):
    """A session file: one message for each text, ``id=text`` or a text whose id is its place."""
    messages = []
    for number, text in enumerate(texts):
        identity, _, said = text.rpartition("=")
        above = messages[-1].id if messages else None
        time = f"2026-01-08T12:00:{number:02}.000Z"
        messages.append(Message(identity or f"m{number}", "user", time, said, after=above))
    return dumps(Session("5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11", "claude-code", messages=messages, **fields))


class Clone:
    """One worktree of a repository."""

    def __init__(self, top, git_dir=None):
        self.worktree = self.top = Path(top)
        self.git_dir = Path(git_dir) if git_dir else self.top / ".git"

    def git(self, *arguments, ok=(0,), **variables):
        done = subprocess.run(
            ["git", "-c", "user.name=Ana", "-c", "user.email=ana@example.org", *arguments],
            cwd=self.top,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT), "GIT_EDITOR": "true"} | variables,
            capture_output=True,
            check=False,
        )
        self.said = (done.stdout + done.stderr).decode("utf-8", "replace")
        assert done.returncode in ok, self.said
        self.status = done.returncode
        return done.stdout

    def read(self, path=PATH):
        return (self.top / path).read_bytes()

    def write(self, data, path=PATH):
        (self.top / path).parent.mkdir(parents=True, exist_ok=True)
        (self.top / path).write_bytes(data)

    def commit(self, data, path=PATH):
        self.write(data, path)
        self.git("add", "-f", path)
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "HEAD").decode().strip()

    def branch(self, name, data, start="main"):
        self.git("checkout", "-q", "-b", name, start)
        made = self.commit(data)
        self.git("checkout", "-q", "main")
        return made

    def stage(self, number, path=PATH):
        """A side of an unmerged file, as the index has it."""
        return self.git("show", f":{number}:{path}")


def make(top, *, drivers=True):
    """A repository with an empty first commit."""
    Path(top).mkdir()
    clone = Clone(top)
    clone.git("init", "-q", "-b", "main")
    clone.git("commit", "-q", "--allow-empty", "-m", "begin")
    if drivers:
        install(clone)
    return clone


def version():
    """git's version, as numbers."""
    said = subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout.split()[2]
    return tuple(int(part) for part in said.split(".")[:2])

"""Whatever happens to an archive, the cache that followed it is the cache that would be made from nothing.

``CHASM_TESTS_FOLLOWING=200`` tries that many sequences of steps instead of a few.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chasm_git.api import Env, open_archive
from chasm_git.archive import repo
from chasm_git.archive.repo import init_archive
from chasm_git.cache import follow
from chasm_git.cache.query import parse
from chasm_git.cache.search import search
from chasm_git.outputs.cli.main import main
from tests.archive.making import git, new_session, path, put, say
from tests.cache.test_search import content
from tests.harvest.making import talk, write

SESSIONS = [f"5f0c1f5e-2a51-4f0e-9c53-00000000000{number}" for number in range(4)]
QUERIES = ("hello", "message 3", '"hello 1"', "hand*", "role:user hello", "-hello", "note*", "tag:kept", "title*", "")


class Following(RuleBasedStateMachine):
    """An archive somebody works with, by harvests, by our commands and by git's."""

    @initialize()
    def begin(self) -> None:
        self.scratch = Path(tempfile.mkdtemp(prefix="chasm-following-"))
        self.home, self.place = self.scratch / "home", self.scratch / "archive"
        self.home.mkdir()
        init_archive(self.place).close()
        self.rows = dict.fromkeys(SESSIONS, 0)
        self.snapshots = 0
        self.harvests("hello", 0, 2)
        self.harvests("hello", 1, 1)

    def teardown(self) -> None:
        shutil.rmtree(self.scratch, ignore_errors=True)

    @rule(word=st.sampled_from(["hello", "message"]), number=st.integers(0, 3), more=st.integers(1, 3))
    def harvests(self, word: str, number: int, more: int) -> None:
        name = SESSIONS[number]
        self.rows[name] += more
        write(self.home, talk(self.rows[name], word=word, session=name), session=name)
        with open_archive(self.place) as archive:
            archive.harvest(Env(self.home), providers=["claude-code"])

    @rule(number=st.integers(0, 2), long=st.booleans())
    def commits_by_hand(self, number: int, long: bool) -> None:
        with repo.open_archive(self.place) as archive:
            put(archive, say(new_session(f"hand{number}", "hand written"), *["and more " * (6000 if long else 1)]))

    @rule(number=st.integers(0, 2))
    def breaks_or_removes_by_hand(self, number: int) -> None:
        with repo.open_archive(self.place) as archive:
            gone = path(new_session(f"hand{number}"))
            if gone in archive.files(archive.head()):
                put(archive, files={gone: None if number else b"no: [session\n"})

    @rule(number=st.integers(0, 3))
    def annotates(self, number: int) -> None:
        self.chasm("note", SESSIONS[number], "noteworthy thing")
        self.chasm("tag", SESSIONS[number], "+kept")
        self.chasm("title", SESSIONS[number], f"Title of {number}")

    @rule(ahead=st.integers(1, 2))
    def branches(self, ahead: int) -> None:
        self.git("branch", "-f", "side", f"HEAD~{ahead}", ok=(0, 128))

    @rule(act=st.sampled_from([("merge", "-q", "-m", "merged"), ("rebase", "-q"), ("checkout", "-q")]))
    def takes_the_other_branch(self, act: tuple[str, ...]) -> None:
        if self.git("rev-parse", "-q", "--verify", "side", ok=(0, 1)):
            self.git(*act, "side", ok=(0, 1, 128))
            self.settle()

    @rule(back=st.integers(1, 2))
    def resets(self, back: int) -> None:
        self.git("reset", "-q", "--hard", f"HEAD~{back}", ok=(0, 128))

    @rule()
    def looks_at_an_old_commit(self) -> None:
        self.git("checkout", "-q", "--detach", "HEAD~1", ok=(0, 1, 128))
        self.check()
        self.git("checkout", "-q", "main")

    @rule()
    def rewrites_history_and_collects(self) -> None:
        self.git("commit", "-q", "--amend", "--allow-empty", "-m", "again")
        self.git("reflog", "expire", "--expire=now", "--all")
        self.git("gc", "-q", "--prune=now")

    @rule()
    def packs(self) -> None:
        self.chasm("git", "gc")

    @rule(number=st.integers(0, 3), history=st.booleans())
    def forgets(self, number: int, history: bool) -> None:
        self.chasm("forget", SESSIONS[number], "--yes", *(["--from-history"] if history else []))

    @rule()
    def takes_a_snapshot(self) -> None:
        self.snapshots += 1
        self.chasm("git", "snapshot", f"snap{self.snapshots}")

    @precondition(lambda self: self.snapshots)
    @rule(number=st.integers(0, 9))
    def rewinds(self, number: int) -> None:
        self.chasm("git", "rewind", f"snap{number % self.snapshots + 1}")

    @rule()
    def loses_the_cache(self) -> None:
        (self.place / ".git" / "chasm" / "cache.sqlite3").unlink(missing_ok=True)

    @invariant()
    def check(self) -> None:
        """The cache that was kept holds, and answers, what a new one does."""
        with repo.open_archive(self.place) as archive:
            kept, new = follow.opened(archive, notice=pytest.fail, processes=1), follow.in_memory(archive, processes=1)
            assert content(kept) == content(new)
            for query in QUERIES:
                ours, theirs = search(kept, parse(query), 50), search(new, parse(query), 50)
                assert sorted(ours.matches, key=_id) == sorted(theirs.matches, key=_id), query
                assert (ours.total, ours.unread) == (theirs.total, theirs.unread)
            kept.close()
            new.close()

    def settle(self) -> None:
        """Leave no merge or rebase half done, and come back to the branch."""
        for command in ("merge", "rebase"):
            self.git(command, "--abort", ok=(0, 128))
        self.git("checkout", "-q", "-f", "main")

    def git(self, *arguments: str, ok: tuple[int, ...] = (0,)) -> str:
        with repo.open_archive(self.place) as archive:
            return str(git(archive, *arguments, ok=ok))

    def chasm(self, *arguments: str) -> None:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            main(["-C", str(self.place), *arguments])


def _id(match: object) -> str:
    return str(getattr(match, "id", ""))


Following.TestCase.settings = settings(
    max_examples=int(os.environ.get("CHASM_TESTS_FOLLOWING", "6")),
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestFollowing = Following.TestCase

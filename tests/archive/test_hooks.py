"""Hooks at work: git commits, pushes, merges, rebases, and what we put there does its part beside a person's own."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from chasm_git.api import open_archive as open_api
from chasm_git.archive.install import HookInTheWay, install, uninstall
from chasm_git.archive.repo import init_archive, open_archive
from chasm_git.session.secrets import Scanner
from tests.archive.repository import PATH, save, session
from tests.session.fake_secrets import Fakes

CHECKOUT = Path(__file__).parents[2]
FIRST, SECOND = PATH.format("1"), PATH.format("2")
TOKEN = Fakes(51).github()
PRINT = Scanner().fingerprint(TOKEN.encode())
AFTER = ("post-commit", "post-merge", "post-checkout", "post-rewrite")


def git(top, *arguments, folder=None):
    """Exit code and what git said."""
    command = ["git", "-c", "user.name=Ana", "-c", "user.email=ana@example.org", *arguments]
    variables = {**os.environ, "PYTHONPATH": str(CHECKOUT), "GIT_EDITOR": "true"}
    done = subprocess.run(command, cwd=folder or top, env=variables, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def write(top, path, data):
    (top / path).parent.mkdir(parents=True, exist_ok=True)
    (top / path).write_bytes(data)
    assert git(top, "add", path)[0] == 0


def commit(top, path, data, *more):
    write(top, path, data)
    return git(top, "commit", "-qm", "by hand", *more)


def person(hook, text):
    """A hook somebody had before."""
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{text}\n")
    hook.chmod(0o755)


@pytest.fixture
def place(tmp_path):
    """An archive with hooks, and its remote, in folders with spaces in their names."""
    top = tmp_path / "my own archive"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(tmp_path / "backup disk.git")], check=True)
    with init_archive(top) as archive:
        install(archive, hooks=True)
        save(archive, {FIRST: session(1, "hello")})
    assert git(top, "remote", "add", "origin", str(tmp_path / "backup disk.git"))[0] == 0
    return top


# ---- before a commit


def test_a_commit_with_a_credential_is_told_of_or_refused(place):
    status, said = commit(place, SECOND, session(2, f"use {TOKEN}"))
    assert status == 0 and f"github-token ghp_… [{PRINT}] in codex s-2 message m0" in said and TOKEN not in said
    (place / "chasm.yaml").write_text("redact: mask\n")
    status, said = commit(place, FIRST, session(1, "hello", f"use {TOKEN}"))
    assert status == 1 and PRINT in said and "chasm secrets allow" in said
    (place / "chasm.yaml").write_text("redact: off\n")
    assert commit(place, FIRST, session(1, "hello", f"use {TOKEN}")) == (0, "")


def test_what_is_no_session_starts_nothing(place):
    assert git(place, "config", "chasm.python", "/nowhere/python")[0] == 0
    assert commit(place, "notes.md", b"words\n") == (0, "")


def test_conflict_marks_are_named(place):
    marked = session(1, "hello").replace(b"- id: m0", b"<<<<<<< ours\n- id: m0\n=======\n- id: m0\n>>>>>>> theirs", 1)
    status, said = commit(place, FIRST, marked)
    assert status == 1 and "cannot be read" in said and "conflict marks" in said and "git checkout -m" in said
    # a conversation may well be about such marks
    assert commit(place, FIRST, session(1, "<<<<<<< a\n=======\n>>>>>>> b")) == (0, "")


def test_from_a_folder_below_and_with_an_index_of_its_own(place):
    write(place, FIRST, b"no session\n")
    status, said = git(place, "commit", "-qm", "x", folder=place / "sessions")
    assert status == 1 and "cannot be read" in said
    (place / FIRST).write_bytes(session(1, "hello", "more"))
    assert git(place, "commit", "-qm", "x", FIRST) == (0, "")  # git makes an index for that


# ---- before a push


def test_a_plain_push_of_a_credential_is_refused(place):
    assert git(place, "push", "-q", "origin", "main") == (0, "")
    commit(place, SECOND, session(2, f"use {TOKEN}"))
    status, said = git(place, "push", "-q", "origin", "main")
    assert status == 1 and PRINT in said and "--no-verify" in said and TOKEN not in said
    assert git(place, "rev-parse", "origin/main")[1] != git(place, "rev-parse", "main")[1]
    assert git(place, "push", "-q", "--no-verify", "origin", "main") == (0, "")
    # it is there: the next one brings nothing new of it
    commit(place, FIRST, session(1, "hello", "more"))
    assert git(place, "push", "-q", "origin", "main") == (0, "")
    assert git(place, "push", "-q", "origin", "--delete", "nothing")[0] == 1


def test_a_push_to_a_place_without_a_name(place, tmp_path):
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "other one.git")], check=True)
    commit(place, SECOND, session(2, f"use {TOKEN}"))
    status, said = git(place, "push", "-q", str(tmp_path / "other one.git"), "main:elsewhere")
    assert status == 1 and PRINT in said
    (place / "chasm.yaml").write_text("secrets:\n  push: off\n")
    assert git(place, "push", "-q", str(tmp_path / "other one.git"), "main:elsewhere") == (0, "")


def test_our_own_push_looks_once(place):
    with open_api(place) as archive:
        commit(place, SECOND, session(2, f"use {TOKEN}"))
        assert git(place, "config", "chasm.python", "/bin/false")[0] == 0  # the hook would refuse
        archive.sync(push=True, allow_secrets=True)
    assert git(place, "rev-parse", "origin/main")[1] == git(place, "rev-parse", "main")[1]


# ---- beside a person's own


def test_hooks_that_were_there_run_first_and_get_what_git_gives(tmp_path, place):
    with open_archive(place) as archive:
        uninstall(archive)
        hooks = place / ".git" / "hooks"
        log = tmp_path / "their log"
        for name in ("pre-commit", "pre-push", *AFTER):
            person(hooks / name, f'echo "{name} $# $(cat | tr "\\n" ";")" >>"{log}"')
        before = {path.name: path.read_bytes() for path in hooks.iterdir()}
        install(archive, hooks=True)
        assert install(archive, hooks=True) == []
        assert commit(place, FIRST, session(1, "hello", "one")) == (0, "")
        assert git(place, "push", "-q", "origin", "main") == (0, "")
        assert git(place, "commit", "-q", "--amend", "-m", "better")[0] == 0
        assert git(place, "checkout", "-q", "-b", "other")[0] == 0
        said = log.read_text().splitlines()
        kinds = [line.split()[0] for line in said]
        assert set(kinds) == {"pre-commit", "pre-push", "post-commit", "post-checkout", "post-rewrite"}
        pushed = next(line for line in said if line.startswith("pre-push"))
        assert pushed.startswith("pre-push 2 refs/heads/main ") and len(pushed.split()) == 6
        assert len(next(line for line in said if line.startswith("post-rewrite")).split()) == 4
        person(hooks / "pre-push.before-chasm", "exit 3")
        assert git(place, "push", "-q", "origin", "other")[0] == 1
        person(hooks / "post-checkout.before-chasm", "exit 5")
        assert git(place, "checkout", "-q", "main")[0] == 1  # as without ours
        for name in ("pre-push", "post-checkout"):
            (hooks / f"{name}.before-chasm").write_bytes(before[name])
        uninstall(archive)
        assert {path.name: path.read_bytes() for path in hooks.iterdir()} == before


def test_a_shared_folder_of_hooks_is_left_alone(place, tmp_path):
    shared = tmp_path / "all my hooks"
    person(shared / "pre-commit", "exit 7")
    assert git(place, "config", "core.hooksPath", str(shared))[0] == 0
    with open_archive(place) as archive, pytest.raises(HookInTheWay, match="hook pre-push"):
        install(archive, hooks=True)
    assert [path.name for path in shared.iterdir()] == ["pre-commit"]
    # what its message says is enough
    person(shared / "pre-push", f'PYTHONPATH="{CHECKOUT}" python3 -m chasm_git -C . hook pre-push "$@"')
    assert commit(place, SECOND, session(2, f"use {TOKEN}"), "--no-verify") == (0, "")
    status, said = git(place, "push", "-q", "origin", "main")
    assert status == 1 and PRINT in said


# ---- after a change


def cached(place):
    with open_api(place) as archive:
        return archive.cache_status()


def test_the_cache_follows_in_the_background(place):
    assert commit(place, FIRST, session(1, "hello", "before there is a cache")) == (0, "")
    assert cached(place).state == "missing"
    with open_api(place) as archive:
        archive.rebuild_cache()
    assert commit(place, FIRST, session(1, "hello", "afterwards")) == (0, "")
    _until(lambda: cached(place).state == "current")
    git(place, "checkout", "-q", "-b", "other", "HEAD~1")
    commit(place, SECOND, session(2, "elsewhere"))
    git(place, "checkout", "-q", "main")
    assert git(place, "merge", "-q", "other")[0] == 0
    _until(lambda: cached(place).state == "current" and cached(place).sessions == 2)


def test_git_hardly_waits_for_it(place):
    """The scripts alone; what they start runs at its own time."""
    with open_api(place) as archive:
        archive.rebuild_cache()
    hook = place / ".git" / "hooks" / "post-commit"
    times = []
    for _ in range(7):
        start = time.perf_counter()
        subprocess.run([str(hook)], cwd=place, check=True, stdin=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    plain = []
    for _ in range(7):
        start = time.perf_counter()
        subprocess.run(["git", "status", "--short"], cwd=place, check=True, stdout=subprocess.DEVNULL)
        plain.append(time.perf_counter() - start)
    assert min(times) < max(0.05, 8 * min(plain))


def _until(holds):
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


# ---- the remote's side


@pytest.mark.parametrize(("mode", "taken"), [(None, True), ("refuse", False)])
def test_a_backup_tells_of_credentials(tmp_path, place, mode, taken):
    with init_archive(tmp_path / "vault.git", bare=True) as vault:
        install(vault, hooks=True)
    if mode is not None:
        git(tmp_path / "vault.git", "config", "chasm.secrets", mode)
    target = str(tmp_path / "vault.git")
    assert git(place, "push", "-q", target, "main") == (0, "")
    commit(place, SECOND, session(2, f"use {TOKEN}"))
    status, said = git(place, "push", "-q", "--no-verify", target, "main")
    assert (status == 0) == taken and PRINT in said and TOKEN not in said
    assert (git(tmp_path / "vault.git", "rev-parse", "main")[1] == git(place, "rev-parse", "main")[1]) == taken

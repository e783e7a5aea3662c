"""Drivers, attributes and hooks in a clone: put, put again, taken away; and what git does with them."""

import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace

import pytest

from chasm_git.archive.install import HookInTheWay, install, settings, uninstall
from chasm_git.archive.repo import init_archive
from chasm_git.session.codec import dumps, loads
from chasm_git.session.model import Message

CHECKOUT = Path(__file__).parents[2]
SESSION = "sessions/claude-code/2026/01/5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11.yaml"


class Clone:
    """A repository made and used by git alone."""

    def __init__(self, top, bare=False):
        self.worktree = None if bare else top
        self.git_dir = top if bare else top / ".git"
        self.top = top
        top.mkdir()
        self.git("init", "-q", "-b", "main", *(["--bare"] if bare else []))

    def git(self, *arguments, ok=(0,), **variables):
        done = subprocess.run(
            ["git", "-c", "user.name=Ana", "-c", "user.email=ana@example.org", *arguments],
            cwd=self.top,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT)} | variables,
            capture_output=True,
            text=True,
        )
        assert done.returncode in ok, done.stderr
        self.said = done.stdout + done.stderr
        return done.stdout

    def write(self, data, path=SESSION):
        (self.top / path).parent.mkdir(parents=True, exist_ok=True)
        (self.top / path).write_bytes(data)

    def commit(self, data, path=SESSION, message="change"):
        self.write(data, path)
        self.git("add", path)
        self.git("commit", "-q", "-m", message)


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path / "archive")


def everything(top):
    """Content and permission bits of all files, by name; git's index and objects left out."""
    return {
        str(path.relative_to(top)): (path.read_bytes(), path.stat().st_mode)
        for path in top.rglob("*")
        if path.is_file() and "objects" not in path.parts
    }


def grown(session, identity, text, second):
    other = deepcopy(session)
    above = other.messages[-1].id
    other.messages.append(Message(identity, "user", f"2026-01-08T13:00:{second:02}.000Z", text, after=above))
    return other


def test_a_second_time_changes_nothing(clone):
    assert install(clone, hooks=True)
    before = everything(clone.git_dir)
    assert install(clone, hooks=True) == []
    assert everything(clone.git_dir) == before


def test_a_dry_run_says_the_same_and_does_nothing(clone):
    before = everything(clone.git_dir)
    said = install(clone, hooks=True, dry_run=True)
    assert everything(clone.git_dir) == before
    assert install(clone, hooks=True) == said
    before = everything(clone.git_dir)
    said = uninstall(clone, dry_run=True)
    assert everything(clone.git_dir) == before
    assert uninstall(clone) == said


@pytest.mark.parametrize("theirs", [None, b"", b"*.png binary", b"*.png binary\n# chasm\n"])
def test_taking_away_leaves_what_was_there(clone, theirs):
    if theirs is not None:
        (clone.git_dir / "info" / "attributes").write_bytes(theirs)
    hook = clone.git_dir / "hooks" / "pre-commit"
    hook.write_bytes(b"#!/bin/sh\nexit 0\n")
    hook.chmod(0o755)
    clone.git("config", "merge.other.driver", "true")
    clone.git("config", "merge.chasm.mine", "kept")
    before = everything(clone.git_dir)
    install(clone, hooks=True)
    assert everything(clone.git_dir).keys() != before.keys()
    uninstall(clone)
    after = everything(clone.git_dir)
    if theirs == b"":
        after.setdefault("info/attributes", before["info/attributes"])
    config, old_config = after.pop("config"), before.pop("config")
    assert after == before
    assert sorted(config[0].split(b"\n")) == sorted(old_config[0].split(b"\n"))
    assert uninstall(clone) == []


def test_another_interpreter_takes_the_place_of_the_last(clone):
    install(clone, python="/opt/old/bin/python3")
    install(clone, python="/opt/new one/bin/python3")
    drivers = clone.git("config", "--get-all", "merge.chasm.driver").splitlines()
    assert len(drivers) == 1
    assert drivers[0].startswith("'/opt/new one/bin/python3' -P -m chasm_git.drivers.merge ")


def test_a_persons_own_attributes_win(clone):
    (clone.git_dir / "info" / "attributes").write_text("sessions/** merge=union\n")
    install(clone)
    assert clone.git("check-attr", "merge", "diff", "text", "--", SESSION).splitlines() == [
        f"{SESSION}: merge: union",
        f"{SESSION}: diff: chasm",
        f"{SESSION}: text: unset",
    ]


def test_an_archive_that_has_the_attributes_needs_the_drivers_only(tmp_path):
    with init_archive(tmp_path / "archive") as archive:
        before = (archive.git_dir / "info" / "attributes").read_bytes()
        assert all(said.startswith("set ") for said in install(archive))
        assert (archive.git_dir / "info" / "attributes").read_bytes() == before
        uninstall(archive)
        assert (archive.git_dir / "info" / "attributes").read_bytes() == before


def test_a_projects_own_files_keep_their_attributes(clone):
    clone.git("commit", "-q", "--allow-empty", "-m", "code")
    with init_archive(clone.top, project=clone.top) as archive:
        assert install(archive)
        assert not (clone.git_dir / "info" / "attributes").exists()
        with pytest.raises(HookInTheWay, match="no worktree"):
            install(archive, hooks=True)


def test_a_bare_archive_merges_and_compares_too_and_guards_what_is_pushed(tmp_path):
    bare = Clone(tmp_path / "bare.git", bare=True)
    install(bare)
    assert "merge: chasm" in bare.git("check-attr", "merge", "--", SESSION)
    assert f"write {bare.git_dir / 'hooks' / 'update'}" in install(bare, hooks=True)
    assert not (bare.git_dir / "hooks" / "pre-commit").exists()


def test_a_linked_worktree_gets_the_attributes_of_its_repository(clone, tmp_path, example):
    clone.commit(dumps(example))
    clone.git("worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
    linked = SimpleNamespace(git_dir=clone.git_dir / "worktrees" / "linked", worktree=tmp_path / "linked")
    install(linked)
    assert install(clone) == []


def test_diffs_are_conversations(clone, example):
    install(clone)
    clone.commit(dumps(example))
    clone.write(dumps(grown(example, "m-new", "And now?", 1)))
    shown = clone.git("diff")
    assert "+And now?" in shown and "+  content:" not in shown
    assert "@@ assistant  2026-01-08 12:00:0" in shown


def test_a_file_that_is_no_session_is_shown_as_it_is(clone, example):
    install(clone)
    clone.commit(dumps(example))
    clone.write(b"<<<<<<< ours\nchasm: 1\n\x1b[31mred\xff\n")
    shown = clone.git("diff")
    assert "+!! not a readable session file" in shown
    assert "+chasm: 1" in shown and "+␛[31mred" in shown


@pytest.mark.parametrize("python", ["/nowhere/python3", "/bin/false"])
def test_a_diff_works_where_our_program_is_gone(clone, example, python):
    install(clone, python=python)
    clone.commit(dumps(example))
    clone.write(dumps(grown(example, "m-new", "And now?", 1)))
    assert "+  content: And now?" in clone.git("diff")


def diverge(clone, ours, theirs, base):
    clone.commit(base)
    clone.git("checkout", "-q", "-b", "theirs")
    clone.commit(theirs)
    clone.git("checkout", "-q", "main")
    clone.commit(ours)


def test_both_sides_of_a_merge_are_kept(clone, example):
    install(clone)
    ours, theirs = grown(example, "m-1", "one", 1), grown(example, "m-2", "two", 2)
    diverge(clone, dumps(ours), dumps(theirs), dumps(example))
    clone.git("merge", "-q", "theirs", "-m", "merge")
    merged = loads((clone.top / SESSION).read_bytes())
    assert [m.content for m in merged.messages[-2:]] == ["one", "two"]
    clone.git("fsck", "--strict")


def test_an_edit_on_both_sides_is_a_conflict_that_still_reads(clone, example):
    install(clone)
    ours, theirs = deepcopy(example), deepcopy(example)
    ours.messages[0].content, theirs.messages[0].content = "Why twice?", "Why does it do that?"
    diverge(clone, dumps(ours), dumps(theirs), dumps(example))
    clone.git("merge", "-q", "theirs", "-m", "merge", ok=(1,))
    assert clone.git("status", "--porcelain").startswith(f"UU {SESSION}")
    text = (clone.top / SESSION).read_text()
    assert "<<<<<<<" not in text and "Why twice?" in text and "Why does it do that?" in text
    loads(text.encode())


@pytest.mark.parametrize("python", ["/nowhere/python3", "/bin/false"])
def test_a_merge_without_our_program_keeps_both_texts(clone, example, python):
    install(clone, python=python)
    ours, theirs = grown(example, "m-1", "one", 1), grown(example, "m-2", "two", 2)
    diverge(clone, dumps(ours), dumps(theirs), dumps(example))
    clone.git("merge", "-q", "theirs", "-m", "merge", ok=(1,))
    text = (clone.top / SESSION).read_text()
    assert "content: one" in text and "content: two" in text and "<<<<<<< ours" in text


def test_a_side_that_cannot_be_read_is_not_dropped(clone, example):
    install(clone)
    broken = dumps(example).replace(b"role: user", b"role: [user", 1)
    diverge(clone, dumps(grown(example, "m-1", "one", 1)), broken, dumps(example))
    clone.git("merge", "-q", "theirs", "-m", "merge", ok=(0, 1))
    text = (clone.top / SESSION).read_text()
    assert "content: one" in text and "role: [user" in text


def test_code_in_the_worktree_is_not_run(clone, example):
    install(clone)
    clone.commit(dumps(example))
    (clone.top / "chasm_git").mkdir()
    (clone.top / "chasm_git" / "__init__.py").write_text("open('taken', 'w')\n")
    (clone.top / "json.py").write_text("open('taken', 'w')\n")
    clone.write(dumps(grown(example, "m-new", "And now?", 1)))
    clone.git("diff")
    assert not (clone.top / "taken").exists()


def test_an_older_hook_runs_first_and_can_refuse(clone, example):
    hook = clone.git_dir / "hooks" / "pre-commit"
    hook.write_text('#!/bin/sh\necho "theirs ran" >&2\ntest ! -e refuse\n')
    hook.chmod(0o755)
    install(clone, hooks=True)
    clone.write(b"text\n", "notes.txt")
    clone.git("add", "notes.txt")
    clone.git("commit", "-m", "notes")
    assert "theirs ran" in clone.said
    (clone.top / "refuse").touch()
    clone.write(b"more\n", "notes.txt")
    clone.git("commit", "-a", "-m", "more", ok=(1,))


def test_hooks_that_others_share_are_left_alone(clone, tmp_path):
    clone.git("config", "core.hooksPath", str(tmp_path / "shared-hooks"))
    with pytest.raises(HookInTheWay, match=r"core\.hooksPath"):
        install(clone, hooks=True)
    assert not (tmp_path / "shared-hooks").exists()


def test_no_hook_is_written_over(clone):
    hooks = clone.git_dir / "hooks"
    (hooks / "pre-commit").write_text("#!/bin/sh\n")
    (hooks / "pre-commit.before-chasm").write_text("#!/bin/sh\n# an older one\n")
    before = everything(clone.git_dir)
    with pytest.raises(HookInTheWay, match="put them together"):
        install(clone, hooks=True)
    assert everything(clone.git_dir) == before


def test_the_drivers_start_without_third_party_packages(tmp_path, example):
    (tmp_path / "s.yaml").write_bytes(dumps(example))
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); before = set(sys.modules);"
        "from chasm_git.drivers import {0}; status = {0}.main(sys.argv[1:]);"
        "print(sorted({{m.partition('.')[0] for m in set(sys.modules) - before}} - sys.stdlib_module_names),"
        " file=sys.stderr); sys.exit(status)"
    )
    for driver, files in (("textconv", 1), ("merge", 3)):
        done = subprocess.run(
            [sys.executable, "-S", "-E", "-c", code.format(driver), str(CHECKOUT), *["s.yaml"] * files],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr.strip()) == (0, "['chasm_git']"), done.stderr


def test_settings_survive_gits_own_quoting(clone):
    install(clone, python='/odd "path"/py;thon')
    for name, value in settings('/odd "path"/py;thon').items():
        assert clone.git("config", "--get", name) == value + "\n"

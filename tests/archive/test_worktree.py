"""Worktree and index follow the branch, and nothing a person did there is lost."""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from chasm_git.archive.plumbing import durable, journal
from chasm_git.archive.plumbing.locks import LockHeld
from chasm_git.archive.plumbing.worktree import Unfinished, bring_up_to_date, merge_sessions
from chasm_git.archive.repo import init_archive
from tests.archive.repository import PATH, build, committed, fsck, run, save, session, shown, status

ONE, TWO, THREE = (PATH.format(number) for number in (1, 2, 3))


@pytest.fixture
def archive(tmp_path):
    with init_archive(tmp_path / "archive") as archive:
        save(archive, {ONE: session(1, "a"), TWO: session(2, "x"), THREE: session(3, "z")})
        yield archive


def texts(data):
    from chasm_git.session import codec

    return [message.content for message in codec.loads(data).messages]


def edit(archive, path, data):
    (archive.worktree / path).write_bytes(data)


def test_an_untouched_worktree_shows_every_commit(archive):
    top = archive.worktree
    for files in (
        {ONE: session(1, "a", "b"), "attachments/ab/abc.png": b"\x89PNG\r\n\x00"},
        {TWO: None},
        {"chasm.yaml": b"a: 1\r\n", PATH.format("new"): session("new", "n")},
        {ONE: None, THREE: None, PATH.format("new"): None},
    ):
        published = save(archive, files)
        assert (published.kept, published.pending) == ([], None)
        assert status(top) == []
        assert shown(top) == committed(top)
        fsck(top)
    assert not (top / "sessions").exists()


def test_git_need_not_read_the_files_again(archive):
    save(archive, {PATH.format(number): session(number, "text") for number in range(10, 40)})
    entries = run(archive.worktree, "ls-files", "--debug", PATH.format(15))
    seen = (archive.worktree / PATH.format(15)).lstat()
    assert f"mtime: {seen.st_mtime_ns // 10**9}:{seen.st_mtime_ns % 10**9}" in entries
    assert f"size: {seen.st_size}\t" in entries
    assert f"ino: {seen.st_ino & 0xFFFFFFFF}" in entries


def test_an_edit_is_merged_and_stays_an_edit(archive):
    mine = session(1, "a", tags=["mine"])
    edit(archive, ONE, mine)
    published = save(archive, {ONE: session(1, "a", "b"), TWO: session(2, "x", "y")})
    assert published.kept == []
    assert status(archive.worktree) == [f" M {ONE}"]
    assert (archive.worktree / ONE).read_bytes() == session(1, "a", "b", tags=["mine"])
    assert committed(archive.worktree)[ONE] == session(1, "a", "b")
    run(archive.worktree, "commit", "-qam", "tagged")
    assert committed(archive.worktree)[ONE] == session(1, "a", "b", tags=["mine"])
    fsck(archive.worktree)


def test_an_edit_that_cannot_be_merged_is_left_alone_and_named(archive):
    edit(archive, ONE, b"{ this is no session")
    published = save(archive, {ONE: session(1, "a", "b"), TWO: session(2, "x", "y")})
    assert [kept.path for kept in published.kept] == [ONE]
    assert "cannot be merged" in published.kept[0].reason
    assert (archive.worktree / ONE).read_bytes() == b"{ this is no session"
    assert (archive.worktree / TWO).read_bytes() == session(2, "x", "y")
    assert status(archive.worktree) == [f" M {ONE}"]
    assert run(archive.worktree, "diff", "--cached") == ""


def test_an_edit_equal_to_what_comes_is_no_edit_any_more(archive):
    edit(archive, ONE, session(1, "a", "b"))
    assert save(archive, {ONE: session(1, "a", "b")}).kept == []
    assert status(archive.worktree) == []


def test_a_deleted_file_stays_deleted(archive):
    (archive.worktree / ONE).unlink()
    published = save(archive, {ONE: session(1, "a", "b"), TWO: session(2, "x", "y")})
    assert published.kept == [(ONE, "deleted in the worktree; it stays deleted")]
    assert status(archive.worktree) == [f" D {ONE}"]
    run(archive.worktree, "checkout", "--", ONE)
    assert (archive.worktree / ONE).read_bytes() == session(1, "a", "b")


def test_a_deletion_that_is_staged_stays_staged(archive):
    run(archive.worktree, "rm", "-q", ONE)
    published = save(archive, {ONE: session(1, "a", "b")})
    assert [kept.path for kept in published.kept] == [ONE]
    assert status(archive.worktree) == [f"D  {ONE}"]


def test_a_staged_edit_is_merged_in_the_index_too(archive):
    edit(archive, ONE, session(1, "a", tags=["staged"]))
    run(archive.worktree, "add", ONE)
    edit(archive, ONE, session(1, "a", tags=["staged", "twice"]))
    assert save(archive, {ONE: session(1, "a", "b")}).kept == []
    assert status(archive.worktree) == [f"MM {ONE}"]
    run(archive.worktree, "commit", "-qm", "staged only")
    assert committed(archive.worktree)[ONE] == session(1, "a", "b", tags=["staged"])
    assert (archive.worktree / ONE).read_bytes() == session(1, "a", "b", tags=["staged", "twice"])
    fsck(archive.worktree)


def test_staged_text_that_is_no_session_stays_staged(archive):
    edit(archive, ONE, b"not a session")
    run(archive.worktree, "add", ONE)
    edit(archive, ONE, session(1, "a"))
    published = save(archive, {ONE: session(1, "a", "b")})
    assert [kept.path for kept in published.kept] == [ONE]
    assert run(archive.worktree, "show", f":{ONE}") == "not a session"
    assert (archive.worktree / ONE).read_bytes() == session(1, "a", "b")


def test_a_file_staged_but_not_committed_anywhere_stays(archive):
    edit(archive, "notes.txt", b"mine\n")
    run(archive.worktree, "add", "notes.txt")
    (archive.worktree / "loose.txt").write_bytes(b"untracked\n")
    save(archive, {ONE: session(1, "a", "b")})
    assert status(archive.worktree) == ["A  notes.txt", "?? loose.txt"]


def test_an_untracked_file_in_the_way_is_merged_or_kept(archive):
    new, odd = PATH.format("new"), PATH.format("odd")
    edit(archive, new, session("new", "first", tags=["mine"]))
    edit(archive, odd, b"something of mine")
    published = save(archive, {new: session("new", "first", "second"), odd: session("odd", "text")})
    assert [kept.path for kept in published.kept] == [odd]
    assert (archive.worktree / odd).read_bytes() == b"something of mine"
    assert (archive.worktree / new).read_bytes() == session("new", "first", "second", tags=["mine"])
    assert status(archive.worktree) == [f" M {new}", f" M {odd}"]


def test_an_edited_file_outlives_its_removal_from_the_archive(archive):
    edit(archive, ONE, session(1, "a", "of mine"))
    published = save(archive, {ONE: None, TWO: None})
    assert [kept.path for kept in published.kept] == [ONE]
    assert (archive.worktree / ONE).read_bytes() == session(1, "a", "of mine")
    assert status(archive.worktree) == [f"?? {ONE}"]


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_nothing_is_written_through_a_symbolic_link(archive, tmp_path, kind):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "s-1.yaml").write_bytes(b"not ours")
    folder = (archive.worktree / ONE).parent
    if kind == "folder":
        folder.rename(tmp_path / "moved")
        folder.symlink_to(outside)
    else:
        (archive.worktree / ONE).unlink()
        (archive.worktree / ONE).symlink_to(outside / "s-1.yaml")
    published = save(archive, {ONE: session(1, "a", "b"), PATH.format("new"): session("new", "n")})
    assert (outside / "s-1.yaml").read_bytes() == b"not ours"
    assert ONE in [kept.path for kept in published.kept]
    assert sorted(path.name for path in outside.iterdir()) == ["s-1.yaml"]
    assert (folder if kind == "folder" else archive.worktree / ONE).is_symlink()
    assert published.pending is None
    assert run(archive.worktree, "diff", "--cached") == ""
    fsck(archive.worktree)


def test_a_folder_or_a_file_in_the_way_is_left_alone(archive):
    (archive.worktree / "attachments").write_bytes(b"a file of mine")
    (archive.worktree / PATH.format("new")).mkdir()
    published = save(archive, {"attachments/aa/x": b"1", PATH.format("new"): session("new", "n")})
    assert sorted(kept.path for kept in published.kept) == sorted(["attachments/aa/x", PATH.format("new")])
    assert (archive.worktree / "attachments").read_bytes() == b"a file of mine"


def test_a_file_may_become_a_folder_and_a_folder_a_file(archive):
    save(archive, {"notes": b"text", "folder/a": b"1", "folder/b": b"2"})
    published = save(
        archive, {"notes": None, "notes/deep": b"more", "folder/a": None, "folder/b": None, "folder": b"f"}
    )
    assert (published.kept, status(archive.worktree)) == ([], [])
    assert shown(archive.worktree) == committed(archive.worktree)
    fsck(archive.worktree)


def test_something_staged_below_a_new_file_stays(archive):
    (archive.worktree / "notes").mkdir()
    edit(archive, "notes/mine", b"1")
    run(archive.worktree, "add", "notes/mine")
    published = save(archive, {"notes": b"a file"})
    assert {kept.path for kept in published.kept} == {"notes"}
    assert run(archive.worktree, "ls-files", "notes") == "notes/mine"
    run(archive.worktree, "fsck", "--strict")


def test_execute_bits_are_kept(archive):
    (archive.worktree / ONE).chmod(0o755)
    save(archive, {ONE: session(1, "a", "b")})
    assert (archive.worktree / ONE).read_bytes() == session(1, "a", "b")
    run(archive.worktree, "update-index", "--chmod=+x", TWO)
    (archive.worktree / TWO).chmod(0o755)
    run(archive.worktree, "commit", "-qm", "executable")
    save(archive, {TWO: session(2, "x", "y")})
    assert run(archive.worktree, "ls-files", "-s", TWO).startswith("100755")
    assert os.access(archive.worktree / TWO, os.X_OK)


def test_a_detached_head_and_another_branch_are_not_touched(archive):
    top = archive.worktree
    run(top, "checkout", "-q", "--detach")
    before = shown(top)
    save(archive, {ONE: session(1, "a", "b")})
    assert (shown(top), status(top)) == (before, [])
    run(top, "checkout", "-q", "-b", "other")
    save(archive, {ONE: session(1, "a", "b", "c")})
    assert (shown(top), status(top)) == (before, [])
    run(top, "checkout", "-q", "main")
    assert (archive.worktree / ONE).read_bytes() == session(1, "a", "b", "c")
    assert status(top) == []


def test_linked_worktrees_follow_too(archive, tmp_path):
    top, linked = archive.worktree, tmp_path / "linked"
    run(top, "checkout", "-q", "--detach")
    run(top, "worktree", "add", "-q", str(linked), "main")
    save(archive, {ONE: session(1, "a", "b")})
    assert (linked / ONE).read_bytes() == session(1, "a", "b")
    assert (status(linked), status(top)) == ([], [])
    assert run(linked, "reflog", "-1", "--format=%gs", "HEAD") == "harvest"


def test_a_linked_worktree_on_another_disk(archive, tmp_path):
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system here")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        linked = Path(folder) / "linked"
        run(archive.worktree, "checkout", "-q", "--detach")
        run(archive.worktree, "worktree", "add", "-q", str(linked), "main")
        staged = archive.scratch / durable.scratch_name()
        staged.write_bytes(session(1, "a", "b"))
        save(archive, {ONE: session(1, "a", "b"), "attachments/aa/b": b"1", TWO: None}, staged={ONE: staged})
        assert status(linked) == []
        assert shown(linked) == committed(linked)
        left = linked / f".{durable.scratch_name()}.tmp".replace(durable._nonce, "00000000")
        left.write_bytes(b"half")
        assert status(linked) == []
        journal.recover(archive)
        assert not left.exists()
        assert list(archive.scratch.iterdir()) == []


def test_while_git_holds_the_index_the_branch_moves_and_the_worktree_follows_later(archive):
    lock = archive.git_dir / "index.lock"
    lock.write_bytes(b"")
    published = save(archive, {ONE: session(1, "a", "b")})
    assert "index.lock" in published.pending
    assert committed(archive.worktree)[ONE] == session(1, "a", "b")
    assert (archive.worktree / ONE).read_bytes() == session(1, "a")
    published = save(archive, {TWO: session(2, "x", "y")})
    assert published.pending
    assert lock.exists()
    lock.unlink()
    assert journal.recover(archive).kept == []
    assert (status(archive.worktree), shown(archive.worktree)) == ([], committed(archive.worktree))
    assert not (archive.state_dir / "journal").exists()


def test_a_commit_over_the_old_index_does_not_take_back_what_was_added(archive):
    lock = archive.git_dir / "index.lock"
    lock.write_bytes(b"")
    save(archive, {ONE: session(1, "a", "b")})
    lock.unlink()
    (archive.worktree / "notes.txt").write_bytes(b"mine")
    run(archive.worktree, "add", "notes.txt")
    run(archive.worktree, "commit", "-qm", "over an index that lags behind")
    assert committed(archive.worktree)[ONE] == session(1, "a")
    journal.recover(archive)
    assert (archive.worktree / ONE).read_bytes() == session(1, "a", "b")
    assert status(archive.worktree) == [f"M  {ONE}"]


def test_a_merge_under_way_keeps_what_is_harvested_meanwhile(archive):
    top = archive.worktree
    run(top, "checkout", "-q", "-b", "side")
    edit(archive, ONE, session(1, "other"))
    edit(archive, TWO, session(2, "x", "from the side"))
    run(top, "commit", "-qam", "side")
    run(top, "checkout", "-q", "main")
    save(archive, {ONE: session(1, "changed")})
    run(top, "merge", "side", ok=False)
    assert f"UU {ONE}" in status(top)
    stages = run(top, "ls-files", "-u")
    edit(archive, ONE, session(1, "changed", tags=["resolving"]))
    new = PATH.format("new")
    published = save(archive, {THREE: session(3, "z", "zz"), new: session("new", "n"), ONE: session(1, "changed", "b")})
    assert run(top, "ls-files", "-u") == stages
    assert [kept.path for kept in published.kept] == [ONE]
    assert (top / ONE).read_bytes() == session(1, "changed", "b", tags=["resolving"])
    run(top, "add", ONE)
    run(top, "commit", "-qm", "merged")
    assert run(top, "log", "-1", "--format=%P").count(" ") == 1
    after = committed(top)
    assert after[THREE] == session(3, "z", "zz")
    assert after[new] == session("new", "n")
    assert after[TWO] == session(2, "x", "from the side")
    assert texts(after[ONE]) == ["changed", "b"]
    fsck(top)


def test_the_branch_does_not_move_under_a_rebase(archive):
    from chasm_git.archive.plumbing.checkout import BranchBusy

    top = archive.worktree
    run(top, "checkout", "-q", "-b", "side", "HEAD~1")
    edit(archive, ".gitattributes", b"* text\n")
    run(top, "commit", "-qam", "side")
    run(top, "checkout", "-q", "main")
    edit(archive, ".gitattributes", b"* -text\n# main\n")
    run(top, "commit", "-qam", "main")
    run(top, "rebase", "side", ok=False)
    before = archive.head()
    with pytest.raises(BranchBusy, match="rebase"):
        save(archive, {ONE: session(1, "a", "b")})
    assert archive.head() == before
    run(top, "rebase", "--abort")
    assert save(archive, {ONE: session(1, "a", "b")}).kept == []
    assert status(top) == []


def test_the_index_keeps_resolutions_and_flags(archive):
    top = archive.worktree
    run(top, "update-index", "--assume-unchanged", TWO)
    run(top, "update-index", "--index-version", "4")
    run(top, "update-index", "--skip-worktree", THREE)
    (top / THREE).unlink()
    published = save(archive, {TWO: session(2, "x", "y"), THREE: session(3, "z", "zz"), ONE: session(1, "a", "b")})
    assert published.kept == []
    assert run(top, "ls-files", "-v").splitlines()[-2:] == [f"h {TWO}", f"S {THREE}"]
    assert not (top / THREE).exists()
    assert status(top) == []
    fsck(top)


@pytest.mark.parametrize("command", [["--split-index"], ["--untracked-cache"], ["--index-version", "4"]])
def test_every_kind_of_index_is_written_or_left_to_git(archive, command):
    top = archive.worktree
    run(top, "update-index", *command)
    run(top, "status")
    published = save(archive, {ONE: session(1, "a", "b"), PATH.format("new"): session("new", "n"), TWO: None})
    if command == ["--split-index"]:
        assert "split" in published.pending
        assert (top / ONE).read_bytes() == session(1, "a")
        run(top, "update-index", "--no-split-index")
        journal.recover(archive)
    assert status(top) == []
    assert shown(top) == committed(top)


def test_a_damaged_index_is_left_alone(archive):
    index = archive.git_dir / "index"
    index.write_bytes(index.read_bytes()[:-30])
    damaged = index.read_bytes()
    assert "damaged" in save(archive, {ONE: session(1, "a", "b")}).pending
    assert index.read_bytes() == damaged
    index.unlink()
    run(archive.worktree, "reset", "-q")
    journal.recover(archive)
    assert status(archive.worktree) == []


def test_what_a_power_cut_left_of_a_file_is_no_edit(archive):
    whole = session(1, "a", "b", "c")
    for torn in (b"", bytes(len(whole)), whole[:100] + bytes(50)):
        edit(archive, ONE, torn)
        bring_up_to_date(archive, archive.head(), build(archive, {ONE: whole}))
        assert (archive.worktree / ONE).read_bytes() == whole


def test_a_file_staged_by_the_caller_is_used_only_if_it_is_right(archive):
    good, bad = archive.scratch / "good", archive.scratch / "bad"
    good.write_bytes(session(1, "a", "b"))
    bad.write_bytes(session(2, "x", "y")[:-5])
    inode = good.stat().st_ino
    staged = {ONE: good, TWO: bad, THREE: archive.scratch / "missing"}
    save(archive, {ONE: session(1, "a", "b"), TWO: session(2, "x", "y"), THREE: session(3, "z", "zz")}, staged=staged)
    assert (archive.worktree / ONE).stat().st_ino == inode
    assert status(archive.worktree) == []
    assert shown(archive.worktree) == committed(archive.worktree)
    assert list(archive.scratch.iterdir()) == []


def test_running_it_twice_changes_nothing(archive):
    old = archive.head()
    edit(archive, TWO, session(2, "x", tags=["mine"]))
    save(archive, {ONE: session(1, "a", "b"), TWO: session(2, "x", "y"), PATH.format("new"): session("new", "n")})
    before = shown(archive.worktree)
    index = run(archive.worktree, "ls-files", "-s")
    assert bring_up_to_date(archive, old, archive.head()) == []
    assert (shown(archive.worktree), run(archive.worktree, "ls-files", "-s")) == (before, index)


def test_a_file_that_cannot_be_replaced_is_tried_again(archive, monkeypatch):
    if os.geteuid() == 0:
        # for root no permission is missing: a folder that vanishes has the same effect
        from chasm_git.archive.plumbing.files import Files

        place = Files.place
        refused = []

        def fail_once(self, path, *rest):
            if path == ONE and not refused:
                refused.append(path)
                raise PermissionError(13, "Permission denied")
            return place(self, path, *rest)

        monkeypatch.setattr(Files, "place", fail_once)
        published = save(archive, {ONE: session(1, "a", "b"), TWO: session(2, "x", "y")})
    else:
        folder = (archive.worktree / ONE).parent
        folder.chmod(0o500)
        published = save(archive, {ONE: session(1, "a", "b"), TWO: session(2, "x", "y")})
        folder.chmod(0o700)
    assert ONE in published.pending
    assert (archive.worktree / ONE).read_bytes() == session(1, "a")
    assert journal.recover(archive).pending is None
    assert shown(archive.worktree) == committed(archive.worktree)
    assert status(archive.worktree) == []


def test_bring_up_to_date_alone_says_why_it_could_not(archive):
    old = archive.head()
    new = build(archive, {ONE: session(1, "a", "b")})
    with ExitStack() as held:
        lock = archive.git_dir / "index.lock"
        lock.write_bytes(b"")
        held.callback(lock.unlink)
        with pytest.raises(LockHeld, match="another git command"):
            bring_up_to_date(archive, old, new, timeout=0.05)
        os.utime(lock, (1, 1))
        with pytest.raises(LockHeld, match="remove that file"):
            bring_up_to_date(archive, old, new, timeout=0.05)
    blob = run(archive.worktree, "rev-parse", f"{new}:{ONE}")
    (archive.git_dir / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(Unfinished, match=ONE):
        bring_up_to_date(archive, old, new)


@pytest.mark.parametrize("name", [b"git~1", b".GIT", "\u200c.git".encode(), b".."])
def test_a_hostile_tree_writes_nothing(archive, name):
    def write(kind, data):
        return run(archive.worktree, "hash-object", "-w", "-t", kind, "--literally", "--stdin", data=data)

    blob = write("blob", b"evil")
    inner = write("tree", b"100644 config\0" + bytes.fromhex(blob))
    outer = write("tree", b"40000 " + name + b"\0" + bytes.fromhex(inner))
    head = archive.head()
    evil = run(archive.worktree, "commit-tree", outer, "-m", "evil")
    config = (archive.git_dir / "config").read_bytes()
    new = build(archive, {ONE: session(1, "a", "b")})
    before = sorted(path for path in archive.worktree.parent.rglob("*") if ".git" not in path.parts)
    kept = bring_up_to_date(archive, new, evil)
    assert any("not a name" in one.reason for one in kept)
    assert (archive.git_dir / "config").read_bytes() == config
    after = {path for path in archive.worktree.parent.rglob("*") if ".git" not in path.parts}
    assert after <= set(before)
    assert archive.head() == head


def test_a_symbolic_link_in_a_commit_is_not_made(archive):
    blob = run(archive.worktree, "hash-object", "-w", "--stdin", data=b"/etc/passwd")
    tree = run(archive.worktree, "mktree", data=f"120000 blob {blob}\tlink\n".encode())
    commit = run(archive.worktree, "commit-tree", tree, "-m", "link")
    kept = bring_up_to_date(archive, None, commit)
    assert [one.path for one in kept] == ["link"]
    assert not (archive.worktree / "link").is_symlink()


@pytest.mark.parametrize("late", [b"typed this moment", None])
def test_an_edit_made_this_moment_is_not_written_over(archive, late):
    edit(archive, ONE, session(1, "a", tags=["mine"]))

    def merge(base, ours, theirs):
        if late is None:
            (archive.worktree / ONE).unlink()
        else:
            edit(archive, ONE, late)
        return merge_sessions(base, ours, theirs)

    published = save(archive, {ONE: session(1, "a", "b"), TWO: session(2, "x", "y")}, merge=merge)
    assert [kept.path for kept in published.kept] == [ONE]
    assert shown(archive.worktree).get(ONE) == late
    assert (archive.worktree / TWO).read_bytes() == session(2, "x", "y")
    assert list(archive.scratch.iterdir()) == []


def test_merging_goes_by_what_the_caller_says(archive):
    edit(archive, "chasm.yaml", b"mine: 1\n")
    seen = []

    def merge(base, ours, theirs):
        seen.append((base, ours, theirs))
        return ours + theirs

    base = committed(archive.worktree)["chasm.yaml"]
    save(archive, {"chasm.yaml": b"theirs: 2\n"}, merge=merge)
    assert seen == [(base, b"mine: 1\n", b"theirs: 2\n")]
    assert (archive.worktree / "chasm.yaml").read_bytes() == b"mine: 1\ntheirs: 2\n"
    assert merge_sessions(b"", b"mine: 1\n", session(1, "a")) is None

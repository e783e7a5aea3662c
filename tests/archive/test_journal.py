"""What the journal promises: a move is finished or undone, and a worktree that lags behind catches up."""

import json
import threading
import time

import pytest

from chasm_git.archive.plumbing import journal, refs
from chasm_git.archive.plumbing.journal import publish, recover
from chasm_git.archive.plumbing.locks import ArchiveLocked, LockFile
from chasm_git.archive.plumbing.refs import RefMoved
from chasm_git.archive.repo import init_archive, open_archive
from tests.archive.repository import PATH, build, committed, fsck, run, save, session, shown, status

ONE, TWO = PATH.format(1), PATH.format(2)
PROVIDER = "refs/chasm/providers/laptop/codex"


@pytest.fixture
def archive(tmp_path):
    with init_archive(tmp_path / "archive") as archive:
        save(archive, {ONE: session(1, "a"), TWO: session(2, "x")})
        yield archive


def note(archive, updates, shown_commit):
    data = {"branch": archive.branch, "shown": shown_commit, "updates": updates, "message": "harvest"}
    (archive.state_dir / "journal").write_text(json.dumps(data))


def clean(archive):
    assert not (archive.state_dir / "journal").exists()
    assert status(archive.worktree) == []
    assert shown(archive.worktree) == committed(archive.worktree)
    fsck(archive.worktree)
    return True


def test_the_branch_moves_first_and_the_rest_is_made_up_for(archive):
    old, new = archive.head(), build(archive, {ONE: session(1, "a", "b")})
    updates = {PROVIDER: (None, new), "refs/tags/t": (None, new), archive.branch: (old, new)}
    note(archive, updates, old)
    refs.update_refs(archive, {archive.branch: (old, new)}, "the part that was done")
    recover(archive)
    assert refs.list_refs(archive, "refs/") == {PROVIDER: new, archive.branch: new, "refs/tags/t": new}
    assert clean(archive)
    order = []
    original = refs._move
    newer = build(archive, {ONE: session(1, "a", "b", "c")})
    try:
        refs._move = lambda archive, lock, name, *rest: (order.append(name), original(archive, lock, name, *rest))
        publish(archive, {PROVIDER: (new, newer), archive.branch: (new, newer)}, "harvest")
    finally:
        refs._move = original
    assert order == [archive.branch, PROVIDER]


def test_what_had_not_begun_is_forgotten(archive):
    old, new = archive.head(), build(archive, {ONE: session(1, "a", "b")})
    note(archive, {archive.branch: (old, new), PROVIDER: (None, new)}, old)
    assert recover(archive).kept == []
    assert archive.head() == old
    assert refs.read_ref(archive, PROVIDER) is None
    assert clean(archive)


def test_a_branch_a_person_moved_on_is_caught_up_with(archive):
    old, new = archive.head(), build(archive, {ONE: session(1, "a", "b")})
    note(archive, {archive.branch: (old, new)}, old)
    refs.update_refs(archive, {archive.branch: (old, new)}, "harvest")
    (archive.worktree / "mine").write_bytes(b"1")
    run(archive.worktree, "add", "mine", ONE)
    run(archive.worktree, "commit", "-qm", "mine", "--", "mine")
    recover(archive)
    assert (archive.worktree / ONE).read_bytes() == session(1, "a", "b")
    assert clean(archive)


def test_a_branch_a_person_moved_back_is_left_there(archive):
    old, new = archive.head(), build(archive, {ONE: session(1, "a", "b")})
    note(archive, {archive.branch: (old, new), PROVIDER: (None, new)}, old)
    refs.update_refs(archive, {archive.branch: (old, new)}, "harvest")
    run(archive.worktree, "reset", "-q", "--hard", f"{old}~1")
    recover(archive)
    assert ONE not in committed(archive.worktree)
    assert clean(archive)


def test_a_worktree_that_lags_behind_by_several_moves(archive):
    lock = archive.git_dir / "index.lock"
    lock.write_bytes(b"")
    for number in range(3):
        published = save(
            archive, {ONE: session(1, "a", *"bcd"[: number + 1]), PATH.format(f"n{number}"): session(9, "n")}
        )
        assert published.pending
    with pytest.raises(RefMoved):
        publish(archive, {archive.branch: (archive.parents(archive.head())[0], archive.head())}, "no", timeout=0.1)
    publish(archive, {"refs/tags/t": (None, archive.head())}, "a tag", timeout=0.1)
    note_ = json.loads((archive.state_dir / "journal").read_text())
    assert note_["shown"] == run(archive.worktree, "rev-parse", "HEAD~3")
    lock.unlink()
    published = save(archive, {TWO: session(2, "x", "y")})
    assert published.pending is None
    assert clean(archive)


def test_history_rewritten_under_a_worktree_that_lags_behind(archive):
    note(archive, {archive.branch: (None, archive.head())}, "12" * 20)
    result = recover(archive)
    assert "is gone" in result.kept[0].reason
    assert clean(archive)


_DAMAGED = ["", "{", "[]", '{"branch": 1}', '{"branch":"x","shown":null,"updates":[],"message":""}']


@pytest.mark.parametrize("text", _DAMAGED)
def test_a_damaged_journal_is_reported_and_does_not_stop_anything(archive, text):
    (archive.state_dir / "journal").write_text(text)
    assert "damaged" in recover(archive).kept[0].reason
    save(archive, {ONE: session(1, "a", "b")})
    assert clean(archive)


def test_nothing_moves_when_one_ref_moved_elsewhere(archive):
    old, new = archive.head(), build(archive, {ONE: session(1, "a", "b")})
    before = shown(archive.worktree)
    with pytest.raises(RefMoved):
        publish(archive, {archive.branch: (old, new), PROVIDER: (old, new)}, "harvest")
    assert archive.head() == old
    assert shown(archive.worktree) == before
    assert clean(archive)


def test_a_commit_that_was_not_written_whole_gets_no_name(archive):
    head = archive.head()
    new = build(archive, {ONE: session(1, "a", "b")})
    for missing in ("12" * 20, run(archive.worktree, "rev-parse", f"{new}:sessions/codex")):
        path = archive.git_dir / "objects" / missing[:2] / missing[2:]
        path.unlink(missing_ok=True)
        with pytest.raises(KeyError):
            publish(archive, {archive.branch: (head, new if missing != "12" * 20 else missing)}, "no")
    assert archive.head() == head
    assert clean(archive)


def test_a_commit_of_git_waits_for_the_index_while_the_branch_moves(archive, monkeypatch):
    """No commit can slip in between the branch and the index that lags behind it."""
    update = refs.update_refs

    def slow(*arguments, **options):
        update(*arguments, **options)
        (archive.worktree / "mine").write_bytes(b"1")
        with pytest.raises(AssertionError, match=r"index\.lock"):
            run(archive.worktree, "add", "mine")
        with pytest.raises(AssertionError, match=r"index\.lock"):
            run(archive.worktree, "commit", "-qm", "too early")

    monkeypatch.setattr(journal.refs, "update_refs", slow)
    save(archive, {ONE: session(1, "a", "b")})
    monkeypatch.undo()
    assert run(archive.worktree, "log", "-1", "--format=%s") == "harvest"
    run(archive.worktree, "add", "mine")
    run(archive.worktree, "commit", "-qm", "now")
    assert committed(archive.worktree)[ONE] == session(1, "a", "b")
    assert clean(archive)


def test_publishing_waits_for_another_process(archive):
    there = threading.Event()

    def hold():
        with open_archive(archive.path) as other, other.lock(name="publishing"):
            there.set()
            time.sleep(0.2)

    thread = threading.Thread(target=hold)
    thread.start()
    there.wait()
    started = time.monotonic()
    save(archive, {ONE: session(1, "a", "b")})
    assert time.monotonic() - started > 0.15
    thread.join()
    assert clean(archive)


def test_a_harvest_that_holds_the_archive_keeps_others_waiting_but_not_from_publishing(archive):
    with archive.lock(), open_archive(archive.path) as other:
        with pytest.raises(ArchiveLocked), other.lock(timeout=0.05):
            pass
        save(other, {ONE: session(1, "a", "b")})
    assert clean(archive)


def test_staged_files_of_a_running_harvest_outlive_the_recovery_of_another_command(archive):
    staged = archive.scratch / "chasm-file-not-ours"
    staged.write_bytes(b"")
    from chasm_git.archive.plumbing.durable import scratch_name

    mine = archive.scratch / scratch_name()
    mine.write_bytes(b"")
    with LockFile(archive.git_dir / "some", archive.scratch) as lock:
        recover(archive)
        assert mine.exists()
        assert staged.exists()
        assert lock.path.exists()

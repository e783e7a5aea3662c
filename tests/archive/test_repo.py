"""Making an archive, finding it, and what it takes to open one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chasm_git.archive.plumbing.checkout import checkouts
from chasm_git.archive.plumbing.discovery import find_repository
from chasm_git.archive.repo import NotAnArchive, init_archive, open_archive
from chasm_git.errors import ChasmError
from tests.archive.repository import PATH, committed, fsck, run, save, session, shown, status

CHECKOUT = Path(__file__).parents[2]


def test_a_new_archive(tmp_path):
    top = tmp_path / "new" / "archive"
    with init_archive(top) as archive:
        assert (archive.path, archive.git_dir, archive.worktree) == (top, top / ".git", top)
        assert archive.branch == "refs/heads/main"
        assert archive.files(archive.head()) == {}
    assert run(top, "log", "--format=%s") == "archive: created"
    assert status(top) == []
    assert set(committed(top)) == {".gitattributes", "chasm.yaml"}
    assert run(top, "check-attr", "merge", "diff", "text", "--", "sessions/a/b.yaml").splitlines() == [
        "sessions/a/b.yaml: merge: chasm",
        "sessions/a/b.yaml: diff: chasm",
        "sessions/a/b.yaml: text: unset",
    ]
    assert "attachments/a/b.png: diff: unset" in run(top, "check-attr", "diff", "merge", "--", "attachments/a/b.png")
    assert run(top, "config", "gc.auto") == "0"
    assert run(top, "config", "core.logAllRefUpdates") == "always"
    if os.name != "nt":
        assert top.stat().st_mode & 0o077 == 0
    fsck(top)


def everything(top):
    return {path: path.read_bytes() for path in sorted(top.rglob("*")) if path.is_file() and path.name != "publishing"}


@pytest.mark.parametrize("bare", [False, True])
def test_making_it_again_changes_nothing(tmp_path, bare):
    top = tmp_path / "archive"
    init_archive(top, bare=bare).close()
    before = everything(top)
    with init_archive(top, bare=bare) as archive:
        assert everything(top) == before
        save(archive, {PATH.format(1): session(1, "a")})
    before = everything(top)
    with init_archive(top) as archive:
        assert archive.worktree == (None if bare else top)
        assert everything(top) == before


def test_settings_a_person_removed_come_back_and_theirs_stay(tmp_path):
    top = tmp_path / "archive"
    init_archive(top).close()
    run(top, "config", "--unset", "gc.auto")
    run(top, "config", "user.name", "Ana")
    with (top / ".git/info/attributes").open("a") as file:
        file.write("*.mine text\n")
    init_archive(top).close()
    assert run(top, "config", "gc.auto") == "0"
    assert run(top, "config", "user.name") == "Ana"
    assert (top / ".git/info/attributes").read_text().endswith("*.mine text\n")


def test_a_bare_archive(tmp_path):
    top = tmp_path / "archive.git"
    with init_archive(top, bare=True) as archive:
        assert (archive.path, archive.git_dir, archive.worktree) == (top, top, None)
        save(archive, {PATH.format(1): session(1, "a")})
        assert archive.read_path(archive.head(), PATH.format(1)) == session(1, "a")
    assert run(top, "rev-parse", "--is-bare-repository") == "true"
    assert run(top, "show", f"main:{PATH.format(1)}").encode() + b"\n" == session(1, "a")
    assert run(top, "rev-list", "--count", "--walk-reflogs", "main") == "2"
    fsck(top)
    with open_archive(top / "refs") as again:
        assert again.path == top


def test_inside_a_project_nothing_of_the_project_is_touched(tmp_path):
    top = tmp_path / "project"
    top.mkdir()
    run(top, "init", "-q", "-b", "trunk")
    (top / "sessions").mkdir()
    (top / "sessions/notes.md").write_bytes(b"of the project\r\n")
    run(top, "add", ".")
    run(top, "commit", "-qm", "code")
    (top / "sessions/notes.md").write_bytes(b"edited")
    (top / "staged").write_bytes(b"1")
    run(top, "add", "staged")
    index, head = (top / ".git/index").read_bytes(), (top / ".git/HEAD").read_bytes()
    config = run(top, "config", "--local", "--list").splitlines()
    files = shown(top)
    for _ in range(2):
        with init_archive(tmp_path / "anything", project=top / "sessions") as archive:
            assert (archive.path, archive.git_dir, archive.worktree) == (top, top / ".git", None)
            assert archive.branch == "refs/heads/chasm"
            if not archive.files(archive.head()):
                save(archive, {PATH.format(1): session(1, "a")})
    with open_archive(top / "sessions") as archive:
        assert list(archive.files(archive.head())) == [PATH.format(1)]
    assert ((top / ".git/index").read_bytes(), (top / ".git/HEAD").read_bytes()) == (index, head)
    assert shown(top) == files
    added = set(run(top, "config", "--local", "--list").splitlines()) - set(config)
    assert {line.partition("=")[0] for line in added} == {
        "chasm.branch",
        "chasm.project",
        "gc.refs/heads/chasm.reflogexpire",
        "gc.refs/heads/chasm.reflogexpireunreachable",
    }
    assert not (top / ".git/info/attributes").exists()
    assert run(top, "merge-base", "trunk", "chasm", ok=False) == ""
    assert not (tmp_path / "anything").exists()
    fsck(top)
    linked = tmp_path / "linked"
    run(top, "worktree", "add", "-q", str(linked), "chasm")
    with open_archive(linked / "sessions") as archive:
        assert archive.path == top
        assert [one.worktree for one in checkouts(archive)] == [linked]
        save(archive, {PATH.format(1): session(1, "a", "b")})
    assert status(linked) == []
    assert shown(linked)[PATH.format(1)] == session(1, "a", "b")


def test_a_project_whose_branch_is_something_else(tmp_path):
    run(tmp_path, "init", "-q", "-b", "chasm")
    (tmp_path / "code").write_bytes(b"1")
    run(tmp_path, "add", ".")
    run(tmp_path, "commit", "-qm", "code")
    config = (tmp_path / ".git/config").read_bytes()
    with pytest.raises(ChasmError, match="no archive"):
        init_archive(tmp_path, project=tmp_path)
    assert (tmp_path / ".git/config").read_bytes() == config
    with init_archive(tmp_path, project=tmp_path, branch="chats") as archive:
        assert archive.branch == "refs/heads/chats"
    with pytest.raises(ChasmError, match="not in a git repository"):
        init_archive(tmp_path, project=tmp_path.parent)


def test_what_is_in_the_way(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").write_bytes(b"mine")
    with pytest.raises(ChasmError, match="not an empty folder"):
        init_archive(tmp_path / "full")
    with pytest.raises(ChasmError, match="not an empty folder"):
        init_archive(tmp_path / "full/file")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["file"]
    run(tmp_path / "full", "init", "-q")
    with pytest.raises(NotAnArchive, match="--project"):
        init_archive(tmp_path / "full")
    run(tmp_path / "full", "add", ".")
    run(tmp_path / "full", "commit", "-qm", "code")
    for act in (init_archive, open_archive):
        with pytest.raises(NotAnArchive, match="--project"):
            act(tmp_path / "full")
    for path in (tmp_path, tmp_path / "none" / "deep"):
        with pytest.raises(NotAnArchive, match="chasm git init"):
            open_archive(path)


def test_an_empty_repository_is_taken_with_the_branch_it_has(tmp_path):
    run(tmp_path, "init", "-q", "-b", "history")
    with init_archive(tmp_path) as archive:
        assert archive.branch == "refs/heads/history"
    assert status(tmp_path) == []


def test_an_archive_is_found_from_wherever_one_is(tmp_path):
    top = tmp_path / "archive"
    with init_archive(top) as archive:
        save(archive, {PATH.format(1): session(1, "a")})
    for path in (top, top / "sessions/codex", top / PATH.format(1), top / ".git", top / ".git/refs", top / "not/there"):
        with open_archive(path) as archive:
            assert (archive.path, archive.worktree, archive.git_dir) == (top, top, top / ".git")
    assert find_repository(tmp_path) is None


def test_clones_are_archives_too(tmp_path):
    with init_archive(tmp_path / "archive", branch="history") as archive:
        save(archive, {PATH.format(1): session(1, "a")})
    run(tmp_path, "clone", "-q", "archive", "clone")
    run(tmp_path, "clone", "-q", "--bare", "archive", "bare.git")
    run(tmp_path, "clone", "-q", "--depth=1", f"file://{tmp_path}/archive", "shallow")
    run(tmp_path, "clone", "-q", "--separate-git-dir=elsewhere.git", "archive", "separate")
    for name in ("clone", "bare.git", "shallow", "separate"):
        with open_archive(tmp_path / name) as clone:
            assert clone.branch == "refs/heads/history"
            assert clone.worktree == (None if name == "bare.git" else tmp_path / name)
            assert list(clone.files(clone.head())) == [PATH.format(1)]
            published = save(clone, {PATH.format(1): session(1, "a", "b"), PATH.format(2): session(2, "x")})
            assert (published.kept, published.pending) == ([], None)
        assert name == "bare.git" or status(tmp_path / name) == []
        fsck(tmp_path / name)


def test_archives_made_apart_can_be_merged_by_git(tmp_path, monkeypatch):
    with init_archive(tmp_path / "one") as one:
        first = one.head()
        save(one, {PATH.format(1): session(1, "a")})
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    run(tmp_path, "config", "--global", "user.name", "Ana")
    with init_archive(tmp_path / "two", bare=True, branch="other") as two:
        assert two.head() == first
        save(two, {PATH.format(2): session(2, "b")})
    run(tmp_path / "one", "pull", "-q", "--no-rebase", "--no-edit", str(tmp_path / "two"), "other")
    assert {PATH.format(1), PATH.format(2)} <= set(committed(tmp_path / "one"))


def test_two_archives_at_once(tmp_path):
    with init_archive(tmp_path / "one") as one, init_archive(tmp_path / "two", bare=True) as two:
        with one.lock(), two.lock():
            save(one, {PATH.format(1): session(1, "a")})
            save(two, {PATH.format(2): session(2, "b")})
        assert (list(one.files(one.head())), list(two.files(two.head()))) == ([PATH.format(1)], [PATH.format(2)])


def test_settings_of_a_project_that_dulwich_does_not_understand(tmp_path):
    top = tmp_path / "archive"
    with init_archive(top) as archive:
        save(archive, {PATH.format(1): session(1, "a")})
    run(top, "config", "pack.windowMemory", "256m")
    run(top, "config", "core.bigFileThreshold", "1g")
    run(top, "config", "user.name", "Ana")
    run(top, "gc", "-q")
    with open_archive(top) as archive:
        save(archive, {PATH.format(1): session(1, "a", "b")})
        assert archive.read_path(archive.head(), PATH.format(1)) == session(1, "a", "b")
    assert run(top, "log", "-1", "--format=%an") == "Ana"


def test_a_kind_of_repository_nobody_knows_is_refused(tmp_path):
    top = tmp_path / "archive"
    init_archive(top).close()
    run(top, "config", "core.repositoryFormatVersion", "1")
    run(top, "config", "extensions.fromTheFuture", "yes")
    with pytest.raises(ChasmError, match=r"fromthefuture"):
        open_archive(top)


def test_refs_in_reftables_are_refused_before_anything_is_written(tmp_path):
    top = tmp_path / "archive"
    init_archive(top).close()
    run(top, "config", "core.repositoryFormatVersion", "1")
    with (top / ".git/config").open("a") as file:
        file.write("[extensions]\n\trefStorage = reftable\n")
    before = everything(top)
    for act in (open_archive, init_archive):
        with pytest.raises(ChasmError, match="git refs migrate"):
            act(top)
    assert everything(top) == before


def test_history(tmp_path):
    with init_archive(tmp_path / "archive") as archive:
        first = archive.head()
        save(archive, {PATH.format(1): session(1, "a")})
        second = archive.head()
        run(archive.worktree, "checkout", "-q", "-b", "side", first)
        (archive.worktree / "x").write_bytes(b"")
        run(archive.worktree, "add", "x")
        run(archive.worktree, "commit", "-qm", "side")
        side = run(archive.worktree, "rev-parse", "HEAD")
        run(archive.worktree, "checkout", "-q", "main")
        run(archive.worktree, "merge", "-q", "side", "-m", "merged")
        assert archive.parents(archive.head()) == [second, side]
        assert archive.descends(archive.head(), first)
        assert archive.descends(second, first)
        assert not archive.descends(second, side)
        assert not archive.descends(first, second)
        assert not archive.descends(None, first)
        assert not archive.descends(first, None)


def test_opening_imports_nothing_heavy(tmp_path):
    with init_archive(tmp_path / "archive") as archive:
        save(archive, {PATH.format(1): session(1, "a")})
        run(archive.worktree, "pack-refs", "--all")
    code = (
        f"import sys; sys.path.insert(0, {str(CHECKOUT)!r})\n"
        "from pathlib import Path\n"
        "from chasm_git.archive.repo import open_archive\n"
        f"with open_archive(Path({str(tmp_path / 'archive')!r})) as archive:\n"
        "    assert archive.head() and archive.files(archive.head())\n"
        "heavy = {'dulwich', 'git', 'ruamel', 'orjson', 'concurrent.futures', 'multiprocessing', 'subprocess'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_stops_inside_of_a_pack_is_what_is_told(tmp_path):
    """A pack cannot be closed while somebody looks into it, as the frames of an interrupt do."""
    with init_archive(tmp_path / "a") as archive:
        head = archive.head()
    run(tmp_path / "a", "gc", "-q")
    with pytest.raises(KeyboardInterrupt), open_archive(tmp_path / "a") as archive:
        archive.files(head)
        (pack,) = archive.store.packs
        assert pack.data.get_stored_checksum()  # it is open
        view = memoryview(pack.data._buffer())
        raise KeyboardInterrupt
    view.release()

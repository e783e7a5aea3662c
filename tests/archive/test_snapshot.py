"""Snapshots: names that are checked, tags that git knows and that never move."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chasm_git.archive.plumbing import refs
from chasm_git.archive.repo import init_archive, open_archive
from chasm_git.archive.snapshot import BadSnapshotName, SnapshotExists, check_name, default_name, snapshots, take
from chasm_git.errors import ChasmError
from tests.archive.making import assert_whole, git, new_session, put


@pytest.fixture
def archive(tmp_path):
    with init_archive(tmp_path / "archive") as made:
        put(made, new_session("s1", "a"), new_session("s2", "b"))
        yield made


GOOD = ["v1", "before-the-move", "2026/01/08", "a.b", "日本", "20260108", "beef", "HEAD2", "a@b", "a-", "x" * 200]
BAD = [
    "", "../x", "--help", "-", "-x", "a b", "a..b", "/a", "a/", "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "a.", "@",
    "HEAD", "a@{b", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b", "a\nb", "a\0b", "\x7f", "\x1b[31m", "\u202eb",
    "\udcff", "0" * 40, "f" * 64, "refs/tags/a", "x" * 201, "y" * 100_000, "é" * 101, "a\u00a0b",
]  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_good_names(archive, name):
    check_name(name)
    take(archive, name)
    assert git(archive, "rev-parse", f"refs/tags/{name}^{{commit}}") == archive.head()
    assert [one.name for one in snapshots(archive)] == [name]
    assert_whole(archive)


@pytest.mark.parametrize("name", BAD)
def test_bad_names(archive, name):
    with pytest.raises(BadSnapshotName) as caught:
        take(archive, name)
    assert len(str(caught.value)) < 250
    assert str(caught.value).isprintable()
    assert caught.value.exit_code == 2
    assert refs.list_refs(archive, "refs/tags/") == {}


@given(st.text(st.sampled_from("ab.-/@{~^:?*[\\ lock\n\0é\u202e"), max_size=8))
@settings(max_examples=300, deadline=None)
def test_a_name_we_take_is_one_git_takes(name):
    try:
        check_name(name)
    except BadSnapshotName:
        return
    command = ["git", "check-ref-format", f"refs/tags/{name}"]
    assert subprocess.run(command, check=False).returncode == 0
    assert refs._NAME.fullmatch(f"refs/tags/{name}")


def test_git_shows_the_tag(archive):
    git(archive, "config", "user.name", "Ana")
    git(archive, "config", "user.email", "ana@example.org")
    with open_archive(archive.path) as opened:
        made = take(opened, "v1", "Before the move\n\nand more")
    shown = git(archive, "for-each-ref", "refs/tags", "--format=%(objecttype) %(taggername) %(taggeremail) %(contents)")
    assert shown.rstrip() == "tag Ana <ana@example.org> Before the move\n\nand more"
    assert git(archive, "for-each-ref", "refs/tags", "--format=%(taggerdate:unix)").isdigit()
    assert snapshots(archive) == [made]
    assert (made.by, made.sessions, made.commit) == ("Ana", 2, archive.head())


def test_a_snapshot_never_moves(archive):
    made = take(archive, "v1")
    put(archive, new_session("s3", "c"))
    with pytest.raises(SnapshotExists, match="never move"):
        take(archive, "v1")
    assert snapshots(archive) == [made]


def test_a_name_of_its_own(archive, monkeypatch):
    monkeypatch.setattr("chasm_git.archive.snapshot.default_name", lambda: "snapshot-20260108-120000")
    names = [take(archive).name for _ in range(3)]
    assert names == ["snapshot-20260108-120000", "snapshot-20260108-120000-2", "snapshot-20260108-120000-3"]
    assert default_name(1767873600) == "snapshot-20260108-120000"


def test_a_dry_run_makes_nothing(archive):
    before = git(archive, "count-objects", "-v")
    made = take(archive, "v1", dry_run=True)
    assert (made.name, made.sessions) == ("v1", 2)
    assert snapshots(archive) == []
    assert git(archive, "count-objects", "-v") == before
    with pytest.raises(BadSnapshotName):
        take(archive, "--help", dry_run=True)


def test_the_latest_comes_first(archive):
    for day in (2, 1, 3):
        git(archive, "tag", "-m", f"day {day}", f"day{day}", GIT_COMMITTER_DATE=f"2026-01-0{day}T00:00:00Z")
    assert [one.message for one in snapshots(archive)] == ["day 3", "day 2", "day 1"]


def test_tags_of_every_kind(archive):
    git(archive, "tag", "light")
    git(archive, "tag", "-m", "inner", "inner")
    git(archive, "tag", "-m", "outer", "outer", "inner")
    git(archive, "tag", "tree", "HEAD^{tree}")
    git(archive, "tag", "blob", "HEAD:chasm.yaml")
    empty = git(archive, "hash-object", "-t", "tree", "-w", "--stdin")
    git(archive, "tag", "-m", "a release", "v1.0", git(archive, "commit-tree", "-m", "code", empty))
    found = {one.name: one.message for one in snapshots(archive)}
    assert found == {"light": "harvest", "inner": "inner", "outer": "outer"}


def test_a_tag_that_points_nowhere_is_left_out(archive):
    take(archive, "v1")
    (archive.git_dir / "refs" / "tags" / "gone").write_text("1" * 40 + "\n")
    assert [one.name for one in snapshots(archive)] == ["v1"]


def test_names_that_stand_in_the_way(archive):
    take(archive, "a/b")
    with pytest.raises(ChasmError):
        take(archive, "a")
    with pytest.raises(ChasmError):
        take(archive, "a/b/c")
    with pytest.raises(BadSnapshotName, match="branch"):
        take(archive, "main")
    git(archive, "pack-refs", "--all")
    with pytest.raises(SnapshotExists):
        take(archive, "a/b")
    with pytest.raises(ChasmError):
        take(archive, "a/b/c")
    assert_whole(archive)


def test_messages_git_could_not_take(archive):
    take(archive, "v1", "a\0b\udcff")
    (found,) = snapshots(archive)
    assert found.message == "a\ufffdb?"
    assert_whole(archive)


def test_nothing_to_take_one_of(archive):
    git(archive, "update-ref", "-d", "refs/heads/main")
    with pytest.raises(ChasmError, match="no commit"):
        take(archive, "v1")

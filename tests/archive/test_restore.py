"""Earlier states put back as new commits: nothing lost, attachments included, the way back named."""

from copy import deepcopy

import pytest

from chasm_git.archive import snapshot
from chasm_git.archive.naming import AmbiguousSession, NoSuchRevision, NoSuchSession
from chasm_git.archive.repo import init_archive
from chasm_git.archive.restore import restore, rewind
from chasm_git.errors import ChasmError, UsageError
from chasm_git.session.attachments import path_of, store_text
from chasm_git.session.codec import dumps, loads
from tests.archive.making import assert_whole, git, new_session, path, put, say


@pytest.fixture(params=["own", "bare", "project"])
def archive(tmp_path, request):
    if request.param == "project":
        with init_archive(tmp_path / "project") as plain:
            git(plain, "config", "--unset", "chasm.branch")
            git(plain, "checkout", "-q", "--orphan", "code")
            git(plain, "rm", "-q", "-rf", ".")
        (tmp_path / "project" / "app.py").write_text("pass\n")
        git(plain, "add", "app.py")
        git(plain, "commit", "-q", "-m", "code")
        made = init_archive(tmp_path, project=tmp_path / "project")
    else:
        made = init_archive(tmp_path / "archive", bare=request.param == "bare")
    with made:
        yield made
    if request.param == "project":
        assert (tmp_path / "project" / "app.py").read_text() == "pass\n"
        assert not (tmp_path / "project" / "sessions").exists()


@pytest.fixture
def session():
    return new_session("s1", "a", "b")


def content(archive, session):
    return archive.read_path(archive.head(), path(session))


def test_one_session_is_put_back_and_the_rest_stays(archive, session):
    first = put(archive, session, new_session("s2", "x"))
    second = put(archive, say(session, "c"), new_session("s2", "x", "y"))
    made = restore(archive, "s1@HEAD~1")
    assert made.commit == archive.head()
    assert archive.parents(made.commit) == [second]
    assert content(archive, session) == archive.read_path(first, path(session))
    assert len(loads(content(archive, new_session("s2"))).messages) == 2
    assert [(change.kind, change.path) for change in made.changes] == [("updated", path(session))]
    assert_whole(archive)
    if archive.worktree:
        assert (archive.worktree / path(session)).read_bytes() == content(archive, session)


def test_the_log_says_what_was_put_back(archive, session):
    first = put(archive, session)
    put(archive, say(session, "c"))
    restore(archive, "s1@HEAD~1")
    message = git(archive, "log", "-1", "--format=%B", archive.branch)
    assert message.startswith("restore: s1 as of ")
    assert "~ codex s1  (-1 messages)" in message
    assert f"Chasm-Restored: {first}" in message


def test_it_can_be_undone_by_what_it_names(archive, session):
    put(archive, session)
    put(archive, say(session, "c"))
    before = content(archive, session)
    made = restore(archive, "s1@HEAD~1")
    restore(archive, f"s1@{made.undo}")
    assert content(archive, session) == before


def test_a_session_that_is_gone_comes_back_with_its_attachments(archive, session):
    files: dict[str, bytes] = {}
    session.messages[0].content = [{"type": "text", "text": store_text("long\n" * 20_000, files)}]
    session.messages[1].native = {"kept": store_text("other\n" * 20_000, files)}
    put(archive, session, attachments=files)
    put(archive, files={path(session): None, **{path_of(name): None for name in files}})
    made = restore(archive, "s1@HEAD~1")
    assert made.attachments == sorted(files)
    assert [change.kind for change in made.changes] == ["added"]
    for name, data in files.items():
        assert archive.read_path(archive.head(), path_of(name)) == data
    assert_whole(archive)


def test_a_session_that_moved_keeps_its_place(archive):
    undated = new_session("s1", "a", created_at=None)
    put(archive, undated)
    dated = new_session("s1", "a", "b")
    put(archive, dated, files={path(undated): None})
    restore(archive, "s1@HEAD~1")
    assert content(archive, dated) == dumps(undated)
    assert path(undated) not in archive.files(archive.head())


def test_a_dry_run_changes_nothing(archive, session):
    put(archive, session)
    head = put(archive, say(session, "c"))
    objects = git(archive, "count-objects", "-v")
    made = restore(archive, "s1@HEAD~1", dry_run=True)
    assert (made.commit, len(made.changes)) == (None, 1)
    again = rewind(archive, "HEAD~1", dry_run=True)
    assert (again.commit, len(again.changes)) == (None, 1)
    assert archive.head() == head
    assert git(archive, "count-objects", "-v") == objects


def test_nothing_to_do_makes_no_commit(archive, session):
    put(archive, session)
    head = put(archive, new_session("s2", "x"))
    assert restore(archive, "s1@HEAD~1").commit is None
    assert rewind(archive, "HEAD").commit is None
    assert archive.head() == head


def test_what_cannot_be_put_back(archive, session):
    put(archive, session, new_session("s22"), new_session("s23"))
    put(archive, files={path(session): b"chasm: 1\n<<<<<<< ours\n"})
    head = put(archive, session)
    for name, error in {
        "s1": UsageError,
        "none@HEAD~1": NoSuchSession,
        "s2@HEAD~1": AmbiguousSession,
        "s1@nothing": NoSuchRevision,
        "s1@--help": NoSuchRevision,
        "--help": NoSuchSession,
        "s1@HEAD~1": ChasmError,
    }.items():
        with pytest.raises(error):
            restore(archive, name)
    assert restore(archive, "s1@HEAD").changes == []  # it is as it was already
    for revision in ("", "--help", "nothing", "../x", "x" * 10_000, "HEAD~9"):
        with pytest.raises(NoSuchRevision):
            rewind(archive, revision)
    assert archive.head() == head


def test_a_rewind_brings_the_whole_tree_back_as_a_new_commit(archive, session):
    files: dict[str, bytes] = {}
    session.messages[0].content = [{"type": "text", "text": store_text("long\n" * 20_000, files)}]
    first = put(archive, session, new_session("s2", "x"), attachments=files)
    snapshot.take(archive, "good")
    put(archive, say(session, "c"), new_session("s3", "z"), files={"chasm.yaml": b"other: settings\n"})
    second = put(archive, files={path(new_session("s2")): None, **{path_of(name): None for name in files}})
    made = rewind(archive, "good")
    assert archive.tree_id(made.commit) == archive.tree_id(first)
    assert archive.parents(made.commit) == [second]
    assert {change.kind for change in made.changes} == {"added", "updated", "removed"}
    assert (made.attachments, made.other) == (sorted(files), ["chasm.yaml"])
    assert_whole(archive)
    rewind(archive, made.undo)
    assert archive.tree_id(archive.head()) == archive.tree_id(second)
    assert len(git(archive, "rev-list", archive.branch).split()) == 6
    assert_whole(archive)


def test_only_states_of_the_archive_can_be_put_back(archive, session):
    put(archive, session)
    empty = git(archive, "hash-object", "-t", "tree", "-w", "--stdin")
    git(archive, "tag", "-m", "a release", "v1.0", git(archive, "commit-tree", "-m", "code", empty))
    head = archive.head()
    with pytest.raises(ChasmError, match=r"no chasm\.yaml"):
        rewind(archive, "v1.0")
    assert archive.head() == head


def test_what_a_person_typed_in_the_worktree_is_not_lost(tmp_path, session):
    with init_archive(tmp_path / "archive") as archive:
        put(archive, session)
        put(archive, say(session, "c"))
        edited = deepcopy(say(session, "c"))
        edited.title = "Typed, not committed"
        (archive.worktree / path(session)).write_bytes(dumps(edited))
        restore(archive, "s1@HEAD~1")
        assert loads((archive.worktree / path(session)).read_bytes()).title == "Typed, not committed"
        (archive.worktree / path(session)).write_text("no session at all\n")
        made = rewind(archive, "HEAD~1")
        assert [kept.path for kept in made.kept] == [path(session)]
        assert (archive.worktree / path(session)).read_text() == "no session at all\n"


def test_titles_and_ids_cannot_forge_the_log(archive):
    session = new_session("a\nChasm-Restored: x\x1b[31m", "a")
    put(archive, session)
    put(archive, say(session, "b"))
    restore(archive, f"{session.id}@HEAD~1")
    message = git(archive, "log", "-1", "--format=%B", archive.branch)
    assert "\x1b" not in message
    assert sum(line.startswith("Chasm-Restored:") for line in message.split("\n")) == 1

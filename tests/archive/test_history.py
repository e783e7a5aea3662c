"""History in terms of sessions and messages, against what git itself says."""

from copy import deepcopy

import git as gitpython
import pytest

from chasm_git.archive.blame import blame
from chasm_git.archive.compare import FieldChange, difference, pairs, text_diff
from chasm_git.archive.history import (
    changes,
    iso,
    log,
    logged,
    path_history,
    person,
    read_commit,
    session_id,
    session_log,
    walk,
)
from chasm_git.archive.plumbing.git import GitMissing
from chasm_git.archive.repo import init_archive, open_archive
from chasm_git.archive.summaries import Summaries
from chasm_git.errors import ChasmError
from chasm_git.session.codec import dumps
from chasm_git.session.model import Message
from tests.archive.making import assert_whole, git, new_session, path, put, say


@pytest.fixture
def archive(tmp_path):
    with init_archive(tmp_path / "archive") as made:
        yield made


@pytest.fixture
def forked(archive):
    """Two lines of history that both touch a session, merged; the session and the archive."""
    session = new_session("s1", "a", "b")
    put(archive, session, new_session("s2", "x"))
    git(archive, "checkout", "-q", "-b", "other")
    git(archive, "config", "chasm.branch", "refs/heads/other")
    with open_archive(archive.path) as other:
        put(other, new_session("s3", "y"), message="on the other line")
        theirs = deepcopy(session)
        theirs.title = "Named there"
        put(other, theirs, message="title")
    git(archive, "config", "chasm.branch", "refs/heads/main")
    git(archive, "checkout", "-q", "main")
    put(archive, say(session, "c"), message="on ours")
    git(archive, "merge", "-q", "other", "-m", "both lines")
    put(archive, say(new_session("s2", "x"), "z"), message="after the merge")
    return session


def without_git(monkeypatch):
    monkeypatch.setattr(gitpython.Git, "GIT_PYTHON_GIT_EXECUTABLE", "git-that-is-not-there")


def test_a_commit_reads_as_git_shows_it(archive):
    git(archive, "commit", "-q", "--allow-empty", "-m", "Größe\n\nmore\nlines", GIT_COMMITTER_DATE="1767225600 +0530")
    found = read_commit(archive, archive.head())
    shown = git(archive, "log", "-1", "--format=%H%n%T%n%P%n%an%n%s%n%b").split("\n")
    assert [found.id, found.tree, *found.parents, found.author, found.subject] == shown[:5]
    assert found.message == "Größe\n\nmore\nlines"
    assert found.at == "2026-01-01T00:00:00Z"


def test_people_and_times_that_are_odd():
    assert person(b"Ana <ana@example.org> 0 +0000") == ("Ana", "1970-01-01T00:00:00Z")
    assert person(b"<ana@example.org> 5") == ("ana@example.org", "1970-01-01T00:00:05Z")
    assert person(b"\xff <> 99999999999999999999 +0000") == ("\ufffd", "1970-01-01T00:00:00Z")
    assert person(b"nothing") == ("nothing", "1970-01-01T00:00:00Z")
    assert iso(-1) == "1969-12-31T23:59:59Z"


def test_the_log_says_what_became_of_each_session(archive):
    one, two = new_session("s1", "a", "b"), new_session("Two", "x", provider="pi")
    put(archive, one, message="first")
    put(archive, say(one, "c", "d"), two, files={"notes.txt": b"hi\n"}, message="second")
    put(archive, files={path(one): None}, message="third")
    entries = list(log(archive, archive.head()))
    assert [entry.commit.subject for entry in entries] == ["third", "second", "first", "archive: created"]
    summaries = Summaries(archive)
    said = [
        [
            (session_id(archive, change), change.provider, change.kind, summaries.added(change))
            for change in entry.sessions
        ]
        for entry in entries
    ]
    assert said == [
        [("s1", "codex", "removed", -4)],
        [("s1", "codex", "updated", 2), ("Two", "pi", "added", 1)],
        [("s1", "codex", "added", 2)],
        [],
    ]


def test_every_commit_is_met_once_and_children_before_parents(archive, forked):
    ids = [commit.id for commit in walk(archive, archive.head())]
    assert sorted(ids) == sorted(git(archive, "rev-list", "HEAD").split())
    assert len(set(ids)) == len(ids)


def test_a_merge_shows_what_its_first_parent_did_not_have(archive, forked):
    merge = next(entry for entry in log(archive, archive.head()) if len(entry.commit.parents) == 2)
    assert [change.kind for change in merge.sessions] == ["updated", "added"]


@pytest.mark.parametrize("name", ["s1", "s2", "s3"])
def test_the_history_of_a_path_is_gits_with_and_without_git(archive, forked, name, monkeypatch):
    where = path(new_session(name))
    expected = git(archive, "rev-list", "--topo-order", "HEAD", "--", where).split()
    assert list(path_history(archive, archive.head(), where)) == expected
    without_git(monkeypatch)
    assert sorted(path_history(archive, archive.head(), where)) == sorted(expected)


def test_the_log_of_one_session(archive, forked):
    entries = list(session_log(archive, archive.head(), path(forked)))
    assert entries[0].commit.subject == "both lines"
    assert {entry.commit.subject for entry in entries} == {"both lines", "on ours", "title", "harvest"}
    assert all(entry.sessions[0].path == path(forked) for entry in entries)


def test_a_shallow_clone_has_the_history_it_has(archive, forked, tmp_path, monkeypatch):
    git(archive, "clone", "-q", "--depth=1", f"file://{archive.path}", str(tmp_path / "clone"))
    with open_archive(tmp_path / "clone") as clone:
        (entry,) = log(clone, clone.head())
        assert {change.kind for change in entry.sessions} == {"added"}
        assert len(list(session_log(clone, clone.head(), path(forked)))) == 1
        assert {touched.commit.id for touched in blame(clone, clone.head(), path(forked))} == {clone.head()}
        without_git(monkeypatch)
        assert len(list(session_log(clone, clone.head(), path(forked)))) == 1


def test_messages_are_counted_as_lists_count_them(archive, example):
    where = path(new_session("bad"))
    put(archive, example, files={where: b"\xff\x00"})
    (entry, _) = log(archive, archive.head())
    assert [(one.title, one.messages, one.added) for one in logged(Summaries(archive), entry)] == [
        ("Fix the login redirect", 3, 3),
        (None, 0, 0),
    ]
    assert len(logged(Summaries(archive), entry, 1)) == 1


def test_blame_names_the_last_commit_that_touched_each_message(archive):
    session = new_session("s1", "a", "b\nwith a second line\n- and a list")
    session.tags = ["x", "y"]
    first = put(archive, session)
    grown = say(session, "c", "d")
    second = put(archive, grown)
    edited = deepcopy(grown)
    edited.messages[1].content = "b\nwith a second line\n- and a longer list"
    edited.title = "A title"
    third = put(archive, edited)
    put(archive, new_session("s2", "other"))
    found = blame(archive, archive.head(), path(session))
    assert [(one.id, one.commit.id) for one in found] == [("m0", first), ("m1", third), ("m2", second), ("m3", second)]
    assert [one.text for one in found] == ["a", "b", "c", "d"]
    assert [one.commit.id for one in blame(archive, second, path(session))] == [first, first, second, second]


def test_blame_goes_through_merges(archive, forked):
    subjects = [one.commit.subject for one in blame(archive, archive.head(), path(forked))]
    assert subjects == ["harvest", "harvest", "on ours"]


def test_blame_is_not_led_astray_by_drivers_and_settings(archive):
    session = new_session("s1", "a")
    put(archive, session)
    second = put(archive, say(session, "b"))
    git(archive, "config", "diff.chasm.textconv", "false")
    (archive.path / ".git" / "ignored").write_text(second + "\n")
    git(archive, "config", "blame.ignoreRevsFile", ".git/ignored")
    assert blame(archive, archive.head(), path(session))[1].commit.id == second


def test_blame_of_what_cannot_be_blamed(archive, monkeypatch):
    session = new_session("s1", "a")
    put(
        archive,
        session,
        files={"sessions/codex/undated/hand.yaml": b'{"chasm": 1, "id": "hand", "provider": "codex"}\n'},
    )
    with pytest.raises(KeyError):
        blame(archive, archive.head(), "sessions/codex/undated/none.yaml")
    with pytest.raises(ChasmError, match="edited by hand"):
        blame(archive, archive.head(), "sessions/codex/undated/hand.yaml")
    without_git(monkeypatch)
    with pytest.raises(GitMissing):
        blame(archive, archive.head(), path(session))


def compared(archive, old, new, worktree=None):
    return [difference(pair) for pair in pairs(archive, old, new, worktree or {})]


def test_a_difference_is_messages_and_fields(archive, example):
    first = put(archive, example, new_session("s1", "a"))
    later = deepcopy(example)
    later.title = "Another title"
    later.git = {"branch": "fix", "commit": "9f1c2d3", "dirty": True}
    later.tags = ["auth", "bug"]
    later.extra = {"mood": "good"}
    later.messages[0].content = "Why twice?"
    del later.messages[-1]
    later.messages.append(Message("new", "user", "2026-01-08T12:01:00.000Z", "Thanks", after=later.messages[-1].id))
    second = put(archive, later)
    (found,) = compared(archive, first, second)
    assert (found.id, found.provider, found.kind, found.unreadable) == (example.id, "claude-code", "updated", None)
    assert found.fields == [
        FieldChange("title", "Fix the login redirect", "Another title"),
        FieldChange("git.branch", "main", "fix"),
        FieldChange("git.dirty", None, True),
        FieldChange("tags", ["auth"], ["auth", "bug"]),
        FieldChange("mood", None, "good"),
    ]
    assert [line.text for line in found.added] == ["Thanks"]
    assert [(line.role, line.text) for line in found.changed] == [("user", "Why twice?")]
    assert [line.text for line in found.removed] == ["It redirects in two places."]


def test_sessions_that_came_and_went(archive):
    first = put(archive, new_session("s1", "a"))
    second = put(archive, new_session("s2", "b", "c"), files={path(new_session("s1")): None, "notes.txt": b"x"})
    found = compared(archive, first, second)
    assert [(one.id, one.kind, len(one.added), len(one.removed)) for one in found] == [
        ("s1", "removed", 0, 1),
        ("s2", "added", 2, 0),
    ]
    assert compared(archive, first, first) == []
    assert [one.kind for one in compared(archive, None, first)] == ["added"]


def test_the_worktree_stands_in_for_the_commit(archive):
    session = new_session("s1", "a")
    put(archive, session, new_session("s2", "b"))
    head = archive.head()
    worktree = {path(session): dumps(say(session, "typed")), path(new_session("s2")): None}
    assert [(one.id, one.kind) for one in compared(archive, head, head, worktree)] == [
        ("s1", "updated"),
        ("s2", "removed"),
    ]
    assert compared(archive, head, head, {path(session): dumps(session)}) == []


def test_a_file_that_cannot_be_read_is_said_to_be_so(archive):
    where = "sessions/codex/undated/s1.yaml"
    first = put(archive, files={where: b"chasm: 1\n<<<<<<< ours\n"})
    second = put(archive, files={where: b"\xff\x1b[31m\n"})
    (found,) = compared(archive, first, second)
    assert found.unreadable
    shown = text_diff(archive, list(pairs(archive, first, second, {})))
    assert "+\ufffd␛[31m" in shown and "-<<<<<<< ours" in shown


def test_hand_edited_and_canonical_files_compare_by_value(archive):
    session = new_session("s1", "a", "b")
    data = dumps(session)
    by_hand = data.replace(b"\nmessages:\n", b"\n# a comment\nmessages:\n\n")
    first = put(archive, session)
    second = put(archive, files={path(session): by_hand})
    (found,) = compared(archive, first, second)
    assert (found.unreadable, found.fields, found.added, found.changed, found.removed) == (None, [], [], [], [])


def test_the_text_of_a_difference_is_a_conversation(archive, example):
    first = put(archive, example)
    second = put(archive, say(example, "And now?\n-- --help\n\x1b]0;title\x07"), new_session("s2", "hello"))
    shown = text_diff(archive, list(pairs(archive, first, second, {})))
    lines = shown.split("\n")
    assert "+And now?" in lines
    assert f"--- a/{path(example)}" in lines and f"+++ b/{path(example)}" in lines
    assert any(line.startswith("@@") and "assistant" in line for line in lines)
    assert "--- /dev/null" in lines and "+hello" in lines
    assert "\x1b" not in shown and "\x07" not in shown
    assert text_diff(archive, []) == ""
    assert_whole(archive)


def test_a_diff_program_of_the_user_is_not_called(archive, example, tmp_path):
    first = put(archive, example)
    second = put(archive, say(example, "And now?"))
    for name in ("diff.external", "diff.chasmtext.command", "diff.chasmtext.textconv"):
        git(archive, "config", name, f"touch {tmp_path / 'called'} #")
    git(archive, "config", "diff.noprefix", "false")
    git(archive, "config", "color.ui", "always")
    shown = text_diff(archive, list(pairs(archive, first, second, {})))
    assert "\n+And now?\n" in shown
    assert not (tmp_path / "called").exists()


def test_changes_leave_out_what_is_no_session(archive):
    first = put(archive, new_session("s1", "a"))
    second = put(archive, files={"notes.txt": b"x", "sessions/README": b"y", "attachments/aa/x": b"z"})
    assert changes(archive, archive.tree_id(first), archive.tree_id(second)) == []

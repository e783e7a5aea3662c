"""Sessions by the beginning of their id, revisions as git spells them, and what is neither."""

import pytest

from chasm_git.archive.naming import (
    AmbiguousSession,
    NoSuchRevision,
    NoSuchSession,
    find_session,
    resolve,
    session_at,
)
from chasm_git.archive.repo import init_archive, open_archive
from tests.archive.making import git, new_session, path, put, say

HOSTILE = [
    "", "-", "--help", "--all", "-n1", "--git-dir=/", "../x", "a..b", "HEAD..HEAD", "^HEAD", "HEAD^@", ":/harvest\0",
    "HEAD\n", "\x1b[31m", "x" * 200_000, "HEAD:chasm.yaml", "HEAD^{tree}", "@{garbage}", "@{9999}", "refs/heads/../x",
    "\udcff", "$(touch x)", "HEAD --", "@{-1}", "HEAD@{u}",
]  # fmt: skip


@pytest.fixture
def archive(tmp_path):
    with init_archive(tmp_path / "archive") as made:
        yield made


def test_an_id_or_its_beginning_names_a_session(archive):
    one, two = new_session("5f0c1f5e-2a51", "hi"), new_session("5f0d0000-0000", "ho", provider="claude-code")
    head = put(archive, one, two)
    assert find_session(archive, "5f0c1f5e-2a51", head).path == path(one)
    assert find_session(archive, "5f0c", head).id == one.id
    assert find_session(archive, "5f0d", head).provider == "claude-code"


def test_an_ambiguous_beginning_lists_the_candidates(archive):
    sessions = [new_session(f"5f0c-{number:02}") for number in range(12)]
    head = put(archive, *sessions)
    with pytest.raises(AmbiguousSession, match=r"5f0c-00 \(codex\), .*and 4 more") as caught:
        find_session(archive, "5f0c", head)
    assert len(caught.value.candidates) == 12
    assert caught.value.exit_code == 1


def test_a_whole_id_wins_over_a_beginning(archive):
    head = put(archive, new_session("abc"), new_session("abcd"))
    assert find_session(archive, "abc", head).id == "abc"


def test_one_id_of_two_providers_is_told_apart_by_the_provider(archive):
    head = put(archive, new_session("s1"), new_session("s1", provider="pi"))
    with pytest.raises(AmbiguousSession):
        find_session(archive, "s1", head)
    assert find_session(archive, "pi/s1", head).provider == "pi"


@pytest.mark.parametrize(
    ("identity", "beginning"),
    [
        ("ses_4fAbCdEf", "ses_4fAb"),
        ("C:\\Users\\Ana", "C:\\U"),
        ("../../etc/passwd", "../.."),
        ("--help", "--he"),
        ("con", "con"),
        ("\x1b[31mred", "\x1b["),
        ("日本語", "日"),
        ("x" * 150, "x" * 120),
        ("a\nb", "a\n"),
    ],
)
def test_ids_that_are_no_file_names_are_found_too(archive, identity, beginning):
    session = new_session(identity, "hi")
    head = put(archive, session, new_session("ses_4f0000000"), new_session("other"))
    assert find_session(archive, identity, head).path == path(session)
    assert find_session(archive, beginning, head).id == identity


def test_letters_of_another_case_are_another_id(archive):
    head = put(archive, new_session("ses_4fAbCdEf"))
    with pytest.raises(NoSuchSession):
        find_session(archive, "ses_4fabcd", head)


def test_a_file_that_cannot_be_read_does_not_stop_the_search(archive):
    head = put(archive, new_session("Other-Id"), files={"sessions/codex/undated/other~0123456789abcdef.yaml": b"\xff"})
    assert find_session(archive, "Oth", head).id == "Other-Id"


@pytest.mark.parametrize("name", ["", "nothing", "../x", "--help", "\0", "a" * 100_000, "\x1b[31m", "\udc80", "~"])
def test_what_names_no_session(archive, name):
    put(archive, new_session("s1"))
    with pytest.raises(NoSuchSession) as caught:
        find_session(archive, name, archive.head())
    assert len(str(caught.value)) < 200


def test_revisions_as_git_spells_them(archive):
    commits = [archive.head(), *(put(archive, new_session("s1", *"abc"[:n])) for n in (1, 2, 3))]
    git(archive, "tag", "light", commits[1])
    git(archive, "tag", "-m", "words", "heavy", commits[2])
    for text, number in {
        "HEAD": 3, "@": 3, "main": 3, "HEAD~2": 1, "HEAD^": 2, "@~3": 0, "@{0}": 3, "@{1}": 2, "HEAD@{2}": 1,
        "main@{3}": 0, "light": 1, "heavy": 2, "heavy~1": 1, "refs/tags/heavy": 2, commits[1]: 1, commits[1][:10]: 1,
        "HEAD^{/harvest}": 3, "@{now}": 3,
    }.items():  # fmt: skip
        assert resolve(archive, text) == commits[number], text


@pytest.mark.parametrize("revision", HOSTILE)
def test_what_names_no_revision(archive, revision):
    put(archive, new_session("s1"))
    with pytest.raises(NoSuchRevision) as caught:
        resolve(archive, revision)
    assert len(str(caught.value)) < 200
    assert "\x1b" not in str(caught.value)


def test_head_is_the_archives_not_the_projects(tmp_path):
    project = tmp_path / "project"
    with init_archive(project) as plain:
        git(plain, "checkout", "-q", "--orphan", "code")
        git(plain, "rm", "-q", "-rf", ".")
        git(plain, "config", "--unset", "chasm.branch")
    (project / "app.py").write_text("pass\n")
    with init_archive(project, project=project) as archive:
        git(archive, "add", "app.py")
        git(archive, "commit", "-q", "-m", "code")
        first = archive.head()
        second = put(archive, new_session("s1"))
        assert resolve(archive, "HEAD") == resolve(archive, "@") == resolve(archive, "@{0}") == second
        assert resolve(archive, "HEAD~1") == resolve(archive, "@^") == resolve(archive, "@{1}") == first


def test_a_date_before_the_reflog_is_looked_up_in_the_commits(archive, tmp_path):
    old = put(archive, new_session("s1", "a"))
    dated = {"GIT_COMMITTER_DATE": "2026-01-02T00:00:00Z", "GIT_AUTHOR_DATE": "2026-01-02T00:00:00Z"}
    git(archive, "commit", "-q", "--amend", "--no-edit", "--allow-empty", **dated)
    old = archive.head()
    later = {"GIT_COMMITTER_DATE": "2026-03-02T00:00:00Z", "GIT_AUTHOR_DATE": "2026-03-02T00:00:00Z"}
    git(archive, "commit", "-q", "--allow-empty", "-m", "later", **later)
    git(archive, "clone", "-q", ".", str(tmp_path / "clone"))
    with open_archive(tmp_path / "clone") as clone:
        assert resolve(clone, "@{2026-02-01}") == old
        assert resolve(clone, "main@{2026-02-01}~1") == git(clone, "rev-parse", f"{old}~1")
        with pytest.raises(NoSuchRevision, match="nothing from before"):
            resolve(clone, "@{2001-01-01}")


def test_a_session_at_a_revision(archive):
    short = new_session("s1", "a")
    first = put(archive, short)
    second = put(archive, say(short, "b"), new_session("s2"))
    assert session_at(archive, "s1")[1] == second
    for text in ("s1@HEAD~1", "s1@{1}", "s1@@{1}", f"s1@{first}", "s1@main@{1}", "s@HEAD~1"):
        found, commit = session_at(archive, text)
        assert (found.id, commit) == ("s1", first), text
        assert archive.read(found.blob) == archive.read_path(first, path(short))
    with pytest.raises(NoSuchSession, match="at 'HEAD~1'"):
        session_at(archive, "s2@HEAD~1")
    with pytest.raises(NoSuchRevision):
        session_at(archive, "s1@nothing")
    for text in ("s1@", "@HEAD", "@", "s1@--help", "@@@@"):
        with pytest.raises((NoSuchRevision, NoSuchSession)):
            session_at(archive, text)


def test_a_session_that_is_gone_is_found_where_it_was(archive):
    session = new_session("s1", "a")
    first = put(archive, session)
    put(archive, files={path(session): None})
    assert session_at(archive, "s1@HEAD~1") == (find_session(archive, "s1", first), first)


def test_ids_may_hold_an_at_sign(archive):
    mail = new_session("thread@example.org", "a")
    first = put(archive, mail)
    put(archive, say(mail, "b"))
    assert session_at(archive, "thread@example.org")[1] == archive.head()
    assert session_at(archive, "thread@ex")[0].id == mail.id
    assert session_at(archive, "thread@example.org@HEAD~1")[1] == first


def test_an_archive_without_commits(tmp_path):
    with init_archive(tmp_path / "a") as archive:
        git(archive, "update-ref", "-d", "refs/heads/main")
        with pytest.raises(NoSuchRevision, match="no commit"):
            resolve(archive, "HEAD")
        with pytest.raises(NoSuchSession):
            session_at(archive, "s1")

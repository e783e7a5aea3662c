"""Everything that can be wrong with an archive is found, by file and reason; and nothing else is reported."""

import hashlib
import shutil
import subprocess

import git as gitpython
import pytest

from chasm_git.archive import snapshot
from chasm_git.archive import verify as module
from chasm_git.archive.repo import init_archive, open_archive
from chasm_git.archive.verify import verify, verify_staged
from chasm_git.session.attachments import path_of, store_text
from chasm_git.session.codec import dumps
from tests.archive.making import git, new_session, path, put, say


@pytest.fixture
def archive(tmp_path):
    with init_archive(tmp_path / "archive") as made:
        yield made


@pytest.fixture
def session():
    return new_session("s1", "a", "b")


def with_attachment(session):
    files: dict[str, bytes] = {}
    session.messages[0].content = [{"type": "text", "text": store_text("long\n" * 20_000, files)}]
    return files


def found(report):
    return [(problem.path, problem.reason) for problem in report.problems]


def commit_by_git(archive, *arguments):
    """What only git itself lets one commit: odd modes and paths."""
    git(archive, "update-index", *arguments)
    git(archive, "commit", "-q", "-m", "by hand")


def blob(archive, data):
    done = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=archive.path, input=data, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def test_a_sound_archive(archive, session, example):
    files = with_attachment(session)
    put(archive, session, example, new_session("Odd/Id"), attachments=files, files={"notes/README.md": b"mine\n"})
    put(archive, say(session, "c"))
    report = verify(archive, full=True)
    assert (found(report), report.notes, report.unchecked) == ([], [], [])
    assert (report.sessions, report.attachments, report.versions) == (3, 1, 1)


def test_an_empty_archive(archive):
    assert found(verify(archive, full=True)) == []
    git(archive, "update-ref", "-d", "refs/heads/main")
    assert found(verify(archive, full=True)) == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "cannot be read: "),
        (b"\xff\xfe", "cannot be read: "),
        (b"chasm: 1\n<<<<<<< ours\n", "cannot be read: line 2: git merged"),
        (b"chasm: 99\nid: s1\nprovider: codex\nmessages: []\n", "cannot be read: line 1: written in format 99"),
        (b'{"chasm":1,"id":"s1","provider":"codex","messages":[]}', "is not in canonical form"),
        (dumps(new_session("s1", provider="pi")), "says it is of provider 'pi'"),
        (dumps(new_session("s2")), "holds the session 's2', which has another file name"),
        (dumps(new_session("s1", native={"$attachment": "0" * 64 + ".txt", "bytes": 5})), "names the attachment 0000"),
        (dumps(new_session("s1", native={"$attachment": "../../x", "bytes": 5})), "names '../../x', which is no name"),
    ],
)
def test_session_files_that_are_wrong(archive, session, data, reason):
    put(archive, files={path(session): data})
    ((where, said),) = found(verify(archive))
    assert where == path(session)
    assert said.startswith(reason)


def test_attachments_that_are_wrong(archive, session):
    files = with_attachment(session)
    (name,) = files
    odd = "0" * 64 + ".txt"
    put(archive, session, attachments={name: b"changed", odd: b"other"}, files={"attachments/zz/x.txt": b""})
    assert found(verify(archive)) == sorted(
        [
            (path_of(name), f"does not hold what its name says (its hash is {hash_of(b'changed')})"),
            (path_of(odd), f"does not hold what its name says (its hash is {hash_of(b'other')})"),
            ("attachments/zz/x.txt", "is not at a place where sessions or attachments are kept"),
        ]
    )


def hash_of(data):
    return hashlib.sha256(data).hexdigest()


def test_an_attachment_nobody_names_is_worth_a_note(archive, session):
    files = with_attachment(session)
    put(archive, attachments=files)
    report = verify(archive)
    assert found(report) == []
    assert [note.reason for note in report.notes] == ["is named by no session"]


@pytest.mark.parametrize(
    ("mode", "reason"),
    [("100755", "is executable"), ("120000", "is a symbolic link"), ("160000", "is another repository")],
)
def test_modes_that_have_no_place_here(archive, session, mode, reason):
    put(archive, session)
    target = archive.head() if mode == "160000" else blob(archive, dumps(new_session("s2")))
    where = path(new_session("s2"))
    commit_by_git(archive, "--add", "--cacheinfo", f"{mode},{target},{where}")
    assert (where, reason) in found(verify(archive))


def test_paths_that_have_no_place_here(archive, session):
    put(archive, session, files={"sessions/README": b"x", "sessions/codex/2026/13x/s.yaml": b"x"})
    report = verify(archive)
    assert [where for where, _ in found(report)] == ["sessions/README", "sessions/codex/2026/13x/s.yaml"]


def test_paths_that_fall_together_on_some_file_systems(archive, session):
    put(archive, session, files={"Notes.md": b"", "notes.md": b"", "cafe\u0301": b"", "caf\u00e9": b""})
    assert len(found(verify(archive))) == 2


def test_damage_to_objects_is_found_and_the_rest_is_checked(archive, session):
    other = new_session("s2", "x")
    put(archive, session, other)
    damaged, gone = (git(archive, "rev-parse", f"HEAD:{path(one)}") for one in (session, other))
    loose = archive.git_dir / "objects" / damaged[:2] / damaged[2:]
    loose.chmod(0o644)
    loose.write_bytes(loose.read_bytes()[:-9])
    (archive.git_dir / "objects" / gone[:2] / gone[2:]).unlink()
    put(archive, new_session("s3"))
    report = verify(archive)
    by_path = dict(found(report))
    assert "damaged" in by_path[path(session)]
    assert by_path[path(other)] == f"object {gone} is missing"
    assert any(gone in problem.reason for problem in report.problems if problem.path == "git")
    assert report.sessions == 3


def test_a_folder_that_is_missing(archive, session):
    put(archive, session)
    tree = git(archive, "rev-parse", "HEAD:sessions/codex")
    (archive.git_dir / "objects" / tree[:2] / tree[2:]).unlink()
    with open_archive(archive.path) as opened:
        report = verify(opened)
    assert ("sessions/codex/", f"object {tree} is missing") in found(report)
    assert any(reason.startswith("broken link from ") and tree in reason for _, reason in found(report))


@pytest.mark.parametrize("what", ["commit", "ref", "parent"])
def test_a_broken_history_is_a_report_and_no_crash(archive, session, what):
    put(archive, session)
    head = put(archive, new_session("s2"))
    if what == "ref":
        (archive.git_dir / "refs" / "heads" / "main").write_text("nonsense\n")
    else:
        gone = head if what == "commit" else archive.parents(head)[0]
        (archive.git_dir / "objects" / gone[:2] / gone[2:]).unlink()
    with open_archive(archive.path) as opened:
        report = verify(opened, full=True)
    assert report.problems
    assert report.sessions == (2 if what == "parent" else 0)


def test_earlier_versions_only_when_asked(archive, session):
    put(archive, files={path(session): b"\xff"})
    put(archive, session)
    assert found(verify(archive)) == []
    report = verify(archive, full=True)
    assert [problem.path.partition(" ")[0] for problem in report.problems] == [path(session)]
    assert report.versions == 1


def test_states_only_a_snapshot_or_a_provider_holds(archive, session):
    first = archive.head()
    bad = put(archive, files={path(session): b"\xff"})
    snapshot.take(archive, "bad")
    git(archive, "reset", "-q", "--hard", first)
    assert len(found(verify(archive, full=True))) == 1
    git(archive, "update-ref", "-d", "refs/tags/bad")
    git(archive, "update-ref", "refs/chasm/providers/laptop/codex", bad)
    assert len(found(verify(archive, full=True))) == 1


def test_many_files_on_all_cores_give_the_same_report(archive, session, monkeypatch):
    sessions = [new_session(f"s{number}", "a") for number in range(30)]
    put(archive, *sessions, files={path(sessions[7]): b"\xff", path(sessions[20]): b"chasm: 1\n"})
    alone = verify(archive)
    monkeypatch.setattr(module, "_WORTH_IT", 1)
    done = []
    together = verify(archive, progress=lambda *counts: done.append(counts))
    assert together == alone
    assert len(alone.problems) == 2
    assert done[-1] == (30, 30)


def test_a_machine_without_git_checks_what_it_can(archive, session, monkeypatch):
    put(archive, files={path(session): b"\xff"})
    monkeypatch.setattr(gitpython.Git, "GIT_PYTHON_GIT_EXECUTABLE", "git-that-is-not-there")
    report = verify(archive, full=True)
    assert len(report.problems) == 1
    assert [line.partition(":")[0] for line in report.unchecked] == ["earlier versions", "git fsck"]


def stage(archive, where, data):
    file = archive.worktree / where
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    git(archive, "add", where)


def test_only_what_is_staged_is_checked(archive, session):
    put(archive, files={path(new_session("broken")): b"\xff"})
    assert found(verify_staged(archive)) == []
    stage(archive, path(session), dumps(session))
    (archive.worktree / path(session)).write_bytes(b"not staged")
    report = verify_staged(archive)
    assert (found(report), report.sessions) == ([], 1)
    stage(archive, path(session), b"chasm: 1\n<<<<<<< ours\n")
    ((where, reason),) = found(verify_staged(archive))
    assert (where, reason[:22]) == (path(session), "cannot be read: line 2")


def test_a_hand_edited_file_may_be_committed(archive, session):
    stage(archive, path(session), dumps(session).replace(b"\nmessages:\n", b"\n# a comment\nmessages:\n"))
    report = verify_staged(archive)
    assert found(report) == []
    assert [note.path for note in report.notes] == [path(session)]


def test_staged_files_of_wrong_kinds(archive, session):
    stage(archive, "sessions/codex/notes.txt", b"x")
    link = archive.worktree / path(session)
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to("/etc/passwd")
    git(archive, "add", path(session))
    assert found(verify_staged(archive)) == [
        ("sessions/codex/2026/02/s1.yaml", "is a symbolic link"),
        ("sessions/codex/notes.txt", "is not at a place where sessions or attachments are kept"),
    ]


def test_staged_sessions_and_their_attachments(archive, session):
    files = with_attachment(session)
    (name,) = files
    stage(archive, path(session), dumps(session))
    assert [reason for _, reason in found(verify_staged(archive))] == [f"names the attachment {name}, which is missing"]
    stage(archive, path_of(name), files[name])
    assert found(verify_staged(archive)) == []


def test_the_index_git_hands_to_its_hook_is_the_one_checked(archive, session, tmp_path):
    stage(archive, path(session), b"\xff")
    shutil.copy(archive.git_dir / "index", tmp_path / "index")
    git(archive, "reset", "-q")
    assert found(verify_staged(archive)) == []
    assert len(found(verify_staged(archive, tmp_path / "index"))) == 1


def test_the_first_commit_can_be_checked_too(archive, session):
    git(archive, "update-ref", "-d", "refs/heads/main")
    stage(archive, path(session), b"\xff")
    assert len(found(verify_staged(archive))) == 1

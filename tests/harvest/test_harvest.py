"""Harvests into real archives: what is new is one commit, what vanished stays, a person's edits are theirs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from chasm_git.archive.repo import init_archive, open_archive
from chasm_git.harvest.read import Options
from chasm_git.harvest.run import harvest
from chasm_git.providers import registry
from chasm_git.providers.base import Env, Reading, Source
from chasm_git.providers.claude_code import ClaudeCode
from chasm_git.session import codec
from chasm_git.session.model import Message, Session
from tests.harvest.making import ANA, SESSION, row, talk, write


def run(archive, home, **more):
    with open_archive(archive) as opened:
        return harvest(opened, Env(home), "laptop", **more)


def git(archive, *arguments):
    who = ["-c", "user.name=Ana", "-c", "user.email=ana@example.org"]
    done = subprocess.run(["git", "-C", str(archive), *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def texts(archive, session=SESSION):
    with open_archive(archive) as opened:
        files = opened.files(opened.head())
        (path,) = [path for path in files if session in path]
        return [m.content for m in codec.loads(opened.read(files[path])).messages if m.role != "event"]


def check(archive):
    git(archive, "fsck", "--strict")
    assert git(archive, "status", "--porcelain") == ""


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "archive"
    init_archive(path)
    return path


def test_first_harvest_nothing_new_growth(archive, home):
    write(home, talk(4))
    first = run(archive, home)
    assert first.commit is not None
    assert [(r.messages, r.before) for r in first.results] == [(4, None)]
    check(archive)
    again = run(archive, home)
    assert (again.commit, again.read, again.unchanged) == (None, 0, 1)
    write(home, talk(6))
    grown = run(archive, home)
    assert [(r.messages, r.added) for r in grown.results] == [(6, 2)]
    assert texts(archive) == [f"message {n}" for n in range(6)]
    check(archive)
    log = git(archive, "log", "--format=%s")
    assert log.splitlines()[:2] == ["harvest: 1 updated (claude-code 1)", "harvest: 1 new (claude-code 1)"]
    (shown,) = (archive / "sessions").rglob("*.yaml")
    assert shown.relative_to(archive).as_posix() == f"sessions/claude-code/2026/01/{SESSION}.yaml"


def test_nothing_new_opens_no_source(archive, home, monkeypatch):
    source = write(home, talk(4))
    run(archive, home)
    opened = []
    real = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: opened.append(path) or real(path))
    assert run(archive, home).commit is None
    assert source not in opened


def test_a_source_that_lost_its_head_and_one_that_is_gone(archive, home):
    path = write(home, talk(6))
    run(archive, home)
    write(home, talk(3, start=4))
    report = run(archive, home)
    assert report.results[0].shrunk == 4
    assert texts(archive) == [f"message {n}" for n in range(7)]
    path.unlink()
    report = run(archive, home)
    assert (report.vanished, report.commit) == (1, None)
    assert texts(archive) == [f"message {n}" for n in range(7)]
    check(archive)


def test_a_stub_does_not_replace_a_message(archive, home):
    write(home, [row(0, "user", "a long and precious question")])
    run(archive, home)
    write(home, [row(0, "user", "a long")])
    report = run(archive, home)
    assert texts(archive) == ["a long and precious question"]
    assert report.results == []  # nothing changes in the archive


def test_successive_states_lose_nothing(archive, home):
    shared = Path(__file__).parents[2].parent / "shared" / "fixtures" / "successive"
    if not shared.is_dir():
        pytest.skip("no shared fixtures here")
    for folder in sorted(path for path in shared.iterdir() if path.is_dir()):
        session = folder.name[-36:]
        target = home / ".claude" / "projects" / "-p" / f"{session}.jsonl"
        target.parent.mkdir(parents=True, exist_ok=True)
        seen = set()
        for state in sorted(folder.iterdir()):
            shutil.copy(state, target)
            run(archive, home, names=["claude-code"])
            seen |= {line for line in state.read_bytes().split(b"\n") if line}
            with open_archive(archive) as opened:
                files = opened.files(opened.head())
                (path,) = [path for path in files if session in path]
                held = codec.loads(opened.read(files[path]))

                def load(name, opened=opened):
                    return opened.read_path(opened.head(), f"attachments/{name[:2]}/{name}")

                exported = registry.load("claude-code").export(held, load)
                assert seen <= set(next(iter(exported.values())).split(b"\n"))
        check(archive)


def test_two_machines_give_the_same_blobs(tmp_path, home):
    write(home, talk(5))
    other = tmp_path / "elsewhere" / "home"
    shutil.copytree(home, other)
    blobs = []
    for number, place in enumerate((home, other)):
        target = tmp_path / f"archive{number}"
        init_archive(target)
        run(target, place)
        with open_archive(target) as opened:
            blobs.append(opened.files(opened.head()))
    assert blobs[0] == blobs[1] != {}


def test_a_persons_uncommitted_edit_stays_theirs(archive, home):
    write(home, talk(2))
    run(archive, home)
    (shown,) = (archive / "sessions").rglob("*.yaml")
    shown.write_text(shown.read_text().replace("provider: claude-code\n", "provider: claude-code\ntitle: Mine\n"))
    write(home, talk(4))
    run(archive, home)
    assert "title: Mine" in shown.read_text()
    assert "message 3" in shown.read_text()
    assert git(archive, "diff", "--stat").count("insertion") == 1
    assert "+title: Mine" in git(archive, "diff")
    assert "title: Mine" not in git(archive, "show", f"HEAD:{shown.relative_to(archive).as_posix()}")


def test_an_edit_that_does_not_parse_is_left_alone_and_said(archive, home):
    write(home, talk(2))
    run(archive, home)
    (shown,) = (archive / "sessions").rglob("*.yaml")
    shown.write_text("<<<<<<< not a session\n")
    write(home, talk(4))
    report = run(archive, home)
    assert [kept.path for kept in report.kept] == [shown.relative_to(archive).as_posix()]
    assert shown.read_text() == "<<<<<<< not a session\n"
    assert texts(archive) == [f"message {n}" for n in range(4)]


def test_an_edit_a_person_committed_survives(archive, home):
    write(home, talk(2))
    run(archive, home)
    (shown,) = (archive / "sessions").rglob("*.yaml")
    shown.write_text(shown.read_text().replace("message 1", "message one, edited"))
    git(archive, "commit", "-qam", "edit")
    write(home, talk(3))
    run(archive, home)
    assert texts(archive) == ["message 0", "message one, edited", "message 2"]
    check(archive)


def test_what_a_reset_took_away_comes_back(archive, home):
    write(home, talk(2))
    run(archive, home)
    write(home, talk(4))
    run(archive, home)
    git(archive, "reset", "-q", "--hard", "HEAD~1")
    assert len(texts(archive)) == 2
    report = run(archive, home)
    assert report.read == 0
    assert len(texts(archive)) == 4
    git(archive, "rm", "-rq", "sessions")
    git(archive, "commit", "-qm", "gone")
    run(archive, home)
    assert len(texts(archive)) == 4
    check(archive)


def test_a_fork_says_where_it_came_from_and_a_summary_titles_another_session(archive, home):
    fork = "aaaaaaaa-2a51-4f0e-9c53-0f6f3a1d7b11"
    write(home, talk(4))
    write(home, [*talk(4, session=fork), *talk(2, start=20, word="fork", session=fork)], session=fork)
    leaf = talk(4)[-1]["uuid"]
    write(
        home,
        [{"type": "summary", "summary": "Login fixed", "leafUuid": leaf}],
        session="bbbbbbbb-2a51-4f0e-9c53-0f6f3a1d7b11",
    )
    report = run(archive, home)
    assert len(report.results) == 2
    with open_archive(archive) as opened:
        found = {}
        for blob in opened.files(opened.head()).values():
            session = codec.loads(opened.read(blob))
            found[session.id] = session
    assert found[fork].forked_from == SESSION
    assert found[SESSION].forked_from is None
    assert found[SESSION].title == "Login fixed"
    assert run(archive, home).commit is None
    check(archive)


def test_damaged_sources_are_named_and_the_rest_is_harvested(archive, home):
    good = talk(2)
    write(home, [good[0], b'{"torn": ', b"\xff\xfe", b"", b'{"a": "\\ud83d"}', b"\x00", good[1]])
    empty = home / ".claude" / "projects" / ANA / "eeeeeeee-2a51-4f0e-9c53-0f6f3a1d7b11.jsonl"
    empty.write_bytes(b"")
    report = run(archive, home)
    assert texts(archive) == ["message 0", "message 1"]
    assert {problem.line for problem in report.problems} >= {2, 3}
    assert not any(problem.fatal for problem in report.problems)
    source = home / ".claude" / "projects" / ANA / f"{SESSION}.jsonl"
    with open_archive(archive) as opened:
        held = codec.loads(next(opened.read(blob) for blob in opened.files(opened.head()).values()))
        assert next(iter(registry.load("claude-code").export(held, {}.__getitem__).values())) == source.read_bytes()
    check(archive)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_a_problem_and_tried_again(archive, home):
    path = write(home, talk(2))
    path.chmod(0)
    report = run(archive, home)
    assert [problem.fatal for problem in report.problems] == [True]
    path.chmod(0o600)
    assert run(archive, home).commit is not None


class Hostile(ClaudeCode):
    """A reader that gives whatever a file says."""

    def __init__(self, *sessions, attachments=()):
        self.reading = Reading(list(sessions), dict(attachments))

    def discover(self, env):
        yield Source("claude-code", "k", Path("/nowhere/x"), "1:1:1")

    def read(self, source):
        return self.reading


@pytest.fixture
def hostile(archive, home, monkeypatch):
    """Harvests what a hostile reader gives; nothing comes to stand outside of where it belongs."""
    load = registry.load

    def harvested(*sessions, **more):
        made = Hostile(*sessions, **more)
        monkeypatch.setattr(registry, "load", lambda name: made if name == "claude-code" else load(name))
        report = run(archive, home, names=["claude-code"])
        for path in archive.parent.rglob("*"):
            if path.is_file() and archive / ".git" not in path.parents:
                folder = path.relative_to(archive).parts[0]
                assert folder in ("sessions", "attachments", "chasm.yaml", ".gitattributes"), path
        check(archive)
        return report

    return harvested


@pytest.mark.parametrize("identity", ["../../evil", "a/b", "A" * 300, "nul", "Case", "case", "x\0y", ".git", "-rf"])
def test_hostile_ids_stay_below_sessions(hostile, identity):
    # ids come from file names for this client and from file contents for others: the reader is bypassed
    report = hostile(Session(identity, "claude-code", messages=[Message("m", "user", content="hi")]))
    assert report.commit is not None


@pytest.mark.parametrize("time", ["../../x", "9999-99-99T", "\u0662\u0660\u0662\u0666-\u0660\u0661-01", "", "\0"])
def test_hostile_times_stay_below_sessions(hostile, archive, time):
    message = Message("m", "user", content="hi")
    assert hostile(Session("a", "claude-code", created_at=time, messages=[message])).commit is not None
    with open_archive(archive) as opened:
        (path,) = opened.files(opened.head())
    assert path.isascii()


@pytest.mark.parametrize("name", ["../../../evil", "ab", "a" * 64 + "/x", "A" * 64 + ".txt", "", "\0" * 64])
def test_hostile_names_of_attachments_are_left_out_and_said(hostile, archive, name):
    content = [{"type": "image", "data": {"$attachment": name, "bytes": 1}}]
    report = hostile(
        Session("a", "claude-code", messages=[Message("m", "user", content=content)]), attachments={name: b"x"}
    )
    assert report.commit is not None
    assert ["is no name for an attachment" in problem.reason for problem in report.problems] == [True]
    assert not (archive / "attachments").exists()


def test_a_dry_run_writes_nothing(archive, home):
    write(home, talk(2))
    before = git(archive, "rev-parse", "HEAD")
    report = run(archive, home, options=Options(dry=True))
    assert [r.added for r in report.results] == [2]
    assert git(archive, "rev-parse", "HEAD") == before
    assert git(archive, "count-objects") == git(archive, "count-objects")
    assert run(archive, home).commit is not None


def test_filters_leave_the_rest_for_later(archive, home):
    write(home, talk(2))
    other = "cccccccc-2a51-4f0e-9c53-0f6f3a1d7b11"
    write(home, [row(0, "user", "elsewhere", other, cwd="/home/ana/blog")], session=other, project="-home-ana-blog")
    report = run(archive, home, options=Options(workspace="/home/ana/blog"))
    assert [r.id for r in report.results] == [other]
    report = run(archive, home, options=Options(sessions=frozenset({SESSION})))
    assert [r.id for r in report.results] == [SESSION]
    assert run(archive, home).commit is None


def test_a_bare_archive(tmp_path, home):
    write(home, talk(2))
    target = tmp_path / "bare.git"
    init_archive(target, bare=True)
    assert run(target, home).commit is not None
    git(target, "fsck", "--strict")
    assert len(texts(target)) == 2


def test_a_large_import_over_processes_is_one_pack(archive, home):
    for number in range(6):
        session = f"{number:08}-2a51-4f0e-9c53-0f6f3a1d7b11"
        write(home, talk(60, word="long " * 400, session=session), session=session)
    report = run(archive, home, processes=2)
    assert len(report.results) == 6
    check(archive)
    assert run(archive, home).commit is None


def test_the_same_session_in_two_sources_is_one(archive, home):
    write(home, talk(3))
    write(home, talk(4, start=1), project="-home-ana-moved")
    report = run(archive, home)
    assert [(r.messages, r.added) for r in report.results] == [(5, 5)]
    assert texts(archive) == [f"message {n}" for n in range(5)]
    assert run(archive, home).commit is None
    check(archive)


def test_sources_on_several_drives_have_no_place_in_common():
    from chasm_git.harvest.plan import ProviderPlan
    from chasm_git.harvest.report import scanned
    from chasm_git.harvest.state import State

    def place(*paths):
        sources = [Source("codex", path, Path(path), "1:1:1") for path in paths]
        return scanned(ProviderPlan(registry.load("codex"), "", None, State(), new=sources)).place

    assert place() == ""
    assert place("/home/a/x", "/home/b/x") == "/home"
    assert place("here/x", "/home/b/x") == ""  # what two drives are on Windows


@pytest.mark.parametrize("gone", [False, True])
def test_a_commit_that_comes_in_between_is_joined_with(archive, home, gone):
    """Somebody commits after the sessions were read: what they made of the same session stays, and of others, too."""
    other = "dddddddd-2a51-4f0e-9c53-0f6f3a1d7b11"
    write(home, talk(2))
    write(home, talk(2, session=other), session=other)
    run(archive, home)
    shown = {path.stem: path for path in (archive / "sessions").rglob("*.yaml")}
    write(home, talk(4))
    committed = []

    def commit(done, total):
        if committed:
            return
        committed.append(done)
        if gone:
            git(archive, "rm", "-q", str(shown[SESSION].relative_to(archive)))
        else:
            text = shown[SESSION].read_text()
            shown[SESSION].write_text(text.replace("provider: claude-code\n", "provider: claude-code\ntags:\n- mine\n"))
        (archive / "note.txt").write_text("mine")
        git(archive, "rm", "-q", str(shown[other].relative_to(archive)))
        git(archive, "add", "-A")
        git(archive, "commit", "-qm", "mine")

    report = run(archive, home, progress=commit, processes=1)
    assert committed and report.commit is not None
    assert texts(archive) == [f"message {n}" for n in range(4)]
    tree = git(archive, "ls-tree", "-r", "--name-only", "HEAD")
    assert "note.txt" in tree and other not in tree
    assert ("mine" in shown[SESSION].read_text()) != gone
    run(archive, home)
    assert len(texts(archive, other)) == 2
    check(archive)

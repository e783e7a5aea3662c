"""`chasm forget`: gone, and it stays gone; with --from-history no object of it is left."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from chasm_git.session import codec
from chasm_git.session.forgotten import is_forgotten, merge_forgotten
from chasm_git.session.merge import absorb, merge
from chasm_git.session.model import Message, Session
from tests.cli.calling import Program
from tests.conftest import Keep, git
from tests.harvest import making

ID = making.SESSION
OTHER = "0aaaaaaa-2a51-4f0e-9c53-0f6f3a1d7b11"
PATH = f"sessions/claude-code/2026/01/{ID}.yaml"
SECRET = b"xyzzy-never-again"
PICTURE = bytes(range(256)) * 3


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with two sessions, one of which says what it should not, in a picture, too."""
    home = tmp_path / "home"
    rows = [*making.talk(3, word=SECRET.decode()), making.picture(3)]
    rows.append({"type": "summary", "summary": f"About {SECRET.decode()}", "leafUuid": rows[2]["uuid"]})
    making.write(home, rows)
    making.write(home, making.talk(4, word="harmless", session=OTHER), session=OTHER)
    return home


@pytest.fixture
def chasm(fresh: Program, home: Path) -> Program:
    """`chasm` on an archive with a history of that: harvests, a snapshot, a title, a loose end."""
    fresh("--home", str(home), "harvest", "run")
    fresh("title", ID, f"Title with {SECRET.decode()}")
    fresh("git", "snapshot", "before")
    making.write(home, [*making.talk(5, word=SECRET.decode()), making.picture(5)])
    fresh("--home", str(home), "harvest", "run")
    fresh("tag", OTHER, "+fine")
    return fresh


def everything(repository: Path) -> bytes:
    """Every object of a repository, reachable or not, and all that git and we keep beside them."""
    done = subprocess.run(
        ["git", "cat-file", "--batch-all-objects", "--batch", "--buffer"],
        cwd=repository,
        capture_output=True,
        check=True,
    )
    top = repository / ".git" if (repository / ".git").is_dir() else repository
    beside = [path.read_bytes() for path in top.rglob("*") if path.is_file() and "objects" not in path.parts]
    shown = [path.read_bytes() for path in repository.rglob("*") if path.is_file() and ".git" not in path.parts]
    return b"\n".join([done.stdout, *beside, *(shown if top != repository else [])])


def said(chasm: Program) -> list[str]:
    return [one["id"] for one in chasm("list", "sessions", "--json").json]


def test_it_says_what_it_will_do_and_asks(chasm: Program) -> None:
    before = git(chasm.archive, "rev-parse", "HEAD")
    called = chasm("forget", ID, "--dry-run")
    assert "messages become tombstones" in called.err and "1 attachments that only it uses go" in called.err
    assert "say --yes" in chasm("forget", ID, expect=2).err
    assert git(chasm.archive, "rev-parse", "HEAD") == before


def test_twice_as_json(chasm: Program) -> None:
    once = chasm("forget", ID, "--yes", "--json").json
    twice = chasm("forget", ID, "--yes", "--json").json
    assert set(once) == set(twice) and once["commit"] and twice["commit"] is None
    assert "forgotten already" in chasm("forget", ID, "--yes").out


def test_it_is_gone_and_no_harvest_brings_it_back(chasm: Program, home: Path) -> None:
    called = chasm("forget", ID[:8], "--yes", "--json").json
    assert called["id"] == ID and called["commit"] and len(called["attachments"]) == 1
    assert said(chasm) == [OTHER] and chasm("find", "session", SECRET.decode(), "--json").json == []
    assert not list((chasm.archive / "attachments").rglob("*.png"))
    session = codec.loads((chasm.archive / PATH).read_bytes())
    assert all(message.deleted for message in session.messages) and session.messages and session.title is None
    making.write(home, [*making.talk(9, word=SECRET.decode()), making.picture(9)])
    head = git(chasm.archive, "rev-parse", "HEAD")
    assert "nothing new" in chasm("--home", str(home), "harvest", "run").out
    assert git(chasm.archive, "rev-parse", "HEAD") == head
    making.write(home, making.talk(6, word="harmless", session=OTHER), session=OTHER)
    chasm("--home", str(home), "harvest", "run")
    assert SECRET not in git(chasm.archive, "grep", "-h", "", "HEAD", "--").encode()
    assert "forgotten already" in chasm("forget", ID, "--yes").out
    assert "was forgotten" in chasm("tag", ID, "+x", expect=1).err
    assert chasm("git", "verify", "--full").code == 0


def test_it_stays_gone_through_sync(chasm: Program, home: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(chasm.archive), "hub.git")
    git(tmp_path, "clone", "-q", "hub.git", "other")
    other = Program(tmp_path / "other", chasm._capture)
    chasm("git", "remote", "add", "origin", str(tmp_path / "hub.git"))
    chasm("forget", ID, "--yes")
    making.write(home, [*making.talk(8, word=SECRET.decode()), making.picture(8)])
    other("--home", str(home), "harvest", "run")  # the other machine goes on with it meanwhile
    other("title", ID, f"again {SECRET.decode()}")
    for program in (chasm, other, chasm):
        program("sync", expect=None)
    for program in (chasm, other):
        assert SECRET not in (program.archive / PATH).read_bytes()
        assert said(program) == [OTHER]
    assert git(chasm.archive, "rev-parse", "HEAD^{tree}") == git(other.archive, "rev-parse", "HEAD^{tree}")


def test_nothing_of_it_is_left_in_the_history(chasm: Program, home: Path) -> None:
    assert SECRET in everything(chasm.archive) and PICTURE in everything(chasm.archive)
    git(chasm.archive, "gc", "-q")  # some of it in packs, with deltas
    loose = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=chasm.archive, input=b"mine\n", capture_output=True, check=True
    )
    chasm("find", "session", SECRET.decode())
    count = int(git(chasm.archive, "rev-list", "--count", "HEAD"))
    called = chasm("forget", ID, "--from-history", "--yes", "--json").json
    assert called["history"]["versions"] >= 3 and called["history"]["snapshots"] == ["before"]
    left = everything(chasm.archive)
    assert SECRET not in left and PICTURE not in left
    assert int(git(chasm.archive, "rev-list", "--count", "HEAD")) == count + 1
    git(chasm.archive, "fsck", "--strict", "--full")
    git(
        chasm.archive, "cat-file", "-e", loose.stdout.decode().strip()
    )  # a person's own loose end is not ours to remove
    assert not list((chasm.archive / ".git" / "chasm").glob("*.sqlite3"))
    assert git(chasm.archive, "status", "--porcelain") == ""
    assert said(chasm) == [OTHER] and chasm("git", "snapshots", "--json").json[0]["name"] == "before"
    assert [m["content"] for m in chasm("show", "session", f"{OTHER}@before", "--json").json["messages"]]
    assert chasm("git", "verify", "--full").code == 0
    making.write(home, [*making.talk(9, word=SECRET.decode()), making.picture(9)])
    making.write(home, making.talk(9, word="harmless", session=OTHER), session=OTHER)
    chasm("--home", str(home), "harvest", "run")
    assert SECRET not in everything(chasm.archive)
    assert is_forgotten((chasm.archive / PATH).read_bytes())


def test_after_it_was_forgotten_the_history_can_follow(chasm: Program) -> None:
    chasm("forget", ID, "--yes")
    assert SECRET in everything(chasm.archive)
    chasm("forget", ID, "--from-history", "--yes")
    assert SECRET not in everything(chasm.archive) and said(chasm) == [OTHER]
    assert "no commit holds" in chasm("forget", ID, "--from-history", "--yes", expect=1).err


def test_two_copies_that_forget_it_still_share_their_commits(chasm: Program, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(chasm.archive), "hub.git")
    chasm("git", "remote", "add", "origin", str(tmp_path / "hub.git"))
    chasm("sync", expect=None)
    hub = Program(tmp_path / "hub.git", chasm._capture)
    called = chasm("forget", ID, "--from-history", "--yes")
    assert "origin" in called.err and "--from-history" in called.err and "git push --force" in called.err
    assert git(chasm.archive, "for-each-ref", "refs/remotes", "refs/chasm/remotes") == ""
    hub("forget", ID, "--from-history", "--yes")
    assert SECRET not in everything(hub.archive)
    assert git(chasm.archive, "rev-parse", "HEAD~1") == git(hub.archive, "rev-parse", "HEAD~1")
    chasm("sync", expect=None)
    assert SECRET not in everything(chasm.archive) and said(chasm) == [OTHER]
    assert git(chasm.archive, "rev-parse", "HEAD") == git(hub.archive, "rev-parse", "HEAD")


def test_a_remote_that_still_has_it_does_not_bring_it_back(chasm: Program, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(chasm.archive), "hub.git")
    chasm("git", "remote", "add", "origin", str(tmp_path / "hub.git"))
    chasm("forget", ID, "--from-history", "--yes")
    head = git(chasm.archive, "rev-parse", "HEAD")
    assert "was erased here" in chasm("sync", expect=1).err
    assert git(chasm.archive, "rev-parse", "HEAD") == head and said(chasm) == [OTHER]
    Program(tmp_path / "hub.git", chasm._capture)("forget", ID, "--from-history", "--yes")
    chasm("forget", ID, "--from-history", "--yes")  # what the refused sync had fetched
    assert SECRET not in everything(chasm.archive)
    chasm("sync", expect=None)
    assert SECRET not in everything(chasm.archive) and said(chasm) == [OTHER]


def test_a_projects_own_commits_are_not_touched(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = tmp_path / "project"
    git(tmp_path, "init", "-q", "-b", "main", "project")
    (project / "a.txt").write_text(f"mentions {ID}\n")
    git(project, "add", "-A")
    git(project, "commit", "-qm", f"Talked about in {ID}: with a title behind it")
    before = git(project, "rev-parse", "main"), git(project, "reflog", "main")
    chasm = Program(project, capsys)
    chasm("git", "init", "--project", str(project))
    chasm("--home", str(home), "harvest", "run")
    chasm("forget", ID, "--from-history", "--yes")
    assert (git(project, "rev-parse", "main"), git(project, "reflog", "main")) == before
    assert SECRET not in everything(project) and git(project, "status", "--porcelain") == ""


def test_what_it_refuses(chasm: Program, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{chasm.archive}", "shallow")
    shallow = Program(tmp_path / "shallow", chasm._capture)
    assert "shallow" in shallow("forget", ID, "--from-history", "--yes", expect=1).err
    git(chasm.archive, "checkout", "-q", "--detach")
    assert "not on a branch" in chasm("forget", ID, "--from-history", "--yes", expect=1).err
    git(chasm.archive, "checkout", "-q", "-")
    (chasm.archive / PATH).write_bytes((chasm.archive / PATH).read_bytes() + b"# changed\n")
    git(chasm.archive, "stash", "-q")
    assert "stash" in chasm("forget", ID, "--from-history", "--yes", expect=1).err
    assert SECRET in everything(chasm.archive)


def test_a_stop_in_between_is_made_up_for(chasm: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from chasm_git.archive.erasing import purge

    with monkeypatch.context() as stopped:
        stopped.setattr(purge, "_forget_logs", lambda archive, objects: 1 / 0)
        chasm("forget", ID, "--from-history", "--yes", expect=1)
    assert SECRET in everything(chasm.archive) and said(chasm) == [OTHER]
    chasm("forget", OTHER, "--from-history", "--yes")
    assert SECRET not in everything(chasm.archive) and said(chasm) == []


def test_related_sessions_are_named_and_stay(keep: Keep, capsys: pytest.CaptureFixture[str]) -> None:
    made = [
        Session(name, "p", messages=[Message(f"m{name}", "user", content=name)]) for name in ("aaa", "bbb", "ccc", "d")
    ]
    made[1].forked_from, made[2].parent = "aaa", "aaa"
    chasm = Program(keep(made), capsys)
    chasm("merge", "sessions", "aaa", "d")
    called = chasm("forget", "aaa", "--yes", "--json").json
    assert sorted(one["relation"] for one in called["related"]) == [
        "is a sub-agent of it",
        "was forked from it",
        "was merged from it",
    ]
    assert len(said(chasm)) == 4


def test_a_forgotten_session_absorbs_everything() -> None:
    live = Session(
        "s", "p", title="T", messages=[Message("a", "user", content="x"), Message("b", "user", "t", "y", "a")]
    )
    gone = Session("s", "p", extra={"deleted": True}, messages=[Message("a", "user", deleted=True)])
    one, other = codec.dumps(live), codec.dumps(gone)
    assert absorb(None, other, one).data == other == absorb(one, other, one).data
    merged = merge(None, one, other).data
    assert merged == merge(None, other, one).data == merge_forgotten(one, other) and is_forgotten(merged)
    assert merge(None, merged, one).data == merge(None, merged, other).data == merged
    assert [(m.id, m.deleted, m.content) for m in codec.loads(merged).messages] == [("a", True, ""), ("b", True, "")]
    with pytest.raises(codec.CodecError, match="two different"):
        merge(None, codec.dumps(Session("t", "p")), other)
    assert not is_forgotten(one) and not is_forgotten(b"nonsense") and is_forgotten(other)

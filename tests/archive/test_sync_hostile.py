"""Whoever can write to the remote may write anything: what must not become ours is refused and named, before it is."""

import hashlib
import subprocess

import pytest

from chasm_git.archive.plumbing import refs
from chasm_git.archive.syncing import incoming
from chasm_git.archive.syncing.exchange import RemoteFailed
from chasm_git.archive.syncing.incoming import Refused, bad_name
from chasm_git.session.attachments import path_of
from chasm_git.session.codec import dumps
from tests.archive.machines import Machine, bare, until_quiet
from tests.archive.making import assert_whole, git, new_session, path, put, say


class Remote:
    """A bare repository somebody writes to with plumbing alone."""

    def __init__(self, place):
        self.place = bare(place)

    def git(self, *arguments, data=None):
        done = subprocess.run(
            ["git", "-c", "user.name=M", "-c", "user.email=m@example.org", "--git-dir", str(self.place), *arguments],
            input=data,
            capture_output=True,
            check=True,
        )
        return done.stdout.decode().strip()

    def blob(self, data):
        return self.git("hash-object", "-w", "--stdin", data=data)

    def tree(self, *entries):
        """A tree of (mode, name, id), whatever the names are."""
        data = b"".join(b"%s %s\0%s" % (mode, name, bytes.fromhex(found)) for mode, name, found in entries)
        return self.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", data=data)

    def entries(self, revision="refs/heads/main"):
        listed = subprocess.run(
            ["git", "--git-dir", str(self.place), "ls-tree", "-z", revision], capture_output=True, check=True
        ).stdout
        found = []
        for line in filter(None, listed.split(b"\0")):
            head, name = line.split(b"\t", 1)
            mode, _, blob = head.split()
            found.append((mode.lstrip(b"0"), name, blob.decode()))
        return found

    def add(self, *entries, message="harmless"):
        """Put entries into the root of the branch; returns the commit."""
        names = {name for _, name, _ in entries}
        kept = [entry for entry in self.entries() if entry[1] not in names]
        ordered = sorted([*kept, *entries], key=lambda entry: entry[1] + (b"/" if entry[0] == b"40000" else b""))
        tree = self.tree(*ordered)
        made = self.git("commit-tree", tree, "-p", "refs/heads/main", "-m", message)
        self.git("update-ref", "refs/heads/main", made)
        return made

    def add_file(self, name, data):
        """Put a file at a path."""
        *folders, last = name.encode().split(b"/")
        entry = (b"100644", last, self.blob(data))
        for folder in reversed(folders):
            entry = (b"40000", folder, self.tree(entry))
        # folders that are there already need not survive: only what is new matters here
        return self.add(entry)


@pytest.fixture
def evil(tmp_path):
    return Remote(tmp_path / "hub.git")


@pytest.fixture
def laptop(tmp_path, evil):
    machine = Machine("laptop", tmp_path, evil.place)
    put(machine.archive, new_session("s-1", "one"))
    machine.sync()
    return machine


def refused(machine, *names):
    """The sync refuses, names these paths, and nothing here has changed."""
    before = machine.archive.head(), sorted(str(file) for file in machine.path.rglob("*") if ".git/" not in str(file))
    with pytest.raises(Refused, match="nothing was taken from") as caught:
        machine.sync()
    assert {one.path for one in caught.value.refusals} == set(names)
    for name in names:
        assert repr(name) in str(caught.value)
    after = machine.archive.head(), sorted(str(file) for file in machine.path.rglob("*") if ".git/" not in str(file))
    assert before == after
    assert_whole(machine.archive)
    return str(caught.value)


def test_a_symbolic_link(laptop, evil):
    evil.add((b"120000", b"sessions-link", evil.blob(b"/etc/passwd")))
    assert "is a symbolic link" in refused(laptop, "sessions-link")


def test_another_repository(laptop, evil):
    head = evil.git("rev-parse", "refs/heads/main")
    evil.add((b"160000", b"module", head))
    assert "is another repository" in refused(laptop, "module")


@pytest.mark.parametrize(
    "name",
    [b".git", b".GIT", b".gIt", b"git~1", b".git ", b".git.", b"..", b".", ".g\u200cit".encode(), b".git::$DATA"],
)
def test_names_that_lead_into_the_repository_or_out_of_the_archive(laptop, evil, name):
    hook = evil.tree((b"100644", b"config", evil.blob(b"[core]\n\tfsmonitor = touch pwned\n")))
    evil.add((b"40000", b"notes", evil.tree((b"40000", name, hook))))
    refused(laptop, f"notes/{name.decode()}")
    assert not (laptop.path / "notes").exists()


@pytest.mark.parametrize("name", [b"..\\..\\x", b"a\nb", b"\x1b[2J", b"x" * 300])
def test_names_that_no_file_should_have(laptop, evil, name):
    evil.add((b"100644", name, evil.blob(b"x")))
    refused(laptop, name.decode())


def test_an_attachment_that_is_not_what_its_name_says(laptop, evil):
    place = path_of(hashlib.sha256(b"a picture").hexdigest() + ".png")
    evil.add_file(place, b"something else")
    assert "is not what its name says" in refused(laptop, place)


def newer(session, more=b""):
    """A session file as a version to come may write it."""
    return dumps(session).replace(b"chasm: 1", b"chasm: 2") + more


def test_a_session_of_a_newer_format_is_kept_as_it_is_and_said(laptop, evil, tmp_path):
    session = new_session("s-9", "from the future")
    evil.add_file(path(session), newer(session))
    report = laptop.sync()
    said = f"{path(session)} is written in format 2 by a newer chasm-git: kept as it is; install that version"
    assert report.notes == [said]
    assert laptop.files()[path(session)] == newer(session) == (laptop.path / path(session)).read_bytes()
    put(laptop.archive, new_session("s-10", "others go on"))
    desktop = Machine("desktop", tmp_path, evil.place)
    assert said in desktop.sync().notes
    until_quiet([laptop, desktop])
    assert desktop.files()[path(session)] == newer(session)


@pytest.mark.parametrize("longer_here", [False, True])
def test_a_newer_format_is_not_overwritten_by_what_is_said_here(laptop, evil, tmp_path, longer_here):
    session = new_session("s-1", "one")
    mine = say(session, *["here"] * (50 if longer_here else 1))
    evil.add_file(path(session), newer(session, b"future: true\n"))
    put(laptop.archive, mine)
    report = laptop.sync()
    (clash,) = report.clashes
    assert (clash.path, clash.kind) == (path(session), "unreadable")
    assert laptop.files()[path(session)] == newer(session, b"future: true\n")
    assert laptop.files()[clash.where] == dumps(mine), "and what was said here is kept beside it"
    until_quiet([laptop, Machine("desktop", tmp_path, evil.place)])


def test_a_bomb_of_aliases_is_no_session_and_takes_no_memory(laptop, evil, tmp_path):
    levels = [b"l0: &l0 [x,x,x,x,x,x,x,x,x]"]
    levels += [b"l%d: &l%d [%s]" % (n, n, b",".join([b"*l%d" % (n - 1)] * 9)) for n in range(1, 30)]
    bomb = b"chasm: 1\nid: s-1\nprovider: codex\n" + b"\n".join(levels) + b"\nmessages: []\n"
    session = new_session("s-1", "one")
    evil.add_file(path(session), bomb)
    mine = say(session, "here")
    put(laptop.archive, mine)
    report = laptop.sync()
    (clash,) = report.clashes
    assert (clash.path, clash.kind) == (path(session), "unreadable")
    assert laptop.files()[path(session)] == dumps(mine)
    assert laptop.files()[clash.where] == bomb
    until_quiet([laptop, Machine("desktop", tmp_path, evil.place)])


def test_a_bomb_of_depth_is_no_session(laptop, evil):
    bomb = b"chasm: 1\nid: s-1\nprovider: codex\nx: " + b"[" * 50_000 + b"]" * 50_000 + b"\nmessages: []\n"
    evil.add_file(path(new_session("s-1")), bomb)
    mine = say(new_session("s-1", "one"), "here")
    put(laptop.archive, mine)
    assert [clash.kind for clash in laptop.sync().clashes] == ["unreadable"]
    assert laptop.files()[path(mine)] == dumps(mine)


def test_a_file_of_a_hundred_megabytes(laptop, evil):
    data = bytes(100 << 20)
    place = path_of(hashlib.sha256(data).hexdigest() + ".bin")
    evil.add_file(place, data)
    put(laptop.archive, new_session("s-2", "two"))
    laptop.sync()
    assert (laptop.path / place).stat().st_size == len(data)
    assert_whole(laptop.archive)


def test_a_file_that_fills_the_memory(laptop, evil, monkeypatch):
    monkeypatch.setattr(incoming, "LARGEST", 1 << 20)
    evil.add((b"100644", b"zeros", evil.blob(bytes(3 << 20))))
    assert "has 3 MB; more than 1 MB are not taken" in refused(laptop, "zeros")


def test_folders_without_end(laptop, evil):
    tree = evil.tree((b"100644", b"f", evil.blob(b"x")))
    for _ in range(100):
        tree = evil.tree((b"40000", b"d", tree))
    evil.add((b"40000", b"deep", tree))
    with pytest.raises(Refused, match="deeper folders"):
        laptop.sync()
    assert_whole(laptop.archive)


def test_a_few_trees_that_stand_for_billions_of_files(laptop, evil, monkeypatch):
    monkeypatch.setattr(incoming, "_MOST", 50_000)
    tree = evil.tree((b"100644", b"f", evil.blob(b"x")))
    for _ in range(12):
        tree = evil.tree(*((b"40000", b"%02d" % n, tree) for n in range(10)))
    evil.add((b"40000", b"bomb", tree))
    with pytest.raises(Refused, match="more files"):
        laptop.sync()


def test_what_is_refused_stays_refused_and_the_way_out_is_to_take_it_away_there(laptop, evil, tmp_path):
    before = evil.git("rev-parse", "refs/heads/main")
    evil.add((b"120000", b"link", evil.blob(b"/etc/passwd")))
    for _ in range(2):
        refused(laptop, "link")
    evil.git("update-ref", "refs/heads/main", before)
    laptop.sync()
    put(laptop.archive, new_session("s-2", "two"))
    until_quiet([laptop, Machine("desktop", tmp_path, evil.place)])


def test_what_others_would_refuse_is_not_sent(laptop, tmp_path):
    (laptop.path / "link").symlink_to("/etc/passwd")
    git(laptop.archive, "add", "link")
    git(laptop.archive, "commit", "-q", "-m", "a link")
    with pytest.raises(Refused, match=r"nothing was sent to .*'link' is a symbolic link"):
        laptop.sync()
    git(laptop.archive, "rm", "-q", "link")
    git(laptop.archive, "commit", "-q", "-m", "no link")
    laptop.sync()


def test_a_merge_with_what_is_refused_leaves_no_trace_either(laptop, evil):
    put(laptop.archive, say(new_session("s-1", "one"), "more"))
    evil.add((b"120000", b"link", evil.blob(b"/etc/passwd")))
    refused(laptop, "link")


def test_snapshots_that_are_something_else(laptop, evil):
    link = (b"120000", b"link", evil.blob(b"/etc/passwd"))
    entries = sorted([*evil.entries(), link], key=lambda entry: entry[1] + (b"/" if entry[0] == b"40000" else b""))
    tree = evil.tree(*entries)
    evil.git("tag", "trap", evil.git("commit-tree", tree, "-m", "x"))
    evil.git("tag", "a-blob", evil.blob(b"x"))
    evil.git("tag", "-a", "-m", "x", "a-tree", tree)
    evil.git("tag", "good", "refs/heads/main")
    report = laptop.sync()
    assert report.snapshots_received == ["good"]
    assert report.notes == ["the snapshot trap was not taken: 'link' is a symbolic link"]
    assert list(refs.list_refs(laptop.archive, "refs/tags/")) == ["refs/tags/good"]


def test_provider_refs_that_are_no_commits(laptop, evil):
    blob = evil.blob(b"x")
    for name in ("refs/chasm/providers/laptop/codex", "refs/chasm/providers/other/codex"):
        evil.git("update-ref", name, blob)
    assert laptop.sync().notes == []
    assert not refs.list_refs(laptop.archive, "refs/chasm/providers/")
    head = laptop.archive.head()
    refs.update_refs(laptop.archive, {"refs/chasm/providers/laptop/codex": (None, head)}, "harvest")
    assert ["is no commit there" in note for note in laptop.sync().notes] == [True]


def test_a_branch_that_is_no_archive_any_more(laptop, evil):
    head = laptop.archive.head()
    tree = evil.tree((b"100644", b"README", evil.blob(b"x")))
    evil.git("update-ref", "refs/heads/main", evil.git("commit-tree", tree, "-m", "x"))
    with pytest.raises(RemoteFailed, match="is not an archive"):
        laptop.sync()
    assert laptop.archive.head() == head


def test_ordinary_names_are_fine():
    for name in (
        "sessions",
        ".gitattributes",
        ".gitignore",
        "Ünïcode.md",
        "a b",
        "notes (1).txt",
        "x:y",
        "git",
        "dot.",
    ):
        assert bad_name(name.encode()) is None

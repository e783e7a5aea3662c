"""Two trees merged: every way one path can differ, the same result from both sides."""

import hashlib
from copy import deepcopy

import pytest

from chasm_git.archive.commit import Writer, commit
from chasm_git.archive.plumbing.objects import blob_id
from chasm_git.archive.plumbing.trees import Entry, write_tree
from chasm_git.archive.repo import init_archive
from chasm_git.archive.syncing.bases import merge_bases
from chasm_git.archive.syncing.mergefiles import Clash
from chasm_git.archive.syncing.mergetrees import merge_trees
from chasm_git.session import codec
from chasm_git.session.attachments import path_of
from chasm_git.session.codec import dumps
from chasm_git.session.model import Message
from tests.archive.making import git, new_session, path, say


@pytest.fixture
def archive(tmp_path):
    with init_archive(tmp_path / "archive") as opened:
        yield opened


def make(archive, files, parents=(), base=None):
    """A commit with `files` (path -> bytes, (mode, bytes), or None) on top of the tree of `base`; no ref moves."""
    with Writer(archive) as writer:
        changes = {}
        for name, value in files.items():
            mode, data = value if isinstance(value, tuple) else (b"100644", value)
            changes[name] = None if data is None else Entry(mode, b"", writer.add("blob", data))
        tree = write_tree(archive, archive.tree_id(base), changes, writer)
        return commit(archive, tree=tree, parents=list(parents), message="made", sink=writer)


def on(archive, base, files):
    """A commit above `base`."""
    return make(archive, files, [base], base)


def merged(archive, ours, theirs):
    """What merging gives: path -> (mode, content), and the clashes; checked to be the same from both sides."""
    found = []
    for one, other in ((ours, theirs), (theirs, ours)):
        bases = merge_bases(archive, one, other)
        made = merge_trees(archive, bases, archive.tree_id(one), archive.tree_id(other))
        with Writer(archive) as writer:
            for blob in made.blobs:
                writer.add_compressed("blob", *blob)
            tree = write_tree(archive, archive.tree_id(one), made.changes, writer)
            head = commit(archive, tree=tree, parents=[one, other], message="m", sink=writer)
        found.append((tree, made, head))
    (tree, made, head), (other_tree, other_made, _) = found
    assert tree == other_tree, git(archive, "diff", tree, other_tree)
    assert made.clashes == other_made.clashes and made.notes == other_made.notes
    assert made.received == other_made.sent and made.sent == other_made.received
    lines = git(archive, "ls-tree", "-r", "-z", tree).split("\0")
    content = {}
    for line in filter(None, lines):
        head_part, name = line.split("\t")
        mode, _, blob = head_part.split()
        content[name] = archive.read(blob) if mode == "100644" else (mode.encode(), archive.read(blob))
    git(archive, "fsck", "--strict", head)
    return content, made


def test_what_one_side_left_alone_is_the_other_sides(archive):
    base = make(archive, {"same": b"1", "ours": b"1", "theirs": b"1", "gone-here": b"1", "gone-there": b"1"})
    ours = on(archive, base, {"ours": b"2", "gone-here": None, "new-here": b"n"})
    theirs = on(archive, base, {"theirs": b"2", "gone-there": None, "d/new-there": b"n"})
    content, made = merged(archive, ours, theirs)
    assert content == {"same": b"1", "ours": b"2", "theirs": b"2", "new-here": b"n", "d/new-there": b"n"}
    assert {(change.path, change.kind) for change in made.received} == {
        ("theirs", "updated"),
        ("gone-there", "removed"),
        ("d/new-there", "added"),
    }
    assert made.merged == []


@pytest.mark.parametrize("name", ["sessions/codex/2026/02/s-1.yaml", "notes.md"])
def test_what_one_side_removed_and_the_other_changed_stays(archive, name):
    session = new_session("s-1", "hello")
    base = make(archive, {name: dumps(session)})
    grown = dumps(say(session, "more"))
    content, _ = merged(archive, on(archive, base, {name: None}), on(archive, base, {name: grown}))
    assert content == {name: grown}


def test_a_session_both_continued_is_merged_by_messages(archive):
    session = new_session("s-1", "hello")
    base = make(archive, {path(session): dumps(session)})
    one, other = say(session, "a"), deepcopy(session)
    other.messages.append(Message("z", "assistant", "2026-02-09T00:00:00.000Z", "b", after="m0"))
    ours, theirs = (on(archive, base, {path(session): dumps(made)}) for made in (one, other))
    content, made = merged(archive, ours, theirs)
    assert [m.content for m in codec.loads(content[path(session)]).messages] == ["hello", "a", "b"]
    assert made.merged == [path(session)] and made.clashes == []


def test_one_session_filed_under_two_months_becomes_one_file(archive):
    early = new_session("s-1", "hello", created_at="2026-01-31T23:59:00.000Z")
    late = say(new_session("s-1", "hello", created_at="2026-02-01T00:59:00.000Z"), "more")
    undated = new_session("s-1", "hello", created_at=None)
    base = make(archive, {"x": b"1"})
    for one, other in ((early, late), (late, undated), (early, undated)):
        ours, theirs = (on(archive, base, {path(made): dumps(made)}) for made in (one, other))
        content, made = merged(archive, ours, theirs)
        (kept,) = [name for name in content if name.startswith("sessions/")]
        assert kept == min(path(one), path(other))
        session = codec.loads(content[kept])
        texts = [message.content for message in session.messages]
        assert texts == (["hello", "more"] if late in (one, other) else ["hello"])
        assert made.clashes == []


def test_a_session_moved_by_hand_on_one_side_and_grown_on_the_other_is_one_file(archive):
    session = new_session("s-1", "hello")
    moved = path(session).replace("/02/", "/03/")
    base = make(archive, {path(session): dumps(session)})
    ours = on(archive, base, {path(session): None, moved: dumps(session)})
    theirs = on(archive, base, {path(session): dumps(say(session, "more"))})
    content, _ = merged(archive, ours, theirs)
    assert list(content) == [path(session)]
    assert len(codec.loads(content[path(session)]).messages) == 2
    content, _ = merged(archive, ours, on(archive, base, {"other": b"1"}))
    assert sorted(content) == ["other", moved]


def test_twins_that_cannot_be_read_stay_where_they_are(archive):
    base = make(archive, {"x": b"1"})
    ours = on(archive, base, {"sessions/codex/2026/01/s.yaml": b"chasm: 1\nid: ["})
    theirs = on(archive, base, {"sessions/codex/2026/02/s.yaml": dumps(new_session("s", "hello"))})
    content, _ = merged(archive, ours, theirs)
    assert len(content) == 3


def test_a_version_that_cannot_be_read_is_kept_apart(archive):
    session = new_session("s-1", "hello")
    base = make(archive, {path(session): dumps(session)})
    torn = dumps(session).replace(b"role: user", b"role: [user")
    grown = dumps(say(session, "more"))
    content, made = merged(archive, on(archive, base, {path(session): torn}), on(archive, base, {path(session): grown}))
    other = f"unmerged/codex/2026/02/s-1~{blob_id(torn, 'sha1')[:12]}.yaml"
    assert content == {path(session): grown, other: torn}
    assert made.clashes == [Clash(path(session), "unreadable", other)]


def test_two_versions_that_cannot_be_read_are_both_kept(archive):
    name = "sessions/codex/2026/02/s-1.yaml"
    base = make(archive, {"x": b"1"})
    content, made = merged(archive, on(archive, base, {name: b"{"}), on(archive, base, {name: b"[["}))
    assert set(content.values()) == {b"1", b"{", b"[["}
    assert len(made.clashes) == 1


def test_texts_of_people_merge_by_lines(archive):
    lines = [f"line {n}\n".encode() for n in range(20)]
    base = make(archive, {"notes.md": b"".join(lines)})
    one, other = list(lines), list(lines)
    one[2], other[17] = b"changed here\n", b"changed there\n"
    content, made = merged(
        archive, on(archive, base, {"notes.md": b"".join(one)}), on(archive, base, {"notes.md": b"".join(other)})
    )
    assert b"changed here" in content["notes.md"] and b"changed there" in content["notes.md"]
    assert made.clashes == []


@pytest.mark.parametrize(
    ("name", "aside"),
    [("notes.md", "notes~{}.md"), ("d/README", "d/README~{}"), (".hidden", ".hidden~{}"), ("a.tar.gz", "a~{}.tar.gz")],
)
@pytest.mark.parametrize(("one", "other"), [(b"mine\n", b"yours!\n"), (b"\0one", b"\0other")])
def test_texts_that_clash_are_both_kept(archive, name, aside, one, other):
    base = make(archive, {name: b"before\n"})
    content, made = merged(archive, on(archive, base, {name: one}), on(archive, base, {name: other}))
    beside = aside.format(blob_id(one, "sha1")[:8])
    assert content == {name: other, beside: one}
    assert made.clashes == [Clash(name, "text", beside)]


def test_settings_merge_by_key_with_their_comments(archive):
    base = make(archive, {"chasm.yaml": b"# ours, all of us\nconflicts: auto\nexclude: [codex]\n"})
    ours = on(archive, base, {"chasm.yaml": b"# ours, all of us\nconflicts: auto # fine\nexclude: [codex, pi]\n"})
    theirs = on(archive, base, {"chasm.yaml": b"# ours, all of us\nconflicts: manual\nexclude: [codex]\nkeep: 3\n"})
    content, made = merged(archive, ours, theirs)
    from chasm_git.archive.settings import values

    assert values(content["chasm.yaml"]) == {"conflicts": "manual", "exclude": ["codex", "pi"], "keep": 3}
    assert content["chasm.yaml"].startswith(b"# ours, all of us\n")
    assert made.clashes == [] and made.notes == []


def test_settings_both_sides_set_differently_are_said(archive):
    base = make(archive, {"chasm.yaml": b"# nothing yet\n"})
    ours = on(archive, base, {"chasm.yaml": b"# nothing yet\nconflicts: manual\nlist: [a, b]\nm: {x: 1}\n"})
    theirs = on(archive, base, {"chasm.yaml": b"# nothing yet\nconflicts: auto\nlist: [b, c]\nm: {y: 2}\n"})
    content, made = merged(archive, ours, theirs)
    from chasm_git.archive.settings import values

    assert values(content["chasm.yaml"]) == {
        "conflicts": "manual",
        "list": ["a", "b", "c"],
        "m": {"x": 1, "y": 2},
    }
    assert made.notes == ['chasm.yaml: both sides set conflicts, to "manual" and to "auto"; the first one stays']


def test_settings_that_cannot_be_read_are_kept_beside(archive):
    base = make(archive, {"chasm.yaml": b"a: 1\n"})
    content, made = merged(
        archive, on(archive, base, {"chasm.yaml": b"a: [\n"}), on(archive, base, {"chasm.yaml": b"a: 2222\n"})
    )
    assert set(content.values()) == {b"a: [\n", b"a: 2222\n"}
    assert [clash.kind for clash in made.clashes] == ["text"]


def test_lines_of_attributes_are_united(archive):
    base = make(archive, {".gitattributes": b"* -text\n"})
    content, made = merged(
        archive,
        on(archive, base, {".gitattributes": b"* -text\n*.png binary\n"}),
        on(archive, base, {".gitattributes": b"* -text\n*.md diff=markdown\n"}),
    )
    assert sorted(content[".gitattributes"].splitlines()) == [b"* -text", b"*.md diff=markdown", b"*.png binary"]
    assert made.clashes == []


def test_modes_merge_too(archive):
    base = make(archive, {"tool.sh": b"1\n", "other.sh": b"1\n"})
    ours = on(archive, base, {"tool.sh": (b"100755", b"1\n"), "new.sh": (b"100755", b"n")})
    theirs = on(archive, base, {"tool.sh": b"2\n"})
    content, _ = merged(archive, ours, theirs)
    assert content == {"tool.sh": (b"100755", b"2\n"), "other.sh": b"1\n", "new.sh": (b"100755", b"n")}


def test_a_file_makes_room_for_a_folder(archive):
    base = make(archive, {"x": b"1"})
    content, made = merged(
        archive, on(archive, base, {"notes": b"a file\n"}), on(archive, base, {"notes/one.md": b"in a folder\n"})
    )
    aside = f"notes~{blob_id(b'a file' + chr(10).encode(), 'sha1')[:8]}"
    assert content == {"x": b"1", "notes/one.md": b"in a folder\n", aside: b"a file\n"}
    assert made.clashes == [Clash("notes", "text", aside)]


def test_a_file_that_became_a_folder_on_one_side_is_one(archive):
    base = make(archive, {"notes": b"a file\n"})
    ours = on(archive, base, {"notes": None, "notes/one.md": b"in a folder\n"})
    content, made = merged(archive, ours, on(archive, base, {"x": b"1"}))
    assert content == {"x": b"1", "notes/one.md": b"in a folder\n"} and made.clashes == []


def attachment(text):
    name = hashlib.sha256(text).hexdigest() + ".txt"
    return name, path_of(name)


def test_an_attachment_a_session_names_is_not_removed_by_the_other_side(archive):
    name, place = attachment(b"large")
    _, unused_place = attachment(b"unused")
    base = make(archive, {place: b"large", unused_place: b"unused"})
    session = new_session("s-1", "hello")
    session.messages[0].content = [{"type": "text", "text": {"$attachment": name, "bytes": 5, "preview": "la"}}]
    ours = on(archive, base, {place: None, unused_place: None})
    content, _ = merged(archive, ours, on(archive, base, {path(session): dumps(session)}))
    assert place in content and unused_place not in content


def test_a_damaged_attachment_gives_way_to_the_sound_one(archive):
    _, place = attachment(b"sound")
    base = make(archive, {"x": b"1"})
    content, _ = merged(archive, on(archive, base, {place: b"rotten"}), on(archive, base, {place: b"sound"}))
    assert content[place] == b"sound"


def test_a_criss_cross_adds_nothing_and_asks_nobody(archive):
    session = new_session("s-1", "hello", "there")
    name = path(session)
    root = make(archive, {name: dumps(session)})
    one, other = deepcopy(session), deepcopy(session)
    one.messages[0].content = "hello, edited here"
    other.messages[1].content = "there, edited over there"
    a, b = (on(archive, root, {name: dumps(made)}) for made in (one, other))
    content, _ = merged(archive, a, b)
    both = codec.loads(content[name])
    left = make(archive, {name: content[name]}, [a, b], root)
    right = make(archive, {name: content[name]}, [b, a], root)
    assert len(merge_bases(archive, left, right)) == 2
    edited = deepcopy(both)
    edited.messages[0].content = "hello, edited once more"
    left = on(archive, left, {name: dumps(edited)})
    right = on(archive, right, {name: dumps(say(both, "and on"))})
    content, made = merged(archive, left, right)
    texts = [message.content for message in codec.loads(content[name]).messages]
    assert texts == ["hello, edited once more", "there, edited over there", "and on"]
    assert made.clashes == []


def test_a_criss_cross_of_a_criss_cross(archive):
    root = make(archive, {"n": b"".join(b"%d\n" % n for n in range(40))})

    def changed(commit_id, line, text):
        lines = archive.read_path(commit_id, "n").split(b"\n")
        lines[line] = text
        return on(archive, commit_id, {"n": b"\n".join(lines)})

    a, b = changed(root, 1, b"a"), changed(root, 20, b"b")
    for level in range(3):
        content, _ = merged(archive, a, b)
        left = make(archive, {"n": content["n"]}, [a, b], root)
        right = make(archive, {"n": content["n"]}, [b, a], root)
        a, b = changed(left, 5 + level, b"left %d" % level), changed(right, 30 + level, b"right %d" % level)
    content, made = merged(archive, a, b)
    assert made.clashes == []
    assert content["n"].count(b"left") == 3 and content["n"].count(b"right") == 3


def test_many_sessions_are_merged_by_several_processes(archive):
    sessions = [new_session(f"s-{number:03}", "hello") for number in range(130)]
    base = make(archive, {path(one): dumps(one) for one in sessions})
    ours = on(archive, base, {path(one): dumps(say(one, "a")) for one in sessions})
    other = {}
    for one in sessions:
        grown = deepcopy(one)
        grown.messages.append(Message("z", "assistant", "2026-02-09T00:00:00.000Z", "b", after="m0"))
        other[path(one)] = dumps(grown)
    content, made = merged(archive, ours, on(archive, base, other))
    assert len(made.merged) == 130
    assert all([m.content for m in codec.loads(data).messages] == ["hello", "a", "b"] for data in content.values())

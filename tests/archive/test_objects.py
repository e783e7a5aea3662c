"""Objects, trees and packs as git has them."""

import random
import subprocess
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chasm_git.archive.commit import Writer, commit
from chasm_git.archive.plumbing import pack, trees
from chasm_git.archive.plumbing.objects import LooseWriter, blob_id, compress, object_id, write_tree
from chasm_git.archive.plumbing.pack import PackWriter
from chasm_git.archive.repo import Archive, DamagedObject, init_archive
from tests.archive.repository import PATH, fsck, run, save, session


@pytest.fixture(params=["sha1", "sha256"])
def archive(request, tmp_path):
    top = tmp_path / "archive"
    top.mkdir()
    run(top, "init", "-q", "-b", "main", f"--object-format={request.param}")
    with init_archive(top) as archive:
        assert archive.hash_name == request.param
        yield archive


def contents():
    rng = random.Random(7)
    return [
        b"",
        b"x",
        b"line\n" * 5000,
        rng.randbytes(70_000),
        bytes(3),
        "ä\r\n".encode() * 9,
        rng.randbytes(15),
        b"y" * 16,
    ]


@pytest.mark.parametrize("writer", [LooseWriter, PackWriter, Writer])
def test_objects_are_what_git_makes_of_them(archive, writer):
    with writer(archive) as sink:
        for data in contents():
            expected = run(archive.worktree, "hash-object", "--stdin", data=data)
            assert blob_id(data, archive.hash_name) == sink.id_of("blob", data) == expected
            assert sink.add("blob", data) == expected
            assert sink.add("blob", data) == expected
        other = b"compressed elsewhere\n" * 30
        name = object_id("blob", other, archive.hash_name)
        for _ in range(2):
            sink.add_compressed("blob", name, len(other), compress(other))
    for data in [*contents(), other]:
        name = blob_id(data, archive.hash_name)
        assert (
            subprocess.run(
                ["git", "cat-file", "blob", name], cwd=archive.worktree, capture_output=True, check=True
            ).stdout
            == data
        )
        assert archive.read(name) == data
    for index in archive.git_dir.glob("objects/pack/*.idx"):
        run(archive.worktree, "verify-pack", str(index))
    fsck(archive.worktree)


def test_a_pack_of_every_kind_of_object(archive):
    with PackWriter(archive) as sink:
        files = {f"sessions/a/undated/{number}.yaml": sink.add("blob", b"%d" % number) for number in range(700)}
        tree = write_tree(archive, None, files, sink)
        made = commit(archive, tree=tree, parents=[], message="ä\n\nbody", sink=sink)
        text = f"object {made}\ntype commit\ntag v\ntagger A <a@b> 1 +0000\n\nm\n"
        tag = sink.add("tag", text.encode())
        assert sink.written == 706
    run(archive.worktree, "update-ref", "refs/tags/v", tag)
    run(archive.worktree, "verify-pack", *map(str, archive.git_dir.glob("objects/pack/*.idx")))
    assert archive.files(tag) == files
    assert archive.tree_id(tag) == tree
    fsck(archive.worktree)
    run(archive.worktree, "repack", "-adfq")
    assert archive.files(tag) == files


def test_an_empty_pack_and_an_aborted_one_leave_nothing(archive):
    before = sorted(archive.git_dir.rglob("*"))
    assert PackWriter(archive).close() is None
    with pytest.raises(RuntimeError), PackWriter(archive) as sink:
        sink.add("blob", b"x" * 3_000_000)
        raise RuntimeError
    with pytest.raises(RuntimeError), Writer(archive) as sink:
        sink.add("blob", b"x")
        raise RuntimeError
    with pytest.raises(RuntimeError), LooseWriter(archive) as sink:
        sink.add("blob", b"x")
        raise RuntimeError
    assert sorted(archive.git_dir.rglob("*")) == before


def test_the_same_pack_twice_is_one(archive):
    for _ in range(2):
        with PackWriter(archive) as sink:
            sink.add("blob", b"again")
    assert len(list(archive.git_dir.glob("objects/pack/*"))) == 2


def test_offsets_beyond_two_gigabytes(archive, monkeypatch):
    monkeypatch.setattr(pack, "_LARGE", 0x80000000)
    with PackWriter(archive) as sink:
        sink.add("blob", b"one")
        sink.add("blob", b"two")
        names = sorted(sink._entries)
        crc, _ = sink._entries[names[1]]
        sink._entries[names[1]] = (crc, 0x1_2345_6789)
        from dulwich.object_format import get_object_format
        from dulwich.pack import load_pack_index

        data = sink._index(bytes(len(names[0]) // 2))
        path = archive.scratch / "large.idx"
        path.write_bytes(data)
        with load_pack_index(str(path), get_object_format(archive.hash_name)) as index:
            offsets = {name.hex(): offset for name, offset, _ in index.iterentries()}
            assert offsets == {names[0]: sink._entries[names[0]][1], names[1]: 0x1_2345_6789}
        sink.abort()


def test_few_objects_are_files_and_many_a_pack(archive):
    def count():
        return len(list(archive.git_dir.glob("objects/pack/*.pack")))

    with Writer(archive) as sink:
        for number in range(299):
            sink.add("blob", b"a %d" % number)
    assert count() == 0
    with Writer(archive) as sink:
        for number in range(300):
            sink.add("blob", b"b %d" % number)
    assert count() == 1
    with Writer(archive) as sink:
        for number in range(3):
            sink.add("blob", bytes([number]) * 8_000_000)
    assert count() == 2
    with Writer(archive, objects=1000) as sink:
        sink.add("blob", b"expected more")
    assert count() == 3
    fsck(archive.worktree)


def test_a_damaged_loose_copy_is_mended_by_writing_the_object_again(archive):
    data = session(1, "precious")
    name = blob_id(data, archive.hash_name)
    path = archive.git_dir / "objects" / name[:2] / name[2:]
    for damage in (b"", b"garbage", zlib.compress(b"blob 5\0other"), zlib.compress(b"blob 3\0abc")[:-3]):
        with LooseWriter(archive) as sink:
            sink.add("blob", data)
        path.chmod(0o644)
        path.write_bytes(damage)
        with pytest.raises(DamagedObject, match="git fsck"):
            archive.read(name)
        with LooseWriter(archive) as sink:
            sink.add("blob", data)
        assert archive.read(name) == data
    fsck(archive.worktree)


def test_a_damaged_pack_gives_the_right_content_or_none(archive):
    texts = [b"".join(b"line %d of %d\n" % (line, number) for line in range(60 + number)) for number in range(12)]
    for number, text in enumerate(texts):
        save(archive, {PATH.format(1): text}, f"version {number}")
    run(archive.worktree, "gc", "-q", "--aggressive")
    names = {blob_id(text, archive.hash_name): text for text in texts}
    path = next(archive.git_dir.glob("objects/pack/*.pack"))
    path.chmod(0o644)
    whole = path.read_bytes()
    rng = random.Random(5)
    noticed = 0
    for _ in range(150):
        data = bytearray(whole)
        data[rng.randrange(12, len(whole))] = rng.randrange(256)
        archive.close()
        path.write_bytes(data)
        for name, text in names.items():
            try:
                assert archive.read(name) == text
            except (DamagedObject, KeyError):
                noticed += 1
    assert noticed > 20


def test_an_object_that_is_there_is_made_to_look_new(archive):
    import os

    with LooseWriter(archive) as sink:
        name = sink.add("blob", b"old")
    path = archive.git_dir / "objects" / name[:2] / name[2:]
    os.utime(path, (1, 1))
    with LooseWriter(archive) as sink:
        sink.add("blob", b"old")
    assert path.stat().st_mtime > 1000


def test_wrong_content_is_refused(archive):
    name = blob_id(b"one", archive.hash_name)
    with pytest.raises(ValueError, match=name), LooseWriter(archive) as sink:
        sink.add_compressed("blob", name, 3, compress(b"two"))


def test_what_is_missing_is_a_key_error(archive):
    head = archive.head()
    nothing = "12" * (len(head) // 2)
    for ask in (archive.read, archive.tree_id, archive.tree, archive.files, archive.parents):
        with pytest.raises(KeyError):
            ask(nothing)
    for path in ("sessions/none.yaml", "", "chasm.yaml/deeper", "sessions"):
        with pytest.raises(KeyError):
            archive.read_path(head, path)
    with pytest.raises(KeyError):
        archive.read_path(None, "chasm.yaml")
    assert archive.files(None) == archive.files(head) == {}
    assert archive.read_path(head, "chasm.yaml") == (archive.worktree / "chasm.yaml").read_bytes()


def test_files_are_listed_as_git_lists_them(archive):
    save(archive, {PATH.format(name): b"x" for name in ("a", "a.b", "a-b", "ä", "z")})
    (archive.worktree / "link").symlink_to("chasm.yaml")
    run(archive.worktree, "add", "link")
    run(archive.worktree, "commit", "-qm", "a link is no file")
    head = archive.head()
    lines = run(archive.worktree, "-c", "core.quotePath=false", "ls-tree", "-r", head).splitlines()
    expected = {line.split("\t")[1]: line.split()[2] for line in lines if line.startswith("100")}
    assert list(archive.files(head, "").items()) == list(expected.items())
    assert archive.files(head) == {path: blob for path, blob in expected.items() if path.startswith("sessions/")}
    assert archive.files(head, "sessions/codex/2026") == archive.files(head)
    assert archive.files(head, "chasm.yaml") == archive.files(head, "none") == {}


_NAMES = st.sampled_from(["a", "b", "a.b", "a-", "ä", "a0"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.dictionaries(_PATHS, st.sampled_from([None, b"1", b"2", b"3"]), min_size=1), max_size=5))
def test_trees_are_those_git_would_write(steps, tmp_path_factory):
    top = tmp_path_factory.mktemp("trees")
    run(top, "init", "-q")
    with Archive(top, top / ".git", top, "refs/heads/main") as archive:
        tree, model = None, {}
        for changes in steps:
            wanted = dict(model)
            for path, data in changes.items():
                if data is None:
                    wanted.pop(path, None)
                else:
                    for other in [*wanted]:
                        if other.startswith(path + "/") or path.startswith(other + "/"):
                            del wanted[other]
                    wanted[path] = data
            with LooseWriter(archive, flush=False) as sink:
                ids = {path: data if data is None else sink.add("blob", data) for path, data in changes.items()}
                if any(ids[path] and ids[other] and other.startswith(path + "/") for path in ids for other in ids):
                    with pytest.raises(ValueError, match="both a file and a folder"):
                        write_tree(archive, tree, ids, sink)
                    continue
                before, tree = tree, write_tree(archive, tree, ids, sink)
            changed = {path for path in {*model, *wanted} if model.get(path) != wanted.get(path)}
            assert {change.path for change in trees.differences(archive, before, tree)} == changed
            model = wanted
            blobs = {data: blob_id(data, archive.hash_name) for data in (b"1", b"2", b"3")}
            stdin = "".join(f"100644 {blobs[data]} 0\t{path}\n" for path, data in model.items())
            run(top, "read-tree", "--empty")
            run(top, "update-index", "--index-info", data=stdin.encode())
            assert run(top, "write-tree") == tree


@pytest.mark.parametrize("path", ["", "/a", "a//b", "a/", ".", "a/../b", ".git/config", "a/.GIT/x", "a\0b"])
def test_paths_git_does_not_allow(archive, path):
    with pytest.raises(ValueError, match="not a path"), LooseWriter(archive) as sink:
        write_tree(archive, None, {path: blob_id(b"x", archive.hash_name)}, sink)


def test_modes_of_other_people_stay(archive):
    (archive.worktree / "run.sh").write_bytes(b"#!/bin/sh\n")
    (archive.worktree / "run.sh").chmod(0o755)
    (archive.worktree / "link").symlink_to("run.sh")
    run(archive.worktree, "add", ".")
    run(archive.worktree, "commit", "-qm", "mine")
    save(archive, {"run.sh": b"#!/bin/sh\nexit\n", PATH.format(1): b"x"})
    listed = run(archive.worktree, "ls-tree", "HEAD")
    assert "100755 blob" in listed
    assert "120000 blob" in listed
    assert (archive.worktree / "run.sh").stat().st_mode & 0o100


def test_commits_say_who_and_when(archive, tmp_path, monkeypatch):
    from datetime import UTC, datetime, timedelta, timezone

    def said(revision="HEAD"):
        return run(archive.worktree, "log", "-1", "--format=%an|%ae|%aI|%cn|%B", revision).split("|")

    tree = archive.tree_id(archive.head())
    when = datetime(2020, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))
    made = commit(archive, tree=tree, parents=[], message="  text\0 \ud800 ü\r\n\n\nend  \n\n", author_time=when)
    assert said(made)[:4] == ["chasm-git", "chasm@localhost", "2020-02-03T04:05:06-03:30", "chasm-git"]
    made = commit(archive, tree=tree, parents=[], message="old", author_time=datetime(1960, 1, 1, tzinfo=UTC))
    fsck(archive.worktree)
    run(archive.worktree, "config", "user.name", " Ana <b>\n, ")
    run(archive.worktree, "config", "user.email", "ana@example.org")
    assert said(commit(archive, tree=tree, parents=[made], message="x"))[:2] == ["Ana b", "ana@example.org"]
    (tmp_path / "included").write_text("[user]\n\tname = Inés\n")
    run(archive.worktree, "config", "include.path", str(tmp_path / "included"))
    assert said(commit(archive, tree=tree, parents=[], message="x"))[0] == "Inés"
    broken = tmp_path / "broken"
    broken.write_text("[user\nname=x")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(broken))
    run(archive.worktree, "config", "--unset-all", "user.name", ok=False)
    assert commit(archive, tree=tree, parents=[], message="x")
    monkeypatch.delenv("GIT_CONFIG_GLOBAL")
    fsck(archive.worktree)

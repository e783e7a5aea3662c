"""The index we write is one git reads, and what we do not change in it stays."""

import random

import pytest

from chasm_git.archive.plumbing.index import Index, IndexUnusable
from chasm_git.archive.plumbing.objects import blob_id
from tests.archive.repository import run

NAMES = ["a", "a.b", "a/b", "a/c/d", "a-b/x", "b" * 200 + "/" + "c" * 200, "ä/ö", "deep/er/and/deeper/still.yaml", "z"]
LONG = "/".join(["d" * 200] * 22)
"""Longer than the index has bits for."""


def staged(top):
    lines = run(top, "-c", "core.quotePath=false", "ls-files", "-s").splitlines()
    return {line.split("\t")[1]: line.split("\t")[0] for line in lines}


@pytest.fixture(params=["2", "3", "4", "sha256"])
def made(request, tmp_path):
    """A repository whose index has cached trees, and how to make an `Index` of it."""
    version = request.param
    run(tmp_path, "init", "-q", f"--object-format={'sha256' if version == 'sha256' else 'sha1'}")
    for name in NAMES:
        if name != "a":
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(name.encode())
    run(tmp_path, "add", ".")
    blob = run(tmp_path, "hash-object", "-w", "--stdin", data=b"long")
    run(tmp_path, "update-index", "--index-info", data=f"100644 {blob} 0\t{LONG}\n".encode())
    if version == "3":
        run(tmp_path, "update-index", "--skip-worktree", "z")
    if version in "34":
        run(tmp_path, "update-index", "--index-version", version)
    run(tmp_path, "write-tree")
    return tmp_path, 32 if version == "sha256" else 20, "sha256" if version == "sha256" else "sha1"


def test_what_was_not_changed_is_written_as_it_was(made):
    top, length, _ = made
    data = (top / ".git/index").read_bytes()
    assert b"TREE" in data
    index = Index(data, length)
    assert not index.changed
    assert index.serialize() == data
    assert len(index) == len(NAMES)


def test_changes_are_those_git_sees(made):
    top, length, _ = made
    path = top / ".git/index"
    rng = random.Random(length)
    for round_ in range(25):
        before = staged(top)
        index = Index(path.read_bytes(), length)
        for name in rng.sample([*NAMES, f"new/{round_}"], 3):
            raw = name.encode()
            blob = run(top, "hash-object", "-w", "--stdin", data=b"%d" % round_)
            if rng.random() < 0.4:
                index.drop(raw)
                before.pop(name, None)
            elif not index.in_the_way(raw):
                index.put(raw, blob, 0o100644, None)
                before[name] = f"100644 {blob} 0"
        path.write_bytes(index.serialize())
        after = staged(top)
        assert after == before
        assert list(after) == sorted(after, key=str.encode)
        tree = run(top, "write-tree")
        fresh = "".join(f"{value}\t{name}\n" for name, value in before.items())
        (top / ".git/other").unlink(missing_ok=True)
        run(top, "read-tree", "--empty", f"--index-output={top / '.git/other'}")
        other = {"GIT_INDEX_FILE": str(top / ".git/other")}
        assert tree == tree_of(top, fresh, other)
        run(top, "status")  # git may write its caches again


def tree_of(top, lines, environment):
    import os
    import subprocess

    for command, data in ((["update-index", "--index-info"], lines.encode()), (["write-tree"], b"")):
        done = subprocess.run(
            ["git", *command], cwd=top, input=data, capture_output=True, check=True, env={**os.environ, **environment}
        )
    return done.stdout.decode().strip()


def test_a_file_and_a_folder_are_never_both_there(made):
    top, length, _ = made
    index = Index((top / ".git/index").read_bytes(), length)
    assert index.in_the_way(b"a")
    assert index.in_the_way(b"z/below")
    assert not index.in_the_way(b"y")
    index.drop(b"z")
    assert not index.in_the_way(b"z/below")
    index.put(b"z/below", blob_id(b"", "sha256" if length == 32 else "sha1"), 0o100644, None)
    assert index.in_the_way(b"z")


def test_conflict_stages_stay(made):
    top, length, hash_name = made
    zero = "0" * (length * 2)
    blob = blob_id(b"x", hash_name)
    run(top, "hash-object", "-w", "--stdin", data=b"x")
    stages = "".join(f"100644 {blob} {stage}\ta/b\n" for stage in (1, 2, 3)) + f"100644 {blob} 2\tzz\n"
    run(top, "update-index", "--index-info", data=(f"0 {zero}\ta/b\n" + stages).encode())
    path = top / ".git/index"
    before = run(top, "ls-files", "-u")
    index = Index(path.read_bytes(), length)
    assert index.conflicts
    assert index.unmerged(b"a/b")
    assert not index.unmerged(b"z")
    index.put(b"a/0", blob, 0o100644, None)
    index.drop(b"z")
    path.write_bytes(index.serialize())
    assert run(top, "ls-files", "-u") == before
    assert "a/0" in run(top, "ls-files").splitlines()


def test_flags_of_people_stay_and_an_intention_becomes_a_file(made):
    top, length, hash_name = made
    (top / "wanted").write_bytes(b"text")
    run(top, "add", "-N", "wanted")
    run(top, "update-index", "--assume-unchanged", "a/b")
    path = top / ".git/index"
    index = Index(path.read_bytes(), length)
    assert b"wanted" in index
    assert index.id_of(b"wanted") is None
    index.put(b"wanted", blob_id(b"text", hash_name), 0o100644, (top / "wanted").lstat())
    index.put(b"a/b", blob_id(b"text", hash_name), 0o100644, None)
    run(top, "hash-object", "-w", "wanted")
    path.write_bytes(index.serialize())
    assert "wanted" in run(top, "ls-tree", "-r", "--name-only", run(top, "write-tree"))
    assert "h a/b" in run(top, "ls-files", "-v").splitlines()


def test_damage_is_noticed(made):
    top, length, _ = made
    data = (top / ".git/index").read_bytes()
    for broken in (data[:-1], data[:50], b"", b"DIRC" + bytes(60), data.replace(b"DIRC", b"DIRX"), data + b"x"):
        with pytest.raises(IndexUnusable):
            Index(broken, length)
    rng = random.Random(1)
    for _ in range(100):
        torn = bytearray(data)
        at = rng.randrange(len(data))
        torn[at] ^= 1 + rng.randrange(255)
        with pytest.raises(IndexUnusable):
            Index(bytes(torn), length)
    # without a checksum (index.skipHash) a damaged one must at least not crash anything
    for _ in range(300):
        torn = bytearray(data[:-length])
        torn[rng.randrange(len(torn))] = rng.randrange(256)
        try:
            index = Index(bytes(torn) + bytes(length), length)
            index.put(b"a/new", "12" * length, 0o100644, None)
            index.serialize()
        except IndexUnusable:
            pass


def test_an_index_without_a_checksum_stays_without(made):
    top, length, _ = made
    data = (top / ".git/index").read_bytes()
    index = Index(data[:-length] + bytes(length), length)
    index.drop(b"z")
    assert index.serialize().endswith(bytes(length))


def test_no_index_is_an_empty_one(tmp_path):
    index = Index(None)
    assert (len(index), index.changed) == (0, False)
    index.put(b"a/b", blob_id(b"x", "sha1"), 0o100755, None)
    run(tmp_path, "init", "-q")
    (tmp_path / ".git/index").write_bytes(index.serialize())
    assert run(tmp_path, "ls-files", "-s") == f"100755 {blob_id(b'x', 'sha1')} 0\ta/b"

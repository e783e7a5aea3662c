"""Many objects read through git: the same as one by one, whatever happens to git."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from chasm_git.archive.commit import Writer
from chasm_git.archive.plumbing.bulk import BulkReader
from chasm_git.archive.repo import Archive, DamagedObject, init_archive, open_archive

CONTENTS = [b"", b"one\n", bytes(range(256)) * 500, "ünï\0code".encode()]


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with init_archive(tmp_path / "an archive") as made:
        yield made


def written(archive: Archive) -> list[str]:
    with Writer(archive) as writer:
        return [writer.add("blob", content) for content in CONTENTS]


@pytest.mark.parametrize("packed", [False, True])
def test_blobs_are_what_they_are(archive: Archive, packed: bool) -> None:
    blobs = written(archive)
    if packed:
        names = "\n".join(blobs).encode() + b"\n"
        base = archive.git_dir / "objects" / "pack" / "pack"
        subprocess.run(["git", "pack-objects", "-q", str(base)], cwd=archive.git_dir, input=names, check=True)
        subprocess.run(["git", "prune-packed"], cwd=archive.git_dir, check=True)
    with open_archive(archive.path) as again, BulkReader(again) as reader:
        assert reader._process is not None
        assert [reader.read(blob) for blob in blobs] == CONTENTS
        assert reader._process is not None


def test_what_is_missing_or_no_blob_is_said_and_the_rest_is_read(archive: Archive) -> None:
    blobs = written(archive)
    with Writer(archive) as writer:
        tree = writer.add("tree", b"100644 a\0" + bytes.fromhex(blobs[0]))
    with BulkReader(archive) as reader:
        for name in ("0" * 40, tree):
            with pytest.raises(KeyError):
                reader.read(name)
        assert [reader.read(blob) for blob in blobs] == CONTENTS


def test_a_damaged_object_is_named(archive: Archive) -> None:
    blobs = written(archive)
    path = archive.git_dir / "objects" / blobs[2][:2] / blobs[2][2:]
    path.chmod(0o600)
    path.write_bytes(b"rubbish")
    with BulkReader(archive) as reader:
        with pytest.raises(DamagedObject):
            reader.read(blobs[2])
        assert reader.read(blobs[1]) == CONTENTS[1]


def test_git_may_die(archive: Archive) -> None:
    blobs = written(archive)
    with BulkReader(archive) as reader:
        assert reader.read(blobs[0]) == CONTENTS[0]
        assert reader._process is not None
        reader._process.kill()
        reader._process.wait()
        assert [reader.read(blob) for blob in blobs] == CONTENTS
        assert reader._process is None


def test_few_objects_and_partial_clones_start_no_git(archive: Archive) -> None:
    blobs = written(archive)
    with BulkReader(archive, expected=3) as reader:
        assert reader._process is None
        assert [reader.read(blob) for blob in blobs] == CONTENTS
    archive.settings["extensions.partialclone"] = "origin"
    assert BulkReader(archive)._process is None


def test_nothing_is_fetched_into_a_partial_clone_by_reading(archive: Archive, tmp_path: Path) -> None:
    subprocess.run(["git", "config", "uploadpack.allowFilter", "true"], cwd=archive.git_dir, check=True)
    options = ["-q", "--bare", "--filter=blob:none"]
    place = tmp_path / "clone.git"
    subprocess.run(["git", "clone", *options, archive.git_dir.as_uri(), str(place)], check=True)
    with open_archive(place) as clone, BulkReader(clone) as reader:
        (blob,) = [entry.id for entry in clone.tree(clone.tree_id(clone.head()) or "") if entry.name == b"chasm.yaml"]
        with pytest.raises(KeyError):
            reader.read(blob)
        with pytest.raises(KeyError):
            clone.read(blob)

"""Harvests into archives of every kind git has, in every state a person leaves one in."""

import pytest

from chasm_git.archive.repo import MissingObject, init_archive, open_archive
from chasm_git.archive.verify import verify
from chasm_git.harvest.run import harvest
from chasm_git.providers.base import Env
from tests.archive.repository import fsck, run, status
from tests.harvest.making import SESSION, picture, talk, write

OTHER = "aaaaaaaa-2a51-4f0e-9c53-0f6f3a1d7b11"


def one_harvest(place, home, **more):
    with open_archive(place) as archive:
        return harvest(archive, Env(home), "laptop", **more)


def sessions_of(place):
    with open_archive(place) as archive:
        assert not verify(archive, full=True).problems
        return sorted(path.rpartition("/")[2] for path in archive.files(archive.head()))


@pytest.mark.parametrize("processes", [1, 2])
def test_objects_named_by_sha256(tmp_path, processes):
    home, place = tmp_path / "home", tmp_path / "archive"
    place.mkdir()
    run(place, "init", "-q", "-b", "main", "--object-format=sha256")
    init_archive(place).close()
    write(home, [*talk(3), picture(3)])
    write(home, talk(2, session=OTHER), session=OTHER)
    report = one_harvest(place, home, processes=processes)
    assert (len(report.results), report.problems) == (2, [])
    write(home, [*talk(3), picture(3), *talk(1, start=4)])
    assert len(one_harvest(place, home, processes=processes).results) == 1
    assert one_harvest(place, home).commit is None
    assert sessions_of(place) == [f"{SESSION}.yaml", f"{OTHER}.yaml"]
    fsck(place)
    assert status(place) == []


@pytest.fixture
def hub(tmp_path):
    """A repository to be cloned, with a session in it; the home it came from lies beside it."""
    home, place = tmp_path / "home", tmp_path / "hub.git"
    write(home, talk(3))
    init_archive(place, bare=True).close()
    one_harvest(place, home)
    run(place, "config", "uploadpack.allowFilter", "true")
    return place


def clone(hub, *options):
    place = hub.parent / "clone"
    run(hub.parent, "clone", "-q", *options, hub.as_uri(), str(place))
    return place


def test_a_clone_that_shows_nothing_is_an_archive_all_the_same(hub):
    place = clone(hub, "--no-checkout")
    with open_archive(place) as archive:
        assert archive.worktree == place


def test_what_a_partial_clone_lacks_stops_nothing_else_and_is_tried_again(hub):
    place = clone(hub, "--bare", "--filter=blob:none")
    home = hub.parent / "home"
    write(home, talk(4))
    write(home, talk(2, session=OTHER), session=OTHER)
    with pytest.raises(MissingObject, match="--refetch --no-filter"):  # it might say what is to be masked
        one_harvest(place, home)
    run(place, "cat-file", "-p", "HEAD:chasm.yaml")
    report = one_harvest(place, home)
    assert [result.id for result in report.results] == [OTHER]
    assert ["is a partial clone" in problem.reason for problem in report.problems] == [True]
    run(place, "fetch", "-q", "--refetch", "--no-filter")
    report = one_harvest(place, home)
    assert [(result.id, result.added) for result in report.results] == [(SESSION, 1)]
    assert report.problems == []
    fsck(place)


def test_an_archived_file_that_was_broken_is_joined_once_it_is_mended(tmp_path):
    home, place = tmp_path / "home", tmp_path / "archive"
    write(home, talk(2))
    init_archive(place).close()
    one_harvest(place, home)
    (shown,) = (place / "sessions").rglob("*.yaml")
    whole = shown.read_bytes()
    shown.write_bytes(b"<<<<<<< not a session\n")
    run(place, "commit", "-qam", "broken")
    write(home, talk(3))
    assert "cannot be read" in one_harvest(place, home).problems[0].reason
    shown.write_bytes(whole)
    run(place, "commit", "-qam", "mended")
    assert [result.added for result in one_harvest(place, home).results] == [1]


@pytest.mark.parametrize("version", ["2", "4"])
@pytest.mark.parametrize(
    "chosen",
    [["--cone", "sessions/codex"], ["--no-cone", "/*", "!/sessions/claude-code/"], ["--no-cone", "!*.yaml", "/*.yaml"]],
)
def test_a_sparse_worktree_shows_what_it_is_to_show(tmp_path, chosen, version):
    home, place = tmp_path / "home", tmp_path / "archive"
    init_archive(place).close()
    run(place, "update-index", f"--index-version={version}")
    run(place, "sparse-checkout", "set", *chosen)
    write(home, talk(3))
    one_harvest(place, home)
    assert list(place.glob("sessions/claude-code/**/*.yaml")) == []
    assert status(place) == []
    write(home, talk(4))
    assert len(one_harvest(place, home).results) == 1
    assert list(place.glob("sessions/claude-code/**/*.yaml")) == []
    run(place, "sparse-checkout", "reapply")
    assert (status(place), list(place.glob("sessions/claude-code/**/*.yaml"))) == ([], [])
    run(place, "sparse-checkout", "disable")
    assert len(list(place.glob("sessions/claude-code/**/*.yaml"))) == 1
    assert status(place) == []
    fsck(place)


def test_what_a_sparse_worktree_is_to_show_comes_into_it(tmp_path):
    home, place = tmp_path / "home", tmp_path / "archive"
    init_archive(place).close()
    run(place, "sparse-checkout", "set", "sessions/claude-code")
    write(home, talk(3))
    one_harvest(place, home)
    assert len(list(place.glob("sessions/claude-code/**/*.yaml"))) == 1
    assert status(place) == []

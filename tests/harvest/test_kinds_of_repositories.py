"""Harvests into archives of every kind git has, in every state a person leaves one in."""

import pytest

from chasm_git.archive.repo import init_archive, open_archive
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

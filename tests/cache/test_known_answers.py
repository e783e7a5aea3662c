"""A corpus with known answers: terms planted in what every client wrote, harvested, and all of them found again."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from chasm_git.api import Archive, Env, open_archive
from chasm_git.archive.repo import init_archive
from chasm_git.cache import follow
from chasm_git.cache.query import parse
from chasm_git.cache.search import search
from chasm_git.providers import registry
from chasm_git.session import codec
from chasm_git.session.attachments import names_of, path_of
from chasm_git.session.model import Session
from tests.archive.making import put
from tests.cache.planting import Plant, places, plant_in_sources, plants, said, with_plant
from tests.providers.databases import built
from tests.providers.exporting import FIXTURES
from tests.providers.exporting import sessions as exported
from tests.providers.test_contract import CASES, everything

_TORN = "a client that keeps a text in pieces took it apart"
_EVERY = int(os.environ.get("CHASM_TESTS_EVERY_QUERY", "0"))
"""1: every query for every plant; else two of each, in turn."""


class Planted(NamedTuple):
    """A term that was planted, and where."""

    plant: Plant
    provider: str
    role: str
    kind: str


class Corpus(NamedTuple):
    """An archive, what was planted in it, and which sessions hold it (read from their files, not by a search)."""

    archive: Path
    planted: list[Planted]
    held: dict[str, set[str]]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    scratch = tmp_path_factory.mktemp("planted")
    unused = plants()
    planted: list[Planted] = []
    read: dict[str, Session] = {}
    init_archive(scratch / "archive").close()
    with open_archive(scratch / "archive") as archive:
        for number, (name, home, sessions, bring) in enumerate(_sources(archive)):
            copy = scratch / f"{number}"
            shutil.copytree(home, copy, symlinks=True)
            for session in sessions:
                read.setdefault(name, replace(session, id=f"read-{name}", messages=list(session.messages)))
                for role, kind, text in places(session):
                    plant = next(unused)
                    plant_in_sources(copy, text, plant.text)
                    planted.append(Planted(plant, name, role, kind))
            bring(copy)
        held = _held(archive, planted)
        # what cannot be written into: packed, measured or checked against a sum
        missed = [one for one in planted if not held[one.plant.word]]
        for one in missed:
            with_plant(read[one.provider], one.plant.text)
        put(archive.repository, *{one.provider: read[one.provider] for one in missed}.values())
        everywhere = _held(archive, planted)
    sown = {one.provider for one in planted if held[one.plant.word]}
    assert len(sown) >= 48 and len(missed) < 0.15 * len(planted), (sorted(sown), missed)
    assert all(everywhere.values())
    whole = [one for one in planted if _TORN not in everywhere[one.plant.word]]
    assert len(whole) > 0.98 * len(planted)
    return Corpus(scratch / "archive", whole, everywhere)


def _sources(archive: Archive) -> Iterator[tuple[str, Path, list[Session], Callable[[Path], object]]]:
    """Provider, folder, sessions read from it, and what brings such a folder into the archive."""
    for case in CASES:
        found = [session for _, _, session in everything(case.read())]
        yield case.name, case.home, found, lambda place, name=case.name: archive.harvest(Env(place), providers=[name])
    for name in registry.EXPORTS:
        place = built(FIXTURES / name / "export")
        if place.is_dir():
            with suppress(ValueError):
                found = list(exported(name, place).values())
                yield name, place, found, lambda place, name=name: archive.import_files([place], provider=name)


def _sessions(archive: Archive) -> dict[str, Session]:
    return {path: codec.loads(archive.repository.read(blob)) for path, blob in archive.session_files().items()}


def _held(archive: Archive, planted: list[Planted]) -> dict[str, set[str]]:
    held: dict[str, set[str]] = {one.plant.word: set() for one in planted}
    head = archive.repository.head()
    for session in _sessions(archive).values():
        attached = {}
        for name in names_of(session):
            with suppress(KeyError):  # where a client keeps them elsewhere
                attached[name] = archive.repository.read_path(head, path_of(name))
        text = said(session, attached)
        for word in set(re.findall("zq[b-z]{4}yu", text)) & held.keys():
            held[word].add(session.id if f" {word} lies here, f_{word}->go({word}) /src/" in f" {text}" else _TORN)
    return held


def test_everything_planted_is_found_by_every_query_and_nothing_else(corpus: Corpus) -> None:
    missed = []
    with open_archive(corpus.archive) as archive:
        connection = follow.opened(archive.repository, notice=pytest.fail)
        for one in corpus.planted:
            expected = corpus.held[one.plant.word]
            queries = [*one.plant.queries()]
            some = queries if _EVERY else [queries[(one.plant.number * 2 + n) % len(queries)] for n in (0, 1)]
            for query in some:
                found = {match.id for match in search(connection, parse(query), 1000).matches}
                if found != expected:
                    missed.append((one, query, found ^ expected))
        connection.close()
    assert corpus.planted and not missed, missed[:5]


def _one_of_all(corpus: Corpus) -> Iterator[tuple[Planted, Session]]:
    """For every role and kind a plant that one session alone holds."""
    with open_archive(corpus.archive) as archive:
        sessions = list(_sessions(archive).values())
    by_id = {session.id: session for session in sessions}
    times = Counter(session.id for session in sessions)  # clients may give the same one
    seen = set()
    for one in corpus.planted:
        holders = corpus.held[one.plant.word]
        if len(holders) == 1 and times[next(iter(holders))] == 1 and (one.provider, one.kind) not in seen:
            seen.add((one.provider, one.kind))
            yield one, by_id[next(iter(holders))]


def test_fields_leave_what_they_say_and_exclude_it_with_a_minus(corpus: Corpus) -> None:
    wrong = []
    with open_archive(corpus.archive) as archive:
        connection = follow.opened(archive.repository, notice=pytest.fail)
        for one, session in _one_of_all(corpus):
            word = one.plant.word
            fields = [(f"provider:{session.provider}", True), ("provider:nobody", False)]
            if session.workspace and '"' not in session.workspace:
                fields.append((f'workspace:"{session.workspace}"', True))
            fields += [(f"role:{one.role}", None), ("since:2999-01-01", False), ("until:1950-01-01", False)]
            for field, leaves_it in fields:
                found = [m.id for m in search(connection, parse(f"{word} {field}"), 1000).matches]
                without = [m.id for m in search(connection, parse(f"{word} -{field}"), 1000).matches]
                if leaves_it is not None and (found, without) != (([session.id], []) if leaves_it else ([], without)):
                    wrong.append((one, field, found, without))
                if set(found) | set(without) != {session.id} and field.startswith(("provider", "workspace", "role")):
                    wrong.append((one, field, found, without))
        connection.close()
    assert not wrong, wrong[:5]


def test_one_that_says_it_comes_before_those_that_say_parts_of_it(corpus: Corpus) -> None:
    with open_archive(corpus.archive) as archive:
        connection = follow.opened(archive.repository, notice=pytest.fail)
        for one, session in list(_one_of_all(corpus))[::4]:
            (first, *_) = search(connection, parse(f"{one.plant.word} lies here"), 20).matches
            assert first.id == session.id, one
            assert any(one.plant.word in hit.snippet.text for hit in first.hits), one
        connection.close()

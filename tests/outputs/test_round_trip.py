"""Every session of every fixture, exported and imported again: it is the very same session."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from chasm_git.archive.layout import session_path
from chasm_git.archive.repo import init_archive
from chasm_git.outputs.cli.main import main
from chasm_git.session import codec
from chasm_git.session.attachments import path_of
from tests.conftest import git
from tests.providers.test_contract import CASES, everything

FORMS = ("md", "json", "jsonl", "native")


def sessions() -> Iterator[tuple[str, bytes, dict[str, bytes]]]:
    """Path, file and attachments of every session the readers find in the fixtures; of equal paths the first."""
    seen = set()
    for case in CASES:
        for _, reading, session in everything(case.read()):
            path = session_path(session.provider, session.id, session.created_at)
            if path not in seen:
                seen.add(path)
                yield path, codec.dumps(session), reading.attachments


EVERY = {path: data for path, data, _ in sessions()}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive that holds them all."""
    folder = tmp_path_factory.mktemp("all") / "archive"
    init_archive(folder).close()
    for path, data, attached in sessions():
        for name, content in ({path: data} | {path_of(name): value for name, value in attached.items()}).items():
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "fixtures")
    return folder


def chasm(*arguments: str) -> int:
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        return main(list(arguments))


@pytest.fixture(scope="module", params=FORMS)
def again(request: pytest.FixtureRequest, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new archive into which everything came from an export of the other one."""
    folder = tmp_path_factory.mktemp(request.param)
    out, made = folder / "out", folder / "archive"
    found = [f"{path.split('/')[1]}/{codec.loads(data).id}" for path, data in EVERY.items()]
    chasm("-C", str(archive), "export", "session", *found, "-o", f"{out}/", "--format", request.param)
    chasm("-C", str(made), "import", "path", str(out))
    return made


@pytest.mark.parametrize("path", EVERY)
def test_it_is_the_same_session(again: Path, path: str) -> None:
    assert (again / path).read_bytes() == EVERY[path]


def test_every_attachment_that_is_needed_came_along(archive: Path, again: Path) -> None:
    assert chasm("-C", str(again), "git", "verify", "--full") == 0
    assert not any("attachment" in line for line in git(again, "status", "--porcelain").splitlines())


def test_importing_once_more_changes_nothing(again: Path) -> None:
    before = git(again, "rev-parse", "HEAD")
    assert chasm("-C", str(again), "import", "path", str(again.parent / "out")) == 0
    assert git(again, "rev-parse", "HEAD") == before

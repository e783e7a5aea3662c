"""Any file of any client, handed in by itself: it is read as what it is, or refused; never as somebody else's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from chasm_git import api
from chasm_git.harvest.importing import Recognized, recognized
from chasm_git.providers import registry
from tests.conftest import SHARED
from tests.providers.databases import built

FIXTURES = Path(__file__).parents[2] / "fixtures"
READERS = [registry.load_export(name) for name in registry.EXPORTS]
ALSO = {"copilot-chat": {"vscode"}, "open-webui-export": {"open-webui"}}
"""Providers whose fixtures hold files of others."""
WHOLE = {
    "claude-code",
    "codex",
    "factory-droid",
    "gemini-cli",
    "hermes",
    "amp",
    "auggie",
    "jan",
    "kiro",
    "lm-studio",
    "vscode",
    "zed",
    "chatgpt",
    "claude-ai",
    "llama-cpp",
}
"""Some of those whose files say by themselves whose they are: one of them at least has to be read."""


def whose(path: Path, *, natives: bool) -> tuple[set[str], Recognized]:
    """The providers of the sessions that are read out of a file."""
    with ExitStack() as held:
        found = recognized([path], READERS, held, natives=natives)
        readings = [reading for handed in found.files for reading in handed.reader.read_export(handed.file)]
    found.problems += [problem for reading in readings for problem in reading.problems]
    return {session.provider for reading in readings for session in reading.sessions}, found


def files_of(provider: str) -> Iterator[Path]:
    for home in sorted((FIXTURES / provider).iterdir()):
        if home.is_dir():
            yield from (path for path in sorted(built(home).rglob("*")) if path.is_file())


@pytest.mark.parametrize("natives", [False, True], ids=["harvest import", "import path"])
@pytest.mark.parametrize("provider", [*registry.BUILT_IN, *registry.EXPORTS])
def test_a_file_is_never_taken_for_another_providers(provider: str, natives: bool, tmp_path: Path) -> None:
    if not (FIXTURES / provider).is_dir():
        pytest.skip("shares the fixtures of another")
    own = {provider, provider.removesuffix("-export"), *ALSO.get(provider, ())}
    read = 0
    for number, path in enumerate(files_of(provider)):
        place = tmp_path / str(number) / path.name  # nothing above it says whose it is
        place.parent.mkdir()
        shutil.copyfile(path, place)
        providers, found = whose(place, natives=natives)
        assert providers <= own or provider == "universal", path
        assert providers or found.problems, path  # what is not read is not passed over in silence
        assert all(problem.path.startswith(str(place)) and problem.reason for problem in found.problems)
        read += bool(providers)
    assert read or provider not in WHOLE or not natives


def handed(tmp_path: Path, provider: str, name: str) -> Path:
    (found, *_) = [path for path in files_of(provider) if path.name == name]
    return Path(shutil.copyfile(found, tmp_path / name))


def test_files_of_programs_that_others_resemble(tmp_path: Path) -> None:
    for provider, name in (
        ("jan", "messages.jsonl"),
        ("lm-studio", "1767263000000.conversation.json"),
        ("lm-studio", "1700000000000.json"),
        ("qwen-code", "session-2025-09-01T08-00-9e0000aa.json"),
    ):
        assert whose(handed(tmp_path, provider, name), natives=False)[0] == {provider}, name


def test_a_client_that_is_known_is_named(tmp_path: Path) -> None:
    archive = api.make_archive(tmp_path / "archive")
    path = handed(tmp_path, "auggie", "7b000000-0000-4000-8000-000000000002.json")
    (problem,) = archive.import_files([path]).problems
    assert problem.reason == "a file of Auggie (Augment)'s own: `chasm import path` reads it"
    (result,) = archive.import_files([path], natives=True).results
    assert result.provider == "auggie"


def test_where_several_are_as_likely_a_person_says_which(tmp_path: Path) -> None:
    archive = api.make_archive(tmp_path / "archive")
    path = handed(tmp_path, "roo-code", "api_conversation_history.json")
    (problem,) = archive.import_files([path]).problems
    assert problem.reason.startswith("could be of cline or roo-code or kilo-code: ")
    assert archive.import_files([path], provider="roo-code", natives=True).results[0].provider == "roo-code"
    place = tmp_path / "rooveterinaryinc.roo-cline" / "tasks" / "a1"
    place.mkdir(parents=True)
    shutil.copyfile(path, place / path.name)
    assert whose(place / path.name, natives=False)[0] == {"roo-code"}


def test_what_many_programs_write_is_nobodys(tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    path.write_text('{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]}')
    assert whose(path, natives=False)[0] == whose(path, natives=True)[0] == {"universal"}


def test_a_clients_file_in_a_zip_is_not_taken_for_a_service(tmp_path: Path) -> None:
    folder = tmp_path / "zipped"
    folder.mkdir()
    shutil.move(handed(tmp_path, "jan", "messages.jsonl"), folder / "messages.jsonl")
    path = Path(shutil.make_archive(str(tmp_path / "mail"), "zip", folder))
    providers, found = whose(path, natives=False)
    assert providers == set() and [problem.reason for problem in found.problems] == [
        "a file of Jan's own, which is not read within a zip: unpack it and import it by itself"
    ]


@pytest.mark.parametrize("name", ["jan_messages.jsonl", "lmstudio_1767.conversation.json"])
def test_files_of_other_tools(name: str) -> None:
    path = SHARED / "fixtures" / "cloud_local" / "synthetic" / name
    if not path.exists():
        pytest.skip("no data of other tools beside the checkout")
    providers, found = whose(path, natives=False)
    assert providers <= {"jan", "lm-studio"} and len(providers | {one.reason for one in found.problems}) == 1

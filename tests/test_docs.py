"""What is written about the program is there, and what is there is written about."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from chasm_git.outputs.cli.commands import COMMANDS, Entry
from chasm_git.outputs.cli.context import Context
from chasm_git.outputs.cli.group import CommandGroup, LazyGroup, load
from chasm_git.outputs.cli.main import main, root
from chasm_git.providers import registry

ROOT = Path(__file__).parents[1]


def walk(entries: dict[str, Entry], above: tuple[str, ...] = ()) -> Iterator[tuple[str, Entry]]:
    for name, entry in entries.items():
        yield " ".join((*above, name)), entry
        if entry.commands is not None:
            yield from walk(entry.commands, (*above, name))


EVERY = dict(walk(COMMANDS))
LEAVES = {name: entry for name, entry in EVERY.items() if entry.module}
SHORT_WAYS = {
    "harvest status": "git status",
    "harvest list": "list sessions",
    "harvest search": "find session",
    "harvest sync": "sync",
    "move path": "move workspace",
    "recover orphans": "detect orphaned",
}
"""Commands under a second name, for people who know them by it."""


@pytest.mark.parametrize("name", EVERY)
def test_the_table_has_a_sentence_for_every_command(name: str) -> None:
    assert re.fullmatch(r"[A-Z].{8,70}\.", EVERY[name].summary)


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_loads_and_explains_itself(name: str) -> None:
    last = name.split()[-1]
    command = load(last, LEAVES[name], "chasm")
    assert command.name == SHORT_WAYS.get(name, name).split()[-1]
    if isinstance(command, CommandGroup):
        command = command.itself
    assert command.help and command.help.strip().split("\n")[0].endswith(".")
    for param in command.params:
        if isinstance(param, click.Option):
            assert param.help, f"{name}: {param.opts} has no help"
    with click.Context(command, info_name=last) as context:
        assert "--json" in command.get_help(context)


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_shows_an_example_that_it_takes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(LEAVES[name].example)
    assert words or name in {"recover orphans", "cache rebuild", "git remote list"}
    command = load(name.split()[-1], LEAVES[name], "chasm")
    try:
        command.make_context(name, list(words), obj=Context({}))  # UsageError where it does not take them
    except click.BadParameter as error:
        assert "does not exist" in error.message  # a file that only a person has
    assert main([*name.split(), "--help"]) == 0
    assert f"  Example: chasm {name} {LEAVES[name].example}".rstrip() + "\n" in capsys.readouterr().out


def test_every_command_has_a_module_of_its_own_and_tests_that_call_it() -> None:
    modules = [entry.module for name, entry in LEAVES.items() if name not in SHORT_WAYS]
    assert len(set(modules)) == len(modules)
    assert all(LEAVES[name].module == LEAVES[other].module for name, other in SHORT_WAYS.items())
    tests = "".join(path.read_text() for path in (ROOT / "tests" / "cli").glob("test_*.py"))
    untested = [name for name in LEAVES if ", ".join(f'"{word}"' for word in name.split()) not in tests]
    assert untested == []
    for module in modules:
        assert import_module(f"chasm_git.outputs.cli.{module}").__doc__


def test_help_lists_the_table() -> None:
    assert isinstance(root, LazyGroup)
    with click.Context(root, info_name="chasm") as context:
        text = root.get_help(context)
    for name in COMMANDS:
        assert re.search(rf"(?m)^  {name} ", text)


@pytest.mark.parametrize("name", registry.BUILT_IN)
def test_every_provider_says_what_it_reads_and_has_fixtures(name: str) -> None:
    provider = registry.load(name)
    assert provider.name == name and provider.title
    assert type(provider).__doc__ and import_module(type(provider).__module__).__doc__
    folder = ROOT / "fixtures" / name
    assert any(path.is_file() for path in folder.rglob("*")), f"fixtures/{name} is missing"


def test_the_readme_mentions_every_command() -> None:
    readme = ROOT / "README.md"
    if not readme.is_file():
        pytest.skip("no README yet")
    text = readme.read_text()
    assert [name for name in COMMANDS if f"chasm {name}" not in text] == []


def test_the_readme_names_no_command_that_is_not_there() -> None:
    readme = ROOT / "README.md"
    if not readme.is_file():
        pytest.skip("no README yet")
    called = re.findall(r"(?m)^\s*(?:\$ )?chasm ((?:[a-z]+ ?){1,2})", readme.read_text())
    wrong = []
    for words in (line.split() for line in called):
        entry = COMMANDS.get(words[0])
        if entry is None or (entry.commands is not None and len(words) > 1 and words[1] not in entry.commands):
            wrong.append(" ".join(words))
    assert wrong == []


def test_contributing_names_files_that_are_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"`((?:chasm_git|tests|fixtures|hooks|\.ci)/[\w./-]+)`", text))
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []

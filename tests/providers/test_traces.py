"""A reader that is not asked would have found nothing: what `discover` looks at is below the traces it leaves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chasm_git.providers import registry
from chasm_git.providers.base import Env
from chasm_git.providers.traces import TRACES, Traces

PLATFORMS = ("linux", "darwin", "win32")
EVENTS = {"os.scandir", "os.listdir", "open"}

_looked_at: list[str] | None = None


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _looked_at is not None and event in EVENTS and isinstance(arguments[0], str):
        _looked_at.append(arguments[0])


@pytest.fixture(scope="module", autouse=True)
def listening() -> None:
    sys.addaudithook(_hook)


def looked_at(name: str, env: Env) -> list[Path]:
    """Every folder listed and file opened by a provider's `discover`."""
    global _looked_at
    provider = registry.load(name)
    _looked_at = []
    try:
        list(provider.discover(env))
        return [Path(path) for path in _looked_at]
    finally:
        _looked_at = None


def environments(tmp_path: Path, platform: str) -> Iterator[Env]:
    yield Env(tmp_path / "home", {}, platform)
    bases = {"XDG_CONFIG_HOME": "c", "XDG_DATA_HOME": "d", "APPDATA": "r", "LOCALAPPDATA": "l"}
    yield Env(tmp_path / "home", {name: str(tmp_path / below) for name, below in bases.items()}, platform)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("name", sorted(TRACES))
def test_a_reader_looks_nowhere_but_at_its_traces(name, platform, tmp_path):
    for env in environments(tmp_path, platform):
        traces = Traces(env)
        places = [place for trace in TRACES[name] for place in whole(traces, env, trace)]
        allowed = [*places, env.home / ".var" / "app"]
        for path in looked_at(name, env):
            assert any(path.is_relative_to(place) for place in allowed), path


def whole(traces: Traces, env: Env, trace: str) -> Iterator[Path]:
    """Where a trace leads when every editor is there."""
    from chasm_git.providers.formats.vscode_places import user_folders

    if trace.startswith("editor:"):
        yield from (user / trace.partition(":")[2] for user in user_folders(env) if isinstance(user, Path))
    else:
        yield from traces.places(trace)


@pytest.mark.parametrize("name", sorted(TRACES))
def test_nothing_is_found_where_there_is_no_trace_and_something_where_there_is(name, tmp_path):
    env = Env(tmp_path)
    assert not Traces(env).has(name)
    for trace in TRACES[name]:
        if trace[0] == "$":
            assert Traces(Env(tmp_path, {trace[1:]: "/elsewhere"})).has(name)
            assert not Traces(Env(tmp_path, {trace[1:]: ""})).has(name)


def test_a_variable_a_reader_heeds_is_one_of_its_traces(tmp_path):
    class Heard(dict):
        def get(self, key, default=None):
            heard.add(key)
            return super().get(key, default)

    common = {"XDG_CONFIG_HOME", "XDG_DATA_HOME", "APPDATA", "LOCALAPPDATA", "VSCODE_PORTABLE"}
    for name, traces in TRACES.items():
        for platform in PLATFORMS:
            heard: set[str] = set()
            list(registry.load(name).discover(Env(tmp_path, Heard(), platform)))
            assert heard - common <= {trace[1:] for trace in traces if trace[0] == "$"}, name


def test_a_provider_that_is_not_in_the_table_is_always_asked(tmp_path):
    assert Traces(Env(tmp_path)).has("somebody-elses")


def test_an_editor_counts_only_with_the_extension_in_it(tmp_path):
    user = tmp_path / ".config" / "VSCodium" / "User"
    user.mkdir(parents=True)
    assert Traces(Env(tmp_path)).has("vscode")
    assert not Traces(Env(tmp_path)).has("roo-code")
    (user / "globalStorage" / "rooveterinaryinc.roo-cline").mkdir(parents=True)
    assert Traces(Env(tmp_path)).has("roo-code")


def test_names_in_the_table_are_registered():
    assert set(TRACES) <= set(registry.BUILT_IN)

"""Where the archive is, and whose providers are looked at."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from chasm_git.outputs.cli.context import Context


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.chdir(tmp_path)
    return Context(os.environ)


def configure(*arguments: str) -> None:
    subprocess.run(["git", "config", *arguments], check=True)


def test_the_default_is_the_user_data_folder(context: Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert context.archive_path().name == "archive"
    assert context.archive_path().parent.name == "chasm"


def test_the_nearer_word_counts(context: Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    configure("--global", "chasm.archive", "~/configured")
    assert context.archive_path() == Path.home() / "configured"
    monkeypatch.setenv("CHASM_ARCHIVE", "~/named")
    assert context.archive_path() == Path.home() / "named"
    context.archive = "given"
    assert context.archive_path() == tmp_path / "given"


def test_a_repository_may_name_its_archive(context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    configure("chasm.archive", str(tmp_path / "beside"))
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert context.archive_path() == tmp_path / "beside"


def test_an_included_file_counts(context: Context, tmp_path: Path) -> None:
    (tmp_path / "more").write_text("[chasm]\n\tarchive = /included\n")
    configure("--global", "include.path", str(tmp_path / "more"))
    assert context.archive_path() == Path("/included")


def test_git_is_not_started_without_need(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    configure("--global", "user.name", "Ana")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: pytest.fail("git was started"))
    assert context.archive_path().name == "archive"


def test_providers_of_this_home_and_of_another(
    context: Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CODEX_HOME", "/somewhere")
    env = context.env()
    assert (env.home, env.folder("CODEX_HOME", ".codex")) == (Path.home(), Path("/somewhere"))
    context.home = "rescued"
    env = context.env()
    assert (env.home, env.folder("CODEX_HOME", ".codex")) == (tmp_path / "rescued", tmp_path / "rescued" / ".codex")

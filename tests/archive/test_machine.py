"""What a machine is called: by git's settings, nearest first, else by its host; from then on always the same."""

import platform
import subprocess

import pytest

from chasm_git.archive.machine import machine_name
from chasm_git.archive.repo import init_archive, open_archive


@pytest.fixture
def archive(tmp_path):
    init_archive(tmp_path / "archive").close()
    return tmp_path / "archive"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home without settings, and a system without any."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(tmp_path / "system"))
    monkeypatch.delenv("GIT_CONFIG_GLOBAL", raising=False)
    monkeypatch.delenv("GIT_CONFIG_NOSYSTEM", raising=False)
    return tmp_path


def name(path, *, keep=True):
    with open_archive(path) as archive:
        return machine_name(archive, keep=keep)


def config(*arguments):
    subprocess.run(["git", "config", *arguments], check=True)


@pytest.mark.parametrize("where", ["--global", "--system"])
def test_a_setting_of_the_user_or_the_system_counts(archive, where):
    config(where, "chasm.machine", "study desk")
    assert name(archive, keep=False) == name(archive) == "study-desk"
    config(where, "chasm.machine", "another")
    assert name(archive) == "study-desk"


def test_included_settings_count_and_the_nearest_wins(archive, home):
    (home / "more").write_text("[chasm]\n\tmachine = included\n")
    config("--global", "include.path", str(home / "more"))
    config("--system", "chasm.machine", "far")
    assert name(archive, keep=False) == "included"
    config("--file", str(archive / ".git" / "config"), "chasm.machine", "near")
    assert name(archive) == "near"


@pytest.mark.parametrize("text", ["", "[chasm\n", "[chasm]\n\tmachine\n[user]\n\tname = A\n", "\xff"])
def test_settings_that_say_nothing_leave_the_host_name(archive, home, text):
    (home / ".gitconfig").write_text(text, "latin-1")
    assert name(archive, keep=False) in (platform.node().partition(".")[0], "true")
    assert (home / ".gitconfig").read_text("latin-1") == text

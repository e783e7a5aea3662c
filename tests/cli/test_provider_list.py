"""`chasm provider list`, and the README's table made by it."""

from __future__ import annotations

from pathlib import Path

from chasm_git.providers import registry
from tests.cli.calling import Program

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- chasm provider list --markdown -->\n", "<!-- end -->\n"


def test_what_is_here_is_counted(fresh: Program, home: Path) -> None:
    listed = {one["name"]: one for one in fresh("provider", "list", "--home", str(home), "--json").json}
    assert set(listed) >= {*registry.BUILT_IN, *registry.EXPORTS, *registry.NOT_STORED}
    assert listed["claude-code"]["found"] and listed["claude-code"]["readable"] and listed["claude-code"]["writable"]
    assert listed["chatgpt"]["kind"] == "export" and not listed["vllm"]["readable"]
    assert all(one["title"] and one["note"] for one in listed.values())
    assert not fresh.archive.exists()


def test_only_what_was_found(fresh: Program, home: Path, tmp_path: Path) -> None:
    called = fresh("provider", "list", "--found", "--home", str(home))
    assert "claude-code" in called.out and "crush" not in called.out
    called = fresh("provider", "list", "--found", "--home", str(tmp_path / "nobody"))
    assert called.out == "" and "without --found" in called.err


def test_a_folder_that_cannot_be_listed_is_named(fresh: Program, tmp_path: Path) -> None:
    place = tmp_path / "home" / ".pi" / "agent" / "sessions"
    place.parent.mkdir(parents=True)
    place.symlink_to(place)
    called = fresh("provider", "list", "--home", str(tmp_path / "home"))
    assert f"pi: {place}: cannot be listed" in called.err


def test_the_readme_has_the_table(fresh: Program, tmp_path: Path) -> None:
    made = fresh("provider", "list", "--markdown", "--home", str(tmp_path)).out
    held = README.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    assert held == made, "put what `chasm provider list --markdown` prints between the two comments in README.md"

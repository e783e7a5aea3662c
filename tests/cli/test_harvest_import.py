"""`chasm harvest import`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.calling import Program
from tests.conftest import git

FIXTURES = Path(__file__).parents[2] / "fixtures"
CHATGPT, CLAUDE = str(FIXTURES / "chatgpt"), str(FIXTURES / "claude-ai")


def test_exports_become_one_commit(fresh: Program) -> None:
    called = fresh("harvest", "import", CHATGPT, CLAUDE)
    assert called.err == f"made an archive at {fresh.archive}\n"
    assert called.out.startswith("harvest: 5 new (chatgpt 2, claude-ai 3)\n  + ")
    before = git(fresh.archive, "rev-parse", "HEAD")
    assert fresh("harvest", "import", CHATGPT).out.startswith("nothing new")
    assert git(fresh.archive, "rev-parse", "HEAD") == before
    assert "celadon" in fresh("show", "session", "6a1f4c2e").out


def test_json_tells_what_was_done(fresh: Program) -> None:
    done = fresh("harvest", "import", CLAUDE, "--json", "-m", "mail").json
    assert (done["new"], done["problems"]) == (3, [])
    assert git(fresh.archive, "log", "-1", "--format=%s") == "mail\n"


def test_a_dry_run_writes_nothing(fresh: Program) -> None:
    assert fresh("harvest", "import", CHATGPT, "--dry-run").out.startswith("would harvest: 2 new")
    assert not fresh.archive.exists()


def test_what_cannot_be_read_is_named_and_the_rest_is_there(fresh: Program, tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text("{}")
    called = fresh("harvest", "import", str(tmp_path / "odd.json"), CHATGPT, expect=4)
    assert "odd.json: no conversations that are known here" in called.err
    assert len(fresh("list", "sessions", "--json").json) == 2


def test_what_makes_no_sense_is_said(fresh: Program, tmp_path: Path) -> None:
    assert "no file or folder" in fresh("harvest", "import", str(tmp_path / "nowhere"), expect=2).err
    assert "claude-ai" in fresh("harvest", "import", CHATGPT, "--provider", "nobody", expect=2).err
    assert fresh("harvest", "import", expect=2).err


def test_a_provider_can_be_named(fresh: Program) -> None:
    fresh("harvest", "import", CHATGPT, CLAUDE, "--provider", "chatgpt", expect=4)
    assert {one["provider"] for one in fresh("list", "sessions", "--json").json} == {"chatgpt"}


def test_many_broken_conversations_are_one_file_that_could_not_be_read(fresh: Program, tmp_path: Path) -> None:
    (whole,) = (FIXTURES / "chatgpt").rglob("conversations.json")
    listed = json.loads(whole.read_text())
    (tmp_path / "conversations.json").write_text(
        json.dumps([*listed, *[{"id": f"x{n}", "mapping": 3} for n in range(30)]])
    )
    called = fresh("harvest", "import", str(tmp_path / "conversations.json"), expect=4)
    assert "chasm: 1 source could not be read" in called.err
    assert called.err.count("no conversation\n") == 20
    assert "conversations.json: … and 10 more (--json lists all)" in called.err
    again = fresh("harvest", "import", str(tmp_path / "conversations.json"), "--json", expect=4)
    assert len(again.json["problems"]) == 30

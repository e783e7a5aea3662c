"""`chasm resume`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.calling import Program
from tests.conftest import git
from tests.providers.writing_case import files

LOGIN = "5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11"
COUNT = "019ba1d0-6c00-7a10-9c3e-2f8d41b7e905"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def test_in_another_tool(fresh: Program, home: Path, project: Path) -> None:
    at = ("--home", str(home), "--path", str(project))
    fresh("harvest", "run", "--home", str(home))
    before = files(home)
    planned = fresh("resume", "5f0c", "--in", "codex", "--dry-run", *at)
    assert files(home) == before
    called = fresh("resume", "5f0c", "--in", "codex", *at)
    assert called.out == planned.out
    key = called.out.split()[-1]
    assert called.out == f"cd {project} && codex resume {key}\n"
    assert "thinking (1)" in called.err and "sub-agent sessions (1)" in called.err
    (new,) = files(home).keys() - before.keys()
    assert new.endswith(f"-{key}.jsonl") and new.startswith(".codex/sessions/2026/01/08/rollout-2026-01-08T12-00-00-")
    assert fresh("resume", "5f0c", "--in", "codex", *at).err.startswith("codex has it\n")
    fresh("harvest", "run", "--home", str(home))
    assert fresh("show", "session", key, "--json").json["forked_from"] == LOGIN


def test_in_its_own_tool(fresh: Program, home: Path, project: Path) -> None:
    fresh("harvest", "run", "--home", str(home))
    at = ("--home", str(home), "--path", str(project))
    made = fresh("resume", LOGIN, *at, "--json").json
    assert (made["outcome"], made["session_id"]) == ("restored", LOGIN)
    assert made["command"] == f"cd {project} && claude --resume {LOGIN}"


def test_in_its_own_tool_which_has_gone_on(fresh: Program, home: Path, project: Path) -> None:
    at = ("--home", str(home), "--path", str(project))
    fresh("harvest", "run", "--home", str(home))
    rollout = next((home / ".codex").rglob("rollout-*.jsonl"))
    rollout.write_bytes(rollout.read_bytes() + b'{"timestamp":"2026-01-09T09:13:00.000Z","type":"x","payload":{}}\n')
    before = files(home)
    called = fresh("resume", COUNT, *at)
    assert called.out.endswith(f"codex resume {COUNT}\n") and "and more" in called.err
    assert files(home) == before


def test_as_it_was(fresh: Program, home: Path, project: Path) -> None:
    """What came after it stays; the copy ends where it ended."""
    at = ("--home", str(home), "--path", str(project))
    rollout = next((home / ".codex").rglob("rollout-*.jsonl"))
    whole = rollout.read_bytes()
    lines = whole.splitlines(keepends=True)
    half = next(n for n, line in enumerate(lines) if b'"role":"assistant"' in line or b"function_call" in line) + 1
    rollout.write_bytes(b"".join(lines[:half]))
    fresh("harvest", "run", "--home", str(home))
    rollout.write_bytes(whole)
    fresh("harvest", "run", "--home", str(home))
    made = fresh("resume", COUNT, "--at", "HEAD~1", *at, "--json").json
    assert made["outcome"] == "copied" and made["session_id"] != COUNT
    assert rollout.read_bytes() == whole
    (place,) = [Path(path) for path in made["files"]]
    texts = [json.loads(line)["payload"].get("content") for line in place.read_bytes().splitlines()]
    assert sum(text is not None for text in texts) < whole.count(b'"content"')
    assert made == fresh("resume", f"{COUNT}@HEAD~1", *at, "--json").json | {
        "outcome": "copied",
        "standing": "absent",
        "files": made["files"],
    }


def test_where_its_folder_is_not(fresh: Program, home: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rollout = next((home / ".codex").rglob("rollout-*.jsonl"))
    first, rest = rollout.read_bytes().split(b"\n", 1)
    header = json.loads(first)
    header["payload"]["git"] = {"repository_url": "git@example.org:you/linecount.git"}
    rollout.write_bytes(json.dumps(header, separators=(",", ":")).encode() + b"\n" + rest)
    fresh("harvest", "run", "--home", str(home))
    monkeypatch.chdir(project)
    called = fresh("resume", COUNT, "--home", str(home), expect=2)
    assert "is not on this machine: --path DIR" in called.err
    git(project, "init", "-q")
    git(project, "remote", "add", "origin", "https://example.org/you/linecount.git")
    assert fresh("resume", COUNT, "--home", str(home)).out == f"cd {project} && codex resume {COUNT}\n"
    assert "is no folder here" in fresh("resume", COUNT, "--path", "/none", "--home", str(home), expect=2).err


def test_in_a_tool_that_nothing_is_written_into(fresh: Program, home: Path, project: Path) -> None:
    fresh("harvest", "run", "--home", str(home))
    at = ("--home", str(home), "--path", str(project))
    assert "drops what does not fit" in fresh("resume", COUNT, "--in", "cursor", *at, expect=1).err
    assert "no editor here" in fresh("resume", COUNT, "--in", "cline", *at, expect=1).err

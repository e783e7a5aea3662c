"""`chasm secrets scan`, `mask`, `allow`, and what a harvest and a push say about credentials."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from chasm_git.session.model import Message, Session
from chasm_git.session.secrets import Scanner
from tests.cli.calling import Program
from tests.conftest import Keep, git
from tests.session.fake_secrets import Fakes

TOKEN = str(Fakes(61).github())
PRINT = Scanner().fingerprint(TOKEN.encode())


@pytest.fixture
def leaky(chasm: Program, keep: Keep, example: Session) -> Program:
    last = example.messages[-1]
    example.messages.append(Message("leak", "user", "2026-01-09T12:00:00.000Z", f"use {TOKEN}", after=last.id))
    keep([example])
    return chasm


def test_what_is_found_is_shown_by_kind_and_beginning(leaky: Program, example: Session) -> None:
    called = leaky("secrets", "scan", expect=1)
    assert f"github-token ghp_… [{PRINT}] in {example.provider} {example.id} message leak" in called.out
    assert TOKEN not in called.out + called.err and "1 credential" in called.err
    assert leaky("secrets", "scan", example.id[:8], expect=1).out == called.out
    (one,) = leaky("secrets", "scan", "--all", "--json", expect=1).json["secrets"]
    assert (one["session"], one["message"], one["fingerprint"]) == (example.id, "leak", PRINT)
    assert one["latest"] and not one["allowed"]
    assert leaky("secrets", "scan", "--rev", "HEAD~1").out == ""
    assert leaky("secrets", "scan", "--rev", "HEAD~1..HEAD", expect=1).out == called.out
    leaky("secrets", "scan", "--all", example.id, expect=2)
    leaky("secrets", "scan", "--rev", "a..b", example.id, expect=2)


def test_masks(leaky: Program, example: Session) -> None:
    called = leaky("secrets", "mask", "--all", "--dry-run")
    assert "would mask 1 credential in 1 session" in called.out and "history" not in called.err
    leaky("secrets", "scan", expect=1)
    called = leaky("secrets", "mask", example.id)
    assert f"github-token [{PRINT}]" in called.out and "the history still has them" in called.err
    assert f"[secret:github-token:{PRINT}]" in leaky("show", "session", example.id).out
    assert leaky("secrets", "scan").out == ""
    assert leaky("secrets", "scan", f"{example.id}@HEAD~1", expect=1).out
    assert leaky("secrets", "mask", "--all", "--json").json["commit"] is None
    leaky("git", "verify")
    leaky("secrets", "mask", expect=2)
    leaky("secrets", "mask", "--all", example.id, expect=2)


def test_allowing(leaky: Program, example: Session) -> None:
    assert "would allow" in leaky("secrets", "allow", "--dry-run", PRINT).out
    assert f"allowed github-token [{PRINT}]" in leaky("secrets", "allow", example.id).out
    assert "(allowed)" in leaky("secrets", "scan").out
    assert "nothing to allow" in leaky("secrets", "allow", PRINT).out
    assert leaky("secrets", "mask", "--all").out == "nothing to mask\n"
    text = (leaky.archive / "chasm.yaml").read_text()
    assert PRINT in text and TOKEN not in text and text.startswith("#")
    assert leaky("secrets", "allow", PRINT, "--json").json["credentials"] == []


def test_a_push_is_refused_until_it_is_decided(leaky: Program, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "b.git")], check=True)
    leaky("git", "remote", "add", "origin", str(tmp_path / "b.git"))
    for command in (("git", "push"), ("sync",)):
        called = leaky(*command, expect=1)
        assert "nothing was sent to origin" in called.err and f"chasm secrets allow {PRINT}" in called.err
        assert git(tmp_path / "b.git", "for-each-ref", "refs/heads") == ""
    leaky("git", "push", "--allow-secrets")
    assert git(tmp_path / "b.git", "rev-parse", "main") == git(leaky.archive, "rev-parse", "main")
    assert leaky("sync").code == 0


def test_a_harvest_tells_or_masks(fresh: Program, home: Path) -> None:
    transcript = next(path for path in sorted(home.rglob("*.jsonl")) if "subagents" not in path.parts)
    lines = transcript.read_text().splitlines()
    record = next(json.loads(line) for line in lines if json.loads(line).get("type") == "user")
    record |= {"uuid": "0" * 8 + "-1111-4111-8111-111111111111", "message": {"role": "user", "content": TOKEN}}
    transcript.write_text("\n".join([*lines, json.dumps(record)]) + "\n")
    dry = fresh("harvest", "run", "--home", str(home), "--dry-run", "--redact", "mask")
    assert "would mask credentials" in dry.err
    called = fresh("harvest", "run", "--home", str(home), "--json")
    (one,) = called.json["secrets"]
    assert (one["rule"], one["fingerprint"], one["shown"]) == ("github-token", PRINT, "ghp_…")
    assert TOKEN not in called.out + called.err and called.json["redact"] == "warn"
    fresh("harvest", "import", str(home), "--redact", "shout", expect=2)
    (fresh.archive / "chasm.yaml").write_text("redact: mask\n")
    transcript.write_text("\n".join([*lines, json.dumps(record), json.dumps(record | {"uuid": "last"})]) + "\n")
    called = fresh("harvest", "run", "--home", str(home))
    assert "masked credentials in" in called.err and "chasm secrets mask --all" in called.err
    assert TOKEN not in next(fresh.archive.rglob("5f0c1f5e*.yaml")).read_text()


def test_hooks_answer_in_json_too(leaky: Program) -> None:
    assert leaky("hook", "pre-commit", "--json").json == {"ok": True, "refused": [], "notes": []}
    leaky("hook", "follow")
    head = git(leaky.archive, "rev-parse", "HEAD").strip()
    first = git(leaky.archive, "rev-list", "--max-parents=0", "HEAD").strip()
    git(leaky.archive, "update-ref", "refs/heads/main", first)
    told = leaky("hook", "update", "refs/heads/main", first, head, "--json").json
    assert told["ok"] and PRINT in told["notes"][0]
    leaky("hook", "update", "refs/heads/main", expect=2)
    leaky("hook", "post-office", expect=2)


def test_where_nothing_can_be_remembered_it_is_looked_at_again(leaky: Program) -> None:
    memory = leaky.archive / ".git" / "chasm" / "secrets"
    memory.unlink(missing_ok=True)
    memory.mkdir()
    for _ in range(2):
        assert PRINT in leaky("secrets", "scan", expect=1).out

"""Sessions that were written back, gone on with in the clients themselves, on a scripted model on loopback.

Slow, and only where ``CHASM_CLIENTS`` names a folder with the clients' programs in it; see CONTRIBUTING.md.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.calling import Program
from tests.cli.scripted_model import ANSWER, ScriptedModel, scripted_model

CLIENTS = os.environ.get("CHASM_CLIENTS")
"""A folder with the programs of clients, as npm leaves them in ``node_modules/.bin``."""
LOGIN = "5f0c1f5e-2a51-4f0e-9c53-0f6f3a1d7b11"
COUNT = "019ba1d0-6c00-7a10-9c3e-2f8d41b7e905"
SAID = {
    LOGIN: ("Why does the login page redirect twice?", "The login page now redirects once."),
    COUNT: ("Add a --json flag to linecount", "linecount"),
}
"""Of the sessions of the demo: what a person typed, and what was answered."""
AGAIN = "And does it still hold today?"
_PATIENCE = 120
"""Seconds a client has for one answer: some are slow to start on a busy machine."""

pytestmark = pytest.mark.skipif(
    not CLIENTS, reason="CHASM_CLIENTS names no folder with clients (CONTRIBUTING.md says how to get some)"
)


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with scripted_model() as serving:
        yield serving


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


Arguments = Callable[[str], list[str]]


def claude_code(home: Path, model: ScriptedModel) -> tuple[dict[str, str], Arguments]:
    env = {
        "ANTHROPIC_BASE_URL": model.url,
        "ANTHROPIC_API_KEY": "sk-test-not-a-key",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
        "IS_SANDBOX": "1",
    }
    return env, lambda key: ["claude", "--model", "claude-sonnet-4-5", "--resume", key, "-p", AGAIN]


def codex(home: Path, model: ScriptedModel) -> tuple[dict[str, str], Arguments]:
    (home / ".codex").mkdir(exist_ok=True)
    (home / ".codex" / "config.toml").write_text(f'model = "scripted"\nopenai_base_url = "{model.url}/v1"\n')
    (home / ".codex" / "auth.json").write_text('{"OPENAI_API_KEY": "sk-test-not-a-key"}')
    return {}, lambda key: ["codex", "exec", "--skip-git-repo-check", "resume", key, AGAIN]


def opencode(home: Path, model: ScriptedModel) -> tuple[dict[str, str], Arguments]:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": f"{model.url}/v1", "apiKey": "sk-test-not-a-key"},
        "models": {"scripted": {}},
    }
    (home / ".config/opencode").mkdir(parents=True, exist_ok=True)
    (home / ".config/opencode/opencode.json").write_text(
        json.dumps({"provider": {"scripted": provider}, "autoupdate": False, "share": "disabled"})
    )
    env = {"OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"}
    return env, lambda key: ["opencode", "run", "--model", "scripted/scripted", "--session", key, AGAIN]


def gemini_cli(home: Path, model: ScriptedModel) -> tuple[dict[str, str], Arguments]:
    (home / ".gemini").mkdir(exist_ok=True)
    (home / ".gemini/settings.json").write_text(
        json.dumps({"security": {"auth": {"selectedType": "gemini-api-key"}}, "telemetry": {"enabled": False}})
    )
    env = {
        "GOOGLE_GEMINI_BASE_URL": model.url,
        "GEMINI_API_KEY": "not-a-key",
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }
    return env, lambda key: ["gemini", "--model", "gemini-2.5-flash", "--resume", key, "-p", AGAIN]


READY = {"claude-code": claude_code, "codex": codex, "opencode": opencode, "gemini-cli": gemini_cli}
"""What each client needs to talk to the scripted model, and how it goes on with a session and ends after one answer."""


def run(command: list[str], home: Path, project: Path, env: dict[str, str]) -> str:
    """Run a client in an environment of its own; gives what it printed."""
    assert CLIENTS
    program = shutil.which(command[0], path=CLIENTS)
    if program is None:
        pytest.skip(f"there is no {command[0]} in {CLIENTS}")
    done = subprocess.run(
        [program, *command[1:]],
        cwd=project,
        env={"HOME": str(home), "PATH": os.environ["PATH"], "TERM": "dumb", **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=_PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{shlex.join(command)}:\n{done.stdout[-3000:]}"
    return done.stdout


@pytest.mark.parametrize("of", [LOGIN, COUNT])
@pytest.mark.parametrize("client", sorted(READY))
def test_gone_on_with(fresh: Program, home: Path, project: Path, model: ScriptedModel, client: str, of: str) -> None:
    """The client takes the session, tells the model all that was said in it, and adds to it what comes now."""
    fresh("harvest", "run", "--home", str(home))
    shutil.rmtree(home / ".claude", ignore_errors=True)
    shutil.rmtree(home / ".codex", ignore_errors=True)
    env, arguments = READY[client](home, model)
    if client == "opencode":  # which makes its database when it is first started
        run(["opencode", "session", "list"], home, project, env)
    made = fresh("resume", of, "--in", client, "--home", str(home), "--path", str(project), "--json").json
    key = made["session_id"]
    printed = run(arguments(key), home, project, env)
    assert ANSWER in printed
    heard = model.heard()
    assert all(text in heard for text in SAID[of]), "the model was not told what had been said"
    before = fresh("show", "session", key, "--json").json["messages"] if made["outcome"] == "restored" else []
    harvested = fresh("harvest", "run", "--home", str(home)).out
    after = fresh("show", "session", key, "--json").json["messages"]
    assert after[: len(before)] == before
    texts = json.dumps(after, ensure_ascii=False)
    assert all(text in texts for text in (*SAID[of], AGAIN, ANSWER)), harvested

"""`chasm web`: it says where it is, keeps to this machine, and ends when it is told to."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from chasm_git.outputs.cli import web
from chasm_git.session.model import Session
from tests.cli.calling import Program
from tests.conftest import Keep
from tests.outputs.web_server import served


@pytest.fixture(autouse=True)
def _needed() -> None:
    pytest.importorskip("uvicorn", reason="uvicorn is not installed: pip install 'chasm-git[web]'")


def test_it_serves_until_it_is_interrupted_and_chooses_a_port_of_its_own(chasm: Program) -> None:
    with served(chasm.archive) as one, served(chasm.archive, "--port", "0") as other:
        assert one.base != other.base and one.token != other.token
        assert one.url.startswith("http://127.0.0.1:")


def test_other_machines_only_where_that_is_said_and_with_a_warning(chasm: Program) -> None:
    with served(chasm.archive, "--host", "0.0.0.0", warns="reached from other machines") as server:
        assert f"http://{socket.gethostname()}:" in server.url and server.token
    assert "is no address of this machine" in chasm("web", "--host", "no such host", expect=1).err


def test_a_port_that_is_taken(chasm: Program) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"cannot listen at 127.0.0.1 port {port}" in chasm("web", "--port", port, "--no-browser", expect=1).err


def test_what_is_missing_is_named(chasm: Program, fresh: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "there is no archive" in Program(Path("/nowhere"), chasm._capture)("web", "--no-browser", expect=1).err
    monkeypatch.setattr(web, "find_spec", lambda name: None)
    assert "pip install 'chasm-git[web]'" in chasm("web", expect=1).err


def test_a_search_cache_is_filled_by_processes_that_end(chasm: Program, keep: Keep, example: Session) -> None:
    httpx = pytest.importorskip("httpx", reason="httpx is not installed: pip install 'chasm-git[dev]'")
    keep([replace(example, id=f"one-{number}") for number in range(300)])
    with served(chasm.archive) as server, httpx.Client(base_url=server.base, timeout=30, trust_env=False) as client:
        client.get(server.url)
        answer = client.get("/search", params={"q": "redirect"})
        while "x-making" in answer.headers:
            answer = client.get("/search", params={"q": "redirect"})
        assert "301 sessions" in answer.text

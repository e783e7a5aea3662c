"""Where Claude Code keeps its sessions, and what else lies there."""

import os
import shutil
from dataclasses import asdict

import pytest

from chasm_git.providers.base import Env, Problem, Source
from tests.providers.claude_case import CASES, claude, harvest, rows_of, sources, user


def test_discover_in_a_stable_order():
    assert [source.key for source in sources(CASES / "2.1")] == [
        "-home-ana-my-shop/a3000000-0000-4000-8000-000000000001.jsonl",
        "-home-ana-my-shop/a3000000-0000-4000-8000-000000000001/subagents/agent-a5170c0de0000001.jsonl",
        "-home-ana-my-shop/a3000000-0000-4000-8000-000000000001/subagents/workflows/wf_1/agent-a5170c0de0000002.jsonl",
        "-home-ana-my-shop/a3000000-0000-4000-8000-000000000002.jsonl",
        "-home-ana-my-shop/a3000000-0000-4000-8000-000000000003.jsonl",
        "-home-ana-my-shop/a3000000-0000-4000-8000-000000000004/subagents/agent-a5170c0de0000003.jsonl",
    ]
    assert sources(CASES / "2.1") == sources(CASES / "2.1")


def test_discover_where_the_client_was_told_to_write(tmp_path):
    shutil.copytree(CASES / "1.0/.claude", tmp_path / "elsewhere")
    assert len(sources(tmp_path, CLAUDE_CONFIG_DIR=str(tmp_path / "elsewhere"))) == 3
    assert sources(tmp_path) == []
    assert sources(tmp_path, CLAUDE_CONFIG_DIR="") == []


def test_two_homes_give_the_same_sessions(tmp_path):
    shutil.copytree(CASES / "2.1", tmp_path / "other machine")
    ours, theirs = (
        {name: [asdict(session) for session in reading.sessions] for name, reading in harvest(home).items()}
        for home in (CASES / "2.1", tmp_path / "other machine")
    )
    assert ours == theirs


@pytest.mark.parametrize(
    ("changed", "source"),
    [
        ("a3000000-0000-4000-8000-000000000001.jsonl", 0),
        ("a3000000-0000-4000-8000-000000000001/custom-title.json", 0),
        ("a3000000-0000-4000-8000-000000000001/tool-results/toolu_0110f2a60975af00c63aa9ed.txt", 0),
        ("a3000000-0000-4000-8000-000000000001/tool-results/a new one.txt", 0),
        ("a3000000-0000-4000-8000-000000000001/subagents/agent-a5170c0de0000001.jsonl", 1),
        ("a3000000-0000-4000-8000-000000000001/subagents/agent-a5170c0de0000001.meta.json", 1),
        ("memory/MEMORY.md", None),
    ],
)
def test_a_stamp_changes_with_any_file_of_the_session(changed, source, tmp_path):
    shutil.copytree(CASES / "2.1", tmp_path, dirs_exist_ok=True)
    before = [one.stamp for one in sources(tmp_path)]
    with (tmp_path / ".claude/projects/-home-ana-my-shop" / changed).open("ab") as file:
        file.write(b" ")
    after = [one.stamp for one in sources(tmp_path)]
    assert [n for n, (old, new) in enumerate(zip(before, after, strict=True)) if old != new] == (
        [] if source is None else [source]
    )


def test_what_lies_there_that_is_no_session(tmp_path):
    project = tmp_path / ".claude/projects/-home-ana-shop"
    project.mkdir(parents=True)
    (tmp_path / ".claude/projects/a file").write_text("x")
    (project / "notes.txt").write_text("x")
    (project / "._5f0c1f5e.jsonl").write_text("x")
    (project / "5f0c1f5e.jsonl.bak").write_text("x")
    (project / "a folder.jsonl").mkdir()
    (project / "link to nothing.jsonl").symlink_to(project / "nowhere")
    (project / "circle.jsonl").symlink_to(project / "circle.jsonl")
    (project.parent / "circle").symlink_to(project.parent / "circle")
    (project / "memory").mkdir()
    (project / "memory/agent-1.jsonl").write_bytes(rows_of(user()))
    if hasattr(os, "mkfifo"):
        os.mkfifo(project / "pipe.jsonl")
    assert sources(tmp_path) == []
    (project / "real.jsonl").write_bytes(rows_of(user()))
    (project / "linked.jsonl").symlink_to(project / "real.jsonl")
    assert [source.path.name for source in sources(tmp_path)] == ["linked.jsonl", "real.jsonl"]


def test_links_beside_a_session_are_not_followed(tmp_path):
    project = tmp_path / ".claude/projects/-home-ana-shop"
    (project / "a/tool-results").mkdir(parents=True)
    (project / "a.jsonl").write_bytes(rows_of(user()))
    (tmp_path / "secret").write_text("secret")
    (project / "a/tool-results/secret.txt").symlink_to(tmp_path / "secret")
    (project / "a/loop").symlink_to(project)
    (source,) = sources(tmp_path)
    assert source.extra is None


def test_a_store_that_cannot_be_listed_is_a_problem(tmp_path):
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude/projects").write_text("not a folder")
    (problem,) = claude.discover(Env(tmp_path))
    assert isinstance(problem, Problem)
    assert problem.fatal
    assert "cannot be listed" in str(problem)


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root may read everything")
def test_a_project_that_cannot_be_listed_does_not_hide_the_others(tmp_path):
    shutil.copytree(CASES / "1.0", tmp_path, dirs_exist_ok=True)
    closed = tmp_path / ".claude/projects/-closed"
    closed.mkdir(mode=0)
    found = list(claude.discover(Env(tmp_path)))
    assert [type(item) for item in found] == [Problem, Source, Source, Source]
    closed.chmod(0o700)


def test_a_side_file_that_went_or_broke(tmp_path):
    shutil.copytree(CASES / "2.1", tmp_path, dirs_exist_ok=True)
    source = sources(tmp_path)[0]
    folder = source.path.with_suffix("")
    (folder / "custom-title.json").write_bytes(b'{"customTitle":')
    shutil.rmtree(folder / "tool-results")
    reading = claude.read(source)
    (session,) = reading.sessions
    assert session.title == "Prices"
    assert [(problem.fatal, problem.path.rpartition("/")[2]) for problem in reading.problems] == [
        (False, "custom-title.json")
    ]
    files = claude.export(session, reading.attachments.__getitem__)
    assert files[f"{session.id}/custom-title.json"] == b'{"customTitle":'
    (folder / "custom-title.json").unlink()
    (folder / "custom-title.json").mkdir()
    reading = claude.read(source)
    assert [problem.fatal for problem in reading.problems] == [False]

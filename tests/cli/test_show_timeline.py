"""`chasm show timeline|path|workspace` and `list agents`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chasm_git.outputs.cli.terminal import local_time
from chasm_git.session.model import Message, Session
from tests.cli.calling import Program


def session(identity: str, day: str, *, workspace: str | None = "/home/ana/shop", parent: str | None = None) -> Session:
    said = Message(f"{identity}-1", "user", f"{day}T12:00:00.000Z", content=f"about {identity}")
    made = Session(identity, "codex", workspace=workspace, created_at=said.timestamp, messages=[said])
    made.parent = parent
    return made


@pytest.fixture
def several(keep: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> Program:
    made = [
        session("one", "2026-01-08"),
        session("two", "2026-01-08", workspace="/home/ana/shop/api"),
        session("three", "2026-01-11", workspace="/home/ana/blog"),
        session("helper", "2026-01-11", parent="three"),
        session("nowhere", "2026-01-12", workspace=None),
    ]
    return Program(keep(made), capsys)


def test_the_timeline(several: Program) -> None:
    days = several("show", "timeline", "--json").json
    assert [(day["day"], len(day["sessions"])) for day in days] == [
        ("2026-01-08", 2),
        ("2026-01-11", 2),
        ("2026-01-12", 1),
    ]
    shown = several("show", "timeline").out
    assert "Thu 2026-01-08  2 sessions, 2 messages" in shown and "2 days without" in shown
    assert "about one" in shown
    last = several("show", "timeline", "-n", "1")
    assert "about one" not in last.out and "2 earlier days" in last.err


def test_a_span_has_two_ends_or_is_a_moment(keep: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    long, dateless = session("long", "2026-01-08"), session("dateless", "2026-01-08")
    long.messages.append(Message("later", "user", "2026-01-08T12:30:00.000Z", "bye", after="long-1"))
    dateless.created_at = None
    shown = Program(keep([long, dateless, session("moment", "2026-01-08")]), capsys)("show", "timeline").out
    spans = {line.split()[-1]: line.split()[0] for line in shown.splitlines()[1:]}
    noon, half = (local_time(f"2026-01-08T12:{minute}:00.000Z")[11:] for minute in ("00", "30"))
    assert spans == {"long": f"{noon}–{half}", "dateless": noon, "moment": noon}


def test_the_timeline_of_a_folder(several: Program) -> None:
    assert len(several("show", "timeline", "/home/ana/shop", "--json").json) == 2
    assert len(several("show", "timeline", "--workspace", "blog", "--json").json) == 1
    assert "no session matches" in several("show", "timeline", "/elsewhere").err


def test_a_folder(several: Program) -> None:
    assert {one["id"] for one in several("show", "path", "/home/ana/shop", "--json").json} == {"one", "two", "helper"}
    assert "about two" in several("show", "path", "/home/ana/shop/api").out
    assert "no session was held there" in several("show", "path").err


def test_a_workspace(several: Program) -> None:
    found = several("show", "workspace", "ana/shop", "--json").json
    assert {one["workspace"]: len(one["session_list"]) for one in found} == {
        "/home/ana/shop": 2,
        "/home/ana/shop/api": 1,
    }
    shown = several("show", "workspace", "blog").out
    assert shown.startswith("/home/ana/blog\n1 session, 1 message") and "about three" in shown
    assert "list workspaces" in several("show", "workspace", "nothing", expect=1).err


def test_agents(several: Program) -> None:
    (found,) = several("list", "agents", "--json").json
    assert (found["id"], found["parent"]) == ("helper", "three")
    assert "about helper" in several("list", "agents").out
    assert "no session of a sub-agent" in several("list", "agents", "--provider", "pi").err

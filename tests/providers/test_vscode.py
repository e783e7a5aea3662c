"""The VS Code reader against files of every version, the places they are found in, and whatever else may be in them."""

from __future__ import annotations

import base64
import copy
import json
import os
import random
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chasm_git.providers import registry
from chasm_git.providers.base import Env, Problem, Source
from chasm_git.providers.vscode import VSCode
from chasm_git.providers.vscode_log import replay
from chasm_git.session import attachments, codec, jsonio
from chasm_git.session.join import Body, dominates
from chasm_git.session.merge import absorb
from chasm_git.session.model import Message, Session
from chasm_git.session.order import ordered
from chasm_git.session.universal import universal
from tests.providers.test_vscode_log import histories
from tests.providers.vscode_case import (
    FIXTURES,
    NOON,
    SHARED,
    WORKSPACE,
    Log,
    asked,
    exported,
    fixture,
    harvest,
    initial,
    lines,
    off,
    only,
    push,
    put,
    read,
    same,
    shown,
    sources,
    state,
    text,
)

ONE, TWO, THREE, FOUR = (asked(n, f"question {n}", f"answer {n}") for n in (1, 2, 3, 4))
UUID = "5e550001-0000-4000-8000-000000000001"


def files() -> list[Path]:
    """Every session file there is to try: our own, and those a real client wrote."""
    places = [FIXTURES / "vscode", FIXTURES / "demo" / "vscode", SHARED / "fixtures" / "editors" / "vscode"]
    found = [path for place in places for path in place.rglob("*.json*") if path.name[8:9] == "-"]
    return sorted(found)


def kinds(message: Message) -> list[str]:
    return [part["type"] for part in message.parts()]


def parts(message: Message, kind: str) -> list[dict[str, Any]]:
    return [part for part in message.parts() if part["type"] == kind]


# --- every file -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", files(), ids=lambda path: f"{path.parent.parent.parent.name[:6]}-{path.name[4:8]}{path.suffix}"
)
def test_the_object_comes_back(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    reading = read(tmp_path, **{"log" if path.suffix == ".jsonl" else "flat": data}, stem=path.stem)
    kept = replay(data).state if path.suffix == ".jsonl" else _loaded(data)
    if kept is None or not (kept.get("requests") or reading.sessions):
        return
    assert same(exported(reading), kept)
    assert [*VSCode().export(only(reading), reading.attachments.__getitem__)] == [f"{kept['sessionId']}.json"]


def _loaded(data: bytes) -> Any:
    try:
        return jsonio.loads(data)
    except ValueError:
        return None


@pytest.mark.parametrize(
    "path", files(), ids=lambda path: f"{path.parent.parent.parent.name[:6]}-{path.name[4:8]}{path.suffix}"
)
def test_a_file_gives_a_good_session(path: Path) -> None:
    source = Source("vscode", "key", path, "")
    one, other = VSCode().read(source), VSCode().read(source)
    assert one.sessions == other.sessions
    for session in one.sessions:
        data = codec.dumps(session)
        assert codec.dumps(codec.loads(data)) == data
        assert len({message.id for message in session.messages}) == len(session.messages)
        assert list(ordered(session.messages)) == session.messages
        names = attachments.names_in([m.native for m in session.messages]) | attachments.names_in(
            [m.content for m in session.messages]
        )
        assert names <= set(one.attachments)
        assert str(path) not in data.decode()
        universal(session, one.attachments.__getitem__)


def test_every_fixture_is_read() -> None:
    assert {case.name: len(harvest(case)) for case in sorted((FIXTURES / "vscode").iterdir())} == {
        "agent": 1,
        "flat": 3,
        "log": 8,
        "twins": 3,
    }


def test_sessions_of_a_real_client(tmp_path: Path) -> None:
    place = SHARED / "fixtures" / "editors" / "vscode" / "code-server-1.139.1-written"
    if not place.is_dir():
        pytest.skip("no data of real clients beside the checkout")
    folder = tmp_path / ".local/share/code-server/User/workspaceStorage/-4f00e" / "chatSessions"
    shutil.copytree(place, folder)
    (folder / "itemtable_keys_dump.json").unlink()
    found = harvest(tmp_path)
    assert {key[7]: (s.title, shown(s), len(off(s))) for key, s in found.items()} == {
        "1": ("T1 flat msgstring respobj", ["q one", "ans one"], 0),
        "2": ("T2 flat msgobj respstring", ["q two", "ans two plain"], 0),
        "3": ("T3 flat normal", ["q three", "ans three"], 0),
        "4": ("T4 bare request", ["q four", "ans four"], 0),
        "5": (None, ["q five", "ans five"], 0),
        "6": ("T6 cancelled empty", ["q six", ""], 0),
        "7": ("T7 flat both strings", ["q seven", "ans seven plain"], 0),
        "8": ("T8 no vars empty parts", ["q eight", "ans eight"], 0),
    }
    assert found["00000006-0000-4000-8000-000000000006"].messages[1].status == "interrupted"


# --- what a request becomes -------------------------------------------------------------------------------------------


def test_version_1() -> None:
    session = fixture("flat", 1)
    assert (session.title, session.created_at) == (None, "2026-01-09T09:00:00.000Z")
    first, answer, second, cancelled, third, failed = session.messages
    assert text(first) == "How do I read a file in Python?"
    assert parts(first, "reference") == [
        {"type": "reference", "uri": "file:///home/ana/shop/app.py", "name": "selection"}
    ]
    assert text(answer).startswith("Use `open`:\n\n```python\nwith open(path)")
    assert kinds(answer) == ["text"]
    assert (second.id, second.content, second.timestamp) == ("request_2", "And write one?", None)
    assert (cancelled.status, text(cancelled)) == ("interrupted", "Open it with mode `w`")
    assert third.content == "Why?"
    assert failed.status == "failed"
    assert failed.content == [{"type": "error", "text": "Sorry, the service is not available."}]


def test_version_2() -> None:
    session = fixture("flat", 2)
    assert session.title == "Tests for the cart"
    user, answer = session.messages
    assert text(user) == "@workspace which of the modules in this folder have no tests at all, and why is #file:app.py"
    assert parts(user, "reference") == [
        {"type": "reference", "uri": "file:///home/ana/shop/app.py", "name": "file:app.py", "range": [3, 9]}
    ]
    assert text(answer).startswith("Two have none: cart.py and app.py#L12. The second is")
    assert [(part["uri"][-7:], part.get("range")) for part in parts(answer, "reference")] == [
        ("cart.py", None),
        ("/app.py", [12, 20]),
        ("/app.py", [3, 9]),
    ]
    assert (user.timestamp, answer.timestamp) == ("2026-01-10T09:00:00.000Z", "2026-01-10T09:00:02.500Z")


def test_attachments_of_a_request() -> None:
    user = fixture("flat", 3).messages[0]
    assert kinds(user) == ["text", "image", "image", "reference", "text", "reference"]
    old, new = parts(user, "image")
    assert old["data"] == new["data"]  # the one was base64, the other an object of numbers
    assert attachments.is_reference(old["data"])
    assert (old["media_type"], new["media_type"], new["name"]) == ("image/png", "image/png", "old.png")
    assert "off.py" not in json.dumps(user.content)
    assert parts(user, "text")[1]["text"] == "def total(items):\n    return sum(items)\n"
    assert len(jsonio.dumps(user.native)) < 3500


@pytest.mark.parametrize("value", ["dump", "$base64", "base64", "data:", "Buffer", "list"])
def test_image_data_in_every_form(value: str, tmp_path: Path) -> None:
    data = b"\x89PNG\r\n\x1a\n" + bytes(range(100))
    plain = base64.b64encode(data).decode()
    dump: Any = {str(n): octet for n, octet in enumerate(data)}
    forms: dict[str, Any] = {
        "dump": dump,
        "$base64": {"$base64": plain},
        "base64": plain,
        "data:": f"data:image/png;base64,{plain}",
        "Buffer": {"type": "Buffer", "data": list(data)},
        "list": list(data),
    }
    kept = state(asked(1, "look", "I see", variableData={"variables": [{"kind": "image", "value": forms[value]}]}))
    reading = read(tmp_path, flat=jsonio.dumps(kept))
    (part,) = parts(only(reading).messages[0], "image")
    assert (part["media_type"], reading.attachments[part["data"]["$attachment"]]) == ("image/png", data)
    assert same(exported(reading), kept)


def test_an_image_that_is_not_stored_is_referred_to(tmp_path: Path) -> None:
    variable = {
        "kind": "image",
        "name": "a.png",
        "value": {},
        "references": [{"reference": {"scheme": "file", "path": "/a b.png"}}],
    }
    user = only(
        read(tmp_path, flat=jsonio.dumps(state(asked(1, "q", variableData={"variables": [variable]}))))
    ).messages[0]
    assert parts(user, "reference") == [{"type": "reference", "uri": "file:///a%20b.png", "name": "a.png"}]


def test_edits_and_the_fences_around_them() -> None:
    answer = fixture("flat", 3).messages[3]
    assert kinds(answer) == ["text", "edit", "text", *["edit"] * 5, "reference"]
    before, after = parts(answer, "text")
    assert before["text"] == "I will make the total a method and test it.\n\n"
    assert after["text"] == "The total is a method now; every caller in Cart.total was changed.\n"
    cart, made, moved, deleted, outside, notebook = parts(answer, "edit")
    assert cart["edits"][0][0]["text"].startswith("    def total(self):")
    assert (made["kind"], moved["kind"], moved["old_uri"], deleted["kind"], outside["kind"]) == (
        "create",
        "rename",
        "file:///home/ana/shop/old%20cart.py",
        "delete",
        "edit",
    )
    assert notebook["uri"].endswith("plot.ipynb")


def test_tool_calls_are_the_models() -> None:
    answer = fixture("agent", 4).messages[1]
    calls, results = parts(answer, "tool_call"), parts(answer, "tool_result")
    assert [(call["id"], call["name"]) for call in calls] == [
        ("call_1", "read_file"),
        ("call_2", "manage_todo_list"),  # joined by its name: the screen has an id of its own
        ("call_3", "run_in_terminal"),
        ("call_4", "get_errors"),  # not on the screen
        ("call_5", "mcp_github_get_issue"),
        ("call_6", "runSubagent"),
        ("call_6a", "grep_search"),  # the sub-agent's, on the screen only
    ]
    assert calls[0]["arguments"] == {"filePath": "/home/ana/shop/cart.py", "startLine": 1, "endLine": 3}
    assert calls[2]["arguments"]["explanation"] == "Run the tests"
    assert [result["id"] for result in results] == [call["id"] for call in calls]
    assert results[0]["content"].splitlines() == [
        "File: `/home/ana/shop/cart.py`. Lines 1 to 3 (3 lines total):",
        "```python",
        "class Cart:",
        "    def __init__(self):",
        "        self.items = []",
        "```",
    ]
    assert results[2]["content"].startswith("Ran all of the tests")
    assert [part["type"] for part in results[4]["content"]] == ["text", "image"]
    assert [part["uri"] for part in results[6]["content"]] == [
        "file:///home/ana/shop/app.py",
        "file:///home/ana/shop/tests/test_cart.py",
    ]
    assert (answer.model, answer.usage) == ("copilot/gpt-4.1", {"input_tokens": 9100, "output_tokens": 310})


def test_nothing_is_said_twice() -> None:
    answer = fixture("agent", 4).messages[1]
    assert [part["text"] for part in answer.parts() if part["type"] in ("thinking", "text")] == [
        "The cart is in cart.py.",
        "I'll read the cart first, then run its tests.",
        "One test fails: total is called as a method, but it is an attribute.",
    ]
    native = jsonio.dumps(answer.native).decode()
    for said in (
        "The cart is in cart.py.",
        "I'll read the cart first",
        "class Cart:",
        "Two callers: app.py",
        '"issue_number":7',
    ):
        assert said not in native


def test_tool_calls_without_rounds() -> None:
    failed = fixture("agent", 4).messages[3]
    assert kinds(failed) == ["tool_call", "tool_result", "tool_call", "tool_call", "text", "error"]
    issue, folder, own = parts(failed, "tool_call")
    assert (issue["arguments"], folder["name"], folder["arguments"]) == (
        {"issue_number": 8},
        "list_dir",
        "Read [](file:///home/ana/shop)",
    )
    assert own["arguments"] == {"thoughts": "Is it 8 or 7?\nIt is 7."}
    (result,) = parts(failed, "tool_result")
    assert [part["type"] for part in result["content"]] == ["text", "image", "reference"]
    assert result["is_error"] is True
    assert (failed.status, failed.content[-1]) == (
        "failed",
        {"type": "error", "text": "Sorry, you have been rate-limited.", "code": "rateLimited"},
    )


def test_states_and_system_turns() -> None:
    messages = fixture("agent", 4).messages
    assert [message.status for message in messages[1::2]] == [None, "failed", "interrupted", None, None]
    assert text(messages[5]) == "I will now rewrite the wh"
    assert [message.injected for message in messages[::2]] == [False, False, False, True, False]


def test_an_answer_of_which_only_the_rounds_are_left() -> None:
    answer = fixture("agent", 4).messages[9]
    assert kinds(answer) == ["thinking", "text", "tool_call", "tool_result", "text"]
    assert [part.get("text") for part in answer.parts()][:2] == ["Look first.", "Let me look."]
    assert parts(answer, "tool_call")[0]["arguments"] == {"path": "/home/ana/shop"}


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"modelState": {"value": 0}}, "partial"),
        ({"modelState": {"value": 1}}, None),
        ({"modelState": {"value": 2}}, "interrupted"),
        ({"modelState": {"value": 3}}, "failed"),
        ({"modelState": {"value": 4}}, "partial"),
        ({"modelState": {"value": 99}}, None),
        ({"modelState": None}, None),
        ({"modelState": None, "isCanceled": True}, "interrupted"),
        ({"modelState": None, "isCanceled": False}, None),
        ({"modelState": None, "result": {"errorDetails": {"message": "no"}}}, "failed"),
        ({"modelState": None, "result": {"errorDetails": {"message": "no", "code": "canceled"}}}, "interrupted"),
        ({"modelState": None, "responseErrorDetails": {"message": "no"}}, "failed"),
    ],
)
def test_status(more: dict[str, Any], status: str | None, tmp_path: Path) -> None:
    session = only(read(tmp_path, flat=jsonio.dumps(state(asked(1, "q", "a", **more)))))
    assert session.messages[1].status == status


@pytest.mark.parametrize(
    ("undone", "active"),
    [
        ({"shouldBeRemovedOnSend": {"requestId": "request_1"}}, False),
        ({"shouldBeRemovedOnSend": {"requestId": "request_1", "afterUndoStop": "u1"}}, True),
        ({"isHidden": True}, False),
        ({"isHidden": False}, True),
        ({"shouldBeRemovedOnSend": None}, True),
        ({}, True),
    ],
)
def test_undone_requests_are_off_and_come_back(undone: dict[str, Any], active: bool, tmp_path: Path) -> None:
    kept = state(asked(1, "q", "a", **undone))
    reading = read(tmp_path, flat=jsonio.dumps(kept))
    assert [message.inactive for message in only(reading).messages] == [not active] * 2
    assert same(exported(reading), kept)


def test_the_header() -> None:
    session = fixture("flat", 3)
    assert session.git == {
        "branch": "total",
        "commit": "9f1c2d3e4b5a69788796a5b4c3d2e1f009182736",
        "remote": "git@example.org:ana/shop.git",
    }
    assert (session.title, session.workspace, session.provider) == ("The cart's total", "/home/ana/shop", "vscode")


@pytest.mark.parametrize(
    ("more", "title"),
    [
        ({"customTitle": "a"}, "a"),
        ({"computedTitle": "b"}, "b"),
        ({"customTitle": "a", "computedTitle": "b"}, "a"),
        ({"customTitle": "", "computedTitle": "b"}, "b"),
        ({"customTitle": 5}, None),
        ({}, None),
    ],
)
def test_title(more: dict[str, Any], title: str | None, tmp_path: Path) -> None:
    assert only(read(tmp_path, flat=jsonio.dumps(state(ONE, **more)))).title == title


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        (NOON, "2026-01-10T12:00:00.000Z"),
        (None, "2026-01-10T12:00:01.000Z"),
        (-1, "2026-01-10T12:00:01.000Z"),
        ("x", "2026-01-10T12:00:01.000Z"),
    ],
)
def test_created_at(created: Any, expected: str, tmp_path: Path) -> None:
    assert only(read(tmp_path, flat=jsonio.dumps(state(ONE, creationDate=created)))).created_at == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "2026-01-10T12:00:01.500Z"),
        ({"modelState": {"value": 1}, "result": {"timings": {"totalElapsed": 250}}}, "2026-01-10T12:00:01.250Z"),
        ({"modelState": {"value": 0}, "responseTimestamp": NOON}, "2026-01-10T12:00:00.000Z"),
        ({"modelState": {"value": 0}}, None),
        ({"modelState": {"value": 1}, "timestamp": -1, "result": {"timings": {"totalElapsed": 250}}}, None),
    ],
)
def test_time_of_an_answer(more: dict[str, Any], expected: str | None, tmp_path: Path) -> None:
    assert only(read(tmp_path, flat=jsonio.dumps(state(asked(1, "q", "a", **more))))).messages[1].timestamp == expected


@pytest.mark.parametrize("session_id", ["../../etc/passwd", "a/b", "", ".hidden", "x" * 300, "con\n", "\ud83d"])
def test_ids_from_strangers(session_id: str, tmp_path: Path) -> None:
    kept = state(ONE, sessionId=session_id)
    reading = read(tmp_path, flat=jsonio.dumps(kept))
    (name,) = VSCode().export(only(reading), reading.attachments.__getitem__)
    assert Path(name).name == name
    assert not name.startswith(".")
    assert only(reading).id == ("s-1" if session_id == "" or len(session_id) > 200 else session_id)
    assert same(exported(reading), kept)


def test_equal_requests_are_told_apart(tmp_path: Path) -> None:
    kept = state(ONE, ONE, {**ONE, "requestId": None}, {**ONE, "requestId": None}, 5, 5, None)
    reading = read(tmp_path, flat=jsonio.dumps(kept))
    ids = [message.id for message in only(reading).messages]
    assert ids[:4] == ["request_1", "request_1:response", "request_1~2", "request_1~2:response"]
    assert len(set(ids)) == 11
    assert same(exported(reading), kept)


def test_keys_stand_where_they_stood(tmp_path: Path) -> None:
    keys = [*ONE, "vote", "unknown", "result", "isHidden", "followups"]
    for seed in range(20):
        random.Random(seed).shuffle(keys)
        request = {key: ONE.get(key, [seed]) for key in keys}
        kept = state(request)
        assert same(exported(read(tmp_path, flat=jsonio.dumps(kept))), kept)
        header = [*kept]
        random.Random(seed).shuffle(header)
        moved = {key: kept[key] for key in header}
        assert same(exported(read(tmp_path, flat=jsonio.dumps(moved))), moved)


def test_long_values_become_attachments(tmp_path: Path) -> None:
    long = "a line of a long answer\n" * 5000
    calls = [{"id": "c1", "name": "t", "arguments": json.dumps({"text": long}, separators=(",", ":"))}]
    result = {
        "metadata": {
            "toolCallRounds": [{"toolCalls": calls}],
            "toolCallResults": {"c1": {"content": [{"value": long * 2}]}},
            "rendered": long * 3,
        }
    }
    inline = {"kind": "inlineReference", "name": "x", "inlineReference": {}}
    kept = state(
        asked(1, long, long, inline, long + "end", result=result),
        inputState={"inputText": long, "attachments": [{"value": {str(n): 7 for n in range(99)}}]},
    )
    reading = read(tmp_path, flat=jsonio.dumps(kept))
    assert same(exported(reading), kept)
    assert len(codec.dumps(only(reading))) < 20_000


# --- the log's history ------------------------------------------------------------------------------------------------


def test_streaming() -> None:
    session = fixture("log", 5)
    assert session.title == "Listing files"
    assert kinds(session.messages[1]) == ["thinking", "tool_call", "tool_result", "text"]
    assert text(session.messages[1]) == "One file: app.py"
    assert (session.messages[3].status, text(session.messages[3])) == ("partial", "There are no tests y")


def test_edited_sent_again_and_tried_again() -> None:
    session = fixture("log", 6)
    assert shown(session) == ["first", "one", "second", "two, said better"]
    assert off(session) == ["secnod", "A typo, I think.", "third", "three", "second", "two"]
    assert [m.after for m in session.messages] == [None, *(m.id for m in session.messages[:-1])]


def test_undone() -> None:
    assert shown(fixture("log", 7)) == ["first", "one"]
    assert off(fixture("log", 7)) == ["secnod", "A typo, I think.", "third", "three"]


def test_a_session_that_was_wiped_keeps_everything() -> None:
    session = fixture("log", 8)
    assert off(session) == ["first", "one", "secnod", "A typo, I think.", "third", "three"]
    assert session.title == "Wiped by a failed load"
    restored = copy.deepcopy(session)
    for message in restored.messages:
        message.inactive = False
    (data,) = VSCode().export(restored, {}.__getitem__).values()
    assert [request["message"]["text"] for request in jsonio.loads(data)["requests"]] == ["first", "secnod", "third"]


def test_a_torn_log() -> None:
    path = next((FIXTURES / "vscode" / "log").rglob("5e550009*"))
    reading = VSCode().read(Source("vscode", "k", path, ""))
    assert shown(only(reading)) == ["first", "one", "secnod", "A typo, I think."]
    (problem,) = reading.problems
    assert (problem.line, problem.fatal) == (3, False)
    (kept,) = only(reading).native["unread"]
    assert kept["$line"].encode() == path.read_bytes().splitlines()[2]


def test_a_log_broken_in_the_middle() -> None:
    path = next((FIXTURES / "vscode" / "log").rglob("5e550010*"))
    reading = VSCode().read(Source("vscode", "k", path, ""))
    assert shown(only(reading)) == ["first", "one", "secnod", "A typo, I think."]
    assert off(only(reading)) == ["third", "three"]
    assert only(reading).title == "Broken in the middle"
    assert [(problem.line, problem.fatal) for problem in reading.problems] == [(3, False)]


def test_windows_that_were_opened_and_never_used_are_no_sessions(tmp_path: Path) -> None:
    empty = state(inputState={"inputText": " \n", "attachments": []}, pendingRequests=[])
    for reading in (read(tmp_path, log=lines(initial(empty))), read(tmp_path, flat=jsonio.dumps(empty))):
        assert (reading.sessions, reading.problems) == ([], [])
    assert fixture("log", 12).native["session"]["inputState"]["inputText"] == "a question I have not sent yet"
    queued = state(pendingRequests=[{"id": "p", "request": ONE, "kind": "queued"}])
    assert same(exported(read(tmp_path, flat=jsonio.dumps(queued))), queued)


# --- both files -------------------------------------------------------------------------------------------------------


def test_the_log_counts_and_the_old_object_is_not_lost() -> None:
    session = fixture("twins", 14)
    assert session.title == "New name"
    assert shown(session) == ["first", "one", "second", "two"]
    assert off(session) == ["secnod", "A typo, I think.", "third", "three"]


def test_an_old_object_that_says_nothing_new_adds_nothing(tmp_path: Path) -> None:
    old = state({**asked(1, "q"), "message": "q", "response": ["ans"], "requestId": None, "timestamp": None}, TWO)
    new = state(asked(1, "q", "answer"), TWO, THREE)
    session = only(read(tmp_path, log=lines(initial(new)), flat=jsonio.dumps(old)))
    assert off(session) == []
    assert len(session.messages) == 6


def test_an_answer_the_old_object_had_whole_is_kept(tmp_path: Path) -> None:
    emptied = {**ONE, "response": []}
    session = only(read(tmp_path, log=lines(initial(state(emptied))), flat=jsonio.dumps(state(ONE))))
    assert (shown(session), off(session)) == (["question 1", ""], ["question 1", "answer 1"])
    assert session.messages[2].id == "request_1"
    assert session.messages[0].id.startswith("request_1~")
    assert same(
        exported(read(tmp_path, log=lines(initial(state(emptied))), flat=jsonio.dumps(state(ONE)))), state(emptied)
    )


def test_a_log_that_holds_nothing_gives_way_to_the_object() -> None:
    path = next((FIXTURES / "vscode" / "twins").rglob("5e550015*.jsonl"))
    reading = VSCode().read(Source("vscode", "k", path, ""))
    assert (only(reading).title, shown(only(reading))) == ("Only here", ["first", "one", "secnod", "A typo, I think."])
    assert [problem.fatal for problem in reading.problems] == [False, False]
    assert "read from 5e550015" in reading.problems[1].reason


@pytest.mark.parametrize("log", [b"", b"\n", b"nonsense", lines(put("a", v=1)), lines(initial(5)), lines(initial([]))])
def test_a_log_that_holds_nothing_alone(log: bytes, tmp_path: Path) -> None:
    reading = read(tmp_path, log=log)
    assert reading.sessions == []
    assert [problem for problem in reading.problems if problem.fatal]
    beside = read(tmp_path, log=log, flat=jsonio.dumps(state(ONE)))
    assert shown(only(beside)) == ["question 1", "answer 1"]
    assert beside.problems
    assert not [problem for problem in beside.problems if problem.fatal]


def test_requests_of_a_log_without_its_beginning_are_kept(tmp_path: Path) -> None:
    reading = read(
        tmp_path, log=lines(push("requests", v=[ONE]), push("requests", 0, "response", v=[]), push("requests", v=[TWO]))
    )
    assert only(reading).id == "s-1"
    assert off(only(reading)) == ["question 1", "answer 1", "question 2", "answer 2"]
    assert exported(reading) == {}
    alone = state(THREE)
    merged = read(tmp_path, log=lines(push("requests", v=[ONE])), flat=jsonio.dumps(alone))
    assert (shown(only(merged)), off(only(merged))) == (["question 3", "answer 3"], ["question 1", "answer 1"])
    assert same(exported(merged), alone)


# --- broken objects ---------------------------------------------------------------------------------------------------


def test_an_object_cut_off_in_the_middle() -> None:
    path = next((FIXTURES / "vscode" / "twins").rglob("5e550016*"))
    reading = VSCode().read(Source("vscode", "k", path, ""))
    assert shown(only(reading)) == ["first", "one", "secnod", "A typo, I think."]
    (problem,) = reading.problems
    assert not problem.fatal
    assert only(reading).native["unread"]


def test_an_object_cut_off_anywhere(tmp_path: Path) -> None:
    kept = {
        "version": 3,
        "sessionId": "s-1",
        "customTitle": 'a {["}] \\',
        "requests": [ONE, TWO, THREE],
        "other": {"x": [1]},
    }
    data = jsonio.dumps(kept)
    for cut in range(1, len(data)):
        reading = read(tmp_path, flat=data[:cut])
        assert reading.problems
        whole = [
            f"question {n}"
            for n in (1, 2, 3)
            if data[:cut].count(b'"completedAt"') >= n
            and data.find(jsonio.dumps([ONE, TWO, THREE][n - 1])) + len(jsonio.dumps([ONE, TWO, THREE][n - 1])) <= cut
        ]
        found = [m.content for s in reading.sessions for m in s.messages if m.role == "user"]
        assert found == whole
        for session in reading.sessions:
            codec.dumps(session)


def test_one_request_that_cannot_be_read_costs_no_other(tmp_path: Path) -> None:
    data = jsonio.dumps(state(ONE, TWO, THREE, customTitle="t"))
    for broken in (
        b'{"requestId":tru}',
        b'{"deep":' + b"[" * 600 + b"]" * 600 + b"}",
        b'{"requestId":"caf\xe9","x":[1,2]]}',
    ):
        spoilt = data.replace(jsonio.dumps(TWO), broken)
        reading = read(tmp_path, flat=spoilt)
        session = only(reading)
        assert [m.role for m in session.messages] in (
            ["user", "assistant", "event", "user", "assistant"],
            ["user", "assistant", "user", "assistant"],
        )
        assert (session.title, shown(session)[:2]) == ("t", ["question 1", "answer 1"])
        assert [problem.fatal for problem in reading.problems] == [False]
        if len(session.messages) == 5:
            (made,) = VSCode().export(session, reading.attachments.__getitem__).values()
            assert made == spoilt


def test_bytes_that_are_no_utf8(tmp_path: Path) -> None:
    data = jsonio.dumps(state(ONE)).replace(b"answer 1", b"caf\xe9")
    reading = read(tmp_path, flat=data)
    assert shown(only(reading)) == ["question 1", "caf\ufffd"]
    assert [problem.fatal for problem in reading.problems] == [False]
    assert base64.b64decode(only(reading).native["unread"][0]["$line64"]) == data
    assert read(tmp_path, flat=b"\xef\xbb\xbf" + jsonio.dumps(state(ONE))).problems == []


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 100, b"[]", b"5", b'"x"', b"null", b"{}", b"nonsense", b"{", b"[" * 5000]
)
def test_an_object_that_is_none(data: bytes, tmp_path: Path) -> None:
    reading = read(tmp_path, flat=data)
    assert reading.sessions == []
    assert bool(reading.problems) == (data != b"{}")


# --- growth -----------------------------------------------------------------------------------------------------------


def prefixes(data: bytes) -> list[bytes]:
    rows = data.splitlines(keepends=True)
    return [b"".join(rows[:count]) for count in range(1, len(rows) + 1)]


@settings(max_examples=60, deadline=None)
@given(histories())
def test_what_did_not_change_gives_the_same_messages(states: list[Any]) -> None:
    log = Log()
    with tempfile.TemporaryDirectory() as name:
        before: Any = None
        for now in states:
            log.write(now)
            found = read(Path(name), log=log.data).sessions
            if before is not None and found:
                made = {message.id: message for message in found[0].messages}
                asked_then = {request["requestId"]: request for request in before[0]["requests"]}
                asked_now = {request["requestId"]: request for request in now["requests"]}
                for message in before[1]:
                    assert message.id in made
                    key = message.id.removesuffix(":response")
                    if key in asked_then and asked_then[key] == asked_now.get(key) and not message.inactive:
                        assert Body(made[message.id]).data == Body(message).data
            before = (copy.deepcopy(now), found[0].messages if found else [])


@pytest.mark.parametrize("path", [p for p in files() if p.suffix == ".jsonl"], ids=lambda path: path.name[:8])
def test_a_session_harvested_line_by_line_holds_what_was_read_at_last(path: Path, tmp_path: Path) -> None:
    archived, base, last = None, None, None
    for data in prefixes(path.read_bytes()):
        for session in read(tmp_path, log=data, stem=path.stem).sessions:
            fresh = codec.dumps(session)
            archived = absorb(base, archived, fresh).data if archived is not None else fresh
            base, last = fresh, session
    if last is None:
        return
    assert archived is not None
    held = {message.id: message for message in codec.loads(archived).messages}
    assert [message.id for message in last.messages] == [*held]
    for message in last.messages:
        kept = held[message.id]
        assert (kept.content, kept.inactive, kept.status) == (message.content, message.inactive, message.status)


def test_an_answer_that_is_streamed_grows_by_extension(tmp_path: Path) -> None:
    said = "I will change it.\n\n```\n"
    fence = [
        {"kind": "undoStop", "id": "u"},
        {"kind": "codeblockUri", "isEdit": True, "uri": {"scheme": "file", "path": "/a"}},
    ]
    edit = {"kind": "textEditGroup", "uri": {"scheme": "file", "path": "/a"}, "edits": [[{"text": "x"}]]}
    link = {"kind": "inlineReference", "inlineReference": {"scheme": "file", "path": "/b"}}
    tool = {
        "kind": "toolInvocationSerialized",
        "toolCallId": "c1",
        "toolId": "run_in_terminal",
        "toolSpecificData": {"kind": "terminal", "commandLine": {"original": "ls"}},
    }
    ran = {**tool, "toolSpecificData": {**tool["toolSpecificData"], "terminalCommandOutput": {"text": "a\n"}}}
    steps: list[list[Any]] = [
        [],
        [{"kind": "thinking", "value": "Hm"}],
        [{"kind": "thinking", "value": "Hm, yes."}],
        *([{"kind": "thinking", "value": "Hm, yes."}, {"value": said[:count]}] for count in range(1, len(said) + 1)),
    ]
    steps.append([*steps[-1], *fence])
    steps.append([*steps[-1], edit])
    steps.append([*steps[-1], {"value": "\n```\nDone, see "}])
    steps.append([*steps[-1], link])
    steps.append([*steps[-1], {"value": ". Now "}])
    steps.append([*steps[-1], tool])
    steps.append([*steps[-1][:-1], ran])
    steps.append([*steps[-1], {"value": "That was it."}])
    older: Message | None = None
    for number, parts_now in enumerate([*steps, steps[-1]]):
        done = number == len(steps)
        request = asked(
            1,
            "q",
            *parts_now,
            modelState={"value": 1 if done else 0},
            contentReferences=[{"reference": {"scheme": "file", "path": "/c"}}],
        )
        answer = only(read(tmp_path, flat=jsonio.dumps(state(request)))).messages[1]
        if older is not None and older.content != answer.content:
            assert dominates(Body(answer), Body(older)), (older.content, answer.content)
        older = answer
    assert older is not None
    assert [kind for kind in kinds(older) if kind != "reference"] == [
        "thinking",
        "text",
        "edit",
        "text",
        "tool_call",
        "tool_result",
        "text",
    ]
    assert text(older) == "I will change it.\n\nDone, see b. Now That was it."


def test_an_id_that_vs_code_adds_later_changes_no_message(tmp_path: Path) -> None:
    bare = {"requestId": "request_1", "message": {"text": "q", "parts": []}, "response": [{"value": "a"}]}
    grown = read(tmp_path, log=lines(initial(state(bare)), put("requests", 0, "responseId", v="response_9")))
    assert [m.id for m in only(grown).messages] == [
        m.id for m in only(read(tmp_path, flat=jsonio.dumps(state(bare)))).messages
    ]


# --- places -----------------------------------------------------------------------------------------------------------


def lay(
    folder: Path, *, workspace: str | None = "file:///home/ana/shop", key: str = WORKSPACE, stem: str = UUID
) -> Path:
    place = folder / "User" / "workspaceStorage" / key
    (place / "chatSessions").mkdir(parents=True, exist_ok=True)
    if workspace is not None:
        (place / "workspace.json").write_text(json.dumps({"folder": workspace}))
    path = place / "chatSessions" / f"{stem}.json"
    path.write_bytes(jsonio.dumps(state(ONE, sessionId=stem)))
    return path


@pytest.mark.parametrize(
    ("platform", "variables", "place"),
    [
        ("linux", {}, ".config/Code"),
        ("linux", {}, ".config/Code - Insiders"),
        ("linux", {}, ".config/VSCodium"),
        ("linux", {}, ".config/Cursor"),
        ("linux", {}, ".config/Windsurf"),
        ("linux", {}, ".config/Kiro"),
        ("linux", {}, ".config/Trae CN"),
        ("linux", {}, ".config/Antigravity"),
        ("linux", {}, ".config/Code - OSS"),
        ("linux", {}, ".var/app/com.visualstudio.code/config/Code"),
        ("linux", {}, ".var/app/com.vscodium.codium/config/VSCodium"),
        ("linux", {}, ".vscode-server/data"),
        ("linux", {}, ".vscode-server-insiders/data"),
        ("linux", {}, ".cursor-server/data"),
        ("linux", {}, ".windsurf-server/data"),
        ("linux", {}, ".local/share/code-server"),
        ("linux", {"XDG_DATA_HOME": "{home}/data"}, "data/code-server"),
        ("linux", {"XDG_CONFIG_HOME": "{home}/elsewhere"}, "elsewhere/Code"),
        ("linux", {"VSCODE_PORTABLE": "{home}/portable/data"}, "portable/data/user-data"),
        ("darwin", {}, "Library/Application Support/Code"),
        ("darwin", {}, "Library/Application Support/Trae"),
        ("win32", {}, "AppData/Roaming/Code"),
        ("win32", {"APPDATA": "{home}/Roaming"}, "Roaming/Windsurf"),
    ],
)
def test_where_sessions_are_found(platform: str, variables: dict[str, str], place: str, tmp_path: Path) -> None:
    path = lay(tmp_path / place)
    here = {name: value.format(home=tmp_path) for name, value in variables.items()}
    (source,) = sources(tmp_path, variables=here, platform=platform)
    assert source.path == path
    assert only(VSCode().read(source)).workspace == "/home/ana/shop"


@pytest.mark.parametrize(
    "place",
    [
        "globalStorage/emptyWindowChatSessions",
        "globalStorage/transferredChatSessions",
        "workspaceStorage/no-workspace/chatSessions",
        "workspaceStorage/1768046400000/chatSessions",
    ],
)
def test_sessions_without_a_folder(place: str, tmp_path: Path) -> None:
    folder = tmp_path / ".config/Code/User" / place
    folder.mkdir(parents=True)
    (folder / f"{UUID}.jsonl").write_bytes(lines(initial(state(ONE))))
    (source,) = sources(tmp_path)
    assert only(VSCode().read(source)).workspace is None


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("file:///home/ana/my%20shop", "/home/ana/my shop"),
        ("file:///home/ana/caf%C3%A9%23%3F", "/home/ana/café#?"),
        ("file:///c%3A/Users/ana/shop", "c:\\Users\\ana\\shop"),
        ("file:///C:/shop", "C:\\shop"),
        ("file://server/share/shop", "\\\\server\\share\\shop"),
        ("file:///", "/"),
        ("vscode-remote://wsl%2Bubuntu/home/ana/shop", "vscode-remote://wsl%2Bubuntu/home/ana/shop"),
        ("vscode-vfs://github/ana/shop", "vscode-vfs://github/ana/shop"),
        ("not a uri", None),
        (5, None),
        (None, None),
        ([], None),
    ],
)
def test_the_workspace_of_a_session(uri: Any, expected: str | None, tmp_path: Path) -> None:
    path = lay(tmp_path / ".config/Code", workspace=uri)
    (path.parent.parent / "workspace.json").write_text(json.dumps({"folder": uri}))
    assert harvest(tmp_path)[UUID].workspace == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"workspace": "file:///home/ana/x.code-workspace"}, "/home/ana/x.code-workspace"),
        ({"configuration": "file:///home/ana/x.code-workspace"}, "/home/ana/x.code-workspace"),
        (
            {"configuration": {"id": "1", "configPath": "file:///home/ana/x.code-workspace"}},
            "/home/ana/x.code-workspace",
        ),
        ({"folder": {"$mid": 1, "path": "/home/ana/shop", "scheme": "file"}}, "/home/ana/shop"),
        ({}, None),
        ([], None),
    ],
)
def test_other_kinds_of_workspaces(value: Any, expected: str | None, tmp_path: Path) -> None:
    path = lay(tmp_path / ".config/Code")
    (path.parent.parent / "workspace.json").write_text(json.dumps(value))
    assert harvest(tmp_path)[UUID].workspace == expected


def test_a_workspace_file_that_is_broken_costs_no_session(tmp_path: Path) -> None:
    path = lay(tmp_path / ".config/Code")
    (path.parent.parent / "workspace.json").write_text("{")
    (source,) = sources(tmp_path)
    reading = VSCode().read(source)
    assert only(reading).workspace is None
    assert [(Path(problem.path).name, problem.fatal) for problem in reading.problems] == [("workspace.json", False)]


def test_the_folder_of_an_agents_window(tmp_path: Path) -> None:
    kept = state(ONE, workingDirectory="file:///home/ana/other")
    assert only(read(tmp_path, flat=jsonio.dumps(kept))).workspace == "/home/ana/other"


def test_discover_is_stable_and_stamps_change(tmp_path: Path) -> None:
    path = lay(tmp_path / ".config/Code")
    for stem in ("b", "a", "c"):
        lay(tmp_path / ".config/Cursor", key="ff" * 16, stem=stem)
    (path.parent / "notes.txt").write_text("x")
    (path.parent / ".hidden.json").write_text("x")
    (path.parent / "folder.json").mkdir()
    first = sources(tmp_path)
    assert first == sources(tmp_path)
    assert [source.path.stem for source in first] == [UUID, "a", "b", "c"]
    assert len({source.key for source in first}) == 4
    stamps = {first[0].stamp}
    for change in (
        lambda: path.write_bytes(path.read_bytes() + b" "),
        lambda: path.with_suffix(".jsonl").write_bytes(lines(initial(state(ONE)))),
        lambda: os.utime(path, (1, 1)),
        lambda: (path.parent.parent / "workspace.json").write_text('{"folder":"file:///other"}'),
    ):
        change()
        (now,) = [source for source in sources(tmp_path) if source.path.stem == UUID]
        assert now.stamp not in stamps
        assert now.key == first[0].key
        stamps.add(now.stamp)


def test_discover_opens_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path / ".config/Code")

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a file was opened")

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("io.open", refuse)
    monkeypatch.setattr("os.open", refuse)
    assert len(sources(tmp_path)) == 1


def test_a_folder_that_cannot_be_listed_is_a_problem(tmp_path: Path) -> None:
    path = lay(tmp_path / ".config/Code")
    if os.geteuid() == 0:
        pytest.skip("the superuser may list everything")
    path.parent.chmod(0)
    try:
        found = list(VSCode().discover(Env(tmp_path)))
        assert [type(item) for item in found] == [Problem]
    finally:
        path.parent.chmod(0o700)


def test_links_to_nothing_and_odd_places(tmp_path: Path) -> None:
    path = lay(tmp_path / ".config/Code")
    (path.parent / "gone.json").symlink_to(tmp_path / "nowhere")
    (path.parent.parent.parent / "a file").write_text("x")
    (tmp_path / ".config/Cursor/User").mkdir(parents=True)
    (tmp_path / ".config/Cursor/User/workspaceStorage").write_text("no folder")
    assert [source.path for source in sources(tmp_path)] == [path]


# --- before there were files ------------------------------------------------------------------------------------------


def database(folder: Path, value: Any, *, key: str = "interactive.sessions", wal: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "workspace.json").write_text('{"folder":"file:///home/ana/shop"}')
    path = folder / "state.vscdb"
    connection = sqlite3.connect(path)
    if wal:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)")
    connection.execute("INSERT INTO ItemTable VALUES ('other', 'x')")
    connection.execute("INSERT INTO ItemTable VALUES (?, ?)", (key, value))
    connection.commit()
    if wal:  # what a running editor leaves: the value is in the log only
        copies = {p.name: p.read_bytes() for p in folder.iterdir()}
        connection.close()
        for name, data in copies.items():
            (folder / name).write_bytes(data)
        (folder / "state.vscdb-shm").unlink()
    else:
        connection.close()
    return path


@pytest.mark.parametrize("form", ["text", "blob", "wal"])
def test_sessions_in_a_database(form: str, tmp_path: Path) -> None:
    folder = tmp_path / ".config/Code/User/workspaceStorage" / WORKSPACE
    long = "a long answer " * 500
    old = {
        "s-1": {**state(ONE), "version": None},
        "s-2": state(asked(2, "q", long), sessionId="s-2"),
        "s-3": state(sessionId="s-3"),
    }
    written = json.dumps(old)
    database(folder, written.encode() if form == "blob" else written, wal=form == "wal")
    (source,) = sources(tmp_path)
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    reading = VSCode().read(source)
    assert {s.id: (shown(s), s.workspace, s.native["stored"]) for s in reading.sessions} == {
        "s-1": (["question 1", "answer 1"], "/home/ana/shop", "state.vscdb"),
        "s-2": (["q", long], "/home/ana/shop", "state.vscdb"),
    }
    assert not reading.problems
    for session in reading.sessions:
        (data,) = VSCode().export(session, reading.attachments.__getitem__).values()
        assert same(jsonio.loads(data), old[session.id])
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before


def test_a_database_counts_only_where_there_are_no_files(tmp_path: Path) -> None:
    path = lay(tmp_path / ".config/Code")
    database(path.parent.parent, json.dumps({"s-2": state(ONE, sessionId="s-2")}))
    assert [source.path for source in sources(tmp_path)] == [path]
    path.unlink()
    assert [source.path.name for source in sources(tmp_path)] == ["state.vscdb"]


@pytest.mark.parametrize("value", ["{", "[]", "5", '{"s":5}', None, b"\xff", 7])
def test_a_database_with_something_else_in_it(value: Any, tmp_path: Path) -> None:
    database(tmp_path / ".config/Code/User/workspaceStorage/x", value)
    (source,) = sources(tmp_path)
    reading = VSCode().read(source)
    assert reading.sessions == []
    assert bool(reading.problems) == (value not in (None, 7))


def test_a_database_without_sessions_and_a_broken_one(tmp_path: Path) -> None:
    path = database(tmp_path / ".config/Code/User/workspaceStorage/x", "v", key="other.key")
    (source,) = sources(tmp_path)
    assert (VSCode().read(source).sessions, VSCode().read(source).problems) == ([], [])
    path.write_bytes(b"no database, but interactive.sessions is in it")
    (problem,) = VSCode().read(source).problems
    assert problem.fatal
    assert "database" in problem.reason


# --- whatever may be in them ------------------------------------------------------------------------------------------

texts = st.one_of(
    st.sampled_from(["", "x", "file:///a", "```", "\ud83d", "call_1", "a text that is longer than a pointer\n"]),
    st.text(max_size=8),
)
anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**64 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        texts,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)


def nodes(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Places of all values in a value."""
    found = [path] if path else []
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += nodes(item, (*path, key))
    return found


RICH = [
    {key: value for key, value in _loaded(path.read_bytes()).items() if key != "unread"}
    for path in files()
    if path.suffix == ".json" and path.parent.parent.name == WORKSPACE and _loaded(path.read_bytes()) is not None
]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_wrong_types_anywhere_raise_nothing_and_come_back(data: st.DataObject) -> None:
    kept = copy.deepcopy(data.draw(st.sampled_from(RICH)))
    for _ in range(data.draw(st.integers(1, 6))):
        *way, last = data.draw(st.sampled_from(nodes(kept)))
        holder = kept
        for step in way:
            holder = holder[step]
        holder[last] = data.draw(anything)
    written = jsonio.dumps(kept)
    with tempfile.TemporaryDirectory() as name:
        for form in (
            {"flat": written},
            {"log": b'{"kind":0,"v":' + written + b"}\n"},
            {"flat": written, "log": lines(initial({}))},
        ):
            reading = read(Path(name), **form)
            for session in reading.sessions:
                stored = codec.dumps(session)
                assert codec.dumps(codec.loads(stored)) == stored
                universal(session)
                assert list(ordered(session.messages)) == session.messages
            if reading.sessions and "log" not in form:
                assert same(exported(reading), kept)


@settings(max_examples=200, deadline=None)
@given(anything, st.booleans())
def test_any_value_is_read(value: Any, as_log: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        data = lines(initial(value)) if as_log else jsonio.dumps(value)
        reading = read(Path(name), **{"log" if as_log else "flat": data})
        assert isinstance(reading.sessions, list)


@settings(max_examples=60, deadline=None)
@given(histories(), st.booleans())
def test_the_last_state_is_what_is_exported(states: list[Any], anew: bool) -> None:
    log = Log()
    for number, now in enumerate(states):
        log.write(now, anew=anew and number == len(states) // 2)
    with tempfile.TemporaryDirectory() as name:
        reading = read(Path(name), log=log.data)
        if reading.sessions:
            assert exported(reading) == states[-1]
            assert same(exported(reading), replay(log.data).state)
        else:
            assert not states[-1]["requests"]


@pytest.mark.parametrize("depth", [100, 130, 300, 500, 600, 3000])
@pytest.mark.parametrize("key", ["unknown", "result", "response", "message", "variableData"])
def test_deep_values(depth: int, key: str, tmp_path: Path) -> None:
    kept = jsonio.dumps(state({**ONE, key: "deep"}, TWO))
    data = kept.replace(b'"deep"', b"[" * depth + b"]" * depth)
    reading = read(tmp_path, flat=data)
    session = only(reading)
    assert text(session.messages[-1]) == "answer 2"
    assert bool(reading.problems) == (depth > 500)
    stored = codec.loads(codec.dumps(session))
    (made,) = VSCode().export(stored, reading.attachments.__getitem__).values()
    assert made == data


def test_a_state_deepened_line_by_line(tmp_path: Path) -> None:
    entries = [initial(state(ONE))] + [put(*["a"] * n, v={}) for n in range(1, 60)]
    reading = read(tmp_path, log=lines(*entries))
    assert len(reading.problems) == 1
    codec.dumps(only(reading))


# --- the registry and the demo ----------------------------------------------------------------------------------------


def test_it_is_registered() -> None:
    assert isinstance(registry.load("vscode"), VSCode)


def test_the_demo() -> None:
    session: Session = harvest(FIXTURES / "demo" / "vscode")["2f6b1c3e-7a45-4d2b-9c1f-5e8d0a4b7c96"]
    assert (session.workspace, session.created_at) == ("/home/ana/shop", "2026-01-10T10:00:00.000Z")
    assert [message.role for message in session.messages] == ["user", "assistant"] * 2
    assert kinds(session.messages[1]) == ["tool_call", "tool_result", "text"]
    assert not any(message.status for message in session.messages)

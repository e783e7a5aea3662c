"""What a VS Code request becomes: texts, attachments, tool calls, edits, errors; and how it comes back."""

from __future__ import annotations

import base64
import json
import random
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers.vscode import VSCode
from chasm_git.session import attachments, codec, jsonio
from tests.providers.vscode_case import (
    NOON,
    ONE,
    asked,
    exported,
    fixture,
    kinds,
    only,
    parts,
    read,
    same,
    state,
    text,
)


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

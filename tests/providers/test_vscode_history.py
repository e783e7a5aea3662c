"""VS Code sessions that changed: requests that left, two files of one session, broken files, growth."""

from __future__ import annotations

import base64
import copy
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from chasm_git.providers.base import Source
from chasm_git.providers.vscode import VSCode
from chasm_git.session import codec, jsonio
from chasm_git.session.join import Body, dominates
from chasm_git.session.merge import absorb
from chasm_git.session.model import Message
from tests.providers.vscode_case import (
    FIXTURES,
    ONE,
    THREE,
    TWO,
    Log,
    asked,
    exported,
    files,
    fixture,
    histories,
    initial,
    kinds,
    lines,
    off,
    only,
    push,
    put,
    read,
    same,
    shown,
    state,
    text,
)

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
    known = read(tmp_path, log=lines(push("requests", v=[ONE, TWO])), flat=jsonio.dumps(state(TWO)))
    assert (shown(only(known)), off(only(known))) == (["question 2", "answer 2"], ["question 1", "answer 1"])


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

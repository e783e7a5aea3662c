"""The universal form: turns, results, totals, and whatever strange content a session holds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chasm_git.session import attachments, jsonio
from chasm_git.session.model import Message, Session
from chasm_git.session.readable import display_title, visible
from chasm_git.session.universal import universal


def made(*messages: Message, **fields: Any) -> Session:
    return Session("s1", "codex", messages=list(messages), **fields)


def call(id: str, name: str = "Bash", **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_call", "id": id, "name": name, "arguments": arguments}


def result(id: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "id": id, "content": content, **more}


def messages_of(*messages: Message) -> list[dict[str, Any]]:
    return universal(made(*messages))["messages"]


def test_the_example_in_full(example: Session) -> None:
    shown = universal(example)
    assert list(shown) == [
        *("id", "title", "provider", "workspace", "created_at", "updated_at"),
        *("parent", "forked_from", "tags", "git", "messages", "metadata"),
    ]
    assert shown["updated_at"] == "2026-01-08T12:00:12.000Z"
    assert [m["role"] for m in shown["messages"]] == ["user", "assistant", "assistant"]
    answer = shown["messages"][1]
    assert answer["content"] == "Let me look at the route.\n\nIt is in `app.py`."
    assert answer["thinking"] == ["Look at the route first."]
    assert answer["tool_calls"] == [
        {
            "id": "toolu_01",
            "name": "Bash",
            "arguments": {"command": "grep -n login app.py\nsed -n 1,40p app.py", "timeout": 5},
            "result": "12: def login():\n13:     redirect()",
            "is_error": False,
        }
    ]
    assert shown["metadata"] == {
        "model": "claude-sonnet-4-5",
        "models": ["claude-sonnet-4-5"],
        "total_tokens": {"input": 1656, "output": 370},
        "usage": {"input_tokens": 1656, "output_tokens": 370},
        "files_referenced": [],
    }


def test_a_turn_goes_on_below_its_results_but_not_below_the_users_next_words() -> None:
    shown = messages_of(
        Message("1", "assistant", content=[call("a")], turn="t"),
        Message("2", "tool", content=[result("a", "one")]),
        Message("3", "event", content="note"),
        Message("4", "assistant", content=[call("b")], turn="t", status="interrupted"),
        Message("5", "user", content="stop"),
        Message("6", "assistant", content="late", turn="t"),
    )
    assert [(m["id"], len(m["tool_calls"])) for m in shown] == [("1", 2), ("5", 0), ("6", 0)]
    assert shown[0]["status"] == "interrupted"


def test_records_without_a_turn_stand_alone() -> None:
    assert len(messages_of(Message("1", "assistant", content="a"), Message("2", "assistant", content="b"))) == 2


def test_sub_agents_inline_do_not_run_into_their_parents_answer() -> None:
    shown = messages_of(
        Message("1", "assistant", content="parent", turn="t"),
        Message("2", "user", content="task", sidechain=True),
        Message("3", "assistant", content="child", turn="t", sidechain=True),
        Message("4", "assistant", content="parent again", turn="t"),
    )
    assert [m["content"] for m in shown] == ["parent\n\nparent again", "task", "child"]
    assert [m.get("sidechain", False) for m in shown] == [False, True, True]


def test_a_late_result_and_an_early_one_find_their_call() -> None:
    shown = messages_of(
        Message("0", "tool", content=[result("b", "early")]),
        Message("1", "assistant", content=[call("a"), call("b")]),
        Message("2", "user", content="meanwhile"),
        Message("3", "tool", content=[result("a", "late", is_error=True)]),
    )
    assert [m["role"] for m in shown] == ["assistant", "user"]
    assert [(c["result"], c["is_error"]) for c in shown[0]["tool_calls"]] == [("late", True), ("early", False)]


def test_equal_ids_are_served_in_order_within_an_answer_and_the_latest_answer_first() -> None:
    shown = messages_of(
        Message("1", "assistant", content=[call("x", "unanswered")]),
        Message("2", "assistant", content=[call("x", "first"), call("x", "second")]),
        Message("3", "tool", content=[result("x", 1), result("x", 2)]),
    )
    assert [(c["name"], c["result"]) for m in shown for c in m["tool_calls"]] == [
        ("unanswered", None),
        ("first", "1"),
        ("second", "2"),
    ]


def test_orphans_and_second_results_stay_visible() -> None:
    shown = messages_of(
        Message("1", "assistant", content=[call("a")]),
        Message("2", "tool", content=[result("a", "one")]),
        Message("3", "tool", content=[result("a", "two")]),
        Message("4", "tool", content=[result("nobody", "lost", is_error=True), {"type": "tool_result"}]),
    )
    assert [(m["role"], m["content"], m.get("tool_call_id")) for m in shown[1:]] == [
        ("tool", "two", "a"),
        ("tool", "lost", "nobody"),
        ("tool", "", None),
    ]
    assert shown[2]["is_error"] is True


def test_text_beside_a_result_stays_the_users() -> None:
    shown = messages_of(
        Message("1", "assistant", content=[call("a")]),
        Message("2", "user", content=[result("a", "ok"), {"type": "text", "text": "and now this"}]),
    )
    assert [(m["role"], m["content"]) for m in shown[1:]] == [("user", "and now this")]


def test_events_are_left_out_but_their_errors_are_not() -> None:
    shown = messages_of(
        Message("1", "event", content="bookkeeping"),
        Message("2", "event", content=[{"type": "error", "text": "quota", "code": 429}]),
        Message("3", "assistant", content=[{"type": "error", "code": 500}]),
    )
    assert [(m["role"], m["error"], m["content"]) for m in shown] == [("event", "quota", ""), ("assistant", "500", "")]


def test_usage_of_bookkeeping_counts_and_a_turn_counts_once() -> None:
    usage = {"input_tokens": 10, "output_tokens": 1, "detail": {"cached": 4}, "service_tier": "standard"}
    metadata = universal(
        made(
            Message("1", "assistant", content="a", turn="t", usage=usage),
            Message("2", "assistant", content="b", turn="t", usage={**usage, "output_tokens": 7}),
            Message("3", "event", usage={"input_tokens": 5, "cost": 0.5}),
        )
    )["metadata"]
    assert metadata["total_tokens"] == {"input": 15, "output": 7}
    assert metadata["usage"] == {"input_tokens": 15, "output_tokens": 7, "cost": 0.5}


def test_models_are_those_of_any_record_and_the_busiest_is_the_sessions() -> None:
    metadata = universal(
        made(
            Message("1", "event", model="chosen"),
            Message("2", "assistant", content="a", model="small"),
            Message("3", "assistant", content="b", model="large"),
            Message("4", "assistant", content="c", model="large"),
        )
    )["metadata"]
    assert (metadata["model"], metadata["models"]) == ("large", ["chosen", "small", "large"])
    assert universal(made(Message("1", "event", model="chosen")))["metadata"]["model"] == "chosen"


def test_what_is_marked() -> None:
    shown = messages_of(
        Message("1", "user", content="<environment>", injected=True),
        Message("2", "user", content="old", inactive=True, status="failed"),
        Message("3", "user", content="gone", deleted=True),
    )
    assert [(m.get("injected"), m.get("inactive"), m.get("status")) for m in shown] == [
        (True, None, None),
        (None, True, "failed"),
    ]


def test_variants_are_shown() -> None:
    body = {"content": [{"type": "text", "text": "mine"}, call("a"), result("a", "out"), result("b", "alone")]}
    (shown,) = messages_of(Message("1", "assistant", content="theirs", variants=[body, {"content": "third"}, 7]))
    assert [v["content"] for v in shown["variants"]] == ["mine\n\nalone", "third", "7"]
    assert shown["variants"][0]["tool_calls"][0]["result"] == "out"


def test_files_images_and_references() -> None:
    session = made(
        Message(
            "1",
            "user",
            content=[
                {"type": "reference", "uri": "file:///src/app.py", "range": [1, 2]},
                {"type": "image", "media_type": "image/png", "data": {"$attachment": "ab.png", "bytes": 3}},
                {"type": "image", "uri": "data:image/png;base64,AAAA", "media_type": "image/png"},
                {"type": "file", "name": "notes.md", "uri": "file:///notes.md"},
                {"type": "edit", "uri": "/src/edited.py", "change": "+1"},
            ],
        ),
        Message("2", "assistant", content=[call("a", file_path="/src/read.py"), call("b", command="ls")]),
        Message(
            "3",
            "assistant",
            content=[
                {"type": "tool_call", "id": "c", "name": "apply_patch", "arguments": "*** Add File: new.md\n+x"},
                call("d", input="*** Update File: old.md\n+x", path="two\nlines"),
            ],
        ),
        Message(
            "4", "tool", content=[result("a", [{"type": "text", "text": "x"}, {"type": "image", "name": "s.png"}])]
        ),
    )
    shown = universal(session)
    first = shown["messages"][0]
    assert first["references"] == [{"uri": "file:///src/app.py", "range": [1, 2]}]
    assert first["images"] == ["ab.png", "image/png"]
    assert first["files"] == ["notes.md"]
    assert first["edits"] == [{"uri": "/src/edited.py", "change": "+1"}]
    assert shown["messages"][1]["tool_calls"][0] | {"arguments": 0} == {
        "id": "a",
        "name": "Bash",
        "arguments": 0,
        "result": "x",
        "is_error": False,
        "images": ["s.png"],
    }
    assert shown["metadata"]["files_referenced"] == [
        *("/src/app.py", "/notes.md", "/src/edited.py", "/src/read.py", "new.md", "old.md")
    ]


def test_attachments_come_back_or_show_their_preview() -> None:
    stored: dict[str, bytes] = {}
    long = "first line\n" + "x" * 70_000
    reference = attachments.store_text(long, stored)
    session = made(
        Message("1", "user", content=[{"type": "text", "text": reference}]),
        Message("2", "assistant", content=[call("a", text=reference, kept={"$escaped": {"$line": 1}})]),
        Message("3", "tool", content=[result("a", reference)]),
    )
    full = universal(session, stored.__getitem__)["messages"]
    assert full[0]["content"] == full[1]["tool_calls"][0]["result"] == long
    assert full[1]["tool_calls"][0]["arguments"] == {"text": long, "kept": {"$line": 1}}
    short = universal(session)["messages"][0]["content"]
    assert short.startswith("first line\nxxx") and short.endswith(
        f"[70011 bytes in attachment {reference['$attachment']}]"
    )
    missing = universal(session, {}.__getitem__)["messages"][0]["content"]
    assert missing.endswith(f"[70011 bytes missing with attachment {reference['$attachment']}]")
    damaged = universal(session, lambda name: b"\xff\xfe")["messages"][0]["content"]
    assert damaged == missing


@pytest.mark.parametrize(
    ("title", "messages", "expected"),
    [
        ("Given", [Message("1", "user", content="typed")], "Given"),
        (" ", [Message("1", "user", content="\n\n  typed here \nmore")], "typed here"),
        (None, [Message("1", "user", content="env", injected=True), Message("2", "user", content="typed")], "typed"),
        (None, [Message("1", "user", content="sub", sidechain=True)], None),
        (None, [Message("1", "assistant", content="hello")], None),
        (None, [Message("1", "user", content="x" * 81)], "x" * 79 + "…"),
        (None, [Message("1", "user", content="x" * 80)], "x" * 80),
        (None, [Message("1", "user", content=[{"type": "image"}, {"type": "text", "text": "see"}])], "see"),
        (
            None,
            [Message("1", "user", content=[{"type": "text", "text": {"$attachment": "a", "preview": "p\nq"}}])],
            "p",
        ),
    ],
)
def test_the_title_for_display(title: str | None, messages: list[Message], expected: str | None) -> None:
    assert display_title(Session("s", "p", title=title, messages=messages)) == expected


def test_visible_leaves_text_and_shows_control() -> None:
    assert visible("plain\ttext\nünï 👩‍💻") == "plain\ttext\nünï 👩‍💻"
    assert visible("\x1b]0;x\x07\r\ny\rz\x9b\x7f\u202e\ud83d") == "␛]0;x␇\ny␍z\\u009b␡\\u202e\\ud83d"


def test_the_input_is_left_alone(example: Session) -> None:
    before = repr(example)
    universal(example)["messages"][1]["tool_calls"].clear()
    assert repr(example) == before


numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
part_keys = ["type", "text", "id", "name", "arguments", "content", "is_error", "uri", "data", "code", "$attachment"]
part_types = ["text", "thinking", "tool_call", "tool_result", "reference", "image", "file", "edit", "error"]
strange_parts = st.dictionaries(st.sampled_from(part_keys), json_values | st.sampled_from(part_types))
strange_messages = st.builds(
    Message,
    id=st.text(min_size=1, max_size=5),
    role=st.sampled_from(["user", "assistant", "system", "tool", "event", "other"]),
    timestamp=st.none() | st.text(max_size=5),
    content=st.text() | st.lists(strange_parts | json_values, max_size=4),
    turn=st.none() | st.sampled_from(["t", "u"]),
    usage=st.none() | st.dictionaries(st.text(max_size=4), json_values, max_size=3),
    variants=st.lists(json_values, max_size=2),
    injected=st.booleans(),
)


@given(st.lists(strange_messages, max_size=6))
def test_any_content_gives_a_json_document(messages: list[Message]) -> None:
    shown = universal(made(*messages))
    assert json.loads(jsonio.dumps(shown)) == shown


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abc"), st.booleans()), max_size=12))
def test_no_call_and_no_result_is_lost_or_doubled(items: list[tuple[bool, str, bool]]) -> None:
    records = [
        Message(str(n), "assistant", content=[call(id)], turn="t" if joined else None)
        if is_call
        else Message(str(n), "tool", content=[result(id, f"r{n}")])
        for n, (is_call, id, joined) in enumerate(items)
    ]
    shown = messages_of(*records)
    calls = [c for m in shown for c in m["tool_calls"]]
    results = [c["result"] for c in calls if c["result"]] + [m["content"] for m in shown if m["role"] == "tool"]
    assert len(calls) == sum(is_call for is_call, _, _ in items)
    assert sorted(results) == sorted(f"r{n}" for n, item in enumerate(items) if not item[0])

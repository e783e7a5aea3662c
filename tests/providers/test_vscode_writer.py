"""Sessions put back into VS Code: exactly, or converted; never over something newer, never half."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chasm_git.providers import registry
from chasm_git.providers.base import Env, Problem, Reading
from chasm_git.providers.vscode import reading_of
from chasm_git.providers.writers import vscode_index as index
from chasm_git.providers.writers.vscode_register import read_state
from chasm_git.providers.writers.vscode_state import faults, mend, text_part
from chasm_git.providers.writers.vscode_workspaces import store_for
from chasm_git.providers.writing import contract, readback
from chasm_git.providers.writing.contract import (
    ChangedMeanwhile,
    NotReadBack,
    Standing,
    Target,
    WritePlan,
    WriteRefused,
    Written,
)
from chasm_git.session import codec
from chasm_git.session.model import Message, Session
from tests.providers.vscode_case import (
    FIXTURES,
    NOON,
    SHARED,
    asked,
    harvest,
    initial,
    lines,
    push,
    put,
    shown,
    state,
)
from tests.providers.vscode_home import fill, home_of, listed, opened, rows


@pytest.fixture
def env(tmp_path: Path) -> Env:
    return home_of(tmp_path)


def plan_of(session: Session, env: Env, attachments: dict[str, bytes] | None = None, **more: Any) -> WritePlan:
    """The plan for a session, after it was a file of the archive."""
    kept = codec.loads(codec.dumps(session))
    target = Target((attachments or {}).__getitem__, more.pop("folder", str(env.home / "shop")), **more)
    return contract.load("vscode").plan(kept, env, target)


def write(plan: WritePlan, **more: Any) -> Written:
    return contract.load("vscode").write(plan, backup=plan.env.home / "backup", **more)


def read(*states: dict[str, Any]) -> Session:
    """The last of these states as the reader gives it."""
    (session,) = reading_of(states[-1], "s-1").sessions
    return session


ONE, TWO, THREE = asked(1, "one", "First."), asked(2, "two", "Second."), asked(3, "three", "Third.")


# --- restored ---------------------------------------------------------------------------------------------------------


def sessions_of(provider: str, *homes: Path) -> Iterator[tuple[Session, Reading]]:
    reader = registry.load(provider)
    for home in homes:
        for source in reader.discover(Env(home)):
            assert not isinstance(source, Problem)
            reading = reader.read(source)
            yield from ((session, reading) for session in reading.sessions)


def test_every_fixture_comes_back_as_it_was(tmp_path: Path) -> None:
    """Deleted with its entry, restored: the same records, in the kind of file they came from, and listed."""
    count = 0
    for case in sorted((FIXTURES / "vscode").iterdir()):
        for session, reading in sessions_of("vscode", case):
            env = home_of(tmp_path / f"{case.name}-{session.id}")
            plan = plan_of(session, env, reading.attachments)
            if plan.refused is not None:
                assert "no request" in plan.refused and not shown(session)
                continue
            assert plan.standing is Standing.ABSENT and not plan.is_converted
            written = write(plan)
            path = plan.expected[0].place
            assert path in written.paths
            assert path.suffix == {"jsonl": ".jsonl", "json": ".json"}[session.native["stored"]]
            found = readback.held(registry.load("vscode"), env, path, session.id)
            assert found is not None
            back, load = found
            standing = [message for message in session.messages if not message.inactive]
            kept = readback.records(Session("", "", messages=standing), reading.attachments.__getitem__)
            if not any("mended" in note for note in plan.notes):
                assert not kept - readback.records(back, load)
            assert shown(back) == shown(session)
            assert back.workspace == str(env.home / "shop")
            assert [*listed(store_for(env, str(env.home / "shop")))] == [session.id]
            again = plan_of(session, env, reading.attachments)
            assert again.standing is Standing.SAME and not again.changes
            count += 1
    assert count > 10


def test_the_file_is_the_object_vscode_wrote(env: Env) -> None:
    source = next((FIXTURES / "vscode" / "flat").rglob("5e550003*.json"))
    session = harvest(FIXTURES / "vscode" / "flat")[source.stem]
    reading = next(reading for found, reading in sessions_of("vscode", FIXTURES / "vscode/flat") if found == session)
    (path, *_) = write(plan_of(session, env, reading.attachments)).paths
    assert json.loads(path.read_bytes()) == json.loads(source.read_bytes())
    assert [*json.loads(path.read_bytes())] == [*json.loads(source.read_bytes())]


def test_a_session_without_a_folder_goes_to_the_empty_windows(env: Env) -> None:
    path, *others = write(plan_of(read(state(ONE)), env, folder=None)).paths
    assert path == env.home / ".config/Code/User/globalStorage/emptyWindowChatSessions/s-1.json"
    assert others == [env.home / ".config/Code/User/globalStorage/state.vscdb"]
    assert [*listed(store_for(env, None))] == ["s-1"]


def test_it_goes_where_its_folder_is_now(env: Env) -> None:
    session = read(state(ONE))
    session.workspace = str(env.home / "shop")
    plan = plan_of(session, env, folder=None)
    write(plan)
    store = store_for(env, session.workspace)
    assert plan.folder == session.workspace and plan.root == store.user
    assert json.loads((store.folder / "workspace.json").read_bytes()) == {"folder": f"file://{env.home}/shop"}
    session.workspace = "/home/somebody/else"
    assert "not on this machine" in str(plan_of(session, env, folder=None).refused)


def test_no_editor_no_plan(tmp_path: Path) -> None:
    plan = plan_of(read(state(ONE)), Env(tmp_path))
    assert "never run here" in str(plan.refused) and not plan.changes
    with pytest.raises(WriteRefused):
        write(plan)


def test_other_chats_are_left_alone(env: Env) -> None:
    store = opened(env, other=state(TWO, sessionId="other"))
    entry = '{"sessionId":"other", "title":"Other","lastMessageDate":1}'
    fill(store, f'{{"version":1,"entries":{{"other": {entry}}}}}')
    before = rows(store.database)
    written = write(plan_of(read(state(ONE)), env))
    after = rows(store.database)
    assert entry in after[index.KEY] and [*listed(store)] == ["other", "s-1"]
    assert {key: value for key, value in after.items() if key != index.KEY} == {
        key: value for key, value in before.items() if key != index.KEY
    }
    assert [rows(copy) for copy in written.kept] == [before]


# --- what is there already --------------------------------------------------------------------------------------------


def test_an_older_file_is_replaced_and_kept(env: Env) -> None:
    store = opened(env)
    older = put_file(store, state(ONE))
    plan = plan_of(read(state(ONE, TWO)), env)
    assert plan.standing is Standing.OLDER
    written = write(plan)
    assert [request["requestId"] for request in read_state(older)["requests"]] == ["request_1", "request_2"]
    assert [json.loads(copy.read_bytes()) for copy in written.kept] == [state(ONE)]


def put_file(store: Any, content: Any, name: str = "s-1") -> Path:
    path: Path = store.sessions / (name + (".jsonl" if isinstance(content, bytes) else ".json"))
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


@pytest.mark.parametrize(
    "newer",
    [
        state(ONE, TWO, THREE),
        state(ONE, asked(2, "two", "Second.", " And more.")),
        state(ONE, asked(2, "two, in other words", "Second.")),
        lines(initial(state(ONE, THREE)), push("requests", i=1)),  # undone since, and nobody has it
        lines(initial(state(ONE, TWO))) + b'{"kind":2,"k":["requests"],"v":[{"requ',
    ],
)
def test_a_newer_file_is_never_written_over(env: Env, newer: Any) -> None:
    store = opened(env)
    path = put_file(store, newer)
    before = path.read_bytes()
    plan = plan_of(read(state(ONE, TWO)), env)
    assert plan.standing is Standing.NEWER
    with pytest.raises(WriteRefused, match="harvest it first"):
        write(plan)
    assert path.read_bytes() == before and not store.database.exists()
    written = write(plan, force=True)
    assert [copy.read_bytes() for copy in written.kept] == [before]
    assert len(read_state(path)["requests"]) == 2


def test_a_session_vscode_has_wiped_comes_back(env: Env) -> None:
    """It could not load it, and wrote it back without its requests; what the log still says is in the archive too."""
    store = opened(env)
    wiped = lines(initial(state(ONE, TWO)), push("requests", i=0))
    path = put_file(store, wiped)
    hidden = {**index.entry_of("s-1", state(ONE)), "isEmpty": True, "permissionLevel": "default"}
    fill(store, json.dumps({"version": 1, "entries": {"s-1": hidden}}))
    plan = plan_of(read(state(ONE, TWO)), env)
    assert plan.standing is Standing.OLDER
    write(plan)
    assert [request["requestId"] for request in read_state(path)["requests"]] == ["request_1", "request_2"]
    assert listed(store)["s-1"]["isEmpty"] is False and listed(store)["s-1"]["permissionLevel"] == "default"


def test_a_log_beside_an_object_is_what_vscode_reads(env: Env) -> None:
    store = opened(env)
    old = put_file(store, state(ONE))
    log = put_file(store, lines(initial(state())))
    write(plan_of(read(state(ONE, TWO)), env))
    assert json.loads(old.read_bytes()) == state(ONE)
    assert len(read_state(log)["requests"]) == 2


def test_what_vscode_adds_when_it_opens_a_session_is_no_difference(env: Env) -> None:
    store = opened(env)
    session = read(state(ONE))
    write(plan_of(session, env))
    put_file(store, lines(initial(state({**ONE, "vote": 1, "elapsedMs": 3}, inputState={"inputText": "draft"}))))
    plan = plan_of(session, env)
    assert plan.standing is Standing.SAME and plan.changes == []


def test_what_is_there_but_not_listed_is_listed(env: Env) -> None:
    store = opened(env)
    path = put_file(store, state(ONE, customTitle="Mine now"))
    before = path.stat().st_mtime_ns
    plan = plan_of(read(state(ONE)), env)
    assert plan.standing is Standing.SAME and [change.what for change in plan.changes] == [contract.INDEX]
    write(plan)
    assert path.stat().st_mtime_ns == before
    assert listed(store)["s-1"]["title"] == "Mine now"


def test_a_store_that_changed_since_is_not_written(env: Env) -> None:
    store = opened(env)
    path = put_file(store, state(ONE))
    fill(store, None)
    before = rows(store.database)
    plan = plan_of(read(state(ONE, TWO)), env)
    put_file(store, state(ONE, THREE))
    with pytest.raises(ChangedMeanwhile):
        write(plan)
    assert json.loads(path.read_bytes()) == state(ONE, THREE) and rows(store.database) == before

    plan = plan_of(read(state(ONE, THREE, TWO)), env)
    index.update(store.database, lambda _: {"x": index.entry_of("x", {})}, env.home / "copy")
    with pytest.raises(ChangedMeanwhile):
        write(plan)
    assert json.loads(path.read_bytes()) == state(ONE, THREE)  # taken back: the index comes last
    assert [*listed(store)] == ["x"]


def test_what_does_not_read_back_is_taken_back(env: Env) -> None:
    store = opened(env)
    fill(store, '{"version":1,"entries":{}}')
    before = rows(store.database)
    plan = plan_of(read(state(ONE)), env)
    plan.expected[0] = contract.Expected("s-1", plan.expected[0].place, Counter([b"something else"]))
    with pytest.raises(NotReadBack):
        write(plan)
    assert not [*store.sessions.iterdir()] and rows(store.database) == before


def test_nothing_is_written_while_the_editor_runs(env: Env) -> None:
    (env.home / ".config/Code/code.lock").write_text(str(os.getpid()))
    plan = plan_of(read(state(ONE)), env)
    assert any(note.startswith("quit Code first") for note in plan.notes)
    for force in (False, True):
        with pytest.raises(WriteRefused, match="quit it and try again"):
            write(plan, force=force)
    assert not (env.home / ".config/Code/User/workspaceStorage").exists()


def test_the_list_alone_can_be_forced(env: Env) -> None:
    store = opened(env)
    put_file(store, state(ONE))
    (env.home / ".config/Code/code.lock").write_text(str(os.getpid()))
    plan = plan_of(read(state(ONE)), env)
    assert [change.what for change in plan.changes] == [contract.INDEX]
    with pytest.raises(WriteRefused):
        write(plan)
    write(plan, force=True)
    assert [*listed(store)] == ["s-1"]


@pytest.mark.parametrize("name", ["../../x", "a/b", "", ".", "a b", "x" * 201])
def test_an_id_that_leads_elsewhere_is_refused(env: Env, name: str) -> None:
    session = read(state(ONE))
    session.id = name
    plan = contract.load("vscode").plan(session, env, Target({}.__getitem__, str(env.home / "shop")))
    assert plan.refused is not None and not plan.changes


# --- what VS Code cannot load -----------------------------------------------------------------------------------------

WORDS = ("requestId", "message", "text", "parts", "kind", "range", "response", "value", "agent", "variableData")
WORDS += ("variables", "contentReferences", "start", "endExclusive", "modelState", "timestamp", "result")
SOUND = {"text": "t", "parts": [text_part("t")]}


@pytest.mark.parametrize(
    "broken",
    [
        {"message": {"text": "t", "parts": [{"kind": "hologram", "range": {"start": 0, "endExclusive": 1}}]}},
        {"message": {"text": "t", "parts": [{"text": "t"}]}},
        {"message": {"text": "t", "parts": [{"kind": "text", "text": "t"}]}},
        {"message": {"text": "t", "parts": [{"kind": "text", "range": {"start": 2, "endExclusive": 1}}]}},
        {"message": {"text": "t", "parts": [None]}},
        {"message": {"text": "t"}},
        {"message": {"parts": [text_part("t")]}},
        {"message": None},
        {},
        {"message": SOUND, "response": {"value": "x"}},
        {"message": SOUND, "response": [None]},
        {"message": SOUND, "response": 5},
        {"message": SOUND, "agent": "github"},
        {"message": SOUND, "variableData": {"variables": [None]}},
        {"message": SOUND, "contentReferences": {}},
    ],
)
def test_what_vscode_stumbles_over_is_mended(env: Env, broken: dict[str, Any]) -> None:
    """Sessions keep their text; VS Code would have written them back without any request."""
    broken = {"requestId": "r-1", "response": [{"value": "An answer."}], **broken}
    session = read(state(broken, TWO))
    plan = plan_of(session, env)
    assert any(note.startswith("mended") for note in plan.notes)
    (path, *_) = write(plan).paths
    made = read_state(path)
    assert not [*faults(made)] and len(made["requests"]) == 2
    assert shown(read(made)) == shown(session)
    assert made["requests"][1] == TWO


def test_sound_sessions_are_not_mended() -> None:
    whole = state(ONE, {"message": "as text", "response": "as text"}, {"message": SOUND, "response": ["as text", {}]})
    before = json.dumps(whole)
    assert mend(whole) == [] and json.dumps(whole) == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=3), inner),
    max_leaves=30,
)


@given(st.lists(st.dictionaries(st.sampled_from(WORDS), JSON, max_size=8) | JSON, max_size=4))
def test_anything_is_mended(requests: list[Any]) -> None:
    """And stays as it was where VS Code can load it."""
    whole = state(*requests)
    sound = [*faults(whole)] == []
    before = json.dumps(whole)
    assert (mend(whole) == []) is sound and (json.dumps(whole) == before) is sound
    assert not [*faults(whole)] and mend(whole) == []
    assert index.acceptable(index.entry_of("s-1", whole))


def test_two_requests_of_one_name_are_told_apart() -> None:
    """The second would be blank, and could be written back without its text."""
    twice = state({**ONE}, {**ONE})
    assert "two requests" in mend(twice)[0] and not [*faults(twice)]
    assert len(twice["requests"]) == 2


def test_places_in_a_text_count_as_vscode_does() -> None:
    part = text_part("a\n😀b")
    assert part["range"] == {"start": 0, "endExclusive": 5}
    assert part["editorRange"] == {"startLineNumber": 1, "startColumn": 1, "endLineNumber": 2, "endColumn": 4}


# --- converted --------------------------------------------------------------------------------------------------------


def test_a_session_of_another_tool_is_one_of_vscodes(env: Env, example: Session) -> None:
    plan = plan_of(example, env, revision="r1")
    assert plan.is_converted and plan.session_id == contract.derived_id("vscode", example, "r1")
    (path, *_) = write(plan).paths
    made = json.loads(path.read_bytes())
    assert not [*faults(made)]
    (request,) = made["requests"]
    assert made["customTitle"] == "Fix the login redirect" and made["creationDate"] == request["timestamp"]
    assert request["message"]["text"] == "Why does the login page redirect twice?"
    assert [part.get("kind", "text") for part in request["response"]] == [
        "thinking",
        "text",
        "toolInvocationSerialized",
        "text",
    ]
    call = request["response"][2]
    assert call["toolId"] == "Bash" and json.loads(call["resultDetails"]["input"])["timeout"] == 5
    assert call["resultDetails"]["output"][0]["value"] == "12: def login():\n13:     redirect()"
    assert request["modelState"] == {"value": 1, "completedAt": request["timestamp"] + 12000}
    assert request["modelId"] == "claude-sonnet-4-5"
    assert plan.left_out == {"token counts": 3, "times": 2, "tags": 1, "facts of the repository": 2}
    back = harvest(env.home)[plan.session_id]
    origin = {"provider": "claude-code", "id": example.id, "revision": "r1"}
    assert readback.origin_of(back) == origin
    assert request["result"]["metadata"][contract.ORIGIN] == origin  # VS Code keeps this one when it writes the session
    assert plan_of(example, env, revision="r1").standing is Standing.SAME


def test_a_converted_session_that_went_on_is_not_written_over(env: Env, example: Session) -> None:
    plan = plan_of(example, env)
    (path, *_) = write(plan).paths
    went_on = json.loads(path.read_bytes())
    path.with_suffix(".jsonl").write_bytes(
        lines(initial(went_on), push("requests", v=[TWO]), put("customTitle", v="x"))
    )
    assert plan_of(example, env).standing is Standing.NEWER


def test_a_copy_has_ids_of_its_own(env: Env) -> None:
    """Of two requests of one name VS Code shows one."""
    session = read(state(ONE, {**TWO, "result": {"metadata": {"x": 1}}, "inResponseTo": "request_1"}))
    write(plan_of(session, env))
    plan = plan_of(session, env, copy=True, revision="r1")
    assert plan.is_converted and plan.session_id != "s-1"
    made = read_state(write(plan).paths[0])
    first, second = made["requests"]
    assert len({"request_1", "request_2", first["requestId"], second["requestId"]}) == 4
    assert first["requestId"].startswith("request_") and second["inResponseTo"] == first["requestId"]
    assert second["result"]["metadata"] == {"x": 1}
    found = harvest(env.home)
    assert shown(found[plan.session_id]) == shown(found["s-1"])
    assert readback.origin_of(found[plan.session_id]) == {"provider": "vscode", "id": "s-1", "revision": "r1"}
    assert {*listed(store_for(env, str(env.home / "shop")))} == {"s-1", plan.session_id}


def test_new_sessions_get_the_kind_of_file_their_neighbours_have(env: Env, example: Session) -> None:
    opened(env, other=lines(initial(state(ONE, sessionId="other"))))
    assert write(plan_of(example, env)).paths[0].suffix == ".jsonl"


def test_odd_conversations_are_carried(env: Env) -> None:
    """No prompt above an answer, results without calls, results before texts, names and values of every kind."""
    messages = [
        Message("a", "assistant", None, [{"type": "text", "text": "Hello."}, {"type": "text", "text": "Again."}]),
        Message("b", "tool", None, [{"type": "tool_result", "id": "gone", "content": [{"type": "text", "text": "x"}]}]),
        Message("c", "user", "2026-01-10T12:00:00.000Z", "Look \ud83d\n😀"),
        Message(
            "d",
            "assistant",
            "2026-01-10T12:00:01.000Z",
            [
                {"type": "tool_call", "id": "1", "name": "a*b", "arguments": "free text"},
                {"type": "tool_call", "id": "2", "name": "copilot_readFile", "arguments": None},
                {"type": "tool_call", "name": "none", "arguments": [1, 2.5, None]},
                {"type": "error", "text": "Out of credit"},
                {"type": "reference", "uri": "/srv/a b.py", "range": [3, 4]},
                {"type": "hologram"},
            ],
            status="failed",
        ),
        Message(
            "e",
            "user",
            None,
            [
                {"type": "tool_result", "id": "2", "content": "It is.", "is_error": True},
                {
                    "type": "tool_result",
                    "id": "1",
                    "content": [{"type": "image", "media_type": "image/png", "data": "aGk="}],
                },
                {"type": "text", "text": "Stop"},
                {"type": "image", "media_type": "image/png", "data": "aGVsbG8gd29ybGQhISE="},
                {"type": "reference", "uri": "file:///srv/a%20b.py", "name": "a b.py"},
            ],
        ),
        Message("f", "user", None, "nobody typed this", injected=True),
        Message("g", "system", None, "You are."),
        Message("h", "assistant", None, "Inner.", sidechain=True),
        Message("i", "user", None, "Undone", inactive=True),
        Message("j", "user", None, "forgotten", deleted=True),
    ]
    for above, message in pairwise(messages):
        message.after = above.id
    plan = plan_of(Session("x", "goose", messages=messages), env)
    (path, *_) = write(plan).paths
    made = json.loads(path.read_bytes())
    assert [request["message"]["text"] for request in made["requests"]] == ["", "Look \ud83d\n😀", "Stop"]
    assert made["requests"][1]["result"]["errorDetails"] == {"message": "Out of credit"}
    assert made["requests"][1]["modelState"]["value"] == 3
    (place,) = made["requests"][1]["contentReferences"]
    assert place["reference"]["uri"]["external"] == "file:///srv/a%20b.py"
    assert [variable["kind"] for variable in made["requests"][2]["variableData"]["variables"]] == ["image", "file"]
    assert plan.left_out == {
        "other content": 1,
        "injected context": 1,
        "system messages": 1,
        "sub-agent messages": 1,
        "messages off the conversation": 1,
    }
    assert made["creationDate"] == NOON
    assert listed(store_for(env, str(env.home / "shop")))[plan.session_id]["lastResponseState"] in (1, 3)


def test_nothing_said_is_nothing_written(env: Env) -> None:
    assert "no request" in str(plan_of(Session("x", "goose", messages=[Message("a", "event")]), env).refused)


def test_sessions_of_every_provider_can_go_on_in_vscode(tmp_path: Path) -> None:
    """All fixtures: what is said in them is read back from what was written, and VS Code could load it."""
    count, env = 0, home_of(tmp_path)
    for name in registry.BUILT_IN:
        if name == "vscode" or not (FIXTURES / name).is_dir():
            continue
        for session, reading in sessions_of(name, *sorted((FIXTURES / name).iterdir())):
            plan = plan_of(session, env, reading.attachments, revision=str(count))
            if plan.refused is None:
                made = read_state(write(plan).paths[0])
                assert not [*faults(made)]
                count += 1
    assert count > 60
    assert len(listed(store_for(env, str(tmp_path / "shop")))) == count


def test_real_sessions_go_on_in_vscode(tmp_path: Path) -> None:
    if not (SHARED / "realdata").is_dir():
        pytest.skip("no client data beside the checkout")
    env, count = home_of(tmp_path), 0
    for client in ("claude-code-2.1.329", "codex-0.169.0", "opencode-1.18.33"):
        for session, reading in sessions_of(client.rpartition("-")[0], SHARED / "realdata" / client / "home"):
            plan = plan_of(session, env, reading.attachments)
            if plan.refused is None:
                assert not [*faults(read_state(write(plan).paths[0]))]
                count += 1
    assert count > 20


# --- and on ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "command"),
    [
        ("/home/ana/my shop", "code '/home/ana/my shop'"),
        ("vscode-remote://wsl%2Bubuntu/home/ana", "code --folder-uri vscode-remote://wsl%2Bubuntu/home/ana"),
        (None, "code --new-window"),
    ],
)
def test_the_command_that_goes_on(example: Session, folder: str | None, command: str) -> None:
    example.workspace = folder
    assert contract.load("vscode").continue_command(example, Target({}.__getitem__)) == command


def test_the_command_is_the_editors_own(tmp_path: Path, example: Session) -> None:
    env, writer = home_of(tmp_path, "VSCodium"), contract.load("vscode")
    target = Target({}.__getitem__, str(tmp_path / "shop"))
    plan = writer.plan(example, env, target)
    assert writer.continue_command(example, target) == f"codium {tmp_path}/shop"
    assert any("Chat view" in note and "'Fix the login redirect'" in note for note in plan.notes)

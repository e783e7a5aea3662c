"""ChatGPT exports: what was said, thought, looked up and drawn."""

from __future__ import annotations

import base64
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from chasm_git.providers import registry
from tests.providers.exporting import SHARED, fixture, given_back, only, pairs, readings_of, sessions, written
from tests.providers.reading import shown

BOWL = "6a1f4c2e-0000-4000-8000-00000000aaaa"


def node(key: str, parent: str | None, children: list[str], role: str = "user", text: str = "hi", **more: Any) -> Any:
    content = {"content_type": "text", "parts": [text]}
    message = {"id": key, "author": {"role": role}, "content": content, "create_time": 1767225600, **more}
    return {"id": key, "message": message, "parent": parent, "children": children}


def talk(nodes: list[Any], **more: Any) -> Any:
    return {"id": "c", "title": "T", "create_time": 1767225600.5, "mapping": {n["id"]: n for n in nodes}, **more}


def test_a_conversation() -> None:
    session = sessions("chatgpt", fixture("chatgpt"))[BOWL]
    assert (session.title, session.created_at) == ("A grey-green bowl", "2026-01-01T00:00:00.000Z")
    told = [(m["role"], m["content"], bool(m.get("inactive"))) for m in shown(session) if not m.get("injected")]
    assert told == [
        ("user", "What glaze could this be? Look it up, please.", False),
        ("assistant", "It is celadon, I would say without looking.", True),
        ("assistant", "It is a celadon: grey-green, crackled, fired in a reducing flame.", False),
        ("user", "And how hot?", False),
        ("assistant", "About 1280 degrees, in a re", False),
    ]
    looked, counted = (m for m in shown(session) if m["tool_calls"])
    assert looked["thinking"] == ["Grey-green, crackled: a celadon, or a late copy."]
    assert looked["model"] == "gpt-5-thinking" and counted["status"] == "partial"
    (call,) = looked["tool_calls"]
    assert call["name"] == "web.run" and call["arguments"] == {"search_query": [{"q": "celadon glaze crackle"}]}
    assert call["result"] == "Celadon is fired in a reducing flame."
    assert [(c["name"], c["arguments"], c["result"]) for c in counted["tool_calls"]] == [
        ("python", "print(1280)", "1280")
    ]


def test_hidden_instructions_are_marked() -> None:
    session = sessions("chatgpt", fixture("chatgpt"))[BOWL]
    (about,) = (m for m in shown(session) if m.get("injected"))
    assert about["content"].startswith("I sell ceramics")
    assert [m.role for m in session.messages[:3]] == ["event", "event", "user"]


def test_files_of_the_export_are_attached(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for file in fixture("chatgpt").iterdir():
            target.write(file, f"a folder/{file.name}")
    (session, reading), _ = pairs("chatgpt", path)
    (image,) = (part for m in session.messages for part in m.parts() if part["type"] == "image")
    png = fixture("chatgpt").joinpath("file-Ab3Kiln-bowl.png").read_bytes()
    assert reading.attachments[image["data"]["$attachment"]] == png
    assert (image["media_type"], image["name"]) == ("image/png", "file-Ab3Kiln-bowl.png")
    alone = sessions("chatgpt", fixture("chatgpt") / "conversations.json")[BOWL]
    (image,) = (part for m in alone.messages for part in m.parts() if part["type"] == "image")
    assert image == {"type": "image", "uri": "file-service://file-Ab3Kiln"}


def test_an_opaque_file_is_known_by_its_bytes(tmp_path: Path) -> None:
    pointer = {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_00ab#p_1"}
    value = talk([node("n", None, [], content={"content_type": "multimodal_text", "parts": ["look", pointer]})])
    written(tmp_path / "conversations-000.json", [value])
    written(tmp_path / "file_00ab.dat", b"\xff\xd8\xff\xe0 a picture of a bowl")
    session, reading = only("chatgpt", tmp_path)
    assert session.messages[0].content[1]["media_type"] == "image/jpeg"  # type: ignore[index]
    assert [base64.b64encode(data)[:4] for data in reading.attachments.values()] == [b"/9j/"]


def test_trees_that_are_none(tmp_path: Path) -> None:
    nodes = [
        node("a", "b", ["b"], text="round"),
        node("b", "a", ["a"], role="assistant", text="and round"),
        node("c", "gone", ["nowhere"], text="an orphan"),
        node("d", "d", ["d"], text="its own child"),
    ]
    session, reading = only("chatgpt", written(tmp_path / "c.json", [talk(nodes, current_node="b")]))
    assert sorted(m.id for m in session.messages) == ["a", "b", "c", "d"]
    assert given_back(registry.load_export("chatgpt"), session, reading) == talk(nodes, current_node="b")


def test_nodes_that_do_not_say_their_key_come_back(tmp_path: Path) -> None:
    value = talk([node("a", None, [])])
    value["mapping"]["other"] = {"message": None, "note": 1}
    value["mapping"]["none"] = None
    session, reading = only("chatgpt", written(tmp_path / "c.json", value))
    assert given_back(registry.load_export("chatgpt"), session, reading) == value


def test_messages_with_one_id_stay_apart_and_times_may_be_mixed(tmp_path: Path) -> None:
    nodes = [node("a", None, ["b"]), node("b", "a", [], role="assistant", create_time=1767225601000)]
    nodes[1]["message"]["id"] = "a"
    session, _ = only("chatgpt", written(tmp_path / "c.json", [talk(nodes)]))
    assert [(m.id, m.timestamp) for m in session.messages] == [
        ("a", "2026-01-01T00:00:00.000Z"),
        ("a~2", "2026-01-01T00:00:01.000Z"),
    ]


def test_a_damaged_conversation_costs_itself(tmp_path: Path) -> None:
    pieces = [json.dumps(talk([node(f"n{n}", None, [])], id=f"c{n}", conversation_id=f"c{n}")) for n in range(5)]
    pieces[1] = pieces[1].replace('"T"', "T")
    pieces[3] = pieces[3].replace("}", "", 2)
    found = readings_of("chatgpt", written(tmp_path / "c.json", ("[" + ", ".join(pieces) + "]").encode()))
    assert [s.id for reading in found for s in reading.sessions] == ["c0", "c2", "c4"]
    reasons = [str(problem) for reading in found for problem in reading.problems]
    assert len(reasons) == 2 and "conversation 2" in reasons[0] and "conversation 4" in reasons[1]


@pytest.mark.parametrize("name", ["export", "native-conversation-v1", "representative-00", "representative-01"])
def test_shapes_others_have_seen(name: str) -> None:
    path = SHARED / "chatgpt" / f"polylogue-{'chatgpt-' if name == 'export' else ''}{name}.json"
    if not path.is_file():
        pytest.skip("no shared fixtures here")
    session, reading = only("chatgpt", path)
    assert given_back(registry.load_export("chatgpt"), session, reading) == json.loads(path.read_bytes())

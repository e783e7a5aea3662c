"""The Trae reader: prompts, which are all of it that can be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chasm_git.providers.base import Source
from chasm_git.providers.trae import Trae
from chasm_git.session import codec
from tests.providers.databases import build, built
from tests.providers.reading import FIXTURES, harvest, parts, said, sources

trae = Trae()
HOME = built(FIXTURES / "trae" / "v1")


def test_the_prompts_of_a_workspace() -> None:
    assert len(sources(trae, HOME)) == 2
    (session,) = harvest(trae, HOME).values()
    assert (session.id, session.workspace) == ("3c59dc048e8850243be8079a5c74d079", "/home/ana/shop")
    assert said(session, "user") == ["Why is the cart's total wrong?", "Look at cart.py again."]
    assert [part["uri"] for _, part in parts(session, "reference")] == ["/home/ana/shop/cart.py"]


@pytest.mark.parametrize("value", ['[null, "x", {"inputText": 7}, {"inputText": "hi", "files": [7, {"file": "a"}]}]'])
def test_what_is_odd_comes_back(value: str, tmp_path: Path) -> None:
    reading = trae.read(source_of(tmp_path, value))
    (session,) = reading.sessions
    assert [message.role for message in session.messages] == ["event", "event", "event", "user"]
    (data,) = trae.export(codec.loads(codec.dumps(session)), reading.attachments.__getitem__).values()
    assert json.loads(data) == json.loads(value)


@pytest.mark.parametrize("value", ["{}", "[", "7"])
def test_what_is_no_list_is_said(value: str, tmp_path: Path) -> None:
    reading = trae.read(source_of(tmp_path, value))
    assert reading.sessions == [] and len(reading.problems) == 1


def source_of(tmp_path: Path, value: str) -> Source:
    script = "CREATE TABLE ItemTable (key TEXT, value BLOB); INSERT INTO ItemTable VALUES"
    path = build(
        tmp_path / "w" / "state.vscdb", f"{script} ('icube-ai-agent-storage-input-history', CAST('{value}' AS BLOB));"
    )
    return Source("trae", "k", path, "")

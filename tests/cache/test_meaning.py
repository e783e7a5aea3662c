"""Search by meaning, with a model of a few words made here: how good one is, is not the question."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chasm_git.api import Archive, open_archive
from chasm_git.archive.config import write_config
from chasm_git.cache.passages import passages
from chasm_git.errors import ChasmError
from chasm_git.session.model import Message, Session
from tests.conftest import Keep, git

np = pytest.importorskip("numpy")
pytest.importorskip("model2vec")

TOPICS = (
    ("cat", "kitten", "feline", "purrs"),
    ("car", "engine", "motor", "drives"),
    ("bread", "loaf", "oven", "bakes"),
)
"""Words that mean the same: the model has one direction for each line."""


def make_model(folder: Path, topics: tuple[tuple[str, ...], ...] = TOPICS) -> Path:
    from model2vec import StaticModel
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    words = ["[UNK]", *(word for topic in topics for word in topic)]
    vectors = np.zeros((len(words), 8), np.float32)
    for number, topic in enumerate(topics):
        for word in topic:
            vectors[words.index(word), number] = 1.0
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    StaticModel(vectors, tokenizer).save_pretrained(str(folder))
    return folder


def said(key: str, *texts: str, provider: str = "codex", title: str | None = None) -> Session:
    messages = [
        Message(f"{key}-{number}", ("user", "assistant")[number % 2], f"2026-01-0{number + 1}T12:00:00.000Z", text)
        for number, text in enumerate(texts)
    ]
    return Session(key, provider, title, created_at="2026-01-01T12:00:00.000Z", messages=messages)


@pytest.fixture
def kept(keep: Keep, tmp_path: Path) -> Callable[..., Path]:
    def make(*sessions: Session) -> Path:
        place = keep(list(sessions))
        write_config(place / ".git" / "config", {SETTING: str(make_model(tmp_path / "model"))}, tmp_path)
        return place

    return make


SETTING = "chasm.meaningModel"
ANIMAL = said("animal", "my kitten sleeps all day", "it purrs while it does")
WHEELS = said("wheels", "the motor is loud", "then it drives too fast", provider="claude-code")
FOOD = said("food", "nothing to see here", "a loaf from the oven")


def found(archive: Archive, text: str, **fields: list[str]) -> list[str]:
    return [match.id for match in archive.search_like(text, fields=fields).matches]


def vectors_of(place: Path) -> sqlite3.Connection:
    return sqlite3.connect(place / ".git/chasm/meaning.sqlite3")


def test_other_words_of_the_same_meaning(kept: Callable[..., Path]) -> None:
    with open_archive(kept(ANIMAL, WHEELS, FOOD)) as archive:
        assert archive.search("cat").matches == []
        assert found(archive, "a cat") == ["animal"]
        assert found(archive, "engine") == ["wheels"]
        (match,) = archive.search_like("bread").matches
        (hit,) = match.hits
        assert (match.id, hit.role, hit.message, hit.snippet.text) == (
            "food",
            "assistant",
            "food-1",
            FOOD.messages[1].content,
        )
        assert 0.9 < match.score <= 1.0
        assert found(archive, "zebra") == []


def test_only_where_the_fields_say(kept: Callable[..., Path]) -> None:
    both = said("both", "the cat", "the car", provider="claude-code")
    with open_archive(kept(ANIMAL, WHEELS, both)) as archive:
        assert set(found(archive, "cat car")) == {"animal", "wheels", "both"}
        assert set(found(archive, "cat", provider=["claude-code"])) == {"both"}
        assert found(archive, "car", role=["user"]) == ["wheels"]
        assert len(archive.search_like("cat car", 1).matches) == 1


def test_what_grew_is_made_and_what_went_is_let_go(kept: Callable[..., Path], keep: Keep) -> None:
    place = kept(ANIMAL, WHEELS)
    with open_archive(place) as archive:
        assert found(archive, "loaf") == []
        with closing(vectors_of(place)) as db:
            before = {row[0] for row in db.execute("SELECT chunk FROM vectors")}
    grown = said("animal", "my kitten sleeps all day", "it purrs while it does", "it likes bread")
    keep([grown, WHEELS])
    with open_archive(place) as archive:
        assert found(archive, "loaf") == ["animal"]
        with closing(vectors_of(place)) as db:
            after = {row[0] for row in db.execute("SELECT chunk FROM vectors")}
    assert before & after and before - after and after - before


@pytest.mark.parametrize("damage", [b"", b"no database at all, but long enough to be read as one" * 20])
def test_vectors_can_be_lost(kept: Callable[..., Path], damage: bytes) -> None:
    place = kept(ANIMAL)
    with open_archive(place) as archive:
        assert found(archive, "cat") == ["animal"]
        (place / ".git/chasm/meaning.sqlite3").write_bytes(damage)
        assert found(archive, "cat") == ["animal"]
        (place / ".git/chasm/meaning.sqlite3").unlink()
        assert found(archive, "cat") == ["animal"]


def test_another_model_makes_them_anew(kept: Callable[..., Path], tmp_path: Path) -> None:
    place = kept(ANIMAL, WHEELS)
    with open_archive(place) as archive:
        assert found(archive, "cat") == ["animal"]
        make_model(tmp_path / "model", (("cat", "motor"), ("kitten", "purrs")))
        assert found(archive, "cat") == ["wheels"]


def test_without_a_model(keep: Keep, tmp_path: Path) -> None:
    place = keep([ANIMAL])
    with open_archive(place) as archive:
        with pytest.raises(ChasmError, match=r"git config --global chasm.meaningModel DIR"):
            archive.search_like("cat")
        git(place, "config", SETTING, "somebody/some-model")
        with pytest.raises(ChasmError, match="there is no model in somebody/some-model"):
            archive.search_like("cat")
        (tmp_path / "empty").mkdir()
        git(place, "config", SETTING, str(tmp_path / "empty"))
        with pytest.raises(ChasmError, match="no model that can be read"):
            archive.search_like("cat")


def test_odd_texts(kept: Callable[..., Path]) -> None:
    odd = said("odd", "", "\ud83d kitten \x00", "   \n\n ", "kitten " * 3000)
    with open_archive(kept(odd)) as archive:
        (match,) = archive.search_like("\ud800 cat").matches
        assert match.id == "odd" and len(match.hits) == 3


@given(st.text(st.sampled_from("ab \n\t."), max_size=4000))
def test_passages_hold_all_that_is_said(text: str) -> None:
    spans = list(passages(text))
    assert all(0 < end - start <= 1200 for start, end in spans)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
    covered = [False] * len(text)
    for start, end in spans:
        covered[start:end] = [True] * (end - start)
    assert all(inside or char.isspace() for char, inside in zip(text, covered, strict=True))

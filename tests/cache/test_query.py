"""Queries: what is typed, and that nothing typed is an error."""

from __future__ import annotations

import datetime as dt
import re

from hypothesis import example, given
from hypothesis import strategies as st

from chasm_git.cache.query import parse
from chasm_git.cache.text import PIECE, WINDOW, fold, original_offsets, terms

NOW = dt.datetime(2026, 2, 10, 12, tzinfo=dt.UTC)


def test_words_phrases_prefixes_and_what_is_not_wanted() -> None:
    query = parse('Login "page twice" redir* -draft -"old plan" word, -tool:Bash', NOW)
    assert [term.needed for term in query.wanted] == [
        (("exact", "login"),),
        (("exact", "page"), ("exact", "twice")),
        (("prefix", "redir"),),
        (("exact", "word"),),
    ]
    assert [term.needed for term in query.unwanted] == [(("exact", "draft"),), (("exact", "old"), ("exact", "plan"))]
    assert query.not_fields == {"tool": ["bash"]}


def test_fields() -> None:
    query = parse("role:user since:7d until:2026-01-31 provider:Codex has:error tag:a tag:b", NOW)
    assert query.wanted == []
    assert query.fields == {
        "role": ["user"],
        "since": ["2026-02-03T12:00:00.000Z"],
        "until": ["2026-02-01T00:00:00.000Z"],
        "provider": ["codex"],
        "has": ["error"],
        "tag": ["a", "b"],
    }


def test_a_field_that_makes_no_sense_is_text() -> None:
    query = parse("since:whenever role:king has:cake role: http://example.org", NOW)
    assert query.fields == {}
    assert [term.pattern for term in query.wanted][:2] == [re.escape("since:whenever"), re.escape("role:king")]
    assert len(query.wanted) == 5


def test_punctuation_inside_is_looked_up_as_it_is_written() -> None:
    (term,) = parse("foo_bar->baz()").wanted
    assert term.needed == (("suffix", "foo"), ("exact", "bar"), ("exact", "baz"))
    assert re.search(term.pattern, "xfoo_bar->baz()")
    (path,) = parse("src/main.py").wanted
    assert path.needed == (("suffix", "src"), ("exact", "main"), ("prefix", "py"))
    assert parse("x-y").wanted[0].needed == (("prefix", "y"),)  # one letter of a word's end says too little
    assert [term.pattern for term in parse("-> --all -").wanted] == [r"\->", r"\-\-all"]


@given(st.text(max_size=60))
def test_any_text_is_a_query(text: str) -> None:
    query = parse(text, NOW)
    for term in (*query.wanted, *query.unwanted):
        re.compile(term.pattern)
        assert term.anchor


@given(st.text(max_size=40))
def test_folding_goes_character_by_character(text: str) -> None:
    folded = fold(text)
    assert folded == "".join(map(fold, text))
    assert fold(folded) == folded
    assert len(original_offsets(text)) == len(folded) + 1


@given(st.text(max_size=60))
@example("0\u1680")  # a blank of its own kind
def test_whatever_stands_in_a_text_is_found_by_its_terms(text: str) -> None:
    held = terms(text)
    for part in text.split():
        for term in parse(f'"{part.replace(chr(34), " ")}"', NOW).wanted:
            for how, needed in term.needed:
                if how == "exact":
                    assert needed in held
                else:
                    fits = {"prefix": str.startswith, "suffix": str.endswith, "inside": str.__contains__}[how]
                    assert any(fits(one, needed) for one in held)


def test_case_diacritics_and_forms_make_no_difference() -> None:
    assert fold("CAFÉ Straße ﬁ Ｗ İ") == "cafe strasse fi w i"
    assert terms("naïve_ÜBER") == {"naive", "uber"}
    assert terms("日本語 🎉done") == {"日本", "本語", "語", "🎉", "done"}


def test_long_words_are_held_in_windows() -> None:
    word = "".join(chr(97 + (n * n + n // 7) % 26) for n in range(1000))
    held = terms(word)
    assert max(map(len, held)) <= WINDOW
    assert all(any(word[at : at + PIECE] in one for one in held) for at in range(len(word) - PIECE + 1))
    assert any(word.endswith(one) for one in held)

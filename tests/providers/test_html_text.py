"""The text of HTML: what is read without the parser is what the parser reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chasm_git.providers.reading import conversation

PIECES = [
    *(
        "<p>",
        "</p>",
        "<br>",
        "<br/>",
        "<br />",
        "<li>",
        "</li>",
        "<li/>",
        "<p/>",
        "</p >",
        "<P>",
        "<ul>",
        "<h1>",
        "</h1>",
    ),
    *("<b>", "</b>", '<a href="x">', '<a href="x>y">', "</a>", "<div class='x'>", '<img alt="a" src="b" />', "<td>"),
    *("text", "a & b", "&amp;", "&lt;p&gt;", "&", "&am", "<", "<!-- c -->", "<script>", "</script>", "\n", " ", "&#65"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_it_is_what_the_parser_reads(html: str) -> None:
    parser = conversation._Text()
    parser.feed(html)
    parser.close()
    pieces = conversation._pieces_of(html)
    assert pieces is None or "".join(pieces) == "".join(parser.pieces)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>It is on <b>Tuesday</b>.</p><ul><li>a &amp; b</li><li>c</li></ul>", "It is on Tuesday.\n\n- a & b\n- c"),
        ("<P CLASS=x>one<BR>two</P><style>p {}</style>", "one\ntwo\np {}"),
        ("1 < 2", "1 < 2"),
        ("plain", "plain"),
    ],
)
def test_it_reads_as_a_person_reads_it(html: str, text: str) -> None:
    assert conversation.text_of_html(html) == text

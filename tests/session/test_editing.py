"""Versions as texts to compare and edit, and an edited text as content again."""

import pytest

from chasm_git.session import editing
from chasm_git.session.body import Body
from chasm_git.session.model import Message

LABELS = ["1 ours", "2 theirs"]
CALL = {"type": "tool_call", "id": "c", "name": "Bash", "arguments": {"command": "ls\npwd"}}


def body(content, **fields):
    return Body(Message("a", "assistant", content=content, **fields))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "one",
        "one\n",
        "two\nlines",
        "\n\nodd \n",
        [{"type": "text", "text": "one", "cited": [1]}],
        [CALL],
        [CALL, CALL],
    ],
)
def test_a_text_is_the_content_it_was_made_from(content):
    made = body(content)
    assert editing.content_from(made, editing.text_of(made)) == content


def test_parts_are_edited_as_they_stand_in_the_file():
    made = body([CALL, {"type": "text", "text": "done"}])
    text = editing.text_of(made).replace("pwd", "id -u")
    assert editing.content_from(made, text)[0]["arguments"] == {"command": "ls\nid -u"}
    with pytest.raises(editing.NotMerged):
        editing.content_from(made, "content: [")


def test_versions_that_say_the_same_are_shown_whole():
    one, other = editing.texts_of([body("same", native={"k": 1}), body("same", native={"k": 2})])
    assert '"k":1' in one and '"k":2' in other


def test_lines_that_agree_stand_once():
    document = editing.document(["a\nb\nc", "a\nx\nc"], LABELS, "About it.\nMore.")
    above, _, below = document.partition(editing.SCISSORS)
    assert above == "a\n<<<<<<< 1 ours\nb\n======= 2 theirs\nx\n>>>>>>> 2 theirs\nc\n"
    assert below == "\n# About it.\n# More.\n"


def test_three_versions_stand_one_below_the_other():
    document = editing.document(["a", "b", "c"], ["1", "2", "3"], "x")
    assert document.startswith("<<<<<<< 1\na\n======= 2\nb\n======= 3\nc\n>>>>>>> 3\n")


def test_what_was_written_is_what_stands_above_the_scissors():
    texts = ["a\nb", "a\nc"]
    assert editing.written(f"a\nb and c\n\n{editing.SCISSORS}\n# x\n", texts, LABELS) == "a\nb and c"
    assert editing.written("a\r\nheading\r\n=======\r\n", texts, LABELS) == "a\nheading\n======="
    assert editing.written("a\n", ["a\n", "b"], LABELS) == "a\n"


@pytest.mark.parametrize("mark", ["<<<<<<< 1 ours", "======= 2 theirs", ">>>>>>> 2 theirs"])
def test_marks_that_are_left_are_no_text(mark):
    with pytest.raises(editing.NotMerged, match="still there"):
        editing.written(f"a\n{mark}\nb", ["a", "b"], LABELS)


def test_the_difference_of_all_versions_to_the_one_shown():
    lines = editing.difference(["a\nb", "a\nc", "a\nd"], ["1", "2", "3"])
    assert [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")] == ["-b", "+c", "-b", "+d"]

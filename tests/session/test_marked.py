"""Session files with git's conflict marks in them: the sides come back, and merge by messages."""

import subprocess

import pytest
from hypothesis import HealthCheck, given, settings

from chasm_git.session import codec, marked
from chasm_git.session.merge import merge
from chasm_git.session.model import Message, Session
from tests.property import worlds


def session(*texts, **fields):
    messages = [
        Message(f"m{number}", "user", f"2026-01-08T12:00:0{number}.000Z", text, f"m{number - 1}" if number else None)
        for number, text in enumerate(texts)
    ]
    return codec.dumps(Session("s", "codex", messages=messages, **fields))


def by_lines(folder, base, ours, theirs, *options):
    """What git's own text merge makes of three versions."""
    for name, data in (("base", base), ("ours", ours), ("theirs", theirs)):
        (folder / name).write_bytes(data)
    command = ["git", "merge-file", "-p", *options, "ours", "base", "theirs"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).stdout


BASE = session("one", "two", title="t")
OURS = session("one", "<<<<<<< a question\n=======\nof two lines", "three", title="mine")
THEIRS = session("one", "zwei", title="its own")


@pytest.mark.parametrize("style", [(), ("--diff3",), ("--zdiff3",)])
def test_the_sides_come_back(tmp_path, style):
    found = marked.sides(by_lines(tmp_path, BASE, OURS, THEIRS, *style))
    assert (found.ours, found.theirs) == (OURS, THEIRS)
    assert found.base == (None if not style else BASE)


@pytest.mark.parametrize("style", [(), ("--diff3",)])
def test_they_merge_by_messages(tmp_path, style):
    data = by_lines(tmp_path, BASE, OURS, THEIRS, *style)
    with pytest.raises(codec.CodecError, match="line 4: git merged this file as text"):
        codec.loads(data)
    assert marked.merged(data) == merge(BASE if style else None, OURS, THEIRS).data


def test_a_file_without_marks_has_no_sides():
    assert marked.sides(OURS) is None  # marks within a text are the text's
    assert marked.merged(OURS) is None


def test_two_continuations_need_no_base(tmp_path):
    ours, theirs = session("one", "two", "a"), session("one", "two").replace(b"m1", b"n1")
    data = by_lines(tmp_path, session("one"), ours, theirs)
    assert marked.merged(data) == merge(None, ours, theirs).data


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"<<<<<<< ours\na\n", "line 1"),
        (b"a\n<<<<<<< ours\n=======\n<<<<<<< ours\n", "line 4"),
        (b"<<<<<<< ours\n>>>>>>> theirs\n", "line 2"),
        (b"<<<<<<< ours\n=======\n||||||| base\n>>>>>>> theirs\n", "line 3"),
        (b"<<<<<<< ours\n=======\n>>>>>>> theirs\n=======\n", "line 4"),
    ],
)
def test_marks_that_do_not_fit_are_refused(text, line):
    with pytest.raises(codec.CodecError, match=line):
        marked.sides(text)


def test_a_side_that_cannot_be_read_is_refused(tmp_path):
    broken = THEIRS.replace(b"content: zwei", b"content: [zwei")
    with pytest.raises(codec.CodecError):
        marked.merged(by_lines(tmp_path, BASE, OURS, broken))


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds.forks(2))
def test_no_version_loses_a_line(tmp_path_factory, case):
    """What git could merge by lines stands in both sides; where it could merge nothing they are what they were."""
    base, ours, theirs = case
    data = by_lines(tmp_path_factory.mktemp("merge"), base, ours, theirs, "--diff3")
    found = marked.sides(data)
    if found is not None:
        marks = (b"<<<<<<< ", b"||||||| ", b">>>>>>> ")
        lines = [line for line in data.split(b"\n") if not line.startswith(marks) and line != b"======="]
        kept = {*found.base.split(b"\n"), *found.ours.split(b"\n"), *found.theirs.split(b"\n")}
        assert set(lines) == kept

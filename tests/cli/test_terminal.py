"""Printing: aligned in a pipe, JSON that is safe, times as the wall clock shows them."""

from __future__ import annotations

import json
import os
import pty
import select
import time

import pytest

from chasm_git.outputs.cli.terminal import Terminal, json_text, local_time, width_of
from tests.cli.calling import Program, on_a_terminal


def test_a_table_in_a_pipe_is_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal({}).table(["id", "> n", "title"], [["a", 1, "x\ny\x1b[1m"], ["日本", 1200, None], ["é", None, "z"]])
    assert capsys.readouterr().out == "id       n  title\na        1  x y␛[1m\n日本  1200\né           z\n"


def test_a_line_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal({}).line("+ id  a title\n+ other  that pretends to be two")
    assert capsys.readouterr().out == "+ id  a title + other  that pretends to be two\n"


def test_an_empty_table_is_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal({}).table(["id", "title"], [])
    assert capsys.readouterr().out == "id  title\n"


@pytest.mark.parametrize("value", [{"a": "\x7f\x9b\x1b\u0000"}, ["é\u2028", 1.5, None], "\ud83d", [[[[]]]]])
def test_json_gives_the_value_and_drives_nothing(value: object) -> None:
    text = json_text(value)
    assert json.loads(text) == value
    assert not any(c in text for c in "\x7f\x9b\x1b\x00")


def test_deep_json_is_printed() -> None:
    value: list[object] = []
    for _ in range(300):
        value = [value]
    assert json.loads(json_text(value)) == value


def test_times_are_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert local_time("2026-01-08T20:00:01.500Z") == "2026-01-09 05:00"
        assert local_time("2026-01-08T20:00:01.500Z", seconds=True) == "2026-01-09 05:00:01"
    finally:
        monkeypatch.setenv("TZ", "UTC")
        time.tzset()
    assert (local_time(None), local_time("never")) == ("", "never")


def test_notices_go_to_stderr_and_can_be_silenced(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal({}).notice("3 new\x07")
    Terminal({}, quiet=True).notice("nothing")
    assert capsys.readouterr() == ("", "3 new␇\n")


def test_progress_in_a_pipe_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal({}).progress("reading") as progress:
        progress(1, 2)
    assert capsys.readouterr() == ("", "")


def test_a_bar_appears_on_work_that_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    leader, follower = pty.openpty()
    with os.fdopen(follower, "w") as screen:
        monkeypatch.setattr("sys.stderr", screen)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "100")
        for patience in (60.0, 0.0):
            monkeypatch.setattr("chasm_git.outputs.cli.terminal._PATIENCE", patience)
            with Terminal({}).progress("reading ␛ sessions") as progress:
                for done in range(1, 4):
                    progress(done, 3)
            screen.flush()
            if patience:
                assert select.select([leader], [], [], 0.1)[0] == []
        drawn = ""
        while select.select([leader], [], [], 0.2)[0]:
            drawn += os.read(leader, 65536).decode("utf-8", "replace")
    os.close(leader)
    assert "reading ␛ sessions" in drawn and "100%" in drawn


def test_widths() -> None:
    assert [width_of(text) for text in ("abc", "日本", "e\u0301", "👩")] == [3, 4, 1, 2]


def test_ids_can_be_copied_from_a_narrow_terminal(chasm: Program) -> None:
    (one,) = chasm("list", "sessions", "--json").json
    shown = on_a_terminal("-C", str(chasm.archive), "list", "sessions", NO_COLOR="1", COLUMNS="50")
    line = shown.splitlines()[1].split()
    assert one["id"].startswith(line[0]) and len(line[0]) >= 8 and line[1] == one["provider"]

"""`chasm export workspace`, `path`, `batch`, and of searches and revisions: which sessions, in which files."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chasm_git.outputs.export.rows import COLUMNS, cell
from chasm_git.session.attachments import store_base64
from chasm_git.session.model import Message, Session
from tests.cli.calling import Program
from tests.conftest import Keep, git
from tests.outputs.hostile import EVIL, PNG

PLACES = {"aaa": "/home/ana/shop", "bbb": "/home/ana/shop/api", "ccc": "/srv/other", "ddd": "file:///home/ana/shop"}


def talk(name: str, workspace: str | None, text: str = "Why?") -> Session:
    call = {"type": "tool_call", "id": "c1", "name": "Bash", "arguments": {"command": "ls"}}
    result = {"type": "tool_result", "id": "c1", "content": "a.py"}
    messages = [
        Message("m1", "user", "2026-01-08T12:00:00.000Z", text),
        Message("m2", "assistant", "2026-01-08T12:00:01.000Z", [{"type": "text", "text": "So."}, call], after="m1"),
        Message("m3", "tool", "2026-01-08T12:00:02.000Z", [result], after="m2"),
        Message("m4", "user", "2026-01-08T12:00:03.000Z", "<context/>", after="m3", injected=True),
    ]
    return Session(name, "p", title=f"About {name}", workspace=workspace, messages=messages)


@pytest.fixture
def shop(keep: Keep, capsys: pytest.CaptureFixture[str]) -> Program:
    return Program(keep([talk(name, place) for name, place in PLACES.items()]), capsys)


def ids(called: object) -> list[str]:
    return sorted(one["id"] for one in called)  # type: ignore[attr-defined]


def test_the_sessions_of_a_folder(shop: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called = shop("export", "path", str(tmp_path / "out"), "/home/ana/shop", "--json").json
    assert ids(called["sessions"]) == ["aaa", "bbb", "ddd"]
    assert sorted(path.name for path in (tmp_path / "out" / "p").iterdir()) == ["aaa.md", "bbb.md", "ddd.md"]
    batch = shop("export", "batch", "-", "/srv/other", "/home/ana/shop/api", "--format", "json").json
    assert ids(batch) == ["bbb", "ccc"]
    monkeypatch.chdir(tmp_path)
    assert "no session" in shop("export", "path", "out", expect=1).err


def test_the_sessions_of_a_workspace(shop: Program, tmp_path: Path) -> None:
    def exported(name: str) -> list[str]:
        return ids(shop("export", "workspace", "-", name, "--format", "json").json)

    assert exported("/home/ana/shop") == ["aaa", "ddd"]
    assert exported("SHOP") == ["aaa", "bbb", "ddd"]
    assert shop("export", "workspace", str(tmp_path), "nowhere", expect=1).err.startswith("chasm: there is no session")


def test_what_a_search_finds_and_what_was_at_a_revision(shop: Program, keep: Keep, tmp_path: Path) -> None:
    git(shop.archive, "tag", "-m", "x", "before")
    keep([talk("aaa", "/home/ana/shop", "Where is the invoice?"), talk("eee", "/home/ana/shop")])
    lines = shop("export", "session", "--search", "invoice", "--format", "jsonl", "--plain").out.splitlines()
    assert {json.loads(line)["session"] for line in lines} == {"aaa"}
    then = shop("export", "path", "-", "/home/ana/shop", "--at", "before", "--format", "json", "--plain").json
    assert ids(then) == ["aaa", "bbb", "ddd"] and then[0]["messages"][0]["content"] == "Why?"
    assert "invoice" not in shop("export", "session", "aaa@before", "--format", "text").out
    assert "invoice" in shop("export", "session", "aaa", "--format", "text").out
    assert shop("export", "session", expect=2).code == 2


def test_pages_and_their_list(shop: Program, tmp_path: Path) -> None:
    shop("export", "workspace", str(tmp_path / "web"), "shop", "--format", "html")
    index = (tmp_path / "web" / "index.html").read_text()
    assert index.count("<tr>") == 4 and 'href="p/aaa.html"' in index
    assert "About aaa" in (tmp_path / "web" / "p" / "aaa.html").read_text()


def test_several_in_one_file(shop: Program, tmp_path: Path) -> None:
    shop("export", "path", str(tmp_path / "all.csv"), "/home/ana/shop")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "all.csv").read_bytes().decode(), newline="")))
    assert len(rows) == 9 and tuple(rows[0]) == COLUMNS
    assert rows[1]["content"] == "So." and json.loads(rows[1]["tool_calls"])[0]["result"] == "a.py"
    assert (tmp_path / "all.csv").read_bytes().count(b"\r\n") == 10
    assert "do not fit" in shop("export", "path", str(tmp_path / "all.md"), "/home/ana/shop", expect=2).err
    assert "name a folder" in shop("export", "path", "-", "/home/ana/shop", expect=2).err


def test_records_to_tune_a_model_on(shop: Program) -> None:
    (line,) = shop("export", "session", "aaa", "--format", "jsonl", "--style", "chat").out.splitlines()
    assert json.loads(line) == {
        "messages": [
            {"role": "user", "content": "Why?"},
            {
                "role": "assistant",
                "content": "So.",
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "Bash", "arguments": '{"command":"ls"}'}}
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "a.py"},
        ]
    }
    assert shop("export", "session", "aaa", "--style", "chat", expect=2).code == 2


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "=HYPERLINK(1)"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert cell(text)[:1] == "'"


@pytest.mark.parametrize("text", EVIL)
def test_a_cell_comes_back_from_any_reader(text: str, keep: Keep, capsys: pytest.CaptureFixture[str]) -> None:
    chasm = Program(keep([talk("x", None, f'{text}\n"quoted", and so on')]), capsys)
    rows = list(csv.reader(io.StringIO(chasm("export", "session", "x", "--format", "csv").out, newline="")))
    assert len(rows) == 4 and all(len(row) == len(COLUMNS) for row in rows)
    assert rows[1][COLUMNS.index("content")].endswith('"quoted", and so on')
    assert "\x1b" not in str(rows)


def test_nothing_is_written_over_and_a_dry_run_writes_nothing(shop: Program, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "would write" in shop("export", "path", str(out), "/home/ana/shop", "--dry-run").err and not out.exists()
    (out / "p").mkdir(parents=True)
    (out / "p" / "bbb.md").write_text("mine")
    assert "--force" in shop("export", "path", str(out), "/home/ana/shop", expect=1).err
    assert [path.name for path in (out / "p").iterdir()] == ["bbb.md"]
    shop("export", "path", str(out), "/home/ana/shop", "--force")
    assert (out / "p" / "bbb.md").read_text() != "mine"


def test_attachments_beside(keep: Keep, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import base64

    held: dict[str, bytes] = {}
    data = store_base64(base64.b64encode(PNG).decode(), "image/png", held)
    part = {"type": "image", "media_type": "image/png", "data": data}
    chasm = Program(keep([Session("s", "p", messages=[Message("m", "user", content=[part])])], held), capsys)
    (name,) = held
    for form in ("md", "html", "json"):
        folder = tmp_path / form
        chasm("export", "session", "s", "-o", f"{folder}/", "--format", form, "--attachments")
        assert (folder / "s.files" / name).read_bytes() == PNG
        if form != "html":
            chasm("-C", str(folder / "archive"), "import", "path", str(folder / f"s.{form}"))
            assert (folder / "archive" / "attachments" / name[:2] / name).read_bytes() == PNG
    page = (tmp_path / "html" / "s.html").read_text()
    assert f'href="s.files/{name}"' in page and base64.b64encode(PNG).decode() in page
    assert f"![{name}](s.files/{name})" in (tmp_path / "md" / "s.md").read_text()
    assert chasm("export", "session", "s", "--attachments", expect=2).code == 2


def broken(shop: Program, name: str, *, header: bool = False) -> None:
    """Damage a session's file in the archive, as a commit of somebody's."""
    (path,) = (shop.archive / "sessions").rglob(f"{name}.yaml")
    path.write_text("chasm: 1\nid: [" if header else path.read_text().replace("role: user", "role: [", 1))
    git(shop.archive, "commit", "-qam", "broken")


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "text", "md"])
def test_one_session_that_cannot_be_read_keeps_none_of_the_others(shop: Program, tmp_path: Path, form: str) -> None:
    broken(shop, "bbb")
    for target in ("out" if form == "md" else f"out.{form}", "-"):
        if target == "-" and form == "md":
            continue
        place = str(tmp_path / target) if target != "-" else "-"
        called = shop("export", "batch", place, "/home/ana/shop", "/srv", "--format", form, expect=4)
        assert "bbb.yaml" in called.err and "1 session could not be exported" in called.err
        made = called.out if target == "-" else "".join(one.read_text() for one in files_below(tmp_path / target))
        assert "bbb" not in made and "aaa" in made and "ccc" in made
    assert "bbb.yaml" in shop("export", "session", "bbb", "--format", form, expect=1).err


def files_below(place: Path) -> list[Path]:
    return [place] if place.is_file() else [path for path in sorted(place.rglob("*")) if path.is_file()]


def test_a_session_whose_file_the_repository_lacks(shop: Program, tmp_path: Path) -> None:
    (path,) = (shop.archive / "sessions").rglob("bbb.yaml")
    blob = git(shop.archive, "hash-object", str(path)).strip()
    (shop.archive / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    for line in ("show session bbb", "export session bbb", "export session bbb --format html --plain"):
        assert "missing from the repository" in shop(*line.split(), expect=1).err
    called = shop("export", "batch", str(tmp_path / "o"), "/home/ana/shop", "--format", "html", "--json")
    assert ids(called.json["sessions"]) == ["aaa", "ddd"] and "bbb.yaml" in called.err


def test_a_session_of_which_nobody_knows_the_folder_is_named(shop: Program, tmp_path: Path) -> None:
    broken(shop, "bbb", header=True)
    for number, line in enumerate(("path {} /home/ana/shop", "workspace {} shop", "batch {} /home/ana/shop /x")):
        called = shop("export", *line.format(tmp_path / str(number)).split())
        assert "bbb.yaml" in called.err and "git verify" in called.err
        assert sorted(path.name for path in (tmp_path / str(number)).rglob("*.md")) == ["aaa.md", "ddd.md"]


def test_json_on_standard_output_needs_no_format(shop: Program) -> None:
    assert ids(shop("export", "path", "-", "/home/ana/shop", "--json").json) == ["aaa", "bbb", "ddd"]
    assert shop("export", "path", "-", "/srv", "--json").json == shop("show", "session", "ccc", "--json").json
    assert shop("export", "session", "ccc", "-o", "-", "--json").json["id"] == "ccc"


def test_many_sessions_in_one_file_take_no_more_memory_than_one(keep: Keep, tmp_path: Path) -> None:
    """What a session needs is let go of before the next: the file is written as it is made."""
    archive = keep([talk(f"s{number:03}", "/w", "x" * 300_000) for number in range(40)])
    code = (
        "import sys, tracemalloc; from chasm_git.outputs.cli.main import main; import chasm_git.api\n"
        "tracemalloc.start(); code = main(sys.argv[1:]); print(tracemalloc.get_traced_memory()[1]); sys.exit(code)"
    )
    for form in ("json", "csv"):
        place = tmp_path / f"all.{form}"
        line = ["-C", str(archive), "export", "workspace", str(place), "w", "--plain"]
        done = subprocess.run([sys.executable, "-c", code, *line], capture_output=True, text=True, check=True)
        assert place.stat().st_size > 40 * 300_000 and int(done.stdout) < 12_000_000, (form, done.stdout)


def test_a_file_of_several_is_laid_out_as_ever(shop: Program, tmp_path: Path) -> None:
    made = shop("export", "batch", "-", "/home/ana/shop", "--format", "json").out
    assert made == json.dumps(json.loads(made), indent=2, ensure_ascii=False) + "\n"


def test_standard_output_by_another_name_is_written_to(shop: Program, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    line = ["-C", str(shop.archive), "export", "session", "aaa", "-o", str(tmp_path / "pipe"), "--plain"]
    with subprocess.Popen([sys.executable, "-m", "chasm_git", *line]) as process:
        assert (tmp_path / "pipe").read_text().startswith("# About aaa")
    assert process.returncode == 0 and (tmp_path / "pipe").is_fifo()


def test_a_session_without_its_providers_records_has_no_native_form(
    keep: Keep, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = talk("s", "/w")
    made.provider = "claude-code"
    chasm = Program(keep([made]), capsys)
    for line in (["-o", str(tmp_path / "x.jsonl")], ["-o", f"{tmp_path}/"], []):
        called = chasm("export", "session", "s", "--format", "native", *line, expect=1)
        assert "no records of claude-code" in called.err and called.out == "" and not list(tmp_path.glob("*.jsonl"))

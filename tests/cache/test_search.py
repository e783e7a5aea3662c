"""What stands in an archive is found, and nothing else; the cache follows whatever happens to the branch."""

from __future__ import annotations

import importlib
import os
import random
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chasm_git.api import open_archive
from chasm_git.archive import repo
from chasm_git.archive.plumbing.objects import compress
from chasm_git.cache import follow, schema
from chasm_git.cache.kept import Text
from chasm_git.cache.query import FIELDS, Query, parse, substring
from chasm_git.cache.search import search
from chasm_git.cache.snippet import snippet
from chasm_git.cache.text import fold
from chasm_git.cache.texts import Texts
from chasm_git.session import jsonio
from chasm_git.session.attachments import store_text
from chasm_git.session.model import Message, Session
from chasm_git.session.readable import display_title
from tests.archive.making import git, new_session, path, put, say

TIME = "2026-02-03T04:05:06.000Z"


@pytest.fixture
def archive(tmp_path):
    with repo.init_archive(tmp_path / "archive") as made:
        yield made


def found(archive, query, **options):
    with open_archive(archive.path) as opened:
        results = opened.search(query, options.pop("limit", 1000), **options)
    return sorted(match.id for match in results.matches)


def full():
    """A session with something in every place."""
    attached = {}
    reference = store_text("long " * 20000 + "deepword", attached)
    call = {"command": "callword", "n": [{"a": "deeparg"}]}
    output = [{"type": "text", "text": "resultword"}]
    session = Session(
        "full",
        "claude-code",
        title="Titleword here",
        workspace="/home/ana/shop",
        created_at=TIME,
        tags=["auth"],
        extra={"notes": ["noteword of mine", "another secondnote"], "alternatives": {"title": ["Losertitle"]}},
    )
    session.messages = [
        Message("m0", "user", TIME, "userword Über naïve"),
        Message(
            "m1",
            "assistant",
            "2026-02-03T05:00:00.000Z",
            [
                {"type": "thinking", "text": "thinkword"},
                {"type": "text", "text": "answerword foo_bar->baz() 日本語のテスト 🎉"},
                {"type": "tool_call", "id": "t", "name": "Bash", "arguments": call},
                {"type": "tool_call", "id": "u", "name": "Read", "arguments": {"file_path": "/src/pathword.py"}},
            ],
            after="m0",
            model="opus-9",
            turn="a",
        ),
        Message(
            "m2",
            "tool",
            "2026-02-04T05:00:00.000Z",
            [
                {"type": "tool_result", "id": "t", "content": output, "is_error": True},
                {"type": "tool_result", "id": "u", "content": reference},
            ],
            after="m1",
        ),
        Message("m3", "user", TIME, "injectedword", after="m2", injected=True),
        Message("m4", "event", TIME, [{"type": "error", "text": "errorword"}], after="m3"),
        Message("m5", "user", TIME, "shown", after="m4", variants=[{"content": "variantword"}]),
    ]  # fmt: skip
    return session, attached


PLANTED = ["titleword", "userword", "thinkword", "answerword", "callword", "deeparg", "pathword", "resultword"]
PLANTED += [
    "noteword",
    "secondnote",
    "losertitle",
    "auth",
    "deepword",
    "injectedword",
    "errorword",
    "variantword",
    "UBER",
    "naive",
    "full",
    "read",
]


@pytest.mark.parametrize("word", PLANTED)
def test_every_part_of_a_message_is_found(archive, word):
    session, attached = full()
    put(archive, session, new_session("other", "nothing of it"), attachments=attached)
    assert found(archive, word) == ["full"]
    assert found(archive, word[:-1] + "*") == ["full"]
    assert found(archive, f"-{word}") == ["other"]


@pytest.mark.parametrize(
    ("query", "hit"),
    [
        ("foo_bar->baz()", True),
        ("o_bar->ba", True),
        ("o_bar->bax", False),
        ("日本語", True),
        ("語", True),
        ("本語の", True),
        ("語本", False),
        ("🎉", True),
        ("->", True),
        ("<-", False),
        ('"userword uber"', True),
        ('"uber userword"', False),
        ("userword answerword", True),
        ("userword absent", False),
        ("role:user userword", True),
        ("role:assistant userword", False),
        ("role:user injectedword", False),
        ("role:system injectedword", True),
        ("tool:Bash resultword", True),
        ("tool:Read resultword", False),
        ("tool:read deepword", True),
        ("tool:Bash", True),
        ("tool:Grep", False),
        ("-tool:Bash resultword", False),
        ("file:pathword", True),
        ("file:absent", False),
        ("file:*", True),
        ("-file:*", False),
        ("* * *", True),
        ("-file:pathword", False),
        ("provider:claude-code", True),
        ("provider:codex", False),
        ("-provider:codex", True),
        ("workspace:shop", True),
        ("workspace:shed", False),
        ("model:opus", True),
        ("role:user noteword", False),
        ("tag:auth", True),
        ("tag:auth tag:other", False),
        ("has:error", True),
        ("-has:error", False),
        ("since:2026-02-04 resultword", True),
        ("since:2026-02-04 userword", False),
        ("until:2026-02-03 userword", True),
        ("until:2026-02-03 resultword", False),
        ("since:2026-02-05", False),
    ],
)
def test_what_a_query_means(archive, query, hit):
    session, attached = full()
    put(archive, session, attachments=attached)
    assert found(archive, query) == (["full"] if hit else [])


def test_a_snippet_marks_what_matched(archive):
    session, attached = full()
    put(archive, session, attachments=attached)
    with open_archive(archive.path) as opened:
        (match,) = opened.search("über deepword").matches
        marked = {hit.snippet.text[a:b] for hit in match.hits for a, b in hit.snippet.marks}
        assert marked == {"Über", "deepword"}
        assert {(hit.message, hit.role, hit.kind) for hit in match.hits} == {
            ("m0", "user", "user"), ("m2", "tool", "result")
        }  # fmt: skip
        for word, kind in (("titleword", "title"), ("noteword", "note"), ("auth", "tag")):
            (hit,) = opened.search(word).matches[0].hits
            assert (hit.message, hit.role, hit.kind) == ("", "", kind)


def test_the_better_match_comes_first(archive):
    put(
        archive,
        new_session("once", "needle", *["hay"] * 50),
        new_session("titled", "hay", title="The needle"),
        new_session("none", "hay"),
        new_session("often", *["needle in hay"] * 3),
    )
    with open_archive(archive.path) as opened:
        results = opened.search("needle")
        assert results.matches[0].id == "titled"
        assert results.total == 3
        assert len(opened.search("needle", 1).matches) == 1


def _corpus(seed):
    chance = random.Random(seed)
    letters = "abcdéß日本ö_-./:(>🎉 \n\t\"'*"
    words = ["".join(chance.choices(letters, k=chance.randint(1, 9))) for _ in range(120)]
    sessions = [
        new_session(f"s{n}", *(" ".join(chance.choices(words, k=chance.randint(1, 12))) for _ in range(4)))
        for n in range(12)
    ]
    return chance, sessions


@pytest.mark.parametrize("seed", range(4))
def test_substrings_are_found_wherever_they_stand(archive, seed):
    chance, sessions = _corpus(seed)
    put(archive, *sessions)
    connection = follow.opened(archive)
    held = {
        one.id: [fold(text) for text in (_title(one), one.id, *(m.content for m in one.messages))] for one in sessions
    }
    for _ in range(150):
        text = chance.choice(chance.choice(sessions).messages).content
        at = chance.randrange(len(text))
        term = substring(text[at : at + chance.randint(1, 12)])
        if term is not None:
            expected = sorted(name for name, said in held.items() if any(re.search(term.pattern, one) for one in said))
            assert sorted(one.id for one in search(connection, Query([term]), 1000).matches) == expected, term
    connection.close()


def _title(session):
    return display_title(session) or ""


PIECES = [" ", '"', "*", "-", ":", "(", "\\", "\0", "\ud800", "日", "🎉", "a", "AND", "NEAR(", "alpha", "x" * 300, "7d"]
PIECES += ["[a-z]+$", *(f"{name}:" for name in (*FIELDS, "tol"))]
ADVERSE = ['"' + " ".join(f"w{n}" for n in range(900)) + '"', "🎉" * 3000, "日本" * 3000, "* " * 3000, "a." * 5000]
ADVERSE += [" ".join(f"-w{n}*" for n in range(200)), "(a+)+$ " * 200, "x" * 10_000, '"' * 999, "-" * 999]


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.text(max_size=40)
    | st.binary(max_size=40).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
    | st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
    | st.sampled_from(ADVERSE)
)
def test_no_query_fails(archive, query):
    if archive.head() is None:
        session, attached = full()
        put(archive, session, attachments=attached)
    with open_archive(archive.path) as opened:
        opened.search(query)


def test_odd_text_is_found(archive):
    odd = Session("odd", "codex", created_at=TIME)
    odd.messages = [
        Message("a", "user", TIME, "nul\0byte \ud800half مرحبا‏ שלום"),
        Message("b", "user", TIME, "x" * 5_000_000 + "needle", after="a"),
        Message("c", "user", TIME, "word " * 1_000_000 + "last needle2", after="b"),
    ]
    put(archive, odd)
    for query in ("nul", "byte", "half", "مرحبا", "שלום", "needle2", '"last needle2"', "x" * 500 + "*"):
        assert found(archive, query) == ["odd"], query


def content(connection):
    """Everything in a cache but the numbers it gives."""
    numbers = dict(connection.execute("SELECT number, path FROM sessions"))
    sessions = sorted(row[1:] for row in connection.execute("SELECT * FROM sessions"))
    chunks = sorted(
        (numbers[schema.session_of(row)], row % schema.row_of(1, 0, 0), digest)
        for row, digest in connection.execute("SELECT row, digest FROM chunks")
    )
    connection.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.every USING fts5vocab(main, words, row)")
    words = sorted(connection.execute("SELECT term, doc FROM temp.every"))
    unread = sorted(connection.execute("SELECT * FROM unread"))
    records = sorted((numbers[s], r) for s, r in connection.execute("SELECT * FROM messages"))
    activity = sorted((numbers[row[0]], *row[1:]) for row in connection.execute("SELECT * FROM activity"))
    calls = sorted((numbers[row[0]], *row[1:]) for row in connection.execute("SELECT * FROM calls"))
    return sessions, chunks, words, unread, records, activity, calls


def assert_as_if_new(archive):
    with repo.open_archive(archive.path) as opened:
        kept, new = follow.opened(opened, notice=pytest.fail), follow.in_memory(opened)
        assert content(kept) == content(new)
        terms = {term for (term,) in new.execute("SELECT term FROM terms")}
        assert terms <= {term for (term,) in kept.execute("SELECT term FROM terms")}
        kept.close()
        new.close()


@pytest.mark.parametrize("seed", range(6))
def test_the_cache_follows_the_branch(archive, seed):
    chance = random.Random(seed)
    sessions = [new_session(f"s{n}", f"first{n} word") for n in range(5)]
    put(archive, *sessions)
    assert_as_if_new(archive)
    for step in range(14):
        act = chance.choice(["grow", "new", "remove", "break", "reset", "branch", "merge", "rewrite", "nothing"])
        number = chance.randrange(len(sessions))
        if act == "grow":
            sessions[number] = say(sessions[number], *[f"step{step} more " * chance.choice([1, 9000])])
            put(archive, sessions[number])
        elif act == "new":
            sessions.append(new_session(f"n{seed}-{step}", f"new{step}"))
            put(archive, sessions[-1])
        elif act == "remove":
            put(archive, files={path(sessions[number]): None})
        elif act == "break":
            put(archive, files={path(sessions[number]): b"not: [a session\n"})
        elif act == "reset":
            git(archive, "reset", "-q", "--hard", "HEAD~1", ok=(0, 128))
        elif act == "branch":
            git(archive, "branch", "-f", "side", "HEAD~1", ok=(0, 128))
        elif act == "merge":
            git(archive, "merge", "-q", "-s", "ours", "-m", "m", "side", ok=(0, 1))
        elif act == "rewrite":  # the old trees are gone for good
            git(archive, "commit", "-q", "--amend", "-m", f"again {step}")
            git(archive, "reflog", "expire", "--expire=now", "--all")
            git(archive, "gc", "-q", "--prune=now")
        if chance.random() < 0.7:
            assert_as_if_new(archive)
    assert_as_if_new(archive)


def test_history_that_is_gone_is_followed(archive):
    put(archive, new_session("a", "alpha"), new_session("b", "beta"))
    assert found(archive, "alpha") == ["a"]
    with sqlite3.connect(follow.path_of(archive)) as connection:
        connection.execute("UPDATE state SET value = ? WHERE name = 'sessions'", ("1" * 40,))
    put(archive, new_session("c", "gamma"), files={path(new_session("b")): None})
    assert (found(archive, "beta"), found(archive, "gamma")) == ([], ["c"])
    assert_as_if_new(archive)


def test_an_attachment_that_comes_later_is_found(archive):
    session, attached = full()
    put(archive, session)
    assert found(archive, "deepword") == []
    put(archive, attachments=attached)
    assert found(archive, "deepword") == ["full"]


def test_bare_archives_are_searched(tmp_path):
    with repo.init_archive(tmp_path / "bare.git", bare=True) as bare:
        assert found(bare, "anything") == []
        put(bare, new_session("a", "alpha"))
        assert found(bare, "alpha") == ["a"]


def test_deletion_changes_no_answer(archive):
    session, attached = full()
    put(archive, session, new_session("b", "answerword too"), attachments=attached)
    with open_archive(archive.path) as opened:
        before = [opened.search(query).matches for query in (*PLANTED, "foo_bar->baz()", "has:error")]
        follow.path_of(archive).unlink()
        assert before == [opened.search(query).matches for query in (*PLANTED, "foo_bar->baz()", "has:error")]


@pytest.mark.parametrize(
    "table", ["chunks SET packed = x'00'", "messages SET records = x'00'", "chunks SET packed = 7"]
)
def test_damage_that_only_a_search_comes_upon_is_mended_and_that_is_said_once(archive, table):
    put(archive, new_session("a", "alpha beta"))
    assert found(archive, "alpha") == ["a"]
    with sqlite3.connect(follow.path_of(archive)) as connection:
        connection.execute(f"UPDATE {table}")
    said: list[str] = []
    assert found(archive, '"alpha beta" role:user', notice=said.append) == ["a"]
    assert len(said) == 1 and "made again" in said[0]
    assert found(archive, '"alpha beta" role:user', notice=pytest.fail) == ["a"]


@pytest.mark.parametrize("damage", ["garbage", "cut", "empty", "version", "middle", "other"])
def test_a_cache_that_does_not_fit_is_made_again_and_that_is_said_once(archive, damage):
    put(archive, new_session("a", "alpha"))
    assert found(archive, "alpha") == ["a"]
    place = follow.path_of(archive)
    data = place.read_bytes()
    if damage == "garbage":
        place.write_bytes(os.urandom(40_000))
    elif damage == "cut":
        place.write_bytes(data[: len(data) // 3])
    elif damage == "empty":
        place.write_bytes(b"")
    elif damage == "middle":
        place.write_bytes(data[:8192] + os.urandom(len(data) - 8192))
    else:
        with sqlite3.connect(place) as connection:
            connection.execute("PRAGMA user_version=99" if damage == "version" else "DROP TABLE state")
    said: list[str] = []
    put(archive, new_session("b", "alpha"))
    assert found(archive, "alpha", notice=said.append) == ["a", "b"]
    assert len(said) == 1, said
    assert found(archive, "alpha", notice=pytest.fail) == ["a", "b"]


def test_a_cache_that_is_held_is_done_without(archive, monkeypatch):
    put(archive, new_session("a", "alpha"))
    assert found(archive, "alpha") == ["a"]
    monkeypatch.setattr(schema, "_BUSY", 0.1)
    put(archive, new_session("b", "alpha"))
    holder = sqlite3.connect(follow.path_of(archive), isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    said: list[str] = []
    assert found(archive, "alpha", notice=said.append) == ["a", "b"]
    assert len(said) == 1
    assert "without the cache" in said[0]
    holder.execute("ROLLBACK")
    holder.close()
    assert found(archive, "alpha", notice=pytest.fail) == ["a", "b"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_where_nothing_may_be_written_the_search_goes_on(archive):
    put(archive, new_session("a", "alpha"))
    folder = archive.git_dir / "chasm"
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        said: list[str] = []
        assert found(archive, "alpha", notice=said.append) == ["a"]
        assert len(said) == 1
    finally:
        folder.chmod(stat.S_IRWXU)


def test_a_folder_in_the_place_of_the_cache_is_said(archive):
    put(archive, new_session("a", "alpha"))
    follow.path_of(archive).mkdir()
    said: list[str] = []
    assert found(archive, "alpha", notice=said.append) == ["a"]
    assert len(said) == 1


BUILD = """
import sys
from pathlib import Path
from chasm_git.archive.repo import open_archive
from chasm_git.cache import follow
follow.opened(open_archive(Path(sys.argv[1])), progress=lambda done, total: print(done, flush=True))
"""


def test_a_killed_build_loses_nothing(archive):
    put(archive, *(new_session(f"s{n}", *[f"alpha beta{n} {m}" * 50 for m in range(40)]) for n in range(60)))
    for wait in range(0, 60, 12):
        process = subprocess.Popen(
            [sys.executable, "-c", BUILD, str(archive.path)], stdout=subprocess.PIPE, start_new_session=True
        )
        for _ in range(wait):
            process.stdout.readline()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert len(found(archive, "alpha")) == 60
    assert_as_if_new(archive)
    git(archive, "fsck", "--strict")


UPDATE = """
import os, signal, sys
from pathlib import Path
from chasm_git.archive.repo import open_archive
from chasm_git.cache import build, follow
wait, real = int(sys.argv[2]), build.Filler.add
count = 0
def add(self, made):
    global count
    real(self, made)
    count += 1
    if count == wait:
        os.kill(os.getpid(), signal.SIGKILL)
build.Filler.add = add
follow.opened(open_archive(Path(sys.argv[1])), processes=1)
"""


@pytest.mark.parametrize("wait", [1, 7, 12])
def test_a_killed_update_loses_nothing(archive, wait):
    put(archive, *(new_session(f"s{n}", "alpha " * 9000) for n in range(12)))
    assert len(found(archive, "alpha")) == 12
    put(archive, *(new_session(f"s{n}", "alpha " * 9000, "beta " * 9000) for n in range(12)))
    ended = subprocess.run([sys.executable, "-c", UPDATE, str(archive.path), str(wait)])
    assert ended.returncode == -signal.SIGKILL
    assert len(found(archive, "beta", notice=pytest.fail)) == 12
    assert_as_if_new(archive)


READ_ONLY = [
    "unshare",
    "--map-root-user",
    "--mount",
    "sh",
    "-c",
    'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && "$@"',
]


@pytest.mark.parametrize("state", ["none", "behind", "current"])
def test_a_file_system_that_is_read_only(archive, state):
    if shutil.which("unshare") is None or subprocess.run([*READ_ONLY, "sh", archive.path, "true"]).returncode:
        pytest.skip("no mounts of one's own")
    put(archive, new_session("a", "alpha"))
    if state != "none":
        assert found(archive, "alpha") == ["a"]
    if state == "behind":
        put(archive, new_session("b", "alpha"))
    before = {path: path.stat().st_mtime_ns for path in archive.path.rglob("*")}
    chasm = [sys.executable, "-m", "chasm_git", "-C", archive.path, "find", "session", "alpha", "--json"]
    done = subprocess.run([*READ_ONLY, "sh", archive.path, *chasm], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"id"') == (2 if state == "behind" else 1)
    assert done.stderr.count("without the cache") == (0 if state == "current" else 1), done.stderr
    assert {path: path.stat().st_mtime_ns for path in archive.path.rglob("*")} == before


def test_many_search_while_one_writes(archive):
    put(archive, *(new_session(f"s{n}", "alpha") for n in range(5)))
    script = """
import sys
from pathlib import Path
from chasm_git.api import open_archive
for _ in range(25):
    with open_archive(Path(sys.argv[1])) as archive:
        assert len(archive.search("alpha", 1000).matches) >= 5
"""
    running = [subprocess.Popen([sys.executable, "-c", script, str(archive.path)]) for _ in range(3)]
    end = time.monotonic() + 20
    number = 0
    while any(process.poll() is None for process in running) and time.monotonic() < end:
        number += 1
        put(archive, new_session(f"more{number}", "alpha"))
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert_as_if_new(archive)


def test_all_cores_give_the_same(archive):
    put(archive, *(new_session(f"s{n}", f"alpha {n}") for n in range(30)))
    one, two = follow.in_memory(archive, processes=1), follow.in_memory(archive, processes=2)
    assert content(one) == content(two)


def _source(name):
    return Path(importlib.import_module(name).__file__).read_text().splitlines()


def test_the_cache_is_small(archive):
    lines = [line for name in ("random", "ast", "inspect") for line in _source(name)]
    chance = random.Random(3)
    starts = [[chance.randrange(len(lines) - 60) for _ in range(60)] for _ in range(20)]
    texts = [["\n".join(lines[at : at + 60]) for at in several] for several in starts]
    put(archive, *(new_session(f"s{n}", *said) for n, said in enumerate(texts)))
    follow.opened(archive).close()
    raw = sum(len(text) for said in texts for text in said)
    assert follow.path_of(archive).stat().st_size <= 0.6 * raw


def test_a_search_kept_open_sees_every_commit_and_finds_what_any_other_finds(keep, example):
    place = keep([example])
    with open_archive(place) as archive, closing(archive.searching()) as searching:
        assert [found.id for found in searching.search("redirect").matches] == [example.id]
        assert searching.search("redirect", fields={"provider": ["codex"]}).matches == []
        other = replace(example, id="0a0a0a0a-2a51-4f0e-9c53-0f6f3a1d7b11", provider="codex", title="Later")
        keep([other])
        for text, fields in (("redirect", {"provider": ["codex"]}), ("redirect", {}), ("login role:user", {})):
            again = [searching.search(text, fields=fields).matches for _ in range(2)]
            assert again == [archive.search(text, fields=fields).matches] * 2 and again[0]
        (archive.repository.git_dir / "chasm" / "cache.sqlite3").write_bytes(b"damaged")
        keep([example], message="damaged meanwhile", files={"note.txt": b""})
        assert len(searching.search("redirect").matches) == 2


@given(
    st.text("aB .,-\t\x1c\x85é🙂ﬁ中", max_size=12),
    st.text("aB .,-\t\x1c\x85é🙂ﬁ中", max_size=20),
    st.text("ab é", max_size=9),
)
def test_a_chunk_that_holds_a_term_may_hold_it(asked: str, before: str, behind: str) -> None:
    """What sorts chunks out by their bytes never sorts out one with a match."""
    text = before + asked.upper().replace(" ", "\x1c ") + behind
    raw = jsonio.dumps([[0, len(text), None]]) + b"\n" + text.encode()
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE chunks (row INTEGER PRIMARY KEY, digest BLOB, packed BLOB)")
        connection.execute("INSERT INTO chunks VALUES (1, '', ?)", (compress(raw),))
        texts = Texts(connection)
        for term in (*parse(f'"{asked}"').wanted, substring(asked)):
            if term is not None and texts.holds(term, Text(1, 0, None, text)):
                assert texts.may_hold(1, term)


def test_what_was_forgotten_is_not_found_nor_counted(archive):
    kept, gone = new_session("kept", "hello", workspace="/home/ana/kept"), new_session("gone", "hello there")
    put(archive, kept, gone)
    with open_archive(archive.path) as opened:
        assert opened.stats().total.sessions == 2
        put(archive, Session("gone", "codex", created_at=gone.created_at, extra={"deleted": True}))
        for _ in range(2):  # followed, then made anew
            for query in ("hello", "provider:codex", "gone", "-nothing", ""):
                assert [one.id for one in opened.search(query).matches] == ([] if query == "gone" else ["kept"]), query
            assert opened.stats("provider").total.sessions == 1
            assert [one.sessions for one in opened.stats("provider").lines] == [1]
            assert opened.cache_status().sessions == 1
            assert opened.known_sessions("", 9) == [("kept", "hello")]
            opened.rebuild_cache()
        put(archive, gone)  # another machine had it still
        assert {one.id for one in opened.search("hello").matches} == {"kept", "gone"}


@pytest.mark.parametrize("table", ["sessions", "activity", "chunks", "words"])
def test_whatever_asks_a_cache_that_turns_out_damaged_gets_its_answer(archive, table):
    put(archive, new_session("one", "hello", workspace="/home/ana/shop"))
    with open_archive(archive.path) as opened:
        asked = {
            "search": lambda: [one.id for one in opened.search("hello").matches] == ["one"],
            "workspaces": lambda: [one.sessions for one in opened.workspaces("shop")] == [1],
            "stats": lambda: opened.stats("file").total.messages == 1,
        }
        for name, answered in asked.items():
            opened.rebuild_cache()
            with closing(sqlite3.connect(follow.path_of(archive))) as connection:
                connection.execute(f"DROP TABLE {table}")
            assert answered(), name


@given(
    st.lists(st.sampled_from(["ﬁ", "e\u0301", "ß", "é", "x", " ", "İ", "中"])), st.lists(st.sampled_from("ﬁé x\u0301"))
)
@example(["ﬁ", " x "], [" ", "e\u0301"])  # as long folded as before, and every place of it another one
def test_marks_stand_where_the_match_does_whatever_folding_did(before, behind):
    text = f"{''.join(before)} word {''.join(behind)}"
    at = fold(text).index(" word ") + 1
    shown = snippet(text, [(at, at + 4)])
    assert [shown.text[start:end] for start, end in shown.marks] == ["word"]

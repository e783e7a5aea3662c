"""The pages of `chasm web`, asked for over HTTP from a server that runs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from chasm_git.cache.access import Searching
from chasm_git.outputs.web import reading
from chasm_git.outputs.web.differences import difference, words
from chasm_git.outputs.web.plots import bars, columns
from chasm_git.outputs.web.reading import Reading
from chasm_git.outputs.web.texts import cut
from tests.outputs import hostile
from tests.outputs.web_server import Served, served
from tests.outputs.web_world import AGENT, BROAD, EVIL, FORK, LOGIN, LONG, NEEDLE, build, commit, login

httpx = pytest.importorskip("httpx", reason="httpx is not installed: pip install 'chasm-git[dev]'")
pytest.importorskip("uvicorn", reason="uvicorn is not installed: pip install 'chasm-git[web]'")


class World:
    """The server, a client that was let in, and what is there to see."""

    def __init__(self, server: Served, archive: Path, commits: list[str]) -> None:
        self.server, self.archive, self.commits = server, archive, commits
        self.client = httpx.Client(base_url=server.base, timeout=60, trust_env=False)
        assert self.client.get(server.url).status_code == 303

    def get(self, path: str, status: int = 200, **query: object) -> str:
        """A page's text."""
        answer = self.client.get(path, params=query)
        assert answer.status_code == status, answer.text
        text: str = answer.text
        return text


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    archive = tmp_path_factory.mktemp("web") / "archive"
    commits = build(archive)
    with served(archive) as server:
        made = World(server, archive, commits)
        yield made
        made.client.close()


class _Tags(HTMLParser):
    """Collects tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def numbers(text: str) -> list[int]:
    """The numbers of the messages in a page."""
    return [int(found) for found in re.findall(r'<article id="m(\d+)"', text)]


def test_sessions_the_latest_first_and_what_leaves_some(world: World) -> None:
    text = world.get("/")
    assert re.findall(r'href="/session\?id=([\w-]+)" dir=auto', text)[:2] == [EVIL, LONG]
    assert "Fix the login redirect" in text and "6 sessions" in text and "a decision waits" not in text
    assert "2 sessions" in world.get("/search", provider="claude-code")
    assert "1 session<" in world.get("/search", provider="claude-code", tag="auth")
    assert "2 sessions" in world.get("/search", workspace="/home/ana/blog")
    assert "No session is like that." in world.get("/search", since="1h", provider="codex")
    assert world.get("/search", page=2) == ""


def test_search_marks_what_it_found_and_leads_to_the_message(world: World) -> None:
    found = world.get("/search", q=NEEDLE)
    assert found.count(f"<mark>{NEEDLE}</mark>") == 2 and f'href="/session?id={LONG}&amp;message=m4321"' in found
    assert "Nothing is found." in world.get("/search", q="nowheretobefound")
    assert "<b>tag</b> <span dir=auto><mark>auth</mark></span>" in world.get("/search", q="auth")
    assert "did you mean tool:Bash?" in world.get("/search", q="tol:Bash")
    assert "&lt;b&gt;" in world.get("/search", q="provider:<b>")
    assert "2 sessions <span>" in world.get("/search", q=f"{NEEDLE} role:assistant")
    assert "Fix the login redirect" in world.get("/search", q='"page redirect" role:user tag:auth since:2026-01-01')
    assert "Fix the login redirect" in world.get("/search", q="has:error")
    assert "Fix the login redirect" not in world.get("/search", q="login", provider="codex")
    page = world.get("/", q="login")
    assert 'value="login"' in page and "<mark>" in page


@pytest.mark.parametrize("text", ['"', "role:", "-", "* *", "a" * 5000, "\x00", "<b>", "(((", "since:never", "🦘"])
def test_no_query_is_an_error(world: World, text: str) -> None:
    assert "<p class=count>" in world.get("/search", q=text)


def test_a_session(world: World) -> None:
    text = world.get("/session", id=LOGIN)
    assert "<h1 dir=auto>Fix the login redirect</h1>" in text and numbers(text) == [1, 2, 3]
    assert "<summary>Thinking</summary>" in text and "<details class=error><summary>Bash" in text
    assert "<strong>three</strong>" in text and "<pre><code>return redirect(url)</code></pre>" in text
    assert f'href="/session?id={AGENT}"' in text
    assert f'Sub-agent of <a href="/session?id={LOGIN}"' in world.get("/session", id=AGENT)
    assert f'Branched off from <a href="/session?id={LOGIN}"' in world.get("/session", id=FORK)
    assert f'Branched off into: <a href="/session?id={FORK}" dir=auto>Another way</a>' in text
    assert "Fix the login redirect" in world.get("/session", id=LOGIN[:5])


def test_five_thousand_messages_come_piece_by_piece(world: World) -> None:
    text = world.get("/session", id=LONG)
    assert numbers(text) == list(range(1, 61)) and "data-total=5000" in text and len(text) < 60_000
    assert numbers(world.get("/session", id=LONG, message="m4321"))[:7] == list(range(4317, 4324))
    assert "data-wanted=4322" in world.get("/session", id=LONG, message="m4321")
    piece = world.get("/session/messages", **{"id": LONG, "from": 4990, "count": 120})
    assert numbers(piece) == list(range(4990, 5001)) and "<html" not in piece
    assert numbers(world.get("/session/messages", **{"id": LONG, "from": 9999})) == []
    assert numbers(world.get("/session/messages", **{"id": LONG, "from": "-3", "count": "many"}))[0] == 1


def test_a_line_of_five_megabytes_is_cut_and_there_as_a_whole(world: World) -> None:
    text = world.get("/session", id=BROAD)
    assert len(text) < 200_000 and "[4,960,000 more characters]" in text and "<strong>after</strong>" in text
    answer = world.client.get("/session/text", params={"id": BROAD, "n": 1})
    assert len(answer.text) > 5_000_000 and answer.headers["content-type"].startswith("text/plain")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "2 messages" in world.get("/session/text", 404, id=BROAD, n=3)


def test_images_are_shown_and_nothing_else_is(world: World) -> None:
    text = world.get("/session", id=FORK)
    sources = [attributes["src"] for tag, attributes in _Tags(text).found if tag == "img"]
    assert len(sources) == 1 and sources[0] is not None
    image = world.client.get(sources[0])
    assert (image.content, image.headers["content-type"]) == (hostile.PNG, "image/png")
    assert (
        image.headers["x-content-type-options"] == "nosniff" and "sandbox" in image.headers["content-security-policy"]
    )
    names = sorted(set(re.findall(r"name=([0-9a-f]{64}\.\w+)", text)))
    assert {name.rpartition(".")[2] for name in names} == {"png", "svg", "txt"}
    for name in names:
        given = world.client.get("/session/attachment", params={"id": FORK, "name": name, "save": 1})
        assert given.headers["content-disposition"].startswith("attachment;")
        assert given.headers["content-type"] == "application/octet-stream"
    assert "no attachment" in world.get("/session/attachment", 404, id=FORK, name="../../config")
    assert "no attachment" in world.get("/session/attachment", 404, id=LOGIN, name=names[0])


def test_versions_and_what_differs(world: World) -> None:
    listed = world.get("/session/versions", id=LOGIN)
    assert re.findall(r'data-commit="(\w+)"', listed) == world.commits and 'max="2" value="2"' in listed
    assert 'value="1"' in world.get("/session/versions", id=LOGIN, at=world.commits[1])
    assert "One version" in world.get("/session/versions", id=AGENT)
    earlier = world.get("/session", id=LOGIN, at=world.commits[0])
    assert "<h1 dir=auto>Fix the login</h1>" in earlier and "<strong>two</strong>" in earlier
    assert "Thanks" in world.get("/session/messages", id=LOGIN, at=world.commits[1], list=1)
    last = world.get("/session/compare", id=LOGIN)
    assert "1 changed" in last and "1 removed" in last and "<del>two</del><ins>three</ins>" in last
    first = world.get("/session/compare", id=LOGIN, old=world.commits[0], new=world.commits[1])
    assert "1 added" in first and "3 same" in first and "Fix the login<ins> redirect</ins>" in first
    assert "not there" in world.get("/session", 404, id=LOGIN, at="nonsense")


def test_statistics(world: World) -> None:
    text = world.get("/stats")
    assert text.count("<svg") > 8 and "messages per day" in text and "5,0" in text
    assert re.search(r"<title>2026-01-08: [\d,]+ messages</title>", text)
    assert "<dd>1.00k</dd>" in text and "q=tool%3A" in text
    assert ">6</dd>" in text and ">2</dd>" in world.get("/stats", provider="claude-code")
    assert "Nothing in this time." in world.get("/stats", since="1h")


def test_workspaces_tags_export(world: World) -> None:
    assert 'href="/?workspace=%2Fhome%2Fana%2Fblog"' in world.get("/workspaces")
    assert 'href="/?tag=auth"' in world.get("/tags")
    for form in ("md", "html", "json", "jsonl", "csv", "text"):
        answer = world.client.get("/session/export", params={"id": LOGIN, "form": form})
        assert answer.status_code == 200 and b"redirect" in answer.content
        assert answer.headers["content-disposition"].startswith("attachment;")
    assert "saved as" in world.get("/session/export", 400, id=LOGIN, form="exe")


def test_pages_of_errors_say_what_happened(world: World) -> None:
    assert "no session begins with" in world.get("/session", 404, id="nobody")
    assert "a session needs an id" in world.get("/session", 404)
    assert "There is no such page" in world.get("/elsewhere", 404)
    assert "There is no such page" in world.get("/static/../../app.py", 404)
    assert "There is no such page" in world.get("/static/%2e%2e/app.py", 404)


def test_what_is_harvested_meanwhile_is_there(world: World) -> None:
    new = login()
    new.id, new.title, new.tags = "new-1", "Meanwhile a wombat", []
    before = world.get("/search", q="wombat")
    commit(world.archive, [new], "harvest: 1 new")
    assert "Nothing is found." in before and "Meanwhile a" in world.get("/search", q="wombat")
    assert "Meanwhile a wombat" in world.get("/") and ">7</dd>" in world.get("/stats")


ALLOWED = frozenset(
    re.findall(
        r"\w+",
        """html head meta title link script body nav a span button main header h1 h2 p div section noscript details
        summary dl dt dd ul ol li article b time code pre img table thead tbody tr th td strong em s br hr blockquote
        h3 footer dialog kbd form input select option label small mark i ins del output svg rect g line figure
        figcaption""",
    )
)


@pytest.mark.parametrize(
    "path", ["/", "/session", "/session/compare", "/session/versions", "/workspaces", "/tags", "/stats"]
)
def test_a_hostile_session_is_text_on_every_page(world: World, path: str) -> None:
    text = world.get(path, id=EVIL)
    found = _Tags(text).found
    assert {tag for tag, _ in found} <= ALLOWED
    assert [attributes for tag, attributes in found if tag == "script"] in (
        [{"src": "/static/web.js", "defer": None}],
        [],
    )
    for tag, attributes in found:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "srcdoc", "formaction")]
        for name in ("href", "src", "action"):
            value = attributes.get(name)
            assert value is None or re.match(r"[/#?]|https?://|mailto:|data:image/(png|jpeg|gif|webp);", value), (
                tag,
                value,
            )
    assert "\x1b" not in text and "\u202e" not in text and "\x00" not in text
    if path == "/session":
        assert "&lt;script&gt;" in text and [tag for tag, _ in found].count("title") == 1


def test_differences_of_messages_and_words() -> None:
    def shown(identity: str, text: str) -> dict[str, object]:
        return {"id": identity, "role": "user", "content": text, "thinking": [], "tool_calls": [], "references": []}

    old = [shown("a", "one"), shown("b", "two"), shown("c", "three")]
    new = [shown("a", "one"), shown("c", "three and four"), shown("d", "five")]
    found = difference(old, new)
    assert [(one.kind, one.message["id"]) for one in found] == [
        *(("same", "a"), ("removed", "b"), ("changed", "c"), ("added", "d")),
    ]
    assert found[2].blocks == [("text", "three", "three and four")]
    assert words("a b c", "a x c") == "<div class=words dir=auto>a <del>b</del><ins>x</ins> c</div>"
    assert words("", "<b>") == "<div class=words dir=auto><ins>&lt;b&gt;</ins></div>"
    assert words("same", "same") == "<div class=words dir=auto>same</div>"
    assert "characters the same" in words("w " * 1000, "w " * 1000 + "end") and "<ins>end</ins>" in words(
        "w " * 9, "w " * 9 + "end"
    )
    assert 'class="add"' in words("a b " * 3000, "c d\n" * 3000)


def test_a_plot_holds_any_time_and_no_time() -> None:
    assert "Nothing" in columns({}, ["a"], "a") and "Nothing" in columns({"never": [1]}, ["a"], "a")
    assert columns({"2026-01-31": [3]}, ["a"], "a").count("<g>") == 30
    assert "per month" in columns({"1970-01-01": [1], "2026-01-31": [3]}, ["a"], "a")
    assert columns({"0002-01-01": [1], "9999-12-31": [3]}, ["a"], "a").count("<g>") == 2
    assert "<script" not in bars("x", ["a"], [("<script>", "", (1,))]) and bars("x", ["a"], []) == ""


def test_long_texts_are_cut_wherever_they_stand() -> None:
    message = {"content": "", "tool_calls": [{"arguments": {"a": "x" * 50_000}}]}
    shown, whole = cut(message)
    assert not whole and "[10,000 more characters]" in shown["tool_calls"][0]["arguments"]["a"]
    assert cut({"content": "short"}) == ({"content": "short"}, True)
    assert len(message["tool_calls"][0]["arguments"]["a"]) == 50_000  # type: ignore[index]


def test_a_search_is_kept_for_a_minute_for_ages_move_on_with_the_clock(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    searched = Searching.search

    def search(self: Searching, text: str, limit: int = 20, **fields: Any) -> Any:
        asked.append(text)
        return searched(self, text, limit, **fields)

    monkeypatch.setattr(Searching, "search", search)
    made = Reading(world.archive)
    for minute in (7, 7, 8):
        monkeypatch.setattr(reading, "_minute", lambda now=minute: now)
        asyncio.run(made.search("since:1h", 20, {}, 60))
    made.close()
    assert asked == ["since:1h", "since:1h"]

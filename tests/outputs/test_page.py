"""Exported pages: what is in them, and that nothing in a session becomes more than text."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from chasm_git.outputs.export.markup import difference, markdown, plain
from chasm_git.outputs.export.page import Listed, index_page, session_page
from chasm_git.outputs.export.style import POLICY
from chasm_git.session.model import Message, Session
from tests.outputs import hostile

BROWSER = Path("/usr/bin/chromium")
TAGS = frozenset(
    re.findall(
        r"\w+",
        """html head meta title style body header main footer article h1 h2 h3 h4 h5 h6 dl dt dd details summary pre
        code p span div ul ol li a b em strong s blockquote table thead tbody tr th td img time hr br""",
    )
)
ATTRIBUTES = frozenset(
    re.findall(
        r"[\w-]+",
        "lang charset http-equiv content name class id dir title href rel src alt loading datetime",
    )
)


class _Looking(HTMLParser):
    """Collects the tags, attributes and addresses of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_a_conversation(example: Session) -> None:
    page = session_page(example)
    assert page.count("<article ") == 3 and "<title>Fix the login redirect</title>" in page
    assert '<article id="m1" class="user">' in page and "<code>app.py</code>" in page
    assert "<summary>Bash <code dir=auto>grep -n login app.py</code></summary>" in page
    assert '<p class=label>result</p><pre dir="auto" class=wrap>12: def login():\n13:     redirect()</pre>' in page
    assert '<time datetime="2026-01-08T12:00:00.000Z">2026-01-08 12:00:00 UTC</time>' in page
    assert f'content="{POLICY}"' in page and "'unsafe" not in POLICY and "<script" not in page


def test_only_known_tags_and_attributes_and_no_address_elsewhere() -> None:
    found = _Looking(session_page(hostile.session())).found
    assert {tag for tag, _ in found} <= TAGS
    assert {name for _, attributes in found for name in attributes} <= ATTRIBUTES
    assert not any("style" in attributes for _, attributes in found)
    for tag, attributes in found:
        for value in (attributes.get("src"), attributes.get("href")):
            assert value is None or (tag, value[:5]) == ("img", "data:") or re.match(r"#|https?://|mailto:", value), (
                value
            )
    assert all(value["src"].startswith("data:image/png;") for tag, value in found if tag == "img" and value["src"])
    page = session_page(hostile.session())
    assert "\x1b" not in page and "\u202e" not in page and "\x00" not in page
    assert [tag for tag, _ in found].count("title") == 1


def test_markdown_is_rendered_and_nothing_else() -> None:
    assert markdown("**a** `b` ~~c~~").strip() == "<p><strong>a</strong> <code>b</code> <s>c</s></p>"
    assert "&lt;b&gt;" in markdown("<b>x</b>") and "<a>" in markdown("[x](file:///etc/passwd)") + "<a>"
    assert markdown("[x](https://a.example/?a=1&b=2)").count('href="https://a.example/?a=1&amp;b=2"') == 1
    assert 'class="right"' in markdown("| a |\n|--:|\n| b |") and "style=" not in markdown("| a |\n|--:|\n| b |")
    assert '<span class="add">+b</span>' in markdown("```diff\n-a\n+b\n```")
    assert "<img" not in markdown("![x](https://a.example/x.png)")
    assert len(markdown("*" * 500_000)) < 600_000


def test_colours_of_a_terminal_go_and_the_rest_is_seen() -> None:
    assert plain("\x1b[1;31mred\x1b[0m\x1b]8;;http://x\x1b\\") == "red"
    assert plain("a\x1b[2Jb\u202e") == "a␛[2Jb\\u202e"


def test_what_an_edit_changed() -> None:
    assert difference("a\nb\nc", "a\nB\nc").count('class="same"') == 2
    assert '<span class="del">-b</span><span class="add">+B</span>' in difference("a\nb\nc", "a\nB\nc")
    assert difference("x\n" * 3000, "y\n" * 3000).count('class="del"') == 3001


def test_images_of_one_name_are_told_apart() -> None:
    pictures = [hostile.PNG, hostile.PNG + b"2"]
    parts = [{"type": "image", "name": "image.png", "data": base64.b64encode(data).decode()} for data in pictures]
    page = session_page(Session("s", "p", messages=[Message("a", "user", content=parts)]))
    urls = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert [base64.b64decode(url) for url in urls] == pictures


def test_a_list_of_pages() -> None:
    listed = [
        Listed("p/a b#?.html", "<b>One</b>", "p", "/w", "2026-01-08T12:00:00.000Z", 3),
        Listed("p/b.html", None, "p", None, None, 0),
        Listed("p/c.html", "Three", "p", "/w", "2026-02-08T12:00:00.000Z", 1),
    ]
    page = index_page("all & all", listed)
    assert re.findall(r'href="([^"]+)"', page) == ["p/c.html", "p/a%20b%23%3F.html", "p/b.html"]
    assert "&lt;b&gt;One&lt;/b&gt;" in page and "Untitled session" in page and "all &amp; all" in page


@pytest.fixture(scope="module")
def browser() -> Any:
    """A browser without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not BROWSER.exists():
        pytest.skip(f"there is no {BROWSER}")
    with playwright.sync_playwright() as started:
        made = started.chromium.launch(executable_path=str(BROWSER), args=["--no-sandbox"])
        yield made
        made.close()


def test_a_browser_runs_nothing_and_asks_for_nothing(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "evil.html"
    path.write_text(session_page(hostile.session()).encode("utf-8", "replace").decode())
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        asked: list[str] = []
        said: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.on("console", lambda message, said=said: said.append(message.text))
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        page.on("dialog", lambda dialog, said=said: said.append(dialog.message))
        page.goto(path.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        page.mouse.wheel(0, 100_000)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.owned") is None and "OWNED" not in page.title().split("</title>")[0]
        assert [url for url in asked if not url.startswith(("data:image/png", path.as_uri()))] == []
        assert [text for text in said if "Content Security Policy" in text or "owned" in text] == []
        assert page.evaluate("document.scripts.length + document.querySelectorAll('iframe,svg,object').length") == 0
        applied = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert applied == {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 24, 28)"}[scheme]
        context.close()

"""The pages of `chasm web` in a real Chromium: what a person does with them, and what a hostile session cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.outputs.web_server import BROWSER, FLAGS, Served, served
from tests.outputs.web_world import AGENT, BROAD, EVIL, FORK, LOGIN, LONG, NEEDLE, build

api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install 'chasm-git[dev]'")
pytest.importorskip("uvicorn", reason="uvicorn is not installed: pip install 'chasm-git[web]'")
if not BROWSER.exists():
    pytest.skip(f"there is no Chromium at {BROWSER}", allow_module_level=True)


class Browser:
    """Pages of one server, watched: no page may complain, or ask for anything elsewhere."""

    def __init__(self, chromium: api.Browser, server: Served, commits: list[str]) -> None:
        self.server, self.commits = server, commits
        self._chromium = chromium
        self._contexts: dict[tuple[str, int], api.BrowserContext] = {}
        self.opened: list[api.Page] = []
        self.complaints: list[str] = []
        self.requests: list[str] = []

    def page(self, path: str = "/", scheme: str = "light", width: int = 1200) -> api.Page:
        """A new page of a person who has the token."""
        context = self._contexts.get((scheme, width))
        if context is None:
            size = {"width": width, "height": 800}
            context = self._chromium.new_context(color_scheme=scheme, viewport=size, locale="en-GB", timezone_id="UTC")
            context.set_default_timeout(20_000)
            self._contexts[scheme, width] = context
        page = context.new_page()
        self.opened.append(page)
        page.on("console", lambda said: said.type in ("error", "warning") and self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message) or dialog.dismiss())
        page.on("request", lambda request: self.requests.append(request.url))
        if len(context.pages) == 1 and not context.cookies():
            page.goto(self.server.url)
            assert "token" not in page.url
        page.goto(self.server.base + path)
        return page


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    archive = tmp_path_factory.mktemp("web") / "archive"
    commits = build(archive)
    with served(archive) as server, api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(BROWSER), args=FLAGS)
        yield Browser(chromium, server, commits)
        chromium.close()


@pytest.fixture
def browser(world: Browser) -> Iterator[Browser]:
    world.complaints.clear()
    world.requests.clear()
    yield world
    while world.opened:
        world.opened.pop().close()
    assert world.complaints == []
    assert {url for url in world.requests if not url.startswith((f"{world.server.base}/", "data:image/"))} == set()


def test_search_open_and_back_by_keys_alone(browser: Browser) -> None:
    page = browser.page()
    page.keyboard.press("/")
    page.keyboard.type(f"{NEEDLE} many", delay=5)
    page.wait_for_selector("mark")
    assert page.locator("ol.sessions > li").count() == 1 and "q=quokka" in page.url
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.wait_for_url("**/session?id=*")
    assert page.locator("h1").inner_text() == "A long one"
    page.keyboard.press("j")
    assert page.locator(".chosen-item").get_attribute("id") == "m1"
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.locator(".chosen-item").get_attribute("id") == "m2"
    page.keyboard.press("u")
    page.wait_for_selector("mark")
    assert page.input_value("#q") == f"{NEEDLE} many"
    page.focus("#q")
    page.keyboard.press("Escape")
    api.expect(page.locator("ol.sessions > li")).to_have_count(6)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("?")
    page.select_option("select[name=provider]", "claude-code")
    api.expect(page.locator("ol.sessions > li")).to_have_count(2)


def test_a_hit_leads_to_its_message_and_anchors_to_any(browser: Browser) -> None:
    page = browser.page(f"/?q={NEEDLE}+many")
    page.click("a.hit")
    page.wait_for_selector("#m4322.chosen-item")
    assert NEEDLE in page.locator("#m4322").inner_text() and page.locator("article").count() < 200
    page.evaluate("location.hash = '#m2500'")
    page.wait_for_selector("#m2500.chosen-item")
    page.click("#earlier a")
    page.wait_for_selector("#m2400")


def test_more_messages_come_when_the_end_comes_near(browser: Browser) -> None:
    page = browser.page(f"/session?id={LONG}")
    page.wait_for_selector("#m60")
    assert page.locator("#m400").count() == 0
    while not page.locator("#m400").count():
        shown = page.locator("article").count()
        page.keyboard.press("End")
        page.wait_for_selector(f"#m{shown + 1}", state="attached")
    numbers = page.evaluate("[...document.querySelectorAll('#list > article')].map(one => one.id)")
    assert numbers == [f"m{number}" for number in range(1, len(numbers) + 1)] and len(numbers) >= 400


def test_the_slider_shows_the_session_as_it_was(browser: Browser) -> None:
    page = browser.page(f"/session?id={LOGIN}")
    page.wait_for_selector("#slide")
    assert page.locator("output").inner_text().startswith("3 of 3, the latest")
    assert "three" in page.locator("#list").inner_text()
    page.focus("#slide")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("#m4")
    assert "Thanks" in page.locator("#m4").inner_text() and "two" in page.locator("#m3").inner_text()
    assert browser.commits[1] in page.url and page.locator("#m4.fresh").count() == 1
    page.keyboard.press("Home")
    page.wait_for_selector("#m4", state="detached")
    page.reload()
    page.wait_for_selector("#slide")
    assert page.locator("output").inner_text().startswith("1 of 3") and "two" in page.locator("#m3").inner_text()
    page.focus("#slide")
    page.keyboard.press("End")
    page.wait_for_url(lambda url: "at=" not in url)
    assert "three" in page.locator("#m3").inner_text()


def test_two_versions_side_by_side(browser: Browser) -> None:
    page = browser.page(f"/session?id={LOGIN}")
    page.click("a.compare")
    page.wait_for_selector("div.change")
    assert (
        page.locator("div.changed del").inner_text() == "two"
        and page.locator("div.changed ins").inner_text() == "three"
    )
    assert "Thanks" in page.locator("div.removed").inner_text()
    page.select_option("select[name=old]", browser.commits[0])
    page.wait_for_url(f"**old={browser.commits[0]}*")
    page.wait_for_selector("div.changed")
    assert page.locator("div.removed").count() == 0


def test_statistics_are_drawn(browser: Browser) -> None:
    page = browser.page("/stats")
    drawn = page.evaluate(
        "[...document.querySelectorAll('rect.c0')].filter(one => one.getBoundingClientRect().width > 1).length"
    )
    assert drawn >= 8
    page.select_option("select[name=provider]", "codex")
    page.wait_for_url("**provider=codex*")
    assert page.locator(".totals dd").first.inner_text() == "3"


@pytest.mark.parametrize(
    "path", [f"/session?id={EVIL}", f"/session/compare?id={EVIL}", "/", "/?q=script", "/stats", "/workspaces", "/tags"]
)
def test_a_hostile_session_runs_nothing(browser: Browser, path: str) -> None:
    page = browser.page(path)
    page.keyboard.press("o")
    for link in page.locator("a[href^='http'], img").all()[:5]:
        link.hover(force=True)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.owned") is None and page.title() != "OWNED"
    scripts = page.evaluate("[...document.scripts].map(one => one.getAttribute('src'))")
    assert scripts == ["/static/web.js"]
    assert page.evaluate(
        "[...document.querySelectorAll('a')].every(one => /^(https?|mailto):$/.test(one.protocol) || !one.href)"
    )
    assert page.evaluate("document.querySelectorAll('iframe, object, embed, base, form[action^=http]').length") == 0


def test_attachments_that_are_pages_are_saved_not_shown(browser: Browser) -> None:
    page = browser.page(f"/session?id={FORK}")
    page.click("details.more > summary")
    assert page.evaluate("document.querySelector('article img').naturalWidth") == 1
    for name in ("svg", "txt"):
        with page.expect_download() as saved:
            page.click(f".attached a[href*='.{name}']")
        assert "OWNED" in Path(saved.value.path()).read_text()
    assert page.evaluate("window.owned") is None


def test_light_and_dark_are_kept(browser: Browser) -> None:
    page = browser.page(scheme="dark")
    back = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(back)
    page.keyboard.press("t")
    light = page.evaluate(back)
    page.goto(f"{browser.server.base}/stats")
    assert dark != light == page.evaluate(back)
    page.keyboard.press("t")
    assert page.evaluate(back) == dark


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?q=login",
        "/stats",
        "/workspaces",
        "/tags",
        f"/session?id={LOGIN}",
        f"/session?id={EVIL}",
        f"/session?id={BROAD}",
        f"/session/compare?id={LOGIN}",
        f"/session?id={AGENT}",
    ],
)
def test_a_phone_never_scrolls_sideways(browser: Browser, path: str) -> None:
    page = browser.page(path, width=390)
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

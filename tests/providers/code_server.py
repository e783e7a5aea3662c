"""VS Code itself, in a headless browser: code-server on a profile, and what its Chat view shows.

code-server is VS Code built for the browser. It differs from the desktop in two ways that matter here: a workspace has
another id, so the folder that was written is given that name too; and what the desktop keeps in ``state.vscdb`` is in
the browser, so the rows of that database are put there before the workspace is opened. All else is the editor's own.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COMMAND = os.environ.get("CHASM_CODE_SERVER")
"""How code-server is started (a command line); see CONTRIBUTING.md for how to get one."""
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SCREENSHOTS = os.environ.get("CHASM_SCREENSHOTS")
"""A folder for pictures of what was seen."""

_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage")
_ROWS = ".agent-sessions-viewer .monaco-list-row"
_CLICK = 8_000
"""Milliseconds after which a click went nowhere."""
_PATIENCE = 60_000
"""Milliseconds to wait for the editor: it is slow to start on a busy machine."""
_FILL = """([name, rows]) => new Promise((done, failed) => {
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("ItemTable");
  opening.onerror = failed;
  opening.onsuccess = () => {
    const writing = opening.result.transaction("ItemTable", "readwrite");
    for (const [key, value] of rows) writing.objectStore("ItemTable").put(value, key);
    writing.onerror = failed;
    writing.oncomplete = () => { opening.result.close(); done(); };
  };
})"""


def why_not() -> str | None:
    """Why the editor cannot be started here; None where it can."""
    if not COMMAND:
        return "CHASM_CODE_SERVER names no code-server (CONTRIBUTING.md says how to get one)"
    if CHROMIUM is None:
        return "there is no Chromium to show VS Code in"
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "playwright is not installed: pip install playwright"
    return None


@contextlib.contextmanager
def chat_view(user: Path, store: Path, workspace: Path) -> Iterator[ChatView]:
    """The Chat view of a window on a workspace.

    Args:
        user: the profile's ``User`` folder.
        store: what was written for the workspace below ``workspaceStorage``.
        workspace: the folder that is opened.
    """
    from playwright.sync_api import sync_playwright

    with _served(user.parent) as address:
        key = _hash(f"vscode-remote://{address}{workspace}")
        (user / "workspaceStorage" / key).symlink_to(store)
        with contextlib.closing(sqlite3.connect(store / "state.vscdb")) as database:
            rows = [list(row) for row in database.execute("SELECT key, value FROM ItemTable")]
        with (
            sync_playwright() as play,
            contextlib.closing(play.chromium.launch(executable_path=CHROMIUM, headless=True, args=_FLAGS)) as browser,
        ):
            context = browser.new_context(viewport={"width": 1400, "height": 900})
            context.set_default_timeout(_PATIENCE)
            page = context.new_page()
            page.goto(f"http://{address}/healthz")
            page.evaluate(_FILL, [f"vscode-web-state-db-{key}-{_hash('')}", rows])
            view = ChatView(context, f"http://{address}/?folder={workspace}")
            try:
                yield view
            except BaseException:
                view.picture("failed")
                raise


class ChatView:
    """What a person sees of the chats of a workspace.

    Each session is opened in a window of its own: VS Code 1.139 now and then writes a session without its requests when
    it saves its state while one chat takes the place of another.
    """

    def __init__(self, context: Any, address: str) -> None:
        self._context = context
        self._address = address
        self._page = context.pages[0]

    def titles(self, until: str) -> list[str]:
        """The titles in the list of sessions, once it shows one of them."""
        self._open_window()
        self._row(until).wait_for()
        return [text.partition("\n")[0] for text in self._page.locator(_ROWS).all_inner_texts()]

    def texts(self, title: str, until: str) -> str:
        """What a session shows that is opened from the list, once it shows the text `until`."""
        from playwright.sync_api import TimeoutError as NotYet

        self._open_window()
        wanted = self._page.locator(".interactive-item-container").filter(has_text=until).first
        deadline = time.monotonic() + _PATIENCE / 1000
        while True:
            self._row(title).click()
            try:
                wanted.wait_for(timeout=_CLICK)
                break
            except NotYet:  # a click on a list that is still being made goes nowhere
                if time.monotonic() > deadline:
                    raise
        return "\n".join(self._page.locator(".interactive-item-container").all_inner_texts())

    def picture(self, name: str) -> None:
        """Keep a picture, where `SCREENSHOTS` names a folder for them."""
        if SCREENSHOTS:
            self._page.screenshot(path=str(Path(SCREENSHOTS) / f"{name}.png"))

    def _open_window(self) -> None:
        self._page.close()
        self._page = self._context.new_page()
        self._page.goto(self._address)
        wide = self._page.get_by_role("button", name=re.compile("(Maximize|Restore) Secondary Side Bar"))
        if str(wide.get_attribute("aria-label")).startswith("Maximize"):  # the next window remembers it
            wide.click()

    def _row(self, title: str) -> Any:
        return self._page.locator(_ROWS).filter(has_text=title).first


@contextlib.contextmanager
def _served(data: Path) -> Iterator[str]:
    """A code-server on a profile; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    options = ["--auth", "none", "--bind-addr", address, "--user-data-dir", str(data), "--disable-workspace-trust"]
    options += ["--extensions-dir", str(data / "extensions"), "--disable-telemetry", "--disable-update-check"]
    with (data / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [*shlex.split(COMMAND or ""), *options], stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait_until_healthy(address, server, data / "server.log")
            yield address
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(30)


def _wait_until_healthy(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE / 1000
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text(errors="replace")
        try:
            with urllib.request.urlopen(f"http://{address}/healthz", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("code-server does not answer: " + log.read_text(errors="replace"))


def _hash(text: str) -> str:
    """The id a browser's VS Code makes of a URI."""
    value = _mixed(149417, 0)
    for unit in memoryview(text.encode("utf-16-le")).cast("H"):
        value = _mixed(unit, value)
    return f"-{-value:x}" if value < 0 else f"{value:x}"


def _mixed(unit: int, value: int) -> int:
    mixed = (value << 5) - value + unit & 0xFFFFFFFF
    return mixed - 2**32 if mixed & 0x80000000 else mixed

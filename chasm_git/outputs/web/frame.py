"""What stands around every page: head, navigation, the place its script works in."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from chasm_git.outputs.export.markup import plain
from chasm_git.outputs.export.page import line
from chasm_git.outputs.web.answers import Answer, Asked

_PLACES = (("/", "Sessions"), ("/workspaces", "Workspaces"), ("/tags", "Tags"), ("/stats", "Stats"))
_KEYS = (
    ("/", "search"),
    ("j  k", "next, previous"),
    ("Enter", "open"),
    ("u", "back to the list"),
    ("o", "open or fold everything"),
    ("t", "light, dark"),
    ("Esc", "leave the search, close this"),
    ("?", "this list"),
)


def page(title: str, body: str, asked: Asked, *, kind: str, status: int = 200) -> Answer:
    """A whole page.

    Args:
        body: HTML.
        kind: what kind of page it is, for its style and script.
    """
    links = "".join(
        f'<a href="{path}"{" aria-current=page" if path == asked.path else ""}>{name}</a>' for path, name in _PLACES
    )
    keys = "".join(f"<dt><kbd>{plain(key)}</kbd></dt><dd>{plain(what)}</dd>" for key, what in _KEYS)
    made = (
        f"{_head(title, asked.theme)}<body class={kind}>"
        f"<nav class=top><a class=brand href=/ title='All sessions'>chasm</a>{links}"
        "<span class=buttons><button type=button id=keys title='Keys (?)'>?</button>"
        "<button type=button id=theme title='Light or dark (t)'>◐</button></span></nav>\n"
        f"{body}\n<dialog id=help><h2>Keys</h2><dl>{keys}</dl></dialog></body></html>\n"
    )
    return Answer(made.encode("utf-8", "replace"), status=status)


def notice_page(title: str, text: str, *, onward: str | None = None) -> bytes:
    """A page that only says something, for whoever asks.

    Args:
        onward: where the browser goes next.
    """
    head = _head(title, None)
    if onward is not None:
        head = head.replace("</head>", f'<meta http-equiv=refresh content="0;url={plain(onward)}"></head>')
    link = f'<p><a href="{plain(onward)}">{plain(text)}</a></p>' if onward is not None else f"<p>{plain(text)}</p>"
    return f"{head}<body class=notice><main><h1>{plain(title)}</h1>{link}</main></body></html>\n".encode(
        "utf-8", "replace"
    )


def trouble(title: str, text: str, asked: Asked, status: int) -> Answer:
    """A page that says what went wrong."""
    body = f"<main class=trouble><h1>{line(title)}</h1><p>{plain(text)}</p><p><a href=/>All sessions</a></p></main>"
    return page(title, body, asked, kind="notice", status=status)


def address(path: str, **values: object) -> str:
    """An address of ours, to stand in an attribute; values that are None or empty are left out."""
    return plain(raw_address(path, values))


def raw_address(path: str, values: Mapping[str, object]) -> str:
    """The same, not yet escaped."""
    given = {name: str(value).encode("utf-8", "replace") for name, value in values.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path


def _head(title: str, theme: str | None) -> str:
    chosen = f" data-theme={theme}" if theme in ("light", "dark") else ""
    return (
        f"<!doctype html>\n<html lang=en{chosen}><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width,initial-scale=1'><meta name=referrer content=no-referrer>"
        f"<title>{line(title)} · chasm</title><link rel=icon href=/static/icon.svg type='image/svg+xml'>"
        "<link rel=stylesheet href=/static/web.css><script src=/static/web.js defer></script></head>"
    )

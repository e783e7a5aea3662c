"""Texts of a session as HTML that is safe whatever they hold: everything is escaped, Markdown is rendered without HTML.

Links go to http, https and mailto alone; an image somewhere else becomes a link to it, since showing it would tell
somebody that the page was read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html import escape as _escape
from typing import TYPE_CHECKING, Any

from chasm_git.session.readable import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt

_COLOURS = re.compile("\x1b\\[[0-9;:]*[mK]|\x1b\\][^\x07\x1b]{0,1000}(?:\x07|\x1b\\\\)")
"""What programs write to colour a terminal, and to name its window or a link."""
_LINK = re.compile(r"(?:https?://|mailto:|#)", re.IGNORECASE)
_ALIGNED = re.compile(r"text-align:(left|right|center)")
_LONGEST_MARKDOWN = 400_000
"""Characters of one text that are rendered; a longer one is shown as it is."""
_MOST_DIFFED = 4000
"""Lines of two texts that are compared."""


def plain(text: object) -> str:
    """A text, escaped; without colours of a terminal, and with other control characters to be seen."""
    return _escape(visible(_COLOURS.sub("", str(text))), quote=True)


def preformatted(text: str, *, wrap: bool = True) -> str:
    """A text as it is, in a block."""
    return f'<pre dir="auto"{" class=wrap" if wrap else ""}>{plain(text.removesuffix(chr(10)))}</pre>'


def markdown(text: str) -> str:
    """A text as what its Markdown means."""
    if len(text) > _LONGEST_MARKDOWN:
        return preformatted(text)
    return str(_renderer().render(visible(_COLOURS.sub("", text))))


def diff(text: str) -> str:
    """A patch, its lines told apart."""
    return _lines((line[:1], line) for line in text.removesuffix("\n").split("\n"))


def difference(old: str, new: str) -> str:
    """What an edit changed."""
    before, after = old.split("\n"), new.split("\n")
    if len(before) + len(after) > _MOST_DIFFED:
        return _lines([*(("-", f"-{line}") for line in before), *(("+", f"+{line}") for line in after)])
    from difflib import unified_diff

    found = list(unified_diff(before, after, lineterm="", n=3))[2:]
    return _lines((line[:1], line) for line in found if not line.startswith("@@"))


def is_patch(text: str) -> bool:
    """Whether a text is a patch, by how it begins."""
    return text.startswith(("*** Begin Patch", "diff --git ", "--- ")) and "\n" in text


def _lines(lines: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> str:
    kinds = {"+": "add", "-": "del"}
    made = [f'<span class="{kinds.get(mark, "same")}">{plain(line)}</span>' for mark, line in lines]
    return f'<pre class="wrap">{"".join(made)}</pre>'


@cache
def _renderer() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML

    class Renderer(RendererHTML):
        """Images become links, alignment becomes a class: neither a request nor a style is left."""

        def image(self, tokens: Sequence[Any], idx: int, options: Any, env: Any) -> str:
            token = tokens[idx]
            said = plain(token.content or "image")
            source = str(token.attrs.get("src", ""))
            return f'<a href="{plain(source)}" rel="noreferrer noopener">{said}</a>' if _LINK.match(source) else said

        def link_open(self, tokens: Sequence[Any], idx: int, options: Any, env: Any) -> str:
            token = tokens[idx]
            if not _LINK.match(str(token.attrs.get("href", ""))):
                token.attrs = {}
            else:
                token.attrs = {"href": token.attrs["href"], "rel": "noreferrer noopener"}
            return self.renderToken(tokens, idx, options, env)

        def _cell(self, tokens: Sequence[Any], idx: int, options: Any, env: Any) -> str:
            token = tokens[idx]
            found = _ALIGNED.fullmatch(str(token.attrs.pop("style", "")))
            if found is not None:
                token.attrs["class"] = found[1]
            return self.renderToken(tokens, idx, options, env)

        th_open = td_open = _cell

        def fence(self, tokens: Sequence[Any], idx: int, options: Any, env: Any) -> str:
            token = tokens[idx]
            words = token.info.split()
            if words and words[0].lower() in ("diff", "patch"):
                return diff(token.content)
            return f"<pre><code>{plain(token.content.removesuffix(chr(10)))}</code></pre>\n"

        code_block = fence

    made = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False}, renderer_cls=Renderer)
    made.enable(["table", "strikethrough"])
    return made

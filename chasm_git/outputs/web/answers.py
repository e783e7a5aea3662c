"""What is asked for and what is answered, without any server: pages are functions from one to the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chasm_git.errors import ChasmError

if TYPE_CHECKING:
    from chasm_git.outputs.web.reading import Reading


class NotThere(ChasmError):
    """What an address names is not there."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as a page depends on it."""

    path: str
    query: Mapping[str, str]
    """Of a name that is given several times the last one."""
    theme: str | None = None
    """``light`` or ``dark``; None = as the system has it."""

    def text(self, name: str, longest: int = 4000) -> str:
        """A value, at most `longest` characters of it; empty where there is none."""
        return self.query.get(name, "").strip()[:longest]

    def number(self, name: str, otherwise: int, most: int = 10**9) -> int:
        """A value from 1 on; `otherwise` where it is no such number."""
        text = self.query.get(name, "")
        return min(most, max(1, int(text))) if text.isascii() and text.isdigit() and len(text) < 12 else otherwise


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    body: bytes
    media_type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Page = Callable[["Reading", Asked], Answer]
"""Answers a request; runs in a thread of `Reading`. Raises NotThere, NoSuchSession and other ChasmErrors."""


def fragment(text: str) -> Answer:
    """A piece of a page, for the page's script to put in its place."""
    return Answer(text.encode("utf-8", "replace"))


def download(data: bytes, name: str, media_type: str = "application/octet-stream") -> Answer:
    """A file to be saved, which no browser shows as a page of ours."""
    from urllib.parse import quote

    safe = "".join(char if char.isascii() and (char.isalnum() or char in "-_.") else "_" for char in name)[-120:]
    said = f"attachment; filename=\"{safe}\"; filename*=UTF-8''{quote(name[-120:].encode('utf-8', 'replace'), safe='')}"
    return Answer(data, media_type, headers={"Content-Disposition": said, **SEALED})


SEALED = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}
"""For what comes out of a session as it is: should a browser show it after all, it can do nothing."""

"""URIs as the VS Code family writes them: text, their components as an object, or with a range as a location.

::

    "file:///home/ana/shop/app.py"
    {"$mid":1,"fsPath":"/home/ana/shop/app.py","external":"file:///home/ana/shop/app.py","path":"…","scheme":"file"}
    {"uri":URI,"range":{"startLineNumber":3,"startColumn":1,"endLineNumber":9,"endColumn":1}}
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote

from chasm_git.session.model import Part

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_QUERY = re.compile(r"[?#]")
_DRIVE = re.compile(r"/[A-Za-z]:(?:/|$)")
_MOST_NESTED = 4
"""A symbol holds a location, a location a URI."""


def uri_of(value: Any) -> str | None:
    """The URI a value is, holds or locates; None where there is none."""
    for _ in range(_MOST_NESTED):
        if type(value) is not dict:
            return value if type(value) is str and _SCHEME.match(value) else None
        external = value.get("external")
        if type(external) is str and external:
            return external
        made = _from_components(value)
        if made is not None:
            return made
        value = value.get("uri", value.get("location"))
    return None


def _from_components(value: dict[str, Any]) -> str | None:
    scheme, path = value.get("scheme"), value.get("path")
    if type(scheme) is not str or not scheme or type(path) is not str:
        return None
    made = [scheme, ":"]
    authority = value.get("authority")
    if scheme == "file" or (type(authority) is str and authority):
        made += ["//", _quoted(authority) if type(authority) is str else ""]
    made.append(_quoted(path))
    for mark, part in (("?", value.get("query")), ("#", value.get("fragment"))):
        if type(part) is str and part:
            made += [mark, _quoted(part)]
    return "".join(made)


def _quoted(text: str) -> str:
    return quote(text, safe="/", errors="surrogatepass")


def lines_of(value: Any) -> list[int] | None:
    """First and last line, from 1, of a location or of an object with a range; None where it has none."""
    for _ in range(_MOST_NESTED):
        if type(value) is not dict:
            return None
        first, last = value.get("startLineNumber"), value.get("endLineNumber")
        if type(first) is int and type(last) is int:
            return [first, last]
        value = value.get("range", value.get("location"))
    return None


def reference_to(value: Any, name: Any = None) -> Part | None:
    """A reference part for a URI or location; None where `value` is neither."""
    uri = uri_of(value)
    if uri is None:
        return None
    part: Part = {"type": "reference", "uri": uri}
    if type(name) is str and name:
        part["name"] = name
    lines = lines_of(value) if type(value) is dict and "external" not in value else None
    if lines is not None:
        part["range"] = lines
    return part


def label_of(part: Part) -> str:
    """How a reference part reads in a sentence: the file's name and line, the whole address of a page."""
    uri: str = part["uri"]
    if uri.startswith(("http://", "https://")):
        return uri
    name = uri.rstrip("/").rpartition("/")[2]
    if "?" in name or "#" in name or "%" in name:
        name = unquote(_QUERY.split(name, maxsplit=1)[0])
    return f"{name or uri}#L{part['range'][0]}" if "range" in part else name or uri


def path_of(uri: str) -> str:
    """The path of a ``file:`` URI, as its system writes it; any other URI as it is."""
    if not uri.startswith("file://"):
        return uri
    authority, slash, rest = uri[7:].partition("/")
    path = unquote(slash + rest)
    if authority and authority != "localhost":
        return "\\\\" + unquote(authority) + path.replace("/", "\\")
    if _DRIVE.match(path):
        return path[1:].replace("/", "\\")
    return path or "/"

"""A session as one web page that needs nothing else, and a page that lists several. No script, no request, no surprise.

Whatever a session holds is text here: see `markup`. The page forbids its browser everything but its own style sheet and
the images that stand in it (`style.POLICY`), should that ever fail.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from chasm_git.outputs.export.images import Images
from chasm_git.outputs.export.markup import diff, difference, is_patch, markdown, plain, preformatted
from chasm_git.outputs.export.style import CSS, POLICY
from chasm_git.session import attachments, jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.model import Session
from chasm_git.session.universal import universal

_FLAGS = ("injected", "sidechain", "inactive")
_EDITS = (("old_string", "new_string"), ("oldString", "newString"), ("old_str", "new_str"), ("oldText", "newText"))
"""Arguments of tools that put one text in the place of another."""
_SHORT = 100


class Listed(NamedTuple):
    """A session in the list of pages."""

    href: str
    """Its page, relative to the list; not yet quoted."""
    title: str | None
    provider: str
    workspace: str | None
    updated_at: str | None
    messages: int


def session_page(session: Session, load: Load | None = None, *, files: str | None = None) -> str:
    """The page of a session.

    Args:
        load: gives attachments by name; without it their preview stands instead.
        files: folder (relative to the page) in which the attachments are, for links.
    """
    shown = universal(session, load)
    images = Images(session, load)
    title = shown["title"] or "Untitled session"
    body = [f"<header><h1 dir=auto>{line(title)}</h1>", facts(shown), "</header><main>"]
    for number, message in enumerate(shown["messages"], 1):
        body += article(number, message, images)
    body.append("</main>")
    if files is not None:
        body += _attached(session, files)
    return _page(title, body)


def index_page(title: str, listed: Sequence[Listed]) -> str:
    """The page that lists others, the latest session first."""
    columns = "<th>last message</th><th>session</th><th>where</th><th class=right>messages</th>"
    body = [
        f"<header><h1>{line(title)}</h1></header><main><table class=sessions>",
        f"<thead><tr>{columns}</tr></thead>",
    ]
    for one in sorted(listed, key=lambda one: (one.updated_at or "", one.href), reverse=True):
        where = " · ".join(line(text) for text in (one.provider, one.workspace) if text)
        body.append(
            f'<tr><td class=when>{when(one.updated_at)}</td><td dir=auto><a href="{plain(quote(one.href))}">'
            f"{line(one.title or 'Untitled session')}</a></td><td>{where}</td><td class=right>{one.messages}</td></tr>"
        )
    body.append("</table></main>")
    return _page(title, body)


def _page(title: str, body: Iterable[str]) -> str:
    head = (
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n"
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name=viewport content="width=device-width,initial-scale=1">\n'
        "<meta name=referrer content=no-referrer><meta name=generator content=chasm-git>\n"
        f"<title>{line(title)}</title>\n<style>{CSS}</style></head><body>\n"
    )
    return head + "\n".join(body) + "\n</body></html>\n"


def facts(shown: dict[str, Any]) -> str:
    """What is known of a session besides its messages: `shown` is its universal form."""
    git = shown["git"] if isinstance(shown["git"], dict) else {}
    tokens = shown["metadata"]["total_tokens"]
    rows = [
        ("session", shown["id"]),
        ("provider", shown["provider"]),
        ("models", ", ".join(shown["metadata"]["models"])),
        ("workspace", shown["workspace"]),
        ("branch", git.get("branch")),
        ("commit", git.get("commit")),
        ("began", when(shown["created_at"])),
        ("ended", when(shown["updated_at"])),
        ("tokens", f"{tokens['input']:,} in, {tokens['output']:,} out" if any(tokens.values()) else None),
        ("parent", shown["parent"]),
        ("forked from", shown["forked_from"]),
        ("tags", ", ".join(map(str, shown["tags"]))),
        *(("note", note) for note in shown.get("notes", ())),
    ]
    held = "".join(
        f"<dt>{name}</dt><dd dir=auto>{value if name in ('began', 'ended') else plain(value)}</dd>"
        for name, value in rows
        if value
    )
    return f"<dl class=facts>{held}</dl>"


def article(number: int, message: dict[str, Any], images: Images) -> Iterator[str]:
    """A message of the universal form, in pieces; `number` is its place, from 1, and its anchor: ``#m1``."""
    role = str(message["role"])
    aside = any(message.get(flag) for flag in ("sidechain", "inactive"))
    known = role if role in ("user", "assistant", "system", "tool") else "other"
    kind = f"{known} aside" if aside else known
    yield f'<article id="m{number}" class="{kind}"><header><b>{line(role.capitalize())}</b>'
    yield when(message["timestamp"])
    if message["model"]:
        yield f"<span>{line(message['model'])}</span>"
    for flag in (*(flag for flag in _FLAGS if message.get(flag)), message.get("status")):
        if flag:
            yield f"<span class=flag>{line(flag)}</span>"
    yield f'<a href="#m{number}" title="{plain(message["id"])}">#{number}</a></header>'
    yield from _said(message, images)
    yield "</article>"


def _said(message: dict[str, Any], images: Images) -> Iterator[str]:
    for text in message["thinking"]:
        yield _folded("Thinking", _text(text))
    if message["role"] == "tool":
        yield _folded("Result without its call", preformatted(message["content"]), is_error=message.get("is_error"))
    elif message["content"]:
        text = _text(message["content"])
        yield _folded("Injected context", text) if message.get("injected") else text
    yield from _carried(message, images)
    for call in message["tool_calls"]:
        yield _call(call, images)
    if "error" in message:
        yield f"<div class=error>{preformatted(message['error'])}</div>"
    for number, variant in enumerate(message.get("variants", ()), 1):
        said = [_text(text) for text in (*variant["thinking"], variant["content"]) if text]
        said += [_call(call, images) for call in variant["tool_calls"]]
        yield _folded(f"Variant {number}: what this message said on another machine", "".join(said))


def _carried(message: dict[str, Any], images: Images) -> Iterator[str]:
    """What a message points to or carries."""
    listed = []
    for kind, items in (("reference", message["references"]), ("edit", message.get("edits", ()))):
        for item in items:
            inside = _changes(item)
            said = f"{kind} <code>{line(item.get('uri'))}</code>"
            listed.append(f"<li>{said}</li>" if not inside else f"<li>{_details(said, inside)}</li>")
    listed += [f"<li>file <code>{line(name)}</code></li>" for name in message.get("files", ())]
    for name in message.get("images", ()):
        yield _image(name, images)
    if listed:
        yield f"<ul class=carried>{''.join(listed)}</ul>"


def _changes(item: dict[str, Any]) -> str:
    """What is known of an edit besides its place."""
    rest = {key: value for key, value in item.items() if key != "uri"}
    patch = rest.pop("diff", None)
    made = diff(patch) if isinstance(patch, str) and patch else ""
    if item.get("edits"):
        made += preformatted(jsonio.dumps(item["edits"]).decode())
        rest.pop("edits")
    return made or (preformatted(jsonio.dumps(rest).decode()) if rest else "")


def _call(call: dict[str, Any], images: Images) -> str:
    arguments = call["arguments"]
    inside: list[str] = []
    hint = ""
    if isinstance(arguments, dict):
        rest = dict(arguments)
        for old, new in _EDITS:
            if isinstance(rest.get(old), str) and isinstance(rest.get(new), str):
                inside.append(difference(rest.pop(old), rest.pop(new)))
        lead = [_argument(name, value) for name, value in rest.items()]
        inside = lead + inside
        hint = next((value for value in rest.values() if isinstance(value, str) and value.strip()), "")
    elif arguments is not None:
        text = arguments if isinstance(arguments, str) else jsonio.dumps(arguments).decode()
        inside.append(diff(text) if is_patch(text) else preformatted(text))
        hint = text
    if call["result"] is not None:
        result = call["result"]
        inside.append(f"<p class=label>{'error' if call['is_error'] else 'result'}</p>")
        inside.append(diff(result) if is_patch(result) else preformatted(result))
    inside += [_image(name, images) for name in call.get("images", ())]
    shown = hint.strip().split("\n")[0]
    shown = shown[: _SHORT - 1] + "…" if len(shown) > _SHORT else shown
    said = line(call["name"] or "tool") + (f" <code dir=auto>{line(shown)}</code>" if shown else "")
    return _details(said, "".join(inside), is_error=call["is_error"])


def _argument(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else jsonio.dumps(value).decode()
    if len(text) <= _SHORT and "\n" not in text:
        return f"<p class=label>{line(name)} <code dir=auto>{plain(text)}</code></p>"
    return f"<p class=label>{line(name)}</p>" + (diff(text) if is_patch(text) else preformatted(text))


def _image(name: str, images: Images) -> str:
    url = images.url(name)
    if url is None:
        return f"<ul class=carried><li>image <code>{line(name)}</code></li></ul>"
    return f'<p><img src="{url}" alt="{line(name)}" loading=lazy></p>'


def _attached(session: Session, folder: str) -> Iterator[str]:
    links = [
        f'<li><a href="{plain(quote(f"{folder}/{name}"))}" download>{plain(name)}</a></li>'
        for name in sorted(attachments.names_of(session))
    ]
    if links:
        yield f"<footer>Attachments<ul class=carried>{''.join(links)}</ul></footer>"


def _text(text: str) -> str:
    return f"<div class=text dir=auto>{markdown(text)}</div>"


def _folded(summary: str, inside: str, *, is_error: bool | None = False) -> str:
    return _details(line(summary), inside, is_error=bool(is_error))


def _details(summary: str, inside: str, *, is_error: bool = False) -> str:
    return f"<details{' class=error' if is_error else ''}><summary>{summary}</summary>{inside}</details>"


def line(text: object) -> str:
    """A text on one line, escaped."""
    return plain(" ".join(str(text).split()))


def when(timestamp: object) -> str:
    """A stored time, in UTC: a page is read anywhere."""
    if not isinstance(timestamp, str):
        return ""
    try:
        moment = dt.datetime.fromisoformat(timestamp)
    except ValueError:
        return plain(timestamp)
    return f'<time datetime="{plain(timestamp)}">{moment:%Y-%m-%d %H:%M:%S} UTC</time>'

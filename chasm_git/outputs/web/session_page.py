"""One session to read: its conversation piece by piece, what is known of it, what belongs to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from chasm_git.errors import UsageError
from chasm_git.outputs.bars import counted
from chasm_git.outputs.export.forms import Wanted, one
from chasm_git.outputs.export.images import Images, media_type
from chasm_git.outputs.export.markup import plain
from chasm_git.outputs.export.page import article, facts, line, when
from chasm_git.outputs.web.answers import SEALED, Answer, Asked, NotThere, download, fragment
from chasm_git.outputs.web.frame import address, page, raw_address
from chasm_git.outputs.web.texts import blocks_of, cut
from chasm_git.session import attachments
from chasm_git.session.attachments import is_reference

if TYPE_CHECKING:
    from chasm_git.outputs.web.reading import Opened, Reading

WINDOW = 60
"""Messages that are sent at first."""
_MOST = 200
_MOST_BELOW = 200
"""Sub-agents, and forks, that are linked."""
_BEFORE = 5
"""Messages above the one that was asked for."""
_FORMS = {
    "md": ("Markdown", "md"),
    "html": ("web page", "html"),
    "json": ("JSON", "json"),
    "jsonl": ("JSON lines", "jsonl"),
    "csv": ("table", "csv"),
    "text": ("text", "txt"),
}


def session(reading: Reading, asked: Asked) -> Answer:
    """The page of a session, as it is or as it was (``at``); ``message`` is the one to begin with."""
    opened = reading.opened(asked.text("id"), asked.text("at"))
    number = _wanted(opened, asked)
    start = max(1, number - _BEFORE) if number else 1
    title = opened.shown["title"] or "Untitled session"
    body = (
        f"<main class=session><header class=session><h1 dir=auto>{line(title)}</h1>"
        f"<p class=about>{''.join(_about(opened))}</p>"
        f"{_belonging(reading, opened)}"
        f"<details class=more><summary>More about it</summary>{facts(opened.shown)}{_attached(opened, asked)}"
        f"{_exports(opened, asked)}</details></header>"
        f'<section id=versions data-src="{address("/session/versions", id=opened.found.id, at=asked.text("at"))}">'
        f'<noscript><a href="{address("/session/versions", id=opened.found.id)}">versions</a></noscript></section>'
        f"{_window(opened, asked, start, WINDOW, number)}</main>"
    )
    return page(title, body, asked, kind="reading")


def messages(reading: Reading, asked: Asked) -> Answer:
    """Some of a session's messages, from number ``from`` on; as a whole list (``list``), or to be put into one."""
    opened = reading.opened(asked.text("id"), asked.text("at"))
    number = _wanted(opened, asked)
    start = asked.number("from", max(1, (number or 1) - _BEFORE))
    count = asked.number("count", WINDOW, _MOST)
    if asked.query.get("list"):
        return fragment(_window(opened, asked, start, count, number))
    return fragment("\n".join(_articles(opened, asked, start, count)))


def _wanted(opened: Opened, asked: Asked) -> int | None:
    message = asked.text("message")
    number = opened.number_of(message) if message else None
    return number or (asked.number("n", 0) or None)


def _window(opened: Opened, asked: Asked, start: int, count: int, number: int | None) -> str:
    """The list of messages, with what its script needs to go on."""
    total = len(opened.messages)
    count = min(count, max(0, total - start + 1))
    said = {"id": opened.found.id, "at": asked.text("at")}
    data = f'data-src="{address("/session/messages", **said)}" data-first={start} data-last={start + count - 1}'
    chosen = f" data-wanted={number}" if number else ""
    earlier = address("/session", **said, n=max(1, start - WINDOW))
    later = address("/session", **said, n=start + count + _BEFORE)
    above = f'<p class=further id=earlier><a href="{earlier}">earlier messages</a></p>' if start > 1 else ""
    below = f'<p class=further id=later><a href="{later}">later messages</a></p>' if start + count <= total else ""
    inside = "\n".join(_articles(opened, asked, start, count)) or "<p class=none>Nothing was said.</p>"
    return f"<div id=messages {data} data-total={total}{chosen}>{above}<div id=list>{inside}</div>{below}</div>"


def _articles(opened: Opened, asked: Asked, start: int, count: int) -> Iterator[str]:
    """Messages from number `start` on."""
    images = Linked(opened, asked)
    for message in opened.messages[: start - 1]:
        images.skip(message)
    for number, message in enumerate(opened.messages[start - 1 : start - 1 + count], start):
        shown, is_whole = cut(message)
        yield from article(number, shown, images)
        if not is_whole:
            place = address("/session/text", id=opened.found.id, at=asked.text("at"), n=number)
            yield f'<p class=whole><a href="{place}">the whole message {number}, as text</a></p>'


class Linked(Images):
    """The images of a session, those that are attachments by an address of ours."""

    def __init__(self, opened: Opened, asked: Asked) -> None:
        super().__init__(opened.session, None)
        self._place = {"id": opened.found.id, "at": asked.text("at")}

    def address(self, stored: Any) -> str | None:
        """Where an image is to be had; one that is none shows as such."""
        if not is_reference(stored):
            return super().address(stored)
        name = str(stored["$attachment"])
        if name.rpartition(".")[2] not in ("png", "jpg", "gif", "webp", "bin"):
            return None
        return plain(raw_address("/session/attachment", {**self._place, "name": name}))

    def skip(self, message: dict[str, Any]) -> None:
        """Pass over the images of a message: each one is given once."""
        calls = (name for call in message["tool_calls"] for name in call.get("images", ()))
        for name in (*message.get("images", ()), *calls):
            listed = self._found.get(name)
            if listed is not None and len(listed) > 1:
                listed.pop(0)


def _about(opened: Opened) -> Iterator[str]:
    shown = opened.shown
    yield when(shown["created_at"])
    yield f'<a class=provider href="{address("/", provider=shown["provider"])}">{line(shown["provider"])}</a>'
    if shown["workspace"]:
        place = str(shown["workspace"])
        yield f'<a class=place href="{address("/", workspace=place)}" dir=auto>{line(place)}</a>'
    yield f"<span>{counted(len(opened.messages), 'message')}</span>"
    for model in shown["metadata"]["models"][:3]:
        yield f"<span>{line(model)}</span>"
    for tag in shown["tags"]:
        yield f'<a class=tag href="{address("/", tag=tag)}" dir=auto>{line(tag)}</a>'


def _belonging(reading: Reading, opened: Opened) -> str:
    """Links to the session this one is of or came from, to those of its sub-agents and to its forks."""
    listing, shown = reading.listing(), opened.shown
    made = []
    for said, name in (("Sub-agent of", shown["parent"]), ("Branched off from", shown["forked_from"])):
        if isinstance(name, str) and name:
            known = listing.by_id.get(name)
            title = line((known.title if known else None) or name)
            made.append(f"<li>{said} " + (_link(name, title) if known else f"<code>{title}</code>") + "</li>")
    for said, held in (("Sub-agent", listing.below), ("Branched off into", listing.forks)):
        for other in sorted(held.get(opened.found.id, ()), key=lambda one: one.created_at or "")[:_MOST_BELOW]:
            link = _link(other.id, line(other.title or other.id))
            made.append(f"<li>{said}: {link} <small>{counted(other.messages, 'message')}</small></li>")
    return f"<ul class=belonging>{''.join(made)}</ul>" if made else ""


def _link(identity: str, title: str) -> str:
    return f'<a href="{address("/session", id=identity)}" dir=auto>{title}</a>'


def _attached(opened: Opened, asked: Asked) -> str:
    listed = "".join(
        f'<li><a href="{address("/session/attachment", id=opened.found.id, at=asked.text("at"), name=name, save=1)}"'
        f" download>{plain(name)}</a></li>"
        for name in sorted(attachments.names_of(opened.session))
    )
    return f"<h2>Attachments</h2><ul class=attached>{listed}</ul>" if listed else ""


def _exports(opened: Opened, asked: Asked) -> str:
    place = {"id": opened.found.id, "at": asked.text("at")}
    links = " ".join(
        f'<a href="{address("/session/export", **place, form=form)}" download>{name}</a>'
        for form, (name, _) in _FORMS.items()
    )
    return f"<p class=exports>Save as {links}</p>"


def text(reading: Reading, asked: Asked) -> Answer:
    """Message number ``n`` as it is."""
    opened = reading.opened(asked.text("id"), asked.text("at"))
    number = asked.number("n", 1)
    if number > len(opened.messages):
        raise NotThere(f"this session has {counted(len(opened.messages), 'message')}; there is no number {number}")
    said = "\n\n".join(f"[{label}]\n{block}" for label, block in blocks_of(opened.messages[number - 1]))
    return Answer(said.encode("utf-8", "replace"), "text/plain; charset=utf-8", headers=SEALED)


def attachment(reading: Reading, asked: Asked) -> Answer:
    """An attachment: an image to be shown, everything else to be saved."""
    name = asked.text("name")
    opened = reading.opened(asked.text("id"), asked.text("at"))
    if name not in attachments.names_of(opened.session):
        raise NotThere(f"this session has no attachment {name[:80]!r}")
    try:
        data = reading.archive().attachments(opened.found)(name)
    except KeyError as error:
        raise NotThere(f"attachment {name[:80]} is missing from the archive") from error
    kind = media_type(data)
    if kind is None or asked.query.get("save"):
        return download(data, name)
    return Answer(data, kind, headers={**SEALED, "Cache-Control": "private, max-age=86400"})


def export(reading: Reading, asked: Asked) -> Answer:
    """The session in a form to keep, as `chasm export` makes it."""
    form = asked.text("form")
    if form not in _FORMS:
        raise UsageError(f"sessions are saved as {', '.join(_FORMS)}")
    found = reading.find(asked.text("id"), asked.text("at"))
    data = one(reading.archive(), found, Wanted(form))
    return download(data, f"{found.id}.{_FORMS[form][1]}")

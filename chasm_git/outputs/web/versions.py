"""The versions of a session: every commit that changed it, and the difference between two of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chasm_git.outputs.bars import counted
from chasm_git.outputs.export.images import Images
from chasm_git.outputs.export.markup import plain
from chasm_git.outputs.export.page import article, line, when
from chasm_git.outputs.web.answers import Answer, Asked, NotThere, fragment
from chasm_git.outputs.web.differences import Change, difference, fields, words
from chasm_git.outputs.web.frame import address, page
from chasm_git.outputs.web.texts import cut

if TYPE_CHECKING:
    from chasm_git.api import Entry
    from chasm_git.outputs.web.reading import Opened, Reading

_MOST_SHOWN = 300
"""Changes that are shown; with more of them nobody reads on."""


def versions(reading: Reading, asked: Asked) -> Answer:
    """The list the slider is made of, the latest version last; as a piece of a page."""
    identity, at = asked.text("id"), asked.text("at")
    listed = _entries(reading, identity)
    chosen = next((entry for entry in listed if entry.commit.id == at), listed[-1] if listed else None)
    if len(listed) < 2 and not at:
        only = f"One version, of {when(listed[0].commit.at)}." if listed else "No version."
        return fragment(f"<p class=about>{only}</p>")
    made = "".join(_item(entry, number, identity, entry is chosen) for number, entry in enumerate(listed))
    before = listed[max(0, listed.index(chosen) - 1)] if chosen else None
    compare = ""
    if before and chosen:
        place = address("/session/compare", id=identity, old=before.commit.id, new=chosen.commit.id)
        compare = f'<a class=compare href="{place}">compare</a>'
    return fragment(
        f'<div class=slider><label for=slide>Version</label><input type=range id=slide min=0 max="{len(listed) - 1}"'
        f' value="{listed.index(chosen) if chosen else 0}"><output for=slide></output>{compare}</div>'
        f"<details><summary>{counted(len(listed), 'version')}</summary><ol class=versions>{made}</ol></details>"
    )


def _entries(reading: Reading, identity: str) -> list[Entry]:
    """Commits that left the session's file in some state, the earliest first."""
    return [one for one in reversed(reading.versions(identity)) if not (one.sessions and one.sessions[0].new is None)]


def _item(entry: Entry, number: int, identity: str, chosen: bool) -> str:
    commit = entry.commit
    return (
        f'<li{" class=chosen" if chosen else ""} data-commit="{plain(commit.id)}">'
        f'<a href="{address("/session", id=identity, at=commit.id)}">{number + 1}</a> {when(commit.at)} '
        f"<span>{line(commit.subject)}</span> <code>{plain(commit.id[:10])}</code></li>"
    )


def compare(reading: Reading, asked: Asked) -> Answer:
    """What is different between two versions, message by message."""
    identity = asked.text("id")
    listed = _entries(reading, identity)
    if not listed:
        raise NotThere("this session has no versions to compare")
    new = asked.text("new") or listed[-1].commit.id
    place = next((number for number, entry in enumerate(listed) if entry.commit.id == new), len(listed) - 1)
    old = asked.text("old") or listed[max(0, place - 1)].commit.id
    before, after = reading.opened(identity, old), reading.opened(identity, new)
    found = difference(before.messages, after.messages)
    title = line(after.shown["title"] or "Untitled session")
    body = (
        f'<main class=compared><header class=session><h1 dir=auto><a href="{address("/session", id=identity, at=new)}">'
        f"{title}</a></h1>{_choice(listed, identity, old, new)}</header>"
        f"{_summary(found)}{_fields(before, after)}{''.join(_changes(found, before, after))}</main>"
    )
    return page(f"Versions of {after.shown['title'] or 'a session'}", body, asked, kind="compare")


def _choice(listed: list[Entry], identity: str, old: str, new: str) -> str:
    def select(name: str, said: str, chosen: str) -> str:
        options = "".join(
            f'<option value="{plain(entry.commit.id)}"{" selected" if entry.commit.id == chosen else ""}>'
            f"{number}: {plain(entry.commit.at[:16].replace('T', ' '))} {line(entry.commit.subject[:60])}</option>"
            for number, entry in enumerate(listed, 1)
        )
        if chosen not in {entry.commit.id for entry in listed}:
            options += f'<option value="{plain(chosen)}" selected>{plain(chosen[:40])}</option>'
        return f"<label>{said} <select name={name}>{options}</select></label>"

    return (
        "<form class=compare action=/session/compare method=get data-submit>"
        f'<input type=hidden name=id value="{plain(identity)}">'
        f"{select('old', 'from', old)}{select('new', 'to', new)}"
        f'<a href="{address("/session/compare", id=identity, old=new, new=old)}" title="The other way round">⇄</a>'
        "<button class=go>Compare</button></form>"
    )


def _summary(found: list[Change]) -> str:
    counts = [(kind, sum(one.kind == kind for one in found)) for kind in ("added", "changed", "removed", "same")]
    said = [f'<span class="{kind}">{count:,} {kind}</span>' for kind, count in counts if count]
    return f"<p class=summary>{' '.join(said) or 'Both are empty.'}</p>"


def _fields(before: Opened, after: Opened) -> str:
    made = "".join(
        f"<dt>{line(name)}</dt><dd>{words(old, new)}</dd>" for name, old, new in fields(before.shown, after.shown)
    )
    return f"<dl class=facts>{made}</dl>" if made else ""


def _changes(found: list[Change], before: Opened, after: Opened) -> Iterator[str]:
    images = Images(after.session, None)
    same = shown = 0
    for one in found:
        if one.kind == "same":
            same += 1
            continue
        if same:
            yield _unchanged(same)
            same = 0
        shown += 1
        if shown > _MOST_SHOWN:
            continue
        yield f"<div class='change {one.kind}'><p class=kind>{one.kind}</p>"
        if one.kind == "changed":
            yield from _changed(one)
        else:
            yield from article(one.number, cut(one.message)[0], images)
        yield "</div>"
    if shown > _MOST_SHOWN:
        yield f"<p class=none>and {shown - _MOST_SHOWN:,} more</p>"
    elif same:
        yield _unchanged(same)


def _unchanged(count: int) -> str:
    return f"<p class=unchanged>{counted(count, 'message')} unchanged</p>"


def _changed(one: Change) -> Iterator[str]:
    message = one.message
    yield f"<article class={'user' if message['role'] == 'user' else 'assistant'}><header>"
    role = line(str(message["role"]).capitalize())
    yield f"<b>{role}</b>{when(message['timestamp'])}<span>#{one.number}</span></header>"
    for label, old, new in one.blocks:
        if old == new:
            yield f"<p class=label>{line(label)}: unchanged</p>"
        else:
            yield f"<p class=label>{line(label)}</p>{words(old, new)}"
    yield "</article>"

"""Lists: the sessions of the archive, those a search finds, workspaces, tags."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chasm_git.outputs.bars import counted
from chasm_git.outputs.export.markup import plain
from chasm_git.outputs.export.page import line, when
from chasm_git.outputs.web.answers import Answer, Asked, fragment
from chasm_git.outputs.web.frame import address, page
from chasm_git.session.summary import Summary
from chasm_git.session.times import moment

if TYPE_CHECKING:
    from chasm_git.api import Match, Results
    from chasm_git.outputs.web.reading import Listing, Reading

PAGE = 100
"""Sessions that are sent at a time."""
FOUND = 30
"""Matches of a search that are sent at first."""
_MOST_FOUND = 500
_CHOICES = 300
_SINCE = (
    ("", "any time"),
    ("24h", "a day"),
    ("7d", "a week"),
    ("30d", "a month"),
    ("90d", "three months"),
    ("1y", "a year"),
)
_SYNTAX = (
    ("redirect loop", "both words, anywhere in a session"),
    ('"redirects twice"', "these words in this order"),
    ("redir*", "words that begin so"),
    ("get_user(", "code, as it is written"),
    ("-draft", "without this word"),
    ("role:user", "in messages of: user, assistant, system, tool"),
    ("tool:Bash", "in calls of this tool, and in their results"),
    ("provider:codex  workspace:shop  tag:auth  model:sonnet  file:app.py", "sessions of, in, with"),
    ("since:7d  until:2026-01-31", "messages of that time; also 12h, 2w, yesterday"),
    ("has:error", "sessions in which a tool failed"),
)


@dataclass(frozen=True, slots=True)
class Filters:
    """What the controls beside the search are set to; empty = anything."""

    provider: str = ""
    workspace: str = ""
    tag: str = ""
    since: str = ""

    @classmethod
    def of(cls, asked: Asked) -> Filters:
        """As a request has them."""
        return cls(*(asked.text(name) for name in cls.__slots__))

    def fields(self) -> dict[str, list[str]]:
        """As a search takes them."""
        found = {name: [value] for name in ("provider", "workspace", "tag") if (value := getattr(self, name))}
        return {**found, "since": [start]} if (start := self.start()) else found

    def start(self) -> str | None:
        """The moment ``since`` means; None where it means none."""
        return moment(self.since, dt.datetime.now(dt.UTC)) if self.since else None

    def accepts(self, one: Summary, start: str | None) -> bool:
        """Whether a session is one of those; `start` is that of `start`."""
        return (
            (not self.provider or one.provider == self.provider)
            and (not self.workspace or self.workspace.casefold() in (one.workspace or "").casefold())
            and (not self.tag or self.tag in one.tags)
            and (start is None or (one.updated_at or "") >= start)
        )

    def given(self) -> dict[str, str]:
        """For an address."""
        return {name: getattr(self, name) for name in self.__slots__}


def home(reading: Reading, asked: Asked, results: Answer | None) -> Answer:
    """The page with the search.

    Args:
        results: what stands below it where something is searched for; None: the list of sessions.
    """
    listing, filters = reading.listing(), Filters.of(asked)
    shown = results or rows(reading, asked)
    body = (
        f"<main class=wide>{_form(listing, filters, asked.text('q'))}"
        f"<div id=results aria-live=polite>{shown.body.decode()}</div></main>"
    )
    return page(asked.text("q", 60) or reading.name, body, asked, kind="home")


def _form(listing: Listing, filters: Filters, text: str) -> str:
    syntax = "".join(f"<dt><code>{plain(example)}</code></dt><dd>{plain(what)}</dd>" for example, what in _SYNTAX)
    providers = Counter(one.provider for one in listing.sessions)
    workspaces = Counter(one.workspace for one in listing.sessions if one.workspace)
    tags = Counter(tag for one in listing.sessions for tag in one.tags)
    selects = (
        _select("provider", "every client", _most(providers), filters.provider)
        + _select("workspace", "every workspace", _most(workspaces), filters.workspace)
        + (_select("tag", "every tag", _most(tags), filters.tag) if tags or filters.tag else "")
        + _select("since", "", _SINCE, filters.since)
    )
    return (
        "<form id=search role=search action=/ method=get><div class=field>"
        f'<input type=search id=q name=q value="{plain(text)}" placeholder="Search in everything that was said"'
        ' aria-label="Search" autocomplete=off autocapitalize=off spellcheck=false maxlength=4000><kbd>/</kbd></div>'
        f"<div class=filters>{selects}<button class=go>Search</button></div>"
        f"<details class=syntax><summary>What a search understands</summary><dl>{syntax}</dl></details></form>"
    )


def _most(counts: Counter[str]) -> list[tuple[str, str]]:
    return [(value, f"{value} ({count:,})") for value, count in counts.most_common(_CHOICES)]


def _select(name: str, anything: str, choices: Iterable[tuple[str, str]], chosen: str) -> str:
    listed = [("", anything), *choices] if anything else list(choices)
    if chosen not in dict(listed):
        listed.append((chosen, chosen))
    options = "".join(
        f'<option value="{plain(value)}"{" selected" if value == chosen else ""}>{line(said)}</option>'
        for value, said in listed
    )
    return f'<select name={name} aria-label="{name.capitalize()}">{options}</select>'


def rows(reading: Reading, asked: Asked) -> Answer:
    """Sessions, the latest first: one page of them, as a piece of a page."""
    listing, filters = reading.listing(), Filters.of(asked)
    start = filters.start()
    if filters == Filters():
        chosen: Sequence[Summary] = listing.sessions
    else:
        chosen = [one for one in listing.sessions if filters.accepts(one, start)]
    first = (asked.number("page", 1) - 1) * PAGE
    made = [_row(one) for one in chosen[first : first + PAGE]]
    if first + PAGE < len(chosen):
        more = address("/", **filters.given(), page=first // PAGE + 2)
        made.append(f'<li class=more><a href="{more}">more</a></li>')
    if first:
        return fragment("".join(made))
    if not listing.sessions:
        return fragment("<p class=none>The archive holds no session yet; <code>chasm harvest run</code> fills it.</p>")
    said = counted(len(chosen), "session") if chosen else "No session is like that."
    said += "".join(f"<br><span class=error>{plain(fault)}</span>" for fault in listing.unreadable[:20])
    return fragment(f"<p class=count>{said}</p><ol class=sessions>{''.join(made)}</ol>")


def _row(one: Summary) -> str:
    return f"<li>{_title(one)}<p class=about>{''.join(_about(one))}</p></li>"


def _title(one: Summary | Match) -> str:
    said = line(one.title or "Untitled session")
    return f'<a class=title href="{address("/session", id=one.id)}" dir=auto>{said}</a>'


def _about(one: Summary | Match) -> Iterator[str]:
    yield when(one.updated_at)
    yield f"<span class=provider>{line(one.provider)}</span>"
    if one.workspace:
        yield f"<span class=place dir=auto>{line(one.workspace)}</span>"
    yield f"<span>{counted(one.messages, 'message')}</span>"
    if one.parent is not None:
        yield f'<a href="{address("/session", id=one.parent)}">sub-agent</a>'
    if one.conflicts:
        yield "<span class=flag>a decision waits</span>"
    for tag in one.tags:
        yield f'<a class=tag href="{address("/", tag=tag)}" dir=auto>{line(tag)}</a>'


def matches(results: Results, asked: Asked, milliseconds: float) -> Answer:
    """What a search found, as a piece of a page."""
    listed = results.matches
    if not listed:
        hints = "".join(f"<br><span dir=auto>{plain(hint)}</span>" for hint in results.hints)
        return fragment(f"<p class=count>Nothing is found.{hints}</p>")
    exact = results.total is not None
    total = results.total if results.total is not None else len(listed)
    said = counted(total, "session") + ("" if exact else " and maybe more")
    if total > len(listed) or not exact:
        said += f", the best {len(listed)}"
    made = "".join(map(_match, listed))
    if len(listed) < _MOST_FOUND and (not exact or total > len(listed)) and len(listed) >= FOUND:
        limit = min(_MOST_FOUND, len(listed) * 4)
        more = address("/", q=asked.text("q"), **Filters.of(asked).given(), limit=limit)
        made += f'<li class=further><a href="{more}">more</a></li>'
    return fragment(f"<p class=count>{said} <span>{milliseconds:.0f} ms</span></p><ol class=sessions>{made}</ol>")


def limit_of(asked: Asked) -> int:
    """How many matches a request wants."""
    return asked.number("limit", FOUND, _MOST_FOUND)


def _match(one: Match) -> str:
    made = f"<li>{_title(one)}<p class=about>{''.join(_about(one))}</p>"
    for hit in one.hits:
        if hit.kind != "title":  # that stands above
            who = hit.tool or hit.role or hit.kind
            made += (
                f'<a class=hit href="{address("/session", id=one.id, message=hit.message)}"><b>{line(who)}</b> '
                f"<span dir=auto>{_marked(hit.snippet.text, hit.snippet.marks)}</span></a>"
            )
    return f"{made}</li>"


def _marked(text: str, marks: Sequence[tuple[int, int]]) -> str:
    made, at = "", 0
    for start, end in marks:
        made += f"{plain(text[at:start])}<mark>{plain(text[start:end])}</mark>"
        at = end
    return made + plain(text[at:])


def still_made(progress: tuple[int, int] | None) -> Answer:
    """Instead of results: the search cache is not there yet."""
    done, total = progress or (0, 0)
    much = f"{done:,} of {total:,} sessions" if total else "just begun"
    return Answer(
        f"<p class=making>The search cache is being made: {much}. The search goes on by itself.</p>".encode(),
        headers={"X-Making": f"{done}/{total}"},
    )


def workspaces(reading: Reading, asked: Asked) -> Answer:
    """The folders sessions were held in, the one with the latest message first."""
    found: dict[str, list[Summary]] = {}
    for one in reading.listing().sessions:
        if one.workspace:
            found.setdefault(one.workspace, []).append(one)
    made = "".join(
        f'<tr><td class=name dir=auto><a href="{address("/", workspace=place)}">{line(place)}</a></td>'
        f"<td>{' '.join(sorted({line(one.provider) for one in held}))}</td><td class=right>{len(held):,}</td>"
        f"<td class=right>{sum(one.messages for one in held):,}</td><td class=when>{when(held[0].updated_at)}</td></tr>"
        for place, held in found.items()
    )
    table = (
        "<table class=list><thead><tr><th>workspace<th>clients<th class=right>sessions<th class=right>messages"
        f"<th>last message</tr></thead><tbody>{made}</tbody></table>"
    )
    body = f"<main class=wide><h1>Workspaces</h1>{table if made else '<p class=none>No session has one.</p>'}</main>"
    return page("Workspaces", body, asked, kind="workspaces")


def tags(reading: Reading, asked: Asked) -> Answer:
    """The tags people gave."""
    counts = Counter(tag for one in reading.listing().sessions for tag in one.tags)
    made = "".join(
        f'<li><a class=tag href="{address("/", tag=tag)}" dir=auto>{line(tag)}</a> {counted(count, "session")}</li>'
        for tag, count in sorted(counts.items())
    )
    none = "<p class=none>No session has a tag yet; <code>chasm tag ID +word</code> gives one.</p>"
    body = f"<main class=wide><h1>Tags</h1>{f'<ul class=tags>{made}</ul>' if made else none}</main>"
    return page("Tags", body, asked, kind="tags")

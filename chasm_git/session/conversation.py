"""A session as a conversation to read: plain text for `git diff` and the terminal, Markdown for everything else.

The plain text is what git compares instead of the file (textconv), so it is stable (UTC, nothing that changes when
other messages come) and every message starts with a heading that ``xfuncname = "^## (.*)$"`` finds. Marks at the start
of a line say what a line is; a message's own lines that look like one are moved in by a space::

    ## assistant  2026-01-08 12:00:07  fa1ab4ae  claude-sonnet-4-5
    >> Bash               a tool call, its arguments below
    << result             what came back (``<< error`` for a failure)
    .. thinking           the model's reasoning
    -- image shot.png     something the message points to or carries
    !! variant 1 of 1     another body of this message, which lost a merge (also ``!! error``)

Pure. Nothing in the result can drive a terminal: see `readable.visible`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.header import ALTERNATIVES
from chasm_git.session.model import Json, Session
from chasm_git.session.readable import visible
from chasm_git.session.universal import universal

Clock = Callable[[str], str]
"""Gives a stored time the way it is shown."""

Link = Callable[[str], str | None]
"""Gives the address of an image; None where it has none."""

_BRACKETS = re.compile(r"[\[\]()<>`\\]")
_MARK = re.compile(r"^(?=(?:##|>>|<<|\.\.|--|!!) )", re.MULTILINE)
_RANDOM_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_PLAIN_ID = re.compile(r"(?!.*--)[\w.:~-]+", re.ASCII)
"""An id that can stand in a comment."""
_FLAGS = ("injected", "sidechain", "inactive")
_INJECTED_LINES = 3
"""Lines of injected context that are shown where anything is folded: nobody typed it."""
_LONGEST_FOLDED = 2000
"""Characters of one folded text: one line can be a whole file."""


def utc(timestamp: str) -> str:
    """``2026-01-08 12:00:00``, as stored."""
    return timestamp[:19].replace("T", " ")


def as_text(
    session: Session,
    load: Load | None = None,
    *,
    clock: Clock = utc,
    fold: int | None = None,
    more: Iterable[tuple[str, str]] = (),
) -> str:
    """The conversation as plain text.

    Args:
        session: with its messages in file order.
        load: gives attachments by name; without it their preview stands instead.
        clock: how times are written.
        fold: at most so many lines of each tool result and reasoning (less of injected context); None = all of them.
        more: name and value of what else is known of the session, not from its file.
    """
    shown = universal(session, load)
    lines = [f"# {_one_line(shown['title'] or 'untitled')}"]
    lines += [f"{name}: {_one_line(value)}" for name, value in (*_facts(shown), *more)]
    lines += _alternatives(session)
    for message in shown["messages"]:
        lines += ("", _heading(message, clock), "")
        lines += _message(message, fold)
    return visible("\n".join(lines)) + "\n"


def _facts(shown: dict[str, Json]) -> Iterator[tuple[str, str]]:
    """What a reader wants to know about a session besides its messages."""
    git = shown["git"] if isinstance(shown["git"], dict) else {}
    yield "session", shown["id"]
    yield "provider", shown["provider"]
    for name, value in (
        ("workspace", shown["workspace"]),
        ("branch", git.get("branch")),
        ("commit", git.get("commit")),
        ("parent", shown["parent"]),
        ("forked from", shown["forked_from"]),
        ("tags", ", ".join(map(str, shown["tags"]))),
    ):
        if value:
            yield name, str(value)
    for note in shown.get("notes", ()):
        for line in note.strip("\n").split("\n"):
            yield "note", line


def _alternatives(session: Session) -> Iterator[str]:
    """Header values that lost a merge: a person may want them."""
    kept = session.extra.get(ALTERNATIVES)
    for name, values in kept.items() if isinstance(kept, dict) else ():
        for value in values if isinstance(values, list) else ():
            yield f"!! {_one_line(name)}: {_one_line(value if isinstance(value, str) else _json(value))}"


def _heading(message: dict[str, Json], clock: Clock) -> str:
    said = [_one_line(message["role"])]
    if isinstance(message["timestamp"], str):
        said.append(clock(message["timestamp"]))
    said.append(short_id(message["id"]))
    if message["model"]:
        said.append(_one_line(message["model"]))
    said += [f"[{flag}]" for flag in (*(f for f in _FLAGS if message.get(f)), message.get("status")) if flag]
    return "## " + "  ".join(said)


def short_id(message_id: str) -> str:
    """Eight characters that tell a message from its neighbours: where an id's randomness is."""
    return _one_line(message_id[:8] if _RANDOM_UUID.fullmatch(message_id) else message_id[-8:])


def _message(message: dict[str, Json], fold: int | None) -> Iterator[str]:
    """The lines below a message's heading."""
    for text in message["thinking"]:
        yield ".. thinking"
        yield from _indented(text, fold)
        yield ""
    if message["role"] == "tool":
        yield "<< error" if message.get("is_error") else "<< result"
        yield from _indented(message["content"], fold)
    elif message["content"]:
        text = message["content"]
        if message.get("injected") and fold is not None:
            text = _folded(text, min(fold, _INJECTED_LINES))
        yield _MARK.sub(" ", text)
    yield from _carried(message)
    for call in message["tool_calls"]:
        yield from _call(call, fold)
    if "error" in message:
        yield "!! error"
        yield from _indented(message["error"], None)
    variants = message.get("variants", ())
    for number, variant in enumerate(variants, 1):
        yield f"!! variant {number} of {len(variants)}"
        for text in (*variant["thinking"], variant["content"]):
            if text:
                yield from _indented(text, None)
        for call in variant["tool_calls"]:
            yield from (line and f"    {line}" for line in _call(call, None))


def _call(call: dict[str, Json], fold: int | None) -> Iterator[str]:
    yield f">> {_one_line(call['name'] or 'tool')}"
    arguments = call["arguments"]
    if isinstance(arguments, dict):
        for name, value in arguments.items():
            text = value if isinstance(value, str) else _json(value)
            if "\n" in text:
                yield f"    {_one_line(name)}:"
                yield from _indented(text, None, pad=8)
            else:
                yield f"    {_one_line(name)}: {text}"
    elif arguments is not None:
        yield from _indented(arguments if isinstance(arguments, str) else _json(arguments), None)
    if call["result"] is not None:
        yield "<< error" if call["is_error"] else "<< result"
        yield from _indented(call["result"], fold)
    for name in call.get("images", ()):
        yield f"-- image {_one_line(name)}"


def _carried(message: dict[str, Json]) -> Iterator[str]:
    """What a message points to or carries, a line each."""
    for kind, items in (("reference", message["references"]), ("edit", message.get("edits", ()))):
        for item in items:
            rest = {key: value for key, value in item.items() if key != "uri"}
            yield f"-- {kind} {_one_line(item.get('uri'))}" + (f" {_json(rest)}" if rest else "")
    for kind in ("image", "file"):
        for name in message.get(f"{kind}s", ()):
            yield f"-- {kind} {_one_line(name)}"


def _indented(text: str, fold: int | None, pad: int = 4) -> Iterator[str]:
    for line in _folded(text, fold).removesuffix("\n").split("\n"):
        yield " " * pad + line if line else ""


def _folded(text: str, fold: int | None) -> str:
    """At most `fold` lines of a text, and how many that leaves out; a single one more is shown instead of counted."""
    if fold is None:
        return text
    lines = text.removesuffix("\n").split("\n")
    if len(lines) == fold + 1:
        fold += 1
    kept = "\n".join(lines[:fold])
    if len(kept) > _LONGEST_FOLDED:
        kept = kept[:_LONGEST_FOLDED]
        return f"{kept}…\n[{len(text) - len(kept):,} more characters]"
    return kept if len(lines) <= fold else f"{kept}\n[{len(lines) - fold:,} more lines]"


def _json(value: Json) -> str:
    return jsonio.dumps(value).decode()


def _one_line(value: Json) -> str:
    return " ".join(str(value).split("\n"))


def as_markdown(
    session: Session, load: Load | None = None, *, clock: Clock = utc, ids: bool = False, link: Link | None = None
) -> str:
    """The conversation as Markdown (the dialect of GitHub): reasoning, tools and injected context fold away.

    Args:
        ids: have a comment below each heading that names the message.
        link: gives the address of an image by the name the universal form calls it by; None: it is named only.
    """
    shown = universal(session, load)
    out = [f"# {_one_line(shown['title'] or 'Untitled session')}"]
    rows = [f"| {name} | {_cell(value)} |" for name, value in _facts(shown)]
    models = ", ".join(shown["metadata"]["models"])
    if models:
        rows.append(f"| models | {_cell(models)} |")
    out.append("\n".join(["| | |", "|---|---|", *rows]))
    for message in shown["messages"]:
        role = _one_line(message["role"]).capitalize()
        when = f" · {clock(message['timestamp'])}" if isinstance(message["timestamp"], str) else ""
        flags = [flag for flag in (*(f for f in _FLAGS if message.get(f)), message.get("status")) if flag]
        out.append(f"## {role}{when}" + (f" · {', '.join(flags)}" if flags else ""))
        if ids and _PLAIN_ID.fullmatch(message["id"]):
            out[-1] += f"\n<!-- message {message['id']} -->"
        out += _markdown_message(message, link or (lambda name: None))
    return visible("\n\n".join(out)) + "\n"


def _markdown_message(message: dict[str, Json], link: Link) -> Iterator[str]:
    for text in message["thinking"]:
        yield _details("Thinking", text)
    if message["role"] == "tool":
        yield _details("Result without its call", _fenced(message["content"]))
    elif message["content"]:
        yield _details("Injected context", message["content"]) if message.get("injected") else message["content"]
    images = [(name, _markdown_image(name, link)) for name in message.get("images", ())]
    yield from (image for _, image in images if image is not None)
    unseen = [name for name, image in images if image is None]
    carried = [f"- {line[3:]}" for line in _carried({**message, "images": unseen})]
    if carried:
        yield "\n".join(carried)
    for call in message["tool_calls"]:
        yield _markdown_call(call, link)
    if "error" in message:
        yield "**Error**\n\n" + _fenced(message["error"])
    for number, variant in enumerate(message.get("variants", ()), 1):
        calls = [_markdown_call(call, link) for call in variant["tool_calls"]]
        yield _details(f"Variant {number}", "\n\n".join([*variant["thinking"], variant["content"], *calls]))


def _markdown_image(name: str, link: Link) -> str | None:
    address = link(name)
    return None if address is None else f"![{_BRACKETS.sub('', _one_line(name))}]({address})"


def _markdown_call(call: dict[str, Json], link: Link) -> str:
    arguments = call["arguments"]
    inside = []
    if isinstance(arguments, str):
        inside.append(_fenced(arguments))
    elif arguments is not None:
        texts = arguments.items() if isinstance(arguments, dict) else [("arguments", arguments)]
        inside += [f"{name}:\n\n{_fenced(v if isinstance(v, str) else _json(v))}" for name, v in texts]
    if call["result"] is not None:
        inside += ["Error:" if call["is_error"] else "Result:", _fenced(call["result"])]
    inside += [_markdown_image(name, link) or f"- image {_one_line(name)}" for name in call.get("images", ())]
    return _details(f"Tool: {call['name'] or 'unnamed'}", "\n\n".join(inside))


def _details(summary: str, inside: str) -> str:
    escaped = _one_line(summary).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<details><summary>{escaped}</summary>\n\n{inside}\n\n</details>"


def _fenced(text: str) -> str:
    """A code block whose fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}\n{text.removesuffix(chr(10))}\n{fence}"


def _cell(value: str) -> str:
    return _one_line(value).replace("|", "\\|")

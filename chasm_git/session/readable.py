"""Small texts a person reads about a session: its title, the names of what it refers to, and safe characters.

Pure, and standard library only: `universal` and `conversation` are made of these, and so is a list of sessions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from chasm_git.session import attachments, jsonio
from chasm_git.session.model import Json, Message, Part, Session

TITLE_LENGTH = 80

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters (not tab and line feed), line breaks only some programs see, overrides of the writing direction,
and halves of characters that no terminal encoding can hold."""

_FILE_KEYS = ("file_path", "filePath", "path", "notebook_path", "absolute_path", "target_file", "filename")
_PATCHED = re.compile(r"^\*\*\* (?:Add|Update|Delete) File: (.+)$", re.MULTILINE)


def visible(text: str) -> str:
    """A text without anything that could drive a terminal: such characters are shown, line ends become line feeds."""
    if _UNSAFE.search(text) is None:
        return text
    return _UNSAFE.sub(_shown, text.replace("\r\n", "\n"))


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)  # the pictures Unicode has for them: ␛ for escape
    return "␡" if code == 0x7F else f"\\u{code:04x}"


def display_title(session: Session) -> str | None:
    """The session's title; where it has none, the first line its user typed, cut to `TITLE_LENGTH`."""
    if isinstance(session.title, str) and session.title.strip():
        return session.title
    for message in session.messages:
        if message.role == "user" and not (message.injected or message.sidechain or message.deleted):
            title = first_line(message)
            if title is not None:
                return title
    return None


def notes_of(session: Session) -> list[str]:
    """A person's notes on a session: one, or several where they were taken on several machines at once."""
    held = session.extra.get("notes")
    listed = held if type(held) is list else [held]
    return [note for note in listed if type(note) is str and note.strip()]


def first_line(message: Message) -> str | None:
    """The first line of a message's text that says something, cut to `TITLE_LENGTH` characters."""
    for part in parts(message):
        text = part.get("text") if part.get("type") == "text" else None
        if type(text) is dict and attachments.is_reference(text):
            text = text.get("preview")
        for line in text.splitlines() if isinstance(text, str) else ():
            if words := line.strip():
                return words if len(words) <= TITLE_LENGTH else words[: TITLE_LENGTH - 1].rstrip() + "…"
    return None


def parts(message: Message) -> Iterator[Part]:
    """A message's parts; what is no part (in a file edited by hand) comes as text."""
    for part in message.parts():
        yield part if type(part) is dict else {"type": "text", "text": part}


def resolved(value: Json, load: attachments.Load | None) -> Json:
    """A content value with its escapes undone and its attachments put back.

    Without `load`, and for attachments that are missing or damaged, their preview stands instead, with a line that says
    how much is left out.
    """
    if type(value) is list:
        return [resolved(item, load) for item in value]
    if type(value) is not dict:
        return value
    if attachments.is_reference(value):
        return _attached(value, load)
    if next(iter(value), None) == "$escaped" and type(value["$escaped"]) is dict:
        value = value["$escaped"]
    return {key: resolved(item, load) for key, item in value.items()}


def _attached(reference: dict[str, Json], load: attachments.Load | None) -> str:
    state = "in"
    if load is not None:
        try:
            return attachments.load_string(reference, load)
        except (KeyError, ValueError, TypeError):
            state = "missing with"
    preview = reference.get("preview")
    left_out = f"[{reference.get('bytes')} bytes {state} attachment {reference.get('$attachment')}]"
    return f"{preview}\n{left_out}" if isinstance(preview, str) and preview else left_out


def text_of(value: Json, load: attachments.Load | None) -> str:
    """A content value as text: a string as it is, anything else as JSON."""
    value = resolved(value, load)
    if isinstance(value, str):
        return value
    return "" if value is None else jsonio.dumps(value).decode()


def name_of(part: Part) -> str:
    """What an image or file is called: its own name, its attachment's, its address, or its type."""
    data = part.get("data")
    candidates = (part.get("name"), data.get("$attachment") if type(data) is dict else None, part.get("uri"))
    for name in (*candidates, part.get("media_type")):
        if isinstance(name, str) and name and not name.startswith("data:"):
            return name
    return str(part.get("type"))


def files_in(arguments: Json) -> Iterator[str]:
    """Files a tool call names, by the argument names tools commonly use and by the headings of a patch."""
    if isinstance(arguments, str):
        yield from _PATCHED.findall(arguments)
    elif type(arguments) is dict:
        for key in _FILE_KEYS:
            value = arguments.get(key)
            if isinstance(value, str) and value.strip() and "\n" not in value:
                yield value
        for key in ("input", "patch"):
            if isinstance(arguments.get(key), str):
                yield from _PATCHED.findall(arguments[key])

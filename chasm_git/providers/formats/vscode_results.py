"""What tools gave GitHub Copilot Chat that was too long for the model: the extension writes it to files.

::

    <user>/workspaceStorage/<id>/GitHub.copilot-chat/chat-session-resources/<session>/<call>__vscode-<n>/content.txt

In the session there stands that it was written, and where. The files are kept for some hours. Each becomes a message
with the whole result, behind the conversation.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Problem
from chasm_git.providers.reading import folders
from chasm_git.session.attachments import Load
from chasm_git.session.model import Message
from chasm_git.session.native import kept_line, unfold

STORAGE = "GitHub.copilot-chat"
"""The extension's folder in a workspace's storage."""
RESULTS = "chat-session-resources"
_DEEPEST = 4
"""Folders within folders a result may be spread over."""
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
"""What the extension makes of any name before it writes to it."""


def is_plain(name: str) -> bool:
    """Whether a name is one the extension gives to files."""
    return _PLAIN_NAME.fullmatch(name) is not None


def files_below(
    folder: Path, name: str, faults: list[Problem], depth: int = 0
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """All files below a folder's folder `name`, by their names relative to it."""
    for entry in folders.listed(folder / name, faults):
        if not is_plain(entry.name):
            continue
        if folders.is_file(entry):
            yield f"{name}/{entry.name}", entry
        elif depth < _DEEPEST and folders.is_folder(entry):
            yield from files_below(folder, f"{name}/{entry.name}", faults, depth + 1)


def read(folder: Path, names: Any, problems: list[Problem]) -> Iterator[tuple[str, bytes]]:
    """The files of some names below a folder; what cannot be read is a problem."""
    for name in names if type(names) is list else ():
        if type(name) is not str:
            continue
        try:
            yield name, (folder / name).read_bytes()
        except FileNotFoundError:  # since the folder was listed
            continue
        except OSError as error:
            problems.append(Problem(str(folder / name), error.strerror or str(error), fatal=False))


def result_of(name: str, data: bytes, calls: Collection[str]) -> dict[str, Any]:
    """The message a file becomes, for `Builder.message`: a tool's result, or an event where it is no text.

    Args:
        name: of the file, which ends in session, call and file.
        calls: ids of the session's calls.
    """
    try:
        said = data.decode()
    except UnicodeDecodeError:
        return {"record": None, "line": data, "role": "event", "id": f"file:{name}", "file": name}
    call = name.split(f"{RESULTS}/", 1)[1].split("/")[1]
    if call not in calls:  # calls of before there was a transcript have the editor's mark on them
        call = call.partition("__vscode-")[0]
    result = {"type": "tool_result", "id": call, "content": said}
    return {"record": said, "role": "tool", "content": [result], "id": f"file:{name}", "file": name}


def bytes_of(message: Message, load: Load) -> bytes:
    """A result's file. Raises KeyError where an attachment is missing."""
    line = kept_line(message.native, load)
    if line is not None:
        return line
    said = unfold(message, load)
    return said.encode("utf-8", "surrogatepass") if type(said) is str else b""


def files_of(messages: list[Message], load: Load) -> dict[str, bytes]:
    """The files among the messages of a session. Raises KeyError where an attachment is missing."""
    return {
        message.file: bytes_of(message, load)
        for message in messages
        if message.file is not None and message.native is not None
    }

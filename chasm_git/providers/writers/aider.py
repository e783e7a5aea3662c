"""Into aider: a Markdown history in the project's folder.

aider appends all its chats to one file, which is its own: a chat is put back only into a file of its own, and aider is
told to go on with that one. Of another tool's session the format holds prompts and answers.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from pathlib import Path

from chasm_git.providers import registry
from chasm_git.providers.aider import Aider
from chasm_git.providers.base import Env
from chasm_git.providers.writing import readback
from chasm_git.providers.writing.applying import StoreWriter, content
from chasm_git.providers.writing.contract import Expected, FileChange, Standing, Target, WritePlan
from chasm_git.providers.writing.converting import TEXT, Conversation, begin
from chasm_git.providers.writing.restoring import command, given_up, key_of, new_plan
from chasm_git.session.model import Session

_START = re.compile(r"^# aider chat started at ", re.MULTILINE)


class AiderWriter(StoreWriter):
    """Puts chats into ``<project>/.aider.chat.history.<id>.md``."""

    provider = "aider"

    def plan(self, session: Session, env: Env, target: Target) -> WritePlan:
        """See `Writer.plan`."""
        folder = target.folder or session.workspace
        plan = new_plan(self.provider, session, env, target, Path(folder or "/"))
        if folder is None or not Path(folder).is_dir():
            plan.refused = (
                f"aider keeps chats in the project's folder, and {folder or 'none'} is no folder here: give one"
            )
            return plan
        place = _place(folder, plan.session_id)
        if not plan.is_converted:
            (data,) = registry.load(self.provider).export(session, target.load).values()
            plan.left_out = given_up(session)
            expected = Expected(session.id, place, readback.records(session, target.load), is_listed=False)
        else:
            taken = begin(plan, session, target, TEXT, without=("title", "times", "names of models"))
            if taken is None:
                return plan
            said, _ = taken
            if not any(turn.role == "user" for turn in said.turns):
                plan.refused = "nobody asks anything in it"
                return plan
            data = _written(said, session, target.revision)
            key = _key_of(data)
            if key is None:
                plan.refused = "what is said in it would not be told apart in Markdown"
                return plan
            plan.session_id = key
            expected = Expected(key, place, None, _prompts(said), is_listed=False)
        there, before = content(place)
        if there is not None and there.startswith(data):
            plan.standing = Standing.SAME
        else:
            plan.standing = Standing.ABSENT if there is None else Standing.NEWER
            plan.changes.append(FileChange(place, data, before))
        plan.expected.append(expected)
        plan.notes.append("aider appends all chats of a project to one file; this one is put into a file of its own")
        return plan

    def continue_command(self, session: Session, target: Target) -> str | None:
        """See `Writer.continue_command`."""
        folder = target.folder or session.workspace
        if folder is None:
            return None
        place = _place(folder, key_of(self.provider, session, target))
        return command(folder, "aider", "--chat-history-file", place.name, "--restore-chat-history")


def _place(folder: str, key: str) -> Path:
    """The chat's own file: ids come from strangers, so a hash names it."""
    mark = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return Path(folder, f".aider.chat.history.{mark}.md")


def _written(said: Conversation, session: Session, revision: str) -> bytes:
    """A conversation as aider would have written it; an answer's lines that aider takes for its own are moved in."""
    begun = (session.created_at or "1970-01-01T00:00:00")[:19].replace("T", " ")
    lines = [
        f"# aider chat started at {begun}",
        "",
        f"> Session {session.id} of {session.provider} ({revision[:12]})  ",
    ]
    for turn in said.turns:
        lines.append("")
        text = turn.text().strip("\n")
        if turn.role == "user":
            lines += [f"#### {line.rstrip()}  " for line in text.split("\n")]
        else:
            lines += [_answer_line(line) for line in text.split("\n")]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _answer_line(line: str) -> str:
    line = line.rstrip("\r")
    is_like_ours = line.startswith((">", "####")) or _START.match(line) is not None
    return f" {line.rstrip()}" if is_like_ours else line


def _key_of(data: bytes) -> str | None:
    """The id the reader gives to what was written: it is made of its beginning."""
    keys = [session.id for session in Aider().read_text(data).sessions]
    return keys[0] if len(keys) == 1 else None


def _prompts(said: Conversation) -> Counter[tuple[str, ...]]:
    """The prompts, without the spaces at the ends of lines, which mean something to aider."""
    texts = ["\n".join(line.rstrip() for line in turn.text().split("\n")) for turn in said.turns if turn.role == "user"]
    held = (text.encode("utf-8", "replace").decode().strip() for text in texts)
    return Counter(("user", text) for text in held if text)

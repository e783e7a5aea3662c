"""kimi-cli, the Python program before Kimi Code: what the model saw, without times, and beside it what happened when.

::

    sessions/<md5 of the folder>/<session>/context.jsonl     the messages, in the shape of OpenAI's API
    sessions/<md5 of the folder>/<session>/context_1.jsonl   as they were before a compaction or a way back
    sessions/<md5 of the folder>/<session>/wire.jsonl        events with their times
    sessions/<md5 of the folder>/<session>.jsonl             the messages, before sessions had folders
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from chasm_git.providers.base import Problem
from chasm_git.providers.reading.openai_chat import fields_of
from chasm_git.providers.reading.transcript import Transcript
from chasm_git.providers.reading.values import as_dict, text
from chasm_git.session.build import record_id
from chasm_git.session.model import Session
from chasm_git.session.times import iso

CONTEXT = "context.jsonl"
WIRE = "wire.jsonl"
_COMPACTED = "<system>Previous context has been compacted."
"""How the message begins that a compaction puts in the place of what was said."""


class Context(Transcript):
    """The rows of a session's files; a message that stands in several of them is shown once.

    Args:
        earlier: names of the files the context was moved to, the oldest first.
        wire: whether there is a log of what happened when.
    """

    def __init__(self, path: Path, session: Session, earlier: list[str], wire: bool) -> None:
        super().__init__(path, session)
        self._earlier = earlier
        self._wire = wire
        self._shown: Counter[str] = Counter()
        """How often a message was shown that the files so far hold."""
        self._repeats: Counter[str] = Counter()
        """Those of the file that is read that may repeat what was shown."""

    def read(self, path: Path, file: str | None = None) -> None:
        """Read the older files first, for that is the order things were said in."""
        for name in self._earlier:
            self._beside(name)
        self._repeats = self._shown.copy()
        super().read(path, file)
        if self._wire:
            self._beside(WIRE)

    def _beside(self, name: str) -> None:
        self._repeats = self._shown.copy()
        try:
            super().read(self.path.parent / name, name)
        except FileNotFoundError:
            return
        except OSError as error:
            reason = error.strerror or str(error)
            self.problems.append(Problem(str(self.path.parent / name), reason, fatal=False))

    def take(self, record: dict[str, Any], line: bytes | None) -> None:
        """Add what a row says."""
        if self._file == WIRE:
            self._event(record, line)
            return
        fields = fields_of(record)
        if record.get("role") == "_system_prompt":
            fields = {"role": "system", "content": text(record.get("content")) or "", "injected": True}
        if fields["role"] != "event":
            made = record_id(record)
            if self._repeats[made] > 0:
                self._repeats[made] -= 1
                self.keep(record, line)
                return
            self._shown[made] += 1
            if fields["role"] == "user" and _is_injected(fields["content"]):
                fields["injected"] = True
        self.keep(record, line, **fields)

    def _event(self, record: dict[str, Any], line: bytes | None) -> None:
        """What happened when: it says again what was said, but also the tokens and the time."""
        message = as_dict(record.get("message"))
        usage = None
        if message.get("type") == "StatusUpdate":
            counted = as_dict(as_dict(message.get("payload")).get("token_usage"))
            named = {"input_other": "input_tokens", "output": "output_tokens"}
            usage = {named.get(key, key): count for key, count in counted.items() if type(count) is int} or None
        self.keep(record, line, time=iso(record.get("timestamp")), usage=usage)


def _is_injected(content: Any) -> bool:
    first = content[0].get("text") if type(content) is list and content else content
    return type(first) is str and first.startswith(("<system>", "<system-reminder>", _COMPACTED))

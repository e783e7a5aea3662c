"""A converted task of Cline, Roo Code or Kilo Code: what the model was sent, and what is shown of it."""

from __future__ import annotations

import datetime as dt

from chasm_git.providers.writing.blocks import block, result_block
from chasm_git.providers.writing.converting import Conversation, Turn
from chasm_git.session.model import Json, Session


def milliseconds(time: str | None) -> int:
    """A time as tasks have it; long ago where there is none."""
    return round(dt.datetime.fromisoformat(time).timestamp() * 1000) if time is not None else 1_500_000_000_000


class NewTask:
    """Makes a task's two lists of what was said."""

    def __init__(self, said: Conversation, session: Session) -> None:
        self._turns = said.turns
        self._time = milliseconds(session.created_at)
        self._last = 0
        """The time of the last row shown: no two have the same."""
        self._sent: list[dict[str, Json]] = []
        self._shown: list[dict[str, Json]] = []

    def lists(self) -> tuple[list[dict[str, Json]], list[dict[str, Json]]]:
        """What the model was sent, and what is shown."""
        for turn in self._turns:
            self._time = milliseconds(turn.timestamp) if turn.timestamp else self._time
            if turn.role == "user":
                self._send("user", [block(item) for item in turn.items])
                self._show("user_feedback" if self._shown else "text", turn.text(), turn)
            else:
                self._answer(turn)
        return self._sent, self._shown

    def _answer(self, turn: Turn) -> None:
        if not self._sent:  # a conversation begins with a prompt: services insist on it
            self._send("user", [{"type": "text", "text": ""}])
        for step in turn.steps():
            blocks = [{"type": "text", "text": step.text}] if step.text else []
            self._send("assistant", [*blocks, *map(block, step.calls)])
            if step.text:
                self._show("text", step.text, turn)
            results = [result_block(call) for call in step.calls if call.result is not None]
            if results:
                self._send("user", results)

    def _send(self, role: str, blocks: list[dict[str, Json]]) -> None:
        """Add to what was sent; roles alternate."""
        last = self._sent[-1] if self._sent else None
        if last is not None and last["role"] == role:
            last["content"] += blocks
        else:
            self._sent.append({"role": role, "content": blocks, "ts": self._time})

    def _show(self, say: str, text: str, turn: Turn) -> None:
        self._last = max(self._last + 1, self._time)
        row: dict[str, Json] = {"ts": self._last, "type": "say", "say": say, "text": text}
        images = [f"data:{image['media_type']};base64,{image['data']}" for image in turn.images()]
        if images:
            row["images"] = images
        self._shown.append({**row, "conversationHistoryIndex": len(self._sent) - 1})

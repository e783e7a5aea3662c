"""A Claude Code home of any size: what people's machines hold, made from text that ships with Python.

Sizes are log-normal, tool results repeat source files, edits and reads carry the text twice (as the client writes it),
thinking has incompressible signatures. The same seed on the same Python gives the same bytes.
"""

from __future__ import annotations

import base64
import json
import random
import sysconfig
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_TOOLS = ("Read", "Bash", "Edit", "Grep")


class Corpus:
    """Writes sessions below ``home/.claude/projects`` and lets them grow."""

    def __init__(self, home: Path, seed: int = 7) -> None:
        self._home = home
        self._random = random.Random(seed)
        library = Path(sysconfig.get_paths()["stdlib"])
        texts = (path.read_text("utf-8") for path in sorted(library.glob("*.py")))
        self._files = [text.split("\n") for text in texts if 2_000 < len(text) < 100_000]
        self._words = [word for lines in self._files[:40] for line in lines for word in line.split() if word.isalpha()]

    def fill(self, sessions: int, size: int) -> None:
        """Write so many sessions of `size` bytes in all."""
        weights = [min(self._random.lognormvariate(0, 1), 30) for _ in range(sessions)]
        for number, weight in enumerate(weights):
            folder = self._home / ".claude" / "projects" / f"-home-dev-project-{number % 25}"
            folder.mkdir(parents=True, exist_ok=True)
            identity = self._uuid()
            start = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(minutes=self._random.randrange(250_000))
            lines = self._turns(identity, int(weight / sum(weights) * size), start)
            (folder / f"{identity}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")

    def grow(self, share: float) -> int:
        """Append a turn or two to this share of the sessions; returns how many."""
        paths = sorted((self._home / ".claude" / "projects").glob("*/*.jsonl"))
        chosen = self._random.sample(paths, max(1, int(len(paths) * share)))
        for path in chosen:
            with path.open("a", encoding="utf-8") as file:
                file.write("\n".join(self._turns(path.stem, 15_000, datetime(2026, 11, 1, tzinfo=UTC))) + "\n")
        return len(chosen)

    def texts(self) -> Iterator[str]:
        """What somebody says, again and again."""
        while True:
            yield "\n".join(self._prose(8, 20) for _ in range(self._random.randint(1, 12)))

    def _turns(self, session: str, size: int, moment: datetime) -> Iterator[str]:
        written, parent = 0, None
        while written < max(size, 3_000):
            for record in self._exchange():
                moment += timedelta(milliseconds=self._random.randint(300, 40_000))
                identity = self._uuid()
                row = {
                    "parentUuid": parent,
                    "isSidechain": False,
                    "userType": "external",
                    "cwd": "/home/dev/project",
                    "sessionId": session,
                    "version": "2.0.55",
                    "gitBranch": "main",
                    **record,
                    "uuid": identity,
                    "timestamp": moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z",
                }
                parent = identity
                line = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
                written += len(line.encode()) + 1
                yield line

    def _exchange(self) -> Iterator[dict[str, Any]]:
        """A prompt, some tool calls with their results, an answer."""
        yield {"type": "user", "message": {"role": "user", "content": self._prose(20, 120)}}
        for _ in range(self._random.randint(1, 10)):
            turn = f"msg_{self._uuid()}"
            if self._random.random() < 0.45:
                signature = base64.b64encode(self._random.randbytes(self._random.randint(200, 900))).decode()
                yield self._answer(turn, {"type": "thinking", "thinking": self._prose(10, 150), "signature": signature})
            call, result = self._tool()
            yield self._answer(turn, call)
            yield result
        yield self._answer(f"msg_{self._uuid()}", {"type": "text", "text": self._prose(30, 200)})

    def _answer(self, turn: str, block: dict[str, Any]) -> dict[str, Any]:
        usage = {"input_tokens": self._random.randint(2, 900), "output_tokens": self._random.randint(3, 3000)}
        message = {"model": "claude-sonnet-4-5", "id": turn, "type": "message", "role": "assistant", "content": [block]}
        return {"type": "assistant", "requestId": f"req_{self._uuid()}", "message": {**message, "usage": usage}}

    def _tool(self) -> tuple[dict[str, Any], dict[str, Any]]:
        lines = self._random.choice(self._files)
        first = self._random.randrange(max(1, len(lines) - 200))
        chosen = lines[first : first + self._random.randint(5, 200)]
        name, text = self._random.choice(_TOOLS), "\n".join(chosen)
        path = "/home/dev/project/src/module.py"
        if name == "Read":
            shown = "\n".join(f"{first + n:6}\u2192{line}" for n, line in enumerate(chosen, 1))
            given, rich = {"file_path": path}, {"type": "text", "file": {"filePath": path, "content": text}}
        elif name == "Edit":
            given = {"file_path": path, "old_string": text, "new_string": text.replace("self", "this")}
            shown = f"The file {path} has been updated."
            rich = {"filePath": path, "oldString": text, "newString": given["new_string"]}
        else:
            given, shown, rich = {"command": self._prose(3, 12)}, text, {"stdout": text, "stderr": ""}
        identity = f"toolu_{self._uuid()}"
        result = {"type": "tool_result", "tool_use_id": identity, "content": shown}
        return (
            {"type": "tool_use", "id": identity, "name": name, "input": given},
            {"type": "user", "message": {"role": "user", "content": [result]}, "toolUseResult": rich},
        )

    def _prose(self, fewest: int, most: int) -> str:
        return " ".join(self._random.choices(self._words, k=self._random.randint(fewest, most)))

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

"""Small VS Code sessions, a writer that logs states as VS Code does, and what the tests ask of a session."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from chasm_git.providers.base import Env, Problem, Reading, Source
from chasm_git.providers.vscode import VSCode
from chasm_git.session import codec, jsonio
from chasm_git.session.model import Message, Session

FIXTURES = Path(__file__).parents[2] / "fixtures"
SHARED = Path(__file__).parents[3] / "shared"
WORKSPACE = "0b6f3a9c1d2e4f58a7c6b5d4e3f20119"
NOON = 1768046400000
"""2026-01-10T12:00:00Z"""


def lines(*entries: Any) -> bytes:
    return b"".join(jsonio.dumps(entry) + b"\n" for entry in entries)


def initial(state: Any) -> dict[str, Any]:
    return {"kind": 0, "v": state}


def put(*path: Any, v: Any) -> dict[str, Any]:
    return {"kind": 1, "k": list(path), "v": v}


def push(*path: Any, **fields: Any) -> dict[str, Any]:
    return {"kind": 2, "k": list(path), **fields}


def drop(*path: Any) -> dict[str, Any]:
    return {"kind": 3, "k": list(path)}


def asked(number: int, text: str = "a question", *parts: Any, **more: Any) -> dict[str, Any]:
    """A request with an answer of these parts (texts are Markdown)."""
    return {
        "requestId": f"request_{number}",
        "timestamp": NOON + number * 1000,
        "message": {"text": text, "parts": []},
        "response": [{"value": part} if isinstance(part, str) else part for part in parts],
        "responseId": f"response_{number}",
        "modelState": {"value": 1, "completedAt": NOON + number * 1000 + 500},
        **more,
    }


def state(*requests: Any, **more: Any) -> dict[str, Any]:
    return {"version": 3, "sessionId": "s-1", "creationDate": NOON, "requests": list(requests), **more}


def read(folder: Path, log: bytes | None = None, flat: bytes | None = None, stem: str = "s-1") -> Reading:
    """What the reader makes of a session's files."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}.json"
    for suffix, data in ((".json", flat), (".jsonl", log)):
        path.with_suffix(suffix).unlink(missing_ok=True)
        if data is not None:
            path = path.with_suffix(suffix)
            path.write_bytes(data)
    return VSCode().read(Source("vscode", stem, path, ""))


def only(reading: Reading) -> Session:
    (session,) = reading.sessions
    return session


def exported(reading: Reading) -> Any:
    """The object that comes back, by way of the session file."""
    session = codec.loads(codec.dumps(only(reading)))
    (data,) = VSCode().export(session, reading.attachments.__getitem__).values()
    return jsonio.loads(data)


def same(one: Any, other: Any) -> bool:
    """Equal, with the same types and the same order of keys."""
    return jsonio.dumps(one) == jsonio.dumps(other)


def sources(home: Path, **more: Any) -> list[Source]:
    found = list(VSCode().discover(Env(home, **more)))
    assert not [item for item in found if isinstance(item, Problem)]
    return [item for item in found if isinstance(item, Source)]


def harvest(home: Path) -> dict[str, Session]:
    return {session.id: session for source in sources(home) for session in VSCode().read(source).sessions}


def fixture(case: str, number: int) -> Session:
    return harvest(FIXTURES / "vscode" / case)[f"5e55{number:04d}-0000-4000-8000-0000000000{number:02d}"]


def text(message: Message) -> str:
    return "".join(part["text"] for part in message.parts() if part["type"] == "text")


def shown(session: Session) -> list[str]:
    """The conversation as it stands."""
    return [text(message) for message in session.messages if not message.inactive]


def off(session: Session) -> list[str]:
    """What is off the conversation."""
    return [text(message) for message in session.messages if message.inactive]


class Log:
    """Writes the changes between states of a session as VS Code's own log does, line for line."""

    def __init__(self) -> None:
        self.data = b""
        self._before: Any = None

    def write(self, now: Any, *, anew: bool = False) -> None:
        """Append what changed since the last state; `anew` replaces the file."""
        now = copy.deepcopy(now)
        entries: list[Any] = []
        if self._before is None or anew:
            self.data = b""
            entries = [initial(now)]
        else:
            self._object([], self._before, now, entries)
        self.data += b"".join(json.dumps(entry, separators=(",", ":")).encode() + b"\n" for entry in entries)
        self._before = now

    def _object(self, path: list[Any], before: dict[str, Any], now: dict[str, Any], out: list[Any]) -> None:
        for key in {**before, **now}:
            place = [*path, key]
            if key not in now:
                out.append(drop(*place))
            elif key not in before:
                out.append(put(*place, v=now[key]))
            elif key == "requests":
                self._requests(place, before[key], now[key], out)
            elif key == "response":
                self._response(place, before[key], now[key], out)
            elif key == "message":
                self._object(place, before[key], now[key], out)
            elif before[key] != now[key]:
                out.append(put(*place, v=now[key]))

    def _requests(self, path: list[Any], before: list[Any], now: list[Any], out: list[Any]) -> None:
        for number, (old, new) in enumerate(zip(before, now, strict=False)):
            if old["requestId"] != new["requestId"]:
                out.append(push(*path, v=now[number:], i=number))
                return
            if old.get("modelState", {}).get("value") in (1, 2, 3) and new.get("modelState", {}).get("value") in (
                1,
                2,
                3,
            ):
                continue  # sealed
            self._object([*path, number], old, new, out)
        self._length(path, before, now, out)

    def _response(self, path: list[Any], before: list[Any], now: list[Any], out: list[Any]) -> None:
        for number, (old, new) in enumerate(zip(before, now, strict=False)):
            if old != new:
                out.append(push(*path, v=now[number:], i=number))
                return
        self._length(path, before, now, out)

    def _length(self, path: list[Any], before: list[Any], now: list[Any], out: list[Any]) -> None:
        if len(now) > len(before):
            out.append(push(*path, v=now[len(before) :]))
        elif len(now) < len(before):
            out.append(push(*path, i=len(now)))


ONE, TWO, THREE, FOUR = (asked(n, f"question {n}", f"answer {n}") for n in (1, 2, 3, 4))
UUID = "5e550001-0000-4000-8000-000000000001"


def files() -> list[Path]:
    """Every session file there is to try: our own, and those a real client wrote."""
    places = [FIXTURES / "vscode", FIXTURES / "demo" / "vscode", SHARED / "fixtures" / "editors" / "vscode"]
    found = [path for place in places for path in place.rglob("*.json*") if path.name[8:9] == "-"]
    return sorted(found)


def kinds(message: Message) -> list[str]:
    return [part["type"] for part in message.parts()]


def parts(message: Message, kind: str) -> list[dict[str, Any]]:
    return [part for part in message.parts() if part["type"] == kind]


def loaded(data: bytes) -> Any:
    try:
        return jsonio.loads(data)
    except ValueError:
        return None


words = st.sampled_from(["one", "two", "a longer text", "é", "\n```\n", ""])
response_parts = st.one_of(
    words.map(lambda said: {"value": said}),
    words.map(lambda said: {"kind": "thinking", "value": said}),
    st.integers(0, 3).map(lambda n: {"kind": "toolInvocationSerialized", "toolCallId": f"call_{n}", "toolId": "t"}),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Any]:
    """States a session goes through, one after the other."""
    now: dict[str, Any] = state()
    states, number = [copy.deepcopy(now)], 0
    for _ in range(draw(st.integers(1, 12))):
        requests = now["requests"]
        step = draw(st.sampled_from(["ask", "stream", "finish", "resend", "undo", "wipe", "title", "drop"]))
        open_request = requests and requests[-1]["modelState"]["value"] == 0
        if step == "ask" or not requests:
            number += 1
            requests.append({**asked(number, draw(words), modelState={"value": 0})})
        elif step == "stream" and open_request:
            kept = draw(st.integers(0, len(requests[-1]["response"])))
            requests[-1]["response"] = requests[-1]["response"][:kept] + draw(st.lists(response_parts, max_size=3))
        elif step == "finish" and open_request:
            requests[-1]["modelState"] = {"value": draw(st.integers(1, 3))}
            requests[-1]["result"] = {"metadata": {}}
        elif step == "resend":
            number += 1
            at = draw(st.integers(0, len(requests) - 1))
            requests[at:] = [asked(number, draw(words), *draw(st.lists(response_parts, max_size=2)))]
        elif step == "undo" and open_request:
            requests[-1]["shouldBeRemovedOnSend"] = {"requestId": requests[-1]["requestId"]}
        elif step == "wipe":
            requests.clear()
        elif step == "title":
            now["customTitle"] = draw(words)
        elif step == "drop":
            now.pop("customTitle", None)
        states.append(copy.deepcopy(now))
    return states

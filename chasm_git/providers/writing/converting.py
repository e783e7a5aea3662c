"""A session as what was said in it, for writers that put it into another tool's format.

`conversation` takes the records of any provider apart into turns: a prompt, or one answer of the model with the calls
it made and what came of each. Whatever a turn has no place for is counted, by kind; so is what a format cannot hold
(`Conversation.carried`, told which kinds it can). Nothing is guessed: what nobody said is not written.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from chasm_git.providers.writing.contract import Target, WritePlan
from chasm_git.providers.writing.readback import Said, fact_of, merged, result_text
from chasm_git.session import jsonio
from chasm_git.session.attachments import Load
from chasm_git.session.model import Json, Message, Part, Session
from chasm_git.session.native import plain
from chasm_git.session.readable import display_title

TEXT, THINKING, CALL, IMAGE = "text", "thinking", "tool_call", "image"

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME = 64
_KINDS = {
    "reference": "references",
    "file": "attached files",
    "edit": "edits",
    "error": "errors",
    "image": "images",
    "thinking": "thinking",
    "tool_call": "tool calls",
    "tool_result": "tool results",
}
_FROM_USER = frozenset({"text", "image"})
_FROM_MODEL = frozenset({"text", "thinking", "tool_call"})


@dataclass(slots=True)
class Call:
    """A tool call and what came of it."""

    id: str
    """Of letters, digits, ``_`` and ``-``; no other call of the conversation has it."""
    name: str
    """Of the same characters: services refuse others."""
    arguments: dict[str, Json]
    """A value that is no object stands at ``input``."""
    result: str | None = None
    is_error: bool = False
    answered_at: str | None = None

    def facts(self) -> Iterator[tuple[str, ...]]:
        """As `readback.said` will see it."""
        yield "call", self.name, jsonio.dumps(self.arguments).decode()
        if self.result is not None:
            yield "result", self.result.strip()


@dataclass(slots=True)
class Step:
    """What one request of an answer gave: thoughts, then a text, then calls. Most formats hold answers like this."""

    thoughts: list[str] = field(default_factory=list)
    text: str = ""
    calls: list[Call] = field(default_factory=list)


@dataclass(slots=True)
class Turn:
    """A prompt or an answer."""

    role: str
    """``user`` or ``assistant``."""
    key: str
    """The id of the message it begins with."""
    timestamp: str | None
    model: str | None = None
    items: list[Part | Call] = field(default_factory=list)
    """Parts of type text, thinking and image, and calls; texts do not follow each other."""

    def calls(self) -> list[Call]:
        """The calls of an answer."""
        return [item for item in self.items if isinstance(item, Call)]

    def texts(self, kind: str = TEXT) -> list[str]:
        """Its texts, or its thoughts."""
        return [item["text"] for item in self.items if not isinstance(item, Call) and item["type"] == kind]

    def images(self) -> list[Part]:
        """Its images that are here with all their data."""
        return [item for item in self.items if not isinstance(item, Call) and item["type"] == IMAGE]

    def text(self) -> str:
        """All its texts in one."""
        return "\n\n".join(self.texts())

    def steps(self) -> list[Step]:
        """An answer cut where a thought or a text comes after what stands behind it in a step."""
        made = [Step()]
        for item in self.items:
            last = made[-1]
            if isinstance(item, Call):
                last.calls.append(item)
                continue
            is_thought = item["type"] == THINKING
            if last.calls or last.text:
                last = Step()
                made.append(last)
            if is_thought:
                last.thoughts.append(item["text"])
            else:
                last.text = item["text"]
        return made


@dataclass(slots=True)
class Conversation:
    """What was said in a session."""

    turns: list[Turn]
    left_out: Counter[str]
    title: str | None
    model: str | None
    """The model that answered last."""

    def carried(self, *kinds: str) -> Said:
        """What the reader must find where only parts of these kinds were written; all others count as left out."""
        found: Said = Counter()
        for turn in self.turns:
            kept: list[Part | Call] = []
            for item in turn.items:
                kind = CALL if isinstance(item, Call) else item["type"]
                if kind not in kinds:
                    self.left_out[_KINDS[kind]] += 1
                    self.left_out["tool results"] += isinstance(item, Call) and item.result is not None
                    continue
                kept.append(item)
                if isinstance(item, Call):
                    found.update(item.facts())
            turn.items = _joined(kept)
            facts = (fact_of(turn.role, item) for item in turn.items if not isinstance(item, Call))
            found.update(fact for fact in facts if fact is not None)
        self.turns = [turn for turn in self.turns if turn.items]
        return found


def conversation(session: Session, load: Load, *, agents: int = 0) -> Conversation:
    """What was said in `session`. Raises KeyError where an attachment is missing.

    Args:
        agents: sessions of sub-agents that are not written with it.
    """
    taken = _Taken(load)
    for message in session.messages:
        taken.add(message)
    if agents:
        taken.left_out["sub-agent sessions"] += agents
    turns = [turn for turn in taken.turns if turn.items]
    for turn in turns:
        turn.items = _joined(turn.items)
    models = [turn.model for turn in turns if turn.model is not None]
    return Conversation(turns, +taken.left_out, display_title(session), models[-1] if models else None)


def begin(
    plan: WritePlan,
    session: Session,
    target: Target,
    *kinds: str,
    without: Collection[str] = (),
    git: Collection[str] = (),
) -> tuple[Conversation, Said] | None:
    """What of a session is to be written in another tool's format, and what its reader must find of it then.

    What is not carried goes to the plan. None, and the plan is refused, where nothing is left to be written. Raises
    KeyError where an attachment is missing.

    Args:
        kinds: those the format can hold.
        without: what it has no place for of all that belongs to these: keys of `_BESIDE`.
        git: what it can hold of the repository.
    """
    said = conversation(session, target.load, agents=len(target.agents))
    facts = said.carried(*kinds)
    lost = Counter({kind: _BESIDE[kind](session, said.turns) for kind in without})
    plan.left_out = said.left_out + about(session, git) + lost
    if not said.turns:
        plan.refused = "nobody says anything in it"
        return None
    return said, facts


_BESIDE: dict[str, Callable[[Session, list[Turn]], int]] = {
    "title": lambda session, turns: int(session.title is not None),
    "times": lambda session, turns: sum(turn.timestamp is not None for turn in turns),
    "names of models": lambda session, turns: sum(turn.model is not None for turn in turns),
    "marks of failed calls": lambda session, turns: sum(call.is_error for turn in turns for call in turn.calls()),
}
"""What stands beside the content, and how much of it there is in what is carried."""


def about(session: Session, git: Collection[str] = ()) -> Counter[str]:
    """What is said of a session and not in it, and has no place in another tool.

    Args:
        git: what has one of the facts of its repository.
    """
    known = session.git if type(session.git) is dict else {}
    return +Counter({"tags": len(session.tags), "facts of the repository": len(known.keys() - set(git))})


class _Taken:
    """Takes messages in, in their order."""

    def __init__(self, load: Load) -> None:
        self.turns: list[Turn] = []
        self.left_out: Counter[str] = Counter()
        self._load = load
        self._calls: dict[str, Call] = {}
        """Calls that wait for their result, by the id the session has for them."""
        self._names: set[str] = set()
        self._answer: tuple[str | None, Turn] | None = None

    def add(self, message: Message) -> None:
        """Take in one record, or count why not."""
        if message.deleted:
            return
        self.left_out["variants"] += len(message.variants)
        self.left_out["earlier versions"] += len(message.replaced)
        self.left_out["token counts"] += message.usage is not None
        kind = _unsaid(message)
        self.left_out["marks of unfinished answers"] += kind is None and message.status is not None
        parts = [plain(part, self._load) for part in message.parts()]
        if kind is not None:
            says = message.role != "event" and bool(parts)
            self.left_out[kind if says or kind == _BOOKKEEPING else _BOOKKEEPING] += 1
            self.left_out["errors"] += message.role == "event" and any(part.get("type") == "error" for part in parts)
            return
        results = [part for part in parts if part.get("type") == "tool_result"]
        others = [part for part in parts if part.get("type") != "tool_result"]
        if message.role == "tool":
            self._texts_beside(others)
        else:
            self._turn(message, merged(others))
        for part in results:
            self._result(part, message.timestamp)

    def _texts_beside(self, others: list[Part]) -> None:
        for part in others:
            self.left_out[_KINDS.get(str(part.get("type")), "texts beside tool results")] += 1

    def _turn(self, message: Message, parts: list[Part]) -> None:
        allowed = _FROM_USER if message.role == "user" else _FROM_MODEL
        items: list[Part | Call] = []
        for part in parts:
            kind = str(part.get("type"))
            if kind not in allowed or (kind == IMAGE and not _has_data(part)):
                self.left_out[_KINDS.get(kind, "other content")] += 1
            elif kind == CALL:
                items.append(self._call(part))
            elif kind == IMAGE:
                items.append(part)
            elif type(said := part.get("text")) is str and said.strip():
                items.append({"type": kind, "text": said})
        if not items:
            return
        if message.role == "user":
            self._answer = None
            self.turns.append(Turn("user", message.id, message.timestamp, None, items))
            return
        if self._answer is not None and message.turn is not None and self._answer[0] == message.turn:
            self._answer[1].items += items
            self._answer[1].model = self._answer[1].model or message.model
            return
        turn = Turn("assistant", message.id, message.timestamp, message.model, items)
        self.turns.append(turn)
        self._answer = message.turn, turn

    def _call(self, part: Part) -> Call:
        key = part.get("id")
        given = part.get("arguments")
        usable = key if type(key) is str and _ID.fullmatch(key) and key not in self._names else None
        if usable is None:
            usable = (
                "call_" + hashlib.sha256(f"{len(self._names)} {key}".encode("utf-8", "surrogatepass")).hexdigest()[:24]
            )
        self._names.add(usable)
        name = part.get("name")
        called = _NOT_IN_NAMES.sub("_", name)[:_LONGEST_NAME] if type(name) is str and name else "tool"
        arguments = given if type(given) is dict else {} if given is None else {"input": given}
        call = Call(usable, called, arguments)
        if called != name:
            self.left_out["exact tool names"] += 1
        if type(key) is str:
            self._calls[key] = call
        return call

    def _result(self, part: Part, time: str | None) -> None:
        call = self._calls.pop(key, None) if type(key := part.get("id")) is str else None
        if call is None:
            self.left_out["tool results without a call"] += 1
            return
        content = part.get("content")
        call.result, call.is_error, call.answered_at = result_text(content), part.get("is_error") is True, time
        for item in content if type(content) is list else ():
            kind = item.get("type") if type(item) is dict else None
            if kind != "text":
                self.left_out[f"{_KINDS.get(str(kind), 'other content')} in tool results"] += 1


_BOOKKEEPING = "bookkeeping records"


def _unsaid(message: Message) -> str | None:
    """Why a record is no part of the conversation as it stands; None where it is."""
    if message.role == "event":
        return _BOOKKEEPING
    if message.sidechain or (message.file is not None and message.file.endswith(".jsonl")):
        return "sub-agent messages"
    if message.inactive:
        return "messages off the conversation"
    if message.role == "system":
        return "system messages"
    return "injected context" if message.injected else None


def _has_data(part: Part) -> bool:
    return type(part.get("data")) is str and type(part.get("media_type")) is str


def _joined(items: list[Part | Call]) -> list[Part | Call]:
    """Texts that follow each other in one turn, as one."""
    made: list[Part | Call] = []
    for item in items:
        last = made[-1] if made else None
        if isinstance(item, dict) and isinstance(last, dict) and item["type"] == last["type"] == TEXT:
            made[-1] = {"type": TEXT, "text": f"{last['text']}\n\n{item['text']}"}
        else:
            made.append(item)
    return made

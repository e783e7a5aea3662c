"""VS Code requests as messages, and back.

A request is one object: the user's turn and the answer to it. It becomes two messages, so its record is cut in two::

    user        native {"request": {…}}     all keys but the answer's; {"undone": {…}} where VS Code hides it
    assistant   native {"response": {…}, "order": [2, 9, 2]}
                                            the answer's keys; how many keys of either half take turns, the user's
                                            first (left out where all of the user's come before all of the answer's)
    event       native {"unread": line}     a request that is no JSON (``line``: see `native.raw_line`)

A message that is inactive is not part of the session any more, unless its request is ``undone``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from chasm_git.providers.formats.vscode_content import as_dict, as_list, image_part
from chasm_git.providers.formats.vscode_flat import Unread
from chasm_git.providers.formats.vscode_history import Placed
from chasm_git.providers.formats.vscode_parts import Answer
from chasm_git.providers.formats.vscode_said import message_text
from chasm_git.providers.formats.vscode_uris import reference_to
from chasm_git.session import jsonio, times
from chasm_git.session.attachments import Load
from chasm_git.session.build import Builder, record_id
from chasm_git.session.model import Json, Message, Part, Session
from chasm_git.session.native import LONG, kept_line, raw_line, slice_of, unfold

ANSWER_KEYS = frozenset(
    {
        "codeCitations",
        "completionTokens",
        "contentReferences",
        "copilotCredits",
        "editedFileEvents",
        "elapsedMs",
        "followups",
        "isCanceled",
        "modelState",
        "modelTotals",
        "outputBuffer",
        "promptTokenDetails",
        "promptTokens",
        "response",
        "responseErrorDetails",
        "responseId",
        "responseMarkdownInfo",
        "responseTimestamp",
        "result",
        "sessionCopilotCredits",
        "timeSpentWaiting",
        "usedContext",
        "vote",
        "voteDownReason",
    }
)
"""Keys of a request that tell of the answer. All others are the user's."""

_SYSTEM = ("isSystemInitiated", "hiddenFromTranscript", "requestHiddenFromTranscript")
_STATES = {0: "partial", 2: "interrupted", 3: "failed", 4: "partial"}
_LONGEST_ID = 200


def add_request(builder: Builder, placed: Placed) -> None:
    """Add the messages of a request, whatever it is."""
    request = placed.request
    if type(request) is Unread:
        builder.message({"unread": raw_line(request)}, id=None, role="event", inactive=not placed.stands)
        return
    if type(request) is not dict:
        builder.message({"request": request}, id=None, role="event", inactive=not placed.stands)
        return
    asked = {key: value for key, value in request.items() if key not in ANSWER_KEYS}
    answer = {key: value for key, value in request.items() if key in ANSWER_KEYS}
    hidden = _is_hidden(request)
    inactive = hidden or not placed.stands
    content, derived = _prompt(request)
    key = _id(request, asked)
    user = builder.message(
        {"undone" if hidden and placed.stands else "request": asked},
        id=f"{key}~{record_id(request)[2:12]}" if placed.superseded else key,
        role="user",
        timestamp=times.iso(request.get("timestamp")),
        content=content,
        derived=derived,
        injected=any(request.get(name) is True for name in _SYSTEM),
        inactive=inactive,
    )
    if answer:
        _add_answer(builder, request, answer, user.id, inactive)


def _is_hidden(request: dict[str, Any]) -> bool:
    """Whether the request was undone: VS Code drops it with the next one. One undone in part stays."""
    undone = request.get("shouldBeRemovedOnSend")
    if type(undone) is dict and undone.get("afterUndoStop"):
        return False
    return (undone is not None and undone is not False) or request.get("isHidden") is True


def _id(request: dict[str, Any], asked: dict[str, Any]) -> str:
    key = request.get("requestId")
    return key if type(key) is str and 0 < len(key) <= _LONGEST_ID else record_id(asked)


def _add_answer(builder: Builder, request: dict[str, Any], answer: dict[str, Any], user: str, inactive: bool) -> None:
    """Add the message of the answer.

    Its id is made of the request's: VS Code gives old answers a ``responseId`` only when it opens them.
    """
    runs = [len([*run]) for _, run in groupby(request, ANSWER_KEYS.__contains__)]
    if next(iter(request)) in ANSWER_KEYS:
        runs.insert(0, 0)
    status = _status(request)
    made = Answer(request, complete=status != "partial")
    builder.message(
        {"response": answer} if len(runs) <= 2 and runs[0] else {"response": answer, "order": runs},
        id=f"{user}:response",
        role="assistant",
        timestamp=_answered_at(request),
        content=made.parts,
        derived=made.derived,
        json_texts=made.json_texts,
        model=_model(request),
        status=status,
        usage=_usage(request),
        inactive=inactive,
    )


def _prompt(request: dict[str, Any]) -> tuple[str | list[Part], dict[str, Json]]:
    """What the user sent: text, then what was attached; and the texts of the message that are pieces of it."""
    text = message_text(request)
    pieces = [piece for piece in as_list(as_dict(request.get("message")).get("parts")) if type(piece) is dict]
    attached: list[Part] = []
    for variable in as_list(as_dict(request.get("variableData")).get("variables")):
        attached += _attached(as_dict(variable))
    known = {part.get("uri") for part in attached}
    for piece in pieces:
        part = reference_to(piece.get("data"), piece.get("fullName")) if piece.get("kind") == "dynamic" else None
        if part is not None and part["uri"] not in known:
            attached.append(part)
    place = "content" if not attached and len(text) <= LONG else "content.0.text"
    derived: dict[str, Json] = {}
    start = 0
    for piece in pieces:
        said = piece.get("text")
        if type(said) is str and 40 < len(said) < len(text) and (at := text.find(said, start)) >= 0:
            start = at + len(said)
            derived.setdefault(said, slice_of(place, at, start))
    if place == "content":
        return text, derived
    return [*([{"type": "text", "text": text}] if text else []), *attached], derived if text else {}


def _attached(variable: dict[str, Any]) -> Iterator[Part]:
    """The parts of one attachment; none for what only switches tools and modes."""
    kind, value, name = variable.get("kind"), variable.get("value"), variable.get("name")
    if kind == "implicit" and variable.get("enabled") is False:
        return
    values = [value, *(as_dict(item).get("value") for item in as_list(variable.get("values")))]
    if kind == "image":
        image = image_part(value, variable.get("mimeType"))
        if image is not None:
            yield {**image, "name": name} if type(name) is str and name else image
            return
        values += [as_dict(item).get("reference") for item in as_list(variable.get("references"))]
    if kind == "paste" and type(variable.get("code")) is str:
        yield {"type": "text", "text": variable["code"]}
        return
    for item in values:
        part = reference_to(item, name)
        if part is not None:
            yield part


def _status(request: dict[str, Any]) -> str | None:
    state = as_dict(request.get("modelState")).get("value")
    if type(state) is int:
        return _STATES.get(state)
    if request.get("isCanceled") is True:
        return "interrupted"
    details = as_dict(as_dict(request.get("result")).get("errorDetails"))
    details = details or as_dict(request.get("responseErrorDetails"))
    if not details:
        return None
    return "interrupted" if details.get("code") == "canceled" else "failed"


def _answered_at(request: dict[str, Any]) -> str | None:
    """When the answer was complete; where that is not said, when it began."""
    completed = times.iso(as_dict(request.get("modelState")).get("completedAt"))
    if completed is not None:
        return completed
    elapsed: Any = as_dict(as_dict(request.get("result")).get("timings")).get("totalElapsed")
    asked: Any = request.get("timestamp")
    if type(asked) in (int, float) and asked > 1e11 and type(elapsed) in (int, float) and 0 <= elapsed < 1e10:
        return times.iso(asked + elapsed)
    return times.iso(request.get("responseTimestamp"))


def _model(request: dict[str, Any]) -> str | None:
    metadata = as_dict(as_dict(request.get("result")).get("metadata"))
    for model in (request.get("modelId"), metadata.get("resolvedModel")):
        if type(model) is str and model:
            return model
    return None


def _usage(request: dict[str, Any]) -> dict[str, Json] | None:
    metadata = as_dict(as_dict(request.get("result")).get("metadata"))
    usage: dict[str, Json] = {}
    for name, counts in (
        ("input_tokens", (request.get("promptTokens"), metadata.get("promptTokens"))),
        ("output_tokens", (request.get("completionTokens"), metadata.get("outputTokens"))),
    ):
        count = next((count for count in counts if type(count) in (int, float)), None)
        if count is not None:
            usage[name] = count
    return usage or None


def requests_of(session: Session, load: Load) -> list[bytes]:
    """The JSON texts of the requests that stand in a session. Raises KeyError where an attachment is missing."""
    made: list[bytes | dict[str, Any]] = []
    asked: dict[str, dict[str, Any] | None] = {}
    for message in session.messages:
        record = unfold(message, load) if message.native is not None else None
        if type(record) is not dict or not record:
            continue
        kind = next(iter(record))
        if kind == "response":
            above = message.after if message.after in asked else message.id.removesuffix(":response")
            request = asked.get(above or "")
            if request is not None:
                _rejoin(request, record)
        elif kind in ("request", "undone", "unread"):
            request = _standing(message, kind, record[kind], made, load)
            if message.role == "user":
                asked[message.id] = request
    return [request if isinstance(request, bytes) else jsonio.dumps(request) for request in made]


def _standing(
    message: Message, kind: str, value: Any, made: list[bytes | dict[str, Any]], load: Load
) -> dict[str, Any] | None:
    """Append a request to those that stand, if it does; returned where its answer is to be put in."""
    if message.inactive and kind != "undone":
        return None
    if kind == "unread":
        made.append(kept_line(value, load) or b"null")
        return None
    if type(value) is not dict:
        made.append(jsonio.dumps(value))
        return None
    made.append(value)
    return value


def _rejoin(request: dict[str, Any], record: dict[str, Any]) -> None:
    """Put an answer's keys back into its request, in their old places."""
    answer, order = record["response"], record.get("order")
    if type(answer) is not dict:
        return
    sides = (iter([*request.items()]), iter(answer.items()))
    request.clear()
    for number, count in enumerate(order if type(order) is list else ()):
        for _ in range(count if type(count) is int else 0):
            item = next(sides[number % 2], None)
            if item is not None:
                request[item[0]] = item[1]
    for side in sides:
        request.update(side)

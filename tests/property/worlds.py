"""Sessions small enough that their versions collide: few ids, few texts, everything that can be in a file.

A message, a header, a change is one number each, taken apart by `Choice`: drawn fast, and shrunk towards the plain.
"""

from hypothesis import strategies as st

from chasm_git.session import codec
from chasm_git.session.join import State, tombstone
from chasm_git.session.model import Message, Session

IDS = "abcd"
CALL = {"type": "tool_call", "id": "c", "name": "Bash", "arguments": {"command": "ls\npwd"}}
BEYOND = "<<<<<<< ours\n=======\n"
CONTENTS = [
    *("a", "", "ab", "abc", "x", "a", "xy", "y", "ab", "", "line\nline", "line\nline two", BEYOND, "\0\r\n\ud800"),
    [CALL],
    [CALL, {"type": "tool_result", "id": "c", "content": ""}],
    [CALL, {"type": "tool_result", "id": "c", "content": "ok"}],
    [{"type": "text", "text": "a"}],
    [{"type": "text", "text": "ab"}, CALL],
    [{"type": "text", "text": {"$attachment": "0" * 64 + ".txt", "bytes": 70000, "preview": "a"}}],
    [{"type": "text", "text": {"$attachment": "1" * 64 + ".txt", "bytes": 70001, "preview": "a"}}],
]
NATIVES = [
    None,
    {"k": 1},
    {"k": 1, "l": 2},
    {"k": 2},
    {"k": None, "l": ""},
    {"l": 2, "k": 1},
    {"l": [1]},
    {"l": [1, 2]},
]
NEAR = [f"2026-01-08T12:00:0{second}.000Z" for second in range(3)]
TIMES = [*NEAR, *NEAR, None, "1970-01-01T00:00:00.000Z", "2093-05-05T05:05:05.005Z"]
"""Often equal, and some from a clock that is years off."""
EXTRAS = [{}, {}, {}, {}, {"revision": 1}, {"revision": 2}, {"new": 1}]
WORDS = ["t", "t1", "t2", "u", "two\nlines"]
DECIDED = {
    "title": [
        {"value": "t", "by": "user", "revision": 1},
        {"value": "t1", "revision": 1},
        {"value": "t", "over": True},
        {"value": "t1", "by": "user", "over": True},
    ],
    "zoom": [{"value": 1, "over": True}, {"value": 2, "revision": 2}, {"value": 2, "over": True}],
}
MOST = 2**64


class Choice:
    """A number as a row of choices."""

    def __init__(self, number):
        self.left = number

    def of(self, values):
        self.left, at = divmod(self.left, len(values))
        return values[at]

    def one_in(self, count):
        self.left, at = divmod(self.left, count)
        return at == count - 1


numbers = st.integers(0, MOST)


def body(choice, identity="?"):
    """Every other one is plain, so that those of two sides are often the same."""
    if choice.one_in(2):
        made = Message(identity, "user", NEAR[0], choice.of(["a", "ab", "x", "xy", "y", ""]))
        made.native = choice.of([None, None, None, {"l": [1]}, {"l": [1, 2]}])
        made.status = choice.of([None, None, None, "partial"])
        made.extra = dict(choice.of([{}, {}, {}, {"revision": 1}, {"new": 1}]))
        return made
    return Message(
        identity,
        choice.of(["user", "user", "assistant", "event"]),
        choice.of(TIMES),
        choice.of(CONTENTS),
        status=choice.of([None, None, None, "partial", "interrupted"]),
        inactive=choice.one_in(3),
        native=choice.of(NATIVES),
        extra=dict(choice.of(EXTRAS)),
    )


def value(number):
    """A body as it stands in `variants` and `replaced`."""
    return State.of(body(Choice(number))).shown[0].value()


@st.composite
def messages(draw, identity, history=True):
    """One message with everything a merge may have left in it."""
    choice = Choice(draw(numbers))
    anchor, is_gone, has_history = choice.of([None, *IDS]), choice.one_in(10), choice.one_in(3)
    made = body(choice, identity)
    made.after = anchor
    if is_gone:
        return tombstone(made)
    if history and has_history:
        made.variants = [value(number) for number in draw(st.lists(numbers, max_size=2))]
        made.replaced = [value(number) for number in draw(st.lists(numbers, max_size=2))]
        made = State.of(made).message(anchor)
    return made


def header(number, losers=True):
    """A header with what people, providers and newer versions put there."""
    choice = Choice(number)
    made = Session("s", "codex", title=choice.of([*WORDS, None, None]))
    extra = {"title_by": "user"} if choice.one_in(2) and made.title is not None else {}
    made.workspace = choice.of([None, "/w", "/w", "/v"])
    made.created_at = choice.of(TIMES)
    made.git = choice.of([None, {"branch": "main"}, {"branch": "dev", "commit": "1"}, {"commit": "2"}])
    made.native = choice.of([None, None, {"tail": {"$line": "{"}}, {"k": 1}, {"k": None}, {"l": [1]}, [1]])
    made.tags = [tag for tag in "pqr" if choice.one_in(2)]
    notes = choice.of([None, None, *WORDS[:2], WORDS[:2], WORDS[2:]])
    unknown = choice.of([None, 1, 2, 1, 2, {"a": 1}, "x"])
    extra |= {name: found for name, found in (("notes", notes), ("zoom", unknown)) if found is not None}
    name, has_losers = choice.of(["title", "zoom"]), choice.one_in(4)
    if losers and has_losers and (made.title is not None if name == "title" else name in extra):
        extra["alternatives"] = {name: [choice.of(WORDS), choice.of(WORDS)][: choice.of([1, 2])]}
    if choice.one_in(6):
        key = choice.of(["title", "zoom"])
        extra["decided"] = {key: [choice.of(DECIDED[key])]}
    made.extra = extra
    return made


@st.composite
def versions(draw, history=True, losers=True, about="all"):
    """One version of a session, as its file.

    Args:
        about: ``all``; ``header``: no messages; ``message``: one, and a header that is always the same.
    """
    made = header(draw(numbers), losers) if about != "message" else Session("s", "codex")
    chosen = draw(st.lists(st.sampled_from(IDS), unique=True, max_size=len(IDS))) if about == "all" else ""
    made.messages = [draw(messages(identity, history)) for identity in ("a" if about == "message" else chosen)]
    return codec.dumps(made)


topics = st.sampled_from(["all", "message", "message", "header"])


def message_of(data, identity):
    """One message of a file; None where it has none."""
    return next((message for message in codec.loads(data).messages if message.id == identity), None)


@st.composite
def descendants(draw, base, history=True, removes=True, about="all"):
    """A version that comes from another one: most of it as it was."""
    made = codec.loads(base)
    choice = Choice(draw(numbers))
    if about != "message":
        other = header(draw(numbers))
        for name in ("title", "workspace", "git", "native", "tags", "extra"):
            if choice.one_in(4):
                setattr(made, name, getattr(other, name))
    for identity in {"all": IDS, "message": "a", "header": ""}[about]:
        is_new, is_gone = choice.one_in(2), choice.one_in(4)
        if is_new:
            made.messages = [message for message in made.messages if message.id != identity]
        if is_new and not (removes and is_gone):
            made.messages.append(draw(messages(identity, history)))
    return codec.dumps(made)


@st.composite
def forks(draw, count, history=True):
    """A base and so many versions that come from it."""
    about = draw(topics)
    base = draw(versions(history, losers=False, about=about))
    return base, *(draw(descendants(base, history, about=about)) for _ in range(count))


@st.composite
def strangers(draw, count):
    """No base (None, or git's empty file) and so many versions that have nothing but the session in common."""
    about = draw(topics)
    return draw(st.sampled_from([None, b""])), *(draw(versions(about=about)) for _ in range(count))


@st.composite
def harvests(draw):
    """What a provider held, two archives that come from it, and what it holds now."""
    about = draw(topics)
    base = _a_providers(draw(versions(history=False, losers=False, about=about)))
    fresh = _a_providers(draw(descendants(base, history=False, about=about)))
    archives = [draw(descendants(base, removes=False, about=about)) for _ in range(2)]
    return base, *archives, fresh


def _a_providers(data):
    """A version without what only archives hold."""
    made = codec.loads(data)
    made.messages = [message for message in made.messages if not message.deleted]
    for message in made.messages:
        message.extra.pop("revision", None)
    made.tags = []
    for name in ("alternatives", "decided", "notes"):
        made.extra.pop(name, None)
    return codec.dumps(made)

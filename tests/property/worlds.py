"""Sessions small enough that their versions collide: few ids, few texts, everything that can be in a file."""

from hypothesis import strategies as st

from chasm_git.session import codec
from chasm_git.session.join import State, tombstone
from chasm_git.session.model import Message, Session

IDS = "abcd"
TEXTS = ["", "a", "ab", "abc", "x", "xy", "line\nline", "line\nline two", "<<<<<<< ours\n=======\n", "\0\r\n\ud800"]
NATIVES = [None, {"k": 1}, {"k": 1, "l": 2}, {"k": 2}, {"k": None, "l": ""}, {"l": 2, "k": 1}]
CALL = {"type": "tool_call", "id": "c", "name": "Bash", "arguments": {"command": "ls\npwd"}}
PARTS = [
    [CALL],
    [CALL, {"type": "tool_result", "id": "c", "content": ""}],
    [CALL, {"type": "tool_result", "id": "c", "content": "ok"}],
    [{"type": "text", "text": "a"}],
    [{"type": "text", "text": "ab"}, CALL],
    [{"type": "text", "text": {"$attachment": "0" * 64 + ".txt", "bytes": 70000, "preview": "a"}}],
    [{"type": "text", "text": {"$attachment": "1" * 64 + ".txt", "bytes": 70001, "preview": "a"}}],
]


def seconds(least=0, most=3):
    """Times that are often equal, and some from a clock that is years off."""
    near = st.integers(least, most).map(lambda n: f"2026-01-08T12:00:0{n}.000Z")
    return st.one_of(near, near, st.sampled_from([None, "1970-01-01T00:00:00.000Z", "2093-05-05T05:05:05.005Z"]))


contents = st.one_of(st.sampled_from(TEXTS), st.sampled_from(TEXTS), st.sampled_from(PARTS))
bodies = st.builds(
    Message,
    id=st.just("?"),
    role=st.sampled_from(["user", "user", "assistant", "event"]),
    timestamp=seconds(),
    content=contents,
    status=st.sampled_from([None, None, None, "partial", "interrupted"]),
    inactive=st.sampled_from([False, False, True]),
    native=st.sampled_from(NATIVES),
    extra=st.sampled_from([{}, {}, {}, {}, {"revision": 1}, {"revision": 2}, {"new": 1}]),
)


def value(message):
    """A body as it stands in `variants` and `replaced`."""
    return State([*State.of(message).shown[:1]], []).shown[0].value()


@st.composite
def messages(draw, identity, history=True):
    """One message with everything a merge may have left in it."""
    made = draw(bodies)
    made.id = identity
    made.after = draw(st.sampled_from([None, *IDS]))
    if draw(st.integers(0, 9)) == 0:
        return tombstone(made)
    if history and draw(st.integers(0, 2)) == 0:
        made.variants = [value(body) for body in draw(st.lists(bodies, max_size=2))]
        made.replaced = [value(body) for body in draw(st.lists(bodies, max_size=2))]
        made = State.of(made).message(made.after)
    return made


words = st.sampled_from(["t", "t1", "t2", "u", "two\nlines"])


@st.composite
def headers(draw, losers=True):
    """A header with what people, providers and newer versions put there."""
    made = Session("s", "codex", title=draw(st.one_of(st.none(), words)))
    extra = {}
    if made.title is not None and draw(st.booleans()):
        extra["title_by"] = "user"
    made.workspace = draw(st.sampled_from([None, "/w", "/w", "/v"]))
    made.created_at = draw(seconds())
    made.git = draw(st.sampled_from([None, {"branch": "main"}, {"branch": "dev", "commit": "1"}, {"commit": "2"}]))
    made.native = draw(st.sampled_from([None, None, {"tail": {"$line": "{"}}, {"k": 1}, {"k": None}, {"l": [1]}, [1]]))
    made.tags = sorted(draw(st.sets(st.sampled_from("pqr"))))
    notes = draw(st.one_of(st.none(), words, st.lists(words, unique=True, min_size=2).map(sorted)))
    unknown = draw(st.sampled_from([None, None, 1, 2, {"a": 1}, "x"]))
    extra |= {name: found for name, found in (("notes", notes), ("zoom", unknown)) if found is not None}
    if losers and draw(st.integers(0, 4)) == 0:
        name = draw(st.sampled_from(["title", "zoom"]))
        if made.title is not None if name == "title" else name in extra:
            extra["alternatives"] = {name: draw(st.lists(words, min_size=1, max_size=2))}
    made.extra = extra
    return made


@st.composite
def versions(draw, history=True, losers=True):
    """One version of a session, as its file."""
    made = draw(headers(losers=losers))
    chosen = draw(st.lists(st.sampled_from(IDS), unique=True, max_size=len(IDS)))
    made.messages = [draw(messages(identity, history)) for identity in chosen]
    return codec.dumps(made)


def message_of(data, identity):
    """One message of a file; None where it has none."""
    return next((message for message in codec.loads(data).messages if message.id == identity), None)


@st.composite
def descendants(draw, base, history=True, removes=True):
    """A version that comes from another one: most of it as it was."""
    made = codec.loads(base)
    header = draw(headers())
    for name in draw(st.sets(st.sampled_from(["title", "workspace", "git", "native", "tags", "extra"]), max_size=2)):
        setattr(made, name, getattr(header, name))
    for identity in draw(st.sets(st.sampled_from(IDS), max_size=2)):
        kept = [message for message in made.messages if message.id != identity]
        if removes and draw(st.integers(0, 3)) == 0:
            made.messages = kept
        else:
            made.messages = [*kept, draw(messages(identity, history))]
    return codec.dumps(made)


@st.composite
def forks(draw, count, history=True):
    """A base and so many versions that come from it."""
    base = draw(versions(history, losers=False))
    return base, *(draw(descendants(base, history)) for _ in range(count))


@st.composite
def harvests(draw):
    """What a provider held, two archives that come from it, and what it holds now."""
    base = draw(versions(history=False, losers=False).filter(_is_a_providers))
    fresh = draw(descendants(base, history=False).filter(_is_a_providers))
    archives = [draw(descendants(base, removes=False)) for _ in range(2)]
    return base, *archives, fresh


def _is_a_providers(data):
    return b"deleted: true" not in data and b"revision: " not in data

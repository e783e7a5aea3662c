"""Sessions of every shape, for hypothesis."""

from hypothesis import strategies as st

from chasm_git.session.model import Message, Session
from chasm_git.session.order import ordered

_odd = st.sampled_from(
    [
        "",
        " ",
        "\n",
        "\n\n",
        "  a\n",
        "a\n ",
        "a\n\n",
        "\ta\n\tb",
        "a: b",
        "a #b",
        "- a",
        "# a",
        "null",
        "Yes",
        "1e3",
        "0x1F",
        "~",
        "2026-01-08",
        "2026-01-08T12:00:00.000Z",
        "12345678-1234-4234-8234-123456789012",
        "a\r\nb",
        "a\x00\nb",
        "\x7f\x85\n",
        "\u2028\nx",
        "\ufeff\nx",
        "�",
        "�\nx",
        "👩\u200d💻\nflags 🇯🇵",
        "'q'",
        '"q"\n"',
        "a\\nb",
        "a\\\nb",
        "|\n",
        ">-\n x",
        "---\n",
        "...\nx",
        "messages:\n- id: x",
        "\n- id: y\n",
        "<<<<<<< ours\n=======\n",
        " \n \n",
        "a\n\n\n\nb",
        "\n\n  a",
        "é" * 40,
        "x" * 80,
        "% TAG",
        "@a",
        "`a",
    ]
)
# a high surrogate before a low one is one character in every encoding; JSON cannot keep the two apart
texts = st.one_of(
    st.text(max_size=40), _odd, st.lists(st.one_of(st.text(max_size=12), _odd), max_size=5).map("\n".join)
).map(lambda s: s.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass"))
keys = st.one_of(
    st.sampled_from(["a", "text", "type", "$", "$mid", "", "1", "null", "a b", "k:", "?", "-", "x" * 1100]),
    st.text(max_size=8),
).map(lambda s: s.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass"))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=12,
)
parts = st.dictionaries(keys, values, max_size=3).flatmap(
    lambda rest: st.sampled_from(["text", "thinking", "tool_call"]).map(lambda kind: {"type": kind, **rest})
)
ids = st.one_of(st.uuids(version=4).map(str), st.sampled_from(["a", "b", "c", "d", "1", "null", "x y", "\n", "é"]))
times = st.one_of(st.none(), st.integers(0, 9).map(lambda n: f"2026-01-08T12:00:0{n}.000Z"))
_known = {*Message.__slots__, *Session.__slots__} | {"chasm", "messages"}
extras = st.dictionaries(keys.filter(lambda k: k not in _known), values, max_size=2)


def _message(identity, after):
    return st.builds(
        Message,
        id=st.just(identity),
        role=st.sampled_from(["user", "assistant", "system", "tool", "event"]),
        timestamp=times,
        content=st.one_of(texts, st.lists(parts, min_size=1, max_size=3)),
        after=after,
        turn=st.one_of(st.none(), texts),
        model=st.one_of(st.none(), st.just("claude-sonnet-4-5"), texts),
        status=st.sampled_from([None, "partial", "interrupted", "failed"]),
        injected=st.booleans(),
        sidechain=st.booleans(),
        inactive=st.booleans(),
        file=st.one_of(st.none(), texts),
        usage=st.one_of(st.none(), st.dictionaries(keys, st.integers(0, 10**6), max_size=2)),
        native=values,
        extra=extras,
    )


@st.composite
def messages(draw):
    """A set of messages with any anchors (chains, branches, dangling, cycles), in their derived order."""
    names = draw(st.lists(ids, unique=True, max_size=6))
    made = []
    for number, name in enumerate(names):
        above = names[number - 1] if number else None
        made.append(draw(_message(name, st.one_of(st.just(above), st.just(above), st.none(), ids))))
    return list(ordered(made))


sessions = st.builds(
    Session,
    id=ids,
    provider=st.sampled_from(["claude-code", "codex"]),
    title=st.one_of(st.none(), texts),
    workspace=st.one_of(st.none(), texts),
    created_at=times,
    parent=st.one_of(st.none(), ids),
    forked_from=st.one_of(st.none(), ids),
    git=st.one_of(st.none(), st.dictionaries(keys, texts, max_size=2)),
    tags=st.lists(texts, unique=True, max_size=3).map(sorted),
    native=values,
    extra=extras,
    messages=messages(),
)
